"""Text of people and peers as it may stand in XML 1.0: escaped, without forbidden characters."""

import re
from typing import Final
from xml.sax.saxutils import escape

_FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Everything but the Char of XML 1.0, section 2.2; half of a surrogate pair among it."""
_QUOTES: Final = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


def text(said: str, *, chars_max: int) -> str:
    """Return text for the inside of an element, cut where it is longer."""
    return escape(_legal(said, chars_max))


def attribute(said: str, *, chars_max: int) -> str:
    """Return text for between double quotes, cut where it is longer."""
    return escape(_legal(said, chars_max), _QUOTES)


def _legal(said: str, chars_max: int) -> str:
    short = said if len(said) <= chars_max else said[: chars_max - 1] + "…"
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", short)
