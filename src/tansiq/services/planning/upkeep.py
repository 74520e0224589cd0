"""What has to be done again and again: standing subscriptions, strays, lost entries, old records.

A subscription over the whole agreed area at every register that takes one keeps us told of all
intents and no-go areas. The sweep reads each register and compares: what stands there under our
name and is no living plan's is deleted; what it has lost is written again; what we did not know is
learnt, and what we were told otherwise is forgotten.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from tansiq.domain.placement import Phase
from tansiq.domain.placement_steps import end, swept
from tansiq.domain.succession import STANDS_NOWHERE
from tansiq.domain.time import micros
from tansiq.domain.volume import time_bounds
from tansiq.engine.enlarge import enlarged
from tansiq.errors import PeerError, TansiqError
from tansiq.f3548 import wire
from tansiq.services.airspace import Airspace
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.constraints import OwnConstraints
from tansiq.services.planning.judging import Judging
from tansiq.services.planning.no_go import Slot
from tansiq.services.planning.planner import Place, Planner
from tansiq.services.planning.problem import Problem
from tansiq.services.planning.records import Reference, is_news
from tansiq.services.planning.sight import Sight
from tansiq.services.planning.site import Site
from tansiq.services.planning.steps import Event
from tansiq.services.planning.subscribing import Subscribing
from tansiq.storage.plans import Views
from tansiq.storage.store import Tx

_SHARE = 4.0
"""How many times as long as it took a sweep rests, at least."""
_STEP = 500
"""References compared before others get their turn."""


class Upkeep:
    """The slow clockwork beside the planner."""

    def __init__(
        self,
        site: Site,
        *,
        airspace: Airspace,
        judging: Judging,
        planner: Planner,
        resting: Sequence[Place] = (),
    ) -> None:
        self._agreement = site.agreement
        self._resting = tuple(resting)
        self._party = site.party
        self._store = site.store
        self._airspace = airspace
        self._judging = judging
        self._planner = planner
        self._book: Book = planner.book
        self._clock = site.clock
        self._timers = site.timers
        margin_m = 1.1 * site.agreement.minima_table.largest.horizontal_m + 1_000.0
        # Wide enough for plans at the edge of the area, with their enlargement.
        outline = enlarged(site.agreement.area, margin_m)
        self.subscribing = Subscribing(site, book=planner.book, outline=outline)
        self._sight = Sight(site, outline=outline)
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
        self._tasks += [
            asyncio.create_task(self._tidy(place), name=f"tidy {place.register.id}")
            for place in self._resting
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
        return self.subscribing.covering(register, plan)

    async def _tend(self, place: Place) -> None:
        pause_s = self._timers.retry_first_s
        while True:
            try:
                await self._end_past()
                await self.subscribing.keep(place)
                begun_s = self._clock.monotonic_s()
                await self._sweep(place)
                place.reachable, place.problem, place.swept = True, None, place.swept + 1
                # An area of many pieces takes long to read; others want the register too.
                took_s = self._clock.monotonic_s() - begun_s
                pause_s = max(self._timers.sweep_s, _SHARE * took_s)
            except TansiqError as error:
                # Our own store may be at fault too; nobody but us begins again.
                if isinstance(error, PeerError):
                    place.reachable = False
                place.problem = Problem.of(error)
                pause_s = min(max(pause_s, 0.25) * 2, self._timers.retry_last_s)
            try:
                soon = self._soon[place.register.id]
                await self._clock.limit(soon.wait(), pause_s)
                soon.clear()
                # Strays are rare; their discovery must not become a stream of sweeps.
                await self._clock.sleep(self._timers.retry_first_s)
            except TimeoutError:
                continue

    async def _tidy(self, place: Place) -> None:
        """Take back what stands in vain in a register that does not count for the time being.

        Who is to go over yet would wait for it.
        """
        while True:
            try:
                now = self._clock.now()
                seen = await self._sight.read(place, since=now - timedelta(days=1))
                for reference in seen.intents:
                    plan = self._book.by_intent(reference.id)
                    vain = plan is None or plan.placement.phase in STANDS_NOWHERE
                    ours = reference.manager == self._party and reference.ovn is not None
                    if ours and vain and reference.ovn is not None:
                        await place.port.delete_intent(reference.id, reference.ovn)
            except TansiqError:
                pass  # Its node is off, most likely: that is why it does not count.
            await self._clock.sleep(self._timers.sweep_s)

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
            await self._constraints.look_through(before)

    # ---- sweep and audit

    async def _sweep(self, place: Place) -> None:
        """Compare one register with what we believe."""
        register = place.register.id
        now = self._clock.now()
        before = {plan.id: plan for plan in self._book.living()}
        asked = {plan.id: [slot.asked for slot in plan.placement.slots] for plan in before.values()}
        known_before = {k.id: k.ovn for k in self._airspace.at(register).values() if not k.own}
        lasting = {} if self._constraints is None else self._constraints.standing(register)
        seen = await self._sight.read(place, since=now - timedelta(days=1))
        await self._sweep_own(place, seen.intents, before, asked)
        await self._sweep_constraints(place, seen.constraints, lasting)
        await self._learn_foreign(place, (*seen.intents, *seen.constraints), known_before)
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
            if ovn is None and slot.view is not None:
                # Perhaps beyond what was read; only the register itself can say that it is lost.
                there = await place.port.get_intent(plan.intent_id)
                ovn = None if there is None else there.ovn
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
        """Learn what is new of others at a register; what counts again is judged again."""
        register = place.register.id
        foreign = {ref.id: ref for ref in references if ref.manager != self._party}
        unseen = [
            known
            for entity, ovn in known_before.items()
            if entity not in foreign
            and (known := self._airspace.get(register, entity)) is not None
            and known.ovn == ovn
        ]
        beyond, gone = await self._sight.ask(place, unseen)
        news: list[Reference] = []
        for i, reference in enumerate((*foreign.values(), *beyond)):
            if i % _STEP == _STEP - 1:
                await self._clock.sleep(0)
            idle = self._judging.is_idle(register, reference)
            again = self._airspace.mark(register, reference.id, down=idle)
            if again is not None:
                await self._planner.newcomers.found(again)
            if not idle and is_news(self._airspace.get(register, reference.id), reference):
                news.append(reference)
            elif not idle:
                self._airspace.confirm(register, reference.id)
        # What was told of meanwhile is not gone.
        left = [e for e in gone if self._known_as(register, e) == known_before[e]]
        await self._judging.catch_up(register, news, left)

    def _known_as(self, register: str, entity: str) -> str | None:
        known = self._airspace.get(register, entity)
        return None if known is None else known.ovn


def _swept(register: int, own_ovn: str | None, asked: int) -> Event:
    return lambda placement: swept(placement, register, own_ovn, asked=asked)
