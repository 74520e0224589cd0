"""Plans and airspace as GeoJSON (RFC 7946): a feature is one or more volumes.

Beside the RFC: edges are geodesics, not straight lines in degrees; a Point with ``radius_m`` is a
circle; a polygon may cross the 180th meridian as it is. Heights within coordinates are ignored:
altitude is in the properties. Which features make one plan is said in ``docs/plan-files.md``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tansiq.domain import geodesy
from tansiq.domain.category import Category, category_of
from tansiq.domain.draft import PlanDraft, StatedBand
from tansiq.domain.intent import EntityID
from tansiq.domain.time import zulu
from tansiq.domain.volume import (
    VERTICES_MAX,
    AltitudeBand,
    Circle,
    LatLng,
    Outline,
    Polygon,
    Volume3D,
    Volume4D,
)
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.formats import altitude, properties
from tansiq.formats.tree import Field, located

_OF_ALL = ("id", "callsign", "formation", "category", "priority")
"""What all features of one plan have in common."""
_ONE_PLAN = "a plan file holds one plan: give all features the same one, or split the file"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """What one feature contributes."""

    path: str
    volumes: tuple[Volume4D, ...]
    stated: StatedBand
    id: EntityID | None
    callsign: str | None
    formation: str | None
    category: Category | None
    priority: int | None
    constraint: bool


def plan_draft(document: Field) -> PlanDraft:
    """Return the one plan or no-go area that all features of a document make.

    Raises:
        BadInput: anything wrong with it, or the features name more than one plan.
    """
    parts = [_part(feature) for feature in _features(document)]
    for name in ("id", "callsign"):
        values = {getattr(part, name) for part in parts} - {None}
        if len(values) > 1:
            two = " and ".join(sorted(values)[:2])
            raise BadInput(f"the features name {two}; {_ONE_PLAN}", field=f"properties.{name}")
    return _draft(parts)


def airspace_drafts(document: Field) -> Iterator[PlanDraft]:
    """Yield the plans and no-go areas: features grouped by id, else by call sign, else alone.

    Raises:
        BadInput: anything wrong with it.
    """
    groups: dict[tuple[str, str], list[_Part]] = {}
    for feature in _features(document):
        part = _part(feature)
        key = ("id", part.id) if part.id else ("callsign", part.callsign or "")
        groups.setdefault(key if key[1] else ("path", part.path), []).append(part)
    for parts in groups.values():
        yield _draft(parts)


def only_outline(document: Field) -> Outline:
    """Return the one outline of a document; times and altitudes are not asked for.

    Raises:
        BadInput: it is not there, or not alone.
    """
    outlines = [
        outline
        for feature in _features(document)
        for outline in _outlines(feature, feature.need("properties", "add properties, {} for none"))
    ]
    if len(outlines) != 1:
        raise BadInput(f"{len(outlines)} outlines; an area is one", field="features")
    return outlines[0]


def _features(document: Field) -> Iterator[Field]:
    kind = document.need("type", "GeoJSON starts with a Feature or FeatureCollection").text()
    if kind == "Feature":
        yield document
    elif kind == "FeatureCollection":
        yield from document.need("features", "list the features, [] for none").items()
    else:
        raise BadInput(
            f"{kind[:40]!r} is not read; wrap the geometry in a Feature, with properties",
            field=document.below("type"),
        )


def _part(feature: Field) -> _Part:
    if feature.need("type", "write Feature").text() != "Feature":
        raise BadInput("only Features are read here; write Feature", field=feature.below("type"))
    remedy = "add properties start, end, lower, upper, units, datum"
    its = feature.need("properties", remedy)
    properties.refuse_misspelt(its)
    time, stated = properties.time_span(its), properties.stated_band(its)
    volumes = tuple(
        Volume4D(volume=Volume3D(outline=outline, altitude=_band(stated, outline, its)), time=time)
        for outline in _outlines(feature, its)
    )
    kind = its.get("type")
    if kind and kind.text() not in ("intent", "constraint"):
        raise BadInput(
            f"{kind.text()[:40]!r} is not known; write intent or constraint, or leave it out",
            field=kind.path,
        )
    priority = its.get("priority")
    return _Part(
        path=feature.path or "feature",
        volumes=volumes,
        stated=stated,
        id=_id(feature, its),
        callsign=_text(its, "callsign"),
        formation=_text(its, "formation"),
        category=_category(its),
        priority=priority.integer() if priority else None,
        constraint=kind is not None and kind.value == "constraint",
    )


def _band(stated: StatedBand, outline: Outline, its: Field) -> AltitudeBand:
    try:
        return altitude.w84_band(stated, outline)
    except InvalidVolume as error:
        raise located(error, its.below(error.field or "lower")) from error


def _id(feature: Field, its: Field) -> EntityID | None:
    if stated := its.get("id"):
        return properties.entity_id(stated)
    # Programs fill the feature's own id with row numbers: it counts only where it is a UUIDv4.
    own = feature.get("id")
    return properties.entity_id(own) if own and properties.is_uuid4(own.value) else None


def _text(its: Field, name: str) -> str | None:
    field = its.get(name)
    return (field.text() or None) if field else None


def _category(its: Field) -> Category | None:
    word = _text(its, "category")
    return category_of(word, its.below("category")) if word else None


def _draft(parts: Sequence[_Part]) -> PlanDraft:
    if not parts:
        raise BadInput("holds no feature; a plan has at least one volume", field="features")
    first = parts[0]
    for part in parts:
        if part.constraint != first.constraint:
            raise BadInput(
                "mixes a no-go area and a plan under one name; give them different ids",
                field=f"{part.path}.properties.type",
            )
    names = {name: _agreed(parts, name) for name in _OF_ALL}
    try:
        return PlanDraft(
            volumes=tuple(volume for part in parts for volume in part.volumes),
            stated=tuple(part.stated for part in parts for _ in part.volumes),
            id=names["id"],
            callsign=names["callsign"] or "",
            formation=names["formation"] or "",
            category=names["category"],
            priority=names["priority"] or 0,
            constraint=first.constraint,
            source=first.path,
        )
    except BadInput as error:
        field = error.field or "volumes"
        where = f"{first.path}.properties.{field}" if field in properties.KNOWN else "features"
        raise located(error, where) from error


def _agreed(parts: Sequence[_Part], name: str) -> Any:
    """Return the value that those features state which state one."""
    value: Any = None
    for part in parts:
        stated = getattr(part, name)
        if stated is not None and value is not None and stated != value:
            raise BadInput(
                f"is {stated}, but {value} in another feature of the same plan; make them equal",
                field=f"{part.path}.properties.{name}",
            )
        value = value if stated is None else stated
    return value


def _outlines(feature: Field, its: Field) -> list[Outline]:
    geometry = feature.need("geometry", "add a Polygon, a MultiPolygon, or a Point with radius_m")
    kind = geometry.need("type", "write Polygon, MultiPolygon or Point").text()
    radius = its.get("radius_m")
    if kind not in ("Point", "Polygon", "MultiPolygon"):
        raise BadInput(
            f"{kind[:40]!r} has no area; write a Polygon, a MultiPolygon, or a Point with "
            "radius_m. For a recorded track: tansiq plan from-track",
            field=geometry.below("type"),
        )
    if radius and kind != "Point":
        raise BadInput(
            f"belongs to a Point, not to a {kind}; leave it out, and draw the {kind} as large as "
            "it is meant",
            field=radius.path,
        )
    coordinates = geometry.need("coordinates", "add them as [longitude, latitude]")
    if kind == "Point":
        return [_circle(coordinates, its.need("radius_m", "add the circle's radius in metres"))]
    polygons = [coordinates] if kind == "Polygon" else list(coordinates.items())
    if not polygons:
        raise BadInput("holds no polygon; add one", field=coordinates.path)
    return [_polygon(polygon) for polygon in polygons]


def _circle(coordinates: Field, radius: Field) -> Circle:
    center = _point(coordinates.value, coordinates.path)
    try:
        return Circle(center=center, radius_m=radius.number())
    except InvalidVolume as error:
        raise located(error, radius.path) from error


def _polygon(coordinates: Field) -> Polygon:
    rings = list(coordinates.items())
    if not rings:
        raise BadInput("holds no ring; add the outer one", field=coordinates.path)
    if len(rings) > 1:
        raise BadInput(
            "holes are not read, they would make the volume smaller; fill the hole, or cut the "
            "polygon in two",
            field=rings[1].path,
        )
    ring = rings[0]
    positions = ring.array()
    if len(positions) > VERTICES_MAX + 1:
        raise TooLarge(
            f"{len(positions)} positions; one plan has at most {VERTICES_MAX} vertices: simplify "
            "the outline",
            field=ring.path,
        )
    points = [_point(position, i, ring) for i, position in enumerate(positions)]
    if len(points) < 4 or points[0] != points[-1]:
        raise InvalidVolume(
            "the ring is not closed, or has fewer than 3 corners; repeat the first position at "
            "the end",
            field=ring.path,
        )
    try:
        polygon = Polygon(vertices=tuple(points[:-1]))
        geodesy.check_outline(polygon)
    except BadInput as error:
        raise located(error, ring.path) from error
    return polygon


def _point(position: Any, key: str | int, above: Field | None = None) -> LatLng:
    """Return a position; plain code, because a file can hold a hundred thousand of them."""
    try:
        lng_deg, lat_deg = position[0], position[1]
        if type(lng_deg) in _NUMBERS and type(lat_deg) in _NUMBERS:
            return LatLng(float(lat_deg), float(lng_deg))
    except InvalidVolume as error:
        path = Field(position, key, above).path
        raise InvalidVolume(_position_hint(error, position), field=path) from error
    except (IndexError, KeyError, TypeError, OverflowError):
        pass
    raise Field(position, key, above).wrong("a position [longitude, latitude] of two numbers")


_NUMBERS = (float, int)


def _position_hint(error: InvalidVolume, position: Sequence[float]) -> str:
    lng_deg, lat_deg = position[0], position[1]
    if error.field == "lng" and abs(lng_deg) <= 360:
        wrapped = lng_deg - 360 if lng_deg > 0 else lng_deg + 360
        return f"{error.message}; write {lng_deg} as {wrapped:.7g}"
    if abs(lng_deg) <= 90 and abs(lat_deg) <= 180:
        return (
            f"latitude {lat_deg} is not within -90 to 90 degrees; GeoJSON writes "
            "[longitude, latitude], these look swapped"
        )
    return f"{error.message}; write degrees as [longitude, latitude]"


def swapped(outline: Outline) -> Outline | None:
    """Return the outline with latitudes and longitudes exchanged, None where that cannot be.

    For a hint to somebody whose valid outline lies far from where it is expected.
    """
    try:
        if isinstance(outline, Circle):
            center = LatLng(outline.center.lng_deg, outline.center.lat_deg)
            return Circle(center=center, radius_m=outline.radius_m)
        return Polygon(vertices=tuple(LatLng(p.lng_deg, p.lat_deg) for p in outline.vertices))
    except InvalidVolume:
        return None


def document(draft: PlanDraft) -> dict[str, Any]:
    """Return a draft as a FeatureCollection that reads back as the same draft."""
    features = [
        {"type": "Feature", "properties": _properties(draft, index), "geometry": _geometry(v)}
        for index, v in enumerate(draft.volumes)
    ]
    return {"type": "FeatureCollection", "features": features}


def _properties(draft: PlanDraft, index: int) -> dict[str, Any]:
    volume = draft.volumes[index]
    its: dict[str, Any] = {"start": zulu(volume.time.start), "end": zulu(volume.time.end)}
    its |= altitude.to_document(draft.stated[index])
    its |= {"id": draft.id, "callsign": draft.callsign, "formation": draft.formation}
    its |= {"category": draft.category, "priority": draft.priority}
    its |= {"type": "constraint" if draft.constraint else ""}
    if isinstance(volume.outline, Circle):
        its["radius_m"] = volume.outline.radius_m
    return {name: value for name, value in its.items() if value not in ("", None)}


def _geometry(volume: Volume4D) -> dict[str, Any]:
    outline = volume.outline
    if isinstance(outline, Circle):
        center = [outline.center.lng_deg, outline.center.lat_deg]
        return {"type": "Point", "coordinates": center}
    ring = [[p.lng_deg, p.lat_deg] for p in (*outline.vertices, outline.vertices[0])]
    return {"type": "Polygon", "coordinates": [ring]}
