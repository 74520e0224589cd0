"""What the board shows follows from the notes alone, in whatever order they came and were asked.

Also: what may be said follows from what is written, whether or not anybody has looked at it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from desks import Desk
from stations import Air, Station, agreement_of
from test_delivery import check_draft
from virtual import SimulatedClock, SteppingStore, simulate

from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Thread
from tansiq.errors import WrongState
from tansiq.services.line.board import Board
from tansiq.storage.notes import NoteRow
from tansiq.storage.store import Tx

PARTIES = ("north", "south")
STORE = SteppingStore()
"""Empty: notes are told to the board without it."""
OPENING = (Kind.NOTICE, "notice")
WORDS = (
    (Kind.COUNTER, "counter"),
    (Kind.ANSWER, "answer/unable"),
    (Kind.OUTCOME, "outcome"),
    (Kind.SEEN, "seen"),
    (Kind.READBACK, "readback"),
)


def drawn(random: Random) -> list[NoteRow]:
    """Draw a conversation whose numbers and turns are whatever a peer may write."""
    ids = [NoteID(f"{n:064x}") for n in range(6)]
    rows = []
    for place, note in enumerate(ids):
        kind, word = random.choice(WORDS) if place else OPENING
        row = NoteRow(
            id=note,
            seq=0,
            peer="",
            kind=kind,
            sender=random.choice(PARTIES) if place else PARTIES[0],
            mode=Mode.LIVE,
            number=random.randint(1, 6),
            turn=random.randint(1, 8),
            time=place,
            thread=ids[0],
            re=random.choice(ids) if place else None,
            word=word,
            own="id: x\nversion: 1\n",
            error=None,
            written=0,
        )
        rows.append(row)
    return rows


def shown(rows: list[NoteRow], me: str, random: Random) -> dict[NoteID, Thread]:
    """Return what a board shows that was told of notes in a drawn order."""
    board = Board(STORE, me, PARTIES)
    peer = PARTIES[PARTIES[0] == me]
    for seq, row in enumerate(random.sample(rows, len(rows))):
        board._take([row._replace(seq=seq, peer=peer)])
    return board.threads


def test_both_ends_show_the_same_in_whatever_order_notes_came() -> None:
    """Also where numbers and turns contradict each other, so that some notes are backdated."""
    for seed in range(1_000):
        random = Random(seed)
        rows = drawn(random)
        north, south = (shown(rows, party, random) for party in PARTIES)
        assert north == south, f"seed {seed}"


class SlowStore(SteppingStore):
    """Answers a read a second after it was made; what is written meanwhile is not in it."""

    reads = 0

    async def read(self, fn: Callable[[Tx], Awaitable[Any]]) -> Any:
        self.reads += 1
        found = await super().read(fn)
        await asyncio.sleep(1.0)
        return found


def test_whoever_asks_sees_what_was_written_before_and_all_are_served_together() -> None:
    async def main() -> None:
        north = Station("north", agreement_of(*PARTIES), Air(Random(1)))
        store = SlowStore(north.store.connection)
        board = Board(store, "north", PARTIES)
        seen: list[bool] = []

        async def ask(note: NoteID) -> None:
            await board.catch_up()
            seen.append(note in board.threads)

        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                row = await north.say(check_draft("south"))
                group.create_task(ask(row.id))
                await asyncio.sleep(0.01)
        assert seen == [True] * 50
        assert store.reads == 2
        assert board.has(row)

    simulate(main)


def test_nobody_speaks_on_a_line_whose_suspension_was_not_looked_at() -> None:
    async def main() -> None:
        air, agreement = Air(Random(1)), agreement_of(*PARTIES)
        north, south = (
            Desk(party, agreement, air, clock=SimulatedClock(), random=Random(1))
            for party in PARTIES
        )
        south.start()
        await south.talk.set_line((), "suspended", south.actor)
        await asyncio.sleep(5.0)
        assert north.board.lines["south"].state == "open"
        with pytest.raises(WrongState, match="suspended"):
            await north.talk.check(["south"], north.actor, exercise=False)
        assert len(await north.outbox.waiting(10)) == 0
        await north.talk.stop(["south"], north.actor)
        assert len(await north.outbox.waiting(10)) == 1
        assert north.board.lines["south"].state == "suspended"
        await south.stop()

    simulate(main)
