"""The line as desks use it: stops, checks, calls, the watch, practice, cut wires, evidence."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from floor import Desk, area

from tansiq.domain.time import zulu


@pytest.fixture
def cut(south: Desk) -> Iterator[None]:
    """No wire leads to south; mended at the end."""
    south.deafen()
    yield
    if south.side._peer is None:
        south.listen()


@pytest.fixture
def practising(north: Desk, south: Desk) -> Iterator[None]:
    """Both sides of the line practise."""
    for desk, other in ((north, south), (south, north)):
        desk.good(f"line set exercise --to {other.party}")
    for desk in (north, south):
        desk.until(lambda desk=desk: desk("line show"), lambda r: "exercise by north, so" in r.out)
    yield
    for desk, other in ((north, south), (south, north)):
        desk.good(f"line set open --to {other.party}")
    for desk in (north, south):
        desk.until(lambda desk=desk: desk("line show"), lambda r: "exercise by" not in r.out)


def arrived(desk: Desk) -> None:
    """Wait until nothing of this desk is on its way."""
    desk.until(lambda: desk("line outbox"), lambda ran: ran.out == "everything has arrived\n")


def window() -> list[str]:
    """Return the options of a window around now."""
    now = datetime.now(UTC)
    first, last = now - timedelta(hours=1), now + timedelta(minutes=1)
    return ["--from", zulu(first), "--to-time", zulu(last)]


def test_stop_reaches_all_and_stands_until_the_all_clear(
    north: Desk, south: Desk, civil: Desk
) -> None:
    made = north.good("stop --in en --text", "Balloon")
    assert len(made.ids) == 2
    for desk in (south, civil):
        desk.until(
            lambda desk=desk: desk("line show"),
            lambda r: re.search(r"STOP in force: by north since \d{4}Z: all air", r.out),
        )
        desk.bad(1, "who stopped gives the all-clear", f"all-clear --yes {desk_stop(desk)}")
    note = desk_stop(south)
    south.good(f"notice seen {note}")
    north.stage(note, "seen")
    words = north.good(f"notice show {note}").out
    assert "STOP seen by Nina Hall" in words
    assert "Balloon\n" in words
    north.good("all-clear --yes --text", "Gone")
    for desk in (south, civil):
        desk.until(lambda desk=desk: desk("line show"), lambda r: "STOP" not in r.out)
    # The time is that of everybody, and not of who stopped.
    assert "Time lost: 1 minute." in south.good(f"notice show {note}").out
    north.bad(1, "no stop of ours is in force", "all-clear --yes")
    north.bad(1, "cleared already", f"all-clear --yes {note}")


def desk_stop(desk: Desk) -> str:
    """Return the id of the one stop that stands there."""
    (stop,) = desk.api("GET", "/line").json["stops"]
    return str(stop["id"][:10])


def test_a_stop_of_some_air_says_of_which(north: Desk, south: Desk) -> None:
    file = north.file("stop.geojson", area(1, callsign=""))
    # Named twice, told once.
    note = north.good("stop --to south --to south", file).id
    over = north.file("over.geojson", area(-600))
    for command in ("stop --to south", "notice area --to south"):
        north.bad(2, "has passed; give a later one", command, over)
    south.has(note)
    for shown in (south.good("line show").out, south.good(f"notice show {note}").out):
        assert "radius 500 m" in shown
        assert "From 300 m W84 to 600 m W84." in shown
    north.good(f"all-clear --yes {note}")
    south.stage(note, "cleared")


def test_a_stop_that_has_not_arrived_says_so(north: Desk, south: Desk, cut: None) -> None:
    ran = north.bad(1, "STOP HAS NOT ARRIVED at south: use every other channel", "stop")
    assert re.search(r"-> civil .* arrived  OVERDUE: seen", ran.out)
    south.listen()
    arrived(north)
    assert "STOP in force" in south.good("line show").out
    north.good("all-clear --yes")


def test_comm_checks(north: Desk, south: Desk) -> None:
    note = north.good("line check --to south").id
    south.has(note)
    assert "check" in south.good("notice list --all --last 1").out
    north.bad(1, "our own check", f"line reply {note}")
    for desk in (north, south):
        assert "Comm check sent to South" in desk.good(f"notice show {note}").out
    south.good(f"line reply {note}")
    north.stage(note, "replied")
    south.bad(1, "answered already", f"line reply {note}")
    assert "south     open, next check" in north.good("line show").out
    north.bad(2, "goes to another party", "line check --to north")
    told = [each["body"]["state"] for each in north.events("line-check") if each["id"] == "south"]
    assert told[0] == "due"
    north.until(lambda: north("events"), lambda r: "south  comm check answered" in r.out)


def test_the_state_of_the_line(north: Desk, south: Desk) -> None:
    south.good("line set suspended --to north --text", "Lunch")
    north.until(lambda: north("line show"), lambda r: "suspended by south" in r.out)
    ran = north.bad(1, "suspended by south", "line say stand-by --to south")
    assert "tansiq line set" in ran.err
    note = north.good("stop --to south").id  # Passes, whatever the state.
    south.has(note)
    north.good(f"all-clear --yes {note}")
    state = south.good("line set open --to north").id
    north.has(state)
    north.good(f"notice confirm {state}")
    south.stage(state, "confirmed")
    north.bad(1, "it would change nothing", f"notice confirm {state}")
    north.bad(2, "Invalid value", "line set shut")


def test_calls_are_confirmed_or_disputed_once(north: Desk, south: Desk) -> None:
    note = north.good("line call south --in ru", "Держат OSPREY-2 до 1500Z").id
    south.has(note)
    south.good(f"notice confirm {note} --disputed --text", "1530Z")
    north.stage(note, "disputed")
    south.good(f"notice confirm {note}")
    north.stage(note, "confirmed")
    # What would count for nothing is not said.
    south.bad(1, "the call is confirmed", f"notice confirm {note}")
    assert "out of turn" not in south.good(f"notice show {note}").out
    north.bad(1, "our own", f"notice confirm {note}")
    north.bad(2, "lies ahead", "line call south Gist --at 2031-01-01T00:00:00Z")
    north.bad(2, "a call needs it", "line call south", "")


def test_coded_messages_are_read_in_each_language(north: Desk, south: Desk) -> None:
    note = north.good("line say will-be-late flight=OSPREY-2 minutes=15 --to south").id
    south.has(note)
    said = {
        language: south.good(f"notice show {note} --language {language}").out
        for language in ("en", "ar", "he", "ru")
    }
    assert "OSPREY-2" in said["ru"]
    assert re.search("[а-я]", said["ru"])
    assert re.search("[א-ת]", said["he"])
    assert re.search("[\u0621-\u064a]", said["ar"])
    (opening, *_) = south.thread(note)["notes"]
    assert opening["payload"]["parameters"] == {"flight": "OSPREY-2", "minutes": 15}
    north.bad(2, "tansiq phrases", "line say nonsense")
    north.bad(2, "needs its callsign", "line say will-be-late")
    # Nobody says "all clear" without an all-clear.
    stated = "all-clear party=north time=2026-11-28T14:00:00Z"
    north.bad(2, "tansiq phrases say", f"line say stop.{stated} --to south")
    north.bad(2, "is not NAME=VALUE", "line say will-be-late OSPREY-2")


def test_incidents_are_reviewed_once(north: Desk, south: Desk) -> None:
    note = north.good("line incident --to south", "Too near", *window()).id
    south.has(note)
    south.good(f"line review {note}", "Seen on our side too")
    north.stage(note, "reviewed")
    south.bad(1, "the incident is reviewed", f"line review {note}", "Again")
    north.bad(1, "the other side reviews it", f"line review {note}", "Ours")
    first, *rest = window()
    north.bad(2, "ends before it starts", "line incident x", first, rest[2], rest[1], rest[0])


def test_the_watch_is_taken_over_with_its_sheet(north: Desk, south: Desk) -> None:
    note = north.good("line incident --to south", "Too near", *window()).id
    north.good("watch take --text", "Quiet night")
    taken = north.good("watch take --desk watch", who="omar").out
    assert re.search(r"watch     Omar Aziz \(OA\) at watch since \d{4}Z, relieved Nina Hall", taken)
    shown = north.good("watch show").out
    # The sheet itself, and not only that there is one.
    assert re.search(rf"{note}  incident +south", shown)
    assert shown == taken
    items = north.good("watch show --json").json["items"]
    assert note in {item["thread"][:10] for item in items}
    north.bad(2, "there is: watch", "watch take --desk nowhere")
    north.stop()
    north.start()
    assert north.good("watch show").out == taken


def test_practice_is_marked_and_never_meets_what_is_meant(
    north: Desk, south: Desk, practising: None
) -> None:
    north.bad(1, "tansiq line set exercise", "line check --exercise --to civil")
    file = north.file("drill.geojson", area(callsign="DRILL"))
    note = north.good("notice area --exercise --to south", file).id
    stop = north.good("stop --exercise --to south").id
    check = north.good("line check --exercise --to south").id
    say = north.good("line say stand-by --exercise --to south").id
    for each in (note, stop, check, say):
        south.has(each)
        assert south.good(f"notice show {each}").out.startswith("EXERCISE EXERCISE EXERCISE")
    assert "STOP in force: EXERCISE EXERCISE EXERCISE, by north" in south.good("line show").out
    south.good(f"line reply {check}")
    south.good(f"notice answer {note} unable")
    assert north.stage(note, "unable")["mode"] == "exercise"
    modes = {each["mode"] for each in north.thread(note)["notes"]}
    assert modes == {"exercise"}
    listed = south.good("notice list --all --last 9").out.splitlines()
    assert all("EXERCISE" in row for row in listed if row[:10] in (note, stop, check, say))
    rows = [row for row in south.good("events").out.splitlines() if f" {note} " in row]
    assert rows
    assert all("EXERCISE" in row for row in rows)
    north.good(f"all-clear --yes {stop}")
    south.stage(stop, "cleared")


def test_what_an_exercise_left_open_can_be_ended(
    north: Desk, south: Desk, practising: None
) -> None:
    file = north.file("drill.geojson", area(callsign="DRILL"))
    note = north.good("notice area --exercise --to south", file).id
    drill = north.good("stop --exercise --to south").id
    north.good("line set open --to south")
    south.until(lambda: south("line show"), lambda r: "exercise by" not in r.out)
    south.bad(1, "tansiq line set exercise", f"notice answer {note} noted")
    north.good(f"notice withdraw {note}")
    meant = north.good("stop --to south").id
    north.good("all-clear --yes")
    for each in (drill, meant):
        south.stage(each, "cleared")
    south.stage(note, "withdrawn")


def test_what_has_not_arrived_is_shown_until_it_has(north: Desk, south: Desk, cut: None) -> None:
    note = north.good("line say stand-by --to south").id
    ran = north.until(lambda: north("line outbox"), lambda r: " tries  " in r.out)
    assert re.search(rf"{note}  say +-> south +since \d{{4}}Z  \d+ tries  \S", ran.out)
    assert "1 NOT ARRIVED (" in north.good("line show").out
    assert "(not arrived)" in north.good(f"notice show {note}").out
    assert north.good("line outbox --json").json["waiting"][0]["party"] == "south"
    north.stop()
    north.start()
    assert note in north.good("line outbox").out
    south.listen()
    arrived(north)
    assert "NOT ARRIVED" not in north.good("line show").out
    assert south.has(note)["kind"] == "say"
    # That the node was away is in its own record.
    log = north.data.parent / "gap.bundle"
    north.good(f"log export --output {log}", *window(), who="")
    assert "tansiq/gap@v1" in log.read_text()


def test_notes_are_carried_by_hand(north: Desk, south: Desk, cut: None, tmp_path: Path) -> None:
    note = north.good("line say stand-by --to south").id
    there, back = str(tmp_path / "there.letters"), str(tmp_path / "back.letters")
    assert north.good("note export --to south --output", there).err == "1 notes\n"
    took = south.good("note import --receipts", back, there)
    assert took.out == "1 of 1 notes are here\n"
    assert south.good("note import", there).out == "1 of 1 notes are here\n"  # Changes nothing.
    north.good("note import", back)
    arrived(north)
    assert north.stage(note, "arrived")["rungs"][1]["party"] == "south"
    # One note by the beginning of its name, as frames of codes too.
    frames = str(tmp_path / "frames.txt")
    north.good(f"note export --note {note} --frames --output", frames)
    assert south.good("note import --frames", frames).out == "1 of 1 notes are here\n"
    north.bad(2, "name a note, or the party", "note export")
    north.bad(2, "no note of that name is here", "note export --note 000000000000")
    south.bad(2, "cannot be read", "note import /nowhere.letters")
    south.bad(2, "is no file of notes", "note import", south.file("x.letters", b"x"))
    ran = north("note import", there)
    assert (ran.code, "is for south, and this is north" in ran.out) == (1, True)


def test_the_record_is_exported_verified_and_compared(
    north: Desk, south: Desk, tmp_path: Path
) -> None:
    note = north.good("line say stand-by --to south").id
    south.has(note)
    arrived(north)
    arrived(south)
    files = {desk.party: tmp_path / f"{desk.party}.bundle" for desk in (north, south)}
    for desk in (north, south):
        desk.bad(2, "admin", "log export --output x.bundle", *window())
        desk.good(f"log export --output {files[desk.party]}", *window(), who="")
    agreement = str(north.data / "agreement.toml")
    mine, theirs = map(str, files.values())
    assert north.good("log verify --agreement", agreement, theirs).out.startswith("VERIFIED\n")
    assert "if this agreement is yours" in north.good("log verify", theirs).out
    assert north.good("log compare", mine, theirs).out.startswith("EQUAL")
    assert north.good("log compare", theirs, who="").out.startswith("EQUAL")
    forged = tmp_path / "forged.bundle"
    forged.write_text(files["south"].read_text().replace("stand-by", "stand-bi"))
    assert north("log verify", str(forged)).code == 1
    north.bad(2, "", "log verify", agreement)
    north.bad(2, "cannot be written", f"log export --output {mine}", *window(), who="")
    assert "north cosigned" in south.good("log head").out
    proof = tmp_path / "x.tlog-proof"
    south.good(f"log proof {note} --output {proof}")
    assert proof.read_text().startswith("c2sp.org/tlog-proof@v1")
    page = tmp_path / "verify.html"
    north.good(f"log page --output {page}")
    assert page.read_text().startswith("<!doctype html>")


def test_a_record_that_lacks_a_note_differs(
    north: Desk, south: Desk, cut: None, tmp_path: Path
) -> None:
    note = north.good("line say stand-by --to south").id
    mine, theirs = str(tmp_path / "north.bundle"), str(tmp_path / "south.bundle")
    north.good(f"log export --output {mine}", *window(), who="")
    south.good(f"log export --output {theirs}", *window(), who="")
    ran = north("log compare", mine, theirs)
    assert (ran.code, ran.out.startswith("DIFFERENT")) == (1, True)
    assert re.search(rf"missing-there .*north to south .*\[{note} -\]", ran.out)


def test_a_viewer_says_nothing(north: Desk) -> None:
    for command in ("line check", "stop", "watch take", "line set open", "note export --to south"):
        north.bad(2, "this takes the role watch, and wall has the role viewer", command, who="wall")
    for command in ("line show", "watch show", "notice list", "line outbox", "log head"):
        north.good(command, who="wall")


def test_without_its_node_a_command_says_what_to_start(north: Desk) -> None:
    north.stop()
    try:
        for command in ("line show", "stop", "notice list", "watch take"):
            north.bad(3, "is `tansiq serve` running", command)
        north.bad(3, "THE STOP MAY NOT HAVE BEEN SAID: use every other channel", "stop")
    finally:
        north.start()
