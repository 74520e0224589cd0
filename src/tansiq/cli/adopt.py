"""``tansiq agreement adopt``: have the node go over to another version of the agreement."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tansiq.cli.client import NOT_YET, Node, data_option
from tansiq.errors import PeerUnreachable

if TYPE_CHECKING:
    from tansiq.peers.succession import Version
    from tansiq.services.views import StatusView
    from tansiq.settings import Settings

_LOOKS_S = 1.0


@click.command()
@data_option
@click.argument("files", type=click.Path(path_type=Path, dir_okay=False, exists=True), nargs=-1)
@click.option("--dry-run", is_flag=True, help="Say what would change; write nothing.")
@click.option("--cancel", is_flag=True, help="Stay with the version in force after all.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 86_400),
    default=30.0,
    show_default=True,
    help="Seconds to wait for a running node to go over.",
)
def adopt(
    *, data: Path, files: tuple[Path, ...], dry_run: bool, cancel: bool, wait_s: float
) -> None:
    """Go over to another version of the agreement, for good: strike a party off, or take it back.

    FILES are the versions and the signatures under them, in any order; what the folder holds
    already may be left out. Every version on the way must be in force. A running node goes over as
    soon as nothing is in its way, without being restarted; a stopped one at its next start. No plan
    or no-go area has to end.

    Exit codes: 0 done, 1 refused, or it waits and goes over by itself later, 2 bad input.

    \b
    Example:
      tansiq agreement adopt --data north agreement-2.toml north.sig south.sig
    """
    from tansiq.peers.succession import withdraw_next
    from tansiq.settings import load_settings

    settings = load_settings(data)
    if cancel:
        found = withdraw_next(settings)
        click.echo("The node stays with its version." if found else "Nothing was waited for.")
        return
    target = _prepared(settings, files, dry_run=dry_run)
    if target is None or dry_run:
        return
    _follow(data, target, wait_s)


def _prepared(settings: "Settings", files: tuple[Path, ...], *, dry_run: bool) -> "Version | None":
    """Check what was given, say what it changes, put it there; None: it is in force already."""
    from tansiq.errors import BadInput
    from tansiq.formats.agreement_signature import is_signature
    from tansiq.formats.agreement_words import differences
    from tansiq.peers.signatures import content_of, keep_signature
    from tansiq.peers.succession import (
        chain_to,
        keep,
        put_next,
        read_version,
        served_version,
    )

    contents = [(path, content_of(path)) for path in files]
    versions = [read_version(path) for path, content in contents if not is_signature(content)]
    if not versions:
        raise BadInput("no agreement among the files; name its file, too", field="files")
    target = max(versions, key=lambda version: version.agreement.version)
    here = read_version(settings.agreement)
    # The file may have been exchanged by hand since: what counts is what the node serves under.
    present = served_version(settings) or here
    if target.agreement.digest == present.agreement.digest:
        click.echo(f"Version {present.agreement.version} is in force here already.")
        return None
    if target.agreement.digest == here.agreement.digest:
        click.echo(
            f"{settings.agreement.name} is version {here.agreement.version} already; this node "
            f"serves under version {present.agreement.version} "
            f"({present.agreement.digest[:12]}) as yet."
        )
    signatures = [path for path, content in contents if is_signature(content)]
    chain = chain_to(settings, present.agreement, target, versions=versions, signatures=signatures)
    click.echo(
        f"From version {present.agreement.version} to {target.agreement.version} "
        f"({target.agreement.digest[:12]}), which is in force:"
    )
    for each in differences(present.agreement, target.agreement):
        click.echo(
            f"{each.about}\n  was  {each.was or '(nothing)'}\n  now  {each.now or '(nothing)'}"
        )
    if dry_run:
        click.echo("Nothing was written.")
        return target
    for version in chain:
        keep(settings, version)
    for _, content in contents:
        if is_signature(content):
            keep_signature(settings.data, content)
    put_next(settings, target)
    return target


def _follow(data: Path, target: "Version", wait_s: float) -> None:
    """Wait for a running node, and say what it waits for."""
    import asyncio

    from tansiq.clock import SystemClock

    clock, said = SystemClock(), ""
    until = clock.monotonic_s() + wait_s
    while True:
        status = _status(data)
        if status is None and not said:
            click.echo("The node does not run; it goes over at its next start.")
            return
        if status is not None and status.agreement == target.agreement.digest:
            click.echo(f"The node runs under version {target.agreement.version}.")
            return
        waited = status.agreement_next if status is not None else None
        sentence = "; ".join(waited.waits) if waited else ""
        if sentence and sentence != said:
            click.echo(f"It waits: {sentence}")
        said = sentence or said or "asked"
        if clock.monotonic_s() >= until:
            click.echo("The node goes over by itself once nothing is in its way.", err=True)
            raise SystemExit(NOT_YET)
        asyncio.run(clock.sleep(_LOOKS_S))


def _status(data: Path) -> "StatusView | None":
    from tansiq.services.views import StatusView

    try:
        return Node(data).ask("GET", "/status").read(StatusView)
    except PeerUnreachable:
        return None
