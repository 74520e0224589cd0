"""The record's tables: entries, the head that grows with them, full tiles; proofs from them.

Appending reads and writes the head and inserts the entry; every 256th entry fills a tile, and
every 256th tile one above it. What is between is computed: a hash of the tree is found in one tile,
or in the rows that have not filled one. Layout of tiles: ``c2sp.org/tlog-tiles``.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tansiq.domain import merkle
from tansiq.domain.merkle import HASH_BYTES, Frontier, Node, Span, full_root, leaf_hash
from tansiq.domain.subset import subset_spans
from tansiq.errors import BadInput, NotFound, RecordDamaged, StoreError
from tansiq.storage.store import Row, Tx

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
TILE_LEVEL_MAX: Final = 7
"""The highest level that a record of 2**63 entries has."""
_SEAL_BYTES: Final = 16

_HEAD = "SELECT size, frontier FROM record_head"

# Only from the head that was read: two writers who both read 7 must not both write entry 7.
_MOVE_HEAD = """
UPDATE record_head SET size = :size, frontier = :frontier WHERE size = :was
"""

_ADD = """
INSERT INTO record_entry (seq, time, kind, leaf, seal, body)
VALUES (:seq, :time, :kind, :leaf, :seal, :body)
"""

_ADD_TILE = """
INSERT INTO record_tile (level, tile, root, hashes) VALUES (:level, :tile, :root, :hashes)
"""

_LEAVES = "SELECT leaf FROM record_entry WHERE seq >= :first AND seq < :beyond ORDER BY seq"

_ROOTS = """
SELECT root FROM record_tile
 WHERE level = :level AND tile >= :first AND tile < :beyond
 ORDER BY tile
"""

_TILE = "SELECT hashes FROM record_tile WHERE level = :level AND tile = :tile"

_TILES = """
SELECT tile, root, hashes FROM record_tile
 WHERE level = :level AND tile >= :first AND tile < :beyond
 ORDER BY tile
"""

_ENTRIES = """
SELECT seq, time, kind, leaf, seal, body FROM record_entry
 WHERE seq >= :first AND seq < :beyond
 ORDER BY seq
"""

_WITHIN = """
SELECT seq, time, kind, leaf, seal, body FROM record_entry
 WHERE (time, seq) > (:time, :seq) AND time <= :until
 ORDER BY time, seq
 LIMIT :limit
"""

_STRAYS = "SELECT COUNT(*) FROM record_entry WHERE seq < 0 OR seq >= :size"

_TILE_COUNT = "SELECT COUNT(*) FROM record_tile"


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry as it is stored; ``time`` is when it was appended, microseconds UTC."""

    seq: int
    time: int
    kind: str
    leaf: bytes
    seal: bytes
    body: bytes

    def is_whole(self) -> bool:
        """Report whether the row is as it was written."""
        seal = seal_of(self.seq, time=self.time, kind=self.kind, leaf=self.leaf)
        return self.leaf == leaf_hash(self.body) and self.seal == seal


@dataclass(frozen=True, slots=True)
class TileRow:
    """One full tile of a level, with the root over it."""

    tile: int
    root: bytes
    hashes: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """The head, and what there is besides: entries outside of it, tiles in all."""

    head: Frontier
    strays: int
    tiles: int


def seal_of(seq: int, *, time: int, kind: str, leaf: bytes) -> bytes:
    """Return the check value over what the leaf does not hold."""
    sealed = f"{seq}\n{time}\n{kind}\n".encode() + leaf
    return hashlib.sha256(sealed).digest()[:_SEAL_BYTES]


def tiles_of(size: int) -> int:
    """Count the full tiles of a record of ``size`` entries, all levels together."""
    return sum(size >> TILE_HEIGHT * level for level in range(1, TILE_LEVEL_MAX + 2))


class RecordLog:
    """The record's entries, head and tiles, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    # Appending

    async def append(self, kind: str, body: bytes, *, time: int) -> int:
        """Store one entry and return its index; see ``append_all``."""
        return await self.append_all([(kind, body)], time=time)

    async def append_all(self, entries: Sequence[tuple[str, bytes]], *, time: int) -> int:
        """Store entries, kind and body of each, in this order; return the index of the first.

        Raises:
            StoreError: another transaction appended in between.
            RecordDamaged: the head is not one.
        """
        tree = await self.head()
        was, rows = tree.size, []
        for kind, body in entries:
            leaf = leaf_hash(body)
            seal = seal_of(tree.size, time=time, kind=kind, leaf=leaf)
            row = {"seq": tree.size, "time": time, "kind": kind, "leaf": leaf, "seal": seal}
            rows.append(row | {"body": body})
            tree = tree.append(leaf)
        moved = {"size": tree.size, "frontier": b"".join(tree.hashes), "was": was}
        if await self._tx.execute(_MOVE_HEAD, moved) != 1:
            raise StoreError("another writer appended to the record meanwhile; nothing was written")
        await self._tx.execute_many(_ADD, rows)
        for tile in range(was // TILE_WIDTH, tree.size // TILE_WIDTH):
            await self._fill(tile)
        return was

    async def _fill(self, tile: int) -> None:
        """Write the tile that the last entry filled, and those above that it filled in turn."""
        for level in range(TILE_LEVEL_MAX + 1):
            hashes = await self._partial(level, tile, TILE_WIDTH)
            row = {"level": level, "tile": tile, "root": full_root(hashes)}
            await self._tx.execute(_ADD_TILE, row | {"hashes": b"".join(hashes)})
            tile, place = divmod(tile, TILE_WIDTH)
            if place != TILE_WIDTH - 1:
                return

    # The tree

    async def head(self) -> Frontier:
        """Return the tree over all entries.

        Raises:
            RecordDamaged: what is stored of it is none.
        """
        row = await self._tx.fetch_one(_HEAD)
        if row is None:
            raise RecordDamaged("the record has lost its head")
        return _frontier(int(row[0]), bytes(row[1]))

    async def head_at(self, size: int) -> Frontier:
        """Return the tree over the first ``size`` entries.

        Raises:
            BadInput: there are not so many.
        """
        head = await self.head()
        if not 0 <= size <= head.size:
            raise BadInput(f"{size} is not 0 to {head.size}, the record's size", field="size")
        if size == head.size:
            return head
        nodes = merkle.nodes_of((0, size))
        found = await self._nodes(nodes, head.size)
        return Frontier(size=size, hashes=tuple(found[node] for node in nodes))

    async def inclusion_proof(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that entry ``index`` is in the record as of ``size`` entries.

        Raises:
            BadInput: there are not so many, or the entry comes after them.
        """
        return await self._proof(merkle.inclusion_spans(index, size), size)

    async def subset_proof(self, indexes: Sequence[int], size: int) -> tuple[bytes, ...]:
        """Return the common proof that entries are in the record as of ``size`` entries.

        Raises:
            BadInput: there are not so many, or the entries are not ascending and among them.
        """
        return await self._proof(subset_spans(indexes, size), size)

    async def consistency_proof(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the record as of ``new`` entries begins with that of ``old``.

        From an empty record it has no hashes, as witnesses take it.

        Raises:
            BadInput: there are not so many, or ``old`` is the larger.
        """
        spans = merkle.consistency_spans(old, new) if old else []
        return await self._proof(spans, new)

    async def _proof(self, spans: list[Span], size: int) -> tuple[bytes, ...]:
        head = await self.head()
        if size > head.size:
            raise BadInput(f"{size} is above {head.size}, the record's size", field="size")
        nodes = [node for span in spans for node in merkle.nodes_of(span)]
        found = await self._nodes(nodes, head.size)
        return merkle.hashes_over(spans, lambda level, index: found[level, index])

    async def _nodes(self, nodes: Iterable[Node], size: int) -> dict[Node, bytes]:
        """Return hashes of complete subtrees; one row for each full tile that they are in."""
        by_tile: dict[tuple[int, int], list[Node]] = defaultdict(list)
        for level, index in nodes:
            height, within = divmod(level, TILE_HEIGHT)
            by_tile[height, (index << within) // TILE_WIDTH].append((level, index))
        found = {}
        for (height, tile), wanted in by_tile.items():
            hashes = await self._hashes(height, tile, size)
            for level, index in wanted:
                count = 1 << level % TILE_HEIGHT
                first = index * count % TILE_WIDTH
                found[level, index] = full_root(hashes[first : first + count])
        return found

    # Tiles

    async def tile(self, level: int, tile: int, *, width: int | None = None) -> bytes:
        """Return a tile's hashes; with a width, the first of them.

        Raises:
            NotFound: the record does not have them.
        """
        head = await self.head()
        known = 0 <= level <= TILE_LEVEL_MAX and tile >= 0
        there = min(_width(level, tile, head.size), TILE_WIDTH) if known else 0
        wanted = TILE_WIDTH if width is None else width
        if not 1 <= wanted <= there:
            raise NotFound(f"level {level} has {max(there, 0)} hashes in tile {tile}", field="tile")
        return b"".join((await self._hashes(level, tile, head.size))[:wanted])

    async def _hashes(self, level: int, tile: int, size: int) -> list[bytes]:
        """Return the hashes of a tile, as many as a record of ``size`` entries has."""
        width = _width(level, tile, size)
        if width < TILE_WIDTH:
            return await self._partial(level, tile, width)
        row = await self._tx.fetch_one(_TILE, {"level": level, "tile": tile})
        if row is None or len(row[0]) != TILE_WIDTH * HASH_BYTES:
            raise RecordDamaged(f"tile {tile} of level {level} is not there, or not whole")
        return split(bytes(row[0]))

    async def _partial(self, level: int, tile: int, width: int) -> list[bytes]:
        """Return the first hashes of a tile from what it is made of."""
        first = tile * TILE_WIDTH
        span: dict[str, object] = {"first": first, "beyond": first + width}
        if level == 0:
            rows = await self._tx.fetch(_LEAVES, span)
        else:
            rows = await self._tx.fetch(_ROOTS, span | {"level": level - 1})
        if len(rows) != width or any(len(row[0]) != HASH_BYTES for row in rows):
            raise RecordDamaged(f"below tile {tile} of level {level} hashes are missing")
        return [bytes(row[0]) for row in rows]

    # Reading

    async def entries(self, first: int, beyond: int) -> list[EntryRow]:
        """Return the entries from ``first`` up to, not including, ``beyond``."""
        rows = await self._tx.fetch(_ENTRIES, {"first": first, "beyond": beyond})
        return [_entry(row) for row in rows]

    async def within(self, *, after: tuple[int, int], until: int, limit: int) -> list[EntryRow]:
        """Return entries by time and index that follow ``after``, none later than ``until``."""
        page = {"time": after[0], "seq": after[1], "until": until, "limit": limit}
        return [_entry(row) for row in await self._tx.fetch(_WITHIN, page)]

    async def tiles(self, level: int, first: int, beyond: int) -> list[TileRow]:
        """Return the full tiles of a level from ``first`` up to, not including, ``beyond``."""
        span = {"level": level, "first": first, "beyond": beyond}
        return [TileRow(*row) for row in await self._tx.fetch(_TILES, span)]

    async def extent(self) -> Extent:
        """Return the head, and how much there is that it does not speak for.

        Raises:
            RecordDamaged: as ``head``.
        """
        head = await self.head()
        strays = await self._tx.fetch_one(_STRAYS, {"size": head.size})
        tiles = await self._tx.fetch_one(_TILE_COUNT)
        counts = [0 if row is None else int(row[0]) for row in (strays, tiles)]
        return Extent(head=head, strays=counts[0], tiles=counts[1])


def split(hashes: bytes) -> list[bytes]:
    """Return hashes one by one."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def _entry(row: Row) -> EntryRow:
    """Return an entry as columns were read; a file that somebody edited may hold other types."""
    match row:
        case (int(), int(), str(), bytes(), bytes(), bytes()):
            return EntryRow(*row)
    raise RecordDamaged(f"entry {row[0]} of the record holds something else than was written")


def _width(level: int, tile: int, size: int) -> int:
    """Return how many hashes the tile has, or has been passed by, in a record of ``size``."""
    return (size >> TILE_HEIGHT * level) - tile * TILE_WIDTH


def _frontier(size: int, hashes: bytes) -> Frontier:
    try:
        return Frontier(size=size, hashes=tuple(split(hashes)))
    except BadInput as error:
        raise RecordDamaged(f"the record's head cannot be: {error}") from error
