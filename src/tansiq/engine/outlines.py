"""Kernels that judge two outlines: do they come within a limit, how near, and where.

A polygon is its vertices in space, pieces of at most ``earth.PIECE_M`` apart; a circle is its
centre and a rim. The verdict is that of ``domain.geodesy.separation_m``: *within* and *apart* are
given only when they are certain of it; what comes closer to the limit than the error bounds is
*unsure*, and whoever asked takes it to the definition. That is a band of 0.7 mm.

Most pairs need no look at their edges (``at_a_glance``): the *core* of an outline is a ball about
its centre within which all ground is its own, so cores that meet are enough to conflict; and a
plane square on the line between the centres, with one outline on either side, is enough not to.
"""

from math import sqrt
from typing import NamedTuple

from tansiq.domain.boundary import RESOLUTION_M
from tansiq.domain.ellipsoid import CURVATURE_MAX, SEMI_MAJOR_M, SEMI_MINOR_M
from tansiq.engine.compiled import Floats, inlined, kernel
from tansiq.engine.earth import PIECE_ERROR_M, Vector, along, arc_error_m, arc_m, foot

APART, WITHIN, UNSURE = 0, 1, 2
CIRCLES_M = 1e-6
"""What the definition takes off the separation of two circles."""
CONTACT_M = RESOLUTION_M + 1e-4
"""Boundaries further apart than that share no point, by the definition."""
_CROSSED_M = 1e-4
"""How far ends stand off the other's plane at least, to call two pieces crossing."""
_CROSSED = -1.0
_ROUNDING_M = 1e-8
_BLOCK = 16
_MEASURED_M = 4e-4
"""Up to this error of a distance a measured one counts: with what the definition understates it
is within 1 mm."""
WORK_COLUMNS = 9
WORK_SHARES = 3
"""Room for the pieces of two outlines is an array of this many rows, (at least) one for each vertex
of either: a piece's start, end, and the unit normal of the vertical plane through both. The first
share holds the first outline's, then the second's, then balls around runs of pieces."""
GLANCE_M = 100_000.0
"""Up to these radii and minimum together the bound of ``doubt_m`` holds."""
CORE_M = 20_000.0
"""Radius of the largest polygon that is given a core."""
NO_CORE_M = -1e9
_PER_GRADIENT_M = SEMI_MAJOR_M * 1.00001
_PER_A2, _PER_B2 = 1.0 / SEMI_MAJOR_M**2, 1.0 / SEMI_MINOR_M**2


class Shape(NamedTuple):
    """An outline for kernels."""

    at: Floats
    """(n, 3) metres, ECEF; vertices of many outlines."""
    first: int
    size: int
    """Vertices; 1 for a circle: its centre."""
    center: Vector
    radius_m: float
    """Of a ball that holds the area."""
    rim_m: float
    """Radius of a circle, 0 of a polygon."""
    core_m: float
    """Radius of a ball about the centre that holds no ground outside the outline, or
    ``NO_CORE_M``."""


class Nearest(NamedTuple):
    """The closest points found of two boundaries; ``apart_m`` is negative if they cross there."""

    apart_m: float
    p: Vector
    q: Vector


@kernel
def separation_error_m(apart_m: float) -> float:
    """Return how far off a distance between boundaries is at most."""
    return 3.0 * PIECE_ERROR_M + arc_error_m(apart_m)


@kernel
def vertex(shape: Shape, i: int) -> Vector:
    """Return a vertex of a polygon, or the centre of a circle."""
    k = shape.first + i
    return Vector(shape.at[k, 0], shape.at[k, 1], shape.at[k, 2])


@kernel
def _keep(shape: Shape, center: Vector, reach_m: float, rows: Floats, base: int) -> int:
    """Write the pieces of a polygon that come near a ball from row ``base``; return how many."""
    if shape.size < 3:
        return 0
    kept = base
    a = vertex(shape, shape.size - 1)
    for i in range(shape.size):
        b = vertex(shape, i)
        ux, uy, uz = b.x - a.x, b.y - a.y, b.z - a.z
        mx, my, mz = 0.5 * (a.x + b.x), 0.5 * (a.y + b.y), 0.5 * (a.z + b.z)
        gx, gy, gz = mx * _PER_A2, my * _PER_A2, mz * _PER_B2
        nx, ny, nz = uy * gz - uz * gy, uz * gx - ux * gz, ux * gy - uy * gx
        size = sqrt(nx * nx + ny * ny + nz * nz)
        # The chord stands square on the gradient in its middle, hence this is its length, or more.
        reach = reach_m + 0.501 * size * _PER_GRADIENT_M
        dx, dy, dz = mx - center.x, my - center.y, mz - center.z
        if dx * dx + dy * dy + dz * dz <= reach * reach:
            share = 1.0 / size
            rows[kept, 0], rows[kept, 1], rows[kept, 2] = a.x, a.y, a.z
            rows[kept, 3], rows[kept, 4], rows[kept, 5] = b.x, b.y, b.z
            rows[kept, 6], rows[kept, 7], rows[kept, 8] = nx * share, ny * share, nz * share
            kept += 1
        a = b
    return kept - base


@kernel
def _block(rows: Floats, base: int, count: int, target: int) -> int:
    """Write a ball around each run of ``_BLOCK`` pieces from row ``target``; return how many."""
    made = 0
    for start in range(base, base + count, _BLOCK):
        stop = min(start + _BLOCK, base + count)
        x = y = z = 0.0
        for i in range(start, stop):
            x += rows[i, 0]
            y += rows[i, 1]
            z += rows[i, 2]
        share = 1.0 / (stop - start)
        x, y, z = x * share, y * share, z * share
        widest = longest = 0.0
        for i in range(start, stop):
            dx, dy, dz = rows[i, 0] - x, rows[i, 1] - y, rows[i, 2] - z
            widest = max(widest, dx * dx + dy * dy + dz * dz)
            dx, dy, dz = rows[i, 3] - x, rows[i, 4] - y, rows[i, 5] - z
            widest = max(widest, dx * dx + dy * dy + dz * dz)
            dx, dy, dz = rows[i, 3] - rows[i, 0], rows[i, 4] - rows[i, 1], rows[i, 5] - rows[i, 2]
            longest = max(longest, dx * dx + dy * dy + dz * dz)
        ball = target + made
        rows[ball, 0], rows[ball, 1], rows[ball, 2] = x, y, z
        rows[ball, 3] = sqrt(widest) + 1.03 * CURVATURE_MAX * longest / 8.0
        made += 1
    return made


@kernel
def _to_edge(p: Vector, a: Vector, b: Vector, best_m: float) -> tuple[float, Vector]:
    """Return distance and place of the closest point of an edge, if it can be below the best."""
    ux, uy, uz = b.x - a.x, b.y - a.y, b.z - a.z
    px, py, pz = p.x - a.x, p.y - a.y, p.z - a.z
    squared = ux * ux + uy * uy + uz * uz
    t = (px * ux + py * uy + pz * uz) / squared
    t = min(1.0, max(0.0, t))
    dx, dy, dz = px - t * ux, py - t * uy, pz - t * uz
    most_m = best_m + 1.03 * CURVATURE_MAX * squared / 8.0 + _ROUNDING_M
    if dx * dx + dy * dy + dz * dz > most_m * most_m:
        return best_m, p
    q = foot(p, a, b)
    return arc_m(p, q), q


@kernel
def _meet(rows: Floats, i: int, j: int, best: Nearest) -> Nearest:
    """Return the best there is, after a look at one piece of each boundary."""
    a, b = Vector(rows[i, 0], rows[i, 1], rows[i, 2]), Vector(rows[i, 3], rows[i, 4], rows[i, 5])
    c, d = Vector(rows[j, 0], rows[j, 1], rows[j, 2]), Vector(rows[j, 3], rows[j, 4], rows[j, 5])
    x, y, z = rows[i, 6], rows[i, 7], rows[i, 8]
    side_c = (c.x - a.x) * x + (c.y - a.y) * y + (c.z - a.z) * z
    side_d = (d.x - a.x) * x + (d.y - a.y) * y + (d.z - a.z) * z
    clear_m = best.apart_m + _CROSSED_M
    if (side_c > clear_m and side_d > clear_m) or (side_c < -clear_m and side_d < -clear_m):
        return best
    x, y, z = rows[j, 6], rows[j, 7], rows[j, 8]
    side_a = (a.x - c.x) * x + (a.y - c.y) * y + (a.z - c.z) * z
    side_b = (b.x - c.x) * x + (b.y - c.y) * y + (b.z - c.z) * z
    if side_a * side_b < 0.0 and side_c * side_d < 0.0:
        least = min(abs(side_a), abs(side_b), abs(side_c), abs(side_d))
        if least > _CROSSED_M:
            t = side_a / (side_a - side_b)
            at = along(a, b, t)
            return Nearest(_CROSSED, at, at)
    if abs(side_a) <= best.apart_m + _ROUNDING_M:
        apart_m, q = _to_edge(a, c, d, best.apart_m)
        if apart_m < best.apart_m:
            best = Nearest(apart_m, a, q)
    if abs(side_c) <= best.apart_m + _ROUNDING_M:
        apart_m, p = _to_edge(c, a, b, best.apart_m)
        if apart_m < best.apart_m:
            best = Nearest(apart_m, p, c)
    return best


@kernel
def _from_point(p: Vector, rows: Floats, base: int, count: int, best: Nearest) -> Nearest:
    """Return the point of a boundary that is closest to the centre of a circle."""
    for j in range(base, base + count):
        c, d = (
            Vector(rows[j, 0], rows[j, 1], rows[j, 2]),
            Vector(rows[j, 3], rows[j, 4], rows[j, 5]),
        )
        apart_m, q = _to_edge(p, c, d, best.apart_m)
        if apart_m < best.apart_m:
            best = Nearest(apart_m, p, q)
    return best


@kernel
def nearest(a: Shape, b: Shape, beyond_m: float, enough_m: float, rows: Floats) -> Nearest:
    """Return where two boundaries are closest, the rims of circles left out.

    Not both are circles. ``apart_m`` is ``beyond_m`` if they are nowhere nearer, and negative if
    they cross. Ends early once they are within ``enough_m``.
    """
    best = Nearest(beyond_m, a.center, b.center)
    share = rows.shape[0] // WORK_SHARES
    count_a = _keep(a, b.center, b.radius_m + beyond_m, rows, 0)
    count_b = _keep(b, a.center, a.radius_m + beyond_m, rows, share)
    if a.size == 1:
        return _from_point(vertex(a, 0), rows, share, count_b, best)
    if b.size == 1:
        found = _from_point(vertex(b, 0), rows, 0, count_a, best)
        return Nearest(found.apart_m, found.q, found.p)
    balls_a = 2 * share
    balls_b = balls_a + _block(rows, 0, count_a, balls_a)
    end = balls_b + _block(rows, share, count_b, balls_b)
    for k in range(balls_a, balls_b):
        for m in range(balls_b, end):
            dx, dy, dz = rows[k, 0] - rows[m, 0], rows[k, 1] - rows[m, 1], rows[k, 2] - rows[m, 2]
            reach = max(0.0, best.apart_m) + rows[k, 3] + rows[m, 3] + _CROSSED_M
            if dx * dx + dy * dy + dz * dz > reach * reach:
                continue
            i0, j0 = (k - balls_a) * _BLOCK, (m - balls_b) * _BLOCK
            for i in range(i0, min(count_a, i0 + _BLOCK)):
                for j in range(share + j0, share + min(count_b, j0 + _BLOCK)):
                    best = _meet(rows, i, j, best)
                    if best.apart_m <= enough_m:
                        return best
    return best


@kernel
def holds(polygon: Shape, place: Vector) -> int:
    """Report whether the area of a polygon holds a point: WITHIN, APART or UNSURE; a circle: never.

    Unsure is what lies within twice ``PIECE_ERROR_M`` of an edge. Counts the edges that cross the
    vertical plane through the point on one side of it.
    """
    if polygon.size < 3:
        return APART
    dx, dy, dz = place.x - polygon.center.x, place.y - polygon.center.y, place.z - polygon.center.z
    if dx * dx + dy * dy + dz * dz > polygon.radius_m * polygon.radius_m:
        return APART
    ux, uy, uz = place.x * _PER_A2, place.y * _PER_A2, place.z * _PER_B2
    # The plane's normal: some direction along the ground.
    if abs(place.z) < 0.9 * SEMI_MINOR_M:
        nx, ny, nz = -uy, ux, 0.0
    else:
        nx, ny, nz = 0.0, -uz, uy
    inside = False
    a = vertex(polygon, polygon.size - 1)
    over_a = (a.x - place.x) * nx + (a.y - place.y) * ny + (a.z - place.z) * nz > 0.0
    for i in range(polygon.size):
        b = vertex(polygon, i)
        over_b = (b.x - place.x) * nx + (b.y - place.y) * ny + (b.z - place.z) * nz > 0.0
        if over_a != over_b:
            ex, ey, ez = b.x - a.x, b.y - a.y, b.z - a.z
            gx = 0.5 * (a.x + b.x) * _PER_A2
            gy = 0.5 * (a.y + b.y) * _PER_A2
            gz = 0.5 * (a.z + b.z) * _PER_B2
            x, y, z = ey * gz - ez * gy, ez * gx - ex * gz, ex * gy - ey * gx
            side = x * (place.x - a.x) + y * (place.y - a.y) + z * (place.z - a.z)
            if side * side <= (x * x + y * y + z * z) * (4.0 * PIECE_ERROR_M * PIECE_ERROR_M):
                return UNSURE
            if (side > 0.0) == over_b:
                inside = not inside
        a = b
        over_a = over_b
    return WITHIN if inside else APART


@kernel
def _circles(a: Shape, b: Shape, limit_m: float) -> int:
    apart_m = arc_m(vertex(a, 0), vertex(b, 0))
    error_m = arc_error_m(apart_m)
    least_m = limit_m + a.rim_m + b.rim_m
    if apart_m + error_m <= least_m:
        return WITHIN
    return APART if apart_m - error_m - 2.0 * CIRCLES_M > least_m else UNSURE


@kernel
def core_m(polygon: Shape) -> float:
    """Return the radius of the core of a polygon.

    The ground in a ball about the centre is one disc. Where no edge enters the ball, and the centre
    is inside, all of it is. An edge bends out of its chord by an eighth of length squared times
    curvature; the length is within 1 % of the chord.
    """
    if polygon.radius_m > CORE_M or holds(polygon, polygon.center) != WITHIN:
        return NO_CORE_M
    c = polygon.center
    least = longest = polygon.radius_m * polygon.radius_m
    a = vertex(polygon, polygon.size - 1)
    for i in range(polygon.size):
        b = vertex(polygon, i)
        ux, uy, uz = b.x - a.x, b.y - a.y, b.z - a.z
        px, py, pz = c.x - a.x, c.y - a.y, c.z - a.z
        squared = ux * ux + uy * uy + uz * uz
        if squared > 0.0:
            t = min(1.0, max(0.0, (px * ux + py * uy + pz * uz) / squared))
            px, py, pz = px - t * ux, py - t * uy, pz - t * uz
        least = min(least, px * px + py * py + pz * pz)
        longest = max(longest, squared)
        a = b
    core = sqrt(least) - 1.03 * CURVATURE_MAX * longest / 8.0 - 1e-6
    return core if core > 0.0 else NO_CORE_M


@inlined
def doubt_m(reach_m: float) -> float:
    """Return by how much a glance may be wrong at most, for radii and minimum together.

    For k the largest curvature and s the reach, up to ``GLANCE_M``: a centre lies under the ground
    by at most k s^2 / 2, a point on the line between two by k s^2 / 8 more. Where cores meet below
    the ground, the ground above is in both once each is less by that much; with a minimum, the way
    between them is longer by it at either end. Hence 4 times 5/8, and half of k s^2 is left: the
    arcs of rims and minimum are longer than their chords by a hundredth of that. An outline
    reaches over the plane of its vertices by at most (2 s)^2 k / 8. A centimetre is more than what
    definition, rounding and ``CIRCLES_M`` make up.
    """
    return 0.01 + 3.0 * CURVATURE_MAX * reach_m * reach_m


@inlined
def _toward(shape: Shape, x: float, y: float, z: float) -> float:
    """Return how far the vertices reach from the centre along a direction, times its length."""
    at, c = shape.at, shape.center
    most = -SEMI_MAJOR_M * SEMI_MAJOR_M
    for k in range(shape.first, shape.first + shape.size):
        most = max(most, (at[k, 0] - c.x) * x + (at[k, 1] - c.y) * y + (at[k, 2] - c.z) * z)
    return most


@inlined
def at_a_glance(a: Shape, b: Shape, limit_m: float) -> int:
    """Return the verdict where centres, cores and one plane tell, else UNSURE; see ``doubt_m``."""
    reach_m = a.radius_m + b.radius_m + limit_m
    if reach_m > GLANCE_M:
        return UNSURE
    doubt = doubt_m(reach_m)
    dx, dy, dz = b.center.x - a.center.x, b.center.y - a.center.y, b.center.z - a.center.z
    squared = dx * dx + dy * dy + dz * dz
    cores_m = a.core_m + b.core_m + limit_m - doubt
    if cores_m > 0.0 and squared <= cores_m * cores_m:
        return WITHIN
    between = squared - _toward(a, dx, dy, dz) - _toward(b, -dx, -dy, -dz)
    if between > (limit_m + a.rim_m + b.rim_m + doubt) * sqrt(squared):
        return APART
    return UNSURE


@kernel
def verdict(a: Shape, b: Shape, limit_m: float, rows: Floats) -> int:
    """Return whether two outlines are within a limit of each other, apart, or too close to tell."""
    dx, dy, dz = a.center.x - b.center.x, a.center.y - b.center.y, a.center.z - b.center.z
    reach = a.radius_m + b.radius_m + limit_m + CONTACT_M
    if dx * dx + dy * dy + dz * dz > reach * reach:
        return APART
    if a.size == 1 and b.size == 1:
        return _circles(a, b, limit_m)
    seen = at_a_glance(a, b, limit_m)
    if seen != UNSURE:
        return seen
    if holds(a, vertex(b, 0)) == WITHIN or holds(b, vertex(a, 0)) == WITHIN:
        return WITHIN
    least_m = limit_m + a.rim_m + b.rim_m
    error_m = separation_error_m(least_m)
    beyond_m = least_m + CONTACT_M + error_m
    found = nearest(a, b, beyond_m, max(0.0, least_m - error_m), rows)
    if found.apart_m <= least_m - error_m:
        return WITHIN
    if _same(found):  # Outlines that share a vertex touch, whatever the errors.
        return WITHIN
    return APART if found.apart_m >= beyond_m else UNSURE


@kernel
def _same(found: Nearest) -> bool:
    p, q = found.p, found.q
    return found.apart_m == 0.0 and p.x == q.x and p.y == q.y and p.z == q.z


@kernel
def measure(a: Shape, b: Shape, beyond_m: float, rows: Floats) -> Nearest:
    """Return how far apart two outlines are, up to ``beyond_m``, and the place in between.

    Zero if they share a point, and then the place is one that both hold. Understated as the
    definition understates it; differs from it by at most 0.6 mm and twice the error bound.
    """
    rims_m = a.rim_m + b.rim_m
    if a.size == 1 and b.size == 1:
        p, q = vertex(a, 0), vertex(b, 0)
        found = Nearest(arc_m(p, q), p, q)
        under_m = CIRCLES_M
    else:
        found = nearest(a, b, beyond_m + rims_m + CONTACT_M, _CROSSED, rows)
        under_m = RESOLUTION_M
        if found.apart_m > CONTACT_M:
            if holds(a, vertex(b, 0)) == WITHIN:
                return Nearest(0.0, vertex(b, 0), vertex(b, 0))
            if holds(b, vertex(a, 0)) == WITHIN:
                return Nearest(0.0, vertex(a, 0), vertex(a, 0))
    apart_m = max(0.0, found.apart_m)
    p, q = found.p, found.q
    t = 0.5
    if apart_m > 0.0:
        t = min(1.0, max(0.0, 0.5 * (1.0 + (a.rim_m - b.rim_m) / apart_m)))
    at = along(p, q, t)
    return Nearest(max(0.0, apart_m - rims_m - under_m), at, at)


@kernel
def is_rough(a: Shape, b: Shape, found: Nearest) -> bool:
    """Report whether the error of a measured distance may be above a millimetre."""
    far_m = found.apart_m + a.rim_m + b.rim_m
    error_m = arc_error_m(far_m) if a.size == b.size == 1 else separation_error_m(far_m)
    return found.apart_m > 0.0 and error_m > _MEASURED_M


@kernel
def in_order(a: Shape, b: Shape) -> bool:
    """Report whether the values of two outlines put the first one first, or are the same."""
    if a.size != b.size:
        return a.size < b.size
    if a.rim_m != b.rim_m:
        return a.rim_m < b.rim_m
    for i in range(a.size):
        p, q = vertex(a, i), vertex(b, i)
        if p.x != q.x:
            return p.x < q.x
        if p.y != q.y:
            return p.y < q.y
        if p.z != q.z:
            return p.z < q.z
    return True
