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

from tansiq.domain import pact
from tansiq.domain.lead import EVER, MICROS, Between
from tansiq.domain.note import Kind, NoteID
from tansiq.errors import StoreError, TansiqError
from tansiq.services.events import Events
from tansiq.services.line.board import Board
from tansiq.services.line.pen import Draft
from tansiq.services.line.showing import Showing, whom
from tansiq.services.line.speaking import Speaking
from tansiq.services.planning.site import Site
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
    mode: str
    whom: str | None = None


class CheckMissed(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``line-check``; the event's id is the party."""

    state: str
    """``due``, ``caution``, ``warning``, or ``quiet`` again."""


class ClockWrong(msgspec.Struct, frozen=True, kw_only=True):
    """The body of ``line-clock``; the event's id is the party."""

    clock: str
    least_s: float | None
    most_s: float | None


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
        self._overdue: set[tuple[NoteID, str]] = set()
        self._fired: set[tuple[NoteID, pact.Escalation]] = set()
        self._checks: dict[str, str] = {}
        self._clocks: dict[str, str] = {}
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
        told = [*self._late_rungs(), *await self._missed_checks()]
        now_s = self._site.clock.monotonic_s()
        if now_s - self._looked_s >= CLOCKS_EVERY_S:
            self._looked_s = now_s
            told += await self._wrong_clocks()
        if told:
            await self._tell(told)

    def _late_rungs(self) -> list[tuple[str, str, msgspec.Struct]]:
        told: list[tuple[str, str, msgspec.Struct]] = []
        late: set[tuple[NoteID, str]] = set()
        fired: set[tuple[NoteID, pact.Escalation]] = set()
        for thread in self._board.open_threads():
            due = self._showing.due(thread)
            if due is None:
                continue
            party = self._speaking.other(thread)
            if due.overdue:
                late.add((thread.id, due.rung))
                if (thread.id, due.rung) not in self._overdue:
                    body = Overdue(kind=thread.kind, party=party, rung=due.rung, mode=thread.mode)
                    told.append(("line-overdue", thread.id, body))
            for step in self._showing.fired(thread):
                fired.add((thread.id, step))
                if (thread.id, step) not in self._fired:
                    body = Overdue(
                        kind=thread.kind,
                        party=party,
                        rung=step.rung,
                        mode=thread.mode,
                        whom=whom(step),
                    )
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


def _seconds(micros: int) -> float | None:
    return None if abs(micros) >= EVER else micros / MICROS


def _decimal(micros: int) -> str:
    bounded = max(-(10**15 - 1), min(10**15 - 1, micros))
    sign, whole = ("-" if bounded < 0 else ""), abs(bounded)
    return f"{sign}{whole // MICROS}.{whole % MICROS:06d}"
