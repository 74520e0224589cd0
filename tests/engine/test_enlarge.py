"""Enlarged outlines hold all they must, keep their shape, and make plans within the minima meet."""

import math
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import oracle
from plans import ALPS, MINIMA, volume, volumes
from shapes import AZIMUTHS, PLACES, box, outlines, polygon, ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import conflicts
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volumes,
)
from tansiq.engine.enlarge import _disc, enlarged, enlarged_by
from tansiq.errors import InvalidVolume

SEEDED = settings(derandomize=True, deadline=None, max_examples=40)
ANGLE = polygon((45, 7), (45, 7.2), (45.02, 7.2), (45.02, 7.02), (45.2, 7.02), (45.2, 7))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Outline, float]:
    outline = draw(outlines(draw(PLACES), 10.0 ** draw(st.floats(1.5, 5.0))))
    return outline, 10.0 ** draw(st.floats(0.5, 4.7))


@SEEDED
@given(cases(), st.integers(0, 10**6))
def test_it_holds_every_point_so_near_and_little_beyond(
    case: tuple[Outline, float], seed: int
) -> None:
    """Method: from points of the boundary go just so far anywhere; the oracle finds the ends in."""
    outline, by_m = case
    try:
        geodesy.check_outline(outline)
    except InvalidVolume:
        return
    grown = enlarged(outline, by_m)
    geodesy.check_outline(grown)
    assert geodesy.inside(outline, grown, margin_m=by_m - 0.001)
    random = Random(seed)
    for lat, lng in random.sample(list(zip(*oracle.samples(outline), strict=True)), 12):
        start = LatLng(float(lat), float(lng))
        end = geodesy.destination(start, random.uniform(0.0, 360.0), by_m * 0.99)
        assert oracle.contains(grown, end)
    if isinstance(grown, Polygon):
        for vertex in random.sample(grown.vertices, min(12, len(grown.vertices))):
            away_m = geodesy.separation_m(Circle(center=vertex, radius_m=1e-3), outline)
            assert away_m <= by_m * 1.12 + 1.0


def test_an_angle_stays_an_angle_with_few_corners() -> None:
    grown = enlarged(ANGLE, 1_000.0)
    assert isinstance(grown, Polygon)
    assert len(grown.vertices) <= 60
    corner = Circle(center=LatLng(45.15, 7.15), radius_m=1.0)
    assert geodesy.separation_m(grown, corner) > 4_000.0
    perimeter_m, _ = oracle.walk(ANGLE)
    needed_km2 = oracle.area_km2(ANGLE) + perimeter_m * 1e-3 + math.pi
    assert geodesy.area_km2(grown) < needed_km2 * 1.02


def test_a_horseshoe_fills_its_gap_and_a_hole_is_filled() -> None:
    """A ring with a slit closes to a ring with a hole; an outline has none."""
    turns = range(5, 356, 10)
    outer = [geodesy.destination(ALPS, turn, 10_000.0) for turn in turns]
    inner = [geodesy.destination(ALPS, turn, 8_000.0) for turn in reversed(turns)]
    grown = enlarged(Polygon(vertices=(*outer, *inner)), 1_000.0)
    assert geodesy.inside(Circle(center=ALPS, radius_m=10_000.0), grown)


def test_a_circle_stays_a_circle_and_nothing_by_nothing() -> None:
    circle = Circle(center=ALPS, radius_m=1_000.0)
    grown = enlarged(circle, 500.0)
    assert isinstance(grown, Circle)
    assert grown.center == circle.center
    assert 1_500.0 <= grown.radius_m < 1_500.0 + 1e-9
    assert enlarged(ANGLE, 0.0) is ANGLE


def test_many_corners_get_coarser_arcs() -> None:
    """Fine arcs would make 18,000 corners of these 3,000, and 13,000 of the plan's 2,000."""
    comb = ring(ALPS, [20_000.0 + 200.0 * (i % 2) for i in range(3_000)])
    grown = enlarged(comb, 40.0)
    assert isinstance(grown, Polygon)
    assert geodesy.inside(comb, grown, margin_m=40.0)
    assert len(grown.vertices) <= 5_000

    strip = [geodesy.destination(ALPS, 90.0, i * 100.0) for i in range(500)]
    plan = tuple(volume(box(at, length_m=2e3, width_m=1e3, azimuth_deg=7.0)) for at in strip)
    outlines = [one.outline for one in enlarged_by(plan, Minima(horizontal_m=1e3), fraction=0.5)]
    assert sum(len(one.vertices) for one in outlines if isinstance(one, Polygon)) <= 10_000
    for one, grown in zip(plan[::50], outlines[::50], strict=True):
        assert geodesy.inside(one.outline, grown, margin_m=500.0)


def test_the_last_resort_is_a_disc() -> None:
    disc = _disc(ANGLE, 1_000.0)
    geodesy.check_outline(disc)
    assert geodesy.inside(ANGLE, disc, margin_m=1_000.0)


def test_what_becomes_larger_than_an_outline_may_be_is_refused() -> None:
    with pytest.raises(InvalidVolume, match="divide it"):
        enlarged(ring(ALPS, [3_900_000.0] * 8), 150_000.0)
    with pytest.raises(InvalidVolume, match="radius"):
        enlarged(Circle(center=ALPS, radius_m=950_000.0), 100_000.0)


@SEEDED
@given(volumes(), volumes(), MINIMA)
def test_plans_within_the_minima_meet_once_both_carry_half(
    a: Volumes, b: Volumes, minima: Minima
) -> None:
    if not conflicts(a, b, minima):
        return
    half_a, half_b = (enlarged_by(one, minima, fraction=0.5) for one in (a, b))
    assert conflicts(half_a, half_b, NO_MINIMA)
    assert conflicts(enlarged_by(a, minima, fraction=1.0), b, NO_MINIMA)


@settings(SEEDED, max_examples=60)
@given(st.floats(0.0, 180_000.0), AZIMUTHS, st.floats(0.0, 5_000.0), st.integers(0, 10**9), PLACES)
def test_pairs_exactly_at_the_minima_meet_once_both_carry_half(
    apart_m: float, azimuth_deg: float, vertical_m: float, micros: int, place: LatLng
) -> None:
    time = timedelta(microseconds=micros)
    minima = Minima(horizontal_m=apart_m, vertical_m=vertical_m, time=time)
    one = volume(Circle(center=place, radius_m=700.0), levels_m=(100.3, 600.1))
    center = geodesy.destination(place, azimuth_deg, 1_000.0 + apart_m)
    other = volume(
        Circle(center=center, radius_m=300.0), levels_m=(600.1 + vertical_m, 600.1 + vertical_m)
    )
    later = one.time.end - other.time.start + time
    other = replace(other, time=other.time.shifted(later))
    assert conflicts((one,), (other,), minima)
    halves = [enlarged_by((each,), minima, fraction=0.5) for each in (one, other)]
    assert conflicts(*halves, NO_MINIMA)
    assert conflicts(enlarged_by((one,), minima, fraction=1.0), (other,), NO_MINIMA)


def test_levels_stop_at_the_ends_of_the_band_and_zero_minima_change_nothing() -> None:
    low_and_high = volume(levels_m=(ALTITUDE_M_MIN + 1.0, ALTITUDE_M_MAX - 1.0))
    (grown,) = enlarged_by((low_and_high,), Minima(vertical_m=100.0), fraction=0.5)
    assert grown.altitude.lower_m == ALTITUDE_M_MIN
    assert grown.altitude.upper_m == ALTITUDE_M_MAX
    assert enlarged_by((low_and_high,), NO_MINIMA, fraction=0.5) == (low_and_high,)
