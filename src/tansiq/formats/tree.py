"""Strict JSON, and reading it with the path of every value at hand.

Refused: other encodings than UTF-8, NaN and Infinity, numbers beyond double precision's range,
a name twice in one object (parsers differ in which one they keep: two nodes could read two plans),
nesting and size above limits. Nothing is parsed before its size is known to be within bounds.
``parse_signed`` refuses also what two readers could take for two things.
"""

import json
import re
from collections.abc import Callable, Iterator
from math import isfinite
from typing import Any, Final, NoReturn

from tansiq.errors import BadInput, TooLarge

INTEGER_MAX: Final = 2**53 - 1
"""Beyond it a reader that has double precision alone takes one whole number for another."""
_BOM: Final = b"\xef\xbb\xbf"
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def parse(data: bytes, *, bytes_max: int, depth_max: int) -> Any:
    """Return the JSON value in ``data``.

    Raises:
        TooLarge: too many bytes, or nested too deep.
        BadInput: not strict JSON.
    """
    return _parse(data, _float, int, bytes_max=bytes_max, depth_max=depth_max)


def parse_signed(data: bytes, *, bytes_max: int, depth_max: int) -> Any:
    """Return the JSON value in bytes that somebody signed for.

    Raises:
        TooLarge: too many bytes, or nested too deep.
        BadInput: not strict JSON; or with a byte order mark, half of a surrogate pair, minus zero,
            or a whole number beyond ``INTEGER_MAX``.
    """
    if data.startswith(_BOM):
        raise BadInput("begins with a byte order mark; leave it out")
    value = _parse(data, _signed_float, _signed_int, bytes_max=bytes_max, depth_max=depth_max)
    if b"\\u" in data:  # Only an escape can write half a pair: UTF-8 has no bytes for it.
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise BadInput("has half of a surrogate pair, which is no character") from error
    return value


def _parse(
    data: bytes,
    parse_float: Callable[[str], float],
    parse_int: Callable[[str], int],
    *,
    bytes_max: int,
    depth_max: int,
) -> Any:
    if len(data) > bytes_max:
        raise TooLarge(f"{len(data)} bytes; at most {bytes_max} are read: split the file")
    too_deep = f"nested deeper than {depth_max} levels; plans need about ten: flatten it"
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=parse_float,
            parse_int=parse_int,
            object_pairs_hook=_object,
        )
    except UnicodeDecodeError as error:
        raise BadInput(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadInput(
            f"line {error.lineno}, column {error.colno} is not JSON: {error.msg}; check that the "
            "file is whole"
        ) from error
    except RecursionError as error:
        raise TooLarge(too_deep) from error
    except ValueError as error:  # Integers of more than 4,300 digits.
        raise BadInput(f"holds a number that is too long to read: {error}") from error
    # After parsing, because only in valid JSON is it cheap to tell brackets from text.
    if _depth_exceeds(data, depth_max):
        raise TooLarge(too_deep)
    return value


def _depth_exceeds(data: bytes, depth_max: int) -> bool:
    # All of one sort: of "{[]}" a round must take away one level and not both.
    brackets = _STRING.sub(b"", data).translate(_ALIKE, delete=_NOT_BRACKETS)
    for _ in range(depth_max):
        if not brackets:
            return False
        # Each round takes away every innermost pair, so valid JSON of depth n vanishes in n.
        brackets = brackets.replace(b"[]", b"")
    return bool(brackets)


_ALIKE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def _refuse_constant(name: str) -> NoReturn:
    raise BadInput(f"holds {name}, which is no JSON number; write a finite number")


def _float(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise BadInput(f"holds {text[:40]}, which is beyond any measure; write a finite number")
    return value


def _signed_float(text: str) -> float:
    value = _float(text)
    if value == 0 and text.startswith("-"):
        raise BadInput(f"holds {text[:40]}, which is minus zero; write it without the sign")
    return value


def _signed_int(text: str) -> int:
    if text == "-0":
        raise BadInput("holds -0, which is minus zero; write it without the sign")
    if len(text) > _DIGITS_MAX or abs(int(text)) > INTEGER_MAX:
        raise BadInput(f"holds {text[:40]}, which is more than 2**53 - 1: readers may round it")
    return int(text)


_DIGITS_MAX: Final = 17
"""Of ``INTEGER_MAX`` with a sign; longer ones are not converted at all."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                break
            seen.add(name)
        raise BadInput(
            f"the name {name[:40]!r} stands twice in one object; keep one", field=name[:40]
        )
    return members


class Field:
    """A value in a document, and the way that leads to it; ``key`` alone is the path of a root."""

    __slots__ = ("_above", "_key", "value")

    def __init__(self, value: Any, key: str | int = "", above: "Field | None" = None) -> None:
        self.value = value
        self._key = key
        self._above = above

    @property
    def path(self) -> str:
        """Where it stands, ``features[3].properties.lower``. Put together only for errors."""
        if self._above is None:
            return str(self._key)
        if isinstance(self._key, int):
            return f"{self._above.path}[{self._key}]"
        return self._above.below(self._key)

    def wrong(self, wanted: str) -> BadInput:
        """Return the error that says what stands here and what is wanted."""
        return BadInput(f"{_kind(self.value)} where {wanted} is wanted", field=self.path or None)

    def below(self, name: str) -> str:
        """Return the path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def members(self) -> dict[str, Any]:
        """Return this as an object."""
        if not isinstance(self.value, dict):
            raise self.wrong("an object {...}")
        return self.value

    def get(self, name: str) -> "Field | None":
        """Return a member of this object, None where it is absent or null."""
        its = self.value
        value = (its if isinstance(its, dict) else self.members()).get(name)
        return None if value is None else Field(value, name, self)

    def need(self, name: str, remedy: str) -> "Field":
        """Return a member that has to be there."""
        found = self.get(name)
        if found is None:
            raise BadInput(f"is missing; {remedy}", field=self.below(name))
        return found

    def items(self) -> Iterator["Field"]:
        """Yield the elements of this array."""
        for index, value in enumerate(self.array()):
            yield Field(value, index, self)

    def array(self) -> list[Any]:
        """Return this as an array."""
        if not isinstance(self.value, list):
            raise self.wrong("an array [...]")
        return self.value

    def text(self) -> str:
        """Return this as a text."""
        if not isinstance(self.value, str):
            raise self.wrong("a text in quotes")
        return self.value

    def number(self) -> float:
        """Return this as a number; numbers in quotes are not numbers."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong("a number without quotes")
        try:
            return float(self.value)
        except OverflowError as error:
            raise self.wrong("a number of less than 300 digits") from error

    def integer(self) -> int:
        """Return this as a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.wrong("a whole number")
        return self.value


def located(error: BadInput, path: str) -> BadInput:
    """Return the same error, about ``path``."""
    return type(error)(error.message, field=path)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        # Not the whole number: it may have thousands of digits.
        return f"the number {value}" if abs(value) < 1e15 else "a huge number"
    if isinstance(value, str):
        return f"the text {value[:40]!r}"
    return "an object" if isinstance(value, dict) else "an array"
