"""Nodes that break one rule of direct mode each: what the races and schedules must catch.

Each function breaks a wired node before it starts.
"""

from collections.abc import Callable

import msgspec

from tansiq.domain.placement import Outcome, View
from tansiq.f3548 import wire
from tansiq.node import Node
from tansiq.peers.register_client import RegisterClient
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.planner import Place
from tansiq.services.planning.ports import Written
from tansiq.services.planning.records import Records

Alter = Callable[[Node], None]


def _others(node: Node) -> list[Place]:
    return [place for place in node.planner.places if not place.local]


class _NeverThere(RegisterClient):
    """F9: takes every write for accepted and never visits the register."""

    def __init__(self, node: Node, place: Place) -> None:
        super().__init__(node.link, place.register.url, node.settings.limits)
        self._party = node.settings.party
        self._mine: dict[str, wire.OperationalIntentReference] = {}

    async def get_intent(self, intent_id: str) -> wire.OperationalIntentReference | None:
        return self._mine.get(intent_id)

    async def put_intent(
        self,
        intent_id: str,
        ovn: str | None,
        parameters: wire.PutOperationalIntentReferenceParameters,
    ) -> Written:
        before = self._mine.get(intent_id)
        version = 1 if before is None else before.version + 1
        reference = wire.OperationalIntentReference(
            id=intent_id,
            manager=self._party,
            uss_availability="Unknown",
            version=version,
            state=parameters.state,
            ovn=f"never-written-{intent_id}-{version}",
            time_start=parameters.extents[0].time_start,
            time_end=parameters.extents[0].time_end,
            uss_base_url=parameters.uss_base_url,
            subscription_id=parameters.subscription_id or "",
        )
        self._mine[intent_id] = reference
        return Written(outcome=Outcome.OK, reference=reference)

    async def delete_intent(self, intent_id: str, ovn: str) -> Written:
        reference = self._mine.pop(intent_id, None)
        return Written(outcome=Outcome.OK, reference=reference)

    async def query_intents(
        self, area: wire.Volume4D
    ) -> tuple[wire.OperationalIntentReference, ...]:
        return tuple(self._mine.values())


def skip_others(node: Node) -> None:
    """F9: neither side visits the other's register."""
    for place in _others(node):
        place.port = _NeverThere(node, place)


class _Adopts(RegisterClient):
    """F6: where our entry stands already, a re-read is taken for the acceptance of a write."""

    async def put_intent(
        self,
        intent_id: str,
        ovn: str | None,
        parameters: wire.PutOperationalIntentReferenceParameters,
    ) -> Written:
        if ovn is not None and (found := await self.get_intent(intent_id)) is not None:
            return Written(outcome=Outcome.OK, reference=found)
        return await super().put_intent(intent_id, ovn, parameters)


def adopt_on_reread(node: Node) -> None:
    """F6: what a re-read shows is adopted."""
    for place in _others(node):
        place.port = _Adopts(node.link, place.register.url, node.settings.limits)


class _OldVolumes(Records):
    """F10: a new OVN is served with the volumes of the first."""

    def __init__(self, node: Node) -> None:
        super().__init__(node.agreement, node.settings.party)
        self._first: dict[tuple[str, str], wire.OperationalIntentDetails] = {}

    def own_intent(
        self,
        book: Book,
        plan: Plan,
        register: str,
        view: View[Claim],
        reference: wire.OperationalIntentReference,
    ) -> wire.OperationalIntent:
        intent = super().own_intent(book, plan, register, view, reference)
        old = self._first.setdefault((plan.intent_id, register), intent.details)
        return msgspec.structs.replace(intent, details=old)


def serve_old_volumes(node: Node) -> None:
    """F10: OVN and volumes are not of one write."""
    node.planner.steps.records = _OldVolumes(node)
