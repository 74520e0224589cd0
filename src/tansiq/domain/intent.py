"""Operational intents and constraints as values, and the intents' state table."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from tansiq.domain.category import Category
from tansiq.domain.volume import Volumes
from tansiq.errors import BadInput, WrongState

EntityID = NewType("EntityID", str)
"""A UUIDv4 in canonical lower case; checked at the edge."""
OVN = NewType("OVN", str)
PartyID = NewType("PartyID", str)
"""The ``sub`` of a party's tokens, hence ``manager`` in F3548 messages."""


class IntentState(StrEnum):
    """F3548-21 states; *Ended* is deletion, not a wire state."""

    ACCEPTED = "Accepted"
    ACTIVATED = "Activated"
    NONCONFORMING = "Nonconforming"
    CONTINGENT = "Contingent"


NEEDS_KEY = frozenset({IntentState.ACCEPTED, IntentState.ACTIVATED})

_TRANSITIONS: dict[IntentState, frozenset[IntentState]] = {
    IntentState.ACCEPTED: frozenset(IntentState),
    IntentState.ACTIVATED: frozenset(
        {IntentState.ACTIVATED, IntentState.NONCONFORMING, IntentState.CONTINGENT}
    ),
    IntentState.NONCONFORMING: frozenset(
        {IntentState.NONCONFORMING, IntentState.ACTIVATED, IntentState.CONTINGENT}
    ),
    IntentState.CONTINGENT: frozenset({IntentState.CONTINGENT}),
}


def check_transition(old: IntentState | None, new: IntentState) -> None:
    """Check a change of state against the table; ``old`` is None for a new intent.

    Raises:
        BadInput: a new intent that is not Accepted.
        WrongState: the table has no such step.
    Source: F3548-21 state diagram, as worded in utm.yaml ``OperationalIntentState``.
    """
    if old is None:
        if new is not IntentState.ACCEPTED:
            raise BadInput(f"a new intent starts as Accepted, not {new}", field="state")
    elif new not in _TRANSITIONS[old]:
        raise WrongState(f"an intent that is {old} cannot become {new}", field="state")


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationalIntent:
    """A planned or flying operation: volumes and state, and nothing of its purpose.

    ``callsign``, ``formation`` and ``category`` are empty where they are not known; they are shared
    with agreement peers only.

    Raises:
        BadInput: no volumes where the state demands them.
    """

    id: EntityID
    manager: PartyID
    state: IntentState
    priority: int
    volumes: Volumes
    off_nominal_volumes: Volumes = ()
    callsign: str = ""
    formation: str = ""
    category: Category | None = None

    def __post_init__(self) -> None:
        if not self.volumes and self.state is not IntentState.CONTINGENT:
            raise BadInput("at least one volume is required", field="volumes")
        if self.off_nominal_volumes and self.state in NEEDS_KEY:
            raise BadInput(
                f"off-nominal volumes belong to Nonconforming and Contingent, not {self.state}",
                field="off_nominal_volumes",
            )

    @property
    def all_volumes(self) -> Volumes:
        """Where the aircraft may be: nominal and off-nominal."""
        return self.volumes + self.off_nominal_volumes


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A restriction of airspace by an authority: where nobody plans.

    Raises:
        BadInput: no volumes.
    """

    id: EntityID
    manager: PartyID
    volumes: Volumes
    name: str = ""

    def __post_init__(self) -> None:
        if not self.volumes:
            raise BadInput("at least one volume is required", field="volumes")
