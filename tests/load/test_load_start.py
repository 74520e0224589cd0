"""A node starts as quickly with many intents in its register as with none: it reads none of them.

Judged by CPU time, which a busy machine stretches far less than waiting; seconds from the start of
the process to ``/readyz`` are printed, and are what ``bench/register.py`` shows.
"""

import statistics
from pathlib import Path

import pytest
from bench._fill import fill
from bench._node import RegisterNode

from tansiq.settings import STORE

SEED = 20_261_124
STARTS = 3


def cost(folder: Path, intents: int) -> float:
    """Return the CPU seconds until the node is ready, the least of a few starts."""
    node = RegisterNode.make(folder)
    filled_s = fill(node.data / STORE, intents, SEED) if intents else 0.0
    seconds, cpu_s = [], []
    for _ in range(STARTS):
        seconds.append(node.start())
        cpu_s.append(node.cpu_s())
        node.kill()
    print(
        f"{intents:,} intents, filled in {filled_s:.1f} s: ready after "
        f"{statistics.median(seconds):.2f} s (median), {min(cpu_s):.2f} s of CPU"
    )
    return min(cpu_s)


def check(folder: Path, intents: int) -> None:
    assert cost(folder / "many", intents) < 1.5 * cost(folder / "none", 0)


def test_starting_does_not_depend_on_how_many_intents_stand(tmp_path: Path) -> None:
    check(tmp_path, 20_000)


@pytest.mark.soak
def test_starting_with_100_000_intents(tmp_path: Path) -> None:
    check(tmp_path, 100_000)
