"""The history of the live picture, in a file of its own: slices, names of aircraft, areas.

Documents are bytes here; what is in them is the services'.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar

from tansiq.errors import StoreError
from tansiq.storage.store import Parameters, Row, Tx

T = TypeVar("T")

DROP_AT_ONCE = 200
"""Slices dropped in one step at most, so that no write grows long."""

_HELD = "SELECT slices, bytes, number, block FROM held"

_COUNT = "UPDATE held SET slices = slices + :slices, bytes = bytes + :bytes"

_GIVEN = "UPDATE held SET number = :number, block = :block"

_ADD = """
INSERT INTO slice (number, time, step, block, document)
VALUES (:number, :time, :step, :block, :document)
"""

_ADD_NAMES = "INSERT INTO names (number, block, document) VALUES (:number, :block, :document)"

_END_AREA = """
UPDATE area SET last = :last, until = :until
 WHERE kind = :kind AND entity = :entity AND last IS NULL
"""

_ADD_AREA = """
INSERT INTO area (kind, entity, first, since, digest, size, document)
VALUES (:kind, :entity, :first, :since, :digest, :size, :document)
"""

_STANDING = "SELECT kind, entity, digest FROM area WHERE last IS NULL"

_TOO_OLD = """
SELECT number FROM slice
 WHERE time < :before AND number < (SELECT MAX(number) FROM slice)
 ORDER BY number LIMIT :limit
"""

_OLDEST = "SELECT number, block FROM slice ORDER BY number LIMIT 1"

_LENGTH = "SELECT LENGTH(document) FROM slice WHERE number = :number"

_DROP = "DELETE FROM slice WHERE number = :number"

_NAMES_BEFORE = """
SELECT COALESCE(SUM(LENGTH(document)), 0) FROM names WHERE block < :block
"""

_DROP_NAMES = "DELETE FROM names WHERE block < :block"

_AREAS_BEFORE = "SELECT COALESCE(SUM(LENGTH(document)), 0) FROM area WHERE last < :number"

_DROP_AREAS = "DELETE FROM area WHERE last < :number"

_SPAN = """
SELECT MIN(time), (SELECT time FROM slice ORDER BY number DESC LIMIT 1) FROM slice
"""

_GAPS = """
SELECT time, next
  FROM (SELECT time, step, LEAD(time) OVER (ORDER BY time, number) AS next FROM slice)
 WHERE (next - time) * 2 > step * 3
 ORDER BY time
"""

_LAST_AT = """
SELECT number, time, step, block, document FROM slice
 WHERE time <= :time
 ORDER BY time DESC, number DESC
 LIMIT 1
"""

_CHOSEN = """
SELECT MIN(number), (time - :since) / :every AS turn
  FROM slice
 WHERE time >= :since AND time <= :until
 GROUP BY turn
 ORDER BY turn
 LIMIT :limit
"""

_SLICE = "SELECT number, time, step, block, document FROM slice WHERE number = :number"

_NAMES = "SELECT document FROM names WHERE block = :block ORDER BY number"

_AREAS = """
SELECT rowid, first, last, since, until, size FROM area
 WHERE first <= :last AND (last IS NULL OR last >= :first)
 ORDER BY first, kind, entity
"""

_AREA = "SELECT kind, entity, document FROM area WHERE rowid = :row"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRow:
    """One slice; ``step`` is how soon the next was to follow, microseconds."""

    number: int
    time: int
    step: int
    block: int
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaRow:
    """A plan or no-go area as it begins to be; ``size`` is that of its JSON."""

    kind: str
    entity: str
    digest: bytes
    size: int
    document: bytes


@dataclass(frozen=True, slots=True)
class AreaSpan:
    """In which slices an area was so, from ``first`` to ``last``; None: it still is."""

    row: int
    first: int
    last: int | None
    since: int
    until: int | None
    size: int

    def covers(self, number: int) -> bool:
        """Report whether it was so in a slice."""
        return self.first <= number and (self.last is None or number <= self.last)


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept, and the last number and block that were given out."""

    slices: int
    bytes: int
    number: int
    block: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """All that one slice brings."""

    slice: SliceRow
    names: bytes
    """Empty: no aircraft is new."""
    ended: Sequence[tuple[str, str]]
    """Kind and id of areas that are not as they were."""
    begun: Sequence[AreaRow]

    @property
    def bytes(self) -> int:
        """Return what it adds to what is kept."""
        areas = sum(len(area.document) for area in self.begun)
        return len(self.slice.document) + len(self.names) + areas


class HistoryTables:
    """The tables of the history, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def held(self) -> Held:
        """Return what is kept."""
        row = await self._tx.fetch_one(_HELD)
        assert row is not None, "the migration fills it"  # noqa: S101 - our own schema
        return Held(*map(int, row))

    async def add(self, new: Addition) -> None:
        """Append a slice; areas that ended were last so in the one before it."""
        row = new.slice
        await self._tx.execute(
            _ADD,
            {
                "number": row.number,
                "time": row.time,
                "step": row.step,
                "block": row.block,
                "document": row.document,
            },
        )
        if new.names:
            await self._tx.execute(
                _ADD_NAMES, {"number": row.number, "block": row.block, "document": new.names}
            )
        last = {"last": row.number - 1, "until": row.time}
        await self._tx.execute_many(
            _END_AREA, [{"kind": kind, "entity": entity, **last} for kind, entity in new.ended]
        )
        await self._tx.execute_many(
            _ADD_AREA,
            [
                {
                    "kind": area.kind,
                    "entity": area.entity,
                    "first": row.number,
                    "since": row.time,
                    "digest": area.digest,
                    "size": area.size,
                    "document": area.document,
                }
                for area in new.begun
            ],
        )
        await self._tx.execute(_COUNT, {"slices": 1, "bytes": new.bytes})
        await self._tx.execute(_GIVEN, {"number": row.number, "block": row.block})

    async def standing(self) -> dict[tuple[str, str], bytes]:
        """Return the digest of each area as the newest slice has it, by kind and id."""
        rows = await self._tx.fetch(_STANDING)
        return {(str(kind), str(entity)): bytes(digest) for kind, entity, digest in rows}

    async def prune(self, *, before: int, bytes_max: int) -> None:
        """Drop slices of before that time, and the oldest while there is more than the limit.

        With them goes what they alone need. The newest stays, whatever the limit.
        """
        held = await self.held()
        size, dropped = held.bytes, 0
        # By time, wherever they stand: a clock that was wrong for a while has put some elsewhere.
        found = await self._tx.fetch(_TOO_OLD, {"before": before, "limit": DROP_AT_ONCE})
        for (number,) in found:
            size -= await self._drop(number)
            dropped += 1
        while size > bytes_max and held.slices - dropped > 1 and dropped < DROP_AT_ONCE:
            oldest = await self._tx.fetch_one(_OLDEST)
            assert oldest is not None, "the newest stays"  # noqa: S101 - just counted
            size -= await self._drop(oldest[0])
            dropped += 1
        if dropped:
            await self._tx.execute(_COUNT, {"slices": -dropped, "bytes": size - held.bytes})

    async def _drop(self, number: int) -> int:
        """Drop a slice, not the newest, and what no other needs; return their bytes."""
        tx = self._tx
        freed = await self._number(_LENGTH, {"number": number})
        await tx.execute(_DROP, {"number": number})
        oldest = await tx.fetch_one(_OLDEST)
        assert oldest is not None, "the newest stays"  # noqa: S101 - the caller sees to it
        first, block = {"number": oldest[0]}, {"block": oldest[1]}
        freed += await self._number(_NAMES_BEFORE, block)
        freed += await self._number(_AREAS_BEFORE, first)
        await tx.execute(_DROP_NAMES, block)
        await tx.execute(_DROP_AREAS, first)
        return freed

    async def _number(self, sql: str, parameters: Parameters) -> int:
        row = await self._tx.fetch_one(sql, parameters)
        return 0 if row is None else int(row[0])

    async def span(self) -> tuple[int, int] | None:
        """Return the earliest time, and that of the newest slice; None: there are none."""
        row = await self._tx.fetch_one(_SPAN)
        return None if row is None or row[0] is None else (int(row[0]), int(row[1]))

    async def gaps(self) -> list[tuple[int, int]]:
        """Return where the next slice came more than half a step late, the oldest first."""
        return [(int(a), int(b)) for a, b in await self._tx.fetch(_GAPS)]

    async def last_at(self, time: int) -> SliceRow | None:
        """Return the last slice at or before a time."""
        row = await self._tx.fetch_one(_LAST_AT, {"time": time})
        return None if row is None else _slice(row)

    async def chosen(
        self, *, since: int, until: int, every: int, limit: int
    ) -> list[tuple[int, int]]:
        """Return the first slice of each turn of ``every``, by number, and the turn's number."""
        rows = await self._tx.fetch(
            _CHOSEN, {"since": since, "until": until, "every": every, "limit": limit}
        )
        return [(int(number), int(turn)) for number, turn in rows]

    async def slice(self, number: int) -> SliceRow:
        """Return a slice that is there."""
        row = await self._tx.fetch_one(_SLICE, {"number": number})
        assert row is not None, "of this snapshot"  # noqa: S101 - ``chosen`` named it
        return _slice(row)

    async def names(self, block: int) -> list[bytes]:
        """Return who the aircraft of a block are, in the order in which they were added."""
        return [bytes(row[0]) for row in await self._tx.fetch(_NAMES, {"block": block})]

    async def areas(self, first: int, last: int) -> list[AreaSpan]:
        """Return in which slices areas were so, of those that any from ``first`` to ``last`` has.

        Their documents are read one by one: together they may be large.
        """
        rows = await self._tx.fetch(_AREAS, {"first": first, "last": last})
        return [AreaSpan(*row) for row in rows]

    async def area(self, row: int) -> tuple[str, str, bytes]:
        """Return kind, id and document of an area that is there."""
        found = await self._tx.fetch_one(_AREA, {"row": row})
        assert found is not None, "of this snapshot"  # noqa: S101 - ``areas`` named it
        return str(found[0]), str(found[1]), bytes(found[2])


def _slice(row: Row) -> SliceRow:
    number, time, step, block, document = row
    return SliceRow(number=number, time=time, step=step, block=block, document=document)


class Unopened:
    """In the place of a store that cannot be opened, where the node does without it."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def write(
        self,
        fn: Callable[[Tx], Awaitable[T]],
        *,
        beside: bool = False,
        at: Collection[int] = (),
    ) -> NoReturn:
        """Say why nothing can be written."""
        raise StoreError(self._reason)

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> NoReturn:
        """Say why nothing can be read."""
        raise StoreError(self._reason)

    async def close(self) -> None:
        """Do nothing."""
