"""Reads TOML that people wrote: every key is known, typed and in range, or the error says where.

Leaves out what the keys mean: ``settings`` and ``formats/agreement`` know that. Paths in errors
count from 0, as in ``party[1].public_key``.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Final, TypeVar, cast

from tansiq.errors import BadInput, TooLarge

BYTES_MAX: Final = 1_000_000
T = TypeVar("T")

_DURATION: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?) ?(s|min|h|d)", re.ASCII)
_UNIT_S: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}
_KINDS: Final = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
    datetime: "a time such as 2026-11-23T14:05:00Z, without quotes",
}


class Table:
    """One table of a file, whose keys are asked for by type.

    Raises:
        BadInput: it holds a key outside ``known``.
    """

    def __init__(self, values: Mapping[str, object], path: str, known: Collection[str]) -> None:
        self._values = values
        self.path = path
        for key in values:
            if key not in known:
                near = get_close_matches(key, known, n=1, cutoff=0.5)
                remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
                raise self.wrong(key, f"unknown key; {remedy}")

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def wrong(self, key: str, message: str) -> BadInput:
        """Return the error that says what is wrong with a key."""
        shown = key if key.isprintable() and len(key) <= 60 else f"{key[:60]!r}"
        return BadInput(message, field=f"{self.path}.{shown}" if self.path else shown)

    def text(self, key: str, *, default: str | None = None, chars_max: int = 500) -> str:
        """Return one line of text."""
        value = self._get(key, str, default)
        # Persian and Indic spelling needs the (non-)joiners, which count as unprintable; marks that
        # reverse what follows count so too, and stay out.
        plain = value.replace("\u200c", "").replace("\u200d", "")
        if not plain.strip() or len(value) > chars_max or not plain.isprintable():
            raise self.wrong(key, f"write 1 to {chars_max} printable characters on one line")
        return value

    def texts(self, key: str, *, count_max: int, chars_max: int) -> tuple[str, ...]:
        """Return a list of lines of text; an absent one is empty."""
        values = self._get(key, list, [])
        if len(values) > count_max:
            raise self.wrong(key, f"{len(values)} entries; at most {count_max}")
        # Each entry is read as a key of its own, so that the path names it.
        return tuple(
            Table({at: value}, self.path, (at,)).text(at, chars_max=chars_max)
            for at, value in ((f"{key}[{i}]", value) for i, value in enumerate(values))
        )

    def flag(self, key: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        return self._get(key, bool, default)

    def whole(self, key: str, *, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number within closed bounds."""
        value = self._get(key, int, default)
        if not low <= value <= high:
            raise self.wrong(key, f"{_short(value)} is not within {low} to {high}")
        return value

    def number(self, key: str, *, low: float, high: float, default: float | None = None) -> float:
        """Return a number within closed bounds; NaN is in none."""
        value = self._get(key, float, default)
        if not low <= value <= high:
            raise self.wrong(key, f"{_short(value)} is not within {low:.12g} to {high:.12g}")
        return float(value)

    def duration(self, key: str, *, high: timedelta, default: timedelta | None = None) -> timedelta:
        """Return a span of time above zero, such as ``"90 s"``, ``"30 min"`` or ``"2 d"``."""
        if key not in self._values and default is not None:
            return default
        match = _DURATION.fullmatch(self.text(key))
        if match is None:
            raise self.wrong(key, 'write a number and s, min, h or d, such as "30 min"')
        value = timedelta(seconds=float(match[1]) * _UNIT_S[match[2]])
        if not timedelta(0) < value <= high:
            raise self.wrong(key, f"{match[0]} is not above 0 and at most {spell(high)}")
        return value

    def instant(self, key: str) -> datetime:
        """Return a time with zone, in UTC."""
        value = self._get(key, datetime, None)
        if value.tzinfo is None or not 1900 <= value.year <= 2200:
            raise self.wrong(key, f"write {_KINDS[datetime]}, of the years 1900 to 2200")
        return value.astimezone(UTC)

    def array(self, key: str) -> list[object]:
        """Return a list as it stands."""
        return self._get(key, list, None)

    def table(self, key: str, known: Collection[str], *, required: bool = True) -> "Table":
        """Return a table within this one; an absent one that is not required is empty."""
        values = self._get(key, dict, None if required else {})
        return Table(values, f"{self.path}.{key}" if self.path else key, known)

    def mapping(self, key: str) -> dict[str, object]:
        """Return a table whose keys are the writer's own."""
        return self._get(key, dict, None)

    def tables(self, key: str, known: Collection[str], *, count_max: int) -> list["Table"]:
        """Return the entries of an array of tables, in order; an absent one is empty."""
        values = self._get(key, list, [])
        if len(values) > count_max:
            raise self.wrong(key, f"{len(values)} entries; at most {count_max}")
        found = []
        for i, entry in enumerate(values):
            if not isinstance(entry, dict):
                raise self.wrong(f"{key}[{i}]", f"write each entry as a table, [[{key}]]")
            found.append(Table(entry, f"{self.path}.{key}[{i}]".lstrip("."), known))
        return found

    def _get(self, key: str, kind: type[T], default: T | None) -> T:
        if key not in self._values:
            if default is None:
                raise self.wrong(key, f"missing; write {_KINDS[kind]}")
            return default
        value = self._values[key]
        # True is an int to Python and a mistake to us; a whole number is a number to both.
        accepted = (int, float) if kind is float else kind
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise self.wrong(key, f"{_short(value)} is not {_KINDS[kind]}")
        return cast(T, value)


def read_toml(data: bytes, known: Collection[str], *, name: str) -> Table:
    """Parse a file's bytes; ``name`` is what errors about the whole file call it.

    Raises:
        TooLarge: more than ``BYTES_MAX`` bytes.
        BadInput: not UTF-8, not TOML, or an unknown key at the top.
    """
    if len(data) > BYTES_MAX:
        raise TooLarge(f"{len(data)} bytes; at most {BYTES_MAX}", field=name)
    if data.startswith(b"\xef\xbb\xbf"):
        raise BadInput("starts with a byte order mark; save it as UTF-8 without one", field=name)
    try:
        return Table(tomllib.loads(data.decode("utf-8")), "", known)
    except UnicodeDecodeError as error:
        raise BadInput(f"byte {error.start} is not UTF-8; save it as UTF-8", field=name) from error
    except RecursionError as error:
        raise BadInput("nested too deeply", field=name) from error
    except ValueError as error:  # Also what Python says of a number of 5,000 digits.
        raise BadInput(f"not TOML: {error}", field=name) from error


def spell(value: timedelta) -> str:
    """Write a span of time as ``duration`` reads it, in the largest unit that leaves no rest."""
    seconds = value.total_seconds()
    unit = next(u for u in ("d", "h", "min", "s") if seconds % _UNIT_S[u] == 0 or u == "s")
    return f"{seconds / _UNIT_S[unit]:.15g} {unit}"


def quote(text: str) -> str:
    """Write one line of text as ``text`` reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _short(value: object) -> str:
    """Return a value as an error shows it: never a flood."""
    if isinstance(value, dict | list):
        return f"this {_KINDS[type(value)].removeprefix('a ')}"
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of that size"  # Python refuses to print very long ones.
    shown = repr(value)
    return shown if len(shown) <= 40 else f"{shown[:40]}…"
