"""``tansiq copy``: a stopped node's store from its file to a database."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

    from tansiq.moving.copying import Copied


@click.command()
@click.option(
    "--from",
    "source",
    metavar="sqlite:DIR",
    required=True,
    help="Data folder of the node, whose store is a file there.",
)
@click.option(
    "--to",
    "database",
    metavar="postgresql://...",
    required=True,
    help="An empty database, made as docs/scale.md says.",
)
@click.option("--switch", is_flag=True, help="Then write the database into the node's settings.")
@click.option("--dry-run", is_flag=True, help="Look at both and say what would be copied.")
def copy(source: str, database: str, *, switch: bool, dry_run: bool) -> None:
    """Move a node's store from the file in its folder to a PostgreSQL database.

    Stop the node first, and leave it stopped. The tables are made, every row is copied, and then
    all is read again and compared: rows and digest of each table, and the record's head, hashed
    anew on both sides. The file is not changed. Until the copy is whole no node serves from the
    database.

    If it breaks off, run the same command again: it goes on where it stopped. A file that has
    changed meanwhile is refused; make the database anew then.

    After it serve from the database only: what two copies of one node say, nobody can mend. Keys,
    settings and what else is in the folder stay there (docs/scale.md).

    Exit codes: 0 done, 2 bad input or the node runs, 4 the file or the database cannot be used, or
    they are not the same.

    \b
    Example:
      tansiq copy --from sqlite:north --to postgresql://north@db1.example/north --dry-run
      tansiq copy --from sqlite:north --to postgresql://north@db1.example/north --switch
      tansiq serve --data north
    """
    import asyncio

    from tansiq.storage.opening import check_library

    check_library()

    from tansiq.cli.progress import Progress
    from tansiq.clock import SystemClock
    from tansiq.moving.copying import Request, node_at
    from tansiq.moving.copying import copy as run
    from tansiq.settings import check_database

    request = Request(settings=node_at(source), database=check_database(database), dry_run=dry_run)
    clock = SystemClock()
    progress = Progress(clock)
    try:
        copied = asyncio.run(run(request, clock, progress.tell))
    finally:
        progress.end()
    click.echo(_said(copied, dry_run=dry_run))
    if not dry_run:
        _switch(request.settings.data, database, write=switch)


def _switch(data: "Path", database: str, *, write: bool) -> None:
    from tansiq.moving.switching import line_for
    from tansiq.moving.switching import switch as write_down

    if write:
        write_down(data, database)
        click.echo(f"{data}/tansiq.toml names the database now")
    else:
        click.echo(f"Write into {data}/tansiq.toml, above the first table:\n  {line_for(database)}")
    click.echo(
        f"Next:\n  tansiq doctor --data {data}\n  tansiq serve --data {data}\n"
        f"Once it serves, move {data}/tansiq.db away: it is what the node had until now."
    )


def _said(copied: "Copied", *, dry_run: bool) -> str:
    from tansiq.moving.copying import duration

    total = sum(copied.rows.values())
    widest = max(map(len, copied.rows))
    lines = [f"  {name:{widest}}  {rows:>12,}" for name, rows in copied.rows.items() if rows]
    record = f"record: {copied.record.size:,} entries, root {copied.record.root.hex()[:16]}"
    if dry_run:
        head = f"Would copy {total:,} rows to {copied.name}, which is ready. Nothing was written."
        return "\n".join([head, *lines, record])
    rate = total / max(copied.seconds, 1e-6)
    head = f"{copied.name}: {total:,} rows, copied and compared in {duration(copied.seconds)}"
    more = f" ({copied.resumed_rows:,} by an earlier run)" if copied.resumed_rows else ""
    return "\n".join([f"{head}{more}, {rate:,.0f} rows/s", *lines, f"{record}, the same in both"])
