"""A store copied while its node writes: one moment of it, at a pace that leaves the disk to others.

SQLite's own online backup, page by page. The reader's transaction is what makes it one moment: its
snapshot stays while writers go on in the log, so that the copy never begins anew. The price is that
the log (``-wal``) cannot be taken back until it is done, and grows by what is written meanwhile.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import apsw

from tansiq.clock import Clock
from tansiq.storage.sqlite import BUSY_MS
from tansiq.storage.standing import told_of

STEP_BYTES: Final = 1_048_576
"""Copied at once; the writer is never kept from its file, only from the disk, for so much."""
SYNC_BYTES: Final = 16_777_216
"""Seen to the disk so often: at the end all at once would hold up the writer's own commits."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of it."""

    pages: int
    page_bytes: int


async def copy_store(
    source: Path, target: Path, *, clock: Clock, bytes_per_s: float, tell: Tell
) -> Copied:
    """Copy an SQLite store, in use or not, into a new file that is complete by itself.

    Raises:
        StoreError: one of the two files cannot be read or written.
    """
    with told_of(source):
        reader = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            reader.set_busy_timeout(BUSY_MS)
            reader.pragma("query_only", 1)
            page_bytes = int(reader.pragma("page_size"))
            reader.execute("BEGIN")
            reader.execute("SELECT COUNT(*) FROM sqlite_schema").fetchone()  # The moment.
            pages = int(reader.pragma("page_count"))
            copying = _Copying(target, pages, page_bytes, clock, bytes_per_s, tell)
            await copying.run(reader)
        finally:
            reader.close()
    return Copied(pages, page_bytes)


@dataclass(slots=True)
class _Copying:
    copy: Path
    pages: int
    page_bytes: int
    clock: Clock
    bytes_per_s: float
    tell: Tell

    async def run(self, reader: apsw.Connection) -> None:
        writer = apsw.Connection(str(self.copy))
        try:
            # Of a copy that breaks off nothing is kept, so it needs no journal.
            writer.pragma("journal_mode", "off")
            writer.pragma("synchronous", 0)
            with writer.backup("main", reader, "main") as backup:
                await self._step_on(backup)
            # The copy says "wal" of itself, and would leave files beside it when read.
            writer.pragma("journal_mode", "delete")
        finally:
            writer.close()
        _sync(self.copy)

    async def _step_on(self, backup: apsw.Backup) -> None:
        step = max(1, STEP_BYTES // self.page_bytes)
        began_s, synced = self.clock.monotonic_s(), 0
        while not backup.done:
            backup.step(step)
            done = (self.pages - backup.remaining) * self.page_bytes
            if done - synced >= SYNC_BYTES:
                _sync(self.copy)
                synced = done
            total = self.pages * self.page_bytes
            self.tell(
                f"{self.copy.name}: {done / 1e6:,.0f} of {total / 1e6:,.0f} MB, "
                f"{self.pages - backup.remaining:,} of {self.pages:,} pages"
            )
            ahead_s = began_s + done / self.bytes_per_s - self.clock.monotonic_s()
            await self.clock.sleep(max(0.0, ahead_s))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
