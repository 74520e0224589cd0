"""Connections to a PostgreSQL server: lent for one transaction, and clean whenever they are lent.

A server that is not there is no error here but ``Again``: who asks knows how long it may wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import asyncpg

from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.storage.postgres_hosts import Hosts

CONNECT_S: Final = 5.0
_STATEMENTS_KEPT: Final = 500
_COMMAND_S: Final = 40.0
"""After this the server is given up; it ends a statement of ours before."""
_NEVER_S: Final = 86_400.0
_SESSION: Final = {
    "application_name": "tansiq",
    "lock_timeout": "10s",
    "statement_timeout": "30s",
    # Planning anew for each execution takes longer than most of them; and a plan that reads a
    # table from end to end would be kept while it grows.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "jit": "off",  # It would take such a plan for a dear one, and compile it.
    # A process that hangs within a transaction must not hold everybody's gates.
    "idle_in_transaction_session_timeout": "60s",
}

GONE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.TooManyConnectionsError,
    asyncpg.TargetServerAttributeNotMatched,  # During a failover all of them are standbys.
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # A session that the server has ended while it was idle.
    OSError,
    TimeoutError,
)
"""What is raised where the server or the way to it is gone; some of it by other mistakes too."""
_REFUSED: Final = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ClientConfigurationError,
)
"""Another try would end alike."""


class AgainError(Exception):
    """The transaction has left nothing, and may be tried again."""


class Link:
    """Connections to one database, made when they are needed. Used from one event loop."""

    def __init__(self, url: str, clock: Clock, *, connections: int, process: str = "") -> None:
        """``process`` is the name of ours among several, by which its sessions are known."""
        self._url = url
        self._session = {**_SESSION, "application_name": application(process)}
        self._hosts = Hosts(url)
        self._clock = clock
        self._connections = connections
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.name = shown(url)
        """The URL as it may be shown: without its password."""

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[Any]:
        """Lend a connection that is in no transaction; what an error leaves open is rolled back.

        Raises:
            AgainError: the server cannot be reached.
            StoreError: it does not let us in.
        """
        connection = await self._acquired()
        try:
            yield connection
        except Exception:
            await self._roll_back(connection)
            raise
        except BaseException:  # Cut off in the middle: nobody knows what is still to come on it.
            _drop(connection)
            raise
        finally:
            await self._returned(connection)

    async def _returned(self, connection: Any) -> None:
        """Give a connection back; where it is lost, none of the others is lent again.

        They lead to the same server. Each would have to be found dead by somebody who waits.
        """
        pool = self._pool_here()
        if is_lost(connection):
            await pool.expire_connections()
        with suppress(*GONE):  # Then it was cut off: what became of the transaction is known.
            await pool.release(connection)

    async def close(self) -> None:
        """Close all connections; those that do not answer are dropped."""
        if self._pool is None:
            return
        pool, self._pool = self._pool_here(), None
        try:
            await self._clock.limit(pool.close(), CONNECT_S)
        except TimeoutError:
            pool.terminate()

    def _pool_here(self) -> "asyncpg.Pool[asyncpg.Record]":
        loop = asyncio.get_running_loop()
        if self._pool is not None and self._loop is not loop:
            # The library's compiled parts do not stand it: a process may die of it.
            raise RuntimeError("connections to a database are used from one event loop")
        if self._pool is None:
            self._loop = loop
            self._pool = asyncpg.create_pool(
                self._url,
                connect=self._hosts.connect,
                min_size=0,
                max_size=self._connections,
                timeout=CONNECT_S,
                command_timeout=_COMMAND_S,
                statement_cache_size=_STATEMENTS_KEPT,
                server_settings=dict(self._session),
                reset=_leave,
            )
        return self._pool

    async def _acquired(self) -> Any:
        try:
            pool = self._pool_here()
            await pool  # Makes it usable; no connection yet.
            return await pool.acquire(timeout=CONNECT_S)
        except _REFUSED as error:
            raise StoreError(f"{self.name}: {said(error)}; see docs/scale.md") from error
        except GONE as error:
            raise AgainError(f"does not answer ({said(error)})") from error

    async def _roll_back(self, connection: Any) -> None:
        try:
            if not is_lost(connection):
                await connection.execute("ROLLBACK", timeout=CONNECT_S)
        except (asyncpg.PostgresError, *GONE):
            _drop(connection)


async def committed(connection: Any, clock: Clock) -> tuple[str, list[str]]:
    """Commit; return what the server answers, and what it warns of.

    It is never asked to cancel a commit, as the library does after a time-out: a server that waits
    for its standby would then call the transaction committed, and a failover would lose it. What
    takes too long is cut off instead, and goes on waiting there.
    """
    warnings: list[str] = []

    def warned(_: object, message: Any) -> None:
        if message.severity_en == "WARNING":
            warnings.append(str(message))

    async def cut_off() -> None:
        await clock.sleep(_COMMAND_S)
        _drop(connection)

    patience = asyncio.create_task(cut_off())
    connection.add_log_listener(warned)
    try:
        status = await connection.execute("COMMIT", timeout=_NEVER_S)
    finally:
        patience.cancel()
        with suppress(asyncpg.InterfaceError):  # Lost meanwhile.
            connection.remove_log_listener(warned)
    return str(status), warnings


def application(process: str) -> str:
    """Return what the sessions of a process are called at the server."""
    return f"tansiq {process}" if process else "tansiq"


def is_lost(connection: Any) -> bool:
    """Report whether nothing can be sent on a connection any more."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # The pool has taken it back: it was closed by the other side.
        return True


def _drop(connection: Any) -> None:
    with suppress(asyncpg.InterfaceError):  # As above.
        connection.terminate()


async def _leave(_: object) -> None:
    """Leave a session as it is: ours change nothing that outlives a transaction."""


def said(error: BaseException) -> str:
    """Return what an error says, with its kind."""
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def shown(url: str) -> str:
    """Return a database's URL without the password, and without what follows a question mark."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    return f"{parts.scheme}://{user.partition(':')[0]}{at}{hosts}{parts.path}"
