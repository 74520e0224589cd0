"""Kernels that find what conflicts: one volume against an index, and all pairs of an index."""

from math import ceil, floor
from typing import Any, NamedTuple

import numpy as np

from tansiq.engine.addresses import FREE, Layout, floats_at, ints_at, list_at, shorts_at
from tansiq.engine.compiled import Floats, Ints, Shorts, inlined, kernel
from tansiq.engine.earth import Vector, ecef, enclose
from tansiq.engine.grid import (
    BAND,
    BANDS,
    CELL,
    END,
    ENTRY,
    ID,
    LOWER,
    MICROS_SHIFT,
    RADIUS,
    START,
    UNITS_PER_M,
    UPPER,
    Kept,
    Reach,
    X,
    Y,
    Z,
    gather,
    gather_band,
)
from tansiq.engine.outlines import (
    APART,
    UNSURE,
    WITHIN,
    WORK_COLUMNS,
    Shape,
    core_m,
    in_order,
    is_rough,
    measure,
    verdict,
)

# Columns of ``times``: microseconds since 1970, and where the vertices are.
BEGINS, ENDS, VERTEX, VERTICES = range(4)
TIMES = 4
# Columns of ``bounds``: a ball around the area, the rim of a circle, the levels, the core; metres.
CENTER_X, CENTER_Y, CENTER_Z, AROUND, RIM, LOW, HIGH, CORE = range(8)
BOUNDS = 8
# Columns of ``hits``: a volume of either plan, and ``WITHIN``, ``UNSURE`` or ``ROUGH``.
OWN, OTHER, HOW = range(3)
ROUGH = 3
"""Certainly within the minima, but by how much is not known to the millimetre."""
# What ``meet`` looks for: all there is, one that certainly conflicts, one that may.
EVERY, CERTAIN, POSSIBLE = range(3)
SLACK_UNITS = 2
"""More than rounding of places and radii to units can take away."""


class Sky(NamedTuple):
    """The volumes of an index, by id."""

    times: Ints
    """(n, TIMES)."""
    bounds: Floats
    """(n, BOUNDS)."""
    at: Floats
    """(m, 3) metres, ECEF: all vertices."""


OF_SKY: Layout = (
    (np.int64, (FREE, TIMES)),
    (np.float64, (FREE, BOUNDS)),
    (np.float64, (FREE, 3)),
)
"""A ``Sky`` as kernels are handed it."""
OF_AIRSPACE: Layout = (
    *OF_SKY,
    (np.int64, (FREE, CELL)),
    (np.int32, (ENTRY, FREE)),
    (np.int64, (BANDS + 1, BAND)),
    (np.int64, (FREE,)),
    (np.float64, (FREE, WORK_COLUMNS)),
    (np.float64, (1, 2)),
    (np.int64, (1,)),
)
"""An index: its ``Sky``, its ``Kept``, room for what is found, and for pieces of outlines; the
minima that are asked for, metres (horizontal and vertical) and microseconds."""


class Limits(NamedTuple):
    """Minima as kernels compare them."""

    horizontal_m: float
    vertical_m: float
    time_us: int


@kernel
def write(  # Columns of a batch, and where they go.
    points: Floats, spans: Ints, counts: Ints, ids: Ints, firsts: Ints, sky: Sky
) -> None:
    """Write spans, and points (latitude, longitude) as places in space, those of each volume in a
    run."""
    t, at, k = sky.times, sky.at, 0
    for n in range(ids.shape[0]):
        i, first, count = ids[n], firsts[n], counts[n]
        t[i, BEGINS], t[i, ENDS] = spans[n, 0], spans[n, 1]
        t[i, VERTEX], t[i, VERTICES] = first, count
        for row in range(first, first + count):
            p = ecef(points[k, 0], points[k, 1])
            at[row, 0], at[row, 1], at[row, 2] = p.x, p.y, p.z
            k += 1


@kernel
def shape_of(sky: Sky, i: int) -> Shape:
    """Return the outline of one id."""
    t, b = sky.times, sky.bounds
    center = Vector(b[i, CENTER_X], b[i, CENTER_Y], b[i, CENTER_Z])
    return Shape(sky.at, t[i, VERTEX], t[i, VERTICES], center, b[i, AROUND], b[i, RIM], b[i, CORE])


@kernel
def stage(sky: Sky, ids: Ints, radii: Floats, levels: Floats, staged: Shorts) -> None:
    """Write bounds, and entries for the grid, of volumes whose times and vertices are there."""
    for k in range(ids.shape[0]):
        i = ids[k]
        first, count = sky.times[i, VERTEX], sky.times[i, VERTICES]
        if count == 1:
            center = Vector(sky.at[first, 0], sky.at[first, 1], sky.at[first, 2])
            radius_m = radii[k]
        else:
            center, radius_m = enclose(sky.at, first, count)
        b = sky.bounds
        b[i, CENTER_X], b[i, CENTER_Y], b[i, CENTER_Z] = center.x, center.y, center.z
        b[i, AROUND], b[i, RIM] = radius_m, radii[k]
        b[i, LOW], b[i, HIGH] = levels[k, 0], levels[k, 1]
        b[i, CORE] = radii[k] if count == 1 else core_m(shape_of(sky, i))
        staged[ID][k] = i
        staged[X][k] = floor(center.x * UNITS_PER_M + 0.5)
        staged[Y][k] = floor(center.y * UNITS_PER_M + 0.5)
        staged[Z][k] = floor(center.z * UNITS_PER_M + 0.5)
        staged[RADIUS][k] = ceil(radius_m * UNITS_PER_M) + SLACK_UNITS
        staged[START][k] = sky.times[i, BEGINS] >> MICROS_SHIFT
        staged[END][k] = sky.times[i, ENDS] >> MICROS_SHIFT
        staged[LOWER][k] = floor(levels[k, 0] * UNITS_PER_M)
        staged[UPPER][k] = ceil(levels[k, 1] * UNITS_PER_M)


@kernel
def longest_edges(sky: Sky, ids: Ints, longest_m: float, found: Ints) -> int:
    """Write which volumes have an edge (its chord) above a length; return how many."""
    many = 0
    for k in range(ids.shape[0]):
        first, count = sky.times[ids[k], VERTEX], sky.times[ids[k], VERTICES]
        j = first + count - 1
        for i in range(first, first + count):
            dx, dy = sky.at[i, 0] - sky.at[j, 0], sky.at[i, 1] - sky.at[j, 1]
            dz = sky.at[i, 2] - sky.at[j, 2]
            j = i
            if dx * dx + dy * dy + dz * dz > longest_m * longest_m:
                found[many] = k
                many += 1
                break
    return many


@kernel
def _reach(sky: Sky, i: int, limits: Limits, band: int) -> Reach:
    t, b = sky.times, sky.bounds
    horizontal = ceil((b[i, AROUND] + limits.horizontal_m + 1e-3) * UNITS_PER_M) + SLACK_UNITS
    return Reach(
        floor(b[i, CENTER_X] * UNITS_PER_M + 0.5),
        floor(b[i, CENTER_Y] * UNITS_PER_M + 0.5),
        floor(b[i, CENTER_Z] * UNITS_PER_M + 0.5),
        horizontal,
        (t[i, BEGINS] - limits.time_us) >> MICROS_SHIFT,
        (t[i, ENDS] + limits.time_us) >> MICROS_SHIFT,
        floor((b[i, LOW] - limits.vertical_m) * UNITS_PER_M) - 1,
        ceil((b[i, HIGH] + limits.vertical_m) * UNITS_PER_M) + 1,
        band,
        i,
    )


@kernel
def _in_range(a: Sky, i: int, b: Sky, j: int, limits: Limits) -> bool:
    """Report whether two volumes are within the minima in time and altitude; exact."""
    if b.times[j, BEGINS] - a.times[i, ENDS] > limits.time_us:
        return False
    if a.times[i, BEGINS] - b.times[j, ENDS] > limits.time_us:
        return False
    if b.bounds[j, LOW] - a.bounds[i, HIGH] > limits.vertical_m:
        return False
    return bool(a.bounds[i, LOW] - b.bounds[j, HIGH] <= limits.vertical_m)


@inlined
def sky_at(given: Any) -> Sky:
    """Return the volumes that were handed over as ``OF_SKY``."""
    return Sky(ints_at(given, 0), floats_at(given, 1), floats_at(given, 2))


@kernel
def search(airspace: Any, plan: Any, which: int) -> int:
    """Write the ids of all volumes of an index (``OF_AIRSPACE``) that conflict with volume
    ``which`` of a plan (``OF_SKY``) into room of the index; return how many.

    Those that are too close to tell come as ``-1 - id``. Negative, as many as there are candidates
    (less one), if there is no room in ``found`` for those.
    """
    sky, own = sky_at(airspace), sky_at(plan)
    kept = Kept(ints_at(airspace, 3), shorts_at(airspace, 4), ints_at(airspace, 5))
    found, rows = list_at(airspace, 6), floats_at(airspace, 7)
    distances, times = floats_at(airspace, 8), list_at(airspace, 9)
    limits = Limits(distances[0, 0], distances[0, 1], times[0])
    many = gather(kept, _reach(own, which, limits, -1), found)
    if many > found.shape[0]:
        return -1 - many
    shape = shape_of(own, which)
    certain = 0
    for k in range(many):
        i = found[k]
        if _in_range(own, which, sky, i, limits):
            judged = verdict(shape, shape_of(sky, i), limits.horizontal_m, rows)
            if judged != APART:
                found[certain] = -1 - i if judged == UNSURE else i
                certain += 1
    return certain


@kernel
def candidates(kept: Kept, own: Sky, limits: Limits, which: int, found: Ints) -> int:
    """Write the ids of all volumes that a search would look at; return how many there are."""
    return int(gather(kept, _reach(own, which, limits, -1), found))


@kernel
def meet(  # noqa: PLR0913 # Arrays one by one: to pack them costs more than a short meeting.
    own_times: Ints,
    own_bounds: Floats,
    own_at: Floats,
    times: Ints,
    bounds: Floats,
    at: Floats,
    horizontal_m: float,
    vertical_m: float,
    time_us: int,
    enough: int,
    hits: Ints,
    figures: Floats,
    rows: Floats,
) -> int:
    """Write the pairs of volumes of two plans that conflict; return how many.

    ``figures`` gets how far apart their outlines are, and where. If one is ``enough`` it stops at
    the first, and measures nothing. Negative if there is no room.
    """
    own, sky = Sky(own_times, own_bounds, own_at), Sky(times, bounds, at)
    limits = Limits(horizontal_m, vertical_m, time_us)
    many = 0
    for i in range(own_times.shape[0]):
        for j in range(times.shape[0]):
            if not _in_range(own, i, sky, j, limits):
                continue
            one, other = shape_of(own, i), shape_of(sky, j)
            # The same to the bit from either side.
            a, b = (one, other) if in_order(one, other) else (other, one)
            how = verdict(a, b, horizontal_m, rows)
            if how == APART:
                continue
            if many == hits.shape[0]:
                return -1
            if enough == EVERY:
                found = measure(a, b, horizontal_m, rows)
                if how == WITHIN and is_rough(a, b, found):
                    how = ROUGH
                figures[many, 0] = found.apart_m
                figures[many, 1] = found.p.x
                figures[many, 2] = found.p.y
                figures[many, 3] = found.p.z
            hits[many, OWN], hits[many, OTHER], hits[many, HOW] = i, j, how
            many += 1
            if enough == POSSIBLE or (enough == CERTAIN and how == WITHIN):
                hits[0, OWN], hits[0, OTHER], hits[0, HOW] = i, j, how
                return 1
    return many


@kernel
def order_key(entries: Shorts, where: Shorts, ids: Ints, keys: Ints) -> None:
    """Write keys by which neighbours in space and time come after each other."""
    for k in range(ids.shape[0]):
        e = where[ids[k], 0]
        x = (int(entries[X][e]) + (1 << 30)) >> 18
        y = (int(entries[Y][e]) + (1 << 30)) >> 18
        z = (int(entries[Z][e]) + (1 << 30)) >> 18
        t = (int(entries[START][e]) >> 10) & 0xFFFFF
        keys[k] = (((x << 13 | y) << 13 | z) << 20) | t


@kernel
def sweep(  # noqa: PLR0913 # As in ``search``.
    sky: Sky,
    kept: Kept,
    where: Shorts,
    order: Ints,
    partners: Ints,
    limits: Limits,
    start: int,
    found: Ints,
    rows: Floats,
    pairs: Ints,
) -> tuple[int, int, int]:
    """Write conflicting pairs of ids, from position ``start`` of the order on.

    Each id is held against what is kept in the target bands of its own band. Returns where to go
    on, how many pairs were written, and how many rooms ``found`` and ``pairs`` would have to have
    at least to get any further. The second id is ``-1 - id`` if the two are too close to tell.
    """
    written = 0
    for position in range(start, order.shape[0]):
        i = order[position]
        band = int(where[i, 1])
        reach = _reach(sky, i, limits, band)
        many = 0
        for k in range(partners[band, 0]):
            many = gather_band(kept, reach, partners[band, 1 + k], found, many)
        if many > found.shape[0] or written + many > pairs.shape[0]:
            return position, written, many
        for k in range(many):
            j = found[k]
            if not _in_range(sky, i, sky, j, limits):
                continue
            judged = verdict(shape_of(sky, i), shape_of(sky, j), limits.horizontal_m, rows)
            if judged != APART:
                pairs[written, 0] = i
                pairs[written, 1] = -1 - j if judged == UNSURE else j
                written += 1
    return int(order.shape[0]), written, 0
