"""An aircraft against one volume: is it inside, and how surely, its errors considered.

Bounds are closed. *Certain* is what holds wherever within its errors the aircraft is; the rest is
said of the place in the middle, and called possible. Distances to polygons are short by up to
``RESOLUTION_M``, and what lies that close to the edge is not certainly inside.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tansiq.domain import geodesy
from tansiq.domain.bearing import azimuth_deg, east_north_m
from tansiq.domain.estimate import Levels
from tansiq.domain.geodesy import RESOLUTION_M, destination
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline, Volume4D

_POINT_M: Final = 1e-9
"""Radius of a circle that is meant as a point: below what a degree in floating point tells."""
_STEP_M: Final = 10.0


class Within(IntEnum):
    """How surely something is inside; of two, the lesser holds for both together."""

    OUT = 0
    """Certainly outside."""
    LIKELY_OUT = 1
    """The middle is outside, the errors reach in."""
    UNKNOWN = 2
    """There is no height to tell by."""
    LIKELY_IN = 3
    IN = 4
    """Certainly inside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where an aircraft is, seen from one volume, whenever that is in force."""

    outline: Within
    """Horizontally."""
    level: Within
    """Vertically."""
    horizontal_m: float
    """From the outline to the middle of where it can be; 0 inside."""
    vertical_m: float
    """Above the band, negative below, from the nearest bound to the middle; 0 inside or unknown."""

    @property
    def within(self) -> Within:
        """Both together. What is outside one way is outside, whatever the other."""
        return min(self.outline, self.level)


def seen_from(
    volume: Volume4D, position: LatLng, error_m: float, height: Levels | None
) -> Whereabouts:
    """Return where something is that lies within an error of a position, at a height."""
    outside_m = distance_to_m(position, volume.outline)
    level, vertical_m = _level(volume.altitude, height)
    return Whereabouts(
        outline=_outline(volume.outline, position, error_m, outside_m),
        level=level,
        horizontal_m=outside_m,
        vertical_m=vertical_m,
    )


def distance_to_m(position: LatLng, outline: Outline, *, beyond_m: float = float("inf")) -> float:
    """Return the distance from a place to an outline, 0 inside; infinity if beyond a bound."""
    if isinstance(outline, Circle):
        apart_m = geodesy.distance_m(position, outline.center) - outline.radius_m
        return max(0.0, apart_m) if apart_m <= beyond_m else float("inf")
    return geodesy.separation_m(_point(position), outline, beyond_m=beyond_m)


def _outline(outline: Outline, position: LatLng, error_m: float, outside_m: float) -> Within:
    if outside_m > 0.0:
        return Within.OUT if outside_m > error_m else Within.LIKELY_OUT
    if isinstance(outline, Circle):
        # Closed, which ``inside`` is not.
        deep_m = outline.radius_m - geodesy.distance_m(position, outline.center)
        return Within.IN if deep_m >= error_m else Within.LIKELY_IN
    surely = geodesy.inside(_point(position), outline, margin_m=error_m)
    return Within.IN if surely else Within.LIKELY_IN


def _level(band: AltitudeBand, height: Levels | None) -> tuple[Within, float]:
    if height is None:
        return Within.UNKNOWN, 0.0
    middle_m = height.middle_m
    off_m = max(0.0, middle_m - band.upper_m) or min(0.0, middle_m - band.lower_m)
    if height.lower_m > band.upper_m or height.upper_m < band.lower_m:
        return Within.OUT, off_m
    if off_m:
        return Within.LIKELY_OUT, off_m
    surely = band.lower_m <= height.lower_m and height.upper_m <= band.upper_m
    return (Within.IN if surely else Within.LIKELY_IN), 0.0


def away_deg(position: LatLng, outline: Outline) -> float | None:
    """Return the azimuth in which a place lies, seen from the nearest point of an outline.

    None inside it. For a polygon it is the way in which the distance grows fastest, within about
    a degree, but for places closer than 10 m to a corner.
    """
    if isinstance(outline, Circle):
        east, north = east_north_m(outline.center, position)
        return azimuth_deg(east, north) if distance_to_m(position, outline) > 0.0 else None
    if distance_to_m(position, outline) <= RESOLUTION_M:
        return None

    def further_m(towards_deg: float) -> float:
        return distance_to_m(destination(position, towards_deg, _STEP_M), outline)

    return azimuth_deg(
        further_m(90.0) - further_m(270.0),
        further_m(0.0) - further_m(180.0),
    )


def _point(position: LatLng) -> Circle:
    return Circle(center=position, radius_m=_POINT_M)
