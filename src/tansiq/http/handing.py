"""Hands a request to the worker that holds the desk, and its answer back, as both come in.

The holder listens for the other workers alone: they show the secret that stands beside its address
in the database. They say by which door the request came, and from where; what a client says of that
itself is not passed on. On another machine it is TLS, with the node's own certificate, pinned.

While nobody holds the desk a request waits a little, then is refused: nothing of it was done. Where
the connection is lost after a request that changes something has left, its fate is not known, and
the answer says so.

What a worker has to say of itself, its figures, goes the same way (``tell``), and is not repeated.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from yarl import URL

from tansiq.clock import Clock
from tansiq.errors import Forbidden, NoDesk, PeerRefused, StoreError
from tansiq.http.problems import Render

DOOR: Final = "x-tansiq-door"
SECRET: Final = "x-tansiq-secret"  # noqa: S105 - the name of the header
CLIENT: Final = "x-tansiq-client"
SCHEME: Final = "x-tansiq-scheme"
_OURS: Final = b"x-tansiq-"
_OF_ONE_CONNECTION: Final = frozenset(
    (b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"expect")
)
_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS"))
_NEVER_LEFT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
)
_EACH_SERVERS: Final = _OF_ONE_CONNECTION | {b"date"}
"""What the listener that the client asked says itself."""
CONNECT_S: Final = 2.0
SILENT_S: Final = 120.0
"""A holder that says nothing for so long, within an answer, is given up."""
WAIT_S: Final = 5.0
"""How long a request waits for somebody to hold the desk."""
LOOK_S: Final = 0.2
_REFUSED: Final = 300
TELL_S: Final = 4.0
"""In which the holder has to have taken what it is told."""
_SAID_BYTES_MAX: Final = 10_000
"""Of what it says to that."""
WAITING_MAX: Final = 256
"""Requests that wait for that at once; more are refused at once."""
CONNECTIONS_MAX: Final = 512
"""To the holder, readers of streams included."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Where the desk is."""

    url: str
    secret: str


class _Problem(msgspec.Struct, frozen=True):
    """What the holder says where it does not take what it is told."""

    code: str = ""
    detail: str = ""


class _LeftError(Exception):
    """The connection was lost after the request had left."""


@dataclass(slots=True)
class Heard:
    """What has been read of a request, for whoever reads it again."""

    receive: Receive
    messages: list[Message] = field(default_factory=list)

    async def hear(self) -> Message:
        """Read on."""
        message = await self.receive()
        self.messages.append(message)
        return message

    def again(self) -> Receive:
        """Return what reads it from the start."""
        rest = iter(self.messages)

        async def heard() -> Message:
            for message in rest:
                return message
            return await self.receive()

        return heard


class Handing:
    """Hands requests on; ``where`` says who holds the desk, by what was read last."""

    def __init__(
        self, where: Callable[[], Holder | None], clock: Clock, *, fingerprint: bytes | None = None
    ) -> None:
        self._where = where
        self._clock = clock
        self._pin = None if fingerprint is None else aiohttp.Fingerprint(fingerprint)
        self._session: aiohttp.ClientSession | None = None
        self._waiting = 0

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def hand(self, door: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the holder answer a request.

        Raises:
            NoDesk: there is none, or it cannot be reached; nothing was done.
            StoreError: it was lost on the way, and whether the request was done is not known.
        """
        until_s = self._clock.monotonic_s() + WAIT_S
        heard = Heard(receive)
        while True:
            holder = await self._found(until_s)
            try:
                await self._exchange(holder, door, scope, heard, send)
            except _NEVER_LEFT:
                await self._clock.sleep(LOOK_S)
            except _LeftError as error:
                if scope["method"] not in _SAFE:
                    raise StoreError(
                        "the worker that holds the desk was lost while it answered: whether this "
                        "was done is not known; read again before you repeat it"
                    ) from error
                await self._clock.sleep(LOOK_S)
            else:
                return
            if self._clock.monotonic_s() > until_s:
                raise NoDesk("the worker that holds the desk cannot be reached; try again")

    async def tell(self, door: str, body: bytes) -> None:
        """Tell the holder something of this process's own, as JSON.

        Nobody waits for a holder, and nothing is repeated: what is told is told again soon.

        Raises:
            NoDesk: there is none, it is not ready, or it did not answer in time.
            PeerRefused: it has heard it, and does not take it; the sentence is its own.
        """
        holder = self._where()
        if holder is None:
            raise NoDesk("no worker holds the desk just now")
        try:
            status, said = await self._clock.limit(self._told(holder, door, body), TELL_S)
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            raise NoDesk("the worker that holds the desk cannot be reached") from error
        if status >= _REFUSED:
            try:
                problem = msgspec.json.decode(said, type=_Problem)
            except msgspec.DecodeError:
                problem = _Problem()
            if problem.code == NoDesk.code:
                raise NoDesk(problem.detail)
            raise PeerRefused(problem.detail or f"it answered {status}", status=status)

    async def _told(self, holder: Holder, door: str, body: bytes) -> tuple[int, bytes]:
        async with self._open().post(
            URL(holder.url),
            data=body,
            headers={DOOR: door, SECRET: holder.secret, "Content-Type": "application/json"},
            allow_redirects=False,
            ssl=self._pin or True,
        ) as answer:
            said = b""
            async for chunk in answer.content.iter_any():
                said += chunk
                if len(said) > _SAID_BYTES_MAX:
                    break
            return answer.status, said

    async def _found(self, until_s: float) -> Holder:
        found = self._where()
        if found is None and self._waiting >= WAITING_MAX:
            raise NoDesk("no worker holds the desk just now, and many wait for one; try again")
        self._waiting += 1
        try:
            while found is None:
                if self._clock.monotonic_s() > until_s:
                    raise NoDesk("no worker holds the desk just now; try again")
                await self._clock.sleep(LOOK_S)
                found = self._where()
        finally:
            self._waiting -= 1
        return found

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=2 * CONNECT_S,  # A place among the connections included.
                    sock_connect=CONNECT_S,
                    sock_read=SILENT_S,
                ),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                max_line_size=65_536,
                max_field_size=65_536,
            )
            # One that breaks must not send a write twice behind our back.
            self._session._retry_connection = False  # noqa: SLF001
        return self._session

    async def _exchange(
        self, holder: Holder, door: str, scope: Scope, heard: Heard, send: Send
    ) -> None:
        receive = heard.again()
        try:
            async with self._open().request(
                scope["method"],
                _url(holder.url, scope),
                headers=_headers(scope, door, holder.secret),
                data=_body(receive) if _has_body(scope) else None,
                allow_redirects=False,
                ssl=self._pin or True,
            ) as answer:
                await _passed_on(answer, receive, send)
        except _NEVER_LEFT:
            raise
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            raise _LeftError from error


async def _passed_on(answer: aiohttp.ClientResponse, receive: Receive, send: Send) -> None:
    """Pass an answer on as it comes, as long as the client is there."""
    headers = [
        (name.lower(), value)
        for name, value in answer.raw_headers
        if name.lower() not in _EACH_SERVERS
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    async with asyncio.TaskGroup() as tasks:
        gone = tasks.create_task(_until_gone(receive))
        passing = tasks.create_task(_pass(answer, send))
        gone.add_done_callback(lambda _: passing.cancel())
        passing.add_done_callback(lambda _: gone.cancel())


async def _pass(answer: aiohttp.ClientResponse, send: Send) -> None:
    try:
        async for chunk in answer.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except (aiohttp.ClientError, ConnectionError, TimeoutError):
        return  # Half an answer must not look like a whole one: not ended, it is cut off.
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client went away")
        if chunk := message.get("body", b""):
            yield chunk
        if not message.get("more_body", False):
            return


def _has_body(scope: Scope) -> bool:
    given = dict(scope["headers"])
    return b"transfer-encoding" in given or given.get(b"content-length", b"0") != b"0"


def _url(base: str, scope: Scope) -> URL:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope.get("query_string", b"")
    whole = path + (b"?" + query if query else b"")
    return URL(f"{base}{whole.decode('latin-1')}", encoded=True)


def _headers(scope: Scope, door: str, secret: str) -> list[tuple[str, str]]:
    client = scope.get("client")
    found = [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
        if name not in _OF_ONE_CONNECTION and not name.startswith(_OURS)
    ]
    found += [(DOOR, door), (SECRET, secret), (SCHEME, scope["scheme"])]
    return found if client is None else [*found, (CLIENT, f"{client[0]} {client[1]}")]


class Doors:
    """ASGI application of the holder's listener for the other workers.

    ``doors`` says what answers at a door now; None: the desk is not here, or not yet.
    """

    def __init__(
        self, secret: str, doors: Callable[[str], ASGIApp | None], renders: Mapping[str, Render]
    ) -> None:
        self._secret = secret.encode()
        self._doors = doors
        self._renders = renders

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"workers hand over no {scope['type']}")
        ours = {name: value for name, value in scope["headers"] if name.startswith(_OURS)}
        door = ours.get(DOOR.encode(), b"").decode("latin-1")
        render = self._renders.get(door)
        if render is None or not hmac.compare_digest(ours.get(SECRET.encode(), b""), self._secret):
            refused = Forbidden("this listener is for the workers of one node", field=SECRET)
            await next(iter(self._renders.values()))(refused)(scope, receive, send)
            return
        app = self._doors(door)
        if app is None:
            await render(NoDesk("the desk is not held here any more; try again"))(
                scope, receive, send
            )
            return
        host, _, port = ours.get(CLIENT.encode(), b"").decode("latin-1").rpartition(" ")
        await app(
            {
                **scope,
                "headers": [each for each in scope["headers"] if not each[0].startswith(_OURS)],
                "client": (host, int(port)) if port.isdigit() else None,
                "scheme": ours.get(SCHEME.encode(), b"http").decode("latin-1"),
            },
            receive,
            send,
        )
