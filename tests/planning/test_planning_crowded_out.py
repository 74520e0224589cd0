"""What strangers cannot do to the rest: crowd others out of notifications and connections, or send
our requests to services of our own machine.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from outsider import Outsider
from pool import pooled
from sky import PATIENCE_S, TIMERS, Side, make_sky, plan

from stores import open_store
from tansiq.clock import SystemClock
from tansiq.domain.agreement import Agreement
from tansiq.errors import PeerRefused, PeerUnreachable
from tansiq.f3548 import convert, wire
from tansiq.formats.agreement import load_agreement
from tansiq.peers.exchange import Exchange
from tansiq.services.planning.notices import TOLD_MAX, Notices
from tansiq.services.views import Status
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio


class _Nobody:
    """A peer that is never asked."""

    async def notify(self, base_url: str, kind: str, body: bytes) -> None:
        raise AssertionError("nothing is sent here")


def _subscriber(url: str) -> wire.SubscriberToNotify:
    state = wire.SubscriptionState(subscription_id=str(uuid4()), notification_index=1)
    return wire.SubscriberToNotify(subscriptions=(state,), uss_base_url=url)


async def test_one_host_with_many_names_crowds_nobody_out_of_what_is_told(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.db")
    notices = Notices(
        store,
        _Nobody(),  # type: ignore[arg-type]
        SystemClock(),
        Timers(),
        own_url="https://us.example",
        is_party=lambda url: url == "https://south.example",
    )
    crowd = [_subscriber(f"https://crowd.example/{i}") for i in range(TOLD_MAX + 5)]
    last = [_subscriber("https://drones.example"), _subscriber("https://south.example")]
    try:
        owed = notices.owed([*crowd, *last], "intent", str(uuid4()), None)
        urls = [one.url for one in owed]
        assert len(urls) == len(set(urls)) == TOLD_MAX
        assert urls[0] == "https://south.example", "a party before all others"
        assert "https://drones.example" in urls
        (left,) = notices.not_reached(owed[0].entity)
        assert left.startswith("7 more subscribers")
        all_told = notices.owed(crowd[:3], "intent", owed[0].entity, None)
        assert len(all_told) == 3
        assert notices.not_reached(owed[0].entity) == (), "the latest change counts"
    finally:
        await notices.stop()
        await store.close()


@asynccontextmanager
async def _silent(count: int) -> AsyncIterator[list[int]]:
    """Listen on so many ports, take connections, and say nothing."""
    found = []
    for _ in range(count):
        one = socket.create_server(("127.0.0.1", 0), backlog=64)
        found.append(one)
    try:
        yield [int(one.getsockname()[1]) for one in found]
    finally:
        for one in found:
            one.close()


async def _subscribe(outsider: Outsider, holder: Side, port: int) -> None:
    params = wire.PutSubscriptionParameters(
        extents=convert.to_wire(plan(-121).volumes[0]),
        uss_base_url=f"http://127.0.0.1:{port}",
        notify_for_operational_intents=True,
    )
    url = f"{holder.party.url}/dss/v1/subscriptions/{uuid4()}"
    assert (await outsider.ask("PUT", url, params)).status_code == 200


async def test_subscribers_that_hang_keep_no_plan_from_its_register(tmp_path: Path) -> None:
    """All is coordinated while the first requests to those that hang are still waited for."""
    patient = replace(TIMERS, peer_request_s=10 * PATIENCE_S)
    async with pooled(tmp_path, timers=patient) as (sky, outsider), _silent(24) as ports:
        north = sky["north"]
        limits = replace(north.settings.limits, connections_max=8)
        north.settings = replace(north.settings, limits=limits)
        await north.restart()
        for port in ports:
            await _subscribe(outsider, sky["dss"], port)
        first = await north.declare(plan(-121, "FIRST"))
        assert first.status is Status.COORDINATED, first.reason
        await asyncio.sleep(0.2)  # All connections to strangers are taken by now.
        drafts = [plan(-121, f"NEXT{n}", at=(90 + 90 * n, 150 + 90 * n)) for n in range(4)]
        views = [await north.up.plans.submit(draft) for draft in drafts]
        for view in views:  # At once, so that a kept connection is not enough.
            settled = await north.settled(view.id)
            assert settled.status is Status.COORDINATED, settled.reason


@pytest.fixture
def far(tmp_path: Path) -> Agreement:
    """An agreement of nodes that are not on this machine."""
    sky = make_sky(tmp_path, tls=True, via=lambda party, port: f"https://{party}.example:{port}")
    return load_agreement(sky["north"].settings.agreement)


async def test_no_stranger_sends_us_to_services_of_our_own_machine(far: Agreement) -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = int(server.sockets[0].getsockname()[1])
    exchange = Exchange(far, SystemClock(), Limits(), Timers())
    try:
        for host in ("127.0.0.1", "localhost", "127.1.2.3", "LOCALHOST", "127.1", "[::1]", "0"):
            url = f"http://{host}:{port}/uss/v1/operational_intents"
            for method in ("GET", "POST"):
                with pytest.raises((PeerRefused, PeerUnreachable)):
                    await exchange.send(method, url, headers={})
        assert asked == 0
        # What our own people have named is theirs to decide: an issuer beside the node, for one.
        url = f"http://127.0.0.1:{port}/jwks.json"
        assert await exchange.document(url, 1_000) == b"{}"
    finally:
        await exchange.close()
        server.close()
