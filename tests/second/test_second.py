"""A second reader of notes and records, in another language, sees what the first one sees.

``second.mjs`` was written from docs/notes.md and docs/record.md alone, by somebody who did not see
our code. It reads the public vectors, and conversations made anew at each run. ``mutate.mjs`` turns
one of its readings at a time into a wrong one: most must show, or the vectors would say little.
"""

import json
import random
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
NODE = shutil.which("node")
GROUPS = runpy.run_path(str(HERE.parents[1] / "scripts" / "note_vectors.py"))
FEW, MANY = 2_000, 20_000
DECIDED_LEAST = 41
"""Of 55 wrong readings; of the others some differ in nothing that a node would write."""


def second(*arguments: object, tool: str = "second.mjs") -> str:
    assert NODE is not None, "node is needed: apt install nodejs"
    command = [NODE, str(HERE / tool), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return run.stdout


def vectors_with(seeds: range, folder: Path) -> Path:
    made = json.loads((DATA / "note_vectors.json").read_text("utf-8"))
    made["conversations"] = GROUPS["conversations"](seeds)
    path = folder / "notes.json"
    path.write_text(json.dumps(made), "utf-8")
    return path


def test_it_agrees_with_every_vector() -> None:
    told = second("vectors", DATA / "note_vectors.json", DATA / "merkle_vectors.json")
    print(told)
    assert told.count(" agree") == 9


@pytest.mark.parametrize("many", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def test_it_folds_conversations_alike(many: int, tmp_path: Path) -> None:
    first = random.randrange(10**9)
    print(f"seeds from {first}")
    path = vectors_with(range(first, first + many), tmp_path)
    assert f"conversations: {many} of {many} agree" in second(
        "vectors", path, DATA / "merkle_vectors.json"
    )


def test_wrong_readings_show(tmp_path: Path) -> None:
    vectors = [DATA / "note_vectors.json", DATA / "merkle_vectors.json"]
    told = json.loads(second(*vectors, tmp_path, tool="mutate.mjs"))
    print(json.dumps(told, indent=1))
    assert "nothing to change" not in told.values()
    assert list(told.values()).count("decided") >= DECIDED_LEAST
    for what in (name for name in told if name.startswith("back-dated")):
        assert told[what] == "decided", what
