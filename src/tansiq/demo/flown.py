"""Recorded tracks flown all at once, in small steps of time: who comes how close to whom.

Knows nothing of volumes, plans or the ellipsoid: that is its worth as a second judge. Between
points an aircraft keeps to the great circle at constant speed and climb. Distances are those of a
sphere, within 0.6 % of the ellipsoid's.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import TypeAlias

from tansiq.domain.volume import LatLng
from tansiq.formats.track_file import TrackPoint

STEP_S = 10
EARTH_RADIUS_M = 6_371_008.8
Vector: TypeAlias = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flown:
    """One track: as it was recorded, or moved as its plan was."""

    id: str
    points: tuple[TrackPoint, ...]

    def moved(self, *, by: timedelta, up_m: float) -> "Flown":
        """Return the track later and higher."""
        points = tuple(
            replace(point, time=point.time + by, altitude_m=point.altitude_m + up_m)
            for point in self.points
        )
        return replace(self, points=points)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Two tracks within given distances of one another."""

    ids: tuple[str, str]
    """In ascending order."""
    first: datetime
    seconds: int
    """How long in all."""
    horizontal_m: float
    """The smallest found."""


def meetings(
    tracks: Iterable[Flown],
    *,
    horizontal_m: float,
    vertical_m: float,
    gap_s_max: float = math.inf,
) -> list[Meeting]:
    """Return each pair that comes within both distances at the same time, longest first.

    A leg that took longer than ``gap_s_max`` is left out: where the aircraft was is a guess.
    """
    first: dict[tuple[str, str], datetime] = {}
    nearest: dict[tuple[str, str], float] = {}
    steps: Counter[tuple[str, str]] = Counter()
    for time, ids, apart_m in _close(tracks, horizontal_m, vertical_m, gap_s_max):
        first.setdefault(ids, time)
        nearest[ids] = min(apart_m, nearest.get(ids, math.inf))
        steps[ids] += 1
    return [
        Meeting(ids=ids, first=first[ids], seconds=count * STEP_S, horizontal_m=nearest[ids])
        for ids, count in sorted(steps.items(), key=lambda entry: (-entry[1], entry[0]))
    ]


def _close(
    tracks: Iterable[Flown], horizontal_m: float, vertical_m: float, gap_s_max: float
) -> Iterator[tuple[datetime, tuple[str, str], float]]:
    at: dict[int, list[tuple[str, Vector, float]]] = {}
    for track in tracks:
        for step, position, altitude_m in _steps(track.points, gap_s_max):
            at.setdefault(step, []).append((track.id, position, altitude_m))
    for step in sorted(at):
        time = datetime.fromtimestamp(step * STEP_S, UTC)
        for (a, p, low), (b, q, high) in combinations(sorted(at[step]), 2):
            if abs(low - high) > vertical_m:
                continue
            apart_m = 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.dist(p, q) / 2))
            if apart_m <= horizontal_m:
                yield time, (a, b), apart_m


def _steps(points: Sequence[TrackPoint], gap_s_max: float) -> Iterator[tuple[int, Vector, float]]:
    for a, b in pairwise(points):
        start_s, end_s = a.time.timestamp(), b.time.timestamp()
        if end_s - start_s > gap_s_max:
            continue
        p, q = _vector(a.position), _vector(b.position)
        for step in range(math.ceil(start_s / STEP_S), math.ceil(end_s / STEP_S)):
            share = (step * STEP_S - start_s) / (end_s - start_s)
            yield step, _between(p, q, share), a.altitude_m + share * (b.altitude_m - a.altitude_m)


def _vector(point: LatLng) -> Vector:
    lat, lng = math.radians(point.lat_deg), math.radians(point.lng_deg)
    return math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat)


def _between(p: Vector, q: Vector, share: float) -> Vector:
    """Return the point at ``share`` of the way from p to q on the sphere."""
    angle = 2 * math.asin(min(1.0, math.dist(p, q) / 2))
    if angle < 1e-9:  # Millimetres: no direction to speak of.
        return p
    of_p, of_q = math.sin((1 - share) * angle), math.sin(share * angle)
    x, y, z = ((of_p * a + of_q * b) / math.sin(angle) for a, b in zip(p, q, strict=True))
    return x, y, z
