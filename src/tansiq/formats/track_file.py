"""Track files: a point of a recorded track, read from CSV or JSON."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from tansiq.domain.draft import Datum, Units
from tansiq.domain.time import parse_rfc3339, require_utc
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, InvalidVolume, TooLarge
from tansiq.formats import altitude
from tansiq.formats.tree import Field, located, parse
from tansiq.settings import Limits

_COLUMNS = {
    "time": ("time", "timestamp"),
    "lat": ("lat", "latitude", "lat_deg"),
    "lng": ("lng", "lon", "longitude", "lng_deg"),
    "altitude": ("altitude", "alt", "geoaltitude"),
}
POINTS_MAX = 200_000
"""Two days at one point a second."""
_SECONDS_MAX = 1e11
"""A greater number counts milliseconds: as seconds it would lie beyond the year 5000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPoint:
    """Where an aircraft was: altitude in metres W84, true within ``altitude_error_m``."""

    time: datetime
    position: LatLng
    altitude_m: float
    altitude_error_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFile:
    """The points of a file, in its order; ``without_altitude`` counts rows left out for that."""

    points: tuple[TrackPoint, ...]
    without_altitude: int


def read_track(
    data: bytes, name: str, *, units: Units, datum: Datum, limits: Limits | None = None
) -> TrackFile:
    """Read CSV with a header row, or JSON: a list of objects, or an object with ``points``.

    Raises:
        BadInput: malformed, with the row (or path) and column.
        TooLarge: above the limit of a file.
    """
    if datum is Datum.AGL:
        raise BadInput(
            "heights above ground cannot be used for a track, the ground under it is not known; "
            "use W84, AMSL or FL",
            field="datum",
        )
    if (datum is Datum.FL) != (units is Units.FL):
        raise BadInput(
            "flight levels are in hundreds of feet: give datum FL and units FL together",
            field="units",
        )
    limits = limits or Limits()
    try:
        rows = _json_rows(data, limits) if data.lstrip()[:1] in (b"[", b"{") else _csv(data, limits)
        points = [_point(row, units, datum) for row in islice(rows, POINTS_MAX + 1)]
        if len(points) > POINTS_MAX:
            raise TooLarge(f"more than {POINTS_MAX} points; split the track, or thin it out")
    except BadInput as error:
        raise located(error, f"{name}: {error.field}" if error.field else name) from error
    known = tuple(point for point in points if point is not None)
    return TrackFile(points=known, without_altitude=len(points) - len(known))


def _csv(data: bytes, limits: Limits) -> Iterator[Field]:
    """Yield each row as an object of texts, numbers where they read as such."""
    if len(data) > limits.file_bytes_max:
        raise TooLarge(
            f"{len(data)} bytes; at most {limits.file_bytes_max} are read: split the file"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip().lower() for column in next(reader, [])]
        _check_header(header)
        for row in reader:
            path = f"line {reader.line_num}"
            if len(row) != len(header):
                raise BadInput(
                    f"has {len(row)} cells, the header {len(header)}; quote cells with commas",
                    field=path,
                )
            yield Field({name: _cell(cell) for name, cell in zip(header, row, strict=True)}, path)
    except csv.Error as error:
        raise BadInput(
            f"is not CSV: {error}; write plain cells with commas", field=f"line {reader.line_num}"
        ) from error


def _check_header(header: list[str]) -> None:
    for names in _COLUMNS.values():
        found = [column for column in header if column in names]
        if len(found) != 1:
            raise BadInput(
                f"{len(found)} columns named {' or '.join(names)}; the first line names the "
                "columns, one of them so: time,lat,lng,altitude",
                field=f"column {names[0]}",
            )


def _cell(text: str) -> Any:
    text = text.strip()
    try:
        return float(text)
    except ValueError:
        return text or None


def _json_rows(data: bytes, limits: Limits) -> Iterator[Field]:
    document = Field(parse(data, bytes_max=limits.file_bytes_max, depth_max=limits.json_depth_max))
    if isinstance(document.value, dict):
        document = document.need("points", "a track is a list of points, or an object with them")
    yield from document.items()


def _point(row: Field, units: Units, datum: Datum) -> TrackPoint | None:
    time = _time(_value(row, "time"))
    lat, lng = _value(row, "lat"), _value(row, "lng")
    height = next(filter(None, (row.get(name) for name in _COLUMNS["altitude"])), None)
    if height is None:
        return None
    try:
        position = LatLng(lat.number(), lng.number())
    except InvalidVolume as error:
        raise located(error, (lat if error.field == "lat" else lng).path) from error
    value = height.number()
    if not abs(value) <= 400_000:  # Also refuses the NaN that a CSV cell can hold.
        raise BadInput(
            f"{value} is no altitude of an aircraft; leave the cell empty if it is not known",
            field=height.path,
        )
    try:
        low_m, high_m = altitude.w84_range_m(value, units, datum, position)
    except InvalidVolume as error:
        raise located(error, height.path) from error
    return TrackPoint(
        time=time,
        position=position,
        altitude_m=(low_m + high_m) / 2,
        altitude_error_m=(high_m - low_m) / 2,
    )


def _value(row: Field, name: str) -> Field:
    names = _COLUMNS[name]
    found = next(filter(None, (row.get(n) for n in names)), None)
    return found or row.need(name, f"every point has {' or '.join(names)}")


def _time(field: Field) -> datetime:
    if isinstance(field.value, str):
        return parse_rfc3339(field.value, field.path)
    seconds = field.number()
    if abs(seconds) > _SECONDS_MAX:
        seconds /= 1000
    try:
        return require_utc(datetime.fromtimestamp(seconds, UTC), field.path)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(
            f"{field.value} is no time; write 2026-11-23T14:05:00Z, or seconds since 1970",
            field=field.path,
        ) from error
