"""The picture over HTTP: who gets it, in what form, whether it is news, and the stream's bounds."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from starlette.types import Message
from tests.asgi import Answer, ask
from tests.http.own_watch import track
from tests.http.own_world import NOON, PORT, TOKEN, World, plan_bytes, world

from tansiq.domain.actor import FeedScope
from tansiq.domain.time import zulu
from tansiq.http.own_table import OPERATIONS
from tansiq.http.picture_table import PICTURE_OPERATIONS
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio

HOST = ("Host", f"127.0.0.1:{PORT}")
MACHINE = [HOST, ("Authorization", f"Bearer {TOKEN}")]
PICTURES = ["picture.kml", "picture.geojson", "picture.cot"]
PATIENCE_S = 60.0


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


async def get(node: World, path: str, *headers: tuple[str, str], query: str = "") -> Answer:
    return await ask(node.app, f"/api/v1/{path}", headers=[*MACHINE, *headers], query=query)


async def feed_token(node: World, scope: FeedScope = FeedScope.FEED) -> str:
    new = {"name": f"map {scope}", "scopes": [scope]}
    reply = await node.client.post("/api/v1/feed-tokens", json=new)
    return str(reply.json()["token"])


# ---- what is answered


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("picture.kml", "application/vnd.google-earth.kml+xml"),
        ("picture.geojson", "application/geo+json"),
        ("picture.cot", "application/xml"),
    ],
)
async def test_each_form_holds_the_aircraft(node: World, path: str, media_type: str) -> None:
    answer = await get(node, path)
    assert answer.status == 200
    assert answer.headers["content-type"].partition(";")[0] == media_type
    assert b"HERON-1" in answer.body
    if path == "picture.geojson":
        assert len(answer.json["features"]) == 3
    else:
        ET.fromstring(answer.body)


async def test_a_plan_that_cannot_be_drawn_is_told(node: World) -> None:
    await node.client.post("/api/v1/plans", content=plan_bytes())
    (said,) = (await get(node, "picture.geojson")).json["tansiq"]["sentences"]
    assert said == "1 plans or no-go areas cannot be drawn."


@pytest.mark.parametrize("path", PICTURES)
async def test_who_has_it_is_told_so(node: World, path: str) -> None:
    first = await get(node, path)
    tag = first.headers["etag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}'):
        again = await get(node, path, ("If-None-Match", said))
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
    assert (await get(node, path, ("If-None-Match", '"other"'))).status == 200
    assert first.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("said", "zipped"),
    [
        ("gzip", True),
        ("deflate, gzip;q=0.5", True),
        ("*", True),
        ("", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("notgzip", False),
        ("gzipped", False),
        ("gzip;q=.", False),
    ],
)
async def test_it_is_compressed_for_who_takes_that(node: World, said: str, zipped: bool) -> None:
    answer = await get(node, "picture.kml", ("Accept-Encoding", said))
    assert (answer.headers.get("content-encoding") == "gzip") == zipped
    assert answer.headers["vary"] == "Accept-Encoding"
    body = gzip.decompress(answer.body) if zipped else answer.body
    assert ET.fromstring(body).tag.endswith("kml")


async def test_compressed_and_plain_have_tags_of_their_own(node: World) -> None:
    plain = (await get(node, "picture.kml")).headers["etag"]
    zipped = await get(node, "picture.kml", ("Accept-Encoding", "gzip"), ("If-None-Match", plain))
    assert zipped.status == 200
    assert zipped.headers["etag"] != plain


async def test_many_readers_cost_one_picture(node: World) -> None:
    await asyncio.gather(*(get(node, path) for path in PICTURES for _ in range(20)))
    assert node.watched.views == 1


# ---- the link, and tokens in the address


async def test_the_link_has_no_token_unless_its_address_has(node: World) -> None:
    plain = await get(node, "picture-link.kml")
    href = next(e.text for e in ET.fromstring(plain.body).iter() if e.tag.endswith("href"))
    assert href == f"http://127.0.0.1:{PORT}/api/v1/picture.kml"
    assert TOKEN.encode() not in plain.body
    every = next(e for e in ET.fromstring(plain.body).iter() if e.tag.endswith("refreshInterval"))
    assert every.text == "10"
    token = await feed_token(node)
    asked = await ask(node.app, "/api/v1/picture-link.kml", headers=[HOST], query=f"token={token}")
    href = next(e.text for e in ET.fromstring(asked.body).iter() if e.tag.endswith("href"))
    assert href == f"http://127.0.0.1:{PORT}/api/v1/picture.kml?token={token}"
    followed = await ask(
        node.app, "/api/v1/picture.kml", headers=[HOST], query=href.partition("?")[2]
    )
    assert followed.status == 200


@pytest.mark.parametrize("path", PICTURES)
async def test_a_feed_token_opens_it_as_a_header_and_in_the_address(node: World, path: str) -> None:
    token = await feed_token(node)
    header = [HOST, ("Authorization", f"Bearer {token}")]
    assert (await ask(node.app, f"/api/v1/{path}", headers=header)).status == 200
    by_address = await ask(node.app, f"/api/v1/{path}", headers=[HOST], query=f"token={token}")
    assert by_address.status == 200


async def test_nothing_but_a_feed_token_counts_in_an_address(node: World) -> None:
    """Neither this machine's, nor a session's, nor one of another scope, nor one that is gone."""
    account = {
        "name": "anna",
        "display_name": "Anna",
        "initials": "AN",
        "role": "admin",
        "password": "correct horse battery",
    }
    await node.client.post("/api/v1/accounts", json=account)
    login = {"name": "anna", "password": "correct horse battery", "kind": "bearer"}
    session = (await node.client.post("/api/v1/sessions", json=login)).json()["token"]
    metrics, good = await feed_token(node, FeedScope.METRICS), await feed_token(node)
    refused = {
        f"token={TOKEN}": 401,
        f"token={session}": 401,
        f"token={metrics}": 403,
        f"token={good}x": 401,
        "token=": 401,
        "": 401,
        f"token={good}&token={good}": 401,
        f"TOKEN={good}": 401,
    }
    for query, status in refused.items():
        for path in [*PICTURES, "picture-link.kml"]:
            answer = await ask(node.app, f"/api/v1/{path}", headers=[HOST], query=query)
            assert answer.status == status, (path, query)
            for secret in (TOKEN, session, metrics, good):
                assert secret.encode() not in answer.body


async def test_a_token_in_an_address_opens_nothing_else(node: World) -> None:
    token = await feed_token(node)
    of_picture = {op.path for op in PICTURE_OPERATIONS if op.access.scope is FeedScope.FEED}
    assert len(of_picture) == 4
    for op in OPERATIONS:
        if op.path in of_picture or op.access.least is None:
            continue
        answer = await ask(
            node.app, op.path, method=op.method, headers=[HOST], query=f"token={token}"
        )
        assert answer.status == 401, op.path
    for path in ("/metrics", "/api/openapi.json"):
        answer = await ask(node.app, path, headers=[HOST], query=f"token={token}")
        assert answer.status == 401, path


async def test_a_bad_header_is_not_mended_by_the_address(node: World) -> None:
    token = await feed_token(node)
    headers = [HOST, ("Authorization", "Bearer nonsense")]
    answer = await ask(node.app, "/api/v1/picture.kml", headers=headers, query=f"token={token}")
    assert answer.status == 401


# ---- the stream


class Client:
    """One reader of the stream, as a server would hold it; takes nothing until it is told."""

    def __init__(self, *, takes: bool = True) -> None:
        self.status = 0
        self.body = b""
        self.changed = asyncio.Event()
        self.gone = asyncio.Event()
        self.takes = asyncio.Event()
        if takes:
            self.takes.set()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message.get("body"):
            await self.takes.wait()
            self.body += message["body"]
        self.changed.set()

    @property
    def pictures(self) -> list[dict[str, Any]]:
        blocks = self.body.split(b"\n\n")[:-1]
        found = [b.split(b"\ndata: ")[1] for b in blocks if b.startswith(b"event: watch\n")]
        return [msgspec.json.decode(one) for one in found]

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def reading(node: World, *, takes: bool = True) -> AsyncIterator[Client]:
    client = Client(takes=takes)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/api/v1/watch/stream",
        "query_string": b"",
        "headers": [(k.lower().encode(), v.encode()) for k, v in MACHINE],
    }
    task = asyncio.create_task(node.app(scope, client.receive, client.send))
    try:
        yield client
    finally:
        client.gone.set()
        await task


@asynccontextmanager
async def quick_world(tmp_path: Path, **limits: int) -> AsyncIterator[World]:
    timers = Timers(picture_s=0.01, feed_heartbeat_s=0.1, feed_stall_s=0.5)
    async with world(tmp_path / "node.db", timers=timers, limits=Limits(**limits)) as node:
        yield node


async def test_the_first_thing_is_the_whole_picture(tmp_path: Path) -> None:
    async with quick_world(tmp_path) as node, reading(node) as client:
        await client.until(lambda c: c.pictures)
        assert client.pictures[0]["tracks"][0]["callsign"] == "HERON-1"
        node.watched.shown["tracks"] = (track(zulu(NOON), callsign="OSPREY"),)
        node.api.watch_stream.fanout.changed()
        await client.until(lambda c: len(c.pictures) > 1)
        assert client.pictures[-1]["tracks"][0]["callsign"] == "OSPREY"


async def test_an_idle_stream_shows_that_it_is_alive(tmp_path: Path) -> None:
    async with quick_world(tmp_path) as node, reading(node) as client:
        await client.until(lambda c: c.body.count(b": alive\n\n") >= 2)
        assert len(client.pictures) == 1, "nothing changed"


async def test_a_slow_reader_gets_the_newest_next_and_nothing_in_between(tmp_path: Path) -> None:
    async with quick_world(tmp_path) as node, reading(node) as quick, reading(node) as slow:
        await quick.until(lambda c: c.pictures)
        await slow.until(lambda c: c.pictures)
        slow.takes.clear()
        for number in range(1, 6):
            node.watched.shown["sentence"] = str(number)
            node.api.watch_stream.fanout.changed()
            await quick.until(lambda c, n=number: c.pictures[-1]["sentence"] == str(n))
        slow.takes.set()
        await slow.until(lambda c: c.pictures[-1]["sentence"] == "5")
        said = [picture["sentence"] for picture in slow.pictures]
        assert len(said) <= 3, "what was under way when it stopped, and the newest"


async def test_a_reader_that_takes_nothing_is_cut_off_and_counted(tmp_path: Path) -> None:
    async with quick_world(tmp_path) as node, reading(node, takes=False):
        async with asyncio.timeout(PATIENCE_S):
            # It is counted first, and let go a moment later.
            while not node.api.watch_stream.cut_off or node.api.watch_stream.readers:
                await asyncio.sleep(0.05)
        shown = (await ask(node.app, "/metrics", headers=MACHINE)).body.decode()
        assert "tansiq_watch_cut_off 1" in shown
        assert "tansiq_watch_readers 0" in shown


async def test_readers_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    async with quick_world(tmp_path, watch_clients_max=1) as node:
        async with reading(node) as client:
            await client.until(lambda c: c.pictures)
            refused = await get(node, "watch/stream")
            assert (refused.status, refused.json["code"]) == (503, "busy")
        async with reading(node) as client:
            await client.until(lambda c: c.pictures)


async def test_the_stream_ends_when_the_node_stops(tmp_path: Path) -> None:
    async with quick_world(tmp_path) as node:
        client = Client()
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/api/v1/watch/stream",
            "query_string": b"",
            "headers": [(k.lower().encode(), v.encode()) for k, v in MACHINE],
        }
        task = asyncio.create_task(node.app(scope, client.receive, client.send))
        await client.until(lambda c: c.pictures)
        node.api.watch_stream.fanout.let_go()
        async with asyncio.timeout(PATIENCE_S):
            await task
