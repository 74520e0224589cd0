"""Three parties that have talked, and their records, to be exported as evidence.

The agreement is a real file. North tells South of a plan, South answers; East hears of a stop and
cosigns what North and South have recorded.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from stations import Air, Station, key_of, settled
from virtual import START, SimulatedClock, simulate

from tansiq.domain.agreement import Minima, Party
from tansiq.domain.intent import PartyID
from tansiq.domain.note import Kind, NoteID, write_instant
from tansiq.domain.time import micros
from tansiq.domain.volume import Circle, LatLng
from tansiq.f3548 import wire
from tansiq.formats.agreement import agreement_toml, read_agreement
from tansiq.formats.payload import Payload, Person
from tansiq.formats.signed_note import NameOf, verifier_key
from tansiq.services.exchanges import Said
from tansiq.services.line.pen import Draft
from tansiq.services.record import Record, Witness, exchange_entry
from tansiq.services.record.bundling import Exporter, Wanted
from tansiq.settings import Limits
from tansiq.storage.record import RecordLog
from tansiq.storage.store import Tx

PARTIES = ("north", "south", "east")
SECRETS = ("Ada Watchwoman", "Boris Deskman", "the bridge at dawn", "OSPREY-2")
ADA = Person(name=SECRETS[0], initials="AW")
BORIS = Person(name=SECRETS[1], initials="BD")
LATER = START + timedelta(hours=2)


def agreement_file(parties: Sequence[str] = PARTIES) -> bytes:
    """An agreement between parties, as a file."""
    return agreement_toml(
        name="evidence",
        parties=[
            Party(
                id=PartyID(party),
                names={"en": party.title()},
                public_key=key_of(party).public_key().public_bytes_raw(),
                url=f"http://127.0.0.1/{party}",
                tls_sha256=b"",
            )
            for party in parties
        ],
        area=Circle(center=LatLng(lat_deg=33.0, lng_deg=36.0), radius_m=100_000.0),
        minima=Minima(),
    )


@dataclass
class World:
    """Stations that have talked, by party, and what exports their records."""

    stations: dict[str, Station]
    exporters: dict[str, Exporter]
    file: bytes

    async def bundle(self, of: str, **wanted: object) -> bytes:
        """Export a party's record of the first hours."""
        window = {"since": START - timedelta(hours=1), "until": START + timedelta(hours=6)}
        return await self.exporters[of].bundle(Wanted(**{**window, **wanted}))  # type: ignore[arg-type]

    async def cosign(self, whose: str, by: str) -> None:
        """Have one party witness the record of another."""
        station, witness = self.stations[whose], self.stations[by]
        log = verifier_key(NameOf.LOG.by(whose), key_of(whose))
        sign = Witness(
            witness.store,
            party=by,
            signing_key=key_of(by),
            logs={log.name: log},
            limits=Limits(),
        )
        record = self.exporters[whose].record
        handed = await record.to_witness(sign.key.name)
        line = await sign.accept(handed.encode(), now=station.clock.now())
        await record.keep(handed.checkpoint, line.line(), [sign.key])


def world(
    *, off: dict[str, timedelta] | None = None, parties: Sequence[str] = PARTIES, seed: int = 7
) -> World:
    """Build parties that have not spoken yet; within ``simulate``."""
    file = agreement_file(parties)
    agreement, air = read_agreement(file), Air(Random(seed))
    stations = {
        party: Station(
            party, agreement, air, clock=SimulatedClock((off or {}).get(party, timedelta(0)))
        )
        for party in parties
    }
    exporters = {
        party: Exporter(
            record=Record(station.store, party=party, signing_key=key_of(party), limits=Limits()),
            clock=station.clock,
            agreement=agreement,
            file=file,
            party=party,
            key=key_of(party),
            clock_error_ms=lambda: 20,
        )
        for party, station in stations.items()
    }
    return World(stations, exporters, file)


def volume(start: datetime, end: datetime) -> wire.Volume4D:
    """A block of air over a span of time."""
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=wire.Circle(
                center=wire.LatLngPoint(lng=36.0, lat=33.0),
                radius=wire.Radius(value=500.0, units="M"),
            ),
            altitude_lower=wire.Altitude(value=300.0, reference="W84", units="M"),
            altitude_upper=wire.Altitude(value=600.0, reference="W84", units="M"),
        ),
        time_start=wire.Time(value=write_instant(start), format="RFC3339"),
        time_end=wire.Time(value=write_instant(end), format="RFC3339"),
    )


def notice_draft(to: str, *, number: int = 1, start: datetime = LATER) -> Draft:
    """A notice of a plan."""
    end = start + timedelta(minutes=15)
    return Draft(
        kind=Kind.NOTICE,
        to=to,
        payload=Payload(callsign="OSPREY-2", volumes=(volume(start, end),)),
        own={
            "subject": "plan",
            "id": f"2f8343be-6482-4d1b-a474-{number:012d}",
            "version": "1",
            "start": write_instant(start),
            "end": write_instant(end),
        },
    )


async def talked(*, off: dict[str, timedelta] | None = None) -> World:
    """Return parties that have said one of nearly everything."""
    made = world(off=off)
    north, south, east = (made.stations[party] for party in PARTIES)
    for station in made.stations.values():
        station.outbox.start()
    notice = await north.say(notice_draft("south"))
    await settled(north, south)
    for kind, own, words in (
        (Kind.SEEN, {}, ""),
        (Kind.ANSWER, {"word": "no-conflict"}, "keep clear of the bridge at dawn"),
    ):
        await south.say(
            Draft(
                kind=kind,
                to="north",
                own=own,
                re=NoteID(notice.id),
                payload=Payload(by=BORIS, text=words, language="en" if words else ""),
            )
        )
    await settled(north, south)
    await made.cosign("north", "east")
    await north.say(Draft(kind=Kind.CHECK, to="south", payload=Payload(by=ADA)))
    for to in ("south", "east"):
        await north.say(Draft(kind=Kind.STOP, to=to, payload=Payload(by=ADA)))
    gap = {"start": write_instant(START), "end": write_instant(START)}
    await north.say(Draft(kind=Kind.GAP, to="north", own=gap))
    await north.say(Draft(kind=Kind.HANDOVER, to="north", payload=Payload(by=ADA, relieved=BORIS)))
    await made.exporters["north"].record.store.write(_exchange)
    await settled(north, south, east)
    await asyncio.sleep(5.0)
    await made.cosign("north", "east")
    await made.cosign("north", "south")
    await made.cosign("south", "east")
    for station in made.stations.values():
        await station.outbox.stop()
    return made


async def _exchange(tx: Tx) -> None:
    said = Said(
        role="Client",
        method="GET",
        source="north",
        url="https://south.example/uss/v1/operational_intents/x",
        asked=micros(START),
        request=b"",
        answered=micros(START) + 1_000,
        code=200,
        answer=b"{}",
    )
    await RecordLog(tx).append("exchange", exchange_entry("south", said), time=micros(START))


def sample(of: str = "north", **wanted: object) -> bytes:
    """Return a bundle of a party of which everything is of one seed."""

    async def made() -> bytes:
        return await (await talked()).bundle(of, **wanted)

    return simulate(made)
