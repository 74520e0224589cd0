"""Rules about notices at their boundaries: due, late, escalated, missed, expired."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tansiq.domain.pact import (
    AgreedTimers,
    CheckState,
    Escalation,
    Lead,
    NoticeKind,
    OnSilence,
    Role,
    Rung,
    Silence,
    Standing,
    StandingState,
    Way,
    check_state,
    next_check,
    step_next,
    steps_due,
)
from tansiq.domain.time import ZERO
from tansiq.errors import BadInput

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
MIN = timedelta(minutes=1)
TIMERS = AgreedTimers()


def test_a_kind_without_a_lead_of_its_own_takes_the_general_one_but_an_emergency_none() -> None:
    lead = Lead(general=30 * MIN, no_go=60 * MIN)
    assert lead.required(NoticeKind.PLAN) == 30 * MIN
    assert lead.required(NoticeKind.NO_GO) == 60 * MIN
    assert lead.required(NoticeKind.EMERGENCY) == ZERO
    assert lead.required() == 30 * MIN
    assert replace(lead, plan=ZERO).required(NoticeKind.PLAN) == ZERO
    assert replace(lead, emergency=MIN).required(NoticeKind.EMERGENCY) == MIN


def test_a_notice_at_exactly_the_lead_is_in_time() -> None:
    lead = Lead(general=30 * MIN)
    missing = [
        lead.missing(None, received=NOON + late, begins=NOON + 30 * MIN)
        for late in (-MICRO, ZERO, MICRO, 31 * MIN)
    ]
    assert missing == [ZERO, ZERO, MICRO, 31 * MIN]


def test_no_lead_is_never_missed_before_the_begin() -> None:
    assert Lead().missing(NoticeKind.PLAN, received=NOON, begins=NOON) == ZERO


def test_a_rung_is_overdue_after_its_timer_and_the_lowest_one_is_named() -> None:
    for rung, before in (
        (Rung.ARRIVED, Rung.SENT),
        (Rung.SEEN, Rung.ARRIVED),
        (Rung.READ_BACK, Rung.SEEN),
        (Rung.ANSWERED, Rung.READ_BACK),
    ):
        due = TIMERS.due(rung)
        assert TIMERS.overdue(before, due) is None
        assert TIMERS.overdue(before, due + MICRO) is rung
    assert TIMERS.overdue(Rung.SENT, timedelta(days=9)) is Rung.ARRIVED
    assert TIMERS.overdue(Rung.ANSWERED, timedelta(days=9)) is None


def test_timers_that_fall_are_refused() -> None:
    with pytest.raises(BadInput, match="seen"):
        replace(TIMERS, arrived=TIMERS.seen + MICRO)
    replace(TIMERS, arrived=TIMERS.seen)
    with pytest.raises(BadInput, match="check_caution"):
        replace(TIMERS, check_warning=TIMERS.check_caution)


def test_a_missed_check_goes_from_due_to_caution_to_warning() -> None:
    due = next_check(TIMERS, NOON)
    assert due == NOON + timedelta(hours=6)
    states = {
        -MICRO: CheckState.QUIET,
        ZERO: CheckState.DUE,
        5 * MIN - MICRO: CheckState.DUE,
        5 * MIN: CheckState.CAUTION,
        15 * MIN - MICRO: CheckState.CAUTION,
        15 * MIN: CheckState.WARNING,
        timedelta(days=9): CheckState.WARNING,
    }
    for after, state in states.items():
        assert check_state(TIMERS, last=NOON, now=due + after) is state, after


STEPS = (
    Escalation(rung=Rung.SEEN, after=5 * MIN, role=Role.DEPUTY),
    Escalation(rung=Rung.SEEN, after=10 * MIN, role=Role.SENDER, by=Way.VOICE),
    Escalation(rung=Rung.ANSWERED, after=30 * MIN, desk="south/lead"),
)


def test_a_step_fires_at_its_time_while_its_rung_is_not_reached() -> None:
    def due(reached: Rung, elapsed: timedelta) -> int:
        return len(steps_due(STEPS, reached=reached, elapsed=elapsed))

    assert [due(Rung.ARRIVED, t) for t in (5 * MIN - MICRO, 5 * MIN, 10 * MIN, 30 * MIN)] == [
        0,
        1,
        2,
        3,
    ]
    assert due(Rung.SEEN, 30 * MIN) == 1
    assert due(Rung.ANSWERED, timedelta(days=9)) == 0


def test_the_next_step_is_known_before_it_fires() -> None:
    assert step_next(STEPS, reached=Rung.SENT, elapsed=ZERO) == STEPS[0]
    assert step_next(STEPS, reached=Rung.SENT, elapsed=5 * MIN) == STEPS[1]
    assert step_next(STEPS, reached=Rung.SEEN, elapsed=ZERO) == STEPS[2]
    assert step_next(STEPS, reached=Rung.SEEN, elapsed=30 * MIN) is None
    assert step_next(STEPS, reached=Rung.ANSWERED, elapsed=ZERO) is None


def test_a_decision_is_apart_from_the_ladder() -> None:
    """Its time runs from something else: neither's step fires for the other."""
    decided = Escalation(rung=Rung.DECIDED, after=MIN, role=Role.WATCH)
    steps = (*STEPS, decided)
    for reached in (Rung.SENT, Rung.SEEN, Rung.ANSWERED):
        for elapsed in (ZERO, MIN, timedelta(days=9)):
            assert decided not in steps_due(steps, reached=reached, elapsed=elapsed)
            assert step_next(steps, reached=reached, elapsed=elapsed) is not decided
    for elapsed, due in ((MIN - MICRO, ()), (MIN, (decided,)), (timedelta(days=9), (decided,))):
        assert steps_due(steps, reached=None, elapsed=elapsed) == due
        assert step_next(steps, reached=None, elapsed=elapsed) is (None if due else decided)
    # It may be shorter than the ladder: a proposal comes after the answer, and runs anew.
    assert replace(TIMERS, decided=MICRO).due(Rung.DECIDED) == MICRO


def test_a_step_turns_to_a_role_or_a_desk_and_never_for_a_rung_that_is_always_there() -> None:
    for wrong in ({}, {"role": Role.WATCH, "desk": "south/ops"}):
        with pytest.raises(BadInput, match="either"):
            Escalation(rung=Rung.SEEN, after=MIN, **wrong)
    with pytest.raises(BadInput, match="later rung"):
        Escalation(rung=Rung.SENT, after=MIN, role=Role.WATCH)


def test_silence_has_no_value_that_is_a_yes() -> None:
    assert set(OnSilence) == {"unanswered", "hold"}
    held = Silence(plan=OnSilence.HOLD)
    assert [held.meaning(kind) for kind in NoticeKind] == ["hold", "unanswered", "unanswered"]
    assert {Silence().meaning(kind) for kind in NoticeKind} == {OnSilence.UNANSWERED}


def test_a_standing_item_is_due_and_then_gone() -> None:
    standing = Standing(confirm_every=60 * MIN, expire_after=90 * MIN)
    states = {
        60 * MIN - MICRO: StandingState.CURRENT,
        60 * MIN: StandingState.DUE,
        90 * MIN - MICRO: StandingState.DUE,
        90 * MIN: StandingState.EXPIRED,
    }
    for after, state in states.items():
        assert standing.state(confirmed=NOON, now=NOON + after) is state, after
    assert Standing().state(confirmed=NOON, now=NOON + timedelta(days=999)) == "current"


@pytest.mark.parametrize(("every", "expire"), [(MIN, None), (None, MIN), (MIN + MICRO, MIN)])
def test_a_half_rule_about_standing_items_is_none(
    every: timedelta | None, expire: timedelta | None
) -> None:
    with pytest.raises(BadInput):
        Standing(confirm_every=every, expire_after=expire)
