"""The fault proxy does what it says: its own tests, against a tiny HTTP server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from random import Random

import pytest
from tests.faults import Fault, FaultProxy, Faults, Relay, Request


class Recorder:
    """A tiny HTTP server that remembers the bodies it got, in order, and answers 200 with them."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.bodies.append(body)
                if head.startswith(b"DELETE"):
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                elif head.startswith(b"POST"):
                    chunks = b"%x\r\n%s\r\n0\r\n\r\n" % (length, body)
                    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + chunks)
                else:
                    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % length + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()


@asynccontextmanager
async def recorder() -> AsyncIterator[Recorder]:
    tiny = Recorder()
    server = await asyncio.start_server(tiny.serve, "127.0.0.1", 0)
    tiny.port = server.sockets[0].getsockname()[1]
    try:
        yield tiny
    finally:
        server.close()
        await server.wait_closed()


class Client:
    """One kept-alive connection; ``ask`` returns the answer's body, None when it was cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, body: bytes, method: str = "PUT") -> bytes | None:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        head = f"{method} /entity/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        try:
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if answer.startswith(b"HTTP/1.1 204"):
                return b""
            if b"chunked" in answer:
                size = int(await reader.readuntil(b"\r\n"), 16)
                return (await reader.readexactly(size + 7))[:size]
            return await reader.readexactly(len(body))
        except (asyncio.IncompleteReadError, OSError):
            await self.close()
            return None

    async def close(self) -> None:
        if self._streams is not None:
            (_, writer), self._streams = self._streams, None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


@asynccontextmanager
async def through(proxy: FaultProxy) -> AsyncIterator[Client]:
    async with proxy:
        client = Client(proxy.port)
        try:
            yield client
        finally:
            await client.close()


@pytest.mark.anyio
async def test_without_faults_nothing_changes() -> None:
    async with recorder() as server:
        proxy = FaultProxy(upstream=("127.0.0.1", server.port), random=Random(1))
        async with through(proxy) as client:
            assert await client.ask(b"a") == b"a"
            assert await client.ask(b"bb", "POST") == b"bb"  # A chunked answer.
            assert await client.ask(b"c", "DELETE") == b""  # An answer without a body.
        assert server.bodies == [b"a", b"bb", b"c"]
        assert proxy.counts == {Fault.NONE: 3}
        assert [(seen.method, seen.status) for seen in proxy.log] == [
            ("PUT", 200),
            ("POST", 200),
            ("DELETE", 204),
        ]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "answered", "times"),
    [
        (Fault.LOSE_REQUEST, False, 0),
        (Fault.LOSE_ANSWER, False, 1),
        (Fault.REPEAT, True, 2),
        (Fault.HOLD, False, 1),
    ],
)
async def test_each_fault_by_script(fault: Fault, answered: bool, times: int) -> None:
    """A scripted fault hits exactly the request it names; the next one passes."""

    def script(request: Request) -> Fault | None:
        return fault if request.body == b"hit" else None

    async with recorder() as server:
        quick = Faults(later_s=(0.0, 0.01))
        proxy = FaultProxy(
            upstream=("127.0.0.1", server.port), random=Random(1), faults=quick, script=script
        )
        async with through(proxy) as client:
            assert (await client.ask(b"hit") is not None) == answered
            assert await client.ask(b"next") == b"next"
            await proxy.settle()
        assert server.bodies.count(b"hit") == times
        assert server.bodies.count(b"next") == 1
        assert proxy.counts == {fault: 1, Fault.NONE: 1}


@pytest.mark.anyio
async def test_held_requests_arrive_when_released_after_what_came_later() -> None:
    async with recorder() as server:
        proxy = FaultProxy(
            upstream=("127.0.0.1", server.port),
            random=Random(1),
            script=lambda request: Fault.HOLD if request.body == b"old" else None,
            hold_for_release=True,
        )
        async with through(proxy) as client:
            assert await client.ask(b"old") is None
            assert await client.ask(b"new") == b"new"
            assert server.bodies == [b"new"]
            await proxy.release()
        assert server.bodies == [b"new", b"old"]


@pytest.mark.anyio
async def test_a_cut_answers_nobody_and_heals() -> None:
    async with recorder() as server:
        proxy = FaultProxy(upstream=("127.0.0.1", server.port), random=Random(1))
        async with through(proxy) as client:
            assert await client.ask(b"a") == b"a"
            proxy.cut = True
            # A request on the open connection may still reach the server; its answer does not come.
            assert await client.ask(b"b") is None
            assert await client.ask(b"c") is None
            proxy.cut = False
            assert await client.ask(b"d") == b"d"
        assert b"c" not in server.bodies


@pytest.mark.anyio
async def test_shares_are_kept_and_follow_from_the_seed() -> None:
    """Method: 400 requests one after another; a quarter lost each way, seed 7."""

    async def run(seed: int) -> list[Fault]:
        async with recorder() as server:
            faults = Faults(lose_request=0.25, lose_answer=0.25)
            proxy = FaultProxy(
                upstream=("127.0.0.1", server.port), random=Random(seed), faults=faults
            )
            async with through(proxy) as client:
                for number in range(400):
                    await client.ask(b"%d" % number)
            counts = proxy.counts
            assert len(server.bodies) == 400 - counts[Fault.LOSE_REQUEST]
            return [seen.fault for seen in proxy.log]

    first = await run(7)
    assert 70 <= first.count(Fault.LOSE_REQUEST) <= 130
    assert 70 <= first.count(Fault.LOSE_ANSWER) <= 130
    assert await run(7) == first
    assert await run(8) != first


@pytest.mark.anyio
async def test_a_dead_server_cuts_the_client() -> None:
    async with recorder() as server:
        port = server.port
    proxy = FaultProxy(upstream=("127.0.0.1", port), random=Random(1))
    async with through(proxy) as client:
        assert await client.ask(b"a") is None
    assert proxy.log[0].status is None


@pytest.mark.anyio
async def test_the_relay_passes_bytes_and_cuts_some_connections() -> None:
    """Method: 60 connections, half of them cut within the first 100 bytes, seed 3."""
    async with recorder() as server:
        relay = Relay(
            upstream=("127.0.0.1", server.port),
            random=Random(3),
            cut_share=0.5,
            cut_after_bytes=(0, 100),
        )
        async with relay:
            whole = 0
            for number in range(60):
                client = Client(relay.port)
                whole += await client.ask(b"%03d" % number * 40) is not None
                await client.close()
    assert whole == 60 - relay.counts["cut"]
    assert 15 <= relay.counts["cut"] <= 45
