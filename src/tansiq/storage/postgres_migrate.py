"""The numbered migrations of ``migrations/``, for PostgreSQL: each once, all in one transaction.

Two processes that start at once take the row 0 of ``schema_version`` one after the other; the
second finds everything done.

Others serve meanwhile, with the tables as they were. A migration that waits for one who reads a
table for long would keep all from it who come after: so it gives up soon, lets them pass, and tries
again.
"""

from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import asyncpg

from tansiq.errors import StoreError
from tansiq.storage.dialect import postgresql_definitions
from tansiq.storage.migrate import check_known, numbered

_VERSIONS: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    number  BIGINT PRIMARY KEY,
    name    TEXT NOT NULL
)
"""

_TURN: Final = """
INSERT INTO schema_version (number, name) VALUES (0, '')
ON CONFLICT (number) DO UPDATE SET name = ''
"""

_PATIENTLY: Final = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"
BRIEFLY: Final = "SET LOCAL lock_timeout = '500ms'"
"""For tables: as long everybody waits who wants one that somebody else reads."""
_PAUSE: Final = "SELECT pg_sleep(1)"
TRIES: Final = 300
_LONG_S: Final = 86_400.0
"""A large table takes its time, and so does waiting for another process that does it."""

_APPLIED: Final = "SELECT number, name FROM schema_version WHERE number > 0 ORDER BY number"

_IS_THERE: Final = """
SELECT EXISTS (SELECT 1 FROM information_schema.tables
                WHERE table_schema = current_schema() AND table_name = $1)
"""

UNFINISHED: Final = "unfinished_copy"
"""A table that is there as long as a copy into the database is not whole (``moving/target.py``)."""

_APPLY: Final = "INSERT INTO schema_version (number, name) VALUES ($1, $2)"


def shipped() -> Traversable:
    """Return the folder of the migrations of a node's store."""
    return files("tansiq.storage") / "migrations"


async def is_unfinished(connection: Any) -> bool:
    """Report whether a database holds a part of a copy that was broken off."""
    return bool(await connection.fetchval(_IS_THERE, UNFINISHED))


async def check_finished(connection: Any, name: str) -> None:
    """Refuse a database that holds a part of what a node has promised.

    Raises:
        StoreError: it does.
    """
    if await is_unfinished(connection):
        raise StoreError(
            f"{name} holds a copy that is not whole: run `tansiq copy` again, which goes on where "
            "it stopped; or, to give it up, make the database anew"
        )


async def waiting(
    connection: Any, migrations: Traversable | Path | None, name: str
) -> tuple[list[str], list[str]]:
    """Return the migrations that a database has been through, and those that it has not.

    Raises:
        StoreError: it was made by a newer version.
    """
    known = numbered(migrations or shipped())
    applied: dict[int, str] = {}
    if await connection.fetchval(_IS_THERE, "schema_version"):
        applied = {int(row[0]): str(row[1]) for row in await connection.fetch(_APPLIED)}
    check_known(applied, known, name)
    left = [known[number].name for number in sorted(known.keys() - applied.keys())]
    return list(applied.values()), left


async def migrate(connection: Any, migrations: Traversable | Path | None, name: str) -> list[str]:
    """Apply what has not been applied yet; return the names of what was.

    Raises:
        StoreError: the database was made by a newer version, two migrations share a number, or one
            of them failed. Nothing was changed.
    """
    known = numbered(migrations or shipped())
    _, left = await waiting(connection, migrations, name)
    if not left:
        return []
    try:
        await _make_versions(connection)
        for _ in range(TRIES):
            try:
                return await _applied(connection, known, migrations, name)
            except asyncpg.LockNotAvailableError:
                await connection.execute(_PAUSE)
        raise StoreError(
            f"{name}: others read or write its tables without a pause; nothing was changed. See "
            "pg_stat_activity for transactions that are old, end them, and try again"
        )
    except asyncpg.PostgresError as error:
        raise StoreError(
            f"{name}: a migration failed ({error}); nothing was changed. The role needs the right "
            "to make tables: GRANT CREATE ON SCHEMA public"
        ) from error


async def _applied(
    connection: Any,
    known: Mapping[int, Traversable | Path],
    migrations: Traversable | Path | None,
    name: str,
) -> list[str]:
    """Apply what waits, in one transaction; return the names."""
    async with connection.transaction(isolation="read_committed"):
        await connection.execute(_PATIENTLY)
        await connection.execute(_TURN, timeout=_LONG_S)
        await connection.execute(BRIEFLY)
        _, left = await waiting(connection, migrations, name)
        for number, entry in sorted(known.items()):
            if entry.name in left:
                sql = postgresql_definitions(entry.read_text("utf-8"))
                await connection.execute(sql, timeout=_LONG_S)
                await connection.execute(_APPLY, number, entry.name)
    return left


async def _make_versions(connection: Any) -> None:
    """Make the table of versions; of two who do so at once, one may be told that it is there."""
    try:
        await connection.execute(_VERSIONS)
    except (
        asyncpg.UniqueViolationError,
        asyncpg.DuplicateObjectError,
        asyncpg.DuplicateTableError,
    ):
        await connection.execute(_VERSIONS)
