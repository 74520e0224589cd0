"""Delivers what we say: in order, again and again, for as long as it takes.

Two lanes to each party. What is urgent has its own, so a stop waits for nothing: neither for what
was said before, nor for a request that is on its way. Nothing is ever given up; what has not
arrived stays visible with the reason.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from tansiq.domain.note import NoteID
from tansiq.domain.time import micros
from tansiq.errors import PeerError, RecordRolledBack, StoreError
from tansiq.formats.letter import Letter
from tansiq.services.line.inbox import Inbox
from tansiq.services.line.pen import Pen, lane_of
from tansiq.services.line.ports import Delivered, LinePort
from tansiq.services.planning.site import Site
from tansiq.storage.notes import NoteRow, NoteStore, Waiting
from tansiq.storage.store import Tx

URGENT_RETRY_S: Final = 1.0
"""How long a stop waits before it is tried again, at most."""
REFUSED_RETRY_S: Final = 60.0
"""How long what a peer did not take is left alone; other notes go meanwhile."""
LANES: Final = (0, 1)
_ENVELOPE_BYTES: Final = 4_000
"""A letter without its payload, as JSON."""


@dataclass(slots=True)
class _Lane:
    written: asyncio.Event = field(default_factory=asyncio.Event)
    reachable: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """All deliveries of one node; ``wake`` after each commit that wrote a note."""

    def __init__(self, site: Site, *, pen: Pen, inbox: Inbox, peers: LinePort) -> None:
        self._site = site
        self._store = site.store
        self._clock = site.clock
        self._limits = site.limits
        self._timers = site.timers
        self._pen = pen
        self._inbox = inbox
        self._peers = peers
        others = [party.id for party in site.agreement.parties if party.id != site.party]
        self._lanes: dict[tuple[str, int], _Lane] = {
            (party, lane): _Lane() for party in others for lane in LANES
        }
        self._tasks: list[asyncio.Task[None]] = []
        self.on_receipts: Callable[[str], None] = lambda _: None
        """Called with the party once receipts of its node are on disk."""
        self.before: Callable[[str], Awaitable[None]] = self._nothing
        """Awaited before a delivery that is not urgent; raises where nothing may be said."""

    @staticmethod
    async def _nothing(_: str) -> None: ...

    def start(self) -> None:
        """Begin to deliver, with what an earlier run left."""
        self._tasks = [
            asyncio.create_task(self._deliver_on(party, lane), name=f"outbox {party} {lane}")
            for party, lane in self._lanes
        ]

    async def stop(self) -> None:
        """Stop; what has not arrived stays in the store."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._tasks = []

    def wake(self, rows: Iterable[NoteRow] | None = None) -> None:
        """Look into the outbox: these notes were written; None: whatever was."""
        if rows is None:
            lanes = list(self._lanes.values())
        else:
            # In the order of the notes, so that a simulation's seed says all that happens.
            keys = dict.fromkeys((row.peer, lane_of(row.kind)) for row in rows)
            lanes = [self._lanes[key] for key in keys if key in self._lanes]
        for lane in lanes:
            lane.written.set()

    def reachable(self, party: str) -> None:
        """Try again now: the party's node has just spoken to us."""
        for (to, _), lane in self._lanes.items():
            if to == party:
                lane.reachable.set()
                lane.written.set()

    async def _deliver_on(self, party: str, rank: int) -> None:
        lane, pause_s = self._lanes[party, rank], 0.0
        while True:
            lane.written.clear()
            lane.reachable.clear()
            try:
                arrived, left = await self._deliver(party, rank)
            except StoreError:
                arrived, left = 0, True  # The store says so itself; nothing is lost by waiting.
            if arrived:
                self.on_receipts(party)
                pause_s = 0.0
            elif left:
                pause_s = self._longer(pause_s, rank)
                # Something more to say is no reason to ask at once who has just not answered,
                # unless it is urgent.
                with suppress(TimeoutError):
                    ahead = lane.written if rank == 0 else lane.reachable
                    await self._clock.limit(ahead.wait(), pause_s)
            else:
                await lane.written.wait()

    def _longer(self, pause_s: float, lane: int) -> float:
        most = URGENT_RETRY_S if lane == 0 else self._timers.retry_last_s
        return min(most, max(self._timers.retry_first_s, 2 * pause_s))

    async def _deliver(self, party: str, lane: int) -> tuple[int, bool]:
        """Try what is due once; return how many arrived, and whether some have not."""
        before = micros(self._clock.now()) - int(REFUSED_RETRY_S * 1e6)
        letters, left = await self._store.read(lambda tx: self._due(tx, party, lane, before))
        if not letters:
            return 0, left
        try:
            # A stop goes out whatever is wrong with our record: it may save lives, and two notes of
            # one number are only a disorder.
            if lane > 0:
                await self.before(party)
            answers = await self._peers.deliver(party, [letter.wire for letter in letters])
        except (PeerError, RecordRolledBack) as error:
            await self._tried({letter.id: str(error) for letter in letters}, refused=False)
            return 0, True
        return await self._answered(letters, answers, self._clock.now())

    async def _due(self, tx: Tx, party: str, lane: int, before: int) -> tuple[list[Letter], bool]:
        """Return what goes next, and whether anything waits at all."""
        store, limits = NoteStore(tx), self._limits
        letters: list[Letter] = []
        room = limits.body_bytes_max
        due = await store.due(party, rank=lane, before=before, limit=limits.letters_max)
        for note in due:
            row = await store.get(note)
            assert row is not None  # noqa: S101 - the outbox holds notes that are here
            letter = await self._pen.letter(tx, row)
            # As JSON every byte of a payload may take two.
            room -= 2 * len(letter.payload or b"") + _ENVELOPE_BYTES
            if letters and room < 0:
                break
            letters.append(letter)
        return letters, bool(letters) or lane in await store.lanes(party)

    async def _answered(
        self, letters: Sequence[Letter], answers: Sequence[Delivered], got: datetime
    ) -> tuple[int, bool]:
        ours = {letter.id for letter in letters}
        receipts = {each.receipt.id: each for each in answers if each.receipt is not None}
        became = await self._inbox.take_receipts(
            [each.receipt for each in receipts.values() if each.receipt is not None], got
        )
        problems = {each.note: each.problem or "no receipt came" for each in answers}
        for receipt, each in receipts.items():
            error = became[receipt]
            if error is None:
                problems.pop(each.note, None)
            else:
                problems[each.note] = f"its receipt is not good: {error}"
        problems = {note: why for note, why in problems.items() if note in ours}
        silent = ours - {each.note for each in answers}
        problems |= dict.fromkeys(silent, "the answer says nothing of it")
        if problems:
            await self._tried(problems, refused=True)
        return len(ours) - len(problems), bool(problems)

    async def _tried(self, problems: Mapping[NoteID, str], *, refused: bool) -> None:
        now = micros(self._clock.now())

        async def write(tx: Tx) -> None:
            await NoteStore(tx).tried(problems, now, refused=refused)

        await self._store.write(write)

    async def waiting(self, limit: int) -> list[Waiting]:
        """Return what has not arrived, by party and in order."""
        return await self._store.read(lambda tx: NoteStore(tx).waiting(limit))
