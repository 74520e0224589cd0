"""How early each close approach was warned of, and how many warnings had none: one replay's score.

A pair's alarm counts for an approach if it was raised before the closest moment and had not cleared
by then. A warning is in vain if no approach of its pair lies within its time, from when it was
raised until its look-ahead after it was over.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from tansiq.domain.alarm import OPEN
from tansiq.domain.alarm_key import AlarmKind, Level
from tansiq.services.watch.kept import Kept

PAIRS: Final = frozenset({AlarmKind.CONFLICT_PREDICTED, AlarmKind.SEPARATION_LOST})
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Approach:
    """Two aircraft at their closest, as it was recorded."""

    pair: Pair
    """The two as the watch's alarms name them, ascending."""
    entered: datetime
    closest: datetime
    left: datetime


@dataclass(slots=True)
class _Span:
    """For how long a pair's alarms stood at a level or above."""

    start: datetime
    end: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One level's score."""

    level: Level
    ahead_s: float
    """How far it looks ahead."""
    approaches: int
    told: int
    """Of which so many were told of before they began."""
    late: int
    """So many only after they began, but before the closest moment."""
    missed: int
    leads_s: tuple[float, ...]
    """Seconds from the alarm to the closest moment, of those told of, ascending."""
    alarms: int
    in_vain: int

    @property
    def median_s(self) -> float | None:
        return median(self.leads_s) if self.leads_s else None


@dataclass(slots=True)
class Scored:
    """Collects alarms while a replay runs."""

    _spans: dict[tuple[Pair, Level], list[_Span]] = field(default_factory=lambda: defaultdict(list))
    _asked: dict[Pair, dict[str, Level]] = field(default_factory=lambda: defaultdict(dict))

    def take(self, changed: Iterable[Kept], now: datetime) -> None:
        """Take the alarms that changed at a moment."""
        for kept in changed:
            key = kept.alarm.key
            if key.kind not in PAIRS:
                continue
            pair: Pair = (key.one, key.other)
            asked = self._asked[pair]
            if kept.alarm.stage in OPEN:
                asked[kept.id] = kept.alarm.level
            else:
                asked.pop(kept.id, None)
            worst = max(asked.values(), default=None)
            for level in Level:
                spans = self._spans[pair, level]
                stands = worst is not None and worst >= level
                if stands and (not spans or spans[-1].end is not None):
                    spans.append(_Span(now))
                elif not stands and spans and spans[-1].end is None:
                    spans[-1].end = now

    def rows(self, approaches: Sequence[Approach], ahead_s: dict[Level, float]) -> list[Row]:
        """Return the score of each level."""
        return [self._row(level, approaches, ahead_s[level]) for level in Level]

    def _row(self, level: Level, approaches: Sequence[Approach], ahead_s: float) -> Row:
        told = late = missed = 0
        leads: list[float] = []
        for each in approaches:
            span = self._for(each, level)
            if span is None:
                missed += 1
                continue
            leads.append((each.closest - span.start).total_seconds())
            if span.start <= each.entered:
                told += 1
            else:
                late += 1
        of_pair: dict[Pair, list[Approach]] = defaultdict(list)
        for each in approaches:
            of_pair[each.pair].append(each)
        spans = [
            (pair, span)
            for (pair, at), found in self._spans.items()
            if at is level
            for span in found
        ]
        vain = sum(not _meets(span, of_pair[pair], ahead_s) for pair, span in spans)
        return Row(
            level=level,
            ahead_s=ahead_s,
            approaches=len(approaches),
            told=told,
            late=late,
            missed=missed,
            leads_s=tuple(sorted(leads)),
            alarms=len(spans),
            in_vain=vain,
        )

    def _for(self, approach: Approach, level: Level) -> _Span | None:
        """Return the alarm that stood when two were closest, the one that was raised first."""
        found = [
            span
            for span in self._spans.get((approach.pair, level), ())
            if span.start <= approach.closest and (span.end is None or span.end >= approach.entered)
        ]
        return min(found, key=lambda span: span.start, default=None)


def _meets(span: _Span, approaches: Sequence[Approach], ahead_s: float) -> bool:
    until = None if span.end is None else span.end + timedelta(seconds=ahead_s)
    return any(
        each.left >= span.start and (until is None or each.entered <= until) for each in approaches
    )
