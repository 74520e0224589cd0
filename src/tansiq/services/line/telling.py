"""Tells whoever had notice of a plan of ours how it stands since.

Read from the node's own feed, and at the start from what stands. Each state is told once to each
party: what was said last is in the record, so a node that dies in between tells it when it is back.
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Final

import msgspec

from tansiq.domain.note import Kind, write_instant
from tansiq.domain.thread import Stage
from tansiq.errors import NotFound, StoreError, TansiqError
from tansiq.services.events import Events
from tansiq.services.facade import Planning
from tansiq.services.line.announcing import NOTE, Said
from tansiq.services.line.board import Board
from tansiq.services.line.pen import Draft
from tansiq.services.line.speaking import Speaking
from tansiq.services.planning.site import Site
from tansiq.services.views import EventView, PlanView, Status

_log = logging.getLogger(__name__)

STATES: Final = {
    Status.COORDINATED: "coordinated",
    Status.DISPLACED: "displaced",
    Status.NONCONFORMING: "off-nominal",
    Status.CONTINGENT: "off-nominal",
    Status.ENDED: "ended",
}
"""What is on its way to one of these is not told of: it comes to one."""
_OVER = (Stage.WITHDRAWN, Stage.REFUSED)
_KEPT = timedelta(days=1)
"""How long after its end it is told at a start how a plan came to stand."""
_AT_ONCE = 100
_WAIT_S = 60.0
_PAUSE_S = 0.2


class Telling:
    """One loop a node."""

    def __init__(
        self, site: Site, events: Events, *, board: Board, speaking: Speaking, plans: Planning
    ) -> None:
        self._site = site
        self._events = events
        self._board = board
        self._speaking = speaking
        self._plans = plans
        self._told: dict[tuple[str, str], str] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tell."""
        self._task = asyncio.create_task(self._follow(), name="telling")

    async def stop(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _follow(self) -> None:
        seq: int | None = None
        while True:
            try:
                if seq is None:
                    seq = (await self._events.bounds())[1]
                    await self._tell_all()
                for event in await self._events.follow(seq, _AT_ONCE, _WAIT_S):
                    if event.kind == "plan" and self._has_notice(event.id):
                        # As it stands now; what an event carries may be too large to be kept.
                        await self.tell(await self._plans.plan(event.id))
                    elif event.kind == NOTE and _of_a_line(event):
                        await self._tell_all()  # What a closed line did not let pass.
                    seq = event.seq
                # Many at once rather than each by itself: nobody waits for a tenth of a second.
                await self._site.clock.sleep(_PAUSE_S)
            except TansiqError as error:
                _log.warning("telling how plans stand begins again: %s", error)
                seq = None  # What was missed is found among what stands.
                await self._site.clock.sleep(self._site.timers.retry_last_s)

    async def _tell_all(self) -> None:
        """Tell what changed while nobody was here; what is coordinated was so when it was said."""
        await self._board.catch_up()
        self._told = self._said()
        since = write_instant(self._site.clock.now() - _KEPT)
        named = sorted(
            {
                plan_id
                for (sender, _, plan_id), note in self._board.latest.items()
                if sender == self._site.party and self._board.facts[note]["end"] >= since
            }
        )
        for plan_id in named:
            with suppress(NotFound):
                view = await self._plans.plan(plan_id)
                if view.status is not Status.COORDINATED or self._is_news(view):
                    await self.tell(view)

    def _is_news(self, view: PlanView) -> bool:
        peers = self._board.lines
        return any(self._told.get((p, view.id), "coordinated") != "coordinated" for p in peers)

    async def tell(self, view: PlanView) -> None:
        """Tell how one plan stands now, whoever had notice of it and does not know."""
        state = STATES.get(view.status)
        if state is None:
            return
        await self._board.catch_up()
        for peer in self._board.lines:
            facts = self._notice(peer, view.id)
            # That it is coordinated is news only after it was not.
            if facts is None or self._told.get((peer, view.id), "coordinated") == state:
                continue
            own = {"id": view.id, "version": facts["version"], "state": state}
            try:
                await self._speaking.say(Draft(kind=Kind.STATUS, to=peer, own=own))
            except StoreError:
                raise
            except TansiqError as error:
                # The line is suspended or closed, most likely: its desk has other ways.
                _log.warning("%s is not told that %s is %s: %s", peer, view.id, state, error)
            else:
                self._told[peer, view.id] = state

    def _has_notice(self, plan_id: str) -> bool:
        return any(self._notice(peer, plan_id) is not None for peer in self._board.lines)

    def _notice(self, peer: str, plan_id: str) -> dict[str, str] | None:
        """Return the own lines of a notice that stands; None: the party has none of the plan."""
        thread = self._board.notice_of("plan", plan_id, peer)
        return None if thread is None or thread.stage in _OVER else self._board.facts[thread.id]

    def _said(self) -> dict[tuple[str, str], str]:
        """Return the state that each party was last told of, by party and plan."""
        said: dict[tuple[str, str], str] = {}
        for thread in self._board.threads.values():
            if thread.kind is Kind.STATUS and thread.opener == self._site.party:
                facts = self._board.facts[thread.id]
                said[thread.other, facts["id"]] = facts["state"]
        return said


def _of_a_line(event: EventView) -> bool:
    return msgspec.json.decode(event.body, type=Said).kind == Kind.LINE
