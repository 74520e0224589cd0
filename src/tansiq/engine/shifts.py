"""Which shifts of a plan in time and level its obstacles leave free.

Whether two outlines meet does not change with time or level. So each volume of the plan and each
obstacle whose outlines meet forbid one closed rectangle of shifts: a span of time by a band of
rises. For each rise the spans are walked in order; what is found first outside them all is the
least delay, or advance, that is free.

Outlines are what costs. Two are compared only if their rectangle reaches beyond what is known to
be forbidden around the present time; once that is all that may be searched, nothing is.
"""

from math import ceil, floor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.conflict import ALTITUDE_RESOLUTION_M
from tansiq.engine.compiled import Floats, Ints, kernel, seen
from tansiq.engine.grid import MICROS_SHIFT, UNITS_PER_M, Kept, Reach, gather
from tansiq.engine.outlines import APART, UNSURE, verdict
from tansiq.engine.search import (
    AROUND,
    BEGINS,
    CENTER_X,
    CENTER_Y,
    CENTER_Z,
    ENDS,
    HIGH,
    LOW,
    SLACK_UNITS,
    Limits,
    Sky,
    shape_of,
)

SECOND_US = 1_000_000
# Columns of ``spans``: a closed span of shifts, whether the altitudes are too close as they are,
# what is known of the outlines, and whose they are.
FIRST, LAST, PRESENT, HOW, OWN, OTHER = range(6)
SPANS = 6
# Columns of ``bands``: a closed band of rises, metres.
BOTTOM, TOP = range(2)
# Columns of ``ends``: the least delay and the least advance that may be free.
LATER, EARLIER = range(2)

_ROUND_M = 2 * ALTITUDE_RESOLUTION_M  # More than moving a band rounds, as in ``domain.resolution``.
_ROOM = 256


class Rows(NamedTuple):
    """Rectangles of forbidden shifts."""

    spans: Ints
    bands: Floats


class Sought(NamedTuple):
    """Shifts that are looked at: whole seconds within two bounds, and some rises."""

    rises: Floats
    """(n) ascending, metres; 0 is decided exactly, others are rounded towards conflict."""
    ends: Ints
    """(n, 2) of each rise."""
    least_us: int
    most_us: int


@kernel
def _forbids(rows: Rows, k: int, rise_m: float) -> bool:
    if rise_m == 0.0:
        return bool(rows.spans[k, PRESENT] != 0)
    return bool(rows.bands[k, BOTTOM] <= rise_m and rise_m <= rows.bands[k, TOP])


@kernel
def _push(rows: Rows, start: int, many: int, sought: Sought, doubtful: int) -> None:
    """Move ends that rectangles from ``start`` on forbid beyond them, once."""
    for k in range(start, many):
        if rows.spans[k, HOW] == UNSURE and doubtful == 0:
            continue
        first, last = rows.spans[k, FIRST], rows.spans[k, LAST]
        for r in range(sought.rises.shape[0]):
            if _forbids(rows, k, sought.rises[r]):
                if first <= sought.ends[r, LATER] <= last:
                    sought.ends[r, LATER] = (last // SECOND_US + 1) * SECOND_US
                if first <= sought.ends[r, EARLIER] <= last:
                    sought.ends[r, EARLIER] = ((first - 1) // SECOND_US) * SECOND_US


@kernel
def _matters(rows: Rows, k: int, sought: Sought) -> bool:
    """Report whether a rectangle may move an end, now or later."""
    first, last = rows.spans[k, FIRST], rows.spans[k, LAST]
    if first > sought.most_us or last < sought.least_us:
        return False
    for r in range(sought.rises.shape[0]):
        later, earlier = sought.ends[r, LATER], sought.ends[r, EARLIER]
        beyond = later <= sought.most_us and last >= later
        before = earlier >= sought.least_us and first <= earlier
        if (beyond or before) and _forbids(rows, k, sought.rises[r]):
            return True
    return False


@kernel
def _used_up(sought: Sought) -> bool:
    for r in range(sought.rises.shape[0]):
        if sought.ends[r, LATER] <= sought.most_us or sought.ends[r, EARLIER] >= sought.least_us:
            return False
    return True


@kernel
def _write(  # noqa: PLR0913 # As in ``search``.
    own: Sky, which: int, sky: Sky, i: int, limits: Limits, rows: Rows, k: int
) -> None:
    """Write the rectangle of a pair whose outlines meet."""
    spans, bands = rows.spans, rows.bands
    spans[k, FIRST] = sky.times[i, BEGINS] - own.times[which, ENDS] - limits.time_us
    spans[k, LAST] = sky.times[i, ENDS] - own.times[which, BEGINS] + limits.time_us
    bottom = sky.bounds[i, LOW] - own.bounds[which, HIGH]
    top = sky.bounds[i, HIGH] - own.bounds[which, LOW]
    present = bottom <= limits.vertical_m and -top <= limits.vertical_m
    spans[k, PRESENT] = 1 if present else 0
    spans[k, OWN], spans[k, OTHER] = which, i
    bands[k, BOTTOM] = bottom - limits.vertical_m - _ROUND_M
    bands[k, TOP] = top + limits.vertical_m + _ROUND_M


@kernel
def _reach(sky: Sky, i: int, limits: Limits, sought: Sought) -> Reach:
    """Return what is near one volume after any of the shifts; rounded outwards."""
    t, b = sky.times, sky.bounds
    down = min(0.0, sought.rises[0]) - limits.vertical_m - 1.0
    up = max(0.0, sought.rises[sought.rises.shape[0] - 1]) + limits.vertical_m + 1.0
    return Reach(
        floor(b[i, CENTER_X] * UNITS_PER_M + 0.5),
        floor(b[i, CENTER_Y] * UNITS_PER_M + 0.5),
        floor(b[i, CENTER_Z] * UNITS_PER_M + 0.5),
        ceil((b[i, AROUND] + limits.horizontal_m + 1e-3) * UNITS_PER_M) + SLACK_UNITS,
        (t[i, BEGINS] + sought.least_us - limits.time_us) >> MICROS_SHIFT,
        (t[i, ENDS] + sought.most_us + limits.time_us) >> MICROS_SHIFT,
        floor((b[i, LOW] + down) * UNITS_PER_M),
        ceil((b[i, HIGH] + up) * UNITS_PER_M),
        -1,
        i,
    )


@kernel
def forbid(  # noqa: PLR0913 # As in ``search``.
    sky: Sky,
    kept: Kept,
    counts: NDArray[np.bool_],
    own: Sky,
    limits: Limits,
    sought: Sought,
    rows: Rows,
    doubtful: int,
    start: int,
    many: int,
    found: Ints,
    work: Floats,
) -> tuple[int, int, int]:
    """Write the rectangles that an index forbids a plan, from its volume ``start`` on.

    After ``many`` that are there. Returns where to go on, how many there are then, and how many
    rooms ``found`` and ``rows`` must have to get any further. Those too close to tell move no end
    unless ``doubtful``. Stops as soon as nothing is free.
    """
    for which in range(start, own.times.shape[0]):
        near = gather(kept, _reach(own, which, limits, sought), found)
        if near > found.shape[0] or many + near > rows.spans.shape[0]:
            return which, many, many + near
        shape = shape_of(own, which)
        for k in range(near):
            i = found[k]
            if counts.shape[0] > 0 and not counts[i]:
                continue
            _write(own, which, sky, i, limits, rows, many)
            if not _matters(rows, many, sought):
                continue
            judged = verdict(shape, shape_of(sky, i), limits.horizontal_m, work)
            if judged != APART:
                rows.spans[many, HOW] = judged
                many += 1
                _push(rows, many - 1, many, sought, doubtful)
        _push(rows, 0, many, sought, doubtful)
        if _used_up(sought):
            break
    return int(own.times.shape[0]), many, 0


@kernel
def walk(rows: Rows, by_first: Ints, by_last: Ints, sought: Sought) -> None:
    """Move all ends to what is free; ``by_last`` is descending."""
    for r in range(sought.rises.shape[0]):
        rise_m, shift = sought.rises[r], sought.ends[r, LATER]
        for k in range(by_first.shape[0]):
            i = by_first[k]
            if rows.spans[i, FIRST] > shift:
                break
            if rows.spans[i, LAST] >= shift and _forbids(rows, i, rise_m):
                shift = (rows.spans[i, LAST] // SECOND_US + 1) * SECOND_US
        sought.ends[r, LATER] = shift
        shift = sought.ends[r, EARLIER]
        for k in range(by_last.shape[0]):
            i = by_last[k]
            if rows.spans[i, LAST] < shift:
                break
            if rows.spans[i, FIRST] <= shift and _forbids(rows, i, rise_m):
                shift = ((rows.spans[i, FIRST] - 1) // SECOND_US) * SECOND_US
        sought.ends[r, EARLIER] = shift


class Shifts:
    """Shifts that are sought, and what forbids them so far.

    Args:
        rises: metres, ascending.
        least_s: bounds of shifts in time, whole seconds.
        most_s: likewise.
        at_level_s: the least delay without a rise; with one, and for the plan moved aside, 0 is
            one too.
        doubtful: outlines within 0.7 mm of the minimum meet, whatever the definition says.
    """

    def __init__(
        self, rises: list[float], least_s: int, most_s: int, *, at_level_s: int, doubtful: bool
    ) -> None:
        self.doubtful = doubtful
        self.many = 0
        self._spans, self._bands = np.empty((_ROOM, SPANS), np.int64), np.empty((_ROOM, 2))
        self._rises = np.array(rises, np.float64)
        last_us = min(-1, most_s) * SECOND_US
        self._ends = np.array(
            [(max(0 if rise else at_level_s, least_s) * SECOND_US, last_us) for rise in rises],
            np.int64,
        )
        bounds_us = (least_s * SECOND_US, most_s * SECOND_US)
        self.sought = Sought(seen(self._rises), seen(self._ends), *bounds_us)
        self.rows = Rows(seen(self._spans), seen(self._bands))

    def widen(self, many: int) -> None:
        """Make room for so many rectangles."""
        if many > len(self._spans):
            rows = 2 * many
            spans, bands = np.empty((rows, SPANS), np.int64), np.empty((rows, 2))
            spans[: self.many], bands[: self.many] = (
                self._spans[: self.many],
                self._bands[: self.many],
            )
            self._spans, self._bands = spans, bands
            self.rows = Rows(seen(spans), seen(bands))

    def unsure(self, start: int) -> list[tuple[int, int, int]]:
        """Return row, own volume and id of those too close to tell, from a row on."""
        rows = start + np.flatnonzero(self._spans[start : self.many, HOW] == UNSURE)
        return [(row, *self._spans[row, OWN : OTHER + 1].tolist()) for row in rows.tolist()]

    def settle(self, row: int, *, meet: bool) -> None:
        """Say of a rectangle that was doubtful whether it is one."""
        if meet:
            self._spans[row, HOW] = -1
        else:
            self._spans[row, PRESENT] = 0
            self._bands[row] = np.inf, -np.inf

    def free(self) -> list[tuple[float, int | None, int | None]]:
        """Return rise, least delay and least advance (seconds, negative) that are free, by rise."""
        spans, sought = self._spans[: self.many], self.sought
        if not _used_up(sought):
            by_first = np.argsort(spans[:, FIRST])
            by_last = np.argsort(spans[:, LAST])[::-1].copy()
            walk(self.rows, seen(by_first), seen(by_last), sought)
        return [
            (
                rise_m,
                later // SECOND_US if later <= sought.most_us else None,
                earlier // SECOND_US if earlier >= sought.least_us else None,
            )
            for rise_m, (later, earlier) in zip(
                self._rises.tolist(), self._ends.tolist(), strict=True
            )
        ]
