"""``tansiq ring ...`` and ``sighting ...``: rings around incidents, drones that were seen."""

import json
import math
from pathlib import Path

import click
import msgspec

from tansiq.cli.client import Node, confirm, data_option, json_option
from tansiq.cli.measures import LENGTH, LENGTHS_M, SECONDS
from tansiq.cli.watch_text import rings_text, short, sightings_text
from tansiq.domain.ring import WILDFIRE_NM
from tansiq.errors import BadInput
from tansiq.services.watch.incident_views import (
    LASTS_S_MAX,
    RADIUS_NM_MAX,
    SIGHTING_M,
    RingList,
    RingSetView,
    SightingGone,
    SightingList,
    SightingView,
)

EXITS = """\b
Exit codes: 0 done   1 refused: the name is taken   2 bad input
            3 the node does not answer   4 its store fails
"""
_at = click.option(
    "--at", "at", required=True, metavar="LAT,LNG", help="Where, in degrees, as 39.12,-121.2."
)


_WILDFIRE = {f"{kind.name.lower()}_nm": radius for kind, radius in WILDFIRE_NM.items()}


def _within(value: float, most: float, field: str, says: str) -> float:
    if not 0.0 < value <= most:
        raise BadInput(says, field=field)
    return value


def _lasts(seconds: float) -> float:
    if seconds < 60.0:
        raise BadInput("give at least 1min", field="--for")
    return _within(seconds, LASTS_S_MAX, "--for", "give at most 336h, which is 14 days")


def _place(text: str) -> dict[str, float]:
    lat, _, lng = text.partition(",")
    try:
        lat_deg, lng_deg = float(lat), float(lng)
    except ValueError:
        lat_deg = lng_deg = math.nan
    if not (-90.0 <= lat_deg <= 90.0 and -180.0 <= lng_deg <= 180.0):
        raise BadInput(f"{text[:40]!r} is not LAT,LNG in degrees, as 39.12,-121.2", field="--at")
    return {"lat_deg": lat_deg, "lng_deg": lng_deg}


@click.command("add", epilog=EXITS)
@click.argument("name")
@_at
@click.option("--wildfire", is_flag=True, help="12, 7 and 5 NM, as around wildfires.")
@click.option("--call", type=LENGTH, help="Who comes here calls, such as 12NM.")
@click.option("--no-entry", type=LENGTH, help="Nobody comes in without contact.")
@click.option("--area", type=LENGTH, help="Nobody comes in without clearance.")
@click.option(
    "--for", "lasts", type=SECONDS, default="12h", show_default=True, help="How long it stands."
)
@data_option
@json_option
def add_ring(
    name: str,
    *,
    at: str,
    wildfire: bool,
    lasts: float,
    data: Path,
    as_json: bool,
    **given_m: float | None,
) -> None:
    """Draw rings around an incident, and have the watch tell who comes without a word.

    Aircraft whose plan is known pass; others are told of until `tansiq ring admit`. Each ring is
    smaller than the one before.

    \b
      tansiq ring add "Creek fire" --at 39.12,-121.2 --wildfire --for 24h
      tansiq ring add search --at 39.12,-121.2 --call 8NM --area 3NM
    """
    radii = {
        f"{kind}_nm": _within(
            m / LENGTHS_M["nm"],
            RADIUS_NM_MAX,
            f"--{kind.replace('_', '-')}",
            f"give more than 0 and at most {RADIUS_NM_MAX:g}NM",
        )
        for kind, m in given_m.items()
        if m is not None
    }
    if wildfire == bool(radii):
        raise BadInput(
            "say --wildfire alone, or one or more of --call, --no-entry and --area", field="rings"
        )
    said = {
        "name": name,
        **_place(at),
        **(radii or _WILDFIRE),
        "lasts_s": _lasts(lasts),
    }
    reply = Node(data).ask("POST", "/rings", body=msgspec.json.encode(said))
    click.echo(reply.body.decode() if as_json else rings_text([reply.read(RingSetView)]))


@click.command("list", epilog=EXITS)
@data_option
@json_option
def list_rings(*, data: Path, as_json: bool) -> None:
    """List the rings: centre, radii, until when, and who was let in."""
    reply = Node(data).ask("GET", "/rings")
    click.echo(reply.body.decode() if as_json else rings_text(reply.read(RingList).rings))


@click.command(epilog=EXITS)
@click.argument("name")
@click.argument("address", metavar="ADDRESS|CALLSIGN")
@data_option
@json_option
def admit(name: str, address: str, *, data: Path, as_json: bool) -> None:
    """Note that an aircraft has called and may come in: the rings NAME are silent about it.

    A call sign counts where one aircraft that is heard has it; it is the address that is let in.

    \b
      tansiq ring admit "Creek fire" icao:a1b2c3
      tansiq ring admit "Creek fire" TANKER88
    """
    _admit(name, address, data, admitted=True, as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("name")
@click.argument("address", metavar="ADDRESS|CALLSIGN")
@data_option
@json_option
def dismiss(name: str, address: str, *, data: Path, as_json: bool) -> None:
    """Note that an aircraft may not come in any more."""
    _admit(name, address, data, admitted=False, as_json=as_json)


def _admit(name: str, address: str, data: Path, *, admitted: bool, as_json: bool) -> None:
    said = {"ring": name, "address": address, "admitted": admitted}
    reply = Node(data).ask("POST", "/rings/admit", body=msgspec.json.encode(said))
    click.echo(reply.body.decode() if as_json else rings_text([reply.read(RingSetView)]))


@click.command(epilog=EXITS)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def remove(name: str, *, yes: bool, data: Path, as_json: bool) -> None:
    """Take rings away: NAME, their id, or its first 6 characters. Asks first, at a terminal."""
    confirm(f"Take the rings {name} away?", yes=yes)
    body = msgspec.json.encode({"ring": name})
    reply = Node(data).ask("POST", "/rings/remove", body=body)
    click.echo(reply.body.decode() if as_json else rings_text(reply.read(RingList).rings))


# ---- drones that were seen


@click.command("add", epilog=EXITS)
@click.argument("words", required=False, default="")
@_at
@click.option(
    "--radius", type=LENGTH, default="500m", show_default=True, help="It was within this of there."
)
@click.option(
    "--for", "lasts", type=SECONDS, default="2h", show_default=True, help="Until it is forgotten."
)
@data_option
@json_option
def add_sighting(
    words: str, *, at: str, radius: float, lasts: float, data: Path, as_json: bool
) -> None:
    """Report a drone that somebody has seen: a warning to all parties, until it is gone.

    \b
      tansiq sighting add --at 39.12,-121.2 --radius 1km "orange, four rotors, by Tanker 88"

    It stops nobody. The answer has the command that stops the air around it.
    """
    least, most = SIGHTING_M
    if not least <= radius <= most:
        raise BadInput(f"give {least:g}m to {most / 1_000:g}km", field="--radius")
    said = {**_place(at), "radius_m": radius, "words": words, "lasts_s": _lasts(lasts)}
    reply = Node(data).ask("POST", "/sightings", body=msgspec.json.encode(said))
    if as_json:
        click.echo(reply.body.decode())
        return
    seen = reply.read(SightingView)
    click.echo(sightings_text([seen]))
    click.echo(f"To stop the air around it, at all heights:\n  echo '{_air(seen)}' | tansiq stop -")
    click.echo(f"Once it is gone: tansiq sighting gone {short(seen.id)}")


def _air(seen: SightingView) -> str:
    """Return the air around a drone as a file of ``tansiq stop``; how high it is, nobody knows."""
    said = {
        "start": seen.time,
        "end": seen.until,
        "lower": -1_000,
        "upper": 60_000,
        "units": "FT",
        "datum": "AMSL",
        "radius_m": seen.radius_m,
    }
    place = {"type": "Point", "coordinates": [seen.lng_deg, seen.lat_deg]}
    return json.dumps({"type": "Feature", "geometry": place, "properties": said})


@click.command("list", epilog=EXITS)
@data_option
@json_option
def list_sightings(*, data: Path, as_json: bool) -> None:
    """List the drones that were seen and are not gone, the latest first."""
    reply = Node(data).ask("GET", "/sightings")
    shown = sightings_text(reply.read(SightingList).sightings)
    click.echo(reply.body.decode() if as_json else shown)


@click.command(epilog=EXITS)
@click.argument("sighting", metavar="ID")
@data_option
@json_option
def gone(sighting: str, *, data: Path, as_json: bool) -> None:
    """Say that a drone is gone; prints how many minutes were lost to it.

    ID may be the first 6 characters of one.
    """
    if len(sighting) < 6:
        raise BadInput(
            f"{sighting!r} is too little to tell; `tansiq sighting list` shows them", field="ID"
        )
    body = msgspec.json.encode({"sighting": sighting})
    reply = Node(data).ask("POST", "/sightings/gone", body=body)
    if as_json:
        click.echo(reply.body.decode())
        return
    found = reply.read(SightingGone)
    click.echo(f"{short(found.sighting.id)} is gone; {found.minutes_lost} min lost")
    click.echo("If the air was stopped for it, and is free again: tansiq all-clear")
