"""Generated requests get described answers: own API by our description, F3548-21 by its own file.

Method: schemathesis generates requests from the description and judges every answer (no 5xx, status
and media type described, body as its schema says), against a real node over HTTP with tokens that
open every route. Half of the requests are made plausible, so that they get past the checks
(``judge.Pilot``). Everything comes from a seed, which is printed. The controls are applications
whose routes break the promise on purpose: the same judge must catch them.

The interface file of F3548-21 is not part of the project: it is read from ``TANSIQ_ACCEPT``
(``../shared/accept`` beside the project), and the soak test fails where it is not there.
"""

import os
import time
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.fuzz.judge import Found, judge
from tests.fuzz.running import Served, serving

from tansiq.http.problems import Boundary, problem

ROOT = Path(__file__).resolve().parents[2]
SEED = 20_261_124
SAMPLE = 15
ROUND = 40
SOAK_S = 300.0
FEED = frozenset({"GET /api/v1/events", "GET /api/v1/watch/stream"})
"""They never end, the first unless told to; their own tests look at them."""
ALLOWED: dict[str, frozenset[int]] = {
    # The file has no status for a stale version; the conformance suite asks for this one.
    "PUT /dss/v1/uss_availability/{uss_id}": frozenset({409}),
    # A pseudo-endpoint, for which the file has 200 only: there is no such route.
    "GET /uss/v1/log_sets/{log_set_id}": frozenset({404}),
}
"""Where we answer what the interface file does not list."""


def own(node: Served) -> Any:
    url = f"{node.own_url}/api/openapi.json"
    return schemathesis.openapi.from_url(url, headers=node.own_headers)


def standard(node: Served) -> Any:
    folder = Path(os.environ.get("TANSIQ_ACCEPT") or ROOT.parent / "shared" / "accept")
    file = folder / "openapi" / "utm.yaml"
    if not file.is_file():
        pytest.fail(f"no interface file at {file}; set TANSIQ_ACCEPT to the judges' folder")
    schema = schemathesis.openapi.from_dict(yaml.safe_load(file.read_text("utf-8")))
    schema.config.update(base_url=node.peer_url)
    return schema


def assert_clean(found: Found, node: Served) -> None:
    print(f"answers by status: {dict(sorted(found.statuses.items()))}")
    assert not found.findings, found.told()
    assert "Traceback" not in node.log, node.log


def test_a_sample_of_the_own_api(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    with serving(tmp_path / "north") as node:
        found = judge(
            own(node), headers=node.own_headers, examples=SAMPLE, seed_of_run=SEED, besides=FEED
        )
        assert_clean(found, node)
        assert {200, 400, 404} <= set(found.statuses)


@pytest.mark.soak
@pytest.mark.timeout(SOAK_S + 300)
@pytest.mark.parametrize("api", ["own", "standard"])
def test_five_minutes_of_each_api(tmp_path: Path, api: str) -> None:
    """Rounds over all operations until the time is up, each from a seed of its own."""
    whole = Found()
    with serving(tmp_path / "north") as node:
        schema = own(node) if api == "own" else standard(node)
        began_s, rounds = time.monotonic(), 0
        while time.monotonic() - began_s < SOAK_S:
            seed = SEED + rounds
            print(f"seed {seed}")
            found = judge(
                schema,
                headers=node.own_headers if api == "own" else node.peer_headers(),
                examples=ROUND,
                seed_of_run=seed,
                allowed=ALLOWED if api == "standard" else None,
                besides=FEED,
            )
            assert_clean(found, node)
            whole.answers += found.answers
            rounds += 1
    print(f"{rounds} rounds, {sum(whole.answers.values())} requests: {dict(whole.statuses)}")
    wanted = {200, 201, 400, 404} if api == "own" else {200, 201, 204, 400, 404, 409}
    assert wanted <= set(whole.statuses)
    operations = {label for label, _ in whole.answers}
    assert len(operations) == sum(1 for _ in schema.get_all_operations()) - len(FEED) * (
        api == "own"
    )


# Controls


THING = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": {"type": "string"}},
}
DESCRIBED = {
    "openapi": "3.1.0",
    "info": {"title": "Control", "version": "1"},
    "paths": {
        "/things/{number}": {
            "get": {
                "parameters": [
                    {
                        "name": "number",
                        "in": "path",
                        "required": True,
                        "schema": {"type": "integer", "minimum": 0},
                    }
                ],
                "responses": {
                    "200": {
                        "description": "",
                        "content": {"application/json": {"schema": THING}},
                    }
                },
            }
        }
    },
}


async def good(_: Request) -> Response:
    return JSONResponse({"name": "x"})


async def raising(request: Request) -> Response:
    if int(request.path_params["number"]) % 2:
        return await good(request)
    raise RuntimeError("planted")


async def nameless(_: Request) -> Response:
    return JSONResponse({"name": None})


async def undescribed(_: Request) -> Response:
    return JSONResponse({"name": "x"}, 202)


async def plain(_: Request) -> Response:
    return Response("x")


def told_of(endpoint: Any) -> set[tuple[int, str]]:
    app = Starlette(
        routes=[Route("/things/{number}", endpoint)],
        middleware=[Middleware(Boundary, render=problem)],
    )
    schema = schemathesis.openapi.from_dict(DESCRIBED)
    schema.app = app
    found = judge(schema, headers={}, examples=10, seed_of_run=SEED)
    return {(finding.status, finding.what) for finding in found.findings}


def test_a_route_that_keeps_its_promise_is_not_blamed() -> None:
    assert told_of(good) == set()


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        (raising, (500, "Server error")),
        (nameless, (200, "Response violates schema")),
        (undescribed, (202, "Undocumented status code")),
        (plain, (200, "Missing Content-Type header")),
    ],
)
def test_a_route_that_breaks_its_promise_is_caught(
    endpoint: Any, expected: tuple[int, str]
) -> None:
    assert expected in told_of(endpoint)
