"""One real node in a process of its own, and tokens of an outside issuer that open every route."""

import asyncio
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from stores import database_of
from tansiq.demo.nodes import free_ports
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats.agreement import agreement_toml
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.settings import STORE, load_own_token

PARTY = "north"
ISSUER = "outside"
SCOPES = (
    "utm.strategic_coordination",
    "utm.constraint_management",
    "utm.constraint_processing",
    "utm.conformance_monitoring_sa",
    "utm.availability_arbitration",
)
READY_S_MAX = 120.0
STOP_S_MAX = 60.0
AREA = Circle(center=LatLng(50, 10), radius_m=60_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A node that answers, and what opens its routes."""

    data: Path
    own_port: int
    peer_port: int
    issuer: RSAPrivateKey
    process: subprocess.Popen[bytes]
    database: str | None

    @property
    def own_url(self) -> str:
        return f"http://127.0.0.1:{self.own_port}"

    @property
    def peer_url(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def own_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {load_own_token(self.data)}"}

    def token(self, scopes: Sequence[str] = SCOPES, sub: str = "uss1") -> str:
        """Return a token of the outside issuer, good for half an hour."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": sub,
            "aud": "127.0.0.1",
            "scope": " ".join(scopes),
            "iat": now,
            "exp": now + 1_800,
        }
        return jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(self.issuer))

    def peer_headers(self, sub: str = "uss1") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(sub=sub)}"}

    @property
    def log(self) -> str:
        return (self.data / "serve.log").read_text(errors="replace")

    def kept(self) -> dict[str, int]:
        """Return the number of rows of each table that a request can write."""
        import apsw

        if self.database is not None:
            return asyncio.run(_rows(self.database))

        with apsw.Connection(str(self.data / STORE), apsw.SQLITE_OPEN_READONLY) as db:
            names = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type='table'")]
            return {n: db.execute(f'SELECT COUNT(*) FROM "{n}"').fetchone()[0] for n in names}


async def _rows(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    tables = (
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    names = [row[0] for row in await connection.fetch(tables)]
    counts = {n: await connection.fetchval(f'SELECT COUNT(*) FROM "{n}"') for n in names}
    await connection.close()
    # Each write makes and updates rows of this one.
    return {name: count for name, count in counts.items() if name != "stripe"}


def make_folder(data: Path, own_port: int, peer_port: int, settings_too: str = "") -> RSAPrivateKey:
    """Make a node's folder: one party, its own register, plain http, one outside issuer."""
    url = f"http://127.0.0.1:{peer_port}"
    new = NewNode(party=PARTY, names={"en": PARTY}, url=url, own_port=own_port, peer_port=peer_port)
    files = make_node(new, datetime.now(UTC))
    write_node(data, files)
    issuer = generate_private_key(65537, 2048)
    pem = issuer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (data / "issuer.pem").write_bytes(pem)
    with (data / "tansiq.toml").open("a") as settings:
        settings.write(f'\n{settings_too}[[issuer]]\niss = "{ISSUER}"\npublic_key = "issuer.pem"\n')
    agreement = agreement_toml(name="Fuzz", parties=[files.party], area=AREA, minima=Minima())
    (data / "agreement.toml").write_bytes(agreement)
    return issuer


@contextmanager
def serving(data: Path, settings: str = "") -> Iterator[Served]:
    """Run a node, with these lines in its settings; it must be there still when the block ends."""
    own_port, peer_port = free_ports(2, 22_000 + os.getpid() % 900 * 2)
    issuer = make_folder(data, own_port, peer_port, settings)
    database = database_of(data / STORE)
    named = {} if database is None else {"TANSIQ_DATABASE": database}
    with (data / "serve.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tansiq.cli.child", "serve", "--data", data],
            stdin=subprocess.PIPE,  # Its end tells the node that we are gone.
            stdout=output,
            stderr=output,
            env={**os.environ, **named},
        )
    node = Served(
        data=data,
        own_port=own_port,
        peer_port=peer_port,
        issuer=issuer,
        process=process,
        database=database,
    )
    try:
        give_up_s = time.monotonic() + READY_S_MAX
        while not _ready(own_port):
            assert process.poll() is None, node.log
            assert time.monotonic() < give_up_s, "the node did not start"
            time.sleep(0.05)
        yield node
        assert process.poll() is None, f"the node ended by itself\n{node.log}"
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_S_MAX)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()
