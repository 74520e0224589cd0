"""A lower bound of the total shift of a set of plans: what no arrangement can do without.

Each plan needs at least what it needs beside what is fixed; and of two that are then still in each
other's way, at least one needs more. Pairs are chosen so that no plan is counted twice. Cheap, and
loose where many want one place.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tansiq.engine.compiled import Ints
from tansiq.engine.ways import Ways

Spans: TypeAlias = list[tuple[int, int]]


def lower(ways: Ways, bounds: Ints, alone: Ints, placed: NDArray[Any]) -> int:
    """Return steps that the plans of ``placed`` need together at least.

    ``alone`` has the least shift of each plan beside what is fixed.
    """
    found = _Pairs(ways, bounds, alone)
    total = int(np.abs(alone[placed]).sum())
    extras = [(found.surplus(p, q), p, q) for p, q in found.in_the_way(placed)]
    used = set[int]()
    for extra, p, q in sorted(extras, reverse=True):
        if p not in used and q not in used:
            used |= {p, q}
            total += extra
    return total


class _Pairs:
    def __init__(self, ways: Ways, bounds: Ints, alone: Ints) -> None:
        self._ways, self._bounds, self._alone = ways, bounds, alone

    def in_the_way(self, placed: NDArray[Any]) -> Iterator[tuple[int, int]]:
        """Yield the pairs that conflict where each would stand beside what is fixed."""
        ways, count = self._ways, len(self._bounds)
        plan = np.repeat(np.arange(len(ways.first) - 1), np.diff(ways.first))
        rows = np.flatnonzero((plan < ways.other) & (ways.other < count))
        p, q = plan[rows], ways.other[rows]
        apart = self._alone[p] - self._alone[q]
        met = placed[p] & placed[q] & (ways.low[rows] <= apart) & (apart <= ways.high[rows])
        yield from zip(p[met].tolist(), q[met].tolist(), strict=True)

    def surplus(self, p: int, q: int) -> int:
        """Return how much more than alone two plans need together."""
        both = abs(int(self._alone[p])) + abs(int(self._alone[q]))
        best = int(np.abs(self._bounds[[p, q]]).max(axis=1).sum())
        # At the best of both, one of them stands at the edge of a gap that what is fixed leaves:
        # else both could be moved together until one does, at no more cost.
        for one, other in ((p, q), (q, p)):
            for shift in self._edges(one):
                if abs(shift) >= best:
                    break
                spans = self._fixed(other) + self._spans(other, one, shift)
                rest = self._nearest(other, spans)
                if rest is not None:
                    best = min(best, abs(shift) + abs(rest))
        return best - both

    def _edges(self, p: int) -> list[int]:
        """Return the shifts at the ends of all gaps beside what is fixed, and none, nearest first.

        That some of them are not free makes the bound no higher.
        """
        spans = self._fixed(p)
        least, most = self._bounds[p].tolist()
        edges = {0, least, most, *(a - 1 for a, _ in spans), *(b + 1 for _, b in spans)}
        return sorted((e for e in edges if least <= e <= most and not _held(spans, e)), key=abs)

    def _fixed(self, p: int) -> Spans:
        ways = self._ways
        first, last = ways.first[p], ways.first[p + 1]
        start = first + np.searchsorted(ways.other[first:last], len(self._bounds))
        return list(zip(ways.low[start:last].tolist(), ways.high[start:last].tolist(), strict=True))

    def _spans(self, p: int, other: int, shift: int) -> Spans:
        """Return what another plan forbids from where it is shifted to."""
        ways = self._ways
        first, last = ways.first[p], ways.first[p + 1]
        rows = first + np.searchsorted(ways.other[first:last], [other, other + 1])
        low, high = (values[rows[0] : rows[1]].tolist() for values in (ways.low, ways.high))
        return [(a + shift, b + shift) for a, b in zip(low, high, strict=True)]

    def _nearest(self, p: int, spans: Spans) -> int | None:
        least, most = self._bounds[p].tolist()
        edges = (0, least, most, *(a - 1 for a, _ in spans), *(b + 1 for _, b in spans))
        free = [abs(e) for e in edges if least <= e <= most and not _held(spans, e)]
        return min(free, default=None)


def _held(spans: Sequence[tuple[int, int]], shift: int) -> bool:
    return any(low <= shift <= high for low, high in spans)
