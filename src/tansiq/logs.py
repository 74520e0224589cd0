"""The log of a node that serves: one line an event, whatever others have written into it.

As text for people, or as JSON for collectors. Texts of others (paths, names, sentences of peers,
exceptions that repeat them) may hold line breaks and signs that steer a terminal: they are written
so that no text begins a line of its own.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TextIO

TEXT_CHARS_MAX: Final = 20_000
"""Of one message or traceback; the rest is cut, and said."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that a task answers; empty where there is none."""


class LogFormat(StrEnum):
    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Lines(logging.Formatter):
    """Writes one event as one line; of a traceback each further line begins with a bar."""

    def format(self, record: logging.LogRecord) -> str:
        request = getattr(record, "request", "")
        about = f" [{request}]" if request else ""
        head = f"{_time(record)} {record.levelname} {record.name}{about} {_flat(_message(record))}"
        traced = _traced(self, record)
        return "\n".join([head, *(f"  | {_flat(line)}" for line in traced.splitlines())])


class JsonLines(logging.Formatter):
    """Writes one event as one JSON object on one line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        event = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        if request := getattr(record, "request", ""):
            event["request"] = request
        if traced := _traced(self, record):
            event["traceback"] = traced
        return json.dumps(event, ensure_ascii=True)


def configure(form: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Have everything that is logged from now on written so."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form is LogFormat.JSON else Lines())
    handler.addFilter(_with_request)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # Libraries have much to say that helps nobody.
    logging.getLogger("tansiq").setLevel(level.upper())


def _with_request(record: logging.LogRecord) -> bool:
    record.__dict__["request"] = request_id.get()
    return True


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        return _cut(record.getMessage())
    except (TypeError, ValueError) as error:  # A mistake of ours must not silence what it is about.
        return _cut(f"{record.msg!r} ({error})")


def _traced(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return _cut(formatter.formatException(record.exc_info)) if record.exc_info else ""


def _cut(text: str) -> str:
    if len(text) <= TEXT_CHARS_MAX:
        return text
    return f"{text[:TEXT_CHARS_MAX]} ... and {len(text) - TEXT_CHARS_MAX:,} characters more"


def _flat(text: str) -> str:
    """Return a text on one line, with every sign that could steer a terminal spelt out."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )
