"""What a picture is gathered from, in memory, on a clock that is moved by hand."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from tansiq.domain.time import TimeSpan, zulu
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline, Volume3D, Volume4D
from tansiq.f3548 import convert
from tansiq.services.views import AirspaceEntry, ConstraintView, PlanView, Status
from tansiq.services.watch.picture import Pictures, Sources
from tansiq.services.watch.views import PictureView
from tansiq.settings import Limits, Timers

T = TypeVar("T")
NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)
PLACE = LatLng(24.45, 54.6)
TICK_S = 2.0**-20


class HandClock:
    """A clock that stands until it is moved; whoever sleeps wakes when their time has come."""

    def __init__(self) -> None:
        self.s = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.s)

    def monotonic_s(self) -> float:
        return self.s

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.s + seconds, woken))
        await woken.wait()

    async def limit(self, awaitable: Awaitable[T], seconds: float) -> T:
        work = asyncio.ensure_future(awaitable)
        late = asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait((work, late), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise TimeoutError
            return work.result()
        finally:
            work.cancel()
            late.cancel()

    async def move(self, seconds: float) -> None:
        """Move on, and let everybody do what is due."""
        self.s += seconds
        due = [woken for at_s, woken in self._sleepers if at_s <= self.s]
        self._sleepers = [one for one in self._sleepers if one[0] > self.s]
        for woken in due:
            woken.set()
        await settle()


async def settle() -> None:
    """Let everybody run until they wait."""
    for _ in range(20):
        await asyncio.sleep(0)


def raw(*volumes: Volume4D) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(convert.volumes_to_wire(volumes)))


def volume(
    minutes: tuple[float, float] = (0, 60), outline: Outline | None = None, low_m: float = 300.0
) -> Volume4D:
    start, end = (NOON + timedelta(minutes=m) for m in minutes)
    return Volume4D(
        volume=Volume3D(
            outline=outline or Circle(center=PLACE, radius_m=500.0),
            altitude=AltitudeBand(lower_m=low_m, upper_m=low_m + 300.0),
        ),
        time=TimeSpan(start=start, end=end),
    )


def plan(**changes: Any) -> PlanView:
    plain: dict[str, Any] = {
        "id": "2f8343be-6482-4d1b-a474-16847e01af1e",
        "intent_id": "i1",
        "party": "north",
        "callsign": "HERON-1",
        "formation": "",
        "priority": 0,
        "state": "Accepted",
        "status": Status.COORDINATED,
        "coordinated": True,
        "time_start": zulu(NOON),
        "time_end": zulu(NOON),
        "altitude_m_min": 300.0,
        "altitude_m_max": 600.0,
        "registers": (),
        "volumes": raw(volume()),
    }
    return PlanView(**{**plain, **changes})


def no_go(**changes: Any) -> ConstraintView:
    plain: dict[str, Any] = {
        "id": "c1",
        "party": "north",
        "name": "Fire 7",
        "status": "everywhere",
        "time_start": zulu(NOON),
        "time_end": zulu(NOON),
        "altitude_m_min": 300.0,
        "altitude_m_max": 600.0,
        "registers": (),
        "volumes": raw(volume()),
    }
    return ConstraintView(**{**plain, **changes})


def entry(**changes: Any) -> AirspaceEntry:
    plain: dict[str, Any] = {
        "id": "o1",
        "kind": "intent",
        "manager": "south",
        "name": "HK-12",
        "state": "Accepted",
        "priority": 0,
        "registers": ("north",),
        "time_start": zulu(NOON),
        "time_end": zulu(NOON),
        "altitude_m_min": 300.0,
        "altitude_m_max": 600.0,
        "volumes": raw(volume()),
    }
    return AirspaceEntry(**{**plain, **changes})


@dataclass
class Scene:
    """The services that are asked; counts how often."""

    clock: HandClock = field(default_factory=HandClock)
    own: list[PlanView] = field(default_factory=list)
    others: list[AirspaceEntry] = field(default_factory=list)
    areas: list[ConstraintView] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    views: int = 0

    def view(self) -> PictureView:
        self.views += 1
        return PictureView(**{"time": zulu(self.clock.now()), **self.shown})

    async def plans(self, *, ended: bool) -> list[PlanView]:
        assert not ended
        self.asked += 1
        return list(self.own)

    async def airspace(self) -> list[AirspaceEntry]:
        return list(self.others)

    async def list(self, *, ended: bool) -> list[ConstraintView]:
        assert not ended
        return [*self.areas]

    def sources(self, **more: Any) -> Sources:
        me: Any = self
        return Sources(party="north", watch=me, planning=me, constraints=me, status=me, **more)

    def pictures(self, limits: Limits | None = None, **more: Any) -> Pictures:
        return Pictures(self.sources(**more), self.clock, limits or Limits(), Timers())
