"""Placements as plain documents (JSON types only) and back, without loss.

The space is the shell's type, so the shell gives the two functions that write and read it.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tansiq.domain.placement import (
    Blocked,
    Kind,
    Phase,
    Placement,
    Request,
    S,
    Slot,
    SlotState,
    View,
)

Document = dict[str, Any]


def to_document(placement: Placement[S], encode: Callable[[S], object]) -> Document:
    """Write a placement as JSON types; equal spaces are written once."""
    # A plan of a thousand volumes stands in want, base and every view: keep one copy of each.
    spaces: list[S] = []

    def refer(space: S | None) -> int | None:
        if space is None:
            return None
        if space not in spaces:
            spaces.append(space)
        return spaces.index(space)

    blocker = placement.blocker
    document: Document = {
        "phase": placement.phase.value,
        "slots": [_slot_document(slot, refer) for slot in placement.slots],
        "own": placement.own,
        "want": refer(placement.want),
        "base": refer(placement.base),
        "goal": refer(placement.goal),
        "activating": placement.activating,
        "after": None if placement.after is None else placement.after.value,
        "blocker": None if blocker is None else [blocker.id, blocker.register],
        "seen": sorted(placement.seen),
        "recheck": sorted(placement.recheck),
        "heard": sorted(placement.heard),
        "alarms": placement.alarms,
        "displaced_by": placement.displaced_by,
        "number": placement.number,
    }
    document["spaces"] = [encode(space) for space in spaces]
    return document


def from_document(document: Mapping[str, Any], decode: Callable[[Any], S]) -> Placement[S]:
    """Read what ``to_document`` wrote. Our own store is trusted: a missing field is a bug."""
    spaces = [decode(space) for space in document["spaces"]]

    def deref(index: int | None) -> S | None:
        return None if index is None else spaces[index]

    after, blocker = document["after"], document["blocker"]
    return Placement(
        phase=Phase(document["phase"]),
        slots=tuple(_slot(slot, spaces) for slot in document["slots"]),
        own=document["own"],
        want=spaces[document["want"]],
        base=deref(document["base"]),
        goal=deref(document["goal"]),
        activating=document["activating"],
        after=None if after is None else Phase(after),
        blocker=None if blocker is None else Blocked(id=blocker[0], register=blocker[1]),
        seen=frozenset(document["seen"]),
        recheck=frozenset(document["recheck"]),
        heard=frozenset(document["heard"]),
        alarms=document["alarms"],
        displaced_by=document["displaced_by"],
        number=document["number"],
    )


def _slot_document(slot: Slot[S], refer: Callable[[S | None], int | None]) -> Document:
    view, request = slot.view, slot.awaited
    return {
        "state": slot.state.value,
        "asked": slot.asked,
        "view": None
        if view is None
        else [refer(view.space), view.ovn, view.version, view.subscription_id],
        "awaited": None
        if request is None
        else [
            request.number,
            request.register,
            request.kind.value,
            refer(request.space),
            request.ovn,
        ],
    }


def _slot(document: Mapping[str, Any], spaces: list[S]) -> Slot[S]:
    slot: Slot[S] = Slot(state=SlotState(document["state"]), asked=document["asked"])
    if document["view"] is not None:
        space, ovn, version, subscription_id = document["view"]
        view = View(space=spaces[space], ovn=ovn, version=version, subscription_id=subscription_id)
        slot = replace(slot, view=view)
    if document["awaited"] is not None:
        number, register, kind, index, ovn = document["awaited"]
        space = None if index is None else spaces[index]
        request = Request(number=number, register=register, kind=Kind(kind), space=space, ovn=ovn)
        slot = replace(slot, awaited=request)
    return slot
