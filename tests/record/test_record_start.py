"""The check at start finds every change: each bit of a small log, each row of a larger one."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import pytest
from tests.record.logs import Side, close

from stores import only_sqlite
from tansiq.clock import SystemClock
from tansiq.errors import RecordDamaged, RecordRolledBack, StoreError
from tansiq.services.record import Checked, check
from tansiq.storage.record import RecordLog, seal_of
from tansiq.storage.store import Tx
from tansiq.storage.witness import Witnessed

pytestmark = pytest.mark.anyio
SEED = 20_261_128


@pytest.fixture
async def north(store_kind: str, tmp_path: Path) -> AsyncIterator[Side]:
    side = Side.open("north", tmp_path / "north.db")
    yield side
    await close([side])


@pytest.fixture
async def south(store_kind: str, tmp_path: Path) -> AsyncIterator[Side]:
    side = Side.open("south", tmp_path / "south.db")
    yield side
    await close([side])


async def checked(side: Side) -> Checked:
    return await check(side.record, clock=SystemClock())


async def do(side: Side, sql: str, **values: object) -> int:
    return await side.store.write(lambda tx: tx.execute(sql, values))


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 1_023, 1_024, 1_025, 2_600])
async def test_what_was_not_touched_is_whole(north: Side, size: int) -> None:
    await fill(north, size)
    told: list[tuple[int, int]] = []
    found = await check(
        north.record, clock=SystemClock(), progress=lambda done, of: told.append((done, of))
    )
    head = await north.store.read(north.record.head)
    assert (found.size, found.root, found.cosigned) == (size, head.root(), 0)
    assert [done for done, _ in told] == sorted({*range(1_024, size, 1_024), size} - {0})
    assert all(of == size for _, of in told)
    assert found.entries_per_s > 0 or not size


async def fill(side: Side, size: int) -> None:
    entries = [("note", b"entry %d" % n) for n in range(size)]

    async def write(tx: Tx) -> int:
        return await RecordLog(tx).append_all(entries, time=1)

    await side.store.write(write)


# Every bit


def flips(value: int | str | bytes) -> Iterator[tuple[int | str | bytes, bool]]:
    """Return the value with each of its bits changed; whether it is a text, given as bytes."""
    if isinstance(value, int):
        for bit in range(63):
            yield value ^ 1 << bit, False
        yield value - 2**63 if value >= 0 else value + 2**63, False  # The sign.
        return
    raw = value.encode() if isinstance(value, str) else value
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        yield bytes(changed), isinstance(value, str)


COLUMNS = {
    "record_entry": ("seq", "time", "kind", "leaf", "seal", "body"),
    "record_tile": ("level", "tile", "root"),
    "record_head": ("size", "frontier"),
    "record_cosignature": ("size", "checkpoint"),
}


@only_sqlite  # The other refuses most of it: its columns have types.
@pytest.mark.parametrize(("table", "column"), [(t, c) for t, each in COLUMNS.items() for c in each])
async def test_no_bit_of_a_small_log_can_change(
    north: Side, south: Side, table: str, column: str
) -> None:
    """All bits of all rows; of entries, the first, the last, and one in between."""
    if table == "record_tile":
        await fill(north, 257)
    else:
        await north.say(b"first", b"", b"a third one")
        await north.ask(south)
    await checked(north)
    key = "rowid" if column not in ("seq", "level", "tile") else column
    rows = await north.store.read(lambda tx: tx.fetch(f"SELECT {key}, {column} FROM {table}"))
    if table == "record_entry" and column in ("leaf", "seal"):
        rows = rows[:1]
    assert rows
    changes = 0
    for at, value in rows:
        for changed, is_text in flips(value):
            spelt = "CAST(:new AS TEXT)" if is_text else ":new"
            back = changed if key == column else at
            try:
                await do(
                    north,
                    f"UPDATE {table} SET {column} = {spelt} WHERE {key} = :at",
                    new=changed,
                    at=at,
                )
            except apsw.ConstraintError:  # Two rows with one key cannot be made.
                continue
            changes += 1
            with pytest.raises(StoreError):
                await checked(north)
            await do(
                north, f"UPDATE {table} SET {column} = :old WHERE {key} = :at", old=value, at=back
            )
    assert changes
    await checked(north)


async def test_no_bit_of_a_tile_can_change(north: Side) -> None:
    """A sample of the 65,536 bits of a tile: each hash has one flipped."""
    await fill(north, 256)
    rng = random.Random(SEED)
    row = await north.store.read(lambda tx: tx.fetch_one("SELECT hashes FROM record_tile"))
    assert row is not None
    for place in range(256):
        changed = bytearray(row[0])
        changed[place * 32 + rng.randrange(32)] ^= 1 << rng.randrange(8)
        await do(north, "UPDATE record_tile SET hashes = :new", new=bytes(changed))
        with pytest.raises(RecordDamaged, match="tile 0 of level 0"):
            await checked(north)
    await do(north, "UPDATE record_tile SET hashes = :old", old=row[0])
    await checked(north)


# Rows taken out, added, swapped


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM record_entry WHERE seq = 0",
        "DELETE FROM record_entry WHERE seq = 700",
        "DELETE FROM record_entry WHERE seq = 2599",
        "DELETE FROM record_tile WHERE tile = 3",
        "DELETE FROM record_head",
        "INSERT INTO record_entry SELECT 2600, time, kind, leaf, seal, body FROM record_entry"
        " WHERE seq = 5",
        "INSERT INTO record_entry SELECT -1, time, kind, leaf, seal, body FROM record_entry"
        " WHERE seq = 5",
        "INSERT INTO record_tile SELECT 1, 0, root, hashes FROM record_tile WHERE tile = 0",
        "INSERT INTO record_tile SELECT 0, 10, root, hashes FROM record_tile WHERE tile = 0",
        "UPDATE record_tile SET root = X'00' WHERE tile = 1",
        "UPDATE record_entry SET body = 'text' WHERE seq = 9",
        "UPDATE record_entry SET kind = X'00' WHERE seq = 9",
        "UPDATE record_head SET size = 2599",
        "UPDATE record_head SET size = 0, frontier = X''",
    ],
)
async def test_rows_that_came_or_went_are_noticed(north: Side, sql: str) -> None:
    await fill(north, 2_600)
    assert await do(north, sql) == 1
    with pytest.raises(RecordDamaged, match=r"as it was written|holds something|head"):
        await checked(north)


@only_sqlite  # The other takes no text for a number.
async def test_a_number_that_became_a_text_is_noticed(north: Side) -> None:
    await fill(north, 2_600)
    assert await do(north, "UPDATE record_entry SET time = 'text' WHERE seq = 9") == 1
    with pytest.raises(RecordDamaged, match="holds something"):
        await checked(north)


async def test_tiles_of_the_level_above_are_checked(north: Side) -> None:
    """65,536 entries fill the first tile of level 1."""
    size = 65_536 + 300
    await fill(north, size)
    assert (await checked(north)).size == size
    for column in ("hashes", "root"):
        sql = f"SELECT {column} FROM record_tile WHERE level = 1"
        row = await north.store.read(lambda tx, sql=sql: tx.fetch_one(sql))
        assert row is not None
        spoilt = bytes([row[0][0] ^ 1]) + row[0][1:]
        await do(north, f"UPDATE record_tile SET {column} = :new WHERE level = 1", new=spoilt)
        with pytest.raises(RecordDamaged, match="tile 0 of level 1"):
            await checked(north)
        await do(north, f"UPDATE record_tile SET {column} = :old WHERE level = 1", old=row[0])


async def test_two_entries_that_changed_places_are_noticed(north: Side) -> None:
    await fill(north, 300)

    async def swap(tx: Tx) -> None:
        for old, new in ((270, -5), (280, 270), (-5, 280)):
            row = (await RecordLog(tx).entries(old, old + 1))[0]
            seal = seal_of(new, time=row.time, kind=row.kind, leaf=row.leaf)
            values = {"old": old, "new": new, "seal": seal}
            await tx.execute(
                "UPDATE record_entry SET seq = :new, seal = :seal WHERE seq = :old", values
            )

    await north.store.write(swap)
    with pytest.raises(RecordDamaged, match="head is not that of the entries"):
        await checked(north)


async def test_whoever_rewrites_it_all_is_told_by_what_others_cosigned(
    north: Side, south: Side
) -> None:
    """Hashes, seals, tiles and head made anew around a changed entry: the file alone is whole."""
    await fill(north, 300)
    await north.ask(south)

    async def rewrite(tx: Tx) -> None:
        entries = [(row.kind, row.body) for row in await RecordLog(tx).entries(0, 300)]
        entries[17] = ("note", b"what was never said")
        for table in ("record_entry", "record_tile"):
            await tx.execute(f"DELETE FROM {table}")
        await tx.execute("UPDATE record_head SET size = 0, frontier = X''")
        await RecordLog(tx).append_all(entries, time=1)

    await north.store.write(rewrite)
    with pytest.raises(RecordRolledBack, match=r"south/witness holds .* another root"):
        await checked(north)
    # Who takes the cosignatures out as well is told by the witness itself.
    await do(north, "DELETE FROM record_cosignature")
    await checked(north)
    held = await south.witness.held("north/log")
    assert held is not None
    with pytest.raises(RecordRolledBack):
        await north.record.compare("South", held.checkpoint)


async def test_entries_appended_meanwhile_do_not_disturb_it(north: Side) -> None:
    await fill(north, 2_000)
    told: list[asyncio.Task[int]] = []

    def more(done: int, of: int) -> None:
        told.append(asyncio.create_task(north.say(*(b"meanwhile %d" % n for n in range(100)))))

    found = await check(north.record, clock=SystemClock(), progress=more)
    assert found.size == 2_000
    assert len(await asyncio.gather(*told)) == 2
    assert (await checked(north)).size == 2_200


async def test_cosignatures_of_known_witnesses_are_checked_too(north: Side, south: Side) -> None:
    await north.say_many(2)
    await north.ask(south)
    (row,) = await north.store.read(lambda tx: Witnessed(tx).last_of_all())
    for column, old, new in (
        ("line", row.line, row.line.replace("A", "B")),
        ("line", row.line, "nonsense"),
        ("time", row.time, row.time + 1),
    ):
        await do(north, f"UPDATE record_cosignature SET {column} = :new", new=new)
        await checked(north)
        with pytest.raises(RecordDamaged, match="cosigned"):
            await check(north.record, clock=SystemClock(), witnesses=[south.witness.key])
        await do(north, f"UPDATE record_cosignature SET {column} = :old", old=old)
    found = await check(north.record, clock=SystemClock(), witnesses=[south.witness.key])
    assert found.cosigned == 1
