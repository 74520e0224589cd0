"""The console's words: none is missing in any language, none is empty, none leads nowhere."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from babel import Locale

from tansiq.domain.actor import Role
from tansiq.domain.alarm_key import AlarmKind, Level
from tansiq.domain.category import Category
from tansiq.domain.conformance import Status as Conformance
from tansiq.domain.draft import Datum, Units
from tansiq.domain.line import Stance
from tansiq.domain.note import Kind as NoteKind
from tansiq.domain.pact import Rung
from tansiq.domain.ring import RingKind
from tansiq.domain.thread import Stage
from tansiq.services.views import Status

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "console" / "src"
LANGUAGES: Final = ("en", "ar", "he", "ru")
AREAS: Final = sorted(path.stem for path in (SOURCE / "words" / "en").glob("*.json"))
_HOLE: Final = re.compile(r"\{(\w+)\}")
_DIRECTIONS: Final = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_LITERAL: Final = re.compile(r'"([a-z][a-z_]*\.[A-Za-z0-9][\w-]*)"')
_CALL: Final = re.compile(r'\b(?:t|has)\(\s*"([^"]*)"|\b(?:words|key): "([a-z_]+\.[^"]*)"')
_BEGINNING: Final = re.compile(r"\b(?:t|has)\(\s*`([^`$]*)\$\{")
_NOT_WORDS: Final = re.compile(r"\.(css|ts|json|js|html|svg|woff2)$")


def words(language: str, area: str) -> dict[str, Any]:
    """Return the words of one area as they are written, a key that comes twice refused."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        assert len(keys) == len(set(keys)), f"{language}/{area}: {keys}"
        return dict(pairs)

    path = SOURCE / "words" / language / f"{area}.json"
    found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=once)
    assert isinstance(found, dict)
    return found


def english() -> set[str]:
    return {f"{area}.{key}" for area in AREAS for key in words("en", area)}


def texts(entry: Any) -> Iterator[str]:
    if isinstance(entry, dict):
        yield from entry.values()
    else:
        yield entry


def holes(entry: Any) -> set[str]:
    return {name for text in texts(entry) for name in _HOLE.findall(text)}


def sources() -> Iterator[tuple[Path, str]]:
    for path in sorted(SOURCE.rglob("*.ts")):
        if path.parent.name != "api":
            yield path.relative_to(SOURCE), path.read_text(encoding="utf-8")


def test_each_language_has_the_same_areas() -> None:
    for language in LANGUAGES:
        found = sorted(path.stem for path in (SOURCE / "words" / language).glob("*.json"))
        assert found == AREAS, language


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_language_has_every_key_with_the_same_holes(language: str, area: str) -> None:
    said, meant = words(language, area), words("en", area)
    assert sorted(said) == sorted(meant)
    for key, entry in said.items():
        assert isinstance(entry, str) == isinstance(meant[key], str), key
        assert holes(entry) == holes(meant[key]), key


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_entry_is_a_whole_text_in_order(language: str, area: str) -> None:
    said = words(language, area)
    assert list(said) == sorted(said), "keys in order, so that two people's changes rarely meet"
    for key, entry in said.items():
        for text in texts(entry):
            assert isinstance(text, str), key
            assert text.strip() == text != "", key
            # Values are isolated when they are put in: a mark in a text would isolate half of it.
            assert not _DIRECTIONS.search(text), key
            assert "<" not in text, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_counted_has_every_form_of_its_language(language: str) -> None:
    wanted = {str(tag) for tag in Locale(language).plural_form.tags} | {"other"}
    counted = 0
    for area in AREAS:
        for key, entry in words(language, area).items():
            if isinstance(entry, dict):
                counted += 1
                assert set(entry) == wanted, f"{area}.{key}"
                # A form for one or two may do without the figure; that for many may not.
                assert "{n}" in entry["other"], f"{area}.{key}"
    assert counted


def test_every_key_that_the_source_names_is_there() -> None:
    known, missing = english(), list[str]()
    for path, text in sources():
        named = {one or two for one, two in _CALL.findall(text)}
        named |= {each for each in _LITERAL.findall(text) if each.partition(".")[0] in AREAS}
        # What ends so is the beginning of a key; the next test looks at those.
        named = {each for each in named if not _NOT_WORDS.search(each) and not each.endswith("-")}
        named = {each for each in named if not any(key.startswith(f"{each}-") for key in known)}
        missing += [f"{path}: {each}" for each in sorted(named - known)]
    assert missing == []


def test_every_beginning_of_a_key_leads_somewhere() -> None:
    known, missing = english(), list[str]()
    for path, text in sources():
        written = [each for each in _LITERAL.findall(text) if each.endswith("-")]
        for start in [*_BEGINNING.findall(text), *written]:
            if start and not any(each.startswith(start) for each in known):
                missing.append(f"{path}: {start}")
    assert missing == []


def test_a_key_that_is_missing_would_be_found() -> None:
    """The searches above see what is written in the source's own ways."""
    text = """t("nav.nowhere"), t(x ? "nav.a" : "nav.nowhere-2"),
      { words: "keys.none" }, t(`nope.${x}`)"""
    named = {one or two for one, two in _CALL.findall(text)} | set(_LITERAL.findall(text))
    assert named - english() == {"nav.nowhere", "nav.a", "nav.nowhere-2", "keys.none"}
    assert _BEGINNING.findall(text) == ["nope."]


@pytest.mark.parametrize("language", ["ar", "he", "ru"])
def test_nothing_was_left_in_english(language: str) -> None:
    """Whatever has letters of ours has letters of the language's own script."""
    script = {"ar": r"[\u0600-\u06ff]", "he": r"[\u0590-\u05ff]", "ru": r"[\u0400-\u04ff]"}[
        language
    ]
    same: list[str] = []
    for area in AREAS:
        for key, entry in words(language, area).items():
            for text in texts(entry):
                plain = _HOLE.sub("", text)
                if re.search(r"[A-Za-z]{4,}", plain) and not re.search(script, plain):
                    same.append(f"{area}.{key}: {text}")
    assert [each for each in same if not _of_the_trade(each)] == []


def _of_the_trade(entry: str) -> bool:
    """What is written in Latin letters everywhere: forms of coordinates, files, abbreviations."""
    _, _, text = entry.partition(": ")
    return bool(re.fullmatch(r"[A-Z0-9 .,/°′″:-]+|GeoJSON|KML|KMZ|PMTiles|SHA-256|MGRS.*", text))


def test_the_types_are_those_of_the_own_api() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "console_types.py"), "--check"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


_SAID: Final = {
    "stage.": Stage,
    "rung.": Rung,
    "level.": [level.name.lower() for level in Level],
    "alarm.kind-": AlarmKind,
    "alarm.stage-": ["raised", "acknowledged", "suppressed", "returned", "cleared"],
    "thread.kind-": NoteKind,
    "line.state-": Stance,
    "user.role-": Role,
    "plan.status-": Status,
    "plan.category-": Category,
    "plan.units-": Units,
    "plan.datum-": [each for each in Datum if each is not Datum.FL],
    "watch.conformance-": Conformance,
    "watch.ring-": RingKind,
    "board.subject-": ["plan", "no-go", "keep-out"],
    "nav.": [path.name for path in (SOURCE / "screens").iterdir()],
}


@pytest.mark.parametrize("beginning", sorted(_SAID))
def test_whatever_the_node_may_say_has_words(beginning: str) -> None:
    """Of what it says by a word of a closed list; a new word of such a list needs words here."""
    wanted = {f"{beginning}{value}" for value in _SAID[beginning]}
    assert sorted(wanted - english()) == []
