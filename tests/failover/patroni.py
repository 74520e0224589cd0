"""Three PostgreSQL servers under Patroni, and one etcd, on this machine: made, killed, made whole.

The programs are Debian's packages ``patroni`` and ``etcd-server`` (``make patroni``). Everything
is in one folder of its own and listens at free ports of 127.0.0.1; no service of the system is
touched. The settings are those that are shipped in ``deploy/patroni``.
"""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGSTOP, Signals
from typing import Any
from urllib.parse import quote

from pair import children, kill_all, named, tell

from postgres_server import binaries

SHIPPED = Path(__file__).parents[2] / "deploy" / "patroni"
SPACE, MAPPED = 8 * " ", "dynamic_shared_memory_type: mmap"
MADE = "/var/lib/postgresql/patroni"
PARTY, PASSWORD = "north", 'a word\'s "of" its own'


def programs() -> tuple[str, str]:
    """Return where Patroni and etcd are."""
    found = shutil.which("patroni"), shutil.which("etcd")
    if None in found:
        raise FileNotFoundError(
            "no Patroni or no etcd: run `make patroni`, or, as root on Debian, "
            "`apt-get install --no-install-recommends patroni etcd-server`"
        )
    return found  # type: ignore[return-value]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@dataclass
class Node:
    """One server and the Patroni that runs it."""

    name: str
    port: int
    rest: int
    process: "subprocess.Popen[bytes] | None" = None


@dataclass
class Cluster:
    """All of it."""

    synchronous: bool = True
    folder: Path = field(init=False)
    nodes: list[Node] = field(init=False)
    _etcd: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self._patroni, self._etcd_program = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="tansiq-ha-"))
        self._user: dict[str, object] = {}
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self._client, peer = free_port(), free_port()
        at = f"http://127.0.0.1:{self._client}"
        peers = f"http://127.0.0.1:{peer}"
        self._etcd = self._start(
            "etcd",
            [
                self._etcd_program,
                *("--data-dir", f"{self.folder}/etcd", "--listen-client-urls", at),
                *("--advertise-client-urls", at, "--listen-peer-urls", peers),
                *("--initial-advertise-peer-urls", peers),
                *("--initial-cluster", f"default={peers}"),
            ],
        )
        self.nodes = [Node(f"db{n}", free_port(), free_port()) for n in (1, 2, 3)]
        script = self.folder / "make_database.sh"
        shutil.copy(SHIPPED / script.name, script)
        for node in self.nodes:
            (self.folder / node.name).mkdir(mode=0o700)
            if self._user:
                shutil.chown(self.folder / node.name, "postgres", "postgres")
            text = (SHIPPED / "patroni.yml").read_text()
            for old, new in (
                (MADE, f"{self.folder}/{node.name}"),
                ("/usr/lib/postgresql/15/bin", str(binaries())),
                (f"/etc/patroni/{script.name}", str(script)),
                ("mode: true", f"mode: {str(self.synchronous).lower()}"),
                ("strict: true", f"strict: {str(self.synchronous).lower()}"),
                # So that nothing is left behind by those who are killed.
                ("max_connections: 100\n", f"max_connections: 100\n{SPACE}{MAPPED}\n"),
            ):
                assert old in text, old
                text = text.replace(old, new)
            (self.folder / f"{node.name}.yml").write_text(text)

    def _environment(self, node: Node) -> dict[str, str]:
        """Return what differs between the servers, as ``patroni.env.example`` has it."""
        return os.environ | {
            "PATRONI_NAME": node.name,
            "PATRONI_RESTAPI_LISTEN": f"127.0.0.1:{node.rest}",
            "PATRONI_RESTAPI_CONNECT_ADDRESS": f"127.0.0.1:{node.rest}",
            "PATRONI_POSTGRESQL_LISTEN": f"127.0.0.1:{node.port}",
            "PATRONI_POSTGRESQL_CONNECT_ADDRESS": f"127.0.0.1:{node.port}",
            "PATRONI_ETCD3_HOSTS": f"127.0.0.1:{self._client}",
            "PATRONI_SUPERUSER_USERNAME": "postgres",
            "PATRONI_SUPERUSER_PASSWORD": "first",
            "PATRONI_REPLICATION_USERNAME": "replicator",
            "PATRONI_REPLICATION_PASSWORD": "second",
            "PATRONI_REWIND_USERNAME": "rewinder",
            "PATRONI_REWIND_PASSWORD": "third",
            "TANSIQ_PARTY": PARTY,
            "TANSIQ_DATABASE_PASSWORD": PASSWORD,
        }

    def _start(
        self, name: str, command: list[str], environment: dict[str, str] | None = None
    ) -> "subprocess.Popen[bytes]":
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
                command, cwd="/", stdout=log, stderr=log, env=environment, **self._user
            )

    @property
    def url(self) -> str:
        """Return the URL of all three, of which the primary is wanted."""
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in self.nodes)
        return (
            f"postgresql://{PARTY}:{quote(PASSWORD)}@{hosts}/{PARTY}?target_session_attrs=primary"
        )

    def start(self, node: Node) -> None:
        command = [self._patroni, f"{self.folder}/{node.name}.yml"]
        node.process = self._start(node.name, command, self._environment(node))

    def members(self) -> dict[str, str]:
        """Return the role of each member that runs, as any of them says."""
        for node in self.nodes:
            try:
                with urllib.request.urlopen(
                    f"http://127.0.0.1:{node.rest}/cluster", timeout=2
                ) as answer:
                    said: dict[str, Any] = json.load(answer)
            except (urllib.error.URLError, OSError, ValueError):
                continue
            return {
                member["name"]: member["role"]
                for member in said["members"]
                if member["state"] in ("running", "streaming")
            }
        return {}

    def is_whole(self) -> bool:
        """Report whether there are a leader and two standbys, one of them synchronous."""
        roles = sorted(self.members().values())
        second = "sync_standby" if self.synchronous else "replica"
        return roles == sorted(["leader", "replica", second])

    def wait(self, until: Callable[[], bool], seconds: float) -> float:
        """Wait for something; return how long it took."""
        began_s = time.monotonic()
        while not until():
            if time.monotonic() - began_s > seconds:
                raise TimeoutError(f"{self.members()}\n{self.logs()}")
            time.sleep(0.2)
        return time.monotonic() - began_s

    def leader(self) -> Node:
        (name,) = [name for name, role in self.members().items() if role == "leader"]
        return next(node for node in self.nodes if node.name == name)

    def freeze(self, node: Node, number: Signals) -> None:
        """Stop or let go on all that runs on a node: a machine that answers, and does nothing."""
        assert node.process is not None
        first = self._first(node)
        tell([node.process.pid, first, *children(first)], number)

    def kill(self, node: Node) -> None:
        """Kill Patroni, the server and all its processes, as when the machine is gone."""
        assert node.process is not None
        first = self._first(node)
        kill_all([node.process.pid, first, *children(first)])
        node.process.wait()
        node.process = None
        self.wait(lambda: not Path(f"/proc/{first}").exists() or not named(first), 10)

    def hold(self, node: Node) -> None:
        """Hold what sends the leader's log: a network that delivers nothing any more."""
        tell([pid for pid in children(self._first(node)) if "walsender" in named(pid)], SIGSTOP)

    def _first(self, node: Node) -> int:
        text = (self.folder / node.name / "data" / "postmaster.pid").read_text()
        return int(text.split()[0])

    def logs(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-2_000:]}"
            for path in sorted(self.folder.glob("*.log"))
        )

    def remove(self) -> None:
        """End everything and leave nothing."""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                if (self.folder / node.name / "data" / "postmaster.pid").exists():
                    self.kill(node)
                else:
                    node.process.kill()
                    node.process.wait()
        if self._etcd is not None:
            self._etcd.kill()
            self._etcd.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
