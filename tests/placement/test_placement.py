"""The planner's state table, row by row: from declared to coordinated or refused.

``docs/direct-mode.md`` has the same table in words.
"""

from dataclasses import replace

import pytest
from table import (
    EQUAL,
    FINAL,
    HIGHER,
    A,
    answer,
    blocked_at_2,
    coordinated,
    declared,
    everywhere,
    look,
    placing,
    registers_due,
    settle,
    the_due,
    write,
)

from tansiq.domain import placement_steps as steps
from tansiq.domain.placement import (
    Aim,
    Blocked,
    Confirmed,
    Kind,
    Look,
    News,
    Outcome,
    Phase,
    SlotState,
    due,
)

# ---- new plans ------------------------------------------------------------------------------


def test_a_plan_is_placed_once_every_register_was_found_clear() -> None:
    placement = declared()
    for r in (2, 0):
        placement = look(placement, r, Aim.JUDGE).placement
    assert placement.phase is Phase.NEW
    assert registers_due(placement) == [(1, Aim.JUDGE)]
    step = look(placement, 1, Aim.JUDGE)
    assert step.placement.phase is Phase.PLACING
    assert step.news is News.PLACING


def test_a_plan_in_final_company_is_refused_without_being_placed() -> None:
    step = look(declared(), 2, Aim.JUDGE, EQUAL, FINAL)
    assert step.placement.phase is Phase.REFUSED
    assert step.placement.blocker == Blocked(id="f", register=2)
    assert due(step.placement) == ()


def test_a_plan_behind_one_that_may_give_way_waits() -> None:
    step = look(declared(), 2, Aim.JUDGE, EQUAL)
    assert step.placement.phase is Phase.WAITING
    assert step.placement.blocker == Blocked(id="q", register=2)


# ---- placing --------------------------------------------------------------------------------


def test_the_gate_comes_first_and_then_all_others_at_once() -> None:
    placement = placing()
    assert registers_due(placement) == [(0, Aim.PLACE)]
    sent = look(placement, 0, Aim.PLACE).placement
    assert due(sent) == (), "nothing else is written while the gate has not answered"
    assert registers_due(answer(sent, 0).placement) == [(1, Aim.PLACE), (2, Aim.PLACE)]


def test_a_request_is_noted_before_it_can_be_sent() -> None:
    step = look(placing(), 0, Aim.PLACE)
    assert step.request is not None
    assert (step.request.kind, step.request.space, step.request.ovn) == (Kind.CREATE, A, None)
    assert step.placement.slots[0].awaited == step.request
    assert step.placement.slots[0].state is SlotState.ABSENT


def test_what_stands_under_our_name_is_overwritten_not_adopted() -> None:
    step = look(placing(), 0, Aim.PLACE, own_ovn="somewhen")
    assert step.request is not None
    assert (step.request.kind, step.request.ovn) == (Kind.UPDATE, "somewhen")
    assert step.placement.slots[0].state is SlotState.ABSENT


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.OK, SlotState.HELD),
        (Outcome.MISSING, SlotState.ABSENT),
        (Outcome.EXISTS, SlotState.DOUBT),
        (Outcome.STALE, SlotState.DOUBT),
        (Outcome.GONE, SlotState.DOUBT),
        (Outcome.REFUSED, SlotState.DOUBT),
    ],
)
def test_only_a_2xx_holds_a_register(outcome: Outcome, state: SlotState) -> None:
    sent = look(placing(), 0, Aim.PLACE).placement
    heard = answer(sent, 0, outcome).placement
    assert heard.slots[0].state is state
    assert heard.slots[0].awaited is None
    assert heard.phase is Phase.PLACING


def test_what_has_not_answered_is_in_doubt_and_its_late_answer_counts_for_nothing() -> None:
    sent = look(placing(), 0, Aim.PLACE).placement
    late = sent.slots[0].awaited
    assert late is not None
    for doubted in (steps.timed_out(sent, 0, late.number), steps.restarted(sent)):
        assert doubted.placement.slots[0].state is SlotState.DOUBT
        again = look(doubted.placement, 0, Aim.PLACE, own_ovn="x").placement
        confirmed = Confirmed(ovn="y", version=1, subscription_id="")
        heard = steps.answered(again, 0, late.number, Outcome.OK, confirmed=confirmed)
        assert heard.placement == again
        assert steps.timed_out(again, 0, late.number).placement == again


def test_a_look_that_something_overtook_is_dropped() -> None:
    placement = placing()
    old = Look(due=the_due(placement, 0, Aim.PLACE))
    sent = steps.looked(placement, old).placement
    assert steps.looked(sent, old) == steps.Step(placement=sent)
    lost = steps.restarted(sent).placement
    assert steps.looked(lost, old) == steps.Step(placement=lost), "a request went out since"


def test_unknown_details_are_waited_for() -> None:
    step = look(placing(), 0, Aim.PLACE, unknown=frozenset({"u"}))
    assert step.request is None
    assert (step.placement.phase, step.news) == (Phase.PLACING, News.UNKNOWN)


def test_a_lost_gate_is_written_again_before_the_others() -> None:
    placement = write(placing(), 0)
    lost = steps.swept(placement, 0, None, asked=placement.slots[0].asked)
    assert lost.news is News.LOST
    assert registers_due(lost.placement) == [(0, Aim.PLACE)]


def test_the_hold_limit_lets_go_of_what_was_held_in_vain() -> None:
    placement = write(placing(), 0)
    step = steps.hold_limit(placement)
    assert (step.placement.phase, step.placement.after) == (Phase.RELEASING, Phase.NEW)
    assert steps.hold_limit(coordinated()).placement == coordinated()


# ---- the last look --------------------------------------------------------------------------


def test_the_last_look_comes_when_all_is_held_and_nothing_awaited() -> None:
    placement = write(write(placing(), 0), 1)
    assert registers_due(look(placement, 2, Aim.PLACE).placement) == []
    assert registers_due(write(placement, 2)) == [(1, Aim.SETTLE)]
    assert everywhere().coordinated is None


def test_a_plan_held_everywhere_is_coordinated() -> None:
    step = settle(everywhere())
    assert (step.placement.phase, step.news) == (Phase.COORDINATED, News.COORDINATED)
    assert step.placement.coordinated == A
    assert due(step.placement) == ()


def test_the_last_look_sees_what_outranks_us_but_an_equal_cannot_stand_there() -> None:
    step = settle(everywhere(), EQUAL)
    assert step.placement.phase is Phase.COORDINATED
    step = settle(everywhere(), EQUAL, HIGHER)
    assert (step.placement.phase, step.news) == (Phase.DISPLACED, News.DISPLACED)
    assert step.placement.displaced_by == "h"
    assert step.placement.coordinated is None
    assert step.placement.base == A


def test_the_last_look_waits_for_details() -> None:
    step = settle(everywhere(), unknown=frozenset({"u"}))
    assert (step.placement.phase, step.news) == (Phase.PLACING, News.UNKNOWN)


def test_the_last_look_finds_that_our_own_register_has_lost_us() -> None:
    step = look(everywhere(), 1, Aim.SETTLE, own_ovn=None)
    assert step.news is News.LOST
    assert registers_due(step.placement) == [(1, Aim.PLACE)]


def test_without_a_register_of_our_own_the_pool_gets_the_last_look() -> None:
    placement = declared(registers=1, own=None)
    placement = write(look(placement, 0, Aim.JUDGE).placement, 0)
    assert registers_due(placement) == [(0, Aim.SETTLE)]


# ---- blocked, releasing, waiting ------------------------------------------------------------


def test_blocked_at_the_gate_with_nothing_held_it_waits() -> None:
    step = look(placing(), 0, Aim.PLACE, EQUAL)
    assert (step.placement.phase, step.news) == (Phase.WAITING, News.WAITING)
    assert not step.retired


def test_blocked_where_a_stray_of_ours_stands_it_releases() -> None:
    step = look(placing(), 0, Aim.PLACE, EQUAL, own_ovn="stray")
    assert step.placement.phase is Phase.RELEASING
    assert step.placement.slots[0].state is SlotState.DOUBT


def test_blocked_with_something_held_it_leaves_the_gate_last() -> None:
    placement = blocked_at_2()
    assert placement.phase is Phase.RELEASING
    assert placement.slots[1].state is SlotState.DOUBT
    assert registers_due(placement) == [(1, Aim.RELEASE), (2, Aim.WATCH)]
    sent = look(placement, 1, Aim.RELEASE, own_ovn="x")
    assert sent.request is not None
    assert (sent.request.kind, sent.request.ovn) == (Kind.DELETE, "x")
    assert registers_due(sent.placement) == [(2, Aim.WATCH)], "the gate waits for the answer"
    placement = answer(sent.placement, 1).placement
    assert registers_due(placement) == [(0, Aim.RELEASE), (2, Aim.WATCH)]
    step = look(placement, 0, Aim.RELEASE, own_ovn=None)
    assert (step.placement.phase, step.news) == (Phase.WAITING, News.WAITING)
    assert step.retired, "the next attempt needs a fresh intent id"


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome.OK, SlotState.ABSENT),
        (Outcome.GONE, SlotState.ABSENT),
        (Outcome.STALE, SlotState.DOUBT),
        (Outcome.REFUSED, SlotState.DOUBT),
    ],
)
def test_a_delete_ends_in_certainty_or_doubt(outcome: Outcome, state: SlotState) -> None:
    sent = look(blocked_at_2(), 1, Aim.RELEASE, own_ovn="x").placement
    assert answer(sent, 1, outcome).placement.slots[1].state is state


def test_a_release_is_broken_off_when_the_blocker_has_gone() -> None:
    placement = look(blocked_at_2(), 1, Aim.RELEASE, own_ovn="x").placement
    assert look(placement, 2, Aim.WATCH, EQUAL).placement == placement
    unknown = look(placement, 2, Aim.WATCH, unknown=frozenset({"q"}))
    assert unknown.placement == placement, "not to be judged is not gone"
    step = look(placement, 2, Aim.WATCH)
    assert step.placement.phase is Phase.PLACING
    assert step.placement.slots[1].state is SlotState.DOUBT, "the delete may still arrive"


def test_waiting_ends_when_the_blocker_has_gone_from_where_it_was_seen() -> None:
    placement = look(declared(), 2, Aim.JUDGE, EQUAL).placement
    assert look(placement, 0, Aim.WATCH).placement.phase is Phase.WAITING
    assert look(placement, 2, Aim.WATCH).placement.phase is Phase.PLACING
    other = look(placement, 2, Aim.WATCH, FINAL).placement
    assert other.phase is Phase.PLACING, "somebody else is there now: judged as for a new plan"


def test_a_blocker_seen_in_every_register_refuses_and_in_all_but_one_does_not() -> None:
    placement = look(declared(), 2, Aim.JUDGE, EQUAL).placement
    placement = look(placement, 0, Aim.WATCH, EQUAL).placement
    assert placement.phase is Phase.WAITING
    gone = look(placement, 0, Aim.WATCH).placement
    assert look(gone, 1, Aim.WATCH, EQUAL).placement.phase is Phase.WAITING
    step = look(placement, 1, Aim.WATCH, EQUAL)
    assert (step.placement.phase, step.news) == (Phase.REFUSED, News.REFUSED)


def test_a_blocker_that_is_coordinated_by_its_owners_word_refuses_at_once() -> None:
    placement = look(declared(), 2, Aim.JUDGE, EQUAL).placement
    step = look(placement, 0, Aim.WATCH, replace(EQUAL, coordinated=True))
    assert step.placement.phase is Phase.REFUSED
