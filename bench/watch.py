"""Predicted encounters of whole fleets, once a second, beside judging every pair and BlueSky.

*Manned*: 1 aircraft in 100 km2, to 10 km high, 100 to 280 m/s; asked for DO-365 well clear within
55 and 25 s and for 5 NM and 1,000 ft within 120 s. *Drones*: 1 in a km2, to 120 m high, up to 25
m/s; asked for 100 m and 30 m within 120, 60 and 30 s. Half climb or descend, two of ten have no
pressure altitude. What a step takes is told as CPU of the one thread, which is its share of a core
at 1 Hz, and by the clock, which on a busy machine says more of the others.

*Every pair* is our own judgement of each pair, compiled, without looking for it: the same pairs.
BlueSky's state-based detection in C++ is asked for one cylinder (5 NM, 1,000 ft, 120 s) alone, and
so are we then. The work is not equal: it judges ordered pairs, works out bearing and distance with
trigonometry for each, and returns Python lists with them; we judge each pair once, with errors and
the bound of the plane, and return columns. Its flat earth is another one, so pairs near the limit
differ. Seed 5. Kernels are compiled before.

    python bench/watch.py [--quick] [--json]
"""

import argparse
import gc
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import _bluesky
from _rows import HEAD, Row, against, at_most, line, row
from tansiq.domain.well_clear import EN_ROUTE, Rule, Thresholds
from tansiq.engine import encounters, passing
from tansiq.engine.compiled import COMPILED, Floats, kernel
from tansiq.engine.encounters import NO_GROUP, Fleet, Found, find
from tansiq.engine.passing import Moving
from tansiq.engine.warm import warm

ALL, FEW = 100_000, 10_000
STEP_MS = 500.0
"""Aim: what a step of 100,000 takes at most of a core, a second."""
MS = 1e3
OF_EVERY_PAIR, OF_BLUESKY = 1 / 50, 1 / 100
CYLINDER = Thresholds(dthr_m=5 * 1_852.0, zthr_m=304.8).within(120.0)
_DRONE = Thresholds(dthr_m=100.0, zthr_m=30.0)
RULES = {
    "manned": (EN_ROUTE.within(55.0), EN_ROUTE.within(25.0), CYLINDER),
    "drones": (_DRONE.within(120.0), _DRONE.within(60.0), _DRONE.within(30.0)),
}
PER_KM2 = {"manned": 0.01, "drones": 1.0}
SPEEDS_MPS = {"manned": (100.0, 280.0), "drones": (0.0, 25.0)}
TOP_M = {"manned": 10_000.0, "drones": 120.0}
CLIMB_MPS = {"manned": 10.0, "drones": 3.0}
EARTH_KM = 6_371.0


def fleet(kind: str, count: int, density: float = 1.0) -> Fleet:
    """Return aircraft strewn evenly over a square about 45 degrees north."""
    random = np.random.default_rng(5)
    side = (count / (PER_KM2[kind] * density)) ** 0.5 / EARTH_KM
    # Even on a sphere: by the sine of the latitude, and as wide as the area asks for.
    middle, half = np.sin(np.radians(45.0)), 0.5 * side * np.cos(np.radians(45.0))
    lat = np.degrees(np.arcsin(random.uniform(middle - half, middle + half, count)))
    wide = np.degrees(side / np.cos(np.radians(45.0)))
    track, speed = random.uniform(0.0, 2 * np.pi, count), random.uniform(*SPEEDS_MPS[kind], count)
    height = random.uniform(0.0, TOP_M[kind], count)
    pressure = height + random.normal(0.0, 30.0, count)
    pressure[random.random(count) < 0.2] = np.nan
    climb = random.uniform(-CLIMB_MPS[kind], CLIMB_MPS[kind], count)
    climb[random.random(count) < 0.5] = 0.0
    return Fleet(
        lat_deg=lat,
        lng_deg=random.uniform(-0.5, 0.5, count) * wide,
        geometric_m=height,
        geometric_error_m=np.full(count, 15.0),
        pressure_m=pressure,
        east_mps=speed * np.sin(track),
        north_mps=speed * np.cos(track),
        climb_mps=climb,
        horizontal_error_m=np.full(count, 10.0),
        group=np.full(count, NO_GROUP, np.int64),
    )


def taken(function: Callable[[], Any]) -> tuple[float, float]:
    """Return how long a call takes, and the CPU of this thread."""
    gc.collect()
    started, ran = time.perf_counter(), time.thread_time()
    function()
    return time.perf_counter() - started, time.thread_time() - ran


def steps(kind: str, count: int, rounds: int, density: float = 1.0) -> Iterator[Row]:
    held, rules = fleet(kind, count, density), RULES[kind]
    found = find(held, rules)
    times = [taken(lambda: find(held, rules)) for _ in range(rounds)]
    wall, cpu = (statistics.median(column) for column in zip(*times, strict=True))
    dense = "" if density == 1.0 else f", {density * PER_KM2[kind]:g} per km2"
    name = f"step, {kind} {count:,}{dense} ({len(found.encounters.i):,} pairs)"
    if count == ALL:
        yield at_most(f"{name}, CPU", cpu * MS, "ms", STEP_MS)
    else:
        yield row(f"{name}, CPU", cpu * MS, "ms")
    yield row(f"{name}, clock", wall * MS, "ms")
    yield row(f"{name}, looks", found.looks, "pairs")
    if not found.complete:
        yield row(f"{name}, NOT COMPLETE", 1, "")


# Every pair


@kernel
def _count(moving: Moving, rules: Floats, most: Rule) -> int:
    count = 0
    for i in range(len(moving.x_m)):
        for j in range(i + 1, len(moving.x_m)):
            count += passing.judged(moving, rules, most, i, j)
    return count


def every_pair(held: Fleet, rules: Sequence[Rule]) -> int:
    """Count the pairs that violate a rule, by judging each."""
    table = encounters._table(rules)  # noqa: SLF001 # What the engine does, less the finding.
    moving = encounters._moving(held)  # noqa: SLF001
    return int(_count(moving, table, Rule._make(table.max(axis=0).tolist())))


def beside_every_pair(kind: str, count: int, rounds: int) -> Iterator[Row]:
    held, rules = fleet(kind, count), RULES[kind]
    every_pair(fleet(kind, 10), rules)
    found, counted = find(held, rules), every_pair(held, rules)
    own, other = [], []
    for _ in range(rounds):
        own.append(taken(lambda: find(held, rules))[1])
        other.append(taken(lambda: every_pair(held, rules))[1])
    name = f"step, {kind} {count:,} ({counted:,} pairs)"
    mine, theirs = statistics.median(own), statistics.median(other)
    yield against(f"{name}, CPU", mine * MS, "ms", ("every pair", theirs * MS), OF_EVERY_PAIR)
    yield row(f"{name}, every pair, CPU", theirs * MS, "ms")
    differ = abs(counted - len(found.encounters.i))
    yield row(f"{name}, counts differ by", differ, "pairs", against="every pair")


# BlueSky


def same_pairs(found: Found) -> set[tuple[int, int]]:
    told = found.encounters
    return set(zip(told.i.tolist(), told.j.tolist(), strict=True))


def beside_bluesky(count: int, rounds: int) -> Iterator[Row]:
    held = fleet("manned", count)
    # It knows one height and no errors; so shall we.
    zero = np.zeros(count)
    held = held._replace(
        pressure_m=np.full(count, np.nan), geometric_error_m=zero, horizontal_error_m=zero
    )
    columns = {
        "lat": held.lat_deg,
        "lon": held.lng_deg,
        "trk": np.degrees(np.arctan2(held.east_mps, held.north_mps)) % 360.0,
        "gs": np.hypot(held.east_mps, held.north_mps),
        "alt": held.geometric_m,
        "vs": held.climb_mps,
        "rpz": np.array(CYLINDER.dthr_m),
        "hpz": np.array(CYLINDER.zthr_m),
        "lookahead": np.array(CYLINDER.lookahead_s),
    }
    ours = same_pairs(find(held, [CYLINDER]))
    own, other, theirs = [], [], set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.npz"
        np.savez(path, **columns)  # type: ignore[arg-type] # As its documentation shows.
        with _bluesky.detection(path) as detection:
            for _ in range(rounds):
                own.append(taken(lambda: find(held, [CYLINDER]))[1])
                said = detection.detect()
                other.append(said["cpu_s"])
                theirs = {(a, b) for a, b in said["pairs"]}
    name = f"step, one cylinder, manned {count:,} ({len(ours):,} pairs)"
    beside = (_bluesky.NAME, statistics.median(other) * MS)
    yield against(f"{name}, CPU", statistics.median(own) * MS, "ms", beside, OF_BLUESKY)
    yield row(f"{name}, {_bluesky.NAME}, CPU", beside[1], "ms")
    yield row(f"{name}, ours alone", len(ours - theirs), "pairs", against=_bluesky.NAME)
    yield row(f"{name}, theirs alone", len(theirs - ours), "pairs", against=_bluesky.NAME)


def measure(*, quick: bool) -> Iterator[Row]:
    warm()
    rounds = 3 if quick else 11
    for kind in RULES:
        yield from steps(kind, ALL, rounds)
    for kind in RULES:
        yield from beside_every_pair(kind, FEW, 3 if quick else 5)
    if not _bluesky.lacking():
        yield from beside_bluesky(FEW, 2 if quick else 5)
    if not quick:
        yield from steps("drones", ALL, rounds, density=10.0)
        yield from steps("drones", 1_000_000, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 60 s")
    parser.add_argument("--json", action="store_true", help="one object on stdout, nothing else")
    options = parser.parse_args()
    lacking = _bluesky.lacking()
    load = f"load {os.getloadavg()[0]:.1f}"
    machine = f"{platform.platform()}, {os.cpu_count()} cores, {load}; compiled: {COMPILED}"
    if not options.json:
        print(machine)
        if lacking:
            print(f"{lacking} is not installed, hence no rows beside it: {_bluesky.INSTALL}")
        print(HEAD)
    results = []
    for found in measure(quick=options.quick):
        results.append(found)
        if not options.json:
            print(line(found), flush=True)
    if options.json:
        print(json.dumps({"machine": machine, "lacking": lacking, "results": results}))
    else:
        print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
