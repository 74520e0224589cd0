"""Bytes to messages and back: bounded before parsing, errors that name the field and the remedy."""

from collections.abc import Iterator
from typing import Any, Final, TypeVar

import msgspec

from tansiq.domain.intent import IntentState
from tansiq.errors import BadInput, TooLarge

M = TypeVar("M")

_ALIKE = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")

_REMEDIES = {
    "units": 'only "M" (metres) is accepted',
    "reference": 'only "W84" (metres above the WGS84 ellipsoid) is accepted',
    "format": 'only "RFC3339" is accepted',
    "state": "one of " + ", ".join(IntentState),
    "recorder_role": '"Client" or "Server"',
    "units_speed": 'only "MetersPerSecond" is accepted',
}


def check_size(body: bytes, *, bytes_max: int, depth_max: int) -> None:
    """Refuse a JSON body that is too long, or nested too deep for any honest message.

    Raises:
        TooLarge: above either limit; ``field`` is ``body``.
    """
    if len(body) > bytes_max:
        raise TooLarge(f"{len(body)} bytes; at most {bytes_max} are read", field="body")
    # Most bodies have fewer brackets than the limit has levels: counting is enough for them.
    if body.count(b"[") + body.count(b"{") <= depth_max:
        return
    # Those in strings count too here, and only where that says too much is it looked at closely:
    # it takes 300 times as long. What they hide from us, the decoder finds.
    if _is_deeper(body, depth_max) and _is_deeper(_without_strings(body), depth_max):
        raise TooLarge(f"nested deeper than the {depth_max} levels that are read", field="body")


def _is_deeper(body: bytes, depth_max: int) -> bool:
    """Report whether brackets are nested deeper; each turn takes away the innermost ones."""
    left = body.translate(_ALIKE, _NO_BRACKETS)
    for _ in range(depth_max):
        shorter = left.replace(b"[]", b"")
        if len(shorter) == len(left):  # What is left does not pair: no JSON, unless nothing is.
            return left.count(b"[") > depth_max
        left = shorter
    return b"[]" in left


def _without_strings(body: bytes) -> bytes:
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    return b"".join(plain.split(b'"')[::2])


_decoders: dict[type[Any], msgspec.json.Decoder[Any]] = {}


def _decoder(message: type[M]) -> msgspec.json.Decoder[M]:
    decoder = _decoders.get(message)
    if decoder is None:
        decoder = _decoders[message] = msgspec.json.Decoder(message)
    return decoder


def decode(body: bytes, message: type[M], *, bytes_max: int, depth_max: int = 64) -> M:
    """Read one message.

    Raises:
        TooLarge: see ``check_size``.
        BadInput: not JSON, or not this message; ``field`` is the path of what is wrong.
    """
    check_size(body, bytes_max=bytes_max, depth_max=depth_max)
    try:
        return _decoder(message).decode(body)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not JSON: {error}", field="body") from error
    except RecursionError as error:
        raise TooLarge("nested deeper than anything that is read", field="body") from error


def decode_part(body: msgspec.Raw, message: type[M]) -> M:
    """Read one message that is part of a body, which was bounded and found to be JSON.

    Raises:
        BadInput: not this message; ``field`` is the path of what is wrong.
    """
    try:
        return _decoder(message).decode(body)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"not JSON: {error}", field="body") from error


def from_tree(value: Any, message: type[M]) -> M:
    """Read one message from JSON that is parsed already, and was bounded then.

    Raises:
        BadInput: not this message; ``field`` is the path of what is wrong.
    """
    try:
        return msgspec.convert(value, message)
    except msgspec.ValidationError as error:
        raise _explained(str(error)) from error


def _explained(sentence: str) -> BadInput:
    """Turn msgspec's "what - at `$.path`" into our sentence and field."""
    what, _, where = sentence.partition(" - at `$")
    field = where.rstrip("`").lstrip(".") or "body"
    remedy = _REMEDIES.get(field.rpartition(".")[2])
    what = what.replace("`", "")
    return BadInput(f"{what}; {remedy}" if remedy else what, field=field)


_ENCODER = msgspec.json.Encoder()
PIECE: Final = 250
"""Entries of a list that are written in one step, which nothing else in the process can interrupt:
a fraction of a millisecond."""


def encode(message: msgspec.Struct) -> bytes:
    """Write one message; absent fields are left out."""
    return _ENCODER.encode(message)


def is_long(message: msgspec.Struct) -> bool:
    """Report whether a message has a list that is better written piece by piece."""
    return any(
        isinstance(value, tuple) and len(value) > PIECE
        for value in msgspec.structs.astuple(message)
    )


def encode_long(message: msgspec.Struct) -> bytes:
    """Write the same as ``encode``, so that other threads get their turn in between."""
    members = []
    for field in msgspec.structs.fields(message):
        value = getattr(message, field.name)
        if value == field.default:
            continue
        name = _ENCODER.encode(field.encode_name)
        members.append(b"%b:%b" % (name, b"".join(_pieces(value))))
    return b"{%b}" % b",".join(members)


def _pieces(value: object) -> Iterator[bytes]:
    if not isinstance(value, tuple) or len(value) <= PIECE:
        yield _ENCODER.encode(value)
        return
    for i in range(0, len(value), PIECE):
        yield b"," if i else b"["
        yield _ENCODER.encode(value[i : i + PIECE])[1:-1]
    yield b"]"
