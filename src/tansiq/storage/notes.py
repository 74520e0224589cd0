"""Notes said and heard, the counters of each line, the outbox, and how notes and receipts passed.

Rows only; what a note means is ``domain``'s, whether it may be written ``services/line``'s. The
signed text is kept once, as the record's entry.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Final, NamedTuple

from tansiq.domain.lead import Passage
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Saying
from tansiq.storage.store import Row, Tx

_ADD = """
INSERT INTO note (id, seq, peer, kind, sender, mode, number, turn, time, thread, re, word, own,
                  error, written, salt, payload)
VALUES (:id, :seq, :peer, :kind, :sender, :mode, :number, :turn, :time, :thread, :re, :word,
        :own, :error, :written, :salt, :payload)
"""

_COLUMNS = """
SELECT id, seq, peer, kind, sender, mode, number, turn, time, thread, re, word, own, error,
       written
  FROM note
"""

_GET = f"{_COLUMNS} WHERE id = :id"
_NAMED = f"{_COLUMNS} WHERE id >= :least AND id <= :most ORDER BY id LIMIT 2"
_AFTER = f"{_COLUMNS} WHERE seq > :seq ORDER BY seq LIMIT :limit"
_OUTCOMES = f"{_COLUMNS} WHERE kind = 'outcome'"
_OF_THREAD = f"{_COLUMNS} WHERE thread = :thread ORDER BY seq"
_ANSWER_OF = f"""
{_COLUMNS} WHERE thread = :thread AND re = :re AND kind = :kind AND sender = :sender ORDER BY seq
"""
_SAME_NUMBER = """
SELECT id FROM note WHERE sender = :sender AND peer = :peer AND number = :number ORDER BY seq
"""
_NUMBERS = """
SELECT DISTINCT number FROM note
 WHERE sender = :sender AND peer = :peer AND number > 0 ORDER BY number
"""
_COUNTED = """
SELECT COUNT(DISTINCT number), MAX(number) FROM note
 WHERE sender = :sender AND peer = :peer AND number > 0
"""
_PAYLOAD = "SELECT salt, payload FROM note WHERE id = :id"
_ERASE = "UPDATE note SET salt = NULL, payload = NULL WHERE id = :id AND payload IS NOT NULL"

_LINE = "SELECT number, turn FROM line WHERE peer = :peer"
_NEW_LINE = "INSERT INTO line (peer, number, turn) VALUES (:peer, :number, :turn)"
_SET_LINE = "UPDATE line SET number = :number, turn = :turn WHERE peer = :peer"

_QUEUE = """
INSERT INTO outbox (note, peer, rank, seq) VALUES (:note, :peer, :rank, :seq)
"""
_DUE = """
SELECT note FROM outbox
 WHERE peer = :peer AND rank = :rank AND (refused = 0 OR tried <= :before)
 ORDER BY seq LIMIT :limit
"""
_WAITING = """
SELECT note, peer, rank, seq, tries, tried, refused, problem FROM outbox
 ORDER BY peer, rank, seq LIMIT :limit
"""
_WAITING_FOR = """
SELECT note, peer, rank, seq, tries, tried, refused, problem FROM outbox
 WHERE peer = :peer ORDER BY rank, seq LIMIT :limit
"""
_WAITING_IN = """
SELECT o.note, o.peer, o.rank, o.seq, o.tries, o.tried, o.refused, o.problem
  FROM outbox AS o JOIN note AS n ON n.id = o.note
 WHERE n.thread = :thread
"""
_FIRST_WAITING = """
SELECT note, peer, rank, seq, tries, tried, refused, problem FROM outbox
 WHERE peer = :peer ORDER BY rank, seq LIMIT 1
"""
_LANES = "SELECT DISTINCT rank FROM outbox WHERE peer = :peer"
_COUNT_WAITING = "SELECT peer, COUNT(*), MIN(seq) FROM outbox GROUP BY peer ORDER BY peer"
_TRIED = """
UPDATE outbox SET tries = tries + 1, tried = :tried, refused = :refused, problem = :problem
 WHERE note = :note
"""
_DELIVERED = "DELETE FROM outbox WHERE note = :note"

_COSIGNED = """
SELECT witness, MIN(time) FROM record_cosignature WHERE size >= :size GROUP BY witness
"""

_PASSED = """
INSERT INTO passage (note, peer, signed, received, receipt_signed, receipt_got, sender_error,
                     receiver_error, direct)
VALUES (:note, :peer, :signed, :received, :receipt_signed, :receipt_got, :sender_error,
        :receiver_error, :direct)
"""
_PASSAGE_COLUMNS = """
SELECT signed, received, receipt_signed, receipt_got, sender_error, receiver_error FROM passage
"""
_PASSAGE = f"{_PASSAGE_COLUMNS} WHERE note = :note"
_LATELY = f"""
{_PASSAGE_COLUMNS} WHERE peer = :peer AND direct = 1 AND receipt_got >= :since
 ORDER BY receipt_got DESC LIMIT :limit
"""


class NoteRow(NamedTuple):
    """One note as it is kept, its text and payload apart; times are microseconds UTC.

    In the order of the columns, and a tuple, because all of them are read at every start.
    """

    id: NoteID
    seq: int
    peer: str
    kind: Kind
    sender: str
    mode: Mode
    number: int
    turn: int
    time: int
    thread: NoteID
    re: NoteID | None
    word: str
    own: str
    """The kind's own lines, as they stand in the text."""
    error: int | None
    """Bound on the error of the sender's clock, microseconds; None: unknown."""
    written: int

    def facts(self) -> dict[str, str]:
        """Return the kind's own lines by key."""
        lines = (line.partition(": ") for line in self.own.splitlines())
        return {key: value for key, _, value in lines}

    def saying(self, me: str) -> Saying:
        """Return what folds need of it; ``me`` is the party whose store this is."""
        return Saying(
            id=self.id,
            kind=self.kind,
            sender=self.sender,
            receiver=self.peer if self.sender == me else me,
            mode=self.mode,
            number=self.number,
            turn=self.turn,
            time=self.time,
            thread=None if self.thread == self.id else self.thread,
            re=self.re,
            word=self.word,
        )


_KINDS: Final = {kind.value: kind for kind in Kind}
_MODES: Final = {mode.value: mode for mode in Mode}


@dataclass(frozen=True, slots=True)
class Counters:
    """Where our side of a line is."""

    number: int
    turn: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A note that has not arrived, as far as we know."""

    note: NoteID
    peer: str
    rank: int
    seq: int
    tries: int
    tried: int | None
    refused: int
    """1: the peer was there and did not take it."""
    problem: str | None


class NoteStore:
    """The tables of notes, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, row: NoteRow, salt: bytes | None, payload: bytes | None) -> None:
        """Store one note that is not there yet."""
        await self._tx.execute(
            _ADD,
            {
                "id": row.id,
                "seq": row.seq,
                "peer": row.peer,
                "kind": row.kind.value,
                "sender": row.sender,
                "mode": row.mode.value,
                "number": row.number,
                "turn": row.turn,
                "time": row.time,
                "thread": row.thread,
                "re": row.re,
                "word": row.word,
                "own": row.own,
                "error": row.error,
                "written": row.written,
                "salt": salt,
                "payload": payload,
            },
        )

    async def get(self, note: NoteID) -> NoteRow | None:
        """Return one note; None: it is not here."""
        row = await self._tx.fetch_one(_GET, {"id": note})
        return None if row is None else note_row(row)

    async def named(self, beginning: str) -> list[NoteRow]:
        """Return the notes whose name begins so, at most two."""
        named = {"least": beginning, "most": beginning + "g"}  # Behind every hex digit.
        return [note_row(row) for row in await self._tx.fetch(_NAMED, named)]

    async def after(self, seq: int, limit: int) -> list[NoteRow]:
        """Return notes in the order in which they came, from behind ``seq``."""
        return [note_row(row) for row in await self._tx.fetch(_AFTER, {"seq": seq, "limit": limit})]

    async def of_thread(self, thread: NoteID) -> list[NoteRow]:
        """Return all notes of a conversation in the order in which they came."""
        return [note_row(row) for row in await self._tx.fetch(_OF_THREAD, {"thread": thread})]

    async def answer(self, asked: NoteRow, kind: Kind, sender: str) -> NoteRow | None:
        """Return the first answer of a kind that somebody gave to a note."""
        named = {"thread": asked.thread, "re": asked.id, "kind": kind.value, "sender": sender}
        row = await self._tx.fetch_one(_ANSWER_OF, named)
        return None if row is None else note_row(row)

    async def same_number(self, sender: str, peer: str, number: int) -> list[NoteID]:
        """Return the notes that a sender gave one number; more than one is two stories."""
        named = {"sender": sender, "peer": peer, "number": number}
        return [NoteID(row[0]) for row in await self._tx.fetch(_SAME_NUMBER, named)]

    async def missing(self, sender: str, peer: str, limit: int) -> list[int]:
        """Return numbers below the greatest that never came, at most ``limit``."""
        named = {"sender": sender, "peer": peer}
        counted = await self._tx.fetch_one(_COUNTED, named)
        if counted is None or counted[1] is None or counted[0] == counted[1]:
            return []
        missing: list[int] = []
        last = 0
        for (number,) in await self._tx.fetch(_NUMBERS, named):
            missing += range(last + 1, min(number, last + 1 + limit - len(missing)))
            last = number
            if len(missing) >= limit:
                break
        return missing

    async def payload(self, note: NoteID) -> tuple[bytes | None, bytes | None]:
        """Return salt and payload of a note that is here; None: withheld or erased."""
        row = await self._tx.fetch_one(_PAYLOAD, {"id": note})
        return (None, None) if row is None else (row[0], row[1])

    async def erase(self, note: NoteID) -> bool:
        """Forget a payload; the note stays and proves what its own lines say."""
        return await self._tx.execute(_ERASE, {"id": note}) > 0

    async def counters(self, peer: str) -> Counters:
        """Return where our side of a line is."""
        row = await self._tx.fetch_one(_LINE, {"peer": peer})
        return Counters(0, 0) if row is None else Counters(int(row[0]), int(row[1]))

    async def set_counters(self, peer: str, counters: Counters) -> None:
        """Write where our side of a line is."""
        named = {"peer": peer, "number": counters.number, "turn": counters.turn}
        if not await self._tx.execute(_SET_LINE, named):
            await self._tx.execute(_NEW_LINE, named)

    async def queue(self, row: NoteRow, rank: int) -> None:
        """Put a note into the outbox."""
        named = {"note": row.id, "peer": row.peer, "rank": rank, "seq": row.seq}
        await self._tx.execute(_QUEUE, named)

    async def due(self, peer: str, *, rank: int, before: int, limit: int) -> list[NoteID]:
        """Return what goes to a peer next, in order; what it refused only if that was before."""
        named = {"peer": peer, "rank": rank, "before": before, "limit": limit}
        return [NoteID(row[0]) for row in await self._tx.fetch(_DUE, named)]

    async def lanes(self, peer: str) -> set[int]:
        """Return the ranks of what has not arrived at a peer."""
        return {int(row[0]) for row in await self._tx.fetch(_LANES, {"peer": peer})}

    async def waiting(self, limit: int, *, peer: str | None = None) -> list[Waiting]:
        """Return what has not arrived, by peer and in order, at most ``limit``."""
        if peer is None:
            return [Waiting(*row) for row in await self._tx.fetch(_WAITING, {"limit": limit})]
        named = {"peer": peer, "limit": limit}
        return [Waiting(*row) for row in await self._tx.fetch(_WAITING_FOR, named)]

    async def waiting_in(self, thread: NoteID) -> list[Waiting]:
        """Return what of a conversation has not arrived."""
        return [Waiting(*row) for row in await self._tx.fetch(_WAITING_IN, {"thread": thread})]

    async def first_waiting(self, peer: str) -> Waiting | None:
        """Return what goes to a peer first."""
        row = await self._tx.fetch_one(_FIRST_WAITING, {"peer": peer})
        return None if row is None else Waiting(*row)

    async def counts_waiting(self) -> dict[str, int]:
        """Return how many notes have not arrived, by peer."""
        return {row[0]: int(row[1]) for row in await self._tx.fetch(_COUNT_WAITING)}

    async def tried(self, problems: Mapping[NoteID, str], now: int, *, refused: bool) -> None:
        """Write down that a delivery came to nothing, and why, note by note."""
        rows = [
            {"note": note, "tried": now, "refused": int(refused), "problem": problem}
            for note, problem in problems.items()
        ]
        await self._tx.execute_many(_TRIED, rows)

    async def delivered(self, note: NoteID) -> bool:
        """Take a note out of the outbox; report whether it was still there."""
        return await self._tx.execute(_DELIVERED, {"note": note}) > 0

    async def passed(self, note: NoteID, peer: str, passage: Passage, *, direct: bool) -> None:
        """Write down how a note and its receipt went."""
        await self._tx.execute(
            _PASSED,
            {
                "note": note,
                "peer": peer,
                "signed": passage.signed,
                "received": passage.received,
                "receipt_signed": passage.receipt_signed,
                "receipt_got": passage.receipt_got,
                "sender_error": passage.sender_error,
                "receiver_error": passage.receiver_error,
                "direct": int(direct),
            },
        )

    async def cosigned_from(self, size: int, *, besides: Collection[str]) -> int | None:
        """Return when the record was first cosigned with that size or more, seconds since 1970.

        By a witness that is none of ``besides``, and by its own clock; None: by nobody.
        """
        rows = await self._tx.fetch(_COSIGNED, {"size": size})
        return min((int(row[1]) for row in rows if row[0] not in besides), default=None)

    async def outcomes(self) -> dict[NoteID, NoteRow]:
        """Return every outcome that either side wrote down, by its name."""
        return {row.id: row for row in map(note_row, await self._tx.fetch(_OUTCOMES))}

    async def passage(self, note: NoteID) -> Passage | None:
        """Return how a note and its receipt went; None while no receipt has come."""
        row = await self._tx.fetch_one(_PASSAGE, {"note": note})
        return None if row is None else _passage(row)

    async def lately(self, peer: str, since: int, limit: int) -> list[Passage]:
        """Return the latest passages that went straight, newest first."""
        named = {"peer": peer, "since": since, "limit": limit}
        return [_passage(row) for row in await self._tx.fetch(_LATELY, named)]


def note_row(row: Row) -> NoteRow:
    """Return a row of the columns above as a note."""
    id_, seq, peer, kind, sender, mode, *rest = row
    # The same few parties stand in all of them, and are kept once.
    return NoteRow(id_, seq, intern(peer), _KINDS[kind], intern(sender), _MODES[mode], *rest)


def _passage(row: Row) -> Passage:
    signed, received, receipt_signed, receipt_got, sender_error, receiver_error = row
    return Passage(
        signed=signed,
        received=received,
        receipt_signed=receipt_signed,
        receipt_got=receipt_got,
        sender_error=sender_error,
        receiver_error=receiver_error,
    )
