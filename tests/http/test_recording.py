"""What is noted of an incoming call: all of it, bounded, and nothing to pose as somebody with."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.asgi import ask
from tests.http.own_world import NOON, World, world

from tansiq.domain.time import micros
from tansiq.errors import StoreError
from tansiq.f3548.logs import USSLogSet
from tansiq.f3548.wire import ExchangeRecord
from tansiq.http.recording import CALLER, Recording
from tansiq.services import exchanges
from tansiq.services.exchanges import Said, shown_headers, shown_url
from tansiq.settings import Limits
from tansiq.storage.exchanges import Exchanges

pytestmark = pytest.mark.anyio
BODY_MAX = 100
PATH = "/uss/v1/operational_intents"


def part(claims: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()


TOKEN = f"{part({'alg': 'RS256'})}.{part({'sub': 'uss1'})}.c2lnbmF0dXJl"


async def log_set(node: World, **query: str) -> USSLogSet:
    """Ask the own API, and read the answer by our own structs."""
    reply = await node.client.get("/api/v1/log-sets", params=query)
    assert reply.status_code == 200, reply.text
    return msgspec.json.decode(reply.content, type=USSLogSet)


def app(node: World, answer: bytes = b"{}") -> Starlette:
    """Return an application whose route reads the body and takes ``uss1`` for the caller."""

    async def called(request: Request) -> Response:
        request.scope[CALLER] = "uss1"
        await request.body()
        return Response(answer, 200)

    async def refused(_: Request) -> Response:
        return Response(b'{"message":"no"}', 401)

    async def broken(_: Request) -> Response:
        raise RuntimeError("planted")

    return Starlette(
        routes=[
            Route(PATH, called, methods=["POST"]),
            Route("/uss/v1/refused", refused),
            Route("/uss/v1/broken", broken),
            Route("/dss/v1/subscriptions/query", called, methods=["POST"]),
        ],
        middleware=[Middleware(Recording, log=node.record, clock=node.clock, bytes_max=BODY_MAX)],
    )


@asynccontextmanager
async def small_world(path: Path, **limits: Any) -> AsyncIterator[World]:
    bounds = Limits(exchange_body_bytes_max=BODY_MAX, **limits)
    async with world(path, limits=bounds) as node:
        yield node


async def test_a_call_is_recorded_with_who_called_and_what_we_answered(tmp_path: Path) -> None:
    async with small_world(tmp_path / "node.db") as node:
        headers = [
            ("Host", "north.example"),
            ("Authorization", f"Bearer {TOKEN}"),
            ("Cookie", "session=secret"),
            ("X-Api-Key", "secret"),
        ]
        await ask(app(node), PATH, method="POST", headers=headers, body=b"hello", query="t=secret")
        (record,) = (await log_set(node)).messages
        assert (record.recorder_role, record.request_source) == ("Server", "uss1")
        assert record.url == f"http://north.example{PATH}"
        assert (record.method, record.response_code, record.problem) == ("POST", 200, None)
        assert base64.b64decode(record.request_body or "") == b"hello"
        assert base64.b64decode(record.response_body or "") == b"{}"
        assert record.request_time.value == "2026-11-23T12:00:00Z"
        assert record.headers is not None
        told = "\n".join(record.headers)
        assert "secret" not in told + record.url
        assert TOKEN.rpartition(".")[2] not in told
        assert TOKEN.rpartition(".")[0] in told


async def test_calls_to_our_register_are_not_a_managers_log(tmp_path: Path) -> None:
    async with small_world(tmp_path / "node.db") as node:
        await ask(app(node), "/dss/v1/subscriptions/query", method="POST")
        assert (await log_set(node)).messages == ()


async def test_refused_and_broken_calls_are_recorded_too(tmp_path: Path) -> None:
    async with small_world(tmp_path / "node.db") as node:
        await ask(app(node), "/uss/v1/refused")
        with pytest.raises(RuntimeError, match="planted"):
            await ask(app(node), "/uss/v1/broken")
        refused, broken = (await log_set(node)).messages
        assert (refused.response_code, broken.response_code) == (401, None)
        assert "not accepted" in (refused.request_source or "")
        # Starlette's own boundary stands around ours here; nothing had been sent when it failed.
        assert broken.problem == "no answer was sent"


@pytest.mark.parametrize("more", [0, 1])
async def test_bodies_are_cut_at_the_limit_and_the_record_says_so(
    tmp_path: Path, more: int
) -> None:
    async with small_world(tmp_path / "node.db") as node:
        body = b"x" * (BODY_MAX + more)
        await ask(app(node, body), PATH, method="POST", body=body)
        (record,) = (await log_set(node)).messages
        assert len(base64.b64decode(record.request_body or "")) == BODY_MAX
        assert len(base64.b64decode(record.response_body or "")) == BODY_MAX
        assert record.problem == (
            "request body cut to 100 of 101 bytes; response body cut to 100 of 101 bytes"
            if more
            else None
        )


def said(at_s: int = 0, **changed: Any) -> Said:
    known = Said(
        url="https://south.example/uss/v1/operational_intents",
        method="GET",
        role="Client",
        source="north",
        asked=micros(NOON + timedelta(seconds=at_s)),
    )
    return msgspec.structs.replace(known, **changed)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"Bearer {TOKEN}", f"Bearer {TOKEN.rpartition('.')[0]}.(signature left out)"),
        (TOKEN, "(left out)"),
        ("Bearer opaque", "(left out)"),
        ("Bearer a.b.c", "(left out)"),
        ("Basic dXNlcjpwYXNz", "(left out)"),
        (f"Bearer {part({'alg': 'none'})}.{part({'sub': 'x'})}.", "(left out)"),
        (f"Bearer {part({})}.{part({'sub': 'x'})}.y", "(left out)"),
        (f"Bearer {TOKEN}.more", "(left out)"),
        ("", "(left out)"),
        ("Bearer \x00.\udcff.x", "(left out)"),
    ],
)
def test_of_a_credential_only_what_cannot_be_used_is_kept(given: str, kept: str) -> None:
    assert shown_headers([("authorization", given)]) == (f"Authorization: {kept}",)


def test_a_url_is_kept_without_its_query() -> None:
    assert shown_url("https://a.example/x?token=secret") == "https://a.example/x"


async def test_spans_are_closed_and_peers_are_told_apart(tmp_path: Path) -> None:
    """Method: 200 exchanges, one a second, over several pages; each bound touches and misses."""
    async with small_world(tmp_path / "node.db") as node:
        for i in range(200):
            node.record.note("south" if i % 4 else "east", said(i))

        async def seconds(**query: str) -> list[int]:
            found = (await log_set(node, **query)).messages
            clocks = [one.request_time.value for one in found]
            return [int(c[14:16]) * 60 + int(c[17:19]) for c in clocks]

        assert await seconds() == [0]  # What lies ahead of now is not there yet.
        node.clock.later = timedelta(hours=1)
        assert await seconds() == list(range(200))
        span = {"from": "2026-11-23T12:00:10Z", "to": "2026-11-23T12:02:30Z"}
        assert await seconds(**span) == list(range(10, 151))
        span = {"from": "2026-11-23T12:00:10.000001Z", "to": "2026-11-23T12:02:29.999999Z"}
        assert await seconds(**span) == list(range(11, 150))
        assert await seconds(peer="east") == list(range(0, 200, 4))
        assert await seconds(peer="nobody") == []


@pytest.mark.parametrize(
    "query",
    [
        {"from": "yesterday"},
        {"to": "2026-11-23"},
        {"from": "2026-11-23T12:00:01Z", "to": "2026-11-23T12:00:00Z"},
        {"peer": ""},
        {"peer": "x" * 301},
        {"since": "2026-11-23T12:00:00Z"},
    ],
)
async def test_what_is_no_span_is_refused(tmp_path: Path, query: dict[str, str]) -> None:
    async with small_world(tmp_path / "node.db") as node:
        reply = await node.client.get("/api/v1/log-sets", params=query)
        assert reply.status_code == 400
        assert reply.json()["field"] in query


async def test_the_oldest_go_first_by_time_by_number_and_by_size(tmp_path: Path) -> None:
    async with small_world(tmp_path / "number.db", exchanges_max=10) as node:
        for i in range(25):
            node.record.note("south", said(i))
        await node.record.flush()
        held = await node.record.held()
        assert (held.rows, held.lost) == (10, 0)
        node.clock.later = timedelta(hours=1)
        found = [one.request_time.value[17:19] for one in (await log_set(node)).messages]
        assert found == [str(i) for i in range(15, 25)]
    folder = tmp_path / "size"
    folder.mkdir()
    async with small_world(folder / "size.db", exchanges_bytes_max=1_000) as node:
        for i in range(25):
            node.record.note("south", said(i))
        await node.record.flush()
        held = await node.record.held()
        assert 0 < held.rows < 25
        assert held.bytes <= 1_000 < held.bytes * (held.rows + 1) / held.rows + 1
    folder = tmp_path / "time"
    folder.mkdir()
    async with small_world(folder / "time.db", exchanges_keep=timedelta(days=1)) as node:
        node.record.note("south", said())
        node.clock.later = timedelta(days=1)
        node.record.note("south", said(86_400))
        await node.record.flush()
        assert (await node.record.held()).rows == 2
        node.clock.later += timedelta(microseconds=1)
        node.record.note("south", said(86_401))
        await node.record.flush()
        assert (await node.record.held()).rows == 2
        # A node that hears nothing any more forgets all the same.
        node.clock.later += timedelta(days=2)
        await node.record.flush()
        assert (await node.record.held()).rows == 2
        node.record.start()
        while (await node.record.held()).rows:
            await asyncio.sleep(0.005)


async def test_a_disk_that_does_not_keep_up_loses_no_more_than_it_must(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What waits goes out once the disk is back; what did not fit in memory is counted."""
    monkeypatch.setattr(exchanges, "WAITING_BYTES_MAX", 5 * 1_000)

    async def full(_: object) -> None:
        raise StoreError("disk full")

    async with small_world(tmp_path / "node.db") as node:
        with monkeypatch.context() as disk:
            disk.setattr(node.record._store, "write", full)
            for i in range(3):
                node.record.note("south", said(i))
                await node.record.flush()
            for i in range(3, 9):
                node.record.note("south", said(i))
        await node.record.flush()
        held = await node.record.held()
        assert (held.rows, held.lost) == (5, 4)
        node.record.note("south", said(9))
        await node.record.flush()
        assert (await node.record.held()).rows == 6


async def test_a_register_that_misses_ovns_makes_a_planning_attempt(tmp_path: Path) -> None:
    """The key is read whole, although the body is longer than what is kept of it."""
    key = [f"ovn-{i:04}-0123456789abcdef" for i in range(50)]
    reference = {
        "id": "9571d56e-1cc3-4c03-ae7d-b6fd550cbb80",
        "manager": "south",
        "uss_availability": "Unknown",
        "version": 1,
        "state": "Accepted",
        "time_start": {"value": "2026-11-23T12:00:00Z", "format": "RFC3339"},
        "time_end": {"value": "2026-11-23T13:00:00Z", "format": "RFC3339"},
        "uss_base_url": "https://south.example",
        "subscription_id": "9571d56e-1cc3-4c03-ae7d-b6fd550cbb81",
    }
    refused = said(
        url="https://south.example/dss/v1/operational_intent_references/"
        "84d41ec1-c546-438a-a0c3-12c609afa13a/some-ovn",
        method="PUT",
        code=409,
        request=json.dumps({"key": key, "extents": []}).encode(),
        answer=json.dumps({"message": "x", "missing_operational_intents": [reference]}).encode(),
    )
    async with small_world(tmp_path / "node.db") as node:
        node.record.note("south", refused)
        node.record.note("south", msgspec.structs.replace(refused, answer=b"\xff"))
        node.record.note("south", msgspec.structs.replace(refused, code=400))
        found = await log_set(node)
        (attempt,) = found.planning_attempts
        assert attempt.ovns == tuple(key)
        assert attempt.operational_intent_id == "84d41ec1-c546-438a-a0c3-12c609afa13a"
        assert attempt.missing_operational_intents == (reference["id"],)
        assert len(found.messages) == 3
        assert (await log_set(node, peer="south")).planning_attempts == ()


async def test_every_record_has_what_the_interface_requires(tmp_path: Path) -> None:
    async with small_world(tmp_path / "node.db") as node:
        node.record.note("south", said(source=""))
        reply = (await node.client.get("/api/v1/log-sets")).json()
        assert set(reply) == set(USSLogSet.__struct_fields__)
        (record,) = reply["messages"]
        assert set(record) >= {"url", "method", "recorder_role", "request_time", "request_source"}
        assert msgspec.convert(record, ExchangeRecord).request_source == ""


async def test_nothing_is_left_in_the_tables_that_nobody_counts(tmp_path: Path) -> None:
    """Method: seeded sizes; the counters equal what a count of the rows says, after each flush."""
    async with small_world(tmp_path / "node.db", exchanges_max=7) as node:
        for i in range(40):
            node.record.note("south", said(i, answer=bytes(range(i)) * 3))
            if i % 3 == 0:
                await node.record.flush()
                rows = await node.record._store.read(
                    lambda tx: tx.fetch("SELECT COUNT(*), SUM(LENGTH(document)) FROM exchange")
                )
                held = await node.record._store.read(lambda tx: Exchanges(tx).held())
                assert [(held.rows, held.bytes)] == rows
