"""Keeps watch over time: rungs that are overdue, escalation, missed comm checks, clocks that part.

Nothing is decided for anybody. What people must look at is told to the event feed, once for each
time that it comes about; what is overdue is shown by every view anyway. A clock that is wrong is
also told to the other side, by a note.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from tansiq.domain.lead import EVER, MICROS, Between
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Thread
from tansiq.errors import StoreError, TansiqError
from tansiq.services.events import Events
from tansiq.services.line.awaited import whom
from tansiq.services.line.board import Board
from tansiq.services.line.pen import Draft
from tansiq.services.line.showing import Showing
from tansiq.services.line.speaking import Speaking
from tansiq.services.line.views import DueView
from tansiq.services.planning.site import Site
from tansiq.storage.events import EventLog
from tansiq.storage.notes import NoteStore
from tansiq.storage.store import Tx

LOOK_EVERY_S: Final = 1.0
CLOCKS_EVERY_S: Final = 10.0
_WRONG: Final = frozenset({"apart", "impossible"})

_log = logging.getLogger(__name__)


class Overdue(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``line-overdue`` and ``line-escalated``; the event's id is the conversation."""

    kind: str
    party: str
    rung: str
    """Which one was not reached."""
    mode: str = Mode.LIVE
    whom: str | None = None
    """Who is to be turned to, where a step of the escalation has come."""
    after_s: int = 0
    """How long after it was sent that step comes."""
    by: str = ""
    """The party whose word, or whose node's, is missing."""
    about: str = ""
    """The note from which the time runs, where that is not the first: a proposal or an outcome."""


class CheckMissed(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``line-check``; the event's id is the party."""

    state: str
    """``due``, ``caution``, ``warning``, or ``quiet`` again."""


class ClockWrong(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``line-clock``; the event's id is the party."""

    clock: str
    least_s: float | None
    most_s: float | None


_Late = tuple[NoteID, str, str]
"""A conversation, the rung that it has not reached, and the note from which the time runs."""
_Fired = tuple[str, str, str, str | None, int]
"""A conversation and a step that it has come to: rung, from which note, whom, seconds."""
_TOLD: Final = ("line-overdue", "line-escalated", "line-check", "line-clock")


class Vigil:
    """One loop a node."""

    def __init__(
        self, site: Site, events: Events, *, board: Board, showing: Showing, speaking: Speaking
    ) -> None:
        self._site = site
        self._events = events
        self._board = board
        self._showing = showing
        self._speaking = speaking
        self._overdue: set[_Late] = set()
        self._fired: set[_Fired] = set()
        self._checks: dict[str, str] = {}
        self._clocks: dict[str, str] = {}
        self._remembers = False
        self._looked_s = -CLOCKS_EVERY_S
        self._task: asyncio.Task[None] | None = None
        self.on_look: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look_on(), name="vigil")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _look_on(self) -> None:
        while True:
            try:
                await self.look()
            except StoreError as error:
                _log.warning("the vigil waits for the store: %s", error)
            await self._site.clock.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once at everything, and tell what is new."""
        await self._board.catch_up()
        if not self._remembers:
            await self._remember()
            self._remembers = True
        told = [*await self._late_rungs(), *await self._missed_checks()]
        now_s = self._site.clock.monotonic_s()
        if now_s - self._looked_s >= CLOCKS_EVERY_S:
            self._looked_s = now_s
            told += await self._wrong_clocks()
        if told:
            await self._tell(told)

    async def _remember(self) -> None:
        """Take up what an earlier run has told: a restart is no reason to tell it again."""
        told = await self._site.store.read(lambda tx: EventLog(tx).of_kinds(_TOLD))
        for row in told:
            if row.kind == "line-check":
                self._checks[row.id] = msgspec.json.decode(row.body, type=CheckMissed).state
            elif row.kind == "line-clock":
                self._clocks[row.id] = msgspec.json.decode(row.body, type=ClockWrong).clock
            elif row.kind == "line-overdue":
                body = msgspec.json.decode(row.body, type=Overdue)
                self._overdue.add((NoteID(row.id), body.rung, body.about))
            else:
                self._fired.add(_fired(row.id, msgspec.json.decode(row.body, type=Overdue)))

    async def _dues(self) -> list[tuple[Thread, DueView]]:
        async def read(tx: Tx) -> list[tuple[Thread, DueView]]:
            found = []
            for thread in self._board.open_threads():
                due = await self._showing.awaited.due(NoteStore(tx), thread)
                if due is not None:
                    found.append((thread, due))
            return found

        return await self._site.store.read(read)

    async def _late_rungs(self) -> list[tuple[str, str, msgspec.Struct]]:
        told: list[tuple[str, str, msgspec.Struct]] = []
        late: set[_Late] = set()
        fired: set[_Fired] = set()
        for thread, due in await self._dues():
            party = self._speaking.other(thread)
            about = "" if due.about == thread.id else due.about
            if due.overdue:
                late.add((thread.id, due.rung, about))
                if (thread.id, due.rung, about) not in self._overdue:
                    body = Overdue(
                        kind=thread.kind,
                        party=party,
                        rung=due.rung,
                        mode=thread.mode,
                        by=due.by,
                        about=about,
                    )
                    told.append(("line-overdue", thread.id, body))
            for step in self._showing.awaited.fired(thread):
                body = Overdue(
                    kind=thread.kind,
                    party=party,
                    rung=step.rung,
                    mode=thread.mode,
                    whom=whom(step),
                    after_s=int(step.after.total_seconds()),
                    by=due.by,
                    about=about,
                )
                fired.add(_fired(thread.id, body))
                if _fired(thread.id, body) not in self._fired:
                    told.append(("line-escalated", thread.id, body))
        self._overdue, self._fired = late, fired
        return told

    async def _missed_checks(self) -> list[tuple[str, str, msgspec.Struct]]:
        told: list[tuple[str, str, msgspec.Struct]] = []
        for peer in self._board.lines:
            state = self._showing.check_state(peer)
            if state != self._checks.get(peer, "quiet"):
                told.append(("line-check", peer, CheckMissed(state=state)))
            self._checks[peer] = state
        return told

    async def _wrong_clocks(self) -> list[tuple[str, str, msgspec.Struct]]:
        told: list[tuple[str, str, msgspec.Struct]] = []
        for peer in self._board.lines:

            async def read(tx: Tx, peer: str = peer) -> tuple[Between, str]:
                return await self._showing.offset(NoteStore(tx), peer)

            span, clock = await self._site.store.read(read)
            before = self._clocks.get(peer, "unknown")
            self._clocks[peer] = clock
            if clock == before or (clock not in _WRONG and before not in _WRONG):
                continue
            body = ClockWrong(clock=clock, least_s=_seconds(span.least), most_s=_seconds(span.most))
            told.append(("line-clock", peer, body))
            if clock in _WRONG:
                await self._say_clock(peer, span)
        return told

    async def _say_clock(self, peer: str, span: Between) -> None:
        own = {"least": _decimal(span.least), "most": _decimal(span.most)}
        try:
            await self._speaking.say(Draft(kind=Kind.CLOCK, to=peer, own=own))
        except TansiqError as error:
            _log.warning("%s is not told of its clock: %s", peer, error)

    async def _tell(self, told: list[tuple[str, str, msgspec.Struct]]) -> None:
        now = self._site.clock.now()

        async def write(tx: Tx) -> None:
            for kind, subject, body in told:
                await self._events.append(tx, kind, subject, msgspec.json.encode(body), now)

        await self._events.store.write(write)


def _fired(thread: str, body: Overdue) -> _Fired:
    return thread, body.rung, body.about, body.whom, body.after_s


def _seconds(micros: int) -> float | None:
    return None if abs(micros) >= EVER else micros / MICROS


def _decimal(micros: int) -> str:
    bounded = max(-(10**15 - 1), min(10**15 - 1, micros))
    sign, whole = ("-" if bounded < 0 else ""), abs(bounded)
    return f"{sign}{whole // MICROS}.{whole % MICROS:06d}"
