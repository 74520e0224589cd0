"""Says a sheet in a language: a file each in ``sheet_words``, all with the same keys.

A parameter's name says what it is, and so how it is written: ``time`` as desks say it, ``party`` by
its name in the agreement, ``duration`` in counted words. All of them are isolated, and what other
people wrote (``text``, ``flight``, ``name`` and the like) goes through ``formats/plain.py`` first.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from tansiq.domain.time import parse_rfc3339, zulu
from tansiq.errors import BadInput
from tansiq.formats.phrase_book import FALLBACK, Language, phrase_book
from tansiq.formats.plain import plain
from tansiq.formats.sheet import (
    NOTHING,
    BundleView,
    RowView,
    Section,
    SectionView,
    Sheet,
    SheetView,
    Value,
    Word,
    WordView,
    word,
)
from tansiq.formats.spelling import (
    FSI,
    LRI,
    PDI,
    RLI,
    Setting,
    clock,
    duration,
    isolate,
    left_to_right,
)
from tansiq.strict_toml import read_toml

KEPT_AT: Final = "/api/v1/sheets/bundles/"
"""Where a bundle is fetched by its hash."""
_PLACEHOLDER: Final = re.compile(r"\{([a-z]+)\}")
_UNKNOWN: Final = "unknown.word"
SENTENCE_CHARS_MAX: Final = 4_000
_QUANTITY: Final = re.compile(
    r"(?<![\w.,])[+-]?\d+(?:[.,]\d+)? ?(?:m|km|ft|NM|kt|s|min|h|MHz)(?: (?:W84|AMSL|AGL))?(?!\w)"
)
_OPENING: Final = frozenset({LRI, RLI, FSI})
_JOINERS: Final = frozenset("\u200c\u200d")
_FIGURES: Final = frozenset(
    {"number", "total", "date", "digest", "milliseconds", "distance", "lower", "upper",
     "least", "most"}
)  # fmt: skip
_WRITTEN: Final = frozenset({"text", "flight", "name", "person", "who"})
"""By people: any of it may be hostile."""

Texts = Mapping[str, str]


@lru_cache(maxsize=1)
def sheet_words() -> Mapping[str, Texts]:
    """Return the words of every language, read once.

    Raises:
        BadInput: a file has other keys or placeholders than the English one.
    """
    folder = resources.files("tansiq").joinpath("sheet_words")
    files = {
        file.name.removesuffix(".toml"): file.read_bytes()
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    }
    return read_words(files)


def read_words(files: Mapping[str, bytes]) -> Mapping[str, Texts]:
    """Read the files of all languages and hold each against the English one.

    Raises:
        BadInput: one lacks a key, has one too many, or uses other placeholders.
    """
    found = {language: _texts(data, language) for language, data in sorted(files.items())}
    wanted = found[FALLBACK]
    for language, texts in found.items():
        for key in sorted(wanted.keys() ^ texts.keys()):
            raise BadInput(f"{key} is in one of {language} and {FALLBACK} only", field=language)
        for key, text in texts.items():
            if sorted(_PLACEHOLDER.findall(text)) != sorted(_PLACEHOLDER.findall(wanted[key])):
                raise BadInput(f"{key} has other placeholders than in English", field=language)
    return found


def _texts(data: bytes, language: str) -> Texts:
    groups = _groups(data)
    top = read_toml(data, groups, name=f"{language}.toml")
    return {
        f"{group}.{key}": str(text)
        for group in groups
        for key, text in top.mapping(group).items()
        if isinstance(text, str) and text
    }


def _groups(data: bytes) -> tuple[str, ...]:
    return tuple(re.findall(r"^\[([a-z-]+)\]$", data.decode("utf-8"), re.MULTILINE))


class Speller:
    """Says words in one language."""

    def __init__(self, language: str, setting: Setting) -> None:
        self.language: Language = phrase_book().language(language)
        self.code = self.language.code
        self._texts = sheet_words().get(self.code, sheet_words()[FALLBACK])
        self._setting = setting

    def text(self, said: Word) -> str:
        """Return what a word says; one that is not known says its code."""
        template = self._texts.get(said.code)
        parameters: Mapping[str, Value] = said.parameters
        if template is None:
            template, parameters = self._texts[_UNKNOWN], {"text": said.code}
        shown = _PLACEHOLDER.sub(lambda match: self._spelled(match[1], parameters), template)
        return shown.strip()

    def view(self, said: Word) -> WordView:
        """Return a word with what it says."""
        return WordView(code=said.code, parameters=dict(said.parameters), text=self.text(said))

    def views(self, said: Iterable[Word]) -> tuple[WordView, ...]:
        """Return words with what they say."""
        return tuple(map(self.view, said))

    def _spelled(self, name: str, parameters: Mapping[str, Value]) -> str:
        value = parameters.get(name, "")
        if value == "":
            return ""
        if name in _FIGURES:
            return left_to_right(plain(str(value)))
        if name in _WRITTEN:
            return isolate(_together(plain(str(value))))
        return _SPELLED[name](value, self.language, self._setting)


def _party(value: Any, language: Language, setting: Setting) -> str:
    names = setting.parties.get(str(value), {})
    return isolate(plain(names.get(language.code) or names.get(FALLBACK) or str(value)))


def _time(value: Any, language: Language, setting: Setting) -> str:
    del language
    return left_to_right(clock(parse_rfc3339(str(value), "time"), setting.day))


def _sentence(value: Any, language: Language, setting: Setting) -> str:
    """Return what the phrase book has made; its isolates are ours, and in pairs."""
    del language, setting
    said = str(value)
    return isolate(_together(said if _is_balanced(said) else plain(said)))


def _together(said: str) -> str:
    """Return text of people in which a figure and its unit stay as they were written.

    In free words of a right-to-left language "300 m" would read "m 300" as well.
    """
    return _QUANTITY.sub(lambda match: left_to_right(match[0]), said)


def _duration(value: Any, language: Language, setting: Setting) -> str:
    del setting
    seconds = abs(int(value))
    # Who is told of seconds among hours reads past the hours.
    if seconds >= 3_600:
        seconds -= seconds % 60
    return isolate(duration(seconds, language))


_SPELLED: Final[Mapping[str, Callable[[Any, Language, Setting], str]]] = {
    "party": _party,
    "time": _time,
    "until": _time,
    "duration": _duration,
    "sentence": _sentence,
}


def _is_balanced(said: str) -> bool:
    """Report whether its marks of direction are closed isolates alone, and nothing else is odd."""
    depth = 0
    for char in said:
        if char in _OPENING:
            depth += 1
        elif char == PDI:
            depth -= 1
        elif not char.isprintable() and char not in _JOINERS:
            return False
        if depth < 0:
            return False
    return depth == 0 and len(said) <= SENTENCE_CHARS_MAX


def said_in(sheet: Sheet, language: str, parties: Mapping[str, Mapping[str, str]]) -> SheetView:
    """Return a sheet in the words of a language, or English where there is none."""
    speller = Speller(language, Setting(day=sheet.day, parties=parties))
    bundle = _bundle(sheet, speller)
    undated: date | None = None
    dated = Speller(language, Setting(day=undated, parties=parties))
    return SheetView(
        kind=sheet.kind,
        party=sheet.party,
        agreement=sheet.agreement,
        language=speller.code,
        direction=speller.language.direction,
        made=zulu(sheet.made),
        since=zulu(sheet.since),
        until=zulu(sheet.until),
        title=speller.view(word(f"title.{sheet.kind}")),
        head=dated.views(sheet.head),
        foot=(
            bundle.says,
            speller.view(word("foot.party", party=sheet.party, digest=sheet.agreement)),
            dated.view(word("foot.made", time=zulu(sheet.made), name=speller.language.name)),
        ),
        bundle=bundle,
        sections=tuple(_section(each, speller) for each in sheet.sections),
    )


def page_of(number: int, total: int, language: str) -> str:
    """Return which page this is, in words."""
    return Speller(language, Setting()).text(word("foot.page", number=number, total=total))


def _bundle(sheet: Sheet, speller: Speller) -> BundleView:
    ref = sheet.bundle
    says = (
        word(ref.problem or "foot.no-record")
        if ref.sha256 is None
        else word("foot.bundle", digest=ref.sha256)
    )
    return BundleView(
        sha256=ref.sha256,
        size=ref.size,
        since=zulu(ref.since),
        until=zulu(ref.until),
        party=ref.party,
        withheld=ref.withheld,
        path=None if ref.sha256 is None else f"{KEPT_AT}{ref.sha256}",
        says=speller.view(says),
    )


def _section(section: Section, speller: Speller) -> SectionView:
    says = section.says
    if section.columns and not section.rows:
        says = (*says, word("section.nothing"))
    if section.left_out:
        says = (*says, word("section.left-out", number=section.left_out))
    return SectionView(
        code=section.code,
        title=speller.view(word(f"section.{section.code}")),
        says=speller.views(says),
        columns=speller.views(word(f"column.{name}") for name in section.columns),
        widths=section.widths,
        rows=tuple(
            RowView(cells=tuple(speller.views(cell or (NOTHING,)) for cell in row))
            for row in section.rows
        ),
        left_out=section.left_out,
    )
