"""Listens for datagrams over UDP, of one sender or of a multicast group.

They are queued as they come and read in turns. When more wait than the limit allows the oldest go:
of positions the newest say more. What the kernel throws away before us nobody counts.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from datetime import datetime
from functools import partial
from ipaddress import ip_address
from typing import Final, Protocol

from tansiq.clock import Clock
from tansiq.feed_settings import FeedLimits, FeedSource
from tansiq.feeds.intake import Intake
from tansiq.formats.position_reports import Parsed
from tansiq.settings import Timers

TURN: Final = 100
"""Datagrams that are read before others get their turn."""
_RECEIVE_BYTES: Final = 4_194_304
"""Asked of the kernel for bursts; it gives what it allows (Linux: net.core.rmem_max)."""
_SILENCES: Final = 2
"""After so many times ``timers.position_silent`` the socket is opened anew: a network that went
away took our place in its multicast group with it."""


class DatagramParser(Protocol):
    """Reads one datagram after the other."""

    def datagram(self, data: bytes, now: datetime) -> Parsed: ...


class _Queue(asyncio.DatagramProtocol):
    def __init__(self, intake: Intake, count_max: int) -> None:
        self._intake = intake
        self._count_max = count_max
        self.waiting: deque[bytes] = deque()
        self.arrived = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        if len(self.waiting) >= self._count_max:
            self.waiting.popleft()
            self._intake.drop(1)
        self.waiting.append(data)
        self.arrived.set()


async def listen(
    source: FeedSource,
    new_parser: Callable[[], DatagramParser],
    intake: Intake,
    clock: Clock,
    limits: FeedLimits,
    timers: Timers,
) -> None:
    """Listen until cancelled."""
    pause_s = timers.retry_first_s
    loop = asyncio.get_running_loop()
    while True:
        queue = _Queue(intake, limits.position_queue_max)
        try:
            transport, _ = await loop.create_datagram_endpoint(
                partial(_same, queue), sock=_open(source)
            )
        except OSError as error:
            intake.failed(f"cannot listen: {error.strerror or error}")
        else:
            intake.reached()
            pause_s = timers.retry_first_s
            try:
                await _read(queue, new_parser(), intake, clock, timers)
            finally:
                transport.close()
            continue
        await clock.sleep(pause_s)
        pause_s = min(2 * pause_s, timers.retry_last_s)


def _same(queue: _Queue) -> _Queue:
    return queue


def _open(source: FeedSource) -> socket.socket:
    parts = source.parts
    host, port = parts.hostname or "", parts.port or 0
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.settimeout(0.0)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BYTES)
        if ip_address(host).is_multicast:
            # Other programs of this machine may listen to the group as well.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            any_of_ours = bytes(4)
            ours = socket.inet_aton(source.interface) if source.interface else any_of_ours
            joined = socket.inet_aton(host) + ours
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise
    return opened


async def _read(
    queue: _Queue, parser: DatagramParser, intake: Intake, clock: Clock, timers: Timers
) -> None:
    """Read what comes, until nothing has come for long."""
    while True:
        try:
            await clock.limit(
                queue.arrived.wait(), _SILENCES * timers.position_silent.total_seconds()
            )
        except TimeoutError:
            return
        queue.arrived.clear()
        while queue.waiting:
            parsed, now = Parsed(), clock.now()
            for _ in range(min(TURN, len(queue.waiting))):
                parsed.take(parser.datagram(queue.waiting.popleft(), now))
            intake.take(parsed)
            await clock.sleep(0.0)
