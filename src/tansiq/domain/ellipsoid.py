"""Points and geodesics on the WGS84 ellipsoid; the only user of ``geographiclib``.

Radians and earth-centred vectors (ECEF, metres) stay inside ``ellipsoid``, ``boundary`` and
``geodesy``. Nothing here has a special case at the poles or at the 180th meridian.
"""

import math
from functools import cached_property
from typing import TypeAlias

from geographiclib.geodesic import Geodesic

from tansiq.domain.volume import LatLng

Vector: TypeAlias = tuple[float, float, float]

SEMI_MAJOR_M = 6_378_137.0  # Source: WGS84, NGA.STND.0036.
FLATTENING = 1 / 298.257223563
SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING)
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)
CURVATURE_MAX = SEMI_MAJOR_M / SEMI_MINOR_M**2
"""Per metre: along the meridian at the equator. No geodesic bends more in space."""
CONVERGED_M = 1e-5
_STEPS_MAX = 20

_WGS84 = Geodesic.WGS84
_INVERSE = Geodesic.DISTANCE | Geodesic.AZIMUTH
_ALONG = Geodesic.LATITUDE | Geodesic.LONGITUDE | Geodesic.AZIMUTH


def ecef(point: LatLng) -> Vector:
    """Return the point as a vector from the centre of the earth."""
    lat, lng = math.radians(point.lat_deg), math.radians(point.lng_deg)
    sin_lat = math.sin(lat)
    normal = SEMI_MAJOR_M / math.sqrt(1 - ECCENTRICITY_SQUARED * sin_lat * sin_lat)
    across = normal * math.cos(lat)
    return (
        across * math.cos(lng),
        across * math.sin(lng),
        normal * (1 - ECCENTRICITY_SQUARED) * sin_lat,
    )


def up(vector: Vector) -> Vector:
    """Return the unit normal of the ellipsoid where the ray through ``vector`` pierces it."""
    x, y, z = vector
    x, y, z = x / SEMI_MAJOR_M**2, y / SEMI_MAJOR_M**2, z / SEMI_MINOR_M**2
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def point_at(vector: Vector) -> LatLng:
    """Return the point of the ellipsoid on the ray through ``vector``."""
    x, y, z = up(vector)
    return LatLng(math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))


def plane(normal: Vector) -> tuple[Vector, Vector]:
    """Return two unit vectors that span the plane across a unit normal; their azimuth is free."""
    x, y, z = normal
    if abs(z) < 0.9:
        length = math.hypot(x, y)
        first = (-y / length, x / length, 0.0)
    else:
        length = math.hypot(y, z)
        first = (0.0, -z / length, y / length)
    a, b, c = first
    return first, (y * c - z * b, z * a - x * c, x * b - y * a)


def arc_m_max(chord_m: float) -> float:
    """Return the greatest length of a geodesic that spans a chord, for up to a hemisphere."""
    return 2 / CURVATURE_MAX * math.asin(min(1.0, chord_m * CURVATURE_MAX / 2)) * (1 + 1e-12)


def distance_m(a: LatLng, b: LatLng) -> float:
    """Return the length of the geodesic between two points; the same to the bit either way."""
    if b < a:
        a, b = b, a
    found: float = _WGS84.Inverse(a.lat_deg, a.lng_deg, b.lat_deg, b.lng_deg, Geodesic.DISTANCE)[
        "s12"
    ]
    return found


def is_beyond(a: LatLng, b: LatLng, limit_m: float) -> bool:
    """Report whether two points are further apart than a limit, to 10 nanometres; quick where a way
    along meridian and parallel, or the chord and the longest geodesic over it, decide.
    """
    if (abs(b.lat_deg - a.lat_deg) + abs(b.lng_deg - a.lng_deg)) * _M_PER_DEG_MAX <= limit_m:
        return False
    chord_m = math.dist(ecef(a), ecef(b))
    if chord_m > limit_m:
        return True
    if limit_m < _QUICK_M_MAX and arc_m_max(chord_m) <= limit_m:
        return False
    return distance_m(a, b) > limit_m


_QUICK_M_MAX = 5_000_000.0
_M_PER_DEG_MAX = math.radians(SEMI_MAJOR_M**2 / SEMI_MINOR_M) + 0.1
"""More than a degree of any meridian or parallel, by what rounding can take: 111,694 m at the
poles."""


def destination(start: LatLng, azimuth_deg: float, distance_m: float) -> LatLng:
    """Return where a geodesic ends that leaves ``start`` at an azimuth (from north, clockwise)."""
    end = _WGS84.Direct(start.lat_deg, start.lng_deg, azimuth_deg, distance_m)
    return LatLng(end["lat2"], end["lon2"])


class Edge:
    """The geodesic between two consecutive vertices. Its line is computed once it is needed."""

    def __init__(self, number: int, start: LatLng, end: LatLng) -> None:
        self.number = number
        self.start = start
        self.end = end

    @cached_property
    def _line(self):  # type: ignore[no-untyped-def] # geographiclib ships no types.
        a, b = self.start, self.end
        return _WGS84.InverseLine(a.lat_deg, a.lng_deg, b.lat_deg, b.lng_deg)

    @property
    def length_m(self) -> float:
        found: float = self._line.s13
        return found

    def at(self, fraction: float) -> Vector:
        """Return the point that lies so far along."""
        at = self._line.Position(fraction * self.length_m, _ALONG)
        return ecef(LatLng(at["lat2"], at["lon2"]))

    def distance_m(self, point: LatLng, near: float) -> float:
        """Return the geodesic distance of a point, given about where (a fraction) it is closest.

        Each step solves the right-angled triangle on a sphere, so that it converges in two to four
        steps. The value exceeds the true distance by less than ``CONVERGED_M``.
        Source: the method of Baselga and Martinez-Llario (2018), with the angle at the line.
        """
        length, s = self.length_m, near * self.length_m
        for _ in range(_STEPS_MAX):  # pragma: no branch # Five is the most that was seen.
            at = self._line.Position(s, _ALONG)
            to = _WGS84.Inverse(point.lat_deg, point.lng_deg, at["lat2"], at["lon2"], _INVERSE)
            angle, turn = to["s12"] / SEMI_MAJOR_M, math.radians(to["azi2"] - at["azi2"])
            ahead = SEMI_MAJOR_M * math.atan2(
                -math.sin(angle) * math.cos(turn), max(math.cos(angle), 1e-3)
            )
            following = min(max(s + ahead, 0.0), length)
            if abs(following - s) <= CONVERGED_M:
                break
            s = following
        found: float = to["s12"]
        return found
