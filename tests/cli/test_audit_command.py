"""``tansiq audit``: real files in, every output out."""

import json
import os
import pty
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.formats.build import (
    OTHER_ID,
    PLAN_ID,
    collection,
    constraint,
    feature,
    intent,
    point,
    raw,
    wire_volume,
)

from tansiq.cli import audit_run, audit_set
from tansiq.cli.audit_picture import marks
from tansiq.cli.main import cli

TANSIQ = str(Path(sys.executable).with_name("tansiq"))
MINIMA = ("--horizontal-m", "1000", "--vertical-m", "50", "--time-s", "60")
HOSTILE = "<img src=x onerror=alert(1)>\"'&"
ARABIC = "نسر ١٢"


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str, document: Any) -> str:
        (self.path / name).write_bytes(raw(document))
        return str(self.path / name)

    def audit(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["audit", *arguments])

    def json(self, *arguments: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
        result = self.audit(*arguments, "--json")
        *found, last = (json.loads(line) for line in result.stdout.splitlines())
        return result.exit_code, found, last["summary"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def two(folder: Folder) -> list[str]:
    """North's file in GeoJSON and South's in F3548: two plans and an area meet, one is apart."""
    north = collection(
        feature(callsign="A", datum="W84"),
        feature(callsign="FIRE", type="constraint", datum="W84"),
        feature(callsign="LATER", start="2026-06-02T00:00:00Z", end="2026-06-02T01:00:00Z"),
    )
    south = {"operational_intents": [intent(wire_volume(), tansiq={"callsign": "B"})]}
    return [folder.file("north.geojson", north), folder.file("south.json", south)]


def many(count: int) -> dict[str, Any]:
    """Return plans in one place, each of which meets the next one in time and no other."""
    times = [f"2026-06-01T{k // 60:02}:{k % 60:02}:00Z" for k in range(count + 1)]
    return collection(
        *(point(callsign=f"P{k}", start=times[k], end=times[k + 1]) for k in range(count))
    )


# What is found


def test_every_pair_of_all_files_is_found_and_areas_count_against_plans(
    folder: Folder, two: list[str]
) -> None:
    code, found, summary = folder.json(*two)
    assert code == 1
    names = {frozenset((c["first"]["name"], c["second"]["name"])) for c in found}
    assert names == {frozenset(pair) for pair in (("A", "B"), ("A", "FIRE"), ("B", "FIRE"))}
    assert [c["conflict"] for c in found] == [1, 2, 3]
    assert summary["conflicts"] == 3
    assert (summary["plans"], summary["no_go_areas"], summary["volumes"]) == (3, 1, 4)
    assert summary["parties"] == [
        {"first": "north.geojson", "second": "south", "conflicts": 2},
        {"first": "north.geojson", "second": "north.geojson", "conflicts": 1},
    ]
    assert summary["hours"] == {"14:00-14:59": 3}
    assert summary["levels"] == {"1,000 to 1,500 m": 3}


def test_figures_are_those_of_check(folder: Folder) -> None:
    other = {"lower": 1230, "upper": 1300, "datum": "W84", "start": "2026-06-01T14:55:20Z"}
    two = [
        point(datum="W84", callsign="A"),
        point(callsign="B", end="2026-06-01T15:00:00Z", **other),
    ]
    a, b = (folder.file(f"{k}.geojson", each) for k, each in enumerate(two))
    _, [found], _ = folder.json(a, b, *MINIMA)
    checked = json.loads(CliRunner().invoke(cli, ["check", a, b, "--json", *MINIMA]).stdout)
    [conflict] = checked["conflicts"]
    for name in ("horizontal_m", "vertical_m", "time_s"):
        assert found[name] == pytest.approx(conflict[name])
    assert conflict["explanation"] == "blocked by B: " + found["explanation"]
    assert found["margin"] == pytest.approx(0.4)
    assert (found["least"], found["start"], found["end"]) == (
        "vertical",
        "2026-06-01T14:55:00Z",
        "2026-06-01T14:55:20Z",
    )
    assert (found["lower_m"], found["upper_m"]) == (1200.0, 1230.0)
    assert (found["lat"], found["lng"]) == (pytest.approx(38.5), pytest.approx(-120.2))


def test_the_order_of_the_files_changes_nothing(folder: Folder, two: list[str]) -> None:
    assert folder.audit(*two, "--json").stdout == folder.audit(*two[::-1], "--json").stdout


def test_none(folder: Folder) -> None:
    result = folder.audit(folder.file("a", collection()))
    assert (result.exit_code, result.stdout) == (
        0,
        "0 plans and 0 no-go areas (0 volumes) of 1 file, minima 0 m, 0 m, 0 s: 0 conflicts\n",
    )
    areas = [feature(callsign=name, type="constraint") for name in "AB"]
    assert folder.json(folder.file("b", collection(*areas)))[:2] == (0, [])


# Text


def test_text_says_which_where_when_and_how_deep(folder: Folder, two: list[str]) -> None:
    lines = folder.audit(*two).stdout.splitlines()
    assert lines[0] == (
        "3 plans and 1 no-go area (4 volumes) of 2 files, minima 0 m, 0 m, 0 s: 3 conflicts"
    )
    assert lines[1] == "    1  2026-06-01 14:40:00Z  A of north.geojson - B of south"
    assert re.fullmatch(
        r" +same block 900-1,200 m W84, 14:40Z-14:55Z, outlines overlap; at 38\.\d{5}, "
        r"-120\.\d{5}; overlap in all three",
        lines[2],
    )
    assert "no-go area FIRE of north.geojson" in lines[3]
    assert "north.geojson, among themselves          1" in lines


@pytest.mark.parametrize("limit", [0, 1, 4, 5, 6])
def test_what_is_not_printed_is_counted(folder: Folder, limit: int) -> None:
    text = folder.audit(folder.file("a", many(6)), "--limit", str(limit)).stdout
    assert text.splitlines()[0].endswith("5 conflicts")
    assert len(re.findall(r"^ +\d+  2026", text, re.MULTILINE)) == min(limit, 5)
    rest = re.findall(r"^(?:and )?(\d+) more: ", text, re.MULTILINE)
    assert rest == ([str(5 - limit)] if limit < 5 else [])


def test_counting_agrees(folder: Folder, two: list[str]) -> None:
    counted = folder.audit(*two, "--count")
    assert counted.exit_code == 1
    assert counted.stdout.splitlines()[0] == folder.audit(*two).stdout.splitlines()[0]
    code, found, summary = folder.json(*two, "--count")
    assert (code, found, summary["conflicts"]) == (1, [], 3)


# Files written


def test_geojson_has_a_point_for_each(folder: Folder, two: list[str]) -> None:
    target = folder.path / "out.geojson"
    assert folder.audit(*two, "--geojson", str(target), "--limit", "0").exit_code == 1
    written = json.loads(target.read_text(encoding="utf-8"))
    assert written["type"] == "FeatureCollection"
    assert len(written["features"]) == 3
    for each in written["features"]:
        lng, lat = each["geometry"]["coordinates"]
        assert -120.21 < lng < -120.09
        assert 38.49 < lat < 38.61
        assert each["properties"]["upper_m"] == 1200.0
    empty = folder.path / "none.geojson"
    assert folder.audit(folder.file("a", collection()), "--geojson", str(empty)).exit_code == 0
    assert json.loads(empty.read_text()) == {"type": "FeatureCollection", "features": []}


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and text."""

    VOID = ("meta", "br", "img", "link")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data))


def page_of(folder: Folder, *arguments: str) -> Reader:
    target = folder.path / "page.html"
    folder.audit(*arguments, "--html", str(target))
    page = Reader(target.read_text(encoding="utf-8"))
    assert page.open == []
    return page


def test_the_page_is_whole_and_needs_nothing_from_elsewhere(folder: Folder, two: list[str]) -> None:
    page = page_of(folder, *two, *MINIMA)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "form", "a", "use", "image"}
    for tag, its in page.elements:
        assert not {"href", "src", "onclick", "onload", "xlink:href"} & its.keys(), tag
    texts = " ".join(text for _, text in page.texts)
    assert "3 conflicts within the minima" in texts
    assert "1,000 m" in texts
    assert "All 3 conflicts, the worst first" in texts
    numbers = [text for tag, text in page.texts if tag == "text" and text in ("1", "2", "3")]
    assert sorted(numbers) == sorted("123" * (len(numbers) // 3))  # On each picture.
    assert len(numbers) >= 6


@pytest.mark.parametrize("name", [HOSTILE, ARABIC, "</bdi></title></svg>"])
def test_names_are_escaped_and_set_apart(folder: Folder, name: str) -> None:
    """A call sign, a manager and a file that are not what they ought to be."""
    hostile = intent(wire_volume(), tansiq={"callsign": name})
    hostile["reference"]["manager"] = name
    file = folder.file(f"{name.replace('/', '')}.json", [hostile])
    page = page_of(folder, file, folder.file("b.geojson", feature(datum="W84")))
    assert "img" not in {tag for tag, _ in page.elements}
    apart = [text for tag, text in page.texts if tag == "bdi"]
    assert apart.count(name) >= 3  # As a plan and as a party.
    assert not [tag for tag, text in page.texts if name in text and tag not in ("bdi", "title")]


def test_a_terminal_is_not_steered(folder: Folder) -> None:
    hostile = intent(wire_volume())
    hostile["reference"]["manager"] = "south\x1b[2J\u202e"
    file = folder.file("a\x1b[2J.json", [hostile])
    result = folder.audit(file, folder.file("b", feature(datum="W84")), "--limit", "5")
    assert result.exit_code == 1
    assert not {"\x1b", "\u202e"} & set(result.output)


def test_the_page_says_what_it_leaves_out(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_run, "DRAWN_MOST", 50)
    monkeypatch.setattr("tansiq.cli.audit_page.VOLUMES_MOST", 60)
    page = page_of(folder, folder.file("a", many(80)))
    texts = " ".join(text for _, text in page.texts)
    assert "The 40 worst of 79 conflicts, the worst first" in texts
    assert "Both show the 50 worst of 79 conflicts." in texts
    [shown] = re.findall(r"Both show (\d+) of 80 volumes\.", texts)
    assert 41 <= int(shown) <= 60


def test_pages_of_nothing_and_of_awkward_places(folder: Folder) -> None:
    assert page_of(folder, folder.file("a", collection())).texts
    places = [(179.999, 10.0), (-179.999, 10.0), (0.0, 90.0), (90.0, 89.995), (5.0, -89.9)]
    features = []
    for k, place in enumerate(places):
        features.append(point(callsign=f"P{k}"))
        features[-1]["geometry"]["coordinates"] = list(place)
    page = page_of(folder, folder.file("b", collection(*features)))
    assert "nan" not in " ".join(str(its) for _, its in page.elements)
    assert "2 conflicts" in page.texts[0][1]


def test_numbers_do_not_hide_each_other() -> None:
    random = Random(1)
    places = [(random.gauss(500, 4), random.gauss(200, 4)) for _ in range(39)] + [
        (500.0, 200.0)
    ] * 2
    found = marks(places, (0.0, 0.0, 1_000.0, 400.0))
    gaps = [
        ((x - u) ** 2 + (y - v) ** 2) ** 0.5 for k, (x, y) in enumerate(found) for u, v in found[:k]
    ]
    assert min(gaps) > 14.0
    assert all(0.0 < x < 1_000.0 and 0.0 < y < 400.0 for x, y in found)


@pytest.mark.parametrize("option", ["--html", "--geojson"])
def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(
    folder: Folder, two: list[str], option: str
) -> None:
    result = folder.audit(*two, option, str(folder.path / "nowhere" / "out"))
    assert result.exit_code == 2
    assert "nowhere" in result.stderr
    assert result.stdout == ""
    result = folder.audit(*two, option, two[0])
    assert result.exit_code == 2
    assert "already an input" in result.stderr
    assert sorted(p.name for p in folder.path.iterdir()) == ["north.geojson", "south.json"]


def test_what_was_there_stays_until_all_is_written(
    folder: Folder, two: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = folder.path / "out.geojson"
    target.write_text("old")

    def full(self: Any, found: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(audit_run.Collection, "add", full)
    result = folder.audit(*two, "--geojson", str(target))
    assert result.exit_code == 2
    assert "No space left on device" in result.stderr
    assert target.read_text() == "old"
    assert len(list(folder.path.iterdir())) == 3


# Twice the same


def test_the_same_plan_in_two_files_counts_once(folder: Folder) -> None:
    a = folder.file("a", collection(feature(id=PLAN_ID), feature(id=OTHER_ID, callsign="B")))
    b = folder.file("b", collection(feature(id=PLAN_ID)))
    result = folder.audit(a, b, "--json")
    assert result.stderr == "the same in two files, counted once: 1\n"
    assert len(result.stdout.splitlines()) == 2


def test_one_id_for_two_things_is_refused_with_both_files(folder: Folder) -> None:
    a, b = folder.file("a", feature(id=PLAN_ID)), folder.file("b", feature(id=PLAN_ID, upper=1300))
    result = folder.audit(a, b)
    assert result.exit_code == 2
    assert f"{PLAN_ID} (OSPREY-2) is in a and b, not the same in both; leave out" in result.stderr
    twice = [
        intent(wire_volume()),
        intent(wire_volume(time_end={"value": "2026-06-01T14:56:00Z", "format": "RFC3339"})),
    ]
    result = folder.audit(folder.file("c", twice))
    assert result.exit_code == 2
    assert "twice in c" in result.stderr


def test_a_file_given_twice_or_copied_is_refused(folder: Folder) -> None:
    a, copy = folder.file("a", feature()), folder.file("copy", feature())
    assert "given twice" in folder.audit(a, a).stderr
    assert "given twice" in folder.audit("-", "-").stderr
    result = folder.audit(a, copy)
    assert result.exit_code == 2
    assert "same bytes" in result.stderr
    nothing = [folder.file(name, collection()) for name in ("n", "m")]
    assert folder.audit(*nothing).exit_code == 0


# Refusals


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--horizontal-m", "-1"], "horizontal_m"),
        (["--vertical-m", "inf"], "vertical_m"),
        (["--time-s", "nan"], "time_s"),
        (["--limit", "-1"], "--limit"),
        (["--count", "--html", "x.html"], "--count"),
        (["--html", "-"], "- is no file"),
        (["/nowhere"], "/nowhere"),
    ],
)
def test_bad_arguments(folder: Folder, arguments: list[str], said: str) -> None:
    result = folder.audit(folder.file("a", feature()), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_bad_input_names_the_file_and_nothing_is_printed(folder: Folder, two: list[str]) -> None:
    result = folder.audit(*two, folder.file("c", feature(lower="900")))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "c: properties.lower" in result.stderr


@pytest.mark.parametrize(
    ("limit", "value"), [("FILES_MAX", 1), ("ENTITIES_MAX", 3), ("VOLUMES_MAX", 3)]
)
def test_limits(
    folder: Folder, two: list[str], limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_set, limit, value)
    result = folder.audit(*two)
    assert result.exit_code == 2
    assert "FILES" in result.stderr


# From the shell


def test_from_standard_input_in_a_process_of_its_own(folder: Folder) -> None:
    file = folder.file("b", constraint())
    done = subprocess.run(
        [TANSIQ, "audit", "-", file, "--json"],
        input=raw(feature(datum="W84")),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    found = json.loads(done.stdout.splitlines()[0])
    assert found["first"]["party"] == "south"
    assert found["second"]["party"] == "standard input"


def test_nobody_reads_on(folder: Folder) -> None:
    """The reader goes away after the first line: no traceback, and no half of a file."""
    file, target = folder.file("a", many(900)), folder.path / "out.geojson"
    with subprocess.Popen(
        [TANSIQ, "audit", file, "--json", "--geojson", str(target)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 1
    assert said == b""
    assert [path.name for path in folder.path.iterdir()] == ["a"]


def test_a_terminal_is_told_how_far_it_is_and_a_file_is_not(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tansiq.cli.progress import Progress

    class Clock:
        at_s = 0.0

        def monotonic_s(self) -> float:
            self.at_s += 1.5
            return self.at_s

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        progress = Progress(Clock())  # type: ignore[arg-type]
        for k in range(3):
            progress.tell(f"step {k}")
        progress.end()
        told = os.read(ours, 1_000)
        # A terminal hands on what was written when it likes, perhaps in pieces.
        while not told.endswith(b"\r\x1b[K") or b"step 2" not in told:
            told += os.read(ours, 1_000)
    os.close(ours)
    assert b"step 0" not in told  # Short work says nothing.
    assert b"step 1" in told
    assert told.endswith(b"\r\x1b[K")


@pytest.mark.parametrize("arguments", [["--help"], ["audit", "--help"]])
def test_help_loads_neither_numbers_nor_machine_code(arguments: list[str]) -> None:
    code = (
        "import sys; from tansiq.cli.main import cli; "
        f"cli.main({arguments}, standalone_mode=False); "
        "print([m for m in ('numba', 'numpy', 'msgspec') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_small_set_does_without_machine_code(folder: Folder, two: list[str]) -> None:
    code = (
        "import sys; from tansiq.cli.main import cli\n"
        f"try: cli.main(['audit', *{two!r}])\n"
        "except SystemExit: print('numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"
