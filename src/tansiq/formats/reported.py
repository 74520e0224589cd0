"""What every form of recording has in common: times, names, and why a row is left out."""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from tansiq.domain.time import YEAR_MAX, YEAR_MIN, parse_rfc3339, require_utc
from tansiq.domain.track import CALLSIGN_CHARS_MAX, Address
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput
from tansiq.formats import geoid
from tansiq.formats.recording_rows import Reference

_SECONDS_MAX: Final = 1e11
"""A greater number counts milliseconds: as seconds it would lie beyond the year 5000."""
_ICAO: Final = re.compile(r"~?[0-9a-f]{6}")
_KINDED: Final = re.compile(r"[a-z]{1,8}:[!-~]{1,100}")


class Fault(StrEnum):
    """Why something of a recording was left out; the value is what people read."""

    NO_POSITION = "without a position"
    NO_TIME = "without a time"
    NO_ALTITUDE = "without an altitude, in the air"
    IMPOSSIBLE = "a position or an altitude that no aircraft has"
    REPEATED = "a second report of the same instant"
    STALE = "an old position once more, though the aircraft moves"
    JUMP = "not to be reached from the other reports: spikes, spoofing, wrong clocks"
    HEIGHT = "a height that the pressure altitudes belie; the pressure altitude stays"


def turned(track_deg: float | None) -> float | None:
    """Return a direction as 0 to below 360 degrees."""
    if track_deg is None or not -360.0 <= track_deg <= 720.0:
        return None
    found = track_deg % 360.0
    return found if found < 360.0 else 0.0


def geometric(value_m: float, reference: Reference, position: LatLng) -> tuple[float, float]:
    """Return a height above the ellipsoid or the sea as one above the ellipsoid, and its error."""
    if reference is Reference.ELLIPSOID:
        return value_m, 0.0
    return value_m + geoid.undulation_m(position.lat_deg, position.lng_deg), geoid.ERROR_M


def time_of(value: Any, field: str) -> datetime:
    """Return a time stated as RFC 3339, seconds, or milliseconds.

    Raises:
        BadInput: it is missing, or no time.
    """
    if value is None:
        raise BadInput("is missing; each row has its time", field=field)
    if isinstance(value, str):
        return parse_rfc3339(value, field)
    seconds = value / 1000 if abs(value) > _SECONDS_MAX else value
    try:
        found = require_utc(datetime.fromtimestamp(seconds, UTC), field)
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(f"{value} is no time; write seconds since 1970", field=field) from error
    if not YEAR_MIN <= found.year <= YEAR_MAX:
        raise BadInput(f"the year {found.year} is not {YEAR_MIN} to {YEAR_MAX}", field=field)
    return found


def address_of(text: str) -> Address:
    """Return the address that a column states: KIND:VALUE, six hexadecimal digits, or a name."""
    folded = text.strip().lower()
    if _ICAO.fullmatch(folded):
        return Address(f"other:{folded[1:]}" if folded[0] == "~" else f"icao:{folded}")
    if _KINDED.fullmatch(text.strip()):
        return Address(text.strip())
    return named(text)


def named(text: str) -> Address:
    """Return an address for what has a name alone."""
    value = re.sub(r"[^!-~]", lambda found: f"%{ord(found[0]):x}", text.strip())[:100]
    return Address(f"own:{value or 'unnamed'}")


def shown(callsign: str | None) -> str:
    """Return a call sign as it can be shown; empty where it cannot."""
    found = (callsign or "").strip().upper()
    return found if len(found) <= CALLSIGN_CHARS_MAX and found.isprintable() else ""
