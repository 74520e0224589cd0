"""A reply to an invitation of ours that is brought to our node while it serves.

Anybody may ask: who joins has no token yet. So little is done for it. While no invitation is open
nothing is read, a reply with a wrong proof costs one of few tries, and a right one closes its
invitation. What it leads to is an entry in ``peers/`` and an event for our desk, with the six words
to be compared by voice; it changes nothing of what the node serves under.
"""

import asyncio
import logging
from datetime import datetime
from pathlib import Path

import msgspec

from tansiq.domain.agreement import Agreement, Party
from tansiq.errors import BadInput, NotFound, StoreError, TooMany
from tansiq.formats.invitation import read_reply
from tansiq.formats.spoken import six_words
from tansiq.peers.joining import Meeting, open_marks, take_reply
from tansiq.services.events import Events
from tansiq.storage.store import Tx

JOINED = "joined"
"""The kind of the event that says so; its id is the party that joined."""

_log = logging.getLogger(__name__)


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    """The body of an event ``joined``."""

    party: str
    name: str
    words: tuple[str, ...]
    """Six, to be compared by voice. Until that was done nobody knows who it is."""


class Doorstep:
    """Where replies come in at a node that serves."""

    def __init__(self, data: Path, agreement: Agreement, events: Events, *, tries_max: int) -> None:
        self._data = data
        self._agreement = agreement
        self._events = events
        self._tries_max = tries_max
        self._alone = asyncio.Lock()
        self._open: frozenset[str] = frozenset()
        self._wrong = 0
        """Answers that were none, since an invitation was last opened or closed."""

    async def take(self, line: str, now: datetime) -> None:
        """Take a reply.

        Raises:
            NotFound: no invitation of ours is open.
            TooMany: too many wrong answers came since one was opened.
            BadInput: it answers none, or our folder does not take it.
        """
        async with self._alone:
            marks = await asyncio.to_thread(open_marks, self._data, now)
            if not marks:
                raise NotFound("no invitation of this node is open")
            if marks != self._open:
                self._open, self._wrong = marks, 0
            if self._wrong >= self._tries_max:
                raise TooMany("too many wrong answers came; send the line, for `tansiq pair`")
            reply = read_reply(line)  # What is none at all costs no try: any scanner sends that.
            try:
                meeting = await asyncio.to_thread(self._take, reply.party, line, now)
            except BadInput:
                self._wrong += 1
                raise
        await self._tell(meeting, now)

    def _take(self, party: Party, line: str, now: datetime) -> Meeting:
        known = self._agreement.party(party.id)
        if known is not None and known.public_key != party.public_key:
            # By hand somebody would have seen it; here nobody looks before it is kept.
            raise BadInput(f"{party.id} is in the agreement, with another key", field="reply")
        return take_reply(self._data, line, now)

    async def _tell(self, meeting: Meeting, now: datetime) -> None:
        other = meeting.other
        body = Joined(party=other.id, name=other.names["en"], words=six_words(meeting.hash))

        async def write(tx: Tx) -> None:
            await self._events.append(tx, JOINED, other.id, msgspec.json.encode(body), now)

        try:
            await self._events.store.write(write)
        except StoreError as error:
            _log.warning("%s has joined, and the feed does not say so: %s", other.id, error)
