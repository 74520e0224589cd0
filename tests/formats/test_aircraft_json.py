"""``aircraft.json``: units, ages, what is left out and what is refused."""

import json
from typing import Any

import pytest

from tansiq.errors import BadInput, TooLarge
from tansiq.formats import accuracy, aircraft_json
from tansiq.formats.position_reports import Parsed, Refusal

NOW = 1_795_953_600.0  # 2026-11-29T12:00:00Z


def sky(*aircraft: Any, **changes: Any) -> bytes:
    return json.dumps({"now": NOW, "messages": 1, "aircraft": list(aircraft)} | changes).encode()


def parse(*aircraft: Any, age_s_max: float = 60.0) -> Parsed:
    return aircraft_json.parse(sky(*aircraft), age_s_max=age_s_max, aircraft_max=1_000)


def one(**changes: Any) -> dict[str, Any]:
    return {"hex": "a1b2c3", "lat": 38.0, "lon": -122.0, "seen_pos": 0.0} | changes


def test_units_and_references_become_ours() -> None:
    parsed = parse(
        one(
            flight="N123   ",
            seen_pos=1.5,
            alt_baro=5_000,
            alt_geom=5_100,
            gs=100.0,
            track=270.5,
            baro_rate=-640,
            geom_rate=-600,
            nic=8,
            rc=186,
            nac_p=9,
        )
    )
    (report,) = parsed.reports
    assert report.address == "icao:a1b2c3"
    assert report.time.isoformat() == "2026-11-29T11:59:58.500000+00:00"
    assert report.callsign == "N123"
    assert report.pressure_m == pytest.approx(1_524.0)
    assert report.geometric_m == pytest.approx(1_554.48)
    assert report.geometric_error_m == 0
    assert report.speed_mps == pytest.approx(51.4444, abs=1e-4)
    assert report.track_deg == 270.5
    assert report.climb_mps == pytest.approx(-3.048)
    assert report.horizontal_error_m == 186
    assert not parsed.refused


def test_the_oldest_kind_of_receiver_is_read_too() -> None:
    """dump1090-mutability, which Debian 12 has."""
    (report,) = parse(one(altitude=1_000, speed=60, vert_rate=64, flight=None)).reports
    assert report.pressure_m == pytest.approx(304.8)
    assert report.speed_mps == pytest.approx(30.8667, abs=1e-4)
    assert report.climb_mps == pytest.approx(0.32512)


@pytest.mark.parametrize("name", ["alt_baro", "altitude"])
def test_on_the_ground_is_no_height(name: str) -> None:
    (report,) = parse(one(**{name: "ground"})).reports
    assert report.on_ground
    assert report.pressure_m is None


def test_other_addresses_stay_apart() -> None:
    parsed = parse(one(hex="~A1B2C3"), one(), one(hex="a1b2c"), one(hex="a1b2cg"), one(hex=""))
    assert [r.address for r in parsed.reports] == ["other:a1b2c3", "icao:a1b2c3"]
    assert parsed.refused == {Refusal.NO_ADDRESS: 3}


def test_age_at_its_bounds() -> None:
    parsed = parse(one(seen_pos=2.5), one(seen_pos=2.501), one(seen_pos=-0.001), age_s_max=2.5)
    assert len(parsed.reports) == 1
    assert parsed.refused == {Refusal.STALE: 2}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lat": None}, Refusal.NO_POSITION),
        ({"lat": 0, "lon": 0}, Refusal.NO_POSITION),
        ({"lat": 90.000001}, Refusal.BAD_POSITION),
        ({"lon": -180.5}, Refusal.BAD_POSITION),
        ({"seen_pos": None}, Refusal.NO_TIME),
        ({"lat": "38"}, Refusal.MALFORMED),
        ({"hex": 12}, Refusal.MALFORMED),
    ],
)
def test_one_bad_aircraft_costs_itself_alone(changes: dict[str, Any], reason: Refusal) -> None:
    parsed = parse(one(hex="000001"), one(**changes), one(hex="000002"))
    assert [r.address for r in parsed.reports] == ["icao:000001", "icao:000002"]
    assert parsed.refused == {reason: 1}
    assert parsed.messages == 3


@pytest.mark.parametrize(
    "changes",
    [
        {"alt_baro": 400_000},
        {"alt_geom": 1e300},
        {"gs": -1},
        {"gs": 4_000},
        {"geom_rate": 1e6},
        {"alt_baro": "unknown"},
        {"rc": 60_000},
        {"track": 1e308},
        {"flight": "A\u0007B"},
    ],
)
def test_an_impossible_value_is_left_out_and_the_aircraft_is_not(changes: dict[str, Any]) -> None:
    parsed = parse(one(**changes))
    assert len(parsed.reports) == 1
    assert parsed.refused in ({Refusal.VALUE_LEFT_OUT: 1}, {})
    assert bool(parsed.refused) is not bool({"flight", "track"} & changes.keys())


@pytest.mark.parametrize(
    ("stated", "radius"),
    [
        ({}, 0.0),
        ({"nic": 0, "nac_p": 0}, 0.0),
        ({"nic": 8}, 185.2),
        ({"nic": 8, "rc_m": 186.0}, 186.0),
        ({"nac_p": 8}, 92.6),
        ({"nic": 11, "nac_p": 1}, 18_520.0),
        ({"nic": 1}, 37_040.0),
        ({"nic": 12, "nac_p": 15, "rc_m": -1.0}, 0.0),
    ],
)
def test_the_radius_errs_outwards(stated: dict[str, Any], radius: float) -> None:
    assert accuracy.radius_m(**stated) == pytest.approx(radius)


def test_a_better_category_is_never_a_larger_radius() -> None:
    for table in (accuracy.CONTAINMENT_M, accuracy.UNCERTAINTY_M):
        radii = [table[category] for category in sorted(table)]
        assert radii == sorted(radii, reverse=True)
        assert sorted(table) == list(range(1, 12))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"", "aircraft.json"),
        (b"<html>", "aircraft.json"),
        (b"[]", "aircraft.json"),
        (b'{"aircraft": []}', "aircraft.json"),
        (b'{"now": 1e999, "aircraft": []}', "aircraft.json"),
        (b'{"now": 1795953600, "aircraft": [{"hex": "\xff"}]', "aircraft.json"),
        (b'{"now": 1795953600, "aircraft": {}}', "aircraft.json"),
        (sky(now=999_999_999.9), "now"),
        (sky(now=7_000_000_000.1), "now"),
        (b'{"now": 1795953600, "aircraft": ' + b"[" * 100_000, "aircraft.json"),
    ],
)
def test_what_is_no_such_file(data: bytes, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        aircraft_json.parse(data, age_s_max=60, aircraft_max=10)
    assert caught.value.field == field


@pytest.mark.parametrize("now", [1_000_000_000.0, 7_000_000_000.0])
def test_the_first_and_the_last_time(now: float) -> None:
    data = sky(one(), now=now)
    (report,) = aircraft_json.parse(data, age_s_max=60, aircraft_max=10).reports
    assert report.time.timestamp() == now


def test_the_number_of_aircraft_has_a_limit() -> None:
    two = sky(one(), one())
    assert len(aircraft_json.parse(two, age_s_max=60, aircraft_max=2).reports) == 2
    with pytest.raises(TooLarge):
        aircraft_json.parse(two, age_s_max=60, aircraft_max=1)
