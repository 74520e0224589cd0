"""``tansiq arrange``: new times for a set of plans. Offline; reads no clock."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from tansiq.cli.minima import minima_options, table_of
from tansiq.domain.arrangement import Effort

F = TypeVar("F", bound=Callable[..., object])

_DEFAULTS = Effort()
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _number(flag: str, default: float, text: str, kind: type = float) -> Callable[[F], F]:
    return click.option(flag, type=kind, default=default, show_default=True, help=text)


@click.command()
@click.argument(
    "sources",
    metavar="PLANS...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, path_type=Path),
)
@click.option("--fixed", multiple=True, type=_FILE, help="Airspace that stays. Can be repeated.")
@minima_options
@_number("--delay-max-min", 60.0, "Longest delay of a plan, minutes.")
@_number("--advance-max-min", 0.0, "How much earlier than declared at most, minutes.")
@click.option("--not-before", metavar="TIME", help="No plan starts earlier; RFC 3339 with zone.")
@_number("--step-s", 1.0, "Delays are whole multiples of this, seconds.")
@_number("--fairness", _DEFAULTS.weight, "Weight of fairness between parties; 0: total alone.")
@_number("--rounds", _DEFAULTS.rounds, "How long to look for better orders; 0: not at all.", int)
@_number("--seed", 0, "Of the search; the same seed gives the same answer.", int)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each plan that has a place into a folder of its party here: new, or empty.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, nothing else.")
def arrange(
    sources: tuple[Path, ...],
    fixed: tuple[Path, ...],
    out: Path | None,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Find new times for all plans in PLANS, so that they keep clear of each other, offline.

    PLANS are files, GeoJSON or F3548-21 JSON, or folders of them. A folder holds one party's plans,
    a file each, and is named for the party. The plans of any other file belong to the manager that
    it names, or to the party that the file is named for. No-go areas among them, and all that is in
    --fixed, stay where they are. With --agreement each two keep the minima of their categories.

    Plans are delayed; levels and outlines stay. No plan yields to one of lower priority. Among
    equals it is looked for the least mean delay, plus --fairness times the largest difference
    between the mean delays of two parties. The answer is the least that was found, which need not
    be the least there is. It is a proposal: each party declares its own plans, or does not.

    \b
      tansiq arrange south.geojson north.geojson --horizontal-m 1852 --vertical-m 150 --time-s 60
      tansiq arrange south/ north/ --fixed fires.geojson --delay-max-min 90 --out arranged/
      tansiq plan submit arranged/south/OSPREY-2.geojson

    \b
    Exit codes: 0 all plans have a place, 1 some have none, 2 bad input.
    With --json: {"plans": [{"name", "id", "party", "priority", "declared", "arranged" (null: no
    place), "delay_s" (negative: earlier), "makes_way_for": [{"name", "party", "until_s"}]}],
    "parties": [{"party", "plans", "moved", "moved_share", "unplaced", "mean_s", "largest_s"}],
    "total_s", "at_least_s", "unfairness_s", "jain", "unplaced": [names]}.
    """
    table = table_of(options)
    # The engine reads its kernels from disk for half a second: not for a help text.
    from tansiq.cli import arranged

    code = arranged.run(arranged.Task.of(sources, fixed, table, options), out, as_json=as_json)
    raise SystemExit(code)
