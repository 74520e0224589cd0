"""What one worker hands to another, and back: byte for byte, and to nobody without the secret."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asgi import Answer
from asgi import ask as ask_and_leave
from issuing import soon
from tansiq.clock import SystemClock
from tansiq.errors import BadInput, NoDesk, PeerRefused, StoreError
from tansiq.http import handing
from tansiq.http.handing import Doors, Handing, Heard, Holder
from tansiq.http.listener import TlsFiles, listener, tls_of_node
from tansiq.http.problems import Boundary, f3548_error, problem
from tansiq.peers.identity import NewNode, load_fingerprint, make_node, write_node
from tansiq.settings import Settings, load_settings

pytestmark = pytest.mark.anyio
SECRET = "only the workers know"
RENDERS = {"own": problem, "peer": f3548_error}


class Desk:
    """A node that notes what it was asked, and answers what a test tells it to."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.answer: Callable[[Scope, Receive, Send], Awaitable[None]] = self.plain
        self.gone = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await self.answer(scope, receive, send)

    async def plain(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        self.bodies.append(body)
        headers = [(b"x-one", b"1"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
        await send({"type": "http.response.start", "status": 418, "headers": headers})
        await send({"type": "http.response.body", "body": body[::-1]})

    async def endless(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone.set()


@asynccontextmanager
async def holding(
    desk: ASGIApp | None, doors: tuple[str, ...] = ("own", "peer"), tls: TlsFiles | None = None
) -> Any:
    """Run a holder's listener; give where it is."""
    at = socket.socket()
    at.bind(("127.0.0.1", 0))
    at.listen()  # Who comes before the server runs waits for it.
    app = Doors(SECRET, lambda door: desk if door in doors else None, RENDERS)
    settings = Settings(data=Path(), party="north", agreement=Path())
    server = listener(app, "127.0.0.1", 0, settings, tls=tls)
    running = asyncio.create_task(server.serve(sockets=[at]))
    try:
        yield Holder(f"http{'s' if tls else ''}://127.0.0.1:{at.getsockname()[1]}", SECRET)
    finally:
        server.should_exit = server.force_exit = True
        await running


raw: list[tuple[bytes, bytes]] = []
"""Headers of the latest answer to ``ask``: of some there are several."""


async def ask(app: ASGIApp, path: str, **more: Any) -> Answer:
    """Ask, and stay until it is answered."""

    async def staying(scope: Scope, receive: Receive, send: Send) -> None:
        whole = await receive()
        again = nothing()

        async def hear() -> Message:
            return {**await again(), "body": whole["body"]}

        async def told(message: Message) -> None:
            raw[:] = message.get("headers", raw)
            await send(message)

        await app(scope, hear, told)

    return await ask_and_leave(staying, path, **more)


def front(handing: Handing, door: str = "own") -> ASGIApp:
    """Return what clients of the other worker meet."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await handing.hand(door, scope, receive, send)

    return Boundary(app, RENDERS[door])


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@asynccontextmanager
async def between(desk: Desk) -> AsyncIterator[ASGIApp]:
    async with holding(desk) as holder:
        over = Handing(lambda: holder, SystemClock())
        yield front(over)
        await over.close()


async def test_a_request_and_its_answer_pass_as_they_are(desk: Desk) -> None:
    body = bytes(range(256)) * 5_000
    headers = [
        ("Host", "127.0.0.1:8080"),
        ("Cookie", "a=1"),
        ("Content-Length", str(len(body))),
        ("X-Tansiq-Door", "peer"),
        ("X-Tansiq-Client", "203.0.113.9 1"),
    ]
    async with between(desk) as app:
        answer: Answer = await ask(
            app, "/api/v1/a%2Fb", method="PUT", headers=headers, query="x=%20y&x=", body=body
        )
    assert (answer.status, answer.body) == (418, body[::-1])
    assert [value for name, value in raw if name == b"set-cookie"] == [b"a=1", b"b=2"]
    (scope,) = desk.scopes
    assert desk.bodies == [body]
    assert (scope["method"], scope["query_string"]) == ("PUT", b"x=%20y&x=")
    assert scope["raw_path"] == b"/api/v1/a%2Fb"
    passed = dict(scope["headers"])
    assert (passed[b"host"], passed[b"cookie"]) == (b"127.0.0.1:8080", b"a=1")
    assert not any(name.startswith(b"x-tansiq-") for name in passed), "what clients claim, too"


async def test_from_where_it_came_is_said_by_the_worker_alone(desk: Desk) -> None:
    async with between(desk) as app:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "GET",
            "path": "/",
            "raw_path": b"/",
            "query_string": b"",
            "scheme": "https",
            "headers": [(b"x-tansiq-client", b"203.0.113.9 1"), (b"x-tansiq-scheme", b"http")],
            "client": ("192.0.2.7", 4_711),
        }
        await app(scope, nothing(), send)
    assert desk.scopes[0]["client"] == ("192.0.2.7", 4_711)
    assert desk.scopes[0]["scheme"] == "https"
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


@pytest.mark.parametrize("secret", ["", SECRET[:-1], SECRET + "w"])
async def test_nobody_is_let_in_without_the_secret(desk: Desk, secret: str) -> None:
    async with holding(desk) as holder:
        over = Handing(lambda: replace(holder, secret=secret), SystemClock())
        answer = await ask(front(over), "/api/v1/plans")
        assert answer.status == 403
        assert b"for the workers of one node" in answer.body
        await over.close()
    assert not desk.scopes


async def test_to_another_machine_it_is_tls_with_the_nodes_own_certificate(
    desk: Desk, tmp_path: Path
) -> None:
    url = "https://127.0.0.1:9"
    new = NewNode(party="north", names={"en": "north"}, url=url, own_port=8, peer_port=9)
    write_node(tmp_path / "north", make_node(new, datetime.now(UTC)))
    settings = load_settings(tmp_path / "north")
    async with holding(desk, tls=tls_of_node(settings)) as holder:
        over = Handing(lambda: holder, SystemClock(), fingerprint=load_fingerprint(settings.data))
        assert (await ask(front(over), "/api/v1/plans")).status == 418
        with pytest.raises(PeerRefused, match="it answered 418"):
            await over.tell("own", b"{}")
        await over.close()
        other = Handing(lambda: holder, SystemClock(), fingerprint=bytes(32))
        answer = await ask(front(other), "/api/v1/plans")
        assert answer.status == 503
        with pytest.raises(NoDesk):
            await other.tell("own", b"{}")
        await other.close()
    assert len(desk.scopes) == 2, "somebody else was told the secret"


async def test_what_a_worker_tells_comes_by_its_own_door_and_with_the_secret(desk: Desk) -> None:
    async def taken(scope: Scope, receive: Receive, send: Send) -> None:
        desk.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    desk.answer = taken
    async with holding(desk, doors=("own",)) as holder:
        found = [holder]
        over = Handing(lambda: found[0], SystemClock())
        await over.tell("own", b'{"a":1}')
        assert desk.bodies == [b'{"a":1}']
        with pytest.raises(PeerRefused, match="for the workers of one node"):
            await over.tell("no such door", b"{}")
        found[0] = replace(holder, secret=SECRET[:-1])
        with pytest.raises(PeerRefused, match="for the workers of one node"):
            await over.tell("own", b"{}")
        async with holding(desk, doors=()) as found[0]:
            with pytest.raises(NoDesk, match="not held here any more"):
                await over.tell("own", b"{}")
        await over.close()
    assert len(desk.bodies) == 1


async def test_what_the_holder_does_not_take_is_told_in_its_own_words(desk: Desk) -> None:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        raise BadInput("line 1 is no sample")

    desk.answer = refuse
    async with holding(Boundary(desk, problem)) as holder:
        over = Handing(lambda: holder, SystemClock())
        with pytest.raises(PeerRefused, match=r"^line 1 is no sample$"):
            await over.tell("own", b"{}")
        desk.answer = desk.plain  # Says something that is no sentence of ours.
        with pytest.raises(PeerRefused, match="it answered 418"):
            await over.tell("own", b"{}")
        await over.close()


async def test_nobody_waits_for_a_holder_to_be_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = Handing(lambda: None, SystemClock())
    with pytest.raises(NoDesk, match="no worker holds the desk"):
        await over.tell("own", b"{}")
    monkeypatch.setattr(handing, "TELL_S", 0.2)
    desk.answer = never
    async with holding(desk) as holder:
        over = Handing(lambda: holder, SystemClock())
        with pytest.raises(NoDesk, match="cannot be reached"):
            await over.tell("own", b"{}")
        await over.close()


async def never(_: Scope, receive: Receive, __: Send) -> None:
    """Answer nothing until the client is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_a_door_that_there_is_not_is_none(desk: Desk) -> None:
    async with holding(desk, doors=("own",)) as holder:
        over = Handing(lambda: holder, SystemClock())
        answer = await ask(front(over, "peer"), "/uss/v1/reports")
        assert (answer.status, set(answer.json)) == (503, {"message"})
        await over.close()


async def test_who_leaves_a_stream_leaves_it_at_the_desk_too(desk: Desk) -> None:
    desk.answer = desk.endless
    async with between(desk) as app:
        heard, leaving = asyncio.Event(), asyncio.Event()

        async def send(message: Message) -> None:
            if message.get("body"):
                assert message["body"] == b"data: 1\n\n"
                heard.set()

        first = True

        async def receive() -> Message:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": b"", "more_body": False}
            await leaving.wait()
            return {"type": "http.disconnect"}

        scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "headers": []}
        reading = asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
        await soon(heard.is_set)
        leaving.set()
        await reading
        await soon(desk.gone.is_set)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "WAIT_S", 0.5)
    monkeypatch.setattr(handing, "LOOK_S", 0.01)


@pytest.mark.usefixtures("hurried")
async def test_while_nobody_holds_the_desk_a_request_waits_a_little(desk: Desk) -> None:
    found: list[Holder] = []
    over = Handing(lambda: found[0] if found else None, SystemClock())
    with pytest.raises(NoDesk, match="no worker holds the desk just now"):
        await over.hand("own", bare("PUT"), nothing(), nowhere)
    unreachable = socket.socket()
    unreachable.bind(("127.0.0.1", 0))  # Nobody listens there.
    found.append(Holder(f"http://127.0.0.1:{unreachable.getsockname()[1]}", SECRET))
    with pytest.raises(NoDesk, match="cannot be reached"):
        await over.hand("own", bare("PUT"), nothing(), nowhere)
    async with holding(desk) as holder:
        waiting = asyncio.create_task(over.hand("own", bare("PUT"), nothing(), nowhere))
        await asyncio.sleep(0)
        found[0] = holder
        await waiting
    assert desk.bodies == [b""]
    unreachable.close()
    await over.close()


@pytest.mark.usefixtures("hurried")
async def test_what_left_is_repeated_only_where_it_changes_nothing() -> None:
    """The holder reads each request, and dies of it."""
    heard: list[bytes] = []

    async def die(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    server = await asyncio.start_server(die, "127.0.0.1", 0)
    holder = Holder(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", SECRET)
    over = Handing(lambda: holder, SystemClock())
    with pytest.raises(StoreError, match="whether this was done is not known"):
        await over.hand("own", bare("PUT"), nothing(), nowhere)
    assert len(heard) == 1
    with pytest.raises(NoDesk):
        await over.hand("own", bare("GET"), nothing(), nowhere)
    assert len(heard) > 2, "a read was not repeated"
    await over.close()
    server.close()
    await server.wait_closed()


@pytest.mark.usefixtures("hurried")
async def test_only_so_many_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing, "WAITING_MAX", 2)
    over = Handing(lambda: None, SystemClock())
    asking = [over.hand("own", bare("GET"), nothing(), nowhere) for _ in range(3)]
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(one) for one in found] == [NoDesk] * 3
    assert sum("many wait" in str(one) for one in found) == 1


async def test_what_was_heard_is_heard_again() -> None:
    messages = iter([{"type": "http.request", "body": b, "more_body": True} for b in (b"a", b"b")])

    async def receive() -> Message:
        return next(messages)

    heard = Heard(receive)
    assert (await heard.hear())["body"] == b"a"
    for _ in range(2):
        again = heard.again()
        assert (await again())["body"] == b"a"
    assert (await again())["body"] == b"b"


def bare(method: str) -> Scope:
    return {"type": "http", "method": method, "path": "/", "scheme": "http", "headers": []}


def nothing() -> Receive:
    """Return what reads a request without a body, whose client stays."""
    read = False

    async def receive() -> Message:
        nonlocal read
        if read:
            await asyncio.Event().wait()
        read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


async def nowhere(_: Message) -> None:
    """Take no notice."""
