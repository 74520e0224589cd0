"""What all conversations amount to, held in memory and brought up to date from the store.

Notes are read in the order in which they came, each once; what other workers wrote is seen like our
own. A conversation is folded again from all of its notes when one of them stands before others in
the line's order, which only happens where two notes crossed.
"""

from collections.abc import Iterable
from typing import Final

from tansiq.domain.line import LineState
from tansiq.domain.note import Kind, NoteID
from tansiq.domain.thread import Saying, Thread, backdated, folded, told
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.store import Store, Tx

AT_ONCE: Final = 2_000
"""Notes read in one step, which nothing else in the process can interrupt."""


class Board:
    """Conversations and lines of one node."""

    def __init__(self, store: Store, party: str, parties: Iterable[str]) -> None:
        self._store = store
        self._party = party
        self._seq = -1
        self._said: dict[NoteID, list[Saying]] = {}
        """By conversation, in the line's order."""
        self.threads: dict[NoteID, Thread] = {}
        """In the order in which they came here."""
        self.lines = {
            other: LineState(parties=_ordered(party, other)) for other in parties if other != party
        }
        self._open: set[NoteID] = set()
        self.facts: dict[NoteID, dict[str, str]] = {}
        """The own lines of each conversation's first note."""
        self.latest: dict[tuple[str, str, str], NoteID] = {}
        """The last notice by (sender, line, id of what it tells of): what was said before of the
        same is superseded."""
        self.heard: dict[str, int] = {}
        """When each party's node last spoke to ours, by our clock, microseconds UTC."""
        self.last_check: dict[str, int] = {}
        """When each line's last comm check was answered by a person, by our clock."""
        self.opened: int | None = None
        """When the first note of all came, by our clock; None: there is none yet."""
        self.watch: NoteRow | None = None
        """The last hand-over of our own desk."""
        self.arrived: dict[NoteID, int] = {}
        """When each conversation came here or was begun, by our clock, microseconds UTC."""

    async def catch_up(self) -> list[NoteRow]:
        """Take in what was written since, and return it."""
        rows: list[NoteRow] = []
        while True:
            some = await self._next()
            rows += some
            if len(some) < AT_ONCE:
                return rows

    async def _next(self) -> list[NoteRow]:
        after = self._seq

        async def read(tx: Tx) -> list[NoteRow]:
            return await NoteStore(tx).after(after, AT_ONCE)

        # What somebody else has taken in meanwhile is not taken in twice.
        some = [row for row in await self._store.read(read) if row.seq > self._seq]
        for row in some:
            self._take(row)
        return some

    def _take(self, row: NoteRow) -> None:
        self._seq = row.seq
        said = row.saying(self._party)
        self.opened = row.written if self.opened is None else self.opened
        if row.sender != self._party:
            self.heard[row.sender] = row.written
        if row.kind is Kind.CHECK_REPLY:
            self.last_check[row.peer] = row.written
        if row.kind is Kind.HANDOVER:
            self.watch = row
        if said.kind is Kind.LINE and row.peer in self.lines:
            self.lines[row.peer] = self.lines[row.peer].heard(said)
        if row.peer == self._party:
            return  # In the own record only: nobody converses.
        if said.thread is None:
            self._begin(row)
        notes = self._said.setdefault(said.opens, [])
        thread = self.threads.get(said.opens)
        if thread is not None and notes[-1].order < said.order:
            notes.append(said)
            self._put(told(thread, said, backdated=said.id in backdated(notes)))
            return
        notes.append(said)
        notes.sort(key=lambda each: each.order)
        again = folded(notes)
        if again is not None:
            self._put(again)
            self.arrived.setdefault(said.opens, row.written)

    def _put(self, thread: Thread) -> None:
        self.threads[thread.id] = thread
        (self._open.add if thread.open else self._open.discard)(thread.id)

    def open_threads(self) -> list[Thread]:
        """Return the conversations in which somebody still has to do something."""
        return [self.threads[each] for each in self._open]

    def _begin(self, row: NoteRow) -> None:
        facts = self.facts[row.id] = row.facts()
        if row.kind is Kind.NOTICE:
            key = (row.sender, row.peer, facts["id"])
            before = self.facts.get(self.latest.get(key, row.id), facts)
            if int(before["version"]) <= int(facts["version"]):
                self.latest[key] = row.id

    def superseded(self, thread: Thread) -> bool:
        """Whether a later notice of the same thing has taken a notice's place."""
        if thread.kind is not Kind.NOTICE:
            return False
        peer = thread.other if thread.opener == self._party else thread.opener
        key = (thread.opener, peer, self.facts[thread.id]["id"])
        return self.latest.get(key) != thread.id

    def with_peer(self, peer: str) -> list[Thread]:
        """Return all conversations with a party, in the order in which they came here."""
        return [thread for thread in self.threads.values() if peer in (thread.opener, thread.other)]

    def notes(self, thread: NoteID) -> tuple[Saying, ...]:
        """Return what was said in a conversation, in the line's order."""
        return tuple(self._said.get(thread, ()))


def _ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
