"""What F3548-21 messages mean as domain values, and domain values as messages.

Strict where the standard is: times end in Z, exactly one outline, altitudes in metres W84. Digits
of a time beyond microseconds round outwards, a start down and an end up, so no span shrinks.
Errors carry the path of the field. Crossing edges are not looked for here:
``geodesy.check_outline`` and the register's cell cover do that.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from tansiq.domain.category import Category, category_of
from tansiq.domain.draft import NAME_CHARS_MAX, PRIORITY_LIMIT
from tansiq.domain.intent import Constraint, EntityID, OperationalIntent, PartyID
from tansiq.domain.time import TimeSpan, parse_rfc3339, zulu
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    VERTICES_MAX,
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
    Volumes,
)
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.f3548 import wire

_UUID4 = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE
)
_URL_TEXT = re.compile(r"[!-~]+")
URL_CHARS_MAX = 500


def within(error: BadInput, path: str) -> BadInput:
    """Return the same error, its field inside ``path``."""
    field = f"{path}.{error.field}" if error.field else path
    return type(error)(error.message, field=field)


def entity_id(text: str, field: str) -> EntityID:
    """Read a UUIDv4; canonical lower case.

    Raises:
        BadInput: it is not one.
    """
    if not _UUID4.fullmatch(text):
        raise BadInput(
            f"{text[:60]!r} is no UUID of version 4, like 2f8343be-6482-4d1b-a474-16847e01af1e",
            field=field,
        )
    return EntityID(text.lower())


def base_url(text: str, field: str, *, query: bool = False) -> str:
    """Check the base URL of a supplier's ``/uss/v1/...``; ``query`` says whether it may have one.

    Raises:
        BadInput: not an absolute http(s) URL, too long, or its path ends in a slash.
    """
    if len(text) > URL_CHARS_MAX:
        raise BadInput(f"{len(text)} characters; at most {URL_CHARS_MAX}", field=field)
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = None
    refused = "#" if query else "?#"
    if not good or not _URL_TEXT.fullmatch(text) or "@" in parts.netloc or set(refused) & set(text):
        raise BadInput(
            f"{text[:80]!r} is no base URL; write it as https://uss.example.com/utm", field=field
        )
    if parts.path.endswith("/"):
        raise BadInput(f"{text!r} ends in '/'; leave that out", field=field)
    return text


def moment(time: wire.Time, field: str, *, round_up: bool) -> datetime:
    """Read a time.

    Raises:
        BadInput: not RFC 3339, or not in UTC with ``Z``.
    """
    if not time.value.endswith(("Z", "z")):
        raise BadInput(
            f"{time.value[:60]!r} does not end in Z; write it in UTC, as 2026-11-23T14:05:00Z",
            field=f"{field}.value",
        )
    return parse_rfc3339(time.value, f"{field}.value", round_up=round_up)


def to_time(value: datetime) -> wire.Time:
    """Write a time."""
    return wire.Time(value=zulu(value), format="RFC3339")


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A volume of which bounds may be left open: a search, a subscription, a constraint's extent.

    None is unbounded. ``outline`` is always there.
    """

    outline: Outline
    lower_m: float | None = None
    upper_m: float | None = None
    start: datetime | None = None
    end: datetime | None = None


def _outline(volume: wire.Volume3D) -> Outline:
    circle, polygon = volume.outline_circle, volume.outline_polygon
    if circle is not None and polygon is None:
        where = "outline_circle"
        try:
            center = LatLng(circle.center.lat, circle.center.lng)
        except InvalidVolume as error:
            raise within(error, f"{where}.center") from error
        try:
            return Circle(center=center, radius_m=circle.radius.value)
        except InvalidVolume as error:
            raise InvalidVolume(error.message, field=f"{where}.radius.value") from error
    if polygon is not None and circle is None:
        return _polygon(polygon)
    found = "both" if circle is not None else "neither"
    raise InvalidVolume(f"exactly one of outline_circle and outline_polygon; {found} is there")


def _polygon(polygon: wire.Polygon) -> Polygon:
    if len(polygon.vertices) > VERTICES_MAX:
        raise TooLarge(
            f"{len(polygon.vertices)} vertices; at most {VERTICES_MAX}",
            field="outline_polygon.vertices",
        )
    vertices = []
    try:
        for vertex in polygon.vertices:
            vertices.append(LatLng(vertex.lat, vertex.lng))  # noqa: PERF401 - the index is needed
    except InvalidVolume as error:
        raise within(error, f"outline_polygon.vertices[{len(vertices)}]") from error
    try:
        return Polygon(vertices=tuple(vertices))
    except InvalidVolume as error:
        raise within(error, "outline_polygon") from error


def _height(altitude: wire.Altitude | None) -> float | None:
    return None if altitude is None else altitude.value


def area(volume: wire.Volume4D, path: str) -> Area:
    """Read a volume whose bounds may be open.

    Raises:
        BadInput: a value out of range, or bounds reversed.
    """
    space = volume.volume
    try:
        outline = _outline(space)
        lower, upper = _height(space.altitude_lower), _height(space.altitude_upper)
        _check_heights(lower, upper)
    except BadInput as error:
        raise within(error, f"{path}.volume") from error
    start = end = None
    if volume.time_start is not None:
        start = moment(volume.time_start, f"{path}.time_start", round_up=False)
    if volume.time_end is not None:
        end = moment(volume.time_end, f"{path}.time_end", round_up=True)
    if start is not None and end is not None:
        try:
            TimeSpan(start=start, end=end)
        except BadInput as error:
            raise within(error, path) from error
    return Area(outline=outline, lower_m=lower, upper_m=upper, start=start, end=end)


def _check_heights(lower: float | None, upper: float | None) -> None:
    AltitudeBand(
        lower_m=ALTITUDE_M_MIN if lower is None else lower,
        upper_m=ALTITUDE_M_MAX if upper is None else upper,
    )


def to_domain(volume: wire.Volume4D, path: str) -> Volume4D:
    """Read a volume all of whose bounds are required.

    Raises:
        BadInput: a bound is missing, out of range, or reversed.
    """
    return bounded(area(volume, path), path)


def bounded(area: Area, path: str) -> Volume4D:
    """Return an area as a volume.

    Raises:
        BadInput: a bound is open; ``field`` says which.
    """
    lower, upper, start, end = area.lower_m, area.upper_m, area.start, area.end
    if lower is None or upper is None or start is None or end is None:
        missing = {
            "volume.altitude_lower": lower,
            "volume.altitude_upper": upper,
            "time_start": start,
            "time_end": end,
        }
        field = next(name for name, value in missing.items() if value is None)
        raise BadInput("required for each volume, and not there", field=f"{path}.{field}")
    return Volume4D(
        volume=Volume3D(outline=area.outline, altitude=AltitudeBand(lower_m=lower, upper_m=upper)),
        time=TimeSpan(start=start, end=end),
    )


def volumes_to_domain(
    volumes: Sequence[wire.Volume4D], path: str, *, volumes_max: int = 1_000
) -> Volumes:
    """Read the volumes of one entity.

    Raises:
        TooLarge: too many volumes, or vertices in all.
        BadInput: one of them is not right.
    """
    check_counts(volumes, path, volumes_max=volumes_max)
    return tuple(to_domain(volume, f"{path}[{i}]") for i, volume in enumerate(volumes))


def check_counts(volumes: Sequence[wire.Volume4D], path: str, *, volumes_max: int) -> None:
    """Refuse more volumes or vertices than one entity may have.

    Raises:
        TooLarge: it has.
    """
    if len(volumes) > volumes_max:
        raise TooLarge(f"{len(volumes)} volumes; at most {volumes_max}", field=path)
    vertices = sum(
        len(volume.volume.outline_polygon.vertices)
        for volume in volumes
        if volume.volume.outline_polygon is not None
    )
    if vertices > VERTICES_MAX:
        raise TooLarge(f"{vertices} vertices in all; at most {VERTICES_MAX}", field=path)


def _to_point(point: LatLng) -> wire.LatLngPoint:
    return wire.LatLngPoint(lat=point.lat_deg, lng=point.lng_deg)


def _to_altitude(value_m: float) -> wire.Altitude:
    return wire.Altitude(value=value_m, reference="W84", units="M")


def to_wire(volume: Volume4D) -> wire.Volume4D:
    """Write one volume; nothing is rounded."""
    outline = volume.outline
    circle = polygon = None
    if isinstance(outline, Circle):
        radius = wire.Radius(value=outline.radius_m, units="M")
        circle = wire.Circle(center=_to_point(outline.center), radius=radius)
    else:
        polygon = wire.Polygon(vertices=tuple(_to_point(v) for v in outline.vertices))
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=circle,
            outline_polygon=polygon,
            altitude_lower=_to_altitude(volume.altitude.lower_m),
            altitude_upper=_to_altitude(volume.altitude.upper_m),
        ),
        time_start=to_time(volume.time.start),
        time_end=to_time(volume.time.end),
    )


def volumes_to_wire(volumes: Volumes) -> tuple[wire.Volume4D, ...]:
    """Write volumes, in their order."""
    return tuple(to_wire(volume) for volume in volumes)


def intent_to_domain(intent: wire.OperationalIntent, path: str) -> OperationalIntent:
    """Read reference and details together.

    Raises:
        BadInput: not an intent that can exist in its state.
    """
    details = intent.details
    extra = details.tansiq or wire.TansiqDetails()
    priority = details.priority or 0
    if abs(priority) > PRIORITY_LIMIT:
        raise BadInput(f"{priority} is beyond {PRIORITY_LIMIT}", field=f"{path}.details.priority")
    try:
        return OperationalIntent(
            id=entity_id(intent.reference.id, "reference.id"),
            manager=PartyID(intent.reference.manager),
            state=intent.reference.state,
            priority=priority,
            volumes=volumes_to_domain(details.volumes or (), "details.volumes"),
            off_nominal_volumes=volumes_to_domain(
                details.off_nominal_volumes or (), "details.off_nominal_volumes"
            ),
            callsign=_name(extra.callsign, "details.tansiq.callsign"),
            formation=_name(extra.formation, "details.tansiq.formation"),
            category=category(extra.category, "details.tansiq.category"),
        )
    except BadInput as error:
        raise within(error, path) from error


def _name(text: str | None, field: str) -> str:
    if text is None:
        return ""
    if len(text) > NAME_CHARS_MAX or not text.isprintable():
        raise BadInput(f"at most {NAME_CHARS_MAX} printable characters", field=field)
    return text


def category(word: str | None, field: str) -> Category | None:
    """Read the category of an aircraft; None where none is told.

    Raises:
        BadInput: no such category. Taken for unknown it would be judged with other minima than its
            own node judges it with.
    """
    return None if word is None else category_of(word, field)


def constraint_to_domain(constraint: wire.Constraint, path: str) -> Constraint:
    """Read reference and details together; open altitudes become the whole column.

    Raises:
        BadInput: not a constraint that can exist.
    """
    extra = constraint.details.tansiq or wire.TansiqDetails()
    try:
        return Constraint(
            id=entity_id(constraint.reference.id, "reference.id"),
            manager=PartyID(constraint.reference.manager),
            volumes=constraint_volumes(constraint.details.volumes, "details.volumes"),
            name=_name(extra.callsign, "details.tansiq.callsign"),
        )
    except BadInput as error:
        raise within(error, path) from error


def constraint_volumes(
    volumes: Sequence[wire.Volume4D], path: str, *, volumes_max: int = 1_000
) -> Volumes:
    """Read a constraint's volumes: times are required, altitudes are not.

    An altitude that is left out is unbounded, hence the lowest or highest that exists.

    Raises:
        BadInput: one of them is not right.
    """
    check_counts(volumes, path, volumes_max=volumes_max)
    return tuple(
        bounded(whole_column(area(volume, f"{path}[{i}]")), f"{path}[{i}]")
        for i, volume in enumerate(volumes)
    )


def whole_column(area: Area) -> Area:
    """Return the area with open altitudes at the lowest and highest that exist."""
    return Area(
        outline=area.outline,
        lower_m=ALTITUDE_M_MIN if area.lower_m is None else area.lower_m,
        upper_m=ALTITUDE_M_MAX if area.upper_m is None else area.upper_m,
        start=area.start,
        end=area.end,
    )
