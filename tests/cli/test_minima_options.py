"""``--agreement`` of the offline commands: each two plans keep the minima of their categories."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.formats.build import collection, constraint, feature, raw
from tests.formats.test_agreement_minima import DRONES, WAKE, file

from tansiq.cli.main import cli

AGREEMENT = (DRONES.replace("100", "0"), WAKE)
LATER = {"start": "2026-06-01T14:55:30Z", "end": "2026-06-01T15:05:00Z"}
"""Half a minute after the other: within the usual minimum, and beyond that of drones."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "agreement.toml").write_bytes(file(*AGREEMENT))
    return tmp_path


def run(folder: Path, command: str, *arguments: str) -> Result:
    files = [
        argument if argument.startswith("-") or argument.isdigit() else str(folder / argument)
        for argument in arguments
    ]
    return CliRunner().invoke(cli, [command, *files])


def pair(folder: Path, one: str | None, other: str | None) -> tuple[str, str]:
    (folder / "a.json").write_bytes(raw(feature(callsign="A", priority=None, category=one)))
    (folder / "b.json").write_bytes(
        raw(feature(callsign="B", priority=None, category=other, **LATER))
    )
    return "a.json", "b.json"


@pytest.mark.parametrize(
    ("one", "other", "met", "why"),
    [
        ("drone", "drone", False, ""),
        ("drone", "light", True, "the usual ones between drone and light"),
        ("drone", None, True, "the largest for drone, as the other names no category"),
        ("heavy", "light", True, "those between heavy and light"),
        (None, None, True, "the largest for all, as neither names its category"),
    ],
)
def test_each_command_judges_a_pair_by_its_categories(
    folder: Path, one: str | None, other: str | None, *, met: bool, why: str
) -> None:
    files = pair(folder, one, other)
    for command, both in (("check", files), ("audit", files), ("arrange", files)):
        found = run(folder, command, *both, "--agreement", "agreement.toml")
        assert found.stderr == ""
        assert found.exit_code == (int(met) if command != "arrange" else 0), found.stdout
        assert "minima 1,000 m, 150 m, 60 s; drone - drone 0 m, 30 m, 10 s; " in found.stdout
        if command == "arrange":
            assert ("makes way for" in found.stdout) == met
        else:
            assert why in found.stdout
    turned = run(folder, "check", *files[::-1], "--agreement", "agreement.toml")
    assert turned.exit_code == int(met)
    # Numbers know of no categories.
    assert run(folder, "check", *files, "--time-s", "60").exit_code == 1
    assert run(folder, "check", *files, "--time-s", "10").exit_code == 0


def test_what_json_and_the_page_say_of_them(folder: Path) -> None:
    pair(folder, "drone", "heavy")
    options = ("--agreement", "agreement.toml")
    found = run(folder, "audit", "a.json", "b.json", *options, "--json", "--html", "page.html")
    conflict, summary = (json.loads(line) for line in found.stdout.splitlines())
    assert conflict["explanation"].endswith(": the usual ones between drone and heavy")
    assert summary["summary"]["horizontal_m"] == 1_000.0
    assert summary["summary"]["between"] == [
        {"categories": ["drone", "drone"], "horizontal_m": 0.0, "vertical_m": 30.0, "time_s": 10.0},
        {
            "categories": ["light", "heavy"],
            "horizontal_m": 9_000.0,
            "vertical_m": 150.0,
            "time_s": 60.0,
        },
    ]
    page = (folder / "page.html").read_text()
    assert "<b>9,000 m, 150 m, 60 s</b>between light and heavy" in page


def test_a_no_go_area_is_judged_as_an_unknown_aircraft_whichever_comes_first(folder: Path) -> None:
    later = feature(callsign="B", priority=None, category="drone", **LATER)
    (folder / "sky.json").write_bytes(raw(collection(later)))
    (folder / "area.json").write_bytes(raw(constraint()))
    (folder / "plan.json").write_bytes(raw(later))
    options = ("--agreement", "agreement.toml")
    said = ": the largest for drone, as from any no-go area"
    assert said in run(folder, "check", "plan.json", "area.json", *options).stdout
    for files in (("area.json", "sky.json"), ("sky.json", "area.json")):
        found = run(folder, "audit", *files, *options)
        assert (found.exit_code, said in found.stdout) == (1, True)


@pytest.mark.parametrize("command", ["check", "audit", "arrange"])
def test_numbers_beside_an_agreement_and_an_agreement_that_is_none_are_refused(
    folder: Path, command: str
) -> None:
    files = pair(folder, None, None)
    options = ("--agreement", "agreement.toml")
    for flag in ("--horizontal-m", "--vertical-m", "--time-s"):
        found = run(folder, command, *files, *options, flag, "0")
        assert found.exit_code == 2
        assert f"{flag} and --agreement both say minima" in found.stderr
    (folder / "agreement.toml").write_bytes(file(DRONES.replace("drone", "tanker")))
    found = run(folder, command, *files, *options)
    assert found.exit_code == 2
    assert "minima.between[0].categories[0]" in found.stderr
    assert "helicopter" in found.stderr
    assert run(folder, command, *files, "--agreement", "none.toml").exit_code == 2
