"""Recorded tracks as arrays: cut at gaps and on the ground, and fine enough to be straight.

A *stretch* is flown air without a gap. Between reports the aircraft keeps to the geodesic at
constant speed and climb; where it was in a gap is not guessed. Nodes are the reports, the ends of
pieces of at most ``PIECE_M`` and each whole ``SLOT_S``, so that every leg between two nodes is
straight for what is asked of it and lies in one slot.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.draft import Datum, Units
from tansiq.domain.ellipsoid import (
    CURVATURE_MAX,
    ECCENTRICITY_SQUARED,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
    Edge,
)
from tansiq.domain.track import PositionReport
from tansiq.errors import InvalidVolume
from tansiq.formats.altitude import w84_range_m

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PIECE_M: Final = 10_000.0
"""A longer leg is cut along its geodesic."""
SLOT_S: Final = 60.0
EARTH_M: Final = 6_371_008.8
PER_AXIS: Final = np.array([SEMI_MAJOR_M**-2, SEMI_MAJOR_M**-2, SEMI_MINOR_M**-2])
"""What turns a place on the ellipsoid into the direction of its normal."""
_LEVEL_M: Final = 30.48


@dataclass(frozen=True, slots=True)
class Stretch:
    """Flown air of one aircraft without a gap: nodes in order of time."""

    aircraft: int
    reports: tuple[PositionReport, ...]
    time_s: Floats
    """Of each node, since the moment that all stretches share."""
    place: Floats
    """``(n, 3)``, on the ellipsoid (ECEF), metres."""
    pressure_m: Floats
    """NaN where it is not known."""
    _at: Floats
    """Of each node, which report it is: whole, or between two."""
    _heights: list[Floats] = field(default_factory=list)

    def measured_m(self) -> Floats:
        """Return the height above the ellipsoid of each node where it was measured, else NaN."""
        known = [math.nan if r.geometric_m is None else r.geometric_m for r in self.reports]
        return np.interp(self._at, np.arange(len(known)), np.array(known, dtype=np.float64))

    def heights(self) -> tuple[Floats, Floats]:
        """Return height above the ellipsoid and its error of each node, metres; NaN: not known.

        Worked out when it is first asked for: where all have pressure altitudes nobody asks.
        """
        if not self._heights:
            middle, error = zip(*map(_height, self.reports), strict=True)
            index = np.arange(len(self.reports), dtype=np.float64)
            self._heights.extend(
                np.interp(self._at, index, np.array(known)) for known in (middle, error)
            )
        return self._heights[0], self._heights[1]


def _height(report: PositionReport) -> tuple[float, float]:
    """Return a height and its error; from a pressure altitude what it can mean in any weather."""
    if report.geometric_m is not None:
        return report.geometric_m, report.geometric_error_m
    if report.pressure_m is None:
        return math.nan, 0.0
    try:
        low_m, high_m = w84_range_m(
            report.pressure_m / _LEVEL_M, Units.FL, Datum.FL, report.position
        )
    except InvalidVolume:  # Above FL650 there is no weather to bound.
        return math.nan, 0.0
    return (low_m + high_m) / 2, (high_m - low_m) / 2


def stretches(
    aircraft: int, reports: Sequence[PositionReport], *, since: datetime, gap_s: float
) -> Iterator[Stretch]:
    """Yield what one aircraft flew, in order of time; a single report is a stretch of a moment.

    ``reports`` are in ascending order of time, no two of the same moment.
    """
    for piece in _pieces(reports, gap_s):
        yield _stretch(aircraft, piece, since)


def _pieces(reports: Sequence[PositionReport], gap_s: float) -> Iterator[list[PositionReport]]:
    piece: list[PositionReport] = []
    for report in reports:
        if piece and (report.time - piece[-1].time).total_seconds() > gap_s:
            yield piece
            piece = []
        if report.on_ground:
            if piece:
                yield piece
            piece = []
        else:
            piece.append(report)
    if piece:
        yield piece


def _stretch(aircraft: int, reports: Sequence[PositionReport], since: datetime) -> Stretch:
    time_s = np.array([(r.time - since).total_seconds() for r in reports])
    place = _ecef(np.array([(r.position.lat_deg, r.position.lng_deg) for r in reports]))
    at = np.arange(len(reports), dtype=np.float64)
    time_s, place, at = _cut_long(reports, time_s, place, at)
    time_s, place, at = _cut_slots(time_s, place, at)
    pressure_m = np.array(
        [math.nan if r.pressure_m is None else r.pressure_m for r in reports], dtype=np.float64
    )
    return Stretch(
        aircraft=aircraft,
        reports=tuple(reports),
        time_s=time_s,
        place=place,
        pressure_m=np.interp(at, np.arange(len(reports)), pressure_m),
        _at=at,
    )


def _ecef(degrees: Floats) -> Floats:
    """Return points of the ellipsoid as places in space, as ``domain.ellipsoid.ecef`` does."""
    lat, lng = np.radians(degrees).T
    sin_lat = np.sin(lat)
    normal_m = SEMI_MAJOR_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * sin_lat * sin_lat)
    across_m = normal_m * np.cos(lat)
    up_m = normal_m * (1.0 - ECCENTRICITY_SQUARED) * sin_lat
    return np.stack([across_m * np.cos(lng), across_m * np.sin(lng), up_m], axis=1)


_Nodes = tuple[Floats, Floats, Floats]


def _cut_long(
    reports: Sequence[PositionReport], time_s: Floats, place: Floats, at: Floats
) -> _Nodes:
    """Add nodes along the geodesics of long legs."""
    chord_m = np.sqrt(np.sum(np.diff(place, axis=0) ** 2, axis=1))
    long = np.flatnonzero(chord_m > PIECE_M)
    if not long.size:
        return time_s, place, at
    times, places, ats, where = [], [], [], []
    for k in long.tolist():
        edge = Edge(k, reports[k].position, reports[k + 1].position)
        count = math.ceil(edge.length_m / PIECE_M)
        for part in range(1, count):
            share = part / count
            where.append(k + 1)
            times.append(time_s[k] + share * (time_s[k + 1] - time_s[k]))
            places.append(edge.at(share))
            ats.append(k + share)
    return (
        np.insert(time_s, where, times),
        np.insert(place, where, np.array(places), axis=0),
        np.insert(at, where, ats),
    )


def _cut_slots(time_s: Floats, place: Floats, at: Floats) -> _Nodes:
    """Add a node at each border of slots."""
    first, last = math.floor(time_s[0] / SLOT_S) + 1, math.ceil(time_s[-1] / SLOT_S)
    borders = np.arange(first, last) * SLOT_S
    borders = borders[~np.isin(borders, time_s)]
    if not borders.size:
        return time_s, place, at
    where = np.searchsorted(time_s, borders)
    share = (borders - time_s[where - 1]) / (time_s[where] - time_s[where - 1])
    between = along(place[where - 1], place[where], share)
    added = at[where - 1] + share * (at[where] - at[where - 1])
    return (
        np.insert(time_s, where, borders),
        np.insert(place, where, between, axis=0),
        np.insert(at, where, added),
    )


def along(start: Floats, end: Floats, share: Floats) -> Floats:
    """Return places on the ellipsoid so far along legs of at most ``PIECE_M``: ``(n, 3)`` metres.

    The chord, raised by its sagitta. Within 1 mm across and along, and within 20 mm up and down,
    which counts for nothing where what is level is asked (``tests/engine/test_flown_together.py``).
    """
    step = end - start
    squared = np.sum(step * step, axis=1)
    middle = (start + end) * PER_AXIS
    normal = middle / np.sqrt(np.sum(middle * middle, axis=1))[:, None]
    rise = share * (1.0 - share) * squared / (2.0 * EARTH_M)
    found: Floats = start + share[:, None] * step + rise[:, None] * normal
    return found


SAG_M: Final = CURVATURE_MAX * PIECE_M**2 / 8.0
"""No leg is further from its chord."""


def node_slots(stretch: Stretch) -> tuple[int, Ints]:
    """Return the number of the first slot, and the first node of each and of the end.

    The nodes of slot k are those from ``starts[k]`` to ``starts[k + 1]``, both included.
    """
    first = math.floor(stretch.time_s[0] / SLOT_S)
    # One that ends on a border reaches into the slot after it: another may begin there.
    last = math.floor(stretch.time_s[-1] / SLOT_S) + 1
    starts = np.searchsorted(stretch.time_s, np.arange(first, last + 1) * SLOT_S)
    return first, np.minimum(starts, len(stretch.time_s) - 1)
