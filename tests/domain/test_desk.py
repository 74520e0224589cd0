"""Desks: open to the microsecond that the hours say, and always somebody who holds the message."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.desk import ALWAYS, Desk, DeskNow, Hours, desk_now, manned_from
from tansiq.errors import BadInput

MICRO = timedelta(microseconds=1)
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)


def desk(name: str, hours: Hours = ALWAYS, deputy: str = "") -> Desk:
    return Desk(id=name, names={"en": name}, languages=("en",), hours=hours, deputy=deputy)


DAY = Hours(start_min=6 * 60, end_min=18 * 60)
NIGHT = Hours(start_min=18 * 60, end_min=6 * 60)


def test_the_start_counts_and_the_end_does_not() -> None:
    six, eighteen = MONDAY + timedelta(hours=6), MONDAY + timedelta(hours=18)
    assert [DAY.open_at(t) for t in (six - MICRO, six, eighteen - MICRO, eighteen)] == [
        False,
        True,
        True,
        False,
    ]


def test_hours_past_midnight_belong_to_the_day_they_begin_on() -> None:
    fridays = Hours(start_min=22 * 60, end_min=6 * 60, days=frozenset({4}))
    friday = MONDAY + timedelta(days=4)
    assert not fridays.open_at(friday + timedelta(hours=5))
    assert fridays.open_at(friday + timedelta(hours=22))
    assert fridays.open_at(friday + timedelta(days=1, hours=6) - MICRO)
    assert not fridays.open_at(friday + timedelta(days=1, hours=6))
    assert not fridays.open_at(friday + timedelta(days=1, hours=22))


def test_hours_to_midnight_end_there() -> None:
    late = Hours(start_min=18 * 60, end_min=1440)
    assert late.open_at(MONDAY + timedelta(days=1) - MICRO)
    assert not late.open_at(MONDAY + timedelta(days=1))


hours = st.builds(
    lambda ends, days: Hours(start_min=ends[0], end_min=ends[1], days=days),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda e: e[0] != e[1]),
    st.frozensets(st.integers(0, 6), min_size=1),
)
instants = st.integers(0, 14 * 86_400).map(lambda s: MONDAY + timedelta(seconds=s))


def plainly_open(hours: Hours, at: datetime) -> bool:
    """Minute by minute, from the definition alone."""
    minute, day = at.hour * 60 + at.minute, at.weekday()
    if hours.start_min < hours.end_min:
        return day in hours.days and hours.start_min <= minute < hours.end_min
    before = (day - 1) % 7
    return (day in hours.days and minute >= hours.start_min) or (
        before in hours.days and minute < hours.end_min
    )


@given(hours, instants)
def test_open_as_the_plain_definition_has_it(hours: Hours, at: datetime) -> None:
    assert hours.open_at(at) == plainly_open(hours, at)


@given(hours, instants)
def test_the_next_opening_is_open_and_nothing_before_it_is(hours: Hours, at: datetime) -> None:
    opens = hours.opens(at)
    assert opens >= at
    assert hours.open_at(opens)
    if opens > at:
        assert not hours.open_at(at)
        assert not hours.open_at(opens - MICRO)
        halfway = at + (opens - at) / 2
        assert not hours.open_at(halfway)


def test_a_closed_desk_hands_on_to_its_deputy_and_back() -> None:
    desks = (desk("ops", DAY, "night"), desk("night", NIGHT, "ops"))
    noon, midnight = MONDAY + timedelta(hours=12), MONDAY
    assert desk_now(desks, "ops", noon) == DeskNow(desk=desks[0], open=True)
    assert desk_now(desks, "ops", midnight) == DeskNow(desk=desks[1], open=True, closed=("ops",))
    assert desk_now(desks, "night", noon) == DeskNow(desk=desks[0], open=True, closed=("night",))
    assert manned_from(desks, "ops", midnight) == midnight


def test_where_all_are_closed_the_desk_that_was_meant_keeps_the_message() -> None:
    desks = (desk("ops", DAY, "deputy"), desk("deputy", DAY, "third"), desk("third", DAY, "deputy"))
    at = MONDAY + timedelta(hours=3)
    assert desk_now(desks, "ops", at) == DeskNow(
        desk=desks[0], open=False, closed=("ops", "deputy", "third")
    )
    assert manned_from(desks, "ops", at) == MONDAY + timedelta(hours=6)


def test_an_unknown_desk_is_nobody() -> None:
    assert desk_now((desk("ops"),), "nobody", MONDAY) is None
    assert manned_from((desk("ops"),), "nobody", MONDAY) is None


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (-1, 60, {0}),
        (1440, 60, {0}),
        (0, 1441, {0}),
        (0, 0, {0}),
        (5, 5, {0}),
        (0, 5, set()),
        (0, 5, {7}),
    ],
)
def test_hours_that_cannot_be_are_refused(start: int, end: int, days: set[int]) -> None:
    with pytest.raises(BadInput):
        Hours(start_min=start, end_min=end, days=frozenset(days))
