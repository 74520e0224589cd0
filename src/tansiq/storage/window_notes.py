"""Notes by when they were recorded here, for sheets over a window of time. Read only."""

from tansiq.storage.notes import NoteRow, note_row
from tansiq.storage.store import Tx

_COLUMNS = """
SELECT n.id, n.seq, n.peer, n.kind, n.sender, n.mode, n.number, n.turn, n.time, n.thread, n.re,
       n.word, n.own, n.error, n.written
  FROM record_entry AS e JOIN note AS n ON n.seq = e.seq
"""

_WITHIN = f"""
{_COLUMNS} WHERE e.time >= :since AND e.time <= :until ORDER BY e.time, e.seq LIMIT :limit
"""

_COUNT = """
SELECT COUNT(*) FROM record_entry AS e JOIN note AS n ON n.seq = e.seq
 WHERE e.time >= :since AND e.time <= :until
"""

_LAST_BEFORE = f"""
{_COLUMNS} WHERE e.time < :before AND n.kind = :kind ORDER BY e.time DESC, e.seq DESC LIMIT 1
"""


class WindowNotes:
    """Notes of a window, inside the caller's transaction; times are microseconds UTC, our clock."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def within(self, since: int, until: int, *, limit: int) -> list[NoteRow]:
        """Return notes recorded in a closed window, in that order, at most ``limit``."""
        named = {"since": since, "until": until, "limit": limit}
        return [note_row(row) for row in await self._tx.fetch(_WITHIN, named)]

    async def count(self, since: int, until: int) -> int:
        """Return how many were recorded in a closed window."""
        row = await self._tx.fetch_one(_COUNT, {"since": since, "until": until})
        return 0 if row is None else int(row[0])

    async def last_before(self, before: int, kind: str) -> NoteRow | None:
        """Return the last note of a kind that was recorded before a time."""
        row = await self._tx.fetch_one(_LAST_BEFORE, {"before": before, "kind": kind})
        return None if row is None else note_row(row)
