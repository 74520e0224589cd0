"""The store in a PostgreSQL database: writes ordered by stripes, reads on snapshots of one moment.

A write runs under READ COMMITTED and is alone, as it is with SQLite's one writer: it first updates
every gate (``stripes.py``), and waits there for all that are before it. Those that wait for it
meanwhile follow in one transaction (``postgres_batch.py``). A write that goes
``beside`` others updates one gate and its own stripes. Both may be run again: after a collision, or
where the connection was lost before COMMIT was sent, the transaction has left nothing.

A COMMIT whose answer is lost is never repeated. Its caller is told that the outcome is not known.
What a process remembers of the store may be wrong from then on: one that serves is refused every
further write, and begins anew with what stands there (``doubted``).

The process that serves from a database writes its number into the gates (``serve``). A process that
finds another one there has been replaced, and writes nothing any more. Processes that keep nothing
in memory which others' writes would make wrong need no number, and are any number (``join``).
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from heapq import heappop, heappush
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, cast

import asyncpg

from tansiq.clock import Clock, SystemClock
from tansiq.errors import StoreError
from tansiq.storage.postgres_batch import (
    BATCH_MAX,
    COLLISIONS,
    NO_ROOM,
    NOT_KEPT,
    Batch,
    GivenUpError,
    Groups,
    MarksNeededError,
    Member,
    Pending,
    own,
)
from tansiq.storage.postgres_checks import Order, check_server, order_problem
from tansiq.storage.postgres_link import (
    CONNECT_S,
    GONE,
    AgainError,
    Link,
    committed,
    is_lost,
    said,
)
from tansiq.storage.postgres_migrate import check_finished, migrate
from tansiq.storage.postgres_tx import BeginAgainError, PostgresTx
from tansiq.storage.store import Tx, recall
from tansiq.storage.stripes import GATES, PROBE

T = TypeVar("T")

QUEUE_MAX: Final = 10_000
"""Writes that may wait; more are refused at once, which a client can handle and a stall not."""
WRITERS: Final = 4
"""Transactions that go beside each other. Where more writes wait, several share one."""
MARKS_FOR: Final = 20
"""How many transactions of several writes have savepoints after one in which one failed."""
READERS: Final = 5
CONNECTIONS: Final = WRITERS + READERS + 1
"""One is for who is alone."""
WAIT_S: Final = 15.0
"""How long a write or read waits for a server that does not answer, and repeats what collided."""
_PAUSE_FIRST_S: Final = 0.005
_PAUSE_LAST_S: Final = 0.5

_COLLIDED: Final = "40"
"""Class of what a server says that has rolled back instead of committing."""
_UNKNOWN: Final = "40003"
"""One of that class that says it does not know."""


class _BeAloneError(Exception):
    """A write that went beside others asks to be run again alone."""


_MARK_RUN: Final = "UPDATE stripe SET run = :run WHERE k < :gates"


class PostgresStore:
    """A ``Store`` in one database. Use ``open``; used from one event loop."""

    ORDER: ClassVar[Order] = Order(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        """
        INSERT INTO stripe (k, n, run)
        SELECT s.k, 1, 0 FROM unnest($1::BIGINT[]) AS s(k) ORDER BY s.k
        ON CONFLICT (k) DO UPDATE SET n = stripe.n + 1
        RETURNING k, run, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)
        """,
    )
    """Tests put broken ones in its place."""
    _BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

    def __init__(
        self, url: str, *, clock: Clock | None = None, wait_s: float = WAIT_S, process: str = ""
    ) -> None:
        """``process`` names ours among several; transactions tell the database's time then."""
        self._clock = clock or SystemClock()
        self._timed = bool(process)
        self._link = Link(url, self._clock, connections=CONNECTIONS, process=process)
        self.name = self._link.name
        """The URL as it may be shown: without its password."""
        self._wait_s = wait_s
        self._random = random.Random()  # noqa: S311 - it spreads retries and gates
        self._gates = list(range(WRITERS))
        self._first_gate = self._random.randrange(GATES)
        self._run: int | None = None
        self.doubted = asyncio.Event()
        """Set once the answer to a COMMIT was lost."""
        self._alone = asyncio.Lock()
        self._waiting: deque[Member] = deque()
        self._groups = Groups()
        self._marks_for = 0
        self._running: set[asyncio.Task[None]] = set()
        self._reading = asyncio.Semaphore(READERS)
        self._writes: set[asyncio.Task[Any]] = set()
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        migrations: Traversable | Path | None = None,
        wait_s: float = WAIT_S,
        process: str = "",
    ) -> "PostgresStore":
        """Connect, make sure that the server is one to rely on, and bring its tables up to date.

        Raises:
            StoreError: it cannot be reached, or is not what a node needs; says what to do.
        """
        store = cls(url, clock=clock, wait_s=wait_s, process=process)
        try:
            await store._prepare(migrations)
        except BaseException:  # However it ends, the connections are not left open.
            await store.close()
            raise
        return store

    async def _prepare(self, migrations: Traversable | Path | None) -> None:
        until_s = self._clock.monotonic_s() + self._wait_s
        while True:
            try:
                async with self._link.lent() as connection:
                    await check_server(connection, self.name)
                    await check_finished(connection, self.name)
                    await migrate(connection, migrations, self.name)
                    return
            except AgainError as again:
                await self._pause(again, until_s, _PAUSE_LAST_S)
            except GONE as error:
                await self._pause(AgainError(said(error)), until_s, _PAUSE_LAST_S)
            except asyncpg.PostgresError as error:
                raise StoreError(f"{self.name}: {said(error)}") from error

    async def serve(self, run: int) -> None:
        """Be the process that serves from this database: whoever did before writes no more.

        Raises:
            StoreError: the server does not order writes; it is not to be relied on.
        """
        await self.join()

        async def mark(tx: Tx) -> None:
            await tx.execute(_MARK_RUN, {"run": run, "gates": GATES})

        await self.write(mark)
        self._run = run

    async def join(self) -> None:
        """Be one of several processes that write, none of which is in another's way.

        Raises:
            StoreError: the server does not order writes; it is not to be relied on.
        """
        try:
            async with self._link.lent() as first, self._link.lent() as second:
                problem = await order_problem(first, second, self.ORDER, key=PROBE)
        except (AgainError, asyncpg.PostgresError, *GONE) as error:
            # Just after a failover, say: a commit waits for a standby, and the other for its rows.
            raise StoreError(f"{self.name}: {said(error)}; try again") from error
        if problem is not None:
            raise StoreError(f"{self.name}: {problem}; two plans could pass each other unseen")

    async def write(
        self,
        fn: Callable[[Tx], Awaitable[T]],
        *,
        beside: bool = False,
        at: Collection[int] = (),
    ) -> T:
        """Run ``fn`` in a writing transaction and return its result once the commit is on disk.

        Raises:
            StoreError: refused or not committed; or the answer to COMMIT was lost, and the sentence
                says that it is not known whether it was kept.
            Exception: whatever ``fn`` raised; nothing of it was kept.
        """
        self._check_open()
        if len(self._writes) >= QUEUE_MAX:
            raise StoreError(f"{QUEUE_MAX} writes are waiting; try again later")
        job = Pending(self._clock.monotonic_s() + self._wait_s)
        if (recalled := recall.get()) is not None:
            recalled.bind(job)
        # A task of its own: a caller who goes away must not cut a transaction in two.
        task = asyncio.get_running_loop().create_task(
            self._write(fn, job, at=frozenset(at) if beside else None)
        )
        self._writes.add(task)
        task.add_done_callback(self._written)
        return await asyncio.shield(task)

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``fn`` against a consistent snapshot of what is committed.

        Raises:
            StoreError: the database cannot be read.
        """
        self._check_open()
        until_s = self._clock.monotonic_s() + self._wait_s
        async with self._reading:
            while True:
                try:
                    async with self._link.lent() as connection:
                        await self._begin_read(connection)
                        result = await fn(PostgresTx(connection, self.ORDER.take))
                        await connection.execute("ROLLBACK")
                        return result
                except AgainError as again:
                    await self._pause(again, until_s, _PAUSE_LAST_S)
                except NOT_KEPT as error:
                    raise own(error) from error
                except (*GONE, asyncpg.ReadOnlySQLTransactionError) as error:
                    # Not begun again: what ``fn`` collects would be there twice.
                    raise StoreError(f"{self.name}: {said(error)}") from error

    async def _begin_read(self, connection: Any) -> None:
        try:
            await connection.execute(self._BEGIN_READ)
        except GONE as error:
            raise AgainError(said(error)) from error

    async def probe(self) -> None:
        """Show that the store can commit.

        Raises:
            StoreError: it cannot.
        """

        async def touch(tx: Tx) -> None:
            await tx.execute("UPDATE store_probe SET n = n + 1")

        await self.write(touch)

    async def close(self) -> None:
        """Finish what was begun, then close."""
        self._closed = True
        await asyncio.gather(*self._writes, return_exceptions=True)
        await self._link.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

    def _check_undoubted(self) -> None:
        if self._run is not None and self.doubted.is_set():
            raise StoreError(
                f"{self.name}: of an earlier write it is not known whether it was kept; nothing "
                "was written, and the node begins anew with what stands there"
            )

    # Writing

    def _written(self, task: "asyncio.Task[Any]") -> None:
        self._writes.discard(task)
        if not task.cancelled():
            task.exception()  # Where the caller has gone, nobody else asks for it.

    async def _write(
        self, fn: Callable[[Tx], Awaitable[T]], job: Pending, *, at: frozenset[int] | None
    ) -> T:
        """Run a write beside others, ``at`` stripes that it is known to take; None: alone."""
        loop = asyncio.get_running_loop()
        if at is not None:
            member = Member(fn, job, loop.create_future(), at)
            self._groups.add(member)
            self._begin()
            with suppress(_BeAloneError):
                return cast(T, await member.future)
        member = Member(fn, job, loop.create_future())
        self._waiting.append(member)
        # One after the other within a process: memory follows in the order of the commits.
        async with self._alone:
            if not member.future.done():  # Else somebody before it has run it too.
                count = min(len(self._waiting), BATCH_MAX)
                await self._together([self._waiting.popleft() for _ in range(count)], gate=None)
        return cast(T, await member.future)

    def _begin(self) -> None:
        """Let those who go beside others begin, as many as may."""
        while self._gates and (members := self._groups.next(len(self._gates))):
            # Who writes at the same time has another gate, as long as there are enough.
            gate = heappop(self._gates)
            task = asyncio.get_running_loop().create_task(self._beside(members, gate))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _beside(self, members: list[Member], gate: int) -> None:
        try:
            await self._together(members, gate=gate)
        finally:
            self._groups.done(members)
            heappush(self._gates, gate)
            self._begin()

    async def _together(self, members: Sequence[Member], *, gate: int | None) -> None:
        """Run several writes in one transaction, and tell each what came of it."""
        if len(members) == 1:
            await self._by_itself(members[0], gate=gate)
            return
        batch = Batch(members, self._clock, marked=self._marks_for > 0)
        try:
            await self._batched(batch, gate=gate)
        except _BeAloneError as error:
            # One of them asks for it, and goes without the others.
            assert batch.latest is not None  # noqa: S101 - it has run
            batch.latest.future.set_exception(error)
            rest = [member for member in members if member is not batch.latest]
            await self._together(rest, gate=gate)
            return
        except GivenUpError:
            # One of them went on after a statement had failed; the others are not to pay for it.
            for member in members:
                await self._by_itself(member, gate=gate)
            return
        except Exception as error:  # noqa: BLE001 - told to all that are in it
            for member in members:
                if member.ran or member.error is None:
                    member.error = (
                        StoreError(str(error)) if isinstance(error, StoreError) else error
                    )
        for member in members:
            member.answer()

    async def _batched(self, batch: Batch, *, gate: int | None) -> None:
        """Run a batch, with savepoints for some time after one has failed in any."""
        self._marks_for -= batch.marked
        try:
            await self._tried(batch.run, batch, gate=gate)
        except MarksNeededError:
            batch.marked = True
            await self._tried(batch.run, batch, gate=gate)
        if any(member.error is not None for member in batch.members):
            self._marks_for = MARKS_FOR

    async def _by_itself(self, member: Member, *, gate: int | None) -> None:
        try:
            member.result = await self._tried(member.fn, member.pending, gate=gate)
            member.error = None
        except Exception as error:  # noqa: BLE001 - told to who waits
            member.error = error
        member.answer()

    async def _tried(
        self, fn: Callable[[Tx], Awaitable[T]], job: Pending | Batch, *, gate: int | None
    ) -> T:
        foreseen: frozenset[int] = frozenset()
        pause_s = _PAUSE_FIRST_S
        if self._clock.monotonic_s() > job.until_s:
            # Else each of those who wait for a server that is gone would try in its turn.
            raise StoreError(f"{self.name}: its turn did not come in time; nothing was written")
        while True:
            self._check_undoubted()
            try:
                job.check_wanted()
                async with self._link.lent() as connection:
                    tx = PostgresTx(
                        connection,
                        self.ORDER.take,
                        gate=None if gate is None else (self._first_gate + gate) % GATES,
                        run=self._run,
                        foreseen=foreseen,
                    )
                    tx.timed = self._timed
                    return await self._attempt(connection, fn, job, tx)
            except BeginAgainError:
                if tx.wants_alone:
                    raise _BeAloneError from None
                foreseen |= tx.needed
            except AgainError as again:
                await self._pause(again, job.until_s, pause_s)
                pause_s = min(2 * pause_s, _PAUSE_LAST_S)

    async def _attempt(
        self,
        connection: Any,
        fn: Callable[[Tx], Awaitable[T]],
        job: Pending | Batch,
        tx: PostgresTx,
    ) -> T:
        """Run the transaction once.

        Raises:
            AgainError: nothing was kept, by a collision or because the server is gone.
            BeginAgainError: it asks to be run again.
        """
        try:
            await connection.execute(self.ORDER.begin)
            if not tx.shares:
                await tx.take(range(GATES))
            result = await fn(tx)
        except COLLISIONS as error:
            raise AgainError(said(error)) from error
        except (*NOT_KEPT, *NO_ROOM) as error:
            raise own(error) from error
        except (*GONE, asyncpg.ReadOnlySQLTransactionError) as error:
            if isinstance(error, asyncpg.InterfaceError) and not is_lost(connection):
                raise  # Our own mistake, such as a wrong parameter.
            raise AgainError(said(error)) from error
        except Exception as error:
            if tx.begins_again:  # Whatever became of it.
                raise BeginAgainError from error
            raise
        if tx.begins_again:
            raise BeginAgainError
        self._check_undoubted()
        job.check_wanted()
        job.commits()
        await self._commit(connection)
        return result

    async def _commit(self, connection: Any) -> None:
        if is_lost(connection):
            raise AgainError("the connection was lost")
        try:
            status, warnings = await committed(connection, self._clock)
        except asyncpg.PostgresError as error:
            state = error.sqlstate or ""
            if state.startswith(_COLLIDED) and state != _UNKNOWN:
                raise AgainError(said(error)) from error
            raise self._in_doubt(said(error)) from error
        except Exception as error:
            raise self._in_doubt(said(error)) from error
        if warnings:
            # Such as: nobody waited any longer until a standby had it, so that a failover loses it.
            raise self._in_doubt("; ".join(warnings))
        if status != "COMMIT":
            # A statement failed within it, and what ran went on as if nothing had been.
            raise GivenUpError(f"{self.name} answered COMMIT with {status}; nothing was written")

    def _in_doubt(self, what: str) -> StoreError:
        self.doubted.set()
        return StoreError(
            f"{self.name} was lost while it committed ({what}): whether the write was kept "
            "is not known; read again before you repeat it"
        )

    async def _pause(self, again: AgainError, until_s: float, pause_s: float) -> None:
        """Wait before another try.

        Raises:
            StoreError: that would be too late.
        """
        pause_s *= self._random.uniform(0.5, 1.0)
        if self._closed or self._clock.monotonic_s() + pause_s > until_s:
            raise StoreError(f"{self.name}: {again}; nothing was written, try again") from again
        await self._clock.sleep(pause_s)


async def peek(url: str, fn: Callable[[Tx], Awaitable[T]]) -> T | None:
    """Run ``fn`` against what is committed; write nothing. None: the tables are not there yet.

    Raises:
        StoreError: the database cannot be read.
    """
    store = PostgresStore(url, wait_s=CONNECT_S)
    try:
        return await store.read(fn)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        return None
    finally:
        await store.close()
