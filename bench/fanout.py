"""The watch's stream: a thousand readers, one picture a second, on one core.

    python bench/fanout.py [--quick] [--json] [--readers N] [--seconds N] [--aircraft N]

The server is a process of its own on one core: the node's listener, guard and stream, with a watch
that changes every second. Its readers, real sockets on loopback, are in another process. Beside it
stands the same with each reader's picture encoded for that reader alone. CPU is the server's whole
process, by the kernel's account; lateness is from the encoding to a reader's having all of it.
"""

import argparse
import asyncio
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import uvloop
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from _node import free_ports
from _rows import HEAD, Row, against, at_most, line, row
from tansiq.clock import SystemClock
from tansiq.domain.actor import THIS_MACHINE, Actor
from tansiq.domain.time import zulu
from tansiq.http.access import VIEWER, GuardedRoute
from tansiq.http.guard import Guard
from tansiq.http.listener import listener
from tansiq.http.watch_stream import WatchStream
from tansiq.services.watch.fanout import Fanout
from tansiq.services.watch.views import AlarmView, FeedView, PictureView, TrackView
from tansiq.settings import Limits, Settings, Timers

READERS, SECONDS, AIRCRAFT = 1_000, 20, 50
AIM_SHARE = 1.0
PATH = "/api/v1/watch/stream"
SETTLE_S = 3.0
ONCE, EACH = "encoded once", "encoded for each reader"


class Sky:
    """A watch of so many aircraft; its sentence is the monotonic time of the view."""

    def __init__(self, aircraft: int) -> None:
        now = datetime.now(UTC)
        self._tracks = tuple(
            TrackView(
                id=f"icao:{i:06x}", address=f"icao:{i:06x}", callsign=f"HERON-{i}", feed="roof",
                time=zulu(now), age_s=1.25, staleness="fresh", lat_deg=24.4512345 + i / 100,
                lng_deg=54.6123456, horizontal_error_m=92.6, height_m=451.25, height_error_m=22.5,
                pressure_m=480.06, speed_mps=51.4444, track_deg=271.25, climb_mps=-1.25,
                plan=f"2f8343be-6482-4d1b-a474-{i:012x}", plan_name=f"HERON-{i}", party="north",
                conformance="inside",
            )
            for i in range(aircraft)
        )  # fmt: skip
        self._alarms = tuple(
            AlarmView(
                id=f"a{i}", kind="conflict", level="caution", stage="raised", flashing=True,
                one=f"icao:{i:06x}", other=f"icao:{i + 1:06x}", names=("HERON-1", "HK-12"),
                sentence="HERON-1 and HK-12 of South Cell come within 900 m and 60 m in 42 s",
                raised=zulu(now), changed=zulu(now), in_s=42.0, lat_deg=24.5, lng_deg=54.6,
            )
            for i in range(aircraft // 10)
        )  # fmt: skip
        self._feeds = (FeedView(name="roof", kind="sbs", url="", state="ok", sentence=""),)

    def view(self) -> PictureView:
        return PictureView(
            time=zulu(datetime.now(UTC)),
            sentence=f"{time.monotonic():.6f}",
            feeds=self._feeds,
            tracks=self._tracks,
            alarms=self._alarms,
        )


class EachEncodes(WatchStream):
    """The alternative: the picture is encoded for each reader."""

    sky: Sky

    def frame(self, seq: int, picture: bytes) -> bytes:
        return b"event: watch\ndata: %b\n\n" % msgspec.json.encode(self.sky.view())


class OneDoor:
    """Knows one token."""

    def bearer(self, token: str) -> Actor | None:
        return THIS_MACHINE if token == "bench" else None

    def cookie(self, token: str) -> Actor | None:
        return None

    def lasts(self, actor: Actor) -> bool:
        return actor == THIS_MACHINE

    async def seen(self, actor: Actor) -> None:
        pass


async def serve(port: int, readers: int, aircraft: int, how: str) -> None:
    clock, timers, sky = SystemClock(), Timers(), Sky(aircraft)
    limits = Limits(watch_clients_max=readers, connections_max=readers)
    fanout = Fanout(sky, clock, timers)
    stream = (WatchStream if how == ONCE else EachEncodes)(fanout, clock, limits, timers)
    if isinstance(stream, EachEncodes):
        stream.sky = sky

    async def endpoint(_: Request) -> Response:
        return stream.open()

    app = Starlette(
        routes=[GuardedRoute(PATH, endpoint, method="GET", access=VIEWER)],
        middleware=[Middleware(Guard, door=OneDoor(), port=port)],
    )
    settings = Settings(data=Path(), party="north", agreement=Path(), limits=limits, timers=timers)
    fanout.start()

    async def change() -> None:
        while True:
            fanout.changed()
            await clock.sleep(1.0)

    changing = asyncio.create_task(change())
    await listener(app, "127.0.0.1", port, settings, tls=False).serve()
    changing.cancel()


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Readers:
    """So many connections, each reading as fast as it can."""

    def __init__(self) -> None:
        self.late_s: list[float] = []
        self.bytes = 0
        self.counting = False

    async def one(self, port: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
        head = (
            f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer bench\r\n\r\n"
        )
        writer.write(head.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in answer.split(b"\r\n")[0], answer
        while True:
            event = await reader.readuntil(b"\n\n\r\n")
            now_s = time.monotonic()
            if self.counting and (at := event.find(b'"sentence":"')) >= 0:
                self.late_s.append(now_s - float(event[at + 12 : event.index(b'"', at + 12)]))
                self.bytes += len(event)


async def read(port: int, count: int, seconds: float, pid: int) -> dict[str, Any]:
    readers = Readers()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(count):
            tasks.append(group.create_task(readers.one(port)))
            if number % 50 == 49:
                await asyncio.sleep(0.05)
        await asyncio.sleep(SETTLE_S)
        readers.counting, began_s, cpu_s = True, time.monotonic(), cpu_seconds(pid)
        own_s = time.process_time()
        await asyncio.sleep(seconds)
        took_s = time.monotonic() - began_s
        readers.counting = False
        used_s = cpu_seconds(pid) - cpu_s
        own_s = time.process_time() - own_s
        for task in tasks:
            task.cancel()
    late = sorted(readers.late_s)
    return {
        "share": used_s / took_s,
        "readers_share": own_s / took_s,
        "per_reader_hz": len(late) / took_s / count,
        "megabytes_s": readers.bytes / took_s / 1e6,
        "event_bytes": readers.bytes // max(1, len(late)),
        "late_p50_s": statistics.median(late),
        "late_p99_s": late[len(late) * 99 // 100],
    }


def measured(how: str, readers: int, seconds: float, aircraft: int) -> dict[str, Any]:
    (port,) = free_ports(1)
    argv = ["--serve", how, "--port", port, "--readers", readers, "--aircraft", aircraft]
    server = subprocess.Popen([sys.executable, __file__, *map(str, argv)])
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        argv = ["--read", server.pid, "--port", port, "--readers", readers, "--seconds", seconds]
        command = [sys.executable, __file__, *map(str, argv)]
        told = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=seconds + 300)
        return dict(json.loads(told.stdout))
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def pin(core: int) -> None:
    if hasattr(os, "sched_setaffinity") and len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[core]})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--readers", type=int, default=READERS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--aircraft", type=int, default=AIRCRAFT)
    parser.add_argument("--serve", default="")
    parser.add_argument("--read", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    said = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, said.readers * 2 + 200)), hard))
    if said.serve:
        pin(0)
        uvloop.run(serve(said.port, said.readers, said.aircraft, said.serve))
        return
    if said.read:
        pin(-1)
        print(json.dumps(uvloop.run(read(said.port, said.readers, said.seconds, said.read))))
        return
    seconds = 6.0 if said.quick else said.seconds
    found = {how: measured(how, said.readers, seconds, said.aircraft) for how in (ONCE, EACH)}
    rows = table(found, said.readers)
    if said.json:
        print(json.dumps(rows))
        return
    once = found[ONCE]
    print(
        f"{said.readers} readers, {said.aircraft} aircraft, pictures of {once['event_bytes']} B, "
        f"{once['megabytes_s']:.0f} MB/s; load {os.getloadavg()[0]:.1f}"
    )
    print(HEAD)
    for each in rows:
        print(line(each))


def table(found: dict[str, dict[str, Any]], readers: int) -> list[Row]:
    once, each = found[ONCE], found[EACH]
    other = (EACH, each["share"])
    return [
        at_most(f"{readers} readers, {ONCE}: CPU", once["share"], "cores", AIM_SHARE),
        row("  pictures a second, each reader", once["per_reader_hz"], "/s"),
        row("  lateness p50", 1e3 * once["late_p50_s"], "ms"),
        row("  lateness p99", 1e3 * once["late_p99_s"], "ms"),
        row("  the readers' own CPU", once["readers_share"], "cores"),
        row(f"{EACH}: CPU", each["share"], "cores"),
        row("  pictures a second, each reader", each["per_reader_hz"], "/s"),
        row("  lateness p99", 1e3 * each["late_p99_s"], "ms"),
        against("CPU, once beside each", once["share"], "cores", other),
    ]


if __name__ == "__main__":
    main()
