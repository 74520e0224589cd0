"""The store in one SQLite file: one writer with group commit, readers on snapshots of their own.

A write is answered only after its COMMIT has been synced to disk (WAL, ``synchronous=FULL``). The
writer thread takes all writes that are waiting, gives each a savepoint, and commits them together:
one sync for many. A write that raises loses its own savepoint only; a COMMIT that fails loses the
whole batch, and all of it is told so.

After a disk error (full, read-only, sync failed) the store refuses every write, so that nothing is
built on what may not be there, until a harmless commit of some size succeeds. That is tried before
each batch, so the store recovers by itself once the disk is in order. A process that dies between
a failed sync and the next commit may find the failed writes after its restart: their callers must
take the error for "not known", as with any answer that is lost.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar, cast

import apsw

from tansiq.errors import StoreError
from tansiq.storage.migrate import migrate
from tansiq.storage.store import NOTHING, Asked, Parameters, Row, Tx, recall

T = TypeVar("T")

SQLITE_MIN = (3, 51, 3)
"""Older ones can lose commits: a reset of the WAL could race with a writer."""
BATCH_MAX: Final = 256
"""Writes in one commit; bounds how long the first of them waits for the last."""
QUEUE_MAX: Final = 10_000
"""Writes that may wait; more are refused at once, which a client can handle and a stall not."""
READERS: Final = 2
BUSY_MS: Final = 5_000
"""How long another process (backup, doctor) may hold the file."""

_DISK_ERRORS = (
    apsw.FullError,
    apsw.IOError,
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.ReadOnlyError,
    apsw.CantOpenError,
    apsw.NoMemError,
)
"""What says that the file or the disk is not to be relied on."""
_PASSING_ERRORS = (apsw.BusyError, apsw.LockedError, apsw.InterruptError)
"""What another attempt may get past."""


class _SqliteTx:
    """A transaction on one connection. Awaiting it never suspends."""

    __slots__ = ("connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    async def fetch(self, sql: str, parameters: Parameters = NOTHING) -> list[Row]:
        return self.connection.execute(sql, _bindings(parameters)).fetchall()

    async def fetch_one(self, sql: str, parameters: Parameters = NOTHING) -> Row | None:
        return self.connection.execute(sql, _bindings(parameters)).fetchone()

    async def execute(self, sql: str, parameters: Parameters = NOTHING) -> int:
        connection = self.connection
        # The difference of totals: changes() would repeat an older count after other statements.
        before = connection.total_changes()
        connection.execute(sql, _bindings(parameters))
        return connection.total_changes() - before

    async def execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        if rows:
            self.connection.executemany(sql, cast(list[dict[str, Any]], rows))

    @property
    def distant(self) -> bool:
        return False

    async def fetch_each(self, asked: Sequence[Asked]) -> list[list[Row]]:
        return [await self.fetch(sql, parameters) for sql, parameters in asked]

    async def change(self, changes: Sequence[Asked]) -> list[Row]:
        rows: list[Row] = []
        for sql, parameters in changes:
            rows = await self.fetch(sql, parameters)
        return rows

    @property
    def shares(self) -> bool:
        return False

    async def lock(self, keys: Sequence[int]) -> None:
        """Do nothing: the single writer orders all transactions already."""

    async def alone(self) -> None:
        """Do nothing: it is."""

    def time_us(self, given: int) -> int:
        return given


def _bindings(parameters: Parameters) -> dict[str, Any] | None:
    if parameters is NOTHING:
        return None
    return cast(dict[str, Any], parameters)


def _step(fn: Callable[[Tx], Awaitable[T]], tx: Tx) -> T:
    """Run ``fn`` to its end without a loop: on SQLite nothing it may await suspends."""
    running = fn(tx).__await__()
    try:
        next(running)
    except StopIteration as finished:
        return cast(T, finished.value)
    running.close()
    raise RuntimeError("a transaction awaited something besides its tx; do that before or after it")


def _connect(path: Path, vfs: str | None, *, read_only: bool) -> apsw.Connection:
    connection = apsw.Connection(str(path), vfs=vfs)
    connection.set_busy_timeout(BUSY_MS)
    # A misspelt column in double quotes would else be taken for a string.
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    connection.pragma("foreign_keys", 1)
    connection.pragma("temp_store", 2)
    connection.pragma("cache_size", -65_536)
    if read_only:
        connection.pragma("query_only", 1)
        return connection
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", 2)
    connection.pragma("wal_autocheckpoint", 4_000)
    mode, synced = connection.pragma("journal_mode"), connection.pragma("synchronous")
    if mode != "wal" or synced != 2:
        raise StoreError(
            f"{path}: journal_mode is {mode} and synchronous is {synced}, where wal and 2 (FULL) "
            "are needed; is the file on a network disk, or open elsewhere?"
        )
    return connection


@dataclass(slots=True)
class _Job:
    """One write: what to run, and who waits for it."""

    fn: Callable[[Tx], Awaitable[Any]]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None
    _claims: list[None] = field(default_factory=lambda: [None])

    def claim(self) -> bool:
        """Decide its fate, from any thread; report whether nobody had before.

        Taking the only entry of a list is one step for all threads, and costs less than a lock.
        """
        try:
            self._claims.pop()
        except IndexError:
            return False
        return True

    def withdraw(self) -> bool:
        """Take it back; report whether the writer had not begun it."""
        return self.claim()

    def deliver(self) -> None:
        if self.future.done():  # The caller was cancelled; the write stands unless taken back.
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


def _deliver(jobs: Sequence[_Job]) -> None:
    for job in jobs:
        job.deliver()


_STOP: Final = object()
_TOUCH = "UPDATE store_probe SET n = n + 1"
"""Something harmless, so that a commit has to reach the disk."""
_TAKE_ROOM = "UPDATE store_probe SET n = zeroblob(:room_bytes)"
_GIVE_ROOM_BACK = "UPDATE store_probe SET n = 0"
_ROOM_BYTES: Final = 1_048_576
"""What must fit once more after a disk error. On a full disk the log still has room for a commit of
a page or two: whoever takes that for recovery goes back and forth, and calls itself ready."""


class SqliteStore:
    """A ``Store`` in one file. Use ``open``; used from one event loop or several."""

    def __init__(self, path: Path, vfs: str | None) -> None:
        self._path = path
        self._vfs = vfs
        self._connection = _connect(path, vfs, read_only=False)
        self._tx = _SqliteTx(self._connection)
        self._queue: SimpleQueue[_Job | object] = SimpleQueue()
        self._refusing: str | None = None
        self._closed = False
        self._readers: list[apsw.Connection] = []
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="tansiq-read")
        self._reading = threading.local()
        self._writer = threading.Thread(target=self._run, name="tansiq-write", daemon=True)

    @classmethod
    def open(
        cls, path: Path, *, migrations: Traversable | Path | None = None, vfs: str | None = None
    ) -> "SqliteStore":
        """Open or create the file and bring its tables up to date.

        ``vfs`` names an SQLite file layer, for tests of failing disks.

        Raises:
            StoreError: SQLite is too old, or the file cannot be used as it must be.
        """
        version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
        if version < SQLITE_MIN:
            raise StoreError(
                f"SQLite {apsw.sqlite_lib_version()} can lose commits; "
                f"{'.'.join(map(str, SQLITE_MIN))} or newer is needed: pip install -U apsw"
            )
        with _told_as_store_error(path):
            store = cls(path, vfs)
            migrate(store._connection, migrations or files("tansiq.storage") / "migrations")
        store._writer.start()
        return store

    @property
    def refusing(self) -> str | None:
        """Why writes are refused, or None."""
        return self._refusing

    async def write(
        self,
        fn: Callable[[Tx], Awaitable[T]],
        *,
        beside: bool = False,
        at: Collection[int] = (),
    ) -> T:
        """Run ``fn`` in a writing transaction and return its result once the commit is on disk.

        With one writer each is alone, ``beside`` or not.

        Raises:
            StoreError: not committed, or refused because of a disk error or overload.
            Exception: whatever ``fn`` raised; nothing of it was kept.
        """
        self._check_open()
        if self._queue.qsize() >= QUEUE_MAX:
            raise StoreError(f"{QUEUE_MAX} writes are waiting; try again later")
        loop = asyncio.get_running_loop()
        job = _Job(fn, loop, loop.create_future())
        if (recalled := recall.get()) is not None:
            recalled.bind(job)
        self._queue.put(job)
        return cast(T, await job.future)

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``fn`` against a consistent snapshot of what is committed.

        Raises:
            StoreError: the file cannot be read.
        """
        self._check_open()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, fn)

    async def probe(self) -> None:
        """Show that the store can commit.

        Raises:
            StoreError: it cannot.
        """
        await self.write(_touch)

    async def close(self) -> None:
        """Finish what is queued, then close."""
        if self._closed:
            return
        self._closed = True
        self._queue.put(_STOP)
        await asyncio.to_thread(self._shut)

    def _shut(self) -> None:
        self._writer.join()
        self._pool.shutdown()
        for connection in self._readers:
            connection.close()
        self._connection.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

    # Reading: on the pool's threads

    def _read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        tx = getattr(self._reading, "tx", None)
        with _told_as_store_error(self._path):
            if tx is None:
                connection = _connect(self._path, self._vfs, read_only=True)
                self._readers.append(connection)
                tx = self._reading.tx = _SqliteTx(connection)
            # One read transaction for all of fn's statements: a single moment.
            with tx.connection:
                return _step(fn, tx)

    # Writing: on the writer's thread

    def _run(self) -> None:
        running = True
        while running:
            batch: list[_Job] = []
            running = self._take(batch)
            if not batch:
                continue
            if self._refusing is not None:
                self._recover()
            if self._refusing is None:
                self._commit(batch)
            else:
                _fail(batch, StoreError(self._refusing))
            _answer(batch)

    def _take(self, batch: list[_Job]) -> bool:
        """Fill ``batch`` with what waits; report whether to go on afterwards."""
        item = self._queue.get()
        while True:
            if item is _STOP:
                return False
            batch.append(cast(_Job, item))
            if len(batch) >= BATCH_MAX:
                return True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return True

    def _recover(self) -> None:
        """Commit something harmless but not small; stop refusing if that succeeds.

        On the same connection: it has rolled back, and overwrites what the failed commit left in
        the WAL. A new one would read that again, and could bring back what was refused.
        """
        try:
            self._connection.execute(_TAKE_ROOM, {"room_bytes": _ROOM_BYTES})
            self._connection.execute(_GIVE_ROOM_BACK)
            self._refusing = None
        except apsw.Error as error:
            self._refusing = self._sentence(error)

    def _commit(self, batch: list[_Job]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                if job.claim():  # Else its caller has taken it back.
                    self._attempt(job)
            connection.execute("COMMIT")
        except _DISK_ERRORS as error:
            self._refusing = self._sentence(error)
            _fail(batch, StoreError(self._refusing))
        except apsw.Error as error:
            _fail(batch, StoreError(f"{self._path.name}: {error}; nothing was written"))
        finally:
            if connection.in_transaction:
                self._roll_back()

    def _roll_back(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except apsw.Error as error:
            self._refusing = self._refusing or self._sentence(error)

    def _attempt(self, job: _Job) -> None:
        """Run one write in its savepoint.

        Raises:
            apsw.Error: the disk failed, or the whole transaction is gone with the savepoint.
        """
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            job.result = _step(job.fn, self._tx)
        except _DISK_ERRORS:
            raise
        except BaseException as error:  # Not swallowed: handed to the caller.
            if not connection.in_transaction:
                raise apsw.AbortError("the transaction was rolled back by SQLite") from error
            connection.execute("ROLLBACK TO job")
            job.error = error
        connection.execute("RELEASE job")

    def _sentence(self, error: BaseException) -> str:
        return (
            f"{self._path.name} cannot be written ({type(error).__name__}: {error}); "
            "nothing more is accepted until the disk is in order"
        )


async def _touch(tx: Tx) -> None:
    await tx.execute(_TOUCH)


def _fail(batch: Sequence[_Job], error: StoreError) -> None:
    for job in batch:
        job.error = error


def _answer(batch: Sequence[_Job]) -> None:
    """Wake the callers, with one call into each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Job]] = defaultdict(list)
    for job in batch:
        by_loop[job.loop].append(job)
    for loop, jobs in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_deliver, jobs)


def peek(path: Path, fn: Callable[[Tx], Awaitable[T]]) -> T | None:
    """Run ``fn`` against what is committed in a store that a node may have open; write nothing.

    None where there is no file yet, or one of before the tables that ``fn`` asks for.

    Raises:
        StoreError: the file cannot be read.
    """
    if not path.exists():
        return None
    with _told_as_store_error(path):
        connection = _connect(path, None, read_only=True)
        found: T | None = None
        try:
            with suppress(apsw.SQLError), connection:
                found = _step(fn, _SqliteTx(connection))
        finally:
            connection.close()
    return found


@contextmanager
def _told_as_store_error(path: Path) -> Generator[None]:
    try:
        yield
    except (*_DISK_ERRORS, *_PASSING_ERRORS) as error:
        raise StoreError(f"{path}: {type(error).__name__}: {error}") from error
