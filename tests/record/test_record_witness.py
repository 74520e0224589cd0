"""The witness: what it cosigns, what it refuses with which answer, what it keeps as evidence."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.record.logs import KEYS, LOGS, NOON, Side, close

from tansiq.errors import (
    BadInput,
    BadSignature,
    LogForked,
    NotFound,
    ProofFailed,
    RecordDamaged,
    SizeConflict,
    TansiqError,
)
from tansiq.formats.checkpoint import (
    AddCheckpoint,
    Checkpoint,
    Cosignature,
    check_cosignature,
    open_checkpoint,
    parse_add_checkpoint,
    sign_checkpoint,
)
from tansiq.services.record.witness import judge
from tansiq.settings import Limits
from tansiq.storage.witness import HeldRow, Witnessed

pytestmark = pytest.mark.anyio
LOG = LOGS["north/log"]


@pytest.fixture
async def sides(store_kind: str, tmp_path: Path) -> AsyncIterator[dict[str, Side]]:
    """North has a log, and again another one with the same key; South is its witness."""
    limits = Limits(record_evidence_max=3)
    made = {
        "north": Side.open("north", tmp_path / "north.db"),
        "again": Side.open("north", tmp_path / "again.db"),
        "south": Side.open("south", tmp_path / "south.db", limits=limits),
    }
    yield made
    await close(made.values())


async def handed(side: Side, old: int, size: int) -> AddCheckpoint:
    return AddCheckpoint(
        old_size=old,
        hashes=await side.record.consistency(old, size),
        checkpoint=await side.record.checkpoint(size),
    )


async def test_a_log_that_grows_is_cosigned_again_and_again(sides: dict[str, Side]) -> None:
    north, south = sides["north"], sides["south"]
    for count in (0, 1, 0, 2, 300, 7):
        await north.say_many(count)
        assert await north.ask(south) == (Cosignature("south/witness", int(NOON.timestamp())),)
    held = await south.witness.held("north/log")
    assert held is not None
    assert held.size == 310


async def test_our_cosignature_is_over_the_text_and_is_ours(sides: dict[str, Side]) -> None:
    north, south = sides["north"], sides["south"]
    await north.say_many(2)
    given = await south.witness.accept((await handed(north, 0, 2)).encode(), now=NOON)
    text = open_checkpoint(await north.record.checkpoint(), LOG).checkpoint.text()
    assert check_cosignature(text, given, south.witness.key).name == "south/witness"


async def test_the_answer_to_a_wrong_old_size_says_the_right_one(sides: dict[str, Side]) -> None:
    north, south = sides["north"], sides["south"]
    await north.say_many(5)
    await south.witness.accept((await handed(north, 0, 3)).encode(), now=NOON)
    for old in (0, 2, 4):
        with pytest.raises(SizeConflict) as told:
            await south.witness.accept((await handed(north, old, 5)).encode(), now=NOON)
        assert told.value.size == 3
    # Without knowing: ask from nothing, then from what it says.
    await north.ask(south, old=told.value.size)
    # One that is older than what is held, as after a lost answer.
    with pytest.raises(SizeConflict) as told:
        await south.witness.accept((await handed(north, 0, 3)).encode(), now=NOON)
    assert told.value.size == 5


async def refusal(side: Side, body: bytes) -> TansiqError:
    with pytest.raises(TansiqError) as told:
        await side.witness.accept(body, now=NOON)
    return told.value


async def test_what_is_refused_leaves_what_is_held(sides: dict[str, Side]) -> None:
    north, south = sides["north"], sides["south"]
    await north.say_many(9)
    await south.witness.accept((await handed(north, 0, 4)).encode(), now=NOON)
    good = await handed(north, 4, 9)
    spoilt = (bytes(32), *good.hashes[1:])
    unsigned = Checkpoint(origin="north/log", size=9, root=bytes(32))
    stranger = Checkpoint(origin="west/log", size=9, root=bytes(32))
    cases = [
        (BadInput, AddCheckpoint(old_size=10, hashes=(), checkpoint=good.checkpoint)),
        (ProofFailed, AddCheckpoint(old_size=4, hashes=spoilt, checkpoint=good.checkpoint)),
        (ProofFailed, AddCheckpoint(old_size=4, hashes=(), checkpoint=good.checkpoint)),
        (
            BadSignature,
            AddCheckpoint(
                old_size=4, hashes=(), checkpoint=sign_checkpoint(unsigned, KEYS["south"])
            ),
        ),
        (
            NotFound,
            AddCheckpoint(
                old_size=0, hashes=(), checkpoint=sign_checkpoint(stranger, KEYS["north"])
            ),
        ),
        (BadInput, AddCheckpoint(old_size=4, hashes=(), checkpoint=b"nonsense")),
    ]
    for kind, body in cases:
        assert type(await refusal(south, body.encode())) is kind
    assert isinstance(await refusal(south, b"nonsense"), BadInput)
    held = await south.witness.held("north/log")
    assert held is not None
    assert held.size == 4
    await north.ask(south, old=4)


async def test_from_nothing_there_are_no_hashes(sides: dict[str, Side]) -> None:
    north, south = sides["north"], sides["south"]
    await north.say_many(2)
    good = await handed(north, 0, 2)
    extra = AddCheckpoint(old_size=0, hashes=(bytes(32),), checkpoint=good.checkpoint)
    assert isinstance(await refusal(south, extra.encode()), ProofFailed)


async def test_the_same_again_is_cosigned_again(sides: dict[str, Side]) -> None:
    north, south = sides["north"], sides["south"]
    await north.say_many(2)
    await north.ask(south)
    body = await handed(north, 2, 2)
    assert await south.witness.accept(body.encode(), now=NOON)
    needless = AddCheckpoint(old_size=2, hashes=(bytes(32),), checkpoint=body.checkpoint)
    assert isinstance(await refusal(south, needless.encode()), ProofFailed)
    assert await south.witness.evidence() == []


async def test_a_forked_log_is_kept_as_evidence(sides: dict[str, Side]) -> None:
    north, again, south = sides["north"], sides["again"], sides["south"]
    await north.say_many(3)
    await again.say_many(2)
    await again.say(b"something else")
    await north.ask(south)
    # Whatever it claims to follow from: the two signatures are enough.
    for old in (0, 3):
        with pytest.raises(LogForked, match="two roots of 3 entries"):
            await south.witness.accept((await handed(again, old, 3)).encode(), now=NOON)
    (kept,) = await south.witness.evidence()
    assert (kept.origin, kept.kind) == ("north/log", "fork")
    both = [open_checkpoint(data, LOG).checkpoint for data in (kept.held, kept.given)]
    assert both[0].size == both[1].size
    assert both[0].root != both[1].root


async def test_a_fork_that_has_grown_cannot_prove_itself(sides: dict[str, Side]) -> None:
    north, again, south = sides["north"], sides["again"], sides["south"]
    await north.say_many(3)
    await north.ask(south)
    for number in range(6):
        await again.say(b"other %d" % number)
    for size in (4, 5, 6, 6):
        body = await handed(again, 3, size)
        assert isinstance(await refusal(south, body.encode()), ProofFailed)
    kept = await south.witness.evidence()
    assert [open_checkpoint(row.given, LOG).checkpoint.size for row in kept] == [4, 5, 6]
    assert {row.kind for row in kept} == {"unproven"}


async def test_evidence_is_bounded(sides: dict[str, Side]) -> None:
    north, again, south = sides["north"], sides["again"], sides["south"]
    await north.say_many(1)
    await north.ask(south)
    await again.say_many(9)
    await again.say(b"x")
    for size in range(2, 10):
        spoilt = AddCheckpoint(
            old_size=1, hashes=(), checkpoint=await again.record.checkpoint(size)
        )
        await refusal(south, spoilt.encode())
    assert len(await south.witness.evidence()) == 3


async def test_signatures_of_others_beside_it_make_no_second_evidence(
    sides: dict[str, Side],
) -> None:
    north, again, south = sides["north"], sides["again"], sides["south"]
    await north.say_many(1)
    await north.ask(south)
    await again.say(b"other")
    body = await handed(again, 1, 1)
    for more in ("", "— nobody AAAAAAAA\n"):
        dressed = AddCheckpoint(old_size=1, hashes=(), checkpoint=body.checkpoint + more.encode())
        assert isinstance(await refusal(south, dressed.encode()), LogForked)
    assert len(await south.witness.evidence()) == 1


async def careless(south: Side, body: bytes, looked: asyncio.Barrier) -> int:
    """The broken control: looks at what is held in one transaction, and writes in another.

    All look before any writes, and the smallest writes last: whatever the machine's pace.
    """
    asked = parse_add_checkpoint(body)
    told = open_checkpoint(asked.checkpoint, LOG).checkpoint
    wrong = judge(await south.witness.held("north/log"), asked, told)
    if wrong is not None:
        raise wrong
    await looked.wait()
    await asyncio.sleep(0.01 * (12 - told.size))
    row = HeldRow(told.size, told.root, asked.checkpoint, 0)
    await south.store.write(lambda tx: Witnessed(tx).hold("north/log", row))
    return told.size


@pytest.mark.parametrize("control", [False, True], ids=["one transaction", "control"])
async def test_of_many_at_once_none_rolls_the_size_back(
    sides: dict[str, Side], *, control: bool
) -> None:
    """The race of the specification: a smaller size stored over a larger one."""
    north, south = sides["north"], sides["south"]
    await north.say_many(12)
    await south.witness.accept((await handed(north, 0, 1)).encode(), now=NOON)
    sizes = list(range(12, 1, -1))
    bodies = [(await handed(north, 1, size)).encode() for size in sizes]
    looked = asyncio.Barrier(len(bodies))

    async def each(body: bytes) -> int | str:
        if control:
            return await careless(south, body, looked)
        return (await south.witness.accept(body, now=NOON)).line()

    answers = await asyncio.gather(*map(each, bodies), return_exceptions=True)
    given = [n for n, a in zip(sizes, answers, strict=True) if not isinstance(a, Exception)]
    held = await south.witness.held("north/log")
    assert held is not None
    assert (held.size < max(given)) is control
    assert all(isinstance(a, SizeConflict) for a in answers if isinstance(a, Exception))


async def test_no_bit_of_what_is_held_can_change(sides: dict[str, Side]) -> None:
    north, south = sides["north"], sides["south"]
    await north.say_many(2)
    await north.ask(south)
    await south.witness.check()
    held = await south.witness.held("north/log")
    assert isinstance(held, HeldRow)
    for column in ("checkpoint", "root"):
        value = getattr(held, column)
        for bit in range(len(value) * 8):
            changed = bytearray(value)
            changed[bit // 8] ^= 1 << bit % 8
            await put(south, column, bytes(changed))
            with pytest.raises(RecordDamaged):
                await south.witness.check()
        await put(south, column, value)
    for bit in range(63):
        await put(south, "size", held.size ^ 1 << bit)
        with pytest.raises(RecordDamaged):
            await south.witness.check()
    await put(south, "size", held.size)
    await south.witness.check()


async def put(side: Side, column: str, value: bytes | int) -> None:
    sql = f"UPDATE record_witnessed SET {column} = :value"
    await side.store.write(lambda tx: tx.execute(sql, {"value": value}))
