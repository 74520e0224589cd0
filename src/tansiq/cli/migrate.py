"""``tansiq migrate``: bring the tables of a node's PostgreSQL database up to date."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--data",
    envvar="TANSIQ_DATA",
    show_envvar=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Data folder of a node whose tansiq.toml names the database.",
)
@click.option(
    "--database",
    envvar="TANSIQ_DATABASE",
    show_envvar=True,
    metavar="URL",
    help="The database itself.",
)
@click.option("--check", is_flag=True, help="Change nothing; say what waits.")
def migrate(data: Path | None, database: str | None, *, check: bool) -> None:
    """Bring the tables of a node's PostgreSQL database up to date.

    `tansiq serve` does so by itself. Use this where the node's role may not make tables, or to see
    beforehand what a new version changes. All is done in one transaction, or nothing is; there is
    no way back but a backup. A node of the version before goes on serving meanwhile and after; when
    it is started again, an older version refuses newer tables.

    A node whose store is a file needs none of this.

    \b
      tansiq migrate --check --data north
      tansiq migrate --database postgresql://owner@db1.example/north

    Exit codes: 0 it is up to date (now), 1 --check found something that waits, 2 bad input, 4 the
    database cannot be used.
    """
    import asyncio

    from tansiq.errors import BadInput
    from tansiq.settings import check_database, load_settings

    if database is None and data is not None:
        database = load_settings(data).database
        if database is None:
            raise BadInput(
                "the node's store is a file, which `tansiq serve` brings up to date by itself",
                field="database",
            )
    if database is None:
        raise BadInput("name it, or the node's folder with --data", field="--database")
    waits = asyncio.run(_done(check_database(database), check=check))
    raise SystemExit(1 if waits else 0)


async def _done(url: str, *, check: bool) -> bool:
    """Do it; report whether anything still waits."""
    from tansiq.storage.opening import check_library

    check_library()
    from tansiq.storage.postgres_sight import looked_at

    async with looked_at(url) as sight:
        applied, left = await sight.migrations()
        if check or not left:
            what = f"{len(left)} waiting: {', '.join(left)}" if left else "up to date"
            click.echo(f"{sight.name}: {len(applied)} migrations applied, {what}")
            return bool(left)
        for name in await sight.migrate():
            click.echo(f"applied {name}")
        return False
