"""A placement under the next version of the agreement, whose list of registers may differ.

Which registers must hold a plan is the version's; what each of them holds is a fact. So every slot
goes along with its register, a register that counts no more is remembered and left alone, and one
that counts anew is empty until the placement fills it. Nothing has to be at rest for that: what is
half placed goes on, through the registers that are left.

What has to be so before a node goes over: whatever may count as coordinated stands in a register
that counts before and after. Whoever places under the next version asks that one, too, and meets it
there. It is so where one register stays that is *full*: it has counted as long as we know, or has
been seen to hold all that the others held when it began to count.

Source: ``docs/direct-mode.md``, "Another list of registers". A simulated world holds it against
invariants (``tests/placement/succession_world.py``).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tansiq.domain.placement import Blocked, Phase, Placement, S, Slot
from tansiq.domain.placement_moves import doubted, forget

STANDS_NOWHERE = (Phase.NEW, Phase.WAITING, Phase.REFUSED, Phase.ENDED)
"""Nothing of ours is to stand anywhere: what is found is a stray."""
NAMED_MOST = 5
"""So many obstacles are named; of the others, how many there are."""


def gone_over(
    placement: Placement[S], before: Sequence[str], after: Sequence[str], own: str | None
) -> Placement[S]:
    """Return a placement under another list of registers.

    Args:
        before: ids of the registers in the order of its slots; empty for one that is gone for good.
        after: ids of those that count from now on, in their order.
        own: which of these is in our own node; None: none.

    Raises:
        ValueError: ``before`` are not as many as it has slots.
    """
    if len(before) != len(placement.slots):
        raise ValueError(f"{len(placement.slots)} slots, and {len(before)} registers")
    # The node starts anew: of what was sent, nobody knows whether it arrived. And what is to count
    # was judged before somebody was struck off, who cannot be displaced any more: judged again.
    kept = forget(placement).slots
    if placement.phase is Phase.PLACING:
        kept = tuple(doubted(s) if s.holds(placement.want) else s for s in kept)
    slots = dict(zip(before, kept, strict=True))
    if placement.phase not in STANDS_NOWHERE:
        # Ours stands where it stood; served until it is written again, or others would wait for it.
        slots |= {name: doubted(slot) for name, slot in placement.resting}
    empty: Slot[S] = Slot()
    new_index = {name: i for i, name in enumerate(after)}

    def moved(indices: Collection[int]) -> frozenset[int]:
        # What is not judged yet where it was heard of is judged everywhere else.
        gone = any(before[i] not in new_index for i in indices)
        return frozenset(range(len(after)) if gone else (new_index[before[i]] for i in indices))

    moved_on = replace(
        placement,
        slots=tuple(slots.get(name, empty) for name in after),
        resting=tuple(
            (name, slot)
            for name, slot in slots.items()
            if name and name not in new_index and slot.view is not None
        ),
        own=None if own is None else new_index.get(own),
        seen=frozenset(),
        recheck=moved(placement.recheck),
        heard=moved(placement.heard),
    )
    return _with_blocker(moved_on, before, new_index)


def _with_blocker(
    placement: Placement[S], before: Sequence[str], new_index: Mapping[str, int]
) -> Placement[S]:
    """Keep what is in the way where it is known to stand; else look anew."""
    blocker = placement.blocker
    if blocker is None:
        return placement
    index = new_index.get(before[blocker.register])
    if placement.phase is Phase.WAITING:
        return replace(placement, phase=Phase.NEW, blocker=None)
    if index is not None:
        return replace(placement, blocker=Blocked(id=blocker.id, register=index))
    after = Phase.NEW if placement.after is Phase.WAITING else placement.after
    return replace(placement, blocker=None, after=after)


def lacking(
    held: Mapping[str, Collection[str]], register: str, before: Collection[str] | None = None
) -> frozenset[str]:
    """Return what a register that counts anew lacks of what may have been placed without it.

    Once that is empty the register is full: whatever is placed later is placed there, too.

    Args:
        held: ids by register, each read since it counts from a node that has gone over as well.
        before: what it lacked at the last look; None at the first.
    """
    others = frozenset(entity for name, ids in held.items() if name != register for entity in ids)
    open_ones = others if before is None else others & frozenset(before)
    return open_ones - frozenset(held[register])


def unsure(
    held: Mapping[str, Collection[str] | None], common: Collection[str], full: Collection[str]
) -> tuple[str, ...]:
    """Return what may count and stands in none of the registers that stay, in a few words.

    ``held`` has the ids by register that counts before; None where one was not read since it does.
    """
    if any(name in full for name in common):
        return ()
    unread = [f"all that {name} may hold" for name, ids in held.items() if ids is None]
    staying = {entity for name in common for entity in held.get(name) or ()}
    known = {entity for ids in held.values() for entity in ids or ()}
    return (*unread, *sorted(known - staying))


def obstacles(common: Collection[str], nowhere: Sequence[str]) -> tuple[str, ...]:
    """Return why a node may not go over to the next version now, as sentences; empty: it may.

    Args:
        common: the registers that count before and after.
        nowhere: what may count and stands in none of them, each in a few words.
    """
    if not common:
        return ("no register counts before and after; go by a version between that lists both",)
    if not nowhere:
        return ()
    more = len(nowhere) - NAMED_MOST
    named = ", ".join(nowhere[:NAMED_MOST]) + (f", and {more} more" if more > 0 else "")
    return (f"in none of the registers that stay ({', '.join(common)}): {named}",)
