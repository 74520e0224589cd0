"""The event feed's table and its counter.

Bodies are bytes here; what an event says is the services'.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from tansiq.storage.store import Tx

PRUNE_AT_ONCE = 1_000
"""Events dropped in one step at most, so that no caller's transaction grows long."""

_BEYOND = 2**62

_NUMBER = "UPDATE event_counter SET last = last + 1 RETURNING last"

_LAST = "SELECT last FROM event_counter"

_APPEND = """
INSERT INTO event (seq, time, kind, id, body) VALUES (:seq, :time, :kind, :id, :body)
"""

_AFTER = """
SELECT seq, time, kind, id, body FROM event WHERE seq > :seq ORDER BY seq LIMIT :limit
"""

_OF_KINDS = """
SELECT seq, time, kind, id, body FROM event
 WHERE kind IN (SELECT k.value FROM json_each(:kinds) AS k) ORDER BY seq
"""

_FIRST = "SELECT MIN(seq) FROM event"

# The first event to keep among the oldest. Only a prefix is ever dropped: a clock that once stepped
# back must not leave a hole in the middle that a reader could not see.
_FIRST_KEPT = """
SELECT MIN(seq)
  FROM (SELECT seq, time FROM event ORDER BY seq LIMIT :limit) AS oldest
 WHERE seq > :floor AND time >= :cutoff
"""

_DROP = """
DELETE FROM event
 WHERE seq IN (SELECT seq FROM event WHERE seq < :first_kept ORDER BY seq LIMIT :limit)
"""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event; ``time`` is microseconds UTC."""

    seq: int
    time: int
    kind: str
    id: str
    body: bytes


class EventLog:
    """The feed's tables, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def of_kinds(self, kinds: Sequence[str]) -> list[EventRow]:
        """Return all events of some kinds, oldest first."""
        named = {"kinds": json.dumps(list(kinds))}
        return [EventRow(*row) for row in await self._tx.fetch(_OF_KINDS, named)]

    async def append(self, kind: str, entity: str, body: bytes, *, time: int) -> int:
        """Store one event under the next number and return that number."""
        # Taking the number locks the counter's row until commit: who has the lower number has
        # committed first, so a reader that saw 7 will never be handed a late 6.
        row = await self._tx.fetch_one(_NUMBER)
        assert row is not None, "the migration fills the counter"  # noqa: S101 - our own schema
        seq = int(row[0])
        event = {"seq": seq, "time": time, "kind": kind, "id": entity, "body": body}
        await self._tx.execute(_APPEND, event)
        return seq

    async def after(self, seq: int, limit: int) -> list[EventRow]:
        """Return the events that follow ``seq``, oldest first, at most ``limit``."""
        rows = await self._tx.fetch(_AFTER, {"seq": seq, "limit": limit})
        return [EventRow(*row) for row in rows]

    async def bounds(self) -> tuple[int, int]:
        """Return the oldest number still kept and the last one given.

        Where nothing is kept, the first is one above the last.
        """
        last_row = await self._tx.fetch_one(_LAST)
        assert last_row is not None, "the migration fills the counter"  # noqa: S101 - our own schema
        last = int(last_row[0])
        first_row = await self._tx.fetch_one(_FIRST)
        first = None if first_row is None else first_row[0]
        return (last + 1 if first is None else int(first)), last

    async def prune(self, *, floor: int, cutoff: int) -> None:
        """Drop the oldest events: those up to number ``floor``, and those before ``cutoff``."""
        limit = {"limit": PRUNE_AT_ONCE}
        row = await self._tx.fetch_one(_FIRST_KEPT, {"floor": floor, "cutoff": cutoff} | limit)
        # None: all of the oldest are to go, as many as one step takes.
        first_kept = row[0] if row is not None and row[0] is not None else _BEYOND
        await self._tx.execute(_DROP, {"first_kept": first_kept} | limit)
