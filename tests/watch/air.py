"""A watch over a real store, a sky to put plans into, and aircraft that fly straight."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

from plans import NOON, volume
from stores import open_store
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.alarm import Alarm
from tansiq.domain.alarm_key import AlarmKind
from tansiq.domain.ellipsoid import destination
from tansiq.domain.following import Limits as Following
from tansiq.domain.intent import PartyID
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import Circle, LatLng, Volumes, time_bounds
from tansiq.services.airspace import CONSTRAINT, INTENT, Airspace, Known
from tansiq.services.events import Events
from tansiq.services.planning.site import Site
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.binding import Bindings
from tansiq.services.watch.expected import Expected
from tansiq.services.watch.kept import Kept
from tansiq.services.watch.replaying import ReplayClock
from tansiq.services.watch.rings import RingBook
from tansiq.services.watch.separation import Separation
from tansiq.services.watch.showing import Picture
from tansiq.services.watch.tracks import Tracks
from tansiq.services.watch.watch import Parts, Watch
from tansiq.settings import Limits, Timers

HERE = LatLng(36.0, 36.0)
AREA = Circle(center=HERE, radius_m=100_000.0)
MINIMA = Minima(horizontal_m=1_852.0, vertical_m=300.0)
PRECISE = {"horizontal_error_m": 5.0, "geometric_error_m": 5.0}


class SetClock(ReplayClock):
    """Shows what it is set to, noon at first; or goes on from there with an event loop."""

    def __init__(self) -> None:
        super().__init__(NOON)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._since_s = 0.0

    def follow(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on with the loop's time."""
        self._loop, self._since_s = loop, loop.time()

    def now(self) -> datetime:
        if self._loop is None:
            return self.time
        return self.time + timedelta(seconds=self._loop.time() - self._since_s)


def party(name: str) -> Party:
    return Party(
        id=PartyID(name),
        names={"en": name.title()},
        public_key=bytes(32),
        url=f"https://{name}.example",
        tls_sha256=bytes(32),
    )


def agreement(**rules: Any) -> Agreement:
    names = ("north", "south")
    return Agreement(
        name="Test",
        digest="0" * 64,
        parties=tuple(party(name) for name in names),
        registers=tuple(
            Register(id=n, party=PartyID(n), url=f"https://{n}.example") for n in names
        ),
        area=AREA,
        **{"area_km2_max": 2_500.0, "minima": MINIMA, **rules},
    )


@dataclass(kw_only=True)
class Flying:
    """An aircraft on a straight way; a report of it is as exact as the test wants."""

    address: str
    at: LatLng = HERE
    speed_mps: float = 0.0
    track_deg: float = 0.0
    height_m: float | None = 1_000.0
    pressure_m: float | None = None
    climb_mps: float = 0.0
    callsign: str = ""
    since: datetime = NOON
    more: dict[str, Any] = field(default_factory=lambda: dict(PRECISE))

    def report(self, now: datetime) -> PositionReport:
        run_s = (now - self.since).total_seconds()
        place = self.at
        if self.speed_mps:
            place = destination(self.at, self.track_deg, self.speed_mps * run_s)
        up_m = self.climb_mps * run_s
        return PositionReport(
            address=Address(self.address),
            time=now,
            position=place,
            geometric_m=None if self.height_m is None else self.height_m + up_m,
            pressure_m=None if self.pressure_m is None else self.pressure_m + up_m,
            callsign=self.callsign,
            speed_mps=self.speed_mps,
            track_deg=self.track_deg,
            climb_mps=self.climb_mps,
            **self.more,
        )


@dataclass(kw_only=True)
class Air:
    """One node's watch and what is around it."""

    site: Site
    clock: SetClock
    airspace: Airspace
    events: Events
    watch: Watch
    picture: Picture
    flying: list[Flying] = field(default_factory=list)
    changes: list[Kept] = field(default_factory=list)

    async def run(self, seconds: int) -> None:
        """Let so many seconds pass; each aircraft reports each second."""
        for _ in range(seconds):
            self.clock.time += timedelta(seconds=1)
            now = self.clock.time
            self.watch.hear("test", [each.report(now) for each in self.flying])
            await self.watch.tick(now)

    def alarm(self, kind: AlarmKind) -> Alarm | None:
        """Return the only alarm of a kind that is in sight."""
        found = [k.alarm for k in self.watch.parts.alarms.in_sight() if k.alarm.key.kind is kind]
        assert len(found) <= 1, found
        return found[0] if found else None

    def kinds(self) -> set[str]:
        """Return the kinds of all alarms in sight."""
        return {k.alarm.key.kind.value for k in self.watch.parts.alarms.in_sight()}

    def put(self, number: int, volumes: Volumes, **more: Any) -> Known:
        """Put a plan, or a no-go area, into the sky."""
        fields: dict[str, Any] = {
            "register": "north",
            "id": str(UUID(int=number, version=4)),
            "kind": INTENT,
            "manager": "south",
            "own": False,
            "version": 1,
            "ovn": "ovn",
            "state": "Activated",
            "priority": 0,
            "volumes": volumes,
            "time": time_bounds(volumes),
            "base_url": "https://south.example",
            "callsign": f"PLAN-{number}",
            **more,
        }
        known = Known(**fields)
        self.airspace.put(known)
        return known

    def no_go(self, number: int, volumes: Volumes, **more: Any) -> Known:
        """Put a no-go area into the sky."""
        return self.put(number, volumes, kind=CONSTRAINT, state="", callsign="", **more)


@asynccontextmanager
async def air(
    folder: Path, *, separation: Separation | None = None, **rules: Any
) -> AsyncIterator[Air]:
    """Make a watch over an empty sky."""
    clock, limits, terms = SetClock(), Limits(), agreement(**rules)
    store = open_store(folder / "watch.db")
    events = Events(store, clock, limits)
    numbers = count(1)
    site = Site(
        agreement=terms,
        party=PartyID("north"),
        store=events.store,
        clock=clock,
        limits=limits,
        timers=Timers(),
        new_id=lambda: str(UUID(int=next(numbers) << 96, version=4)),
    )
    airspace = Airspace(terms)
    parts = Parts(
        tracks=Tracks(Following(), tracks_max=10_000),
        expected=Expected(airspace),
        bindings=Bindings(events.store),
        rings=RingBook(events.store, new_id=site.new_id),
        alarms=Alarms(events, new_id=site.new_id),
        separation=separation or Separation(table=terms.minima_table, well_clear="off"),
    )
    watch = Watch(site, parts)
    await parts.alarms.start(clock.now())
    made = Air(
        site=site,
        clock=clock,
        airspace=airspace,
        events=events,
        watch=watch,
        picture=Picture(watch, clock),
    )
    parts.alarms.on_change = made.changes.extend
    try:
        yield made
    finally:
        await store.close()


def block(
    center: LatLng = HERE,
    *,
    radius_m: float = 5_000.0,
    levels_m: tuple[float, float] = (500.0, 1_500.0),
    seconds: tuple[float, float] = (-600.0, 600.0),
) -> Volumes:
    return (volume(Circle(center=center, radius_m=radius_m), levels_m=levels_m, seconds=seconds),)
