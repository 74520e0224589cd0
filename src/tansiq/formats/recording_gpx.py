"""GPX: the points of its tracks, read as they stream by.

Of XML only what GPX needs: no document type, no entities of its own, no nesting and no text beyond
bounds. Routes, waypoints and extensions are passed over. A ``trk`` is one aircraft, by its name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from tansiq.domain.draft import Datum, Units
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TooLarge
from tansiq.formats.recording_rows import ROWS_MAX, AltitudeSense, Reference
from tansiq.formats.reported import Fault, geometric, named, shown, time_of

DEPTH_MAX: Final = 32
TEXT_MAX: Final = 200
"""Characters of a name, a time or an elevation."""
_STEP: Final = 1 << 16
_WANTED: Final = frozenset({"name", "ele", "time"})


@dataclass(slots=True)
class GpxPoint:
    """A point of a track, as it is written."""

    address: Address
    name: str
    line: int
    lat: str
    lng: str
    ele: str = ""
    time: str = ""


def read(data: bytes, stem: str) -> Iterator[GpxPoint]:
    """Yield the points of all tracks; a track without a name is called after the file.

    Raises:
        BadInput: not XML, not GPX, or with a document type or entities.
        TooLarge: nested too deep, a text too long, or too many points.
    """
    reader = _Reader(stem)
    for start in range(0, len(data), _STEP):
        yield from reader.fed(data[start : start + _STEP], last=start + _STEP >= len(data))


def layout(sense: AltitudeSense | None) -> str:
    """Return how elevations are taken, in words.

    Raises:
        BadInput: it is not said what they count from.
    """
    if sense is None:
        raise BadInput(
            "GPX does not say what its elevations count from; give --datum W84, AMSL or FL",
            field="ele",
        )
    if sense.units is not Units.M:
        raise BadInput("the elevations of GPX are metres; leave --units out", field="units")
    return f"ele in m, {sense.datum.value}"


def report(point: GpxPoint, sense: AltitudeSense | None) -> PositionReport | Fault:
    """Return the report of a point, or why there is none.

    Raises:
        BadInput: a value that no aircraft has, or what elevations count from is not known.
    """
    layout(sense)
    if not point.time:
        return Fault.NO_TIME
    if not point.ele:
        return Fault.NO_ALTITUDE
    position = LatLng(_number(point.lat, point), _number(point.lng, point))
    ele_m = _number(point.ele, point)
    datum = sense.datum if sense else Datum.W84
    height_m, error_m = (None, 0.0)
    if datum is not Datum.FL:
        reference = Reference.SEA if datum is Datum.AMSL else Reference.ELLIPSOID
        height_m, error_m = geometric(ele_m, reference, position)
    return PositionReport(
        address=point.address,
        time=time_of(point.time, f"line {point.line}: time"),
        position=position,
        callsign=shown(point.name),
        pressure_m=ele_m if datum is Datum.FL else None,
        geometric_m=height_m,
        geometric_error_m=error_m,
    )


def _number(text: str, point: GpxPoint) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise BadInput(f"{text[:40]!r} is no number", field=f"line {point.line}") from error


class _Reader:
    """Takes points out of XML, piece by piece."""

    def __init__(self, stem: str) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        # Entities can be declared in a document type alone: without one nothing expands.
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._stem = stem
        self._path: list[str] = []
        self._held = ""
        self._tracks = self._points = 0
        self._name = ""
        self._address = named(stem)
        self._point: GpxPoint | None = None
        self._done: list[GpxPoint] = []

    def fed(self, data: bytes, *, last: bool) -> list[GpxPoint]:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            raise BadInput(
                f"is not XML: {error}; check that the file is whole", field="GPX"
            ) from error
        done, self._done = self._done, []
        return done

    def _refuse(self, *_: object) -> None:
        raise BadInput("has a document type, which GPX has not; take it out", field="GPX")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        self._path.append(name)
        if len(self._path) > DEPTH_MAX:
            raise TooLarge(f"nested deeper than {DEPTH_MAX} levels", field=self._where())
        if self._path[0] != "gpx":
            raise BadInput(f"begins with <{name[:40]}> and not with <gpx>", field=self._where())
        self._held = ""
        if name == "trk":
            self._tracks += 1
            self._call("")
        elif name == "trkpt":
            self._begin(attributes)

    def _begin(self, attributes: dict[str, str]) -> None:
        self._points += 1
        if self._points > ROWS_MAX:
            raise TooLarge(f"more than {ROWS_MAX:,} points; split the file", field="GPX")
        if not {"lat", "lon"} <= attributes.keys():
            raise BadInput("a point has lat and lon", field=self._where())
        self._point = GpxPoint(
            self._address,
            self._name,
            self._parser.CurrentLineNumber,
            attributes["lat"],
            attributes["lon"],
        )

    def _text(self, text: str) -> None:
        if not self._path or self._path[-1] not in _WANTED:
            return
        self._held += text
        if len(self._held) > TEXT_MAX:
            raise TooLarge(f"a text of more than {TEXT_MAX} characters", field=self._where())

    def _end(self, _: str) -> None:
        name = self._path.pop()
        above = self._path[-1] if self._path else ""
        held, self._held = self._held.strip(), ""
        if name == "name" and above == "trk":
            self._call(held)
        elif self._point is not None and above == "trkpt" and name in {"ele", "time"}:
            setattr(self._point, name, held)
        elif name == "trkpt" and self._point is not None:
            self._done.append(self._point)
            self._point = None

    def _call(self, name: str) -> None:
        number = f"-{self._tracks}" if self._tracks > 1 else ""
        self._name = name
        self._address = named(name or f"{self._stem}{number}")

    def _where(self) -> str:
        return f"line {self._parser.CurrentLineNumber}"
