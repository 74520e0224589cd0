"""What planning needs of registers and peers; ``peers`` has the HTTP side of it.

A definite answer is a value, whatever it says. Silence is ``PeerUnreachable``: the fate of what was
asked is then not known.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tansiq.domain.placement import Confirmed, Outcome
from tansiq.f3548 import wire
from tansiq.storage.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a register answered to a write."""

    outcome: Outcome
    reference: wire.OperationalIntentReference | wire.ConstraintReference | None = None
    subscribers: tuple[wire.SubscriberToNotify, ...] = ()
    missing_intents: tuple[wire.OperationalIntentReference, ...] = ()
    missing_constraints: tuple[wire.ConstraintReference, ...] = ()
    gone: tuple[str, ...] = ()
    """Entities that we took to stand there, and that do not."""
    ignored: tuple[str, ...] = ()
    """Blockers that stand there and do not count: Accepted, and their manager is marked Down."""
    problem: str | None = None

    @property
    def missing_ids(self) -> tuple[str, ...]:
        """Ids of all that the key did not name."""
        intents = tuple(reference.id for reference in self.missing_intents)
        return intents + tuple(reference.id for reference in self.missing_constraints)

    @property
    def confirmed(self) -> Confirmed | None:
        """What came with a 2xx to a create or update of an intent."""
        reference = self.reference
        if not isinstance(reference, wire.OperationalIntentReference):
            return None
        return Confirmed(
            ovn=reference.ovn or "",
            version=reference.version,
            subscription_id=reference.subscription_id,
        )


class RegisterPort(Protocol):
    """One register of the agreement, over the network or in our own node.

    All methods raise ``PeerUnreachable`` for silence, ``PeerRefused`` for a refusal that is no
    outcome of the state table (wrong token, wrong agreement), ``PeerMalformed`` for nonsense.
    """

    async def get_intent(self, intent_id: str) -> wire.OperationalIntentReference | None: ...

    async def put_intent(
        self,
        intent_id: str,
        ovn: str | None,
        parameters: wire.PutOperationalIntentReferenceParameters,
    ) -> Written: ...

    async def delete_intent(self, intent_id: str, ovn: str) -> Written: ...

    async def query_intents(
        self, area: wire.Volume4D
    ) -> tuple[wire.OperationalIntentReference, ...]: ...

    async def get_constraint(self, constraint_id: str) -> wire.ConstraintReference | None: ...

    async def put_constraint(
        self, constraint_id: str, ovn: str | None, parameters: wire.PutConstraintReferenceParameters
    ) -> Written: ...

    async def delete_constraint(self, constraint_id: str, ovn: str) -> Written: ...

    async def query_constraints(
        self, area: wire.Volume4D
    ) -> tuple[wire.ConstraintReference, ...]: ...

    async def put_subscription(
        self, subscription_id: str, version: str | None, parameters: wire.PutSubscriptionParameters
    ) -> wire.PutSubscriptionResponse: ...

    async def get_subscription(self, subscription_id: str) -> wire.Subscription | None: ...

    async def report(self, report: wire.ErrorReport) -> None:
        """File a report of trouble."""
        ...


class PeerPort(Protocol):
    """Other managers, by the base URL in their references."""

    async def intent_details(self, base_url: str, intent_id: str) -> wire.OperationalIntent: ...

    async def constraint_details(self, base_url: str, constraint_id: str) -> wire.Constraint: ...

    async def intent_telemetry(
        self, base_url: str, intent_id: str
    ) -> wire.GetOperationalIntentTelemetryResponse: ...

    async def notify(self, base_url: str, kind: str, body: bytes) -> None:
        """Deliver a notification; ``kind`` is ``intent`` or ``constraint``."""
        ...

    async def report(self, base_url: str, report: wire.ErrorReport) -> None:
        """Tell a manager of trouble with it."""
        ...


class LocalRegister(Protocol):
    """The register in our own node, inside the planner's transaction."""

    async def own_ovn(self, tx: Tx, intent_id: str) -> str | None:
        """Return the OVN of our own reference, or None if it is not there."""
        ...

    async def unjudged(
        self,
        tx: Tx,
        intent_id: str,
        extents: tuple[wire.Volume4D, ...],
        judged: Mapping[str, str],
        blocking: Collection[str],
    ) -> Written | None:
        """Compare what is relevant to ``extents`` with what was judged (entity id -> OVN).

        Returns None if all of it was judged in its present version and all that blocks is there;
        else MISSING with the references that were not, in ``gone`` the blockers that are not, and
        in ``ignored`` those that do not count.
        """
        ...

    async def put(
        self,
        tx: Tx,
        intent_id: str,
        ovn: str | None,
        parameters: wire.PutOperationalIntentReferenceParameters,
        now: datetime,
    ) -> Written: ...

    async def delete(self, tx: Tx, intent_id: str, ovn: str, now: datetime) -> Written: ...
