"""``tansiq restore``: a node's folder put back from a backup, whole or not at all."""

from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tansiq.errors import BadInput

if TYPE_CHECKING:
    from tansiq.backup.restoring import Restored


class _Options(TypedDict):
    """What ``restore`` may be told."""

    replace: bool
    keys_from: Path | None
    no_peers: bool
    even_if_rolled_back: bool
    dry_run: bool
    database: str | None
    as_file: bool


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--data",
    metavar="DIR",
    envvar="TANSIQ_DATA",
    show_envvar=True,
    required=True,
    help="Folder to put it in; it must not exist, or be empty.",
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option("--replace", is_flag=True, help="Replace the node there, which is kept beside.")
@click.option(
    "--keys-from",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="Folder with the keys, where the backup has none.  [default: the folder it replaces]",
)
@click.option("--no-peers", is_flag=True, help="Do not ask peers what they hold of our record.")
@click.option(
    "--even-if-rolled-back",
    is_flag=True,
    help="Put it back although others hold more of our record; read above first.",
)
@click.option(
    "--database",
    metavar="URL",
    help="Empty database that the store goes to.  [default: the one in the settings, if any]",
)
@click.option("--as-file", is_flag=True, help="Put the store in a file, not in a database.")
@click.option("--dry-run", is_flag=True, help="Check and ask everything; put nothing in place.")
def restore(file: Path, *, data: Path, **options: Unpack[_Options]) -> None:
    """Put a node's folder back from FILE, which `tansiq backup` wrote.

    No node of this party may run, here or anywhere. FILE is unpacked beside DIR and checked as
    with `tansiq backup --check`. Its record is held against the folder that it replaces and
    against what peers hold, who are asked. Then it is put in place in one step: whatever happens,
    DIR is the old folder or the new one. The old one stays beside it as DIR.before-TIME.

    Others have signed how far our record had come. A backup that is older than that is refused:
    the node would be stopped by its peers and say nothing more. Put a newer one back. Where there
    is none, --even-if-rolled-back puts it back for reading; before it speaks again, agree with the
    others on a new key for this party.

    A store that was in a database goes into an empty one, with its tables made anew: make it as
    docs/scale.md says. Then all of it is read again and compared. What was in a file can go into a
    database so as well, and back into a file with --as-file.

    To undo, stop the node and exchange the two folders again with mv.

    Exit codes: 0 done, 1 others hold more of our record, 2 bad input, 4 damaged or the disk fails.

    \b
    Example:
      tansiq restore --data north --keys-from keys north-20261129T140000Z.backup.tar
      tansiq restore --data north --replace --dry-run north-20261129T140000Z.backup.tar
    """
    import asyncio

    from tansiq.backup.restoring import Request
    from tansiq.backup.restoring import restore as run
    from tansiq.cli.progress import Progress
    from tansiq.clock import SystemClock
    from tansiq.settings import check_database

    if not file.is_file():
        raise BadInput("is no file", field=str(file))
    database = options["database"]
    if database is not None and options["as_file"]:
        raise BadInput("says one place, and --as-file another", field="--database")
    request = Request(
        archive=file,
        data=data,
        replace=options["replace"],
        keys_from=options["keys_from"],
        ask_peers=not options["no_peers"],
        even_if_rolled_back=options["even_if_rolled_back"],
        dry_run=options["dry_run"],
        database=None if database is None else check_database(database),
        as_file=options["as_file"],
    )
    clock = SystemClock()
    progress = Progress(clock)
    try:
        restored = asyncio.run(run(request, clock, progress.tell))
    finally:
        progress.end()
    click.echo(_said(restored, data, dry_run=request.dry_run))


def _said(restored: "Restored", data: Path, *, dry_run: bool) -> str:
    manifest, record = restored.manifest, restored.whole.record
    done = "nothing was put in place (--dry-run)" if dry_run else "put in place"
    lines = [
        f"{data}: {done}",
        f"  of        {manifest.party}, {manifest.made}, by key {manifest.public_key[:16]}",
        f"  record    {record.size:,} entries, all hashed again",
    ]
    if restored.database is not None:
        where = "would go to" if dry_run else "is in"
        lines.append(f"  store     {where} {restored.database}, not in the folder")
    lines += [f"  {each.source[:30]}: {each.sentence}" for each in restored.findings]
    if restored.kept is not None:
        lines.append(f"  the old one is {restored.kept}")
    return "\n".join([*lines, *_next(restored, data)])


def _next(restored: "Restored", data: Path) -> list[str]:
    from tansiq.backup.forks import State, is_behind
    from tansiq.peers.identity import SECRETS

    lines: list[str] = []
    if is_behind(list(restored.findings)):
        lines.append(
            "ROLLED BACK: others hold more of our record. Do not let this node speak: agree with "
            "them on a new key for this party first (docs/record.md)."
        )
    elif any(each.state is State.UNKNOWN for each in restored.findings):
        lines.append(
            "Not everybody could be asked. The node asks each party before it says anything to it, "
            "and stops where one holds more (record-rolled-back)."
        )
    else:
        lines.append("Nobody asked holds more of our record than this.")
    if missing := [name for name in SECRETS if name not in restored.keys]:
        lines.append(f"Missing: {', '.join(missing)}. Copy them into {data} (mode 600).")
    lines += [
        f"Not in it: {each.name} ({each.why})"
        for each in restored.manifest.left_out
        if each.name not in restored.keys
    ]
    lines.append(
        "Next: agree by telephone that nobody declares anything for two minutes, then\n"
        f"  tansiq doctor --data {data}\n  tansiq serve --data {data}"
    )
    return lines
