"""A set of plans arranged in time, as values: what may move, how far, what came out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tansiq.domain import fairness
from tansiq.domain.category import Category
from tansiq.domain.fairness import Share
from tansiq.domain.time import ZERO
from tansiq.domain.volume import Volumes
from tansiq.errors import BadInput

LONGEST_MOST = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A plan that may be shifted."""

    name: str
    party: str
    volumes: Volumes
    priority: int = 0
    category: Category | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """What stays: a no-go area, or a plan that does not move, whatever its priority."""

    name: str
    volumes: Volumes
    category: Category | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freedom:
    """How far plans may be shifted.

    Raises:
        BadInput: out of range, or not a single step.
    """

    longest: timedelta
    """The longest delay."""
    advance: timedelta = ZERO
    """How much earlier than declared at most."""
    earliest: datetime | None = None
    """No plan starts before."""
    step: timedelta = timedelta(seconds=1)

    def __post_init__(self) -> None:
        if not timedelta.resolution <= self.step <= timedelta(hours=1):
            raise BadInput(f"{self.step.total_seconds()} s is not above 0 to 3600", field="step")
        if not self.step <= self.longest <= LONGEST_MOST:
            raise BadInput(
                f"{self.longest.total_seconds() / 60:g} min is not one step to 7 days",
                field="longest",
            )
        if not ZERO <= self.advance <= LONGEST_MOST:
            raise BadInput(
                f"{self.advance.total_seconds() / 60:g} min is not 0 to 7 days", field="advance"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What the search is for, and how long it goes on.

    Raises:
        BadInput: out of range.
    """

    weight: float = 0.5
    """Of fairness: what is made least is the mean delay of all plans plus so much of the largest
    difference between the means of two parties. 0: fairness decides between equal totals alone."""
    rounds: int = 400
    """For the total, and again for fairness; in each one trial for each plan that waits for
    another. 0 leaves the plain order."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= 1_000.0:
            raise BadInput(f"{self.weight} is not 0 to 1000", field="weight")
        if not 0 <= self.rounds <= 100_000:
            raise BadInput(f"{self.rounds} is not 0 to 100000", field="rounds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What keeps a plan from a nearer time, and up to which shift."""

    name: str
    party: str
    """Empty of what does not move."""
    until: timedelta
    """The first shift that it allows, beyond those that it forbids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arranged:
    """Where one plan goes."""

    plan: Declared
    shift: timedelta | None
    """Later by so much, earlier if negative; None if there is no place."""
    hindrances: tuple[Hindrance, ...] = ()
    """Few that together forbid every lesser delay, nearest first; empty if it was not delayed."""

    @property
    def volumes(self) -> Volumes:
        """Its volumes where it goes, or as declared if there is no place."""
        if not self.shift:
            return self.plan.volumes
        return tuple(volume.shifted(by=self.shift) for volume in self.plan.volumes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Where all plans go, in the order in which they were given."""

    plans: tuple[Arranged, ...]
    shares: tuple[Share, ...]
    """By party, in the order of their names."""
    total: timedelta
    """All shifts together, either way."""
    at_least: timedelta
    """No arrangement that places the same plans has less in all. Seldom reached: see ``bound``."""

    @property
    def unplaced(self) -> tuple[Arranged, ...]:
        """The plans for which there is no place."""
        return tuple(arranged for arranged in self.plans if arranged.shift is None)

    @property
    def spread_s(self) -> float:
        """The largest difference between the mean delays of two parties."""
        return fairness.spread_s(self.shares)

    @property
    def jain(self) -> float:
        """Jain's index of the mean delays."""
        return fairness.jain(self.shares)
