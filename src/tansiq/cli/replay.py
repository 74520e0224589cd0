"""``tansiq replay``: a recording through the watch, as if it were now."""

from pathlib import Path
from typing import Any

import click

from tansiq.cli.files import INPUT
from tansiq.cli.measures import LENGTH, SECONDS
from tansiq.domain.draft import Datum, Units
from tansiq.errors import BadInput

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("recordings", type=INPUT, nargs=-1, required=True)
@click.option(
    "--speed",
    type=click.FloatRange(min=0.0, max=3_600.0),
    default=20.0,
    show_default=True,
    help="So many recorded seconds in one; 0: as fast as it goes.",
)
@click.option("--from", "since", metavar="TIME", help="Begin here, RFC 3339.")
@click.option("--to", "until", metavar="TIME", help="End here.")
@click.option(
    "--fill",
    type=SECONDS,
    default="10s",
    show_default=True,
    help="Between two reports take the aircraft as heard each so often, on the straight way; 0s:"
    " only what was recorded.",
)
@click.option(
    "--gap",
    type=SECONDS,
    default="300s",
    show_default=True,
    help="A longer pause between reports is a gap, and not filled.",
)
@click.option(
    "--within",
    type=LENGTH,
    default="1NM",
    show_default=True,
    help="How near is too near.  [with --agreement: its minima]",
)
@click.option(
    "--vertical", type=LENGTH, default="500ft", show_default=True, help="And up and down."
)
@click.option(
    "--well-clear",
    type=click.Choice(["en-route", "terminal", "non-cooperative", "off"]),
    default="off",
    show_default=True,
    help="Judge by a table of DO-365B besides.",
)
@click.option("--agreement", type=_FILE, help="Agreement whose minima, area and formations count.")
@click.option(
    "--plan",
    "plans",
    type=_FILE,
    multiple=True,
    help="Plan that aircraft of its call sign are held against; any number.",
)
@click.option(
    "--datum",
    type=click.Choice([d.value for d in Datum if d is not Datum.AGL], case_sensitive=False),
    help="What a plain altitude counts from, where the file does not say it.",
)
@click.option(
    "--units",
    type=click.Choice([u.value for u in Units], case_sensitive=False),
    help="Its units, with --datum.",
)
@click.option("--score", is_flag=True, help="At the end: how early each approach was warned of.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON Lines, nothing else.")
def replay(
    recordings: tuple[str, ...], *, datum: str | None, units: str | None, **options: Any
) -> None:
    """Fly RECORDINGS again through the watch, and print its alarms as they come.

    The same tracks, rules and alarms as in a running node, over the clock of the recording. Every
    line is marked REPLAY; nobody is told, and no node is needed. Times in which nothing flies are
    skipped. RECORDINGS are what tansiq encounters reads.

    \b
      tansiq replay calfire.json.gz --from 2020-09-08T18:00:00Z
      tansiq replay day.csv --agreement agreement.toml --plan osprey.geojson --speed 60
      tansiq replay calfire.json.gz --speed 0 --score

    --score adds a table: for each level how many approaches within --within and --vertical it told
    of, how many seconds before the closest moment, and how many alarms had no approach. With --fill
    the way to the next report is known before it was heard, which flatters; --fill 0s does not, and
    an aircraft that is heard each half minute is then lost for half of the time.

    \b
    Exit codes: 0 no warning, 1 some, 2 bad input.
    """
    if units is not None and datum is None:
        raise BadInput("says nothing without --datum; give both", field="units")
    for name, most in (("fill", 300.0), ("gap", 86_400.0)):
        if not 0.0 <= options[name] <= most:
            raise BadInput(f"{options[name]:g} s is not 0 to {most:g}", field=name)
    # Numpy and what belongs to it: not for a help text.
    from tansiq.cli import encounters_run, replay_run

    wanted = replay_run.Wanted(sense=encounters_run.sense_of(datum, units), **options)
    raise SystemExit(1 if replay_run.run(recordings, wanted) else 0)
