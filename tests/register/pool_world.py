"""Folders of registers by themselves over one database, and tokens of an issuer that all know."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from tests.fuzz.running import AREA, ISSUER, SCOPES
from tests.register.register_world import NOON, volume

from asgi import Answer, ask
from ports import free_ports
from tansiq.domain.agreement import Minima
from tansiq.f3548 import wire
from tansiq.formats.agreement import agreement_toml
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.settings import Settings, load_settings

KEY = generate_private_key(65_537, 2_048)
INTENTS = "/dss/v1/operational_intent_references"
SUBSCRIPTIONS = "/dss/v1/subscriptions"
INSTANCES = "/aux/v1/pool/dss_instances"
ALL = (*SCOPES, "interuss.pool_status.read")
PATIENCE_S = 120.0


@dataclass(frozen=True, slots=True)
class Place:
    """A folder, and where it is served."""

    data: Path
    own_port: int
    peer_port: int

    @property
    def peer_url(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def settings(self) -> Settings:
        return load_settings(self.data)


def make_instance(folder: Path, party: str, database: str, more: str = "") -> Place:
    """Make the folder of a register by itself: one party, and the issuer of everybody's tokens."""
    own_port, peer_port = free_ports(2)
    url = f"http://127.0.0.1:{peer_port}"
    new = NewNode(party=party, names={"en": party}, url=url, own_port=own_port, peer_port=peer_port)
    files = make_node(new, datetime.now(UTC))
    data = folder / party
    write_node(data, files)
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (data / "issuer.pem").write_bytes(pem)
    text = (data / "tansiq.toml").read_text()
    issuer = f'[[issuer]]\niss = "{ISSUER}"\npublic_key = "issuer.pem"\n'
    top = f"database = {json.dumps(database)}\nregister_only = true\n"
    (data / "tansiq.toml").write_text(f"{text}\n{top}{more}\n{issuer}")
    agreement = agreement_toml(name=party, parties=[files.party], area=AREA, minima=Minima())
    (data / "agreement.toml").write_bytes(agreement)
    return Place(data, own_port, peer_port)


def bearer(sub: str, *, scopes: tuple[str, ...] = ALL) -> tuple[str, str]:
    """Return the header of a supplier outside every agreement."""
    now = int(time.time())
    claims = {"iss": ISSUER, "sub": sub, "aud": "127.0.0.1", "scope": " ".join(scopes)}
    token = jwt.encode(
        {"alg": "RS256"}, claims | {"iat": now, "exp": now + 1_800}, RSAKey.import_key(KEY)
    )
    return "Authorization", f"Bearer {token}"


def here(**more: float) -> wire.Volume4D:
    """Return an hour from now on."""
    soon = (datetime.now(UTC) - NOON) / timedelta(minutes=1) + 5
    return volume(minutes=(soon, soon + 60), **more)


async def asked(app: Starlette, method: str, path: str, sub: str, body: Any = None) -> Answer:
    """Ask one instance within this process."""
    headers = [bearer(sub)]
    return await ask(app, path, method=method, headers=headers, body=body or b"")


@contextmanager
def serving(place: Place) -> Iterator["subprocess.Popen[bytes]"]:
    """Run an instance in a process of its own, from when it is ready."""
    with (place.data / "serve.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tansiq.cli.child", "serve", "--data", place.data],
            stdin=subprocess.PIPE,  # Its end tells the process that we are gone.
            stdout=output,
            stderr=output,
            env=os.environ,
        )
    try:
        give_up_s = time.monotonic() + PATIENCE_S
        while "Ctrl-C ends it." not in log(place):
            assert process.poll() is None, log(place)
            assert time.monotonic() < give_up_s, log(place)
            time.sleep(0.05)
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        process.wait(PATIENCE_S)


def log(place: Place) -> str:
    return (place.data / "serve.log").read_text(errors="replace")
