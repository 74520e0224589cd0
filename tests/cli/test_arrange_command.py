"""``tansiq arrange``: files in, new times out, readable again and clear of each other."""

import json
import subprocess
import sys
from datetime import timedelta
from itertools import combinations
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

from tansiq.cli.arranged import duration
from tansiq.cli.main import cli
from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import conflicts
from tansiq.formats.plans import read_plan

FIRE = feature(
    callsign="FIRE",
    type="constraint",
    priority=None,
    start="2026-06-01T15:10:00Z",
    end="2026-06-01T15:20:00Z",
)
NORTH = collection(
    feature(callsign="HERON-1"),
    feature(callsign="CRANE-3", start="2026-06-01T14:50:00Z", end="2026-06-01T15:05:00Z"),
    FIRE,
)
SOUTH = collection(feature(callsign="OSPREY-2"), feature(callsign="HIGH-4", lower=3000, upper=3100))
MINIMA = ("--horizontal-m", "500", "--vertical-m", "50", "--time-s", "60")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "north.geojson").write_bytes(raw(NORTH))
    (tmp_path / "south.geojson").write_bytes(raw(SOUTH))
    return tmp_path


def arrange(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["arrange", *map(str, arguments)])


def found(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = arrange(*arguments, "--json")
    assert result.stderr == ""
    return result.exit_code, json.loads(result.stdout)


def both(folder: Path) -> tuple[Path, Path]:
    return folder / "north.geojson", folder / "south.geojson"


def test_all_placed(folder: Path) -> None:
    code, out = found(*both(folder), *MINIMA, "--fairness", 0)
    assert code == 0
    assert out["unplaced"] == []
    plans = {plan["name"]: plan for plan in out["plans"]}
    assert list(plans) == ["HERON-1", "CRANE-3", "OSPREY-2", "HIGH-4"]
    assert plans["HIGH-4"] == {
        "name": "HIGH-4",
        "id": None,
        "party": "south",
        "priority": 3,
        "declared": "2026-06-01T14:40:00Z",
        "arranged": "2026-06-01T14:40:00Z",
        "delay_s": 0.0,
        "makes_way_for": [],
    }
    # HERON-1 stays, one begins at 15:21:01 after the fire, one at 15:37:02 after that; whichever.
    assert out["total_s"] == sum(plan["delay_s"] for plan in plans.values()) == 5_283.0
    assert plans["HERON-1"]["delay_s"] * plans["OSPREY-2"]["delay_s"] == 0.0
    assert out["at_least_s"] <= out["total_s"]
    assert [party["party"] for party in out["parties"]] == ["north", "south"]
    late = [plan for plan in plans.values() if plan["delay_s"]]
    for plan in late:
        assert plan["makes_way_for"][-1]["until_s"] >= plan["delay_s"]
    assert {"FIRE"} <= {each["name"] for plan in late for each in plan["makes_way_for"]}


def test_the_text_has_units_and_who_makes_way_for_whom(folder: Path) -> None:
    (folder / "a.geojson").write_bytes(raw(feature(callsign="A")))
    (folder / "b.geojson").write_bytes(
        raw(feature(callsign="B", start="2026-06-01T14:50:00Z", end="2026-06-01T15:10:00Z"))
    )
    result = arrange(folder / "a.geojson", folder / "b.geojson", "--time-s", "60")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "2 plans of 2 parties, 0 that stay; minima 0 m, 0 m, 60 s; delays up to 1 h 00 min 00 s, "
        "in steps of 1 s",
        "  plan  party  declared start        arranged start        delay       makes way for",
        "  B     b      2026-06-01 14:50:00Z  2026-06-01 14:56:01Z  6 min 01 s  A of a",
        "as declared: 1; without a place: none",
        "  party  plans  moved  share  without a place  mean delay  largest",
        "  a      1      0      0 %    0                0 s         0 s",
        "  b      1      1      100 %  0                6 min 01 s  6 min 01 s",
        "total delay 6 min 01 s, the least found; certainly no less than 6 min 01 s",
        "unfairness 6 min 01 s: the largest difference of mean delays; Jain's index 0.500",
    ]


def test_what_has_no_place_is_told_and_exits_1(folder: Path) -> None:
    out = folder / "out"
    options = (*MINIMA, "--delay-max-min", 15)
    code, document = found(*both(folder), *options, "--out", out)
    assert code == 1
    assert document["unplaced"]
    for plan in document["plans"]:
        if plan["name"] in document["unplaced"]:
            assert plan["arranged"] is plan["delay_s"] is None
            assert plan["makes_way_for"]
        written = out / plan["party"] / f"{plan['name']}.geojson"
        assert written.exists() == (plan["name"] not in document["unplaced"])
    text = arrange(*both(folder), *options)
    assert text.exit_code == 1
    assert "NO PLACE" in text.stdout
    assert "in the way: " in text.stdout


def test_what_is_written_is_clear_by_every_judge_and_stays_where_it_is(folder: Path) -> None:
    out = folder / "out"
    code, document = found(*both(folder), *MINIMA, "--out", out)
    assert code == 0
    files = sorted(out.glob("*/*.geojson"))
    assert [str(file.relative_to(out)) for file in files] == [
        "north/CRANE-3.geojson",
        "north/HERON-1.geojson",
        "south/HIGH-4.geojson",
        "south/OSPREY-2.geojson",
    ]
    drafts = [read_plan(file.read_bytes()) for file in files]
    minima = Minima(horizontal_m=500.0, vertical_m=50.0, time=timedelta(seconds=60))
    for a, b in combinations(drafts, 2):
        assert not conflicts(a.volumes, b.volumes, minima)
    by_name = {plan["name"]: plan for plan in document["plans"]}
    for draft in drafts:
        start = draft.volumes[0].time.start.strftime("%Y-%m-%dT%H:%M:%SZ")
        assert start == by_name[draft.callsign]["arranged"]
        assert draft.priority == 3
    # The judge of single plans, against the rest and the no-go area.
    for file in files:
        rest = [json.loads(other.read_bytes()) for other in files if other != file]
        features = [each for document in rest for each in document["features"]]
        (folder / "rest").write_bytes(raw(collection(*features, FIRE)))
        command = ["check", str(file), str(folder / "rest"), *MINIMA]
        assert CliRunner().invoke(cli, command).exit_code == 0
    (folder / "fire.geojson").write_bytes(raw(FIRE))
    fixed = ("--fixed", folder / "fire.geojson")
    code, again = found(out / "north", out / "south", *fixed, *MINIMA)
    assert (code, again["total_s"]) == (0, 0.0)
    assert [party["party"] for party in again["parties"]] == ["north", "south"]


def test_plans_of_several_volumes_without_a_name_stay_whole(folder: Path) -> None:
    square = feature()["geometry"]["coordinates"]
    far = [[[lng + 1.0, lat] for lng, lat in square[0]]]
    many = {"type": "MultiPolygon", "coordinates": [square, far]}
    (folder / "x.geojson").write_bytes(
        raw(collection(feature(many, callsign=None), point(callsign=None)))
    )
    code, document = found(folder / "x.geojson", "--out", folder / "out")
    assert code == 0
    assert sorted(path.name for path in (folder / "out" / "x").iterdir()) == [
        "x_features_0.geojson",
        "x_features_1.geojson",
    ]
    whole = read_plan((folder / "out" / "x" / "x_features_0.geojson").read_bytes())
    assert len(whole.volumes) == 2
    assert document["total_s"] == 901.0


def test_two_of_one_name_are_written_apart(folder: Path) -> None:
    for name in ("one", "two"):
        (folder / "crew").mkdir(exist_ok=True)
        (folder / "crew" / f"{name}.json").write_bytes(raw(feature(callsign="A/B")))
    code, document = found(folder / "crew", "--out", folder / "out")
    assert code == 0
    assert {plan["party"] for plan in document["plans"]} == {"crew"}
    assert sorted(path.name for path in (folder / "out" / "crew").iterdir()) == [
        "A_B-2.geojson",
        "A_B.geojson",
    ]


def test_f3548_files_name_their_managers_and_ids_stay(folder: Path) -> None:
    entities = [intent(wire_volume(), priority=9), constraint() | {}]
    entities[1]["reference"]["id"] = PLAN_ID
    entities[1]["details"]["volumes"][0]["time_start"]["value"] = "2026-06-01T14:54:00Z"
    (folder / "sky.json").write_bytes(raw(entities))
    code, document = found(folder / "sky.json", "--out", folder / "out")
    (plan,) = document["plans"]
    assert (code, plan["party"], plan["id"]) == (0, "south", OTHER_ID)
    assert plan["delay_s"] == 901.0
    assert read_plan((folder / "out" / "south" / f"{OTHER_ID}.geojson").read_bytes()).id == OTHER_ID


def test_higher_priority_does_not_move_for_lower(folder: Path) -> None:
    (folder / "low.geojson").write_bytes(raw(feature(callsign="LOW", priority=0)))
    (folder / "top.geojson").write_bytes(
        raw(feature(callsign="TOP", priority=1, start="2026-06-01T14:54:00Z"))
    )
    _, document = found(folder / "low.geojson", folder / "top.geojson")
    assert {plan["name"]: plan["delay_s"] for plan in document["plans"]} == {
        "LOW": 901.0,
        "TOP": 0.0,
    }


def test_earlier_starts_only_when_asked_for(folder: Path) -> None:
    (folder / "fire.geojson").write_bytes(raw(FIRE))
    late = feature(callsign="A", start="2026-06-01T14:58:00Z", end="2026-06-01T15:11:00Z")
    (folder / "a.geojson").write_bytes(raw(late))
    command = (folder / "a.geojson", "--fixed", folder / "fire.geojson", "--step-s", 60)
    assert found(*command)[1]["plans"][0]["delay_s"] == 1_380.0
    assert found(*command, "--advance-max-min", 5)[1]["plans"][0]["delay_s"] == -120.0
    assert "-2 min 00 s" in arrange(*command, "--advance-max-min", 5).stdout
    code, document = found(*command, "--not-before", "2026-06-01T15:58:01Z")
    assert (code, document["unplaced"]) == (1, ["A"])
    assert "starts before --not-before" in (
        arrange(*command, "--not-before", "2026-06-01T15:58:01Z").stdout
    )


def test_the_same_seed_and_any_order_of_files_give_the_same(folder: Path) -> None:
    a, b = both(folder)
    assert arrange(a, b, "--seed", 3).stdout == arrange(a, b, "--seed", 3).stdout
    forth, back = found(a, b)[1], found(b, a)[1]
    assert {plan["name"]: plan for plan in forth["plans"]} == {
        plan["name"]: plan for plan in back["plans"]
    }


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (("--delay-max-min", "0"), "longest"),
        (("--delay-max-min", "nan"), "delay_max_min"),
        (("--delay-max-min", "10081"), "delay_max_min"),
        (("--advance-max-min", "-1"), "advance_max_min"),
        (("--step-s", "0"), "step"),
        (("--horizontal-m", "-1"), "horizontal_m"),
        (("--fairness", "-1"), "weight"),
        (("--rounds", "-1"), "rounds"),
        (("--not-before", "soon"), "not_before"),
        (("--fixed", "nowhere"), "nowhere"),
    ],
)
def test_bad_options(folder: Path, options: tuple[str, str], field: str) -> None:
    result = arrange(*both(folder), *options)
    assert result.exit_code == 2
    assert field in result.stderr
    assert result.stdout == ""


def test_bad_files(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert "holds no .json" in arrange(folder / "empty").stderr
    (folder / "fire.geojson").write_bytes(raw(FIRE))
    assert "holds no plan" in arrange(folder / "fire.geojson").stderr
    (folder / "bad.geojson").write_bytes(raw(feature(lower="900")))
    result = arrange(folder / "bad.geojson")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "properties.lower" in result.stderr
    for name in ("one", "two"):
        (folder / f"{name}.geojson").write_bytes(raw(feature(id=PLAN_ID, callsign=name)))
    result = arrange(folder / "one.geojson", folder / "two.geojson")
    assert result.exit_code == 2
    assert f"have the id {PLAN_ID}" in result.stderr
    (folder / "full").mkdir()
    (folder / "full" / "old").write_text("")
    result = arrange(*both(folder), "--out", folder / "full")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "is not empty" in result.stderr


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "0 s"),
        (timedelta(seconds=59.5), "59.5 s"),
        (timedelta(seconds=60), "1 min 00 s"),
        (timedelta(seconds=-361), "-6 min 01 s"),
        (timedelta(hours=1, seconds=1), "1 h 00 min 01 s"),
    ],
)
def test_durations(span: timedelta, text: str) -> None:
    assert duration(span) == text


def test_help_loads_no_engine() -> None:
    script = (
        "import sys; from tansiq.cli.main import cli; "
        "cli.main(['arrange', '--help'], standalone_mode=False); "
        "print([m for m in sys.modules if m.startswith(('numba', 'tansiq.engine'))])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, text=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
