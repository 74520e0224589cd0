"""Files that commands are given: read up to the limit, and no further."""

import sys
from pathlib import Path

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
