"""The conflict engine beside shapely's STRtree with numpy, and PostGIS, on the same volumes.

All find what is within the minima (zero) in time and altitude, and share a point in outline; ours
on the ellipsoid, theirs in a plane with circles of 64 corners, which miss a few. What is made once
is left out on all sides: index, tree, table, geometries, the volume that is looked for. One thread.
Seed 5. Kernels are compiled before. ``bench/_airspaces.py`` says what *wide*, *city* and *mixed*
are; *week* are recorded flights (``bench/_week.py``). What PostGIS takes contains the way there and
back, which is told beside it (``bench/_postgis.py``). CPU is told where a busy machine spoils a
latency.

    python bench/engine.py [--quick] [--json]
"""

import argparse
import gc
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import _alone
import _postgis
from _airspaces import Airspace, make
from _rows import HEAD, US, Row, against, at_most, line, row, seconds
from _tree import NAME, Tree
from _week import late, week
from tansiq.engine.compiled import COMPILED, Floats
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared
from tansiq.engine.warm import warm

QUESTIONS = 1_000
OF_TREE, OF_POSTGIS = 0.25, 0.04
"""Aims: what one search takes at most of theirs."""


def ours(sky: Airspace) -> AirspaceIndex:
    index = AirspaceIndex(lambda entity: sky.volume(entity).outline)
    index.extend(sky.batch)
    return index


# One search


def timed(function: Callable[[Any], Any], arguments: list[Any]) -> tuple[Floats, list[Any]]:
    """Return how long each call took, in microseconds, and what came of it."""
    times, found = np.empty(len(arguments)), []
    for k, argument in enumerate(arguments):
        started = time.perf_counter()
        found.append(function(argument))
        times[k] = time.perf_counter() - started
    return times * US, found


@dataclass(frozen=True)
class Sides:
    """The same volumes in both: made once, asked several times."""

    name: str
    sky: Airspace
    index: AirspaceIndex
    tree: Tree

    @classmethod
    def of(cls, name: str, sky: Airspace) -> "Sides":
        return cls(f"{name} {len(sky.batch):,}", sky, ours(sky), Tree(sky))


def queries(both: Sides, new: Airspace, rounds: int, database: Any) -> Iterator[Row]:
    """Ask all for the conflicts of the same new volumes, in turn."""
    name, asked = both.name, Tree(new)
    every = range(len(new.batch))
    prepared = [Prepared.of(new.volume(i)) for i in every]
    sides: dict[str, tuple[Callable[[Any], Any], list[Any]]] = {
        "ours": (both.index.conflicts, prepared),
        NAME: (lambda k: both.tree.query(asked, k), list(every)),
    }
    if database is not None:
        table = _postgis.Table(database, both.sky)
        sides[_postgis.NAME] = (table.query, table.questions(new))
        sides["way"] = (lambda _: table.nothing(), list(every))
    taken: dict[str, list[Floats]] = {side: [] for side in sides}
    answers: dict[str, list[int]] = {}
    for _ in range(rounds):
        for side, (function, arguments) in sides.items():
            times, found = timed(function, arguments)
            taken[side].append(times)
            answers[side] = [len(each) for each in found] if side != "way" else []
    each = {side: np.median(times, axis=0) for side, times in taken.items()}
    yield from _query_rows(name, each)
    for side in [side for side in sides if side not in ("ours", "way")]:
        differ = sum(x != y for x, y in zip(answers["ours"], answers[side], strict=True))
        yield row(f"query, {name}, answers that differ", differ, "of 1,000", against=side)


def _query_rows(name: str, each: dict[str, Floats]) -> Iterator[Row]:
    def at(side: str, percent: float) -> tuple[str, float]:
        return side, float(np.percentile(each[side], percent))

    p50, p99 = at("ours", 50)[1], at("ours", 99)[1]
    yield against(f"query, {name}, p50", p50, "us", at(NAME, 50), OF_TREE)
    yield against(f"query, {name}, p99", p99, "us", at(NAME, 99))
    yield at_most(f"query, {name}, p99 over p50", p99 / p50, "1", 10.0)
    if _postgis.NAME not in each:
        return
    theirs, way = at(_postgis.NAME, 50), at("way", 50)[1]
    yield against(f"query, {name}, p50", p50, "us", theirs, OF_POSTGIS)
    yield against(f"query, {name}, p99", p99, "us", at(_postgis.NAME, 99))
    inside = (f"{_postgis.NAME}, less the way", theirs[1] - way)
    yield against(f"query, {name}, p50", p50, "us", inside)
    yield row(f"query, {name}, the way to PostGIS and back", way, "us")


# All pairs


def joins(both: Sides, rounds: int, aim: float | None) -> Iterator[Row]:
    """Count all pairs, in turn."""
    own, other = [], []
    for _ in range(rounds):
        for function, taken in ((both.index.count_pairs, own), (both.tree.count_pairs, other)):
            gc.collect()
            started = time.perf_counter()
            pairs = function()
            taken.append((time.perf_counter() - started, pairs))
    (mine, found), (theirs, expected) = (
        (statistics.median(each[0] for each in taken), taken[0][1]) for taken in (own, other)
    )
    label = f"all pairs, {both.name} ({found:,})"
    yield against(label, mine, "s", (NAME, theirs), aim)
    yield row(f"{label}, counts differ by", abs(found - expected), "pairs", against=NAME)


def mixed(count: int, rounds: int) -> Iterator[Row]:
    """Hold mixed sizes against as many uniform volumes as have the same number of pairs."""
    index = ours(make("mixed", count))
    pairs = index.count_pairs()
    some = ours(make("wide", count)).count_pairs()
    uniform = ours(make("wide", round(count * (pairs / some) ** 0.5)))
    uniform.count_pairs()
    own = statistics.median([seconds(index.count_pairs) for _ in range(rounds)])
    other = statistics.median([seconds(uniform.count_pairs) for _ in range(rounds)])
    uniformly = (f"wide {len(uniform):,}", other)
    yield against(f"all pairs, mixed {count:,} ({pairs:,})", own, "s", uniformly, 2.0)


def crowd(count: int) -> Iterator[Row]:
    """Count the pairs of a million volumes over one city, in a process that does nothing else."""
    name = f"city {count:,}"
    found = alone("city", count)
    yield row(f"build, {name}", found["built_s"], "s")
    label = f"all pairs, {name} ({found['pairs']:,})"
    yield at_most(label, found["counted_s"], "s", 30.0)
    yield row(f"{label}, CPU", found["counted_cpu_s"], "s")
    yield at_most(f"memory, {name}, peak of the process", found["peak"] / 1e6, "MB", 1_000.0)
    yield row(f"memory, {name}, arrays of the index", found["index"] / 1e6, "MB")


def alone(kind: str, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        _alone.save(make(kind, count).batch, Path(folder))
        return _alone.measured(Path(folder))


# Change


def memory(count: int) -> Iterator[Row]:
    found = alone("octagons", count)
    name = f"memory, {count:,} of 8 corners"
    yield at_most(name, found["index"] / count, "B/volume", 500.0)
    yield at_most(f"{name}, of the process", found["held"] / count, "B/volume", 500.0)
    yield row(f"{name}, and freed", found["grown"] / count, "B/volume")


def changes(count: int) -> Iterator[Row]:
    """Take single volumes in and out of a full store."""
    index = ours(make("octagons", count))
    extra = make("octagons", 5_000, seed=9)
    ids: list[int] = []

    def insert(k: int) -> None:
        ids.append(int(index.extend(extra.single(k))[0]))

    for name, function, arguments in (
        ("insert", insert, range(5_000)),
        ("remove", lambda k: index.remove(ids[k]), range(5_000)),
    ):
        taken, computed = np.empty(len(arguments)), np.empty(len(arguments))
        for k in arguments:
            started, ran = time.perf_counter(), time.thread_time()
            function(k)
            taken[k], computed[k] = time.perf_counter() - started, time.thread_time() - ran
        p50, p99 = np.percentile(taken * 1e3, (50, 99)).tolist()
        label = f"{name} at {count:,}"
        yield row(f"{label}, p50", p50, "ms")
        yield at_most(f"{label}, p99", p99, "ms", 1.0)
        yield row(f"{label}, p99, CPU", float(np.percentile(computed * 1e3, 99)), "ms")
        yield row(f"{label}, most, CPU", float(computed.max()) * 1e3, "ms")


# Cases


def beside(
    both: Sides, new: Airspace, rounds: int, aim: float | None, database: Any
) -> Iterator[Row]:
    yield from queries(both, new, rounds, database)
    yield from joins(both, rounds, aim)


def of_the_week(rounds: int, database: Any) -> Iterator[Row]:
    sky = week()
    if sky is not None:
        yield from beside(Sides.of("week", sky), late(sky, QUESTIONS), rounds, None, database)


def measure(database: Any, *, quick: bool) -> Iterator[Row]:
    warm()
    rounds = 3 if quick else 5
    large = None if quick else database  # To load it takes longer than all else here.
    for kind, aim in (("wide", 1.0), ("city", 1 / 3)):
        both, new = Sides.of(kind, make(kind, 100_000)), make(kind, QUESTIONS, seed=6)
        yield from beside(both, new, rounds, aim, large)
    yield from of_the_week(rounds, database)
    yield from mixed(30_000 if quick else 100_000, rounds)
    if quick:
        yield from changes(50_000)
        return
    yield from changes(1_000_000)
    yield from memory(1_000_000)
    both, new = Sides.of("wide", make("wide", 1_000_000)), make("wide", QUESTIONS, seed=6)
    yield from beside(both, new, 3, 0.2, database)
    del both
    yield from crowd(1_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 60 s")
    parser.add_argument("--json", action="store_true", help="one object on stdout, nothing else")
    options = parser.parse_args()
    lacking = _postgis.lacking()
    results = []
    load = f"load {os.getloadavg()[0]:.1f}"
    machine = f"{platform.platform()}, {os.cpu_count()} cores, {load}; compiled: {COMPILED}"
    if not options.json:
        print(machine)
        if lacking:
            print(f"{lacking} is not installed, hence no rows beside PostGIS: {_postgis.INSTALL}")
        print(HEAD)
    with ExitStack() as stack:
        database = None if lacking else stack.enter_context(_postgis.cluster())
        for found in measure(database, quick=options.quick):
            results.append(found)
            if not options.json:
                print(line(found), flush=True)
    if options.json:
        print(json.dumps({"machine": machine, "lacking": lacking, "results": results}))
    else:
        print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
