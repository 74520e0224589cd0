"""One airspace in a process of its own, so that its peak of memory is that of the engine.

    python bench/_alone.py FOLDER

FOLDER has the columns of a batch (``save``). Builds the index from pieces of it, counts all pairs,
prints one JSON object.
"""

import ctypes
import json
import resource
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tansiq.domain.volume import Circle, LatLng, Outline, Polygon
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.warm import warm

COLUMNS = ("points", "counts", "radii", "levels", "spans")
PIECE = 50_000


def save(batch: Batch, folder: Path) -> None:
    """Write the columns of a batch."""
    for column in COLUMNS:
        np.save(folder / f"{column}.npy", getattr(batch, column))


def measured(folder: Path) -> dict[str, Any]:
    """Run this file for a folder; return what it found."""
    command = [sys.executable, __file__, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def resident_bytes(field: str) -> int:
    """Return ``VmRSS`` or ``VmHWM``; where the system does not tell, the peak."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    lines = [line.split() for line in status.read_text().splitlines()]
    return next(int(words[1]) * 1024 for words in lines if words[0] == f"{field}:")


def give_back() -> None:
    """Have the allocator return what was freed, if it can be told to: outgrown arrays above all."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


def piece(folder: Path, first: int, rows: slice) -> Batch:
    """Read some volumes; the file's pages are given back, for they are not the engine's memory."""
    counts = np.array(np.load(folder / "counts.npy", mmap_mode="r")[rows])
    places = slice(first, first + int(counts.sum()))
    wanted = [(column, places if column == "points" else rows) for column in COLUMNS]
    return Batch(
        **{
            column: np.array(np.load(folder / f"{column}.npy", mmap_mode="r")[part])
            for column, part in wanted
        }
    )


def main() -> None:
    folder = Path(sys.argv[1])
    firsts = np.concatenate([[0], np.cumsum(np.load(folder / "counts.npy"))])

    def outline_of(entity: int) -> Outline:
        one = piece(folder, int(firsts[entity]), slice(entity, entity + 1))
        vertices = tuple(LatLng(lat, lng) for lat, lng in one.points.tolist())
        if one.radii[0]:
            return Circle(center=vertices[0], radius_m=float(one.radii[0]))
        return Polygon(vertices=vertices)

    warm()
    give_back()
    before = resident_bytes("VmRSS")
    index = AirspaceIndex(outline_of)
    started = time.perf_counter()
    for k in range(0, len(firsts) - 1, PIECE):
        index.extend(piece(folder, int(firsts[k]), slice(k, k + PIECE)))
    built_s = time.perf_counter() - started
    grown = resident_bytes("VmRSS") - before
    give_back()
    held = resident_bytes("VmRSS") - before
    started, computed = time.perf_counter(), time.process_time()
    pairs = index.count_pairs()
    found = {
        "built_s": built_s,
        "counted_s": time.perf_counter() - started,
        "counted_cpu_s": time.process_time() - computed,
        "pairs": pairs,
        "index": index.nbytes,
        "held": held,
        "grown": grown,
        "peak": resident_bytes("VmHWM"),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
