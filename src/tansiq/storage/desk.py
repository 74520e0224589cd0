"""Who of a node's workers holds the desk: one row in the database, by the database's clock.

Each statement is a transaction of its own and takes no stripes: the holder must be able to say that
it lives, however long writes wait for one another. The lease decides who begins; that who was
replaced writes no more is the work of the number in the gates (``postgres.py``).
"""

from dataclasses import dataclass
from typing import Any, Final

import asyncpg

from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.storage.dialect import postgresql
from tansiq.storage.postgres_link import GONE, AgainError, Link, application, said

_NOW: Final = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"

_CLAIM: Final = """
INSERT INTO desk (one, holder, address, secret, until)
VALUES (1, :holder, :address, :secret, /*now*/ + :life)
ON CONFLICT (one) DO UPDATE
   SET holder = excluded.holder, address = excluded.address, secret = excluded.secret,
       until = excluded.until
 WHERE desk.holder = excluded.holder OR desk.until <= /*now*/
""".replace("/*now*/", _NOW)

_LOOK: Final = """
SELECT d.holder, d.address, d.secret, d.until > /*now*/,
       (SELECT a.digest FROM agreement AS a ORDER BY a.seq DESC LIMIT 1)
  FROM (SELECT 1 AS one) AS s LEFT JOIN desk AS d ON d.one = s.one
""".replace("/*now*/", _NOW)

_CUT_OFF: Final = """
SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity AS a
 WHERE a.application_name = :name AND a.datname = current_database()
"""

_GIVE_BACK: Final = "UPDATE desk SET holder = '', address = '', until = 0 WHERE holder = :holder"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What stands in the row, and the version of the agreement that the node is at."""

    holder: str = ""
    address: str = ""
    secret: str = ""
    held: bool = False
    """Whether the holder has shown lately that it lives."""
    digest: str = ""


class DeskRow:
    """The row, over a connection of its own. Used from one event loop."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._link = Link(url, clock, connections=1)

    async def claim(self, holder: str, *, address: str, secret: str, life_us: int) -> bool:
        """Take the desk, or keep it; report whether it is the holder's.

        Raises:
            StoreError: the database does not answer; nothing is known.
        """
        values = {"holder": holder, "address": address, "secret": secret, "life": life_us}
        status = await self._run("execute", _CLAIM, values)
        return str(status) == "INSERT 0 1"

    async def look(self) -> Desk:
        """Return who holds it.

        Raises:
            StoreError: the database does not answer.
        """
        row = await self._run("fetchrow", _LOOK, {})
        if row is None or row[0] is None:
            return Desk(digest="" if row is None else row[4] or "")
        holder, address, secret, held, digest = row
        return Desk(
            holder=holder, address=address, secret=secret, held=bool(held), digest=digest or ""
        )

    async def cut_off(self, process: str) -> int:
        """End the sessions of a process that was replaced; return how many it had.

        One that hangs within a transaction would hold up everybody's writes until the server ends
        it by itself. Whatever it had committed stands; nothing else of it is to come.

        Raises:
            StoreError: the database does not answer, or knows no such thing.
        """
        row = await self._run("fetchrow", _CUT_OFF, {"name": application(process)})
        return int(row[0])

    async def give_back(self, holder: str) -> None:
        """Leave it to the others at once, if it is the holder's.

        Raises:
            StoreError: the database does not answer; then it ends by itself.
        """
        await self._run("execute", _GIVE_BACK, {"holder": holder})

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def _run(self, verb: str, sql: str, values: dict[str, object]) -> Any:
        text, names = postgresql(sql)
        try:
            async with self._link.lent() as connection:
                return await getattr(connection, verb)(text, *(values[name] for name in names))
        except (AgainError, asyncpg.PostgresError, *GONE) as error:
            raise StoreError(f"{self._link.name}: {said(error)}") from error
