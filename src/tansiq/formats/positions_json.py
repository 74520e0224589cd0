"""Positions as programs of our own send them: ``POST /api/v1/positions``, or a polled file.

A list of objects. Units stand in the names, or beside the value with what a height counts from:

    {"address": "own:scout-3", "time": "2026-11-29T12:00:00Z", "lat": 36.1, "lng": 36.2,
     "altitude": {"value": 4500, "units": "FT", "datum": "AMSL"}, "callsign": "SCOUT3",
     "speed_mps": 41, "track_deg": 270, "climb_mps": -1.5, "horizontal_error_m": 15}

Each entry is judged by itself: what is wrong with one, by its field, does not keep the others out.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec

from tansiq.domain.draft import Datum
from tansiq.domain.time import YEAR_MAX, YEAR_MIN
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput, TooLarge
from tansiq.formats import heights
from tansiq.formats.position_reports import FOOT_M, Parsed, Refusal

FLIGHT_LEVEL_M: Final = 100 * FOOT_M


class HeightUnits(StrEnum):
    M = "M"
    FT = "FT"
    FL = "FL"
    """Hundreds of feet, with datum FL alone."""


_UNIT_M: Final = {HeightUnits.M: 1.0, HeightUnits.FT: FOOT_M, HeightUnits.FL: FLIGHT_LEVEL_M}


class SentAltitude(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A height: its units and what it counts from are never guessed."""

    value: float
    units: HeightUnits
    datum: Datum
    error_m: float = 0.0


class SentPosition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One position; altitude in either or both of the references."""

    address: str
    time: Annotated[datetime, msgspec.Meta(tz=True)]
    lat: float
    lng: float
    altitude: SentAltitude | None = None
    pressure_altitude: SentAltitude | None = None
    on_ground: bool = False
    horizontal_error_m: float = 0.0
    callsign: str = ""
    speed_mps: float | None = None
    track_deg: float | None = None
    climb_mps: float | None = None


@dataclass(slots=True)
class SentPositions:
    """What a body holds: good entries as reports, and what is wrong with each of the others."""

    reports: list[PositionReport] = field(default_factory=list)
    wrong: list[BadInput] = field(default_factory=list)


_ALL: Final = msgspec.json.Decoder(list[SentPosition])
_ONE: Final = msgspec.json.Decoder(SentPosition)
_RAW: Final = msgspec.json.Decoder(list[msgspec.Raw])
_FIELD: Final = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
_SHOWN_CHARS: Final = 200
_OURS: Final = {
    "geometric_m": "altitude.value",
    "geometric_error_m": "altitude.error_m",
    "pressure_m": "altitude.value",
}
"""Fields of a report that are written otherwise here."""


def read(data: bytes, *, count_max: int) -> SentPositions:
    """Read a body.

    Raises:
        BadInput: no list of JSON.
        TooLarge: more than ``count_max`` entries.
    """
    found = SentPositions()
    for number, sent in enumerate(_entries(data, count_max)):
        if isinstance(sent, BadInput):
            found.wrong.append(_located(sent, number))
            continue
        try:
            found.reports.append(_report(sent))
        except BadInput as error:
            found.wrong.append(_located(error, number))
    return found


def parse(data: bytes, *, count_max: int) -> Parsed:
    """Return the same as a feed counts it.

    Raises:
        BadInput: as in ``read``.
    """
    found = read(data, count_max=count_max)
    parsed = Parsed(reports=found.reports, messages=len(found.reports) + len(found.wrong))
    if found.wrong:
        parsed.refused[Refusal.MALFORMED] = len(found.wrong)
    return parsed


def _entries(data: bytes, count_max: int) -> list[SentPosition] | list[SentPosition | BadInput]:
    try:
        whole = _ALL.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _one_by_one(data, count_max)
    _check_count(len(whole), count_max)
    return whole


def _one_by_one(data: bytes, count_max: int) -> list[SentPosition | BadInput]:
    try:
        pieces = _RAW.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"is no list of positions: {error}", field="body") from error
    _check_count(len(pieces), count_max)
    return [_entry(piece) for piece in pieces]


def _check_count(count: int, count_max: int) -> None:
    if count > count_max:
        raise TooLarge(f"{count} positions; at most {count_max}: send them in parts", field="body")


def _entry(piece: msgspec.Raw) -> SentPosition | BadInput:
    try:
        return _ONE.decode(piece)
    except msgspec.ValidationError as error:
        return _named(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return BadInput(f"not JSON: {error}")


def _named(sentence: str) -> BadInput:
    """Return msgspec's sentence about a value as an error with its field."""
    sentence, _, path = sentence.partition(" - at `$")
    above = path.strip("`.")
    named = _FIELD.fullmatch(sentence)
    if named is None:
        return BadInput(sentence[:_SHOWN_CHARS], field=above or None)
    name = named[2][:_SHOWN_CHARS]
    known = ", ".join((SentAltitude if above else SentPosition).__struct_fields__)
    said = "is missing" if named[1] == "missing required" else f"is unknown; known are {known}"
    return BadInput(said, field=f"{above}.{name}" if above else name)


def _report(sent: SentPosition) -> PositionReport:
    if not YEAR_MIN <= sent.time.year <= YEAR_MAX:
        raise BadInput(f"the year {sent.time.year} is not {YEAR_MIN} to {YEAR_MAX}", field="time")
    if sent.lat == 0 == sent.lng:
        raise BadInput("0, 0 is what devices without a fix send; leave it out", field="lat")
    values: dict[str, Any] = {}
    position = LatLng(sent.lat, sent.lng)
    if sent.altitude is not None:
        values |= _height(sent.altitude, "altitude", sent)
    if sent.pressure_altitude is not None:
        values |= _pressure(sent.pressure_altitude, values, sent)
    try:
        return PositionReport(
            address=Address(sent.address),
            time=sent.time.astimezone(UTC),
            position=position,
            on_ground=sent.on_ground,
            horizontal_error_m=sent.horizontal_error_m,
            callsign=sent.callsign,
            speed_mps=sent.speed_mps,
            track_deg=sent.track_deg,
            climb_mps=sent.climb_mps,
            **values,
        )
    except BadInput as error:
        if error.field not in _OURS:
            raise
        raise BadInput(error.message, field=_OURS[error.field]) from error


def _height(sent: SentAltitude, name: str, whole: SentPosition) -> heights.Height:
    if sent.units is HeightUnits.FL and sent.datum is not Datum.FL:
        raise BadInput("flight levels count from FL; write M or FT", field=f"{name}.units")
    if sent.datum is Datum.AGL:
        raise BadInput(
            "heights above ground need the ground's height, which is not known here; write W84, "
            "AMSL or FL",
            field=f"{name}.datum",
        )
    if sent.datum is Datum.FL and sent.error_m != 0:
        raise BadInput("of a pressure altitude no error is kept", field=f"{name}.error_m")
    height_m = sent.value * _UNIT_M[sent.units]
    return heights.stated(height_m, sent.datum, whole.lat, whole.lng, sent.error_m)


def _pressure(sent: SentAltitude, others: dict[str, Any], whole: SentPosition) -> heights.Height:
    if sent.datum is not Datum.FL:
        raise BadInput("counts from FL; a height goes to altitude", field="pressure_altitude.datum")
    if "pressure_m" in others:
        raise BadInput("altitude is one already; give it once", field="pressure_altitude")
    return _height(sent, "pressure_altitude", whole)


def _located(error: BadInput, number: int) -> BadInput:
    field = f"[{number}].{error.field}" if error.field else f"[{number}]"
    return type(error)(error.message, field=field)
