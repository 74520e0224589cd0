"""Recordings: every form of them, what is left out and why, and what is refused."""

import gzip
import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tansiq.domain.draft import Datum, Units
from tansiq.domain.track import PositionReport
from tansiq.errors import BadInput, TooLarge
from tansiq.formats import recording, recording_gpx, recording_rows, recording_trace
from tansiq.formats.geoid import ERROR_M
from tansiq.formats.recording import Recording, read_recording
from tansiq.formats.recording_rows import AltitudeSense
from tansiq.formats.reported import Fault

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
NOON_S = int(NOON.timestamp())
FT = 0.3048
W84_M = AltitudeSense(Units.M, Datum.W84)


def row(**more: Any) -> dict[str, Any]:
    """A row as the traffic package writes it."""
    usual = {
        "timestamp": NOON_S * 1000,
        "icao24": "a1b2c3",
        "callsign": "OSPREY2 ",
        "latitude": 38.0,
        "longitude": -120.0,
        "altitude": 5_000.0,
        "geoaltitude": 5_200.0,
        "groundspeed": 120.0,
        "track": 360.0,
        "vertical_rate": -600.0,
    }
    return usual | more


def read(document: Any, name: str = "day.json", sense: AltitudeSense | None = None) -> Recording:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_recording(data, name, sense)


def only(found: Recording) -> PositionReport:
    ((report,),) = found.reports.values()
    return report


def check_traffic(report: PositionReport) -> None:
    assert report.address == "icao:a1b2c3"
    assert report.callsign == "OSPREY2"
    assert report.time == NOON
    assert report.pressure_m == pytest.approx(5_000 * FT)
    assert report.geometric_m == pytest.approx(5_200 * FT)
    assert report.speed_mps == pytest.approx(120 * 1852 / 3600)
    assert report.climb_mps == pytest.approx(-3.048)
    assert report.track_deg == 0.0
    assert not report.on_ground


# Forms


def test_rows_of_the_traffic_package() -> None:
    found = read([row()])
    check_traffic(only(found))
    assert (found.rows, found.left_out) == (1, {})
    assert "altitude in ft, pressure altitude" in found.layout


def test_the_same_packed_in_two_members() -> None:
    data = json.dumps([row()]).encode()
    check_traffic(only(read(gzip.compress(data[:30]) + gzip.compress(data[30:]))))


def test_rows_as_lines() -> None:
    lines = [json.dumps(row(timestamp=(NOON_S + k) * 1000)) for k in range(3)]
    found = read("\n".join(lines).encode())
    assert len(found.reports["icao:a1b2c3"]) == 3  # type: ignore[index]
    assert len(read(("\n".join(lines[:2]) + "\n").encode()).reports) == 1
    with pytest.raises(BadInput, match="not JSON"):
        read(("\n".join(lines) + "\n{").encode())


def test_columns_by_row_number_as_pandas_writes_them() -> None:
    rows = [row(), row(timestamp=(NOON_S + 10) * 1000, onground=None)]
    columns = {name: {"7": rows[0][name], "3": rows[1][name]} for name in row()}
    columns["callsign"]["3"] = None
    found = read(columns)
    first, second = found.reports["icao:a1b2c3"]  # type: ignore[index]
    check_traffic(first)
    assert (second.callsign, second.time - first.time) == ("", timedelta(seconds=10))


def test_columns_as_lists() -> None:
    check_traffic(only(read({name: [value] for name, value in row().items()})))


def test_csv_of_the_traffic_package_with_times_as_text() -> None:
    data = ",".join(row()) + "\n"
    data += ",".join(map(str, (row() | {"timestamp": "2026-06-01 12:00:00+00:00"}).values()))
    check_traffic(only(read(b"\xef\xbb\xbf" + data.encode(), "day.csv")))


def test_metres_as_opensky_writes_them() -> None:
    text = "time,icao24,lat,lon,velocity,heading,vertrate,callsign,onground,baroaltitude,"
    text += f"geoaltitude,lastposupdate\n{NOON_S},A1B2C3,38,-120,61.7,90,-3,OSPREY2,False,1524,"
    text += f"1585,{NOON_S - 0.5}\n"
    report = only(read(text.encode()))
    assert (report.pressure_m, report.geometric_m) == (1_524.0, 1_585.0)
    assert (report.speed_mps, report.climb_mps, report.track_deg) == (61.7, -3.0, 90.0)
    # The position is as old as it says.
    assert report.time == NOON - timedelta(seconds=0.5)


def csv(text: str, sense: AltitudeSense | None = W84_M) -> PositionReport:
    return only(read(text.encode(), "a day.csv", sense))


def test_what_is_said_of_altitudes_is_not_about_a_file_that_says_it_itself() -> None:
    sense = AltitudeSense(Units.M, Datum.AMSL)
    check_traffic(only(read([row()], sense=sense)))
    head = "time,icao24,lat,lon,baroaltitude,geoaltitude"
    text = f"{head},lastposupdate\n{NOON_S},a1b2c3,38,-120,1524,1585,{NOON_S}\n"
    report = only(read(text.encode(), sense=AltitudeSense(Units.FT, Datum.W84)))
    assert (report.pressure_m, report.geometric_m) == (1_524.0, 1_585.0)
    # Of these columns alone nobody knows who wrote them: what is said counts.
    bare = {k: row()[k] for k in ("timestamp", "icao24", "latitude", "longitude", "altitude")}
    assert only(read([bare])).pressure_m == pytest.approx(5_000 * FT)
    assert only(read([bare], sense=sense)).pressure_m is None
    for units, metres in ((Units.M, 1_585.0), (Units.FT, 1_585.0 * FT)):
        text = f"time,lat,lng,geoaltitude\n{NOON_S},38,-120,1585\n"
        assert csv(text, AltitudeSense(units, Datum.W84)).geometric_m == pytest.approx(metres)
        with pytest.raises(BadInput, match="unit"):
            csv(text, AltitudeSense(Units.FL, Datum.FL))


def test_a_plain_altitude_counts_as_it_is_said() -> None:
    text = f"time,lat,lng,address,altitude\n{NOON_S},38,-120,a1b2c3,1000\n"
    assert csv(text).geometric_m == 1_000.0
    assert csv(text, AltitudeSense(Units.FT, Datum.W84)).geometric_m == pytest.approx(304.8)
    sea = csv(text, AltitudeSense(Units.M, Datum.AMSL))
    assert sea.geometric_m == pytest.approx(1_000 - 26, abs=2)
    assert sea.geometric_error_m == ERROR_M
    # A pressure altitude stays one, whatever its unit.
    for units, metres in ((Units.FT, 304.8), (Units.M, 1_000.0), (Units.FL, 30_480.0)):
        report = csv(text, AltitudeSense(units, Datum.FL))
        assert report.pressure_m == pytest.approx(metres)
        assert report.geometric_m is None


@pytest.mark.parametrize(
    ("column", "pressure", "geometric"),
    [
        ("pressure_altitude_ft", 304.8, None),
        ("pressure_altitude_m", 1_000.0, None),
        ("geometric_altitude_ft", None, 304.8),
        ("geometric_altitude_m", None, 1_000.0),
    ],
)
def test_a_column_that_says_its_unit_needs_no_option(
    column: str, pressure: float | None, geometric: float | None
) -> None:
    report = csv(f"time,lat,lon,hex,{column}\n{NOON_S},38,-120,~A1B2C3,1000\n", None)
    assert report.address == "other:a1b2c3"
    assert report.pressure_m == (pressure and pytest.approx(pressure))
    assert report.geometric_m == (geometric and pytest.approx(geometric))


@pytest.mark.parametrize(
    ("head", "cell", "address"),
    [
        ("address", "cot:ABC-1", "cot:ABC-1"),
        ("address", "Drone 7", "own:Drone%207"),
        ("callsign", "Drone 7", "own:DRONE%207"),
    ],
)
def test_who_an_aircraft_is(head: str, cell: str, address: str) -> None:
    report = csv(f"time,lat,lng,altitude,{head}\n{NOON_S},38,-120,100,{cell}\n")
    assert report.address == address


def test_a_file_without_names_is_one_aircraft_named_for_it() -> None:
    assert csv(f"time,lat,lng,altitude\n{NOON_S},38,-120,100\n").address == "own:a%20day"


GPX = """<?xml version="1.0"?>
<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1">
 <metadata><name>not this</name></metadata>
 <wpt lat="1" lon="2"><ele>3</ele></wpt>
 <trk><name>Drone 7</name><trkseg>
  <trkpt lat="38.0" lon="-120.0"><ele>1000.0</ele><time>2026-06-01T12:00:00Z</time>
   <extensions><name>nor this</name><time>1999</time></extensions></trkpt>
  <trkpt lat="38.0" lon="-120.0"><time>2026-06-01T12:00:01Z</time></trkpt>
  <trkpt lat="38.0" lon="-120.0"><ele>1000.0</ele></trkpt>
 </trkseg></trk>
 <trk><trkseg><trkpt lat="38.1" lon="-120.0"><ele>900</ele><time>2026-06-01T12:00:00Z</time></trkpt>
 </trkseg></trk>
</gpx>"""


HEAD_CSV = f"""time,lat,lng,icao24,callsign,pressure_altitude_ft,onground,track
{NOON_S},38,-120,a1b2c3,OSPREY2,5000,false,90
2026-06-01T12:00:10Z,38.001,-120,a1b2c3,,,true,
"""


def test_gpx() -> None:
    found = read(GPX.encode(), "box.gpx", W84_M)
    assert set(found.reports) == {"own:Drone%207", "own:box-2"}
    (report,) = found.reports["own:Drone%207"]  # type: ignore[index]
    assert (report.callsign, report.geometric_m, report.time) == ("DRONE 7", 1_000.0, NOON)
    assert found.left_out == {Fault.NO_ALTITUDE: 1, Fault.NO_TIME: 1}


def trace(*rows: Sequence[Any]) -> bytes:
    document = {"icao": "a1b2c3", "r": "N1", "timestamp": NOON_S, "trace": rows}
    return gzip.compress(json.dumps(document).encode())


def test_readsb_traces() -> None:
    about = {"flight": "OSPREY2 ", "alt_geom": 5_200}
    found = read(
        trace(
            [0, 38.0, -120.0, 5_000, 120.0, 360.0, 0, -600, None, "adsb_icao", 5_200, 0],
            [1.5, 38.0, -120.0, 5_200, None, None, 8, None, about],
            [2, 38.0, -120.0, "ground", 5.0, 90.0, 0, None, None],
            [3, None, None, 5_000, None, None, 0, None, None],
            [4, 38.0, -120.0, None, None, None, 0, None, None],
        ),
        "trace_full_a1b2c3.json",
    )
    first, second, third = found.reports["icao:a1b2c3"]  # type: ignore[index]
    check_traffic(replace(first, callsign="OSPREY2"))
    assert first.callsign == "N1"
    # The flag says that this one is geometric.
    assert (second.pressure_m, second.geometric_m) == (None, pytest.approx(5_200 * FT))
    assert (second.callsign, second.time) == ("OSPREY2", NOON + timedelta(seconds=1.5))
    assert (third.on_ground, third.pressure_m) == (True, None)
    assert found.left_out == {Fault.NO_POSITION: 1, Fault.NO_ALTITUDE: 1}


# What is left out and counted


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({"latitude": None}, Fault.NO_POSITION),
        ({"altitude": None, "geoaltitude": None}, Fault.NO_ALTITUDE),
        ({"latitude": 90.1}, Fault.IMPOSSIBLE),
        ({"altitude": 400_000.0}, Fault.IMPOSSIBLE),
    ],
)
def test_rows_that_say_too_little_or_the_impossible(more: dict[str, Any], fault: Fault) -> None:
    found = read([row(), row(**more)])
    assert found.left_out == {fault: 1}
    check_traffic(only(found))


def test_on_the_ground_no_altitude_is_needed() -> None:
    grounded = row(onground=True, altitude=None, geoaltitude=None)
    found = read([row(), grounded])
    assert [r.on_ground for r in found.reports["icao:a1b2c3"]] == [False, True]  # type: ignore[index]


def test_what_is_of_no_weight_does_not_cost_the_report() -> None:
    report = only(read([row(groundspeed=99_999.0, vertical_rate=1e9, track=-999, callsign="\x07")]))
    assert (report.speed_mps, report.climb_mps, report.track_deg) == (None, None, None)
    assert report.callsign == ""


# What is refused


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "holds no row"),
        (b"[]", "holds no row"),
        (b"[{}", "not JSON"),
        (b'[{"timestamp": "x"', "not JSON"),
        (b'[{"x":' + b"[" * 100_000, "nested"),
        (b"\xff\xfe", "UTF-8"),
        (b'[{"latitude": "38"}]', "[0].latitude"),
        (b'{"squawk": {"0": 1}}', "no column"),
        (b'{"latitude": {"0": 1}, "longitude": [1]}', "alike"),
        (b'{"latitude": [1, 2], "longitude": [1]}', "length"),
        (b"time,lat,lng,altitude\n1,2\n", "line 2: has 2 cells"),
        (b"time,lat,lng,altitude\n1,x,3,4\n", "line 2: lat"),
        (b"time,lat,lng,altitude,lat\n1,2,3,4,5\n", "twice"),
        (b'time,lat,lng,altitude\n1,2,3,"4\n', "not CSV"),
        (b"time,lat,lng,altitude\n", "holds no row"),
        (b"lat,lng,altitude\n1,2,3\n", "no column named time"),
        (b"time,lat,latitude,lng,altitude\n1,2,2,3,4\n", "lat and latitude"),
        (b"time,lat,lng\n1,2,3\n", "no column of altitudes"),
        (b"time,lat,lng,altitude,alt_geom\n1,2,3,4,5\n", "same sort"),
        (b"time,lat,lng,alt_baro\n1,2,3,sky\n", "no altitude"),
        (b"time,lat,lng,altitude\nnoon,2,3,4\n", "row 2: time"),
        (b"time,lat,lng,altitude\n1e300,2,3,4\n", "row 2: time"),
        (b"time,lat,lng,altitude\nnan,2,3,4\n1,2,3,4\n", "row 2: time"),
        (b"time,lat,lng,altitude\n1,95,3,4\n", "no report can be used"),
        (b"<html></html>", "<gpx>"),
        (b"<gpx>", "not XML"),
        (b"<gpx><trk><trkseg><trkpt lat='1'/></trkseg></trk></gpx>", "lat and lon"),
        (b"<gpx></gpx>", "no report can be used"),
        (b"\x1f\x8b\x08\x00broken", "gzip"),
        (gzip.compress(b"[]", mtime=0)[:-3], "ends too early"),
        (gzip.compress(b"[]", mtime=0) + b"more", "something else"),
        (b'{"icao": 7, "timestamp": 1, "trace": []}', "icao"),
        (b'{"icao": "a1b2c3", "timestamp": 1, "trace": [[1, 2]]}', "trace[0]"),
        (b'{"icao":"a1b2c3","timestamp":1,"trace":[[0,"x",2,3,4,5,6,7,null]]}', "trace[0][1]"),
    ],
)
def test_bad_recordings_are_refused_with_their_place(data: bytes, said: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_recording(data, "bad", W84_M)
    assert said in str(caught.value)
    assert str(caught.value).startswith("bad")


@pytest.mark.parametrize(
    ("text", "sense", "said"),
    [
        ("time,lat,lng,altitude\n1,2,3,4\n", None, "--datum"),
        ("time,lat,lng,geoaltitude\n1,2,3,4\n", None, "unit"),
        ("time,lat,lng,altitude\n1,2,3,4\n", AltitudeSense(Units.M, Datum.AGL), "ground"),
        ("time,lat,lng,altitude\n1,2,3,4\n", AltitudeSense(Units.FL, Datum.W84), "FL"),
        (GPX, None, "--datum"),
        (GPX, AltitudeSense(Units.FT, Datum.AMSL), "metres"),
    ],
)
def test_what_altitudes_count_from_is_never_guessed(
    text: str, sense: AltitudeSense | None, said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        read_recording(text.encode(), "bad", sense)


BOMB = """<?xml version="1.0"?><!DOCTYPE gpx [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<gpx><trk><name>&b;</name></trk></gpx>"""


def test_gpx_with_a_document_type_or_out_of_bounds_is_refused() -> None:
    for text, said in (
        (BOMB, "document type"),
        ('<!DOCTYPE gpx SYSTEM "file:///etc/passwd"><gpx/>', "document type"),
        ("<gpx>&undeclared;</gpx>", "not XML"),
        ("<gpx>" + "<a>" * recording_gpx.DEPTH_MAX, "deeper"),
        ("<gpx><trk><name>" + "x" * 201 + "</name></trk></gpx>", "characters"),
    ):
        with pytest.raises(BadInput, match=said):
            read_recording(text.encode(), "bad", W84_M)
    fine = "<gpx>" + "<a>" * 31 + "</a>" * 31 + "<trk><name>" + "x" * 200 + "</name></trk></gpx>"
    with pytest.raises(BadInput, match="no report"):
        read_recording(fine.encode(), "fine", W84_M)


def test_no_more_is_unpacked_than_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    data = json.dumps([row()]).encode()
    monkeypatch.setattr(recording, "BYTES_MAX", len(data))
    check_traffic(only(read(gzip.compress(data))))
    check_traffic(only(read(data)))
    for more in (
        data + b" ",
        gzip.compress(data + b" "),
        gzip.compress(data) + gzip.compress(b" "),
    ):
        with pytest.raises(TooLarge):
            read(more)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(bytes(50_000_000), compresslevel=1)
    monkeypatch.setattr(recording, "BYTES_MAX", 1_000)
    tracemalloc.start()
    with pytest.raises(TooLarge):
        read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_rows_and_aircraft_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(), row(icao24="a1b2c4")]
    monkeypatch.setattr(recording_rows, "ROWS_MAX", 2)
    monkeypatch.setattr(recording, "AIRCRAFT_MAX", 2)
    assert len(read(rows).reports) == 2
    for bad in (
        [*rows, row()],
        {"latitude": [1.0] * 3},
        {"latitude": {"1": 1.0, "2": 1.0}, "longitude": {"3": 1.0}},
    ):
        with pytest.raises(TooLarge, match="rows"):
            read(bad)
    monkeypatch.setattr(recording_rows, "COLUMNS_BYTES_MAX", 10)
    with pytest.raises(TooLarge, match="10 bytes"):
        read({"latitude": [1.0]})
    monkeypatch.setattr(recording_trace, "BYTES_MAX", 10)
    with pytest.raises(TooLarge, match="10 bytes"):
        read(trace())
    text = "time,lat,lng,altitude\n" + f"{NOON_S},1,2,3\n" * 3
    with pytest.raises(TooLarge, match="rows"):
        read(text.encode(), sense=W84_M)
    monkeypatch.setattr(recording, "AIRCRAFT_MAX", 1)
    with pytest.raises(TooLarge, match="aircraft"):
        read(rows)
