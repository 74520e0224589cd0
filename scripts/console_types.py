"""Write the console's types of the own API from the table of routes, so that the two cannot differ.

`console_types.py` writes `console/src/api/types.ts`; `console_types.py --check` says whether it is
as it should be.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from tansiq.http.openapi import document
from tansiq.http.own_table import OPERATIONS

TARGET: Final = Path(__file__).parent.parent / "console" / "src" / "api" / "types.ts"
_HEAD: Final = "// Made from the own API by scripts/console_types.py; not to be edited by hand.\n"
_PLAIN: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def types() -> str:
    """Return the file as it should be."""
    schemas: dict[str, Any] = document(OPERATIONS)["components"]["schemas"]
    return _HEAD + "".join(_named(name, schemas[name]) for name in sorted(schemas))


def _named(name: str, schema: dict[str, Any]) -> str:
    if schema.get("type") == "object" and "properties" in schema:
        return f"\nexport interface {name} {_members(schema)}\n"
    return f"\nexport type {name} = {_type(schema)};\n"


def _members(schema: dict[str, Any]) -> str:
    # What a node answers has all its members; what it takes may leave out what has a default.
    taken = schema.get("additionalProperties") is False
    required = set(schema.get("required", ()))
    lines = []
    for key, value in schema["properties"].items():
        optional = "?" if taken and key not in required else ""
        quoted = key if key.replace("_", "a").isalnum() else f'"{key}"'
        lines.append(f"  {quoted}{optional}: {_type(value)};\n")
    return "{\n" + "".join(lines) + "}"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(json.dumps(each) for each in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_type({**schema, "type": each}) for each in kind)
    if kind == "array":
        return _array(schema)
    if kind == "object":
        return _object(schema)
    return _PLAIN.get(str(kind), "unknown")


def _array(schema: dict[str, Any]) -> str:
    if "prefixItems" in schema:
        return "[" + ", ".join(_type(each) for each in schema["prefixItems"]) + "]"
    items = schema.get("items")
    inner = _type(items) if isinstance(items, dict) else "unknown"
    return f"({inner})[]" if " " in inner else f"{inner}[]"


def _object(schema: dict[str, Any]) -> str:
    if "properties" in schema:
        return _members(schema)
    extra = schema.get("additionalProperties")
    return f"Record<string, {_type(extra) if isinstance(extra, dict) else 'unknown'}>"


def main() -> int:
    """Write the file, or with ``--check`` compare it; return the exit code."""
    wanted = types()
    if "--check" in sys.argv[1:]:
        same = TARGET.exists() and TARGET.read_text() == wanted
        if not same:
            print(f"{TARGET.name} is not what the API says: run scripts/console_types.py")
        return 0 if same else 1
    TARGET.parent.mkdir(parents=True, exist_ok=True)
    TARGET.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
