"""``tansiq audit``: every conflict within a set of plans and no-go areas. Offline."""

from pathlib import Path
from typing import Any

import click

from tansiq.cli.audit_set import read_set
from tansiq.cli.files import INPUT, STDIN
from tansiq.cli.kernels import choose
from tansiq.cli.minima import minima_options, table_of
from tansiq.cli.progress import Progress
from tansiq.clock import SystemClock
from tansiq.errors import BadInput

_SMALL = 500
"""Volumes up to which kernels as Python are done before machine code is loaded."""
_OUTPUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("files", type=INPUT, nargs=-1, required=True)
@minima_options
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Conflicts to print as text, the first in time; all are counted.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, nothing else.")
@click.option("--geojson", type=_OUTPUT, help="Write a point for each conflict to this file.")
@click.option("--html", type=_OUTPUT, help="Write a page with pictures to this file.")
@click.option("--count", is_flag=True, help="Only count, and say who with whom: fastest.")
def audit(
    files: tuple[str, ...],
    *,
    limit: int,
    as_json: bool,
    geojson: Path | None,
    html: Path | None,
    count: bool,
    **options: Any,
) -> None:
    """Find every conflict among all plans and no-go areas in FILES, offline.

    FILES are GeoJSON or F3548-21 JSON, any number, as tansiq check reads them; - is standard input.
    Every plan is held against every other plan and no-go area, of the same file too. Two conflict
    when they come within all three minima at once; touching counts. Priorities do not matter here,
    and no-go areas do not conflict with each other. With --agreement each two keep the minima of
    their categories. What is in two files with the same id counts
    once if it is the same in both, and is refused if not.

    \b
      tansiq audit north.geojson south.json --horizontal-m 1852 --vertical-m 150 --time-s 60
      tansiq audit day/*.json --html day.html
      tansiq audit day/*.json --json > conflicts.jsonl

    Prints the conflicts in order of time, and how many there are by party, hour and level. A party
    is a manager, or a file that names none. The page of --html has no scripts and needs no network.

    With --json each line is one conflict: {"conflict", "first", "second", "lat", "lng", "start",
    "end", "lower_m", "upper_m", "horizontal_m", "vertical_m", "time_s", "margin", "least",
    "explanation"}; the last line is {"summary": ...}. A file without it is cut off. With --count
    it is the only line.

    \b
    Exit codes: 0 no conflict, 1 some, 2 bad input or a file that cannot be written.
    """
    table = table_of(options)
    _check_outputs(files, geojson, html, count=count)
    progress = Progress(SystemClock())
    try:
        audited = read_set(files, progress.tell)
        choose(volumes=audited.volumes, enough=_SMALL)
        from tansiq.cli.audit_run import Wanted, run

        wanted = Wanted(limit=limit, as_json=as_json, geojson=geojson, html=html, count=count)
        total = run(audited, table, wanted, progress)
    except click.FileError as error:
        raise BadInput(error.message, field=error.ui_filename) from error
    finally:
        progress.end()
    raise SystemExit(1 if total else 0)


def _check_outputs(
    files: tuple[str, ...], geojson: Path | None, html: Path | None, *, count: bool
) -> None:
    outputs = [path for path in (geojson, html) if path is not None]
    if count and outputs:
        raise click.UsageError("--count measures nothing: leave out --geojson and --html")
    taken = [Path(path).resolve() for path in files if path != STDIN]
    for path in outputs:
        if str(path) == STDIN:
            raise click.UsageError("- is no file to write; name one")
        if path.resolve() in taken:
            raise click.UsageError(f"{path} is already an input or output; name another file")
        taken.append(path.resolve())
