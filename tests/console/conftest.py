"""A stage for each process of the tests, a browser for each module, windows for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.console.stage import Stage, stage
from tests.console.windows import Windows, browser


@pytest.fixture(scope="session")
def shared_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Two nodes that several tests share: none is killed, and each test has flights of its own."""
    with stage(Path(tmp_path_factory.mktemp("stage"))) as up:
        yield up


@pytest.fixture
def own_stage(tmp_path: Path) -> Iterator[Stage]:
    """Two nodes of one test alone."""
    with stage(tmp_path) as up:
        yield up


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser. It is closed with its module: while it runs, no other loop can in this thread."""
    with browser() as started:
        yield started


@pytest.fixture
def windows(chromium: Browser) -> Iterator[Windows]:
    """Opens windows; at the end each is looked at for what no page of ours may do."""
    opened = Windows(chromium)
    yield opened
    opened.close()
