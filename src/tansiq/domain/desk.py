"""Desks: the posts of a party that answer, when each is manned, and who is the desk now.

A desk is the address of a post, never of a person. Nobody's absence blocks a message: a desk that
is closed hands on to its deputy, and where all are closed the desk that was meant keeps it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final

from tansiq.errors import BadInput

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As files write them, in the order of ``datetime.weekday``."""
DAY_MIN: Final = 24 * 60
WATCH: Final = "watch"
"""The desk of a party that names none: manned day and night."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """When a desk is manned, every week the same, in UTC: the start counts, the end does not.

    Hours whose end is before their start run past midnight; their day is the one they begin on.

    Raises:
        BadInput: out of range, no days, or no time between start and end.
    """

    start_min: int = 0
    """Minutes since midnight."""
    end_min: int = DAY_MIN
    days: frozenset[int] = frozenset(range(7))
    """Monday is 0."""

    def __post_init__(self) -> None:
        if not (0 <= self.start_min < DAY_MIN and 0 < self.end_min <= DAY_MIN):
            raise BadInput(f"{self} is not within 0000 to 2400", field="hours")
        if self.start_min == self.end_min:
            raise BadInput("start and end are the same; write 24h for day and night", field="hours")
        if not self.days or not self.days <= frozenset(range(7)):
            raise BadInput("at least one day, each of Monday to Sunday", field="days")

    def __str__(self) -> str:
        if (self.start_min, self.end_min) == (0, DAY_MIN):
            return "24h"
        ends = (self.start_min, self.end_min)
        return "-".join(f"{minutes // 60:02}{minutes % 60:02}" for minutes in ends)

    @property
    def length(self) -> timedelta:
        """How long one shift lasts."""
        return timedelta(minutes=(self.end_min - self.start_min) % DAY_MIN or DAY_MIN)

    def open_at(self, at: datetime) -> bool:
        """Report whether an instant falls into the hours."""
        return any(
            begin <= at < begin + self.length
            for begin in (self._begin(at, -1), self._begin(at, 0))
            if begin.weekday() in self.days
        )

    def opens(self, at: datetime) -> datetime:
        """Return the first instant not before ``at`` that falls into the hours."""
        if self.open_at(at):
            return at
        begins = (self._begin(at, days) for days in range(8))
        return next(begin for begin in begins if begin.weekday() in self.days and begin >= at)

    def _begin(self, at: datetime, days: int) -> datetime:
        """Return when the hours of the day of ``at``, or so many days later, begin."""
        midnight = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
        return midnight + timedelta(days=days, minutes=self.start_min)


ALWAYS: Final = Hours()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One post of a party."""

    id: str
    names: Mapping[str, str]
    """By language code; ``en`` is always there."""
    languages: tuple[str, ...]
    """What is spoken there, the preferred one first."""
    hours: Hours = ALWAYS
    deputy: str = ""
    """Desk of the same party that answers while this one is closed; empty for none."""
    voice: str = ""
    """How to call the post: telephone or radio. Never a person's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNow:
    """Who answers for a desk at an instant."""

    desk: Desk
    open: bool
    """False: nobody is there and no deputy is; the message waits at the desk it was meant for."""
    closed: tuple[str, ...] = field(default=())
    """Ids of the closed desks on the way to it, the one that was meant first."""


def desk_now(desks: Sequence[Desk], desk_id: str, at: datetime) -> DeskNow | None:
    """Return who answers for a desk at an instant: itself, or the first open deputy.

    Two desks may be each other's deputy. None where no desk has that id.
    """
    by_id = {desk.id: desk for desk in desks}
    if (meant := by_id.get(desk_id)) is None:
        return None
    closed: list[str] = []
    desk: Desk | None = meant
    while desk is not None and desk.id not in closed:
        if desk.hours.open_at(at):
            return DeskNow(desk=desk, open=True, closed=tuple(closed))
        closed.append(desk.id)
        desk = by_id.get(desk.deputy)
    return DeskNow(desk=meant, open=False, closed=tuple(closed))


def manned_from(desks: Sequence[Desk], desk_id: str, at: datetime) -> datetime | None:
    """Return the first instant not before ``at`` when a desk or a deputy of it is open."""
    by_id = {desk.id: desk for desk in desks}
    reached: dict[str, Desk] = {}
    desk = by_id.get(desk_id)
    while desk is not None and desk.id not in reached:
        reached[desk.id] = desk
        desk = by_id.get(desk.deputy)
    return min((each.hours.opens(at) for each in reached.values()), default=None)
