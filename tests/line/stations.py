"""Stations for tests: the line's services of a party, joined by a link that misbehaves."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from virtual import SimulatedClock, SteppingStore

from tansiq.domain.agreement import NO_MINIMA, Agreement, Party, Register
from tansiq.domain.intent import PartyID
from tansiq.domain.note import NoteID
from tansiq.domain.thread import Thread
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import PeerRefused, PeerUnreachable, SizeConflict, TansiqError
from tansiq.formats.letter import Wire, opened
from tansiq.formats.signed_note import NameOf, VerifierKey
from tansiq.services.line.board import Board
from tansiq.services.line.inbox import Inbox
from tansiq.services.line.outbox import Outbox
from tansiq.services.line.pen import Draft, Pen
from tansiq.services.line.ports import Delivered
from tansiq.services.planning.site import Site
from tansiq.services.record.cosigning import Cosigning
from tansiq.services.record.log import Record
from tansiq.services.record.witness import Witness
from tansiq.settings import Limits, Timers
from tansiq.storage.notes import NoteRow
from tansiq.storage.store import Tx


def key_of(party: str) -> Ed25519PrivateKey:
    """The signing key of a party in tests."""
    return Ed25519PrivateKey.from_private_bytes(party.encode().ljust(32, b"."))


def agreement_of(*parties: str, digest: str = "d" * 64) -> Agreement:
    """An agreement between parties, each with a register."""
    return Agreement(
        name="test",
        digest=digest,
        parties=tuple(
            Party(
                id=PartyID(party),
                names={"en": party.title()},
                public_key=key_of(party).public_key().public_bytes_raw(),
                url=f"http://127.0.0.1/{party}",
                tls_sha256=b"",
            )
            for party in parties
        ),
        registers=tuple(
            Register(id=party, party=PartyID(party), url=f"http://127.0.0.1/{party}")
            for party in parties
        ),
        area=Circle(center=LatLng(lat_deg=33.0, lng_deg=36.0), radius_m=100_000.0),
        area_km2_max=40_000.0,
        minima=NO_MINIMA,
    )


@dataclass(kw_only=True)
class Faults:
    """How often the link fails, and how; shares of all deliveries."""

    lose: float = 0.0
    """The letters never arrive."""
    lose_answer: float = 0.0
    """They arrive, and the receipts do not come back."""
    repeat: float = 0.0
    """They arrive once more, later."""
    shuffle: float = 0.0
    """They arrive in another order."""
    delay_s: tuple[float, float] = (0.0, 0.0)
    cut: bool = False
    """Nothing passes at all."""


@dataclass
class Air:
    """Everything between the stations."""

    random: Random
    faults: Faults = field(default_factory=Faults)
    stations: "dict[str, Station]" = field(default_factory=dict)
    later: set[asyncio.Task[object]] = field(default_factory=set)
    deliveries: int = 0


class Way:
    """One station's way to the others; satisfies ``LinePort``."""

    def __init__(self, air: Air, sender: str) -> None:
        self._air = air
        self._sender = sender

    async def deliver(self, party: str, letters: Sequence[Wire]) -> list[Delivered]:
        air, random = self._air, self._air.random
        air.deliveries += 1
        faults = air.faults
        await asyncio.sleep(random.uniform(*faults.delay_s))
        station = air.stations[party]
        if faults.cut or station.down or random.random() < faults.lose:
            await asyncio.sleep(1.0)
            raise PeerUnreachable(f"{party} did not answer")
        wires = list(letters)
        if random.random() < faults.shuffle:
            random.shuffle(wires)
        if random.random() < faults.repeat:
            task = asyncio.create_task(self._again(party, wires, random.uniform(0.0, 5.0)))
            air.later.add(task)
            task.add_done_callback(air.later.discard)
        answers = await station.heard(wires, self._sender)
        await asyncio.sleep(random.uniform(*faults.delay_s))
        if random.random() < faults.lose_answer:
            await asyncio.sleep(1.0)
            raise PeerUnreachable(f"{party} did not answer")
        return answers

    async def _again(self, party: str, wires: list[Wire], after_s: float) -> None:
        await asyncio.sleep(after_s)
        station = self._air.stations[party]
        if not station.down:
            await station.heard(wires, self._sender)


class Sight:
    """One station's record shown to the others; satisfies ``WitnessPort``."""

    def __init__(self, air: Air, sender: str) -> None:
        self._air = air
        self._sender = sender

    async def _reach(self, party: str) -> "Station":
        air, station = self._air, self._air.stations[party]
        await asyncio.sleep(air.random.uniform(*air.faults.delay_s))
        if air.faults.cut or station.down or air.random.random() < air.faults.lose:
            await asyncio.sleep(1.0)
            raise PeerUnreachable(f"{party} did not answer")
        return station

    async def held(self, party: str) -> bytes | None:
        station = await self._reach(party)
        held = await station.witness.held(NameOf.LOG.by(self._sender))
        return None if held is None else held.checkpoint

    async def add_checkpoint(self, party: str, body: bytes) -> str | int:
        station = await self._reach(party)
        try:
            line = await station.witness.accept(body, now=station.clock.now())
        except SizeConflict as error:
            return error.size
        except TansiqError as error:
            raise PeerRefused(str(error), status=409) from error
        if self._air.random.random() < self._air.faults.lose_answer:
            raise PeerUnreachable(f"{party} did not answer")
        return line.line()


class Station:
    """One party: its store, and the services of the line over it."""

    def __init__(
        self,
        party: str,
        agreement: Agreement,
        air: Air,
        *,
        clock: SimulatedClock | None = None,
        clock_error_ms: int | None = 20,
    ) -> None:
        self.party = party
        self.agreement = agreement
        self.air = air
        self.clock = clock or SimulatedClock()
        self.clock_error_ms = clock_error_ms
        self.store = SteppingStore()
        self.down = False
        air.stations[party] = self
        self.open()

    def open(self) -> None:
        """Wire the services over the store, as a process does that starts."""
        self.site = Site(
            agreement=self.agreement,
            party=PartyID(self.party),
            store=self.store,
            clock=self.clock,
            limits=Limits(),
            timers=Timers(),
            new_id=lambda: "",
        )
        self.pen = Pen(
            party=self.party,
            agreement=self.agreement.digest,
            key=key_of(self.party),
            clock_error_ms=lambda: self.clock_error_ms,
            salt=self.air.random.randbytes,
        )
        self.inbox = Inbox(self.site, pen=self.pen)
        self.outbox = Outbox(
            self.site, pen=self.pen, inbox=self.inbox, peers=Way(self.air, self.party)
        )
        keys = {
            str(each.id): each.public_key
            for each in self.agreement.parties
            if each.id != self.party
        }
        self.record = Record(
            self.store, party=self.party, signing_key=key_of(self.party), limits=Limits()
        )
        self.witness = Witness(
            self.store,
            party=self.party,
            signing_key=key_of(self.party),
            logs={
                NameOf.LOG.by(party): VerifierKey(NameOf.LOG.by(party), key)
                for party, key in keys.items()
            },
            limits=Limits(),
        )
        self.cosigning = Cosigning(self.record, Sight(self.air, self.party), self.clock, keys)
        self.outbox.before = self.cosigning.check
        self.outbox.on_receipts = lambda _: self.cosigning.grown()
        self.board = Board(self.store, self.party, [p.id for p in self.agreement.parties])

    async def say(self, draft: Draft) -> NoteRow:
        """Write a note and send it on its way."""

        async def write(tx: Tx) -> NoteRow:
            return await self.pen.write(tx, draft, self.clock.now())

        row = await self.store.write(write)
        self.outbox.wake()
        self.cosigning.grown()
        return row

    async def heard(self, wires: Sequence[Wire], sender: str) -> list[Delivered]:
        """What the route does with a delivery."""
        letters = [opened(wire) for wire in wires]
        taken = await self.inbox.take(letters, self.clock.now(), sender=sender)
        self.outbox.reachable(sender)
        self.cosigning.reachable(sender)
        self.cosigning.grown()
        return [
            Delivered(
                note=each.note,
                receipt=each.receipt,
                problem=None if each.error is None else str(each.error),
            )
            for each in taken
        ]

    async def kill(self, for_s: float) -> None:
        """Kill the process, and start it again after a while."""
        self.down = True
        store = self.store.reopened()
        await self.stop()
        await asyncio.sleep(for_s)
        self.store = store
        self.open()
        self.down = False
        self.start()

    def start(self) -> None:
        """Begin to deliver, and to show the record."""
        self.outbox.start()
        self.cosigning.start()

    async def stop(self) -> None:
        """Stop both."""
        await self.cosigning.stop()
        await self.outbox.stop()

    async def threads(self) -> dict[NoteID, Thread]:
        """Return what all conversations amount to here."""
        await self.board.catch_up()
        return self.board.threads


async def settled(*stations: Station, within_s: float = 86_400.0) -> None:
    """Wait until nothing waits to be delivered."""
    for _ in range(int(within_s)):
        if not any([await station.outbox.waiting(1) for station in stations]):
            return
        await asyncio.sleep(1.0)
    raise AssertionError(f"something has not arrived within {timedelta(seconds=within_s)}")
