"""How near a place is to an outline, between two bounds: a hundred times quicker than exactly.

The outline is seen in the plane that touches the ellipsoid at the place. What is far in the plane
is at least as far on the ellipsoid, and not much further; an edge of length L, no end of it further
than d, bends from its chord by at most k k d L L / 8 there (see ``boundary``, which is where exact
distances come from). Edges are cut to 10 km, so the bounds are a millimetre apart at 10 km and a
decimetre at 50.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from tansiq.domain.bearing import azimuth_deg
from tansiq.domain.ellipsoid import CURVATURE_MAX, Vector, arc_m_max, ecef
from tansiq.domain.geodesy import _Same, ball, densified
from tansiq.domain.volume import Circle, LatLng, Outline

_PIECE_M: Final = 10_000.0
_ROUNDING_M: Final = 1e-7
_FAR_M: Final = 1_000_000.0
"""Beyond, the plane says too little: the upper bound is given up."""
_BEND_M_MAX: Final = 10.0
"""Of 10 km, seen from 20,000 km away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearness:
    """The distance of a place to the edge of an outline lies within these, both included."""

    least_m: float
    """0: the place may be on the edge, and which side it is on is not told."""
    most_m: float
    inside: bool
    away_deg: float
    """The azimuth in which the place lies, seen from the nearest point of the edge; to be used
    outside only."""


def nearness(position: LatLng, outline: Outline, *, beyond_m: float = math.inf) -> Nearness:
    """Return between which bounds the edge of an outline is away. Cost is linear in its edges.

    Where it is certain that the outline is further than ``beyond_m``, no more than that is told.
    """
    center, radius_m = ball(outline)
    gap_m = math.dist(center, ecef(position)) - radius_m
    if gap_m > min(beyond_m, _FAR_M):
        # Over the horizon a plane shows nothing.
        return Nearness(least_m=gap_m, most_m=math.inf, inside=False, away_deg=0.0)
    if isinstance(outline, Circle):
        return _to_circle(position, outline)
    corners, longest_m = _corners(_Same(outline))
    xs, ys = _seen(position, corners)
    squared, x, y, inside = _nearest(xs, ys)
    flat_m = math.sqrt(squared)
    bend_m = _bend_m(max(map(math.hypot, xs, ys)), longest_m) + _ROUNDING_M
    return Nearness(
        least_m=max(0.0, flat_m - bend_m),
        most_m=_on_ellipsoid_m(flat_m + bend_m) + _ROUNDING_M,
        inside=inside,
        away_deg=azimuth_deg(-x, -y),
    )


def _nearest(xs: list[float], ys: list[float]) -> tuple[float, float, float, bool]:
    """Return the point of a closed chain that is nearest to the origin, and if that is inside.

    Its squared distance comes first. The innermost loop: nothing in it is called.
    """
    best, best_x, best_y, inside = math.inf, 0.0, 0.0, False
    ax, ay = xs[-1], ys[-1]
    for bx, by in zip(xs, ys, strict=True):
        dx, dy = bx - ax, by - ay
        if (ay > 0.0) != (by > 0.0) and ax - dx * ay / dy > 0.0:
            inside = not inside
        along = -(ax * dx + ay * dy)
        if along <= 0.0:
            x, y = ax, ay
        elif along >= (length := dx * dx + dy * dy):
            x, y = bx, by
        else:
            x, y = ax + along / length * dx, ay + along / length * dy
        squared = x * x + y * y
        if squared < best:
            best, best_x, best_y = squared, x, y
        ax, ay = bx, by
    return best, best_x, best_y, inside


def _to_circle(position: LatLng, circle: Circle) -> Nearness:
    (x,), (y,) = _seen(position, _corners(_Same(circle))[0])
    flat_m = math.hypot(x, y)
    low_m, high_m = flat_m - circle.radius_m, _on_ellipsoid_m(flat_m) - circle.radius_m
    inside = low_m <= 0.0
    least_m, most_m = (-high_m, -low_m) if inside else (low_m, high_m)
    return Nearness(
        least_m=max(0.0, least_m - _ROUNDING_M),
        most_m=max(least_m, most_m) + _ROUNDING_M,
        inside=inside,
        away_deg=azimuth_deg(-x, -y),
    )


def _seen(position: LatLng, corners: tuple[Vector, ...]) -> tuple[list[float], list[float]]:
    """Return metres east and north in the plane that touches at the place."""
    lat, lng = math.radians(position.lat_deg), math.radians(position.lng_deg)
    sin_lat, cos_lat, sin_lng, cos_lng = math.sin(lat), math.cos(lat), math.sin(lng), math.cos(lng)
    px, py, pz = ecef(position)
    xs, ys = [], []
    for corner in corners:
        x, y, z = corner[0] - px, corner[1] - py, corner[2] - pz
        xs.append(y * cos_lng - x * sin_lng)
        ys.append(z * cos_lat - (x * cos_lng + y * sin_lng) * sin_lat)
    return xs, ys


def _bend_m(away_m: float, length_m: float) -> float:
    """Return how far an edge can leave the chord of its ends, in the plane; see the top.

    Up to 1,000 km away the plane shows what lies there nearer by less than 2 %.
    """
    return _BEND_M_MAX if away_m > _FAR_M else CURVATURE_MAX**2 * away_m * 1.02 * length_m**2 / 8


def _on_ellipsoid_m(flat_m: float) -> float:
    """Return the greatest length of a geodesic that is so long in the plane."""
    if flat_m > _FAR_M:
        return math.inf
    # Below the plane by half of flat^2 k, and a little more the further it is.
    return arc_m_max(math.hypot(flat_m, 0.52 * flat_m * flat_m * CURVATURE_MAX))


@lru_cache(maxsize=4_096)
def _corners(key: _Same) -> tuple[tuple[Vector, ...], float]:
    """Return corners and points on long edges, and the longest piece; of a circle its centre."""
    outline = key.outline
    if isinstance(outline, Circle):
        return (ecef(outline.center),), 0.0
    corners = tuple(ecef(point) for point in densified(outline, _PIECE_M))
    pairs = zip(corners, (*corners[1:], corners[0]), strict=True)
    return corners, max(arc_m_max(math.dist(a, b)) for a, b in pairs)
