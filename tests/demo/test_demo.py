"""The demo as its reader runs it, in the small scenario: processes, ports, and its end."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ENDS_S = 60.0
"""How long a test waits for processes that ought to be gone very soon."""
RUN_S_MAX = 240.0
"""What the whole demo may take; it is a quarter of a minute."""


@contextmanager
def demo(tmp_path: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start it where pip reaches no index, so that no test downloads anything."""
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
        "TMPDIR": str(tmp_path),
    }
    tansiq = Path(sys.executable).with_name("tansiq")
    command = [str(tansiq), "demo", "--cache", str(tmp_path / "cache")]
    process = subprocess.Popen(
        [*command, *arguments],
        env=os.environ | nowhere,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_demo_ends_well_without_network(tmp_path: Path) -> None:
    with demo(tmp_path, "--once", "--data", str(tmp_path / "kept")) as process:
        output, _ = process.communicate(timeout=RUN_S_MAX)
    print(output)
    assert process.returncode == 0
    assert "a small scenario runs instead" in output
    assert re.search(r"^declared +4\ncoordinated +4$", output, re.MULTILINE)
    assert "formations exempted 1 of 6 pairs" in output
    assert "0 conflicts among 4 plans" in output
    north, south = (tmp_path / "kept" / party for party in ("north", "south"))
    assert (north / "agreement.toml").read_bytes() == (south / "agreement.toml").read_bytes()
    for data in (north, south):
        log = (data / "serve.log").read_text()
        assert "Traceback" not in log, log
    with demo(tmp_path, "--once", "--data", str(tmp_path / "kept")) as again:
        output, _ = again.communicate(timeout=RUN_S_MAX)
    assert again.returncode == 2
    assert "holds a node already" in output


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_both_nodes_end_with_the_demo(tmp_path: Path, how: signal.Signals) -> None:
    with demo(tmp_path) as process:
        assert process.stdout is not None
        seen = ""
        for line in process.stdout:
            seen += line
            if "until Ctrl-C" in line:
                break
        ports = [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", seen)]
        assert len(ports) == 4, seen
        assert all(map(listens, ports))
        process.send_signal(how)
        process.wait(timeout=ENDS_S)
        deadline = time.monotonic() + ENDS_S
        while any(map(listens, ports)):
            assert time.monotonic() < deadline, "a node outlives the demo"
            time.sleep(0.05)
    if how is signal.SIGINT:
        assert process.returncode == 0
        assert not list(tmp_path.glob("tansiq-demo-*"))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
