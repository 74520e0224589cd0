"""What an alarm says is made of its code and its values alone, and every language can say it.

Each thing that the watch finds is made once, written as JSON and read again, and its English
sentence made of that. The sentences themselves are held in ``test_alarm_words.py``.
"""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from math import inf, nan
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.alarm_key import AlarmKind
from tansiq.domain.conformance import Conformance, Status, Wanting
from tansiq.domain.crossing import Crossing
from tansiq.domain.evasion import Manoeuvre
from tansiq.domain.phrase import Direction
from tansiq.domain.ring import Approach, wildfire
from tansiq.domain.whereabouts import Within
from tansiq.formats import alarm_facts, alarm_words
from tansiq.formats.alarm_facts import FAILED, MAYBE, UNHEARD, Meeting, Message
from tansiq.formats.alarm_words import in_words
from tansiq.formats.phrase_book import plural_categories
from watching import HERE, NOON

WORDS = Path(__file__).parents[2] / "console" / "src" / "words"
LANGUAGES = ("en", "ar", "he", "ru")
AREA: alarm_facts.Facts = {"area": "2f8343be", "party": "south"}
IN_BETWEEN = {"lat_deg", "lng_deg"}
"""Written as one place."""


def conformances() -> Iterator[Message]:
    for status, certain, volume, away, up_m, error_m in product(
        Status, (True, False), (None, 1), (None, 45.0), (-100.0, 0.0, 100.0), (0.0, 50.0)
    ):
        found = Conformance(
            status=status,
            certain=certain,
            volume=volume,
            seconds=30.0,
            horizontal_m=500.0,
            horizontal_error_m=error_m,
            away_deg=away,
            vertical_m=up_m,
            vertical_error_m=error_m,
            wanting=Wanting.HEIGHT if volume else Wanting.POSITION,
        )
        yield alarm_facts.of_conformance("OSPREY-2", found)
    yield alarm_facts.of_conformance("OSPREY-2", Conformance(status=Status.NOT_AIRBORNE))


def places() -> Iterator[Message]:
    ways = tuple(Crossing(possible_s=20.0, likely_s=likely_s) for likely_s in (30.0, 20.0, None))
    for within in Within:
        yield alarm_facts.of_no_go("OSPREY-2", within, AREA)
    for ahead in ways:
        yield alarm_facts.of_entry("OSPREY-2", ahead, AREA)
    for ring, within, way, name in product(
        wildfire(HERE).rings, Within, (None, *ways), ("", "Creek fire")
    ):
        found = Approach(
            ring=ring, within=within, distance_m=18_520.0, bearing_deg=180.0, crossing=way
        )
        yield alarm_facts.of_approach("OSPREY-2", found, name)
    for words in ("", "white, four rotors"):
        yield alarm_facts.drone_seen(NOON, HERE, 500.0, words, "2f8343be")


def meeting(in_s: float | None, up_m: float, error_m: float, by: str = "the agreement") -> Message:
    return alarm_facts.too_close(
        Meeting(
            names=("OSPREY-2", "HERON-1"),
            by=by,
            now=NOON,
            in_s=in_s,
            horizontal_m=900.0,
            vertical_m=up_m,
            closest_in_s=12.4,
            closest_horizontal_m=80.0,
            closest_vertical_m=-up_m,
            horizontal_error_m=20.0,
            vertical_error_m=error_m,
        )
    )


def others() -> Iterator[Message]:
    for in_s, up_m, error_m in product((None, -1.0, 0.0, 0.1), (nan, 30.0), (inf, nan, 15.0)):
        yield meeting(in_s, up_m, error_m)
    yield meeting(None, 1.0, 1.0, "DO-365B (en-route)")
    for manoeuvre in Manoeuvre:
        yield alarm_facts.way_out("OSPREY-2", manoeuvre, 2.54)
    yield alarm_facts.two_places("OSPREY-2")
    for end in (NOON, NOON - timedelta(microseconds=1)):
        yield alarm_facts.not_heard("OSPREY-2", 31.0, end, NOON)
    suggested = alarm_facts.suggested("OSPREY-2 of north", "icao:a1b2c3", "2f8343be")
    for height_m, pressure_m in ((300.0, None), (None, 400.0), (None, None)):
        said = alarm_facts.no_plan("N123", height_m, pressure_m)
        yield said
        yield alarm_facts.joined((said, suggested))
    yield suggested
    yield alarm_facts.feed_lost("roof", "silent", "nothing for 30 s")
    yield alarm_facts.feed_lost("roof", "failing", "refused")
    yield alarm_facts.tried("Ada", NOON)
    for words, kind in product(("", "слишком близко"), AlarmKind):
        yield alarm_facts.heard("south", words, kind.value)
    for named in (
        alarm_facts.lost_before, alarm_facts.pair_crowded, alarm_facts.pair_unheard,
    ):  # fmt: skip
        yield named(("HERON-1", "OSPREY-2"))
    for doubt in (UNHEARD, FAILED):
        yield alarm_facts.doubted(meeting(None, 1.0, 1.0), doubt)
        yield alarm_facts.doubted(alarm_facts.two_places("OSPREY-2"), doubt)
    yield Message(code="last-heard", facts={"age_s": 31.0})
    for code in ("address-twice", "jumped"):
        yield Message(code=code)
    for code in ("back-in-plan", "long-away"):
        yield Message(code=code, facts={"flight": "OSPREY-2"})


MADE = (*conformances(), *places(), *others())
CODES = {each.code for each in MADE} | {code for each in MADE for code in each.also}


def words(language: str) -> dict[str, str | dict[str, str]]:
    read: dict[str, str | dict[str, str]] = json.loads(
        (WORDS / language / "alarms.json").read_text(encoding="utf-8")
    )
    return read


def placeholders(entry: str | dict[str, str]) -> set[str]:
    texts = [entry] if isinstance(entry, str) else list(entry.values())
    found = [set(re.findall(r"\{(\w+)\}", text)) for text in texts]
    return set.union(*found)


# The sentence


def test_each_sentence_is_made_of_the_code_and_the_values_alone() -> None:
    for said in MADE:
        again = msgspec.json.decode(msgspec.json.encode(said), type=Message)
        assert again == said
        assert in_words(again) == in_words(said) != ""


def test_every_code_that_has_a_sentence_is_made_by_something() -> None:
    assert {each.code.removesuffix(MAYBE) for each in MADE} == alarm_words.CODES


def test_every_value_is_in_the_sentence_or_names_what_is() -> None:
    """Change one value at a time: what nothing changes by would be shown to nobody."""
    quiet = {"ring_kind", "area_name", "kind", "by_code", "earliest_s", "state", "flight"}
    for said in MADE:
        for name, value in said.facts.items():
            if name in quiet or name == "seconds_s":
                continue
            other = Direction.W.value if name == "direction" else None
            if other is None:
                other = "2026-01-01T01:02:03Z" if name.endswith("_at") else "another"
                other = value * 2 + 10_000 if not isinstance(value, str) else other
            changed = Message(code=said.code, facts={**said.facts, name: other}, also=said.also)
            assert in_words(changed) != in_words(said), (said, name)


@given(
    by_m=st.floats(0.0, 1e5),
    up_m=st.floats(-1e4, 1e4),
    away_deg=st.none() | st.floats(0.0, 359.9),
    certain=st.booleans(),
    status=st.sampled_from(Status),
)
def test_no_value_is_unlike_json_whatever_is_found(
    by_m: float, up_m: float, away_deg: float | None, certain: bool, status: Status
) -> None:
    found = Conformance(
        status=status,
        certain=certain,
        horizontal_m=by_m,
        horizontal_error_m=by_m,
        vertical_m=up_m,
        vertical_error_m=by_m,
        away_deg=away_deg,
        seconds=by_m,
        wanting=Wanting.POSITION,
    )
    said = alarm_facts.of_conformance("T", found)
    assert msgspec.json.decode(msgspec.json.encode(said), type=Message) == said
    assert all(isinstance(value, str | float) for value in said.facts.values())
    assert in_words(said) == alarm_words.of_conformance("T", found)


def test_a_doubt_takes_the_place_of_the_one_before() -> None:
    once = alarm_facts.doubted(alarm_facts.two_places("T"), UNHEARD)
    twice = alarm_facts.doubted(once, FAILED)
    assert twice == alarm_facts.doubted(alarm_facts.two_places("T"), FAILED)
    assert in_words(twice).endswith("not known; it could not be looked at, it may still be so")
    # Of what an older version kept there is the sentence alone, and nothing is made up.
    assert alarm_facts.doubted(Message(), UNHEARD) == Message()


def test_several_things_are_one_with_all_codes_and_values() -> None:
    one = Message(code="last-heard", facts={"age_s": 5.0})
    two = Message(code="left", facts={"flight": "T"}, also=("way",))
    assert alarm_facts.joined((one, two)) == Message(
        code="last-heard", facts={"age_s": 5.0, "flight": "T"}, also=("left", "way")
    )
    assert alarm_facts.joined(()) == Message()


# The languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_code_with_the_placeholders_of_english(language: str) -> None:
    english, spoken = words("en"), words(language)
    assert list(spoken) == sorted(english)
    assert set(spoken) >= CODES
    for code, entry in spoken.items():
        assert placeholders(entry) == placeholders(english[code]), code
        assert type(entry) is type(english[code]), code
        if isinstance(entry, dict):
            assert set(entry) == set(plural_categories(language)), code


def test_what_a_sentence_needs_is_among_the_values() -> None:
    english = words("en")
    for said in MADE:
        if said.code.startswith("ring-") and "ring" not in said.facts:
            continue  # The watch always names a ring.
        known = set(said.facts) | ({"place"} if set(said.facts) >= IN_BETWEEN else set())
        for code in (said.code, *said.also):
            assert placeholders(english[code]) <= known, (said, code)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_no_figure_of_their_own(language: str) -> None:
    for code, entry in words(language).items():
        texts = [entry] if isinstance(entry, str) else list(entry.values())
        for text in texts:
            rest = re.sub(r"\{\w+\}|WGS84|W84", "", text)
            assert not re.search(r"[0-9{}]", rest), (code, text)
            assert text == text.strip()


# The page


def test_the_page_names_every_code_and_every_value() -> None:
    page = (Path(__file__).parents[2] / "docs" / "watch.md").read_text(encoding="utf-8")
    (section,) = re.findall(r"## The same in another language\n(.*?)\n## ", page, re.DOTALL)
    named = set(re.findall(r"`([a-zA-Z0-9_-]+)`", section))
    for code in CODES:
        plain = code.removesuffix(MAYBE).removesuffix("-no-height")
        assert {code, plain} & named, code
    assert {name for said in MADE for name in said.facts} <= named
