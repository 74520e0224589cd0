"""Whether a PostgreSQL server is one to rely on: asked at every start, and by ``doctor``.

Who acknowledges what is not on disk, or lets two writes pass each other unseen, is refused.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import asyncpg

from tansiq.errors import StoreError

VERSION_MIN: Final = 150_000
_BLOCKED_S: Final = 0.3
"""How long the second connection of the probe is watched waiting."""

_SETTINGS: Final = """
SELECT current_setting('server_version_num')::BIGINT, current_setting('server_version'),
       current_setting('fsync', true), current_setting('synchronous_commit', true),
       current_setting('full_page_writes', true), pg_is_in_recovery(),
       current_setting('server_encoding'),
       ('B' < 'a') AND ('a-c' < 'aa') AND ('Z' < 'ä')
"""

_WRITTEN: Final = """
INSERT INTO stripe (k, n, run) VALUES ($1, 1, 0)
ON CONFLICT (k) DO UPDATE SET n = stripe.n + 1
RETURNING n
"""

_SEEN: Final = "SELECT n FROM stripe WHERE k = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What a server says of itself."""

    number: int
    version: str
    fsync: str | None
    synchronous_commit: str | None
    full_page_writes: str | None
    standby: bool
    encoding: str
    by_code: bool
    """Whether texts are in the order of their characters' codes, as with SQLite."""


def refusals(server: Server) -> list[tuple[str, str]]:
    """Return what forbids to use it, each with the remedy."""
    found = []
    if server.number < VERSION_MIN:
        found.append(
            (f"it is PostgreSQL {server.version}", "15 or later is needed: upgrade the server")
        )
    if server.standby:
        found.append(("it is a standby, which takes no writes", "name the primary in the URL"))
    if server.fsync == "off":
        found.append(
            (
                "fsync is off: a crash loses what was acknowledged, or the whole database",
                "set fsync = on in postgresql.conf and restart the server",
            )
        )
    if server.full_page_writes == "off":
        found.append(
            (
                "full_page_writes is off: a crash can leave torn pages",
                "ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();",
            )
        )
    if server.synchronous_commit == "off":
        found.append(
            (
                "synchronous_commit is off: a crash loses what was acknowledged",
                "set it to on for the server, the database and the role: "
                "ALTER DATABASE name RESET synchronous_commit; ALTER ROLE name RESET ...",
            )
        )
    if server.encoding != "UTF8":
        found.append((f"its encoding is {server.encoding}", _MAKE))
    if not server.by_code:
        found.append(("it sorts texts by a language, and the node needs the order of codes", _MAKE))
    return found


_MAKE: Final = (
    "make it anew: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8' "
    "LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"
)


async def server_of(connection: Any) -> Server:
    """Ask a server about itself."""
    number, version, fsync, commit, pages, standby, encoding, by_code = await connection.fetchrow(
        _SETTINGS
    )
    return Server(
        number=int(number),
        version=str(version),
        fsync=fsync,
        synchronous_commit=commit,
        full_page_writes=pages,
        standby=bool(standby),
        encoding=str(encoding),
        by_code=bool(by_code),
    )


async def check_server(connection: Any, name: str) -> None:
    """Refuse a server that is not to be relied on.

    Raises:
        StoreError: says all that is wrong, each with its remedy.
    """
    found = refusals(await server_of(connection))
    if found:
        raise StoreError("; ".join(f"{name}: {wrong}: {remedy}" for wrong, remedy in found))


class Order(NamedTuple):
    """How a write begins, and how it takes stripes."""

    begin: str
    take: str
    """Of the rows with the keys ``$1``; returns ``k`` and ``run`` of each."""


async def order_problem(first: Any, second: Any, order: Order, *, key: int) -> str | None:
    """Try out with two connections that who takes a stripe second sees what the first has written.

    Returns what is wrong, or None. Needs the table ``stripe``; no write takes ``key`` and the next.
    """
    await second.fetchval(_SEEN, key)  # So that what follows is quick, unless it waits.
    await first.execute(order.begin)
    waiting: asyncio.Task[int | None] | None = None
    try:
        await first.fetch(order.take, [key])
        mine = int(await first.fetchval(_WRITTEN, key + 1))
        waiting = asyncio.create_task(_seen_second(second, order, key=key))
        done, _ = await asyncio.wait([waiting], timeout=_BLOCKED_S)
        if done:
            return "a second transaction does not wait for a row that the first has updated"
        await first.execute("COMMIT")
        seen = await waiting
    finally:
        if first.is_in_transaction():
            await first.execute("ROLLBACK")
        if waiting is not None and not waiting.done():
            await asyncio.wait([waiting])
    if seen is not None and seen < mine:
        return "a transaction that has waited for a row does not see what it waited for"
    return None


async def _seen_second(connection: Any, order: Order, *, key: int) -> int | None:
    """Take the stripe, then read what the first wrote beside it; None: sent back to begin again."""
    await connection.execute(order.begin)
    try:
        await connection.fetch(order.take, [key])
        return int(await connection.fetchval(_SEEN, key + 1) or 0)
    except asyncpg.SerializationError:
        return None  # Under snapshot isolation: it begins again, with a new snapshot.
    finally:
        await connection.execute("ROLLBACK")
