"""Recorded Mode S, obtained by name: what a receiver heard, through a socket, as positions.

From the ``traffic`` wheel, as ``tansiq demo`` obtains it: without a network and without the file in
``.cache/demo`` these tests fail.
"""

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.feeds.sources import reading, receiver, until

from tansiq.demo.calfire import obtain
from tansiq.feed_settings import FeedKind
from tansiq.formats.mode_s import ModeSDecoder

SAMPLES = "traffic/data/samples/"
CACHE = Path(__file__).parents[2] / ".cache" / "demo"


@pytest.fixture(scope="module")
def wheel() -> zipfile.ZipFile:
    return zipfile.ZipFile(obtain(CACHE, print))


@pytest.mark.anyio
async def test_a_receivers_own_bytes(wheel: zipfile.ZipFile) -> None:
    """One airliner near Toulouse among other Mode S."""
    async with receiver() as roof:
        roof.first = wheel.read(f"{SAMPLES}dump1090/sample_dump1090.bin")
        async with reading(FeedKind.BEAST, roof.url) as (feed, sink):
            await until(lambda: feed.health().messages == 239)
            health = feed.health()
    assert {report.address for report in sink.reports} == {"icao:48520a"}
    assert health.refused == {"no-position": 1}
    times = [report.time for report in sink.reports]
    assert len(times) == len(set(times)) == 3, "apart by the receiver's counter"
    for report in sink.reports:
        assert 43.6 < report.position.lat_deg < 43.7
        assert 1.2 < report.position.lng_deg < 1.25
        assert report.pressure_m == pytest.approx(38_000 * 0.3048)
        assert report.geometric_m == pytest.approx(38_250 * 0.3048)


def test_a_whole_flight(wheel: zipfile.ZipFile) -> None:
    """57,793 messages with what another run of the decoder, over all at once, said of each.

    Before the first pair in the air a position on the ground stays unknown. In the air only the
    first half of a pair does: wherever the other half came within 10 s, there is a position.
    """
    lines = wheel.read(f"{SAMPLES}rs1090/full_flight_short.jsonl").splitlines()
    rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    rows.sort(key=lambda row: row["timestamp"])
    decoder, airborne = ModeSDecoder(addresses_max=10), 0
    halves: dict[str, datetime] = {}
    for row in rows:
        now = datetime.fromtimestamp(row["timestamp"], UTC)
        reports = decoder.read([(bytes.fromhex(row["frame"]), now)]).reports
        stated = row["df"] == "17" and "latitude" in row
        if reports:
            (report,) = reports
            assert stated
            assert report.position.lat_deg == pytest.approx(row["latitude"], abs=1e-7)
            assert report.position.lng_deg == pytest.approx(row["longitude"], abs=1e-7)
            assert report.address == "icao:393322"
            assert report.on_ground is (row["bds"] == "06")
            airborne += not report.on_ground
        if row.get("bds") == "05" and row["df"] == "17":
            other = halves.get("odd" if row["parity"] == "even" else "even")
            paired = other is not None and now - other <= timedelta(seconds=10)
            assert reports or not paired
            halves[row["parity"]] = now
    assert airborne > 6_400
