"""Writes tests/data/note_vectors.json: keys, notes, letters, conversations, and what comes of them.

    python scripts/note_vectors.py [--check]

More cases are in the vector_*.py beside this.

The vectors are made from fixed keys and salts, so a change of the format shows as a difference.
"""

import base64
import json
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "domain"), str(ROOT / "scripts")]

from conversations import Talk, of_every_kind  # noqa: E402
from vector_lead import lead_times, line_notes, lines  # noqa: E402
from vector_logs import checkpoints, growth, proofs  # noqa: E402
from vector_parts import PARTIES, key  # noqa: E402
from vector_payloads import payloads  # noqa: E402
from vector_signed import bad_keys, signatures  # noqa: E402
from vector_talk import cells, conversations, turns  # noqa: E402
from vector_texts import texts  # noqa: E402

from tansiq.domain.note import FORMS, Kind, Note, commitment, read_note  # noqa: E402
from tansiq.errors import BadInput, TansiqError  # noqa: E402
from tansiq.formats import signed_note  # noqa: E402
from tansiq.formats.letter import (  # noqa: E402
    Wire,
    check_sender,
    name_of,
    opened,
    read_letter,
)
from tansiq.formats.payload import TAKES, check_fit, read_payload  # noqa: E402

PATH = ROOT / "tests" / "data" / "note_vectors.json"


def keys() -> list[dict[str, str]]:
    return [
        {
            "party": party,
            "public_key": key(party).public_key().public_bytes_raw().hex(),
            "vkey": signed_note.verifier_key(party, key(party)).encode(),
        }
        for party in PARTIES
    ]


def signed(note: Note) -> bytes:
    return signed_note.sign(str(note), name=note.sender, key=key(note.sender))


def notes() -> list[dict[str, object]]:
    found = []
    for note in of_every_kind():
        data = signed(note)
        found.append({"kind": note.kind, "note": data.decode(), "name": name_of(data)})
    return found


def letters() -> list[dict[str, object]]:
    note = of_check()
    salt, payload = bytes(range(16)), '{"by":{"name":"A. Karam","initials":"AK"}}'
    text = str(note).replace("b" * 64, commitment(salt, payload.encode()))
    wire = {
        "note": signed(read_note(text)).decode(),
        "salt": "AAECAwQFBgcICQoLDA0ODw==",
        "payload": payload,
    }
    assert opened(Wire(**wire)).payload == payload.encode()
    whole = wire["note"]
    bare = {"note": whole}
    good = [("whole", wire), ("withheld", bare), ("nulls", {**bare, "salt": None, "payload": None})]
    found = [{"what": what, "letter": letter, "good": True} for what, letter in good]
    for what, letter in bad_letters(wire, text):
        data = json.dumps(letter).encode()
        try:
            letter_read = read_letter(data)
            check_sender(letter_read, key("north").public_key().public_bytes_raw())
            check_fit(
                letter_read.note, read_payload(letter_read.note.kind, letter_read.payload or b"{}")
            )
        except TansiqError:
            found.append({"what": what, "letter": letter, "good": False})
        else:
            raise AssertionError(what)
    return found


def bad_letters(wire: dict[str, str], text: str) -> list[tuple[str, dict[str, str]]]:
    """Return what differs from a good letter, each in one thing."""
    payload, salt, whole = wire["payload"], wire["salt"], wire["note"]
    dashed = whole.split("\n\n")[1]
    data = base64.b64decode(dashed.split()[2])

    def with_signature(changed: bytes) -> dict[str, str]:
        line = f"\u2014 north {base64.b64encode(changed).decode()}\n"
        return {**wire, "note": f"{text}\n{line}"}

    def of(other: str) -> dict[str, str]:
        committed = commitment(base64.b64decode(salt), other.encode())
        changed = read_note(str(of_check()).replace("b" * 64, committed))
        return {"note": signed(changed).decode(), "salt": salt, "payload": other}

    def of_hashed(other: str, hashed: bytes, beside: str) -> dict[str, str]:
        changed = read_note(str(of_check()).replace("b" * 64, sha256(hashed).hexdigest()))
        return {"note": signed(changed).decode(), "salt": beside, "payload": other}

    salt_bytes = base64.b64decode(salt)
    west = signed_note.sign(text, name="west", key=key("west")).decode().split("\n\n")[1]

    order = 2**252 + 27742317777372353535851937790883648493
    s = int.from_bytes(data[36:], "little")
    return [
        ("another payload", {**wire, "payload": payload.replace("AK", "AL")}),
        ("another salt", {**wire, "salt": "AQECAwQFBgcICQoLDA0ODw=="}),
        ("salt alone", {"note": whole, "salt": salt}),
        ("payload alone", {"note": whole, "payload": payload}),
        ("payload and no note", {"salt": salt, "payload": payload}),
        ("a salt in a second spelling", {**wire, "salt": salt[:-3] + "x=="}),
        ("a salt of 17 bytes", {**wire, "salt": salt[:-2] + "8="}),
        ("salt behind the payload", of_hashed(payload, payload.encode() + salt_bytes, salt)),
        ("no salt in the hash", of_hashed(payload, payload.encode(), salt)),
        (
            "a salt of 17 bytes, hashed",
            of_hashed(payload, salt_bytes + b"x" + payload.encode(), _base64(salt_bytes + b"x")),
        ),
        (
            "a salt of 15 bytes, hashed",
            of_hashed(payload, salt_bytes[1:] + payload.encode(), _base64(salt_bytes[1:])),
        ),
        ("another's signature beside", {**wire, "note": whole + west}),
        ("a second signature", {**wire, "note": whole + dashed}),
        ("no signature", {**wire, "note": whole.split("\n\n")[0] + "\n"}),
        ("a member more", {**wire, "purpose": "none"}),
        ("a bit of the signature", with_signature(data[:-1] + bytes([data[-1] ^ 1]))),
        ("another key id", with_signature(bytes([data[0] ^ 1]) + data[1:])),
        (
            "S plus the order of the group",
            with_signature(data[:36] + (s + order).to_bytes(32, "little")),
        ),
        ("R of small order", with_signature(data[:4] + bytes([1]) + bytes(31) + data[36:])),
        (
            "signed by another key",
            {**wire, "note": signed_note.sign(text, name="north", key=key("south")).decode()},
        ),
        (
            "signed under another name",
            {**wire, "note": signed_note.sign(text, name="south", key=key("north")).decode()},
        ),
        ("a space after the text", {**wire, "note": whole.replace("\n\n", " \n\n", 1)}),
        ("a member of the payload twice", of('{"by":{"name":"A"},"by":{"name":"B"}}')),
        ("a member that the kind does not take", of('{"by":{"name":"A"},"minutes":1}')),
        ("a payload without who says it", of("{}")),
        ("a payload of another form", of('{"by":"A. Karam"}')),
        ("a name of 201 characters", of('{"by":{"name":"' + "A" * 201 + '"}}')),
        ("a payload that is no JSON", of('{"by":')),
    ]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def of_check() -> Note:
    talk = Talk()
    talk.say("north", Kind.CHECK)
    return talk.notes[0][1]


def malformed() -> list[dict[str, str]]:
    """Return texts that are no notes: one of some kind, with one thing changed."""
    found = []
    texts = {note.kind: str(note) for note in reversed(of_every_kind())}
    for kind, what, old, new in SPOILT:
        text = texts[kind]
        changed = text.replace(old, new, 1)
        assert changed != text, what
        try:
            read_note(changed)
        except BadInput:
            found.append({"what": what, "text": changed})
        else:
            raise AssertionError(what)
    found.append({"what": "no last newline", "text": texts[Kind.NOTICE][:-1]})
    return found


PLAN_ID = "12345678-1234-4234-8234-123456789012"
SPOILT = [
    (Kind.NOTICE, "a capital in a party", "from: north", "from: North"),
    (Kind.NOTICE, "a leading zero", "number: ", "number: 0"),
    (Kind.NOTICE, "no decimals", ".000000Z\nclock", "Z\nclock"),
    (Kind.NOTICE, "a line twice", "mode: live\n", "mode: live\nmode: live\n"),
    (Kind.NOTICE, "lines in another order", "mode: live\nnumber: 1\n", "number: 1\nmode: live\n"),
    (Kind.NOTICE, "a line more", "payload: ", "purpose: none\npayload: "),
    (Kind.NOTICE, "another version", "@v1", "@v2"),
    (Kind.NOTICE, "an unknown kind", "tansiq/notice", "tansiq/mission"),
    (Kind.NOTICE, "turn zero", "turn: 1\n", "turn: 0\n"),
    (Kind.NOTICE, "number zero", "number: 1\n", "number: 0\n"),
    (Kind.RECEIPT, "a receipt with a number", "number: 0\n", "number: 1\n"),
    (Kind.NOTICE, "to itself", "to: south", "to: north"),
    (Kind.GAP, "an own note to another", "to: south", "to: north"),
    (Kind.NOTICE, "an end before the start", "end: 2026-11-28T14", "end: 2026-11-28T12"),
    (Kind.NOTICE, "the thirtieth of February", "time: 2026-11-28", "time: 2026-02-30"),
    (Kind.NOTICE, "a second 60", "time: 2026-11-28T12:00:01", "time: 2026-11-28T12:00:60"),
    (Kind.NOTICE, "an hour 24", "time: 2026-11-28T12:00:01", "time: 2026-11-28T24:00:00"),
    (Kind.NOTICE, "a year before 1900", "time: 2026", "time: 1899"),
    (Kind.NOTICE, "a year after 2200", "time: 2026", "time: 2201"),
    (Kind.NOTICE, "a thread in an opening note", "subject:", f"thread: {'a' * 64}\nsubject:"),
    (Kind.NOTICE, "a clock bound with a leading zero", "clock: 0.010", "clock: 00.010"),
    (Kind.NOTICE, "a clock bound of two decimals", "clock: 0.010", "clock: 0.01"),
    (Kind.NOTICE, "Base64 in a second spelling", "A=\nsubject", "B=\nsubject"),
    (
        Kind.NOTICE,
        "a UUID in capitals",
        "id: 12345678-1234-4234-8234-1234",
        "id: 12345678-1234-4234-8234-ABCD",
    ),
    (Kind.CLOCK, "the least above the most", "least: -0.001000", "least: 0.003000"),
    (
        Kind.ALARM,
        "UUIDs out of order",
        f"one: {PLAN_ID}",
        "one: 22345678-1234-4234-8234-123456789012",
    ),
]
"""Kind, what is wrong, and what of a good text is replaced by what."""


def vectors() -> dict[str, object]:
    return {
        "about": "made by scripts/note_vectors.py; docs/notes.md is the reference",
        "keys": keys(),
        "kinds": {
            kind: {
                "place": form.place,
                "lines": [name for name, _ in form.keys],
                "may": sorted(TAKES[kind][0]),
                "must": sorted(TAKES[kind][1]),
            }
            for kind, form in FORMS.items()
        },
        "notes": notes(),
        "letters": letters(),
        "malformed": malformed(),
        "conversations": conversations(),
        "cells": cells(),
        "turns": turns(),
        "lines": lines(),
        "line_notes": line_notes(),
        "texts": texts(),
        "payloads": payloads(),
        "signatures": signatures(),
        "bad_keys": bad_keys(),
        "checkpoints": checkpoints(),
        "proofs": proofs(),
        "growth": growth(),
        "lead_times": lead_times(),
    }


def written(groups: dict[str, object]) -> str:
    """Write a case a line: a case that is changed is a line that is changed."""
    return (
        "{\n"
        + ",\n".join(f"{_json(name)}: {_group(each)}" for name, each in groups.items())
        + "\n}\n"
    )


def _group(group: object) -> str:
    if isinstance(group, list):
        return "[\n" + ",\n".join(map(_json, group)) + "\n]"
    if isinstance(group, dict):
        return (
            "{\n"
            + ",\n".join(f"{_json(name)}: {_json(each)}" for name, each in group.items())
            + "\n}"
        )
    return _json(group)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def main() -> None:
    text = written(vectors())
    if "--check" in sys.argv:
        sys.exit(0 if PATH.read_text("utf-8") == text else f"{PATH} is not what the code makes")
    PATH.write_text(text, "utf-8")
    print(f"wrote {PATH.relative_to(ROOT)}, {len(text):,} bytes")


if __name__ == "__main__":
    main()
