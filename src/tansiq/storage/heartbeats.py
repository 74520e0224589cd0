"""The latest sign of life of each instance of the pool."""

from dataclasses import dataclass

from tansiq.storage.store import Tx

_PUT = """
INSERT INTO heartbeat (instance, source, reporter, made, next_before, number)
VALUES (:instance, :source, :reporter, :made, :next_before, 0)
ON CONFLICT (instance) DO UPDATE
   SET source = excluded.source, reporter = excluded.reporter, made = excluded.made,
       next_before = excluded.next_before, number = heartbeat.number + 1
 WHERE excluded.made >= heartbeat.made
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatRow:
    """One row of ``heartbeat``; times are microseconds UTC."""

    source: str
    reporter: str
    made: int
    next_before: int | None
    number: int = 0
    """How many came before it; the table counts."""


class Heartbeats:
    """The heartbeat table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def put(self, instance: str, row: HeartbeatRow) -> None:
        """Keep one, unless a later one is there."""
        values = {
            "instance": instance,
            "source": row.source,
            "reporter": row.reporter,
            "made": row.made,
            "next_before": row.next_before,
        }
        await self._tx.execute(_PUT, values)
