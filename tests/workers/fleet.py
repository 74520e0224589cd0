"""Workers of one node in processes of their own, each reached at its own ports.

A supervisor gives all workers the same listeners; here each has some to itself, so that a test can
say which one it asks.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tests.fuzz.running import AREA, ISSUER
from tests.register.pool_world import KEY, bearer

from ports import free_ports
from tansiq.clock import SystemClock
from tansiq.domain.agreement import Minima
from tansiq.domain.time import zulu
from tansiq.formats.agreement import agreement_toml
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.settings import load_own_token, load_settings
from tansiq.storage.desk import Desk, DeskRow
from tansiq.storage.postgres import PostgresStore

PATIENCE_S = 120.0
CHILD = "import runpy, sys; runpy.run_module('tansiq.cli.child', run_name='__main__')"
TIMERS = "[timers]\ndesk_s = 3.0\n"


def soon(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


def until(there: Callable[[], object], what: Callable[[], str] = str) -> None:
    """Wait until something is so."""
    give_up_s = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < give_up_s, what()
        time.sleep(0.05)


def listening(port: int) -> socket.socket:
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind(("127.0.0.1", port))
    found.listen(128)
    found.set_inheritable(True)
    return found


@dataclass
class One:
    """One worker."""

    number: int
    own_port: int
    peer_port: int
    sockets: dict[str, socket.socket]
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def own(self) -> str:
        return f"http://127.0.0.1:{self.own_port}"

    @property
    def peer(self) -> str:
        return f"http://127.0.0.1:{self.peer_port}"

    @property
    def said(self) -> list[dict[str, Any]]:
        """What it told its starter, since it was started last."""
        lines = (self.folder / f"worker{self.number}.said").read_text().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def log(self) -> str:
        return (self.folder / f"worker{self.number}.log").read_text(errors="replace")

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> int:
        """Wait until it has; return its exit code."""
        assert self.process is not None
        assert self.process.stdin is not None
        code = self.process.wait(PATIENCE_S)
        self.process.stdin.close()
        return code

    def kill(self) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


@dataclass
class Fleet:
    """All workers of a node."""

    folder: Path
    data: Path
    database: str
    own_port: int
    """By the settings: what requests to the own API name as their host."""
    ones: list[One] = field(default_factory=list)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=60))

    @property
    def headers(self) -> dict[str, str]:
        token = load_own_token(self.data)
        return {"Authorization": f"Bearer {token}", "Host": f"127.0.0.1:{self.own_port}"}

    def start(self, one: One, preamble: str = "") -> None:
        """Start a worker, after a line of Python that may break something in it."""
        handed = {door: at.fileno() for door, at in one.sockets.items()}
        said = (self.folder / f"worker{one.number}.said").open("wb")
        log = (self.folder / f"worker{one.number}.log").open("ab")
        words = ["serve", "--data", str(self.data), "--worker-sockets", json.dumps(handed)]
        with said, log:
            one.process = subprocess.Popen(
                [sys.executable, "-c", f"{preamble}\n{CHILD}", *words],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=log,
                pass_fds=list(handed.values()),
                env={**os.environ, "TANSIQ_DATABASE": self.database},
            )

    def settled(self, ones: Sequence[One] = ()) -> None:
        """Wait until all answer, and one has the desk."""
        for one in ones or self.ones:
            until(lambda one=one: one.said or self._check(one), lambda one=one: one.log)

    def _check(self, one: One) -> bool:
        assert one.process is not None
        assert one.process.poll() is None, one.log
        return False

    def desk(self) -> Desk:
        """Return what stands in the desk's row."""

        async def look() -> Desk:
            row = DeskRow(self.database, SystemClock())
            try:
                return await row.look()
            finally:
                await row.close()

        return asyncio.run(look())

    def holder(self, *, besides: One | None = None) -> One:
        """Wait until somebody (else) holds the desk, and serves it; return who."""
        found: list[One] = []

        def held() -> bool:
            desk = self.desk()
            found[:] = [
                one
                for one in self.ones
                if one is not besides and any(s["worker"] == desk.holder for s in one.said)
            ]
            return bool(found) and desk.held and bool(desk.address)

        until(held, lambda: "\n".join(one.log for one in self.ones))
        return found[0]

    def others(self) -> list[One]:
        holder = self.holder()
        return [one for one in self.ones if one is not holder]

    def ovn_of(self, intent_id: str) -> str:
        """Return an OVN from the store: a register tells a manager only its own."""

        async def look() -> str:
            store = PostgresStore(self.database)
            sql = "SELECT ovn FROM intent WHERE id = :id"
            row = await store.read(lambda tx: tx.fetch_one(sql, {"id": intent_id}))
            await store.close()
            assert row is not None
            return str(row[0])

        return asyncio.run(look())

    # ---- what people and suppliers do

    def get(self, one: One, path: str, *, code: int = 200) -> Any:
        answer = self.client.get(f"{one.own}/api/v1{path}", headers=self.headers)
        assert answer.status_code == code, answer.text
        return answer.json()

    def submit(self, one: One, plan: dict[str, Any]) -> httpx.Response:
        return self.client.post(f"{one.own}/api/v1/plans", headers=self.headers, json=plan)

    def status(self, one: One, plan_id: str) -> str:
        return str(self.get(one, f"/plans/{plan_id}")["status"])

    def ask(self, one: One, method: str, path: str, body: bytes = b"") -> httpx.Response:
        """Ask the register, as a supplier outside the agreement."""
        return self.client.request(
            method, f"{one.peer}{path}", content=body, headers=dict([bearer("uss1")])
        )


def plan(callsign: str, *, lng: float = 10.0, priority: int = 0) -> dict[str, Any]:
    """Return a plan file: a circle near the middle of the area, in two hours."""
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [lng, 50.0]},
        "properties": {
            "callsign": callsign,
            "radius_m": 500,
            "start": zulu(soon(120)),
            "end": zulu(soon(150)),
            "lower": 900,
            "upper": 1200,
            "units": "M",
            "datum": "W84",
            "priority": priority,
        },
    }


def make_fleet(folder: Path, database: str, count: int, *, south: bool = False) -> Fleet:
    """Make the folder of north, and of south where it is a party too; start nothing."""
    ports = free_ports(2 * count + 3)
    own_port, south_own, south_peer = ports[:3]
    ones = [
        One(i, a, b, {"own": listening(a), "peer": listening(b)}, folder)
        for i, (a, b) in enumerate(zip(ports[3::2], ports[4::2], strict=True))
    ]
    # Others reach the second worker.
    places = {"north": (own_port, ones[min(1, count - 1)].peer_port)}
    if south:
        places["south"] = (south_own, south_peer)
    parties = []
    for name, (own, peer) in places.items():
        url = f"http://127.0.0.1:{peer}"
        new = NewNode(party=name, names={"en": name}, url=url, own_port=own, peer_port=peer)
        files = make_node(new, datetime.now(UTC))
        write_node(folder / name, files)
        parties.append(files.party)
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    agreement = agreement_toml(name="Fleet", parties=parties, area=AREA, minima=Minima())
    for name in places:
        data = folder / name
        (data / "issuer.pem").write_bytes(pem)
        (data / "agreement.toml").write_bytes(agreement)
        with (data / "tansiq.toml").open("a") as settings:
            settings.write(f'\n{TIMERS}\n[[issuer]]\niss = "{ISSUER}"\npublic_key = "issuer.pem"\n')
    return Fleet(folder, folder / "north", database, own_port, ones)


@contextmanager
def running(fleet: Fleet, preamble: str = "") -> Iterator[Fleet]:
    """Run all workers, from when they serve; end them."""
    for one in fleet.ones:
        fleet.start(one, preamble)
    try:
        fleet.settled()
        yield fleet
    finally:
        end(fleet)


def end(fleet: Fleet) -> None:
    for one in fleet.ones:
        if one.process is None:
            continue
        assert one.process.stdin is not None
        one.process.stdin.close()
        one.process.send_signal(signal.SIGCONT)
        one.process.terminate()
    for one in fleet.ones:
        if one.process is not None:
            try:
                one.process.wait(30)
            except subprocess.TimeoutExpired:
                one.kill()
        for each in one.sockets.values():
            each.close()
    fleet.client.close()


@contextmanager
def south_serving(fleet: Fleet) -> Iterator[One]:
    """Run the node of the other party: one process, over a file."""
    data = fleet.folder / "south"
    settings = load_settings(data)
    one = One(99, settings.own_port, settings.peer_port, {}, fleet.folder)
    with (fleet.folder / "south.log").open("wb") as log:
        one.process = subprocess.Popen(
            [sys.executable, "-m", "tansiq.cli.child", "serve", "--data", str(data)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )
    try:
        read = (fleet.folder / "south.log").read_text
        until(lambda: "Ctrl-C ends it." in read(), read)
        yield one
    finally:
        assert one.process.stdin is not None
        one.process.stdin.close()
        one.process.terminate()
        one.process.wait(60)
