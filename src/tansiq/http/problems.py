"""Turns errors into responses: the only place that knows both.

Own routes answer RFC 9457 ``application/problem+json`` (``problem``); F3548 routes answer the
standard's own bodies (``f3548_error``). Which of the two is the renderer that an application is
given. What nobody raised on purpose becomes a 500 with a reference that stands in the log too.
"""

import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tansiq import errors
from tansiq.f3548 import codec, wire
from tansiq.logs import request_id
from tansiq.services.register import AirspaceConflict

Render = Callable[[errors.TansiqError], Response]

_log = logging.getLogger(__name__)


class _NoSuchRoute(errors.NotFound):
    code = "no-such-route"


class _WrongMethod(errors.CallerError):
    code = "wrong-method"


class _Unexpected(errors.TansiqError):
    code = "unexpected"


_RETRY_AFTER_S: Final = {429: "1", 503: "5"}
_KINDS: Final[Mapping[type[errors.TansiqError], tuple[int, str]]] = {
    errors.BadInput: (400, "The request is not well-formed"),
    errors.TooLarge: (413, "Above a limit"),
    errors.Unauthenticated: (401, "No token, or not a good one"),
    errors.Forbidden: (403, "Not allowed"),
    errors.NotFound: (404, "Not found"),
    _WrongMethod: (405, "Not done this way"),
    errors.KeyReused: (422, "The idempotency key belongs to another request"),
    errors.TooMany: (429, "More than one caller's share"),
    errors.BadSignature: (403, "Not signed by whom it should be"),
    errors.ProofFailed: (422, "The proof does not hold"),
    errors.CallerError: (400, "The request cannot be done"),
    errors.StateConflict: (409, "The state does not allow it"),
    errors.PeerUnreachable: (504, "The other node does not answer"),
    errors.PeerError: (502, "The other node did not do it"),
    errors.AgreementMismatch: (409, "Two agreements"),
    errors.Busy: (503, "Too many at once"),
    errors.NoDesk: (503, "Between two workers"),
    errors.TimedOut: (503, "Not done in time"),
    errors.StoreError: (503, "The store cannot be used"),
    errors.TansiqError: (500, "Our fault"),
}


refused: ContextVar[Callable[[str], None] | None] = ContextVar("refused", default=None)
"""Told the code of each error that is rendered; set around a listener by who counts them."""


def _tell(error: errors.TansiqError) -> None:
    if (told := refused.get()) is not None:
        told(error.code)


def status_of(error: errors.TansiqError) -> int:
    """Return the HTTP status of an error on our own routes."""
    return _kind(error)[0]


def problem(error: errors.TansiqError) -> Response:
    """Render an error for the own API (RFC 9457)."""
    _tell(error)
    status, title = _kind(error)
    body: dict[str, Any] = {
        "type": f"/problems/{error.code}",
        "title": title,
        "status": status,
        "detail": error.message,
        "code": error.code,
    }
    if error.field:
        body["field"] = error.field
    if isinstance(error, errors.MissingOVNs):
        body["missing_intents"] = error.missing_intents
        body["missing_constraints"] = error.missing_constraints
    headers = headers_of(status)
    if isinstance(error, errors.TooMany) and error.pause_s is not None:
        headers["Retry-After"] = str(error.pause_s)
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")


_F3548_STATUS: Final[Mapping[type[errors.TansiqError], int]] = {
    errors.UssDown: 412,
    errors.NoTelemetry: 412,
    errors.AgreementMismatch: 403,
    errors.PeerError: 502,
}
"""Where the standard's routes answer otherwise than our own."""


def f3548_error(error: errors.TansiqError) -> Response:
    """Render an error for the routes of F3548-21, in the bodies that the standard gives them.

    A body that is too long is 413; anything else too large, an area for one, is 400, as the field's
    reference DSS and its tests have it.
    """
    body: msgspec.Struct
    if isinstance(error, AirspaceConflict):
        body = conflict_body(error)
    else:
        _tell(error)
        body = wire.ErrorResponse(message=str(error))
    if isinstance(error, errors.TooLarge):
        status = 413 if error.field == "body" else 400
    else:
        special = (_F3548_STATUS[cls] for cls in type(error).__mro__ if cls in _F3548_STATUS)
        status = next(special, status_of(error))
    return Response(codec.encode(body), status, headers_of(status), "application/json")


def conflict_body(error: AirspaceConflict) -> wire.AirspaceConflictResponse:
    """Return the standard's body of a refusal for want of knowledge."""
    _tell(error)
    return wire.AirspaceConflictResponse(
        message=str(error),
        missing_operational_intents=error.intents,
        missing_constraints=error.constraints,
    )


def headers_of(status: int) -> dict[str, str]:
    """Return what a status obliges us to say besides, whatever the body."""
    if status == 401:
        return {"WWW-Authenticate": "Bearer"}
    if status in _RETRY_AFTER_S:
        return {"Retry-After": _RETRY_AFTER_S[status]}
    return {}


def _kind(error: errors.TansiqError) -> tuple[int, str]:
    return next(_KINDS[cls] for cls in type(error).__mro__ if cls in _KINDS)


Handler = Callable[[Request, Exception], Awaitable[Response]]


def handlers(render: Render) -> dict[Any, Handler]:
    """Return the ``exception_handlers`` of an application, for what its routes raise."""

    async def ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, errors.TansiqError)  # noqa: S101 - the table below says so
        return render(error)

    async def frameworks(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - the table below says so
        return _routing_error(request, error, render)

    return {errors.TansiqError: ours, HTTPException: frameworks}


def _routing_error(request: Request, error: HTTPException, render: Render) -> Response:
    """Render what the router found wrong, in the form that all other errors have."""
    path, extra = request.url.path[:200], dict(error.headers or {})
    ours: errors.TansiqError
    if error.status_code == 404:
        ours = _NoSuchRoute(f"no route {path!r}")
    elif error.status_code == 405:
        allowed = extra.get("Allow", "another method")
        ours = _WrongMethod(f"{request.method} is not allowed on {path!r}; {allowed} is")
    else:
        ours = errors.BadInput(error.detail)
    response = render(ours)
    response.headers.update(extra)
    return response


class Boundary:
    """The request boundary: the one place where any exception at all is caught.

    It is logged in full under a reference, and the client is told the reference only.
    """

    def __init__(self, app: ASGIApp, render: Render = problem) -> None:
        self._app = app
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            _log.info("%s %s: the client went away", scope["method"], scope["path"])
        except errors.TansiqError as error:
            if started:
                raise
            await self._render(error)(scope, receive, send)
        except Exception:  # Whatever it is: the log has all of it, the caller a reference.
            reference = request_id.get() or secrets.token_hex(8)
            _log.exception("%s %s failed, reference %s", scope["method"], scope["path"], reference)
            if started:
                raise  # Half an answer must not look like a whole one: the server cuts it off.
            message = f"something failed here; the node's log has it under {reference}"
            await self._render(_Unexpected(message))(scope, receive, send)
