"""The page for users of a register is run as it stands: its commands, and the answers it shows.

Method: the shell blocks of the page, in order, with free ports in the place of its own; what the
page's output blocks promise must be in what is printed. ``bash``, ``curl``, ``jq``, ``openssl`` and
GNU's ``date`` are needed, and nothing is shown where they are missing.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tansiq.demo.nodes import free_ports

PAGE = Path(__file__).parents[1] / "docs" / "dss-by-curl.md"
PORTS = ("8101", "8180", "8201", "8280")
TOOLS = ("bash", "curl", "jq", "openssl", "date")
RUN_S_MAX = 240.0
PORT_FIRST = 17_000
PROMISED = (
    "'Hub', SHA-256 starts with",
    '"manager":"uss1","uss_availability":"Unknown","version":1,"state":"Accepted"',
    "key: the key lacks the current OVN of 1 relevant entities",
    '1\n"uss2"\n',
    "is managed by uss1, not by uss2",
    "takes our token",
    "DRONE-7",
    "coordinated: every register holds it",
    "registers hub: current",
)
"""In the order of the page."""


def script(text: str) -> str:
    """Return the page's commands, with ports that nobody uses."""
    commands = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    for port, free in zip(PORTS, free_ports(len(PORTS), start=PORT_FIRST), strict=True):
        assert port in commands
        commands = commands.replace(port, str(free))
    return commands


@pytest.mark.skipif(
    sys.platform != "linux" or not all(map(shutil.which, TOOLS)), reason="tools of the page"
)
def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (tmp_path / "page.sh").write_text(script(text))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with (tmp_path / "printed").open("w+") as printed:
        shell = subprocess.Popen(
            ["bash", "page.sh"],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            shell.wait(RUN_S_MAX)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)  # Its nodes go on in the background.
        printed.seek(0)
        said = printed.read()
    at = 0
    for words in PROMISED:
        found = said.find(words, at)
        assert found >= 0, f"{words!r} is missing in what follows:\n{said[at:]}"
        at = found
