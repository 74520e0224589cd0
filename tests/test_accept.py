"""``make accept`` where it cannot judge: one sentence that says what is missing, and exit 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def accept(**environment: str) -> tuple[int, str, str]:
    """Run the script; return its exit code, stdout and stderr."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "accept.py"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_without_the_judges_it_says_where_they_should_be(tmp_path: Path) -> None:
    code, out, err = accept(TANSIQ_ACCEPT=str(tmp_path / "nowhere"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert str(tmp_path / "nowhere") in err
    assert "TANSIQ_ACCEPT" in err


@pytest.mark.parametrize("python", ["/nowhere/python3.13", "/bin/false"])
def test_without_a_python_for_the_suite_it_says_how_to_get_one(tmp_path: Path, python: str) -> None:
    """Of a Python that is named, its version is asked: a name promises nothing."""
    script = tmp_path / "interuss" / "venv.sh"
    script.parent.mkdir()
    script.write_text("exit 1\n")
    code, out, err = accept(TANSIQ_ACCEPT=str(tmp_path), PY313=python)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "Python 3.13" in err
    assert "PY313=" in err
