"""The log: one line an event, whatever is in it; no secret in any of it."""

import io
import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.fuzz.running import serving

from tansiq.errors import BadInput
from tansiq.logs import TEXT_CHARS_MAX, JsonLines, LogFormat, LogLevel, configure, request_id
from tansiq.settings import load_own_token, read_settings

FORGED = '2026-11-30T00:00:00.000Z CRITICAL tansiq forged\n{"level": "critical"}'
HOSTILE = [
    f"x\n{FORGED}",
    f"x\r{FORGED}",
    f"x\r\n{FORGED}",
    f"x\u2028{FORGED}\u2029\x85\x0b\x0c{FORGED}",
    '"}\n{"level": "critical", "message": "',
    "\x1b[2J\x1b]0;title\x07\x9b31m",
    "\ud800 half a pair",
    "\u202egnp.exe",
    "nul \x00 and %s %d %(x)s {0}",
    "a" * (3 * TEXT_CHARS_MAX),
]


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("tansiq")
    handlers, levels = root.handlers[:], (root.level, ours.level)
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


def lines(text: str) -> list[str]:
    """Split as the most eager reader does: at all that anybody takes for the end of a line."""
    return [line for line in re.split("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", text) if line]


def fail(text: str) -> None:
    raise ValueError(text)


def say(log: io.StringIO, form: LogFormat, text: str) -> None:
    configure(form, LogLevel.INFO, log)
    logger = logging.getLogger("tansiq.test")
    logger.warning("they said %s", text)
    try:
        fail(text)
    except ValueError:
        logger.exception("failed")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_forges_an_event(hostile: str, log: io.StringIO) -> None:
    say(log, LogFormat.JSON, hostile)
    events = [json.loads(line) for line in lines(log.getvalue())]
    assert [event["level"] for event in events] == ["warning", "error"]
    assert events[0]["message"].startswith("they said ")
    assert "ValueError" in events[1]["traceback"]
    assert log.getvalue().isascii()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_forges_a_line_for_people(hostile: str, log: io.StringIO) -> None:
    say(log, LogFormat.TEXT, hostile)
    found = lines(log.getvalue())
    events = [line for line in found if not line.startswith("  | ")]
    assert len(events) == 2
    assert re.match(r"20\S+Z WARNING tansiq\.test they said ", events[0])
    assert all(char.isprintable() for line in found for char in line)


def test_the_test_notices_a_plain_formatter(log: io.StringIO) -> None:
    handler = logging.StreamHandler(log)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().handlers[:] = [handler]
    logging.getLogger("tansiq.test").warning("they said %s", HOSTILE[0])
    assert len(lines(log.getvalue())) > 1


def test_a_mistake_in_a_message_is_still_an_event(log: io.StringIO) -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%d apples", ("no",), None)
    assert "%d apples" in json.loads(JsonLines().format(record))["message"]


def test_events_of_a_request_have_its_number(log: io.StringIO) -> None:
    configure(LogFormat.JSON, LogLevel.INFO, log)
    logger = logging.getLogger("tansiq.test")
    logger.info("outside")
    token = request_id.set("abc")
    logger.info("inside")
    request_id.reset(token)
    first, second = (json.loads(line) for line in lines(log.getvalue()))
    assert "request" not in first
    assert second["request"] == "abc"


def test_settings_of_the_log() -> None:
    base = 'party = "north"\n'
    found = read_settings(Path(), f'{base}log_format = "json"\nlog_level = "info"\n'.encode())
    assert (found.log_format, found.log_level) == (LogFormat.JSON, LogLevel.INFO)
    with pytest.raises(BadInput, match="write one of text, json"):
        read_settings(Path(), f'{base}log_format = "xml"\n'.encode())


def test_a_node_logs_its_requests_and_no_secret(tmp_path: Path) -> None:
    running = serving(tmp_path / "north", 'log_format = "json"\nlog_level = "info"\n')
    with running as node, httpx.Client(trust_env=False) as client:
        own, outside = load_own_token(node.data), node.token()
        client.get(f"{node.own_url}/api/v1/status", headers=node.own_headers)
        client.get(f"{node.own_url}/api/v1/status?token={own}")
        client.get(f"{node.own_url}/%0a{{}}%1b[2J?token=secretword", headers=node.own_headers)
        client.post(f"{node.own_url}/api/v1/login", json={"name": "x", "password": "pass-word-9"})
        address = f"{node.peer_url}/dss/v1/operational_intent_references/no-id"
        client.get(address, headers={"Authorization": f"Bearer {outside}"})
        text = node.log
    events = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    said = " ".join(event["message"] for event in events)
    assert "own listener: GET /api/v1/status answered 200" in said
    route = "/dss/v1/operational_intent_references/{entityid}"
    assert f"peer listener: GET {route} answered 400" in said
    assert "other other answered 404" in said
    answered = [event for event in events if "listener:" in event["message"]]
    assert all(re.fullmatch("[0-9a-f]{16}", event["request"]) for event in answered)
    for secret in (own, outside, "secretword", "pass-word-9"):
        assert secret not in text
