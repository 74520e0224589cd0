"""A store in a database copied while its node writes: one moment of it, by PostgreSQL's pg_dump.

The moment is a snapshot that this process holds: the record's head is read in it, and pg_dump is
told its name, so that both are of the same. The dump is one that pg_restore of PostgreSQL reads by
itself; what we put back of it is read in ``unfolding``.
"""

import asyncio
import os
import re
from asyncio import StreamReader
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import asyncpg

from tansiq.backup.archive import Tell
from tansiq.backup.manifest import DUMP, RecordHead, StoreEntry
from tansiq.backup.programs import program
from tansiq.clock import Clock
from tansiq.errors import BadInput, StoreError
from tansiq.storage import postgres_migrate
from tansiq.storage.postgres_checks import server_of
from tansiq.storage.postgres_hosts import hosts_of
from tansiq.storage.postgres_link import GONE, AgainError, Link, said
from tansiq.storage.postgres_tx import PostgresTx
from tansiq.storage.record import RecordLog

_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
_PIECE: Final = 1_048_576
_SAID_MAX: Final = 2_000
_BEGIN: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_KEEP: Final = "SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0"

_KNOWN: Final = (
    *("target_session_attrs", "connect_timeout", "passfile", "service", "gsslib", "krbsrvname"),
    *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version"),
)
"""What PostgreSQL's programs know of what may follow a question mark; the rest is for sessions."""


@dataclass(frozen=True, slots=True)
class Place:
    """A database as PostgreSQL's programs are told of it: never with the password in the words."""

    words: tuple[str, ...]
    environment: dict[str, str]


def place_of(url: str) -> Place:
    """Return how to tell PostgreSQL's programs of a database."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    query = [pair for pair in parse_qsl(parts.query) if pair[0] in _KNOWN]
    if len(hosts_of(url)) > 1 and "target_session_attrs" not in dict(query):
        query.append(("target_session_attrs", "primary"))
    shorter = parts._replace(
        scheme="postgresql", netloc=f"{name}{at}{hosts}", query=urlencode(query, quote_via=quote)
    )
    environment = {"PGPASSWORD": unquote(password)} if colon else {}
    return Place(("--dbname", shorter.geturl(), "--no-password"), environment)


@asynccontextmanager
async def moment(url: str, clock: Clock) -> AsyncIterator["Moment"]:
    """Hold one moment of a database.

    Raises:
        BadInput: a node has never served from it.
        StoreError: it cannot be read.
    """
    link = Link(url, clock, connections=1)
    try:
        async with link.lent() as connection:
            await connection.execute(_BEGIN)
            await connection.execute(_KEEP)
            yield await _moment(connection, url, link.name)
            await connection.execute("ROLLBACK")
    except (AgainError, asyncpg.PostgresError, *GONE) as error:
        raise StoreError(f"{link.name}: {said(error)}") from error
    finally:
        await link.close()


@dataclass(frozen=True, slots=True)
class Moment:
    """What a database holds at one moment."""

    url: str
    name: str
    snapshot: str
    schema_name: str
    major: int
    """Version of the server."""
    schema: int
    head: RecordHead
    bytes: int
    """What the tables take there; a dump takes about as much."""


async def _moment(connection: Any, url: str, name: str) -> Moment:
    await postgres_migrate.check_finished(connection, name)
    applied, _ = await postgres_migrate.waiting(connection, None, name)
    if not applied:
        raise BadInput("has no tables yet: this node has never served from it", field=name)
    tx = PostgresTx(connection, "")
    head = await RecordLog(tx).head()
    row = await connection.fetchrow(
        "SELECT pg_export_snapshot(), current_schema(), pg_database_size(current_database())"
    )
    return Moment(
        url=url,
        name=name,
        snapshot=str(row[0]),
        schema_name=str(row[1]),
        major=(await server_of(connection)).number // 10_000,
        schema=int(applied[-1].partition("_")[0]),
        head=RecordHead(size=head.size, root=head.root().hex()),
        bytes=int(row[2]),
    )


async def dump(
    held: Moment, target: Path, *, clock: Clock, bytes_per_s: float, tell: Tell
) -> StoreEntry:
    """Write what a database holds at that moment into a file.

    Raises:
        BadInput: pg_dump is not there, or older than the server.
        StoreError: it fails.
    """
    path, place = program("pg_dump"), place_of(held.url)
    await _check_version(path, held)
    words = ["--format=custom", "--compress=1", "--no-owner", "--no-privileges"]
    words += [f"--schema={_pattern(held.schema_name)}", f"--snapshot={held.snapshot}"]
    running = await _started(path, [*words, *place.words], place)
    out, err = cast(StreamReader, running.stdout), cast(StreamReader, running.stderr)
    complaint = asyncio.create_task(err.read(_SAID_MAX))
    try:
        done, began_s = 0, clock.monotonic_s()
        with target.open("xb") as file:
            while piece := await out.read(_PIECE):
                file.write(piece)
                done += len(piece)
                tell(f"{DUMP}: {done / 1e6:,.0f} MB, of about {held.bytes / 1e6:,.0f} MB of tables")
                await clock.sleep(max(0.0, began_s + done / bytes_per_s - clock.monotonic_s()))
            file.flush()
            os.fsync(file.fileno())
        failed = await running.wait()
    finally:
        await ended(running)
        told = (await complaint).decode(errors="replace").strip()
    if failed:
        raise StoreError(f"{held.name}: pg_dump ended with {failed}: {told}")
    return StoreEntry(name=DUMP, kind="postgresql", schema=held.schema, pages=0, page_bytes=0)


def _pattern(name: str) -> str:
    """Return a pattern of pg_dump that means this schema alone."""
    return '"' + name.replace('"', '""') + '"'


async def _check_version(path: str, held: Moment) -> None:
    major = await version_of(path)
    if major < held.major:
        raise BadInput(
            f"is of version {major}, and the server of {held.major}: a server is dumped by its own "
            f"version or a newer one. Install it, such as: sudo apt-get install "
            f"postgresql-client-{held.major}",
            field=path,
        )


async def version_of(path: str) -> int:
    """Return the version of one of PostgreSQL's programs.

    Raises:
        StoreError: it does not say.
    """
    running = await _started(path, ["--version"], Place((), {}))
    text, _ = await running.communicate()
    found = _VERSION.search(text.decode(errors="replace"))
    if found is None:
        raise StoreError(f"{path}: does not say which version it is")
    return int(found[1])


async def _started(path: str, words: list[str], place: Place) -> Process:
    environment = {**os.environ, **place.environment, "LC_ALL": "C.UTF-8"}
    return await asyncio.create_subprocess_exec(
        path, *words, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=PIPE, env=environment
    )


async def ended(running: Process) -> None:
    """See to it that a program does not go on."""
    if running.returncode is None:
        running.kill()
        await running.wait()
