"""Fifty subscribers, one that hangs and one that is dead: all others are told at once.

And those who ask get their answer while we are busy.
"""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sized
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
import pytest
from outsider import Outsider, outside
from sky import NOON, PATIENCE_S, TIMERS, Side, flying, make_sky, plan, plan_of, until, volume

from tansiq.clock import SystemClock
from tansiq.domain.geodesy import destination
from tansiq.domain.volume import AltitudeBand, LatLng, Polygon, Volume3D, Volume4D, Volumes
from tansiq.f3548 import convert, wire
from tansiq.peers.link import Answer
from tansiq.peers.register_client import RegisterClient
from tansiq.services.airspace import Airspace, Candidate
from tansiq.services.planning.reasons import Reasons
from tansiq.services.views import Status
from tansiq.settings import Limits

pytestmark = pytest.mark.anyio
SUBSCRIBERS = 50
T = TypeVar("T")


class HeldClock(SystemClock):
    """The machine's clock. While it is held, no pause and no time limit of the node ends: whatever
    is done then is done without any time having passed.
    """

    def __init__(self) -> None:
        self._goes = asyncio.Event()
        self._goes.set()

    def hold(self) -> None:
        self._goes.clear()

    def release(self) -> None:
        self._goes.set()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        await self._goes.wait()

    async def limit(self, awaitable: Awaitable[T], seconds: float) -> T:
        task, end = asyncio.ensure_future(awaitable), asyncio.ensure_future(self.sleep(seconds))
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TimeoutError
            return task.result()
        finally:
            for one in (task, end):
                one.cancel()
            await asyncio.gather(task, end, return_exceptions=True)


class Hall:
    """Many subscribers behind bare sockets: each answers 204, hangs, or is not there."""

    def __init__(self) -> None:
        self.told: dict[int, list[dict[str, Any]]] = {}
        self.hanging: set[int] = set()
        self._servers: dict[int, asyncio.Server] = {}

    async def open(self, port: int = 0) -> int:
        """Let one answer; on the same port as before, if it was there before."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=2**20)
        port = int(server.sockets[0].getsockname()[1])
        self._servers[port] = server
        self.told.setdefault(port, [])
        return port

    async def close(self, port: int) -> None:
        self._servers.pop(port).close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = int(writer.get_extra_info("sockname")[1])
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line[15:])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length:")
                )
                body = msgspec.json.decode(await reader.readexactly(length))
                if port in self.hanging:
                    await asyncio.sleep(3_600)
                self.told[port].append(body)
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def _hall(count: int) -> AsyncIterator[tuple[Hall, list[int]]]:
    hall = Hall()
    ports = [await hall.open() for _ in range(count)]
    try:
        yield hall, ports
    finally:
        for port in list(hall._servers):
            await hall.close(port)


async def _subscribe(outsider: Outsider, holder: Side, port: int, where: Volumes) -> None:
    params = wire.PutSubscriptionParameters(
        extents=convert.to_wire(where[0]),
        uss_base_url=f"http://127.0.0.1:{port}",
        notify_for_operational_intents=True,
    )
    url = f"{holder.party.url}/dss/v1/subscriptions/{uuid4()}"
    answer = await outsider.ask("PUT", url, params)
    assert answer.status_code == 200, answer.text


async def _told(hall: Hall, port: int, intent_id: str) -> list[dict[str, Any]]:
    return [b for b in hall.told[port] if b["operational_intent_id"] == intent_id]


async def test_one_that_hangs_and_one_that_is_dead_keep_no_other_waiting(tmp_path: Path) -> None:
    """F3548-21: sent within 5 s. By the node's clock no time at all passes until all are told."""
    timers = replace(TIMERS, peer_request_s=2.0)
    sky = make_sky(tmp_path, parties=("north",), registers=[("north", True)], timers=timers)
    clock = sky["north"].clock = HeldClock()
    async with AsyncExitStack() as stack:
        hall, ports = await stack.enter_async_context(_hall(SUBSCRIBERS))
        outsider = await stack.enter_async_context(outside(sky))
        await stack.enter_async_context(flying(sky))
        north = sky["north"]
        for port in ports:
            await _subscribe(outsider, north, port, plan(-121).volumes)
        hangs, dead, *others = ports
        hall.hanging.add(hangs)
        await hall.close(dead)
        clock.hold()
        view = await north.declare(plan(-121, "ALPHA"))
        assert view.status is Status.COORDINATED, "telling others does not hold up the plan"
        for port in others:
            await until(lambda port=port: _told(hall, port, view.intent_id), bool)
        clock.release()
        shown = await north.until(
            view.id, lambda v: {_port(name) for name in v.not_reached} == {hangs, dead}
        )
        assert shown.status is Status.COORDINATED
        # It changes, we are stopped and started again, and the dead one comes back.
        await north.up.plans.change(view.id, plan(-121, "ALPHA", at=(0, 70)))
        await north.until(view.id, lambda v: v.time_end != view.time_end)
        await north.restart()
        await hall.open(dead)
        for port in (dead, *others):
            bodies = await until(
                lambda port=port: _told(hall, port, view.intent_id), lambda found: len(found) >= 2
            )
            versions = [body["operational_intent"]["reference"]["version"] for body in bodies]
            assert versions == sorted(versions), "each in its order"
        await north.until(view.id, lambda v: {_port(name) for name in v.not_reached} == {hangs})
        await north.up.plans.end(view.id)
        for port in (dead, *others):
            bodies = await until(
                lambda port=port: _told(hall, port, view.intent_id),
                lambda found: "operational_intent" not in found[-1],
            )


def _port(name: str) -> int:
    return int(name.removeprefix("http://127.0.0.1:").split()[0])


# ---- who asks while we are busy


def _ring(lat: float, lng: float, corners: int) -> Polygon:
    center = LatLng(lat, lng)
    return Polygon(
        vertices=tuple(destination(center, 360 * i / corners, 800.0) for i in range(corners))
    )


def _many(count: int, *, band: tuple[float, float] = (500.0, 800.0)) -> Volumes:
    """Return as many volumes as asked for, side by side, of ten corners each."""
    altitude = AltitudeBand(lower_m=band[0], upper_m=band[1])
    return tuple(
        Volume4D(
            volume=Volume3D(
                outline=_ring(38.5 + 0.02 * (i // 30), -121 + 0.02 * (i % 30), 10),
                altitude=altitude,
            ),
            time=volume().time,
        )
        for i in range(count)
    )


MEANWHILE = 3
"""Answers given while one piece of work on a large plan is held up."""
TURNS_PER_S = 4
"""Turns of the loop in a second that the work itself takes; aside, there are very many more."""


@dataclass(frozen=True, slots=True)
class Worked:
    """One piece of work on a large plan."""

    name: str
    seconds: float
    """Of the processor, so that other programs do not count."""
    turns: int
    """Of the event loop, meanwhile."""
    answered: bool
    """Whether others got their answers before it ended."""


@dataclass
class Meanwhile:
    """Lets work on a large plan end only once others have been answered, however quick it is.

    Work on the event loop itself waits in vain, and not for long: nobody is answered meanwhile.
    """

    loop: int = field(default_factory=threading.get_ident)
    """The thread of the event loop."""
    answers: int = 0
    turns: int = 0
    worked: list[Worked] = field(default_factory=list)
    _more: threading.Condition = field(default_factory=threading.Condition)

    def hold(self, name: str, work: Callable[..., Any], count: int) -> Callable[..., Any]:
        """Return the same work, held up where a candidate as large as that meets anything."""

        def held(worker: object, candidate: Candidate, against: Sized, *rest: Any) -> Any:
            if len(candidate.volumes) < count or not against:
                return work(worker, candidate, against, *rest)
            turns, begun_s = self.turns, time.thread_time()
            found = work(worker, candidate, against, *rest)
            seconds, turns = time.thread_time() - begun_s, self.turns - turns
            wait_s = 0.2 if threading.get_ident() == self.loop else PATIENCE_S
            with self._more:
                wanted = self.answers + MEANWHILE
                answered = self._more.wait_for(lambda: self.answers >= wanted, wait_s)
            self.worked.append(Worked(name, seconds, turns, answered))
            return found

        return held

    def answer(self) -> None:
        """Note that somebody has been answered."""
        with self._more:
            self.answers += 1
            self._more.notify_all()

    def check(self) -> None:
        """Fail if any of it kept others waiting."""
        assert {one.name for one in self.worked} == {"judged", "explained"}
        for one in self.worked:
            assert one.answered, f"nobody is answered while it is {one.name}"
            assert one.turns + 1 > TURNS_PER_S * one.seconds, one


async def _refuse_large(
    tmp_path: Path, count: int, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let a plan of so many volumes be refused for one of as many, while details are asked for."""
    for name, kind, work in (("judged", Airspace, "judge"), ("explained", Reasons, "_explained")):
        monkeypatch.setattr(kind, work, meanwhile.hold(name, getattr(kind, work), count))
    sky = make_sky(tmp_path, parties=("north",), registers=[("north", True)])
    async with outside(sky) as outsider, flying(sky):
        north = sky["north"]
        small = await north.declare(plan(-119, "SMALL"))
        await outsider.place(north, _many(count))
        url = f"{north.party.url}/uss/v1/operational_intents/{small.intent_id}"
        done = False

        async def asking() -> None:
            while not done:
                assert (await outsider.ask("GET", url)).status_code == 200
                meanwhile.answer()
                await asyncio.sleep(0.02)

        async def turning() -> None:
            while not done:
                meanwhile.turns += 1
                await asyncio.sleep(0.005)

        beside = [asyncio.create_task(asking()), asyncio.create_task(turning())]
        try:
            view = await north.up.plans.submit(plan_of(_many(count), "LARGE"))
            refused = await north.settled(view.id, 20 * PATIENCE_S)
            assert refused.status is Status.REFUSED
        finally:
            done = True
        await asyncio.gather(*beside)
    print(*meanwhile.worked, sep="\n")


@pytest.mark.parametrize(
    "count",
    [80, pytest.param(1_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_800)])],
    ids=["80", "1000"],
)
async def test_details_are_answered_while_a_large_plan_is_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Within a second (F3548-21), of which none is left to a machine that does other things too:
    what is asserted is that the loop goes on all the while.
    """
    meanwhile = Meanwhile()
    await _refuse_large(tmp_path, count, meanwhile, monkeypatch)
    meanwhile.check()


@pytest.mark.parametrize("name", ["judged", "explained"])
async def test_who_judges_a_large_plan_on_the_loop_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The control of the test above."""
    if name == "judged":
        monkeypatch.setattr(Airspace, "is_long", lambda *_: False)
    else:
        prepare = Reasons.prepare

        def explained(*given: Any, **more: Any) -> Callable[[], Any]:
            found = prepare(*given, **more)()
            return lambda: found

        monkeypatch.setattr(Reasons, "prepare", explained)
    meanwhile = Meanwhile()
    await _refuse_large(tmp_path, 80, meanwhile, monkeypatch)
    with pytest.raises(AssertionError, match=f"while it is {name}"):
        meanwhile.check()


async def test_a_list_of_many_references_is_read_without_keeping_others_waiting(
    tmp_path: Path,
) -> None:
    """The longest step of reading 25,000 references is a fraction of reading them at once."""
    random = Random(1)
    print("seed", 1)
    time = {"value": convert.to_time(NOON).value, "format": "RFC3339"}
    references = [
        {
            "id": str(uuid4()).upper() if random.random() < 0.5 else str(uuid4()),
            "manager": "drones",
            "uss_availability": "Unknown",
            "version": i,
            "state": "Accepted",
            "time_start": time,
            "time_end": time,
            "uss_base_url": "https://uss.example.com",
            "subscription_id": str(uuid4()),
        }
        for i in range(25_000)
    ]
    body = msgspec.json.encode({"operational_intent_references": references})

    class Canned:
        async def call(self, *_: Any, **__: Any) -> Answer:
            return Answer(200, body)

    client = RegisterClient(Canned(), "https://dss.example.com", Limits())  # type: ignore[arg-type]
    turns = 0
    done = False

    async def others() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    found = await client.query_intents(convert.to_wire(volume()))
    done = True
    await beside
    assert [r.version for r in found] == list(range(25_000))
    assert all(r.id == r.id.lower() for r in found)
    assert turns > 5
