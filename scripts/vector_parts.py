"""What the vectors are put together from: keys, signatures, long texts in short."""

import re
from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.errors import TansiqError
from tansiq.formats.checkpoint import cosign
from tansiq.formats.signed_note import (
    NameOf,
    Signature,
    SignatureType,
    VerifierKey,
    signature_of,
    verifier_key,
)

PARTIES = ("north", "south", "west")
DASH = "\N{EM DASH}"
LONG = 4_000


def taken(what: str, read: Callable[[], object], *, good: bool | None = None) -> bool:
    """Report whether something is read without complaint, as was expected; None: whatever comes."""
    try:
        read()
    except TansiqError as error:
        found, said = False, str(error)
    else:
        found, said = True, "taken"
    assert good in (found, None), (what, said)
    return found


def key(party: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(party.encode().ljust(32, b"."))


def key_of(party: str, use: NameOf) -> VerifierKey:
    kind = SignatureType.COSIGNATURE if use is NameOf.WITNESS else SignatureType.ED25519
    return verifier_key(use.by(party), key(party), kind)


def signature(party: str, text: str, use: NameOf = NameOf.NOTE) -> Signature:
    return signature_of(text, name=use.by(party), key=key(party))


def cosignature(party: str, text: str, time_s: int = 1_795_867_200) -> Signature:
    return cosign(text, name=NameOf.WITNESS.by(party), key=key(party), time_s=time_s)


def joined(text: str, *signatures: Signature | str) -> str:
    lines = (each if isinstance(each, str) else each.line() for each in signatures)
    return f"{text}\n{''.join(lines)}"


def changed(given: Signature, *, start: int = 0, to: bytes) -> Signature:
    """Return a signature of which some bytes are others; key id and data count as one."""
    raw = bytearray(given.key_id + given.data)
    raw[start : start + len(to)] = to
    return Signature(given.name, bytes(raw[:4]), bytes(raw[4:]))


def renamed(given: Signature, name: str) -> Signature:
    return Signature(name, given.key_id, given.data)


def in_runs(text: str) -> object:
    """Return a text as it is; a long one as pieces, each with how often it stands there."""
    if len(text) < LONG:
        return text
    parts = re.split(rf"((.)\2{{{LONG // 2},}})", text)
    # Of each run the pattern's inner group follows: the one letter that it is made of.
    runs = [[parts[n + 1], len(parts[n])] for n in range(1, len(parts), 3)]
    texts = [[parts[n], 1] for n in range(0, len(parts), 3)]
    mixed = [each for pair in zip(texts, [*runs, ["", 0]], strict=True) for each in pair]
    assert "".join(piece * times for piece, times in mixed) == text
    return [each for each in mixed if each[0]]


def in_whole(value: object) -> str:
    """Return what ``in_runs`` made of a text as the text that it was."""
    if isinstance(value, str):
        return value
    assert isinstance(value, list)
    return "".join(piece * times for piece, times in value)
