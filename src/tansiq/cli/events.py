"""``tansiq events``: what happens at the node, as it happens."""

from pathlib import Path

import click
import msgspec

from tansiq.cli.alarm import KIND as ALARM
from tansiq.cli.alarm import WARNING_KIND as WARNING
from tansiq.cli.alarm import AlarmEvent
from tansiq.cli.client import EXITS, Event, Node, data_option, json_option
from tansiq.cli.line_text import ID_CHARS
from tansiq.cli.show import short
from tansiq.errors import BadInput, PeerUnreachable


class _Subject(msgspec.Struct, frozen=True):
    """What an event's line shows; kinds of subjects differ in the rest."""

    status: str = ""
    callsign: str = ""
    name: str = ""
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    reachable: bool | None = None
    problem: str | None = None
    # Of what is said on the line.
    party: str = ""
    sender: str = ""
    word: str = ""
    mode: str = ""
    kind: str = ""
    rung: str = ""
    by: str = ""
    whom: str | None = None
    state: str = ""
    clock: str = ""
    # Of programs that are started on events.
    on: str = ""
    # Of parties that join.
    words: tuple[str, ...] = ()


_EITHER = "decided"
"""The rung that either side may owe; the others are those of whom the notice is for."""


class _Event(msgspec.Struct, frozen=True):
    seq: int
    time: str
    kind: str
    id: str
    body: _Subject | None


class _CutOff(msgspec.Struct, frozen=True):
    code: str
    message: str


@click.command(epilog=EXITS)
@click.option(
    "--after",
    metavar="N",
    type=click.IntRange(0),
    help="Begin after event N, 0 being the oldest kept.  [default: 0; with --follow: now]",
)
@click.option("--follow", "-f", is_flag=True, help="Go on until Ctrl-C.")
@data_option
@json_option
def events(*, after: int | None, follow: bool, data: Path, as_json: bool) -> None:
    """Print the node's events, one a line, oldest first; with --json one JSON object a line.

    \b
      tansiq events --follow
      tansiq events --after 1200 --json
    """
    node = Node(data)
    last = 0 if after is None and not follow else after
    for event in node.feed(last, follow=follow):
        last = event.seq if event.seq is not None else last
        _print(event, as_json=as_json)
    if follow:
        raise PeerUnreachable(f"the feed ended; go on with tansiq events --follow --after {last}")


def _print(event: Event, *, as_json: bool) -> None:
    if event.kind == "start":
        return
    if event.kind == "cut-off":
        cut = msgspec.json.decode(event.data, type=_CutOff)
        if cut.code in ("gone", "ahead"):
            raise BadInput(cut.message, field="--after")
        raise PeerUnreachable(cut.message)
    if as_json:
        click.echo(event.data)
        return
    if event.kind == ALARM:
        alarm = msgspec.json.decode(event.data, type=AlarmEvent)
        click.echo(f"{event.seq:>6}  {alarm.time}  {ALARM:<13}  {alarm.line}")
        return
    if event.kind == WARNING:
        return  # The line before says it.
    told = msgspec.json.decode(event.data, type=_Event)
    click.echo(f"{told.seq:>6}  {told.time}  {told.kind:<13}  {_line(told)}")


def _note(thread: str, body: _Subject) -> str:
    practice = "EXERCISE " if body.mode == "exercise" else ""
    ours = body.sender != body.party
    whose = f"we said, to {body.party}" if ours else f"{body.party} said"
    return f"{thread[:ID_CHARS]}  {practice}{body.word}: {whose}"


def _overdue(thread: str, body: _Subject) -> str:
    practice = "EXERCISE " if body.mode == "exercise" else ""
    turned = f"; turn to {body.whom}" if body.whom else ""
    what = f"{body.kind} with {body.party}"
    whose = f" by {body.by}" if body.rung == _EITHER else ""
    return f"{thread[:ID_CHARS]}  {practice}OVERDUE: {what}, not {body.rung}{whose}{turned}"


def _check(party: str, body: _Subject) -> str:
    words = {"quiet": "comm check answered", "due": "COMM CHECK DUE"}
    missed = f"{body.state.upper()}: comm check missed"
    return f"{party}  {words.get(body.state, missed)}"


def _clock(party: str, body: _Subject) -> str:
    words = {"apart": "CLOCKS APART, more than agreed", "impossible": "CLOCKS CONTRADICT"}
    return f"{party}  {words.get(body.clock, f'clock {body.clock}')}"


def _hook(name: str, body: _Subject) -> str:
    return f"{name}  " + (f"HOOK FAILED on {body.on}: {body.problem}" if body.problem else "works")


def _joined(party: str, body: _Subject) -> str:
    words = "  ".join(body.words)
    return f"{party}  answered our invitation ({body.name}); compare by voice: {words}"


_ON_THE_LINE = {
    "note": _note,
    "line-overdue": _overdue,
    "line-escalated": _overdue,
    "line-check": _check,
    "line-clock": _clock,
    "hook": _hook,
    "joined": _joined,
}


def _line(told: _Event) -> str:
    body = told.body
    if body is None:
        return f"{short(told.id)}  changed; look with tansiq {told.kind} show {short(told.id)}"
    if told.kind == "peer":
        word = {True: "answers", False: "does not answer", None: "not asked yet"}[body.reachable]
        return f"{told.id}  {word}" + (f": {body.problem}" if body.problem else "")
    if told.kind in _ON_THE_LINE:
        return _ON_THE_LINE[told.kind](told.id, body)
    name = body.callsign or body.name
    # A reason may begin with the status itself ("waiting: blocked by ...").
    reason = (body.reason or "").removeprefix(f"{body.status}: ")
    line = f"{short(told.id)}  {name:<12}  {body.status}" + (f": {reason}" if reason else "")
    return line + "".join(f"; WARNING {warning}" for warning in body.warnings)
