"""A feed over TCP: it comes back by itself, and says how it is doing meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.feeds.sources import (
    ShiftedClock,
    free_port,
    reading,
    receiver,
    sbs_position,
    until,
    until_health,
)

from tansiq.feed_settings import FeedKind
from tansiq.feeds.health import FeedState
from tansiq.settings import Limits, Timers

pytestmark = pytest.mark.anyio


def now() -> datetime:
    return datetime.now(UTC)


async def test_positions_arrive_and_are_counted() -> None:
    async with receiver() as roof, reading(FeedKind.SBS, roof.url, datum="FL") as (feed, sink):
        await until(lambda: bool(roof.writers))
        await roof.send(sbs_position("A1B2C3", now()) + b"nonsense\r\n" + b"MSG,3,1,1,A1B2")
        await until(lambda: len(sink.reports) == 1)
        await roof.send(b"C4,1,,,,,,5000,,,38.5,-122,,,0,0,0,0\r\n")
        await until(lambda: len(sink.reports) == 2)
        health = feed.health()
    assert [report.address for report in sink.reports] == ["icao:a1b2c3", "icao:a1b2c4"]
    assert (health.state, health.reason, health.clock) == (FeedState.OK, "", "")
    assert (health.messages, health.positions, health.connections) == (3, 2, 1)
    assert health.refused == {"malformed": 1}
    assert health.newest_age_s is not None
    assert 0 <= health.newest_age_s < 60
    assert feed.health().state is FeedState.STOPPED


async def test_a_receiver_that_is_not_there_yet_is_found_when_it_comes() -> None:
    async with receiver() as roof:
        await roof.close()
        async with reading(FeedKind.SBS, roof.url, datum="FL") as (feed, sink):
            health = await until_health(feed, lambda h: "no connection" in h.reason)
            assert health.state is FeedState.FAILING
            roof.first = sbs_position("A1B2C3", now())
            await roof.open()
            await until(lambda: len(sink.reports) == 1)
            assert feed.health().state is FeedState.OK


async def test_a_closed_connection_is_made_again_and_half_a_line_is_forgotten() -> None:
    async with receiver() as roof:
        roof.first = sbs_position("A1B2C3", now()) + b"MSG,3,1,1,AAAA"
        async with reading(FeedKind.SBS, roof.url, datum="FL") as (feed, sink):
            await until(lambda: len(sink.reports) == 1)
            roof.first = sbs_position("A1B2C3", now()).replace(b"38.0", b"38.1")
            await roof.hang_up()
            await until(lambda: roof.connections == 2 and len(roof.writers) == 1)
            await until(lambda: len(sink.reports) == 2)
            health = feed.health()
    assert health.connections == 2
    assert health.refused == {}


async def test_a_connection_without_a_byte_is_given_up() -> None:
    """A receiver whose power failed closes nothing."""
    timers = Timers(
        retry_first_s=0.01,
        retry_last_s=0.05,
        position_request_s=2.0,
        position_silent=timedelta(seconds=0.05),
    )
    async with receiver() as roof, reading(FeedKind.SBS, roof.url, timers=timers, datum="FL"):
        await until(lambda: roof.connections >= 3)


async def test_silence_is_said() -> None:
    timers = Timers(retry_first_s=0.01, position_silent=timedelta(milliseconds=300))
    async with (
        receiver() as roof,
        reading(FeedKind.SBS, roof.url, timers=timers, datum="FL") as (feed, _),
    ):
        health = await until_health(feed, lambda h: h.state is FeedState.SILENT)
        assert "no position for" in health.reason


async def test_what_cannot_be_used_is_failing_with_its_reasons() -> None:
    timers = Timers(retry_first_s=0.01, position_silent=timedelta(milliseconds=300))
    async with receiver() as roof:
        roof.first = b"\x1a2\x00\x00 not this protocol\r\n" * 3
        async with reading(FeedKind.SBS, roof.url, timers=timers, datum="FL") as (feed, _):
            health = await until_health(
                feed, lambda h: h.state is FeedState.FAILING and "malformed" in h.reason
            )
    assert "3 malformed" in health.reason


async def test_a_feed_whose_clock_is_ahead_of_ours_is_shown_as_such() -> None:
    """Ours is set back by 120 s, which no zone explains."""
    async with receiver() as roof:
        clock = ShiftedClock(timedelta(seconds=-120))
        async with reading(FeedKind.SBS, roof.url, clock=clock, datum="FL") as (feed, sink):
            await until(lambda: bool(roof.writers))
            for n in range(9):
                await roof.send(sbs_position(f"A1B2C{n}", now()))
                await until(lambda n=n: feed.health().ahead == n + 1)
            health = feed.health()
    assert not sink.reports
    assert health.clock.startswith("its clock is 1")
    assert health.clock.endswith(" s ahead of ours")


async def test_a_burst_is_read_in_turns_and_what_exceeds_the_share_is_counted() -> None:
    """20 a second allowed: 200 may come at once. 600 come; the others get their turns meanwhile."""
    limits = Limits(position_rate_max=20.0)
    async with receiver() as roof:
        when = now()
        roof.first = b"".join(sbs_position(f"{n:06x}", when) for n in range(600))
        async with reading(FeedKind.SBS, roof.url, limits=limits, datum="FL") as (feed, sink):
            health = await until_health(feed, lambda h: h.messages == 600)
    assert health.positions == len(sink.reports)
    assert health.positions + health.dropped == 600
    assert 200 <= health.positions < 600


async def test_an_error_of_ours_in_one_feed_is_shown_and_the_feed_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with receiver() as roof:
        roof.first = sbs_position("A1B2C3", now())
        async with reading(FeedKind.SBS, roof.url, datum="MOON") as (feed, _):
            health = await until_health(feed, lambda h: "an error of ours" in h.reason)
            assert health.state is FeedState.FAILING
            await until(lambda: len(caplog.records) >= 2)


async def test_stopping_a_feed_that_waits_ends_its_task() -> None:
    before = asyncio.all_tasks()
    async with reading(FeedKind.SBS, f"tcp://127.0.0.1:{free_port()}", datum="FL") as (feed, _):
        feed.start()  # A second start is none.
        await until_health(feed, lambda h: "no connection" in h.reason)
    await feed.stop()
    assert asyncio.all_tasks() == before
