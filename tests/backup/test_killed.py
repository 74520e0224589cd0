"""A restore or a backup that is killed anywhere: the old or the new one, never half of either."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from folders import Folder, good, make_folders, run

HERE = Path(__file__).parent
SEED = 20_261_129
SAMPLE = 25
"""Lines of the long parts; those of the step that puts the folder in place are all tried."""
LONG = ["restoring.py", "archive.py", "checking.py", "making.py"]


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: a kill loses nothing of it, and nobody waits."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if os.access(shared, os.W_OK) else tmp_path) as made:
        yield Path(made)


@pytest.fixture
def old_and_backup(memory: Path) -> tuple[Folder, Path]:
    """A folder as it is, and a backup of an earlier state that differs in every file that can."""
    tmp_path = memory
    (north, _) = make_folders(tmp_path)
    north.grow(300)
    (north.data / "sheets").mkdir()
    (north.data / "sheets" / "kept.bundle").write_bytes(b"early" * 1000)
    good("backup --with-keys --data", north.data, "--output", tmp_path / "b.tar")
    north.grow(40)
    for name in ("party.toml", "sheets/kept.bundle"):
        with (north.data / name).open("ab") as file:
            file.write(b"\n# later\n")
    return north, tmp_path / "b.tar"


def killed(how: str, archive: Path, data: Path, files: list[str], lines: list[int]) -> Any:
    """For each line, what is left after a kill at it; for no lines, how many there are."""
    words = [sys.executable, HERE / "kill_at.py", how, archive, data]
    found = [str(HERE.parents[1]), str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [*words, json.dumps(files), json.dumps(lines)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_killed_restore_leaves_the_old_node_or_the_new_one(
    old_and_backup: tuple[Folder, Path],
) -> None:
    north, archive = old_and_backup
    placing = killed("restore", archive, north.data, ["backup/placing.py"], [])
    long = killed("restore", archive, north.data, LONG, [])
    assert placing > 40
    assert long > 300
    some = sorted(random.Random(SEED).sample(range(1, long + 1), SAMPLE))
    seen = set()
    for files, lines in ((["backup/placing.py"], [*range(1, placing + 1)]), (LONG, some)):
        for line, left in zip(
            lines, killed("restore", archive, north.data, files, lines), strict=True
        ):
            what = left.pop("north", "none")
            assert what in ("old", "new"), f"{files} line {line}: {what}, {left}"
            if what == "new":
                # Undo is at hand from the first moment.
                assert list(left.values()).count("old") == 1, f"{files} line {line}: {left}"
            seen.add(what)
    assert seen == {"old", "new"}, "no kill came after the step, or none before"


def test_the_test_notices_a_restore_that_overwrites(old_and_backup: tuple[Folder, Path]) -> None:
    north, archive = old_and_backup
    count = killed("careless", archive, north.data, ["killed.py"], [])
    some = random.Random(SEED).sample(range(1, count + 1), 20)
    found = killed("careless", archive, north.data, ["killed.py"], some)
    assert "half" in {left["north"] for left in found}


def test_a_killed_restore_is_no_hindrance_to_the_next(old_and_backup: tuple[Folder, Path]) -> None:
    north, archive = old_and_backup
    leftover = north.data.with_name(".north.restoring-20261129T000000Z.1")
    leftover.mkdir()
    (leftover / "tansiq.db").write_bytes(b"half")
    good("restore --replace --no-peers --even-if-rolled-back --data", north.data, archive)


def test_a_killed_backup_leaves_no_file_or_a_whole_one(
    old_and_backup: tuple[Folder, Path], memory: Path
) -> None:
    (north, _), making = old_and_backup, ["backup/making.py"]
    count = killed("backup", memory / "0.tar", north.data, making, [])
    lines = [*random.Random(SEED).sample(range(1, count), 15), count]
    killed("backup", memory / "out.tar", north.data, making, lines)
    found = sorted(memory.glob("out.tar.*"))
    assert 0 < len(found) < len(lines)
    assert all(run("backup --check", each).exit_code == 0 for each in found)
