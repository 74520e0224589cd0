"""Tracks: the reports of one address put in order, and where the aircraft is between them.

A report is kept if an aircraft can have flown there since the last one. What cannot is refused as a
jump; once a stated number of refused reports in a row agree with each other, the track begins anew
where they are and is marked doubtful for a while. Reports that alternate between two such places
are of two aircraft (or one and a forgery) that say the same address: the track is *contested*, and
nothing said of it is certain.

Where the aircraft is between the reports says ``estimate``. Heights above the ellipsoid and
pressure altitudes are never mixed (see ``track``).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tansiq.domain.bearing import azimuth_deg, east_north_m
from tansiq.domain.ellipsoid import is_beyond
from tansiq.domain.track import Address, PositionReport
from tansiq.errors import BadInput

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is taken for possible, and how old a report may be.

    Raises:
        BadInput: not positive numbers, or ages out of order.
    """

    fresh_s: float = 5.0
    ageing_s: float = 15.0
    stale_s: float = 60.0
    """The greatest ages of these classes; older is dropped."""
    coast_s: float = 15.0
    """How long a position runs on along the last velocity; at most ``stale_s``."""
    clock_s: float = 5.0
    """How far the source's clock may be ahead of ours."""
    time_error_s: float = 1.0
    """A report's time is true within this."""
    position_error_m: float = 200.0
    """Taken where the source does not say."""
    height_error_m: float = 50.0
    """At least, whatever the source says."""
    pressure_error_m: float = 40.0
    velocity_error_mps: float = 5.0
    """Of a velocity that the source states; rounding of speed and direction included."""
    climb_error_mps: float = 3.0
    speed_mps_max: float = 350.0
    climb_mps_max: float = 60.0
    acceleration_mps2: float = 10.0
    """Of any aircraft, in any direction over the ground: a turn with 45 degrees of bank."""
    climb_acceleration_mps2: float = 3.0
    difference_s: float = 3.0
    """The least time between two positions that a velocity is taken from."""
    agree_reports: int = 3
    """So many refused reports in a row that agree begin the track anew."""
    trust_reports: int = 10
    """So many kept reports end the doubt about a track that began anew."""
    contested_s: float = 60.0
    """How long a track stays contested after the last sign of two."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 < value < math.inf:
                raise BadInput(f"{value} is not a number above 0", field=field.name)
        if not self.fresh_s <= self.ageing_s <= self.stale_s:
            raise BadInput("give fresh_s, ageing_s and stale_s in ascending order", field="stale_s")
        if self.coast_s > self.stale_s:
            raise BadInput(
                f"{self.coast_s:g} s is longer than stale_s, {self.stale_s:g} s", field="coast_s"
            )


class Quality(StrEnum):
    """How far the reports of one address can be believed to be of one aircraft."""

    GOOD = "good"
    NEW = "new"
    """One report so far."""
    DOUBTFUL = "doubtful"
    """It began anew after a jump, not long ago."""
    CONTESTED = "contested"
    """Two places say the same address."""


class Refusal(StrEnum):
    """Why a report is not part of the track."""

    OLDER = "older"
    """Than the last one kept."""
    DUPLICATE = "duplicate"
    JUMP = "jump"
    """No aircraft can fly so far, or climb so much, since the last report."""
    CLOCK = "clock"
    """Its time is further ahead of ours than clocks may differ."""
    TOO_OLD = "too-old"
    """It would be dropped at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """Over the ground, and upwards where it is known; with what it can be wrong by."""

    east_mps: float
    north_mps: float
    error_mps: float
    """Length of the greatest error over the ground."""
    up_mps: float | None = None
    up_error_mps: float = 0.0
    stated: bool = False
    """By the source; else taken from two positions, or nothing is known and the error says so."""

    @property
    def speed_mps(self) -> float:
        return math.hypot(self.east_mps, self.north_mps)

    @property
    def track_deg(self) -> float:
        """Direction over the ground, from true north, clockwise."""
        return azimuth_deg(self.east_mps, self.north_mps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """An altitude by one reference, and when it was measured."""

    value_m: float
    error_m: float
    made: datetime
    """By our clock, at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The other place that says the same address."""

    last: PositionReport
    run: int
    """Reports from there since the last one that was kept."""
    returned: bool
    """Reports have come from the track's own place since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """The reports of one address that were kept, in short."""

    address: Address
    callsign: str
    """The last one that was stated."""
    last: PositionReport
    """None was made after it came: one from the future has the time at which it was here."""
    began: datetime
    velocity: Velocity
    anchors: tuple[PositionReport, PositionReport]
    """Earlier reports, older first, that a velocity is taken from where the source states none:
    ``Limits.difference_s`` apart, but for the very first."""
    geometric: Measured | None = None
    pressure: Measured | None = None
    kept: int = 1
    """Reports since it began."""
    jumps: int = 0
    """Reports refused as jumps since it began."""
    doubtful: bool = False
    elsewhere: Elsewhere | None = None
    contested_until: datetime | None = None

    @property
    def made(self) -> datetime:
        """When the last report was made, by our clock at the latest."""
        return self.last.time

    def quality(self, now: datetime) -> Quality:
        """Return the worst that is to be said of it."""
        if self.contested_until is not None and now <= self.contested_until:
            return Quality.CONTESTED
        if self.doubtful:
            return Quality.DOUBTFUL
        return Quality.NEW if self.kept == 1 else Quality.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What came of a report."""

    track: Track | None
    """None: there is none, because the first report was refused."""
    refused: Refusal | None = None
    new: bool = False
    """The track begins with this report."""


def follow(
    track: Track | None, report: PositionReport, *, received: datetime, limits: Limits
) -> Followed:
    """Return the track with one more report, or unchanged but for the count, and why.

    ``received`` is when it came, by our own clock; what says that it was made later was made then,
    at the latest. (By its own time it would make all true reports after it count as older.) Two
    reports of one time are one and the same if they agree within their errors, else a jump.

    Raises:
        BadInput: the report is of another address.
    """
    if track is not None and track.address != report.address:
        raise BadInput(f"{report.address} is not {track.address}", field="address")
    ahead_s = (report.time - received).total_seconds()
    if ahead_s > limits.clock_s:
        return Followed(track=track, refused=Refusal.CLOCK)
    if -ahead_s > limits.stale_s:
        return Followed(track=track, refused=Refusal.TOO_OLD)
    if ahead_s > 0.0:
        report = replace(report, time=received)
    if track is None:
        return Followed(track=_begun(report, limits), new=True)
    span_s = (report.time - track.last.time).total_seconds()
    if span_s > limits.stale_s:
        return Followed(track=_begun(report, limits), new=True)
    if span_s < 0.0:
        return Followed(track=track, refused=Refusal.OLDER)
    if not _reachable(track.last, report, track.velocity, limits):
        return _jumped(track, report, limits)
    if span_s == 0.0:
        return Followed(track=track, refused=Refusal.DUPLICATE)
    return Followed(track=_kept(track, report, limits))


def _begun(report: PositionReport, limits: Limits) -> Track:
    return Track(
        address=report.address,
        callsign=report.callsign,
        last=report,
        began=report.time,
        velocity=_first_velocity(report, limits),
        anchors=(report, report),
        geometric=_geometric(report, limits),
        pressure=_pressure(report, limits),
    )


def _kept(track: Track, report: PositionReport, limits: Limits) -> Track:
    older, newer = track.anchors
    if (report.time - newer.time).total_seconds() >= limits.difference_s:
        older, newer = newer, report
    elsewhere = track.elsewhere
    if elsewhere is not None:
        gone = (report.time - elsewhere.last.time).total_seconds() > limits.stale_s
        elsewhere = None if gone else replace(elsewhere, run=0, returned=True)
    # Not by ``replace``, which takes three times as long.
    return Track(
        address=track.address,
        callsign=report.callsign or track.callsign,
        last=report,
        began=track.began,
        velocity=_velocity(track, older, report, limits),
        anchors=(older, newer),
        geometric=_geometric(report, limits) or track.geometric,
        pressure=_pressure(report, limits) or track.pressure,
        kept=track.kept + 1,
        jumps=track.jumps,
        doubtful=track.doubtful and track.kept + 1 < limits.trust_reports,
        elsewhere=elsewhere,
        contested_until=track.contested_until,
    )


def _jumped(track: Track, report: PositionReport, limits: Limits) -> Followed:
    """Refuse a jump, unless enough of them have agreed."""
    place, until = track.elsewhere, track.contested_until
    run, returned = 1, False
    if place is not None and _agree(place.last, report, limits):
        if report.time == place.last.time:
            return Followed(track=track, refused=Refusal.DUPLICATE)
        run, returned = place.run + 1, place.returned
    if returned:
        until = report.time + limits.contested_s * _SECOND
    if run < limits.agree_reports:
        refused = replace(
            track,
            jumps=track.jumps + 1,
            elsewhere=Elsewhere(last=report, run=run, returned=returned),
            contested_until=until,
        )
        return Followed(track=refused, refused=Refusal.JUMP)
    anew = replace(
        _begun(report, limits),
        callsign=report.callsign or track.callsign,
        doubtful=limits.trust_reports > 1,
        # Where it was, so that a report from there shows that there are two.
        elsewhere=Elsewhere(last=track.last, run=0, returned=True),
        contested_until=until,
    )
    return Followed(track=anew, new=True)


# ---- what can be flown


def _agree(a: PositionReport, b: PositionReport, limits: Limits) -> bool:
    if b.time < a.time:
        return False
    return _reachable(a, b, _stated(a, limits) or _nothing_known(limits), limits)


def _reachable(a: PositionReport, b: PositionReport, v: Velocity, limits: Limits) -> bool:
    """Report whether one aircraft can have made both; ``a`` is not the later one."""
    span_s = (b.time - a.time).total_seconds() + limits.time_error_s
    reach_m = min(
        limits.speed_mps_max * span_s,
        (v.speed_mps + v.error_mps) * span_s + limits.acceleration_mps2 / 2 * span_s**2,
    )
    errors_m = error_m(a, limits) + error_m(b, limits)
    if is_beyond(a.position, b.position, reach_m + errors_m):
        return False
    # The most that each altitude can change; as plain numbers, for every report comes by here.
    climb_m = limits.climb_mps_max * span_s
    if a.geometric_m is not None and b.geometric_m is not None:
        least_m = limits.height_error_m
        wide_m = max(a.geometric_error_m, least_m) + max(b.geometric_error_m, least_m)
        if abs(b.geometric_m - a.geometric_m) > climb_m + wide_m:
            return False
    if a.pressure_m is not None and b.pressure_m is not None:
        return abs(b.pressure_m - a.pressure_m) <= climb_m + 2 * limits.pressure_error_m
    return True


# ---- velocities


def _velocity(
    track: Track, anchor: PositionReport, report: PositionReport, limits: Limits
) -> Velocity:
    """Return the velocity at a report: the source's own, else the best there is."""
    found = _stated(report, limits)
    if found is not None and found.up_mps is not None:
        return found
    apart = (report.time - anchor.time).total_seconds() >= limits.difference_s
    if found is None:
        found = (
            _difference(anchor, report, limits)
            if apart
            else _aged(track.velocity, (report.time - track.last.time) / _SECOND, limits)
        )
    if report.climb_mps is not None:
        return _climbing(found, report, limits)
    return _with_climb(found, anchor, report, limits) if apart else found


def _first_velocity(report: PositionReport, limits: Limits) -> Velocity:
    return _climbing(_stated(report, limits) or _nothing_known(limits), report, limits)


def _climbing(v: Velocity, report: PositionReport, limits: Limits) -> Velocity:
    if report.climb_mps is None:
        return v
    return Velocity(
        east_mps=v.east_mps,
        north_mps=v.north_mps,
        error_mps=v.error_mps,
        up_mps=report.climb_mps,
        up_error_mps=limits.climb_error_mps,
        stated=v.stated,
    )


def _aged(v: Velocity, span_s: float, limits: Limits) -> Velocity:
    """Return a velocity as it is known so much later."""
    error_mps = v.error_mps + limits.acceleration_mps2 * span_s
    up_mps, up_error_mps = v.up_mps, v.up_error_mps
    if up_mps is not None:
        up_error_mps += limits.climb_acceleration_mps2 * span_s
        up_error_mps = min(up_error_mps, abs(up_mps) + limits.climb_mps_max)
    return replace(
        v,
        error_mps=min(error_mps, v.speed_mps + limits.speed_mps_max),
        up_error_mps=up_error_mps,
        stated=False,
    )


def _nothing_known(limits: Limits) -> Velocity:
    return Velocity(east_mps=0.0, north_mps=0.0, error_mps=limits.speed_mps_max)


def _stated(report: PositionReport, limits: Limits) -> Velocity | None:
    """Return the velocity that the source states, with the climb if it states one; None: none."""
    if report.speed_mps is None or report.track_deg is None:
        return None
    angle, climb_mps = math.radians(report.track_deg), report.climb_mps
    return Velocity(
        east_mps=report.speed_mps * math.sin(angle),
        north_mps=report.speed_mps * math.cos(angle),
        error_mps=limits.velocity_error_mps,
        up_mps=climb_mps,
        up_error_mps=0.0 if climb_mps is None else limits.climb_error_mps,
        stated=True,
    )


def _difference(a: PositionReport, b: PositionReport, limits: Limits) -> Velocity:
    """Return the mean velocity between two positions, and how far it is from that at the later.

    With a bounded acceleration the last velocity differs from the mean by half of what could be
    gained; the rest is the errors of the positions and of the times.
    """
    span_s = (b.time - a.time) / _SECOND
    east_m, north_m = east_north_m(a.position, b.position)
    speed_mps = math.hypot(east_m, north_m) / span_s
    error_mps = (
        error_m(a, limits) + error_m(b, limits) + speed_mps * limits.time_error_s
    ) / span_s + limits.acceleration_mps2 / 2 * span_s
    return Velocity(
        east_mps=east_m / span_s,
        north_mps=north_m / span_s,
        error_mps=min(error_mps, speed_mps + limits.speed_mps_max),
    )


def _with_climb(v: Velocity, a: PositionReport, b: PositionReport, limits: Limits) -> Velocity:
    """Return the velocity with a climb from two altitudes of one reference, if there are two."""
    span_s = (b.time - a.time) / _SECOND
    for x, y in _altitudes(a, b, limits):
        up_mps = (y.value_m - x.value_m) / span_s
        error_mps = (x.error_m + y.error_m + abs(up_mps) * limits.time_error_s) / span_s
        error_mps += limits.climb_acceleration_mps2 / 2 * span_s
        error_mps = min(error_mps, abs(up_mps) + limits.climb_mps_max)
        return replace(v, up_mps=up_mps, up_error_mps=error_mps)
    return v


def _altitudes(
    a: PositionReport, b: PositionReport, limits: Limits
) -> Iterator[tuple[Measured, Measured]]:
    """Yield what both reports state by one reference, heights first."""
    for measure in (_geometric, _pressure):
        x, y = measure(a, limits), measure(b, limits)
        if x is not None and y is not None:
            yield x, y


def error_m(report: PositionReport, limits: Limits) -> float:
    """Return how far the position can be wrong, by the source's word if it gives one."""
    return report.horizontal_error_m or limits.position_error_m


def _geometric(report: PositionReport, limits: Limits) -> Measured | None:
    if report.geometric_m is None:
        return None
    error_m = max(report.geometric_error_m, limits.height_error_m)
    return Measured(value_m=report.geometric_m, error_m=error_m, made=report.time)


def _pressure(report: PositionReport, limits: Limits) -> Measured | None:
    if report.pressure_m is None:
        return None
    return Measured(value_m=report.pressure_m, error_m=limits.pressure_error_m, made=report.time)
