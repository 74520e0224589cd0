"""Notices as desks use them: every command of the conversation, between real nodes.

Each test is a conversation of its own; what both ends see is looked at at both ends.
"""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from floor import Desk, area

from tansiq.domain.time import zulu


def given(north: Desk, south: Desk, minutes: int = 90, **what: object) -> str:
    """Tell south of some air, and return the id of the notice once it is there."""
    file = north.file("area.geojson", area(minutes, **what))
    note = north.good(f"notice area --to {south.party}", file).id
    south.has(note)
    return note


def read_back(desk: Desk, note: str, **other: str) -> list[str]:
    """Return the words of a right read-back, but for what is given otherwise."""
    told = desk.thread(note)["told"]
    (lat, lng), radius = told["points"][0], told["radius_m"]
    said = {"point": f"{lat},{lng}", "radius-m": str(radius), "lower": told["lower"][0]}
    said |= {"upper": told["upper"][0], "start": told["start"], "end": told["end"]} | other
    return [word for name, value in said.items() for word in (f"--{name}", value)]


def test_a_plan_is_announced_seen_read_back_and_answered(north: Desk, south: Desk) -> None:
    plan = north.file("osprey.geojson", area(callsign="OSPREY-2", lng=-120.0))
    north.good("plan submit", plan)
    note = north.good("notice give OSPREY-2 --to south --text", "Second follows", "--in", "en").id
    shown = south.until(lambda: south("notice list --open --with north"), lambda r: note in r.out)
    assert "<- north  OSPREY-2" in shown.out
    south.bad(1, "read it back first", f"notice answer {note} no-conflict")
    south.good(f"notice seen {note}")
    south.good(f"notice read-back {note}", *read_back(south, note))
    assert south.good(f"notice answer {note} no-conflict").out.rstrip().endswith("no-conflict")
    thread = north.stage(note, "no-conflict")
    reached = [(rung["rung"], rung["by"]) for rung in thread["rungs"]]
    assert reached == [
        ("sent", "NH"),
        ("arrived", None),
        ("seen", "NH"),
        ("read-back", "NH"),
        ("answered", "NH"),
    ]
    words = north.good(f"notice show {note}").out
    assert "plan OSPREY-2" in words
    # Where, how high and when, with units, and not only which.
    assert "radius 500 m" in words
    assert "From 300 m W84 to 600 m W84." in words
    assert note not in north.good("notice list --open").out
    south.bad(1, "it is our own", f"notice seen {given(south, north)}")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"point": "39.01,-121.0"}, "place"),
        ({"radius-m": "600"}, "place"),
        ({"lower": "310 m W84"}, "lower"),
        ({"upper": "600 ft W84"}, "upper"),
        ({"start": "2026-01-01T00:00:00Z"}, "start"),
        ({"end": "2031-01-01T00:00:00Z", "lower": "310 m W84"}, "lower, end"),
    ],
)
def test_a_read_back_that_differs_is_refused_by_name(
    north: Desk, south: Desk, wrong: dict[str, str], named: str
) -> None:
    note = given(north, south)
    ran = south(f"notice read-back {note}", *read_back(south, note, **wrong))
    assert ran.code == 1
    assert f"differs from the notice in: {named}." in ran.err
    assert south.thread(note)["stage"] == "arrived"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"point": "39.0"}, "--point: '39.0' is not LAT,LNG in degrees"),
        ({"point": "nan,1"}, "--point: 'nan,1' is not LAT,LNG"),
        ({"lower": "300"}, "an altitude with unit and datum"),
        ({"start": "1400Z"}, "write it as 2026-"),
    ],
)
def test_a_read_back_that_is_none_says_how_to_write_it(
    north: Desk, south: Desk, wrong: dict[str, str], says: str
) -> None:
    note = given(north, south)
    ran = south(f"notice read-back {note}", *read_back(south, note, **wrong))
    assert (ran.code, says in ran.err) == (2, True), ran.err
    ran = south(f"notice read-back {note}")
    assert "say --point, --radius-m, --lower, --upper, --start, --end as well" in ran.err


def test_answers_and_what_goes_with_them(north: Desk, south: Desk) -> None:
    note = given(north, south)
    south.good(f"notice answer {note} need-time --minutes 20")
    asked = north.stage(note, "need-time")
    assert asked["due"]["overdue"] is False
    until = datetime.fromisoformat(asked["due"]["at"])
    assert timedelta(minutes=19) < until - datetime.now(UTC) <= timedelta(minutes=20)
    south.bad(2, "goes with need-time only", f"notice answer {note} noted --minutes 20")
    south.good(f"notice answer {note} unable --in ar --text", "منطاد حتى 1500Z")
    north.stage(note, "unable")
    south.good(f"notice answer {note} noted")
    north.stage(note, "noted")
    north.bad(1, "our own notice is answered by the other side", f"notice answer {note} noted")
    south.bad(2, "Invalid value", f"notice answer {note} yes")
    # Each reads it in their own language, and sees that nobody translated the free words.
    for language, untranslated in (
        ("en", "(not translated)"),
        ("ar", ""),
        ("he", "(לא תורגם)"),
        ("ru", "(без перевода)"),
    ):
        words = north.good(f"notice show {note} --language {language}").out
        assert "منطاد حتى 1500Z" in words
        assert untranslated in words
    payloads = [each["payload"] for each in north.thread(note)["notes"]]
    assert {"منطاد حتى 1500Z"} == {p["text"] for p in payloads if p and "text" in p}
    assert {"ar"} == {p["language"] for p in payloads if p and "language" in p}
    north.bad(2, "Invalid value for '--language'", f"notice show {note} --language xx")


def test_a_proposal_is_accepted_and_both_ends_hold_the_outcome(north: Desk, south: Desk) -> None:
    north.good("plan submit", north.file("heron.geojson", area(callsign="HERON-1", lng=-119.5)))
    before = north.good("plan list --json").json["plans"]
    note = north.good("notice give HERON-1 --to south").id
    south.has(note)
    south.bad(2, "a proposal moves something", f"notice counter {note}")
    south.bad(2, "nan and inf are no numbers", f"notice counter {note} --up-m nan")
    south.good(f"notice counter {note} --delay-s 600 --in en --text", "Balloon")
    assert north.stage(note, "countered")["moves"] == "north"
    south.bad(1, "no proposal of the other side", f"notice accept {note}")
    north.good(f"notice accept {note}")
    # Once more moves nothing more.
    north.bad(1, "it was accepted already", f"notice accept {note}")
    south.stage(note, "outcome")
    south.good(f"notice confirm {note}")
    south.bad(1, "no outcome waits for us: it is settled", f"notice confirm {note}")
    for desk in (north, south):
        thread = desk.stage(note, "settled")
        (outcome,) = (each for each in thread["notes"] if each["kind"] == "outcome")
        assert outcome["payload"]["shift"]["delay_s"] == 600
        assert outcome["own"]["moves"] == "north"
        words = desk.good(f"notice show {note}").out
        assert re.search(r"HERON-1 flies later by 10 minutes", words), words
        # The times in the table are those of before: beside them stands what was agreed.
        assert "AGREED: north moves 600 s later" in desk.good("notice list --last 5").out
    after = north.good("plan list --json").json["plans"]
    starts = [{p["callsign"]: p["time_start"] for p in plans} for plans in (before, after)]
    moved = [datetime.fromisoformat(each["HERON-1"]) for each in starts]
    assert (moved[1] - moved[0]).total_seconds() == 600
    # Both count the same: north moved.
    for desk, other, word in ((north, "south", "we"), (south, "north", "north")):
        said = desk.good(f"line yields --party {other}").out
        assert f"{word} moved by +10 min, with {other}" in said
        ledger = desk.good(f"line yields --party {other} --json").json
        assert {each["moved"] for each in ledger["yields"]} == {"north"}
    south.bad(2, "since", "line yields --since yesterday")


def test_a_proposal_is_turned_down_or_taken_back(north: Desk, south: Desk) -> None:
    note = given(north, south)
    south.good(f"notice counter {note} --up-m 300")
    north.stage(note, "countered")
    north.good(f"notice answer {note} unable")
    south.stage(note, "declined")
    # A new one takes the place of the first.
    south.good(f"notice counter {note} --delay-s 600")
    south.good(f"notice counter {note} --delay-s 1200")
    north.until(lambda: north.thread(note), lambda found: found["proposal"]["delay_s"] == 1200)
    # Whoever proposed takes it back by another answer.
    south.good(f"notice answer {note} noted")
    north.stage(note, "noted")
    north.bad(1, "no proposal of the other side", f"notice accept {note}")


def test_where_their_plan_moves_they_name_it(north: Desk, south: Desk) -> None:
    south.good("plan submit", south.file("kite.geojson", area(callsign="KITE-9", lng=-119.0)))
    note = given(north, south)
    south.good(f"notice counter {note} --mine --delay-s 300")
    north.stage(note, "countered")
    north.good(f"notice accept {note}")
    south.stage(note, "outcome")
    south.bad(1, "say which plan of ours moves: --plan", f"notice confirm {note}")
    south.bad(2, "nothing fits", f"notice confirm {note} --plan KITE-8")
    plans = [south.good("plan list --json").json["plans"]]
    south.good(f"notice confirm {note} --plan KITE-9")
    plans.append(south.good("plan list --json").json["plans"])
    starts = [{p["callsign"]: p["time_start"] for p in each}["KITE-9"] for each in plans]
    first, then = map(datetime.fromisoformat, starts)
    assert (then - first).total_seconds() == 300
    north.stage(note, "settled")


def test_our_own_plan_moves_by_our_confirmation(north: Desk, south: Desk) -> None:
    north.good("plan submit", north.file("crow.geojson", area(callsign="CROW-4", lng=-123.0)))
    note = north.good("notice give CROW-4 --to south").id
    south.has(note)
    north.bad(1, "it would change nothing", f"notice counter {note} --mine --delay-s 600")
    south.good(f"notice answer {note} unable")
    north.stage(note, "unable")
    north.good(f"notice counter {note} --mine --delay-s 600")
    south.stage(note, "countered")
    south.good(f"notice accept {note}")
    north.stage(note, "outcome")
    north.good(f"notice confirm {note}")
    (plan,) = (p for p in north.good("plan list --json").json["plans"] if p["callsign"] == "CROW-4")
    begins = datetime.fromisoformat(south.stage(note, "settled")["start"])
    assert datetime.fromisoformat(plan["time_start"]) - begins == timedelta(minutes=10)


def test_nothing_is_signed_for_a_plan_that_cannot_move(north: Desk, south: Desk) -> None:
    file = north.file("ibis.geojson", area(callsign="IBIS-1", lng=-123.5))
    north.good("plan submit", file)
    taken = south.file("wren.geojson", area(125, callsign="WREN-2", lng=-123.5))
    south.good("plan submit", taken)
    note = north.good("notice give IBIS-1 --to south").id
    south.has(note)
    south.good(f"notice counter {note} --delay-s 2400")
    north.stage(note, "countered")
    ran = north.bad(1, "nothing is signed: the plan did not move so", f"notice accept {note}")
    assert "WREN-2" in ran.err
    # It stands where it stood; whoever tells of one that does not is told so.
    refused = south.file("wren.geojson", area(125, callsign="WREN-3", lng=-123.5))
    north("plan submit", refused)
    assert "note: this plan is refused" in north.good("notice give WREN-3 --to south").err
    assert "tansiq plan show" in ran.err
    assert south.thread(note)["stage"] == "countered"


def test_an_outcome_that_is_disputed_is_open_again(north: Desk, south: Desk) -> None:
    note = given(north, south)
    south.good(f"notice counter {note} --delay-s 600")
    north.stage(note, "countered")
    north.good(f"notice accept {note}")
    south.stage(note, "outcome")
    south.good(f"notice confirm {note} --disputed --text", "We said 20 minutes")
    north.stage(note, "countered")
    south.bad(1, "no outcome waits for us: it is countered", f"notice confirm {note}")


def test_a_later_notice_takes_the_place_of_the_first(north: Desk, south: Desk) -> None:
    north.good("plan submit", north.file("gull.geojson", area(callsign="GULL-3", lng=-118.7)))
    first = north.good("notice give GULL-3 --to south").id
    second = north.good("notice give gull-3 --to south").id
    south.has(second)
    south.bad(1, f"that one counts: {second}", f"notice answer {first} noted")
    assert "superseded" in south.good(f"notice show {first}").out
    south.good(f"notice answer {second} noted")


def test_a_no_go_area_is_told_of_by_its_name(north: Desk, south: Desk) -> None:
    north.good(
        "constraint submit",
        north.file("fire.geojson", area(callsign="FIRE-7", type="constraint", lng=-118.5)),
    )
    note = north.good("notice give FIRE-7 --to south").id
    assert south.has(note)["subject"] == "no-go"
    north.bad(2, "tansiq constraint list --all", "notice give NOBODY --to south")
    north.good("constraint end FIRE-7 --yes")
    north.bad(1, "has ended", "notice give FIRE-7 --to south")


def test_a_notice_taken_back_takes_no_more_answers(north: Desk, south: Desk) -> None:
    note = given(north, south)
    south.bad(1, "it is north's, who alone takes it back", f"notice withdraw {note}")
    north.good(f"notice withdraw {note} --text", "Crane is down")
    south.stage(note, "withdrawn")
    south.bad(1, "north has withdrawn it", f"notice answer {note} noted")
    north.bad(1, "north has withdrawn it", f"notice withdraw {note}")
    assert "was withdrawn by North" in south.good(f"notice show {note}").out


def test_a_late_notice_is_delivered_and_marked(north: Desk, south: Desk) -> None:
    note = given(north, south, 5)
    for desk in (north, south):
        desk.until(lambda desk=desk: desk.thread(note), lambda t: t["lead"]["late"] == "yes")
        assert "LATE" in desk.good("notice list --last 5").out
        assert re.search(r"LATE: notice \d min.*, required 30 min", desk(f"notice show {note}").out)
        counted = desk.good("line show --json").json["lines"][0]
        assert counted["late_ours" if desk is north else "late_theirs"] > 0
        assert "LATE notices in 24 h: " in desk.good("line show").out
    in_time = given(north, south)
    assert "LATE" not in south.good(f"notice show {in_time}").out


def test_times_of_another_day_say_so(north: Desk, south: Desk) -> None:
    note = given(north, south, 2 * 1440)
    day = datetime.fromisoformat(south.thread(note)["start"])
    group = f"{day:%d%H%MZ}"
    assert group in south.good("notice list --last 3").out
    assert group in south.thread(note)["told"]["words"][-1]


def test_what_is_overdue_is_told_with_whom_to_turn_to(north: Desk, south: Desk) -> None:
    note = given(north, south)
    full = north.thread(note)["id"]

    def steps() -> list[tuple[str, str]]:
        told = (each for each in north.events("line-escalated") if each["id"] == full)
        return [(each["body"]["rung"], each["body"]["whom"]) for each in told]

    # The one who is turned to twice is told twice.
    north.until(steps, lambda found: len(found) == 3)
    assert steps() == [
        ("seen", "sender by node"),
        ("answered", "sender by node"),
        ("answered", "civil/watch by voice"),
    ]
    north.stop()
    north.start()  # No reason to tell it again.
    time.sleep(1.2)  # Longer than from one look of the vigil to the next.
    assert len(steps()) == 3
    told = north.good("events").out
    assert f"{note}  OVERDUE: notice with south, not seen; turn to sender by node" in told
    shown = north.good(f"notice show {note}").out
    assert "awaited   seen, OVERDUE since" in shown
    assert "called    civil/watch by voice" in shown
    assert "OVERDUE: seen" in north.good("notice list --last 3").out


def test_a_proposal_that_nobody_decides_on_is_overdue_at_both_ends(
    north: Desk, south: Desk
) -> None:
    note = given(north, south)
    south.good(f"notice counter {note} --delay-s 600")
    for desk in (north, south):
        desk.until(
            lambda desk=desk: desk.thread(note)["due"],
            lambda due: due["rung"] == "decided" and due["overdue"],
        )
        shown = desk.good(f"notice show {note}").out
        assert "awaited   decided by north, OVERDUE since" in shown
        assert "OVERDUE: decided by north" in desk.good("notice list --last 3").out
        counted = desk.good("line show --json").json["lines"][0]
        assert counted["overdue_ours" if desk is north else "overdue_theirs"] > 0
        assert "OVERDUE: " in desk.good("line show").out
        other = "south" if desk is north else "north"
        line = f"{note}  OVERDUE: notice with {other}, not decided by north"
        desk.until(lambda desk=desk: desk.good("events").out, lambda out, line=line: line in out)
    north.good(f"notice answer {note} unable")
    assert north.thread(note)["due"] is None


@pytest.mark.parametrize("note", ["טיסה", "a b", "", "abc", "../plans?x", "OSPREY-2"])
def test_what_is_no_id_is_refused_as_such(north: Desk, note: str) -> None:
    for command in ("notice show", "notice seen", "all-clear", "log proof", "note export --note"):
        north.bad(2, "is no id of the line: 6 hex digits or more", command, note)


def test_an_id_that_nobody_has_and_a_party_that_there_is_not(north: Desk) -> None:
    north.bad(2, "tansiq notice list --all shows them", "notice show 000000000000")
    # Nothing of nobody is not the same as nothing.
    north.bad(2, "there is one with: south, civil", "notice list --with sotuh")
    north.bad(2, "there is one with: south, civil", "note export --to sotuh")
    file = north.file("a.geojson", area())
    north.bad(2, "there is one with: south, civil", "notice area --to sotuh", file)
    now = zulu(datetime.now(UTC))
    north.bad(2, "there is one with: south, civil", f"line call sotuh Gist --at {now}")
