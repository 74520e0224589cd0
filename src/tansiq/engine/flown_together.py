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
)
from tansiq.domain.track import Address, PositionReport
from tansiq.engine.flown import (
    EARTH_M,
    PER_AXIS,
    SAG_M,
    SLOT_S,
    Floats,
    Ints,
    Stretch,
    along,
    node_slots,
    stretches,
)

GAP_S: Final = 300.0
PAUSE_S: Final = 60.0
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


def encounters(
    tracks: Mapping[Address, Sequence[PositionReport]],
    search: Search,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Encounter]:
    """Return every encounter, by the time of entry, then by addresses.

    Args:
        tracks: the reports of each aircraft, in ascending order of time, no two of one moment.
        tell: is told how far it is.
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
    near = _near(flown, search.within, tell)
    of_pair: dict[tuple[int, int], list[_Moment]] = defaultdict(list)
    for done, ((a, b), slots) in enumerate(sorted(near.items())):
        one, other = flown[a], flown[b]
        if one.aircraft > other.aircraft:
            one, other = other, one
        of_pair[one.aircraft, other.aircraft] += _moments(one, other, slots, search.within)
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


def _near(
    flown: Sequence[Stretch], within: Within, tell: Callable[[str], None]
) -> dict[tuple[int, int], list[int]]:
    """Return the slots in which two stretches may come near, in ascending order."""
    slots: dict[int, list[tuple[int, Floats, Floats, Floats]]] = defaultdict(list)
    for number, stretch in enumerate(flown):
        first, starts = node_slots(stretch)
        for k in range(len(starts) - 1):
            nodes = slice(starts[k], starts[k + 1] + 1)
            place, pressure_m = stretch.place[nodes], stretch.pressure_m[nodes]
            span = np.array([pressure_m.min(), pressure_m.max()])
            slots[first + k].append(
                (number, place.min(axis=0) - SAG_M, place.max(axis=0) + SAG_M, span)
            )
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    aircraft = np.array([stretch.aircraft for stretch in flown])
    for done, slot in enumerate(sorted(slots)):
        active, low, high, pressure = zip(*slots[slot], strict=True)
        numbers = np.array(active)
        boxes = _Boxes(
            numbers, aircraft[numbers], np.array(low), np.array(high), np.array(pressure)
        )
        for a, b in _meeting(boxes, within):
            found[a, b].append(slot)
        if done % 200 == 0:
            tell(f"looked for what is near in {done:,} of {len(slots):,} minutes")
    return found


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


@dataclass(frozen=True, slots=True)
class _Legs:
    """What two tracks do together from node to node: ends of legs, as seen from the first."""

    time_s: Floats
    level: Floats
    """``(n, 2, 2)``: start and end of each leg, two level axes."""
    up: Floats
    """``(n, 2)``."""
    unsure: Floats
    vertical: NDArray[np.int8]
    """0 pressure, 1 heights, 2 mixed."""


_VERTICALS: Final = (Vertical.PRESSURE, Vertical.HEIGHT, Vertical.MIXED)


def _moments(
    one: Stretch, other: Stretch, slots: Sequence[int], within: Within
) -> Iterator[_Moment]:
    for start_s, end_s in _spans(one, other, slots):
        legs = _legs(one, other, start_s, end_s)
        for k in np.flatnonzero(_may_be(legs, within)).tolist():
            seconds = float(legs.time_s[k + 1] - legs.time_s[k])
            drift = Drift(
                seconds,
                (float(legs.level[k, 0, 0]), float(legs.level[k, 1, 0])),
                (float(legs.level[k, 0, 1]), float(legs.level[k, 1, 1])),
                (float(legs.up[k, 0]), float(legs.up[k, 1])),
                (float(legs.unsure[k, 0]), float(legs.unsure[k, 1])),
            )
            span = inside(drift, within)
            if span is None:
                continue
            vertical = _VERTICALS[legs.vertical[k]]
            found = _found(drift, span, within)
            yield _Moment(one, other, float(legs.time_s[k]), drift, vertical, found)


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


def _spans(one: Stretch, other: Stretch, slots: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Yield the times that both flew in some slots, joined where these follow each other."""
    from_s = max(one.time_s[0], other.time_s[0])
    upto_s = min(one.time_s[-1], other.time_s[-1])
    for first, last in _runs(slots):
        start_s = max(from_s, first * SLOT_S)
        end_s = min(upto_s, (last + 1) * SLOT_S)
        if start_s <= end_s:
            yield float(start_s), float(end_s)


def _runs(slots: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = slots[0]
    for slot in slots[1:]:
        if slot != last + 1:
            yield first, last
            first = slot
        last = slot
    yield first, last


def _legs(one: Stretch, other: Stretch, start_s: float, end_s: float) -> _Legs:
    """Return the legs of two tracks together; one of no length where they share a moment only."""
    time_s = np.union1d(_between(one, start_s, end_s), _between(other, start_s, end_s))
    time_s = np.union1d(time_s, [start_s, end_s])
    if len(time_s) == 1:
        time_s = np.repeat(time_s, 2)
    p, q = _places(one, time_s), _places(other, time_s)
    level = _level(p, q)
    up, unsure, vertical = _up(one, other, time_s)
    return _Legs(time_s, level, up, unsure, vertical)


def _between(stretch: Stretch, start_s: float, end_s: float) -> Floats:
    first, last = np.searchsorted(stretch.time_s, [start_s, end_s])
    return stretch.time_s[first:last]


def _places(stretch: Stretch, time_s: Floats) -> Floats:
    if len(stretch.time_s) == 1:
        return np.repeat(stretch.place, len(time_s), axis=0)
    k = np.clip(np.searchsorted(stretch.time_s, time_s) - 1, 0, len(stretch.time_s) - 2)
    share = (time_s - stretch.time_s[k]) / (stretch.time_s[k + 1] - stretch.time_s[k])
    return along(stretch.place[k], stretch.place[k + 1], share)


def _level(p: Floats, q: Floats) -> Floats:
    """Return where q is as seen from p, metres along the ellipsoid, on two axes of each leg."""
    apart = q - p
    chord_m = np.sqrt(np.sum(apart * apart, axis=1))
    # The geodesic over a chord, by the mean radius: 3 mm in 100 km from that of the true one.
    arc_m = chord_m * (1.0 + (chord_m / EARTH_M) ** 2 / 24.0)
    middle = (p[:-1] + p[1:] + q[:-1] + q[1:]) * PER_AXIS
    normal = middle / np.sqrt(np.sum(middle * middle, axis=1))[:, None]
    # Any two level axes will do, as long as they are those of the whole leg.
    aside = np.where(
        np.abs(normal[:, 2:3]) < 0.9, np.array([[0.0, 0.0, 1.0]]), np.array([[1.0, 0.0, 0.0]])
    )
    first = np.cross(aside, normal)
    first /= np.sqrt(np.sum(first * first, axis=1))[:, None]
    second = np.cross(normal, first)
    ends = []
    for side in (slice(None, -1), slice(1, None)):
        flat = np.stack(
            [np.sum(apart[side] * first, axis=1), np.sum(apart[side] * second, axis=1)], axis=1
        )
        length_m = np.sqrt(np.sum(flat * flat, axis=1))
        # Tilted against the plane by half of the distance: the length is that of the geodesic.
        scale = np.divide(arc_m[side], length_m, out=np.ones_like(length_m), where=length_m > 0.0)
        ends.append(flat * scale[:, None])
    return np.stack(ends, axis=1)


def _up(one: Stretch, other: Stretch, time_s: Floats) -> tuple[Floats, Floats, NDArray[np.int8]]:
    """Return how much higher the other is, how unsure that is, and by what, of each leg."""
    pressure = np.interp(time_s, other.time_s, other.pressure_m) - np.interp(
        time_s, one.time_s, one.pressure_m
    )
    up = np.stack([pressure[:-1], pressure[1:]], axis=1)
    unsure = np.zeros_like(up)
    vertical = np.zeros(len(up), dtype=np.int8)
    missing = np.isnan(up).any(axis=1)
    if missing.any():
        (low, low_error), (high, high_error) = (
            [np.interp(time_s, s.time_s, known) for known in s.heights()] for s in (one, other)
        )
        height, error = high - low, low_error + high_error
        up[missing] = np.stack([height[:-1], height[1:]], axis=1)[missing]
        unsure[missing] = np.stack([error[:-1], error[1:]], axis=1)[missing]
        mixed = np.maximum(error[:-1], error[1:]) > _MIXED_M
        vertical[missing] = np.where(mixed[missing], 2, 1)
    return up, unsure, vertical


_MIXED_M: Final = 50.0


def _may_be(legs: _Legs, within: Within) -> NDArray[np.bool_]:
    """Return which legs come within the thresholds, at least by their nearest on each axis."""
    start, step = legs.level[:, 0], legs.level[:, 1] - legs.level[:, 0]
    squared = np.sum(step * step, axis=1)
    at = np.divide(
        -np.sum(start * step, axis=1), squared, out=np.zeros_like(squared), where=squared > 0.0
    )
    nearest = start + np.clip(at, 0.0, 1.0)[:, None] * step
    apart_m = np.sqrt(np.sum(nearest * nearest, axis=1))
    least = np.maximum(
        np.minimum(legs.up[:, 0] - legs.unsure[:, 0], legs.up[:, 1] - legs.unsure[:, 1]),
        np.minimum(-legs.up[:, 0] - legs.unsure[:, 0], -legs.up[:, 1] - legs.unsure[:, 1]),
    )
    level = apart_m <= within.horizontal_m + 2.0 * HORIZONTAL_ERROR_M
    found: NDArray[np.bool_] = level & (least <= within.vertical_m + 2.0 * VERTICAL_ERROR_M)
    return found


# What is said of it


def _grouped(moments: Sequence[_Moment], pause_s: float) -> Iterator[list[_Moment]]:
    """Yield the moments of each encounter."""
    for spans in joined((m.span for m in moments), pause_s=pause_s):
        start_s, end_s = spans[0].start_s, spans[-1].end_s
        yield [m for m in moments if start_s <= m.span.start_s and m.span.end_s <= end_s]


def _encounter(
    moments: Sequence[_Moment], since: datetime, addresses: Sequence[Address]
) -> Encounter:
    nearest = min(moments, key=lambda m: (m.found.apart.slant_m, m.start_s))
    spans = joined((m.span for m in moments), pause_s=math.inf)[0]
    at_s = nearest.closest_s

    def moment(seconds: float) -> datetime:
        return since + timedelta(seconds=seconds)

    first, second = (_participant(s, at_s, since, addresses) for s in (nearest.one, nearest.other))
    return Encounter(
        first=first,
        second=second,
        entered=moment(spans[0].start_s),
        left=moment(spans[-1].end_s),
        inside_s=sum(span.end_s - span.start_s for span in spans),
        passages=len(spans),
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
    x, y, z = _places(stretch, time_s)[0].tolist()
    said = [r for r in stretch.reports if r.callsign]
    nearest = min(
        said,
        key=lambda r: abs((r.time - since).total_seconds() - at_s),
        default=None,
    )
    pressure_m = float(np.interp(at_s, stretch.time_s, stretch.pressure_m))
    measured = all(r.geometric_m is not None for r in stretch.reports)
    height_m = float(np.interp(at_s, stretch.time_s, stretch.heights()[0])) if measured else None
    return Participant(
        address=addresses[stretch.aircraft],
        callsign=nearest.callsign if nearest else "",
        position=point_at((x, y, z)),
        pressure_m=None if math.isnan(pressure_m) else pressure_m,
        height_m=height_m,
        leg_s=_leg_s(stretch, since + timedelta(seconds=at_s)),
    )


def _leg_s(stretch: Stretch, moment: datetime) -> float:
    """Return how long the leg between two reports is that a moment lies in."""
    k = bisect_left(stretch.reports, moment, key=lambda report: report.time)
    if k == 0 or k == len(stretch.reports) or stretch.reports[k].time == moment:
        return 0.0
    return (stretch.reports[k].time - stretch.reports[k - 1].time).total_seconds()
