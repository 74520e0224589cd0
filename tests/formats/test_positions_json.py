"""Positions as programs send them: units are stated, and what is wrong is named by its field."""

import json
from typing import Any

import pytest

from tansiq.errors import BadInput, TooLarge
from tansiq.formats import geoid, positions_json
from tansiq.formats.position_reports import Refusal
from tansiq.formats.positions_json import SentPositions


def one(**changes: Any) -> dict[str, Any]:
    values = {
        "address": "own:scout-3",
        "time": "2026-11-29T12:00:00Z",
        "lat": 36.1,
        "lng": 36.2,
    } | changes
    return {name: value for name, value in values.items() if value is not None}


def read(*entries: Any, count_max: int = 100) -> SentPositions:
    return positions_json.read(json.dumps(entries).encode(), count_max=count_max)


def height(value: float = 4_500, units: str = "FT", datum: str = "AMSL", **more: Any) -> Any:
    return {"value": value, "units": units, "datum": datum} | more


def test_everything_that_can_be_said() -> None:
    found = read(
        one(
            altitude=height(error_m=20),
            pressure_altitude=height(45, "FL", "FL"),
            callsign="SCOUT3",
            speed_mps=41,
            track_deg=270,
            climb_mps=-1.5,
            horizontal_error_m=15,
            on_ground=False,
            time="2026-11-29T14:00:00.25+02:00",
        )
    )
    (report,) = found.reports
    assert found.wrong == []
    assert report.time.isoformat() == "2026-11-29T12:00:00.250000+00:00"
    assert report.geometric_m == pytest.approx(1_371.6 + geoid.undulation_m(36.1, 36.2))
    assert report.geometric_error_m == pytest.approx(20 + geoid.ERROR_M)
    assert report.pressure_m == pytest.approx(1_371.6)
    assert (report.speed_mps, report.track_deg, report.climb_mps) == (41, 270, -1.5)
    assert (report.callsign, report.horizontal_error_m) == ("SCOUT3", 15)


@pytest.mark.parametrize(
    ("altitude", "field", "value"),
    [
        (height(100, "M", "W84"), "geometric_m", 100.0),
        (height(1_000, "FT", "W84"), "geometric_m", 304.8),
        (height(95, "FL", "FL"), "pressure_m", 2_895.6),
        (height(9_500, "FT", "FL"), "pressure_m", 2_895.6),
        (height(100_000, "M", "W84"), "geometric_m", 100_000.0),
    ],
)
def test_heights_by_unit_and_datum(altitude: Any, field: str, value: float) -> None:
    (report,) = read(one(altitude=altitude)).reports
    assert getattr(report, field) == pytest.approx(value)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"address": None}, "address", "is missing"),
        ({"address": "scout"}, "address", "KIND:VALUE"),
        ({"time": "noon"}, "time", "RFC3339"),
        ({"time": "2026-11-29T12:00:00"}, "time", "timezone"),
        ({"time": "2026-11-29T12:00:60Z"}, "time", "RFC3339"),
        ({"time": "0001-01-01T00:00:00+23:59"}, "time", "year"),
        ({"time": "9999-12-31T23:59:59-23:59"}, "time", "year"),
        ({"time": 12}, "time", "got `int`"),
        ({"lat": 90.000001}, "lat", "not within"),
        ({"lng": -180.1}, "lng", "not within"),
        ({"lat": "36"}, "lat", "float"),
        ({"lat": 0, "lng": 0}, "lat", "without a fix"),
        ({"altitude": 4_500}, "altitude", "object"),
        ({"altitude": {"value": 1, "units": "M"}}, "altitude.datum", "is missing"),
        ({"altitude": height(unit="M")}, "altitude.unit", "known are value, units, datum"),
        ({"altitude": height(units="KM")}, "altitude.units", "KM"),
        ({"altitude": height(datum="NAVD88")}, "altitude.datum", "NAVD88"),
        ({"altitude": height(datum="AGL")}, "altitude.datum", "ground"),
        ({"altitude": height(units="FL")}, "altitude.units", "flight levels"),
        ({"altitude": height(100_000.1, "M", "W84")}, "altitude.value", "100000"),
        ({"altitude": height(1e300, "M", "FL")}, "altitude.value", "1e+300"),
        ({"altitude": height(error_m=-1, datum="W84")}, "altitude.error_m", "-1"),
        ({"altitude": height(error_m=5, datum="FL")}, "altitude.error_m", "pressure"),
        ({"pressure_altitude": height()}, "pressure_altitude.datum", "altitude"),
        (
            {"altitude": height(datum="FL"), "pressure_altitude": height(datum="FL")},
            "pressure_altitude",
            "once",
        ),
        ({"speed_mps": 2_000.1}, "speed_mps", "2000"),
        ({"track_deg": 360}, "track_deg", "360"),
        ({"callsign": "x" * 21}, "callsign", "20"),
        ({"speed_kt": 5}, "speed_kt", "speed_mps"),
        ({"\u0000`": 5}, "\u0000`", "unknown"),
        ({"altitude": [[[1]]]}, "altitude", "array"),
        ({"horizontal_error_m": -1}, "horizontal_error_m", "-1"),
    ],
)
def test_what_is_wrong_is_named_and_costs_itself_alone(
    changes: dict[str, Any], field: str | None, said: str
) -> None:
    found = read(one(address="own:1"), one(**changes), one(address="own:2"))
    assert [report.address for report in found.reports] == ["own:1", "own:2"]
    (wrong,) = found.wrong
    assert wrong.field == (f"[1].{field}" if field else "[1]")
    assert said in wrong.message


@pytest.mark.parametrize("data", [b"", b"{}", b"[1", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_list(data: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        positions_json.read(data, count_max=10)
    assert caught.value.field == "body"


def test_a_number_beyond_all_measure_costs_itself_alone() -> None:
    body = json.dumps([one(), one(lat=77.5)]).encode().replace(b"77.5", b"1e999")
    found = positions_json.read(body, count_max=10)
    assert len(found.reports) == 1
    assert [wrong.field for wrong in found.wrong] == ["[1].lat"]


def test_the_number_of_positions_has_a_limit() -> None:
    for bad in ({}, {"lat": "x"}):
        entries = [one(), one(**bad)]
        assert read(*entries, count_max=2)
        with pytest.raises(TooLarge):
            read(*entries, count_max=1)


def test_a_feed_counts_what_is_wrong() -> None:
    parsed = positions_json.parse(json.dumps([one(), one(lat=91), 7]).encode(), count_max=3)
    assert (len(parsed.reports), parsed.messages) == (1, 3)
    assert parsed.refused == {Refusal.MALFORMED: 2}
