"""``tansiq log-set``: what passed between us and others, in the form that F3548-21 exports."""

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tansiq.cli.client import EXITS, Node, data_option
from tansiq.errors import BadInput

_NOTHING = b'{"messages":[]'
"""How a log set without exchanges begins."""


@click.command("log-set", epilog=EXITS)
@click.option(
    "--from",
    "since",
    metavar="TIME",
    help="Requests made at this time or later.  [default: all that are kept]",
)
@click.option("--to", "until", metavar="TIME", help="... or earlier.  [default: now]")
@click.option("--peer", metavar="NAME", help="Exchanges with this party or supplier only.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="File to write; it must not exist.  [default: standard output]",
)
@data_option
def log_set(
    *, since: str | None, until: str | None, peer: str | None, output: Path | None, data: Path
) -> None:
    """Write a USSLogSet of F3548-21 as JSON: exchanges, refusals, notifications, responsibilities.

    Times are like 2026-11-23T12:00:00Z. NAME is a party, the host:port of a supplier that we
    called, or the name in the token of one that called us. The file is complete if the exit code
    is 0.

    \b
      tansiq log-set --from 2026-11-23T00:00:00Z --to 2026-11-24T00:00:00Z -o monday.json
      tansiq log-set --peer south
    """
    query = {"from": since, "to": until, "peer": peer}
    node = Node(data)
    pieces = _noticed(node.pieces("/log-sets", query), peer)
    if output is None:
        sys.stdout.buffer.writelines(pieces)
        sys.stdout.buffer.flush()
        return
    try:
        file = output.open("xb")
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", field=str(output)) from error
    whole = False
    try:
        with file:
            file.writelines(pieces)
        whole = True
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", field=str(output)) from error
    finally:
        if not whole:  # Half a log set must not look like a whole one.
            output.unlink(missing_ok=True)


def _noticed(pieces: Iterator[bytes], peer: str | None) -> Iterator[bytes]:
    """Pass a log set on, and say where nothing was exchanged: a name may be misspelt."""
    first = next(pieces, b"")
    if first.startswith(_NOTHING):
        whom = f" with {peer}" if peer is not None else ""
        click.echo(f"note: no exchange{whom} in that span of time", err=True)
    yield first
    yield from pieces
