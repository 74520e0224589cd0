"""Notifications owed to subscribers, until they are answered."""

from collections.abc import Sequence
from dataclasses import dataclass

from tansiq.storage.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One owed notification; ``made`` is microseconds UTC."""

    seq: int
    kind: str
    entity: str
    url: str
    body: bytes
    made: int


_ADD = """
INSERT INTO notification (kind, entity, url, body, made)
VALUES (:kind, :entity, :url, :body, :made)
RETURNING seq
"""

_ALL = "SELECT seq, kind, entity, url, body, made FROM notification ORDER BY seq"

_DROP = "DELETE FROM notification WHERE seq = :seq"


class Notifications:
    """The ``notification`` table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(
        self, *, kind: str, entity: str, url: str, body: bytes, made: int
    ) -> Notification:
        """Store one and return it with its number."""
        row = await self._tx.fetch_one(
            _ADD, {"kind": kind, "entity": entity, "url": url, "body": body, "made": made}
        )
        assert row is not None  # noqa: S101 - INSERT ... RETURNING always has a row
        return Notification(seq=row[0], kind=kind, entity=entity, url=url, body=body, made=made)

    async def all(self) -> list[Notification]:
        """Return everything owed, oldest first."""
        return [
            Notification(seq=r[0], kind=r[1], entity=r[2], url=r[3], body=r[4], made=r[5])
            for r in await self._tx.fetch(_ALL)
        ]

    async def drop(self, seqs: Sequence[int]) -> None:
        """Strike off what was delivered."""
        await self._tx.execute_many(_DROP, [{"seq": seq} for seq in seqs])
