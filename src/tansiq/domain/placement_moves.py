"""The moves that several steps of the state table share: release, write, wait, give a change up.

Each takes a placement and returns the next one, or a ``Step``; ``placement_steps`` says when.
"""

from dataclasses import dataclass, replace
from typing import Generic

from tansiq.domain.placement import (
    Blocked,
    Blocker,
    Kind,
    Look,
    News,
    Phase,
    Placement,
    Request,
    S,
    Slot,
    SlotState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[S]):
    """What an event made of a placement."""

    placement: Placement[S]
    request: Request[S] | None = None
    """To be sent once ``placement`` is stored; its key is the OVNs of what the look judged."""
    news: News | None = None
    retired: bool = False
    """Everything was released: the next attempt needs a fresh intent id, because readers cache
    details by id and version. Keep the old id as an ENDED placement, so that strays are swept."""


def outranking(look: Look[S]) -> str | None:
    return next((b.id for b in look.blockers if b.outranks), None)


def blocked(placement: Placement[S], look: Look[S]) -> Step[S]:
    register = look.due.register
    blocked = Blocked(id=look.blockers[0].id, register=register)
    if placement.base is not None:
        return give_up_change(placement, blocked)
    slot = placement.slots[register]
    if slot.state is SlotState.ABSENT and look.own_ovn is not None:
        placement = with_slot(placement, register, doubted(slot))
    if all(s.state is SlotState.ABSENT and s.awaited is None for s in placement.slots):
        return wait(placement, look)
    return release(placement, Phase.WAITING, blocked)


def give_up_change(placement: Placement[S], blocked: Blocked | None) -> Step[S]:
    """Go back to what was coordinated; it counted all the while."""
    activating = placement.activating or placement.off_nominal
    news = News.ACTIVATION_REFUSED if activating else News.CHANGE_REFUSED
    given_up = replace(
        forget(placement),
        phase=Phase.RELEASING,
        want=placement.base if placement.base is not None else placement.want,
        goal=None,
        activating=False,
        heard=frozenset(),
        blocker=blocked,
    )
    return replace(arrived(given_up), news=news)


def wait(placement: Placement[S], look: Look[S]) -> Step[S]:
    """Wait for the first blocker, or be refused by one that is final; nothing of ours stands."""
    blocker = next((b for b in look.blockers if b.coordinated), look.blockers[0])
    return wait_for(replace(placement, seen=frozenset()), blocker, look.due.register)


def wait_for(placement: Placement[S], blocker: Blocker, register: int) -> Step[S]:
    seen = placement.seen | {register}
    if blocker.coordinated or len(seen) == len(placement.slots):
        blocked = Blocked(id=blocker.id, register=register)
        refused = replace(
            placement, phase=Phase.REFUSED, blocker=blocked, seen=frozenset(), heard=frozenset()
        )
        return Step(placement=refused, news=News.REFUSED)
    if placement.phase is Phase.WAITING:
        return Step(placement=replace(placement, seen=seen))
    waiting = replace(
        placement,
        phase=Phase.WAITING,
        blocker=Blocked(id=blocker.id, register=register),
        seen=seen,
        heard=frozenset(),
    )
    return Step(placement=waiting, news=News.WAITING)


def release(placement: Placement[S], after: Phase, blocked: Blocked | None) -> Step[S]:
    """Leave all registers, then go on to ``after``."""
    leaving = replace(
        forget(placement),
        phase=Phase.RELEASING,
        after=after,
        blocker=blocked,
        base=None,
        goal=None,
        activating=False,
        seen=frozenset(),
        recheck=frozenset(),
        heard=frozenset(),
        displaced_by=None,
    )
    if all(s.state is SlotState.ABSENT for s in leaving.slots):
        return replace(arrived(leaving), retired=False)  # Nothing was ever written.
    return Step(placement=leaving, news=News.RELEASING)


def arrived(placement: Placement[S]) -> Step[S]:
    """Leave RELEASING or SHRINKING once every register is as it should be."""
    if placement.base is not None:
        going = placement.phase in (Phase.RELEASING, Phase.SHRINKING)
        if not going or not all(s.holds(placement.want) for s in placement.slots):
            return Step(placement=placement)
        phase = Phase.COORDINATED if placement.displaced_by is None else Phase.DISPLACED
        return Step(placement=replace(placement, phase=phase))
    absent = all(s.state is SlotState.ABSENT for s in placement.slots)
    if placement.phase is not Phase.RELEASING or placement.after is None or not absent:
        return Step(placement=placement)
    done = replace(placement, phase=placement.after, after=None)
    news = {Phase.ENDED: News.ENDED, Phase.WAITING: News.WAITING}.get(done.phase)
    return Step(placement=done, news=news, retired=True)


def write(placement: Placement[S], look: Look[S]) -> Step[S]:
    space, register = look.due.write, look.due.register
    if look.own_ovn is None and space is not None:
        # A flight that a register lost is written twice: as a new plan, then as what it is.
        return send(placement, register, Kind.CREATE, space.first, None)
    return send(placement, register, Kind.UPDATE, space, look.own_ovn)


def send(
    placement: Placement[S], register: int, kind: Kind, space: S | None, ovn: str | None
) -> Step[S]:
    number = placement.number + 1
    request = Request(number=number, register=register, kind=kind, space=space, ovn=ovn)
    slot = replace(placement.slots[register], awaited=request, asked=number)
    sent = replace(with_slot(placement, register, slot), number=number)
    return Step(placement=sent, request=request)


def forget(placement: Placement[S]) -> Placement[S]:
    """Await nothing more: what was sent becomes a stray, and its register doubtful."""
    slots = tuple(doubted(s) if s.awaited is not None else s for s in placement.slots)
    return replace(placement, slots=slots)


def doubted(slot: Slot[S]) -> Slot[S]:
    return replace(slot, state=SlotState.DOUBT, awaited=None)


def with_slot(placement: Placement[S], register: int, slot: Slot[S]) -> Placement[S]:
    slots = placement.slots
    return replace(placement, slots=(*slots[:register], slot, *slots[register + 1 :]))
