"""``tansiq init`` and ``tansiq doctor``: make a node's folder; say whether the node can work."""

import json
from pathlib import Path
from typing import TypedDict, Unpack

import click

from tansiq.cli.new_node import url_port


class _Options(TypedDict):
    """What ``init`` may be told of the node."""

    party: str
    name: str
    names: tuple[tuple[str, str], ...]
    url: str | None
    own_port: int
    peer_host: str
    peer_port: int | None


@click.command()
@click.option(
    "--data",
    envvar="TANSIQ_DATA",
    required=True,
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to make; it must not exist, or be empty.",
)
@click.option("--party", required=True, help="Our id in the agreement, such as north.")
@click.option("--name", required=True, help='Our name in English, such as "North Cell".')
@click.option(
    "--name-in",
    "names",
    nargs=2,
    multiple=True,
    metavar="LANGUAGE NAME",
    help='Our name in another language, such as: ar "خلية الشمال". May be repeated.',
)
@click.option(
    "--url", help="Where the other nodes reach us.  [default: https://127.0.0.1:PEER_PORT]"
)
@click.option("--own-port", default=8080, show_default=True, help="Own API, this machine only.")
@click.option("--peer-host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--peer-port", type=int, help="Port for the other nodes.  [default: of --url, or 8443]"
)
@click.option("--dry-run", is_flag=True, help="Say what would be made; write nothing.")
def init(data: Path, *, dry_run: bool, **options: Unpack[_Options]) -> None:
    """Make the data folder of a new node: keys, certificate, own token and settings.

    Prints our entry for the agreement; send it to the other parties. Their entries and ours, with
    the rules, make the agreement file, whose bytes are the same on every node.

    \b
    Example:
      tansiq init --data north --party north --name "North Cell" --url https://192.0.2.10:8443
    """
    # Cryptography takes its time to load; `--help` need not wait for it.
    from tansiq.clock import SystemClock
    from tansiq.formats.agreement import party_block
    from tansiq.peers.identity import NewNode, check_vacant, make_node, write_node

    url = options["url"]
    port = options["peer_port"] or (url_port(url) if url else None) or 8443
    new = NewNode(
        party=options["party"],
        names={"en": options["name"], **dict(options["names"])},
        url=url or f"https://127.0.0.1:{port}",
        own_port=options["own_port"],
        peer_host=options["peer_host"],
        peer_port=port,
    )
    check_vacant(data)
    files = make_node(new, SystemClock().now())
    if dry_run:
        click.echo(f"Would make {data} (mode 700) with {', '.join(files.contents)}.", err=True)
        click.echo("Each run makes new keys, so this entry is not the one to send:\n", err=True)
        click.echo(party_block(files.party), nl=False)
        return
    write_node(data, files)
    click.echo(f"Made {data}. Send this entry (also in {data / 'party.toml'}):\n", err=True)
    click.echo(party_block(files.party), nl=False)
    click.echo(
        f"\nNext: put the agreement at {data / 'agreement.toml'} (docs/agreement.md), then\n"
        f"  tansiq doctor --data {data}\n  tansiq serve --data {data}",
        err=True,
    )


@click.command()
@click.option(
    "--data",
    envvar="TANSIQ_DATA",
    default=".",
    show_default="the current folder",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="Data folder of the node.",
)
@click.option(
    "--database",
    metavar="URL",
    help="Look at this PostgreSQL database instead, and at no node.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def doctor(*, data: Path, database: str | None, as_json: bool) -> None:
    """Check a node: files, keys, agreement, store, disk, clock, ports and peers.

    Each line is OK, WARN or FAIL, with what to do about it. May be run while the node serves.

    With --database: what a node needs of a PostgreSQL server. That it syncs what it acknowledges,
    orders writes that concern each other (tried out with two connections), has the tables of this
    version, and how far its clock is off.

    \b
      tansiq doctor --data north
      tansiq doctor --database postgresql://tansiq@db1.example/north

    Exit codes: 0 nothing fails, 1 something does.
    """
    from tansiq.cli.checks import Verdict
    from tansiq.cli.doctor import examine
    from tansiq.cli.doctor_database import database as examine_database
    from tansiq.clock import SystemClock
    from tansiq.settings import check_database

    if database is None:
        checks = examine(data, SystemClock())
    else:
        checks = list(examine_database(check_database(database), SystemClock()))
    failed = any(check.verdict is Verdict.FAIL for check in checks)
    if as_json:
        found = [
            {"name": c.name, "verdict": c.verdict, "finding": c.finding, "remedy": c.remedy}
            for c in checks
        ]
        click.echo(json.dumps({"failed": failed, "checks": found}, ensure_ascii=False))
    else:
        width = max(len(check.name) for check in checks)
        for check in checks:
            click.echo(f"{check.verdict:<5} {check.name:<{width}}  {check.finding}")
            if check.remedy:
                click.echo(f"{'':<5} {'':<{width}}  -> {check.remedy}")
    raise SystemExit(1 if failed else 0)
