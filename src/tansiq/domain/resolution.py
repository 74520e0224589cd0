"""Resolution: the smallest change of a plan that clears everything known.

A shift in time or altitude is rigid and leaves the outlines where they are. So each pair of volumes
forbids one closed interval of shifts, or none; the intervals are walked in order, and a pair's
outlines are compared only when its interval is in the way. The answer is the least there is, and
is checked once more as a whole before it is given.
"""

import math
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache

from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import (
    ALTITUDE_RESOLUTION_M,
    conflicts,
    separation_within_m,
    within_altitude,
    within_time,
)
from tansiq.domain.geodesy import ball
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    Volume4D,
    Volumes,
    altitude_bounds,
)

_SECOND = timedelta(seconds=1)
_SLACK_M = 0.001
"""Far above what rounding can do to distances between balls."""


def smallest_delay(
    volumes: Volumes, obstacles: Sequence[Volumes], minima: Minima, *, limit: timedelta
) -> timedelta | None:
    """Return by how many whole seconds (at least one) to delay so that nothing conflicts.

    None if no delay up to ``limit`` does. Levels stay as they are.
    """
    reach = _Reach(volumes, obstacles, minima)
    forbidden = sorted(
        (
            (other.time.start - own.time.end - minima.time, i, j, k)
            for i, own in enumerate(volumes)
            for j, obstacle in enumerate(obstacles)
            for k, other in enumerate(obstacle)
            if reach.holds(i, j, k)
            and other.time.start - own.time.end - minima.time <= limit
            and other.time.end - own.time.start + minima.time >= _SECOND
            and within_altitude(own, other, minima)
        ),
    )
    delay = _SECOND
    for first, i, j, k in forbidden:
        own, other = volumes[i], obstacles[j][k]
        last = other.time.end - own.time.start + minima.time
        if first <= delay <= last and separation_within_m(own, other, minima) is not None:
            delay = last // _SECOND * _SECOND + _SECOND
    if delay > limit:
        return None
    _check(tuple(volume.shifted(by=delay) for volume in volumes), obstacles, minima)
    return delay


def smallest_level_change(
    volumes: Volumes,
    obstacles: Sequence[Volumes],
    minima: Minima,
    *,
    step_m: float,
    lowest_m: float,
    highest_m: float,
) -> float | None:
    """Return by how many metres to climb (or, negative, descend) so that nothing conflicts.

    A whole number of steps, at least one, the fewest; upwards if both ways are equal. None if none
    keeps all volumes between the lowest and the highest level. Times stay as they are.
    """
    if not volumes:
        return None
    reach = _Reach(volumes, obstacles, minima)
    pairs = [
        (own, other)
        for i, own in enumerate(volumes)
        for j, obstacle in enumerate(obstacles)
        for k, other in enumerate(obstacle)
        if reach.holds(i, j, k) and within_time(own, other, minima)
    ]

    @cache
    def met(pair: int) -> bool:
        return separation_within_m(*pairs[pair], minima) is not None

    rises = [_forbidden_rise(own, other, minima) for own, other in pairs]
    sinks = [(-last_m, -first_m) for first_m, last_m in rises]
    band = altitude_bounds(volumes)
    room_up_m = min(highest_m, ALTITUDE_M_MAX) - band.upper_m
    room_down_m = band.lower_m - max(lowest_m, ALTITUDE_M_MIN)
    up = _fewest_steps(rises, met, step_m=step_m, room_m=room_up_m)
    down = _fewest_steps(sinks, met, step_m=step_m, room_m=room_down_m)
    if up is None and down is None:
        return None
    change_m = -down * step_m if down and (up is None or down < up) else (up or 0) * step_m
    _check(tuple(volume.shifted(up_m=change_m) for volume in volumes), obstacles, minima)
    return change_m


class _Reach:
    """Which outlines may be within the minimum of each other: most pairs of many volumes are not,
    and lists of them all are long in the making.
    """

    def __init__(self, volumes: Volumes, obstacles: Sequence[Volumes], minima: Minima) -> None:
        self._own = [ball(volume.outline) for volume in volumes]
        self._others = [[ball(other.outline) for other in obstacle] for obstacle in obstacles]
        self._reach_m = minima.horizontal_m + _SLACK_M

    def holds(self, i: int, j: int, k: int) -> bool:
        """Report whether volume ``i`` may come near volume ``k`` of obstacle ``j``."""
        center, radius_m = self._own[i]
        other, other_radius_m = self._others[j][k]
        # A straight line is never longer than the geodesic.
        return math.dist(center, other) <= radius_m + other_radius_m + self._reach_m


def _forbidden_rise(own: Volume4D, other: Volume4D, minima: Minima) -> tuple[float, float]:
    """Return the closed interval of rises after which two volumes are too close in altitude."""
    x, y = own.altitude, other.altitude
    reach_m = minima.vertical_m + 2 * ALTITUDE_RESOLUTION_M  # More than moving a band rounds.
    return y.lower_m - x.upper_m - reach_m, y.upper_m - x.lower_m + reach_m


def _fewest_steps(
    forbidden: Sequence[tuple[float, float]],
    met: Callable[[int], bool],
    *,
    step_m: float,
    room_m: float,
) -> int | None:
    """Return the fewest steps, at least one, that leave every interval whose pair has met."""
    steps = 1
    for (first_m, last_m), pair in sorted((span, pair) for pair, span in enumerate(forbidden)):
        if first_m <= steps * step_m <= last_m and met(pair):
            steps = math.floor(last_m / step_m) + 1
    return steps if steps * step_m <= room_m else None


def _check(moved: Volumes, obstacles: Sequence[Volumes], minima: Minima) -> None:
    if any(conflicts(moved, obstacle, minima) for obstacle in obstacles):
        raise AssertionError("the change proposed does not clear the plan")  # pragma: no cover
