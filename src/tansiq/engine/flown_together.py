"""Recorded tracks flown together: every encounter of any two aircraft.

What may be near is found by boxes round what each flew in a slot of time, swept along one axis;
those that come within the thresholds of each other are looked at leg by leg. Between the nodes of
either track one moves straight as seen from the other (``domain/encounter.py`` has the rest), with
distances along the ellipsoid. Within ``HORIZONTAL_ERROR_M`` of what geodesics say, for legs of up
to ``PIECE_M`` and distances of up to 100 km (14 mm seen; ``tests/engine/test_flown_together.py``).
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.ellipsoid import point_at
from tansiq.domain.encounter import (
    HORIZONTAL_ERROR_M,
    VERTICAL_ERROR_M,
    Apart,
    Drift,
    Encounter,
    Participant,
    Passage,
    Vertical,
    Within,
    closest,
    deepest,
    inside,
    joined,
    lost,
)
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.well_clear import Thresholds
from tansiq.engine.flown import (
    SAG_M,
    Floats,
    Ints,
    Stretch,
    node_slots,
    stretches,
)
from tansiq.engine.flown_legs import legs, may_be, places, spans
from tansiq.errors import TooLarge

GAP_S: Final = 300.0
PAUSE_S: Final = 60.0
NEAR_MAX: Final = 5_000_000
"""Minutes in which two aircraft may be near, all together."""
_BLOCK: Final = 4_000_000
"""Pairs of boxes that are held against each other at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for."""

    within: Within
    gap_s: float = GAP_S
    """A longer pause between two reports is a gap, and not bridged."""
    pause_s: float = PAUSE_S
    """Passages with a longer pause between are two encounters."""
    rule: Thresholds | None = None
    """Loss of well clear is looked for, and not nearness, where it is given."""

    @property
    def reach(self) -> Within:
        """Return how far from each other two can be that are found."""
        if self.rule is None:
            return self.within
        return Within(
            horizontal_m=self.rule.dthr_m + self.rule.tthr_s * CLOSING_MPS_MAX,
            vertical_m=self.rule.zthr_m + self.rule.tcoa_s * CLOSING_MPS_MAX,
        )

    def span(self, drift: Drift) -> tuple[float, float] | None:
        """Return from which share of a leg to which there is what is looked for."""
        return inside(drift, self.within) if self.rule is None else lost(drift, self.rule)


def well_clear(rule: Thresholds, **more: float) -> Search:
    """Return the search for losses of well clear."""
    within = Within(horizontal_m=rule.dthr_m, vertical_m=rule.zthr_m)
    return Search(within=within, rule=rule, **more)


CLOSING_MPS_MAX: Final = 1_400.0
"""Two that are believed to fly, each at most 350 m/s and the second that reports are rounded to."""


def encounters(
    tracks: Mapping[Address, Sequence[PositionReport]],
    search: Search,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Encounter]:
    """Return every encounter, by the time of entry, then by addresses.

    Args:
        tracks: the reports of each aircraft, in ascending order of time, no two of one moment.
        tell: is told how far it is.

    Raises:
        TooLarge: so many may be near that it would not end.
    """
    addresses = sorted(tracks)
    times = [tracks[a][0].time for a in addresses if tracks[a]]
    if not times:
        return []
    since = min(times).replace(minute=0, second=0, microsecond=0)
    flown: list[Stretch] = []
    for number, address in enumerate(addresses):
        flown += stretches(number, tracks[address], since=since, gap_s=search.gap_s)
        if number % 50 == 0:
            tell(f"preparing {number:,} of {len(addresses):,} aircraft")
    near = _near(flown, search.reach, tell) if flown else {}
    of_pair: dict[tuple[int, int], list[_Moment]] = defaultdict(list)
    for done, ((a, b), slots) in enumerate(sorted(near.items())):
        one, other = flown[a], flown[b]
        if one.aircraft > other.aircraft:
            one, other = other, one
        of_pair[one.aircraft, other.aircraft] += _moments(one, other, slots, search)
        if done % 50 == 0:
            tell(f"compared {done:,} of {len(near):,} pairs that may be near")
    found = [
        _encounter(moments, since, addresses)
        for pair in sorted(of_pair)
        for moments in _grouped(of_pair[pair], search.pause_s)
    ]
    return sorted(found, key=lambda e: (e.entered, e.first.address, e.second.address))


# What may be near


@dataclass(frozen=True, slots=True)
class _Boxes:
    """What stretches flew in one slot: boxes in space, and in pressure altitude."""

    stretch: Ints
    aircraft: Ints
    low: Floats
    high: Floats
    pressure: Floats
    """``(n, 2)``; NaN where any of it is not known."""

    def __getitem__(self, rows: NDArray[np.intp]) -> "_Boxes":
        return _Boxes(
            self.stretch[rows],
            self.aircraft[rows],
            self.low[rows],
            self.high[rows],
            self.pressure[rows],
        )


def _near(
    flown: Sequence[Stretch], within: Within, tell: Callable[[str], None]
) -> dict[tuple[int, int], list[int]]:
    """Return the slots in which two stretches may come near, in ascending order."""
    slots, all_boxes = _boxes(flown)
    order = np.argsort(slots, kind="stable")
    borders = np.flatnonzero(np.diff(slots[order])) + 1
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    minutes = 0
    for done, rows in enumerate(np.split(order, borders)):
        slot = int(slots[rows[0]])
        for a, b in _meeting(all_boxes[rows], within):
            found[a, b].append(slot)
            minutes += 1
            if minutes > NEAR_MAX:
                raise TooLarge(
                    f"more than {NEAR_MAX:,} minutes of two aircraft that may be near; search "
                    "fewer aircraft at once, or closer ones",
                    field="within",
                )
        if done % 200 == 0:
            tell(f"looked for what is near in {done:,} of {len(borders) + 1:,} minutes")
    return found


def _boxes(flown: Sequence[Stretch]) -> tuple[Ints, _Boxes]:
    """Return the boxes of all stretches in all slots, with the slot of each."""
    parts: list[tuple[Ints, ...]] = []
    bounds: list[tuple[Ints, Floats, Floats]] = []
    for number, stretch in enumerate(flown):
        first, starts = node_slots(stretch)
        begin, end = starts[:-1], starts[1:]
        known = np.column_stack([stretch.place, stretch.pressure_m])
        # From each border to the next one, whose node belongs to both sides.
        low = np.minimum(np.minimum.reduceat(known, begin), known[end])
        high = np.maximum(np.maximum.reduceat(known, begin), known[end])
        count = len(begin)
        parts.append((np.full(count, number), np.full(count, stretch.aircraft)))
        bounds.append((first + np.arange(count), low, high))
    numbers, aircraft = (np.concatenate(column) for column in zip(*parts, strict=True))
    slots, low, high = (np.concatenate(column) for column in zip(*bounds, strict=True))
    pressure = np.stack([low[:, 3], high[:, 3]], axis=1)
    return slots, _Boxes(numbers, aircraft, low[:, :3] - SAG_M, high[:, :3] + SAG_M, pressure)


def _meeting(boxes: _Boxes, within: Within) -> Iterator[tuple[int, int]]:
    """Yield pairs of stretches whose boxes come within the thresholds; the lower number first."""
    if len(boxes.stretch) < 2:
        return
    axis = int(np.argmax(np.ptp(boxes.low, axis=0)))
    order = np.argsort(boxes.low[:, axis], kind="stable")
    low, high = boxes.low[order], boxes.high[order]
    # A chord is shorter than its geodesic: what the threshold allows is not cut off.
    reach_m = within.horizontal_m + HORIZONTAL_ERROR_M
    upto = np.searchsorted(low[:, axis], high[:, axis] + reach_m, side="right")
    counts = np.maximum(upto - np.arange(len(order)) - 1, 0)
    row = 0
    while row < len(order):
        ends = np.cumsum(counts[row:])
        rows = max(1, int(np.searchsorted(ends, _BLOCK, side="right")))
        some = counts[row : row + rows]
        first = np.repeat(np.arange(row, row + rows), some)
        within_row = np.arange(len(first)) - np.repeat(np.cumsum(some) - some, some)
        second = first + 1 + within_row
        row += rows
        kept = _kept(boxes, order[first], order[second], reach_m, within)
        for a, b in kept.tolist():
            yield (a, b) if a < b else (b, a)


def _kept(
    boxes: _Boxes, one: NDArray[np.intp], other: NDArray[np.intp], reach_m: float, within: Within
) -> Ints:
    apart = np.maximum(boxes.low[one] - boxes.high[other], boxes.low[other] - boxes.high[one])
    apart_m = np.sqrt(np.sum(np.maximum(apart, 0.0) ** 2, axis=1))
    up_m = np.maximum(
        boxes.pressure[one, 0] - boxes.pressure[other, 1],
        boxes.pressure[other, 0] - boxes.pressure[one, 1],
    )
    # Where a pressure altitude is missing (NaN), height decides, later.
    high = up_m > within.vertical_m + VERTICAL_ERROR_M
    kept = (apart_m <= reach_m) & ~high & (boxes.aircraft[one] != boxes.aircraft[other])
    return np.stack([boxes.stretch[one[kept]], boxes.stretch[other[kept]]], axis=1)


# How near


@dataclass(frozen=True, slots=True)
class _Moment:
    """A leg of both, or a part of it, within the thresholds."""

    one: Stretch
    other: Stretch
    start_s: float
    """Of the leg."""
    drift: Drift
    vertical: Vertical
    found: "_Found"

    @property
    def span(self) -> Passage:
        seconds = self.drift.seconds
        return Passage(
            self.start_s + self.found.low * seconds, self.start_s + self.found.high * seconds
        )

    @property
    def closest_s(self) -> float:
        return self.start_s + self.found.closest * self.drift.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """Of a leg what is within the thresholds: shares of its time, and the least of all."""

    low: float
    high: float
    closest: float
    apart: Apart
    share: float
    horizontal_m: float
    vertical_m: float


def _moments(
    one: Stretch, other: Stretch, slots: Sequence[int], search: Search
) -> Iterator[_Moment]:
    for start_s, end_s in spans(one, other, slots):
        flown = legs(one, other, start_s, end_s)
        for k in np.flatnonzero(may_be(flown, search.reach)).tolist():
            drift = flown.drift(k)
            span = search.span(drift)
            if span is not None:
                found = _found(drift, span, search.within)
                yield _Moment(one, other, float(flown.time_s[k]), drift, flown.vertical(k), found)


def _found(drift: Drift, span: tuple[float, float], within: Within) -> "_Found":
    """Return what is said of the part of a drift that is within both thresholds."""
    low, high = span
    part = Drift(
        drift.seconds * (high - low),
        *(
            (ends[0] + low * (ends[1] - ends[0]), ends[0] + high * (ends[1] - ends[0]))
            for ends in (drift.east_m, drift.north_m, drift.up_m, drift.unsure_m)
        ),
    )
    on_map = replace(part, up_m=(0.0, 0.0))
    upright = replace(part, east_m=(0.0, 0.0), north_m=(0.0, 0.0))
    at = closest(part)
    return _Found(
        low=low,
        high=high,
        closest=low + at * (high - low),
        apart=part.at(at),
        share=part.at(deepest(part, within)).share(within),
        horizontal_m=on_map.at(closest(on_map)).horizontal_m,
        vertical_m=upright.at(closest(upright)).vertical_m,
    )


# What is said of it


def _grouped(moments: Sequence[_Moment], pause_s: float) -> Iterator[list[_Moment]]:
    """Yield the moments of each encounter."""
    for passages in joined((m.span for m in moments), pause_s=pause_s):
        start_s, end_s = passages[0].start_s, passages[-1].end_s
        yield [m for m in moments if start_s <= m.span.start_s and m.span.end_s <= end_s]


def _encounter(
    moments: Sequence[_Moment], since: datetime, addresses: Sequence[Address]
) -> Encounter:
    nearest = min(moments, key=lambda m: (m.found.apart.slant_m, m.start_s))
    passages = joined((m.span for m in moments), pause_s=math.inf)[0]
    at_s = nearest.closest_s

    def moment(seconds: float) -> datetime:
        return since + timedelta(seconds=seconds)

    first, second = (_participant(s, at_s, since, addresses) for s in (nearest.one, nearest.other))
    return Encounter(
        first=first,
        second=second,
        entered=moment(passages[0].start_s),
        left=moment(passages[-1].end_s),
        inside_s=sum(span.end_s - span.start_s for span in passages),
        passages=len(passages),
        closest=moment(at_s),
        apart=nearest.found.apart,
        vertical=nearest.vertical,
        least_horizontal_m=min(m.found.horizontal_m for m in moments),
        least_vertical_m=min(m.found.vertical_m for m in moments),
        least_share=min(m.found.share for m in moments),
    )


def _participant(
    stretch: Stretch, at_s: float, since: datetime, addresses: Sequence[Address]
) -> Participant:
    time_s = np.array([at_s])
    x, y, z = places(stretch, time_s)[0].tolist()
    said = [r for r in stretch.reports if r.callsign]
    nearest = min(
        said,
        key=lambda r: abs((r.time - since).total_seconds() - at_s),
        default=None,
    )
    pressure_m = float(np.interp(at_s, stretch.time_s, stretch.pressure_m))
    height_m = float(np.interp(at_s, stretch.time_s, stretch.measured_m()))
    return Participant(
        address=addresses[stretch.aircraft],
        callsign=nearest.callsign if nearest else "",
        position=point_at((x, y, z)),
        pressure_m=None if math.isnan(pressure_m) else pressure_m,
        height_m=None if math.isnan(height_m) else height_m,
        leg_s=_leg_s(stretch, since + timedelta(seconds=at_s)),
    )


def _leg_s(stretch: Stretch, moment: datetime) -> float:
    """Return how long the leg between two reports is that a moment lies in."""
    k = bisect_left(stretch.reports, moment, key=lambda report: report.time)
    if k == 0 or k == len(stretch.reports) or stretch.reports[k].time == moment:
        return 0.0
    return (stretch.reports[k].time - stretch.reports[k - 1].time).total_seconds()
