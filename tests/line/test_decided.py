"""A proposal, or an outcome of one side, that waits for the other side's word: shown, due, told."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

import msgspec
import pytest
from desks import PLAN, Desk
from stations import Air, agreement_of
from test_board_order import drawn
from virtual import SimulatedClock, simulate

from tansiq.domain.note import NoteID
from tansiq.domain.pact import AgreedTimers, Escalation, Role, Rung, Way
from tansiq.domain.thread import Stage, folded, undecided
from tansiq.domain.time import from_micros, zulu
from tansiq.formats.payload import Move
from tansiq.services.events import Events
from tansiq.services.line.showing import Showing
from tansiq.services.line.views import DueView
from tansiq.services.line.vigil import Vigil
from tansiq.settings import Limits
from tansiq.storage.events import EventLog
from tansiq.storage.notes import NoteStore

MINUTE = timedelta(minutes=1)
MICRO = timedelta(microseconds=1)
LATER = Move(delay_s=600)
TIMERS = AgreedTimers(decided=7 * MINUTE)
STEPS = (
    Escalation(rung=Rung.ANSWERED, after=30 * MINUTE, role=Role.WATCH),
    Escalation(rung=Rung.DECIDED, after=8 * MINUTE, role=Role.DEPUTY),
    Escalation(rung=Rung.DECIDED, after=9 * MINUTE, desk="south/ops", by=Way.VOICE),
)


@dataclass
class Post:
    """A desk, what it is shown, and its vigil."""

    desk: Desk

    def __post_init__(self) -> None:
        site, desk = self.desk.site, self.desk
        self.events = Events(desk.store, desk.clock, Limits())
        self.showing = Showing(site, board=desk.board)
        self.begin()

    def begin(self) -> None:
        """Begin the vigil anew, as a process does that starts."""
        self.vigil = Vigil(
            self.desk.site,
            self.events,
            board=self.desk.board,
            showing=self.showing,
            speaking=self.desk.speaking,
        )

    async def due(self, note: NoteID) -> DueView | None:
        await self.desk.board.catch_up()
        thread = self.desk.board.threads[note]
        return await self.desk.store.read(
            lambda tx: self.showing.awaited.due(NoteStore(tx), thread)
        )

    async def told(self) -> list[dict[str, Any]]:
        """Look, and return what the feed has of decisions."""
        await self.vigil.look()
        kinds = ("line-overdue", "line-escalated")
        rows = await self.desk.store.read(lambda tx: EventLog(tx).of_kinds(kinds))
        bodies = [{"event": row.kind, **msgspec.json.decode(row.body)} for row in rows]
        return [body for body in bodies if body["rung"] == "decided"]

    def at(self, since: int, after: timedelta) -> None:
        """Set the clock to so long after an instant, to the microsecond."""
        clock = self.desk.clock
        clock.off += from_micros(since) + after - clock.now()

    def came(self, note: NoteID) -> int:
        return self.desk.board.came[note]


Script = Callable[["Post", "Post", NoteID], Awaitable[None]]


def talking(script: Script, *, until: str = "countered") -> None:
    """Let north give a notice, and south counter it; then go by the script."""

    async def main() -> None:
        agreement = replace(agreement_of("north", "south"), timers=TIMERS, escalation=STEPS)
        air, random = Air(Random(1)), Random(2)
        north, south = (
            Desk(party, agreement, air, clock=SimulatedClock(), random=random)
            for party in ("north", "south")
        )
        for desk in (north, south):
            desk.start()
        (row,) = await north.notices.give_area(north.area(), ["south"], north.actor)
        await asyncio.sleep(60.0)
        if until == "countered":
            await south.notices.counter(row.id, LATER, south.actor, mine=True)
            await asyncio.sleep(60.0)
        await script(Post(north), Post(south), row.id)
        for desk in (north, south):
            await desk.stop()

    simulate(main)


@pytest.mark.parametrize("side", ["north", "south"])
def test_a_proposal_is_overdue_after_its_timer_at_both_ends(side: str) -> None:
    async def script(north: Post, south: Post, note: NoteID) -> None:
        post = north if side == "north" else south
        due = await post.due(note)
        proposal = post.desk.board.threads[note].proposal
        assert due is not None
        assert proposal is not None
        since = post.came(proposal)
        assert (due.rung, due.by, due.about) == ("decided", "north", proposal)
        assert due.at == zulu(from_micros(since) + 7 * MINUTE)
        assert (due.escalation, due.escalation_at) == (
            "deputy by node",
            zulu(from_micros(since) + 8 * MINUTE),
        )
        for after, overdue, fired in (
            (7 * MINUTE, False, ()),
            (7 * MINUTE + MICRO, True, ()),
            (8 * MINUTE - MICRO, True, ()),
            (8 * MINUTE, True, ("deputy by node",)),
            (9 * MINUTE - MICRO, True, ("deputy by node",)),
            (9 * MINUTE, True, ("deputy by node", "south/ops by voice")),
            # Of the ladder nothing is awaited, however long ago the notice was sent.
            (timedelta(hours=9), True, ("deputy by node", "south/ops by voice")),
        ):
            post.at(since, after)
            due = await post.due(note)
            assert due is not None
            assert (due.overdue, due.fired) == (overdue, fired), after
        post.at(since, 7 * MINUTE + MICRO)
        peer = "south" if side == "north" else "north"
        line = await post.desk.store.read(lambda tx: post.showing.line(tx, peer))
        assert (line.overdue_ours, line.overdue_theirs) == ((1, 0) if side == "north" else (0, 1))

    talking(script)


def test_an_unanswered_notice_never_comes_to_a_step_of_a_decision() -> None:
    async def script(north: Post, _: Post, note: NoteID) -> None:
        due = await north.due(note)
        assert due is not None
        assert due.rung == "seen"
        north.at(north.desk.board.arrived[note], 3 * timedelta(hours=1))
        due = await north.due(note)
        assert due is not None
        assert due.fired == ("watch by node",)
        assert await north.told() == []

    talking(script, until="given")


def test_each_proposal_and_outcome_runs_anew_and_is_told_once() -> None:
    async def script(north: Post, south: Post, note: NoteID) -> None:
        board = north.desk.board
        assert await north.told() == []
        first = board.threads[note].proposal
        assert first is not None
        north.at(north.came(first), 7 * MINUTE + MICRO)
        (told,) = await north.told()
        assert (told["event"], told["by"], told["about"]) == ("line-overdue", "north", first)
        assert len(await north.told()) == 1

        # North counters: it is south's turn, and the time begins again.
        await north.desk.notices.counter(note, LATER, north.desk.actor, mine=False)
        await asyncio.sleep(1.0)
        due = await north.due(note)
        assert due is not None
        assert (due.by, due.overdue) == ("south", False)
        second = board.threads[note].proposal
        assert second is not None
        # A node that was off meanwhile tells of the second, though it has told of the first.
        north.at(north.came(second), 7 * MINUTE + MICRO)
        north.begin()
        assert [each["about"] for each in await north.told()] == [first, second]
        north.begin()
        assert len(await north.told()) == 2

        # South accepts: north is to confirm.
        await south.desk.notices.accept(note, south.desk.actor, plan=PLAN)
        await asyncio.sleep(1.0)
        due = await north.due(note)
        outcome = board.threads[note].outcome
        assert due is not None
        assert outcome is not None
        assert (due.rung, due.by, due.about, due.overdue) == (
            "decided",
            "north",
            outcome.id,
            False,
        )
        north.at(north.came(outcome.id), 8 * MINUTE)
        told_now = (await north.told())[2:]
        assert [each["event"] for each in told_now] == ["line-overdue", "line-escalated"]
        assert {each["about"] for each in told_now} == {outcome.id}

        # A dispute gives the proposal back to who had not made it, with new time.
        await north.desk.notices.confirm(note, north.desk.actor, agreed=False)
        await asyncio.sleep(1.0)
        due = await north.due(note)
        assert due is not None
        assert board.threads[note].stage is Stage.COUNTERED
        assert (due.by, due.overdue) == ("south", False)
        assert due.about not in (outcome.id, second)
        await south.desk.notices.accept(note, south.desk.actor, plan=PLAN)
        await asyncio.sleep(1.0)
        await north.desk.notices.confirm(note, north.desk.actor, agreed=True)
        await asyncio.sleep(1.0)
        assert await north.due(note) is None
        assert await south.due(note) is None
        assert board.threads[note].stage is Stage.SETTLED

    talking(script)


@pytest.mark.parametrize("seed", range(200))
def test_something_waits_in_just_two_stages_and_for_whoever_did_not_say_it(seed: int) -> None:
    notes = [row.saying("north") for row in drawn(Random(seed))]
    thread = folded(notes)
    assert thread is not None
    ordered = sorted(notes, key=lambda each: each.order)
    found = undecided(thread, ordered)
    assert (found is not None) == (thread.stage in (Stage.COUNTERED, Stage.OUTCOME))
    if found is not None:
        (since,) = (each for each in notes if each.id == found.since)
        assert since.id not in thread.out_of_turn
        assert {since.sender, found.by} == {"north", "south"} or since.word == "confirm/disputed"


@pytest.mark.parametrize("how", ["declined", "withdrawn"])
def test_what_was_declined_or_withdrawn_waits_for_nothing(how: str) -> None:
    async def script(north: Post, _: Post, note: NoteID) -> None:
        if how == "declined":
            await north.desk.notices.answer(note, "unable", north.desk.actor)
        else:
            await north.desk.notices.withdraw(note, north.desk.actor)
        await asyncio.sleep(1.0)
        assert await north.due(note) is None
        assert await north.told() == []

    talking(script)
