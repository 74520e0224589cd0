"""Never both, never stuck, with ``kill -9`` of either node, or both, at random moments.

Real processes, killed and started again over the same faulty link. Once both are back and see each
other, nothing is half-placed and nothing acknowledged is lost: see ``kills``.
"""

import random
from pathlib import Path

import pytest
from tests.races.kills import run_kills

SAMPLE = 4
FULL = 125
"""Kills (some of both nodes), each amid four races: 500 races."""


async def judge(seed: int, kills: int, base: Path) -> None:
    report = await run_kills(seed, kills, base)
    print(report)
    replay = f".venv/bin/python -m tests.races.kills {seed} {kills}"
    assert not report.wrong, "\n".join([f"replay: {replay}", *report.wrong[:20]])


@pytest.mark.anyio
async def test_nothing_acknowledged_is_lost_with_a_killed_node(tmp_path: Path) -> None:
    await judge(random.randrange(10**6), SAMPLE, tmp_path)


@pytest.mark.soak
@pytest.mark.anyio
@pytest.mark.timeout(3600)
async def test_nothing_acknowledged_is_lost_at_full_size(tmp_path: Path) -> None:
    await judge(20260102, FULL, tmp_path)
