"""Who is in whose way when plans may be shifted in time: for each two, which shifts are forbidden.

A shift is rigid: levels, outlines and what lies between two volumes of one plan stay. So two
volumes that come within the minima in space forbid one closed interval of *the difference of the
shifts* of their plans, whatever else moves. Here those intervals are worked out once, from one
sweep of an index in which each volume stands for as long as it might stand anywhere.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.agreement import Minima, MinimaTable
from tansiq.domain.category import Category
from tansiq.domain.volume import Volumes
from tansiq.engine.batch import Batch
from tansiq.engine.compiled import Ints
from tansiq.engine.index import AirspaceIndex, limits_of

LEAST, MOST = range(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Rows of plan p are ``first[p]`` to ``first[p + 1]``: one for each interval that another plan
    forbids it, by ascending number of the other.

    Shifts are counted in steps. With ``low <= shift[p] - shift[other] <= high`` the two conflict.
    """

    first: Ints
    """(n + 1)"""
    other: Ints
    """(m)"""
    low: Ints
    """(m) steps."""
    high: Ints
    """(m) steps."""


class Scene:
    """The volumes of plans, those that may move before those that do not, and the minima.

    Args:
        categories: one a plan; None of all where it is left out.
    """

    def __init__(
        self,
        plans: Sequence[Volumes],
        table: MinimaTable,
        categories: Sequence[Category | None] = (),
    ) -> None:
        self._volumes = tuple(chain.from_iterable(plans))
        self._owners = np.repeat(np.arange(len(plans)), [len(own) for own in plans])
        self._batch = Batch.of(self._volumes)
        self._groups = _grouped(table, categories or [None] * len(plans))
        self.plans = len(plans)

    def ways(self, bounds: Ints, *, step_us: int) -> Ways:
        """Return who forbids what to whom; ``bounds`` (n, 2) are each plan's least and most steps.

        Plans beyond the n-th do not move, and two such say nothing of each other.
        """
        reach = np.zeros((self.plans, 2), np.int64)
        reach[: len(bounds)] = bounds * step_us
        reach[:, MOST] = np.maximum(reach[:, LEAST], reach[:, MOST])
        owners, spans = self._owners, self._batch.spans
        found = [np.zeros((0, 4), np.int64)]
        for minima, pairs in self._pairs(spans + reach[owners]):
            a, b = owners[pairs[:, 0]], owners[pairs[:, 1]]
            rows = pairs[(a != b) & (np.minimum(a, b) < len(bounds))]
            time_us = limits_of(minima).time_us
            if len(rows):
                found.append(_merged(_forbidden(rows, owners, spans, time_us, step_us)))
        return _listed(_merged(np.concatenate(found)), self.plans)

    def meetings(self, shifts_us: Ints, stands: Ints) -> Iterator[tuple[int, int]]:
        """Yield which plans conflict where they have been shifted to, some more than once.

        ``stands``: 0 of a plan that counts for nothing, 1 of one that may move, 2 of one that does
        not; two of those are not compared.
        """
        owners = self._owners
        for _, pairs in self._pairs(self._batch.spans + shifts_us[owners][:, None]):
            a, b = owners[pairs[:, 0]], owners[pairs[:, 1]]
            met = (a != b) & (stands[a] * stands[b] > 0) & (stands[a] + stands[b] < 4)
            yield from zip(a[met].tolist(), b[met].tolist(), strict=True)

    def _pairs(self, spans: Ints) -> Iterator[tuple[Minima, Ints]]:
        """Yield the pairs of volumes that conflict, were these their times, and their minima.

        One sweep for each minima that any two plans here keep: mostly one.
        """
        volumes, owners = self._volumes, self._owners
        for group in self._groups:
            index = AirspaceIndex(lambda entity: volumes[entity].outline, usual=group.minima)
            index.extend(replace(self._batch, spans=spans))
            for pairs in index.pairs(group.minima):
                yield group.minima, pairs[group.holds(owners[pairs[:, 0]], owners[pairs[:, 1]])]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Minima, and which plans keep them from each other."""

    minima: Minima
    kinds: Ints
    """(plans)"""
    keep: NDArray[np.bool_]
    """(kinds, kinds)"""

    def holds(self, a: Ints, b: Ints) -> NDArray[np.bool_]:
        """Return of each two plans whether these are their minima."""
        found: NDArray[np.bool_] = self.keep[self.kinds[a], self.kinds[b]]
        return found


def _grouped(table: MinimaTable, categories: Sequence[Category | None]) -> list[_Group]:
    listed = list(dict.fromkeys(categories))
    kinds = np.array([listed.index(category) for category in categories], np.int64)
    kept = [[table.between(a, b) for b in listed] for a in listed]
    return [
        _Group(
            minima=minima,
            kinds=kinds,
            keep=np.array([[each == minima for each in row] for row in kept], np.bool_),
        )
        for minima in dict.fromkeys(each for row in kept for each in row)
    ]


def _forbidden(pairs: Ints, owners: Ints, spans: Ints, time_us: int, step_us: int) -> Ints:
    """Return rows (plan, other, low, high), the lower number first, for pairs of volumes."""
    swapped = owners[pairs[:, 0]] > owners[pairs[:, 1]]
    i = np.where(swapped, pairs[:, 1], pairs[:, 0])
    j = np.where(swapped, pairs[:, 0], pairs[:, 1])
    low_us = spans[j, 0] - spans[i, 1] - time_us
    high_us = spans[j, 1] - spans[i, 0] + time_us
    # The whole steps that lie within: the bounds are closed.
    low, high = -(-low_us // step_us), high_us // step_us
    rows: Ints = np.stack([owners[i], owners[j], low, high], axis=1)[low <= high]
    return rows


def _merged(rows: Ints) -> Ints:
    """Return the same with intervals of one pair that touch or overlap made one, in order."""
    if not len(rows):
        return rows
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    news = np.ones(len(rows), np.bool_)
    news[1:] = (rows[1:, 0] != rows[:-1, 0]) | (rows[1:, 1] != rows[:-1, 1])
    # Each pair is lifted above the one before, so that one running maximum serves all.
    lift = np.cumsum(news) * (2 * int(np.abs(rows[:, 2:]).max()) + 4)
    low = rows[:, 2] + lift
    highest = np.maximum.accumulate(rows[:, 3] + lift)
    news[1:] |= low[1:] > highest[:-1] + 1
    starts = np.flatnonzero(news)
    merged = rows[starts]
    merged[:, 3] = (highest - lift)[np.append(starts[1:], len(rows)) - 1]
    return merged


def _listed(rows: Ints, count: int) -> Ways:
    mirrored = np.stack([rows[:, 1], rows[:, 0], -rows[:, 3], -rows[:, 2]], axis=1)
    both = np.concatenate([rows, mirrored])
    both = both[np.lexsort((both[:, 2], both[:, 1], both[:, 0]))]
    first = np.searchsorted(both[:, 0], np.arange(count + 1))
    _, other, low, high = np.ascontiguousarray(both.T)
    return Ways(first=first.astype(np.int64), other=other, low=low, high=high)
