"""The console's files on the own listener: who gets them, how, and nothing beside."""

import asyncio
import gzip
import logging
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from tests.asgi import Answer, ask
from tests.http.own_console import BASE_MAP, FILES, SCRIPT, own_console, write_console
from tests.http.own_world import PORT, TOKEN, World, world

from tansiq.http import console as served
from tansiq.http.access import access_of
from tansiq.http.api import own_app
from tansiq.http.console import (
    ConsoleFile,
    console_routes,
    is_built,
    packaged,
    read_console,
)
from tansiq.http.guard import Address
from tansiq.http.listener import listener

pytestmark = pytest.mark.anyio

HOST = ("Host", f"127.0.0.1:{PORT}")
MACHINE = [HOST, ("Authorization", f"Bearer {TOKEN}")]
ZIPPED = ("Accept-Encoding", "gzip, deflate, br")
POLICY = (
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "object-src 'none'"
)
PATHS = ["/", *(f"/{path}" for path in FILES)]
HASHED = [path for path in PATHS if re.search(r"-\S{8}\.\w+$", path)]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        yield built


async def get(app: Starlette, path: str, *headers: tuple[str, str]) -> Answer:
    """Ask as a browser that has no cookie."""
    return await ask(app, path, headers=[HOST, *headers])


# ---- what is there


@pytest.mark.parametrize("path", PATHS)
async def test_each_file_comes_as_it_was_built_to_whoever_asks(node: World, path: str) -> None:
    answer = await get(node.app, path)
    assert answer.status == 200
    name = path.lstrip("/") or "index.html"
    content = FILES[name]
    assert answer.body == (gzip.decompress(content) if name.endswith(".gz") else content)
    assert "set-cookie" not in answer.headers
    assert "content-encoding" not in answer.headers


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/assets/index-BBBBBBBB.css", "text/css; charset=utf-8"),
        ("/assets/noto-sans-cyrillic-CCCCCCCC.woff2", "font/woff2"),
        ("/data/base.json", "application/json"),
        ("/data/places.json.gz", "application/json"),
    ],
)
async def test_each_says_what_it_is(node: World, path: str, media_type: str) -> None:
    """Browsers run no script of another type, and guess none where they are told not to."""
    assert (await get(node.app, path)).headers["content-type"] == media_type


@pytest.mark.parametrize("name", ["x.exe", "x", "x.PNG", "assets/x-AAAAAAAA.wasm"])
def test_what_is_of_no_known_kind_is_bytes(name: str) -> None:
    assert ConsoleFile(name, b"x").media_type == "application/octet-stream"


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_ours_is_told_what_it_may(node: World, path: str) -> None:
    first = await get(node.app, path, ZIPPED)
    again = await get(node.app, path, ZIPPED, ("If-None-Match", first.headers["etag"]))
    assert (first.status, again.status) == (200, 304)
    for headers in (first.headers, again.headers):
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        denied = headers["permissions-policy"].split(", ")
        assert {"camera=()", "microphone=()", "geolocation=()", "usb=()"} <= set(denied)
        # The alarm sounds, and the screen of a watch stays on.
        assert not {"autoplay", "screen-wake-lock"} & {each.partition("=")[0] for each in denied}


def test_the_policy_opens_nothing() -> None:
    for opening in ("unsafe", "data:", "blob:", "*", "http", "nonce", "sha256"):
        assert opening not in POLICY


# ---- what a browser keeps


@pytest.mark.parametrize("path", PATHS)
async def test_only_what_has_its_hash_in_its_name_is_kept_without_asking(
    node: World, path: str
) -> None:
    kept = (await get(node.app, path)).headers["cache-control"]
    assert kept == ("public, max-age=31536000, immutable" if path in HASHED else "no-cache")


@pytest.mark.parametrize(
    ("name", "for_ever"),
    [
        ("assets/index-Ab3_x-9Q.js", True),
        ("assets/index-Ab3_x-9.js", False),  # Seven characters are no hash of Vite's.
        ("assets/index_Ab3_x-9Q.js", False),
        ("assets/-Ab3_x-9Q.js", False),
        ("assets/index-Ab3_x-9Q", False),
        ("assets/deeper/index-Ab3_x-9Q.js", False),
        ("data/places-Ab3_x-9Q.js", False),  # Copied as it is, whatever its name.
        ("index-Ab3_x-9Q.js", False),
    ],
)
def test_what_counts_as_a_hash(name: str, for_ever: bool) -> None:
    assert ("immutable" in ConsoleFile(name, b"x").kept) == for_ever


@pytest.mark.parametrize("path", PATHS)
async def test_who_has_it_is_told_so(node: World, path: str) -> None:
    plain, zipped = await get(node.app, path), await get(node.app, path, ZIPPED)
    for asked, first in (((), plain), ((ZIPPED,), zipped)):
        tag = first.headers["etag"]
        for said in (tag, f"W/{tag}", f'"other", {tag}'):
            again = await get(node.app, path, *asked, ("If-None-Match", said))
            assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == first.headers["cache-control"]
        for other in ('"other"', tag[:-2] + '"', tag.strip('"')):
            assert (await get(node.app, path, *asked, ("If-None-Match", other))).status == 200


def test_one_bit_more_is_another_tag() -> None:
    tags = {ConsoleFile("a.js", SCRIPT + bytes([last])).tag for last in range(256)}
    assert len(tags) == 256
    assert ConsoleFile("a.js", SCRIPT).tag == ConsoleFile("b.js", SCRIPT).tag


# ---- gzip


@pytest.mark.parametrize("path", PATHS)
async def test_it_is_compressed_for_who_takes_that_where_it_is_worth_it(
    node: World, path: str
) -> None:
    plain = await get(node.app, path)
    for _ in range(2):
        zipped = await get(node.app, path, ZIPPED)
        assert zipped.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"
        if zipped.headers.get("content-encoding") == "gzip":
            assert len(zipped.body) < len(plain.body)
            assert gzip.decompress(zipped.body) == plain.body
            assert zipped.headers["etag"] != plain.headers["etag"]
        else:
            assert path.endswith(".woff2") or len(plain.body) < 1_000
            assert zipped.body == plain.body
            assert zipped.headers["etag"] == plain.headers["etag"]


@pytest.mark.parametrize(("size", "zips"), [(999, False), (1_000, True)])
async def test_small_files_stay_as_they_are(node: World, size: int, zips: bool) -> None:
    app = app_of(node, (ConsoleFile("index.html", b"a" * size),))
    answer = await get(app, "/", ZIPPED)
    assert ("content-encoding" in answer.headers) == zips


@pytest.mark.parametrize(
    ("said", "zipped"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.001", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),  # The asterisk is for what is not named.
        ("*, gzip;q=0", False),
        ("*;q=0, gzip", True),
        ("*;q=0", False),
        ("identity", False),
    ],
)
async def test_what_a_reader_takes(node: World, said: str, zipped: bool) -> None:
    answer = await get(node.app, "/sw.js", ("Accept-Encoding", said))
    assert ("content-encoding" in answer.headers) == zipped


async def test_what_many_ask_for_at_once_is_compressed_once(
    node: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    squeeze = served._gzip
    monkeypatch.setattr(served, "_gzip", lambda content: made.append(1) or squeeze(content))
    found = await asyncio.gather(*(get(node.app, "/sw.js", ZIPPED) for _ in range(20)))
    assert len({answer.body for answer in found}) == len(made) == 1


async def test_what_the_package_holds_packed_goes_out_as_it_is(node: World) -> None:
    packed = await get(node.app, "/data/places.json.gz", ZIPPED)
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.body == FILES["data/places.json.gz"]
    assert (await get(node.app, "/data/places.json.gz")).body == BASE_MAP


# ---- what is not there

OUTSIDE = [
    "/../../../../etc/passwd",
    "/assets/../../index.html",
    "/assets/../index.html",
    "/./index.html",
    "//index.html",
    "//etc/passwd",
    "/assets",
    "/assets/",
    "/index.html/",
    "/INDEX.HTML",
    "/index.html\0",
    "/assets/index-Ab3_x-9Q.js.map",
    "/assets\\index-Ab3_x-9Q.js",
    "/..\\..\\pyproject.toml",
    "/tansiq/console/dist/index.html",
    "/console.py",
    "/.vite/manifest.json",
    "/{file}",
    "/favicon.ico",
    "/api",
    "/api/",
    "/api/v1/index.html",
]


@pytest.mark.parametrize("path", OUTSIDE)
async def test_there_is_nothing_beside_the_files(node: World, path: str) -> None:
    unknown = await get(node.app, path)
    assert (unknown.status, unknown.json["code"]) == (401, "unauthenticated")
    known = await ask(node.app, path, headers=MACHINE)
    assert (known.status, known.json["code"]) == (404, "no-such-route")
    for answer in (unknown, known):
        assert answer.headers["content-type"] == "application/problem+json"


@given(path=st.text(alphabet="./\\%ab2f0_-js\0é", max_size=20).map(lambda rest: f"/{rest}"))
def test_no_path_that_is_made_up_is_one(path: str) -> None:
    routes = console_routes(own_console())
    scope = {"type": "http", "method": "GET", "path": path, "root_path": ""}
    found = [route.path for route in routes if route.matches(dict(scope))[0].value]
    assert found == ([path] if path in PATHS else [])


@pytest.mark.parametrize(
    "target",
    [
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/assets/..%2findex.html",
        "/assets/../../etc/passwd",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/index.html%00",
        "/%c0%ae%c0%ae/",
        "/" + "a" * 4_000,
        quote("/индекс.html"),
    ],
)
async def test_nothing_else_comes_off_the_wire(node: World, target: str) -> None:
    """The server decodes what is escaped: what it hands on is looked up all the same."""
    server = listener(node.app, "127.0.0.1", 0, node.api.settings, tls=None)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await node.clock.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        good = await wire(port, "/index.html")
        assert good.startswith(b"HTTP/1.1 200")
        assert good.endswith(FILES["index.html"])
        assert re.match(rb"HTTP/1.1 (404|401|400) ", await wire(port, target))
    finally:
        server.should_exit = True
        await serving


async def wire(port: int, target: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nConnection: close\r\n"
    writer.write(f"{head}Authorization: Bearer {TOKEN}\r\n\r\n".encode())
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_a_file_is_read_and_nothing_else(node: World, method: str) -> None:
    for path in ("/", "/sw.js"):
        assert (await ask(node.app, path, method=method, headers=[HOST])).status == 401
        refused = await ask(node.app, path, method=method, headers=MACHINE)
        assert (refused.status, refused.json["code"]) == (405, "wrong-method")
        assert refused.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("headers", "field"),
    [
        ([], "Host"),
        ([("Host", "rebound.example:8080")], "Host"),
        ([("Host", "127.0.0.1:8081")], "Host"),
        ([HOST, HOST], "Host"),
        ([HOST, ("Origin", "http://127.0.0.1:3000")], "Origin"),
        ([HOST, ("Origin", "null")], "Origin"),
    ],
)
@pytest.mark.parametrize("path", ["/", "/sw.js", "/data/base.json"])
async def test_no_other_name_and_no_other_page_gets_it(
    node: World, path: str, headers: list[tuple[str, str | bytes]], field: str
) -> None:
    refused = await ask(node.app, path, headers=headers)
    assert (refused.status, refused.json["field"]) == (403, field)


async def test_it_is_counted_as_one_route(node: World) -> None:
    for path in PATHS:
        await get(node.app, path)
    figures = (await ask(node.app, "/metrics", headers=MACHINE)).body.decode()
    counted = f'{{method="GET",route="console",status="200"}} {len(PATHS)}'
    assert counted in figures
    assert "assets" not in figures


# ---- the API beside it


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/status", 200),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v1/plans", 400),
        ("GET", "/api/v1/picture.kml", 200),
    ],
)
async def test_what_is_no_page_may_do_nothing_as_one(
    node: World, method: str, path: str, status: int
) -> None:
    for headers in (MACHINE, [HOST], [("Host", "evil.example")]):
        answer = await ask(node.app, path, method=method, headers=headers)
        said = answer.headers
        assert said["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert said["x-content-type-options"] == "nosniff"
        assert said["referrer-policy"] == "no-referrer"
        assert said["cross-origin-resource-policy"] == "same-origin"
    assert (await ask(node.app, path, method=method, headers=MACHINE)).status == status


# ---- read from a folder, built or not


def app_of(node: World, console: tuple[ConsoleFile, ...]) -> Starlette:
    return own_app(node.api, token=TOKEN, address=Address(port=PORT), console=console)


class Page(HTMLParser):
    """Collects what a page would load or run, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        loading = {"src", "href", "style", "action"} & {name for name, _ in attrs}
        if tag in ("script", "style", "link", "img", "form") or loading:
            self.loads.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("left", ["nothing", "an empty folder", "a build without its page"])
async def test_a_clone_that_is_not_built_says_what_to_do(
    node: World, tmp_path: Path, left: str
) -> None:
    folder = tmp_path / "dist"
    if left != "nothing":
        folder.mkdir()
    if left == "a build without its page":
        write_console(folder)
        (folder / "index.html").unlink()
    assert not is_built(folder)
    assert read_console(folder) == ()
    app = app_of(node, ())
    answer = await get(app, "/")
    assert answer.status == 503
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-store"
    page = Page()
    page.feed(answer.body.decode())
    assert "The console is not built: run make console" in page.words
    assert "A released wheel has the" in page.words
    assert page.loads == []
    # The node works without.
    assert (await get(app, "/healthz")).status == 200
    assert (await get(app, "/index.html")).status == 401
    assert (await ask(app, "/", method="POST", headers=MACHINE)).status == 405
    assert (await get(app, "/", ("Origin", "http://evil.example"))).status == 403


async def test_what_is_read_from_a_folder_is_what_is_served(node: World, tmp_path: Path) -> None:
    found = read_console(write_console(tmp_path / "dist"))
    assert is_built(tmp_path / "dist")
    assert {file.path for file in found} == FILES.keys()
    app = app_of(node, found)
    for path in PATHS:
        assert await get(app, path) == await get(node.app, path)
    # It is read once: what happens on the disk afterwards is not looked at.
    (tmp_path / "dist/index.html").write_bytes(b"changed")
    assert (await get(app, "/")).body == FILES["index.html"]


def test_names_that_are_no_paths_are_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_console(tmp_path / "dist")
    odd = ["a{b}.js", "a b.js", "ä.js", "assets/{path:path}", "api/v1/plans", "data/.secret"]
    for name in (*odd, ".vite/manifest.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    with caplog.at_level(logging.WARNING):
        found = {file.path for file in read_console(folder)}
    assert found == FILES.keys()
    told = [record.args for record in caplog.records]
    assert sorted(str(name) for (name,) in told) == sorted(odd)  # type: ignore[misc]


def test_a_node_that_starts_during_a_build_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write_console(tmp_path / "dist")
    walk = served._walk

    def emptied(*given: object) -> object:
        for path, file in walk(*given):  # type: ignore[arg-type]
            if path == "sw.js":
                file.unlink()  # type: ignore[attr-defined]
            yield path, file

    monkeypatch.setattr(served, "_walk", emptied)
    assert read_console(folder) == ()
    assert "is being built" in caplog.text


def test_every_route_states_that_it_is_open() -> None:
    for routes in (console_routes(own_console()), console_routes(())):
        assert routes
        for route in routes:
            access = access_of(route)
            assert access is not None
            assert access.least is None
            assert route.methods == {"GET"}


def test_the_console_of_this_package_is_read_where_the_build_writes_it() -> None:
    folder = Path(served.__file__).parents[1] / "console" / "dist"
    assert str(packaged()) == str(folder)
    if is_built(packaged()):
        paths = [route.path for route in console_routes(read_console(packaged()))]
        assert "/" in paths
        assert len(paths) == len(set(paths))
