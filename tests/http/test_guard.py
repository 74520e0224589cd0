"""The own API's door: nothing passes without the token, from another name or from another page."""

from collections.abc import Sequence

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from tests.asgi import ask

from tansiq.domain.actor import THIS_MACHINE, Actor
from tansiq.http.access import OPEN, WATCH, GuardedRoute
from tansiq.http.guard import Address, Guard

TOKEN = "a-token-of-more-than-thirty-two-characters"
HOST = ("Host", "127.0.0.1:8080")
BEARER = ("Authorization", f"Bearer {TOKEN}")


class OneToken:
    """A door that one bearer token opens."""

    def bearer(self, token: str) -> Actor | None:
        return THIS_MACHINE if token == TOKEN else None

    def cookie(self, token: str) -> Actor | None:
        return None

    def lasts(self, actor: Actor) -> bool:
        return True

    async def seen(self, actor: Actor) -> None:
        return None


async def inside(_: Request) -> PlainTextResponse:
    return PlainTextResponse("inside")


APP = Starlette(
    routes=[
        GuardedRoute(path, inside, method=method, access=access)
        for path, access in (("/api/v1", WATCH), ("/healthz", OPEN))
        for method in ("GET", "POST")
    ],
    middleware=[Middleware(Guard, door=OneToken(), address=Address(port=8080))],
)
APP.router.redirect_slashes = False


@pytest.mark.anyio
@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", "LOCALHOST:8080"]
)
@pytest.mark.parametrize("origin", [None, "http://localhost:8080", "http://127.0.0.1:8080"])
async def test_the_people_of_this_machine_pass(host: str, origin: str | None) -> None:
    headers = [("Host", host), BEARER]
    if origin:
        headers.append(("Origin", origin))
    assert (await ask(APP, "/api/v1", headers=headers)).body == b"inside"


@pytest.mark.anyio
async def test_health_needs_no_token_but_the_right_host() -> None:
    assert (await ask(APP, "/healthz", headers=[HOST])).status == 200
    assert (await ask(APP, "/healthz", headers=[("Host", "evil.example")])).status == 403
    for path in ("/healthz/", "/healthz/../api/v1", "//healthz", "/api/v1"):
        assert (await ask(APP, path, headers=[HOST])).status == 401, path


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ([HOST], 401, "Authorization"),
        ([HOST, ("Authorization", "Bearer ")], 401, "Authorization"),
        ([HOST, ("Authorization", TOKEN)], 401, "Authorization"),
        ([HOST, ("Authorization", f"Basic {TOKEN}")], 401, "Authorization"),
        ([HOST, ("Authorization", f"Bearer {TOKEN[:-1]}")], 401, "Authorization"),
        ([HOST, ("Authorization", f"Bearer {TOKEN}a")], 401, "Authorization"),
        ([HOST, ("Authorization", f"Bearer {TOKEN.upper()}")], 401, "Authorization"),
        ([HOST, ("Authorization", b"Bearer \xff\xfe")], 401, "Authorization"),
        ([HOST, BEARER, BEARER], 401, "Authorization"),
        ([BEARER], 403, "Host"),
        ([HOST, HOST, BEARER], 403, "Host"),
        ([("Host", "127.0.0.1"), BEARER], 403, "Host"),
        ([("Host", "127.0.0.1:8081"), BEARER], 403, "Host"),
        ([("Host", "127.0.0.1:8080.evil.example"), BEARER], 403, "Host"),
        ([("Host", "rebound.example:8080"), BEARER], 403, "Host"),
        ([("Host", "10.0.0.7:8080"), BEARER], 403, "Host"),
        ([HOST, BEARER, ("Origin", "null")], 403, "Origin"),
        ([HOST, BEARER, ("Origin", "https://127.0.0.1:8080")], 403, "Origin"),
        ([HOST, BEARER, ("Origin", "http://127.0.0.1:3000")], 403, "Origin"),
        ([HOST, BEARER, ("Origin", "http://evil.example")], 403, "Origin"),
        ([HOST, BEARER, ("Origin", "http://127.0.0.1:8080"), ("Origin", "null")], 403, "Origin"),
    ],
)
async def test_nobody_else_passes(
    headers: Sequence[tuple[str, str | bytes]], status: int, field: str
) -> None:
    answer = await ask(APP, "/api/v1", method="POST", headers=headers)
    assert (answer.status, answer.json["field"]) == (status, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("www-authenticate") == ("Bearer" if status == 401 else None)
