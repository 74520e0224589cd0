"""What lies ahead: entries and exits are foreseen, never late, and early by a stated step."""

import math
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plans import NOON as THEN
from plans import volume as made
from shapes import box, outlines, ring
from tansiq.domain.crossing import (
    ENTRY_STEP_S,
    EXIT_STEP_S,
    Crossing,
    entry,
    leaving,
    reach,
)
from tansiq.domain.ellipsoid import destination
from tansiq.domain.estimate import Estimate, Levels
from tansiq.domain.following import Velocity
from tansiq.domain.volume import Circle, Outline, Volume4D, Volumes
from tansiq.domain.whereabouts import Within, within
from watching import HERE, LIMITS, east, estimate

DISC = Circle(center=HERE, radius_m=1_000.0)
SQUARE = box(HERE, length_m=2_000.0, width_m=2_000.0, azimuth_deg=0.0)


def flying(away_m: float, speed_mps: float = 100.0, **changes: Any) -> Estimate:
    """Return an aircraft so far to the west, flying east."""
    velocity = Velocity(
        east_mps=speed_mps,
        north_mps=0.0,
        error_mps=changes.pop("error_mps", 0.0),
        up_mps=changes.pop("up_mps", 0.0),
        up_error_mps=changes.pop("up_error_mps", 0.0),
    )
    return estimate(east(-away_m), time=THEN, velocity=velocity, **changes)


def entering(seen: Estimate, volume: Volume4D, look_ahead_s: float = 60.0) -> Crossing | None:
    return entry(seen, volume, look_ahead_s=look_ahead_s, limits=LIMITS)


@pytest.mark.parametrize("outline", [DISC, SQUARE])
def test_the_time_of_an_entry(outline: Outline) -> None:
    found = entering(flying(3_000.0), made(outline))
    assert found is not None
    assert found.likely_s == found.possible_s
    assert 20.0 - ENTRY_STEP_S <= found.possible_s <= 20.0 + 1e-3


def test_errors_bring_it_nearer() -> None:
    found = entering(flying(3_000.0, error_mps=10.0, horizontal_error_m=240.0), made(DISC))
    assert found is not None
    assert found.likely_s == pytest.approx(20.0, abs=ENTRY_STEP_S)
    assert found.possible_s == pytest.approx((2_000.0 - 240.0) / 110.0, abs=ENTRY_STEP_S)


def test_inside_it_is_now() -> None:
    assert entering(flying(0.0), made(DISC)) == Crossing(possible_s=0.0, likely_s=0.0)
    found = entering(flying(1_100.0, speed_mps=-50.0, horizontal_error_m=100.5), made(DISC))
    assert found == Crossing(possible_s=0.0, likely_s=None)


@pytest.mark.parametrize(("look_ahead_s", "found"), [(20.1, True), (19.5, False)])
def test_as_far_as_it_looks(look_ahead_s: float, found: bool) -> None:
    assert (entering(flying(3_000.0), made(DISC), look_ahead_s) is not None) is found


def test_away_past_or_standing_it_enters_nothing() -> None:
    assert entering(flying(3_000.0, speed_mps=-100.0), made(DISC)) is None
    past = estimate(
        destination(east(-3_000.0), 0.0, 1_100.0),
        velocity=flying(0.0).velocity,
        time=THEN,
    )
    assert entering(past, made(DISC)) is None
    assert entering(flying(3_000.0, speed_mps=0.0), made(DISC)) is None


def test_a_volume_counts_in_its_time() -> None:
    for seconds, likely_s in (
        ((0.0, 19.0), None),
        ((0.0, 21.0), 20.0),
        ((30.0, 600.0), 30.0),
        ((41.0, 600.0), None),
        ((61.0, 600.0), None),
        ((-60.0, -1.0), None),
    ):
        found = entering(flying(3_000.0), made(DISC, seconds=seconds))
        if likely_s is None:
            assert found is None
        else:
            assert found is not None
            assert found.likely_s == pytest.approx(likely_s, abs=ENTRY_STEP_S)


def test_a_volume_counts_in_its_band() -> None:
    """300 to 600 m."""
    assert entering(flying(3_000.0, height_m=650.0), made(DISC)) is None
    down = entering(flying(3_000.0, height_m=650.0, up_mps=-2.0), made(DISC))
    assert down is not None
    assert down.likely_s == pytest.approx(25.0, abs=ENTRY_STEP_S)
    over = flying(3_000.0, height_m=650.0, up_mps=-1.0)
    assert entering(over, made(DISC)) is None, "it is past once it is down"
    wide = flying(3_000.0, height=Levels(lower_m=610.0, upper_m=690.0), up_error_mps=0.5)
    found = entering(wide, made(DISC))
    assert found == Crossing(possible_s=pytest.approx(20.0, abs=ENTRY_STEP_S), likely_s=None)  # type: ignore[arg-type]


def test_a_climb_that_is_not_known_may_be_the_steepest() -> None:
    seen = flying(3_000.0, height_m=600.0 + 60.0 * 30.0, up_mps=None)
    found = entering(seen, made(DISC))
    assert found is not None
    assert found.likely_s is None
    assert found.possible_s == pytest.approx(30.0, abs=ENTRY_STEP_S)


def test_without_a_height_it_is_at_the_level() -> None:
    assert entering(flying(3_000.0, height_m=None), made(DISC)) is not None


def test_reaching_an_outline_at_any_level() -> None:
    seen = flying(3_000.0, height_m=20_000.0)
    found = reach(seen, DISC, look_ahead_s=60.0, limits=LIMITS)
    assert found is not None
    assert found.likely_s == pytest.approx(20.0, abs=ENTRY_STEP_S)
    assert reach(seen, DISC, look_ahead_s=19.0, limits=LIMITS) is None


@settings(max_examples=15)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_an_entry_is_never_told_late(data: st.DataObject, seed: int) -> None:
    """Every path within the errors is flown in steps, and enters no earlier than is said."""
    outline = data.draw(outlines(HERE, 1_500.0))
    chance = random.Random(seed)
    volume = made(outline, seconds=(chance.choice([0.0, 15.0]), chance.choice([20.0, 600.0])))
    start = destination(HERE, chance.uniform(0, 360), chance.uniform(0, 5_000.0))
    height_m = chance.uniform(200.0, 700.0)
    v = Velocity(
        east_mps=chance.uniform(-150, 150),
        north_mps=chance.uniform(-150, 150),
        error_mps=chance.uniform(0, 20),
        up_mps=chance.uniform(-10, 10),
        up_error_mps=chance.uniform(0, 3),
    )
    error_m = chance.uniform(0, 300)
    seen = estimate(
        start,
        time=THEN,
        velocity=v,
        horizontal_error_m=error_m,
        height=Levels(lower_m=height_m - 30.0, upper_m=height_m + 30.0),
    )
    found = entering(seen, volume, 30.0)

    def first(off_m: float, off_deg: float, share: float, up_m: float) -> float | None:
        gain = v.error_mps * share
        x = v.east_mps + gain * math.sin(math.radians(off_deg))
        y = v.north_mps + gain * math.cos(math.radians(off_deg))
        at = destination(start, off_deg, off_m) if off_m else start
        up = v.up_mps + v.up_error_mps * share * (1 if up_m > 0 else -1)  # type: ignore[operator]
        for tick in range(61):
            t = tick / 2
            start_s = (volume.time.start - THEN).total_seconds()
            end_s = (volume.time.end - THEN).total_seconds()
            if not start_s <= t <= end_s:
                continue
            place = destination(at, math.degrees(math.atan2(x, y)), math.hypot(x, y) * t)
            level = height_m + up_m + up * t
            levels = Levels(lower_m=level, upper_m=level)
            if within(volume, place, 0.0, levels) >= Within.LIKELY_IN:
                return t
        return None

    middle = first(0.0, 0.0, 0.0, 0.0)
    if middle is not None:
        assert found is not None
        assert found.likely_s is not None
        assert found.possible_s <= found.likely_s <= middle
    for _ in range(3):
        off = first(
            error_m * chance.random() * 0.999,
            chance.uniform(0, 360),
            chance.random() * 0.999,
            chance.uniform(-30, 30),
        )
        if off is not None:
            assert found is not None
            assert found.possible_s <= off


# ---- leaving


def going(seen: Estimate, volumes: Volumes, look_ahead_s: float = 60.0) -> Crossing | None:
    return leaving(seen, volumes, look_ahead_s=look_ahead_s, limits=LIMITS)


def test_the_time_of_leaving() -> None:
    found = going(flying(0.0, error_mps=2.0, horizontal_error_m=100.0), (made(DISC),))
    assert found is not None
    assert found.likely_s == pytest.approx(10.0, abs=EXIT_STEP_S)
    assert found.possible_s == pytest.approx(900.0 / 102.0, abs=EXIT_STEP_S)
    assert found.possible_s <= 900.0 / 102.0


def test_outside_it_has_left() -> None:
    assert going(flying(2_000.0, speed_mps=0.0), (made(DISC),)) == Crossing(
        possible_s=0.0, likely_s=0.0
    )


def test_staying_inside() -> None:
    assert going(flying(0.0, speed_mps=0.0), (made(DISC),)) is None
    assert going(flying(0.0), (made(DISC),), look_ahead_s=9.9) is None
    wide = flying(0.0, speed_mps=0.0, horizontal_error_m=1_001.0)
    assert going(wide, (made(DISC),)) == Crossing(possible_s=0.0, likely_s=None)


def test_the_next_volume_takes_over() -> None:
    following = made(Circle(center=east(1_500.0), radius_m=1_000.0), seconds=(5.0, 600.0))
    found = going(flying(0.0), (made(DISC), following))
    assert found is not None
    assert found.likely_s == pytest.approx(25.0, abs=EXIT_STEP_S)
    late = made(Circle(center=east(1_500.0), radius_m=1_000.0), seconds=(15.0, 600.0))
    found = going(flying(0.0), (made(DISC), late))
    assert found is not None
    assert found.likely_s == pytest.approx(10.0, abs=EXIT_STEP_S)


def test_leaving_by_the_clock_and_by_the_level() -> None:
    still = flying(0.0, speed_mps=0.0)
    found = going(still, (made(DISC, seconds=(0.0, 30.0)),))
    assert found == Crossing(possible_s=29.0, likely_s=29.0)
    climbing = going(flying(0.0, speed_mps=0.0, up_mps=5.0), (made(DISC),))
    assert climbing is not None
    assert climbing.likely_s == pytest.approx(30.0, abs=EXIT_STEP_S)
    unknown = flying(0.0, speed_mps=0.0, height_m=None, up_mps=None)
    assert going(unknown, (made(DISC),)) is None


def test_a_star_is_left_where_its_edge_is() -> None:
    star = ring(HERE, [2_000.0, 500.0, 2_000.0, 500.0], 0.0)
    found = going(flying(0.0), (made(star),))
    assert found is not None
    assert found.likely_s == pytest.approx(5.0, abs=EXIT_STEP_S)
