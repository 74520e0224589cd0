"""The kernels' verdicts are the definition's, and their figures are within 1 mm of it."""

import dataclasses
import math
from datetime import timedelta
from random import Random

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from pairs import pair

from plans import ALPS, HERE, MINIMA, volume, volumes
from shapes import ring
from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import Conflict, Dimension, conflict_between
from tansiq.domain.ellipsoid import ecef, plane, up
from tansiq.domain.volume import Circle, LatLng, Outline, Volume4D, Volumes
from tansiq.engine import outlines, search
from tansiq.engine.judgement import conflict_between as judged_by_kernels
from tansiq.engine.judgement import conflicts
from tansiq.engine.prepared import Prepared


def encroachment(a: Volume4D, b: Volume4D, minima: Minima) -> Conflict | None:
    return judged_by_kernels(Prepared.of(a), Prepared.of(b), minima)


ROWS = np.zeros((3 * 4_096, outlines.WORK_COLUMNS))
MILLIMETRE = 1e-3


# A second opinion: shapely in a tangent plane, for outlines of some kilometres


def flat(outline: Outline, at: LatLng) -> shapely.Geometry:
    """Return an outline seen along the vertical of a place; off by 2 mm within 8 km of it."""
    east, north = plane(up(ecef(at)))

    def seen(point: LatLng) -> tuple[float, float]:
        away = [p - q for p, q in zip(ecef(point), ecef(at), strict=True)]
        x = sum(p * q for p, q in zip(away, east, strict=True))
        return x, sum(p * q for p, q in zip(away, north, strict=True))

    if isinstance(outline, Circle):
        return shapely.Point(seen(outline.center)).buffer(outline.radius_m, quad_segs=256)
    return shapely.Polygon([seen(vertex) for vertex in outline.vertices])


def test_shapely_finds_the_same_separations_in_a_plane() -> None:
    random = Random(7)
    compared = 0
    while compared < 400:
        a, b = pair(random)
        center = a.center if isinstance(a, Circle) else a.vertices[0]
        cap, other = geodesy.bounding_circle(a), geodesy.bounding_circle(b)
        if max(cap.radius_m, other.radius_m) > 2_000.0:
            continue
        x, y = flat(a, center), flat(b, center)
        if not (x.is_valid and y.is_valid) or x.distance(y) > 5_000.0:
            continue
        compared += 1
        expected_m = x.distance(y)
        # A circle of shapely has corners; it stands off the true one by a part in 50,000.
        slack_m = 0.003 + (cap.radius_m + other.radius_m) / 50_000
        found = encroachment(volume(a), volume(b), Minima(horizontal_m=10_000.0))
        assert found is not None
        assert found.separation.horizontal_m == pytest.approx(expected_m, abs=slack_m)


# What is said of a conflict


def test_the_figures_are_those_of_the_definition_and_the_least_dimension_is_named() -> None:
    random = Random(8)
    minima = Minima(horizontal_m=2_000.0, vertical_m=150.0, time=timedelta(minutes=2))
    named = set()
    for _ in range(300):
        a = volume(HERE, levels_m=(300.0, 400.0), seconds=(0.0, 300.0))
        center = geodesy.destination(ALPS, random.uniform(0.0, 360.0), random.uniform(0.0, 4_000.0))
        low_m, start_s = random.uniform(150.0, 560.0), random.uniform(-400.0, 430.0)
        outline = ring(center, [random.uniform(300.0, 900.0) for _ in range(6)])
        b = volume(outline, levels_m=(low_m, low_m + 10.0), seconds=(start_s, start_s + 60.0))
        found, expected = encroachment(a, b, minima), conflict_between((a,), (b,), minima)
        assert (found is None) == (expected is None)
        if found is None or expected is None:
            continue
        named.add(found.least)
        assert found.margin == pytest.approx(expected.margin, abs=1e-6)
        assert (found.time, found.altitude) == (expected.time, expected.altitude)
        assert found.separation.vertical_m == expected.separation.vertical_m
        assert found.separation.time_s == expected.separation.time_s
    assert named == set(Dimension)


def test_time_and_levels_touch_and_miss_by_the_smallest_step() -> None:
    minima = Minima(vertical_m=100.0, time=timedelta(seconds=10))
    assert encroachment(volume(), volume(levels_m=(700.0, 800.0)), minima)
    assert not encroachment(volume(), volume(levels_m=(700.0 + 1e-8, 800.0)), minima)
    assert encroachment(volume(), volume(seconds=(610.0, 700.0)), minima)
    assert not encroachment(volume(), volume(seconds=(610.000001, 700.0)), minima)
    assert encroachment(volume(), volume(levels_m=(600.0, 700.0)), NO_MINIMA)
    above_m = math.nextafter(600.0, math.inf)
    assert not encroachment(volume(), volume(levels_m=(above_m, 700.0)), NO_MINIMA)


def test_outlines_that_share_a_vertex_need_no_second_look() -> None:
    """Neighbouring blocks of air are common; the definition would take a thousand times longer."""
    random = Random(9)
    for _ in range(50):
        a = ring(ALPS, [random.uniform(500.0, 900.0) for _ in range(5)])
        corner = a.vertices[2]
        away = geodesy.bounding_circle(a).center
        outwards = [
            geodesy.destination(corner, _azimuth(away, corner) + turn, 700.0) for turn in (-5, 5)
        ]
        b = dataclasses.replace(a, vertices=(corner, *outwards))
        one, other = (search.shape_of(Prepared.of(volume(o)).sky, 0) for o in (a, b))
        assert outlines.verdict(one, other, 0.0, ROWS) == outlines.WITHIN


def _azimuth(a: LatLng, b: LatLng) -> float:
    return math.degrees(
        math.atan2(
            math.radians(b.lng_deg - a.lng_deg) * math.cos(math.radians(a.lat_deg)),
            math.radians(b.lat_deg - a.lat_deg),
        )
    )


def test_far_circles_are_measured_by_the_definition() -> None:
    a = Circle(center=ALPS, radius_m=700_000.0)
    b = Circle(center=geodesy.destination(ALPS, 50.0, 1_500_000.0), radius_m=700_000.0)
    found = encroachment(volume(a), volume(b), Minima(horizontal_m=150_000.0))
    assert found is not None
    assert found.separation.horizontal_m == geodesy.separation_m(a, b)
    assert encroachment(volume(a), volume(b), Minima(horizontal_m=99_000.0)) is None


# Plans of several volumes


def _shared(conflict: Conflict) -> tuple[object, ...]:
    return (conflict.least, conflict.time, conflict.altitude, conflict.pair)


@given(volumes(), volumes(), MINIMA)
@settings(max_examples=300, deadline=None)
def test_the_worst_of_two_plans_is_that_of_the_definition(
    a: Volumes, b: Volumes, minima: Minima
) -> None:
    one, other = Prepared.of(*a), Prepared.of(*b)
    found, expected = judged_by_kernels(one, other, minima), conflict_between(a, b, minima)
    assert conflicts(one, other, minima) == (expected is not None)
    assert (found is None) == (expected is None)
    back = judged_by_kernels(other, one, minima)
    if found is None or expected is None:
        assert back is None
        return
    assert found.margin == pytest.approx(expected.margin, abs=1e-5)
    assert back is not None
    assert dataclasses.replace(back, pair=back.pair[::-1]) == found
    if found.separation.horizontal_m == expected.separation.horizontal_m:
        assert _shared(found) == _shared(expected)


@pytest.mark.parametrize("count", [3, 40])
def test_of_many_conflicts_the_deepest_and_earliest_is_told(count: int) -> None:
    """More of them than are looked at one by one, and more than there is room for at first."""
    minima = Minima(horizontal_m=500.0, vertical_m=100.0, time=timedelta(seconds=30))
    a = tuple(volume(seconds=(60.0 * i, 60.0 * i + 59.0)) for i in range(count))
    # Each meets several of the others; only one leaves no gap in time, and the last of all.
    b = tuple(
        volume(seconds=(60.0 * i + 59.5, 60.0 * i + 59.6), levels_m=(650.0, 700.0))
        for i in range(count)
    )
    found, expected = (
        judged_by_kernels(Prepared.of(*a), Prepared.of(*b), minima),
        conflict_between(a, b, minima),
    )
    assert found is not None
    assert expected is not None
    assert dataclasses.replace(found, place=None) == expected
