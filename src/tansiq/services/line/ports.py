"""What the line needs of the record and of other nodes.

``services/record`` satisfies the one, ``peers/line_client.py`` the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from tansiq.domain.note import Head, NoteID
from tansiq.formats.letter import Letter, Wire
from tansiq.storage.store import Tx


class RecordPort(Protocol):
    """The own record, inside the caller's transaction."""

    async def append_note(self, tx: Tx, signed: bytes, now: datetime) -> int:
        """Append the signed bytes of a note and return their place."""
        ...

    async def signed_note(self, tx: Tx, seq: int) -> bytes:
        """Return the entry at a place."""
        ...

    async def note_head(self, tx: Tx) -> Head:
        """Return size and root of what is there now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What a peer said of one letter."""

    note: NoteID
    receipt: Letter | None = None
    problem: str | None = None
    """Why it was not taken."""


class LinePort(Protocol):
    """Other nodes."""

    async def deliver(self, party: str, letters: Sequence[Wire]) -> list[Delivered]:
        """Hand letters to a party's node.

        Raises:
            PeerError: no answer, a refusal of the whole, or nonsense.
        """
        ...
