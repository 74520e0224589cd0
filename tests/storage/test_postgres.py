"""The store on PostgreSQL: order, collisions, lost connections, crashes, unsound servers."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from tests.register.race_schemes import BROKEN, FILL, SCHEMES
from wire_cutter import WireCutter

import stores
from postgres_server import Server
from tansiq.errors import BadInput, NotFound, StoreError
from tansiq.services.events import Events
from tansiq.settings import Limits
from tansiq.storage import postgres
from tansiq.storage.dialect import after, postgresql, postgresql_definitions, together
from tansiq.storage.events import EventLog
from tansiq.storage.opening import open_store, peek_store
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.postgres_checks import Order, order_problem, refusals
from tansiq.storage.postgres_checks import Server as Said
from tansiq.storage.postgres_link import shown
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Recall, Tx, recall
from tansiq.storage.stripes import PROBE

pytestmark = pytest.mark.anyio

KEPT = "CREATE TABLE kept (n INTEGER PRIMARY KEY, text TEXT)"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with stores.using(stores.POSTGRESQL):
        stores.open_store(tmp_path / "store.db")
        yield stores.url_of(tmp_path / "store.db")


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    opened = PostgresStore(url)
    await opened.write(lambda tx: tx.execute(KEPT))
    yield opened
    await opened.close()


def put(number: int, *, lock: int | None = None) -> Callable[[Tx], Awaitable[int]]:
    async def fn(tx: Tx) -> int:
        if lock is not None:
            await tx.lock([lock])
        return await tx.execute("INSERT INTO kept (n) VALUES (:n)", {"n": number})

    return fn


async def kept(tx: Tx) -> list[int]:
    return [row[0] for row in await tx.fetch("SELECT n FROM kept ORDER BY n")]


# One text for both


def test_names_become_numbers_and_nothing_else_is_touched() -> None:
    sql = "SELECT ':no', a FROM t -- :nor this\n WHERE b = :b AND c = :c_1 OR d = :b"
    assert postgresql(sql) == (
        "SELECT ':no', a FROM t -- :nor this\n WHERE b = $1 AND c = $2 OR d = $1",
        ("b", "c_1"),
    )
    assert postgresql("SELECT 1 /*postgresql: FOR UPDATE*/ AND x = X'0A'").text == (
        r"SELECT 1  FOR UPDATE AND x = CAST('\x0A' AS BYTEA)"
    )
    assert "BIGINT" in postgresql_definitions("CREATE TABLE t (a INTEGER) WITHOUT ROWID;")


def test_parameters_of_several_statements_are_numbered_on() -> None:
    texts = ("SELECT a FROM t WHERE b = :b AND c = :b", "SELECT d FROM t WHERE b = :b OR c = :c")
    found = together(texts)
    assert "b = $1 AND c = $1" in found.text
    assert "b = $2 OR c = $3" in found.text
    assert found.names == ((0, "b"), (1, "b"), (1, "c"))
    changes = after(("DELETE FROM t WHERE b = :b", "UPDATE u SET b = :b RETURNING b"))
    assert changes.text == "WITH c0 AS (DELETE FROM t WHERE b = $1) UPDATE u SET b = $2 RETURNING b"
    with pytest.raises(ValueError, match="t is changed twice"):
        after(("DELETE FROM t WHERE b = :b", "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING"))
    assert after(texts[:1]) == (postgresql(texts[0]).text, ((0, "b"),))


async def test_several_queries_in_one_have_the_rows_of_each(store: PostgresStore) -> None:
    """Among them one that finds nothing, and nulls where a part's columns are null."""
    rows = [(1, "a"), (2, None), (3, "c")]

    async def fill(tx: Tx) -> list[list[tuple[object, ...]]]:
        changes = [
            ("INSERT INTO kept (n, text) VALUES (:n, :text)", {"n": n, "text": text})
            for n, text in rows
        ]
        assert await tx.change([*changes, ("SELECT COUNT(*) FROM kept", {})]) == [(0,)], "unseen"
        return await tx.fetch_each(
            [
                ("SELECT n, text FROM kept WHERE n >= :n", {"n": 2}),
                ("SELECT text FROM kept WHERE n = :n", {"n": 7}),
                ("SELECT text FROM kept WHERE text IS NULL OR text = :text", {"text": "a"}),
            ]
        )

    first, none, last = await store.write(fill)
    assert sorted(first) == [(2, None), (3, "c")]
    assert none == []
    assert sorted(last, key=repr) == [("a",), (None,)]
    assert await store.read(lambda tx: tx.fetch_each([("SELECT n FROM kept WHERE n = 0", {})])) == [
        []
    ]


async def test_both_schemas_have_the_same_tables_and_columns(url: str, tmp_path: Path) -> None:
    lite = SqliteStore.open(tmp_path / "lite.db")
    tables = await lite.read(
        lambda tx: tx.fetch("SELECT name FROM sqlite_master WHERE type = 'table'")
    )
    names = sorted(row[0] for row in tables if not row[0].startswith("sqlite_"))
    mine = {}
    for name in names:
        rows = await lite.read(
            lambda tx, n=name: tx.fetch(f"SELECT name, type, pk FROM pragma_table_info('{n}')")
        )
        mine[name] = [(row[0], row[1]) for row in rows]
    await lite.close()
    theirs: dict[str, list[tuple[str, str]]] = {}
    of_lite = {"bigint": "INTEGER", "text": "TEXT", "bytea": "BLOB", "double precision": "REAL"}
    other = PostgresStore(url)
    rows = await other.read(
        lambda tx: tx.fetch(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        )
    )
    for table, column, kind in rows:
        theirs.setdefault(table, []).append((column, of_lite[kind]))
    await other.close()
    assert len(names) > 30
    assert theirs == {
        table: [(column, "INTEGER" if kind == "BIGINT" else kind) for column, kind in columns]
        for table, columns in mine.items()
    }


async def test_two_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    with stores.using(stores.POSTGRESQL):
        for round_number in range(4):
            url = stores.url_of(tmp_path / str(round_number) / "store.db")
            opened = await asyncio.gather(*(PostgresStore.open(url) for _ in range(3)))
            rows = await opened[0].read(
                lambda tx: tx.fetch("SELECT number, COUNT(*) FROM schema_version GROUP BY number")
            )
            await asyncio.gather(*(each.close() for each in opened))
            assert len(rows) > 15
            assert {row[1] for row in rows} == {1}


# Writes


async def test_a_write_that_raises_loses_only_itself(store: PostgresStore) -> None:
    async def bad(tx: Tx) -> None:
        await put(1_000)(tx)
        raise NotFound("as planned")

    jobs = [store.write(bad if n % 3 == 0 else put(n)) for n in range(30)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [isinstance(r, NotFound) for r in results] == [n % 3 == 0 for n in range(30)]
    assert await store.read(kept) == [n for n in range(30) if n % 3]


async def test_a_read_cannot_write_and_sees_one_moment(store: PostgresStore) -> None:
    with pytest.raises(StoreError, match="ReadOnly"):
        await store.read(put(1))

    async def move(tx: Tx) -> None:
        for text in ("a", "b"):
            await tx.execute("UPDATE kept SET text = :text", {"text": text})
        await tx.execute("UPDATE kept SET n = n + 10 WHERE n < 100")

    async def spread(tx: Tx) -> int:
        first = await tx.fetch("SELECT n FROM kept WHERE n % 10 = 1")
        second = await tx.fetch("SELECT n FROM kept WHERE n % 10 = 2")
        return int(second[0][0] - first[0][0])

    for number in (1, 2):
        await store.write(put(number))
    results = await asyncio.gather(
        *(store.write(move) for _ in range(9)), *(store.read(spread) for _ in range(60))
    )
    assert set(results[9:]) == {1}


async def test_a_failed_statement_that_is_passed_over_commits_nothing(store: PostgresStore) -> None:
    async def careless(tx: Tx) -> None:
        await put(1)(tx)
        try:
            await tx.fetch("SELECT no_such_column FROM kept")
        except asyncpg.PostgresError:
            return

    with pytest.raises(StoreError, match="answered COMMIT with ROLLBACK"):
        await store.write(careless)
    assert await store.read(kept) == []


async def test_a_server_that_lacks_room_is_a_store_that_fails(store: PostgresStore) -> None:
    async def sort(tx: Tx) -> None:
        await put(1)(tx)
        for setting in ("work_mem = '64kB'", "temp_file_limit = 0"):
            await tx.execute(f"SET LOCAL {setting}")
        await tx.fetch("SELECT n FROM generate_series(1, 100000) AS s(n) ORDER BY n % 7, n")

    with pytest.raises(StoreError, match="nothing was written"):
        await store.write(sort)
    assert await store.read(kept) == []


async def test_a_text_that_cannot_be_kept_is_the_callers_mistake(store: PostgresStore) -> None:
    sql = "INSERT INTO kept (n, text) VALUES (1, :text)"
    with pytest.raises(BadInput, match="cannot be kept"):
        await store.write(lambda tx: tx.execute(sql, {"text": "a\0b"}))


async def test_a_cancelled_caller_disturbs_nobody_and_closing_finishes(
    store: PostgresStore,
) -> None:
    jobs = [asyncio.ensure_future(store.write(put(n))) for n in range(20)]
    await asyncio.sleep(0)
    jobs[3].cancel()
    await store.close()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(results[3], asyncio.CancelledError)
    with pytest.raises(StoreError, match="closed"):
        await store.write(put(99))
    again = PostgresStore(store._link._url)
    assert await again.read(kept) == list(range(20))
    await again.close()


async def test_too_many_waiting_writes_are_refused(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "QUEUE_MAX", 0)
    with pytest.raises(StoreError, match="waiting"):
        await store.write(put(1))


# Order


@pytest.mark.parametrize("together", [True, False], ids=["as it is", "control: other stripes"])
async def test_who_reads_and_writes_under_one_stripe_loses_no_step(
    store: PostgresStore, url: str, *, together: bool
) -> None:
    """Two stores, as two processes have them; some of the writes are alone, with no stripe."""
    other = PostgresStore(url)
    await store.write(put(0))

    def step(number: int) -> Callable[[Tx], Awaitable[None]]:
        async def fn(tx: Tx) -> None:
            await tx.lock([5_000 + (0 if together else number)])
            row = await tx.fetch_one("SELECT n FROM kept")
            assert row is not None
            await tx.fetch("SELECT pg_sleep(0.002)")
            await tx.execute("UPDATE kept SET n = :n", {"n": row[0] + 1})

        return fn

    await asyncio.gather(
        *((store, other)[n % 2].write(step(n), beside=n % 5 > 0) for n in range(60))
    )
    await other.close()
    assert (await store.read(kept) == [60]) is together


async def test_who_goes_beside_takes_stripes_first(store: PostgresStore) -> None:
    with pytest.raises(RuntimeError, match="takes its stripes"):
        await store.write(put(1), beside=True)
    assert await store.write(put(1, lock=5_000), beside=True) == 1


async def test_who_asks_to_be_alone_begins_again_alone(store: PostgresStore) -> None:
    runs: list[bool] = []

    async def fn(tx: Tx) -> None:
        runs.append(tx.shares)
        await tx.lock([5_000])
        await put(len(runs))(tx)
        try:
            await tx.alone()
        except Exception:  # noqa: BLE001 - a careless one
            raise NotFound("somebody made another error of it") from None

    await store.write(fn, beside=True)
    assert runs == [True, False]
    assert await store.read(kept) == [2]


async def test_those_who_wait_for_each_other_begin_again(store: PostgresStore) -> None:
    """Keys in the wrong order, which nobody does: PostgreSQL ends one, and it is run again."""
    runs, both = 0, asyncio.Event()

    def crossing(first: int, second: int, number: int) -> Callable[[Tx], Awaitable[int]]:
        async def fn(tx: Tx) -> int:
            nonlocal runs
            runs += 1
            await tx.lock([first])
            if runs >= 2:
                both.set()
            await both.wait()  # Each has its first when it asks for its second.
            await tx.lock([second])
            return await put(number)(tx)

        return fn

    writes = [crossing(5_000, 5_001, 1), crossing(5_001, 5_000, 2)]
    assert await asyncio.gather(*(store.write(fn, beside=True) for fn in writes)) == [1, 1]
    assert runs == 3
    assert await store.read(kept) == [1, 2]


async def test_who_needs_an_earlier_stripe_begins_again_with_all(store: PostgresStore) -> None:
    """As a change whose old form covers more; it leaves nothing of its first try."""
    runs: list[list[int]] = []

    async def fn(tx: Tx) -> int:
        runs.append([])
        await tx.lock([5_001])
        await tx.lock([5_001])  # It has it.
        runs[-1] += await kept(tx)
        await put(len(runs))(tx)
        try:
            await tx.lock([5_000, 5_001])
        except Exception:  # noqa: BLE001 - a careless one
            raise NotFound("somebody made another error of it") from None
        await tx.lock([5_002])
        return len(runs)

    assert await store.write(fn, beside=True) == 2
    assert runs == [[], []]
    assert await store.read(kept) == [2]


async def test_who_writes_at_once_has_gates_of_their_own(store: PostgresStore) -> None:
    """As long as one process has fewer writers than there are gates: else one waits for another."""
    inside, all_in = 0, asyncio.Event()

    def one(number: int) -> Callable[[Tx], Awaitable[int]]:
        async def fn(tx: Tx) -> int:
            nonlocal inside
            await tx.lock([5_000 + number])
            inside += 1
            if inside == postgres.WRITERS:
                all_in.set()
            await all_in.wait()
            return await put(number)(tx)

        return fn

    await asyncio.gather(*(store.write(one(n), beside=True) for n in range(postgres.WRITERS)))
    assert len(await store.read(kept)) == postgres.WRITERS


@pytest.mark.parametrize("name", SCHEMES)
async def test_the_probe_tells_what_orders_writes(
    store: PostgresStore, url: str, name: str
) -> None:
    await store.write(lambda tx: tx.execute(FILL, {"first": PROBE, "last": PROBE + 1}))
    first, second = await asyncpg.connect(url), await asyncpg.connect(url)
    problems = [await order_problem(first, second, SCHEMES[name], key=PROBE) for _ in range(3)]
    print(f"{name}: {problems}")
    if name == "no lock":  # Who is slow seems to wait, on a machine with much to do.
        assert any(problems)
    else:
        assert [problem is not None for problem in problems] == 3 * [name in BROKEN]
    await first.close()
    await second.close()


async def test_a_store_that_does_not_order_is_not_served_from(url: str) -> None:
    class Unordered(PostgresStore):
        ORDER = Order(PostgresStore.ORDER.begin, SCHEMES["no lock"].take)

    store = Unordered(url)
    with pytest.raises(StoreError, match="pass each other unseen"):
        await store.serve(1)
    await store.close()


async def test_who_was_replaced_writes_nothing(url: str, tmp_path: Path) -> None:
    first = await open_store(tmp_path / "tansiq.db", url)
    await first.write(lambda tx: tx.execute(KEPT))
    second = await open_store(tmp_path / "tansiq.db", url)
    for beside in (False, True):
        with pytest.raises(StoreError, match="another process serves"):
            await first.write(put(1, lock=5_000), beside=beside)
        await second.write(put(2 + beside, lock=5_000), beside=beside)
    assert await second.read(kept) == [2, 3]
    await first.close()
    await second.close()


@pytest.mark.parametrize("control", [False, True], ids=["as it is", "control: a sequence"])
async def test_a_reader_of_the_feed_never_misses_a_late_commit(url: str, *, control: bool) -> None:
    """Writers in two stores append and dawdle; the reader goes on from the last number seen."""
    pair = [PostgresStore(url), PostgresStore(url)]
    await pair[0].write(lambda tx: tx.execute("CREATE SEQUENCE plain"))
    count, seen, last = 80, list[int](), 0

    def append(number: int) -> Callable[[Tx], Awaitable[None]]:
        async def fn(tx: Tx) -> None:
            await tx.lock([5_000 + number])
            if control:
                row = await tx.fetch_one("SELECT nextval('plain')")
                assert row is not None
                sql = "INSERT INTO event (seq, time, kind, id, body) VALUES (:n, 0, '', '', :body)"
                await tx.execute(sql, {"n": row[0], "body": b""})
            else:
                await EventLog(tx).append("plan", "x", b"{}", time=0)
            await tx.fetch("SELECT pg_sleep(:s)", {"s": 0.02 if number % 7 == 0 else 0.0})

        return fn

    writing = asyncio.gather(*(pair[n % 2].write(append(n), beside=True) for n in range(count)))
    while not writing.done() or (seen and seen[-1] < count and len(seen) < count and not control):
        rows = await pair[0].read(lambda tx, s=last: EventLog(tx).after(s, 1_000))
        seen += [row.seq for row in rows]
        last = seen[-1] if seen else 0
    await writing
    rows = await pair[0].read(lambda tx: EventLog(tx).after(last, 1_000))
    seen += [row.seq for row in rows]
    await asyncio.gather(*(each.close() for each in pair))
    if control:
        assert len(seen) < count, "a plain sequence lost nothing: the test shows nothing"
    else:
        assert seen == list(range(1, count + 1))


async def test_readers_wake_by_what_goes_beside(store: PostgresStore) -> None:
    from tansiq.clock import SystemClock

    events = Events(store, SystemClock(), Limits())

    async def fn(tx: Tx) -> None:
        await tx.lock([5_000])
        await events.append(tx, "plan", "x", b"{}", NOON)

    following = asyncio.ensure_future(events.follow(0, 10, 20.0))
    await asyncio.sleep(0.05)
    await events.store.write(fn, beside=True)
    assert [view.id for view in await asyncio.wait_for(following, 5.0)] == ["x"]


async def test_what_waits_can_be_taken_back_until_it_commits(
    store: PostgresStore, url: str
) -> None:
    holder = await asyncpg.connect(url)
    await holder.execute("BEGIN")
    await holder.fetch(PostgresStore.ORDER.take, [0])

    async def asks(number: int) -> None:
        recall.set(mine[number])
        await store.write(put(number))

    mine: dict[int, Recall] = {}

    async def asking(number: int) -> None:
        mine[number] = Recall()
        await asks(number)

    tasks = [asyncio.create_task(asking(number)) for number in (1, 2)]
    await asyncio.sleep(0.1)
    assert mine[1].withdraw(), "it waits for a gate, and has committed nothing"
    await holder.execute("COMMIT")
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(results[0], StoreError)
    assert results[1] is None
    assert not mine[2].withdraw(), "it is done"
    assert await store.read(kept) == [2]
    await holder.close()


# A server that goes away


@pytest.mark.parametrize("deliver", [False, True], ids=["before it got there", "its answer"])
async def test_a_commit_that_was_cut_off_is_not_known_and_not_repeated(
    store: PostgresStore, url: str, *, deliver: bool
) -> None:
    cutter = WireCutter(stores.server().port, at=b"COMMIT\0", deliver=deliver)
    await cutter.start()
    through = PostgresStore(re.sub(r":\d+/", f":{cutter.port}/", url))
    runs = 0

    async def fn(tx: Tx) -> None:
        nonlocal runs
        runs += 1
        await put(runs)(tx)

    with pytest.raises(StoreError, match="not known"):
        await through.write(fn)
    assert (runs, cutter.cuts) == (1, 1)
    assert await store.read(kept) == ([1] if deliver else [])
    await through.write(put(50))
    await through.close()
    await cutter.stop()
    assert 50 in await store.read(kept)


async def test_who_serves_and_does_not_know_writes_nothing_more(url: str) -> None:
    """What it remembers may be wrong; who opens the database anew reads what stands there."""
    cutter = WireCutter(stores.server().port, at=b"never")
    await cutter.start()
    through = PostgresStore(re.sub(r":\d+/", f":{cutter.port}/", url))
    await through.write(lambda tx: tx.execute(KEPT))
    await through.serve(7)
    cutter.at, cutter.deliver = b"COMMIT\0", True
    first, second = await asyncio.gather(
        through.write(put(1)), through.write(put(2)), return_exceptions=True
    )
    assert isinstance(first, StoreError)
    assert isinstance(second, StoreError)
    assert "not known" in str(first)
    assert "begins anew" in str(second), "it waited for its turn"
    assert through.doubted.is_set()
    with pytest.raises(StoreError, match="begins anew"):
        await through.write(put(3, lock=5_000), beside=True)
    assert await through.read(kept) == [1]
    await through.close()
    await cutter.stop()


async def test_what_was_cut_off_before_its_commit_is_done_once(
    store: PostgresStore, url: str
) -> None:
    cutter = WireCutter(stores.server().port, at=b"INSERT INTO kept", cuts_max=3)
    await cutter.start()
    through = PostgresStore(re.sub(r":\d+/", f":{cutter.port}/", url))
    assert await through.write(put(7)) == 1
    assert cutter.cuts == 3
    assert await store.read(kept) == [7]
    await through.close()
    await cutter.stop()


# asyncpg leaves the sockets of attempts that the dying server cuts to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("late", [False, True], ids=["as it is", "waits too short"])
async def test_nothing_acknowledged_is_lost_by_a_crash_of_the_server(*, late: bool) -> None:
    """Killed in the middle of writes and started again, four times; writes wait meanwhile."""
    server = Server()
    server.start()
    try:
        store = await PostgresStore.open(server.url(), wait_s=0.3 if late else 30.0)
        await store.write(lambda tx: tx.execute(KEPT))
        done: set[int] = set()
        refused, stopping, number = list[StoreError](), asyncio.Event(), 0

        async def writer(beside: bool) -> None:
            nonlocal number
            while not stopping.is_set():
                number += 1
                mine = number
                try:
                    await store.write(put(mine, lock=5_000 + mine % 100), beside=beside)
                    done.add(mine)
                except StoreError as error:
                    refused.append(error)
                    await asyncio.sleep(0.02)

        writers = [asyncio.create_task(writer(n % 3 > 0)) for n in range(6)]
        for _ in range(4):
            had = len(done)
            while len(done) < had + 20:
                await asyncio.sleep(0.01)
            await asyncio.to_thread(server.kill)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(server.start)
        had = len(done)
        while len(done) < had + 20:
            await asyncio.sleep(0.01)
        stopping.set()
        await asyncio.gather(*writers)
        there = set(await store.read(kept))
        await store.close()
    finally:
        server.remove()
    unknown = [error for error in refused if "not known" in str(error)]
    print(f"{len(done)} acknowledged, {len(refused)} refused, {len(unknown)} of them not known")
    assert done <= there
    assert len(there - done) <= len(unknown)
    if late:
        assert any("nothing was written" in str(error) for error in refused)
    else:
        assert len(unknown) == len(refused), "all others waited, and were done"


class Hasty(PostgresStore):
    """The control: answers before the server has."""

    async def _commit(self, connection: Any) -> None:
        """Leave the COMMIT for later."""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # As above.
async def test_the_crash_catches_who_acknowledges_too_early() -> None:
    server = Server()
    server.start()
    try:
        sound = await PostgresStore.open(server.url())
        await sound.write(lambda tx: tx.execute(KEPT))
        hasty = Hasty(server.url())
        assert await hasty.write(put(1)) == 1
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        assert await sound.read(kept) == [], "acknowledged, and lost"
        await hasty.close()
        await sound.close()
    finally:
        server.remove()


async def test_a_server_that_is_not_there_is_told_in_time(tmp_path: Path) -> None:
    gone = "postgresql://postgres:secret@127.0.0.1:1/north?sslmode=disable"
    loop = asyncio.get_running_loop()
    before_s = loop.time()
    with pytest.raises(StoreError, match=r"postgresql://postgres@127\.0\.0\.1:1/north: does not"):
        await PostgresStore.open(gone, wait_s=0.5)
    with pytest.raises(StoreError, match="does not answer"):
        await asyncio.to_thread(peek_store, tmp_path / "x.db", gone, kept)
    assert loop.time() - before_s < 10.0
    assert "secret" not in shown(gone)


async def test_who_is_not_let_in_is_told_at_once(url: str) -> None:
    with pytest.raises(StoreError, match=r"InvalidCatalogName.*docs/scale\.md"):
        await PostgresStore.open(stores.server().url("no_such_database"))


# Servers not to rely on


def test_what_a_server_may_not_be() -> None:
    sound = Said(
        number=150_000,
        version="15.0",
        fsync="on",
        synchronous_commit="on",
        full_page_writes="on",
        standby=False,
        encoding="UTF8",
        by_code=True,
    )
    assert refusals(sound) == []
    assert refusals(replace(sound, synchronous_commit="remote_apply")) == []
    for wrong, words in (
        (replace(sound, number=149_999, version="14.9"), "15 or later"),
        (replace(sound, fsync="off"), "fsync = on"),
        (replace(sound, synchronous_commit="off"), "synchronous_commit"),
        (replace(sound, full_page_writes="off"), "full_page_writes = on"),
        (replace(sound, standby=True), "primary"),
        (replace(sound, encoding="LATIN1"), "ENCODING 'UTF8'"),
        (replace(sound, by_code=False), "LC_COLLATE 'C'"),
    ):
        ((finding, remedy),) = refusals(wrong)
        assert words in f"{finding} {remedy}"


async def test_a_session_that_does_not_wait_for_the_disk_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="synchronous_commit is off"):
        await PostgresStore.open(f"{url}&synchronous_commit=off")
    connection = await asyncpg.connect(stores.server().url())
    await connection.execute("DROP DATABASE IF EXISTS by_language")
    await connection.execute(
        "CREATE DATABASE by_language TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
    )
    with pytest.raises(StoreError, match="order of codes"):
        await PostgresStore.open(stores.server().url("by_language"))
    await connection.execute("DROP DATABASE by_language")
    await connection.close()


async def test_a_server_that_does_not_sync_is_refused() -> None:
    server = Server(options={"fsync": "off", "full_page_writes": "off"})
    server.start()
    try:
        with pytest.raises(StoreError, match=r"fsync is off.*full_page_writes is off"):
            await PostgresStore.open(server.url())
    finally:
        server.remove()


async def test_a_node_does_not_begin_anew_beside_what_it_has_promised(
    url: str, tmp_path: Path
) -> None:
    await SqliteStore.open(tmp_path / "tansiq.db").close()
    with pytest.raises(StoreError, match=r"has served from .*tansiq\.db"):
        await open_store(tmp_path / "tansiq.db", url)
    (tmp_path / "tansiq.db").unlink()
    store = await open_store(tmp_path / "tansiq.db", url)
    await store.close()
    assert not (tmp_path / "tansiq.db").exists()


async def test_a_look_from_outside_sees_what_is_committed(url: str, tmp_path: Path) -> None:
    file = tmp_path / "x.db"
    assert await asyncio.to_thread(peek_store, file, url, kept) is None
    store = PostgresStore(url)
    await store.write(lambda tx: tx.execute(KEPT))
    await store.write(put(4))
    assert await asyncio.to_thread(peek_store, file, url, kept) == [4]
    await store.close()


def test_another_loop_is_refused(url: str) -> None:
    store = PostgresStore(url)

    async def look() -> None:
        await store.read(lambda tx: tx.fetch("SELECT 1"))

    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(look())
        with pytest.raises(RuntimeError, match="one event loop"):
            second.run(look())
        first.run(store.close())
