"""A request that is answered "timed out" has changed nothing, however slow the disk is.

Writers put intents over the register's routes while every sync of the disk takes longer than a
request may. Afterwards each answer is held against the store: 201 stands, 503 does not.
"""

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pytest
from register_world import ALL_SCOPES, NOON, World, intent, uuid, volume
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message

from asgi import ask
from issuing import TurnedClock, soon
from storage.faulty_disk import FaultyDisk, faulty_disk
from stores import AnyStore, open_store
from tansiq.clock import SystemClock
from tansiq.f3548 import codec
from tansiq.http.deadline import Deadline
from tansiq.http.dss import routes
from tansiq.http.problems import Boundary, f3548_error
from tansiq.services.register import Caller
from tansiq.settings import Limits
from tansiq.storage import sqlite
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Recall, Tx

pytestmark = pytest.mark.anyio
INTENTS = "/dss/v1/operational_intent_references"
SEED = 20_261_124
LIMIT_S = 0.1
SYNC_S = 0.25
WRITERS, ROUNDS = 24, 4


class NoonClock(SystemClock):
    """Noon by the wall; intervals as they are."""

    def now(self) -> datetime:
        return NOON


def authenticate(request: Request, scopes: Sequence[str]) -> Caller:
    return Caller(id="north", scopes=ALL_SCOPES, area_km2_max=2_500.0)


@pytest.fixture
def disk() -> Iterator[FaultyDisk]:
    with faulty_disk("slow") as found:
        yield found


def application(routes: Sequence[Route], deadline: Deadline) -> Starlette:
    return Starlette(
        routes=routes,
        middleware=[Middleware(Boundary, render=f3548_error), Middleware(deadline.around)],
    )


async def stored(store: AnyStore) -> set[str]:
    async def read(tx: Tx) -> set[str]:
        return {row[0] for row in await tx.fetch("SELECT id FROM intent")}

    return await store.read(read)


async def written_on_a_slow_disk(path: Path, disk: FaultyDisk) -> tuple[dict[str, int], set[str]]:
    """Return the status that each intent's writer was told, and what stands in the end."""
    store = SqliteStore.open(path / "store.db", vfs=disk.vfs_name)
    world, rng, told = World(store), random.Random(SEED), dict[str, int]()
    deadline = Deadline(SystemClock(), LIMIT_S)
    app = application(routes(world.register, NoonClock(), authenticate, Limits()), deadline)
    places = [(rng.uniform(-60, 60), rng.uniform(-170, 170)) for _ in range(WRITERS * ROUNDS)]

    async def writer() -> None:
        for _ in range(ROUNDS):
            lat, lng = places.pop()
            name = uuid(rng)
            body = codec.encode(intent(volume(lat=lat, lng=lng)))
            answer = await ask(app, f"{INTENTS}/{name}", method="PUT", body=body)
            told[name] = answer.status
            if answer.status == 503:
                assert answer.headers["retry-after"]
                assert "nothing of it was kept" in answer.json["message"]
            await asyncio.sleep(rng.uniform(0, 0.05))

    disk.sync_s = SYNC_S
    await asyncio.gather(*(writer() for _ in range(WRITERS)))
    disk.sync_s = 0.0
    await store.probe()  # Everything that was queued before is done.
    there = await stored(store)
    await deadline.stop()
    await store.close()
    return told, there


async def test_what_timed_out_was_not_written_and_what_was_answered_was(
    tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BATCH_MAX", 4)  # So that most have to wait for their turn.
    told, there = await written_on_a_slow_disk(tmp_path, disk)
    kept = {name for name, status in told.items() if status == 201}
    late = {name for name, status in told.items() if status == 503}
    print(f"seed {SEED}: {len(kept)} kept, {len(late)} timed out, {len(there)} stand")
    assert kept | late == set(told)
    assert len(kept) >= 4, "hardly anything was written: the test shows little"
    assert len(late) >= 8, "hardly anything timed out: the test shows little"
    assert kept == there


async def test_it_catches_a_timeout_that_takes_nothing_back(
    tmp_path: Path, disk: FaultyDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BATCH_MAX", 4)
    monkeypatch.setattr(Recall, "withdraw", lambda _: True)
    told, there = await written_on_a_slow_disk(tmp_path, disk)
    assert {name for name, status in told.items() if status == 503} & there


async def test_a_write_that_has_begun_is_answered_however_long_it_takes(
    tmp_path: Path, disk: FaultyDisk
) -> None:
    store = SqliteStore.open(tmp_path / "store.db", vfs=disk.vfs_name)
    world, clock = World(store), TurnedClock()
    deadline = Deadline(clock, LIMIT_S)
    app = application(routes(world.register, NoonClock(), authenticate, Limits()), deadline)
    disk.sync_s, before = 4 * LIMIT_S, disk.syncs
    name, body = world.id(), codec.encode(intent())
    asking = asyncio.create_task(ask(app, f"{INTENTS}/{name}", method="PUT", body=body))
    await soon(lambda: disk.syncs > before)
    clock.turn(10 * LIMIT_S)
    answer = await asking
    assert answer.status == 201
    assert await stored(store) == {name}
    await deadline.stop()
    await store.close()


async def test_a_client_that_hangs_up_leaves_all_or_nothing(
    store_kind: str, tmp_path: Path
) -> None:
    """Before the body is there: nothing. Once it is there: the whole write, answered or not."""
    store = open_store(tmp_path / "store.db")
    world = World(store)
    deadline = Deadline(SystemClock(), 30.0)
    app = application(routes(world.register, NoonClock(), authenticate, Limits()), deadline)
    body = codec.encode(intent())
    for sent, stands in ((body[:-10], False), (body, True)):
        name = world.id()
        incoming: list[Message] = [
            {"type": "http.request", "body": sent, "more_body": sent != body},
            {"type": "http.disconnect"},
        ]

        async def receive(incoming: list[Message] = incoming) -> Message:
            return incoming.pop(0)

        async def send(_: Message) -> None:
            return  # Nobody listens.

        scope = {
            "type": "http",
            "method": "PUT",
            "path": f"{INTENTS}/{name}",
            "query_string": b"",
            "headers": [],
        }
        await app(scope, receive, send)
        assert (name in await stored(store)) is stands
    await deadline.stop()
    await store.close()


# The deadline by itself


async def test_a_request_that_writes_nothing_is_ended_in_time_and_others_go_on() -> None:
    asked = asyncio.Event()

    async def slow(_: Request) -> Response:
        asked.set()
        await asyncio.sleep(30)
        return PlainTextResponse("too late")

    async def quick(_: Request) -> Response:
        return PlainTextResponse("here")

    deadline = Deadline(SystemClock(), LIMIT_S)
    app = application([Route("/slow", slow), Route("/quick", quick)], deadline)
    waiting = asyncio.create_task(ask(app, "/slow"))
    await asked.wait()
    for _ in range(50):
        assert (await ask(app, "/quick")).status == 200
    answer = await waiting
    assert answer.status == 503
    assert set(json.loads(answer.body)) == {"message"}
    assert not deadline._open, "nobody is watched for ever"
    await deadline.stop()


async def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    asked = asyncio.Event()

    async def slow(_: Request) -> Response:
        asked.set()
        await asyncio.sleep(30)
        return PlainTextResponse("too late")

    deadline = Deadline(SystemClock(), 30.0)
    waiting = asyncio.create_task(ask(application([Route("/slow", slow)], deadline), "/slow"))
    await asked.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await deadline.stop()


async def test_what_other_tasks_write_is_not_taken_back(store_kind: str, tmp_path: Path) -> None:
    """A request may set others to work; their writes are theirs."""
    store = open_store(tmp_path / "store.db")

    async def touch(tx: Tx) -> int:
        return await tx.execute("UPDATE store_probe SET n = n + 1")

    begun = list[asyncio.Task[int]]()

    async def starts_work(_: Request) -> Response:
        begun.append(asyncio.create_task(store.write(touch)))
        await asyncio.sleep(30)
        return PlainTextResponse("too late")

    deadline = Deadline(SystemClock(), LIMIT_S)
    answer = await ask(application([Route("/work", starts_work)], deadline), "/work")
    assert answer.status == 503
    assert await begun[0] == 1
    await deadline.stop()
    await store.close()
