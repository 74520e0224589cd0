"""``make accept`` where it cannot judge: one sentence that says what is missing, and exit 2.

And what it does around the judge: nodes made for it, whatever was started ended, its words shown.
"""

import os
import socket
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tansiq.formats.agreement import load_agreement
from tansiq.services.planning.flight_planning import check_switch
from tansiq.settings import SignedCredential, load_settings

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


# ---- what a run starts ends with it

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
STARTS = """#!/bin/sh
setsid sh -c 'trap "" TERM HUP; echo $$ > "$0/child"; exec sleep 600' "$OUT" &
while ! test -s "$OUT/child"; do sleep 0.05; done
echo "one scenario"; echo "checks: 1 passed"; {end}
"""


@pytest.fixture
def runner() -> ModuleType:
    spec = spec_from_file_location("accept", SCRIPTS / "accept.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["accept"] = module  # Its dataclasses look there for their module.
    spec.loader.exec_module(module)
    return module


def judge(runner: ModuleType, folder: Path, end: str) -> Any:
    script = folder / "interuss" / "run_uss.sh"
    script.parent.mkdir()
    script.write_text(STARTS.replace("{end}", end))
    script.chmod(0o755)
    return runner.Judge(folder, folder / "venv", dict(os.environ))


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
@pytest.mark.parametrize(("end", "code"), [("exit 0", 0), ("exit 2", 2), ("kill -9 $$", -9)])
def test_what_the_suite_starts_is_ended_however_it_ends(
    runner: ModuleType, tmp_path: Path, end: str, code: int
) -> None:
    """Its suppliers leave the process group, and take no notice of being asked to go."""
    found = judge(runner, tmp_path, end).run(("run_uss.sh", "x"), tmp_path)
    assert found == (["one scenario", "checks: 1 passed"], code)
    child = int((tmp_path / "child").read_text())
    assert not is_running(child)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")
def test_what_the_suite_starts_would_go_on_else(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: without the sweep the child is there."""
    swept = runner.end_all
    monkeypatch.setattr(runner, "end_all", lambda mark, folders: None)
    marks: list[str] = []
    looked = runner.marked
    monkeypatch.setattr(runner, "marked", lambda mark: marks.append(mark) or looked(mark))
    judge(runner, tmp_path, "exit 0").run(("run_uss.sh", "x"), tmp_path)
    child = int((tmp_path / "child").read_text())
    assert is_running(child)
    swept(marks[0], set())
    assert not is_running(child)


def test_a_port_that_the_suite_needs_and_is_taken_is_named(
    runner: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(runner, "MOCK_PORTS", (port,))
        monkeypatch.setattr(runner, "CACHE", tmp_path)
        with pytest.raises(runner.CannotJudge, match=f"port {port} is taken"):
            runner.judge_uss(judge(runner, tmp_path, "exit 0"), (b"", b""), same_node=False)


def test_only_a_whole_clean_run_counts_as_clean(
    runner: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    """Stdout is the judge's last line as it is, whatever it says; the rest is for people."""
    for lines, code, shown in [
        (["table", "sum: all good"], 0, "sum: all good\n"),
        (["table", "sum: one bad"], 1, "sum: one bad\n"),
        ([], 2, "the suite said nothing\n"),
    ]:
        assert runner.show("uss", lines, code, verbose=False) == (1 if code else 0)
        assert capsys.readouterr().out == shown


def test_the_node_that_is_made_for_the_supplier_starts_with_the_switch(
    runner: ModuleType, tmp_path: Path
) -> None:
    keys = (b"public", b"private")
    dss = "http://127.0.0.1:9"
    apart = runner.make_place(tmp_path / "a", runner.USS, (1001, 1002), keys, dss)
    own = "http://127.0.0.1:1002"
    same = runner.make_place(tmp_path / "b", runner.USS, (1001, 1002), keys, own)
    for place, register, party in [(apart, dss, None), (same, own, runner.USS)]:
        settings = load_settings(place.data)
        agreement = load_agreement(settings.agreement)
        assert settings.test_interface == register
        check_switch(agreement, agreement.parties[0].id, register)
        assert [(r.url, r.party, r.foreign) for r in agreement.registers] == [
            (register, party, True)
        ]
        (credential,) = settings.credentials
        assert isinstance(credential, SignedCredential)
        assert credential.signing_key.read_bytes() == b"private"
        assert credential.signing_key.stat().st_mode & 0o077 == 0
