"""Rings around incidents, and drones that were seen: what people put into the watch's picture."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tansiq.domain.ring import RingKind, Rings, rings_nm
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.domain.track import Address
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, NotFound, StateConflict
from tansiq.services.watch.views import RingView
from tansiq.storage.store import Store, Tx
from tansiq.storage.watch import RingRow, WatchTables

RINGS_MAX: Final = 50
SIGHTINGS_MAX: Final = 50
ADMITTED_MAX: Final = 1_000
LIFE_MAX: Final = timedelta(days=14)
SHORT_ID: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class RingSet:
    """The rings of one incident, and who may pass them."""

    id: str
    name: str
    rings: Rings
    until: datetime
    admitted: frozenset[Address] = frozenset()
    """Addresses that have called and been let in; whose plan is known needs it not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A drone that somebody saw."""

    id: str
    lat_deg: float
    lng_deg: float
    radius_m: float
    time: datetime
    until: datetime
    words: str = ""


class _Ring(msgspec.Struct, frozen=True, kw_only=True, tag="ring"):
    name: str
    lat_deg: float
    lng_deg: float
    radii_nm: dict[str, float]
    admitted: tuple[str, ...] = ()


class _Sighting(msgspec.Struct, frozen=True, kw_only=True, tag="sighting"):
    lat_deg: float
    lng_deg: float
    radius_m: float
    time: datetime
    words: str = ""


_DECODER: Final = msgspec.json.Decoder(_Ring | _Sighting)


class RingBook:
    """All of them, in memory and on disk."""

    def __init__(self, store: Store, *, new_id: Callable[[], str]) -> None:
        self._store = store
        self._new_id = new_id
        self._rings: dict[str, RingSet] = {}
        self._sightings: dict[str, Sighting] = {}

    async def start(self, now: datetime) -> None:
        """Read what holds."""

        async def write(tx: Tx) -> list[RingRow]:
            return await WatchTables(tx).rings(micros(now))

        for row in await self._store.write(write):
            self._take(row)

    def _take(self, row: RingRow) -> None:
        kept = _DECODER.decode(row.document)
        until = from_micros(row.until)
        if isinstance(kept, _Sighting):
            self._sightings[row.id] = Sighting(
                id=row.id,
                lat_deg=kept.lat_deg,
                lng_deg=kept.lng_deg,
                radius_m=kept.radius_m,
                time=kept.time,
                until=until,
                words=kept.words,
            )
            return
        self._rings[row.id] = RingSet(
            id=row.id,
            name=kept.name,
            rings=_rings(LatLng(kept.lat_deg, kept.lng_deg), kept.radii_nm),
            until=until,
            admitted=frozenset(map(Address, kept.admitted)),
        )

    def forget_old(self, now: datetime) -> None:
        """Let go of what has ended; the store forgets it at the next start."""
        for book in (self._rings, self._sightings):
            for each in [each for each, kept in book.items() if kept.until < now]:
                del book[each]

    # ---- rings

    async def draw(
        self,
        name: str,
        center: LatLng,
        radii_nm: dict[RingKind, float],
        until: datetime,
        now: datetime,
        ring_id: str = "",
    ) -> RingSet:
        """Draw rings around a point; a second time under the same id is the first.

        Raises:
            BadInput: radii that are no rings, an end that is past or too far ahead, or too many.
            StateConflict: others are called so.
        """
        if ring_id in self._rings:
            return self._rings[ring_id]
        if len(self._rings) >= RINGS_MAX:
            raise BadInput(f"{RINGS_MAX} are drawn already; remove some", field="rings")
        if any(ring.name == name for ring in self._rings.values()):
            raise StateConflict(f"rings called {name} are drawn already", field="name")
        _check_until(until, now)
        made = RingSet(
            id=ring_id or self._new_id(),
            name=name,
            rings=_rings(center, {kind.value: radius for kind, radius in radii_nm.items()}),
            until=until,
        )
        await self._put(made)
        return made

    async def admit(self, named: str, address: Address, *, admitted: bool) -> RingSet:
        """Note that an aircraft has called and been let in, or is not any more.

        Raises:
            NotFound: no such rings.
            BadInput: more than are noted.
        """
        before = self.ring(named)
        who = before.admitted | {address} if admitted else before.admitted - {address}
        if len(who) > ADMITTED_MAX:
            raise BadInput(f"{ADMITTED_MAX} are let in already; remove some", field="address")
        after = replace(before, admitted=who)
        await self._put(after)
        return after

    async def remove(self, named: str) -> None:
        """Take rings away.

        Raises:
            NotFound: no such rings.
        """
        await self._drop(self.ring(named).id)

    async def _put(self, ring: RingSet) -> None:
        document = _Ring(
            name=ring.name,
            lat_deg=ring.rings.rings[0].circle.center.lat_deg,
            lng_deg=ring.rings.rings[0].circle.center.lng_deg,
            radii_nm={each.kind.value: each.radius_nm for each in ring.rings.rings},
            admitted=tuple(sorted(ring.admitted)),
        )
        row = RingRow(id=ring.id, until=micros(ring.until), document=msgspec.json.encode(document))

        async def write(tx: Tx) -> None:
            await WatchTables(tx).put_ring(row)

        await self._store.write(write)
        self._rings[ring.id] = ring

    async def _drop(self, entity: str) -> None:
        async def write(tx: Tx) -> bool:
            return await WatchTables(tx).drop_ring(entity)

        await self._store.write(write)
        self._rings.pop(entity, None)
        self._sightings.pop(entity, None)

    def rings(self) -> tuple[RingSet, ...]:
        """Return all rings, by name."""
        return tuple(sorted(self._rings.values(), key=lambda ring: (ring.name, ring.id)))

    def ring(self, named: str) -> RingSet:
        """Return rings by their name, their id, or the beginning of it.

        Raises:
            NotFound: none, or several.
        """
        found = [
            ring
            for ring in self._rings.values()
            if ring.name == named or (len(named) >= SHORT_ID and ring.id.startswith(named.lower()))
        ]
        if len(found) != 1:
            several = "several are called so" if found else "no rings are called so"
            raise NotFound(f"{named[:40]!r}: {several}; tansiq ring list shows them", field="ring")
        return found[0]

    # ---- drones that were seen

    async def sight(
        self,
        at: LatLng,
        radius_m: float,
        words: str,
        until: datetime,
        now: datetime,
        sighting_id: str = "",
    ) -> Sighting:
        """Note that a drone was seen: a warning to all parties until it is gone.

        A second time under the same id is the first.

        Raises:
            BadInput: an end that is past or too far ahead, or too many.
        """
        if sighting_id in self._sightings:
            return self._sightings[sighting_id]
        if len(self._sightings) >= SIGHTINGS_MAX:
            raise BadInput(f"{SIGHTINGS_MAX} are noted already; end some", field="sighting")
        _check_until(until, now)
        document = _Sighting(
            lat_deg=at.lat_deg, lng_deg=at.lng_deg, radius_m=radius_m, time=now, words=words
        )
        row = RingRow(
            id=sighting_id or self._new_id(),
            until=micros(until),
            document=msgspec.json.encode(document),
        )

        async def write(tx: Tx) -> None:
            await WatchTables(tx).put_ring(row)

        await self._store.write(write)
        self._take(row)
        return self._sightings[row.id]

    async def gone(self, named: str, now: datetime) -> tuple[Sighting, int]:
        """Note that a drone is gone; return how many whole minutes were lost to it.

        Raises:
            NotFound: no such sighting.
        """
        found = [
            each
            for each in self._sightings.values()
            if len(named) >= SHORT_ID and each.id.startswith(named.lower())
        ]
        if len(found) != 1:
            raise NotFound(
                f"{named[:40]!r}: no drone, or several; tansiq sighting list shows them",
                field="sighting",
            )
        await self._drop(found[0].id)
        lost_s = (now - found[0].time).total_seconds()
        return found[0], max(0, -int(-lost_s // 60))

    def sightings(self) -> tuple[Sighting, ...]:
        """Return all drones that were seen and are not gone, the latest first."""
        return tuple(sorted(self._sightings.values(), key=lambda each: each.time, reverse=True))

    def views(self) -> tuple[RingView, ...]:
        """Return every ring as people see it."""
        return tuple(
            RingView(
                id=ring.id,
                name=ring.name,
                kind=each.kind.value,
                lat_deg=each.circle.center.lat_deg,
                lng_deg=each.circle.center.lng_deg,
                radius_m=each.circle.radius_m,
                until=zulu(ring.until),
            )
            for ring in self.rings()
            for each in ring.rings.rings
        )


def _rings(center: LatLng, radii_nm: dict[str, float]) -> Rings:
    return rings_nm(
        center,
        call=radii_nm.get(RingKind.CALL),
        no_entry=radii_nm.get(RingKind.NO_ENTRY),
        area=radii_nm.get(RingKind.AREA),
    )


def _check_until(until: datetime, now: datetime) -> None:
    if not now < until <= now + LIFE_MAX:
        raise BadInput(f"is not within {LIFE_MAX.days} days from now", field="until")
