"""``tansiq airspace ...``: what others hold, through the node's API."""

from pathlib import Path

import click

from tansiq.cli.client import EXITS, Node, data_option, json_option
from tansiq.cli.pick import entity_id
from tansiq.cli.show import airspace_rows, telemetry_text
from tansiq.services.views import Airspace, TelemetryView


@click.command("list", epilog=EXITS)
@data_option
@json_option
def list_airspace(*, data: Path, as_json: bool) -> None:
    """List the intents and no-go areas of others, in order of start."""
    reply = Node(data).ask("GET", "/airspace")
    if as_json:
        click.echo(reply.body.decode())
        return
    entries = reply.read(Airspace).entries
    click.echo(airspace_rows(entries) if entries else "nothing of others is known")


@click.command(epilog=EXITS)
@click.argument("entity", metavar="ID")
@data_option
@json_option
def telemetry(entity: str, *, data: Path, as_json: bool) -> None:
    """Ask the manager of an off-nominal intent where its aircraft is, and say how old that is.

    ID is an id, the beginning of one, or a call sign, as `tansiq airspace list` shows them. Only of
    Nonconforming and Contingent intents are positions shared.

    \b
      tansiq airspace telemetry HERON-1
    """
    node = Node(data)
    reply = node.ask("GET", f"/airspace/{entity_id(node, entity)}/telemetry")
    click.echo(reply.body.decode() if as_json else telemetry_text(reply.read(TelemetryView)))
