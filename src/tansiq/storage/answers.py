"""Answers kept under their Idempotency-Key.

A row is reserved before its request acts and completed with the answer; a row without an answer
belongs to a request that runs now, or whose node died running it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tansiq.storage.store import Tx

DROP_AT_ONCE = 100

_GET = """
SELECT digest, entity, status, answer, location FROM idempotency WHERE key = :key AND made >= :since
"""

_RESERVE = """
INSERT INTO idempotency (key, digest, entity, made)
VALUES (:key, :digest, :entity, :made)
ON CONFLICT (key) DO UPDATE
   SET digest = excluded.digest, entity = excluded.entity, made = excluded.made,
       status = NULL, answer = NULL, location = NULL
"""

_COMPLETE = """
UPDATE idempotency SET status = :status, answer = :answer, location = :location WHERE key = :key
"""

_SAID = """
UPDATE idempotency SET answer = :said WHERE key = :key AND status IS NULL
"""

_RELEASE = "DELETE FROM idempotency WHERE key = :key"

_DROP_OLD = """
DELETE FROM idempotency
 WHERE key IN (SELECT key FROM idempotency WHERE made < :since ORDER BY made LIMIT :limit)
"""

_DROP_SURPLUS = """
DELETE FROM idempotency
 WHERE key IN (SELECT key FROM idempotency ORDER BY made DESC LIMIT :limit OFFSET :keep)
"""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What is kept under one key; ``status`` is None while there is no answer.

    Until then ``answer`` has the ids of the notes that the request wrote, parted by blanks.
    """

    digest: bytes
    entity: str
    status: int | None
    answer: bytes | None
    location: str | None


class Answers:
    """The idempotency table, inside the caller's transaction. Times are microseconds UTC."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def get(self, key: str, *, since: int) -> AnswerRow | None:
        """Return what is kept under ``key``, unless it is older than ``since``."""
        row = await self._tx.fetch_one(_GET, {"key": key, "since": since})
        return None if row is None else AnswerRow(*row)

    async def reserve(self, key: str, digest: bytes, entity: str, *, made: int) -> None:
        """Note that a request under ``key`` is about to act; an expired row gives way."""
        row = {"key": key, "digest": digest, "entity": entity, "made": made}
        await self._tx.execute(_RESERVE, row)

    async def complete(self, key: str, row: AnswerRow) -> None:
        """Keep the answer."""
        await self._tx.execute(
            _COMPLETE,
            {"key": key, "status": row.status, "answer": row.answer, "location": row.location},
        )

    async def said(self, key: str, notes: Sequence[str]) -> None:
        """Keep which notes a request has written, in the transaction that writes them."""
        await self._tx.execute(_SAID, {"key": key, "said": " ".join(notes).encode()})

    async def release(self, key: str) -> None:
        """Forget the key: its request has changed nothing and may be sent again."""
        await self._tx.execute(_RELEASE, {"key": key})

    async def prune(self, *, since: int, keep: int) -> None:
        """Drop some rows that are older than ``since``, and some of the oldest beyond ``keep``."""
        await self._tx.execute(_DROP_OLD, {"since": since, "limit": DROP_AT_ONCE})
        await self._tx.execute(_DROP_SURPLUS, {"keep": keep, "limit": DROP_AT_ONCE})
