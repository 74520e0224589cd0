"""Own plans as people use them: submit, change, shift, activate, end; each answer is a view.

Everything here only starts things and shows them; ``planner`` takes plans through the registers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

import msgspec

from tansiq.domain import placement_steps
from tansiq.domain.draft import PlanDraft, StatedBand
from tansiq.domain.intent import IntentState
from tansiq.domain.pact import NoticeKind, OnSilence
from tansiq.domain.placement import News, Phase, Placement
from tansiq.domain.placement_steps import Step
from tansiq.domain.volume import Volumes
from tansiq.engine.sideways import Aside, moved_aside
from tansiq.errors import BadInput, NotFound, StateConflict, WrongState
from tansiq.services.airspace import Airspace, Blocking, Candidate
from tansiq.services.planning import off_nominal
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.drafts import (
    check_aside,
    check_enlarged,
    check_may_plan,
    check_same,
)
from tansiq.services.planning.notices import Notices
from tansiq.services.planning.off_nominal import check_return
from tansiq.services.planning.planner import Planner
from tansiq.services.planning.reasons import Reasons
from tansiq.services.planning.site import Site
from tansiq.services.planning.status import Shown, show, with_problems
from tansiq.services.views import PlanView, Status
from tansiq.storage.plans import Plans
from tansiq.storage.store import Tx


class OwnPlans:
    """Use cases on own plans; satisfies ``services.facade.Planning``."""

    def __init__(
        self,
        site: Site,
        *,
        planner: Planner,
        airspace: Airspace,
    ) -> None:
        self._agreement = site.agreement
        self._party = site.party
        self._store = site.store
        self._planner = planner
        self._book: Book = planner.book
        self._airspace = airspace
        self._reasons: Reasons = planner.reasons
        self._notices: Notices = planner.steps.notices
        self._clock = site.clock
        self._limits = site.limits
        self._new_id = site.new_id
        self.silent: Callable[[str], Awaitable[tuple[str, ...]]] = _nobody
        """Returns who was told of a plan by a notice and has not answered."""

    # ---- begin

    async def submit(self, draft: PlanDraft) -> PlanView:
        """Keep the plan and begin to place it; placing goes on after the answer.

        Raises:
            BadInput: its end has passed, it leaves the agreed area, or it is above a limit.
            StateConflict: a plan of that id exists.
            Forbidden: the agreement has ended, or we are struck off.
        """
        now = self._clock.now()
        check_may_plan(self._agreement, self._party, now)
        await check_aside(draft, self._agreement, now, self._limits.plan_ahead_max)
        plan_id = draft.id or self._new_id()

        async def write(tx: Tx) -> Plan:
            await self._refuse_known(tx, plan_id)
            number = await self._book.add_set(tx, plan_id, draft)
            claim = _claim(number, draft.priority)
            plan = Plan(
                id=plan_id,
                intent_id=self._new_id(),
                callsign=draft.callsign,
                formation=draft.formation,
                category=draft.category,
                placement=self._declared(claim),
                verdict=None,
                updated=now,
            )
            await self._book.save(tx, plan)
            return plan

        plan = await self._store.write(write)
        self._book.remember(plan)
        self._planner.wake(plan.id)
        return self._view(plan)

    async def _refuse_known(self, tx: Tx, plan_id: str) -> None:
        try:
            await Plans(tx).get(plan_id)
        except NotFound:
            return
        raise StateConflict(
            f"a plan {plan_id} is here already; change it, or leave the id out for a new one",
            field="id",
        )

    def _declared(self, claim: Claim) -> Placement[Claim]:
        own = next((i for i, place in enumerate(self._planner.places) if place.local), None)
        return placement_steps.declare(claim, registers=len(self._planner.places), own=own)

    async def preview(self, draft: PlanDraft) -> PlanView:
        """Judge the plan against what is known and write nothing."""
        now = self._clock.now()
        await check_aside(draft, self._agreement, now, self._limits.plan_ahead_max)
        plan_id = draft.id or self._new_id()
        candidate = self._imagined(draft, plan_id)
        blocking: tuple[Blocking, ...] = ()
        for register in self._agreement.registers:
            near = self._airspace.relevant(candidate, candidate.volumes, register.id)
            if self._airspace.is_long(candidate, near):
                judged = await asyncio.to_thread(self._airspace.judge, candidate, near)
            else:
                judged = self._airspace.judge(candidate, near)
            blocking += judged.blocking
        verdict = None
        if blocking:
            plan = self._book.get(plan_id)
            base = None if plan is None else plan.placement.base
            activated = base is not None and base.flying
            explain = self._reasons.prepare(candidate, blocking, "", now, activated=activated)
            verdict = await asyncio.to_thread(explain)
        shown = Shown(
            id=plan_id,
            intent_id="",
            party=self._party,
            callsign=draft.callsign,
            formation=draft.formation,
            category=draft.category,
            priority=draft.priority,
            volumes=draft.volumes,
            stated=draft.stated,
            updated=now,
        )
        view = show(shown, self._declared(_claim(1, draft.priority)), verdict, self._agreement)
        status = Status.UNCOORDINATED if verdict is None else Status.REFUSED
        return msgspec.structs.replace(view, status=status)

    def _imagined(self, draft: PlanDraft, plan_id: str) -> Candidate:
        """Return a draft to be judged; that of a living plan is not in its own way, and may go on
        meeting, in the air, what the plan meets.
        """
        plan = self._book.get(plan_id)
        base = None if plan is None else plan.placement.base
        imagined = Candidate(
            intent_id=plan_id if plan is None else plan.intent_id,
            priority=draft.priority,
            callsign=draft.callsign,
            formation=draft.formation,
            category=draft.category,
            volumes=draft.volumes,
            stated=draft.stated,
        )
        if plan is None or base is None or not base.flying:
            return imagined
        before = self._book.candidate(plan, base.nominal)
        return self._airspace.exempting(imagined, before, self._book.registers)

    # ---- see

    def _view(self, plan: Plan) -> PlanView:
        view = self._book.view(plan, self._notices.not_reached(plan.intent_id))
        if view.coordinated and self._planner.newcomers.reopening(plan.id):
            view = msgspec.structs.replace(view, status=Status.RECHECKING, coordinated=False)
        if view.settled or not (problems := self._planner.problems(plan.id)):
            return view
        return with_problems(view, problems, self._agreement.if_unreachable)

    async def plans(self, *, ended: bool) -> list[PlanView]:
        """Return own plans in order of start; those that have ended only if asked for."""
        if ended:
            return await self._book.read_ended(self._store)
        views = [self._view(plan) for plan in self._book.living()]
        return sorted(views, key=lambda view: (view.time_start, view.id))

    async def plan(self, plan_id: str) -> PlanView:
        """Return one plan.

        Raises:
            NotFound: no plan of that id.
        """
        plan = self._book.get(plan_id)
        if plan is None:
            return await self._book.read_one(self._store, plan_id)
        return self._view(plan)

    async def settled(self, plan_id: str, wait_s: float) -> PlanView:
        """Return the plan once nothing goes on any more, or after ``wait_s``."""
        until_s = self._clock.monotonic_s() + wait_s
        while True:
            event = self._planner.watch(plan_id)
            try:
                view = await self.plan(plan_id)
                left_s = until_s - self._clock.monotonic_s()
                if view.settled or left_s <= 0:
                    return view
                await self._clock.limit(event.wait(), left_s)
            except TimeoutError:
                return await self.plan(plan_id)
            finally:
                self._planner.unwatch(plan_id, event)

    # ---- go on

    async def change(self, plan_id: str, draft: PlanDraft) -> PlanView:
        """Put the draft in the plan's place. The same draft twice is as good as once.

        A refused plan is asked for again, with the same draft too: its blocker may have gone.

        Raises:
            WrongState: it has ended, or a change is under way.
            Forbidden: the agreement has ended, or we are struck off.
        """
        now = self._clock.now()
        check_may_plan(self._agreement, self._party, now)
        await check_aside(draft, self._agreement, now, self._limits.plan_ahead_max)
        plan = self._living(plan_id)
        check_same(draft, plan)
        target = _target(plan)
        volumes = self._book.volumes_of(plan_id, target.parts)
        if (volumes, target.priority) == (draft.volumes, draft.priority):
            again = plan.placement.phase in (Phase.REFUSED, Phase.DISPLACED)
            if again or (plan.placement.off_nominal and target.off_nominal):
                return await self._to(plan, target)
            return self._view(plan)

        async def write(tx: Tx) -> Claim:
            return _claim(await self._book.add_set(tx, plan_id, draft), draft.priority)

        claim = await self._store.write(write)
        return await self._to(plan, claim)

    async def shift(
        self, plan_id: str, *, delay_s: int, up_m: float, aside: Aside | None = None
    ) -> PlanView:
        """Move the whole plan later and higher (negative: earlier, lower), and aside."""
        plan = self._living(plan_id)
        if delay_s == 0 and up_m == 0.0 and aside is None:
            raise BadInput(
                "give delay_s, up_m, north_m or east_m: a shift of nothing is no shift",
                field="delay_s",
            )
        claim = _target(plan)
        if aside is not None and any(b.ground for b in self._book.stated_of(plan_id, claim.parts)):
            raise BadInput(
                "its altitudes are above the ground, which may lie at another height there; change "
                "it to a plan that states the ground there",
                field="north_m" if aside.north_m else "east_m",
            )
        delay = timedelta(seconds=delay_s)
        volumes = tuple(
            volume.shifted(by=delay, up_m=up_m)
            for volume in self._book.volumes_of(plan_id, claim.parts)
        )
        if aside is not None:
            volumes = await asyncio.to_thread(moved_aside, volumes, aside)
        stated = tuple(band.risen(up_m) for band in self._book.stated_of(plan_id, claim.parts))
        draft = PlanDraft(
            volumes=volumes,
            stated=stated,
            callsign=plan.callsign,
            formation=plan.formation,
            category=plan.category,
            priority=claim.priority,
        )
        return await self.change(plan_id, draft)

    async def _to(self, plan: Plan, claim: Claim) -> PlanView:
        def event(current: Placement[Claim]) -> Step[Claim]:
            # The state as it is in this transaction: somebody else may have activated it by now.
            wanted = _as_it_flies(claim, current)
            if current.phase in _UNPLACED and _nowhere(current):
                again = replace(self._declared(wanted), number=current.number)
                return Step(placement=again, news=News.PLACING)
            return placement_steps.change(current, wanted)

        return self._view(await self._planner.apply(plan.id, event))

    async def activate(self, plan_id: str) -> PlanView:
        """Say that the flight begins, or that it is within its plan again.

        Raises:
            WrongState: it is not coordinated everywhere, or Contingent, or the agreement holds it
                until somebody has answered.
        """
        plan = self._living(plan_id)
        base = plan.placement.base
        if base is not None and not base.flying:
            await self._check_answered(plan_id)

        def event(current: Placement[Claim]) -> Step[Claim]:
            base = current.base
            if base is not None and base.off_nominal:
                check_return(base)
            elif base is None or current.coordinated is None:
                raise WrongState(
                    f"the plan is {self._book.view(plan).status}, not coordinated; only a "
                    "coordinated plan may be activated",
                    field="status",
                )
            return placement_steps.activate(current, base.nominal)

        return self._view(await self._planner.apply(plan_id, event))

    async def _check_answered(self, plan_id: str) -> None:
        silence = self._agreement.silence.meaning(NoticeKind.PLAN)
        if silence is OnSilence.HOLD and (silent := await self.silent(plan_id)):
            raise WrongState(
                "the agreement holds the plan until the notice of it is answered by "
                f"{', '.join(silent)}; call the desk, or withdraw the notice",
                field="silence",
            )

    async def off_nominal(
        self,
        plan_id: str,
        *,
        state: IntentState,
        volumes: Volumes,
        stated: tuple[StatedBand, ...] = (),
    ) -> PlanView:
        """Say that the aircraft is not where its plan said, but perhaps in ``volumes``; at once.

        The same words twice are as good as once; other volumes replace the ones before. A
        Contingent plan gives its own volumes up, a Nonconforming one keeps them.

        Raises:
            BadInput: another state, or volumes that are missing, past, or above a limit.
            WrongState: nothing of it stands, it has ended, or it was Contingent already.
        """
        now = self._clock.now()
        plan = self._living(plan_id)
        base = off_nominal.standing(plan.placement)
        nominal = () if state is IntentState.CONTINGENT else base.parts
        beside = len(self._book.volumes_of(plan_id, nominal))
        off_nominal.check(
            state,
            volumes,
            self._agreement,
            now,
            self._limits,
            beside=beside,
        )
        check_enlarged(volumes, plan.category, self._agreement)
        off_nominal.claim(base, state, 0)
        draft = off_nominal.draft(plan, volumes, stated)

        def strayed(number: int, current: Placement[Claim]) -> Step[Claim]:
            found = off_nominal.claim(off_nominal.standing(current), state, number)
            return placement_steps.deviate(current, found)

        if self._book.volumes_of(plan_id, base.off_parts) == volumes:
            (number,) = base.off_parts
        else:
            number = await self._store.write(lambda tx: self._book.add_set(tx, plan_id, draft))
        return self._view(await self._planner.apply(plan_id, partial(strayed, number)))

    async def end(self, plan_id: str) -> PlanView:
        """Give the airspace back. Ending twice is as good as once."""
        plan = self._book.get(plan_id)
        if plan is None:
            return await self._book.read_one(self._store, plan_id)
        return self._view(await self._planner.apply(plan_id, placement_steps.end))

    def _living(self, plan_id: str) -> Plan:
        plan = self._book.get(plan_id)
        if plan is None:
            raise NotFound(
                f"no living plan {plan_id}: it has ended, or was never here; "
                "`tansiq plan list --all` shows all"
            )
        return plan


async def _nobody(_: str) -> tuple[str, ...]:
    """Return nobody: no notices are given."""
    return ()


def _claim(number: int, priority: int) -> Claim:
    return Claim(parts=(number,), state=IntentState.ACCEPTED, priority=priority)


def _as_it_flies(claim: Claim, current: Placement[Claim]) -> Claim:
    """Return what a change asks for, in the state of what stands; one that strayed returns."""
    base = current.base
    if base is None or not base.flying:
        return claim
    if base.off_nominal:
        check_return(base)
    return replace(claim, state=IntentState.ACTIVATED, off_parts=())


def _target(plan: Plan) -> Claim:
    """Return what the plan is to be once everything that goes on is done."""
    return plan.placement.target


_UNPLACED = frozenset({Phase.REFUSED, Phase.NEW, Phase.WAITING})


def _nowhere(placement: Placement[Claim]) -> bool:
    return placement.base is None and all(
        slot.state == "absent" and slot.awaited is None for slot in placement.slots
    )
