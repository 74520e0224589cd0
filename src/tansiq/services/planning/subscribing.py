"""Standing subscriptions: one over the whole agreed area at every register that takes one.

A register outside the agreement takes no area above a limit. There each plan brings an implicit
subscription of its own, as it does beyond the end of a standing one, and the sweep finds the rest.
"""

import logging
from datetime import datetime, timedelta

from tansiq.domain import geodesy
from tansiq.domain.time import TimeSpan, from_micros, micros
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    AltitudeBand,
    Outline,
    Volume3D,
    Volume4D,
)
from tansiq.errors import PeerRefused
from tansiq.f3548 import convert, wire
from tansiq.services.planning.book import Book, Plan
from tansiq.services.planning.planner import Place
from tansiq.services.planning.site import Site
from tansiq.storage.plans import Standing, Standings
from tansiq.storage.store import Tx
from tansiq.storage.tiles import tiles

_log = logging.getLogger(__name__)

TOO_LARGE = frozenset({400, 413})
"""What registers answer to an area above their limit."""


class Subscribing:
    """Keeps them, each renewed at half its time."""

    def __init__(self, site: Site, *, book: Book, outline: Outline) -> None:
        self._agreement = site.agreement
        self._store = site.store
        self._clock = site.clock
        self._limits = site.limits
        self._new_id = site.new_id
        self._book = book
        self._outline = outline
        self._standing: dict[str, Standing] = {}
        self._refused: set[str] = set()

    def standing(self, register: str) -> Standing | None:
        """Return the confirmed standing subscription at a register."""
        return self._standing.get(register)

    def covering(self, register: str, plan: Plan) -> str | None:
        """Return the standing subscription of a register if it covers a plan's time and area."""
        standing = self._standing.get(register)
        if standing is None:
            return None
        entry = next(r for r in self._agreement.registers if r.id == register)
        volumes = self._book.extents(plan, plan.placement.want, entry).volumes
        start, end = from_micros(standing.time_start), from_micros(standing.time_end)
        covered = all(start <= v.time.start and v.time.end <= end for v in volumes)
        if plan.placement.off_nominal:
            # An aircraft that has strayed may have left the agreed area.
            covered = covered and all(geodesy.inside(v.outline, self._outline) for v in volumes)
        return standing.id if covered else None

    async def keep(self, place: Place) -> None:
        """Have a subscription with more than half its time left at a register.

        Raises:
            PeerError: the register did not answer, or refused for another reason than its size.
        """
        register, now = place.register.id, self._clock.now()
        if register in self._refused or not self._is_taken(place):
            return
        length = self._length(place)
        stored = await self._store.read(lambda tx: Standings(tx).get(register))
        there = None if stored is None else await place.port.get_subscription(stored.id)
        if there is not None:
            # The answer to our last write may have been lost: its own word counts.
            standing = _standing(register, there)
            if standing != stored:
                await self._put(standing)
            if from_micros(standing.time_end) - now > length / 2:
                self._standing[register] = standing
                return
        elif stored is not None:
            self._standing.pop(register, None)  # It came back from an old copy, and lost it.
        # A fresh id each time: plans that have begun hang on the old one and forbid to move its
        # start. It ends by itself, and a subscriber of two is told once.
        await self._make(place, now, length)

    async def _make(self, place: Place, now: datetime, length: timedelta) -> None:
        register, start = place.register.id, now - timedelta(seconds=1)
        made = Standing(
            register=register, id=self._new_id(), version=None, time_start=0, time_end=0
        )
        await self._put(made)  # Before it is asked for, so that it is never made twice.
        parameters = wire.PutSubscriptionParameters(
            extents=whole(self._outline, TimeSpan(start=start, end=start + length)),
            uss_base_url=place.base_url,
            notify_for_operational_intents=True,
            notify_for_constraints=True,
        )
        try:
            response = await place.port.put_subscription(made.id, None, parameters)
        except PeerRefused as error:
            if place.register.party is not None or error.status not in TOO_LARGE:
                raise
            _log.warning("%s takes no standing subscription: %s", register, error)
            self._refused.add(register)
            self._standing.pop(register, None)
            return
        standing = _standing(register, response.subscription)
        await self._put(standing)
        self._standing[register] = standing

    def _is_taken(self, place: Place) -> bool:
        """Report whether a register may be asked for so large an area at all."""
        return place.register.party is not None or (
            len(tiles(self._outline, self._limits.area_km2_max)) == 1
        )

    async def _put(self, standing: Standing) -> None:
        async def write(tx: Tx) -> None:
            await Standings(tx).put(standing)

        await self._store.write(write)

    def _length(self, place: Place) -> timedelta:
        """How long a subscription may last: parties' registers take the whole plan horizon."""
        if place.register.party is None:
            return self._limits.subscription_max
        return self._limits.plan_ahead_max


def whole(outline: Outline, time: TimeSpan) -> wire.Volume4D:
    """Return an outline at all altitudes."""
    band = AltitudeBand(lower_m=ALTITUDE_M_MIN, upper_m=ALTITUDE_M_MAX)
    return convert.to_wire(Volume4D(volume=Volume3D(outline=outline, altitude=band), time=time))


def _standing(register: str, subscription: wire.Subscription) -> Standing:
    return Standing(
        register=register,
        id=subscription.id,
        version=subscription.version,
        time_start=micros(convert.moment(subscription.time_start, "time_start", round_up=True)),
        time_end=micros(convert.moment(subscription.time_end, "time_end", round_up=False)),
    )
