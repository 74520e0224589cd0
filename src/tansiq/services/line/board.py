"""What all conversations amount to, held in memory and brought up to date from the store.

Notes are read in the order in which they came, each once; what other workers wrote is seen like our
own. A conversation is folded again from all of its notes when a new one stands before others in the
line's order, which only happens where two notes crossed, or when it shows others to be backdated.
"""

import asyncio
import gc
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Final

from tansiq.domain.line import LineState
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Saying, Thread, backdated, folded, follows, told
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.store import Store, Tx

AT_ONCE: Final = 2_000
"""Notes read in one step, which nothing else in the process can interrupt."""
_AWAIT: Final = frozenset({Kind.COUNTER, Kind.OUTCOME, Kind.CONFIRM})


class Board:
    """Conversations and lines of one node."""

    def __init__(self, store: Store, party: str, parties: Iterable[str]) -> None:
        self._store = store
        self._party = party
        self._seq = -1
        self._reading = asyncio.Lock()
        self._asked = self._served = 0
        """How many have asked to catch up, and how many of them have."""
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
        self.came: dict[NoteID, int] = {}
        """The same of each proposal, outcome and confirmation, from which a decision is due."""

    async def catch_up(self) -> None:
        """Take in what was written since.

        Whoever waits for somebody else's reading is served by the next one together with all who
        wait: each note is read once, however many ask.
        """
        self._asked += 1
        mine = self._asked
        async with self._reading:
            if self._served >= mine:
                return
            asked = self._asked
            with _keeping():
                while await self._next() == AT_ONCE:
                    pass
            self._served = asked

    def has(self, row: NoteRow) -> bool:
        """Whether a note was taken in already."""
        return row.seq <= self._seq

    async def _next(self) -> int:
        """Take in a step of it; return how many notes there were."""
        after = self._seq

        async def read(tx: Tx) -> list[NoteRow]:
            return await NoteStore(tx).after(after, AT_ONCE)

        rows = await self._store.read(read)
        self.take(rows)
        return len(rows)

    async def since(self, tx: Tx) -> list[NoteRow]:
        """Return all that was written since the last look."""
        seq, rows = self._seq, list[NoteRow]()
        while True:
            some = await NoteStore(tx).after(seq, AT_ONCE)
            rows += some
            if len(some) < AT_ONCE:
                return rows
            seq = some[-1].seq

    def line_with(self, peer: str, since: Sequence[NoteRow]) -> LineState | None:
        """Return a line as it is with what ``since`` returned; None: there is none."""
        line = self.lines.get(peer)
        if line is None:
            return None
        for row in since:
            if row.kind is Kind.LINE and row.peer == peer:
                line = line.heard(row.saying(self._party))
        return line

    def with_one_more(self, row: NoteRow, before: Sequence[NoteRow]) -> Thread | None:
        """Return the conversation of a note as it would be with it; None: it opens one.

        ``before`` is what ``since`` returned.
        """
        if row.thread == row.id or row.peer == self._party:
            return None
        notes = [each.saying(self._party) for each in (*before, row) if each.thread == row.thread]
        return folded([*self._said.get(row.thread, ()), *notes])

    def take(self, rows: Sequence[NoteRow]) -> None:
        """Take in what ``since`` returned, once that is known to be committed."""
        # What somebody else has taken in meanwhile is not taken in twice.
        self._take([row for row in rows if row.seq > self._seq])

    def _take(self, rows: Iterable[NoteRow]) -> None:
        """Take in notes; each conversation that they belong to is folded once."""
        new: dict[NoteID, list[Saying]] = {}
        for row in rows:
            self._look_at(row)
            if row.peer == self._party:
                continue  # In the own record only: nobody converses.
            said = row.saying(self._party)
            if said.kind is Kind.LINE and row.peer in self.lines:
                self.lines[row.peer] = self.lines[row.peer].heard(said)
            if said.thread is None:
                self._begin(row)
                new[said.id] = new.pop(said.id, [])  # It is here from now, not from its answers.
            new.setdefault(said.opens, []).append(said)
        for opens, some in new.items():
            self._fold(opens, some)

    def _look_at(self, row: NoteRow) -> None:
        """Take in what a note says of the line and the watch, whatever its conversation."""
        self._seq = row.seq
        self.opened = row.written if self.opened is None else self.opened
        if row.sender != self._party:
            self.heard[row.sender] = row.written
        if row.kind is Kind.CHECK_REPLY:
            self.last_check[row.peer] = row.written
        if row.kind in _AWAIT:
            self.came[row.id] = row.written
        if row.kind is Kind.HANDOVER:
            self.watch = row

    def _fold(self, opens: NoteID, some: list[Saying]) -> None:
        thread, notes = self.threads.get(opens), self._said.setdefault(opens, [])
        if thread is not None and len(some) == 1 and follows(notes, some[0]):
            notes += some
            self._put(told(thread, some[0], backdated=some[0].id in backdated(notes)))
            return
        notes += some
        notes.sort(key=lambda each: each.order)
        again = folded(notes)
        if again is not None:
            self._put(again)

    def _put(self, thread: Thread) -> None:
        self.threads[thread.id] = thread
        (self._open.add if thread.open else self._open.discard)(thread.id)

    def open_threads(self) -> list[Thread]:
        """Return the conversations in which somebody still has to do something."""
        return [self.threads[each] for each in self._open]

    def _begin(self, row: NoteRow) -> None:
        self.arrived[row.id] = row.written
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

    def notice_of(self, subject: str, plan_id: str, peer: str) -> Thread | None:
        """Return our latest notice of a thing to a party; None: it has none, or only practice."""
        note = self.latest.get((self._party, peer, plan_id))
        thread = None if note is None else self.threads.get(note)
        if thread is None or thread.mode is not Mode.LIVE:
            return None
        return thread if self.facts[thread.id]["subject"] == subject else None

    def with_peer(self, peer: str) -> list[Thread]:
        """Return all conversations with a party, in the order in which they came here."""
        return [thread for thread in self.threads.values() if peer in (thread.opener, thread.other)]

    def notes(self, thread: NoteID) -> tuple[Saying, ...]:
        """Return what was said in a conversation, in the line's order."""
        return tuple(self._said.get(thread, ()))


@contextmanager
def _keeping() -> Generator[None]:
    """Put off the search for garbage: what is made here stays, and would be looked at each time.

    That would be a third of the time that a long log takes to fold.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
