"""Signed notes of C2SP (``c2sp.org/signed-note``): text, an empty line, signature lines.

Reads strictly: one text has one spelling, so what was read is written back as the same bytes.
Stricter than the specification in what no honest signer makes: no control character at all but the
newline, no empty line at the end of the text, no two signatures of one key, no key of small order.
Laxer in nothing. Knows two types of signature: plain Ed25519 (0x01) and the timestamped
cosignature of ``c2sp.org/tlog-cosignature`` (0x04). Leaves out what the text says.

A signature is over the text alone, and not over the name beside it: whoever has one can write it
under another name of the same key. Names (``NameOf``) say which use is claimed; what keeps the uses
of one key apart is the first line of the text, and whoever reads one must look at it.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tansiq.errors import BadInput, BadSignature, TooLarge

NOTE_BYTES_MAX: Final = 65_535
"""One signed note: what a log's entry may have in ``c2sp.org/tlog-tiles``."""
SIGNATURES_MAX: Final = 64
"""Of one note; the specification asks for 16 at least."""
NAME_CHARS_MAX: Final = 255
TIMESTAMP_MAX: Final = 2**63 - 1

_DASH: Final = "\N{EM DASH} "
_ID_BYTES: Final = 4
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64
_TIME_BYTES: Final = 8
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Every control character of Unicode but the newline."""
_P: Final = 2**255 - 19
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_Y_OF_ORDER_8: Final = 2707385501144840649318225287225658788936804267575313519463743609750303402022
# Of the eight points whose order divides the cofactor: a signature by such a key holds for texts
# that nobody signed.
_SMALL_Y: Final = frozenset({0, 1, _P - 1, _Y_OF_ORDER_8, _P - _Y_OF_ORDER_8})


class SignatureType(IntEnum):
    """How a signature is made; a byte of the key id, so one key has an id for each."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


class NameOf(StrEnum):
    """What follows a party's id in the name of its key, by what is signed.

    No text of one use may begin as one of another: notes with ``tansiq/``, checkpoints with their
    origin ``PARTY/log``, what a cosignature signs with ``cosignature/v1``.
    """

    NOTE = ""
    LOG = "/log"
    WITNESS = "/witness"
    BUNDLE = "/bundle"
    AGREEMENT = "/agreement"
    BACKUP = "/backup"

    def by(self, party: str) -> str:
        """Return the name of a party's key for this use."""
        return party + self.value


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line; ``data`` is what the type of the key makes of it."""

    name: str
    key_id: bytes
    data: bytes

    def line(self) -> str:
        """Return the line, with its newline."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.data).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    """A text and who says to have signed it. Nothing of it counts before ``verify``."""

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """Return the bytes, the very ones that were read."""
        return f"{self.text}\n{''.join(each.line() for each in self.signatures)}".encode()


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key under a name, for one type of signature.

    Raises:
        BadInput: no good name, or a key that would let anybody sign.
    """

    name: str
    public_key: bytes
    type: SignatureType = SignatureType.ED25519

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != _KEY_BYTES:
            raise BadInput(f"{len(self.public_key)} bytes; an Ed25519 key has 32", field="key")
        if not _is_sound(self.public_key):
            raise BadInput("not canonical, or of small order: it proves nothing", field="key")

    @property
    def key_id(self) -> bytes:
        """Return what signature lines of this key begin with."""
        named = f"{self.name}\n".encode() + bytes([self.type]) + self.public_key
        return hashlib.sha256(named).digest()[:_ID_BYTES]

    def encode(self) -> str:
        """Return the key as a vkey: name, key id, type and key."""
        key = base64.b64encode(bytes([self.type]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{key}"

    def verify(self, text: str, data: bytes) -> int | None:
        """Check one signature over ``text``; return a cosignature's time, seconds since 1970.

        Raises:
            BadSignature: it does not hold.
        """
        time, signature = None, data
        if self.type is SignatureType.COSIGNATURE:
            time, signature = int.from_bytes(data[:_TIME_BYTES]), data[_TIME_BYTES:]
        whole = len(data) == len(signature) + (0 if time is None else _TIME_BYTES)
        if not whole or len(signature) != _SIGNATURE_BYTES or (time or 0) > TIMESTAMP_MAX:
            raise BadSignature(f"not of the length of {self.name}'s kind", field="signature")
        # Held against the group's order here too, whatever the library does.
        s_is_canonical = int.from_bytes(signature[32:], "little") < _ORDER
        if not s_is_canonical or not _is_sound(signature[:32]):
            raise BadSignature(f"{self.name}'s is not canonical", field="signature")
        try:
            key = Ed25519PublicKey.from_public_bytes(self.public_key)
            key.verify(signature, _message(text, time))
        except (InvalidSignature, ValueError) as error:
            raise BadSignature(f"{self.name}'s does not fit the text", field="signature") from error
        return time


def check_name(name: str) -> str:
    """Return the name of a key.

    Raises:
        BadInput: it is empty or too long, or has spaces, plus signs or control characters.
    """
    bad = "+" in name or _CONTROL.search(name) or any(map(str.isspace, name))
    if not 1 <= len(name) <= NAME_CHARS_MAX or bad or not _is_text(name):
        raise BadInput(
            f"{name[:60]!r} is no name of a key: 1 to {NAME_CHARS_MAX} characters, "
            "no space, plus or control character",
            field="name",
        )
    return name


def decode_vkey(text: str) -> VerifierKey:
    """Read a vkey.

    Raises:
        BadInput: malformed, of an unknown type, or its key id is not that of its name and key.
    """
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    raw = from_base64(encoded, "key")
    if not raw or raw[0] not in list(SignatureType):
        raise BadInput("not a type that is known here: 1 or 4", field="key")
    key = VerifierKey(name, raw[1:], SignatureType(raw[0]))
    if key_id != key.key_id.hex():
        raise BadInput(f"has the id {key_id[:20]!r}, not {key.key_id.hex()}", field="key")
    return key


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """Return the public half, 32 bytes."""
    return key.public_key().public_bytes_raw()


def verifier_key(
    name: str, key: Ed25519PrivateKey, kind: SignatureType = SignatureType.ED25519
) -> VerifierKey:
    """Return what others verify our signatures by."""
    return VerifierKey(name, public_bytes(key), kind)


def check_text(text: str) -> str:
    """Return a text that can be signed.

    Raises:
        BadInput: no newline at its end, an empty line there, or a control character in it.
    """
    if not text.endswith("\n") or text == "\n" or text.endswith("\n\n"):
        raise BadInput("must end with one newline, and not with an empty line", field="note")
    if _CONTROL.search(text) or not _is_text(text):
        raise BadInput("has a control character, or what UTF-8 has no bytes for", field="note")
    return text


def sign(text: str, *, name: str, key: Ed25519PrivateKey) -> bytes:
    """Return the note with our signature, Ed25519.

    Raises:
        BadInput: the text or the name cannot be signed.
    """
    return SignedNote(check_text(text), (signature_of(text, name=name, key=key),)).encode()


def signature_of(
    text: str, *, name: str, key: Ed25519PrivateKey, time_s: int | None = None
) -> Signature:
    """Return our signature over a text; with a time, a cosignature as of then.

    Raises:
        BadInput: the name is none, or the time is before 1970.
    """
    if time_s is None:
        kind, stamp = SignatureType.ED25519, b""
    elif 0 <= time_s <= TIMESTAMP_MAX:
        kind, stamp = SignatureType.COSIGNATURE, time_s.to_bytes(_TIME_BYTES)
    else:
        raise BadInput(f"{time_s} s is no time of a cosignature", field="time")
    key_id = verifier_key(name, key, kind).key_id
    return Signature(name, key_id, stamp + key.sign(_message(text, time_s)))


def parse(data: bytes, *, bytes_max: int = NOTE_BYTES_MAX) -> SignedNote:
    """Read a signed note; whose it is remains to be verified.

    Raises:
        TooLarge: longer than ``bytes_max``.
        BadInput: not a signed note, or not in its one spelling.
    """
    if len(data) > bytes_max:
        raise TooLarge(f"{len(data):,} bytes; {bytes_max:,} at most", field="note")
    try:
        content = data.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 at byte {error.start}", field="note") from error
    text, gap, signed = content.rpartition("\n\n")
    if not gap:
        raise BadInput("no empty line before the signatures", field="note")
    return SignedNote(check_text(text + "\n"), parse_signatures(signed))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read signature lines, each with its newline.

    Raises:
        BadInput: none, too many, malformed, or two of one key.
    """
    if not lines.endswith("\n"):
        raise BadInput("must end with a newline", field="signatures")
    each = lines[:-1].split("\n")
    if len(each) > SIGNATURES_MAX:
        raise BadInput(f"{len(each)}; {SIGNATURES_MAX} at most", field="signatures")
    found = tuple(_signature(line, f"signatures[{n}]") for n, line in enumerate(each))
    if len({(each.name, each.key_id) for each in found}) != len(found):
        raise BadInput("two of the same key", field="signatures")
    return found


def _signature(line: str, field: str) -> Signature:
    parts = line.removeprefix(_DASH).split(" ")
    if not line.startswith(_DASH) or len(parts) != 2:
        raise BadInput(f"{line[:60]!r} is not {_DASH!r}, a name and a signature", field=field)
    name, encoded = check_name(parts[0]), from_base64(parts[1], field)
    if len(encoded) <= _ID_BYTES:
        raise BadInput("too short to hold a key id and a signature", field=field)
    return Signature(name, encoded[:_ID_BYTES], encoded[_ID_BYTES:])


def verify(note: SignedNote, keys: Iterable[VerifierKey]) -> tuple[Signature, ...]:
    """Return the signatures of these keys. Those of other keys are passed over.

    Raises:
        BadSignature: one of these keys has a signature that does not hold, or none has any.
    """
    return tuple(each for each, _ in verified(note, keys))


def verified(
    note: SignedNote, keys: Iterable[VerifierKey]
) -> tuple[tuple[Signature, int | None], ...]:
    """Return the signatures of these keys, with the times of those that are cosignatures.

    Raises:
        BadSignature: as ``verify``.
    """
    known = {(key.name, key.key_id): key for key in keys}
    found = []
    for each in note.signatures:
        key = known.get((each.name, each.key_id))
        if key is not None:
            found.append((each, key.verify(note.text, each.data)))
    if not found:
        names = ", ".join(sorted({name for name, _ in known})) or "nobody"
        raise BadSignature(f"none by a known key of {names}", field="signatures")
    return tuple(found)


def from_base64(text: str, field: str) -> bytes:
    """Read base64 in its one spelling: standard alphabet, padded, no stray bits.

    Raises:
        BadInput: it is none, or another spelling of it.
    """
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise BadInput(f"{text[:60]!r} is not base64", field=field) from error
    if base64.b64encode(data).decode() != text:
        raise BadInput(f"{text[:60]!r} is not the one spelling of its bytes", field=field)
    return data


def _message(text: str, time_s: int | None) -> bytes:
    """Return what is signed; the first line of a cosignature keeps it from passing for a note."""
    stamp = "" if time_s is None else f"cosignature/v1\ntime {time_s}\n"
    return (stamp + text).encode()


def _is_sound(point: bytes) -> bool:
    """Report whether a point is written canonically and is none of those of small order."""
    y = int.from_bytes(point, "little") & (2**255 - 1)
    return y < _P and y not in _SMALL_Y


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # Half of a surrogate pair.
        return False
    return True
