"""The record after kills and under many writers: whole, and with all that was acknowledged."""

import asyncio
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.record.logs import NOON, Side, close

from stores import AnyStore, database_of
from tansiq.clock import SystemClock
from tansiq.domain.merkle import Frontier, leaf_hash
from tansiq.errors import RecordDamaged, StoreError
from tansiq.services.record import check
from tansiq.storage.record import RecordLog, seal_of
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
SEED = 20_261_128
WRITER = Path(__file__).with_name("record_writer.py")
ROUNDS = 4
CONTROL_ROUNDS_MAX = 15


def write_until_killed(path: Path, how: str, rng: random.Random) -> list[int]:
    """Return the indexes that a writer acknowledged before it was killed."""
    command = [sys.executable, str(WRITER), database_of(path) or str(path), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        seen = [child.stdout.readline()]
        wanted = rng.randrange(20, 500)
        while len(seen) < wanted and (line := child.stdout.readline()):
            seen.append(line)
        child.send_signal(signal.SIGKILL)
        seen += child.stdout.readlines()
    return [int(line) for line in seen if line.endswith("\n")]


async def test_a_killed_writer_leaves_a_whole_record(store_kind: str, tmp_path: Path) -> None:
    rng, path, done = random.Random(SEED), tmp_path / "north.db", set[int]()
    for _ in range(ROUNDS):
        seen = write_until_killed(path, "honest", rng)
        assert len(seen) >= 20
        assert done.isdisjoint(seen), "an index was given twice"
        done |= set(seen)
        side = Side.open("north", path)
        found = await check(side.record, clock=SystemClock())
        assert found.size > max(done)
        await close([side])


async def test_the_test_notices_a_writer_that_commits_by_halves(
    store_kind: str, tmp_path: Path
) -> None:
    rng, path = random.Random(SEED), tmp_path / "north.db"
    for _ in range(CONTROL_ROUNDS_MAX):
        write_until_killed(path, "hasty", rng)
        side = Side.open("north", path)
        try:
            await check(side.record, clock=SystemClock())
        except RecordDamaged:
            return
        finally:
            await close([side])
    pytest.fail(f"seed {SEED}: {CONTROL_ROUNDS_MAX} kills between two commits left no trace")


async def append(store: AnyStore, number: int) -> int:
    body = b"%d" % number
    return await store.write(lambda tx: RecordLog(tx).append("note", body, time=number))


async def careless(store: AnyStore, number: int) -> int:
    """The broken control: looks at the head in one transaction, and moves it in another."""
    leaf = leaf_hash(b"%d" % number)
    tree = await store.read(lambda tx: RecordLog(tx).head())

    async def write(tx: Tx) -> int:
        row = await tx.fetch_one("SELECT COUNT(*) FROM record_entry")
        assert row is not None
        seal = seal_of(row[0], time=number, kind="note", leaf=leaf)
        entry = {"seq": row[0], "time": number, "leaf": leaf, "seal": seal, "body": b"%d" % number}
        sql = "INSERT INTO record_entry VALUES (:seq, :time, 'note', :leaf, :seal, :body)"
        await tx.execute(sql, entry)
        grown = tree.append(leaf)
        head = {"size": grown.size, "frontier": b"".join(grown.hashes)}
        await tx.execute("UPDATE record_head SET size = :size, frontier = :frontier", head)
        return int(row[0])

    return await store.write(write)


@pytest.mark.parametrize("control", [False, True], ids=["as it is", "control"])
async def test_many_writers_make_one_history(
    store_kind: str, tmp_path: Path, *, control: bool
) -> None:
    """Sixteen clients of two connections to one file, 20 entries each."""
    sides = [Side.open("north", tmp_path / "north.db") for _ in range(2)]
    how = careless if control else append

    async def client(number: int) -> list[int]:
        store = sides[number % 2].store
        return [await how(store, 20 * number + n) for n in range(20)]

    given = await asyncio.gather(*(client(number) for number in range(16)))
    if control:
        with pytest.raises(RecordDamaged):
            await check(sides[0].record, clock=SystemClock())
    else:
        assert sorted(index for each in given for index in each) == list(range(320))
        assert (await check(sides[1].record, clock=SystemClock())).size == 320
        for number, each in enumerate(given):
            rows = [(await sides[0].record.entries(i, i + 1))[0] for i in each]
            assert [row.body for row in rows] == [b"%d" % (20 * number + n) for n in range(20)]
    await close(sides)


async def test_one_commit_of_many_entries_is_whole_or_absent(
    store_kind: str, tmp_path: Path
) -> None:
    """A batch whose last entry is refused leaves nothing, not even its tile."""
    side = Side.open("north", tmp_path / "north.db")

    async def batch(tx: Tx) -> None:
        entries = [("note", b"%d" % n) for n in range(600)]
        await side.record.append_all(tx, entries, now=NOON)
        raise StoreError("as planned")

    with pytest.raises(StoreError):
        await side.store.write(batch)
    found = await check(side.record, clock=SystemClock())
    assert (found.size, found.root) == (0, Frontier().root())
    await close([side])
