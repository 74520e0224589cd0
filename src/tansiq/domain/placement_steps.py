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
from dataclasses import replace
from typing import Any

from tansiq.domain import placement_moves as moves
from tansiq.domain.placement import (
    Aim,
    Confirmed,
    Kind,
    Look,
    News,
    Outcome,
    Phase,
    Placement,
    S,
    Slot,
    SlotState,
    View,
    due,
    in_turn,
)
from tansiq.domain.placement_moves import Step as Step
from tansiq.errors import WrongState

# ---- what users and the node itself start ---------------------------------------------------


def declare(want: S, *, registers: int, own: int | None) -> Placement[S]:
    """Return a new plan, not yet looked at anywhere."""
    return Placement(phase=Phase.NEW, slots=(Slot(),) * registers, own=own, want=want)


def end(placement: Placement[S]) -> Step[S]:
    """The user ends the plan: it counts no more from now on, and leaves the registers."""
    if placement.phase is Phase.ENDED:
        return Step(placement=placement)
    return moves.release(placement, Phase.ENDED, None)


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
    if placement.off_nominal:
        return _return(placement, want)
    if placement.phase in (Phase.COORDINATED, Phase.DISPLACED) and base is not None:
        union = base.union(want)
        slots = placement.slots
        if placement.phase is Phase.DISPLACED:
            # What stands already was judged before the other came: judge and write it again.
            slots = tuple(moves.doubted(s) if s.holds(union) else s for s in slots)
        changed = replace(
            placement, phase=Phase.PLACING, want=union, goal=want, slots=slots, blocker=None
        )
        return Step(placement=changed, news=News.PLACING)
    if base is not None:
        raise WrongState("a change is still being placed; wait until it is done, or end the plan")
    if placement.phase is Phase.ENDED or placement.after is Phase.ENDED:
        raise WrongState("the plan has ended; submit a new one")
    return moves.release(replace(placement, want=want), Phase.NEW, None)


def activate(placement: Placement[S], space: S) -> Step[S]:
    """Activate a coordinated plan, or bring one back whose aircraft is where it said again;
    ``space`` is the plan's own volumes in state Activated.

    Raises:
        WrongState: it is not coordinated everywhere, or something that meets it is not judged yet.
    """
    if placement.off_nominal:
        return _return(placement, space)
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


def deviate(placement: Placement[S], space: S) -> Step[S]:
    """The aircraft is not where the plan said: ``space`` says what is known of where it is.

    A fact, not a request: it counts from here on, is judged against nobody, and goes to all
    registers at once. Whatever was under way is broken off.

    Raises:
        WrongState: nothing of the plan stands.
    """
    if placement.base is None:
        raise WrongState(
            f"a plan that is {placement.phase} stands in no register, so nobody expects its "
            "aircraft anywhere; submit a plan of where it is"
        )
    if placement.base == placement.want == space:
        return Step(placement=placement)
    strayed = replace(
        moves.forget(placement),
        phase=Phase.SHRINKING,
        base=space,
        want=space,
        goal=None,
        activating=False,
        heard=frozenset(),
        blocker=None,
    )
    return replace(moves.arrived(strayed), news=News.OFF_NOMINAL)


def _return(placement: Placement[S], goal: S) -> Step[S]:
    """Place ``goal`` as a change of the plan's own volumes; where it had strayed to is given up.

    Nothing is held besides: it would stand among nominal volumes, and nobody could tell them apart.
    """
    base = placement.base
    assert base is not None  # noqa: S101 - asked for by the callers
    if placement.phase is Phase.PLACING:
        if placement.target == goal:
            return Step(placement=placement)
        raise WrongState("a change is still being placed; wait until it is done, or end the plan")
    want = goal.union(base.nominal)
    # What an earlier return wrote was judged before others came: judge and write it again.
    slots = tuple(moves.doubted(s) if s.holds(want) else s for s in moves.forget(placement).slots)
    returning = replace(
        placement, phase=Phase.PLACING, want=want, goal=goal, slots=slots, blocker=None
    )
    return Step(placement=returning, news=News.PLACING)


def hold_limit(placement: Placement[S]) -> Step[S]:
    """A register was out of reach too long while placing: stop shutting others out of the space.

    An activation is never taken back, only resumed; so is a return, whose aircraft is in the air.
    """
    lasting = placement.activating or placement.off_nominal
    if placement.phase is not Phase.PLACING or lasting:
        return Step(placement=placement)
    if placement.base is not None:
        return moves.give_up_change(placement, None)
    return moves.release(placement, Phase.NEW, None)


def restarted(placement: Placement[S]) -> Step[S]:
    """The node came back: of a request noted as sent, nobody knows whether it was.

    It may have gone over to another list of registers meanwhile, in which nothing is left to do.
    """
    return moves.arrived(replace(moves.forget(placement), seen=frozenset()))


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
        slot = moves.doubted(slot)
    return moves.arrived(moves.with_slot(placement, register, slot))


def timed_out(placement: Placement[S], register: int, number: int) -> Step[S]:
    """No answer within the limit, or the connection broke: the request may still arrive."""
    request = placement.slots[register].awaited
    if request is None or request.number != number:
        return Step(placement=placement)
    slot = moves.doubted(placement.slots[register])
    return Step(placement=moves.with_slot(placement, register, slot))


def unsent(placement: Placement[S], register: int, number: int) -> Step[S]:
    """No connection came about: the request never left us, and all is as before it."""
    slot = placement.slots[register]
    if slot.awaited is None or slot.awaited.number != number:
        return Step(placement=placement)
    return Step(placement=moves.with_slot(placement, register, replace(slot, awaited=None)))


def swept(placement: Placement[S], register: int, own_ovn: str | None, *, asked: int) -> Step[S]:
    """Compare a register with what we believe: strays of ours, and entries that it has lost.

    ``own_ovn`` is None if nothing of ours stands there; ``asked`` is ``Slot.asked`` from before
    the read, so that a look which a request has overtaken changes nothing.
    """
    slot = placement.slots[register]
    if slot.awaited is not None or slot.asked != asked:
        return Step(placement=placement)
    if slot.state is SlotState.HELD and slot.view is not None and own_ovn != slot.view.ovn:
        doubted = moves.with_slot(placement, register, moves.doubted(slot))
        return Step(placement=doubted, news=News.LOST)
    placing = placement.phase is Phase.PLACING
    if slot.state is not SlotState.ABSENT or own_ovn is None:
        return Step(placement=placement)
    if placing and register in in_turn(placement):
        return Step(placement=placement)  # The write that is due there takes it over.
    doubted = moves.with_slot(placement, register, moves.doubted(slot))
    if placement.phase is Phase.RELEASING or placement.base is not None:
        return Step(placement=doubted, news=News.STRAY)
    step = moves.release(doubted, placement.phase, placement.blocker)
    return replace(step, news=News.STRAY)


def looked(placement: Placement[S], look: Look[S]) -> Step[S]:
    """Decide on what a read showed; a look that is no longer due changes nothing."""
    if look.due not in due(placement):
        return Step(placement=placement)
    return _DECIDE[look.due.aim](placement, look)


# ---- what each kind of look leads to --------------------------------------------------------


def _judged(placement: Placement[S], look: Look[S]) -> Step[S]:
    if look.blockers:
        return moves.wait(placement, look)
    seen = placement.seen | {look.due.register}
    if len(seen) < len(placement.slots):
        return Step(placement=replace(placement, seen=seen))
    placing = replace(placement, phase=Phase.PLACING, seen=frozenset(), blocker=None)
    return Step(placement=placing, news=News.PLACING)


def _placed(placement: Placement[S], look: Look[S]) -> Step[S]:
    if placement.activation_begun:
        return _kept(placement, look)
    if look.blockers:
        return moves.blocked(placement, look)
    if look.unknown:
        return _unknown(placement, look)
    return moves.write(placement, look)


def _unknown(placement: Placement[S], look: Look[S]) -> Step[S]:
    """Wait for details; but not in doubt, if a write without a key can end it.

    A plan that strayed came into its doubt without a key, so that the other may be in doubt too,
    and each would wait for the other's OVN.
    """
    register, base = look.due.register, placement.base
    doubt = placement.slots[register].state is SlotState.DOUBT
    if base is not None and base.off_nominal and doubt and look.own_ovn is not None:
        return moves.send(placement, register, Kind.UPDATE, base, look.own_ovn)
    return Step(placement=placement, news=News.UNKNOWN)


def _settled(placement: Placement[S], look: Look[S]) -> Step[S]:
    """All registers hold ``want``: from here on the target counts."""
    register = look.due.register
    slot = placement.slots[register]
    if slot.view is not None and look.own_ovn != slot.view.ovn:
        return swept(placement, register, look.own_ovn, asked=slot.asked)
    if look.unknown:
        return Step(placement=placement, news=News.UNKNOWN)
    if _strayed_into(placement, look):
        return moves.blocked(placement, look)
    target = placement.target
    news = News.COORDINATED if placement.base is None else News.CHANGED
    if placement.activating or placement.off_nominal:
        news = News.ACTIVATED
    outranking = moves.outranking(look)
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
    step = moves.arrived(settled)
    return replace(step, news=News.DISPLACED if outranking is not None else news)


def _strayed_into(placement: Placement[S], look: Look[S]) -> bool:
    """Report whether somebody strayed into volumes that are held everywhere and do not count yet.

    Whoever flies already, or has begun to, is where they are.
    """
    flying = placement.activating or (placement.base is not None and placement.base.flying)
    return not flying and any(b.off_nominal for b in look.blockers)


def _kept(placement: Placement[S], look: Look[S]) -> Step[S]:
    if look.unknown:
        return Step(placement=placement, news=News.UNKNOWN)
    if placement.want.off_nominal:
        return _told(placement, look)
    # Where our entry stands it covers what is written, so nothing new is taken. Where it was lost,
    # whoever came since is kept out of some other register by us and must give way; what outranks
    # us is named, for it displaces us anyway and waiting for it would never end; so are strays.
    staying = all(b.outranks or b.off_nominal for b in look.blockers)
    if look.own_ovn is None and not staying:
        return Step(placement=placement, news=News.BLOCKED)
    return moves.write(placement, look)


def _told(placement: Placement[S], look: Look[S]) -> Step[S]:
    """Tell a register where the aircraft is; one that lost us takes only a new plan, with a key."""
    register = look.due.register
    slot = placement.slots[register]
    if look.own_ovn is None and slot.state is not SlotState.ABSENT:
        return Step(placement=moves.with_slot(placement, register, Slot(asked=slot.asked)))
    return moves.write(placement, look)


def _released(placement: Placement[S], look: Look[S]) -> Step[S]:
    register = look.due.register
    if look.own_ovn is not None:
        return moves.send(placement, register, Kind.DELETE, None, look.own_ovn)
    return moves.arrived(
        moves.with_slot(placement, register, Slot(asked=placement.slots[register].asked))
    )


def _watched(placement: Placement[S], look: Look[S]) -> Step[S]:
    blocker, register = placement.blocker, look.due.register
    if blocker is None or blocker.id in look.unknown:
        return Step(placement=placement)
    standing = next((b for b in look.blockers if b.id == blocker.id), None)
    if standing is None:
        if register == blocker.register:
            # A release, if one is under way, is broken off: every doubt is ended by a write.
            again = replace(
                moves.forget(placement), phase=Phase.PLACING, after=None, seen=frozenset()
            )
            return Step(placement=replace(again, blocker=None), news=News.PLACING)
        return Step(placement=replace(placement, seen=placement.seen - {register}))
    if placement.phase is Phase.RELEASING:
        return Step(placement=placement)
    return moves.wait_for(placement, standing, register)


def _rechecked(placement: Placement[S], look: Look[S]) -> Step[S]:
    if look.unknown:
        return Step(placement=placement, news=News.UNKNOWN)
    outranking = moves.outranking(look)
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
