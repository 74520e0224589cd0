"""Inside, outside, and how surely; against shapes and an independent oracle."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import oracle
from plans import volume
from shapes import AZIMUTHS, box, outlines
from tansiq.domain.estimate import Levels
from tansiq.domain.geodesy import RESOLUTION_M, destination, distance_m
from tansiq.domain.volume import Circle, LatLng, Volume4D
from tansiq.domain.whereabouts import Within, seen_from, within
from watching import HERE, east, north

DISC = volume(Circle(center=HERE, radius_m=1_000.0))
SQUARE = volume(box(HERE, length_m=2_000.0, width_m=2_000.0, azimuth_deg=0.0))
LEVEL = Levels(lower_m=400.0, upper_m=500.0)


@pytest.mark.parametrize(
    ("metres", "error_m", "found"),
    [
        (0.0, 1_000.0, Within.IN),
        (0.0, 1_000.001, Within.LIKELY_IN),
        (900.0, 99.999, Within.IN),
        (900.0, 100.001, Within.LIKELY_IN),
        (999.999, 0.0, Within.IN),
        (1_000.001, 0.0, Within.OUT),
        (1_100.0, 100.001, Within.LIKELY_OUT),
        (1_100.0, 99.999, Within.OUT),
    ],
)
@pytest.mark.parametrize("outline", [DISC, SQUARE])
def test_horizontally(metres: float, error_m: float, found: Within, outline: Volume4D) -> None:
    if outline is SQUARE and error_m in (1_000.0, 1_000.001):
        # The edges are geodesics, and that far from the middle bend by some decimetres.
        error_m = 999.0 if error_m == 1_000.0 else 1_001.0
    seen = seen_from(outline, north(metres), error_m, LEVEL)
    assert seen.outline is found
    assert seen.both is found
    assert within(outline, north(metres), error_m, LEVEL) is found
    assert seen.horizontal_m == pytest.approx(max(0.0, metres - 1_000.0), abs=1e-3)


def test_on_the_edge_is_inside() -> None:
    place = east(1_000.0)
    radius_m = distance_m(place, HERE)
    for radius, found in ((radius_m, Within.IN), (math.nextafter(radius_m, 0.0), Within.OUT)):
        disc = volume(Circle(center=HERE, radius_m=radius))
        assert seen_from(disc, place, 0.0, LEVEL).outline is found
    corner = SQUARE.outline.vertices[0]  # type: ignore[union-attr]
    assert seen_from(SQUARE, corner, 0.0, LEVEL).outline is Within.LIKELY_IN


UP, DOWN = math.inf, -math.inf


@pytest.mark.parametrize(
    ("lower_m", "upper_m", "found", "off_m"),
    [
        (300.0, 600.0, Within.IN, 0.0),
        (math.nextafter(300.0, DOWN), 600.0, Within.LIKELY_IN, 0.0),
        (300.0, math.nextafter(600.0, UP), Within.LIKELY_IN, 0.0),
        (600.0, 700.0, Within.LIKELY_OUT, 50.0),
        (math.nextafter(600.0, UP), 700.0, Within.OUT, 50.0),
        (200.0, 300.0, Within.LIKELY_OUT, -50.0),
        (200.0, math.nextafter(300.0, DOWN), Within.OUT, -50.0),
        (600.0, 600.0, Within.IN, 0.0),
        (500.0, 700.0, Within.LIKELY_IN, 0.0),
        (501.0, 701.0, Within.LIKELY_OUT, 1.0),
    ],
)
def test_vertically(lower_m: float, upper_m: float, found: Within, off_m: float) -> None:
    seen = seen_from(DISC, HERE, 0.0, Levels(lower_m=lower_m, upper_m=upper_m))
    assert seen.level is found
    assert seen.vertical_m == pytest.approx(off_m)


def test_without_a_height() -> None:
    assert seen_from(DISC, HERE, 0.0, None).both is Within.UNKNOWN
    assert seen_from(DISC, east(2_000.0), 0.0, None).both is Within.OUT
    assert seen_from(DISC, east(1_001.0), 5.0, None).both is Within.LIKELY_OUT


@pytest.mark.parametrize("outline", [DISC, SQUARE])
def test_which_way_it_lies(outline: Volume4D) -> None:
    for place, azimuth in ((north(1_500.0), 0.0), (east(1_500.0), 90.0), (north(-1_500.0), 180.0)):
        seen = seen_from(outline, place, 0.0, LEVEL)
        assert seen.away_deg is not None
        assert abs((seen.away_deg - azimuth + 180.0) % 360.0 - 180.0) < 0.1
        assert seen.horizontal_m == pytest.approx(500.0, abs=0.1)
    assert seen_from(outline, north(500.0), 0.0, LEVEL).away_deg is None


def test_which_way_from_a_long_box_is_across_it_and_not_from_its_middle() -> None:
    long = volume(box(HERE, length_m=20_000.0, width_m=1_000.0, azimuth_deg=90.0))
    seen = seen_from(long, north(600.0, east(9_000.0)), 0.0, LEVEL)
    assert seen.away_deg is not None
    assert abs((seen.away_deg + 180.0) % 360.0 - 180.0) < 0.2


def test_half_a_world_away() -> None:
    for outline in (DISC, SQUARE):
        seen = seen_from(outline, LatLng(-36.0, -144.0), 50_000.0, LEVEL)
        assert seen.both is Within.OUT
        assert seen.horizontal_m > 10_000_000.0


def test_the_quick_way_does_not_ask_where_where_the_level_says_no() -> None:
    high = Levels(lower_m=700.0, upper_m=700.0)
    assert within(DISC, HERE, 0.0, high) is Within.OUT
    assert within(DISC, HERE, 0.0, None) is Within.UNKNOWN


@settings(max_examples=25)
@given(st.data())
def test_against_an_oracle(data: st.DataObject) -> None:
    """What is certain holds for places tried at random within the error, by another's distances."""
    outline = data.draw(outlines(HERE, 2_000.0))
    place = destination(HERE, data.draw(AZIMUTHS), data.draw(st.floats(0.0, 4_000.0)))
    error_m = data.draw(st.floats(0.01, 500.0))
    seen = seen_from(volume(outline), place, error_m, LEVEL)
    assume(seen.outline in (Within.IN, Within.OUT))
    for _ in range(4):
        off_m = error_m * data.draw(st.floats(0.0, 1.0)) - RESOLUTION_M
        tried = destination(place, data.draw(AZIMUTHS), max(0.0, off_m))
        point = Circle(center=tried, radius_m=1e-6)
        apart_m = oracle.separation_m(point, outline)
        assert (apart_m <= 1e-4) is (seen.outline is Within.IN)
