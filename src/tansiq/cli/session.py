"""``tansiq session ...`` and ``tansiq token ...``: what opens the own API, and how it is closed."""

from pathlib import Path

import click

from tansiq.cli.client import EXITS, Node, confirm, data_option, json_option
from tansiq.cli.files import plain
from tansiq.cli.show import short
from tansiq.domain.actor import FeedScope
from tansiq.errors import BadInput
from tansiq.services.accounts.views import (
    FeedTokenList,
    FeedTokenMade,
    FeedTokenView,
    SessionList,
    SessionView,
)

_SCOPES = click.Choice([str(scope) for scope in FeedScope])


@click.command("list", epilog=EXITS)
@data_option
@json_option
def list_sessions(*, data: Path, as_json: bool) -> None:
    """List the sessions that last: one's own, or everybody's for an admin."""
    reply = Node(data).ask("GET", "/sessions")
    if as_json:
        click.echo(reply.body.decode())
        return
    sessions = reply.read(SessionList).sessions
    click.echo("\n".join(map(_session_line, sessions)) if sessions else "no sessions")


@click.command("revoke", epilog=EXITS)
@click.argument("session", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def revoke_session(session: str, *, yes: bool, data: Path) -> None:
    """End a session: one's own, or anybody's for an admin. ID may be the beginning of one."""
    node = Node(data)
    sessions = node.ask("GET", "/sessions").read(SessionList).sessions
    found = [one for one in sessions if session and one.id.startswith(session.lower())]
    if len(found) != 1:
        raise BadInput(
            f"{len(found)} sessions begin with {session!r}; `tansiq session list` shows them",
            field="ID",
        )
    confirm(f"End the session {short(found[0].id)} of {found[0].name}?", yes=yes)
    node.tell("DELETE", f"/sessions/{found[0].id}")
    click.echo(f"session {short(found[0].id)} of {found[0].name} has ended")


@click.command("create", epilog=EXITS)
@click.argument("name", metavar="NAME")
@click.option(
    "--scope", "scopes", type=_SCOPES, multiple=True, required=True, help="What it opens; repeat."
)
@data_option
@json_option
def create_token(name: str, *, scopes: tuple[str, ...], data: Path, as_json: bool) -> None:
    """Make a token for a program that only reads, and print it: it is not shown again.

    \b
    Example:
      tansiq token create prometheus --scope metrics
    """
    reply = Node(data).tell("POST", "/feed-tokens", {"name": name, "scopes": list(scopes)})
    if as_json:
        click.echo(reply.body.decode())
        return
    made = reply.read(FeedTokenMade)
    click.echo(made.token)
    click.echo(f"{plain(made.name)} opens {', '.join(made.scopes)}; not shown again", err=True)


@click.command("list", epilog=EXITS)
@data_option
@json_option
def list_tokens(*, data: Path, as_json: bool) -> None:
    """List the tokens of programs that only read."""
    reply = Node(data).ask("GET", "/feed-tokens")
    if as_json:
        click.echo(reply.body.decode())
        return
    tokens = reply.read(FeedTokenList).tokens
    click.echo("\n".join(map(_token_line, tokens)) if tokens else "no feed tokens")


@click.command("revoke", epilog=EXITS)
@click.argument("name", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
def revoke_token(name: str, *, yes: bool, data: Path) -> None:
    """Revoke the feed token NAME."""
    node = Node(data)
    tokens = node.ask("GET", "/feed-tokens").read(FeedTokenList).tokens
    found = next((token for token in tokens if token.name == name), None)
    if found is None:
        raise BadInput(f"no feed token {name!r}; `tansiq token list` shows all", field="NAME")
    confirm(f"Revoke the feed token {name}?", yes=yes)
    node.tell("DELETE", f"/feed-tokens/{found.id}")
    click.echo(f"the feed token {plain(name)} is revoked")


def _session_line(session: SessionView) -> str:
    mark = "  this one" if session.current else ""
    return plain(
        f"{short(session.id)}  {session.name:<16}  {session.kind:<6}  {session.address}  "
        f"begun {session.begun}  seen {session.seen}  ends {session.ends}{mark}"
    )


def _token_line(token: FeedTokenView) -> str:
    return plain(
        f"{token.name:<20}  {', '.join(token.scopes):<13}  made {token.made} by {token.made_by}"
    )
