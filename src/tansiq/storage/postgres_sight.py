"""A database looked at from outside, by the commands that examine it or bring it up to date."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import asyncpg

from tansiq.clock import SystemClock
from tansiq.errors import StoreError
from tansiq.storage import postgres_checks, postgres_migrate
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.postgres_checks import Server, check_server
from tansiq.storage.postgres_link import GONE, AgainError, Link, said
from tansiq.storage.stripes import PROBE

_STANDBYS: Final = "SELECT current_setting('synchronous_standby_names', true)"


class Sight:
    """Two connections to one database."""

    def __init__(self, name: str, first: Any, second: Any) -> None:
        self.name = name
        self._first = first
        self._second = second

    async def server(self) -> Server:
        """Ask the server about itself."""
        return await postgres_checks.server_of(self._first)

    async def standbys(self) -> str:
        """Return which standbys a commit waits for, in the server's words; empty: for none."""
        found = await self._first.fetchval(_STANDBYS)
        return str(found or "")

    async def now(self) -> datetime:
        """Return the server's time."""
        found: datetime = await self._first.fetchval("SELECT clock_timestamp()")
        return found

    async def migrations(self) -> tuple[list[str], list[str]]:
        """Return the migrations that it has been through, and those that wait.

        Raises:
            StoreError: it was made by a newer version, or holds a copy that is not whole.
        """
        await postgres_migrate.check_finished(self._first, self.name)
        return await postgres_migrate.waiting(self._first, None, self.name)

    async def migrate(self) -> list[str]:
        """Apply what waits; return the names of it.

        Raises:
            StoreError: the server is not to be relied on, or a migration failed.
        """
        await check_server(self._first, self.name)
        return await postgres_migrate.migrate(self._first, None, self.name)

    async def order_problem(self) -> str | None:
        """Try out whether the server orders writes; return what is wrong."""
        order = PostgresStore.ORDER
        return await postgres_checks.order_problem(self._first, self._second, order, key=PROBE)

    async def commit(self) -> None:
        """Commit something harmless."""
        async with self._first.transaction():
            await self._first.fetch(PostgresStore.ORDER.take, [PROBE])


@asynccontextmanager
async def looked_at(url: str) -> AsyncIterator[Sight]:
    """Look at a database.

    Raises:
        StoreError: it cannot be reached, or does not do what it is asked.
    """
    link = Link(url, SystemClock(), connections=2)
    try:
        async with link.lent() as first, link.lent() as second:
            yield Sight(link.name, first, second)
    except (AgainError, asyncpg.PostgresError, *GONE) as error:
        raise StoreError(f"{link.name}: {said(error)}") from error
    finally:
        await link.close()
