"""Recordings spoilt in any place are read or refused, and never make the command fail.

Method: one good file of each form, with bytes changed, left out, put in or repeated, from a printed
seed. The control is a reader that falls over a spoilt number: the same eyes must see it.
"""

import gzip
import json
from collections.abc import Callable
from random import Random

import pytest
from tests.formats.test_recording_forms import GPX, HEAD_CSV, row, trace

from tansiq.domain.draft import Datum, Units
from tansiq.domain.encounter import Within
from tansiq.engine.flown_together import Search, encounters
from tansiq.errors import TansiqError
from tansiq.formats.recording import read_recording
from tansiq.formats.recording_faults import aircraft_of
from tansiq.formats.recording_rows import AltitudeSense

SENSE = AltitudeSense(Units.M, Datum.W84)
ROWS = [row(), row(timestamp=1_780_315_210_000, icao24="ffffff"), row(onground=True)]
TRACE = gzip.decompress(
    trace(
        [0, 38.0, -120.0, 5_000, 120.0, 360.0, 0, -600, None, "adsb_icao", 5_200, 0],
        [9, 38.0, -120.0, "ground", None, None, 8, None, {"flight": "A"}],
    )
)
FORMS = {
    "rows": json.dumps(ROWS).encode(),
    "lines": "\n".join(map(json.dumps, ROWS)).encode(),
    "columns": json.dumps({k: {"0": v, "1": v} for k, v in row().items()}).encode(),
    "csv": HEAD_CSV.encode(),
    "gpx": GPX.encode(),
    "trace": TRACE,
    "gzip": gzip.compress(json.dumps(ROWS).encode(), mtime=0),
}
PARTS = (b"", b"0", b"9" * 30, b"-", b'"', b"null", b"NaN", b"1e999", b"[", b"}", b"<", b"\xff")
PARTS += (b"\x00", b",", b"\n", b"ground", b"true", b"1e18", b"&amp;", b"<!DOCTYPE a>", b"\xe2\x80")
TRIES = 250


def spoilt_bytes(random: Random, data: bytes) -> bytes:
    for _ in range(random.randint(1, 3)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + random.choice((0, 1, 1, 2, 8, 40)))
        part = random.choice((random.choice(PARTS), data[start:end] * 2))
        data = data[:start] + part + data[end:]
    return data


def search(data: bytes) -> None:
    found = read_recording(data, "spoilt", SENSE)
    tracks = {each.address: each.reports for each in aircraft_of([found])}
    encounters(tracks, Search(within=Within(horizontal_m=5_556.0, vertical_m=304.8)))


def look(form: str, read: Callable[[bytes], None]) -> list[str]:
    """Return what was no answer; how many files were read and refused is not asked here."""
    failures = []
    refused = set()
    for seed in range(TRIES):
        data = spoilt_bytes(Random(f"{form} {seed}"), FORMS[form])
        try:
            read(data)
        except TansiqError as error:
            refused.add(str(error))
        except Exception as error:  # noqa: BLE001 # This is what is looked for.
            failures.append(f"{form} {seed}: {error!r}")
    assert "" not in refused
    return failures


@pytest.mark.parametrize("form", FORMS)
def test_a_good_file_is_read(form: str) -> None:
    search(FORMS[form])


@pytest.mark.parametrize("form", FORMS)
def test_a_spoilt_recording_is_read_or_refused(form: str) -> None:
    assert look(form, search) == []


def test_a_reader_that_falls_over_is_seen() -> None:
    assert look("rows", lambda data: json.loads(data)[0]["latitude"])
