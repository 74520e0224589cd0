"""The port for TAK clients, over real sockets: what is sent, who is let in, who is dropped."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from tests.http.own_watch import track
from tests.watch.picture_world import Scene, plan, raw, volume

from tansiq.clock import SystemClock
from tansiq.cot_settings import CotSettings
from tansiq.domain.time import zulu
from tansiq.errors import BadInput, StoreError
from tansiq.http.cot_stream import CotStream
from tansiq.services.watch.picture import Pictures
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio

PATIENCE_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pictures_of(scene: Scene, kind: type[Pictures] = Pictures) -> Pictures:
    return kind(scene.sources(), SystemClock(), Limits(), Timers(picture_s=0.01))


@asynccontextmanager
async def serving(
    pictures: Pictures, tmp_path: Path, kind: type[CotStream] = CotStream, **settings: Any
) -> AsyncIterator[CotStream]:
    said = {"port": free_port(), "every_s": 0.05, **settings}
    stream = kind(CotSettings(**said), pictures, SystemClock(), data=tmp_path)
    await stream.start()
    try:
        yield stream
    finally:
        await stream.stop()


@asynccontextmanager
async def connected(
    stream: CotStream, context: ssl.SSLContext | None = None
) -> AsyncIterator[asyncio.StreamReader]:
    name = None if context is None else "localhost"
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", stream._settings.port, ssl=context, server_hostname=name
    )
    try:
        yield reader
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def first(stream: CotStream, context: ssl.SSLContext | None = None) -> ET.Element:
    """Connect and return the first event."""
    async with connected(stream, context) as reader:
        return await event(reader)


CUT = (OSError, asyncio.IncompleteReadError)


async def event(reader: asyncio.StreamReader) -> ET.Element:
    async with asyncio.timeout(PATIENCE_S):
        return ET.fromstring(await reader.readuntil(b"</event>"))


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


def scene_now() -> Scene:
    now = zulu(datetime.now(UTC))
    return Scene(shown={"tracks": (track(now),)})


async def test_a_client_is_sent_a_sign_of_life_and_the_picture_again_and_again(
    tmp_path: Path,
) -> None:
    async with serving(pictures_of(scene_now()), tmp_path) as stream:
        async with connected(stream) as reader:
            for _ in range(3):
                assert (await event(reader)).get("type") == "t-x-c-t-r"
                assert (await event(reader)).get("uid") == "tansiq-north-icao:a1b2c3"
            assert stream.counts.connected == 1
        await until(lambda: stream.counts.connected == 0)
    assert stream.counts.dropped == 0


async def test_what_a_client_says_is_thrown_away(tmp_path: Path) -> None:
    async with serving(pictures_of(scene_now()), tmp_path) as stream:
        reader, writer = await asyncio.open_connection("127.0.0.1", stream._settings.port)
        writer.write(b"<event type='t-x-c-t'/>" + b"\x00\xff<" * 100_000)
        for _ in range(6):
            await event(reader)
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def large() -> Scene:
    """A picture of several megabytes: more than sockets keep for a client that takes nothing."""
    lasting = raw(*(volume((-5e5, 5e5)) for _ in range(500)))
    return Scene(own=[plan(id=f"p{i}", callsign="X" * 100, volumes=lasting) for i in range(20)])


def written_once(scene: Scene) -> Pictures:
    limits, timers = Limits(picture_points_max=10**6), Timers(picture_s=3_600.0)
    return Pictures(scene.sources(), SystemClock(), limits, timers)


async def test_a_client_that_takes_nothing_is_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(written_once(large()), tmp_path, stall_s=1.0, every_s=0.5) as stream:
        with socket.create_connection(("127.0.0.1", stream._settings.port)):
            async with connected(stream) as quick:
                taking = asyncio.create_task(_take(quick))
                await until(lambda: stream.counts.dropped == 1)
                await until(lambda: stream.counts.connected == 1)
                assert "it took nothing for 1 s" in caplog.text
                assert not taking.done(), "whoever takes it is not concerned"
            await taking


async def _take(reader: asyncio.StreamReader) -> int:
    taken = 0
    try:
        while got := await reader.read(1 << 20):
            taken += len(got)
    except ConnectionError:
        pass
    return taken


class Endless(CotStream):
    """Broken: never waits for a client to take anything."""

    async def _tell(self, writer: asyncio.StreamWriter, who: str) -> None:
        while picture := await self._picture():
            writer.write(picture)
            await self._clock.sleep(self._settings.every_s)


async def test_one_that_never_waits_would_be_noticed(tmp_path: Path) -> None:
    options = {"stall_s": 1.0, "every_s": 0.5}
    async with serving(written_once(large()), tmp_path, Endless, **options) as stream:
        with socket.create_connection(("127.0.0.1", stream._settings.port)):
            await until(lambda: stream.counts.connected == 1)
            await asyncio.sleep(3.0)
            assert stream.counts.dropped == 0


async def test_beyond_the_limit_clients_are_refused_and_counted(tmp_path: Path) -> None:
    async with serving(pictures_of(scene_now()), tmp_path, clients_max=1) as stream:
        async with connected(stream) as reader:
            await event(reader)
            with pytest.raises(CUT):
                await first(stream)
            assert (stream.counts.connected, stream.counts.refused) == (1, 1)
        await until(lambda: stream.counts.connected == 0)
        await first(stream)


class Failing(Pictures):
    """A store that fails every other time."""

    times = 0

    async def written(self, form: Any) -> Any:
        self.times += 1
        if self.times % 2:
            raise StoreError("cannot be read")
        return await super().written(form)


async def test_a_failing_store_leaves_clients_connected(tmp_path: Path) -> None:
    pictures = pictures_of(scene_now(), Failing)
    async with serving(pictures, tmp_path) as stream, connected(stream) as reader:
        for _ in range(4):
            await event(reader)


async def _drained(reader: asyncio.StreamReader) -> None:
    while True:
        await event(reader)


async def test_stopping_disconnects_everybody_and_frees_the_port(tmp_path: Path) -> None:
    pictures = pictures_of(scene_now())
    async with serving(pictures, tmp_path) as stream, connected(stream) as reader:
        await event(reader)
        port = stream._settings.port
        await stream.stop()
        with pytest.raises(CUT):
            await _drained(reader)
    async with serving(pictures_of(scene_now()), tmp_path, port=port) as again:
        await first(again)


# ---- under TLS


def certified(folder: Path, name: str, by: Path | None = None) -> Path:
    """Write a key and a certificate, signed by itself or by another."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    issuer, signer = subject, key
    if by is not None:
        issuer = x509.load_pem_x509_certificate((by / "tls.crt").read_bytes()).subject
        loaded = load_pem_private_key((by / "tls.key").read_bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        signer = loaded
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    (folder / "tls.crt").write_bytes(made.public_bytes(Encoding.PEM))
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "tls.key").write_bytes(pem)
    return folder


def client(server: Path, own: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(server / "tls.crt"))
    if own is not None:
        context.load_cert_chain(own / "tls.crt", own / "tls.key")
    return context


async def test_under_tls_only_clients_of_the_named_authority_are_let_in(tmp_path: Path) -> None:
    node = certified(tmp_path / "node", "north")
    authority = certified(tmp_path / "authority", "TAK authority")
    good = certified(tmp_path / "good", "tablet", authority)
    stranger = certified(tmp_path / "stranger", "stranger")
    options = {"tls": True, "clients": authority / "tls.crt"}
    async with serving(pictures_of(scene_now()), node, **options) as stream:
        assert (await first(stream, client(node, good))).get("type") == "t-x-c-t-r"
        for other in (None, stranger):
            # With TLS 1.3 the refusal may come after the client has finished its handshake.
            with pytest.raises(CUT):
                await first(stream, client(node, other))
        with pytest.raises(CUT):
            await _in_plain(stream)
        await until(lambda: stream.counts.connected == 0)


async def _in_plain(stream: CotStream) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stream._settings.port)
    writer.write(b"<event/>" * 10)
    try:
        await event(reader)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    pictures = pictures_of(scene_now())
    settings = CotSettings(port=1, tls=True, clients=tmp_path / "none.pem")
    with pytest.raises(BadInput) as caught:
        CotStream(settings, pictures, SystemClock(), data=tmp_path)
    assert caught.value.field == "tls.crt"
    node = certified(tmp_path / "node", "north")
    with pytest.raises(BadInput) as caught:
        CotStream(settings, pictures, SystemClock(), data=node)
    assert caught.value.field == "cot.clients"
    (tmp_path / "none.pem").write_text("not PEM")
    with pytest.raises(BadInput):
        CotStream(settings, pictures, SystemClock(), data=node)
