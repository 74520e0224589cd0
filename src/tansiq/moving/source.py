"""The file of a stopped node, held so that nobody changes it, read table by table in key order."""

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Final

import apsw
import msgspec

from tansiq.errors import BadInput, StoreError
from tansiq.storage.migrate import check_known, migrate, numbered
from tansiq.storage.standing import StandingStore, distrust, told_of
from tansiq.storage.store import Row

CHUNK_ROWS: Final = 1_000
"""Rows that are hashed together: one begins at the same row on both sides, and after a restart."""
_BATCH_BYTES: Final = 8_000_000
_BATCH_CHUNKS: Final = 25
_PIECE: Final = 4_194_304
_HOLD_MS: Final = 2_000

_NOT_COPIED: Final = ("schema_version", "stripe", "store_probe")
"""What a store has for itself: every other table is what a node must not lose."""

_TABLES: Final = """
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
 ORDER BY rowid
"""
_COLUMNS: Final = "SELECT name, pk FROM pragma_table_info(?) ORDER BY cid"
_STEPS: Final = "SELECT number, name FROM schema_version ORDER BY number"
_COUNTERS: Final = "SELECT name, seq FROM sqlite_sequence"

Tell = Callable[[str], None]
Key = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table, as our own migrations make it."""

    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]
    """Places of the columns that rows are ordered by; no two rows have the same."""
    seeded: tuple[Row, ...]
    """What is in it before a node has ever served."""

    def select(self, place: str = "") -> str:
        """Return a statement that both databases take: all rows in key order, or those beyond."""
        order = ", ".join(f'"{self.columns[at]}"' for at in self.key)
        beyond = f" WHERE ({order}) > ({place})" if place else ""
        return f'SELECT {self._list} FROM "{self.name}"{beyond} ORDER BY {order}'  # noqa: S608 # Ours.

    @property
    def _list(self) -> str:
        return ", ".join(f'"{column}"' for column in self.columns)

    def key_of(self, row: Row) -> Key:
        """Return what a row is found by."""
        return tuple(row[at] for at in self.key)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows of a table, and what they come to, in key order."""

    rows: int = 0
    digest: bytes = bytes(32)

    def with_chunk(self, rows: Sequence[Row], packed: bytes) -> "Tally":
        """Return the tally with one chunk more, packed by ``packed``."""
        return Tally(self.rows + len(rows), hashlib.sha256(self.digest + packed).digest())


def packed(rows: Sequence[Row]) -> bytes:
    """Return rows as bytes: the same for the same values, whichever database they are from."""
    return msgspec.msgpack.encode([tuple(row) for row in rows])


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that are committed together, and what the table comes to with them."""

    table: Table
    rows: Sequence[Row]
    last: Key
    tally: Tally


def tables() -> tuple[Table, ...]:
    """Return the tables of a store in the order in which they may be filled."""
    fresh = apsw.Connection(":memory:")
    try:
        migrate(fresh, files("tansiq.storage") / "migrations")
        names = [str(row[0]) for row in fresh.execute(_TABLES)]
        return tuple(_table(fresh, name) for name in names if name not in _NOT_COPIED)
    finally:
        fresh.close()


def _table(fresh: apsw.Connection, name: str) -> Table:
    columns = list(fresh.execute(_COLUMNS, (name,)))
    places = {int(pk): at for at, (_, pk) in enumerate(columns) if pk}
    if not places:
        raise RuntimeError(f"{name} has no primary key: a copy could not go on where it stopped")
    table = Table(
        name=name,
        columns=tuple(str(column) for column, _ in columns),
        key=tuple(places[number] for number in sorted(places)),
        seeded=(),
    )
    return Table(name, table.columns, table.key, tuple(fresh.execute(table.select())))


class Source:
    """The file, in one transaction that lets nobody else use it."""

    def __init__(self, connection: apsw.Connection, path: Path, tell: Tell) -> None:
        self._connection = connection
        self.path = path
        self.store = StandingStore(connection, path)
        self.fingerprint = _hash_of(path, tell)

    def counts(self, of: Sequence[Table]) -> dict[str, int]:
        """Count the rows of each table."""
        counted: dict[str, int] = {}
        for table in of:
            rows = self._connection.execute(f'SELECT COUNT(*) FROM "{table.name}"')  # noqa: S608 # Ours.
            counted[table.name] = int(str(rows.fetchall()[0][0]))
        return counted

    def counters(self) -> Mapping[str, int]:
        """Return the last number of each table that gives its rows numbers of their own."""
        return {str(name): int(str(seq)) for name, seq in self._connection.execute(_COUNTERS)}

    def batches(self, table: Table, after: Key | None, tally: Tally) -> Iterator[Batch]:
        """Yield a table's rows beyond ``after``, which ``tally`` comes to, in batches.

        Raises:
            StoreError: the file cannot be read.
        """
        with told_of(self.path):
            given = () if after is None else after
            place = ", ".join("?" for _ in given)
            cursor = self._connection.execute(table.select(place), given)
            held: list[Row] = []
            size = chunks = 0
            while rows := list(islice(cursor, CHUNK_ROWS)):
                content = packed(rows)
                tally = tally.with_chunk(rows, content)
                held += rows
                size, chunks = size + len(content), chunks + 1
                if size >= _BATCH_BYTES or chunks == _BATCH_CHUNKS:
                    yield Batch(table, held, table.key_of(held[-1]), tally)
                    held, size, chunks = [], 0, 0
            if held:
                yield Batch(table, held, table.key_of(held[-1]), tally)


@contextmanager
def held(path: Path, tell: Tell) -> Generator[Source]:
    """Hold a node's file, so that no process can use it, and read it.

    Raises:
        BadInput: there is none, or a process uses it.
        StoreError: it cannot be read, or is of another version.
    """
    if not path.is_file():
        raise BadInput("is not there: has this node ever served from a file?", field=str(path))
    with told_of(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            _take(connection, path)
            _check_version(connection, path)
            yield Source(connection, path, tell)
        finally:
            connection.close()


def _take(connection: apsw.Connection, path: Path) -> None:
    try:
        connection.set_busy_timeout(_HOLD_MS)
        distrust(connection)
        connection.pragma("locking_mode", "exclusive")
        # What a node that was killed left in its log goes into the file first: else that would
        # happen at the end of the copy, and the file be another one when the copy goes on.
        connection.pragma("wal_checkpoint", "truncate")
        connection.execute("BEGIN EXCLUSIVE")
        # Reading takes the lock, where the file has no log.
        connection.execute("SELECT COUNT(*) FROM sqlite_schema").fetchall()
    except (apsw.BusyError, apsw.LockedError) as error:
        raise BadInput(
            "a node runs on this folder, or another program reads its store; stop it first",
            field=str(path.parent),
        ) from error
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise StoreError(f"{path.name}: its log cannot be taken into the file; is the disk full?")


def _check_version(connection: apsw.Connection, path: Path) -> None:
    known = numbered(files("tansiq.storage") / "migrations")
    try:
        applied = {int(row[0]): str(row[1]) for row in connection.execute(_STEPS)}
    except apsw.SQLError as error:
        raise StoreError(f"{path.name}: not a store of a node ({error})") from error
    check_known(applied, known, path.name)
    if left := sorted(known.keys() - applied.keys()):
        raise StoreError(
            f"{path.name} has not been through {known[left[0]].name} yet: start the node once with "
            "this version, stop it, and copy then"
        )


def _hash_of(path: Path, tell: Tell) -> str:
    """Return what tells a file that changed from one that did not."""
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
            done += len(piece)
            tell(f"hashing {path.name}: {done / 1e6:,.0f} of {size / 1e6:,.0f} MB")
    return digest.hexdigest()
