"""A token issuer of somebody else's: a key set, a token endpoint, and a clock that tests turn.

The server is real, and answers what the test tells it to. It signs tokens as any OAuth2 issuer
does, and keeps what it was asked.
"""

import asyncio
import base64
import socket
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote_plus

import msgspec
import uvicorn
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

T = TypeVar("T")
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEYS = tuple(generate_private_key(65_537, 2_048) for _ in range(3))
SECRET = "s3cr:t & more/+%"
PATIENCE_S = 60.0
"""How long a test waits for what ought to be so very soon."""


class TurnedClock:
    """A clock that stands still until a test turns it; waits end when it is turned past them."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.set_ahead = timedelta(0)
        """What somebody has set the wall clock ahead by, the monotonic one not."""
        self._waits: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_s) + self.set_ahead

    def monotonic_s(self) -> float:
        return 1_000.0 + self.passed_s

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wait = asyncio.get_running_loop().create_future()
        self._waits.append((self.passed_s + seconds, wait))
        await wait

    async def limit(self, awaitable: Awaitable[T], seconds: float) -> T:
        task = asyncio.ensure_future(awaitable)
        end = asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            for one in (task, end):
                one.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    def turn(self, seconds: float) -> None:
        """Let time pass at once."""
        self.passed_s += seconds
        due = [wait for at_s, wait in self._waits if at_s <= self.passed_s]
        self._waits = [one for one in self._waits if one[0] > self.passed_s]
        for wait in due:
            if not wait.done():
                wait.set_result(None)


async def settle(rounds: int = 40) -> None:
    """Let everything that can run do so, answers over the loopback included."""
    for _ in range(rounds):
        await asyncio.sleep(0.001)


async def soon(good: Callable[[], bool]) -> None:
    """Wait, in real time, until something is so."""
    loop = asyncio.get_running_loop()
    end = loop.time() + PATIENCE_S
    while not good():
        assert loop.time() < end, f"not so within {PATIENCE_S:g} s"
        await asyncio.sleep(0.001)


def jwk(key: RSAPrivateKey, kid: str | None = None, **more: Any) -> dict[str, Any]:
    """Return the public half of a key as it stands in a key set."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # Short keys are wanted here.
        found = dict(RSAKey.import_key(key).as_dict(private=False))
    return found | ({} if kid is None else {"kid": kid}) | more


def key_set(*keys: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"keys": keys})


@dataclass
class Issuing:
    """The issuer ``https://auth.example.org``; all that it does may be changed at any time."""

    clock: TurnedClock
    port: int = 0
    iss: str = "https://auth.example.org"
    keys: bytes = field(default_factory=lambda: key_set(jwk(KEYS[0], "a")))
    keys_answer: Callable[[], Response] | None = None
    """Instead of the key set."""
    keys_asked: int = 0
    sub: str = "north"
    life: timedelta = timedelta(minutes=30)
    token_answer: Callable[[], Response] | None = None
    """Instead of a token."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Tokens are answered while it is set."""
    forms: list[dict[str, str]] = field(default_factory=list)
    """What was asked for tokens, with the client's name and secret however they came."""

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def token(self, key: RSAPrivateKey = KEYS[0], kid: str | None = "a", **changed: Any) -> str:
        """Return a token of a supplier named ``uss9``; None leaves a claim out."""
        now_s = int(self.clock.now().timestamp())
        claims = {
            "iss": self.iss,
            "sub": "uss9",
            "aud": "south.example.org",
            "scope": "utm.strategic_coordination",
            "exp": now_s + int(self.life.total_seconds()),
        } | changed
        given = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256"} | ({} if kid is None else {"kid": kid})
        return jwt.encode(header, given, RSAKey.import_key(key))

    def app(self) -> Starlette:
        async def keys(_: Request) -> Response:
            self.keys_asked += 1
            if self.keys_answer is not None:
                return self.keys_answer()
            return Response(self.keys, media_type="application/json")

        async def token(request: Request) -> Response:
            form = {k: v[0] for k, v in parse_qs((await request.body()).decode()).items()}
            kind, _, pair = request.headers.get("authorization", "").partition(" ")
            if kind == "Basic":
                name, _, secret = base64.b64decode(pair).decode().partition(":")
                form |= {"basic_id": unquote_plus(name), "basic_secret": unquote_plus(secret)}
            self.forms.append(form)
            await self.gate.wait()
            if self.token_answer is not None:
                return self.token_answer()
            made = self.token(
                aud=form.get("audience"),
                sub=self.sub,
                scope=form["scope"],
                jti=str(len(self.forms)),
            )
            body = {"access_token": made, "token_type": "bearer", "expires_in": 1}
            return Response(msgspec.json.encode(body), media_type="application/json")

        return Starlette(
            routes=[
                Route("/keys", keys, methods=["GET"]),
                Route("/token", token, methods=["POST"]),
            ]
        )

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Answer; the port stays the same when this is done again."""
        async with served(self.app(), self.port) as port:
            self.port = port
            yield


@asynccontextmanager
async def served(app: Starlette, port: int = 0) -> AsyncIterator[int]:
    """Serve an application on this machine; give its port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    config = uvicorn.Config(app, log_level="warning", lifespan="off", loop="none")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.002)
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = server.force_exit = True
        await serving
