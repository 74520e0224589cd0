"""Routes of the own API as a table: from one entry come the route, its checks and its description.

An ``Operation`` says what a request may carry; nothing reaches a handler that it does not name.
``http/openapi.py`` reads the same table, so the published description cannot drift.
"""

import difflib
import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tansiq.domain.actor import Actor
from tansiq.errors import BadInput, TooLarge
from tansiq.http.access import Access, actor_of
from tansiq.services.idempotency import Attempt
from tansiq.settings import Limits

S = TypeVar("S")
M = TypeVar("M")

KEY_CHARS_MAX = 128
TEXT_CHARS_MAX = 300
"""Of a query parameter that is text."""
_KEY = re.compile(rf"[\x21-\x7e]{{1,{KEY_CHARS_MAX}}}")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NOTE = re.compile(r"[0-9a-f]{6,64}")
_ALARM = re.compile(r"[0-9a-f-]{6,64}")
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?")
_JSON_TYPES = frozenset({"", "application/json", "application/geo+json"})


class Kind(StrEnum):
    """Types of query parameters, in JSON Schema's words."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    NUMBER = "number"
    STRING = "string"


Value = bool | int | float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One query parameter."""

    name: str
    kind: Kind
    text: str
    default: Value | None = None
    least: float | None = None
    most: float | None = None
    format: str | None = None
    """Of a string, in JSON Schema's words; its handler reads it."""

    def read(self, text: str) -> Value:
        """Return the parameter's value.

        Raises:
            BadInput: not of its type, or out of its range.
        """
        value: Value
        if self.kind is Kind.BOOLEAN:
            if text not in ("true", "false"):
                raise BadInput(f"{_shown(text)} is not true or false", field=self.name)
            return text == "true"
        if self.kind is Kind.STRING:
            if not 0 < len(text) <= TEXT_CHARS_MAX or not text.isprintable():
                raise BadInput(
                    f"send 1 to {TEXT_CHARS_MAX} characters without line breaks", field=self.name
                )
            return text
        pattern = _INTEGER if self.kind is Kind.INTEGER else _NUMBER
        if not pattern.fullmatch(text):
            raise BadInput(f"{_shown(text)} is not a plain {self.kind}", field=self.name)
        value = int(text) if self.kind is Kind.INTEGER else float(text)
        least, most = self.least, self.most
        if not (least is None or value >= least) or not (most is None or value <= most):
            low = -math.inf if least is None else least
            high = math.inf if most is None else most
            raise BadInput(f"{text} is not within {low:.15g} to {high:.15g}", field=self.name)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, checked as far as the table can."""

    id: str
    """From the path, lower case; empty where the path has none."""
    query: Mapping[str, Any]
    """Every parameter of the operation: its value, or its default."""
    content: Any
    """The body as a ``PlanDraft`` or as the operation's struct; None where it reads none."""
    request: Request
    attempt: Attempt

    @property
    def actor(self) -> Actor:
        """Who makes the request; not on routes that are open to everybody."""
        return actor_of(self.request)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler hands back."""

    status: int
    value: msgspec.Struct
    location: str | None = None


class Body(StrEnum):
    """What an operation reads."""

    NONE = "none"
    PLAN = "plan"
    """GeoJSON or F3548 JSON, as is the next."""
    CONSTRAINT = "constraint"
    STRUCT = "struct"
    POSITIONS = "positions"
    """A list of positions, each judged by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Generic[S]):
    """One method on one path. ``S`` is what its handler works on."""

    method: str
    path: str
    name: str
    summary: str
    handle: Callable[[S, Call], Awaitable[Answer | Response]]
    reply: type[msgspec.Struct] | str
    """A struct, or the media type of something else."""
    statuses: Mapping[int, str]
    access: Access
    """Who may: the least role. Without a default, so that nobody forgets to say."""
    query: Sequence[Query] = ()
    headers: Sequence[Query] = ()
    """Described only; the handler reads them."""
    body: Body = Body.NONE
    struct: type[msgspec.Struct] | None = None
    idempotent: bool = False
    """Takes an Idempotency-Key."""
    body_bytes_max: int | None = None
    """Another limit than that of all bodies."""
    at_once: int | None = None
    """So many are served at once, and no body of another is read: for what takes a processor's
    attention, or much memory."""

    def call_id(self, request: Request) -> str:
        """Return the id in the path.

        Raises:
            BadInput: not a UUID; or not the name of a note or alarm, or the beginning of one.
        """
        if "{note}" in self.path:
            name = str(request.path_params["note"]).lower()
            if not _NOTE.fullmatch(name):
                raise BadInput(
                    f"{_shown(name)} is not the name of a note: 64 hex digits, or at least the "
                    "first 6",
                    field="note",
                )
            return name
        if "{alarm}" in self.path:
            name = str(request.path_params["alarm"]).lower()
            if not _ALARM.fullmatch(name):
                raise BadInput(
                    f"{_shown(name)} is not the id of an alarm, nor the first 6 characters of one",
                    field="alarm",
                )
            return name
        if "{id}" not in self.path:
            return ""
        text = str(request.path_params["id"]).lower()
        if not _UUID.fullmatch(text):
            raise BadInput(
                f"{_shown(text)} is not an id; ids look like 2f8343be-6482-4d1b-a474-16847e01af1e",
                field="id",
            )
        return text

    def read_query(self, request: Request, limits: Limits) -> dict[str, Value | None]:
        """Return all parameters, with defaults for those that are not given.

        Raises:
            BadInput: unknown, repeated or malformed.
            TooLarge: the query is too long.
        """
        raw: bytes = request.scope.get("query_string", b"")
        if len(raw) > limits.query_chars_max:
            raise TooLarge(f"longer than {limits.query_chars_max} characters", field="query")
        known = {parameter.name: parameter for parameter in self.query}
        values: dict[str, Value | None] = {p.name: p.default for p in self.query}
        seen: set[str] = set()
        for name, text in request.query_params.multi_items():
            if name not in known:
                raise BadInput(_unknown(name, known), field=_shown(name))
            if name in seen:
                raise BadInput("given twice; give it once", field=name)
            seen.add(name)
            values[name] = known[name].read(text)
        return values


def _unknown(name: str, known: Mapping[str, Query]) -> str:
    if not known:
        return "this address takes no query parameters; leave it out"
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known here: {', '.join(known)}"
    return f"no such query parameter; {hint}"


def _shown(text: str) -> str:
    """Return what somebody sent, fit for a sentence."""
    short = text if len(text) <= 40 else text[:40] + "…"
    return ascii(short) if not short.isprintable() else f"“{short}”" if " " in short else short


def check_headers(request: Request, limits: Limits) -> None:
    """Refuse headers beyond the limit.

    Raises:
        TooLarge: all headers together are too long.
    """
    size = sum(len(name) + len(value) for name, value in request.scope["headers"])
    if size > limits.header_bytes_max:
        raise TooLarge(f"{size} bytes of headers; at most {limits.header_bytes_max}")


def read_key(request: Request) -> str | None:
    """Return the Idempotency-Key, if one was sent.

    Raises:
        BadInput: repeated, empty, too long, or not visible ASCII.
    """
    found = request.headers.getlist("idempotency-key")
    if not found:
        return None
    if len(found) > 1 or not _KEY.fullmatch(found[0]):
        raise BadInput(
            f"send one key of 1 to {KEY_CHARS_MAX} visible ASCII characters, such as a UUID",
            field="Idempotency-Key",
        )
    return found[0]


async def read_body(request: Request, limit: int) -> bytes:
    """Return the whole body, reading no further than the limit.

    Raises:
        BadInput: compressed, of another type, or broken off.
        TooLarge: more than ``limit`` bytes, announced or sent.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _JSON_TYPES:
        raise BadInput(
            f"{_shown(media_type)} is not read here; send application/json or application/geo+json",
            field="Content-Type",
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadInput("send the body uncompressed", field="Content-Encoding")
    # Not `int()` of whatever stands there: a huge digit string costs time.
    announced = request.headers.get("content-length", "0")
    if not _INTEGER.fullmatch(announced) or int(announced) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes", field="body")
    return await _collect(request.stream(), limit)


async def _collect(stream: AsyncIterator[bytes], limit: int) -> bytes:
    content = bytearray()
    try:
        async for chunk in stream:
            content += chunk
            if len(content) > limit:
                raise TooLarge(f"the body is larger than {limit} bytes", field="body")
    except ClientDisconnect as error:
        raise BadInput("the body broke off", field="body") from error
    return bytes(content)


def read_struct(body: bytes, kind: type[M]) -> M:
    """Return a JSON body as a struct.

    Raises:
        BadInput: not JSON, or not of that form; the field is the path in the body.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$.")
        raise BadInput(sentence, field=path.rstrip("`") or "body") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"not JSON: {error}", field="body") from error
