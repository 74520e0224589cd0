"""The file of a backup: a plain tar, so that any system can look into it; read strictly.

Each header is read by itself, and only regular files with a plain name and size are taken, in the
order of the manifest, which comes first. So there are no links, no folders, no sparse files, no
long headers, nothing twice and nothing that unfolds to more than the archive's own bytes.
"""

import hashlib
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

from tansiq.backup.manifest import BYTES_MAX, FileEntry, Manifest, check_signed, read_manifest
from tansiq.errors import BadInput

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
PREFIX: Final = "data/"
_BLOCK: Final = tarfile.BLOCKSIZE
_PIECE: Final = 1_048_576
_SIGNATURE_BYTES_MAX: Final = 4_096

Tell = Callable[[str], None]


class Writing:
    """An archive that is being written."""

    def __init__(self, file: BinaryIO, *, mtime_s: int) -> None:
        self._file = file
        self._mtime_s = mtime_s

    def add(self, name: str, content: bytes, *, mode: int = 0o600) -> None:
        """Add a small file."""
        self._header(name, len(content), mode)
        self._file.write(content)
        self._pad(len(content))

    def add_file(self, entry: FileEntry, path: Path) -> None:
        """Add a file of the folder, whose size and hash are known.

        Raises:
            BadInput: it is not any more what it was.
        """
        self._header(PREFIX + entry.name, entry.bytes, entry.mode)
        digest = hashlib.sha256()
        with path.open("rb") as source:
            left = entry.bytes
            while left and (piece := source.read(min(left, _PIECE))):
                digest.update(piece)
                self._file.write(piece)
                left -= len(piece)
        if left or digest.hexdigest() != entry.sha256:
            raise BadInput("changed while it was copied; try again", field=entry.name)
        self._pad(entry.bytes)

    def end(self) -> None:
        """Close the list of files, and see all of it to the disk."""
        self._file.write(bytes(2 * _BLOCK))
        self._file.flush()
        os.fsync(self._file.fileno())

    def _header(self, name: str, size: int, mode: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size, mode, self._mtime_s
        self._file.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"))

    def _pad(self, size: int) -> None:
        self._file.write(bytes(-size % _BLOCK))


class Reading:
    """An archive that is read from its beginning to its end."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._left = os.fstat(file.fileno()).st_size

    def manifest(self) -> Manifest:
        """Return the manifest, whose signature holds under the key that it names.

        Raises:
            BadInput: none, or not so.
        """
        content = self._small(MANIFEST, BYTES_MAX)
        signature = self._small(SIGNATURE, _SIGNATURE_BYTES_MAX)
        manifest = read_manifest(content)
        key = bytes.fromhex(manifest.public_key)
        check_signed(content, signature, party=manifest.party, public_key=key)
        if manifest.total_bytes > self._left:
            raise self._short()
        return manifest

    def unpack(
        self, manifest: Manifest, folder: Path, wanted: Callable[[FileEntry], bool], tell: Tell
    ) -> None:
        """Write the wanted files into a folder of our own; all are held against their hashes.

        Raises:
            BadInput: one is not what the manifest says, or something else is in the archive.
            OSError: they cannot be written.
        """
        for entry in manifest.files:
            size = self._next(PREFIX + entry.name)
            if size != entry.bytes:
                raise self._wrong(f"{entry.name} has another size than the manifest says")
            if wanted(entry):
                self._write(entry, folder, tell)
            else:
                self._copy(entry, None, tell)
        if self._take(2 * _BLOCK).strip(b"\0") or self._left:
            raise self._wrong("something follows that the manifest does not name")

    def _write(self, entry: FileEntry, folder: Path, tell: Tell) -> None:
        path = folder / entry.name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = 0o600 if entry.secret else entry.mode & 0o755 | 0o600
        # Exclusive and not followed: nothing may be there.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(path, flags, 0o600), "wb") as target:
            self._copy(entry, target, tell)
            target.flush()
            os.fchmod(target.fileno(), mode)
            os.fsync(target.fileno())

    def _copy(self, entry: FileEntry, target: BinaryIO | None, tell: Tell) -> None:
        digest, left = hashlib.sha256(), entry.bytes
        while left:
            piece = self._take(min(left, _PIECE))
            left -= len(piece)
            digest.update(piece)
            if target is not None:
                target.write(piece)
            tell(f"{entry.name}: {(entry.bytes - left) / 1e6:,.0f} of {entry.bytes / 1e6:,.0f} MB")
        if self._take(-entry.bytes % _BLOCK).strip(b"\0"):
            raise self._wrong(f"{entry.name} is not filled up as tar does it")
        if digest.hexdigest() != entry.sha256:
            raise self._wrong(f"{entry.name} is not what was backed up: its hash is another one")

    def _small(self, name: str, bytes_max: int) -> bytes:
        size = self._next(name)
        if size > bytes_max:
            raise self._wrong(f"{name} has {size:,} bytes; at most {bytes_max:,}")
        content = self._take(size)
        if self._take(-size % _BLOCK).strip(b"\0"):
            raise self._wrong(f"{name} is not filled up as tar does it")
        return content

    def _next(self, name: str) -> int:
        """Return the size of the next file, which must have this name."""
        block = self._take(_BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError, ValueError) as error:
            raise self._wrong(f"where {name} should be there is no header of a tar") from error
        if info.type != tarfile.REGTYPE or info.name != name or info.size < 0:
            kind = "" if info.type == tarfile.REGTYPE else f", of type {info.type!r}"
            raise self._wrong(f"where {name} should be is {info.name[:120]!r}{kind}")
        return info.size

    def _take(self, size: int) -> bytes:
        piece = self._file.read(size)
        if len(piece) != size:
            raise self._short()
        self._left -= size
        return piece

    def _short(self) -> BadInput:
        return BadInput(
            "ends too early: it was not copied to its end, or something cut it. Nothing was "
            "changed; take another copy",
            field=self._name,
        )

    def _wrong(self, what: str) -> BadInput:
        return BadInput(f"{what}. Nothing was changed; take another copy", field=self._name)
