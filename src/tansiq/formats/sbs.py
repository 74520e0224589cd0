"""BaseStation messages, port 30003 of most receivers: lines of 22 fields, one aircraft in parts.

``MSG,3`` has the position, ``MSG,4`` the speed, ``MSG,1`` the call sign: what the others said
within ``KEPT_S`` is joined to a position. A position is a report; nothing else is.

Heights are feet, by default on 1013.25 hPa. Times are written without a zone, and receivers differ:
some write their local time, some UTC. So the zone is taken from the first message: the multiple of
15 minutes that brings it nearest to the time of its arrival. It is kept, so that what is held up on
the way is old and not a quarter of an hour new, and changes only when messages have agreed on
another for ``STEADY_S``: summer time. A message without a time was measured when it arrived.

Source: the description that BaseStation's readers share, http://woodair.net/sbs/article/barebones42_socket_data.htm;
``MLAT`` in place of ``MSG`` is dump1090-mutability's for positions from several receivers.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tansiq.domain.draft import Datum
from tansiq.formats import heights
from tansiq.formats.position_reports import (
    FOOT_M,
    FOOT_PER_MINUTE_MPS,
    KNOT_MPS,
    Parsed,
    Refusal,
    icao,
    shown,
)

KEPT_S: Final = 10.0
"""How long speed, direction and climb of one message go with positions of others."""
STEADY_S: Final = 60.0
_LEEWAY_S: Final = 5.0
_QUARTER: Final = timedelta(minutes=15)
_ZONES: Final = (timedelta(hours=-12), timedelta(hours=14))
_FIELDS: Final = 22


@dataclass(slots=True)
class _Heard:
    """What is known of one aircraft besides where it is, with the time of the message."""

    callsign: str = ""
    speed_kt: float | None = None
    track_deg: float | None = None
    climb_fpm: float | None = None
    at: datetime | None = None


class SbsParser:
    """Reads a stream of lines, in pieces of any size; keeps ``addresses_max`` aircraft at most."""

    def __init__(
        self, *, addresses_max: int, line_bytes_max: int = 1_000, datum: Datum = Datum.FL
    ) -> None:
        self._addresses_max = addresses_max
        self._line_bytes_max = line_bytes_max
        self._datum = datum
        self._rest = b""
        self._skipping = False
        self._heard: OrderedDict[str, _Heard] = OrderedDict()
        self._zone = _Zone()

    def feed(self, data: bytes, now: datetime) -> Parsed:
        """Return what the lines say that are whole with this piece, which arrived at ``now``."""
        parsed = Parsed()
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
            elif len(line) > self._line_bytes_max:
                parsed.refused[Refusal.TOO_LARGE] += 1
            elif line.strip():
                parsed.messages += 1
                self._line(line, now, parsed)
        if len(rest) > self._line_bytes_max:
            if not self._skipping:
                parsed.refused[Refusal.TOO_LARGE] += 1
            self._skipping, rest = True, b""
        self._rest = rest
        return parsed

    def _line(self, line: bytes, now: datetime, parsed: Parsed) -> None:
        fields = line.decode("ascii", "replace").strip().split(",")
        if fields[0] not in ("MSG", "MLAT"):
            # SEL, ID, AIR, STA and CLK are BaseStation's own; all else is none of its lines.
            known = fields[0] in ("SEL", "ID", "AIR", "STA", "CLK")
            parsed.refused[Refusal.NO_POSITION if known else Refusal.MALFORMED] += 1
            return
        # More are a comma for the decimal point: read on, that is a position elsewhere.
        if len(fields) < _FIELDS or any(fields[_FIELDS:]):
            parsed.refused[Refusal.MALFORMED] += 1
            return
        address = icao(fields[4])
        if address is None:
            parsed.refused[Refusal.NO_ADDRESS] += 1
            return
        try:
            time = self._zone.utc(fields[6], fields[7], now)
            numbers = [float(text) if text else None for text in fields[11:17]]
        except (ValueError, OverflowError):
            parsed.refused[Refusal.MALFORMED] += 1
            return
        self._message(address, time, fields, numbers, parsed)

    def _message(
        self,
        address: str,
        time: datetime,
        fields: list[str],
        numbers: list[float | None],
        parsed: Parsed,
    ) -> None:
        height_ft, speed_kt, track_deg, lat_deg, lng_deg, climb_fpm = numbers
        heard = self._known(address, parsed)
        heard.callsign = shown(fields[10]) or heard.callsign
        if speed_kt is not None or track_deg is not None or climb_fpm is not None:
            heard.speed_kt, heard.track_deg, heard.climb_fpm = speed_kt, track_deg, climb_fpm
            heard.at = time
        if lat_deg is None or lng_deg is None:
            return  # Half of what is sent, and nothing wrong with it.
        if heard.at is None or abs((time - heard.at).total_seconds()) > KEPT_S:
            heard.speed_kt = heard.track_deg = heard.climb_fpm = None
        parsed.add(
            address=address,
            time=time,
            lat_deg=lat_deg,
            lng_deg=lng_deg,
            on_ground=fields[1] == "2" or fields[21] not in ("", "0"),
            callsign=heard.callsign,
            speed_mps=_in(heard.speed_kt, KNOT_MPS),
            track_deg=None if heard.track_deg is None else heard.track_deg % 360.0,
            climb_mps=_in(heard.climb_fpm, FOOT_PER_MINUTE_MPS),
            **heights.stated(_in(height_ft, FOOT_M), self._datum, lat_deg, lng_deg),
        )

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


class _Zone:
    """Finds out what zone a receiver's times are in."""

    def __init__(self) -> None:
        self._offset: timedelta | None = None
        self._other: tuple[timedelta, datetime, float] | None = None
        """Another zone that messages agree on, since when, and how late they then are."""

    def utc(self, date: str, clock: str, now: datetime) -> datetime:
        """Return a time of the receiver in UTC.

        Raises:
            ValueError: no such time.
        """
        if not date and not clock:
            return now
        stamp = _stamp(date, clock)
        quarters = round((stamp - now) / _QUARTER)
        nearest = min(max(quarters * _QUARTER, _ZONES[0]), _ZONES[1])
        if self._offset is None:
            self._offset = nearest
        elif nearest != self._offset:
            self._change(nearest, now, (now - (stamp - nearest)).total_seconds())
        else:
            self._other = None
        return stamp - self._offset

    def _change(self, nearest: timedelta, now: datetime, late_s: float) -> None:
        # What was held up arrives at once, so its lateness shrinks: it never agrees for so long.
        if self._other is None or (
            self._other[0] != nearest or abs(self._other[2] - late_s) > _LEEWAY_S
        ):
            self._other = nearest, now, late_s
        elif (now - self._other[1]).total_seconds() >= STEADY_S:
            self._offset, self._other = nearest, None


def _stamp(date: str, clock: str) -> datetime:
    """Read ``2026/11/29`` and ``12:00:00.000``, as if they were UTC."""
    whole, _, fraction = clock.partition(".")
    year, month, day = (int(part) for part in date.split("/"))
    hour, minute, second = (int(part) for part in whole.split(":"))
    micros = int(f"{fraction:0<6}"[:6])
    if not 2000 <= year <= 2200:
        raise ValueError("no year of a receiver")
    return datetime(year, month, day, hour, minute, second, micros, UTC)


def _in(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit
