"""Traces of readsb and tar1090: one aircraft and day a file, rows of mixed values.

Source: README-json.md of readsb (wiedehopf), section on traces. A row is seconds after
``timestamp``, latitude, longitude, pressure altitude (feet, or "ground"), ground speed (knots),
track, flags, vertical rate (feet a minute), an object or null, the type, geometric altitude (feet).
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from tansiq.domain.track import CLIMB_MPS_MAX, SPEED_MPS_MAX, Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TooLarge
from tansiq.formats.recording_rows import FOOT_M, KNOT_MPS, ROWS_MAX
from tansiq.formats.reported import Fault, address_of, shown, time_of, turned

LAYOUT: Final = "altitudes in ft, pressure and above the WGS84 ellipsoid, as readsb has them"
BYTES_MAX: Final = 50_000_000
_GEOMETRIC: Final = 8
"""The flag that the altitude in the fourth place is geometric."""


class TraceFile(msgspec.Struct):
    """A file, as it is written."""

    icao: str
    timestamp: float
    trace: list[list[Any]]
    r: str | None = None
    """The registration."""


@dataclass(frozen=True, slots=True)
class Position:
    """A row; ``None`` where it says nothing."""

    number: int
    after_s: float
    lat_deg: float | None
    lng_deg: float | None
    altitude: float | str | None
    speed_kt: float | None
    track_deg: float | None
    flags: int
    climb_ft_a_minute: float | None
    geometric_ft: float | None
    callsign: str


@dataclass(frozen=True, slots=True)
class Trace:
    """The rows of one aircraft."""

    address: Address
    start_s: float
    positions: tuple[Position, ...]


def is_trace(data: bytes) -> bool:
    """Report whether an object of JSON looks like a trace."""
    return b'"trace"' in data[:100_000] and b'"icao"' in data[:100_000]


def read(data: bytes) -> Trace:
    """Read a trace; a call sign holds until another one is said.

    Raises:
        BadInput: not a trace, with the place.
        TooLarge: too many rows, or nested too deep.
    """
    if len(data) > BYTES_MAX:
        raise TooLarge(f"a trace of more than {BYTES_MAX:,} bytes; that is no day of one aircraft")
    try:
        file = msgspec.json.decode(data, type=TraceFile)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at ")
        raise BadInput(what, field=path.strip("`$.") or "trace") from error
    except msgspec.DecodeError as error:
        raise BadInput(f"is not JSON: {error}; check that the file is whole") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except RecursionError as error:
        raise TooLarge("nested deeper than a trace is") from error
    if len(file.trace) > ROWS_MAX:
        raise TooLarge(f"more than {ROWS_MAX:,} rows; split the file", field="trace")
    callsign = shown(file.r)
    positions = []
    for number, row in enumerate(file.trace):
        about = row[8] if len(row) > 8 else None
        if isinstance(about, dict) and isinstance(about.get("flight"), str):
            callsign = shown(about["flight"]) or callsign
        positions.append(_position(number, row, callsign))
    return Trace(address_of(file.icao), file.timestamp, tuple(positions))


def _position(number: int, row: list[Any], callsign: str) -> Position:
    if len(row) < 8:
        raise BadInput(f"has {len(row)} values, a row has 9 or more", field=f"trace[{number}]")

    def value(place: int) -> float | None:
        found = row[place] if place < len(row) else None
        if found is not None and (isinstance(found, bool) or not isinstance(found, int | float)):
            raise BadInput("is no number", field=f"trace[{number}][{place}]")
        return found

    altitude = row[3] if row[3] == "ground" else value(3)
    after_s, flags = value(0), value(6)
    if after_s is None:
        raise BadInput("is missing; each row has its time", field=f"trace[{number}][0]")
    return Position(
        number=number,
        after_s=after_s,
        lat_deg=value(1),
        lng_deg=value(2),
        altitude=altitude,
        speed_kt=value(4),
        track_deg=value(5),
        flags=int(flags or 0),
        climb_ft_a_minute=value(7),
        geometric_ft=value(10),
        callsign=callsign,
    )


def report(trace: Trace, row: Position) -> PositionReport | Fault:
    """Return the report of a row, or why there is none.

    Raises:
        BadInput: a value that no aircraft has.
    """
    if row.lat_deg is None or row.lng_deg is None:
        return Fault.NO_POSITION
    geometric_ft, pressure_ft = row.geometric_ft, None
    if isinstance(row.altitude, int | float):
        if row.flags & _GEOMETRIC:
            geometric_ft = row.altitude
        else:
            pressure_ft = row.altitude
    on_ground = row.altitude == "ground"
    if pressure_ft is None and geometric_ft is None and not on_ground:
        return Fault.NO_ALTITUDE
    return PositionReport(
        address=trace.address,
        time=time_of(trace.start_s + row.after_s, f"trace[{row.number}][0]"),
        position=LatLng(row.lat_deg, row.lng_deg),
        pressure_m=None if pressure_ft is None else pressure_ft * FOOT_M,
        geometric_m=None if geometric_ft is None else geometric_ft * FOOT_M,
        on_ground=on_ground,
        callsign=row.callsign,
        speed_mps=_within(row.speed_kt, KNOT_MPS, 0.0, SPEED_MPS_MAX),
        climb_mps=_within(row.climb_ft_a_minute, FOOT_M / 60, -CLIMB_MPS_MAX, CLIMB_MPS_MAX),
        track_deg=turned(row.track_deg),
    )


def _within(value: float | None, scale: float, least: float, most: float) -> float | None:
    if value is None or not least <= value * scale <= most:
        return None
    return value * scale
