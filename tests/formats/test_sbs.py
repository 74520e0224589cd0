"""BaseStation lines: parts of one aircraft joined, zones found out, state bounded."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tansiq.domain.draft import Datum
from tansiq.formats import geoid
from tansiq.formats.position_reports import Parsed, Refusal
from tansiq.formats.sbs import KEPT_S, SbsParser

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def line(kind: int, when: datetime | None = NOON, **fields: Any) -> bytes:
    stamp = "" if when is None else when.strftime("%H:%M:%S.%f")[:-3]
    date = "" if when is None else when.strftime("%Y/%m/%d")
    values = {
        "hex": "A1B2C3",
        "callsign": "",
        "alt": "",
        "gs": "",
        "track": "",
        "lat": "",
        "lng": "",
        "climb": "",
        "ground": "0",
    } | fields
    v = {name: str(value) for name, value in values.items()}
    return (
        f"MSG,{kind},1,1,{v['hex']},1,{date},{stamp},{date},{stamp},{v['callsign']},{v['alt']},"
        f"{v['gs']},{v['track']},{v['lat']},{v['lng']},{v['climb']},,0,0,0,{v['ground']}\r\n"
    ).encode()


def position(when: datetime | None = NOON, **fields: Any) -> bytes:
    return line(3, when, **({"alt": 5_000, "lat": 38.0, "lng": -122.0} | fields))


def parse(*lines: bytes, now: datetime = NOON, **changes: Any) -> Parsed:
    return SbsParser(**({"addresses_max": 100} | changes)).feed(b"".join(lines), now)


def test_parts_are_joined_to_a_position() -> None:
    parsed = parse(
        line(1, callsign="N123   "),
        line(4, gs=100, track=90, climb=-640),
        position(NOON + timedelta(seconds=KEPT_S)),
        position(NOON + timedelta(seconds=KEPT_S, milliseconds=1)),
    )
    joined, alone = parsed.reports
    assert joined.callsign == alone.callsign == "N123"
    assert joined.speed_mps == pytest.approx(51.4444, abs=1e-4)
    assert (joined.track_deg, joined.climb_mps) == (90.0, pytest.approx(-3.2512))
    assert (alone.speed_mps, alone.track_deg, alone.climb_mps) == (None, None, None)
    assert joined.pressure_m == pytest.approx(1_524.0)
    assert joined.geometric_m is None
    assert parsed.messages == 4
    assert not parsed.refused


@pytest.mark.parametrize("said", [{"gs": 100}, {"track": 90}, {"climb": 64}])
def test_a_part_of_a_velocity_replaces_the_whole(said: dict[str, Any]) -> None:
    (report,) = parse(line(4, gs=1, track=2, climb=3), line(4, **said), position()).reports
    known = {
        "gs": report.speed_mps is not None,
        "track": report.track_deg is not None,
        "climb": report.climb_mps is not None,
    }
    assert [name for name, here in known.items() if here] == list(said)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1_000])
def test_the_pieces_in_which_it_arrives_do_not_matter(size: int) -> None:
    data = line(4, gs=1, track=2, climb=3) + position() + b"\r\n" + position(lat=39)
    parser, reports = SbsParser(addresses_max=10), []
    for start in range(0, len(data), size):
        reports += parser.feed(data[start : start + size], NOON).reports
    assert reports == parse(data).reports
    assert len(reports) == 2


@pytest.mark.parametrize(
    ("fields", "on_ground"), [({}, False), ({"ground": -1}, True), ({"ground": 1}, True)]
)
def test_on_the_ground(fields: dict[str, Any], on_ground: bool) -> None:
    assert parse(position(**fields)).reports[0].on_ground is on_ground


def test_a_surface_position_is_on_the_ground() -> None:
    assert parse(line(2, lat=38, lng=-122, ground="")).reports[0].on_ground


def test_heights_by_the_datum_of_the_settings() -> None:
    (above,) = parse(position(), datum=Datum.W84).reports
    assert (above.geometric_m, above.pressure_m) == (pytest.approx(1_524.0), None)
    (sea,) = parse(position(), datum=Datum.AMSL).reports
    assert sea.geometric_m == pytest.approx(1_524.0 + geoid.undulation_m(38.0, -122.0))
    assert sea.geometric_error_m == geoid.ERROR_M
    (none,) = parse(position(alt="")).reports
    assert (none.geometric_m, none.pressure_m) == (None, None)


@pytest.mark.parametrize("zone_h", [-9.5, -8, 0, 1, 2, 5.75, 13])
def test_a_receiver_in_any_zone_is_understood(zone_h: float) -> None:
    there = NOON + timedelta(hours=zone_h)
    (report,) = parse(position(there), now=NOON + timedelta(seconds=2)).reports
    assert report.time == NOON


def test_what_was_held_up_is_old_and_not_of_another_zone() -> None:
    """An hour without a connection that did not break: all of it comes in one second."""
    parser = SbsParser(addresses_max=10)
    parser.feed(position(NOON), NOON)
    late = NOON + timedelta(hours=1)
    for minute in range(61):
        when = NOON + timedelta(minutes=minute)
        (report,) = parser.feed(position(when), late + timedelta(milliseconds=minute)).reports
        assert report.time == when


def test_summer_time_is_followed_after_a_minute_of_agreement() -> None:
    parser = SbsParser(addresses_max=10)
    parser.feed(position(NOON), NOON)
    hour = timedelta(hours=1)
    for second in range(1, 61):
        now = NOON + timedelta(seconds=second)
        (report,) = parser.feed(position(now + hour), now).reports
        assert report.time == now + hour
    now += timedelta(seconds=1)
    (report,) = parser.feed(position(now + hour), now).reports
    assert report.time == now


@pytest.mark.parametrize(
    ("zone_h", "late_s", "agrees"),
    [(1, 0.0, True), (1, 5.0, True), (1, 5.001, False), (1, -5.0, True), (2, 0.0, False)],
)
def test_what_counts_as_agreement_on_a_zone(zone_h: float, late_s: float, *, agrees: bool) -> None:
    parser = SbsParser(addresses_max=10)
    parser.feed(position(NOON), NOON)
    first = NOON + timedelta(seconds=1)
    parser.feed(position(first + timedelta(hours=1)), first)
    now = first + timedelta(seconds=60)
    heard = now + timedelta(hours=zone_h) - timedelta(seconds=late_s)
    (report,) = parser.feed(position(heard), now).reports
    assert report.time == heard - timedelta(hours=zone_h if agrees else 0)


def test_a_message_without_time_is_of_now() -> None:
    assert parse(position(None), now=NOON).reports[0].time == NOON


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\n", Refusal.MALFORMED),
        (b"\xff\xfe\r\n", Refusal.MALFORMED),
        (position()[:60] + b"\r\n", Refusal.MALFORMED),
        (position(lat="x"), Refusal.MALFORMED),
        (position().replace(b"2026/11/29,12", b",12"), Refusal.MALFORMED),
        (position().replace(b"12:00:00.000,2026", b",2026"), Refusal.MALFORMED),
        (position().replace(b"2026/11/29", b"2026/02/30"), Refusal.MALFORMED),
        (position().replace(b"2026/11/29", b"0001/01/01"), Refusal.MALFORMED),
        (position().replace(b"12:00:00", b"24:00:00"), Refusal.MALFORMED),
        (position(hex=""), Refusal.NO_ADDRESS),
        (position(hex="A1B2C"), Refusal.NO_ADDRESS),
        (position(lat=0, lng=0), Refusal.NO_POSITION),
        (position(lat="nan"), Refusal.BAD_POSITION),
        (position(lat=90.1), Refusal.BAD_POSITION),
        (b"STA,,5,179,400AE7,10103,2008/11/28,14:58:51.153,,,RM\r\n", Refusal.NO_POSITION),
        (b"M" * 1_001 + b"\r\n", Refusal.TOO_LARGE),
    ],
)
def test_what_is_refused_costs_itself_alone(data: bytes, reason: Refusal) -> None:
    parsed = parse(position(hex="000001"), data, position(hex="000002"))
    assert [report.address for report in parsed.reports] == ["icao:000001", "icao:000002"]
    assert parsed.refused == {reason: 1}


def test_a_line_at_the_limit() -> None:
    whole = position()
    size = len(whole) - 1  # Without its line feed.
    for data in (whole, whole * 3):
        assert not parse(data, line_bytes_max=size).refused
        assert not parse(data, line_bytes_max=size - 1).reports
    parser = SbsParser(addresses_max=10, line_bytes_max=size)
    assert not parser.feed(whole[:-1], NOON).refused
    assert len(parser.feed(b"\n", NOON).reports) == 1


@pytest.mark.parametrize("half", [{"lat": ""}, {"lng": ""}])
def test_half_a_position_is_none(half: dict[str, Any]) -> None:
    parsed = parse(position(**half))
    assert parsed.reports == []
    assert not parsed.refused


def test_an_endless_line_is_skipped_and_counted_once() -> None:
    parser = SbsParser(addresses_max=10)
    refused = sum(
        (parser.feed(b"A" * 16_384, NOON).refused for _ in range(100)), start=Parsed().refused
    )
    assert refused == {Refusal.TOO_LARGE: 1}
    assert len(parser._rest) == 0
    assert len(parser.feed(b"A\r\n" + position(), NOON).reports) == 1


def test_what_is_known_of_aircraft_is_bounded_and_the_longest_unheard_goes() -> None:
    parser = SbsParser(addresses_max=2)
    for digits in ("000001", "000002", "000001", "000003"):
        parsed = parser.feed(line(1, hex=digits, callsign=digits), NOON)
    assert parsed.refused == {Refusal.FORGOTTEN: 1}
    names = [
        parser.feed(position(hex=digits), NOON).reports[0].callsign
        for digits in ("000001", "000003", "000002")
    ]
    assert names == ["000001", "000003", ""]
    assert len(parser._heard) == 2
