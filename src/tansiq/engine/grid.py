"""Kernels of the sparse grid: where volumes are kept so that few are looked at.

Space (ECEF, in units of 1/64 m) and time (in units of 2**22 us, about 4 s) are cut into cells; each
volume stands in the one cell of its centre and start. There are levels of cells, each four times as
wide or eight times as long as the one before: a volume is kept at the level of its size in space
and of its duration, so a month beside a minute or a country beside a drone costs neither of them
anything. The first level is the *base*, which ``tuning`` chooses: where little is known, fine cells
would be looked at in vain. A *band* is a pair of levels; only bands and cells that
hold something exist.

Cells are found by hashing, their entries lie side by side. An entry repeats what is compared (the
ball, the span, the altitudes), rounded outwards, so that looking at it touches no other memory.
"""

from typing import Any, NamedTuple

import numpy as np

from tansiq.engine.compiled import COMPILED, Ints, Shorts, inlined, kernel

UNITS_PER_M = 64.0
SPACE_LEVELS, TIME_LEVELS = 10, 9
SPACE_SHIFT, TIME_SHIFT = 12, 5
"""Binary logarithms of the finest cells there may be, in units: 64 m, 2 min."""
SPACE_SHIFT_MOST, TIME_SHIFT_MOST = 26, 21
"""Of the coarsest base: 1,000 km, 100 days."""
SPACE_STEP, TIME_STEP = 2, 3
MICROS_SHIFT = 22
BANDS = SPACE_LEVELS * TIME_LEVELS
BASE = BANDS

# Columns of an entry.
ID, X, Y, Z, RADIUS, START, END, LOWER, UPPER = range(9)
ENTRY = 9
# Columns of a cell: two words that name it, the run of its entries (where, and binary logarithm of
# how large), and how many there are.
PLACE, SLOT, RUN, COUNT = range(4)
CELL = 4
CELL_BYTES = 8 * CELL
"""Where a table begins at a multiple of it, no cell lies across two lines of a cache."""
_RUN_SHIFT = 5
RUN_CLASS = (1 << _RUN_SHIFT) - 1
# Columns of a band: how many it holds, and the largest radius and duration among them. Last, of the
# rows together, the bands that hold something, ascending; of the last row, how many those are.
HELD, WIDEST, LONGEST, LISTED = range(4)
BAND = 4
# Numbers about the grid as a whole.
CELLS_USED, ENTRIES_TOP, FREE_RUNS = range(3)
CLASSES = 31

_ALL = 1 << 40
"""Above any id."""
FULL = -1
"""There was no room; make more and ask again."""

_EARTH_LEAST = 6_356_752.0 * UNITS_PER_M
_EARTH_MOST = 6_378_138.0 * UNITS_PER_M


_SHORT: Any = np.int32 if COMPILED else int
_SHORT_LEAST, _SHORT_MOST = -(1 << 31), (1 << 31) - 1


class Kept(NamedTuple):
    """The arrays of a grid that are read to find something."""

    cells: Ints
    """(power of 2, CELL): a hash table, free where COUNT is 0."""
    entries: Shorts
    """(ENTRY, n): columns; runs of a power of 2."""
    bands: Ints
    """(BANDS + 1, BAND); the last row has the base: shifts in space and time."""


class Grid(NamedTuple):
    """All arrays of a grid."""

    cells: Ints
    entries: Shorts
    bands: Ints
    where: Shorts
    """(n, 2) by id: row of its entry, or -1; band."""
    state: Ints


class Reach(NamedTuple):
    """What is looked for: everything that may come within a distance, in units."""

    x: int
    y: int
    z: int
    radius: int
    """Own radius and the minimum."""
    start: int
    end: int
    lower: int
    upper: int
    band: int
    """Bands of what is sought and of who seeks are told apart: -1 if nobody of the grid seeks."""
    below: int
    """In the seeker's own place and band only ids below this one; see ``gather_band``."""


@inlined
def short(number: int) -> int:
    """Return a number that compares with every entry as this one does, of an entry's width: twice
    as many are compared at once.
    """
    found: int = _SHORT(min(max(number, _SHORT_LEAST), _SHORT_MOST))
    return found


@kernel
def band_of(bands: Ints, radius: int, duration: int) -> int:
    """Return the band of a volume, by radius and duration in units."""
    space = 0
    while space < SPACE_LEVELS - 1 and 2 * radius > 1 << space_shift(bands, space):
        space += 1
    time = 0
    while time < TIME_LEVELS - 1 and duration > 1 << time_shift(bands, time):
        time += 1
    return space * TIME_LEVELS + time


@inlined
def space_shift(bands: Ints, space: int) -> int:
    """Return the binary logarithm of the edge of a level's cells, in units."""
    return int(bands[BASE, 0]) + SPACE_STEP * space


@inlined
def time_shift(bands: Ints, time: int) -> int:
    """Return the binary logarithm of the duration of a level's cells, in units."""
    return int(bands[BASE, 1]) + TIME_STEP * time


@inlined
def _place(x: int, y: int, z: int) -> int:
    return ((x + (1 << 20)) << 42) | ((y + (1 << 20)) << 21) | (z + (1 << 20))


@inlined
def _hash(place: int, slot: int) -> int:
    """Mix a cell's name, so that neighbours along x stay neighbours in memory."""
    h = (place & 0x3FFFFFFFFFF) ^ (slot * 0x2545F491)
    h = (h ^ (h >> 21)) & 0x7FFFFFFF
    h = h * 0x2C1B3C6D
    h = (h ^ (h >> 31)) & 0x7FFFFFFF
    h = h * 0x297A2D39
    return ((h ^ (h >> 29)) & 0xFFFFFFFFFFFF) + (place >> 42)


@inlined
def _find(cells: Ints, place: int, slot: int) -> int:
    """Return the row of a cell, or of the free row where it belongs."""
    mask = cells.shape[0] - 1
    row = _hash(place, slot) & mask
    while cells[row, COUNT] != 0 and (cells[row, PLACE] != place or cells[row, SLOT] != slot):
        row = (row + 1) & mask
    return int(row)


@kernel
def _cell_of(bands: Ints, entries: Shorts, e: int, band: int) -> tuple[int, int]:
    space, time = band // TIME_LEVELS, band % TIME_LEVELS
    shift = space_shift(bands, space)
    x, y, z = int(entries[X][e]), int(entries[Y][e]), int(entries[Z][e])
    slot = int(entries[START][e]) >> time_shift(bands, time)
    return _place(x >> shift, y >> shift, z >> shift), slot * BANDS + band


@kernel
def _take_run(grid: Grid, size_class: int) -> int:
    """Return the first of a run of free entries, or FULL."""
    first = grid.state[FREE_RUNS + size_class]
    if first >= 0:
        grid.state[FREE_RUNS + size_class] = grid.entries[ID][first]
        return int(first)
    first = grid.state[ENTRIES_TOP]
    if first + (1 << size_class) > len(grid.entries[ID]):
        return FULL
    grid.state[ENTRIES_TOP] = first + (1 << size_class)
    return int(first)


@kernel
def _free_run(grid: Grid, first: int, size_class: int) -> None:
    grid.entries[ID][first] = grid.state[FREE_RUNS + size_class]
    grid.state[FREE_RUNS + size_class] = first


@kernel
def _move_entry(grid: Grid, source: int, target: int) -> None:
    for column in range(ENTRY):
        grid.entries[column][target] = grid.entries[column][source]
    grid.where[grid.entries[ID][target], 0] = target


@kernel
def _move_run(grid: Grid, row: int, size_class: int) -> bool:
    """Give a cell a run of another size; report whether there was room."""
    target = _take_run(grid, size_class)
    if target == FULL:
        return False
    run = grid.cells[row, RUN]
    first = run >> _RUN_SHIFT
    for k in range(grid.cells[row, COUNT]):
        _move_entry(grid, first + k, target + k)
    _free_run(grid, first, run & RUN_CLASS)
    grid.cells[row, RUN] = target << _RUN_SHIFT | size_class
    return True


@kernel
def put(grid: Grid, staged: Shorts, k: int) -> int:
    """Take in the staged entry k; return FULL if there was no room, and then nothing changed."""
    entries = grid.entries
    if grid.state[CELLS_USED] * 5 >= grid.cells.shape[0] * 3:
        return FULL
    duration = int(staged[END][k]) - int(staged[START][k])
    band = band_of(grid.bands, staged[RADIUS][k], duration)
    place, slot = _cell_of(grid.bands, staged, k, band)
    row = _find(grid.cells, place, slot)
    count = grid.cells[row, COUNT]
    if count == 0:
        first = _take_run(grid, 0)
        if first == FULL:
            return FULL
        grid.cells[row, PLACE], grid.cells[row, SLOT] = place, slot
        grid.cells[row, RUN] = first << _RUN_SHIFT
        grid.state[CELLS_USED] += 1
    else:
        size_class = grid.cells[row, RUN] & RUN_CLASS
        if count == 1 << size_class and not _move_run(grid, row, size_class + 1):
            return FULL
    e = (grid.cells[row, RUN] >> _RUN_SHIFT) + count
    grid.cells[row, COUNT] = count + 1
    for column in range(ENTRY):
        entries[column][e] = staged[column][k]
    grid.where[staged[ID][k], 0], grid.where[staged[ID][k], 1] = e, band
    grid.bands[band, HELD] += 1
    if grid.bands[band, HELD] == 1:
        _list_bands(grid.bands)
    grid.bands[band, WIDEST] = max(grid.bands[band, WIDEST], staged[RADIUS][k])
    grid.bands[band, LONGEST] = max(grid.bands[band, LONGEST], duration)
    return 0


@kernel
def _list_bands(bands: Ints) -> None:
    """Write anew which bands hold something, so that a search need not ask each."""
    many = 0
    for band in range(BANDS):
        if bands[band, HELD] > 0:
            bands[many, LISTED] = band
            many += 1
    bands[BASE, LISTED] = many


@kernel
def put_all(grid: Grid, staged: Shorts, start: int) -> int:
    """Take in staged entries from ``start`` on; return how far it came until there was no room."""
    for k in range(start, len(staged[ID])):
        if put(grid, staged, k) == FULL:
            return k
    return len(staged[ID])


@kernel
def drop(grid: Grid, entity: int) -> None:
    """Forget the entry of one id, which must be there."""
    e, band = int(grid.where[entity, 0]), int(grid.where[entity, 1])
    place, slot = _cell_of(grid.bands, grid.entries, e, band)
    row = _find(grid.cells, place, slot)
    last = grid.cells[row, COUNT] - 1
    first, size_class = grid.cells[row, RUN] >> _RUN_SHIFT, grid.cells[row, RUN] & RUN_CLASS
    if first + last != e:
        _move_entry(grid, first + last, e)
    grid.where[entity, 0] = -1
    grid.bands[band, HELD] -= 1
    if grid.bands[band, HELD] == 0:
        grid.bands[band, WIDEST] = grid.bands[band, LONGEST] = 0
        _list_bands(grid.bands)
    if last == 0:
        _free_run(grid, first, size_class)
        _close(grid, row)
        return
    grid.cells[row, COUNT] = last
    if size_class >= 2 and last == 1 << (size_class - 2):
        _move_run(grid, row, size_class - 1)  # Where there is no room, it stays larger than needed.


@kernel
def _close(grid: Grid, row: int) -> None:
    """Free a row of the hash table, and close the gap that later ones would not be found across."""
    cells = grid.cells
    mask = cells.shape[0] - 1
    grid.state[CELLS_USED] -= 1
    gap = row
    row = (row + 1) & mask
    while cells[row, COUNT] != 0:
        home = _hash(cells[row, PLACE], cells[row, SLOT]) & mask
        if ((row - home) & mask) >= ((row - gap) & mask):
            for column in range(CELL):
                cells[gap, column] = cells[row, column]
            gap = row
        row = (row + 1) & mask
    cells[gap, COUNT] = 0


@kernel
def rehash(old: Ints, new: Ints) -> None:
    """Copy all cells into a larger, empty table."""
    for row in range(old.shape[0]):
        if old[row, COUNT] != 0:
            target = _find(new, old[row, PLACE], old[row, SLOT])
            for column in range(CELL):
                new[target, column] = old[row, column]


@kernel
def gather(kept: Kept, reach: Reach, found: Ints) -> int:
    """Write the ids of all entries within reach; return how many.

    If that is more than fit, what was written is void: make so much room and ask again.
    """
    count = 0
    for k in range(kept.bands[BASE, LISTED]):
        count = gather_band(kept, reach, int(kept.bands[k, LISTED]), found, count)
    return count


@kernel
def gather_band(kept: Kept, reach: Reach, band: int, found: Ints, count: int) -> int:
    """Write the ids of a band after those that were found before.

    Of two in the seeker's own band only one has the other in reach: that in the lesser place, or of
    the same place that with the greater id.
    """
    space, time = band // TIME_LEVELS, band % TIME_LEVELS
    shift, later = space_shift(kept.bands, space), time_shift(kept.bands, time)
    wide = reach.radius + kept.bands[band, WIDEST]
    x0, x1 = (reach.x - wide) >> shift, (reach.x + wide) >> shift
    y0, y1 = (reach.y - wide) >> shift, (reach.y + wide) >> shift
    z0, z1 = (reach.z - wide) >> shift, (reach.z + wide) >> shift
    s0 = (reach.start - kept.bands[band, LONGEST]) >> later
    s1 = reach.end >> later
    cells = float(x1 - x0 + 1) * float(y1 - y0 + 1) * float(z1 - z0 + 1) * float(s1 - s0 + 1)
    if cells > kept.cells.shape[0]:
        return _gather_all(kept, reach, band, found, count)
    home = _place(reach.x >> shift, reach.y >> shift, reach.z >> shift)
    least = home if reach.band == band else -1
    edge = 1 << shift
    most = float(wide) * float(wide)
    for z in range(z0, z1 + 1):
        dz = float(max(0, (z << shift) - reach.z, reach.z - ((z + 1) << shift)))
        for y in range(y0, y1 + 1):
            dy = float(max(0, (y << shift) - reach.y, reach.y - ((y + 1) << shift)))
            if dy * dy + dz * dz > most:
                continue
            for x in range(x0, x1 + 1):
                dx = float(max(0, (x << shift) - reach.x, reach.x - ((x + 1) << shift)))
                if dx * dx + dy * dy + dz * dz > most or _off_earth(x, y, z, edge):
                    continue
                place = _place(x, y, z)
                if place < least:
                    continue
                below = reach.below if place == least else _ALL
                for s in range(s0, s1 + 1):
                    row = _find(kept.cells, place, s * BANDS + band)
                    if kept.cells[row, COUNT] != 0:
                        count = _filter(kept, row, reach, below, found, count)
    return count


@inlined
def _off_earth(x: int, y: int, z: int, edge: int) -> bool:
    """Report whether no ball that a cell holds can have its centre there.

    Centres of balls lie under the surface by at most the square of the radius, half the edge, over
    twice the earth's radius: an edge of 2,000 km, by a tenth of it.
    """
    if edge > 1 << 27:
        return False
    half = 0.5 * edge
    cx, cy, cz = x * float(edge) + half, y * float(edge) + half, z * float(edge) + half
    squared = cx * cx + cy * cy + cz * cz
    corner = 0.8661 * edge
    least, most = _EARTH_LEAST - corner - 0.05 * edge, _EARTH_MOST + corner
    return squared > most * most or squared < least * least


@kernel
def _gather_all(kept: Kept, reach: Reach, band: int, found: Ints, count: int) -> int:
    """Look at every cell: cheaper than at more places than there are cells."""
    shift = space_shift(kept.bands, band // TIME_LEVELS)
    home = _place(reach.x >> shift, reach.y >> shift, reach.z >> shift)
    least = home if reach.band == band else -1
    for row in range(kept.cells.shape[0]):
        if kept.cells[row, COUNT] != 0 and kept.cells[row, SLOT] % BANDS == band:
            place = kept.cells[row, PLACE]
            if place >= least:
                below = reach.below if place == least else _ALL
                count = _filter(kept, row, reach, below, found, count)
    return count


@inlined
def _filter(kept: Kept, row: int, reach: Reach, below: int, found: Ints, count: int) -> int:
    entries = kept.entries
    first, held = kept.cells[row, RUN] >> _RUN_SHIFT, kept.cells[row, COUNT]
    if count + held > found.shape[0]:
        return int(count + held)
    end = first + held
    starts, ends = entries[START][first:end], entries[END][first:end]
    lowers, uppers = entries[LOWER][first:end], entries[UPPER][first:end]
    begin, until = short(reach.start), short(reach.end)
    low, high = short(reach.lower), short(reach.upper)
    # Without a branch, which a processor guesses wrong too often, and many at once: first what is
    # so, then which.
    for k in range(held):
        found[count + k] = (
            (starts[k] <= until) & (ends[k] >= begin) & (lowers[k] <= high) & (uppers[k] >= low)
        )
    passed = count
    for k in range(held):
        near = found[count + k]
        found[passed] = first + k
        passed += near
    for k in range(count, passed):
        e = found[k]
        dx, dy, dz = entries[X][e] - reach.x, entries[Y][e] - reach.y, entries[Z][e] - reach.z
        wide, entity = entries[RADIUS][e] + reach.radius, entries[ID][e]
        found[count] = entity
        count += (dx * dx + dy * dy + dz * dz <= wide * wide) & (entity < below)
    return count
