"""The port for TAK clients, over real sockets: what is sent, who is let in, who is dropped."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


async def connect(
    stream: CotStream, context: ssl.SSLContext | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    name = None if context is None else "localhost"
    return await asyncio.open_connection(
        "127.0.0.1", stream._settings.port, ssl=context, server_hostname=name
    )


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
        reader, writer = await connect(stream)
        for _ in range(3):
            assert (await event(reader)).get("type") == "t-x-c-t-r"
            assert (await event(reader)).get("uid") == "tansiq-north-icao:a1b2c3"
        assert stream.counts.connected == 1
        writer.close()
        await until(lambda: stream.counts.connected == 0)
    assert stream.counts.dropped == 0


async def test_what_a_client_says_is_thrown_away(tmp_path: Path) -> None:
    async with serving(pictures_of(scene_now()), tmp_path) as stream:
        reader, writer = await connect(stream)
        writer.write(b"<event type='t-x-c-t'/>" + b"\x00\xff<" * 100_000)
        for _ in range(6):
            await event(reader)
        writer.close()


async def test_a_client_that_takes_nothing_is_dropped_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    many = [plan(id=f"p{i}", volumes=raw(volume((-5e5, 5e5)))) for i in range(5_000)]
    scene = Scene(own=many)
    pictures = Pictures(
        scene.sources(), SystemClock(), Limits(picture_points_max=10**6), Timers(picture_s=3_600.0)
    )
    async with serving(pictures, tmp_path, stall_s=1.0) as stream:
        slow = socket.create_connection(("127.0.0.1", stream._settings.port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        quick, writer = await connect(stream)
        taking = asyncio.create_task(_take(quick))
        await until(lambda: stream.counts.dropped == 1)
        await until(lambda: stream.counts.connected == 1)
        assert "it took nothing for 1 s" in caplog.text
        assert not taking.done(), "whoever takes it is not concerned"
        writer.close()
        slow.close()
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
    many = [plan(id=f"p{i}", volumes=raw(volume((-5e5, 5e5)))) for i in range(500)]
    pictures = pictures_of(Scene(own=many))
    async with serving(pictures, tmp_path, Endless, stall_s=0.3, every_s=0.5) as stream:
        slow = socket.create_connection(("127.0.0.1", stream._settings.port))
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        await asyncio.sleep(1.5)
        assert stream.counts.dropped == 0
        slow.close()


async def test_beyond_the_limit_clients_are_refused_and_counted(tmp_path: Path) -> None:
    async with serving(pictures_of(scene_now()), tmp_path, clients_max=1) as stream:
        reader, writer = await connect(stream)
        await event(reader)
        other, _ = await connect(stream)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await event(other)
        assert (stream.counts.connected, stream.counts.refused) == (1, 1)
        writer.close()
        await until(lambda: stream.counts.connected == 0)
        again, writer = await connect(stream)
        await event(again)
        writer.close()


class Failing(Pictures):
    """A store that fails every other time."""

    times = 0

    async def written(self, form: Any) -> Any:
        self.times += 1
        if self.times % 2:
            raise StoreError("cannot be read")
        return await super().written(form)


async def test_a_failing_store_leaves_clients_connected(tmp_path: Path) -> None:
    async with serving(pictures_of(scene_now(), Failing), tmp_path) as stream:
        reader, writer = await connect(stream)
        for _ in range(4):
            await event(reader)
        writer.close()


async def test_stopping_disconnects_everybody_and_frees_the_port(tmp_path: Path) -> None:
    async with serving(pictures_of(scene_now()), tmp_path) as stream:
        reader, _ = await connect(stream)
        await event(reader)
        port = stream._settings.port
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        while True:
            await event(reader)
    async with serving(pictures_of(scene_now()), tmp_path, port=port):
        pass


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
        reader, writer = await connect(stream, client(node, good))
        assert (await event(reader)).get("type") == "t-x-c-t-r"
        writer.close()
        for other in (None, stranger):
            # With TLS 1.3 the refusal may come after the client has finished its handshake.
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                refused, _ = await connect(stream, client(node, other))
                await event(refused)
        plain, _ = await connect(stream)
        with pytest.raises((OSError, asyncio.IncompleteReadError, TimeoutError)):
            async with asyncio.timeout(1.0):
                await plain.readuntil(b"</event>")
        await until(lambda: stream.counts.connected == 0)


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
