"""What a plan asks of the registers: volume sets by number, with state and priority.

Numbers instead of volumes, because a placement names the same volumes in many slots and is stored
at every step.
"""

from dataclasses import dataclass

from tansiq.domain.intent import IntentState

_ORDER = (
    IntentState.ACCEPTED,
    IntentState.ACTIVATED,
    IntentState.NONCONFORMING,
    IntentState.CONTINGENT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A ``placement.Space``: the volume sets of one plan, by number, ascending."""

    parts: tuple[int, ...]
    state: IntentState
    priority: int

    @property
    def flying(self) -> bool:
        """Whether the aircraft may be in the air."""
        return self.state is not IntentState.ACCEPTED

    def union(self, other: "Claim") -> "Claim":
        """Return a claim on both volume sets, in the further state, at the greater priority."""
        return Claim(
            parts=tuple(sorted({*self.parts, *other.parts})),
            state=max(self.state, other.state, key=_ORDER.index),
            priority=max(self.priority, other.priority),
        )
