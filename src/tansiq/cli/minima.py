"""Which minima an offline command keeps: three numbers, or the table of an agreement file."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from tansiq.domain.agreement import Minima, MinimaTable
from tansiq.domain.draft import figure
from tansiq.errors import BadInput

F = TypeVar("F", bound=Callable[..., object])

_NUMBERS = ("horizontal_m", "vertical_m", "time_s")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def minima_options(command: F) -> F:
    """Add the options that ``table_of`` reads."""
    options = (
        click.option(
            "--horizontal-m", type=float, help="Horizontal minimum, metres; unless given, 0."
        ),
        click.option("--vertical-m", type=float, help="Vertical minimum, metres; unless given, 0."),
        click.option("--time-s", type=float, help="Minimum in time, seconds; unless given, 0."),
        click.option(
            "--agreement",
            type=_FILE,
            help="Keep the minima of this agreement instead, those between categories too.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def table_of(options: dict[str, Any]) -> MinimaTable:
    """Return what these options say, and take them out of all the options of a command.

    Raises:
        BadInput: out of range, or the agreement cannot be read.
        click.UsageError: numbers beside an agreement.
    """
    numbers = {name: options.pop(name) for name in _NUMBERS}
    agreement: Path | None = options.pop("agreement")
    given = [name for name, value in numbers.items() if value is not None]
    if agreement is not None:
        if given:
            flag = f"--{given[0].replace('_', '-')}"
            raise click.UsageError(f"{flag} and --agreement both say minima: leave one out")
        from tansiq.formats.agreement import load_agreement  # Not for those who give numbers.

        return load_agreement(agreement).minima_table
    horizontal_m, vertical_m, time_s = (numbers[name] or 0.0 for name in _NUMBERS)
    if not 0.0 <= time_s <= 86_400.0:  # NaN is no timedelta.
        raise BadInput(f"{time_s} s is not 0 to 86400", field="time_s")
    usual = Minima(horizontal_m=horizontal_m, vertical_m=vertical_m, time=timedelta(seconds=time_s))
    return MinimaTable(usual=usual)


def minima_text(minima: Minima) -> str:
    """Return minima with their units."""
    return (
        f"{figure(minima.horizontal_m)} m, {figure(minima.vertical_m)} m, "
        f"{figure(minima.time.total_seconds())} s"
    )


def table_text(table: MinimaTable) -> str:
    """Return the usual minima, and those between categories where there are any."""
    said = [minima_text(table.usual)]
    for entry in table.entries:
        a, b = entry.pair
        said.append(f"{a} - {b} {minima_text(entry.minima)}")
    return "; ".join(said)
