"""``tansiq plan from-track``: its output is a plan file that ``tansiq check`` reads."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from tansiq.cli.main import cli
from tansiq.domain.category import Category
from tansiq.formats.plans import read_plan

ROWS = "".join(f"{1780315200 + 60 * i},38.5,{-120 + i / 50},{3000 + 10 * i}\n" for i in range(20))
TRACK = "time,lat,lng,altitude\n" + ROWS


def run(folder: Path, *options: str, track: str = TRACK) -> Result:
    (folder / "track.csv").write_text(track, encoding="utf-8")
    return CliRunner().invoke(
        cli, ["plan", "from-track", str(folder / "track.csv"), "--datum", "W84", *options]
    )


def test_output_is_a_plan(tmp_path: Path) -> None:
    out = tmp_path / "plan.geojson"
    options = ("--units", "ft", "--callsign", "TANKER-1", "--priority", "2", "--output", str(out))
    options += ("--category", "medium")
    result = run(tmp_path, *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == ("20 points, 4 volumes, 2026-06-01T11:59:30Z to 2026-06-01T12:19:30Z\n")
    draft = read_plan(out.read_bytes())
    assert (draft.callsign, draft.priority, len(draft.volumes)) == ("TANKER-1", 2, 4)
    assert draft.category is Category.MEDIUM
    checked = CliRunner().invoke(cli, ["check", str(out), str(out), "--json"])
    assert checked.exit_code == 1  # It meets its copy, which carries no id.


def test_what_was_dropped_and_guessed_is_said(tmp_path: Path) -> None:
    track = TRACK + "1780316400,38.5,-100,3000\n1780319000,38.5,-119.5,3000\n1780319001,1,1,\n"
    result = run(tmp_path, "--bridge-gaps", track=track)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["type"] == "FeatureCollection"
    assert "points without altitude, left out: 1" in result.stderr
    assert "1 of 22 points dropped as jumps" in result.stderr
    assert "guess: 1 gap over 300 s" in result.stderr


def test_datum_has_to_be_said(tmp_path: Path) -> None:
    (tmp_path / "track.csv").write_text(TRACK, encoding="utf-8")
    result = CliRunner().invoke(cli, ["plan", "from-track", str(tmp_path / "track.csv")])
    assert result.exit_code == 2
    assert "--datum" in result.stderr


def test_units_of_flight_levels(tmp_path: Path) -> None:
    result = run(tmp_path, "--datum", "FL")
    assert result.exit_code == 2
    assert "datum FL and units FL together" in result.stderr
