"""Reports of trouble: taken from anybody with a token, kept in bounds, read by our own people."""

from collections.abc import Sequence
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from tests.asgi import Answer, ask
from tests.http.own_world import NOON, World, world

from tansiq.domain.time import micros
from tansiq.errors import BadInput, Forbidden, NotFound
from tansiq.f3548 import codec, wire
from tansiq.f3548.convert import to_time
from tansiq.http.authority import Identity
from tansiq.http.dss import ANY_SCOPE
from tansiq.http.problems import f3548_error, handlers
from tansiq.http.reports import report_routes
from tansiq.services.reports import REPORT_BYTES_MAX, Role
from tansiq.settings import Limits
from tansiq.storage.sqlite import SqliteStore

pytestmark = pytest.mark.anyio
URL = "https://north.example/uss/v1/operational_intents"


def report(**changed: Any) -> wire.ErrorReport:
    exchange = wire.ExchangeRecord(
        url=URL, method="GET", recorder_role="Client", request_time=to_time(NOON)
    )
    return wire.ErrorReport(exchange=msgspec.structs.replace(exchange, **changed))


async def filed(node: World, reporter: str, **changed: Any) -> str:
    kept = await node.api.reports.file(
        report(**changed), reporter=reporter, role=Role.USS, now=node.clock.now()
    )
    return str(kept.report_id)


async def test_reports_are_listed_newest_first_and_shown_whole(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db") as node:
        first = await filed(node, "uss1", problem="details took 8 s", response_code=200)
        second = await filed(node, "uss2", response_body="eA==")
        listed = (await node.client.get("/api/v1/reports")).json()["reports"]
        assert [(one["id"], one["reporter"]) for one in listed] == [
            (second, "uss2"),
            (first, "uss1"),
        ]
        assert listed[1]["problem"] == "details took 8 s"
        shown = (await node.client.get(f"/api/v1/reports/{second}")).json()
        assert shown["report"]["report_id"] == second
        assert shown["report"]["exchange"]["response_body"] == "eA=="
        missing = await node.client.get("/api/v1/reports/2f8343be-6482-4d1b-a474-16847e01af1e")
        assert missing.status_code == 404


@pytest.mark.parametrize(
    ("role", "given", "source"),
    [("Client", None, "uss1"), ("Server", None, ""), ("Client", "x", "x")],
)
async def test_the_source_that_the_interface_requires_is_filled_in(
    tmp_path: Path, role: str, given: str | None, source: str
) -> None:
    async with world(tmp_path / "node.db") as node:
        kept = await node.api.reports.file(
            report(recorder_role=role, request_source=given),
            reporter="uss1",
            role=Role.DSS,
            now=NOON,
        )
        assert kept.exchange.request_source == source


async def test_no_reporter_pushes_out_what_others_said(tmp_path: Path) -> None:
    """Method: 10 may be kept, two of one reporter; somebody floods."""
    async with world(tmp_path / "node.db", limits=Limits(reports_max=10)) as node:
        quiet = await filed(node, "quiet")
        flood = [await filed(node, "loud") for _ in range(25)]
        kept = [one.id for one in await node.api.reports.newest_first()]
        assert kept == [flood[-1], flood[-2], quiet]
        for i in range(9):
            await filed(node, f"uss{i}")
        ids = {one.id for one in await node.api.reports.newest_first()}
        assert len(ids) == 10
        assert quiet not in ids


async def test_reports_are_dropped_after_their_time_and_not_before(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db", limits=Limits(reports_keep=timedelta(days=2))) as node:
        old = await filed(node, "uss1")
        node.clock.later = timedelta(days=2)
        at_the_limit = await filed(node, "uss2")
        assert {one.id for one in await node.api.reports.newest_first()} == {old, at_the_limit}
        node.clock.later += timedelta(microseconds=1)
        last = await filed(node, "uss3")
        assert {one.id for one in await node.api.reports.newest_first()} == {at_the_limit, last}
        with pytest.raises(NotFound):
            await node.api.reports.get(old)


async def test_a_time_that_is_none_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path / "node.db") as node:
        never = wire.Time(value="2026-02-30T00:00:00Z", format="RFC3339")
        with pytest.raises(BadInput, match=r"exchange\.request_time"):
            await filed(node, "uss1", request_time=never)
        assert await node.api.reports.newest_first() == []


def identify(request: Request, scopes: Sequence[str]) -> Identity:
    """Read ``Authorization: NAME SCOPE``: the real one is tested by itself."""
    name, _, held = request.headers["authorization"].partition(" ")
    if held not in scopes:
        raise Forbidden(f"the token needs the scope {' or '.join(scopes)}")
    return Identity(id=name, scopes=frozenset({held}), party=None, agreement_digest=None)


@pytest.mark.parametrize(
    ("path", "role"),
    [("/dss/v1/reports", "dss"), ("/uss/v1/reports", "uss"), ("/at/north/uss/v1/reports", "uss")],
)
async def test_reports_are_taken_at_both_roles_up_to_their_limit(
    tmp_path: Path, path: str, role: str
) -> None:
    async with world(tmp_path / "node.db") as node:
        app = Starlette(
            routes=report_routes(node.api.reports, node.clock, identify, Limits()),
            exception_handlers=handlers(f3548_error),
        )

        async def filed_over_http(body: bytes, scope: str = ANY_SCOPE[0]) -> Answer:
            who = [("Authorization", f"uss1 {scope}")]
            return await ask(app, path, method="POST", headers=who, body=body)

        body = codec.encode(report(problem=""))
        padded = body.replace(b'"problem":""', b'"problem":"%s"')
        longest = padded % (b"x" * (REPORT_BYTES_MAX - len(body)))
        for scope in ANY_SCOPE:
            made = await filed_over_http(body, scope)
            assert made.status == 201
        assert made.json["report_id"]
        assert (await filed_over_http(body, "utm.other")).status == 403
        assert (await filed_over_http(longest)).status == 201
        assert (await filed_over_http(longest.replace(b"x", b"xx", 1))).status == 413
        assert (await filed_over_http(b"{")).status == 400
        kept = await node.api.reports.newest_first()
        assert len(kept) == len(ANY_SCOPE) + 1
        assert {one.role for one in kept} == {role}


async def test_reports_of_an_older_store_are_still_there(tmp_path: Path) -> None:
    """Method: a store of the migrations before this table had its name, with a report in it."""
    older = tmp_path / "older"
    older.mkdir()
    for file in (files("tansiq.storage") / "migrations").iterdir():
        if file.name < "0006":
            (older / file.name).write_text(file.read_text("utf-8"))
    store = SqliteStore.open(tmp_path / "node.db", migrations=older)
    row = {
        "id": "2f8343be-6482-4d1b-a474-16847e01af1e",
        "received": micros(NOON),
        "body": codec.encode(report(problem="old")),
    }
    await store.write(
        lambda tx: tx.execute(
            "INSERT INTO dss_report (id, reporter, received, body) "
            "VALUES (:id, 'uss1', :received, :body)",
            row,
        )
    )
    await store.close()
    async with world(tmp_path / "node.db") as node:
        newer = await filed(node, "uss2")
        kept = await node.api.reports.newest_first()
        assert [(one.id, one.role) for one in kept] == [(newer, "uss"), (row["id"], "dss")]
        assert kept[1].problem == "old"
