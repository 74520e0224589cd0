"""Kernels of resolution: which shifts in time and level the obstacles of a plan leave free.

Whether two outlines meet does not change with time or level. So each volume of the plan and each
obstacle whose outlines meet forbid one closed rectangle of shifts: a span of time by a band of
rises. For each rise the spans are walked in order; what is found first outside them all is the
least shift that is free.
"""

from typing import NamedTuple

import numpy as np

from tansiq.engine.compiled import Floats, Ints, kernel, seen

SECOND_US = 1_000_000
NONE = -(1 << 62)
"""No shift is free."""


class Rectangles(NamedTuple):
    """Closed rectangles of forbidden shifts, column by column."""

    first_us: Ints
    last_us: Ints
    first_m: Floats
    last_m: Floats
    present: Ints
    """1 if too close in altitude without any rise: decided exactly, where a rise is rounded."""


@kernel
def _forbids(rects: Rectangles, i: int, rise_m: float) -> bool:
    if rise_m == 0.0:
        return bool(rects.present[i] != 0)
    return bool(rects.first_m[i] <= rise_m and rise_m <= rects.last_m[i])


@kernel
def later(rects: Rectangles, order: Ints, rise_m: float, least_us: int, most_us: int) -> int:
    """Return the least free shift from ``least_us`` on, or ``NONE``; ``order``: by first."""
    shift = least_us
    for k in range(order.shape[0]):
        i = order[k]
        if rects.first_us[i] > shift:
            break
        if rects.last_us[i] >= shift and _forbids(rects, i, rise_m):
            shift = (rects.last_us[i] // SECOND_US + 1) * SECOND_US
    return int(shift) if shift <= most_us else NONE


@kernel
def earlier(rects: Rectangles, order: Ints, rise_m: float, least_us: int, most_us: int) -> int:
    """Return the greatest free shift up to ``most_us``, or ``NONE``; ``order``: by last, down."""
    shift = most_us
    for k in range(order.shape[0]):
        i = order[k]
        if rects.last_us[i] < shift:
            break
        if rects.first_us[i] <= shift and _forbids(rects, i, rise_m):
            shift = ((rects.first_us[i] - 1) // SECOND_US) * SECOND_US
    return int(shift) if shift >= least_us else NONE


@kernel
def walk(  # noqa: PLR0913 # As in ``search``.
    rects: Rectangles,
    by_first: Ints,
    by_last: Ints,
    rises: Floats,
    least_us: int,
    most_us: int,
    at_level_us: int,
    found: Ints,
) -> None:
    """Write, for each rise, the least free delay (0 counts as one) and the least free advance.

    Shifts are whole seconds between ``least_us`` and ``most_us``, which are so as well. Without a
    rise a delay is at least ``at_level_us``.
    """
    for k in range(rises.shape[0]):
        start = at_level_us if rises[k] == 0.0 else 0
        found[k, 0] = later(rects, by_first, rises[k], max(start, least_us), most_us)
        found[k, 1] = earlier(rects, by_last, rises[k], least_us, min(-SECOND_US, most_us))


def free_shifts(
    rects: Rectangles, rises: Floats, least_us: int, most_us: int, *, at_level_us: int
) -> Ints:
    """Return (n, 2) the least free delay and advance of each rise: see ``walk``."""
    found = np.empty((len(rises), 2), np.int64)
    walk(
        Rectangles(*(seen(column) for column in rects)),
        seen(np.argsort(rects.first_us)),
        seen(np.argsort(rects.last_us)[::-1].copy()),
        seen(rises),
        least_us,
        most_us,
        at_level_us,
        seen(found),
    )
    return found
