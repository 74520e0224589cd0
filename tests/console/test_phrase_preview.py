"""What a desk sees of a coded message before it is sent is what both will read once it was."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.console.pure import Pure

from tansiq.domain.phrase import WHOLE
from tansiq.formats.phrase_book import phrase_book, render
from tansiq.formats.phrase_examples import example
from tansiq.formats.spelling import Setting
from tansiq.services.phrases_shown import book_view

NOW: Final = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
NOW_MS: Final = int(NOW.timestamp() * 1000)
NAMES: Final = {"north": {"en": "North Cell", "ru": "Северный пост"}}
COUNTS: Final = (0, 1, 2, 3, 5, 10, 11, 21, 22, 25, 100, 101, 111, 1000)
"""Of each plural form of the four languages some."""
TIMES: Final = ("2026-11-28T14:32:00Z", "2026-11-28T00:00:07Z", "2026-11-29T00:05:00Z")
# Only the node works out grids.
_GRID: Final = re.compile(r" \(MGRS [^)]*\)")


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pure]:
    running = Pure(Path(tmp_path_factory.mktemp("pure")))
    yield running
    running.close()


def filled(code: str) -> Iterator[dict[str, Any]]:
    """Yield parameters of a code: its example, then other counts and times."""
    kinds = phrase_book().codes[code]
    first = dict(example(phrase_book().codes, code))
    first |= {name: "north" for name, kind in kinds.items() if kind == "party"}
    yield first
    for count in COUNTS:
        whole = {
            name: min(count * (3661 if kind == "duration" else 1), WHOLE[kind][1])
            for name, kind in kinds.items()
            if kind in WHOLE
        }
        if whole:
            yield first | whole
    for moment in TIMES:
        times = {name: moment for name, kind in kinds.items() if kind == "time"}
        if times:
            yield first | times


@pytest.mark.parametrize("language", ["en", "ar", "he", "ru"])
def test_every_phrase_reads_as_the_node_says_it(pure: Pure, language: str) -> None:
    book = msgspec.to_builtins(book_view(language))
    setting = Setting(day=NOW.date(), parties=NAMES)
    cases = [(code, given) for code in phrase_book().codes for given in filled(code)]
    said = pure.many(
        "phrases.sentence", [[book, code, given, NAMES, NOW_MS] for code, given in cases]
    )
    meant = [_GRID.sub("", render(code, given, language, setting)) for code, given in cases]
    assert said == meant
    assert len(cases) > 1_000


def test_what_is_not_filled_in_yet_is_left_open(pure: Pure) -> None:
    book = msgspec.to_builtins(book_view("en"))
    said = pure("phrases.sentence", book, "say.will-be-late", {"minutes": 1}, NAMES, NOW_MS)
    assert said == "Our flight \u2066…\u2069 will be late by \u20661\u2069 minute."


def test_every_phrase_that_a_desk_may_say_stands_under_a_topic(pure: Pure) -> None:
    order = {"line", "times", "flight", "trouble", "sky", "requests"}
    view = book_view("en")
    spoken = [msgspec.to_builtins(each) for each in view.phrases if each.say]
    topics = pure.many("phrases.topicOf", [[each] for each in spoken])
    assert set(topics) == order


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("1432", "2026-11-28T14:32:00Z"),
        ("14:32:05z", "2026-11-28T14:32:05Z"),
        # Twelve hours on is still to come, a minute more has been.
        ("0200", "2026-11-29T02:00:00Z"),
        ("0201", "2026-11-28T02:01:00Z"),
        ("2026-11-27 23:59", "2026-11-27T23:59:00Z"),
        ("2026-11-27 235901Z", "2026-11-27T23:59:01Z"),
        ("281432ZNOV26", "2026-11-28T14:32:00Z"),
        ("2026-11-28T16:32:00+02:00", "2026-11-28T14:32:00Z"),
        ("2400", None),
        ("1460", None),
        ("2026-02-30 10:00", None),
        ("2 pm", None),
        ("", None),
    ],
)
def test_a_time_is_the_nearest_one(pure: Pure, typed: str, read: str | None) -> None:
    assert pure("forms.nearest", typed, NOW_MS) == read
