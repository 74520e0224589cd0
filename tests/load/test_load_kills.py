"""Nothing acknowledged is lost by ``kill -9``, and nothing stands that was refused."""

import asyncio
import statistics
from pathlib import Path

import pytest
from bench._node import SERVE, RegisterNode
from tests.load.kills import ACKNOWLEDGED_MIN, REFUSED_MIN, WRITERS, Tally, kill_rounds

SEED = 20_261_124
VARIANTS = Path(__file__).with_name("variants.py")


def killed(folder: Path, rounds: int, variant: str | None = None) -> Tally:
    """Run the rounds against a node, honest or broken."""
    serve = SERVE if variant is None else (str(VARIANTS), variant, "serve")
    node = RegisterNode.make(folder / "node", serve=serve)
    try:
        tally = asyncio.run(kill_rounds(node, rounds, SEED))
    finally:
        node.kill()
    start_s = statistics.median(tally.start_s)
    print(f"seed {SEED}, {WRITERS} writers: {tally}; started in {start_s:.2f} s (median)")
    return tally


def check(tally: Tally) -> None:
    assert tally.wrong == []
    assert tally.acknowledged > ACKNOWLEDGED_MIN * tally.rounds
    assert tally.refused > REFUSED_MIN * tally.rounds
    assert tally.unanswered > 0, "no kill met a request: the test shows nothing"


def test_kills_lose_nothing_and_leave_no_phantom(tmp_path: Path) -> None:
    check(killed(tmp_path, 4))


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_200_kills_lose_nothing_and_leave_no_phantom(tmp_path: Path) -> None:
    check(killed(tmp_path, 200))


def test_a_node_that_answers_before_its_commit_is_caught(tmp_path: Path) -> None:
    tally = killed(tmp_path, 10, "hasty")
    assert any("may stand" in sentence for sentence in tally.wrong), tally


def test_a_node_that_keeps_what_it_refuses_is_caught(tmp_path: Path) -> None:
    tally = killed(tmp_path, 3, "two_minds")
    assert any("was refused and is 200" in sentence for sentence in tally.wrong), tally
