"""Text of people and peers as it may stand within a line of ours: it can neither turn nor hide what
follows.

A mark of direction in a call sign could have "300 m" read "m 300", or show one name as another; so
could half of an override, or a closing mark too many. Whatever acts on its neighbours instead of
being seen is written by its number, so that the reader sees that something is odd, and what.
"""

import unicodedata
from typing import Final

CHARS_MAX: Final = 500
MARKS_MAX: Final = 4
"""Combining marks on one letter; more of them would run over the lines above and below."""
_MARKS: Final = frozenset({"Mn", "Me"})
_JOINERS: Final = "\u200c\u200d"
"""Spelling in Persian and Indic scripts needs them; they act on the letters beside them only."""


def plain(said: str, chars_max: int = CHARS_MAX) -> str:
    """Return text on one line, without anything that acts on what stands around it.

    Line ends and other white space become one space. What cannot be shown is written by its number,
    ``[U+202E]``; what is longer is cut, and ends in an ellipsis.
    """
    shown: list[str] = []
    size = marks = 0
    for char in " ".join(said[: 4 * chars_max].split()):
        marks = marks + 1 if unicodedata.category(char) in _MARKS else 0
        piece = char if _is_shown(char) and marks <= MARKS_MAX else numbered(char)
        if marks > MARKS_MAX + 1:
            continue  # The first one too many is named; a hundred of them say no more.
        size += len(piece)
        if size >= chars_max:
            shown.append("…")
            break
        shown.append(piece)
    return "".join(shown)


def numbered(char: str) -> str:
    """Return a character by its number, as it is written in books on Unicode."""
    return f"[U+{ord(char):04X}]"


def _is_shown(char: str) -> bool:
    return char.isprintable() or char in _JOINERS
