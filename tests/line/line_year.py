"""A year of five nodes and their people in simulated time: the world, its faults, and the judge.

    .venv/bin/python tests/line/line_year.py SEED [DAYS [VARIANT]]

replays a seed, event by event: nothing in it depends on anything else.
"""

import asyncio
import math
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import combinations
from random import Random
from types import MappingProxyType
from typing import Any, Final

from desks import Desk
from stations import Air, Faults, agreement_of
from virtual import START, SimulatedClock, SteppingStore, simulate

from tansiq.domain.note import FORMS, Kind, NoteID, Place
from tansiq.domain.thread import Thread
from tansiq.errors import TansiqError
from tansiq.formats.letter import Letter
from tansiq.formats.signed_note import NameOf
from tansiq.services.line.board import Board
from tansiq.services.line.inbox import Inbox
from tansiq.services.line.pen import Draft
from tansiq.services.record.start import check
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.record import RecordLog
from tansiq.storage.sqlite import _SqliteTx, _step
from tansiq.storage.store import Tx
from tansiq.storage.witness import Witnessed

PARTIES: Final = ("east", "north", "south", "upper", "west")
HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
MONTH_DAYS: Final = 30.0
LINK: Final = Faults(
    lose=0.05, lose_answer=0.05, repeat=0.05, shuffle=0.1, delay_s=(0.01, 0.4), answer_s=5.0
)
CHECK_EVERY_S: Final = 6 * HOUR
EVERY_DAYS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "notice": 1.0,
        "message": 2.0,
        "watch": 0.5,
        "line": 5.0,
        "call": 7.0,
        "withdraw": 7.0,
        "incident": 30.0,
        "stop": 30.0,
    }
)
"""How often a desk begins something, in days between two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """How often what fails, in days between two, and for how long at most, hours."""

    death_days: float
    death_hours: float
    cut_days: float
    cut_hours: float


A_YEARS: Final = Trouble(death_days=20.0, death_hours=36.0, cut_days=30.0, cut_hours=60.0)
A_WEEKS: Final = Trouble(death_days=2.0, death_hours=2.0, cut_days=7.0, cut_hours=8.0)


class WanderingClock(SimulatedClock):
    """A clock that is up to ``off`` wrong, now ahead and now behind, and never jumps."""

    def __init__(self, random: Random) -> None:
        super().__init__(timedelta(seconds=random.uniform(0.0, 0.5)))
        self._period_s = random.uniform(5 * DAY, 20 * DAY)
        self._phase = random.uniform(0.0, 2 * math.pi)

    def now(self) -> datetime:
        at_s = self.monotonic_s()
        wrong = self.off * math.sin(2 * math.pi * at_s / self._period_s + self._phase)
        return START + timedelta(microseconds=round(at_s * 1e6)) + wrong


# ---- broken nodes, which must be caught


class HastyStore(SteppingStore):
    """Answers a write at once and commits it half a second later."""

    async def write(self, fn: Callable[[Tx], Any], *, beside: bool = False, at: object = ()) -> Any:
        if not self._crashed and not self.connection.in_transaction:
            self.connection.execute("BEGIN IMMEDIATE")
            asyncio.get_running_loop().call_later(0.5, self._commit)
        self.connection.execute("SAVEPOINT one")
        try:
            return await self._within(fn)
        except BaseException:
            self.connection.execute("ROLLBACK TO one")
            raise
        finally:
            self.connection.execute("RELEASE one")

    async def _within(self, fn: Callable[[Tx], Any]) -> Any:
        if self._crashed:
            await asyncio.Event().wait()
        return _step(fn, _SqliteTx(self.connection))

    def _commit(self) -> None:
        if not self._crashed:
            self.connection.execute("COMMIT")

    def reopened(self) -> "HastyStore":
        if self.connection.in_transaction:
            self.connection.execute("ROLLBACK")
        self._crashed = True
        return HastyStore(self.connection)


class ForgetfulInbox(Inbox):
    """Writes another receipt when a letter comes again."""

    async def _same_receipt(self, tx: Tx, known: NoteRow) -> Letter | None:
        first = await super()._same_receipt(tx, known)
        if first is None:
            return None
        own, now = dict(first.note.own), self._clock.now()
        draft = Draft(kind=Kind.RECEIPT, to=known.peer, own=own, re=known.id, mode=known.mode)
        return await self._pen.letter(tx, await self._pen.write(tx, draft, now))


class HastyDesk(Desk):
    store_type = HastyStore


class ForgetfulDesk(Desk):
    inbox_type = ForgetfulInbox


BROKEN: Final[Mapping[str, type[Desk]]] = MappingProxyType(
    {"receipts before the commit": HastyDesk, "a receipt each time": ForgetfulDesk}
)


# ---- the world


@dataclass
class Year:
    """One run."""

    seed: int
    days: float
    trouble: Trouble = A_YEARS
    desk_type: type[Desk] = Desk
    deaths: int = 0
    cuts: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    entries: int = 0
    notes: int = 0
    """Said to other parties, receipts left out."""
    roots: str = ""
    """What the five records come to: the same from the same seed."""
    tell: Callable[[str], None] = lambda _: None
    """Told how far it is, each simulated month."""

    def run(self) -> list[str]:
        """Live through it; return what is wrong at its end."""
        self.began_s = time.perf_counter()
        return simulate(self._main)

    def __str__(self) -> str:
        conversations = ", ".join(f"{n} {kind}" for kind, n in sorted(self.kinds.items()))
        return (
            f"seed {self.seed}, {self.days:g} days: {self.notes:,} notes with their receipts, "
            f"{self.entries:,} entries in five records; conversations: {conversations}; "
            f"{self.deaths} deaths, {self.cuts} cuts, {self.air.deliveries:,} deliveries tried; "
            f"roots {self.roots}"
        )

    async def _main(self) -> list[str]:
        self.random = Random(self.seed)
        self.air = Air(Random(self.random.random()), LINK)
        agreement = agreement_of(*PARTIES)
        self.desks = {}
        for party in PARTIES:
            clock, random = WanderingClock(self.random), Random(self.random.random())
            desk = self.desk_type(party, agreement, self.air, clock=clock, random=random)
            desk.start()
            self.desks[party] = desk
        lives = [asyncio.create_task(each) for each in self._lives()]
        await self._pass_time()
        for task in lives:
            task.cancel()
        await asyncio.gather(*lives, return_exceptions=True)
        for task in lives:
            if not task.cancelled():
                task.result()
        await self._settle()
        await self._progress("settled")
        wrong = await self._judged()
        await self._progress("judged")
        for desk in self.desks.values():
            await desk.stop()
        return wrong

    async def _pass_time(self) -> None:
        """Sleep until the last day is over, and tell each month of it."""
        begun = asyncio.get_running_loop().time()
        for month in range(1, math.ceil(self.days / MONTH_DAYS) + 1):
            day = min(month * MONTH_DAYS, self.days)
            await asyncio.sleep(begun + day * DAY - asyncio.get_running_loop().time())
            await self._progress(f"day {day:g}")

    async def _progress(self, where: str) -> None:
        heads = [await desk.store.read(desk.record.head) for desk in self.desks.values()]
        self.tell(
            f"{where}: {sum(head.size for head in heads):,} entries, "
            f"{self.air.deliveries:,} deliveries tried, {self.deaths} deaths, {self.cuts} cuts; "
            f"{time.perf_counter() - self.began_s:,.0f} s, {time.process_time():,.0f} s of CPU"
        )

    def _lives(self) -> list[Coroutine[Any, Any, None]]:
        desks = list(self.desks.values())
        return [
            *(desk.sit() for desk in desks),
            *(self._begin(desk, kind) for desk in desks for kind in EVERY_DAYS),
            *(self._checks(*pair) for pair in combinations(desks, 2)),
            *(self._die(desk) for desk in desks),
            *(self._cut(*pair) for pair in combinations(PARTIES, 2)),
        ]

    async def _begin(self, desk: Desk, kind: str) -> None:
        while True:
            await asyncio.sleep(desk.random.expovariate(1 / (EVERY_DAYS[kind] * DAY)))
            await desk.begin(kind)

    async def _checks(self, one: Desk, other: Desk) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(0.9, 1.1) * CHECK_EVERY_S)
            asks, asked = self.random.sample([one, other], 2)
            await asks.check(asked.party)

    async def _die(self, desk: Desk) -> None:
        """Kill the node now and then: at any time, or just when something has been delivered."""
        while True:
            await asyncio.sleep(self.random.expovariate(1 / (self.trouble.death_days * DAY)))
            for_s = self._span_s(5.0, self.trouble.death_hours)
            if desk.down or desk.dying is not None:
                continue
            self.deaths += 1
            if self.random.random() < 0.7:
                desk.armed_s = for_s
            else:
                # Not in this task: whoever was killed comes back even when the year is over.
                desk.dying = asyncio.create_task(desk.die(0.0, for_s))

    async def _cut(self, one: str, other: str) -> None:
        pair = frozenset((one, other))
        while True:
            await asyncio.sleep(self.random.expovariate(1 / (self.trouble.cut_days * DAY)))
            self.cuts += 1
            self.air.parted.add(pair)
            await asyncio.sleep(self._span_s(600.0, self.trouble.cut_hours))
            self.air.parted.discard(pair)

    def _span_s(self, least_s: float, most_hours: float) -> float:
        """Draw how long, so that each order of magnitude is as likely as the others."""
        return math.exp(self.random.uniform(math.log(least_s), math.log(most_hours * HOUR)))

    async def _settle(self) -> None:
        """Let everybody come back and hear the rest; nobody says anything more."""
        desks = list(self.desks.values())
        self.air.parted.clear()
        for desk in desks:
            desk.armed_s = None
        await asyncio.gather(*(desk.dying for desk in desks if desk.dying is not None))
        for _ in range(24 * 60):
            await asyncio.sleep(60.0)
            if any(desk.cosigning.broken for desk in desks) or await self._is_still():
                return

    async def _is_still(self) -> bool:
        desks = self.desks.values()
        if self.air.later or any([await desk.outbox.waiting(1) for desk in desks]):
            return False
        return not [each for desk in desks for each in await self._uncosigned(desk)]

    async def _uncosigned(self, desk: Desk) -> list[str]:
        head = await desk.store.read(desk.record.head)
        found = []
        for party in PARTIES:
            name = NameOf.WITNESS.by(party)
            last = await desk.store.read(lambda tx, name=name: Witnessed(tx).last(name))
            if party != desk.party and (last is None or last.size != head.size):
                why = desk.cosigning.broken or desk.cosigning.problems.get(party, "no problem")
                found.append(f"{desk.party}: not all of its record is cosigned by {party}: {why}")
        return found

    # ---- judging

    async def _judged(self) -> list[str]:
        wrong: list[str] = []
        roots = sha256()
        for desk in self.desks.values():
            wrong += await self._uncosigned(desk)
            wrong += await _alone(desk)
            head = await desk.store.read(desk.record.head)
            self.entries += head.size
            roots.update(head.root())
            self.notes += sum(
                row.sender == desk.party
                and row.kind is not Kind.RECEIPT
                and FORMS[row.kind].place is not Place.OWN
                for row in (await _notes(desk)).values()
            )
            self.kinds.update(
                each.kind for each in desk.board.threads.values() if each.opener == desk.party
            )
        self.roots = roots.hexdigest()[:16]
        for one, other in combinations(self.desks.values(), 2):
            wrong += await _together(one, other)
        return wrong


async def _notes(desk: Desk) -> dict[NoteID, NoteRow]:
    rows = await desk.store.read(lambda tx: NoteStore(tx).after(-1, 10**9))
    return {row.id: row for row in rows}


async def _alone(desk: Desk) -> list[str]:
    """Judge one node by what it holds itself."""
    wrong = []
    if desk.cosigning.broken is not None:
        wrong.append(f"{desk.party}: {desk.cosigning.broken}")
    if await desk.outbox.waiting(1):
        wrong.append(f"{desk.party}: something waits")
    try:
        found = await check(desk.record, clock=desk.clock, witnesses=desk.cosigning.witnesses)
        if found.cosigned != len(PARTIES) - 1:
            wrong.append(f"{desk.party}: cosigned by {found.cosigned}")
        await desk.witness.check()
    except TansiqError as error:
        wrong.append(f"{desk.party}: {error}")
    wrong += [f"{desk.party}: evidence {each.kind}" for each in await desk.witness.evidence()]
    await desk.board.catch_up()
    anew = Board(desk.store, desk.party, PARTIES)
    await anew.catch_up()
    if (anew.threads, anew.lines) != (desk.board.threads, desk.board.lines):
        wrong.append(f"{desk.party}: what it shows is not what it holds")
    held = await _notes(desk)
    wrong += [
        f"{desk.party}: lost what its desk said: {row.kind} to {row.peer}"
        for row in desk.said
        if row.id not in held
    ]
    return wrong


async def _together(one: Desk, other: Desk) -> list[str]:
    """Judge the line of two nodes: both hold the same, and each note has its one receipt."""
    wrong, name = [], f"{one.party} and {other.party}"
    mine = _between(await _notes(one), other.party)
    theirs = _between(await _notes(other), one.party)
    wrong += [f"{name}: only one has {len(mine.keys() ^ theirs.keys())}"] * (
        mine.keys() != theirs.keys()
    )
    receipts = Counter(row.re for row in mine.values() if row.kind is Kind.RECEIPT)
    sent = {row.id for row in mine.values() if row.kind is not Kind.RECEIPT}
    if set(receipts) != sent or any(count != 1 for count in receipts.values()):
        odd = sum(receipts[note] != 1 for note in sent)
        wrong.append(f"{name}: {odd} of {len(sent)} notes have not exactly one receipt")
    for desk, peer in ((one, other.party), (other, one.party)):
        missing = await desk.store.read(
            lambda tx, desk=desk, peer=peer: NoteStore(tx).missing(peer, peer, 9)
        )
        wrong += [f"{desk.party}: numbers {missing} of {peer} never came"] * bool(missing)
    if _threads(one, other.party) != _threads(other, one.party):
        wrong.append(f"{name}: see different conversations")
    if one.board.lines[other.party] != other.board.lines[one.party]:
        wrong.append(f"{name}: see different lines")
    for note in mine.keys() & theirs.keys():
        if await _bytes(one, mine[note]) != await _bytes(other, theirs[note]):
            wrong.append(f"{name}: other bytes of {note}")
    return wrong + await _passages(one, other, sent)


def _between(notes: Mapping[NoteID, NoteRow], party: str) -> dict[NoteID, NoteRow]:
    return {
        note: row
        for note, row in notes.items()
        if row.peer == party and FORMS[row.kind].place is not Place.OWN
    }


def _threads(desk: Desk, party: str) -> dict[NoteID, Thread]:
    return {each.id: each for each in desk.board.with_peer(party)}


async def _bytes(desk: Desk, row: NoteRow) -> bytes:
    (entry,) = await desk.store.read(lambda tx: RecordLog(tx).entries(row.seq, row.seq + 1))
    return entry.body


async def _passages(one: Desk, other: Desk, sent: set[NoteID]) -> list[str]:
    """No two clocks that keep their bounds contradict each other."""
    wrong = []
    for desk in (one, other):
        for note in sent:
            found = await desk.store.read(lambda tx, note=note: NoteStore(tx).passage(note))
            if found is not None and found.impossible:
                wrong.append(f"{desk.party}: an impossible passage of {note}")
    return wrong


def main() -> None:
    seed, days = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 365.0
    desk_type = BROKEN[sys.argv[3]] if len(sys.argv) > 3 else Desk
    trouble = A_YEARS if days > 60 else A_WEEKS
    year = Year(seed, days, trouble, desk_type, tell=lambda line: print(line, flush=True))
    wrong = year.run()
    print(year)
    print("\n".join(wrong) or "nothing wrong")


if __name__ == "__main__":
    main()
