"""Writes our notes: numbers, signs and records them in the caller's transaction, ready to go."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain.note import (
    FORMS,
    SALT_BYTES,
    UNCOUNTED,
    Head,
    Kind,
    Mode,
    Note,
    NoteID,
    Place,
    commitment,
    read_note,
)
from tansiq.domain.thread import saying
from tansiq.domain.time import micros
from tansiq.errors import BadInput, NotFound
from tansiq.formats import signed_note
from tansiq.formats.letter import Letter, name_of, opened
from tansiq.formats.letter import Wire as LetterWire
from tansiq.formats.payload import Payload, write_payload
from tansiq.formats.signed_note import NameOf
from tansiq.storage.notes import Counters, NoteRow, NoteStore
from tansiq.storage.record import RecordLog
from tansiq.storage.store import Tx

URGENT = frozenset({Kind.STOP, Kind.ALL_CLEAR, Kind.ALARM, Kind.LINE})
"""What does not wait behind anything else."""


NOTE = "note"
"""Kind of the record's entries that are notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is to be said."""

    kind: Kind
    to: str
    payload: Payload = field(default_factory=Payload)
    own: Mapping[str, str] = field(default_factory=dict)
    """The kind's own lines."""
    re: NoteID | None = None
    mode: Mode = Mode.LIVE


class Pen:
    """One party's hand."""

    def __init__(
        self,
        *,
        party: str,
        agreement: str,
        key: Ed25519PrivateKey,
        clock_error_ms: Callable[[], int | None],
        salt: Callable[[int], bytes],
    ) -> None:
        self._party = party
        self._agreement = agreement
        self._key = key
        self._clock_error_ms = clock_error_ms
        self._salt = salt

    async def write(self, tx: Tx, draft: Draft, now: datetime) -> NoteRow:
        """Write a note and put it into the outbox; it is said once this is committed.

        Raises:
            BadInput: what is said does not go with its kind.
            NotFound: what it answers is not here.
        """
        store = NoteStore(tx)
        thread = await self._thread(store, draft)
        counters = await store.counters(draft.to)
        counted = draft.kind not in UNCOUNTED
        counters = Counters(counters.number + counted, counters.turn + 1)
        log = RecordLog(tx)
        tree = await log.head()
        payload, salt = write_payload(draft.kind, draft.payload), self._salt(SALT_BYTES)
        note = Note(
            kind=draft.kind,
            sender=self._party,
            receiver=draft.to,
            agreement=self._agreement,
            mode=draft.mode,
            number=counters.number if counted else 0,
            turn=counters.turn,
            time=now,
            clock_error_ms=self._clock_error_ms(),
            head=Head(tree.size, tree.root()),
            thread=thread,
            re=draft.re,
            own=tuple((key, draft.own[key]) for key, _ in FORMS[draft.kind].keys),
            payload=commitment(salt, payload),
        )
        text = str(note)
        read_note(text)  # What we could not read ourselves is not signed.
        signed = signed_note.sign(text, name=NameOf.NOTE.by(self._party), key=self._key)
        seq = await log.append_all([(NOTE, signed)], time=micros(now), onto=tree)
        row = note_row(name_of(signed), note, seq=seq, peer=draft.to, now=now)
        await store.add(row, salt, payload)
        await store.set_counters(draft.to, counters)
        if counted and FORMS[draft.kind].place is not Place.OWN:
            await store.queue(row, lane_of(row.kind))
        return row

    async def letter(self, tx: Tx, row: NoteRow) -> Letter:
        """Return a note that is here as it travels."""
        (entry,) = await RecordLog(tx).entries(row.seq, row.seq + 1)
        signed = entry.body
        salt, payload = await NoteStore(tx).payload(row.id)
        letter = opened(LetterWire(signed.decode()))
        return Letter(id=row.id, signed=letter.signed, note=letter.note, salt=salt, payload=payload)

    async def _thread(self, store: NoteStore, draft: Draft) -> NoteID | None:
        if draft.re is None:
            return None
        asked = await store.get(draft.re)
        if asked is None:
            raise NotFound(f"no note {draft.re[:16]} is here", field="re")
        if asked.peer != draft.to:
            raise BadInput(f"{draft.re[:16]} is on the line with {asked.peer}", field="to")
        if asked.mode is not draft.mode:
            raise BadInput(f"{draft.re[:16]} is in mode {asked.mode}", field="mode")
        return asked.thread


def lane_of(kind: Kind) -> int:
    """Return the lane on which a note goes: 0 before 1."""
    return 0 if kind in URGENT else 1


def note_row(note_id: NoteID, note: Note, *, seq: int, peer: str, now: datetime) -> NoteRow:
    """Return what is kept of a note."""
    said = saying(note_id, note)
    return NoteRow(
        id=note_id,
        seq=seq,
        peer=peer,
        kind=note.kind,
        sender=note.sender,
        mode=note.mode,
        number=note.number,
        turn=note.turn,
        time=said.time,
        thread=said.opens,
        re=note.re,
        word=said.word,
        own="".join(f"{key}: {value}\n" for key, value in note.own),
        error=None if note.clock_error_ms is None else note.clock_error_ms * 1_000,
        written=micros(now),
    )
