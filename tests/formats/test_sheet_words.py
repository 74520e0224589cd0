"""Words of the sheets: every state of everything has one in every language, and none can escape."""

import re
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.sheets import LANGUAGES, PARTIES, plans, view
from tests.museum.hostile_names import HOSTILE

from tansiq.domain.alarm_key import AlarmKind, Level
from tansiq.domain.intent import IntentState
from tansiq.domain.line import Stance
from tansiq.domain.note import Kind
from tansiq.domain.pact import CheckState, Rung
from tansiq.domain.thread import Stage
from tansiq.errors import BadInput
from tansiq.formats.sheet import word
from tansiq.formats.sheet_words import Speller, read_words, sheet_words
from tansiq.formats.spelling import FSI, LRI, PDI, RLI, Setting
from tansiq.services.views import Status

_STATES: dict[str, list[str]] = {
    "status": [*Status, "everywhere", "not-everywhere-yet"],
    "state": [state.value.lower() for state in IntentState],
    "stage": [*Stage],
    "kind": [*Kind],
    "ladder": [*Rung],
    "due": [*Rung],
    "alarm": [*AlarmKind],
    "level": [level.name.lower() for level in Level],
    "alarm-stage": ["raised", "acknowledged", "suppressed", "returned", "cleared"],
    "stance": [*Stance],
    "check": [*CheckState],
    "clocks": ["good", "apart", "impossible", "unknown"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_state_of_everything_has_a_word(language: str) -> None:
    texts = sheet_words()[language]
    for group, states in _STATES.items():
        for state in states:
            assert texts[f"{group}.{state}"], (group, state)


def test_all_languages_have_all_words_and_no_two_states_of_a_kind_read_alike() -> None:
    words = sheet_words()
    assert set(words) == set(LANGUAGES)
    for language, texts in words.items():
        assert texts.keys() == words["en"].keys(), language
        for group in ("status", "stage", "alarm", "level", "stance", "check"):
            said = [text for key, text in texts.items() if key.startswith(f"{group}.")]
            doubles = {text for text in said if said.count(text) > 1}
            # A proposal that is acknowledged and one that is confirmed may share a word.
            assert len(doubles) <= 2, (language, group, doubles)


@pytest.mark.parametrize("language", ["ar", "he", "ru"])
def test_only_abbreviations_are_left_in_latin(language: str) -> None:
    for key, text in sheet_words()[language].items():
        bare = re.sub(r"\{[a-z]+\}", "", text)
        assert set(re.findall("[A-Za-z]+", bare)) <= {"UTC", "SHA"}, (key, text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: text.replace("day = ", "dya = ", 1), "title.day"),
        (lambda text: text.replace("{time}", "{until}", 1), "placeholders"),
        (
            lambda text: text.replace('day = "', 'day = "', 1).replace('"كشف اليوم"', '""'),
            "title.day",
        ),
    ],
)
def test_a_file_that_lacks_a_word_or_a_placeholder_is_refused(change, says) -> None:  # type: ignore[no-untyped-def]
    folder = files("tansiq") / "sheet_words"
    good = {name: (folder / f"{name}.toml").read_bytes() for name in LANGUAGES}
    assert read_words(good)
    with pytest.raises(BadInput, match=says):
        read_words({**good, "ar": change(good["ar"].decode()).encode()})


@given(st.text(max_size=80), st.sampled_from(LANGUAGES))
def test_what_a_stranger_wrote_cannot_leave_its_isolate(said: str, language: str) -> None:
    speller = Speller(language, Setting(parties=PARTIES))
    for code, name in (
        ("value.flight", "flight"),
        ("value.text", "text"),
        ("value.said", "sentence"),
    ):
        shown = speller.text(word(code, **{name: said}))
        assert _depths(shown) is not None, ascii(shown)
        assert shown == "" or (shown[0] in FSI + LRI and shown[-1] == PDI)


def _depths(shown: str) -> int | None:
    """Return how deep isolates go; None: they are not in pairs, or something else turns."""
    depth = deepest = 0
    for char in shown:
        depth += (char in LRI + RLI + FSI) - (char == PDI)
        deepest = max(deepest, depth)
        if depth < 0 or char in "\u202a\u202b\u202c\u202d\u202e\u200e\u200f\u061c":
            return None
    return deepest if depth == 0 else None


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_quantity_is_isolated(language: str) -> None:
    shown = view([plans(["HERON-1"])], language)
    (row,) = shown.sections[0].rows
    texts = [said.text for cell in row.cells for said in cell]
    assert texts[0] == f"{LRI}1432Z{PDI}"
    assert texts[2] == f"{FSI}HERON-1{PDI}"
    assert f"{LRI}300 m W84{PDI}" in texts[4]
    assert f"{LRI}600 m W84{PDI}" in texts[4]
    assert shown.foot[0].text.endswith(f"{LRI}{'0123456789abcdef' * 4}{PDI}")
    assert _depths("".join(texts)) == 1


def test_a_code_that_is_not_known_is_said_as_it_is() -> None:
    assert Speller("ar", Setting()).text(word("status.strange")) == f"{FSI}status.strange{PDI}"


@pytest.mark.parametrize("name", [name for name, _ in HOSTILE])
def test_the_museum_turns_nothing_of_the_rest_of_a_row(name: str) -> None:
    shown = view([plans([dict(HOSTILE)[name]])], "he")
    (row,) = shown.sections[0].rows
    for cell in row.cells:
        for said in cell:
            assert _depths(said.text) is not None


@pytest.mark.parametrize("code", ["value.text", "value.said"])
@pytest.mark.parametrize("language", ["ar", "he"])
def test_a_figure_and_its_unit_stay_together_in_free_words(code: str, language: str) -> None:
    name = "text" if code == "value.text" else "sentence"
    said = "שמרו 300 m ו-1200 ft AMSL, 5m3, 12.5 NM"
    shown = Speller(language, Setting()).text(word(code, **{name: said}))
    assert shown == (
        f"{FSI}שמרו {LRI}300 m{PDI} ו-{LRI}1200 ft AMSL{PDI}, 5m3, {LRI}12.5 NM{PDI}{PDI}"
    )
