"""Recordings of several aircraft: files of every sort to position reports, by aircraft.

CSV, JSON (rows, lines, or columns), GPX, readsb traces, each also gzipped; what it is, its content
says and not its name. What a report cannot be (no position, no altitude) is left out and counted;
what is in the wrong place for its column is an error. Whether reports go together, so spikes and
faults of clocks, is decided in ``recording_faults``.
"""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tansiq.domain.track import CLIMB_MPS_MAX, SPEED_MPS_MAX, Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.formats import recording_gpx, recording_trace
from tansiq.formats.recording_rows import (
    AltitudeSense,
    Columns,
    RecordedRow,
    Reference,
    columns_of,
    csv_rows,
    json_rows,
)
from tansiq.formats.reported import Fault, address_of, geometric, named, shown, time_of, turned
from tansiq.formats.tree import located

BYTES_MAX: Final = 300_000_000
"""Of one recording, unpacked: a day of a busy region, one row each ten seconds."""
AIRCRAFT_MAX: Final = 50_000
_GZIP: Final = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What one file holds, unchecked and in its order; ``rows`` counts what it came from."""

    name: str
    reports: Mapping[Address, Sequence[PositionReport]]
    rows: int
    left_out: Mapping[Fault, int]
    layout: str
    """How its altitudes were taken, in words."""


def read_recording(data: bytes, name: str, sense: AltitudeSense | None = None) -> Recording:
    """Read a file.

    Args:
        sense: what plain altitudes count, where the file does not say.

    Raises:
        BadInput: malformed, with the row and column; or no report in it can be used.
        TooLarge: more bytes, rows or aircraft than are read.
    """
    try:
        found = _read(unpacked(data), name, sense)
    except BadInput as error:
        raise located(error, f"{name}: {error.field}" if error.field else name) from error
    if not found.reports:
        why = ", ".join(f"{count} {fault}" for fault, count in found.left_out.items())
        raise BadInput(f"no report can be used ({why or 'it is empty'})", field=name)
    if len(found.reports) > AIRCRAFT_MAX:
        raise TooLarge(f"more than {AIRCRAFT_MAX:,} aircraft; split it by region", field=name)
    return found


def unpacked(data: bytes) -> bytes:
    """Return what is in gzip, or what is not in gzip as it is.

    Raises:
        BadInput: a damaged or cut file.
        TooLarge: it is longer than ``BYTES_MAX``; no more than that is ever unpacked.
    """
    too_large = TooLarge(f"more than {BYTES_MAX:,} bytes unpacked; split the recording")
    parts: list[bytes] = []
    room = BYTES_MAX
    while data.startswith(_GZIP):
        stream = zlib.decompressobj(wbits=31)
        try:
            part = stream.decompress(data, room + 1)
        except zlib.error as error:
            raise BadInput(f"is damaged gzip: {error}; fetch it again") from error
        if len(part) > room:
            raise too_large
        if not stream.eof:
            raise BadInput("is gzip that ends too early; fetch it again")
        parts.append(part)
        room -= len(part)
        data = stream.unused_data
        if not data.strip(b"\0"):  # Padding is allowed after the last member.
            return b"".join(parts)
    if parts:
        raise BadInput("has something else after its gzip; fetch it again")
    if len(data) > BYTES_MAX:
        raise too_large
    return data


def _read(data: bytes, name: str, sense: AltitudeSense | None) -> Recording:
    start = data[:4_096].lstrip(b"\xef\xbb\xbf \t\r\n")
    taken = _Taken(name)
    if start.startswith(b"<"):
        taken.layout = recording_gpx.layout(sense)
        for row in recording_gpx.read(data, _stem(name)):
            taken.add(partial(recording_gpx.report, row, sense))
    elif start.startswith(b"{") and recording_trace.is_trace(data):
        trace = recording_trace.read(data)
        for position in trace.positions:
            taken.add(partial(recording_trace.report, trace, position))
        taken.layout = recording_trace.LAYOUT
    else:
        is_json = start[:1] in (b"[", b"{")
        rows = json_rows(data) if is_json else csv_rows(data)
        if not rows:
            raise BadInput("holds no row")
        taken.take_rows(rows, columns_of(rows, sense), first=0 if is_json else 2)
    return taken.recording()


class _Taken:
    """Reports as they are read."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._reports: dict[Address, list[PositionReport]] = defaultdict(list)
        self._left_out: Counter[Fault] = Counter()
        self._rows = 0
        self.layout = ""

    def add(self, made: Callable[[], PositionReport | Fault]) -> None:
        """Take what comes of a row, or count why nothing does."""
        self._rows += 1
        found = _judged(made)
        if isinstance(found, Fault):
            self._left_out[found] += 1
        else:
            self._reports[found.address].append(found)

    def take_rows(self, rows: Iterable[RecordedRow], columns: Columns, *, first: int) -> None:
        self.layout = columns.layout
        reader = _Rows(columns, _stem(self._name))
        for number, row in enumerate(rows, start=first):
            try:
                self.add(partial(reader.report, row))
            except BadInput as error:
                raise located(error, f"row {number}: {error.field}") from error

    def recording(self) -> Recording:
        return Recording(
            name=self._name,
            reports=dict(self._reports),
            rows=self._rows,
            left_out=dict(self._left_out),
            layout=self.layout,
        )


def _judged(made: Callable[[], PositionReport | Fault]) -> PositionReport | Fault:
    """Return what comes of a row; a value that a sensor may get wrong is a fault and no error."""
    try:
        return made()
    except InvalidVolume:  # Of a latitude or longitude.
        return Fault.IMPOSSIBLE
    except BadInput as error:
        if error.field in {"geometric_m", "pressure_m"}:
            return Fault.IMPOSSIBLE
        raise


@dataclass(slots=True)
class _Heights:
    """What a row says of altitude, metres."""

    pressure_m: float | None = None
    geometric_m: float | None = None
    error_m: float = 0.0
    grounded: bool = False


class _Rows:
    """Makes reports of rows."""

    def __init__(self, columns: Columns, stem: str) -> None:
        self._columns = columns
        self._stem = stem
        self._addresses: dict[object, Address] = {}

    def report(self, row: RecordedRow) -> PositionReport | Fault:
        columns = self._columns
        lat_deg, lng_deg = getattr(row, columns.lat), getattr(row, columns.lng)
        if lat_deg is None or lng_deg is None:
            return Fault.NO_POSITION
        stated = columns.position_time and getattr(row, columns.position_time)
        time = time_of(getattr(row, columns.time) if stated is None else stated, columns.time)
        position = LatLng(lat_deg, lng_deg)
        heights = self._heights(row, position)
        on_ground = heights.grounded or bool(columns.on_ground and getattr(row, columns.on_ground))
        if heights.pressure_m is None and heights.geometric_m is None and not on_ground:
            return Fault.NO_ALTITUDE
        callsign = shown(getattr(row, columns.callsign) if columns.callsign else None)
        return PositionReport(
            address=self._address(row, callsign),
            time=time,
            position=position,
            on_ground=on_ground,
            callsign=callsign,
            speed_mps=self._scaled(row, columns.speed, 0.0, SPEED_MPS_MAX),
            climb_mps=self._scaled(row, columns.climb, -CLIMB_MPS_MAX, CLIMB_MPS_MAX),
            track_deg=self._track(row),
            pressure_m=heights.pressure_m,
            geometric_m=heights.geometric_m,
            geometric_error_m=heights.error_m,
        )

    def _heights(self, row: RecordedRow, position: LatLng) -> "_Heights":
        found = _Heights()
        for column in self._columns.heights:
            value = getattr(row, column.name)
            if value is None:
                continue
            if isinstance(value, str):
                if value != "ground":
                    raise BadInput(f"{value[:40]!r} is no altitude", field=column.name)
                found.grounded = True
                continue
            value *= column.unit_m
            if column.reference is Reference.PRESSURE:
                found.pressure_m = value
            elif found.geometric_m is None:
                found.geometric_m, found.error_m = geometric(value, column.reference, position)
        return found

    def _address(self, row: RecordedRow, callsign: str) -> Address:
        column = self._columns.address
        stated = getattr(row, column) if column else None
        key = stated if stated is not None else callsign
        found = self._addresses.get(key)
        if found is None:
            if column and stated is None:
                raise BadInput("is missing; each row says whose it is", field=column)
            text = str(key)
            found = address_of(text) if column else named(text or self._stem)
            self._addresses[key] = found
        return found

    @staticmethod
    def _scaled(
        row: RecordedRow, column: tuple[str, float] | None, least: float, most: float
    ) -> float | None:
        value = getattr(row, column[0]) if column else None
        if value is None or column is None:
            return None
        scaled: float = value * column[1]
        # Of no weight here: out of range it is not known, and the position stays.
        return scaled if least <= scaled <= most else None

    def _track(self, row: RecordedRow) -> float | None:
        value = getattr(row, self._columns.track) if self._columns.track else None
        return turned(value)


def _stem(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2].partition(".")[0] or name
