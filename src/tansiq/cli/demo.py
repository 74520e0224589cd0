"""``tansiq demo``: nodes of two or three parties on this machine, and what passes between them."""

import asyncio
import sys
from pathlib import Path
from shutil import which

import click

from tansiq.clock import SystemClock
from tansiq.demo.cell_run import run_cells
from tansiq.demo.run import Options, run
from tansiq.errors import BadInput

_PORTS = {"flights": 4, "two-cells": 6}
"""What is shown, by its name, and how many ports its nodes take."""


@click.command()
@click.option(
    "--scenario",
    type=click.Choice(list(_PORTS)),
    default="flights",
    show_default=True,
    help="A day of real flights, or three desks that talk to each other.",
)
@click.option("--once", is_flag=True, help="Stop the nodes when done; else they go on serving.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the nodes' folders here [default: a folder that is removed at the end].",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TANSIQ_DEMO_CACHE",
    default=Path(".cache/demo"),
    show_default=True,
    help="Where the recorded flights are kept once obtained.",
)
@click.option("--all-days", is_flag=True, help="All 186 flights of the week, not the busiest day.")
@click.option(
    "--ports",
    metavar="OWN,PEER,...",
    help="Ports of each node in turn [default: free ones].",
)
def demo(
    *,
    scenario: str,
    once: bool,
    data: Path | None,
    cache: Path,
    all_days: bool,
    ports: str | None,
) -> None:
    """Show nodes coordinating real flights, so that nothing collides.

    Obtains a week of recorded flights at California wildfires by pip (28 MB, once), makes two
    parties of the aircraft, starts a node for each, and has both declare the busiest day's flights
    at the same time. Refusals are shown with their alternatives. In the end every pair of
    coordinated plans is compared again, without the nodes' own index.

    Without network a small scenario of our own runs instead.

    --scenario two-cells shows the line: two coordination cells and a civil authority check, give
    notice, read back, object, agree, stop and hand over, each in a language of its own.

    Exits 0 when no two coordinated plans conflict, 1 when some do or a node failed; in two-cells, 0
    when all came about and is the same at both ends of each line.
    """
    options = Options(
        once=once,
        data=data,
        cache=cache,
        all_days=all_days,
        ports=_read_ports(ports, _PORTS[scenario]),
        program=_program(Path(sys.argv[0])),
    )
    # Line by line, also into a pipe: the demo is watched.
    shown = run_cells if scenario == "two-cells" else run
    raise SystemExit(asyncio.run(shown(options, SystemClock(), click.echo)))


def _program(path: Path) -> str:
    """Return what calls us: the name where the shell would find it, else the path."""
    found = which(path.name)
    if found and Path(found).resolve() == path.resolve():
        return path.name
    return str(path)


def _read_ports(text: str | None, count: int) -> tuple[int, ...]:
    if text is None:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not len(parts) == len(set(parts)) == count or not all(map(_is_port, parts)):
        raise BadInput(
            f"{text!r}: write {count} different ports, such as 8080,8443,8081,8444 for two nodes",
            field="ports",
        )
    return tuple(map(int, parts))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text) <= 65_535
