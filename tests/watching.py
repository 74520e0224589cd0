"""Reports, tracks and estimates for tests of the watch: one line each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tansiq.domain.estimate import Estimate, Levels, Staleness
from tansiq.domain.following import Followed, Limits, Quality, Track, Velocity, follow
from tansiq.domain.geodesy import destination
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HERE = LatLng(36.0, 36.0)
ADDRESS = Address("icao:a1b2c3")
LIMITS = Limits()


def at_s(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def east(metres: float, origin: LatLng = HERE) -> LatLng:
    return destination(origin, 90.0, metres) if metres else origin


def north(metres: float, origin: LatLng = HERE) -> LatLng:
    return destination(origin, 0.0, metres) if metres else origin


def report(seconds: float = 0.0, place: LatLng = HERE, **changes: Any) -> PositionReport:
    return PositionReport(
        **{
            "address": ADDRESS,
            "time": at_s(seconds),
            "position": place,
            "horizontal_error_m": 10.0,
            **changes,
        }
    )


def taken(track: Track | None, new: PositionReport, limits: Limits = LIMITS) -> Followed:
    """Follow a report that came when it was made."""
    return follow(track, new, received=new.time, limits=limits)


def tracked(*reports: PositionReport, limits: Limits = LIMITS) -> Track:
    """Follow reports, all of which are kept."""
    track = None
    for new in reports:
        found = taken(track, new, limits)
        assert found.refused is None
        track = found.track
    assert track is not None
    return track


STILL = Velocity(east_mps=0.0, north_mps=0.0, error_mps=0.0, up_mps=0.0)


def estimate(place: LatLng = HERE, height_m: float | None = 450.0, **changes: Any) -> Estimate:
    """Return where something is, exactly unless told otherwise."""
    height = None if height_m is None else Levels(lower_m=height_m, upper_m=height_m)
    exact = Estimate(
        address=ADDRESS,
        callsign="TANKER 1",
        time=NOON,
        position=place,
        horizontal_error_m=0.0,
        height=height,
        pressure=None,
        velocity=STILL,
        on_ground=False,
        age_s=0.0,
        staleness=Staleness.FRESH,
        quality=Quality.GOOD,
    )
    return replace(exact, **changes)
