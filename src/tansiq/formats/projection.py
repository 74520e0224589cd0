"""The projection of our pictures: azimuthal equidistant on a sphere; not for measuring.

True from its middle, and within 1 % anywhere up to 1,500 km away.
"""

import math
from collections.abc import Iterable, Sequence

from tansiq.domain.volume import LatLng

EARTH_M = 6_371_008.8
Point = tuple[float, float]


class Projection:
    """Metres east and north of the middle of some places."""

    def __init__(self, places: Iterable[LatLng]) -> None:
        sums = [0.0, 0.0, 0.0]
        for place in places:
            sums = [a + b for a, b in zip(sums, unit(place), strict=True)]
        length = math.hypot(*sums)
        x, y, z = (s / length for s in sums) if length > 1e-9 else (1.0, 0.0, 0.0)
        self._up = (x, y, z)
        flat = math.hypot(x, y)
        # North is up, but at a pole, where there is none.
        self._east = (-y / flat, x / flat, 0.0) if flat > 1e-9 else (0.0, 1.0, 0.0)
        self._north = _cross(self._up, self._east)

    def __call__(self, place: LatLng) -> Point:
        """Return where a place is."""
        at = unit(place)
        x, y, z = (_dot(at, axis) for axis in (self._east, self._north, self._up))
        flat = math.hypot(x, y)
        share = EARTH_M * (math.atan2(flat, z) / flat if flat > 1e-15 else 1.0)
        return x * share, y * share

    def back(self, point: Point) -> LatLng:
        """Return the place of a point."""
        away = math.hypot(*point) / EARTH_M
        share = (math.sin(away) / away if away > 1e-12 else 1.0) / EARTH_M
        x, y, z = point[0] * share, point[1] * share, math.cos(away)
        at = [
            x * e + y * n + z * u for e, n, u in zip(self._east, self._north, self._up, strict=True)
        ]
        lat_deg = math.degrees(math.atan2(at[2], math.hypot(at[0], at[1])))
        return LatLng(lat_deg, math.degrees(math.atan2(at[1], at[0])))


def unit(place: LatLng) -> tuple[float, float, float]:
    """Return the direction of a place from the centre of the sphere."""
    lat, lng = math.radians(place.lat_deg), math.radians(place.lng_deg)
    return math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat)


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _cross(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    return (
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    )
