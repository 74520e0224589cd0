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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from tansiq.domain import geodesy
from tansiq.domain.time import YEAR_MAX, from_micros, micros
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    AltitudeBand,
    Outline,
    Volume3D,
    Volume4D,
    Volumes,
)
from tansiq.engine import search, sideways
from tansiq.engine.compiled import seen
from tansiq.engine.prepared import Prepared
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
from tansiq.engine.shifts import SECOND_US, Shifts
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
        return cost_of(self.delay_s, self.up_m, self.aside.charged_m if self.aside else 0.0)

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
        self._turns = sideways.Turns(plan)
        self._outlines: dict[Aside | None, list[Outline] | None] = {}
        self._stood: dict[_Move, Proposal | None] = {}

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
        proposals = (self._proposal(move, None) for move in best.values())
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
        last_us = micros(datetime(YEAR_MAX, 1, 1, tzinfo=UTC)) - self._start_us
        while least_us <= last_us:
            most_us = min(least_us + look_us, last_us)
            window = _Window(least_us // SECOND_US, most_us // SECOND_US, 0, 0)
            move = next(iter(self._free(self._plan.sky, window, None)), None)
            if move is not None:
                return from_micros(self._start_us + move.delay_s * SECOND_US)
            least_us += look_us + SECOND_US
            look_us *= 2
        return None

    # Sideways

    def sideways(self, best: float) -> list[Proposal]:
        """Return the nearest move aside that is free, and the cheapest combination with one.

        A combination only if it costs less than ``best``, and than what was found before.
        """
        # Outlines are drawn for what is found in the end. If they cannot stand after all, which is
        # rare, it is sought again with a look at those of every candidate.
        for sure in (False, True):
            moves = self._cheapest_aside(best, sure=sure)
            proposals = [self._stands(move) for move in moves]
            if all(proposals):
                break
        return [one for one in proposals if one is not None]

    def _cheapest_aside(self, best: float, *, sure: bool) -> list[_Move]:
        minimum_m = max((layer.minima.horizontal_m for layer in self._layers), default=0.0)
        found: dict[Kind, _Move] = {}
        for aside in sideways.ways(
            sideways.step_m(self._plan, minimum_m), self._bounds.aside_m_max
        ):
            budget = best - cost_of(0, 0.0, aside.charged_m) - COMBINED
            pure = Kind.SIDEWAYS in found
            if pure and budget <= 0.0:
                break
            window = self._small_window(budget)
            if window.least_s > window.most_s:
                continue
            sky = self._turns.sky(self._turns.rotation(aside))
            for move in sorted(self._free(sky, window, aside), key=lambda move: move.rank):
                wanted = move.cost < best or (move.kind is Kind.SIDEWAYS and not pure)
                if wanted and (not sure or self._stands(move)):
                    found[move.kind] = move
                    best = min(best, move.cost)
                    break
        return list(found.values())

    def _stands(self, move: _Move) -> Proposal | None:
        """Return the proposal of a move aside, or None if it cannot stand there."""
        aside = move.aside
        if aside not in self._outlines:
            self._outlines[aside] = self._moved_aside(aside) if aside else None
        outlines = self._outlines[aside]
        if outlines is None:
            return None
        if move not in self._stood:
            self._stood[move] = self._proposal(move, outlines)
        return self._stood[move]

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

    # What is free

    def _free(self, sky: Sky, window: _Window, aside: Aside | None) -> Iterator[_Move]:
        """Yield the least delay and the least advance of each level that are free."""
        if window.least_s > window.most_s:
            return
        free = Shifts(
            [k * self._bounds.step_m for k in window.steps],
            window.least_s,
            window.most_s,
            at_level_s=0 if aside else 1,
            doubtful=aside is not None,
        )
        plan = Prepared(self._plan.volumes, sky, self._plan.vertices)
        for layer in self._layers:
            layer.index.forbid(plan, layer.minima, layer.counts, free)
        for rise_m, *delays in free.free():
            for delay_s in delays:
                if delay_s is not None:
                    yield _Move(delay_s, rise_m, aside)

    # What is given

    def _proposal(self, move: _Move, outlines: Sequence[Outline] | None) -> Proposal | None:
        """Return the proposal of a move, or None if as it is given it is not clear after all."""
        volumes = _moved(self._plan.volumes, move, outlines)
        if outlines is None:
            sky = _at_times_of(volumes, self._plan.sky)
            prepared = Prepared(volumes, sky, self._plan.vertices)
        else:
            prepared = Prepared.of(*volumes)
        if not self._clear(prepared):
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

    def _moved_aside(self, aside: Aside) -> list[Outline] | None:
        """Return the outlines after a turn, or None if one is not fit or leaves the area."""
        area, moved, rotation = self._bounds.area, [], self._turns.rotation(aside)
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

    def _clear(self, prepared: Prepared) -> bool:
        return not any(
            layer.blocking(layer.index.conflicts(prepared, layer.minima)) for layer in self._layers
        )


def _moved(volumes: Volumes, move: _Move, outlines: Sequence[Outline] | None) -> Volumes:
    by, up_m = timedelta(seconds=move.delay_s), move.up_m
    moved = []
    for k, one in enumerate(volumes):
        band, space = one.altitude, one.volume
        if up_m:  # As ``Volume4D.shifted`` has it.
            band = AltitudeBand(lower_m=band.lower_m + up_m, upper_m=band.upper_m + up_m)
        if up_m or outlines:
            space = Volume3D(outline=outlines[k] if outlines else one.outline, altitude=band)
        moved.append(Volume4D(volume=space, time=one.time.shifted(by) if by else one.time))
    return tuple(moved)


def _at_times_of(volumes: Volumes, sky: Sky) -> Sky:
    """Return volumes as kernels take them, whose outlines are those of a sky."""
    times, bounds = np.array(sky.times), np.array(sky.bounds)
    times[:, : search.ENDS + 1] = [(micros(v.time.start), micros(v.time.end)) for v in volumes]
    bounds[:, search.LOW : search.HIGH + 1] = [
        (v.altitude.lower_m, v.altitude.upper_m) for v in volumes
    ]
    return Sky(seen(times), seen(bounds), sky.at)


def _steps_within(room_m: float, step_m: float) -> int:
    """Return how many steps fit; negative if even the present level is beyond."""
    steps = math.floor(room_m / step_m)
    while steps * step_m > room_m:
        steps -= 1
    while (steps + 1) * step_m <= room_m:
        steps += 1
    return steps
