"""Lengths and levels in text that people wrote: ``5 NM``, ``SFC``, ``FL085``, ``3500FT AMSL``.

A unit is never assumed, and neither is what a level counts from: ``3500FT`` is a level without a
datum, which somebody has to say. For text of ``places.plain_text``; letters in either case.
"""

import re
from typing import Final

from tansiq.domain.draft import Datum, Units
from tansiq.errors import BadInput
from tansiq.formats.understood import SURFACE, Distance, Height

_METRES: Final = {
    "NM": ("NM", 1_852.0),
    "NMI": ("NM", 1_852.0),
    "KM": ("km", 1_000.0),
    "M": ("m", 1.0),
    "FT": ("ft", 0.3048),
    "SM": ("SM", 1_609.344),
}
_LONG: Final = {
    "METRE": "M", "METRES": "M", "METER": "M", "METERS": "M", "MTR": "M", "MTRS": "M",
    "KILOMETRE": "KM", "KILOMETRES": "KM", "KILOMETER": "KM", "KILOMETERS": "KM", "KMS": "KM",
    "FEET": "FT", "FOOT": "FT", "NAUTICAL MILE": "NM", "NAUTICAL MILES": "NM",
}  # fmt: skip

NUMBER: Final = r"\d{1,9}(?:[.,]\d{1,9})?"
LENGTH_UNIT: Final = (
    r"NAUTICAL MILES?|KILOMET(?:RE|ER)S?|MET(?:RE|ER)S?|MTRS?|FEET|FOOT|NMI?|KMS?|SM|FT|M"
)
LENGTH: Final = rf"(?:{NUMBER}) ?(?:{LENGTH_UNIT})(?![A-Z0-9])"
"""To be put into other expressions; ``length`` reads what it found."""
_LENGTH: Final = re.compile(rf"({NUMBER}) ?({LENGTH_UNIT})", re.ASCII | re.IGNORECASE)
_THOUSANDS: Final = re.compile(r"\d{1,3},\d{3}")
_THOUSANDS_DOT: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}")
"""Half of Europe writes 3.500 ft for three thousand five hundred; nobody means its thousandths."""


def length(text: str) -> Distance:
    """Return a length such as ``5 NM``.

    Raises:
        BadInput: no number with a unit, or a comma that can be read in two ways.
    """
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise BadInput(
            f"{text[:40]!r} is no length; write a number and its unit: 5 NM, 9.3 km or 9300 m",
            field="text",
        )
    unit = match[2].upper()
    name, metres = _METRES[_LONG.get(unit, unit)]
    return _distance(_number(match[1], fine=name in ("m", "ft")), name, metres)


def half_of(whole: Distance) -> Distance:
    """Return half a length, in the unit that the whole one was written in."""
    number, _, name = whole.stated.partition(" ")
    return Distance(whole.m / 2, f"{float(number) / 2:.12g} {name}" if name else "")


def _distance(value: float, name: str, metres: float) -> Distance:
    return Distance(value * metres, "" if name == "m" else f"{value:.12g} {name}")


def _number(text: str, *, fine: bool) -> float:
    """Return a number; ``fine``: of a unit of which nobody states thousandths."""
    if _THOUSANDS.fullmatch(text) or (fine and _THOUSANDS_DOT.fullmatch(text)):
        whole, part = re.split("[.,]", text)
        raise BadInput(
            f"{text!r} could be {whole}{part} or {whole}.{part}; write decimals with a dot, as "
            "few as are needed, and no sign between thousands",
            field="text",
        )
    return float(text.replace(",", "."))


# Levels

_SURFACE: Final = r"SFC|GND|SURFACE|GROUND"
_UNLIMITED: Final = r"UNL(?:IMITED|TD)?"
_DATUM: Final = (
    r"AMSL|MSL|AGL|AGND|ASFC|W84|WGS ?84|STD|"
    r"ABOVE (?:MEAN )?SEA LEVEL|ABOVE GROUND(?: LEVEL)?|(?:ABV|ABOVE) (?:GND|SFC|GROUND|SURFACE)"
)
_HEIGHT: Final = r"\d{1,6}(?:[.,]\d{1,3})? ?(?:FEET|FT|MET(?:RE|ER)S?|M)(?![A-Z0-9])"
LEVEL: Final = (
    rf"(?:(?:{_SURFACE}|{_UNLIMITED})(?![A-Z0-9])"
    rf"|FL ?\d{{1,3}}(?![A-Z0-9])"
    rf"|{_HEIGHT}(?: (?:{_DATUM})(?![A-Z0-9]))?)"
)
"""To be put into other expressions; ``level`` reads what it found."""
_FL: Final = re.compile(r"FL ?(\d{1,3})", re.ASCII)
_STATED: Final = re.compile(
    rf"(\d{{1,6}}(?:[.,]\d{{1,3}})?) ?(F|M)[A-Z]*(?: ({_DATUM}))?", re.ASCII
)


def level(text: str) -> Height | None:
    """Return one level; None for *unlimited*, which is none that a plan can hold.

    Raises:
        BadInput: it is no level.
    """
    plain = " ".join(text.upper().split())
    if re.fullmatch(_SURFACE, plain):
        return SURFACE
    if re.fullmatch(_UNLIMITED, plain):
        return None
    if match := _FL.fullmatch(plain):
        return Height(float(match[1]), Units.FL, Datum.FL)
    match = _STATED.fullmatch(plain)
    if match is None or not re.fullmatch(LEVEL, plain):
        raise BadInput(
            f"{text[:40]!r} is no level; write SFC, FL085, 3500FT AMSL or 400FT AGL", field="text"
        )
    value = _number(match[1], fine=True)
    units = Units.FT if match[2] == "F" else Units.M
    if match[3] == "STD":
        return _standard(value, units, text)
    return Height(value, units, datum_of(match[3]) if match[3] else None)


def _standard(value: float, units: Units, text: str) -> Height:
    if units is not Units.FT:
        raise BadInput(f"{text[:40]!r}: levels on 1013.25 hPa are in feet; write FL085")
    return Height(value / 100.0, Units.FL, Datum.FL)


def datum_of(word: str) -> Datum:
    """Return the datum that a word of ``LEVEL`` stands for."""
    plain = word.upper().replace(" ", "")
    if plain in ("AMSL", "MSL") or "SEA" in plain:
        return Datum.AMSL
    return Datum.W84 if "84" in plain else Datum.AGL


_BAND: Final = re.compile(
    rf"(?<![A-Z0-9.,])(?:FROM |BTN |BETWEEN )?({LEVEL})(?: ?(?:-|/) ?| TO | AND | UP TO )({LEVEL})",
    re.ASCII | re.IGNORECASE,
)
_SHORT: Final = re.compile(
    r"(?<![A-Z0-9.,])(\d{1,6}(?:\.\d{1,3})?) ?(?:-| TO ) ?"
    rf"(\d{{1,6}}(?:\.\d{{1,3}})? ?(FEET|FT|MET(?:RE|ER)S?|M)(?: (?:{_DATUM}))?)(?![A-Z0-9])",
    re.ASCII | re.IGNORECASE,
)
_LIMIT: Final = re.compile(
    rf"(?<![A-Z0-9.])(LOWER|UPPER|FLOOR|CEILING)(?: LIMIT)?[: ]{{0,2}}({LEVEL})",
    re.ASCII | re.IGNORECASE,
)
Levels = tuple[Height | None, Height | None, bool]
"""Lower, upper, and whether the upper one is unlimited."""


def find_levels(text: str) -> tuple[Levels, str]:
    """Return the band that a text states, and the text without it.

    ``900-1200 m AMSL`` has unit and datum for both. Where one level has a datum and the other none,
    the other is not given it.

    Raises:
        BadInput: two bands.
    """
    found: list[Levels] = []
    rest = _SHORT.sub(lambda m: _taken(found, _of_short(m)), text)
    rest = _BAND.sub(lambda m: _taken(found, _pair(_lowest(level(m[1])), m[2])), rest)
    limits: dict[bool, str] = {}

    def one(match: re.Match[str]) -> str:
        upper = match[1].upper() in ("UPPER", "CEILING")
        if upper in limits:
            raise BadInput(f"{match[0]!r}: a second limit of that side; give one", field="text")
        limits[upper] = match[2]
        return " "

    rest = _LIMIT.sub(one, rest)
    if len(found) + bool(limits) > 1:
        raise BadInput("two bands of levels for one area; give one", field="text")
    if limits:
        lower = _lowest(level(limits[False])) if False in limits else None
        found = [_pair(lower, limits[True]) if True in limits else (lower, None, False)]
    return (found[0] if found else (None, None, False)), rest


def _taken(found: list[Levels], levels: Levels) -> str:
    found.append(levels)
    return " "


def _pair(lower: Height | None, upper: str) -> Levels:
    top = level(upper)
    return lower, top, top is None


def _lowest(found: Height | None) -> Height:
    if found is None:
        raise BadInput("a lower limit is not unlimited; state one", field="text")
    return found


def _of_short(match: re.Match[str]) -> Levels:
    tail = match[2].lstrip("0123456789.")
    return _pair(_lowest(level(match[1] + tail)), match[2])
