"""Where a plan stands, in the words that people read."""

from tansiq.domain.agreement import Agreement
from tansiq.domain.placement import Phase, Placement, SlotState
from tansiq.services.planning.claim import Claim
from tansiq.services.views import RegisterView, Status

_PLAIN = {
    Phase.NEW: Status.UNCOORDINATED,
    Phase.WAITING: Status.WAITING,
    Phase.REFUSED: Status.REFUSED,
    Phase.ENDED: Status.ENDED,
    Phase.DISPLACED: Status.DISPLACED,
}
_RELEASING_TO = {
    Phase.ENDED: Status.ENDING,
    Phase.WAITING: Status.WAITING,
    Phase.REFUSED: Status.REFUSED,
    Phase.NEW: Status.UNCOORDINATED,
}


def status_of(placement: Placement[Claim]) -> Status:
    """Return the one word; only a plan that every register holds is ``coordinated``."""
    if placement.phase in _PLAIN:
        return _PLAIN[placement.phase]
    if placement.displaced_by is not None:
        return Status.DISPLACED
    if placement.phase is Phase.RELEASING and placement.base is None:
        return _RELEASING_TO.get(placement.after or Phase.NEW, Status.UNCOORDINATED)
    if placement.recheck:
        return Status.RECHECKING
    if placement.phase in (Phase.COORDINATED, Phase.SHRINKING):
        return Status.COORDINATED
    return Status.PLACING if placement.base is None else Status.CHANGING


def register_views(placement: Placement[Claim], agreement: Agreement) -> tuple[RegisterView, ...]:
    """Return what each register holds, as far as direct answers tell."""
    views = []
    for register, slot in zip(agreement.registers, placement.slots, strict=True):
        if slot.state is SlotState.ABSENT:
            holds = "nothing"
        elif slot.state is SlotState.DOUBT or slot.awaited is not None:
            holds = "unknown"
        else:
            holds = "current" if slot.holds(placement.want) else "other"
        views.append(RegisterView(id=register.id, holds=holds))
    return tuple(views)


SETTLED = frozenset({Status.COORDINATED, Status.REFUSED, Status.DISPLACED, Status.ENDED})
"""Nothing goes on any more that would end by itself."""
