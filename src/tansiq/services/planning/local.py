"""The register in our own node, for the planner: inside its transactions, and as a plain port.

Answers are ``Written`` values as over the network. The register checks before it writes, so an
answer that is no 2xx has changed nothing in the transaction.
"""

from collections.abc import Awaitable, Collection, Mapping
from datetime import datetime
from typing import TypeVar

from tansiq.clock import Clock
from tansiq.domain.intent import EntityID, IntentState
from tansiq.domain.placement import Outcome
from tansiq.errors import (
    BadInput,
    Forbidden,
    NotFound,
    PeerRefused,
    StateConflict,
    TansiqError,
    UssDown,
)
from tansiq.f3548 import convert, wire
from tansiq.services.planning.ports import Written
from tansiq.services.register import AirspaceConflict, Caller, Register
from tansiq.services.register.values import constraint_reference, intent_reference
from tansiq.storage.cells import cover
from tansiq.storage.constraints import Constraints
from tansiq.storage.intents import Intents
from tansiq.storage.store import Tx

T = TypeVar("T")

_DOWN = wire.UssAvailabilityState.DOWN
_ACCEPTED = IntentState.ACCEPTED


class OwnRegister:
    """Satisfies ``ports.LocalRegister`` and ``ports.RegisterPort``."""

    def __init__(self, register: Register, caller: Caller, clock: Clock) -> None:
        self._register = register
        self._caller = caller
        self._clock = clock

    # ---- inside the planner's transaction

    async def own_ovn(self, tx: Tx, intent_id: str) -> str | None:
        """Return the OVN of our own reference, or None if it is not there."""
        row = await Intents(tx).get(intent_id)
        return row.ovn if row is not None and row.manager == self._caller.id else None

    async def unjudged(
        self,
        tx: Tx,
        intent_id: str,
        extents: tuple[wire.Volume4D, ...],
        judged: Mapping[str, str],
        blocking: Collection[str],
    ) -> Written | None:
        """Compare what is relevant to ``extents`` with what was judged; see ``ports``."""
        where = cover([convert.area(v, f"extents[{i}]") for i, v in enumerate(extents)])
        intents = await Intents(tx).find(where, besides=intent_id)
        constraints = await Constraints(tx).find(where)
        viewer = self._caller.id
        idle = {r.id for r in intents if r.availability == _DOWN and r.state == _ACCEPTED}
        new_intents = [r for r in intents if judged.get(r.id) != r.ovn and r.id not in idle]
        new_constraints = [r for r in constraints if judged.get(r.id) != r.ovn]
        present = {row.id for row in intents} | {row.id for row in constraints}
        gone = tuple(entity for entity in blocking if entity not in present)
        ignored = tuple(entity for entity in blocking if entity in idle)
        if not new_intents and not new_constraints and not gone and not ignored:
            return None
        return Written(
            outcome=Outcome.MISSING,
            missing_intents=tuple(intent_reference(row, viewer) for row in new_intents),
            missing_constraints=tuple(constraint_reference(row, viewer) for row in new_constraints),
            gone=gone,
            ignored=ignored,
        )

    async def put(
        self,
        tx: Tx,
        intent_id: str,
        ovn: str | None,
        parameters: wire.PutOperationalIntentReferenceParameters,
        now: datetime,
    ) -> Written:
        """Create or update inside the caller's transaction."""

        async def act() -> wire.ChangeOperationalIntentReferenceResponse:
            write = self._register.read_intent(self._caller, intent_id, ovn, parameters, now)
            return await self._register.put_intent_tx(tx, write)

        return await _written(act(), creating=ovn is None)

    async def delete(self, tx: Tx, intent_id: str, ovn: str, now: datetime) -> Written:
        """Delete inside the caller's transaction."""
        entity = EntityID(intent_id)
        deleting = self._register.delete_intent_tx(tx, self._caller, entity, ovn, now)
        return await _written(deleting, creating=False)

    # ---- as a port, for what needs no larger transaction

    async def get_intent(self, intent_id: str) -> wire.OperationalIntentReference | None:
        try:
            answer = await self._register.get_intent(self._caller, intent_id)
        except NotFound:
            return None
        return answer.operational_intent_reference

    async def put_intent(
        self,
        intent_id: str,
        ovn: str | None,
        parameters: wire.PutOperationalIntentReferenceParameters,
    ) -> Written:
        now = self._clock.now()
        putting = self._register.put_intent(self._caller, intent_id, ovn, parameters, now)
        return await _written(putting, creating=ovn is None)

    async def delete_intent(self, intent_id: str, ovn: str) -> Written:
        now = self._clock.now()
        deleting = self._register.delete_intent(self._caller, intent_id, ovn, now)
        return await _written(deleting, creating=False)

    async def query_intents(
        self, area: wire.Volume4D
    ) -> tuple[wire.OperationalIntentReference, ...]:
        answer = await _asked(self._register.query_intents(self._caller, area))
        return answer.operational_intent_references

    async def get_constraint(self, constraint_id: str) -> wire.ConstraintReference | None:
        try:
            answer = await self._register.get_constraint(self._caller, constraint_id)
        except NotFound:
            return None
        return answer.constraint_reference

    async def put_constraint(
        self, constraint_id: str, ovn: str | None, parameters: wire.PutConstraintReferenceParameters
    ) -> Written:
        now = self._clock.now()
        putting = self._register.put_constraint(self._caller, constraint_id, ovn, parameters, now)
        return await _written(putting, creating=ovn is None)

    async def delete_constraint(self, constraint_id: str, ovn: str) -> Written:
        now = self._clock.now()
        deleting = self._register.delete_constraint(self._caller, constraint_id, ovn, now)
        return await _written(deleting, creating=False)

    async def query_constraints(self, area: wire.Volume4D) -> tuple[wire.ConstraintReference, ...]:
        answer = await _asked(self._register.query_constraints(self._caller, area))
        return answer.constraint_references

    async def put_subscription(
        self, subscription_id: str, version: str | None, parameters: wire.PutSubscriptionParameters
    ) -> wire.PutSubscriptionResponse:
        now = self._clock.now()
        return await _asked(
            self._register.put_subscription(self._caller, subscription_id, version, parameters, now)
        )

    async def get_subscription(self, subscription_id: str) -> wire.Subscription | None:
        try:
            answer = await self._register.get_subscription(self._caller, subscription_id)
        except NotFound:
            return None
        return answer.subscription

    async def report(self, report: wire.ErrorReport) -> None:
        """Take no notice: nobody reports trouble to himself."""


async def _asked(asking: Awaitable[T]) -> T:
    """Await an answer of our own register as a peer would hear it."""
    try:
        return await asking
    except (BadInput, Forbidden, NotFound, StateConflict) as error:
        raise PeerRefused(f"our own register refuses: {error}", status=400) from error


async def _written(
    writing: Awaitable[
        wire.ChangeOperationalIntentReferenceResponse | wire.ChangeConstraintReferenceResponse
    ],
    *,
    creating: bool,
) -> Written:
    """Await a write and return its answer as a value."""
    try:
        response = await writing
    except AirspaceConflict as error:
        return Written(
            outcome=Outcome.MISSING,
            missing_intents=error.intents,
            missing_constraints=error.constraints,
            problem=str(error),
        )
    except (NotFound, StateConflict, BadInput, Forbidden) as error:
        return Written(outcome=_outcome(error, creating=creating), problem=str(error))
    reference = (
        response.operational_intent_reference
        if isinstance(response, wire.ChangeOperationalIntentReferenceResponse)
        else response.constraint_reference
    )
    return Written(outcome=Outcome.OK, reference=reference, subscribers=response.subscribers)


def _outcome(error: TansiqError, *, creating: bool) -> Outcome:
    if isinstance(error, NotFound):
        return Outcome.GONE
    if isinstance(error, UssDown):
        return Outcome.REFUSED
    if isinstance(error, StateConflict):
        return Outcome.EXISTS if creating else Outcome.STALE
    return Outcome.REFUSED
