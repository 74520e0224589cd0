"""The alternative in C++: the state-based detection of BlueSky 1.1.1, in an environment of its own.

Run by that environment's Python, once, with a file of columns: makes one detection for each line
that it is sent, and prints how long it took and how many ordered pairs there were.

    .cache/bluesky/bin/python bench/_bluesky.py COLUMNS.npz
"""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

NAME = "BlueSky C++"
_HOME = Path(__file__).parent.parent / ".cache" / "bluesky"
_PYTHON = _HOME / "bin" / "python"
INSTALL = (
    "python3 -m venv .cache/bluesky && .cache/bluesky/bin/pip install bluesky-simulator==1.1.1"
)


def lacking() -> str | None:
    """Return what is not installed, or None."""
    return None if _PYTHON.exists() else "BlueSky"


class Detection:
    """The other process, with one fleet."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.said()  # It has loaded.

    def said(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        for line in stdout:
            if line.startswith("{"):  # What BlueSky itself prints is not ours.
                found: dict[str, Any] = json.loads(line)
                return found
        raise RuntimeError("BlueSky ended; run bench/_bluesky.py by hand")

    def detect(self) -> dict[str, Any]:
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write("\n")
        stdin.flush()
        return self.said()


@contextlib.contextmanager
def detection(columns: Path) -> Iterator[Detection]:
    """Start the other process, end it afterwards."""
    with subprocess.Popen(
        [str(_PYTHON), __file__, str(columns)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield Detection(process)
        process.stdin.close()  # type: ignore[union-attr] # Ends it.


def main() -> None:
    from bluesky.traffic.asas import cstatebased  # type: ignore[import-not-found]

    columns = dict(np.load(sys.argv[1]))
    count = len(columns["lat"])
    fleet = SimpleNamespace(id=[str(i) for i in range(count)], **columns)
    limits = [np.full(count, float(columns[name])) for name in ("rpz", "hpz", "lookahead")]
    print(json.dumps({}), flush=True)
    for _ in sys.stdin:
        started, ran = time.perf_counter(), time.process_time()
        found = cstatebased.detect(fleet, fleet, *limits)
        took, cpu = time.perf_counter() - started, time.process_time() - ran
        ordered = found[0]
        pairs = sorted({(int(a), int(b)) for a, b in ordered if int(a) < int(b)})
        print(json.dumps({"s": took, "cpu_s": cpu, "pairs": pairs}), flush=True)


if __name__ == "__main__":
    main()
