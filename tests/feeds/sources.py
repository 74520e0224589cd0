"""Receivers on the loopback that say what a test tells them, and a sink for what feeds hand on."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tansiq.clock import SystemClock
from tansiq.domain.track import PositionReport
from tansiq.feed_settings import FeedKind, FeedSource
from tansiq.feeds.feed import Feed
from tansiq.feeds.health import FeedHealth
from tansiq.settings import Limits, Timers

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
QUICK = Timers(retry_first_s=0.01, retry_last_s=0.05, position_request_s=2.0)


class ShiftedClock(SystemClock):
    """The machine's clock, as if it had been set by an error."""

    def __init__(self, error: timedelta = timedelta(0)) -> None:
        self.error = error

    def now(self) -> datetime:
        return super().now() + self.error


@dataclass
class Sink:
    """Keeps what it is given."""

    reports: list[PositionReport] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, name: str, reports: Sequence[PositionReport]) -> None:
        self.calls.append((name, len(reports)))
        self.reports += reports


@asynccontextmanager
async def reading(
    kind: FeedKind,
    url: str,
    *,
    clock: SystemClock | None = None,
    limits: Limits | None = None,
    timers: Timers = QUICK,
    **changes: Any,
) -> AsyncIterator[tuple[Feed, Sink]]:
    """Run a feed for as long as the block lasts."""
    sink = Sink()
    source = FeedSource(name="roof", kind=kind, url=url, **changes)
    feed = Feed(source, sink, clock or SystemClock(), limits or Limits(), timers)
    feed.start()
    try:
        yield feed, sink
    finally:
        await feed.stop()


async def until(holds: Callable[[], bool]) -> None:
    """Wait as long as a busy machine may need."""
    for _ in range(12_000):
        if holds():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("waited for a minute in vain")


async def until_health(feed: Feed, holds: Callable[[FeedHealth], bool]) -> FeedHealth:
    await until(lambda: holds(feed.health()))
    return feed.health()


class Receiver:
    """A TCP server that sends the same bytes to everybody who connects, then what it is told."""

    def __init__(self) -> None:
        self.writers: list[asyncio.StreamWriter] = []
        self.connections = 0
        self.first = b""
        self._server: asyncio.Server | None = None
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        writer.write(self.first)
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def send(self, data: bytes) -> None:
        for writer in self.writers:
            writer.write(data)
            await writer.drain()

    async def hang_up(self) -> None:
        while self.writers:
            self.writers.pop().close()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        await self.hang_up()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    server = Receiver()
    await server.open()
    try:
        yield server
    finally:
        await server.close()


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def sbs_position(address: str, when: datetime, lat: float = 38.0, lng: float = -122.0) -> bytes:
    stamp = when.strftime("%Y/%m/%d,%H:%M:%S.%f")[:-3]
    return f"MSG,3,1,1,{address},1,{stamp},{stamp},,5000,,,{lat},{lng},,,0,0,0,0\r\n".encode()
