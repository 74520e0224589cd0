"""How many durable writes a second the register takes from 16 clients; against a commit for each.

Each write creates an operational intent of 1 km radius, synced to disk before it is answered, in
empty air (uncontended) unless said otherwise. ``service``: at the service interface, in one
process. ``http``: over loopback to the node's routes under uvicorn in a process of its own; tokens
are compared, not verified (a node remembers verified ones). Seed 3.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request

from tansiq.clock import SystemClock
from tansiq.domain.intent import IntentState
from tansiq.errors import Unauthenticated
from tansiq.f3548 import codec, wire
from tansiq.f3548.convert import to_time
from tansiq.http.dss import routes
from tansiq.services.register import (
    STRATEGIC_COORDINATION,
    AirspaceConflict,
    Caller,
    Register,
)
from tansiq.services.register.tokens import Tokens
from tansiq.settings import Limits
from tansiq.storage import sqlite
from tansiq.storage.intents import Intents
from tansiq.storage.sqlite import SqliteStore

CLIENTS = 16
AIM = 1_500.0
SEED = 3
CALLER = Caller(id="bench", scopes=frozenset({STRATEGIC_COORDINATION}), area_km2_max=2_500.0)
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)

Params = wire.PutOperationalIntentReferenceParameters


def volume(lat: float, lng: float, *, start_s: float = 0, low_m: float = 0) -> wire.Volume4D:
    start = SOON + timedelta(seconds=start_s)
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=wire.Circle(
                center=wire.LatLngPoint(lat=lat, lng=lng),
                radius=wire.Radius(value=1_000.0, units="M"),
            ),
            altitude_lower=wire.Altitude(value=low_m, reference="W84", units="M"),
            altitude_upper=wire.Altitude(value=low_m + 100.0, reference="W84", units="M"),
        ),
        time_start=to_time(start),
        time_end=to_time(start + timedelta(minutes=10)),
    )


def intent(extents: wire.Volume4D, *, implicit: bool, key: Sequence[str] = ()) -> Params:
    url = "https://uss.example/bench"
    wish = wire.ImplicitSubscriptionParameters(uss_base_url=url) if implicit else None
    return Params(
        extents=(extents,),
        key=tuple(key),
        state=IntentState.ACCEPTED,
        uss_base_url=url,
        new_subscription=wish,
    )


def lonely(count: int, *, implicit: bool = False, seed: int = SEED) -> list[Params]:
    """Return intents over the whole earth: hardly any two of them meet."""
    rng = random.Random(seed)
    return [
        intent(volume(rng.uniform(-70, 70), rng.uniform(-179, 179)), implicit=implicit)
        for _ in range(count)
    ]


def new_register(store: SqliteStore) -> Register:
    tokens = Tokens()
    return Register(store, new_id=tokens.new_id, new_ovn=tokens.new_ovn)


async def in_turn(items: Sequence[Any], work: Callable[[Any], Awaitable[None]]) -> float:
    """Give the items to the clients, and return items a second."""
    waiting = iter(items)

    async def client() -> None:
        for item in waiting:
            await work(item)

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return len(items) / (time.perf_counter() - started)


async def service(params: Sequence[Params], *, standing: int = 0) -> float:
    """Return writes/s at the service interface, with some intents standing already."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        store = SqliteStore.open(Path(folder) / "store.db")
        register = new_register(store)

        async def put(one: Params) -> None:
            # Two of the random places may meet: then it is refused, after the same work.
            with contextlib.suppress(AirspaceConflict):
                await register.put_intent(CALLER, str(uuid.uuid4()), None, one, SOON)

        if standing:
            await in_turn(lonely(standing, seed=SEED + 1), put)
        rate = await in_turn(params, put)
        await store.close()
    return rate


async def busy_cell(count: int) -> float:
    """Return accepted writes/s where all plan in one place: read, write with that key, or again."""
    rng = random.Random(SEED)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        store = SqliteStore.open(Path(folder) / "store.db")
        register = new_register(store)

        async def plan(extents: wire.Volume4D) -> None:
            where = register.read_search(CALLER, extents)
            while True:
                known = await store.read(lambda tx: Intents(tx).find(where))
                key = [row.ovn for row in known]
                params = intent(extents, implicit=False, key=key)
                try:
                    await register.put_intent(CALLER, str(uuid.uuid4()), None, params, SOON)
                except AirspaceConflict:
                    continue
                return

        places = [
            volume(40, -105, start_s=rng.randrange(72_000), low_m=rng.randrange(3_000))
            for _ in range(count)
        ]
        rate = await in_turn(places, plan)
        await store.close()
    return rate


# Over HTTP


def serve(folder: str, port: int) -> None:
    """Run the node's routes; the child process of the ``http`` cases."""
    store = SqliteStore.open(Path(folder) / "store.db")

    def authenticate(request: Request, _scopes: Sequence[str]) -> Caller:
        if request.headers.get("authorization") != "Bearer bench":
            raise Unauthenticated("send the bench's token")
        return CALLER

    app = Starlette(routes=routes(new_register(store), SystemClock(), authenticate, Limits()))
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", log_level="warning")


@contextlib.contextmanager
def server() -> Iterator[tuple[int, int]]:
    """Run ``serve`` in a process of its own; yield its port and process id."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        child = subprocess.Popen([sys.executable, __file__, "--serve", folder, str(port)])
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            yield port, child.pid
        finally:
            child.terminate()
            child.wait()


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def over_http(params: Sequence[Params]) -> tuple[float, float]:
    """Return writes/s over loopback, and the server's CPU milliseconds for each."""
    with server() as (port, pid):
        free = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CLIENTS)]

        async def put(request: bytes) -> None:
            reader, writer = free.pop()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            assert head[9:12] in (b"201", b"409"), head + body
            free.append((reader, writer))

        requests = [_request(one) for one in params]
        warm, timed = requests[:200], requests[200:]
        await in_turn(warm, put)
        before = cpu_s(pid)
        rate = await in_turn(timed, put)
        spent_ms = (cpu_s(pid) - before) * 1e3 / len(timed)
        for _, writer in free:
            writer.close()
    return rate, spent_ms


def _request(params: Params) -> bytes:
    body = codec.encode(params)
    head = (
        f"PUT /dss/v1/operational_intent_references/{uuid.uuid4()} HTTP/1.1\r\n"
        "Host: 127.0.0.1\r\nAuthorization: Bearer bench\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# Report


def median(runs: int, once: Callable[[], float]) -> float:
    return statistics.median(once() for _ in range(runs))


def one_commit_each(params: Sequence[Params]) -> float:
    """The alternative: every write has a commit of its own."""
    batch, sqlite.BATCH_MAX = sqlite.BATCH_MAX, 1  # type: ignore[misc]
    try:
        return uvloop.run(service(params))
    finally:
        sqlite.BATCH_MAX = batch  # type: ignore[misc]


def result(
    name: str, value: float, unit: str, *, against: float | None = None, aim: float | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "against": None if against is None else round(against, 1),
        "ratio": None if against is None else round(value / against, 2),
        "aim": aim,
        "met": None if aim is None else value >= aim,
    }


def measure(*, quick: bool) -> list[dict[str, Any]]:
    runs, count = (3, 4_000) if quick else (5, 16_000)
    plain, implicit = lonely(count), lonely(count, implicit=True)
    ours, theirs, http, spent = [], [], [], []
    for _ in range(runs):  # In turn, so that a busy neighbour hits all alike.
        ours.append(uvloop.run(service(plain)))
        theirs.append(one_commit_each(plain[: count // 4]))
        rate, ms = uvloop.run(over_http(plain))
        http.append(rate)
        spent.append(ms)
    unit, each = "writes/s", statistics.median(theirs)
    results = [
        result("service", statistics.median(ours), unit, against=each, aim=AIM),
        result("http", statistics.median(http), unit, aim=AIM),
        result("http, server CPU", statistics.median(spent), "ms/write"),
        result(
            "service, implicit subscription",
            median(runs, lambda: uvloop.run(service(implicit))),
            unit,
        ),
        result("service, one busy cell", median(runs, lambda: uvloop.run(busy_cell(1_000))), unit),
    ]
    if not quick:
        standing = median(1, lambda: uvloop.run(service(plain, standing=100_000)))
        results.append(result("service, 100,000 standing", standing, unit, aim=AIM))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="within 60 s")
    parser.add_argument("--json", action="store_true", help="one object on stdout, nothing else")
    parser.add_argument("--serve", nargs=2, metavar=("FOLDER", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve[0], int(options.serve[1]))
        return
    results = measure(quick=options.quick)
    load = f"load {os.getloadavg()[0]:.1f}"
    machine = f"{platform.platform()}, {os.cpu_count()} cores, {load}"
    if options.json:
        print(json.dumps({"machine": machine, "results": results}))
        return
    print(machine)
    for row in results:
        line = f"{row['name']:32} {row['value']:>10,.2f} {row['unit']}"
        if row["against"] is not None:
            line += f", {row['ratio']}x of a commit for each ({row['against']:,.0f})"
        if row["aim"] is not None:
            line += f", aim {row['aim']:,.0f} {'met' if row['met'] else 'missed'}"
        print(line)


if __name__ == "__main__":
    main()
