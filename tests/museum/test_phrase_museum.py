"""The museum of bad phrases: each is refused, with the field that is wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tansiq.domain.phrase import (
    COUNT_MAX,
    COUNTED,
    DISTANCE_M_MAX,
    DURATION_S_MAX,
    MINUTES_MAX,
    NAME_CHARS_MAX,
    TEXT_CHARS_MAX,
    Kind,
    Phrase,
    read_value,
)
from tansiq.errors import BadInput
from tansiq.formats.phrase_book import phrase_json, read_phrase

TOLD = "2026-11-28T14:32:00Z"
NAMES = (Kind.PLACE, Kind.PERSON, Kind.DESK)
LONG = "x" * (NAME_CHARS_MAX + 1)
BAD: list[tuple[Kind, Any]] = [
    *((Kind.CALLSIGN, bad) for bad in ("", " A", "A ", "A\nB", "A\u202eB", "A\u200dB")),
    *((Kind.CALLSIGN, bad) for bad in (LONG, 5, None)),
    *(
        (Kind.TIME, bad)
        for bad in (
            "1432Z", "2026-11-28T14:32Z", "2026-11-28T14:32:00", "2026-11-28T14:32:00+00:00",
            "2026-11-28T14:32:00.5Z", "2026-11-31T14:32:00Z", "2026-11-28T24:00:00Z",
            "1899-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "٢٠٢٦-11-28T14:32:00Z", 1_780_000_000,
        )
    ),
    *((Kind.DURATION, bad) for bad in (-1, DURATION_S_MAX + 1, "5", 5.0, True, None)),
    *((Kind.MINUTES, bad) for bad in (-1, MINUTES_MAX + 1, "5", 1.5, False, [5])),
    *((kind, bad) for kind in COUNTED[1:] for bad in (-1, COUNT_MAX + 1, "1")),
    *((Kind.NUMBER, bad) for bad in (-1, 1_000_000_001)),
    *((Kind.DISTANCE, bad) for bad in (-1, DISTANCE_M_MAX + 1, "1 km")),
    *((Kind.MILLISECONDS, bad) for bad in (-1, 86_400_001)),
    *((Kind.DIRECTION, bad) for bad in ("n", "NNE", "north", "", 0)),
    *(
        (Kind.ALTITUDE, bad)
        for bad in (
            "3500", "3500 ft", "3500 AMSL", "3500ft AMSL", "3,500 ft AMSL", "3500.5 ft AMSL",
            "03500 ft AMSL", "-0 m W84", "3500 km AMSL", "3500 ft WGS84", "FL085", "-8002 m W84",
            "100002 m W84", "328088 ft AMSL", "٣٥٠٠ ft AMSL", "1000000 ft AMSL", 3500,
        )
    ),
    *((Kind.LEVEL, bad) for bad in ("FL85", "FL0850", "FL651", "fl085", "085", "FL085 ", "FL٠٨٥")),
    *(
        (Kind.POSITION, bad)
        for bad in (
            "", "35.3", "35.3 35.9", "35.3, 35.9", "90.0000001,0", "-90.0000001,0", "0,180.0000001",
            "0,-180.0000001", "-0,5", "5,-0.0", "05,5", "5,005", "1.12345678,5",
            "36SYE66961450", "1e1,5",
        )
    ),
    *((Kind.FREQUENCY, bad) for bad in ("29.999", "400.000", "123.45", "123,450", "123.4500")),
    *((Kind.SQUAWK, bad) for bad in ("7008", "700", "70000", "٧٠٠٠", 7000)),
    *((Kind.DIGEST, bad) for bad in ("ab", "AB" * 32, "ab" * 33)),
    *((kind, bad) for kind in NAMES for bad in ("", " x", "\u2066", LONG)),
    *((Kind.PARTY, bad) for bad in ("", "North", "north ", "-north", "n" * 61)),
    *(
        (Kind.TEXT, bad)
        for bad in ("", " ", "x\ty", "a\nb", "\u202dabc", "\u2067abc", "a\u200e", "x" * 501)
    ),
    *((Kind.TEXT, bad) for bad in ("\ud800", 5)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "bad"), BAD, ids=[f"{k}-{str(b)[:20]!a}" for k, b in BAD])
def test_a_value_that_is_none_of_its_kind_is_refused(kind: Kind, bad: Any) -> None:
    with pytest.raises(BadInput) as caught:
        read_value(kind, bad, "parameters.x")
    assert caught.value.field
    assert len(str(caught.value)) < 300


GOOD: list[tuple[Kind, Any]] = [
    (Kind.CALLSIGN, "x" * NAME_CHARS_MAX),
    (Kind.CALLSIGN, "صقر ١"),
    (Kind.TIME, "1900-01-01T00:00:00Z"),
    (Kind.TIME, "2200-12-31T23:59:59Z"),
    *((Kind.DURATION, good) for good in (0, DURATION_S_MAX)),
    *((Kind.MINUTES, good) for good in (0, MINUTES_MAX)),
    *((kind, good) for kind in COUNTED[1:] for good in (0, COUNT_MAX)),
    *((Kind.NUMBER, good) for good in (0, 1_000_000_000)),
    *((Kind.DISTANCE, good) for good in (0, DISTANCE_M_MAX)),
    *((Kind.MILLISECONDS, good) for good in (0, 86_400_000)),
    *(
        (Kind.ALTITUDE, good)
        for good in ("0 m W84", "-8001 m W84", "100001 m AMSL", "328087 ft AMSL", "-1 ft AGL")
    ),
    *((Kind.LEVEL, good) for good in ("FL000", "FL650", "100000 m W84")),
    *(
        (Kind.POSITION, good)
        for good in ("90,180", "-90,-180", "0,0", "0.0,0.0", "-0.0000001,0", "5.1234567,-0.1")
    ),
    *((Kind.FREQUENCY, good) for good in ("30.000", "399.999")),
    *((Kind.SQUAWK, good) for good in ("0000", "7777")),
    (Kind.PARTY, "n" * 60),
    (Kind.TEXT, "می\u200cخواهم"),
    (Kind.TEXT, "x" * TEXT_CHARS_MAX),
]


@pytest.mark.parametrize(("kind", "good"), GOOD, ids=[f"{k}-{str(g)[:20]!a}" for k, g in GOOD])
def test_a_value_at_its_limit_is_taken(kind: Kind, good: Any) -> None:
    assert read_value(kind, good, "parameters.x") == good


DOCUMENTS = [
    ("empty", b"", "JSON"),
    ("a list", b"[]", "object"),
    ("no code", b'{"parameters": {}}', "code"),
    ("no parameters", b'{"code": "say.affirm"}', "parameters"),
    ("something more", b'{"code": "say.affirm", "parameters": {}, "to": 1}', "to"),
    ("code is a number", b'{"code": 5, "parameters": {}}', "code"),
    ("code in capitals", b'{"code": "SAY.AFFIRM", "parameters": {}}', "code"),
    ("code of one word", b'{"code": "affirm", "parameters": {}}', "code"),
    ("code is a path", b'{"code": "../say.affirm", "parameters": {}}', "code"),
    ("unknown code", b'{"code": "say.purpose", "parameters": {}}', "code"),
    ("parameters are a list", b'{"code": "say.affirm", "parameters": []}', "parameters"),
    ("one too many", b'{"code": "say.affirm", "parameters": {"x": 1}}', "parameters.x"),
    ("strange name", b'{"code": "say.affirm", "parameters": {"a b": 1}}', "parameters"),
    ("one missing", b'{"code": "say.text", "parameters": {}}', "parameters.text"),
    ("a fraction", b'{"code": "say.call-back-in", "parameters": {"minutes": 1.5}}', "minutes"),
    (
        "whole, as a fraction",
        b'{"code": "say.call-back-in", "parameters": {"minutes": 1.0}}',
        "min",
    ),
    ("true", b'{"code": "say.call-back-in", "parameters": {"minutes": true}}', "minutes"),
    ("null", b'{"code": "say.call-back-in", "parameters": {"minutes": null}}', "minutes"),
    ("in quotes", b'{"code": "say.call-back-in", "parameters": {"minutes": "5"}}', "minutes"),
    ("an object", b'{"code": "say.text", "parameters": {"text": {}}}', "parameters.text"),
    ("twice", b'{"code": "say.text", "parameters": {"text": "a", "text": "b"}}', "text"),
    ("too deep", b'{"code": "say.text", "parameters": {"text": {"a": {}}}}', "deeper"),
    ("not UTF-8", b'{"code": "say.text", "parameters": {"text": "\xff"}}', "UTF-8"),
    ("half a pair", b'{"code": "say.text", "parameters": {"text": "\\ud800"}}', "text"),
    ("too long", b'{"code": "say.text", "parameters": {"text": "' + b"x" * 501 + b'"}}', "text"),
    ("too big", b" " * 16_001, "bytes"),
    (
        "nine parameters",
        b'{"code": "say.text", "parameters": {'
        + b", ".join(b'"%c": 1' % c for c in b"abcdefghi")
        + b"}}",
        "parameters",
    ),
]


@pytest.mark.parametrize(("name", "data", "word"), DOCUMENTS, ids=[d[0] for d in DOCUMENTS])
def test_a_document_that_is_no_phrase_is_refused(name: str, data: bytes, word: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_phrase(data)
    assert word in str(caught.value)


def test_the_same_phrase_is_always_the_same_bytes() -> None:
    a = Phrase(code="say.has-ended", parameters={"flight": "صقر", "time": TOLD})
    b = Phrase(code="say.has-ended", parameters={"time": TOLD, "flight": "صقر"})
    assert phrase_json(a) == phrase_json(b)
    assert phrase_json(a).decode() == (
        '{"code":"say.has-ended","parameters":{"flight":"صقر","time":"2026-11-28T14:32:00Z"}}'
    )


def test_times_that_differ_by_a_microsecond_are_not_hidden() -> None:
    """The wire form has whole seconds; what is not, is refused rather than cut."""
    at = datetime(2026, 11, 28, 14, 32, tzinfo=UTC) + timedelta(microseconds=1)
    with pytest.raises(BadInput):
        read_value(Kind.TIME, at.isoformat().replace("+00:00", "Z"), "time")
