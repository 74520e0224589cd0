"""Five nodes and their people, with deaths, cuts and lies of clocks: nothing lost, all agree.

In simulated time, in one process, from a printed seed. Every pair checks its line every six hours;
persons answer, give notices, read back, propose, accept, stop and clear, and change their lines,
while nodes are killed, links cut for hours to days, and letters lost, repeated and reordered. At
the end every line is the same at both ends, nothing waits, each note has exactly one receipt, and
every record is whole and cosigned by all. A failure names its seed; ``line_year.py`` replays it.
"""

import random

import pytest
from line_year import A_WEEKS, A_YEARS, BROKEN, Trouble, Year

WEEK, YEAR = 7.0, 365.0
YEAR_SEED = 20260103


def judge(seed: int, days: float, trouble: Trouble) -> None:
    year = Year(seed, days, trouble)
    wrong = year.run()
    print(year)
    replay = f".venv/bin/python tests/line/line_year.py {seed} {days:g}"
    assert not wrong, "\n".join([f"replay: {replay}", *wrong[:20]])


def test_a_week_of_five_nodes() -> None:
    judge(random.randrange(10**6), WEEK, A_WEEKS)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_a_year_of_five_nodes() -> None:
    judge(YEAR_SEED, YEAR, A_YEARS)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_node_is_caught(name: str) -> None:
    """Each control must show within five runs of two days; most do so in the first."""
    for seed in range(5):
        wrong = Year(seed, 2.0, A_WEEKS, BROKEN[name]).run()
        if wrong:
            print(f"{name}: seed {seed}: {wrong[0]}")
            return
    pytest.fail(f"{name} was not caught")
