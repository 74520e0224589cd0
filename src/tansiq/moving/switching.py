"""The line in a node's settings that says where its store is."""

import os
import re
from pathlib import Path
from typing import Final

from tansiq.errors import BadInput, StoreError
from tansiq.settings import FILE, load_settings
from tansiq.strict_toml import quote

_LINE: Final = re.compile(r"^[ \t]*database[ \t]*=[^\n]*\n\n?", re.MULTILINE)
_TABLE: Final = re.compile(r"^\s*\[", re.MULTILINE)


def line_for(url: str) -> str:
    """Return what ``tansiq.toml`` says of a database."""
    return f"database = {quote(url)}"


def switch(data: Path, url: str | None) -> None:
    """Write the line into a node's settings, above the first table; all else stays as it is.

    None takes the line away: the store is a file.

    Raises:
        BadInput: they are written in a way in which this cannot be done.
        StoreError: the file cannot be written.
    """
    settings = load_settings(data)
    if settings.database == url:
        return
    path = data / FILE
    text = path.read_text(encoding="utf-8")
    first = _TABLE.search(text)
    at = first.start() if first is not None else len(text)
    before = _LINE.sub("", text[:at])
    if before and not before.endswith("\n"):
        before += "\n"
    if url is not None:
        before += f"{line_for(url)}\n" + ("\n" if first is not None else "")
    changed = before + text[at:]
    by_hand = "take the line away" if url is None else f"write it by hand: {line_for(url)}"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8") as file:
            file.write(changed)
            file.flush()
            os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}; {by_hand}") from error
    finally:
        part.unlink(missing_ok=True)
    if load_settings(data).database != url:
        path.write_text(text, encoding="utf-8")
        raise BadInput(
            f"could not be changed by this command; {by_hand}",
            field=str(path),
        )
