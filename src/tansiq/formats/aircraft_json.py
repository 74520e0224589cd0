"""``aircraft.json`` as readsb, tar1090, dump1090-fa and dump1090-mutability write it.

One object with the receiver's time, ``now``, and a list of aircraft. A position is ``seen_pos``
seconds older than ``now``, so its time is by the receiver's clock. Heights are feet: ``alt_geom``
above the WGS84 ellipsoid, ``alt_baro`` (``altitude`` in the oldest) on 1013.25 hPa or the text
``ground``. Speeds are knots, climb is feet a minute.

Left out: ``lastPosition`` and ``rr_lat`` (a position that is old or guessed), headings, squawks.

Source: README-json.md of readsb and of dump1090.
"""

from datetime import UTC, datetime
from typing import Final

import msgspec

from tansiq.errors import BadInput, TooLarge
from tansiq.formats import accuracy
from tansiq.formats.position_reports import (
    FOOT_M,
    FOOT_PER_MINUTE_MPS,
    KNOT_MPS,
    Parsed,
    Refusal,
    icao,
    shown,
)

EPOCH_S: Final = (1_000_000_000.0, 7_000_000_000.0)
"""From 2001 to 2191: what may be a time."""


class _Aircraft(msgspec.Struct):
    """The members that count; each is checked when its turn comes."""

    hex: str = ""
    flight: str | None = None
    lat: float | None = None
    lon: float | None = None
    seen_pos: float | None = None
    alt_baro: float | str | None = None
    altitude: float | str | None = None
    alt_geom: float | None = None
    gs: float | None = None
    speed: float | None = None
    track: float | None = None
    geom_rate: float | None = None
    baro_rate: float | None = None
    vert_rate: float | None = None
    nic: int | None = None
    nac_p: int | None = None
    rc: float | None = None


class _Sky(msgspec.Struct):
    now: float
    aircraft: list[_Aircraft]


class _SkyInParts(msgspec.Struct):
    """The same where one aircraft is not as it should be."""

    now: float
    aircraft: list[msgspec.Raw]


_SKY: Final = msgspec.json.Decoder(_Sky)
_PARTS: Final = msgspec.json.Decoder(_SkyInParts)
_AIRCRAFT: Final = msgspec.json.Decoder(_Aircraft)


def parse(data: bytes, *, age_s_max: float, aircraft_max: int) -> Parsed:
    """Return the positions in one file; those older than ``age_s_max`` by its own word are stale.

    Raises:
        BadInput: not such a file.
        TooLarge: more aircraft than ``aircraft_max``.
    """
    sky = _decoded(data)
    if not EPOCH_S[0] <= sky.now <= EPOCH_S[1]:
        raise BadInput(f"{sky.now} is no time in seconds since 1970", field="now")
    if len(sky.aircraft) > aircraft_max:
        raise TooLarge(f"{len(sky.aircraft)} aircraft; at most {aircraft_max}", field="aircraft")
    parsed = Parsed(messages=len(sky.aircraft))
    for one in sky.aircraft:
        whole = _alone(one) if isinstance(one, msgspec.Raw) else one
        if whole is None:
            parsed.refused[Refusal.MALFORMED] += 1
        else:
            _add(parsed, whole, sky.now, age_s_max)
    return parsed


def _decoded(data: bytes) -> _Sky | _SkyInParts:
    """Return all at once, which takes half the time, or else in parts."""
    try:
        return _SKY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _PARTS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(f"is no aircraft.json: {error}", field="aircraft.json") from error


def _alone(raw: msgspec.Raw) -> _Aircraft | None:
    try:
        return _AIRCRAFT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _add(parsed: Parsed, one: _Aircraft, now_s: float, age_s_max: float) -> None:
    address = icao(one.hex)
    if address is None:
        parsed.refused[Refusal.NO_ADDRESS] += 1
    elif one.lat is None or one.lon is None:
        parsed.refused[Refusal.NO_POSITION] += 1
    elif one.seen_pos is None:
        parsed.refused[Refusal.NO_TIME] += 1
    elif not 0.0 <= one.seen_pos <= age_s_max:
        parsed.refused[Refusal.STALE] += 1
    else:
        pressure_ft = one.altitude if one.alt_baro is None else one.alt_baro
        on_ground = pressure_ft == "ground"
        if isinstance(pressure_ft, str):
            if not on_ground:
                parsed.refused[Refusal.VALUE_LEFT_OUT] += 1
            pressure_ft = None
        speed_kt = one.speed if one.gs is None else one.gs
        parsed.add(
            address=address,
            time=datetime.fromtimestamp(now_s - one.seen_pos, UTC),
            lat_deg=one.lat,
            lng_deg=one.lon,
            geometric_m=_in(one.alt_geom, FOOT_M),
            pressure_m=_in(pressure_ft, FOOT_M),
            on_ground=on_ground,
            horizontal_error_m=accuracy.radius_m(
                nic=one.nic or 0, nac_p=one.nac_p or 0, rc_m=one.rc or 0.0
            ),
            callsign=shown(one.flight or ""),
            speed_mps=_in(speed_kt, KNOT_MPS),
            track_deg=None if one.track is None else one.track % 360.0,
            climb_mps=_in(_climb(one), FOOT_PER_MINUTE_MPS),
        )


def _climb(one: _Aircraft) -> float | None:
    """Return the rate of the better height that states one, feet a minute."""
    rates = (one.geom_rate, one.baro_rate, one.vert_rate)
    return next((rate for rate in rates if rate is not None), None)


def _in(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit
