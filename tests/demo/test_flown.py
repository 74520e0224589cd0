"""Tracks flown at once: who meets whom, at the limit and one step beyond it."""

from datetime import UTC, datetime, timedelta

import pytest

from tansiq.demo.flown import EARTH_RADIUS_M, STEP_S, Flown, meetings
from tansiq.domain.volume import LatLng
from tansiq.formats.track_file import TrackPoint

START = datetime(2026, 6, 1, 12, tzinfo=UTC)
DEG_M = EARTH_RADIUS_M * 3.141592653589793 / 180


def track(name: str, *points: tuple[float, float, float, float]) -> Flown:
    """Points are (seconds, latitude, longitude, altitude)."""
    return Flown(
        id=name,
        points=tuple(
            TrackPoint(
                time=START + timedelta(seconds=s), position=LatLng(lat, lng), altitude_m=altitude_m
            )
            for s, lat, lng, altitude_m in points
        ),
    )


def still(
    name: str, *, lat: float = 0.0, altitude_m: float = 1_000.0, seconds: float = 60
) -> Flown:
    return track(name, (0, lat, 10.0, altitude_m), (seconds, lat, 10.0, altitude_m))


def test_pairs_within_both_distances_are_found_with_their_time() -> None:
    (found,) = meetings(
        [still("b"), still("a", lat=0.001)], horizontal_m=0.0011 * DEG_M, vertical_m=0.0
    )
    assert found.ids == ("a", "b")
    assert found.first == START
    assert found.seconds == 60
    assert found.horizontal_m == pytest.approx(0.001 * DEG_M)


@pytest.mark.parametrize(("limit_m", "found"), [(150.0, 1), (149.999, 0)])
def test_the_vertical_limit_is_closed(limit_m: float, found: int) -> None:
    pair = [still("a"), still("b", altitude_m=1_150.0)]
    assert len(meetings(pair, horizontal_m=1.0, vertical_m=limit_m)) == found


@pytest.mark.parametrize(("limit_m", "found"), [(1_000.001, 1), (999.999, 0)])
def test_the_horizontal_limit(limit_m: float, found: int) -> None:
    pair = [still("a"), still("b", lat=1_000.0 / DEG_M)]
    assert len(meetings(pair, horizontal_m=limit_m, vertical_m=1.0)) == found


def test_crossing_tracks_meet_where_they_cross_and_not_when_one_is_later() -> None:
    east = track("east", (0, 0.0, 9.9, 1_000.0), (600, 0.0, 10.1, 1_000.0))
    north = track("north", (0, -0.1, 10.0, 1_000.0), (600, 0.1, 10.0, 1_000.0))
    (found,) = meetings([east, north], horizontal_m=500.0, vertical_m=10.0)
    assert abs(found.first - START - timedelta(seconds=300)) <= timedelta(seconds=2 * STEP_S)
    later = north.moved(by=timedelta(seconds=120), up_m=0.0)
    assert meetings([east, later], horizontal_m=500.0, vertical_m=10.0) == []
    higher = north.moved(by=timedelta(0), up_m=11.0)
    assert meetings([east, higher], horizontal_m=500.0, vertical_m=10.0) == []


@pytest.mark.parametrize(("gap_s", "found"), [(600, 1), (599, 0)])
def test_legs_longer_than_the_gap_are_left_out(gap_s: float, found: int) -> None:
    pair = [still("a", seconds=600), still("b", seconds=600)]
    assert len(meetings(pair, horizontal_m=1.0, vertical_m=1.0, gap_s_max=gap_s)) == found


def test_longest_company_first() -> None:
    three = [still("a", seconds=100), still("b", seconds=300), still("c", seconds=200)]
    found = meetings(three, horizontal_m=1.0, vertical_m=1.0)
    assert [meeting.ids for meeting in found] == [("b", "c"), ("a", "b"), ("a", "c")]
