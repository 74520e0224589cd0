"""A disk that fails on demand: an SQLite file layer over the real one."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import apsw


class FaultyDisk(apsw.VFS):
    """Set ``full`` or ``sync_fails`` and the next write or sync of any file fails.

    ``sync_s`` makes each sync take so long.
    """

    def __init__(self, name: str) -> None:
        self.full = False
        self.sync_fails = False
        self.syncs = 0
        self.sync_s = 0.0
        super().__init__(name, "", makedefault=False)
        self.vfs_name = name

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> "FaultyFile":
        return FaultyFile(self, name, flags)


class FaultyFile(apsw.VFSFile):
    def __init__(
        self, disk: FaultyDisk, name: str | apsw.URIFilename | None, flags: list[int]
    ) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.full:
            raise apsw.FullError("no space left")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        self._disk.syncs += 1
        if self._disk.sync_fails:
            raise apsw.IOError("sync failed")
        time.sleep(self._disk.sync_s)
        super().xSync(flags)


@contextmanager
def faulty_disk(name: str) -> Iterator[FaultyDisk]:
    disk = FaultyDisk(name)
    try:
        yield disk
    finally:
        disk.unregister()
