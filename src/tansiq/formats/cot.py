"""Cursor on Target: positions that TAK clients and servers share, as XML or as TAK's protobuf.

Of an event count its point, its times, and of the details call sign, course and speed. Only
aircraft in the air become reports: type ``a-``, an affiliation, ``-A``. 9999999 means unknown.
``time`` is when it was measured; after ``stale`` the sender no longer stands by it.

Heights (``hae``) are metres above the ellipsoid by the standard, and above mean sea level by many
senders: the settings say which. ``ce`` and ``le`` are the errors, metres.

Left out: what a message in ``xmlDetail`` repeats, flow tags, chat, drawings.

Source: MITRE's schema of the Cursor on Target event, version 2.0; TAK protocol, version 1.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tansiq.domain.draft import Datum
from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.formats import heights, safe_xml, tak
from tansiq.formats.cot_frames import CotFrames, Frame, FrameKind, of_datagram
from tansiq.formats.position_reports import Parsed, Refusal, icao, named, shown

UNKNOWN: Final = 9_999_999.0
_AIRCRAFT: Final = re.compile(r"a-[^-]{1,4}-A(-.*)?")
_ICAO_UID: Final = re.compile(r"ICAO(?:24)?[-.:_ ]?([0-9A-Fa-f]{6})", re.IGNORECASE)
"""How gateways of ADS-B name an aircraft: the same one may come by another feed."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS_MAX: Final = 7_000_000_000_000
"""The year 2191."""


@dataclass(slots=True)
class _Event:
    type: str = ""
    uid: str = ""
    time: datetime | None = None
    stale: datetime | None = None
    lat_deg: float | None = None
    lng_deg: float | None = None
    hae_m: float = UNKNOWN
    ce_m: float = UNKNOWN
    le_m: float = UNKNOWN
    callsign: str = ""
    course_deg: float | None = None
    speed_mps: float | None = None


class CotParser:
    """Reads a stream in pieces, or datagrams."""

    def __init__(self, *, datum: Datum = Datum.W84, frame_bytes_max: int = 64_000) -> None:
        self._datum = datum
        self._frame_bytes_max = frame_bytes_max
        self._frames = CotFrames(frame_bytes_max)

    def feed(self, data: bytes, now: datetime) -> Parsed:
        """Return what the messages say that are whole with this piece, which arrived at ``now``."""
        parsed = Parsed()
        for frame in self._frames.feed(data):
            _read(frame, now, self._datum, parsed)
        parsed.refused.update(self._frames.refused)
        self._frames.refused.clear()
        return parsed

    def datagram(self, data: bytes, now: datetime) -> Parsed:
        """Return what one datagram says, which arrived at ``now``."""
        parsed = Parsed()
        frame = of_datagram(data) if len(data) <= self._frame_bytes_max else None
        if frame is not None:
            _read(frame, now, self._datum, parsed)
        else:
            parsed.messages = 1
            too_large = len(data) > self._frame_bytes_max
            parsed.refused[Refusal.TOO_LARGE if too_large else Refusal.MALFORMED] += 1
        return parsed


def _read(frame: Frame, now: datetime, datum: Datum, parsed: Parsed) -> None:
    parsed.messages += 1
    try:
        event = _from_xml(frame.data) if frame.kind is FrameKind.XML else _from_tak(frame.data)
    except tak.MissingLibrary:
        parsed.refused[Refusal.NEEDS_EXTRA] += 1
    except BadInput:
        parsed.refused[Refusal.MALFORMED] += 1
    else:
        _add(event, now, datum, parsed)


def _add(event: _Event, now: datetime, datum: Datum, parsed: Parsed) -> None:
    if _AIRCRAFT.fullmatch(event.type) is None:
        parsed.refused[Refusal.NOT_AIRCRAFT] += 1
    elif not event.uid.strip():
        parsed.refused[Refusal.NO_ADDRESS] += 1
    elif event.time is None:
        parsed.refused[Refusal.NO_TIME] += 1
    elif event.lat_deg is None or event.lng_deg is None:
        parsed.refused[Refusal.NO_POSITION] += 1
    elif event.stale is not None and event.stale < now:
        parsed.refused[Refusal.STALE] += 1
        parsed.stale_times.append(event.time)
    else:
        height_m = event.hae_m if abs(event.hae_m) < UNKNOWN else None
        parsed.add(
            address=_address(event.uid),
            time=event.time,
            lat_deg=event.lat_deg,
            lng_deg=event.lng_deg,
            horizontal_error_m=_error_m(event.ce_m),
            callsign=shown(event.callsign),
            speed_mps=event.speed_mps,
            track_deg=None if event.course_deg is None else event.course_deg % 360.0,
            **heights.stated(height_m, datum, event.lat_deg, event.lng_deg, _error_m(event.le_m)),
        )


def _address(uid: str) -> str:
    found = _ICAO_UID.fullmatch(uid.strip())
    digits = icao(found[1]) if found else None
    return digits if digits is not None else named("cot", uid.strip())


def _error_m(value: float) -> float:
    return value if 0.0 < value < UNKNOWN else 0.0


def _from_xml(data: bytes) -> _Event:
    event, roots = _Event(), []

    def element(way: list[str], attributes: dict[str, str]) -> None:
        if len(way) == 1:
            roots.append(way[0])
            _head(event, attributes)
        elif way == ["event", "point"]:
            _point(event, attributes)
        elif way == ["event", "detail", "contact"]:
            event.callsign = attributes.get("callsign", "")
        elif way == ["event", "detail", "track"]:
            event.course_deg = _number(attributes, "course")
            event.speed_mps = _number(attributes, "speed")

    safe_xml.walk(data, element)
    if roots != ["event"]:
        raise BadInput("is no event", field="event")
    return event


def _head(event: _Event, attributes: dict[str, str]) -> None:
    event.type = attributes.get("type", "")
    event.uid = attributes.get("uid", "")
    if "time" in attributes:
        event.time = parse_rfc3339(attributes["time"], "time")
    if "stale" in attributes:
        event.stale = parse_rfc3339(attributes["stale"], "stale")


def _point(event: _Event, attributes: dict[str, str]) -> None:
    event.lat_deg = _number(attributes, "lat")
    event.lng_deg = _number(attributes, "lon")
    for name in ("hae", "ce", "le"):
        value = _number(attributes, name)
        if value is not None:
            setattr(event, f"{name}_m", value)


def _number(attributes: dict[str, str], name: str) -> float | None:
    text = attributes.get(name)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise BadInput(f"{text[:40]!r} is no number", field=name) from error


def _from_tak(data: bytes) -> _Event:
    found = tak.read(data)
    return _Event(
        type=found.type,
        uid=found.uid,
        time=_moment(found.time_ms),
        stale=_moment(found.stale_ms),
        lat_deg=found.lat_deg,
        lng_deg=found.lng_deg,
        hae_m=found.hae_m,
        ce_m=found.ce_m,
        le_m=found.le_m,
        callsign=found.callsign,
        course_deg=found.course_deg,
        speed_mps=found.speed_mps,
    )


def _moment(milliseconds: int) -> datetime | None:
    if not 0 < milliseconds <= _MS_MAX:
        return None
    return _EPOCH + timedelta(milliseconds=milliseconds)
