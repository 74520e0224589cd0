"""A recording flown again: the same watch over a clock of its own, second by second.

Everything passes where live positions pass; only the clock, the store and the listeners are other
ones. Nobody is told, no plan changes, and everything that comes out is marked as a replay. Seconds
in which nothing is heard and nothing is open are skipped.
"""

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from tansiq.clock import SystemClock
from tansiq.domain.alarm import OPEN
from tansiq.domain.bearing import azimuth_deg, east_north_m
from tansiq.domain.ellipsoid import ecef, point_at
from tansiq.domain.track import PositionReport
from tansiq.services.watch.kept import Kept
from tansiq.services.watch.watch import Watch

FEED: Final = "replay"
_SECOND: Final = timedelta(seconds=1)
_QUIET: Final = timedelta(seconds=90)
"""So long after the last report nothing can change any more: every track is dropped."""


class ReplayClock(SystemClock):
    """Shows the time of the recording; waits are those of the machine."""

    def __init__(self, start: datetime) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time


def filled(
    reports: Sequence[PositionReport], *, step_s: float, gap_s: float
) -> Iterator[PositionReport]:
    """Yield an aircraft's reports, and between two that are at most ``gap_s`` apart one at each
    ``step_s``, as if it had flown straight and evenly.

    What is put between knows where the aircraft will be next: whoever judges how early a warning
    came keeps in mind that it is better than what was heard.
    """
    for before, after in pairwise(reports):
        yield before
        span_s = (after.time - before.time).total_seconds()
        if step_s < span_s <= gap_s and not (before.on_ground or after.on_ground):
            yield from _between(before, after, span_s, step_s)
    yield from reports[-1:]


def _between(
    before: PositionReport, after: PositionReport, span_s: float, step_s: float
) -> Iterator[PositionReport]:
    p, q = ecef(before.position), ecef(after.position)
    east_m, north_m = east_north_m(before.position, after.position)
    many = math.ceil(span_s / step_s)
    for number in range(1, many):
        share = number * step_s / span_s
        if share >= 1.0:
            return
        x, y, z = (a + share * (b - a) for a, b in zip(p, q, strict=True))
        yield replace(
            before,
            time=before.time + timedelta(seconds=number * step_s),
            position=point_at((x, y, z)),
            geometric_m=_middle(before.geometric_m, after.geometric_m, share),
            pressure_m=_middle(before.pressure_m, after.pressure_m, share),
            speed_mps=math.hypot(east_m, north_m) / span_s,
            track_deg=azimuth_deg(east_m, north_m),
            climb_mps=_climb(before, after, span_s),
        )


def _middle(a: float | None, b: float | None, share: float) -> float | None:
    return None if a is None or b is None else a + share * (b - a)


def _climb(before: PositionReport, after: PositionReport, span_s: float) -> float | None:
    for a, b in (
        (before.pressure_m, after.pressure_m),
        (before.geometric_m, after.geometric_m),
    ):
        if a is not None and b is not None:
            return max(-500.0, min(500.0, (b - a) / span_s))
    return None


@dataclass(frozen=True, slots=True)
class Moment:
    """One second of the recording that was looked at."""

    now: datetime
    changed: Sequence[Kept]
    """Alarms that changed in it."""


class Replay:
    """Flies reports again, in order of time."""

    def __init__(self, watch: Watch, clock: ReplayClock) -> None:
        self._watch = watch
        self._clock = clock
        self._changed: list[Kept] = []
        watch.parts.alarms.on_change = self._changed.extend

    async def run(
        self,
        reports: Iterable[PositionReport],
        pause: Callable[[float], Awaitable[None]] | None = None,
    ) -> AsyncIterator[Moment]:
        """Yield every second that was looked at; ``pause`` is awaited with the seconds between."""
        waiting = iter(reports)
        following = next(waiting, None)
        if following is None:
            return
        now = quiet_from = _just_before(following)
        while following is not None or now <= quiet_from or self._is_open():
            if following is not None and now > quiet_from and not self._is_open():
                now = max(now, _just_before(following))
            before, now = now, now + _SECOND
            heard = []
            while following is not None and following.time <= now:
                heard.append(following)
                following = next(waiting, None)
            if heard:
                quiet_from = now + _QUIET
            if pause is not None:
                await pause((now - before).total_seconds())
            self._clock.time = now
            self._watch.hear(FEED, heard)
            await self._watch.tick(now)
            changed, self._changed[:] = list(self._changed), []
            yield Moment(now, changed)

    def _is_open(self) -> bool:
        return any(k.alarm.stage in OPEN for k in self._watch.parts.alarms.in_sight())


def _just_before(report: PositionReport) -> datetime:
    """Return the whole second after which a report is heard in the next."""
    whole = report.time.replace(microsecond=0)
    return whole if whole < report.time else whole - _SECOND


def in_order(tracks: Iterable[Iterable[PositionReport]]) -> list[PositionReport]:
    """Return the reports of many aircraft in order of time."""
    found = [report for track in tracks for report in track]
    found.sort(key=lambda report: (report.time, report.address))
    return found
