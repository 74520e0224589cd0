"""The text of notes: one spelling of each, and nothing else is read."""

import re
from dataclasses import replace

import pytest
from conversations import NOON, PLAN, Talk, of_every_kind

from tansiq.domain.note import (
    COUNT_MAX,
    FORMS,
    PAYLOAD_BYTES_MAX,
    TEXT_BYTES_MAX,
    Head,
    Kind,
    Note,
    commitment,
    read_note,
)
from tansiq.errors import BadInput

NOTES = of_every_kind()


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.kind)
def test_what_is_written_is_read_back(note: Note) -> None:
    assert read_note(str(note)) == note


def test_every_kind_of_the_design_is_there() -> None:
    design = [
        *("agreement", "key", "notice", "receipt", "seen", "readback", "answer", "counter"),
        *("withdraw", "check", "check-reply", "stop", "all-clear", "line", "call", "confirm"),
        *("incident", "review", "handover", "clock", "gap", "status", "outcome", "refusal"),
        *("alarm", "alarm-ack"),
    ]
    assert {*design, "say"} == {kind.value for kind in FORMS}


def test_there_is_no_place_for_what_a_flight_is_for() -> None:
    keys = {key for form in FORMS.values() for key, _ in form.keys}
    assert not keys & {"purpose", "target", "payload-type", "mission", "cargo"}


@pytest.mark.parametrize("note", NOTES, ids=lambda note: note.kind)
def test_every_changed_bit_is_another_note_or_none(note: Note) -> None:
    data = str(note).encode()
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            read = read_note(changed.decode())
        except (BadInput, UnicodeDecodeError):
            continue
        # Canonical: what is read is written the same.
        assert str(read).encode() == bytes(changed)
        assert read != note


@pytest.mark.parametrize(
    ("pattern", "to", "field"),
    [
        ("from: .*", "from: North", "from"),
        ("from: .*\n", "", "from"),
        ("from: .*", "from: " + "n" * 61, "from"),
        ("number: .*", "number: 07", "number"),
        ("number: .*", "number: -1", "number"),
        ("turn: .*", "turn: 1e3", "turn"),
        ("turn: .*", "turn: 0", "turn"),
        ("time: .*", "time: 2026-11-28T12:00:00Z", "time"),
        ("time: .*", "time: 2026-02-30T12:00:00.000000Z", "time"),
        ("time: .*", "time: 1899-12-31T23:59:59.999999Z", "time"),
        ("clock: .*", "clock: 0.01", "clock"),
        ("clock: .*", "clock: -0.010", "clock"),
        ("clock: .*", "clock: ٠.010", "clock"),
        ("head: .*", "head: 1 " + "A" * 42 + "B=", "head"),
        ("head: .*", "head: 1 AAAA", "head"),
        ("head: .*", "head: 1 " + "A" * 42 + "/=", "head"),
        ("mode: live", "mode: drill", "mode"),
        ("mode: live\n", "mode: live\nmode: live\n", "number"),
        ("start: .*", "start: 2026-11-28T14:00:00.000001Z", "end"),
        ("start: (.*)\nend: (.*)", r"end: \2\nstart: \1", "start"),
        ("payload: .*\n", "", "payload"),
        ("payload: .*\n", "payload: " + "b" * 64 + "\r\n", "payload"),
        (r"\Z", "purpose: none\n", "payload"),
        ("@v1", "@v2", "note"),
        ("tansiq/notice", "tansiq/mission", "note"),
        ("to: south", "to: north", "to"),
    ],
)
def test_what_is_not_canonical_is_refused_by_name(pattern: str, to: str, field: str) -> None:
    text = str(NOTES[0])
    changed = re.sub(pattern, to, text, count=1)
    assert changed != text
    with pytest.raises(BadInput) as caught:
        read_note(changed)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("kind", "line", "taken"),
    [
        (Kind.KEY, f"public-key: {'A' * 42}E=", True),
        (Kind.KEY, f"public-key: {'A' * 42}F=", False),
        (Kind.CLOCK, "least: 0.000000", True),
        (Kind.CLOCK, "least: -0.000000", False),
        (Kind.CLOCK, "least: -0.000001", True),
    ],
)
def test_a_value_has_one_spelling(kind: Kind, line: str, *, taken: bool) -> None:
    (text,) = (str(note) for note in NOTES if note.kind is kind)
    key = line.partition(":")[0]
    changed = re.sub(f"{key}: .*", line, text, count=1)
    assert changed != text
    if taken:
        assert str(read_note(changed)) == changed
        return
    with pytest.raises(BadInput) as caught:
        read_note(changed)
    assert caught.value.field == key


def test_the_longest_note_is_read_and_a_longer_text_is_not() -> None:
    longest = replace(
        NOTES[0],
        sender="n" * 60,
        receiver="s" * 60,
        number=COUNT_MAX - 1,
        turn=COUNT_MAX - 1,
        head=Head(COUNT_MAX - 1, bytes(32)),
        clock_error_ms=10**9 - 1,
    )
    assert len(str(longest)) < TEXT_BYTES_MAX
    assert read_note(str(longest)) == longest
    with pytest.raises(BadInput, match="more than"):
        read_note("x" * (TEXT_BYTES_MAX + 1))


def test_a_payload_is_held_to_its_limit() -> None:
    commitment(bytes(16), bytes(PAYLOAD_BYTES_MAX))
    with pytest.raises(BadInput, match="more than"):
        commitment(bytes(16), bytes(PAYLOAD_BYTES_MAX + 1))
    for length in (15, 17):
        with pytest.raises(BadInput, match="are not 16"):
            commitment(bytes(length), b"{}")


def test_the_salt_hides_what_could_be_guessed() -> None:
    assert commitment(bytes(16), b"{}") != commitment(bytes(15) + b"\1", b"{}")


def test_own_lines_are_asked_for_by_name() -> None:
    talk = Talk()
    talk.say("north", Kind.NOTICE)
    note = talk.notes[0][1]
    assert note["id"] == PLAN
    assert (note.instant("start") - NOON).total_seconds() == 3600
    with pytest.raises(KeyError):
        note["purpose"]
