"""Rows of a recording of several aircraft: from CSV, or from JSON by rows or by columns.

Decides which column is what, and in which unit: by its name where that says it, else as the caller
says (``AltitudeSense``), else by a layout that is known to have it so (``_layout``). Never by the
size of the numbers.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, Final

import msgspec

from tansiq.domain.draft import Datum, Units
from tansiq.errors import BadInput, TooLarge

ROWS_MAX: Final = 2_000_000
"""Of one recording; some 400 bytes each while they are read."""
COLUMNS_BYTES_MAX: Final = 100_000_000
"""Columns are read whole before they are rows."""
FOOT_M: Final = 0.3048
KNOT_MPS: Final = 1_852 / 3_600
_FEET_A_MINUTE_MPS: Final = FOOT_M / 60

Number = float | str | None
"""A text where a column may hold both: a time, or the word ``ground`` for an altitude."""


class RecordedRow(msgspec.Struct):
    """One row, by the names that columns have; a name that is not here is passed over."""

    time: Number = None
    timestamp: Number = None
    last_position: Number = None
    lastposupdate: Number = None
    lat: float | None = None
    latitude: float | None = None
    lat_deg: float | None = None
    lng: float | None = None
    lon: float | None = None
    longitude: float | None = None
    lng_deg: float | None = None
    address: str | int | None = None
    icao24: str | int | None = None
    icao: str | int | None = None
    hex: str | int | None = None
    callsign: str | None = None
    flight: str | None = None
    altitude: float | None = None
    alt: float | None = None
    alt_baro: Number = None
    baroaltitude: float | None = None
    pressure_altitude_ft: float | None = None
    pressure_altitude_m: float | None = None
    geoaltitude: float | None = None
    alt_geom: float | None = None
    geometric_altitude_ft: float | None = None
    geometric_altitude_m: float | None = None
    onground: bool | None = None
    on_ground: bool | None = None
    groundspeed: float | None = None
    gs: float | None = None
    velocity: float | None = None
    speed_mps: float | None = None
    track: float | None = None
    heading: float | None = None
    track_deg: float | None = None
    vertical_rate: float | None = None
    vertrate: float | None = None
    baro_rate: float | None = None
    climb_mps: float | None = None


Column = dict[str, Any] | list[Any] | None
RecordedColumns = msgspec.defstruct(
    "RecordedColumns", [(name, Column, None) for name in RecordedRow.__struct_fields__]
)
"""The same, each column whole: values by row number, as pandas writes them, or in order."""

_NAMES: Final = frozenset(RecordedRow.__struct_fields__)
_TEXTS: Final = frozenset({"address", "icao24", "icao", "hex", "callsign", "flight"})
_BOTH: Final = frozenset({"time", "timestamp", "last_position", "lastposupdate", "alt_baro"})
_TRUTHS: Final = {"true": True, "1": True, "false": False, "0": False}


class AltitudeSense(msgspec.Struct, frozen=True):
    """What a plain ``altitude`` counts and from where, as the caller says."""

    units: Units
    datum: Datum


class Reference(StrEnum):
    """What an altitude of a row counts from."""

    PRESSURE = "pressure"
    ELLIPSOID = "ellipsoid"
    SEA = "sea"


@dataclass(frozen=True, slots=True)
class Height:
    """A column of altitudes: one of these times ``unit_m`` is metres above the reference."""

    name: str
    unit_m: float
    reference: Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column is what; None where there is none."""

    time: str
    position_time: str | None
    lat: str
    lng: str
    address: str | None
    callsign: str | None
    on_ground: str | None
    heights: tuple[Height, ...]
    speed: tuple[str, float] | None
    track: str | None
    climb: tuple[str, float] | None
    layout: str
    """In words, for people."""


def json_rows(data: bytes) -> list[RecordedRow]:
    """Return the rows of a JSON list of objects, of an object a line, or of an object of columns.

    Raises:
        BadInput: not JSON, or a value of another kind than its column has.
        TooLarge: too many rows, or nested too deep.
    """
    by_lines = _AN_OBJECT_A_LINE.match(data) is not None
    by_columns = not by_lines and data.lstrip()[:1] == b"{"
    # Before anything is made of it: an empty object in three bytes takes four hundred.
    if by_columns and len(data) > COLUMNS_BYTES_MAX:
        raise TooLarge(f"columns of more than {COLUMNS_BYTES_MAX:,} bytes; write rows, or split it")
    if not by_columns and data.count(b"{") > ROWS_MAX:
        raise _too_many()
    try:
        if by_columns:
            return _from_columns(msgspec.json.decode(data, type=RecordedColumns))
        if by_lines:
            return _LINES.decode_lines(data)
        return msgspec.json.decode(data, type=list[RecordedRow])
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        raise BadInput(
            f"{what}; recordings are a list of objects, or an object of columns",
            field=path.strip("`$.") or None,
        ) from error
    except msgspec.DecodeError as error:
        raise BadInput(f"is not JSON: {error}; check that the file is whole") from error
    except RecursionError as error:
        raise TooLarge("nested deeper than any recording; flatten it") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error


_AN_OBJECT_A_LINE: Final = re.compile(rb"\s*\{[^\n]*\}\s*\n\s*\{")
_LINES: Final = msgspec.json.Decoder(RecordedRow)


def _too_many() -> TooLarge:
    return TooLarge(f"more than {ROWS_MAX:,} rows; split the recording by hours or by region")


def _from_columns(columns: Any) -> list[RecordedRow]:
    found = {name: column for name in _NAMES if (column := getattr(columns, name)) is not None}
    if not found:
        raise BadInput("names no column that a recording has, such as timestamp or latitude")
    kinds = {type(column) for column in found.values()}
    if len(kinds) > 1:
        raise BadInput("some columns are lists and others objects; write all alike")
    if dict in kinds:
        # As pandas writes it; the row numbers need not be those of the rows.
        numbers = list(dict.fromkeys(key for column in found.values() for key in column))
        if len(numbers) > ROWS_MAX:
            raise _too_many()
        values = {name: [column.get(n) for n in numbers] for name, column in found.items()}
    else:
        values = found
        lengths = {len(column) for column in found.values()}
        if len(lengths) > 1:
            raise BadInput(f"the columns differ in length: {sorted(lengths)}; write all rows")
    if len(next(iter(values.values()))) > ROWS_MAX:
        raise _too_many()
    documents = [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
    return msgspec.convert(documents, type=list[RecordedRow])


def csv_rows(data: bytes) -> list[RecordedRow]:
    """Return the rows of CSV whose first line names the columns.

    Raises:
        BadInput: not CSV, or a cell of another kind than its column has; with line and column.
        TooLarge: too many rows.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        used = [(k, name, _reader(name)) for k, name in enumerate(header) if name in _NAMES]
        if len({name for _, name, _ in used}) < len(used):
            raise BadInput("names a column twice; keep one", field="line 1")
        rows = list(islice(_csv(reader, len(header), used), ROWS_MAX + 1))
    except csv.Error as error:
        raise BadInput(
            f"is not CSV: {error}; write plain cells with commas", field=f"line {reader.line_num}"
        ) from error
    if len(rows) > ROWS_MAX:
        raise _too_many()
    return rows


_Cells = Sequence[tuple[int, str, Callable[[str], Any]]]


def _csv(reader: Any, width: int, used: _Cells) -> Iterator[RecordedRow]:
    for row in reader:
        if not row:
            continue
        if len(row) != width:
            raise BadInput(
                f"has {len(row)} cells, the first line {width}; quote cells with commas",
                field=f"line {reader.line_num}",
            )
        made = RecordedRow()
        for k, name, read in used:
            cell = row[k].strip()
            if not cell or cell in {"nan", "NaN", "null", "None"}:
                continue
            try:
                setattr(made, name, read(cell))
            except (ValueError, KeyError) as error:
                raise BadInput(
                    f"{cell[:40]!r} cannot be read; leave the cell empty if it is not known",
                    field=f"line {reader.line_num}: {name}",
                ) from error
        yield made


def _reader(name: str) -> Callable[[str], Any]:
    if name in _TEXTS:
        return str
    if name in _BOTH:
        return _number_or_text
    if name in {"onground", "on_ground"}:
        return lambda cell: _TRUTHS[cell.lower()]
    return float


def _number_or_text(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


# Which column is what


def columns_of(rows: Sequence[RecordedRow], sense: AltitudeSense | None) -> Columns:
    """Return which column is what.

    Raises:
        BadInput: a column is missing or there twice, or what altitudes count from is not said.
    """
    names = _filled(rows)
    metres = "baroaltitude" in names or "lastposupdate" in names
    heights = _heights(names, sense, metres=metres)
    return Columns(
        time=_needed(names, "time", "timestamp"),
        position_time=_one(names, "last_position", "lastposupdate"),
        lat=_needed(names, "lat", "latitude", "lat_deg"),
        lng=_needed(names, "lng", "lon", "longitude", "lng_deg"),
        address=_one(names, "address", "icao24", "hex", "icao"),
        callsign=_one(names, "callsign", "flight"),
        on_ground=_one(names, "onground", "on_ground"),
        heights=heights,
        speed=_scaled(names, groundspeed=KNOT_MPS, gs=KNOT_MPS, velocity=1.0, speed_mps=1.0),
        track=_one(names, "track", "heading", "track_deg"),
        climb=_scaled(
            names,
            vertical_rate=_FEET_A_MINUTE_MPS,
            baro_rate=_FEET_A_MINUTE_MPS,
            vertrate=1.0,
            climb_mps=1.0,
        ),
        layout=", ".join(f"{h.name} {_words(h)}" for h in heights),
    )


def _filled(rows: Sequence[RecordedRow]) -> set[str]:
    """Return the columns that have a value in any row."""
    found: set[str] = set()
    for start in range(0, len(rows), _BLOCK_ROWS):
        block = [msgspec.structs.astuple(row) for row in rows[start : start + _BLOCK_ROWS]]
        for name, column in zip(
            RecordedRow.__struct_fields__, zip(*block, strict=True), strict=True
        ):
            if column.count(None) < len(block):
                found.add(name)
    return found


_BLOCK_ROWS: Final = 10_000


def _words(height: Height) -> str:
    unit = {1.0: "m", FOOT_M: "ft", 100 * FOOT_M: "hundreds of feet"}[height.unit_m]
    above = {
        Reference.PRESSURE: "pressure altitude",
        Reference.ELLIPSOID: "above the WGS84 ellipsoid",
        Reference.SEA: "above mean sea level",
    }[height.reference]
    return f"in {unit}, {above}"


def _heights(names: set[str], sense: AltitudeSense | None, *, metres: bool) -> tuple[Height, ...]:
    """Return the columns of altitudes, one of each reference at most."""
    known = {
        "alt_baro": Height("alt_baro", FOOT_M, Reference.PRESSURE),
        "baroaltitude": Height("baroaltitude", 1.0, Reference.PRESSURE),
        "pressure_altitude_ft": Height("pressure_altitude_ft", FOOT_M, Reference.PRESSURE),
        "pressure_altitude_m": Height("pressure_altitude_m", 1.0, Reference.PRESSURE),
        "alt_geom": Height("alt_geom", FOOT_M, Reference.ELLIPSOID),
        "geometric_altitude_ft": Height("geometric_altitude_ft", FOOT_M, Reference.ELLIPSOID),
        "geometric_altitude_m": Height("geometric_altitude_m", 1.0, Reference.ELLIPSOID),
    }
    found = [height for name, height in known.items() if name in names]
    plain = _one(names, "altitude", "alt")
    traffic = {"timestamp", "icao24", "latitude", "longitude"} <= names and plain == "altitude"
    if traffic and names & {"geoaltitude", "groundspeed", "vertical_rate"}:
        sense = None  # The file says it: what is said of others among them is not about this one.
    if plain is not None:
        found.append(_plain(plain, sense, traffic=traffic))
    if "geoaltitude" in names:
        found.append(_geoaltitude(sense, metres=metres, traffic=traffic))
    if len({height.reference for height in found}) < len(found):
        raise BadInput(
            f"two columns of the same sort of altitude ({', '.join(h.name for h in found)}); "
            "keep one of each",
            field="columns",
        )
    if not found:
        raise BadInput(
            "no column of altitudes; name one altitude, pressure_altitude_ft or "
            "geometric_altitude_m",
            field="columns",
        )
    return tuple(found)


_METRES: Final = {Units.M: 1.0, Units.FT: FOOT_M, Units.FL: 100 * FOOT_M}
_REFERENCES: Final = {
    Datum.W84: Reference.ELLIPSOID,
    Datum.AMSL: Reference.SEA,
    Datum.FL: Reference.PRESSURE,
}


def _plain(name: str, sense: AltitudeSense | None, *, traffic: bool) -> Height:
    if sense is not None:
        if sense.datum not in _REFERENCES:
            raise BadInput(
                "heights above ground cannot be used, the ground under the aircraft is not known; "
                "use W84, AMSL or FL",
                field="datum",
            )
        if sense.units is Units.FL and sense.datum is not Datum.FL:
            raise BadInput("units FL go with datum FL alone; use M or FT", field="units")
        return Height(name, _METRES[sense.units], _REFERENCES[sense.datum])
    if traffic:
        return Height(name, FOOT_M, Reference.PRESSURE)
    raise BadInput(
        "does not say what it counts from; give --datum and --units, or rename it "
        "pressure_altitude_ft, geometric_altitude_m or the like",
        field=f"column {name}",
    )


def _geoaltitude(sense: AltitudeSense | None, *, metres: bool, traffic: bool) -> Height:
    if metres or traffic:
        return Height("geoaltitude", 1.0 if metres else FOOT_M, Reference.ELLIPSOID)
    if sense is None or sense.units is Units.FL:
        raise BadInput(
            "does not say its unit; rename it geometric_altitude_ft or geometric_altitude_m",
            field="column geoaltitude",
        )
    return Height("geoaltitude", _METRES[sense.units], Reference.ELLIPSOID)


def _one(names: set[str], *of: str) -> str | None:
    found = [name for name in of if name in names]
    if len(found) > 1:
        raise BadInput(f"the columns {' and '.join(found)} are the same; keep one", field="columns")
    return found[0] if found else None


def _needed(names: set[str], *of: str) -> str:
    found = _one(names, *of)
    if found is None:
        raise BadInput(
            f"no column named {' or '.join(of)} with values; rename the one that it is",
            field="columns",
        )
    return found


def _scaled(names: set[str], **of: float) -> tuple[str, float] | None:
    found = _one(names, *of)
    return None if found is None else (found, of[found])
