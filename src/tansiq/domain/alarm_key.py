"""What alarms are about: their kinds and levels, and names that every node gives alike."""

import uuid
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final, NewType

from tansiq.domain.track import Address
from tansiq.errors import BadInput

Subject = NewType("Subject", str)
"""A UUID in canonical lower case: an intent, a constraint, or an aircraft by its address."""
NOBODY: Final = Subject("00000000-0000-0000-0000-000000000000")
"""The other subject of an alarm that has one."""
_ADDRESSES: Final = uuid.UUID("6e0b4cfa-6a77-5d0c-9a3e-0d2f3a3b5c11")
"""The name space of aircraft without a plan: part of the protocol, never changed."""


class Level(IntEnum):
    """How urgent; of two, the greater holds."""

    ADVISORY = 1
    CAUTION = 2
    WARNING = 3


class AlarmKind(StrEnum):
    """What is wrong; a closed list, the word of the note."""

    CONFLICT_PREDICTED = "conflict-predicted"
    SEPARATION_LOST = "separation-lost"
    NO_GO_ENTRY_PREDICTED = "no-go-entry-predicted"
    NO_GO_ENTERED = "no-go-entered"
    LEFT_VOLUME = "left-volume"
    EARLY = "early"
    OVER_RUN = "over-run"
    OFF_LEVEL = "off-level"
    NO_PLAN = "no-plan"
    UNKNOWN_INBOUND = "unknown-inbound"
    DRONE_SIGHTING = "drone-sighting"
    FEED_LOST = "feed-lost"
    TRACK_LOST = "track-lost"
    TEST = "test"
    """Nothing is wrong: a person tries out lamps and sounds."""


def subject_of(address: Address) -> Subject:
    """Return the name of an aircraft that has no plan: the same on every node."""
    return Subject(str(uuid.uuid5(_ADDRESSES, address)))


@dataclass(frozen=True, slots=True, order=True)
class AlarmKey:
    """What an alarm is about; ``key`` makes it of subjects in any order.

    Raises:
        BadInput: the subjects are not UUIDs as notes spell them, not in order, or one and the same.
    """

    kind: AlarmKind
    one: Subject
    other: Subject

    def __post_init__(self) -> None:
        for name in ("one", "other"):
            text = getattr(self, name)
            try:
                canonical = str(uuid.UUID(text)) == text
            except ValueError:
                canonical = False
            if not canonical:
                raise BadInput(f"{text[:60]!r} is no UUID in lower case", field=name)
        if self.one >= self.other:
            raise BadInput("the two are not in ascending order", field="other")


def key(kind: AlarmKind, subject: Subject, other: Subject = NOBODY) -> AlarmKey:
    """Return the key of an alarm; the order of the two does not matter."""
    return AlarmKey(kind, min(subject, other), max(subject, other))
