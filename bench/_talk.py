"""A store filled with conversations of two parties; folded and listed, as a node does at start.

North's store: both sides' notes are signed, recorded and kept as the services write them, without
the way between the two nodes.
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.clock import SystemClock
from tansiq.domain.agreement import Minima, Party
from tansiq.domain.intent import PartyID
from tansiq.domain.note import (
    FORMS,
    SALT_BYTES,
    UNCOUNTED,
    Head,
    Kind,
    Mode,
    Note,
    NoteID,
    commitment,
    read_note,
    write_instant,
)
from tansiq.domain.thread import folded, saying
from tansiq.domain.time import micros
from tansiq.domain.volume import Circle, LatLng
from tansiq.f3548 import wire
from tansiq.formats import signed_note
from tansiq.formats.agreement import agreement_toml, read_agreement
from tansiq.formats.letter import name_of
from tansiq.formats.payload import Payload, Person, Repeated, write_payload
from tansiq.services.line.board import Board
from tansiq.services.line.pen import NOTE, note_row
from tansiq.services.line.showing import Showing
from tansiq.services.planning.site import Site
from tansiq.settings import Limits, Timers
from tansiq.storage.notes import NoteStore
from tansiq.storage.record import RecordLog
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

PARTIES = ("north", "south")
COMMIT = 256
KEYS = {party: Ed25519PrivateKey.from_private_bytes(party.encode().ljust(32)) for party in PARTIES}
_ROOT = bytes(32)
_OPENED = (Kind.NOTICE, Kind.RECEIPT)
_STEPS = (Kind.SEEN, Kind.READBACK, Kind.ANSWER)


def site_of(store: SqliteStore, party: str) -> Site:
    """Return a node's place in an agreement of two."""
    parties = [
        Party(
            id=PartyID(each),
            names={"en": each.title()},
            public_key=KEYS[each].public_key().public_bytes_raw(),
            url=f"http://127.0.0.1/{each}",
            tls_sha256=b"",
        )
        for each in PARTIES
    ]
    area = Circle(center=LatLng(lat_deg=33.0, lng_deg=36.0), radius_m=100_000.0)
    file = agreement_toml(name="bench", parties=parties, area=area, minima=Minima())
    return Site(
        agreement=read_agreement(file),
        party=PartyID(party),
        store=store,
        clock=SystemClock(),
        limits=Limits(),
        timers=Timers(),
        new_id=lambda: "",
    )


class Script:
    """Writes conversations one after the other: a notice, seen, read back, answered, receipts."""

    def __init__(self, random: Random, agreement: str, began: datetime) -> None:
        self._random = random
        self._agreement = agreement
        self._now = began
        self._turn = 0
        self._numbers = dict.fromkeys(PARTIES, 0)

    def conversation(self) -> list[tuple[Note, bytes, bytes, bytes]]:
        """Return the notes of one: note, signed bytes, salt and payload of each."""
        opener, other = self._random.sample(PARTIES, 2)
        start = self._now.replace(microsecond=0) + timedelta(hours=1)
        payloads, own = _payloads(self._random, start)
        first = self._said(Kind.NOTICE, opener, payloads[Kind.NOTICE], own)
        found, thread = [first], name_of(first[1])
        found.append(self._receipt(other, thread, thread))
        for kind in _STEPS:
            lines = {"word": "no-conflict"} if kind is Kind.ANSWER else {}
            step = self._said(kind, other, payloads[kind], lines, (thread, thread))
            found += [step, self._receipt(opener, thread, name_of(step[1]))]
        return found

    def _receipt(self, sender: str, thread: NoteID, re: NoteID) -> tuple[Note, bytes, bytes, bytes]:
        own = {"received": write_instant(self._now)}
        return self._said(Kind.RECEIPT, sender, Payload(), own, (thread, re))

    def _said(
        self,
        kind: Kind,
        sender: str,
        content: Payload,
        own: dict[str, str],
        answers: tuple[NoteID, NoteID] | None = None,
    ) -> tuple[Note, bytes, bytes, bytes]:
        counted = kind not in UNCOUNTED
        self._turn += 1
        self._now += timedelta(seconds=7)
        self._numbers[sender] += counted
        payload, salt = write_payload(kind, content), self._random.randbytes(SALT_BYTES)
        note = Note(
            kind=kind,
            sender=sender,
            receiver=PARTIES[sender == PARTIES[0]],
            agreement=self._agreement,
            mode=Mode.LIVE,
            number=self._numbers[sender] if counted else 0,
            turn=self._turn,
            time=self._now,
            clock_error_ms=10,
            head=Head(self._turn, _ROOT),
            thread=None if answers is None else answers[0],
            re=None if answers is None else answers[1],
            own=tuple((key, own[key]) for key, _ in FORMS[kind].keys),
            payload=commitment(salt, payload),
        )
        return note, signed_note.sign(str(note), name=sender, key=KEYS[sender]), salt, payload


def _payloads(random: Random, start: datetime) -> tuple[dict[Kind, Payload], dict[str, str]]:
    """Return what stands beside the notes of one conversation, and the notice's own lines."""
    end = start + timedelta(minutes=30)
    begins, ends = write_instant(start), write_instant(end)
    lat, lng = random.uniform(32.6, 33.4), random.uniform(35.6, 36.4)
    volume = wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=wire.Circle(
                center=wire.LatLngPoint(lng=lng, lat=lat),
                radius=wire.Radius(value=500.0, units="M"),
            ),
            altitude_lower=wire.Altitude(value=300.0, reference="W84", units="M"),
            altitude_upper=wire.Altitude(value=600.0, reference="W84", units="M"),
        ),
        time_start=wire.Time(value=begins, format="RFC3339"),
        time_end=wire.Time(value=ends, format="RFC3339"),
    )
    by = Person(name="A. Watch", initials="AW", desk="ops")
    repeated = Repeated(
        points=((lat, lng),), radius_m=500, lower="300 m", upper="600 m", start=begins, end=ends
    )
    subject = str(UUID(int=random.getrandbits(128), version=4))
    own = {"subject": "plan", "id": subject, "version": "1", "start": begins, "end": ends}
    return {
        Kind.NOTICE: Payload(by=by, callsign="OSPREY-1", volumes=(volume,)),
        Kind.SEEN: Payload(by=by),
        Kind.READBACK: Payload(by=by, readback=repeated),
        Kind.ANSWER: Payload(by=by),
    }, own


async def filled(base: Path, count: int, random: Random) -> None:
    """Fill North's store with ``count`` notes or a few more."""
    store = SqliteStore.open(base / "north.db")
    agreement = site_of(store, PARTIES[0]).agreement.digest
    script = Script(random, agreement, datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
    left = count
    while left > 0:
        said = [each for _ in range(COMMIT // 8) for each in script.conversation()]
        left -= len(said)

        async def write(tx: Tx, said: list[tuple[Note, bytes, bytes, bytes]] = said) -> None:
            entries = [(NOTE, signed) for _, signed, _, _ in said]
            first = await RecordLog(tx).append_all(entries, time=micros(said[0][0].time))
            for seq, (note, signed, salt, payload) in enumerate(said, start=first):
                row = note_row(name_of(signed), note, seq=seq, peer=PARTIES[1], now=note.time)
                await NoteStore(tx).add(row, salt, payload)

        await store.write(write)
    await store.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How long a node takes until its desk sees something."""

    folded_s: float
    listed_s: float
    grown_bytes: int


async def shown(base: Path, party: str, last: int) -> Shown:
    """Fold everything, and list the last conversations."""
    store = SqliteStore.open(base / f"{party}.db")
    board, before = Board(store, party, PARTIES), _resident()
    began = time.perf_counter()
    await board.catch_up()
    folded_s, grown = time.perf_counter() - began, _resident() - before
    showing = Showing(site_of(store, party), board=board)
    began = time.perf_counter()
    threads = list(board.threads.values())[-last:]
    views = await store.read(lambda tx: showing.threads(tx, threads))
    listed_s = time.perf_counter() - began
    assert len(views) == last
    assert all(view.stage == "no-conflict" for view in views)
    await store.close()
    return Shown(folded_s=folded_s, listed_s=listed_s, grown_bytes=grown)


async def folded_from_texts(base: Path, count: int) -> float:
    """Return how long the fold takes where each note's text is read anew, as kept in the record."""
    store = SqliteStore.open(base / "north.db")
    began = time.perf_counter()
    threads: dict[NoteID, list[object]] = {}
    for first in range(0, count, COMMIT):
        rows = await store.read(
            lambda tx, first=first: RecordLog(tx).entries(first, first + COMMIT)
        )
        for entry in rows:
            note = read_note(signed_note.parse(entry.body).text)
            said = saying(name_of(entry.body), note)
            threads.setdefault(said.opens, []).append(said)
    for notes in threads.values():
        folded(notes)  # type: ignore[arg-type]
    taken = time.perf_counter() - began
    await store.close()
    return taken


def _resident() -> int:
    """Return the process's memory, bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4_096
