"""Phrases in words: isolated whatever they hold, and never an error to a desk."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.formats.phrases import BOOK, HERE, LANGUAGES, TOLD, bare, outside, sample

from tansiq.domain.phrase import (
    COUNT_MAX,
    COUNTED,
    DISTANCE_M_MAX,
    DURATION_S_MAX,
    MINUTES_MAX,
    NAME_CHARS_MAX,
    TEXT_CHARS_MAX,
    Direction,
    Kind,
    Phrase,
)
from tansiq.formats.phrase_book import phrase_json, read_phrase, render
from tansiq.formats.spelling import FSI, LRI, PDI, Setting

EARLIEST, LATEST = datetime(1900, 1, 1), datetime(2199, 1, 1)  # noqa: DTZ001 - hypothesis adds UTC

# Isolation


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (Kind.CALLSIGN, "OSPREY-2", f"{LRI}OSPREY-2{PDI}"),
        (Kind.TIME, TOLD, f"{LRI}1432Z{PDI}"),
        (Kind.TIME, "2026-11-28T14:32:05Z", f"{LRI}143205Z{PDI}"),
        (Kind.TIME, "2026-11-27T23:59:59Z", f"{LRI}27235959ZNOV26{PDI}"),
        (Kind.TIME, "2026-11-29T00:00:00Z", f"{LRI}290000ZNOV26{PDI}"),
        (Kind.MINUTES, 5, f"{LRI}5{PDI}"),
        (Kind.NUMBER, 12, f"{LRI}12{PDI}"),
        (Kind.DISTANCE, 999, f"{LRI}999 m{PDI}"),
        (Kind.DISTANCE, 1_000, f"{LRI}1000 m (0.5 NM){PDI}"),
        (Kind.DISTANCE, 18_520, f"{LRI}18520 m (10.0 NM){PDI}"),
        (Kind.ALTITUDE, "-50 m W84", f"{LRI}-50 m W84{PDI}"),
        (Kind.LEVEL, "FL085", f"{LRI}FL085{PDI}"),
        (Kind.LEVEL, "400 ft AGL", f"{LRI}400 ft AGL{PDI}"),
        (
            Kind.POSITION,
            "35.353889,35.938889",
            f"{LRI}35°21'14\"N 035°56'20\"E (MGRS 36S YE 6705 1625){PDI}",
        ),
        (Kind.FREQUENCY, "123.450", f"{LRI}123.450 MHz{PDI}"),
        (Kind.SQUAWK, "0123", f"{LRI}0123{PDI}"),
        (Kind.MILLISECONDS, 12, f"{LRI}0.012 s{PDI}"),
        (Kind.DIGEST, "ab" * 32, f"{LRI}abababab{PDI}"),
        (Kind.PLACE, "وادي 5", f"{FSI}وادي 5{PDI}"),
        (Kind.PERSON, "R. Haddad", f"{FSI}R. Haddad{PDI}"),
        (Kind.DESK, "post 2", f"{FSI}post 2{PDI}"),
        (Kind.PARTY, "north-1", f"{FSI}north-1{PDI}"),
        (Kind.TEXT, "see you at 5", f"{FSI}see you at 5{PDI}"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_each_kind_is_isolated(kind: Kind, value: Any, shown: str, language: str) -> None:
    code, name = next(
        (code, name)
        for code, parameters in BOOK.codes.items()
        for name, found in parameters.items()
        if found is kind
    )
    assert shown in render(code, sample(code, **{name: value}), language, HERE)


def test_without_a_day_each_time_has_its_date() -> None:
    assert f"{LRI}281432ZNOV26{PDI}" in render("say.line-closes-at", {"time": TOLD}, "en")


def test_free_text_is_marked_unless_its_writer_has_the_readers_language() -> None:
    text = {"text": "see you"}
    assert bare(render("say.text", text, "en")) == "see you (not translated)"
    assert bare(render("say.text", text, "ru")) == "see you (без перевода)"
    assert bare(render("say.text", text, "ru", Setting(written_in="en"))) == (
        "see you (без перевода)"
    )
    assert bare(render("say.text", text, "en", Setting(written_in="en"))) == "see you"


def test_what_stands_in_a_value_is_never_taken_for_a_placeholder() -> None:
    held = {"caller": "{answerer}", "answerer": "{time}", "time": TOLD}
    told = bare(render("call.held", held, "en", HERE))
    assert told == "Voice call: {answerer} called {time} at 1432Z."


moments = st.datetimes(min_value=EARLIEST, max_value=LATEST, timezones=st.just(UTC))
printable = st.characters(categories=("L", "N", "P", "S"))
names = st.text(printable, min_size=1, max_size=NAME_CHARS_MAX)
VALUES: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.CALLSIGN: names,
    Kind.TIME: moments.map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")),
    Kind.DURATION: st.integers(0, DURATION_S_MAX),
    Kind.MINUTES: st.integers(0, MINUTES_MAX),
    **dict.fromkeys(COUNTED[1:], st.integers(0, COUNT_MAX)),
    Kind.NUMBER: st.integers(0, 1_000_000_000),
    Kind.DISTANCE: st.integers(0, DISTANCE_M_MAX),
    Kind.DIRECTION: st.sampled_from(sorted(Direction)),
    Kind.ALTITUDE: st.builds(
        "{} {} {}".format,
        st.integers(-8_000, 99_999),
        st.sampled_from(["m", "ft"]),
        st.sampled_from(["AMSL", "W84", "AGL"]),
    ),
    Kind.LEVEL: st.integers(0, 650).map("FL{:03d}".format),
    Kind.POSITION: st.builds(
        lambda lat, lng: f"{lat / 1e6:.6f},{lng / 1e6:.6f}",
        st.integers(-90_000_000, 90_000_000),
        st.integers(-180_000_000, 180_000_000),
    ),
    Kind.FREQUENCY: st.integers(30_000, 399_999).map(lambda khz: f"{khz / 1_000:.3f}"),
    Kind.SQUAWK: st.from_regex(r"[0-7]{4}", fullmatch=True).filter(str.isascii),
    Kind.MILLISECONDS: st.integers(0, 86_400_000),
    Kind.DIGEST: st.binary(min_size=32, max_size=32).map(bytes.hex),
    Kind.PLACE: names,
    Kind.PERSON: names,
    Kind.DESK: names,
    Kind.PARTY: st.sampled_from(["north", "south-2", "a"]),
    Kind.TEXT: st.text(printable, min_size=1, max_size=TEXT_CHARS_MAX),
}


@given(data=st.data(), code=st.sampled_from(sorted(BOOK.codes)))
def test_any_valid_parameters_render_in_every_language(data: st.DataObject, code: str) -> None:
    parameters = {name: data.draw(VALUES[kind]) for name, kind in BOOK.codes[code].items()}
    phrase = Phrase(code=code, parameters=parameters)
    assert read_phrase(phrase_json(phrase)) == phrase
    for language in LANGUAGES:
        text = render(code, parameters, language)
        around = outside(text)
        assert not re.search(r"[{}]|\d", around), text
        unknown = BOOK.languages[language].unknown.partition("{")[0]
        assert not text.startswith(unknown)


# What cannot be said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("code", "parameters"),
    [
        ("say.new-in-version-nine", {"flight": "A", "colour": 5}),
        ("no code at all", {}),
        ("x" * 5_000, {}),
        ("say.stand-by", {"minutes": 5}),
        ("say.has-ended", {"flight": "A"}),
        ("say.has-ended", {"flight": "A", "time": "1432Z"}),
        ("say.has-ended", {"flight": "A\u202eB", "time": TOLD}),
        ("say.has-ended", {"flight": ["A"], "time": None}),
        ("say.has-ended", {str(i): "x" * 1_000 for i in range(1_000)}),
    ],
)
def test_what_the_book_does_not_have_is_shown_as_it_came(
    code: str, parameters: dict[str, Any], language: str
) -> None:
    text = render(code, parameters, language)
    outside(text)
    assert text.startswith(BOOK.languages[language].unknown.partition("{")[0])
    assert code[:100] in text
    assert all(str(name) in text for name in parameters if len(parameters) < 9)
    assert len(text) < 2_500
    assert not re.search("[\u202a-\u202e\n\x00]", text)


@pytest.mark.parametrize(
    ("wanted", "found"), [("ar", "ar"), ("ar-SY", "ar"), ("fr", "en"), ("", "en"), ("en-GB", "en")]
)
def test_a_reader_of_another_language_gets_the_nearest(wanted: str, found: str) -> None:
    assert BOOK.language(wanted).code == found
