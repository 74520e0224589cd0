"""The dump of a database read back into a store's file, of which all else that checks one reads.

Of a dump from anywhere nothing is executed. PostgreSQL's pg_restore turns it into text, of which
only the rows of our own tables are taken, into tables that our own migrations have made; what
statements it holds is passed over. A store in a file is therefore also what one can make of it.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final, cast

import apsw

from tansiq.backup.archive import Tell
from tansiq.backup.manifest import DUMP, StoreEntry
from tansiq.backup.programs import program
from tansiq.errors import StoreError
from tansiq.storage.migrate import numbered
from tansiq.storage.standing import told_of

_LINE_BYTES_MAX: Final = 67_108_864
"""Of one row; the longest that a node writes has a hundredth of that."""
_MARGIN_BYTES: Final = 64 * 2**20
_CHUNK: Final = 1_000
_LEFT_OUT: Final = ("stripe", "store_probe")
"""What a store has for itself, and makes anew."""

_COPY: Final = re.compile(rb'COPY "?[\w$]+"?\."?(\w+)"? \(([\w", ]+)\) FROM stdin;\n')
_COUNTER: Final = re.compile(
    rb"SELECT pg_catalog\.setval\('\"?[\w$]+\"?\.\"?(\w+)_seq_seq\"?', (\d+), (true|false)\);\n"
)
_END: Final = b"\\.\n"
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
_SIGNS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_RENAMED: Final = re.compile(r"ALTER TABLE (\w+) RENAME TO (\w+)")

_TABLES: Final = "SELECT name FROM sqlite_schema WHERE type = 'table'"
_COLUMNS: Final = "SELECT name, type FROM pragma_table_info(?) ORDER BY cid"
_STEPS: Final = "SELECT number, name FROM schema_version ORDER BY number"
_SET_COUNTER: Final = "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?"
_NEW_COUNTER: Final = """
INSERT INTO sqlite_sequence (name, seq)
SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)
"""


def unfold(dump: Path, target: Path, entry: StoreEntry, tell: Tell) -> StoreEntry:
    """Make a store's file of a dump; return the entry that a manifest would have of it.

    Raises:
        BadInput: pg_restore is not there.
        StoreError: it is no dump of a node's store.
    """
    with told_of(target):
        connection = apsw.Connection(str(target))
        try:
            # Of one that breaks off nothing is kept.
            connection.pragma("journal_mode", "off")
            connection.pragma("synchronous", 0)
            steps = numbered(files("tansiq.storage") / "migrations")
            _make(connection, steps, entry.schema)
            filling = _Filling(connection, target.parent, tell)
            with connection, _text_of(dump) as text:
                filling.run(text)
                _set_counters(connection, filling.counters, steps)
            _check_steps(connection, steps, entry.schema)
            pages = int(connection.pragma("page_count"))
            page_bytes = int(connection.pragma("page_size"))
        finally:
            connection.close()
    return StoreEntry(
        name=target.name, kind="sqlite", schema=entry.schema, pages=pages, page_bytes=page_bytes
    )


def _make(connection: apsw.Connection, steps: dict[int, Traversable | Path], last: int) -> None:
    """Make the tables as they were; a migration that is not known is one of a newer version."""
    if last not in steps:
        raise StoreError(
            f"{DUMP} is of the migration {last}, which this version does not know; use the version "
            "of Tansiq that made it, or a newer one"
        )
    connection.execute(
        "CREATE TABLE schema_version (number INTEGER PRIMARY KEY, name TEXT NOT NULL)"
    )
    for number in sorted(n for n in steps if n <= last):
        connection.execute(steps[number].read_text("utf-8"))
    for (name,) in connection.execute(_TABLES).fetchall():
        if not str(name).startswith("sqlite_") and name not in _LEFT_OUT:
            connection.execute(f'DELETE FROM "{name}"')  # noqa: S608 # What migrations put there.


def _check_steps(
    connection: apsw.Connection, steps: dict[int, Traversable | Path], last: int
) -> None:
    connection.execute("DELETE FROM schema_version WHERE number = 0")  # PostgreSQL's own.
    found = [(int(str(n)), str(name)) for n, name in connection.execute(_STEPS)]
    if found != [(n, steps[n].name) for n in sorted(steps) if n <= last]:
        raise StoreError(f"{DUMP}: its migrations are not those that the manifest names")


@contextmanager
def _text_of(dump: Path) -> Iterator[IO[bytes]]:
    """Have pg_restore write a dump's rows as text.

    Raises:
        StoreError: it does not know how.
    """
    command = [program("pg_restore"), "--data-only", "--no-owner", "--file=-", str(dump)]
    with (
        TemporaryFile() as complaint,
        subprocess.Popen(  # noqa: S603 # A program of PostgreSQL, and words of ours.
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaint
        ) as running,
    ):
        try:
            yield cast(IO[bytes], running.stdout)
        except BaseException:  # However it ends, the program does not outlive it.
            running.kill()
            raise
        if running.wait():
            complaint.seek(0)
            told = complaint.read(2_000).decode(errors="replace").strip()
            raise StoreError(
                f"{DUMP} cannot be read: {told}. It takes pg_restore of the version that made the "
                "dump, or of a newer one"
            )


class _Filling:
    """Rows on their way from a text into tables."""

    def __init__(self, connection: apsw.Connection, folder: Path, tell: Tell) -> None:
        self._connection = connection
        self._folder = folder
        self._tell = tell
        self._seen: set[str] = set()
        self._rows = 0
        self.counters: dict[str, int] = {}
        """The last number of each table that gives its rows numbers, by its first name."""

    def run(self, text: IO[bytes]) -> None:
        """Take the rows of every table.

        Raises:
            StoreError: a table, a column or a row is none of a node's.
        """
        while line := _line(text):
            if (found := _COPY.fullmatch(line)) is not None:
                self._fill(found[1].decode(), found[2].decode(), text)
            elif (counter := _COUNTER.fullmatch(line)) is not None:
                self.counters[counter[1].decode()] = int(counter[2]) - (counter[3] == b"false")

    def _fill(self, table: str, listed: str, text: IO[bytes]) -> None:
        columns = {
            str(name): str(kind) for name, kind in self._connection.execute(_COLUMNS, (table,))
        }
        names = [name.strip().strip('"') for name in listed.split(",")]
        if not columns or sorted(names) != sorted(columns) or table in self._seen:
            raise StoreError(f"{DUMP}: {table[:60]!r} is no table of a node, or is there twice")
        self._seen.add(table)
        read = [_READ.get(columns[name], _number) for name in names]
        into = ", ".join(f'"{name}"' for name in names)
        places = ", ".join("?" for _ in names)
        sql = f'INSERT INTO "{table}" ({into}) VALUES ({places})'  # noqa: S608 # Checked above.
        rows: list[tuple[Any, ...]] = []
        while (line := _line(text)) != _END:
            if not line:
                raise StoreError(f"{DUMP}: ends within the table {table}")
            if table not in _LEFT_OUT:
                rows.append(_row(line, read, table))
            if len(rows) == _CHUNK:
                self._put(sql, rows, table)
                rows = []
        self._put(sql, rows, table)

    def _put(self, sql: str, rows: Sequence[tuple[Any, ...]], table: str) -> None:
        try:
            self._connection.executemany(sql, rows)
        except (apsw.ConstraintError, apsw.MismatchError, OverflowError) as error:
            raise StoreError(f"{DUMP}: table {table}: {error}") from error
        check_room(self._folder)
        self._rows += len(rows)
        self._tell(f"{DUMP}: {self._rows:,} rows read again, table {table}")


def check_room(folder: Path) -> None:
    """Refuse to fill up a disk: a dump may unfold to much more than it has."""
    if shutil.disk_usage(folder).free < _MARGIN_BYTES:
        raise StoreError(
            f"{DUMP}: unfolds to more than {folder} has room for; choose another place, or make "
            "room"
        )


def _line(text: IO[bytes]) -> bytes:
    line = text.readline(_LINE_BYTES_MAX)
    if len(line) == _LINE_BYTES_MAX:
        raise StoreError(f"{DUMP}: a row has more than {_LINE_BYTES_MAX:,} bytes")
    return line


def _row(line: bytes, read: Sequence[Any], table: str) -> tuple[Any, ...]:
    """Return one row of the text form of COPY."""
    try:
        fields = line.decode()[:-1].split("\t")
        return tuple(
            None if field == "\\N" else kind(field)
            for kind, field in zip(read, fields, strict=True)
        )
    except (ValueError, UnicodeDecodeError) as error:
        raise StoreError(f"{DUMP}: a row of {table} is none ({error})") from error


def _text(field: str) -> str:
    if "\\" not in field:
        return field
    return _ESCAPED.sub(lambda found: _SIGNS.get(found[1], found[1]), field)


def _bytes(field: str) -> bytes:
    if not field.startswith("\\\\x"):
        raise ValueError("bytes that are not written in hexadecimal digits")
    return bytes.fromhex(field[3:])


def _number(field: str) -> int:
    return int(field)


_READ: Final = {"TEXT": _text, "BLOB": _bytes, "REAL": float}


def _set_counters(
    connection: apsw.Connection, counters: dict[str, int], steps: dict[int, Traversable | Path]
) -> None:
    """Let numbers go on where they were: a sequence keeps the name that its table had at first."""
    renamed: dict[str, str] = {}
    for number in sorted(steps):
        renamed |= dict(_RENAMED.findall(steps[number].read_text("utf-8")))
    for name, last in counters.items():
        table = renamed.get(name, name)
        connection.execute(_SET_COUNTER, (last, table))
        connection.execute(_NEW_COUNTER, (table, last, table))
