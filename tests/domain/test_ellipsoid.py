"""Whether two points are further apart than a limit, held against the length of the geodesic."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tansiq.domain.ellipsoid import distance_m, is_beyond
from tansiq.domain.volume import LatLng

LATS = st.floats(-90.0, 90.0) | st.sampled_from([-90.0, 0.0, 90.0])
LNGS = st.floats(-180.0, 180.0) | st.sampled_from([-180.0, 0.0, 180.0])
AWAY_DEG = st.sampled_from([0.0, 1e-9, 1e-6, 1e-3, 0.1, 3.0]) | st.floats(0.0, 30.0)
LENGTH_M = 111_694.2
"""More than a degree of any meridian or parallel."""
STEP_M = 2e-8


@settings(max_examples=1_000, derandomize=True)
@given(LATS, LNGS, AWAY_DEG, AWAY_DEG)
def test_it_tells_what_is_beside_the_limit_by_the_smallest_step(
    lat: float, lng: float, north: float, east: float
) -> None:
    a = LatLng(lat, lng)
    b = LatLng(lat - north if lat > 0.0 else lat + north, lng - east if lng > 0.0 else lng + east)
    true_m = distance_m(a, b)
    way_m = (abs(b.lat_deg - a.lat_deg) + abs(b.lng_deg - a.lng_deg)) * LENGTH_M
    assert true_m <= way_m
    for limit_m in (true_m + STEP_M, true_m - STEP_M, way_m + STEP_M, way_m * 0.999, way_m * 0.7):
        if abs(limit_m - true_m) < STEP_M / 2:
            continue
        for one, other in ((a, b), (b, a)):
            assert is_beyond(one, other, limit_m) == (true_m > limit_m), (a, b, limit_m)
