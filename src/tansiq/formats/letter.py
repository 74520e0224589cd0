"""A note on its way: its signed bytes, and beside them salt and payload, unless withheld.

One JSON object of three members, the same in a delivery, in a file and in frames of a QR code:

    {"note": "tansiq/notice@v1\\n...", "salt": "BASE64", "payload": "{...}"}

Without ``salt`` and ``payload`` the note still proves what its own lines say.
"""

import base64
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import msgspec

from tansiq.domain.note import (
    PAYLOAD_BYTES_MAX,
    SALT_BYTES,
    TEXT_BYTES_MAX,
    Note,
    NoteID,
    commitment,
    read_note,
)
from tansiq.errors import BadInput
from tansiq.f3548 import codec
from tansiq.formats import signed_note
from tansiq.formats.signed_note import NameOf, SignedNote, VerifierKey

SIGNED_BYTES_MAX: Final = TEXT_BYTES_MAX + 512
"""A note with its one signature."""
LETTER_BYTES_MAX: Final = 2 * PAYLOAD_BYTES_MAX + 2 * SIGNED_BYTES_MAX
"""As JSON, where a character may take two bytes."""


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A letter as JSON."""

    note: str
    salt: str | None = None
    payload: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A note whose text was read and whose payload is what the note says. Not yet whose it is."""

    id: NoteID
    signed: SignedNote
    note: Note
    salt: bytes | None
    payload: bytes | None
    """None: withheld."""

    @property
    def wire(self) -> Wire:
        """Return it as JSON has it."""
        if self.payload is None or self.salt is None:
            return Wire(self.signed.encode().decode())
        return Wire(
            self.signed.encode().decode(),
            base64.b64encode(self.salt).decode(),
            self.payload.decode(),
        )


def name_of(signed: bytes) -> NoteID:
    """Return the name of a note: the hash of its signed bytes."""
    return NoteID(sha256(signed).hexdigest())


def opened(wire: Wire) -> Letter:
    """Read a letter.

    Raises:
        BadInput: no note, not canonical, more or less than one signature, or another payload.
    """
    data = wire.note.encode("utf-8", "surrogatepass")
    signed = signed_note.parse(data, bytes_max=SIGNED_BYTES_MAX)
    if len(signed.signatures) != 1:
        raise BadInput("a note has the one signature of its sender", field="note")
    note = read_note(signed.text)
    salt = payload = None
    if (wire.salt is None) != (wire.payload is None):
        raise BadInput("salt and payload come together, or not at all", field="salt")
    if wire.salt is not None and wire.payload is not None:
        salt = signed_note.from_base64(wire.salt, "salt")
        if len(salt) != SALT_BYTES:
            raise BadInput(f"{len(salt)} bytes are not {SALT_BYTES}", field="salt")
        payload = wire.payload.encode("utf-8", "surrogatepass")
        if commitment(salt, payload) != note.payload:
            raise BadInput("is not the one that the note was signed for", field="payload")
    return Letter(id=name_of(data), signed=signed, note=note, salt=salt, payload=payload)


def check_sender(letter: Letter, public_key: bytes) -> None:
    """Check that a note was signed by its sender.

    Raises:
        BadSignature: it was not, or was changed since.
    """
    key = VerifierKey(NameOf.NOTE.by(letter.note.sender), public_key)
    signed_note.verify(letter.signed, [key])


def read_letter(data: bytes) -> Letter:
    """Read a letter from a file.

    Raises:
        TooLarge: above the limit.
        BadInput: as ``opened``; or not JSON.
    """
    return opened(codec.decode(data, Wire, bytes_max=LETTER_BYTES_MAX, depth_max=4))


def write_letter(letter: Letter) -> bytes:
    """Write a letter as one line of JSON."""
    return msgspec.json.encode(letter.wire) + b"\n"
