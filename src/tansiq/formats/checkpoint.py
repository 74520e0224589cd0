"""Texts of a log: checkpoint, cosignature, proof file, and what is handed to a witness.

Formats are those of ``c2sp.org/tlog-checkpoint``, ``tlog-cosignature`` (v1, Ed25519),
``tlog-proof`` and ``tlog-witness``. Each text has one spelling and is read strictly. A log's origin
is the name of its key. Leaves out where trees are kept and who may be believed: keys are given.
"""

import base64
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain import merkle
from tansiq.domain.merkle import EMPTY_ROOT, HASH_BYTES, PROOF_HASHES_MAX, SIZE_MAX
from tansiq.errors import BadInput, BadSignature, TooLarge
from tansiq.formats.signed_note import (
    NOTE_BYTES_MAX,
    Signature,
    SignatureType,
    SignedNote,
    VerifierKey,
    check_text,
    from_base64,
    parse,
    sign,
    signature_of,
    verified,
)

CHECKPOINT_BYTES_MAX: Final = 16_384
"""A checkpoint with all its signatures."""
PROOF_BYTES_MAX: Final = NOTE_BYTES_MAX
"""A proof file, or a checkpoint handed to a witness with its proof."""

_PROOF: Final = "c2sp.org/tlog-proof@v1"
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log says of itself: so many entries, and the root over them.

    Raises:
        BadInput: a value that cannot be.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX or len(self.root) != HASH_BYTES:
            raise BadInput(f"not 0 to {SIZE_MAX} entries and a root of 32 bytes", field="size")
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise BadInput("not the root of a log without entries", field="root")
        if not all(line and "\n" not in line for line in (self.origin, *self.extensions)):
            raise BadInput("an empty line, or a line break within one", field="origin")

    def text(self) -> str:
        """Return what is signed."""
        root = base64.b64encode(self.root).decode()
        return "\n".join([self.origin, str(self.size), root, *self.extensions, ""])


@dataclass(frozen=True, slots=True)
class Cosignature:
    """What a witness said of a checkpoint, and when by its own clock, seconds since 1970."""

    name: str
    time_s: int


@dataclass(frozen=True, slots=True)
class OpenCheckpoint:
    """A checkpoint whose log's signature was checked, and the cosignatures of known witnesses."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    note: SignedNote


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint.

    Raises:
        BadInput: not a checkpoint.
    """
    lines = check_text(text)[:-1].split("\n")
    if len(lines) < 3:
        raise BadInput("needs three lines: origin, size, root", field="checkpoint")
    origin, size, root, *extensions = lines
    return Checkpoint(
        origin=origin,
        size=number(size, "size"),
        root=_hash(root, "root"),
        extensions=tuple(extensions),
    )


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> bytes:
    """Return the checkpoint, signed under its origin.

    Raises:
        BadInput: the origin is no name of a key.
    """
    return sign(checkpoint.text(), name=checkpoint.origin, key=key)


def open_checkpoint(
    data: bytes, log: VerifierKey, witnesses: Collection[VerifierKey] = ()
) -> OpenCheckpoint:
    """Read a signed checkpoint of one log; count which of these witnesses have cosigned it.

    Raises:
        TooLarge: longer than a checkpoint with its signatures can be.
        BadInput: malformed, or of another log.
        BadSignature: the log has not signed it, or a known key's signature does not hold.
    """
    note = parse(data, bytes_max=CHECKPOINT_BYTES_MAX)
    found = verified(note, [log, *witnesses])
    if (log.name, log.key_id) not in {(each.name, each.key_id) for each, _ in found}:
        raise BadSignature(f"not signed by {log.name}", field="checkpoint")
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != log.name:
        raise BadInput(f"of {checkpoint.origin[:60]!r}, not of {log.name}", field="origin")
    # A name tells what was signed, the type how: only a timestamped one says anything of time.
    given = tuple(Cosignature(each.name, time) for each, time in found if time is not None)
    return OpenCheckpoint(checkpoint, given, note)


def cosign(text: str, *, name: str, key: Ed25519PrivateKey, time_s: int) -> Signature:
    """Return our cosignature on the text of a checkpoint; what it means, the caller has checked."""
    return signature_of(text, name=name, key=key, time_s=time_s)


def check_cosignature(text: str, given: Signature, witness: VerifierKey) -> Cosignature:
    """Return what a witness said of the text of a checkpoint.

    Raises:
        BadSignature: not that witness's, not timestamped, or it does not hold.
    """
    mine = (given.name, given.key_id) == (witness.name, witness.key_id)
    if not mine or witness.type is not SignatureType.COSIGNATURE:
        raise BadSignature(f"not a cosignature of {witness.name}", field="signature")
    time = witness.verify(text, given.data)
    assert time is not None, "its type has one"  # noqa: S101 - checked above
    return Cosignature(given.name, time)


# Proof files


@dataclass(frozen=True, slots=True, kw_only=True)
class LogProof:
    """The content of a ``.tlog-proof`` file: that an entry is in a log, to be checked offline."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    """Signed, with cosignatures where there are any."""
    extra: bytes | None = None
    """Of the application; nobody has signed it."""

    def encode(self) -> bytes:
        """Return the bytes of the file."""
        extra = [] if self.extra is None else [f"extra {base64.b64encode(self.extra).decode()}"]
        head = [_PROOF, *extra, f"index {self.index}", *map(_line, self.hashes), "", ""]
        return "\n".join(head).encode() + self.checkpoint


def parse_proof(data: bytes) -> LogProof:
    """Read a proof file; what it proves remains to be verified.

    Raises:
        TooLarge: longer than a proof can be.
        BadInput: not a proof file.
    """
    lines, checkpoint = _head(data, "proof")
    if not lines or lines.pop(0) != _PROOF:
        raise BadInput(f"does not begin with {_PROOF}", field="proof")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = from_base64(lines.pop(0).removeprefix("extra "), "extra")
        if not extra:
            raise BadInput("empty; leave the line out", field="extra")
    index = _keyed(lines, "index")
    return LogProof(index=index, hashes=_hashes(lines), checkpoint=checkpoint, extra=extra)


def verify_proof(
    proof: LogProof, entry: bytes, log: VerifierKey, witnesses: Collection[VerifierKey] = ()
) -> OpenCheckpoint:
    """Check that the entry is in the log; return the checkpoint and who of these has cosigned it.

    How many cosignatures are enough is the caller's to say.

    Raises:
        BadInput: the checkpoint in it is malformed or of another log.
        BadSignature: the log has not signed it, or a known key's signature does not hold.
        ProofFailed: the entry is not shown to be at that place.
    """
    opened = open_checkpoint(proof.checkpoint, log, witnesses)
    merkle.verify_inclusion(
        merkle.leaf_hash(entry),
        proof.index,
        opened.checkpoint.size,
        opened.checkpoint.root,
        proof=proof.hashes,
    )
    return opened


# What is handed to a witness


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """The body of a witness's ``add-checkpoint``: a checkpoint and how it follows from one."""

    old_size: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """Return the bytes of the body."""
        head = [f"old {self.old_size}", *map(_line, self.hashes), "", ""]
        return "\n".join(head).encode() + self.checkpoint


def parse_add_checkpoint(data: bytes) -> AddCheckpoint:
    """Read what a log hands to a witness.

    Raises:
        TooLarge: longer than it can be.
        BadInput: malformed.
    """
    lines, checkpoint = _head(data, "body")
    old = _keyed(lines, "old")
    return AddCheckpoint(old_size=old, hashes=_hashes(lines), checkpoint=checkpoint)


# Parts


def number(text: str, field: str) -> int:
    """Read a count in its one spelling.

    Raises:
        BadInput: not a decimal number without leading zeros, or too large.
    """
    if _NUMBER.fullmatch(text) is None or int(text) > SIZE_MAX:
        raise BadInput(f"{text[:30]!r} is not 0 to {SIZE_MAX} in plain digits", field=field)
    return int(text)


def _head(data: bytes, field: str) -> tuple[list[str], bytes]:
    """Split the lines before the first empty one from the checkpoint behind it."""
    if len(data) > PROOF_BYTES_MAX:
        raise TooLarge(f"{len(data):,} bytes; {PROOF_BYTES_MAX:,} at most", field=field)
    head, gap, checkpoint = data.partition(b"\n\n")
    if not gap or not head.isascii():
        raise BadInput("no empty line between proof and checkpoint, or not ASCII", field=field)
    return head.decode("ascii").split("\n"), checkpoint


def _keyed(lines: list[str], key: str) -> int:
    """Take the line ``key NUMBER`` from the front."""
    word, _, value = lines.pop(0).partition(" ") if lines else ("", "", "")
    if word != key:
        raise BadInput(f"no line {key!r} with a number where it should be", field=key)
    return number(value, key)


def _hashes(lines: Sequence[str]) -> tuple[bytes, ...]:
    if len(lines) > PROOF_HASHES_MAX:
        raise BadInput(f"{len(lines)} hashes; {PROOF_HASHES_MAX} at most", field="proof")
    return tuple(_hash(line, f"proof[{n}]") for n, line in enumerate(lines))


def _hash(text: str, field: str) -> bytes:
    found = from_base64(text, field)
    if len(found) != HASH_BYTES:
        raise BadInput(f"{len(found)} bytes; a hash has {HASH_BYTES}", field=field)
    return found


def _line(each: bytes) -> str:
    return base64.b64encode(each).decode()
