"""``tansiq log-set``: what passed between us and others, in the form that F3548-21 exports."""

import sys
from pathlib import Path

import click

from tansiq.cli.client import EXITS, Node, data_option
from tansiq.errors import BadInput


@click.command("log-set", epilog=EXITS)
@click.option("--from", "since", metavar="TIME", help="Requests made at this time or later.")
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

    Times are like 2026-11-23T12:00:00Z. The file is complete if the exit code is 0.

    \b
      tansiq log-set --from 2026-11-23T00:00:00Z --to 2026-11-24T00:00:00Z -o monday.json
      tansiq log-set --peer south
    """
    query = {"from": since, "to": until, "peer": peer}
    node = Node(data)
    pieces = node.pieces("/log-sets", query)
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
