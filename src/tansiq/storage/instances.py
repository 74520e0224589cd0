"""The pool that a store is: its name, and its instances with their latest signs of life."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from tansiq.storage.heartbeats import HeartbeatRow
from tansiq.storage.store import Row, Tx

_NAME = "SELECT dar_id FROM pool WHERE one = 1"

_PUT_NAME = "INSERT INTO pool (one, dar_id) VALUES (1, :dar_id) ON CONFLICT (one) DO NOTHING"

_ALL = """
SELECT i.id, i.endpoint, i.parties, h.source, h.reporter, h.made, h.next_before, h.number
  FROM pool_instance AS i
  LEFT JOIN heartbeat AS h ON h.instance = i.id
 ORDER BY i.id
"""

_PUT = """
INSERT INTO pool_instance (id, endpoint, parties) VALUES (:id, :endpoint, :parties)
ON CONFLICT (id) DO UPDATE SET endpoint = excluded.endpoint, parties = excluded.parties
"""

_FORGET = """
DELETE FROM pool_instance
 WHERE id IN (SELECT h.instance FROM heartbeat AS h WHERE h.made < :before)
"""

_FORGET_BEATS = "DELETE FROM heartbeat WHERE made < :before"


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRow:
    """One row of ``pool_instance``, with what ``heartbeat`` says of it."""

    id: str
    endpoint: str
    parties: Mapping[str, str]
    """Who signs for itself at this instance, each with the SHA-256 of its key."""
    heartbeat: HeartbeatRow | None = None


class Instances:
    """Both tables, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def dar_id(self) -> str | None:
        """Return what the pool is called; None: nobody has named it yet."""
        row = await self._tx.fetch_one(_NAME)
        return None if row is None else str(row[0])

    async def name(self, dar_id: str) -> None:
        """Name the pool, unless it has a name."""
        await self._tx.execute(_PUT_NAME, {"dar_id": dar_id})

    async def all(self) -> list[InstanceRow]:
        """Return all, ordered by id."""
        return [_instance(row) for row in await self._tx.fetch(_ALL)]

    async def put(self, row: InstanceRow) -> None:
        """Note what an instance is; its heartbeats are written elsewhere."""
        await self._tx.execute(
            _PUT,
            {
                "id": row.id,
                "endpoint": row.endpoint,
                "parties": json.dumps(dict(row.parties), sort_keys=True),
            },
        )

    async def forget(self, before: int) -> None:
        """Forget instances whose last sign of life is older."""
        await self._tx.execute(_FORGET, {"before": before})
        await self._tx.execute(_FORGET_BEATS, {"before": before})


def _instance(row: Row) -> InstanceRow:
    instance, endpoint, parties, source, reporter, made, next_before, number = row
    return InstanceRow(
        id=str(instance),
        endpoint=str(endpoint),
        parties={str(name): str(key) for name, key in json.loads(parties).items()},
        heartbeat=(
            None
            if made is None
            else HeartbeatRow(
                source=source, reporter=reporter, made=made, next_before=next_before, number=number
            )
        ),
    )
