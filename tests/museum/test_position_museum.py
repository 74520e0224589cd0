"""The museum of bad positions: what receivers, gateways and strangers send to a feed.

A specimen is what arrives, the kind of feed it arrives at, and what it is counted as; ``None``
where the whole document is refused. Each is followed by a good message, which must be read.
"""

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from tansiq.clock import SystemClock
from tansiq.errors import BadInput
from tansiq.feed_settings import DATUMS, FeedKind, FeedSource
from tansiq.feeds import kinds
from tansiq.formats.position_reports import Refusal
from tansiq.settings import Limits

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
LIMITS = Limits(position_frame_bytes_max=2_000, position_addresses_max=50)


@dataclass(frozen=True)
class Specimen:
    name: str
    content: bytes
    reason: Refusal | None


def sky(*aircraft: Any, now: Any = 1_795_953_600.0) -> bytes:
    return json.dumps({"now": now, "messages": 1, "aircraft": list(aircraft)}).encode()


def plane(**changes: Any) -> dict[str, Any]:
    return {"hex": "a1b2c3", "lat": 36.1, "lon": 36.2, "seen_pos": 1, "alt_baro": 5000} | changes


def position(**changes: Any) -> dict[str, Any]:
    one = {"address": "own:1", "time": "2026-11-29T12:00:00Z", "lat": 36.1, "lng": 36.2}
    return one | changes


def event(old: str = "", new: str = "") -> bytes:
    text = (
        '<event version="2.0" uid="U1" type="a-f-A-M-H" how="m-g" time="2026-11-29T12:00:00Z" '
        'start="2026-11-29T12:00:00Z" stale="2026-11-29T12:01:00Z">'
        '<point lat="36.1" lon="36.2" hae="900" ce="10" le="10"/><detail/></event>'
    )
    assert old in text
    return text.replace(old, new).encode() if old else text.encode()


SBS = (
    "MSG,3,1,1,A1B2C3,1,2026/11/29,12:00:00.000,2026/11/29,12:00:00.000,,5000,,,36.1,36.2,,,0,0,0,0"
)


def sbs(old: str = "", new: str = "") -> bytes:
    assert old in SBS
    return (SBS.replace(old, new) if old else SBS).encode() + b"\r\n"


EVEN, ODD = b"*8d3933225857a0614676fec7e366;\n", b"*8d393322585797d74473f18b349f;\n"
GOOD = {
    FeedKind.AIRCRAFT_JSON: sky(plane()),
    FeedKind.POSITIONS: json.dumps([position()]).encode(),
    FeedKind.SBS: b"\r\n" + sbs(),
    FeedKind.COT: event(),
    FeedKind.AVR: b";" + EVEN + ODD + EVEN,
}

JSON = [
    Specimen("cut off while it was written", sky(plane())[:-30], None),
    Specimen("empty, while it is written", b"", None),
    Specimen("compressed", gzip.compress(sky(plane()), mtime=0), None),
    Specimen("UTF-16", sky(plane()).decode().encode("utf-16"), None),
    Specimen("byte order mark", b"\xef\xbb\xbf" + sky(plane()), None),
    Specimen("page of a router", b"<!DOCTYPE html><html><body>Login</body></html>", None),
    Specimen("NaN", sky(plane(lat=float("nan"))), None),
    Specimen("list without now", json.dumps([plane()]).encode(), None),
    Specimen("now in milliseconds", sky(plane(), now=1_795_953_600_000), None),
    Specimen("now is a text", sky(plane(), now="2026-11-29T12:00:00Z"), None),
    Specimen("more aircraft than are allowed", sky(*[plane()] * 51), None),
    Specimen("latitude in quotes", sky(plane(lat="36.1")), Refusal.MALFORMED),
    Specimen("aircraft is null", sky(None), Refusal.MALFORMED),
    Specimen("latitude and longitude swapped", sky(plane(lat=-122, lon=38)), Refusal.BAD_POSITION),
    Specimen("no fix yet", sky(plane(lat=0, lon=0.0)), Refusal.NO_POSITION),
    Specimen("only heard", sky({"hex": "a1b2c3", "seen": 1}), Refusal.NO_POSITION),
    Specimen("position without age", sky(plane(seen_pos=None)), Refusal.NO_TIME),
    Specimen("measured in the future", sky(plane(seen_pos=-3)), Refusal.STALE),
    Specimen("out of reach for minutes", sky(plane(seen_pos=60.1)), Refusal.STALE),
    Specimen("address of 7 digits", sky(plane(hex="a1b2c3d")), Refusal.NO_ADDRESS),
    Specimen("120,100 ft at 13,000 ft", sky(plane(alt_geom=400_000)), Refusal.VALUE_LEFT_OUT),
    Specimen("height in words", sky(plane(alt_baro="FL050")), Refusal.VALUE_LEFT_OUT),
]
POSITIONS = [
    Specimen("one object, no list", json.dumps(position()).encode(), None),
    Specimen("GeoJSON", b'{"type": "FeatureCollection", "features": []}', None),
    Specimen("JSON lines", b'{"lat": 1}\n{"lat": 2}\n', None),
    Specimen(
        "local time", json.dumps([position(time="2026-11-29T12:00:00")]).encode(), Refusal.MALFORMED
    ),
    Specimen("lon for lng", json.dumps([position(lon=36.2)]).encode(), Refusal.MALFORMED),
    Specimen("bare altitude", json.dumps([position(altitude=900)]).encode(), Refusal.MALFORMED),
]
LINES = [
    Specimen("Beast on this port", b"\x1a3\x00\x00\x00\x00\x00\x00\x05\x8d\r\n", Refusal.MALFORMED),
    Specimen("HTTP on this port", b"HTTP/1.1 400 Bad Request\r\n", Refusal.MALFORMED),
    Specimen("comma for the decimal point", sbs("36.1", "36,1"), Refusal.MALFORMED),
    Specimen("semicolons", sbs().replace(b",", b";"), Refusal.MALFORMED),
    Specimen("cut short", sbs()[:50] + b"\r\n", Refusal.MALFORMED),
    Specimen("no address", sbs("A1B2C3", ""), Refusal.NO_ADDRESS),
    Specimen("no such day", sbs("2026/11/29", "2026/11/31"), Refusal.MALFORMED),
    Specimen("day first", sbs("2026/11/29", "29/11/2026"), Refusal.MALFORMED),
    Specimen("clock never set", sbs("2026/11/29", "1970/01/01"), Refusal.MALFORMED),
    Specimen("no fix", sbs("36.1,36.2", "0,0"), Refusal.NO_POSITION),
    Specimen("not a number", sbs("36.1", "nan"), Refusal.BAD_POSITION),
    Specimen("height of a satellite", sbs("5000", "5000000"), Refusal.VALUE_LEFT_OUT),
    Specimen("no end of line", b"x" * 5_000, Refusal.TOO_LARGE),
]
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
EVENTS = [
    Specimen("ping of a client", event("a-f-A-M-H", "t-x-c-t"), Refusal.NOT_AIRCRAFT),
    Specimen("a person on foot", event("a-f-A-M-H", "a-f-G-U-C-I"), Refusal.NOT_AIRCRAFT),
    Specimen("mark on the map", event("a-f-A-M-H", "b-m-p-w"), Refusal.NOT_AIRCRAFT),
    Specimen("latitude and longitude swapped", event("36.1", "122.5"), Refusal.BAD_POSITION),
    Specimen("comma for the decimal point", event("36.1", "36,1"), Refusal.MALFORMED),
    Specimen("no fix", event('lat="36.1" lon="36.2"', 'lat="0" lon="0"'), Refusal.NO_POSITION),
    Specimen("no point", event('lat="36.1" lon="36.2"', ""), Refusal.NO_POSITION),
    Specimen("past its end", event("12:01:00", "11:59:59"), Refusal.STALE),
    Specimen("time of no zone", event('29T12:00:00Z" s', '29T12:00:00" s'), Refusal.MALFORMED),
    Specimen("no uid", event('uid="U1"', 'uid=""'), Refusal.NO_ADDRESS),
    Specimen("entity of nothing", event("<detail/>", "&l9;"), Refusal.MALFORMED),
    Specimen("deep", event("<detail/>", "<d>" * 60 + "</d>" * 60), Refusal.MALFORMED),
    Specimen("not closed", event("<detail/>", "<detail>"), Refusal.MALFORMED),
    Specimen("another protocol", b"\x16\x03\x01\x02\x00\x01" * 40, Refusal.MALFORMED),
    Specimen("large", event("<detail/>", f"<detail>{'x' * 3_000}</detail>"), Refusal.TOO_LARGE),
    Specimen("protobuf that is none", b"\xbf\x05abcde", Refusal.MALFORMED),
    Specimen("protobuf of nothing", b"\xbf\x00", Refusal.MALFORMED),
    Specimen("protobuf of 32 GiB", b"\xbf\xff\xff\xff\xff\x7f", Refusal.MALFORMED),
]
RAW = [
    Specimen("a bit flipped", b"*8d3933225857a0614676fec7e367;\n", Refusal.MALFORMED),
    Specimen("not hexadecimal", b"*8d3933225857a0614676fec7e36g;\n", Refusal.MALFORMED),
    Specimen("odd number of digits", b"*8d3933225857a0614676fec7e3666;\n", Refusal.MALFORMED),
    Specimen("Beast on this port", b"\x1a3\x00\x00\x00\x00\x00\x00\x05\x8d;", Refusal.MALFORMED),
    Specimen("no end", b"*8d39" * 100, Refusal.MALFORMED),
]
STREAMS = [(FeedKind.SBS, one) for one in LINES]
STREAMS += [(FeedKind.COT, one) for one in EVENTS]
STREAMS += [(FeedKind.AVR, one) for one in RAW]


def source(kind: FeedKind) -> FeedSource:
    datum = DATUMS.get(kind, ("",))[0]
    return FeedSource(name="museum", kind=kind, url="tcp://127.0.0.1:1", datum=datum)


@pytest.mark.parametrize(
    ("kind", "specimen"), STREAMS, ids=[f"{kind}: {one.name}" for kind, one in STREAMS]
)
def test_a_stream_counts_it_and_reads_on(kind: FeedKind, specimen: Specimen) -> None:
    parser = kinds.stream_parser(source(kind), LIMITS, SystemClock())
    first = parser.feed(specimen.content, NOON)
    then = parser.feed(GOOD[kind] + GOOD[kind], NOON)
    first.take(then)
    assert then.reports
    assert first.refused[specimen.reason] > 0
    usual = {Refusal.NO_POSITION} if kind is FeedKind.AVR else set()
    assert first.refused.keys() - usual == {specimen.reason} - usual


@pytest.mark.parametrize(
    ("kind", "specimen"),
    [
        *((FeedKind.AIRCRAFT_JSON, one) for one in JSON),
        *((FeedKind.POSITIONS, one) for one in POSITIONS),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_a_document_is_refused_or_counts_it(kind: FeedKind, specimen: Specimen) -> None:
    parse = kinds.document_parser(source(kind), LIMITS)
    if specimen.reason is None:
        with pytest.raises(BadInput):
            parse(specimen.content)
    else:
        assert parse(specimen.content).refused == {specimen.reason: 1}
    assert len(parse(GOOD[kind]).reports) == 1


def test_a_billion_laughs_are_not_heard() -> None:
    head = f'<?xml version="1.0"?><!DOCTYPE event [<!ENTITY l0 "ha">{LAUGHS}]>'.encode()
    parser = kinds.cot_parser(source(FeedKind.COT), LIMITS)
    parsed = parser.datagram(head + event("<detail/>", "<detail>&l9;</detail>"), NOON)
    assert parsed.refused == {Refusal.MALFORMED: 1}


def test_the_museum_is_large_and_its_labels_are_unique() -> None:
    for room in (JSON, POSITIONS, LINES, EVENTS, RAW):
        assert len({one.name for one in room}) == len(room)
    assert len(JSON) + len(POSITIONS) + len(STREAMS) >= 60
