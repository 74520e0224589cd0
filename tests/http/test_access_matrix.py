"""Every route of the own listener x everybody who may come: who gets in, and who is told what.

The routes are those of the application, read from it when the test runs, so a route that somebody
adds is judged without being named here. What they are to ask of whom is taken from the table, and
which role the table may state for which route is written out below, so that a role cannot slip.
The controls: a guard left out, one that forgets a check, a route that states no role.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.asgi import Answer, ask
from tests.http.own_console import own_console
from tests.http.own_world import NO_ID, PORT, TOKEN, World, world

from tansiq.domain.actor import FeedScope, Role
from tansiq.http.access import Access, GuardedRoute, access_of, check_all_guarded
from tansiq.http.guard import CSRF_HEADER, Guard, cookie_name
from tansiq.http.own_table import OPERATIONS

pytestmark = pytest.mark.anyio

HOST = ("Host", f"127.0.0.1:{PORT}")
PASSWORD = "correct horse battery"
COOKIE = cookie_name(PORT, secure=False)
SAFE = ("GET", "HEAD", "OPTIONS")
UNSAFE_OPEN = {"/api/v1/setup", "/api/v1/sessions"}
CONSOLE = {("GET", "/")} | {("GET", f"/{file.path}") for file in own_console()}
OPEN_ROUTES = {("GET", "/healthz"), ("GET", "/readyz")} | CONSOLE
OPEN_ROUTES |= {("POST", path) for path in UNSAFE_OPEN}
"""All that answers who has shown nothing."""

Headers = list[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Comer:
    """Somebody who comes: with what, and as what they count."""

    headers: Headers
    role: Role | None = None
    scopes: frozenset[FeedScope] = frozenset()
    known: bool = True
    without_csrf: bool = False

    def expected(self, method: str, access: Access) -> int | None:
        """Return the status of the refusal; None: they get in."""
        if access.least is None:
            return None
        if not self.known:
            return 401
        if self.without_csrf and method not in SAFE:
            return 403
        if self.role is None:
            return None if access.scope in self.scopes and self.scopes else 403
        return None if self.role.covers(access.least) else 403


def bearer(token: str) -> Headers:
    return [HOST, ("Authorization", f"Bearer {token}")]


def by_cookie(token: str, csrf: str | None) -> Headers:
    made: Headers = [HOST, ("Cookie", f"{COOKIE}={token}")]
    return made if csrf is None else [*made, (CSRF_HEADER, csrf)]


async def login(node: World, name: str, kind: str = "bearer") -> tuple[str, str]:
    """Return the token of a new session, and its CSRF token."""
    reply = await node.client.post(
        "/api/v1/sessions", json={"name": name, "password": PASSWORD, "kind": kind}
    )
    assert reply.status_code == 201, reply.text
    node.client.cookies.clear()
    opened = reply.json()
    return opened["token"] or reply.cookies[COOKIE], opened["csrf_token"] or ""


async def everybody(node: World) -> dict[str, Comer]:
    """Return all who come, by what they are."""
    for number, role in enumerate(Role):
        account = {
            "name": f"the-{role}",
            "display_name": str(role),
            "initials": f"P{number}",
            "role": role,
            "password": PASSWORD,
        }
        reply = await node.client.post("/api/v1/accounts", json=account)
        assert reply.status_code == 201, reply.text
    found = {
        "nobody": Comer([HOST], known=False),
        "a bad token": Comer(bearer("tss_" + "x" * 43), known=False),
        "this machine": Comer(bearer(TOKEN), Role.ADMIN),
        "the machine's token as a cookie": Comer(by_cookie(TOKEN, None), known=False),
    }
    # A login clears away what has expired: these expire after the others have logged in.
    token, _ = await login(node, "the-admin")
    cookie, csrf = await login(node, "the-admin", "cookie")
    found["an expired session"] = Comer(bearer(token), known=False)
    found["an expired cookie"] = Comer(by_cookie(cookie, csrf), known=False)
    node.clock.later += timedelta(hours=1)
    for role in Role:
        token, _ = await login(node, f"the-{role}")
        cookie, csrf = await login(node, f"the-{role}", "cookie")
        found[f"{role}, bearer"] = Comer(bearer(token), role)
        found[f"{role}, cookie"] = Comer(by_cookie(cookie, csrf), role)
        found[f"{role}, cookie without its CSRF token"] = Comer(
            by_cookie(cookie, None), role, without_csrf=True
        )
        found[f"{role}, cookie with another's CSRF token"] = Comer(
            by_cookie(cookie, "0" * 64), role, without_csrf=True
        )
        found[f"{role}, a cookie as a bearer token"] = Comer(bearer(cookie), known=False)
        found[f"{role}, a bearer token as a cookie"] = Comer(by_cookie(token, csrf), known=False)
    found |= await ended(node)
    node.clock.later += timedelta(hours=1, minutes=30)
    for scope in FeedScope:
        reply = await node.client.post(
            "/api/v1/feed-tokens", json={"name": scope, "scopes": [scope]}
        )
        token = reply.json()["token"]
        found[f"feed token: {scope}"] = Comer(bearer(token), scopes=frozenset({scope}))
        found[f"feed token as a cookie: {scope}"] = Comer(by_cookie(token, None), known=False)
    return found


async def ended(node: World) -> dict[str, Comer]:
    """Return those whose session or token was taken from them."""
    cookie, csrf = await login(node, "the-admin", "cookie")
    token, _ = await login(node, "the-admin")
    for headers in (bearer(token), by_cookie(cookie, csrf)):
        gone = await ask(node.app, "/api/v1/sessions/current", method="DELETE", headers=headers)
        assert gone.status == 200
    new = {"name": "gone", "scopes": list(FeedScope)}
    made = (await node.client.post("/api/v1/feed-tokens", json=new)).json()
    await node.client.delete(f"/api/v1/feed-tokens/{made['id']}")
    return {
        "a revoked session": Comer(bearer(token), known=False),
        "a revoked cookie": Comer(by_cookie(cookie, csrf), known=False),
        "a revoked feed token": Comer(bearer(made["token"]), known=False),
    }


def routes_of(app: Starlette) -> list[tuple[str, str, Access | None]]:
    """Return the application's routes, each with a method that it takes."""
    return [
        (method, route.path, access_of(route))
        for route in app.routes
        if isinstance(route, Route)
        for method in sorted(route.methods or ())
    ]


async def knock(app: Starlette, method: str, path: str, comer: Comer) -> Answer:
    """Ask with a parameter that no route takes: whoever gets in is told so, and nothing is done."""
    target = (
        path.replace("{id}", str(NO_ID)).replace("{note}", "f" * 64).replace("{alarm}", "f" * 64)
    )
    return await ask(app, target, method=method, headers=comer.headers, query="no-such=1")


async def faults(app: Starlette, comers: dict[str, Comer]) -> list[str]:
    """Return everybody who got in where they may not, or was kept out where they may."""
    found = []
    for method, path, access in routes_of(app):
        stated = access or Access(Role.ADMIN)
        for name, comer in comers.items():
            answer = await knock(app, method, path, comer)
            expected = comer.expected(method, stated)
            got = answer.status if answer.status in (401, 403) else None
            if got != expected or answer.status >= 500:
                found.append(f"{name}: {method} {path} {answer.status}, not {expected}")
            elif got is not None and not _told(answer, comer, got):
                found.append(f"{name}: {method} {path} told {answer.body[:200]!r}")
    return found


def _told(answer: Answer, comer: Comer, status: int) -> bool:
    """Report whether a refusal is a described one, and gives nothing of a secret away."""
    secrets = [str(value).split(" ")[-1].split("=")[-1] for name, value in comer.headers[1:]]
    return (
        answer.headers["content-type"] == "application/problem+json"
        and answer.json["status"] == status
        and (answer.headers.get("www-authenticate") == "Bearer") == (status == 401)
        and not any(secret.encode() in answer.body for secret in secrets)
    )


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


async def test_everybody_gets_where_they_may_and_nowhere_else(node: World) -> None:
    comers = await everybody(node)
    assert len(comers) >= 30
    assert len(routes_of(node.app)) >= 40, "where have the routes gone?"
    assert await faults(node.app, comers) == []
    assert node.sky.effects == 0


async def test_what_is_open_to_everybody_is_known(node: World) -> None:
    found = {(m, path) for m, path, a in routes_of(node.app) if a is not None and a.least is None}
    assert found == OPEN_ROUTES


def test_each_operation_takes_the_role_that_its_kind_of_work_has() -> None:
    """Reading is for viewers, what changes something is for the watch, and people are for admins.

    The exceptions stand here one by one, with their reason.
    """
    exceptions = {
        "log_in": "whoever logs in is nobody yet",
        "set_up": "before the first account there is nobody",
        "log_out": "one's own session",
        "end_session": "one's own session; the service asks for admin where it is another's",
        "set_own_password": "one's own password, and the present one is asked for",
        "get_letters": "carried out of the house: the work of a desk",
        "get_bundle": "evidence leaves the house, with all that was said",
        "get_sheet_bundle": "the same evidence, under the hash that a sheet names",
        "read_pasted": "only reads the text that it is sent, and keeps nothing",
        "get_log_set": "the record has what others wrote to us, in full",
        "verify_bundle": "only reads the bundle that it is sent, and keeps nothing",
    }
    people = ("/api/v1/accounts", "/api/v1/feed-tokens")
    for op in OPERATIONS:
        if op.name in exceptions:
            continue
        least = Role.VIEWER if op.method == "GET" else Role.WATCH
        if op.path.startswith(people):
            least = Role.ADMIN
        assert op.access.least == least, op.name
    assert set(exceptions) <= {op.name for op in OPERATIONS}


async def test_paths_that_are_no_routes_are_shown_to_nobody_unknown(node: World) -> None:
    known = Comer(bearer(TOKEN))
    for path in ("//", "/healthz/", "//healthz", "/api/v1/plans/", "/API/V1/plans", "/docs", "/x"):
        assert (await ask(node.app, path, headers=[HOST])).status == 401, path
        assert (await ask(node.app, path, headers=known.headers)).status == 404, path
    for method in ("HEAD", "OPTIONS", "PATCH", "TRACE", "get", "POST\n"):
        path = "/api/v1/status"
        assert (await ask(node.app, path, method=method, headers=[HOST])).status == 401, method
        refused = await ask(node.app, path, method=method, headers=known.headers)
        assert refused.status == 405, method


async def test_a_feed_token_opens_its_scope_and_is_nobody(node: World) -> None:
    comers = await everybody(node)
    metrics = comers["feed token: metrics"].headers
    assert (await ask(node.app, "/metrics", headers=metrics)).status == 200
    for path in ("/api/v1/me", "/api/v1/status", "/no-such-path"):
        refused = await ask(node.app, path, headers=metrics)
        assert (refused.status, "opens metrics only" in refused.json["detail"]) == (403, True)


# ---- that the matrix sees


class Absent(Guard):
    """A guard that lets everybody in, as this machine."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["tansiq.actor"] = self._door.bearer(TOKEN)
        await self._app(scope, receive, send)


def rebuilt(node: World, guard: type[Guard]) -> Starlette:
    """Return the application with another guard in the place of its own."""
    app = Starlette(routes=list(node.app.routes), exception_handlers=node.app.exception_handlers)
    app.user_middleware = [
        type(one)(guard if one.cls is Guard else one.cls, *one.args, **one.kwargs)
        for one in node.app.user_middleware
    ]
    app.router.redirect_slashes = False
    return app


async def test_without_the_guard_every_closed_route_is_found(node: World) -> None:
    comers = await everybody(node)
    found = await faults(rebuilt(node, Absent), {"nobody": comers["nobody"]})
    closed = [path for _, path, access in routes_of(node.app) if access and access.least]
    assert len(found) == len(closed)
    assert await faults(rebuilt(node, Guard), {"nobody": comers["nobody"]}) == []


@pytest.mark.parametrize(
    ("check", "who"),
    [
        ("role", ["viewer, bearer", "watch, cookie", "feed token: feed"]),
        ("csrf", ["admin, cookie without its CSRF token"]),
        ("kind", ["admin, a cookie as a bearer token", "viewer, a bearer token as a cookie"]),
        ("end", ["an expired session", "an expired cookie"]),
    ],
)
async def test_with_a_check_switched_off_the_matrix_fails(
    node: World, monkeypatch: pytest.MonkeyPatch, check: str, who: Iterable[str]
) -> None:
    comers = await everybody(node)
    sessions = node.api.accounts.sessions
    if check == "role":
        monkeypatch.setattr(Access, "check", lambda *_: None)
    elif check == "csrf":
        monkeypatch.setattr("tansiq.http.guard._SAFE", {"GET", "POST", "PUT", "DELETE"})
    elif check == "kind":
        actor = sessions.actor
        monkeypatch.setattr(
            sessions, "actor", lambda t, _: actor(t, "bearer") or actor(t, "cookie")
        )
    else:
        monkeypatch.setattr(sessions, "_lasts", lambda _: True)
    found = await faults(node.app, comers)
    for name in who:
        assert any(fault.startswith(f"{name}: ") for fault in found), name


async def test_a_route_that_states_no_role_is_refused_at_start_and_at_run_time(
    node: World,
) -> None:
    async def forgotten(_: Request) -> Response:
        return Response(b"{}")

    stray = Route("/api/v1/new", forgotten)
    with pytest.raises(RuntimeError, match="/api/v1/new does not state the least role"):
        check_all_guarded([*node.app.routes, stray])
    check_all_guarded(node.app.routes)
    node.app.router.routes.append(stray)
    for headers in ([HOST], bearer(TOKEN)):
        assert (await ask(node.app, "/api/v1/new", headers=headers)).status == 403
    with pytest.raises(TypeError, match="access"):
        GuardedRoute("/x", forgotten, method="GET")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="access"):
        type(OPERATIONS[0])(
            **{  # type: ignore[arg-type]
                name: getattr(OPERATIONS[0], name)
                for name in ("method", "path", "name", "summary", "handle", "reply", "statuses")
            }
        )


async def test_a_route_with_too_low_a_role_is_seen_by_who_it_lets_in(node: World) -> None:
    """The table is what the matrix holds routes against, so a slip in it must show elsewhere."""
    slipped = msgspec.json.decode((await node.client.get("/api/openapi.json")).content)
    for path, methods in slipped["paths"].items():
        for method, described in methods.items():
            op = next(o for o in OPERATIONS if (o.method.lower(), o.path) == (method, path))
            assert described["x-least-role"] == (op.access.least or "nobody")
            assert (described["security"] == []) == (op.access.least is None)
