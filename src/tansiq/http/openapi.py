"""OpenAPI 3.1 description of the own API, made from the table of routes and the structs.

Nothing here is written by hand twice: what a route takes and answers stands in the table alone.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tansiq import __version__
from tansiq.http.access import Access
from tansiq.http.guard import CSRF_HEADER
from tansiq.http.operations import KEY_CHARS_MAX, TEXT_CHARS_MAX, Body, Kind, Operation, Query

_REFS = "#/components/schemas/{name}"
_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same key with the same request has one effect and gets one answer.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{KEY_CHARS_MAX}}}$"},
}
_PROBLEM = {
    "description": "What is wrong, which field it is about, and the remedy (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": _REFS.format(name="Problem")}}},
}
_DRAFT = {
    "description": "A GeoJSON Feature or FeatureCollection, or an F3548-21 operational intent "
    "or constraint; docs/plan-files.md says how.",
    "required": True,
    "content": {
        "application/geo+json": {"schema": {"type": "object"}},
        "application/json": {"schema": {"type": "object"}},
    },
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong, for programs and for people."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """Stable; docs/api.md lists them."""
    field: str | None = None
    """What in the request it is about."""


def document(operations: Sequence[Operation[Any]]) -> dict[str, Any]:
    """Return the whole description, ready for JSON."""
    structs: list[type[msgspec.Struct]] = [Problem]
    paths: dict[str, dict[str, Any]] = {}
    for op in operations:
        structs += [s for s in (op.reply, op.struct) if isinstance(s, type) and s not in structs]
        paths.setdefault(op.path, {})[op.method.lower()] = _operation(op)
    _, schemas = msgspec.json.schema_components(structs, ref_template=_REFS)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tansiq own API",
            "version": __version__,
            "description": "Plans, no-go areas and the event feed of one node, on loopback only.",
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of a session, or the content of own.token in the "
                    "node's data folder.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "tansiq-8080",
                    "description": "Of a browser; the number is the port. What changes something "
                    f"needs the header {CSRF_HEADER} besides.",
                },
            },
        },
    }


def _operation(op: Operation[Any]) -> dict[str, Any]:
    parameters = [_ID] if "{id}" in op.path else []
    parameters += [_parameter(query, "query") for query in op.query]
    parameters += [_parameter(header, "header") for header in op.headers]
    described: dict[str, Any] = {
        "operationId": op.name,
        "summary": op.summary,
        "description": _who(op.access),
        "x-least-role": op.access.least or "nobody",
        "security": [] if op.access.least is None else [{"token": []}, {"session": []}],
        "parameters": parameters + ([_KEY] if op.idempotent else []),
        "responses": {
            **{str(status): _reply(op, status, text) for status, text in op.statuses.items()},
            "default": _PROBLEM,
        },
    }
    if op.body in (Body.PLAN, Body.CONSTRAINT):
        described["requestBody"] = _DRAFT
    elif op.struct is not None:
        schema = {"$ref": _REFS.format(name=op.struct.__name__)}
        described["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return described


def _who(access: Access) -> str:
    if access.least is None:
        return "Open to everybody on this machine."
    feed = f", or a feed token with the scope {access.scope}" if access.scope else ""
    return f"Takes the role {access.least}{feed}."


def _reply(op: Operation[Any], status: int, text: str) -> dict[str, Any]:
    reply: dict[str, Any] = {"description": text}
    if status == 304:
        return reply
    if isinstance(op.reply, str):
        kind = "object" if op.reply.endswith("json") else "string"
        reply["content"] = {op.reply: {"schema": {"type": kind}}}
    else:
        schema = {"$ref": _REFS.format(name=op.reply.__name__)}
        reply["content"] = {"application/json": {"schema": schema}}
    if status == 201:
        reply["headers"] = {"Location": {"schema": {"type": "string"}}}
    return reply


def _parameter(query: Query, place: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": str(query.kind)}
    if query.kind is Kind.STRING:
        schema |= {"minLength": 1, "maxLength": TEXT_CHARS_MAX}
    if query.format is not None:
        schema["format"] = query.format
    if query.default is not None:
        schema["default"] = query.default
    if query.least is not None:
        schema["minimum"] = query.least
    if query.most is not None:
        schema["maximum"] = query.most
    return {
        "name": query.name,
        "in": place,
        "required": False,
        "description": query.text,
        "schema": schema,
    }
