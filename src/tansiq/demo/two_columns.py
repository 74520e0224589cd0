"""Text of two languages side by side on a terminal, whatever their directions.

Decides how wide text is, where it breaks, and which column it stands in; leaves out what it says.
What runs from right to left stands at the right edge of its column, isolated as a whole, so that a
terminal that turns it round turns nothing else round; one that does not shows it as it is stored.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from tansiq.formats.phrase_book import phrase_book
from tansiq.formats.spelling import FSI, LRI, PDI, RLI

COLUMNS: Final = 100
INDENT: Final = 4
_BETWEEN: Final = " | "
_TAG: Final = 3
"""A language's code and a blank."""
_OPENING: Final = frozenset((FSI, LRI, RLI))
_NO_ROOM: Final = frozenset({"Mn", "Me", "Cf", "Cc"})
"""Categories that take no room: marks over or under a letter, marks of direction, controls."""


@dataclass(frozen=True, slots=True)
class Said:
    """Sentences in one language."""

    language: str
    sentences: tuple[str, ...]


def width(text: str) -> int:
    """Return how many places of a terminal a text takes."""
    return sum(map(_room, text))


def _room(char: str) -> int:
    if unicodedata.category(char) in _NO_ROOM:
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def wrap(text: str, places: int) -> list[str]:
    """Break a text at blanks into lines of so many places, each with its isolates closed.

    What is open at the end of a line is closed there and opened again on the next one: a line of a
    terminal is a paragraph of its own to whoever orders it. A word that is too long stands alone.
    """
    lines: list[str] = []
    line, opened = "", ""
    for word in text.split(" "):
        if line and width(line) + 1 + width(word) > places:
            lines.append(line + PDI * len(opened))
            line = opened + word
        else:
            line = f"{line} {word}" if line else opened + word
        opened = _open_after(opened, word)
    return [*lines, line + PDI * len(opened)]


def _open_after(opened: str, word: str) -> str:
    for char in word:
        if char in _OPENING:
            opened += char
        elif char == PDI:
            opened = opened[:-1]
    return opened


def beside(left: Said, right: Said, columns: int = COLUMNS) -> list[str]:
    """Return lines with two languages side by side."""
    places = (columns - INDENT - len(_BETWEEN)) // 2
    return [
        f"{' ' * INDENT}{one}{_BETWEEN}{other}".rstrip()
        for one, other in zip_longest(
            _column(left, places), _column(right, places), fillvalue=" " * places
        )
    ]


def _column(said: Said, places: int) -> Iterator[str]:
    rightwards = phrase_book().language(said.language).direction == "rtl"
    room, tag = places - _TAG, said.language
    for sentence in said.sentences:
        for line in wrap(sentence, room):
            blank = " " * max(0, room - width(line))
            text = f"{blank}{RLI}{line}{PDI}" if rightwards else f"{LRI}{line}{PDI}{blank}"
            yield f"{tag:<{_TAG}}{text}"
            tag = ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows in columns as wide as they must be."""
    lines = [head, *rows]
    widths = [max(width(line[i]) for line in lines) for i in range(len(head))]
    return [
        "  ".join(
            cell + " " * (wide - width(cell)) for cell, wide in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
