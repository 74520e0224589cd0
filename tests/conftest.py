"""What all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

import stores
from tansiq.engine.warm import warm

# How fast examples are made and judged says something of the machine only.
settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow], parent=settings()
)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _warmed() -> None:
    """Compile what is compiled after an installation before any test waits for a node."""
    warm()


@pytest.fixture(scope="session", autouse=True)
def _copied_stores(tmp_path_factory: pytest.TempPathFactory) -> None:
    stores.open_copies(tmp_path_factory.mktemp("made"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _database_server() -> Iterator[None]:
    """End the database server, where a test has had it started."""
    yield
    stores.stop_server()


@pytest.fixture(params=stores.KINDS)
def store_kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test over each kind of store; it opens them by ``stores.open_store``."""
    with stores.using(request.param):
        yield request.param


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how many stores were in a database, where all were to be."""
    if stores.ALWAYS == stores.POSTGRESQL and stores.made:
        terminalreporter.write_line(f"{len(stores.made)} stores in a database")
