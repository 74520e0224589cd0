"""``tansiq plan from-track``: a recorded track to a plan file. Offline; reads no clock."""

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TextIO, TypeVar

import click

from tansiq.cli.files import INPUT, read_input
from tansiq.domain.category import Category
from tansiq.domain.draft import Datum, PlanDraft, Units
from tansiq.formats import geojson
from tansiq.formats.track import TrackBuffers, summary, volumes_from_track
from tansiq.formats.track_file import read_track

F = TypeVar("F", bound=Callable[..., object])

_DEFAULTS = TrackBuffers()


def _buffer(flag: str, name: str, text: str) -> Callable[[F], F]:
    return click.option(
        flag, name, type=float, default=getattr(_DEFAULTS, name), show_default=True, help=text
    )


@click.command(name="from-track")
@click.argument("track", type=INPUT)
@click.option(
    "--units",
    type=click.Choice([u.value for u in Units], case_sensitive=False),
    default="M",
    show_default=True,
    help="Units of the altitudes.",
)
@click.option(
    "--datum",
    type=click.Choice([d.value for d in Datum if d is not Datum.AGL], case_sensitive=False),
    required=True,
    help="What they count from: W84 (GNSS height), AMSL, or FL (pressure, hundreds of feet).",
)
@_buffer("--slice-s", "slice_s", "Longest time that one volume covers, seconds.")
@_buffer("--horizontal-m", "horizontal_m", "Buffer around the track, metres.")
@_buffer("--vertical-m", "vertical_m", "Buffer above and below, metres.")
@_buffer("--time-s", "time_s", "Buffer before and after each slice, seconds.")
@_buffer("--gap-s", "gap_s", "A longer pause between points is a gap, seconds.")
@click.option(
    "--bridge-gaps", is_flag=True, help="Guess the geodesic across gaps; else a gap is an error."
)
@_buffer("--speed-mps-max", "speed_mps_max", "Faster between points is a jump, metres a second.")
@_buffer("--climb-mps-max", "climb_mps_max", "The same up and down, metres a second.")
@click.option("--callsign", default="", help="Call sign of the plan.")
@click.option(
    "--category",
    type=click.Choice([c.value for c in Category]),
    help="Size and kind of the aircraft; unless given, the largest minima are kept.",
)
@click.option("--priority", type=int, default=0, show_default=True, help="Greater wins.")
@click.option(
    "--output", type=click.File("w", encoding="utf-8"), default="-", help="File; else stdout."
)
def from_track(
    track: str,
    output: TextIO,
    units: str,
    datum: str,
    callsign: str,
    **options: Any,
) -> None:
    """Turn the recorded track in TRACK into a plan of time-sliced volumes, as GeoJSON.

    TRACK is CSV with a header line time,lat,lng,altitude, or JSON: a list of objects with these
    names. Times are RFC 3339 with zone, or seconds (or milliseconds) since 1970. The volumes hold
    every point and the geodesic between consecutive points, within the buffers. Points that no
    aircraft could have reached are dropped, and counted on stderr.

    \b
      tansiq plan from-track flight.csv --datum W84 --output plan.geojson
      tansiq plan from-track adsb.csv --datum AMSL --units ft --bridge-gaps --callsign TANKER-1

    Exit codes: 0 written, 2 bad input.
    """
    read = read_track(*read_input(track), units=Units(units.upper()), datum=Datum(datum.upper()))
    buffers = TrackBuffers(**{f.name: options[f.name] for f in fields(TrackBuffers)})
    plan = volumes_from_track(read.points, buffers)
    draft = PlanDraft(
        volumes=plan.volumes,
        stated=plan.stated,
        callsign=callsign,
        category=Category(options["category"]) if options["category"] else None,
        priority=options["priority"],
    )
    output.write(json.dumps(geojson.document(draft), indent=1) + "\n")
    if read.without_altitude:
        click.echo(f"points without altitude, left out: {read.without_altitude}", err=True)
    for sentence in summary(plan, len(read.points)):
        click.echo(sentence, err=True)
