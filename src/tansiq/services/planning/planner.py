"""Takes every plan through the registers: one task a plan, one look a register at a time.

All decisions are ``domain.placement_steps``; here they are fed and carried out. A step is stored
before anything that follows from it leaves the node. Where the register is in our own node, the
read, the decision, the write and its answer are one transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement, Register
from tansiq.domain.placement import (
    Due,
    Kind,
    News,
    Outcome,
    Phase,
    Placement,
    Purpose,
    Request,
    Slot,
    SlotState,
    due,
)
from tansiq.domain.placement_steps import Step, answered, hold_limit, looked, timed_out
from tansiq.errors import AgreementMismatch, PeerError, PeerUnreachable, TansiqError
from tansiq.f3548 import wire
from tansiq.services.airspace import Airspace
from tansiq.services.planning.book import Book, Plan, with_placement
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.judging import Judging, Seen
from tansiq.services.planning.notices import Notices
from tansiq.services.planning.ports import LocalRegister, RegisterPort, Written
from tansiq.services.planning.reasons import Reasons
from tansiq.services.planning.records import Record, Records
from tansiq.services.planning.status import Verdict
from tansiq.settings import Timers
from tansiq.storage.notifications import Notification
from tansiq.storage.plans import Views
from tansiq.storage.store import Store, Tx

Event: TypeAlias = Callable[[Placement[Claim]], Step[Claim]]

_LOCAL_TRIES = 8
"""Looks at the own register in a row that a newcomer may spoil before we pause."""


@dataclass(slots=True)
class Place:
    """One register of the agreement as this planner reaches it."""

    register: Register
    port: RegisterPort
    local: bool
    """In our own node: looks and writes of the state table go through one transaction."""
    base_url: str
    """Where we serve what this register's readers are to see."""
    subscription: Callable[[Plan], str | None]
    """The standing subscription that covers a plan there, if one does."""
    reachable: bool | None = None
    problem: str | None = None


@dataclass(slots=True)
class _Drive:
    """The running state of one plan's task; all of it may be lost."""

    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    visiting: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    rest_until: dict[int, float] = field(default_factory=dict)
    pause: dict[int, float] = field(default_factory=dict)
    silent_since: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Done:
    """What one transaction did, to be taken into memory after its commit."""

    plan: Plan
    step: Step[Claim]
    record: Record | None = None
    dropped: tuple[str, str] | None = None
    notices: tuple[Notification, ...] = ()


class Planner:
    """The moving part of planning."""

    def __init__(  # noqa: PLR0913 - wired once, in node.py, by keyword
        self,
        *,
        agreement: Agreement,
        party: str,
        store: Store,
        book: Book,
        airspace: Airspace,
        records: Records,
        judging: Judging,
        reasons: Reasons,
        notices: Notices,
        local: LocalRegister | None,
        places: Sequence[Place],
        clock: Clock,
        timers: Timers,
        new_id: Callable[[], str],
    ) -> None:
        self._agreement = agreement
        self._party = party
        self._store = store
        self.book = book
        self._airspace = airspace
        self._records = records
        self._judging = judging
        self._reasons = reasons
        self._notices = notices
        self._local = local
        self.places = tuple(places)
        self._clock = clock
        self._timers = timers
        self._new_id = new_id
        self._drives: dict[str, _Drive] = {}
        self._settled: dict[str, list[asyncio.Event]] = {}
        self._stopping = False

    # ---- tasks

    def wake(self, plan_id: str) -> None:
        """Look at a plan now; whatever pause it was in ends."""
        if self._stopping:
            return
        drive = self._drives.setdefault(plan_id, _Drive())
        drive.rest_until.clear()
        drive.pause.clear()
        drive.wake.set()
        if drive.task is None or drive.task.done():
            drive.task = asyncio.create_task(self._drive(plan_id, drive), name=f"plan {plan_id}")

    async def stop(self) -> None:
        """Stop all tasks; what they did last is in the store."""
        self._stopping = True
        tasks = [t for d in self._drives.values() for t in (d.task, *d.visiting.values()) if t]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def watch(self, plan_id: str) -> asyncio.Event:
        """Return an event that is set at the plan's next change; give it to ``unwatch``."""
        event = asyncio.Event()
        self._settled.setdefault(plan_id, []).append(event)
        return event

    def unwatch(self, plan_id: str, event: asyncio.Event) -> None:
        """Forget an event of ``watch``."""
        watching = self._settled.get(plan_id, [])
        if event in watching:
            watching.remove(event)
        if not watching:
            self._settled.pop(plan_id, None)

    async def _drive(self, plan_id: str, drive: _Drive) -> None:
        """Do what is due for one plan until nothing is."""
        while True:
            drive.wake.clear()
            plan = self.book.get(plan_id)
            looks = () if plan is None else due(plan.placement)
            if not looks and not drive.visiting:
                self._drives.pop(plan_id, None)
                return
            now_s = self._clock.monotonic_s()
            for look in looks:
                r = look.register
                if r not in drive.visiting and drive.rest_until.get(r, now_s) <= now_s:
                    drive.visiting[r] = asyncio.create_task(self._visit(plan_id, drive, look))
            rests = [t for r, t in drive.rest_until.items() if r not in drive.visiting]
            wait_s = max(0.0, min(rests, default=now_s + 60.0) - now_s)
            try:
                await self._clock.limit(drive.wake.wait(), max(wait_s, 0.001))
            except TimeoutError:
                continue

    async def _visit(self, plan_id: str, drive: _Drive, look: Due[Claim]) -> None:
        """Look at one register and do what follows; note how it went."""
        r, place = look.register, self.places[look.register]
        progress = False
        try:
            visit = self._visit_own if place.local else self._visit_other
            progress = await visit(plan_id, look, place)
            place.reachable, place.problem = True, None
            drive.silent_since.pop(r, None)
        except PeerUnreachable as error:
            place.reachable, place.problem = False, str(error)
            await self._silence(plan_id, drive, r)
        except (PeerError, AgreementMismatch) as error:
            place.problem = str(error)
            await self._silence(plan_id, drive, r)
        finally:
            self._rest(drive, look, progress=progress)
            drive.visiting.pop(r, None)
            drive.wake.set()

    def _rest(self, drive: _Drive, look: Due[Claim], *, progress: bool) -> None:
        """After a look that led nowhere, pause before the next one there; longer each time."""
        r = look.register
        if progress:
            drive.pause.pop(r, None)
            drive.rest_until.pop(r, None)
            return
        pause = drive.pause.get(r, self._timers.retry_first_s)
        if look.purpose is Purpose.WATCH:
            pause = self._timers.waiting_poll_s
        drive.rest_until[r] = self._clock.monotonic_s() + pause
        drive.pause[r] = min(pause * 2, self._timers.retry_last_s)

    async def _silence(self, plan_id: str, drive: _Drive, r: int) -> None:
        """Do not hold space for ever while a register is out of reach."""
        since = drive.silent_since.setdefault(r, self._clock.monotonic_s())
        held_s = self._clock.monotonic_s() - since
        if held_s >= self._agreement.hold_limit.total_seconds():
            drive.silent_since.pop(r, None)
            await self.apply(plan_id, hold_limit)

    # ---- one look

    async def _visit_other(self, plan_id: str, look: Due[Claim], place: Place) -> bool:
        plan = self.book.get(plan_id)
        if plan is None:
            return False
        seen = await self._judging.see(plan, look, place.port, reachable=place.reachable)
        done = await self._commit(plan_id, look, seen)
        if done.step.request is None:
            return done.plan.placement != plan.placement
        return await self._send(done.plan, place, done.step.request, seen.key_for(done.step))

    async def _send(
        self, plan: Plan, place: Place, request: Request[Claim], key: frozenset[str]
    ) -> bool:
        port = place.port
        try:
            if request.kind is Kind.DELETE:
                written = await port.delete_intent(plan.intent_id, request.ovn or "")
            else:
                parameters = self._parameters(plan, place, request, key)
                written = await port.put_intent(plan.intent_id, request.ovn, parameters)
        except TansiqError:
            number = request.number
            await self.apply(plan.id, lambda p: timed_out(p, request.register, number))
            raise
        if written.outcome is Outcome.MISSING:
            await self._judging.learn(plan.id, place.register.id, written)

        async def write(tx: Tx) -> _Done:
            now = self._clock.now()
            return await self._take_answer(tx, plan.id, place, request, written, now)

        self._taken(await self._store.write(write))
        if written.outcome is Outcome.REFUSED:
            place.problem = f"{place.register.id} refuses: {written.problem}"
        return written.outcome is not Outcome.REFUSED

    def _parameters(
        self, plan: Plan, place: Place, request: Request[Claim], key: frozenset[str]
    ) -> wire.PutOperationalIntentReferenceParameters:
        claim = request.space
        assert claim is not None  # noqa: S101 - only deletes have none
        subscription = place.subscription(plan)
        implicit = None
        if subscription is None:
            implicit = wire.ImplicitSubscriptionParameters(
                uss_base_url=place.base_url, notify_for_constraints=True
            )
        return wire.PutOperationalIntentReferenceParameters(
            extents=self.book.extents(plan.id, claim, place.register)[1],
            key=tuple(sorted(key)),
            state=claim.state,
            uss_base_url=place.base_url,
            subscription_id=subscription,
            new_subscription=implicit,
        )

    async def _visit_own(self, plan_id: str, look: Due[Claim], place: Place) -> bool:
        local = self._local
        assert local is not None  # noqa: S101 - wired together with the local place
        for _ in range(_LOCAL_TRIES):
            plan = self.book.get(plan_id)
            if plan is None:
                return False
            seen = await self._judging.see(plan, look, None, reachable=True)
            verdict = self._verdict(plan, look, seen)
            attempt = self._own_attempt(local, plan, place, seen, verdict)
            result = await self._store.write(attempt)
            if isinstance(result, Written):
                if await self._judging.learn(plan.id, place.register.id, result):
                    continue
                unknown = frozenset(
                    r.id for r in result.missing_intents + result.missing_constraints
                )
                blind = replace(seen, look=replace(seen.look, unknown=unknown))
                await self._commit(plan_id, look, blind)
                return False
            self._taken(result)
            return result.plan.placement != plan.placement
        return False

    def _own_attempt(
        self,
        local: LocalRegister,
        plan: Plan,
        place: Place,
        seen: Seen,
        verdict: Verdict | None,
    ) -> Callable[[Tx], Awaitable[_Done | Written]]:
        """Return the transaction: read, decide, write, answer. It answers ``Written`` with what
        is missing, and has then done nothing, when the register holds what we have not judged.
        """

        async def attempt(tx: Tx) -> _Done | Written:
            now = self._clock.now()
            look = seen.look
            if look.due.against is not None:
                claim = look.due.write or look.due.against
                extents = self.book.extents(plan.id, claim, place.register)[1]
                missing = await local.unjudged(tx, plan.intent_id, extents, seen.judged)
                if missing is not None:
                    return missing
            own_ovn = await local.own_ovn(tx, plan.intent_id)
            done = await self._step(
                tx, plan.id, lambda p: looked(p, replace(look, own_ovn=own_ovn)), verdict, now
            )
            request = done.step.request
            if request is None:
                return done
            if request.kind is Kind.DELETE:
                written = await local.delete(tx, plan.intent_id, request.ovn or "", now)
            else:
                key = seen.key_for(done.step)
                parameters = self._parameters(plan, place, request, key)
                written = await local.put(tx, plan.intent_id, request.ovn, parameters, now)
            return await self._take_answer(tx, plan.id, place, request, written, now)

        return attempt

    # ---- transactions

    async def apply(self, plan_id: str, event: Event, verdict: Verdict | None = None) -> Plan:
        """Apply one event to a plan, commit, and go on from there."""

        async def write(tx: Tx) -> _Done:
            return await self._step(tx, plan_id, event, verdict, self._clock.now())

        done = await self._store.write(write)
        self._taken(done)
        self.wake(plan_id)
        return done.plan

    async def apply_if_same(self, plan: Plan, event: Event) -> None:
        """Apply an event unless the plan has taken another intent id meanwhile, or ended."""

        async def write(tx: Tx) -> _Done | None:
            current = await self.book.load(tx, plan.id)
            if current.intent_id != plan.intent_id:
                return None
            return await self._step(tx, plan.id, event, None, self._clock.now())

        done = await self._store.write(write)
        if done is not None:
            self._taken(done)
            self.wake(plan.id)

    async def _commit(self, plan_id: str, look: Due[Claim], seen: Seen) -> _Done:
        plan = self.book.get(plan_id)
        verdict = None if plan is None else self._verdict(plan, look, seen)

        async def write(tx: Tx) -> _Done:
            now = self._clock.now()
            return await self._step(tx, plan_id, lambda p: looked(p, seen.look), verdict, now)

        done = await self._store.write(write)
        self._taken(done)
        return done

    def _verdict(self, plan: Plan, look: Due[Claim], seen: Seen) -> Verdict | None:
        """Say why, if this look is going to end in a refusal or a displacement."""
        if not seen.blocking or look.against is None:
            return None
        news = looked(plan.placement, seen.look).news
        said = _SAID.get(news) if news is not None else None
        if said is None:
            return None
        candidate = self.book.candidate(plan, look.against)
        return self._reasons.verdict(candidate, seen.blocking, said)

    async def _step(
        self, tx: Tx, plan_id: str, event: Event, verdict: Verdict | None, now: datetime
    ) -> _Done:
        plan = await self.book.load(tx, plan_id)
        step = event(plan.placement)
        if step.placement == plan.placement and verdict is None:
            return _Done(plan, step)
        changed = with_placement(plan, step.placement, now)
        if verdict is not None:
            changed = replace(changed, verdict=verdict)
        elif step.news in _CLEARS:
            changed = replace(changed, verdict=None)
        if step.retired and step.placement.phase is not Phase.ENDED:
            # Readers cache details by id and version: the next attempt takes another id.
            fresh = replace(step.placement, slots=(Slot[Claim](),) * len(step.placement.slots))
            changed = replace(changed, intent_id=self._new_id(), placement=fresh)
        await self.book.save(tx, changed)
        return _Done(changed, step)

    async def _take_answer(
        self,
        tx: Tx,
        plan_id: str,
        place: Place,
        request: Request[Claim],
        written: Written,
        now: datetime,
    ) -> _Done:
        """Store a direct answer together with what it changes in what we serve and owe."""
        r, number = request.register, request.number
        before = await self.book.load(tx, plan_id)
        awaited = before.placement.slots[r].awaited
        done = await self._step(
            tx,
            plan_id,
            lambda p: answered(p, r, number, written.outcome, confirmed=written.confirmed),
            None,
            now,
        )
        if awaited is None or awaited.number != number or written.outcome is not Outcome.OK:
            return done
        register = place.register.id
        if request.kind is Kind.DELETE:
            await Views(tx).drop(register, before.intent_id)
            owed = self._notices.owed(written.subscribers, "intent", before.intent_id, None)
            notices = tuple(await self._notices.add(tx, owed, now))
            return replace(done, dropped=(register, before.intent_id), notices=notices)
        reference = written.reference
        view = done.plan.placement.slots[r].view
        assert isinstance(reference, wire.OperationalIntentReference)  # noqa: S101 - ports.py
        assert view is not None  # noqa: S101 - ``answered`` has just set it
        document = self._records.own_intent(self.book, done.plan, register, view, reference)
        record = self._records.of(register, document)
        await Views(tx).put(record.row)
        owed = self._notices.owed(written.subscribers, "intent", before.intent_id, document)
        notices = tuple(await self._notices.add(tx, owed, now))
        return replace(done, record=record, notices=notices)

    def _taken(self, done: _Done) -> None:
        """Take into memory what was committed."""
        self.book.remember(done.plan)
        if done.record is not None:
            self._airspace.put(done.record.known)
        if done.dropped is not None:
            self._airspace.drop(*done.dropped)
        self._notices.push(done.notices)
        if done.step.news is not None or done.record is not None or done.dropped is not None:
            self._changed(done)
        for event in self._settled.get(done.plan.id, ()):
            event.set()

    def _changed(self, done: _Done) -> None:
        """Wake own plans that wait for this one: nobody notifies us of ourselves."""
        for plan in self.book.living():
            blocker = plan.placement.blocker
            if blocker is not None and blocker.id == done.plan.intent_id:
                self.wake(plan.id)

    def view_problems(self) -> Mapping[str, str]:
        """Return, by register, what went wrong there last."""
        return {p.register.id: p.problem for p in self.places if p.problem is not None}

    def doubtful(self, plan: Plan) -> bool:
        """Report whether some register's view of a plan is not known."""
        return any(slot.state is SlotState.DOUBT for slot in plan.placement.slots)


_SAID = {
    News.REFUSED: "blocked by",
    News.WAITING: "waits for",
    News.DISPLACED: "displaced by",
    News.CHANGE_REFUSED: "change blocked by",
    News.ACTIVATION_REFUSED: "activation blocked by",
}
_CLEARS = frozenset({News.COORDINATED, News.CHANGED, News.ACTIVATED, News.PLACING, News.ENDED})
