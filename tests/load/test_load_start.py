"""A node starts as quickly with many intents in its register as with none: it reads none of them.

Judged by CPU time, which a busy machine stretches far less than waiting; seconds from the start of
the process to ``/readyz`` are printed, and are what ``bench/register.py`` shows.
"""

import statistics
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from bench._fill import fill
from bench._node import RegisterNode

from tansiq.settings import STORE

SEED = 20_261_124
STARTS_MIN, STARTS_MAX = 2, 8


@dataclass
class Starts:
    """The starts of one node, with so many intents in its register."""

    node: RegisterNode
    intents: int
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, folder: Path, intents: int) -> "Starts":
        node = RegisterNode.make(folder)
        if intents:
            fill(node.data / STORE, intents, SEED)
        return cls(node, intents)

    def one_more(self) -> None:
        self.seconds.append(self.node.start())
        self.cpu_s.append(self.node.cpu_s())
        self.node.kill()

    @property
    def cost_s(self) -> float:
        """CPU seconds until it is ready: the least, for all else is the work of others."""
        return min(self.cpu_s)

    def __str__(self) -> str:
        return (
            f"{self.intents:,} intents: ready after {statistics.median(self.seconds):.2f} s "
            f"(median of {len(self.seconds)}), {self.cost_s:.2f} s of CPU"
        )


def check(folder: Path, intents: int) -> None:
    """In turn, so that others disturb both alike; more often where they disturb much."""
    many, none = Starts.of(folder / "many", intents), Starts.of(folder / "none", 0)
    for number in range(STARTS_MAX):
        many.one_more()
        none.one_more()
        if number + 1 >= STARTS_MIN and many.cost_s < 1.5 * none.cost_s:
            break
    print(many, none, sep="; ")
    assert many.cost_s < 1.5 * none.cost_s


def test_starting_does_not_depend_on_how_many_intents_stand(tmp_path: Path) -> None:
    check(tmp_path, 20_000)


@pytest.mark.soak
def test_starting_with_100_000_intents(tmp_path: Path) -> None:
    check(tmp_path, 100_000)
