"""``tansiq notice ...``: tell other parties, read what they tell, answer."""

import math
import sys
from pathlib import Path
from typing import Any, Unpack

import click

from tansiq.cli.client import EXITS, Node, data_option, json_option, read_file
from tansiq.cli.line_text import thread_text
from tansiq.cli.pick import plan_id, plan_or_constraint_id
from tansiq.cli.said import (
    Along,
    area_query,
    exercise_option,
    language_option,
    note_argument,
    reader_option,
    say,
    show,
    text_option,
    to_option,
)
from tansiq.errors import BadInput
from tansiq.services.line.views import Threads, ThreadView
from tansiq.services.views import Plans

plan_option = click.option(
    "--plan", metavar="ID", help="Which plan of ours moves, where the notice is of theirs."
)


@click.command(epilog=EXITS)
@click.argument("plan", metavar="ID")
@to_option
@text_option
@language_option
@data_option
@json_option
def give(
    plan: str, *, to: tuple[str, ...], text: str, language: str, data: Path, as_json: bool
) -> None:
    """Tell other parties of a plan or no-go area of ours.

    ID is an id, the beginning of one, a call sign, or the name of a no-go area. A notice of the
    same that was given before is superseded.

    \b
      tansiq notice give OSPREY-2
      tansiq notice give OSPREY-2 --to north --text "Second aircraft follows"
    """
    node = Node(data)
    chosen = plan_or_constraint_id(node, plan)
    _warn(node, chosen)
    say(node, "/notices", as_json=as_json, id=chosen, to=to, text=text, language=language)


def _warn(node: Node, chosen: str) -> None:
    """Say so where a plan does not stand: whoever is told of it may think that it does."""
    plans = node.ask("GET", "/plans", query={"volumes": False}).read(Plans).plans
    for plan in plans:
        if plan.id == chosen and not plan.coordinated:
            click.echo(f"note: this plan is {plan.status}, not coordinated", err=True)


@click.command(epilog=EXITS)
@click.argument("file", type=click.Path())
@to_option
@text_option
@language_option
@exercise_option
@data_option
@json_option
def area(
    file: str, *, to: tuple[str, ...], data: Path, as_json: bool, **along: Unpack[Along]
) -> None:
    """Tell other parties of the air in FILE (GeoJSON; - is standard input) to keep out of.

    It is no plan and no no-go area in any register: an obstacle, a crane, practice.
    """
    query = area_query(to, along)
    reply = Node(data).ask("POST", "/notices/area", query=query, body=read_file(file))
    show(reply, as_json=as_json)


@click.command("list", epilog=EXITS)
@click.option("--open", "open_only", is_flag=True, help="Only what somebody still has to act on.")
@click.option("--with", "party", metavar="PARTY", help="Only those with this party.")
@click.option("--all", "every", is_flag=True, help="Every conversation, not notices alone.")
@click.option("--last", type=click.IntRange(1, 1_000), default=50, show_default=True)
@data_option
@json_option
def list_notices(
    *, open_only: bool, party: str | None, every: bool, last: int, data: Path, as_json: bool
) -> None:
    """List notices and how far each is: a rung shows the hour at which it was reached."""
    kind = None if every else "notice"
    query = {"open": open_only, "party": party, "kind": kind, "last": last}
    reply = Node(data).ask("GET", "/threads", query=query)
    show(reply, as_json=as_json)
    if len(reply.read(Threads).threads) == last:
        click.echo(f"the latest {last}; --last shows more", err=True)


@click.command("show", epilog=EXITS)
@note_argument
@reader_option
@data_option
@json_option
def show_notice(note: str, *, language: str, data: Path, as_json: bool) -> None:
    """Show one conversation: its ladder, lead time, and everything that was said."""
    reply = Node(data).ask("GET", f"/threads/{note}", query={"language": language})
    if as_json:
        click.echo(reply.body.decode())
    else:
        click.echo(thread_text(reply.read(ThreadView)))


@click.command(epilog=EXITS)
@note_argument
@data_option
@json_option
def seen(note: str, *, data: Path, as_json: bool) -> None:
    """Say that a person on watch has seen it. That is no answer."""
    say(Node(data), f"/threads/{note}/seen", as_json=as_json)


@click.command("read-back", epilog=EXITS)
@note_argument
@click.option("--point", "points", multiple=True, metavar="LAT,LNG", help="Centre, or each corner.")
@click.option("--radius-m", type=int, help="Of a circle.")
@click.option("--lower", metavar="LEVEL", help="As it was said: FL070, 3500 ft AMSL.")
@click.option("--upper", metavar="LEVEL")
@click.option("--start", metavar="TIME", help="RFC 3339.")
@click.option("--end", metavar="TIME")
@reader_option
@data_option
@json_option
def read_back(
    note: str, *, points: tuple[str, ...], language: str, data: Path, as_json: bool, **said: Any
) -> None:
    """Say back what a notice was understood to say; what differs is refused, by name.

    Shows the notice in words and grid. What is not given as an option is asked for, at a terminal.

    \b
      tansiq notice read-back 3fa9c1
    """
    node = Node(data)
    thread = node.ask("GET", f"/threads/{note}", query={"language": language}).read(ThreadView)
    if thread.told is None:
        raise BadInput("is no notice whose volumes are here", field="id")
    click.echo("\n".join(thread.told.words), err=True)
    wanted = len(thread.told.points)
    given = list(points)
    while len(given) < wanted and sys.stdin.isatty():
        what = "centre" if thread.told.radius_m is not None else f"corner {len(given) + 1}"
        given.append(click.prompt(f"{what} (latitude,longitude)", err=True))
    if thread.told.radius_m is None and said.pop("radius_m") is not None:
        raise BadInput("the notice has corners, and no radius", field="--radius-m")
    for name in said:
        if said[name] is None and sys.stdin.isatty():
            asked = int if name == "radius_m" else str
            said[name] = click.prompt(name.replace("_", " "), type=asked, err=True)
    missing = [f"--{name.replace('_', '-')}" for name, value in said.items() if value is None]
    missing[:0] = [] if given else ["--point"]
    if missing:
        raise BadInput(f"say {', '.join(missing)} as well", field="readback")
    say(
        node,
        f"/threads/{note}/readback",
        as_json=as_json,
        points=[_point(each) for each in given],
        **said,
    )


def _point(text: str) -> tuple[float, float]:
    lat, _, lng = text.partition(",")
    try:
        point = float(lat), float(lng)
    except ValueError:
        point = (math.nan, math.nan)
    if not all(map(math.isfinite, point)):
        raise BadInput(f"{text!r} is not LAT,LNG in degrees, as 33.05,36.1", field="--point")
    return point


@click.command(epilog=EXITS)
@note_argument
@click.argument("word", type=click.Choice(["noted", "no-conflict", "unable", "need-time"]))
@click.option("--minutes", type=click.IntRange(1, 43_200), help="With need-time: how long.")
@text_option
@language_option
@data_option
@json_option
def answer(
    note: str, word: str, *, minutes: int | None, data: Path, as_json: bool, **words: str
) -> None:
    """Answer a notice. No conflict is said only of what was read back.

    \b
      tansiq notice answer 3fa9c1 noted
      tansiq notice answer 3fa9c1 need-time --minutes 20
      tansiq notice answer 3fa9c1 unable --text "Balloon until 1500Z"
    """
    wait = {} if minutes is None else {"minutes": minutes}
    say(Node(data), f"/threads/{note}/answer", as_json=as_json, word=word, **wait, **words)


@click.command(epilog=EXITS)
@note_argument
@click.option("--mine", is_flag=True, help="Our plan would move.  [default: theirs]")
@click.option("--delay-s", metavar="S", type=int, default=0, help="Seconds later.")
@click.option("--up-m", metavar="M", type=float, default=0.0, help="Metres higher.")
@click.option("--north-m", metavar="M", type=float, default=0.0, help="Metres further north.")
@click.option("--east-m", metavar="M", type=float, default=0.0, help="Metres further east.")
@text_option
@language_option
@data_option
@json_option
def counter(
    note: str,
    *,
    mine: bool,
    text: str,
    language: str,
    data: Path,
    as_json: bool,
    **shift: float,
) -> None:
    """Propose a move that would clear it; `tansiq plan submit --dry-run` finds some.

    \b
      tansiq notice counter 3fa9c1 --delay-s 600
      tansiq notice counter 3fa9c1 --mine --up-m 300
    """
    moved = {name: by for name, by in shift.items() if by}
    moves = "mine" if mine else "yours"
    say(
        Node(data),
        f"/threads/{note}/counter",
        as_json=as_json,
        shift=moved,
        moves=moves,
        text=text,
        language=language,
    )


@click.command(epilog=EXITS)
@note_argument
@plan_option
@data_option
@json_option
def accept(note: str, *, plan: str | None, data: Path, as_json: bool) -> None:
    """Accept their counter-proposal: our plan moves if it is ours that would, and we sign.

    Of a no-go area or other air nothing moves by itself: give a notice of the new one.
    """
    node = Node(data)
    say(node, f"/threads/{note}/accept", as_json=as_json, **_which(node, plan))


def _which(node: Node, plan: str | None) -> dict[str, str]:
    return {} if plan is None else {"plan": plan_id(node, plan)}


@click.command(epilog=EXITS)
@note_argument
@click.option("--disputed", is_flag=True, help="It is not right.")
@plan_option
@text_option
@language_option
@data_option
@json_option
def confirm(
    note: str, *, disputed: bool, plan: str | None, data: Path, as_json: bool, **words: str
) -> None:
    """Confirm, or dispute, what the other side has put down: an outcome, or the gist of a call."""
    node = Node(data)
    said = {"agreed": not disputed, **_which(node, plan), **words}
    say(node, f"/threads/{note}/confirm", as_json=as_json, **said)


@click.command(epilog=EXITS)
@note_argument
@text_option
@language_option
@data_option
@json_option
def withdraw(note: str, *, text: str, language: str, data: Path, as_json: bool) -> None:
    """Take a notice of ours back."""
    say(Node(data), f"/threads/{note}/withdraw", as_json=as_json, text=text, language=language)
