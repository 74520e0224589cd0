"""Recorded tracks: every point and leg lies, with its buffers, in a volume of its time."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from pyproj import Geod

from tansiq.domain import geodesy
from tansiq.domain.draft import Datum, Units
from tansiq.domain.volume import Circle, LatLng, Volume4D
from tansiq.errors import BadInput, InvalidVolume
from tansiq.formats.track import TrackBuffers, TrackPlan, volumes_from_track
from tansiq.formats.track_file import TrackPoint, read_track

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
GEOD = Geod(ellps="WGS84")
PLAIN = TrackBuffers()


def at(seconds: float, lat: float, lng: float, altitude_m: float = 1_000) -> TrackPoint:
    return TrackPoint(
        time=NOON + timedelta(seconds=seconds), position=LatLng(lat, lng), altitude_m=altitude_m
    )


def flown(random: Random, *, lat: float, lng: float, count: int) -> list[TrackPoint]:
    """Return a wandering track: 20 to 200 m/s, turns, circles, pauses of up to 5 minutes."""
    points, heading, seconds, altitude = [], random.uniform(0, 360), 0.0, 1_000.0
    for _ in range(count):
        points.append(at(seconds, lat, lng, altitude))
        pause = random.choice([1, 5, 30, 60, 290])
        heading += random.choice([0, 0, 20, 90, 180]) * random.choice([-1, 1])
        lng, lat, _ = GEOD.fwd(lng, lat, heading, random.uniform(20, 200) * pause)
        altitude = max(-500.0, altitude + random.uniform(-8, 8) * pause)
        seconds += pause
    return points


def holds(volume: Volume4D, place: TrackPoint, buffers: TrackBuffers, azimuth: float) -> bool:
    """Report whether a volume holds what lies at the buffer's edge around a place."""
    lng, lat, _ = GEOD.fwd(
        place.position.lng_deg, place.position.lat_deg, azimuth, buffers.horizontal_m
    )
    early, late = (place.time + timedelta(seconds=sign * buffers.time_s) for sign in (-1, 1))
    return (
        volume.time.start <= early
        and late <= volume.time.end
        and volume.altitude.lower_m <= place.altitude_m - buffers.vertical_m + 1e-9
        and place.altitude_m + buffers.vertical_m <= volume.altitude.upper_m + 1e-9
        and geodesy.inside(Circle(center=LatLng(lat, lng), radius_m=0.1), volume.outline)
    )


def between(a: TrackPoint, b: TrackPoint, fraction: float) -> TrackPoint:
    start, end = a.position, b.position
    azimuth, _, length = GEOD.inv(start.lng_deg, start.lat_deg, end.lng_deg, end.lat_deg)
    lng, lat, _ = GEOD.fwd(start.lng_deg, start.lat_deg, azimuth, fraction * length)
    return TrackPoint(
        time=a.time + fraction * (b.time - a.time),
        position=LatLng(lat, lng),
        altitude_m=a.altitude_m + fraction * (b.altitude_m - a.altitude_m),
    )


@pytest.mark.parametrize("seed", range(24))
def test_every_point_and_leg_is_held(seed: int) -> None:
    """Method: seeded tracks all over the earth, poles and 180th meridian included; along each leg 5
    places, around each 3 at the buffer's edge, found by pyproj; some volume holds each."""
    random = Random(seed)
    lat = random.choice([0.0, 38.5, -52.0, 89.9, -89.95])
    lng = random.choice([-120.0, 179.99, 0.0])
    points = flown(random, lat=lat, lng=lng, count=40)
    buffers = TrackBuffers(horizontal_m=random.choice([50, 500, 3_000]))
    plan = volumes_from_track(points, buffers)
    assert plan.dropped_points == 0
    for volume in plan.volumes:
        geodesy.check_outline(volume.outline)
        length = volume.time.end - volume.time.start
        assert length <= timedelta(seconds=buffers.slice_s + 2 * buffers.time_s)
    for a, b in pairwise(points):
        for fraction in (0, random.random(), random.random(), random.random(), 1):
            place = between(a, b, fraction)
            azimuths = [random.uniform(0, 360) for _ in range(3)]
            assert any(
                all(holds(volume, place, buffers, azimuth) for azimuth in azimuths)
                for volume in plan.volumes
            ), f"seed {seed}, {place}"


def test_a_bridged_gap_of_450_km_is_held_and_says_that_it_is_a_guess() -> None:
    points = [at(0, 40, -120), at(60, 40, -119.95), at(4_700, 41, -114.8), at(4_760, 41, -114.75)]
    buffers = TrackBuffers(bridge_gaps=True)
    plan = volumes_from_track(points, buffers)
    assert len(plan.volumes) == 3
    assert plan.notes == (
        "guess: 1 gap over 300 s, the longest 4640 s at 2026-06-01T12:01:00Z; taken as flown along "
        "the geodesic, at any speed",
    )
    for step in range(101):
        place = between(points[1], points[2], step / 100)
        for azimuth in range(0, 360, 30):
            lng, lat, _ = GEOD.fwd(
                place.position.lng_deg, place.position.lat_deg, azimuth, buffers.horizontal_m
            )
            spot = Circle(center=LatLng(lat, lng), radius_m=0.1)
            assert geodesy.inside(spot, plan.volumes[1].outline)


def test_volumes_are_tight() -> None:
    """A straight minute at 100 m/s: the outline is within a tenth of the buffered line's area."""
    points = [at(t, 38.5, -120 + t * 100 / 87_156) for t in range(0, 61, 5)]
    [volume] = volumes_from_track(points, PLAIN).volumes
    least = (6_000 * 1_000 + 3.1416 * 500**2) / 1e6
    assert least < geodesy.area_km2(volume.outline) < 1.1 * least
    assert volume.altitude.upper_m - volume.altitude.lower_m == pytest.approx(120, abs=0.21)


def test_gap_limit_is_closed() -> None:
    assert volumes_from_track([at(0, 1, 1), at(300, 1, 1)], PLAIN).notes == ()
    with pytest.raises(BadInput, match="bridge gaps and take the guess"):
        volumes_from_track([at(0, 1, 1), at(300.000001, 1, 1)], PLAIN)


def test_one_point_is_a_circle() -> None:
    [volume] = volumes_from_track([at(0, 1, 1)], PLAIN).volumes
    assert volume.outline == Circle(center=LatLng(1, 1), radius_m=502)
    assert volume.time.start == NOON - timedelta(seconds=30)


def _kept(points: list[TrackPoint]) -> TrackPlan:
    return volumes_from_track(points, TrackBuffers(bridge_gaps=True))


@pytest.mark.parametrize("spike", [0, 5, 11])
@pytest.mark.parametrize("kind", ["altitude", "place"])
def test_a_spike_is_dropped_wherever_it_stands(spike: int, kind: str) -> None:
    points = [at(10 * i, 38.5, -120 + i / 100) for i in range(12)]
    lat, lng = points[spike].position.lat_deg, points[spike].position.lng_deg
    points[spike] = (
        at(10 * spike, lat, lng, 36_600) if kind == "altitude" else at(10 * spike, lat + 2, lng)
    )
    plan = _kept(points)
    assert plan.dropped_points == 1
    assert plan.notes[0] == "1 of 12 points dropped as jumps"
    assert max(v.altitude.upper_m for v in plan.volumes) < 1_100


def test_jump_limits_are_closed() -> None:
    """Climb: 60 m/s for 1 + 1 s, and 30 m. Speed: 350 m/s for 1 + 1 s."""
    assert _kept([at(0, 1, 1, 1_000), at(1, 1, 1, 1_150)]).dropped_points == 0
    assert _kept([at(0, 1, 1, 1_000), at(1, 1, 1, 1_150.001)]).dropped_points == 1
    lng, lat, _ = GEOD.fwd(1, 1, 77, 699.999)
    assert _kept([at(0, 1, 1), at(1, lat, lng)]).dropped_points == 0
    lng, lat, _ = GEOD.fwd(1, 1, 77, 700.001)
    assert _kept([at(0, 1, 1), at(1, lat, lng)]).dropped_points == 1


def test_altitude_errors_widen_the_band() -> None:
    point = TrackPoint(time=NOON, position=LatLng(1, 1), altitude_m=1_000, altitude_error_m=100)
    [volume] = volumes_from_track([point], PLAIN).volumes
    assert (volume.altitude.lower_m, volume.altitude.upper_m) == (840, 1_160)


def test_disorder_is_refused_with_its_place() -> None:
    with pytest.raises(BadInput, match="sort the points by time") as caught:
        volumes_from_track([at(0, 1, 1), at(2, 1, 1), at(1, 1, 1)], PLAIN)
    assert caught.value.field == "point 3"
    with pytest.raises(BadInput, match="at least one"):
        volumes_from_track([], PLAIN)


def test_a_leg_round_the_world_is_refused() -> None:
    with pytest.raises(InvalidVolume, match="cut the track"):
        _kept([at(0, 0, 0), at(50_000, 0, 90)])


@pytest.mark.parametrize("name", ["slice_s", "horizontal_m", "gap_s", "speed_mps_max"])
def test_buffers_have_ranges(name: str) -> None:
    TrackBuffers(**{name: 1.0})
    for bad in (0.999, float("nan"), 1e9):
        with pytest.raises(BadInput) as caught:
            TrackBuffers(**{name: bad})
        assert caught.value.field == name


CSV = b"""\xef\xbb\xbfTime, Latitude,lon,altitude,note
2026-06-01T12:00:00Z,38.5,-120.0,3000,"a, b"
1780315205,38.5,-119.99,3010,
1780315210000,38.5,-119.98,,no altitude
"""


def test_csv_with_other_names_units_and_epochs() -> None:
    read = read_track(CSV, "t.csv", units=Units.FT, datum=Datum.AMSL)
    assert read.without_altitude == 1
    assert [p.time for p in read.points] == [NOON, NOON + timedelta(seconds=5)]
    first = read.points[0]
    assert first.altitude_m == pytest.approx(914.4 - 24.6, abs=1.0)
    assert first.altitude_error_m == pytest.approx(1.2)


@pytest.mark.parametrize("wrap", [False, True])
def test_json(wrap: bool) -> None:
    rows = [{"time": "2026-06-01T12:00:00Z", "lat": 38.5, "lng": -120, "altitude": 95}]
    data = json.dumps({"points": rows} if wrap else rows).encode()
    [point] = read_track(data, "t.json", units=Units.FL, datum=Datum.FL).points
    assert point.altitude_error_m > 500  # Pressure alone says no more.
