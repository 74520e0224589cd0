"""The airspace in memory: volumes by id, found by where and when they are, judged exactly.

Cost follows what is near, not what is known. Kernels decide what they are certain of; the few pairs
within 0.7 mm of the minimum go to the definition (``domain.geodesy``), which needs the outlines as
they were given: whoever owns the index says where they are.
"""

import math
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tansiq.domain import geodesy
from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.conflict import ALTITUDE_RESOLUTION_M
from tansiq.domain.time import micros
from tansiq.domain.volume import Outline, Volume4D
from tansiq.engine import grid, search, shifts, tuning
from tansiq.engine.addresses import Addressed
from tansiq.engine.batch import Batch
from tansiq.engine.compiled import Ints, seen, seen_columns
from tansiq.engine.outlines import WORK_COLUMNS, WORK_SHARES
from tansiq.engine.prepared import Prepared, empty_sky, kernel_sky, load
from tansiq.engine.search import Limits, Sky
from tansiq.engine.shifts import Shifts

_LEAST = 64
_GROWTH = 1.25
_WASTE_LEAST = 65_536
_PAIRS = 65_536
_TUNED_LEAST = 256
_BASE = (18, 9)
"""Until there is more to go by: 4 km, 36 min."""


def limits_of(minima: Minima) -> Limits:
    """Return minima as kernels compare them; the allowance is that of ``domain.conflict``."""
    vertical_m = float(minima.vertical_m) + ALTITUDE_RESOLUTION_M if minima.vertical_m else 0.0
    # Plain floats: kernels are compiled once for each type.
    return Limits(float(minima.horizontal_m), vertical_m, minima.time // minima.time.resolution)


class AirspaceIndex:
    """Volumes by id. One thread at a time.

    Args:
        outline_of: returns the outline of an id exactly as it was given.
        usual: minima that most searches will have; for speed alone.
    """

    def __init__(self, outline_of: Callable[[int], Outline], *, usual: Minima = NO_MINIMA) -> None:
        self._outline_of = outline_of
        self._usual = limits_of(usual)
        self._distances_m, self._times_us = np.zeros((1, 2)), np.zeros(1, np.int64)
        self._ask(usual)
        self._tuned_at = _TUNED_LEAST
        self._sky = empty_sky(_LEAST, 8 * _LEAST)
        self._cells = _empty_cells(2 * _LEAST)
        self._entries = np.zeros((grid.ENTRY, 2 * _LEAST), np.int32)
        self._bands = np.zeros((grid.BANDS + 1, grid.BAND), np.int64)
        self._bands[grid.BASE, :2] = _BASE
        self._where = np.full((_LEAST, 2), -1, np.int32)
        self._state = np.full(grid.FREE_RUNS + grid.CLASSES, -1, np.int64)
        self._state[: grid.FREE_RUNS] = 0
        self._found = np.zeros(1024, np.int64)
        self._rows = np.zeros((WORK_SHARES * 64, WORK_COLUMNS))
        self._free: list[int] = []
        self._next = 0
        self._runs: dict[int, list[int]] = {}
        """Rows of ``at`` that removed volumes left, by how many."""
        self._at_next = self._at_free = 0
        self._held = 0
        self._bind()

    def __len__(self) -> int:
        return self._held

    def __contains__(self, entity: int) -> bool:
        return 0 <= entity < self._next and bool(self._where[entity, 0] >= 0)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays."""
        kept = (self._cells, self._entries, self._bands, self._where, self._found, self._rows)
        return sum(array.nbytes for array in (*self._sky, *kept))

    def ids(self) -> Ints:
        """Return the ids of all volumes, ascending."""
        return np.flatnonzero(self._where[: self._next, 0] >= 0)

    # Change

    def insert(self, volume: Volume4D) -> int:
        """Take in a volume; return its id, the latest that was given back or else a new one."""
        return int(self.extend(Batch.of([volume]))[0])

    def extend(self, batch: Batch) -> Ints:
        """Take in many volumes; return their ids in order."""
        count = len(batch)
        self._make_room(count, len(batch.points))
        reused = [self._free.pop() for _ in range(min(count, len(self._free)))]
        ids = np.arange(self._next - len(reused), self._next - len(reused) + count)
        ids[: len(reused)] = reused
        self._next += count - len(reused)
        self._put(ids, batch)
        return ids

    def change(self, entity: int, volume: Volume4D) -> None:
        """Put a volume in place of another one, under its id."""
        batch = Batch.of([volume])
        self._withdraw(entity)
        self._make_room(0, len(batch.points))
        self._put(np.array([entity], np.int64), batch)

    def remove(self, entity: int) -> None:
        """Forget a volume.

        Raises:
            KeyError: there is none of that id.
        """
        self._withdraw(entity)
        self._free.append(entity)

    def expire(self, before: datetime) -> Ints:
        """Forget all volumes that ended before a moment; return their ids."""
        ids = self.ids()
        ended: Ints = ids[self._sky.times[ids, search.ENDS] < micros(before)]
        for entity in ended.tolist():
            self.remove(entity)
        return ended

    def _withdraw(self, entity: int) -> None:
        if entity not in self:
            raise KeyError(entity)
        grid.drop(self._grid, entity)
        first, count = self._sky.times[entity, search.VERTEX :].tolist()
        self._runs.setdefault(count, []).append(first)
        self._at_free += count
        self._held -= 1

    def _put(self, ids: Ints, batch: Batch) -> None:
        firsts = self._runs_for(batch.counts)
        self._held += len(ids)
        staged = load(self._kernel_sky, batch, ids, firsts)
        most = int(batch.counts.max(initial=0))
        if WORK_SHARES * most > len(self._rows):
            self._rows = np.zeros((WORK_SHARES * most, WORK_COLUMNS))
            self._bind()
        if self._held >= self._tuned_at:
            self._tune(staged)
        else:
            self._put_entries(staged)

    def _put_entries(self, staged: NDArray[np.int32]) -> None:
        columns, done = seen_columns(staged), 0
        while True:
            done = grid.put_all(self._grid, columns, done)
            if done == staged.shape[1]:
                return
            self._grow_grid(staged.shape[1] - done)

    def _tune(self, staged: NDArray[np.int32]) -> None:
        """Choose the base of the grid anew, and put everything in its place."""
        held = self._where[self.ids(), 0]
        entries = np.concatenate([self._entries[:, held], staged], axis=1)
        wide = math.ceil(self._usual.horizontal_m * grid.UNITS_PER_M)
        base = tuning.best_base(entries, wide, self._usual.time_us >> grid.MICROS_SHIFT)
        self._tuned_at = 2 * self._held
        if base != tuple(self._bands[grid.BASE, :2].tolist()):
            self._state[:] = -1
            self._state[: grid.FREE_RUNS] = 0
            self._cells[:] = 0
            self._bands[:] = 0
            self._bands[grid.BASE, :2] = base
            staged = entries
        self._put_entries(staged)
        self._shrink_cells()

    # Room

    def _make_room(self, count: int, points: int) -> None:
        fresh = max(0, count - len(self._free))
        known = times, bounds, at = self._sky
        if self._next + fresh > len(times):
            rows = max(self._next + fresh, int(len(times) * _GROWTH))
            times, bounds = _grown(times, rows), _grown(bounds, rows)
            self._where = _grown(self._where, rows, fill=-1)
        if self._at_free > max(_WASTE_LEAST, self._at_next // 2):
            self._sky = Sky(times, bounds, at)
            self._compact()
            times, bounds, at = self._sky
        if self._at_next + points > len(at):
            at = _grown(at, max(self._at_next + points, int(len(at) * _GROWTH)))
        if times is not known.times or at is not known.at:
            self._sky = Sky(times, bounds, at)
            self._bind()

    def _runs_for(self, counts: Ints) -> Ints:
        """Return where the vertices of volumes go; runs that were left are used first."""
        firsts = np.empty(len(counts), np.int64)
        if not self._runs:
            np.cumsum(counts[:-1], out=firsts[1:])
            firsts[:1] = 0
            firsts += self._at_next
            self._at_next += int(counts.sum())
            return firsts
        for k, count in enumerate(counts.tolist()):
            left = self._runs.get(count)
            if left:
                firsts[k] = left.pop()
                self._at_free -= count
            else:
                firsts[k] = self._at_next
                self._at_next += count
        return firsts

    def _compact(self) -> None:
        """Close the gaps that removed volumes left among the vertices."""
        ids = self.ids()
        firsts, counts = self._sky.times[ids, search.VERTEX], self._sky.times[ids, search.VERTICES]
        moved = np.cumsum(counts) - counts
        self._at_next = int(counts.sum())
        rows = np.arange(self._at_next) + np.repeat(firsts - moved, counts)
        self._sky.at[: self._at_next] = self._sky.at[rows]
        self._sky.times[ids, search.VERTEX] = moved
        self._runs, self._at_free = {}, 0

    def _grow_grid(self, more: int) -> None:
        cells = len(self._cells)
        used = int(self._state[grid.CELLS_USED])
        if used * 5 >= cells * 3:
            # A bulk is given room at once, for as many new cells per volume as there were so far.
            share = min(1.0, used / max(1, self._held - more)) if self._held > more else 0.5
            while (used + share * min(more, 4 * cells)) * 5 >= cells * 3:
                cells *= 2
            larger = _empty_cells(cells)
            grid.rehash(seen(self._cells), seen(larger))
            self._cells = larger
        else:
            top = int(self._state[grid.ENTRIES_TOP])
            largest = int((self._cells[:, grid.RUN] & grid.RUN_CLASS).max())
            need = top + max(more, 1 << (largest + 1))
            room = max(need, int(self._entries.shape[1] * _GROWTH))
            self._entries = np.ascontiguousarray(_grown(self._entries.T, room).T)
        self._bind()

    def _shrink_cells(self) -> None:
        """Give back the room of cells that a bulk did not need.

        Where the table is larger than the cache, each cell that is looked for in vain costs more.
        """
        used, cells = int(self._state[grid.CELLS_USED]), 2 * _LEAST
        while used * 10 >= cells * 3:
            cells *= 2
        if cells < len(self._cells):
            smaller = _empty_cells(cells)
            grid.rehash(seen(self._cells), seen(smaller))
            self._cells = smaller
            self._bind()

    def _bind(self) -> None:
        """Hand the arrays that there are now to the kernels."""
        self._grid = grid.Grid(
            seen(self._cells),
            seen_columns(self._entries),
            seen(self._bands),
            seen(self._where),
            seen(self._state),
        )
        self._kept = grid.Kept(*self._grid[:3])
        self._kernel_sky = kernel_sky(self._sky)
        self._kernel_rows = seen(self._rows)
        self._kernel_found = seen(self._found)
        self._address()

    def _address(self) -> None:
        self._searched = Addressed(
            search.OF_AIRSPACE,
            (
                *(*self._kernel_sky, *self._kept, self._kernel_found, self._kernel_rows),
                *(seen(self._distances_m), seen(self._times_us)),
            ),
        )
        self._most_vertices = len(self._rows) // WORK_SHARES

    # Search

    def candidates(self, prepared: Prepared, minima: Minima = NO_MINIMA) -> list[int]:
        """Return the ids of at least all volumes that conflict with any of a plan, ascending."""
        limits, found = limits_of(minima), set[int]()
        for which in range(len(prepared.volumes)):
            while True:
                many = search.candidates(
                    self._kept, prepared.sky, limits, which, self._kernel_found
                )
                if many <= len(self._found):
                    break
                self._widen(many)
            found.update(self._found[:many].tolist())
        return sorted(found)

    def conflicts(self, prepared: Prepared, minima: Minima = NO_MINIMA) -> list[int]:
        """Return the ids of all volumes that conflict with any of a plan, ascending."""
        if minima is not self._asked:
            self._ask(minima)
        if prepared.vertices > self._most_vertices:
            self._fit_rows(prepared.vertices)
        # By a name of its own, so that its arrays are there until the kernel is done.
        airspace = self._searched
        if prepared.single:
            many = search.search(airspace.given, prepared.addressed.given, 0)
            if many == 0:
                return []
            if many > 0:
                found: list[int] = self._found[:many].tolist()
                found.sort()
                if found[0] >= 0:
                    return found
        every = set[int]()
        for which in range(len(prepared.volumes)):
            every.update(self._conflicts(prepared, which, minima))
        return sorted(every)

    def forbid(
        self, plan: Prepared, minima: Minima, counts: NDArray[np.bool_] | None, into: Shifts
    ) -> None:
        """Add which shifts of a plan lead into conflict with what counts, by id (None: all).

        Raises:
            ValueError: not every id has a place in ``counts``.
        """
        if counts is not None and len(counts) < self._next:
            raise ValueError(f"{len(counts)} places for {self._next} ids")
        if not self._held:
            return
        self._fit_rows(plan.vertices)
        mask = seen(np.zeros(0, np.bool_) if counts is None else counts)
        limits, start, before = limits_of(minima), 0, into.many
        while start < len(plan.volumes):
            start, into.many, need = shifts.forbid(
                *(self._kernel_sky, self._kept, mask, plan.sky, limits, into.sought, into.rows),
                *(int(into.doubtful), start, into.many, self._kernel_found, self._kernel_rows),
            )
            if need > len(self._found):
                self._widen(need)
            into.widen(need)
        if not into.doubtful:
            for row, which, entity in into.unsure(before):
                outline = plan.volumes[which].outline
                into.settle(row, meet=self._by_definition(outline, entity, minima))

    def _ask(self, minima: Minima) -> None:
        limits = limits_of(minima)
        self._distances_m[0] = limits.horizontal_m, limits.vertical_m
        self._times_us[0] = limits.time_us
        self._asked = minima
        """The minima of the latest search."""

    def _conflicts(self, prepared: Prepared, which: int, minima: Minima) -> list[int]:
        while True:
            airspace = self._searched
            many = search.search(airspace.given, prepared.addressed.given, which)
            if many >= 0:
                break
            self._widen(-1 - many)
        outline = prepared.volumes[which].outline
        return [
            ~i if i < 0 else i
            for i in self._found[:many].tolist()
            if i >= 0 or self._by_definition(outline, ~i, minima)
        ]

    def _by_definition(self, outline: Outline, entity: int, minima: Minima) -> bool:
        limit_m = minima.horizontal_m
        other = self._outline_of(entity)
        return geodesy.separation_m(outline, other, beyond_m=limit_m) <= limit_m

    def _widen(self, many: int) -> None:
        self._found = np.zeros(2 * many, np.int64)
        self._kernel_found = seen(self._found)
        self._address()

    def _fit_rows(self, vertices: int) -> None:
        if WORK_SHARES * vertices > len(self._rows):
            self._rows = np.zeros((WORK_SHARES * vertices, WORK_COLUMNS))
            self._kernel_rows = seen(self._rows)
            self._address()

    # All pairs

    def pairs(self, minima: Minima = NO_MINIMA) -> Iterator[Ints]:
        """Yield all conflicts among the volumes, each once, as arrays (n, 2) of ids.

        In bounded memory, however many there are; neighbours in space and time come after each
        other. The index must not change meanwhile.
        """
        limits, partners, order = limits_of(minima), seen(self._partners()), seen(self._order())
        room = np.zeros((_PAIRS, 2), np.int64)
        position = 0
        while position < len(order):
            position, written, many = search.sweep(
                self._kernel_sky,
                self._kept,
                self._grid.where,
                order,
                partners,
                limits,
                position,
                self._kernel_found,
                self._kernel_rows,
                seen(room),
            )
            if many > len(self._found):
                self._widen(many)
            if many > len(room):
                room = np.zeros((2 * many, 2), np.int64)
            if written:
                yield self._certain(room[:written].copy(), minima)

    def count_pairs(self, minima: Minima = NO_MINIMA) -> int:
        """Return how many pairs conflict."""
        return sum(len(pairs) for pairs in self.pairs(minima))

    def _certain(self, pairs: Ints, minima: Minima) -> Ints:
        """Settle the pairs that are too close to tell."""
        unsure = np.flatnonzero(pairs[:, 1] < 0)
        if not len(unsure):
            return pairs
        pairs[unsure, 1] = ~pairs[unsure, 1]
        kept = np.ones(len(pairs), np.bool_)
        for row in unsure.tolist():
            i, j = pairs[row].tolist()
            kept[row] = self._by_definition(self._outline_of(i), j, minima)
        return pairs[kept]

    def _order(self) -> Ints:
        ids = self.ids()
        keys = np.zeros(len(ids), np.int64)
        search.order_key(self._kept.entries, self._grid.where, seen(ids), seen(keys))
        order: Ints = ids[np.argsort(keys)]
        return order

    def _partners(self) -> Ints:
        """Return, for each band, how many and which bands its volumes are held against.

        Of two bands, the volumes of that one go about which have fewer cells to look at in all.
        """
        partners = np.zeros((grid.BANDS, 1 + grid.BANDS), np.int64)
        held = np.flatnonzero(self._bands[: grid.BANDS, grid.HELD]).tolist()
        for k, a in enumerate(held):
            for b in held[k:]:
                seeker, kept = (a, b) if self._looks(a, b) <= self._looks(b, a) else (b, a)
                partners[seeker, 0] += 1
                partners[seeker, partners[seeker, 0]] = kept
        return partners

    def _looks(self, seeker: int, kept: int) -> float:
        """Estimate at how many cells of one band the volumes of another one look."""
        held, wide, long, _ = self._bands[seeker].tolist()
        space, time = divmod(kept, grid.TIME_LEVELS)
        edge = 1 << grid.space_shift(self._kept.bands, space)
        slot = 1 << grid.time_shift(self._kept.bands, time)
        across = 1 + 2 * (wide + int(self._bands[kept, grid.WIDEST])) / edge
        along = 1 + (long + int(self._bands[kept, grid.LONGEST])) / slot
        return float(held * across * across * along)

    # For kernels of others

    def arrays(self) -> tuple[Sky, grid.Kept]:
        """Return volumes and grid as kernels take them, to read until the index changes."""
        return self._kernel_sky, self._kept


def _empty_cells(count: int) -> Ints:
    """Return a hash table for so many cells (a power of 2)."""
    words = np.zeros(grid.CELL * (count + 1), np.int64)
    first = -words.ctypes.data % grid.CELL_BYTES // words.itemsize
    return words[first : first + grid.CELL * count].reshape(count, grid.CELL)


def _grown(array: NDArray[Any], rows: int, fill: int = 0) -> NDArray[Any]:
    larger = np.full((rows, *array.shape[1:]), fill, array.dtype)
    larger[: len(array)] = array
    return larger
