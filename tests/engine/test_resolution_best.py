"""What is proposed is the best there is: against trying every second, step and way aside.

The oracle compares outlines with the definition once for each pair and way aside, then tries every
whole second of the time searched with every step, in integers and floats of its own.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pairs import pair, place

from plans import ALPS, MINIMA, NOON, SECOND, volume, volumes
from shapes import box, ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import conflicts, separation_within_m
from tansiq.domain.resolution import smallest_delay, smallest_level_change
from tansiq.domain.time import TimeSpan, micros
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Volume3D,
    Volume4D,
    Volumes,
    altitude_bounds,
)
from tansiq.engine import resolution, sideways
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared
from tansiq.engine.resolution import Bounds, Kind, Layer, Proposal, cost_of, resolve, standing
from tansiq.errors import InvalidVolume

HOUR = timedelta(hours=1)
SAMPLE = 50
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
        for layer, counts, minima in zip(self.obstacles, self.counts, self.minima, strict=True):
            index = AirspaceIndex(lambda i, held=layer: held[i].outline)  # type: ignore[misc]
            index.extend(Batch.of(layer))
            found.append(Layer(index, minima, np.array(counts, np.bool_)))
        return found

    def blocking(self) -> list[tuple[Volume4D, Minima]]:
        return [
            (one, minima)
            for layer, counts, minima in zip(self.obstacles, self.counts, self.minima, strict=True)
            for one, kept in zip(layer, counts, strict=True)
            if kept
        ]

    def clear(self, volumes: Volumes) -> bool:
        return not any(conflicts(volumes, (other,), minima) for other, minima in self.blocking())


def outline(random: Random, center: LatLng) -> Outline:
    """Return an outline that passes the outline rules (a box across a pole may not)."""
    while True:
        found = _outline(random, center)
        try:
            geodesy.check_outline(found)
        except InvalidVolume:
            continue
        return found


def _outline(random: Random, center: LatLng) -> Outline:
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
            area=random.choice([None, Circle(center=center, radius_m=2_400.0)]),
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
                cost = cost_of(delay_s, up_m, way.charged_m if way else 0.0)
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
    wrong: int = 0
    none: int = 0
    proposals: int = 0
    kinds: set[Kind] = field(default_factory=set)


@cache
def cases(seed: int, count: int) -> list[tuple[Case, Found]]:
    random = Random(seed)
    return [(one, _told(tried(one))) for one in (case(random) for _ in range(count))]


def held_against_trying(
    seed: int, count: int, spoilt: Callable[[Case], Case] = lambda one: one
) -> Tally:
    """Compare the least cost of every kind, and judge all proposals by the definition.

    ``spoilt`` returns the case as a broken resolution would see it.
    """
    tally = Tally()
    for one, expected in cases(seed, count):
        seen = spoilt(one)
        found = resolve(Prepared.of(*seen.plan), seen.layers(), seen.bounds)
        costs = {proposal.kind: proposal.cost for proposal in found.proposals}
        tally.wrong += not (
            costs == pytest.approx(expected)
            and all(_may_stand(one, proposal) for proposal in found.proposals)
        )
        tally.none += not found.proposals
        tally.proposals += len(found.proposals)
        tally.kinds |= set(costs)
    return tally


def _may_stand(case: Case, proposal: Proposal) -> bool:
    start, moved = (min(v.time.start for v in vs) for vs in (case.plan, proposal.volumes))
    aside = bool(proposal.north_m or proposal.east_m)
    return (
        moved >= case.bounds.earliest
        and moved - start == proposal.delay_s * SECOND
        and not (aside and not _fits(proposal.volumes, case.bounds))
        and case.clear(proposal.volumes)
    )


def _told(found: Found) -> Found:
    """Leave out a combination that a single change undercuts, and all beyond the cheapest."""
    single = min((cost for kind, cost in found.items() if kind is not Kind.COMBINED), default=9e9)
    kept = {k: cost for k, cost in found.items() if k is not Kind.COMBINED or cost < single}
    order = sorted(kept, key=lambda kind: (kept[kind], list(Kind).index(kind)))
    return {kind: kept[kind] for kind in order[: resolution.PROPOSALS_MAX]}


def test_what_is_proposed_is_the_best_of_all() -> None:
    tally = held_against_trying(1, SAMPLE)
    assert tally.wrong == 0
    assert tally.kinds == set(Kind)
    assert tally.none


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_what_is_proposed_is_the_best_of_all_at_full_size() -> None:
    assert held_against_trying(2, 1_000).wrong == 0


def _smaller(case: Case, *, us: int = 0, by_m: float = 0.0) -> Case:
    """Return the case with obstacles that leave their ends out."""
    tick = timedelta(microseconds=us)

    def inner(one: Volume4D) -> Volume4D:
        band, span = one.altitude, one.time
        if span.end - span.start > 2 * tick:
            span = TimeSpan(start=span.start + tick, end=span.end - tick)
        if band.upper_m - band.lower_m > 2 * by_m:
            band = AltitudeBand(lower_m=band.lower_m + by_m, upper_m=band.upper_m - by_m)
        return Volume4D(volume=Volume3D(outline=one.outline, altitude=band), time=span)

    return replace(case, obstacles=tuple(tuple(map(inner, layer)) for layer in case.obstacles))


BROKEN: dict[str, Callable[[Case], Case]] = {
    "open bounds of time": lambda one: _smaller(one, us=1),
    "open bounds of altitude": lambda one: _smaller(one, by_m=1e-6),
    "the last layer left out": lambda one: replace(
        one, counts=(*one.counts[:-1], (False,) * len(one.counts[-1]))
    ),
    "everything counts": lambda one: replace(
        one, counts=tuple((True,) * len(counts) for counts in one.counts)
    ),
    "no minima": lambda one: replace(one, minima=(NO_MINIMA,) * len(one.minima)),
    "starts in the past": lambda one: replace(
        one, bounds=replace(one.bounds, earliest=one.bounds.earliest - HOUR)
    ),
    "outside the area": lambda one: replace(one, bounds=replace(one.bounds, area=None)),
    "half steps": lambda one: replace(
        one, bounds=replace(one.bounds, step_m=one.bounds.step_m / 2)
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_one_is_caught(broken: str) -> None:
    assert held_against_trying(1, SAMPLE, BROKEN[broken]).wrong > 0


# The plain definition


@given(
    volumes(),
    st.lists(volumes(), min_size=1, max_size=4),
    MINIMA,
    st.sampled_from([50.0, 100.0, 300.0, 33.3]),
)
@settings(derandomize=True, deadline=None, max_examples=40)
def test_delay_and_level_are_those_of_the_definition(
    plan: Volumes, others: list[Volumes], minima: Minima, step_m: float
) -> None:
    limit, levels_m = timedelta(seconds=2_400), (-500.0, 2_000.0)
    delay = smallest_delay(plan, others, minima, limit=limit)
    change_m = smallest_level_change(
        plan, others, minima, step_m=step_m, lowest_m=levels_m[0], highest_m=levels_m[1]
    )
    found = resolve(
        Prepared.of(*plan),
        [standing(other, minima) for other in others],
        Bounds(earliest=NOON - HOUR, later_max=limit, step_m=step_m, levels_m=levels_m),
    )
    by_kind = {one.kind: one for one in found.proposals}
    assert (by_kind[Kind.LATER].delay_s * SECOND if Kind.LATER in by_kind else None) == delay
    ups = [by_kind[kind].up_m for kind in (Kind.HIGHER, Kind.LOWER) if kind in by_kind]
    assert min(ups, key=abs, default=None) == change_m


def test_outlines_that_hardly_touch_are_judged_by_the_definition() -> None:
    random, met = Random(4), 0
    for _ in range(100):
        a, b = pair(random)
        own, other = volume(a), volume(b)
        bounds = Bounds(earliest=NOON, later_max=HOUR, step_m=300.0, levels_m=(0.0, 0.0))
        found = resolve(Prepared.of(own), [standing((other,), NO_MINIMA)], bounds)
        touch = separation_within_m(own, other, NO_MINIMA) is not None
        met += touch
        assert [one.delay_s for one in found.proposals] == [601 if touch else 1]
    assert 20 < met < 80


# Many


def crowd(random: Random, count: int) -> Volumes:
    """Return volumes within 20 km, two hours and ten levels."""
    found = []
    for _ in range(count):
        azimuth_deg, away_m = random.uniform(0.0, 360.0), 10_000.0 * random.random() ** 0.5
        center = geodesy.destination(ALPS, azimuth_deg, away_m)
        start_s, low_m = random.uniform(0.0, 7_200.0), 50.0 * random.randint(0, 9)
        seconds = (start_s, start_s + random.uniform(200.0, 1_200.0))
        levels_m = (low_m, low_m + 50.0)
        found.append(volume(outline(random, center), levels_m=levels_m, seconds=seconds))
    return tuple(found)


def flight(random: Random) -> Volumes:
    """Return eight volumes one after the other."""
    at = geodesy.destination(ALPS, random.uniform(0.0, 360.0), random.uniform(0.0, 8_000.0))
    start_s, low_m = random.uniform(0.0, 6_000.0), 50.0 * random.randint(0, 9)
    way_deg, found = random.uniform(0.0, 360.0), []
    for _ in range(8):
        at = geodesy.destination(at, way_deg, 500.0)
        disc = Circle(center=at, radius_m=150.0)
        strip = box(at, length_m=600.0, width_m=200.0, azimuth_deg=way_deg)
        found.append(
            volume(
                random.choice([disc, strip]),
                levels_m=(low_m, low_m + 50.0),
                seconds=(start_s, start_s + 240.0),
            )
        )
        start_s, way_deg = start_s + 240.0, way_deg + random.uniform(-30.0, 30.0)
    return tuple(found)


def re_queried(seed: int, least: int) -> tuple[int, int]:
    """Return how many proposals there were, and how many of them conflict when asked for anew."""
    random, proposed, wrong = Random(seed), 0, 0
    minima = Minima(horizontal_m=50.0, vertical_m=10.0, time=timedelta(seconds=20))
    held = crowd(random, 3_000)
    index = AirspaceIndex(lambda i: held[i].outline)
    index.extend(Batch.of(held))
    bounds = Bounds(
        earliest=NOON,
        later_max=HOUR,
        earlier_max=HOUR,
        step_m=50.0,
        levels_m=(0.0, 500.0),
        aside_m_max=4_000.0,
    )
    while proposed < least:
        plan = Prepared.of(*flight(random))
        if not index.conflicts(plan, minima):
            continue
        for one in resolve(plan, [Layer(index, minima)], bounds).proposals:
            proposed += 1
            conflicting = bool(index.conflicts(Prepared.of(*one.volumes), minima))
            if proposed % 100 == 0:
                conflicting = conflicting or any(
                    conflicts(one.volumes, (other,), minima) for other in held
                )
            wrong += conflicting
    return proposed, wrong


def test_no_proposal_is_in_conflict_when_asked_for_anew() -> None:
    assert re_queried(1, 150)[1] == 0


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_none_of_ten_thousand_proposals_is_in_conflict() -> None:
    proposed, wrong = re_queried(2, 10_000)
    assert proposed >= 10_000
    assert wrong == 0


def test_more_obstacles_than_there_is_room_for_at_first() -> None:
    held = tuple(volume(seconds=(2.0 * k, 2.0 * k + 0.5)) for k in range(3_000))
    index = AirspaceIndex(lambda i: held[i].outline)
    index.extend(Batch.of(held))
    bounds = Bounds(earliest=NOON, later_max=2 * HOUR, step_m=300.0, levels_m=(0.0, 700.0))
    plan = Prepared.of(volume(seconds=(0.0, 0.9)), volume(seconds=(0.0, 1.4)))
    found = resolve(plan, [Layer(index, NO_MINIMA)], bounds)
    # From 0.5 to 2 s there is room for 1.4 s, but not from a whole second on.
    assert [one.delay_s for one in found.proposals] == [5_999]
    shorter = Prepared.of(volume(seconds=(0.0, 0.9)))
    assert [
        one.delay_s for one in resolve(shorter, [Layer(index, NO_MINIMA)], bounds).proposals
    ] == [1]
