"""The ellipsoid for kernels: places in space (ECEF, metres), arcs over chords, points and edges.

Everything is worked out in space, with vertical planes; there is no projection, hence no special
case at the poles or the 180th meridian and no limit of size. Four facts, each checked by test
against geodesics (``tests/engine/test_earth.py``):

- The geodesic over a chord of c metres is as long as an arc of the ellipsoid's normal curvature at
  the middle, in that direction, within ``arc_error_m(c)``: 10 nm up to 10 km, 13 um at 200 km.
- A geodesic of up to ``PIECE_M`` lies within ``PIECE_ERROR_M`` of the vertical plane through its
  ends, and rises above their chord as a parabola does within ``RISE_ERROR_M``. Longer edges are cut
  along their geodesics before they get here.
- Two such pieces cross if, and only if, the ends of each lie on both sides of the other's plane.
- Where they do not cross, they are closest at an end of one of them (see ``domain/boundary.py``).
"""

from math import sqrt
from typing import NamedTuple

from tansiq.domain.ellipsoid import (
    CURVATURE_MAX,
    ECCENTRICITY_SQUARED,
    SEMI_MAJOR_M,
    SEMI_MINOR_M,
)
from tansiq.engine.compiled import Floats, kernel

PIECE_M = 20_000.0
PIECE_ERROR_M = 1e-5
RISE_ERROR_M = 5e-5

_PER_A2 = 1.0 / SEMI_MAJOR_M**2
_PER_B2 = 1.0 / SEMI_MINOR_M**2
_RADIANS = 0.017453292519943295
# fdlibm's polynomials on [-pi/4, pi/4]: less than one unit in the last place off.
_S1, _S2, _S3 = -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04
_S4, _S5, _S6 = 2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10
_C1, _C2, _C3 = 4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05
_C4, _C5 = -2.75573143513906633035e-07, 2.08757232129817482790e-09
_C6 = -1.13596475577881948265e-11


class Vector(NamedTuple):
    """A place or a direction in space."""

    x: float
    y: float
    z: float


@kernel
def sin_cos(angle_deg: float) -> tuple[float, float]:
    """Return sine and cosine of -180 to 180 degrees, the same to the bit on every machine."""
    quarter = 0
    rest = angle_deg
    # Exact: both terms are of like size.
    while rest > 45.0:
        rest -= 90.0
        quarter += 1
    while rest < -45.0:
        rest += 90.0
        quarter -= 1
    x = rest * _RADIANS
    z = x * x
    s = x + x * z * (_S1 + z * (_S2 + z * (_S3 + z * (_S4 + z * (_S5 + z * _S6)))))
    c = 1.0 - (0.5 * z - z * z * (_C1 + z * (_C2 + z * (_C3 + z * (_C4 + z * (_C5 + z * _C6))))))
    turn = quarter & 3
    if turn == 0:
        return s, c
    if turn == 1:
        return c, -s
    if turn == 2:
        return -s, -c
    return -c, s


@kernel
def ecef(lat_deg: float, lng_deg: float) -> Vector:
    """Return a point of the ellipsoid as a place in space."""
    sin_lat, cos_lat = sin_cos(lat_deg)
    sin_lng, cos_lng = sin_cos(lng_deg)
    normal_m = SEMI_MAJOR_M / sqrt(1.0 - ECCENTRICITY_SQUARED * sin_lat * sin_lat)
    across_m = normal_m * cos_lat
    return Vector(
        across_m * cos_lng, across_m * sin_lng, normal_m * (1.0 - ECCENTRICITY_SQUARED) * sin_lat
    )


@kernel
def arc_m(p: Vector, q: Vector) -> float:
    """Return the length of the geodesic between two points, within ``arc_error_m`` of the chord."""
    dx, dy, dz = p.x - q.x, p.y - q.y, p.z - q.z
    squared = dx * dx + dy * dy + dz * dz
    if squared == 0.0:
        return 0.0
    mx, my, mz = 0.5 * (p.x + q.x), 0.5 * (p.y + q.y), 0.5 * (p.z + q.z)
    # For d the difference and m the middle, A the diagonal matrix of the ellipsoid: the curvature
    # is dAd / (dd |Am|) where the ray through m meets the surface, and there mAm = 1 - dAd / 4.
    w = (dx * dx + dy * dy) * _PER_A2 + dz * dz * _PER_B2
    steep = (mx * mx + my * my) * (_PER_A2 * _PER_A2) + mz * mz * (_PER_B2 * _PER_B2)
    u = w * w * (1.0 - 0.25 * w) / (squared * steep)
    over = u * (1.0 / 24.0 + u * (3.0 / 640.0 + u * (5.0 / 7168.0 + u * (35.0 / 294912.0))))
    return sqrt(squared) * (1.0 + over)


@kernel
def arc_error_m(chord_m: float) -> float:
    """Return how far off ``arc_m`` is at most."""
    share = chord_m * 1e-5
    squared = share * share
    return 1e-8 + 4e-7 * squared * squared * share


@kernel
def foot(p: Vector, a: Vector, b: Vector) -> Vector:
    """Return the point of the edge ab that is closest to a point of the ellipsoid."""
    ux, uy, uz = b.x - a.x, b.y - a.y, b.z - a.z
    squared = ux * ux + uy * uy + uz * uz
    gx, gy, gz = (
        0.5 * (a.x + b.x) * _PER_A2,
        0.5 * (a.y + b.y) * _PER_A2,
        0.5 * (a.z + b.z) * _PER_B2,
    )
    steep = sqrt(gx * gx + gy * gy + gz * gz)
    gx, gy, gz = gx / steep, gy / steep, gz / steep
    w = (ux * ux + uy * uy) * _PER_A2 + uz * uz * _PER_B2
    rise = 0.5 * w * sqrt(1.0 - 0.25 * w) / steep  # Half of curvature times length squared.
    px, py, pz = p.x - a.x, p.y - a.y, p.z - a.z
    t = (px * ux + py * uy + pz * uz) / squared
    t = min(1.0, max(0.0, t))
    for _ in range(2):
        h = t * (1.0 - t) * rise
        bend = (1.0 - 2.0 * t) * rise
        # The tangent, and what is left to go along it.
        tx, ty, tz = ux + bend * gx, uy + bend * gy, uz + bend * gz
        left = (
            (px - t * ux - h * gx) * tx + (py - t * uy - h * gy) * ty + (pz - t * uz - h * gz) * tz
        )
        t = min(1.0, max(0.0, t + left / squared))
    if t == 0.0:
        return a
    if t == 1.0:
        return b
    h = t * (1.0 - t) * rise
    return Vector(a.x + t * ux + h * gx, a.y + t * uy + h * gy, a.z + t * uz + h * gz)


@kernel
def along(a: Vector, b: Vector, share: float) -> Vector:
    """Return the point so far along the geodesic ab; within a millionth of up to 200 km."""
    ux, uy, uz = b.x - a.x, b.y - a.y, b.z - a.z
    squared = ux * ux + uy * uy + uz * uz
    if squared == 0.0:
        return a
    gx, gy, gz = (a.x + b.x) * _PER_A2, (a.y + b.y) * _PER_A2, (a.z + b.z) * _PER_B2
    steep = gx * gx + gy * gy + gz * gz
    w = (ux * ux + uy * uy) * _PER_A2 + uz * uz * _PER_B2
    # Equal shares of an arc are not equal shares of its chord: the sine, to the third power.
    bend = 4.0 * w * w / (squared * steep)
    off = share - 0.5
    t = 0.5 + off * (1.0 - off * off * bend / 6.0) / (1.0 - bend / 24.0)
    h = t * (1.0 - t) * w / steep
    return Vector(a.x + t * ux + h * gx, a.y + t * uy + h * gy, a.z + t * uz + h * gz)


@kernel
def enclose(at: Floats, first: int, count: int) -> tuple[Vector, float]:
    """Return a ball that holds the whole area of a polygon: centre, radius in metres.

    The centre lies among the vertices, hence under the ground by at most the square of the radius
    over twice the earth's. Source: Ritter, An efficient bounding sphere (1990).
    """
    one = _farthest(at, first, count, Vector(at[first, 0], at[first, 1], at[first, 2]))
    p = Vector(at[one, 0], at[one, 1], at[one, 2])
    other = _farthest(at, first, count, p)
    x, y, z = 0.5 * (p.x + at[other, 0]), 0.5 * (p.y + at[other, 1]), 0.5 * (p.z + at[other, 2])
    dx, dy, dz = p.x - x, p.y - y, p.z - z
    radius = sqrt(dx * dx + dy * dy + dz * dz)
    longest = 0.0
    j = first + count - 1
    for i in range(first, first + count):
        dx, dy, dz = at[i, 0] - at[j, 0], at[i, 1] - at[j, 1], at[i, 2] - at[j, 2]
        longest = max(longest, dx * dx + dy * dy + dz * dz)
        j = i
        dx, dy, dz = at[i, 0] - x, at[i, 1] - y, at[i, 2] - z
        squared = dx * dx + dy * dy + dz * dz
        if squared > radius * radius:
            away = sqrt(squared)
            share = 0.5 * (away - radius) / away
            radius = 0.5 * (away + radius)
            x, y, z = x + share * dx, y + share * dy, z + share * dz
    # A piece bends out of its chord by an eighth of length squared times curvature; the length is
    # within 1 % of the chord.
    return Vector(x, y, z), radius + 1.03 * CURVATURE_MAX * longest / 8.0 + 1e-6


@kernel
def _farthest(at: Floats, first: int, count: int, p: Vector) -> int:
    found, most = first, -1.0
    for i in range(first, first + count):
        dx, dy, dz = at[i, 0] - p.x, at[i, 1] - p.y, at[i, 2] - p.z
        squared = dx * dx + dy * dy + dz * dz
        if squared > most:
            found, most = i, squared
    return found
