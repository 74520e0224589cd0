"""Writes tests/data/note_vectors.json: keys, notes, letters, conversations, and what comes of them.

    python scripts/note_vectors.py [--check]

The vectors are made from fixed keys and salts, so a change of the format shows as a difference.
"""

import json
import sys
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests" / "domain")]

from conversations import NOON, Talk, any_talk, of_every_kind, sayings  # noqa: E402
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from tansiq.domain.line import LineState  # noqa: E402
from tansiq.domain.note import FORMS, Kind, Note, commitment, read_note  # noqa: E402
from tansiq.domain.thread import folded  # noqa: E402
from tansiq.errors import BadInput  # noqa: E402
from tansiq.formats import signed_note  # noqa: E402
from tansiq.formats.letter import (  # noqa: E402
    Wire,
    name_of,
    opened,
)
from tansiq.formats.payload import TAKES  # noqa: E402

PATH = ROOT / "tests" / "data" / "note_vectors.json"


def key(party: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(party.encode().ljust(32, b"."))


def keys() -> list[dict[str, str]]:
    return [
        {
            "party": party,
            "public_key": key(party).public_key().public_bytes_raw().hex(),
            "vkey": signed_note.verifier_key(party, key(party)).encode(),
        }
        for party in ("north", "south")
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
    talk = Talk()
    talk.say("north", Kind.CHECK)
    note = talk.notes[0][1]
    salt, payload = bytes(range(16)), '{"by":{"name":"A. Karam","initials":"AK"}}'
    text = str(note).replace("b" * 64, commitment(salt, payload.encode()))
    wire = {
        "note": signed(read_note(text)).decode(),
        "salt": "AAECAwQFBgcICQoLDA0ODw==",
        "payload": payload,
    }
    assert opened(Wire(**wire)).payload == payload.encode()
    bad = [
        ("another payload", {**wire, "payload": payload.replace("AK", "AL")}),
        ("another salt", {**wire, "salt": "AQECAwQFBgcICQoLDA0ODw=="}),
        ("salt alone", {"note": wire["note"], "salt": wire["salt"]}),
        ("a second signature", {**wire, "note": wire["note"] + wire["note"].split("\n\n")[1]}),
        ("no signature", {**wire, "note": wire["note"].split("\n\n")[0] + "\n"}),
    ]
    good = [("whole", wire), ("withheld", {"note": wire["note"]})]
    return [
        *({"what": what, "letter": letter, "good": True} for what, letter in good),
        *({"what": what, "letter": letter, "good": False} for what, letter in bad),
    ]


def malformed() -> list[dict[str, str]]:
    text = str(of_every_kind()[0])
    found = []
    for what, changed in (
        ("a capital in a party", text.replace("from: north", "from: North")),
        ("a leading zero", text.replace("number: 1\n", "number: 01\n")),
        ("no decimals", text.replace(".000000Z\nclock", "Z\nclock")),
        (
            "lines in another order",
            text.replace("mode: live\nnumber: 1\n", "number: 1\nmode: live\n"),
        ),
        ("a line twice", text.replace("mode: live\n", "mode: live\nmode: live\n")),
        ("a line more", text + "purpose: none\n"),
        ("another version", text.replace("@v1", "@v2")),
        ("an unknown kind", text.replace("tansiq/notice", "tansiq/mission")),
        ("turn zero", text.replace("turn: 1\n", "turn: 0\n")),
        ("to itself", text.replace("to: south", "to: north")),
        ("an end before the start", text.replace("end: 2026-11-28T14", "end: 2026-11-28T12")),
        ("the thirtieth of February", text.replace("time: 2026-11-28", "time: 2026-02-30")),
        ("a thread in an opening note", text.replace("subject:", f"thread: {'a' * 64}\nsubject:")),
        ("no last newline", text[:-1]),
    ):
        assert changed != text, what
        try:
            read_note(changed)
        except BadInput:
            found.append({"what": what, "text": changed})
        else:
            raise AssertionError(what)
    return found


def conversations() -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for seed in range(120):
        said = any_talk(Random(seed), 2 + seed % 12)
        thread = folded(said)
        assert thread is not None
        shuffled = list(said)
        Random(seed).shuffle(shuffled)
        names = {each.id: n for n, each in enumerate(said)}
        found.append(
            {
                "opened_by": thread.kind,
                "notes": [
                    {
                        "n": names[each.id],
                        "from": each.sender,
                        "to": each.receiver,
                        "number": each.number,
                        "turn": each.turn,
                        "mode": each.mode,
                        "word": each.word,
                        "re": None if each.re is None else names[each.re],
                        "opens": each.thread is None,
                    }
                    for each in shuffled
                ],
                "stage": thread.stage,
                "rungs": {rung: names[step.id] for rung, step in thread.rungs},
                "out_of_turn": sorted(names[each] for each in thread.out_of_turn),
            }
        )
    return found


def lines() -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    states = ["open", "degraded", "suspended", "exercise", "closed"]
    for one in states:
        for other in states:
            talk = Talk(NOON)
            talk.say("north", Kind.LINE, state="closed")
            talk.say("north", Kind.LINE, state=one)
            talk.say("south", Kind.LINE, state=other)
            line = LineState(parties=("north", "south"))
            for said in sayings(talk):
                line = line.heard(said)
            found.append({"north": one, "south": other, "state": line.state})
    return found


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
        "lines": lines(),
    }


def main() -> None:
    text = json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"
    if "--check" in sys.argv:
        sys.exit(0 if PATH.read_text("utf-8") == text else f"{PATH} is not what the code makes")
    PATH.write_text(text, "utf-8")
    print(f"wrote {PATH.relative_to(ROOT)}, {len(text):,} bytes")


if __name__ == "__main__":
    main()
