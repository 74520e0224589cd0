"""``tansiq log ...``: evidence exported, verified and compared; verifying asks no node."""

import sys
from datetime import timedelta
from pathlib import Path

import click
import msgspec

from tansiq.cli.client import EXITS, Node, data_option, json_option
from tansiq.cli.log_text import compared_text, findings_text, head_text
from tansiq.cli.said import note_id
from tansiq.domain.time import parse_rfc3339, zulu
from tansiq.errors import BadInput
from tansiq.formats.bundle import AGREEMENT_BYTES_MAX, BUNDLE_BYTES_MAX, read_bundle
from tansiq.formats.comparison import compare as compare_findings
from tansiq.formats.evidence import verify_bundle
from tansiq.formats.findings import Findings
from tansiq.services.record.bundling import LogHeadView

_AROUND = timedelta(hours=1)
"""How far beyond the other side's window our own record is looked at: letters take time."""
_VERDICTS = """\b
Exit codes: 0 verified   1 something is wrong   2 not a bundle, or not readable
"""
_COMPARED = """\b
Exit codes: 0 equal   1 something is missing, or differs   2 bad input
            3 the node does not answer   4 its store fails
"""

agreement_option = click.option(
    "--agreement",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The agreement that you have; the bundle must rest on it.",
)
output_option = click.option(
    "--output", type=click.Path(), default="-", help="File.  [default: standard output]"
)


@click.command("export", epilog=EXITS)
@click.option("--from", "since", required=True, metavar="TIME", help="RFC 3339.")
@click.option("--to-time", "until", required=True, metavar="TIME", help="RFC 3339.")
@click.option("--party", metavar="PARTY", help="The line with this party only.")
@click.option(
    "--withhold",
    multiple=True,
    metavar="WHAT",
    help="Leave payloads out: persons (all that name people or hold free words), all, or the name "
    "of a note. May be given several times.",
)
@click.option(
    "--output", required=True, type=click.Path(path_type=Path), help="File; it must not exist."
)
@data_option
def export(
    *,
    since: str,
    until: str,
    party: str | None,
    withhold: tuple[str, ...],
    output: Path,
    data: Path,
) -> None:
    """Export what the record holds of a window of time, as evidence.

    One signed file with the notes, their proofs, and who cosigned them. Anybody verifies it with
    `tansiq log verify`, or in a browser with the page that `tansiq log page` writes.

    \b
      tansiq log export --from 2026-11-28T14:00:00Z --to-time 2026-11-28T15:00:00Z --output x.bundle
    """
    query = {"from": since, "to": until, "party": party, "withhold": ",".join(withhold) or None}
    content = Node(data).ask("GET", "/log/bundle", query=query).body
    _write(str(output), content, new=True)
    contents = read_bundle(content).contents
    click.echo(f"{len(contents.entries)} entries, {len(content):,} bytes", err=True)
    if contents.left_out:
        click.echo(f"{contents.left_out} of other lines are not in it", err=True)


@click.command("verify", epilog=_VERDICTS)
@click.argument("file", type=click.Path())
@agreement_option
@json_option
def verify(file: str, *, agreement: Path | None, as_json: bool) -> None:
    """Verify a bundle, offline. FILE may be - for standard input.

    Without --agreement everything rests on the agreement in the file: compare its digest with
    yours.
    """
    found = _verified(file, agreement)
    click.echo(msgspec.json.encode(found).decode() if as_json else findings_text(found))
    raise SystemExit(0 if found.verified else 1)


@click.command("compare", epilog=_COMPARED)
@click.argument("file", type=click.Path())
@click.argument("other", type=click.Path(), required=False)
@agreement_option
@data_option
@json_option
def compare(
    file: str, other: str | None, *, agreement: Path | None, data: Path, as_json: bool
) -> None:
    """Compare two records: the bundles FILE and OTHER, or our own record and FILE.

    Says of each note whether both have it, one lacks it, or the two have different ones under one
    number. Without OTHER the node is asked for the same window, an hour more at both ends.
    """
    there = _verified(file if other is None else other, agreement)
    here = _verified(file, agreement) if other is not None else _own(there, Node(data))
    found = compare_findings(here, there)
    click.echo(msgspec.json.encode(found).decode() if as_json else compared_text(found))
    raise SystemExit(0 if found.equal else 1)


@click.command("head", epilog=EXITS)
@data_option
@json_option
def head(*, data: Path, as_json: bool) -> None:
    """Show what our record comes to, and who has cosigned how much of it."""
    reply = Node(data).ask("GET", "/log/head")
    click.echo(reply.body.decode() if as_json else head_text(reply.read(LogHeadView)))


@click.command("proof", epilog=EXITS)
@click.argument("note", metavar="NOTE", callback=note_id)
@output_option
@data_option
def proof(note: str, *, output: str, data: Path) -> None:
    """Write the proof that NOTE is in our record, as a .tlog-proof file of C2SP."""
    _write(output, Node(data).ask("GET", f"/log/notes/{note}/proof").body)


@click.command("page")
@output_option
def page(*, output: str) -> None:
    """Write the page that verifies bundles in a browser, without any network."""
    from tansiq.formats.evidence_page import page as made

    _write(output, made())


def _own(there: Findings, node: Node) -> Findings:
    first = parse_rfc3339(there.since, "from") - _AROUND
    last = parse_rfc3339(there.until, "to") + _AROUND
    query = {"from": zulu(first), "to": zulu(last), "party": there.by}
    return verify_bundle(node.ask("GET", "/log/bundle", query=query).body)


def _verified(file: str, agreement: Path | None) -> Findings:
    own = None if agreement is None else _read(str(agreement), AGREEMENT_BYTES_MAX)
    return verify_bundle(_read(file, BUNDLE_BYTES_MAX), agreement=own)


def _read(name: str, bytes_max: int) -> bytes:
    """Return a file's bytes; of one that is too long enough for its reader to refuse it."""
    try:
        if name == "-":
            return sys.stdin.buffer.read(bytes_max + 1)
        with Path(name).open("rb") as file:
            return file.read(bytes_max + 1)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=name) from error


def _write(output: str, content: bytes, *, new: bool = False) -> None:
    if output == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        with Path(output).open("xb" if new else "wb") as file:
            file.write(content)
    except OSError as error:
        raise BadInput(f"cannot be written ({error.strerror})", field=output) from error
