"""Two nodes of two parties that reach each other only through a fault proxy each.

North's register is the first on the list, the gate. Peers speak plain http on loopback, and the
URLs in the agreement are the proxies'. A node runs in this process (``running``), or in one of its
own that can be killed (``Child``); tests speak to both over the own API, as people's tools do.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any

import aiohttp
from tests.faults import FaultProxy
from tests.ports import free_ports

from tansiq.domain.agreement import Agreement, Minima
from tansiq.domain.volume import LatLng, Polygon
from tansiq.formats.agreement import agreement_toml, load_agreement
from tansiq.http.listener import listener
from tansiq.node import Node
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.settings import load_own_token, load_settings

PARTIES = ("north", "south")
GATE = "north"
MINIMA = Minima(horizontal_m=500, vertical_m=100, time=timedelta(seconds=60))
SETTLED = frozenset({"coordinated", "refused", "displaced", "ended"})
START_S_MAX = 120.0

TIMERS = {
    "peer_request_s": 0.5,
    "retry_first_s": 0.05,
    "retry_last_s": 0.4,
    "waiting_poll_s": 0.1,
    "sweep_s": 1.0,
}
"""Shorter than a user's, so that many rounds fit into the time that a test may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """One party's data folder and where its node answers."""

    party: str
    data: Path
    own_port: int
    peer_port: int

    @property
    def own_url(self) -> str:
        return f"http://127.0.0.1:{self.own_port}/api/v1"


@dataclass(frozen=True, slots=True)
class Pair:
    """Both folders, the agreement, and the proxies before each node, by party."""

    folders: dict[str, Folder]
    agreement: Agreement
    proxies: dict[str, FaultProxy]


@asynccontextmanager
async def make_pair(base: Path, random: Random, **timers: float) -> AsyncIterator[Pair]:
    """Start the proxies and write both data folders; no node runs yet."""
    knobs = "".join(f"{name} = {value}\n" for name, value in (TIMERS | timers).items())
    ports = free_ports(4)
    proxies = {
        party: FaultProxy(upstream=("127.0.0.1", ports[2 + i]), random=Random(random.random()))
        for i, party in enumerate(PARTIES)
    }
    async with AsyncExitStack() as stack:
        for proxy in proxies.values():
            await stack.enter_async_context(proxy)
        folders, parties = {}, []
        for i, party in enumerate(PARTIES):
            data = base / party
            new = NewNode(
                party=party,
                names={"en": party.title()},
                url=proxies[party].url,
                own_port=ports[i],
                peer_port=ports[2 + i],
            )
            files = make_node(new, datetime.now(UTC))
            write_node(data, files)
            with (data / "tansiq.toml").open("a") as settings:
                settings.write(f"\n[timers]\n{knobs}")
            parties.append(files.party)
            folders[party] = Folder(
                party=party, data=data, own_port=ports[i], peer_port=ports[2 + i]
            )
        corners = ((36, -124), (36, -118), (42, -118), (42, -124))
        text = agreement_toml(
            name="Races",
            parties=parties,
            area=Polygon(vertices=tuple(LatLng(*corner) for corner in corners)),
            minima=MINIMA,
        )
        for folder in folders.values():
            (folder.data / "agreement.toml").write_bytes(text)
        agreement = load_agreement(folders[GATE].data / "agreement.toml")
        yield Pair(folders, agreement, proxies)


# ---- nodes in this process


@asynccontextmanager
async def running(
    folder: Folder, alter: Callable[[Node], None] | None = None
) -> AsyncIterator[Node]:
    """Run a node in this event loop; ``alter`` may break it before it starts."""
    settings = load_settings(folder.data)
    node = await Node.open(settings)
    if alter is not None:
        alter(node)
    own = listener(node.own, "127.0.0.1", settings.own_port, settings, tls=None)
    peer = listener(node.peer, "127.0.0.1", settings.peer_port, settings, tls=None)
    servers = [asyncio.create_task(server.serve()) for server in (own, peer)]
    try:
        async with asyncio.timeout(START_S_MAX):
            while not (own.started and peer.started):
                await asyncio.sleep(0.01)
        await node.start()
        yield node
    finally:
        node.events.stop()
        own.should_exit = peer.should_exit = True
        await asyncio.gather(*servers)
        await node.stop()


# ---- nodes in processes of their own


class Child:
    """A node in a process of its own, as ``tansiq serve`` runs it; can be killed and started."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Child":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        """Start the process and wait until its own API answers."""
        with (self.folder.data / "serve.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tansiq.cli.child", "serve"),
                *("--data", str(self.folder.data)),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with asyncio.timeout(START_S_MAX), aiohttp.ClientSession() as session:
            while True:
                assert self._process.returncode is None, self.log()
                with suppress(aiohttp.ClientError):
                    url = f"http://127.0.0.1:{self.folder.own_port}/healthz"
                    async with session.get(url) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """``kill -9``, and take leave of the process."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        await process.wait()
        assert process.stdin is not None
        process.stdin.close()
        with suppress(OSError):
            await process.stdin.wait_closed()

    def log(self) -> str:
        """Return what the process last wrote."""
        return (self.folder.data / "serve.log").read_text(errors="replace")[-4_000:]


# ---- people's tools


class Desk:
    """One party's desk: asks its own node over the own API."""

    def __init__(self, folder: Folder, session: aiohttp.ClientSession) -> None:
        self.party = folder.party
        self._url = folder.own_url
        self._session = session
        self._headers = {"Authorization": f"Bearer {load_own_token(folder.data)}"}

    async def ask(
        self, method: str, path: str, body: object = None, *, kind: str = "application/json"
    ) -> tuple[int, Any]:
        """Send one request; return status and document."""
        content = None if body is None else json.dumps(body).encode()
        async with self._session.request(
            method,
            f"{self._url}/{path}",
            data=content,
            headers=self._headers | {"Content-Type": kind},
            timeout=aiohttp.ClientTimeout(total=90),
        ) as answer:
            return answer.status, json.loads(await answer.read())

    async def submit(self, feature: dict[str, Any]) -> dict[str, Any]:
        """Declare a plan; returns its view once it is acknowledged."""
        status, view = await self.ask("POST", "plans", feature, kind="application/geo+json")
        assert status == 201, view
        return dict(view)

    async def change(self, plan: str, feature: dict[str, Any]) -> dict[str, Any]:
        """Put other volumes in the plan's place."""
        path = f"plans/{plan}"
        status, view = await self.ask("PUT", path, feature, kind="application/geo+json")
        assert status in (200, 202), view
        return dict(view)

    async def settled(self, plan: str, wait_s: float) -> dict[str, Any]:
        """Return the plan once nothing goes on any more, or after ``wait_s``."""
        status, view = await self.ask("GET", f"plans/{plan}?wait_s={wait_s}")
        assert status == 200, view
        return dict(view)

    async def end(self, plan: str, wait_s: float = 0.0) -> dict[str, Any]:
        """End a plan."""
        status, view = await self.ask("DELETE", f"plans/{plan}?wait_s={wait_s}")
        assert status in (200, 202), view
        return dict(view)

    async def events(self) -> list[dict[str, Any]]:
        """Return the whole event feed so far."""
        path = f"{self._url}/events?after=0&follow=false"
        async with self._session.get(path, headers=self._headers) as answer:
            assert answer.status == 200
            text = (await answer.read()).decode()
        found = []
        for block in text.split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
            if lines.get("event") == "plan":
                found.append(json.loads(lines["data"]))
            assert lines.get("event") != "cut-off", block
        return found


@asynccontextmanager
async def desks(pair: Pair) -> AsyncIterator[dict[str, Desk]]:
    """Return both desks."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield {party: Desk(folder, session) for party, folder in pair.folders.items()}


def feature(
    name: str, site: int, *, plan: str, start: datetime, minutes: int = 60, east_km: float = 0.0
) -> dict[str, Any]:
    """Return a plan over one of many sites, which are out of each other's way."""
    row, column = divmod(site, 25)
    lng = -123.5 + 0.2 * column + east_km / 85.0
    return {
        "type": "Feature",
        "id": plan,
        "geometry": {"type": "Point", "coordinates": [lng, 36.5 + 0.08 * row]},
        "properties": {
            "start": start.isoformat(),
            "end": (start + timedelta(minutes=minutes)).isoformat(),
            "lower": 500,
            "upper": 700,
            "datum": "W84",
            "units": "M",
            "radius_m": 400,
            "callsign": name,
        },
    }
