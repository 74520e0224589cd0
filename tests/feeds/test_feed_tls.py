"""A TAK server speaks TLS, knows clients by their certificates, and has an authority of its own."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.feeds.sources import reading, until, until_health
from tests.feeds.test_feed_datagrams import event

from tansiq.feed_settings import FeedKind
from tansiq.feeds.health import FeedState

pytestmark = pytest.mark.anyio


class Authority:
    """Signs certificates into a folder: ``NAME.pem`` and ``NAME.key``."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        own = self._signed(self.name, self.key.public_key(), None)
        self.file.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def _signed(self, subject: x509.Name, key: Any, host: str | None) -> x509.Certificate:
        now = datetime.now(UTC)
        authority = host is None
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host is not None:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False
            )
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, name: str, password: bytes | None = None) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = self._signed(subject, key.public_key(), name)
        certificate, file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.BestAvailableEncryption(password)
                if password
                else serialization.NoEncryption(),
            )
        )
        return certificate, file


@asynccontextmanager
async def tak_server(authority: Authority) -> AsyncIterator[str]:
    """Serve one event to whoever shows a certificate of the authority."""
    certificate, key = authority.issue("takserver")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(authority.file))
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(event())
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_both_sides_know_each_other_by_their_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "unit-ca")
    certificate, key = authority.issue("tansiq")
    files = {"authority": authority.file, "certificate": certificate, "key": key}
    async with (
        tak_server(authority) as url,
        reading(FeedKind.COT, url, datum="W84", server_name="takserver", **files) as (feed, sink),
    ):
        await until(lambda: len(sink.reports) == 1)
        assert feed.health().state is FeedState.OK


async def test_what_is_wrong_with_a_certificate_is_said(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path, "unit-ca"), Authority(tmp_path, "other-ca")
    certificate, key = authority.issue("tansiq")
    _, locked = authority.issue("locked", b"secret")
    (tmp_path / "empty.pem").write_bytes(b"")
    good = {
        "authority": authority.file,
        "certificate": certificate,
        "key": key,
        "server_name": "takserver",
    }
    async with tak_server(authority) as url:
        for change, said in (
            ({"server_name": ""}, "127.0.0.1"),
            ({"authority": other.file}, "its certificate is not to be trusted"),
            ({"authority": None}, "its certificate is not to be trusted"),
            ({"certificate": tmp_path / "none.pem"}, "none.pem"),
            ({"authority": tmp_path / "empty.pem"}, "empty.pem"),
            ({"key": locked}, "has a password"),
            ({"key": other.issue("stranger")[1]}, "stranger.key"),
        ):
            async with reading(FeedKind.COT, url, datum="W84", **(good | change)) as (feed, sink):
                health = await until_health(
                    feed,
                    lambda h: h.state is FeedState.FAILING and h.reason != "not reached yet",
                )
                assert said in health.reason, change
                assert not sink.reports


async def test_a_server_that_does_not_know_us_is_failing(tmp_path: Path) -> None:
    """It breaks off after the handshake, as TLS 1.3 has it."""
    authority = Authority(tmp_path, "unit-ca")
    async with (
        tak_server(authority) as url,
        reading(
            FeedKind.COT, url, datum="W84", authority=authority.file, server_name="takserver"
        ) as (feed, _),
    ):
        health = await until_health(
            feed, lambda h: h.state is FeedState.FAILING and h.connections >= 2
        )
        assert "broke" in health.reason or "closed" in health.reason
