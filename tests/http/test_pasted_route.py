"""``POST /read``: how it answers and refuses, and that the answer becomes a plan."""

import base64
import io
import json
import threading
import time
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from tests.formats.pasted import NOTAM, kml, mark, sheet
from tests.http.own_world import World, world

from tansiq.http import pasted

pytestmark = pytest.mark.anyio
PATH = "/api/v1/read"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


async def read(node: World, **body: Any) -> httpx.Response:
    return await node.client.post(PATH, json=body)


async def test_a_typed_circle_with_the_rest_filled_in_is_a_plan(node: World) -> None:
    reply = await read(node, text="33.5102 36.2913 radius 5 km")
    assert reply.status_code == 200
    answer = reply.json()
    assert (answer["kind"], answer["name"], answer["warnings"]) == ("coordinates", "", [])
    assert answer["sentence"] == {
        "code": "read-as-coordinates",
        "values": {"count": "1"},
        "text": "Read as coordinates. Volumes: 1.",
    }
    (volume,) = answer["volumes"]
    assert volume["lacks"] == ["start", "end", "lower", "upper"]
    assert [sentence["code"] for sentence in volume["sentences"]] == [
        "read-circle",
        "read-levels-open",
        "read-times-open",
    ]
    filled = {"lower": 900, "upper": 1200, "units": "M", "datum": "AMSL", "callsign": "OSPREY-9"}
    filled |= {"start": "2026-11-23T13:00:00Z", "end": "2026-11-23T13:15:00Z"}
    features = [f | {"properties": f["properties"] | filled} for f in volume["features"]]
    plan = {"type": "FeatureCollection", "features": features}
    made = await node.client.post("/api/v1/plans?wait_s=5", json=plan)
    assert made.status_code == 201, made.text
    assert made.json()["callsign"] == "OSPREY-9"


async def test_a_notice_and_its_warnings(node: World) -> None:
    answer = (await read(node, text=NOTAM, kind="aeronautical", language="en")).json()
    assert (answer["kind"], answer["name"]) == ("aeronautical", "A1234/26")
    (warning,) = answer["warnings"]
    assert (warning["code"], warning["volume"]) == ("read-q-circle-skipped", 0)
    assert answer["volumes"][0]["start"] == "2026-11-28T14:00:00Z"


async def test_sizes_that_the_text_lacks_can_be_sent(node: World) -> None:
    text = "33.5 36.2\n\n33.5 36.2\n33.6 36.3"
    first = (await read(node, text="33.5 36.2", radius_m=500)).json()["volumes"][0]
    assert first["outline"] == {"circle": {"lat": 33.5, "lng": 36.2, "radius_m": 500.0}}
    said = (await read(node, text="33.5 36.2 radius 1 km", radius_m=500)).json()["volumes"][0]
    assert said["outline"]["circle"]["radius_m"] == 1000.0
    line = (await read(node, text=text.partition("\n\n")[2], half_width_m=300)).json()["volumes"][0]
    assert line["outline"]["corridor"]["half_width_m"] == 300.0
    assert len(line["features"]) == 1


async def test_a_kmz_as_base64(node: World) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc.kml", kml(mark(sheet())))
    encoded = base64.b64encode(packed.getvalue()).decode()
    for kind in ("auto", "kml"):
        answer = (await read(node, base64=encoded, kind=kind)).json()
        assert (answer["kind"], answer["name"]) == ("kml", "Box")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({}, 400, "text"),
        ({"text": ""}, 400, "text"),
        ({"text": "hello"}, 400, "line 1"),
        ({"text": "33 36", "kind": "notam"}, 400, "kind"),
        ({"text": "33 36", "language": "ar"}, 400, "language"),
        ({"text": "33 36", "radius_m": 0}, 400, "radius_m"),
        ({"text": "33 36", "radius_m": 1_000_001}, 400, "radius_m"),
        ({"text": "33 36", "half_width_m": "5"}, 400, "half_width_m"),
        ({"text": "33 36", "base64": "AAAA"}, 400, "base64"),
        ({"base64": "AAAA", "kind": "geojson"}, 400, "kind"),
        ({"base64": "!"}, 400, "base64"),
        ({"text": "33 36", "purpose": "x"}, 400, "body"),
        ({"text": 5}, 400, "text"),
        ({"text": "33 36 " + " " * 1_000_000}, 413, "text"),
        ({"text": " " * 1_500_000}, 413, "body"),
        ({"text": "0 0\n1 1\n0 1\n1 0"}, 400, "vertices"),
    ],
)
async def test_what_is_refused(node: World, body: Any, status: int, field: str) -> None:
    reply = await read(node, **body)
    assert reply.status_code == status, reply.text
    problem = reply.json()
    assert problem.get("field") == field, problem
    assert problem["detail"]


async def test_half_of_a_surrogate_pair_is_refused(node: World) -> None:
    reply = await node.client.post(PATH, content=b'{"text": "33 36 \\ud800"}')
    assert reply.status_code == 400


async def test_while_a_large_text_is_read_others_are_answered(node: World) -> None:
    replies: list[httpx.Response] = []
    answered = 0

    async def large() -> None:
        replies.append(await read(node, text="PSN " + "33 " * 90_000))

    async with anyio.create_task_group() as group:
        group.start_soon(large)
        while not replies:
            # The client is in this process and never waits by itself: let the other one go on.
            await anyio.sleep(0.01)
            assert (await node.client.get("/healthz")).status_code == 200
            answered += 1
    assert replies[0].status_code == 400
    assert answered > 1


async def test_two_texts_are_read_at_once_and_the_rest_wait(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, most = 0, 0
    really, counting = pasted._read, threading.Lock()

    def counted(body: pasted.Pasted) -> Any:
        nonlocal now, most
        with counting:
            now += 1
            most = max(most, now)
        time.sleep(0.02)  # Else one is done before the next thread begins.
        try:
            return really(body)
        finally:
            with counting:
                now -= 1

    monkeypatch.setattr(pasted, "_read", counted)
    statuses: list[int] = []

    async def one(text: str) -> None:
        statuses.append((await read(node, text=text)).status_code)

    async with anyio.create_task_group() as group:
        for size in (0, 400, 400, 400, 400, 400, 400):
            group.start_soon(one, f"33 36{' ' * size}")
        group.start_soon(one, "hello" * 100)
    assert sorted(statuses) == [200] * 7 + [400]
    assert most == 2


async def test_nothing_is_kept_and_no_key_is_taken(node: World) -> None:
    for _ in range(2):
        reply = await node.client.post(
            PATH, json={"text": "33 36"}, headers={"Idempotency-Key": "one"}
        )
        assert reply.status_code == 200
    other = await node.client.post(PATH, json={"text": "34 36"}, headers={"Idempotency-Key": "one"})
    assert other.json()["volumes"][0]["outline"]["circle"]["lat"] == 34.0
    assert node.sky.effects == 0
    assert json.loads((await node.client.get("/api/v1/plans")).content) == {"plans": []}
