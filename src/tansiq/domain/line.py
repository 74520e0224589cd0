"""The line between two parties: what its state is, who keeps it so, and what has been stopped.

Each side has a *stance*, said by its last ``line`` note; the state of the line is what follows from
both. Folded from notes in their common order, so both ends see the same once both hold the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Saying, Stage, Thread


class Stance(StrEnum):
    """What one side says of the line."""

    OPEN = "open"
    DEGRADED = "degraded"
    """It works badly: expect delay, use the voice line as well."""
    EXERCISE = "exercise"
    """Practice may be sent; it is one once both sides say so."""
    SUSPENDED = "suspended"
    """Nothing is answered here until it is opened again; stop and all-clear still go."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One side's stance, and the note that said it; None: nothing was ever said, hence open."""

    stance: Stance = Stance.OPEN
    note: NoteID | None = None
    since: int | None = None
    """Microseconds UTC, by the clock of that side."""


_NOTHING: Final = Said()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """The line as it is."""

    parties: tuple[str, str]
    stances: Mapping[str, Said] = field(default_factory=dict)
    latest: Mapping[str, tuple[int, str, str]] = field(default_factory=dict)
    """The order of each stance's note."""

    def stance(self, party: str) -> Said:
        """Return what a party says of the line."""
        return self.stances.get(party, _NOTHING)

    @property
    def state(self) -> Stance:
        """What follows from both stances: the worse of the two; exercise only if both say so."""
        stances = [self.stance(party).stance for party in self.parties]
        for worst in (Stance.CLOSED, Stance.SUSPENDED):
            if worst in stances:
                return worst
        if all(stance is Stance.EXERCISE for stance in stances):
            return Stance.EXERCISE
        return Stance.DEGRADED if Stance.DEGRADED in stances else Stance.OPEN

    @property
    def by(self) -> tuple[str, ...]:
        """Who keeps the line in its state, in the order of the parties."""
        return tuple(p for p in self.parties if self.stance(p).stance is self.state)

    @property
    def practising(self) -> bool:
        """Whether notes in exercise mode may pass."""
        return self.state is Stance.EXERCISE

    def heard(self, said: Saying) -> "LineState":
        """Return the line after one more ``line`` note, in whatever order they come."""
        if said.kind is not Kind.LINE or said.mode is not Mode.LIVE:
            return self
        if said.order < self.latest.get(said.sender, (0, "", "")):
            return self
        stance = Stance(said.word.partition("/")[2])
        return replace(
            self,
            stances={
                **self.stances,
                said.sender: Said(stance=stance, note=said.id, since=said.time),
            },
            latest={**self.latest, said.sender: said.order},
        )


FLOWING: Final = frozenset({Stance.OPEN, Stance.DEGRADED, Stance.EXERCISE})
ALWAYS: Final = frozenset(
    {
        Kind.STOP,
        Kind.ALL_CLEAR,
        Kind.LINE,
        Kind.AGREEMENT,
        Kind.RECEIPT,
        Kind.REFUSAL,
        Kind.CLOCK,
        Kind.GAP,
        Kind.ALARM,
        Kind.ALARM_ACK,
        Kind.SEEN,
        Kind.CONFIRM,
    }
)
"""What goes through in every state: nobody may suspend a stop."""


ENDING: Final = frozenset({Kind.ALL_CLEAR, Kind.WITHDRAW, Kind.SEEN})
"""What ends practice that an exercise left open, also once the exercise is over."""


def refused(line: LineState, kind: Kind, mode: Mode) -> str | None:
    """Return why our own side sends no such note on the line as it is; None: it may.

    What comes from the other side is never turned away for this: it is taken, and shown with the
    state of the line.
    """
    if mode is Mode.EXERCISE and not line.practising:
        return None if kind in ENDING else "not-in-exercise"
    if kind in ALWAYS or line.state in FLOWING:
        return None
    return f"line-{line.state}"


def stopped(threads: Iterable[Thread]) -> tuple[Thread, ...]:
    """Return the stops that nobody has cleared; live ones and those of an exercise alike."""
    return tuple(
        thread
        for thread in threads
        if thread.kind is Kind.STOP and thread.stage is not Stage.CLEARED
    )
