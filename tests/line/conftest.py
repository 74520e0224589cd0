"""The floor of real nodes, started once for all tests that use it."""

from collections.abc import Iterator

import pytest
from floor import Desk, Floor, open_floor
from tests.planning.sky import free_ports


@pytest.fixture(scope="session")
def _open(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    floor, close = open_floor(tmp_path_factory.mktemp("floor"), free_ports(3))
    yield floor
    close()


@pytest.fixture
def floor(
    _open: Floor,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Floor:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.getbasetemp() / "config"))
    _open.capture, _open.patch = capsys, monkeypatch
    return _open


@pytest.fixture
def north(floor: Floor) -> Desk:
    return floor.desks["north"]


@pytest.fixture
def south(floor: Floor) -> Desk:
    return floor.desks["south"]


@pytest.fixture
def civil(floor: Floor) -> Desk:
    return floor.desks["civil"]
