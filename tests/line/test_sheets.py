"""Printed sheets of real nodes: what was said is on them, with the hash of evidence that verifies.

One story for all tests: a notice that came late, an answer, a stop and its all-clear, a check, a
watch that was taken, an alarm.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from floor import Desk, area

from tansiq.domain.time import zulu
from tansiq.formats.evidence import verify_bundle
from tansiq.services.record import bundling


def sheet(desk: Desk, path: str, who: str = "nina") -> Any:
    answer = desk.api("GET", f"/sheets/{path}", who=who)
    assert answer.status == 200, answer.body
    return answer.json


def section(view: Any, code: str) -> Any:
    return next(each for each in view["sections"] if each["code"] == code)


def texts(view: Any, code: str) -> list[list[str]]:
    """Return the rows of a table, each field as one text without marks of direction."""
    return [
        ["; ".join(_bare(word["text"]) for word in cell) for cell in row["cells"]]
        for row in section(view, code)["rows"]
    ]


def counts(view: Any) -> dict[str, int]:
    said = section(view, "counts")["says"]
    return {each["code"].removeprefix("count."): each["parameters"].get("number") for each in said}


def _bare(text: str) -> str:
    return "".join(char for char in text if not "\u2066" <= char <= "\u2069")


@pytest.fixture
def told(north: Desk, south: Desk) -> str:
    """Have the two talk, once for all tests; return the id of the notice."""
    known = north.api("GET", "/threads?kind=notice&party=south").json["threads"]
    before = [each["id"] for each in known if each["callsign"] == "SHEET-1"]
    if before:
        return str(before[0])
    north.good("watch take")
    began = datetime.now(UTC)
    # Of 30 minutes that this floor's agreement asks for, 5 are late.
    plan = north.file("sheet.geojson", area(5, callsign="SHEET-1", lng=-121.7))
    north.good("plan submit", plan)
    note = str(north.good("notice give SHEET-1 --to south --text", "mind the gap").id)
    _BEGUN.append(began)
    south.has(note)
    south.good(f"notice seen {note}")
    south.good(f"notice answer {note} noted")
    north.stage(note, "noted")
    stop = north.good("stop --to south").id
    south.has(stop)
    north.good("all-clear")
    north.stage(stop, "cleared")
    check = north.good("line check --to south").id
    south.has(check)
    south.good(f"line reply {check}")
    north.stage(check, "replied")
    north.good("alarm test")
    return note


def window(note: Any) -> str:
    """Return a window from when it was told, as a query: others say much on the same floor."""
    assert note
    begun = _BEGUN[0] - timedelta(seconds=1)
    return f"from={zulu(begun)}&to={zulu(datetime.now(UTC) + timedelta(hours=1))}"


_BEGUN: list[datetime] = []
"""When the notice of this module was about to be given."""


# What stands on them


def test_the_day_sheet_has_all_of_the_day(north: Desk, told: str) -> None:
    view = sheet(north, "day")
    assert view["made"][:10] == view["from"][:10]
    (plan,) = [row for row in texts(view, "plans") if row[3] == "SHEET-1"]
    assert plan[2] == "North"
    assert plan[4] == "coordinated"
    assert plan[5] == "300 m W84 to 600 m W84"
    (notice,) = [row for row in texts(view, "notices") if row[2] == "SHEET-1"]
    assert notice[1] == "from North; to South"
    assert notice[4] == "noted"
    assert "; seen " in notice[5]
    assert notice[5].endswith(" NH")
    assert notice[6].startswith("LATE; ")
    assert "30 minutes" in notice[6]
    assert any(row[3] == "all clear" for row in texts(view, "stops"))
    assert any(row[2] == "answered by a person" for row in texts(view, "checks"))
    assert any(row[1] == "Nina Hall" for row in texts(view, "watch"))
    assert any(row[1] == "test of alarms" for row in texts(view, "alarms"))
    said = counts(view)
    assert said["plans-ours"] == sum(row[2] == "North" for row in texts(view, "plans"))
    assert said["notices"] == len(texts(view, "notices"))
    assert said["late"] == sum(row[6].startswith("LATE") for row in texts(view, "notices"))
    assert said["stops"] == len(texts(view, "stops"))
    assert min(said["late"], said["checks"], said["alarms"]) >= 1


def test_the_other_side_has_the_notice_on_its_sheet_as_theirs(south: Desk, told: str) -> None:
    view = sheet(south, "day")
    (notice,) = [row for row in texts(view, "notices") if row[2] == "SHEET-1"]
    assert notice[1] == "from North; to South"
    (plan,) = [row for row in texts(view, "plans") if row[3] == "SHEET-1"]
    assert (plan[2], plan[4]) == ("North", "planned")


def test_another_day_has_nothing_of_it(north: Desk, told: str) -> None:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    view = sheet(north, f"day?date={yesterday}")
    for code in ("plans", "notices", "stops", "checks", "watch", "alarms"):
        assert texts(view, code) == [], code
        assert section(view, code)["says"][-1]["text"] == "None."
    assert view["bundle"]["sha256"] is None
    assert view["foot"][0]["code"] == "foot.no-record"


def test_the_hand_over_sheet_says_who_leaves_and_what_is_open(north: Desk, told: str) -> None:
    view = sheet(north, "hand-over", who="omar")
    said = [_bare(each["text"]) for each in section(view, "watch")["says"]]
    assert said[0].startswith("Hands over: Nina Hall, on watch since ")
    assert said[1] == "Takes over: Omar Aziz"
    assert [row[0] for row in texts(view, "lines")] == ["South", "Civil"]
    assert any(row[3] == "SHEET-1" for row in texts(view, "next-plans"))
    assert any(row[1] == "test of alarms" for row in texts(view, "alarms"))
    assert counts(view)["open"] == len(texts(view, "open"))
    assert len(section(view, "sign")["says"]) == 2
    # Whoever is on watch already, and this machine, take nothing over.
    for who in ("nina", ""):
        told_to = section(sheet(north, "hand-over", who=who), "watch")["says"][1]
        assert told_to["code"] == "watch.to-blank"


def test_the_report_says_who_told_whom_what_by_both_clocks(north: Desk, told: str) -> None:
    view = sheet(north, f"after-action?{window(told)}")
    assert [each["code"] for each in view["sections"]][:2] == ["counts", "told"]
    (row,) = [r for r in section(view, "told")["rows"] if _said(r, 0) == "kind.notice"
              and _bare(r["cells"][1][0]["text"]) == "SHEET-1"]  # fmt: skip
    thread = north.thread(told)
    notice, receipt = (
        next(n for n in thread["notes"] if n["kind"] == kind) for kind in ("notice", "receipt")
    )
    times = [row["cells"][i][0]["parameters"]["time"] for i in (4, 5, 6)]
    assert times[0] == notice["time"][:19] + "Z"
    assert times[1] == receipt["own"]["received"][:19] + "Z"
    timeline = section(view, "timeline")["rows"]
    entries = [row["cells"][0][0]["parameters"]["number"] for row in timeline]
    assert entries == sorted(entries)
    assert notice["entry"] in entries
    assert any("mind the gap" in "".join(row) for row in texts(view, "timeline"))
    assert any("min" not in row[2] and row[0] == "South" for row in texts(view, "clocks"))


def _said(row: Any, cell: int) -> str:
    return str(row["cells"][cell][0]["code"])


def test_the_report_of_one_line_has_nothing_of_the_others(north: Desk, told: str) -> None:
    view = sheet(north, f"after-action?{window(told)}&party=civil")
    assert [row[0] for row in texts(view, "clocks")] == ["Civil"]
    parties = {party for row in texts(view, "timeline") for party in row[3:5]}
    assert "South" not in parties
    assert view["bundle"]["party"] == "civil"


@pytest.mark.parametrize(
    ("language", "says"),
    [("ar", "كشف اليوم"), ("he", "דף יומי"), ("ru", "Суточный лист"), ("en", "Day sheet")],
)
def test_codes_are_the_same_in_every_language(
    north: Desk, told: str, language: str, says: str
) -> None:
    view, english = sheet(north, f"day?language={language}"), sheet(north, "day")
    assert view["title"]["text"] == says
    assert [s["code"] for s in view["sections"]] == [s["code"] for s in english["sections"]]
    for code in ("plans", "stops", "checks"):
        ours, theirs = (
            [[w["code"] for cell in row["cells"] for w in cell] for row in section(v, code)["rows"]]
            for v in (view, english)
        )
        assert ours == theirs


# The evidence behind them


def test_the_hash_on_the_sheet_is_that_of_evidence_that_verifies(
    north: Desk, told: str, tmp_path: Path
) -> None:
    view = sheet(north, f"after-action?{window(told)}")
    ref = view["bundle"]
    assert _bare(view["foot"][0]["text"]).endswith(ref["sha256"])
    got = north.api("GET", f"/sheets/bundles/{ref['sha256']}", who="")
    assert got.status == 200
    assert hashlib.sha256(got.body).hexdigest() == ref["sha256"]
    assert len(got.body) == ref["size"]
    found = verify_bundle(got.body)
    assert found.verified
    assert any(note.id == told for note in found.notes)
    file = tmp_path / "x.bundle"
    north.good(f"sheet bundle {ref['sha256']} --output {file}", who="")
    assert file.read_bytes() == got.body
    north.good(f"log verify {file}")
    north.bad(2, "cannot be written", f"sheet bundle {ref['sha256']} --output {file}", who="")


def test_only_an_admin_gets_the_evidence_and_everybody_the_hash(north: Desk, told: str) -> None:
    for who in ("wall", "nina"):
        name = sheet(north, "day", who=who)["bundle"]["sha256"]
        assert north.api("GET", f"/sheets/bundles/{name}", who=who).status == 403


def test_the_same_sheet_bears_the_same_hash_until_something_is_recorded(
    north: Desk, south: Desk, told: str
) -> None:
    for _ in range(20):
        size = north.api("GET", "/log/head").json["size"]
        first = sheet(north, "day")["bundle"]["sha256"]
        second = sheet(north, "day?language=ar")["bundle"]["sha256"]
        if north.api("GET", "/log/head").json["size"] == size:
            break
    assert first == second
    check = north.good("line check --to south").id
    south.has(check)
    assert sheet(north, "day")["bundle"]["sha256"] != first
    # The paper of a minute ago can still be proven.
    assert north.api("GET", f"/sheets/bundles/{first}", who="").status == 200


def test_a_window_with_too_much_for_a_bundle_says_so_instead_of_a_hash(
    north: Desk, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundling, "ENTRIES_MAX", 3)
    since = zulu(datetime.now(UTC) - timedelta(minutes=61))
    view = sheet(north, f"after-action?from={since}&to={zulu(datetime.now(UTC))}")
    assert view["bundle"]["sha256"] is view["bundle"]["path"] is None
    assert view["foot"][0]["code"] == "foot.too-large"
    assert texts(view, "timeline")


def test_with_persons_withheld_nobody_is_named_on_the_sheet_nor_in_its_evidence(
    north: Desk, told: str
) -> None:
    names = ("Nina", "Omar", "NH", "mind the gap")
    for path in ("day?", "hand-over?", f"after-action?{window(told)}&"):
        answer = north.api("GET", f"/sheets/{path}withhold=persons", who="omar")
        assert answer.status == 200
        for name in names:
            assert name not in answer.body.decode(), (path, name)
        ref = answer.json["bundle"]
        assert ref["withheld"] == "persons"
        content = north.api("GET", f"/sheets/bundles/{ref['sha256']}", who="").body
        assert verify_bundle(content).verified
        said = {note.words for note in verify_bundle(content).notes}
        assert not any(name in words for name in names for words in said)


# The commands


def test_the_commands_write_each_form(north: Desk, told: str, tmp_path: Path) -> None:
    query = ["--from", zulu(datetime.now(UTC) - timedelta(hours=1)),
             "--to-time", zulu(datetime.now(UTC))]  # fmt: skip
    for kind, more in (("day", []), ("hand-over", []), ("after-action", query)):
        for suffix in ("pdf", "json", "txt"):
            file = tmp_path / f"{kind}.{suffix}"
            north.good(f"sheet {kind} --language ru --output {file}", *more)
            start = file.read_bytes()[:5]
            assert start == {"pdf": b"%PDF-", "json": b'{"kin'}.get(suffix, start)
        assert "Суточный" in (tmp_path / "day.txt").read_text()
        assert "SHA-256" in north.good(f"sheet {kind}", *more).out
    north.bad(2, "end the name in .pdf", f"sheet day --output {tmp_path}/day.doc")
    north.bad(2, "cannot be written", f"sheet day --output {tmp_path}/no/day.pdf")
    north.bad(2, "64 hex digits", f"sheet bundle ../x --output {tmp_path}/x")
    north.bad(2, "has not begun", "sheet day --date 2999-01-01")
    north.bad(2, "role", f"sheet bundle {'0' * 64} --output {tmp_path}/x")
