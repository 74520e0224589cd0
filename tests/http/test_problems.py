"""Errors as responses: every kind has its status and form; the unexpected tells nothing."""

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from tests.asgi import ask

from tansiq import errors
from tansiq.http.problems import Boundary, handlers, problem

EXPECTED = {
    "BadInput": 400,
    "InvalidVolume": 400,
    "TooLarge": 413,
    "Unauthenticated": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "StateConflict": 409,
    "MissingOVNs": 409,
    "StaleOVN": 409,
    "WrongState": 409,
    "PeerError": 502,
    "PeerUnreachable": 504,
    "PeerRefused": 502,
    "PeerMalformed": 502,
    "AgreementMismatch": 409,
    "StoreError": 503,
}


def make(name: str) -> errors.TansiqError:
    if name == "MissingOVNs":
        return errors.MissingOVNs("lacks", missing_intents=["a"], missing_constraints=["b"])
    if name == "PeerRefused":
        return errors.PeerRefused("no", status=403)
    made = getattr(errors, name)("why", field="lat")
    assert isinstance(made, errors.TansiqError)
    return made


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "status"), EXPECTED.items())
async def test_each_kind_of_error_has_its_status(name: str, status: int) -> None:
    error = make(name)

    async def fail(_: Request) -> Response:
        raise error

    answer = await ask(app(fail), "/fail")
    assert (answer.status, answer.json["status"], answer.json["code"]) == (
        status,
        status,
        error.code,
    )
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["detail"] == error.message
    assert answer.json.get("field") == error.field
    assert answer.json["type"] == f"/problems/{error.code}"
    assert answer.json["title"]
    assert ("retry-after" in answer.headers) == (status == 503)


def test_every_error_of_the_tree_is_rendered() -> None:
    waiting, codes = [errors.TansiqError], []
    while waiting:
        kind = waiting.pop()
        waiting += [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]
        codes.append(kind.code)
        bare = kind.__new__(kind)
        errors.TansiqError.__init__(bare, "why")
        bare.__dict__.update(missing_intents=(), missing_constraints=())
        assert 400 <= problem(bare).status_code < 600
    assert len(set(codes)) == len(codes), "codes are unique"


def test_missing_ovns_are_listed() -> None:
    body = problem(make("MissingOVNs")).body
    assert b'"missing_intents":["a"]' in body
    assert b'"missing_constraints":["b"]' in body


async def broken(_: Request) -> Response:
    raise ZeroDivisionError("a secret detail")


async def gone(_: Request) -> Response:
    raise ClientDisconnect


def app(endpoint: object) -> Starlette:
    return Starlette(
        routes=[Route("/fail", endpoint, methods=["GET"])],  # type: ignore[arg-type]
        middleware=[Middleware(Boundary, render=problem)],
        exception_handlers=handlers(problem),
    )


@pytest.mark.anyio
async def test_the_unexpected_is_logged_and_the_client_gets_its_reference_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = await ask(app(broken), "/fail")
    assert (answer.status, answer.json["code"]) == (500, "unexpected")
    assert b"secret" not in answer.body
    assert b"Zero" not in answer.body
    reference = answer.json["detail"].rsplit(" ", 1)[1]
    assert reference in caplog.text
    assert "a secret detail" in caplog.text


@pytest.mark.anyio
async def test_half_an_answer_is_cut_off_and_not_followed_by_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ask(Boundary(half), "/")
    assert "reference" in caplog.text


@pytest.mark.anyio
async def test_a_client_that_went_away_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(IndexError):
        await ask(app(gone), "/fail")  # No answer at all.
    assert [record.levelname for record in caplog.records] == ["INFO"]


@pytest.mark.anyio
async def test_the_routers_own_refusals_have_the_same_form() -> None:
    answer = await ask(app(broken), "/nowhere")
    assert (answer.status, answer.json["status"], answer.json["code"]) == (
        404,
        404,
        "no-such-route",
    )
    answer = await ask(app(broken), "/fail", method="DELETE")
    assert (answer.status, answer.json["code"]) == (405, "wrong-method")
    assert "DELETE is not allowed" in answer.json["detail"]
    assert "GET" in answer.headers["allow"]
