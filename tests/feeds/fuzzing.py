"""Hostile input for each reader of positions, made by its own grammar, and the eyes that judge it.

A subject writes good messages, and spoils them where it hurts: a field, a length, an escape, a
nesting. ``assail`` sends both through one reader in pieces of any size, and holds that

- nothing is raised but ``BadInput``, and that by readers of whole documents only;
- what comes out are reports and counts;
- what is kept stays below the subject's bound, however long it goes on;
- after any of it, good messages are read again.
"""

import json
import struct
import sys
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import takproto
from tests.formats.test_mode_s import crc

from tansiq.domain.track import PositionReport
from tansiq.errors import BadInput
from tansiq.formats import aircraft_json, positions_json
from tansiq.formats.beast import AvrFrames, BeastFrames
from tansiq.formats.cot import CotParser
from tansiq.formats.mode_s import RawParser
from tansiq.formats.position_reports import Parsed, Refusal
from tansiq.formats.sbs import SbsParser

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
FRAME_BYTES_MAX = 2_000
ADDRESSES_MAX = 20

NUMBERS = (
    "",
    "0",
    "-0",
    "nan",
    "inf",
    "-inf",
    "1e999",
    "-1e999",
    "1e-999",
    "9" * 400,
    "0x10",
    "1_0",
    " 5 ",
    "٣",
    "true",
    "90.0000001",
    "-180.0000001",
    "360",
    "2147483648",
    "18446744073709551616",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1e300,
    -1e300,
    2**63,
    10**400,
    "",
    "x" * 5_000,
    "\u0000",
    "\ud800",
    "صقر",
    [],
    {},
    [[[[]]]],
    {"a": {"b": []}},
    *NUMBERS,
)
INSERTED = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"\r\n",
    b"\x1a",
    b"\x1a\x1a",
    b"\x1a3",
    b"\xbf",
    b"\xbf\x01\xbf",
    b"\xbf\xff\xff\xff\xff\x7f",
    b"<event",
    b"</event>",
    b"<!--",
    b"]]>",
    b";",
    b"*",
    b",",
    b'"',
    b"[" * 300,
    b"A" * 3_000,
)


class Reader:
    """What a subject's reader is to ``assail``."""

    def __init__(self, give: Callable[[bytes, datetime], Parsed], kept: object) -> None:
        self.give = give
        self.kept = kept


@dataclass(frozen=True)
class Subject:
    """One reader, how good messages of it are written, and how they are spoilt."""

    name: str
    make: Callable[[], Reader]
    good: Callable[[Random], bytes]
    spoilt: Callable[[Random], bytes]
    documents: bool
    """Each message is a document or datagram of its own, which may be refused whole."""
    kept_bytes_max: int


class Found(AssertionError):
    """A reader did what none may do."""


def assail(subject: Subject, random: Random, messages: int) -> Counter[str]:
    """Send so many messages through one reader; return what became of them.

    Raises:
        Found: the reader failed, kept too much, or did not come to itself.
    """
    reader, counts = subject.make(), Counter[str]()
    now, since_good = NOON, 0
    for number in range(messages):
        now += timedelta(milliseconds=random.randrange(2_000))
        data = subject.good(random) if random.random() < 0.3 else subject.spoilt(random)
        for piece in [data] if subject.documents else _pieces(random, data):
            counts.update(_give(subject, reader, piece, now))
        since_good += 1
        if since_good >= 50 or number == messages - 1:
            counts.update(_recover(subject, reader, random, now))
            since_good = 0
            kept = deep_bytes(reader.kept)
            if kept > subject.kept_bytes_max:
                raise Found(f"keeps {kept} bytes after {number + 1} messages")
    return counts


def _give(subject: Subject, reader: Reader, data: bytes, now: datetime) -> Counter[str]:
    try:
        parsed = reader.give(data, now)
    except BadInput:
        if not subject.documents:
            raise Found(f"BadInput in a stream, from {data[:200]!r}") from None
        return Counter(refused=1)
    except Exception as error:
        raise Found(f"{type(error).__name__}: {error}, from {data[:400]!r}") from error
    if not all(isinstance(report, PositionReport) for report in parsed.reports):
        raise Found("something else than reports")
    if not all(isinstance(reason, Refusal) and n >= 0 for reason, n in parsed.refused.items()):
        raise Found(f"odd counts: {parsed.refused}")
    counts = Counter({str(reason): count for reason, count in parsed.refused.items()})
    counts["reports"] += len(parsed.reports)
    return counts


def _recover(subject: Subject, reader: Reader, random: Random, now: datetime) -> Counter[str]:
    """Send good messages until one is read: no more than a skipped message may hide."""
    sent, counts = 0, Counter[str]()
    while sent < 20 * FRAME_BYTES_MAX + 10_000:
        data = subject.good(random)
        sent += len(data)
        counts.update(_give(subject, reader, data, now))
        if counts["reports"]:
            return counts
    raise Found("reads nothing good any more")


def _pieces(random: Random, data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = random.choice((1, 2, 3, 17, 100, 1_000, 10_000))
        yield data[at : at + size]
        at += size


def deep_bytes(thing: object, seen: set[int] | None = None) -> int:
    """Return the memory of an object of ours with all that it holds, roughly."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    size = sys.getsizeof(thing)
    if isinstance(thing, dict | OrderedDict):
        size += sum(deep_bytes(k, seen) + deep_bytes(v, seen) for k, v in thing.items())
    elif isinstance(thing, list | tuple | set | deque):
        size += sum(deep_bytes(one, seen) for one in thing)
    elif type(thing).__module__.startswith(("tansiq", "test")):
        size += (
            sum(deep_bytes(one, seen) for one in vars(thing).values())
            if hasattr(thing, "__dict__")
            else sum(deep_bytes(getattr(thing, name, None), seen) for name in thing.__slots__)
        )
    return size


def mangled(random: Random, data: bytes) -> bytes:
    """Return bytes with a few of them changed, lost, doubled or moved."""
    work = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(work) + 1)
        match random.randrange(6):
            case 0 if work:
                work[at % len(work)] ^= 1 << random.randrange(8)
            case 1:
                work[at:at] = random.choice(INSERTED)
            case 2:
                del work[at : at + random.randrange(1, 40)]
            case 3:
                work[at:at] = work[at : at + random.randrange(1, 40)]
            case 4:
                del work[at:]
            case _:
                work[at : at + 1] = random.randbytes(random.randrange(1, 8))
    return bytes(work)


def address(random: Random) -> str:
    return f"{random.randrange(1, 5_000):06x}"


# Each kind


def sbs_fields(random: Random) -> list[str]:
    kind = random.choice("1333345678")
    stamp = [NOON.strftime("%Y/%m/%d"), NOON.strftime("%H:%M:%S.000")]
    place = ["38.1", f"-122.{random.randrange(1_000):03}"] if kind in "23" else ["", ""]
    speed = ["120", "90"] if kind == "4" else ["", ""]
    head = ["MSG", kind, "1", "1", address(random).upper(), "1", *stamp, *stamp, "N123 ", "5000"]
    return [*head, *speed, *place, "-64", "7000", "0", "0", "0", "0"]


def sbs_good(random: Random) -> bytes:
    fields = sbs_fields(random)
    fields[1], fields[14:16] = "3", ["38.1", "-122.5"]
    return b"\r\n" + ",".join(fields).encode() + b"\r\n"


def sbs_spoilt(random: Random) -> bytes:
    fields = sbs_fields(random)
    for _ in range(random.randrange(1, 4)):
        at = random.randrange(len(fields))
        match random.randrange(4):
            case 0:
                del fields[at]
            case 1:
                fields.insert(at, random.choice(NUMBERS))
            case _:
                fields[at] = random.choice(
                    (*NUMBERS, "2026/02/30", "24:00:00", "9999/12/31", ":::")
                )
    data = ",".join(fields).encode() + random.choice((b"\r\n", b"\n", b"\r", b""))
    return mangled(random, data) if random.random() < 0.3 else data


def put_somewhere(random: Random, value: Any) -> Any:
    """Replace, remove or add a member at any depth."""
    if isinstance(value, dict) and value and random.random() < 0.9:
        key = random.choice(list(value))
        if random.random() < 0.5 and isinstance(value[key], dict | list):
            return value | {key: put_somewhere(random, value[key])}
        match random.randrange(6):
            case 0:
                return {k: v for k, v in value.items() if k != key}
            case 1:
                return value | {random.choice(("", "x", "\u0000", "lat" * 99)): value[key]}
            case _:
                return value | {key: random.choice(VALUES)}
    if isinstance(value, list) and value and random.random() < 0.9:
        at = random.randrange(len(value))
        return [*value[:at], put_somewhere(random, value[at]), *value[at + 1 :]]
    return random.choice(VALUES)


def as_json(random: Random, value: Any) -> bytes:
    for _ in range(random.randrange(1, 4)):
        value = put_somewhere(random, value)
    data = json.dumps(value, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
    return mangled(random, data) if random.random() < 0.3 else data


def sky(random: Random) -> dict[str, Any]:
    one = {
        "hex": address(random),
        "flight": "N123  ",
        "lat": 38.1,
        "lon": -122.5,
        "seen_pos": 0.5,
        "alt_baro": random.choice((5_000, "ground")),
        "alt_geom": 5_100,
        "gs": 120.5,
        "track": 359.9,
        "geom_rate": -64,
        "nic": 8,
        "nac_p": 9,
        "rc": 186,
        "mlat": [],
    }
    return {"now": NOON.timestamp(), "messages": 5, "aircraft": [one, dict(one)]}


def sent(random: Random) -> list[dict[str, Any]]:
    return [
        {
            "address": f"own:{address(random)}",
            "time": "2026-11-29T12:00:00Z",
            "lat": 38.1,
            "lng": -122.5,
            "altitude": {"value": 4_500, "units": "FT", "datum": "AMSL", "error_m": 3},
            "pressure_altitude": {"value": 45, "units": "FL", "datum": "FL"},
            "callsign": "SCOUT",
            "speed_mps": 40,
            "track_deg": 90,
            "climb_mps": 0,
            "horizontal_error_m": 10,
            "on_ground": False,
        }
    ]


def event(random: Random, attributes: dict[str, str] | None = None, inside: str = "") -> bytes:
    v = {
        "type": "a-f-A-M-H",
        "uid": address(random),
        "time": "2026-11-29T12:00:00Z",
        "stale": "2126-11-29T12:00:00Z",
        "lat": "38.1",
        "lon": "-122.5",
        "hae": "900",
        "ce": "10",
        "le": "9999999",
        "course": "90",
        "speed": "40",
    } | (attributes or {})
    head = " ".join(f'{name}="{v[name]}"' for name in ("type", "uid", "time", "stale"))
    point = " ".join(f'{name}="{v[name]}"' for name in ("lat", "lon", "hae", "ce", "le"))
    track = " ".join(f'{name}="{v[name]}"' for name in ("course", "speed"))
    return (
        f'<event version="2.0" {head}><point {point}/><detail><contact callsign="X"/>'
        f"<track {track}/>{inside}</detail></event>"
    ).encode()


INSIDE = (
    "<!-- <event> </event> -->",
    "<![CDATA[</event>]]>",
    "<event/>",
    "<d>" * 40,
    "<d>" * 31 + "</d>" * 31,
    "&amp;&#65;",
    "&x;",
    "&#0;",
    "<?php ?>",
    "<track course='x'/>",
    "\u0000",
    "y" * 1_900,
    "y" * 2_100,
    "<a " + " ".join(f'a{n}=""' for n in range(70)) + "/>",
)
HEADS = (
    '<?xml version="1.0" encoding="utf-16"?>',
    '<?xml version="1.0" encoding="bogus"?>',
    '<!DOCTYPE event [<!ENTITY x "yyyy">]>',
    '<!DOCTYPE event SYSTEM "http://127.0.0.1:9/">',
)


def event_spoilt(random: Random) -> bytes:
    name = random.choice(
        ("type", "uid", "time", "stale", "lat", "lon", "hae", "ce", "le", "course", "speed")
    )
    literals = (*NUMBERS, "a-f-G", "&lt;", "9999-12-31T23:59:59-23:59", "x" * 300, "\u200f")
    changes = {name: random.choice(literals)} if random.random() < 0.6 else {}
    data = event(random, changes, random.choice(INSIDE) if random.random() < 0.4 else "")
    if random.random() < 0.1:
        data = random.choice(HEADS).encode() + data
    return mangled(random, data) if random.random() < 0.4 else data


def tak_message(random: Random) -> Any:
    message = takproto.functions.xml2message(event(random).decode())
    found = message.cotEvent
    number = random.choice((0.0, float("nan"), float("inf"), -1e308, 9_999_999.0, 5.0))
    count = random.choice((0, 1, 2**63, 2**64 - 1, 4_102_444_800_000))
    match random.randrange(6):
        case 0:
            setattr(found, random.choice(("lat", "lon", "hae", "ce", "le")), number)
        case 1:
            setattr(found, random.choice(("sendTime", "startTime", "staleTime")), count)
        case 2:
            setattr(
                found, random.choice(("type", "uid", "how")), random.choice(("", "صقر", "x" * 300))
            )
        case 3:
            found.detail.track.speed = number
        case 4:
            message.ClearField("cotEvent")
        case _:
            found.detail.contact.callsign = random.choice(("", "\u0000", "x" * 2_500))
    return message


def tak_stream(random: Random) -> bytes:
    form = takproto.TAKProtoVer.STREAM
    data = bytes(takproto.functions.msg2proto(tak_message(random), form))
    if random.random() < 0.2:  # A length that is a lie.
        data = b"\xbf" + struct.pack("<I", random.getrandbits(28) | 0x808080)[:4] + data[3:]
    return mangled(random, data) if random.random() < 0.4 else data


def tak_mesh(random: Random) -> bytes:
    data = bytes(takproto.functions.msg2proto(tak_message(random), takproto.TAKProtoVer.MESH))
    return mangled(random, data) if random.random() < 0.4 else data


EVEN, ODD = "8d3933225857a0614676fec7e366", "8d393322585797d74473f18b349f"


def squitter(random: Random) -> bytes:
    """Return an extended squitter with good parity and any content, or another message."""
    if random.random() < 0.2:
        return random.randbytes(random.choice((7, 14)))
    kind = random.choice((17, 17, 18))
    code = random.randrange(32)
    body = bytearray(random.randbytes(7))
    body[0] = code << 3 | random.randrange(8)
    head = bytes([kind << 3 | random.randrange(8)]) + bytes.fromhex(address(random))
    return head + bytes(body) + crc(head + bytes(body))


def beast(message: bytes, random: Random) -> bytes:
    kind = b"3" if len(message) == 14 else b"2"
    body = random.choice((bytes(7), b"\x1a" * 7, random.randbytes(7))) + message
    return b"\x1a" + kind + body.replace(b"\x1a", b"\x1a\x1a")


def beast_good(random: Random) -> bytes:
    return b"".join(beast(bytes.fromhex(frame), random) for frame in (EVEN, ODD, EVEN))


def beast_spoilt(random: Random) -> bytes:
    data = beast(squitter(random), random)
    if random.random() < 0.1:
        data = b"\x1a" + bytes([random.randrange(256)]) + random.randbytes(random.randrange(40))
    return mangled(random, data) if random.random() < 0.3 else data


def avr_good(_: Random) -> bytes:
    return f";*{EVEN};\r\n*{ODD};\r\n*{EVEN};\r\n".encode()


def avr_spoilt(random: Random) -> bytes:
    digits = squitter(random).hex()
    head = random.choice(("*", "@0123456789ab", "<0123456789ab00", "%", ""))
    data = f"{head}{random.choice((digits, digits.upper(), digits[:-1]))};\r\n".encode()
    return mangled(random, data) if random.random() < 0.3 else data


def _stream(make: Callable[[], Any]) -> Callable[[], Reader]:
    def reader() -> Reader:
        parser = make()
        return Reader(parser.feed, parser)

    return reader


def _documents(parse: Callable[[bytes], Parsed]) -> Callable[[], Reader]:
    return lambda: Reader(lambda data, _now: parse(data), ())


def _datagrams() -> Reader:
    parser = CotParser(frame_bytes_max=FRAME_BYTES_MAX)
    return Reader(parser.datagram, parser)


def sbs_parser() -> SbsParser:
    return SbsParser(addresses_max=ADDRESSES_MAX)


def cot_parser() -> CotParser:
    return CotParser(frame_bytes_max=FRAME_BYTES_MAX)


SUBJECTS = (
    Subject("sbs", _stream(sbs_parser), sbs_good, sbs_spoilt, False, 15_000),
    Subject(
        "aircraft.json",
        _documents(lambda data: aircraft_json.parse(data, age_s_max=60, aircraft_max=100)),
        lambda random: json.dumps(sky(random)).encode(),
        lambda random: as_json(random, sky(random)),
        True,
        1_000,
    ),
    Subject(
        "positions",
        _documents(lambda data: positions_json.parse(data, count_max=100)),
        lambda random: json.dumps(sent(random)).encode(),
        lambda random: as_json(random, sent(random)),
        True,
        1_000,
    ),
    Subject("cot", _stream(cot_parser), event, event_spoilt, False, 6_000),
    Subject(
        "cot and tak",
        _stream(cot_parser),
        event,
        lambda random: random.choice((tak_stream, event_spoilt))(random),
        False,
        6_000,
    ),
    Subject(
        "datagrams",
        _datagrams,
        event,
        lambda random: random.choice((tak_mesh, event_spoilt))(random),
        True,
        5_000,
    ),
    Subject(
        "beast",
        _stream(
            lambda: RawParser(
                BeastFrames(), addresses_max=ADDRESSES_MAX, monotonic_s=time.monotonic
            )
        ),
        beast_good,
        beast_spoilt,
        False,
        16_000,
    ),
    Subject(
        "avr",
        _stream(
            lambda: RawParser(AvrFrames(), addresses_max=ADDRESSES_MAX, monotonic_s=time.monotonic)
        ),
        avr_good,
        avr_spoilt,
        False,
        16_000,
    ),
)
