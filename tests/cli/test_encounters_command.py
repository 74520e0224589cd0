"""``tansiq encounters``: recordings in, every output out."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.cli import encounters_run
from tansiq.cli.encounter_page import DRAWN_MOST
from tansiq.cli.main import cli
from tansiq.domain.agreement import Minima, Party
from tansiq.domain.intent import PartyID
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats.agreement import agreement_toml

HOSTILE = "<img src=x>\"'&"
ARABIC = "نسر ١٢"


class Folder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str, content: str | bytes) -> str:
        data = content.encode() if isinstance(content, str) else content
        (self.path / name).write_bytes(data)
        return str(self.path / name)

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(cli, ["encounters", *arguments])

    def json(self, *arguments: str) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
        result = self.run(*arguments, "--json")
        *found, last = (json.loads(line) for line in result.stdout.splitlines())
        return result.exit_code, found, last["summary"]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def track(who: str, callsign: str, lat: float, up_ft: float, *, start_s: int = 0) -> list[str]:
    """One that flies east at 90 m/s for two minutes."""
    return [
        f"{1_780_300_800 + start_s + s},{lat},{-120 + s / 1_000:.4f},{who},{callsign},{up_ft}"
        for s in range(0, 121, 10)
    ]


HEAD = "time,lat,lng,icao24,callsign,pressure_altitude_ft"


def recording(*tracks: list[str]) -> str:
    return "\n".join([HEAD, *(line for each in tracks for line in each)]) + "\n"


TWO = recording(track("a00001", "HERON1", 38.0, 5_000), track("a00002", "OSPREY2", 38.005, 5_500))
APART = recording(track("a00001", "HERON1", 38.0, 5_000), track("a00002", "OSPREY2", 38.1, 5_000))


# What is found


def test_who_when_where_and_how_near(folder: Folder) -> None:
    code, (found,), summary = folder.json(folder.file("two.csv", TWO))
    assert code == 1
    assert [found[k]["address"] for k in ("first", "second")] == ["icao:a00001", "icao:a00002"]
    assert [found[k]["callsign"] for k in ("first", "second")] == ["HERON1", "OSPREY2"]
    assert (found["entered"], found["left"]) == ("2026-06-01T08:00:00Z", "2026-06-01T08:02:00Z")
    assert found["inside_s"] == pytest.approx(120)
    assert found["horizontal_m"] == pytest.approx(555, abs=1)
    assert found["horizontal_nm"] == pytest.approx(0.2997, abs=0.001)
    assert (found["vertical_ft"], found["vertical_by"], found["formation"]) == (
        500,
        "pressure",
        None,
    )
    assert found["lat"] == pytest.approx(38.0025, abs=1e-4)
    assert (summary["encounters"], summary["pairs"], summary["aircraft"]) == (1, 1, 2)


def test_nothing_found_is_0(folder: Folder) -> None:
    result = folder.run(folder.file("apart.csv", APART))
    assert result.exit_code == 0
    assert "0 encounters of 0 pairs" in result.stdout
    assert folder.json(folder.file("again.csv", APART))[:2] == (0, [])


def test_text_says_the_same(folder: Folder) -> None:
    result = folder.run(folder.file("two.csv", TWO))
    assert result.exit_code == 1
    assert "2 aircraft, 26 of 26 rows of 1 recording" in result.stdout
    assert "within 3 NM and 1,000 ft, gaps over 300 s not bridged: 1 encounter of 1 pair" in (
        result.stdout
    )
    assert "0.30 NM (555 m)       500 ft (152 m)      HERON1 (a00001) - OSPREY2 (a00002)" in (
        result.stdout
    )
    assert "for 2:00 min, by pressure altitude; at 38.00250," in result.stdout


def test_the_limit_cuts_the_text_and_says_so(folder: Folder) -> None:
    result = folder.run(folder.file("two.csv", TWO), "--limit", "0")
    assert "and 1 more" in result.stdout
    assert "HERON1" not in result.stdout


@pytest.mark.parametrize(
    ("option", "enough", "too_little"),
    [
        ("--within", "0.3NM", "0.29NM"),
        ("--within", "556m", "554.9m"),
        ("--within", "0.556km", "0.5km"),
        ("--vertical", "500ft", "499ft"),
        ("--vertical", "152.4 M", "152.3m"),
    ],
)
def test_thresholds_have_units(folder: Folder, option: str, enough: str, too_little: str) -> None:
    file = folder.file("two.csv", TWO)
    assert folder.run(file, option, enough).exit_code == 1
    assert folder.run(file, option, too_little).exit_code == 0


@pytest.mark.parametrize(
    "value", ["3", "3 miles", "NM", "-1NM", "1e3m", "", "0m", "nan m", "200km"]
)
def test_a_threshold_without_a_unit_or_sense_is_refused(folder: Folder, value: str) -> None:
    result = folder.run(folder.file("two.csv", TWO), f"--within={value}")
    assert result.exit_code == 2
    assert "within" in result.stderr


def test_gaps_and_pauses(folder: Folder) -> None:
    lines = track("a00001", "H", 38.0, 5_000), track("a00002", "O", 38.005, 5_000)
    sparse = recording(lines[0], lines[1][::6])  # A minute apart.
    file = folder.file("sparse.csv", sparse)
    assert folder.json(file, "--gap", "1min")[1][0]["inside_s"] == pytest.approx(120)
    # Three reports, each by itself a moment; as pauses go, one encounter or three.
    found = folder.json(file, "--gap", "59.9s")[1]
    assert [(e["passages"], e["inside_s"]) for e in found] == [(3, 0)]
    assert len(folder.json(file, "--gap", "59.9s", "--pause", "59s")[1]) == 3
    for option in ("--gap", "--pause"):
        assert folder.run(file, option, "0s").exit_code == 2
        assert folder.run(file, option, "25h").exit_code == 2


def test_one_aircraft_in_two_files_and_all_forms_together(folder: Folder) -> None:
    first, second = track("a00001", "HERON1", 38.0, 5_000), track("a00002", "OSPREY2", 38.0, 5_000)
    files = [
        folder.file("north.csv", recording(first[:7], second[1::2])),
        folder.file("south.csv.gz", gzip.compress(recording(first[5:], second[::2]).encode())),
    ]
    code, (found,), summary = folder.json(*files)
    assert (code, found["inside_s"]) == (1, pytest.approx(120))
    assert summary["left_out"] == {"a second report of the same instant": 2}
    assert [each["name"] for each in summary["recordings"]] == ["north.csv", "south.csv.gz"]


def test_the_order_of_files_does_not_matter(folder: Folder) -> None:
    a = folder.file("a.csv", recording(track("a00001", "HERON1", 38.0, 5_000)))
    b = folder.file("b.csv", recording(track("a00002", "OSPREY2", 38.0, 5_000)))
    assert folder.json(a, b)[1] == folder.json(b, a)[1]


def test_standard_input(folder: Folder) -> None:
    result = CliRunner().invoke(cli, ["encounters", "-", "--json"], input=TWO)
    assert result.exit_code == 1
    assert '"standard input"' in result.stdout


def test_datum_and_units(folder: Folder) -> None:
    lines = TWO.replace("pressure_altitude_ft", "altitude")
    file = folder.file("two.csv", lines)
    refused = folder.run(file)
    assert refused.exit_code == 2
    assert "--datum" in refused.stderr
    for datum, units, by in (("fl", "ft", "pressure"), ("W84", "FT", "height")):
        (found,) = folder.json(file, "--datum", datum, "--units", units)[1]
        assert (found["vertical_by"], found["vertical_ft"]) == (by, 500)
    # 500 m apart, which is not near.
    assert folder.run(file, "--datum", "W84").exit_code == 0
    assert folder.run(file, "--units", "ft").exit_code == 2


def test_losses_of_well_clear(folder: Folder) -> None:
    # 0.3 NM and 449 ft; at 451 ft it is none.
    for feet, code in ((5_449, 1), (5_451, 0)):
        lines = recording(track("a00001", "A", 38.0, 5_000), track("a00002", "B", 38.005, feet))
        found = folder.json(folder.file("two.csv", lines), "--well-clear")
        assert found[0] == code
        assert found[2]["well_clear"]["tthr_s"] == 35
    text = folder.run(folder.file("again.csv", TWO), "--well-clear").stdout
    assert "not well clear (DO-365B en route: 0.66 NM and 450 ft" in text
    for option in ("--within", "--vertical"):
        assert folder.run(folder.file("two.csv", TWO), "--well-clear", option, "3NM").exit_code == 2


# Formations


def agreement(folder: Folder, *callsigns: str) -> str:
    parties = [
        Party(
            id=PartyID(name),
            names={"en": name.title()},
            public_key=Ed25519PrivateKey.generate().public_key().public_bytes_raw(),
            url=f"http://127.0.0.1/{name}",
            tls_sha256=b"",
        )
        for name in ("north", "south")
    ]
    area = Circle(center=LatLng(38.0, -120.0), radius_m=100_000.0)
    rules = agreement_toml(name="week", parties=parties, area=area, minima=Minima())
    entry = f'\n[[formation]]\nname = "TWINS"\ncallsigns = {json.dumps(callsigns)}\n'
    return folder.file("agreement.toml", rules + entry.encode())


def test_an_agreed_formation_is_shown_and_not_counted(folder: Folder) -> None:
    file = folder.file("two.csv", TWO)
    agreed = agreement(folder, "HERON1", "osprey2", "OTHER")
    code, (found,), summary = folder.json(file, "--agreement", agreed)
    assert (code, found["formation"]) == (0, "TWINS")
    assert (summary["encounters"], summary["pairs"], summary["formations"]) == (0, 0, 1)
    text = folder.run(file, "--agreement", agreed).stdout
    assert "0 encounters of 0 pairs, and 1 of agreed formations (agreement.toml)" in text
    assert "agreed formation TWINS, not counted" in text


def test_one_of_two_in_a_formation_is_not_enough(folder: Folder) -> None:
    file = folder.file("two.csv", TWO)
    code, (found,), _ = folder.json(file, "--agreement", agreement(folder, "HERON1", "OTHER"))
    assert (code, found["formation"]) == (1, None)


def test_nobody_without_a_call_sign_is_of_a_formation(folder: Folder) -> None:
    silent = recording(track("a00001", "", 38.0, 5_000), track("a00002", "HERON1", 38.0, 5_000))
    file = folder.file("silent.csv", silent)
    assert folder.json(file, "--agreement", agreement(folder, "HERON1", "OTHER"))[0] == 1


# Outputs


def many(count: int) -> str:
    """Pairs that meet, one after the other, each in its own place."""
    tracks = []
    for k in range(count):
        for way in (0, 1):
            name = f"{2 * k + way:06x}"
            tracks.append(track(name, f"P{k}", 38 + k / 10 + way / 1_000, 5_000, start_s=k))
    return recording(*tracks)


def test_csv_has_what_json_has(folder: Folder) -> None:
    file, out = folder.file("many.csv", many(3)), folder.path / "out.csv"
    found = folder.json(file, "--csv", str(out))[1]
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [row["encounter"] for row in rows] == ["1", "2", "3"]
    for row, one in zip(rows, found, strict=True):
        assert row["first_address"] == one["first"]["address"]
        assert float(row["horizontal_m"]) == one["horizontal_m"]
        assert row["formation"] == ""
    empty = folder.path / "empty.csv"
    folder.run(folder.file("apart.csv", APART), "--csv", str(empty))
    assert empty.read_text().splitlines() == [out.read_text().splitlines()[0]]


def test_a_call_sign_is_no_formula(folder: Folder) -> None:
    lines = recording(track("a00001", "=1+1", 38.0, 5_000), track("a00002", "@SUM", 38.0, 5_000))
    out = folder.path / "out.csv"
    folder.run(folder.file("bad.csv", lines), "--csv", str(out))
    (row,) = csv.DictReader(io.StringIO(out.read_text()))
    assert (row["first_callsign"], row["second_callsign"]) == ("'=1+1", "'@SUM")


def test_geojson_has_places_and_tracks(folder: Folder) -> None:
    out = folder.path / "out.geojson"
    (found,) = folder.json(folder.file("two.csv", TWO), "--geojson", str(out))[1]
    place, first, second = json.loads(out.read_text())["features"]
    assert place["geometry"]["coordinates"] == [found["lng"], found["lat"]]
    assert place["properties"] == found
    for feature, which in ((first, "first"), (second, "second")):
        assert feature["properties"]["track"] == which
        assert len(feature["geometry"]["coordinates"]) == 13


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        self.links += [v or "" for k, v in attrs if k in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def page(folder: Folder, *arguments: str) -> Seen:
    out = folder.path / "out.html"
    folder.run(*arguments, "--html", str(out))
    seen = Seen()
    seen.feed(out.read_text(encoding="utf-8"))
    return seen


def test_the_page_has_a_table_and_pictures_and_needs_nothing(folder: Folder) -> None:
    seen = page(folder, folder.file("two.csv", TWO))
    assert (seen.tags["svg"], seen.tags["section"]) == (2, 1)
    assert "script" not in seen.tags
    assert seen.links == []
    for said in ("1 close encounter", "HERON1", "OSPREY2", "500 ft", "2026-06-01", "5,000 ft"):
        assert said in seen.text


def test_the_page_draws_the_closest_and_lists_more(folder: Folder) -> None:
    seen = page(folder, folder.file("many.csv", many(DRAWN_MOST + 1)))
    assert seen.tags["section"] == DRAWN_MOST
    assert seen.tags["tr"] == DRAWN_MOST + 2


def test_the_page_of_nothing(folder: Folder) -> None:
    seen = page(folder, folder.file("apart.csv", APART))
    assert "0 close encounters" in seen.text
    assert "svg" not in seen.tags


def test_what_others_wrote_stays_text(folder: Folder) -> None:
    rows = [
        {
            "timestamp": 1_780_300_800_000 + s * 1_000,
            "latitude": 38.0,
            "longitude": -120.0,
            "altitude": 5_000,
            "icao24": f"a0000{n}",
            "callsign": callsign,
        }
        for n, callsign in ((1, HOSTILE), (2, ARABIC))
        for s in (0, 10)
    ]
    file = folder.file("<b>.json", json.dumps(rows))
    seen = page(folder, file)
    assert "img" not in seen.tags
    assert "b" in seen.tags
    assert HOSTILE.upper() in seen.text
    assert ARABIC in seen.text
    assert "\x1b" not in folder.run(file).stdout


def test_a_call_sign_cannot_steer_a_terminal(folder: Folder) -> None:
    rows = json.dumps(
        [
            {
                "timestamp": 1,
                "latitude": 1,
                "longitude": 1,
                "altitude": 1,
                "icao24": n,
                "callsign": c,
            }
            for n, c in (("a\x1b[2J", "\x1b[31mRED"), ("a00002", "B"))
        ]
    )
    result = folder.run(folder.file("bad.json", rows))
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout


def test_outputs_are_whole_or_not_there(folder: Folder) -> None:
    file = folder.file("two.csv", TWO)
    out = folder.path / "out.csv"
    out.write_text("before")
    missing = folder.path / "no" / "out.html"
    result = folder.run(file, "--csv", str(out), "--html", str(missing))
    assert result.exit_code == 2
    assert "out.html" in result.stderr
    assert out.read_text() == "before"
    assert sorted(p.name for p in folder.path.iterdir()) == ["out.csv", "two.csv"]


def test_an_output_is_no_input_and_no_other_output(folder: Folder) -> None:
    file, out = folder.file("two.csv", TWO), str(folder.path / "out")
    for arguments in (
        (file, "--csv", file),
        (file, "--csv", out, "--html", out),
        (file, "--csv", "-"),
        (file, file),
        ("-", "-"),
    ):
        assert folder.run(*arguments).exit_code == 2
    assert not (folder.path / "out").exists()


# Bad input and limits


def test_bad_files_are_named(folder: Folder) -> None:
    result = folder.run(folder.file("bad.csv", HEAD + "\n1,2\n"))
    assert result.exit_code == 2
    assert "bad.csv: line 2: has 2 cells" in result.stderr
    assert folder.run(str(folder.path / "none.csv")).exit_code == 2


def test_where_nobody_flies_nobody_meets(folder: Folder) -> None:
    lines = HEAD + ",onground\n1780300800,38,-120,a00001,H,100,true\n"
    found = folder.run(folder.file("ground.csv", lines))
    assert (found.exit_code, "0 encounters of 0 pairs" in found.stdout) == (0, True)


def test_rows_of_all_files_together_have_a_bound(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [folder.file(f"{n}.csv", TWO.replace("a0000", f"b{n}000")) for n in range(2)]
    monkeypatch.setattr(encounters_run, "ROWS_MAX", 52)
    assert folder.run(*files).exit_code == 1
    monkeypatch.setattr(encounters_run, "ROWS_MAX", 51)
    result = folder.run(*files)
    assert result.exit_code == 2
    assert "more than 51 rows" in result.stderr


def test_a_reader_that_goes_away_is_no_crash(folder: Folder) -> None:
    file = folder.file("many.csv", many(3))
    command = [sys.executable, "-c", "from tansiq.cli.main import main; main()"]
    done = subprocess.run(
        f"{' '.join(map(repr, command))} encounters {file} --json | head -c 1 > /dev/null",
        shell=True,
        capture_output=True,
        text=True,
        env=os.environ,
        check=False,
    )
    assert "Traceback" not in done.stderr
