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


_OFF_NOMINAL = frozenset({IntentState.NONCONFORMING, IntentState.CONTINGENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A ``placement.Space``: the volume sets of one plan, by number, ascending."""

    parts: tuple[int, ...]
    state: IntentState
    priority: int
    off_parts: tuple[int, ...] = ()
    """Where its aircraft may be besides, while it is Nonconforming or Contingent."""

    @property
    def flying(self) -> bool:
        """Whether the aircraft may be in the air."""
        return self.state is not IntentState.ACCEPTED

    @property
    def off_nominal(self) -> bool:
        """Whether the aircraft is not where the plan said."""
        return self.state in _OFF_NOMINAL

    @property
    def nominal_parts(self) -> tuple[int, ...]:
        """The volume sets that stand as nominal volumes; a Contingent plan has none any more."""
        return () if self.state is IntentState.CONTINGENT else self.parts

    @property
    def standing(self) -> tuple[int, ...]:
        """All volume sets that stand, nominal ones first."""
        return (*self.nominal_parts, *self.off_parts)

    @property
    def nominal(self) -> "Claim":
        """Return the plan without where its aircraft has strayed to, Activated."""
        return Claim(parts=self.parts, state=IntentState.ACTIVATED, priority=self.priority)

    @property
    def first(self) -> "Claim":
        """Return the nominal volumes, in the state in which registers take a new entry; all volumes
        of a plan that has no nominal ones any more.
        """
        parts = self.nominal_parts or self.off_parts
        return Claim(parts=parts, state=IntentState.ACCEPTED, priority=self.priority)

    def union(self, other: "Claim") -> "Claim":
        """Return a claim on both volume sets, in the further state, at the greater priority."""
        return Claim(
            parts=tuple(sorted({*self.parts, *other.parts})),
            state=max(self.state, other.state, key=_ORDER.index),
            priority=max(self.priority, other.priority),
            off_parts=tuple(sorted({*self.off_parts, *other.off_parts})),
        )
