"""``tansiq constraint ...``: own no-go areas, through the node's API."""

from pathlib import Path
from typing import NoReturn

import click

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
from tansiq.cli.pick import constraint_id
from tansiq.cli.show import constraint_rows, constraint_text, short
from tansiq.services.views import ConstraintView, NoGoAreas

EVERYWHERE = "everywhere"


@click.command(epilog=EXITS)
@click.argument("file", type=click.Path())
@wait_option
@data_option
@json_option
def submit(file: str, *, wait_s: float, data: Path, as_json: bool) -> None:
    """Declare the no-go area in FILE (- is standard input).

    FILE is GeoJSON with "type": "constraint" in its properties, or an F3548 constraint. Until every
    register holds it, it is shown as not everywhere yet, and the exit code is 1.
    """
    reply = Node(data).ask("POST", "/constraints", body=read_file(file), wait_s=wait_s)
    _finish(reply, EVERYWHERE, as_json=as_json)


@click.command("list", epilog=EXITS)
@click.option("--all", "ended", is_flag=True, help="Ended ones too.")
@data_option
@json_option
def list_constraints(*, ended: bool, data: Path, as_json: bool) -> None:
    """List own no-go areas and whether every register holds them."""
    reply = Node(data).ask("GET", "/constraints", query={"ended": ended})
    if as_json:
        click.echo(reply.body.decode())
        return
    areas = reply.read(NoGoAreas).constraints
    click.echo(constraint_rows(areas) if areas else "no no-go areas")


@click.command(epilog=EXITS)
@click.argument("area", metavar="ID")
@data_option
@json_option
def show(area: str, *, data: Path, as_json: bool) -> None:
    """Show one no-go area. ID is an id, the beginning of one, or a name."""
    node = Node(data)
    _print(node.ask("GET", f"/constraints/{constraint_id(node, area)}"), as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("area", metavar="ID")
@click.argument("file", type=click.Path())
@wait_option
@data_option
@json_option
def change(area: str, file: str, *, wait_s: float, data: Path, as_json: bool) -> None:
    """Put the volumes in FILE in the place of the no-go area's own."""
    node, body = Node(data), read_file(file)
    path = f"/constraints/{constraint_id(node, area)}"
    _finish(node.ask("PUT", path, body=body, wait_s=wait_s), EVERYWHERE, as_json=as_json)


@click.command("confirm", epilog=EXITS)
@click.argument("area", metavar="ID")
@data_option
@json_option
def confirm_area(area: str, *, data: Path, as_json: bool) -> None:
    """Say that the no-go area is still wanted.

    Where the agreement says so ([standing]), one that nobody confirms is lifted.
    """
    node = Node(data)
    path = f"/constraints/{constraint_id(node, area)}/confirm"
    _print(node.ask("POST", path), as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("area", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@wait_option
@data_option
@json_option
def end(area: str, *, yes: bool, wait_s: float, data: Path, as_json: bool) -> None:
    """Lift the no-go area. Asks first, at a terminal."""
    node = Node(data)
    chosen = constraint_id(node, area)
    confirm(f"Lift no-go area {area} ({short(chosen)})?", yes=yes)
    reply = node.ask("DELETE", f"/constraints/{chosen}", wait_s=wait_s)
    _finish(reply, "ended", as_json=as_json)


def _finish(reply: Reply, wanted: str, *, as_json: bool) -> NoReturn:
    _print(reply, as_json=as_json)
    raise SystemExit(0 if reply.read(ConstraintView).status == wanted else NOT_YET)


def _print(reply: Reply, *, as_json: bool) -> None:
    view = reply.read(ConstraintView)
    click.echo(reply.body.decode() if as_json else constraint_text(view))
