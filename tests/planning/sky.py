"""Two or more whole nodes in one event loop: real listeners, real stores, short timers.

A ``Sky`` makes the parties' folders and their agreement; a ``Side`` is one party, whose node can be
stopped, started again on the same port and reached as others reach it. Nothing is simulated but the
length of the timers.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from tests.ports import free_ports

from stores import placed
from tansiq.clock import Clock, SystemClock
from tansiq.domain.agreement import Agreement, Minima, Party, Register
from tansiq.domain.draft import Datum, PlanDraft, StatedBand, Units
from tansiq.domain.intent import EntityID, PartyID
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    AltitudeBand,
    Circle,
    LatLng,
    Polygon,
    Volume3D,
    Volume4D,
    Volumes,
)
from tansiq.formats.agreement import render_agreement
from tansiq.http.listener import listener, tls_of_node
from tansiq.node import Node
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.services.views import ConstraintView, PlanView
from tansiq.settings import Settings, Timers, load_settings

PATIENCE_S = 60.0
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP: to read in all authorities that the machine trusts takes 46 ms."""
"""How long a test waits for what ought to be so very soon. No promise: on a busy machine everything
takes longer, and who waits goes on as soon as it is so.
"""
NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=3)
if NOON.hour == 23:
    NOON += timedelta(hours=1)  # Times of one hour are said without their day.
"""Some hours ahead: the hour that all plans of the tests are stated from."""
AREA = Polygon(vertices=(LatLng(36, -124), LatLng(36, -118), LatLng(42, -118), LatLng(42, -124)))
MINIMA = Minima(horizontal_m=1_000.0, vertical_m=150.0, time=timedelta(seconds=60))
TIMERS = Timers(
    peer_request_s=PATIENCE_S,
    retry_first_s=0.02,
    retry_last_s=0.1,
    waiting_poll_s=0.05,
    sweep_s=60.0,
)


class ShiftedClock(SystemClock):
    """The machine's clock, ahead by as much as a test says."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.ahead


def volume(
    lng: float = -121.0,
    *,
    at: tuple[float, float] = (0, 60),
    band: tuple[float, float] = (500.0, 800.0),
    radius_m: float = 2_000.0,
    lat: float = 39.0,
) -> Volume4D:
    """Return a disc; ``at`` is its start and end in minutes after NOON."""
    return Volume4D(
        volume=Volume3D(
            outline=Circle(center=LatLng(lat, lng), radius_m=radius_m),
            altitude=AltitudeBand(lower_m=band[0], upper_m=band[1]),
        ),
        time=TimeSpan(start=NOON + timedelta(minutes=at[0]), end=NOON + timedelta(minutes=at[1])),
    )


def plan_of(volumes: Volumes, callsign: str = "", **rest: Any) -> PlanDraft:
    """Return a draft of these volumes, stated in metres above the ellipsoid."""
    stated = tuple(
        StatedBand(
            lower=v.altitude.lower_m, upper=v.altitude.upper_m, units=Units.M, datum=Datum.W84
        )
        for v in volumes
    )
    return PlanDraft(volumes=volumes, stated=stated, callsign=callsign, **rest)


def plan(
    lng: float = -121.0,
    callsign: str = "",
    *,
    priority: int = 0,
    formation: str = "",
    plan_id: str | None = None,
    **where: Any,
) -> PlanDraft:
    """Return a draft of one disc."""
    return plan_of(
        (volume(lng, **where),),
        callsign,
        priority=priority,
        formation=formation,
        id=None if plan_id is None else EntityID(plan_id),
    )


@dataclass
class Side:
    """One party, its folder, and its node while it runs."""

    settings: Settings
    party: Party
    port: int
    clock: Clock | None = None
    """Instead of the machine's."""
    node: Node | None = None
    _peer: uvicorn.Server | None = None
    _serving: asyncio.Task[None] | None = None

    @property
    def up(self) -> Node:
        assert self.node is not None, f"{self.party.id} is not running"
        return self.node

    async def start(self) -> None:
        """Open the node, listen, and take up its work, in the order of ``tansiq serve``."""
        self.node = await Node.open(self.settings, self.clock)
        await self.listen()
        await self.node.start()

    async def listen(self) -> None:
        """Answer peers."""
        settings = self.settings
        tls = tls_of_node(settings) if settings.peer_tls else None
        server = listener(self.up.peer, "127.0.0.1", self.port, settings, tls=tls)
        self._peer, self._serving = server, asyncio.create_task(server.serve())
        while not server.started:
            assert not self._serving.done(), f"port {self.port} is taken"
            await asyncio.sleep(0.002)

    async def deafen(self) -> None:
        """Stop answering peers; the node itself goes on."""
        if self._peer is not None and self._serving is not None:
            self._peer.should_exit = self._peer.force_exit = True
            await self._serving
            # One that was being accepted when the listener closed is told of nothing.
            for connection in list(self._peer.server_state.connections):
                connection.transport.close()
            self._peer = self._serving = None

    async def stop(self) -> None:
        """End the node; what it acknowledged is in its folder."""
        node, self.node = self.node, None
        if node is not None:
            await self.deafen()
            await node.stop()

    async def restart(self) -> None:
        """Stop, and open again from the same folder."""
        await self.stop()
        await self.start()

    # What tests ask of it, shortly

    async def settled(self, plan_id: str, wait_s: float = PATIENCE_S) -> PlanView:
        return await self.up.plans.settled(plan_id, wait_s)

    async def declare(self, draft: PlanDraft) -> PlanView:
        """Submit and wait for the verdict."""
        view = await self.up.plans.submit(draft)
        return await self.settled(view.id)

    async def no_go(self, draft: PlanDraft) -> ConstraintView:
        """Submit a no-go area and wait until all registers hold it."""
        view = await self.up.constraints.submit(draft)
        return await self.area_settled(view.id)

    async def area_settled(self, area_id: str) -> ConstraintView:
        return await self.up.constraints.settled(area_id, PATIENCE_S)

    async def until(
        self, plan_id: str, good: Callable[[PlanView], bool], wait_s: float = PATIENCE_S
    ) -> PlanView:
        """Wait until a plan's view is good."""
        return await until(lambda: self.up.plans.plan(plan_id), good, wait_s)


async def until(
    ask: Callable[[], Any], good: Callable[[Any], bool], wait_s: float = PATIENCE_S
) -> Any:
    """Ask again and again until the answer is good; fail with the last answer."""
    loop = asyncio.get_running_loop()
    limit = loop.time() + wait_s
    while True:
        found = await ask()
        if good(found):
            return found
        assert loop.time() < limit, f"not so within {wait_s} s: {found}"
        await asyncio.sleep(0.005)


@dataclass
class Sky:
    """All sides, under one agreement."""

    folder: Path
    sides: dict[str, Side] = field(default_factory=dict)

    def __getitem__(self, party: str) -> Side:
        return self.sides[party]


def make_sky(
    folder: Path,
    *,
    parties: Sequence[str] = ("north", "south"),
    registers: Sequence[tuple[str, bool]] | None = None,
    tls: bool = False,
    timers: Timers = TIMERS,
    via: Callable[[str, int], str] | None = None,
    **rules: Any,
) -> Sky:
    """Make folders and agreement; ``registers`` are (party, foreign), each party's by default.

    ``rules`` are fields of the agreement; ``via`` may give another URL for a party's node.
    """
    scheme = "https" if tls else "http"
    ports = dict(zip(parties, free_ports(len(parties)), strict=True))
    members: dict[str, Party] = {}
    for name, port in ports.items():
        url = f"{scheme}://127.0.0.1:{port}" if via is None else via(name, port)
        new = NewNode(party=name, names={"en": name.title()}, url=url, own_port=1, peer_port=port)
        files = make_node(new, datetime.now(UTC))
        write_node(folder / name, files)
        members[name] = files.party
    entries = registers if registers is not None else [(name, False) for name in parties]
    agreement = Agreement(
        name="Test",
        digest="",
        parties=tuple(members.values()),
        registers=tuple(
            Register(id=name, party=PartyID(name), url=members[name].url, foreign=foreign)
            for name, foreign in entries
        ),
        area=AREA,
        **{"area_km2_max": 2_500.0, "minima": MINIMA, **rules},
    )
    sky = Sky(folder)
    for name, port in ports.items():
        (folder / name / "agreement.toml").write_bytes(render_agreement(agreement))
        settings = placed(replace(load_settings(folder / name), timers=timers))
        sky.sides[name] = Side(settings, members[name], port)
    return sky


@asynccontextmanager
async def flying(sky: Sky) -> AsyncIterator[Sky]:
    """Run all nodes."""
    try:
        for side in sky.sides.values():
            await side.start()
        yield sky
    finally:
        for side in sky.sides.values():
            await side.stop()


@asynccontextmanager
async def two(folder: Path, **how: Any) -> AsyncIterator[tuple[Side, Side]]:
    """Run north and south; north's register is the gate."""
    async with flying(make_sky(folder, **how)) as sky:
        yield sky["north"], sky["south"]
