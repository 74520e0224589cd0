"""How a command shows the node who it acts for: a token given, a saved login, or the machine's own.

In this order: ``TANSIQ_TOKEN`` from the environment; the login that ``tansiq login`` saved for this
data folder in the user's own configuration folder; ``own.token`` in the data folder, which is the
machine's administrator. A saved login also knows the port, so that people who may not look into the
data folder can work with its node.
"""

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from typing import Final

import click

from tansiq.errors import BadInput
from tansiq.settings import load_own_token, load_settings

ENVIRONMENT: Final = "TANSIQ_TOKEN"


class Kind(Enum):
    """Where the token comes from."""

    GIVEN = 1
    LOGIN = 2
    MACHINE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The port to ask, and the token to ask with; no token before a login."""

    data: Path
    port: int
    token: str
    kind: Kind
    name: str = ""

    def remedy(self, status: int) -> str:
        """Return what to do where the token was not good (401) or not enough (403)."""
        if self.kind is Kind.GIVEN:
            return f"the token came from the environment, {ENVIRONMENT}"
        if self.kind is Kind.MACHINE:
            return f"the token came from {self.data / 'own.token'}, which is another node's"
        if status == 401:
            return f"log in again: tansiq login --data {self.data} {self.name}"
        return f"you are logged in as {self.name}; ask an admin, or log out to act as this machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A login as it is kept in its file."""

    data: str
    port: int
    name: str
    token: str
    ends: str


def find_way(data: Path) -> Way:
    """Return the way to the node of a data folder.

    Raises:
        BadInput: no way is to be had, or the file of the login is open to others.
    """
    saved = load_login(data)
    given = os.environ.get(ENVIRONMENT, "").strip()
    if given:
        return Way(data=data, port=_port(data, saved), token=given, kind=Kind.GIVEN)
    if saved is not None:
        port = _port(data, saved)
        return Way(data=data, port=port, token=saved.token, kind=Kind.LOGIN, name=saved.name)
    port = load_settings(data).own_port
    return Way(data=data, port=port, token=load_own_token(data), kind=Kind.MACHINE)


def way_in(data: Path, port: int | None) -> Way:
    """Return the way to a node that does not know us yet."""
    return Way(data=data, port=port or load_settings(data).own_port, token="", kind=Kind.LOGIN)


def login_file(data: Path) -> Path:
    """Return the file that a login at this data folder's node is kept in."""
    name = hashlib.sha256(str(data.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return Path(click.get_app_dir("tansiq")) / "logins" / f"{name}.json"


def load_login(data: Path) -> Saved | None:
    """Return the login that is saved for this data folder.

    Raises:
        BadInput: its file can be read by others, or holds something else.
    """
    file = login_file(data)
    try:
        mode = file.stat().st_mode
        content = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(file)) from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise BadInput("others may read it; remove it and log in again", field=str(file))
    try:
        return Saved(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise BadInput("holds no login; remove it and log in again", field=str(file)) from error


def save_login(saved: Saved) -> Path:
    """Keep a login in a file that only its user can read, and return that file.

    Raises:
        BadInput: it cannot be written.
    """
    file = login_file(Path(saved.data))
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        # With its mode from the beginning: at no moment can anybody else read it.
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as writing:
            json.dump(asdict(saved), writing)
        part.replace(file)
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", field=str(file)) from error
    return file


def forget_login(data: Path) -> None:
    """Remove the saved login."""
    login_file(data).unlink(missing_ok=True)


def _port(data: Path, saved: Saved | None) -> int:
    try:
        return load_settings(data).own_port
    except BadInput:
        if saved is None:
            raise
        return saved.port
