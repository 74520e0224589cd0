"""Restores, or backs up, and is killed at one line of it.

At the given line that runs in one of the named files, the process ends as by SIGKILL; line 0 runs
to the end, and tells how many lines there were. ``careless`` is the control: it unpacks over what
is there, file by file, as by tar and cp.
"""

import asyncio
import os
import shutil
import signal
import sys
import tarfile
from pathlib import Path
from types import FrameType
from typing import Any

from tansiq.backup import making, restoring
from tansiq.clock import SystemClock
from tansiq.settings import load_settings


def careless(archive: Path, data: Path) -> None:
    """Put a backup back the way that scripts do."""
    with tarfile.open(archive) as opened:
        for member in opened.getmembers():
            name = member.name.removeprefix("data/")
            if not member.name.startswith("data/"):
                continue
            source = opened.extractfile(member)
            assert source is not None
            with (data / name).open("wb") as target:
                shutil.copyfileobj(source, target)


def restore(archive: Path, data: Path) -> None:
    request = restoring.Request(
        archive=archive,
        data=data,
        replace=True,
        keys_from=None,
        ask_peers=False,
        even_if_rolled_back=True,
        dry_run=False,
    )
    asyncio.run(restoring.restore(request, SystemClock(), lambda _: None))


def backup(archive: Path, data: Path) -> None:
    request = making.Request(
        settings=load_settings(data),
        output=archive,
        keys=False,
        exchanges=True,
        bytes_per_s=1e9,
        check=True,
    )
    asyncio.run(making.make(request, SystemClock(), lambda _: None))


def killed_at(line: int, files: list[str]) -> list[int]:
    """Have this process end at that line; return where lines are counted."""
    count = [0]

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.endswith(tuple(files)):
            return None
        if event == "line":
            count[0] += 1
            if count[0] == line:
                os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    return count


def once(how: str, archive: Path, data: Path, line: int, files: list[str]) -> int:
    """Run in a process of its own, forked here: starting one anew would take a second each."""
    readable, writable = os.pipe()
    if child := os.fork():
        os.close(writable)
        _, status = os.waitpid(child, 0)
        told = os.read(readable, 64).decode()
        os.close(readable)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"line {line}: {status}"
        return int(told or 0)
    count = killed_at(line, files)
    {"restore": restore, "careless": careless, "backup": backup}[how](archive, data)
    sys.settrace(None)
    os.write(writable, b"%d" % count[0])
    os._exit(0)
