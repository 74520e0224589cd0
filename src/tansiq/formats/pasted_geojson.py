"""GeoJSON that somebody pasted: any geometry with an extent, and plan files of our own.

More is read than of a plan file: bare geometries, lines with a width, open levels and times. A
number without a stated unit is not read, and that is said. Holes are filled, and that is said.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, TypeVar

from tansiq.domain.draft import Datum, StatedGround, Units
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import VERTICES_MAX, LatLng, Polygon
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.formats import properties
from tansiq.formats.tree import Field, located, parse
from tansiq.formats.understood import (
    LEG_VERTICES,
    Area,
    Corridor,
    Distance,
    Gathered,
    Height,
    Kind,
    Reading,
    ReadVolume,
    Ring,
    Shape,
    shown_name,
)

W = TypeVar("W", Datum, Units)

_GEOMETRIES: Final = frozenset(
    {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"}
    | {"GeometryCollection"}
)
SIZES: Final = {"radius_m": 1.0, "radius_km": 1_000.0, "radius_nm": 1_852.0}
WIDTHS: Final = {
    "half_width_m": 1.0,
    "width_m": 0.5,
    "width_km": 500.0,
    "width_nm": 926.0,
}
_UNITLESS: Final = {"radius": "radius_m", "width": "width_m", "buffer": "half_width_m"}
_NAMES: Final = ("callsign", "name", "title")
_OTHERS: Final = ("id", "callsign", "formation", "category", "priority", "type")
_DATUMS: Final = {
    **{datum.value: datum for datum in Datum},
    "WGS84": Datum.W84,
    "MSL": Datum.AMSL,
    "EGM96": Datum.AMSL,
}
_UNITS: Final = {unit.value: unit for unit in Units}
_OTHER_CHARS_MAX: Final = 100


def read_geojson(data: bytes, *, bytes_max: int, depth_max: int) -> Reading:
    """Return what a GeoJSON document says.

    Raises:
        BadInput: it is not strict JSON, no GeoJSON, or anything in it is malformed.
        TooLarge: beyond a limit.
    """
    document = Field(parse(data, bytes_max=bytes_max, depth_max=depth_max))
    gathered = Gathered()
    for feature in _features(document):
        its = feature.get("properties") or Field({}, "properties", feature)
        _read_feature(feature.get("geometry"), its, gathered)
    return gathered.reading(
        Kind.GEOJSON, "holds no geometry; add a Polygon, a Point or a LineString"
    )


def _features(document: Field) -> Iterator[Field]:
    remedy = "GeoJSON starts with a Feature, a FeatureCollection or a geometry"
    kind = document.need("type", remedy).text()
    if kind == "Feature":
        yield document
    elif kind in _GEOMETRIES:
        yield Field({"geometry": document.value, "properties": {}})
    elif kind == "FeatureCollection":
        for feature in document.need("features", "list the features").items():
            if feature.need("type", "write Feature").text() != "Feature":
                raise BadInput("only Features stand here", field=feature.below("type"))
            yield feature
    else:
        raise BadInput(f"{kind[:40]!r} is not read; {remedy}", field=document.below("type"))


def _read_feature(geometry: Field | None, its: Field, gathered: Gathered) -> None:
    if geometry is None:
        gathered.warn("read-no-geometry")
        return
    for name, meant in _UNITLESS.items():
        if its.get(name):
            gathered.warn("read-unit-missing", property=name, meant=meant)
    try:
        rest = {name: value for name, value in its.members().items() if name not in _UNITLESS}
        properties.refuse_misspelt(Field(rest, its.path))
    except BadInput as error:
        wrong = (error.field or "").rpartition(".")[2]
        gathered.warn("read-property-ignored", property=shown_name(wrong))
    said = stated_properties(its)
    for shape in _shapes(geometry, its, gathered):
        try:
            volume = ReadVolume(shape=shape, **said)
        except BadInput as error:
            raise located(error, its.path) from error
        gathered.add(volume)


def stated_properties(its: Field) -> dict[str, Any]:
    """Return what properties say, as the members of a ``ReadVolume``; what they do not say is None.

    Raises:
        BadInput: something of it is malformed.
    """
    units = _word(its, "units", _UNITS, "M (metres) or FT (feet)")
    datum = _word(its, "datum", _DATUMS, "W84, AMSL, FL or AGL")
    if datum is Datum.FL and units not in (None, Units.FL):
        raise BadInput("flight levels carry no other unit; leave it out", field=its.below("units"))
    levels = {name: _height(its, name, units, datum) for name in ("lower", "upper")}
    name = next((f.value for key in _NAMES if (f := its.get(key)) and _is_text(f.value)), "")
    return {
        **levels,
        "ground": _ground(its),
        "start": _time(its, "start"),
        "end": _time(its, "end", round_up=True),
        "name": shown_name(name),
        "others": {key: f.value for key in _OTHERS if (f := its.get(key)) and _is_plain(f.value)},
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        # Half of a surrogate pair, which no answer could carry, is not printable either.
        return 0 < len(value) <= _OTHER_CHARS_MAX and value.isprintable()
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def _word(its: Field, name: str, words: dict[str, W], choice: str) -> W | None:
    field = its.get(name)
    if field is None:
        return None
    found = words.get(field.text().upper())
    if found is None:
        raise BadInput(f"{field.value[:40]!r} is not known; write {choice}", field=field.path)
    return found


def _height(its: Field, name: str, units: Units | None, datum: Datum | None) -> Height | None:
    field = its.get(name)
    if field is None:
        return None
    if datum is Datum.FL or units is Units.FL:
        return Height(field.number(), Units.FL, Datum.FL)
    if units is None:
        raise BadInput("has no unit; add units M (metres) or FT (feet)", field=field.path)
    return Height(field.number(), units, datum)


def _ground(its: Field) -> StatedGround | None:
    ground = its.get("ground_m")
    if ground is None:
        return None
    datum = _word(its, "ground_datum", _DATUMS, "W84 or AMSL")
    ends = list(ground.items()) if isinstance(ground.value, list) else [ground, ground]
    if datum is None or len(ends) != 2:
        raise BadInput(
            "write one height or [lowest, highest], and ground_datum W84 or AMSL", field=ground.path
        )
    return StatedGround(lowest_m=ends[0].number(), highest_m=ends[1].number(), datum=datum)


def _time(its: Field, name: str, *, round_up: bool = False) -> datetime | None:
    field = its.get(name)
    return parse_rfc3339(field.text(), field.path, round_up=round_up) if field else None


def size_of(its: Field, units: dict[str, float]) -> Distance | None:
    """Return the radius or half width among properties, by the names of ``units``.

    Raises:
        BadInput: given twice.
    """
    given = [(field, metres) for name, metres in units.items() if (field := its.get(name))]
    if len(given) > 1:
        raise BadInput("is given twice, in two units; give it once", field=given[1][0].path)
    return Distance(given[0][0].number() * given[0][1]) if given else None


# Geometry


def _shapes(geometry: Field, its: Field, gathered: Gathered, depth: int = 0) -> Iterator[Shape]:
    kind = geometry.need("type", "write the geometry's type").text()
    if kind == "GeometryCollection":
        if depth:
            raise BadInput("a collection within a collection; flatten it", field=geometry.path)
        for one in geometry.need("geometries", "list the geometries").items():
            yield from _shapes(one, its, gathered, depth + 1)
        return
    if kind not in _GEOMETRIES:
        raise BadInput(
            f"{kind[:40]!r} is no geometry; write Polygon, LineString or Point",
            field=geometry.below("type"),
        )
    coordinates = geometry.need("coordinates", "add them as [longitude, latitude]")
    single = kind.removeprefix("Multi")
    for one in [coordinates] if single == kind else coordinates.items():
        try:
            yield _shape(single, one, its, gathered)
        except InvalidVolume as error:
            raise located(error, error.field or one.path) from error


def _shape(kind: str, coordinates: Field, its: Field, gathered: Gathered) -> Shape:
    if kind == "Point":
        return Ring(_position(coordinates), size_of(its, SIZES))
    if kind == "LineString":
        places = _positions(coordinates)
        distinct = [p for i, p in enumerate(places) if i == 0 or p != places[i - 1]]
        gathered.spend(LEG_VERTICES * (len(distinct) - 1))
        return Corridor(tuple(distinct), size_of(its, WIDTHS))
    rings = list(coordinates.items())
    if not rings:
        raise InvalidVolume("holds no ring; add the outer one", field=coordinates.path)
    if len(rings) > 1:
        gathered.warn("read-hole-filled", count=str(len(rings) - 1))
    points = _positions(rings[0])
    if len(points) < 4 or points[0] != points[-1]:
        raise InvalidVolume(
            "the ring is not closed, or has fewer than 3 corners; repeat the first position at "
            "the end",
            field=rings[0].path,
        )
    gathered.spend(len(points) - 1)
    return Area(Polygon(vertices=tuple(points[:-1])))


def _positions(coordinates: Field) -> list[LatLng]:
    if len(coordinates.array()) > VERTICES_MAX + 1:
        raise TooLarge(
            f"{len(coordinates.array())} positions; at most {VERTICES_MAX}: simplify the outline",
            field=coordinates.path,
        )
    return [_position(one) for one in coordinates.items()]


def _position(field: Field) -> LatLng:
    pair = list(field.items())[:2]
    if len(pair) < 2:
        raise field.wrong("a position [longitude, latitude] of two numbers")
    lng_deg, lat_deg = pair[0].number(), pair[1].number()
    try:
        return LatLng(lat_deg, lng_deg)
    except InvalidVolume as error:
        hint = "GeoJSON writes [longitude, latitude]"
        raise InvalidVolume(f"{error.message}; {hint}", field=field.path) from error
