"""What one feed lets through, and the counts of what it does not.

In this order: what was handed on before is a duplicate; what is ahead of our clock or too old is
refused; what is beyond the feed's share is dropped. Nothing here waits, so that no feed can hold up
another: what is handed on must not block either.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from tansiq.clock import Clock
from tansiq.domain.track import PositionReport
from tansiq.feed_settings import FeedLimits, FeedSource, FeedTimers
from tansiq.feeds.health import NOT_YET, FeedHealth, FeedState
from tansiq.formats.position_reports import Parsed, Refusal

OnReports = Callable[[str, Sequence[PositionReport]], None]
"""Called with the feed's name and one report or more; must return at once."""

SAME_S: Final = timedelta(seconds=0.2)
"""A position of an aircraft that is where it was is the same measurement within this: receivers
round ages to tenths, so that the time of one wanders by one either way."""
BURST_S: Final = 10.0
SAMPLES: Final = 101

_USELESS: Final = frozenset(
    {
        Refusal.MALFORMED,
        Refusal.TOO_LARGE,
        Refusal.BAD_POSITION,
        Refusal.NO_TIME,
        Refusal.NO_ADDRESS,
        Refusal.NEEDS_EXTRA,
    }
)
"""Refusals that say that something is wrong; the others are the daily bread of a receiver."""


class Intake:
    """Where one feed's positions pass, on one event loop."""

    def __init__(
        self,
        source: FeedSource,
        on_reports: OnReports,
        clock: Clock,
        limits: FeedLimits,
        timers: FeedTimers,
    ) -> None:
        self._source = source
        self._on_reports = on_reports
        self._clock = clock
        self._limits = limits
        self._timers = timers
        self._trouble = NOT_YET
        self._reached = False
        self._waiting_since_s = clock.monotonic_s()
        self._newest: datetime | None = None
        self._last: OrderedDict[str, PositionReport] = OrderedDict()
        self._lags_s: deque[float] = deque(maxlen=SAMPLES)
        self._allowed = BURST_S * limits.position_rate_max
        self._allowed_at_s = self._waiting_since_s
        self._connections = self._messages = self._positions = 0
        self._duplicates = self._too_old = self._ahead = self._dropped = 0
        self._refused: Counter[Refusal] = Counter()
        self._useless: Counter[str] = Counter()
        """Reasons since the last position."""

    def reached(self) -> None:
        """Note that the source answers."""
        if not self._reached:
            self._connections += 1
            self._waiting_since_s = self._clock.monotonic_s()
        self._reached, self._trouble = True, ""

    def failed(self, reason: str) -> None:
        """Note that the source does not answer, or not as it should."""
        self._reached, self._trouble = False, reason

    def drop(self, count: int) -> None:
        """Note what was thrown away unread."""
        self._dropped += count

    def take(self, parsed: Parsed) -> None:
        """Count what was parsed and hand on what counts."""
        now = self._clock.now()
        self._messages += parsed.messages
        for reason, count in parsed.refused.items():
            self._refused[reason] += count
            if reason in _USELESS:
                self._useless[reason] += count
        # At one time an aircraft is at one place: what arrived last counts.
        single = {(report.address, report.time): report for report in parsed.reports}
        self._duplicates += len(parsed.reports) - len(single)
        new = [report for report in single.values() if self._is_new(report)]
        times = [*parsed.stale_times, *(report.time for report in new)]
        if times:
            self._lags_s.append((now - max(times)).total_seconds())
        timely = self._within_share([report for report in new if self._is_timely(report, now)])
        if timely:
            self._positions += len(timely)
            newest = max(report.time for report in timely)
            self._newest = newest if self._newest is None else max(newest, self._newest)
            self._waiting_since_s = self._clock.monotonic_s()
            self._useless.clear()
            self._on_reports(self._source.name, timely)

    def _is_new(self, report: PositionReport) -> bool:
        last = self._last.get(report.address)
        if (
            last is not None
            and last.position == report.position
            and abs(report.time - last.time) <= SAME_S
        ):
            self._duplicates += 1
            return False
        if last is None and len(self._last) >= self._limits.position_addresses_max:
            self._last.popitem(last=False)
        self._last[report.address] = report
        self._last.move_to_end(report.address)
        return True

    def _is_timely(self, report: PositionReport, now: datetime) -> bool:
        if report.time - now > self._limits.position_ahead_max:
            self._ahead += 1
            self._useless["ahead of our clock"] += 1
            return False
        if now - report.time > self._limits.position_age_max:
            self._too_old += 1
            self._useless["too old"] += 1
            return False
        return True

    def _within_share(self, reports: list[PositionReport]) -> list[PositionReport]:
        """Return the last ones that the feed's share still admits: the newest say more."""
        now_s, rate = self._clock.monotonic_s(), self._limits.position_rate_max
        earned = (now_s - self._allowed_at_s) * rate
        self._allowed = min(self._allowed + earned, BURST_S * rate)
        self._allowed_at_s = now_s
        count = min(len(reports), int(self._allowed))
        self._allowed -= count
        self._dropped += len(reports) - count
        return reports[len(reports) - count :]

    def health(self, *, running: bool) -> FeedHealth:
        """Return how the feed is doing."""
        state, reason = self._state(running=running)
        now = self._clock.now()
        return FeedHealth(
            name=self._source.name,
            kind=self._source.kind,
            url=self._source.url,
            state=state,
            reason=reason,
            newest_age_s=None if self._newest is None else (now - self._newest).total_seconds(),
            behind_s=median(self._lags_s) if self._lags_s else None,
            connections=self._connections,
            messages=self._messages,
            positions=self._positions,
            duplicates=self._duplicates,
            too_old=self._too_old,
            ahead=self._ahead,
            dropped=self._dropped,
            refused={reason.value: count for reason, count in sorted(self._refused.items())},
        )

    def _state(self, *, running: bool) -> tuple[FeedState, str]:
        if not running:
            return FeedState.STOPPED, "not started, or stopped"
        if self._trouble:
            return FeedState.FAILING, self._trouble
        waited_s = self._clock.monotonic_s() - self._waiting_since_s
        silent_s = self._timers.position_silent.total_seconds()
        if self._source.polled:  # Between two polls nothing can come.
            silent_s = max(silent_s, 2 * self._source.interval_s)
        if waited_s < silent_s:
            return FeedState.OK, ""
        if self._useless:
            reasons = ", ".join(f"{count} {reason}" for reason, count in self._useless.items())
            return FeedState.FAILING, f"nothing that arrives can be used: {reasons}"
        return FeedState.SILENT, f"no position for {waited_s:.0f} s"
