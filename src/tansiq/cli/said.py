"""What the commands of the line share: options, sending, printing."""

import json
import re
from collections.abc import Callable
from typing import TypedDict, TypeVar

import click

from tansiq.cli.client import Node, Reply
from tansiq.cli.line_text import rows
from tansiq.errors import BadInput
from tansiq.services.line.views import Threads

F = TypeVar("F", bound=Callable[..., object])
_NOTE = re.compile(r"[0-9a-f]{6,64}")
LANGUAGES = ("en", "ar", "he", "ru")


def note_id(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    """Return the id of a conversation or note as it stands in addresses.

    Raises:
        BadInput: it is none.
    """
    if text is None or _NOTE.fullmatch(text.lower()):
        return text and text.lower()
    raise BadInput(
        f"{text[:40]!r} is no id of the line: 6 hex digits or more; `tansiq notice list --all` "
        "shows them",
        field="ID",
    )


note_argument: Callable[[F], F] = click.argument("note", metavar="ID", callback=note_id)
reader_option: Callable[[F], F] = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language to read it in.",
)

to_option: Callable[[F], F] = click.option(
    "--to",
    multiple=True,
    metavar="PARTY",
    help="To this party; may be repeated.  [default: all others]",
)
text_option: Callable[[F], F] = click.option(
    "--text", default="", help="Free words that go along; nobody translates them."
)
language_option: Callable[[F], F] = click.option(
    "--in",
    "language",
    default="",
    metavar="LANGUAGE",
    help="Language of the free words, such as ar.",
)
exercise_option: Callable[[F], F] = click.option(
    "--exercise", is_flag=True, help="Practice: marked as such everywhere."
)


class Along(TypedDict):
    """What goes along with air that is told of or stopped."""

    text: str
    language: str
    exercise: bool


def area_query(to: tuple[str, ...], along: Along) -> dict[str, str | bool | None]:
    """Return what goes along with a file of air."""
    return {
        "to": ",".join(to) or None,
        "text": along["text"] or None,
        "language": along["language"] or None,
        "exercise": along["exercise"],
    }


def say(node: Node, path: str, *, as_json: bool, **said: object) -> None:
    """Send something to be said, and print the conversations that it belongs to."""
    try:
        body = json.dumps(said, ensure_ascii=False, allow_nan=False).encode() if said else None
    except ValueError as error:
        raise BadInput("nan and inf are no numbers here", field="body") from error
    show(node.ask("POST", path, body=body), as_json=as_json)


def show(reply: Reply, *, as_json: bool) -> None:
    """Print conversations."""
    if as_json:
        click.echo(reply.body.decode())
        return
    threads = reply.read(Threads).threads
    click.echo(rows(threads) if threads else "nothing")
