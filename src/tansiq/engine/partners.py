"""Kernel of the audit: which volumes of earlier entities come within the minima of each entity.

Entities are numbered in order of their start, and the volumes of each stand in a run. Each pair is
found once, at the later of the two, so all pairs of volumes of two entities come together.
"""

from typing import NamedTuple

from tansiq.engine.compiled import Floats, Ints, kernel
from tansiq.engine.grid import Kept
from tansiq.engine.outlines import APART, WITHIN, in_order, is_rough, measure, verdict
from tansiq.engine.search import (
    BEGINS,
    ENDS,
    HIGH,
    HOW,
    LOW,
    OTHER,
    OWN,
    ROUGH,
    Limits,
    Sky,
    candidates,
    shape_of,
)

# Columns of ``figures``: how far apart two outlines are, and the worst place, metres, ECEF.
APART_M, PLACE_X, PLACE_Y, PLACE_Z = range(4)
FIGURES = 4
FULL = -1
NEVER = -(1 << 62)
"""A minimum in time that no two volumes are within."""


class Runs(NamedTuple):
    """Which volumes belong to which entity."""

    firsts: Ints
    """(entities + 1) the first volume of each."""
    owners: Ints
    """(volumes) the entity of each."""
    kinds: Ints
    """(entities) which row of the rules is its own."""


class Rules(NamedTuple):
    """What two entities keep, by the kinds of both; symmetric."""

    horizontal_m: Floats
    vertical_m: Floats
    time_us: Ints
    """(kinds, kinds) each; two that are never compared have ``NEVER`` here."""
    largest: Limits
    """Of all of them, to look for candidates with."""


class Room(NamedTuple):
    """Where a kernel writes."""

    found: Ints
    hits: Ints
    """(n, 3)."""
    figures: Floats
    """(n, FIGURES), or none."""


@kernel
def _in_range(sky: Sky, i: int, j: int, time_us: int, vertical_m: float) -> bool:
    """Report whether two volumes are within the minima in time and altitude; exact."""
    t, b = sky.times, sky.bounds
    if t[j, BEGINS] - t[i, ENDS] > time_us or t[i, BEGINS] - t[j, ENDS] > time_us:
        return False
    if b[j, LOW] - b[i, HIGH] > vertical_m:
        return False
    return bool(b[i, LOW] - b[j, HIGH] <= vertical_m)


@kernel
def _pair(  # noqa: PLR0913 # As in ``join``.
    sky: Sky, i: int, j: int, limit_m: float, figures: Floats, row: int, rows: Floats
) -> int:
    """Judge two outlines, and write how far apart they are, and where, unless ``row`` is negative;
    the same to the bit from either side."""
    one, other = shape_of(sky, i), shape_of(sky, j)
    a, b = (one, other) if in_order(one, other) else (other, one)
    how = verdict(a, b, limit_m, rows)
    if how == APART or row < 0:
        return int(how)
    found = measure(a, b, limit_m, rows)
    figures[row, APART_M] = found.apart_m
    figures[row, PLACE_X] = found.p.x
    figures[row, PLACE_Y] = found.p.y
    figures[row, PLACE_Z] = found.p.z
    return ROUGH if how == WITHIN and is_rough(a, b, found) else int(how)


@kernel
def _keep(  # noqa: PLR0913 # As in ``join``.
    sky: Sky,
    runs: Runs,
    rules: Rules,
    pair: tuple[int, int],
    met: Ints,
    room: Room,
    rows: Floats,
    many: int,
) -> int:
    """Write one pair of volumes, if it counts and conflicts; return how many there are then."""
    i, j = pair
    entity, earlier = runs.owners[i], runs.owners[j]
    if earlier >= entity or met[earlier] == entity:
        return many
    one, other = runs.kinds[entity], runs.kinds[earlier]
    if not _in_range(sky, i, j, rules.time_us[one, other], rules.vertical_m[one, other]):
        return many
    if many == room.hits.shape[0]:
        return FULL
    measured = room.figures.shape[0] > 0
    limit_m, row = rules.horizontal_m[one, other], many if measured else -1
    how = _pair(sky, i, j, limit_m, room.figures, row, rows)
    if how == APART:
        return many
    room.hits[many, OWN], room.hits[many, OTHER], room.hits[many, HOW] = i, j, how
    if not measured and how == WITHIN:
        met[earlier] = entity
    return many + 1


@kernel
def _meetings(  # noqa: PLR0913 # As in ``join``.
    sky: Sky,
    kept: Kept,
    runs: Runs,
    rules: Rules,
    entity: int,
    met: Ints,
    room: Room,
    rows: Floats,
    many: int,
) -> tuple[int, int]:
    """Write the pairs of one entity; return how many there are then, and what is lacking."""
    begun, lacking = many, 0
    for i in range(runs.firsts[entity], runs.firsts[entity + 1]):
        near = candidates(kept, sky, rules.largest, i, room.found)
        if near > room.found.shape[0]:
            lacking = near
            break
        for k in range(near):
            written = _keep(sky, runs, rules, (i, room.found[k]), met, room, rows, many)
            if written == FULL:
                lacking = FULL
                break
            many = written
        if lacking:
            break
    if lacking:
        for row in range(begun, many):
            met[runs.owners[room.hits[row, OTHER]]] = -1
        many = begun
    return many, lacking


@kernel
def join(  # noqa: PLR0913 # Arrays one by one, as kernels take them.
    sky: Sky,
    kept: Kept,
    runs: Runs,
    rules: Rules,
    start: int,
    stop: int,
    met: Ints,
    room: Room,
    rows: Floats,
) -> tuple[int, int, int]:
    """Write the pairs of volumes of the entities ``start`` to ``stop``, each with an earlier one.

    Returns where to go on, how many pairs were written, and what is lacking to go any further: 0,
    rooms that ``found`` would have to have, or ``FULL``. All pairs of an entity are written, or
    none. Without room for figures nothing is measured, and of two entities at most one pair that is
    certain is written; ``met`` (entities) remembers which, and starts as -1.
    """
    many = 0
    for entity in range(start, stop):
        many, lacking = _meetings(sky, kept, runs, rules, entity, met, room, rows, many)
        if lacking:
            return entity, many, lacking
    return stop, many, 0
