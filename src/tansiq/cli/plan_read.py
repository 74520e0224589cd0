"""``tansiq plan read``: what a pasted text means, and a plan file of it. Asks no node, no clock."""

import json
import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from tansiq.cli.files import INPUT, STDIN, plain, replacing
from tansiq.errors import BadInput
from tansiq.formats import pasted, pasted_document
from tansiq.formats.plans import read_one
from tansiq.formats.tree import located
from tansiq.formats.understood import Kind, Reading

_AUTO: Final = "auto"
_NEEDED: Final = {
    "radius_m": "a radius (--radius-m)",
    "half_width_m": "a width (--half-width-m)",
    "start": "a start",
    "end": "an end",
    "lower": "a lower level",
    "upper": "an upper level",
    "datum": "what a level counts from",
    "one_datum": "one datum and unit for both levels",
    "ground_m": "the height of the ground",
}


@click.command(name="read")
@click.argument("text", type=INPUT, metavar="FILE")
@click.option(
    "--kind",
    type=click.Choice([_AUTO, *(kind.value for kind in Kind)]),
    default=_AUTO,
    show_default=True,
    help="What the text is.",
)
@click.option("--radius-m", type=float, help="Of places for which the text says none, metres.")
@click.option("--half-width-m", type=float, help="To each side of lines without a width, metres.")
@click.option("--json", "as_json", is_flag=True, help="The answer of POST /api/v1/read.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a plan file too; refused where something is missing.",
)
def read(
    text: str,
    *,
    kind: str,
    radius_m: float | None,
    half_width_m: float | None,
    as_json: bool,
    output: Path | None,
) -> None:
    """Say what the text in FILE (- for standard input) means: where, how high, when.

    FILE holds coordinates, GeoJSON, KML, KMZ or aeronautical text such as a NOTAM. What it does not
    say is not guessed.

    \b
      tansiq plan read notam.txt
      echo "36S YE 6705 1625 radius 5 NM" | tansiq plan read -
      tansiq plan read area.kml --output plan.geojson

    Exit codes: 0 understood (and written), 2 bad input, or --output lacks something.
    """
    reading = _reading(text, kind)
    sized = pasted.completed(reading, radius_m=radius_m, half_width_m=half_width_m)
    shown = pasted_document.view(sized)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(shown), indent=1, ensure_ascii=False))
    else:
        for line in _lines(shown):
            click.echo(plain(line))
    if output is not None:
        plan = _plan(sized)
        with replacing(output) as file:
            file.write(plan)


def _reading(path: str, kind: str) -> Reading:
    most, name = pasted.TEXT_BYTES_MAX + 1, "standard input" if path == STDIN else path
    if path == STDIN:
        data = sys.stdin.buffer.read(most)
    else:
        try:
            with Path(path).open("rb") as file:
                data = file.read(most)
        except OSError as error:
            raise click.FileError(path, error.strerror) from error
    try:
        if pasted.is_kmz(data):
            return pasted.read_kmz(data)
        return pasted.read_text(data.decode(), None if kind == _AUTO else Kind(kind))
    except UnicodeDecodeError as error:
        raise BadInput(f"byte {error.start} is not UTF-8; save it as UTF-8", field=name) from error
    except BadInput as error:
        raise located(error, f"{name}: {error.field}" if error.field else name) from error


def _lines(shown: pasted_document.ReadView) -> list[str]:
    lines = [shown.sentence.text]
    for number, volume in enumerate(shown.volumes, start=1):
        lines.append(f"{number}. {volume.name}".rstrip(". ") + ("." if not volume.name else ""))
        lines += [f"   {sentence.text}" for sentence in volume.sentences]
        if volume.lacks:
            needed = ", ".join(_NEEDED[name] for name in volume.lacks)
            lines.append(f"   A plan file needs besides: {needed}.")
    for warning in shown.warnings:
        about = "" if warning.volume is None else f" ({warning.volume + 1})"
        lines.append(f"note{about}: {warning.text}")
    return lines


def _plan(reading: Reading) -> str:
    """Return a plan file.

    Raises:
        BadInput: something is missing, or the volumes make no plan.
    """
    for number, volume in enumerate(reading.volumes, start=1):
        if volume.lacks:
            needed = ", ".join(_NEEDED[name] for name in volume.lacks)
            raise BadInput(f"volume {number} does not say {needed}; nothing written")
    features = [f for volume in reading.volumes for f in pasted_document.features(volume)]
    document = json.dumps({"type": "FeatureCollection", "features": features}, indent=1) + "\n"
    read_one(document.encode(), "the plan")
    return document
