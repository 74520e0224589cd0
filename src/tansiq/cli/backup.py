"""``tansiq backup``: a node's folder in one file while the node serves; such a file checked."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tansiq.errors import BadInput

if TYPE_CHECKING:
    from tansiq.backup.gathering import Survey
    from tansiq.backup.making import Made
    from tansiq.backup.manifest import LeftOut, Manifest, StoreEntry


class _Options(TypedDict):
    """What ``backup`` may be told."""

    output: Path | None
    with_keys: bool
    no_exchanges: bool
    rate_mb: float
    no_check: bool
    dry_run: bool
    as_json: bool


@click.command()
@click.option(
    "--data",
    metavar="DIR",
    envvar="TANSIQ_DATA",
    show_envvar=True,
    default=".",
    help="Data folder of the node.  [default: the current folder]",
    type=click.Path(path_type=Path, file_okay=False),
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="File to write, or the folder for it; not in DIR.  [default: PARTY-TIME.backup.tar here]",
)
@click.option("--with-keys", is_flag=True, help="Take the node's keys along: guard the file.")
@click.option("--no-exchanges", is_flag=True, help="Leave out what log sets are made of.")
@click.option(
    "--rate-mb",
    type=click.FloatRange(0.1, 10_000),
    default=50.0,
    show_default=True,
    help="MB to copy a second at most, so that the node keeps its disk.",
)
@click.option("--no-check", is_flag=True, help="Do not read it again; then --check it soon.")
@click.option("--dry-run", is_flag=True, help="Say what would be in it; write nothing.")
@click.option(
    "--check",
    "file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Check this backup instead; restores nothing and needs no node.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def backup(data: Path, *, file: Path | None, **options: Unpack[_Options]) -> None:
    """Copy a node's folder into one file, whether the node serves or not.

    The stores are copied as they are at one moment, page by page, without stopping the node.
    Settings, agreement, entries of peers, signatures and kept bundles come along; what was shown
    in the last day (history.db) does not. Keys come along only where you say so: a file without
    them is nobody's danger, and a file with them is this party. Copy the keys once, by hand.

    A store in a database is dumped by pg_dump, of the server's version or newer, in the same way:
    one moment of it, while the node serves.

    When it is written it is read again: every hash, every page, the whole record. Only then it
    takes its name. It is a plain tar; compress or encrypt it as you do with others.

    To move a node, stop it first: a copy of a node that went on is older than what others hold.

    Exit codes: 0 done, 2 bad input or no good backup, 4 a store is damaged or the disk fails.

    \b
    Example:
      tansiq backup --data north --output /mnt/safe
      tansiq backup --check /mnt/safe/north-20261129T140000Z.backup.tar
      tansiq restore --data north-new --keys-from keys north-20261129T140000Z.backup.tar
    """
    if file is not None:
        _check(file, as_json=options["as_json"])
        return
    _make(data, options)


def _make(data: Path, options: _Options) -> None:
    import asyncio

    from tansiq.backup.making import Request, make, name_of, plan, secrets_told
    from tansiq.cli.progress import Progress
    from tansiq.clock import SystemClock
    from tansiq.settings import load_settings

    clock, settings = SystemClock(), load_settings(data)
    output = options["output"] or Path()
    if output.is_dir():
        output /= name_of(settings.party, clock.now())
    request = Request(
        settings=settings,
        output=output,
        keys=options["with_keys"],
        exchanges=not options["no_exchanges"],
        bytes_per_s=options["rate_mb"] * 1e6,
        check=not options["no_check"],
    )
    if options["dry_run"]:
        found, size = plan(request)
        click.echo(_planned(found, size, output))
        return
    progress = Progress(clock)
    try:
        made = asyncio.run(make(request, clock, progress.tell))
    finally:
        progress.end()
    _tell(made, checked=request.check, as_json=options["as_json"])
    if made.manifest.keys:
        names = [each.name for each in made.manifest.files if each.secret]
        click.echo(secrets_told(names), err=True)


def _planned(found: "Survey", size: int, output: Path) -> str:
    names = [*found.stores, *(file.name for file in found.files)]
    keys = f"\n  keys: {', '.join(found.secrets)}" if found.secrets else "\n  keys: none"
    return (
        f"Would write {output}, {size / 1e6:,.1f} MB: {', '.join(names)}{keys}"
        f"{_left(found.left_out)}\nNothing was written."
    )


def _left(left_out: "tuple[LeftOut, ...]") -> str:
    return "".join(f"\n  not in it: {each.name} ({each.why})" for each in left_out)


def _tell(made: "Made", *, checked: bool, as_json: bool) -> None:
    if as_json:
        click.echo(_json(made.manifest))
        return
    said = "read again and whole" if checked else "not read again: use --check"
    click.echo(
        f"{made.path}: {made.bytes / 1e6:,.1f} MB, {said}\n"
        f"{_contents(made.manifest)}{_left(made.manifest.left_out)}"
    )


def _contents(manifest: "Manifest") -> str:
    stores = ", ".join(_store(each, manifest) for each in manifest.stores)
    return (
        f"  of        {manifest.party}, {manifest.made}, Tansiq {manifest.tansiq}\n"
        f"  stores    {stores}\n"
        f"  record    {manifest.record.size:,} entries, root {manifest.record.root[:16]}\n"
        f"  files     {len(manifest.files):,}, keys {'INSIDE' if manifest.keys else 'not inside'}"
    )


def _store(entry: "StoreEntry", manifest: "Manifest") -> str:
    file = manifest.file(entry.name)
    size = 0 if file is None else file.bytes
    pages = f"{entry.pages:,} pages" if entry.pages else "a dump"
    return f"{entry.name} {size / 1e6:,.1f} MB ({pages}, schema {entry.schema})"


def _json(manifest: "Manifest") -> str:
    import msgspec

    return json.dumps(msgspec.to_builtins(manifest), ensure_ascii=False)


def _check(path: Path, *, as_json: bool) -> None:
    import asyncio

    from tansiq.backup.making import verify
    from tansiq.cli.progress import Progress
    from tansiq.clock import SystemClock

    if not path.is_file():
        raise BadInput("is no file", field=str(path))
    clock = SystemClock()
    progress = Progress(clock)
    try:
        manifest, whole = asyncio.run(verify(path, clock, progress.tell))
    finally:
        progress.end()
    if as_json:
        click.echo(_json(manifest))
        return
    record = whole.record
    click.echo(
        f"{path}: whole\n{_contents(manifest)}{_left(manifest.left_out)}\n"
        f"  checked   every hash, every page, {record.size:,} entries of the record hashed again"
        f" in {record.seconds:.1f} s, {record.cosigned} witnesses' last cosignatures\n"
        f"  signed    by the key {manifest.public_key[:16]} of {manifest.party}, as the file says: "
        "compare it with your agreement"
    )
