"""Conflicts of an audit added up: who with whom, at which hour, at which level."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from tansiq.cli.audit_set import Member
from tansiq.engine.audit import Found
from tansiq.engine.compiled import Ints

LEVEL_M = 500
_HOUR_US = 3_600_000_000
Row = tuple[str, int]


class Tally:
    """Counts of conflicts, each of which counts once: where it is worst, when it begins."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.names = sorted({member.party for member in members})
        number = {name: k for k, name in enumerate(self.names)}
        self._party = np.array([number[member.party] for member in members], np.int64)
        self._parties = Counter[int]()
        self._hours = Counter[int]()
        self._levels = Counter[int]()
        self.total = 0

    def add(self, found: Found) -> None:
        """Count conflicts."""
        self.add_pairs(found.pair)
        _count(self._hours, found.span[:, 0] // _HOUR_US % 24)
        _count(self._levels, np.floor(found.band.mean(axis=1) / LEVEL_M).astype(np.int64))

    def add_pairs(self, pairs: Ints) -> None:
        """Count conflicts of which nothing is known but who they are between."""
        self.total += len(pairs)
        parties = np.sort(self._party[pairs], axis=1)
        _count(self._parties, parties[:, 0] * len(self.names) + parties[:, 1])

    def parties(self) -> Iterator[tuple[str, str, int]]:
        """Yield who with whom, and how many, most first."""
        for key, count in sorted(self._parties.items(), key=lambda row: (-row[1], row[0])):
            a, b = divmod(key, len(self.names))
            yield self.names[a], self.names[b], count

    def hours(self) -> list[Row]:
        """Return hours of the day (UTC) that have conflicts."""
        return [(f"{hour:02}:00-{hour:02}:59", n) for hour, n in sorted(self._hours.items())]

    def levels(self) -> list[Row]:
        """Return bands of altitude that have conflicts, the lowest first."""
        return [
            (f"{k * LEVEL_M:,} to {(k + 1) * LEVEL_M:,} m", n)
            for k, n in sorted(self._levels.items())
        ]


def _count(counts: Counter[int], keys: Ints) -> None:
    for key, count in zip(*(c.tolist() for c in np.unique(keys, return_counts=True)), strict=True):
        counts[key] += count
