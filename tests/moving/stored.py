"""A node's folder with something in every table that a copy takes; and what either side holds."""

import asyncio
import random
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import asyncpg
from tests.backup.folders import Folder, make_folders

from tansiq.moving.source import Table, tables
from tansiq.settings import STORE

GENUINE = (
    "agreement",
    "record_entry",
    "record_tile",
    "record_head",
    "record_cosignature",
    "event_counter",
)
"""What a node has written itself; another one's rows would not be believed."""
SINGLE = ("first_start", "pool", "desk")
"""Tables of one row."""
ALLOWED = {
    ("account", "role"): ("viewer", "watch", "admin"),
    ("session", "kind"): ("cookie", "bearer"),
    ("first_start", "one"): (1,),
    ("pool", "one"): (1,),
    ("desk", "one"): (1,),
}
COLUMNS = 'SELECT name, type, "notnull" OR pk FROM pragma_table_info(?) ORDER BY cid'


def made(where: Path, seed: int, *, rows: int, entries: int) -> Folder:
    """Make a folder whose store holds so many rows of anything in each table."""
    north, south = make_folders(where)
    north.grow(entries)
    north.cosigned_by(south)
    connection = apsw.Connection(str(north.data / STORE))
    connection.pragma("foreign_keys", 1)
    rng = random.Random(seed)
    with connection:
        for table in tables():
            if table.name not in GENUINE:
                _fill(connection, table, rng, rows)
        # The last of the numbered ones are gone again: their numbers must not come back.
        connection.execute("DELETE FROM notification WHERE seq > (SELECT MAX(seq) FROM report) / 2")
    connection.close()
    return north


def _fill(connection: apsw.Connection, table: Table, rng: random.Random, rows: int) -> None:
    columns = connection.execute(COLUMNS, (table.name,)).fetchall()
    places = ", ".join("?" for _ in columns)
    for number in range(1, (1 if table.name in SINGLE else rows) + 1):
        row = [
            _value(table.name, str(name), str(kind), bool(needed), rng, number)
            for name, kind, needed in columns
        ]
        if table.name == "session":
            row[1] = f"account-{number}"
        if table.name == "account":
            row[0] = f"account-{number}"
        connection.execute(f'INSERT INTO "{table.name}" VALUES ({places})', row)


def _value(table: str, name: str, kind: str, needed: bool, rng: random.Random, number: int) -> Any:
    if (allowed := ALLOWED.get((table, name))) is not None:
        return rng.choice(allowed)
    if not needed and rng.random() < 0.3:
        return None
    if name == "seq":
        return number
    match kind:
        case "TEXT":
            signs = string.printable + "äßÿ—شمال东🛩"
            return "".join(rng.choices(signs, k=rng.randrange(40))) + f"{number}"
        case "BLOB":
            return rng.randbytes(rng.choice((0, 1, 300))) + number.to_bytes(4, "big")
        case "REAL":
            return rng.choice((0.0, -0.0, 1.5, 1e300, -1e-300, rng.uniform(-500, 9_000)))
    return rng.choice((-(2**63), 2**63 - 1_000, 0, rng.randrange(2**62))) + number


def in_file(data: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that a store's file holds, read by itself."""
    connection = apsw.Connection(str(data / STORE), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        return {
            table.name: _sorted(connection.execute(f'SELECT * FROM "{table.name}"').fetchall())
            for table in tables()
        }
    finally:
        connection.close()


def in_database(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that a database holds."""

    async def read() -> dict[str, list[tuple[Any, ...]]]:
        connection = await asyncpg.connect(url)
        try:
            return {
                table.name: _sorted(
                    [tuple(row) for row in await connection.fetch(f'SELECT * FROM "{table.name}"')]
                )
                for table in tables()
            }
        finally:
            await connection.close()

    return asyncio.run(read())


def _sorted(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)


def told(url: str, *statements: str) -> list[Any]:
    """Run statements on a database; return the first column of the last one's rows."""

    async def run() -> list[Any]:
        connection = await asyncpg.connect(url)
        try:
            rows: list[Any] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return [row[0] for row in rows]
        finally:
            await connection.close()

    return asyncio.run(run())


def emptied(url: str) -> None:
    """Make the schema of a URL anew."""
    name = url.rpartition("search_path=")[2]
    told(url, f"DROP SCHEMA {name} CASCADE", f"CREATE SCHEMA {name}")
