"""What all formats share: the words that must not be missed, and shapes that err outwards."""

import math
from random import Random

import pytest
from shapely.geometry import Point as ShapelyPoint
from shapely.geometry import Polygon as ShapelyPolygon
from tests.formats.pictures import HOSTILE, area, picture, ring, seen, shape

from tansiq.domain.ellipsoid import destination, distance_m
from tansiq.domain.volume import Circle, LatLng, Polygon
from tansiq.formats import geoid, markup
from tansiq.formats.picture import (
    UNDULATION_ERROR_M,
    AreaKind,
    ahead,
    corner_count,
    cut_at_180,
    ring_of,
    undulation_m,
)


def on_edges(ring: tuple[LatLng, ...], share: float) -> list[LatLng]:
    """Return a point on each edge as programs draw it: straight in degrees."""
    pairs = zip(ring, (*ring[1:], ring[0]), strict=True)
    return [
        LatLng(
            a.lat_deg + share * (b.lat_deg - a.lat_deg), a.lng_deg + share * (b.lng_deg - a.lng_deg)
        )
        for a, b in pairs
    ]


@pytest.mark.parametrize("radius_m", [1.0, 500.0, 20_000.0, 300_000.0, 1_000_000.0])
@pytest.mark.parametrize("lat_deg", [-60.0, 0.0, 24.0, 51.0, 60.0])
def test_a_circle_is_drawn_as_a_polygon_that_holds_it_and_little_more(
    lat_deg: float, radius_m: float
) -> None:
    center = LatLng(lat_deg, 20.0)
    drawn = ring_of(Circle(center=center, radius_m=radius_m))
    for share in (0.0, 0.25, 0.5, 0.75):
        reach = [distance_m(center, place) for place in on_edges(drawn, share)]
        assert min(reach) >= radius_m
        assert max(reach) <= radius_m * 1.006


def test_long_edges_of_a_polygon_follow_the_geodesic() -> None:
    outline = Polygon(vertices=(LatLng(60.0, 0.0), LatLng(60.0, 10.0), LatLng(50.0, 5.0)))
    drawn = ring_of(outline)
    assert set(outline.vertices) <= set(drawn)
    # Half way, a great circle is at atan(tan 60 / cos 5) = 60.0945 degrees; the ellipsoid is near.
    assert max(place.lat_deg for place in drawn) == pytest.approx(60.0945, abs=0.001)


def test_each_corner_knows_how_high_the_geoid_is_there() -> None:
    """Method: 20,000 places all over the earth, and those of one shape."""
    random = Random(3)
    places = [LatLng(random.uniform(-90, 90), random.uniform(-180, 180)) for _ in range(20_000)]
    for place in (*places, LatLng(90, 180), LatLng(-90, -180)):
        off_m = undulation_m(place) - geoid.undulation_m(place.lat_deg, place.lng_deg)
        assert abs(off_m) <= UNDULATION_ERROR_M, place
    drawn = shape()
    assert drawn.undulations_m == tuple(map(undulation_m, drawn.ring))


def test_a_place_ahead_is_that_of_the_geodesic_within_the_stated_bound() -> None:
    random = Random(5)
    for _ in range(2_000):
        start = LatLng(random.uniform(-85, 85), random.uniform(-180, 180))
        turn, far_m = random.uniform(0, 360), 10 ** random.uniform(0, 6)
        off_m = distance_m(ahead(start, turn, far_m), destination(start, turn, far_m))
        assert off_m <= 0.0002 * far_m + 1e-6, (start, turn, far_m)


@pytest.mark.parametrize("lat_deg", [0.0, 45.0, 80.0])
def test_edges_are_followed_from_five_kilometres_on_and_counted(lat_deg: float) -> None:
    for length_m, followed in ((4_950.0, False), (5_050.0, True)):
        first = LatLng(lat_deg, 179.99)
        corners = (first, ahead(first, 90.0, length_m), ahead(first, 45.0, 2_000.0))
        outline = Polygon(vertices=corners)
        drawn = ring_of(outline)
        assert (len(drawn) > 3) == followed
        assert corner_count(outline) >= len(drawn)


# ---- the 180th meridian


def area_deg2(rings: list[list[tuple[float, float]]]) -> float:
    return sum(ShapelyPolygon(part).area for part in rings)


def test_a_ring_across_the_180th_meridian_is_cut_there() -> None:
    corners = (LatLng(10, 179), LatLng(10, -178), LatLng(12, -178), LatLng(12, 179))
    for order in (corners, corners[::-1], corners[2:] + corners[:2]):
        parts = cut_at_180(order)
        assert len(parts) == 2
        assert area_deg2(parts) == pytest.approx(6.0)
        for part in parts:
            assert part[0] == part[-1]
            assert ShapelyPolygon(part).exterior.is_ccw
            assert all(-180 <= lng <= 180 for lng, _ in part)


@pytest.mark.parametrize("lng", [180.0, -180.0])
def test_a_ring_that_only_touches_it_is_not_cut(lng: float) -> None:
    west = math.copysign(179.0, lng)
    parts = cut_at_180((LatLng(0, west), LatLng(0, lng), LatLng(1, lng), LatLng(1, west)))
    assert len(parts) == 1
    assert area_deg2(parts) == pytest.approx(1.0)


def test_a_ring_round_a_pole_holds_the_pole() -> None:
    for pole in (80.0, -80.0):
        parts = cut_at_180(ring_of(Circle(center=LatLng(pole, 30.0), radius_m=1_000_000.0)))
        alone = cut_at_180(tuple(LatLng(pole, float(lng)) for lng in range(-170, 190, 20)))
        assert area_deg2(parts) > 300
        assert area_deg2(alone) == pytest.approx(3_600.0)
        assert all(ShapelyPolygon(part).is_valid for part in alone)


def test_what_is_cut_holds_what_was_held_before() -> None:
    """Method: random star-shaped rings near the meridian, against the same ring moved from it."""
    random = Random(11)
    for _ in range(50):
        middle = random.uniform(170, 190)
        flat = [
            (middle + random.uniform(1, 15) * math.cos(t), random.uniform(1, 15) * math.sin(t))
            for t in (2 * math.pi * i / 12 for i in range(12))
        ]
        whole = ShapelyPolygon(flat)
        parts = cut_at_180([LatLng(y, (x + 180) % 360 - 180) for x, y in flat])
        assert area_deg2(parts) == pytest.approx(whole.area, rel=1e-9)
        for _ in range(20):
            x, y = random.uniform(150, 210), random.uniform(-16, 16)
            at = ShapelyPoint((x + 180) % 360 - 180, y)
            held = any(ShapelyPolygon(part).buffer(1e-9).contains(at) for part in parts)
            near = whole.exterior.distance(ShapelyPoint(x, y)) < 1e-6
            assert near or held == whole.contains(ShapelyPoint(x, y))


# ---- words


def test_what_does_not_stand_everywhere_says_so_in_its_label() -> None:
    assert area().label == "HERON-1"
    assert area(certain=False, status="placing").label == "HERON-1 (NOT COORDINATED)"
    assert area(off_nominal=True, status="contingent").label == "HERON-1 (CONTINGENT)"
    assert area(kind=AreaKind.NO_GO).label == "NO-GO HERON-1"
    lifted = area(kind=AreaKind.NO_GO, certain=False)
    assert lifted.label == "NO-GO HERON-1 (NOT EVERYWHERE YET)"
    assert area(name="", party="south").label == "unnamed, of south"


def test_what_is_not_known_of_an_aircraft_is_said() -> None:
    assert seen().label == "HERON-1 · 2 s old"
    assert seen(staleness="stale", age_s=41.4).label == "HERON-1 · 41 s old · STALE"
    assert seen(level="warning").label == "HERON-1 · 2 s old · WARNING"
    assert seen().height_text == "450 m above the WGS84 ellipsoid ± 15 m"
    assert "error unknown" in seen(height_error_m=0.0).height_text
    assert seen(height_m=None).height_text.startswith("height unknown; pressure altitude 480 m")
    assert seen(height_m=None, pressure_m=None).height_text == "height unknown"
    assert seen(on_ground=True).height_text == "on the ground"
    lines = " ".join(seen(error_m=0.0, speed_mps=None, planned=False).lines)
    for words in ("position error unknown", "speed and track unknown", "no plan known"):
        assert words in lines


def test_a_replay_of_an_exercise_is_marked_as_both() -> None:
    assert picture().mark == ""
    assert picture(replay=True).mark == "REPLAY "
    assert picture(exercise=True).mark == "EXERCISE "
    assert picture(replay=True, exercise=True).mark == "REPLAY EXERCISE "
    assert ring(no_entry=True).label == "NO ENTRY Tower"


def test_text_for_xml_is_legal_and_no_longer_than_said() -> None:
    for write in (markup.text, markup.attribute):
        made = write(HOSTILE, chars_max=40)
        assert not set(made) & {"<", ">", "\x00", "\x1b", "\ud800"}
        made.encode()
        assert write("x" * 40, chars_max=40) == "x" * 40
        assert write("x" * 41, chars_max=40) == "x" * 39 + "…"
    assert markup.attribute('a"b\nc', chars_max=9) == "a&quot;b&#10;c"
