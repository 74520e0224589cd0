"""Suppliers that plan at once in one small area: keys and notifications hold."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from bench._node import SERVE, RegisterNode
from tests.load.rivals import CLIENTS, Journal, Rivals, Verdict, judge

SEED = 20_261_124
ACTS = 1_200
"""Steps of all clients together: so many that there are enough races, however long they take."""
TRIES, ACTS_A_TRY = 4, 800
VARIANTS = Path(__file__).with_name("variants.py")


def rival(folder: Path, acts: int, variant: str | None = None) -> tuple[Journal, Verdict]:
    """Run a node, honest or broken, and judge what it accepted."""
    serve = SERVE if variant is None else (str(VARIANTS), variant, "serve")
    node = RegisterNode.make(folder / "node", serve=serve)
    node.start()
    try:
        journal = asyncio.run(Rivals(node, SEED).run(acts))
    finally:
        node.stop()
    verdict = judge(journal)
    print(f"seed {SEED}, {CLIENTS} clients, {acts} steps: {dict(journal.answers)}; {verdict}")
    return journal, verdict


def check(folder: Path, acts: int) -> None:
    journal, verdict = rival(folder, acts)
    assert journal.wrong == []
    assert verdict.good, verdict
    assert journal.answers["refused"] > 50, "nobody raced: the test shows nothing"
    assert verdict.pairs > 500
    assert verdict.notices > 500


def test_of_two_conflicting_intents_one_knew_the_other(tmp_path: Path) -> None:
    """Method: 12 clients, one small area, 1,200 steps; the oracle is PROJ and shapely."""
    check(tmp_path, ACTS)


@pytest.mark.soak
def test_of_two_conflicting_intents_one_knew_the_other_at_full_size(tmp_path: Path) -> None:
    check(tmp_path, 12 * ACTS)


def caught(folder: Path, variant: str, sees: Callable[[Verdict], bool]) -> bool:
    """Report whether a broken register is seen; it may need more than one try."""
    for number in range(TRIES):
        journal, verdict = rival(folder / str(number), ACTS_A_TRY, variant)
        # One that answers nothing at all is broken otherwise than it says.
        assert verdict.pairs > 100, journal.wrong[:3]
        if sees(verdict):
            return True
    return False


def test_a_register_that_checks_keys_before_its_transaction_is_caught(tmp_path: Path) -> None:
    assert caught(tmp_path, "keys_apart", lambda verdict: bool(verdict.unlinked))


def test_a_register_that_looks_up_subscribers_before_its_transaction_is_caught(
    tmp_path: Path,
) -> None:
    assert caught(
        tmp_path, "notices_apart", lambda verdict: bool(verdict.repeated or verdict.missed)
    )
