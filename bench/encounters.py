"""Close encounters of recordings: the exact search beside stepping through time.

The alternative flies all tracks at once and looks at every two aircraft each ten seconds
(``demo.flown``), on a sphere. It misses what falls between two steps, and no aim is set beside it.
Both have the same tracks, as they are believed after reading, and bridge the same gaps. Seconds of
CPU, so that other work on the machine counts less.

*Week*: the firefighting week of ``tansiq demo``; *region*: 842 aircraft over Switzerland in a day,
of the same package. Neither is shipped: without them there is nothing to measure.
"""

import argparse
import json
import os
import platform
import sys
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from _rows import HEAD, Row, against, line, row
from tansiq.demo import calfire
from tansiq.demo.flown import Flown, meetings
from tansiq.domain.encounter import VERTICAL_ERROR_M, Within
from tansiq.domain.track import PositionReport
from tansiq.engine.flown_together import GAP_S, Search, encounters
from tansiq.formats.recording import read_recording
from tansiq.formats.recording_faults import RecordedAircraft, aircraft_of
from tansiq.formats.track_file import TrackPoint

NEAR = Within(horizontal_m=3 * 1_852.0, vertical_m=304.8)
SETS = {"week": "firefighting/calfire", "region": "collections/switzerland"}


def cpu_s(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return seconds of CPU, and what the work returned."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def measure(cache: Path, *, quick: bool) -> Iterator[Row]:
    """Yield the rows."""
    wheel = calfire.obtain(cache, lambda text: print(text, file=sys.stderr))
    with zipfile.ZipFile(wheel) as archive:
        for name, path in SETS.items():
            data = archive.read(f"traffic/data/samples/{path}.json.gz")
            yield from of_set(name, data, quick=quick)


def of_set(name: str, data: bytes, *, quick: bool) -> Iterator[Row]:
    """Yield the rows of one recording."""
    spent_s, aircraft = cpu_s(lambda: list(aircraft_of([read_recording(data, name)])))
    reports = sum(len(each.reports) for each in aircraft)
    yield row(f"{name}: {reports:,} reports of {len(aircraft)} aircraft read", spent_s, "s")
    tracks = {each.address: each.reports for each in aircraft}
    spent_s, found = cpu_s(lambda: encounters(tracks, Search(within=NEAR)))
    pairs = {(one.first.address, one.second.address) for one in found}
    label = f"{name}: {len(found)} encounters of {len(pairs)} pairs, exact"
    if quick and name == "region":
        yield row(label, spent_s, "s")
        return
    stepped_s, met = cpu_s(lambda: stepped(aircraft))
    yield against(label, spent_s, "s", (f"stepping by 10 s, {len(met)} pairs", stepped_s))


def stepped(aircraft: Sequence[RecordedAircraft]) -> list[Any]:
    """Return what stepping finds."""
    flown = [Flown(id=each.address, points=tuple(map(point, each.reports))) for each in aircraft]
    return meetings(
        flown,
        horizontal_m=NEAR.horizontal_m,
        vertical_m=NEAR.vertical_m + VERTICAL_ERROR_M,  # Exactly 1,000 ft, but for rounding.
        gap_s_max=GAP_S,
    )


def point(report: PositionReport) -> TrackPoint:
    """Return a report with its pressure altitude, which all of these have."""
    assert report.pressure_m is not None
    return TrackPoint(time=report.time, position=report.position, altitude_m=report.pressure_m)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path(".cache/demo"))
    options = parser.parse_args()
    results = []
    if not options.json:
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n{HEAD}")
    try:
        for found in measure(options.cache, quick=options.quick):
            results.append(found)
            if not options.json:
                print(line(found), flush=True)
    except calfire.NotObtainable as error:
        print(f"no recordings: {error}", file=sys.stderr)
    if options.json:
        print(json.dumps({"machine": platform.platform(), "results": results}))


if __name__ == "__main__":
    main()
