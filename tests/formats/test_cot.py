"""Cursor on Target: what counts of an event, framing of streams, XML that means harm."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import takproto

from tansiq.domain.draft import Datum
from tansiq.formats import geoid
from tansiq.formats.cot import CotParser
from tansiq.formats.position_reports import Parsed, Refusal

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def event(**changes: Any) -> bytes:
    v: dict[str, Any] = {
        "type": "a-f-A-M-H-Q",
        "uid": "ANDROID-1",
        "time": stamp(NOON),
        "stale": stamp(NOON + timedelta(seconds=75)),
        "lat": 36.1,
        "lon": 36.2,
        "hae": 1_200.5,
        "ce": 12.0,
        "le": 9_999_999.0,
        "detail": '<contact callsign="SCOUT3"/><track course="270.5" speed="41.0"/>',
    } | changes
    head = "".join(
        f' {name}="{v[name]}"' for name in ("type", "uid", "time", "stale") if v[name] is not None
    )
    point = "".join(
        f' {name}="{v[name]}"' for name in ("lat", "lon", "hae", "ce", "le") if v[name] is not None
    )
    detail = f"<detail>{v['detail']}</detail>"
    return f'<event version="2.0" how="m-g"{head}><point{point}/>{detail}</event>'.encode()


def tak(xml: bytes, version: Any = takproto.TAKProtoVer.STREAM) -> bytes:
    return bytes(takproto.xml2proto(xml.decode(), version))


def parse(data: bytes, *, now: datetime = NOON, **changes: Any) -> Parsed:
    return CotParser(**changes).feed(data, now)


FORMS = {"xml": lambda data: data, "tak": tak}


@pytest.mark.parametrize("form", FORMS)
def test_what_counts_of_an_event(form: str) -> None:
    (report,) = parse(FORMS[form](event())).reports
    assert report.address == "cot:ANDROID-1"
    assert report.time == NOON
    assert (report.position.lat_deg, report.position.lng_deg) == (36.1, 36.2)
    assert (report.geometric_m, report.geometric_error_m) == (1_200.5, 0.0)
    assert report.pressure_m is None
    assert report.horizontal_error_m == 12.0
    assert report.callsign == "SCOUT3"
    assert (report.speed_mps, report.track_deg) == (41.0, 270.5)


@pytest.mark.parametrize("form", FORMS)
def test_unknown_is_not_a_number(form: str) -> None:
    blank = event(hae=9_999_999.0, ce=9_999_999.0, detail="")
    (report,) = parse(FORMS[form](blank)).reports
    assert (report.geometric_m, report.horizontal_error_m) == (None, 0.0)
    assert (report.callsign, report.speed_mps, report.track_deg) == ("", None, None)
    (just,) = parse(FORMS[form](event(hae=9_999_998.9))).reports
    assert just.geometric_m is None, "no aircraft, hence left out"


def test_heights_above_the_sea_where_the_settings_say_so() -> None:
    (report,) = parse(event(le=10.0), datum=Datum.AMSL).reports
    assert report.geometric_m == pytest.approx(1_200.5 + geoid.undulation_m(36.1, 36.2))
    assert report.geometric_error_m == pytest.approx(10.0 + geoid.ERROR_M)


@pytest.mark.parametrize("form", FORMS)
def test_stale_at_its_bound(form: str) -> None:
    data = FORMS[form](event(stale=stamp(NOON)))
    assert len(parse(data).reports) == 1
    late = parse(data, now=NOON + timedelta(microseconds=1))
    assert late.refused == {Refusal.STALE: 1}
    assert late.stale_times == [NOON]


@pytest.mark.parametrize(
    ("kind", "counts"),
    [
        ("a-f-A", True),
        ("a-u-A-C-F", True),
        ("a-.-A-M-F-Q", True),
        ("a-f-G-U-C", False),
        ("a-f-AX", False),
        ("a-f-a-M", False),
        ("b-m-p-s-p-i", False),
        ("t-x-c-t", False),
        ("u-d-f", False),
        ("", False),
    ],
)
def test_only_aircraft_in_the_air_count(kind: str, *, counts: bool) -> None:
    parsed = parse(event(type=kind))
    assert len(parsed.reports) == counts
    assert parsed.refused == ({} if counts else {Refusal.NOT_AIRCRAFT: 1})


@pytest.mark.parametrize(
    ("uid", "address"),
    [
        ("ICAO-A1B2C3", "icao:a1b2c3"),
        ("ICAO24.a1b2c3", "icao:a1b2c3"),
        ("ICAO-A1B2C3-2", "cot:ICAO-A1B2C3-2"),
        ("a b", "cot:a%20b"),
        ("a%20b", "cot:a%2520b"),
        ("صقر", "cot:%D8%B5%D9%82%D8%B1"),
        ("x" * 100, "cot:" + "x" * 100),
    ],
)
def test_names_become_addresses(uid: str, address: str) -> None:
    assert parse(event(uid=uid)).reports[0].address == address


def test_long_names_stay_different() -> None:
    found = {parse(event(uid="x" * 200 + end)).reports[0].address for end in "ab"}
    assert len(found) == 2
    assert all(len(address) <= 104 for address in found)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (event(uid=" "), Refusal.NO_ADDRESS),
        (event(time=None), Refusal.NO_TIME),
        (event(time="yesterday"), Refusal.MALFORMED),
        (event(time="2026-11-29T12:00:00"), Refusal.MALFORMED),
        (event(lat=None), Refusal.NO_POSITION),
        (event(lat=0, lon=0.0), Refusal.NO_POSITION),
        (event(lat=90.5), Refusal.BAD_POSITION),
        (event(lat="nan"), Refusal.BAD_POSITION),
        (event(lat="north"), Refusal.MALFORMED),
        (event(detail="<a>"), Refusal.MALFORMED),
        (event(detail="&bomb;"), Refusal.MALFORMED),
        (event(detail="\x01"), Refusal.MALFORMED),
        (event(detail='<x a="1" a="2"/>'), Refusal.MALFORMED),
        (event(detail="<d>" * 30 + "</d>" * 30), {}),
        (event(detail="<d>" * 31 + "</d>" * 31), Refusal.MALFORMED),
        (event(hae=1e9 - 1, detail=f'<track speed="{5e9}" course="inf"/>'), Refusal.VALUE_LEFT_OUT),
        (b"GET / HTTP/1.1\r\n\r\n", Refusal.MALFORMED),
        (b"<event/>", Refusal.MALFORMED),
        (event()[:120], Refusal.MALFORMED),
        (b"\xbf\xff\xff\xff\xff\xff\x01", Refusal.MALFORMED),
        (b"\xbf\x03abc", Refusal.MALFORMED),
        (b"\xbf\x00", Refusal.MALFORMED),
        (event(detail="x" * 5_000), Refusal.TOO_LARGE),
        (b"\xbf" + bytes([0x80 | 5_000 % 128, 5_000 // 128]) + b"<event" * 834, None),
    ],
)
def test_what_is_refused_costs_itself_alone(data: bytes, reason: Any) -> None:
    whole = event(uid="1") + data + event(uid="2")
    for size in (1, 100, len(whole)):
        parser, parsed = CotParser(frame_bytes_max=2_000), Parsed()
        for start in range(0, len(whole), size):
            parsed.take(parser.feed(whole[start : start + size], NOON))
        found = [report.address for report in parsed.reports]
        if reason is None:
            assert found[0] == "cot:1"
            assert parsed.refused[Refusal.TOO_LARGE] == 1
        else:
            assert found[0] == "cot:1"
            assert found[-1] == "cot:2"
            assert not reason or parsed.refused.keys() == {reason}


BOMB = b"""<?xml version="1.0"?><!DOCTYPE event [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
OUTSIDE = b'<!DOCTYPE event SYSTEM "file:///etc/passwd">'


@pytest.mark.parametrize("head", [BOMB, OUTSIDE, b"<!DOCTYPE event>"])
def test_a_document_type_is_refused(head: bytes) -> None:
    parsed = CotParser().datagram(head + event(uid="&b;") if head is BOMB else head + event(), NOON)
    assert parsed.reports == []
    assert parsed.refused == {Refusal.MALFORMED: 1}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037", "no-such"])
def test_the_encoding_is_ours_whatever_the_document_says(encoding: str) -> None:
    data = f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + event()
    assert len(CotParser().datagram(data, NOON).reports) == 1
    assert len(parse(data * 3).reports) == 3


def test_datagrams_of_every_form() -> None:
    mesh = tak(event(), takproto.TAKProtoVer.MESH)
    for data in (event(), b"\r\n" + event() + b"\0", b"\xbf\x00\xbf" + event(), mesh):
        assert len(CotParser().datagram(data, NOON).reports) == 1
    for data in (b"", b"hello", b"\xbf\x02\xbf" + event(), mesh[:-9], event() + event(), b"\xbf"):
        parsed = CotParser().datagram(data, NOON)
        assert parsed.reports == []
        assert parsed.refused == {Refusal.MALFORMED: 1}


def test_a_datagram_at_the_limit() -> None:
    size = len(event())
    assert len(CotParser(frame_bytes_max=size).datagram(event(), NOON).reports) == 1
    junk = CotParser(frame_bytes_max=size).datagram(b"x" * size, NOON)
    assert junk.refused == {Refusal.MALFORMED: 1}
    small = CotParser(frame_bytes_max=size - 1)
    assert small.datagram(event(), NOON).refused == {Refusal.TOO_LARGE: 1}
    assert small.feed(event(), NOON).refused == {Refusal.TOO_LARGE: 1}


@pytest.mark.parametrize(
    ("time_ms", "counts"),
    [(0, False), (1, True), (7_000_000_000_000, True), (7_000_000_000_001, False)],
)
def test_times_of_protobuf_at_their_bounds(time_ms: int, *, counts: bool) -> None:
    message = takproto.functions.xml2message(event().decode())
    message.cotEvent.sendTime = time_ms
    message.cotEvent.staleTime = 7_000_000_000_000
    data = bytes(takproto.functions.msg2proto(message, takproto.TAKProtoVer.MESH))
    parsed = CotParser().datagram(data, NOON)
    assert len(parsed.reports) == counts
    assert parsed.refused == ({} if counts else {Refusal.NO_TIME: 1})


def length(count: int) -> bytes:
    """Return a count as protobuf writes it, in three bytes."""
    return bytes([count & 0x7F | 0x80, count >> 7 & 0x7F | 0x80, count >> 14])


def test_lengths_of_protobuf_at_their_limits() -> None:
    """A message at the limit is read, one above is skipped, and one 16 times as long is none."""
    good, limit = event(), 1_000
    for count, reason, messages in (
        (limit, Refusal.MALFORMED, 2),  # Whole, and no message.
        (limit + 1, Refusal.TOO_LARGE, 1),
        (16 * limit, Refusal.TOO_LARGE, 1),
    ):
        parsed = parse(b"\xbf" + length(count) + b"x" * count + good, frame_bytes_max=limit)
        assert parsed.refused == {reason: 1}
        assert (len(parsed.reports), parsed.messages) == (1, messages)
    # What follows is looked at, and not passed over.
    parsed = parse(b"\xbf" + length(16 * limit + 1) + good, frame_bytes_max=limit)
    assert Refusal.TOO_LARGE not in parsed.refused
    assert len(parsed.reports) == 1


def test_an_unfinished_event_at_the_limit() -> None:
    size = len(event())
    parser = CotParser(frame_bytes_max=size)
    assert not parser.feed(event()[:-1], NOON).refused
    assert len(parser.feed(b">", NOON).reports) == 1
    parser = CotParser(frame_bytes_max=size)
    parsed = parser.feed(event(detail="x" * 200)[: size + 1], NOON)
    assert parsed.refused == {Refusal.TOO_LARGE: 1}


def test_both_forms_in_one_stream() -> None:
    """A server begins in XML and may go over to protobuf."""
    mixed = event(uid="1") + tak(event(uid="2")) + b"\n" + event(uid="3") + tak(event(uid="4"))
    parser, found = CotParser(), []
    for at in range(len(mixed)):
        found += parser.feed(mixed[at : at + 1], NOON).reports
    assert [report.address for report in found] == ["cot:1", "cot:2", "cot:3", "cot:4"]


def test_what_a_stream_keeps_is_bounded() -> None:
    for piece in (b"<event ", b"<", b"a" * 999, b"\xbf\xff\x7f", b"<event a='</event'", b"\n"):
        parser = CotParser(frame_bytes_max=1_000)
        for _ in range(3_000):
            parser.feed(piece, NOON)
            assert len(parser._frames._buffer) <= 1_000 + len(piece)
