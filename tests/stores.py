"""Where tests open a node's store: over SQLite, over PostgreSQL, or over both in turn.

``TANSIQ_TEST_STORE=postgresql`` runs every test that opens its store here over PostgreSQL. Else a
test that asks for the fixture ``store_kind`` runs over both, and the others over SQLite.
"""

import asyncio
import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeAlias, TypeVar
from uuid import uuid4

import asyncpg
import pytest

from postgres_server import Server
from tansiq.settings import STORE, Settings
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.sqlite import SqliteStore

T = TypeVar("T")
SWITCH = "TANSIQ_TEST_STORE"
SQLITE, POSTGRESQL = "sqlite", "postgresql"
ALWAYS = os.environ.get(SWITCH, "")
KINDS = (ALWAYS,) if ALWAYS else (SQLITE, POSTGRESQL)
assert set(KINDS) <= {SQLITE, POSTGRESQL}, f"{SWITCH} is {SQLITE} or {POSTGRESQL}"


def only_sqlite(test: T) -> T:
    """Mark a test that is about the file itself, or that has a loop for each step."""
    over_it = pytest.mark.parametrize("store_kind", [SQLITE], indirect=True)
    return over_it(pytest.mark.usefixtures("store_kind")(test))


AnyStore: TypeAlias = SqliteStore | PostgresStore

_kind = ALWAYS or SQLITE
_server: Server | None = None
made: set[str] = set()
"""Schemas that this process has made."""


@contextmanager
def using(kind: str) -> Iterator[None]:
    """Have stores opened over this one."""
    global _kind  # noqa: PLW0603 - one switch for all of a test
    before, _kind = _kind, kind
    try:
        yield
    finally:
        _kind = before


def kind() -> str:
    """Return what stores are opened over."""
    return _kind


def open_store(path: Path, *, migrations: Traversable | Path | None = None) -> AnyStore:
    """Open the store of a path, new or as it was left."""
    if _kind == SQLITE:
        return SqliteStore.open(path, migrations=migrations)
    url = url_of(path)
    _aside(_migrated(url, migrations))
    return PostgresStore(url)


def open_copies(folder: Path) -> None:
    """Have new files of this process begin as copies of one whose tables are made.

    To make them takes 12 ms of CPU, thousands of times; tests of migrations pass their own.
    """
    opened = SqliteStore.open

    def open_one(
        path: Path, *, migrations: Traversable | Path | None = None, vfs: str | None = None
    ) -> SqliteStore:
        shipped = migrations is None or str(migrations).startswith(str(files("tansiq.storage")))
        if shipped and vfs is None and path.parent.is_dir() and not path.exists():
            made = folder / f"{Path(str(migrations)).name}.db"
            if not made.exists():
                begun = folder / f"{uuid4()}.db"
                _aside(opened(begun, migrations=migrations).close())
                begun.replace(made)
            with suppress(OSError):  # What is wrong with the folder is for the store to say.
                shutil.copyfile(made, path)
        return opened(path, migrations=migrations, vfs=vfs)

    SqliteStore.open = open_one  # type: ignore[method-assign]


def database_of(path: Path) -> str | None:
    """Return what a node's settings say of the database, for the store of a path."""
    return None if _kind == SQLITE else url_of(path)


def placed(settings: Settings) -> Settings:
    """Return the settings of a node whose store is where this test has stores."""
    return replace(settings, database=database_of(settings.data / STORE))


def url_of(path: Path) -> str:
    """Return the URL of a path's schema, which is made if it is not there."""
    name = re.sub(r"\W", "_", path.parent.name)[-30:].lower()
    schema = f"t_{name}_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    if schema not in made:
        _aside(_made(schema))
        made.add(schema)
    return server().url(search_path=schema)


def change(file: Path, database: str | None, sql: str) -> None:
    """Run a statement on a store whose node is not running."""
    if database is None:
        connection = sqlite3.connect(file)
        connection.execute(sql)
        connection.commit()
        connection.close()
    else:
        _aside(_changed(database, sql))


async def _changed(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


def server() -> Server:
    """Return this process's server."""
    global _server  # noqa: PLW0603 - one for all tests of a process
    if _server is None:
        _server = Server()
        _server.start()
    return _server


def stop_server() -> None:
    """End the server, if any test has asked for it."""
    if _server is not None:
        _server.remove()


async def _made(schema: str) -> None:
    connection = await asyncpg.connect(server().url())
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    await connection.close()


async def _migrated(url: str, migrations: Traversable | Path | None) -> None:
    store = await PostgresStore.open(url, migrations=migrations)
    await store.close()


def _aside(work: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end, from within a loop or not."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, work).result()
