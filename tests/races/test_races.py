"""Never both, never stuck: races of two real nodes over a link that delays, loses and repeats.

Exactly one of two conflicting plans declared at the same instant is coordinated, within a bounded
time, and the other refused; also where the winner soon moves away or ends, never both are. Judged
from what each node's event feed showed and from every write that each register ever took (see
``journal``). A failure names its seed; the replay is in ``rounds``.
"""

import random
from pathlib import Path

import pytest
from tests.races.rounds import run_races

SAMPLE = 30
FULL = 500
HEAD_START_S = 0.12
"""The gate's owner wins nearly every race of equals, by one delay of the link. With such a head
start for the other side, both win."""


async def judge(seed: int, count: int, base: Path, head_start_s: float) -> None:
    report = await run_races(seed, count, base, head_start_s)
    print(report)
    replay = f".venv/bin/python -m tests.races.rounds {seed} {count} {head_start_s}"
    assert not report.wrong, "\n".join([f"replay: {replay}", *report.wrong[:20]])


@pytest.mark.anyio
@pytest.mark.parametrize("head_start_s", [0.0, HEAD_START_S])
async def test_never_both_never_stuck(tmp_path: Path, head_start_s: float) -> None:
    await judge(random.randrange(10**6), SAMPLE, tmp_path, head_start_s)


@pytest.mark.soak
@pytest.mark.anyio
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("head_start_s", [0.0, HEAD_START_S])
async def test_never_both_never_stuck_at_full_size(tmp_path: Path, head_start_s: float) -> None:
    await judge(20260101, FULL, tmp_path, head_start_s)
