"""A full disk, over HTTP, on a real one: refused with the reason before anything is lost."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bench._node import INTENTS, SERVE, Client, RegisterNode, intent, uuid4, volume
from tests.load.disk import Ballast, small_disk

SEED = 20_261_124
VARIANTS = Path(__file__).with_name("variants.py")
CLIENTS = 8
READY_S_MAX = 60.0
"""What is said of readiness may be a second old; a busy machine is given longer."""
pytestmark = pytest.mark.anyio


@dataclass(slots=True)
class Ledger:
    """What was acknowledged and what was refused, by id."""

    node: RegisterNode
    acknowledged: dict[str, str] = field(default_factory=dict)
    """OVN by intent."""
    refused: dict[str, str] = field(default_factory=dict)
    """The message by intent."""
    _places: Iterator[int] = field(default_factory=itertools.count)

    async def write(self, rng: Random, client: Client) -> bool:
        """Create one intent, apart from all others; report whether it was accepted."""
        row, column = divmod(next(self._places), 250)
        place = volume(
            -60 + 0.05 * row,
            -170 + 0.05 * column,
            radius_m=500,
            start=datetime.now(UTC) + timedelta(hours=1),
        )
        name = uuid4(rng.getrandbits(128))
        status, answer = await client.ask_json(
            "PUT", f"{INTENTS}/{name}", intent([place], implicit=True)
        )
        if status == 201:
            self.acknowledged[name] = answer["operational_intent_reference"]["ovn"]
            return True
        assert status == 503, answer
        self.refused[name] = answer["message"]
        return False

    async def write_many(self, count: int, *, until_refused: bool = False) -> int:
        """Write with all clients at once; return how many were accepted."""
        left, accepted = itertools.repeat(None, count), 0

        async def one(number: int) -> None:
            nonlocal accepted
            rng = Random(f"{SEED} {number} {len(self.acknowledged)} {len(self.refused)}")
            async with supplier(self.node) as client:
                for _ in left:
                    good = await self.write(rng, client)
                    accepted += good
                    if until_refused and not good:
                        return

        await asyncio.gather(*(one(number) for number in range(CLIENTS)))
        return accepted

    async def verify(self) -> list[str]:
        """Return what is lost, and what stands although it was refused."""
        wrong = []
        async with supplier(self.node) as client:
            for name, ovn in self.acknowledged.items():
                status, answer = await client.ask_json("GET", f"{INTENTS}/{name}")
                if status != 200 or answer["operational_intent_reference"]["ovn"] != ovn:
                    wrong.append(f"lost: {name} is {status}")
            for name in self.refused:
                status, _ = await client.ask_json("GET", f"{INTENTS}/{name}")
                if status != 404:
                    wrong.append(f"refused, and there: {name} is {status}")
        return wrong


@asynccontextmanager
async def supplier(node: RegisterNode) -> AsyncIterator[Client]:
    client = Client(node.peer_port, "uss1", node.token("uss1"))
    try:
        yield client
    finally:
        client.close()


@contextmanager
def node_on_small_disk(
    folder: Path, size_mb: int, variant: str | None = None
) -> Iterator[tuple[RegisterNode, Ballast]]:
    """Run a node whose data folder lies on a small disk."""
    serve = SERVE if variant is None else (str(VARIANTS), variant, "serve")
    try:
        with small_disk(folder / "disk", size_mb) as disk:
            node = RegisterNode.make(disk / "node", serve=serve)
            node.start()
            try:
                yield node, Ballast(disk)
            finally:
                node.kill()
    except PermissionError as error:
        pytest.skip(f"a small disk needs the right to mount: {error}")


async def own(node: RegisterNode, path: str) -> tuple[int, Any]:
    client = Client(node.own_port, "nobody", "none")
    try:
        return await client.ask_json("GET", path)
    finally:
        client.close()


async def readiness(node: RegisterNode, status: int) -> Any:
    """Wait until the node says that it is ready, or that it is not; return its words."""
    give_up_s = time.monotonic() + READY_S_MAX
    while (told := await own(node, "/readyz"))[0] != status:
        assert time.monotonic() < give_up_s, told
        await asyncio.sleep(0.1)
    return told[1]


async def test_a_full_disk_refuses_and_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """Method: a disk of 64 MB; full from one moment to the next, while eight clients write."""
    with node_on_small_disk(tmp_path, 64) as (node, ballast):
        ledger, process = Ledger(node), node.process
        assert process is not None
        assert await ledger.write_many(200) == 200
        for number in range(3):
            writing = asyncio.create_task(ledger.write_many(100_000, until_refused=True))
            await asyncio.sleep(0.2)
            ballast.fill()
            await writing
            assert await ledger.write_many(40) == 0, "room was found where there is none"
            sentences = set(ledger.refused.values())
            assert all("cannot be written" in one and "full" in one.lower() for one in sentences)
            assert "cannot be written" in str(await readiness(node, 503))
            assert (await own(node, "/healthz"))[0] == 200
            assert await ledger.verify() == [], "reads go on, and nothing is lost"
            ballast.empty()
            assert await ledger.write_many(40) == 40, "it goes on by itself"
            await readiness(node, 200)
            print(f"round {number}: {len(ledger.acknowledged)} kept, {len(ledger.refused)} refused")
        assert node.process is process, "without a restart"
        assert process.poll() is None
        assert await ledger.verify() == []
        node.kill()
        node.start()
        assert await ledger.verify() == [], "after a restart"


async def test_a_disk_that_is_full_at_the_checkpoint_loses_nothing(tmp_path: Path) -> None:
    """The log has its room already and is written over; the table's file is what cannot grow.

    SQLite keeps a checkpoint's failure to itself. What is in the log stays there, the log grows,
    and the first commit that finds no room is refused.
    """
    with node_on_small_disk(tmp_path, 64) as (node, ballast):
        ledger, log = Ledger(node), node.data / "tansiq.db-wal"
        table = node.data / "tansiq.db"
        size = table.stat().st_size
        while table.stat().st_size == size:  # Until the log has been taken over once.
            assert await ledger.write_many(200) == 200
        ballast.fill(leave=0)
        kept, log_size = len(ledger.acknowledged), log.stat().st_size
        await ledger.write_many(100_000, until_refused=True)
        count = len(ledger.acknowledged) - kept
        print(f"log of {log_size / 1e6:.1f} MB: {count} writes on a full disk, then refused")
        assert len(ledger.acknowledged) > kept, "the log had no room left: the test shows nothing"
        assert ledger.refused
        assert await ledger.verify() == []
        node.kill()  # With a log that could not be taken over, on a disk that is still full.
        ballast.empty()
        node.start()
        assert await ledger.verify() == []
        assert await ledger.write_many(40) == 40


async def test_a_node_that_overlooks_a_full_disk_is_caught(tmp_path: Path) -> None:
    with node_on_small_disk(tmp_path, 64, "unheeding") as (node, ballast):
        ledger = Ledger(node)
        await ledger.write_many(100)
        ballast.fill()
        await ledger.write_many(400)
        assert any("lost" in one for one in await ledger.verify())
