"""The plane between two aircraft, against geodesics flown: within its bound, and not far within."""

import math

import numpy as np
import pytest
from fleets import GEOD

from tansiq.domain import ellipsoid
from tansiq.domain.volume import LatLng
from tansiq.domain.well_clear import Thresholds
from tansiq.engine import encounters, passing
from tansiq.engine.encounters import NO_GROUP, Fleet, find


def meeting(random: np.random.Generator, speed_mps: float, after_s: float) -> tuple[Fleet, float]:
    """Return two that come within about 100 m of each other after a time, and how near."""
    lat_deg = math.degrees(math.asin(random.uniform(-1.0, 1.0)))
    if random.random() < 0.2:
        lat_deg = math.copysign(90.0 - 10 ** random.uniform(-6.0, 0.0), lat_deg)
    lng_deg = random.uniform(-180.0, 180.0)
    ends, rows = [], []
    for _ in range(2):
        lng, lat, _ = GEOD.fwd(lng_deg, lat_deg, random.uniform(0, 360), random.uniform(0, 100))
        ends.append((lng, lat))
        speed = speed_mps * random.uniform(0.2, 1.0)
        # From where it is met, back along the geodesic; the azimuth there, turned about, is flown.
        from_lng, from_lat, back = GEOD.fwd(lng, lat, random.uniform(0, 360), speed * after_s)
        rows.append((from_lat, from_lng, speed, math.radians(back)))
    lat, lng, speed, track = (np.array(column) for column in zip(*rows, strict=True))
    zero = np.zeros(2)
    held = Fleet(
        lat_deg=lat,
        lng_deg=lng,
        geometric_m=zero,
        geometric_error_m=zero,
        pressure_m=zero,
        east_mps=speed * np.sin(track),
        north_mps=speed * np.cos(track),
        climb_mps=zero,
        horizontal_error_m=zero,
        group=np.full(2, NO_GROUP, np.int64),
    )
    return held, float(GEOD.inv(*ends[0], *ends[1])[2])


@pytest.mark.parametrize(
    ("speed_mps", "after_s"),
    [(20.0, 120.0), (250.0, 55.0), (250.0, 180.0), (250.0, 600.0), (2_000.0, 60.0)],
)
def test_two_that_meet_are_shown_to_meet_within_the_bound(speed_mps: float, after_s: float) -> None:
    random, worst = np.random.default_rng(4), 0.0
    for _ in range(1_000):
        held, true_m = meeting(random, speed_mps, after_s)
        moving = encounters._seen_moving(encounters._moving(held))
        pair = passing.pair_of(moving, 0, 1)
        x, y, z = (
            at + after_s * way
            for at, way in ((pair.x_m, pair.u_mps), (pair.y_m, pair.v_mps), (pair.z_m, pair.w_mps))
        )
        chord_m = math.sqrt(pair.x_m**2 + pair.y_m**2 + pair.z_m**2)
        ways_m = moving.speed_mps[0] * after_s, moving.speed_mps[1] * after_s
        sunk_m = passing.DEPTH_SHARE * chord_m
        bent_m = passing.plane_error_m(chord_m, *ways_m) - sunk_m
        shown_m = math.sqrt(x * x + y * y + z * z)
        assert shown_m <= true_m + bent_m + 2e-6
        # To the other side: two are shown nearer than they are by a share of what is between them.
        share = (0.5 * chord_m + max(ways_m)) ** 2 * ellipsoid.CURVATURE_MAX**2
        assert shown_m >= true_m - bent_m - share * true_m - 2e-6
        worst = max(worst, abs(shown_m - true_m) / (bent_m + 2e-6))
        # Hence to the metre: with true_m as the radius, the moment is within what is foreseen.
        rule = Thresholds(dthr_m=true_m, zthr_m=1.0).within(after_s)
        found = find(held, [rule]).encounters
        assert len(found.i) == 1
        assert found.t_in_s[0, 0] <= after_s <= found.t_out_s[0, 0] + 1e-9
    assert worst > 0.1, "the bound says nothing"


def test_the_chord_of_two_points_lies_in_their_plane() -> None:
    random = np.random.default_rng(5)
    for _ in range(1_000):
        lat_deg, lng_deg = random.uniform(-90, 90), random.uniform(-180, 180)
        lng, lat, _ = GEOD.fwd(lng_deg, lat_deg, random.uniform(0, 360), 10 ** random.uniform(0, 6))
        one, other = (ellipsoid.ecef(LatLng(*at)) for at in ((lat_deg, lng_deg), (lat, lng)))
        x, y, z = (a + b for a, b in zip(one, other, strict=True))
        normal = ellipsoid.up((x, y, z))
        out_m = sum(n * (a - b) for n, a, b in zip(normal, one, other, strict=True))
        assert abs(out_m) < 5e-9
