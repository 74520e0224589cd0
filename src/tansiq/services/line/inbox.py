"""Takes in what others say: checks, records and receipts it, all or nothing for each letter.

A letter is taken once. The same letter again gets the same receipt, to the byte, so that a lost
answer costs nothing; and it has no second effect. What is late, out of turn or about something that
is not here is taken too: only what is not certainly the sender's, not for us, or not whole is
refused. A receipt leaves this node after its commit is on disk, never before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tansiq.domain.lead import Passage
from tansiq.domain.note import FORMS, Kind, Note, NoteID, Place, write_instant
from tansiq.domain.readback import differences
from tansiq.domain.time import micros
from tansiq.errors import AgreementMismatch, BadInput, BadSignature, Forbidden, TansiqError
from tansiq.formats.letter import Letter, check_sender
from tansiq.formats.payload import check_fit, read_payload, told_of
from tansiq.services.events import Events
from tansiq.services.line.announcing import announce
from tansiq.services.line.old_keys import OldKeys
from tansiq.services.line.pen import NOTE, Draft, Pen, note_row
from tansiq.services.planning.site import Site
from tansiq.storage.notes import Counters, NoteRow, NoteStore
from tansiq.storage.record import RecordLog
from tansiq.storage.store import Tx

TURN_JUMP_MAX: Final = 1_000_000
"""How far a note may be ahead of its line: more would use up the numbers of an honest peer."""
AGAIN: Final = "again/"
"""Before the word of a note whose number its sender had given to another: no table has it."""
MICROS_A_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one letter."""

    note: NoteID
    receipt: Letter | None = None
    error: TansiqError | None = None
    new: bool = False
    """It was not here before."""


class Inbox:
    """The way in for letters, whether they come by the network or by hand."""

    def __init__(self, site: Site, *, pen: Pen, events: Events | None = None) -> None:
        self._agreement = site.agreement
        self._versions = site.versions
        self._party = site.party
        self._store = site.store
        self._clock = site.clock
        self._pen = pen
        self._events = events
        self._old_keys = OldKeys(site)

    async def take(
        self, letters: Sequence[Letter], received: datetime, *, sender: str | None = None
    ) -> list[Taken]:
        """Take letters in their order, in one commit; ``sender`` is who brings them, if known.

        A letter that is refused does not keep the others out.
        """
        refused: dict[NoteID, TansiqError] = {}
        for letter in letters:
            error = await self._refusal(letter, sender)
            if error is not None:
                refused[letter.id] = error

        async def write(tx: Tx) -> list[Taken]:
            return [await self._taken(tx, letter, received, refused) for letter in letters]

        return await self._store.write(write)

    async def take_receipts(
        self, letters: Sequence[Letter], got: datetime
    ) -> dict[NoteID, TansiqError | None]:
        """Take the receipts that a delivery was answered with, in one commit.

        Returns what became of each, by the id of the receipt; None: it counts.
        """
        found = {letter.id: await self._refusal(letter, None) for letter in letters}

        async def write(tx: Tx) -> dict[NoteID, TansiqError | None]:
            became = dict(found)
            for letter in letters:
                if became[letter.id] is None:
                    became[letter.id] = await self._try_receipt(tx, letter, got)
            return became

        return await self._store.write(write)

    async def _try_receipt(self, tx: Tx, letter: Letter, got: datetime) -> TansiqError | None:
        try:
            await self._receipted(tx, letter, got, direct=True)
        except BadInput as error:
            return error
        return None

    async def _refusal(self, letter: Letter, sender: str | None) -> TansiqError | None:
        """Return why a letter is not taken, before the store is asked; None: it may be."""
        try:
            self._check(letter, sender)
        except BadSignature as error:
            return await self._old_keys.explained(letter, error)
        except TansiqError as error:
            return error
        return None

    def _check(self, letter: Letter, sender: str | None) -> None:
        """Check whose a letter is and that it is whole; nothing of the store is asked."""
        note = letter.note
        party = self._agreement.party(note.sender)
        if note.receiver != self._party:
            raise Forbidden(f"is for {note.receiver}, and this is {self._party}", field="to")
        if party is None or note.sender == self._party or FORMS[note.kind].place is Place.OWN:
            raise Forbidden(f"{note.sender} is no other party of the agreement", field="from")
        if sender is not None and note.sender != sender:
            raise Forbidden(f"is from {note.sender}, and {sender} brings it", field="from")
        check_sender(letter, party.public_key)
        if note.agreement != self._agreement.digest and note.agreement not in self._versions:
            raise AgreementMismatch(
                f"was written under agreement {note.agreement[:12]}; ours is "
                f"{self._agreement.digest[:12]}"
            )
        if letter.payload is None:
            if note.kind is not Kind.RECEIPT:
                raise BadInput("comes without its payload", field="payload")
            return
        check_fit(note, read_payload(note.kind, letter.payload))

    async def _taken(
        self,
        tx: Tx,
        letter: Letter,
        received: datetime,
        refused: Mapping[NoteID, TansiqError],
    ) -> Taken:
        if letter.id in refused:
            return Taken(note=letter.id, error=refused[letter.id])
        store, note = NoteStore(tx), letter.note
        known = await store.get(letter.id)
        if note.kind is Kind.RECEIPT:
            if known is None:
                try:
                    await self._receipted(tx, letter, received, direct=False)
                except BadInput as error:
                    return Taken(note=letter.id, error=error)
            return Taken(note=letter.id, new=known is None)
        if known is not None:
            return Taken(note=letter.id, receipt=await self._same_receipt(tx, known))
        try:
            row = await self._add(tx, letter)
        except BadInput as error:
            return Taken(note=letter.id, error=error)
        receipt = Draft(
            kind=Kind.RECEIPT,
            to=note.sender,
            own={"received": write_instant(received)},
            re=row.id,
            mode=note.mode,
        )
        # Its time is when it is signed, not when the letter came.
        written = await self._pen.write(tx, receipt, max(received, self._clock.now()))
        return Taken(note=letter.id, receipt=await self._pen.letter(tx, written), new=True)

    async def _add(self, tx: Tx, letter: Letter) -> NoteRow:
        store, note, now = NoteStore(tx), letter.note, self._clock.now()
        counters = await store.counters(note.sender)
        if note.turn > counters.turn + TURN_JUMP_MAX:
            raise BadInput(
                f"turn {note.turn} is more than {TURN_JUMP_MAX:,} beyond the line's "
                f"{counters.turn}",
                field="turn",
            )
        if note.kind is Kind.READBACK:
            await self._check_readback(store, letter)
        again = note.number and await store.same_number(note.sender, note.sender, note.number)
        seq = await RecordLog(tx).append(NOTE, letter.signed.encode(), time=micros(now))
        row = note_row(letter.id, note, seq=seq, peer=note.sender, now=now)
        if again:
            # Two notes of one number: both are kept, and the second counts for nothing.
            row = row._replace(word=f"{AGAIN}{row.word}")
        await store.add(row, letter.salt, letter.payload)
        if self._events is not None:
            await announce(self._events, tx, row, now)
        await store.set_counters(
            note.sender, Counters(counters.number, max(counters.turn, note.turn))
        )
        return row

    async def _check_readback(self, store: NoteStore, letter: Letter) -> None:
        """Refuse a read-back that is not of our notice, whatever their node thought of it."""
        note = letter.note
        asked = None if note.thread is None else await store.get(note.thread)
        if asked is None or letter.payload is None:
            return  # The notice is not here: nothing to hold it against.
        _, notice = await store.payload(asked.id)
        repeated = read_payload(note.kind, letter.payload).readback
        if notice is None or repeated is None or asked.kind is not Kind.NOTICE:
            return
        wrong = differences(repeated.value(), told_of(read_payload(asked.kind, notice)))
        if wrong:
            raise BadInput(f"differs from our notice in: {', '.join(wrong)}", field="readback")

    async def _same_receipt(self, tx: Tx, known: NoteRow) -> Letter | None:
        row = await NoteStore(tx).answer(known, Kind.RECEIPT, self._party)
        return None if row is None else await self._pen.letter(tx, row)

    async def _receipted(self, tx: Tx, letter: Letter, got: datetime, *, direct: bool) -> bool:
        store, note = NoteStore(tx), letter.note
        if note.kind is not Kind.RECEIPT or note.re is None:
            raise BadInput(f"a {note.kind} is no receipt", field="kind")
        if await store.get(letter.id) is not None:
            return False
        asked = await store.get(note.re)
        if asked is None or asked.sender != self._party or asked.peer != note.sender:
            raise BadInput("is the receipt of a note that we did not send there", field="re")
        await self._add(tx, letter)
        await store.delivered(asked.id)
        if await store.passage(asked.id) is None:
            passage = _passage(asked, note, micros(got))
            await store.passed(asked.id, asked.peer, passage, direct=direct)
        return True


def _passage(sent: NoteRow, receipt: Note, got: int) -> Passage:
    error_ms = receipt.clock_error_ms
    return Passage(
        signed=sent.time,
        received=micros(receipt.instant("received")),
        receipt_signed=micros(receipt.time),
        receipt_got=got,
        sender_error=sent.error,
        receiver_error=None if error_ms is None else error_ms * MICROS_A_MS,
    )
