"""A second reader of notes and records, in another language, sees what the first one sees.

``second.mjs`` was written from docs/notes.md and docs/record.md alone, by somebody who did not see
our code. It reads the public vectors, and conversations made anew at each run. ``mutate.mjs`` turns
one of its readings at a time into a wrong one: each must show, or the vectors would say little.
"""

import json
import random
import runpy
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from tansiq.formats.evidence_page import CHECKS, script

HERE = Path(__file__).parent
DATA = HERE.parent / "data"
NODE = shutil.which("node")
GROUPS = runpy.run_path(str(HERE.parents[1] / "scripts" / "note_vectors.py"))
CHANCE = runpy.run_path(str(HERE.parents[1] / "scripts" / "vector_chance.py"))
FEW, MANY = 2_000, 20_000
READINGS, ALIKE, CELLS = 484, 9, 186
"""Wrong readings; of these, what no input tells apart (mutants.mjs says why); changed tables."""


def second(*arguments: object, tool: str = "second.mjs") -> str:
    assert NODE is not None, "node is needed: apt install nodejs"
    command = [NODE, str(HERE / tool), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-2000:]
    return run.stdout


def by_page(vectors: Path, folder: Path) -> object:
    """Return what the scripts of the page do not agree with."""
    assert NODE is not None, "node is needed: apt install nodejs"
    whole = folder / "page.js"
    whole.write_text(script(*CHECKS) + (HERE / "page.js").read_text("utf-8"), "utf-8")
    with vectors.open("rb") as given:
        run = subprocess.run(
            [NODE, "--no-warnings", str(whole)], stdin=given, capture_output=True, check=False
        )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


def vectors_with(seeds: range, folder: Path) -> Path:
    made = json.loads((DATA / "note_vectors.json").read_text("utf-8"))
    made["conversations"] = GROUPS["conversations"](seeds)
    path = folder / "notes.json"
    path.write_text(json.dumps(made), "utf-8")
    return path


def test_it_agrees_with_every_vector() -> None:
    told = second("vectors", DATA / "note_vectors.json", DATA / "merkle_vectors.json")
    print(told)
    made = json.loads((DATA / "note_vectors.json").read_text("utf-8"))
    assert told.count(" agree") == len(made) - len(["about"]) + len(["inclusion", "consistency"])


@pytest.mark.parametrize("many", [FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def test_it_folds_conversations_alike(many: int, tmp_path: Path) -> None:
    first = random.randrange(10**9)
    print(f"seeds from {first}")
    path = vectors_with(range(first, first + many), tmp_path)
    assert f"conversations: {many} of {many} agree" in second(
        "vectors", path, DATA / "merkle_vectors.json"
    )


@pytest.mark.parametrize("many", [FEW // 4, pytest.param(MANY, marks=pytest.mark.soak)])
def test_three_readers_judge_what_chance_makes_of_the_vectors_alike(
    many: int, tmp_path: Path
) -> None:
    """Node, second reader and page, of each group as many cases; most of them bad."""
    first = random.randrange(10**9)
    print(f"seeds from {first}")
    made = json.loads((DATA / "note_vectors.json").read_text("utf-8"))
    made.update(CHANCE["by_chance"](range(first, first + many)))
    path = tmp_path / "notes.json"
    path.write_text(json.dumps(made), "utf-8")
    told = second("vectors", path, DATA / "merkle_vectors.json")
    assert f"payloads: {many} of {many} agree" in told
    assert by_page(path, tmp_path) == []


def test_the_vectors_are_those_that_the_code_makes() -> None:
    """The file stands for what the code does now, and stays small enough to be read by anybody."""
    text = (DATA / "note_vectors.json").read_text("utf-8")
    assert GROUPS["written"](GROUPS["vectors"]()) == text
    assert len(text.encode()) < 1_200_000


def test_wrong_readings_show(tmp_path: Path) -> None:
    vectors = [DATA / "note_vectors.json", DATA / "merkle_vectors.json"]
    told = json.loads(second(*vectors, tmp_path, tool="mutate.mjs"))
    for name, expected in [
        ("readings", {"decided": READINGS - ALIKE, "alike": ALIKE}),
        ("tables", {"decided": CELLS}),
    ]:
        print(json.dumps(told[name], indent=1))
        others = {what: how for what, how in told[name].items() if how not in expected}
        assert not others
        assert Counter(told[name].values()) == expected


def test_the_page_reads_notes_and_checkpoints_alike(tmp_path: Path) -> None:
    """The page in a browser is a third reader, by the node's tables: the same is good for it."""
    assert by_page(DATA / "note_vectors.json", tmp_path) == []
