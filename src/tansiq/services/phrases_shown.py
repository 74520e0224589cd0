"""The phrase book as buttons need it: codes, their parameters with limits, and how each reads."""

import gzip
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from tansiq.domain.draft import NAME_CHARS_MAX
from tansiq.domain.phrase import (
    TEXT_CHARS_MAX,
    WANTED,
    WHOLE,
    Direction,
    Kind,
    is_speech,
)
from tansiq.errors import BadInput
from tansiq.formats.phrase_book import FALLBACK, phrase_book
from tansiq.formats.phrase_examples import example

_CHARS: Final[Mapping[Kind, int]] = {
    Kind.CALLSIGN: NAME_CHARS_MAX,
    Kind.PLACE: NAME_CHARS_MAX,
    Kind.PERSON: NAME_CHARS_MAX,
    Kind.DESK: NAME_CHARS_MAX,
    Kind.TEXT: TEXT_CHARS_MAX,
}
_UNITS: Final[Mapping[Kind, str]] = {
    Kind.DURATION: "s",
    Kind.MINUTES: "min",
    Kind.DISTANCE: "m",
    Kind.MILLISECONDS: "ms",
    Kind.FREQUENCY: "MHz",
    Kind.POSITION: "deg",
    Kind.TIME: "UTC",
}


class PhraseParameter(msgspec.Struct, frozen=True, kw_only=True):
    """What a phrase needs to be told."""

    name: str
    kind: str
    """As ``phrases/codes.toml`` spells it."""
    whole: bool
    """A whole number; else text."""
    unit: str | None = None
    """``altitude`` and ``level`` have theirs in the text, with the datum."""
    least: int | None = None
    most: int | None = None
    chars_max: int | None = None
    choices: tuple[str, ...] = ()
    choices_text: tuple[str, ...] = ()
    """The same in the language."""
    hint: str
    """What to write, in English."""
    example: str | int


class PhraseView(msgspec.Struct, frozen=True, kw_only=True):
    """One code."""

    code: str
    group: str
    text: str
    """How it reads, with its parameters as ``{name}``."""
    say: bool
    """A desk may say it; all others state what happened, as a node saw it."""
    parameters: tuple[PhraseParameter, ...]


class PhraseLanguage(msgspec.Struct, frozen=True, kw_only=True):
    """A language that the book has."""

    code: str
    name: str
    direction: str
    """``ltr`` or ``rtl``."""


class PhraseBookView(msgspec.Struct, frozen=True, kw_only=True):
    """The phrase book in one language."""

    language: str
    name: str
    direction: str
    languages: tuple[PhraseLanguage, ...]
    groups: tuple[str, ...]
    counted: dict[str, dict[str, str]]
    """By kind of parameter (and ``hours``, ``seconds``), then by plural category: the noun with
    its number, ``{n}``."""
    joint: str
    untranslated: str
    """How free text is shown, which nobody translates."""
    unknown: str
    phrases: tuple[PhraseView, ...]


class Written(msgspec.Struct, frozen=True):
    """The book as bytes, and a tag that changes with them."""

    body: bytes
    gzipped: bytes
    tag: str


@lru_cache(maxsize=32)
def written(language: str = FALLBACK) -> Written:
    """Return the book in a language of its own, written once.

    Raises:
        BadInput: it has no such language.
    """
    body = msgspec.json.encode(book_view(language))
    return Written(body, gzip.compress(body, mtime=0), sha256(body).hexdigest()[:32])


def book_view(language: str) -> PhraseBookView:
    """Return the book in a language.

    Raises:
        BadInput: it has no such language.
    """
    book = phrase_book()
    if language not in book.languages:
        known = ", ".join(book.languages)
        raise BadInput(f"no phrases in {language[:20]!r}; there are {known}", field="language")
    spoken = book.languages[language]
    phrases = tuple(
        PhraseView(
            code=code,
            group=code.partition(".")[0],
            text=spoken.texts[code],
            say=is_speech(code),
            parameters=_parameters(code, spoken.directions),
        )
        for code in book.codes
    )
    return PhraseBookView(
        language=spoken.code,
        name=spoken.name,
        direction=spoken.direction,
        languages=tuple(
            PhraseLanguage(code=each.code, name=each.name, direction=each.direction)
            for each in book.languages.values()
        ),
        groups=tuple(dict.fromkeys(each.group for each in phrases)),
        counted={noun: dict(forms) for noun, forms in spoken.counted.items()},
        joint=spoken.joint,
        untranslated=spoken.untranslated,
        unknown=spoken.unknown,
        phrases=phrases,
    )


def _parameters(code: str, directions: Mapping[str, str]) -> tuple[PhraseParameter, ...]:
    book = phrase_book()
    shown = example(book.codes, code)
    found = []
    for name, kind in book.codes[code].items():
        least, most, of = WHOLE.get(kind, (None, None, ""))
        ways = tuple(Direction) if kind is Kind.DIRECTION else ()
        found.append(
            PhraseParameter(
                name=name,
                kind=kind.value,
                whole=kind in WHOLE,
                unit=_UNITS.get(kind),
                least=least,
                most=most,
                chars_max=_CHARS.get(kind),
                choices=tuple(way.value for way in ways),
                choices_text=tuple(directions[way] for way in ways),
                hint=f"a whole number of {of}, {least} to {most}" if of else WANTED[kind],
                example=shown[name],
            )
        )
    return tuple(found)
