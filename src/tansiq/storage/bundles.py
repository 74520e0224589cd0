"""What an evidence bundle is made of: entries with what is kept beside them, and who cosigned what.

Read-only, over the tables of the record, the notes and the witness.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tansiq.domain.note import NoteID
from tansiq.storage.store import Row, Tx

_COLUMNS = """
SELECT e.seq, e.time, e.kind, e.body, n.id, n.peer, n.kind, n.re, n.salt, n.payload, p.receipt_got
"""

# A second receipt of one note, which a peer should not send, is not the one that the passage is of.
_WINDOW = f"""
{_COLUMNS}
  FROM record_entry AS e
  LEFT JOIN note AS n ON n.seq = e.seq
  LEFT JOIN passage AS p
    ON p.note = n.re AND n.kind = 'receipt' AND p.receipt_signed = n.time
 WHERE e.time >= :since AND e.time <= :until
 ORDER BY e.time, e.seq
 LIMIT :limit
"""

_LATER_RECEIPTS = f"""
{_COLUMNS}
  FROM record_entry AS w
  JOIN note AS a ON a.seq = w.seq
  JOIN note AS n ON n.thread = a.thread AND n.re = a.id AND n.kind = 'receipt'
  JOIN record_entry AS e ON e.seq = n.seq
  LEFT JOIN passage AS p ON p.note = n.re AND p.receipt_signed = n.time
 WHERE w.time >= :since AND w.time <= :until AND (e.time < :since OR e.time > :until)
 ORDER BY e.seq
 LIMIT :limit
"""

_GIVEN = """
SELECT witness, size FROM record_cosignature WHERE size > :size ORDER BY size, witness
"""

_AT = """
SELECT checkpoint, line FROM record_cosignature WHERE size = :size ORDER BY witness
"""

_NAMED = "SELECT id, seq FROM note WHERE id >= :low AND id < :high ORDER BY id LIMIT 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEntry:
    """One entry of the record, and what is kept of it if it is a note; times are microseconds."""

    seq: int
    time: int
    kind: str
    body: bytes
    note: NoteID | None
    peer: str | None
    note_kind: str | None
    re: NoteID | None
    salt: bytes | None
    payload: bytes | None
    got: int | None
    """Of a receipt: when it came."""


class Bundles:
    """What is exported, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def window(self, since: int, until: int, *, limit: int) -> list[KeptEntry]:
        """Return entries that were appended in a closed window of time, at most ``limit``."""
        named = {"since": since, "until": until, "limit": limit}
        return [_entry(row) for row in await self._tx.fetch(_WINDOW, named)]

    async def receipts_beyond(self, since: int, until: int, *, limit: int) -> list[KeptEntry]:
        """Return receipts from outside of the window that are of notes within it."""
        named = {"since": since, "until": until, "limit": limit}
        return [_entry(row) for row in await self._tx.fetch(_LATER_RECEIPTS, named)]

    async def given(self, size: int) -> list[tuple[str, int]]:
        """Return witness and size of each cosignature on more than ``size`` entries, by size."""
        rows = await self._tx.fetch(_GIVEN, {"size": size})
        return [(str(row[0]), int(row[1])) for row in rows]

    async def cosigned(self, size: int) -> bytes | None:
        """Return our checkpoint of that size with all its cosignatures; None: it has none."""
        rows: Sequence[Row] = await self._tx.fetch(_AT, {"size": size})
        if not rows:
            return None
        checkpoint = bytes(rows[0][0])
        # A checkpoint is signed the same way every time; another one's line would not fit.
        return checkpoint + "".join(row[1] for row in rows if row[0] == checkpoint).encode()

    async def named(self, beginning: str) -> list[tuple[NoteID, int]]:
        """Return name and entry of the notes whose names begin so, at most two."""
        rows = await self._tx.fetch(_NAMED, {"low": beginning, "high": beginning + "g"})
        return [(NoteID(row[0]), int(row[1])) for row in rows]


def _entry(row: Row) -> KeptEntry:
    seq, time, kind, body, note, peer, note_kind, re, salt, payload, got = row
    return KeptEntry(
        seq=seq,
        time=time,
        kind=kind,
        body=body,
        note=note,
        peer=peer,
        note_kind=note_kind,
        re=re,
        salt=salt,
        payload=payload,
        got=got,
    )
