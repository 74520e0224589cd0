"""The store over a real file: group commit, isolation, crashes and failing disks."""

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import apsw
import pytest
from faulty_disk import faulty_disk

from tansiq.errors import NotFound, StoreError
from tansiq.storage import sqlite
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
SEED = 20_261_123

KEPT = "CREATE TABLE kept (n INTEGER PRIMARY KEY);"
PROBE = "CREATE TABLE store_probe (n INTEGER NOT NULL);\nINSERT INTO store_probe (n) VALUES (0);"


def migrations(path: Path, *files: str) -> Path:
    folder = path / "migrations"
    folder.mkdir(exist_ok=True)
    for number, sql in enumerate(files or (KEPT + PROBE,), start=1):
        (folder / f"{number:04}_step.sql").write_text(sql)
    return folder


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path))
    yield opened
    await opened.close()


def put(number: int) -> Callable[[Tx], Awaitable[int]]:
    async def fn(tx: Tx) -> int:
        return await tx.execute("INSERT INTO kept (n) VALUES (:n)", {"n": number})

    return fn


async def kept(tx: Tx) -> list[int]:
    return [row[0] for row in await tx.fetch("SELECT n FROM kept ORDER BY n")]


async def test_a_write_is_seen_by_the_next_read(store: SqliteStore) -> None:
    assert await store.write(put(7)) == 1
    assert await store.read(kept) == [7]


async def test_statements_say_how_many_rows_they_changed(store: SqliteStore) -> None:
    async def fn(tx: Tx) -> list[int]:
        await tx.execute_many("INSERT INTO kept (n) VALUES (:n)", [{"n": n} for n in range(5)])
        await tx.execute_many("INSERT INTO kept (n) VALUES (:n)", [])
        await tx.lock([1, 2])
        return [
            await tx.execute("UPDATE kept SET n = n + 100 WHERE n < :n", {"n": 2}),
            await tx.execute("UPDATE kept SET n = n WHERE n = :n", {"n": -1}),
            await tx.execute("DELETE FROM kept"),
        ]

    assert await store.write(fn) == [2, 0, 5]
    assert await store.read(lambda tx: tx.fetch_one("SELECT n FROM kept")) is None


async def test_a_write_that_raises_loses_only_itself(store: SqliteStore) -> None:
    async def bad(tx: Tx) -> None:
        await put(1_000)(tx)
        raise NotFound("as planned")

    jobs = [store.write(bad if n % 3 == 0 else put(n)) for n in range(60)]
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert [isinstance(r, NotFound) for r in results] == [n % 3 == 0 for n in range(60)]
    assert await store.read(kept) == [n for n in range(60) if n % 3]


async def test_a_broken_constraint_reaches_its_caller_alone(store: SqliteStore) -> None:
    await store.write(put(1))
    results = await asyncio.gather(store.write(put(1)), store.write(put(2)), return_exceptions=True)
    assert isinstance(results[0], apsw.ConstraintError)
    assert await store.read(kept) == [1, 2]


async def test_a_transaction_that_waits_for_something_else_is_refused(store: SqliteStore) -> None:
    async def bad(tx: Tx) -> None:
        await put(1)(tx)
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="besides its tx"):
        await store.write(bad)
    with pytest.raises(RuntimeError, match="besides its tx"):
        await store.read(lambda _: asyncio.sleep(0))
    assert await store.read(kept) == []


async def test_a_read_cannot_write(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="ReadOnly"):
        await store.read(put(1))
    assert await store.read(kept) == []


async def test_a_read_sees_one_moment(store: SqliteStore) -> None:
    """Each write moves one unit between two rows; no reader may see the sum change."""

    async def fill(tx: Tx) -> None:
        await tx.execute("CREATE TABLE purse (id INTEGER PRIMARY KEY, n INTEGER)")
        await tx.execute("INSERT INTO purse VALUES (1, 0), (2, 0)")

    async def move(tx: Tx) -> None:
        await tx.execute("UPDATE purse SET n = n - 1 WHERE id = 1")
        await tx.execute("UPDATE purse SET n = n + 1 WHERE id = 2")

    async def total(tx: Tx) -> int:
        rows = [await tx.fetch_one(f"SELECT n FROM purse WHERE id = {i}") for i in (1, 2)]
        return sum(row[0] for row in rows if row)

    await store.write(fill)
    results = await asyncio.gather(
        *(store.write(move) for _ in range(300)), *(store.read(total) for _ in range(300))
    )
    assert set(results[300:]) == {0}


async def test_many_writes_share_a_sync(tmp_path: Path) -> None:
    with faulty_disk("counting") as disk:
        opened = SqliteStore.open(
            tmp_path / "store.db", migrations=migrations(tmp_path), vfs="counting"
        )
        before = disk.syncs
        await opened.write(put(-1))
        alone = disk.syncs - before
        assert alone >= 1, "an acknowledged write was not synced"
        before = disk.syncs
        await asyncio.gather(*(opened.write(put(n)) for n in range(200)))
        together = disk.syncs - before
        await opened.close()
    print(f"{alone} syncs for one write, {together} for 200 at once")
    assert 1 <= together <= 20


@pytest.mark.parametrize("fault", ["full", "sync_fails"])
async def test_a_failing_disk_fails_the_batch_and_stops_the_store(
    tmp_path: Path, fault: str
) -> None:
    with faulty_disk(fault) as disk:
        opened = SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path), vfs=fault)
        await opened.write(put(1))
        setattr(disk, fault, True)
        failed = await asyncio.gather(
            *(opened.write(put(n)) for n in (2, 3)), return_exceptions=True
        )
        assert all(isinstance(result, StoreError) for result in failed)
        with pytest.raises(StoreError, match="nothing more is accepted"):
            await opened.write(put(4))
        assert await opened.read(kept) == [1], "reading goes on"
        with pytest.raises(StoreError):
            await opened.probe()
        assert opened.refusing
        setattr(disk, fault, False)
        await opened.write(put(5))
        assert opened.refusing is None, "it recovers by itself"
        assert await opened.read(kept) == [1, 5]
        await opened.close()
    reopened = SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path))
    assert await reopened.read(kept) == [1, 5]
    await reopened.close()


async def test_a_probe_of_a_sound_store_passes(store: SqliteStore) -> None:
    await store.probe()
    assert store.refusing is None


async def test_another_process_may_hold_the_file_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "BUSY_MS", 50)  # The wait is the subject, not its length.
    opened = SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path))
    other = apsw.Connection(str(tmp_path / "store.db"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="nothing was written"):
        await opened.write(put(1))
    other.execute("COMMIT")
    await opened.write(put(2))
    assert await opened.read(kept) == [2]
    other.close()
    await opened.close()


async def test_too_many_waiting_writes_are_refused(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "QUEUE_MAX", 0)
    with pytest.raises(StoreError, match="waiting"):
        await store.write(put(1))


async def test_closing_finishes_what_is_queued(tmp_path: Path) -> None:
    opened = SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path))
    jobs = [asyncio.ensure_future(opened.write(put(n))) for n in range(50)]
    await asyncio.sleep(0)
    await opened.close()
    await opened.close()
    assert await asyncio.gather(*jobs) == [1] * 50
    with pytest.raises(StoreError, match="closed"):
        await opened.write(put(99))


async def test_a_cancelled_caller_disturbs_nobody(store: SqliteStore) -> None:
    jobs = [asyncio.ensure_future(store.write(put(n))) for n in range(20)]
    await asyncio.sleep(0)
    jobs[3].cancel()
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert isinstance(results[3], asyncio.CancelledError)
    assert {0, 19} <= set(await store.read(kept))


async def test_migrations_run_once_and_in_order(tmp_path: Path) -> None:
    first = SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path, KEPT))
    await first.write(put(1))
    await first.close()
    folder = migrations(tmp_path, KEPT, "INSERT INTO kept (n) VALUES (2);")
    for _ in range(2):
        again = SqliteStore.open(tmp_path / "store.db", migrations=folder)
        assert await again.read(kept) == [1, 2]
        await again.close()


async def test_a_migration_that_fails_leaves_nothing(tmp_path: Path) -> None:
    folder = migrations(tmp_path, KEPT, "INSERT INTO kept (n) VALUES (1);\nNONSENSE;")
    with pytest.raises(apsw.SQLError):
        SqliteStore.open(tmp_path / "store.db", migrations=folder)
    (folder / "0002_step.sql").write_text("INSERT INTO kept (n) VALUES (2);")
    opened = SqliteStore.open(tmp_path / "store.db", migrations=folder)
    assert await opened.read(kept) == [2]
    await opened.close()


async def test_a_file_from_a_newer_version_is_refused(tmp_path: Path) -> None:
    folder = migrations(tmp_path, KEPT, "SELECT 1;")
    await SqliteStore.open(tmp_path / "store.db", migrations=folder).close()
    (folder / "0002_step.sql").unlink()
    with pytest.raises(StoreError, match="newer"):
        SqliteStore.open(tmp_path / "store.db", migrations=folder)


async def test_two_migrations_of_one_number_are_refused(tmp_path: Path) -> None:
    folder = migrations(tmp_path, KEPT)
    (folder / "0001_other.sql").write_text("SELECT 1;")
    with pytest.raises(StoreError, match="same number"):
        SqliteStore.open(tmp_path / "store.db", migrations=folder)


async def test_an_old_sqlite_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SQLITE_MIN", (99, 0, 0))
    with pytest.raises(StoreError, match=r"99\.0\.0 or newer"):
        SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path))


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database, and long enough to look like one" * 100)
    with pytest.raises(StoreError, match="NotADB"):
        SqliteStore.open(tmp_path / "store.db", migrations=migrations(tmp_path))


async def test_the_shipped_migrations_open(tmp_path: Path) -> None:
    opened = SqliteStore.open(tmp_path / "store.db")
    await opened.probe()
    await opened.close()


def _killed_at_random(path: Path, variant: str, rng: random.Random) -> list[int]:
    """Run the writer, kill it at a random moment, and return what it acknowledged."""
    path.mkdir()
    migrations(path)
    writer = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "crash_writer.py"), str(path), variant],
        stdout=subprocess.PIPE,
    )
    assert writer.stdout is not None
    lines = [writer.stdout.readline() for _ in range(rng.randrange(1, 2_000))]
    writer.send_signal(signal.SIGKILL)
    lines += writer.stdout.read().splitlines(keepends=True)
    writer.wait()
    writer.stdout.close()
    return [int(line) for line in lines if line.endswith(b"\n")]


async def _lost(path: Path, acknowledged: list[int]) -> set[int]:
    opened = SqliteStore.open(path / "store.db", migrations=path / "migrations")
    there = set(await opened.read(kept))
    await opened.close()
    return set(acknowledged) - there


async def test_nothing_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    total = 0
    for round_number in range(8):
        path = tmp_path / str(round_number)
        acknowledged = _killed_at_random(path, "honest", rng)
        assert await _lost(path, acknowledged) == set(), f"round {round_number}"
        total += len(acknowledged)
    print(f"{total} writes acknowledged over 8 kills, none lost")
    assert total > 0


async def test_the_kill_test_catches_a_store_that_acknowledges_too_early(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    rng = random.Random(SEED)
    for round_number in range(30):
        path = tmp_path / str(round_number)
        if await _lost(path, _killed_at_random(path, "hasty", rng)):
            print(f"caught in round {round_number}")
            return
    pytest.fail("the control variant lost nothing in 30 kills")
