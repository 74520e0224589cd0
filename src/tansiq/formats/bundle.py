"""The evidence bundle: one file with what a record holds of a window of time, and its proofs.

A signed note (``formats/signed_note.py``) of the party whose record it is from, under the name
``PARTY/bundle``. Its text is these lines, in this order, spelled so, then one JSON document on one
line; nothing else is a bundle:

    tansiq/bundle@v1
    by: north
    agreement: 64 hex digits     SHA-256 of the agreement's file, which is in the document
    from: 2026-11-28T14:00:00.000000Z
    to: 2026-11-28T15:00:00.000000Z
    made: 2026-11-28T16:20:11.480112Z
    clock: 0.012                 bound on the error of the clock that wrote ``made``; or ``unknown``
    party: south                 entries of the line with this party only; ``*``: of all lines
    withheld: nothing            or ``persons``, ``all``, ``notes``: what the exporter left out
    size: 118                    entries of the record that the proofs lead to
    entries: 42                  how many are here
    left-out: 3                  how many of the window are not

Bytes are read strictly: what was read is written again and compared. Entries are proven together
(``domain/subset.py``). What a bundle shows is found out by ``formats/evidence.py``;
``docs/evidence.md`` is the reference from which another reader can be written.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain.merkle import HASH_BYTES, PROOF_HASHES_MAX
from tansiq.domain.note import PAYLOAD_BYTES_MAX, SALT_BYTES, read_instant, write_instant
from tansiq.errors import BadInput, TooLarge
from tansiq.f3548 import codec
from tansiq.formats import signed_note
from tansiq.formats.checkpoint import CHECKPOINT_BYTES_MAX
from tansiq.formats.signed_note import NOTE_BYTES_MAX, NameOf, SignedNote

BUNDLE_BYTES_MAX: Final = 64_000_000
ENTRIES_MAX: Final = 40_000
HASHES_MAX: Final = 200_000
"""Of the common proof: fewer than five an entry, however they are strewn."""
ANCHORS_MAX: Final = 1_000
PARTIES_MAX: Final = 32
AGREEMENT_BYTES_MAX: Final = 1_000_000
_DEPTH_MAX: Final = 4
_HEAD_LINES: Final = 12
EVERYBODY: Final = "*"

NOTE: Final = "note"
EXCHANGE: Final = "exchange"
"""Kinds of entries that are read here."""


class Withheld(StrEnum):
    """Which payloads the exporter left out; what was erased before is not here in any case."""

    NOTHING = "nothing"
    PERSONS = "persons"
    """Those that name a person or hold free words."""
    ALL = "all"
    NOTES = "notes"
    """Those of some notes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of the record."""

    index: int
    kind: str
    time: datetime
    """When it was appended, by the exporter's word."""
    body: bytes
    salt: bytes | None = None
    payload: bytes | None = None
    """None: withheld or erased."""
    got: datetime | None = None
    """Of a receipt: when it came to the exporter, by the exporter's word."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Another checkpoint of the record, and how it goes together with the bundle's."""

    checkpoint: bytes
    proof: tuple[bytes, ...]
    """From the smaller of the two to the larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Everything that a bundle says and holds."""

    by: str
    agreement: bytes
    """The file."""
    digest: str
    since: datetime
    until: datetime
    made: datetime
    clock_error_ms: int | None
    party: str | None
    """None: the lines with all parties."""
    withheld: Withheld
    size: int
    left_out: int
    keys: tuple[tuple[str, bytes], ...]
    """Of the agreement's parties, in its order."""
    checkpoint: bytes
    anchors: tuple[Anchor, ...]
    hashes: tuple[bytes, ...]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle as it was read: nothing of it counts before it is verified."""

    contents: Contents
    signed: SignedNote


# As JSON has it

_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
_Hash = Annotated[str, msgspec.Meta(min_length=44, max_length=44)]
_Instant = Annotated[str, msgspec.Meta(min_length=27, max_length=27)]
_Base64Payload = Annotated[str, msgspec.Meta(max_length=4 * (PAYLOAD_BYTES_MAX // 3 + 1))]
_Checkpoint = Annotated[str, msgspec.Meta(max_length=CHECKPOINT_BYTES_MAX)]


class _Party(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: Annotated[str, msgspec.Meta(max_length=60)]
    public_key: _Hash


class _Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    checkpoint: _Checkpoint
    proof: Annotated[tuple[_Hash, ...], msgspec.Meta(max_length=PROOF_HASHES_MAX)]


class _Entry(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True
):
    index: _Count
    kind: Annotated[str, msgspec.Meta(max_length=40)]
    time: _Instant
    text: Annotated[str, msgspec.Meta(max_length=NOTE_BYTES_MAX)]
    salt: Annotated[str, msgspec.Meta(max_length=24)] | None = None
    payload: _Base64Payload | None = None
    got: _Instant | None = None


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agreement: Annotated[str, msgspec.Meta(max_length=4 * (AGREEMENT_BYTES_MAX // 3 + 1))]
    parties: Annotated[tuple[_Party, ...], msgspec.Meta(max_length=PARTIES_MAX)]
    checkpoint: _Checkpoint
    anchors: Annotated[tuple[_Anchor, ...], msgspec.Meta(max_length=ANCHORS_MAX)]
    hashes: Annotated[tuple[_Hash, ...], msgspec.Meta(max_length=HASHES_MAX)]
    entries: Annotated[tuple[_Entry, ...], msgspec.Meta(max_length=ENTRIES_MAX)]


# Writing


def write_bundle(contents: Contents, key: Ed25519PrivateKey) -> bytes:
    """Write and sign a bundle.

    Raises:
        TooLarge: it would have more bytes or entries than anybody reads.
        BadInput: something in it has no place in a bundle.
    """
    if len(contents.entries) > ENTRIES_MAX:
        raise TooLarge(
            f"{len(contents.entries):,} entries; a bundle has {ENTRIES_MAX:,} at most: take a "
            "shorter window, or one party",
            field="entries",
        )
    text = _head(contents) + msgspec.json.encode(_document(contents)).decode() + "\n"
    data = signed_note.sign(text, name=NameOf.BUNDLE.by(contents.by), key=key)
    if len(data) > BUNDLE_BYTES_MAX:
        raise TooLarge(
            f"{len(data):,} bytes; a bundle has {BUNDLE_BYTES_MAX:,} at most: take a shorter "
            "window, or one party, or withhold payloads",
            field="bundle",
        )
    return data


def _head(contents: Contents) -> str:
    error = contents.clock_error_ms
    lines = [
        "tansiq/bundle@v1",
        f"by: {contents.by}",
        f"agreement: {contents.digest}",
        f"from: {write_instant(contents.since)}",
        f"to: {write_instant(contents.until)}",
        f"made: {write_instant(contents.made)}",
        "clock: unknown" if error is None else f"clock: {error // 1000}.{error % 1000:03d}",
        f"party: {contents.party or EVERYBODY}",
        f"withheld: {contents.withheld}",
        f"size: {contents.size}",
        f"entries: {len(contents.entries)}",
        f"left-out: {contents.left_out}",
    ]
    return "\n".join(lines) + "\n"


def _document(contents: Contents) -> _Document:
    return _Document(
        agreement=_base64(contents.agreement),
        parties=tuple(_Party(id=party, public_key=_base64(key)) for party, key in contents.keys),
        checkpoint=contents.checkpoint.decode(),
        anchors=tuple(
            _Anchor(each.checkpoint.decode(), tuple(map(_base64, each.proof)))
            for each in contents.anchors
        ),
        hashes=tuple(map(_base64, contents.hashes)),
        entries=tuple(map(_entry, contents.entries)),
    )


def _entry(entry: Entry) -> _Entry:
    return _Entry(
        index=entry.index,
        kind=entry.kind,
        time=write_instant(entry.time),
        text=entry.body.decode(),
        salt=None if entry.salt is None else _base64(entry.salt),
        payload=None if entry.payload is None else _base64(entry.payload),
        got=None if entry.got is None else write_instant(entry.got),
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Reading

_NAME = "[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?"
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_COUNT = "0|[1-9][0-9]{0,14}"
_HEAD: Final = re.compile(
    "tansiq/bundle@v1\n"
    f"by: ({_NAME})\n"
    "agreement: ([0-9a-f]{64})\n"
    f"from: ({_INSTANT})\n"
    f"to: ({_INSTANT})\n"
    f"made: ({_INSTANT})\n"
    r"clock: (unknown|(?:0|[1-9][0-9]{0,5})\.[0-9]{3})" + "\n"
    rf"party: ({_NAME}|\*)" + "\n"
    f"withheld: ({'|'.join(Withheld)})\n"
    f"size: ({_COUNT})\n"
    f"entries: ({_COUNT})\n"
    f"left-out: ({_COUNT})",
    re.ASCII,
)


def read_bundle(data: bytes) -> Bundle:
    """Read a bundle.

    Raises:
        TooLarge: above a limit.
        BadInput: not a bundle, or not in its one spelling.
    """
    signed = signed_note.parse(data, bytes_max=BUNDLE_BYTES_MAX)
    if len(signed.signatures) != 1:
        raise BadInput("a bundle has the one signature of its exporter", field="signatures")
    *lines, last = signed.text[:-1].split("\n", _HEAD_LINES)
    match = _HEAD.fullmatch("\n".join(lines))
    if match is None:
        raise BadInput("does not begin with the twelve lines of a bundle", field="bundle")
    document = _parsed(last.encode())
    by, digest, since, until, made, clock, party, withheld, size, entries, left_out = match.groups()
    if int(entries) != len(document.entries):
        raise BadInput(f"{entries} are announced, {len(document.entries)} here", field="entries")
    contents = Contents(
        by=by,
        agreement=signed_note.from_base64(document.agreement, "agreement"),
        digest=digest,
        since=read_instant(since, "from"),
        until=read_instant(until, "to"),
        made=read_instant(made, "made"),
        clock_error_ms=None if clock == "unknown" else int(clock.replace(".", "")),
        party=None if party == EVERYBODY else party,
        withheld=Withheld(withheld),
        size=int(size),
        left_out=int(left_out),
        keys=tuple(
            (each.id, _hash(each.public_key, f"parties[{n}].public_key"))
            for n, each in enumerate(document.parties)
        ),
        checkpoint=document.checkpoint.encode(),
        anchors=tuple(_read_anchor(each, n) for n, each in enumerate(document.anchors)),
        hashes=_hashes(document.hashes, "hashes"),
        entries=tuple(_read_entry(each, n) for n, each in enumerate(document.entries)),
    )
    if contents.since > contents.until:
        raise BadInput("the window ends before it begins", field="to")
    return Bundle(contents, signed)


def _parsed(line: bytes) -> _Document:
    document = codec.decode(line, _Document, bytes_max=BUNDLE_BYTES_MAX, depth_max=_DEPTH_MAX)
    # Members in another order, spaces, other escapes: the same document, and not the same bytes.
    if msgspec.json.encode(document) != line:
        raise BadInput("is not in its one spelling", field="document")
    return document


def _read_anchor(anchor: _Anchor, place: int) -> Anchor:
    return Anchor(anchor.checkpoint.encode(), _hashes(anchor.proof, f"anchors[{place}].proof"))


def _read_entry(entry: _Entry, place: int) -> Entry:
    at = f"entries[{place}]"
    if (entry.salt is None) != (entry.payload is None):
        raise BadInput("salt and payload come together, or not at all", field=f"{at}.salt")
    salt = payload = None
    if entry.salt is not None and entry.payload is not None:
        salt = signed_note.from_base64(entry.salt, f"{at}.salt")
        payload = signed_note.from_base64(entry.payload, f"{at}.payload")
        if len(salt) != SALT_BYTES or len(payload) > PAYLOAD_BYTES_MAX:
            raise BadInput(f"not a salt of {SALT_BYTES} bytes and a payload", field=f"{at}.salt")
    return Entry(
        index=entry.index,
        kind=entry.kind,
        time=_moment(entry.time, f"{at}.time"),
        body=entry.text.encode(),
        salt=salt,
        payload=payload,
        got=None if entry.got is None else _moment(entry.got, f"{at}.got"),
    )


_MOMENT: Final = re.compile(_INSTANT, re.ASCII)


def _moment(text: str, field: str) -> datetime:
    if _MOMENT.fullmatch(text) is None:
        raise BadInput(f"{text!r} is not how a time is written", field=field)
    return read_instant(text, field)


def _hashes(each: Sequence[str], field: str) -> tuple[bytes, ...]:
    return tuple(_hash(text, field) for text in each)


def _hash(text: str, field: str) -> bytes:
    found = signed_note.from_base64(text, field)
    if len(found) != HASH_BYTES:
        raise BadInput(f"{len(found)} bytes; a hash or key has {HASH_BYTES}", field=field)
    return found
