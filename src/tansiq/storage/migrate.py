"""Numbered migrations, forward only: ``NNNN_name.sql``, each applied once, in one transaction.

A file that has been released is never edited: what must change comes in the next number.
"""

import re
from collections.abc import Collection, Mapping
from importlib.resources.abc import Traversable
from pathlib import Path

import apsw

from tansiq.errors import StoreError

_NAME = re.compile(r"(\d{4})_\w+\.sql")

_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_version (
    number  INTEGER PRIMARY KEY,
    name    TEXT NOT NULL
)
"""

_APPLIED = "SELECT number, name FROM schema_version ORDER BY number"

_APPLY = "INSERT INTO schema_version (number, name) VALUES (:number, :name)"


def numbered(migrations: Traversable | Path) -> dict[int, Traversable | Path]:
    """Return the migrations of a folder by their numbers.

    Raises:
        StoreError: two of them share one.
    """
    known: dict[int, Traversable | Path] = {}
    for entry in sorted(migrations.iterdir(), key=lambda entry: entry.name):
        match = _NAME.fullmatch(entry.name)
        if match is None:
            continue
        number = int(match[1])
        if number in known:
            raise StoreError(f"{entry.name} and {known[number].name} have the same number")
        known[number] = entry
    return known


def check_known(applied: Mapping[int, str], known: Collection[int], name: str) -> None:
    """Refuse a store that has been through what this version does not know.

    Raises:
        StoreError: it has.
    """
    for number, step in applied.items():
        if number not in known:
            raise StoreError(
                f"{name} has been through {step}, which this version does not know; "
                "use the version of Tansiq that made it, or a newer one"
            )


def migrate(connection: apsw.Connection, migrations: Traversable | Path) -> None:
    """Apply what has not been applied yet.

    Raises:
        StoreError: the file was made by a newer version, or two migrations share a number.
    """
    known = numbered(migrations)
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_VERSIONS)
        applied = {int(row[0]): str(row[1]) for row in connection.execute(_APPLIED)}
        check_known(applied, known, "the file")
        for number in sorted(known.keys() - applied.keys()):
            connection.execute(known[number].read_text("utf-8"))
            connection.execute(_APPLY, {"number": number, "name": known[number].name})
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
