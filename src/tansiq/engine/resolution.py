"""Resolution: the best ways to clear a plan that is blocked, ranked by a stated cost.

Asked for are a delay, an advance, a change of level, a shift sideways, or a small combination that
keep the minima to everything that counts. A shift in time and level is rigid: one search of the
index gives closed rectangles of forbidden shifts, and the least-cost shift outside them all is
exact (``domain.resolution`` is its plain definition). Sideways a stated, finite set of moves is
tried (``engine.sideways``), each with a search of its own. Whatever is proposed was judged once
more, as it is given.

Left out: whom the plan must yield to, and so what counts (``Layer.counts``), the ground (a band
that follows the terrain is not rigid), and the words. For the other side ask for its plan, with
the planned one as one more layer (``standing``) and its own volumes not counted.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import ALTITUDE_RESOLUTION_M
from tansiq.domain.time import YEAR_MAX, from_micros, micros
from tansiq.domain.volume import ALTITUDE_M_MAX, ALTITUDE_M_MIN, Outline, Volumes
from tansiq.engine import search, shifts, sideways
from tansiq.engine.compiled import Floats, Ints, seen
from tansiq.engine.index import Prepared, limits_of
from tansiq.engine.proposals import (
    COMBINED,
    EARLIER_PER_MIN,
    LATER_PER_MIN,
    LEVEL_PER_100_M,
    Bounds,
    Kind,
    Layer,
    NoneFree,
    Proposal,
    Resolution,
    cost_of,
    standing,
)
from tansiq.engine.search import Sky
from tansiq.engine.shifts import SECOND_US, Rectangles
from tansiq.engine.sideways import Aside
from tansiq.errors import InvalidVolume, TooLarge

__all__ = [
    "PROPOSALS_MAX",
    "Bounds",
    "Kind",
    "Layer",
    "NoneFree",
    "Proposal",
    "Resolution",
    "cost_of",
    "resolve",
    "standing",
]

SMALL_S, SMALL_STEPS = 900, 2
"""How far a move aside is combined with a shift in time or level."""
PROPOSALS_MAX = 5

_SLACK_M = 1e-6
"""More than rounding takes from a window of altitudes."""
_FIRST_LOOK_US = 3_600 * SECOND_US
_ORDER = {kind: k for k, kind in enumerate(Kind)}


def resolve(plan: Prepared, layers: Sequence[Layer], bounds: Bounds) -> Resolution:
    """Return the best changes of a plan that clear all layers, each at least a second or a step.

    Exact among all delays and advances in whole seconds with all level changes in whole steps, and
    among the moves aside that are tried. Reads the layers only; they must not change meanwhile.
    """
    if not plan.volumes:
        return Resolution((), None)
    sought = _Search(plan, layers, bounds)
    rigid = sought.rigid()
    aside = sought.sideways(min((one.cost for one in rigid), default=math.inf))
    found = _best(proposal for proposal in (*rigid, *aside))
    return Resolution(found, None if rigid else sought.none_free())


def _best(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    best: dict[Kind, Proposal] = {}
    for proposal in proposals:
        held = best.get(proposal.kind)
        if held is None or proposal.cost < held.cost:
            best[proposal.kind] = proposal
    combined = best.get(Kind.COMBINED)
    if combined and any(one.cost <= combined.cost for one in best.values() if one is not combined):
        del best[Kind.COMBINED]
    ordered = sorted(best.values(), key=lambda one: (one.cost, _ORDER[one.kind]))
    return tuple(ordered[:PROPOSALS_MAX])


@dataclass(frozen=True, slots=True)
class _Move:
    delay_s: int
    up_m: float
    aside: Aside | None = None

    @property
    def kind(self) -> Kind:
        if bool(self.delay_s) + bool(self.up_m) + bool(self.aside) > 1:
            return Kind.COMBINED
        if self.aside:
            return Kind.SIDEWAYS
        if self.up_m:
            return Kind.HIGHER if self.up_m > 0 else Kind.LOWER
        return Kind.LATER if self.delay_s > 0 else Kind.EARLIER

    @property
    def cost(self) -> float:
        return cost_of(self.delay_s, self.up_m, self.aside.distance_m if self.aside else 0.0)

    @property
    def rank(self) -> tuple[float, int, bool, bool]:
        """By what moves are ordered: of equally dear ones the quicker, the later, the higher."""
        return self.cost, abs(self.delay_s), self.delay_s < 0, self.up_m < 0


@dataclass(frozen=True, slots=True)
class _Window:
    """Shifts that are looked at: whole seconds, and whole steps from ``down`` to ``up`` or none."""

    least_s: int
    most_s: int
    down: int
    up: int

    @property
    def steps(self) -> list[int]:
        return sorted({0, *range(self.down, self.up + 1)})


class _Search:
    def __init__(self, plan: Prepared, layers: Sequence[Layer], bounds: Bounds) -> None:
        self._plan, self._layers, self._bounds = plan, layers, bounds
        self._times = np.asarray(plan.sky.times)
        self._bands = np.asarray(plan.sky.bounds)[:, search.LOW : search.HIGH + 1]
        self._start_us = int(self._times[:, search.BEGINS].min())
        self._window = self._whole_window()

    def _whole_window(self) -> _Window:
        bounds = self._bounds
        # No earlier than the earliest start: rounded up to whole seconds.
        least_s = -((self._start_us - micros(bounds.earliest)) // SECOND_US)
        least_s = max(least_s, -(bounds.earlier_max // timedelta(seconds=1)))
        room_up_m = min(bounds.levels_m[1], ALTITUDE_M_MAX) - float(self._bands[:, 1].max())
        room_down_m = float(self._bands[:, 0].min()) - max(bounds.levels_m[0], ALTITUDE_M_MIN)
        return _Window(
            least_s,
            bounds.later_max // timedelta(seconds=1),
            -_steps_within(min(room_down_m, bounds.rise_m_max), bounds.step_m),
            _steps_within(min(room_up_m, bounds.rise_m_max), bounds.step_m),
        )

    # Time and level

    def rigid(self) -> list[Proposal]:
        """Return the best proposal of each kind that leaves the outlines where they are."""
        best: dict[Kind, _Move] = {}
        for move in self._free(self._plan.sky, self._window, None):
            held = best.get(move.kind)
            if held is None or move.rank < held.rank:
                best[move.kind] = move
        outlines = [volume.outline for volume in self._plan.volumes]
        proposals = (self._proposal(move, outlines) for move in best.values())
        return [one for one in proposals if one is not None]

    def none_free(self) -> NoneFree:
        """Return what was searched in vain, and the first free time after it."""
        window, step_m = self._window, self._bounds.step_m
        return NoneFree(
            earlier_s=-window.least_s,
            later_s=window.most_s,
            down_m=max(0, -window.down) * step_m,
            up_m=max(0, window.up) * step_m,
            first_free=self._first_free(),
        )

    def _first_free(self) -> datetime | None:
        """Look ever further ahead, so that a free time that is near is found soon."""
        least_us = max(self._window.most_s + 1, self._window.least_s) * SECOND_US
        look_us = _FIRST_LOOK_US
        last_us = micros(datetime(YEAR_MAX, 1, 1, tzinfo=UTC))
        while self._start_us + least_us < last_us:
            window = _Window(least_us // SECOND_US, (least_us + look_us) // SECOND_US, 0, 0)
            move = next(iter(self._free(self._plan.sky, window, None)), None)
            if move is not None:
                return from_micros(self._start_us + move.delay_s * SECOND_US)
            least_us += look_us + SECOND_US
            look_us *= 2
        return None

    # Sideways

    def sideways(self, best: float) -> Iterator[Proposal]:
        """Yield the nearest move aside that is free, and combinations as cheap as they get.

        Only combinations that cost less than ``best``, and than what was yielded before.
        """
        minimum_m = max((layer.minima.horizontal_m for layer in self._layers), default=0.0)
        pure = False
        for aside in sideways.ways(
            sideways.step_m(self._plan, minimum_m), self._bounds.aside_m_max
        ):
            budget = best - cost_of(0, 0.0, aside.distance_m) - COMBINED
            if pure and budget <= 0.0:
                return
            window = self._small_window(budget)
            if window.least_s > window.most_s:
                continue
            for proposal in self._aside(aside, window, best, pure=pure):
                pure = pure or proposal.kind is Kind.SIDEWAYS
                best = min(best, proposal.cost)
                yield proposal

    def _small_window(self, budget: float) -> _Window:
        """Return the shifts that a move aside may be combined with, for so much at most."""
        whole, step_m = self._window, self._bounds.step_m
        later_s, earlier_s, steps = SMALL_S, SMALL_S, SMALL_STEPS
        if budget < math.inf:
            budget = max(0.0, budget)
            later_s = min(later_s, int(budget * 60.0 / LATER_PER_MIN))
            earlier_s = min(earlier_s, int(budget * 60.0 / EARLIER_PER_MIN))
            steps = min(steps, int(budget * 100.0 / LEVEL_PER_100_M / step_m))
        # A plan whose time has passed is late before anything else.
        return _Window(
            max(whole.least_s, -earlier_s),
            min(whole.most_s, max(0, whole.least_s) + later_s),
            max(whole.down, -steps),
            min(whole.up, steps),
        )

    def _aside(
        self, aside: Aside, window: _Window, best: float, *, pure: bool
    ) -> Iterator[Proposal]:
        rotation = sideways.turn(self._plan, aside)
        sky = sideways.turned_sky(self._plan, rotation)
        moves = [
            move
            for move in sorted(self._free(sky, window, aside), key=lambda move: move.rank)
            if move.cost < best or (move.kind is Kind.SIDEWAYS and not pure)
        ]
        outlines = self._moved_aside(rotation) if moves else None
        if outlines is None:
            return
        for move in moves:
            proposal = self._proposal(move, outlines)
            if proposal is not None:
                yield proposal
                return

    # What is free

    def _free(self, sky: Sky, window: _Window, aside: Aside | None) -> Iterator[_Move]:
        """Yield the least delay and the least advance of each level that are free."""
        if window.least_s > window.most_s:
            return
        step_m = self._bounds.step_m
        rises = [k * step_m for k in window.steps]
        free = shifts.free_shifts(
            self._forbidden(sky, window, doubtful=aside is not None),
            np.array(rises, np.float64),
            window.least_s * SECOND_US,
            window.most_s * SECOND_US,
            at_level_us=0 if aside else SECOND_US,
        )
        for rise_m, found in zip(rises, free.tolist(), strict=True):
            for shift_us in found:
                if shift_us != shifts.NONE:
                    yield _Move(shift_us // SECOND_US, rise_m, aside)

    def _forbidden(self, sky: Sky, window: _Window, *, doubtful: bool) -> Rectangles:
        """Return the shifts that everything within the window forbids."""
        widened = self._widened(sky, window)
        volumes = range(len(self._plan.volumes))
        parts = []
        for layer in self._layers:
            found = [
                layer.blocking(layer.index.met_by(widened, k, layer.minima, doubtful=doubtful))
                for k in volumes
            ]
            own = np.repeat(np.arange(len(found)), [len(ids) for ids in found])
            ids = np.concatenate(found)
            parts.append(
                _rectangles(
                    (self._times[own], self._bands[own]),
                    (layer.index.spans(ids), layer.index.levels(ids)),
                    layer.minima,
                )
            )
        if len(parts) == 1:
            return parts[0]
        return Rectangles(
            *(np.concatenate(columns) for columns in zip(_NOTHING, *parts, strict=True))
        )

    def _widened(self, sky: Sky, window: _Window) -> Prepared:
        times, bounds = np.asarray(sky.times).copy(), np.asarray(sky.bounds).copy()
        times[:, search.BEGINS] += window.least_s * SECOND_US
        times[:, search.ENDS] += window.most_s * SECOND_US
        bounds[:, search.LOW] += min(0, window.down) * self._bounds.step_m - _SLACK_M
        bounds[:, search.HIGH] += max(0, window.up) * self._bounds.step_m + _SLACK_M
        return replace(self._plan, sky=Sky(seen(times), seen(bounds), sky.at))

    # What is given

    def _proposal(self, move: _Move, outlines: Sequence[Outline]) -> Proposal | None:
        """Return the proposal of a move, or None if as it is given it is not clear after all."""
        by = timedelta(seconds=move.delay_s)
        volumes = tuple(
            replace(moved, volume=replace(moved.volume, outline=outline))
            for moved, outline in zip(
                (one.shifted(by=by, up_m=move.up_m) for one in self._plan.volumes),
                outlines,
                strict=True,
            )
        )
        if not self._clear(volumes):
            return None
        aside = move.aside
        return Proposal(
            kind=move.kind,
            delay_s=move.delay_s,
            up_m=move.up_m,
            north_m=aside.north_m if aside else 0.0,
            east_m=aside.east_m if aside else 0.0,
            cost=move.cost,
            volumes=volumes,
        )

    def _moved_aside(self, rotation: Floats) -> list[Outline] | None:
        """Return the outlines after a turn, or None if one is not fit or leaves the area."""
        area, moved = self._bounds.area, []
        for volume in self._plan.volumes:
            try:
                outline = sideways.turned_outline(volume.outline, rotation)
                geodesy.check_outline(outline)
            except (InvalidVolume, TooLarge):
                return None
            if area is not None and not geodesy.inside(outline, area):
                return None
            moved.append(outline)
        return moved

    def _clear(self, volumes: Volumes) -> bool:
        """Judge volumes as they are given."""
        prepared = Prepared.of(*volumes)
        return not any(
            len(layer.blocking(np.array(layer.index.conflicts(prepared, layer.minima), np.int64)))
            for layer in self._layers
        )


def _steps_within(room_m: float, step_m: float) -> int:
    """Return how many steps fit; negative if even the present level is beyond."""
    steps = math.floor(room_m / step_m)
    while steps * step_m > room_m:
        steps -= 1
    while (steps + 1) * step_m <= room_m:
        steps += 1
    return steps


_NOTHING = Rectangles(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
)


def _rectangles(
    own: tuple[Ints, Floats], others: tuple[Ints, Floats], minima: Minima
) -> Rectangles:
    """Return which shifts bring volumes within the minima of others, row by row."""
    (times, bands), (spans, levels) = own, others
    limits = limits_of(minima)
    below_m, above_m = levels[:, 0] - bands[:, 1], levels[:, 1] - bands[:, 0]
    reach_m = minima.vertical_m + 2 * ALTITUDE_RESOLUTION_M  # More than moving a band rounds.
    return Rectangles(
        spans[:, 0] - times[:, search.ENDS] - limits.time_us,
        spans[:, 1] - times[:, search.BEGINS] + limits.time_us,
        below_m - reach_m,
        above_m + reach_m,
        ((below_m <= limits.vertical_m) & (-above_m <= limits.vertical_m)).astype(np.int64),
    )
