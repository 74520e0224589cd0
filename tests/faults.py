"""A link that misbehaves: a proxy for tests, which delays, loses, repeats and holds requests.

It stands between two nodes in plain HTTP on loopback and understands just enough of it: one request
at a time on a connection, bodies by Content-Length or chunks. Every choice comes from the
``random.Random`` it is given, so the *kinds* of faults follow from the seed; their exact
interleaving with the nodes' own work does not, for the network and the nodes run in real time.
A ``script`` may decide instead, request by request, for schedules that must hit one trace.
``Relay`` does the little that is possible without reading: it delays and cuts TLS connections.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random

HEAD_BYTES_MAX = 64 * 1024
ANSWER_S_MAX = 30.0


class Fault(StrEnum):
    """What happens to one request."""

    NONE = "relayed"
    LOSE_REQUEST = "request lost"
    """The server never sees it; the client's connection is cut."""
    LOSE_ANSWER = "answer lost"
    """The server has acted; the client does not learn of it."""
    REPEAT = "repeated"
    """Relayed, and a copy reaches the server again a moment later."""
    HOLD = "held"
    """The client's connection is cut now; the request reaches the server later."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: its line taken apart, and its bytes."""

    method: str
    target: str
    head: bytes
    body: bytes

    @property
    def bytes(self) -> bytes:
        return self.head + self.body


@dataclass(frozen=True, slots=True)
class Seen:
    """What became of one request; ``status`` is the server's answer, None if there was none."""

    number: int
    fault: Fault
    method: str
    target: str
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How often each fault happens, as shares of all requests, and how long delays are, seconds."""

    lose_request: float = 0.0
    lose_answer: float = 0.0
    repeat: float = 0.0
    hold: float = 0.0
    delay_s: tuple[float, float] = (0.0, 0.0)
    later_s: tuple[float, float] = (0.05, 0.5)
    """After what time copies and held requests reach the server."""

    def choose(self, random: Random) -> Fault:
        """Draw the fate of one request."""
        left = random.random()
        for fault, share in (
            (Fault.LOSE_REQUEST, self.lose_request),
            (Fault.LOSE_ANSWER, self.lose_answer),
            (Fault.REPEAT, self.repeat),
            (Fault.HOLD, self.hold),
        ):
            if left < share:
                return fault
            left -= share
        return Fault.NONE


NO_FAULTS = Faults()
Script = Callable[[Request], Fault | None]
"""Decides one request; None leaves it to the draw."""


@dataclass(kw_only=True)
class FaultProxy:
    """A listener on ``port`` that passes requests to ``upstream``, with faults.

    ``faults``, ``script`` and ``cut`` may be changed while it runs. ``cut`` is a partition: every
    connection is closed at once. Held requests go out after ``Faults.later_s``, or with
    ``hold_for_release`` only when ``release`` is called. ``log`` tells what became of each request.
    """

    upstream: tuple[str, int]
    random: Random
    faults: Faults = NO_FAULTS
    script: Script | None = None
    hold_for_release: bool = False
    cut: bool = False
    log: list[Seen] = field(default_factory=list)
    held: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._later: set[asyncio.Task[None]] = set()
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}
        self._number = 0

    @property
    def counts(self) -> Counter[Fault]:
        """How many requests met which fault."""
        return Counter(seen.fault for seen in self.log)

    @property
    def port(self) -> int:
        assert self._server is not None, "start the proxy first"
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> "FaultProxy":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self, port: int = 0) -> None:
        """Listen on loopback; 0 takes any free port."""
        self._server = await asyncio.start_server(
            self._connection, "127.0.0.1", port, limit=HEAD_BYTES_MAX
        )

    async def stop(self) -> None:
        """Close everything; requests that are still held are dropped."""
        assert self._server is not None
        self._server.close()
        tasks = {*self._later, *self._open.values()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def settle(self) -> None:
        """Wait until every delayed copy and held request has reached the server."""
        while self._later:
            await asyncio.gather(*tuple(self._later), return_exceptions=True)

    async def release(self) -> None:
        """Send the held requests on, in the order they came; their answers go nowhere."""
        waiting, self.held = self.held, []
        for request in waiting:
            await self._ask(request)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[writer] = task
        try:
            while not self.cut and (request := await _read_request(reader)) is not None:
                answer = await self._fate(request)
                if answer is None or self.cut:
                    break
                writer.write(answer)
                await writer.drain()
                if _is_last(answer):
                    writer.close()
                    await writer.wait_closed()
                    break
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # The client went away: nothing is left to tell it.
        except asyncio.CancelledError:
            pass  # By ``stop``; asyncio's streams would report it as an error.
        finally:
            del self._open[writer]
            await _abort(writer)

    async def _fate(self, request: Request) -> bytes | None:
        """Carry out what is drawn for one request; None cuts the client's connection."""
        fault = (self.script(request) if self.script else None) or self.faults.choose(self.random)
        delay, later = (
            self.random.uniform(*span) for span in (self.faults.delay_s, self.faults.later_s)
        )
        number, self._number = self._number, self._number + 1
        await asyncio.sleep(delay)
        answer: bytes | None = None
        if fault is Fault.HOLD and self.hold_for_release:
            self.held.append(request)
        elif fault is Fault.HOLD:
            self._ask_later(request, later)
        elif fault is not Fault.LOSE_REQUEST:
            answer = await self._ask(request)
        if fault is Fault.REPEAT:
            self._ask_later(request, later)
        status = int(answer[9:12]) if answer else None
        self.log.append(Seen(number, fault, request.method, request.target, status))
        return None if fault is Fault.LOSE_ANSWER else answer

    def _ask_later(self, request: Request, seconds: float) -> None:
        async def wait_and_ask() -> None:
            await asyncio.sleep(seconds)
            await self._ask(request)

        task = asyncio.create_task(wait_and_ask())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _ask(self, request: Request) -> bytes | None:
        """Send a request on a connection of its own; None when the server gives no whole answer.

        A connection for each, because a copy must not queue behind the original.
        """
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                reader, writer = await asyncio.open_connection(*self.upstream, limit=HEAD_BYTES_MAX)
                try:
                    writer.write(request.bytes)
                    await writer.drain()
                    return await _read_answer(reader, method=request.method)
                finally:
                    await _abort(writer)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return None


async def _abort(writer: asyncio.StreamWriter) -> None:
    """Close at once, without sending what is left, and wait until it is done."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as end:
        if end.partial:
            raise
        return None
    method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    return Request(method, target, head, await _read_body(reader, _headers(head)))


async def _read_answer(reader: asyncio.StreamReader, *, method: str) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if method == "HEAD" or head[9:12] in (b"204", b"304"):
        return head
    if _is_last(head):
        return head + await reader.read()
    return head + await _read_body(reader, _headers(head))


def _is_last(answer: bytes) -> bool:
    """Report whether the server ends the connection with this answer."""
    headers = _headers(answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    return headers.get("connection", "").lower() == "close"


def _headers(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    pairs = (line.partition(":") for line in lines)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _read_body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        size = int(line.split(b";")[0], 16)
        body += line + await reader.readexactly(size + 2)
        if size == 0:
            return body


@dataclass(kw_only=True)
class Relay:
    """A blind relay for connections that cannot be read: delays both ways, cuts some of them.

    ``cut_share`` of the connections die after a random number of bytes, in either direction.
    """

    upstream: tuple[str, int]
    random: Random
    delay_s: tuple[float, float] = (0.0, 0.0)
    cut_share: float = 0.0
    cut_after_bytes: tuple[int, int] = (0, 4_000)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        assert self._server is not None, "start the relay first"
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> "Relay":
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.counts["connections"] += 1
        budget: int | None = None
        if self.random.random() < self.cut_share:
            budget = self.random.randint(*self.cut_after_bytes)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            await _abort(writer)
            return
        both = {writer, far_writer}
        self._open |= both
        left = [budget]
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, far_writer, left))
                group.create_task(self._pump(far_reader, writer, left))
        except* (OSError, EOFError):
            pass  # One side ended or was cut; both end.
        finally:
            self._open -= both
            for each in both:
                await _abort(each)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[int | None]
    ) -> None:
        """Move bytes one way until the end; ``left`` is what both directions may still carry."""
        while data := await reader.read(16_384):
            await asyncio.sleep(self.random.uniform(*self.delay_s))
            if left[0] is not None:
                data, left[0] = data[: left[0]], left[0] - len(data)
            writer.write(data)
            await writer.drain()
            if left[0] is not None and left[0] <= 0:
                self.counts["cut"] += 1
                raise EOFError
        raise EOFError
