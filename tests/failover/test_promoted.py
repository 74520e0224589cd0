"""A primary that is killed under writes, its standby promoted: what a store over both does.

The small form of ``test_failover.py``: no Patroni, so no wait until somebody has noticed.
"""

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest
from click.testing import CliRunner
from pair import Primary, Standby

from load import Load
from tansiq.cli.main import cli
from tansiq.errors import StoreError
from tansiq.storage import postgres_link
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.postgres_hosts import hosts_of

pytestmark = pytest.mark.anyio
SEED = 20_261_130
MAPPED = {"dynamic_shared_memory_type": "mmap"}
"""So that nothing is left behind when it vanishes."""
SYNC = {"synchronous_standby_names": "*"}


@dataclass
class Two:
    """Both servers, and the URL that names them."""

    first: Primary
    second: Standby

    @property
    def url(self) -> str:
        hosts = f"127.0.0.1:{self.first.port},127.0.0.1:{self.second.port}"
        return f"postgresql://postgres@{hosts}/postgres"


@pytest.fixture
def two(request: pytest.FixtureRequest) -> Iterator[Two]:
    first = Primary(options=MAPPED | getattr(request, "param", SYNC))
    second: Standby | None = None
    try:
        first.start()
        second = Standby(of=first)
        second.start()
        yield Two(first, second)
    finally:
        first.vanish()  # A test that failed may have left what sends held: nothing else ends it.
        if second is not None:
            second.remove()
        first.remove()


async def failed_over(two: Two) -> Load:
    """Write, hold what the primary sends, have it vanish, promote; write on."""
    load = Load(two.url, SEED, planners=4)
    print(f"seed {SEED}")
    writing = asyncio.create_task(load.run())
    await _some(load, 60)
    two.first.sending(on=False)
    await asyncio.sleep(0.4)
    two.first.vanish()
    await asyncio.to_thread(two.second.promote)
    await _some(load, len(load.acknowledged) + 40)
    load.stopping.set()
    await writing
    print(f"{await load.judged()}; refused {dict(load.refused)}, gap {load.gap_s():.1f} s")
    return load


async def _some(load: Load, count: int) -> None:
    until_s = time.monotonic() + 60.0
    while len(load.acknowledged) < count:
        assert time.monotonic() < until_s, (len(load.acknowledged), load.refused)
        await asyncio.sleep(0.02)


async def test_nothing_that_was_said_is_lost_and_the_store_goes_on(two: Two) -> None:
    load = await failed_over(two)
    judged = await load.judged()
    assert judged.pairs > 50
    assert (judged.lost, judged.unlinked) == (0, 0)
    assert load.doubtful, "nobody was writing when it was killed: the test shows little"
    assert load.opened >= 2


@pytest.mark.parametrize("two", [{}], indirect=True, ids=["asynchronous"])
async def test_without_a_synchronous_standby_the_loss_is_seen(two: Two) -> None:
    load = await failed_over(two)
    assert (await load.judged()).lost > 0, "nothing was lost: the test proves nothing"


# Hosts


def test_each_host_of_a_url_is_asked_for_the_primary() -> None:
    assert hosts_of("postgresql://north@db1.example/north") == [
        "postgresql://north@db1.example/north"
    ]
    assert hosts_of("postgresql://n:p@db1:1,[::1]:2,db3/north?sslmode=require") == [
        "postgresql://n:p@db1:1/north?sslmode=require&target_session_attrs=primary",
        "postgresql://n:p@[::1]:2/north?sslmode=require&target_session_attrs=primary",
        "postgresql://n:p@db3/north?sslmode=require&target_session_attrs=primary",
    ]
    (one, _) = hosts_of("postgresql://db1,db2/n?target_session_attrs=any")
    assert one == "postgresql://db1/n?target_session_attrs=any"


@pytest.fixture
def silent() -> Iterator[int]:
    """A host that takes connections and says nothing, as a machine that has been switched off."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(200)
        yield listening.getsockname()[1]


async def test_a_host_that_is_switched_off_holds_nobody_up(two: Two, silent: int) -> None:
    url = two.url.replace("@", f"@127.0.0.1:{silent},").replace("/postgres", "/postgres", 1)
    with pytest.raises((TimeoutError, OSError)):  # Control: what the library does by itself.
        await asyncpg.connect(f"{url}?target_session_attrs=primary", timeout=2.0)
    store = await PostgresStore.open(url)
    began_s = time.monotonic()
    await asyncio.gather(*(store.probe() for _ in range(20)))
    print(f"20 writes in {time.monotonic() - began_s:.1f} s")
    await store.close()


@pytest.mark.parametrize("two", [SYNC, {}], indirect=True, ids=["synchronous", "asynchronous"])
def test_doctor_says_what_a_failover_would_lose(two: Two, request: pytest.FixtureRequest) -> None:
    done = CliRunner().invoke(cli, ["doctor", "--json", "--database", two.url])
    (found,) = [each for each in json.loads(done.output)["checks"] if each["name"] == "failover"]
    waits = "[synchronous]" in request.node.name
    assert found["verdict"] == ("OK" if waits else "WARN")
    assert ("waits for standbys (*)" in str(found)) is waits
    alone = CliRunner().invoke(cli, ["doctor", "--json", "--database", two.first.url()])
    assert "failover" not in alone.output


async def test_the_system_gives_up_a_machine_that_is_gone(two: Two) -> None:
    """What cannot be tried out on one machine: the options that make it do so are set."""
    store = await PostgresStore.open(two.url)
    async with store._link.lent() as connection:
        wire = connection._transport.get_extra_info("socket")
        given_up_ms = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        asked = wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert (given_up_ms, bool(asked)) == (10_000, True)
    await store.close()


async def test_where_all_are_standbys_a_write_waits_and_is_then_refused(two: Two) -> None:
    await (await PostgresStore.open(two.url)).close()
    two.first.vanish()
    both = PostgresStore(two.url, wait_s=1.0)
    store = PostgresStore(two.second.url(target_session_attrs="primary"), wait_s=1.0)
    for each in (both, store):
        with pytest.raises(StoreError, match="nothing was written"):
            await each.probe()
        assert not each.doubted.is_set()
    await both.close()
    await asyncio.to_thread(two.second.promote)
    await store.probe()
    await store.close()


async def test_a_start_while_commits_wait_for_a_standby_is_refused_and_may_be_repeated(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the soak found: of the two connections that try out the order, one waits too long."""
    monkeypatch.setitem(postgres_link._SESSION, "lock_timeout", "1500ms")
    store = await PostgresStore.open(two.url)
    two.first.sending(on=False)
    serving = asyncio.create_task(store.serve(1))
    await asyncio.sleep(3.0)
    assert not serving.done(), "its commit did not wait: the test shows nothing"
    two.first.sending(on=True)
    with pytest.raises(StoreError, match="LockNotAvailable"):
        await serving
    await store.serve(1)
    await store.probe()
    await store.close()


async def test_a_commit_that_no_standby_has_is_not_acknowledged(two: Two) -> None:
    """Somebody cancels the wait for the standby: the server calls it committed, with a warning."""
    store = await PostgresStore.open(two.url)
    await store.probe()
    two.first.sending(on=False)
    write = asyncio.create_task(store.probe())
    admin = await asyncpg.connect(two.first.url())
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    while not (pids := await admin.fetch(waits)):
        assert not write.done()
        await asyncio.sleep(0.02)
    for row in pids:
        await admin.fetchval("SELECT pg_cancel_backend($1)", row[0])
    with pytest.raises(StoreError, match="is not known"):
        await write
    assert store.doubted.is_set()
    two.first.sending(on=True)
    await admin.close()
    await store.close()
