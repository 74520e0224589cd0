"""``tansiq note ...``: notes carried by hand where no network reaches."""

import sys
from pathlib import Path
from typing import TypedDict, Unpack

import click
import msgspec

from tansiq.cli.client import EXITS, Node, data_option, json_option, read_file
from tansiq.cli.said import note_id
from tansiq.errors import BadInput
from tansiq.formats.delivery import Answer, Delivery, Fate


class _Forms(TypedDict):
    """What the notes may become."""

    output: str
    qr: bool
    every: float | None
    frames: bool
    qr_html: str | None


@click.command("export", epilog=EXITS)
@click.option("--to", "party", metavar="PARTY", help="Everything that waits for this party.")
@click.option("--note", metavar="ID", callback=note_id, help="One note.")
@click.option("--file", type=click.Path(), help="What is in a file already, such as receipts.")
@click.option("--output", type=click.Path(), default="-", help="File.  [default: standard output]")
@click.option("--qr", is_flag=True, help="Show QR codes, one after the other.")
@click.option(
    "--every",
    metavar="S",
    type=click.FloatRange(0.2, 60),
    help="With --qr: turn by itself, after so many seconds.",
)
@click.option("--frames", is_flag=True, help="Write the texts of the QR codes, one a line.")
@click.option(
    "--qr-html", metavar="FILE", type=click.Path(), help="Write a page of QR codes, to be printed."
)
@data_option
def export(
    *, party: str | None, note: str | None, file: str | None, data: Path, **forms: Unpack[_Forms]
) -> None:
    """Write notes as a file: for a stick, an e-mail, any other way. Or as QR codes.

    \b
      tansiq note export --to south --output for-south.letters
      tansiq note export --to south --qr               (ENTER shows the next code)
      tansiq note export --to south --qr --every 2     (turns by itself; film it)
      tansiq note export --to south --qr-html for-south.html
      tansiq note export --file for-north.letters --qr (receipts, back the same way)

    A code holds a frame: about 300 characters of the file, which takes five for one notice. The
    other side scans them with any app, in any order, and gives their texts to `tansiq note import
    --frames`. Where --qr has no terminal it does what --frames does. Whoever sees the codes can
    read the notes.
    """
    _check_forms(forms)
    content, delivery = _found(party, note, file, data)
    click.echo(f"{len(delivery.letters)} notes", err=True)
    if file is None and len(delivery.letters) >= _AT_MOST:
        click.echo(
            f"at most {_AT_MOST} at a time: carry these, take the receipts back, and export again",
            err=True,
        )
    if not (forms["qr"] or forms["frames"] or forms["qr_html"]):
        _write(forms["output"], content)
    elif delivery.letters:  # A code of nothing would be scanned for nothing.
        _as_codes(content, delivery, forms)


@click.command("import", epilog=EXITS)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("--frames", is_flag=True, help="FILE has texts of QR codes, one a line.")
@click.option("--receipts", type=click.Path(), help="Write our receipts here, to be carried back.")
@data_option
@json_option
def import_notes(
    files: tuple[str, ...], *, frames: bool, receipts: str | None, data: Path, as_json: bool
) -> None:
    """Take the notes in FILE (- is standard input), as if they had come by the network.

    A note that is here already changes nothing. Carry the receipts back, and the other side knows
    that its notes have arrived.

    \b
      tansiq note import for-south.letters --receipts for-north.letters
      tansiq note import for-north.letters          (at the other side)

    With --frames: what a scanner read from the codes of `tansiq note export --qr`. In any order,
    with repeats, from as many files as it took; damaged frames count as not seen. What is missing
    is said, and then nothing is taken. From standard input it goes on once nothing is missing.

    \b
      tansiq note import --frames scanned.txt again.txt
      tansiq note import --frames -                 (paste, or a scanner that types)
      zbarcam --raw | tansiq note import --frames - (a camera before the other screen)
    """
    if frames:
        from tansiq.cli.note_frames import gathered

        content = gathered(files)
    elif len(files) > 1:
        raise BadInput("one file at a time; several are for --frames", field=files[1])
    else:
        content = read_file(files[0])
    fates: list[Fate] = []
    delivery = _delivery(content, files[0])
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
_AT_MOST = 1_000
"""Of what waits for a party: what the node hands out."""


def _check_forms(forms: _Forms) -> None:
    given = [
        name
        for name, is_given in (
            ("--qr", forms["qr"]),
            ("--frames", forms["frames"]),
            ("--qr-html", forms["qr_html"] is not None),
        )
        if is_given
    ]
    if len(given) > 1:
        raise BadInput(f"one of {' and '.join(given)} at a time", field=given[1])
    if forms["output"] != "-" and given in (["--qr"], ["--qr-html"]):
        raise BadInput(f"has no place beside {given[0]}", field="--output")
    if forms["every"] is not None and given != ["--qr"]:
        raise BadInput("goes with --qr", field="--every")


def _found(
    party: str | None, note: str | None, file: str | None, data: Path
) -> tuple[bytes, Delivery]:
    if file is None:
        reply = Node(data).ask("GET", "/letters", query={"party": party, "note": note})
        return reply.body + b"\n", reply.read(Delivery)
    if party is not None or note is not None:
        raise BadInput("has its notes already: leave out --to and --note", field="--file")
    content = read_file(file)
    return content, _delivery(content, file)


def _delivery(content: bytes, name: str) -> Delivery:
    try:
        return msgspec.json.decode(content, type=Delivery)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "; these are frames, add --frames" if b"TANSIQ1-FRAME:" in content else ""
        raise BadInput(f"is no file of notes ({error}){hint}", field=name) from error


def _as_codes(content: bytes, delivery: Delivery, forms: _Forms) -> None:
    from tansiq.formats.qr_frames import write_frames

    if forms["qr_html"] is not None:
        from tansiq.formats.qr_drawing import page

        _write(forms["qr_html"], page(write_frames(content), delivery).encode())
    elif forms["frames"] or not sys.stdout.isatty():
        _write(forms["output"], "".join(f"{text}\n" for text in write_frames(content)).encode())
    else:
        from tansiq.cli.note_frames import show

        show(content, every_s=forms["every"])


def _write(output: str, content: bytes) -> None:
    if output == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        Path(output).write_bytes(content)
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", field=output) from error
