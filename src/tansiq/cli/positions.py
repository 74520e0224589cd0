"""``tansiq feed ...`` and ``position send``: where positions come from."""

from pathlib import Path

import click
import msgspec

from tansiq.cli.client import Node, data_option, json_option
from tansiq.cli.files import plain, read_input
from tansiq.cli.watch_text import feeds_text
from tansiq.services.watch.views import FeedList, TakenPositions

_EXITS = """\b
Exit codes: 0 done   1 some positions were refused   2 bad input
            3 the node does not answer   4 its store fails
"""
_REFUSED = 1


@click.command("list", epilog=_EXITS)
@data_option
@json_option
def list_feeds(*, data: Path, as_json: bool) -> None:
    """List the feeds: state, age of the newest position, how many came, and what was refused.

    SILENT: it answers and gives no position. FAILING: it does not answer. `clock` is by how much
    its clock is behind ours, delays included. docs/feeds.md explains the counts.
    """
    reply = Node(data).ask("GET", "/feeds")
    click.echo(reply.body.decode() if as_json else feeds_text(reply.read(FeedList)))


@click.command(epilog=_EXITS)
@click.argument("name")
@data_option
@json_option
def start(name: str, *, data: Path, as_json: bool) -> None:
    """Read the feed NAME again, after `tansiq feed stop`."""
    _switch(name, data, on=True, as_json=as_json)


@click.command(epilog=_EXITS)
@click.argument("name")
@data_option
@json_option
def stop(name: str, *, data: Path, as_json: bool) -> None:
    """Do not read the feed NAME any more, until the node's next start or `tansiq feed start`.

    Aircraft that only it hears go out of the picture; no alarm tells of a feed that was stopped.
    """
    _switch(name, data, on=False, as_json=as_json)


def _switch(name: str, data: Path, *, on: bool, as_json: bool) -> None:
    reply = Node(data).ask("POST", "/feeds", body=msgspec.json.encode({"name": name, "on": on}))
    click.echo(reply.body.decode() if as_json else feeds_text(reply.read(FeedList)))


@click.command(epilog=_EXITS)
@click.argument("file", type=click.Path())
@data_option
@json_option
def send(file: str, *, data: Path, as_json: bool) -> None:
    """Send positions from FILE (- is standard input): a JSON list; each is judged by itself.

    \b
      [{"address": "own:scout-3", "time": "2026-11-29T12:00:00Z", "lat": 36.1, "lng": 36.2,
        "altitude": {"value": 4500, "units": "FT", "datum": "AMSL"}, "callsign": "SCOUT3",
        "speed_mps": 41, "track_deg": 270}]
    \b
      tansiq position send scouts.json
      my-gateway | tansiq position send -

    The address names the aircraft: own:..., icao:a1b2c3, or intent:ID for a plan's own. Nothing is
    guessed: a height says its units and what it counts from.
    """
    body, _ = read_input(file)
    reply = Node(data).ask("POST", "/positions", body=body)
    taken = reply.read(TakenPositions)
    click.echo(reply.body.decode() if as_json else f"{taken.taken:,} taken")
    for sentence in taken.wrong:
        click.echo(plain(f"refused: {sentence}"), err=True)
    if taken.wrong:
        raise SystemExit(_REFUSED)
