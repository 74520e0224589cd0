"""Boundaries of outlines as trees of balls: how close two come, and on which side a point lies.

A boundary is a closed chain of geodesic edges. It is held as a binary tree of *spans*, each inside
a ball in space (ECEF), so that most of two boundaries is put aside by comparing centres. Below an
edge the tree grows only where it is looked at: the edge is halved along its geodesic.

Three facts carry the proofs of the bounds, all of them for a surface whose normal curvature lies
between 0 and ``CURVATURE_MAX`` (k):

- A chord is never longer than the geodesic, and projection on a plane never lengthens it: what is
  far apart in space or in a plane is at least as far apart on the ellipsoid.
- A geodesic of length L, seen in the tangent plane of a point at most d away, bends by at most
  k k d, hence lies within k k d L L / 8 of its chord: 0.1 mm where two spans of 3 km cross.
- Two geodesics that do not meet are closest at an end of one of them (the surface being convex,
  they close in on each other away from any common perpendicular). So vertices against edges
  decide, and those few that count are solved on the ellipsoid.
"""

import math
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from tansiq.domain.ellipsoid import (
    CURVATURE_MAX,
    Edge,
    Vector,
    arc_m_max,
    distance_m,
    ecef,
    plane,
    up,
)
from tansiq.domain.volume import LatLng
from tansiq.errors import TooLarge

_ROUNDING_M = 1e-8
"""Of vectors 6,400 km long."""
RESOLUTION_M = 5e-4
"""Outlines closer than this share a point; a separation is understated by at most as much."""
_FLAT_M = 3_000.0
"""Spans up to this length are compared in a tangent plane."""
_FLAT_SHARE = 0.125
"""Or up to this share of how far apart they are."""
_TESTS_PER_VERTEX = 60
_TESTS_MIN = 20_000
"""Pairs of spans that the search for crossing edges looks at before it gives up: about 1 s."""


class Span:
    """A run of a boundary, in a ball: several edges, one edge, a piece of one, or a mere point."""

    __slots__ = ("_halves", "center", "edge", "first", "last", "length_m", "part", "radius_m")

    def __init__(  # noqa: PLR0913 # A record of eight; built in four places of this module only.
        self,
        first: Vector,
        last: Vector,
        *,
        ball: tuple[Vector, float],
        length_m: float,
        edge: Edge | None = None,
        part: tuple[float, float] = (0.0, 1.0),
        halves: "tuple[Span, Span] | None" = None,
    ) -> None:
        self.first = first
        self.last = last
        self.center, self.radius_m = ball
        self.length_m = length_m
        self.edge = edge
        """The edge that it is a ``part`` of; None for several edges."""
        self.part = part
        """From and to which fraction of the edge."""
        self._halves = halves

    def halves(self) -> "tuple[Span, Span]":
        """Return the two spans that it consists of, cut along the geodesic if it is an edge's."""
        if self._halves is None:
            edge, (low, high) = self.of_edge(), self.part
            middle = (low + high) / 2
            at, length_m = edge.at(middle), edge.length_m * (high - low) / 2
            self._halves = (
                _piece(self.first, at, length_m, edge, (low, middle)),
                _piece(at, self.last, length_m, edge, (middle, high)),
            )
        return self._halves

    def of_edge(self) -> Edge:
        """Return the one edge that it is part of."""
        if self.edge is None:  # pragma: no cover # Several edges have halves from the start.
            raise AssertionError("this span has several edges")
        return self.edge

    def vertex(self) -> LatLng | None:
        """Return the vertex that it starts from, if it is the first part of an edge."""
        return self.of_edge().start if self.part[0] == 0.0 else None

    def ends(self) -> Iterator[LatLng]:
        """Yield the vertices among its two ends."""
        if self.part[0] == 0.0:
            yield self.of_edge().start
        if self.part[1] == 1.0 and self.length_m:
            yield self.of_edge().end


def _piece(
    first: Vector, last: Vector, length_m: float, edge: Edge, part: tuple[float, float]
) -> Span:
    # A curve of length L is nowhere further than L/2 from the middle of its ends.
    middle = tuple((p + q) / 2 for p, q in zip(first, last, strict=True))
    ball = ((middle[0], middle[1], middle[2]), length_m / 2)
    return Span(first, last, ball=ball, length_m=length_m, edge=edge, part=part)


def of_point(point: LatLng) -> Span:
    """Return the boundary that is a single point."""
    at = ecef(point)
    return Span(at, at, ball=(at, 0.0), length_m=0.0, edge=Edge(0, point, point))


def of_vertices(vertices: tuple[LatLng, ...]) -> Span:
    """Return the boundary that joins the vertices, and the last to the first."""
    at = [ecef(vertex) for vertex in vertices]
    spans = []
    for i, vertex in enumerate(vertices):
        j = (i + 1) % len(vertices)
        length_m = arc_m_max(math.dist(at[i], at[j]))
        spans.append(_piece(at[i], at[j], length_m, Edge(i, vertex, vertices[j]), (0.0, 1.0)))
    while len(spans) > 1:
        joined = [_join(a, b) for a, b in zip(spans[::2], spans[1::2], strict=False)]
        spans = joined + spans[2 * len(joined) :]
    return spans[0]


def _join(a: Span, b: Span) -> Span:
    return Span(
        a.first,
        b.last,
        ball=around((a.center, a.radius_m), (b.center, b.radius_m)),
        length_m=a.length_m + b.length_m,
        halves=(a, b),
    )


def around(a: tuple[Vector, float], b: tuple[Vector, float]) -> tuple[Vector, float]:
    """Return a ball that holds two balls, each a centre and a radius."""
    (center_a, radius_a), (center_b, radius_b) = a, b
    apart = math.dist(center_a, center_b)
    if apart + radius_b <= radius_a:
        return a
    if apart + radius_a <= radius_b:
        return b
    radius = (apart + radius_a + radius_b) / 2
    share = (radius - radius_a) / apart
    (ax, ay, az), (bx, by, bz) = center_a, center_b
    center = (ax + (bx - ax) * share, ay + (by - ay) * share, az + (bz - az) * share)
    return center, radius + _ROUNDING_M


def pieces(boundary: Span, longest_m: float) -> Iterator[Span]:
    """Yield the boundary in order, in parts of single edges, none longer than asked."""
    stack = [boundary]
    while stack:
        span = stack.pop()
        if span.edge is None or span.length_m > longest_m:
            stack.extend(reversed(span.halves()))
        else:
            yield span


def _gap_m(a: Span, b: Span) -> float:
    return math.dist(a.center, b.center) - (a.radius_m + b.radius_m)


def _is_flat(span: Span, apart_m: float = 0.0) -> bool:
    """Report whether a span may be compared in a plane with others so far away."""
    return span.edge is not None and span.length_m <= max(_FLAT_M, apart_m * _FLAT_SHARE)


def _flat_gap_m(a: Span, b: Span) -> float:
    """Return a lower bound of the distance of two flat spans, from a plane that touches between.

    Zero if they meet, and only if they come within ``RESOLUTION_M``. The bound is off by what both
    bend, and by the contraction of the plane.
    """
    ends = (a.first, a.last, b.first, b.last)
    x, y, z = (sum(axis) / 4 for axis in zip(*ends, strict=True))
    (ex, ey, ez), (nx, ny, nz) = plane(up((x, y, z)))
    flat = [
        (
            (p - x) * ex + (q - y) * ey + (r - z) * ez,
            (p - x) * nx + (q - y) * ny + (r - z) * nz,
        )
        for p, q, r in ends
    ]
    away_m = max(math.dist(end, (x, y, z)) for end in ends) * 1.01  # The plane touches above.
    bend_m = (a.length_m**2 + b.length_m**2) * CURVATURE_MAX**2 * away_m / 8
    return max(0.0, _segments_m(*flat) - bend_m - _ROUNDING_M)


Flat = tuple[float, float]


def _segments_m(a: Flat, b: Flat, c: Flat, d: Flat) -> float:
    """Return the distance of the segments ab and cd in the plane."""
    if _crossing(a, b, c, d):
        return 0.0
    return min(
        _to_segment_m(a, c, d),
        _to_segment_m(b, c, d),
        _to_segment_m(c, a, b),
        _to_segment_m(d, a, b),
    )


def _crossing(a: Flat, b: Flat, c: Flat, d: Flat) -> bool:
    # Strictly: segments that touch have an end at distance zero.
    return _side(a, b, c) * _side(a, b, d) < 0.0 and _side(c, d, a) * _side(c, d, b) < 0.0


def _side(a: Flat, b: Flat, c: Flat) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _to_segment_m(p: Flat, a: Flat, b: Flat) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    squared = dx * dx + dy * dy
    px, py = p[0] - a[0], p[1] - a[1]
    along = min(1.0, max(0.0, (px * dx + py * dy) / squared)) if squared else 0.0
    return math.hypot(px - along * dx, py - along * dy)


def nearest_m(a: Span, b: Span, *, beyond_m: float = math.inf) -> float:
    """Return the least geodesic distance of two boundaries, zero if they share a point.

    At most ``RESOLUTION_M`` below the true value, never above it; infinity as soon as it is certain
    that it exceeds ``beyond_m``. Best first, so that few pairs of edges are looked at and hardly
    more than one vertex is solved on the ellipsoid.
    """
    order = count()
    best_m = math.inf
    queue: list[tuple[float, int, bool, Span, Span]] = []

    def add(lower_m: float, x: Span, y: Span, *, flat: bool = False) -> None:
        if lower_m <= beyond_m and lower_m < best_m - RESOLUTION_M:
            # Later first among equals: of two outlines that overlap, go down to one crossing.
            heappush(queue, (lower_m, -next(order), flat, x, y))

    add(_gap_m(a, b), a, b)
    while queue:
        lower_m, _, flat, x, y = heappop(queue)
        if lower_m >= best_m - RESOLUTION_M:
            break
        if flat:
            best_m = min(best_m, _solved_m(x, y))
        elif _is_flat(x, lower_m) and _is_flat(y, lower_m):
            lower_m = max(lower_m, _flat_gap_m(x, y))
            if lower_m <= 0.0:
                return 0.0
            add(lower_m, x, y, flat=True)
        else:
            for x_part, y_part in _split(x, y, lower_m):
                add(_gap_m(x_part, y_part), x_part, y_part)
    found_m = max(0.0, best_m - RESOLUTION_M)
    return found_m if found_m <= beyond_m else math.inf


def _split(x: Span, y: Span, apart_m: float = 0.0) -> list[tuple[Span, Span]]:
    """Halve the larger of the spans that are not flat, and pair the halves with the other."""
    if not _is_flat(x, apart_m) and (_is_flat(y, apart_m) or x.radius_m >= y.radius_m):
        return [(half, y) for half in x.halves()]
    return [(x, half) for half in y.halves()]


def _solved_m(a: Span, b: Span) -> float:
    """Return the geodesic distance of the vertices on one span to the edge of the other."""
    found = [_vertex_m(end, a, b) for end in a.ends()] + [_vertex_m(end, b, a) for end in b.ends()]
    return min(found, default=math.inf)


def _vertex_m(vertex: LatLng, at: Span, other: Span) -> float:
    edge = other.of_edge()
    if edge.start == edge.end:
        return distance_m(vertex, edge.start)
    place = at.first if vertex is at.vertex() else at.last
    chord = [q - p for p, q in zip(other.first, other.last, strict=True)]
    ahead = sum((v - p) * c for v, p, c in zip(place, other.first, chord, strict=True))
    low, high = other.part
    share = min(1.0, max(0.0, ahead / sum(c * c for c in chord)))
    return edge.distance_m(vertex, low + (high - low) * share)


def surrounds(boundary: Span, place: Vector) -> bool:
    """Report whether the boundary goes round a place, seen along the vertical of that place.

    Holds for boundaries within 80 degrees of the place. Within ``RESOLUTION_M`` of the boundary
    either answer may come: callers ask ``nearest_m`` as well.
    """
    if math.dist(boundary.center, place) > boundary.radius_m:
        return False
    east, north = plane(up(place))

    def seen(vector: Vector) -> Flat:
        x, y, z = vector[0] - place[0], vector[1] - place[1], vector[2] - place[2]
        return (
            x * east[0] + y * east[1] + z * east[2],
            x * north[0] + y * north[1] + z * north[2],
        )

    turned = 0.0
    stack = [boundary]
    while stack:
        span = stack.pop()
        # From outside a ball, all ways through it turn by the same angle.
        if math.hypot(*seen(span.center)) > span.radius_m or _is_flat(span):
            (ax, ay), (bx, by) = seen(span.first), seen(span.last)
            turned += math.atan2(ax * by - ay * bx, ax * bx + ay * by)
        else:
            stack.extend(span.halves())
    return abs(turned) > math.pi


def touching_edges(boundary: Span, *, vertices: int) -> tuple[int, int] | None:
    """Return the numbers of two edges that meet where they should not, or None.

    Meeting is coming within ``RESOLUTION_M``. Neighbours meet at their common vertex, but must not
    fold back on each other.

    Raises:
        TooLarge: so many edges run close to each other that the search would take too long.
    """
    budget = _TESTS_PER_VERTEX * vertices + _TESTS_MIN
    stack = [(boundary, boundary)]
    while stack:
        x, y = stack.pop()
        budget -= 1
        if budget < 0:
            raise TooLarge(
                "too many edges run close to each other to check it; simplify the outline",
                field="vertices",
            )
        if x is y:
            if x.edge is None:
                left, right = x.halves()
                stack.extend(((left, left), (right, right), (left, right)))
        elif _gap_m(x, y) <= RESOLUTION_M:
            if not (_is_flat(x) and _is_flat(y)):
                stack.extend(_split(x, y))
            elif _meet(x, y, vertices):
                return x.of_edge().number, y.of_edge().number
    return None


def _meet(x: Span, y: Span, vertices: int) -> bool:
    """Report whether two spans of different edges of one outline meet where they should not."""
    if (y.of_edge().number + 1) % vertices == x.of_edge().number:
        x, y = y, x
    neighbours = (x.of_edge().number + 1) % vertices == y.of_edge().number
    if neighbours and x.part[1] == 1.0 and y.part[0] == 0.0:
        # Both hold the common vertex: they fold back if the far end of one lies on the other.
        return _flat_gap_m(x, _end(y.last)) <= 0.0 or _flat_gap_m(y, _end(x.first)) <= 0.0
    return _flat_gap_m(x, y) <= 0.0


def _end(at: Vector) -> Span:
    return Span(at, at, ball=(at, 0.0), length_m=0.0)
