"""``tansiq serve``: run the node of a data folder."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from tansiq.errors import BadInput, TansiqError
from tansiq.settings import WORKERS_MAX, Settings


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="TANSIQ_DATA",
    required=True,
    help="Data folder made by `tansiq init`; or set TANSIQ_DATA.",
)
@click.option(
    "--database",
    envvar="TANSIQ_DATABASE",
    show_envvar=True,
    metavar="URL",
    help="PostgreSQL database for the node's store, in place of the one that tansiq.toml names.",
)
@click.option(
    "--register-only",
    is_flag=True,
    help="Serve the register and no desk, as one of any number over the database; or set "
    "`register_only` in tansiq.toml.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, WORKERS_MAX),
    metavar="N",
    help="Processes that serve this node together over the database, on this machine; or set "
    "`workers` in tansiq.toml.",
)
@click.option("--worker-sockets", hidden=True)
def serve(
    data: Path,
    *,
    database: str | None,
    register_only: bool,
    workers: int | None,
    worker_sockets: str | None,
) -> None:
    """Run the node of a data folder until Ctrl-C.

    Two listeners: the console and the own API on 127.0.0.1 (token in the folder's own.token), and
    the peer-facing one, with TLS, where other nodes ask the register and read plans.

    \b
      tansiq serve --data north
      tansiq plan submit --data north plan.geojson
      tansiq serve --data north --database postgresql://tansiq@db1.example/north
      tansiq serve --data north --database postgresql://tansiq@db1.example/north --workers 4

    Keep the database's password in ~/.pgpass. With --workers, here and on other machines, all
    processes serve the register, and one of them the rest; if it dies, another takes its place.

    With --register-only this is one DSS instance of a pool: what is placed at one of them is read
    and conflicted with at all that serve from the same database. docs/scale.md has the rest.
    """
    # Heavy imports stay out of `tansiq --help`.
    from tansiq.logs import configure
    from tansiq.settings import check_database, load_settings
    from tansiq.traces import begin as begin_traces

    settings = load_settings(data)
    if database is not None:
        settings = replace(settings, database=check_database(database))
    settings = replace(
        settings,
        register_only=register_only or settings.register_only,
        workers=settings.workers if workers is None else workers,
    )
    configure(settings.log_format, settings.log_level)
    if not settings.workers or worker_sockets is not None:  # Who only starts others does nothing.
        begin_traces(settings.party)
    if worker_sockets is not None:
        _worker(settings, worker_sockets)
        return
    _check_together(settings)
    try:
        code = _run(settings)
    except* OSError as group:
        error = group.exceptions[0]
        raise BadInput(
            f"{error}; is another node running on {_ports(settings)}?",
            field="ports",
        ) from error
    if code:
        raise SystemExit(code)


def _check_together(settings: Settings) -> None:
    if settings.workers and settings.register_only:
        raise BadInput(
            "a register by itself has no workers: start it as often as you like, each with its "
            "own ports",
            field="workers",
        )
    if settings.workers and settings.database is None:
        raise BadInput(
            "workers share a PostgreSQL database: name it, with --database or in tansiq.toml "
            "(docs/scale.md)",
            field="database",
        )


def _run(settings: Settings) -> int:
    """Serve in the way that the settings say; return the exit code."""
    import uvloop

    from tansiq.instance import Instance
    from tansiq.node import Node
    from tansiq.serving import serve as run
    from tansiq.serving_register import serve_register
    from tansiq.supervisor import Said, supervise

    def ready(node: Node, first: str | None) -> None:
        click.echo(_shown(settings, node.agreement.name, node.agreement.digest, first))

    def told(said: Said) -> None:
        click.echo(_shown(settings, said.agreement, said.digest, said.first))

    def instance_ready(instance: Instance) -> None:
        scheme = "https" if settings.peer_tls else "http"
        click.echo(
            f"{settings.party} serves a register by itself under agreement "
            f"{instance.agreement.name!r} ({instance.agreement.digest[:12]})\n"
            f"  register  {scheme}://{settings.peer_host}:{settings.peer_port}\n"
            f"  health    http://127.0.0.1:{settings.own_port}/readyz\n"
            f"  data      {settings.data}\n"
            f"{_database(settings)}Ctrl-C ends it."
        )

    if settings.workers:
        return uvloop.run(supervise(settings, told))
    if settings.register_only:
        uvloop.run(serve_register(settings, ready=instance_ready))
    else:
        uvloop.run(run(settings, ready=ready))
    return 0


def _worker(settings: Settings, sockets: str) -> None:
    """Be one of several that ``_run`` has started; what it says is for its starter."""
    import socket

    import msgspec
    import uvloop

    from tansiq.node import Node
    from tansiq.serving_worker import serve_worker
    from tansiq.supervisor import Said

    def say(said: Said) -> None:
        click.echo(msgspec.json.encode(said).decode())

    def settled(worker: str) -> None:
        say(Said(worker=worker))

    def ready(worker: str, node: Node, first: str | None) -> None:
        name, digest = node.agreement.name, node.agreement.digest
        say(Said(worker=worker, desk=True, agreement=name, digest=digest, first=first))

    handed = msgspec.json.decode(sockets, type=dict[str, int])
    listening = {door: socket.socket(fileno=number) for door, number in handed.items()}
    try:
        uvloop.run(serve_worker(settings, listening, settled=settled, ready=ready))
    except* TansiqError as group:
        raise group.exceptions[0] from None


def _shown(settings: Settings, agreement: str, digest: str, first: str | None) -> str:
    """Return what a node that serves says of itself."""
    scheme = "https" if settings.peer_tls else "http"
    workers = f"  workers   {settings.workers}\n" if settings.workers else ""
    return (
        f"{settings.party} serves agreement {agreement!r} ({digest[:12]})\n"
        f"  console   {_console(settings)}\n"
        f"{_away(settings)}"
        f"  own API   http://127.0.0.1:{settings.own_port}/api/v1\n"
        f"  peers     {scheme}://{settings.peer_host}:{settings.peer_port}\n"
        f"  data      {settings.data}\n"
        f"{_database(settings)}{workers}"
        f"{_first(first, settings)}Ctrl-C ends it."
    )


def _ports(settings: Settings) -> str:
    ports = [settings.own_port, settings.peer_port]
    if settings.console is not None:
        ports.append(settings.console.port)
    return f"{', '.join(map(str, ports[:-1]))} or {ports[-1]}"


def _first(token: str | None, settings: Settings) -> str:
    """Return what to tell whoever starts a node without accounts."""
    if token is None:
        return ""
    return (
        "Nobody has an account yet. Make the first one, an admin's, with\n"
        f"  tansiq account add --data {settings.data} --role admin NAME\n"
        "or, once and within "
        f"{settings.timers.first_link_life / timedelta(hours=1):g} h, by this link:\n"
        f"  http://127.0.0.1:{settings.own_port}/#setup={token}\n"
    )


def _database(settings: Settings) -> str:
    if settings.database is None:
        return ""
    from tansiq.storage.postgres_link import shown

    return f"  database  {shown(settings.database)}\n"


def _away(settings: Settings) -> str:
    return f"            {settings.console.url} from elsewhere\n" if settings.console else ""


def _console(settings: Settings) -> str:
    from tansiq.http.console import is_built, packaged

    if is_built(packaged()):
        return f"http://127.0.0.1:{settings.own_port}/"
    return "not built: run `make console`, then start again"
