"""What an agreement says about notices: lead times, timers, escalation, silence, standing items.

Values, and what follows from them at an instant. Nothing here is ever a "yes": silence leaves a
plan unanswered or makes it wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from tansiq.domain.time import ZERO
from tansiq.errors import BadInput


class NoticeKind(StrEnum):
    """What a notice announces."""

    PLAN = "plan"
    NO_GO = "no-go"
    EMERGENCY = "emergency"


class Rung(StrEnum):
    """How far a notice got. The order is that of the ladder."""

    SENT = "sent"
    ARRIVED = "arrived"
    SEEN = "seen"
    READ_BACK = "read-back"
    ANSWERED = "answered"
    DECIDED = "decided"
    """Above the ladder: what one side has proposed, or signed as agreed, has had the word of the
    other. It may be reached and open again several times; its time runs from each anew."""

    @property
    def height(self) -> int:
        """Place on the ladder, from 0."""
        return RUNGS.index(self)


RUNGS: Final = tuple(Rung)
LADDER: Final = tuple(rung for rung in Rung if rung is not Rung.DECIDED)
"""What every notice is to reach, in time since it was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """How long before it begins a thing must have been announced; zero requires nothing."""

    general: timedelta = ZERO
    plan: timedelta | None = None
    """None: as ``general``."""
    no_go: timedelta | None = None
    emergency: timedelta = ZERO
    """Of its own: an emergency is announced when it happens."""

    def required(self, kind: NoticeKind | None = None) -> timedelta:
        """Return the lead that a notice needs; None for a kind without a rule of its own."""
        by_kind = {
            NoticeKind.PLAN: self.plan,
            NoticeKind.NO_GO: self.no_go,
            NoticeKind.EMERGENCY: self.emergency,
        }
        own = by_kind[kind] if kind else None
        return self.general if own is None else own

    def missing(
        self, kind: NoticeKind | None, *, received: datetime, begins: datetime
    ) -> timedelta:
        """Return by how much a notice came too late, by the receiver's time; zero if it did not."""
        return max(ZERO, self.required(kind) - (begins - received))


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedTimers:
    """When a notice should have reached each rung, counted from when it was sent; comm checks.

    Raises:
        BadInput: a higher rung is due before a lower one, or a warning before its caution.
    """

    arrived: timedelta = timedelta(minutes=1)
    seen: timedelta = timedelta(minutes=5)
    read_back: timedelta = timedelta(minutes=10)
    answered: timedelta = timedelta(minutes=30)
    decided: timedelta = timedelta(minutes=30)
    """After a proposal, or an outcome that one side has signed."""
    check_every: timedelta = timedelta(hours=6)
    check_caution: timedelta = timedelta(minutes=5)
    """After a comm check was due."""
    check_warning: timedelta = timedelta(minutes=15)
    clocks_differ: timedelta = timedelta(seconds=2)
    """How far the clocks of two nodes may lie apart before both desks are told."""

    def __post_init__(self) -> None:
        rising = ("arrived", "seen", "read_back", "answered")
        for lower, higher in pairwise(rising):
            if getattr(self, higher) < getattr(self, lower):
                raise BadInput(f"is shorter than {lower}; a notice comes there later", field=higher)
        if self.check_warning <= self.check_caution:
            raise BadInput("is not longer than check_caution", field="check_warning")

    def due(self, rung: Rung) -> timedelta:
        """Return how long after sending a rung should have been reached.

        ``DECIDED``: how long after what waits for a decision.
        """
        return {
            Rung.SENT: ZERO,
            Rung.ARRIVED: self.arrived,
            Rung.SEEN: self.seen,
            Rung.READ_BACK: self.read_back,
            Rung.ANSWERED: self.answered,
            Rung.DECIDED: self.decided,
        }[rung]

    def overdue(self, reached: Rung, elapsed: timedelta) -> Rung | None:
        """Return the lowest rung of the ladder that should be reached by now and is not."""
        above = LADDER[reached.height + 1 :]
        return next((rung for rung in above if elapsed > self.due(rung)), None)


class CheckState(StrEnum):
    """Where the next comm check of a line stands."""

    QUIET = "quiet"
    DUE = "due"
    CAUTION = "caution"
    WARNING = "warning"


def next_check(timers: AgreedTimers, last: datetime) -> datetime:
    """Return when a line must be checked again; ``last`` is its last good check, or its opening."""
    return last + timers.check_every


def check_state(timers: AgreedTimers, *, last: datetime, now: datetime) -> CheckState:
    """Return how a missed comm check is shown."""
    late = now - next_check(timers, last)
    if late >= timers.check_warning:
        return CheckState.WARNING
    if late >= timers.check_caution:
        return CheckState.CAUTION
    return CheckState.DUE if late >= ZERO else CheckState.QUIET


class Role(StrEnum):
    """Whom a step of the escalation turns to, seen from the notice."""

    WATCH = "watch"
    """Who sits at the desk it was sent to."""
    DEPUTY = "deputy"
    """The deputy of that desk, also while the desk itself is open."""
    SENDER = "sender"
    """The sender's own desk: it is told that the other side does not answer."""


class Way(StrEnum):
    """How a step turns to them."""

    NODE = "node"
    VOICE = "voice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One step: a rung not reached so long after sending turns to somebody else.

    Of ``DECIDED``, so long after what waits for a decision; seen from that, not from the notice.

    Raises:
        BadInput: a role and a desk, or neither; or the rung that every notice has.
    """

    rung: Rung
    after: timedelta
    """Since the notice was sent."""
    role: Role | None = None
    desk: str = ""
    """In place of a role: one desk of one party, as ``south/ops``."""
    by: Way = Way.NODE

    def __post_init__(self) -> None:
        if (self.role is None) != bool(self.desk):
            raise BadInput("write either role or desk", field="role")
        if self.rung is Rung.SENT:
            raise BadInput("every notice has been sent; name a later rung", field="rung")


def steps_due(
    steps: Sequence[Escalation], *, reached: Rung | None, elapsed: timedelta
) -> tuple[Escalation, ...]:
    """Return the steps that have fired, in their order.

    ``elapsed`` is since sending. ``reached`` None: a decision is awaited, and ``elapsed`` is since
    what waits for it. A step of one never fires for the other.
    """
    return tuple(step for step in _ahead(steps, reached) if step.after <= elapsed)


def step_next(
    steps: Sequence[Escalation], *, reached: Rung | None, elapsed: timedelta
) -> Escalation | None:
    """Return the step that fires next, so that it can be shown before it does."""
    waiting = (step for step in _ahead(steps, reached) if step.after > elapsed)
    return min(waiting, key=lambda step: step.after, default=None)


def _ahead(steps: Sequence[Escalation], reached: Rung | None) -> tuple[Escalation, ...]:
    if reached is None:
        return tuple(step for step in steps if step.rung is Rung.DECIDED)
    return tuple(s for s in steps if s.rung in LADDER and s.rung.height > reached.height)


class OnSilence(StrEnum):
    """What follows when nobody answers. There is no third value: silence is never a yes."""

    UNANSWERED = "unanswered"
    """The thing stays as it is, and is shown as unanswered."""
    HOLD = "hold"
    """The plan waits for the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """What silence means, by kind. Only a plan can wait: a danger is there, answered or not."""

    plan: OnSilence = OnSilence.UNANSWERED

    def meaning(self, kind: NoticeKind) -> OnSilence:
        """Return what follows when a notice of a kind is not answered."""
        return self.plan if kind is NoticeKind.PLAN else OnSilence.UNANSWERED


class StandingState(StrEnum):
    """Where a standing item stands."""

    CURRENT = "current"
    DUE = "due"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How long a standing item lives on its last confirmation; None: until it ends by itself.

    Raises:
        BadInput: only one of the two, or an item expires before it is due.
    """

    confirm_every: timedelta | None = None
    expire_after: timedelta | None = None

    def __post_init__(self) -> None:
        if (self.confirm_every is None) != (self.expire_after is None):
            raise BadInput("write both confirm_every and expire_after", field="expire_after")
        if self.confirm_every and self.expire_after and self.expire_after < self.confirm_every:
            raise BadInput("is shorter than confirm_every", field="expire_after")

    def state(self, *, confirmed: datetime, now: datetime) -> StandingState:
        """Return where an item stands that was last confirmed at an instant."""
        if self.expire_after is not None and now - confirmed >= self.expire_after:
            return StandingState.EXPIRED
        if self.confirm_every is not None and now - confirmed >= self.confirm_every:
            return StandingState.DUE
        return StandingState.CURRENT
