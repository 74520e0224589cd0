"""``tansiq login``, ``logout``, ``whoami``: who the commands act for."""

import sys
from pathlib import Path

import click
import msgspec

from tansiq.cli.client import EXITS, Node, data_option, json_option
from tansiq.cli.files import plain
from tansiq.cli.ways import Kind, Saved, find_way, forget_login, load_login, save_login, way_in
from tansiq.errors import BadInput
from tansiq.services.accounts.views import Me, SessionOpened

_LINE_CHARS_MAX = 1_000


@click.command(epilog=EXITS)
@click.argument("name", metavar="NAME")
@data_option
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    help="Port of the own API, for those who may not look into the data folder.",
)
@json_option
def login(name: str, *, data: Path, port: int | None, as_json: bool) -> None:
    """Log in at a node of this machine, as NAME.

    Asks for the password without showing it, or reads it from standard input where that is no
    terminal. Later commands with the same --data act for NAME until `tansiq logout`, or until the
    session ends.

    \b
    Example:
      tansiq login --data north anna
    """
    way = way_in(data, port)
    password = read_password("Password")
    reply = Node(data, way).tell(
        "POST", "/sessions", {"name": name, "password": password, "kind": "bearer"}
    )
    opened = reply.read(SessionOpened)
    if opened.token is None:
        raise BadInput("the node gave no token; is it of the same version?", field="token")
    file = save_login(
        Saved(
            data=str(data.resolve()),
            port=way.port,
            name=opened.name,
            token=opened.token,
            ends=opened.ends,
        )
    )
    if as_json:
        # Without the token: it is in its file, and need not be in a log as well.
        shown = msgspec.structs.replace(opened, token=None)
        click.echo(msgspec.json.encode(shown).decode())
        return
    click.echo(
        f"{plain(opened.display_name)} ({opened.initials}), {opened.role}, until {opened.ends}"
    )
    click.echo(f"kept in {file}", err=True)


@click.command(epilog=EXITS)
@data_option
def logout(*, data: Path) -> None:
    """End the session of `tansiq login`; commands act for this machine again, where they may."""
    saved = load_login(data)
    if saved is None:
        raise BadInput("nobody is logged in at this data folder's node", field="login")
    way = find_way(data)
    try:
        if way.kind is Kind.LOGIN:  # And not a token that was given besides.
            Node(data, way).tell("DELETE", "/sessions/current")
    except BadInput:
        click.echo("the session had ended already", err=True)
    finally:
        forget_login(data)
    click.echo(f"{saved.name} is logged out")


@click.command(epilog=EXITS)
@data_option
@json_option
def whoami(*, data: Path, as_json: bool) -> None:
    """Show who the commands act for, and what they may."""
    way = find_way(data)
    reply = Node(data, way).ask("GET", "/me")
    if as_json:
        click.echo(reply.body.decode())
        return
    me = reply.read(Me)
    if me.account is None:
        click.echo(f"{me.name}, {me.role}")
        return
    click.echo(f"{me.name}: {plain(me.display_name)} ({me.initials}), {me.role}")


def read_password(what: str, *, twice: bool = False) -> str:
    """Ask a person for a password, without showing it; a script sends it as a line.

    Raises:
        BadInput: nothing was sent.
    """
    if sys.stdin.isatty():
        shown: str = click.prompt(what, hide_input=True, confirmation_prompt=twice, err=True)
        return shown
    line = sys.stdin.readline(_LINE_CHARS_MAX)
    if not line.strip("\r\n"):
        raise BadInput("send it as one line of standard input", field=what.lower())
    return line.rstrip("\r\n")
