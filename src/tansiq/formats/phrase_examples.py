"""An example of every kind of parameter, to show how a phrase reads."""

from collections.abc import Mapping
from typing import Final

from tansiq.domain.phrase import Kind, Value
from tansiq.formats.phrase_book import Codes

_EXAMPLES: Final[Mapping[Kind, Value]] = {
    Kind.CALLSIGN: "OSPREY-2",
    Kind.TIME: "2026-11-28T14:32:00Z",
    Kind.DURATION: 5_400,
    Kind.MINUTES: 5,
    Kind.AIRCRAFT: 3,
    Kind.NOTES: 2,
    Kind.ITEMS: 2,
    Kind.CORNERS: 4,
    Kind.VOLUMES: 2,
    Kind.NUMBER: 12,
    Kind.DISTANCE: 3_704,
    Kind.DIRECTION: "NE",
    Kind.ALTITUDE: "1350 m W84",
    Kind.LEVEL: "3500 ft AMSL",
    Kind.POSITION: "35.353889,35.938889",
    Kind.FREQUENCY: "123.450",
    Kind.SQUAWK: "7000",
    Kind.MILLISECONDS: 250,
    Kind.DIGEST: "3f" * 32,
    Kind.PLACE: "Green Valley",
    Kind.PERSON: "R. Haddad",
    Kind.DESK: "North desk",
    Kind.PARTY: "north",
    Kind.TEXT: "two more behind it",
}
_OTHERS: Final[Mapping[str, Value]] = {
    "other": "HERON-1",
    "answerer": "M. Levi",
    "to": "M. Levi",
    "new": 13,
    "total": 13,
    "required": 7_200,
    "theirs": "a0" * 32,
    "end": "2026-11-28T14:55:00Z",
}
"""What stands second in its sentence."""


def example(codes: Codes, code: str) -> dict[str, Value]:
    """Return parameters for a code of the book."""
    found = {name: _EXAMPLES[kind] for name, kind in codes[code].items()}
    found |= {name: value for name, value in _OTHERS.items() if name in found}
    if "upper" in found:
        found["upper"] = {"level": "4500 ft AMSL", "altitude": "1700 m W84"}[codes[code]["upper"]]
    return found
