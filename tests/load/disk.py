"""A disk of a few megabytes: a tmpfs of its own, filled and emptied with a ballast file."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BLOCK = 4_096


@contextmanager
def small_disk(at: Path, size_mb: int) -> Iterator[Path]:
    """Mount a small tmpfs, and take it away again.

    Raises:
        PermissionError: this needs the right to mount.
    """
    at.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mb}m", "tansiq-test", at],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise PermissionError(made.stderr.strip())
    try:
        yield at
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


class Ballast:
    """A file that takes up room."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "ballast"

    def fill(self, *, leave: int = 0) -> None:
        """Take all room but so many bytes."""
        with self._file.open("ab") as file:
            while (room := self.free() - leave) >= BLOCK:
                # The node takes room at the same time.
                with suppress(OSError):
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, room)

    def empty(self) -> None:
        """Give the room back."""
        self._file.unlink()

    def free(self) -> int:
        """Return how many bytes are free."""
        found = os.statvfs(self._file.parent)
        return found.f_bavail * found.f_frsize
