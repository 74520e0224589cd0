"""How far one plan of ours has got in every register: the values of the planner's state table.

A *placement* is one intent id on its way through the registers of the agreement, in their order;
index 0 is the *gate*. ``placement_steps`` holds the transitions, ``due`` below says what to look at
next. No IO, no clock: a shell reads registers, sends requests and stores each placement before
anything that follows from it leaves the node. The protocol is described in ``docs/direct-mode.md``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Protocol, Self, TypeVar


class Space(Protocol):
    """What a plan claims: volumes with their state and priority, compared by value and often."""

    @property
    def flying(self) -> bool:
        """Whether the plan is no longer Accepted, so that its aircraft may be in the air."""
        ...

    @property
    def off_nominal(self) -> bool:
        """Whether the aircraft is not where the plan said: Nonconforming or Contingent."""
        ...

    @property
    def nominal(self) -> Self:
        """The volumes of the plan itself, without where its aircraft has strayed to; Activated."""
        ...

    @property
    def first(self) -> Self:
        """What a register is given first that lost us: the nominal volumes, Accepted, for it takes
        a new entry in no other state; all volumes where there are no nominal ones.
        """
        ...

    @property
    def priority(self) -> int:
        """Greater wins."""
        ...

    def union(self, other: Self) -> Self:
        """Return a space that covers both: volumes of both, in the further state."""
        ...


S = TypeVar("S", bound=Space)


class Phase(StrEnum):
    NEW = "new"
    """Declared; the registers are being read."""
    PLACING = "placing"
    RELEASING = "releasing"
    """Without ``base``: leaving all registers. With it: writing ``base`` back."""
    WAITING = "waiting"
    """``blocker`` is in the way and may yet give way."""
    COORDINATED = "coordinated"
    SHRINKING = "shrinking"
    """The new volumes count already; what is no longer needed is given back."""
    REFUSED = "refused"
    ENDED = "ended"
    DISPLACED = "displaced"
    """A plan of higher priority took the place; stands in the registers until changed or ended."""


class SlotState(StrEnum):
    ABSENT = "absent"
    """Nothing of ours there, as far as we know."""
    HELD = "held"
    """A direct 2xx confirmed ``view``."""
    DOUBT = "doubt"
    """A request's fate is unknown, or something stands there that we did not expect."""


class Kind(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class Outcome(StrEnum):
    """What a register answered."""

    OK = "ok"
    """2xx."""
    MISSING = "missing"
    """409, the key lacks OVNs."""
    EXISTS = "exists"
    """409, created already."""
    STALE = "stale"
    """409, not the current OVN."""
    GONE = "gone"
    """404."""
    REFUSED = "refused"
    """Any other answer; the reason is the shell's to show."""


class Aim(StrEnum):
    """Why a register is to be looked at."""

    JUDGE = "judge"
    """A new plan: is anything in the way?"""
    PLACE = "place"
    """Judge, then write."""
    SETTLE = "settle"
    """Everything is written: the last look, in one transaction with what ``looked`` decides."""
    KEEP = "keep"
    """Write what counts already: shrink, give up a change, put a lost entry back."""
    RELEASE = "release"
    """Read the own reference, then delete."""
    WATCH = "watch"
    """Is the blocker still there?"""
    RECHECK = "recheck"
    """Something was accepted there that meets us: does it outrank us?"""


class News(StrEnum):
    """What a step means for the people concerned, or for the log."""

    PLACING = "placing"
    WAITING = "waiting"
    REFUSED = "refused"
    COORDINATED = "coordinated"
    DISPLACED = "displaced"
    CHANGED = "changed"
    CHANGE_REFUSED = "change-refused"
    ACTIVATED = "activated"
    ACTIVATION_REFUSED = "activation-refused"
    OFF_NOMINAL = "off-nominal"
    """The aircraft is not where the plan said; or it is now said to be elsewhere."""
    RELEASING = "releasing"
    ENDED = "ended"
    UNKNOWN = "unknown"
    """Details of something there are not to be had: ask again later."""
    BLOCKED = "blocked"
    """A lost entry cannot be put back yet; what stands there has to give way."""
    STRAY = "stray"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class View(Generic[S]):
    """What a register confirmed, as one record: served to everybody who reads there."""

    space: S
    ovn: str
    version: int
    subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[S]):
    """One write to a register. ``number`` is unique within the plan, so that answers to what is
    no longer awaited are recognised.
    """

    number: int
    register: int
    kind: Kind
    space: S | None
    """None for a delete."""
    ovn: str | None
    """None for a create."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """What came with a 2xx to a create or update."""

    ovn: str
    version: int
    subscription_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot(Generic[S]):
    """One register, as far as we know it."""

    state: SlotState = SlotState.ABSENT
    view: View[S] | None = None
    """The last confirmed write; kept and served during DOUBT."""
    awaited: Request[S] | None = None
    asked: int = 0
    """Number of the last request sent there."""

    def holds(self, space: S) -> bool:
        """Report whether a direct 2xx confirmed exactly this."""
        return self.state is SlotState.HELD and self.view is not None and self.view.space == space


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """What is in the way, and in which register it was seen."""

    id: str
    register: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """A plan or no-go area that meets us and is not of lower priority."""

    id: str
    outranks: bool = False
    """Of higher priority than ours, or a no-go area."""
    coordinated: bool | None = None
    """What its owner says of it; True for whatever is final where it stands (foreign suppliers,
    no-go areas), None if nothing is known."""
    off_nominal: bool = False
    """Its aircraft is not where its plan said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due(Generic[S]):
    """A look that the placement needs next.

    The shell reads ``register`` for the own reference and, unless ``against`` is None, for
    everything relevant to ``against`` and ``write`` together (the register demands their OVNs in
    the key); it judges the details against ``against`` alone. What also meets ``exempt`` does not
    block.
    """

    register: int
    aim: Aim
    asked: int
    """The last request there, or the last alarm, when this was due: a look that a later one has
    overtaken is dropped."""
    write: S | None = None
    against: S | None = None
    exempt: S | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Generic[S]):
    """What a read of one register showed."""

    due: Due[S]
    own_ovn: str | None = None
    """OVN of our own reference there; None if it is not there."""
    blockers: tuple[Blocker, ...] = ()
    unknown: frozenset[str] = frozenset()
    """Relevant entities whose details do not match the reference, or are not to be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement(Generic[S]):
    """One intent id, on its way through all registers."""

    phase: Phase
    slots: tuple[Slot[S], ...]
    """In the order of the agreement; the first is the gate."""
    own: int | None
    """Which of them is in our own node."""
    want: S
    """What the registers are to hold now."""
    base: S | None = None
    """What counts: every register holds it (audits apart), so others are shut out of it."""
    goal: S | None = None
    """During a change: what shall count and remain. ``want`` is then its union with ``base``."""
    activating: bool = False
    after: Phase | None = None
    """RELEASING without ``base``: where that leads."""
    blocker: Blocked | None = None
    """Why it waits or was refused; in other phases, why the last change was."""
    seen: frozenset[int] = frozenset()
    """NEW: registers found clear. WAITING: registers where the blocker stands."""
    recheck: frozenset[int] = frozenset()
    """Registers that accepted something that meets us and is not judged yet."""
    heard: frozenset[int] = frozenset()
    """The same, heard of while placing: judged once the new volumes count."""
    alarms: int = 0
    """How often registers were heard of."""
    displaced_by: str | None = None
    number: int = 0
    """The last request's."""
    resting: tuple[tuple[str, Slot[S]], ...] = ()
    """What was known of registers that do not count for the time being, by id: it stands there."""

    @property
    def coordinated(self) -> S | None:
        """What may be shown as coordinated; None while that is open, displaced or not reached, and
        while the aircraft is not where the plan said.
        """
        if self.recheck or self.displaced_by is not None or self.off_nominal:
            return None
        return self.base

    @property
    def off_nominal(self) -> bool:
        """Whether what stands says that the aircraft is not where the plan said."""
        return self.base is not None and self.base.off_nominal

    @property
    def target(self) -> S:
        """What shall count once every register holds ``want``."""
        return self.want if self.goal is None else self.goal

    @property
    def activation_begun(self) -> bool:
        """Whether a register may have been told that the plan is Activated.

        Then it is finished whatever stands in the way, in any order: there is no way back to
        Accepted, and its volumes are the coordinated ones, so it takes nothing from anybody. Any
        register tells, not the gate alone: one that lost us is first given an Accepted entry again.
        """
        base = self.base
        if not self.activating or base is None:
            return False
        told = (*self.slots, *(slot for _, slot in self.resting))
        return not all(slot.holds(base) for slot in told)

    @property
    def last_look(self) -> int:
        """The register of the last look: our own, or the pool's."""
        return 0 if self.own is None else self.own


def due(placement: Placement[S]) -> tuple[Due[S], ...]:
    """Return the looks that the placement needs next; none when it rests or waits for answers.

    The shell may take them in any order and at the same time, but one at a time per register.
    """
    looks = _DUE_OF_PHASE.get(placement.phase, _nothing)(placement)
    base = placement.base
    # Nothing takes its place while the aircraft is elsewhere; what came is judged on its return.
    if base is not None and placement.displaced_by is None and not base.off_nominal:
        looks += tuple(
            _due(placement, r, Aim.RECHECK, against=base) for r in sorted(placement.recheck)
        )
    return looks


def _due(
    placement: Placement[S],
    register: int,
    aim: Aim,
    *,
    write: S | None = None,
    against: S | None = None,
) -> Due[S]:
    base = placement.base
    listening = aim in (Aim.SETTLE, Aim.RECHECK)
    return Due(
        register=register,
        aim=aim,
        asked=placement.alarms if listening else placement.slots[register].asked,
        write=write,
        against=against,
        # In the air, a change is allowed that brings no new conflict. What we strayed into is one.
        exempt=base.nominal if aim is Aim.PLACE and base is not None and base.flying else None,
    )


def _nothing(_: Placement[S]) -> tuple[Due[S], ...]:
    return ()


def _due_new(placement: Placement[S]) -> tuple[Due[S], ...]:
    return tuple(
        _due(placement, r, Aim.JUDGE, against=placement.want)
        for r in range(len(placement.slots))
        if r not in placement.seen
    )


def in_turn(placement: Placement[S]) -> tuple[int, ...]:
    """Return the registers to write next while placing: the gate, and then all others at once."""
    missing = tuple(r for r, s in enumerate(placement.slots) if not s.holds(placement.want))
    gate_first = missing[:1] == (0,) and not placement.activation_begun
    return missing[:1] if gate_first else missing


def _due_placing(placement: Placement[S]) -> tuple[Due[S], ...]:
    turn = in_turn(placement)
    if not turn and all(s.awaited is None for s in placement.slots):
        settle = _due(placement, placement.last_look, Aim.SETTLE, against=placement.target)
        return (settle,)
    return tuple(
        _due(placement, r, Aim.PLACE, write=placement.want, against=placement.target)
        for r in turn
        if placement.slots[r].awaited is None
    )


def _due_keeping(placement: Placement[S]) -> tuple[Due[S], ...]:
    return tuple(
        _due_keeping_at(placement, r)
        for r, slot in enumerate(placement.slots)
        if slot.awaited is None and not slot.holds(placement.want)
    )


def _due_keeping_at(placement: Placement[S], r: int) -> Due[S]:
    want = placement.want
    if not want.off_nominal:
        return _due(placement, r, Aim.KEEP, write=want, against=want)
    if placement.slots[r].state is not SlotState.ABSENT:
        return _due(placement, r, Aim.KEEP, write=want)  # A fact needs no judgement and no key.
    return _due(placement, r, Aim.KEEP, write=want.first, against=want)


def _due_releasing(placement: Placement[S]) -> tuple[Due[S], ...]:
    if placement.off_nominal:
        return _due_keeping(placement)
    if placement.base is not None:
        left = [r for r, s in enumerate(placement.slots) if not s.holds(placement.want)]
        keeping = _due_keeping(placement)
        return tuple(look for look in keeping if look.register != 0 or left == [0])
    left = [r for r, s in enumerate(placement.slots) if s.state is not SlotState.ABSENT]
    looks = tuple(
        _due(placement, r, Aim.RELEASE)
        for r in left
        if placement.slots[r].awaited is None and (r != 0 or left == [0])
    )
    if placement.after is Phase.WAITING and placement.blocker is not None:
        register = placement.blocker.register
        looks += (_due(placement, register, Aim.WATCH, against=placement.want),)
    return looks


def _due_waiting(placement: Placement[S]) -> tuple[Due[S], ...]:
    return tuple(
        _due(placement, r, Aim.WATCH, against=placement.want) for r in range(len(placement.slots))
    )


_DUE_OF_PHASE = {
    Phase.NEW: _due_new,
    Phase.PLACING: _due_placing,
    Phase.RELEASING: _due_releasing,
    Phase.WAITING: _due_waiting,
    Phase.COORDINATED: _due_keeping,
    Phase.SHRINKING: _due_keeping,
    Phase.DISPLACED: _due_keeping,
}
