"""Evidence bundles in files, each under the SHA-256 of its bytes, the newest kept up to a limit.

A sheet names the bundle that was exported with it; a bundle carries the time at which it was made,
so the same one cannot be exported twice. Files, because one may have 64 MB, which no transaction
should carry. Every call reads or writes the disk: not on the loop.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from tansiq.errors import StoreError

KEPT_BYTES_MAX: Final = 256_000_000
KEPT_MAX: Final = 1_000
_SUFFIX: Final = ".bundle"
_HALF: Final = ".half"
_HALF_NS_MAX: Final = 3_600 * 10**9
"""What is written takes no hour."""
_NAME: Final = re.compile(r"[0-9a-f]{64}\.bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBundles:
    """A folder of bundles; it is made when the first is kept."""

    folder: Path
    bytes_max: int = KEPT_BYTES_MAX
    count_max: int = KEPT_MAX

    def keep(self, data: bytes) -> str:
        """Keep a bundle, and forget the oldest beyond the limits; return its SHA-256.

        Raises:
            StoreError: the disk does not take it.
        """
        name = sha256(data).hexdigest()
        path = self.folder / f"{name}{_SUFFIX}"
        half = self.folder / f"{name}{_HALF}"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            try:
                half.write_bytes(data)
                half.chmod(0o600)
                half.replace(path)
            finally:
                # Else a disk that is full is kept full, and the record needs it too.
                half.unlink(missing_ok=True)
            self._forget(path)
        except OSError as error:
            raise StoreError(f"the bundle of a sheet cannot be kept: {error}") from error
        return name

    def get(self, name: str) -> bytes | None:
        """Return the bundle of that SHA-256, byte for byte; None: it is not, or no longer, here.

        Raises:
            StoreError: the disk does not give it, or it was changed there.
        """
        path = self.folder / f"{name}{_SUFFIX}"
        if not _NAME.fullmatch(path.name):
            return None
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"the bundle of a sheet cannot be read: {error}") from error
        if sha256(data).hexdigest() != name:
            raise StoreError(f"{path.name} was changed on disk: it is not what the sheet names")
        return data

    def has(self, name: str) -> bool:
        """Report whether a bundle is here."""
        return (self.folder / f"{name}{_SUFFIX}").is_file()

    def _forget(self, newest: Path) -> None:
        """Forget the oldest, never the one that was kept last."""
        found = []
        began_ns = newest.stat().st_mtime_ns - _HALF_NS_MAX
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # Somebody else forgot it meanwhile.
                if path.suffix == _HALF and path.stat().st_mtime_ns < began_ns:
                    path.unlink()  # Of a node that was ended while it wrote.
                elif _NAME.fullmatch(path.name) and path != newest:
                    stat = path.stat()
                    found.append((stat.st_mtime_ns, path.name, stat.st_size))
        found.sort(reverse=True)
        count, size = 1, newest.stat().st_size
        for _, name, of in found:
            count, size = count + 1, size + of
            if count > self.count_max or size > self.bytes_max:
                (self.folder / name).unlink(missing_ok=True)
