"""A slice of the picture as bytes, and back.

Tracks are kept by column, in whole numbers, as compressed JSON: that is small, and anybody can read
it. Who an aircraft is takes most of the room and seldom changes, so it is kept once in a *block* of
slices, in a list that grows, and a slice has places in that list.
"""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

import msgspec

from tansiq.domain.time import from_micros, micros, parse_rfc3339, zulu
from tansiq.formats.alarm_facts import Fact
from tansiq.services.watch.history_views import SliceView
from tansiq.services.watch.views import AlarmView, PictureView, RingView, TrackView

_TENTH: Final = timedelta(milliseconds=100)
_MICRODEGREES: Final = 1_000_000
_LEVEL: Final = 6
UNREADABLE: Final = (zlib.error, msgspec.MsgspecError, LookupError, ValueError, OverflowError)
"""What reading raises where bytes are not as this version writes them."""

Who: TypeAlias = tuple[str, str, str, str, str, str, str, tuple[str, ...]]
"""Id, address, call sign, feed, plan, the plan's name, its party, what it may be."""
Names: TypeAlias = dict[Who, int]
"""Places in the list of a block."""

Tenths: TypeAlias = list[int | None]


class _Said(msgspec.Struct, frozen=True, array_like=True):
    """What is to be said of one track."""

    sentence: str
    code: str
    also: tuple[str, ...]
    facts: dict[str, Fact]


class _Tracks(msgspec.Struct, frozen=True, kw_only=True):
    """One column a field; numbers in tenths of their unit, places in millionths of a degree."""

    who: list[int]
    before: list[int]
    """When it was measured, so long before the slice."""
    age: list[int]
    staleness: list[str]
    lat: list[int]
    lng: list[int]
    error: list[int]
    height: Tenths
    height_error: list[int]
    pressure: Tenths
    speed: Tenths
    track: Tenths
    climb: Tenths
    on_ground: list[bool]
    conformance: list[str]
    said: list[_Said | None]
    level: list[str]


class _Slice(msgspec.Struct, frozen=True, kw_only=True):
    looked: int
    """Microseconds UTC."""
    sentence: str
    tracks: _Tracks
    alarms: tuple[AlarmView, ...]
    rings: tuple[RingView, ...]


_NOTHING: Final = _Said("", "", (), {})
_ENCODER: Final = msgspec.json.Encoder()
_SLICE: Final = msgspec.json.Decoder(_Slice)
_WHO: Final = msgspec.json.Decoder(tuple[Who, ...])


def new_names(view: PictureView, known: Names) -> Names:
    """Return who is in the picture and not in the block's list yet, and the places they take."""
    new: Names = {}
    for track in view.tracks:
        who = _who(track)
        if who not in known and who not in new:
            new[who] = len(known) + len(new)
    return new


def packed_names(new: Names) -> bytes:
    """Return names that are added to a block's list; empty where there are none."""
    return zlib.compress(_ENCODER.encode(tuple(new)), _LEVEL) if new else b""


def packed(view: PictureView, shown: datetime, *names: Names) -> bytes:
    """Return a picture that was shown at a time; each of its aircraft is in one of ``names``."""
    return zlib.compress(_ENCODER.encode(_sliced(view, shown, names)), _LEVEL)


def unpacked_names(documents: Iterable[bytes]) -> list[Who]:
    """Return a block's list.

    Raises:
        UNREADABLE: it is damaged, or another version has written it.
    """
    return [who for each in documents for who in _WHO.decode(zlib.decompress(each))]


def unpacked(number: int, time: int, document: bytes, names: Sequence[Who]) -> SliceView:
    """Return a slice that was shown at a time, microseconds UTC.

    Raises:
        UNREADABLE: it is damaged, or another version has written it.
    """
    kept = _SLICE.decode(zlib.decompress(document))
    shown = from_micros(time)
    return SliceView(
        number=number,
        time=zulu(shown),
        picture_time=zulu(from_micros(kept.looked)),
        sentence=kept.sentence,
        tracks=tuple(_tracks(kept.tracks, shown, names)),
        alarms=kept.alarms,
        rings=kept.rings,
    )


def _who(track: TrackView) -> Who:
    return (
        track.id,
        track.address,
        track.callsign,
        track.feed,
        track.plan,
        track.plan_name,
        track.party,
        track.may_be,
    )


def _said(track: TrackView) -> _Said | None:
    said = _Said(track.sentence, track.code, track.also, track.facts)
    return None if said == _NOTHING else said


def _tenths(value: float) -> int:
    return round(value * 10.0)


def _tenths_of(values: Iterable[float | None]) -> Tenths:
    return [None if value is None else round(value * 10.0) for value in values]


def _back(value: int | None) -> float | None:
    return None if value is None else value / 10.0


def _sliced(view: PictureView, shown: datetime, names: Sequence[Names]) -> _Slice:
    places: Names = {}
    for each in names:
        places |= each
    tracks = view.tracks
    return _Slice(
        looked=micros(parse_rfc3339(view.time, "time")),
        sentence=view.sentence,
        tracks=_Tracks(
            who=[places[_who(t)] for t in tracks],
            before=[round((shown - parse_rfc3339(t.time, "time")) / _TENTH) for t in tracks],
            age=[_tenths(t.age_s) for t in tracks],
            staleness=[t.staleness for t in tracks],
            lat=[round(t.lat_deg * _MICRODEGREES) for t in tracks],
            lng=[round(t.lng_deg * _MICRODEGREES) for t in tracks],
            error=[_tenths(t.horizontal_error_m) for t in tracks],
            height=_tenths_of(t.height_m for t in tracks),
            height_error=[_tenths(t.height_error_m) for t in tracks],
            pressure=_tenths_of(t.pressure_m for t in tracks),
            speed=_tenths_of(t.speed_mps for t in tracks),
            track=_tenths_of(t.track_deg for t in tracks),
            climb=_tenths_of(t.climb_mps for t in tracks),
            on_ground=[t.on_ground for t in tracks],
            conformance=[t.conformance for t in tracks],
            said=[_said(t) for t in tracks],
            level=[t.level for t in tracks],
        ),
        alarms=view.alarms,
        rings=view.rings,
    )


def _tracks(kept: _Tracks, shown: datetime, names: Sequence[Who]) -> Iterable[TrackView]:
    for row, place in enumerate(kept.who):
        said = kept.said[row] or _NOTHING
        identity, address, callsign, feed, plan, plan_name, party, may_be = names[place]
        yield TrackView(
            id=identity,
            address=address,
            callsign=callsign,
            feed=feed,
            time=zulu(shown - kept.before[row] * _TENTH),
            age_s=kept.age[row] / 10.0,
            staleness=kept.staleness[row],
            lat_deg=kept.lat[row] / _MICRODEGREES,
            lng_deg=kept.lng[row] / _MICRODEGREES,
            horizontal_error_m=kept.error[row] / 10.0,
            height_m=_back(kept.height[row]),
            height_error_m=kept.height_error[row] / 10.0,
            pressure_m=_back(kept.pressure[row]),
            speed_mps=_back(kept.speed[row]),
            track_deg=_back(kept.track[row]),
            climb_mps=_back(kept.climb[row]),
            on_ground=kept.on_ground[row],
            plan=plan,
            plan_name=plan_name,
            party=party,
            may_be=may_be,
            conformance=kept.conformance[row],
            sentence=said.sentence,
            code=said.code,
            also=said.also,
            facts=said.facts,
            level=kept.level[row],
        )
