"""The conflict engine beside shapely's STRtree with numpy, on the same generated volumes.

Both find what is within the minima (zero) in time and altitude, and share a point in outline; ours
on the ellipsoid, theirs in a plane with circles of 64 corners. What is made once is left out on
both sides: index, tree, geometries, the volume that is looked for. One thread. Seed 5. Kernels are
compiled before. ``bench/_airspaces.py`` says what *wide*, *city* and *mixed* are.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import shapely

from _airspaces import Airspace, make
from tansiq.engine.compiled import COMPILED, Ints
from tansiq.engine.index import AirspaceIndex, Prepared
from tansiq.engine.warm import warm

Row = dict[str, Any]
US = 1e6


def ours(sky: Airspace) -> AirspaceIndex:
    index = AirspaceIndex(lambda entity: sky.volume(entity).outline)
    index.extend(sky.batch)
    return index


class Tree:
    """The alternative: a bulk-built R-tree of outlines, filters in numpy, GEOS to judge."""

    def __init__(self, sky: Airspace) -> None:
        batch = sky.batch
        round_ones = batch.radii > 0
        self.outlines = np.empty(len(batch), object)
        self.outlines[round_ones] = shapely.buffer(
            shapely.points(sky.centers[round_ones]), batch.radii[round_ones], quad_segs=16
        )
        corners = [shape for shape in sky.shapes if shape is not None]
        if corners:
            owners = np.repeat(np.arange(len(corners)), [len(shape) for shape in corners])
            rings = shapely.linearrings(np.concatenate(corners), indices=owners)
            self.outlines[~round_ones] = shapely.polygons(rings)
        shapely.prepare(self.outlines)
        self.tree = shapely.STRtree(self.outlines)
        self.tree.query(self.outlines[0])  # Built by the first question.
        self.start, self.end = np.ascontiguousarray(batch.spans.T)
        self.low, self.high = np.ascontiguousarray(batch.levels.T)

    def query(self, other: "Tree", row: int) -> Ints:
        """Return what conflicts with one volume of another tree."""
        outline = other.outlines[row]
        near = self.tree.query(outline)
        near = near[other.same(row, self, near)]
        return near[shapely.intersects(outline, self.outlines[near])]

    def same(self, a: Any, other: "Tree", b: Any) -> Any:
        return (
            (self.start[a] <= other.end[b])
            & (self.end[a] >= other.start[b])
            & (self.low[a] <= other.high[b])
            & (self.high[a] >= other.low[b])
        )

    def count_pairs(self) -> int:
        found = 0
        for start in range(0, len(self.outlines), 20_000):
            rows, near = self.tree.query(self.outlines[start : start + 20_000])
            rows += start
            kept = (rows < near) & self.same(rows, self, near)
            rows, near = rows[kept], near[kept]
            found += int(shapely.intersects(self.outlines[rows], self.outlines[near]).sum())
        return found


def seconds(function: Callable[[], Any]) -> float:
    gc.collect()
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def row(name: str, value: float, unit: str, **rest: Any) -> Row:
    blank = {"against": None, "ratio": None, "aim": None, "met": None}
    return {"name": name, "value": round(value, 4), "unit": unit, **blank, **rest}


def against(name: str, value: float, unit: str, other: float, aim: float | None) -> Row:
    ratio = value / other
    met = None if aim is None else ratio <= aim
    return row(
        name, value, unit, against="STRtree + numpy", ratio=round(ratio, 3), aim=aim, met=met
    )


def queries(name: str, index: AirspaceIndex, tree: Tree, rounds: int) -> Iterator[Row]:
    """Ask both for the conflicts of the same 1,000 new volumes, in turn."""
    new = make(name.split()[0], 1_000, seed=6)
    asked = Tree(new)
    prepared = [Prepared.of(new.volume(i)) for i in range(1_000)]
    own, other = np.empty((rounds, 1_000)), np.empty((rounds, 1_000))
    differ = 0
    for turn in range(rounds):
        found, expected = [], []
        for k in range(1_000):
            started = time.perf_counter()
            found.append(index.conflicts(prepared[k]))
            own[turn, k] = time.perf_counter() - started
        for k in range(1_000):
            started = time.perf_counter()
            expected.append(tree.query(asked, k))
            other[turn, k] = time.perf_counter() - started
        differ += sum(len(x) != len(y) for x, y in zip(found, expected, strict=True))
    mine, theirs = (np.median(times, axis=0) * US for times in (own, other))
    p50, p99 = np.percentile(mine, (50, 99))
    yield against(f"query, {name}, p50", p50, "us", float(np.median(theirs)), 0.25)
    yield against(f"query, {name}, p99", p99, "us", float(np.percentile(theirs, 99)), None)
    yield row(f"query, {name}, p99 over p50", p99 / p50, "1", aim=10.0, met=bool(p99 <= 10 * p50))
    yield row(f"query, {name}, answers that differ", differ / rounds / 1_000, "1")


def joins(
    name: str, index: AirspaceIndex, tree: Tree | None, rounds: int, aim: float
) -> Iterator[Row]:
    """Count all pairs, in turn."""
    own, other = [], []
    pairs = 0
    for _ in range(rounds):
        started = time.perf_counter()
        pairs = index.count_pairs()
        own.append(time.perf_counter() - started)
        if tree is not None:
            other.append(seconds(tree.count_pairs))
    taken = statistics.median(own)
    label = f"all pairs, {name} ({pairs:,})"
    if tree is None:
        yield row(label, taken, "s", aim=aim, met=taken <= aim)
    else:
        yield against(label, taken, "s", statistics.median(other), aim)


def beside(kind: str, count: int, rounds: int, aim: float, *, ask: bool = True) -> Iterator[Row]:
    name = f"{kind} {count:,}"
    sky = make(kind, count)
    index, tree = ours(sky), Tree(sky)
    if ask:
        yield from queries(name, index, tree, rounds)
    yield from joins(name, index, tree, rounds, aim)


def mixed(count: int, rounds: int) -> Iterator[Row]:
    """Hold mixed sizes against as many uniform volumes as have the same number of pairs."""
    index = ours(make("mixed", count))
    pairs = index.count_pairs()
    some = ours(make("wide", count)).count_pairs()
    uniform = ours(make("wide", round(count * (pairs / some) ** 0.5)))
    uniform.count_pairs()
    own = statistics.median([seconds(index.count_pairs) for _ in range(rounds)])
    other = statistics.median([seconds(uniform.count_pairs) for _ in range(rounds)])
    yield row(
        f"all pairs, mixed {count:,} ({pairs:,})",
        own,
        "s",
        against=f"wide {len(uniform):,}",
        ratio=round(own / other, 3),
        aim=2.0,
        met=own / other <= 2.0,
    )


def changes(count: int) -> Iterator[Row]:
    """Take single volumes in and out of a full store."""
    index = ours(make("octagons", count))
    each = index.nbytes / count
    yield row(f"memory, {count:,} of 8 corners", each, "B/volume", aim=500.0, met=each < 500)
    extra = make("octagons", 5_000, seed=9)
    singles = [extra.single(i) for i in range(5_000)]
    ids, inserts = [], []
    for single in singles:
        started = time.perf_counter()
        ids.append(int(index.extend(single)[0]))
        inserts.append(time.perf_counter() - started)
    removes = [seconds_of(index.remove, entity) for entity in ids]
    for name, times in (("insert", inserts), ("remove", removes)):
        p50, p99 = np.percentile(np.array(times) * 1e3, (50, 99))
        yield row(f"{name} at {count:,}, p50", p50, "ms")
        yield row(f"{name} at {count:,}, p99", p99, "ms", aim=1.0, met=bool(p99 < 1.0))
        yield row(f"{name} at {count:,}, most", max(times) * 1e3, "ms")


def seconds_of(function: Callable[[int], None], argument: int) -> float:
    started = time.perf_counter()
    function(argument)
    return time.perf_counter() - started


def crowd() -> Iterator[Row]:
    """Count the pairs of a million volumes over one city."""
    sky = make("city", 1_000_000)
    index = AirspaceIndex(lambda entity: sky.volume(entity).outline)
    built = seconds(lambda: index.extend(sky.batch))
    yield row("build, city 1,000,000", built, "s")
    yield from joins("city 1,000,000", index, None, 1, 30.0)
    memory = index.nbytes / 1e6
    yield row("memory, city 1,000,000", memory, "MB", aim=1_000.0, met=memory < 1_000)


def measure(*, quick: bool) -> Iterator[Row]:
    warm()
    rounds = 2 if quick else 5
    yield from beside("wide", 100_000, rounds, 1.0)
    yield from beside("city", 100_000, rounds, 1 / 3)
    yield from mixed(50_000 if quick else 100_000, rounds)
    if quick:
        yield from changes(100_000)
        return
    yield from changes(1_000_000)
    yield from beside("wide", 1_000_000, 3, 0.2)
    yield from crowd()


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
            ratio = "" if found["ratio"] is None else f"{found['ratio']:.2f}"
            aim = "" if found["aim"] is None else f"{found['aim']:.2f}"
            met = {None: "", True: "met", False: "missed"}[found["met"]]
            line = (
                f"{found['name']:44} {found['value']:10.2f} {found['unit']:8} {ratio:>6} {aim:>6}"
            )
            print(f"{line} {met}", flush=True)
    if options.json:
        print(json.dumps({"machine": platform.platform(), "results": results}))
    else:
        print(f"load {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
