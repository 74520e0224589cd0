"""``tansiq plan read``: says what was understood, and writes a plan where nothing is missing."""

import json
import zipfile
from pathlib import Path

from click.testing import CliRunner, Result
from tests.formats.pasted import NOTAM, POINT, geo, kml, mark, sheet

from tansiq.cli.main import cli
from tansiq.formats.plans import read_plan

WHOLE = (
    "33.5 36.2; 33.6 36.3; 33.6 36.5\nwidth 1 NM\n900-1200 m AMSL\n"
    "start 2026-12-01T10:00:00Z\nend 2026-12-01T11:00:00Z\n"
)


def run(text: str | bytes, *options: str) -> Result:
    return CliRunner().invoke(cli, ["plan", "read", "-", *options], input=text)


def test_what_was_understood_is_said() -> None:
    result = run(NOTAM)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "Read as aeronautical text. Volumes: 1.\n"
        "1. A1234/26\n"
        "   Circle of radius 3 NM (5,556 m) around 33°30'36\"N 036°17'29\"E.\n"
        "   Levels: 1,000 ft AMSL to 3,500 ft AMSL.\n"
        "   Time: 2026-11-28T14:00:00Z to 2026-11-28T18:00:00Z.\n"
        "note (1): The text says where it is; the circle of the Q) line was not used.\n"
    )


def test_a_whole_text_becomes_a_plan_file(tmp_path: Path) -> None:
    out = tmp_path / "plan.geojson"
    result = run(WHOLE, "--output", str(out))
    assert result.exit_code == 0, result.output
    draft = read_plan(out.read_bytes())
    assert (len(draft.volumes), str(draft.stated[0])) == (2, "900-1,200 m AMSL")
    again = CliRunner().invoke(cli, ["plan", "read", str(out), "--output", str(out)])
    assert again.exit_code == 0
    assert read_plan(out.read_bytes()) == draft


def test_a_no_go_area_stays_one(tmp_path: Path) -> None:
    out = tmp_path / "area.geojson"
    stated = {"lower": 0, "upper": 900, "units": "M", "datum": "AMSL", "type": "constraint"}
    times = {"start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z"}
    result = run(geo(POINT, radius_m=500, **stated, **times), "--output", str(out))
    assert result.exit_code == 0, result.output
    assert '"constraint"' in out.read_text()


def test_what_is_missing_is_said_and_nothing_is_written(tmp_path: Path) -> None:
    out = tmp_path / "plan.geojson"
    result = run("33.5 36.2", "--output", str(out))
    assert result.exit_code == 2
    assert "A plan file needs besides: a radius (--radius-m), a start, an end" in result.stdout
    assert "volume 1 does not say a radius (--radius-m), a start" in result.stderr
    assert list(tmp_path.iterdir()) == []
    sized = run("33.5 36.2", "--radius-m", "500", "--output", str(out))
    assert "a radius" not in sized.stdout
    assert sized.exit_code == 2


def test_volumes_that_make_no_plan_are_not_written(tmp_path: Path) -> None:
    out = tmp_path / "plan.geojson"
    stated = {"lower": 900, "upper": 1200, "units": "M", "datum": "AMSL", "callsign": "A"}
    times = {"start": "2026-12-01T10:00:00Z", "end": "2026-12-01T11:00:00Z"}
    feature = geo(POINT, radius_m=500, **stated, **times)
    two = [json.loads(feature), json.loads(feature.replace('"A"', '"B"'))]
    text = json.dumps({"type": "FeatureCollection", "features": two})
    result = run(text, "--output", str(out))
    assert result.exit_code == 2
    assert "callsign" in result.stderr
    assert not out.exists()


def test_as_json_it_is_the_answer_of_the_route() -> None:
    answer = json.loads(run(WHOLE, "--json").stdout)
    assert (answer["kind"], len(answer["volumes"][0]["features"])) == ("coordinates", 2)


def test_files_and_archives(tmp_path: Path) -> None:
    packed = tmp_path / "area.kmz"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("doc.kml", kml(mark(sheet(), name="\u202eBox\x1b".replace("\x1b", ""))))
    result = CliRunner().invoke(cli, ["plan", "read", str(packed)])
    assert (result.exit_code, "1. Box" in result.stdout) == (0, True)


def test_bad_input_names_the_file_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "places.txt"
    path.write_text("33.5 36.2\nhello\n", encoding="utf-8")
    result = CliRunner().invoke(cli, ["plan", "read", str(path)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {path}: line 2: 'hello'")
    assert run(b"33.5 36.2 \xff").exit_code == 2
    assert "not UTF-8" in run(b"33.5 36.2 \xff").stderr
    assert run(b" " * 1_000_001).exit_code == 2
    assert run("33 36", "--radius-m", "0").exit_code == 2
    assert run("33 36\n34 36", "--half-width-m", "nan").exit_code == 2
