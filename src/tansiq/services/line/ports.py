"""What the line needs of other nodes; ``peers/line_client.py`` satisfies it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tansiq.domain.note import NoteID
from tansiq.formats.letter import Letter, Wire


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
