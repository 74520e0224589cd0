"""The quick bounds hold the exact distance, and are close."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes import AZIMUTHS, PLACES, SIZES_M, box, outlines
from tansiq.domain import geodesy
from tansiq.domain.geodesy import RESOLUTION_M, destination, distance_m
from tansiq.domain.nearness import nearness
from tansiq.domain.volume import Circle, LatLng, Outline
from watching import HERE, east, north

DISC = Circle(center=HERE, radius_m=1_000.0)
SQUARE = box(HERE, length_m=2_000.0, width_m=2_000.0, azimuth_deg=0.0)


def exact_m(place: LatLng, outline: Outline) -> tuple[float, bool]:
    """Return the distance to the edge by the exact way, and whether the place is inside."""
    if isinstance(outline, Circle):
        from_edge_m = distance_m(place, outline.center) - outline.radius_m
        return abs(from_edge_m), from_edge_m <= 0.0
    point = Circle(center=place, radius_m=1e-9)
    inside = geodesy.inside(point, outline)
    if not inside:
        return geodesy.separation_m(point, outline), False
    low_m, high_m = 0.0, 2e6
    while high_m - low_m > 1e-4:
        middle_m = (low_m + high_m) / 2
        deep = geodesy.inside(point, outline, margin_m=middle_m)
        low_m, high_m = (middle_m, high_m) if deep else (low_m, middle_m)
    return low_m, True


@settings(max_examples=150)
@given(st.data())
def test_the_exact_distance_lies_between(data: st.DataObject) -> None:
    center, size_m = data.draw(PLACES), data.draw(SIZES_M)
    outline = data.draw(outlines(center, size_m))
    place = destination(center, data.draw(AZIMUTHS), size_m * data.draw(st.floats(0.0, 3.0)))
    found = nearness(place, outline)
    apart_m, inside = exact_m(place, outline)
    assert found.least_m <= apart_m + 2 * RESOLUTION_M
    assert found.most_m >= apart_m
    if found.least_m > 2 * RESOLUTION_M:
        assert found.inside is inside


@pytest.mark.parametrize("outline", [DISC, SQUARE])
@pytest.mark.parametrize(("away_m", "width_m"), [(2e3, 1e-3), (1e4, 1e-2), (5e4, 0.6), (9e5, 4e3)])
def test_the_bounds_are_close(outline: Outline, away_m: float, width_m: float) -> None:
    found = nearness(east(away_m), outline)
    assert found.most_m - found.least_m < width_m
    assert found.away_deg == pytest.approx(90.0, abs=6.0)


def test_long_edges_are_cut() -> None:
    long = box(HERE, length_m=400_000.0, width_m=2_000.0, azimuth_deg=30.0)
    place = destination(HERE, 120.0, 1_500.0)
    found = nearness(place, long)
    assert found.most_m - found.least_m < 0.2
    assert found.least_m <= exact_m(place, long)[0] <= found.most_m


@pytest.mark.parametrize("outline", [DISC, SQUARE])
def test_beyond_a_bound_no_more_is_told(outline: Outline) -> None:
    place = east(11_000.0)
    assert nearness(place, outline, beyond_m=12_000.0).most_m < math.inf
    found = nearness(place, outline, beyond_m=5_000.0)
    assert 5_000.0 < found.least_m <= 10_000.0
    assert (found.most_m, found.inside) == (math.inf, False)


def test_what_is_over_the_horizon_is_not_near() -> None:
    for outline in (DISC, SQUARE):
        found = nearness(LatLng(-36.0, -144.0), outline)
        assert found.least_m > 10_000_000.0
        assert not found.inside


def test_of_a_very_large_outline_the_far_edge_counts_for_nothing() -> None:
    wide = box(HERE, length_m=4_000_000.0, width_m=2_000_000.0, azimuth_deg=90.0)
    found = nearness(north(900_000.0), wide)
    assert found.inside
    assert found.least_m == pytest.approx(exact_m(north(900_000.0), wide)[0], rel=0.05)
    middle = nearness(HERE, box(HERE, length_m=5e6, width_m=5e6, azimuth_deg=0.0))
    assert middle.inside
    assert middle.most_m == math.inf


def test_a_tiny_edge_is_a_point() -> None:
    assert nearness(HERE, Circle(center=HERE, radius_m=10.0)).inside
