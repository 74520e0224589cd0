"""``tansiq check``: verdict, exit code, JSON and sentences."""

import json
import subprocess
import sys
from pathlib import Path
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

from tansiq.cli.main import cli
from tansiq.domain import geodesy
from tansiq.domain.volume import Circle, LatLng, Polygon


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def check(folder: Path, plan: Any, airspace: Any, *options: str) -> Result:
    (folder / "plan").write_bytes(raw(plan))
    (folder / "airspace").write_bytes(raw(airspace))
    return CliRunner().invoke(
        cli, ["check", str(folder / "plan"), str(folder / "airspace"), *options]
    )


def verdict(folder: Path, plan: Any, airspace: Any, *options: str) -> tuple[int, dict[str, Any]]:
    result = check(folder, plan, airspace, "--json", *options)
    assert result.stderr == ""
    return result.exit_code, json.loads(result.stdout)


def test_clear(folder: Path) -> None:
    assert verdict(folder, feature(), collection()) == (0, {"verdict": "clear", "conflicts": []})


def test_an_overlap_has_separations_of_zero(folder: Path) -> None:
    code, found = verdict(folder, feature(), feature(callsign="HERON-1"))
    assert code == 1
    (conflict,) = found["conflicts"]
    place = conflict.pop("lat_deg"), conflict.pop("lng_deg")
    outline = Polygon(
        vertices=tuple(LatLng(y, x) for x, y in feature()["geometry"]["coordinates"][0][:-1])
    )
    spot = Circle(center=LatLng(*place), radius_m=0.01)
    assert geodesy.separation_m(spot, outline) == 0.0, "where it is worst is within both"
    low_m, high_m = conflict.pop("altitude_lower_m"), conflict.pop("altitude_upper_m")
    assert high_m - low_m == pytest.approx(300.0, abs=5.0), "widened by what the geoid may differ"
    assert found == {
        "verdict": "blocked",
        "conflicts": [
            {
                "id": "HERON-1",
                "horizontal_m": 0.0,
                "vertical_m": 0.0,
                "time_s": 0.0,
                "margin": 1.0,
                "least": "horizontal",
                "time_start": "2026-06-01T14:40:00Z",
                "time_end": "2026-06-01T14:55:00Z",
                "blocks": True,
                "explanation": "blocked by HERON-1: same block 900-1,200 m AMSL, 14:40Z-14:55Z, "
                "outlines overlap",
            }
        ],
    }


def test_separations_found_within_minima(folder: Path) -> None:
    """Circles of 500 m, centres 3,000 m apart on a meridian; bands 30 m, spans 20 s apart."""
    other = point(
        callsign="HERON-1",
        lower=1230,
        upper=1300,
        datum="W84",
        start="2026-06-01T14:55:20Z",
        end="2026-06-01T15:00:00Z",
    )
    other["geometry"]["coordinates"] = [-120.2, 38.5270259]
    minima = ("--horizontal-m", "5000", "--vertical-m", "50", "--time-s", "60")
    code, found = verdict(folder, point(datum="W84"), other, *minima)
    [conflict] = found["conflicts"]
    assert code == 1
    assert conflict["horizontal_m"] == pytest.approx(2_000, abs=1)
    assert conflict["vertical_m"] == pytest.approx(30)
    assert conflict["time_s"] == 20


@pytest.mark.parametrize(
    ("option", "at", "below"),
    [("--vertical-m", "30", "29.999999"), ("--time-s", "20", "19.999999")],
)
def test_minima_are_closed(folder: Path, option: str, at: str, below: str) -> None:
    apart = {"lower": 1230, "upper": 1300} if option == "--vertical-m" else {}
    if option == "--time-s":
        apart = {"start": "2026-06-01T14:55:20Z", "end": "2026-06-01T15:00:00Z"}
    plan, other = feature(datum="W84"), feature(datum="W84", callsign="B", **apart)
    assert verdict(folder, plan, other, option, at)[0] == 1
    assert verdict(folder, plan, other, option, below)[0] == 0
    assert verdict(folder, other, plan, option, at)[0] == 1


@pytest.mark.parametrize(
    ("ours", "theirs", "may", "blocked"),
    [
        (3, 3, False, True),
        (3, 3, True, False),
        (3, 4, True, True),
        (3, 2, False, False),
        (-1, 0, False, True),
    ],
)
def test_priority_decides_what_blocks(
    folder: Path, ours: int, theirs: int, may: bool, blocked: bool
) -> None:
    options = ["--equal-priority-may-conflict"] * may
    other = feature(callsign="B", priority=theirs)
    code, found = verdict(folder, feature(priority=ours), other, *options)
    assert code == int(blocked)
    assert found["verdict"] == ("blocked" if blocked else "clear")
    [conflict] = found["conflicts"]  # A conflict that does not block is still told.
    assert conflict["blocks"] is blocked
    assert conflict["explanation"].startswith("blocked by" if blocked else "not blocked by")


def test_a_no_go_area_blocks_whatever_the_priority(folder: Path) -> None:
    code, found = verdict(folder, feature(priority=100), feature(type="constraint", callsign="F"))
    assert code == 1
    assert "blocked by no-go area F: " in found["conflicts"][0]["explanation"]
    assert verdict(folder, feature(datum="W84"), [constraint()])[0] == 1


def test_the_plan_itself_is_not_compared(folder: Path) -> None:
    both = collection(feature(id=PLAN_ID.upper()), feature(callsign="B"))
    _, found = verdict(folder, feature(id=PLAN_ID), both)
    assert [conflict["id"] for conflict in found["conflicts"]] == ["B"]
    # The same call sign is no identity: two flights of one day may share it.
    assert verdict(folder, feature(), feature())[0] == 1


def test_order_is_blocking_then_no_go_areas_then_priority(folder: Path) -> None:
    airspace = collection(
        feature(callsign="LOW", priority=1),
        feature(callsign="EQUAL", priority=3),
        feature(callsign="HIGH", priority=9),
        feature(callsign="F", type="constraint"),
    )
    _, found = verdict(folder, feature(), airspace)
    assert [c["id"] for c in found["conflicts"]] == ["F", "HIGH", "EQUAL", "LOW"]
    assert [c["blocks"] for c in found["conflicts"]] == [True, True, True, False]


def test_formats_mix_and_f3548_manager_is_named(folder: Path) -> None:
    other = intent(wire_volume(), tansiq={"callsign": "OSPREY-9"}, priority=5)
    code, found = verdict(folder, feature(datum="W84"), {"operational_intents": [other]})
    assert code == 1
    assert found["conflicts"][0]["id"] == OTHER_ID
    assert found["conflicts"][0]["explanation"].startswith(
        "blocked by OSPREY-9 of south: same block 900-1,200 m W84, 14:40Z-14:55Z"
    )


def test_datums_meet_above_the_ellipsoid(folder: Path) -> None:
    """The sea lies 25 m below the ellipsoid there: bands that touch by name miss."""
    plan, other = feature(datum="AMSL"), feature(datum="W84", lower=1200, upper=1300, callsign="B")
    assert verdict(folder, plan, other)[0] == 0
    assert (
        verdict(folder, plan, feature(datum="AMSL", lower=1200, upper=1300, callsign="B"))[0] == 1
    )


def test_text_output(folder: Path) -> None:
    airspace = collection(feature(callsign="B"), feature(type="constraint", callsign="F"))
    result = check(folder, feature(), airspace, "--time-s", "60")
    assert result.exit_code == 1
    overlap = "same block 900-1,200 m AMSL, 14:40Z-14:55Z, outlines overlap"
    assert result.stdout.splitlines() == [
        "OSPREY-2: blocked by 2 of 1 plan and 1 no-go area, minima 0 m, 0 m, 60 s",
        f"  blocked by no-go area F: {overlap} (worst at 38.6000, -120.2000)",
        f"  blocked by B: {overlap} (worst at 38.6000, -120.2000)",
    ]
    result = check(folder, feature(), collection())
    assert result.stdout == "OSPREY-2: clear of 0 plans and 0 no-go areas, minima 0 m, 0 m, 0 s\n"


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--horizontal-m", "-1", "horizontal_m"),
        ("--horizontal-m", "nan", "horizontal_m"),
        ("--vertical-m", "inf", "vertical_m"),
        ("--time-s", "nan", "time_s"),
        ("--time-s", "86401", "time_s"),
        ("--time-s", "soon", "--time-s"),
    ],
)
def test_bad_minima(folder: Path, option: str, value: str, field: str) -> None:
    result = check(folder, feature(), collection(), option, value)
    assert result.exit_code == 2
    assert field in result.stderr
    assert result.stdout == ""


def test_from_the_shell_with_a_plan_on_standard_input(folder: Path) -> None:
    (folder / "airspace").write_bytes(raw(feature(callsign="B")))
    command = [str(Path(sys.executable).with_name("tansiq")), "check", "-"]
    done = subprocess.run(
        [*command, str(folder / "airspace"), "--json"],
        input=raw(feature()),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert json.loads(done.stdout)["verdict"] == "blocked"
    missing = subprocess.run([*command, "/nowhere"], input=b"", capture_output=True, check=False)
    twice = subprocess.run([*command, "-"], input=b"", capture_output=True, check=False)
    assert (twice.returncode, twice.stdout) == (2, b"")
    assert (missing.returncode, missing.stdout) == (2, b"")
