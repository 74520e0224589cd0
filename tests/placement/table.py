"""Plans in the states that the tests of the table begin with, and the steps to get there."""

from placement_model import Mask, P, Step

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import (
    Aim,
    Blocker,
    Confirmed,
    Due,
    Look,
    Outcome,
    Phase,
    due,
)

A, B, C = Mask(1), Mask(2), Mask(4)
AB = Mask(3)
FLYING = Mask(1, flying=True)
EQUAL, HIGHER = Blocker(id="q"), Blocker(id="h", outranks=True)
FINAL = Blocker(id="f", coordinated=True)


def declared(want: Mask = A, registers: int = 3, own: int | None = 1) -> P:
    return steps.declare(want, registers=registers, own=own)


def the_due(placement: P, register: int, aim: Aim) -> Due[Mask]:
    (found,) = [d for d in due(placement) if (d.register, d.aim) == (register, aim)]
    return found


def look(
    placement: P,
    register: int,
    aim: Aim,
    *blockers: Blocker,
    own_ovn: str | None = None,
    unknown: frozenset[str] = frozenset(),
) -> Step:
    found = Look(
        due=the_due(placement, register, aim),
        own_ovn=own_ovn,
        blockers=blockers,
        unknown=unknown,
    )
    return steps.looked(placement, found)


def answer(placement: P, register: int, outcome: Outcome = Outcome.OK) -> Step:
    request = placement.slots[register].awaited
    assert request is not None
    confirmed = Confirmed(ovn=f"ovn{request.number}", version=1, subscription_id="s")
    return steps.answered(placement, register, request.number, outcome, confirmed=confirmed)


def placing(want: Mask = A, registers: int = 3) -> P:
    """A plan that may be written at the gate."""
    placement = declared(want, registers)
    for r in range(registers):
        placement = look(placement, r, Aim.JUDGE).placement
    assert placement.phase is Phase.PLACING
    return placement


def write(placement: P, register: int, aim: Aim = Aim.PLACE) -> P:
    """Judge, send and hear yes."""
    view = placement.slots[register].view
    standing = None if view is None else view.ovn
    return answer(look(placement, register, aim, own_ovn=standing).placement, register).placement


def ovn(placement: P, register: int) -> str:
    view = placement.slots[register].view
    assert view is not None
    return view.ovn


def settle(placement: P, *blockers: Blocker, unknown: frozenset[str] = frozenset()) -> Step:
    last = placement.last_look
    return look(
        placement,
        last,
        Aim.SETTLE,
        *blockers,
        own_ovn=ovn(placement, last),
        unknown=unknown,
    )


def everywhere() -> P:
    """Held in all registers; the last look is due."""
    placement = placing()
    for r in range(3):
        placement = write(placement, r)
    return placement


def coordinated() -> P:
    placement = settle(everywhere()).placement
    assert placement.phase is Phase.COORDINATED
    return placement


def displaced() -> P:
    return settle(everywhere(), HIGHER).placement


def registers_due(placement: P) -> list[tuple[int, Aim]]:
    return [(d.register, d.aim) for d in due(placement)]


def blocked_at_2() -> P:
    """The gate holds it, register 1 was sent a create, register 2 shows a blocker."""
    placement = look(write(placing(), 0), 1, Aim.PLACE).placement
    return look(placement, 2, Aim.PLACE, EQUAL).placement


def changed() -> P:
    return steps.change(coordinated(), B).placement


def settle_shrinking() -> P:
    placement = changed()
    for r in range(3):
        placement = write(placement, r)
    return settle(placement).placement
