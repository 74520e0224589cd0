"""The console's door for other machines: by its names, under TLS; nobody is this machine there."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests.http.own_console import own_console
from tests.http.own_world import NOON, TOKEN, World, world

from tansiq.errors import BadInput
from tansiq.http.api import own_app
from tansiq.http.guard import CSRF_HEADER, Address
from tansiq.http.listener import TlsFiles, listener, tls_of_node
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.settings import read_settings

pytestmark = pytest.mark.anyio

PASSWORD = "four words are better"
AWAY = Address(port=8444, names=("cell.example", "192.0.2.7", "[2001:db8::7]"), secure=True)
BASE = "https://cell.example:8444"


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "node.db") as built:
        await built.client.post("/api/v1/accounts", json=account())
        yield built


def account() -> dict[str, str]:
    return {
        "name": "anna",
        "display_name": "Anna",
        "initials": "AN",
        "role": "watch",
        "password": PASSWORD,
    }


@asynccontextmanager
async def away(
    node: World, address: Address = AWAY, base: str = BASE
) -> AsyncIterator[httpx.AsyncClient]:
    app = own_app(node.api, token=None, address=address, console=own_console())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=base) as client:
        yield client


async def test_a_person_logs_in_and_works_there(node: World) -> None:
    async with away(node) as client:
        assert (await client.get("/")).status_code == 200
        reply = await client.post("/api/v1/sessions", json={"name": "anna", "password": PASSWORD})
        (cookie,) = reply.headers.get_list("set-cookie")
        name, *flags = [part.strip().lower() for part in cookie.split(";")]
        assert name.startswith("__host-tansiq-8444=")
        assert sorted(flags) == ["httponly", "path=/", "samesite=strict", "secure"]
        me = (await client.get("/api/v1/me")).json()
        assert (me["name"], me["role"]) == ("anna", "watch")
        changed = {CSRF_HEADER: me["csrf_token"], "Origin": BASE}
        assert (await client.delete("/api/v1/sessions/current")).status_code == 403
        assert (await client.delete("/api/v1/sessions/current", headers=changed)).status_code == 200
        assert (await client.get("/api/v1/me")).status_code == 401


@pytest.mark.parametrize("token", [TOKEN, "", " "])
async def test_nobody_there_is_this_machine(node: World, token: str) -> None:
    whose = {"Authorization": f"Bearer {token}"}
    async with away(node) as client:
        assert (await client.get("/api/v1/status", headers=whose)).status_code == 401
    # The same token by the door of this machine: the test would notice if it were no good at all.
    assert (await node.client.get("/api/v1/status")).status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("cell.example:8444", 200),
        ("CELL.example:8444", 200),
        ("192.0.2.7:8444", 200),
        ("[2001:db8::7]:8444", 200),
        ("cell.example", 403),
        ("cell.example:8443", 403),
        ("other.example:8444", 403),
        ("127.0.0.1:8444", 403),
        ("localhost:8444", 403),
    ],
)
async def test_only_by_its_names(node: World, host: str, status: int) -> None:
    async with away(node) as client:
        assert (await client.get("/", headers={"Host": host})).status_code == status


async def test_the_port_of_the_scheme_may_be_left_out(node: World) -> None:
    address = replace(AWAY, port=443)
    async with away(node, address, "https://cell.example") as client:
        for host, status in (
            ("cell.example", 200),
            ("cell.example:443", 200),
            ("cell.example:80", 403),
        ):
            assert (await client.get("/", headers={"Host": host})).status_code == status


@pytest.mark.parametrize(
    "origin", ["http://cell.example:8444", "https://other.example", "http://127.0.0.1:8080", "null"]
)
async def test_pages_of_other_origins_are_refused(node: World, origin: str) -> None:
    async with away(node) as client:
        reply = await client.post(
            "/api/v1/sessions",
            json={"name": "anna", "password": PASSWORD},
            headers={"Origin": origin},
        )
        assert reply.status_code == 403
        assert reply.json()["field"] == "Origin"


async def test_it_speaks_tls_and_shows_the_certificate_that_was_set(
    node: World, tmp_path: Path
) -> None:
    new = NewNode(party="south", names={"en": "South"}, url="https://127.0.0.1:8443")
    write_node(tmp_path / "south", make_node(new, NOON))
    files = tls_of_node(replace(node.api.settings, data=tmp_path / "south"))
    app = own_app(node.api, token=None, address=AWAY, console=own_console())
    server = listener(app, "127.0.0.1", 0, node.api.settings, tls=files)
    serving = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await node.clock.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        trusting = ssl.create_default_context(cafile=str(files.certificate))
        trusting.check_hostname = False
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
        writer.write(b"GET / HTTP/1.1\r\nHost: cell.example:8444\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection("127.0.0.1", port, ssl=ssl.create_default_context())
    finally:
        server.should_exit = True
        await serving


async def test_beyond_this_machine_there_is_no_listener_without_tls(node: World) -> None:
    with pytest.raises(BadInput, match="plain http"):
        listener(node.app, "0.0.0.0", 0, node.api.settings, tls=None)
    assert listener(node.app, "0.0.0.0", 0, node.api.settings, tls=TlsFiles(Path("k"), Path("k")))


BASIC = b'party = "south"\n'


async def test_the_table_of_the_settings(tmp_path: Path) -> None:
    assert read_settings(tmp_path, BASIC).console is None
    console = read_settings(tmp_path, BASIC + b'[console]\nnames = ["Cell.example"]\n').console
    assert console is not None
    assert (console.port, console.names, console.url) == (8444, ("cell.example",), BASE + "/")
    assert (console.certificate, console.key) == (tmp_path / "tls.crt", tmp_path / "tls.key")


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("", "console.names"),
        ("names = []", "console.names"),
        ('names = ["https://cell.example"]', "console.names"),
        ('names = ["cell.example:8444"]', "console.names"),
        ('names = ["a"]\nport = 8080', "console.port"),
        ('names = ["a"]\nport = 8443', "console.port"),
        ('names = ["a"]\nport = 0', "console.port"),
        ('names = ["a"]\nport = 65536', "console.port"),
        ('names = ["a"]\nkey = "k.pem"', "console.certificate"),
        ('names = ["a"]\ncertificate = "c.pem"', "console.key"),
        ('names = ["a"]\nhots = "::"', "console.hots"),
    ],
)
async def test_what_is_wrong_in_it_is_named(tmp_path: Path, table: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_settings(tmp_path, BASIC + f"[console]\n{table}\n".encode())
    assert (refused.value.field or "").endswith(field)
