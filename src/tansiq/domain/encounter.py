"""Encounters: two tracks examined together, and how near each other they came.

Decides what counts as near (two closed thresholds, both at once), which moment is the closest, and
what is one encounter. Here two aircraft move straight and at constant speed for a while
(``Drift``); ``engine/flown_together.py`` cuts tracks into such pieces. That two came near says
nothing of who was right to be there, nor that it was not meant so.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tansiq.domain.track import Address
from tansiq.domain.volume import LatLng
from tansiq.domain.well_clear import Relative, Thresholds, violation
from tansiq.errors import BadInput

HORIZONTAL_ERROR_M: Final = 0.05
"""Two tracks are at most so much nearer or farther than said, by how it is worked out: within it
counts as within. How true the positions are is another matter."""
VERTICAL_ERROR_M: Final = 1 / 1024
"""A millimetre, as a double has it exactly."""
HORIZONTAL_M: Final = (1.0, 100_000.0)
VERTICAL_M: Final = (1.0, 20_000.0)


class Vertical(StrEnum):
    """What a vertical separation was taken from."""

    PRESSURE = "pressure"
    """The pressure altitudes of both."""
    HEIGHT = "height"
    """The heights of both above the ellipsoid."""
    MIXED = "mixed"
    """The height of one and what the other's pressure altitude can mean in height, any weather."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """What counts as near: within both, exactly at them too.

    Raises:
        BadInput: a threshold that is no distance, or beyond what can be searched.
    """

    horizontal_m: float
    vertical_m: float

    def __post_init__(self) -> None:
        for name, value, (least, most) in (
            ("within", self.horizontal_m, HORIZONTAL_M),
            ("vertical", self.vertical_m, VERTICAL_M),
        ):
            if not least <= value <= most:
                raise BadInput(f"{value:g} m is not {least:g} to {most:g} m", field=name)


@dataclass(frozen=True, slots=True)
class Drift:
    """Where one aircraft is as seen from another, from one moment to another: a straight line.

    ``east_m`` and ``north_m`` stand for any two level axes. ``unsure_m`` is how much smaller or
    greater the vertical separation may be.
    """

    seconds: float
    east_m: tuple[float, float]
    north_m: tuple[float, float]
    up_m: tuple[float, float]
    unsure_m: tuple[float, float] = (0.0, 0.0)

    def at(self, share: float) -> "Apart":
        """Return how far apart they are at a share of the time."""
        return Apart(
            horizontal_m=math.hypot(_mid(self.east_m, share), _mid(self.north_m, share)),
            vertical_m=abs(_mid(self.up_m, share)),
            unsure_m=_mid(self.unsure_m, share),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """Two separations at one moment; the vertical one is true within ``unsure_m``."""

    horizontal_m: float
    vertical_m: float
    unsure_m: float

    @property
    def slant_m(self) -> float:
        """The distance in space."""
        return math.hypot(self.horizontal_m, self.vertical_m)

    def share(self, within: Within) -> float:
        """Return the greater share of a threshold that this is; 1 or less is within both."""
        vertical_m = max(0.0, self.vertical_m - self.unsure_m)
        return max(self.horizontal_m / within.horizontal_m, vertical_m / within.vertical_m)


def _mid(ends: tuple[float, float], share: float) -> float:
    return ends[0] + share * (ends[1] - ends[0])


def inside(drift: Drift, within: Within) -> tuple[float, float] | None:
    """Return from which share of the time to which both thresholds hold, None if never.

    Both are convex in time, so that there is one such span at most; it may be one moment.
    """
    level = _level(drift, within.horizontal_m + HORIZONTAL_ERROR_M)
    if level is None:
        return None
    low, high = level
    # Above by at most the threshold, and below by at most the threshold.
    for sign in (1.0, -1.0):
        span = _below(
            tuple(
                sign * up - unsure - within.vertical_m - VERTICAL_ERROR_M
                for up, unsure in zip(drift.up_m, drift.unsure_m, strict=True)
            )
        )
        if span is None:
            return None
        low, high = max(low, span[0]), min(high, span[1])
    return (low, high) if low <= high else None


def lost(drift: Drift, rule: Thresholds) -> tuple[float, float] | None:
    """Return from which share of the time to which the two are not well clear, None if never.

    The velocities are those of the drift; in one of no time there are none, and distances decide.
    """
    seconds = drift.seconds
    rates = [
        (ends[1] - ends[0]) / seconds if seconds > 0.0 else 0.0
        for ends in (drift.east_m, drift.north_m, drift.up_m)
    ]
    relative = Relative(
        east_m=drift.east_m[0],
        north_m=drift.north_m[0],
        up_m=drift.up_m[0],
        east_mps=rates[0],
        north_mps=rates[1],
        up_mps=rates[2],
    )
    found = violation(
        relative,
        rule.within(seconds),
        horizontal_error_m=HORIZONTAL_ERROR_M,
        vertical_error_m=VERTICAL_ERROR_M + max(drift.unsure_m),
    )
    if found is None:
        return None
    return (found.start_s / seconds, found.end_s / seconds) if seconds > 0.0 else (0.0, 1.0)


def _level(drift: Drift, radius_m: float) -> tuple[float, float] | None:
    """Return when a straight line is within a circle round 0."""
    x, y = drift.east_m[0], drift.north_m[0]
    dx, dy = drift.east_m[1] - x, drift.north_m[1] - y
    squared = dx * dx + dy * dy
    # Asked of the nearest point, not of the sign of a discriminant: touching is not lost in it.
    nearest = _nearest_level(drift)
    if math.hypot(x + nearest * dx, y + nearest * dy) > radius_m:
        return None
    if squared == 0.0:
        return 0.0, 1.0
    middle = -(x * dx + y * dy) / squared
    off = x * dy - y * dx
    half = math.sqrt(max(0.0, radius_m * radius_m - off * off / squared) / squared)
    return max(0.0, min(middle - half, nearest)), min(1.0, max(middle + half, nearest))


def _nearest_level(drift: Drift) -> float:
    """Return the share of the time at which they are closest on the map."""
    x, y = drift.east_m[0], drift.north_m[0]
    dx, dy = drift.east_m[1] - x, drift.north_m[1] - y
    squared = dx * dx + dy * dy
    return min(1.0, max(0.0, -(x * dx + y * dy) / squared)) if squared > 0.0 else 0.0


def _below(ends: Sequence[float]) -> tuple[float, float] | None:
    """Return when a straight line is at most 0."""
    start, end = ends
    if start <= 0.0 and end <= 0.0:
        return 0.0, 1.0
    if start > 0.0 and end > 0.0:
        return None
    crossed = start / (start - end)
    return (0.0, crossed) if start <= 0.0 else (crossed, 1.0)


def closest(drift: Drift) -> float:
    """Return the share of the time at which they are closest in space: least slant distance."""
    start = (drift.east_m[0], drift.north_m[0], drift.up_m[0])
    step = [ends[1] - ends[0] for ends in (drift.east_m, drift.north_m, drift.up_m)]
    squared = sum(d * d for d in step)
    if squared == 0.0:
        return 0.0
    along = -sum(a * d for a, d in zip(start, step, strict=True)) / squared
    return min(1.0, max(0.0, along))


def deepest(drift: Drift, within: Within) -> float:
    """Return the share of the time at which least is left of both thresholds, the first such.

    Exact: the greater of two convex functions is least where one of them is, where they cross, or
    at an end.
    """
    moments = [0.0, 1.0, _nearest_level(drift)]
    for sign in (1.0, -1.0):
        ends = [sign * up - unsure for up, unsure in zip(drift.up_m, drift.unsure_m, strict=True)]
        if (ends[0] > 0.0) != (ends[1] > 0.0):
            moments.append(ends[0] / (ends[0] - ends[1]))
        moments += _crossings(drift, ends, within)
    up = drift.up_m
    if (up[0] > 0.0) != (up[1] > 0.0):
        moments.append(up[0] / (up[0] - up[1]))
    known = sorted({m for m in moments if 0.0 <= m <= 1.0})
    return min(known, key=lambda m: drift.at(m).share(within))


def _crossings(drift: Drift, ends: Sequence[float], within: Within) -> list[float]:
    """Return where the shares of both thresholds are the same."""
    r, h = within.horizontal_m, within.vertical_m
    x, y, z = drift.east_m[0] / r, drift.north_m[0] / r, ends[0] / h
    dx = drift.east_m[1] / r - x
    dy = drift.north_m[1] / r - y
    dz = ends[1] / h - z
    a = dx * dx + dy * dy - dz * dz
    b = x * dx + y * dy - z * dz
    c = x * x + y * y - z * z
    if abs(a) < 1e-15:
        return [-c / (2 * b)] if b != 0.0 else []
    root = b * b - a * c
    if root < 0.0:
        return []
    # Of the two ways to write each root the one that does not cancel.
    q = -(b + math.copysign(math.sqrt(root), b))
    return [q / a, *([c / q] if q != 0.0 else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """One of the two aircraft of an encounter, at the closest moment."""

    address: Address
    callsign: str
    position: LatLng
    pressure_m: float | None
    height_m: float | None
    """Above the ellipsoid."""
    leg_s: float
    """How long after the report before the moment the one after it came; 0 exactly at one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """Two aircraft that came within both thresholds, once or with short pauses between."""

    first: Participant
    """The one whose address sorts first."""
    second: Participant
    entered: datetime
    """When both thresholds held for the first time."""
    left: datetime
    """The last moment at which they held."""
    inside_s: float
    """How long they held, pauses left out."""
    passages: int
    """How often they came within: one more than there are pauses."""
    closest: datetime
    """When they were closest in space, while within both thresholds."""
    apart: Apart
    """At that moment."""
    vertical: Vertical
    """What the vertical separation at the closest moment was taken from."""
    least_horizontal_m: float
    """The least while within both thresholds; not at the same moment as the next."""
    least_vertical_m: float
    least_share: float
    """How deep it was: the least of the greater share of both thresholds at any one moment. 0 is
    the same place and level, 1 exactly at a threshold."""
    formation: str = ""
    """The agreed formation that both belong to; empty if none: then it counts."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of time, seconds since some moment, within both thresholds."""

    start_s: float
    end_s: float


def joined(spans: Iterable[Passage], *, pause_s: float) -> list[list[Passage]]:
    """Return spans as encounters: those with pauses of at most ``pause_s`` belong together.

    Spans that touch become one.
    """
    found: list[list[Passage]] = []
    for span in sorted(spans, key=lambda each: (each.start_s, each.end_s)):
        last = found[-1][-1] if found else None
        if last is None or span.start_s - last.end_s > pause_s:
            found.append([span])
        elif span.start_s - last.end_s <= _TOUCHING_S:
            found[-1][-1] = Passage(last.start_s, max(last.end_s, span.end_s))
        else:
            found[-1].append(span)
    return found


_TOUCHING_S: Final = 1e-5
"""Times are kept in microseconds, and seconds of a year as doubles hold a tenth of one."""
