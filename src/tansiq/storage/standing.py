"""A store that nobody writes: a copy of a node's file, or one that is held against its node.

What the services read of a node's store they read of this as well: the check of a record, say.
"""

from collections.abc import Awaitable, Callable, Collection, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import apsw

from tansiq.errors import StoreError
from tansiq.storage.store import NOTHING, Asked, Parameters, Row, Tx

T = TypeVar("T")


class _Reading:
    """A transaction that only reads."""

    __slots__ = ("_connection",)

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, parameters: Parameters = NOTHING) -> list[Row]:
        return self._connection.execute(sql, cast(dict[str, Any], parameters)).fetchall()

    async def fetch_one(self, sql: str, parameters: Parameters = NOTHING) -> Row | None:
        return self._connection.execute(sql, cast(dict[str, Any], parameters)).fetchone()

    async def execute(self, sql: str, parameters: Parameters = NOTHING) -> int:
        raise StoreError("this store is only read")

    async def execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        raise StoreError("this store is only read")

    @property
    def distant(self) -> bool:
        return False

    async def fetch_each(self, asked: Sequence[Asked]) -> list[list[Row]]:
        return [await self.fetch(sql, parameters) for sql, parameters in asked]

    async def change(self, changes: Sequence[Asked]) -> list[Row]:
        raise StoreError("this store is only read")

    @property
    def shares(self) -> bool:
        return False

    async def lock(self, keys: Sequence[int]) -> None:
        """Do nothing: there is nobody else."""

    async def alone(self) -> None:
        """Do nothing: it is."""

    def time_us(self, given: int) -> int:
        return given


class StandingStore:
    """A ``Store`` that refuses every write; whose connection it is closes it."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    async def write(
        self,
        fn: Callable[[Tx], Awaitable[T]],
        *,
        beside: bool = False,
        at: Collection[int] = (),
    ) -> T:
        raise StoreError(f"{self.path}: only read here")

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``fn``; what the file has is one moment, for nobody writes.

        Raises:
            StoreError: the file cannot be read, or is none of ours.
        """
        with told_of(self.path):
            return await fn(_Reading(self.connection))

    async def close(self) -> None:
        self.connection.close()


@contextmanager
def standing(path: Path) -> Generator[StandingStore]:
    """Open a file that no process writes, believing nothing that its schema may try.

    Raises:
        StoreError: it is no database.
    """
    with told_of(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            distrust(connection)
            yield StandingStore(connection, path)
        finally:
            connection.close()


def distrust(connection: apsw.Connection) -> None:
    """Let a schema from elsewhere run no function, and no damaged cell be followed."""
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.pragma("cell_size_check", 1)
    connection.pragma("mmap_size", 0)


@contextmanager
def told_of(path: Path) -> Generator[None]:
    """Turn what SQLite raises of a file into our error."""
    try:
        yield
    except apsw.Error as error:
        raise StoreError(f"{path.name}: {type(error).__name__}: {error}") from error
