"""Which store a node has: a file in its folder, or a PostgreSQL database that its settings name.

``postgres.py`` and its library are imported only where a database is named.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tansiq.errors import BadInput, StoreError
from tansiq.storage.sqlite import SqliteStore, peek
from tansiq.storage.store import Store, Tx

if TYPE_CHECKING:
    from tansiq.storage.postgres import PostgresStore

T = TypeVar("T")

_UNUSED = "SELECT NOT EXISTS (SELECT 1 FROM agreement)"
_HELD = """
SELECT EXISTS (SELECT 1 FROM desk
                WHERE until > CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT))
"""
_POOLED = "SELECT EXISTS (SELECT 1 FROM pool_instance)"


def check_library() -> None:
    """Check that the library for PostgreSQL is there, before a module that needs it is imported.

    Raises:
        BadInput: it is not installed.
    """
    if find_spec("asyncpg") is None:
        raise BadInput("needs asyncpg: pip install 'tansiq[postgresql]'", field="database")


async def open_store(file: Path, database: str | None, *, worker: str = "") -> Store:
    """Open the store of a node that is about to serve.

    ``worker`` names the one that holds the desk, among others that serve the register. The time in
    the store is the database's then.

    Raises:
        BadInput: the library for the database is not installed.
        StoreError: it cannot be opened, or the node's records are in the file, not in the database.
    """
    if database is None:
        return SqliteStore.open(file)
    check_library()
    from tansiq.storage.postgres import PostgresStore

    store = await PostgresStore.open(database, process=worker)
    try:
        await _check_moved(file, store)
        await _check_no_pool(store)
        if not worker:
            await _check_no_workers(store)
        await store.serve(secrets.randbits(62) | 1)
    except BaseException:  # However it ends, the connections are not left open.
        await store.close()
        raise
    return store


async def open_shared(database: str, *, process: str, beside_desk: bool = False) -> Store:
    """Open a store that several processes serve the register from, none of them a desk.

    ``process`` names ours; the time in the store is the database's then. ``beside_desk``: one of
    them has a desk as well.

    Raises:
        BadInput: the library for the database is not installed.
        StoreError: it cannot be opened, or a node with a desk keeps its plans in it.
    """
    check_library()
    from tansiq.storage.postgres import PostgresStore

    store = await PostgresStore.open(database, process=process)
    try:
        if beside_desk:
            await _check_no_pool(store)
        else:
            await _check_no_desk(store)
        await store.join()
    except BaseException:  # However it ends, the connections are not left open.
        await store.close()
        raise
    return store


def doubted(store: Store) -> asyncio.Event | None:
    """Return what is set once memory may differ from what the store holds; None: it never does."""
    found = getattr(store, "doubted", None)
    return found if isinstance(found, asyncio.Event) else None


async def _check_moved(file: Path, store: "PostgresStore") -> None:
    """Refuse to begin anew beside a file that holds what the node has promised."""
    there = await asyncio.to_thread(file.exists)
    if there and await store.read(_is_unused):
        raise StoreError(
            f"{store.name} is empty, and this node has served from {file}, which holds what "
            "it has promised; stop it and take that along with `tansiq copy`, or, to begin anew "
            f"without it, move {file.name} away"
        )


async def _check_no_pool(store: "PostgresStore") -> None:
    """Refuse a database that registers by themselves serve from."""

    async def is_pool(tx: Tx) -> bool:
        row = await tx.fetch_one(_POOLED)
        return row is not None and bool(row[0]) and await _is_unused(tx)

    if await store.read(is_pool):
        raise StoreError(
            f"{store.name} is a pool of registers by themselves; what comes in there would pass "
            "this node's plans by: give the node a database of its own"
        )


async def _check_no_workers(store: "PostgresStore") -> None:
    """Refuse a database that workers serve from: what this process wrote would be theirs to know.

    Whoever is refused knows that there are some; that there are none any more is told after a few
    seconds, and by the database's clock.
    """

    async def held(tx: Tx) -> bool:
        row = await tx.fetch_one(_HELD)
        return row is not None and bool(row[0])

    if await store.read(held):
        raise StoreError(
            f"workers serve this node from {store.name} (`tansiq serve --workers`): end them "
            "first, or serve with --workers here as well"
        )


async def _check_no_desk(store: "PostgresStore") -> None:
    """Refuse a database in which a node keeps its plans."""
    if not await store.read(_is_unused):
        raise StoreError(
            f"{store.name} holds the plans of a node; what comes in at a register by itself would "
            "pass them by: give the pool a database of its own"
        )


async def _is_unused(tx: Tx) -> bool:
    row = await tx.fetch_one(_UNUSED)
    return row is not None and bool(row[0])


def peek_store(file: Path, database: str | None, fn: Callable[[Tx], Awaitable[T]]) -> T | None:
    """Run ``fn`` against what is committed in a store that a node may have open; write nothing.

    None where there is no store yet, or one of before the tables that ``fn`` asks for. Not to be
    called on a loop.

    Raises:
        StoreError: it cannot be read.
    """
    if database is None:
        return peek(file, fn)
    check_library()
    from tansiq.storage.postgres import peek as peek_database

    return asyncio.run(peek_database(database, fn))
