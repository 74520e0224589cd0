"""``tansiq line ...``, ``stop``, ``all-clear``, ``watch``: the desk and its line."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import click
import msgspec

from tansiq.cli.client import EXITS, NOT_YET, Node, confirm, data_option, json_option, read_file
from tansiq.cli.line_text import lines_text, outbox_text, rows, sheet_text, yields_text
from tansiq.cli.said import (
    Along,
    area_query,
    exercise_option,
    language_option,
    note_argument,
    note_id,
    say,
    text_option,
    to_option,
)
from tansiq.clock import SystemClock
from tansiq.errors import BadInput, PeerUnreachable, StoreError
from tansiq.services.line.views import (
    LinesView,
    OutboxView,
    Threads,
    ThreadView,
    WatchView,
    YieldsView,
)

_ARRIVES_S = 3.0
_LOOKS_S = 0.1
_ELSE = "THE STOP MAY NOT HAVE BEEN SAID: use every other channel"
_STOP_EXITS = """\b
Exit codes: 0 it has arrived everywhere   1 not yet, or refused
            2 bad input   3 the node does not answer   4 its store fails
"""
_STATES = ("open", "degraded", "exercise", "suspended", "closed")


@click.command("show", epilog=EXITS)
@data_option
@json_option
def show_lines(*, data: Path, as_json: bool) -> None:
    """Show every line: its state, comm checks, clocks, and what has not arrived."""
    reply = Node(data).ask("GET", "/line")
    click.echo(reply.body.decode() if as_json else lines_text(reply.read(LinesView)))


@click.command("set", epilog=EXITS)
@click.argument("state", type=click.Choice(_STATES))
@to_option
@text_option
@language_option
@data_option
@json_option
def set_line(
    state: str, *, to: tuple[str, ...], text: str, language: str, data: Path, as_json: bool
) -> None:
    """Say what our side of the line is.

    Whatever the state, stop and all-clear pass. It is an exercise once both sides say so.
    """
    say(Node(data), "/line", as_json=as_json, state=state, to=to, text=text, language=language)


@click.command(epilog=EXITS)
@to_option
@exercise_option
@data_option
@json_option
def check(*, to: tuple[str, ...], exercise: bool, data: Path, as_json: bool) -> None:
    """Send a comm check: a person at the other desk answers it."""
    say(Node(data), "/checks", as_json=as_json, to=to, exercise=exercise)


@click.command(epilog=EXITS)
@note_argument
@data_option
@json_option
def reply(note: str, *, data: Path, as_json: bool) -> None:
    """Answer a comm check, as a person."""
    say(Node(data), f"/threads/{note}/reply", as_json=as_json)


@click.command(epilog=EXITS)
@click.argument("party")
@click.argument("gist")
@click.option("--at", metavar="TIME", help="When it was held, RFC 3339.  [default: now]")
@language_option
@data_option
@json_option
def call(
    party: str, gist: str, *, at: str | None, language: str, data: Path, as_json: bool
) -> None:
    """Log a voice call with PARTY; their desk is asked to confirm the gist.

    \b
      tansiq line call south "They hold OSPREY-2 until 1500Z"
    """
    said = {"to": party, "text": gist, "language": language, **({"at": at} if at else {})}
    say(Node(data), "/calls", as_json=as_json, **said)


@click.command("say", epilog=EXITS)
@click.argument("code")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@to_option
@exercise_option
@data_option
@json_option
def message(
    code: str,
    parameters: tuple[str, ...],
    *,
    to: tuple[str, ...],
    exercise: bool,
    data: Path,
    as_json: bool,
) -> None:
    """Say a coded message; each side reads it in its own language.

    `tansiq phrases say` lists the codes and what each takes.

    \b
      tansiq line say say.stand-by
      tansiq line say say.will-be-late flight=OSPREY-2 minutes=15
    """
    say(
        Node(data),
        "/messages",
        as_json=as_json,
        code=code if "." in code else f"say.{code}",
        parameters=dict(_parameter(each) for each in parameters),
        to=to,
        exercise=exercise,
    )


def _parameter(text: str) -> tuple[str, str | int]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise BadInput(f"{text!r} is not NAME=VALUE", field="parameters")
    whole = value.isascii() and value.isdigit() and (value == "0" or value[0] != "0")
    return name, int(value) if whole and len(value) <= 9 else value


@click.command(epilog=EXITS)
@click.option("--from", "start", required=True, metavar="TIME", help="RFC 3339.")
@click.option("--to-time", "end", required=True, metavar="TIME", help="RFC 3339.")
@click.argument("words")
@to_option
@language_option
@data_option
@json_option
def incident(words: str, *, to: tuple[str, ...], data: Path, as_json: bool, **said: str) -> None:
    """Open an incident over a window of time; the other side owes a review."""
    say(Node(data), "/incidents", as_json=as_json, to=to, text=words, **said)


@click.command(epilog=EXITS)
@note_argument
@click.argument("words")
@language_option
@data_option
@json_option
def review(note: str, words: str, *, language: str, data: Path, as_json: bool) -> None:
    """Answer an incident of the other side."""
    say(Node(data), f"/threads/{note}/review", as_json=as_json, text=words, language=language)


@click.command("yields", epilog=EXITS)
@click.option("--party", help="Those with this party.")
@click.option("--since", help="Those settled from then on, such as 2026-01-31T00:00:00Z.")
@click.option(
    "--last", type=click.IntRange(1, 1_000), default=20, show_default=True, help="List so many."
)
@data_option
@json_option
def show_yields(
    *, party: str | None, since: str | None, last: int, data: Path, as_json: bool
) -> None:
    """Show who gave way, how often and by how much: agreements that both sides signed.

    What was practised does not count.
    """
    query = {"party": party, "since": since, "last": last}
    reply = Node(data).ask("GET", "/yields", query=query)
    click.echo(reply.body.decode() if as_json else yields_text(reply.read(YieldsView)))


@click.command(epilog=EXITS)
@data_option
@json_option
def outbox(*, data: Path, as_json: bool) -> None:
    """Show what we said that has not arrived, and why."""
    found = Node(data).ask("GET", "/outbox")
    click.echo(found.body.decode() if as_json else outbox_text(found.read(OutboxView).waiting))


@click.command(epilog=_STOP_EXITS)
@click.argument("file", type=click.Path(), required=False)
@to_option
@text_option
@language_option
@exercise_option
@data_option
@json_option
def stop(
    file: str | None,
    *,
    to: tuple[str, ...],
    data: Path,
    as_json: bool,
    **along: Unpack[Along],
) -> None:
    """STOP: everybody keeps out of the air in FILE, or of all air of the agreement.

    Sent to every party at once, before everything else, again each second until it arrives. It
    stands until `tansiq all-clear`. Nobody is asked first. Waits up to 3 s to say where it has
    arrived.
    """
    air = None if file is None else read_file(file)
    node = Node(data)
    try:
        if air is None:
            body = msgspec.json.encode({"to": to, **along})
            reply = node.ask("POST", "/stops", body=body)
        else:
            reply = node.ask("POST", "/stops/area", query=area_query(to, along), body=air)
    except (PeerUnreachable, StoreError) as error:
        raise type(error)(f"{_ELSE}; {error.message}") from error
    threads = _arrived(node, reply.read(Threads).threads)
    click.echo(reply.body.decode() if as_json else rows(threads))
    silent = ", ".join(thread.party for thread in threads if thread.stage == "sent")
    if silent:
        click.echo(
            f"STOP HAS NOT ARRIVED at {silent}: use every other channel; tansiq line outbox says "
            "why, and the node goes on trying",
            err=True,
        )
        raise SystemExit(NOT_YET)


def _arrived(node: Node, threads: Sequence[ThreadView]) -> list[ThreadView]:
    """Return conversations as they are once all have arrived, or after a while."""
    clock = SystemClock()
    limit_s = clock.monotonic_s() + _ARRIVES_S
    while True:
        found = [node.ask("GET", f"/threads/{thread.id}").read(ThreadView) for thread in threads]
        if clock.monotonic_s() > limit_s or all(thread.stage != "sent" for thread in found):
            return found
        asyncio.run(clock.sleep(_LOOKS_S))


@click.command("all-clear", epilog=EXITS)
@click.argument("note", metavar="[ID]", required=False, callback=note_id)
@text_option
@language_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def all_clear(
    note: str | None, *, text: str, language: str, yes: bool, data: Path, as_json: bool
) -> None:
    """Take our stop back: the one named, or all of ours. Asks first, at a terminal.

    A stop that went to several parties is one for each: without ID all of them are taken back.
    """
    confirm("Give the all-clear for " + (note or "every stop of ours") + "?", yes=yes)
    path = "/all-clear" if note is None else f"/threads/{note}/all-clear"
    say(Node(data), path, as_json=as_json, text=text, language=language)


@click.command("take", epilog=EXITS)
@click.option("--desk", default="", help="The desk's id in the agreement.")
@click.option("--text", default="", help="A word to whoever reads the sheet.")
@data_option
@json_option
def take_watch(*, desk: str, text: str, data: Path, as_json: bool) -> None:
    """Take the watch of our desk. The sheet lists everything that is open, and is signed."""
    body = msgspec.json.encode({"desk": desk, "text": text})
    found = Node(data).ask("POST", "/watch", body=body)
    click.echo(found.body.decode() if as_json else sheet_text(found.read(WatchView)))


@click.command("show", epilog=EXITS)
@data_option
@json_option
def show_watch(*, data: Path, as_json: bool) -> None:
    """Show who sits at our desk, and the sheet of what was open when they took it."""
    found = Node(data).ask("GET", "/watch")
    click.echo(found.body.decode() if as_json else sheet_text(found.read(WatchView)))
