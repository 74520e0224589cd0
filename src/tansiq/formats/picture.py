"""The picture as it is drawn for programs that are not ours: what KML, CoT and GeoJSON share.

Values that a writer prints, and the words on them. The same facts are said in every format: how old
a position is, that a height is not known, that a plan is not coordinated, that all of it is a
replay or an exercise. The drawing is not for measuring: ``shape_of`` says how far it is off.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final

from tansiq.domain import geodesy
from tansiq.domain.ellipsoid import ECCENTRICITY_SQUARED, SEMI_MAJOR_M, ecef, point_at
from tansiq.domain.time import TimeSpan, zulu
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline, Polygon, Volume4D
from tansiq.formats import geoid

NAME_CHARS_MAX: Final = 120
SENTENCE_CHARS_MAX: Final = 1_000
CORNERS: Final = 36
"""Of the polygon that a circle is drawn as, where a format has no circles."""
_LONGEST_M: Final = 5_000.0
_WIDER: Final = 1.002 / math.cos(math.pi / CORNERS)


class AreaKind(StrEnum):
    """What holds a piece of air."""

    OWN = "own plan"
    OTHERS = "plan of another party"
    NO_GO = "no-go area"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One volume, ready to be drawn."""

    outline: Outline
    band: AltitudeBand
    time: TimeSpan
    ring: tuple[LatLng, ...]
    """Its outline as a polygon with straight edges in degrees; the last is joined to the first."""
    undulations_m: tuple[float, ...]
    """Height of the geoid (EGM96) above the ellipsoid at each corner."""
    middle: LatLng
    """A place to write its name at; of a hollow polygon it may be outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A plan or no-go area."""

    id: str
    kind: AreaKind
    name: str
    party: str
    status: str
    """Where it stands, in a word or two."""
    certain: bool
    """Whether every register holds it; else it says so wherever it is drawn."""
    off_nominal: bool = False
    """The aircraft is not, or not only, where its plan said."""
    sentence: str = ""
    shapes: tuple[Shape, ...] = ()

    @property
    def label(self) -> str:
        """Return its name and whatever must not be missed."""
        words = [self.name or f"unnamed, of {self.party}"]
        if self.kind is AreaKind.NO_GO:
            words.insert(0, "NO-GO")
        if self.off_nominal:
            words.append(f"({self.status.upper()})")
        elif not self.certain:
            words.append("(NOT COORDINATED)" if self.kind is not AreaKind.NO_GO else _NOT_YET)
        return " ".join(words)


_NOT_YET: Final = "(NOT EVERYWHERE YET)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One aircraft."""

    id: str
    name: str
    measured: datetime
    age_s: float
    staleness: str
    place: LatLng
    error_m: float
    """Horizontal; 0: not known."""
    height_m: float | None
    """Above the WGS84 ellipsoid."""
    height_error_m: float
    """0: not known."""
    pressure_m: float | None
    speed_mps: float | None
    track_deg: float | None
    climb_mps: float | None
    on_ground: bool
    planned: bool
    party: str
    conformance: str
    sentence: str
    level: str
    trail: tuple[LatLng, ...] = ()
    """Where it was before, oldest first."""

    @property
    def stale(self) -> bool:
        return self.staleness == "stale"

    @property
    def label(self) -> str:
        """Return its name, its age, and whatever must not be missed."""
        words = [self.name, f"{self.age_s:.0f} s old"]
        if self.staleness != "fresh":
            words.append(self.staleness.upper())
        if self.level:
            words.append(self.level.upper())
        return " · ".join(words)

    @property
    def height_text(self) -> str:
        """Return its height with the reference, or that it is not known."""
        if self.on_ground:
            return "on the ground"
        if self.height_m is not None:
            within = f" ± {self.height_error_m:.0f} m" if self.height_error_m else ", error unknown"
            return f"{self.height_m:.0f} m above the WGS84 ellipsoid{within}"
        if self.pressure_m is not None:
            return f"height unknown; pressure altitude {self.pressure_m:.0f} m on 1013.25 hPa"
        return "height unknown"

    @property
    def lines(self) -> tuple[str, ...]:
        """Return everything there is to say of it."""
        error = f"within {self.error_m:.0f} m" if self.error_m else "position error unknown"
        way = "speed and track unknown"
        if self.speed_mps is not None and self.track_deg is not None:
            way = f"{self.speed_mps:.0f} m/s over ground, track {self.track_deg:03.0f}° true"
        plan = f"plan of {self.party}: {self.conformance}" if self.planned else "no plan known"
        measured = f"measured {zulu(self.measured)}, {self.age_s:.0f} s ago ({self.staleness})"
        return tuple(x for x in (measured, error, self.height_text, way, plan, self.sentence) if x)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One open alarm."""

    id: str
    kind: str
    level: str
    stage: str
    sentence: str
    raised: datetime
    place: LatLng | None
    in_s: float | None

    @property
    def label(self) -> str:
        """Return its level as a word, always, and what it is about."""
        stage = "" if self.stage == "raised" else f" ({self.stage})"
        return f"{self.level.upper()}{stage}: {self.sentence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """A ring around a point."""

    id: str
    name: str
    no_entry: bool
    circle: Circle
    until: datetime

    @property
    def label(self) -> str:
        return f"{'NO ENTRY' if self.no_entry else 'CALL'} {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All of it, at one instant."""

    party: str
    time: datetime
    replay: bool = False
    exercise: bool = False
    sentences: tuple[str, ...] = ()
    """What is wrong with the picture itself, and what was left out of it."""
    areas: tuple[Area, ...] = ()
    tracks: tuple[Seen, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    rings: tuple[Ring, ...] = ()

    @property
    def mark(self) -> str:
        """Return what every object has to begin with where this is not the live sky."""
        return ("REPLAY " if self.replay else "") + ("EXERCISE " if self.exercise else "")


NOT_CERTIFIED: Final = (
    "For information only: not a certified surveillance, separation or collision avoidance system."
)


def shape_of(volume: Volume4D) -> Shape:
    """Return a volume ready to be drawn.

    A polygon's edges leave the geodesic by less than 3 m up to 80 degrees of latitude. A circle's
    polygon holds the circle up to 60 degrees of latitude, and reaches 0.6 % beyond it.
    """
    ring = ring_of(volume.outline)
    return Shape(
        outline=volume.outline,
        band=volume.altitude,
        time=volume.time,
        ring=ring,
        undulations_m=tuple(undulation_m(place) for place in ring),
        middle=geodesy.bounding_circle(volume.outline).center,
    )


def undulation_m(place: LatLng) -> float:
    """Return the height of the geoid, within ``UNDULATION_ERROR_M`` of ``geoid.undulation_m``.

    That of the nearest hundredth of a degree: tens of thousands of corners are asked for at once.
    """
    return _undulation_m(round(place.lat_deg * 100), round(place.lng_deg * 100))


UNDULATION_ERROR_M: Final = 0.2


@lru_cache(maxsize=1 << 16)
def _undulation_m(lat: int, lng: int) -> float:
    return geoid.undulation_m(lat / 100, lng / 100)


def ring_of(outline: Outline) -> tuple[LatLng, ...]:
    """Return an outline as a polygon with straight edges in degrees; see ``shape_of``."""
    if isinstance(outline, Circle):
        return tuple(_around(outline.center, outline.radius_m * _WIDER))
    # Following a geodesic costs a millisecond an edge, and few are as long as that.
    if max(_lengths_m(outline), default=0.0) <= _LONGEST_M:
        return outline.vertices
    return geodesy.densified(outline, _LONGEST_M)


def corner_count(outline: Outline) -> int:
    """Return about how many corners ``ring_of`` gives; never fewer than there are vertices."""
    if isinstance(outline, Circle):
        return CORNERS
    return sum(max(1, math.ceil(length_m / _LONGEST_M)) for length_m in _lengths_m(outline))


def _lengths_m(polygon: Polygon) -> Iterator[float]:
    """Yield the lengths of edges, a little too long: the degree at the pole and at the equator."""
    corners = polygon.vertices
    for a, b in zip(corners, (*corners[1:], corners[0]), strict=True):
        north_m = (b.lat_deg - a.lat_deg) * 111_700
        aside_deg = (b.lng_deg - a.lng_deg + 180) % 360 - 180
        nearest = min(abs(a.lat_deg), abs(b.lat_deg))
        yield math.hypot(north_m, aside_deg * 111_700 * math.cos(math.radians(nearest)))


def _around(center: LatLng, radius_m: float) -> Iterator[LatLng]:
    for number in range(CORNERS):
        yield ahead(center, 360.0 * number / CORNERS, radius_m)


def ahead(start: LatLng, azimuth_deg: float, distance_m: float) -> LatLng:
    """Return a place so far in a direction, on the sphere that bends as the ellipsoid does there.

    Off by less than 0.0002 of the distance up to 1,000 km: for drawing, thirty times quicker than
    the geodesic.
    """
    lat, lng = math.radians(start.lat_deg), math.radians(start.lng_deg)
    turn = math.radians(azimuth_deg)
    sin_lat, cos_lat, sin_lng, cos_lng = math.sin(lat), math.cos(lat), math.sin(lng), math.cos(lng)
    across_m = SEMI_MAJOR_M / math.sqrt(1 - ECCENTRICITY_SQUARED * sin_lat * sin_lat)
    along_m = geodesy.meridian_radius_m(start.lat_deg)
    north, east = math.cos(turn), math.sin(turn)
    # Euler: the curvature in a direction, from those of the two main ones.
    radius_m = 1 / (north * north / along_m + east * east / across_m)
    angle = distance_m / radius_m
    flat_m, down_m = radius_m * math.sin(angle), radius_m * (math.cos(angle) - 1)
    x, y, z = ecef(start)
    out_m = down_m * cos_lat - flat_m * north * sin_lat
    aside_m = flat_m * east
    return point_at(
        (
            x + out_m * cos_lng - aside_m * sin_lng,
            y + out_m * sin_lng + aside_m * cos_lng,
            z + down_m * sin_lat + flat_m * north * cos_lat,
        )
    )


def cut_at_180(ring: Sequence[LatLng]) -> list[list[tuple[float, float]]]:
    """Return a ring as rings of (longitude, latitude) that cross neither the 180th meridian nor a
    pole, counterclockwise, closed (RFC 7946, 3.1.6 and 3.1.9).
    """
    flat = _unrolled(ring)
    lngs = [lng for lng, _ in flat]
    first = math.floor((min(lngs) + 180) / 360)
    last = max(first, math.ceil((max(lngs) + 180) / 360) - 1)
    found = []
    for turn in range(first, last + 1):
        west = 360.0 * turn - 180
        part = flat
        if first != last:
            part = list(_clipped(list(_clipped(part, west, 1)), west + 360, -1))
        if len(part) >= 3:
            moved = [(lng - 360.0 * turn, lat) for lng, lat in part]
            found.append(_counterclockwise(moved))
    return found


def _unrolled(ring: Sequence[LatLng]) -> list[tuple[float, float]]:
    flat: list[tuple[float, float]] = []
    lng = ring[0].lng_deg
    for place in ring:
        lng += (place.lng_deg - lng + 180) % 360 - 180
        flat.append((lng, place.lat_deg))
    turned = lng + (ring[0].lng_deg - lng + 180) % 360 - 180 - ring[0].lng_deg
    if abs(turned) > 180:
        # All round a pole: along the meridian to it, and back.
        pole = math.copysign(90.0, sum(place.lat_deg for place in ring))
        last = flat[0][0] + turned
        flat += [(last, flat[0][1]), (last, pole), (flat[0][0], pole)]
    return flat


def _clipped(
    flat: Sequence[tuple[float, float]], lng_deg: float, side: int
) -> Iterator[tuple[float, float]]:
    """Yield what of a ring is east (1) or west (-1) of a meridian (Sutherland and Hodgman)."""
    for (x1, y1), (x2, y2) in zip(flat, (*flat[1:], *flat[:1]), strict=True):
        inside, next_inside = (x1 - lng_deg) * side >= 0, (x2 - lng_deg) * side >= 0
        if inside:
            yield x1, y1
        if inside != next_inside:
            yield lng_deg, y1 + (y2 - y1) * (lng_deg - x1) / (x2 - x1)


def _counterclockwise(flat: list[tuple[float, float]]) -> list[tuple[float, float]]:
    pairs = zip(flat, (*flat[1:], flat[0]), strict=True)
    twice = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairs)
    turned = flat if twice >= 0 else flat[::-1]
    return [*turned, turned[0]]
