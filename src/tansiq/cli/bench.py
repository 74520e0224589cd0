"""``tansiq bench``: what this deployment carries, asked of the operator's own node."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tansiq.cli.client import data_option

if TYPE_CHECKING:
    from tansiq.cli.bench_run import Measured


class _Options(TypedDict):
    """What ``bench`` may be told."""

    rate: float
    seconds: float
    clients: int
    rivals: int
    at: str | None
    days_ahead: float
    clean: bool
    yes: bool
    as_json: bool


@click.command()
@data_option
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 200),
    default=5.0,
    show_default=True,
    help="Plans a second that are to be declared.",
)
@click.option(
    "--for",
    "seconds",
    metavar="S",
    type=click.FloatRange(1, 600),
    default=30.0,
    show_default=True,
    help="How long.",
)
@click.option(
    "--clients",
    type=click.IntRange(1, 64),
    default=8,
    show_default=True,
    help="Plans under way at once, at most.",
)
@click.option(
    "--rivals",
    metavar="PERCENT",
    type=click.IntRange(0, 100),
    default=10,
    show_default=True,
    help="Plans that want the air of the one before.",
)
@click.option("--at", metavar="LAT,LNG", help="Where.  [default: the middle of the agreed area]")
@click.option(
    "--days-ahead",
    type=click.FloatRange(1, 29),
    default=20.0,
    show_default=True,
    help="When: so far from what really flies.",
)
@click.option("--clean", is_flag=True, help="Only end what an earlier run has left.")
@click.option(
    "--yes-this-is-mine",
    "yes",
    is_flag=True,
    help="All registers of the agreement are mine to load, other parties' too.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def bench(data: Path, **options: Unpack[_Options]) -> None:
    """Declare plans at a steady rate, and say how long it takes until they are settled.

    Each is a real plan, placed in every register of the agreement, called BENCH-..., far ahead in
    time, in nobody's way but that of its rivals. All are ended again, also after Ctrl-C; what a
    killed run leaves, the next one ends first.

    Where other parties have registers they get the same load: that is refused, unless you say that
    they are yours, as in a trial. Never do it to a live agreement.

    Times are counted from when a plan was due, so that a node that falls behind shows it.

    Exit codes: 0 done, 1 something is left over, 2 bad input or not yours, 3 the node does not
    answer.

    \b
    Example:
      tansiq bench --data north --rate 10 --for 60
    """
    import asyncio

    from tansiq.cli.bench_run import Request, run
    from tansiq.cli.progress import Progress
    from tansiq.clock import SystemClock

    clock = SystemClock()
    progress = Progress(clock)
    request = Request(
        data=data,
        rate=options["rate"],
        seconds=options["seconds"],
        clients=options["clients"],
        rivals=options["rivals"],
        at=options["at"],
        days_ahead=options["days_ahead"],
        only_clean=options["clean"],
        everything_is_mine=options["yes"],
    )
    try:
        found = asyncio.run(run(request, clock, progress.tell))
    finally:
        progress.end()
    click.echo(json.dumps(found.as_dict()) if options["as_json"] else _text(found))
    raise SystemExit(1 if found.left else 0)


def _text(found: "Measured") -> str:
    if not found.declared:
        return f"ended {found.ended} plans of earlier runs, {found.left} are left"
    p50, p95, p99 = found.percentiles_ms
    outcomes = ", ".join(f"{count:,} {name}" for name, count in sorted(found.outcomes.items()))
    late = f"\n  not sent  {found.unsent:,}: the node fell behind" if found.unsent else ""
    return (
        f"{found.per_s:.1f} plans/s settled in {found.seconds:.1f} s, {found.rate:g}/s asked for\n"
        f"  settled   p50 {p50:,.0f} ms, p95 {p95:,.0f} ms, p99 {p99:,.0f} ms\n"
        f"  outcomes  {outcomes}{late}\n"
        f"  ended     {found.ended:,} again, {found.left:,} left"
    )
