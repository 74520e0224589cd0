"""The four facts that the kernels rest on, against PROJ's geodesics."""

import math
from random import Random

import numpy as np
import pytest
from pyproj import Geod

from tansiq.domain import ellipsoid, geodesy
from tansiq.domain.volume import LatLng
from tansiq.engine import earth
from tansiq.engine.earth import Vector

GEOD = Geod(ellps="WGS84")
AWKWARD = [
    0.0,
    -0.0,
    45.0,
    -45.0,
    90.0,
    -90.0,
    135.0,
    180.0,
    -180.0,
    1e-300,
    89.999999999,
    44.9999999,
]


def places(random: Random, count: int) -> list[LatLng]:
    lats = [math.degrees(math.asin(random.uniform(-1.0, 1.0))) for _ in range(count)]
    lats[::7] = [random.choice([90.0, -90.0, 0.0, 89.9, 45.0]) for _ in lats[::7]]
    return [LatLng(lat, random.uniform(-180.0, 180.0)) for lat in lats]


def test_sine_and_cosine_are_those_of_the_library() -> None:
    random = Random(1)
    for angle_deg in AWKWARD + [random.uniform(-180.0, 180.0) for _ in range(2_000)]:
        found = earth.sin_cos(angle_deg)
        angle = math.radians(angle_deg)
        assert found == pytest.approx((math.sin(angle), math.cos(angle)), abs=5e-16)


def test_places_are_those_of_the_definition() -> None:
    for point in places(Random(2), 2_000):
        found = earth.ecef(point.lat_deg, point.lng_deg)
        assert math.dist(found, ellipsoid.ecef(point)) < 3e-9


@pytest.mark.parametrize("longest_m", [1.0, 1e3, 1e4, 1e5, 2e5, 5e5, 1e6])
def test_arcs_over_chords_are_as_long_as_geodesics_within_the_bound(longest_m: float) -> None:
    random = Random(3)
    worst = 0.0
    for start in places(random, 1_500):
        azimuth_deg, away_m = random.uniform(0.0, 360.0), longest_m * random.uniform(0.5, 1.0)
        lng, lat, _ = GEOD.fwd(start.lng_deg, start.lat_deg, azimuth_deg, away_m)
        true_m = GEOD.inv(start.lng_deg, start.lat_deg, lng, lat)[2]
        p, q = earth.ecef(start.lat_deg, start.lng_deg), earth.ecef(lat, lng)
        assert earth.arc_m(p, q) == earth.arc_m(q, p)
        worst = max(worst, abs(earth.arc_m(p, q) - true_m))
    bound_m = earth.arc_error_m(longest_m * 0.999)
    assert worst <= bound_m
    assert worst > bound_m / 100, "the bound says nothing"


def test_pieces_keep_to_their_vertical_plane_and_rise_like_a_parabola() -> None:
    random = Random(4)
    for start in places(random, 400):
        end = geodesy.destination(start, random.uniform(0.0, 360.0), earth.PIECE_M)
        a, b = earth.ecef(*_pair(start)), earth.ecef(*_pair(end))
        edge = ellipsoid.Edge(0, start, end)
        for share in (0.1, 0.3, 0.5, 0.9):
            on_edge = Vector(*edge.at(share))
            found = earth.foot(on_edge, a, b)
            assert math.dist(on_edge, found) <= earth.PIECE_ERROR_M + earth.RISE_ERROR_M
            assert earth.arc_m(on_edge, found) <= earth.PIECE_ERROR_M + earth.RISE_ERROR_M


def test_the_foot_is_where_an_edge_is_closest() -> None:
    """Against the definition's own solution of the geodesic triangle, near and far."""
    random = Random(5)
    for start in places(random, 400):
        length_m = 10 ** random.uniform(0.0, math.log10(earth.PIECE_M))
        end = geodesy.destination(start, random.uniform(0.0, 360.0), length_m)
        away_m = 10 ** random.uniform(-2.0, 5.3)
        off = geodesy.destination(start, random.uniform(0.0, 360.0), away_m)
        a, b, p = (earth.ecef(*_pair(point)) for point in (start, end, off))
        found_m = earth.arc_m(p, earth.foot(p, a, b))
        true_m = ellipsoid.Edge(0, start, end).distance_m(off, 0.5)
        assert found_m == pytest.approx(true_m, abs=3e-5 + earth.arc_error_m(found_m))


def test_balls_hold_whole_areas() -> None:
    random = Random(6)
    for center in places(random, 200):
        size_m, count = 10 ** random.uniform(1.0, 4.0), random.randint(3, 9)
        corners = [
            geodesy.destination(center, 360.0 * i / count, size_m * random.uniform(0.2, 1.0))
            for i in range(count)
        ]
        at = np.array([earth.ecef(*_pair(corner)) for corner in corners])
        middle, radius_m = earth.enclose(at, 0, count)
        for i, corner in enumerate(corners):
            edge = ellipsoid.Edge(0, corner, corners[(i + 1) % count])
            for share in (0.0, 0.25, 0.5):
                assert math.dist(edge.at(share), middle) <= radius_m
        assert radius_m <= 1.3 * size_m


def _pair(point: LatLng) -> tuple[float, float]:
    return point.lat_deg, point.lng_deg
