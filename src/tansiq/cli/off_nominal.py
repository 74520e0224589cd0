"""``tansiq plan off-nominal`` and ``position``: an own aircraft is not where its plan said."""

from pathlib import Path

import click

from tansiq.cli.client import EXITS, Node, data_option, json_option, read_file, wait_option
from tansiq.cli.pick import plan_id
from tansiq.cli.plan import finish
from tansiq.cli.show import telemetry_text
from tansiq.services.views import TelemetryView


@click.command("off-nominal", epilog=EXITS)
@click.argument("plan", metavar="ID")
@click.argument("file", type=click.Path())
@click.option(
    "--state",
    type=click.Choice(["nonconforming", "contingent"]),
    required=True,
    help="Whether the aircraft is expected back in its plan, or not any more.",
)
@wait_option
@data_option
@json_option
def off_nominal(
    plan: str, file: str, *, state: str, wait_s: float, data: Path, as_json: bool
) -> None:
    """Tell everybody that the aircraft of a plan is not where the plan said.

    FILE holds the volumes where it may be instead, in the same forms as a plan. It is a fact and
    not a request: nothing is judged and nobody is asked, it counts at once and goes to every
    register, and it is tried again until each has it. Nobody gets a new plan in these volumes;
    plans that stand there already are warned.

    Nonconforming keeps the plan's own volumes beside these and comes back with `tansiq plan
    activate`, or with `tansiq plan change` to other volumes. Contingent gives them up, and only
    ends. Give other volumes, or more time, by the same command again.

    \b
      tansiq plan off-nominal OSPREY-2 --state nonconforming drift.geojson
      tansiq plan off-nominal OSPREY-2 --state contingent descent.geojson
      tansiq plan activate OSPREY-2
    """
    node, body = Node(data), read_file(file)
    target = f"/plans/{plan_id(node, plan)}/off-nominal"
    reply = node.ask("POST", target, query={"state": state}, body=body, wait_s=wait_s)
    finish(reply, as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("plan", metavar="ID")
@click.argument("file", type=click.Path(), required=False)
@data_option
@json_option
def position(plan: str, file: str | None, *, data: Path, as_json: bool) -> None:
    """Report where the aircraft of a plan is, or show the last report if no FILE is given.

    FILE is JSON (- is standard input); docs/api.md has the fields. Others may ask for it while the
    plan is Nonconforming or Contingent, and only then.

    \b
      echo '{"time_measured": "2026-11-24T09:30:00Z", "lat_deg": 39.01, "lng_deg": -121.4,
             "altitude_m": 640}' | tansiq plan position OSPREY-2 -
    """
    node = Node(data)
    target = f"/plans/{plan_id(node, plan)}/telemetry"
    if file is None:
        reply = node.ask("GET", target)
    else:
        reply = node.ask("POST", target, body=read_file(file))
    click.echo(reply.body.decode() if as_json else telemetry_text(reply.read(TelemetryView)))
