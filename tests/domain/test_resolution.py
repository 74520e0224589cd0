"""Resolution: the least change, held against trying every one."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plans import ALPS, MINIMA, SECOND, volume, volumes
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import conflicts
from tansiq.domain.resolution import smallest_delay, smallest_level_change
from tansiq.domain.volume import Circle, Volumes, altitude_bounds

SEEDED = settings(derandomize=True, deadline=None, max_examples=60)
HOUR = timedelta(hours=1)


def clear(plan: Volumes, obstacles: list[Volumes], minima: Minima) -> bool:
    return not any(conflicts(plan, obstacle, minima) for obstacle in obstacles)


def test_a_delay_leaves_the_touch_behind_by_a_second() -> None:
    plan, busy = (volume(seconds=(0, 600)),), (volume(seconds=(0, 900)),)
    assert smallest_delay(plan, [busy], NO_MINIMA, limit=HOUR) == timedelta(seconds=901)
    minima = Minima(time=timedelta(seconds=60))
    assert smallest_delay(plan, [busy], minima, limit=HOUR) == timedelta(seconds=961)
    fraction = (volume(seconds=(0, 900.5)),)
    assert smallest_delay(plan, [fraction], NO_MINIMA, limit=HOUR) == timedelta(seconds=901)


def test_the_limit_counts_as_within() -> None:
    plan, busy = (volume(seconds=(0, 600)),), (volume(seconds=(0, 900)),)
    assert smallest_delay(plan, [busy], NO_MINIMA, limit=901 * SECOND) == 901 * SECOND
    assert smallest_delay(plan, [busy], NO_MINIMA, limit=900 * SECOND) is None


def test_a_delay_uses_the_gap_between_two_obstacles_or_goes_behind_both() -> None:
    plan = (volume(seconds=(0, 600)),)
    first = (volume(seconds=(0, 300)),)
    assert smallest_delay(plan, [first, (volume(seconds=(902, 1500)),)], NO_MINIMA, limit=HOUR) == (
        timedelta(seconds=301)
    )
    assert smallest_delay(plan, [first, (volume(seconds=(901, 1500)),)], NO_MINIMA, limit=HOUR) == (
        timedelta(seconds=1501)
    )


def test_nothing_in_the_way_is_still_the_smallest_change() -> None:
    away = Circle(center=geodesy.destination(ALPS, 0.0, 9_000.0), radius_m=100.0)
    obstacles = [(volume(away),), (volume(levels_m=(5_000, 6_000)),)]
    assert smallest_delay((volume(),), obstacles, NO_MINIMA, limit=HOUR) == SECOND
    assert change((volume(),), [(volume(away),)], NO_MINIMA) == 300.0
    assert change((), obstacles, NO_MINIMA) is None


@SEEDED
@given(volumes(), st.lists(volumes(), min_size=1, max_size=4), MINIMA)
def test_the_delay_is_the_least_of_all(
    plan: Volumes, others: list[Volumes], minima: Minima
) -> None:
    limit_s = 2_400
    found = smallest_delay(plan, others, minima, limit=limit_s * SECOND)

    def moved(seconds: int) -> Volumes:
        return tuple(one.shifted(by=seconds * SECOND) for one in plan)

    last = limit_s if found is None else int(found.total_seconds()) - 1
    # All times are whole minutes and minima half ones, so a clear second before would be preceded
    # by a clear one just after some half minute.
    tried = [s for s in range(1, last + 1) if s % 30 in (0, 1)]
    assert not any(clear(moved(s), others, minima) for s in tried)
    if found is not None:
        assert clear(moved(int(found.total_seconds())), others, minima)


def change(
    plan: Volumes,
    obstacles: list[Volumes],
    minima: Minima,
    *,
    step_m: float = 300.0,
    levels_m: tuple[float, float] = (0.0, 3_000.0),
) -> float | None:
    return smallest_level_change(
        plan, obstacles, minima, step_m=step_m, lowest_m=levels_m[0], highest_m=levels_m[1]
    )


PLAN = (volume(levels_m=(900.0, 1_200.0)),)


def test_a_touch_in_altitude_takes_another_step() -> None:
    assert change(PLAN, [(volume(levels_m=(900.0, 1_200.0)),)], NO_MINIMA) == 600.0
    assert change(PLAN, [(volume(levels_m=(900.0, 1_199.0)),)], NO_MINIMA) == 300.0
    minima = Minima(vertical_m=300.0)
    assert change(PLAN, [(volume(levels_m=(900.0, 1_200.0)),)], minima) == 900.0


def test_down_is_taken_when_nearer_and_up_when_equal() -> None:
    low, high = volume(levels_m=(1_100.0, 1_300.0)), volume(levels_m=(800.0, 1_000.0))
    assert change(PLAN, [(low,)], NO_MINIMA) == -300.0
    assert change(PLAN, [(high,)], NO_MINIMA) == 300.0
    assert change(PLAN, [(low, high)], NO_MINIMA) == 600.0


def test_levels_bound_the_change_and_count_as_within() -> None:
    wall = [(volume(levels_m=(1_000.0, 1_100.0)),)]
    assert change(PLAN, wall, NO_MINIMA, levels_m=(900.0, 1_500.0)) == 300.0
    assert change(PLAN, wall, NO_MINIMA, levels_m=(900.0, 1_499.0)) is None
    assert change(PLAN, wall, NO_MINIMA, levels_m=(600.0, 1_499.0)) == -300.0
    assert change(PLAN, wall, NO_MINIMA, levels_m=(601.0, 1_499.0)) is None


@SEEDED
@given(
    volumes(),
    st.lists(volumes(), min_size=1, max_size=4),
    MINIMA,
    st.sampled_from([50.0, 100.0, 300.0, 33.3]),
)
def test_the_level_change_is_the_least_of_all(
    plan: Volumes, others: list[Volumes], minima: Minima, step_m: float
) -> None:
    low_m, high_m = -500.0, 2_000.0
    found = change(plan, others, minima, step_m=step_m, levels_m=(low_m, high_m))
    band = altitude_bounds(plan)

    def fits(steps: int) -> bool:
        up_m = steps * step_m
        if band.lower_m + up_m < low_m or band.upper_m + up_m > high_m:
            return False
        return clear(tuple(one.shifted(up_m=up_m) for one in plan), others, minima)

    ways = (steps for k in range(1, 90) for steps in (k, -k))
    expected = next((steps for steps in ways if fits(steps)), None)
    assert found == (None if expected is None else pytest.approx(expected * step_m))
