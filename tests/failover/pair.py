"""A PostgreSQL server with a standby: it can send nothing, be gone, and be replaced."""

import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from postgres_server import Server, binaries


@dataclass
class Primary(Server):
    """A server that others follow."""

    def sending(self, *, on: bool) -> None:
        """Let what sends the log go on, or hold it: a network that delivers nothing."""
        assert self._process is not None
        found = [pid for pid in children(self._process.pid) if "walsender" in named(pid)]
        assert found, "nobody follows it"
        tell(found, signal.SIGCONT if on else signal.SIGSTOP)

    def vanish(self) -> None:
        """End all of its processes in one moment, as when its machine is gone."""
        if self._process is None:
            return
        kill_all([self._process.pid, *children(self._process.pid)])
        self._process.wait()
        self._process = None


@dataclass
class Standby(Server):
    """A copy of another server, which follows it."""

    of: Server = field(kw_only=True)

    def _make(self) -> None:
        source = f"host=127.0.0.1 port={self.of.port} user=postgres application_name=second"
        how = ["-R", "-X", "stream", "-c", "fast"]
        self._run("pg_basebackup", "-d", source, "-D", self._data, *how)

    def promote(self) -> None:
        """Make it the primary."""
        command = [str(binaries() / "pg_ctl"), "promote", "-D", self._data, "-w", "-t", "30"]
        subprocess.run(command, check=True, capture_output=True, cwd="/", **self._user)  # type: ignore[call-overload]


def kill_all(pids: list[int]) -> None:
    """Kill processes; they are held first, for none must act in the moment in which others go."""
    tell(pids, signal.SIGSTOP)
    tell(pids, signal.SIGKILL)


def tell(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to processes, if they are still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def children(pid: int) -> list[int]:
    """Return the processes that one has started."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(word) for word in path.read_text().split()]
    except OSError:
        return []


def named(pid: int) -> str:
    """Return what a process calls itself."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
