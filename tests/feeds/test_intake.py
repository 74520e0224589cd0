"""What a feed lets through: each bound touched, and missed by the smallest step."""

from datetime import datetime, timedelta
from typing import Any

from tests.feeds.sources import NOON, Sink

from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.feed_settings import FeedKind, FeedSource
from tansiq.feeds.health import FeedState
from tansiq.feeds.intake import SAMPLES, Intake
from tansiq.formats.position_reports import Parsed, Refusal
from tansiq.settings import Limits, Timers

STEP = timedelta(microseconds=1)


class HandClock:
    """Moves when told to."""

    def __init__(self) -> None:
        self.passed = timedelta(0)

    def now(self) -> datetime:
        return NOON + self.passed

    def monotonic_s(self) -> float:
        return self.passed.total_seconds()

    async def sleep(self, seconds: float) -> None:
        raise NotImplementedError

    async def limit(self, awaitable: Any, seconds: float) -> Any:
        raise NotImplementedError


class World:
    def __init__(self, interval_s: float = 1.0, **limits: Any) -> None:
        self.clock = HandClock()
        self.sink = Sink()
        source = FeedSource(
            name="roof",
            kind=FeedKind.AIRCRAFT_JSON,
            url="http://127.0.0.1:1",
            interval_s=interval_s,
        )
        self.intake = Intake(source, self.sink, self.clock, Limits(**limits), Timers())
        self.intake.reached()

    def take(self, *reports: PositionReport) -> int:
        """Return how many were handed on."""
        before = len(self.sink.reports)
        self.intake.take(Parsed(reports=list(reports), messages=len(reports)))
        return len(self.sink.reports) - before

    @property
    def health(self) -> Any:
        return self.intake.health(running=True)


def report(
    time: datetime = NOON, address: str = "icao:a1b2c3", lat: float = 38.0
) -> PositionReport:
    return PositionReport(address=Address(address), time=time, position=LatLng(lat, -122.0))


def test_the_oldest_and_the_furthest_ahead_that_count() -> None:
    world = World()
    old, ahead = timedelta(seconds=60), timedelta(seconds=5)
    assert world.take(report(NOON - old, "icao:000001")) == 1
    assert world.take(report(NOON - old - STEP, "icao:000002")) == 0
    assert world.take(report(NOON + ahead, "icao:000003")) == 1
    assert world.take(report(NOON + ahead + STEP, "icao:000004")) == 0
    assert (world.health.too_old, world.health.ahead, world.health.positions) == (1, 1, 2)


def test_one_measurement_counts_once_and_standing_still_is_not_repetition() -> None:
    world = World()
    assert world.take(report()) == 1
    same = timedelta(seconds=0.2)
    assert world.take(report(NOON + same)) == 0
    assert world.take(report(NOON - same)) == 0
    assert world.take(report(NOON + same + STEP)) == 1
    assert world.take(report(NOON + same + STEP, lat=38.0000001)) == 1
    assert world.take(report(NOON, "icao:a1b2c4")) == 1
    assert world.health.duplicates == 2


def test_of_two_places_at_one_time_the_later_said_counts() -> None:
    world = World()
    assert world.take(report(lat=38.0), report(lat=39.0), report(NOON - STEP, lat=37.0)) == 2
    assert [r.position.lat_deg for r in world.sink.reports] == [39.0, 37.0]
    assert world.health.duplicates == 1


def test_the_share_of_a_feed_and_ten_seconds_of_it_at_once() -> None:
    world = World(position_rate_max=2.0)
    assert world.take(*(report(address=f"icao:{n:06x}") for n in range(21))) == 20
    assert world.sink.reports[-1].address == "icao:000014", "the last ones are kept"
    assert world.take(report(address="icao:ffffff")) == 0
    world.clock.passed += timedelta(seconds=0.5)
    assert world.take(report(world.clock.now(), "icao:ffffff")) == 1
    assert world.take(report(world.clock.now(), "icao:fffffe")) == 0
    world.clock.passed += timedelta(hours=1)
    now = world.clock.now()
    assert world.take(*(report(now, f"icao:{n:06x}") for n in range(100))) == 20
    assert world.health.dropped == 83


def test_memory_of_aircraft_is_bounded() -> None:
    world = World(position_addresses_max=3)
    for n in range(1_000):
        world.take(report(address=f"icao:{n:06x}"))
    assert len(world.intake._last) == 3
    for n in range(1_000):
        world.take(report(NOON + n * STEP, lat=n / 1_000))
    assert len(world.intake._lags_s) == SAMPLES


def test_states_at_their_bounds() -> None:
    world = World()
    assert world.health.state is FeedState.OK
    world.clock.passed = timedelta(seconds=30) - STEP
    assert world.health.state is FeedState.OK
    world.clock.passed += STEP
    assert (world.health.state, world.health.reason) == (
        FeedState.SILENT,
        "no position for 30 s",
    )
    parsed = Parsed(messages=2)
    parsed.refused[Refusal.NOT_AIRCRAFT] += 2
    world.intake.take(parsed)
    assert world.health.state is FeedState.SILENT
    world.take(report(NOON - timedelta(hours=1)))
    parsed = Parsed(messages=1)
    parsed.refused[Refusal.MALFORMED] += 1
    world.intake.take(parsed)
    assert world.health.state is FeedState.FAILING
    assert world.health.reason == "nothing that arrives can be used: 1 too old, 1 malformed"
    world.take(report(world.clock.now(), lat=39))
    assert world.health.state is FeedState.OK
    world.intake.failed("gone")
    assert (world.health.state, world.health.reason) == (FeedState.FAILING, "gone")
    assert world.intake.health(running=False).state is FeedState.STOPPED


def test_a_feed_that_is_polled_seldom_is_not_silent_between_two_polls() -> None:
    world = World(interval_s=100.0)
    world.clock.passed = timedelta(seconds=200) - STEP
    assert world.health.state is FeedState.OK
    world.clock.passed += STEP
    assert world.health.state is FeedState.SILENT


def test_the_clock_of_a_feed_by_its_median() -> None:
    world = World(position_ahead_max=timedelta(days=1))
    for n, lag_s in enumerate((-3, -3, 40)):
        world.take(report(NOON - timedelta(seconds=lag_s), lat=38 + n))
    assert world.health.behind_s == -3.0
    assert world.health.clock == "its clock is 3.0 s ahead of ours"


def test_what_is_said_of_a_clock_begins_at_a_second_ahead_and_five_behind() -> None:
    for lag, said in (
        (timedelta(seconds=-1), "its clock is 1.0 s ahead of ours"),
        (timedelta(seconds=-1) + STEP, ""),
        (timedelta(seconds=5) - STEP, ""),
        (timedelta(seconds=5), "5.0 s after their time"),
    ):
        world = World()
        world.take(report(NOON - lag))
        assert said in world.health.clock
        assert bool(said) is bool(world.health.clock)
