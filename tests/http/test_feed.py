"""The event feed: nothing lost, nothing twice, in order, bounded, honest where it cannot go on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from starlette.types import Message
from tests.http.own_world import NOON, PORT, TOKEN, World, plan_bytes, world

from tansiq.services.events import Events
from tansiq.settings import Limits, Timers
from tansiq.storage.events import PRUNE_AT_ONCE
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio

QUIET = Timers(feed_heartbeat_s=60.0, feed_stall_s=60.0)
PATIENCE_S = 60.0


@dataclass
class Reader:
    """One connection to the feed, as a server would hold it."""

    status: int = 0
    text: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    takes: asyncio.Event = field(default_factory=asyncio.Event)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        await self.takes.wait()
        self.text += message["body"].decode()
        self.changed.set()

    @property
    def blocks(self) -> list[dict[str, str]]:
        """Each event as its fields; comments left out."""
        whole = self.text.rpartition("\n\n")[0].split("\n\n")
        lines = [[x for x in block.split("\n") if x and x[0] != ":"] for block in whole]
        return [dict(line.partition(": ")[::2] for line in block) for block in lines if block]

    @property
    def seqs(self) -> list[int]:
        """Numbers of the events proper."""
        return [int(b["id"]) for b in self.blocks if b["event"] not in ("start", "cut-off")]

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()

    async def finished(self) -> dict[str, str]:
        """Wait for the end and return the last event."""
        async with asyncio.timeout(PATIENCE_S):
            await self.done.wait()
        return self.blocks[-1] if self.blocks else {}


@asynccontextmanager
async def reading(
    node: World, query: str = "", *, last: int | None = None, takes: bool = True
) -> AsyncIterator[Reader]:
    """Hold a connection to the feed for as long as the block lasts."""
    reader = Reader()
    if takes:
        reader.takes.set()
    headers = {"host": f"127.0.0.1:{PORT}", "authorization": f"Bearer {TOKEN}"}
    if last is not None:
        headers["last-event-id"] = str(last)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/events",
        "query_string": query.encode(),
        "headers": [(k.encode(), v.encode()) for k, v in headers.items()],
    }

    async def serve() -> None:
        await node.app(scope, reader.receive, reader.send)
        reader.done.set()

    task = asyncio.create_task(serve())
    try:
        yield reader
    finally:
        reader.gone.set()
        await task


async def told(node: World, count: int = 1, body: bytes = b"{}") -> None:
    """Append so many events, each in a transaction of its own."""
    for _ in range(count):
        await node.events.store.write(
            lambda tx: node.events.append(tx, "plan", "id", body, node.clock.now())
        )


@pytest.mark.parametrize("seed", range(5))
async def test_a_reader_that_reconnects_misses_nothing_and_sees_nothing_twice(
    tmp_path: Path, seed: int
) -> None:
    """Method: 200 events appear while a reader drops its connection after a few of them."""
    random = Random(seed)
    async with world(tmp_path / "node.db", timers=QUIET) as node:

        async def write() -> None:
            for _ in range(200):
                await told(node)
                await asyncio.sleep(random.choice([0, 0, 0.002]))

        writing = asyncio.create_task(write())
        seen: list[int] = []
        connections = 0
        while len(seen) < 200:
            wanted = min(random.randint(1, 40), 200 - len(seen))
            async with reading(node, "after=0", last=seen[-1] if seen else None) as reader:
                await reader.until(lambda r, wanted=wanted: len(r.seqs) >= wanted)
            # What came after the reader had enough was not processed by it.
            seen += reader.seqs[:wanted]
            connections += 1
        await writing
        print(f"seed {seed}: 200 events over {connections} connections")
        assert seen == list(range(1, 201))
        assert connections > 1


async def test_a_waiting_reader_wakes_at_the_commit_not_at_the_heartbeat(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", timers=QUIET) as node, reading(node) as reader:
        await reader.until(lambda r: r.blocks)
        reply = await node.client.post("/api/v1/plans", content=plan_bytes(callsign="OSPREY"))
        await reader.until(lambda r: r.seqs == [1])
        event = msgspec.json.decode(reader.blocks[1]["data"])
        assert reader.blocks[1]["event"] == "plan"
        assert (event["seq"], event["time"]) == (1, "2026-11-23T12:00:00Z")
        assert event["body"] == reply.json()


async def test_what_another_process_wrote_is_seen_at_the_heartbeat(tmp_path: Path) -> None:
    """Past the waking store nobody is woken; nothing is lost all the same."""
    timers = Timers(feed_heartbeat_s=0.05, feed_stall_s=60.0)
    async with world(tmp_path / "node.db", timers=timers) as node, reading(node) as reader:
        await reader.until(lambda r: r.blocks)
        await node.store.write(lambda tx: node.events.append(tx, "plan", "x", b"{}", NOON))
        await reader.until(lambda r: r.seqs == [1])


class CommitsAfterRead:
    """A store in which another writer commits just after the first snapshot was read."""

    def __init__(self, node: World) -> None:
        self._node = node
        self._reads = 0

    async def read(self, fn: Any) -> Any:
        found = await self._node.store.read(fn)
        self._reads += 1
        if self._reads == 1:
            await self.meanwhile.store.write(
                lambda tx: self.meanwhile.append(tx, "plan", "x", b"{}", NOON)
            )
        return found

    async def write(self, fn: Any, *, beside: bool = False, at: object = ()) -> Any:
        return await self._node.store.write(fn)

    async def close(self) -> None:
        """Leave the node's store open."""

    meanwhile: Events


async def test_a_commit_between_looking_and_waiting_is_not_missed(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db") as node:
        store = CommitsAfterRead(node)
        events = store.meanwhile = Events(store, node.clock, Limits())
        async with asyncio.timeout(PATIENCE_S):
            assert [event.seq for event in await events.follow(0, 10, wait_s=60.0)] == [1]


async def test_an_idle_feed_shows_that_it_lives(tmp_path: Path) -> None:
    timers = Timers(feed_heartbeat_s=0.02, feed_stall_s=60.0)
    async with world(tmp_path / "node.db", timers=timers) as node, reading(node) as reader:
        await reader.until(lambda r: r.text.count(": alive\n\n") >= 2)
        assert reader.seqs == []


async def test_who_asks_for_it_hears_each_second_that_an_idle_feed_lives(tmp_path: Path) -> None:
    """And who does not ask hears nothing as soon: the heartbeat as set is a minute here."""
    timers = Timers(feed_heartbeat_s=60.0, feed_stall_s=60.0)
    async with (
        world(tmp_path / "node.db", timers=timers) as node,
        reading(node, "alive_s=1") as eager,
        reading(node) as other,
    ):
        await eager.until(lambda r: r.text.count(": alive\n\n") >= 2)
        assert ": alive" not in other.text


@pytest.mark.parametrize(("seconds", "status"), [(0, 400), (1, 200), (60, 200), (61, 400)])
async def test_how_often_a_feed_says_so_has_bounds(
    tmp_path: Path, seconds: int, status: int
) -> None:
    async with (
        world(tmp_path / "node.db", timers=QUIET) as node,
        reading(node, f"alive_s={seconds}&follow=false") as reader,
    ):
        async with asyncio.timeout(PATIENCE_S):
            await reader.done.wait()
        assert reader.status == status


async def test_a_feed_begins_now_unless_told_otherwise(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", timers=QUIET) as node:
        await told(node, 3)
        async with reading(node) as reader:
            await reader.until(lambda r: r.blocks)
            # The start carries the number, so that a reader cut off before its first event resumes.
            assert reader.blocks[0] | {"retry": ""} == {
                "retry": "",
                "id": "3",
                "event": "start",
                "data": '{"seq":3}',
            }
            await told(node)
            await reader.until(lambda r: r.seqs == [4])
        async with reading(node, "after=0&follow=false") as reader:
            await reader.finished()
            assert reader.seqs == [1, 2, 3, 4]
        async with reading(node, "after=0&follow=false", last=2) as reader:
            await reader.finished()
            assert reader.seqs == [3, 4]


async def test_a_rolled_back_write_leaves_no_gap(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", timers=QUIET) as node:

        async def fails(tx: Tx) -> None:
            await node.events.append(tx, "plan", "id", b"{}", NOON)
            raise KeyError("after the append")

        await told(node)
        with pytest.raises(KeyError):
            await node.events.store.write(fails)
        await told(node)
        assert [event.seq for event in await node.events.after(0, 10)] == [1, 2]


async def test_readers_are_counted_and_let_go(tmp_path: Path) -> None:
    limits = Limits(feed_clients_max=2)
    async with world(tmp_path / "node.db", limits=limits, timers=QUIET) as node:
        async with reading(node) as first, reading(node) as second:
            await first.until(lambda r: r.blocks)
            await second.until(lambda r: r.blocks)
            reply = await node.client.get("/api/v1/events?follow=false")
            assert (reply.status_code, reply.json()["code"]) == (503, "busy")
            assert reply.headers["Retry-After"]
        assert node.api.feed.readers == 0
        assert (await node.client.get("/api/v1/events?follow=false")).status_code == 200


async def test_a_reader_that_takes_nothing_is_cut_off_and_may_resume(tmp_path: Path) -> None:
    timers = Timers(feed_heartbeat_s=60.0, feed_stall_s=0.05)
    async with world(tmp_path / "node.db", timers=timers) as node:
        await told(node, 5)
        async with reading(node, "after=0", takes=False) as slow:
            await slow.finished()
            assert slow.text == ""
        assert node.api.feed.readers == 0
        async with reading(node, "after=0&follow=false") as reader:
            await reader.finished()
            assert reader.seqs == [1, 2, 3, 4, 5]


async def test_a_reader_is_told_what_it_can_no_longer_have(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", timers=QUIET) as node:
        await told(node, 10)
        await node.store.write(lambda tx: tx.execute("DELETE FROM event WHERE seq <= 4"))
        for after, code in [(4, None), (3, "gone"), (10, None), (11, "ahead")]:
            async with reading(node, f"after={after}&follow=false") as reader:
                last = await reader.finished()
                if code is None:
                    assert reader.seqs == list(range(after + 1, 11))
                    continue
                cut = msgspec.json.decode(last["data"])
                assert (last["event"], cut["code"], last["id"]) == ("cut-off", code, "10")
                assert (cut["first"], cut["last"]) == (5, 10)
        async with reading(node, "after=0&follow=false") as reader:
            await reader.finished()
            assert reader.seqs == [5, 6, 7, 8, 9, 10]
        async with reading(node, "after=0&follow=false", last=0) as reader:
            assert (await reader.finished())["event"] == "cut-off"


async def test_a_reader_overtaken_while_connected_is_told(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", timers=QUIET) as node:
        await told(node, 40)
        async with reading(node, "after=0", takes=False) as slow:
            await asyncio.sleep(0.05)
            await node.store.write(lambda tx: tx.execute("DELETE FROM event WHERE seq <= 30"))
            slow.takes.set()
            last = await slow.finished()
            assert msgspec.json.decode(last["data"])["code"] == "gone"
            assert slow.seqs == list(range(1, len(slow.seqs) + 1))


async def test_a_stopping_node_lets_its_readers_go(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", timers=QUIET) as node, reading(node) as reader:
        await reader.until(lambda r: r.blocks)
        await told(node)
        await reader.until(lambda r: r.seqs == [1])
        node.events.stop()
        last = await reader.finished()
        assert (last["event"], last["id"]) == ("cut-off", "1")
        assert msgspec.json.decode(last["data"])["code"] == "stopping"


async def test_events_are_kept_by_count(tmp_path: Path) -> None:
    limits = Limits(events_max=100)
    async with world(tmp_path / "node.db", limits=limits) as node:
        await told(node, 127)
        assert await node.events.bounds() == (1, 127)
        await told(node)
        assert await node.events.bounds() == (29, 128)


async def test_events_are_kept_by_age_to_the_microsecond(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", limits=Limits(events_keep=timedelta(days=7))) as node:
        await told(node, 3)
        node.clock.later = timedelta(microseconds=1)
        await told(node, 60)
        node.clock.later = timedelta(days=7)
        await told(node)
        assert await node.events.bounds() == (1, 64)
        node.clock.later = timedelta(days=7, microseconds=1)
        await told(node, 64)
        assert await node.events.bounds() == (4, 128)
        assert (await node.events.after(3, 1))[0].seq == 4


async def test_pruning_is_done_in_steps_and_keeps_numbers_rising(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db") as node:
        await node.store.write(
            lambda tx: tx.execute_many(
                "INSERT INTO event (seq, time, kind, id, body) VALUES (:seq, 0, 'plan', 'x', '')",
                [{"seq": seq} for seq in range(1, 2_496 + 1)],
            )
        )
        await node.store.write(lambda tx: tx.execute("UPDATE event_counter SET last = 2496"))
        await told(node, 64)
        assert await node.events.bounds() == (1 + PRUNE_AT_ONCE, 2_560)
        await told(node, 128)
        assert (await node.events.bounds())[0] == 2_497


async def test_a_subject_too_large_is_named_and_not_repeated(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", limits=Limits(event_bytes_max=10)) as node:
        for body in (b'"12345678"', b'"123456789"', b"[1,\r\n\n2]"):
            await told(node, body=body)
        bodies = [bytes(event.body) for event in await node.events.after(0, 10)]
        assert bodies == [b'"12345678"', b"null", b"[1,2]"]
