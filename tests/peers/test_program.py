"""Programs that are started with a document: good ones, failing ones, and those that misbehave."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from tansiq.clock import SystemClock
from tansiq.peers.program import OUTPUT_KEPT, Programs
from tansiq.services.hooks import Ran

LONG_S = 60.0
"""More than a busy machine needs to start an interpreter."""
FLOOD = 300_000


def script(folder: Path, text: str) -> tuple[str, ...]:
    """Write a program in Python; return how it is started."""
    path = folder / "program.py"
    path.write_text(text)
    return sys.executable, str(path)


def programs(folder: Path, time_s: float = LONG_S) -> Programs:
    return Programs(folder, SystemClock(), time_s=time_s, output_bytes_max=FLOOD)


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Callable[[Awaitable[Ran]], Ran]:
    """Both loops: nodes serve on the second, and tests of nodes run on the first."""
    return request.param  # type: ignore[no-any-return]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # One that nobody has waited for is dead, too: its new parent may be slow.
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_it_reads_the_document_and_ends(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    argv = script(
        tmp_path,
        "import json, os, sys\n"
        "found = json.load(sys.stdin)\n"
        "open('got.json', 'w').write(json.dumps([found, sys.argv[1:], os.getcwd()]))\n",
    )
    document = {"on": "stop", "words": ["$(touch no); `touch no` \"'"], "size": "x" * 200_000}
    ran = run(programs(tmp_path).run((*argv, "$HOME; touch no"), json.dumps(document).encode()))
    assert ran == Ran()
    found, arguments, folder = json.loads((tmp_path / "got.json").read_text())
    # Nothing of it passes through a shell.
    assert (found, arguments, folder) == (document, ["$HOME; touch no"], str(tmp_path))
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize(
    ("text", "problem", "output"),
    [
        ("import sys; print('no line'); sys.exit(3)", "ended with exit code 3", "no line\n"),
        ("import sys; sys.exit('no mail')", "ended with exit code 1", "no mail\n"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9", ""),
        ("print('all good')", None, "all good\n"),
        # One that does not even look at what it is given.
        ("import os; os.close(0)", None, ""),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\xfe')", None, "��"),
    ],
)
def test_how_it_ended_is_said(
    tmp_path: Path,
    run,  # type: ignore[no-untyped-def]
    text: str,
    problem: str | None,
    output: str,
) -> None:
    document = b"x" * 1_000_000  # More than a pipe holds.
    ran = run(programs(tmp_path).run(script(tmp_path, text), document))
    assert ran == Ran(problem=problem, output=output)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "No such file"),
        (lambda path: path.write_text("#!/bin/sh\n"), "Permission denied"),
        (lambda path: path.mkdir(), "Permission denied"),
    ],
)
def test_one_that_cannot_be_started(  # type: ignore[no-untyped-def]
    tmp_path: Path, run, make: Callable[[Path], object], reason: str
) -> None:
    path = tmp_path / "siren"
    make(path)
    ran = run(programs(tmp_path).run((str(path),), b"{}"))
    assert ran.problem is not None
    assert "cannot be started" in ran.problem
    assert reason in ran.problem


HANGS = """
import os, signal, subprocess, sys, time
{trap}
child = subprocess.Popen([sys.executable, "-c", "{trap}; import time; time.sleep(600)"])
open("pids", "w").write(f"{{os.getpid()}} {{child.pid}}")
print("begun", flush=True)
time.sleep(600)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.mark.parametrize("trap", ["pass", DEAF], ids=["hears", "deaf"])
def test_one_that_hangs_is_ended_with_all_that_it_started(  # type: ignore[no-untyped-def]
    tmp_path: Path, run, trap: str
) -> None:
    argv = script(tmp_path, HANGS.format(trap=trap))

    async def main() -> Ran:
        # As long as it takes until it hangs, and then some.
        task = asyncio.create_task(programs(tmp_path, 12.0).run(argv, b"{}"))
        ticks = 0
        while not task.done():
            await asyncio.sleep(0.05)
            ticks += 1
        assert ticks > 50  # Everything else went on meanwhile.
        return await task

    ran = run(main())
    assert ran.problem == "did not end within 12 s, and was ended"
    assert ran.output == "begun\n"
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_one_that_prints_without_end_is_ended_and_little_is_kept(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    argv = script(
        tmp_path,
        "import os\nopen('pids', 'w').write(str(os.getpid()))\nwhile True: print('flood ' * 100)\n",
    )
    ran = run(programs(tmp_path).run(argv, b"{}"))
    assert ran.problem == "printed more than 300,000 bytes, and was ended"
    assert len(ran.output) == OUTPUT_KEPT
    assert gone(int((tmp_path / "pids").read_text()))


@pytest.mark.parametrize(("count", "ended"), [(FLOOD, False), (FLOOD + 1, True)])
def test_the_bound_on_what_is_printed_is_closed(  # type: ignore[no-untyped-def]
    tmp_path: Path, run, count: int, *, ended: bool
) -> None:
    # It stays a moment: what it prints last is read before it is over.
    argv = script(tmp_path, f"import time; print('x' * {count}, end='', flush=True); time.sleep(1)")
    ran = run(programs(tmp_path).run(argv, b"{}"))
    assert (ran.problem is not None) is ended


def test_what_it_leaves_running_holds_nobody_up(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """It may sound for an hour; its output is still open, and the run is over."""
    argv = script(
        tmp_path,
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open('pids', 'w').write(str(child.pid))\n",
    )
    ran = run(programs(tmp_path).run(argv, b"{}"))
    pid = int((tmp_path / "pids").read_text())
    assert ran == Ran()
    assert not gone(pid)
    os.kill(pid, 9)


def test_one_that_runs_when_we_stop_is_ended(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    argv = script(tmp_path, HANGS.format(trap=DEAF))

    async def main() -> Ran:
        task = asyncio.create_task(programs(tmp_path).run(argv, b"{}"))
        while not (tmp_path / "pids").exists() or not (tmp_path / "pids").read_text():
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.5)
        return Ran()

    run(main())
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())
