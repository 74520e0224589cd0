"""The checks catch what they are there for: one planted violation each, and the house rules."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tansiq.domain.note import FORMS
from tansiq.formats.payload import Payload

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tansiq"
CONSOLE = ROOT / "console" / "src"
BIN = Path(sys.executable).parent

FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 500
BANNED_MODULES = {"utils", "helpers", "common", "manager", "base", "core", "misc"}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a private copy of the source tree, in which violations may be planted."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "stubs", tmp_path / "stubs")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("planted", "rule"),
    [
        ("from datetime import UTC, datetime as dt\n\nx = dt.now(UTC)\n", "TID251"),
        ("import time\n\nx = time.monotonic_ns()\n", "TID251"),
        ("from time import sleep\n\nsleep(1)\n", "TID251"),
        ("import asyncio\n\nx = asyncio.sleep(1)\n", "TID251"),
        ("import random\n\nx = random.random()\n", "TID251"),
        ("try:\n    x = 1\nexcept Exception:\n    x = 2\n", "BLE001"),
        ("from datetime import datetime\n\nx = datetime(2026, 1, 1)\n", "DTZ001"),
    ],
)
def test_ruff_catches_a_planted_violation(copy: Path, planted: str, rule: str) -> None:
    (copy / "src/tansiq/domain/planted.py").write_text(planted)
    found = run(copy, "ruff", "check", "--no-cache", "src/tansiq/domain/planted.py")
    assert found.returncode == 1
    assert rule in found.stdout


@pytest.mark.parametrize(
    ("where", "planted", "contract"),
    [
        ("domain/planted.py", "import sqlite3", "the domain is pure BROKEN"),
        ("domain/planted.py", "import tansiq.clock", "the domain is pure BROKEN"),
        ("services/planted.py", "import tansiq.http", "dependencies point inwards BROKEN"),
        ("storage/planted.py", "import tansiq.services", "dependencies point inwards BROKEN"),
    ],
)
def test_import_contracts_catch_a_planted_violation(
    copy: Path, where: str, planted: str, contract: str
) -> None:
    (copy / "src/tansiq" / where).write_text(planted + "\n")
    found = run(copy, "lint-imports", "--no-cache")
    assert found.returncode == 1
    assert contract in found.stdout
    assert "planted" in found.stdout


def test_mypy_catches_a_planted_violation(copy: Path) -> None:
    (copy / "src/tansiq/domain/planted.py").write_text("def f(x):\n    return x\n")
    found = run(copy, "mypy", "--cache-dir", str(copy / "cache"), "src/tansiq/domain/planted.py")
    assert found.returncode == 1
    assert "planted.py:1" in found.stdout


def test_the_formatter_catches_a_planted_violation(copy: Path) -> None:
    (copy / "src/tansiq/domain/planted.py").write_text("x = {'a':1}\n")
    found = run(copy, "ruff", "format", "--no-cache", "--check", "src/tansiq/domain/planted.py")
    assert found.returncode == 1


def sources() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(SOURCE)))
def test_house_rules(path: Path) -> None:
    """Files and functions stay short, and no module is named for having no subject."""
    text = path.read_text()
    assert text.count("\n") <= FILE_LINES_MAX, "split the file by subject"
    assert path.stem not in BANNED_MODULES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{node.name} has {length} lines"


def console_sources() -> list[Path]:
    made = {CONSOLE / "api" / "types.ts"}  # By scripts/console_types.py.
    return sorted(set(CONSOLE.rglob("*.ts")) - made)


@pytest.mark.parametrize("path", console_sources(), ids=lambda p: str(p.relative_to(CONSOLE)))
def test_house_rules_of_the_console(path: Path) -> None:
    assert path.read_text("utf-8").count("\n") <= FILE_LINES_MAX, "split the file by subject"
    assert path.stem not in BANNED_MODULES


def test_no_two_files_of_tests_have_the_same_name() -> None:
    """Python would take one for the other, and whichever comes second is not run."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, count in names.items() if count > 1] == []


def test_there_is_no_field_for_what_a_flight_is_for() -> None:
    """It is flight safety and nothing else: purpose, target and payload have no name here."""
    banned = re.compile(r"^\s+(purpose|target|payload|cargo|weapon)\w*\s*:", re.MULTILINE)
    for path in sources():
        text = path.read_text()
        if str(path.relative_to(SOURCE)) in OF_A_NOTE:
            # The content of a note, whose lines and members are looked at below.
            text = re.sub(r"^\s+payload\s*:", "", text, flags=re.MULTILINE)
        assert not banned.search(text), path
    words = [key for form in FORMS.values() for key, _ in form.keys]
    words += [member.name for member in msgspec.structs.fields(Payload)]
    assert not [word for word in words if banned.match(f" {word}:")]


OF_A_NOTE = frozenset(
    {
        "domain/note.py",
        "formats/bundle.py",
        "formats/evidence_notes.py",
        "formats/findings.py",
        "formats/letter.py",
        "services/line/notices.py",
        "services/line/pen.py",
        "services/line/views.py",
        "services/line/words.py",
        "services/record/bundling.py",
        "storage/bundles.py",
    }
)
