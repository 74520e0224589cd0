"""Where a set of volumes is as a whole: a quick way to be certain that two keep the minima.

Only ever says *certainly apart*; everything else is for ``conflict`` to judge.
"""

import math
from dataclasses import dataclass
from datetime import datetime

from tansiq.domain.agreement import Minima
from tansiq.domain.boundary import around
from tansiq.domain.ellipsoid import Vector
from tansiq.domain.geodesy import ball
from tansiq.domain.volume import Volumes, altitude_bounds, time_bounds

_SLACK_M = 0.001
"""Far above what rounding can do to these sums, and never missed."""


@dataclass(frozen=True, slots=True)
class Extent:
    """The span of time, the band of altitude and a ball around all outlines of some volumes."""

    start: datetime
    end: datetime
    lower_m: float
    upper_m: float
    center: Vector
    radius_m: float

    @classmethod
    def of(cls, volumes: Volumes) -> "Extent":
        """Return the extent of one or more volumes."""
        span, band = time_bounds(volumes), altitude_bounds(volumes)
        whole = ball(volumes[0].outline)
        for volume in volumes[1:]:
            whole = around(whole, ball(volume.outline))
        return cls(span.start, span.end, band.lower_m, band.upper_m, *whole)

    def apart(self, other: "Extent", minima: Minima) -> bool:
        """Report whether the two certainly keep one of the minima.

        A straight line is never longer than the geodesic, so balls that are apart by more than the
        horizontal minimum hold outlines that are.
        """
        if other.start - self.end > minima.time or self.start - other.end > minima.time:
            return True
        limit_m = minima.vertical_m + _SLACK_M
        if other.lower_m - self.upper_m > limit_m or self.lower_m - other.upper_m > limit_m:
            return True
        reach_m = self.radius_m + other.radius_m + minima.horizontal_m + _SLACK_M
        return math.dist(self.center, other.center) > reach_m
