"""Run the field's conformance suite for F3548-21 against nodes of ours: ``make accept``.

The judge is InterUSS's ``uss_qualifier``, packaged outside this repository (``TANSIQ_ACCEPT``). The
DSS part meets one node: one party, one register. The pool part is the same against two registers by
themselves over one PostgreSQL database, made for the run: what is placed at one is to be seen at
the other. The USS part meets a second node, which has the first for its DSS, among suppliers that
the suite brings (``mock_uss``); or, with ``--same-node``, one that is its own DSS. All on loopback,
with plain http and the suite's well-known test issuer.
Progress and tables go to stderr; stdout gets the judge's last line of each part as it is. Reports
stay in ``.cache/accept``.

Exit codes: 0 every scenario clean, 1 not so, 2 the suite could not be run.
"""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from uuid import uuid4

from tansiq.demo.nodes import free_ports
from tansiq.domain.agreement import Agreement, Minima, Register
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput
from tansiq.formats.agreement import AREA_KM2_DEFAULT, render_agreement
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.strict_toml import quote

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "accept"
DSS, USS = "register", "tansiq"
"""Our party's id in each role."""
POOL = ("pool-a", "pool-b")
"""Two instances of a pool: each is a party and holds an agreement of its own."""
ISSUER = "NoAuth"
"""What the suite's own tokens name as their issuer."""
MOCK_PORTS = (8094, 8095)
"""Where the suite starts the suppliers that it brings."""
PORT_FIRST = 16_000
PORTS_EACH = 4
READY_S_MAX = 180.0
"""The kernels may have to be compiled first."""
STOP_S_MAX = 10.0
LOOK_S = 5.0
"""How often it is looked what the suite has started."""

MARK = "TANSIQ_ACCEPT_RUN"
"""In the environment of everything that a run starts, so that all of it can be found and ended."""

_ISSUER_KEYS = """
from monitoring.monitorlib.auth import NoAuth
print(NoAuth.dummy_private_key.export_to_pem().decode())
print(NoAuth.dummy_private_key.export_to_pem(private_key=True, password=None).decode())
"""
_PRIVATE = "-----BEGIN"
_IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 13))"


class CannotJudge(Exception):
    """The suite cannot be run here; the sentence says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The suite: its scripts, and the environment that they run in."""

    folder: Path
    venv: Path
    environment: Mapping[str, str]

    def issuer_keys(self) -> tuple[bytes, bytes]:
        """Return the public and the private key of the suite's tokens, in PEM."""
        python = self.venv / "bin" / "python"
        pem = subprocess.run(
            [python, "-c", _ISSUER_KEYS],
            check=True,
            capture_output=True,
            text=True,
            env=self.environment,
        ).stdout
        cut = pem.rindex(_PRIVATE)
        return pem[:cut].encode(), pem[cut:].encode()

    def run(self, command: Sequence[str], out: Path) -> tuple[list[str], int]:
        """Run a script of the suite; return the lines of its summary, and its exit code.

        Whatever it has started is ended with it: its suppliers outlive a plain SIGTERM.
        """
        mark, summary = str(uuid4()), out / "summary.txt"
        # Into a file: a pipe would be waited for until the last of those who hold it is gone.
        with summary.open("w") as stdout:
            process = subprocess.Popen(
                [self.folder / "interuss" / command[0], *command[1:]],
                env={**self.environment, "OUT": str(out), MARK: mark},
                stdout=stdout,
                start_new_session=True,
            )
        folders = set[str]()
        try:
            while process.poll() is None:
                folders |= set(marked(mark).values())
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_S)
        finally:
            end_all(mark, folders)
            process.wait()
        return summary.read_text().splitlines(), process.returncode


def find_judge() -> Judge:
    """Find the suite, and make its environment once.

    Raises:
        CannotJudge: it is not there, or what it needs is not.
    """
    folder = Path(os.environ.get("TANSIQ_ACCEPT") or ROOT.parent / "shared" / "accept").absolute()
    script = folder / "interuss" / "venv.sh"
    if not script.is_file():
        raise CannotJudge(
            f"the outside judges are not at {folder}; set TANSIQ_ACCEPT to their folder"
        )
    venv = CACHE / "interuss"
    environment = {
        **os.environ,
        "VENV": str(venv),
        "UQ_OPENAPI": str(folder / "openapi"),
        "PY313": python_for_suite(),
    }
    if not venv.exists():
        say("installing the suite into .cache/accept (about three minutes and 840 MB, once)")
    made = subprocess.run(
        ["sh", "-c", 'set -eu; . "$0"', script], env=environment, stdout=sys.stderr, check=False
    )
    if made.returncode:
        raise CannotJudge(f"the suite could not be installed; remove {venv} and try again")
    return Judge(folder, venv, environment)


def python_for_suite() -> str:
    """Return a Python that the suite accepts; ours may be older.

    Raises:
        CannotJudge: none was found.
    """
    named = os.environ.get("PY313")
    candidates = [named] if named else [f"python3.{minor}" for minor in range(13, 17)]
    if not named:
        pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
        candidates += map(str, sorted(pyenv.glob("versions/3.1[3-9]*/bin/python3")))
    for candidate in candidates:
        found = shutil.which(candidate)
        # Asked, not believed: a shim of pyenv is there for versions that it does not run.
        if (
            found
            and not subprocess.run(
                [found, "-c", _IS_NEW_ENOUGH], capture_output=True, check=False
            ).returncode
        ):
            return found
    raise CannotJudge(
        "the conformance suite needs Python 3.13 or later for itself (Tansiq does not): get one, "
        "with `uv python install 3.13` for example, and name it: make accept PY313=/path/to/python"
    )


@dataclass(frozen=True, slots=True)
class Place:
    """A node that is made for the run, and where it listens."""

    data: Path
    own_url: str
    url: str


def make_place(
    folder: Path, party: str, ports: tuple[int, int], keys: tuple[bytes, bytes], dss: str | None
) -> Place:
    """Make a node's folder; ``dss`` is the register that it plans in, if it is to be a USS."""
    own_port, peer_port = ports
    url = f"http://127.0.0.1:{peer_port}"
    new = NewNode(party=party, names={"en": party}, url=url, own_port=own_port, peer_port=peer_port)
    files = make_node(new, datetime.now(UTC))
    data = folder / party
    write_node(data, files)
    (data / "issuer.pem").write_bytes(keys[0])
    (data / "issuer.key").write_bytes(keys[1])
    (data / "issuer.key").chmod(0o600)
    with (data / "tansiq.toml").open("a") as settings:
        if dss is not None:
            settings.write(f"\n[test_interface]\nregister = {quote(dss)}\n")
            settings.write(f'\n[[credential]]\nsigning_key = "issuer.key"\niss = {quote(ISSUER)}\n')
        settings.write(f'\n[[issuer]]\niss = {quote(ISSUER)}\npublic_key = "issuer.pem"\n')
    register = Register(
        id=DSS if dss is not None else party,
        party=files.party.id if dss in (None, url) else None,
        url=url if dss is None else dss,
        foreign=dss is not None,
    )
    agreement = Agreement(
        name="Conformance",
        digest="",
        parties=(files.party,),
        registers=(register,),
        # Of what the suite places, only our own flights are bound by the agreement's area.
        area=Circle(center=LatLng(24.45, 54.6), radius_m=8_000),
        minima=Minima(),
        area_km2_max=AREA_KM2_DEFAULT,
    )
    (data / "agreement.toml").write_bytes(render_agreement(agreement))
    return Place(data, f"http://127.0.0.1:{own_port}", url)


def some_ports() -> list[tuple[int, int]]:
    """Return pairs of ports that are free now, one pair for each node."""
    found = free_ports(PORTS_EACH, PORT_FIRST + os.getpid() % 900 * PORTS_EACH)
    return list(zip(found[::2], found[1::2], strict=True))


def marked(mark: str) -> dict[int, str]:
    """Return the processes that have a mark in their environment, with their working folders."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # Gone, or not ours.
        if f"{MARK}={mark}".encode() in variables:
            work = next((v for v in variables if v.startswith(b"WORK=")), b"")
            found[int(process.name)] = work.partition(b"=")[2].decode()
    return found


def end_all(mark: str, folders: set[str]) -> None:
    """End every process that has a mark, and remove the folders that the suite's scripts made."""
    while left := marked(mark):
        folders |= set(left.values())
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.1)
    for folder in folders:
        if folder.startswith("/tmp/mock."):
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(place: Place, log: Path, *options: str) -> Iterator[None]:
    """Run the node with these options, from when it is ready.

    Raises:
        CannotJudge: it did not become ready.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tansiq.cli.child", "serve", "--data", place.data, *options],
            stdin=subprocess.PIPE,  # Its end tells the node that we are gone.
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        give_up_s = time.monotonic() + READY_S_MAX
        while not is_ready(place.own_url):
            if process.poll() is not None or time.monotonic() > give_up_s:
                raise CannotJudge(f"the node did not start; its log is {log}")
            time.sleep(0.1)
        yield
        if process.poll() is not None:
            raise CannotJudge(f"the node ended by itself; its log is {log}")
    finally:
        process.terminate()
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def is_ready(own_url: str) -> bool:
    """Ask a node whether it serves."""
    try:
        with urllib.request.urlopen(f"{own_url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def judge_dss(judge: Judge, keys: tuple[bytes, bytes]) -> tuple[list[str], int]:
    """Let the suite judge our DSS role on a fresh node."""
    out = fresh(CACHE / "dss_f3548")
    with TemporaryDirectory(prefix="tansiq-accept-") as folder:
        node = make_place(Path(folder), DSS, some_ports()[0], keys, None)
        with running(node, out / "node.log"):
            say(f"DSS part of F3548-21 against {node.url}; about a minute")
            return judge.run(("run_uq.sh", "dss_f3548", node.url), out)


def judge_pool(judge: Judge, keys: tuple[bytes, bytes]) -> tuple[list[str], int]:
    """Let the suite judge two registers by themselves over one database, as one pool."""
    out = fresh(CACHE / "pool_f3548")
    with TemporaryDirectory(prefix="tansiq-accept-") as folder, ExitStack() as nodes:
        url = nodes.enter_context(database())
        places = [
            make_place(Path(folder), party, ports, keys, None)
            for party, ports in zip(POOL, some_ports(), strict=True)
        ]
        for place in places:
            log = out / f"{place.data.name}.log"
            nodes.enter_context(running(place, log, "--register-only", "--database", url))
        first, second = (place.url for place in places)
        say(f"DSS part of F3548-21 against the pool of {first} and {second}; about a minute")
        return judge.run(("run_uq.sh", "dss_f3548", first, f"DSS2={second}"), out)


@contextmanager
def database() -> Iterator[str]:
    """Run a PostgreSQL server for a while; give the URL of its database.

    Raises:
        CannotJudge: its programs are not installed.
    """
    sys.path.insert(0, str(ROOT))
    from tests.postgres_server import Server

    try:
        server = Server()
    except FileNotFoundError as error:
        raise CannotJudge(str(error)) from error
    try:
        server.start()
        yield server.url()
    finally:
        server.remove()


def judge_uss(judge: Judge, keys: tuple[bytes, bytes], *, same_node: bool) -> tuple[list[str], int]:
    """Let the suite judge our USS role, among suppliers that it brings, on a DSS of ours."""
    out = fresh(CACHE / "uss_f3548")
    for port in MOCK_PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise CannotJudge(
                    f"port {port} is taken, and the suite starts a supplier of its own there: "
                    f"end what uses it (ss -ltnp 'sport = :{port}')"
                ) from error
    with TemporaryDirectory(prefix="tansiq-accept-") as folder, ExitStack() as nodes:
        ports = some_ports()
        if same_node:
            url = f"http://127.0.0.1:{ports[0][1]}"
            uss = dss = make_place(Path(folder), USS, ports[0], keys, url)
        else:
            dss = make_place(Path(folder), DSS, ports[0], keys, None)
            uss = make_place(Path(folder), USS, ports[1], keys, dss.url)
            nodes.enter_context(running(dss, out / "dss.log"))
        nodes.enter_context(running(uss, out / "node.log"))
        say(f"USS part of F3548-21 against {uss.url}, with the DSS {dss.url}; about two minutes")
        return judge.run(("run_uss.sh", dss.url, uss.url), out)


def fresh(out: Path) -> Path:
    """Return an empty folder."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    return out


def show(part: str, lines: list[str], code: int, *, verbose: bool) -> int:
    """Print the judge's last line, the rest where it is asked for; return its code."""
    if code or verbose:
        say("\n".join(lines[:-1]))
        say(f"report, log of the suite and logs of the nodes: {CACHE / f'{part}_f3548'}")
    print(lines[-1] if lines else "the suite said nothing", flush=True)
    return 1 if code else 0


def say(text: str) -> None:
    """Tell whoever watches; stdout is for the judge's words."""
    print(text, file=sys.stderr, flush=True)


def interrupted(number: int, _: FrameType | None) -> None:
    """Leave by the way of every ``finally``, so that nothing that was started goes on."""
    sys.exit(128 + number)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make accept", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--part", choices=("dss", "pool", "uss"), help="this one alone")
    parser.add_argument("--same-node", action="store_true", help="the USS is its own DSS")
    parser.add_argument("--verbose", action="store_true", help="show every scenario")
    parser.add_argument("--runs", type=int, default=1, help="how many times, each on new nodes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    worst = 0
    try:
        judge = find_judge()
        keys = judge.issuer_keys()
        for _ in range(options.runs):
            if options.part in (None, "dss"):
                found = judge_dss(judge, keys)
                worst = max(worst, show("dss", *found, verbose=options.verbose))
            if options.part in (None, "pool"):
                found = judge_pool(judge, keys)
                worst = max(worst, show("pool", *found, verbose=options.verbose))
            if options.part in (None, "uss"):
                found = judge_uss(judge, keys, same_node=options.same_node)
                worst = max(worst, show("uss", *found, verbose=options.verbose))
    except (CannotJudge, BadInput) as error:
        say(f"make accept: {error}")
        return 2
    return worst


if __name__ == "__main__":
    sys.exit(main())
