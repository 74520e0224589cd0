"""The book, a sample of every kind of parameter, and a way to look past marks of direction."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import tansiq
from tansiq.domain.phrase import Kind
from tansiq.formats.phrase_book import phrase_book
from tansiq.formats.spelling import FSI, LRI, PDI, Setting

FOLDER = Path(tansiq.__file__).parent / "phrases"
BOOK = phrase_book()
LANGUAGES = sorted(BOOK.languages)
TOLD = "2026-11-28T14:32:00Z"
SAMPLES: dict[Kind, Any] = {
    Kind.CALLSIGN: "OSPREY-2",
    Kind.TIME: TOLD,
    Kind.DURATION: 3_725,
    Kind.MINUTES: 5,
    Kind.AIRCRAFT: 3,
    Kind.NOTES: 2,
    Kind.ITEMS: 11,
    Kind.CORNERS: 4,
    Kind.VOLUMES: 2,
    Kind.NUMBER: 12,
    Kind.DISTANCE: 3_900,
    Kind.DIRECTION: "NE",
    Kind.ALTITUDE: "3500 ft AMSL",
    Kind.LEVEL: "FL085",
    Kind.POSITION: "35.353889,35.938889",
    Kind.FREQUENCY: "123.450",
    Kind.SQUAWK: "7000",
    Kind.MILLISECONDS: 12,
    Kind.DIGEST: "ab" * 32,
    Kind.PLACE: "Green Valley",
    Kind.PERSON: "R. Haddad",
    Kind.DESK: "duty officer",
    Kind.PARTY: "south",
    Kind.TEXT: "see you at 5",
}


def sample(code: str, **given_: Any) -> dict[str, Any]:
    return {name: SAMPLES[kind] for name, kind in BOOK.codes[code].items()} | given_


def bare(text: str) -> str:
    """Return a text without marks of direction."""
    return re.sub(f"[{LRI}{FSI}{PDI}]", "", text)


def outside(text: str) -> str:
    """Return what of a text stands in no isolate."""
    depth, kept = 0, []
    for c in text:
        if c in (LRI, FSI):
            depth += 1
        elif c == PDI:
            depth -= 1
            assert depth >= 0, f"an isolate ends that never began: {text!r}"
        elif not depth:
            kept.append(c)
    assert depth == 0, f"an isolate never ends: {text!r}"
    return "".join(kept)


HERE = Setting(
    day=date(2026, 11, 28), parties={"south": {"en": "South", "ar": "الجنوب", "ru": "Юг"}}
)
