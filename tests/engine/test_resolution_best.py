"""What is proposed is the best there is: against trying every second, step and way aside.

The oracle compares outlines with the definition once for each pair and way aside, then tries every
whole second of the time searched with every step, in integers and floats of its own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest
from pairs import place

from plans import ALPS, SECOND, volume
from shapes import box, ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import conflicts, separation_within_m
from tansiq.domain.time import micros
from tansiq.domain.volume import Circle, LatLng, Outline, Volume4D, Volumes, altitude_bounds
from tansiq.engine import resolution, sideways
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex, Prepared
from tansiq.engine.resolution import Bounds, Kind, Layer, Resolution, cost_of, resolve

FAR_S = 600
US = 1_000_000


@dataclass(frozen=True)
class Case:
    """A plan, what stands (some of it does not count), and what may be proposed."""

    plan: Volumes
    obstacles: tuple[Volumes, ...]
    """Of each layer."""
    counts: tuple[tuple[bool, ...], ...]
    minima: tuple[Minima, ...]
    bounds: Bounds

    def layers(self) -> list[Layer]:
        found = []
        for volumes, counts, minima in zip(self.obstacles, self.counts, self.minima, strict=True):
            index = AirspaceIndex(lambda i, held=volumes: held[i].outline)  # type: ignore[misc]
            index.extend(Batch.of(volumes))
            found.append(Layer(index, minima, np.array(counts, np.bool_)))
        return found

    def blocking(self) -> list[tuple[Volume4D, Minima]]:
        return [
            (one, minima)
            for volumes, counts, minima in zip(
                self.obstacles, self.counts, self.minima, strict=True
            )
            for one, kept in zip(volumes, counts, strict=True)
            if kept
        ]

    def clear(self, volumes: Volumes) -> bool:
        return not any(conflicts(volumes, (other,), minima) for other, minima in self.blocking())


def outline(random: Random, center: LatLng) -> Outline:
    center = geodesy.destination(center, random.uniform(0.0, 360.0), random.uniform(0.0, 1_500.0))
    kind = random.random()
    if kind < 0.4:
        return Circle(center=center, radius_m=random.uniform(100.0, 700.0))
    if kind < 0.7:
        return ring(center, [random.uniform(150.0, 700.0) for _ in range(random.randint(3, 6))])
    wide_m, turn_deg = random.uniform(50.0, 400.0), random.uniform(0.0, 180.0)
    return box(center, length_m=2_000.0, width_m=wide_m, azimuth_deg=turn_deg)


def volumes_near(random: Random, center: LatLng, count: int, lasting_s: float) -> Volumes:
    """Return volumes on a raster of levels and half seconds, so that much touches."""
    found = []
    for _ in range(count):
        low_m = 50.0 * random.randint(0, 8)
        start_s = random.choice([0.0, 0.5]) + 15 * random.randint(-60, 60)
        end_s = start_s + random.choice([0.0, 0.5]) + 15 * random.randint(0, int(lasting_s / 15))
        levels_m = (low_m, low_m + 50.0 * random.randint(0, 3))
        found.append(volume(outline(random, center), levels_m=levels_m, seconds=(start_s, end_s)))
    return tuple(found)


def case(random: Random) -> Case:
    center = place(random) if random.random() < 0.3 else ALPS
    plan = volumes_near(random, center, random.randint(1, 3), 120)
    start = min(one.time.start for one in plan)
    layers = random.choice([1, 1, 2])
    dense = random.choice([2, 6, 15])
    obstacles = tuple(
        volumes_near(random, center, random.randint(1, dense), 900) for _ in range(layers)
    )
    # Something is in the way of the plan as it is.
    meets = replace(random.choice(obstacles[0]), time=plan[0].time)
    obstacles = (*obstacles[:-1], (*obstacles[-1], meets))
    return Case(
        plan,
        obstacles,
        tuple(tuple(random.random() < 0.9 for _ in one) for one in obstacles),
        tuple(
            Minima(
                horizontal_m=random.choice([0.0, 0.0, 300.0]),
                vertical_m=random.choice([0.0, 50.0]),
                time=timedelta(seconds=random.choice([0.0, 7.5, 30.0])),
            )
            for _ in obstacles
        ),
        Bounds(
            earliest=start + random.choice([-9_999, -120.5, 0, 0, 30.25]) * SECOND,
            later_max=random.choice([60, FAR_S]) * SECOND,
            earlier_max=random.choice([0, FAR_S]) * SECOND,
            step_m=random.choice([50.0, 100.0]),
            levels_m=(0.0, 550.0),
            rise_m_max=random.choice([100.0, math.inf]),
            aside_m_max=random.choice([0.0, 1_000.0, 4_000.0]),
            area=random.choice([None, Circle(center=center, radius_m=3_000.0)]),
        ),
    )


Found = dict[Kind, float]


def tried(case: Case) -> Found:
    """Return the least cost of each kind by trying everything."""
    found: Found = {}
    bounds = case.bounds
    steps = _steps(case)
    seconds = np.arange(
        -(bounds.earlier_max // SECOND), bounds.later_max // SECOND + 1, dtype=np.int64
    )
    start = min(one.time.start for one in case.plan)
    seconds = seconds[micros(start) + seconds * US >= micros(bounds.earliest)]
    for way in (None, *_ways(case)):
        plan = case.plan if way is None else _aside(case.plan, way)
        if way is not None and not _fits(plan, bounds):
            continue
        # Small combinations only, once it is moved aside.
        nearest_s = max(0, int(seconds[0])) if len(seconds) else 0
        small = (seconds >= -900) & (seconds <= nearest_s + 900)
        some_s = seconds if way is None else seconds[small]
        some = [k for k in steps if way is None or abs(k) <= 2]
        free = _free(case, plan, some_s, some)
        for row, column in zip(*np.nonzero(free), strict=True):
            delay_s, up_m = int(some_s[row]), some[column] * bounds.step_m
            if delay_s or up_m or way:
                kind = _kind(delay_s, up_m, way)
                cost = cost_of(delay_s, up_m, way.distance_m if way else 0.0)
                found[kind] = min(found.get(kind, math.inf), cost)
    return found


def _kind(delay_s: int, up_m: float, way: sideways.Aside | None) -> Kind:
    if (delay_s != 0) + (up_m != 0.0) + (way is not None) > 1:
        return Kind.COMBINED
    if way is not None:
        return Kind.SIDEWAYS
    if up_m:
        return Kind.HIGHER if up_m > 0 else Kind.LOWER
    return Kind.LATER if delay_s > 0 else Kind.EARLIER


def _steps(case: Case) -> list[int]:
    bounds, band = case.bounds, altitude_bounds(case.plan)
    found = [0]
    for k in range(-40, 41):
        up_m = k * bounds.step_m
        inside = bounds.levels_m[0] <= band.lower_m + up_m and (
            band.upper_m + up_m <= bounds.levels_m[1]
        )
        if k and inside and abs(up_m) <= bounds.rise_m_max:
            found.append(k)
    return sorted(found)


def _ways(case: Case) -> tuple[sideways.Aside, ...]:
    minimum_m = max(minima.horizontal_m for minima in case.minima)
    step_m = sideways.step_m(Prepared.of(*case.plan), minimum_m)
    return sideways.ways(step_m, case.bounds.aside_m_max)


def _aside(plan: Volumes, way: sideways.Aside) -> Volumes:
    rotation = sideways.Turns(Prepared.of(*plan)).rotation(way)
    return tuple(
        replace(
            one,
            volume=replace(one.volume, outline=sideways.turned_outline(one.outline, rotation)),
        )
        for one in plan
    )


def _fits(plan: Volumes, bounds: Bounds) -> bool:
    area = bounds.area
    return area is None or all(geodesy.inside(one.outline, area) for one in plan)


def _free(case: Case, plan: Volumes, seconds: np.ndarray, steps: list[int]) -> np.ndarray:
    """Return (seconds, steps) whether the plan is clear."""
    free = np.ones((len(seconds), len(steps)), np.bool_)
    for own in plan:
        for other, minima in case.blocking():
            if separation_within_m(own, other, minima) is None:
                continue
            gap_us = np.maximum(
                micros(other.time.start) - (micros(own.time.end) + seconds * US),
                micros(own.time.start) + seconds * US - micros(other.time.end),
            )
            near = gap_us <= minima.time // timedelta(microseconds=1)
            level = []
            for k in steps:
                up_m = k * case.bounds.step_m
                gap_m = max(
                    other.altitude.lower_m - (own.altitude.upper_m + up_m),
                    own.altitude.lower_m + up_m - other.altitude.upper_m,
                )
                level.append(gap_m <= minima.vertical_m)
            free &= ~(near[:, None] & np.array(level)[None, :])
    return free


@dataclass
class Tally:
    cases: int = 0
    proposals: int = 0
    none: int = 0
    wrong: int = 0
    kinds: dict[Kind, int] | None = None


def held_against_trying(
    seed: int, count: int, solve: Callable[[Case], Resolution] | None = None
) -> Tally:
    """Compare the least cost of every kind, and judge all proposals by the definition."""
    random, tally = Random(seed), Tally(kinds={})
    assert tally.kinds is not None
    for _ in range(count):
        one = case(random)
        found = solve(one) if solve else resolve(Prepared.of(*one.plan), one.layers(), one.bounds)
        expected = _told(tried(one))
        costs = {proposal.kind: proposal.cost for proposal in found.proposals}
        rigid = {Kind.LATER, Kind.EARLIER, Kind.HIGHER, Kind.LOWER} & set(expected)
        right = costs == pytest.approx(expected) and (not rigid or found.none_free is None)
        start = min(v.time.start for v in one.plan)
        for proposal in found.proposals:
            right = right and one.clear(proposal.volumes)
            right = right and min(v.time.start for v in proposal.volumes) >= one.bounds.earliest
            right = right and (
                proposal.north_m == proposal.east_m == 0.0 or _fits(proposal.volumes, one.bounds)
            )
            moved = min(v.time.start for v in proposal.volumes) - start
            right = right and moved == proposal.delay_s * SECOND
            tally.kinds[proposal.kind] = tally.kinds.get(proposal.kind, 0) + 1
        tally.cases += 1
        tally.proposals += len(found.proposals)
        tally.none += not found.proposals
        tally.wrong += not right
    return tally


def _told(found: Found) -> Found:
    """Leave out a combination that a single change undercuts, and all beyond the cheapest."""
    single = min((cost for kind, cost in found.items() if kind is not Kind.COMBINED), default=9e9)
    kept = {k: cost for k, cost in found.items() if k is not Kind.COMBINED or cost < single}
    order = sorted(kept, key=lambda kind: (kept[kind], list(Kind).index(kind)))
    return {kind: kept[kind] for kind in order[: resolution.PROPOSALS_MAX]}


def test_what_is_proposed_is_the_best_of_all() -> None:
    tally = held_against_trying(1, 120)
    assert tally.wrong == 0
    assert tally.kinds is not None
    assert set(tally.kinds) == set(Kind)
    assert tally.none


@pytest.mark.soak
def test_what_is_proposed_is_the_best_of_all_at_full_size() -> None:
    assert held_against_trying(2, 1_000).wrong == 0
