"""``tansiq encounters``: who came near whom in recordings. Offline; reads no clock."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from tansiq.cli.files import INPUT, STDIN
from tansiq.cli.measures import LENGTH, SECONDS
from tansiq.domain.draft import Datum, Units
from tansiq.domain.encounter import Within
from tansiq.errors import BadInput

_OUTPUT = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("recordings", type=INPUT, nargs=-1, required=True)
@click.option(
    "--within", type=LENGTH, default="3NM", show_default=True, help="How near on the map is near."
)
@click.option(
    "--vertical", type=LENGTH, default="1000ft", show_default=True, help="And up and down."
)
@click.option(
    "--well-clear",
    is_flag=True,
    help="Instead: losses of well clear, as DO-365B has it en route.",
)
@click.option(
    "--gap",
    type=SECONDS,
    default="300s",
    show_default=True,
    help="A longer pause between reports is a gap, and not bridged.",
)
@click.option(
    "--pause",
    type=SECONDS,
    default="60s",
    show_default=True,
    help="Apart for longer than this, it is another encounter.",
)
@click.option(
    "--datum",
    type=click.Choice([d.value for d in Datum if d is not Datum.AGL], case_sensitive=False),
    help="What a plain altitude counts from: W84, AMSL, or FL (pressure). Where the file says it,"
    " not needed.",
)
@click.option(
    "--units",
    type=click.Choice([u.value for u in Units], case_sensitive=False),
    help="Its units, with --datum; FL is hundreds of feet.  [default: M, with FL FL]",
)
@click.option(
    "--agreement",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Agreement whose formations are marked and do not count.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Encounters to print as text, the closest; all are counted.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, nothing else.")
@click.option("--csv", "csv_file", type=_OUTPUT, help="Write a row for each to this file.")
@click.option("--geojson", type=_OUTPUT, help="Write places and tracks to this file.")
@click.option("--html", type=_OUTPUT, help="Write a page with pictures to this file.")
@click.pass_context
def encounters(
    context: click.Context,
    /,
    recordings: tuple[str, ...],
    *,
    datum: str | None,
    units: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Find every close encounter of any two aircraft in RECORDINGS, offline.

    RECORDINGS are CSV, JSON, GPX, readsb traces or the traffic package's json.gz, any number, each
    also as gz; - is standard input. Reports of one address are of one aircraft, in all files. Two
    aircraft are near while they are within --within on the map and --vertical up and down at once;
    exactly at them counts. Between reports an aircraft flies straight at constant speed; where it
    was in a gap is not guessed, and on the ground it meets nobody. Vertical distance is that of the
    pressure altitudes where both have one, else of the heights. Reports that could not have been
    flown are left out, counted and said.

    With --well-clear two are not well clear while they are within 0.66 NM and 450 ft, or within the
    450 ft and, at their present velocities, within the 0.66 NM in less than some 35 s (modified
    tau). Velocities are those between two reports, so sparse or rough positions mislead it.

    \b
      tansiq encounters calfire.json.gz
      tansiq encounters north.csv south.gpx --datum AMSL --units ft --within 1NM --vertical 500ft
      tansiq encounters day.json.gz --well-clear
      tansiq encounters day.json.gz --html day.html --agreement agreement.toml

    Prints who, when (UTC), how near and how long, the closest first. The page of --html has no
    scripts and needs no network. With --json each line is one encounter, in order of time, the last
    line {"summary": ...}; output without it is cut off. docs/encounters.md has the fields.

    \b
    Exit codes: 0 no encounter but those of agreed formations, 1 some, 2 bad input or a file that
    cannot be written.
    """
    outputs = {name: options[key] for name, key in _OUTPUTS}
    _check_outputs(recordings, [path for path in outputs.values() if path is not None])
    stated = (context.get_parameter_source(name) for name in ("within", "vertical"))
    if options["well_clear"] and any(source is ParameterSource.COMMANDLINE for source in stated):
        raise click.UsageError("--well-clear has its own thresholds: no --within, no --vertical")
    within = Within(horizontal_m=options["within"], vertical_m=options["vertical"])
    for name in ("gap", "pause"):
        if not 0.0 < options[name] <= 86_400.0:
            raise BadInput(f"{options[name]:g} s is not above 0 and at most 24h", field=name)
    if units is not None and datum is None:
        raise BadInput("says nothing without --datum; give both", field="units")
    # Numpy and what belongs to it: not for a help text.
    from tansiq.cli import encounters_run

    wanted = encounters_run.Wanted(
        within=within,
        well_clear=options["well_clear"],
        gap_s=options["gap"],
        pause_s=options["pause"],
        sense=encounters_run.sense_of(datum, units),
        agreement=options["agreement"],
        limit=options["limit"],
        as_json=as_json,
        **outputs,
    )
    try:
        total = encounters_run.run(recordings, wanted)
    except click.FileError as error:
        raise BadInput(error.message, field=error.ui_filename) from error
    raise SystemExit(1 if total else 0)


_OUTPUTS = (("csv", "csv_file"), ("geojson", "geojson"), ("html", "html"))


def _check_outputs(recordings: tuple[str, ...], outputs: list[Path]) -> None:
    taken = [Path(path).resolve() for path in recordings if path != STDIN]
    if len(set(taken)) < len(taken) or recordings.count(STDIN) > 1:
        raise click.UsageError("a recording is given twice; give each once")
    for path in outputs:
        if str(path) == STDIN:
            raise click.UsageError("- is no file to write; name one")
        if path.resolve() in taken:
            raise click.UsageError(f"{path} is already an input or output; name another file")
        taken.append(path.resolve())
