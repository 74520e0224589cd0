"""What nobody honest sends never makes a node fail, and what it refuses has changed nothing.

Method: good bodies for every route that takes one, spoilt in each of their places with each of
about 60 literals (``hostile``), whole bodies that are no messages, and hostile ids in every path.
All against a real node over a socket, byte for byte. After each refusal the tables are compared
with what they held before. A seeded sample runs always, everything in soak. The control is an
application that keeps what it then refuses, and one that fails: the same eyes must see both.
"""

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.fuzz.hostile import BODIES, IDS, moment, reference, round_volume, spoilt, volume
from tests.fuzz.running import Served, serving

from tansiq.demo.nodes import free_ports
from tansiq.http.problems import Boundary, problem
from tansiq.settings import STORE

SEED = 20_261_124
SAMPLE = 500
ANSWER_S_MAX = 120.0
ID = "2f8343be-6482-4d1b-a474-16847e01af1e"
AT_WORK = ("heartbeat", "store_probe", "sqlite_sequence", "idempotency", "record_")
"""Tables that the node writes by itself, or that remember refusals on purpose: the record takes
exchanges that were refused too, a moment after they were answered."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    method: str
    path: str
    body: bytes
    peer: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path[:200]} {self.body[:300]!r}"


def good_bodies() -> dict[tuple[str, str], Any]:
    """Return a good body for every route of F3548-21 that takes one."""
    intent = {
        "reference": reference(ID, "Accepted"),
        "details": {"volumes": [volume()], "off_nominal_volumes": [], "priority": 0},
    }
    constraint = {"reference": reference(ID, None), "details": {"volumes": [round_volume()]}}
    states = [{"subscription_id": ID, "notification_index": 1}]
    exchange = {
        "url": "http://127.0.0.1:1",
        "method": "GET",
        "headers": ["Authorization: x"],
        "recorder_role": "Client",
        "request_time": moment(-1),
        "request_body": "eA==",
        "response_time": moment(-1),
        "response_code": 200,
        "problem": "x",
    }
    dss = "/dss/v1"
    url = "https://uss1.example/v1"
    return {
        ("PUT", f"{dss}/operational_intent_references/{ID}"): {
            "extents": [volume()],
            "key": [],
            "state": "Accepted",
            "uss_base_url": url,
            "new_subscription": {"uss_base_url": url, "notify_for_constraints": False},
        },
        ("POST", f"{dss}/operational_intent_references/query"): {"area_of_interest": volume()},
        ("PUT", f"{dss}/constraint_references/{ID}"): {
            "extents": [round_volume()],
            "uss_base_url": url,
        },
        ("POST", f"{dss}/constraint_references/query"): {"area_of_interest": round_volume()},
        ("PUT", f"{dss}/subscriptions/{ID}"): {
            "extents": volume(),
            "uss_base_url": url,
            "notify_for_operational_intents": True,
            "notify_for_constraints": True,
        },
        ("POST", f"{dss}/subscriptions/query"): {"area_of_interest": volume()},
        ("PUT", f"{dss}/uss_availability/uss9"): {"old_version": "", "availability": "Normal"},
        ("POST", f"{dss}/reports"): {"exchange": exchange},
        ("POST", "/uss/v1/reports"): {"exchange": exchange},
        ("POST", "/uss/v1/operational_intents"): {
            "operational_intent_id": ID,
            "operational_intent": intent,
            "subscriptions": states,
        },
        ("POST", "/at/north/uss/v1/constraints"): {
            "constraint_id": ID,
            "constraint": constraint,
            "subscriptions": states,
        },
    }


def own_bodies() -> dict[tuple[str, str], Any]:
    """Return a good body for every route of the own API that takes one."""
    plan = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [10.1, 50.1]},
        "properties": {
            "start": moment(0.5)["value"],
            "end": moment(1.5)["value"],
            "lower": 400,
            "upper": 500,
            "datum": "AMSL",
            "units": "M",
            "radius_m": 300,
            "callsign": "FUZZ",
            "priority": 0,
        },
    }
    area = {**plan, "properties": {**plan["properties"], "type": "constraint"}}
    return {
        ("POST", "/api/v1/plans"): plan,
        ("PUT", f"/api/v1/plans/{ID}"): plan,
        ("POST", "/api/v1/constraints"): area,
        ("POST", f"/api/v1/plans/{ID}/shift"): {"delay_s": 60, "up_m": 10.5},
        ("POST", f"/api/v1/plans/{ID}/activate"): {},
    }


def everything() -> Iterator[Sent]:
    """Yield every hostile request."""
    for peer, bodies in ((True, good_bodies()), (False, own_bodies())):
        for (method, path), good in bodies.items():
            for body in (*BODIES, *spoilt(good)):
                yield Sent(method, path, body, peer)
        for (method, path), good in bodies.items():
            for text in IDS:
                if ID in path:
                    yield Sent(method, path.replace(ID, text), json.dumps(good).encode(), peer)
    for text in IDS:
        for path in (
            f"/dss/v1/operational_intent_references/{text}",
            f"/dss/v1/operational_intent_references/{ID}/{text}",
            f"/dss/v1/constraint_references/{text}/{text}",
            f"/dss/v1/subscriptions/{ID}/{text}",
            f"/uss/v1/operational_intents/{text}",
            f"/uss/v1/operational_intents/{text}/telemetry",
            f"/at/{text}/uss/v1/constraints/{ID}",
            f"/dss/v1/uss_availability/{text}",
            f"/aux/v1/{text}",
            f"/{text}",
        ):
            yield Sent("GET", path, b"", peer=True)
            yield Sent("DELETE", path, b"", peer=True)
        for path in (f"/api/v1/plans/{text}", f"/api/v1/constraints/{text}", f"/api/v1/{text}"):
            yield Sent("GET", path, b"", peer=False)
            yield Sent("DELETE", path, b"", peer=False)
        yield Sent("GET", f"/api/v1/log-sets?peer={text}&from={text}", b"", peer=False)


class Wire:
    """Sends requests as they are, and looks at the tables."""

    def __init__(
        self, store: Path, ports: dict[bool, int], headers: dict[bool, dict[str, str]]
    ) -> None:
        """Take ports and headers by whether they are a peer's."""
        self._store = store
        self._ports = ports
        self._headers = headers
        self._connections: dict[bool, http.client.HTTPConnection] = {}

    @classmethod
    def to(cls, node: Served) -> "Wire":
        return cls(
            node.data / STORE,
            {True: node.peer_port, False: node.own_port},
            {True: node.peer_headers(), False: node.own_headers},
        )

    def send(self, sent: Sent) -> int:
        """Return the status of the answer."""
        for fresh in (False, True):
            connection = self._connections.get(sent.peer)
            if connection is None or fresh:
                port = self._ports[sent.peer]
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S_MAX)
                self._connections[sent.peer] = connection
            try:
                # Not `request`: it refuses to send some of what is to be sent.
                connection.putrequest(sent.method, sent.path, skip_accept_encoding=True)
                for name, value in self._headers[sent.peer].items():
                    connection.putheader(name, value)
                connection.putheader("Content-Type", "application/json")
                connection.putheader("Content-Length", str(len(sent.body)))
                connection.endheaders(sent.body)
                answer = connection.getresponse()
                answer.read()
            except (http.client.HTTPException, ConnectionError):
                connection.close()
                if fresh:
                    raise
            else:
                return answer.status
        raise AssertionError("the second try returns or raises")

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def tables(self) -> dict[str, str]:
        """Return a digest of each table."""
        found = {}
        with apsw.Connection(
            f"file:{self._store}?mode=ro",
            flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI,
        ) as db:
            names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (name,) in names:
                if not name.startswith(AT_WORK):
                    rows = db.execute(f'SELECT * FROM "{name}"').fetchall()
                    found[name] = hashlib.sha256(repr(rows).encode()).hexdigest()
        db.close()
        return found


def assail(line: Wire, requests: list[Sent]) -> dict[int, int]:
    """Send them all; return answers by status."""
    counts: dict[int, int] = {}
    try:
        before = line.tables()
        for sent in requests:
            status = line.send(sent)
            counts[status] = counts.get(status, 0) + 1
            assert status < 500, f"{status}: {sent}"
            after = line.tables()
            if status >= 400 and after != before:
                # Perhaps the node was still at work on what it had accepted: once more, in quiet.
                before = quiet(line)
                line.send(sent)
                after = quiet(line)
                changed = [name for name in after if after[name] != before.get(name)]
                assert not changed, f"{status}, and yet {changed} changed: {sent}"
            before = after
    finally:
        line.close()
    print(f"{len(requests)} requests, answers by status: {dict(sorted(counts.items()))}")
    return counts


def assail_node(folder: Path, requests: list[Sent]) -> dict[int, int]:
    """Send them all to a fresh node; its log must be as clean as its answers."""
    with serving(folder) as node:
        try:
            return assail(Wire.to(node), requests)
        finally:
            assert "Traceback" not in node.log, node.log[-4_000:]


def quiet(line: Wire) -> dict[str, str]:
    """Return the digests once they stay as they are."""
    found = line.tables()
    for _ in range(100):
        time.sleep(0.1)
        before, found = found, line.tables()
        if found == before:
            return found
    raise AssertionError("the node does not come to rest")


def test_a_sample_of_what_nobody_honest_sends(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    requests = list(everything())
    Random(SEED).shuffle(requests)
    counts = assail_node(tmp_path / "north", requests[:SAMPLE])
    assert {200, 400, 404} <= set(counts)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_all_of_what_nobody_honest_sends(tmp_path: Path) -> None:
    counts = assail_node(tmp_path / "north", list(everything()))
    assert {200, 201, 204, 400, 404, 413} <= set(counts)


# Controls


def broken_app(store: Path) -> Starlette:
    """Return an application that keeps what it refuses under one path, and fails under another."""

    async def keeps(_: Request) -> Response:
        with apsw.Connection(str(store)) as db:
            db.execute("INSERT INTO plan VALUES (1)")
        return Response(status_code=400)

    async def fails(request: Request) -> Response:
        await request.json()  # Whatever is no JSON raises here.
        return Response(status_code=400)

    return Starlette(
        routes=[
            Route("/keeps", keeps, methods=["POST"]),
            Route("/fails", fails, methods=["POST"]),
        ],
        middleware=[Middleware(Boundary, render=problem)],
    )


@pytest.mark.parametrize(
    ("path", "seen"), [("/keeps", r"\['plan'\] changed"), ("/fails", "500: POST /fails")]
)
def test_a_broken_application_is_seen(tmp_path: Path, path: str, seen: str) -> None:
    store = tmp_path / "broken.db"
    with apsw.Connection(str(store)) as db:
        db.execute("CREATE TABLE plan (n)")
    (port,) = free_ports(1, 23_900)
    config = uvicorn.Config(broken_app(store), port=port, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        line = Wire(store, {True: port}, {True: {}})
        with pytest.raises(AssertionError, match=seen):
            assail(line, [Sent("POST", path, body, peer=True) for body in BODIES])
    finally:
        server.should_exit = True
        thread.join()
