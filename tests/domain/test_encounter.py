"""What counts as near: touching does, a hair more does not; the closest moment is the closest."""

import math
from dataclasses import replace
from random import Random

import pytest

from tansiq.domain.encounter import (
    HORIZONTAL_ERROR_M,
    VERTICAL_ERROR_M,
    Drift,
    Passage,
    Within,
    closest,
    deepest,
    inside,
    joined,
    lost,
)
from tansiq.domain.well_clear import EN_ROUTE, Relative, violated
from tansiq.errors import BadInput

NEAR = Within(horizontal_m=1_000.0, vertical_m=300.0)
EDGE_M = NEAR.horizontal_m + HORIZONTAL_ERROR_M
TOP_M = NEAR.vertical_m + VERTICAL_ERROR_M


def beyond(value: float) -> float:
    return math.nextafter(value, math.inf)


def past(aside_m: float, up_m: float = 0.0) -> Drift:
    """One that flies past at a distance: level, from 5 km before to 5 km after."""
    return Drift(100.0, (-5_000.0, 5_000.0), (aside_m, aside_m), (up_m, up_m))


def test_exactly_at_both_thresholds_counts() -> None:
    assert inside(past(NEAR.horizontal_m, NEAR.vertical_m), NEAR) is not None
    assert inside(past(-NEAR.horizontal_m, -NEAR.vertical_m), NEAR) is not None


def test_touching_the_edge_is_one_moment_and_the_smallest_step_beyond_is_none() -> None:
    assert inside(past(EDGE_M), NEAR) == (0.5, 0.5)
    assert inside(past(beyond(EDGE_M)), NEAR) is None


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_touching_from_above_and_below(sign: float) -> None:
    assert inside(past(0.0, sign * TOP_M), NEAR) is not None
    assert inside(past(0.0, sign * beyond(TOP_M)), NEAR) is None


def test_what_is_unsure_of_the_vertical_counts_as_near() -> None:
    drift = Drift(10.0, (0.0, 0.0), (0.0, 0.0), (400.0, 400.0), (100.0, 100.0))
    assert inside(drift, NEAR) == (0.0, 1.0)
    further = Drift(10.0, (0.0, 0.0), (0.0, 0.0), (400.1, 400.1), (99.0, 99.0))
    assert inside(further, NEAR) is None


def test_both_have_to_hold_at_the_same_time() -> None:
    # On the map within until 0.6 of the time, in height from 0.6 on: they share that moment alone.
    climbing = Drift(
        10.0, (0.0, EDGE_M / 0.6), (0.0, 0.0), (TOP_M + 600.0, TOP_M - 400.0), (0.0, 0.0)
    )
    found = inside(climbing, NEAR)
    assert found is not None
    assert found == pytest.approx((0.6, 0.6))
    later = Drift(10.0, (0.0, EDGE_M / 0.6), (0.0, 0.0), (TOP_M + 600.1, TOP_M - 399.9))
    assert inside(later, NEAR) is None


def test_two_that_stand_still_are_near_all_the_time_or_never() -> None:
    still = Drift(10.0, (600.0, 600.0), (800.0, 800.0), (0.0, 0.0))
    assert inside(still, NEAR) == (0.0, 1.0)
    assert inside(still, Within(horizontal_m=999.0, vertical_m=300.0)) is None
    assert closest(still) == 0.0
    assert deepest(still, NEAR) == 0.0


def random_drift(random: Random) -> Drift:
    def pair(spread: float) -> tuple[float, float]:
        start = random.gauss(0, spread)
        return start, random.choice((start, random.gauss(0, spread)))

    unsure = random.choice((0.0, 80.0))
    return Drift(60.0, pair(1_500), pair(1_500), pair(400), (unsure, random.choice((unsure, 0.0))))


STEPS = 2_000


@pytest.mark.parametrize("seed", range(300))
def test_the_same_as_looking_at_every_moment(seed: int) -> None:
    drift = random_drift(Random(seed))
    moments = [k / STEPS for k in range(STEPS + 1)]
    apart = [drift.at(m) for m in moments]
    near = [
        m
        for m, a in zip(moments, apart, strict=True)
        if a.horizontal_m <= NEAR.horizontal_m and a.vertical_m - a.unsure_m <= NEAR.vertical_m
    ]
    span = inside(drift, NEAR)
    if near:
        assert span is not None
        assert span[0] <= near[0] + 1e-9
        assert span[1] >= near[-1] - 1e-9
        # No wider than a step, but for what the error of computing is worth.
        assert near[0] - span[0] <= 2 / STEPS
        assert span[1] - near[-1] <= 2 / STEPS
    elif span is not None:
        assert span[1] - span[0] <= 2 / STEPS
    assert drift.at(closest(drift)).slant_m <= min(a.slant_m for a in apart) + 1e-9
    deep = drift.at(deepest(drift, NEAR)).share(NEAR)
    least = min(a.share(NEAR) for a in apart)
    assert deep <= least + 1e-9
    assert deep >= least - 0.01


@pytest.mark.parametrize("seed", range(200))
def test_not_well_clear_is_the_same_at_every_moment(seed: int) -> None:
    random = Random(seed)
    drift = replace(random_drift(random), unsure_m=(0.0, 0.0))
    span = lost(drift, EN_ROUTE)
    rates = [(e[1] - e[0]) / drift.seconds for e in (drift.east_m, drift.north_m, drift.up_m)]
    for k in range(401):
        share = k / 400
        now = [e[0] + share * (e[1] - e[0]) for e in (drift.east_m, drift.north_m, drift.up_m)]
        relative = Relative(
            east_m=now[0],
            north_m=now[1],
            up_m=now[2],
            east_mps=rates[0],
            north_mps=rates[1],
            up_mps=rates[2],
        )
        if span is not None and span[0] <= share <= span[1]:
            # The bound of the computing is on the safe side.
            assert violated(relative, EN_ROUTE, horizontal_error_m=0.2, vertical_error_m=0.01)
        else:
            assert not violated(relative, EN_ROUTE)


def test_a_moment_has_no_velocity_and_distances_decide() -> None:
    near = Drift(0.0, (1_000.0, 1_000.0), (0.0, 0.0), (0.0, 0.0))
    assert lost(near, EN_ROUTE) == (0.0, 1.0)
    assert lost(replace(near, east_m=(1_300.0, 1_300.0)), EN_ROUTE) is None


def test_passages_with_short_pauses_are_one_encounter() -> None:
    spans = [Passage(100.0, 110.0), Passage(0.0, 10.0), Passage(10.0, 20.0), Passage(80.0, 90.0)]
    assert joined(spans, pause_s=60.0) == [
        [Passage(0.0, 20.0), Passage(80.0, 90.0), Passage(100.0, 110.0)]
    ]
    assert joined(spans, pause_s=math.nextafter(60.0, 0.0)) == [
        [Passage(0.0, 20.0)],
        [Passage(80.0, 90.0), Passage(100.0, 110.0)],
    ]
    assert joined([], pause_s=60.0) == []


def test_one_within_another_does_not_end_it() -> None:
    assert joined([Passage(0.0, 50.0), Passage(10.0, 20.0)], pause_s=1.0) == [[Passage(0.0, 50.0)]]


@pytest.mark.parametrize(
    ("horizontal_m", "vertical_m", "field"),
    [
        (0.999, 300.0, "within"),
        (100_000.1, 300.0, "within"),
        (math.nan, 300.0, "within"),
        (1_000.0, 0.999, "vertical"),
        (1_000.0, 20_000.1, "vertical"),
    ],
)
def test_thresholds_have_bounds(horizontal_m: float, vertical_m: float, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        Within(horizontal_m=horizontal_m, vertical_m=vertical_m)
    assert caught.value.field == field
    Within(horizontal_m=1.0, vertical_m=20_000.0)
    Within(horizontal_m=100_000.0, vertical_m=1.0)
