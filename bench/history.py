"""The history of the live picture: what a slice of 1,000 aircraft costs, and what reading takes.

    python bench/history.py [--quick] [--json]

The aircraft fly straight at 30 to 250 m/s, half of them by plans, one in ten with something to be
said of it; twenty alarms, 200 plans of others with 8 volumes each, which stay. The clock is set on
by ten seconds a slice. CPU of a slice is that of the whole process, without the watch's making the
picture; how long the event loop is held up by it is told apart. Bytes a day are the growth of an
hour, times 24; a picture that is kept whole, as compressed JSON, stands beside it. Reading is
CPU as well, with the answer written. The store is on disk, where temporary files are. Seed 5.
"""

import argparse
import asyncio
import json
import math
import os
import platform
import statistics
import tempfile
import time
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import UUID

import msgspec

from _rows import HEAD, Row, against, at_most, line, row
from tansiq.clock import SystemClock
from tansiq.domain.time import zulu
from tansiq.services.views import AirspaceEntry
from tansiq.services.watch.history import Recorder
from tansiq.services.watch.past import Past
from tansiq.services.watch.picture import Sources
from tansiq.services.watch.views import AlarmView, PictureView, TrackView
from tansiq.settings import Limits, Settings
from tansiq.storage.sqlite import SqliteStore

T = TypeVar("T")

AIRCRAFT, AREAS, ALARMS, VOLUMES = 1_000, 200, 20, 8
STEP_S = 10.0
AN_HOUR = 360
CPU_MS = 100.0
"""Aim: of a core, one hundredth."""
LOOP_MS = 50.0
DAY_MB = 500.0
"""Aim: the usual limit holds a day."""
AT_MS = 50.0
MS, MB = 1e3, 1e6
START = datetime(2026, 11, 29, tzinfo=UTC)


class SetClock(SystemClock):
    """The machine's clock for waits; the time is set."""

    time = START

    def now(self) -> datetime:
        return self.time


@dataclass(slots=True)
class Aircraft:
    lat_deg: float
    lng_deg: float
    speed_mps: float
    track_deg: float
    height_m: float
    plan: str
    number: int


@dataclass(slots=True)
class Sky:
    """Aircraft that fly straight, and plans that stay."""

    clock: SetClock
    random: Random = field(default_factory=lambda: Random(5))
    aircraft: list[Aircraft] = field(init=False)
    areas: list[AirspaceEntry] = field(init=False)

    def __post_init__(self) -> None:
        draw = self.random
        self.aircraft = [
            Aircraft(
                lat_deg=draw.uniform(36, 40),
                lng_deg=draw.uniform(-124, -118),
                speed_mps=draw.uniform(30, 250),
                track_deg=draw.uniform(0, 360),
                height_m=draw.uniform(100, 10_000),
                plan=str(UUID(int=draw.getrandbits(128))) if number % 2 else "",
                number=number,
            )
            for number in range(AIRCRAFT)
        ]
        self.areas = [self._area(number) for number in range(AREAS)]

    def _area(self, number: int) -> AirspaceEntry:
        draw = self.random
        volumes = [
            {
                "volume": {
                    "outline_polygon": {
                        "vertices": [
                            {
                                "lat": draw.uniform(36, 40),
                                "lng": draw.uniform(-124, -118),
                            }
                            for _ in range(4)
                        ]
                    },
                    "altitude_lower": {"value": 300, "reference": "W84", "units": "M"},
                    "altitude_upper": {"value": 600, "reference": "W84", "units": "M"},
                },
                "time_start": {"value": zulu(START), "format": "RFC3339"},
                "time_end": {"value": zulu(START + timedelta(days=2)), "format": "RFC3339"},
            }
            for _ in range(VOLUMES)
        ]
        return AirspaceEntry(
            id=str(UUID(int=self.random.getrandbits(128))), kind="intent", manager="south",
            name=f"OSPREY-{number}", state="Accepted", priority=0, registers=("north", "south"),
            time_start=zulu(START), time_end=zulu(START + timedelta(days=2)),
            altitude_m_min=300.0, altitude_m_max=600.0,
            volumes=msgspec.Raw(msgspec.json.encode(volumes)),
        )  # fmt: skip

    def fly(self) -> PictureView:
        """Move all on by one step, and return the picture."""
        self.clock.time += timedelta(seconds=STEP_S)
        for each in self.aircraft:
            run_deg = each.speed_mps * STEP_S / 111_000
            each.lat_deg += run_deg * math.cos(math.radians(each.track_deg))
            each.lng_deg += run_deg * math.sin(math.radians(each.track_deg)) / 0.79
        now = self.clock.time
        return PictureView(
            time=zulu(now),
            tracks=tuple(self._track(each, now) for each in self.aircraft),
            alarms=tuple(self._alarm(number, now) for number in range(ALARMS)),
        )

    def _track(self, each: Aircraft, now: datetime) -> TrackView:
        draw, address = self.random, f"icao:{each.number + 0xA00000:06x}"
        age_s = draw.uniform(0.05, 4.0)
        told = each.number % 10 == 0
        metres = draw.uniform(0, 900)
        return TrackView(
            id=each.plan or address, address=address, callsign=f"N{each.number:04}", feed="roof",
            time=zulu(now - timedelta(seconds=age_s)), age_s=round(age_s, 1), staleness="fresh",
            lat_deg=round(each.lat_deg, 7), lng_deg=round(each.lng_deg, 7),
            horizontal_error_m=round(92.6 + age_s * 10, 1),
            height_m=round(each.height_m + draw.uniform(-8, 8), 1), height_error_m=45.0,
            pressure_m=round(each.height_m - 40 + draw.uniform(-8, 8), 1),
            speed_mps=round(each.speed_mps + draw.uniform(-1, 1), 1),
            track_deg=round(each.track_deg + draw.uniform(-1, 1), 1) % 360,
            climb_mps=round(draw.uniform(-1, 1), 1), plan=each.plan,
            plan_name=f"N{each.number:04}" if each.plan else "", party="south" if each.plan else "",
            conformance="left" if told else "inside" if each.plan else "unplanned",
            sentence=f"{metres:.0f} m outside its plan, north of it" if told else "",
            code="left" if told else "",
            facts={"flight": f"N{each.number}", "horizontal_m": round(metres, 3)} if told else {},
        )  # fmt: skip

    def _alarm(self, number: int, now: datetime) -> AlarmView:
        one, other = self.aircraft[number], self.aircraft[number + 1]
        return AlarmView(
            id=str(UUID(int=number)), kind="conflict-predicted", level="caution", stage="raised",
            flashing=True, one=one.plan or "0", other=other.plan or "1",
            names=(f"N{one.number:04}", f"N{other.number:04}"),
            sentence=f"come within {self.random.uniform(0, 900):.0f} m in 42 s",
            raised=zulu(START), changed=zulu(now), in_s=self.random.uniform(0, 60),
            lat_deg=one.lat_deg, lng_deg=one.lng_deg,
        )  # fmt: skip


class Page(msgspec.Struct):
    """What is needed of an answer."""

    slices: list[msgspec.Raw]
    next: datetime | None


class Shown:
    """Hands the recorder a picture that is there already, and the plans beside it."""

    def __init__(self, sky: Sky) -> None:
        self.sky = sky
        self.picture = sky.fly()

    def view(self) -> PictureView:
        return self.picture

    async def plans(self, *, ended: bool) -> list[Any]:
        return []

    async def airspace(self) -> list[AirspaceEntry]:
        return self.sky.areas

    async def list(self, *, ended: bool) -> Sequence[Any]:
        return []


@dataclass(slots=True)
class Taken:
    """What slices took, seconds."""

    cpu: list[float] = field(default_factory=list)
    loop: list[float] = field(default_factory=list)
    """The longest that others had to wait."""
    whole: list[int] = field(default_factory=list)
    """Bytes of each picture, kept whole."""


async def held_up(running: Awaitable[T]) -> tuple[T, float]:
    """Return what comes of it, and the longest time in which nobody else had a turn."""
    longest, task = 0.0, asyncio.ensure_future(running)
    before = time.perf_counter()
    while not task.done():
        await asyncio.sleep(0)
        now = time.perf_counter()
        longest, before = max(longest, now - before), now
    return task.result(), longest


async def keep(recorder: Recorder, shown: Shown, slices: int) -> Taken:
    taken = Taken()
    for _ in range(slices):
        shown.picture = shown.sky.fly()
        began = time.process_time()
        await recorder.record()
        taken.cpu.append(time.process_time() - began)
    for _ in range(20):
        shown.picture = shown.sky.fly()
        # Measured apart: to look all the time takes CPU itself.
        taken.loop.append((await held_up(recorder.record()))[1])
        taken.whole.append(len(zlib.compress(msgspec.json.encode(shown.picture), 6)))
    assert not recorder.failing, recorder.failing
    return taken


async def timed(function: Callable[[], Awaitable[bytes]], rounds: int) -> tuple[float, bytes]:
    times, answer = [], b""
    for _ in range(rounds):
        began = time.process_time()
        answer = await function()
        times.append(time.process_time() - began)
    return statistics.median(times), answer


async def measure(*, quick: bool) -> list[Row]:
    return [found async for found in _measure(60 if quick else AN_HOUR, 5 if quick else 20)]


async def _measure(slices: int, rounds: int) -> Any:
    clock = SetClock()
    shown = Shown(Sky(clock))
    sources: Any = Sources(
        party="north",
        watch=shown,
        planning=shown,
        constraints=shown,
        status=shown,  # type: ignore[arg-type]
    )
    settings = Settings(data=Path(), party="north", agreement=Path())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.db"
        tables = files("tansiq.storage") / "history_migrations"
        store = SqliteStore.open(path, migrations=tables)
        recorder = Recorder(sources, store, clock, settings)
        past = Past(store, recorder, clock, Limits())
        await recorder.record()
        first = (await past.view()).bytes
        taken = await keep(recorder, shown, slices)
        for each in _of_slices(taken, (await past.view()).bytes - first, slices + 20):
            yield each
        async for each in _of_reading(past, clock, rounds):
            yield each
        await recorder.stop()
        yield row("the file beside what is counted in it", path.stat().st_size / MB, "MB")


def _of_slices(taken: Taken, grown: int, slices: int) -> Iterator[Row]:
    name = f"slice of {AIRCRAFT:,} aircraft"
    yield at_most(f"{name}, CPU", statistics.median(taken.cpu) * MS, "ms", CPU_MS)
    yield row(f"{name}, CPU of ten seconds", statistics.mean(taken.cpu) / STEP_S * 100, "%")
    yield at_most(f"{name}, event loop held up", statistics.median(taken.loop) * MS, "ms", LOOP_MS)
    a_slice = grown / slices
    yield against(f"{name}", a_slice, "bytes", ("kept whole", statistics.mean(taken.whole)))
    yield at_most("a day of them", a_slice * 86_400 / STEP_S / MB, "MB", DAY_MB)


async def _of_reading(past: Past, clock: SetClock, rounds: int) -> Any:
    middle = START + (clock.time - START) / 2
    took, answer = await timed(lambda: past.at(middle), rounds)
    yield at_most(f"`at`, {len(answer) / MB:.1f} MB of JSON", took * MS, "ms", AT_MS)
    took, answer = await timed(lambda: past.page(START, clock.time, STEP_S), max(1, rounds // 4))
    page = msgspec.json.decode(answer, type=Page)
    name = f"an answer of {len(page.slices)} slices, {len(answer) / MB:.1f} MB"
    yield row(name, took * MS, "ms")
    for volumes in (True, False):
        cpu, since, answers, count = 0.0, START, 0, 0
        while since is not None:
            began = time.process_time()
            answer = await past.page(since, clock.time, STEP_S, volumes=volumes)
            cpu += time.process_time() - began
            page = msgspec.json.decode(answer, type=Page)
            answers, count, since = answers + 1, count + len(page.slices), page.next
        name = f"{count} slices in {answers} answers"
        yield row(f"{name}{'' if volumes else ', no volumes'}", cpu * MS, "ms")
    took, _ = await timed(lambda: _encoded(past), rounds)
    yield row("how much there is (`GET /history`)", took * MS, "ms")


async def _encoded(past: Past) -> bytes:
    return msgspec.json.encode(await past.view())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 60 s")
    parser.add_argument("--json", action="store_true", help="one object on stdout, nothing else")
    options = parser.parse_args()
    machine = f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
    results = asyncio.run(measure(quick=options.quick))
    if options.json:
        print(json.dumps({"machine": machine, "results": results}))
        return
    print(machine)
    print(HEAD)
    for found in results:
        print(line(found))
    print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
