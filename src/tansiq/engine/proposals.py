"""What may be proposed to clear a plan, at what cost, and what it is cleared of: values only."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Outline, Volumes
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.errors import BadInput

LATER_PER_MIN = 1.0
"""The unit: a minute of waiting on the ground."""
EARLIER_PER_MIN = 1.5
"""Dearer, since crews and aircraft must be ready sooner than was said."""
LEVEL_PER_100_M = 1.0
"""A climb of 300 m costs about what three minutes of waiting do."""
SIDEWAYS, SIDEWAYS_PER_KM = 2.0, 2.0
"""Any move aside costs at once: the ground below needs a fresh look."""
COMBINED = 1.0
"""For each change beyond the first: there is more to brief, and more to get wrong."""


class Kind(StrEnum):
    """What a proposal changes."""

    LATER = "later"
    EARLIER = "earlier"
    HIGHER = "higher"
    LOWER = "lower"
    SIDEWAYS = "sideways"
    COMBINED = "combined"


@dataclass(frozen=True, slots=True)
class Layer:
    """Obstacles: volumes of one index, and the minima that are kept to them."""

    index: AirspaceIndex
    minima: Minima
    counts: NDArray[np.bool_] | None = None
    """Of each id whether it is an obstacle; without it all are."""

    def blocking(self, ids: Sequence[int]) -> list[int]:
        """Return those of the ids that count."""
        return [i for i in ids if self.counts is None or self.counts[i]]


def standing(volumes: Volumes, minima: Minima) -> Layer:
    """Return the volumes of a plan as obstacles of another one."""
    index = AirspaceIndex(lambda entity: volumes[entity].outline, usual=minima)
    index.extend(Batch.of(volumes))
    return Layer(index, minima)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What may be proposed; ends are within.

    Raises:
        BadInput: a step that is not above zero, or a negative limit.
    """

    earliest: datetime
    """No plan starts before this: now."""
    later_max: timedelta
    earlier_max: timedelta = timedelta(0)
    step_m: float
    """Levels change by whole steps."""
    levels_m: tuple[float, float]
    """Lowest and highest altitude of a plan whose level is changed."""
    rise_m_max: float = math.inf
    """How far up or down."""
    aside_m_max: float = 0.0
    """How far sideways; 0: not at all."""
    area: Outline | None = None
    """What is moved aside stays inside."""

    def __post_init__(self) -> None:
        zero = timedelta(0)
        if not self.step_m > 0.0:
            raise BadInput(f"a level step of {self.step_m} m is not above 0", field="step_m")
        if self.later_max < zero or self.earlier_max < zero:
            raise BadInput("a longest delay or advance is not negative", field="later_max")
        if not (self.rise_m_max >= 0.0 and self.aside_m_max >= 0.0):
            raise BadInput("a farthest distance is not negative", field="aside_m_max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One way to clear the plan."""

    kind: Kind
    delay_s: int
    """Negative: earlier."""
    up_m: float
    north_m: float
    east_m: float
    """Both as seen from the middle of the plan."""
    cost: float
    """Minutes of delay that it is worth."""
    volumes: Volumes
    """The plan after the move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneFree:
    """No time and level is free within what was searched."""

    earlier_s: int
    later_s: int
    """How much earlier and later was searched; an ``earlier_s`` below zero: no less late."""
    down_m: float
    up_m: float
    first_free: datetime | None
    """When the plan could start at its present level, later than what was searched. None if not
    before the last year that times may have."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The best proposal of each kind, the cheapest first.

    A combination is among them only if no single change is as cheap.
    """

    proposals: tuple[Proposal, ...]
    none_free: NoneFree | None
    """If neither time nor level nor both are an answer; a move aside may be one all the same."""


def cost_of(delay_s: int, up_m: float, aside_m: float) -> float:
    """Return what a change costs: minutes of delay that it is worth."""
    per_min = LATER_PER_MIN if delay_s > 0 else EARLIER_PER_MIN
    cost = per_min * abs(delay_s) / 60.0 + LEVEL_PER_100_M * abs(up_m) / 100.0
    if aside_m:
        cost += SIDEWAYS + SIDEWAYS_PER_KM * aside_m / 1_000.0
    changes = bool(delay_s) + bool(up_m) + bool(aside_m)
    return cost + COMBINED * max(0, changes - 1)
