"""Outlines on the ellipsoid, held against ``oracle``: other code, other method."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

import oracle
from shapes import box, pairs, polygon, ring
from tansiq.domain import geodesy
from tansiq.domain.geodesy import RESOLUTION_M, separation_m
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.errors import InvalidVolume, TooLarge

ALPS = LatLng(45.0, 7.0)
ORACLE = settings(
    derandomize=True,
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
PLACES = [
    ALPS,
    LatLng(0.0, 0.0),
    LatLng(-33.0, 180.0),
    LatLng(62.0, -179.999),
    LatLng(90.0, 0.0),
    LatLng(-89.9999, 33.0),
]


def fit(outline: Outline) -> bool:
    try:
        geodesy.check_outline(outline)
    except InvalidVolume:
        return False
    return True


# Separation


@ORACLE
@given(pairs())
def test_separation_is_that_of_the_oracle_and_never_above_it(pair: tuple[Outline, Outline]) -> None:
    a, b = pair
    assume(fit(a) and fit(b))
    found_m = separation_m(a, b)
    expected_m = oracle.separation_m(a, b)

    assert found_m == separation_m(b, a)
    assert found_m <= expected_m + 1e-7
    if found_m < expected_m * (1 - 1e-6) - 0.01:
        # Sampling can miss where two slivers come closest, in one of a hundred draws: look harder.
        expected_m = oracle.separation_m(a, b, samples=3_000)
    assert found_m >= expected_m * (1 - 1e-6) - 0.05
    assert separation_m(a, b, beyond_m=found_m + 0.001) == found_m
    if found_m:
        assert separation_m(a, b, beyond_m=found_m * 0.999 - 0.001) == math.inf


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("azimuth_deg", [0.0, 33.0, 90.0, 200.0])
@pytest.mark.parametrize("minimum_m", [0.0, 500.0, 5_000.0, 150_000.0])
def test_circles_touch_exactly_and_miss_by_a_millimetre(
    place: LatLng, azimuth_deg: float, minimum_m: float
) -> None:
    a = Circle(center=place, radius_m=1_000.0)

    def circle_at(gap_m: float) -> Circle:
        return Circle(
            center=geodesy.destination(place, azimuth_deg, 3_000.0 + gap_m), radius_m=2_000.0
        )

    assert separation_m(a, circle_at(minimum_m), beyond_m=minimum_m) <= minimum_m
    assert separation_m(a, circle_at(minimum_m + 0.001), beyond_m=minimum_m) == math.inf
    assert separation_m(a, circle_at(minimum_m + 0.001)) == pytest.approx(
        minimum_m + 0.001, abs=2e-6
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("length_m", [100.0, 8_000.0, 500_000.0])
@pytest.mark.parametrize("minimum_m", [0.0, 500.0, 5_000.0])
def test_a_corner_touches_an_edge_exactly_and_misses_by_a_millimetre(
    place: LatLng, length_m: float, minimum_m: float
) -> None:
    """The corner lies off the middle of an edge, square to it, by construction."""
    a, b = (geodesy.destination(place, azimuth, length_m / 2) for azimuth in (65.0, 245.0))
    wall = Polygon(vertices=(a, b, geodesy.destination(place, 155.0, length_m / 3)))

    def wedge(gap_m: float) -> Polygon:
        corner = geodesy.destination(place, -25.0, gap_m)
        back = [geodesy.destination(place, azimuth, gap_m + 300.0) for azimuth in (-30.0, -20.0)]
        return Polygon(vertices=(corner, *back))

    assert separation_m(wall, wedge(minimum_m), beyond_m=minimum_m) <= minimum_m
    missed_m = separation_m(wedge(minimum_m + 0.0011), wall)
    assert minimum_m < missed_m <= minimum_m + 0.0011
    if minimum_m:
        circle = Circle(center=geodesy.destination(place, -25.0, minimum_m + 400.0), radius_m=400.0)
        assert separation_m(wall, circle, beyond_m=minimum_m) <= minimum_m


OVERLAPS: dict[str, tuple[Outline, Outline]] = {
    "the same": (box(ALPS, length_m=9e3, width_m=2e3, azimuth_deg=20.0),) * 2,
    "a common edge": (
        polygon((45, 7), (45, 8), (46, 8)),
        polygon((45, 7), (46, 8), (46, 7)),
    ),
    "a common corner": (
        polygon((45, 7), (45, 8), (46, 8)),
        polygon((45, 7), (44, 7), (44, 6)),
    ),
    "a cross": (
        box(ALPS, length_m=9e3, width_m=100.0, azimuth_deg=0.0),
        box(ALPS, length_m=9e3, width_m=100.0, azimuth_deg=90.0),
    ),
    "a cross of 800 km": (
        box(ALPS, length_m=8e5, width_m=10.0, azimuth_deg=10.0),
        box(ALPS, length_m=8e5, width_m=10.0, azimuth_deg=95.0),
    ),
    "nested": (ring(ALPS, [5e4] * 6), ring(LatLng(45.1, 7.1), [300.0] * 5)),
    "a circle in a polygon": (ring(ALPS, [5e4] * 6), Circle(center=ALPS, radius_m=1.0)),
    "a polygon in a circle": (ring(ALPS, [500.0] * 6), Circle(center=ALPS, radius_m=5e5)),
    "the pole in both": (ring(LatLng(90, 0), [1e4] * 7), ring(LatLng(89.99, 120), [5e3] * 3)),
    "over the 180th meridian": (
        polygon((10, 179), (10, -179), (12, 180)),
        polygon((11, 179.9), (11, -179.9), (9, -180)),
    ),
}


@pytest.mark.parametrize("pair", OVERLAPS.values(), ids=OVERLAPS)
def test_outlines_that_share_a_point_have_no_separation(pair: tuple[Outline, Outline]) -> None:
    a, b = pair
    assert separation_m(a, b) == separation_m(b, a) == 0.0
    assert separation_m(a, b, beyond_m=0.0) == 0.0


def test_a_place_in_a_notch_is_outside() -> None:
    horseshoe = polygon(
        (45, 7), (45, 8), (46, 8), (46, 7.9), (45.1, 7.9), (45.1, 7.1), (46, 7.1), (46, 7)
    )
    circle = Circle(center=LatLng(45.6, 7.5), radius_m=1_000.0)
    assert separation_m(horseshoe, circle) == pytest.approx(
        oracle.separation_m(horseshoe, circle), abs=RESOLUTION_M
    )


def test_edges_are_geodesics_not_lines_of_equal_latitude() -> None:
    """At 60 degrees north an edge of 500 km along a parallel leaves it by 4 to 5 km."""
    south = polygon((60, 10), (60, 19), (58, 14.5))
    middle = oracle.GEOD.npts(10, 60, 19, 60, 1)[0]
    on_edge = LatLng(middle[1], middle[0])
    assert 0.07 < on_edge.lat_deg - 60.0 < 0.1
    between = Circle(center=LatLng(60.03, 14.5), radius_m=10.0)
    beyond = Circle(center=LatLng(60.10, 14.5), radius_m=10.0)
    assert separation_m(south, between) == 0.0
    assert separation_m(south, beyond) == pytest.approx(
        oracle.distance_m(on_edge, beyond.center) - 10.0, abs=0.001
    )


def test_far_outlines_are_put_aside_and_very_far_ones_measured() -> None:
    a, b = ring(ALPS, [2e4] * 5), ring(LatLng(-33.0, 151.0), [2e4] * 5)
    assert separation_m(a, b, beyond_m=200_000.0) == math.inf
    near = ring(LatLng(47.0, 7.0), [2e4] * 5)
    assert separation_m(a, near, beyond_m=100_000.0) == math.inf
    assert separation_m(Circle(center=ALPS, radius_m=9.0), near, beyond_m=150_000.0) == math.inf


def test_nearly_parallel_long_edges_keep_their_gap() -> None:
    """Two corridors of 400 km, 5 m apart: straight chords in space would be off by kilometres."""
    axis = [geodesy.destination(ALPS, 70.0, s) for s in (-2e5, 2e5)]
    near = geodesy.destination(ALPS, 160.0, 3_000.0)
    a = Polygon(vertices=(*axis, near))
    ends = [geodesy.destination(ALPS, 70.0, s) for s in (2e5, -2e5)]
    far = [geodesy.destination(end, az, 5.0) for end, az in zip(ends, (-20.0, -20.0), strict=True)]
    b = Polygon(vertices=(*far, geodesy.destination(ALPS, -20.0, 3_000.0)))
    assert separation_m(a, b) == pytest.approx(oracle.separation_m(a, b), abs=0.001)
    assert 4.0 < separation_m(a, b) < 5.5


def test_distance_and_destination_agree_with_proj() -> None:
    end = geodesy.destination(ALPS, 33.0, 123_456.0)
    assert oracle.distance_m(ALPS, end) == pytest.approx(123_456.0, abs=1e-6)
    assert geodesy.distance_m(ALPS, end) == geodesy.distance_m(end, ALPS)


# Inside


def test_inside_needs_the_whole_outline_and_room_to_the_boundary() -> None:
    area, disc = ring(ALPS, [5e4] * 12), Circle(center=ALPS, radius_m=5e4)
    small = ring(LatLng(45.1, 7.0), [1e3] * 5)
    for outer in (area, disc):
        assert geodesy.inside(small, outer)
        assert geodesy.inside(Circle(center=ALPS, radius_m=1e4), outer)
        assert not geodesy.inside(ring(ALPS, [6e4, 1e3, 1e3, 1e3, 1e3]), outer)
        assert not geodesy.inside(outer, small)
        assert not geodesy.inside(outer, outer)
        assert not geodesy.inside(Circle(center=ALPS, radius_m=6e4), outer)
        assert not geodesy.inside(Circle(center=LatLng(50, 7), radius_m=1e3), outer)


def test_inside_with_a_margin_touches_and_misses() -> None:
    outer = Circle(center=ALPS, radius_m=10_000.0)
    inner = Circle(center=ALPS, radius_m=6_000.0)
    assert geodesy.inside(inner, outer, margin_m=3_999.999)
    assert not geodesy.inside(inner, outer, margin_m=4_000.0)
    walls = ring(ALPS, [10_000.0] * 4)
    reach_m = oracle.separation_m(Circle(center=ALPS, radius_m=0.001), walls)
    assert reach_m == 0.0
    room_m = min(
        float(oracle.GEOD.inv(ALPS.lng_deg, ALPS.lat_deg, lng, lat)[2])
        for lat, lng in zip(*oracle.samples(walls, 4_000), strict=True)
    )
    assert geodesy.inside(inner, walls, margin_m=room_m - 6_000.0 - 0.002)
    assert not geodesy.inside(inner, walls, margin_m=room_m - 6_000.0 + 0.002)


# Fit for use

UNFIT: dict[str, tuple[Polygon, str]] = {
    "bow-tie": (polygon((0, 0), (1, 1), (1, 0), (0, 1)), r"edge 1 .* and edge 3 .* cross or touch"),
    "bow-tie over the pole": (
        polygon((89, 0), (89, 180), (89, 90), (89, -90)),
        "edge 1 .* and edge 3 .* cross",
    ),
    "bow-tie of 3,000 km": (polygon((0, 0), (20, 20), (20, 0), (0, 20)), "cross or touch"),
    "vertex repeated later": (
        polygon((0, 0), (0, 1), (0.5, 0.5), (1, 1), (1, 0), (0.5, 0.5)),
        "cross or touch",
    ),
    "corner on another edge": (polygon((0, 0), (0, 1), (1, 1), (0, 0.5)), "cross or touch"),
    "folded back": (polygon((0, 0), (0, 1), (0, 0.5), (1, 0.5)), "cross or touch"),
    "no area": (polygon((0, 0), (0, 1), (0, 0.5)), "cross or touch"),
    "no width": (polygon((0, 0), (0, 1), (1e-10, 0.5)), "cross or touch"),
    "twice the same": (polygon((0, 0), (0, 1e-9), (1, 1)), "vertex 1 and the next"),
    "last repeats first": (polygon((0, 0), (1, 1), (0, 1), (0, 1e-9)), "vertex 4 and the next"),
    "half the earth": (polygon((0, 0), (0, 80), (60, 40)), "spans more than 8000 km"),
}


@pytest.mark.parametrize(("outline", "text"), UNFIT.values(), ids=UNFIT)
def test_unfit_polygons_are_refused_with_the_place(outline: Polygon, text: str) -> None:
    for turned in (outline, Polygon(vertices=outline.vertices[::-1])):
        with pytest.raises(InvalidVolume) as caught:
            geodesy.check_outline(turned)
        assert caught.value.field == "vertices"
    with pytest.raises(InvalidVolume, match=text):
        geodesy.check_outline(outline)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size_m", [0.5, 300.0, 40_000.0, 2_000_000.0])
def test_fit_polygons_pass(place: LatLng, size_m: float) -> None:
    geodesy.check_outline(ring(place, [size_m, size_m * 0.1] * 4))
    geodesy.check_outline(Circle(center=place, radius_m=min(size_m, 1e6)))


def test_a_gap_of_a_millimetre_passes_and_of_a_tenth_does_not() -> None:
    def nearly_closed(gap_m: float) -> Polygon:
        corner = geodesy.destination(ALPS, 0.0, gap_m)
        start = [geodesy.destination(ALPS, azimuth, 1_000.0) for azimuth in (270.0, 225.0)]
        return Polygon(
            vertices=(
                start[0],
                start[1],
                *(geodesy.destination(ALPS, azimuth, 1_000.0) for azimuth in (135.0, 90.0)),
                ALPS,
                geodesy.destination(ALPS, 300.0, 500.0),
                geodesy.destination(corner, 0.0, 800.0),
                corner,
            )
        )

    geodesy.check_outline(ring(ALPS, [1_000.0] * 8))
    assert not fit(nearly_closed(0.0001))


def big_ring(count: int, share: Callable[[int], float]) -> Polygon:
    return ring(ALPS, [20_000.0 * share(i) for i in range(count)])


def test_ten_thousand_vertices_are_checked_and_compared() -> None:
    rough = big_ring(10_000, lambda i: 0.99 + 0.005 * math.sin(i * i))
    geodesy.check_outline(rough)
    assert geodesy.area_km2(rough) == pytest.approx(oracle.area_km2(rough), rel=1e-6)
    other = ring(geodesy.destination(ALPS, 60.0, 50_000.0), [20_000.0] * 2_000)
    assert 9_900.0 < separation_m(rough, other) < 11_000.0
    vertices = list(rough.vertices)
    vertices[3_000], vertices[3_002] = vertices[3_002], vertices[3_000]
    with pytest.raises(InvalidVolume, match="edge 30"):
        geodesy.check_outline(Polygon(vertices=tuple(vertices)))


def test_a_search_that_would_not_end_soon_is_refused() -> None:
    needles = big_ring(3_000, lambda i: (1.0, 0.01)[i % 2])
    with pytest.raises(TooLarge, match="simplify"):
        geodesy.check_outline(needles)


# Bounds and areas

SHAPES: dict[str, Outline] = {
    "small": ring(ALPS, [300.0, 100.0, 200.0, 250.0]),
    "wide": ring(LatLng(60, 10), [400e3, 100e3, 500e3, 300e3, 400e3]),
    "long edge on a parallel": polygon((60, 10), (60, 19), (58, 14.5)),
    "over the 180th meridian": ring(LatLng(-17, 179.9), [50e3] * 5),
    "around a pole": ring(LatLng(90, 0), [50e3, 40e3, 60e3, 50e3]),
    "around the other": ring(LatLng(-89.9, 30), [50e3, 40e3, 60e3, 50e3]),
    "beside a pole": polygon((89, 10), (89, 60), (88, 40)),
    "a corner on the pole": polygon((90, 0), (88, 10), (88, 40)),
    "an edge over the pole": polygon((89, 10), (89, -170), (88, 100)),
    "a spiral around a pole": polygon(
        *((80 + turn / 100, turn % 360 - 180) for turn in range(0, 420, 10)),
        *((81 + turn / 100, turn % 360 - 180) for turn in range(410, -10, -10)),
    ),
    "circle": Circle(center=ALPS, radius_m=30e3),
    "large circle": Circle(center=LatLng(70, 5), radius_m=900e3),
    "circle over the 180th meridian": Circle(center=LatLng(10, -179.99), radius_m=30e3),
    "circle around a pole": Circle(center=LatLng(89.9, 0), radius_m=30e3),
    "circle around the other": Circle(center=LatLng(-89.9, 0), radius_m=30e3),
    "circle short of the pole": Circle(center=LatLng(89.0, 0), radius_m=100e3),
}


@pytest.mark.parametrize("outline", SHAPES.values(), ids=SHAPES)
def test_bounds_hold_every_point_and_little_more(outline: Outline) -> None:
    lat, lng = oracle.samples(outline, 3_000)
    south, north, west, east = geodesy.bounding_box(outline)
    assert south <= lat.min()
    assert lat.max() <= north
    within = (west <= lng) & (lng <= east) if west <= east else (west <= lng) | (lng <= east)
    assert within.all() or (west, east) == (-180.0, 180.0)
    for pole in (LatLng(90.0, 0.0), LatLng(-90.0, 0.0)):
        if oracle.contains(outline, pole):
            assert (west, east) == (-180.0, 180.0)
            assert pole.lat_deg in (south, north)
    if (west, east) != (-180.0, 180.0):
        assert north - south <= (lat.max() - lat.min()) * 1.001 + 0.001
        shifted = (lng - west) % 360.0
        assert (east - west) % 360.0 <= shifted.max() - shifted.min() + 0.4 * shifted.max()

    cap = geodesy.bounding_circle(outline)
    center = np.full_like(lat, cap.center.lat_deg), np.full_like(lat, cap.center.lng_deg)
    reach = oracle.GEOD.inv(center[1], center[0], lng, lat)[2]
    assert reach.max() <= cap.radius_m + 1e-6
    assert cap.radius_m <= reach.max() * 1.01 + 1.0


def test_longitudes_of_a_box_over_the_180th_meridian_run_on() -> None:
    _, _, west, east = geodesy.bounding_box(SHAPES["over the 180th meridian"])
    assert 179.0 < west < 180.0
    assert -180.0 < east < -179.0
    _, _, west, east = geodesy.bounding_box(polygon((10, -179), (10, 179), (12, 180)))
    assert 178.9 < west < 179.0
    assert -179.0 < east < -178.9


@pytest.mark.parametrize("name", [name for name in SHAPES if "circle" not in name])
def test_area_is_that_of_the_smaller_side_whatever_the_winding(name: str) -> None:
    outline = SHAPES[name]
    assert isinstance(outline, Polygon)
    for turned in (outline, Polygon(vertices=outline.vertices[::-1])):
        assert geodesy.area_km2(turned) == pytest.approx(
            oracle.area_km2(outline), rel=1e-5, abs=1e-5
        )


@pytest.mark.parametrize("name", [name for name in SHAPES if "circle" in name])
def test_area_of_a_circle(name: str) -> None:
    circle = SHAPES[name]
    assert isinstance(circle, Circle)
    around = ring(circle.center, [circle.radius_m] * 3_000)
    assert geodesy.area_km2(circle) == pytest.approx(oracle.area_km2(around), rel=1e-4)
