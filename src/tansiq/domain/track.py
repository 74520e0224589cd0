"""What was measured of an aircraft: position reports, and the names by which they are told apart.

An altitude keeps the reference that it was measured by. A pressure altitude is not turned into a
height, nor the other way round: between the two lie some hundred metres of weather. Where a height
is needed and only the pressure is known, ``formats/altitude.py`` gives the band it can be in.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NewType

from tansiq.domain.time import require_utc
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput

Address = NewType("Address", str)
"""Who sent a report, as ``KIND:VALUE``: reports of one address are of one aircraft, unless two
aircraft say the same, which shows as jumps. ``icao:a1b2c3``, ``other:...`` (not an ICAO address),
``cot:UID``, ``intent:UUID``, ``own:NAME``."""

_ADDRESS: Final = re.compile(r"[a-z]{1,8}:[!-~]{1,100}")
CALLSIGN_CHARS_MAX: Final = 20
ALTITUDE_M: Final = (-1_500.0, 100_000.0)
"""Lowest and highest altitude that a report may state, by either reference."""
_LOWEST_M, _HIGHEST_M = ALTITUDE_M
SPEED_MPS_MAX: Final = 2_000.0
CLIMB_MPS_MAX: Final = 500.0
ERROR_M_MAX: Final = 50_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionReport:
    """One measurement of one aircraft.

    Raises:
        BadInput: a value that no aircraft can have, with the field.
    """

    address: Address
    time: datetime
    """When it was measured, by the clock of whoever measured; UTC."""
    position: LatLng
    geometric_m: float | None = None
    """Height above the WGS84 ellipsoid."""
    geometric_error_m: float = 0.0
    """The height is true within this."""
    pressure_m: float | None = None
    """Pressure altitude, on 1013.25 hPa."""
    on_ground: bool = False
    horizontal_error_m: float = 0.0
    """The position is true within this; 0 where the source does not say."""
    callsign: str = ""
    speed_mps: float | None = None
    """Over the ground."""
    track_deg: float | None = None
    """Direction over the ground, from true north, clockwise, 0 to below 360."""
    climb_mps: float | None = None
    """Upwards; negative in descent."""

    def __post_init__(self) -> None:
        if _ADDRESS.fullmatch(self.address) is None:
            raise BadInput("is not KIND:VALUE, such as icao:a1b2c3", field="address")
        if self.time.tzinfo is not UTC:
            object.__setattr__(self, "time", require_utc(self.time, "time"))
        if not self._is_possible():
            self._refuse()

    def _is_possible(self) -> bool:
        """Report whether all values are within their bounds: at once, since nearly all are."""
        # Positive comparisons, because NaN fails every one of them.
        high_m, level_m, climb_mps = self.geometric_m, self.pressure_m, self.climb_mps
        speed_mps, track_deg = self.speed_mps, self.track_deg
        return (
            (high_m is None or _LOWEST_M <= high_m <= _HIGHEST_M)
            and (level_m is None or _LOWEST_M <= level_m <= _HIGHEST_M)
            and 0.0 <= self.geometric_error_m <= ERROR_M_MAX
            and 0.0 <= self.horizontal_error_m <= ERROR_M_MAX
            and (speed_mps is None or 0.0 <= speed_mps <= SPEED_MPS_MAX)
            and (climb_mps is None or -CLIMB_MPS_MAX <= climb_mps <= CLIMB_MPS_MAX)
            and (track_deg is None or 0.0 <= track_deg < 360.0)
            and len(self.callsign) <= CALLSIGN_CHARS_MAX
            and self.callsign.isprintable()
        )

    def _refuse(self) -> None:
        _within("geometric_m", self.geometric_m, *ALTITUDE_M)
        _within("pressure_m", self.pressure_m, *ALTITUDE_M)
        _within("geometric_error_m", self.geometric_error_m, 0.0, ERROR_M_MAX)
        _within("horizontal_error_m", self.horizontal_error_m, 0.0, ERROR_M_MAX)
        _within("speed_mps", self.speed_mps, 0.0, SPEED_MPS_MAX)
        _within("climb_mps", self.climb_mps, -CLIMB_MPS_MAX, CLIMB_MPS_MAX)
        _within("track_deg", self.track_deg, 0.0, math.nextafter(360.0, 0.0))
        if len(self.callsign) > CALLSIGN_CHARS_MAX or not self.callsign.isprintable():
            raise BadInput(
                f"is not up to {CALLSIGN_CHARS_MAX} printable characters", field="callsign"
            )


def _within(name: str, value: float | None, least: float, most: float) -> None:
    # Positive, because NaN fails every comparison.
    if value is not None and not least <= value <= most:
        raise BadInput(f"{value} is not {least:g} to {most:g}", field=name)
