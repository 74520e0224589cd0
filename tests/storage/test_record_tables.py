"""The record's tables over a real file, against the plain tree of the domain."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from stores import AnyStore, open_store
from tansiq.domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    full_root,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tansiq.errors import BadInput, NotFound, RecordDamaged, StoreError
from tansiq.storage.record import (
    TILE_WIDTH,
    EntryRow,
    RecordLog,
    split,
    tiles_of,
)
from tansiq.storage.store import NOTHING, Parameters, Row, Tx
from tansiq.storage.witness import CosignatureRow, EvidenceKind, HeldRow, Witnessed

pytestmark = pytest.mark.anyio
SEED = 20_261_128


@pytest.fixture
async def store(store_kind: str, tmp_path: Path) -> AsyncIterator[AnyStore]:
    opened = open_store(tmp_path / "store.db")
    yield opened
    await opened.close()


def body(number: int) -> bytes:
    return b"entry %d" % number


async def fill(store: AnyStore, upto: int, *, at_once: int = 1_000) -> None:
    """Append numbered entries, one second apart, until there are so many."""

    async def some(tx: Tx) -> int:
        log = RecordLog(tx)
        size = (await log.head()).size
        numbers = range(size, min(size + at_once, upto))
        if numbers:
            await log.append_all([("note", body(n)) for n in numbers], time=size * 1_000_000)
        return size + len(numbers)

    while await store.write(some) < upto:
        pass


def trees(upto: int) -> list[Frontier]:
    found = [Frontier()]
    for number in range(upto):
        found.append(found[-1].append(leaf_hash(body(number))))
    return found


async def test_an_empty_record_has_the_empty_root(store: AnyStore) -> None:
    head = await store.read(lambda tx: RecordLog(tx).head())
    assert (head.size, head.root()) == (0, EMPTY_ROOT)
    assert await store.read(lambda tx: RecordLog(tx).consistency_proof(0, 0)) == ()
    with pytest.raises(NotFound):
        await store.read(lambda tx: RecordLog(tx).tile(0, 0, width=1))


async def test_entries_come_back_as_they_went_in(store: AnyStore) -> None:
    assert await store.write(lambda tx: RecordLog(tx).append("note", b"one", time=7)) == 0
    assert await store.write(lambda tx: RecordLog(tx).append("gap", b"", time=5)) == 1
    rows = await store.read(lambda tx: RecordLog(tx).entries(0, 9))
    assert [(r.seq, r.time, r.kind, r.body) for r in rows] == [
        (0, 7, "note", b"one"),
        (1, 5, "gap", b""),
    ]
    assert all(row.is_whole() for row in rows)
    assert rows[0].leaf == leaf_hash(b"one")


async def test_a_transaction_that_fails_leaves_no_entry(store: AnyStore) -> None:
    async def fails(tx: Tx) -> None:
        await RecordLog(tx).append("note", b"gone", time=1)
        raise BadInput("as planned")

    with pytest.raises(BadInput):
        await store.write(fails)
    assert await store.write(lambda tx: RecordLog(tx).append("note", b"kept", time=1)) == 0


SIZES = [1, 2, 3, 255, 256, 257, 511, 512, 513, 700]


@pytest.mark.parametrize("at_once", [1, 3, 256, 1_000])
async def test_heads_of_every_size_and_tiles_are_those_of_the_plain_tree(
    store: AnyStore, at_once: int
) -> None:
    plain = trees(max(SIZES))
    for size in SIZES:
        await fill(store, size, at_once=at_once)
        assert await store.read(lambda tx: RecordLog(tx).head()) == plain[size]
    for size in range(max(SIZES) + 1):
        assert await store.read(lambda tx, n=size: RecordLog(tx).head_at(n)) == plain[size]
    extent = await store.read(lambda tx: RecordLog(tx).extent())
    assert (extent.strays, extent.tiles) == (0, tiles_of(700)) == (0, 2)
    for tile, width in ((0, 256), (1, 256), (2, 188)):
        found = await store.read(lambda tx, n=tile, w=width: RecordLog(tx).tile(0, n, width=w))
        first = tile * TILE_WIDTH
        assert split(found) == [leaf_hash(body(first + n)) for n in range(width)]
    above = await store.read(lambda tx: RecordLog(tx).tile(1, 0, width=2))
    assert split(above) == [
        full_root([leaf_hash(body(first + n)) for n in range(TILE_WIDTH)]) for first in (0, 256)
    ]


@pytest.mark.parametrize(
    ("level", "tile", "width"),
    [(0, 2, 189), (0, 2, None), (0, 3, 1), (1, 0, 3), (2, 0, 1), (-1, 0, 1), (8, 0, 1), (0, -1, 1),
     (0, 0, 0), (0, 0, 257)],
)  # fmt: skip
async def test_tiles_that_are_not_there(
    store: AnyStore, level: int, tile: int, width: int | None
) -> None:
    await fill(store, 700)
    with pytest.raises(NotFound):
        await store.read(lambda tx: RecordLog(tx).tile(level, tile, width=width))


async def test_proofs_of_a_large_record_hold_and_read_little(store: AnyStore) -> None:
    """Past the first tile of the second level, at every kind of border."""
    size = 65_536 + 300
    await fill(store, size)
    plain = trees(size)
    rng = random.Random(SEED)
    borders = [0, 1, 255, 256, 65_279, 65_280, 65_535, 65_536, 65_791, 65_792, size - 1]
    for index in [*borders, *(rng.randrange(size) for _ in range(40))]:
        at = rng.choice([index + 1, size, rng.randrange(index + 1, size + 1)])
        counted = Counting()
        proof = await store.read(counted.over(lambda log, i=index, n=at: log.inclusion_proof(i, n)))
        verify_inclusion(leaf_hash(body(index)), index, at, plain[at].root(), proof=proof)
        assert counted.statements <= 2 * 3 + 1, "tiles of one proof, and the head"
        old = max(1, index)
        proof = await store.read(lambda tx, o=old, n=at: RecordLog(tx).consistency_proof(o, n))
        verify_consistency(old, plain[old].root(), at, plain[at].root(), proof=proof)
        assert await store.read(lambda tx, n=index: RecordLog(tx).head_at(n)) == plain[index]
    assert len(split(await store.read(lambda tx: RecordLog(tx).tile(1, 0)))) == TILE_WIDTH
    assert len(split(await store.read(lambda tx: RecordLog(tx).tile(2, 0, width=1)))) == 1


class Counting:
    """Passes a transaction on, and counts its statements."""

    def __init__(self) -> None:
        self.statements = 0
        self.rows = 0
        self._tx: Tx | None = None

    def over(
        self, fn: Callable[[RecordLog], Awaitable[tuple[bytes, ...]]]
    ) -> Callable[[Tx], Awaitable[tuple[bytes, ...]]]:
        async def counted(tx: Tx) -> tuple[bytes, ...]:
            self._tx = tx
            return await fn(RecordLog(self))

        return counted

    @property
    def tx(self) -> Tx:
        assert self._tx is not None
        return self._tx

    def wrap(self, tx: Tx) -> "Counting":
        self._tx = tx
        return self

    async def fetch(self, sql: str, parameters: Parameters = NOTHING) -> list[Row]:
        self.statements += 1
        return await self.tx.fetch(sql, parameters)

    async def fetch_one(self, sql: str, parameters: Parameters = NOTHING) -> Row | None:
        self.statements += 1
        return await self.tx.fetch_one(sql, parameters)

    async def execute(self, sql: str, parameters: Parameters = NOTHING) -> int:
        self.statements += 1
        return await self.tx.execute(sql, parameters)

    async def execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        self.statements += 1
        self.rows += len(rows)
        await self.tx.execute_many(sql, rows)

    async def lock(self, keys: Sequence[int]) -> None:
        await self.tx.lock(keys)


async def test_appending_costs_a_read_an_update_and_an_insert(store: AnyStore) -> None:
    """Each 256th entry writes its tile besides, from one more read."""
    costs = []
    for number in range(520):
        counted = Counting()
        await store.write(
            lambda tx, c=counted, n=number: RecordLog(c.wrap(tx)).append("note", body(n), time=n)
        )
        costs.append(counted.statements)
    assert [n for n, cost in enumerate(costs, start=1) if cost != 3] == [256, 512]
    assert max(costs) == 5


async def test_pages_by_time_miss_nothing_where_the_clock_stepped_back(store: AnyStore) -> None:
    times = [5, 5, 3, 9, 5, 1, 9]
    for number, time in enumerate(times):
        await store.write(
            lambda tx, n=number, t=time: RecordLog(tx).append("note", body(n), time=t)
        )
    found: list[EntryRow] = []
    after = (3, -1)
    while page := await store.read(
        lambda tx, a=after: RecordLog(tx).within(after=a, until=5, limit=2)
    ):
        found += page
        after = (page[-1].time, page[-1].seq)
    assert [(row.time, row.seq) for row in found] == [(3, 2), (5, 0), (5, 1), (5, 4)]


@pytest.mark.parametrize("size", [-1, 6])
async def test_heads_that_there_never_were(store: AnyStore, size: int) -> None:
    await fill(store, 5)
    with pytest.raises(BadInput):
        await store.read(lambda tx: RecordLog(tx).head_at(size))


async def test_proofs_of_what_is_not_there(store: AnyStore) -> None:
    await fill(store, 5)
    for index, size in ((5, 5), (0, 6), (-1, 5)):
        with pytest.raises(BadInput):
            await store.read(lambda tx, i=index, n=size: RecordLog(tx).inclusion_proof(i, n))
    for old, new in ((6, 5), (1, 6), (0, 6)):
        with pytest.raises(BadInput):
            await store.read(lambda tx, o=old, n=new: RecordLog(tx).consistency_proof(o, n))


async def test_a_head_that_moved_meanwhile_stops_the_append(store: AnyStore) -> None:
    """What a second writer on another machine would meet; here the old head is handed in."""

    class Stale(RecordLog):
        async def head(self) -> Frontier:
            return Frontier()

    await fill(store, 1)
    with pytest.raises(StoreError, match="meanwhile"):
        await store.write(lambda tx: Stale(tx).append("note", b"x", time=1))
    assert (await store.read(lambda tx: RecordLog(tx).head())).size == 1


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE record_head SET size = 7",
        "UPDATE record_head SET frontier = X'00'",
        "DELETE FROM record_head",
    ],
)
async def test_a_head_that_cannot_be_is_told(store: AnyStore, spoil: str) -> None:
    await fill(store, 5)
    await store.write(lambda tx: tx.execute(spoil))
    with pytest.raises(RecordDamaged):
        await store.read(lambda tx: RecordLog(tx).head())
    with pytest.raises(RecordDamaged):
        await store.write(lambda tx: RecordLog(tx).append("note", b"x", time=1))


async def test_missing_rows_make_no_proof(store: AnyStore) -> None:
    await fill(store, 300)
    await store.write(lambda tx: tx.execute("DELETE FROM record_entry WHERE seq = 290"))
    await store.write(lambda tx: tx.execute("DELETE FROM record_tile"))
    for index in (0, 299):
        with pytest.raises(RecordDamaged):
            await store.read(lambda tx, i=index: RecordLog(tx).inclusion_proof(i, 300))


async def test_what_is_known_of_other_logs_and_of_ours(store: AnyStore) -> None:
    first = HeldRow(1, bytes(32), b"checkpoint 1", 10)
    second = HeldRow(2, bytes(32), b"checkpoint 2", 20)

    async def meet(tx: Tx) -> None:
        known = Witnessed(tx)
        assert await known.held("south/log") is None
        await known.hold("south/log", first)
        await known.hold("south/log", second)
        assert await known.held("south/log") == second
        for given in (first, first, second, HeldRow(3, bytes(32), b"checkpoint 3", 30)):
            await known.accuse(EvidenceKind.FORK, first, given, origin="south/log", most=2)
        rows = await known.evidence()
        assert [(row.held, row.given) for row in rows] == [
            (b"checkpoint 1", b"checkpoint 1"),
            (b"checkpoint 1", b"checkpoint 2"),
        ]
        assert await known.last("east") is None
        assert await known.first_from(0) == []
        for witness, size in (("east", 3), ("west", 3), ("east", 9), ("east", 3)):
            await known.keep(CosignatureRow(witness, size, b"c", f"— {witness}", 1))
        last = await known.last("east")
        assert last is not None
        assert last.size == 9
        assert [(r.witness, r.size) for r in await known.last_of_all()] == [
            ("east", 9),
            ("west", 3),
        ]
        assert [(r.witness, r.size) for r in await known.first_from(2)] == [
            ("east", 3),
            ("west", 3),
        ]
        assert [(r.witness, r.size) for r in await known.first_from(4)] == [("east", 9)]
        assert await known.first_from(10) == []

    await store.write(meet)
