"""Notices of two real nodes over a link that fails, while both are killed again and again.

    .venv/bin/python -m tests.line.line_kills SEED [NOTICES [KILLS]]

replays a seed: the draws are the same, their interleaving with the nodes' own work is not. What a
desk was told is kept here, and held against both stores once nothing waits any more.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar
from uuid import UUID

import aiohttp
from tests.faults import NO_FAULTS, Fault, Faults
from tests.races.pair import PARTIES, Child, Desk, Folder, Pair, desks, feature, make_pair

from tansiq.clock import SystemClock
from tansiq.domain.agreement import Agreement
from tansiq.domain.note import FORMS, Kind, NoteID, Place
from tansiq.errors import TansiqError
from tansiq.formats.letter import Wire, check_sender, opened
from tansiq.formats.signed_note import NameOf, SignatureType, VerifierKey
from tansiq.peers.identity import load_signing_key
from tansiq.services.line.board import Board
from tansiq.services.record.log import Record
from tansiq.services.record.start import check
from tansiq.settings import Limits
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.record import EntryRow, RecordLog
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

T = TypeVar("T")
LINK: Final = Faults(
    lose_request=0.05,
    lose_answer=0.05,
    repeat=0.05,
    hold=0.05,
    delay_s=(0.0, 0.02),
    later_s=(0.05, 1.0),
)
"""Held requests arrive behind those that were sent after them."""
AT_ONCE: Final = 4
"""Notices that one desk gives at once."""
SETTLE_S_MAX: Final = 120.0
_GONE: Final = (aiohttp.ClientError, ConnectionError, TimeoutError, asyncio.IncompleteReadError)
_EVENTS: Final = "SELECT id, body FROM event WHERE kind = 'note'"


@dataclass(slots=True)
class Report:
    """What a run showed."""

    seed: int
    folders: dict[str, Folder] = field(default_factory=dict)
    agreement: Agreement | None = None
    told: dict[str, list[str]] = field(default_factory=lambda: {party: [] for party in PARTIES})
    """Conversations that each desk was told of: they stand for ever."""
    deaths: Counter[str] = field(default_factory=Counter)
    cuts: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    held: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    settled_s: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {sum(map(len, self.told.values()))} notices told to desks, "
            f"{self.held} notes held, in {self.seconds:.0f} s; "
            f"{', '.join(f'{n} deaths of {p}' for p, n in sorted(self.deaths.items()))}, "
            f"{self.cuts} cuts; nothing waited {self.settled_s:.1f} s after the last fault; "
            f"requests: {', '.join(f'{n} {fault}' for fault, n in self.faults.items())}"
        )


async def insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until the node answers: it may be dead or just coming up."""
    until = time.monotonic() + SETTLE_S_MAX
    while True:
        try:
            return await ask()
        except _GONE:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.05)


async def _give(desk: Desk, numbers: list[int], random: Random, told: list[str]) -> None:
    """Give notices one after the other, each until the node says that it is written."""
    to = PARTIES[PARTIES[0] == desk.party]
    while numbers:
        number = numbers.pop()
        start = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=random.randint(1, 9))
        plan = str(UUID(int=random.getrandbits(128), version=4))
        body = feature(f"{desk.party[0].upper()}{number}", number % 500, plan=plan, start=start)

        async def ask(body: dict[str, Any] = body) -> Any:
            path, kind = f"notices/area?to={to}", "application/geo+json"
            status, document = await desk.ask("POST", path, body, kind=kind)
            # An interrupted node may still answer, and has written nothing then.
            if status >= 500:
                raise ConnectionError(str(document))
            assert status == 201, document
            return document

        document = await insist(ask)
        told.extend(thread["id"] for thread in document["threads"])


async def _kill(children: Mapping[str, Child], kills: int, random: Random, report: Report) -> None:
    """Kill one node or both at a random moment, and bring them back; so many times."""

    async def one(party: str, after_s: float, for_s: float) -> None:
        await asyncio.sleep(after_s)
        await children[party].kill()
        report.deaths[party] += 1
        await asyncio.sleep(for_s)
        await children[party].start()

    for _ in range(kills):
        victims = random.choice((*((party,) for party in PARTIES), PARTIES))
        async with asyncio.TaskGroup() as group:
            for party in victims:
                group.create_task(one(party, random.uniform(0.1, 1.5), random.uniform(0.0, 0.5)))


async def _cut(pair: Pair, random: Random, report: Report) -> None:
    """Part the two nodes now and then, for ever."""
    while True:
        await asyncio.sleep(random.uniform(2.0, 8.0))
        report.cuts += 1
        for proxy in pair.proxies.values():
            proxy.cut = True
        await asyncio.sleep(random.uniform(0.2, 2.0))
        for proxy in pair.proxies.values():
            proxy.cut = False


async def run(seed: int, notices: int, kills: int, base: Path) -> Report:
    """Give notices both ways amid all faults; wait until nothing waits; judge both stores."""
    random, report, began = Random(seed), Report(seed), time.monotonic()
    async with make_pair(base, random) as pair, desks(pair) as desk:
        for proxy in pair.proxies.values():
            proxy.faults = LINK
        children = {party: Child(folder) for party, folder in pair.folders.items()}
        async with children[PARTIES[0]], children[PARTIES[1]]:
            cutting = asyncio.create_task(_cut(pair, Random(random.random()), report))
            async with asyncio.TaskGroup() as group:
                group.create_task(_kill(children, kills, Random(random.random()), report))
                for party in PARTIES:
                    numbers = list(range(notices // 2))
                    for _ in range(AT_ONCE):
                        draws = Random(random.random())
                        group.create_task(_give(desk[party], numbers, draws, report.told[party]))
            cutting.cancel()
            for proxy in pair.proxies.values():
                proxy.faults, proxy.cut = NO_FAULTS, False
            report.seconds = time.monotonic() - began
            await _settle(pair, desk, report)
        report.faults = sum((proxy.counts for proxy in pair.proxies.values()), Counter[Fault]())
        report.folders, report.agreement = pair.folders, pair.agreement
        report.wrong += await judged(report)
    return report


async def _settle(pair: Pair, desk: Mapping[str, Desk], report: Report) -> None:
    """Wait until nothing waits, and whatever was held back has come as well."""
    began = time.monotonic()
    for proxy in pair.proxies.values():
        await proxy.settle()
    while time.monotonic() - began < SETTLE_S_MAX:
        answers = [await insist(lambda one=one: one.ask("GET", "outbox")) for one in desk.values()]
        if not any(document["waiting"] for _, document in answers):
            report.settled_s = time.monotonic() - began
            return
        await asyncio.sleep(0.1)
    report.wrong.append(f"something still waits after {SETTLE_S_MAX} s")


# ---- judging


@dataclass(slots=True)
class Held:
    """What one node holds, as its file has it."""

    notes: dict[NoteID, NoteRow]
    entries: list[EntryRow]
    board: Board
    events: Counter[str]
    """How often the feed told of each note."""
    missing: list[int]


async def judged(report: Report) -> list[str]:
    """Hold what both stores have against each other, and against what desks were told."""
    assert report.agreement is not None
    agreement = report.agreement
    wrong, held = [], {}
    for party, folder in report.folders.items():
        store = SqliteStore.open(folder.data / "tansiq.db")
        try:
            wrong += await _checked(store, folder, agreement)
            held[party] = await _held(store, party)
        finally:
            await store.close()
        report.held[party] = len(held[party].notes)
        wrong += _told(party, held[party], report.told[party])
        wrong += _signed(party, held[party], agreement)
    return wrong + _same(*(held[party] for party in PARTIES))


async def _checked(store: SqliteStore, folder: Folder, agreement: Agreement) -> list[str]:
    """Hash the record again, as a node does at its start."""
    key = load_signing_key(folder.data)
    record = Record(store, party=folder.party, signing_key=key, limits=Limits())
    witnesses = [
        VerifierKey(NameOf.WITNESS.by(each.id), each.public_key, SignatureType.COSIGNATURE)
        for each in agreement.parties
        if each.id != folder.party
    ]
    try:
        found = await check(record, clock=SystemClock(), witnesses=witnesses)
    except TansiqError as error:
        return [f"{folder.party}: {error}"]
    return [] if found.cosigned == len(witnesses) else [f"{folder.party}: nobody has cosigned"]


async def _held(store: SqliteStore, party: str) -> Held:
    peer = PARTIES[PARTIES[0] == party]
    board = Board(store, party, PARTIES)
    await board.catch_up()

    async def read(tx: Tx) -> Held:
        rows = await NoteStore(tx).after(-1, 10**9)
        return Held(
            notes={row.id: row for row in rows},
            entries=await RecordLog(tx).entries(0, 10**9),
            board=board,
            events=Counter(
                note for _, body in await tx.fetch(_EVENTS) for note in _note_of(bytes(body))
            ),
            missing=await NoteStore(tx).missing(peer, peer, 9),
        )

    return await store.read(read)


def _note_of(body: bytes) -> list[str]:
    _, found, rest = body.partition(b'"note":"')
    return [rest[:64].decode()] if found else []


def _told(party: str, held: Held, told: list[str]) -> list[str]:
    wrong = [f"{party}: lost {note}" for note in told if NoteID(note) not in held.notes]
    wrong += [f"{party}: numbers {held.missing} never came"] * bool(held.missing)
    doubled = [note for note, count in held.events.items() if count != 1]
    return wrong + [f"{party}: told its feed {len(doubled)} notes twice"] * bool(doubled)


def _signed(party: str, held: Held, agreement: Agreement) -> list[str]:
    """Check each note as it stands in the record: its name, its signature, and whose it is."""
    keys = {str(each.id): each.public_key for each in agreement.parties}
    wrong = []
    for row in held.notes.values():
        try:
            letter = opened(Wire(held.entries[row.seq].body.decode()))
            check_sender(letter, keys[row.sender])
        except TansiqError as error:
            wrong.append(f"{party}: {row.kind} {row.id}: {error}")
            continue
        if (letter.id, letter.note.sender, letter.note.re) != (row.id, row.sender, row.re):
            wrong.append(f"{party}: {row.kind} {row.id} is not what the record has")
    return wrong


def _same(one: Held, other: Held) -> list[str]:
    """Both hold the same notes and show the same, and each has its one receipt."""
    mine, theirs = _shared(one), _shared(other)
    wrong = [f"{len(mine.keys() ^ theirs.keys())} notes are held by one alone"]
    wrong = wrong if mine != theirs else []
    if one.board.threads != other.board.threads:
        wrong.append("the two show different conversations")
    if [*one.board.lines.values()] != [*other.board.lines.values()]:
        wrong.append("the two show different lines")
    rows = [one.notes[note] for note in mine]
    receipts = Counter(row.re for row in rows if row.kind is Kind.RECEIPT)
    by = {row.re: row.sender for row in rows if row.kind is Kind.RECEIPT}
    for row in rows:
        if row.kind is not Kind.RECEIPT and (receipts[row.id] != 1 or by[row.id] == row.sender):
            wrong.append(f"{row.kind} {row.id} has {receipts[row.id]} receipts")
    return wrong


def _shared(held: Held) -> dict[NoteID, bytes]:
    return {
        row.id: held.entries[row.seq].body
        for row in held.notes.values()
        if FORMS[row.kind].place is not Place.OWN
    }


def main() -> None:
    seed, notices, kills = [*map(int, sys.argv[1:]), *(600, 6)[len(sys.argv) - 2 :]]
    with tempfile.TemporaryDirectory() as folder, suppress(KeyboardInterrupt):
        report = asyncio.run(run(seed, notices, kills, Path(folder)))
        print(report)
        print("\n".join(report.wrong[:50]) or "nothing wrong")


if __name__ == "__main__":
    main()
