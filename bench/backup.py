"""A backup made while a node writes: how long the writer's commits take with it and without.

    python bench/backup.py [--quick] [--json] [--mb N] [--rate-mb N]

One process writes: an entry of the record of 600 bytes and one changed row, a durable commit each,
200 a second at most, through the node's own store. Another makes backups of the same folder, one
after the other, as `tansiq backup` does. Set beside the writer alone, and beside `VACUUM INTO`.
"""

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from random import Random

from tansiq.clock import SystemClock
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats.agreement import agreement_toml
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.peers.succession import take_up
from tansiq.settings import STORE, load_settings
from tansiq.storage.record import RecordLog
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

SEED = 5
PAUSE_S = 0.005
ENTRY_BYTES = 600


def make_folder(data: Path, megabytes: float) -> None:
    """Make a node's folder whose record has so many MB."""
    files = make_node(NewNode(party="north", names={"en": "North"}, url=URL), datetime.now(UTC))
    write_node(data, files)
    area = Circle(center=LatLng(33.0, 36.0), radius_m=60_000)
    text = agreement_toml(name="Bench", parties=[files.party], area=area, minima=Minima())
    (data / "agreement.toml").write_bytes(text)
    asyncio.run(_fill(data, int(megabytes * 1e6 / 800)))


URL = "https://127.0.0.1:8443"


async def _fill(data: Path, entries: int) -> None:
    store, random = SqliteStore.open(data / STORE), Random(SEED)
    await take_up(load_settings(data), store, SystemClock(), cleared="")
    for first in range(0, entries, 1_000):
        some = [("note", random.randbytes(ENTRY_BYTES)) for _ in range(min(1_000, entries - first))]

        async def write(tx: Tx, some: list[tuple[str, bytes]] = some) -> None:
            await RecordLog(tx).append_all(some, time=0)

        await store.write(write)
    await store.close()


async def commits(data: Path, seconds: float, beside: list[str]) -> tuple[list[float], int]:
    """Write for so long; return how long each commit took, and how often ``beside`` was run."""
    store, random, took, rounds = SqliteStore.open(data / STORE), Random(SEED), [], 0
    until_s = time.monotonic() + seconds

    async def write(tx: Tx) -> None:
        await RecordLog(tx).append("note", random.randbytes(ENTRY_BYTES), time=0)
        await tx.execute("UPDATE event_counter SET last = last + 1")

    async def again_and_again() -> int:
        count = 0
        while beside and time.monotonic() < until_s:
            for old in data.parent.glob("x*"):
                old.unlink()
            process = await asyncio.create_subprocess_exec(*beside, stdout=subprocess.DEVNULL)
            if await process.wait():
                raise SystemExit("what runs beside failed")
            count += 1
        return count

    other = asyncio.create_task(again_and_again())
    while time.monotonic() < until_s or not other.done():
        began_s = time.perf_counter()
        await store.write(write)
        took.append(time.perf_counter() - began_s)
        await asyncio.sleep(PAUSE_S)
    rounds = await other
    await store.close()
    return took, rounds


def percentiles(took: list[float]) -> dict[str, float]:
    ordered = sorted(took)
    at = {
        f"p{p:g}": ordered[min(len(ordered) - 1, int(len(ordered) * p / 100))]
        for p in (50, 95, 99, 99.9)
    }
    return {name: value * 1e3 for name, value in at.items()} | {"max": ordered[-1] * 1e3}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mb", type=float, default=0.0)
    parser.add_argument("--rate-mb", type=float, default=50.0)
    asked = parser.parse_args()
    megabytes = asked.mb or (40 if asked.quick else 400)
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as made:
        data, rows = Path(made) / "north", {}
        make_folder(data, megabytes)
        size = (data / STORE).stat().st_size / 1e6
        command = [sys.executable, "-c", "from tansiq.cli.main import main; main()", "backup"]
        backup = [*command, "--data", str(data), "--output", str(Path(made) / "x.tar"), "--json"]
        backup += ["--rate-mb", str(asked.rate_mb)]
        vacuum = "apsw.Connection(sys.argv[1]).execute('VACUUM INTO ?', (sys.argv[2],))"
        vacuum = f"import apsw, sys; {vacuum}"
        into = [sys.executable, "-c", vacuum, str(data / STORE), str(Path(made) / "x.db")]
        seconds = 10.0 if asked.quick else 40.0
        for name, beside in (("alone", []), ("backup", backup), ("VACUUM INTO", into)):
            took, rounds = asyncio.run(commits(data, seconds, beside))
            rows[name] = {"commits": len(took), "rounds": rounds, **percentiles(took)}
        report(rows, size, as_json=asked.json)


def report(rows: dict[str, dict[str, float]], size: float, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"mb": size, "rows": rows}))
        return
    print(f"{size:,.0f} MB, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}")
    for name, row in rows.items():
        figures = "  ".join(f"{key} {value:,.1f}" for key, value in row.items() if key[0] in "pm")
        print(f"{name:12} {row['rounds']:2.0f} rounds, {row['commits']:6,.0f} commits: {figures}")
    worse = rows["backup"]["p99"] / rows["alone"]["p99"]
    print(f"with a backup the 99th percentile is {worse:.1f} times that of the writer alone")


if __name__ == "__main__":
    main()
