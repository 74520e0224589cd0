"""Positions out of Mode S extended squitters, decoded by ``rs1090``: the one module that knows it.

A position comes in two halves, even and odd, each of which leaves open where on earth it is: two of
one aircraft within ``PAIR_S`` tell it. One half alone tells it near a position that is known, which
is how those on the ground are read.
Velocity, call sign and the difference of the two heights come in messages of their own, and are
joined where they are no older than ``KEPT_S``.

Only formats 17 and 18 are decoded: the others tell no position. The library checks the parity.
When a message was heard, ``beast.TickDating`` tells.

Source: ICAO Doc 9871, RTCA DO-260B; the 10 s of a pair are its 2.2.8.2.2.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Final

from tansiq.errors import BadInput
from tansiq.formats import accuracy
from tansiq.formats.beast import AvrFrames, BeastFrames, TickDating
from tansiq.formats.position_reports import (
    FOOT_M,
    FOOT_PER_MINUTE_MPS,
    KNOT_MPS,
    Parsed,
    Refusal,
    icao,
    shown,
)

PAIR_S: Final = 10.0
KEPT_S: Final = 10.0
NEAR_S: Final = 60.0
"""How long after its last position an aircraft in the air is surely within 180 miles of there."""
GROUND_S: Final = 600.0
"""The same for 45 miles and the ground."""
_LONG_BYTES: Final = 14
_EXTENDED: Final = (17, 18)
_OWN: Final = frozenset({"ADSB_ES_NT", "TISB_FINE", "TISB_ADSB"})
_ANONYMOUS: Final = frozenset({"ADSB_ES_NT_ALT", "TISB_ADSB_RELAY"})
"""Of format 18: those with an ICAO address, and those with another. The rest is coded otherwise."""

Decoded = dict[str, Any]


@dataclass(slots=True)
class _Heard:
    callsign: str = ""
    even: tuple[str, datetime] | None = None
    odd: tuple[str, datetime] | None = None
    velocity: Decoded | None = None
    velocity_at: datetime | None = None
    air: tuple[float, float] | None = None
    air_at: datetime | None = None


class ModeSDecoder:
    """Takes messages in order of arrival; keeps ``addresses_max`` aircraft at most.

    Raises:
        BadInput: ``rs1090`` is not installed.
    """

    def __init__(self, *, addresses_max: int) -> None:
        try:
            rs1090: Any = import_module("rs1090")
        except ImportError as error:
            raise BadInput("needs rs1090: pip install 'tansiq[adsb]'", field="kind") from error
        self._decode: Callable[..., Any] = rs1090.decode
        self._addresses_max = addresses_max
        self._heard: OrderedDict[str, _Heard] = OrderedDict()

    def read(self, messages: Iterable[tuple[bytes, datetime]]) -> Parsed:
        """Return the positions in messages of 7 or 14 bytes, each with when it was heard."""
        parsed = Parsed()
        for message, now in messages:
            parsed.messages += 1
            if len(message) == _LONG_BYTES and message[0] >> 3 in _EXTENDED:
                # Given as text made here: what is not hexadecimal makes the library panic.
                self._extended(message.hex(), now, parsed)
        return parsed

    def _extended(self, frame: str, now: datetime, parsed: Parsed) -> None:
        found: Decoded | None = self._decode(frame)
        if found is None:
            parsed.refused[Refusal.MALFORMED] += 1
            return
        relayed = found.get("tisb")
        if relayed is not None and relayed not in _OWN and relayed not in _ANONYMOUS:
            parsed.refused[Refusal.NO_ADDRESS] += 1
            return
        address = icao(("~" if relayed in _ANONYMOUS else "") + found["icao24"])
        if address is None:
            parsed.refused[Refusal.NO_ADDRESS] += 1
            return
        heard = self._known(address, parsed)
        kind = found.get("bds")
        if kind == "05":
            self._in_the_air(address, frame, found, heard, now, parsed)
        elif kind == "06":
            self._on_the_ground(address, frame, found, heard, now, parsed)
        elif kind == "08":
            heard.callsign = shown(found.get("callsign") or "")
        elif kind == "09":
            heard.velocity, heard.velocity_at = found, now

    def _in_the_air(
        self,
        address: str,
        frame: str,
        found: Decoded,
        heard: _Heard,
        now: datetime,
        parsed: Parsed,
    ) -> None:
        even = found["parity"] == "even"
        other = heard.odd if even else heard.even
        if even:
            heard.even = frame, now
        else:
            heard.odd = frame, now
        place = self._paired(other, frame, now) or self._near(heard, frame, now, NEAR_S)
        if place is None:
            parsed.refused[Refusal.NO_POSITION] += 1
            return
        heard.air, heard.air_at = place, now
        velocity = _recent(heard, now)
        parsed.add(
            address=_whose(address, found),
            time=now,
            lat_deg=place[0],
            lng_deg=place[1],
            horizontal_error_m=accuracy.BY_TYPE_CODE_M.get(found.get("tc", 0), 0.0),
            callsign=heard.callsign,
            speed_mps=_in(velocity.get("groundspeed"), KNOT_MPS),
            track_deg=_turn(velocity.get("track")),
            climb_mps=_in(velocity.get("vertical_rate"), FOOT_PER_MINUTE_MPS),
            **_heights(found, velocity),
        )

    def _on_the_ground(
        self,
        address: str,
        frame: str,
        found: Decoded,
        heard: _Heard,
        now: datetime,
        parsed: Parsed,
    ) -> None:
        place = self._near(heard, frame, now, GROUND_S)
        if place is None:
            parsed.refused[Refusal.NO_POSITION] += 1
            return
        heard.air, heard.air_at = place, now
        parsed.add(
            address=_whose(address, found),
            time=now,
            lat_deg=place[0],
            lng_deg=place[1],
            on_ground=True,
            horizontal_error_m=accuracy.BY_TYPE_CODE_M.get(found.get("tc", 0), 0.0),
            callsign=heard.callsign,
            speed_mps=_in(found.get("groundspeed"), KNOT_MPS),
            track_deg=_turn(found.get("track")),
        )

    def _paired(
        self, other: tuple[str, datetime] | None, frame: str, now: datetime
    ) -> tuple[float, float] | None:
        """Return where two halves are; None where one is old or a zone's border is between them."""
        if other is None or abs((now - other[1]).total_seconds()) > PAIR_S:
            return None
        # Equal times do: the library goes by the order of the list.
        return _place(self._decode([other[0], frame], [0.0, 0.0])[-1])

    def _near(
        self, heard: _Heard, frame: str, now: datetime, seconds: float
    ) -> tuple[float, float] | None:
        """Return where one half is, if so long ago at most it was known where the aircraft was."""
        if heard.air is None or heard.air_at is None:
            return None
        if (now - heard.air_at).total_seconds() > seconds:
            return None
        return _place(self._decode(frame, reference=heard.air))

    def _known(self, address: str, parsed: Parsed) -> _Heard:
        heard = self._heard.get(address)
        if heard is None:
            if len(self._heard) >= self._addresses_max:
                self._heard.popitem(last=False)
                parsed.refused[Refusal.FORGOTTEN] += 1
            heard = self._heard[address] = _Heard()
        else:
            self._heard.move_to_end(address)
        return heard


def _place(found: Decoded) -> tuple[float, float] | None:
    lat_deg, lng_deg = found.get("latitude"), found.get("longitude")
    return None if lat_deg is None or lng_deg is None else (lat_deg, lng_deg)


def _recent(heard: _Heard, now: datetime) -> Decoded:
    if heard.velocity is None or heard.velocity_at is None:
        return {}
    return heard.velocity if (now - heard.velocity_at).total_seconds() <= KEPT_S else {}


def _whose(address: str, found: Decoded) -> str:
    """Return the address, which a relayed position may say is not ICAO's (its bit IMF)."""
    anonymous = found.get("tisb") in ("TISB_FINE", "TISB_ADSB") and found.get("NICb") == 1
    return address.replace("icao:", "other:") if anonymous else address


def _heights(found: Decoded, velocity: Decoded) -> dict[str, float]:
    height_ft = found.get("altitude")
    if height_ft is None:
        return {}
    if found.get("source") != "barometric":
        return {"geometric_m": height_ft * FOOT_M}
    above_ft = velocity.get("geo_minus_baro")
    if above_ft is None:
        return {"pressure_m": height_ft * FOOT_M}
    return {
        "pressure_m": height_ft * FOOT_M,
        "geometric_m": (height_ft + above_ft) * FOOT_M,
    }


def _turn(track_deg: float | None) -> float | None:
    return None if track_deg is None else track_deg % 360.0


def _in(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit


class RawParser:
    """Reads a stream of raw messages in pieces of any size.

    ``monotonic_s`` is a clock that nobody sets: were ours set while it reads, all that comes would
    seem held up.
    """

    def __init__(
        self,
        frames: BeastFrames | AvrFrames,
        *,
        addresses_max: int,
        monotonic_s: Callable[[], float],
    ) -> None:
        self._frames = frames
        self._decoder = ModeSDecoder(addresses_max=addresses_max)
        self._dating = TickDating()
        self._monotonic_s = monotonic_s

    def feed(self, data: bytes, now: datetime) -> Parsed:
        """Return the positions of messages that are whole with this piece, come at ``now``."""
        messages = self._frames.feed(data)
        times = self._dating.times(messages, now, self._monotonic_s())
        parsed = self._decoder.read(zip((message.data for message in messages), times, strict=True))
        parsed.refused.update(+self._frames.refused)
        self._frames.refused.clear()
        return parsed
