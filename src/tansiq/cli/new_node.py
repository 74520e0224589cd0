"""Options of commands that may make a node's folder on the way, and the making."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TypedDict, TypeVar
from urllib.parse import urlsplit

import click

from tansiq.errors import BadInput

F = TypeVar("F", bound=Callable[..., object])


class NodeOptions(TypedDict):
    """What such a command may be told of the node."""

    party: str | None
    name: str | None
    names: tuple[tuple[str, str], ...]
    url: str | None
    own_port: int
    peer_host: str | None
    peer_port: int | None


def node_options(command: F) -> F:
    """Give a command the options of a new node; none is required where the folder is there."""
    for option in reversed(
        (
            click.option(
                "--party", help="Our id in the agreement, such as north. For a new folder."
            ),
            click.option("--name", help='Our name in English, such as "North Cell".'),
            click.option(
                "--name-in",
                "names",
                nargs=2,
                multiple=True,
                metavar="LANGUAGE NAME",
                help='Our name in another language, such as: ar "خلية الشمال". May be repeated.',
            ),
            click.option(
                "--url",
                help="Where the other node reaches us, such as https://192.0.2.10:8443.  "
                "[default: https://127.0.0.1:PEER_PORT, this machine only]",
            ),
            click.option("--own-port", default=8080, show_default=True, help="Own API."),
            click.option(
                "--peer-host",
                help="Address to listen on.  [default: all, if --url is not of this machine only]",
            ),
            click.option(
                "--peer-port", type=int, help="Port for other nodes.  [default: of --url, or 8443]"
            ),
        )
    ):
        command = option(command)
    return command


def ensure_node(data: Path, options: NodeOptions, now: datetime) -> bool:
    """Make the folder of a node unless it is one; report whether it was made.

    Raises:
        BadInput: options for a new node are missing or wrong, or contradict the one that is there.
    """
    from tansiq.peers.identity import PARTY, NewNode, make_node, write_node

    if (data / PARTY).exists():
        _check_same(data, options)
        return False
    for name in ("party", "name"):
        if not options[name]:
            raise BadInput(
                f"{data} holds no node yet; to make one, give --party and --name", field=f"--{name}"
            )
    port = options["peer_port"] or (url_port(options["url"]) if options["url"] else None) or 8443
    url = options["url"] or f"https://127.0.0.1:{port}"
    new = NewNode(
        party=options["party"] or "",
        names={"en": options["name"] or "", **dict(options["names"])},
        url=url,
        own_port=options["own_port"],
        peer_host=options["peer_host"] or _listen_at(url),
        peer_port=port,
    )
    write_node(data, make_node(new, now))
    return True


def url_port(url: str) -> int | None:
    """Return the port that a URL names, if it names one."""
    try:
        return urlsplit(url).port
    except ValueError:
        return None  # Reading the URL says what is wrong with it.


def _listen_at(url: str) -> str:
    from tansiq.settings import is_loopback

    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = ""
    if not host or is_loopback(host):
        return "127.0.0.1"
    return "::" if ":" in host else "0.0.0.0"  # noqa: S104 - the peer-facing port is for others.


def _check_same(data: Path, options: NodeOptions) -> None:
    from tansiq.peers.joining import own_entry

    own = own_entry(data)
    said = {"party": (options["party"], own.id), "url": (options["url"], own.url)}
    said["name"] = (options["name"], own.names["en"])
    for name, (wanted, there) in said.items():
        if wanted and wanted.rstrip("/") != there:
            raise BadInput(
                f"{data} holds a node whose {name} is {there}; choose another --data",
                field=f"--{name}",
            )
