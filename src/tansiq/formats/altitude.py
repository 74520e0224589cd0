"""Stated altitudes to metres above the WGS84 ellipsoid: the only place where datums meet.

Every conversion errs outwards: the band it returns contains the stated one wherever the aircraft
is within the outline. Errors of the aircraft's own altimetry are not in it; minima are for those.

Flight levels. An altimeter set to 1013.25 hPa shows the height that the pressure has in the
standard atmosphere. The true height differs by the pressure at sea level (QNH) and by the
temperature of the air below:

    height = H(p) - H(QNH) + (R / g) * dT * ln(QNH / p)

with H the standard atmosphere's height of a pressure, dT the mean difference to its temperature in
the column below, R / g = 29.27 m/K. Taken: QNH 948 to 1050 hPa (28.00 to 31.00 inHg: all that can
be set; beyond it flight is restricted by procedure, FAA AIM 7-2-3) and dT -40 to +30 K (500
to 1000 hPa is 4.7 to 6.0 km thick, which is a column 38 K colder to 27 K warmer). Deviations in an
inversion are greater, but too thin to matter in a mean.
Source: ICAO Doc 7488 (standard atmosphere); geopotential to geometric metres after WGS84 gravity.
"""

from math import cos, exp, log, radians
from typing import Any

from tansiq.domain import geodesy
from tansiq.domain.draft import Datum, StatedBand, StatedGround, Units
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline
from tansiq.errors import InvalidVolume
from tansiq.formats import geoid

FOOT_M = 0.3048
FLIGHT_LEVEL_MIN, FLIGHT_LEVEL_MAX = -20.0, 650.0
"""The standard atmosphere's second layer ends at 20 km."""
QNH_HPA_RANGE = (948.0, 1050.0)
TEMPERATURE_K_RANGE = (-40.0, 30.0)

_METRES = {Units.M: 1.0, Units.FT: FOOT_M}
_DEGREE_M_MIN = 110_574.0  # Of latitude, at the equator.
_KELVIN_M = 29.27
_P0_HPA, _T0_K, _LAPSE_K_PER_M, _TROPOPAUSE_M = 1013.25, 288.15, 0.0065, 11_000.0
_EXPONENT = 5.25588
_P11_HPA, _T11_K = 226.321, 216.65


def w84_band(stated: StatedBand, outline: Outline) -> AltitudeBand:
    """Return the band in metres W84 that contains ``stated`` everywhere within ``outline``.

    Raises:
        InvalidVolume: a flight level or a height outside what exists; field ``lower`` or ``upper``.
    """
    lower_m, datum = _height_range_m(stated.lower, stated.units, stated.datum, "lower")[0::2]
    upper_m = _height_range_m(stated.upper, stated.units, stated.datum, "upper")[1]
    if stated.ground is not None:
        lower_m += stated.ground.lowest_m
        upper_m += stated.ground.highest_m
        datum = stated.ground.datum
    if datum is Datum.AMSL:
        low_m, high_m = geoid.undulation_range_m(
            *(_small_box(outline) or geodesy.bounding_box(outline))
        )
        lower_m += low_m - geoid.ERROR_M
        upper_m += high_m + geoid.ERROR_M
    try:
        return AltitudeBand(lower_m=lower_m, upper_m=upper_m)
    except InvalidVolume as error:
        field = "lower" if error.field == "altitude_lower" else "upper"
        raise InvalidVolume(f"{stated} is out of range: {error.message}", field=field) from error


def _small_box(outline: Outline) -> tuple[float, float, float, float] | None:
    """Return a box that holds a small outline far from poles and 180th meridian, else None.

    Five times quicker than ``geodesy.bounding_box``, which counts in files of thousands, and a
    little larger, which is on the safe side.
    """
    if isinstance(outline, Circle):
        at = outline.center
        up_deg = outline.radius_m / _DEGREE_M_MIN
        if up_deg > 1 or abs(at.lat_deg) > 80:
            return None
        aside_deg = up_deg / cos(radians(abs(at.lat_deg) + up_deg))
        south, north = at.lat_deg - up_deg, at.lat_deg + up_deg
        west, east = at.lng_deg - aside_deg, at.lng_deg + aside_deg
    else:
        lats = [p.lat_deg for p in outline.vertices]
        lngs = [p.lng_deg for p in outline.vertices]
        west, east = min(lngs), max(lngs)
        # A geodesic between equal latitudes leaves them by less than a sixteenth of its square.
        bow_deg = (east - west) ** 2 * radians(1) / 8
        south, north = min(lats) - bow_deg, max(lats) + bow_deg
        if east - west > 5 or south < -80 or north > 80:
            return None
    return (south, north, west, east) if west > -180 and east < 180 else None


def w84_range_m(value: float, units: Units, datum: Datum, position: LatLng) -> tuple[float, float]:
    """Return least and greatest height above the ellipsoid of a measured altitude.

    Raises:
        InvalidVolume: a flight level outside what exists; field ``altitude``.
    """
    low_m, high_m, datum = _height_range_m(value, units, datum, "altitude")
    if datum is Datum.AMSL:
        undulation_m = geoid.undulation_m(position.lat_deg, position.lng_deg)
        low_m += undulation_m - geoid.ERROR_M
        high_m += undulation_m + geoid.ERROR_M
    return low_m, high_m


def _height_range_m(
    value: float, units: Units, datum: Datum, field: str
) -> tuple[float, float, Datum]:
    """Return least and greatest height in metres, and the datum these count from."""
    if datum is Datum.FL:
        return *_flight_level_range_m(value, field), Datum.AMSL
    return value * _METRES[units], value * _METRES[units], datum


def _flight_level_range_m(level: float, field: str) -> tuple[float, float]:
    """Return least and greatest height above mean sea level, metres."""
    if not FLIGHT_LEVEL_MIN <= level <= FLIGHT_LEVEL_MAX:
        raise InvalidVolume(
            f"flight level {level} is not {FLIGHT_LEVEL_MIN:.0f} to {FLIGHT_LEVEL_MAX:.0f}; "
            "write hundreds of feet, 95 for FL095",
            field=field,
        )
    standard_m = level * 100 * FOOT_M
    pressure = _pressure_hpa(standard_m)
    heights = [
        standard_m - _standard_height_m(qnh) + _KELVIN_M * warmer * log(qnh / pressure)
        for qnh in QNH_HPA_RANGE
        for warmer in TEMPERATURE_K_RANGE
    ]
    # The height rises with QNH and is linear in temperature: its extremes are at these corners.
    return min(map(_geometric_low_m, heights)), max(map(_geometric_high_m, heights))


def _geometric_low_m(geopotential_m: float) -> float:
    return geopotential_m - 0.0027 * abs(geopotential_m)


def _geometric_high_m(geopotential_m: float) -> float:
    return geopotential_m + (0.0027 + abs(geopotential_m) / 6_300_000) * abs(geopotential_m)


def _pressure_hpa(standard_m: float) -> float:
    if standard_m > _TROPOPAUSE_M:
        return _P11_HPA * exp((_TROPOPAUSE_M - standard_m) / (_KELVIN_M * _T11_K))
    return float(_P0_HPA * (1 - _LAPSE_K_PER_M * standard_m / _T0_K) ** _EXPONENT)


def _standard_height_m(pressure_hpa: float) -> float:
    return float(_T0_K / _LAPSE_K_PER_M * (1 - (pressure_hpa / _P0_HPA) ** (1 / _EXPONENT)))


def to_document(stated: StatedBand) -> dict[str, Any]:
    """Return the stated band as the properties that ``formats/geojson.py`` reads."""
    document: dict[str, Any] = {
        "lower": stated.lower,
        "upper": stated.upper,
        "units": stated.units.value,
        "datum": stated.datum.value,
    }
    if stated.ground is not None:
        ground = stated.ground
        level = ground.lowest_m == ground.highest_m
        document["ground_m"] = ground.lowest_m if level else [ground.lowest_m, ground.highest_m]
        document["ground_datum"] = ground.datum.value
    return document


def from_document(document: dict[str, Any]) -> StatedBand:
    """Return what ``to_document`` wrote; for stored documents, not for what others hand us."""
    ground = None
    if "ground_m" in document:
        span = document["ground_m"]
        low, high = span if isinstance(span, list) else (span, span)
        ground = StatedGround(lowest_m=low, highest_m=high, datum=Datum(document["ground_datum"]))
    return StatedBand(
        lower=document["lower"],
        upper=document["upper"],
        units=Units(document["units"]),
        datum=Datum(document["datum"]),
        ground=ground,
    )
