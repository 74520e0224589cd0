"""Resolutions at 100,000 stored volumes, beside trying one change after the other.

Flights are of eight volumes, one stretch after the other; those that are blocked are asked for.
Searched is an hour either way and all ten levels of 50 m, alone and with moves aside as well.

Two alternatives are asked for the first of the same flights. *Trial after trial* judges whole
minutes and levels with the same index, the cheapest first, until one is clear or ``TRIALS_MAX``
were not: one answer, dearer by up to a minute. ``domain.resolution`` finds the least delay and the
least level change among what the index finds in the window.

*wide*, *metro* and *city* are those of ``bench/_airspaces.py``. The city is denser than any store
whose plans keep apart, and has hardly a slot; *thinned* is what is left of it when all are taken
out that meet one before them. Everything that is proposed is judged once more. One thread. Seed 5.
Kernels are compiled before. CPU is that of the thread: on a busy machine the clock says more of the
others.
"""

import argparse
import gc
import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import Any

import numpy as np

from _airspaces import ORIGIN, START_US, Airspace, make
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA
from tansiq.domain.corridor import around
from tansiq.domain.resolution import smallest_delay, smallest_level_change
from tansiq.domain.time import TimeSpan, from_micros
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline, Volume3D, Volume4D, Volumes
from tansiq.engine.compiled import COMPILED
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared
from tansiq.engine.resolution import Bounds, Layer, Resolution, cost_of, resolve
from tansiq.engine.warm import warm

Row = dict[str, Any]
STORED = 100_000
TRIALS_MAX = 1_000
LEVELS, STEP_M = 10, 50.0
HOUR = timedelta(hours=1)
SIDES = {"wide": (500_000.0, 24.0, 2_000.0), "metro": (60_000.0, 12.0, 500.0)}
SIDES |= {"city": (30_000.0, 4.0, 500.0), "thinned": (30_000.0, 4.0, 500.0)}
"""Metres, hours, and how long a stretch of a flight is."""


def stored(kind: str) -> tuple[Airspace, AirspaceIndex]:
    sky = make("city" if kind == "thinned" else kind, STORED)
    index = AirspaceIndex(lambda entity: sky.volume(entity).outline)
    index.extend(sky.batch)
    if kind == "thinned":
        met: dict[int, list[int]] = {}
        for a, b in (sorted(pair) for chunk in index.pairs() for pair in chunk.tolist()):
            met.setdefault(b, []).append(a)
        out: set[int] = set()
        for entity in range(STORED):
            if any(other not in out for other in met.get(entity, ())):
                out.add(entity)
                index.remove(entity)
    return sky, index


def flight(kind: str, random: Random) -> Volumes:
    """Return eight stretches of a straight flight, each a corridor or a disc of 3 to 6 min."""
    side_m, hours, long_m = SIDES[kind]
    center, reach_m = LatLng(*ORIGIN), side_m / 2 - 8 * long_m
    place = geodesy.destination(center, 0.0, random.uniform(-reach_m, reach_m))
    place = geodesy.destination(place, 90.0, random.uniform(-reach_m, reach_m))
    start_us = START_US + int(random.uniform(1.0, hours - 1.0) * 3_600e6)
    low_m = STEP_M * random.randrange(LEVELS)
    way_deg, volumes = random.uniform(0.0, 360.0), []
    for _ in range(8):
        end_us = start_us + int(random.uniform(180e6, 360e6))
        following = geodesy.destination(place, way_deg, long_m)
        outline = _stretch(place, following, long_m / 5, random)
        band = AltitudeBand(lower_m=low_m, upper_m=low_m + STEP_M)
        span = TimeSpan(start=from_micros(start_us), end=from_micros(end_us))
        volumes.append(Volume4D(volume=Volume3D(outline=outline, altitude=band), time=span))
        place, start_us, way_deg = following, end_us, way_deg + random.uniform(-20.0, 20.0)
    return tuple(volumes)


def _stretch(a: LatLng, b: LatLng, half_m: float, random: Random) -> Outline:
    if random.random() < 0.3:
        return Circle(center=a, radius_m=2 * half_m)
    return around([a, b], half_m)


def bounds(plan: Prepared, *, aside_m: float) -> Bounds:
    start = min(volume.time.start for volume in plan.volumes)
    return Bounds(
        earliest=start - HOUR,
        later_max=HOUR,
        earlier_max=HOUR,
        step_m=STEP_M,
        levels_m=(0.0, LEVELS * STEP_M),
        aside_m_max=aside_m,
    )


def by_trial(index: AirspaceIndex, plan: Prepared) -> float | None:
    """Return the cost of the first trial that is clear, the cheapest first."""
    low_m = plan.volumes[0].altitude.lower_m
    ups = [STEP_M * k - low_m for k in range(LEVELS)]
    trials = sorted(
        (cost_of(60 * minute, up_m, 0.0), minute, up_m)
        for minute in range(-60, 61)
        for up_m in ups
        if minute or up_m
    )
    for cost, minute, up_m in trials[:TRIALS_MAX]:
        by = timedelta(minutes=minute)
        moved = Prepared.of(*(volume.shifted(by=by, up_m=up_m) for volume in plan.volumes))
        if not index.conflicts(moved):
            return cost
    return None


def row(name: str, value: float, unit: str, **rest: Any) -> Row:
    blank = {"against": None, "ratio": None, "aim": None, "met": None}
    return {"name": name, "value": round(value, 4), "unit": unit, **blank, **rest}


def by_definition(sky: Airspace, index: AirspaceIndex, plan: Prepared, near: Bounds) -> None:
    """Ask ``domain.resolution`` for delay and level among what the index finds in the window."""
    wide = tuple(
        Volume4D(
            volume=Volume3D(
                outline=one.outline,
                altitude=AltitudeBand(lower_m=near.levels_m[0], upper_m=near.levels_m[1]),
            ),
            time=one.time.widened(HOUR),
        )
        for one in plan.volumes
    )
    obstacles = [(sky.volume(i),) for i in index.candidates(Prepared.of(*wide))]
    smallest_delay(plan.volumes, obstacles, NO_MINIMA, limit=HOUR)
    smallest_level_change(
        plan.volumes, obstacles, NO_MINIMA, step_m=STEP_M, lowest_m=0.0, highest_m=LEVELS * STEP_M
    )


class Times:
    """Milliseconds, by the clock and of this thread's CPU."""

    def __init__(self) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def taken(self, function: Callable[..., Any], *arguments: Any) -> Any:
        started, used = time.perf_counter(), time.thread_time()
        found = function(*arguments)
        self.cpu.append((time.thread_time() - used) * 1e3)
        self.wall.append((time.perf_counter() - started) * 1e3)
        return found


def figures(name: str, times: Times) -> Iterator[Row]:
    p50, p99 = np.percentile(times.wall, (50, 99))
    yield row(f"{name}, p50", p50, "ms")
    yield row(f"{name}, p99", p99, "ms", aim=10.0, met=bool(p99 < 10.0))
    yield row(f"{name}, most", max(times.wall), "ms")
    yield row(f"{name}, p99 of CPU", float(np.percentile(times.cpu, 99)), "ms")


def beside(name: str, what: str, own: Times, other: Times) -> Iterator[Row]:
    """Compare medians over the flights that both were asked for."""
    value = float(np.median(own.cpu[: len(other.cpu)]))
    against = float(np.median(other.cpu))
    yield row(f"{name}, {what}, p50 of CPU", against, "ms")
    yield row(f"{name}, beside it", value, "ms", against=what, ratio=round(value / against, 4))


def measure_one(kind: str, flights: int, tried: int) -> Iterator[Row]:
    random, (sky, index) = Random(5), stored(kind)
    layers = [Layer(index, NO_MINIMA)]
    plans = []
    while len(plans) < flights:
        plan = Prepared.of(*flight(kind, random))
        if index.conflicts(plan):
            plans.append(plan)
    far_m = 4 * SIDES[kind][2]
    rigid, aside, trials, plain = Times(), Times(), Times(), Times()
    answers: list[Resolution] = []
    both: list[Resolution] = []
    gc.collect()
    for number, plan in enumerate(plans):
        near, far = bounds(plan, aside_m=0.0), bounds(plan, aside_m=far_m)
        answers.append(rigid.taken(resolve, plan, layers, near))
        both.append(aside.taken(resolve, plan, layers, far))
        if number < tried:
            trials.taken(by_trial, index, plan)
            plain.taken(by_definition, sky, index, plan, near)
    yield from figures(f"{kind}, time and level", rigid)
    yield from figures(f"{kind}, also aside", aside)
    yield from beside(kind, "trial after trial", rigid, trials)
    yield from beside(kind, "domain.resolution", rigid, plain)
    yield row(f"{kind}, moved of {flights}", sum(bool(a.proposals) for a in answers), "")
    yield row(f"{kind}, moved or moved aside", sum(bool(a.proposals) for a in both), "")
    proposals = [one for answer in (*answers, *both) for one in answer.proposals]
    wrong = sum(bool(index.conflicts(Prepared.of(*one.volumes))) for one in proposals)
    yield row(f"{kind}, in conflict of {len(proposals)}", wrong, "", aim=0.0, met=wrong == 0)


def measure(*, quick: bool) -> Iterator[Row]:
    warm()
    flights, tried = (100, 10) if quick else (1_000, 50)
    for kind in SIDES:
        yield from measure_one(kind, flights, tried)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    if not options.json:
        print(f"compiled: {COMPILED}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"{'':44} {'value':>10} {'':8} {'ratio':>6} {'aim':>6}")
    for found in measure(quick=options.quick):
        results.append(found)
        if not options.json:
            ratio = "" if found["ratio"] is None else f"{found['ratio']:.3f}"
            aim = "" if found["aim"] is None else f"{found['aim']:.2f}"
            met = {None: "", True: "met", False: "missed"}[found["met"]]
            line = (
                f"{found['name']:44} {found['value']:10.3f} {found['unit']:8} {ratio:>6} {aim:>6}"
            )
            print(f"{line} {met}", flush=True)
    if options.json:
        print(json.dumps({"machine": platform.platform(), "results": results}))
    else:
        print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
