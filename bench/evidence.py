"""Evidence of a busy window: exported, verified by the command's code and by the page's.

    python bench/evidence.py [--quick] [--json] [--notes N]

Each note is a notice with volumes and its receipt, so 10,000 notes are 20,000 entries. The common
proof is set beside one inclusion proof for each entry. The page's checks run in Node.js, where it
is there; a browser's WebCrypto is about as fast.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from _rows import HEAD, Row, against, line, row
from tansiq.clock import SystemClock
from tansiq.domain.agreement import Minima, Party
from tansiq.domain.intent import PartyID
from tansiq.domain.merkle import inclusion_spans
from tansiq.domain.note import Kind, write_instant
from tansiq.domain.volume import Circle, LatLng
from tansiq.f3548 import wire
from tansiq.formats.agreement import agreement_toml, read_agreement
from tansiq.formats.bundle import read_bundle
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.evidence_page import CHECKS, script
from tansiq.formats.letter import Letter
from tansiq.formats.payload import Payload
from tansiq.services.line.inbox import Inbox
from tansiq.services.line.pen import Draft, Pen
from tansiq.services.planning.site import Site
from tansiq.services.record import Record
from tansiq.services.record.bundling import Exporter, Wanted
from tansiq.settings import Limits, Timers
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

SEED = 5
COMMIT = 250
PARTIES = ("north", "south")
KEYS = {party: Ed25519PrivateKey.from_private_bytes(party.encode().ljust(32)) for party in PARTIES}
NODE = shutil.which("node")
RUN = """
(async () => {
  const data = new Uint8Array(require("fs").readFileSync(process.argv[2]));
  const started = performance.now();
  const found = await verifyBundle(data);
  console.log(JSON.stringify([found.verified, (performance.now() - started) / 1000]));
})();
"""


def agreement_file() -> bytes:
    return agreement_toml(
        name="bench",
        parties=[
            Party(
                id=PartyID(party),
                names={"en": party.title()},
                public_key=KEYS[party].public_key().public_bytes_raw(),
                url=f"http://127.0.0.1/{party}",
                tls_sha256=b"",
            )
            for party in PARTIES
        ],
        area=Circle(center=LatLng(lat_deg=33.0, lng_deg=36.0), radius_m=100_000.0),
        minima=Minima(),
    )


class Side:
    """One party's store and hand."""

    def __init__(self, party: str, folder: Path, file: bytes) -> None:
        agreement = read_agreement(file)
        self.store = SqliteStore.open(folder / f"{party}.db")
        self.clock = SystemClock()
        self.pen = Pen(
            party=party,
            agreement=agreement.digest,
            key=KEYS[party],
            clock_error_ms=lambda: 10,
            salt=Random(SEED).randbytes,
        )
        site = Site(
            agreement=agreement,
            party=PartyID(party),
            store=self.store,
            clock=self.clock,
            limits=Limits(),
            timers=Timers(),
            new_id=lambda: "",
        )
        self.inbox = Inbox(site, pen=self.pen)
        self.exporter = Exporter(
            record=Record(self.store, party=party, signing_key=KEYS[party], limits=Limits()),
            clock=self.clock,
            agreement=agreement,
            file=file,
            party=party,
            key=KEYS[party],
            clock_error_ms=lambda: 10,
        )

    async def say(self, drafts: list[Draft]) -> list[Letter]:
        async def write(tx: Tx) -> list[Letter]:
            rows = [await self.pen.write(tx, draft, self.clock.now()) for draft in drafts]
            return [await self.pen.letter(tx, each) for each in rows]

        return await self.store.write(write)


def draft(number: int, now: datetime) -> Draft:
    start, end = now + timedelta(hours=1), now + timedelta(hours=1, minutes=20)
    volume = wire.Volume4D(
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
    return Draft(
        kind=Kind.NOTICE,
        to="south",
        payload=Payload(callsign=f"OSPREY-{number}", volumes=(volume,)),
        own={
            "subject": "plan",
            "id": f"2f8343be-6482-4d1b-a474-{number:012d}",
            "version": "1",
            "start": write_instant(start),
            "end": write_instant(end),
        },
    )


async def talk(folder: Path, count: int) -> Side:
    """Have North give so many notices, and South receipt each."""
    file = agreement_file()
    north, south = Side("north", folder, file), Side("south", folder, file)
    for first in range(0, count, COMMIT):
        now = north.clock.now()
        drafts = [draft(n, now) for n in range(first, min(first + COMMIT, count))]
        letters = await north.say(drafts)
        taken = await south.inbox.take(letters, south.clock.now())
        receipts = [each.receipt for each in taken if each.receipt is not None]
        await north.inbox.take_receipts(receipts, north.clock.now())
    await south.store.close()
    return north


def timed(function: Callable[[], Any], times: int) -> tuple[float, Any]:
    taken, found = [], None
    for _ in range(times):
        started = time.perf_counter()
        found = function()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken), found


async def measured(count: int, folder: Path, times: int) -> list[Row]:
    north = await talk(folder, count)
    now = datetime.now(UTC)
    wanted = Wanted(since=now - timedelta(hours=2), until=now + timedelta(hours=2))
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        data = await north.exporter.bundle(wanted)
        taken.append(time.perf_counter() - started)
    await north.store.close()
    verify_s, found = timed(lambda: verify_bundle(data), times)
    assert found.verified
    contents = read_bundle(data).contents
    alone = sum(len(inclusion_spans(each.index, contents.size)) for each in contents.entries)
    of = f"{count:,} notes"
    rows = [
        row(f"export, {of} and receipts", statistics.median(taken), "s"),
        row("bundle", len(data) / 1e6, "MB"),
        row("bundle, each entry", len(data) / len(contents.entries), "bytes"),
        row(f"verify, {of} and receipts", verify_s, "s"),
        against(
            "hashes of the common proof", len(contents.hashes), "", ("a proof each", alone), 0.1
        ),
    ]
    return rows + in_node(data, folder)


def in_node(data: bytes, folder: Path) -> list[Row]:
    """Verify by the page's checks; nothing where there is no Node.js."""
    if NODE is None:
        return []
    (folder / "x.bundle").write_bytes(data)
    (folder / "check.js").write_text(script(*CHECKS) + RUN, encoding="utf-8")
    command = [NODE, str(folder / "check.js"), str(folder / "x.bundle")]
    ran = subprocess.run(command, capture_output=True, check=True)
    verified, taken_s = json.loads(ran.stdout)
    assert verified
    return [row("verify, the page's checks in Node.js", taken_s, "s")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--notes", type=int, default=10_000)
    options = parser.parse_args()
    count = 1_000 if options.quick else options.notes
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(measured(count, Path(folder), 3))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    if options.json:
        print(json.dumps({"machine": machine, "results": results}))
        return
    print(f"{machine}\n{HEAD}")
    for result in results:
        print(line(result))


if __name__ == "__main__":
    main()
