"""`tansiq bench` against real nodes: what it counts, whom it spares, and that nothing is left."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from tests.fuzz.running import Served, make_folder, serving
from tests.planning.sky import free_ports

from tansiq.cli.bench_run import MARK
from tansiq.cli.main import cli
from tansiq.clock import SystemClock
from tansiq.demo.nodes import Seat, nodes_of
from tansiq.domain.agreement import Minima, Party
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats.agreement import agreement_toml, read_agreement


def bench(data: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["bench", "--data", str(data), *words])


def plans(node: Served) -> list[dict[str, Any]]:
    url = f"{node.own_url}/api/v1/plans"
    found = httpx.get(url, headers=node.own_headers, trust_env=False).json()["plans"]
    return [p for p in found if p["callsign"].startswith(MARK) and p["status"] != "ended"]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("bench") / "north") as served:
        yield served


def test_it_counts_what_is_settled_and_leaves_nothing(node: Served) -> None:
    result = bench(node.data, "--rate", "10", "--for", "3", "--rivals", "20", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.output)
    outcomes = found["outcomes"]
    assert sum(outcomes.values()) + found["unsent"] == 30
    assert outcomes["coordinated"] >= 1
    # A fifth wants the air of the one before; of two such one is refused.
    assert 1 <= outcomes["refused"] <= 6
    assert set(outcomes) == {"coordinated", "refused"}
    p50, p95, p99 = (found["settled_ms"][name] for name in ("p50", "p95", "p99"))
    assert 0 < p50 <= p95 <= p99
    assert found["ended"] == sum(outcomes.values())
    assert (found["left"], plans(node)) == (0, [])


def test_without_rivals_nothing_is_refused(node: Served) -> None:
    result = bench(node.data, "--rate", "5", "--for", "2", "--rivals", "0")
    assert result.exit_code == 0, result.output
    assert "refused" not in result.output
    assert "p99" in result.output
    assert plans(node) == []


def test_what_a_killed_run_left_is_ended_by_the_next(node: Served) -> None:
    command = [sys.executable, "-c", "from tansiq.cli.main import main; main()", "bench"]
    words = ["--data", str(node.data), "--rate", "5", "--for", "60"]
    for how in (signal.SIGKILL, signal.SIGINT):
        with subprocess.Popen([*command, *words]) as process:
            until = time.monotonic() + 60
            while not plans(node):
                assert time.monotonic() < until
                time.sleep(0.1)
            process.send_signal(how)
        if how is signal.SIGINT:
            assert plans(node) == []
            return
        assert plans(node)
        assert "ended" in bench(node.data, "--clean").output
        assert plans(node) == []


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--rate", "100", "--for", "600"], "30 is what may be planned"),
        (["--rate", "201"], "not in the range"),
        (["--for", "601"], "not in the range"),
        (["--at", "north"], "write LAT,LNG"),
    ],
)
def test_bounds(node: Served, words: Sequence[str], why: str) -> None:
    result = bench(node.data, *words)
    assert result.exit_code == 2
    assert why in result.output


def test_a_node_that_does_not_answer(tmp_path: Path) -> None:
    make_folder(tmp_path / "north", *free_ports(2))
    result = bench(tmp_path / "north")
    assert result.exit_code == 3
    assert "no node answers" in result.output


def test_other_parties_are_not_loaded_unless_they_are_ours(tmp_path: Path) -> None:
    def agree(parties: Sequence[Party]) -> Any:
        area = Circle(center=LatLng(33.0, 36.0), radius_m=60_000)
        text = agreement_toml(name="Valley", parties=parties, area=area, minima=Minima())
        return read_agreement(text)

    seats = [Seat(party=party, names={"en": party}) for party in ("north", "south")]

    async def both() -> tuple[Result, Result]:
        nodes = nodes_of(tmp_path, seats, agree, ports=(), clock=SystemClock())
        async with nodes as ((north, _), _):
            refused = await asyncio.to_thread(bench, north.data)
            words = ("--yes-this-is-mine", "--rate", "3", "--for", "2", "--rivals", "0", "--json")
            return refused, await asyncio.to_thread(bench, north.data, *words)

    refused, done = asyncio.run(both())
    assert refused.exit_code == 2
    assert "of south" in refused.output
    assert "--yes-this-is-mine" in refused.output
    assert done.exit_code == 0, done.output
    assert set(json.loads(done.output)["outcomes"]) == {"coordinated"}
