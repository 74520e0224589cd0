"""``tansiq account ...``: people who may use a node, through its API."""

from pathlib import Path

import click

from tansiq.cli.client import EXITS, Node, confirm, data_option, json_option
from tansiq.cli.files import plain
from tansiq.cli.login import read_password
from tansiq.domain.actor import Role
from tansiq.errors import BadInput
from tansiq.services.accounts.views import AccountList, AccountView, Ended, Me

_ROLES = click.Choice([str(role) for role in Role])


@click.command(epilog=EXITS)
@click.argument("name", metavar="NAME")
@click.option("--role", type=_ROLES, required=True, help="What the person may do.")
@click.option("--display-name", help="Name to show.  [default: NAME]")
@click.option("--initials", help="As written on watch.  [default: the first letters of NAME]")
@data_option
@json_option
def add(
    name: str,
    *,
    role: str,
    display_name: str | None,
    initials: str | None,
    data: Path,
    as_json: bool,
) -> None:
    """Make an account for a person, and ask for its password, or read it from standard input.

    \b
    Example:
      tansiq account add anna --role watch --display-name "Anna Lind" --initials AL
    """
    node = Node(data)
    said = {
        "name": name,
        "display_name": display_name or name,
        "initials": initials or "".join(filter(str.isalnum, name))[:3].upper(),
        "role": role,
        "password": read_password(f"Password for {name}", twice=True),
    }
    reply = node.tell("POST", "/accounts", said)
    click.echo(reply.body.decode() if as_json else _line(reply.read(AccountView)))


@click.command("list", epilog=EXITS)
@data_option
@json_option
def list_accounts(*, data: Path, as_json: bool) -> None:
    """List the accounts, one a line: name, initials, role, name to show, sessions, by whom made."""
    reply = Node(data).ask("GET", "/accounts")
    if as_json:
        click.echo(reply.body.decode())
        return
    accounts = reply.read(AccountList).accounts
    click.echo("\n".join(map(_line, accounts)) if accounts else "no accounts")


@click.command(epilog=EXITS)
@click.argument("name", metavar="NAME")
@click.argument("role", type=_ROLES, metavar="ROLE")
@data_option
@json_option
def role(name: str, role: str, *, data: Path, as_json: bool) -> None:
    """Give NAME the role viewer, watch or admin. Their sessions end."""
    node = Node(data)
    reply = node.tell("PUT", f"/accounts/{_id(node, name)}/role", {"role": role})
    click.echo(reply.body.decode() if as_json else _line(reply.read(AccountView)))


@click.command(epilog=EXITS)
@click.argument("name", metavar="NAME")
@data_option
def password(name: str, *, data: Path) -> None:
    """Give NAME another password. Their sessions end.

    One's own takes the present password first; another's takes the role admin. A lost one is set on
    the node's machine, by the user who runs the node. From standard input: one line each.
    """
    node = Node(data)
    me = node.ask("GET", "/me").read(Me)
    if me.account is not None and me.name == name:
        said = {
            "current": read_password("Present password"),
            "password": read_password("New password", twice=True),
        }
        node.tell("PUT", "/me/password", said)
    else:
        account = _id(node, name)
        said = {"password": read_password(f"New password for {name}", twice=True)}
        node.tell("PUT", f"/accounts/{account}/password", said)
    click.echo(f"{name} has another password; log in again")


@click.command(epilog=EXITS)
@click.argument("name", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed; remove nothing.")
@data_option
def remove(name: str, *, yes: bool, dry_run: bool, data: Path) -> None:
    """Remove the account of NAME. Their sessions end."""
    node = Node(data)
    account = _account(node, name)
    if dry_run:
        click.echo(f"would remove {_line(account)}")
        return
    confirm(f"Remove the account {name} ({account.role})?", yes=yes)
    ended = node.tell("DELETE", f"/accounts/{account.id}").read(Ended).ended
    click.echo(f"{name} is removed; {ended} {'session' if ended == 1 else 'sessions'} ended")


def _account(node: Node, name: str) -> AccountView:
    accounts = node.ask("GET", "/accounts").read(AccountList).accounts
    found = next((account for account in accounts if account.name == name), None)
    if found is None:
        raise BadInput(f"no account {name!r}; `tansiq account list` shows all", field="NAME")
    return found


def _id(node: Node, name: str) -> str:
    return _account(node, name).id


def _line(account: AccountView) -> str:
    sessions = f"{account.sessions} {'session' if account.sessions == 1 else 'sessions'}"
    return plain(
        f"{account.name:<16}  {account.initials:<4}  {account.role:<6}  {account.display_name}  "
        f"({sessions}; made {account.made} by {account.made_by})"
    )
