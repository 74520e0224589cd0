"""Directions from a point, also at the poles and across the 180th meridian."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import PLACES
from tansiq.domain.bearing import ahead, azimuth_deg, compass, east_north_m
from tansiq.domain.ellipsoid import destination, distance_m
from tansiq.domain.volume import LatLng
from watching import HERE, east


@pytest.mark.parametrize("place", [HERE, LatLng(90.0, 0.0), LatLng(-60.0, 180.0), LatLng(0.0, 0.0)])
@pytest.mark.parametrize("towards_deg", [0.0, 44.0, 135.0, 270.0])
def test_a_place_seen_from_another(place: LatLng, towards_deg: float) -> None:
    x, y = east_north_m(place, destination(place, towards_deg, 10_000.0))
    assert azimuth_deg(x, y) == pytest.approx(towards_deg, abs=1e-2)
    assert (x**2 + y**2) ** 0.5 == pytest.approx(10_000.0, rel=1e-6)


def test_an_azimuth_stays_below_360() -> None:
    assert azimuth_deg(-1e-300, 1.0) == 0.0
    assert azimuth_deg(-1e-9, 1.0) < 360.0
    assert azimuth_deg(0.0, -1.0) == 180.0


@pytest.mark.parametrize(
    ("degrees", "name"),
    [(0.0, "N"), (22.4999, "N"), (22.5, "NE"), (90.0, "E"), (337.4999, "NW"), (337.5, "N")],
)
def test_the_compass(degrees: float, name: str) -> None:
    assert compass(degrees).value == name


def test_east_is_east() -> None:
    assert east_north_m(HERE, east(100.0)) == pytest.approx((100.0, 0.0), abs=1e-3)


@given(PLACES, st.floats(-4e4, 4e4), st.floats(-4e4, 4e4))
def test_straight_ahead(place: LatLng, east_m: float, north_m: float) -> None:
    away_m = math.hypot(east_m, north_m)
    found = ahead(place, east_m, north_m)
    if not away_m:
        assert found == place
        return
    if away_m < 50_000.0:
        exact = destination(place, math.degrees(math.atan2(east_m, north_m)), away_m)
        assert distance_m(found, exact) < 2.0


def test_far_ahead_it_is_exact() -> None:
    assert distance_m(ahead(HERE, 0.0, 60_000.0), destination(HERE, 0.0, 60_000.0)) < 1e-6
    assert distance_m(ahead(HERE, 0.0, 50_000.0), destination(HERE, 0.0, 50_000.0)) > 1e-6
