"""``tansiq track ...``: aircraft that are heard, and whose they are."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from tansiq.cli.client import Node, data_option, json_option
from tansiq.cli.files import plain
from tansiq.cli.watch_text import short, tracks_text
from tansiq.errors import BadInput
from tansiq.services.views import Plans, PlanView
from tansiq.services.watch.views import PictureView, TrackView

_EXITS = """\b
Exit codes: 0 done   1 refused   2 bad input   3 the node does not answer   4 its store fails
"""
_HEX_MIN = 4


@click.command("list", epilog=_EXITS)
@data_option
@json_option
def list_tracks(*, data: Path, as_json: bool) -> None:
    """List the aircraft that are heard, those with alarms first.

    One a line: its highest alarm (# warning, ^ caution, o advisory), name, address, plan, whether
    it keeps to that, height and what it counts from (W84: above the ellipsoid; pressure: on 1013.25
    hPa), speed over ground, age of the position (STALE: nobody knows where it is now), feed. What
    is wrong with the picture itself comes first. With --json: the whole picture, alarms and feeds
    too.
    """
    reply = Node(data).ask("GET", "/picture")
    click.echo(reply.body.decode() if as_json else tracks_text(reply.read(PictureView)))


@click.command(epilog=_EXITS)
@click.argument("address", required=False)
@click.argument("plan", required=False)
@click.option("--none", "no_plan", is_flag=True, help="It flies no plan, whatever its call sign.")
@click.option("--suggested", is_flag=True, help="Confirm what call signs suggest; asks first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def bind(
    address: str | None,
    plan: str | None,
    *,
    no_plan: bool,
    data: Path,
    as_json: bool,
    **asked: bool,
) -> None:
    """Say whose aircraft ADDRESS is: that of PLAN, or of none.

    ADDRESS is as `tansiq track list` shows it, or what only one of them begins with; PLAN is a call
    sign, or an id or its beginning. A call sign is what anybody may send, so what it suggests
    counts only once a person has said so. It holds for 12 hours, and until 12 hours after the end
    of the plan.

    \b
      tansiq track bind icao:a1b2c3 OSPREY-2
      tansiq track bind a1b2c3 --none
      tansiq track bind --suggested
    """
    node = Node(data)
    if asked["suggested"]:
        if address is not None or no_plan:
            raise BadInput("goes alone: it takes what call signs suggest", field="--suggested")
        _bind_suggested(node, yes=asked["yes"], as_json=as_json)
        return
    if address is None or (plan is None) != no_plan:
        raise BadInput(
            "say ADDRESS and PLAN, or ADDRESS and --none, or --suggested alone", field="ADDRESS"
        )
    whole = _address(node, address)
    reply = _bind(node, whole, _intent(node, plan) if plan else "")
    click.echo(reply.decode() if as_json else _bound(reply, whole))


@click.command(epilog=_EXITS)
@click.argument("address")
@data_option
@json_option
def free(address: str, *, data: Path, as_json: bool) -> None:
    """Take back what was said of ADDRESS, with a plan or without."""
    node = Node(data)
    whole = _address(node, address)
    reply = node.ask("POST", "/tracks/free", body=msgspec.json.encode({"address": whole}))
    text = f"{whole}: nothing is said of it any more"
    click.echo(reply.body.decode() if as_json else plain(text))


def _intent(node: Node, plan: str) -> str:
    """Return a plan's intent; of ours people know the plan's own id, by `tansiq plan list`."""
    plans = node.ask("GET", "/plans").read(Plans).plans
    found = [each.intent_id for each in plans if len(plan) >= _HEX_MIN and _is(each, plan)]
    return found[0] if len(found) == 1 and found[0] else plan


def _is(view: PlanView, plan: str) -> bool:
    return view.id.startswith(plan.lower()) or view.intent_id.startswith(plan.lower())


def _bind(node: Node, address: str, plan: str) -> bytes:
    said = msgspec.json.encode({"address": address, "plan": plan})
    return node.ask("POST", "/tracks/bind", body=said).body


def _bound(reply: bytes, address: str) -> str:
    found = [t for t in msgspec.json.decode(reply, type=PictureView).tracks if t.address == address]
    if not found:
        return plain(f"{address}: said; it is not heard now")
    track = found[0]
    if not track.plan:
        return plain(f"{address}: flies no plan")
    return plain(f"{address}: is {track.plan_name} of {track.party} ({short(track.plan)})")


def _bind_suggested(node: Node, *, yes: bool, as_json: bool) -> None:
    tracks = node.ask("GET", "/picture").read(PictureView).tracks
    clear = [track for track in tracks if len(track.may_be) == 1]
    for track in tracks:
        if track.may_be:
            _show(track, err=as_json)
    if not clear:
        click.echo("nothing to confirm", err=as_json)
        return
    if not yes:
        if not sys.stdin.isatty():
            raise BadInput("nobody is here to be asked; say --yes as well", field="--suggested")
        click.confirm(f"Confirm {_number(clear)}?", abort=True, err=as_json)
    for track in clear:
        reply = _bind(node, track.address, track.may_be[0])
        click.echo(reply.decode() if as_json else _bound(reply, track.address))


def _number(tracks: Sequence[TrackView]) -> str:
    return "this one" if len(tracks) == 1 else f"these {len(tracks)}"


def _show(track: TrackView, *, err: bool) -> None:
    several = " (several: say which)" if len(track.may_be) > 1 else ""
    name = track.callsign or track.address
    click.echo(plain(f"{track.address}  {name} {track.sentence}{several}"), err=err)


def _address(node: Node, text: str) -> str:
    """Return an address as it is known: whole, or of the only track that begins so."""
    if len(text) < _HEX_MIN:
        raise BadInput(f"{text!r} is too little to tell; write more of it", field="ADDRESS")
    low = text.lower()
    heard = [track.address for track in node.ask("GET", "/picture").read(PictureView).tracks]
    if text in heard:
        return text
    found = [
        each
        for each in heard
        if each.lower().startswith(low) or each.lower().partition(":")[2].startswith(low)
    ]
    if len(found) == 1:
        return found[0]
    if not found and ":" in text:
        return text  # Of an aircraft that is not heard yet.
    several = f"{len(found)} aircraft that are heard begin so" if found else "is not heard"
    raise BadInput(
        f"{text[:40]!r}: {several}; `tansiq track list` shows them, or write it whole, as "
        "icao:a1b2c3",
        field="ADDRESS",
    )
