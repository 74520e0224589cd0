"""A store of intents and notes copied from its file to a PostgreSQL database.

    python bench/moving.py [--quick] [--json] [--count N] [--keep DIR]

So many intents and so many notes, each of them an entry of the record with 600 bytes, in a node's
folder; `tansiq copy` to a server of its own on the same disk. Set beside `pg_restore` of the same
rows: what copying them takes without comparing anything. ``--keep`` leaves the folder there, and
takes it up again the next time.
"""

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _fill import fill
from backup import make_folder
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.settings import STORE
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.record import RecordLog
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from postgres_server import Server, binaries

SEED = 8
BATCH = 2_000
ENTRY_BYTES = 600
PAYLOAD_BYTES = 120
RADIUS_M = 1_300.0  # About ten cells each.
QUICK, USUAL = 5_000, 100_000


def note(rng: random.Random, seq: int) -> NoteRow:
    """Return one note in a conversation of its own."""
    name = NoteID(rng.randbytes(32).hex())
    time_us = 1_790_000_000_000_000 + seq * 1_000_000
    own = f"plan: {rng.randbytes(16).hex()}\ncallsign: HERON-{seq}\naltitude: 120 m"
    return NoteRow(
        id=name,
        seq=seq,
        peer="south",
        kind=Kind.NOTICE,
        sender="north",
        mode=Mode.LIVE,
        number=seq,
        turn=seq,
        time=time_us,
        thread=name,
        re=None,
        word="",
        own=own,
        error=1_000,
        written=time_us,
    )


async def notes(file: Path, count: int) -> None:
    """Write notes and their entries into a store."""
    store, rng = SqliteStore.open(file), random.Random(SEED)

    async def some(tx: Tx, size: int) -> None:
        log, kept = RecordLog(tx), NoteStore(tx)
        entries = [("note", rng.randbytes(ENTRY_BYTES)) for _ in range(size)]
        first = await log.append_all(entries, time=0)
        for seq in range(first, first + size):
            await kept.add(note(rng, seq), rng.randbytes(16), rng.randbytes(PAYLOAD_BYTES))

    for done in range(0, count, BATCH):
        size = min(BATCH, count - done)
        await store.write(lambda tx, size=size: some(tx, size))
    await store.close()


def make(data: Path, count: int) -> None:
    began_s = time.perf_counter()
    make_folder(data, 0.0)
    fill(data / STORE, count, SEED, radius_m=RADIUS_M)
    asyncio.run(notes(data / STORE, count))
    print(f"made in {time.perf_counter() - began_s:.0f} s", file=sys.stderr)


def measured(data: Path, count: int, folder: Path) -> dict[str, float]:
    """Copy it; return figures."""
    server = Server(place=folder)
    server.start()
    try:
        command = [sys.executable, "-c", "from tansiq.cli.main import main; main()", "copy"]
        command += ["--from", f"sqlite:{data}", "--to", server.url()]
        load, began_s = os.getloadavg()[0], time.perf_counter()
        subprocess.run(command, check=True, stdout=sys.stderr)
        seconds = time.perf_counter() - began_s
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        size = subprocess.run(
            [
                str(binaries() / "psql"),
                "-AtX",
                server.url(),
                "-c",
                "SELECT pg_database_size(current_database())",
            ],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        return {
            "intents": count,
            "notes": count,
            "seconds": seconds,
            "file_mb": (data / STORE).stat().st_size / 1e6,
            "database_mb": int(size) / 1e6,
            "peak_mb": usage.ru_maxrss / 1e3,
            "load_before": load,
            "load_after": os.getloadavg()[0],
        } | alone(server, folder)
    finally:
        server.remove()


def alone(server: Server, folder: Path) -> dict[str, float]:
    """Dump what was copied, and restore it: the server's own way, which compares nothing."""
    dump, psql = folder / "dump", [str(binaries() / "psql"), "-qX", server.url()]
    pg_dump = [str(binaries() / "pg_dump"), "-Fc", "-Z0", "-f", str(dump), "-d", server.url()]
    subprocess.run(pg_dump, check=True)
    subprocess.run([*psql, "-c", "CREATE DATABASE other TEMPLATE template0"], check=True)
    began_s = time.perf_counter()
    restore = [str(binaries() / "pg_restore"), "-1", "-d", server.url("other"), str(dump)]
    subprocess.run(restore, check=True)
    seconds = time.perf_counter() - began_s
    dump.unlink()
    return {"pg_restore_seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    asked = parser.parse_args()
    count = asked.count or (QUICK if asked.quick else USUAL)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as made:
        Path(made).chmod(0o755)  # The server runs as another user.
        data = (asked.keep or Path(made)) / "north"
        if not data.exists():
            make(data, count)
        row = measured(data, count, Path(made))
    if asked.json:
        print(json.dumps(row))
        return
    print(
        f"{count:,} intents, {count:,} notes, Python {platform.python_version()}, load "
        f"{row['load_before']:.1f} to {row['load_after']:.1f}\n"
        f"file {row['file_mb']:,.0f} MB, database {row['database_mb']:,.0f} MB, at most "
        f"{row['peak_mb']:,.0f} MB of memory\n"
        f"copied and compared in {row['seconds']:.0f} s, {row['seconds'] / count * 1e6:.0f} µs for "
        f"an intent and a note; pg_restore alone {row['pg_restore_seconds']:.0f} s, "
        f"{row['seconds'] / row['pg_restore_seconds']:.1f} times"
    )


if __name__ == "__main__":
    main()
