"""Keeps the own API to the people of this machine who can read its token.

Three checks before anything else: the Host is a loopback name (a web page whose name was pointed at
127.0.0.1 cannot pass), the Origin, where a browser sends one, is our own, and the bearer token is
the one in the data folder. Health routes need no token, so that a supervisor can ask.
"""

import hashlib
import hmac
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from tansiq.errors import Forbidden, TansiqError, Unauthenticated
from tansiq.http.problems import problem

OPEN_PATHS: Final = frozenset({"/healthz", "/readyz"})
_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """ASGI middleware in front of the own API; ``port`` is the one it is served on."""

    def __init__(
        self, app: ASGIApp, *, token: str, port: int, open_paths: Collection[str] = OPEN_PATHS
    ) -> None:
        self._app = app
        self._token = _digest(token)
        self._hosts = frozenset(f"{name}:{port}" for name in _NAMES)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._open_paths = open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._check(Headers(scope=scope), scope["path"])
            except TansiqError as error:
                await problem(error)(scope, receive, send)
                return
        elif scope["type"] != "lifespan":
            raise RuntimeError(f"the own API has no {scope['type']} routes")
        await self._app(scope, receive, send)

    def _check(self, headers: Headers, path: str) -> None:
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            names = ", ".join(sorted(self._hosts))
            raise Forbidden(f"this listener is for this machine only: {names}", field="Host")
        if not self._origins.issuperset(headers.getlist("origin")):
            raise Forbidden("pages of other origins may not call this API", field="Origin")
        if path in self._open_paths:
            return
        given = headers.getlist("authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(
            _digest(token.strip()), self._token
        ):
            raise Unauthenticated(
                "send the token of the data folder's own.token: Authorization: Bearer ...",
                field="Authorization",
            )


def _digest(token: str) -> bytes:
    # Equal lengths, so that the comparison takes the same time whatever was sent.
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
