"""``register.py --database``: what the register places over PostgreSQL, beside SQLite and PostGIS.

At the register's methods, without HTTP, by 16 clients in one process or in four, over stores that
are filled with intents elsewhere. *spread*: each places intents of 1 km radius somewhere on earth.
*hub*: all are in one cell and quarter of an hour, each at its own height; they create, change and
delete, one after the other for the register, and none is refused. *busy*: all plan the same air in
one cell, where 50 intents stay live; each write proves that it knows all the others, or is refused.
The server is a throw-away one on this disk, with the settings that a node demands: what is counted
is on the disk (where the disk keeps its word).
"""

import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as count_from
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from _fill import PLACES, elsewhere, fill, spots
from _plain_postgis import INDEX, SCHEMA, records
from tansiq.storage.cells import INTENT
from tansiq.storage.postgres import PostgresStore

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]
from postgres_server import Server  # noqa: E402 - the tests' own

SEED, CLIENTS = 3, 16
AIMS = {"spread": 800.0, "hub": 500.0, "busy": None}
_DISK = Path("/var/tmp")
_SETTINGS = {"shared_buffers": "1GB", "max_wal_size": "4GB", "maintenance_work_mem": "512MB"}
_PLACER = str(Path(__file__).with_name("_placer.py"))
_hubs = count_from(random.Random().randrange(100_000))
_CHUNK = 20_000
_CELL_COLUMNS = (
    "kind", "cell", "time_end", "entity", "time_start", "altitude_low", "altitude_high",
)  # fmt: skip
_INTENT_COLUMNS = (
    "id", "manager", "state", "version", "ovn", "uss_base_url", "subscription_id", "time_start",
    "time_end", "cover",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Placed:
    """What one run has shown, of all its processes."""

    rate: float
    """Accepted in a second."""
    decided: float
    """Accepted or refused in a second."""
    refused: float
    waits_ms: tuple[float, float]
    """p50 and p99."""
    own_cpu_ms: float
    """Of the placing processes, for each that was accepted; validation and JSON are in it."""
    server_cpu_ms: float


@dataclass(frozen=True, slots=True)
class Stores:
    """One size of store, three times."""

    server: Server
    ours: str
    plain: str | None
    file: Path


async def _fill_ours(url: str, count: int) -> None:
    store = await PostgresStore.open(url)
    await store.close()
    connection = await asyncpg.connect(url)
    rows = elsewhere(count, SEED)
    while chunk := list(islice(rows, _CHUNK)):
        intents = [
            (
                row.id, row.manager, row.state, row.version, row.ovn, row.uss_base_url,
                None, row.time_start, row.time_end, row.cover.to_bytes(),
            )
            for row in chunk
        ]  # fmt: skip
        await connection.copy_records_to_table("intent", records=intents, columns=_INTENT_COLUMNS)
        cells = [
            (INTENT, cell, patch.time_end, row.id, patch.time_start, patch.low_m, patch.high_m)
            for row in chunk
            for patch in row.cover.patches
            for cell in patch.cells
        ]
        await connection.copy_records_to_table("cell", records=cells, columns=_CELL_COLUMNS)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _fill_plain(url: str, count: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(SCHEMA)
    await connection.set_type_codec(
        "geometry", encoder=bytes, decoder=bytes, format="binary", schema="public"
    )
    rows = elsewhere(count, SEED)
    slots = -(-count // max(1, min(count, PLACES)))
    places = ((spot.lat_deg, spot.lng_deg) for spot in spots(count, SEED) for _ in range(slots))
    while chunk := list(islice(rows, _CHUNK)):
        made = list(records(chunk, islice(places, len(chunk))))
        await connection.copy_records_to_table("plan", records=made)
    await connection.execute(INDEX)
    await connection.execute("VACUUM ANALYZE plan")
    await connection.close()


@contextmanager
def filled(count: int) -> Iterator[Stores]:
    """Make stores that hold so many intents elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="tansiq-bench-", dir=_DISK))
    folder.chmod(0o755)
    server = Server(_SETTINGS, place=folder)
    (folder / "file").mkdir()
    try:
        server.start()
        asyncio.run(_databases(server))
        ours, plain = server.url("ours"), None
        asyncio.run(_fill_ours(ours, count))
        if list(Path("/usr/share/postgresql").glob("*/extension/postgis.control")):
            plain = server.url("plain")
            asyncio.run(_fill_plain(plain, count))
        fill(folder / "file/store.db", count, SEED)
        yield Stores(server, ours, plain, folder / "file/store.db")
    finally:
        server.remove()
        shutil.rmtree(folder, ignore_errors=True)


async def _databases(server: Server) -> None:
    connection = await asyncpg.connect(server.url())
    for name in ("ours", "plain"):
        await connection.execute(f"CREATE DATABASE {name}")
    await connection.execute("CHECKPOINT")
    await connection.close()


def place(stores: Stores, store: str, kind: str, processes: int, seconds: float) -> Placed:
    """Let so many processes place intents for so long."""
    where = {"ours": stores.ours, "plain": stores.plain, "sqlite": str(stores.file)}[store]
    command = [sys.executable, _PLACER, store, str(where), kind, str(CLIENTS // processes)]
    place = str(next(_hubs))
    running = [
        subprocess.Popen(
            [*command, str(number), str(processes), place],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(processes)
    ]  # fmt: skip
    try:
        for child in running:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
        before_s = stores.server.cpu_s()
        for child in running:
            assert child.stdin is not None
            child.stdin.write(f"{seconds}\n")
            child.stdin.flush()
        said = [json.loads(child.stdout.readline()) for child in running if child.stdout]
        server_s = stores.server.cpu_s() - before_s
    finally:
        for child in running:
            child.communicate()
    accepted = sum(one["accepted"] for one in said)
    waits_s = sorted(wait for one in said for wait in one["waits_s"])
    return Placed(
        rate=accepted / max(one["seconds"] for one in said),
        decided=len(waits_s) / max(one["seconds"] for one in said),
        refused=sum(one["refused"] for one in said) / len(waits_s),
        waits_ms=(waits_s[len(waits_s) // 2] * 1e3, waits_s[int(0.99 * len(waits_s))] * 1e3),
        own_cpu_ms=1e3 * sum(one["cpu_s"] for one in said) / accepted,
        server_cpu_ms=1e3 * server_s / accepted,
    )


Row = dict[str, Any]


def _row(name: str, value: float, unit: str, **rest: Any) -> Row:
    blank: Row = {"against": None, "ratio": None, "aim": None, "met": None}
    return {"name": name, "value": round(value, 3), "unit": unit, **blank, **rest}


def _middle(runs: Sequence[Placed], what: str) -> float:
    return statistics.median(getattr(one, what) for one in runs)


def _rows(
    name: str, kind: str, ours: list[Placed], others: dict[str, list[Placed]]
) -> Iterator[Row]:
    rate = _middle(ours, "rate")
    aim = AIMS[kind]
    yield _row(name, rate, "accepted/s", aim=aim, met=None if aim is None else rate >= aim)
    for other, runs in others.items():
        against = _middle(runs, "rate")
        ratio = round(rate / against, 2)
        yield _row(
            f"{name}, to {other}", rate, "accepted/s", against=round(against, 1), ratio=ratio
        )
    p50, p99 = (statistics.median(one.waits_ms[i] for one in ours) for i in (0, 1))
    yield _row(f"{name}, p50", p50, "ms")
    yield _row(f"{name}, p99", p99, "ms")
    if kind == "busy":
        yield _row(f"{name}, refused", _middle(ours, "refused"), "of all")
        yield _row(f"{name}, decided", _middle(ours, "decided"), "requests/s")
    yield _row(f"{name}, CPU of the placers", _middle(ours, "own_cpu_ms"), "ms/accepted")
    yield _row(f"{name}, CPU of the server", _middle(ours, "server_cpu_ms"), "ms/accepted")


def measure(
    sizes: Sequence[int], runs: int, seconds: float, *, processes: Sequence[int] = (1, 4)
) -> Iterator[Row]:
    """Yield the figures of each size of store, ours and the others in turn."""
    for count in sizes:
        began = time.perf_counter()
        with filled(count) as stores:
            yield _row(f"{count:,} stored: filled in", time.perf_counter() - began, "s")
            for kind in AIMS:
                found: dict[tuple[str, int], list[Placed]] = {}
                cases = [*(("ours", each) for each in processes), ("sqlite", 1)]
                cases += [("plain", 1)] if stores.plain else []
                for _ in range(runs):  # In turn, so that a busy neighbour hits all alike.
                    for store, each in cases:
                        placed = place(stores, store, kind, each, seconds)
                        found.setdefault((store, each), []).append(placed)
                others = {"SQLite": found["sqlite", 1]}
                if stores.plain:
                    others["PostGIS"] = found["plain", 1]
                for each in processes:
                    name = f"{count:,} stored, {kind}, processes: {each}"
                    yield from _rows(name, kind, found["ours", each], others)
                yield _row(f"{count:,} stored, {kind}: load", os.getloadavg()[0], "")
