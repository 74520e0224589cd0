"""Between reports a position runs on, its error grows as documented, and nothing old is fresh."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.ellipsoid import distance_m
from tansiq.domain.estimate import Levels, Staleness, at, staleness
from tansiq.domain.following import Limits, follow
from watching import HERE, LIMITS, NOON, TICK, at_s, north, report, tracked

FLYING = {"speed_mps": 100.0, "track_deg": 0.0, "climb_mps": 2.0, "geometric_m": 1_000.0}


def test_the_formula() -> None:
    said = at(tracked(report(**FLYING)), at_s(4.0), LIMITS)
    assert distance_m(said.position, north(400.0)) < 1e-6
    base_m = 10.0 + 100.0 * 1.0
    assert said.horizontal_error_m == pytest.approx(base_m + 5.0 * 4 + 5.0 * 4**2)
    wide_m = 50.0 + 2.0 * 1.0 + 3.0 * 4 + 1.5 * 4**2
    assert said.height == Levels(lower_m=1_008.0 - wide_m, upper_m=1_008.0 + wide_m)
    assert said.height.middle_m == 1_008.0
    assert said.pressure is None
    assert said.age_s == 4.0


def test_at_its_time_a_report_is_what_it_says() -> None:
    said = at(tracked(report(pressure_m=500.0, on_ground=True)), NOON, LIMITS)
    assert said.position == HERE
    assert said.horizontal_error_m == 10.0
    assert (said.height, said.pressure) == (None, Levels(lower_m=460.0, upper_m=540.0))
    assert said.on_ground


def test_coasting_ends_and_the_error_goes_on() -> None:
    track = tracked(report(**FLYING))
    last, later = at(track, at_s(15.0), LIMITS), at(track, at_s(16.0), LIMITS)
    assert later.position == last.position == at(track, at_s(55.0), LIMITS).position
    assert distance_m(last.position, HERE) == pytest.approx(1_500.0)
    grown_m = 5.0 + 5.0 * (16**2 - 15**2) + 100.0
    assert later.horizontal_error_m - last.horizontal_error_m == pytest.approx(grown_m)
    assert later.height is not None
    assert later.height.middle_m == pytest.approx(1_030.0)


def test_nothing_outruns_the_fastest() -> None:
    said = at(tracked(report(**FLYING)), at_s(600.0), LIMITS)
    assert said.horizontal_error_m == pytest.approx(110.0 + 1_500.0 + 350.0 * 600)
    still = at(tracked(report(geometric_m=0.0)), at_s(60.0), LIMITS)
    assert still.height == Levels(lower_m=-50.0 - 60 * 60.0, upper_m=50.0 + 60 * 60.0)


def test_a_height_too_old_is_no_height() -> None:
    track = tracked(report(geometric_m=0.0), report(30.0, pressure_m=0.0))
    said = at(track, at_s(60.0), LIMITS)
    assert said.height is not None
    said = at(track, at_s(60.0) + TICK, LIMITS)
    assert said.height is None
    assert said.pressure is not None


def test_a_source_whose_clock_is_ahead_makes_nothing_fresh() -> None:
    track = follow(None, report(4.0, **FLYING), received=NOON, limits=LIMITS).track
    assert track is not None
    assert at(track, NOON, LIMITS).position == HERE
    said = at(track, at_s(5.0) + TICK, LIMITS)
    assert said.staleness is Staleness.AGEING
    assert said.age_s == pytest.approx(5.0, abs=1e-5)


def test_before_its_time_a_position_stands_and_its_error_grows() -> None:
    track = tracked(report(**FLYING))
    said = at(track, at_s(-3.0), LIMITS)
    assert said.position == HERE
    assert said.horizontal_error_m == pytest.approx(110.0 + 5.0 * 3 + 5.0 * 9 + 300.0)
    assert said.staleness is Staleness.FRESH
    assert at(track, at_s(-5.0) - TICK, LIMITS).staleness is Staleness.STALE


@pytest.mark.parametrize(
    ("age_s", "found"),
    [
        (-5.0, Staleness.FRESH),
        (-5.000001, Staleness.STALE),
        (5.0, Staleness.FRESH),
        (5.000001, Staleness.AGEING),
        (15.0, Staleness.AGEING),
        (15.000001, Staleness.STALE),
        (60.0, Staleness.STALE),
        (60.000001, Staleness.DROPPED),
    ],
)
def test_classes_of_age(age_s: float, found: Staleness) -> None:
    assert staleness(age_s, LIMITS) is found


@given(st.floats(0.0, 120.0), st.floats(0.0, 30.0), st.booleans())
def test_the_older_the_less_is_said(age_s: float, more_s: float, states: bool) -> None:
    track = tracked(report(**FLYING) if states else report(geometric_m=1_000.0))
    a, b = at(track, at_s(age_s), LIMITS), at(track, at_s(age_s + more_s), LIMITS)
    assert a.horizontal_error_m <= b.horizontal_error_m
    order = list(Staleness)
    assert order.index(a.staleness) <= order.index(b.staleness)
    if b.height is not None:
        assert a.height is not None
        assert b.height.upper_m - b.height.lower_m >= a.height.upper_m - a.height.lower_m - 1e-9


def test_limits_are_parameters() -> None:
    limits = Limits(coast_s=1.0, stale_s=2.0, fresh_s=1.0, ageing_s=1.0)
    said = at(tracked(report(**FLYING)), at_s(2.0), limits)
    assert distance_m(said.position, HERE) == pytest.approx(100.0)
    assert said.staleness is Staleness.STALE
