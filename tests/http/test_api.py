"""Every route of the own API: what it does when asked well, and how it refuses."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.http.own_world import AREA, NO_ID, World, feature, plan_bytes, world

from tansiq.http.access import OPEN
from tansiq.http.openapi import document
from tansiq.http.own_table import OPERATIONS
from tansiq.services.views import PeerView
from tansiq.settings import Limits

pytestmark = pytest.mark.anyio

POSITION: dict[str, Any] = {
    "time_measured": "2026-11-23T12:00:00Z",
    "lat_deg": 39.0,
    "lng_deg": -121.0,
    "altitude_m": 640.0,
}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db", limits=Limits(header_bytes_max=4_000)) as built:
        yield built


async def submitted(node: World, minute: int = 60, **properties: Any) -> dict[str, Any]:
    reply = await node.client.post("/api/v1/plans", content=plan_bytes(minute, **properties))
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


async def test_a_plan_is_declared_listed_changed_activated_and_ended(node: World) -> None:
    reply = await node.client.post("/api/v1/plans?wait_s=5", content=plan_bytes(callsign="OSPREY"))
    plan = reply.json()
    assert reply.status_code == 201
    assert reply.headers["Location"] == f"/api/v1/plans/{plan['id']}"
    assert plan["coordinated"]

    where = reply.headers["Location"]
    assert (await node.client.get(where)).json() == plan
    assert (await node.client.get("/api/v1/plans")).json() == {"plans": [plan]}
    (short,) = (await node.client.get("/api/v1/plans?volumes=false")).json()["plans"]
    assert short == plan | {"volumes": [], "stated": []}

    changed = await node.client.put(where, content=plan_bytes(90))
    assert (changed.status_code, changed.json()["time_start"]) == (200, "2026-11-23T13:30:00Z")
    for body in (b"", b"{}"):
        activated = await node.client.post(f"{where}/activate", content=body)
        assert (activated.status_code, activated.json()["state"]) == (200, "Activated")
    ended = await node.client.delete(where)
    assert (ended.status_code, ended.json()["status"]) == (200, "ended")
    assert (await node.client.get("/api/v1/plans")).json() == {"plans": []}
    assert len((await node.client.get("/api/v1/plans?ended=true")).json()["plans"]) == 1


async def test_a_dry_run_judges_and_writes_nothing(node: World) -> None:
    await submitted(node, 60, callsign="OSPREY")
    reply = await node.client.post(
        "/api/v1/plans?dry_run=true", content=plan_bytes(65), headers={"Idempotency-Key": "k"}
    )
    verdict = reply.json()
    assert (reply.status_code, verdict["status"]) == (200, "refused")
    assert verdict["reason"] == "blocked by OSPREY: same block"
    assert [a["kind"] for a in verdict["alternatives"]] == ["delay", "level"]
    assert len((await node.client.get("/api/v1/plans")).json()["plans"]) == 1
    assert await kept_keys(node) == 0
    clear = await node.client.post("/api/v1/plans?dry_run=true", content=plan_bytes(90))
    assert clear.json()["status"] == "uncoordinated"


async def test_the_alternative_of_a_refused_plan_is_taken_by_a_shift(node: World) -> None:
    await submitted(node, 60)
    refused = await submitted(node, 65)
    assert refused["status"] == "refused"
    delay_s = refused["alternatives"][0]["delay_s"]
    # One second less still touches: the world's bounds are closed, as the domain's.
    less = await node.client.post(
        f"/api/v1/plans/{refused['id']}/shift", json={"delay_s": delay_s - 1}
    )
    assert less.json()["status"] == "refused"
    moved = await node.client.post(f"/api/v1/plans/{refused['id']}/shift", json={"delay_s": 1})
    assert (moved.status_code, moved.json()["status"]) == (200, "coordinated")


async def test_what_still_goes_on_answers_202(node: World) -> None:
    area = plan_bytes(**AREA)
    made = await node.client.post("/api/v1/constraints", content=area)
    where = made.headers["Location"]
    assert (made.status_code, made.json()["status"]) == (201, "not everywhere yet")
    assert (await node.client.put(where, content=area)).status_code == 202
    assert (await node.client.put(f"{where}?wait_s=5", content=area)).status_code == 200
    assert (await node.client.get(where)).json()["status"] == "everywhere"
    assert len((await node.client.get("/api/v1/constraints")).json()["constraints"]) == 1
    assert (await node.client.delete(where)).status_code == 200
    assert (await node.client.get("/api/v1/constraints")).json() == {"constraints": []}


@pytest.mark.parametrize("coding", ["gzip", "identity"])
async def test_whoever_has_the_airspace_is_told_so(node: World, coding: str) -> None:
    asks = {"Accept-Encoding": coding}
    first = await node.client.get("/api/v1/airspace", headers=asks)
    tag = first.headers["etag"]
    again = await node.client.get("/api/v1/airspace", headers=asks | {"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = await node.client.get("/api/v1/airspace", headers=asks | {"If-None-Match": '"x"'})
    assert (other.status_code, other.json()) == (200, first.json())


async def test_airspace_and_status(node: World) -> None:
    await submitted(node)
    (entry,) = (await node.client.get("/api/v1/airspace")).json()["entries"]
    assert entry["manager"] == "south"
    assert (await node.client.get("/api/v1/status")).json()["plans"] == {"coordinated": 1}


async def test_an_aircraft_outside_its_plan_is_told_of_and_comes_back(node: World) -> None:
    made = await node.client.post("/api/v1/plans", content=plan_bytes())
    path = f"/api/v1/plans/{made.json()['id']}"
    key = {"Idempotency-Key": "stray-1"}
    for _ in range(2):
        reply = await node.client.post(
            f"{path}/off-nominal?state=nonconforming", content=plan_bytes(), headers=key
        )
        assert (reply.status_code, reply.json()["state"]) == (200, "Nonconforming")
    assert node.sky.effects == 2  # Declared, and strayed once.
    assert (await node.client.post(f"{path}/activate")).json()["state"] == "Activated"
    for state in ("", "?state=Accepted", "?state=Lost"):
        reply = await node.client.post(f"{path}/off-nominal{state}", content=plan_bytes())
        assert (reply.status_code, reply.json()["field"]) == (400, "state")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lat_deg": 90.000001}, "lat_deg"),
        ({"lng_deg": -180.000001}, "lng_deg"),
        ({"altitude_m": 100_000.1}, "altitude_m"),
        ({"speed_mps": 1_000.1}, "speed_mps"),
        ({"speed_mps": -0.1}, "speed_mps"),
        ({"track_deg": 360.0}, "track_deg"),
        ({"accuracy_h": "HA2m"}, "accuracy_h"),
        ({"time_measured": "2" * 41}, "time_measured"),
        ({"heading": 1}, "body"),
    ],
)
async def test_a_position_that_cannot_be_is_refused(
    node: World, change: dict[str, Any], field: str
) -> None:
    made = await node.client.post("/api/v1/plans", content=plan_bytes())
    path = f"/api/v1/plans/{made.json()['id']}/telemetry"
    edges = {"lat_deg": 90.0, "lng_deg": -180.0, "speed_mps": 1_000.0, "track_deg": 359.9}
    reply = await node.client.post(path, content=msgspec.json.encode(POSITION | edges))
    assert (reply.status_code, reply.json()["lat_deg"]) == (200, 90.0)
    reply = await node.client.post(path, content=msgspec.json.encode(POSITION | change))
    assert (reply.status_code, reply.json()["field"]) == (400, field)


@pytest.mark.parametrize("op", OPERATIONS, ids=lambda op: op.name)
async def test_no_route_answers_without_the_token(node: World, op: Any) -> None:
    path = op.path.replace("{id}", NO_ID)
    for headers in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        reply = await node.client.request(
            op.method, path, content=plan_bytes() if op.body != "none" else b"", headers=headers
        )
        # The two that are open want a good body instead; the matrix has who may what.
        assert reply.status_code == (400 if op.access == OPEN else 401)
    foreign = {"Host": "evil.example:8080"}
    assert (await node.client.request(op.method, path, headers=foreign)).status_code == 403
    assert node.sky.effects == 0


@pytest.mark.parametrize("op", [op for op in OPERATIONS if "{id}" in op.path], ids=lambda o: o.name)
async def test_an_unknown_id_is_not_found_and_a_malformed_one_refused(node: World, op: Any) -> None:
    bodies = {"change_constraint": plan_bytes(**AREA), "change_plan": plan_bytes()}
    bodies["shift_plan"] = b'{"delay_s":1}'
    bodies["off_nominal_plan"] = plan_bytes()
    bodies["report_telemetry"] = msgspec.json.encode(POSITION)
    bodies["set_role"] = b'{"role":"watch"}'
    bodies["set_password"] = b'{"password":"four words would do it"}'
    body = bodies.get(op.name, b"")
    path = op.path + ("?state=Contingent" if op.name == "off_nominal_plan" else "")
    unknown = await node.client.request(op.method, path.replace("{id}", NO_ID), content=body)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")
    for bad in ("x", NO_ID[:-1], NO_ID + "0", "%2e%2e", "a" * 5_000, "%00", "é"):
        reply = await node.client.request(op.method, path.replace("{id}", bad), content=body)
        assert (reply.status_code, reply.json()["field"]) == (400, "id"), bad
    assert node.sky.effects == 0


async def test_unknown_routes_and_methods_answer_problems(node: World) -> None:
    for method, path, status in [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/plans/", 404),
        ("GET", "/docs", 404),
        ("PATCH", "/api/v1/plans", 405),
        ("HEAD", "/api/v1/events", 405),
    ]:
        reply = await node.client.request(method, path)
        assert reply.status_code == status
        assert reply.headers["content-type"] == "application/problem+json"


async def test_a_put_to_another_id_is_refused(node: World) -> None:
    plan = await submitted(node)
    reply = await node.client.put(f"/api/v1/plans/{plan['id']}", content=plan_bytes(id=NO_ID))
    assert (reply.status_code, reply.json()["field"]) == (400, "id")


async def test_a_plan_is_no_area_and_an_area_no_plan(node: World) -> None:
    for path, body in [
        ("/api/v1/plans", plan_bytes(**AREA)),
        ("/api/v1/constraints", plan_bytes()),
    ]:
        reply = await node.client.post(path, content=body)
        assert reply.status_code == 400
        assert "type" in reply.json()["field"]


async def test_wrong_state_is_a_conflict(node: World) -> None:
    await submitted(node)
    refused = await submitted(node)
    reply = await node.client.post(f"/api/v1/plans/{refused['id']}/activate")
    assert (reply.status_code, reply.json()["code"]) == (409, "wrong-state")


async def test_health_is_open_and_tells_what_is_missing(node: World) -> None:
    bare = {"Authorization": ""}
    assert (await node.client.get("/healthz", headers=bare)).json() == {"alive": True}
    ready = await node.client.get("/readyz", headers=bare)
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    # A register that does not answer is known to be away; one never asked is not known.
    node.sky.peers = (PeerView(id="south", url="", reachable=False, problem="refused"),)
    assert (await node.client.get("/readyz", headers=bare)).status_code == 200
    node.sky.peers = (PeerView(id="south", url="", reachable=None),)
    missing = await node.client.get("/readyz", headers=bare)
    assert missing.status_code == 503
    assert missing.json()["checks"][1]["text"] == "not asked yet"


async def test_a_node_without_its_store_is_alive_and_not_ready(node: World) -> None:
    await node.store.close()
    reply = await node.client.get("/readyz")
    assert (reply.status_code, reply.json()["checks"][0]["ok"]) == (503, False)
    assert (await node.client.get("/healthz")).status_code == 200
    reply = await node.client.get("/api/v1/events?follow=false")
    assert (reply.status_code, reply.json()["code"]) == (503, "store-error")


async def test_figures_count_by_route_and_not_by_address(node: World) -> None:
    plan = await submitted(node, callsign="OSPREY")
    await node.client.get(f"/api/v1/plans/{plan['id']}")
    await node.client.get("/nowhere")
    reply = await node.client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = reply.text.splitlines()
    count = "tansiq_http_requests_total"
    assert f'{count}{{method="GET",route="/api/v1/plans/{{id}}",status="200"}} 1.0' in lines
    assert f'{count}{{method="other",route="other",status="404"}} 1.0' in lines
    assert 'tansiq_plans{status="coordinated"} 1.0' in lines
    assert plan["id"] not in reply.text
    bare = await node.client.get("/metrics", headers={"Authorization": ""})
    assert bare.status_code == 401


def long_query(length: int) -> str:
    return "/api/v1/plans?x=" + "a" * (length - 2)


DEEP = b'{"a":' * 200 + b"1" + b"}" * 200
SHIFT = f"/api/v1/plans/{NO_ID}/shift"
MUSEUM: list[tuple[str, str, bytes, dict[str, str], int, str]] = [
    ("POST", "/api/v1/plans", b"", {}, 400, ""),
    ("POST", "/api/v1/plans", b"{", {}, 400, ""),
    ("POST", "/api/v1/plans", b"[]", {}, 400, ""),
    ("POST", "/api/v1/plans", b"null", {}, 400, ""),
    ("POST", "/api/v1/plans", b"\xff\xfe", {}, 400, ""),
    ("POST", "/api/v1/plans", DEEP, {}, 413, ""),
    ("POST", "/api/v1/plans", b"[" * 100_000, {}, 413, ""),
    ("POST", "/api/v1/plans", plan_bytes(-600), {}, 400, "end"),
    ("POST", "/api/v1/plans", plan_bytes(lower=700), {}, 400, "lower"),
    ("POST", "/api/v1/plans", plan_bytes(datum="ELEPHANT"), {}, 400, "datum"),
    ("POST", "/api/v1/plans", plan_bytes(units="furlong"), {}, 400, "units"),
    ("POST", "/api/v1/plans", plan_bytes(callsign="a\nb"), {}, 400, "callsign"),
    ("POST", "/api/v1/plans", plan_bytes(callsign=7), {}, 400, "callsign"),
    ("POST", "/api/v1/plans", plan_bytes(priority=10**30), {}, 400, "priority"),
    ("POST", "/api/v1/plans", plan_bytes(radius_m=-1), {}, 400, "radius_m"),
    ("POST", "/api/v1/plans", plan_bytes(id="7"), {}, 400, "id"),
    ("POST", "/api/v1/plans", plan_bytes().replace(b"300", b"NaN"), {}, 400, ""),
    ("POST", "/api/v1/plans", plan_bytes().replace(b"50.0", b"150.0"), {}, 400, "coordinates"),
    ("POST", "/api/v1/plans", b" " * 4_000_001, {}, 413, "body"),
    ("POST", "/api/v1/plans", plan_bytes(), {"Content-Type": "text/xml"}, 400, "Content-Type"),
    (
        "POST",
        "/api/v1/plans",
        plan_bytes(),
        {"Content-Encoding": "gzip"},
        400,
        "Content-Encoding",
    ),
    ("POST", "/api/v1/plans", plan_bytes(), {"Idempotency-Key": ""}, 400, "Idempotency-Key"),
    ("POST", "/api/v1/plans", plan_bytes(), {"Idempotency-Key": "a b"}, 400, "Idempotency-Key"),
    (
        "POST",
        "/api/v1/plans",
        plan_bytes(),
        {"Idempotency-Key": "k" * 129},
        400,
        "Idempotency-Key",
    ),
    ("POST", "/api/v1/plans", plan_bytes(), {"X-Long": "x" * 4_000}, 413, ""),
    ("POST", "/api/v1/plans?wait_s=60.1", plan_bytes(), {}, 400, "wait_s"),
    ("POST", "/api/v1/plans?wait_s=-1", plan_bytes(), {}, 400, "wait_s"),
    ("POST", "/api/v1/plans?wait_s=nan", plan_bytes(), {}, 400, "wait_s"),
    ("POST", "/api/v1/plans?wait_s=1e1", plan_bytes(), {}, 400, "wait_s"),
    ("POST", "/api/v1/plans?wait_s=1&wait_s=1", plan_bytes(), {}, 400, "wait_s"),
    ("POST", "/api/v1/plans?dry_run=yes", plan_bytes(), {}, 400, "dry_run"),
    ("POST", "/api/v1/plans?dryrun=true", plan_bytes(), {}, 400, "dryrun"),
    ("GET", "/api/v1/plans?ended=", b"", {}, 400, "ended"),
    ("GET", long_query(2_001), b"", {}, 413, "query"),
    ("GET", long_query(2_000), b"", {}, 400, "x"),
    ("GET", "/api/v1/status?verbose=true", b"", {}, 400, "verbose"),
    ("GET", "/api/v1/events?after=-1", b"", {}, 400, "after"),
    ("GET", "/api/v1/events?after=9007199254740993", b"", {}, 400, "after"),
    ("GET", f"/api/v1/events?after={'9' * 50}", b"", {}, 400, "after"),
    ("GET", "/api/v1/events", b"", {"Last-Event-ID": "seven"}, 400, "Last-Event-ID"),
    ("GET", "/api/v1/events", b"", {"Last-Event-ID": "٧"}, 400, "Last-Event-ID"),
    ("POST", SHIFT, b"", {}, 400, "delay_s"),
    ("POST", SHIFT, b'{"delay_s":0,"up_m":-0.0}', {}, 400, "delay_s"),
    ("POST", SHIFT, b'{"delay_s":"1"}', {}, 400, "delay_s"),
    ("POST", SHIFT, b'{"delay_s":1.5}', {}, 400, "delay_s"),
    ("POST", SHIFT, b'{"delay_s":2592001}', {}, 400, "delay_s"),
    ("POST", SHIFT, b'{"up_m":20000.1}', {}, 400, "up_m"),
    ("POST", SHIFT, b'{"up_m":NaN}', {}, 400, "body"),
    ("POST", SHIFT, b'{"up_m":1e999}', {}, 400, ""),
    ("POST", SHIFT, b'{"sideways_m":1}', {}, 400, "body"),
    ("POST", SHIFT, b"[" * 100_000, {}, 400, "body"),
    ("POST", f"/api/v1/plans/{NO_ID}/activate", b'{"now":true}', {}, 400, "body"),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "field"),
    MUSEUM,
    ids=[f"{i}-{m[1][8:40]}-{m[5]}" for i, m in enumerate(MUSEUM)],
)
async def test_malformed_requests_are_refused_and_change_nothing(
    node: World,
    method: str,
    path: str,
    body: bytes,
    headers: dict[str, str],
    status: int,
    field: str,
) -> None:
    sent = {name: value.encode() for name, value in headers.items()}
    reply = await node.client.request(method, path, content=body, headers=sent)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem.get("field", "").endswith(field), problem
    assert len(problem["detail"]) > 10
    assert len(reply.content) < 2_000
    assert node.sky.effects == 0
    assert await node.events.bounds() == (1, 0)
    assert await kept_keys(node) == 0


async def kept_keys(node: World) -> int:
    rows = await node.store.read(lambda tx: tx.fetch("SELECT COUNT(*) FROM idempotency"))
    return int(rows[0][0])


@pytest.mark.parametrize("wait_s", ["60", "0", "0.25"])
async def test_the_longest_wait_is_taken(node: World, wait_s: str) -> None:
    reply = await node.client.post(f"/api/v1/plans?wait_s={wait_s}", content=plan_bytes())
    assert reply.status_code == 201


async def test_bodies_up_to_the_limit_are_read(node: World) -> None:
    at_limit = plan_bytes() + b" " * (4_000_000 - len(plan_bytes()))
    assert (await node.client.post("/api/v1/plans", content=at_limit)).status_code == 201
    beyond = await node.client.post("/api/v1/plans", content=at_limit + b" ")
    assert beyond.status_code == 413


async def test_a_body_of_unannounced_length_is_bounded_too(node: World) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1_000_000

    reply = await node.client.post("/api/v1/plans", content=endless())
    assert (reply.status_code, reply.json()["field"]) == (413, "body")


async def test_the_description_names_every_route_and_only_those(node: World) -> None:
    described = (await node.client.get("/api/openapi.json")).json()
    assert described == msgspec.json.decode(msgspec.json.encode(document(OPERATIONS)))
    assert described["openapi"] == "3.1.0"
    named = {(p, m) for p, methods in described["paths"].items() for m in methods}
    assert named == {(op.path, op.method.lower()) for op in OPERATIONS}
    references = {r for r in _references(described) if r.startswith("#/components/schemas/")}
    assert {r.rpartition("/")[2] for r in references} <= set(described["components"]["schemas"])


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(_references, node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()


async def test_a_collection_of_features_is_one_plan(node: World) -> None:
    both = {"type": "FeatureCollection", "features": [feature(60), feature(70)]}
    reply = await node.client.post("/api/v1/plans", json=both)
    assert reply.status_code == 201
    assert reply.json()["time_end"] == "2026-11-23T13:20:00Z"


async def test_a_body_that_trickles_is_given_up(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two readers of pasted text at once, both of whom never end: the next one is served."""
    monkeypatch.setattr("tansiq.http.api.BODY_S_MAX", 0.3)

    async def trickle() -> AsyncIterator[bytes]:
        yield b'{"text": "'
        await asyncio.Event().wait()

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        slow = [
            group.create_task(node.client.post("/api/v1/read", content=trickle())) for _ in range(2)
        ]
        await asyncio.sleep(0.05)
        quick = await node.client.post("/api/v1/read", json={"text": "33.5N 36.2E radius 1 km"})
        assert quick.status_code == 200
        for each in slow:
            reply = await each
            assert (reply.status_code, reply.json()["field"]) == (400, "body")
