"""A store copied from a file to a database: the file held still, batch by batch, then compared.

What is compared: rows and digest of every table, the file's as they were read and the database's as
they are read again, and the record's head, hashed anew from every entry on both sides.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tansiq.clock import Clock
from tansiq.errors import BadInput, StoreError
from tansiq.moving.source import Batch, Source, Table, Tell, held, tables
from tansiq.moving.target import Mark, Target, target_at
from tansiq.peers.identity import load_signing_key, public_key
from tansiq.services.record import Checked, KnownRecord, check
from tansiq.settings import STORE, Settings, load_settings
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.store import Store

_SCHEME: Final = "sqlite:"
_HOUR_S: Final = 3_600
_MINUTE_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be copied where."""

    settings: Settings
    database: str
    public_key: bytes | None = None
    """Of the party; None: that of the key in the folder."""
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """What came of it."""

    rows: dict[str, int]
    resumed_rows: int
    """Rows that an earlier run had copied."""
    seconds: float
    name: str
    """The database, as it may be shown."""
    record: Checked


async def check_ready(database: str) -> None:
    """Check that a store may be copied to a database, before anything long is begun.

    Raises:
        BadInput: it holds something.
        StoreError: it cannot be used.
    """
    async with target_at(database) as there:
        await there.look(tables())


def node_at(text: str) -> Settings:
    """Return the settings of the node that ``--from`` names: its folder, or the store in it.

    Raises:
        BadInput: it names no node whose store is a file.
    """
    if text.startswith(("postgresql:", "postgres:")):
        raise BadInput(
            "a copy goes from a file to a database. Between two databases, and back to a file, go "
            "`tansiq backup` and `tansiq restore` with --database or --as-file",
            field="--from",
        )
    path = Path(text.removeprefix(_SCHEME).removeprefix("//"))
    if path.name == STORE and not path.is_dir():
        path = path.parent
    if not path.is_dir():
        raise BadInput(
            f"{path} is no folder: name the node's data folder, such as sqlite:north",
            field="--from",
        )
    return load_settings(path)


async def copy(request: Request, clock: Clock, tell: Tell) -> Copied:
    """Copy the store of a stopped node to an empty database, or go on with that.

    Raises:
        BadInput: the node runs, the database is not empty, or it cannot hold what the file does.
        StoreError: one of the two cannot be used, or they are not the same afterwards.
        RecordDamaged, RecordRolledBack: the record in the file is not whole.
    """
    settings = request.settings
    if settings.database not in (None, request.database):
        raise BadInput(
            "names another database already: this node's file is what it had before",
            field=str(settings.data / "tansiq.toml"),
        )
    began_s = clock.monotonic_s()
    key = request.public_key or public_key(load_signing_key(settings.data))
    with held(settings.data / STORE, tell) as source:
        here = await _rehashed(source.store, settings, key, clock, tell, "in the file")
        order = tables()
        counts = source.counts(order)
        async with target_at(request.database) as there:
            if request.dry_run:
                await there.look(order)
                return _copied(counts, 0, began_s, clock, there, here)
            mark = await there.begin(order, source.fingerprint)
            resumed = sum(rows for _, rows, _ in mark.tables)
            way = _Way(source, there, order, counts, clock, tell)
            mark = await way.copied(mark)
            await way.verified(mark)
            await _compared(request, here, key, clock, tell)
            tell("the server counts what it plans by")
            await there.analyze(order)
            await there.finish(source.counters())
            return _copied(counts, resumed, began_s, clock, there, here)


def _copied(
    counts: dict[str, int],
    resumed: int,
    began_s: float,
    clock: Clock,
    there: Target,
    here: Checked,
) -> Copied:
    seconds = clock.monotonic_s() - began_s
    return Copied(rows=counts, resumed_rows=resumed, seconds=seconds, name=there.name, record=here)


async def _rehashed(
    store: Store, settings: Settings, key: bytes, clock: Clock, tell: Tell, where: str
) -> Checked:
    def progress(done: int, size: int) -> None:
        tell(f"the record {where}: {done:,} of {size:,} entries hashed again")

    known = KnownRecord(store, party=settings.party, public_key=key)
    return await check(known, clock=clock, progress=progress)


async def _compared(request: Request, here: Checked, key: bytes, clock: Clock, tell: Tell) -> None:
    """Hash the record in the database again, and hold it against the file's."""
    store = PostgresStore(request.database, clock=clock)
    try:
        there = await _rehashed(store, request.settings, key, clock, tell, "in the database")
    finally:
        await store.close()
    if (there.size, there.root) != (here.size, here.root):
        raise _different(store.name, "the record comes to another head")


@dataclass(slots=True)
class _Way:
    """One run of a copy."""

    source: Source
    there: Target
    order: Sequence[Table]
    counts: dict[str, int]
    clock: Clock
    tell: Tell

    async def copied(self, mark: Mark) -> Mark:
        """Copy what is beyond the mark; return the mark at the end."""
        done = sum(rows for _, rows, _ in mark.tables)
        pace = _Pace(self, "copied", done)
        async with aclosing(self._batches(mark)) as batches:
            async for batch in batches:
                mark = mark.with_batch(batch)
                await self.there.put(batch, mark)
                pace.tell(batch.table.name, len(batch.rows))
        return mark

    async def _batches(self, mark: Mark) -> AsyncGenerator[Batch]:
        """Yield all that is beyond the mark; the next is read while the last is written."""
        batches = self._beyond(mark)
        reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
        try:
            while (batch := await reading) is not None:
                reading = asyncio.create_task(asyncio.to_thread(next, batches, None))
                yield batch
        finally:
            await asyncio.wait([reading])  # A thread must not be left in the file.

    def _beyond(self, mark: Mark) -> Iterator[Batch]:
        begun = [name for name, _, _ in mark.tables]
        for table in self.order:
            if not begun or table.name not in begun:
                yield from self.source.batches(table, None, mark.tally(table))
            elif table.name == begun[-1]:
                yield from self.source.batches(table, mark.after, mark.tally(table))

    async def verified(self, mark: Mark) -> None:
        """Read the database again and hold every table against what was read of the file.

        Raises:
            StoreError: one is not the same.
        """
        pace = _Pace(self, "verified", 0)
        for table in self.order:
            mine, there = mark.tally(table), replace(mark.tally(table), rows=0, digest=bytes(32))
            async with aclosing(self.there.tallies(table)) as tallies:
                async for tally in tallies:
                    pace.tell(table.name, tally.rows - there.rows)
                    there = tally
            if mine.rows != self.counts[table.name] or there != mine:
                raise _different(
                    self.there.name,
                    f"table {table.name} has {self.counts[table.name]:,} rows in the file and "
                    f"{there.rows:,} in the database"
                    + ("" if there.rows != mine.rows else ", and they are not the same rows"),
                )


class _Pace:
    """How far it is, how fast, and how long it will still take."""

    def __init__(self, way: _Way, verb: str, done: int) -> None:
        self._way = way
        self._verb = verb
        self._done = self._before = done
        self._total = sum(way.counts.values())
        self._began_s = way.clock.monotonic_s()

    def tell(self, table: str, rows: int) -> None:
        self._done += rows
        taken_s = max(self._way.clock.monotonic_s() - self._began_s, 1e-6)
        rate = (self._done - self._before) / taken_s
        left_s = (self._total - self._done) / rate if rate else 0.0
        share = 100 * self._done / max(self._total, 1)
        self._way.tell(
            f"{self._verb} {self._done:,} of {self._total:,} rows ({share:.0f} %), {rate:,.0f} "
            f"rows/s, about {duration(left_s)} left; table {table}"
        )


def duration(seconds: float) -> str:
    """Return a time that people can read."""
    whole = round(seconds)
    if whole >= _HOUR_S:
        return f"{whole // _HOUR_S} h {whole % _HOUR_S // _MINUTE_S} min"
    if whole >= _MINUTE_S:
        return f"{whole // _MINUTE_S} min {whole % _MINUTE_S} s"
    return f"{whole} s"


def _different(name: str, what: str) -> StoreError:
    return StoreError(
        f"{name}: {what}. No node serves from it, and the file is as it was: make the database "
        "anew and copy again; if that ends alike, report it with both versions"
    )
