"""A backup made, while the node serves or not: copied, packed, read again, and only then named."""

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tansiq import __version__
from tansiq.backup.archive import MANIFEST, SIGNATURE, Reading, Tell, Writing
from tansiq.backup.checking import Whole, check_unpacked, schema_of
from tansiq.backup.copying import copy_store
from tansiq.backup.gathering import SUFFIX, Found, Survey, survey
from tansiq.backup.manifest import (
    DUMP,
    FORMAT,
    FileEntry,
    Manifest,
    RecordHead,
    StoreEntry,
    encode,
    signed,
)
from tansiq.backup.programs import program
from tansiq.clock import Clock
from tansiq.domain.time import zulu
from tansiq.errors import BadInput, StoreError
from tansiq.peers.identity import load_signing_key, public_key
from tansiq.peers.succession import served_version
from tansiq.settings import STORE, Settings
from tansiq.storage.opening import check_library
from tansiq.storage.record import RecordLog
from tansiq.storage.standing import standing

_MARGIN_BYTES: Final = 64 * 2**20
"""What a node's disk must have left after all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be backed up, and how."""

    settings: Settings
    output: Path
    keys: bool
    exchanges: bool
    bytes_per_s: float
    check: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was written."""

    manifest: Manifest
    path: Path
    bytes: int


def name_of(party: str, now: datetime) -> str:
    """Return the usual name of a backup: whose, and of when."""
    return f"{party}-{now:%Y%m%dT%H%M%SZ}{SUFFIX}"


def plan(request: Request) -> tuple[Survey, int]:
    """Look at what a backup would hold; return that, and how many bytes.

    Raises:
        BadInput: there is nothing to back up, or the file cannot go there.
    """
    settings, output = request.settings, request.output
    if settings.database is not None:
        check_library()
        program("pg_dump")
    elif not (settings.data / STORE).is_file():
        raise BadInput(
            f"has no {STORE}: this node has never served. Its keys alone are backed up by copying "
            "the folder",
            field=str(settings.data),
        )
    if output.exists():
        raise BadInput("is there already; choose another name", field=str(output))
    if not output.parent.is_dir():
        raise BadInput("is no folder; make it first", field=str(output.parent))
    if output.resolve().is_relative_to(settings.data.resolve()):
        raise BadInput(
            "is in the node's own folder, and would be lost with it; choose another place, best on "
            "another disk",
            field=str(output),
        )
    found = survey(settings, keys=request.keys, exchanges=request.exchanges)
    stores = sum((settings.data / name).stat().st_size for name in found.stores)
    return found, stores + sum(file.bytes for file in found.files)


async def make(request: Request, clock: Clock, tell: Tell) -> Made:
    """Write a backup; the file takes its name when it is whole and was read again.

    Raises:
        BadInput: as ``plan``, or a file changed while it was copied.
        StoreError: a store or the disk fails, or what was written does not pass the check.
    """
    found, size = plan(request)
    settings, output = request.settings, request.output
    key, now = load_signing_key(settings.data), clock.now()
    # On a thread: what is in force is asked of the store, and a database has a loop of its own.
    version = await asyncio.to_thread(served_version, settings)
    if version is None:
        raise BadInput("has never served under an agreement", field=str(settings.data))
    with told_of_files(output), scratch(output.parent) as folder:
        # The copies of the stores, and the archive that they go into.
        check_room(output.parent, 2 * size)
        stores, head = await _stores(found, folder, request, clock, tell)
        files = [_entry(each, tell) for each in found.files]
        files += [_entry(_copy_of(folder / each.name), tell) for each in stores]
        manifest = Manifest(
            format=FORMAT,
            tansiq=__version__,
            party=settings.party,
            public_key=public_key(key).hex(),
            agreement=version.agreement.digest,
            made=zulu(now),
            keys=any(each.secret for each in found.files),
            record=head,
            stores=tuple(stores),
            files=tuple(sorted(files, key=lambda each: each.name)),
            left_out=found.left_out,
        )
        paths = {each.name: each.path for each in found.files}
        paths |= {each.name: folder / each.name for each in stores}
        part = folder / output.name
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            writing = Writing(file, mtime_s=int(now.timestamp()))
            content = encode(manifest)
            writing.add(MANIFEST, content)
            writing.add(SIGNATURE, signed(content, manifest.party, key))
            for entry in manifest.files:
                tell(f"writing {entry.name}")
                writing.add_file(entry, paths[entry.name])
            writing.end()
        for each in stores:
            (folder / each.name).unlink()
        if request.check:
            await verify(part, clock, tell)
        _name(part, output)
    return Made(manifest=manifest, path=output, bytes=output.stat().st_size)


async def verify(path: Path, clock: Clock, tell: Tell) -> tuple[Manifest, Whole]:
    """Check a backup without restoring it: hashes, every page, the record hashed again.

    What is secret is held against its hash, and not written anywhere.

    Raises:
        BadInput: it is none, or not whole.
        StoreError: a database in it is damaged, or the disk has no room to unpack it.
    """
    with told_of_files(path), path.open("rb") as file:
        reading = Reading(file, path.name)
        manifest = reading.manifest()
        where = path.parent if os.access(path.parent, os.W_OK) else None
        with scratch(where) as folder:
            check_room(folder, room_for(manifest))
            reading.unpack(manifest, folder, lambda entry: not entry.secret, tell)
            return manifest, await check_unpacked(folder, manifest, clock, tell)


def _name(part: Path, output: Path) -> None:
    """Give a file its name, unless somebody has taken that meanwhile."""
    try:
        os.link(part, output)
    except FileExistsError:
        raise
    except OSError:  # Disks that know no links, such as sticks.
        if output.exists():
            raise
        part.rename(output)
    sync_folder(output.parent)


@contextmanager
def scratch(where: Path | None) -> Iterator[Path]:
    """Make a folder for us alone, and take it away again."""
    with tempfile.TemporaryDirectory(prefix=".tansiq-", suffix=".part", dir=where) as made:
        yield Path(made)


async def _stores(
    found: Survey, folder: Path, request: Request, clock: Clock, tell: Tell
) -> tuple[list[StoreEntry], RecordHead]:
    """Copy the stores; return what is said of them, and what the record comes to."""
    data, url = request.settings.data, request.settings.database
    stores = [
        await _store(data / name, folder / name, request, clock, tell) for name in found.stores
    ]
    if url is None:
        return stores, await _head(folder / STORE)
    from tansiq.backup.dumping import dump, moment

    async with moment(url, clock) as held:
        check_room(request.output.parent, 2 * held.bytes)
        dumped = await dump(
            held, folder / DUMP, clock=clock, bytes_per_s=request.bytes_per_s, tell=tell
        )
        return [dumped, *stores], held.head


async def _store(
    source: Path, target: Path, request: Request, clock: Clock, tell: Tell
) -> StoreEntry:
    copied = await copy_store(
        source, target, clock=clock, bytes_per_s=request.bytes_per_s, tell=tell
    )
    with standing(target) as store:
        schema = schema_of(store)
    return StoreEntry(
        name=source.name,
        kind="sqlite",
        schema=schema,
        pages=copied.pages,
        page_bytes=copied.page_bytes,
    )


async def _head(copy: Path) -> RecordHead:
    with standing(copy) as store:
        head = await store.read(lambda tx: RecordLog(tx).head())
    return RecordHead(size=head.size, root=head.root().hex())


def _copy_of(path: Path) -> Found:
    size = path.stat().st_size
    return Found(name=path.name, path=path, bytes=size, mode=0o600, secret=False)


def _entry(found: Found, tell: Tell) -> FileEntry:
    tell(f"hashing {found.name}")
    with found.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    return FileEntry(
        name=found.name, bytes=size, sha256=digest, mode=found.mode, secret=found.secret
    )


def room_for(manifest: Manifest) -> int:
    """Return how many bytes it takes to unpack a backup and look at it.

    A dump is packed; the file that is made of it is looked at.
    """
    return manifest.total_bytes * (4 if manifest.of_database else 1)


def check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + _MARGIN_BYTES:
        raise StoreError(
            f"{folder}: {size / 1e6:,.0f} MB are needed there for a while, and "
            f"{free / 1e6:,.0f} MB are free; choose another place, or make room"
        )


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def told_of_files(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into our error."""
    try:
        yield
    except FileNotFoundError as error:
        raise BadInput("is not there", field=str(error.filename or path)) from error
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror}") from error


def secrets_told(names: Sequence[str]) -> str:
    """Return the warning that goes with secrets in a file."""
    return (
        f"THIS FILE HOLDS THE NODE'S KEYS ({', '.join(names)}). Whoever reads it can sign as this "
        "party, and no agreement knows the difference. Keep it as safe as the folder itself "
        "(mode 600), and do not send it through the network unencrypted."
    )
