"""How far each program that is started on events has come."""

import json
from collections.abc import Collection
from dataclasses import dataclass

from tansiq.storage.store import Tx

_ALL = "SELECT name, done, time, failures, problem FROM hook ORDER BY name"

_PUT = """
INSERT INTO hook (name, done, time, failures, problem)
VALUES (:name, :done, :time, :failures, :problem)
ON CONFLICT (name) DO UPDATE
   SET done = excluded.done, time = excluded.time, failures = excluded.failures,
       problem = excluded.problem
"""

_FORGET = "DELETE FROM hook WHERE name NOT IN (SELECT n.value FROM json_each(:names) AS n)"


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRow:
    """One row of ``hook``; times are microseconds UTC."""

    name: str
    done: int
    """Number of the last event that needs no run any more."""
    time: int | None = None
    """When its last run ended; None: it was never run."""
    failures: int = 0
    """In a row, up to now."""
    problem: str | None = None
    """Of the last run; None: it did what it should."""


class HookRows:
    """The table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def all(self) -> dict[str, HookRow]:
        """Return all by name."""
        rows = await self._tx.fetch(_ALL)
        return {
            str(name): HookRow(
                name=str(name), done=done, time=time, failures=failures, problem=problem
            )
            for name, done, time, failures, problem in rows
        }

    async def put(self, row: HookRow) -> None:
        """Keep how far one has come."""
        await self._tx.execute(
            _PUT,
            {
                "name": row.name,
                "done": row.done,
                "time": row.time,
                "failures": row.failures,
                "problem": row.problem,
            },
        )

    async def keep_only(self, names: Collection[str]) -> None:
        """Forget those of other names: one that is set up again begins anew."""
        await self._tx.execute(_FORGET, {"names": json.dumps(sorted(names))})
