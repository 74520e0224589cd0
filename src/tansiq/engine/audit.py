"""All conflicts within a set of plans and no-go areas: each pair of them once, in order of time.

Entities are taken in order of their start, and each is held against those that started before it.
So all that two of them have to do with each other comes at once, and what begins before the next
entity starts (less the minimum in time) is complete and can be handed out, in order. Memory: the
volumes and their index, and 130 bytes for each conflict that is found but not yet due, which is
few where plans are short beside the day and all where everything is in the air at once. Counting
keeps no conflict at all.

Verdict, figures and choice of the worst pair of volumes are those of ``engine.judgement`` under the
minima of each pair's categories, to the bit. Two no-go areas are no conflict, and neither are two
volumes of one entity. Formations are not known here: they are part of an agreement.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from functools import reduce

import numpy as np

from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima, MinimaTable
from tansiq.domain.category import Category
from tansiq.domain.conflict import Conflict, described, worst_of
from tansiq.domain.ellipsoid import point_at
from tansiq.domain.time import micros
from tansiq.domain.volume import Volume4D, Volumes
from tansiq.engine import outlines, partners, search
from tansiq.engine.batch import Batch
from tansiq.engine.compiled import Floats, Ints, seen
from tansiq.engine.index import AirspaceIndex, limits_of
from tansiq.engine.outlines import WORK_COLUMNS, WORK_SHARES

_STEP = 2_048
"""Entities at a time, so that progress can be told."""
_ROOM = 65_536
_LOAD = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A plan or no-go area, as far as an audit looks at it."""

    volumes: Volumes
    no_go: bool = False
    category: Category | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Conflicts, one row for each pair of entities: the worst of their pairs of volumes.

    Columns: a million rows are added up at once, and only what is shown becomes a ``Conflict``.
    """

    pair: Ints
    """(n, 2) numbers of the entities, the one that starts first before the other."""
    rows: Ints
    """(n, 2) which volume of either."""
    apart: Floats
    """(n, 3) horizontal and vertical metres, seconds; 0 is overlap."""
    margin: Floats
    place: Floats
    """(n, 3) metres, ECEF."""
    span: Ints
    """(n, 2) microseconds since 1970: shared time, or the gap."""
    band: Floats
    """(n, 2) metres: shared altitudes, or the gap."""

    def __len__(self) -> int:
        return len(self.margin)

    def __getitem__(self, rows: Ints | slice | np.ndarray) -> "Found":
        return Found(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def __add__(self, other: "Found") -> "Found":
        return Found(
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                for f in fields(self)
            }
        )

    def worst(self, most: int) -> Ints:
        """Return the rows of so many of the worst, in the order of ``conflict.rank``, then of
        ``pair``."""
        order: Ints = np.lexsort((self.pair[:, 1], self.pair[:, 0], *_rank_keys(self)))
        return order[:most]

    def in_time(self) -> "Found":
        """Return the same in order of time, then of ``pair``."""
        return self[np.lexsort((self.pair[:, 1], self.pair[:, 0], self.span[:, 0]))]


def _rank_keys(found: Found) -> tuple[Floats | Ints, ...]:
    """Return the columns of ``conflict.rank`` as ``lexsort`` takes them: the last one first."""
    horizontal_m, vertical_m, time_s = found.apart.T
    return (found.band[:, 0], found.span[:, 0], time_s, vertical_m, horizontal_m, -found.margin)


class _Agreed:
    """What each two entities keep: by number for values, by kind for arrays."""

    def __init__(self, entities: Sequence[Entity], table: MinimaTable) -> None:
        self._entities, self._table = entities, table
        self.largest = table.largest
        # Kinds of those who keep different minima: mostly that of all aircraft, and no-go areas.
        listed = [None, *Category] if table.entries else [None]
        numbers = {category: k for k, category in enumerate(listed)}
        areas = len(listed)
        self.kinds: Ints = np.array(
            [areas if e.no_go else numbers.get(e.category, 0) for e in entities], np.int64
        )
        minima = [[table.between(a, b) for b in (*listed, None)] for a in (*listed, None)]
        limits = np.array([[limits_of(each) for each in row] for row in minima])
        times = np.array([[limits_of(each).time_us for each in row] for row in minima], np.int64)
        times[areas, areas] = partners.NEVER
        self.figures: Floats = np.array(
            [
                [[each.horizontal_m for each in row] for row in minima],
                [[each.vertical_m for each in row] for row in minima],
                [[each.time.total_seconds() for each in row] for row in minima],
            ]
        )
        """(3, kinds, kinds) metres, metres, seconds."""
        self.rules = partners.Rules(
            seen(np.ascontiguousarray(limits[:, :, 0])),
            seen(np.ascontiguousarray(limits[:, :, 1])),
            seen(times),
            limits_of(table.largest),
        )

    def of(self, a: int, b: int) -> Minima:
        """Return what two entities keep, by their numbers."""
        one, other = (self._entities[k] for k in (a, b))
        return self._table.between(
            None if one.no_go else one.category, None if other.no_go else other.category
        )


class Audit:
    """One set of entities, held against each other. Cost and memory: see the module.

    Args:
        entities: in any order; where several start at once, their order here decides which comes
            first in a pair.
    """

    def __init__(self, entities: Sequence[Entity], table: MinimaTable) -> None:
        self._entities, self._agreed = entities, _Agreed(entities, table)
        starts = [min(micros(v.time.start) for v in entity.volumes) for entity in entities]
        self._order = np.argsort(np.array(starts, np.int64), kind="stable")
        self._starts = np.array(starts, np.int64)[self._order]
        self._volumes: list[Volume4D] = [
            volume for k in self._order.tolist() for volume in entities[k].volumes
        ]
        self._runs = self._runs_of()
        self._index = AirspaceIndex(lambda i: self._volumes[i].outline, usual=table.largest)
        vertices = 4
        for start in range(0, len(self._volumes), _LOAD):
            batch = Batch.of(self._volumes[start : start + _LOAD])
            vertices = max(vertices, int(batch.counts.max()))
            self._index.extend(batch)
        self._rows = seen(np.empty((WORK_SHARES * vertices, WORK_COLUMNS)))
        self.done = 0
        """Entities that have been held against all before them."""

    def __len__(self) -> int:
        return len(self._entities)

    def _runs_of(self) -> tuple[Ints, Ints, Ints]:
        counts = np.array([len(e.volumes) for e in self._entities], np.int64)[self._order]
        firsts = np.concatenate([[0], np.cumsum(counts)])
        kinds = self._agreed.kinds[self._order]
        return firsts, np.repeat(np.arange(len(counts)), counts), kinds

    # Count

    def count(self) -> Iterator[Ints]:
        """Yield the pairs of entities that conflict, each once, as arrays (n, 2) of their numbers.

        Nothing is measured: several times as fast as ``conflicts``.
        """
        for hits, _ in self._joined(measured=False):
            kept = [how != outlines.UNSURE or self._meets(i, j) for i, j, how in hits.tolist()]
            owners = self._runs[1]
            pairs = np.stack([owners[hits[kept, search.OTHER]], owners[hits[kept, search.OWN]]])
            yield self._order[np.unique(pairs, axis=1).T]

    def _meets(self, i: int, j: int) -> bool:
        owners = self._runs[1]
        limit_m = self._agreed.of(*self._order[owners[[i, j]]].tolist()).horizontal_m
        return self._defined_m(i, j, limit_m) <= limit_m

    def _defined_m(self, i: int, j: int, limit_m: float) -> float:
        a, b = self._volumes[i].outline, self._volumes[j].outline
        return geodesy.separation_m(a, b, beyond_m=limit_m)

    def _joined(self, *, measured: bool) -> Iterator[tuple[Ints, Floats]]:
        """Yield pairs of volumes, later and earlier entity, all of any two entities together."""
        sky, kept = self._index.arrays()
        runs, rules = partners.Runs(*(seen(array) for array in self._runs)), self._agreed.rules
        met = seen(np.full(len(self), -1, np.int64))
        found, rooms, self.done = np.empty(1_024, np.int64), _ROOM, 0
        hits, figures = _room(rooms, measured=measured)
        while self.done < len(self):
            room = partners.Room(seen(found), seen(hits), seen(figures))
            stop = min(self.done + _STEP, len(self))
            self.done, many, lacking = partners.join(
                sky, kept, runs, rules, self.done, stop, met, room, self._rows
            )
            if lacking > 0:
                found = np.empty(2 * lacking, np.int64)
            elif lacking == partners.FULL and many == 0:
                rooms *= 4
                hits, figures = _room(rooms, measured=measured)
                continue
            yield hits[:many].copy(), figures[:many].copy()

    # Figures

    def conflicts(self) -> Iterator[Found]:
        """Yield all conflicts in order of time, in pieces; an empty one where nothing is due yet.

        Time is that of the worst pair of volumes: when what they share begins, or the gap between
        them. Of equals the order of the entities decides.
        """
        held, fresh, many = _NONE, list[Found](), 0
        ahead_us = self._agreed.largest.time // timedelta(microseconds=1)
        for hits, figures in self._joined(measured=True):
            found = self._settled(hits, figures)
            fresh.append(found)
            many += len(found)
            # Not at each step: what is held would be copied again and again.
            if self.done < len(self) and many <= len(held):
                yield _NONE
                continue
            held, fresh, many = reduce(Found.__add__, fresh, held), [], 0
            if self.done < len(self):
                due = held.span[:, 0] < self._starts[self.done] - ahead_us
            else:
                due = np.ones(len(held), np.bool_)
            ready, held = held[due].in_time(), held[~due]
            yield self._numbered(ready)

    def conflict(self, found: Found, row: int) -> Conflict:
        """Return one row as a value. ``pair`` of it are volumes within the entities of the row."""
        (a, b), (i, j) = found.pair[row].tolist(), found.rows[row].tolist()
        one, other = self._entities[a].volumes[i], self._entities[b].volumes[j]
        x, y, z = found.place[row].tolist()
        return described(
            one,
            other,
            float(found.apart[row, 0]),
            self._agreed.of(a, b),
            pair=(i, j),
            place=point_at((x, y, z)),
        )

    def _numbered(self, found: Found) -> Found:
        """Return conflicts with the entities' own numbers in place of their ranks."""
        columns = {f.name: getattr(found, f.name) for f in fields(found)}
        return Found(**{**columns, "pair": self._order[found.pair]})

    def _settled(self, hits: Ints, figures: Floats) -> Found:
        """Return the worst of each two entities, what the kernels were unsure of settled."""
        limits_m = self._limits(hits, 0)
        apart_m = np.minimum(figures[:, partners.APART_M], limits_m)
        kept = np.ones(len(hits), np.bool_)
        for row in np.flatnonzero(hits[:, search.HOW] != outlines.WITHIN).tolist():
            i, j, how = hits[row].tolist()
            limit_m = float(limits_m[row])
            defined_m = self._defined_m(i, j, limit_m)
            kept[row] = how != outlines.UNSURE or defined_m <= limit_m
            apart_m[row] = min(defined_m, limit_m)
        return self._worst(self._measured(hits[kept], apart_m[kept], figures[kept]))

    def _limits(self, hits: Ints, dimension: int) -> Floats:
        """Return the minimum of one dimension for each pair of volumes: metres, metres, seconds."""
        _, owners, kinds = self._runs
        found: Floats = self._agreed.figures[
            dimension, kinds[owners[hits[:, search.OTHER]]], kinds[owners[hits[:, search.OWN]]]
        ]
        return found

    def _measured(self, hits: Ints, apart_m: Floats, figures: Floats) -> Found:
        sky = self._index.arrays()[0]
        times, bounds = np.asarray(sky.times), np.asarray(sky.bounds)
        i, j = hits[:, search.OTHER], hits[:, search.OWN]
        starts, ends = (np.stack([times[i, c], times[j, c]]) for c in (search.BEGINS, search.ENDS))
        lows, highs = (np.stack([bounds[i, c], bounds[j, c]]) for c in (search.LOW, search.HIGH))
        span = np.sort(np.stack([starts.max(axis=0), ends.min(axis=0)], axis=1))
        band = np.sort(np.stack([lows.max(axis=0), highs.min(axis=0)], axis=1))
        vertical_m = np.maximum(0.0, lows.max(axis=0) - highs.min(axis=0))
        gap_s = np.maximum(0, starts.max(axis=0) - ends.min(axis=0)) / 1e6
        gaps = (apart_m, vertical_m, gap_s)
        margin = np.minimum.reduce(
            [_inside(gap, self._limits(hits, k)) for k, gap in enumerate(gaps)]
        )
        firsts, owners, _ = self._runs
        pair = np.stack([owners[i], owners[j]], axis=1)
        return Found(
            pair=pair,
            rows=np.stack([i, j], axis=1) - firsts[pair],
            apart=np.stack([apart_m, vertical_m, gap_s], axis=1),
            margin=margin,
            place=figures[:, partners.PLACE_X :],
            span=span,
            band=band,
        )

    def _worst(self, found: Found) -> Found:
        """Return of each two entities the worst pair of volumes."""
        if not len(found):
            return found
        found = found[np.lexsort((*_rank_keys(found), found.pair[:, 0], found.pair[:, 1]))]
        fresh = np.any(found.pair[1:] != found.pair[:-1], axis=1)
        firsts = np.flatnonzero(np.concatenate([[True], fresh]))
        ends = np.append(firsts[1:], len(found))
        columns = np.stack(_rank_keys(found)[2:], axis=1)
        places = np.stack([found.span[:, 0], found.band[:, 0].view(np.int64)], axis=1)
        chosen = firsts.copy()
        for k in np.flatnonzero(ends - firsts > 1).tolist():
            first, end = int(firsts[k]), int(ends[k])
            same = np.all(columns[first:end] == columns[first], axis=1)
            same &= np.all(places[first:end] == places[first], axis=1)
            if (equal := int(same.sum())) > 1:
                chosen[k] = first + self._chosen(found[first : first + equal])
        return found[chosen]

    def _chosen(self, found: Found) -> int:
        """Return which of equally bad pairs of volumes stands for them all."""
        named = self._numbered(found)
        conflicts = [self.conflict(named, row) for row in range(len(found))]
        a, b = (self._entities[k].volumes for k in named.pair[0].tolist())
        return conflicts.index(worst_of(conflicts, a, b))


_NONE = Found(
    pair=np.empty((0, 2), np.int64),
    rows=np.empty((0, 2), np.int64),
    apart=np.empty((0, 3)),
    margin=np.empty(0),
    place=np.empty((0, 3)),
    span=np.empty((0, 2), np.int64),
    band=np.empty((0, 2)),
)


def _inside(gap: Floats, minimum: Floats) -> Floats:
    shares = np.divide(gap, minimum, out=np.zeros(len(gap)), where=minimum > 0.0)
    inside: Floats = np.maximum(0.0, 1.0 - shares)
    return inside


def _room(rooms: int, *, measured: bool) -> tuple[Ints, Floats]:
    figures = np.empty((rooms if measured else 0, partners.FIGURES))
    return np.empty((rooms, 3), np.int64), figures
