"""A folder put in another's place in one step, and a node kept from starting meanwhile.

What is new is written beside its place, on the same disk, and seen to it. Then one call of the
system exchanges the two: whoever looks, or dies, sees the old or the new one, never half of either.
What was there stays beside, under a name that says until when it was.
"""

import ctypes
import errno
import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from tansiq.errors import BadInput, StoreError
from tansiq.storage.standing import StandingStore, distrust

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2
_NOT_KNOWN: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


@contextmanager
def held_still(store: Path) -> Generator[StandingStore | None]:
    """Hold a node's store so that no process can use it; None: there is none, or it is no store.

    Raises:
        BadInput: a process uses it.
    """
    if not store.is_file():
        yield None
        return
    connection = apsw.Connection(str(store), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        try:
            distrust(connection)
            connection.pragma("locking_mode", "exclusive")
            connection.execute("BEGIN EXCLUSIVE")
        except (apsw.BusyError, apsw.LockedError) as error:
            raise BadInput(
                "a node runs on this folder, or another program reads its store; stop it first",
                field=str(store.parent),
            ) from error
        except apsw.Error:  # Damaged, which may be why it is replaced.
            yield None
            return
        yield StandingStore(connection, store)
    finally:
        connection.close()


@contextmanager
def beside(target: Path, now: datetime) -> Generator[Path]:
    """Make an empty folder next to where it will go; it is taken away unless it was put there.

    Raises:
        BadInput: it cannot be made.
    """
    stage = target.with_name(f".{target.name}.restoring-{now:%Y%m%dT%H%M%SZ}.{os.getpid()}")
    try:
        stage.mkdir(mode=0o700)
    except OSError as error:
        raise BadInput(
            f"cannot be made beside {target.name} ({error.strerror}); run as the user of the node, "
            "who must be able to write there",
            field=str(stage),
        ) from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def put(stage: Path, target: Path, now: datetime) -> Path | None:
    """Put a folder in its place; return where what was there is now, if anything was.

    Raises:
        BadInput: the file system does not let it; nothing was changed.
    """
    _sync_tree(stage)
    if not target.exists() or not any(target.iterdir()):
        _rename(stage, target)
        return None
    kept = target.with_name(f"{target.name}.before-{now:%Y%m%dT%H%M%SZ}")
    if kept.exists():
        raise BadInput("is there already; move it away", field=str(kept))
    # Named for what it will be in a moment: who dies in between leaves the old one in place, and
    # here a whole copy of the backup.
    _rename(stage, kept)
    try:
        _exchange(kept, target)
    except BadInput:
        _rename(kept, stage)
        raise
    return kept


def _rename(old: Path, new: Path) -> None:
    try:
        old.rename(new)
    except OSError as error:
        raise _refused(new, error) from error
    sync_folder(new.parent)


def _exchange(new: Path, target: Path) -> None:
    """Let two folders change names at once; where the system cannot, one after the other."""
    problem = _exchanged(new, target)
    if problem and problem not in _NOT_KNOWN:
        raise _refused(target, OSError(problem, os.strerror(problem)))
    if problem:
        aside = target.with_name(f"{new.name}.old")
        _rename(target, aside)
        try:
            _rename(new, target)
        except BadInput:
            aside.rename(target)
            raise
        aside.rename(new)
    sync_folder(target.parent)


def _exchanged(one: Path, other: Path) -> int:
    """Return 0, or the number of the error. Source: renameat2(2), of which Python has no call."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return errno.ENOSYS
    names = os.fsencode(one), os.fsencode(other)
    done = libc.renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    return ctypes.get_errno() if done else 0


def _refused(target: Path, error: OSError) -> BadInput:
    remedy = (
        "it is where a disk is mounted: choose a folder in it, and set --data to that"
        if error.errno in (errno.EBUSY, errno.EXDEV)
        else "look at who may write there"
    )
    return BadInput(f"cannot be replaced ({error.strerror}); {remedy}", field=str(target))


def take_over(stage: Path, owner: os.stat_result) -> None:
    """Give files that root has written to whose folder it is: else the node cannot read them.

    Raises:
        StoreError: they cannot be given away.
    """
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    try:
        for folder, _, names in os.walk(stage):
            for name in (".", *names):
                os.chown(Path(folder) / name, owner.st_uid, owner.st_gid, follow_symlinks=False)
    except OSError as error:
        raise StoreError(f"{error.filename}: {error.strerror}") from error


def _sync_tree(stage: Path) -> None:
    for folder, _, _ in os.walk(stage, topdown=False):
        sync_folder(Path(folder))


def sync_folder(folder: Path) -> None:
    """See the names in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
