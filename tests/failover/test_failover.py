"""Patroni over three servers, whose leader is killed ten times under writes: nothing is lost.

No sample of these runs in ``make test``: one failover takes as long as the time after which a
silent leader is given up (20 s). ``test_promoted.py`` promotes a standby by hand instead.
"""

import asyncio
import os
import random
import time
from collections.abc import Iterator
from signal import SIGCONT, SIGSTOP

import pytest
from patroni import Cluster

from load import Load

pytestmark = [pytest.mark.anyio, pytest.mark.soak]
SEED = 20_261_130
KILLS = int(os.environ.get("TANSIQ_KILLS", "10"))
WHOLE_S = 300.0
LAG_S = 1.0


@pytest.fixture(params=[True], ids=["synchronous"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    made = Cluster(synchronous=request.param)
    try:
        for node in made.nodes:
            made.start(node)
        print(f"whole after {made.wait(made.is_whole, WHOLE_S):.1f} s")
        yield made
    finally:
        made.remove()


async def killed(cluster: Cluster, load: Load, rng: random.Random) -> None:
    """Let it write, hold what the leader sends for a moment, kill it, mend it."""
    await asyncio.sleep(rng.uniform(2.0, 5.0))
    leader = await asyncio.to_thread(cluster.leader)
    before_s = time.monotonic()
    cluster.hold(leader)
    await asyncio.sleep(LAG_S)
    await asyncio.to_thread(cluster.kill, leader)
    killed_s = time.monotonic()

    def again() -> bool:
        if load.ended is not None:
            raise load.ended
        return any(at > killed_s + 0.1 for at, _ in list(load.acknowledged.values())[-20:])

    await asyncio.to_thread(cluster.wait, again, WHOLE_S)
    written_s = time.monotonic() - killed_s
    cluster.start(leader)
    whole_s = await asyncio.to_thread(cluster.wait, cluster.is_whole, WHOLE_S)
    print(
        f"{leader.name} killed: writes again after {written_s:.1f} s, longest gap "
        f"{load.gap_s(before_s - 1.0):.1f} s; rejoined {whole_s:.1f} s after it was started; "
        f"{len(load.acknowledged)} acknowledged, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


async def over(cluster: Cluster, kills: int) -> Load:
    rng, load = random.Random(SEED), Load(cluster.url, SEED)
    print(f"seed {SEED}", flush=True)
    writing = asyncio.create_task(load.run())
    for _ in range(kills):
        await killed(cluster, load, rng)
        assert not writing.done(), writing
    await asyncio.sleep(2.0)
    load.stopping.set()
    await writing
    return load


async def test_ten_leaders_killed_and_nothing_that_was_said_is_lost(cluster: Cluster) -> None:
    load = await over(cluster, KILLS)
    judged = await load.judged()
    print(
        f"{KILLS} kills: {judged}; refused {dict(load.refused)}, {len(load.doubtful)} not known; "
        f"longest gap {load.gap_s():.1f} s, slowest call {load.slowest_s:.1f} s, opened "
        f"{load.opened} times"
    )
    assert judged.acknowledged > 100 * KILLS
    assert judged.pairs > 1_000
    assert judged.lost == 0
    assert judged.unlinked == 0
    assert load.opened <= 1 + 2 * KILLS


async def test_a_leader_that_hangs_is_left_and_does_no_harm_when_it_wakes(cluster: Cluster) -> None:
    """Its connections stay open and say nothing; it wakes up in the belief that it leads."""
    load = Load(cluster.url, SEED)
    print(f"seed {SEED}", flush=True)
    writing = asyncio.create_task(load.run())
    await asyncio.sleep(5.0)
    leader = await asyncio.to_thread(cluster.leader)
    await asyncio.to_thread(cluster.freeze, leader, SIGSTOP)
    frozen_s = time.monotonic()

    def again() -> bool:
        if load.ended is not None:
            raise load.ended
        return any(at > frozen_s + 1.0 for at, _ in list(load.acknowledged.values())[-20:])

    await asyncio.to_thread(cluster.wait, again, WHOLE_S)
    gap_s = time.monotonic() - frozen_s
    print(f"{leader.name} hangs: writes again after {gap_s:.1f} s", flush=True)
    await asyncio.to_thread(cluster.freeze, leader, SIGCONT)
    whole_s = await asyncio.to_thread(cluster.wait, cluster.is_whole, WHOLE_S)
    await asyncio.sleep(3.0)
    load.stopping.set()
    await writing
    judged = await load.judged()
    print(
        f"{judged}; refused {dict(load.refused)}; slowest call {load.slowest_s:.1f} s, opened "
        f"{load.opened} times; whole {whole_s:.1f} s after it woke"
    )
    assert judged.acknowledged > 200
    assert (judged.lost, judged.unlinked) == (0, 0)


@pytest.mark.parametrize("cluster", [False], indirect=True, ids=["asynchronous"])
async def test_without_synchronous_standbys_the_loss_is_seen(cluster: Cluster) -> None:
    load = await over(cluster, 1)
    judged = await load.judged()
    print(f"control: {judged}")
    assert judged.lost > 0, "nothing was lost: the test proves nothing"
