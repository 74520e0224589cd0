"""``tansiq note ...``: notes carried by hand where no network reaches."""

import sys
from pathlib import Path

import click
import msgspec

from tansiq.cli.client import EXITS, Node, data_option, json_option, read_file
from tansiq.errors import BadInput
from tansiq.formats.delivery import Answer, Delivery, Fate


@click.command("export", epilog=EXITS)
@click.option("--to", "party", metavar="PARTY", help="Everything that waits for this party.")
@click.option("--note", metavar="ID", help="One note, by its whole name.")
@click.option("--output", type=click.Path(), default="-", help="File.  [default: standard output]")
@data_option
def export(*, party: str | None, note: str | None, output: str, data: Path) -> None:
    """Write notes as a file: for a stick, an e-mail, any other way.

    \b
      tansiq note export --to south --output for-south.letters
    """
    reply = Node(data).ask("GET", "/letters", query={"party": party, "note": note})
    _write(output, reply.body + b"\n")
    count = len(reply.read(Delivery).letters)
    click.echo(f"{count} notes", err=True)


@click.command("import", epilog=EXITS)
@click.argument("file", type=click.Path())
@click.option("--receipts", type=click.Path(), help="Write our receipts here, to be carried back.")
@data_option
@json_option
def import_notes(file: str, *, receipts: str | None, data: Path, as_json: bool) -> None:
    """Take the notes in FILE (- is standard input), as if they had come by the network.

    A note that is here already changes nothing. Carry the receipts back, and the other side knows
    that its notes have arrived.

    \b
      tansiq note import for-south.letters --receipts for-north.letters
      tansiq note import for-north.letters          (at the other side)
    """
    content = read_file(file)
    try:
        delivery = msgspec.json.decode(content, type=Delivery)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"is no file of notes ({error})", field=file) from error
    fates: list[Fate] = []
    node = Node(data)
    for first in range(0, len(delivery.letters), _AT_ONCE):
        piece = Delivery(delivery.letters[first : first + _AT_ONCE])
        reply = node.ask("POST", "/letters", body=msgspec.json.encode(piece))
        fates += reply.read(Answer).letters
    found = [fate.receipt for fate in fates if fate.receipt is not None]
    if receipts is not None:
        _write(receipts, msgspec.json.encode(Delivery(tuple(found))) + b"\n")
    refused = [fate for fate in fates if fate.problem]
    if as_json:
        click.echo(msgspec.json.encode(Answer(tuple(fates))).decode())
    else:
        for fate in refused:
            click.echo(f"{fate.note[:10]}  not taken: {fate.problem}")
        click.echo(f"{len(fates) - len(refused)} of {len(fates)} notes are here")
    raise SystemExit(1 if refused else 0)


_AT_ONCE = 32


def _write(output: str, content: bytes) -> None:
    if output == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", field=output) from error
