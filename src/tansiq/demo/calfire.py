"""Recorded flights at California wildfires, 8-14 September 2020: obtained by name, never shipped.

The ``traffic`` package (2.13) carries them as a sample: ADS-B of 45 firefighting aircraft, 186
flights. pip obtains the wheel, its hash is pinned here, and the standard library reads it; nothing
of the package is installed or run.

Altitudes: ADS-B gives the height above the WGS84 ellipsoid (``geoaltitude``, feet) beside the
pressure altitude. A height that is missing, zero, or far from what the same flight's pressure
altitudes say is a fault of the receiver (one shows 120,100 ft at 13,000 ft); there the pressure
altitude stands in, corrected by the flight's own median difference.
"""

import gzip
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput
from tansiq.formats.track_file import TrackPoint

WHEEL = "traffic-2.13-py3-none-any.whl"
SHA256 = "5e0cd61d931d03103294361542188f08f959a55e862d5cba80ab61291021e66c"
MEMBER = "traffic/data/samples/firefighting/calfire.json.gz"
SOURCE = "CAL FIRE sample of the traffic package 2.13: 8-14 September 2020, ADS-B"

M_PER_FT = 0.3048
FAULTY_FT = 1_500.0
"""Further than this from the flight's median difference a height is a fault: the differences of
99.8 % of all rows lie within it, and a climb at 3,000 ft/min seen 30 s late reaches it."""
PRESSURE_ERROR_M = 150.0
"""Allowed for where pressure stands in: 99 % of a flight's differences lie so near its median."""
PIP_TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One recorded flight, in order of time."""

    id: str
    icao24: str
    callsign: str
    points: tuple[TrackPoint, ...]
    corrected: int
    """Points whose height is the corrected pressure altitude."""

    @property
    def start(self) -> datetime:
        return self.points[0].time


class NotObtainable(Exception):
    """The wheel cannot be had here and now; the sentence says why."""


def obtain(cache: Path, say: Callable[[str], None]) -> Path:
    """Return the wheel's path, from ``cache`` or else by pip.

    Raises:
        NotObtainable: no package index answers, or pip is missing.
        BadInput: what was found under that name has another hash.
    """
    wheel = cache / WHEEL
    if wheel.is_file():
        if _sha256(wheel) == SHA256:
            return wheel
        raise BadInput(
            f"{wheel} is not the file it is named for (its SHA-256 is not {SHA256[:12]}...); "
            "delete it and start again",
            field="cache",
        )
    say(f"obtaining recorded flights: the traffic 2.13 wheel, 28 MB, once, into {cache}")
    _download(cache)
    return wheel


def _download(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
        requirements.write(f"traffic==2.13 --hash=sha256:{SHA256}\n")
        requirements.flush()
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary", ":all:", "--require-hashes"]
        # Without these two pip tries for minutes where there is no network.
        command += ["--retries", "0", "--timeout", "5", "-r", requirements.name, "-d", str(cache)]
        try:
            done = subprocess.run(  # noqa: S603 - Our own interpreter, arguments from here.
                command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NotObtainable(f"pip took longer than {PIP_TIMEOUT_S:.0f} s") from error
    if "DO NOT MATCH THE HASHES" in done.stderr:
        raise BadInput(
            "the package index offers a traffic 2.13 wheel with another hash; nothing was used",
            field="cache",
        )
    if done.returncode != 0 or not (cache / WHEEL).is_file():
        raise NotObtainable(_last_line(done.stderr) or "pip did not deliver the wheel")


def _last_line(text: str) -> str:
    errors = [line for line in text.splitlines() if line.startswith("ERROR")]
    return errors[-1].removeprefix("ERROR: ") if errors else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_flights(wheel: Path) -> tuple[Flight, ...]:
    """Read all flights from the wheel, by start time, then id."""
    with zipfile.ZipFile(wheel) as archive:
        rows: list[dict[str, Any]] = json.loads(gzip.decompress(archive.read(MEMBER)))
    rows.sort(key=lambda row: (row["flight_id"], row["timestamp"]))
    flights = [_flight(list(group)) for _, group in groupby(rows, lambda row: row["flight_id"])]
    return tuple(sorted(flights, key=lambda flight: (flight.start, flight.id)))


def _flight(rows: Sequence[dict[str, Any]]) -> Flight:
    geometric_ft = [row["geoaltitude"] for row in rows]
    found = heights(geometric_ft, [row["altitude"] for row in rows])
    points = tuple(
        TrackPoint(
            time=datetime.fromtimestamp(row["timestamp"] / 1000, UTC),
            position=LatLng(row["latitude"], row["longitude"]),
            altitude_m=height_ft * M_PER_FT,
            altitude_error_m=0.0 if measured else PRESSURE_ERROR_M,
        )
        for row, (height_ft, measured) in zip(rows, found, strict=True)
    )
    first = rows[0]
    return Flight(
        id=first["flight_id"],
        icao24=first["icao24"],
        callsign=first["callsign"],
        points=points,
        corrected=sum(not measured for _, measured in found),
    )


def heights(
    geometric_ft: Sequence[float | None], pressure_ft: Sequence[float]
) -> list[tuple[float, bool]]:
    """Return one flight's heights above the ellipsoid, each with whether it was measured."""
    pairs = list(zip(geometric_ft, pressure_ft, strict=True))
    differences = [geometric - pressure for geometric, pressure in pairs if geometric]
    usual = median(differences) if differences else 0.0
    return [
        (geometric, True)
        if geometric and abs(geometric - pressure - usual) <= FAULTY_FT
        else (pressure + usual, False)
        for geometric, pressure in pairs
    ]
