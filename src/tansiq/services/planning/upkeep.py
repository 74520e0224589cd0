"""What has to be done again and again: standing subscriptions, strays, lost entries, old records.

A subscription over the whole agreed area at every register keeps us told of all intents and
no-go areas. The sweep reads each register and compares: what stands there under our name and is no
living plan's is deleted; what it has lost is written again; what we did not know is learnt.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tansiq.domain.placement import Outcome, Phase
from tansiq.domain.placement_steps import end, swept
from tansiq.domain.time import TimeSpan, from_micros, micros
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    AltitudeBand,
    Volume3D,
    Volume4D,
    time_bounds,
)
from tansiq.engine.enlarge import enlarged
from tansiq.errors import PeerError, TansiqError
from tansiq.f3548 import convert, wire
from tansiq.services.airspace import Airspace
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.constraints import OwnConstraints, Slot
from tansiq.services.planning.judging import Judging
from tansiq.services.planning.planner import Place, Planner
from tansiq.services.planning.ports import Written
from tansiq.services.planning.records import Reference
from tansiq.services.planning.site import Site
from tansiq.services.planning.steps import Event
from tansiq.storage.plans import Standing, Standings, Views
from tansiq.storage.store import Tx

_NOBODY = "sweep"
"""Stands for a plan where something is learnt for no plan in particular."""


class Upkeep:
    """The slow clockwork beside the planner."""

    def __init__(
        self,
        site: Site,
        *,
        airspace: Airspace,
        judging: Judging,
        planner: Planner,
    ) -> None:
        self._agreement = site.agreement
        self._party = site.party
        self._store = site.store
        self._airspace = airspace
        self._judging = judging
        self._planner = planner
        self._book: Book = planner.book
        self._clock = site.clock
        self._timers = site.timers
        self._limits = site.limits
        self._new_id = site.new_id
        self._standing: dict[str, Standing] = {}
        margin_m = 1.1 * site.agreement.minima.horizontal_m + 1_000.0
        self._outline = enlarged(site.agreement.area, margin_m)
        self._constraints: OwnConstraints | None = None
        self._soon = {r.id: asyncio.Event() for r in site.agreement.registers}
        self._tasks: list[asyncio.Task[None]] = []

    def keep_constraints(self, constraints: OwnConstraints) -> None:
        """Keep our no-go areas in order too."""
        self._constraints = constraints

    def start(self) -> None:
        """Begin; one task a register, so that a silent one delays nobody."""
        self._tasks = [
            asyncio.create_task(self._tend(place), name=f"upkeep {place.register.id}")
            for place in self._planner.places
        ]

    async def stop(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def sweep_soon(self, register: str, entity: str) -> None:
        """Somebody met something of ours that we do not hold: look at once."""
        self._soon[register].set()

    def subscription(self, register: str, plan: Plan) -> str | None:
        """Return the standing subscription of a register if it covers a plan's time."""
        standing = self._standing.get(register)
        if standing is None or standing.version is None:
            return None
        index = next(p.register for p in self._planner.places if p.register.id == register)
        volumes = self._book.extents(plan.id, plan.placement.want, index).volumes
        start, end = from_micros(standing.time_start), from_micros(standing.time_end)
        covered = all(start <= v.time.start and v.time.end <= end for v in volumes)
        return standing.id if covered else None

    async def _tend(self, place: Place) -> None:
        pause_s = self._timers.retry_first_s
        while True:
            try:
                await self._end_past()
                await self._subscribe(place)
                await self._sweep(place)
                place.reachable, place.problem = True, None
                pause_s = self._timers.sweep_s
            except TansiqError as error:
                # Our own store may be at fault too; nobody but us begins again.
                if isinstance(error, PeerError):
                    place.reachable = False
                place.problem = str(error)
                pause_s = min(max(pause_s, 0.25) * 2, self._timers.retry_last_s)
            try:
                soon = self._soon[place.register.id]
                await self._clock.limit(soon.wait(), pause_s)
                soon.clear()
                # Strays are rare; their discovery must not become a stream of sweeps.
                await self._clock.sleep(self._timers.retry_first_s)
            except TimeoutError:
                continue

    async def _end_past(self) -> None:
        """End what is long past: it blocks nobody, and lists must not grow for ever."""
        before = self._clock.now() - self._timers.past_kept
        for plan in self._book.living():
            placement = plan.placement
            ending = placement.after is Phase.ENDED
            span = time_bounds(self._book.volumes(plan.id, placement.want))
            if span.end < before and not ending:
                await self._planner.apply(plan.id, end)
        if self._constraints is not None:
            await self._constraints.end_past(before)

    # ---- subscriptions

    async def _subscribe(self, place: Place) -> None:
        register, now = place.register.id, self._clock.now()
        standing = await self._store.read(lambda tx: Standings(tx).get(register))
        if standing is not None:
            there = await place.port.get_subscription(standing.id)
            if there is None:
                standing = None  # A register that came back from an old backup has lost it.
            elif there.version != standing.version:
                # The answer to our last write was lost; what it made of the times is not known.
                standing = replace(standing, version=there.version, time_start=0, time_end=0)
            else:
                self._standing[register] = standing
                if from_micros(standing.time_end) - now > self._length(place) / 2:
                    return
        if standing is None:
            standing = Standing(
                register=register, id=self._new_id(), version=None, time_start=0, time_end=0
            )
            await self._put_standing(standing)
        start = now - timedelta(seconds=1)
        end = start + self._length(place)
        response = await place.port.put_subscription(
            standing.id,
            standing.version,
            wire.PutSubscriptionParameters(
                extents=self._area(start, end),
                uss_base_url=place.base_url,
                notify_for_operational_intents=True,
                notify_for_constraints=True,
            ),
        )
        subscription = response.subscription
        await self._put_standing(
            Standing(
                register=register,
                id=standing.id,
                version=subscription.version,
                time_start=micros(
                    convert.moment(subscription.time_start, "time_start", round_up=True)
                ),
                time_end=micros(convert.moment(subscription.time_end, "time_end", round_up=False)),
            )
        )

    async def _put_standing(self, standing: Standing) -> None:
        async def write(tx: Tx) -> None:
            await Standings(tx).put(standing)

        await self._store.write(write)
        self._standing[standing.register] = standing

    def _length(self, place: Place) -> timedelta:
        """How long a subscription may last: parties' registers take the whole plan horizon."""
        if place.register.party is None:
            return self._limits.subscription_max
        return self._limits.plan_ahead_max

    def _area(self, start: datetime, end: datetime) -> wire.Volume4D:
        """Return the agreed area, wide enough for plans at its edge with their enlargement."""
        volume = Volume4D(
            volume=Volume3D(
                outline=self._outline,
                altitude=AltitudeBand(lower_m=ALTITUDE_M_MIN, upper_m=ALTITUDE_M_MAX),
            ),
            time=TimeSpan(start=start, end=end),
        )
        return convert.to_wire(volume)

    # ---- sweep and audit

    async def _sweep(self, place: Place) -> None:
        """Compare one register with what we believe."""
        register = place.register.id
        now = self._clock.now()
        before = {plan.id: plan for plan in self._book.living()}
        asked = {plan.id: [slot.asked for slot in plan.placement.slots] for plan in before.values()}
        known_before = {k.id: k.ovn for k in self._airspace.at(register).values() if not k.own}
        area = self._area(now - timedelta(days=1), now + 2 * self._limits.plan_ahead_max)
        intents = await place.port.query_intents(area)
        lasting = {} if self._constraints is None else self._constraints.standing(register)
        constraints = await place.port.query_constraints(area)
        await self._sweep_own(place, intents, before, asked)
        await self._sweep_constraints(place, constraints, lasting)
        await self._learn_foreign(place, (*intents, *constraints), known_before)
        self._airspace.forget_ended(now - timedelta(hours=1))

        async def write(tx: Tx) -> None:
            await Views(tx).drop_older(micros(now - timedelta(hours=1)))

        await self._store.write(write)

    async def _sweep_own(
        self,
        place: Place,
        intents: Sequence[wire.OperationalIntentReference],
        before: dict[str, Plan],
        asked: dict[str, list[int]],
    ) -> None:
        own = {ref.id: ref for ref in intents if ref.manager == self._party}
        index = [p.register.id for p in self._planner.places].index(place.register.id)
        now = self._clock.now()
        for plan in before.values():
            ovn = own.pop(plan.intent_id).ovn if plan.intent_id in own else None
            if time_bounds(self._book.volumes(plan.id, plan.placement.want)).end < now:
                continue  # Past: no register takes it again, and it is in nobody's way.
            slot = plan.placement.slots[index]
            if (slot.view.ovn if slot.view is not None else None) != ovn:
                count = asked[plan.id][index]
                await self._planner.apply_if_same(plan, _swept(index, ovn, count))
        for reference in own.values():
            # Ours by name, but no living plan's: a late create of a request long given up.
            if self._book.by_intent(reference.id) is None and reference.ovn is not None:
                await place.port.delete_intent(reference.id, reference.ovn)

    async def _sweep_constraints(
        self,
        place: Place,
        constraints: Sequence[wire.ConstraintReference],
        lasting: Mapping[str, Slot],
    ) -> None:
        if self._constraints is None:
            return
        own = {ref.id: ref.ovn for ref in constraints if ref.manager == self._party}
        living = self._constraints.living()
        for constraint_id, ovn in own.items():
            if constraint_id not in living and ovn is not None:
                await place.port.delete_constraint(constraint_id, ovn)
        await self._constraints.audit(place.register.id, lasting, own)

    async def _learn_foreign(
        self, place: Place, references: Sequence[Reference], known_before: dict[str, str]
    ) -> None:
        register = place.register.id
        foreign = {ref.id: ref for ref in references if ref.manager != self._party}
        new_intents, new_constraints = [], []
        for reference in foreign.values():
            known = self._airspace.get(register, reference.id)
            # A lower version is news too: an id that was given up and is used again.
            if (
                known is None
                or known.version != reference.version
                or known.manager != reference.manager
            ):
                if isinstance(reference, wire.ConstraintReference):
                    new_constraints.append(reference)
                else:
                    new_intents.append(reference)
        gone = tuple(
            entity
            for entity, ovn in known_before.items()
            if entity not in foreign
            and (known := self._airspace.get(register, entity)) is not None
            and known.ovn == ovn
        )
        await self._judging.learn(
            _NOBODY,
            register,
            Written(
                outcome=Outcome.MISSING,
                missing_intents=tuple(new_intents),
                missing_constraints=tuple(new_constraints),
                gone=gone,
            ),
        )


def _swept(register: int, own_ovn: str | None, asked: int) -> Event:
    return lambda placement: swept(placement, register, own_ovn, asked=asked)
