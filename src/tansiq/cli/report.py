"""``tansiq report ...``: what others filed with us as gone wrong, through the node's API."""

import base64
import binascii
from pathlib import Path

import click
import msgspec

from tansiq.cli.client import EXITS, Node, data_option, json_option
from tansiq.cli.files import plain
from tansiq.cli.show import short
from tansiq.errors import BadInput
from tansiq.f3548 import wire
from tansiq.services.reports import ReportList, ReportSummary, ReportView

_BODY_CHARS_MAX = 2_000


@click.command("list", epilog=EXITS)
@data_option
@json_option
def list_reports(*, data: Path, as_json: bool) -> None:
    """List reports of trouble that others filed with this node, newest first.

    One a line: id, when it came, who filed it, which of our roles was told, and what it is about.
    """
    reply = Node(data).ask("GET", "/reports")
    if as_json:
        click.echo(reply.body.decode())
        return
    reports = reply.read(ReportList).reports
    click.echo("\n".join(map(_line, reports)) if reports else "no reports")


@click.command(epilog=EXITS)
@click.argument("report", metavar="ID")
@data_option
@json_option
def show(report: str, *, data: Path, as_json: bool) -> None:
    """Show one report, the exchange that it is about included. ID may be the beginning of one."""
    node = Node(data)
    found = node.ask("GET", f"/reports/{_id(node, report)}")
    if as_json:
        click.echo(found.body.decode())
        return
    view = found.read(ReportView)
    exchange = msgspec.json.decode(view.report, type=wire.ErrorReport).exchange
    rows = [
        ("report", f"{view.id}, filed by {view.reporter} at our {view.role.upper()} role"),
        ("received", view.received),
        ("exchange", f"{exchange.method} {exchange.url}"),
        ("their role", exchange.recorder_role),
        ("asked", exchange.request_time.value),
        ("answered", _answer(exchange)),
        ("problem", exchange.problem or "not said"),
        ("request", _body(exchange.request_body)),
        ("answer", _body(exchange.response_body)),
    ]
    click.echo("\n".join(f"  {name:<11}{plain(text)}" for name, text in rows if text))


def _id(node: Node, text: str) -> str:
    ids = [report.id for report in node.ask("GET", "/reports").read(ReportList).reports]
    found = [one for one in ids if text and one.startswith(text.lower())]
    if len(found) != 1:
        raise BadInput(
            f"{len(found)} reports begin with {text!r}; `tansiq report list` shows them", field="ID"
        )
    return found[0]


def _line(report: ReportSummary) -> str:
    answered = "no answer" if report.response_code is None else f"{report.response_code}"
    about = f"{report.method} {report.url}: {answered}"
    problem = f"; {report.problem}" if report.problem else ""
    return plain(
        f"{short(report.id)}  {report.received}  {report.reporter:<12}  {report.role}  "
        f"{about}{problem}"
    )


def _answer(exchange: wire.ExchangeRecord) -> str:
    if exchange.response_code is None:
        return "no answer"
    when = "" if exchange.response_time is None else f" at {exchange.response_time.value}"
    return f"{exchange.response_code}{when}"


def _body(text: str | None) -> str:
    if not text:
        return ""
    try:
        shown = base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except binascii.Error:
        shown = text
    return shown if len(shown) <= _BODY_CHARS_MAX else shown[:_BODY_CHARS_MAX] + "..."
