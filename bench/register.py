"""What requests cost the register, durable (``synchronous=FULL``), from 16 suppliers at once.

*apart*: each creates intents of 1 km radius somewhere on earth. *busy*: all plan the same air at
the same time in one level-13 cell, where 50 intents stay live; each creates, changes and deletes,
proves by its key that it knows all the others, and tries again with what a refusal named.
``http``: a real node in a process of its own, over loopback, tokens verified. ``service``: the
register's methods with JSON in and out, in this process. Seed 3.

``--database``: instead, at the register's methods over a PostgreSQL of our own on this disk, beside
SQLite and a plain PostGIS design, with 0, 100,000 and (``--full``) 1,000,000 intents elsewhere, by
one process and by four; see ``_database.py``. It needs Debian's postgresql, and
postgresql-15-postgis-3 for the last comparison.

    python bench/register.py [--database] [--quick | --full] [--json]
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import uvloop

from _database import measure
from _direct import Direct
from _fill import fill
from _node import SERVE, RegisterNode
from _traffic import CLIENTS, BusyCell, Measured, Work, clients_of, run, uncontended
from tansiq.settings import STORE
from tansiq.storage import sqlite
from tansiq.storage.sqlite import SqliteStore

SEED = 3
AIM_APART, AIM_BUSY, AIM_P99_MS = 1_500.0, 500.0, 100.0
ONE_COMMIT = (str(Path(__file__).with_name("_one_commit.py")), "serve")
WARM_S = 1.0
AIM_START_S = 2.0
STARTS = 3
PUBLISHED = """\
published for the reference DSS (InterUSS), on other machines: 120 to 150 requests/s apart, and
stalls of 25 to 50 s where areas overlap (dss: docs/operations/performances.md, one machine, 10
users); in a busy cell 1.1 requests/s with implicit subscriptions, 2.6 with one shared (dss: issue
1592), 25 and at most 42 with a store of its own (dss: issue 1594, 7 suppliers 16.5 ms apart)."""

Row = dict[str, Any]


def row(
    name: str,
    value: float,
    unit: str,
    *,
    against: float | None = None,
    aim: float | None = None,
    at_most: bool = False,
) -> Row:
    met = None if aim is None else (value <= aim if at_most else value >= aim)
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "against": None if against is None else round(against, 1),
        "ratio": None if against is None else round(value / against, 2),
        "aim": aim,
        "met": met,
    }


# ---- one stretch of traffic


async def traffic(node: RegisterNode, kind: str, seconds: float) -> Measured:
    """Send one kind of traffic to a running node."""
    clients = clients_of(node)
    work: Work = uncontended(implicit=kind == "implicit")
    if kind.startswith("busy"):
        cell = BusyCell()
        await cell.prepare(clients, subscribe=kind == "busy, subscribed")
        work = cell.work
    await run(node, clients, work, seconds=WARM_S, seed=SEED + 1)
    found = await run(node, clients, work, seconds=seconds, seed=SEED)
    for client in clients:
        client.close()
    return found


def over_http(kind: str, seconds: float, *, serve: Sequence[str] = SERVE) -> Measured:
    """Run a fresh node and measure one kind of traffic."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        node = RegisterNode.make(Path(folder) / "node", serve=serve)
        node.start()
        try:
            return uvloop.run(traffic(node, kind, seconds))
        finally:
            node.stop()


def beside(standing: int, seconds: float) -> tuple[Measured, float, float]:
    """Measure with so many intents elsewhere; and the seconds to fill, and from start to ready."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        node = RegisterNode.make(Path(folder) / "node")
        filled_s = fill(node.data / STORE, standing, SEED)
        starts_s = []
        for _ in range(STARTS):
            node.stop()
            starts_s.append(node.start())
        try:
            found = uvloop.run(traffic(node, "apart", seconds))
        finally:
            node.stop()
    return found, filled_s, statistics.median(starts_s)


def at_service(kind: str, seconds: float, *, one_commit: bool = False) -> Measured:
    """Measure one kind of traffic at the service interface, in this process."""

    async def go() -> Measured:
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            direct = Direct(SqliteStore.open(Path(folder) / "store.db"))
            clients = [direct.client(f"uss{n}") for n in range(CLIENTS)]
            work: Work = uncontended()
            if kind == "busy":
                cell = BusyCell()
                await cell.prepare(clients, subscribe=False)
                work = cell.work
            found = await run(None, clients, work, seconds=seconds, seed=SEED)
            await direct.close()
            return found

    batch = sqlite.BATCH_MAX
    sqlite.BATCH_MAX = 1 if one_commit else batch  # type: ignore[misc]
    try:
        return uvloop.run(go())
    finally:
        sqlite.BATCH_MAX = batch  # type: ignore[misc]


# ---- cases


def middle(runs: Iterable[Measured], what: Callable[[Measured], float]) -> float:
    return statistics.median(what(one) for one in runs)


def http_rows(name: str, ours: list[Measured], theirs: list[Measured], aim: float) -> list[Row]:
    """Return the figures of one kind of traffic over HTTP."""
    against = middle(theirs, lambda m: m.rate) if theirs else None
    return [
        row(f"{name}", middle(ours, lambda m: m.rate), "requests/s", against=against, aim=aim),
        row(f"{name}, accepted", middle(ours, lambda m: m.accepted_rate), "requests/s"),
        row(f"{name}, p50", middle(ours, lambda m: m.wait_ms(0.5)), "ms"),
        row(
            f"{name}, p99", middle(ours, lambda m: m.wait_ms(0.99)), "ms",
            aim=AIM_P99_MS, at_most=True,
        ),
        row(f"{name}, CPU of the node", middle(ours, lambda m: m.cpu_ms), "ms/request"),
        row(f"{name}, event loop computes", middle(ours, lambda m: m.loop_share), "of the time"),
        row(f"{name}, store computes", middle(ours, lambda m: m.store_share), "of the time"),
        row(f"{name}, waits for the disk", middle(ours, lambda m: m.disk_share), "of the time"),
    ]  # fmt: skip


def measure_http(runs: int, seconds: float) -> list[Row]:
    rows: list[Row] = []
    for name, aim, alternative in (
        ("apart", AIM_APART, True),
        ("busy", AIM_BUSY, True),
        ("busy, subscribed", AIM_BUSY, False),
    ):
        ours, theirs = [], []
        for _ in range(runs):  # In turn, so that a busy neighbour hits both alike.
            ours.append(over_http(name, seconds))
            if alternative:
                theirs.append(over_http(name, seconds, serve=ONE_COMMIT))
        rows += http_rows(f"http, {name}", ours, theirs, aim)
    return rows


def measure_service(runs: int, seconds: float) -> list[Row]:
    rows = []
    for kind, aim in (("apart", AIM_APART), ("busy", AIM_BUSY)):
        ours, theirs = [], []
        for _ in range(runs):
            ours.append(at_service(kind, seconds))
            theirs.append(at_service(kind, seconds, one_commit=True))
        each = middle(theirs, lambda m: m.rate)
        rate = middle(ours, lambda m: m.rate)
        rows.append(row(f"service, {kind}", rate, "requests/s", against=each, aim=aim))
    return rows


def measure_scale(standing: Sequence[int], seconds: float) -> list[Row]:
    """Return what a request costs with so many intents elsewhere; against the fewest."""
    rows, least = [], None
    for count in standing:
        found, filled_s, start_s = beside(count, seconds)
        least = least or found.cpu_ms
        name = f"http, apart, {count:,} elsewhere"
        rows.append(row(f"{name}, CPU", found.cpu_ms, "ms/request", against=least))
        rows.append(row(f"{name}, p50", found.wait_ms(0.5), "ms"))
        rows.append(row(f"{name}, filled in", filled_s, "s"))
        rows.append(row(f"{name}, start to ready", start_s, "s", aim=AIM_START_S, at_most=True))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 60 s, 1,000 elsewhere")
    parser.add_argument("--full", action="store_true", help="with 1,000,000 intents elsewhere")
    parser.add_argument("--database", action="store_true", help="over PostgreSQL, without HTTP")
    parser.add_argument("--json", action="store_true", help="one object on stdout, nothing else")
    options = parser.parse_args()
    runs, seconds = (1, 2.0 if options.database else 3.0) if options.quick else (3, 5.0)
    if options.database:
        sizes = [0] if options.quick else [0, 100_000]
        sizes += [1_000_000] if options.full else []
        rows = measure(sizes, runs, seconds, processes=(1,) if options.quick else (1, 4))
        show(list(rows), f"median of {runs} runs of {seconds:g} s", as_json=options.json)
        return
    standing = [1_000] if options.quick else [1_000, 100_000]
    results = measure_http(runs, seconds) + measure_service(runs, seconds)
    results += measure_scale(standing + ([1_000_000] if options.full else []), seconds)
    show(results, f"median of {runs} runs of {seconds:g} s", as_json=options.json)
    if not options.json:
        print("x of: a commit for each request; CPU with more intents elsewhere: with the fewest")
        print(PUBLISHED)


def show(results: Sequence[Row], how: str, *, as_json: bool) -> None:
    """Print the figures."""
    load = f"load {os.getloadavg()[0]:.1f}"
    machine = f"{platform.platform()}, {os.cpu_count()} cores, {load}"
    if as_json:
        print(json.dumps({"machine": machine, "results": results}))
        return
    print(f"{machine}; {CLIENTS} clients; {how}")
    for one in results:
        line = f"{one['name']:60} {one['value']:>10,.2f} {one['unit']}"
        if one["against"] is not None:
            line += f", {one['ratio']}x of {one['against']:,.1f}"
        if one["aim"] is not None:
            line += f", aim {one['aim']:,.0f} {'met' if one['met'] else 'missed'}"
        print(line)


if __name__ == "__main__":
    main()
