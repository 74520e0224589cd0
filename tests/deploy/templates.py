"""The few forms of Helm's templates that our chart keeps to, rendered; any other is an error."""

import json
import re
from collections.abc import Mapping
from typing import Any

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_BLOCK = re.compile(r"[ \t]*\{\{- (if [^}]*|else|end) \}\}\n")


def render(text: str, values: Mapping[str, Any], release: str) -> str:
    """Render a template.

    Raises:
        ValueError: it has a form that is not known here, or asks for a value that is not there.
    """
    scope = {"Values": values, "Release": {"Name": release}}
    return _ACTION.sub(lambda found: _value(found[1], scope), _chosen(text, scope))


def _chosen(text: str, scope: Mapping[str, Any]) -> str:
    """Leave out what an ``if`` does not choose."""
    out: list[str] = []
    stack: list[bool] = []
    place = 0
    for found in _BLOCK.finditer(text):
        if all(stack):
            out.append(text[place : found.start()])
        place = found.end()
        word, _, path = found[1].partition(" ")
        if word == "if":
            stack.append(bool(_found(path, scope)))
        elif not stack:
            raise ValueError(f"{found[1]} without if")
        elif word == "else":
            stack[-1] = not stack[-1]
        else:
            stack.pop()
    if stack:
        raise ValueError("an if that does not end")
    return "".join([*out, text[place:]])


def _value(action: str, scope: Mapping[str, Any]) -> str:
    path, *functions = (part.strip() for part in action.split("|"))
    value = _found(path, scope)
    for function in functions:
        if function == "quote":
            value = json.dumps(str(value), ensure_ascii=False)
        elif function == "toJson":
            value = json.dumps(value, ensure_ascii=False)
        else:
            raise ValueError(f"{function} is not known here")
    return str(value)


def _found(path: str, scope: Mapping[str, Any]) -> Any:
    if not re.fullmatch(r"(\.\w+)+", path):
        raise ValueError(f"{path!r} is not known here")
    value: Any = scope
    for name in path[1:].split("."):
        if not isinstance(value, Mapping) or name not in value:
            raise ValueError(f"{path} is not there")
        value = value[name]
    return value
