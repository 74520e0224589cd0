"""TAK's protobuf form of an event, read by ``takproto``: the one module that knows it.

The library raises whatever its parts raise on bad input, or returns nothing: here all of it is
``BadInput``. It is given protobuf alone, since what it takes for XML it reads without limits.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from tansiq.errors import BadInput

MESH: Final = b"\xbf\x01\xbf"
"""Begins a datagram of version 1; a stream has 0xbf, a length and the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakEvent:
    """The members that count. Times are milliseconds since 1970; 0 where not stated."""

    type: str
    uid: str
    time_ms: int
    stale_ms: int
    lat_deg: float
    lng_deg: float
    hae_m: float
    ce_m: float
    le_m: float
    callsign: str
    course_deg: float | None
    speed_mps: float | None


class MissingLibrary(BadInput):
    """``takproto`` is not installed."""


def read(message: bytes) -> TakEvent:
    """Return the event in a protobuf message, without its header.

    Raises:
        MissingLibrary: there is nothing to read it with.
        BadInput: no such message.
    """
    try:
        takproto: Any = import_module("takproto")
        decode_error = import_module("google.protobuf.message").DecodeError
    except ImportError as error:
        raise MissingLibrary("needs takproto: pip install 'tansiq[tak]'", field="tak") from error
    try:
        found = takproto.parse_proto(bytearray(MESH + message))
    except (decode_error, IndexError, EOFError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"is no TAK message: {error}", field="tak") from error
    if found is None or not found.HasField("cotEvent"):
        raise BadInput("holds no event", field="tak")
    event = found.cotEvent
    track = event.detail.track if event.detail.HasField("track") else None
    return TakEvent(
        type=event.type,
        uid=event.uid,
        time_ms=event.sendTime,
        stale_ms=event.staleTime,
        lat_deg=event.lat,
        lng_deg=event.lon,
        hae_m=event.hae,
        ce_m=event.ce,
        le_m=event.le,
        callsign=event.detail.contact.callsign,
        course_deg=None if track is None else track.course,
        speed_mps=None if track is None else track.speed,
    )
