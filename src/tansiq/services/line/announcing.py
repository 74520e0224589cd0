"""Tells the event feed of notes, in the transaction that writes them."""

from datetime import datetime

import msgspec

from tansiq.services.events import Events
from tansiq.storage.notes import NoteRow
from tansiq.storage.store import Tx

NOTE = "note"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an event of kind ``note``; its id is the conversation."""

    note: str
    kind: str
    word: str
    party: str
    sender: str
    mode: str


async def announce(events: Events, tx: Tx, row: NoteRow, now: datetime) -> None:
    """Append the event of one note."""
    said = Said(
        note=row.id,
        kind=row.kind,
        word=row.word,
        party=row.peer,
        sender=row.sender,
        mode=row.mode,
    )
    await events.append(tx, NOTE, row.thread, msgspec.json.encode(said), now)
