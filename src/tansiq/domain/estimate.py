"""Where an aircraft is between its reports, and by how much that can be wrong.

How far the truth can be from the position given, ``age`` being the time since the last report:

    error = base + velocity_error * age + acceleration / 2 * age^2

with ``base`` the report's own error, and what the aircraft flies in the error of its time stamp.
The acceleration is bounded by ``Limits.acceleration_mps2``. The position runs on along the last
velocity for ``Limits.coast_s`` and stands from then on, and the error grows by the speed as well.
It never exceeds what the fastest aircraft could have reached. Heights likewise, by their own
rates; heights above the ellipsoid and pressure altitudes stay apart.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tansiq.domain.ellipsoid import destination
from tansiq.domain.following import Limits, Measured, Quality, Track, Velocity, error_m
from tansiq.domain.track import Address
from tansiq.domain.volume import LatLng

_SECOND: Final = timedelta(seconds=1)


class Staleness(StrEnum):
    """How old the last report is."""

    FRESH = "fresh"
    AGEING = "ageing"
    STALE = "stale"
    """Too old to say where the aircraft is; it is still shown, as such."""
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Lowest and highest that something can be, by one reference; both included."""

    lower_m: float
    upper_m: float

    @property
    def middle_m(self) -> float:
        return (self.lower_m + self.upper_m) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Where an aircraft is at a time, and by how much that can be wrong."""

    address: Address
    callsign: str
    time: datetime
    position: LatLng
    horizontal_error_m: float
    height: Levels | None
    """Above the WGS84 ellipsoid; None: not known."""
    pressure: Levels | None
    """Pressure altitude; None: not known."""
    velocity: Velocity
    on_ground: bool
    age_s: float
    staleness: Staleness
    quality: Quality


def at(track: Track, now: datetime, limits: Limits) -> Estimate:
    """Return where the aircraft is, by the formula above; the later, the less is said."""
    age_s = (now - track.made) / _SECOND
    v = track.velocity
    run_s, grown_s = _spans(age_s, limits)
    moved_m = v.speed_mps * run_s
    position = track.last.position
    if moved_m:
        position = destination(position, v.track_deg, moved_m)
    grown_m = v.error_mps * grown_s + limits.acceleration_mps2 / 2 * grown_s**2
    grown_m += v.speed_mps * (grown_s - run_s)
    grown_m = min(grown_m, moved_m + max(limits.speed_mps_max, v.speed_mps) * grown_s)
    base_m = error_m(track.last, limits) + v.speed_mps * limits.time_error_s
    return Estimate(
        address=track.address,
        callsign=track.callsign,
        time=now,
        position=position,
        horizontal_error_m=base_m + grown_m,
        height=_levels(track.geometric, v, now, limits),
        pressure=_levels(track.pressure, v, now, limits),
        velocity=v,
        on_ground=track.last.on_ground,
        age_s=age_s,
        staleness=staleness(age_s, limits),
        quality=track.quality(now),
    )


def _spans(age_s: float, limits: Limits) -> tuple[float, float]:
    """Return how long a value runs on, and how long its error grows: also before its time."""
    return min(max(age_s, 0.0), limits.coast_s), abs(age_s)


def _levels(measured: Measured | None, v: Velocity, now: datetime, limits: Limits) -> Levels | None:
    """Return what an altitude can be by now; None once its measurement is too old."""
    if measured is None:
        return None
    run_s, grown_s = _spans((now - measured.made) / _SECOND, limits)
    if grown_s > limits.stale_s:
        return None
    up_mps, error_mps = (
        (0.0, limits.climb_mps_max) if v.up_mps is None else (v.up_mps, v.up_error_mps)
    )
    moved_m = up_mps * run_s
    grown_m = error_mps * grown_s + limits.climb_acceleration_mps2 / 2 * grown_s**2
    grown_m += abs(up_mps) * (grown_s - run_s)
    grown_m = min(grown_m, abs(moved_m) + max(limits.climb_mps_max, abs(up_mps)) * grown_s)
    wide_m = measured.error_m + abs(up_mps) * limits.time_error_s + grown_m
    return Levels(
        lower_m=measured.value_m + moved_m - wide_m, upper_m=measured.value_m + moved_m + wide_m
    )


def staleness(age_s: float, limits: Limits) -> Staleness:
    """Return the class of an age; bounds belong to the younger class.

    An age further below zero than clocks may differ is stale: a clock was set back, and how old
    the report is nobody knows.
    """
    if age_s < -limits.clock_s:
        return Staleness.STALE
    if age_s <= limits.fresh_s:
        return Staleness.FRESH
    if age_s <= limits.ageing_s:
        return Staleness.AGEING
    return Staleness.STALE if age_s <= limits.stale_s else Staleness.DROPPED
