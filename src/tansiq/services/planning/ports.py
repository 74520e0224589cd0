"""What planning needs of registers and peers; ``peers`` has the HTTP side of it.

A definite answer is a value, whatever it says. Silence is ``PeerUnreachable``: the fate of what was
asked is then not known.
"""

from dataclasses import dataclass
from typing import Protocol

from tansiq.domain.placement import Outcome
from tansiq.f3548 import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a register answered to a write."""

    outcome: Outcome
    reference: wire.OperationalIntentReference | wire.ConstraintReference | None = None
    subscribers: tuple[wire.SubscriberToNotify, ...] = ()
    missing_intents: tuple[wire.OperationalIntentReference, ...] = ()
    missing_constraints: tuple[wire.ConstraintReference, ...] = ()
    problem: str | None = None

    @property
    def confirmed(self) -> tuple[str, int, str]:
        """OVN, version and subscription id of a 2xx."""
        reference = self.reference
        if reference is None:
            return ("", 0, "")
        subscription = getattr(reference, "subscription_id", "")
        return (reference.ovn or "", reference.version, subscription)


class RegisterPort(Protocol):
    """One register of the agreement, over the network.

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


class PeerPort(Protocol):
    """Other managers, by the base URL in their references."""

    async def intent_details(self, base_url: str, intent_id: str) -> wire.OperationalIntent: ...

    async def constraint_details(self, base_url: str, constraint_id: str) -> wire.Constraint: ...

    async def notify(self, base_url: str, kind: str, body: bytes) -> None:
        """Deliver a notification; ``kind`` is ``intent`` or ``constraint``."""
        ...
