"""Volumes as columns of numbers: how they enter the engine, one or a million at a time."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tansiq.domain.ellipsoid import Edge, Vector, ecef, point_at
from tansiq.domain.time import micros
from tansiq.domain.volume import Circle, LatLng, Outline, Volume4D
from tansiq.engine.compiled import Floats, Ints
from tansiq.engine.earth import PIECE_M


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Volumes, column by column. No edge may be longer than ``PIECE_M``: see ``pieces``."""

    points: Floats
    """(m, 2) degrees: latitude and longitude of all vertices in turn; a circle has its centre."""
    counts: Ints
    """(n) points of each volume."""
    radii: Floats
    """(n) metres, 0 of a polygon."""
    levels: Floats
    """(n, 2) metres above the ellipsoid: lower, upper."""
    spans: Ints
    """(n, 2) microseconds since 1970 UTC: start, end."""

    def __len__(self) -> int:
        return len(self.counts)

    @classmethod
    def of(cls, volumes: Sequence[Volume4D]) -> "Batch":
        """Return volumes as columns, long edges cut."""
        outlines = [pieces(volume.outline) for volume in volumes]
        return cls(
            points=np.array(
                [(p.lat_deg, p.lng_deg) for points in outlines for p in points], np.float64
            ).reshape(-1, 2),
            counts=np.array([len(points) for points in outlines], np.int64),
            radii=np.array(
                [v.outline.radius_m if isinstance(v.outline, Circle) else 0.0 for v in volumes],
                np.float64,
            ),
            levels=np.array(
                [(v.altitude.lower_m, v.altitude.upper_m) for v in volumes], np.float64
            ).reshape(-1, 2),
            spans=np.array(
                [(micros(v.time.start), micros(v.time.end)) for v in volumes], np.int64
            ).reshape(-1, 2),
        )


def pieces(outline: Outline) -> tuple[LatLng, ...]:
    """Return the vertices of a polygon and points on its long edges, or the centre of a circle."""
    if isinstance(outline, Circle):
        return (outline.center,)
    vertices = outline.vertices
    at = [ecef(vertex) for vertex in vertices]
    if all(math.dist(at[i - 1], at[i]) <= PIECE_M for i in range(len(at))):
        return vertices
    points: list[LatLng] = []
    for i, vertex in enumerate(vertices):
        j = (i + 1) % len(vertices)
        points.append(vertex)
        points.extend(_cuts(vertex, vertices[j], (at[i], at[j])))
    return tuple(points)


def _cuts(start: LatLng, end: LatLng, ends: tuple[Vector, Vector]) -> list[LatLng]:
    chord_m = math.dist(*ends)
    if chord_m <= PIECE_M:
        return []
    edge = Edge(0, start, end)
    count = math.ceil(edge.length_m / PIECE_M)
    return [point_at(edge.at(k / count)) for k in range(1, count)]
