"""What the services may ask of a store: transactions over plain SQL, nothing of the field in it.

Two implementations: ``sqlite.py`` now, PostgreSQL when one machine is outgrown. Services write
``await store.write(fn)`` where ``async def fn(tx)`` may run more than once and has no effect
outside ``tx``. Inside it only ``tx`` is awaited: SQLite's never suspends, so the writer runs
``fn`` in one step.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

Row = tuple[Any, ...]
"""Columns in the order of the SELECT; cast at the edge of each aggregate's module."""
Parameters = Mapping[str, object]
NOTHING: Parameters = MappingProxyType({})


class Tx(Protocol):
    """One transaction. Named parameters, written ``:name`` in the SQL."""

    async def fetch(self, sql: str, parameters: Parameters = NOTHING) -> list[Row]:
        """Return all rows. There is no LIMIT in a check."""
        ...

    async def fetch_one(self, sql: str, parameters: Parameters = NOTHING) -> Row | None:
        """Return the first row, or None."""
        ...

    async def execute(self, sql: str, parameters: Parameters = NOTHING) -> int:
        """Run one statement and return how many rows it changed."""
        ...

    async def execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        """Run one statement for each set of parameters."""
        ...

    async def lock(self, keys: Sequence[int]) -> None:
        """Order this transaction against others on the same keys; a no-op with a single writer."""
        ...


class Store(Protocol):
    """Where a node keeps what it must not lose."""

    async def write(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``fn`` in a writing transaction and return its result once the commit is on disk.

        Raises:
            StoreError: the store could not commit; nothing of ``fn`` was kept.
            Exception: whatever ``fn`` raised; nothing of ``fn`` was kept.
        """
        ...

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``fn`` against a consistent snapshot of what is committed."""
        ...

    async def close(self) -> None:
        """Finish what is queued, then close."""
        ...
