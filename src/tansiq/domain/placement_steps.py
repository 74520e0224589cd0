"""The planner's state table: each event takes a placement to its next state.

Pure functions of a placement and an event. A ``Step`` with a request is stored first, request
included, and sent after the commit: whatever stops the node in between, ``restarted`` knows that
something may be on its way. For the register in our own node the shell runs the read, ``looked``,
the write and ``answered`` in one transaction, and so it does with the read and ``looked`` of a
SETTLE or RECHECK there.

Three rules carry the safety. A request never names, in its key, a plan that blocks. Only a direct
2xx to the latest request makes a slot HELD; what a read shows never does. A doubt is ended by a
further write under the OVN that stands there, which kills every older write still on its way.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic

from tansiq.domain.placement import (
    Aim,
    Blocked,
    Blocker,
    Confirmed,
    Kind,
    Look,
    News,
    Outcome,
    Phase,
    Placement,
    Request,
    S,
    Slot,
    SlotState,
    View,
    due,
    in_turn,
)
from tansiq.errors import WrongState


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


# ---- what users and the node itself start ---------------------------------------------------


def declare(want: S, *, registers: int, own: int | None) -> Placement[S]:
    """Return a new plan, not yet looked at anywhere."""
    return Placement(phase=Phase.NEW, slots=(Slot(),) * registers, own=own, want=want)


def end(placement: Placement[S]) -> Step[S]:
    """The user ends the plan: it counts no more from now on, and leaves the registers."""
    if placement.phase is Phase.ENDED:
        return Step(placement=placement)
    return _release(placement, Phase.ENDED, None)


def change(placement: Placement[S], want: S) -> Step[S]:
    """Change the plan to ``want``: grow to cover both, then give back what is left over.

    A plan that is not coordinated yet starts again with the new volumes.

    Raises:
        WrongState: the plan has ended, is being changed or activated already, or stands in the
            registers at another priority.
    """
    base = placement.base
    if base is not None and want.priority != base.priority:
        # Old volumes at a new priority would meet, as equals, what was judged lower or higher.
        raise WrongState("the priority of a plan that stands is fixed; end it and submit it anew")
    if placement.phase in (Phase.COORDINATED, Phase.DISPLACED) and base is not None:
        union = base.union(want)
        slots = placement.slots
        if placement.phase is Phase.DISPLACED:
            # What stands already was judged before the other came: judge and write it again.
            slots = tuple(_doubted(s) if s.holds(union) else s for s in slots)
        changed = replace(
            placement, phase=Phase.PLACING, want=union, goal=want, slots=slots, blocker=None
        )
        return Step(placement=changed, news=News.PLACING)
    if base is not None:
        raise WrongState("a change is still being placed; wait until it is done, or end the plan")
    if placement.phase is Phase.ENDED or placement.after is Phase.ENDED:
        raise WrongState("the plan has ended; submit a new one")
    return _release(replace(placement, want=want), Phase.NEW, None)


def activate(placement: Placement[S], space: S) -> Step[S]:
    """Activate a coordinated plan; ``space`` is the same volumes in state Activated.

    Raises:
        WrongState: it is not coordinated everywhere, or something that meets it is not judged yet.
    """
    if placement.coordinated == space and placement.phase is Phase.COORDINATED:
        return Step(placement=placement)
    held = all(s.holds(placement.want) for s in placement.slots)
    if placement.phase is not Phase.COORDINATED or placement.coordinated is None or not held:
        raise WrongState(
            f"a plan that is {placement.phase} cannot be activated; it must be coordinated, "
            "and every register must hold it"
        )
    changed = replace(
        placement, phase=Phase.PLACING, want=space, goal=space, activating=True, blocker=None
    )
    return Step(placement=changed, news=News.PLACING)


def hold_limit(placement: Placement[S]) -> Step[S]:
    """A register was out of reach too long while placing: stop shutting others out of the space.

    An activation is never taken back, only resumed.
    """
    if placement.phase is not Phase.PLACING or placement.activating:
        return Step(placement=placement)
    if placement.base is not None:
        return _give_up_change(placement, None)
    return _release(placement, Phase.NEW, None)


def restarted(placement: Placement[S]) -> Step[S]:
    """The node came back: of a request noted as sent, nobody knows whether it was."""
    return Step(placement=replace(_forget(placement), seen=frozenset()))


def recheck(placement: Placement[S], register: int) -> Step[S]:
    """A register accepted something of others that meets the plan.

    For our own register this runs in the transaction that accepts; for others when their
    notification comes. From here on the plan is not shown as coordinated.
    """
    alarmed = replace(placement, alarms=placement.alarms + 1)
    if placement.phase is Phase.PLACING and register != placement.own:
        # At our own the last look will see it.
        alarmed = replace(alarmed, heard=placement.heard | {register})
    if placement.base is not None and placement.displaced_by is None:
        alarmed = replace(alarmed, recheck=placement.recheck | {register})
    return Step(placement=alarmed)


# ---- what registers answer ------------------------------------------------------------------


def answered(
    placement: Placement[S],
    register: int,
    number: int,
    outcome: Outcome,
    *,
    confirmed: Confirmed | None = None,
) -> Step[S]:
    """Take in a direct answer; ``confirmed`` comes with the 2xx to a create or update.

    Answers to requests that are no longer awaited change nothing.
    """
    request = placement.slots[register].awaited
    if request is None or request.number != number:
        return Step(placement=placement)
    slot = replace(placement.slots[register], awaited=None)
    if request.kind is Kind.DELETE and outcome in (Outcome.OK, Outcome.GONE):
        slot = Slot(asked=slot.asked)
    elif outcome is Outcome.OK and request.space is not None and confirmed is not None:
        view = View(
            space=request.space,
            ovn=confirmed.ovn,
            version=confirmed.version,
            subscription_id=confirmed.subscription_id,
        )
        slot = replace(slot, state=SlotState.HELD, view=view)
    elif outcome is not Outcome.MISSING:
        slot = _doubted(slot)
    return _arrived(_with_slot(placement, register, slot))


def timed_out(placement: Placement[S], register: int, number: int) -> Step[S]:
    """No answer within the limit, or the connection broke: the request may still arrive."""
    request = placement.slots[register].awaited
    if request is None or request.number != number:
        return Step(placement=placement)
    slot = _doubted(placement.slots[register])
    return Step(placement=_with_slot(placement, register, slot))


def unsent(placement: Placement[S], register: int, number: int) -> Step[S]:
    """No connection came about: the request never left us, and all is as before it."""
    slot = placement.slots[register]
    if slot.awaited is None or slot.awaited.number != number:
        return Step(placement=placement)
    return Step(placement=_with_slot(placement, register, replace(slot, awaited=None)))


def swept(placement: Placement[S], register: int, own_ovn: str | None, *, asked: int) -> Step[S]:
    """Compare a register with what we believe: strays of ours, and entries that it has lost.

    ``own_ovn`` is None if nothing of ours stands there; ``asked`` is ``Slot.asked`` from before
    the read, so that a look which a request has overtaken changes nothing.
    """
    slot = placement.slots[register]
    if slot.awaited is not None or slot.asked != asked:
        return Step(placement=placement)
    if slot.state is SlotState.HELD and slot.view is not None and own_ovn != slot.view.ovn:
        doubted = _with_slot(placement, register, _doubted(slot))
        return Step(placement=doubted, news=News.LOST)
    placing = placement.phase is Phase.PLACING
    if slot.state is not SlotState.ABSENT or own_ovn is None:
        return Step(placement=placement)
    if placing and register in in_turn(placement):
        return Step(placement=placement)  # The write that is due there takes it over.
    doubted = _with_slot(placement, register, _doubted(slot))
    if placement.phase is Phase.RELEASING or placement.base is not None:
        return Step(placement=doubted, news=News.STRAY)
    step = _release(doubted, placement.phase, placement.blocker)
    return replace(step, news=News.STRAY)


def looked(placement: Placement[S], look: Look[S]) -> Step[S]:
    """Decide on what a read showed; a look that is no longer due changes nothing."""
    if look.due not in due(placement):
        return Step(placement=placement)
    return _DECIDE[look.due.aim](placement, look)


# ---- what each kind of look leads to --------------------------------------------------------


def _judged(placement: Placement[S], look: Look[S]) -> Step[S]:
    if look.blockers:
        return _wait(placement, look)
    seen = placement.seen | {look.due.register}
    if len(seen) < len(placement.slots):
        return Step(placement=replace(placement, seen=seen))
    placing = replace(placement, phase=Phase.PLACING, seen=frozenset(), blocker=None)
    return Step(placement=placing, news=News.PLACING)


def _placed(placement: Placement[S], look: Look[S]) -> Step[S]:
    if placement.activation_begun:
        return _kept(placement, look)
    if look.blockers:
        return _blocked(placement, look)
    if look.unknown:
        return Step(placement=placement, news=News.UNKNOWN)
    return _write(placement, look)


def _settled(placement: Placement[S], look: Look[S]) -> Step[S]:
    """All registers hold ``want``: from here on the target counts."""
    register = look.due.register
    slot = placement.slots[register]
    if slot.view is not None and look.own_ovn != slot.view.ovn:
        return swept(placement, register, look.own_ovn, asked=slot.asked)
    if look.unknown:
        return Step(placement=placement, news=News.UNKNOWN)
    target, changing = placement.target, placement.base is not None
    news = News.COORDINATED
    if changing:
        news = News.ACTIVATED if placement.activating else News.CHANGED
    outranking = _outranking(look)
    recheck = (placement.recheck | placement.heard) - {register}
    if outranking is not None:
        recheck = frozenset()
    elif placement.displaced_by is not None:
        # This look cannot tell whether what displaced it elsewhere is cleared.
        recheck = frozenset(range(len(placement.slots))) - {register}
    settled = replace(
        placement,
        phase=Phase.SHRINKING,
        base=target,
        want=target,
        goal=None,
        activating=False,
        recheck=recheck,
        heard=frozenset(),
        displaced_by=outranking,
    )
    step = _arrived(settled)
    return replace(step, news=News.DISPLACED if outranking is not None else news)


def _kept(placement: Placement[S], look: Look[S]) -> Step[S]:
    if look.unknown:
        return Step(placement=placement, news=News.UNKNOWN)
    # Where our entry stands it covers what is written, so nothing new is taken. Where it was lost,
    # whoever came since is kept out of some other register by us and must give way; what outranks
    # us is named, for it displaces us anyway and waiting for it would never end.
    if look.own_ovn is None and any(not b.outranks for b in look.blockers):
        return Step(placement=placement, news=News.BLOCKED)
    return _write(placement, look)


def _released(placement: Placement[S], look: Look[S]) -> Step[S]:
    register = look.due.register
    if look.own_ovn is not None:
        return _send(placement, register, Kind.DELETE, None, look.own_ovn)
    return _arrived(_with_slot(placement, register, Slot(asked=placement.slots[register].asked)))


def _watched(placement: Placement[S], look: Look[S]) -> Step[S]:
    blocker, register = placement.blocker, look.due.register
    if blocker is None or blocker.id in look.unknown:
        return Step(placement=placement)
    standing = next((b for b in look.blockers if b.id == blocker.id), None)
    if standing is None:
        if register == blocker.register:
            # A release, if one is under way, is broken off: every doubt is ended by a write.
            again = replace(_forget(placement), phase=Phase.PLACING, after=None, seen=frozenset())
            return Step(placement=replace(again, blocker=None), news=News.PLACING)
        return Step(placement=replace(placement, seen=placement.seen - {register}))
    if placement.phase is Phase.RELEASING:
        return Step(placement=placement)
    return _wait_for(placement, standing, register)


def _rechecked(placement: Placement[S], look: Look[S]) -> Step[S]:
    if look.unknown:
        return Step(placement=placement, news=News.UNKNOWN)
    outranking = _outranking(look)
    if outranking is None:
        judged = placement.recheck - {look.due.register}
        return Step(placement=replace(placement, recheck=judged))
    phase = Phase.DISPLACED if placement.phase is Phase.COORDINATED else placement.phase
    displaced = replace(placement, phase=phase, recheck=frozenset(), displaced_by=outranking)
    return Step(placement=displaced, news=News.DISPLACED)


_DECIDE: dict[Aim, Callable[[Placement[Any], Look[Any]], Step[Any]]] = {
    Aim.JUDGE: _judged,
    Aim.PLACE: _placed,
    Aim.SETTLE: _settled,
    Aim.KEEP: _kept,
    Aim.RELEASE: _released,
    Aim.WATCH: _watched,
    Aim.RECHECK: _rechecked,
}


# ---- moves that several of them share -------------------------------------------------------


def _outranking(look: Look[S]) -> str | None:
    return next((b.id for b in look.blockers if b.outranks), None)


def _blocked(placement: Placement[S], look: Look[S]) -> Step[S]:
    register = look.due.register
    blocked = Blocked(id=look.blockers[0].id, register=register)
    if placement.base is not None:
        return _give_up_change(placement, blocked)
    slot = placement.slots[register]
    if slot.state is SlotState.ABSENT and look.own_ovn is not None:
        placement = _with_slot(placement, register, _doubted(slot))
    if all(s.state is SlotState.ABSENT and s.awaited is None for s in placement.slots):
        return _wait(placement, look)
    return _release(placement, Phase.WAITING, blocked)


def _give_up_change(placement: Placement[S], blocked: Blocked | None) -> Step[S]:
    """Go back to what was coordinated; it counted all the while."""
    news = News.ACTIVATION_REFUSED if placement.activating else News.CHANGE_REFUSED
    given_up = replace(
        _forget(placement),
        phase=Phase.RELEASING,
        want=placement.base if placement.base is not None else placement.want,
        goal=None,
        activating=False,
        heard=frozenset(),
        blocker=blocked,
    )
    return replace(_arrived(given_up), news=news)


def _wait(placement: Placement[S], look: Look[S]) -> Step[S]:
    """Wait for the first blocker, or be refused by one that is final; nothing of ours stands."""
    blocker = next((b for b in look.blockers if b.coordinated), look.blockers[0])
    return _wait_for(replace(placement, seen=frozenset()), blocker, look.due.register)


def _wait_for(placement: Placement[S], blocker: Blocker, register: int) -> Step[S]:
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


def _release(placement: Placement[S], after: Phase, blocked: Blocked | None) -> Step[S]:
    """Leave all registers, then go on to ``after``."""
    leaving = replace(
        _forget(placement),
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
        return replace(_arrived(leaving), retired=False)  # Nothing was ever written.
    return Step(placement=leaving, news=News.RELEASING)


def _arrived(placement: Placement[S]) -> Step[S]:
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


def _write(placement: Placement[S], look: Look[S]) -> Step[S]:
    kind = Kind.CREATE if look.own_ovn is None else Kind.UPDATE
    return _send(placement, look.due.register, kind, look.due.write, look.own_ovn)


def _send(
    placement: Placement[S], register: int, kind: Kind, space: S | None, ovn: str | None
) -> Step[S]:
    number = placement.number + 1
    request = Request(number=number, register=register, kind=kind, space=space, ovn=ovn)
    slot = replace(placement.slots[register], awaited=request, asked=number)
    sent = replace(_with_slot(placement, register, slot), number=number)
    return Step(placement=sent, request=request)


def _forget(placement: Placement[S]) -> Placement[S]:
    """Await nothing more: what was sent becomes a stray, and its register doubtful."""
    slots = tuple(_doubted(s) if s.awaited is not None else s for s in placement.slots)
    return replace(placement, slots=slots)


def _doubted(slot: Slot[S]) -> Slot[S]:
    return replace(slot, state=SlotState.DOUBT, awaited=None)


def _with_slot(placement: Placement[S], register: int, slot: Slot[S]) -> Placement[S]:
    slots = placement.slots
    return replace(placement, slots=(*slots[:register], slot, *slots[register + 1 :]))
