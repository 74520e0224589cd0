"""Without the optional libraries a node runs; what needs them says which to install."""

import sys
from datetime import timedelta

import pytest
import takproto
from tests.feeds.sources import reading, receiver, until, until_health
from tests.feeds.test_feed_datagrams import event

from tansiq.feed_settings import FeedKind
from tansiq.feeds.health import FeedState
from tansiq.settings import Timers

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", [FeedKind.BEAST, FeedKind.AVR])
async def test_raw_mode_s_without_a_decoder(
    kind: FeedKind, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # This is how Python itself marks a module that is not to be had.
    monkeypatch.setitem(sys.modules, "rs1090", None)
    async with receiver() as roof, reading(kind, roof.url) as (feed, _):
        health = await until_health(feed, lambda h: "pip install 'tansiq[adsb]'" in h.reason)
        assert health.state is FeedState.FAILING
        monkeypatch.undo()
        await until_health(feed, lambda h: h.state is FeedState.OK)
    assert not caplog.records


async def test_protobuf_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    message = bytes(takproto.xml2proto(event("2").decode(), takproto.TAKProtoVer.STREAM))
    monkeypatch.setitem(sys.modules, "takproto", None)
    timers = Timers(retry_first_s=0.01, position_silent=timedelta(milliseconds=200))
    async with receiver() as server:
        server.first = event("1") + message + event("3")
        async with reading(FeedKind.COT, server.url, datum="W84", timers=timers) as (feed, sink):
            await until(lambda: len(sink.reports) == 2)
            assert feed.health().refused == {"needs-extra": 1}
            server.first = b""
            await server.send(message)
            health = await until_health(feed, lambda h: h.state is FeedState.FAILING)
    assert "needs-extra" in health.reason
