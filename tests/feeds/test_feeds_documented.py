"""What is counted and said of feeds stands in docs/feeds.md."""

import re
from pathlib import Path

import pytest

from tansiq.feed_settings import DATUMS, FeedKind
from tansiq.feeds.health import FeedHealth, FeedState
from tansiq.formats.position_reports import Refusal
from tansiq.services.watch.views import FeedView
from tansiq.watching import _view

PAGE = (Path(__file__).parents[2] / "docs" / "feeds.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", PAGE, re.MULTILINE)
NAMED = {name for row in ROWS for name in re.findall(r"`([^`]+)`", row)}


@pytest.mark.parametrize("reason", Refusal)
def test_every_reason_is_explained(reason: Refusal) -> None:
    assert reason.value in NAMED


@pytest.mark.parametrize("state", FeedState)
def test_every_state_is_explained(state: FeedState) -> None:
    assert state.value in NAMED


SHOWN = set(FeedView.__struct_fields__)
WORDS = {"name", "kind", "url", "state", "sentence"}
"""What it is called, and what is said of it in words."""
HEALTH = FeedHealth(
    name="a",
    kind="sbs",
    url="",
    state=FeedState.OK,
    duplicates=1,
    too_old=1,
    ahead=1,
    dropped=1,
    refused={},
)
REASONS = {*Refusal, *_view(HEALTH).refused, "no-answer"}


@pytest.mark.parametrize("count", [*sorted(SHOWN - WORDS), *_view(HEALTH).refused])
def test_every_count_is_explained(count: str) -> None:
    assert count in NAMED


@pytest.mark.parametrize("kind", FeedKind)
def test_every_kind_is_shown_with_its_units(kind: FeedKind) -> None:
    assert kind.value in NAMED
    for datum in DATUMS.get(kind, ()):
        assert re.search(rf"\b{datum}\b|pressure", PAGE)


def test_nothing_is_explained_that_is_not_there() -> None:
    assert {*REASONS, *FeedState, *FeedKind, *SHOWN} >= NAMED
