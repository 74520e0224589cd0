"""The record of exchanges with other nodes, in a file of its own: rows in, rows out.

Documents are bytes here; what is in them is the services'.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tansiq.storage.store import Tx

DROP_AT_ONCE = 1_000
"""Exchanges dropped in one step at most, so that no write grows long."""

_ADD = "INSERT INTO exchange (time, peer, document) VALUES (:time, :peer, :document)"

_COUNT = "UPDATE held SET rows = rows + :rows, bytes = bytes + :bytes, lost = lost + :lost"

_HELD = "SELECT rows, bytes, lost, last_event FROM held"

_READ_TO = "UPDATE held SET last_event = :seq"

_OLDEST = "SELECT seq, time, LENGTH(document) FROM exchange ORDER BY seq LIMIT :limit"

_DROP = "DELETE FROM exchange WHERE seq <= :seq"

_LAST = "SELECT COALESCE(MAX(seq), 0) FROM exchange"

_PAGE = """
SELECT time, seq, document
  FROM exchange
 WHERE (time, seq) > (:time, :seq) AND time <= :until AND seq <= :last
   AND (:peer = '' OR peer = :peer)
 ORDER BY time, seq
 LIMIT :limit
"""

_ENTER = """
INSERT INTO entry (time, kind, subject, document)
SELECT :time, :kind, :subject, :document
 WHERE NOT :once OR NOT EXISTS
       (SELECT 1 FROM entry WHERE kind = :kind AND subject = :subject)
"""

_ENTRIES = """
SELECT document FROM entry
 WHERE kind = :kind AND time >= :since AND time <= :until
 ORDER BY time, seq
"""

_DROP_ENTRIES = """
DELETE FROM entry
 WHERE time < :before
    OR seq <= (SELECT seq FROM entry ORDER BY seq DESC LIMIT 1 OFFSET :kept)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRow:
    """One exchange; ``time`` is when the request was made, microseconds UTC."""

    time: int
    peer: str
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of another part of the log set; ``once``: only the first of its subject counts."""

    time: int
    kind: str
    subject: str
    document: bytes
    once: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """How much is kept, how much could not be, and the last event that was read for it."""

    rows: int
    bytes: int
    lost: int
    last_event: int


@dataclass(frozen=True, slots=True)
class Place:
    """How far a reader has got."""

    time: int
    seq: int


class Exchanges:
    """The tables of the record, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, rows: Sequence[ExchangeRow], entries: Sequence[Entry], lost: int) -> None:
        """Append what happened, and count what could not be kept."""
        await self._tx.execute_many(
            _ADD, [{"time": r.time, "peer": r.peer, "document": r.document} for r in rows]
        )
        await self._tx.execute_many(
            _ENTER,
            [
                {
                    "time": e.time,
                    "kind": e.kind,
                    "subject": e.subject,
                    "document": e.document,
                    "once": int(e.once),
                }
                for e in entries
            ],
        )
        size = sum(len(row.document) for row in rows)
        await self._tx.execute(_COUNT, {"rows": len(rows), "bytes": size, "lost": lost})

    async def read_to(self, seq: int) -> None:
        """Note the last event that was read."""
        await self._tx.execute(_READ_TO, {"seq": seq})

    async def held(self) -> Held:
        """Return what is kept."""
        row = await self._tx.fetch_one(_HELD)
        assert row is not None, "the migration fills it"  # noqa: S101 - our own schema
        return Held(*map(int, row))

    async def prune(self, *, before: int, rows_max: int, bytes_max: int) -> None:
        """Drop the oldest exchanges: those before that time, and what is above a limit."""
        held = await self.held()
        rows, size, last = held.rows, held.bytes, 0
        for seq, time, length in await self._tx.fetch(_OLDEST, {"limit": DROP_AT_ONCE}):
            if time >= before and rows <= rows_max and size <= bytes_max:
                break
            rows, size, last = rows - 1, size - length, seq
        if last:
            await self._tx.execute(_DROP, {"seq": last})
            less = {"rows": rows - held.rows, "bytes": size - held.bytes, "lost": 0}
            await self._tx.execute(_COUNT, less)
        await self._tx.execute(_DROP_ENTRIES, {"before": before, "kept": rows_max})

    async def last(self) -> int:
        """Return the number of the newest exchange; a reader goes no further."""
        row = await self._tx.fetch_one(_LAST)
        return 0 if row is None else int(row[0])

    async def page(
        self, after: Place, *, until: int, last: int, peer: str, limit: int
    ) -> list[tuple[Place, bytes]]:
        """Return the exchanges that follow, by the time of their request; '' is every peer."""
        found = await self._tx.fetch(
            _PAGE,
            {
                "time": after.time,
                "seq": after.seq,
                "until": until,
                "last": last,
                "peer": peer,
                "limit": limit,
            },
        )
        return [(Place(row[0], row[1]), row[2]) for row in found]

    async def entries(self, kind: str, *, since: int, until: int) -> list[bytes]:
        """Return all entries of a kind within a span of time."""
        found = await self._tx.fetch(_ENTRIES, {"kind": kind, "since": since, "until": until})
        return [row[0] for row in found]
