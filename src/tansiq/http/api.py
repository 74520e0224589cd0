"""The own listener as an ASGI application: the own API, its description, health, figures, console.

Who calls, and whether they may, is decided before, by ``guard.py``; what a handler raises is
rendered by ``problems.py``.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from functools import cache
from hashlib import sha256

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from tansiq.domain.draft import PlanDraft
from tansiq.errors import BadInput, CallerError, StateConflict
from tansiq.formats import positions_json
from tansiq.formats.plans import read_constraint, read_plan
from tansiq.http.access import VIEWER, GuardedRoute, actor_of, check_all_guarded
from tansiq.http.browser_policy import BrowserPolicy
from tansiq.http.console import ConsoleFile, console_routes
from tansiq.http.guard import Address, Guard
from tansiq.http.health import health_routes
from tansiq.http.metrics import Counted
from tansiq.http.openapi import document
from tansiq.http.operations import (
    Answer,
    Body,
    Call,
    Operation,
    Value,
    check_headers,
    read_body,
    read_key,
    read_struct,
)
from tansiq.http.own_handlers import OwnApi
from tansiq.http.own_table import OPERATIONS
from tansiq.http.problems import Boundary, handlers, problem
from tansiq.services.accounts.door import AccountsDoor
from tansiq.services.idempotency import Attempt, Kept

BODY_S_MAX = 60.0
"""In which a body has to have come."""
_QUICK_BYTES = 20_000
_JSON = "application/json"
_PROBLEM = "application/problem+json"


def own_app(
    api: OwnApi, *, token: str | None, address: Address, console: Sequence[ConsoleFile]
) -> Starlette:
    """Return the whole application of a listener for our own people, guard and console included.

    ``token`` is this machine's; None where nobody comes as this machine.

    Raises:
        RuntimeError: a route does not state the least role that it takes.
    """
    app = Starlette(
        routes=[*routes(api), *console_routes(console)],
        exception_handlers=handlers(problem),
        # Outermost first. The boundary is inside Starlette's own, which would answer plain text.
        middleware=[
            Middleware(BrowserPolicy),
            Middleware(Counted, metrics=api.metrics, clock=api.clock),
            Middleware(Guard, door=AccountsDoor(api.accounts, machine=token), address=address),
            Middleware(Boundary, render=problem),
        ],
    )
    app.router.redirect_slashes = False
    check_all_guarded(app.routes)
    return app


def routes(api: OwnApi) -> list[GuardedRoute]:
    """Return all routes of the own API, bound to one node's services."""

    async def openapi(_: Request) -> Response:
        return Response(_described(), media_type=_JSON)

    return [
        *(
            GuardedRoute(
                op.path, _endpoint(api, op), method=op.method, access=op.access, name=op.name
            )
            for op in OPERATIONS
        ),
        GuardedRoute("/api/openapi.json", openapi, method="GET", access=VIEWER),
        *health_routes(api),
    ]


@cache
def _described() -> bytes:
    """Write the description; nobody waits for it who does not ask."""
    return msgspec.json.encode(document(OPERATIONS))


def _endpoint(api: OwnApi, op: Operation[OwnApi]) -> Callable[[Request], Awaitable[Response]]:
    turns = None if op.at_once is None else asyncio.Semaphore(op.at_once)

    async def serve(request: Request) -> Response:
        request.scope["tansiq.route"] = op.path
        async with turns or nullcontext():
            return await answered(request)

    async def answered(request: Request) -> Response:
        call_id, query, key, body = await _checked(api, op, request)
        content = await _content(api, op, body)

        async def handle(attempt: Attempt) -> Answer | Response:
            call = Call(id=call_id, query=query, content=content, request=request, attempt=attempt)
            return await op.handle(api, call)

        async def act(attempt: Attempt) -> Kept:
            try:
                return _kept(await handle(attempt))
            except (CallerError, StateConflict) as error:
                # A definite no is an answer too, and the same request gets the same one again.
                response = problem(error)
                return Kept(response.status_code, bytes(response.body))

        if key is None or query.get("dry_run"):
            answer = await handle(Attempt(api.idempotency.new_id()))
            return _response(_kept(answer)) if isinstance(answer, Answer) else answer
        return _response(await api.idempotency.once(key, _digest(request, body), act))

    return serve


async def _checked(
    api: OwnApi, op: Operation[OwnApi], request: Request
) -> tuple[str, dict[str, Value | None], str | None, bytes]:
    limits = api.settings.limits
    check_headers(request, limits)
    query = op.read_query(request, limits)
    call_id = op.call_id(request)
    key = read_key(request) if op.idempotent else None
    bytes_max = limits.body_bytes_max if op.body_bytes_max is None else op.body_bytes_max
    if op.body is Body.NONE:
        return call_id, query, key, b""
    try:
        body = await api.clock.limit(read_body(request, bytes_max), BODY_S_MAX)
    except TimeoutError:
        # Where only some are served at once, one that trickles would keep all others out.
        raise BadInput(
            f"did not come within {BODY_S_MAX:.0f} s; send it again", field="body"
        ) from None
    return call_id, query, key, body


async def _content(api: OwnApi, op: Operation[OwnApi], body: bytes) -> object:
    if op.body is Body.PLAN:
        return await _read_draft(api, read_plan, body)
    if op.body is Body.CONSTRAINT:
        return await _read_draft(api, read_constraint, body)
    if op.body is Body.POSITIONS:
        return positions_json.read(body, count_max=api.settings.limits.position_addresses_max)
    return None if op.struct is None else read_struct(body, op.struct)


async def _read_draft(api: OwnApi, read: Callable[..., PlanDraft], body: bytes) -> PlanDraft:
    limits = api.settings.limits
    if len(body) <= _QUICK_BYTES:
        return read(body, limits=limits)
    # Ten thousand vertices take a second to check; nobody else is to wait for them.
    return await run_in_threadpool(read, body, limits=limits)


def _kept(answer: Answer | Response) -> Kept:
    if isinstance(answer, Response):
        return Kept(answer.status_code, bytes(answer.body))
    return Kept(answer.status, msgspec.json.encode(answer.value), answer.location)


def _response(kept: Kept) -> Response:
    headers = {"Cache-Control": "no-store"}
    if kept.location is not None:
        headers["Location"] = kept.location
    media_type = _PROBLEM if kept.status >= 400 else _JSON
    return Response(kept.body, kept.status, headers, media_type)


def _digest(request: Request, body: bytes) -> bytes:
    """Tell one request from another: whose, method, path, query and body, to the byte."""
    path: str = request.scope["path"]
    query: bytes = request.scope.get("query_string", b"")
    # Two people who send the same under one key have not sent one request.
    whose = actor_of(request).account.encode()
    head = b"%b%b %b?%b\n" % (whose, request.method.encode(), path.encode(), query)
    return sha256(head + body).digest()
