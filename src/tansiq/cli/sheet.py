"""``tansiq sheet ...``: the day sheet, the hand-over sheet and the after-action report."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Final

import click

from tansiq.cli.client import EXITS, Node, Reply, Value, data_option
from tansiq.errors import BadInput
from tansiq.formats.sheet import SheetView
from tansiq.formats.sheet_text import sheet_text

_PDF, _JSON, _TEXT = ".pdf", ".json", ".txt"
_SUFFIXES: Final = (_PDF, _JSON, _TEXT)


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How a sheet is wanted: what all three commands ask."""

    language: str
    withhold: str | None
    output: Path | None
    data: Path


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that all sheets have; it gets them as one."""

    @click.option(
        "--language", metavar="XX", default="en", show_default=True, help="en, ar, he or ru."
    )
    @click.option(
        "--withhold",
        type=click.Choice(["persons"]),
        help="Leave out names of persons and free words, on the sheet and in its evidence.",
    )
    @click.option(
        "--output",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="FILE.pdf, FILE.json or FILE.txt.  [default: text on the screen]",
    )
    @data_option
    @wraps(command)
    def run(
        *, language: str, withhold: str | None, output: Path | None, data: Path, **own: str | None
    ) -> None:
        how = How(language=language, withhold=withhold, output=output, data=data)
        command(how, **own)

    return run


@click.command("day", epilog=EXITS)
@click.option("--date", "day", metavar="DAY", help="UTC, such as 2026-11-29.  [default: today]")
@_options
def day_sheet(how: How, *, day: str | None) -> None:
    """Print the day sheet: plans, notices, no-go areas, stops, checks, watch, alarms of a day.

    \b
      tansiq sheet day --date 2026-11-29 --language ar --output day.pdf
    """
    _print(how, "day", {"date": day})


@click.command("hand-over", epilog=EXITS)
@_options
def hand_over(how: How) -> None:
    """Print the hand-over sheet: what is open, what is in force, and what comes next.

    Whoever is logged in takes over; with nobody logged in, the name is written by hand.
    """
    _print(how, "hand-over", {})


@click.command("after-action", epilog=EXITS)
@click.option("--from", "since", required=True, metavar="TIME", help="RFC 3339.")
@click.option("--to-time", "until", required=True, metavar="TIME", help="RFC 3339.")
@click.option("--party", metavar="PARTY", help="The line with this party only.")
@_options
def after_action(how: How, *, since: str, until: str, party: str | None) -> None:
    """Print the after-action report: who told whom what, and when by both clocks."""
    _print(how, "after-action", {"from": since, "to": until, "party": party})


@click.command("bundle", epilog=EXITS)
@click.argument("sha256", metavar="HASH")
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="File; it must not exist."
)
@data_option
def bundle(sha256: str, *, output: Path, data: Path) -> None:
    """Write the evidence that a sheet names by its HASH, to be verified with `tansiq log verify`.

    Only the latest bundles are kept; this takes the role admin.
    """
    if not sha256.isalnum():
        raise BadInput("write the 64 hex digits that stand at the foot of the sheet", field="HASH")
    content = Node(data).ask("GET", f"/sheets/bundles/{sha256}").body
    _write(output, content, new=True)
    click.echo(f"{len(content):,} bytes", err=True)


def _print(how: How, path: str, own: dict[str, Value]) -> None:
    suffix = _TEXT if how.output is None else how.output.suffix.lower()
    if suffix not in _SUFFIXES:
        raise BadInput(f"end the name in {', '.join(_SUFFIXES)}", field="--output")
    route = f"/sheets/{path}{_PDF if suffix == _PDF else ''}"
    query = {**own, "language": how.language, "withhold": how.withhold}
    # In pieces, which may take longer: thousands of rows are drawn in seconds, one sheet at a time.
    content = b"".join(Node(how.data).pieces(route, query))
    if suffix == _TEXT:
        content = sheet_text(Reply(content).read(SheetView)).encode()
    if how.output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        _write(how.output, content)


def _write(output: Path, content: bytes, *, new: bool = False) -> None:
    try:
        with output.open("xb" if new else "wb") as file:
            file.write(content)
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", field=str(output)) from error
