"""Keeps the own listener to those who may: where from, who, and whether their role is enough.

In this order, before anything of a request but its head is read: the Host is a loopback name (a web
page whose name was pointed at 127.0.0.1 cannot pass); the Origin, where a browser sends one, is our
own; the bearer token or the session's cookie is a good one (on the routes of the picture a feed
token in the address does as well); a cookie that changes something comes
with its CSRF token; the route's least role is met. This is the only place that decides so. Whoever
passes stands in the request's scope as an ``Actor``.

People beyond this machine reach another listener with the same routes, under TLS and by names that
were set; there nobody comes as this machine. ``listener.py`` refuses such a bind without TLS.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from starlette.datastructures import Headers, QueryParams
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tansiq.domain.actor import Actor, FeedScope
from tansiq.errors import Forbidden, TansiqError, Unauthenticated
from tansiq.http.access import ACTOR, VIEWER, Access, access_of
from tansiq.http.problems import problem
from tansiq.services.accounts.tokens import csrf_of

CSRF_HEADER: Final = "X-CSRF-Token"
QUERY_TOKEN: Final = "token"  # noqa: S105 - the name of the parameter
"""Where a feed token may stand in an address, on the routes of the picture alone."""
ADDRESS: Final = "tansiq.address"
"""Where in a request's scope it stands how it was reached."""
LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Door(Protocol):
    """Knows who a token belongs to."""

    def bearer(self, token: str) -> Actor | None:
        """Return whose bearer token this is."""
        ...

    def cookie(self, token: str) -> Actor | None:
        """Return whose cookie this is."""
        ...

    def lasts(self, actor: Actor) -> bool:
        """Report whether what the actor came with still counts."""
        ...

    async def seen(self, actor: Actor) -> None:
        """Note that the actor is there."""
        ...


def cookie_name(port: int, *, secure: bool) -> str:
    """Return the name of the session's cookie.

    With the port: browsers do not keep cookies of one host's ports apart, and two nodes may run
    on one machine.
    """
    return f"__Host-tansiq-{port}" if secure else f"tansiq-{port}"


def cookie_of(headers: Headers, name: str) -> str | None:
    """Return the one cookie of that name; two are none, for one of them is somebody else's."""
    pairs = [pair.strip() for line in headers.getlist("cookie") for pair in line.split(";")]
    found = [value for key, _, value in (p.partition("=") for p in pairs) if key == name]
    return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where an application is served: by these names at this port."""

    port: int
    names: tuple[str, ...] = LOOPBACK
    secure: bool = False
    """Under TLS."""

    @property
    def hosts(self) -> frozenset[str]:
        """What browsers write as Host; they leave the port of the scheme out."""
        bare = self.port == (443 if self.secure else 80)
        return frozenset(
            {f"{name}:{self.port}" for name in self.names} | (set(self.names) if bare else set())
        )


class Guard:
    """ASGI middleware inside an application."""

    def __init__(self, app: ASGIApp, *, door: Door, address: Address) -> None:
        self._app = app
        self._door = door
        self._hosts = address.hosts
        scheme = "https" if address.secure else "http"
        self._origins = frozenset(f"{scheme}://{host}" for host in self._hosts)
        self._address = address
        self._cookie = cookie_name(address.port, secure=address.secure)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"the own API has no {scope['type']} routes")
        try:
            actor = self._check(scope, Headers(scope=scope))
        except TansiqError as error:
            await problem(error)(scope, receive, send)
            return
        scope[ADDRESS] = self._address
        if actor is not None:
            scope[ACTOR] = actor
            await self._door.seen(actor)
            send = self._while_it_lasts(actor, send)
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> Actor | None:
        hosts = [host.lower() for host in headers.getlist("host")]
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            names = ", ".join(sorted(self._hosts))
            only = "by these names" if self._address.secure else "for this machine"
            raise Forbidden(f"this listener is {only} only: {names}", field="Host")
        if not self._origins.issuperset(headers.getlist("origin")):
            raise Forbidden("pages of other origins may not call this API", field="Origin")
        access = _access(scope)
        if access.least is None:
            return None
        actor = self._who(scope, headers, access)
        access.check(actor)
        return actor

    def _who(self, scope: Scope, headers: Headers, access: Access) -> Actor:
        given = headers.getlist("authorization")
        if not given and access.scope is FeedScope.FEED and scope["method"] in _SAFE:
            in_address = QueryParams(scope.get("query_string", b"")).getlist(QUERY_TOKEN)
            if in_address:
                return self._by_address(in_address)
        if given:
            scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
            actor = self._door.bearer(token.strip()) if scheme.lower() == "bearer" else None
            if actor is None:
                raise Unauthenticated("this token is not, or no longer, good", field=_FIELD)
            return actor
        token = cookie_of(headers, self._cookie) or ""
        actor = self._door.cookie(token) if token else None
        if actor is None:
            what = "the session has ended; log in again" if token else _SEND
            raise Unauthenticated(what, field=_FIELD)
        if scope["method"] not in _SAFE:
            sent = headers.getlist(CSRF_HEADER)
            if len(sent) != 1 or not hmac.compare_digest(sent[0].encode(), csrf_of(token).encode()):
                raise Forbidden("send the CSRF token that came with the session", field=CSRF_HEADER)
        return actor

    def _by_address(self, tokens: Sequence[str]) -> Actor:
        """Return the program whose feed token stands in the address.

        Maps that follow a link can send no header. Addresses end in logs and histories, so what
        opens more than the picture, a session or this machine's token, is not looked at here.
        """
        actor = self._door.bearer(tokens[0]) if len(tokens) == 1 else None
        if actor is None or actor.role is not None:
            raise Unauthenticated("this is not, or no longer, a good feed token", field=QUERY_TOKEN)
        return actor

    def _while_it_lasts(self, actor: Actor, send: Send) -> Send:
        """Cut off an answer that goes on after its session has ended, as the feed's does."""
        cut = False

        async def watched(message: Message) -> None:
            nonlocal cut
            if cut:
                return
            if message["type"] == "http.response.body" and message.get("more_body", False):
                cut = not self._door.lasts(actor)
                if cut:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
                    return
                await self._door.seen(actor)
            await send(message)

        return watched


_FIELD: Final = "Authorization"
_SEND: Final = (
    "log in first, or send the token of the data folder's own.token: Authorization: Bearer ..."
)


def _access(scope: Scope) -> Access:
    """Return what the route of this request asks, as the router will choose it.

    Where there is none, or not by this method, whoever asks must be known before they are told.

    Raises:
        Forbidden: the route was added without saying who may use it.
    """
    for route in scope["app"].routes:
        match, _ = route.matches(scope)
        if match is Match.NONE:
            continue
        access = access_of(route)
        if access is None:
            raise Forbidden("this route does not say who may use it, so nobody may", field="role")
        if match is Match.FULL:
            return access
    return VIEWER
