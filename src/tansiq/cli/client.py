"""The commands' way to their node: find it by its data folder, ask it, and say what went wrong.

Standard library only: a command must start quickly. Requests that change something carry an
Idempotency-Key, so that one that broke off is sent again without acting twice.
"""

import http.client
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

import click
import msgspec

from tansiq.errors import TansiqError
from tansiq.settings import load_own_token, load_settings

REFUSED = 1
BAD_INPUT = 2
NOT_REACHABLE = 3
EXIT_CODES = """
\b
Exit codes: 0 done (a plan: coordinated), 1 refused, blocked or not yet coordinated,
            2 bad input, 3 the node cannot be reached.
"""

_ANSWER_BYTES_MAX = 256_000_000
_TIMEOUT_S = 15.0
_FEED_TIMEOUT_S = 60.0  # Four heartbeats.
_TRIES = 2

M = TypeVar("M")
F = TypeVar("F", bound=Callable[..., object])

data_option: Callable[[F], F] = click.option(
    "--data",
    envvar="TANSIQ_DATA",
    default=".",
    show_default="the current folder",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="Data folder of the node to ask.",
)
json_option: Callable[[F], F] = click.option(
    "--json", "as_json", is_flag=True, help="Print the API's JSON and nothing else."
)


def fail(message: str, code: int) -> NoReturn:
    """Print the error and leave."""
    click.echo(f"error: {message}", err=True)
    raise SystemExit(code)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    status: int
    body: bytes

    def read(self, kind: type[M]) -> M:
        """Return the answer as a value."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except msgspec.DecodeError as error:
            fail(f"the node's answer is not understood ({error}); same version?", NOT_REACHABLE)


class Node:
    """One node's own API."""

    def __init__(self, port: int, token: str) -> None:
        self.port = port
        self._token = token

    def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str | int | float | bool | None] | None = None,
        body: bytes | None = None,
        *,
        wait_s: float = 0.0,
    ) -> Reply:
        """Send one request; leave with a sentence where it is refused or nobody answers."""
        target = _target(path, query)
        headers = self._headers(body)
        if method in ("POST", "PUT"):
            headers["Idempotency-Key"] = str(uuid4())
        for left in reversed(range(_TRIES)):
            connection = self._connection(_TIMEOUT_S + wait_s)
            try:
                connection.request(method, target, body, headers)
                response = connection.getresponse()
                reply = Reply(response.status, response.read(_ANSWER_BYTES_MAX))
            except (OSError, http.client.HTTPException) as error:
                # The same key again: whatever the first try did is not done twice.
                if left == 0 or isinstance(error, ConnectionRefusedError):
                    self._unreachable(error)
            else:
                return _accepted(reply)
            finally:
                connection.close()
        raise AssertionError("the last try returns or leaves")

    def follow(self, after: int | None, *, follow: bool) -> Iterator[tuple[int | None, str, str]]:
        """Yield (id, event, data) of the event feed until it ends."""
        query = {"after": after, "follow": follow}
        connection = self._connection(_FEED_TIMEOUT_S)
        try:
            connection.request("GET", _target("/events", query), headers=self._headers(None))
            response = connection.getresponse()
            if response.status != 200:
                _accepted(Reply(response.status, response.read(_ANSWER_BYTES_MAX)))
            yield from _events(line.decode().rstrip("\n") for line in response)
        except (OSError, http.client.HTTPException) as error:
            self._unreachable(error)
        finally:
            connection.close()

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self._token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return headers

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)

    def _unreachable(self, error: Exception) -> NoReturn:
        reason = str(error) or type(error).__name__
        fail(
            f"no node answers at http://127.0.0.1:{self.port} ({reason}); "
            "is `tansiq serve` running on this data folder?",
            NOT_REACHABLE,
        )


def node_at(data: Path) -> Node:
    """Return the node of a data folder, or leave with the reason."""
    try:
        return Node(load_settings(data).own_port, load_own_token(data))
    except TansiqError as error:
        fail(str(error), BAD_INPUT)


def read_file(name: str) -> bytes:
    """Return a file's bytes, ``-`` being standard input, or leave with the reason."""
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        fail(f"{name}: {error.strerror}", BAD_INPUT)


def confirmed(question: str, *, yes: bool) -> None:
    """Ask a person before something that cannot be undone; a script is not asked."""
    if not yes and sys.stdin.isatty() and not click.confirm(question):
        fail("nothing was changed", REFUSED)


def _target(path: str, query: Mapping[str, str | int | float | bool | None] | None) -> str:
    given = {k: _text(v) for k, v in (query or {}).items() if v is not None}
    return f"/api/v1{path}" + (f"?{urlencode(given)}" if given else "")


def _text(value: str | float | bool) -> str:  # noqa: FBT001 - a value of a query
    return str(value).lower() if isinstance(value, bool) else str(value)


def _accepted(reply: Reply) -> Reply:
    if reply.status < 400:
        return reply
    problem = _problem(reply.body)
    if problem is None:
        fail(f"answered {reply.status} without a reason; is it a Tansiq node?", NOT_REACHABLE)
    field, detail = problem.get("field"), problem.get("detail")
    sentence = f"{field}: {detail}" if field else str(detail)
    if reply.status == 409:
        fail(sentence, REFUSED)
    fail(sentence, NOT_REACHABLE if reply.status >= 500 else BAD_INPUT)


def _problem(body: bytes) -> dict[str, Any] | None:
    try:
        problem = json.loads(body)
    except ValueError:
        return None
    return problem if isinstance(problem, dict) and "detail" in problem else None


def _events(lines: Iterator[str]) -> Iterator[tuple[int | None, str, str]]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            number = int(fields["id"]) if "id" in fields else None
            yield number, fields.get("event", "message"), fields["data"]
            fields = {}
        else:
            fields = {}
