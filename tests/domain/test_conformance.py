"""An aircraft against its plan: every status, what is certain, and which F3548 state follows."""

import itertools
import math
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import plans
from plans import volume
from tansiq.domain.conformance import (
    DEPARTED,
    Conformance,
    Holds,
    Standing,
    Status,
    Wanting,
    conformance,
    standing,
)
from tansiq.domain.estimate import Estimate, Levels, Staleness
from tansiq.domain.following import Quality
from tansiq.domain.geodesy import destination
from tansiq.domain.intent import IntentState
from tansiq.domain.phrase import Direction
from tansiq.domain.volume import Circle, Volumes
from tansiq.errors import BadInput
from watching import HERE, TICK, east, estimate

NOON = plans.NOON
PLAN = (volume(Circle(center=HERE, radius_m=1_000.0)),)
"""A disc of 1 km, 300 to 600 m, for ten minutes."""


def at_s(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def judged(seen: Estimate | None, seconds: float = 60.0, volumes: Volumes = PLAN) -> Conformance:
    return conformance(seen, volumes, at_s(seconds))


def test_inside() -> None:
    found = judged(estimate(horizontal_error_m=1_000.0))
    assert (found.status, found.certain, found.volume) == (Status.INSIDE, True, 0)
    assert found.direction is None
    found = judged(estimate(horizontal_error_m=1_000.1))
    assert (found.status, found.certain) == (Status.INSIDE, False)


@pytest.mark.parametrize(("error_m", "certain"), [(0.0, True), (249.9, True), (250.1, False)])
def test_left(error_m: float, certain: bool) -> None:
    place = destination(HERE, 45.0, 1_250.0)
    found = judged(estimate(place, horizontal_error_m=error_m))
    assert (found.status, found.certain, found.volume) == (Status.LEFT, certain, 0)
    assert found.horizontal_m == pytest.approx(250.0)
    assert found.horizontal_error_m == error_m
    assert found.direction is Direction.NE
    assert found.vertical_m == 0.0


def test_left_and_off_the_level() -> None:
    found = judged(estimate(east(2_000.0), height_m=700.0))
    assert (found.status, found.vertical_m) == (Status.LEFT, pytest.approx(100.0))


@pytest.mark.parametrize(
    ("height_m", "status", "off_m"),
    [
        (600.0, Status.INSIDE, 0.0),
        (math.nextafter(600.0, 700.0), Status.OFF_LEVEL, 0.0),
        (300.0, Status.INSIDE, 0.0),
        (math.nextafter(300.0, 0.0), Status.OFF_LEVEL, 0.0),
        (250.0, Status.OFF_LEVEL, -50.0),
        (650.0, Status.OFF_LEVEL, 50.0),
    ],
)
def test_off_the_level(height_m: float, status: Status, off_m: float) -> None:
    found = judged(estimate(height_m=height_m))
    assert (found.status, found.certain) == (status, True)
    assert found.vertical_m == pytest.approx(off_m, abs=1e-9)
    assert found.away_deg is None


def test_off_the_level_by_less_than_the_error_is_possible() -> None:
    found = judged(estimate(height=Levels(lower_m=600.0, upper_m=700.0)))
    assert (found.status, found.certain) == (Status.OFF_LEVEL, False)
    assert (found.vertical_m, found.vertical_error_m) == (50.0, 50.0)


def test_without_a_height_nothing_is_inside() -> None:
    found = judged(estimate(height_m=None))
    assert (found.status, found.certain) == (Status.UNKNOWN, False)
    assert found.wanting is Wanting.HEIGHT
    assert judged(estimate(east(1_100.0), height_m=None)).status is Status.LEFT


@pytest.mark.parametrize("old", [Staleness.STALE, Staleness.DROPPED])
def test_what_is_old_is_not_known(old: Staleness) -> None:
    for seconds in (-60.0, 60.0, 700.0):
        found = judged(estimate(staleness=old), seconds)
        assert (found.status, found.wanting) == (Status.UNKNOWN, Wanting.POSITION)
    assert judged(None).status is Status.UNKNOWN
    assert judged(estimate(staleness=Staleness.AGEING)).status is Status.INSIDE


def test_the_start_to_the_microsecond() -> None:
    assert judged(estimate(), 0.0).status is Status.INSIDE
    found = conformance(estimate(), PLAN, NOON - TICK)
    assert (found.status, found.certain, found.seconds) == (Status.EARLY, True, 1e-6)


def test_the_end_to_the_microsecond() -> None:
    assert conformance(estimate(), PLAN, at_s(600.0) - TICK).status is Status.INSIDE
    found = judged(estimate(), 600.0)
    assert (found.status, found.certain, found.seconds) == (Status.OVER_RUN, True, 0.0)
    assert judged(estimate(east(9_000.0)), 660.0).seconds == 60.0


@pytest.mark.parametrize(
    ("place_m", "error_m", "status", "certain"),
    [
        (0.0, 0.0, Status.EARLY, True),
        (900.0, 99.9, Status.EARLY, True),
        (900.0, 100.1, Status.EARLY, False),
        (1_100.0, 100.1, Status.EARLY, False),
        (1_100.0, 99.9, Status.NOT_YET, True),
    ],
)
def test_early(place_m: float, error_m: float, status: Status, certain: bool) -> None:
    found = judged(estimate(east(place_m), horizontal_error_m=error_m), -90.0)
    assert (found.status, found.certain, found.seconds) == (status, certain, 90.0)


def test_early_above_the_band_is_not_early_and_without_a_height_possibly() -> None:
    assert judged(estimate(height_m=601.0), -90.0).status is Status.NOT_YET
    found = judged(estimate(height_m=None), -90.0)
    assert (found.status, found.certain) == (Status.EARLY, False)


def test_on_the_ground() -> None:
    down = estimate(on_ground=True)
    found = judged(down, -90.0)
    assert (found.status, found.seconds) == (Status.NOT_AIRBORNE, 90.0)
    assert judged(down, 700.0).status is Status.NOT_AIRBORNE
    assert conformance(down, PLAN, at_s(700.0), flown=True).status is Status.LANDED


@pytest.mark.parametrize("quality", [Quality.CONTESTED, Quality.DOUBTFUL])
def test_of_a_doubtful_track_nothing_is_certain(quality: Quality) -> None:
    for place, seconds in ((HERE, 60.0), (east(5_000.0), 60.0), (HERE, -60.0), (HERE, 700.0)):
        sure, doubted = (
            judged(estimate(place, quality=q), seconds) for q in (Quality.GOOD, quality)
        )
        assert sure.certain
        assert doubted == replace(sure, certain=False)


# ---- several volumes

FIRST = volume(Circle(center=HERE, radius_m=1_000.0), seconds=(0.0, 300.0))
SECOND = volume(Circle(center=east(1_500.0), radius_m=1_000.0), seconds=(200.0, 600.0))
LATER = volume(Circle(center=east(9_000.0), radius_m=1_000.0), seconds=(900.0, 1_200.0))
ROUTE = (FIRST, SECOND, LATER)


@pytest.mark.parametrize(
    ("place_m", "seconds", "status", "number", "by_s"),
    [
        (0.0, 100.0, Status.INSIDE, 0, 0.0),
        (750.0, 250.0, Status.INSIDE, 0, 0.0),
        (1_500.0, 250.0, Status.INSIDE, 1, 0.0),
        (1_500.0, 100.0, Status.EARLY, 1, 100.0),
        (0.0, 300.0, Status.INSIDE, 0, 0.0),
        (0.0, 301.0, Status.OVER_RUN, 0, 1.0),
        (4_000.0, 250.0, Status.LEFT, 1, 0.0),
        (-4_000.0, 250.0, Status.LEFT, 0, 0.0),
        (1_500.0, 700.0, Status.OVER_RUN, 1, 100.0),
        (9_000.0, 700.0, Status.EARLY, 2, 200.0),
        (5_000.0, 700.0, Status.LEFT, 1, 0.0),
        (5_000.0, -10.0, Status.NOT_YET, 0, 10.0),
        (1_500.0, -10.0, Status.EARLY, 1, 210.0),
        (750.0, -10.0, Status.EARLY, 0, 10.0),
    ],
)
def test_one_of_several(
    place_m: float, seconds: float, status: Status, number: int, by_s: float
) -> None:
    found = judged(estimate(east(place_m)), seconds, ROUTE)
    assert (found.status, found.volume, found.seconds) == (status, number, by_s)
    assert found.certain


def test_early_is_certain_only_if_it_is_certainly_in_none_in_force() -> None:
    place = east(1_100.0)
    assert judged(estimate(place, horizontal_error_m=90.0), 100.0, ROUTE).certain
    found = judged(estimate(place, horizontal_error_m=110.0), 100.0, ROUTE)
    assert (found.status, found.certain) == (Status.EARLY, False)


def test_the_nearest_volume_is_the_one_with_the_level_to_keep() -> None:
    stack = (
        volume(Circle(center=HERE, radius_m=1_000.0), levels_m=(300.0, 600.0)),
        volume(Circle(center=HERE, radius_m=1_000.0), levels_m=(900.0, 1_200.0)),
    )
    found = judged(estimate(height_m=850.0), volumes=stack)
    assert (found.status, found.volume, found.vertical_m) == (Status.OFF_LEVEL, 1, -50.0)


@given(
    volumes=plans.volumes(),
    away_m=st.floats(0.0, 12_000.0),
    towards_deg=st.floats(0.0, 359.0),
    height_m=st.none() | st.floats(-100.0, 2_000.0),
    seconds=st.integers(-300, 2_000),
    error_m=st.floats(0.0, 400.0),
    wide_m=st.floats(0.0, 100.0),
)
def test_what_is_certain_holds_within_the_errors(
    volumes: Volumes,
    away_m: float,
    towards_deg: float,
    height_m: float | None,
    seconds: int,
    error_m: float,
    wide_m: float,
) -> None:
    """A certain verdict is the verdict on every exact position within the errors."""
    place = destination(plans.ALPS, towards_deg, away_m)
    height = (
        None if height_m is None else Levels(lower_m=height_m - wide_m, upper_m=height_m + wide_m)
    )
    said = judged(
        estimate(place, height=height, horizontal_error_m=error_m), float(seconds), volumes
    )
    if said.status is Status.INSIDE:
        assert height is not None
    if not said.certain:
        return
    tried_m = height_m if height_m is not None else 450.0
    for angle in (0.0, 120.0, 240.0):
        for level in (tried_m - wide_m, tried_m + wide_m):
            there = destination(place, angle, max(0.0, error_m - 0.002))
            exact = judged(estimate(there, height_m=level), float(seconds), volumes)
            assert (exact.status in DEPARTED) is (said.status in DEPARTED)
            assert (exact.status is Status.INSIDE) is (said.status is Status.INSIDE)


# ---- states


INSIDE = Conformance(status=Status.INSIDE)
LEFT = Conformance(status=Status.LEFT)
EARLY = Conformance(status=Status.EARLY)
LANDED = Conformance(status=Status.LANDED)
UNKNOWN = Conformance(status=Status.UNKNOWN, certain=False)
MAYBE = Conformance(status=Status.LEFT, certain=False)
MAYBE_IN = Conformance(status=Status.INSIDE, certain=False)
HOLDS = Holds()
A, B, C, D = IntentState  # Accepted, Activated, Nonconforming, Contingent.


def after(state: IntentState, *seen: tuple[float, Conformance], hold: Holds = HOLDS) -> IntentState:
    now_is = Standing(state=state, since=NOON)
    for seconds, found in seen:
        now_is = standing(now_is, found, at_s(seconds), hold)
    return now_is.state


@pytest.mark.parametrize(
    ("before", "seen", "state"),
    [
        (B, [(0.0, LEFT), (4.999999, LEFT)], B),
        (B, [(0.0, LEFT), (5.0, LEFT)], C),
        (B, [(0.0, LEFT), (4.0, INSIDE), (5.0, LEFT)], B),
        (B, [(0.0, LEFT), (4.0, UNKNOWN), (5.0, LEFT)], C),
        (B, [(0.0, LEFT), (5.0, UNKNOWN)], B),
        (B, [(0.0, UNKNOWN), (500.0, UNKNOWN)], B),
        (B, [(0.0, MAYBE), (29.999999, MAYBE)], B),
        (B, [(0.0, MAYBE), (30.0, MAYBE)], C),
        (B, [(0.0, MAYBE), (5.0, LEFT)], C),
        (B, [(0.0, LANDED), (500.0, LANDED)], B),
        (A, [(0.0, LEFT), (500.0, LEFT)], A),
        (A, [(0.0, EARLY), (5.0, EARLY)], C),
        (A, [(0.0, EARLY), (4.0, LEFT), (5.0, EARLY)], A),
        (A, [(0.0, EARLY), (4.0, UNKNOWN), (5.0, EARLY)], C),
        (A, [(0.0, INSIDE), (9.999999, INSIDE)], A),
        (A, [(0.0, INSIDE), (10.0, INSIDE)], B),
        (C, [(0.0, INSIDE), (9.999999, INSIDE)], C),
        (C, [(0.0, INSIDE), (10.0, INSIDE)], B),
        (C, [(0.0, INSIDE), (5.0, UNKNOWN), (10.0, INSIDE)], C),
        (C, [(0.0, INSIDE), (5.0, LEFT), (10.0, INSIDE)], C),
        (C, [(0.0, MAYBE_IN), (29.999999, MAYBE_IN)], C),
        (C, [(0.0, MAYBE_IN), (30.0, MAYBE_IN)], B),
        (C, [(299.999999, LEFT)], C),
        (C, [(300.0, LEFT)], D),
        (C, [(300.0, UNKNOWN)], D),
        (C, [(300.0, LANDED)], C),
        (C, [(300.0, INSIDE)], C),
        (D, [(0.0, INSIDE), (900.0, INSIDE)], D),
    ],
)
def test_the_state_that_follows(
    before: IntentState, seen: list[tuple[float, Conformance]], state: IntentState
) -> None:
    assert after(before, *seen) is state


def test_a_person_says_that_it_will_not_return() -> None:
    for before in (A, B, C):
        now_is = standing(
            Standing(state=before, since=NOON), INSIDE, at_s(1.0), HOLDS, contingent=True
        )
        assert now_is == Standing(state=D, since=at_s(1.0))


def test_since_when() -> None:
    now_is = standing(Standing(state=B, since=NOON), LEFT, at_s(1.0), HOLDS)
    assert now_is == Standing(state=B, since=NOON, out_since=at_s(1.0))
    assert standing(now_is, LEFT, at_s(6.0), HOLDS).since == at_s(6.0)


@given(st.lists(st.sampled_from([INSIDE, LEFT, UNKNOWN, MAYBE, MAYBE_IN, EARLY]), max_size=120))
def test_noise_does_not_make_the_state_chatter(seen: list[Conformance]) -> None:
    """Between two changes of state lies at least the shorter of the holds, here five seconds."""
    now_is, changes = Standing(state=B, since=NOON), []
    for second, found in enumerate(seen):
        before, now_is = now_is, standing(now_is, found, at_s(second), HOLDS)
        if now_is.state is not before.state:
            changes.append(second)
    assert all(b - a >= 5 for a, b in itertools.pairwise(changes))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"out_s": -1.0}, "possibly_out_s"),
        ({"out_s": 30.1}, "possibly_out_s"),
        ({"possibly_out_s": math.inf}, "possibly_out_s"),
        ({"back_s": 30.1}, "possibly_back_s"),
        ({"contingent_s": math.nan}, "contingent_s"),
    ],
)
def test_holds_that_cannot_be(changes: dict[str, float], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        Holds(**changes)
    assert caught.value.field == field
    assert Holds(out_s=0.0, possibly_out_s=0.0, back_s=0.0, contingent_s=0.0)
