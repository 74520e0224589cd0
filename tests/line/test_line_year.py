"""Five nodes and their people, with deaths, cuts and lies of clocks: nothing lost, all agree.

In simulated time, in one process, from a printed seed. Every pair checks its line every six hours;
persons answer, give notices, read back, propose, accept, stop and clear, and change their lines,
while nodes are killed, links cut for hours to days, and letters lost, repeated and reordered. At
the end every line is the same at both ends, nothing waits, each note has exactly one receipt, and
every record is whole and cosigned by all. A failure names its seed; ``line_year.py`` replays it.
"""

import os
import random
import subprocess
import sys
from collections.abc import Callable

import line_year
import pytest
from line_year import A_WEEKS, A_YEARS, BROKEN, Trouble, Year

WEEK, YEAR = 7.0, 365.0
YEAR_SEED = 20260103
REPLAY = line_year.__file__


def judge(
    seed: int, days: float, trouble: Trouble, tell: Callable[[str], None] = lambda _: None
) -> None:
    year = Year(seed, days, trouble, tell=tell)
    wrong = year.run()
    print(year)
    replay = f".venv/bin/python tests/line/line_year.py {seed} {days:g}"
    assert not wrong, "\n".join([f"replay: {replay}", *wrong[:20]])


def test_a_week_of_five_nodes() -> None:
    judge(random.randrange(10**6), WEEK, A_WEEKS)


def test_a_seed_says_all_that_happens() -> None:
    """Another process, with another order of its sets, lives through the same to the byte."""
    lines = set()
    for hashes in ("1", "2"):
        path = os.pathsep.join(path for path in sys.path if path)
        env = {**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": path}
        command = [sys.executable, REPLAY, "7", "1"]
        ran = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        lines.add(ran.stdout.splitlines()[-2])

    assert len(lines) == 1, lines
    assert "roots" in lines.pop()


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_year_of_five_nodes(capsys: pytest.CaptureFixture[str]) -> None:
    def tell(line: str) -> None:
        with capsys.disabled():
            print(line, flush=True)

    judge(YEAR_SEED, YEAR, A_YEARS, tell)


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_node_is_caught(name: str) -> None:
    """Each control must show within five runs of two days; most do so in the first."""
    for seed in range(5):
        wrong = Year(seed, 2.0, A_WEEKS, BROKEN[name]).run()
        if wrong:
            print(f"{name}: seed {seed}: {wrong[0]}")
            return
    pytest.fail(f"{name} was not caught")
