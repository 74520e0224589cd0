"""Outlines on the WGS84 ellipsoid: how far apart, how large, one inside the other, fit for use.

Edges are geodesics, circles are geodesic discs, and of the two sides of a polygon the smaller is
inside. Every bound errs on the safe side and says by how much. The work on boundaries is in
``boundary``, that on points in ``ellipsoid``; enlarging outlines is in ``engine.enlarge``.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from tansiq.domain import boundary
from tansiq.domain.boundary import RESOLUTION_M, Span
from tansiq.domain.ellipsoid import (
    CURVATURE_MAX,
    ECCENTRICITY_SQUARED,
    FLATTENING,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
    Vector,
    arc_m_max,
    destination,
    distance_m,
    ecef,
    point_at,
)
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.errors import InvalidVolume

__all__ = [
    "RESOLUTION_M",
    "SPAN_RADIUS_M_MAX",
    "Cap",
    "area_km2",
    "bounding_box",
    "bounding_circle",
    "check_outline",
    "densified",
    "destination",
    "distance_m",
    "inside",
    "meridian_radius_m",
    "separation_m",
]

SPAN_RADIUS_M_MAX = 4_000_000.0
"""A polygon fits in a ball of this radius: beyond, "the smaller side" is a guess."""
_CIRCLES_M = 1e-6
"""Separations of circles are understated by this much: more than the rounding of geodesics."""
_PIECE_M = 10_000.0
_REMEMBERED_VERTICES_MAX = 256
_OUTWARDS_DEG = 1e-9  # 0.1 mm.
_CONVEX_LAT_MAX, _CONVEX_SPAN_MAX = 70.0, 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """A geodesic disc of any size that holds an outline."""

    center: LatLng
    radius_m: float


class _Prepared:
    """What is computed once for an outline: a ball around its area, and its boundary."""

    __slots__ = ("_boundary", "center", "outline", "radius_m", "rim_m")

    def __init__(self, outline: Outline) -> None:
        self.outline = outline
        self._boundary: Span | None = None
        if isinstance(outline, Circle):
            self.center = ecef(outline.center)
            self.radius_m = self.rim_m = outline.radius_m
        else:
            self.center, self.radius_m = _ball(outline)
            self.rim_m = 0.0

    @property
    def boundary(self) -> Span:
        """The boundary of a polygon; of a circle its centre, ``rim_m`` away from the true one."""
        if self._boundary is None:
            self._boundary = (
                boundary.of_point(self.outline.center)
                if isinstance(self.outline, Circle)
                else boundary.of_vertices(self.outline.vertices)
            )
        return self._boundary

    def holds(self, place: Vector) -> bool:
        """Report whether the area of a polygon holds a place; a circle is judged by distance."""
        return isinstance(self.outline, Polygon) and boundary.surrounds(self.boundary, place)


def _ball(polygon: Polygon) -> tuple[Vector, float]:
    at = [ecef(vertex) for vertex in polygon.vertices]
    xs, ys, zs = zip(*at, strict=True)
    center = ((min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2, (min(zs) + max(zs)) / 2)
    radius_m = max([math.dist(center, vertex) for vertex in at])
    # An edge is at most 1.1 times its chord (up to SPAN_RADIUS_M_MAX), hence 2.2 radii, long, and
    # bends out of the ball by at most an eighth of its square times the curvature.
    return center, radius_m + CURVATURE_MAX * (2.2 * radius_m) ** 2 / 8


class _Same:
    """An outline as a key by identity: hashing 10,000 vertices costs more than most answers."""

    __slots__ = ("outline",)

    def __init__(self, outline: Outline) -> None:
        self.outline = outline

    def __hash__(self) -> int:
        return id(self.outline)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.outline is other.outline


_LARGE = 64


@lru_cache(maxsize=8192)
def _small(key: _Same) -> _Prepared:
    return _Prepared(key.outline)


@lru_cache(maxsize=32)
def _large(key: _Same) -> _Prepared:
    return _Prepared(key.outline)


def _prepared(outline: Outline) -> _Prepared:
    # Two sizes, so that a bounded number of entries is a bounded amount of memory.
    if isinstance(outline, Polygon) and len(outline.vertices) > _LARGE:
        return _large(_Same(outline))
    return _small(_Same(outline))


def ball(outline: Outline) -> tuple[Vector, float]:
    """Return centre (ECEF, metres) and radius of a ball that holds an outline's whole area."""
    prepared = _prepared(outline)
    return prepared.center, prepared.radius_m


def separation_m(a: Outline, b: Outline, *, beyond_m: float = math.inf) -> float:
    """Return the least geodesic distance between two outlines, zero if they share a point.

    Never above the true value; below it by at most ``RESOLUTION_M`` (two circles: 1 micrometre).
    Infinity as soon as it is certain that it exceeds ``beyond_m``. The same to the bit when the two
    change places. Both must pass ``check_outline``.
    """
    x, y = _prepared(a), _prepared(b)
    if math.dist(x.center, y.center) - (x.radius_m + y.radius_m) > beyond_m:
        return math.inf
    rims_m = x.rim_m + y.rim_m
    if isinstance(a, Circle) and isinstance(b, Circle):
        found_m = max(0.0, distance_m(a.center, b.center) - rims_m - _CIRCLES_M)
        return found_m if found_m <= beyond_m else math.inf
    if _in_order(b, a):
        x, y = y, x
    if x.holds(y.boundary.first) or y.holds(x.boundary.first):
        return 0.0
    return max(0.0, boundary.nearest_m(x.boundary, y.boundary, beyond_m=beyond_m + rims_m) - rims_m)


def _in_order(a: Outline, b: Outline) -> bool:
    """Decide which of two outlines comes first, by their values alone."""
    if isinstance(a, Circle) or isinstance(b, Circle):
        return isinstance(a, Circle)
    return a.vertices < b.vertices


def inside(inner: Outline, outer: Outline, *, margin_m: float = 0.0) -> bool:
    """Report whether one outline lies inside the other, more than a margin from its boundary.

    Errs towards no, by at most ``RESOLUTION_M``: on the outer boundary is not inside.
    """
    x, y = _prepared(inner), _prepared(outer)
    if isinstance(outer, Circle):
        points = (inner.center,) if isinstance(inner, Circle) else inner.vertices
        # Discs are convex, so the vertices decide.
        reach_m = max(distance_m(outer.center, point) for point in points)
        return reach_m + x.rim_m + margin_m + RESOLUTION_M < outer.radius_m
    if not y.holds(x.boundary.first):
        return False
    limit_m = x.rim_m + margin_m
    return boundary.nearest_m(x.boundary, y.boundary, beyond_m=limit_m) > limit_m


def densified(polygon: Polygon, longest_m: float) -> tuple[LatLng, ...]:
    """Return points along the boundary, the vertices among them, no further apart than asked."""
    spans = boundary.pieces(_prepared(polygon).boundary, longest_m)
    return tuple(span.vertex() or point_at(span.first) for span in spans)


def meridian_radius_m(lat_deg: float) -> float:
    """Return the radius of curvature northwards; less than that in any other direction."""
    sin_lat = math.sin(math.radians(lat_deg))
    return (
        SEMI_MAJOR_M
        * (1 - ECCENTRICITY_SQUARED)
        / math.sqrt(1 - ECCENTRICITY_SQUARED * sin_lat**2) ** 3
    )


def check_outline(outline: Outline) -> None:
    """Refuse a polygon that has no clear inside. Circles are always fit.

    Cost grows little faster than the number of vertices, and is bounded.

    Raises:
        InvalidVolume: it is too large, two vertices are the same point, or edges cross or touch.
        TooLarge: too many edges lie too close together to tell.
    """
    if isinstance(outline, Circle):
        return
    if len(outline.vertices) <= _REMEMBERED_VERTICES_MAX:
        _check_small(outline)
    else:
        _check_polygon(outline)


@lru_cache(maxsize=8_192)
def _check_small(outline: Polygon) -> None:
    # The same outline passes several edges: our file, two registers, every notification of it.
    _check_polygon(outline)


def _check_polygon(outline: Polygon) -> None:
    vertices = outline.vertices
    if _plainly_convex(vertices):
        return  # Most outlines are: files with thousands of them read ten times faster.
    if _ball(outline)[1] > SPAN_RADIUS_M_MAX:
        raise InvalidVolume(
            f"the outline spans more than {2 * SPAN_RADIUS_M_MAX / 1000:.0f} km, "
            "so its inside is not clear; are latitude and longitude swapped?",
            field="vertices",
        )
    chain = _prepared(outline).boundary
    for span in boundary.pieces(chain, math.inf):
        if span.length_m <= 2 * RESOLUTION_M:
            raise InvalidVolume(
                f"vertex {span.of_edge().number + 1} and the next are the same point; "
                "leave one out",
                field="vertices",
            )
    found = boundary.touching_edges(chain, vertices=len(vertices))
    if found is not None:
        raise InvalidVolume(_crossing_text(outline, *sorted(found)), field="vertices")


def _plainly_convex(vertices: tuple[LatLng, ...]) -> bool:
    """Report whether a small polygon is convex by a clear margin, hence without touching edges.

    Judged in degrees, longitudes shrunk to the middle latitude. There a geodesic bends by less than
    2 tan(latitude) / radius of the earth, hence leaves its chord by less than a quarter of span^2
    times tan(latitude) / radius. Every corner stands out from the line between its neighbours, and
    so from all edges but its own, by a metre more than twice that.
    """
    lats, lngs = [v.lat_deg for v in vertices], [v.lng_deg for v in vertices]
    south, north, west, east = min(lats), max(lats), min(lngs), max(lngs)
    if max(-south, north) > _CONVEX_LAT_MAX or max(north - south, east - west) > _CONVEX_SPAN_MAX:
        return False
    middle = math.radians((south + north) / 2)
    scale_y = math.radians(SEMI_MAJOR_M)  # Metres; exact within 1 %, which the margin forgives.
    scale_x = scale_y * math.cos(middle)
    span_m = math.hypot((east - west) * scale_x, (north - south) * scale_y)
    margin_m = 1 + span_m**2 * abs(math.tan(middle)) / (2 * SEMI_MINOR_M)
    xs, ys = [lng * scale_x for lng in lngs], [lat * scale_y for lat in lats]
    ax, ay, bx, by = xs[-2], ys[-2], xs[-1], ys[-1]
    turned, side = 0.0, 0
    for cx, cy in zip(xs, ys, strict=True):
        cross = (bx - ax) * (cy - by) - (by - ay) * (cx - bx)
        turn = 1 if cross > 0 else -1
        side = side or turn
        if turn != side or abs(cross) < margin_m * math.hypot(cx - ax, cy - ay):
            return False
        turned += math.atan2(cross, (bx - ax) * (cx - bx) + (by - ay) * (cy - by))
        ax, ay, bx, by = bx, by, cx, cy
    return abs(turned) < 2.1 * math.pi  # Once round: a star turns twice.


def _crossing_text(polygon: Polygon, i: int, j: int) -> str:
    vertices = polygon.vertices

    def edge(number: int) -> str:
        following = (number + 1) % len(vertices)
        return f"edge {number + 1} (vertices {number + 1} and {following + 1})"

    near = vertices[j]
    return (
        f"{edge(i)} and {edge(j)} cross or touch, near {near.lat_deg:.5f}, {near.lng_deg:.5f}; "
        "give the vertices in order around the area, each once"
    )


def bounding_circle(outline: Outline) -> Cap:
    """Return a disc that holds the outline; for a polygon not the least one, but close."""
    if isinstance(outline, Circle):
        return Cap(center=outline.center, radius_m=outline.radius_m)
    center = point_at(_prepared(outline).center)
    at = ecef(center)
    # Discs are convex, so the vertices decide.
    reach_m = max(math.dist(at, ecef(vertex)) for vertex in outline.vertices)
    return Cap(center=center, radius_m=arc_m_max(reach_m) + RESOLUTION_M)


def bounding_box(outline: Outline) -> tuple[float, float, float, float]:
    """Return (lat min, lat max, lng min, lng max) of a box that holds the outline, degrees.

    Geodesic bulge included; too large by about 2 m at most in latitude away from the poles. The
    least longitude is the greater number if the box crosses the 180th meridian; a box that touches
    a pole holds all longitudes.
    """
    if isinstance(outline, Circle):
        return _box_of_circle(outline)
    prepared = _prepared(outline)
    lows, highs = [], []
    west = east = turned = 0.0
    for span in boundary.pieces(prepared.boundary, _PIECE_M):
        # On the way, z leaves the straight line by no more than the geodesic can bend.
        bend_m = span.length_m**2 * CURVATURE_MAX / 8 + RESOLUTION_M
        lows.append(min(span.first[2], span.last[2]) - bend_m)
        highs.append(max(span.first[2], span.last[2]) + bend_m)
        # A geodesic runs steadily east or west, and no further than half round the earth.
        turned += _turn_deg(span.first, span.last)
        west, east = min(west, turned), max(east, turned)
    south = prepared.holds((0.0, 0.0, -SEMI_MINOR_M))
    north = prepared.holds((0.0, 0.0, SEMI_MINOR_M))
    lat_min = -90.0 if south else max(-90.0, _lat_deg(min(lows)) - _OUTWARDS_DEG)
    lat_max = 90.0 if north else min(90.0, _lat_deg(max(highs)) + _OUTWARDS_DEG)
    if lat_min == -90.0 or lat_max == 90.0:
        return lat_min, lat_max, -180.0, 180.0
    start = outline.vertices[0].lng_deg
    return lat_min, lat_max, *_lng_range(start + west, start + east)


def _turn_deg(a: Vector, b: Vector) -> float:
    return math.degrees(math.atan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1]))


def _lat_deg(z_m: float) -> float:
    reduced = math.asin(min(1.0, max(-1.0, z_m / SEMI_MINOR_M)))
    return math.degrees(math.atan2(math.sin(reduced), (1 - FLATTENING) * math.cos(reduced)))


def _lng_range(west: float, east: float) -> tuple[float, float]:
    west, east = west - _OUTWARDS_DEG, east + _OUTWARDS_DEG
    if east - west >= 360.0:
        return -180.0, 180.0
    return (
        west + 360.0 if west < -180.0 else west - 360.0 if west > 180.0 else west,
        east + 360.0 if east < -180.0 else east - 360.0 if east > 180.0 else east,
    )


def _box_of_circle(circle: Circle) -> tuple[float, float, float, float]:
    center, radius_m = circle.center, circle.radius_m
    # Along the meridian lies the shortest way to every parallel.
    lat_min = destination(center, 180.0, radius_m).lat_deg - _OUTWARDS_DEG
    lat_max = destination(center, 0.0, radius_m).lat_deg + _OUTWARDS_DEG
    if distance_m(center, LatLng(-90.0, center.lng_deg)) <= radius_m + RESOLUTION_M:
        lat_min = -90.0
    if distance_m(center, LatLng(90.0, center.lng_deg)) <= radius_m + RESOLUTION_M:
        lat_max = 90.0
    x, y, _ = ecef(center)
    from_axis_m = math.hypot(x, y)
    if lat_min <= -90.0 or lat_max >= 90.0 or from_axis_m <= radius_m:
        return max(lat_min, -90.0), min(lat_max, 90.0), -180.0, 180.0
    half = math.degrees(math.asin(radius_m / from_axis_m))
    return lat_min, lat_max, *_lng_range(center.lng_deg - half, center.lng_deg + half)


def area_km2(outline: Outline) -> float:
    """Return the area of the smaller side, whatever the winding; within 1e-4 of it and 10 m2.

    Cut finely, geodesics are great circles on the sphere of equal area.
    """
    if isinstance(outline, Circle):
        return _area_of_disc_km2(outline)
    excess = turned_deg = 0.0
    for span in boundary.pieces(_prepared(outline).boundary, _PIECE_M):
        a, b = _half_tangent(span.first), _half_tangent(span.last)
        turn_deg = _turn_deg(span.first, span.last)
        turned_deg += turn_deg
        half = math.radians(turn_deg) / 2
        excess += 2 * math.atan2(math.sin(half) * (a + b), math.cos(half) * (1 + a * b))
    # The sum is what lies between boundary and equator; round a pole, the rest of the hemisphere.
    excess = 2 * math.pi - abs(excess) if abs(turned_deg) > 180.0 else abs(excess)
    return excess * SEMI_MAJOR_M**2 * _authalic(1.0) / 2 / 1e6


def _authalic(sin_lat: float) -> float:
    """Return q of the authalic latitude. Source: Snyder, Map Projections (1987), 3-12."""
    e = math.sqrt(ECCENTRICITY_SQUARED)
    return (1 - ECCENTRICITY_SQUARED) * (
        sin_lat / (1 - ECCENTRICITY_SQUARED * sin_lat**2) + math.atanh(e * sin_lat) / e
    )


def _half_tangent(at: Vector) -> float:
    """Return the tangent of half the authalic latitude."""
    sine = _authalic(math.sin(math.radians(_lat_deg(at[2])))) / _authalic(1.0)
    return sine / (1 + math.sqrt(max(0.0, 1 - sine * sine)))


def _area_of_disc_km2(circle: Circle) -> float:
    # A cap of the sphere that bends as the ellipsoid does at the centre.
    sin_lat = math.sin(math.radians(circle.center.lat_deg))
    radius_m = SEMI_MINOR_M / (1 - ECCENTRICITY_SQUARED * sin_lat**2)
    return 4 * math.pi * (radius_m * math.sin(circle.radius_m / radius_m / 2)) ** 2 / 1e6
