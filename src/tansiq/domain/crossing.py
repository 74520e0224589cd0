"""What lies ahead on the present velocity: when an aircraft enters a volume, or leaves its own.

The path is straight on, at the present climb; turns are not foreseen. Two times are given: when by
the middle of where it can be, and when at the earliest that its errors allow, with the error of the
position growing by that of the velocity. Times are early by up to ``ENTRY_STEP_S`` or
``EXIT_STEP_S``, never late; what passes by within that time's flight counts as entering.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tansiq.domain.bearing import ahead
from tansiq.domain.estimate import Estimate, Levels
from tansiq.domain.following import Limits
from tansiq.domain.nearness import nearness
from tansiq.domain.volume import AltitudeBand, LatLng, Outline, Volume4D, Volumes, time_bounds
from tansiq.domain.whereabouts import Within, within

ENTRY_STEP_S: Final = 0.25
EXIT_STEP_S: Final = 1.0
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Seconds from the time of the estimate; 0: it is so already."""

    possible_s: float
    """The earliest that the errors allow."""
    likely_s: float | None
    """By the middle of where it can be; None: not within the time looked ahead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Path:
    """Where the aircraft will be, and how fast it can come closer to anything."""

    estimate: Estimate
    error_m: float
    error_mps: float
    half_m: float
    """Half of what the height can be."""
    up_mps: float
    up_error_mps: float

    def place(self, t_s: float) -> LatLng:
        v = self.estimate.velocity
        return ahead(self.estimate.position, v.east_mps * t_s, v.north_mps * t_s)

    def wide_m(self, t_s: float) -> float:
        return self.error_m + self.error_mps * t_s

    def levels(self, t_s: float) -> Levels | None:
        height = self.estimate.height
        if height is None:
            return None
        middle_m = height.middle_m + self.up_mps * t_s
        half_m = self.half_m + self.up_error_mps * t_s
        return Levels(lower_m=middle_m - half_m, upper_m=middle_m + half_m)

    def horizontal_wait_s(self, outline: Outline, t_s: float, left_s: float) -> float:
        """Return the least time until the path can reach an outline; infinity if not in time."""
        closing_mps = self.estimate.velocity.speed_mps + self.error_mps
        reach_m = self.wide_m(t_s) + closing_mps * (left_s + ENTRY_STEP_S)
        near = nearness(self.place(t_s), outline, beyond_m=reach_m)
        if near.inside or near.least_m > reach_m:
            return 0.0 if near.inside else math.inf
        return _wait_s(near.least_m - self.wide_m(t_s), closing_mps)

    def vertical_wait_s(self, band: AltitudeBand | None, t_s: float) -> float:
        levels = self.levels(t_s)
        if levels is None or band is None:
            return 0.0
        gap_m = max(band.lower_m - levels.upper_m, levels.lower_m - band.upper_m)
        return _wait_s(gap_m, abs(self.up_mps) + self.up_error_mps)


def _wait_s(gap_m: float, closing_mps: float) -> float:
    if gap_m <= 0.0:
        return 0.0
    return gap_m / closing_mps if closing_mps > 0.0 else math.inf


def _exact(estimate: Estimate) -> _Path:
    return _Path(
        estimate=estimate,
        error_m=0.0,
        error_mps=0.0,
        half_m=0.0,
        up_mps=estimate.velocity.up_mps or 0.0,
        up_error_mps=0.0,
    )


def _widest(estimate: Estimate, limits: Limits) -> _Path:
    v, height = estimate.velocity, estimate.height
    known = v.up_mps is not None
    return _Path(
        estimate=estimate,
        error_m=estimate.horizontal_error_m,
        error_mps=v.error_mps,
        half_m=0.0 if height is None else (height.upper_m - height.lower_m) / 2,
        up_mps=v.up_mps or 0.0,
        up_error_mps=v.up_error_mps if known else limits.climb_mps_max,
    )


def entry(
    estimate: Estimate, volume: Volume4D, *, look_ahead_s: float, limits: Limits
) -> Crossing | None:
    """Return when an aircraft enters a volume while that is in force; None: not in that time.

    Without a height it is taken to be at the volume's.
    """
    start_s = (volume.time.start - estimate.time) / _SECOND
    end_s = min(look_ahead_s, (volume.time.end - estimate.time) / _SECOND)
    what = (volume.outline, volume.altitude, start_s, end_s)
    possible_s = _entry_s(_widest(estimate, limits), *what)
    if possible_s is None:
        return None
    return Crossing(possible_s=possible_s, likely_s=_entry_s(_exact(estimate), *what))


def reach(
    estimate: Estimate, outline: Outline, *, look_ahead_s: float, limits: Limits
) -> Crossing | None:
    """Return when an aircraft enters an outline, at whatever level; None: not in that time."""
    what = (outline, None, 0.0, look_ahead_s)
    possible_s = _entry_s(_widest(estimate, limits), *what)
    if possible_s is None:
        return None
    return Crossing(possible_s=possible_s, likely_s=_entry_s(_exact(estimate), *what))


def _entry_s(
    path: _Path, outline: Outline, band: AltitudeBand | None, start_s: float, end_s: float
) -> float | None:
    """Walk along the path, each step as long as it certainly enters nothing."""
    t_s = 0.0
    while t_s <= end_s:
        # The cheap ones first: an outline is asked only where time and level allow.
        wait_s = max(start_s - t_s, path.vertical_wait_s(band, t_s))
        if wait_s <= ENTRY_STEP_S:
            wait_s = path.horizontal_wait_s(outline, t_s, end_s - t_s)
        if wait_s <= ENTRY_STEP_S:
            return t_s
        t_s += wait_s
    return None


def leaving(
    estimate: Estimate, volumes: Volumes, *, look_ahead_s: float, limits: Limits
) -> Crossing | None:
    """Return when an aircraft is within no volume in force any more; None: not in that time.

    Without a height only the outlines count. Where the end of the last volume comes first, it
    leaves in time. Out and in again within ``EXIT_STEP_S`` may be missed.
    """
    possible_s = _leaving_s(_widest(estimate, limits), volumes, look_ahead_s, Within.IN)
    if possible_s is None:
        return None
    likely_s = _leaving_s(_exact(estimate), volumes, look_ahead_s, Within.LIKELY_IN)
    return Crossing(possible_s=possible_s, likely_s=likely_s)


def _leaving_s(path: _Path, volumes: Volumes, look_ahead_s: float, least: Within) -> float | None:
    end_s = (time_bounds(volumes).end - path.estimate.time) / _SECOND
    for tick in range(math.floor(look_ahead_s / EXIT_STEP_S) + 1):
        t_s = tick * EXIT_STEP_S
        if t_s >= end_s or not any(_within(path, volume, t_s, least) for volume in volumes):
            # It may have been so since just after the last look.
            return max(0.0, t_s - EXIT_STEP_S)
    return None


def _within(path: _Path, volume: Volume4D, t_s: float, least: Within) -> bool:
    when = path.estimate.time + t_s * _SECOND
    if not volume.time.start <= when <= volume.time.end:
        return False
    levels = path.levels(t_s)
    if levels is None:
        # As if at its level.
        levels = Levels(lower_m=volume.altitude.lower_m, upper_m=volume.altitude.upper_m)
    return within(volume, path.place(t_s), path.wide_m(t_s), levels) >= least
