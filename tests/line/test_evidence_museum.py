"""Bundles that are none: above limits, in other spellings, made up; and what is never raised."""

import json
from dataclasses import replace
from typing import Any

import pytest
from evidence_world import LATER, sample
from hypothesis import given
from hypothesis import strategies as st
from stations import key_of
from virtual import START

from tansiq.errors import BadInput, NotFound, TansiqError, TooLarge
from tansiq.formats import signed_note
from tansiq.formats.bundle import ENTRIES_MAX, Contents, Entry, read_bundle, write_bundle
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.findings import Findings


def test_a_bundle_is_never_written_that_nobody_would_read() -> None:
    contents = read_bundle(sample()).contents
    entry = contents.entries[0]
    many = replace(contents, entries=(entry,) * (ENTRIES_MAX + 1))
    with pytest.raises(TooLarge, match="shorter window"):
        write_bundle(many, key_of("north"))
    large = replace(entry, salt=b"s" * 16, payload=b"x" * 1_000_000)
    with pytest.raises(TooLarge, match="withhold payloads"):
        write_bundle(replace(contents, entries=(large,) * 50), key_of("north"))


def test_nothing_to_export_is_said() -> None:
    with pytest.raises(NotFound, match="nothing"):
        sample(since=LATER, until=LATER)
    with pytest.raises(NotFound, match="west"):
        sample(party="west")


def line_of(data: bytes) -> tuple[str, dict[str, Any]]:
    head, _, line = read_bundle(data).signed.text.rstrip("\n").rpartition("\n")
    return head, json.loads(line)


def spelt(head: str, document: object, **spelling: Any) -> bytes:
    told = json.dumps(document, **({"ensure_ascii": False, "separators": (",", ":")} | spelling))
    return signed_note.sign(f"{head}\n{told}\n", name="north/bundle", key=key_of("north"))


def _museum() -> dict[str, bytes]:
    data = sample()
    head, value = line_of(data)
    entry = value["entries"][0]

    def with_entry(**changed: Any) -> bytes:
        first = {k: v for k, v in (entry | changed).items() if v is not None}
        return spelt(head, value | {"entries": [first, *value["entries"][1:]]})

    return {
        "nothing": b"",
        "not text": b"\xff\xfe\x00",
        "a note": read_bundle(data).contents.entries[0].body,
        "cut short": data[: len(data) // 2],
        "twice": data + data,
        "windows line ends": data.replace(b"\n", b"\r\n"),
        "two signatures": data + "— south/bundle AAAAAAAA\n".encode(),
        "spaces in the document": spelt(head, value, separators=(", ", ": ")),
        "other escapes": spelt(head, value, ensure_ascii=True),
        "members in another order": spelt(head, dict(reversed(value.items()))),
        "an unknown member": spelt(head, value | {"target": 1}),
        "a missing member": spelt(head, {k: v for k, v in value.items() if k != "hashes"}),
        "no document": spelt(head, []),
        "deep": spelt(head, [[[[[[]]]]]]),
        "a line too many": spelt(head + "\nnote: x", value),
        "a head line out of order": spelt(head.replace("by: north\n", "") + "\nby: north", value),
        "another version": spelt(head.replace("@v1", "@v2"), value),
        "fewer entries than it says": spelt(head.replace("entries: 15", "entries: 16"), value),
        "a window backwards": spelt(
            head.replace("from: 2025-12-31T23", "from: 2026-12-31T23"), value
        ),
        "a day that is none": spelt(head.replace("to: 2026-01-01", "to: 2026-02-30"), value),
        "salt without payload": with_entry(payload=None),
        "a short salt": with_entry(salt="AAAA"),
        "a negative place": with_entry(index=-1),
        "a place that is no number": with_entry(index="0"),
        "half a place": with_entry(index=0.5),
        "a time spelt otherwise": with_entry(time="2026-01-01T00:00:00Z"),
        "base64 with stray bits": with_entry(salt="A" * 21 + "B=="),
        "a hash of 31 bytes": spelt(head, value | {"hashes": ["A" * 42 + "=="]}),
    }


MUSEUM = _museum()


@pytest.mark.parametrize("name", MUSEUM)
def test_museum_of_what_is_no_bundle(name: str) -> None:
    with pytest.raises(BadInput):
        verify_bundle(MUSEUM[name])


@given(st.data())
def test_whatever_the_bytes_are_only_errors_of_the_tree_are_raised(data: st.DataObject) -> None:
    whole = MUSEUM_BASE
    at = data.draw(st.integers(0, len(whole)))
    until = data.draw(st.integers(at, min(len(whole), at + 200)))
    put = data.draw(st.one_of(st.binary(max_size=40), st.text(max_size=20).map(str.encode)))
    text = whole[:at] + put + whole[until:]
    if data.draw(st.booleans()):  # Signed again, so that it is looked at to the end.
        head, _, _ = text.partition(b"\n\n")
        try:
            text = signed_note.sign(
                (head + b"\n").decode(), name="north/bundle", key=key_of("north")
            )
        except (UnicodeDecodeError, TansiqError):
            return
    try:
        found = verify_bundle(text)
    except TansiqError:
        return
    assert isinstance(found, Findings)


MUSEUM_BASE = sample()


@given(
    st.integers(0, 2**53 - 1),
    st.sampled_from(["note", "exchange", "else"]),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=80),
    st.binary(max_size=30),
)
def test_whatever_an_entry_holds_it_is_judged(
    index: int, kind: str, text: str, payload: bytes
) -> None:
    contents: Contents = read_bundle(MUSEUM_BASE).contents
    entry = Entry(
        index=index,
        kind=kind,
        time=START,
        body=text.encode(),
        salt=b"s" * 16,
        payload=payload,
        got=START,
    )
    found = verify_bundle(
        write_bundle(replace(contents, entries=(*contents.entries, entry)), key_of("north"))
    )
    assert not found.verified
