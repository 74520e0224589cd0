"""A height that a device states, as the fields of a position report, by the datum it counts from.

Mean sea level becomes a height above the ellipsoid, and the geoid's error goes with it. Pressure
stays pressure.
"""

from typing import TypedDict

from tansiq.domain.draft import Datum
from tansiq.errors import BadInput
from tansiq.formats import geoid


class Height(TypedDict, total=False):
    """Fields of ``PositionReport``."""

    geometric_m: float
    geometric_error_m: float
    pressure_m: float


def stated(
    height_m: float | None, datum: Datum, lat_deg: float, lng_deg: float, error_m: float = 0.0
) -> Height:
    """Return the fields for a height in metres; none where it is not known.

    Raises:
        BadInput: heights above ground: nobody knows how high the ground is.
    """
    if height_m is None:
        return {}
    if datum is Datum.W84:
        return {"geometric_m": height_m, "geometric_error_m": error_m}
    if datum is Datum.FL:
        return {"pressure_m": height_m}
    if datum is Datum.AGL:
        raise BadInput("heights above ground are not read; state W84, AMSL or FL", field="datum")
    if not (-90.0 <= lat_deg <= 90.0 and -180.0 <= lng_deg <= 180.0):
        return {}  # No such place, and no report either.
    return {
        "geometric_m": height_m + geoid.undulation_m(lat_deg, lng_deg),
        "geometric_error_m": error_m + geoid.ERROR_M,
    }
