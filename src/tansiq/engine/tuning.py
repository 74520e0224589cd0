"""How fine the cells of a grid are, at least: by what is in it.

Fine cells are many to look at, coarse ones have much in them that is not near. Both costs are
estimated from a sample, for each base, and the cheapest is taken. It changes speed alone.
"""

import numpy as np

from tansiq.engine import grid
from tansiq.engine.compiled import Floats, Ints, Shorts

_SAMPLE = 4_096
_CELL_COST, _ENTRY_COST = 25.0, 1.0
"""Of looking for a cell, and at an entry; measured, in any unit."""
_TRIED = 7
"""Sizes of cells that are tried: from half the median size on, each twice the one before."""


def best_base(entries: Shorts, wide: int, long: int) -> tuple[int, int]:
    """Return the base, in space and time, that makes a search of such volumes cheapest.

    ``wide`` and ``long``: by how much searches are usually widened, in the grid's units.
    """
    total = entries.shape[1]
    sample = entries[:, :: -(-total // _SAMPLE)].T.astype(np.int64)
    radii = sample[:, grid.RADIUS]
    lasting = sample[:, grid.END] - sample[:, grid.START]
    widened = (float(np.median(radii)) + wide, float(np.median(lasting)) + 2 * long)
    best = (np.inf, grid.SPACE_SHIFT, grid.TIME_SHIFT)
    spaces = _tried(int(widened[0]), grid.SPACE_SHIFT, grid.SPACE_SHIFT_MOST)
    times = _tried(int(widened[1]) // 2, grid.TIME_SHIFT, grid.TIME_SHIFT_MOST)
    for space in spaces:
        for time in times:
            cost = _cost(sample, total / len(sample), (space, time), widened)
            if cost < best[0]:
                best = (cost, space, time)
    return best[1], best[2]


def _tried(size: int, least: int, most: int) -> range:
    first = min(max(size.bit_length(), least), most)
    return range(first, min(first + _TRIED, most + 1))


def _cost(sample: Ints, each: float, base: tuple[int, int], widened: tuple[float, float]) -> float:
    """Estimate what the search of a volume of median size costs; ``each`` stands for so many."""
    radii, lasting = sample[:, grid.RADIUS], sample[:, grid.END] - sample[:, grid.START]
    space, time = (
        _level(2 * radii, base[0], grid.SPACE_STEP),
        _level(lasting, base[1], grid.TIME_STEP),
    )
    band = space * grid.TIME_LEVELS + time
    cost = 0.0
    for k in np.unique(band).tolist():
        kept = sample[band == k]
        shift = base[0] + grid.SPACE_STEP * (k // grid.TIME_LEVELS)
        later = base[1] + grid.TIME_STEP * (k % grid.TIME_LEVELS)
        reach = 2 * (widened[0] + kept[:, grid.RADIUS].max())
        span = widened[1] + (kept[:, grid.END] - kept[:, grid.START]).max()
        # Balls look into more cells than the ground that they cover.
        cells = 1.3 * (1 + reach / (1 << shift)) ** 2 * (1 + span / (1 << later))
        cost += cells * (_CELL_COST + _ENTRY_COST * _company(kept, each, shift, later))
    return float(cost)


def _level(sizes: Ints, base: int, step: int) -> Ints:
    over: Floats = np.ceil((np.log2(np.maximum(sizes, 1)) - base) / step)
    return np.maximum(over, 0).astype(np.int64)


def _company(kept: Ints, each: float, shift: int, later: int) -> float:
    """Estimate how many others stand in the cell of one, on average."""
    keys = kept[:, grid.START] >> later
    for column in (grid.X, grid.Y, grid.Z):
        keys = keys * 1_000_003 + (kept[:, column] >> shift)
    _, counts = np.unique(keys, return_counts=True)
    return each * float((counts * (counts - 1)).sum()) / len(kept)
