"""Volumes: an outline on the earth, a band of altitude, a span of time.

Values only; what two volumes have to do with each other is in ``conflict``, distances are in
``geodesy``. Latitude before longitude, degrees. Altitudes are metres above the WGS84 ellipsoid;
conversion from other datums happens at the edge (``formats/altitude.py``).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias

from tansiq.domain.time import TimeSpan
from tansiq.errors import InvalidVolume

ALTITUDE_M_MIN = -8_000.0  # Bounds of utm.yaml's Altitude.
ALTITUDE_M_MAX = 100_000.0
RADIUS_M_MAX = 1_000_000.0
"""Far above any flight; a larger "circle" is a typing error (km for m, or a wrong unit)."""
VERTICES_MAX = 10_000  # F3548-21: vertices of one operational intent.


@dataclass(frozen=True, slots=True, order=True)
class LatLng:
    """A point on the ellipsoid, degrees.

    Longitude 180 and -180 are the same meridian; both are kept as given.

    Raises:
        InvalidVolume: not numbers, or out of range.
    """

    lat_deg: float
    lng_deg: float

    def __post_init__(self) -> None:
        # Positive comparisons, because NaN fails every one of them.
        if not -90.0 <= self.lat_deg <= 90.0:
            raise InvalidVolume(
                f"latitude {self.lat_deg} is not within -90 to 90 degrees; "
                "are latitude and longitude swapped?",
                field="lat",
            )
        if not -180.0 <= self.lng_deg <= 180.0:
            raise InvalidVolume(
                f"longitude {self.lng_deg} is not within -180 to 180 degrees", field="lng"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A geodesic disc: all points within ``radius_m`` of ``center`` along the ellipsoid.

    Raises:
        InvalidVolume: the radius is not a positive number, or absurdly large.
    """

    center: LatLng
    radius_m: float

    def __post_init__(self) -> None:
        if not 0.0 < self.radius_m <= RADIUS_M_MAX:
            raise InvalidVolume(
                f"radius {self.radius_m} m is not above 0 and at most {RADIUS_M_MAX:.0f} m",
                field="radius_m",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """An area bounded by geodesics between consecutive vertices; the smaller side is inside.

    The last vertex is joined to the first and not repeated. Winding does not matter. Construction
    checks counts and repetition; crossing edges are refused by ``geodesy.check_outline``, which
    every edge of the system calls, because that test costs more than a value type should.

    Raises:
        InvalidVolume: fewer than 3 or too many vertices, or two consecutive ones are equal.
    """

    vertices: tuple[LatLng, ...]

    def __post_init__(self) -> None:
        if not 3 <= len(self.vertices) <= VERTICES_MAX:
            raise InvalidVolume(
                f"{len(self.vertices)} vertices; a polygon has 3 to {VERTICES_MAX}",
                field="vertices",
            )
        if any(a == b for a, b in zip(self.vertices, self.vertices[1:], strict=False)):
            raise InvalidVolume("two consecutive vertices are the same point", field="vertices")
        if self.vertices[0] == self.vertices[-1]:
            raise InvalidVolume("the last vertex repeats the first; leave it out", field="vertices")


Outline: TypeAlias = Circle | Polygon


@dataclass(frozen=True, slots=True, kw_only=True)
class AltitudeBand:
    """A closed span of altitude, in metres above the WGS84 ellipsoid.

    The ellipsoid is the only vertical reference F3548-21 admits (``W84``), so arithmetic in the
    core never mixes references.

    Raises:
        InvalidVolume: the bounds are reversed, not numbers, or out of range.
    """

    lower_m: float
    upper_m: float

    def __post_init__(self) -> None:
        if not ALTITUDE_M_MIN <= self.lower_m <= ALTITUDE_M_MAX:
            raise InvalidVolume(
                f"{self.lower_m} m is not within {ALTITUDE_M_MIN:.0f} to {ALTITUDE_M_MAX:.0f} m",
                field="altitude_lower",
            )
        if not ALTITUDE_M_MIN <= self.upper_m <= ALTITUDE_M_MAX:
            raise InvalidVolume(
                f"{self.upper_m} m is not within {ALTITUDE_M_MIN:.0f} to {ALTITUDE_M_MAX:.0f} m",
                field="altitude_upper",
            )
        if self.lower_m > self.upper_m:
            raise InvalidVolume(
                f"lower {self.lower_m} m is above upper {self.upper_m} m; swap them",
                field="altitude_lower",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume3D:
    """An outline between two altitudes."""

    outline: Outline
    altitude: AltitudeBand


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume4D:
    """An outline between two altitudes, for a span of time."""

    volume: Volume3D
    time: TimeSpan

    @property
    def outline(self) -> Outline:
        return self.volume.outline

    @property
    def altitude(self) -> AltitudeBand:
        return self.volume.altitude

    def shifted(self, *, by: timedelta = timedelta(0), up_m: float = 0.0) -> "Volume4D":
        """Return the volume moved in time and altitude.

        Raises:
            InvalidVolume: the band leaves the altitudes that exist.
        """
        band = AltitudeBand(
            lower_m=self.altitude.lower_m + up_m, upper_m=self.altitude.upper_m + up_m
        )
        return Volume4D(
            volume=replace(self.volume, altitude=band),
            time=self.time.shifted(by) if by else self.time,
        )


Volumes: TypeAlias = tuple[Volume4D, ...]


def time_bounds(volumes: Volumes) -> TimeSpan:
    """Return the earliest start and latest end of one or more volumes."""
    return TimeSpan(start=min(v.time.start for v in volumes), end=max(v.time.end for v in volumes))


def altitude_bounds(volumes: Volumes) -> AltitudeBand:
    """Return the lowest and highest altitude of one or more volumes."""
    return AltitudeBand(
        lower_m=min(v.altitude.lower_m for v in volumes),
        upper_m=max(v.altitude.upper_m for v in volumes),
    )
