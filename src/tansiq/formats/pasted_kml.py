"""KML and KMZ that somebody pasted: placemarks with polygons, lines and points.

Everything that is not an outline, a level, a time or a name is left out, styles and links above
all: nothing is fetched, and a name is text. Heights count only where the altitude mode says that
they do, ``absolute`` (above mean sea level, EGM96) or ``relativeToGround``. KML draws surfaces: one
height is an upper level, or with ``extrude`` the top of what stands on the ground.
"""

import io
import math
import re
import zipfile
import zlib
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tansiq.domain.draft import Datum, Units
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import LatLng, Polygon
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.formats.pasted_geojson import SIZES, WIDTHS, size_of, stated_properties
from tansiq.formats.safe_xml import walk
from tansiq.formats.tree import Field, located
from tansiq.formats.understood import (
    LEG_VERTICES,
    SURFACE,
    Area,
    Corridor,
    Gathered,
    Height,
    Kind,
    Reading,
    ReadVolume,
    Ring,
    Shape,
    shown_name,
)

UNPACKED_BYTES_MAX: Final = 4_000_000
ENTRIES_MAX: Final = 1_000
DATA_MAX: Final = 64
"""Of one placemark's own data."""
_GEOMETRIES: Final = frozenset({"Polygon", "LineString", "Point", "LinearRing"})
_SKIPPED: Final = frozenset(
    {"NetworkLink", "Model", "Track", "MultiTrack", "GroundOverlay", "PhotoOverlay", "Tour"}
)
_KNOWN: Final = frozenset(
    {*SIZES, *WIDTHS, "start", "end", "lower", "upper", "units", "datum", "ground_m"}
    | {"ground_datum", "callsign", "formation", "category", "priority"}
)
_NUMBER: Final = re.compile(r"[+-]?\d{1,15}(?:\.\d{0,15})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_NUMERIC: Final = frozenset({*SIZES, *WIDTHS, "lower", "upper", "ground_m"})


@dataclass(slots=True)
class _Geometry:
    kind: str
    outer: str = ""
    holes: int = 0
    mode: str = "clampToGround"
    extrude: bool = False


@dataclass(slots=True)
class _Placemark:
    name: str = ""
    begin: str = ""
    end: str = ""
    data: dict[str, str] = field(default_factory=dict)
    geometries: list[_Geometry] = field(default_factory=list)


def unpacked(data: bytes) -> bytes:
    """Return the KML document of a KMZ: its first file with that ending.

    Raises:
        BadInput: no KMZ, or none that can be read.
        TooLarge: more files, or a larger document, than is read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > ENTRIES_MAX:
                raise TooLarge(f"a KMZ of {len(entries)} files; at most {ENTRIES_MAX} are read")
            documents = [e for e in entries if e.filename.lower().endswith(".kml")]
            if not documents:
                raise BadInput("a KMZ without a .kml file in it")
            if documents[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise BadInput("packed in a way that KMZ does not know; save it again, or as KML")
            # What it says of its own size is not believed: no more is read than there may be.
            with archive.open(documents[0]) as file:
                text = file.read(UNPACKED_BYTES_MAX + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput(f"not a KMZ that can be read: {error}", field="base64") from error
    except (ValueError, OSError) as error:  # Names and offsets that are none.
        raise BadInput(f"not a KMZ: {error}", field="base64") from error
    if len(text) > UNPACKED_BYTES_MAX:
        raise TooLarge(f"its KML is larger than {UNPACKED_BYTES_MAX} bytes: simplify it")
    return text


def read_kml(data: bytes) -> Reading:
    """Return what a KML document says.

    Raises:
        BadInput: not XML, or a geometry in it is malformed.
        TooLarge: beyond a limit.
    """
    gathered, skipped = Gathered(), dict[str, int]()
    document = _Document(gathered, skipped)
    walk(data, document.element, on_end=document.ended)
    for kind, count in sorted(skipped.items()):
        gathered.warn("read-element-skipped", count=str(count), element=kind)
    return gathered.reading(Kind.KML, "holds no Placemark with a Polygon, a LineString or a Point")


class _Document:
    """The handlers of one document."""

    def __init__(self, gathered: Gathered, skipped: dict[str, int]) -> None:
        self._gathered = gathered
        self._skipped = skipped
        self._placemark: _Placemark | None = None
        self._key = ""

    def element(self, way: list[str], attributes: dict[str, str]) -> None:
        name = _local(way[-1])
        if name in _SKIPPED:
            self._skipped[name] = self._skipped.get(name, 0) + 1
        if name == "Placemark":
            if self._placemark is not None:
                raise BadInput("a Placemark within a Placemark", field="Placemark")
            self._placemark = _Placemark()
        placemark = self._placemark
        if placemark is None:
            return
        if name in ("Data", "SimpleData"):
            self._key = attributes.get("name", "")
        standalone = name != "LinearRing" or not _within(way, "Polygon")
        if name in _GEOMETRIES and standalone:
            placemark.geometries.append(_Geometry(name))
        if name == "innerBoundaryIs" and placemark.geometries:
            placemark.geometries[-1].holes += 1

    def ended(self, way: list[str], text: str) -> None:
        placemark = self._placemark
        if placemark is None:
            return
        name, above = _local(way[-1]), _local(way[-2]) if len(way) > 1 else ""
        if name == "Placemark":
            self._placemark = None
            _emit(placemark, self._gathered)
        elif name == "name" and above == "Placemark":
            placemark.name = shown_name(text)
        elif above == "TimeSpan" and name in ("begin", "end"):
            setattr(placemark, name, text.strip())
        elif name == "SimpleData" or (name == "value" and above == "Data"):
            self._note(placemark, text)
        elif placemark.geometries:
            _of_geometry(placemark.geometries[-1], name, way, text)

    def _note(self, placemark: _Placemark, text: str) -> None:
        if self._key in _KNOWN:
            placemark.data[self._key] = text.strip()


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _within(way: list[str], name: str) -> bool:
    return any(_local(one) == name for one in way[:-1])


def _of_geometry(geometry: _Geometry, name: str, way: list[str], text: str) -> None:
    if name == "coordinates" and not _within(way, "innerBoundaryIs"):
        if geometry.outer:
            raise BadInput(f"a {geometry.kind} with two lists of coordinates", field="coordinates")
        geometry.outer = text
    elif name == "altitudeMode":
        geometry.mode = text.strip()
    elif name == "extrude":
        geometry.extrude = text.strip() in ("1", "true")


# One placemark


def _emit(placemark: _Placemark, gathered: Gathered) -> None:
    where = f"Placemark {placemark.name}".strip()
    its = Field({key: _value(key, text) for key, text in placemark.data.items()}, where)
    said = stated_properties(its)
    said["name"] = placemark.name or said["name"]
    for side, text in (("start", placemark.begin), ("end", placemark.end)):
        if text and said[side] is None:
            said[side] = _moment(text, side, gathered)
    stated = said["lower"] is not None or said["upper"] is not None
    for geometry in placemark.geometries:
        try:
            places, heights_m = _positions(geometry)
            shape = _shape(geometry, places, its, gathered)
            levels = {} if stated else _levels(geometry, heights_m, gathered)
            gathered.add(ReadVolume(**{**said, **levels}, shape=shape))
        except BadInput as error:
            raise located(error, where) from error


def _value(key: str, text: str) -> str | float | int:
    if key == "priority" and re.fullmatch(r"-?\d{1,9}", text, re.ASCII):
        return int(text)
    return float(text) if key in _NUMERIC and _NUMBER.fullmatch(text) else text


def _moment(text: str, side: str, gathered: Gathered) -> datetime | None:
    try:
        return parse_rfc3339(text, side, round_up=side == "end")
    except BadInput:
        # KML has days, months and years too, and times without a zone.
        gathered.warn("read-time-skipped", time=shown_name(text))
        return None


def _positions(geometry: _Geometry) -> tuple[list[LatLng], list[float]]:
    """Return places, and the heights of those that have one, metres."""
    places, heights_m = [], []
    for position in geometry.outer.split():
        figures = position.split(",")
        if not 2 <= len(figures) <= 3 or not all(map(_NUMBER.fullmatch, figures)):
            raise BadInput(
                f"{position[:40]!r} is no position; KML writes longitude,latitude,height without "
                "blanks"
            )
        lng_deg, lat_deg, *height = map(float, figures)
        places.append(LatLng(lat_deg, lng_deg))
        heights_m += height
    if not places:
        raise InvalidVolume(f"a {geometry.kind} without coordinates")
    return places, heights_m


def _shape(geometry: _Geometry, places: list[LatLng], its: Field, gathered: Gathered) -> Shape:
    if geometry.kind == "Point":
        return Ring(places[0], size_of(its, SIZES))
    distinct = [p for i, p in enumerate(places) if i == 0 or p != places[i - 1]]
    if geometry.kind == "LineString":
        gathered.spend(LEG_VERTICES * (len(distinct) - 1))
        return Corridor(tuple(distinct), size_of(its, WIDTHS))
    if geometry.holes:
        gathered.warn("read-hole-filled", count=str(geometry.holes))
    if len(distinct) > 1 and distinct[0] == distinct[-1]:
        distinct.pop()
    gathered.spend(len(distinct))
    return Area(Polygon(vertices=tuple(distinct)))


def _levels(
    geometry: _Geometry, heights_m: list[float], gathered: Gathered
) -> dict[str, Height | None]:
    """Return what heights say of levels; what they do not say, as a warning."""
    if geometry.mode == "clampToGround" or not heights_m:
        return {}
    datum = {"absolute": Datum.AMSL, "relativeToGround": Datum.AGL}.get(geometry.mode)
    if datum is None:
        gathered.warn("read-heights-of-mode", mode=shown_name(geometry.mode))
        return {}
    low_m, high_m = min(heights_m), max(heights_m)
    low, high = (Height(h, Units.M, datum) for h in (low_m, high_m))
    if not math.isclose(low_m, high_m, abs_tol=0.005):
        gathered.warn("read-heights-differ", lower=str(low), upper=str(high))
        return {}
    if geometry.extrude:
        return {"lower": SURFACE, "upper": high}
    gathered.warn("read-height-upper", height=str(high))
    return {"upper": high}
