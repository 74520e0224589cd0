"""The planner's state table, row by row: an aircraft that is not where its plan said."""

from dataclasses import replace

import pytest
from placement_model import Mask, P
from table import (
    EQUAL,
    FLYING,
    HIGHER,
    A,
    B,
    answer,
    changed,
    coordinated,
    displaced,
    everywhere,
    look,
    ovn,
    placing,
    registers_due,
    settle,
    settle_shrinking,
    the_due,
    write,
)

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import Aim, Blocker, Kind, News, Outcome, Phase, Slot, SlotState, due
from tansiq.errors import WrongState

OFF = Mask(1, flying=True, away=2, off=True)
FURTHER = Mask(1, flying=True, away=4, off=True)
STRAY = Blocker(id="s", off_nominal=True)


def strayed(placement: P | None = None) -> P:
    return steps.deviate(placement or coordinated(), OFF).placement


def told(placement: P, space: Mask = OFF) -> P:
    """Write it to all registers."""
    for r in range(3):
        placement = write(placement, r, Aim.KEEP)
    assert all(s.holds(space) for s in placement.slots)
    return placement


def away() -> P:
    return told(strayed())


def returning() -> P:
    return steps.activate(away(), FLYING).placement


# ---- told at once


def test_it_counts_at_once_and_goes_to_all_registers_without_judgement() -> None:
    step = steps.deviate(coordinated(), OFF)
    assert (step.news, step.placement.base, step.placement.coordinated) == (
        News.OFF_NOMINAL,
        OFF,
        None,
    )
    looks = due(step.placement)
    assert [(d.register, d.aim, d.write, d.against) for d in looks] == [
        (r, Aim.KEEP, OFF, None) for r in range(3)
    ]
    placement = told(step.placement)
    assert placement.phase is Phase.COORDINATED
    assert placement.coordinated is None
    assert not due(placement)


@pytest.mark.parametrize("make", [coordinated, displaced, changed, settle_shrinking])
def test_it_breaks_off_what_is_under_way(make: object) -> None:
    before: P = make()  # type: ignore[operator]
    placement = strayed(before)
    assert (placement.want, placement.goal, placement.activating) == (OFF, None, False)
    assert placement.displaced_by == before.displaced_by
    done = told(placement)
    assert done.phase is (Phase.DISPLACED if before.displaced_by else Phase.COORDINATED)


def test_a_request_on_its_way_becomes_a_doubt_that_the_news_ends() -> None:
    sent = look(changed(), 0, Aim.PLACE, own_ovn=ovn(changed(), 0)).placement
    placement = strayed(sent)
    assert placement.slots[0].state is SlotState.DOUBT
    step = look(placement, 0, Aim.KEEP, own_ovn="found")
    assert step.request is not None
    assert (step.request.kind, step.request.space, step.request.ovn) == (Kind.UPDATE, OFF, "found")


@pytest.mark.parametrize("make", [placing, everywhere, lambda: steps.end(coordinated()).placement])
def test_what_stands_nowhere_cannot_stray(make: object) -> None:
    with pytest.raises(WrongState, match="in no register"):
        steps.deviate(make(), OFF)  # type: ignore[operator]


def test_the_same_words_twice_are_as_good_as_once_and_others_replace_them() -> None:
    placement = away()
    assert steps.deviate(placement, OFF).placement == placement
    assert steps.deviate(strayed(), OFF).placement == strayed()
    further = steps.deviate(placement, FURTHER).placement
    assert told(further, FURTHER).base == FURTHER


def test_the_same_words_after_a_return_has_begun_end_the_return() -> None:
    placement = steps.deviate(returning(), OFF).placement
    assert (placement.phase, placement.want) == (Phase.COORDINATED, OFF)
    assert not due(placement)


# ---- back


def test_a_return_is_placed_at_the_gate_first_and_judged_anew() -> None:
    placement = returning()
    (gate,) = due(placement)
    assert (gate.register, gate.aim, gate.write, gate.against) == (0, Aim.PLACE, FLYING, FLYING)
    assert gate.exempt == FLYING
    assert placement.coordinated is None
    for r in range(3):
        assert placement.base == OFF
        placement = write(placement, r)
    step = settle(placement)
    assert (step.news, step.placement.coordinated) == (News.ACTIVATED, FLYING)
    assert step.placement.phase is Phase.COORDINATED


def test_a_return_to_other_volumes_keeps_the_plans_own_until_it_counts() -> None:
    placement = steps.change(away(), Mask(4, flying=True)).placement
    assert (placement.want, placement.target) == (Mask(5, flying=True), Mask(4, flying=True))
    for r in range(3):
        placement = write(placement, r)
    step = settle(placement)
    assert (step.news, step.placement.phase) == (News.ACTIVATED, Phase.SHRINKING)
    assert step.placement.coordinated == Mask(4, flying=True)


def test_a_return_that_is_blocked_stays_astray_and_is_told_at_once() -> None:
    placement = write(returning(), 0)
    step = look(placement, 1, Aim.PLACE, EQUAL, own_ovn=ovn(placement, 1))
    assert step.news is News.ACTIVATION_REFUSED
    # Not gate last, as a change is given up: whoever reads there is to know at once.
    assert registers_due(step.placement) == [(0, Aim.KEEP)]
    done = write(step.placement, 0, Aim.KEEP)
    assert (done.phase, done.base, done.coordinated) == (Phase.COORDINATED, OFF, None)


def test_a_return_can_be_asked_for_before_all_registers_know_and_again() -> None:
    placement = steps.activate(write(strayed(), 0, Aim.KEEP), FLYING).placement
    assert placement.phase is Phase.PLACING
    assert steps.activate(placement, FLYING).placement == placement
    with pytest.raises(WrongState, match="still being placed"):
        steps.change(placement, B)


def test_what_an_earlier_return_wrote_is_written_again() -> None:
    placement = steps.deviate(write(returning(), 0), OFF).placement
    assert placement.slots[0].holds(FLYING)
    again = steps.activate(placement, FLYING).placement
    assert again.slots[0].state is SlotState.DOUBT
    assert registers_due(again)[0] == (0, Aim.PLACE)


def test_a_return_outlasts_the_hold_limit() -> None:
    placement = returning()
    assert steps.hold_limit(placement).placement == placement


def test_a_returns_doubt_is_ended_without_a_key_while_details_are_lacking() -> None:
    """Else two that strayed could each wait for the other's OVN."""
    placement = look(returning(), 0, Aim.PLACE, own_ovn=ovn(returning(), 0)).placement
    placement = steps.restarted(placement).placement
    unknown = frozenset({"q"})
    step = look(placement, 0, Aim.PLACE, own_ovn="there", unknown=unknown)
    assert step.request is not None
    assert (step.request.space, step.request.ovn) == (OFF, "there")
    held = answer(step.placement, 0).placement
    assert look(held, 0, Aim.PLACE, own_ovn="there", unknown=unknown).news is News.UNKNOWN
    gone = look(placement, 0, Aim.PLACE, own_ovn=None, unknown=unknown)
    assert (gone.news, gone.request) == (News.UNKNOWN, None)


# ---- what outranks it, and whom it meets


def test_what_outranks_it_is_judged_when_it_is_back() -> None:
    placement = steps.recheck(away(), 2).placement
    assert not due(placement)
    placement = steps.activate(placement, FLYING).placement
    assert [aim for _, aim in registers_due(placement)] == [Aim.PLACE]
    for r in range(3):
        placement = write(placement, r)
    settled = settle(placement).placement
    assert (settled.coordinated, registers_due(settled)) == (None, [(2, Aim.RECHECK)])
    assert look(settled, 2, Aim.RECHECK).placement.coordinated == FLYING
    outranked = look(settled, 2, Aim.RECHECK, HIGHER).placement
    assert outranked.displaced_by == HIGHER.id


def test_nobody_becomes_coordinated_where_somebody_has_strayed_to() -> None:
    step = settle(everywhere(), STRAY)
    assert (step.placement.phase, step.placement.after) == (Phase.RELEASING, Phase.WAITING)
    placement = changed()
    for r in range(3):
        placement = write(placement, r)
    step = settle(placement, STRAY)
    assert (step.news, step.placement.base) == (News.CHANGE_REFUSED, A)


def test_who_flies_already_is_where_they_are() -> None:
    activating = steps.activate(coordinated(), FLYING).placement
    for r in range(3):
        activating = write(activating, r)
    flying = settle(activating, STRAY).placement
    assert flying.coordinated == FLYING
    moving = steps.change(flying, Mask(2, flying=True)).placement
    for r in range(3):
        moving = write(moving, r)
    assert settle(moving, STRAY).news is News.CHANGED


def test_an_entry_that_was_lost_is_put_back_beside_who_strayed_there() -> None:
    """It would wait for ever: a stray gives way to nobody."""
    lost = steps.swept(coordinated(), 1, None, asked=coordinated().slots[1].asked).placement
    assert look(lost, 1, Aim.KEEP, EQUAL).news is News.BLOCKED
    step = look(lost, 1, Aim.KEEP, STRAY)
    assert step.request is not None
    assert step.request.kind is Kind.CREATE


# ---- lost entries of flights


def test_a_lost_flight_is_created_as_a_new_plan_and_then_made_what_it_is() -> None:
    placement = coordinated()
    activating = steps.activate(placement, FLYING).placement
    for r in range(3):
        activating = write(activating, r)
    flying = settle(activating).placement
    lost = steps.swept(flying, 1, None, asked=flying.slots[1].asked).placement
    step = look(lost, 1, Aim.KEEP)
    assert step.request is not None
    assert (step.request.kind, step.request.space) == (Kind.CREATE, A)
    created = answer(step.placement, 1).placement
    step = look(created, 1, Aim.KEEP, own_ovn=ovn(created, 1))
    assert step.request is not None
    assert (step.request.kind, step.request.space) == (Kind.UPDATE, FLYING)


def test_a_lost_stray_needs_a_key_for_its_first_write_and_none_for_the_next() -> None:
    placement = away()
    lost = steps.swept(placement, 1, None, asked=placement.slots[1].asked).placement
    assert the_due(lost, 1, Aim.KEEP).against is None
    found = look(lost, 1, Aim.KEEP).placement
    assert found.slots[1] == Slot(asked=placement.slots[1].asked)
    assert (the_due(found, 1, Aim.KEEP).write, the_due(found, 1, Aim.KEEP).against) == (A, OFF)
    assert look(found, 1, Aim.KEEP, unknown=frozenset({"q"})).news is News.UNKNOWN
    step = look(found, 1, Aim.KEEP, EQUAL)
    assert step.request is not None
    assert (step.request.kind, step.request.space) == (Kind.CREATE, A)
    missing = answer(step.placement, 1, Outcome.MISSING).placement
    assert missing.slots[1].state is SlotState.ABSENT
    created = answer(look(missing, 1, Aim.KEEP).placement, 1).placement
    assert write(created, 1, Aim.KEEP).slots[1].holds(OFF)


def test_a_gate_that_lost_an_activation_under_way_does_not_undo_it() -> None:
    """Created anew it holds the plan as Accepted; another register may hold it as Activated."""
    activating = steps.activate(coordinated(), FLYING).placement
    activating = write(activating, 0)
    asked = activating.slots[0].asked
    lost = steps.swept(write(activating, 1), 0, None, asked=asked).placement
    created = answer(look(lost, 0, Aim.PLACE).placement, 0).placement
    assert created.slots[0].holds(A)
    assert created.activation_begun
    fresh = replace(activating, slots=coordinated().slots)
    assert not fresh.activation_begun
