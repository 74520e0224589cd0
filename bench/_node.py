"""A register in a process of its own, and clients that speak to it: for benches and for load tests.

The node is a real one, as ``tansiq serve`` runs it: one party, one register, plain http on
loopback, tokens of an outside issuer signed with RS256 and verified. The client writes HTTP/1.1 by
hand over one kept connection: a library would cost more than what is measured.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from tansiq.domain.agreement import Minima
from tansiq.domain.time import zulu
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats.agreement import agreement_toml
from tansiq.peers.identity import NewNode, make_node, write_node

PARTY = "register"
ISSUER = "bench-issuer"
SCOPES = "utm.strategic_coordination utm.constraint_processing utm.constraint_management"
READY_S_MAX = 180.0  # The first start after an installation compiles.
STOP_S_MAX = 20.0
SERVE = ("-m", "tansiq.cli.child", "serve")
"""What Python runs as the node; a test may name a broken one instead."""
INTENTS = "/dss/v1/operational_intent_references"
SUBSCRIPTIONS = "/dss/v1/subscriptions"


def free_ports(count: int) -> list[int]:
    """Return ports on which nothing listens now, all different."""
    probes = [socket.socket() for _ in range(count)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@dataclass(slots=True)
class RegisterNode:
    """One node with its data folder; runs between ``start`` and ``stop`` or ``kill``."""

    data: Path
    own_port: int
    peer_port: int
    key: rsa.RSAPrivateKey
    serve: Sequence[str] = SERVE
    process: "subprocess.Popen[bytes] | None" = field(default=None)

    @classmethod
    def make(
        cls, data: Path, *, settings: str = "", serve: Sequence[str] = SERVE
    ) -> "RegisterNode":
        """Write a data folder; ``settings`` is added to its ``tansiq.toml``."""
        own_port, peer_port = free_ports(2)
        new = NewNode(
            party=PARTY,
            names={"en": "Register"},
            url=f"http://127.0.0.1:{peer_port}",
            own_port=own_port,
            peer_port=peer_port,
        )
        files = make_node(new, datetime.now(UTC))
        write_node(data, files)
        key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (data / "issuer.pem").write_bytes(pem)
        with (data / "tansiq.toml").open("a") as file:
            file.write(f'\n[[issuer]]\niss = "{ISSUER}"\npublic_key = "issuer.pem"\n{settings}')
        # The clients stand outside the agreement: its area does not bind them.
        agreement = agreement_toml(
            name="One register",
            parties=[files.party],
            area=Circle(center=LatLng(24.45, 54.6), radius_m=20_000),
            minima=Minima(),
        )
        (data / "agreement.toml").write_bytes(agreement)
        return cls(data, own_port, peer_port, key, serve)

    def token(self, uss: str, scopes: str = SCOPES) -> str:
        """Return a bearer token of a supplier, good for most of an hour."""
        claims = {
            "iss": ISSUER,
            "sub": uss,
            "aud": "127.0.0.1",
            "scope": scopes,
            "exp": int(datetime.now(UTC).timestamp()) + 3_500,
        }
        return jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(self.key), ["RS256"])

    def start(self) -> float:
        """Start the process; return the seconds until it says that it is ready."""
        began = time.monotonic()
        with (self.data / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.serve, "--data", str(self.data)],
                stdin=subprocess.PIPE,  # Its end tells the node that we are gone.
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        while not self.ready():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() - began < READY_S_MAX, self.log()
            time.sleep(0.005)
        return time.monotonic() - began

    def ready(self) -> bool:
        """Ask ``/readyz``."""
        with suppress(OSError):
            url = f"http://127.0.0.1:{self.own_port}/readyz"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        return False

    def stop(self) -> None:
        """End it as a supervisor would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """``kill -9``."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdin is not None
        process.stdin.close()

    def log(self) -> str:
        """Return what the process last wrote."""
        return (self.data / "serve.log").read_text(errors="replace")[-4_000:]

    def threads_cpu_s(self) -> dict[str, float]:
        """Return the CPU seconds of each thread so far, by name and number (Linux)."""
        assert self.process is not None
        found = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            name = (task / "comm").read_text().strip()
            fields = (task / "stat").read_text().rpartition(")")[2].split()
            ticks = int(fields[11]) + int(fields[12])
            found[f"{name}/{task.name}"] = ticks / os.sysconf("SC_CLK_TCK")
        return found

    def cpu_s(self) -> float:
        """Return the CPU seconds of the whole process so far (Linux)."""
        return sum(self.threads_cpu_s().values())


class Gone(Exception):
    """The node closed the connection, or did not answer."""


class Client:
    """One supplier on one kept connection."""

    def __init__(self, port: int, uss: str, token: str) -> None:
        self.uss = uss
        self._port = port
        self._head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send one request; return status and body.

        Raises:
            Gone: no whole answer came; the request may have been carried out all the same.
        """
        head = f"{method} {path} HTTP/1.1\r\n{self._head}"
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(head.encode() + b"\r\n" + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            return int(answer[9:12]), await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Gone(str(error)) from error

    async def ask_json(
        self, method: str, path: str, document: Mapping[str, object] | None = None
    ) -> tuple[int, Any]:
        """The same with JSON both ways."""
        body = b"" if document is None else msgspec.json.encode(document)
        status, answer = await self.ask(method, path, body)
        return status, msgspec.json.decode(answer)

    def close(self) -> None:
        """Leave at once."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


# ---- requests


def volume(
    lat: float,
    lng: float,
    *,
    radius_m: float,
    low_m: float = 0.0,
    high_m: float = 100.0,
    start: datetime,
    minutes: float = 10.0,
) -> dict[str, object]:
    """Return a cylinder as F3548-21 writes it."""
    end = start + timedelta(minutes=minutes)
    return {
        "volume": {
            "outline_circle": {
                "center": {"lat": lat, "lng": lng},
                "radius": {"value": radius_m, "units": "M"},
            },
            "altitude_lower": {"value": low_m, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": high_m, "reference": "W84", "units": "M"},
        },
        "time_start": {"value": zulu(start), "format": "RFC3339"},
        "time_end": {"value": zulu(end), "format": "RFC3339"},
    }


def intent(
    extents: Sequence[Mapping[str, object]],
    *,
    key: Sequence[str] = (),
    subscription_id: str | None = None,
    implicit: bool = False,
    url: str = "https://uss.example/bench",
) -> dict[str, object]:
    """Return the body of a PUT of an intent, state Accepted."""
    found: dict[str, object] = {
        "extents": list(extents),
        "key": list(key),
        "state": "Accepted",
        "uss_base_url": url,
    }
    if implicit:
        found["new_subscription"] = {"uss_base_url": url}
    if subscription_id is not None:
        found["subscription_id"] = subscription_id
    return found


def subscription(extents: Mapping[str, object], url: str) -> dict[str, object]:
    """Return the body of a PUT of a subscription for intents."""
    return {"extents": extents, "uss_base_url": url, "notify_for_operational_intents": True}


def uuid4(bits: int) -> str:
    """Return a UUID of version 4 made of random bits."""
    return str(UUID(int=bits, version=4))
