"""Says things: writes notes in one commit, tells the feed, sends them on their way."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from tansiq.domain.actor import Actor
from tansiq.domain.draft import PlanDraft
from tansiq.domain.line import refused
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Thread
from tansiq.domain.time import zulu
from tansiq.domain.volume import time_bounds
from tansiq.errors import BadInput, NotFound, WrongState
from tansiq.formats.payload import Person
from tansiq.services.events import Events
from tansiq.services.idempotency import keeper
from tansiq.services.line.announcing import announce
from tansiq.services.line.board import Board
from tansiq.services.line.outbox import Outbox
from tansiq.services.line.pen import Draft, Pen
from tansiq.services.planning.site import Site
from tansiq.storage.notes import NoteRow
from tansiq.storage.store import Tx

T = TypeVar("T")

_SENTENCES = {
    "not-in-exercise": "the line is not in an exercise; both sides say so first: "
    "tansiq line set exercise",
    "line-suspended": "the line is suspended by {by}; stop, all-clear and a change of the line "
    "still go: tansiq line set",
    "line-closed": "the line is closed by {by}; stop, all-clear and a change of the line still go: "
    "tansiq line set",
}


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """Free words that go along."""

    text: str = ""
    language: str = ""


NO_WORDS = Words()


class Speaking:
    """One desk's voice."""

    def __init__(
        self, site: Site, *, pen: Pen, outbox: Outbox, board: Board, events: Events
    ) -> None:
        self._site = site
        self._pen = pen
        self._outbox = outbox
        self._events = events
        self.board = board
        self.on_written: Callable[[], None] = lambda: None
        """Called once what was said is on disk."""

    async def say(self, *drafts: Draft) -> list[NoteRow]:
        """Write notes, all or none, and begin to deliver them.

        Raises:
            WrongState: the state of the line lets none of them pass.
            NotFound, BadInput: see ``Pen.write``.
        """

        keep = keeper()

        async def write(tx: Tx) -> tuple[list[NoteRow], list[NoteRow]]:
            # In the same transaction, so nobody suspends the line between the look and the note.
            since, now = await self.board.since(tx), self._site.clock.now()
            for draft in drafts:
                self._check(draft, since)
            rows = [await self._pen.write(tx, draft, now) for draft in drafts]
            for row in rows:
                self._check_turn(row, since)
                await announce(self._events, tx, row, now)
            await keep(tx, [row.id for row in rows])
            return rows, [*since, *rows]

        rows, since = await self._site.store.write(write)
        self._outbox.wake(rows)
        self.on_written()
        self.board.take(since)
        return rows

    def check(self, draft: Draft) -> None:
        """Look whether the line lets a note pass, as far as we know now.

        Raises:
            NotFound, WrongState: as ``say``.
        """
        self._check(draft, ())

    def _check(self, draft: Draft, since: Sequence[NoteRow]) -> None:
        if draft.to == self._site.party:
            return
        line = self.board.line_with(draft.to, since)
        if line is None:
            known = ", ".join(self.board.lines) or "none"
            raise NotFound(f"no line with {draft.to}; there is one with: {known}", field="to")
        why = refused(line, draft.kind, draft.mode)
        if why is not None:
            raise WrongState(_SENTENCES[why].format(by=" and ".join(line.by)), field="line")

    def _check_turn(self, row: NoteRow, before: Sequence[NoteRow]) -> None:
        """Refuse what both sides would keep and not count: nobody is to believe it was said."""
        thread = self.board.with_one_more(row, before)
        if thread is None or row.id not in thread.out_of_turn:
            return
        raise WrongState(
            f"it would change nothing: the {thread.kind} is {thread.stage}; "
            f"tansiq notice show {thread.id[:10]} has what was said",
            field="id",
        )

    async def thread(self, named: str, *kinds: Kind) -> Thread:
        """Return a conversation by its id, or by the beginning of it if that is one's alone.

        Raises:
            NotFound: none, or several, or one of another kind.
        """
        await self.board.catch_up()
        exact = self.board.threads.get(NoteID(named))
        found = (
            [exact]
            if exact is not None
            else [t for t in self.board.threads.values() if t.id.startswith(named)]
            if len(named) >= SHORT_ID
            else []
        )
        if len(found) != 1:
            several = (
                f"{len(found)} begin so; write more of it"
                if found
                else "no conversation of that id; tansiq notice list --all shows them"
            )
            raise NotFound(f"{named[:20]!r}: {several}", field="id")
        if kinds and found[0].kind not in kinds:
            raise NotFound(
                f"{named[:20]!r} is of kind {found[0].kind}, not {' or '.join(kinds)}", field="id"
            )
        return found[0]

    def now(self) -> datetime:
        """Return the time by the node's clock."""
        return self._site.clock.now()

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Read what is committed."""
        return await self._site.store.read(fn)

    def other(self, thread: Thread) -> str:
        """Return the other party of a conversation."""
        return thread.other if thread.opener == self._site.party else thread.opener

    def others(self, wanted: Sequence[str]) -> tuple[str, ...]:
        """Return the parties that are named, each once, or all others if none is."""
        return tuple(dict.fromkeys(wanted)) or tuple(self.board.lines)


SHORT_ID = 6
"""How much of an id must be given, at least."""


def person(actor: Actor, desk: str = "") -> Person:
    """Return who acts, as notes name them."""
    return Person(name=actor.display_name, initials=actor.initials[:8], desk=desk)


def check_to_come(area: PlanDraft, now: datetime) -> None:
    """Refuse air that is over: whoever tells of it means other air.

    Raises:
        BadInput: its end has passed.
    """
    end = time_bounds(area.volumes).end
    if end <= now:
        raise BadInput(f"its end, {zulu(end)}, has passed; give a later one", field="end")


def mode_of(*, exercise: bool) -> Mode:
    """Return the mode that a flag asks for."""
    return Mode.EXERCISE if exercise else Mode.LIVE
