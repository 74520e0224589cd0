"""Encounters of a real week, beside a script that knows nothing of ours, and every difference.

The recordings are samples of the ``traffic`` package, fetched as the demo does it.
"""

import gzip
import json
import math
import os
import re
import zipfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stepped import apart, at

from tansiq.demo import calfire
from tansiq.demo.calfire import NotObtainable
from tansiq.domain.encounter import HORIZONTAL_ERROR_M, Within
from tansiq.domain.track import Address, PositionReport
from tansiq.domain.volume import LatLng
from tansiq.engine.flown_together import Search, encounters
from tansiq.formats.recording import Recording, read_recording
from tansiq.formats.recording_faults import aircraft_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "encounters.md").read_text(encoding="utf-8")
NM_M, FT_M = 1_852.0, 0.3048
NEAR = Within(horizontal_m=3 * NM_M, vertical_m=1_000 * FT_M)
NEARER = Within(horizontal_m=NM_M, vertical_m=500 * FT_M)
Tracks = dict[Address, Sequence[PositionReport]]
Nearest = dict[tuple[str, str], tuple[float, ...]]


@pytest.fixture(scope="module")
def wheel() -> Path:
    cache = Path(os.environ.get("TANSIQ_DEMO_CACHE") or ROOT / ".cache" / "demo")
    try:
        return calfire.obtain(cache, lambda _: None)
    except NotObtainable as error:
        pytest.fail(f"the recordings cannot be had here, and this is of nothing else: {error}")


def sample(wheel: Path, name: str) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"traffic/data/samples/{name}.json.gz")


@pytest.fixture(scope="module")
def rows(wheel: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress(sample(wheel, "firefighting/calfire")))
    return found


# The script


def stepped(
    rows: list[dict[str, Any]], *, gap_s: float
) -> dict[tuple[str, str], tuple[float, ...]]:
    """Return, of each pair of flights, when closest: slant (NM), on the map (NM), up (ft).

    Every ten seconds, heights as they were recorded, on a flat earth.
    """
    flights: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for row in rows:
        if row["geoaltitude"] is not None:
            at_s = row["timestamp"] / 1000
            place = row["latitude"], row["longitude"], row["geoaltitude"]
            flights[row["flight_id"]].append((at_s, *place))
    here: dict[float, list[tuple[str, float, float, float]]] = defaultdict(list)
    for name, track in flights.items():
        known = np.array(sorted(track))
        at_s = np.arange(math.ceil(known[0, 0] / 10) * 10, known[-1, 0] + 1e-9, 10.0)
        leg = np.clip(np.searchsorted(known[:, 0], at_s, side="right") - 1, 0, len(known) - 2)
        bridged = known[leg + 1, 0] - known[leg, 0] <= gap_s
        lat, lng, up = (np.interp(at_s, known[:, 0], known[:, k]) for k in (1, 2, 3))
        for k in np.flatnonzero(bridged):
            here[float(at_s[k])].append((name, float(lat[k]), float(lng[k]), float(up[k])))
    nearest: dict[tuple[str, str], tuple[float, ...]] = {}
    for flying in here.values():
        for (a, lat, lng, up), (b, lat2, lng2, up2) in combinations(sorted(flying), 2):
            away = math.hypot((lat - lat2) * 60, (lng - lng2) * 60 * math.cos(math.radians(lat)))
            if away <= 3 and abs(up - up2) <= 1_000:
                slant = math.hypot(away, (up - up2) * FT_M / NM_M)
                found = (slant, away, abs(up - up2))
                nearest[a, b] = min(found, nearest.get((a, b), found))
    return nearest


def test_the_script_finds_what_it_found(rows: list[dict[str, Any]]) -> None:
    nearest = stepped(rows, gap_s=120)
    assert len(nearest) == 43
    assert sum(level <= 1 and up <= 500 for _, level, up in nearest.values()) == 17
    _, level, up = min(nearest.values())
    assert (round(level, 2), round(up)) == (0.04, 81)


# Ours, from there to here


def recording(rows: list[dict[str, Any]], who: str) -> Recording:
    """Return the rows, of one aircraft for each value of a column."""
    document = [
        {
            "address": row[who],
            "time": row["timestamp"],
            "lat": row["latitude"],
            "lng": row["longitude"],
            "pressure_altitude_ft": row["altitude"],
            "geometric_altitude_ft": row["geoaltitude"],
            "groundspeed": row["groundspeed"],
        }
        for row in rows
    ]
    return read_recording(json.dumps(document).encode(), "week.json")


def as_recorded(rows: list[dict[str, Any]], who: str) -> Tracks:
    """Return tracks of which nothing is disbelieved, by height."""
    found: Tracks = {}
    for address, reports in recording(rows, who).reports.items():
        high = [replace(r, pressure_m=None) for r in reports if r.geometric_m is not None]
        if high:
            found[address] = sorted(high, key=lambda report: report.time)
    return found


def believed(rows: list[dict[str, Any]], who: str, *, by_height: bool = False) -> Tracks:
    return {
        each.address: [
            replace(r, pressure_m=None) if by_height and r.geometric_m is not None else r
            for r in each.reports
        ]
        for each in aircraft_of([recording(rows, who)])
    }


def figures(tracks: Tracks, gap_s: float) -> tuple[int, int, int, str]:
    """Return pairs; those closest within 1 NM and 500 ft; encounters; the closest of all."""
    found = encounters(tracks, Search(within=NEAR, gap_s=gap_s))
    best: dict[tuple[Address, Address], Any] = {}
    for one in found:
        pair = one.first.address, one.second.address
        best[pair] = min(one.apart, best.get(pair, one.apart), key=lambda a: a.slant_m)
    deep = sum(
        a.horizontal_m <= NEARER.horizontal_m and a.vertical_m <= NEARER.vertical_m
        for a in best.values()
    )
    least = min(best.values(), key=lambda a: a.slant_m)
    text = f"{least.horizontal_m / NM_M:.3f} NM, {least.vertical_m / FT_M:.0f} ft"
    return len(best), deep, len(found), text


def page_table() -> list[list[str]]:
    table = PAGE.split("<!-- figures of a week -->")[1].split("\n\n")[1]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


def test_each_step_from_the_script_to_ours_changes_what_the_page_says(
    rows: list[dict[str, Any]],
) -> None:
    nearest = stepped(rows, gap_s=120)
    slant = min(nearest.values())
    found = [
        (
            len(nearest),
            sum(level <= 1 and up <= 500 for _, level, up in nearest.values()),
            None,
            f"{slant[1]:.3f} NM, {slant[2]:.0f} ft",
        ),
        figures(as_recorded(rows, "flight_id"), 120.0),
        figures(believed(rows, "flight_id", by_height=True), 120.0),
        figures(believed(rows, "flight_id"), 120.0),
        figures(believed(rows, "flight_id"), 300.0),
        figures(believed(rows, "icao24"), 300.0),
    ]
    shown = [[str(p), str(d), "" if e is None else str(e), text] for p, d, e, text in found]
    assert [row[1:] for row in page_table()] == shown


def test_the_same_as_stepping_along_geodesics(rows: list[dict[str, Any]]) -> None:
    tracks = believed(rows, "icao24")
    found = encounters(tracks, Search(within=NEAR, pause_s=1e-4))
    spans: dict[tuple[Address, Address], list[tuple[datetime, datetime]]] = defaultdict(list)
    for one in found:
        spans[one.first.address, one.second.address].append((one.entered, one.left))
    here: dict[datetime, list[tuple[Address, Any]]] = defaultdict(list)
    for address, track in sorted(tracks.items()):
        for moment in grid(track):
            place = at(track, moment, 300.0)
            if place is not None:
                here[moment].append((address, place))
    near_pairs = set()
    for moment, flying in here.items():
        for (a, p), (b, q) in combinations(flying, 2):
            if abs(p.lat - q.lat) > 0.1 or abs(p.up_m - q.up_m) > 310:
                continue
            within = any(start <= moment <= end for start, end in spans[a, b])
            if check(apart(p, q), within, (a, b, moment)):
                near_pairs.add((a, b))
    ours = {pair for pair, times in spans.items() if times}
    assert near_pairs <= ours
    # What falls between two steps lasts no longer than one.
    for pair in ours - near_pairs:
        assert all(end - start < timedelta(seconds=10) for start, end in spans[pair])
    assert len(near_pairs) > 20


def check(distances: tuple[float, float], within: bool, where: object) -> bool:
    """Hold one moment of a pair against the other judge; return whether it is near."""
    level_m, up_m = distances
    near = level_m <= NEAR.horizontal_m and up_m <= NEAR.vertical_m
    assert within or not near, where
    beyond = level_m > NEAR.horizontal_m + 2 * HORIZONTAL_ERROR_M
    assert not (within and (beyond or up_m > NEAR.vertical_m + 0.01)), where
    return near


def grid(track: Sequence[PositionReport]) -> list[datetime]:
    """Return every tenth second of a track, those of long gaps left out."""
    found: dict[datetime, None] = {}
    for before, after in pairwise(track):
        if after.time - before.time > timedelta(seconds=300):
            continue
        first = math.ceil(before.time.timestamp() / 10)
        for step in range(first, math.floor(after.time.timestamp() / 10) + 1):
            found[datetime.fromtimestamp(step * 10, before.time.tzinfo)] = None
    return list(found)


# Recordings with faults

NOISY = ("ground", "landing", "spoofing", "takeoff", "time_issue")


def test_faulty_recordings_make_no_encounter(wheel: Path) -> None:
    files = [read_recording(sample(wheel, f"noisy/noisy_{n}"), n) for n in NOISY]
    for each in (*([f] for f in files), files):
        tracks = {a.address: a.reports for a in aircraft_of(each)}
        assert len(tracks) == len(each)
        assert encounters(tracks, Search(within=NEAR)) == []


def test_a_spoofed_position_meets_nobody(wheel: Path) -> None:
    """Somebody flies where the spoofed one said it was, 180 km and more from its way."""
    spoofed = read_recording(sample(wheel, "noisy/noisy_spoofing"), "spoofed")
    ((address, said),) = spoofed.reports.items()
    (aircraft,) = aircraft_of([spoofed])
    times = {report.time for report in aircraft.reports}
    odd = [r for r in said if r.time not in times and abs(r.position.lat_deg - 49.67) < 0.2]
    assert len(odd) > 700
    witness = [
        PositionReport(
            address=Address("icao:ffffff"),
            time=min(r.time for r in odd) + timedelta(seconds=k * 30),
            position=LatLng(49.67, 23.95),
            pressure_m=odd[0].pressure_m,
        )
        for k in range(50)
    ]
    search = Search(within=NEAR)
    fooled = {r.time: r for r in sorted(said, key=lambda r: r.time)}
    tracks: Tracks = {address: list(fooled.values()), witness[0].address: witness}
    assert encounters(tracks, search)
    assert encounters(tracks | {address: aircraft.reports}, search) == []


def test_the_page_says_what_was_left_out_of_faulty_recordings(wheel: Path) -> None:
    said = dict(re.findall(r"^\| `noisy_(\w+)` \| ([\d,]+) of [\d,]+ \|", PAGE, re.MULTILINE))
    for name in NOISY:
        found = read_recording(sample(wheel, f"noisy/noisy_{name}"), name)
        (aircraft,) = aircraft_of([found])
        assert said[name] == f"{len(aircraft.reports):,}"
