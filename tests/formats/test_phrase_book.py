"""The phrase book: complete in each language, each plural right, and flight safety only."""

import re
import shutil
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from tests.formats.counted import NUMBERS, SAID, said
from tests.formats.phrases import BOOK, FOLDER, HERE, LANGUAGES, TOLD, bare, sample

from tansiq.domain.phrase import COUNTED, Kind
from tansiq.errors import BadInput
from tansiq.formats.phrase_book import load, plural_categories, render
from tansiq.formats.spelling import LRI, PDI

# Completeness


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_code_with_its_parameters(language: str) -> None:
    """Read without our loader, so that a hole in that does not hide one in a file."""
    codes = tomllib.loads((FOLDER / "codes.toml").read_text(encoding="utf-8"))
    texts = tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
    for group, members in codes.items():
        assert set(texts[group]) == set(members), group
        for name, parameters in members.items():
            used = set(re.findall(r"\{(\w+)\}", texts[group][name]))
            assert used == set(parameters), f"{group}.{name}"


def test_four_languages_are_there_and_two_are_written_from_the_right() -> None:
    assert LANGUAGES == ["ar", "en", "he", "ru"]
    assert [BOOK.languages[each].direction for each in LANGUAGES] == ["rtl", "ltr", "rtl", "ltr"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_written_in_its_own_letters(language: str) -> None:
    """A text copied and never translated would be seen here."""
    script = {"ar": "ARABIC", "en": "LATIN", "he": "HEBREW", "ru": "CYRILLIC"}[language]
    spoken = BOOK.languages[language]
    texts = [*spoken.texts.items(), *spoken.directions.items()]
    texts += [(noun, form) for noun, forms in spoken.counted.items() for form in forms.values()]
    for code, text in texts:
        own = re.sub(r"\{\w+\}|MAYDAY|PAN-PAN", "", text)
        letters = {unicodedata.name(c).split()[0] for c in own if c.isalpha()}
        assert letters <= {script}, f"{code}: {text}"
        assert letters or code == "say.text", code


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_codes_say_the_same(language: str) -> None:
    texts = BOOK.languages[language].texts
    same = {t: [c for c in texts if texts[c] == t] for t in texts.values()}
    allowed = {("say.wrong-number",)}
    assert [
        codes for codes in same.values() if len(codes) > 1 and tuple(codes) not in allowed
    ] == []


def test_a_further_file_is_a_further_language(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "phrases")
    german = (folder / "en.toml").read_text(encoding="utf-8")
    german = german.replace('language = "en"', 'language = "de"')
    (folder / "de.toml").write_text(german.replace("Stand by.", "Warten."), encoding="utf-8")
    assert load(folder).language("de-AT").texts["say.stand-by"] == "Warten."


SPOILT = [
    ("a code is missing", 'affirm = "Affirm."\n', "", "say.affirm"),
    ("a code too many", "[ladder]", "[ladder]\nfoo = 'x'", "ladder.foo"),
    ("a group too many", "[ladder]", "[love]\n[ladder]", "love"),
    ("a parameter is missing", "departed at {time}", "departed", "say.departed"),
    ("a parameter too many", "Affirm.", "Affirm {time}.", "say.affirm"),
    ("a parameter misspelled", "departed at {time}", "departed at {tim}", "say.departed"),
    ("a bracket left over", "Affirm.", "Affirm {.", "say.affirm"),
    ("a bare figure", "Affirm.", "Affirm 5.", "say.affirm"),
    (
        "a form is missing",
        '{ one = "{n} hour", other = "{n} hours" }',
        '{ other = "{n}" }',
        "hours",
    ),
    ("a form too many", 'one = "{n} hour"', 'one = "{n} hour", few = "{n}"', "counted.hours.few"),
    ("a form without its number", '"{n} hours"', '"hours"', "counted.hours.other"),
    ("a mark of direction", "Affirm.", "Affirm\u202e.", "say.affirm"),
    ("a wrong direction", '"ltr"', '"left"', "direction"),
    ("another language", 'language = "en"', 'language = "fr"', "language"),
    ("a way is missing", 'NE = "north-east"\n', "", "directions.NE"),
    ("no joint", 'joint = "{first} {next}"', 'joint = "{first}"', "book.joint"),
    ("text is no text", '"Affirm."', "5", "say.affirm"),
    ("no TOML", "[ladder]", "[ladder", "en.toml"),
]


@pytest.mark.parametrize(("name", "old", "new", "field"), SPOILT, ids=[s[0] for s in SPOILT])
def test_a_language_that_is_not_whole_is_refused(
    tmp_path: Path, name: str, old: str, new: str, field: str
) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "phrases")
    text = (folder / "en.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "en.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        load(folder)
    assert field in str(caught.value)


def test_a_language_that_cldr_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "phrases")
    text = (folder / "en.toml").read_text(encoding="utf-8")
    (folder / "zz.toml").write_text(text.replace('"en"', '"zz"'), encoding="utf-8")
    with pytest.raises(BadInput, match="CLDR knows no such language"):
        load(folder)


def test_without_english_there_is_no_book(tmp_path: Path) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "phrases")
    (folder / "en.toml").unlink()
    with pytest.raises(BadInput, match="English"):
        load(folder)


@pytest.mark.parametrize(
    ("codes", "field"),
    [
        ("[say]\nStand = {}", "say.Stand"),
        ("[say]\nstand = 5", "say.stand"),
        ('[say]\nstand = { a = "colour" }', "say.stand.a"),
        ("[say]\nstand = {" + ", ".join(f'{c} = "time"' for c in "abcdefghi") + "}", "say.stand"),
        ("say = 5", "say"),
    ],
)
def test_codes_that_are_none_are_refused(tmp_path: Path, codes: str, field: str) -> None:
    folder = shutil.copytree(FOLDER, tmp_path / "phrases")
    (folder / "codes.toml").write_text(codes)
    with pytest.raises(BadInput) as caught:
        load(folder)
    assert caught.value.field == field


# Plurals


def test_the_categories_are_those_of_cldr() -> None:
    assert plural_categories("en") == ("one", "other")
    assert plural_categories("ar") == ("zero", "one", "two", "few", "many", "other")
    assert plural_categories("he") == ("one", "two", "other")
    assert plural_categories("ru") == ("one", "few", "many", "other")


PLURAL = [
    (code, name, kind)
    for code, parameters in BOOK.codes.items()
    for name, kind in parameters.items()
    if kind in COUNTED
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", NUMBERS)
def test_every_plural_code_says_what_was_written_by_hand(language: str, number: int) -> None:
    for code, name, kind in PLURAL:
        words = said(language, kind.value, number)
        rendered = render(code, sample(code, **{name: number}), language)
        assert words in bare(rendered), code
        assert f"{LRI}{number}{PDI}" in rendered or str(number) not in words, code
        # Nothing else of the sentence changes with the number.
        assert bare(rendered).replace(words, "?") == bare(
            render(code, sample(code, **{name: 77}), language)
        ).replace(bare(_seventy_seven(language, kind)), "?"), code


def _seventy_seven(language: str, kind: Kind) -> str:
    # 77 is of the form of 5 in English, Hebrew and Russian, of 11 in Arabic.
    like = 11 if language == "ar" else 5
    return said(language, kind.value, like).replace(str(like), "77")


def test_every_counted_noun_was_written_by_hand_in_every_language() -> None:
    for language in LANGUAGES:
        assert set(SAID[language]) == set(BOOK.languages[language].counted)
        assert {kind.value for kind in COUNTED} <= set(SAID[language])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", NUMBERS)
def test_durations_are_said_in_hours_minutes_and_seconds(language: str, number: int) -> None:
    words = bare(render("clock.disagree", {"party": "x", "duration": number * 3_600}, language))
    assert said(language, "hours" if number else "minutes", number) in words
    if number < 60:
        rest = bare(render("clock.disagree", {"party": "x", "duration": number}, language))
        assert said(language, "seconds" if number else "minutes", number) in rest


@pytest.mark.parametrize(
    ("language", "seconds", "words"),
    [
        ("en", 0, "0 minutes"),
        ("en", 3_661, "1 hour 1 minute 1 second"),
        ("en", 7_260, "2 hours 1 minute"),
        ("en", 3_602, "1 hour 2 seconds"),
        ("ar", 3_661, "ساعة واحدة ودقيقة واحدة وثانية واحدة"),
        ("ar", 7_380, "ساعتين و3 دقائق"),
        ("he", 7_380, "שעתיים, 3 דקות"),
        ("ru", 3_681, "1 час 1 минуту 21 секунду"),
    ],
)
def test_parts_of_a_duration_are_joined(language: str, seconds: int, words: str) -> None:
    assert words in bare(render("clock.disagree", {"party": "x", "duration": seconds}, language))


# Whole sentences, checked by hand

SENTENCES = [
    ("say.will-be-late", {"flight": "OSPREY-2", "minutes": 2}, {
        "en": "Our flight OSPREY-2 will be late by 2 minutes.",
        "ar": "ستتأخر رحلتنا OSPREY-2 بمقدار دقيقتين.",
        "he": "הטיסה שלנו OSPREY-2 תהיה באיחור של שתי דקות.",
        "ru": "Наш рейс OSPREY-2 опоздает на 2 минуты.",
    }),
    ("ladder.silence", {"number": 12, "party": "south", "minutes": 21}, {
        "en": "South has been silent on notice 12 for 21 minutes. Silence is not consent.",
        "ar": "الطرف الجنوب صامت بشأن الإشعار 12 منذ 21 دقيقة. السكوت ليس موافقة.",
        "he": "הצד South שותק בנוגע להודעה מספר 12 כבר 21 דקות. שתיקה אינה הסכמה.",
        "ru": (
            "Сторона Юг не отвечает на уведомление 12 уже 21 минуту. "
            "Молчание не означает согласия."
        ),
    }),
    ("line.waiting", {"party": "south", "notes": 3}, {
        "en": "Not yet arrived at South: 3 messages.",
        "ar": "بقي أن يستلم الطرف الجنوب 3 رسائل.",
        "he": "מסרים שטרם הגיעו אל הצד South: 3 מסרים.",
        "ru": "Ещё не дошло до стороны Юг: 3 сообщения.",
    }),
    ("stop.all-clear", {"party": "south", "time": TOLD}, {
        "en": "ALL CLEAR, from South at 1432Z.",
        "ar": "زال الخطر، من الطرف الجنوب في الساعة 1432Z.",
        "he": "הסכנה חלפה, מאת הצד South בשעה 1432Z.",
        "ru": "ОТБОЙ, от стороны Юг в 1432Z.",
    }),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "parameters", "expected"), SENTENCES, ids=[s[0] for s in SENTENCES]
)
def test_whole_sentences(code: str, parameters: dict[str, Any], expected: dict[str, str]) -> None:
    assert {each: bare(render(code, parameters, each, HERE)) for each in expected} == expected


# What is not there


def test_no_code_or_parameter_tells_what_a_flight_is_for() -> None:
    words = re.compile(
        r"\bpurpose|\bmission|target|payload|cargo|weapon|strike|passenger|patient|\bunit|troop",
        re.I,
    )
    for code, parameters in BOOK.codes.items():
        assert not words.search(" ".join((code, *parameters))), code
        assert not words.search(BOOK.languages["en"].texts[code]), code


def test_nothing_is_loaded_before_it_is_needed() -> None:
    code = "import sys, tansiq.cli.main, tansiq.formats.phrase_book; print('babel' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
