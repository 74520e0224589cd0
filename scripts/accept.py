"""Run the field's conformance suite for F3548-21 against a node of ours: ``make accept``.

The judge is InterUSS's ``uss_qualifier``, packaged outside this repository (``TANSIQ_ACCEPT``). It
meets a node made for the run: one party, one register, plain http on loopback, and the suite's
well-known test issuer in the settings. Progress and tables go to stderr; stdout gets the judge's
last line as it is. Reports stay in ``.cache/accept``.

Exit codes: 0 every scenario clean, 1 not so, 2 the suite could not be run.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tansiq.demo.nodes import free_ports
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Circle, LatLng
from tansiq.errors import BadInput
from tansiq.formats.agreement import agreement_toml
from tansiq.peers.identity import NewNode, make_node, write_node
from tansiq.strict_toml import quote

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache" / "accept"
PARTY = "register"
ISSUER = "NoAuth"
"""What the suite's own tokens name as their issuer."""
PORT_FIRST = 16_000
READY_S_MAX = 30.0
STOP_S_MAX = 10.0

_ISSUER_KEY = """
from monitoring.monitorlib.auth import NoAuth
print(NoAuth.dummy_private_key.export_to_pem().decode())
"""
_IS_NEW_ENOUGH = "import sys; sys.exit(sys.version_info < (3, 13))"


class CannotJudge(Exception):
    """The suite cannot be run here; the sentence says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Judge:
    """The suite: its scripts, and the environment that they run in."""

    folder: Path
    venv: Path
    environment: Mapping[str, str]

    def issuer_key(self) -> bytes:
        """Return the public key of the suite's tokens, in PEM."""
        python = self.venv / "bin" / "python"
        return subprocess.run(
            [python, "-c", _ISSUER_KEY], check=True, capture_output=True, env=self.environment
        ).stdout

    def run(self, config: str, url: str, out: Path) -> tuple[list[str], int]:
        """Run one configuration; return the lines of its summary, and its exit code."""
        done = subprocess.run(
            [self.folder / "interuss" / "run_uq.sh", config, url],
            env={**self.environment, "OUT": str(out)},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        return done.stdout.splitlines(), done.returncode


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


def make_register(data: Path, key: bytes) -> tuple[str, str]:
    """Make the node's folder; return the URLs of its own and its peer-facing listener."""
    own_port, peer_port = free_ports(2, PORT_FIRST + os.getpid() % 900 * 2)
    url = f"http://127.0.0.1:{peer_port}"
    new = NewNode(party=PARTY, names={"en": PARTY}, url=url, own_port=own_port, peer_port=peer_port)
    files = make_node(new, datetime.now(UTC))
    write_node(data, files)
    (data / "issuer.pem").write_bytes(key)
    with (data / "tansiq.toml").open("a") as settings:
        settings.write(f'\n[[issuer]]\niss = {quote(ISSUER)}\npublic_key = "issuer.pem"\n')
    agreement = agreement_toml(
        name="Conformance",
        parties=[files.party],
        # The suite's suppliers stand outside the agreement: its area does not bind them.
        area=Circle(center=LatLng(24.45, 54.6), radius_m=20_000),
        minima=Minima(),
    )
    (data / "agreement.toml").write_bytes(agreement)
    return f"http://127.0.0.1:{own_port}", url


@contextmanager
def running(data: Path, own_url: str, log: Path) -> Iterator[None]:
    """Run the node, from when it is ready.

    Raises:
        CannotJudge: it did not become ready.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tansiq.cli.child", "serve", "--data", data],
            stdin=subprocess.PIPE,  # Its end tells the node that we are gone.
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        give_up_s = time.monotonic() + READY_S_MAX
        while not is_ready(own_url):
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


def judge_register(judge: Judge, *, verbose: bool) -> int:
    """Let the suite judge our DSS role on a fresh node; print its last line and return its code."""
    out = CACHE / "dss_f3548"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with TemporaryDirectory(prefix="tansiq-accept-") as folder:
        data = Path(folder) / PARTY
        own_url, url = make_register(data, judge.issuer_key())
        with running(data, own_url, out / "node.log"):
            say(f"DSS part of F3548-21 against {url}; about a minute")
            lines, code = judge.run("dss_f3548", url, out)
    if code or verbose:
        say("\n".join(lines[:-1]))
        say(f"report, log of the suite and log of the node: {out}")
    print(lines[-1] if lines else "the suite said nothing", flush=True)
    return code


def say(text: str) -> None:
    """Tell whoever watches; stdout is for the judge's words."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make accept", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--verbose", action="store_true", help="show every scenario")
    parser.add_argument("--runs", type=int, default=1, help="how many times, each on a new node")
    options = parser.parse_args()
    try:
        judge = find_judge()
        codes = [judge_register(judge, verbose=options.verbose) for _ in range(options.runs)]
    except (CannotJudge, BadInput) as error:
        say(f"make accept: {error}")
        return 2
    return max(codes, default=2)


if __name__ == "__main__":
    sys.exit(main())
