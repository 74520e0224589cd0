"""25,000 intents in one place: all of them or a clear refusal, never a part; others are served.

Figures are printed, not judged: the longest time for which the event loop did nothing else.
"""

import asyncio
import gc
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import pytest
from register_world import ALL_SCOPES, NOON, NORTH, URL, World, intent, volume, wish
from starlette.applications import Starlette
from starlette.requests import Request

from asgi import Answer, ask
from stores import open_store
from tansiq.clock import SystemClock
from tansiq.f3548 import codec, wire
from tansiq.http.dss import routes
from tansiq.services.register import Caller
from tansiq.services.register.values import intent_reference
from tansiq.settings import Limits
from tansiq.storage.cells import Cover
from tansiq.storage.intents import IntentRow, Intents
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
INTENTS = "/dss/v1/operational_intent_references"
SUBSCRIPTIONS = "/dss/v1/subscriptions"
COUNT = 25_000


def authenticate(request: Request, scopes: Sequence[str]) -> Caller:
    name = request.headers.get("authorization", "")
    return Caller(id=name, scopes=ALL_SCOPES, area_km2_max=2_500.0)


class NoonClock(SystemClock):
    """Noon by the wall."""

    def now(self) -> datetime:
        return NOON


@dataclass
class Crowd:
    """A register with one crowded place; the intents stand there in the name of ``north``."""

    world: World
    app: Starlette
    rows: list[IntentRow]

    async def ask(self, method: str, path: str, body: object = None, who: str = "south") -> Answer:
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        return await ask(self.app, path, method=method, headers=[("Authorization", who)], body=raw)

    @property
    def key(self) -> list[str]:
        return [row.ovn for row in self.rows]


async def fill(world: World, where: Cover) -> list[IntentRow]:
    rows = [
        IntentRow(
            id=world.id(),
            manager="north",
            state="Accepted",
            version=1,
            ovn=world._ovn(),
            uss_base_url=URL,
            subscription_id=None,
            time_start=where.time_start,
            time_end=where.time_end,
            cover=where,
        )
        for _ in range(COUNT)
    ]

    async def write(tx: Tx) -> None:
        for row in rows:
            await Intents(tx).put(row, old=None)

    await world.store.write(write)
    return rows


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def crowd(
    anyio_backend: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Crowd]:
    world = World(open_store(tmp_path_factory.mktemp("crowd") / "store.db"))
    rows = await fill(world, world.register.read_search(NORTH, volume()))
    app = Starlette(routes=routes(world.register, NoonClock(), authenticate, Limits()))
    gc.collect()
    gc.freeze()  # As a node does; else the test's own rows are looked through again and again.
    yield Crowd(world, app, rows)
    gc.unfreeze()
    await world.store.close()


@asynccontextmanager
async def others_served(crowd: Crowd, what: str) -> AsyncIterator[list[int]]:
    """Let somebody else write and read meanwhile, far away; say how long the loop stood still."""
    served, longest_s, stop = [0], [0.0], asyncio.Event()

    async def tick() -> None:
        last = time.perf_counter()
        while not stop.is_set():
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest_s[0] = max(longest_s[0], now - last)
            last = now

    async def other() -> None:
        while not stop.is_set():
            name = crowd.world.id()
            made = await crowd.ask("PUT", f"{INTENTS}/{name}", codec.encode(intent(volume(lat=60))))
            assert made.status == 201
            ovn = made.json["operational_intent_reference"]["ovn"]
            assert (await crowd.ask("DELETE", f"{INTENTS}/{name}/{ovn}")).status == 200
            served[0] += 1

    tasks = [asyncio.create_task(work()) for work in (tick, other)]
    await asyncio.sleep(0.05)
    longest_s[0], served[0] = 0.0, 0
    yield served
    found, stalled = served[0], longest_s[0]
    stop.set()
    await asyncio.gather(*tasks)
    print(
        f"{what}: {found} others served meanwhile, the loop busy for {stalled * 1e3:.1f} ms at most"
    )
    served[0] = found


def ids(references: list[Any]) -> set[str]:
    return {reference["id"] for reference in references}


async def test_a_search_answers_all_of_them_while_others_are_served(crowd: Crowd) -> None:
    query = codec.encode(wire.QueryParameters(area_of_interest=volume()))
    async with others_served(crowd, "search") as served:
        answer = await crowd.ask("POST", f"{INTENTS}/query", query)
    assert answer.status == 200
    found = answer.json["operational_intent_references"]
    assert len(found) == COUNT
    assert ids(found) == {row.id for row in crowd.rows}
    assert served[0] > 0


async def test_a_write_without_a_key_is_told_all_of_them(crowd: Crowd) -> None:
    name = crowd.world.id()
    async with others_served(crowd, "refusal") as served:
        answer = await crowd.ask("PUT", f"{INTENTS}/{name}", codec.encode(intent()))
    assert answer.status == 409
    assert ids(answer.json["missing_operational_intents"]) == {row.id for row in crowd.rows}
    assert served[0] > 0


async def test_a_key_of_all_but_one_is_told_that_one(crowd: Crowd) -> None:
    name, (left_out, *known) = crowd.world.id(), crowd.rows
    body = intent(key=tuple(row.ovn for row in known), new_subscription=wish())
    answer = await crowd.ask("PUT", f"{INTENTS}/{name}", codec.encode(body))
    assert answer.status == 409
    assert ids(answer.json["missing_operational_intents"]) == {left_out.id}


async def test_a_key_of_all_of_them_is_good(crowd: Crowd) -> None:
    name = crowd.world.id()
    body = codec.encode(intent(key=tuple(crowd.key), new_subscription=wish()))
    async with others_served(crowd, "key"):
        made = await crowd.ask("PUT", f"{INTENTS}/{name}", body)
    assert made.status == 201
    ovn = made.json["operational_intent_reference"]["ovn"]
    assert (await crowd.ask("DELETE", f"{INTENTS}/{name}/{ovn}")).status == 200


async def test_a_new_subscription_is_told_all_of_them(crowd: Crowd) -> None:
    name = crowd.world.id()
    body = wire.PutSubscriptionParameters(
        extents=volume(), uss_base_url=URL, notify_for_operational_intents=True
    )
    async with others_served(crowd, "subscription") as served:
        made = await crowd.ask("PUT", f"{SUBSCRIPTIONS}/{name}", codec.encode(body))
    assert made.status == 200
    assert ids(made.json["operational_intent_references"]) == {row.id for row in crowd.rows}
    assert served[0] > 0
    version = made.json["subscription"]["version"]
    assert (await crowd.ask("DELETE", f"{SUBSCRIPTIONS}/{name}/{version}")).status == 200


async def test_a_key_above_the_limit_is_refused_in_full(crowd: Crowd) -> None:
    body = codec.encode(intent(key=("0" * 32,) * (Limits().key_max + 1)))
    answer = await crowd.ask("PUT", f"{INTENTS}/{crowd.world.id()}", body)
    assert answer.status == 400
    assert answer.json["message"].startswith("key: 50001 OVNs; at most 50000")


# Written piece by piece


@pytest.mark.parametrize("count", [0, 1, 249, 250, 251, 499, 500, 501, 1_000])
def test_a_list_in_pieces_is_the_same_list(count: int) -> None:
    row = IntentRow(
        id="x", manager='a"b', state="Accepted", version=1, ovn="o" * 16, uss_base_url=URL,
        subscription_id=None, time_start=0, time_end=1, cover=Cover(13, ()),
    )  # fmt: skip
    references = tuple(
        msgspec.structs.replace(intent_reference(row, "a"), version=i) for i in range(count)
    )
    messages: list[msgspec.Struct] = [
        wire.QueryOperationalIntentReferenceResponse(operational_intent_references=references),
        wire.AirspaceConflictResponse(message="é", missing_operational_intents=references),
        wire.AirspaceConflictResponse(message="m", missing_operational_intents=references[:1]),
    ]
    for message in messages:
        assert codec.encode_long(message) == codec.encode(message)
    assert codec.is_long(messages[0]) is (count > codec.PIECE)
