"""A set of plans arranged in time: least delay in all, and fair between the parties.

Levels and outlines stay; each plan is shifted by whole steps. Decided here: in what order plans of
equal rank go, by list scheduling and then by trial (``places``), from injected randomness. A plan
of higher priority is placed before anything is known of a lower one, so it never moves for it.
What comes out is the least that was found; ``at_least`` says how far from the least that could be
it may be. The whole is judged anew before it is given.

Left out: levels and ways around, and whatever a delay costs its party.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random

import numpy as np

from tansiq.domain.agreement import MinimaTable
from tansiq.domain.arrangement import (
    Arranged,
    Arrangement,
    Declared,
    Effort,
    Fixed,
    Freedom,
    Hindrance,
)
from tansiq.domain.fairness import Share
from tansiq.domain.time import micros
from tansiq.domain.volume import Circle, time_bounds
from tansiq.engine import bound, places
from tansiq.engine.compiled import Ints, seen
from tansiq.engine.places import NOWHERE, Board
from tansiq.engine.ways import LEAST, MOST, Scene

_LENIENCE = 0.3
"""How much dearer an early trial may be: a share of what the usual plan that waits waits."""
_CYCLE = 20
"""Rounds from lenient to strict; then again from the best so far."""
_TIE = 1e-9
"""What fairness weighs where it is given no weight: it decides between equal totals alone."""


def arrange(
    declared: Sequence[Declared],
    fixed: Sequence[Fixed],
    table: MinimaTable,
    *,
    freedom: Freedom,
    effort: Effort,
    random: Random,
) -> Arrangement:
    """Return new times for plans, so that none comes within the minima of another or of what is
    fixed: for each two those of their categories.

    The same for the same plans and state of ``random``, in whatever order they are given and
    whatever the parties are called; where plans have the same volumes, ``random`` says who goes
    first.
    """
    order = _canonical(declared, random)
    task = _Task([declared[k] for k in order], fixed, table, freedom)
    task.search(effort, random)
    return task.arrangement(order)


def first_come(
    declared: Sequence[Declared], fixed: Sequence[Fixed], table: MinimaTable, *, freedom: Freedom
) -> Arrangement:
    """Return what comes of serving plans in the order given, whatever their priority.

    To hold ``arrange`` against: each gets the least delay that those before it leave.
    """
    task = _Task(declared, fixed, table, freedom)
    task.serve()
    return task.arrangement(range(len(declared)))


def _canonical(declared: Sequence[Declared], random: Random) -> list[int]:
    """Return the places of plans by rank, first start and content: not as they were given."""
    keys = [_key(plan) for plan in declared]
    found: list[int] = []
    for _, like in groupby(sorted(range(len(declared)), key=keys.__getitem__), keys.__getitem__):
        found += _told_apart(list(like), declared, random)
    return found


def _key(plan: Declared) -> tuple[object, ...]:
    span, first = time_bounds(plan.volumes), plan.volumes[0]
    outline = first.outline
    spot = outline.center if isinstance(outline, Circle) else outline.vertices[0]
    where = (first.altitude.lower_m, spot.lat_deg, spot.lng_deg)
    return (-plan.priority, span.start, span.end, plan.category or "", *where)


def _told_apart(like: Sequence[int], declared: Sequence[Declared], random: Random) -> Sequence[int]:
    """Return plans of one key by what they are; the same ones at random."""
    if len(like) == 1:
        return like
    texts = {k: repr(declared[k].volumes) for k in like}  # Dear, and seldom needed.
    named = sorted(like, key=lambda k: (texts[k], declared[k].name, declared[k].party))
    found: list[int] = []
    for _, group in groupby(named, texts.__getitem__):
        same = list(group)
        random.shuffle(same)
        found += same
    return found


class _Task:
    """One set of plans, in canonical order, while places are found for them."""

    def __init__(
        self,
        plans: Sequence[Declared],
        fixed: Sequence[Fixed],
        table: MinimaTable,
        freedom: Freedom,
    ) -> None:
        self._plans, self._fixed = plans, fixed
        self._freedom, self._step_us = freedom, freedom.step // freedom.step.resolution
        self._scene = Scene(
            [*(plan.volumes for plan in plans), *(thing.volumes for thing in fixed)],
            table,
            [*(plan.category for plan in plans), *(thing.category for thing in fixed)],
        )
        self.bounds = self._bounds()
        self.ways = self._scene.ways(self.bounds, step_us=self._step_us)
        self._parties = sorted({plan.party for plan in plans})
        self.board = self._board()
        self._kernel = Board(*(seen(array) for array in self.board))
        self.alone = np.array(
            [places.least_shift(self._kernel, p, 0) for p in range(len(plans))], np.int64
        )
        """The least shift of each if no other plan were there, or ``NOWHERE``."""

    def _bounds(self) -> Ints:
        freedom, bounds = self._freedom, np.empty((len(self._plans), 2), np.int64)
        bounds[:, LEAST] = -(freedom.advance // freedom.step)
        bounds[:, MOST] = freedom.longest // freedom.step
        if freedom.earliest is not None:
            starts = np.array(
                [micros(time_bounds(plan.volumes).start) for plan in self._plans], np.int64
            )
            wanted = -((starts - micros(freedom.earliest)) // self._step_us)
            bounds[:, LEAST] = np.maximum(bounds[:, LEAST], np.minimum(wanted, NOWHERE // 2))
        return bounds

    def _board(self) -> Board:
        count, numbers = len(self._plans), {name: k for k, name in enumerate(self._parties)}
        party = np.array([numbers[plan.party] for plan in self._plans], np.int64)
        placed = np.zeros(self._scene.plans, np.int64)
        placed[count:] = 1
        found = self.ways
        rows = int(np.diff(found.first[: count + 1]).max(initial=0))
        return Board(
            found.first,
            found.other,
            found.low,
            found.high,
            self.bounds,
            np.array([plan.priority for plan in self._plans], np.int64),
            party,
            np.zeros(self._scene.plans, np.int64),
            placed,
            np.zeros(2, np.int64),
            np.zeros(len(self._parties), np.int64),
            np.bincount(party, minlength=len(self._parties)).astype(np.int64),
            np.zeros((max(1, rows), 2), np.int64),
        )

    # Search

    def serve(self) -> None:
        """Find a place for each plan in the order given."""
        places.place_all(self._kernel, seen(np.arange(len(self._plans))))

    def search(self, effort: Effort, random: Random) -> None:
        """Find a place for each plan, rank by rank, the highest first."""
        for priority in sorted({plan.priority for plan in self._plans}, reverse=True):
            members = np.flatnonzero(self.board.rank == priority)
            places.place_all(self._kernel, seen(members))
            self._improve(members, effort, random)

    def _improve(self, members: Ints, effort: Effort, random: Random) -> None:
        """Try other orders within one rank for the least total, then for fairness as well."""
        count = len(self._plans)
        longest = int(np.maximum(-self.bounds[:, LEAST], self.bounds[:, MOST]).max(initial=1))
        for weight in (0.0, effort.weight) if effort.weight else (0.0,):
            forfeit = float(count * longest) * (1.0 + weight)
            scale = places.Scale(max(weight, _TIE) * count, forfeit, 0.0)
            self._search(members, scale, effort.rounds, random)

    def _search(self, members: Ints, strict: places.Scale, rounds: int, random: Random) -> None:
        """Make trials, lenient ones first, and keep the best of what they came to."""
        board, kernel = self.board, self._kernel
        room = places.Room(*(seen(np.zeros(places.TAKEN_MOST, np.int64)) for _ in range(3)))
        best, kept = places.cost(kernel, strict), self._kept()
        for turn in range(rounds):
            if turn and not turn % _CYCLE:
                self._restore(kept)
            late = self._waiting(members)
            if not len(late):
                break
            left = 1.0 - turn % _CYCLE / (_CYCLE - 1)
            usual = float(np.abs(board.shift[late][board.placed[late] == 1]).sum()) / len(late)
            scale = strict._replace(lenience=usual * left * left * _LENIENCE)
            drawn = random.randbytes(4 * places.DRAWS * len(late))
            draws = np.frombuffer(drawn, np.dtype("<u4")).astype(np.int64)
            places.trials(kernel, seen(late), seen(draws), room, scale)
            while places.settle(kernel, seen(members)):
                pass
            now = places.cost(kernel, strict)
            if now < best:
                best, kept = now, self._kept()
        self._restore(kept)

    def _restore(self, kept: tuple[Ints, ...]) -> None:
        board = self.board
        own = (board.shift, board.placed, board.tally, board.sums)
        for array, values in zip(own, kept, strict=True):
            array[:] = values

    def _kept(self) -> tuple[Ints, ...]:
        board = self.board
        return board.shift.copy(), board.placed.copy(), board.tally.copy(), board.sums.copy()

    def _waiting(self, members: Ints) -> Ints:
        """Return the plans that stand farther from their time than the fixed would have them."""
        alone, shift = np.abs(self.alone[members]), np.abs(self.board.shift[members])
        found: Ints = members[(alone < NOWHERE) & (shift > alone)]
        return found

    # What came out

    def arrangement(self, order: Sequence[int]) -> Arrangement:
        """Return the whole once it has been judged anew; ``order`` says which plan was which."""
        self._check()
        placed = self.board.placed[: len(self._plans)] == 1
        found = dict(zip(order, self._arranged(), strict=True))
        step = self._freedom.step
        least = bound.lower(self.ways, self.bounds, self.alone, placed)
        return Arrangement(
            plans=tuple(found[k] for k in range(len(order))),
            shares=tuple(self._shares()),
            total=int(self.board.tally[places.TOTAL]) * step,
            at_least=least * step,
        )

    def _shares(self) -> Iterator[Share]:
        """Yield what is asked of each party, in the order of their names."""
        board, step_s = self.board, self._step_us / 1e6
        count = len(self._plans)
        placed, steps = board.placed[:count] == 1, np.abs(board.shift[:count])
        for number, name in enumerate(self._parties):
            own = board.party == number
            there = steps[own & placed]
            yield Share(
                party=name,
                plans=int(own.sum()),
                moved=int((there > 0).sum()),
                unplaced=int((own & ~placed).sum()),
                mean_s=int(board.sums[number]) * step_s / int(own.sum()),
                largest_s=int(there.max(initial=0)) * step_s,
            )

    def _arranged(self) -> Iterator[Arranged]:
        """Yield where each plan goes, and what is in its way."""
        for p, plan in enumerate(self._plans):
            steps = int(self.board.shift[p])
            if not self.board.placed[p]:
                yield Arranged(plan=plan, shift=None, hindrances=self._hindrances(p, NOWHERE))
            else:
                shift = steps * self._freedom.step
                yield Arranged(plan=plan, shift=shift, hindrances=self._hindrances(p, steps))

    def _hindrances(self, p: int, steps: int) -> tuple[Hindrance, ...]:
        """Return the longest obstacles in turn, from the plan's own time to where it stands."""
        if steps == 0:
            return ()
        found, board = self.ways, self.board
        rows = slice(int(found.first[p]), int(found.first[p + 1]))
        others = found.other[rows]
        shift = np.where(board.placed[others] == 1, board.shift[others], 2 * NOWHERE)
        low, high = found.low[rows] + shift, found.high[rows] + shift
        earlier = steps < 0
        if earlier:
            low, high = -high, -low
        at = 0 if earlier else max(0, int(self.bounds[p, LEAST]))
        until = min(abs(steps), int(self.bounds[p, MOST]) + 1) if not earlier else -steps
        chain: list[Hindrance] = []
        while at < until:
            ends = np.where(low <= at, high, -1)
            k = int(ends.argmax()) if len(ends) else -1
            if k < 0 or ends[k] < at:
                raise AssertionError("a plan waits for nothing")  # pragma: no cover
            at = int(ends[k]) + 1
            chain.append(self._hindrance(int(others[k]), -at if earlier else at))
        return tuple(chain)

    def _hindrance(self, other: int, until: int) -> Hindrance:
        by = until * self._freedom.step
        if other < len(self._plans):
            plan = self._plans[other]
            return Hindrance(name=plan.name, party=plan.party, until=by)
        return Hindrance(name=self._fixed[other - len(self._plans)].name, party="", until=by)

    def _check(self) -> None:
        """Judge the whole once more, from the volumes.

        Raises:
            AssertionError: two plans conflict, or stand where they may not: a mistake in here.
        """
        board, count = self.board, len(self._plans)
        placed = board.placed[:count] == 1
        steps = board.shift[:count][placed]
        inside = (steps >= self.bounds[placed, LEAST]) & (steps <= self.bounds[placed, MOST])
        if not inside.all():
            raise AssertionError("a plan is shifted by more than it may be")  # pragma: no cover
        shifts_us = np.where(board.placed == 1, board.shift, 0) * self._step_us
        stands = np.append(board.placed[:count], np.full(len(self._fixed), 2, np.int64))
        for a, b in self._scene.meetings(shifts_us, stands):
            raise AssertionError(f"arranged plans {a} and {b} conflict")  # pragma: no cover
