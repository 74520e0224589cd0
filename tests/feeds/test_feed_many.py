"""Many feeds at once: each has its own share and counts, and one that floods holds up no other."""

import asyncio
from datetime import UTC, datetime

import pytest
from tests.feeds.sources import QUICK, Receiver, Sink, sbs_position, until

from tansiq.clock import SystemClock
from tansiq.feed_settings import FeedKind, FeedSource
from tansiq.feeds.feed import Feeds
from tansiq.feeds.health import FeedState
from tansiq.settings import Limits

pytestmark = pytest.mark.anyio
COUNT, EACH, BURST, FLOOD = 12, 20, 1_000, 20_000


async def test_a_dozen_feeds_a_burst_and_a_flood() -> None:
    """Usual are 100 a second; one sends ten times that in one piece, one two hundred times."""
    roofs = [Receiver() for _ in range(COUNT)]
    for roof in roofs:
        await roof.open()
    sink = Sink()
    sources = [
        FeedSource(name=f"roof {n}", kind=FeedKind.SBS, url=roof.url, datum="FL")
        for n, roof in enumerate(roofs)
    ]
    feeds = Feeds(sources, sink, SystemClock(), Limits(position_rate_max=100.0), QUICK)
    assert {health.state for health in feeds.health()} == {FeedState.STOPPED}
    feeds.start()
    try:
        await until(lambda: all(roof.writers for roof in roofs))
        now = datetime.now(UTC)

        def positions(count: int) -> bytes:
            return b"".join(sbs_position(f"{n:06x}", now) for n in range(count))

        flood = asyncio.create_task(roofs[0].send(positions(FLOOD)))
        await roofs[1].send(positions(BURST))
        for roof in roofs[2:]:
            await roof.send(positions(EACH))
        await until(lambda: all(health.messages >= EACH for health in feeds.health()))
        early = feeds.health()
        await flood
        await until(lambda: feeds.health()[0].messages == FLOOD)
        await until(lambda: feeds.health()[1].messages == BURST)
        late = feeds.health()
    finally:
        await feeds.stop()
        for roof in roofs:
            await roof.close()
    assert [health.name for health in late] == [source.name for source in sources]
    assert early[0].messages < FLOOD, "the others had their turns meanwhile"
    assert [health.positions for health in late[1:]] == [BURST] + [EACH] * (COUNT - 2)
    assert not any(health.dropped for health in late[1:])
    assert late[0].dropped + late[0].positions == FLOOD
    assert late[0].dropped > FLOOD / 2
    for health in late:
        given = sum(count for name, count in sink.calls if name == health.name)
        assert given == health.positions
    assert {health.state for health in feeds.health()} == {FeedState.STOPPED}
