"""Registers by themselves over one PostgreSQL database: what is placed at one stands at all."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pool_world import INSTANCES, INTENTS, SUBSCRIPTIONS, Place, asked, bearer, here, make_instance
from pool_world import serving as serving_alone
from register_world import NOON, intent, subscription

import stores
from asgi import ask
from stores import open_store
from tansiq.domain.time import micros
from tansiq.errors import BadInput, StoreError, WrongState
from tansiq.f3548 import codec
from tansiq.instance import Instance
from tansiq.node import Node
from tansiq.services.register.housekeeping import CLEANING
from tansiq.services.turns import Turn
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
PATIENCE_S = 60.0


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with stores.using(stores.POSTGRESQL):
        yield stores.url_of(tmp_path / "pool" / "store.db")


@asynccontextmanager
async def opened(*places: Place) -> AsyncIterator[list[Instance]]:
    async with AsyncExitStack() as stack:
        found = []
        for place in places:
            instance = await Instance.open(place.settings)
            stack.push_async_callback(instance.stop)
            found.append(instance)
        yield found


@pytest.fixture
async def pair(url: str, tmp_path: Path, anyio_backend: str) -> AsyncIterator[list[Instance]]:
    places = (make_instance(tmp_path, name, url) for name in ("alpha", "beta"))
    async with opened(*places) as found:
        yield found


async def test_what_is_placed_at_one_is_met_and_told_of_at_the_other(pair: list[Instance]) -> None:
    alpha, beta = pair
    listening = codec.encode(subscription(here()))
    heard = await asked(beta.peer, "PUT", f"{SUBSCRIPTIONS}/{uuid4()}", "uss2", listening)
    assert heard.status == 200, heard.body

    first = f"{INTENTS}/{uuid4()}"
    put = await asked(alpha.peer, "PUT", first, "uss1", codec.encode(intent(here())))
    assert put.status == 201, put.body
    (told,) = put.json["subscribers"]
    assert [s["notification_index"] for s in told["subscriptions"]] == [1]
    ovn = put.json["operational_intent_reference"]["ovn"]

    assert (await asked(beta.peer, "GET", first, "uss1")).json["operational_intent_reference"][
        "ovn"
    ] == ovn
    second = f"{INTENTS}/{uuid4()}"
    blind = await asked(beta.peer, "PUT", second, "uss2", codec.encode(intent(here())))
    assert blind.status == 409
    (missing,) = blind.json["missing_operational_intents"]
    assert (missing["manager"], missing["id"]) == ("uss1", first.rpartition("/")[2])
    knowing = codec.encode(intent(here(), key=(ovn,)))
    assert (await asked(beta.peer, "PUT", second, "uss2", knowing)).status == 201

    not_theirs = await asked(beta.peer, "DELETE", f"{first}/{ovn}", "uss2")
    assert not_theirs.status == 403
    assert (await asked(beta.peer, "DELETE", f"{first}/{ovn}", "uss1")).status == 200
    assert (await asked(alpha.peer, "GET", first, "uss1")).status == 404


async def test_either_shows_both_with_their_heartbeats(pair: list[Instance]) -> None:
    alpha, beta = pair
    for each in pair:
        await each.pool.beat(each.clock.now(), timedelta(seconds=120))
    names = {await each.pool.dar_id() for each in pair}
    assert len(names) == 1, "one pool has one name"
    for each in pair:
        answer = await asked(each.peer, "GET", INSTANCES, "uss1")
        found = {one["id"]: one for one in answer.json["dss_instances"]}
        assert set(found) == {"alpha", "beta"}
        for instance in pair:
            shown = found[instance.settings.party]
            assert shown["public_endpoint"] == instance.pool.endpoint
            beat = shown["most_recent_heartbeat"]
            assert beat["source"] == "node"
            assert beat["next_heartbeat_expected_before"] > beat["timestamp"]
    await beta.pool.leave(beta.clock.now())
    answer = await asked(alpha.peer, "GET", INSTANCES, "uss1")
    beat = {one["id"]: one for one in answer.json["dss_instances"]}["beta"]["most_recent_heartbeat"]
    assert beat["next_heartbeat_expected_before"] == beat["timestamp"]


async def test_a_name_means_the_same_everywhere_in_a_pool(pair: list[Instance]) -> None:
    """Who signs for itself at one instance is given away by no issuer at another."""
    alpha, _ = pair
    assert (await asked(alpha.peer, "GET", INSTANCES, "beta")).status == 200
    await alpha.pool.beat(alpha.clock.now(), timedelta(seconds=120))
    for known_before in ("beta", "alpha"):
        answer = await asked(alpha.peer, "GET", INSTANCES, known_before)
        assert (answer.status, "signs with its own key" in answer.body.decode()) == (401, True)


async def test_an_instance_that_knows_a_name_by_another_key_is_refused(
    url: str, tmp_path: Path
) -> None:
    place = make_instance(tmp_path / "one", "alpha", url)
    other = make_instance(tmp_path / "other", "alpha", url)
    async with opened(place) as (alpha,):
        await alpha.pool.beat(alpha.clock.now(), timedelta(seconds=120))
        with pytest.raises(WrongState, match="knows alpha by another key"):
            await Instance.open(other.settings)
        async with opened(place):
            """The same folder twice is two processes of one instance."""
    async with opened(other):
        """Nobody lives there any more."""


async def test_plans_of_a_node_and_a_pool_are_not_mixed(url: str, tmp_path: Path) -> None:
    pool = make_instance(tmp_path, "alpha", url)
    async with opened(pool):
        with pytest.raises(StoreError, match="is a pool of registers by themselves"):
            await Node.open(pool.settings)
    with stores.using(stores.POSTGRESQL):
        apart = stores.url_of(tmp_path / "node" / "store.db")
    settings = replace(pool.settings, database=apart)
    node = await Node.open(settings)
    await node.stop()
    with pytest.raises(StoreError, match="holds the plans of a node"):
        await Instance.open(settings)


async def test_it_takes_a_database(url: str, tmp_path: Path) -> None:
    settings = make_instance(tmp_path, "alpha", url).settings
    with pytest.raises(BadInput, match="database: a register by itself is one of several over"):
        await Instance.open(replace(settings, database=None))


async def test_its_own_listener_has_health_and_says_what_is_not_there(pair: list[Instance]) -> None:
    alpha = pair[0]
    host = ("Host", f"127.0.0.1:{alpha.settings.own_port}")
    token = (alpha.settings.data / "own.token").read_text().strip()

    async def own(path: str, *, known: bool = False) -> tuple[int, str]:
        headers = [host, ("Authorization", f"Bearer {token}")] if known else [host]
        answer = await ask(alpha.own, path, headers=headers)
        return answer.status, answer.body.decode()

    assert await own("/healthz") == (200, '{"alive":true}')
    status, ready = await own("/readyz")
    assert (status, "takes writes" in ready) == (200, True)
    assert (await own("/metrics"))[0] == 401
    status, figures = await own("/metrics", known=True)
    assert (status, "tansiq_pool_instances 2.0" in figures) == (200, True)
    status, text = await own("/api/v1/plans", known=True)
    assert (status, "without a desk" in text) == (409, True)


# ---- whose turn it is


async def test_a_turn_is_one_process_s_until_it_ends(store_kind: str, tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db")
    clock = Stepped()
    first, second = (
        Turn(store, clock, name="work", process=name, life=timedelta(seconds=10))
        for name in ("first", "second")
    )
    assert await first.ours()
    assert not await second.ours()
    clock.time += timedelta(seconds=9)
    assert await first.ours(), "its holder prolongs it"
    clock.time += timedelta(seconds=10, microseconds=-1)
    assert not await second.ours()
    clock.time += timedelta(microseconds=1)
    assert await second.ours(), "it has ended"
    assert not await first.ours()
    await first.give_back()
    assert not await first.ours(), "it was not its to give"
    await second.give_back()
    assert await first.ours()
    await store.close()


class Stepped:
    """A wall clock that tests set."""

    time = NOON

    def now(self) -> datetime:
        return self.time

    def monotonic_s(self) -> float:
        raise NotImplementedError

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    async def limit(self, awaitable: object, seconds: float) -> None:
        raise NotImplementedError


async def test_the_time_of_several_processes_is_the_database_s(url: str) -> None:
    """However wrong a process's clock is; where tests give the time, it is theirs."""
    store = await PostgresStore.open(url, process="ours")

    async def both(tx: Tx) -> tuple[int, int]:
        if tx.shares:
            await tx.lock([5_000])
        row = await tx.fetch_one(
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
        )
        assert row is not None
        return tx.time_us(micros(NOON)), row[0]

    for beside in (False, True):
        told, asked_us = await store.write(both, beside=beside)
        assert abs(told - asked_us) < 60 * 10**6
        assert abs(told - micros(NOON)) > 60 * 10**6
    await store.close()
    untimed = PostgresStore(url)
    assert (await untimed.write(both))[0] == micros(NOON)
    await untimed.close()


# ---- processes


async def holder(url: str) -> str | None:
    store = PostgresStore(url)
    sql = "SELECT holder FROM lease WHERE name = :name"
    row = await store.read(lambda tx: tx.fetch_one(sql, {"name": CLEANING}))
    await store.close()
    return None if row is None else str(row[0])


async def test_a_process_that_is_killed_takes_nothing_with_it(url: str, tmp_path: Path) -> None:
    """What it acknowledged stands at the other, which cleans up from then on."""
    often = "[timers]\nclean_s = 0.5\nheartbeat_s = 0.5\n"
    alpha, beta = (make_instance(tmp_path, name, url, often) for name in ("alpha", "beta"))
    with serving_alone(alpha) as first:
        mine = await until_holder(url, {None})
        with serving_alone(beta), httpx.Client(trust_env=False, timeout=60) as client:
            assert await holder(url) == mine, "it was taken while its holder lived"
            path = f"{INTENTS}/{uuid4()}"
            headers = dict([bearer("uss1")])
            body = codec.encode(intent(here()))
            put = client.put(f"{alpha.peer_url}{path}", content=body, headers=headers)
            assert put.status_code == 201, put.text
            first.kill()
            first.wait()
            got = client.get(f"{beta.peer_url}{path}", headers=headers)
            assert got.status_code == 200, got.text
            assert await until_holder(url, {None, mine}) != mine


async def until_holder(url: str, others: set[str | None]) -> str | None:
    give_up_s = time.monotonic() + PATIENCE_S
    while (found := await holder(url)) in others:
        assert time.monotonic() < give_up_s, f"still {found}"
        await asyncio.sleep(0.1)
    return found
