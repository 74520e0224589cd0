"""A coded message: a code of the phrase book and its parameters, each of a stated kind.

Values travel as text or whole numbers in fixed units, so that two nodes store and sign the same
bytes. Says what a value of each kind may be; which codes there are and how they read is in
``formats/phrase_book.py``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from tansiq.domain.draft import NAME_CHARS_MAX
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import ALTITUDE_M_MAX, ALTITUDE_M_MIN, LatLng
from tansiq.errors import BadInput, TooLarge

Value: TypeAlias = str | int

TEXT_CHARS_MAX: Final = 500
CODE_CHARS_MAX: Final = 60
PARAMETERS_MAX: Final = 8
COUNT_MAX: Final = 1_000_000
MINUTES_MAX: Final = 43_200
"""30 days: what is longer is said as a time."""
DURATION_S_MAX: Final = MINUTES_MAX * 60
DISTANCE_M_MAX: Final = 20_037_508
"""Half way round the earth."""
FLIGHT_LEVEL_MAX: Final = 650
FOOT_M: Final = 0.3048


class Kind(StrEnum):
    """What a parameter is; the value is how ``phrases/codes.toml`` spells it."""

    CALLSIGN = "callsign"
    TIME = "time"
    DURATION = "duration"
    """Seconds."""
    MINUTES = "minutes"
    AIRCRAFT = "aircraft"
    """A number of aircraft."""
    NOTES = "notes"
    """A number of messages."""
    ITEMS = "items"
    """A number of open items."""
    CORNERS = "corners"
    """A number of corners of an outline."""
    VOLUMES = "volumes"
    """A number of volumes."""
    NUMBER = "number"
    """What something is numbered: said, never counted."""
    DISTANCE = "distance"
    """Metres."""
    DIRECTION = "direction"
    ALTITUDE = "altitude"
    """With unit and datum."""
    LEVEL = "level"
    """A flight level, or an altitude."""
    POSITION = "position"
    """Latitude and longitude, decimal degrees."""
    FREQUENCY = "frequency"
    """MHz."""
    SQUAWK = "squawk"
    MILLISECONDS = "milliseconds"
    DIGEST = "digest"
    PLACE = "place"
    PERSON = "person"
    DESK = "desk"
    """A post, or the role that is called at one."""
    PARTY = "party"
    """The id in the agreement; readers see its name in their language."""
    TEXT = "text"
    """Free text, which nobody translates."""


_SPOKEN: Final = frozenset({"check.how-do-you-read", "check.read-you", "check.read-you-badly"})


def is_speech(code: str) -> bool:
    """Whether a code is said by somebody; all others state what happened, as a node saw it."""
    return code.startswith("say.") or code in _SPOKEN


COUNTED: Final = (
    Kind.MINUTES,
    Kind.AIRCRAFT,
    Kind.NOTES,
    Kind.ITEMS,
    Kind.CORNERS,
    Kind.VOLUMES,
)
"""Kinds that are spelled with a noun, whose form follows the number."""


class Direction(StrEnum):
    """Eight ways, as true bearings."""

    N = "N"
    NE = "NE"
    E = "E"
    SE = "SE"
    S = "S"
    SW = "SW"
    W = "W"
    NW = "NW"


_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_ALTITUDE: Final = re.compile(r"(0|-?[1-9]\d{0,5}) (ft|m) (AMSL|W84|AGL)", re.ASCII)
_FLIGHT_LEVEL: Final = re.compile(r"FL(\d{3})", re.ASCII)
_POSITION: Final = re.compile(
    r"(-?(?:0|[1-9]\d?)(?:\.\d{1,7})?),(-?(?:0|[1-9]\d{0,2})(?:\.\d{1,7})?)", re.ASCII
)
_FREQUENCY: Final = re.compile(r"\d{2,3}\.\d{3}", re.ASCII)
_SQUAWK: Final = re.compile(r"[0-7]{4}", re.ASCII)
_DIGEST: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PARTY: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?", re.ASCII)
CODE: Final = re.compile(r"[a-z]+(?:-[a-z]+)*\.[a-z]+(?:-[a-z]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A code with parameters. Whether the book has it is not asked here: an older node's has not.

    Raises:
        BadInput: the code is not spelled as codes are, or a value is no text or whole number.
    """

    code: str
    parameters: Mapping[str, Value]

    def __post_init__(self) -> None:
        if len(self.code) > CODE_CHARS_MAX or not CODE.fullmatch(self.code):
            raise BadInput(
                f"{self.code[:CODE_CHARS_MAX]!r} is no code; write one such as say.stand-by",
                field="code",
            )
        if len(self.parameters) > PARAMETERS_MAX:
            raise TooLarge(
                f"{len(self.parameters)} parameters; a phrase has at most {PARAMETERS_MAX}",
                field="parameters",
            )


def read_value(kind: Kind, value: object, field: str) -> Value:
    """Return a parameter's value if it is one of its kind.

    Raises:
        BadInput: it is not, with ``field`` and what would be.
        TooLarge: a text of that kind, but too long.
    """
    if kind in WHOLE:
        low, high, unit = WHOLE[kind]
        # True is an int to Python and a mistake to us.
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise BadInput(f"write a whole number of {unit}, {low} to {high}", field=field)
        return value
    if not isinstance(value, str):
        raise BadInput(f"write {WANTED[kind]}, as text in quotes", field=field)
    if not _TEXT[kind](value, field):
        raise BadInput(f"{value[:40]!r} is not {WANTED[kind]}", field=field)
    return value


def _name(value: str, field: str) -> bool:
    return _line(value, field, NAME_CHARS_MAX)


def _free(value: str, field: str) -> bool:
    return _line(value, field, TEXT_CHARS_MAX)


def _line(value: str, field: str, chars_max: int) -> bool:
    """Report whether this is one line without marks that turn or hide what follows them.

    Raises:
        TooLarge: it is too long.
    """
    if len(value) > chars_max:
        raise TooLarge(f"{len(value)} characters; shorten it to at most {chars_max}", field=field)
    # Persian and Indic spelling needs the (non-)joiners, which count as unprintable; so do marks
    # of direction, which could show a reader something else than was written, and stay out.
    plain = value.replace("\u200c", "").replace("\u200d", "")
    return bool(plain) and plain.isprintable() and value == value.strip()


def _callsign(value: str, field: str) -> bool:
    return _name(value, field) and value.isprintable()


def _time(value: str, field: str) -> bool:
    if not _TIME.fullmatch(value):
        return False
    parse_rfc3339(value, field)
    return True


def _altitude(value: str, field: str) -> bool:
    del field
    match = _ALTITUDE.fullmatch(value)
    if match is None:
        return False
    # A band at the limits of what exists, rounded outwards to whole metres or feet, still fits.
    altitude_m = int(match[1]) * (FOOT_M if match[2] == "ft" else 1.0)
    return ALTITUDE_M_MIN - 1.0 <= altitude_m <= ALTITUDE_M_MAX + 1.0


def _level(value: str, field: str) -> bool:
    match = _FLIGHT_LEVEL.fullmatch(value)
    return _altitude(value, field) if match is None else int(match[1]) <= FLIGHT_LEVEL_MAX


def _position(value: str, field: str) -> bool:
    del field
    match = _POSITION.fullmatch(value)
    # No minus before nothing but zeros: one place, one spelling of its hemisphere.
    if match is None or any(float(part) == 0 and part[0] == "-" for part in match.groups()):
        return False
    return abs(float(match[1])) <= 90.0 and abs(float(match[2])) <= 180.0


def _frequency(value: str, field: str) -> bool:
    del field
    return bool(_FREQUENCY.fullmatch(value)) and 30.0 <= float(value) < 400.0


def _matches(pattern: re.Pattern[str]) -> Callable[[str, str], bool]:
    return lambda value, _field: pattern.fullmatch(value) is not None


WHOLE: Final[Mapping[Kind, tuple[int, int, str]]] = {
    Kind.DURATION: (0, DURATION_S_MAX, "seconds"),
    Kind.MINUTES: (0, MINUTES_MAX, "minutes"),
    Kind.AIRCRAFT: (0, COUNT_MAX, "aircraft"),
    Kind.NOTES: (0, COUNT_MAX, "messages"),
    Kind.ITEMS: (0, COUNT_MAX, "items"),
    Kind.CORNERS: (0, COUNT_MAX, "corners"),
    Kind.VOLUMES: (0, COUNT_MAX, "volumes"),
    Kind.NUMBER: (0, 1_000_000_000, "its count"),
    Kind.DISTANCE: (0, DISTANCE_M_MAX, "metres"),
    Kind.MILLISECONDS: (0, 86_400_000, "milliseconds"),
}
"""Kinds that are whole numbers: least, greatest, of what."""
_TEXT: Final[Mapping[Kind, Callable[[str, str], bool]]] = {
    Kind.CALLSIGN: _callsign,
    Kind.TIME: _time,
    Kind.DIRECTION: lambda value, _field: value in set(Direction),
    Kind.ALTITUDE: _altitude,
    Kind.LEVEL: _level,
    Kind.POSITION: _position,
    Kind.FREQUENCY: _frequency,
    Kind.SQUAWK: _matches(_SQUAWK),
    Kind.DIGEST: _matches(_DIGEST),
    Kind.PLACE: _name,
    Kind.PERSON: _name,
    Kind.DESK: _name,
    Kind.PARTY: _matches(_PARTY),
    Kind.TEXT: _free,
}
WANTED: Final[Mapping[Kind, str]] = {
    Kind.CALLSIGN: "a call sign of printable characters on one line",
    Kind.TIME: "a time in UTC to the second, 2026-11-28T14:32:00Z",
    Kind.DIRECTION: f"one of {', '.join(Direction)}",
    Kind.ALTITUDE: "an altitude with unit and datum, 3500 ft AMSL, 1050 m W84 or 400 ft AGL",
    Kind.LEVEL: "a flight level up to FL650, or an altitude with unit and datum, 3500 ft AMSL",
    Kind.POSITION: "latitude and longitude in degrees, 35.353889,35.938889",
    Kind.FREQUENCY: "a frequency in MHz from 030.000 to 399.999, 123.450",
    Kind.SQUAWK: "a transponder code of four digits 0 to 7",
    Kind.DIGEST: "a SHA-256 in 64 lower-case hexadecimal digits",
    Kind.PLACE: "a name of a place, printable on one line",
    Kind.PERSON: "a name of a person, printable on one line",
    Kind.DESK: "a name of a desk or role, printable on one line",
    Kind.PARTY: "a party's id in the agreement, such as north",
    Kind.TEXT: "text that is printable on one line",
}


def place_of(position: str) -> LatLng:
    """Return the point that a value of kind position names."""
    lat, _, lng = position.partition(",")
    return LatLng(float(lat), float(lng))
