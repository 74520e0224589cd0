"""Takes every plan through the registers: one task a plan, one look a register at a time.

All decisions are ``domain.placement_steps``; here they are fed and carried out. A step is stored
before anything that follows from it leaves the node. Where the register is in our own node, the
read, the decision, the write and its answer are one transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tansiq.domain.agreement import Register
from tansiq.domain.placement import (
    Aim,
    Due,
    Kind,
    Outcome,
    Phase,
    Placement,
    Request,
    due,
)
from tansiq.domain.placement_steps import (
    Step,
    hold_limit,
    looked,
    timed_out,
    unsent,
)
from tansiq.errors import (
    AgreementMismatch,
    NeverSent,
    PeerError,
    PeerUnreachable,
    StoreError,
    TansiqError,
)
from tansiq.f3548 import wire
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.drive import Drive, tell
from tansiq.services.planning.judging import Judging, Seen
from tansiq.services.planning.newcomers import Newcomers
from tansiq.services.planning.ports import LocalRegister, RegisterPort, Written
from tansiq.services.planning.problem import Problem
from tansiq.services.planning.reasons import Reasons
from tansiq.services.planning.site import Site
from tansiq.services.planning.status import Verdict
from tansiq.services.planning.steps import Done, Event, Steps
from tansiq.storage.store import Tx

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
    swept: int = 0
    """How often it was read as a whole."""


class _Unjudged(Exception):
    """The own register holds what was not judged; its transaction is undone."""

    def __init__(self, written: Written) -> None:
        super().__init__()
        self.written = written


class _Refused(Exception):
    """A register refuses the plan itself, for a reason that people have to see."""


class Planner:
    """The moving part of planning."""

    def __init__(
        self,
        site: Site,
        *,
        steps: Steps,
        judging: Judging,
        reasons: Reasons,
        local: LocalRegister | None,
        places: Sequence[Place],
    ) -> None:
        self._agreement = site.agreement
        self._party = site.party
        self._store = site.store
        self.book: Book = steps.book
        self._airspace = judging.airspace
        self.steps = steps
        self.judging = judging
        self.reasons = reasons
        self._notices = steps.notices
        self._local = local
        self.places = tuple(places)
        self._clock = site.clock
        self._timers = site.timers
        self._drives: dict[str, Drive] = {}
        self._settled: dict[str, list[asyncio.Event]] = {}
        self._refused: dict[tuple[str, str], str] = {}
        """By plan and register: why the last write was refused there."""
        self._stopping = False
        self.on_taken: Callable[[Plan], None] = lambda plan: None
        """Called with every plan that was committed."""
        self.newcomers = Newcomers(
            site,
            steps=steps,
            airspace=judging.airspace,
            own=next((i for i, place in enumerate(self.places) if place.local), None),
            apply=self.apply,
        )
        judging.on_learnt = self.newcomers.found

    # ---- tasks

    def wake(self, plan_id: str) -> None:
        """Look at a plan now; whatever pause it was in ends."""
        if self._stopping:
            return
        drive = self._drives.setdefault(plan_id, Drive())
        drive.rouse()
        if drive.task is None or drive.task.done():
            drive.task = asyncio.create_task(self._drive(plan_id, drive), name=f"plan {plan_id}")
            drive.task.add_done_callback(tell)

    async def stop(self) -> None:
        """Stop all tasks; what they did last is in the store."""
        self._stopping = True
        tasks = [t for d in self._drives.values() for t in (d.task, *d.visiting.values()) if t]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.newcomers.stop()
        await self.judging.stop()

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

    async def _drive(self, plan_id: str, drive: Drive) -> None:
        """Do what is due for one plan until nothing is."""
        while True:
            drive.wake.clear()
            plan = self.book.get(plan_id)
            looks = () if plan is None else due(plan.placement)
            if not looks and not drive.visiting:
                self._drives.pop(plan_id, None)
                return
            if plan is not None and await self._judged_at_once(plan, looks, drive):
                continue
            now_s = self._clock.monotonic_s()
            for look in drive.in_turn(looks):
                r = look.register
                if drive.is_free(r, now_s):
                    visit = asyncio.create_task(self._visit(plan_id, drive, look))
                    visit.add_done_callback(tell)
                    drive.visiting[r] = visit
            try:
                await self._clock.limit(drive.wake.wait(), drive.wait_s(now_s))
            except TimeoutError:
                continue

    async def _judged_at_once(self, plan: Plan, looks: Sequence[Due[Claim]], drive: Drive) -> bool:
        """Take a new plan that nothing known blocks through its first looks in one commit.

        A short cut of the usual way, look by look; writing is checked by each register's key.
        """
        first = all(look.aim is Aim.JUDGE for look in looks)
        if not first or drive.visiting or not all(p.reachable for p in self.places):
            return False
        sights = [await self.judging.see(plan, look, None, reachable=True) for look in looks]
        if any(seen.blocking for seen in sights):
            return False

        def event(placement: Placement[Claim]) -> Step[Claim]:
            step = Step(placement=placement)
            for seen in sights:
                step = looked(step.placement, seen.look)
            return step

        try:
            done = await self.apply(plan.id, event)
        except StoreError:
            return False  # The usual way pauses and begins again.
        return done.placement != plan.placement

    async def _visit(self, plan_id: str, drive: Drive, look: Due[Claim]) -> None:
        """Look at one register and do what follows; note how it went."""
        r, place = look.register, self.places[look.register]
        progress = False
        try:
            visit = self._visit_own if place.local else self._visit_other
            progress = await visit(plan_id, look, place)
            place.reachable, place.problem = True, None
            self._refused.pop((plan_id, place.register.id), None)
            if self.judging.problem(plan_id, place.register.id) is None:
                drive.answered(r)
            else:
                await self._silence(plan_id, drive, r)
        except _Refused as error:
            self._refused[plan_id, place.register.id] = Problem.coded("refused", str(error))
            # Perhaps it has lost the subscription that we named: the sweep makes a new one.
            self.judging.on_stray(place.register.id, plan_id)
            await self._silence(plan_id, drive, r)
        except PeerUnreachable as error:
            place.reachable, place.problem = False, Problem.of(error)
            await self._silence(plan_id, drive, r)
        except (PeerError, AgreementMismatch, StoreError) as error:
            place.problem = Problem.of(error)
            await self._silence(plan_id, drive, r)
        finally:
            drive.rest(look, self._clock.monotonic_s(), self._timers, progress=progress)
            drive.visiting.pop(r, None)
            drive.wake.set()

    async def _silence(self, plan_id: str, drive: Drive, r: int) -> None:
        """Do not hold space for ever while a register is out of reach, or cannot take the plan."""
        silent_s = drive.silent_s(r, self._clock.monotonic_s())
        if silent_s >= self._agreement.hold_limit.total_seconds():
            drive.answered(r)
            await self.apply(plan_id, hold_limit)

    # ---- one look

    async def _visit_other(self, plan_id: str, look: Due[Claim], place: Place) -> bool:
        plan = self.book.get(plan_id)
        if plan is None:
            return False
        seen = await self.judging.see(plan, look, place.port, reachable=place.reachable)
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
        except TansiqError as error:
            await self._lost(plan.id, request, error)
            raise

        async def write(tx: Tx) -> Done:
            now = self._clock.now()
            return await self.steps.take_answer(
                tx, plan.id, place.register.id, request, written, now
            )

        try:
            self._taken(await self._store.write(write))
        except TansiqError as error:  # An answer that cannot be kept is as good as none.
            await self._lost(plan.id, request, error)
            raise
        if written.outcome is Outcome.MISSING:
            await self.judging.learn(plan.id, place.register.id, written, key)
        if written.outcome is Outcome.REFUSED:
            raise _Refused(f"refused: {written.problem}")
        return True

    async def _lost(self, plan_id: str, request: Request[Claim], error: TansiqError) -> None:
        """Note that an answer did not come; without ``apply``, which would end the pause."""
        fate = unsent if isinstance(error, NeverSent) else timed_out

        def event(placement: Placement[Claim]) -> Step[Claim]:
            return fate(placement, request.register, request.number)

        async def write(tx: Tx) -> Done:
            return await self.steps.step(tx, plan_id, event, None, self._clock.now())

        while True:
            try:
                return self._taken(await self._store.write(write))
            except StoreError:  # Until it is noted, nothing is due there: nobody else would.
                await self._clock.sleep(self._timers.retry_last_s)

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
            extents=self.book.extents(plan, claim, place.register).wire_volumes,
            key=tuple(sorted(key)),
            state=claim.state,
            uss_base_url=place.base_url,
            subscription_id=subscription,
            new_subscription=implicit,
        )

    async def _visit_own(self, plan_id: str, look: Due[Claim], place: Place) -> bool:
        """Look at the register in our own node: read, decide, write and answer in one go.

        When it holds what we have not judged, nothing was done: learn that, and look again.
        """
        for _ in range(_LOCAL_TRIES):
            plan = self.book.get(plan_id)
            if plan is None:
                return False
            seen = await self.judging.see(plan, look, None, reachable=True)
            verdict = await self._verdict(plan, look, seen)
            try:
                done, written = await self._store.write(
                    self._own_attempt(plan, place, seen, verdict)
                )
            except _Unjudged as error:
                named = frozenset(seen.judged.values())
                if await self.judging.learn(plan.id, place.register.id, error.written, named):
                    continue
                await self._commit(plan_id, look, seen.without(error.written))
                return False
            self._taken(done)
            self.judging.learnt(plan_id, place.register.id)
            if written is not None and written.outcome is Outcome.REFUSED:
                raise _Refused(f"refused: {written.problem}")
            return done.plan.placement != plan.placement
        return False

    def _own_attempt(
        self, plan: Plan, place: Place, seen: Seen, verdict: Verdict | None
    ) -> Callable[[Tx], Awaitable[tuple[Done, Written | None]]]:
        local = self._local
        assert local is not None  # noqa: S101 - wired together with the local place
        look = seen.look

        async def attempt(tx: Tx) -> tuple[Done, Written | None]:
            now = self._clock.now()
            current = await self.book.load(tx, plan.id)
            if current.intent_id != plan.intent_id:  # Memory is behind: that attempt is over.
                return Done(current, Step(placement=current.placement)), None
            # A write is checked by its key; all that is decided without one is checked here.
            if look.due.against is not None and (look.blockers or look.due.write is None):
                claim = look.due.write or look.due.against
                extents = self.book.extents(plan, claim, place.register).wire_volumes
                blocking = [blocker.id for blocker in look.blockers]
                missing = await local.unjudged(tx, plan.intent_id, extents, seen.judged, blocking)
                if missing is not None:
                    raise _Unjudged(missing)
            own_ovn = await local.own_ovn(tx, plan.intent_id)
            done = await self.steps.step(
                tx, plan.id, lambda p: looked(p, replace(look, own_ovn=own_ovn)), verdict, now
            )
            request = done.step.request
            if request is None:
                return done, None
            if request.kind is Kind.DELETE:
                written = await local.delete(tx, plan.intent_id, request.ovn or "", now)
            else:
                parameters = self._parameters(plan, place, request, seen.key_for(done.step))
                written = await local.put(tx, plan.intent_id, request.ovn, parameters, now)
            if written.outcome is Outcome.MISSING:
                raise _Unjudged(written)
            done = await self.steps.take_answer(
                tx, plan.id, place.register.id, request, written, now
            )
            return done, written

        return attempt

    # ---- transactions

    async def apply(self, plan_id: str, event: Event, verdict: Verdict | None = None) -> Plan:
        """Apply one event to a plan, commit, and go on from there."""

        async def write(tx: Tx) -> Done:
            return await self.steps.step(tx, plan_id, event, verdict, self._clock.now())

        done = await self._store.write(write)
        self._taken(done)
        self.wake(plan_id)
        return done.plan

    async def apply_if_same(self, plan: Plan, event: Event) -> None:
        """Apply an event unless the plan has taken another intent id meanwhile, or ended."""

        async def write(tx: Tx) -> Done | None:
            current = await self.book.load(tx, plan.id)
            if current.intent_id != plan.intent_id:
                return None
            return await self.steps.step(tx, plan.id, event, None, self._clock.now())

        done = await self._store.write(write)
        if done is not None:
            self._taken(done)
            self.wake(plan.id)

    async def _commit(self, plan_id: str, look: Due[Claim], seen: Seen) -> Done:
        plan = self.book.get(plan_id)
        while True:
            told = None if plan is None else seen.told(plan.placement)
            verdict = None if plan is None else await self._verdict(plan, look, seen)

            async def write(
                tx: Tx, told: str | None = told, verdict: Verdict | None = verdict
            ) -> Done | Plan:
                now = self._clock.now()
                current = await self.book.load(tx, plan_id)
                if seen.told(current.placement) != told:
                    return current
                return await self.steps.step(
                    tx, plan_id, lambda p: looked(p, seen.look), verdict, now
                )

            done = await self._store.write(write)
            if not isinstance(done, Plan):
                self._taken(done)
                return done
            # A look at another register was committed meanwhile. Either this one is now the last
            # that was missing for a refusal, and it is said why before it is so; or the refusal is
            # there, with its reason, and this look has none to give.
            plan = done

    async def _verdict(self, plan: Plan, look: Due[Claim], seen: Seen) -> Verdict | None:
        """Say why, if this look is going to end in a refusal or a displacement."""
        said = seen.told(plan.placement)
        if said is None or look.against is None:
            return None
        candidate = self.book.candidate(plan, look.against)
        base = plan.placement.base
        flying = base is not None and base.flying
        now = self._clock.now()
        explain = self.reasons.prepare(candidate, seen.blocking, said, now, activated=flying)
        return await asyncio.to_thread(explain)  # The search for alternatives may be long.

    def _taken(self, done: Done) -> None:
        """Take into memory what was committed."""
        self.book.remember(done.plan)
        if done.record is not None:
            self._airspace.put(done.record.known)
        for register, entity in done.dropped:
            self._airspace.drop(register, entity)
        self._notices.push(done.notices)
        if done.step.news is not None or done.record is not None or done.dropped:
            self._changed(done)
        self.on_taken(done.plan)
        for event in self._settled.get(done.plan.id, ()):
            event.set()

    def _changed(self, done: Done) -> None:
        """Wake own plans that wait for this one: nobody notifies us of ourselves."""
        if done.record is not None:
            self.known_now(done.record.known.register, done.record.known.id)
            self.newcomers.heard_of_own(done.record.known)
        if done.plan.placement.phase is Phase.ENDED:
            self.judging.forget_plan(done.plan.id)
        for plan in self.book.living():
            blocker = plan.placement.blocker
            if blocker is not None and blocker.id == done.plan.intent_id:
                self.wake(plan.id)

    def known_now(self, register: str, entity: str) -> None:
        """Wake own plans that were stopped by not knowing an entity."""
        for plan_id in self.judging.waiting_for(register, entity):
            self.wake(plan_id)

    def problems(self, plan_id: str) -> Mapping[str, str]:
        """Return, by register, what keeps a plan from going on there."""
        found = {}
        for name, place in ((place.register.id, place) for place in self.places):
            own = self._refused.get((plan_id, name)) or self.judging.problem(plan_id, name)
            problem = own or place.problem
            if problem is not None:
                found[name] = problem
        return found
