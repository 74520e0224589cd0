"""Alarms rise at once, fall slowly, clear once, and no warning is ever hidden."""

import math
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.alarm import (
    OPEN,
    TEXT_CHARS_MAX,
    Acknowledged,
    Acknowledgement,
    Alarm,
    AlarmEvent,
    Cleared,
    Display,
    Expired,
    Fell,
    Forgotten,
    Joined,
    MarkedNuisance,
    Raised,
    Rose,
    Rules,
    Stage,
    Suppressed,
    acknowledge,
    display,
    joined,
    mark_nuisance,
    per_day,
    raised,
    step,
    suppress,
)
from tansiq.domain.alarm_key import NOBODY, AlarmKey, AlarmKind, Level, Subject, key, subject_of
from tansiq.domain.note import FORMS, Kind, NoteID
from tansiq.domain.track import Address
from tansiq.errors import BadInput, WrongState
from watching import NOON, TICK, at_s

ADVISORY, CAUTION, WARNING = Level
ONE = Subject("11111111-1111-4111-8111-111111111111")
TWO = Subject("22222222-2222-4222-8222-222222222222")
KEY = key(AlarmKind.CONFLICT_PREDICTED, TWO, ONE)
RULES = Rules()
"""Advisory 15 s, caution and warning 10 s."""
FIRST, LAST = NoteID("0" * 64), NoteID("f" * 64)


def begun(level: Level = CAUTION) -> Alarm:
    return raised(KEY, level, NOON)[0]


def run(alarm: Alarm, *seen: tuple[float, Level | None]) -> tuple[Alarm, list[AlarmEvent]]:
    events: list[AlarmEvent] = []
    for seconds, cause in seen:
        alarm, found = step(alarm, cause, at_s(seconds), RULES)
        events += found
    return alarm, events


def seen(alarm: Alarm, seconds: float = 0.0) -> Alarm:
    return acknowledge(alarm, by="Anna", now=at_s(seconds))[0]


# ---- names


def test_the_order_of_the_two_does_not_matter() -> None:
    assert key(AlarmKind.EARLY, ONE, TWO) == key(AlarmKind.EARLY, TWO, ONE)
    assert (KEY.one, KEY.other) == (ONE, TWO)
    assert key(AlarmKind.EARLY, ONE) == AlarmKey(AlarmKind.EARLY, NOBODY, ONE)


def test_a_note_can_say_every_key() -> None:
    """The words and names are those of the note kind."""

    forms = dict(FORMS[Kind.ALARM].keys)
    for kind in AlarmKind:
        made = key(kind, subject_of(Address("icao:a1b2c3")))
        assert re.fullmatch(forms["alarm"], made.kind)
        assert re.fullmatch(forms["one"], made.one)
        assert re.fullmatch(forms["other"], made.other)


def test_an_aircraft_without_a_plan_has_one_name_everywhere() -> None:
    name = subject_of(Address("icao:a1b2c3"))
    assert name == "95385754-1a88-525d-9f1f-298b5f1dc579"
    assert name != subject_of(Address("icao:a1b2c4"))


@pytest.mark.parametrize(
    ("one", "other", "field"),
    [
        (TWO, ONE, "other"),
        (ONE, ONE, "other"),
        ("x", TWO, "one"),
        (ONE, "A" + TWO[1:], "other"),
        (ONE, TWO.replace("-", ""), "other"),
    ],
)
def test_keys_that_cannot_be(one: str, other: str, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        AlarmKey(AlarmKind.EARLY, Subject(one), Subject(other))
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"hold_s": {WARNING: 1.0}}, "hold_s"),
        ({"hold_s": {ADVISORY: 0.0, CAUTION: 0.0, WARNING: -1e-9}}, "hold_s"),
        ({"keep_s": math.nan}, "keep_s"),
        ({"suppress_s_max": math.inf}, "suppress_s_max"),
    ],
)
def test_rules_that_cannot_be(changes: dict[str, object], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        Rules(**changes)  # type: ignore[arg-type]
    assert caught.value.field == field
    Rules(hold_s=dict.fromkeys(Level, 0.0), keep_s=0.0, suppress_s_max=0.0)


# ---- levels


def test_it_is_raised() -> None:
    alarm, events = raised(KEY, CAUTION, NOON)
    assert events == (Raised(key=KEY, time=NOON, level=CAUTION),)
    assert (alarm.stage, alarm.level, alarm.worst) == (Stage.RAISED, CAUTION, CAUTION)
    assert alarm.id is None
    assert display(alarm, NOON) is Display.FLASHING


def test_it_rises_at_once() -> None:
    alarm, events = run(begun(ADVISORY), (0.0, WARNING))
    assert events == [Rose(key=KEY, time=NOON, level=WARNING, before=ADVISORY)]
    assert (alarm.level, alarm.worst) == (WARNING, WARNING)


def test_it_falls_once_nothing_has_asked_for_ten_seconds() -> None:
    alarm, events = run(begun(WARNING), (9.999999, ADVISORY))
    assert (alarm.level, events) == (WARNING, [])
    alarm, events = run(begun(WARNING), (10.0, ADVISORY))
    assert events == [Fell(key=KEY, time=at_s(10.0), level=ADVISORY, before=WARNING)]
    assert (alarm.level, alarm.worst) == (ADVISORY, WARNING)


def test_it_falls_from_level_to_level() -> None:
    _alarm, events = run(
        begun(WARNING), (5.0, CAUTION), (10.0, None), (15.0, None), (19.999999, None), (20.0, None)
    )
    assert events == [
        Fell(key=KEY, time=at_s(10.0), level=CAUTION, before=WARNING),
        Fell(key=KEY, time=at_s(15.0), level=ADVISORY, before=CAUTION),
        Cleared(key=KEY, time=at_s(20.0), level=ADVISORY, acknowledged=False),
    ]
    assert run(begun(WARNING), (10.0, None))[0].level is ADVISORY


def test_it_clears_once_nothing_has_asked_for_fifteen_seconds() -> None:
    alarm, _ = run(begun(ADVISORY), (14.999999, None))
    assert alarm.stage is Stage.RAISED
    alarm, events = run(begun(ADVISORY), (15.0, None))
    assert events == [Cleared(key=KEY, time=at_s(15.0), level=ADVISORY, acknowledged=False)]
    assert (alarm.stage, alarm.cleared) == (Stage.RETURNED, at_s(15.0))
    assert display(alarm, at_s(15.0)) is Display.RETURNED


def test_a_cause_now_and_then_keeps_it() -> None:
    alarm, events = run(begun(ADVISORY), *((s * 14.0, ADVISORY) for s in range(9)))
    assert (alarm.stage, events) == (Stage.RAISED, [])


def test_without_holds_a_cause_still_asks() -> None:
    rules = Rules(hold_s=dict.fromkeys(Level, 0.0))
    alarm, events = step(begun(CAUTION), WARNING, at_s(1.0), rules)
    assert (alarm.level, len(events)) == (WARNING, 1)
    assert step(alarm, None, at_s(2.0), rules)[0].stage is Stage.RETURNED


def test_time_does_not_run_back() -> None:
    alarm, _ = run(begun(WARNING), (60.0, WARNING), (0.0, None), (69.999999, None))
    assert (alarm.level, alarm.looked) == (WARNING, at_s(69.999999))
    alarm, events = run(begun(WARNING), (60.0, WARNING), (3.0, CAUTION))
    assert (alarm.looked, events) == (at_s(60.0), [])


def test_nor_for_what_people_do() -> None:
    alarm, _ = run(begun(), (60.0, CAUTION))
    for event in (
        acknowledge(alarm, by="Anna", now=NOON)[1][0],
        mark_nuisance(alarm, by="Anna", now=NOON)[1][0],
        suppress(alarm, by="Anna", until=at_s(61.0), reason="x", now=NOON, rules=RULES)[1][0],
    ):
        assert event.time == at_s(60.0)
    with pytest.raises(BadInput):
        suppress(alarm, by="Anna", until=at_s(60.0), reason="x", now=NOON, rules=RULES)
    later = acknowledge(alarm, by="Anna", now=at_s(70.0))[0]
    assert later.looked == at_s(70.0)


# ---- acknowledged


def test_acknowledged_it_is_steady_and_clears_into_history() -> None:
    alarm, events = acknowledge(begun(), by=" Anna ", now=at_s(1.0))
    assert events == (Acknowledged(key=KEY, time=at_s(1.0), by="Anna", level=CAUTION),)
    assert alarm.acknowledged == Acknowledgement(by="Anna", time=at_s(1.0), level=CAUTION)
    assert display(alarm, at_s(1.0)) is Display.STEADY
    alarm, events = run(alarm, (15.0, None))
    assert events == [Cleared(key=KEY, time=at_s(15.0), level=CAUTION, acknowledged=True)]
    assert alarm.stage is Stage.HISTORY
    assert display(alarm, at_s(15.0)) is Display.GONE


def test_a_higher_level_asks_for_attention_again() -> None:
    alarm, _ = run(seen(begun(CAUTION)), (1.0, CAUTION))
    assert alarm.stage is Stage.ACKNOWLEDGED
    alarm, _ = run(alarm, (2.0, WARNING))
    assert alarm.stage is Stage.RAISED
    assert alarm.acknowledged is not None
    assert seen(alarm, 3.0).stage is Stage.ACKNOWLEDGED


def test_a_rise_to_a_level_it_fell_from_asks_for_attention_again() -> None:
    alarm, _ = run(seen(begun(WARNING)), (10.0, CAUTION))
    assert (alarm.stage, alarm.level) == (Stage.ACKNOWLEDGED, CAUTION)
    alarm, _ = run(alarm, (11.0, WARNING))
    assert alarm.stage is Stage.RAISED


def test_acknowledged_twice_the_second_counts() -> None:
    alarm, events = acknowledge(seen(begun()), by="Bo", now=at_s(2.0))
    assert len(events) == 1
    assert alarm.acknowledged == Acknowledgement(by="Bo", time=at_s(2.0), level=CAUTION)


def test_acknowledged_after_its_return_it_is_history() -> None:
    alarm = seen(run(begun(), (15.0, None))[0], 20.0)
    assert alarm.stage is Stage.HISTORY
    with pytest.raises(WrongState, match="over"):
        seen(alarm, 21.0)


def test_one_that_nobody_acknowledges_is_kept_for_an_hour() -> None:
    alarm, _ = run(begun(), (15.0, None))
    kept, events = run(alarm, (3_614.999999, None))
    assert (kept.stage, events) == (Stage.RETURNED, [])
    gone, events = run(kept, (3_615.0, None))
    assert gone.stage is Stage.HISTORY
    assert events == [Forgotten(key=KEY, time=at_s(3_615.0))]
    assert run(gone, (9_000.0, None)) == (replace(gone, looked=at_s(9_000.0)), [])


@pytest.mark.parametrize("acknowledged", [True, False])
def test_a_cause_after_the_end_is_a_new_alarm(acknowledged: bool) -> None:
    alarm, _ = joined(None, KEY, FIRST, CAUTION, NOON, rules=RULES)
    alarm = seen(alarm) if acknowledged else alarm
    alarm, _ = run(alarm, (15.0, None))
    again, events = run(alarm, (16.0, ADVISORY))
    assert events == [Raised(key=KEY, time=at_s(16.0), level=ADVISORY)]
    assert again == raised(KEY, ADVISORY, at_s(16.0))[0]


# ---- suppressed


def quiet(alarm: Alarm, until_s: float = 60.0, at: float = 0.0) -> Alarm:
    return suppress(
        alarm, by="Anna", until=at_s(until_s), reason="training", now=at_s(at), rules=RULES
    )[0]


def test_suppressed_until_its_time_is_over() -> None:
    alarm, events = suppress(
        begun(), by="Anna", until=at_s(60.0), reason=" training ", now=NOON, rules=RULES
    )
    assert events == (
        Suppressed(
            key=KEY, time=NOON, by="Anna", until=at_s(60.0), level=CAUTION, reason="training"
        ),
    )
    assert display(alarm, at_s(60.0) - TICK) is Display.SUPPRESSED
    assert display(alarm, at_s(60.0)) is Display.FLASHING
    alarm, events_ = run(alarm, (59.999999, CAUTION))
    assert events_ == []
    alarm, events_ = run(alarm, (60.0, CAUTION))
    assert events_ == [Expired(key=KEY, time=at_s(60.0), rose=False)]
    assert alarm.suppression is None


def test_a_suppression_ends_with_a_higher_level() -> None:
    alarm, events = run(quiet(begun(CAUTION)), (1.0, WARNING))
    assert [type(event) for event in events] == [Rose, Expired]
    assert events[1] == Expired(key=KEY, time=at_s(1.0), rose=True)
    assert display(alarm, at_s(1.0)) is Display.FLASHING
    alarm, _ = run(alarm, (11.0, CAUTION))
    assert display(alarm, at_s(11.0)) is Display.FLASHING


def test_a_suppression_holds_for_the_next_alarm_of_the_same_key() -> None:
    alarm, _ = run(quiet(begun(CAUTION)), (15.0, None), (20.0, CAUTION))
    assert alarm.raised == at_s(20.0)
    assert display(alarm, at_s(20.0)) is Display.SUPPRESSED


def test_but_not_for_a_higher_one_nor_beyond_its_time() -> None:
    alarm, events = run(quiet(begun(ADVISORY)), (15.0, None), (20.0, CAUTION))
    assert display(alarm, at_s(20.0)) is Display.FLASHING
    assert events[-1] == Expired(key=KEY, time=at_s(20.0), rose=True)
    alarm, events = run(quiet(begun(ADVISORY)), (15.0, None), (60.0, ADVISORY))
    assert [type(event) for event in events] == [Cleared, Expired, Raised]
    assert alarm.suppression is None
    assert run(quiet(begun()), (15.0, None), (60.0, None))[1][-1] == Expired(
        key=KEY, time=at_s(60.0), rose=False
    )


def test_what_is_not_suppressed() -> None:
    with pytest.raises(WrongState, match="warning"):
        quiet(begun(WARNING))
    with pytest.raises(WrongState, match="over"):
        quiet(run(begun(), (15.0, None))[0], at=16.0)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"until": NOON}, "until"),
        ({"until": NOON + timedelta(hours=1) + TICK}, "until"),
        ({"until": datetime(2026, 11, 29, 12, 1)}, "until"),  # noqa: DTZ001 # The mistake.
        ({"reason": " "}, "reason"),
        ({"reason": "a\nb"}, "reason"),
        ({"reason": "x" * (TEXT_CHARS_MAX + 1)}, "reason"),
        ({"by": ""}, "by"),
    ],
)
def test_suppressions_that_cannot_be(changes: dict[str, object], field: str) -> None:
    good = {"by": "Anna", "until": NOON + TICK, "reason": "x" * TEXT_CHARS_MAX}
    hour = {**good, "until": NOON + timedelta(hours=1)}
    for words in (good, hour):
        suppress(begun(), now=NOON, rules=RULES, **words)  # type: ignore[arg-type]
    with pytest.raises(BadInput) as caught:
        suppress(begun(), now=NOON, rules=RULES, **{**good, **changes})  # type: ignore[arg-type]
    assert caught.value.field == field


# ---- nuisance


def test_nuisances_are_counted_by_utc_day() -> None:
    late = datetime(2026, 11, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    alarm, events = raised(KEY, CAUTION, late)
    abroad = (late + TICK).astimezone(timezone(timedelta(hours=-8)))
    alarm, marked = mark_nuisance(alarm, by="Anna", now=abroad)
    assert marked == (MarkedNuisance(key=KEY, time=late + TICK, by="Anna"),)
    assert mark_nuisance(alarm, by="Bo", now=late + TICK) == (alarm, ())
    found = per_day([*events, *marked, *acknowledge(alarm, by="Anna", now=abroad)[1]])
    kind = AlarmKind.CONFLICT_PREDICTED
    assert found == {(date(2026, 11, 29), kind): (1, 0), (date(2026, 11, 30), kind): (0, 1)}
    assert per_day([]) == {}


def test_a_nuisance_is_shown_as_before() -> None:
    alarm = begun()
    marked = mark_nuisance(alarm, by="Anna", now=NOON)[0]
    assert display(marked, NOON) is display(alarm, NOON)


# ---- two nodes, one alarm


def test_the_first_note_raises_and_names_it() -> None:
    alarm, events = joined(None, KEY, LAST, CAUTION, NOON, rules=RULES)
    assert [type(event) for event in events] == [Raised, Joined]
    assert alarm.id == LAST


def test_a_second_note_joins_and_the_smaller_name_is_shown() -> None:
    alarm, _ = joined(None, KEY, LAST, CAUTION, NOON, rules=RULES)
    alarm, events = joined(alarm, KEY, FIRST, CAUTION, at_s(1.0), rules=RULES)
    assert events == (Joined(key=KEY, time=at_s(1.0), note=FIRST, id=FIRST),)
    assert (alarm.id, alarm.notes) == (FIRST, (FIRST, LAST))
    assert joined(alarm, KEY, LAST, WARNING, at_s(2.0), rules=RULES) == (alarm, ())


def test_a_note_is_a_cause() -> None:
    alarm, events = joined(begun(ADVISORY), KEY, FIRST, WARNING, at_s(1.0), rules=RULES)
    assert [type(event) for event in events] == [Rose, Joined]
    assert alarm.level is WARNING


def test_a_note_after_the_end_is_a_new_alarm_and_a_repeated_one_is_not() -> None:
    alarm, _ = joined(None, KEY, LAST, CAUTION, NOON, rules=RULES)
    over, _ = run(alarm, (15.0, None))
    assert joined(over, KEY, LAST, CAUTION, at_s(16.0), rules=RULES) == (over, ())
    again, events = joined(over, KEY, FIRST, CAUTION, at_s(16.0), rules=RULES)
    assert [type(event) for event in events] == [Raised, Joined]
    assert (again.raised, again.notes) == (at_s(16.0), (FIRST,))


def test_a_note_of_another_alarm_is_a_mistake() -> None:
    with pytest.raises(BadInput, match="about early"):
        joined(begun(), key(AlarmKind.EARLY, ONE), FIRST, WARNING, NOON, rules=RULES)


@given(
    notes=st.permutations([NoteID(digit * 64) for digit in "09af"]),
    levels=st.lists(st.sampled_from(Level), min_size=4, max_size=4),
    order=st.permutations(range(4)),
)
def test_the_order_of_notes_does_not_matter(
    notes: list[NoteID], levels: list[Level], order: list[int]
) -> None:
    def folded(indexes: Iterable[int]) -> Alarm:
        alarm: Alarm | None = None
        for i in indexes:
            alarm, _ = joined(alarm, KEY, notes[i], levels[i], NOON, rules=RULES)
        assert alarm is not None
        return alarm

    assert folded(range(4)) == folded(order)
    assert folded(order).id == "0" * 64


# ---- noise

CAUSES = st.none() | st.sampled_from(Level)


@given(st.lists(st.tuples(st.integers(1, 3_000), CAUSES), min_size=1, max_size=300))
def test_noise_does_not_chatter(seen: list[tuple[int, Level | None]]) -> None:
    """Whatever the causes do, in no minute does it fall, or end, more than six times.

    A fall needs ten seconds without a cause for the level that it falls from; so between two falls
    from one level lie ten seconds, and each rise but the first two follows a fall.
    """
    alarm, now = begun(ADVISORY), NOON
    falls: list[tuple[datetime, Level]] = []
    rises = 0
    for wait_ms, cause in seen:
        now += timedelta(milliseconds=wait_ms)
        alarm, events = step(alarm, cause, now, RULES)
        for event in events:
            if isinstance(event, Fell):
                falls += [(now, level) for level in Level if event.level < level <= event.before]
            elif isinstance(event, Cleared):
                falls += [(now, level) for level in Level if level <= event.level]
            rises += isinstance(event, Rose | Raised)
    for level in Level:
        times = [time for time, fallen in falls if fallen is level]
        hold = timedelta(seconds=RULES.hold_s[level])
        assert all(b - a >= hold for a, b in pairwise(times))
    assert rises <= len(falls) + 2


def test_a_threshold_crossed_every_second_changes_nothing() -> None:
    """The same input without holds changes sixty times a minute."""
    noise = [(float(s), WARNING if s % 2 else CAUTION) for s in range(1, 61)]
    _, events = run(begun(CAUTION), *noise)
    assert [type(event) for event in events] == [Rose]
    chatter = Rules(hold_s={**RULES.hold_s, WARNING: 0.0})
    alarm, count = begun(CAUTION), 0
    for seconds, cause in noise:
        alarm, found = step(alarm, cause, at_s(seconds), chatter)
        count += len(found)
    assert count == 60


ACTS = st.sampled_from(["acknowledge", "suppress", "nuisance", "none", "none"])


@given(st.lists(st.tuples(st.integers(1, 20), CAUSES, ACTS), min_size=1, max_size=80))
def test_a_cause_is_shown_at_its_level_and_a_warning_never_hidden(
    seen: list[tuple[int, Level | None, str]],
) -> None:
    alarm, now = begun(ADVISORY), NOON
    for wait_s, cause, act in seen:
        now += timedelta(seconds=wait_s)
        before = alarm
        alarm, _ = step(alarm, cause, now, RULES)
        shown = display(alarm, now)
        if cause is not None:
            assert alarm.stage in OPEN
            assert alarm.level >= cause
        if cause is WARNING:
            assert shown in (Display.FLASHING, Display.STEADY)
            if before.level is not WARNING or before.stage not in OPEN:
                assert shown is Display.FLASHING
        if alarm.stage in OPEN and alarm.suppression is not None:
            assert alarm.level <= alarm.suppression.level < WARNING
        try:
            if act == "acknowledge":
                alarm = acknowledge(alarm, by="Anna", now=now)[0]
            elif act == "suppress":
                until = now + timedelta(seconds=30)
                alarm = suppress(alarm, by="Anna", until=until, reason="x", now=now, rules=RULES)[0]
            elif act == "nuisance":
                alarm = mark_nuisance(alarm, by="Anna", now=now)[0]
        except WrongState:
            assert alarm.stage not in OPEN or alarm.level is WARNING
