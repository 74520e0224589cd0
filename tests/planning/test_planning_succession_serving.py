"""One node after the other within a process, and which registers of a pool are read."""

import asyncio
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from amending import THREE
from sky import flying, free_ports, make_sky

from tansiq import serving
from tansiq.clock import Clock, SystemClock
from tansiq.domain.agreement import Register
from tansiq.node import Node
from tansiq.settings import Settings

pytestmark = pytest.mark.anyio


async def test_a_pool_is_read_only_once_all_have_gone_over(tmp_path: Path) -> None:
    """v1 pool, v2 pool and north, v3 north alone; south stays at v1 and plans in the pool alone."""
    async with flying(make_sky(tmp_path, parties=THREE)) as sky:
        up = sky["north"].up.succession
        digest = sky["north"].up.agreement.digest
        said = {"south": "0" * 64, "east": digest}

        class Peers:
            async def digest(self, party: str) -> str:
                return said[party]

        pool = Register(id="pool", party=None, url="https://pool.example", foreign=True)
        up._peers = Peers()
        up._places = (up._places[0], replace(up._places[1], register=pool))
        await up._ask()
        assert "pool" not in up._over
        said["south"] = digest
        await up._ask()
        assert "pool" in up._over


async def test_a_signal_between_two_nodes_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = replace(make_sky(tmp_path)["north"].settings, own_port=free_ports(1)[0])
    seen: list[Node] = []
    real = serving.Node.open

    async def slow(settings: Settings, clock: Clock | None = None, *, cleared: str = "") -> Node:
        if seen:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.1)
        return await real(settings, cleared=cleared)

    async def once(node: Node) -> str:
        return node.agreement.digest

    monkeypatch.setattr(serving.Node, "open", slow)
    monkeypatch.setattr(serving, "look", once)
    await asyncio.wait_for(serving.serve(settings, ready=lambda node, _: seen.append(node)), 60)
    assert len(seen) == 1


async def test_after_a_restart_in_vain_a_node_is_left_alone_for_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one that cannot go over for a reason that only its start finds would never serve."""
    settings = replace(make_sky(tmp_path)["north"].settings, own_port=free_ports(1)[0])
    slept: list[float] = []

    class Quick(SystemClock):
        async def sleep(self, seconds: float) -> None:
            if seconds > 0.01:  # The other is the wait for the listeners.
                slept.append(seconds)
            await super().sleep(min(seconds, 0.01))

    def versions(node: Node) -> Iterator[str | None]:
        yield "0" * 64  # It begins anew, and is where it was;
        yield "0" * 64  # once more;
        yield node.agreement.digest  # the next is under the version that it was to go over to;
        yield None  # and that one goes on looking.
        os.kill(os.getpid(), signal.SIGTERM)
        yield None

    found: list[Iterator[str | None]] = []

    async def look(node: Node) -> str | None:
        if not found:
            found.append(versions(node))
        return next(found[0])

    monkeypatch.setattr(serving, "SystemClock", Quick)
    monkeypatch.setattr(serving, "look", look)
    await asyncio.wait_for(serving.serve(settings, ready=lambda *_: None), 60)
    # The order of the values is what counts: told to end, a node may look once more before it does.
    assert slept[:5] == [2.0, 60.0, 60.0, 2.0, 2.0]
    assert set(slept[5:]) <= {2.0}
