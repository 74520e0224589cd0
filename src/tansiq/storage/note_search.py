"""The record's notes from the newest back, for people who look for one.

Pages only, and each bounded: who looks through all of them asks page by page.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from tansiq.storage.store import Row, Tx

_FIRST_SINCE = "SELECT MIN(seq) FROM record_entry WHERE time >= :time"
_LAST_UNTIL = "SELECT MAX(seq) FROM record_entry WHERE time <= :time"
_OLDER = "SELECT 1 FROM note WHERE seq >= :first AND seq < :before LIMIT 1"
_PAGE = """
SELECT id, seq, peer, kind, sender, thread, word, own, written FROM note
 WHERE seq >= :first AND seq < :before ORDER BY seq DESC LIMIT :limit
"""
_TEXTS = """
SELECT n.id, n.payload, o.payload FROM note AS n
  LEFT JOIN note AS o ON o.id = n.thread AND o.id <> n.id
 WHERE n.id = :id
"""


class Looked(NamedTuple):
    """What is looked at of a note, its payload apart; ``written`` is microseconds UTC."""

    id: str
    seq: int
    peer: str
    kind: str
    sender: str
    thread: str
    word: str
    own: str
    written: int


@dataclass(frozen=True, slots=True)
class Texts:
    """The payload of a note, and of the note that opened its conversation; None: not here."""

    said: bytes | None
    opened: bytes | None


class NoteSearch:
    """The table of notes, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def first_since(self, time: int) -> int | None:
        """Return the first entry that was recorded at a time or later; None: none was."""
        return _number(await self._tx.fetch_one(_FIRST_SINCE, {"time": time}))

    async def last_until(self, time: int) -> int | None:
        """Return the last entry that was recorded at a time or earlier; None: none was."""
        return _number(await self._tx.fetch_one(_LAST_UNTIL, {"time": time}))

    async def page(self, *, first: int, before: int, limit: int) -> list[Looked]:
        """Return notes from ``first`` up to, not including, ``before``; the newest first."""
        page = {"first": first, "before": before, "limit": limit}
        return [Looked(*row) for row in await self._tx.fetch(_PAGE, page)]

    async def texts(self, notes: Iterable[str]) -> dict[str, Texts]:
        """Return what came along with notes."""
        found = {}
        for note in notes:
            row = await self._tx.fetch_one(_TEXTS, {"id": note})
            if row is not None:
                found[note] = Texts(row[1], row[2])
        return found

    async def is_older(self, *, first: int, before: int) -> bool:
        """Report whether there is a note from ``first`` on that comes before another."""
        span = {"first": first, "before": before}
        return await self._tx.fetch_one(_OLDER, span) is not None


def _number(row: Row | None) -> int | None:
    return None if row is None or row[0] is None else int(row[0])
