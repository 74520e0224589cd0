"""``tansiq alarm ...``: what the watch has found, and what a person says of it."""

from pathlib import Path

import click
import msgspec

from tansiq.cli.client import Node, data_option, json_option
from tansiq.cli.watch_text import alarm_change, alarm_text, alarms_text
from tansiq.errors import BadInput, PeerUnreachable
from tansiq.services.watch.views import AlarmList, AlarmView

KIND = "watch-alarm"
"""Of the events."""
WARNING_KIND = "watch-warning"
"""Of those that say once more what has come to be a warning."""
_EXITS = """\b
Exit codes: 0 done   1 refused: it is over, or a warning cannot be kept silent
            2 bad input   3 the node does not answer   4 its store fails
"""
_ids = click.argument("named", metavar="ID", nargs=1)


@click.command("list", epilog=_EXITS)
@click.option(
    "--over",
    type=click.IntRange(0, 1_000),
    default=0,
    metavar="N",
    help="So many that are over, the latest first, besides.",
)
@click.option("--since", metavar="TIME", help="Of those that are over: changed since, RFC 3339.")
@data_option
@json_option
def list_alarms(*, over: int, since: str | None, data: Path, as_json: bool) -> None:
    """List the alarms in sight, the most urgent first.

    # is a warning, ^ a caution, o an advisory. FLASHING: nobody here has acknowledged it at this
    level. T-mm:ss is the time until what it warns of; -: it is not predicted any more, and the
    alarm is held a little.

    \b
      tansiq alarm list
      tansiq alarm list --over 20 --since 2026-11-29T06:00:00Z
    """
    if since is not None and not over:
        raise BadInput("is about those that are over; say --over N as well", field="--since")
    reply = Node(data).ask("GET", "/alarms", query={"over": over, "since": since})
    click.echo(reply.body.decode() if as_json else alarms_text(reply.read(AlarmList)))


@click.command("show", epilog=_EXITS)
@_ids
@data_option
@json_option
def show_alarm(named: str, *, data: Path, as_json: bool) -> None:
    """Show one alarm: where, since when, who has seen it, and ways out.

    ID may be the first 6 characters of one.
    """
    _say(Node(data), "GET", _path(named), as_json=as_json)


@click.command(epilog=_EXITS)
@click.argument("named", metavar="ID...", nargs=-1, required=True)
@data_option
@json_option
def ack(named: tuple[str, ...], *, data: Path, as_json: bool) -> None:
    """Acknowledge alarms: a person has seen them. The other party's desk is told.

    They stop flashing, and do so again if they rise. Nothing is cleared by it.

    \b
      tansiq alarm ack 3f2a91bc 77d0c1e4
    """
    node = Node(data)
    for each in dict.fromkeys(named):
        _say(node, "POST", f"{_path(each)}/acknowledge", as_json=as_json)


@click.command(epilog=_EXITS)
@_ids
@click.option(
    "--minutes",
    type=click.FloatRange(1, 60),
    required=True,
    help="For how long, 1 to 60.",
)
@click.option("--reason", required=True, metavar="TEXT", help="Why; everybody reads it.")
@data_option
@json_option
def suppress(named: str, *, minutes: float, reason: str, data: Path, as_json: bool) -> None:
    """Keep an alarm silent for some minutes, at its present level and below.

    A warning is not kept silent: acknowledge it. If the alarm rises, it is heard at once.

    \b
      tansiq alarm suppress 3f2a91bc --minutes 15 --reason "flying formation, agreed by radio"
    """
    body = msgspec.json.encode({"minutes": minutes, "reason": reason})
    _say(Node(data), "POST", f"{_path(named)}/suppress", as_json=as_json, body=body)


@click.command(epilog=_EXITS)
@_ids
@data_option
@json_option
def nuisance(named: str, *, data: Path, as_json: bool) -> None:
    """Say that an alarm was for nothing: it is counted, and nothing else changes."""
    _say(Node(data), "POST", f"{_path(named)}/nuisance", as_json=as_json)


@click.command("test", epilog=_EXITS)
@data_option
@json_option
def try_alarm(*, data: Path, as_json: bool) -> None:
    """Raise an alarm to try out lamps and sounds. It clears by itself; nobody else is told."""
    _say(Node(data), "POST", "/alarm-test", as_json=as_json)


@click.command(epilog=_EXITS)
@data_option
@json_option
def follow(*, data: Path, as_json: bool) -> None:
    """Print what becomes of alarms as it happens, one line a change, until Ctrl-C.

    What is in sight already, `tansiq alarm list` shows. With --json: the events, as JSON Lines.
    """
    last: int | None = None
    shown: dict[str, object] = {}
    for event in Node(data).feed(None, follow=True):
        last = event.seq if event.seq is not None else last
        if event.kind == "cut-off":
            break
        if event.kind != KIND:
            continue
        if as_json:
            click.echo(event.data)
            continue
        told = msgspec.json.decode(event.data, type=AlarmEvent)
        # Who has been told is an event too, and nothing that anybody sees.
        if told.body is None or shown.get(told.id) != told.seen:
            shown[told.id] = told.seen
            click.echo(f"{told.time.partition('.')[0].rstrip('Z')}Z  {told.line}")
    raise PeerUnreachable(
        f"the feed ended; tansiq events --follow --after {last} goes on where it ended"
    )


class AlarmEvent(msgspec.Struct, frozen=True):
    """One event about an alarm."""

    time: str
    id: str
    body: AlarmView | None

    @property
    def seen(self) -> object:
        """Return what a reader would call a change."""
        at = self.body
        if at is None:
            return None
        there, silent = at.acknowledged_there, at.suppressed_until
        return at.level, at.stage, at.flashing, at.acknowledged_by, there, silent, at.nuisance

    @property
    def line(self) -> str:
        """What has become of it."""
        if self.body is None:  # Too large for an event.
            return f"changed; look with tansiq alarm show {self.id[:8]}"
        return alarm_change(self.body)


def _path(named: str) -> str:
    text = named.strip().lower()
    if len(text) < 6 or set(text) - set("0123456789abcdef-"):
        raise BadInput(
            f"{named[:40]!r} is not the id of an alarm, nor the first 6 characters of one; "
            "`tansiq alarm list` shows them",
            field="ID",
        )
    return f"/alarms/{text}"


def _say(node: Node, method: str, path: str, *, as_json: bool, body: bytes | None = None) -> None:
    reply = node.ask(method, path, body=body)
    click.echo(reply.body.decode() if as_json else alarm_text(reply.read(AlarmView)))
