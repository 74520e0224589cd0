"""Payloads: JSON that two readers cannot read differently, and nothing that nobody asked for."""

import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from tansiq.domain.note import PAYLOAD_BYTES_MAX, Head, Kind, Mode, Note
from tansiq.errors import BadInput, TansiqError, TooLarge
from tansiq.f3548 import wire
from tansiq.formats import tree
from tansiq.formats.payload import Move, Payload, Person, check_fit, read_payload, write_payload

BY = '"by":{"name":"A. Karam","initials":"AK"}'
EAST = ("2026-11-28T13:00:00Z", "2026-11-28T14:00:00Z")


def volume(start: str, end: str, lng: float = 2.0) -> wire.Volume4D:
    return wire.Volume4D(
        volume=wire.Volume3D(
            outline_circle=wire.Circle(
                center=wire.LatLngPoint(lat=1.0, lng=lng), radius=wire.Radius(value=90.0, units="M")
            ),
            altitude_lower=wire.Altitude(value=0.0, reference="W84", units="M"),
            altitude_upper=wire.Altitude(value=120.0, reference="W84", units="M"),
        ),
        time_start=wire.Time(value=start, format="RFC3339"),
        time_end=wire.Time(value=end, format="RFC3339"),
    )


VOLUME = json.dumps(json.loads(write_payload(Kind.NOTICE, Payload(volumes=(volume(*EAST),)))))[
    len('{"volumes": [') : -len("]}")
]


def note(kind: Kind, **own: str) -> Note:
    return Note(
        kind=kind,
        sender="north",
        receiver="south",
        agreement="a" * 64,
        mode=Mode.LIVE,
        number=1,
        turn=1,
        time=datetime(2026, 11, 28, 12, tzinfo=UTC),
        clock_error_ms=10,
        head=Head(0, bytes(32)),
        thread=None,
        re=None,
        own=tuple(own.items()),
        payload="b" * 64,
    )


def obj(*members: str) -> str:
    return "{" + ",".join(members) + "}"


def good(kind: Kind, text: str) -> bool:
    try:
        read_payload(kind, text.encode())
    except TansiqError:
        return False
    return True


def test_a_byte_order_mark_is_refused() -> None:
    assert good(Kind.CHECK, obj(BY))
    assert not good(Kind.CHECK, "\ufeff" + obj(BY))
    assert not good(Kind.CHECK, obj(BY) + "\ufeff")
    assert good(Kind.CHECK, obj(BY, '"text":"\ufeff"'))  # Within a text it is a character.
    assert tree.parse(b"\xef\xbb\xbf{}", bytes_max=5, depth_max=1) == {}  # Files of people keep it.


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        (r"\ud83d\ude81", True),
        (r"\ud7ff\ue000", True),
        (r"\\ud800", True),
        (r"\ud800", False),
        (r"\udfff", False),
        (r"\ude81\ud83d", False),
        (r"\ud83d \ude81", False),
        (r"\\\uD800", False),
    ],
)
def test_half_of_a_surrogate_pair_is_refused(text: str, *, whole: bool) -> None:
    assert good(Kind.CHECK, obj(BY, f'"text":"{text}"')) == whole
    in_a_name = f'{{{BY},"volumes":[{VOLUME}],"stated":[{{"{text}":1}}]}}'
    assert good(Kind.STOP, in_a_name) == whole


@pytest.mark.parametrize(
    ("number", "taken"),
    [
        ("0", True),
        ("0.0", True),
        ("-1e-323", True),
        ("-0", False),
        ("-0.0", False),
        ("-0e7", False),
        ("-1e-324", False),
        ("9007199254740991", True),
        ("-9007199254740991", True),
        ("9007199254740992", False),
        ("-9007199254740992", False),
        ("9007199254740992.0", True),
        ("1" * 400, False),
        ("1e308", True),
        ("1e309", False),
        ("NaN", False),
        ("01", False),
        ("+1", False),
        (".5", False),
    ],
)
def test_numbers_that_readers_could_take_for_two_are_refused(number: str, *, taken: bool) -> None:
    text = f'{{{BY},"volumes":[{VOLUME}],"stated":[{{"value":{number}}}]}}'
    assert good(Kind.STOP, text) == taken


def test_depth_and_length_to_the_step() -> None:
    def nested(levels: int) -> str:
        below = "[" * (levels - 3) + "]" * (levels - 3)
        return f'{{{BY},"volumes":[{VOLUME}],"stated":[{{"x":{below}}}]}}'

    assert good(Kind.STOP, nested(16))
    with pytest.raises(TooLarge):
        read_payload(Kind.STOP, nested(17).encode())
    short = "{" + BY
    assert good(Kind.CHECK, short.ljust(PAYLOAD_BYTES_MAX - 1) + "}")
    with pytest.raises(TooLarge):
        read_payload(Kind.CHECK, (short.ljust(PAYLOAD_BYTES_MAX) + "}").encode())


@pytest.mark.parametrize(
    ("kind", "members", "field"),
    [
        (Kind.CHECK, '"text":""', "payload.text"),
        (Kind.CHECK, '"volumes":[]', "payload.volumes"),
        (Kind.RECEIPT, '"priority":0', "payload.priority"),
        (Kind.ANSWER, '"minutes":null', "payload.minutes"),
        (Kind.SAY, '"parameters":null', "payload.parameters"),
        (Kind.STOP, '"volumes":[{"purpose":1,' + VOLUME[1:] + "]", "purpose"),
        (
            Kind.STOP,
            '"volumes":[' + VOLUME.replace('"outline', '"outline_polygon":null,"outline', 1) + "]",
            "polygon",
        ),
        (Kind.CHECK, '"by":{"name":"A","initials":"A","desk":""}', "payload.by.desk"),
    ],
)
def test_what_says_nothing_or_is_not_known_is_refused(kind: Kind, members: str, field: str) -> None:
    text = obj(members) if kind is Kind.RECEIPT or "by" in members else obj(BY, members)
    with pytest.raises(BadInput) as caught:
        read_payload(kind, text.encode())
    assert str(caught.value.field).endswith(field)


def test_zeros_of_a_shift_may_stand_or_not() -> None:
    for shift in ("{}", '{"delay_s":0}', '{"delay_s":0,"up_m":0.0,"north_m":0,"east_m":0}'):
        text = f'{{{BY},"shift":{shift}}}'
        assert read_payload(Kind.COUNTER, text.encode()).shift == Move()


def test_minus_zero_is_written_as_zero() -> None:
    """A plan drawn on the meridian of Greenwich must not be refused by its receiver."""
    payload = Payload(volumes=(volume(*EAST, lng=-0.0),), text="-0.0")
    written = write_payload(Kind.NOTICE, payload)
    assert read_payload(Kind.NOTICE, written) == payload
    assert json.loads(written)["text"] == "-0.0"
    by = Person(name="A", initials="A")
    shifted = write_payload(Kind.COUNTER, Payload(by=by, shift=Move(up_m=-0.0)))
    assert read_payload(Kind.COUNTER, shifted).shift == Move()


def test_volumes_and_document_are_those_of_the_note() -> None:
    plan = {"subject": "plan", "id": "12345678-1234-4234-8234-123456789012", "version": "1"}
    times = {"start": f"{EAST[0][:-1]}.000000Z", "end": f"{EAST[1][:-1]}.000000Z"}
    notice = note(Kind.NOTICE, **plan, **times)
    agreement = note(Kind.AGREEMENT, digest=sha256(b"x").hexdigest(), version="1")
    check_fit(notice, Payload(volumes=(volume(*EAST),)))
    with pytest.raises(BadInput, match="another time"):
        check_fit(notice, Payload(volumes=(volume(EAST[0], "2026-11-28T14:00:00.000001Z"),)))
    check_fit(agreement, Payload(document="x"))
    check_fit(agreement, Payload())
    with pytest.raises(BadInput, match="not the one"):
        check_fit(agreement, Payload(document="y"))
