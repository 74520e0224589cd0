"""What we know of other logs, what they could not both have signed, and what others know of ours.

Texts are bytes here that the services have verified.
"""

from dataclasses import dataclass
from enum import StrEnum

from tansiq.storage.store import Tx

_HELD = "SELECT size, root, checkpoint, time FROM record_witnessed WHERE origin = :origin"

_HOLD = """
INSERT INTO record_witnessed (origin, size, root, checkpoint, time)
VALUES (:origin, :size, :root, :checkpoint, :time)
ON CONFLICT (origin) DO UPDATE
   SET size = excluded.size, root = excluded.root, checkpoint = excluded.checkpoint,
       time = excluded.time
"""

# The first ones are kept: what a log does after it has forked once proves nothing new.
_ACCUSE = """
INSERT INTO record_evidence (seq, origin, kind, held, given, time)
SELECT (SELECT COALESCE(MAX(seq), 0) + 1 FROM record_evidence),
       :origin, :kind, :held, :given, :time
 WHERE (SELECT COUNT(*) FROM record_evidence WHERE origin = :origin AND kind = :kind) < :most
   AND NOT EXISTS
       (SELECT 1 FROM record_evidence WHERE origin = :origin AND held = :held AND given = :given)
"""

_EVIDENCE = "SELECT seq, origin, kind, held, given, time FROM record_evidence ORDER BY seq"

_KEEP = """
INSERT INTO record_cosignature (witness, size, checkpoint, line, time)
VALUES (:witness, :size, :checkpoint, :line, :time)
ON CONFLICT (witness, size) DO NOTHING
"""

_LAST = """
SELECT witness, size, checkpoint, line, time FROM record_cosignature
 WHERE witness = :witness ORDER BY size DESC LIMIT 1
"""

_LAST_OF_ALL = """
SELECT witness, size, checkpoint, line, time FROM record_cosignature
 WHERE (witness, size) IN (SELECT witness, MAX(size) FROM record_cosignature GROUP BY witness)
 ORDER BY witness
"""

_FIRST_SIZE = "SELECT MIN(size) FROM record_cosignature WHERE size >= :size"

_AT = """
SELECT witness, size, checkpoint, line, time FROM record_cosignature
 WHERE size = :size ORDER BY witness
"""


class EvidenceKind(StrEnum):
    """What a log is held against."""

    FORK = "fork"
    """Two roots of one size, both signed: proven to anybody."""
    UNPROVEN = "unproven"
    """A larger checkpoint without a proof from the one held: for the log to explain."""


@dataclass(frozen=True, slots=True)
class HeldRow:
    """The last checkpoint of another log that we cosigned; ``time`` is microseconds UTC."""

    size: int
    root: bytes
    checkpoint: bytes
    time: int


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """Two signed checkpoints of one log that do not go together."""

    seq: int
    origin: str
    kind: str
    held: bytes
    given: bytes
    time: int


@dataclass(frozen=True, slots=True)
class CosignatureRow:
    """What one witness said of one checkpoint of ours; ``time`` is its own, seconds since 1970."""

    witness: str
    size: int
    checkpoint: bytes
    line: str
    time: int


class Witnessed:
    """The witness's tables, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def held(self, origin: str) -> HeldRow | None:
        """Return the last checkpoint of a log that we cosigned."""
        row = await self._tx.fetch_one(_HELD, {"origin": origin})
        return None if row is None else HeldRow(*row)

    async def hold(self, origin: str, row: HeldRow) -> None:
        """Replace the last checkpoint of a log."""
        values = {"size": row.size, "root": row.root, "checkpoint": row.checkpoint}
        await self._tx.execute(_HOLD, values | {"origin": origin, "time": row.time})

    async def accuse(
        self, kind: EvidenceKind, held: HeldRow, given: HeldRow, *, origin: str, most: int
    ) -> None:
        """Keep two checkpoints as evidence, unless kept already or ``most`` of the kind are."""
        row = {"origin": origin, "kind": kind.value, "most": most, "time": given.time}
        await self._tx.execute(_ACCUSE, row | {"held": held.checkpoint, "given": given.checkpoint})

    async def evidence(self) -> list[EvidenceRow]:
        """Return all evidence against any log, oldest first."""
        return [EvidenceRow(*row) for row in await self._tx.fetch(_EVIDENCE)]

    async def keep(self, row: CosignatureRow) -> None:
        """Keep a cosignature on a checkpoint of ours; the first of a witness and size stays."""
        values = {"witness": row.witness, "size": row.size, "checkpoint": row.checkpoint}
        await self._tx.execute(_KEEP, values | {"line": row.line, "time": row.time})

    async def last(self, witness: str) -> CosignatureRow | None:
        """Return the largest checkpoint of ours that this witness cosigned."""
        row = await self._tx.fetch_one(_LAST, {"witness": witness})
        return None if row is None else CosignatureRow(*row)

    async def last_of_all(self) -> list[CosignatureRow]:
        """Return the largest checkpoint of ours that each witness cosigned."""
        return [CosignatureRow(*row) for row in await self._tx.fetch(_LAST_OF_ALL)]

    async def first_from(self, size: int) -> list[CosignatureRow]:
        """Return the cosignatures on the smallest cosigned checkpoint of ``size`` or more."""
        row = await self._tx.fetch_one(_FIRST_SIZE, {"size": size})
        if row is None or row[0] is None:
            return []
        return [CosignatureRow(*found) for found in await self._tx.fetch(_AT, {"size": row[0]})]
