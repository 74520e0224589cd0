"""Traffic for a register: clients that plan apart from each other, and clients that all meet.

``Measured`` tells what requests cost the node: requests a second, waiting times, CPU, and what its
threads were doing, sampled from /proc (Linux).
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import s2geometry as s2

from _direct import DirectClient
from _node import INTENTS, SUBSCRIPTIONS, RegisterNode, intent, subscription, uuid4, volume
from _node import Client as HttpClient

CLIENTS = 16
LIVE = 50
BUSY_LEVEL = 13
_SAMPLE_S = 0.01
_TOLD_S = 0.25

Client = HttpClient | DirectClient


@dataclass(slots=True)
class Measured:
    """What a stretch of traffic showed."""

    seconds: float = 0.0
    waits_s: list[float] = field(default_factory=list)
    answers: Counter[int] = field(default_factory=Counter)
    cpu_s: float = 0.0
    loop_cpu_s: float = 0.0
    disk_samples: int = 0
    samples: int = 0

    @property
    def requests(self) -> int:
        return len(self.waits_s)

    @property
    def rate(self) -> float:
        """Requests a second, of either answer."""
        return self.requests / self.seconds

    @property
    def accepted_rate(self) -> float:
        return (self.answers[200] + self.answers[201]) / self.seconds

    @property
    def cpu_ms(self) -> float:
        """CPU milliseconds of the node for each request."""
        return self.cpu_s * 1e3 / self.requests

    @property
    def loop_share(self) -> float:
        """Share of the time that the thread of the event loop was computing."""
        return self.loop_cpu_s / self.seconds

    @property
    def store_share(self) -> float:
        """The same for the store's threads together."""
        return (self.cpu_s - self.loop_cpu_s) / self.seconds

    @property
    def disk_share(self) -> float:
        """Share of the samples in which a thread waited for the disk."""
        return self.disk_samples / max(1, self.samples)

    def wait_ms(self, share: float) -> float:
        """Return the waiting time that this share of the requests did not exceed."""
        return sorted(self.waits_s)[int(share * (self.requests - 1))] * 1e3


class _Sampler:
    """Looks at a node's threads while traffic runs."""

    def __init__(self, node: RegisterNode, found: Measured) -> None:
        assert node.process is not None
        self._node = node
        self._found = found
        self._tasks = Path(f"/proc/{node.process.pid}/task")
        self._main = f"/{node.process.pid}"

    def _loop_s(self) -> tuple[float, float]:
        threads = self._node.threads_cpu_s()
        return sum(threads.values()), sum(s for n, s in threads.items() if n.endswith(self._main))

    async def __aenter__(self) -> None:
        self._before = self._loop_s()
        self._sampling = asyncio.create_task(self._sample())

    async def __aexit__(self, *_: object) -> None:
        self._sampling.cancel()
        whole, loop = self._loop_s()
        self._found.cpu_s = whole - self._before[0]
        self._found.loop_cpu_s = loop - self._before[1]

    async def _sample(self) -> None:
        while True:
            states = [
                (task / "stat").read_text().rpartition(") ")[2][0] for task in self._tasks.iterdir()
            ]
            self._found.samples += 1
            self._found.disk_samples += "D" in states
            await asyncio.sleep(_SAMPLE_S)


Work = Callable[[Client, random.Random], Awaitable[int]]
"""Sends one request and returns the status of its answer."""


async def run(
    node: RegisterNode | None, clients: Sequence[Client], work: Work, *, seconds: float, seed: int
) -> Measured:
    """Let each client work again and again for so long; a node's threads are watched meanwhile."""
    found = Measured()

    async def client(number: int) -> None:
        rng = random.Random(seed * 1_000 + number)
        until = time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            status = await work(clients[number], rng)
            found.waits_s.append(time.perf_counter() - began)
            found.answers[status] += 1

    began = time.perf_counter()
    async with _Sampler(node, found) if node is not None else nullcontext():
        await asyncio.gather(*(client(number) for number in range(len(clients))))
    found.seconds = time.perf_counter() - began
    return found


def clients_of(node: RegisterNode, count: int = CLIENTS) -> list[HttpClient]:
    """Return one client of each of so many suppliers."""
    return [HttpClient(node.peer_port, f"uss{n}", node.token(f"uss{n}")) for n in range(count)]


def soon() -> datetime:
    """Return a start an hour from now."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


def uncontended(*, implicit: bool = False) -> Work:
    """Return the work of creating intents of 1 km radius all over the earth: hardly two meet."""
    start = soon()

    async def create(client: Client, rng: random.Random) -> int:
        place = volume(rng.uniform(-70, 70), rng.uniform(-179, 179), radius_m=1_000, start=start)
        body = msgspec.json.encode(intent([place], implicit=implicit))
        status, answer = await client.ask("PUT", f"{INTENTS}/{uuid4(rng.getrandbits(128))}", body)
        assert status in (201, 409), answer
        return status

    return create


def layered(where: tuple[float, float], layers: Mapping[str, int]) -> Work:
    """Return the work of those who share one cell and a quarter of an hour, each at its own height.

    Each creates, changes twice and deletes; nobody is in anybody's way, and none is refused.
    """
    lat, lng = cell_centre(*where)
    start = soon()
    standing: dict[str, list[str]] = {}

    async def work(client: Client, rng: random.Random) -> int:
        low = 20.0 * layers[client.uss]
        place = volume(lat, lng, radius_m=200, low_m=low, high_m=low + 10.0, start=start)
        name, ovn, left = standing.get(client.uss) or (uuid4(rng.getrandbits(128)), "", "xxx")
        path = f"{INTENTS}/{name}/{ovn}".rstrip("/")
        if ovn and not left:
            status, answer = await client.ask_json("DELETE", path)
            standing.pop(client.uss)
        else:
            status, answer = await client.ask_json("PUT", path, intent([place]))
            made = answer["operational_intent_reference"]["ovn"]
            standing[client.uss] = [name, made, left[1:]]
        assert status in (200, 201), answer
        return status

    return work


# ---- the busy cell


def cell_centre(lat: float, lng: float) -> tuple[float, float]:
    """Return the centre of the cell that a place lies in."""
    cell = s2.S2CellId(s2.S2LatLng.FromDegrees(lat, lng)).parent(BUSY_LEVEL)
    centre = s2.S2LatLng(cell.ToPoint())
    return centre.lat().degrees(), centre.lng().degrees()


@dataclass(slots=True)
class BusyCell:
    """All plan the same air at the same time; each knows of the others what it has been told.

    ``book`` stands for notifications and for details asked of managers: it has each version as soon
    as its manager has the register's answer, and never sooner. A refused write is tried again with
    what the book says by then of the intents that the refusal named.
    """

    live: int = LIVE
    where: tuple[float, float] = (40.0, -105.0)
    book: dict[str, str] = field(default_factory=dict)
    """OVN by intent."""
    owned: dict[str, list[str]] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    accepted: Counter[str] = field(default_factory=Counter)
    _pending: dict[str, tuple[str, str]] = field(default_factory=dict)
    _told: asyncio.Event = field(default_factory=asyncio.Event)
    _place: dict[str, object] = field(init=False)
    _lasting: dict[str, object] = field(init=False)

    def __post_init__(self) -> None:
        lat, lng = cell_centre(*self.where)
        self._place = volume(lat, lng, radius_m=200, start=soon())
        self._lasting = volume(lat, lng, radius_m=200, start=soon(), minutes=20)

    async def prepare(self, clients: Sequence[Client], *, subscribe: bool) -> None:
        """Let each client subscribe, if wished, and place the first intents."""
        rng = random.Random(1)
        for client in clients:
            self.owned[client.uss] = []
            if subscribe:
                name = uuid4(rng.getrandbits(128))
                body = subscription(self._lasting, f"https://{client.uss}.example/bench")
                status, answer = await client.ask_json("PUT", f"{SUBSCRIPTIONS}/{name}", body)
                assert status == 200, answer
                self.subscriptions[client.uss] = name
        for number in range(self.live):
            status = await self._create(clients[number % len(clients)], rng)
            assert status == 201, status
        self.accepted.clear()

    async def work(self, client: Client, rng: random.Random) -> int:
        """Create, change or delete, so that as many as wished stay live; or try again."""
        pending = self._pending.pop(client.uss, None)
        if pending is not None:
            return await self._put(client, *pending)
        mine = self.owned[client.uss]
        choice = rng.choice(("create", "update", "update", "delete"))
        if len(self.book) < self.live or not mine:
            choice = "create"
        elif len(self.book) > self.live:
            choice = "delete"
        if choice == "create":
            return await self._create(client, rng)
        name = rng.choice(mine)
        if choice == "update":
            return await self._put(client, name, self.book[name])
        return await self._delete(client, name)

    async def _create(self, client: Client, rng: random.Random) -> int:
        return await self._put(client, uuid4(rng.getrandbits(128)), "")

    async def _put(self, client: Client, name: str, ovn: str) -> int:
        key = self._key(name)
        document = intent(
            [self._place], key=key, subscription_id=self.subscriptions.get(client.uss)
        )
        path = f"{INTENTS}/{name}/{ovn}" if ovn else f"{INTENTS}/{name}"
        status, answer = await client.ask_json("PUT", path, document)
        if status == 409:
            self._pending[client.uss] = (name, ovn)
            missing = [str(one["id"]) for one in answer["missing_operational_intents"]]
            await self.read_details(client, missing, set(key))
            return status
        assert status in (200, 201), answer
        if not ovn:
            self.owned[client.uss].append(name)
        self.book[name] = answer["operational_intent_reference"]["ovn"]
        self.accepted["update" if ovn else "create"] += 1
        self._tell()
        return status

    async def _delete(self, client: Client, name: str) -> int:
        self.owned[client.uss].remove(name)
        status, answer = await client.ask_json("DELETE", f"{INTENTS}/{name}/{self.book[name]}")
        assert status == 200, answer
        del self.book[name]
        self.accepted["delete"] += 1
        self._tell()
        return status

    def _key(self, name: str) -> list[str]:
        return [other for entity, other in self.book.items() if entity != name]

    async def read_details(self, _: Client, names: Sequence[str], sent: set[str]) -> None:
        """Wait until the managers of what was named could tell of it, or it is gone."""
        # A manager whose own answer is still on the way does not know the version either.
        for _ in range(3):
            if all(self.book.get(name) not in (None, *sent) for name in names):
                return
            with suppress(TimeoutError):  # Of what was deleted meanwhile nobody will tell.
                await asyncio.wait_for(self._told.wait(), _TOLD_S)

    def _tell(self) -> None:
        self._told.set()
        self._told = asyncio.Event()
