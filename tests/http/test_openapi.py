"""The published description holds: it is valid OpenAPI 3.1, and the answers follow it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    response_schema_conformance,
    status_code_conformance,
)
from tests.http.own_world import PORT, TOKEN, build

from stores import only_sqlite
from tansiq.http.openapi import document
from tansiq.http.own_table import OPERATIONS

DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(document(OPERATIONS)))
HEADERS = {"Authorization": f"Bearer {TOKEN}", "Host": f"127.0.0.1:{PORT}"}
ENDLESS = ["get_events", "stream_watch"]
CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)


def test_the_description_is_valid() -> None:
    schemathesis.openapi.from_dict(DOCUMENT).validate()


@only_sqlite
def test_generated_requests_get_described_answers(tmp_path: Path) -> None:
    """Method: 6 generated requests to each operation but the feeds, which never end."""
    node = build(tmp_path / "node.db")
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", node.app, headers=HEADERS)
    answers: dict[int, int] = {}
    for result in schema.exclude(operation_id=ENDLESS).get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=6,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def check(case: schemathesis.Case) -> None:
            # The first PDF of a process loads its maker: on a slow machine that takes a while.
            response = case.call_and_validate(headers=HEADERS, checks=CHECKS, timeout=120)
            answers[response.status_code] = answers.get(response.status_code, 0) + 1

        check()
    print(f"answers by status: {answers}")
    assert {200, 400, 404} <= set(answers)
    asyncio.run(node.store.close())
