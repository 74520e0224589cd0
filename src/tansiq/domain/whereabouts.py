"""An aircraft against one volume: is it inside, and how surely, its errors considered.

Bounds are closed. *Certain* is what holds wherever within its errors the aircraft is; the rest is
said of the place in the middle, and called possible. Within a few millimetres of a polygon's edge
its distance is asked for exactly; it is short by up to ``RESOLUTION_M`` there, and what lies that
close to the edge is not certainly inside.
"""

import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from tansiq.domain import geodesy
from tansiq.domain.estimate import Levels
from tansiq.domain.nearness import Nearness, nearness
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline, Volume4D

_POINT_M: Final = 1e-9
"""Radius of a circle that is meant as a point: below what a degree in floating point tells."""


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
    """From the outline to the middle of where it can be; 0 inside. Within 1e-5 of it, and 1 mm."""
    away_deg: float | None
    """Which way, from the nearest point of the outline, from true north, clockwise; None inside."""
    vertical_m: float
    """Above the band, negative below, from the nearest bound to the middle; 0 inside or unknown."""

    @property
    def both(self) -> Within:
        """Both together. What is outside one way is outside, whatever the other."""
        return min(self.outline, self.level)


def seen_from(
    volume: Volume4D, position: LatLng, error_m: float, height: Levels | None
) -> Whereabouts:
    """Return where something is that lies within an error of a position, at a height."""
    level, vertical_m = _level(volume.altitude, height)
    near = nearness(position, volume.outline)
    outline = _outline(volume.outline, position, error_m, near)
    if near.least_m > 0.0:
        outside_m = 0.0 if near.inside else _middle_m(near)
    else:
        outside_m = distance_to_m(position, volume.outline)
    return Whereabouts(
        outline=outline,
        level=level,
        horizontal_m=outside_m,
        away_deg=near.away_deg if outside_m > 0.0 else None,
        vertical_m=vertical_m,
    )


def within(volume: Volume4D, position: LatLng, error_m: float, height: Levels | None) -> Within:
    """Return how surely something is inside: the quick way, where no distances are asked for."""
    level, _ = _level(volume.altitude, height)
    if level is Within.OUT:
        return level
    near = nearness(position, volume.outline, beyond_m=error_m)
    outline = _outline(volume.outline, position, error_m, near)
    return min(level, outline)


def _middle_m(near: Nearness) -> float:
    return near.least_m if math.isinf(near.most_m) else (near.least_m + near.most_m) / 2


def _outline(outline: Outline, position: LatLng, error_m: float, near: Nearness) -> Within:
    quick = _quickly(near, error_m)
    return _exactly(outline, position, error_m) if quick is None else quick


def _quickly(near: Nearness, error_m: float) -> Within | None:
    """Judge by bounds of the distance; None where they do not decide."""
    if near.least_m <= 0.0 or near.least_m <= error_m <= near.most_m:
        return None
    beyond = near.least_m > error_m
    if near.inside:
        return Within.IN if beyond else Within.LIKELY_IN
    return Within.OUT if beyond else Within.LIKELY_OUT


def distance_to_m(position: LatLng, outline: Outline) -> float:
    """Return the distance from a place to an outline, 0 inside: exactly, and slowly."""
    if isinstance(outline, Circle):
        return max(0.0, geodesy.distance_m(position, outline.center) - outline.radius_m)
    return geodesy.separation_m(_point(position), outline)


def _exactly(outline: Outline, position: LatLng, error_m: float) -> Within:
    outside_m = distance_to_m(position, outline)
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


def _point(position: LatLng) -> Circle:
    return Circle(center=position, radius_m=_POINT_M)
