"""A feed over UDP: one sender, a group, bursts, and what is dropped."""

import asyncio
import socket
from datetime import UTC, datetime, timedelta

import pytest
import takproto
from tests.feeds.sources import ShiftedClock, free_port, reading, receiver, until, until_health

from tansiq.feed_settings import FeedKind
from tansiq.feeds.health import FeedState
from tansiq.settings import Limits

pytestmark = pytest.mark.anyio
GROUP = "239.2.3.1"


def event(uid: str = "ANDROID-1", lat: float = 36.0, kind: str = "a-f-A-M-H") -> bytes:
    now = datetime.now(UTC)
    time, stale = (
        moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for moment in (now, now + timedelta(seconds=20))
    )
    return (
        f'<event version="2.0" uid="{uid}" type="{kind}" time="{time}" stale="{stale}">'
        f'<point lat="{lat}" lon="36" hae="900" ce="10" le="10"/></event>'
    ).encode()


def send(*datagrams: bytes, host: str = "127.0.0.1", port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
        for datagram in datagrams:
            out.sendto(datagram, (host, port))


async def test_events_of_both_forms_and_what_is_none() -> None:
    port = free_port(socket.SOCK_DGRAM)
    mesh = bytes(takproto.xml2proto(event("2").decode(), takproto.TAKProtoVer.MESH))
    async with reading(FeedKind.COT, f"udp://127.0.0.1:{port}", datum="W84") as (feed, sink):
        await until_health(feed, lambda h: h.state is FeedState.OK)
        send(event("1"), mesh, b"hello", event("3", kind="a-f-G"), port=port)
        health = await until_health(feed, lambda h: h.messages == 4)
    assert [report.address for report in sink.reports] == ["cot:1", "cot:2"]
    assert health.refused == {"malformed": 1, "not-aircraft": 1}


async def test_a_group_is_joined_beside_other_programs() -> None:
    port = free_port(socket.SOCK_DGRAM)
    url = f"udp://{GROUP}:{port}"
    async with (
        reading(FeedKind.COT, url, datum="W84", interface="127.0.0.1") as (first, heard),
        reading(FeedKind.COT, url, datum="W84", interface="127.0.0.1") as (second, too),
    ):
        await until(
            lambda: first.health().state is second.health().state is FeedState.OK,
        )
        send(event(), host=GROUP, port=port)
        await until(lambda: len(heard.reports) == len(too.reports) == 1)


async def test_a_port_that_is_taken_is_said_and_tried_again() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        async with reading(FeedKind.COT, f"udp://127.0.0.1:{port}", datum="W84") as (feed, sink):
            await until_health(feed, lambda h: "cannot listen: Address already in use" in h.reason)
            other.close()
            await until_health(feed, lambda h: h.state is FeedState.OK)
            send(event(), port=port)
            await until(lambda: len(sink.reports) == 1)


async def test_ten_times_the_usual_is_read_and_beyond_the_queue_the_oldest_go() -> None:
    """The loop is held up while 60 come; 50 may wait."""
    port = free_port(socket.SOCK_DGRAM)
    limits = Limits(position_queue_max=50)
    async with reading(FeedKind.COT, f"udp://127.0.0.1:{port}", limits=limits, datum="W84") as (
        feed,
        sink,
    ):
        await until_health(feed, lambda h: h.state is FeedState.OK)
        held = FrozenSleep(feed)
        for number in range(5):
            send(event(f"usual-{number}"), port=port)
        await until(lambda: len(sink.reports) == 5)
        held.hold()
        send(event("wakes"), port=port)
        await until(lambda: held.waiting)
        send(*(event(f"burst-{number}") for number in range(60)), port=port)
        await until(lambda: feed.health().dropped == 10)
        held.release()
        await until(lambda: len(sink.reports) == 56)
    assert [report.address for report in sink.reports[6:]] == [
        f"cot:burst-{number}" for number in range(10, 60)
    ]
    assert feed.health().dropped == 10


class FrozenSleep:
    """Holds a feed in the turn that it leaves to others, as a busy loop does."""

    def __init__(self, feed: object) -> None:
        self.waiting = False
        self._free = asyncio.Event()
        self._free.set()
        self._clock = feed._clock  # type: ignore[attr-defined]
        self._clock.sleep = self._sleep

    def hold(self) -> None:
        self._free.clear()

    def release(self) -> None:
        self._free.set()

    async def _sleep(self, seconds: float) -> None:
        self.waiting = not self._free.is_set()
        await self._free.wait()
        await asyncio.sleep(seconds)


async def test_a_sender_whose_clock_is_so_far_behind_that_all_is_stale_shows() -> None:
    port = free_port(socket.SOCK_DGRAM)
    clock = ShiftedClock(timedelta(seconds=500))
    async with reading(FeedKind.COT, f"udp://127.0.0.1:{port}", clock=clock, datum="W84") as (
        feed,
        _,
    ):
        await until_health(feed, lambda h: h.state is FeedState.OK)
        send(event(), port=port)
        health = await until_health(feed, lambda h: h.refused == {"stale": 1})
    assert health.clock.startswith("its positions come 5")


async def test_events_over_tcp() -> None:
    async with receiver() as server:
        server.first = event("1") + bytes(
            takproto.xml2proto(event("2").decode(), takproto.TAKProtoVer.STREAM)
        )
        async with reading(FeedKind.COT, server.url, datum="AMSL") as (_, sink):
            await until(lambda: len(sink.reports) == 2)
    assert {round(report.geometric_error_m, 1) for report in sink.reports} == {11.2}
