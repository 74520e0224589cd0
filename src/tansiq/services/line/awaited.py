"""What is awaited next in a conversation: until when, by whom, and who is turned to if it fails.

Two clocks. The ladder runs from when a conversation was begun or came here. Once a notice is
answered, a proposal or an outcome runs from when it came here, and each anew.
"""

from datetime import timedelta
from typing import Final, NamedTuple

from tansiq.domain import pact
from tansiq.domain.note import Kind, Mode
from tansiq.domain.pact import Rung
from tansiq.domain.thread import Thread, undecided
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.services.line.board import Board
from tansiq.services.line.lateness import time_needed
from tansiq.services.line.views import DueView
from tansiq.services.planning.site import Site
from tansiq.storage.notes import NoteStore

_LADDERS: Final = {
    Kind.NOTICE: (Rung.ARRIVED, Rung.SEEN, Rung.READ_BACK, Rung.ANSWERED),
    Kind.CHECK: (Rung.ARRIVED, Rung.ANSWERED),
    Kind.STOP: (Rung.ARRIVED, Rung.SEEN),
    Kind.LINE: (Rung.ARRIVED, Rung.SEEN),
    Kind.CALL: (Rung.ARRIVED, Rung.ANSWERED),
    Kind.SAY: (Rung.ARRIVED, Rung.SEEN),
    Kind.INCIDENT: (Rung.ARRIVED, Rung.ANSWERED),
    Kind.ALARM: (Rung.ARRIVED, Rung.ANSWERED),
}
"""What is awaited, by the kind that opened the conversation."""


class _Wait(NamedTuple):
    """What runs at present."""

    rung: Rung
    since: int
    """By our clock, microseconds UTC."""
    by: str
    """The party whose word or node it is that is awaited."""
    about: str
    """The note from which it runs."""
    reached: Rung | None
    """Of the ladder; None: a decision is awaited."""


class Awaited:
    """Looks at the board; writes nothing."""

    def __init__(self, site: Site, board: Board) -> None:
        self._site = site
        self._agreement = site.agreement
        self._board = board

    async def due(self, store: NoteStore, thread: Thread) -> DueView | None:
        """Return what is awaited next in a conversation, and what follows if it does not come."""
        if not thread.open or thread.kind not in _LADDERS or self._board.superseded(thread):
            return None
        timers, steps = self._agreement.timers, self._agreement.escalation
        until = await time_needed(store, self._board, thread, usual=timers.answered)
        if until is not None:
            overdue = self._site.clock.now() > until
            return DueView(
                rung=Rung.ANSWERED,
                at=zulu(until),
                overdue=overdue,
                by=thread.other,
                about=thread.id,
            )
        wait = self._wait(thread)
        if wait is None:
            return None
        elapsed, due = self._elapsed(wait), timers.due(wait.rung)
        following = pact.step_next(steps, reached=wait.reached, elapsed=elapsed)
        since = from_micros(wait.since)
        return DueView(
            rung=wait.rung,
            at=zulu(since + due),
            overdue=elapsed > due,
            by=wait.by,
            about=wait.about,
            escalation=None if following is None else whom(following),
            escalation_at=None if following is None else zulu(since + following.after),
            fired=tuple(map(whom, self._fired(wait))),
        )

    async def overdue(self, store: NoteStore, peer: str) -> tuple[int, int]:
        """Return in how many live conversations with a party our word is overdue, and theirs."""
        ours = theirs = 0
        for thread in self._board.open_threads():
            if peer not in (thread.opener, thread.other) or thread.mode is not Mode.LIVE:
                continue
            due = await self.due(store, thread)
            if due is not None and due.overdue:
                ours += due.by != peer
                theirs += due.by == peer
        return ours, theirs

    def fired(self, thread: Thread) -> tuple[pact.Escalation, ...]:
        """Return the steps that a conversation has come to."""
        wait = self._wait(thread)
        return () if wait is None else self._fired(wait)

    def _fired(self, wait: _Wait) -> tuple[pact.Escalation, ...]:
        steps = self._agreement.escalation
        return pact.steps_due(steps, reached=wait.reached, elapsed=self._elapsed(wait))

    def _elapsed(self, wait: _Wait) -> timedelta:
        return timedelta(microseconds=micros(self._site.clock.now()) - wait.since)

    def _wait(self, thread: Thread) -> _Wait | None:
        reached = max((rung for rung, _ in thread.rungs), key=lambda rung: rung.height)
        ladder = _LADDERS.get(thread.kind, ())
        rung = next((rung for rung in ladder if rung.height > reached.height), None)
        if rung is not None:
            since = self._board.arrived[thread.id]
            return _Wait(rung, since, thread.other, thread.id, reached)
        waiting = undecided(thread, self._board.notes(thread.id))
        if waiting is None:
            return None
        since = self._board.came[waiting.since]
        return _Wait(Rung.DECIDED, since, waiting.by, waiting.since, None)


def whom(step: pact.Escalation) -> str:
    """Return whom a step turns to, and how."""
    return f"{step.desk or step.role} by {step.by}"
