"""Rows of sheets: what is rounded which way, what comes first, what is left out."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.errors import BadInput
from tansiq.formats.payload import Move
from tansiq.formats.sheet import ROWS_MAX, Word, word
from tansiq.services.line.views import DueView, LeadView, SpanView, ThreadView, WatchView
from tansiq.services.sheets.after_action import TOLD_MAX, front
from tansiq.services.sheets.day import day_span, overlapping, table
from tansiq.services.sheets.hand_over import BACK_MAX, watch_began
from tansiq.services.sheets.rows import Scribe, due, lead, levels, minutes_lost, offset, shift
from tansiq.services.sheets.sources import Heard
from tansiq.services.views import AirspaceEntry
from tansiq.services.watch.views import AlarmView
from tansiq.storage.notes import NoteRow

NOON = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def raw(bands: list[dict[str, Any]]) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(bands))


def metres(low: int, high: int) -> Word:
    return word("value.levels", lower=f"{low} m W84", upper=f"{high} m W84")


FT = {"lower": 1000.0, "upper": 2000.0, "units": "FT", "datum": "AMSL"}
W84 = {"lower": 300.0, "upper": 600.0, "units": "M", "datum": "W84"}
FL = {"lower": 95.0, "upper": 110.0, "units": "FL", "datum": "FL"}


@pytest.mark.parametrize(
    ("low", "high", "stated", "told"),
    [
        (300.0, 600.0, None, (metres(300, 600),)),
        # Outwards: nobody may take the air for free that is not.
        (300.9, 600.1, None, (metres(300, 601),)),
        (-5.5, -5.4, None, (metres(-6, -5),)),
        (300.0, 600.0, [], (metres(300, 600),)),
        (
            304.8,
            609.6,
            [FT],
            (word("value.levels", lower="1000 ft AMSL", upper="2000 ft AMSL"), metres(304, 610)),
        ),
        (
            304.8,
            900.0,
            [FT, {**FT, "upper": 2500.5}],
            (word("value.levels", lower="1000 ft AMSL", upper="2501 ft AMSL"), metres(304, 900)),
        ),
        (
            2895.6,
            3352.8,
            [FL],
            (word("value.levels", lower="FL095", upper="FL110"), metres(2895, 3353)),
        ),
        # Two kinds of altitude cannot be told as one.
        (304.8, 3352.8, [FT, FL], (metres(304, 3353),)),
        (300.0, 600.0, [W84], (metres(300, 600),)),
        (300.0, 600.0, [{"lower": 1.0}], (metres(300, 600),)),
    ],
)  # fmt: skip
def test_levels(low: float, high: float, stated: Any, told: tuple[Word, ...]) -> None:
    assert levels(low, high, None if stated is None else raw(stated)) == told


def lead_view(late: str, least_s: float | None, most_s: float | None, **more: Any) -> LeadView:
    span = SpanView(least_s=least_s, most_s=most_s)
    return LeadView(
        required_s=1800,
        receivers_word=span,
        senders_word=span,
        guaranteed_s=None,
        shown=span,
        late=late,
        impossible=more.get("impossible", False),
        sentence="",
    )


def test_lead_time_is_told_in_whole_minutes_that_hold_it() -> None:
    assert lead(lead_view("yes", 299.0, 301.0)) == (
        word("lead.late"),
        word("lead.between", least="4 min", most="6 min"),
        word("lead.required", duration=1800),
    )
    assert lead(lead_view("no", 300.0, 300.0))[1] == word(
        "lead.between", least="5 min", most="5 min"
    )
    assert lead(lead_view("no", -1.0, -1.0))[1] == word(
        "lead.between", least="-1 min", most="0 min"
    )
    assert lead(lead_view("unknown", None, 5.0))[:2] == (
        word("lead.late-unknown"),
        word("lead.unknown"),
    )
    assert lead(lead_view("no", 1.0, 2.0, impossible=True))[0] == word("lead.impossible")
    assert lead(None) == ()


def test_a_shift_says_each_way_it_moved() -> None:
    assert shift(Move(delay_s=600, up_m=-150.0, north_m=300.0, east_m=-400.0)) == (
        word("move.later", duration=600),
        word("move.lower", distance="150 m"),
        word("move.aside", distance="500 m"),
    )
    assert shift(Move(delay_s=-1, up_m=0.0)) == (word("move.earlier", duration=1),)
    assert shift(None) == (word("value.erased"),)


def test_minutes_lost_are_added_and_what_is_not_there_is_none() -> None:
    payloads = [
        b'{"by":{"name":"A"},"minutes_lost":7}',
        b"null",
        b"{}",
        b'{"minutes_lost":5}',
        b"x",
    ]
    assert minutes_lost([msgspec.Raw(each) for each in payloads]) == 12
    assert minutes_lost([]) == 0


def test_a_clock_is_told_only_where_both_bounds_are_known() -> None:
    assert offset(SpanView(least_s=-0.0124, most_s=0.5)) == (
        word("clocks.between", least="-0.012 s", most="0.500 s"),
    )
    assert offset(SpanView(least_s=None, most_s=0.5)) == ()


def heard(seq: int, kind: Kind) -> Heard:
    row = NoteRow(
        NoteID(f"{seq:064x}"), seq, "south", kind, "north", Mode.LIVE, seq, seq, 0,
        NoteID(f"{seq:064x}"), None, kind, "", None, 0,
    )  # fmt: skip
    return Heard(row=row, view=cast(Any, None), subject="")


def test_the_first_page_shows_a_stop_though_a_hundred_messages_came_before() -> None:
    talk = [heard(n, Kind.SAY) for n in range(100)]
    shown, besides = front([*talk, heard(100, Kind.STOP), heard(101, Kind.RECEIPT)])
    assert len(shown) == TOLD_MAX
    assert [each.row.seq for each in shown] == [*range(TOLD_MAX - 1), 100]
    assert besides == 101 - TOLD_MAX


@given(st.lists(st.sampled_from(Kind), max_size=60))
def test_the_first_page_is_in_order_and_nothing_is_lost_uncounted(kinds: list[Kind]) -> None:
    shown, besides = front([heard(n, kind) for n, kind in enumerate(kinds)])
    seqs = [each.row.seq for each in shown]
    assert seqs == sorted(set(seqs))
    assert len(shown) <= TOLD_MAX
    assert besides == 0 or len(shown) == TOLD_MAX
    assert Kind.RECEIPT not in {each.row.kind for each in shown}
    if Kind.STOP in kinds and kinds.count(Kind.STOP) <= TOLD_MAX:
        stops = sum(each.row.kind is Kind.STOP for each in shown)
        assert stops == kinds.count(Kind.STOP)


@pytest.mark.parametrize(("rows", "left_out"), [(0, 0), (ROWS_MAX, 0), (ROWS_MAX + 1, 1)])
def test_what_finds_no_room_is_counted(rows: int, left_out: int) -> None:
    made = table("plans", ("start",), (1,), [((word("value.nothing"),),)] * rows)
    assert len(made.rows) + made.left_out == rows
    assert made.left_out == left_out


def entry(start: datetime, end: datetime) -> AirspaceEntry:
    return AirspaceEntry(
        id="x",
        kind="intent",
        manager="south",
        name="",
        state="Accepted",
        priority=0,
        registers=(),
        time_start=start.isoformat(),
        time_end=end.isoformat(),
        altitude_m_min=0.0,
        altitude_m_max=1.0,
    )


def test_a_day_has_what_touches_it_and_nothing_else() -> None:
    since, until = day_span(NOON.date())
    step, hour = timedelta(microseconds=1), timedelta(hours=1)
    assert (until + step) - since == timedelta(days=1)
    touching = [
        entry(since - hour, since),
        entry(until, until + hour),
        entry(since - hour, until + hour),
    ]
    beside = [entry(since - hour, since - step), entry(until + step, until + hour)]
    assert overlapping([*touching, *beside], since, until) == touching


def test_the_evidence_of_a_watch_goes_back_a_day_at_most() -> None:
    def began(since: datetime | None) -> datetime:
        told = None if since is None else since.isoformat()
        return watch_began(WatchView(name="A", initials="A", since=told), NOON)

    step = timedelta(seconds=1)
    assert began(NOON - timedelta(hours=8)) == NOON - timedelta(hours=8)
    assert began(NOON - BACK_MAX) == NOON - BACK_MAX
    assert began(NOON - BACK_MAX - step) == NOON - BACK_MAX
    assert began(NOON + step) == NOON  # The clock was set back.
    assert began(None) == NOON - BACK_MAX


def thread(**more: Any) -> ThreadView:
    plain: dict[str, Any] = {
        "id": "a" * 64, "kind": "notice", "party": "south", "ours": False, "mode": "live",
        "stage": "arrived", "open": True, "superseded": False, "time": "2026-11-29T12:00:00.25Z",
    }  # fmt: skip
    return ThreadView(**{**plain, **more})


def test_who_told_whom_does_not_depend_on_who_prints_it() -> None:
    ways = [
        Scribe(me=me, persons=True).ways(thread(party=other, ours=ours))
        for me, other, ours in (("north", "south", False), ("south", "north", True))
    ]
    assert (
        ways[0] == ways[1] == (word("value.from", party="south"), word("value.to", party="north"))
    )


def test_what_is_overdue_says_so_first() -> None:
    waiting = DueView(rung="seen", at="2026-11-29T12:05:00Z", overdue=False, by="south")
    assert due(thread(due=waiting)) == (
        word("due.seen", time="2026-11-29T12:05:00Z"),
        word("due.party", party="south"),
    )
    late = msgspec.structs.replace(waiting, overdue=True)
    assert due(thread(due=late))[0] == word("due.overdue")
    assert due(thread()) == ()


def test_practice_is_marked() -> None:
    scribe = Scribe(me="north", persons=True)
    assert word("value.exercise") in scribe.open_item(thread(mode="exercise"))[1]
    assert word("value.exercise") not in scribe.open_item(thread())[1]


def alarm(**more: Any) -> AlarmView:
    plain: dict[str, Any] = {
        "id": "a", "kind": "test", "level": "advisory", "worst": "warning", "stage": "acknowledged",
        "flashing": False, "one": "", "other": "", "names": ("HERON-1", ""), "sentence": "by Ada",
        "raised": "2026-11-29T12:00:00Z", "changed": "2026-11-29T12:00:00Z",
        "acknowledged": "2026-11-29T12:00:09Z", "acknowledged_by": "Ada",
    }  # fmt: skip
    return AlarmView(**{**plain, **more})


def test_an_alarm_is_told_by_the_worst_level_that_it_had() -> None:
    row = Scribe(me="north", persons=True).alarm(alarm(not_told=("south",)))
    assert row[2] == (word("level.warning"),)
    assert row[3] == (word("value.flight", flight="HERON-1"),)
    assert word("value.person-at", person="Ada", time="2026-11-29T12:00:09Z") in row[4]
    assert word("value.not-told", party="south") in row[4]


def test_without_persons_nobody_is_named() -> None:
    scribe = Scribe(me="north", persons=False)
    assert "Ada" not in str(scribe.alarm(alarm()))
    assert scribe.free("mind the gap") == (word("value.withheld"),)
    assert scribe.free("") == ()


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(BadInput):
        Scribe(me="north", persons=True).notice(thread(time="noon"))
