"""Outlines and volumes enlarged, so that plans within the minima of each other meet in a register.

The shape comes from S2, which works on a sphere; whether it is large enough is then checked on the
ellipsoid with ``geodesy``. A shape that fails the check, or the outline rules, is never used: a
disc around the whole takes its place. Too large is safe here, too small is not.
"""

import math
from functools import lru_cache

import s2geometry as s2

from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import ALTITUDE_RESOLUTION_M
from tansiq.domain.ellipsoid import Vector, ecef
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    VERTICES_MAX,
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
    Volumes,
)
from tansiq.errors import InvalidVolume, TooLarge

_ROUNDNESS = (0.01, 0.1, 0.3)
"""How far, as a share, corners may stand off a true arc: finer first, coarser for many vertices."""
_PIECE_M = 20_000.0
"""Up to this length a great circle of S2 is within 0.1 m of the geodesic."""
_PADDING_M = 0.2
_STEP_M = 0.01
_DISC_CORNERS = 32
_REMEMBERED_VERTICES_MAX = 256


def enlarged_by(volumes: Volumes, minima: Minima, *, fraction: float) -> Volumes:
    """Return volumes enlarged by a share of the minima in all dimensions, rounded outwards.

    Two volumes that conflict under the minima share a point once both carry a half, or one of them
    the whole. Altitudes stop at the ends of the legal band. A minimum of zero changes nothing.

    Raises:
        InvalidVolume: an outline becomes larger than an outline may be.
    """
    by_m = minima.horizontal_m * fraction
    # Conflict rounds towards itself; the enlargement covers that as well.
    by_m += 2 * geodesy.RESOLUTION_M if by_m else 0.0
    up_m = minima.vertical_m * fraction
    up_m += 2 * ALTITUDE_RESOLUTION_M if up_m else 0.0
    # timedelta * float rounds to the nearest microsecond; one more is outwards.
    later = minima.time * fraction
    later += minima.time.resolution if later else later
    shapes = _shapes(volumes, by_m)
    return tuple(
        Volume4D(
            volume=Volume3D(
                outline=shapes[volume.outline],
                altitude=AltitudeBand(
                    lower_m=max(ALTITUDE_M_MIN, volume.altitude.lower_m - up_m),
                    upper_m=min(ALTITUDE_M_MAX, volume.altitude.upper_m + up_m),
                ),
            ),
            time=volume.time.widened(later),
        )
        for volume in volumes
    )


def _shapes(volumes: Volumes, by_m: float) -> dict[Outline, Outline]:
    """Enlarge outlines, each once, with few enough corners for one entity (F3548-21) if need be."""
    shapes: dict[Outline, Outline] = {}
    for coarseness in range(len(_ROUNDNESS)):
        outlines = {volume.outline for volume in volumes}  # Slices of one flight often share one.
        shapes = {outline: enlarged(outline, by_m, coarseness=coarseness) for outline in outlines}
        grown = [shapes[volume.outline] for volume in volumes]
        if sum(len(one.vertices) for one in grown if isinstance(one, Polygon)) <= VERTICES_MAX:
            break
    return shapes


def enlarged(outline: Outline, by_m: float, *, coarseness: int = 0) -> Outline:
    """Return an outline that holds every point within ``by_m`` of the given one.

    A circle stays a circle. A polygon keeps its shape (an L stays an L), corners become arcs, and
    gaps that close are filled; it exceeds what is needed by at most 3 % of ``by_m`` and 1 m, unless
    the corners become too many, or no such shape is found and a disc around the whole is returned.

    Raises:
        InvalidVolume: it becomes larger than an outline may be.
    """
    if by_m <= 0.0:
        return outline
    if isinstance(outline, Circle):
        radius_m = math.nextafter(outline.radius_m + by_m, math.inf)
        return Circle(center=outline.center, radius_m=radius_m)
    if len(outline.vertices) <= _REMEMBERED_VERTICES_MAX:
        return _enlarged_small(outline, by_m, coarseness)
    return _enlarged_polygon(outline, by_m, coarseness)


@lru_cache(maxsize=4_096)
def _enlarged_small(outline: Polygon, by_m: float, coarseness: int) -> Polygon:
    # Asked for again at each register and in each transaction that writes a plan.
    return _enlarged_polygon(outline, by_m, coarseness)


def _enlarged_polygon(outline: Polygon, by_m: float, coarseness: int) -> Polygon:
    for roundness in _ROUNDNESS[coarseness:]:
        vertices = _buffered(outline, by_m, roundness)
        if 3 <= len(vertices) <= VERTICES_MAX:
            shape = Polygon(vertices=vertices)
            if _fit(shape, outline, by_m):
                return shape
    return _disc(outline, by_m)


def _fit(shape: Polygon, outline: Polygon, by_m: float) -> bool:
    """Report whether a shape is an outline that keeps ``by_m`` around the given one.

    It holds the outline, and its boundary is nowhere nearer: then no way of ``by_m`` leads out.
    """
    try:
        geodesy.check_outline(shape)
    except (InvalidVolume, TooLarge):
        return False
    return geodesy.inside(outline, shape, margin_m=by_m)


def _buffered(outline: Polygon, by_m: float, roundness: float) -> tuple[LatLng, ...]:
    """Return the vertices of the outer boundary after growth on the sphere; empty if S2 fails."""
    loop = s2.S2Loop([_to_s2(point) for point in geodesy.densified(outline, _PIECE_M)])
    if not loop.IsValid():
        return ()
    loop.Normalize()
    options = s2.S2BufferOperationOptions()
    # With latitudes taken over as they are, a metre is the largest angle along the meridian, and
    # nearest the equator.
    scale = geodesy.meridian_radius_m(_least_lat_deg(outline, by_m))
    grown_m = by_m / (1 - roundness) + _PADDING_M
    options.set_buffer_radius(s2.S1Angle.Radians(grown_m / scale))
    options.set_error_fraction(roundness)
    grown = s2.S2Polygon()
    operation = s2.S2BufferOperation(s2.S2PolygonLayer(grown), options)
    operation.AddPolygon(s2.S2Polygon(loop))
    if not operation.Build() or grown.num_loops() == 0:
        return ()
    # Inner loops are gaps that did not close; the outer one is the largest.
    outer = max((grown.loop(i) for i in range(grown.num_loops())), key=lambda one: one.GetArea())
    return _distinct([_from_s2(outer.vertex(i)) for i in range(outer.num_vertices())])


def _distinct(vertices: list[LatLng]) -> tuple[LatLng, ...]:
    """Leave out vertices that hardly move the boundary: arcs of S2 can end in steps of nothing."""
    kept: list[LatLng] = []
    places: list[Vector] = []
    for vertex in vertices:
        place = ecef(vertex)
        if all(math.dist(place, other) > _STEP_M for other in places[:1] + places[-1:]):
            kept.append(vertex)
            places.append(place)
    return tuple(kept)


def _least_lat_deg(outline: Polygon, by_m: float) -> float:
    south, north, _, _ = geodesy.bounding_box(outline)
    return max(0.0, max(south, -north) - by_m / 110_000.0)


def _disc(outline: Polygon, by_m: float) -> Polygon:
    """Return a regular polygon around the disc that holds the enlarged outline."""
    cap = geodesy.bounding_circle(outline)
    radius_m = (cap.radius_m + by_m) / math.cos(math.pi / _DISC_CORNERS) * 1.01
    azimuths = (360.0 * i / _DISC_CORNERS for i in range(_DISC_CORNERS))
    shape = Polygon(
        vertices=tuple(geodesy.destination(cap.center, azimuth, radius_m) for azimuth in azimuths)
    )
    if not _fit(shape, outline, by_m):
        raise InvalidVolume(
            f"the outline, enlarged by {by_m:.0f} m, is larger than an outline may be; divide it",
            field="vertices",
        )
    return shape


def _to_s2(point: LatLng) -> s2.S2Point:
    return s2.S2LatLng.FromDegrees(point.lat_deg, point.lng_deg).ToPoint()


def _from_s2(point: s2.S2Point) -> LatLng:
    at = s2.S2LatLng(point)
    return LatLng(at.lat().degrees(), at.lng().degrees())
