"""The smallest simple outline around a stretch of track: every point, every leg, and a buffer.

Method: points and pieces of legs are projected along the normal of one plane that touches the
earth amid them. That projection shortens distances, never lengthens them, so what lies within the
buffer on earth lies within it on the plane. Their hull is enlarged there by a circumscribed
eight-sided disc and its corners are lifted back. Between them run geodesics, which on the plane
bow outwards from the point of touch, hence never cut into the hull.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

from tansiq.domain import ellipsoid
from tansiq.domain.ellipsoid import Vector
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.errors import InvalidVolume

PIECE_M = 5_000.0
"""Legs are cut so: the bow of a piece over its chord, on any plane here, is below 0.6 m."""
PAD_M = 2.0
"""More than that bow, the ellipsoid's departure from a sphere, and rounding of corners together."""
SPAN_M_MAX = 500_000.0
_SIDES = 8
_DECIMALS = 7  # Of a degree: 1 cm.

Flat: TypeAlias = tuple[float, float]


def around(track: Sequence[LatLng], buffer_m: float) -> Outline:
    """Return a convex polygon that holds all within ``buffer_m`` of the track.

    For a single place it is a circle. What it holds besides the buffered convex hull is within
    8.3 % of the buffer and ``PAD_M`` around it.

    Raises:
        InvalidVolume: no point, or a span above ``SPAN_M_MAX``.
    """
    places = [p for i, p in enumerate(track) if i == 0 or p != track[i - 1]]
    if not places:
        raise InvalidVolume("a track has at least one point")
    if len(places) == 1:
        return Circle(center=places[0], radius_m=buffer_m + PAD_M)
    vectors = [ellipsoid.ecef(places[0])]
    for start, end in pairwise(places):
        vectors.extend(_leg(start, end))
    normal = ellipsoid.up(_middle(vectors))
    axes = ellipsoid.plane(normal)
    hull = _hull([(_dot(v, axes[0]), _dot(v, axes[1])) for v in vectors])
    span_m = max(math.dist(hull[0], corner) for corner in hull)
    if span_m > SPAN_M_MAX:
        raise InvalidVolume(
            f"a stretch of track spans over {span_m / 1000:.0f} km; at most "
            f"{SPAN_M_MAX / 1000:.0f}: take shorter slices, or cut the track at its gaps"
        )
    reach_m = (buffer_m + PAD_M) / math.cos(math.pi / _SIDES)
    turns = [2 * math.pi * i / _SIDES for i in range(_SIDES)]
    disc = [(reach_m * math.cos(t), reach_m * math.sin(t)) for t in turns]
    grown = _hull([(x + dx, y + dy) for x, y in hull for dx, dy in disc])
    corners = [_lifted(corner, normal, axes) for corner in grown]
    return Polygon(vertices=tuple(c for i, c in enumerate(corners) if c != corners[i - 1]))


def _leg(start: LatLng, end: LatLng) -> Iterator[Vector]:
    """Yield points along a leg, its start left out."""
    chord_m = math.dist(ellipsoid.ecef(start), ellipsoid.ecef(end))
    if chord_m > SPAN_M_MAX:
        raise InvalidVolume(
            f"a leg of {chord_m / 1000:.0f} km; at most {SPAN_M_MAX / 1000:.0f}: cut the track"
        )
    count = math.ceil(chord_m / PIECE_M)
    if count > 1:
        edge = ellipsoid.Edge(0, start, end)
        yield from (edge.at(i / count) for i in range(1, count))
    yield ellipsoid.ecef(end)


def _middle(vectors: Sequence[Vector]) -> Vector:
    xs, ys, zs = zip(*vectors, strict=True)
    return math.fsum(xs), math.fsum(ys), math.fsum(zs)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _hull(points: Sequence[Flat]) -> list[Flat]:
    """Return the corners of the convex hull, counter-clockwise (monotone chain)."""
    ordered = sorted(set(points))
    if len(ordered) < 3:
        return ordered
    halves = [_half(ordered), _half(ordered[::-1])]
    return halves[0][:-1] + halves[1][:-1]


def _half(ordered: Sequence[Flat]) -> list[Flat]:
    chain: list[Flat] = []
    for x, y in ordered:
        while len(chain) > 1:
            (ax, ay), (bx, by) = chain[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0:
                break
            chain.pop()
        chain.append((x, y))
    return chain


def _lifted(at: Flat, normal: Vector, axes: tuple[Vector, Vector]) -> LatLng:
    """Return the point of the ellipsoid above a point of the plane (through the earth's centre)."""
    foot = tuple(at[0] * a + at[1] * b for a, b in zip(*axes, strict=True))
    squares = (ellipsoid.SEMI_MAJOR_M**2, ellipsoid.SEMI_MAJOR_M**2, ellipsoid.SEMI_MINOR_M**2)
    # Solve |foot + t * normal| = 1 in units of the axes, for the greater t.
    a = sum(n * n / s for n, s in zip(normal, squares, strict=True))
    b = sum(f * n / s for f, n, s in zip(foot, normal, squares, strict=True))
    c = sum(f * f / s for f, s in zip(foot, squares, strict=True)) - 1
    t = (-b + math.sqrt(b * b - a * c)) / a
    x, y, z = (f + t * n for f, n in zip(foot, normal, strict=True))
    point = ellipsoid.point_at((x, y, z))
    return LatLng(round(point.lat_deg, _DECIMALS), round(point.lng_deg, _DECIMALS))
