"""One signature under one text: the least of C2SP signed notes (``c2sp.org/signed-note``).

A text, an empty line, and one line with name, key id and Ed25519 signature. One text has one
spelling: what is not written as ``sign`` writes it is refused.
"""

import base64
import hashlib
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from tansiq.errors import BadInput

BYTES_MAX: Final = 65_535
_DASH: Final = "\N{EM DASH} "
_ED25519: Final = b"\x01"


def sign(text: str, *, name: str, key: Ed25519PrivateKey) -> bytes:
    """Return a text with our signature under it."""
    key_id = _key_id(name, key.public_key().public_bytes_raw())
    return _note(text, name, key_id + key.sign(text.encode()))


def text_of(data: bytes) -> str:
    """Return the text of a note; whose it is remains to be verified.

    Raises:
        BadInput: not a note.
    """
    try:
        content = data.decode() if len(data) <= BYTES_MAX else ""
    except UnicodeDecodeError:
        content = ""
    text, gap, _ = content.rpartition("\n\n")
    if not gap:
        raise BadInput("not a signed text; use the file as it came", field="signature")
    return text + "\n"


def verify(data: bytes, *, name: str, public_key: bytes) -> str:
    """Return the text of a note that a key signed under a name.

    Raises:
        BadInput: it did not.
    """
    text = text_of(data)
    line = data[len(text.encode()) + 1 :].decode()
    try:
        signed = base64.b64decode(line.rpartition(" ")[2])
    except ValueError:
        signed = b""
    # Written again and compared: no second spelling passes.
    if signed[:4] != _key_id(name, public_key) or _note(text, name, signed) != data:
        raise BadInput(f"is not signed by the key of {name}", field="signature")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signed[4:], text.encode())
    except (InvalidSignature, ValueError) as error:
        raise BadInput(f"{name}'s does not fit the text", field="signature") from error
    return text


def _key_id(name: str, public_key: bytes) -> bytes:
    return hashlib.sha256(f"{name}\n".encode() + _ED25519 + public_key).digest()[:4]


def _note(text: str, name: str, signed: bytes) -> bytes:
    return f"{text}\n{_DASH}{name} {base64.b64encode(signed).decode()}\n".encode()
