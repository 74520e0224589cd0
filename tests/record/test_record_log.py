"""Our own log: appended, signed, proven, cosigned, and held against what others have seen."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.record.logs import KEYS, LOGS, NOON, Side, close

from stores import only_sqlite
from tansiq.domain.merkle import leaf_hash, verify_consistency, verify_inclusion
from tansiq.errors import (
    BadInput,
    BadSignature,
    NotFound,
    RecordRolledBack,
    TooLarge,
)
from tansiq.formats.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint, verify_proof
from tansiq.settings import Limits
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
LOG = LOGS["north/log"]


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


async def test_checkpoints_are_of_what_is_committed(north: Side) -> None:
    seen: list[int] = []

    async def fails(tx: Tx) -> None:
        await north.record.append(tx, "note", b"never", now=NOON)
        seen.append((await north.record.head(tx)).size)
        raise BadInput("as planned")

    await north.say(b"one")
    with pytest.raises(BadInput):
        await north.store.write(fails)
    assert seen == [2]
    opened = open_checkpoint(await north.record.checkpoint(), LOG)
    assert (opened.checkpoint.origin, opened.checkpoint.size) == ("north/log", 1)
    assert opened.checkpoint.root == leaf_hash(b"one")


async def test_checkpoints_of_past_sizes_are_consistent(north: Side) -> None:
    size = await north.say_many(300)
    newest = open_checkpoint(await north.record.checkpoint(), LOG).checkpoint
    for old in (1, 255, 256, 257, 299, size):
        past = open_checkpoint(await north.record.checkpoint(old), LOG).checkpoint
        proof = await north.record.consistency(old, size)
        verify_consistency(old, past.root, size, newest.root, proof=proof)
    with pytest.raises(BadInput):
        await north.record.checkpoint(size + 1)


async def test_proofs_of_any_past_size_hold(north: Side) -> None:
    size = await north.say_many(300)
    for index, at in ((0, 1), (0, 256), (255, 256), (256, 257), (299, size)):
        told = open_checkpoint(await north.record.checkpoint(at), LOG).checkpoint
        leaf = leaf_hash(b"north says %d" % index)
        proof = await north.record.inclusion(index, at)
        verify_inclusion(leaf, index, at, told.root, proof=proof)


async def test_a_proof_leads_to_the_first_checkpoint_that_was_cosigned(
    north: Side, south: Side
) -> None:
    await north.say(b"zero", b"one")
    await north.ask(south, now=NOON)
    await north.say(b"two")
    await north.ask(south, now=NOON + timedelta(seconds=60))
    await north.say(b"three")
    for index, size, seconds in ((1, 2, 0), (2, 3, 60)):
        proof = await north.record.proof(index)
        entry = [b"zero", b"one", b"two"][index]
        opened = verify_proof(proof, entry, LOG, [south.witness.key])
        assert opened.checkpoint.size == size
        ((name, time_s),) = [(each.name, each.time_s) for each in opened.cosignatures]
        assert (name, time_s) == ("south/witness", int(NOON.timestamp()) + seconds)
    opened = verify_proof(await north.record.proof(3), b"three", LOG, [south.witness.key])
    assert (opened.checkpoint.size, opened.cosignatures) == (4, ())
    with pytest.raises(BadInput):
        await north.record.proof(4)


async def test_several_witnesses_of_one_checkpoint_stand_in_one_proof(
    north: Side, south: Side, tmp_path: Path
) -> None:
    east = Side.open("east", tmp_path / "east.db")
    await north.say_many(3)
    await north.ask(south)
    await north.ask(east)
    keys = [south.witness.key, east.witness.key]
    body = b"north says 0"
    opened = verify_proof(await north.record.proof(0), body, LOG, keys)
    assert sorted(each.name for each in opened.cosignatures) == ["east/witness", "south/witness"]
    await close([east])


async def test_entries_are_limited(store_kind: str, tmp_path: Path) -> None:
    limits = Limits(record_entry_bytes_max=10, record_page_max=2)
    side = Side.open("north", tmp_path / "small.db", limits=limits)
    await side.say(b"x" * 10)
    with pytest.raises(TooLarge, match="10 at most"):
        await side.say(b"x" * 11)
    await side.say(b"1", b"2")
    assert [row.body for row in await side.record.entries(0, 9)] == [b"x" * 10, b"1"]
    page = await side.record.within(NOON, NOON + timedelta(hours=1))
    assert [row.seq for row in page] == [0, 1]
    after = (page[-1].time, page[-1].seq)
    later = await side.record.within(NOON, NOON + timedelta(hours=1), after=after)
    assert [row.seq for row in later] == [2]
    await close([side])


async def test_a_window_of_time_is_closed(north: Side) -> None:
    await north.say_many(5)
    since, until = NOON + timedelta(seconds=1), NOON + timedelta(seconds=3)
    assert [r.seq for r in await north.record.within(since, until)] == [1, 2, 3]
    step = timedelta(microseconds=1)
    assert [r.seq for r in await north.record.within(since + step, until - step)] == [2]


async def test_tiles_are_served(north: Side) -> None:
    await north.say_many(257)
    assert len(await north.record.tile(0, 0)) == 8_192
    assert await north.record.tile(0, 1, width=1) == leaf_hash(b"north says 256")
    with pytest.raises(NotFound):
        await north.record.tile(0, 1)


async def test_only_true_cosignatures_on_our_own_checkpoints_are_kept(
    north: Side, south: Side
) -> None:
    await north.say_many(3)
    handed = await north.record.to_witness("south/witness")
    line = (await south.witness.accept(handed.encode(), now=NOON)).line()
    key = south.witness.key
    with pytest.raises(BadSignature, match="known witness"):
        await north.record.keep(handed.checkpoint, line, [])
    with pytest.raises(BadSignature, match="does not fit"):
        await north.record.keep(await north.record.checkpoint(2), line, [key])
    with pytest.raises(BadInput):
        await north.record.keep(handed.checkpoint, "nonsense\n", [key])
    other = Checkpoint(origin="south/log", size=0, root=(await empty(south)))
    with pytest.raises(BadSignature):
        await north.record.keep(sign_checkpoint(other, KEYS["south"]), line, [key])
    assert len(await north.record.keep(handed.checkpoint, line, [key])) == 1
    assert (await north.record.to_witness("south/witness")).old_size == 3


async def empty(side: Side) -> bytes:
    return (await side.store.read(side.record.head)).root()


# Rolled back and forked


def copy_of(side: Side, path: Path) -> None:
    """Copy a store as a backup does, with what is not in the main file yet."""
    for suffix in ("", "-wal"):
        if (source := side.path.with_name(side.path.name + suffix)).exists():
            shutil.copy(source, path.with_name(path.name + suffix))


@only_sqlite  # The copy is one of its files.
async def test_an_old_copy_that_was_put_back_is_noticed(
    north: Side, south: Side, tmp_path: Path
) -> None:
    await north.say_many(4)
    await north.ask(south)
    copy_of(north, tmp_path / "backup.db")
    await north.say(b"said after the copy")
    await north.ask(south)
    restored = Side.open("north", tmp_path / "backup.db")
    held = await south.witness.held("north/log")
    assert held is not None
    await north.record.compare("South", held.checkpoint)
    with pytest.raises(RecordRolledBack, match=r"5 entries, and our record has 4: .*newest copy"):
        await restored.record.compare("South", held.checkpoint)
    # It goes on, and gets as large as what was seen: now the root tells.
    await restored.say(b"said instead")
    with pytest.raises(RecordRolledBack, match="another root"):
        await restored.record.compare("South", held.checkpoint)
    await restored.say(b"and more")
    with pytest.raises(RecordRolledBack, match="another root"):
        await restored.record.compare("South", held.checkpoint)
    await close([restored])


async def test_a_witness_that_holds_more_than_we_have_is_not_believed_without_proof(
    north: Side, south: Side
) -> None:
    await north.say_many(2)
    with pytest.raises(BadInput):
        await north.record.to_witness("south/witness", old=3)
    forged = Checkpoint(origin="north/log", size=3, root=bytes(32))
    with pytest.raises(BadSignature):
        await north.record.compare("South", sign_checkpoint(forged, KEYS["south"]))
