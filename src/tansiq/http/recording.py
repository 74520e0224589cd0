"""Incoming calls to our manager of plans (``/uss/v1``), recorded with what we answered.

Calls to our register are not: the log set of F3548-21 is a manager's, and a register that all
suppliers use would bury it.
"""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.domain.time import micros
from tansiq.services.exchanges import ExchangeLog, Said, shown_headers, shown_url

CALLER = "tansiq.caller"
"""Where a route puts the name of who called, once the token was good."""


class Recording:
    """ASGI middleware, outermost, so that it sees what the caller sees."""

    def __init__(self, app: ASGIApp, *, log: ExchangeLog, clock: Clock, bytes_max: int) -> None:
        self._app = app
        self._log = log
        self._clock = clock
        self._bytes_max = bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/uss/v1/" not in scope["path"]:
            await self._app(scope, receive, send)
            return
        heard, told = _Body(self._bytes_max), _Body(self._bytes_max)
        asked, status = micros(self._clock.now()), None

        async def hearing() -> Message:
            message = await receive()
            heard.add(message.get("body", b""))
            return message

        async def telling(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            told.add(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, hearing, telling)
        finally:
            headers = Headers(scope=scope)
            caller = scope.get(CALLER)
            self._log.note(
                caller or "unknown",
                Said(
                    url=_url(scope, headers),
                    method=scope["method"],
                    role="Server",
                    source=caller or _address(scope),
                    asked=asked,
                    headers=shown_headers(headers.items()),
                    request=heard.kept,
                    answered=None if status is None else micros(self._clock.now()),
                    answer=told.kept,
                    code=status,
                    problem=_problem(status, heard, told),
                ),
            )


class _Body:
    """The beginning of a body that passes by, and its length."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._kept = bytearray()
        self.length = 0

    def add(self, chunk: bytes) -> None:
        self.length += len(chunk)
        self._kept += chunk[: self._bytes_max - len(self._kept)]

    @property
    def kept(self) -> bytes:
        return bytes(self._kept)

    @property
    def is_cut(self) -> bool:
        return self.length > len(self._kept)


def _url(scope: Scope, headers: Headers) -> str:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return shown_url(
        f"{scope['scheme']}://{headers.get('host', '')}{path.decode('ascii', 'replace')}"
    )


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return f"{client[0]}:{client[1]}, token not accepted" if client else "token not accepted"


def _problem(status: int | None, heard: _Body, told: _Body) -> str | None:
    cut = [
        f"{name} cut to {len(body.kept):,} of {body.length:,} bytes"
        for name, body in (("request body", heard), ("response body", told))
        if body.is_cut
    ]
    if status is None:
        cut.insert(0, "no answer was sent")
    return "; ".join(cut) or None
