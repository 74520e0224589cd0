"""A printed sheet: what is on it, first as codes with parameters, then in the words of a language.

Services put sheets together from ``Word``s and never from sentences, so the same sheet can be had
in every language, and programs need not read prose. ``formats/sheet_words.py`` makes the one of the
other; pages are drawn from ``SheetView`` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

Value: TypeAlias = str | int

ROWS_MAX: Final = 2_000
"""Of one table; how many more there are is said below it."""


class SheetKind(StrEnum):
    """Which sheet."""

    DAY = "day"
    HAND_OVER = "hand-over"
    AFTER_ACTION = "after-action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One thing that is said: a code of ``sheet_words``, and what it is said of."""

    code: str
    parameters: Mapping[str, Value] = field(default_factory=dict)


def word(code: str, **parameters: Value) -> Word:
    """Return a word."""
    return Word(code=code, parameters=parameters)


NOTHING: Final = Word(code="value.nothing")
Cell: TypeAlias = tuple[Word, ...]
"""What stands in one field of a table, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of a sheet: sentences, then a table."""

    code: str
    """``section.`` is left out."""
    says: tuple[Word, ...] = ()
    columns: tuple[str, ...] = ()
    """``column.`` is left out."""
    widths: tuple[int, ...] = ()
    """Of the columns, against each other."""
    rows: tuple[tuple[Cell, ...], ...] = ()
    left_out: int = 0
    """Rows that there are besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRef:
    """The evidence bundle that was exported with a sheet."""

    since: datetime
    until: datetime
    party: str | None = None
    withheld: str = "nothing"
    sha256: str | None = None
    """Of its bytes; None: there is none, and ``problem`` says why."""
    size: int = 0
    problem: str = ""
    """A code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One sheet, in no language yet."""

    kind: SheetKind
    party: str
    agreement: str
    """Its digest."""
    made: datetime
    since: datetime
    until: datetime
    day: date | None
    """Times of this day stand without a date."""
    head: tuple[Word, ...]
    bundle: BundleRef
    sections: tuple[Section, ...]


# In a language


class WordView(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is said, as a code with parameters and in words."""

    code: str
    parameters: dict[str, str | int]
    text: str
    """Quantities, times and names are isolated (U+2066 to U+2069): show it as it is."""


class RowView(msgspec.Struct, frozen=True, kw_only=True):
    """One row: a field for each column, of one or more lines."""

    cells: tuple[tuple[WordView, ...], ...]


class SectionView(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a sheet."""

    code: str
    title: WordView
    says: tuple[WordView, ...]
    columns: tuple[WordView, ...]
    widths: tuple[int, ...]
    """Of the columns, against each other."""
    rows: tuple[RowView, ...]
    left_out: int
    """Rows that there are besides."""


class BundleView(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence bundle that was exported with the sheet."""

    sha256: str | None
    """Of its bytes; null: there is none, and ``says`` tells why."""
    size: int
    """Bytes."""
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    party: str | None
    withheld: str
    path: str | None
    """Where an administrator fetches exactly these bytes while they are kept."""
    says: WordView


class SheetView(msgspec.Struct, frozen=True, kw_only=True):
    """A sheet in the words of one language."""

    kind: str
    party: str
    agreement: str
    language: str
    direction: str
    """``ltr`` or ``rtl``."""
    made: str
    since: str = msgspec.field(name="from")
    until: str = msgspec.field(name="to")
    title: WordView
    head: tuple[WordView, ...]
    foot: tuple[WordView, ...]
    """On every page: the bundle's hash, party and agreement, when it was made."""
    bundle: BundleView
    sections: tuple[SectionView, ...]
