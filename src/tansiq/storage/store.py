"""What the services may ask of a store: transactions over plain SQL, nothing of the field in it.

Two implementations: ``sqlite.py`` for one machine, ``postgres.py`` when that is outgrown. Services
write ``await store.write(fn)`` where ``async def fn(tx)`` may run more than once and has no effect
outside ``tx``. Inside it only ``tx`` is awaited: SQLite's never suspends, so the writer runs
``fn`` in one step.

A write is alone: no other is between its beginning and its end. Those that can be told apart by
what they concern may say so (``beside``), take stripes (``stripes.py``) and go beside each other.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, TypeVar

T = TypeVar("T")

Row = tuple[Any, ...]
"""Columns in the order of the SELECT; cast at the edge of each aggregate's module."""
Parameters = Mapping[str, object]
NOTHING: Parameters = MappingProxyType({})
Asked: TypeAlias = tuple[str, Parameters]
"""A statement with its parameters."""


class Pending(Protocol):
    """A write that waits for its turn."""

    def withdraw(self) -> bool:
        """Take it back; report whether it was still waiting, hence leaves nothing."""
        ...


class Recall:
    """Lets somebody take back the writing of one task, as long as none of it has begun.

    Made and ``bind`` called in that task: what tasks of its own begin is not its writing.
    """

    __slots__ = ("_pending", "_task")

    def __init__(self) -> None:
        self._task = asyncio.current_task()
        self._pending: Pending | None = None

    def bind(self, pending: Pending) -> None:
        """Note the task's first write: with that begun, nothing is taken back any more."""
        if self._pending is None and asyncio.current_task() is self._task:
            self._pending = pending

    def withdraw(self) -> bool:
        """Take back what waits; report whether the task has written nothing and will not."""
        return self._pending is None or self._pending.withdraw()


recall: ContextVar[Recall | None] = ContextVar("recall", default=None)
"""Set by who may want to end a task in time; a store binds the writes of that task to it."""


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

    @property
    def distant(self) -> bool:
        """Whether each statement is a way there and back: then few large ones are asked for."""
        ...

    async def fetch_each(self, asked: Sequence[Asked]) -> list[list[Row]]:
        """Return the rows of several SELECTs, in one way there and back; they are in no order."""
        ...

    async def change(self, changes: Sequence[Asked]) -> list[Row]:
        """Run several changes, in one way there and back; return the rows of the last.

        None of them may read or change what another changes: they see what was there before.
        """
        ...

    @property
    def shares(self) -> bool:
        """Whether other writes go beside it: then it takes stripes before it reads or writes."""
        ...

    async def lock(self, keys: Sequence[int]) -> None:
        """Order this transaction against others on the same keys; a no-op for who is alone.

        Where a later key is not greater than all earlier ones, two might wait for each other: then
        the transaction begins again, with all of them at once.
        """
        ...

    async def alone(self) -> None:
        """Go on alone; who is not begins again, alone from the start."""
        ...

    def time_us(self, given: int) -> int:
        """Return the database's time where several processes write, in microseconds UTC.

        It was read after the transaction had its first stripes. A store that one process writes
        has no time of its own: then it is the request's, ``given``.
        """
        ...


class Store(Protocol):
    """Where a node keeps what it must not lose."""

    async def write(
        self,
        fn: Callable[[Tx], Awaitable[T]],
        *,
        beside: bool = False,
        at: Collection[int] = (),
    ) -> T:
        """Run ``fn`` in a writing transaction and return its result once the commit is on disk.

        ``beside``: it takes stripes for all that it decides by, and needs not be alone. ``at``: the
        stripes that it will take, as far as that is known; those who meet there may share a commit.

        Raises:
            StoreError: the store could not commit. Nothing of ``fn`` was kept, unless the sentence
                says that this is not known.
            Exception: whatever ``fn`` raised; nothing of ``fn`` was kept.
        """
        ...

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        """Run ``fn`` against a consistent snapshot of what is committed."""
        ...

    async def close(self) -> None:
        """Finish what is queued, then close."""
        ...
