"""Bytes that nobody honest sends: whole bodies, values inside good bodies, paths.

Literals are raw JSON text, because a JSON library would refuse to write most of them.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

MARK = "@@hostile@@"
"""Stands in a good body where a literal is to go."""

NUMBERS = (
    b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1e-400", b"-0.0", b"0", b"-1",
    b"1" + b"0" * 400, b"0." + b"3" * 400, b"9007199254740993", b"18446744073709551616", b"1e308",
    b"01", b"+1", b".5", b"1.", b"0x10", b"1_000",
)  # fmt: skip
STRINGS = (
    b'"\\ud800"', b'"\\udfff\\ud800"', b'"\\u0000"', b'"a\\u0000b"', b'""', b'" "',
    b'"\\u202e\\u200f"', b'"' + b"x" * 100_000 + b'"', b'"' + "é".encode() * 600 + b'"',
    b'"\xff\xfe"', b'"\x00"', b'"\n"', b'"%s%n{}"',
    b"\"'; DROP TABLE plan; --\"", b'"../../etc/passwd"',
)  # fmt: skip
TIMES = tuple(
    f'"{text}"'.encode()
    for text in (
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:60Z", "10000-01-01T00:00:00Z", "-0001-01-01T00:00:00Z",
        "2026-06-30T23:59:60Z", "2026-02-30T12:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T12:00Z",
        "2026-11-24T12:00:00", "2026-11-24T12:00:00+23:59", "2026-11-24t12:00:00z",
        "2026-11-24T12:00:00." + "9" * 1_000 + "Z", "２０２６-11-24T12:00:00Z",
        "2026-W48-2T12:00:00Z",
    )
)  # fmt: skip
OTHERS = (b"null", b"true", b"[]", b"{}", b"[[]]", b'{"a":{}}', b"[null]", b'[""]', b"")
LITERALS = (*NUMBERS, *STRINGS, *TIMES, *OTHERS)

BODIES = (
    b"", b" ", b"null", b"[]", b"{}", b"1", b'"x"', b"{", b"}", b"\x00", b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    "{}".encode("utf-16"), b"{}{}", b'{"a":1,"a":2}', b"[" * 100_000, b'{"a":' * 50_000,
    b'{"a":"' + b"[" * 100_000 + b'"}', b"\x1f\x8b\x08\x00", b"<xml/>", b"a=1&b=2",
    b"{" + b'"k":1,' * 50_000 + b'"z":1}',
)  # fmt: skip

IDS = (
    "%00", "%2f", "%2F..%2F..", "..%2f..%2fetc", "%2e%2e", ".", "%0a", "%ff", "%c0%af", "a%00b",
    "%ed%a0%80", "x" * 3_000, "1" * 3_000, "%E2%80%AE", "{entityid}", "'", "%25", "%3f", "%23",
    "2F8343BE-6482-4D1B-A474-16847E01AF1E", "2f8343be64824d1ba47416847e01af1e",
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "2f8343be-6482-4d1b-a474-16847e01af1e%0a", "2f8343be-6482-4d1b-a474-16847e01af1e%20",
    "%EF%BC%92f8343be-6482-4d1b-a474-16847e01af1e",
)  # fmt: skip


def spoilt(good: Any) -> Iterator[bytes]:
    """Yield the good body with each literal in each of its places, and each name doubled."""
    for marked in _marked(good):
        text = json.dumps(marked).encode()
        for literal in LITERALS:
            yield text.replace(f'"{MARK}"'.encode(), literal)
    text = json.dumps(good).encode()
    for name in sorted(_names(good)):
        quoted = json.dumps(name).encode() + b": "
        yield text.replace(quoted, quoted + b"null, " + quoted, 1)
        yield text.replace(quoted, json.dumps(name.upper()).encode() + b": ", 1)


def _marked(value: Any) -> Iterator[Any]:
    yield MARK
    if isinstance(value, dict):
        for name, part in value.items():
            for marked in _marked(part):
                yield {**value, name: marked}
    if isinstance(value, list):
        for i, part in enumerate(value):
            for marked in _marked(part):
                yield [*value[:i], marked, *value[i + 1 :]]


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    if isinstance(value, list):
        return set().union(*map(_names, value))
    return set()


def moment(hours: float) -> dict[str, str]:
    """Return a time so far ahead."""
    text = (datetime.now(UTC) + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    return {"value": text, "format": "RFC3339"}


def volume() -> dict[str, Any]:
    """Return a good volume, as a polygon."""
    corners = [(50.0, 10.0), (50.0, 10.02), (50.02, 10.01)]
    return {
        "volume": {
            "outline_polygon": {"vertices": [{"lat": a, "lng": o} for a, o in corners]},
            "altitude_lower": {"value": 100.0, "reference": "W84", "units": "M"},
            "altitude_upper": {"value": 200.0, "reference": "W84", "units": "M"},
        },
        "time_start": moment(0.5),
        "time_end": moment(1.5),
    }


def round_volume() -> dict[str, Any]:
    """Return a good volume, as a circle."""
    circle = {"center": {"lat": 50.0, "lng": 10.0}, "radius": {"value": 300.0, "units": "M"}}
    whole = volume()
    whole["volume"] = {**whole["volume"], "outline_circle": circle}
    del whole["volume"]["outline_polygon"]
    return whole


def reference(entity: str, state: str | None) -> dict[str, Any]:
    """Return a good reference; of a constraint where there is no state."""
    good: dict[str, Any] = {
        "id": entity,
        "manager": "uss1",
        "uss_availability": "Unknown",
        "version": 1,
        "time_start": moment(0.5),
        "time_end": moment(1.5),
        "uss_base_url": "http://127.0.0.1:1",
        "ovn": "abcdefghijklmnopqrstuvwxyz",
    }
    if state:
        good |= {"state": state, "subscription_id": entity}
    return good
