"""Recorded flights: heights are repaired as stated, the wheel is believed for its hash only."""

import gzip
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tansiq.demo import calfire
from tansiq.demo.calfire import FAULTY_FT, M_PER_FT, PRESSURE_ERROR_M, heights, obtain, read_flights
from tansiq.errors import BadInput


def test_a_height_at_the_limit_is_believed_and_one_foot_further_is_not() -> None:
    geometric = [1_100.0, 1_100.0, 1_100.0, 1_100.0 + FAULTY_FT, 1_101.0 + FAULTY_FT]
    pressure = [1_000.0] * 5
    assert heights(geometric, pressure) == [
        (1_100.0, True),
        (1_100.0, True),
        (1_100.0, True),
        (1_100.0 + FAULTY_FT, True),
        (1_100.0, False),  # Pressure, and the flight's usual difference.
    ]


def test_missing_and_zero_heights_come_from_pressure() -> None:
    assert heights([None, 0, 5_200.0], [4_000.0, 4_500.0, 5_000.0]) == [
        (4_200.0, False),
        (4_700.0, False),
        (5_200.0, True),
    ]


def test_without_any_height_pressure_stands_alone() -> None:
    assert heights([None], [4_000.0]) == [(4_000.0, False)]


def wheel(folder: Path, rows: list[dict[str, object]]) -> Path:
    path = folder / calfire.WHEEL
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(calfire.MEMBER, gzip.compress(json.dumps(rows).encode()))
    return path


def row(flight: str, at_s: int, feet: float | None) -> dict[str, object]:
    return {
        "flight_id": flight,
        "icao24": "a00001",
        "callsign": flight.partition("_")[0],
        "timestamp": at_s * 1000,
        "altitude": 1_000.0,
        "geoaltitude": feet,
        "latitude": 38.0,
        "longitude": -122.0,
    }


def test_rows_become_flights_in_order_of_start(tmp_path: Path) -> None:
    rows = [row("T2_1", 90, 1_000.0), row("T1_0", 200, 1_000.0), row("T1_0", 100, None)]
    later, first = read_flights(wheel(tmp_path, rows))[::-1]
    assert (first.id, later.id) == ("T2_1", "T1_0")
    assert [point.time for point in later.points] == [
        datetime.fromtimestamp(100, UTC),
        datetime.fromtimestamp(200, UTC),
    ]
    assert later.corrected == 1
    assert [point.altitude_error_m for point in later.points] == [PRESSURE_ERROR_M, 0.0]
    assert later.points[1].altitude_m == pytest.approx(1_000.0 * M_PER_FT)


def test_a_cached_file_with_another_hash_is_an_error(tmp_path: Path) -> None:
    wheel(tmp_path, [])
    with pytest.raises(BadInput, match="delete it"):
        obtain(tmp_path, lambda _: None)


def test_no_index_is_said_in_one_sentence_and_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The discard port refuses at once; without our switches pip would try for minutes."""
    # Of the environment, because that is how a user's machine tells pip where to look.
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    said: list[str] = []
    with pytest.raises(calfire.NotObtainable) as caught:
        obtain(tmp_path, said.append)
    assert "\n" not in str(caught.value)
    assert len(said) == 1
