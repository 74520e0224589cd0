"""Two nodes for all tests of a module, a latitude for each test, and no task that dies unseen."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from sky import Side, two


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for a module, because its nodes live in it."""
    return "asyncio"


@pytest.fixture(scope="module")
async def pair(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Side, Side]]:
    """Run north and south for a whole module; north's register is the gate."""
    async with two(tmp_path_factory.mktemp("sky")) as sides:
        yield sides


@pytest.fixture(scope="module")
def lats() -> Iterator[float]:
    return (36.2 + 0.1 * i for i in range(57))


@pytest.fixture
def lat(lats: Iterator[float]) -> float:
    """A latitude where this test is alone: 11 km from the next."""
    return next(lats)


@pytest.fixture(autouse=True)
def _nothing_dies(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test in which a node logged an error: its tasks are awaited by nobody."""
    yield
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    assert not errors, errors
