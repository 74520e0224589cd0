"""A transaction in a PostgreSQL database, as the services see it: statements, and their order.

A write that goes beside others begins again where it asks for more than it may have as it stands:
to be alone, or for stripes before those that it has. It then has left nothing.
"""

from collections.abc import Sequence
from typing import Any

from tansiq.errors import StoreError
from tansiq.storage.dialect import Several, after, postgresql, together
from tansiq.storage.postgres_link import is_lost
from tansiq.storage.store import NOTHING, Asked, Parameters, Row
from tansiq.storage.stripes import GATES

MARK = "SAVEPOINT job"
MARK_NEXT = "RELEASE SAVEPOINT job; SAVEPOINT job"
BACK = "ROLLBACK TO SAVEPOINT job"


class BeginAgainError(Exception):
    """The transaction asks to be run again, alone or with more stripes."""


class PostgresTx:
    """A transaction on one connection. Awaiting it may suspend: others' writes go on meanwhile."""

    __slots__ = (
        "_connection",
        "_foreseen",
        "_gate",
        "_marked",
        "_run",
        "_take",
        "_taken",
        "_us",
        "needed",
        "timed",
        "wants_alone",
    )

    def __init__(
        self,
        connection: Any,
        take: str,
        *,
        gate: int | None = None,
        run: int | None = None,
        foreseen: frozenset[int] = frozenset(),
    ) -> None:
        """``foreseen``: stripes that an earlier try was lacking, taken with the first."""
        self._connection = connection
        self._take = take
        self._gate = gate
        self._run = run
        self._foreseen = foreseen
        self._taken: set[int] = set()
        self._marked: frozenset[int] = frozenset()
        self._us: int | None = None
        self.timed = False
        """Whether it tells the database's time."""
        self.wants_alone = False
        self.needed: frozenset[int] = frozenset()
        """What the next try is to foresee, where this one is to be begun again."""

    @property
    def begins_again(self) -> bool:
        """Whether it has asked to be run again, whatever came of it since."""
        return self.wants_alone or bool(self.needed)

    async def fetch(self, sql: str, parameters: Parameters = NOTHING) -> list[Row]:
        text, given = self._statement(sql, parameters)
        return [tuple(row) for row in await self._connection.fetch(text, *given)]

    async def fetch_one(self, sql: str, parameters: Parameters = NOTHING) -> Row | None:
        text, given = self._statement(sql, parameters)
        row = await self._connection.fetchrow(text, *given)
        return None if row is None else tuple(row)

    async def execute(self, sql: str, parameters: Parameters = NOTHING) -> int:
        text, given = self._statement(sql, parameters)
        status = await self._connection.execute(text, *given)
        count = str(status).rpartition(" ")[2]  # Such as "UPDATE 3".
        return int(count) if count.isdigit() else 0

    async def execute_many(self, sql: str, rows: Sequence[Parameters]) -> None:
        if rows:
            self._check_ordered()
            text, names = postgresql(sql)
            await self._connection.executemany(
                text, [[row[name] for name in names] for row in rows]
            )

    @property
    def distant(self) -> bool:
        return True

    async def fetch_each(self, asked: Sequence[Asked]) -> list[list[Row]]:
        self._check_ordered()
        text, given = _given(together(tuple(sql for sql, _ in asked)), asked)
        found: list[list[Row]] = [[] for _ in asked]
        rows = await self._connection.fetch(text, *given)
        if rows:
            names = list(rows[0].keys())
            heads = [names.index(f"part{i}") for i in range(len(asked))]
            ends = [*heads[1:], len(names)]
            for row in map(tuple, rows):
                part = next(i for i, head in enumerate(heads) if row[head])
                found[part].append(row[heads[part] + 1 : ends[part]])
        return found

    async def change(self, changes: Sequence[Asked]) -> list[Row]:
        self._check_ordered()
        text, given = _given(after(tuple(sql for sql, _ in changes)), changes)
        return [tuple(row) for row in await self._connection.fetch(text, *given)]

    @property
    def shares(self) -> bool:
        return self._gate is not None

    async def lock(self, keys: Sequence[int]) -> None:
        """Update the stripes, in their order; with the first of them the gate."""
        if self._gate is None:
            return
        more = set(keys) - self._taken
        if not self._taken:
            more |= {self._gate, *self._foreseen}
        elif more and min(more) < max(self._taken):
            self.needed = frozenset(self._taken | more) - {self._gate}
            raise BeginAgainError
        if more:
            await self.take(more)

    async def alone(self) -> None:
        if self._gate is not None:
            self.wants_alone = True
            raise BeginAgainError

    def time_us(self, given: int) -> int:
        return given if self._us is None else self._us

    async def take(self, keys: Sequence[int] | set[int]) -> None:
        """Update rows in their order, and see whether this process still serves.

        Raises:
            StoreError: another process does.
        """
        rows = await self._connection.fetch(self._take, sorted(keys))
        self._taken.update(keys)
        if self.timed:
            self._us = rows[-1][2]
        others = {row[1] for row in rows if row[0] < GATES} - {self._run}
        if self._run is not None and others:
            raise StoreError(
                "another process serves from this database; nothing was written. Only one may: "
                "end it, or this one"
            )

    # For several writes in one transaction

    async def mark(self, *, leaving: bool) -> None:
        """Set a savepoint; ``leaving``: the one before is kept."""
        await self._connection.execute(MARK_NEXT if leaving else MARK)
        self._marked = frozenset(self._taken)

    async def back(self) -> None:
        """Go back to the savepoint, whatever was done, taken or has failed since."""
        await self._connection.execute(BACK)
        self._taken = set(self._marked)  # What was taken since is free again.

    def is_lost(self) -> bool:
        """Report whether nothing can be sent any more."""
        return is_lost(self._connection)

    def _statement(self, sql: str, parameters: Parameters) -> tuple[str, list[object]]:
        self._check_ordered()
        text, names = postgresql(sql)
        return text, [parameters[name] for name in names]

    def _check_ordered(self) -> None:
        if self._gate is not None and not self._taken:
            raise RuntimeError("a write beside others takes its stripes before anything else")
        if self.begins_again:
            raise RuntimeError("a transaction went on after it had asked to begin again")


def _given(several: Several, asked: Sequence[Asked]) -> tuple[str, list[object]]:
    """Return a statement of several, and the parameters of all in its order."""
    return several.text, [asked[number][1][name] for number, name in several.names]
