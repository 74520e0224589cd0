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
from tansiq.domain.volume import Circle
from tansiq.domain.whereabouts import Within, away_deg, distance_to_m, seen_from
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
def test_horizontally(metres: float, error_m: float, found: Within, outline: object) -> None:
    if outline is SQUARE and error_m in (1_000.0, 1_000.001):
        # The edges are geodesics, and that far from the middle bend by some decimetres.
        error_m = 999.0 if error_m == 1_000.0 else 1_001.0
    seen = seen_from(outline, north(metres), error_m, LEVEL)  # type: ignore[arg-type]
    assert seen.outline is found
    assert seen.within is found
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
    assert seen_from(DISC, HERE, 0.0, None).within is Within.UNKNOWN
    assert seen_from(DISC, east(2_000.0), 0.0, None).within is Within.OUT
    assert seen_from(DISC, east(1_001.0), 5.0, None).within is Within.LIKELY_OUT


def test_beyond_a_bound_is_infinitely_far() -> None:
    place = east(2_000.0)
    for outline in (DISC.outline, SQUARE.outline):
        assert distance_to_m(place, outline, beyond_m=1_001.0) == pytest.approx(1_000.0, abs=0.01)
        assert distance_to_m(place, outline, beyond_m=999.0) == math.inf


@pytest.mark.parametrize("outline", [DISC.outline, SQUARE.outline])
def test_which_way_it_lies(outline: object) -> None:
    for place, azimuth in ((north(1_500.0), 0.0), (east(1_500.0), 90.0), (north(-1_500.0), 180.0)):
        assert away_deg(place, outline) == pytest.approx(azimuth, abs=0.5)  # type: ignore[arg-type]
    assert away_deg(north(500.0), outline) is None  # type: ignore[arg-type]


def test_which_way_from_a_long_box_is_across_it_and_not_from_its_middle() -> None:
    long = box(HERE, length_m=20_000.0, width_m=1_000.0, azimuth_deg=90.0)
    place = north(600.0, east(9_000.0))
    assert away_deg(place, long) == pytest.approx(0.0, abs=1.0)


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
