"""Read-back: what a notice says aloud, and whether a person said the same.

``told`` turns volumes into the few things that are read out; ``differences`` holds what a person
repeated against them, item by item. The rules are exact, so that both nodes come to the same:

- *place*: as many points as were told, each within ``PLACE_M`` of its own, bounds closed. Corners
  may be said from any one of them on, either way round. A radius is the same number of metres.
- *lower*, *upper*: the level as it was stated, or in metres W84; same number, unit and datum. The
  same height in another unit is not what was said.
- *start*, *end*: the same second. Seconds are said only where there are some.

Everything told is rounded outwards to the whole unit (metre, foot, hundred feet, second), so what a
person confirms holds the volumes. Who reads back what to whom, and when, is for others to decide.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from tansiq.domain.boundary import around
from tansiq.domain.draft import Datum, StatedBand, Units
from tansiq.domain.ellipsoid import distance_m, point_at
from tansiq.domain.geodesy import ball, bounding_circle
from tansiq.domain.phrase import DISTANCE_M_MAX, FLIGHT_LEVEL_MAX, Kind, read_value
from tansiq.domain.time import require_utc
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volumes,
    altitude_bounds,
    time_bounds,
)
from tansiq.errors import BadInput

CORNERS_MAX: Final = 12
"""Corners that anybody reads aloud; an outline of more is told by the circle around it."""
PLACE_M: Final = 25.0
"""Rounding to a second of arc moves a point by up to 22 m, the middle of a grid square of 10 m lies
within 8 m; the next second of latitude is 31 m away."""
_FUZZ: Final = 1e-6
"""Of a unit: what conversions leave behind is not rounded up to a whole one."""
_SECOND: Final = timedelta(seconds=1)


class Item(StrEnum):
    """What is confirmed one by one; also the end of the code that says it differs."""

    PLACE = "place"
    LOWER = "lower"
    UPPER = "upper"
    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a notice says aloud.

    ``points`` is a centre where there is a radius, else the corners. ``lower`` and ``upper`` have
    the level in each form that is read out, the stated one first.
    """

    points: tuple[LatLng, ...]
    radius_m: int | None
    lower: tuple[str, ...]
    upper: tuple[str, ...]
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Readback:
    """What a person repeated.

    Raises:
        BadInput: no or too many points, a radius without its one point or the other way round, a
            level that is none, a time without a zone.
    """

    points: tuple[LatLng, ...]
    radius_m: int | None = None
    lower: str
    upper: str
    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.radius_m is None:
            if not 3 <= len(self.points) <= CORNERS_MAX:
                raise BadInput(
                    f"{len(self.points)} corners; write 3 to {CORNERS_MAX}, or a centre with "
                    "radius_m",
                    field="points",
                )
        else:
            if len(self.points) != 1:
                raise BadInput("with radius_m write one point, the centre", field="points")
            read_value(Kind.DISTANCE, self.radius_m, "radius_m")
        read_value(Kind.LEVEL, self.lower, "lower")
        read_value(Kind.LEVEL, self.upper, "upper")
        object.__setattr__(self, "start", require_utc(self.start, "start"))
        object.__setattr__(self, "end", require_utc(self.end, "end"))


def told(volumes: Volumes, stated: Sequence[StatedBand] = ()) -> Told:
    """Return what is read aloud of one or more volumes, ``stated`` as in ``PlanDraft`` or empty."""
    points, radius_m = place_told([volume.outline for volume in volumes])
    lower, upper = levels_told(altitude_bounds(volumes), stated)
    span = time_bounds(volumes)
    start, end = span.start, span.end
    return Told(
        points=points,
        radius_m=radius_m,
        lower=lower,
        upper=upper,
        start=start.replace(microsecond=0),
        end=end.replace(microsecond=0) + (_SECOND if end.microsecond else timedelta(0)),
    )


def place_told(outlines: Sequence[Outline]) -> tuple[tuple[LatLng, ...], int | None]:
    """Return points and radius of what is said of some outlines together."""
    first = outlines[0]
    if len(outlines) > 1 or (isinstance(first, Polygon) and len(first.vertices) > CORNERS_MAX):
        center, reach_m = circle_around(outlines)
        return (center,), rounded_up(reach_m)
    if isinstance(first, Circle):
        return (first.center,), rounded_up(first.radius_m)
    return first.vertices, None


def circle_around(outlines: Sequence[Outline]) -> tuple[LatLng, float]:
    """Return centre and radius of a circle that holds some outlines; close to the least one.

    Not a ``Circle``: it may be larger than any that is flown in.
    """
    whole = ball(outlines[0])
    for outline in outlines[1:]:
        whole = around(whole, ball(outline))
    center = point_at(whole[0])
    discs = [bounding_circle(outline) for outline in outlines]
    reach_m = max(distance_m(center, disc.center) + disc.radius_m for disc in discs)
    return center, min(reach_m, float(DISTANCE_M_MAX))


def levels_told(
    band: AltitudeBand, stated: Sequence[StatedBand]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return lower and upper level in every form that is said: as stated, then in metres W84.

    Stated forms are said where all were stated alike, and where the scale has such a level.
    """
    lower, upper = [f"{rounded_down(band.lower_m)} m W84"], [f"{rounded_up(band.upper_m)} m W84"]
    if stated and len({(each.units, each.datum, each.ground) for each in stated}) == 1:
        low = rounded_down(min(each.lower for each in stated))
        high = rounded_up(max(each.upper for each in stated))
        forms = _form(low, stated[0]), _form(high, stated[0])
        if forms[0] and forms[1] and stated[0].datum is not Datum.W84:
            lower.insert(0, forms[0])
            upper.insert(0, forms[1])
        elif forms[0] and forms[1]:
            # One form only where both count from the ellipsoid, be it in feet.
            lower, upper = [forms[0]], [forms[1]]
    return tuple(lower), tuple(upper)


def _form(value: int, stated: StatedBand) -> str:
    if stated.datum is Datum.FL:
        return f"FL{value:03d}" if 0 <= value <= FLIGHT_LEVEL_MAX else ""
    return f"{value} {'m' if stated.units is Units.M else 'ft'} {stated.datum}"


def rounded_down(value: float) -> int:
    """Return the whole unit at or below a value, as lower bounds are told."""
    return math.floor(value + _FUZZ)


def rounded_up(value: float) -> int:
    """Return the whole unit at or above a value, as upper bounds are told."""
    return math.ceil(value - _FUZZ)


def differences(said: Readback, notice: Told) -> tuple[Item, ...]:
    """Return the items in which a read-back differs from the notice, in the order of ``Item``."""
    wrong = {
        Item.PLACE: not _same_place(said, notice),
        Item.LOWER: said.lower not in notice.lower,
        Item.UPPER: said.upper not in notice.upper,
        Item.START: said.start != notice.start,
        Item.END: said.end != notice.end,
    }
    return tuple(item for item in Item if wrong[item])


def _same_place(said: Readback, notice: Told) -> bool:
    if said.radius_m != notice.radius_m or len(said.points) != len(notice.points):
        return False
    return any(
        all(distance_m(a, b) <= PLACE_M for a, b in zip(said.points, order, strict=True))
        for order in _orders(notice.points)
    )


def _orders(points: tuple[LatLng, ...]) -> Iterator[tuple[LatLng, ...]]:
    """Yield the same outline from each of its points on, both ways round."""
    for way in (points, points[::-1]):
        for at in range(len(way)):
            yield way[at:] + way[:at]
