"""From what was found to an alarm: which kind it is, and how urgent.

Warnings are for what calls for an act now: a no-go area entered, or its entry within the stated
time, and an unknown aircraft within a ring that it must not enter. What is possible only, and not
certain, is one level lower.
"""

from dataclasses import dataclass
from typing import Final

from tansiq.domain.alarm_key import AlarmKind, Level
from tansiq.domain.conformance import Conformance, Status, Wanting
from tansiq.domain.crossing import Crossing
from tansiq.domain.ring import Approach, RingKind
from tansiq.domain.whereabouts import Within
from tansiq.errors import BadInput


@dataclass(frozen=True, slots=True)
class Cause:
    """What asks for an alarm, and at which level."""

    kind: AlarmKind
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How long before a predicted entry each level is asked for, seconds; bounds closed.

    Raises:
        BadInput: not in descending order, or negative.
    """

    caution_s: float = 60.0
    warning_s: float = 20.0

    def __post_init__(self) -> None:
        if not 0 <= self.warning_s <= self.caution_s < float("inf"):
            raise BadInput("is not from 0 to caution_s", field="warning_s")


_DEPARTED: Final = {
    Status.EARLY: AlarmKind.EARLY,
    Status.LEFT: AlarmKind.LEFT_VOLUME,
    Status.OFF_LEVEL: AlarmKind.OFF_LEVEL,
    Status.OVER_RUN: AlarmKind.OVER_RUN,
}


def of_conformance(found: Conformance) -> Cause | None:
    """Return what a verdict asks for: caution if it is certain, else advisory; None: nothing."""
    kind = _DEPARTED.get(found.status)
    if kind is not None:
        return Cause(kind, Level.CAUTION if found.certain else Level.ADVISORY)
    if found.wanting is Wanting.POSITION:
        return Cause(AlarmKind.TRACK_LOST, Level.CAUTION)
    return None


def of_no_go(within: Within, ahead: Crossing | None, when: Ahead) -> Cause | None:
    """Return what an aircraft in, near or on its way into a no-go area asks for."""
    if within >= Within.LIKELY_IN:
        return Cause(AlarmKind.NO_GO_ENTERED, Level.WARNING)
    if within is not Within.OUT:
        # It may be inside, by its errors or for want of a height.
        return Cause(AlarmKind.NO_GO_ENTERED, Level.CAUTION)
    level = _predicted(ahead, when)
    return None if level is None else Cause(AlarmKind.NO_GO_ENTRY_PREDICTED, level)


def of_approach(found: Approach, when: Ahead) -> Cause | None:
    """Return what an aircraft asks for that owes what a ring demands; see ``ring.asked_for``.

    The call ring is no more than a caution: whoever comes there has done nothing wrong yet.
    """
    inner = found.ring.kind is not RingKind.CALL
    level: Level | None
    if found.within >= Within.LIKELY_IN:
        level = Level.WARNING if inner else Level.CAUTION
    elif found.within is Within.LIKELY_OUT:
        level = Level.CAUTION if inner else Level.ADVISORY
    else:
        level = _predicted(found.crossing, when)
        if level is not None and not inner:
            level = Level.ADVISORY
    return None if level is None else Cause(AlarmKind.UNKNOWN_INBOUND, level)


def _predicted(ahead: Crossing | None, when: Ahead) -> Level | None:
    """Return the level of an entry to come: by the middle of the position, or else possibly."""
    if ahead is None:
        return None
    if ahead.likely_s is not None and ahead.likely_s <= when.warning_s:
        return Level.WARNING
    if ahead.likely_s is not None and ahead.likely_s <= when.caution_s:
        return Level.CAUTION
    if ahead.possible_s <= when.warning_s:
        return Level.CAUTION
    return Level.ADVISORY
