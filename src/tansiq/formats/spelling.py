"""How one parameter of a phrase is written: isolated, with its unit, in the reader's language.

Units and datums are the symbols that pilots and controllers of every language read (m, ft, NM,
FL, AMSL); nouns that are counted follow the language.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache, reduce
from typing import Any, Final, Protocol

from tansiq.domain.grid import dms, mgrs
from tansiq.domain.phrase import COUNTED, Kind, Value, place_of
from tansiq.domain.time import parse_rfc3339

LRI, RLI, FSI, PDI = "\u2066", "\u2067", "\u2068", "\u2069"
NAUTICAL_MILE_M: Final = 1_852
GRID_DIGITS: Final = 4
"""Of each figure of a grid reference: squares of 10 m. A second of arc is 31 m or less."""
_MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                  "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")  # fmt: skip


class Words(Protocol):
    """What of a language is asked for here."""

    @property
    def code(self) -> str: ...
    @property
    def counted(self) -> Mapping[str, Mapping[str, str]]: ...
    @property
    def directions(self) -> Mapping[str, str]: ...
    @property
    def untranslated(self) -> str: ...
    @property
    def joint(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a sentence is read within."""

    day: date | None = None
    """Times of this day (UTC) are written without a date; without it, each has one."""
    parties: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Names by party id and language, as the agreement has them."""
    written_in: str = ""
    """Language of the writer, where known: free text is not marked for readers of the same."""


def isolate(text: str) -> str:
    """Return text that keeps the direction of its first strong letter, whatever surrounds it."""
    return f"{FSI}{text}{PDI}"


def left_to_right(text: str) -> str:
    """Return text that reads left to right, whatever surrounds it."""
    return f"{LRI}{text}{PDI}"


def clock(moment: datetime, day: date | None) -> str:
    """Write a time as desks say it: ``1432Z``, with seconds only where there are some, and as a
    date-time group, ``281432ZNOV26``, where it is not of that day.
    """
    told = f"{moment:%H%M%S}" if moment.second else f"{moment:%H%M}"
    if moment.date() == day:
        return f"{told}Z"
    return f"{moment:%d}{told}Z{_MONTHS[moment.month - 1]}{moment:%y}"


def distance(metres: int) -> str:
    """Write a distance in metres, from a kilometre on in nautical miles as well."""
    if metres < 1_000:
        return f"{metres} m"
    return f"{metres} m ({metres / NAUTICAL_MILE_M:.1f} NM)"


def position(value: str) -> str:
    """Write a position to the second, with the grid square of 10 m that holds it."""
    place = place_of(value)
    return f"{dms(place)} (MGRS {mgrs(place, digits=GRID_DIGITS)})"


def count(noun: str, number: int, words: Words) -> str:
    """Write a number of things, in the plural form that the language has for it."""
    forms = words.counted[noun]
    return forms[_rule(words.code)(number)].replace("{n}", left_to_right(str(number)))


def duration(seconds: int, words: Words) -> str:
    """Write a span of time in hours, minutes and seconds, without the ones that are zero."""
    hours, rest = divmod(seconds, 3_600)
    minutes, left = divmod(rest, 60)
    parts = [("hours", hours), ("minutes", minutes), ("seconds", left)]
    told = [count(noun, number, words) for noun, number in parts if number]
    if not told:
        return count("minutes", 0, words)
    return reduce(
        lambda first, following: words.joint.replace("{first}", first).replace("{next}", following),
        told,
    )


def spell_value(kind: Kind, value: Value, words: Words, setting: Setting) -> str:
    """Return a value of a kind, checked before, as it stands in a sentence."""
    if kind in COUNTED:
        return count(kind.value, int(value), words)
    if kind in _FIGURES:
        return left_to_right(_FIGURES[kind](value))
    if kind in _NAMES:
        return isolate(str(value))
    return _IN_LANGUAGE[kind](value, words, setting)


def _party(value: Any, words: Words, setting: Setting) -> str:
    names = setting.parties.get(value, {})
    return isolate(names.get(words.code) or names.get("en") or value)


def _text(value: Any, words: Words, setting: Setting) -> str:
    shown = isolate(value)
    if setting.written_in == words.code:
        return shown
    return words.untranslated.replace("{text}", shown)


def _time(value: Any, words: Words, setting: Setting) -> str:
    del words
    return left_to_right(clock(parse_rfc3339(value, "time"), setting.day))


_FIGURES: Final[Mapping[Kind, Callable[[Any], str]]] = {
    Kind.CALLSIGN: str,
    Kind.NUMBER: str,
    Kind.SQUAWK: str,
    Kind.ALTITUDE: str,
    Kind.LEVEL: str,
    Kind.DISTANCE: distance,
    Kind.POSITION: position,
    Kind.FREQUENCY: lambda value: f"{value} MHz",
    Kind.MILLISECONDS: lambda value: f"{value / 1_000:.3f} s",
    Kind.DIGEST: lambda value: value[:8],
}
_NAMES: Final = (Kind.PLACE, Kind.PERSON, Kind.DESK)
_IN_LANGUAGE: Final[Mapping[Kind, Callable[[Any, Words, Setting], str]]] = {
    Kind.TIME: _time,
    Kind.DURATION: lambda value, words, _: duration(value, words),
    Kind.DIRECTION: lambda value, words, _: words.directions[value],
    Kind.PARTY: _party,
    Kind.TEXT: _text,
}


@lru_cache(maxsize=32)
def _rule(language: str) -> Callable[[int], str]:
    from babel import Locale

    rule: Callable[[int], str] = Locale.parse(language, sep="-").plural_form
    return rule
