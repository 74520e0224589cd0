"""A throwaway PostgreSQL cluster for the tests of one process: made when first asked for.

The programs are those in the folder ``TANSIQ_TEST_POSTGRES``, or Debian's. No cluster of the system
is touched.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

BINARIES = "TANSIQ_TEST_POSTGRES"
_DEBIAN = Path("/usr/lib/postgresql")
_MEMORY = Path("/dev/shm")
START_S = 30


def binaries() -> Path:
    """Return the folder of initdb and postgres; the newest of Debian's, unless another is named."""
    named = os.environ.get(BINARIES)
    found = [Path(named)] if named else sorted(_DEBIAN.glob("*/bin"), key=_number, reverse=True)
    for folder in found:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise FileNotFoundError(
        f"no PostgreSQL for the tests{f' in {named}' if named else ''}: run `apt-get install "
        f"postgresql` (Debian, as root), or set {BINARIES} to the folder of initdb and postgres"
    )


def _number(folder: Path) -> int:
    name = folder.parent.name
    return int(name) if name.isdigit() else 0


@dataclass
class Server:
    """One cluster; commits are synced as a node demands it, to memory where that can be had.

    ``within`` names a folder on a disk, for those whom the time of a commit concerns.
    """

    options: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    place: Path | None = None
    """Where its files go, if not into memory; others must be able to look into that folder."""
    folder: Path = field(init=False)
    _process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        where = self.place or (_MEMORY if _MEMORY.is_dir() else None)
        self.folder = Path(tempfile.mkdtemp(prefix="tansiq-pg-", dir=where))
        self._user: dict[str, object] = {}
        if os.geteuid() == 0:  # PostgreSQL does not run as root.
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._make()

    def _make(self) -> None:
        options = ["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8"]
        self._run("initdb", "-D", self._data, *options)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(binaries() / program), *arguments]
        done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self._user)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr.decode()

    def url(self, database: str = "postgres", **settings: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in settings.items())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}?{query}".rstrip("?")

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        settings = {"listen_addresses": "127.0.0.1", "max_connections": "400", **self.options}
        command = [str(binaries() / "postgres"), "-D", self._data, "-k", str(self.folder)]
        command += ["-p", str(self.port)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                command, cwd="/", stdout=log, stderr=log, **self._user
            )
        ready = [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(START_S * 20):
            assert self._process.poll() is None, (self.folder / "log").read_text()
            if subprocess.run([*ready, "-t", "1"], check=False).returncode == 0:
                return
            _pause()
        raise TimeoutError((self.folder / "log").read_text())

    def kill(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """End it at once, as a crash does: what was not synced to its files is gone with it."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def cpu_s(self) -> float:
        """Return the CPU seconds of all its processes so far (Linux)."""
        assert self._process is not None
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # It has ended; its parent counts what it took.
                continue
            if stat.parent.name == str(self._process.pid):
                ticks += sum(map(int, fields[11:15]))
            elif fields[1] == str(self._process.pid):
                ticks += sum(map(int, fields[11:13]))
        return ticks / os.sysconf("SC_CLK_TCK")

    def remove(self) -> None:
        """End it and leave nothing."""
        self.kill(signal.SIGINT)  # Else it leaves its shared memory behind.
        shutil.rmtree(self.folder, ignore_errors=True)


def _pause() -> None:
    import time

    time.sleep(0.05)
