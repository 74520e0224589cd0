"""``tansiq invite``, ``join`` and ``pair``: two parties from nothing to one agreement."""

import asyncio
import io
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tansiq.cli.new_node import NodeOptions, ensure_node, node_options
from tansiq.errors import BadInput

if TYPE_CHECKING:
    from tansiq.domain.agreement import Minima
    from tansiq.domain.volume import Circle
    from tansiq.formats.invitation import Proposal
    from tansiq.peers.joining import Meeting

_LINE_CHARS_MAX = 10_000
_LOOKS_S = 0.5
_DATA = click.option(
    "--data",
    envvar="TANSIQ_DATA",
    required=True,
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of the node.",
)
_CENTER = click.option(
    "--center", metavar="LAT,LNG", help="Middle of the agreed area, such as 38.6,-120.3."
)
_RADIUS = click.option(
    "--radius-km", type=float, default=50.0, show_default=True, help="Radius of the agreed area."
)
_MINIMA = (
    click.option("--horizontal-m", type=int, default=1_000, show_default=True, help="Minimum."),
    click.option("--vertical-m", type=int, default=150, show_default=True, help="Minimum."),
    click.option("--time-s", type=int, default=60, show_default=True, help="Minimum."),
)


class _Area(TypedDict):
    """What a command may be told of the agreement to come."""

    center: str | None
    radius_km: float
    horizontal_m: int
    vertical_m: int
    time_s: int


class _Invited(NodeOptions, _Area):
    """All options of ``invite`` but its own."""


def _area_options(command: click.decorators.FC) -> click.decorators.FC:
    for option in reversed((_CENTER, _RADIUS, *_MINIMA)):
        command = option(command)
    return command


@click.command()
@_DATA
@node_options
@_area_options
@click.option(
    "--hours",
    type=click.IntRange(1, 720),
    default=24,
    show_default=True,
    help="How long the invitation can be answered.",
)
@click.option(
    "--wait", is_flag=True, help="Listen for the answer, so that nobody has to send it back."
)
@click.option("--no-qr", is_flag=True, help="Print no code, the line only.")
def invite(data: Path, *, hours: int, no_qr: bool, wait: bool, **options: Unpack[_Invited]) -> None:
    """Invite another party: print a line, and the same as a code, for its desk.

    Makes the folder of the node if it is not there (--party, --name, --url). With --center the
    invitation carries the area and minima that you propose, and both sides then hold the same
    agreement; without it, say the area to `tansiq pair`. With --wait the answer comes by itself.
    Where the node serves already it takes the answer, with --wait or without.

    \b
    Example:
      tansiq invite --data north --party north --name "North Cell" \\
        --url https://192.0.2.10:8443 --center 38.6,-120.3 --radius-km 60 --wait
    """
    from tansiq.clock import SystemClock
    from tansiq.domain.time import zulu
    from tansiq.peers.joining import invite as open_invitation

    proposal = _proposal(options)  # Before anything is made: it may be wrong.
    serving = _serves(data)
    if wait and proposal is None and not serving:
        raise BadInput("--wait needs a proposal; give --center", field="--center")
    if serving and proposal is not None:
        raise BadInput(
            "the node serves under an agreement already; leave this out, and add the party to the "
            "next version of it (docs/joining.md)",
            field="--center",
        )
    now = SystemClock().now()
    _made(data, options, now)
    invitation, line = open_invitation(
        data, proposal=proposal, now=now, valid=timedelta(hours=hours)
    )
    click.echo(
        f"Send this line to the other party, or show the code. It ends at {zulu(invitation.ends)}.",
        err=True,
    )
    _show(line, qr=not no_qr)
    if serving:
        click.echo("The node takes the answer; tansiq events shows it.", err=True)
    meeting = _waited(data, line, invitation.ends, serving=serving) if wait else None
    if meeting is not None:
        _met(data, meeting)
    else:
        click.echo(f"With the line that comes back:\n  tansiq pair --data {data} REPLY", err=True)


@click.command()
@_DATA
@node_options
@click.argument("invitation")
@click.option("--no-qr", is_flag=True, help="Print no code, the line only.")
@click.option("--no-send", is_flag=True, help="Do not try to bring the answer to the inviter.")
def join(
    data: Path, invitation: str, *, no_qr: bool, no_send: bool, **options: Unpack[NodeOptions]
) -> None:
    """Answer an invitation, and show the six words to compare by voice.

    The answer is brought to the inviter if it waits; if not, its line is printed, to be sent.

    INVITATION is the line, a file that holds it, or - for standard input. Makes the folder of the
    node if it is not there.

    \b
    Example:
      tansiq join --data south --party south --name "South Cell" \\
        --url https://198.51.100.7:8443 invitation.txt
    """
    from tansiq.clock import SystemClock
    from tansiq.formats.invitation import read_invitation
    from tansiq.peers.joining import join as answer
    from tansiq.peers.rendezvous import deliver

    line, now = _line(invitation), SystemClock().now()
    read_invitation(line)  # Before a folder is made for it.
    _made(data, options, now)
    meeting = answer(data, line, now)
    other = meeting.other.names["en"]
    failed = "--no-send" if no_send else deliver(meeting.other, meeting.reply)
    if failed:
        click.echo(f"Not brought to {other} ({failed}). Send this line back:", err=True)
        _show(meeting.reply, qr=not no_qr)
    else:
        click.echo(f"Brought to {other}.\n", err=True)
    _met(data, meeting)


@click.command()
@_DATA
@click.argument("reply")
@_area_options
@click.option(
    "--area",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The agreed area, in place of --center: GeoJSON with one outline.",
)
def pair(data: Path, reply: str, *, area: Path | None, **options: Unpack[_Area]) -> None:
    """Take the answer to our invitation, and show the six words to compare by voice.

    REPLY is the line, a file that holds it, or - for standard input. If the invitation proposed
    no area, give it here, and send the agreement that is made of it to the other party.

    \b
    Example:
      tansiq pair --data north reply.txt
    """
    from tansiq.clock import SystemClock
    from tansiq.domain.volume import Outline
    from tansiq.formats.plans import read_outline
    from tansiq.peers.joining import take_reply

    outline: Outline | None = _circle(options)
    if area is not None:
        if outline is not None:
            raise BadInput("give either --area or --center", field="--area")
        outline = read_outline(area.read_bytes(), area.name)
    meeting = take_reply(
        data, _line(reply), SystemClock().now(), area=outline, minima=_minima(options)
    )
    _met(data, meeting)


def _serves(data: Path) -> bool:
    """Report whether a node runs from this folder; it takes answers by itself."""
    from tansiq.cli.client import Node
    from tansiq.errors import PeerError, TansiqError
    from tansiq.services.views import StatusView
    from tansiq.settings import FILE, load_own_token, load_settings

    if not (data / FILE).is_file():
        return False
    try:
        load_own_token(data)
        status = Node(data).ask("GET", "/status").read(StatusView)
    except (PeerError, TansiqError):
        return False
    return status.party == load_settings(data).party


def _waited(data: Path, line: str, until: datetime, *, serving: bool) -> "Meeting | None":
    from tansiq.clock import SystemClock
    from tansiq.peers.joining import answer_to
    from tansiq.peers.rendezvous import wait_for_reply
    from tansiq.settings import load_settings

    click.echo("Waiting for the answer; Ctrl-C ends that, and the invitation stays open.", err=True)
    clock = SystemClock()
    try:
        if not serving:
            return wait_for_reply(load_settings(data), clock, until)
        while (meeting := answer_to(data, line)) is None and clock.now() < until:
            asyncio.run(clock.sleep(_LOOKS_S))
    except KeyboardInterrupt:
        return None
    return meeting


def _made(data: Path, options: NodeOptions | _Invited, now: datetime) -> None:
    if ensure_node(data, options, now):
        click.echo(f"Made {data}: keys, certificate, own token and settings.\n", err=True)


def _line(given: str) -> str:
    """Return the line itself, from standard input, a file, or as it was typed."""
    if given == "-":
        return sys.stdin.read(_LINE_CHARS_MAX)
    path = Path(given)
    if ":" not in given and path.is_file():
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_LINE_CHARS_MAX)
    return given


def _circle(options: _Area | _Invited) -> "Circle | None":
    from tansiq.domain.volume import Circle, LatLng

    if options["center"] is None:
        return None
    try:
        lat, lng = (float(part) for part in options["center"].split(","))
    except ValueError as error:
        raise BadInput("write LAT,LNG in degrees, such as 38.6,-120.3", field="--center") from error
    return Circle(center=LatLng(lat, lng), radius_m=round(options["radius_km"] * 1_000.0))


def _minima(options: _Area | _Invited) -> "Minima":
    from tansiq.domain.agreement import Minima

    return Minima(
        horizontal_m=float(options["horizontal_m"]),
        vertical_m=float(options["vertical_m"]),
        time=timedelta(seconds=options["time_s"]),
    )


def _proposal(options: _Invited) -> "Proposal | None":
    from tansiq.formats.invitation import Proposal

    area = _circle(options)
    return Proposal(area=area, minima=_minima(options)) if area else None


def _show(line: str, *, qr: bool) -> None:
    """Print a line on standard output, and as a code beside it where it fits 80 columns."""
    click.echo("", err=True)
    click.echo(line)
    click.echo("", err=True)
    if not qr:
        return
    import segno

    from tansiq.formats.invitation import QR_VERSION_MAX

    code = segno.make(line, error="l", micro=False, boost_error=False)
    if int(code.version) > QR_VERSION_MAX:
        click.echo("(Too long for a code of 80 columns.)", err=True)
        return
    shown = io.StringIO()
    code.terminal(shown, compact=True, border=2)
    click.echo(shown.getvalue(), err=True)


def _met(data: Path, meeting: "Meeting") -> None:
    """Say what to compare by voice, and what comes next."""
    from tansiq.formats.agreement import read_agreement
    from tansiq.formats.spoken import six_words

    other = meeting.other.names["en"]
    click.echo(f"Call {other} and compare these six words, aloud:\n", err=True)
    click.echo(f"    {'  '.join(six_words(meeting.hash))}", err=True)
    _digits(meeting)
    click.echo(
        f"\nIf they differ, somebody changed a line on its way: delete {data / 'peers'} and "
        f"{data / 'agreement.toml'}, and start again.\n",
        err=True,
    )
    if not meeting.agreement:
        come = f"When the agreement comes as a file: tansiq agreement sign --data {data} FILE"
        entry = data / "peers" / f"{meeting.other.id}.toml"
        click.echo(come if meeting.reply else f"Its entry for an agreement is {entry}.", err=True)
        return
    agreement = read_agreement(meeting.agreement)
    words = " ".join(six_words(bytes.fromhex(agreement.digest)))
    click.echo(
        f"Wrote {data / 'agreement.toml'}. Its own six words: {words}\nNext:\n"
        f"  tansiq agreement show --data {data}\n"
        f"  tansiq agreement sign --data {data}\n"
        f"  tansiq serve --data {data}",
        err=True,
    )


def _digits(meeting: "Meeting") -> None:
    from tansiq.formats.spoken import digit_groups

    shown: set[tuple[str, ...]] = set()
    for language in dict.fromkeys(["en", *meeting.own.names, *meeting.other.names]):
        groups = digit_groups(meeting.hash, language)
        if groups not in shown:
            click.echo(f"    {'  '.join(groups)}   ({language})", err=True)
        shown.add(groups)
