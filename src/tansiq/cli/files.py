"""Files that commands are given: read up to the limit, and no further."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from tansiq.settings import Limits

STDIN = "-"

INPUT = click.Path(exists=True, dir_okay=False, allow_dash=True)
"""A path, or ``-``. Not ``click.File``: it opens files before other arguments are known good."""


def read_input(path: str) -> tuple[bytes, str]:
    """Return the content of a file or of standard input, and its name for errors.

    One byte above the limit is read at most: it is enough for the parser to refuse the rest.
    """
    most = Limits().file_bytes_max + 1
    if path == STDIN:
        return sys.stdin.buffer.read(most), "standard input"
    try:
        with Path(path).open("rb") as file:
            return file.read(most), path
    except OSError as error:
        raise click.FileError(path, error.strerror) from error


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Open a file to be written that takes its name when all is written, or else leaves no trace.

    Raises:
        click.FileError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("x", encoding="utf-8") as file:
            yield file
        part.replace(path)
    except BrokenPipeError:
        raise  # Of standard output: nobody reads on.
    except OSError as error:
        raise click.FileError(plain(str(path)), error.strerror) from error
    finally:
        part.unlink(missing_ok=True)


def plain(text: str) -> str:
    """Return what others wrote without what could steer the reader's terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
