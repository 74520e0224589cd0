"""The commands' way to their node: find it by its data folder, ask it, and say what went wrong.

The standard library's HTTP client, because a command must start quickly. Requests that change
something carry an Idempotency-Key, so that one that broke off is sent again without acting twice.
"""

import http.client
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlencode
from uuid import uuid4

import click
import msgspec

from tansiq.cli.ways import Way, find_way
from tansiq.errors import (
    BadInput,
    PeerMalformed,
    PeerUnreachable,
    StateConflict,
    StoreError,
    TansiqError,
)

NOT_YET = 1
"""Exit code where a plan is refused, blocked, or not coordinated so far."""
EXITS = """\b
Exit codes: 0 done (a plan that was declared or moved: coordinated)
            1 refused, blocked, or not yet coordinated
            2 bad input   3 the node does not answer   4 its store fails
"""

_ANSWER_BYTES_MAX = 256_000_000
_TIMEOUT_S = 15.0
_FEED_TIMEOUT_S = 60.0  # Four heartbeats.
_PIECE_BYTES = 1_000_000
_TRIES = 2

Value = str | int | float | bool | None
M = TypeVar("M")
F = TypeVar("F", bound=Callable[..., object])

data_option: Callable[[F], F] = click.option(
    "--data",
    metavar="DIR",
    envvar="TANSIQ_DATA",
    show_envvar=True,
    default=".",
    help="Data folder of the node to ask.  [default: the current folder]",
    type=click.Path(path_type=Path),
)
json_option: Callable[[F], F] = click.option(
    "--json", "as_json", is_flag=True, help="Print the API's JSON and nothing else."
)
wait_option: Callable[[F], F] = click.option(
    "--wait",
    "wait_s",
    metavar="S",
    type=click.FloatRange(0, 60),
    default=10.0,
    show_default=True,
    help="Seconds to wait until the registers have answered.",
)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    address: str
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete answer."""

    body: bytes

    def read(self, kind: type[M]) -> M:
        """Return the answer as a value.

        Raises:
            PeerMalformed: it is something else.
        """
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PeerMalformed(f"the answer is not understood ({error}); same version?") from error


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the feed: its number, what it is about, its JSON."""

    seq: int | None
    kind: str
    data: str


class Node:
    """One node's own API.

    Every method raises PeerUnreachable where nobody answers, and what the node's answer means
    (BadInput, StateConflict, StoreError) where it refuses.
    """

    def __init__(self, data: Path, way: Way | None = None) -> None:
        self._way = way or find_way(data)
        self._port = self._way.port

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Value] | None = None,
        body: bytes | None = None,
        wait_s: float = 0.0,
    ) -> Reply:
        """Send one request, waiting at most ``wait_s`` longer than usual, and return its answer."""
        asked = {**(query or {}), **({"wait_s": wait_s} if wait_s else {})}
        headers = {"Idempotency-Key": str(uuid4())} if method in ("POST", "PUT") else {}
        request = _Request(method, _target(path, asked), body, headers)
        # The same key again: whatever the first try did is not done twice.
        return self._send(request, _TIMEOUT_S + wait_s, tries=_TRIES)

    def tell(self, method: str, path: str, said: Mapping[str, object] | None = None) -> Reply:
        """Send one request that must not be sent twice, such as a login, and return its answer."""
        body = None if said is None else json.dumps(said).encode()
        return self._send(_Request(method, _target(path, {}), body), _TIMEOUT_S, tries=1)

    def _send(self, request: _Request, timeout_s: float, *, tries: int) -> Reply:
        headers = {**self._headers(), **request.headers}
        if request.body is not None:
            headers["Content-Type"] = "application/json"
        for left in reversed(range(tries)):
            connection = self._connection(timeout_s)
            try:
                connection.request(request.method, request.address, request.body, headers)
                response = connection.getresponse()
                content = response.read(_ANSWER_BYTES_MAX)
            except (OSError, http.client.HTTPException) as error:
                if left == 0 or isinstance(error, ConnectionRefusedError):
                    self._unreachable(error)
            else:
                return self._accepted(response.status, content)
            finally:
                connection.close()
        raise AssertionError("the last try returns or raises")

    def feed(self, after: int | None, *, follow: bool) -> Iterator[Event]:
        """Yield the events after that number (None: from now) until the feed ends."""
        connection = self._connection(_FEED_TIMEOUT_S)
        target = _target("/events", {"after": after, "follow": follow})
        try:
            connection.request("GET", target, headers=self._headers())
            response = connection.getresponse()
            if response.status != 200:
                self._accepted(response.status, response.read(_ANSWER_BYTES_MAX))
            yield from _events(line.decode().rstrip("\n") for line in response)
        except (OSError, http.client.HTTPException) as error:
            self._unreachable(error)
        finally:
            connection.close()

    def pieces(self, path: str, query: Mapping[str, Value]) -> Iterator[bytes]:
        """Yield a long answer as it comes; it may break off after some of it."""
        connection = self._connection(_FEED_TIMEOUT_S)
        try:
            connection.request("GET", _target(path, query), headers=self._headers())
            response = connection.getresponse()
            if response.status != 200:
                self._accepted(response.status, response.read(_ANSWER_BYTES_MAX))
            while piece := response.read(_PIECE_BYTES):
                yield piece
        except (OSError, http.client.HTTPException) as error:
            self._unreachable(error)
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._way.token}"} if self._way.token else {}

    def _accepted(self, status: int, content: bytes) -> Reply:
        try:
            return _accepted(status, content)
        except BadInput as error:
            # The token of ours, and not a password or link that was typed.
            about_us = error.field == ("Authorization" if status == 401 else "role")
            if status in (401, 403) and about_us and self._way.token:
                raise BadInput(f"{error.message}; {self._way.remedy(status)}") from error
            raise

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout_s)

    def _unreachable(self, error: Exception) -> NoReturn:
        reason = str(error) or type(error).__name__
        raise PeerUnreachable(
            f"no node answers at http://127.0.0.1:{self._port} ({reason}); "
            "is `tansiq serve` running on this data folder?"
        ) from error


def read_file(name: str) -> bytes:
    """Return a file's bytes, ``-`` being standard input.

    Raises:
        BadInput: it cannot be read.
    """
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=name) from error


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person before what cannot be undone; a script is not asked."""
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True)


def _target(path: str, query: Mapping[str, Value]) -> str:
    given = {name: _text(value) for name, value in query.items() if value is not None}
    return f"/api/v1{path}" + (f"?{urlencode(given)}" if given else "")


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:f}" if isinstance(value, float) else str(value)


def _accepted(status: int, content: bytes) -> Reply:
    if status < 400:
        return Reply(content)
    problem = _problem(content)
    if problem is None:
        raise PeerMalformed(f"answered {status} without a reason; is it a Tansiq node?")
    kind: type[TansiqError] = BadInput
    if status == 409:
        kind = StateConflict
    elif problem.get("code") == StoreError.code:
        kind = StoreError
    elif status >= 500:
        kind = PeerUnreachable
    raise kind(str(problem["detail"]), field=problem.get("field"))


def _problem(content: bytes) -> dict[str, Any] | None:
    try:
        problem = json.loads(content)
    except ValueError:
        return None
    return problem if isinstance(problem, dict) and "detail" in problem else None


def _events(lines: Iterable[str]) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if "data" in fields:
            seq = int(fields["id"]) if "id" in fields else None
            yield Event(seq, fields.get("event", "message"), fields["data"])
        fields = {}
