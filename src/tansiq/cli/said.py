"""What the commands of the line share: options, sending, printing."""

import json
from collections.abc import Callable
from typing import TypeVar

import click

from tansiq.cli.client import Node, Reply
from tansiq.cli.line_text import rows
from tansiq.services.line.views import Threads

F = TypeVar("F", bound=Callable[..., object])

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


def say(node: Node, path: str, *, as_json: bool, **said: object) -> None:
    """Send something to be said, and print the conversations that it belongs to."""
    body = json.dumps(said, ensure_ascii=False).encode() if said else None
    show(node.ask("POST", path, body=body), as_json=as_json)


def show(reply: Reply, *, as_json: bool) -> None:
    """Print conversations."""
    if as_json:
        click.echo(reply.body.decode())
        return
    threads = reply.read(Threads).threads
    click.echo(rows(threads) if threads else "nothing")
