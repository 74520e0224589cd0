"""Another opinion on outlines: PROJ's geodesics (in C) and dense sampling. Slow, simple, separate.

Boundaries are walked by a length along them and sampled, then sampled again, ever finer, around
each of the closest pairs. So ``separation_m`` is never below the true value, and above it by less
than ``TOLERANCE_M`` as long as the sampling sees where the boundaries come close.
"""

import math
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from tansiq.domain.volume import Circle, LatLng, Outline, Polygon

GEOD = Geod(ellps="WGS84")
TOLERANCE_M = 1e-5
SAMPLES = 200
STARTS = 8
QUARTER_M = 1e7
Floats = NDArray[np.float64]
Walk = Callable[[Floats], tuple[Floats, Floats]]


def distance_m(a: LatLng, b: LatLng) -> float:
    return float(GEOD.inv(a.lng_deg, a.lat_deg, b.lng_deg, b.lat_deg)[2])


def walk(outline: Outline) -> tuple[float, Walk]:
    """Return the length of the boundary, and where (lat, lng) one is after walking so far."""
    if isinstance(outline, Circle):
        return 2 * math.pi * outline.radius_m, partial(_round, outline)
    vertices = outline.vertices
    lats, lngs = (np.array([getattr(v, name) for v in vertices]) for name in ("lat_deg", "lng_deg"))
    azimuths, _, lengths = GEOD.inv(lngs, lats, np.roll(lngs, -1), np.roll(lats, -1))
    starts = np.concatenate([[0.0], np.cumsum(lengths)])

    def along(walked: Floats) -> tuple[Floats, Floats]:
        walked = walked % starts[-1]
        edge = np.clip(np.searchsorted(starts, walked, side="right") - 1, 0, len(vertices) - 1)
        lng, lat, _ = GEOD.fwd(lngs[edge], lats[edge], azimuths[edge], walked - starts[edge])
        return lat, lng

    return float(starts[-1]), along


def _round(circle: Circle, walked: Floats) -> tuple[Floats, Floats]:
    same = np.ones_like(walked)
    lng, lat, _ = GEOD.fwd(
        circle.center.lng_deg * same,
        circle.center.lat_deg * same,
        np.degrees(walked / circle.radius_m),
        circle.radius_m * same,
    )
    return lat, lng


def samples(outline: Outline, count: int = SAMPLES) -> tuple[Floats, Floats]:
    """Return points (lat, lng) of the boundary, evenly spaced, and all vertices of a polygon."""
    length_m, at = walk(outline)
    lat, lng = at(np.linspace(0.0, length_m, count, endpoint=False))
    if isinstance(outline, Polygon):
        lat = np.concatenate([lat, [v.lat_deg for v in outline.vertices]])
        lng = np.concatenate([lng, [v.lng_deg for v in outline.vertices]])
    return lat, lng


def contains(outline: Outline, point: LatLng) -> bool:
    """Report whether a point lies inside; it may err where the boundary is nearer than a sample."""
    if isinstance(outline, Circle):
        return distance_m(outline.center, point) <= outline.radius_m
    length_m, at = walk(outline)
    corners = np.cumsum(
        [distance_m(a, b) for a, b in zip(outline.vertices, outline.vertices[1:], strict=False)]
    )
    walked = np.unique(np.concatenate([np.linspace(0.0, length_m, 20 * SAMPLES), corners]))
    lat, lng = at(walked)
    same = np.ones_like(lat)
    azimuth, _, away = GEOD.inv(point.lng_deg * same, point.lat_deg * same, lng, lat)
    if away.min() > QUARTER_M:  # It goes round the antipode as well.
        return False
    turns = (np.diff(azimuth, append=azimuth[0]) + 180.0) % 360.0 - 180.0
    return bool(abs(turns.sum()) > 180.0)


def separation_m(a: Outline, b: Outline, *, samples: int = SAMPLES) -> float:
    """Return the geodesic separation, zero where the outlines overlap."""
    for one, other in ((a, b), (b, a)):
        if any(contains(one, point) for point in _points(other)):
            return 0.0
    (length_a, at_a), (length_b, at_b) = walk(a), walk(b)
    step_a, step_b = length_a / samples, length_b / samples
    walked_a, walked_b = np.arange(samples) * step_a, np.arange(samples) * step_b
    apart = _apart(at_a(walked_a), at_b(walked_b))
    turned = [np.roll(apart, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    lows = np.argwhere(apart <= np.min(turned, axis=0))
    lows = sorted(lows.tolist(), key=lambda place: float(apart[tuple(place)]))[:STARTS]
    return min(_zoomed(at_a, at_b, (walked_a[i], walked_b[j]), (step_a, step_b)) for i, j in lows)


def _zoomed(
    at_a: Walk, at_b: Walk, place: tuple[float, float], steps: tuple[float, float]
) -> float:
    """Return the least distance around a pair of places, sampled ever finer."""
    (here_a, here_b), (step_a, step_b) = place, steps
    found = math.inf
    while max(step_a, step_b) > TOLERANCE_M / 4:
        walked_a = here_a + np.linspace(-1.5, 1.5, 25) * step_a
        walked_b = here_b + np.linspace(-1.5, 1.5, 25) * step_b
        apart = _apart(at_a(walked_a), at_b(walked_b))
        i, j = np.unravel_index(np.argmin(apart), apart.shape)
        found, here_a, here_b = min(found, float(apart[i, j])), walked_a[i], walked_b[j]
        step_a, step_b = step_a / 8, step_b / 8
    return found


def _points(outline: Outline) -> tuple[LatLng, ...]:
    return (outline.center,) if isinstance(outline, Circle) else outline.vertices


def _apart(a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> Floats:
    lat_a, lat_b = np.meshgrid(a[0], b[0], indexing="ij")
    lng_a, lng_b = np.meshgrid(a[1], b[1], indexing="ij")
    found = GEOD.inv(lng_a.ravel(), lat_a.ravel(), lng_b.ravel(), lat_b.ravel())[2]
    return np.asarray(found).reshape(lat_a.shape)


def area_km2(polygon: Polygon) -> float:
    """Return the area of the side that the vertices go around, whatever the winding."""
    area_m2, _ = GEOD.polygon_area_perimeter(
        [v.lng_deg for v in polygon.vertices], [v.lat_deg for v in polygon.vertices]
    )
    return abs(area_m2) / 1e6
