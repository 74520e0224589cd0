"""Nodes of several parties on this machine: data folders, one agreement, a process each.

What desks would do by hand with ``tansiq init`` and ``tansiq serve``, and nothing besides. The
processes share no memory and no file but the agreement's bytes, of which each has its own copy.
"""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from tansiq.clock import Clock
from tansiq.demo.scenario import AREA_KM2_MAX, LEVEL_STEP_M, LEVELS_M, PARTIES, Scenario
from tansiq.domain.agreement import Agreement, Party, Register
from tansiq.errors import BadInput
from tansiq.formats.agreement import read_agreement, render_agreement
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.settings import FILE, load_own_token, load_settings

READY_S_MAX = 180.0
"""The first start after an installation compiles, half a minute of processor time for each node."""
STOP_S_MAX = 10.0
LOG = "serve.log"
_PORT_FIRST, _PORT_LAST = 18_000, 27_999
"""Below the range from which systems take ports for outgoing connections."""
_POLL_S = 0.1


class NodeFailed(Exception):
    """A node did not start, or ended; the sentence says what it last wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A party that gets a node here."""

    party: str
    names: Mapping[str, str]
    """By language."""
    settings: str = ""
    """Lines for the node's ``tansiq.toml``."""


@dataclass(slots=True, kw_only=True)
class Node:
    """One party's node: where its data is, where it answers, and its process as it is now."""

    party: str
    data: Path
    own_port: int
    peer_port: int
    token: str
    process: asyncio.subprocess.Process

    async def kill(self) -> None:
        """End the process as a power cut would: nothing is stored or told before."""
        self.process.kill()
        await self.process.wait()

    async def start_again(self, clock: Clock) -> None:
        """Start a process on the same folder and wait until it answers.

        Raises:
            NodeFailed: it did not become ready.
        """
        self.process = await _start(self.data)
        await _ready(self, clock)

    @property
    def own_url(self) -> str:
        return f"http://127.0.0.1:{self.own_port}"

    @property
    def peer_url(self) -> str:
        return f"https://127.0.0.1:{self.peer_port}"

    def check(self) -> None:
        """Raise if the node has ended.

        Raises:
            NodeFailed: it has; with the last lines of its log.
        """
        if self.process.returncode is not None:
            raise NodeFailed(
                f"the node of {self.party} ended with {self.process.returncode}:\n"
                + _tail(self.data / LOG)
            )


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


@dataclass(frozen=True, slots=True)
class Login:
    """An account that the demo has made, the same at each node, for this one run."""

    name: str
    password: str


async def let_in(nodes: Sequence[Node], *, name: str = "demo") -> Login:
    """Make an account at each node, which may do everything there.

    Raises:
        NodeFailed: a node did not answer, or refused.
    """
    login = Login(name, secrets.token_urlsafe(15))
    said = {
        "name": login.name,
        "display_name": "Demo",
        "initials": "DEMO",
        "role": "admin",
        "password": login.password,
    }
    async with aiohttp.ClientSession() as session:
        for node in nodes:
            whose = {"Authorization": f"Bearer {node.token}"}
            try:
                async with session.post(
                    f"{node.own_url}/api/v1/accounts", json=said, headers=whose
                ) as answer:
                    if answer.status != 201:
                        text = (await answer.text())[:200]
                        raise NodeFailed(f"{node.party} made no account: {answer.status} {text}")
            except aiohttp.ClientError as error:
                raise NodeFailed(f"{node.party} does not answer: {error}") from None
    return login


@asynccontextmanager
async def two_nodes(
    folder: Path, scenario: Scenario, ports: Sequence[int], clock: Clock
) -> AsyncIterator[tuple[tuple[Node, ...], Agreement]]:
    """Run the nodes of a scenario's two parties; see ``nodes_of``."""
    seats = [Seat(party=party, names={"en": f"{party.capitalize()} Cell"}) for party in PARTIES]

    def agree(parties: Sequence[Party]) -> Agreement:
        return _agreement(scenario, parties)

    async with nodes_of(folder, seats, agree, ports=ports, clock=clock) as running:
        yield running


@asynccontextmanager
async def nodes_of(
    folder: Path,
    seats: Sequence[Seat],
    agree: Callable[[Sequence[Party]], Agreement],
    *,
    ports: Sequence[int],
    clock: Clock,
) -> AsyncIterator[tuple[tuple[Node, ...], Agreement]]:
    """Make all parties' folders and the agreement, run the nodes, and stop them at the end.

    ``agree`` makes the agreement of the parties' entries. ``ports`` has the own and the peer port
    of each, or is empty for free ones.

    Raises:
        NodeFailed: a node did not become ready.
        BadInput: the folder holds nodes already, or a port is taken.
    """
    chosen = _ports(ports, 2 * len(seats))
    parties = [
        _make_folder(folder / seat.party, seat, own_port=own, peer_port=peer, clock=clock)
        for seat, own, peer in zip(seats, chosen[::2], chosen[1::2], strict=True)
    ]
    text = render_agreement(agree(parties))
    for seat in seats:
        (folder / seat.party / "agreement.toml").write_bytes(text)
    async with AsyncExitStack() as running:
        nodes = [
            await running.enter_async_context(_node(folder / seat.party, clock)) for seat in seats
        ]
        for node in nodes:
            await _ready(node, clock)
        yield tuple(nodes), read_agreement(text)


def _make_folder(data: Path, seat: Seat, *, own_port: int, peer_port: int, clock: Clock) -> Party:
    new = NewNode(
        party=seat.party,
        names=seat.names,
        url=f"https://127.0.0.1:{peer_port}",
        own_port=own_port,
        peer_port=peer_port,
    )
    files = make_node(new, clock.now())
    contents = {**files.contents, FILE: files.contents[FILE] + seat.settings.encode()}
    write_node(data, replace(files, contents=contents))
    return files.party


def _agreement(scenario: Scenario, parties: Sequence[Party]) -> Agreement:
    """Return the rules of the demo: two registers, the first party's being the gate."""
    return Agreement(
        name=f"Demo: {scenario.title}",
        digest="",  # Of the bytes, which do not exist yet.
        parties=tuple(parties),
        registers=tuple(Register(id=p.id, party=p.id, url=p.url) for p in parties),
        area=scenario.area,
        area_km2_max=AREA_KM2_MAX,
        minima=scenario.minima,
        level_step_m=LEVEL_STEP_M,
        levels_m=LEVELS_M,
        formations=scenario.formations,
    )


@asynccontextmanager
async def _node(data: Path, clock: Clock) -> AsyncIterator[Node]:
    settings = load_settings(data)
    node = Node(
        party=settings.party,
        data=data,
        own_port=settings.own_port,
        peer_port=settings.peer_port,
        token=load_own_token(data),
        process=await _start(data),
    )
    try:
        yield node
    finally:
        await _stop(node.process, clock)


async def _start(data: Path) -> asyncio.subprocess.Process:
    with (data / LOG).open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tansiq.cli.child", "serve", "--data", str(data)),
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            # A group of its own: Ctrl-C is for us, and we stop the nodes in order.
            start_new_session=True,
        )


async def _stop(process: asyncio.subprocess.Process, clock: Clock) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            await clock.limit(process.wait(), STOP_S_MAX)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _ready(node: Node, clock: Clock) -> None:
    started_s = clock.monotonic_s()
    async with aiohttp.ClientSession() as session:
        while True:
            node.check()
            with suppress(aiohttp.ClientError):
                async with session.get(f"{node.own_url}/readyz") as response:
                    if response.status == 200:
                        return
            if clock.monotonic_s() - started_s > READY_S_MAX:
                raise NodeFailed(
                    f"the node of {node.party} was not ready within {READY_S_MAX:.0f} s:\n"
                    + _tail(node.data / LOG)
                )
            await clock.sleep(_POLL_S)


def _ports(chosen: Sequence[int], count: int) -> tuple[int, ...]:
    """Return so many ports: own and peer of each node.

    Raises:
        BadInput: one is taken.
    """
    if not chosen:
        # Two demos that start at once should not look in the same place.
        return free_ports(count, _PORT_FIRST + os.getpid() % 1_500 * 6)
    for port in chosen:
        if not _is_free(port):
            raise BadInput(f"{port} is taken; choose another", field="ports")
    return tuple(chosen)


def free_ports(count: int, start: int) -> tuple[int, ...]:
    """Return ports on which nothing listens now, looking upwards from ``start``.

    Raises:
        BadInput: there are not so many.
    """
    found: list[int] = []
    for port in range(start, _PORT_LAST + 1):
        if _is_free(port):
            found.append(port)
        if len(found) == count:
            return tuple(found)
    raise BadInput(
        f"fewer than {count} free ports from {start} to {_PORT_LAST}; name some yourself",
        field="ports",
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
