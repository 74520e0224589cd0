"""One event of a plan inside a transaction: load, step, save, and what follows from an answer.

What a register confirmed, what we serve of it and whom we owe notice of it are stored together.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from tansiq.domain.placement import (
    Kind,
    News,
    Outcome,
    Phase,
    Placement,
    Request,
    Slot,
    SlotState,
)
from tansiq.domain.placement_steps import Step, answered
from tansiq.f3548 import wire
from tansiq.services.planning.book import Book, Plan, with_placement
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.notices import Notices
from tansiq.services.planning.ports import Written
from tansiq.services.planning.records import Record, Records
from tansiq.services.planning.status import Verdict
from tansiq.storage.notifications import Notification
from tansiq.storage.plans import Views
from tansiq.storage.store import Tx

Event: TypeAlias = Callable[[Placement[Claim]], Step[Claim]]

_CLEARS = frozenset(
    {
        News.COORDINATED,
        News.CHANGED,
        News.ACTIVATED,
        News.PLACING,
        News.OFF_NOMINAL,
        News.ENDED,
    }
)


@dataclass(frozen=True, slots=True)
class Done:
    """What one transaction did, to be taken into memory after its commit."""

    plan: Plan
    step: Step[Claim]
    record: Record | None = None
    dropped: tuple[tuple[str, str], ...] = ()
    """(register, entity): what has left a register."""
    notices: tuple[Notification, ...] = ()


class Steps:
    """Carries out steps of the state table inside the caller's transaction."""

    def __init__(
        self, *, book: Book, records: Records, notices: Notices, new_id: Callable[[], str]
    ) -> None:
        self.book = book
        self.records = records
        self.notices = notices
        self._new_id = new_id

    async def step(
        self, tx: Tx, plan_id: str, event: Event, verdict: Verdict | None, now: datetime
    ) -> Done:
        plan = await self.book.load(tx, plan_id)
        step = event(plan.placement)
        if step.placement == plan.placement and verdict is None:
            return Done(plan, step)
        changed = with_placement(plan, step.placement, now)
        if verdict is not None:
            changed = replace(changed, verdict=verdict)
        elif step.news in _CLEARS:
            changed = replace(changed, verdict=None)
        if step.retired and step.placement.phase is not Phase.ENDED:
            # Readers cache details by id and version: the next attempt takes another id.
            empty: Slot[Claim] = Slot()  # ``Slot[Claim]()`` raises: it is frozen and has slots.
            slots = (empty,) * len(step.placement.slots)
            fresh = replace(step.placement, slots=slots, resting=())
            changed = replace(changed, intent_id=self._new_id(), placement=fresh)
        if step.placement.phase is Phase.ENDED:
            changed = replace(changed, warnings=())
        dropped = tuple((register, plan.intent_id) for register in self._left(plan, step.placement))
        for register, entity in dropped:
            await Views(tx).drop(register, entity)
        await self.book.save(tx, changed)
        return Done(changed, step, dropped=dropped)

    def _left(self, plan: Plan, after: Placement[Claim]) -> list[str]:
        """Return the registers that a plan leaves by a step, however that became known."""
        slots = zip(self.book.registers, plan.placement.slots, after.slots, strict=True)
        absent = SlotState.ABSENT
        return [r for r, old, new in slots if old.state is not absent and new.state is absent]

    async def take_answer(
        self,
        tx: Tx,
        plan_id: str,
        register: str,
        request: Request[Claim],
        written: Written,
        now: datetime,
    ) -> Done:
        """Store a direct answer together with what it changes in what we serve and owe."""
        r, number = request.register, request.number
        before = await self.book.load(tx, plan_id)
        awaited = before.placement.slots[r].awaited
        done = await self.step(
            tx,
            plan_id,
            lambda p: answered(p, r, number, written.outcome, confirmed=written.confirmed),
            None,
            now,
        )
        if awaited is None or awaited.number != number or written.outcome is not Outcome.OK:
            return done
        if request.kind is Kind.DELETE:
            owed = self.notices.owed(written.subscribers, "intent", before.intent_id, None)
            notices = tuple(await self.notices.add(tx, owed, now))
            return replace(done, notices=notices)
        reference = written.reference
        view = done.plan.placement.slots[r].view
        assert isinstance(reference, wire.OperationalIntentReference)  # noqa: S101 - ports.py
        assert view is not None  # noqa: S101 - ``answered`` has just set it
        document = self.records.own_intent(self.book, done.plan, register, view, reference)
        record = self.records.of(register, document)
        await Views(tx).put(record.row)
        owed = self.notices.owed(written.subscribers, "intent", before.intent_id, document)
        notices = tuple(await self.notices.add(tx, owed, now))
        return replace(done, record=record, notices=notices)
