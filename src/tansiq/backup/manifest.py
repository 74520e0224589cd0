"""What a backup says of itself: whose it is, of when, every file with its hash, the record's head.

Read strictly, for an archive may come from anywhere: every name is a plain one below the folder,
every size counts against the archive's own, and what is not known is refused. The node's key signs
it, so that a file that somebody made, or made up, is not taken for the node's.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.errors import BadInput
from tansiq.formats import seal
from tansiq.formats.signed_note import NameOf
from tansiq.settings import EXCHANGES, FILE, STORE

FORMAT: Final = 1
BYTES_MAX: Final = 4_000_000
FILES_MAX: Final = 10_000
NAME_BYTES_MAX: Final = 95
"""So that it fits one header of an archive with its prefix."""
STORES: Final = (STORE, EXCHANGES)
DUMP: Final = "tansiq.pgdump"
"""The store of a node that keeps it in a database, as pg_dump writes it."""
_KINDS: Final = {STORE: "sqlite", EXCHANGES: "sqlite", DUMP: "postgresql"}
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_PARTY: Final = re.compile(r"[A-Za-z0-9._-]{1,60}")


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of the folder."""

    name: str
    bytes: int
    sha256: str
    mode: int
    secret: bool = False


class StoreEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one of the files holds as a store."""

    name: str
    kind: str
    """``sqlite``, or ``postgresql``, a dump that has no pages: each is put back in its way."""
    schema: int
    """The last migration that it has been through."""
    pages: int
    page_bytes: int


class RecordHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the record came to."""

    size: int
    root: str


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a restored node may miss."""

    name: str
    why: str
    secret: bool = False


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it."""

    format: int
    tansiq: str
    """Version that made it."""
    party: str
    public_key: str
    agreement: str
    """Digest."""
    made: str
    """RFC 3339, by the node's clock, before the first page was copied."""
    keys: bool
    """Whether the files that nobody else may read are among these."""
    record: RecordHead
    stores: tuple[StoreEntry, ...]
    files: tuple[FileEntry, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def of_database(self) -> bool:
        """Report whether the node keeps its store in a database."""
        return any(store.name == DUMP for store in self.stores)

    @property
    def total_bytes(self) -> int:
        """Return what all files take."""
        return sum(file.bytes for file in self.files)

    def file(self, name: str) -> FileEntry | None:
        """Return the entry of a file, if it is there."""
        return next((file for file in self.files if file.name == name), None)


class _Head(msgspec.Struct):
    """What every format has, to tell a newer one from rubbish."""

    format: int
    tansiq: str = "?"


def encode(manifest: Manifest) -> bytes:
    """Return it as the archive holds it."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def read_manifest(data: bytes) -> Manifest:
    """Read a manifest.

    Raises:
        BadInput: it is none, one of a newer Tansiq, or says what cannot be.
    """
    try:
        head = msgspec.json.decode(data, type=_Head)
        if head.format != FORMAT:
            raise BadInput(
                f"format {head.format}, made by Tansiq {head.tansiq[:40]!r}; this version reads "
                f"format {FORMAT}: use the version that made it, or a newer one",
                field="manifest.format",
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            f"not what `tansiq backup` writes ({error}); is it whole, and a backup?",
            field="manifest",
        ) from error
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    if not _PARTY.fullmatch(manifest.party):
        raise BadInput(f"{manifest.party[:60]!r} is no id of a party", field="manifest.party")
    for field, value in (
        ("public_key", manifest.public_key),
        ("agreement", manifest.agreement),
        ("record.root", manifest.record.root),
    ):
        if not _HEX.fullmatch(value):
            raise BadInput("not 64 hexadecimal digits", field=f"manifest.{field}")
    if not 0 <= manifest.record.size < 2**63:
        raise BadInput("no size of a record", field="manifest.record.size")
    _check_files(manifest.files)
    names = [store.name for store in manifest.stores]
    for store in manifest.stores:
        entry = manifest.file(store.name)
        if _KINDS.get(store.name) != store.kind or entry is None:
            raise BadInput(
                f"{store.name[:60]!r} is no store that this version puts back",
                field="manifest.stores",
            )
        if store.kind == "sqlite" and entry.bytes != store.pages * store.page_bytes:
            raise BadInput(
                f"{store.name} has {entry.bytes:,} bytes and should have {store.pages:,} pages of "
                f"{store.page_bytes:,}",
                field="manifest.stores",
            )
    once = len(set(names)) == len(names) and (STORE in names) != (DUMP in names)
    if not once or manifest.file(FILE) is None:
        raise BadInput(
            f"{FILE} and one of {STORE} and {DUMP} belong in it, once", field="manifest.files"
        )


def _check_files(files: Sequence[FileEntry]) -> None:
    if len(files) > FILES_MAX:
        raise BadInput(f"{len(files):,} files; at most {FILES_MAX:,}", field="manifest.files")
    seen: set[str] = set()
    for file in files:
        if (wrong := name_problem(file.name)) is not None:
            raise BadInput(f"{file.name[:120]!r} {wrong}", field="manifest.files")
        # A file where a folder must be, and the reverse, are one name twice as well.
        parents = {str(parent) for parent in Path(file.name).parents} - {"."}
        if file.name in seen or seen & parents:
            raise BadInput(f"{file.name!r} is there twice", field="manifest.files")
        seen.add(file.name)
        if not 0 <= file.bytes < 2**50 or not _HEX.fullmatch(file.sha256):
            raise BadInput(f"{file.name}: no size or no hash", field="manifest.files")
        if not 0 <= file.mode <= 0o777:
            raise BadInput(f"{file.name}: mode {file.mode:o} is none", field="manifest.files")
    if folders := {str(p) for name in seen for p in Path(name).parents} & seen:
        raise BadInput(f"{min(folders)!r} is file and folder", field="manifest.files")


def name_problem(name: str) -> str | None:
    """Return why a file of this name is not put back; None: it may be."""
    parts = name.split("/")
    if name.startswith("/") or any(part in ("", ".", "..") for part in parts):
        return "leads out of the folder, or in circles"
    if "\\" in name or not name.isprintable():
        return "has signs that no file of ours has"
    try:
        length = len(name.encode())
    except UnicodeEncodeError:
        return "is no text"
    if length > NAME_BYTES_MAX:
        return f"is longer than {NAME_BYTES_MAX} bytes"
    return None


# Signed by the node


def signed(manifest: bytes, party: str, key: Ed25519PrivateKey) -> bytes:
    """Return the node's signature over a manifest."""
    return seal.sign(_text(manifest, party), name=NameOf.BACKUP.by(party), key=key)


def check_signed(manifest: bytes, signature: bytes, *, party: str, public_key: bytes) -> None:
    """Check that the key's owner made this manifest.

    Raises:
        BadInput: not so.
    """
    name = NameOf.BACKUP.by(party)
    if seal.verify(signature, name=name, public_key=public_key) != _text(manifest, party):
        raise BadInput(
            "the signature is of another manifest: somebody changed it, or two were mixed up",
            field="manifest.sig",
        )


def _text(manifest: bytes, party: str) -> str:
    return f"tansiq/backup@v1\nparty: {party}\nsha256: {hashlib.sha256(manifest).hexdigest()}\n"
