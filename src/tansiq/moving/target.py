"""The database that a store is copied to: empty before, and until it is whole of no use to a node.

How far the copy has come stands in a table of its own and is committed with the rows, so that a
copy which was killed anywhere goes on where it stopped. While that table is there no node serves.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import msgspec

from tansiq.clock import SystemClock
from tansiq.errors import BadInput, StoreError
from tansiq.moving.source import CHUNK_ROWS, Batch, Table, Tally, packed
from tansiq.storage import postgres_migrate
from tansiq.storage.postgres_checks import check_server
from tansiq.storage.postgres_link import GONE, AgainError, Link, said
from tansiq.storage.postgres_migrate import UNFINISHED

_FORMAT: Final = 1
_LONG_S: Final = 86_400.0
_PATIENTLY: Final = "SET statement_timeout = 0; SET lock_timeout = '60s'"

_MAKE_MARK: Final = f"""
CREATE TABLE {UNFINISHED} (
    one   BIGINT PRIMARY KEY CHECK (one = 1),
    step  BIGINT NOT NULL,
    mark  TEXT NOT NULL
)
"""
_FIRST_MARK: Final = f"INSERT INTO {UNFINISHED} (one, step, mark) VALUES (1, 0, $1)"  # noqa: S608 # Ours.
_READ_MARK: Final = f"SELECT step, mark FROM {UNFINISHED}"  # noqa: S608 # Ours.
# Only from the step that was read: of two that copy into one database, the second is told.
_MOVE_MARK: Final = f"UPDATE {UNFINISHED} SET step = step + 1, mark = $2 WHERE step = $1"  # noqa: S608 # Ours.
_DROP_MARK: Final = f"DROP TABLE {UNFINISHED}"

_NUMBERED: Final = """
SELECT table_name, column_name FROM information_schema.columns
 WHERE table_schema = current_schema() AND is_identity = 'YES'
"""


class Mark(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a copy has come, of which file."""

    format: int
    source: str
    """Hash of the file, so that one that changed meanwhile is not mixed in."""
    tables: tuple[tuple[str, int, bytes], ...] = ()
    """Name, rows and digest of each table that has any; the last may lack some."""
    after: tuple[str | int, ...] | None = None
    """The last key of the last of them."""

    def tally(self, table: Table) -> Tally:
        """Return what has been copied of a table."""
        found = [Tally(rows, digest) for name, rows, digest in self.tables if name == table.name]
        return found[0] if found else Tally()

    def with_batch(self, batch: Batch) -> "Mark":
        """Return the mark as it is with one batch more."""
        others = tuple(row for row in self.tables if row[0] != batch.table.name)
        now = (batch.table.name, batch.tally.rows, batch.tally.digest)
        return msgspec.structs.replace(self, tables=(*others, now), after=batch.last)


class Target:
    """One connection to the database."""

    def __init__(self, connection: Any, name: str) -> None:
        self._connection = connection
        self.name = name
        self._step = 0

    async def look(self, of: Sequence[Table]) -> bool:
        """Check that a copy may be made here, changing nothing; report whether one was begun.

        Raises:
            BadInput: it holds something.
            StoreError: it is not to be relied on, or of another version.
        """
        await check_server(self._connection, self.name)
        applied, left = await postgres_migrate.waiting(self._connection, None, self.name)
        if await postgres_migrate.is_unfinished(self._connection):
            if left:
                raise StoreError(f"{self.name}: begun by an older version; {_ANEW}")
            return True
        if applied and left:
            raise BadInput(
                f"its tables are of an older version ({left[0]} waits); {_ANEW}", field=self.name
            )
        if applied:
            await self._check_empty(of)
        return False

    async def begin(self, of: Sequence[Table], fingerprint: str) -> Mark:
        """Make the tables, or find how far an earlier copy of the same file has come.

        Raises:
            BadInput: it holds something, or half of another copy.
            StoreError: it cannot be used.
        """
        if await self.look(of):
            return await self._resumed(fingerprint)
        await postgres_migrate.migrate(self._connection, None, self.name)
        mark = Mark(format=_FORMAT, source=fingerprint)
        async with self._connection.transaction():
            await self._connection.execute(_MAKE_MARK)
            await self._connection.execute(_FIRST_MARK, _written(mark))
            await self._check_empty(of)
            for table in of:
                if table.seeded:
                    await self._connection.execute(f'DELETE FROM "{table.name}"')  # noqa: S608 # Ours.
        return mark

    async def _resumed(self, fingerprint: str) -> Mark:
        row = await self._connection.fetchrow(_READ_MARK)
        mark = msgspec.json.decode(row[1], type=Mark)
        if mark.format != _FORMAT:
            raise StoreError(f"{self.name}: begun by another version of Tansiq; {_ANEW}")
        if mark.source != fingerprint:
            raise BadInput(
                "holds half of a copy of another file, or of this one before it changed: the node "
                f"has served since, or a command has written. {_ANEW}",
                field=self.name,
            )
        self._step = int(row[0])
        return mark

    async def _check_empty(self, of: Sequence[Table]) -> None:
        for table in of:
            rows = await self._connection.fetch(f"{table.select()} LIMIT {len(table.seeded) + 1}")
            if [tuple(row) for row in rows] != list(table.seeded):
                raise BadInput(f"is not empty (table {table.name}); {_ANEW}", field=self.name)

    async def put(self, batch: Batch, mark: Mark) -> None:
        """Commit a batch together with the mark that stands after it.

        Raises:
            BadInput: a value in it cannot be kept in this database.
            StoreError: another process copies into it.
        """
        try:
            async with self._connection.transaction():
                moved = await self._connection.execute(_MOVE_MARK, self._step, _written(mark))
                if moved != "UPDATE 1":
                    raise StoreError(
                        f"{self.name}: another process copies into it; end one of them"
                    )
                await self._connection.copy_records_to_table(
                    batch.table.name,
                    records=batch.rows,
                    columns=batch.table.columns,
                    timeout=_LONG_S,
                )
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, ValueError) as error:
            raise BadInput(
                f"rows up to the one with the key {batch.last!r} cannot be kept in the database "
                f"({said(error)[:300]}); nothing of the file was changed",
                field=f"table {batch.table.name}",
            ) from error
        self._step += 1

    async def tallies(self, table: Table) -> AsyncGenerator[Tally]:
        """Read a table again, in key order; yield what it comes to so far."""
        tally = Tally()
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            cursor = await self._connection.cursor(table.select())
            while rows := await cursor.fetch(CHUNK_ROWS, timeout=_LONG_S):
                tally = tally.with_chunk(rows, packed(rows))
                yield tally

    async def finish(self, counters: Mapping[str, int]) -> None:
        """Let numbers go on where they were, take the mark away, and let the planner see it all.

        From here on a node may serve.
        """
        async with self._connection.transaction():
            for name, column in await self._connection.fetch(_NUMBERED):
                if last := counters.get(name, 0):
                    restart = (
                        f'ALTER TABLE "{name}" ALTER COLUMN "{column}" RESTART WITH {last + 1}'
                    )
                    await self._connection.execute(restart)
            await self._connection.execute(_DROP_MARK)

    async def analyze(self, of: Sequence[Table]) -> None:
        """Let the server count what it plans by: with figures of an empty table it plans badly."""
        for table in of:
            await self._connection.execute(f'ANALYZE "{table.name}"', timeout=_LONG_S)


_ANEW: Final = "copy to a database that is made anew (DROP DATABASE, CREATE DATABASE)"


def _written(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()


@asynccontextmanager
async def target_at(url: str) -> AsyncIterator[Target]:
    """Open the database.

    Raises:
        StoreError: it cannot be reached, or was lost on the way.
    """
    link = Link(url, SystemClock(), connections=1)
    try:
        async with link.lent() as connection:
            await connection.execute(_PATIENTLY)
            yield Target(connection, link.name)
    except (AgainError, asyncpg.PostgresError, *GONE) as error:
        raise StoreError(
            f"{link.name}: {said(error)}; run the same command again, and it goes on where it "
            "stopped"
        ) from error
    finally:
        await link.close()
