"""Plans as a test driver asks for them: one request, one answer, and nothing of a refusal stays.

Stands in the place of a person at the own API: it submits, changes, activates, strays and ends by
the same calls, waits for the outcome as that person would, and takes back what was not accepted.
No decision about a plan is made here. How that is put into messages is ``http/flight_planning.py``;
which node may be driven so, ``check_switch``.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from tansiq.domain.agreement import NO_MINIMA, Agreement
from tansiq.domain.draft import Datum, PlanDraft, StatedBand, Units
from tansiq.domain.intent import EntityID, IntentState, PartyID
from tansiq.domain.placement import due
from tansiq.domain.placement_steps import hold_limit
from tansiq.domain.volume import Volume4D, Volumes
from tansiq.engine.judgement import conflicts
from tansiq.engine.prepared import Prepared
from tansiq.errors import (
    BadInput,
    CallerError,
    NotFound,
    StateConflict,
    TansiqError,
    WrongState,
)
from tansiq.f3548 import convert, wire
from tansiq.services.planning.book import Plan
from tansiq.services.planning.flights import (
    Activity,
    Flight,
    FlightStatus,
    Result,
    Style,
    UasState,
    Usage,
)
from tansiq.services.planning.notified import Notified, Observed, conflicts_of
from tansiq.services.planning.planner import Place, Planner
from tansiq.services.planning.planning import OwnPlans
from tansiq.services.planning.site import Site
from tansiq.services.views import Status

DECIDED_S = 6.0
"""How long a request may take to be decided: the field's test driver hangs up after 10 s."""
STUCK_S = 2.0
"""How long it is waited while something is known to go wrong."""
TAKEN_BACK_S = 2.5
"""How long taking it back may take then."""
TOLD_S = 1.0
"""How long it is waited for the register to take what is told besides."""
_LOOK_S = 0.25
ATTEMPTS_MAX = 1_000
"""Plans that one flight may need, one after the other."""
_EVER = timedelta(days=3_650)


_STRAYED = {
    UasState.OFF_NOMINAL: IntentState.NONCONFORMING,
    UasState.CONTINGENT: IntentState.CONTINGENT,
}
_STATUS = {
    IntentState.ACCEPTED: FlightStatus.PLANNED,
    IntentState.ACTIVATED: FlightStatus.OK_TO_FLY,
    IntentState.NONCONFORMING: FlightStatus.OFF_NOMINAL,
    IntentState.CONTINGENT: FlightStatus.OFF_NOMINAL,
}


def check_switch(agreement: Agreement, party: PartyID, register: str) -> None:
    """Check that nobody but test programs could suffer from what a test driver does here.

    Raises:
        BadInput: the agreement names another party or several registers, or not this one.
    """
    field = "test_interface"
    others = [other.id for other in agreement.parties if other.id != party]
    if others:
        raise BadInput(
            f"the agreement names {', '.join(others)}: test flights would stand in the way of "
            "theirs; remove [test_interface], or use an agreement of this party alone",
            field=field,
        )
    urls = [entry.url for entry in agreement.registers]
    if len(urls) > 1:
        raise BadInput(
            f"the agreement names {len(urls)} registers; for tests it names one", field=field
        )
    if urls != [register]:
        raise BadInput(
            f"is {register}, and the agreement's register is {urls[0]}; repeat that URL if it is "
            "one for tests",
            field=f"{field}.register",
        )


class FlightPlanning:
    """The virtual user, and the director who clears up behind it."""

    def __init__(
        self,
        site: Site,
        *,
        plans: OwnPlans,
        planner: Planner,
        notified: Notified,
    ) -> None:
        self._party = site.party
        self._clock = site.clock
        self._limits = site.limits
        self._plans = plans
        self._planner = planner
        self._book = planner.book
        self._airspace = planner.judging.airspace
        self.notified = notified
        self._busy: set[str] = set()

    @property
    def ready(self) -> bool:
        """Whether every register has been asked."""
        return all(place.reachable is not None for place in self._planner.places)

    # ---- the user

    async def upsert(self, flight_id: str, flight: Flight, style: Style) -> Activity:
        """Do what the user says of a flight, and return what came of it.

        Raises:
            StateConflict: something goes on with the flight, or it has needed too many plans.
        """
        with self._turn(flight_id):
            plan_id = await self._attempt(flight_id)
            try:
                return await self._done(plan_id, flight, style)
            except TansiqError as error:
                return self._activity(_result_of(error), plan_id, str(error))

    async def _done(self, plan_id: str, flight: Flight, style: Style) -> Activity:
        if flight.unsupported:
            return self._activity(Result.NOT_SUPPORTED, plan_id, flight.unsupported)
        if style is Style.HYPOTHETICAL:
            return await self._imagine(plan_id, flight)
        if flight.usage is Usage.CLOSED:
            return await self._close(plan_id)
        state = _STRAYED.get(flight.uas_state)
        if state is not None and flight.usage is Usage.IN_USE:
            return await self._stray(plan_id, flight, state, DECIDED_S)
        found = await self._carry_out(plan_id, flight)
        if style is Style.IN_REALITY and flight.usage is Usage.IN_USE:
            return await self._as_it_is(plan_id, flight, found)
        return found

    async def close(self, flight_id: str) -> Activity:
        """End a flight.

        Raises:
            NotFound: there is none of that id, or it has ended already.
            StateConflict: something goes on with it.
        """
        with self._turn(flight_id):
            plan_id = await self._attempt(flight_id)
            if self._book.get(plan_id) is None:
                raise NotFound(f"no flight plan {flight_id}: it was never here, or has ended")
            try:
                return await self._close(plan_id)
            except TansiqError as error:
                return self._activity(_result_of(error), plan_id, str(error))

    @contextmanager
    def _turn(self, flight_id: str) -> Iterator[None]:
        """Keep a flight to one request: a second one would wait longer than its sender does."""
        if flight_id in self._busy:
            raise StateConflict("another request for this flight is not answered yet; wait for it")
        self._busy.add(flight_id)
        try:
            yield
        finally:
            self._busy.discard(flight_id)

    async def _attempt(self, flight_id: str) -> str:
        """Return the id of the flight's plan: the living one, or one that may be submitted.

        A plan's id is never used again, and a flight that was refused may be asked for again: the
        first plan has the flight's own id, each later one an id made from it.
        """
        for number in range(ATTEMPTS_MAX):
            plan_id = _plan_id(flight_id, number)
            if self._book.get(plan_id) is not None:
                return plan_id
            try:
                await self._plans.plan(plan_id)
            except NotFound:
                return plan_id
        raise StateConflict(
            f"the flight was asked for {ATTEMPTS_MAX} times; use a fresh id", field="flight_plan_id"
        )

    def _draft(self, plan_id: str, flight: Flight) -> PlanDraft:
        plan = self._book.get(plan_id)
        volumes = self._volumes(flight)
        return PlanDraft(
            volumes=volumes,
            stated=_stated(volumes),
            id=EntityID(plan_id),
            callsign=plan.callsign if plan else "",
            formation=plan.formation if plan else "",
            category=plan.category if plan else None,
            priority=flight.priority,
        )

    def _volumes(self, flight: Flight) -> Volumes:
        return convert.volumes_to_domain(flight.area, "area", volumes_max=self._limits.volumes_max)

    async def _imagine(self, plan_id: str, flight: Flight) -> Activity:
        """Say what would come of it, by what is known now."""
        before = self._status(plan_id)
        if flight.usage is Usage.CLOSED or flight.uas_state in _STRAYED:
            if before is FlightStatus.NOT_PLANNED:
                return Activity(result=Result.REJECTED, status=before, notes=_NOTHING_STANDS)
            closed = flight.usage is Usage.CLOSED
            after = FlightStatus.CLOSED if closed else FlightStatus.OFF_NOMINAL
            return Activity(result=Result.COMPLETED, status=after)
        self._refuse_landing(plan_id, flight)
        view = await self._plans.preview(self._draft(plan_id, flight))
        if view.status is Status.REFUSED:
            return Activity(result=Result.REJECTED, status=before, notes=view.reason or "")
        flying = flight.usage is Usage.IN_USE
        after = FlightStatus.OK_TO_FLY if flying else FlightStatus.PLANNED
        return Activity(result=Result.COMPLETED, status=after)

    async def _carry_out(self, plan_id: str, flight: Flight) -> Activity:
        """Plan, change or activate; take back what was not accepted."""
        until_s = self._clock.monotonic_s() + DECIDED_S
        fresh = self._status(plan_id) is FlightStatus.NOT_PLANNED
        self._refuse_landing(plan_id, flight)
        draft = self._draft(plan_id, flight)
        if self._book.get(plan_id) is None:
            await self._plans.submit(draft)
        else:
            await self._plans.change(plan_id, draft)
        await self._rest(plan_id, until_s)
        if not self._counts(plan_id, draft):
            return await self._taken_back(plan_id, fresh=fresh)
        if flight.usage is Usage.IN_USE and not self._flying(plan_id):
            try:
                await self._plans.activate(plan_id)
            except WrongState as error:
                return await self._taken_back(plan_id, fresh=fresh, notes=str(error))
            await self._rest(plan_id, until_s)
            if not self._flying(plan_id):
                return await self._taken_back(plan_id, fresh=fresh)
        return self._completed(plan_id)

    def _refuse_landing(self, plan_id: str, flight: Flight) -> None:
        if flight.usage is Usage.PLANNED and self._flying(plan_id):
            raise WrongState(
                "the flight is in the air, and no state leads back to Planned; close it when it "
                "has landed, and plan the next one",
                field="usage_state",
            )

    async def _stray(
        self, plan_id: str, flight: Flight, state: IntentState, wait_s: float
    ) -> Activity:
        """Tell everybody that the aircraft is not where its plan said."""
        if self._status(plan_id) is FlightStatus.NOT_PLANNED:
            raise WrongState(_NOTHING_STANDS, field="uas_state")
        volumes = self._volumes(flight)
        await self._plans.off_nominal(
            plan_id, state=state, volumes=volumes, stated=_stated(volumes)
        )
        await self._rest(plan_id, self._clock.monotonic_s() + wait_s)
        plan = self._book.get(plan_id)
        if plan is None or not _resting(plan):
            return self._activity(Result.FAILED, plan_id, await self._reason(plan_id))
        return self._completed(plan_id)

    async def _as_it_is(self, plan_id: str, flight: Flight, found: Activity) -> Activity:
        """Take a flight for what it is, if it was refused and is in the air all the same."""
        if found.result is not Result.REJECTED:
            return found
        if found.status is FlightStatus.NOT_PLANNED:
            return replace(found, result=Result.NOT_SUPPORTED)
        return await self._stray(plan_id, flight, IntentState.NONCONFORMING, TOLD_S)

    async def _close(self, plan_id: str) -> Activity:
        if self._book.get(plan_id) is None:
            raise WrongState(_NOTHING_STANDS, field="usage_state")
        if not await self._gone(plan_id, DECIDED_S):
            return self._activity(Result.FAILED, plan_id, await self._reason(plan_id))
        return Activity(result=Result.COMPLETED, status=FlightStatus.CLOSED)

    # ---- waiting, and what follows

    async def _rest(self, plan_id: str, until_s: float) -> None:
        """Wait until nothing goes on with a plan, or it seems that it will go on for longer."""
        wrong_since_s: float | None = None
        while True:
            changed = self._planner.watch(plan_id)
            try:
                plan, now_s = self._book.get(plan_id), self._clock.monotonic_s()
                if not self._planner.problems(plan_id):
                    wrong_since_s = None
                elif wrong_since_s is None:
                    wrong_since_s = now_s
                stuck = wrong_since_s is not None and now_s - wrong_since_s >= STUCK_S
                if plan is None or self._rests(plan) or stuck or now_s >= until_s:
                    return
                await self._clock.limit(changed.wait(), min(until_s - now_s, _LOOK_S))
            except TimeoutError:
                continue
            finally:
                self._planner.unwatch(plan_id, changed)

    def _rests(self, plan: Plan) -> bool:
        return _resting(plan) and not self._planner.newcomers.reopening(plan.id)

    async def _gone(self, plan_id: str, wait_s: float) -> bool:
        """End a plan; report whether every register has let go of it within the time."""
        await self._plans.end(plan_id)
        await self._rest(plan_id, self._clock.monotonic_s() + wait_s)
        return self._book.get(plan_id) is None

    def _counts(self, plan_id: str, draft: PlanDraft) -> bool:
        """Report whether what was asked for stands everywhere, and is nobody else's place.

        In the air it may be: what a flight met before, it may go on meeting.
        """
        plan = self._book.get(plan_id)
        if plan is None or plan.placement.base is None:
            return False
        base, displaced = plan.placement.base, plan.placement.displaced_by is not None
        same = self._book.volumes(plan_id, base) == draft.volumes
        return same and base.priority == draft.priority and (base.flying or not displaced)

    def _flying(self, plan_id: str) -> bool:
        plan = self._book.get(plan_id)
        return plan is not None and plan.placement.base is not None and plan.placement.base.flying

    async def _taken_back(self, plan_id: str, *, fresh: bool, notes: str = "") -> Activity:
        """Leave nothing of a request that was not accepted; an older plan stays as it was."""
        notes = notes or await self._reason(plan_id)
        silent = [place for place in self._planner.places if place.reachable is False]
        result = Result.FAILED if silent else Result.REJECTED
        if fresh:
            left = not await self._gone(plan_id, TAKEN_BACK_S)
        else:
            plan = self._book.get(plan_id)
            if plan is not None and not self._rests(plan):
                await self._planner.apply(plan_id, hold_limit)
                await self._rest(plan_id, self._clock.monotonic_s() + TAKEN_BACK_S)
                plan = self._book.get(plan_id)
            left = plan is not None and not self._rests(plan)
        if left:
            return self._activity(Result.FAILED, plan_id, f"{notes}; that is not at its end yet")
        return self._activity(result, plan_id, notes)

    async def _reason(self, plan_id: str) -> str:
        try:
            view = await self._plans.plan(plan_id)
        except NotFound:
            return ""
        return view.reason or f"the plan is {view.status}, and that is all that is known"

    def _status(self, plan_id: str) -> FlightStatus:
        plan = self._book.get(plan_id)
        base = None if plan is None else plan.placement.base
        return FlightStatus.NOT_PLANNED if base is None else _STATUS[base.state]

    def _activity(self, result: Result, plan_id: str, notes: str) -> Activity:
        return Activity(result=result, status=self._status(plan_id), notes=notes)

    def _completed(self, plan_id: str) -> Activity:
        """Say that it is done, and whom it meets: those have to give way, or were met before."""
        plan = self._book.get(plan_id)
        assert plan is not None  # noqa: S101 - what counts is alive
        base = plan.placement.base
        assert base is not None  # noqa: S101 - likewise
        met = self._airspace.met_by(self._book.candidate(plan, base), self._book.registers)
        notes = f"meets {len(met)} of others, which give way or were met before" if met else ""
        if met:
            now = self._clock.now()
            self.notified.add(Observed(time=now, message=notes, conflicts=conflicts_of(len(met))))
        return replace(self._activity(Result.COMPLETED, plan_id, notes), advised=bool(met))

    # ---- the director

    async def clear(self, extent: wire.Volume4D) -> str:
        """End every own plan that has a part in ``extent``, and delete what else of ours stands
        there; return what could not be done, empty if everything was.

        Raises:
            BadInput: no such volume can exist.
        """
        box = _box(convert.area(extent, "extent"), self._clock.now() - _EVER)
        cleared = Prepared.of(box)
        ids = [plan.id for plan in self._book.living() if self._is_in(plan, cleared)]
        try:
            gone = await asyncio.gather(*(self._gone(plan_id, DECIDED_S) for plan_id in ids))
        except TansiqError as error:
            return str(error)
        problems = [
            f"plan {plan_id} is still being ended: {await self._reason(plan_id)}"
            for plan_id, done in zip(ids, gone, strict=True)
            if not done
        ]
        for place in self._planner.places:
            try:
                await self._delete_strays(place, extent)
                strays = await self._strays(place, extent)
            except TansiqError as error:
                problems.append(f"{place.register.id}: {error}")
                continue
            problems += [f"{stray.id} still stands at {place.register.id}" for stray in strays]
        return "; ".join(problems)

    def _is_in(self, plan: Plan, cleared: Prepared) -> bool:
        placement = plan.placement
        claims = [claim for claim in (placement.base, placement.want) if claim is not None]
        return any(
            conflicts(Prepared.of(*self._book.volumes(plan.id, claim)), cleared, NO_MINIMA)
            for claim in claims
        )

    async def _strays(
        self, place: Place, extent: wire.Volume4D
    ) -> list[wire.OperationalIntentReference]:
        """Return what stands in a register under our name and is no living plan's."""
        found = await place.port.query_intents(extent)
        return [
            reference
            for reference in found
            if reference.manager == self._party and self._book.by_intent(reference.id) is None
        ]

    async def _delete_strays(self, place: Place, extent: wire.Volume4D) -> None:
        for stray in await self._strays(place, extent):
            await place.port.delete_intent(stray.id, stray.ovn or "")


_NOTHING_STANDS = "no plan of this flight stands in a register; plan it first"


def _plan_id(flight_id: str, number: int) -> str:
    if number == 0:
        return flight_id
    digest = hashlib.sha256(f"{flight_id} {number}".encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


def _stated(volumes: Volumes) -> tuple[StatedBand, ...]:
    return tuple(
        StatedBand(
            lower=volume.altitude.lower_m,
            upper=volume.altitude.upper_m,
            units=Units.M,
            datum=Datum.W84,
        )
        for volume in volumes
    )


def _resting(plan: Plan) -> bool:
    """Report whether nothing is due for a plan, and no answer awaited."""
    placement = plan.placement
    return not due(placement) and all(slot.awaited is None for slot in placement.slots)


def _box(area: convert.Area, past: datetime) -> Volume4D:
    whole = convert.whole_column(area)
    return convert.bounded(
        replace(whole, start=whole.start or past, end=whole.end or past + 2 * _EVER), "extent"
    )


def _result_of(error: TansiqError) -> Result:
    """Return what an error means: what was asked for cannot be, or something is broken."""
    refused = isinstance(error, CallerError | StateConflict)
    return Result.REJECTED if refused else Result.FAILED
