"""The watch as a whole: positions from JSON into tracks, and how long from a position to an alarm.

*Ingest* reads bodies of 1,000 positions as ``POST /api/v1/positions`` takes them, puts them aside
and follows each (the alternative beside it: the same bodies with ``json`` and dictionaries, nothing
judged). *A second* is one look at 10,000 aircraft (1 in 100 km2, 1 Hz) with its alarms stored on
disk. *To the alarm* is a running watch with those aircraft: two of them meet again and again, and
the time is that from the report that makes it so to the commit of the alarm. *A day* has 2,000
aircraft come and go, 100,000 in all, and tells how much memory the tracks keep. Seed 6.

    python bench/watching.py [--quick] [--json]
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from _air import HERE, Air, Flying, air
from _rows import HEAD, Row, against, at_most, line, row
from tansiq import collector
from tansiq.domain.ellipsoid import destination
from tansiq.domain.time import zulu
from tansiq.engine.compiled import COMPILED
from tansiq.engine.warm import warm
from tansiq.formats import positions_json

BODY = 1_000
AIM_US, AIM_P99_S = 20.0, 1.5
"""50,000 positions a second; from a position to its alarm."""
PATIENCE_S = 30.0


def flying(count: int, random: Random) -> list[Flying]:
    side_m = 1_000.0 * (count * 100.0) ** 0.5
    found = []
    for number in range(count):
        at = destination(HERE, 90.0, random.uniform(-side_m / 2, side_m / 2))
        at = destination(at, 0.0, random.uniform(-side_m / 2, side_m / 2))
        found.append(
            Flying(
                address=f"icao:{number:06x}",
                at=at,
                speed_mps=random.uniform(50.0, 120.0),
                track_deg=random.uniform(0.0, 359.0),
                height_m=random.uniform(300.0, 10_000.0),
            )
        )
    return found


def body(reports: list[Any]) -> bytes:
    return json.dumps(
        [
            {
                "address": r.address,
                "time": zulu(r.time),
                "lat": r.position.lat_deg,
                "lng": r.position.lng_deg,
                "altitude": {"value": r.geometric_m, "units": "M", "datum": "W84", "error_m": 5.0},
                "speed_mps": r.speed_mps,
                "track_deg": r.track_deg,
                "climb_mps": r.climb_mps,
                "horizontal_error_m": 5.0,
            }
            for r in reports
        ]
    ).encode()


def cpu_s(do: Callable[[], object]) -> float:
    start = time.process_time()
    do()
    return time.process_time() - start


async def ingest(folder: Path, rounds: int) -> tuple[float, float]:
    """Return the CPU of a position, us: ours, and read with ``json`` into dictionaries alone."""
    fleet = flying(10 * BODY, Random(6))
    ours, naive = [], []
    async with air(folder) as sky:
        collector.settle()  # As a node that serves.
        tracks = sky.watch.parts.tracks
        for second in range(rounds):
            sky.clock.time += timedelta(seconds=1)
            now = sky.clock.time
            reports = [each.report(now) for each in fleet]
            bodies = [body(reports[i : i + BODY]) for i in range(0, len(reports), BODY)]
            latest: dict[str, Any] = {}

            def take(bodies: list[bytes] = bodies, now: Any = now) -> None:
                for each in bodies:
                    tracks.hear("bench", positions_json.read(each, count_max=BODY).reports, now)
                tracks.follow_heard()

            def plain(bodies: list[bytes] = bodies, latest: dict[str, Any] = latest) -> None:
                for each in bodies:
                    for position in json.loads(each):
                        latest[position["address"]] = position

            if second:
                ours.append(cpu_s(take) / len(reports) * 1e6)
                naive.append(cpu_s(plain) / len(reports) * 1e6)
            else:
                take()
    return statistics.median(ours), statistics.median(naive)


async def second(folder: Path, rounds: int) -> float:
    """Return the CPU of one look at 10,000 aircraft that were followed before, seconds."""
    fleet, spent = flying(10_000, Random(6)), []
    async with air(folder) as sky:
        sky.watch.parts.unplanned = False
        for _ in range(rounds):
            sky.clock.time += timedelta(seconds=1)
            sky.watch.hear("bench", [each.report(sky.clock.time) for each in fleet])
            sky.watch.parts.tracks.follow_heard()
            start = time.process_time()
            await sky.watch.tick(sky.clock.time)
            spent.append(time.process_time() - start)
    return statistics.median(spent[1:])


async def to_the_alarm(folder: Path, meetings: int) -> list[float]:
    """Return the times from a report to its alarm on disk, seconds, ascending."""
    random, taken = Random(6), []
    fleet = flying(9_900, random)  # Room for those who come.

    async with air(folder) as sky:
        watch = sky.watch
        watch.parts.unplanned = False
        loop = asyncio.get_running_loop()
        came: dict[str, asyncio.Future[float]] = {}

        def changed(kept: Any) -> None:
            for name in (name for each in kept for name in each.names):
                if name in came and not came[name].done():
                    came[name].set_result(loop.time())

        watch.parts.alarms.on_change = changed
        sky.clock.follow(loop)
        await watch.start()
        feeding = asyncio.create_task(_feed(sky, fleet))
        await asyncio.sleep(4.0)
        for number in range(meetings):
            await asyncio.sleep(random.uniform(0.2, 1.2))
            name = f"icao:f{number:05x}"
            near = random.choice(fleet).report(sky.clock.now())
            newcomer = Flying(address=name, at=near.position, height_m=near.geometric_m)
            came[name], start = loop.create_future(), loop.time()
            watch.hear("bench", [newcomer.report(sky.clock.now())])
            async with asyncio.timeout(PATIENCE_S):
                taken.append(await came[name] - start)
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        await watch.stop()
    return sorted(taken)


async def _feed(sky: Air, fleet: list[Flying]) -> None:
    """Report every aircraft once a second, in ten parts."""
    parts = [fleet[i::10] for i in range(10)]
    while True:
        for part in parts:
            now = sky.clock.now()
            sky.watch.hear("bench", [each.report(now) for each in part])
            await asyncio.sleep(0.1)


async def day(folder: Path, hours: int) -> tuple[float, float]:
    """Return the memory that is held after the first and the last hour, MB."""
    held = []
    async with air(folder) as sky:
        sky.watch.parts.unplanned = False
        tracemalloc.start()
        for hour in range(hours):
            fleet = flying(2_000, Random(hour))
            for each in fleet:
                each.address = f"icao:{hour:02x}{each.address[-4:]}"
                each.since = sky.clock.time
            for _ in range(3):
                sky.clock.time += timedelta(seconds=1)
                sky.watch.hear("bench", [each.report(sky.clock.time) for each in fleet])
                await sky.watch.tick(sky.clock.time)
            sky.clock.time += timedelta(hours=1)
            await sky.watch.tick(sky.clock.time)
            sky.changes.clear()  # The test's own notes.
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0] / 1e6)
        tracemalloc.stop()
    return held[1], held[-1]


def measure(*, quick: bool) -> Iterator[Row]:
    """Yield the rows."""
    rounds, meetings = (3, 12) if quick else (6, 60)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("ingest", "second", "alarm", "day"):
            (folder / part).mkdir()
        ours, naive = asyncio.run(ingest(folder / "ingest", rounds))
        yield at_most("a position from JSON into its track, CPU", ours, "us", AIM_US)
        yield against("the same", ours, "us", ("json into dictionaries", naive))
        yield row("a look at 10,000, CPU", asyncio.run(second(folder / "second", rounds)), "s")
        taken = asyncio.run(to_the_alarm(folder / "alarm", meetings))
        yield row("position to alarm, p50", statistics.median(taken), "s")
        last = taken[min(len(taken) - 1, int(0.99 * len(taken)))]
        yield at_most("position to alarm, p99", last, "s", AIM_P99_S)
        if not quick:
            first, after = asyncio.run(day(folder / "day", 50))
            yield row("memory after the second hour", first, "MB")
            yield at_most("memory after the 50th", after, "MB", round(first * 1.25, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 60 s, no day")
    parser.add_argument("--json", action="store_true", help="one object on stdout, nothing else")
    options = parser.parse_args()
    warm()
    load = f"load {os.getloadavg()[0]:.1f}"
    machine = f"{platform.platform()}, {os.cpu_count()} cores, {load}; compiled: {COMPILED}"
    if not options.json:
        print(machine)
        print(HEAD)
    results = []
    for found in measure(quick=options.quick):
        results.append(found)
        if not options.json:
            print(line(found), flush=True)
    if options.json:
        print(json.dumps({"machine": machine, "results": results}))


if __name__ == "__main__":
    main()
