"""The planner's state table, row by row: what happens to a plan that stands."""

from dataclasses import replace

import pytest
from placement_model import Mask, P
from table import (
    AB,
    EQUAL,
    FINAL,
    FLYING,
    HIGHER,
    A,
    B,
    C,
    answer,
    blocked_at_2,
    changed,
    coordinated,
    declared,
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
from tansiq.domain.placement import (
    Aim,
    Blocked,
    Kind,
    Look,
    News,
    Phase,
    SlotState,
    due,
)
from tansiq.errors import WrongState

# ---- changes --------------------------------------------------------------------------------


def test_a_change_grows_to_the_union_and_is_judged_by_the_new_volumes_alone() -> None:
    placement = changed()
    assert (placement.phase, placement.want, placement.coordinated) == (Phase.PLACING, AB, A)
    (gate,) = due(placement)
    assert (gate.write, gate.against, gate.exempt) == (AB, B, None)


def test_a_change_counts_once_every_register_has_grown_and_then_shrinks() -> None:
    placement = changed()
    for r in range(3):
        assert placement.base == A
        placement = write(placement, r)
    step = settle(placement)
    assert (step.placement.phase, step.news) == (Phase.SHRINKING, News.CHANGED)
    assert step.placement.coordinated == B
    placement = step.placement
    assert [d.register for d in due(placement)] == [0, 1, 2]
    for r in (2, 0, 1):
        placement = write(placement, r, Aim.KEEP)
    assert placement.phase is Phase.COORDINATED
    assert all(s.holds(B) for s in placement.slots)


def test_during_doubt_the_last_confirmed_view_is_served() -> None:
    placement = look(changed(), 0, Aim.PLACE, own_ovn=ovn(changed(), 0)).placement
    placement = steps.restarted(placement).placement
    assert placement.slots[0].state is SlotState.DOUBT
    view = placement.slots[0].view
    assert view is not None
    assert view.space == A


def test_a_blocked_change_goes_back_to_what_counted_all_the_while() -> None:
    placement = write(changed(), 0)
    step = look(placement, 2, Aim.PLACE, EQUAL, own_ovn=ovn(placement, 2))
    assert (step.placement.phase, step.news) == (Phase.RELEASING, News.CHANGE_REFUSED)
    assert step.placement.coordinated == A
    assert registers_due(step.placement) == [(0, Aim.KEEP)]
    back = write(step.placement, 0, Aim.KEEP)
    assert back.phase is Phase.COORDINATED
    assert back.blocker == Blocked(id="q", register=2), "kept as the reason"


def test_a_change_blocked_before_anything_was_sent_is_over_at_once() -> None:
    step = look(changed(), 0, Aim.PLACE, EQUAL, own_ovn=ovn(changed(), 0))
    assert (step.placement.phase, step.news) == (Phase.COORDINATED, News.CHANGE_REFUSED)


def test_the_hold_limit_gives_up_a_change() -> None:
    step = steps.hold_limit(write(changed(), 0))
    assert (step.placement.phase, step.placement.want) == (Phase.RELEASING, A)


def test_a_change_that_only_gives_space_back_writes_it_once() -> None:
    big = replace(coordinated(), base=AB, want=AB)
    slots = tuple(
        replace(s, view=replace(s.view, space=AB)) for s in big.slots if s.view is not None
    )
    placement = steps.change(replace(big, slots=slots), A).placement
    assert registers_due(placement) == [(1, Aim.SETTLE)]
    assert settle(placement).placement.phase is Phase.SHRINKING


def test_in_the_air_what_met_the_old_volumes_does_not_block_the_new_ones() -> None:
    flying = Mask(1, flying=True)
    placement = steps.activate(coordinated(), flying).placement
    for r in range(3):
        placement = write(placement, r)
    placement = settle(placement).placement
    (gate,) = due(steps.change(placement, Mask(2, flying=True)).placement)
    assert gate.exempt == flying


def test_changing_while_placing_begins_anew() -> None:
    step = steps.change(write(placing(), 0), B)
    assert (step.placement.phase, step.placement.after) == (Phase.RELEASING, Phase.NEW)
    assert step.placement.want == B
    assert steps.change(declared(), B).placement.phase is Phase.NEW


def test_changes_that_are_not_possible_say_why() -> None:
    for placement in (changed(), settle_shrinking()):
        with pytest.raises(WrongState, match="still being placed"):
            steps.change(placement, C)
    for placement in (steps.end(coordinated()).placement, steps.end(declared()).placement):
        with pytest.raises(WrongState, match="has ended"):
            steps.change(placement, C)
    with pytest.raises(WrongState, match="priority"):
        steps.change(coordinated(), Mask(2, priority=1))


# ---- activation -----------------------------------------------------------------------------


def test_activation_takes_every_register_gate_first() -> None:
    placement = steps.activate(coordinated(), FLYING).placement
    assert registers_due(placement) == [(0, Aim.PLACE)]
    for r in range(3):
        assert placement.coordinated == A
        placement = write(placement, r)
    step = settle(placement)
    assert (step.placement.phase, step.news) == (Phase.COORDINATED, News.ACTIVATED)
    assert step.placement.coordinated == FLYING
    assert steps.activate(step.placement, FLYING).placement == step.placement


def test_activation_not_begun_is_refused_and_begun_is_finished() -> None:
    placement = steps.activate(coordinated(), FLYING).placement
    refused = look(placement, 0, Aim.PLACE, HIGHER, own_ovn=ovn(placement, 0))
    assert (refused.placement.phase, refused.news) == (Phase.COORDINATED, News.ACTIVATION_REFUSED)
    begun = write(placement, 0)
    step = look(begun, 1, Aim.PLACE, HIGHER, own_ovn=ovn(begun, 1))
    assert step.request is not None
    assert step.request.space == FLYING
    assert steps.hold_limit(begun).placement == begun


def test_an_activation_whose_gate_is_in_doubt_goes_on_everywhere() -> None:
    """Or a newcomer at a gate that lost us, and we, would wait for each other."""
    begun = write(steps.activate(coordinated(), FLYING).placement, 0)
    lost = steps.swept(begun, 0, None, asked=begun.slots[0].asked).placement
    assert [d.register for d in due(lost)] == [0, 1, 2]
    assert look(lost, 0, Aim.PLACE, EQUAL).news is News.BLOCKED


@pytest.mark.parametrize(
    "placement",
    [
        placing(),
        displaced(),
        steps.recheck(coordinated(), 1).placement,
        steps.swept(coordinated(), 0, None, asked=1).placement,
        settle_shrinking(),
    ],
    ids=["placing", "displaced", "rechecking", "lost somewhere", "shrinking"],
)
def test_only_what_is_coordinated_everywhere_can_be_activated(placement: P) -> None:
    with pytest.raises(WrongState):
        steps.activate(placement, FLYING)


# ---- recheck and displaced ------------------------------------------------------------------


def test_a_newcomer_in_our_register_reopens_the_plan_until_it_is_judged() -> None:
    placement = steps.recheck(coordinated(), 1).placement
    assert (placement.phase, placement.coordinated) == (Phase.COORDINATED, None)
    assert look(placement, 1, Aim.RECHECK, EQUAL).placement.coordinated == A
    unknown = look(placement, 1, Aim.RECHECK, unknown=frozenset({"u"}))
    assert unknown.placement == placement
    step = look(placement, 1, Aim.RECHECK, HIGHER)
    assert (step.placement.phase, step.news) == (Phase.DISPLACED, News.DISPLACED)


def test_a_second_newcomer_overtakes_the_look_at_the_first() -> None:
    placement = steps.recheck(coordinated(), 2).placement
    old = Look(due=the_due(placement, 2, Aim.RECHECK))
    again = steps.recheck(placement, 2).placement
    assert steps.looked(again, old).placement == again


def test_a_plan_is_also_reopened_while_it_is_changed() -> None:
    placement = steps.recheck(changed(), 1).placement
    assert placement.coordinated is None
    assert (1, Aim.RECHECK) in registers_due(placement)
    step = look(placement, 1, Aim.RECHECK, HIGHER)
    assert (step.placement.phase, step.news) == (Phase.PLACING, News.DISPLACED)


def test_what_is_heard_elsewhere_while_placing_is_judged_afterwards() -> None:
    placement = steps.recheck(everywhere(), 2).placement
    placement = settle(placement).placement
    assert placement.coordinated is None
    assert registers_due(placement) == [(2, Aim.RECHECK)]


def test_a_displaced_plan_is_judged_and_written_afresh_when_it_is_changed() -> None:
    placement = steps.change(displaced(), A).placement
    assert registers_due(placement) == [(0, Aim.PLACE)], "though the register holds it"
    for r in range(3):
        placement = write(placement, r)
    placement = settle(placement).placement
    assert placement.displaced_by is None
    assert registers_due(placement) == [(0, Aim.RECHECK), (2, Aim.RECHECK)]
    for r in (0, 2):
        placement = look(placement, r, Aim.RECHECK).placement
    assert placement.coordinated == A


def test_a_displaced_plan_that_cannot_change_stays_displaced() -> None:
    placement = steps.change(displaced(), B).placement
    step = look(placement, 0, Aim.PLACE, EQUAL, own_ovn=ovn(placement, 0))
    assert (step.placement.phase, step.news) == (Phase.DISPLACED, News.CHANGE_REFUSED)


# ---- lost entries and strays ----------------------------------------------------------------


def test_a_lost_entry_is_put_back_and_counts_all_the_while() -> None:
    placement = coordinated()
    step = steps.swept(placement, 2, None, asked=placement.slots[2].asked)
    assert (step.placement.coordinated, step.news) == (A, News.LOST)
    again = look(step.placement, 2, Aim.KEEP)
    assert again.request is not None
    assert again.request.kind is Kind.CREATE
    assert answer(again.placement, 2).placement.phase is Phase.COORDINATED


def test_where_a_lost_entry_stood_an_equal_must_give_way_and_a_higher_is_named() -> None:
    placement = coordinated()
    lost = steps.swept(placement, 2, None, asked=placement.slots[2].asked).placement
    assert look(lost, 2, Aim.KEEP, HIGHER, EQUAL).news is News.BLOCKED
    assert look(lost, 2, Aim.KEEP, HIGHER).request is not None


def test_another_ovn_than_ours_is_a_doubt_and_ours_is_not() -> None:
    placement = coordinated()
    asked = placement.slots[2].asked
    assert steps.swept(placement, 2, ovn(placement, 2), asked=asked).placement == placement
    older = steps.swept(placement, 2, "older", asked=asked).placement
    assert older.slots[2].state is SlotState.DOUBT
    assert steps.swept(placement, 2, None, asked=asked - 1).placement == placement, "overtaken"


@pytest.mark.parametrize(
    "placement",
    [
        declared(),
        look(declared(), 2, Aim.JUDGE, EQUAL).placement,
        look(declared(), 2, Aim.JUDGE, FINAL).placement,
        steps.end(declared()).placement,
        placing(),
    ],
    ids=["new", "waiting", "refused", "ended", "placing"],
)
def test_a_stray_is_swept_whatever_the_plan_does(placement: P) -> None:
    step = steps.swept(placement, 1, "stray", asked=0)
    assert step.news is News.STRAY
    assert (step.placement.phase, step.placement.after) == (Phase.RELEASING, placement.phase)
    done = look(step.placement, 1, Aim.RELEASE, own_ovn=None)
    assert done.placement.phase is placement.phase
    assert done.placement.blocker == placement.blocker


def test_a_stray_where_a_write_is_due_is_left_to_that_write() -> None:
    placement = placing()
    assert steps.swept(placement, 0, "stray", asked=0).placement == placement


# ---- the end --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "placement",
    [placing(), everywhere(), coordinated(), changed(), displaced(), blocked_at_2()],
    ids=["placing", "held", "coordinated", "changing", "displaced", "releasing"],
)
def test_a_plan_can_be_ended_at_any_time(placement: P) -> None:
    ended = steps.end(placement).placement
    assert ended.base is None
    for _ in range(3):
        for wanted in due(ended):
            ended = look(ended, wanted.register, wanted.aim).placement
    assert ended.phase is Phase.ENDED
    assert steps.end(ended).placement == ended
