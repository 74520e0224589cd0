"""``tansiq serve``: run the node of a data folder."""

from datetime import timedelta
from pathlib import Path

import click

from tansiq.settings import Settings


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TANSIQ_DATA",
    required=True,
    help="Data folder made by `tansiq init`; or set TANSIQ_DATA.",
)
def serve(data: Path) -> None:
    """Run the node of a data folder until Ctrl-C.

    Two listeners: the own API on 127.0.0.1 (token in the folder's own.token), and the peer-facing
    one, with TLS, where other nodes ask the register and read plans.

    \b
      tansiq serve --data north
      tansiq plan submit --data north plan.geojson
    """
    # Heavy imports stay out of `tansiq --help`.
    import uvloop

    from tansiq.errors import BadInput
    from tansiq.node import Node
    from tansiq.serving import serve as run
    from tansiq.settings import load_settings

    settings = load_settings(data)

    def ready(node: Node, first: str | None) -> None:
        scheme = "https" if settings.peer_tls else "http"
        click.echo(
            f"{settings.party} serves agreement {node.agreement.name!r} "
            f"({node.agreement.digest[:12]})\n"
            f"  own API   http://127.0.0.1:{settings.own_port}/api/v1\n"
            f"  peers     {scheme}://{settings.peer_host}:{settings.peer_port}\n"
            f"  data      {settings.data}\n"
            f"{_first(first, settings)}Ctrl-C ends it."
        )

    try:
        uvloop.run(run(settings, ready=ready))
    except* OSError as group:
        error = group.exceptions[0]
        raise BadInput(
            f"{error}; is another node running on {settings.own_port} or {settings.peer_port}?",
            field="ports",
        ) from error


def _first(token: str | None, settings: Settings) -> str:
    """Return what to tell whoever starts a node without accounts."""
    if token is None:
        return ""
    return (
        "Nobody has an account yet. Make the first one, an admin's, with\n"
        f"  tansiq account add --data {settings.data} --role admin NAME\n"
        "or, once and within "
        f"{settings.timers.first_link_life / timedelta(hours=1):g} h, by this link:\n"
        f"  http://127.0.0.1:{settings.own_port}/api/v1/setup#{token}\n"
    )
