"""Which files of a node's folder a backup holds, which of them are secret, and what it leaves out.

Every regular file, but what a node makes anew by itself. What settings name elsewhere on the
machine is not in the folder, and therefore said.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from tansiq.backup.manifest import FILES_MAX, STORES, LeftOut, name_problem
from tansiq.errors import BadInput
from tansiq.peers.identity import SECRETS
from tansiq.peers.joining import INVITATIONS
from tansiq.settings import EXCHANGES, HISTORY, STORE, GrantedCredential, Settings

SUFFIX: Final = ".backup.tar"
FILE_BYTES_MAX: Final = 1_000_000_000
"""A file that is larger and no store is not the node's."""
_ANEW: Final = ("*.part", "*.half", ".*.lock", "doctor-*", "__pycache__", "lost+found", HISTORY)
_BESIDE: Final = ("-wal", "-shm", "-journal")
_NOT_OURS: Final = (("*.log", "a log"), (f"*{SUFFIX}", "another backup"))
_KEPT_BACK: Final = "secret; --with-keys takes it along"
_PRIVATE: Final = b"PRIVATE KEY-----"
_DEPTH_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One file to be copied as it is."""

    name: str
    path: Path
    bytes: int
    mode: int
    secret: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is there."""

    files: tuple[Found, ...]
    """Without the stores."""
    stores: tuple[str, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the names of the secret files among ``files``."""
        return tuple(file.name for file in self.files if file.secret)


def survey(settings: Settings, *, keys: bool, exchanges: bool) -> Survey:
    """Look at a node's folder; nothing is changed.

    Raises:
        BadInput: it cannot be read, or has more files than a node's.
    """
    files: list[Found] = []
    left_out: list[LeftOut] = []
    named = dict(_named(settings))
    secret_paths = {path for path, (_, secret) in named.items() if secret}
    try:
        for path in _walk(settings.data, settings.data, _DEPTH_MAX):
            name = path.relative_to(settings.data).as_posix()
            if _made_anew(name):
                continue
            status = path.lstat()
            if (why := _reason(name, status)) is not None:
                left_out.append(LeftOut(name=name[:200], why=why))
                continue
            found = Found(
                name=name,
                path=path,
                bytes=status.st_size,
                mode=stat.S_IMODE(status.st_mode) & 0o755,
                secret=name in (*SECRETS, INVITATIONS) or path in secret_paths or _private(path),
            )
            if found.secret and not keys:
                left_out.append(LeftOut(name=name, why=_KEPT_BACK, secret=True))
            else:
                files.append(found)
    except OSError as error:
        raise BadInput(
            f"cannot be read ({error.strerror}); run as the user that runs the node",
            field=str(error.filename or settings.data),
        ) from error
    if len(files) + len(STORES) > FILES_MAX:
        raise BadInput(f"{len(files):,} files; a node has fewer", field=str(settings.data))
    left_out += _elsewhere(settings, named)
    if not exchanges and (settings.data / EXCHANGES).is_file():
        left_out.append(LeftOut(name=EXCHANGES, why="as asked: the record of exchanges"))
    stores = [name for name in STORES if exchanges or name != EXCHANGES]
    if settings.database is not None and (settings.data / STORE).is_file():
        left_out.append(LeftOut(name=STORE, why="the store is in a database; this was it before"))
    if settings.database is not None:
        stores.remove(STORE)
    return Survey(
        files=tuple(files),
        stores=tuple(name for name in stores if (settings.data / name).is_file()),
        left_out=tuple(left_out),
    )


def _walk(folder: Path, top: Path, depth: int) -> Iterator[Path]:
    """Yield what is no folder, in order of name; a link is not followed."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        path = Path(entry.path)
        if not entry.is_dir(follow_symlinks=False):
            yield path
        elif depth and not _made_anew(path.relative_to(top).as_posix()):
            yield from _walk(path, top, depth - 1)


def _made_anew(name: str) -> bool:
    last = name.rpartition("/")[2]
    if name in STORES:
        return True
    if any(name == f"{store}{end}" for store in (*STORES, HISTORY) for end in _BESIDE):
        return True
    return any(fnmatch(last, pattern) for pattern in _ANEW)


def _reason(name: str, status: os.stat_result) -> str | None:
    """Return why a file is left out."""
    if stat.S_ISLNK(status.st_mode):
        return "a link; back up what it leads to"
    if not stat.S_ISREG(status.st_mode):
        return "no file"
    if status.st_size > FILE_BYTES_MAX:
        return f"{status.st_size / 1e6:,.0f} MB, more than a file of a node's has"
    for pattern, what in _NOT_OURS:
        if fnmatch(name, pattern):
            return what
    return name_problem(name)


def _private(path: Path) -> bool:
    """Report whether a file has a private key in it, whatever it is called."""
    with path.open("rb") as file:
        return _PRIVATE in file.read(65_536)


def _elsewhere(settings: Settings, named: dict[Path, tuple[str, bool]]) -> Iterator[LeftOut]:
    inside = settings.data.absolute()
    for path, (what, _) in named.items():
        if not path.absolute().is_relative_to(inside):
            yield LeftOut(name=str(path)[:200], why=f"{what}, outside of the folder")


def _named(settings: Settings) -> Iterator[tuple[Path, tuple[str, bool]]]:
    """Yield the files that settings name: for what, and whether secret."""
    yield settings.agreement, ("agreement", False)
    for issuer in settings.issuers:
        for path in (issuer.public_key, issuer.jwks):
            if isinstance(path, Path):
                yield path, (f"keys of {issuer.iss}", False)
    yield from _named_secrets(settings)
    if settings.cot is not None and settings.cot.clients is not None:
        yield settings.cot.clients, ("certificates of TAK clients", False)
    if settings.console is not None:
        yield settings.console.certificate, ("the console's certificate", False)
    for hook in settings.hooks:
        yield Path(hook.run[0]), (f"program of the hook {hook.name}", False)


def _named_secrets(settings: Settings) -> Iterator[tuple[Path, tuple[str, bool]]]:
    for credential in settings.credentials:
        if isinstance(credential, GrantedCredential):
            yield credential.client_secret, ("a credential's secret", True)
        else:
            yield credential.signing_key, ("a credential's key", True)
    for feed in settings.feeds:
        for path, secret in ((feed.authority, False), (feed.certificate, True), (feed.key, True)):
            if path is not None:
                yield path, ("of a feed", secret)
    if settings.console is not None:
        yield settings.console.key, ("the console's key", True)
