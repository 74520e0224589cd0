"""At start: every entry hashed again, and held against tiles, head, and what others have seen.

Shows what happened to the file. What its keeper rewrote as a whole, hashes and all, shows only
against a checkpoint that others hold: those that we kept are compared here, those that peers still
have by ``Record.compare``.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from tansiq.clock import Clock
from tansiq.domain.merkle import Frontier, full_root
from tansiq.errors import BadInput, BadSignature, RecordDamaged
from tansiq.formats.checkpoint import check_cosignature
from tansiq.formats.signed_note import VerifierKey, parse_signatures
from tansiq.services.record.log import KnownRecord
from tansiq.storage.record import (
    TILE_LEVEL_MAX,
    TILE_WIDTH,
    EntryRow,
    Extent,
    RecordLog,
    TileRow,
    tiles_of,
)
from tansiq.storage.store import Store, Tx
from tansiq.storage.witness import CosignatureRow, Witnessed

PAGE: Final = 4 * TILE_WIDTH
"""Entries that are read at once; of the longest, 67 MB."""

Progress = Callable[[int, int], None]
"""Told how many entries are done, of how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was found whole, and how fast."""

    size: int
    root: bytes
    cosigned: int
    """Witnesses whose last checkpoint of ours was compared."""
    seconds: float

    @property
    def entries_per_s(self) -> float:
        """Return the rate; zero where nothing took time."""
        return self.size / self.seconds if self.seconds > 0 else 0.0


async def check(
    record: KnownRecord,
    *,
    clock: Clock,
    witnesses: Collection[VerifierKey] = (),
    progress: Progress | None = None,
) -> Checked:
    """Hash the whole record again; raise at the first thing that is not as it was written.

    The last cosignature of each of these ``witnesses`` is verified as well.

    Raises:
        RecordDamaged: an entry, a tile or the head was changed.
        RecordRolledBack: a checkpoint that a witness cosigned is of another history.
    """
    began = clock.monotonic_s()
    try:
        extent = await record.store.read(lambda tx: RecordLog(tx).extent())
        _check_extent(extent)
        tree = await _rehash(record.store, extent.head.size, progress)
        if tree != extent.head:
            raise _damaged("the head is not that of the entries")
        cosigned = await _compare(record, witnesses)
    except UnicodeDecodeError as error:
        raise _damaged("a text in it is not UTF-8") from error
    return Checked(
        size=tree.size,
        root=tree.root(),
        cosigned=cosigned,
        seconds=clock.monotonic_s() - began,
    )


def _check_extent(extent: Extent) -> None:
    if extent.strays:
        raise _damaged(f"{extent.strays:,} entries are outside of the head's {extent.head.size:,}")
    expected = tiles_of(extent.head.size)
    if extent.tiles != expected:
        raise _damaged(f"{extent.tiles:,} tiles, where {expected:,} belong")


async def _rehash(store: Store, size: int, progress: Progress | None) -> Frontier:
    """Return the tree over the entries, having held all tiles against it."""
    roots: list[bytes] = []
    tail: list[bytes] = []
    for first in range(0, size, PAGE):
        beyond = min(first + PAGE, size)

        async def read(tx: Tx, first: int = first, beyond: int = beyond) -> list[list[bytes]]:
            log = RecordLog(tx)
            rows = await log.entries(first, beyond)
            tiles = await log.tiles(0, first // TILE_WIDTH, beyond // TILE_WIDTH)
            leaves = _leaves(rows, first, beyond)
            return [_tile_roots(leaves, tiles, level=0), leaves]

        found, leaves = await store.read(read)
        roots += found
        tail = leaves[len(found) * TILE_WIDTH :]
        if progress is not None:
            progress(beyond, size)
    tree = await _above(store, roots)
    for leaf in tail:
        tree = tree.append(leaf)
    return tree


def _leaves(rows: Sequence[EntryRow], first: int, beyond: int) -> list[bytes]:
    """Return the leaves of a page whose rows are whole and all there."""
    for seq, row in zip(range(first, beyond), rows, strict=False):
        if row.seq != seq:
            raise _damaged(f"entry {seq:,} is not there")
        if not row.is_whole():
            raise _damaged(f"entry {seq:,} is not what was appended")
    if len(rows) != beyond - first:
        raise _damaged(f"entry {first + len(rows):,} is not there")
    return [row.leaf for row in rows]


def _tile_roots(hashes: Sequence[bytes], tiles: Sequence[TileRow], *, level: int) -> list[bytes]:
    """Return the roots over full tiles; ``tiles`` are those stored of the same hashes."""
    roots = []
    for place in range(len(hashes) // TILE_WIDTH):
        whole = hashes[place * TILE_WIDTH : (place + 1) * TILE_WIDTH]
        roots.append(full_root(whole))
        stored = tiles[place] if place < len(tiles) else None
        if stored is None or stored.hashes != b"".join(whole) or stored.root != roots[-1]:
            raise _damaged(f"tile {place if stored is None else stored.tile} of level {level}")
    return roots


async def _above(store: Store, roots: list[bytes]) -> Frontier:
    """Return the tree over full tiles, having held the tiles of all higher levels against it."""
    blocks = Frontier()
    for root in roots:
        blocks = blocks.append(root)
    for level in range(1, TILE_LEVEL_MAX + 1):
        count = len(roots) // TILE_WIDTH

        async def read(tx: Tx, level: int = level, count: int = count) -> list[TileRow]:
            return await RecordLog(tx).tiles(level, 0, count)

        if not count:
            break
        roots = _tile_roots(roots, await store.read(read), level=level)
    return Frontier(size=blocks.size * TILE_WIDTH, hashes=blocks.hashes)


async def _compare(record: KnownRecord, witnesses: Collection[VerifierKey]) -> int:
    """Hold the record against what each witness cosigned last; return how many there are."""
    rows = await record.store.read(lambda tx: Witnessed(tx).last_of_all())
    for row in rows:
        try:
            opened = await record.compare(row.witness, row.checkpoint)
            _check_line(row, opened.note.text, witnesses)
        except (BadInput, BadSignature) as error:
            raise _damaged(f"the checkpoint that {row.witness} cosigned: {error}") from error
        if opened.checkpoint.size != row.size:
            raise _damaged(f"the checkpoint that {row.witness} cosigned is of another size")
    return len(rows)


def _check_line(row: CosignatureRow, text: str, witnesses: Collection[VerifierKey]) -> None:
    for key in witnesses:
        if key.name == row.witness:
            (given,) = parse_signatures(row.line)
            if check_cosignature(text, given, key).time_s != row.time:
                raise BadInput("not of the time that is kept with it", field="time")


def _damaged(what: str) -> RecordDamaged:
    return RecordDamaged(
        f"the record is not as it was written: {what}. Stop the node, put back the newest copy of "
        "tansiq.db that passes this check, and look at the disk"
    )
