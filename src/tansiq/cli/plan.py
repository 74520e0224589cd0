"""``tansiq plan ...``: own plans, through the node's API."""

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from click.core import ParameterSource

from tansiq.cli.client import (
    EXITS,
    NOT_YET,
    Node,
    Reply,
    confirm,
    data_option,
    json_option,
    read_file,
    wait_option,
)
from tansiq.cli.pick import plan_id
from tansiq.cli.show import plan_rows, plan_text, short, verdict_text
from tansiq.services.views import OFF_NOMINAL, Alternative, Plans, PlanView, Status

_TAKES_MAX = 3
"""How often ``--take`` follows an alternative: the sky may change between asking and taking."""


@click.command(epilog=EXITS)
@click.argument("file", type=click.Path())
@click.option("--dry-run", is_flag=True, help="Judge against what is known; declare nothing.")
@click.option(
    "--take",
    type=click.Choice(["delay", "advance", "level", "sideways", "combined"]),
    help="Where the plan is refused, take this alternative at once.",
)
@wait_option
@data_option
@json_option
def submit(
    file: str, *, dry_run: bool, take: str | None, wait_s: float, data: Path, as_json: bool
) -> None:
    """Declare the plan in FILE (GeoJSON or F3548 JSON; - is standard input).

    Prints where it stands and, where it is refused, why, and the command that takes each
    alternative.

    \b
      tansiq plan submit osprey.geojson
      tansiq plan submit osprey.geojson --take delay
    """
    node, body = Node(data), read_file(file)
    if dry_run:
        reply = node.ask("POST", "/plans", query={"dry_run": True}, body=body)
        view = reply.read(PlanView)
        if as_json:
            _print_json(reply)
        else:
            click.echo(verdict_text(view, command=f"tansiq plan submit {file}{_data()}"))
        raise SystemExit(NOT_YET if view.status is Status.REFUSED else 0)
    reply = node.ask("POST", "/plans", body=body, wait_s=wait_s)
    for _ in range(_TAKES_MAX):
        offer = _offer(reply.read(PlanView), take)
        if offer is None:
            break
        if not as_json:
            click.echo(f"refused; taking: {offer.sentence}")
        reply = _shift(node, reply.read(PlanView).id, _move(offer), wait_s)
    finish(reply, as_json=as_json)


@click.command("list", epilog=EXITS)
@click.option("--all", "ended", is_flag=True, help="Ended plans too.")
@data_option
@json_option
def list_plans(*, ended: bool, data: Path, as_json: bool) -> None:
    """List own plans and where they stand."""
    query = {"ended": ended, "volumes": as_json}
    reply = Node(data).ask("GET", "/plans", query=query)
    if as_json:
        _print_json(reply)
        return
    plans = reply.read(Plans).plans
    click.echo(plan_rows(plans) if plans else "no plans")


@click.command(epilog=EXITS)
@click.argument("plan", metavar="ID")
@data_option
@json_option
def show(plan: str, *, data: Path, as_json: bool) -> None:
    """Show one plan: its registers, why it is refused, its alternatives.

    ID is an id, the beginning of one, or a call sign.
    """
    node = Node(data)
    reply = node.ask("GET", f"/plans/{plan_id(node, plan)}")
    _print(reply, reply.read(PlanView), as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("plan", metavar="ID")
@click.argument("file", type=click.Path())
@wait_option
@data_option
@json_option
def change(plan: str, file: str, *, wait_s: float, data: Path, as_json: bool) -> None:
    """Put the volumes in FILE in the place of the plan's own.

    The plan keeps its old volumes until the new ones are coordinated.
    """
    node, body = Node(data), read_file(file)
    reply = node.ask("PUT", f"/plans/{plan_id(node, plan)}", body=body, wait_s=wait_s)
    finish(reply, as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("plan", metavar="ID")
@click.option("--delay-s", metavar="S", type=int, default=0, help="Seconds later.")
@click.option("--up-m", metavar="M", type=float, default=0.0, help="Metres higher.")
@click.option("--north-m", metavar="M", type=float, default=0.0, help="Metres further north.")
@click.option("--east-m", metavar="M", type=float, default=0.0, help="Metres further east.")
@wait_option
@data_option
@json_option
def shift(plan: str, *, wait_s: float, data: Path, as_json: bool, **move: float) -> None:
    """Move the whole plan in time, level or place, as an alternative says.

    Negative numbers mean earlier, lower, further south and further west.

    \b
      tansiq plan shift OSPREY-2 --delay-s 300
      tansiq plan shift 2f8343be --up-m -300
      tansiq plan shift HERON-1 --north-m 1000 --east-m 1000
    """
    node = Node(data)
    finish(_shift(node, plan_id(node, plan), move, wait_s), as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("plan", metavar="ID")
@wait_option
@data_option
@json_option
def activate(plan: str, *, wait_s: float, data: Path, as_json: bool) -> None:
    """Say that the flight begins, or that it is within its plan again.

    A plan that is Nonconforming comes back this way. Until every register has taken it back, and
    if it is refused, it stays Nonconforming.
    """
    node = Node(data)
    reply = node.ask("POST", f"/plans/{plan_id(node, plan)}/activate", wait_s=wait_s)
    view = reply.read(PlanView)
    _print(reply, view, as_json=as_json)
    raise SystemExit(0 if view.status is Status.COORDINATED else NOT_YET)


@click.command(epilog=EXITS)
@click.argument("plan", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_option
@data_option
@json_option
def end(plan: str, *, yes: bool, wait_s: float, data: Path, as_json: bool) -> None:
    """End the plan and give its airspace back. Asks first, at a terminal."""
    node = Node(data)
    chosen = plan_id(node, plan)
    confirm(f"End plan {plan} ({short(chosen)}) and give its airspace back?", yes=yes)
    reply = node.ask("DELETE", f"/plans/{chosen}", wait_s=wait_s)
    view = reply.read(PlanView)
    _print(reply, view, as_json=as_json)
    raise SystemExit(0 if view.status is Status.ENDED else NOT_YET)


def _offer(view: PlanView, take: str | None) -> Alternative | None:
    if view.status is not Status.REFUSED:
        return None
    return next((item for item in view.alternatives if item.kind == take), None)


def _move(offer: Alternative) -> dict[str, float]:
    move = {name: getattr(offer, name) for name in ("delay_s", "up_m", "north_m", "east_m")}
    return {name: by for name, by in move.items() if by}


def _shift(node: Node, plan: str, move: Mapping[str, float], wait_s: float) -> Reply:
    body = msgspec.json.encode(move)
    return node.ask("POST", f"/plans/{plan}/shift", body=body, wait_s=wait_s)


def finish(reply: Reply, *, as_json: bool) -> NoReturn:
    """Print the plan and exit: 0 if it is as it was asked for, in every register."""
    view = reply.read(PlanView)
    _print(reply, view, as_json=as_json)
    done = view.status is Status.COORDINATED or (view.status in OFF_NOMINAL and view.settled)
    raise SystemExit(0 if done else NOT_YET)


def _print(reply: Reply, view: PlanView, *, as_json: bool) -> None:
    if as_json:
        _print_json(reply)
    else:
        click.echo(plan_text(view, command=f"tansiq plan shift {short(view.id)}{_data()}"))


def _data() -> str:
    """Return the option that names the node, where the command just given needed it."""
    context = click.get_current_context()
    given = context.get_parameter_source("data") is ParameterSource.COMMANDLINE
    return f" --data {context.params['data']}" if given else ""


def _print_json(reply: Reply) -> None:
    click.echo(reply.body.decode())
