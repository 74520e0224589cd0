"""Where the store of a backup that is put back goes: into a database, or a file."""

import os
from pathlib import Path

from tansiq.backup.archive import Tell
from tansiq.backup.forks import Finding, State, beside_folder
from tansiq.backup.manifest import DUMP, Manifest
from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.moving.switching import switch
from tansiq.services.record import KnownRecord
from tansiq.settings import STORE, load_settings
from tansiq.storage.opening import check_library
from tansiq.storage.sqlite import SqliteStore


async def check_ready(database: str) -> None:
    """Check that a store may be put into a database, before anything long is begun.

    Raises:
        BadInput: it holds something, or the library for it is not installed.
        StoreError: it cannot be used.
    """
    check_library()
    from tansiq.moving import copying

    await copying.check_ready(database)


async def put_store(
    stage: Path, database: str | None, manifest: Manifest, clock: Clock, tell: Tell
) -> None:
    """Put the store of an unpacked backup where it goes, and have the settings say so.

    Raises:
        BadInput, StoreError: the database does not take it; it serves nobody then.
    """
    store = stage / STORE
    (stage / DUMP).unlink(missing_ok=True)
    if load_settings(stage).database != database:
        switch(stage, database)
    if database is None:
        _sync(store)
        return
    from tansiq.moving.copying import Request, copy

    # Of an older version, its tables are brought up to date first.
    await SqliteStore.open(store).close()
    request = Request(
        settings=load_settings(stage),
        database=database,
        public_key=bytes.fromhex(manifest.public_key),
    )
    await copy(request, clock, tell)
    for end in ("", "-wal", "-shm"):
        store.with_name(f"{STORE}{end}").unlink(missing_ok=True)


async def beside_old_database(
    record: KnownRecord, manifest: Manifest, url: str, clock: Clock
) -> list[Finding]:
    """Hold a record against that of the database which it is to take the place of."""
    check_library()
    from tansiq.storage.postgres import PostgresStore
    from tansiq.storage.postgres_link import CONNECT_S

    source = "the database in use so far"
    store = PostgresStore(url, clock=clock, wait_s=CONNECT_S)
    try:
        key = bytes.fromhex(manifest.public_key)
        old = KnownRecord(store, party=manifest.party, public_key=key)
        found = await beside_folder(record, old)
    except StoreError as error:
        return [Finding(source, State.UNKNOWN, f"cannot be read: {error}")]
    finally:
        await store.close()
    return [
        Finding(source, each.state, each.sentence) if each.source.startswith("the folder") else each
        for each in found
    ]


def shown(url: str) -> str:
    """Return a database's URL as it may be shown."""
    from tansiq.storage.postgres_link import shown as without_password

    return without_password(url)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
