"""Places as people say them: degrees, minutes and seconds, and the military grid (MGRS), both ways.

Pure arithmetic on WGS84. The grid is the one of NGA.STND.0037 with the lettering of WGS84 ("AA"
scheme): UTM between 80 S and 84 N, with the wider zones of Norway and Svalbard, and polar
stereographic (UPS) beyond. Figures are cut off, never rounded: a grid reference names the square
that holds the place.

Source: transverse Mercator by Krueger's series in the third flattening to the sixth order
(Karney 2011, eq. 35 and 36), exact to a fraction of a millimetre here; UPS by Snyder (1987), pages
160 and 161.
"""

import math
import re
from typing import Final

from tansiq.domain.ellipsoid import ECCENTRICITY_SQUARED, FLATTENING, SEMI_MAJOR_M
from tansiq.domain.volume import LatLng
from tansiq.errors import BadInput

_N: Final = FLATTENING / (2 - FLATTENING)
_E: Final = math.sqrt(ECCENTRICITY_SQUARED)
_RECTIFYING_M: Final = SEMI_MAJOR_M / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64 + _N**6 / 256)
_ALPHA: Final = (
    _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16 + 41 * _N**4 / 180 - 127 * _N**5 / 288
    + 7891 * _N**6 / 37800,
    13 * _N**2 / 48 - 3 * _N**3 / 5 + 557 * _N**4 / 1440 + 281 * _N**5 / 630
    - 1983433 * _N**6 / 1935360,
    61 * _N**3 / 240 - 103 * _N**4 / 140 + 15061 * _N**5 / 26880 + 167603 * _N**6 / 181440,
    49561 * _N**4 / 161280 - 179 * _N**5 / 168 + 6601661 * _N**6 / 7257600,
    34729 * _N**5 / 80640 - 3418889 * _N**6 / 1995840,
    212378941 * _N**6 / 319334400,
)  # fmt: skip
_BETA: Final = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360 - 81 * _N**5 / 512
    + 96199 * _N**6 / 604800,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440 + 46 * _N**5 / 105 - 1118711 * _N**6 / 3870720,
    17 * _N**3 / 480 - 37 * _N**4 / 840 - 209 * _N**5 / 4480 + 5569 * _N**6 / 90720,
    4397 * _N**4 / 161280 - 11 * _N**5 / 504 - 830251 * _N**6 / 7257600,
    4583 * _N**5 / 161280 - 108847 * _N**6 / 3991680,
    20648693 * _N**6 / 638668800,
)  # fmt: skip
_UTM_SCALE, _UPS_SCALE = 0.9996, 0.994
_UTM_EAST_M, _UTM_SOUTH_M, _UPS_M = 500_000.0, 10_000_000.0, 2_000_000.0
SQUARE_M: Final = 100_000

_BANDS: Final = "CDEFGHJKLMNPQRSTUVWXX"  # X is 12 degrees tall.
_COLUMNS: Final = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")
_ROWS: Final = "ABCDEFGHJKLMNPQRSTUV"
_POLAR: Final = "ABCFGHJKLPQRSTUXYZ"
"""Columns of UPS squares, without D, E, I, M, N, O, V and W."""
_POLAR_ROWS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def dms(place: LatLng) -> str:
    """Write a place to the nearest second, latitude first: ``35°21'14"N 035°56'20"E``."""
    return f"{_dms(place.lat_deg, 'NS', 2)} {_dms(place.lng_deg, 'EW', 3)}"


def _dms(value_deg: float, signs: str, width: int) -> str:
    # In whole seconds before it is split, so that 59.9 seconds never read as 60.
    seconds = round(abs(value_deg) * 3_600)
    sign = signs[1] if value_deg < 0 and seconds else signs[0]
    minutes, seconds = divmod(seconds, 60)
    degrees, minutes = divmod(minutes, 60)
    return f"{degrees:0{width}d}°{minutes:02d}'{seconds:02d}\"{sign}"


def mgrs(place: LatLng, *, digits: int = 5) -> str:
    """Write the grid square that holds a place, ``36S YE 66960 14500``; 5 digits are metres."""
    if -80.0 <= place.lat_deg <= 84.0:
        head, column, row, east_m, north_m = _utm_square(place)
    else:
        head, column, row, east_m, north_m = _ups_square(place)
    figures = " ".join(
        f"{int(at_m % SQUARE_M) // 10 ** (5 - digits):0{digits}d}" for at_m in (east_m, north_m)
    )
    return f"{head} {column}{row} {figures}"


def _utm_square(place: LatLng) -> tuple[str, str, str, float, float]:
    zone = utm_zone(place)
    east_m, north_m = _transverse_mercator(place.lat_deg, place.lng_deg - (zone * 6 - 183))
    band = _BANDS[int((place.lat_deg + 80) // 8)]
    column = _COLUMNS[(zone - 1) % 3][int(east_m // SQUARE_M) - 1]
    row = _ROWS[(int(north_m // SQUARE_M) + (0 if zone % 2 else 5)) % 20]
    return f"{zone:02d}{band}", column, row, east_m, north_m


def utm_zone(place: LatLng) -> int:
    """Return the zone whose grid is used at a place; 180 E is in the first."""
    lat, lng = place.lat_deg, place.lng_deg
    if 56.0 <= lat < 64.0 and 3.0 <= lng < 12.0:
        return 32
    if lat >= 72.0 and 0.0 <= lng < 42.0:
        return next(zone for zone, west in ((37, 33), (35, 21), (33, 9), (31, 0)) if lng >= west)
    return int((lng + 180.0) // 6) % 60 + 1


def _transverse_mercator(lat_deg: float, from_meridian_deg: float) -> tuple[float, float]:
    """Return easting and northing, metres with the false origins of UTM."""
    lat = math.radians(lat_deg)
    away = math.radians((from_meridian_deg + 540.0) % 360.0 - 180.0)
    sin = math.sin(lat)
    conformal = math.sinh(math.atanh(sin) - _E * math.atanh(_E * sin))
    xi = math.atan2(conformal, math.cos(away))
    eta = math.asinh(math.sin(away) / math.hypot(conformal, math.cos(away)))
    north, east = xi, eta
    for j, alpha in enumerate(_ALPHA, start=1):
        north += alpha * math.sin(2 * j * xi) * math.cosh(2 * j * eta)
        east += alpha * math.cos(2 * j * xi) * math.sinh(2 * j * eta)
    scale_m = _UTM_SCALE * _RECTIFYING_M
    return _UTM_EAST_M + scale_m * east, scale_m * north + (_UTM_SOUTH_M if lat_deg < 0 else 0.0)


def _ups_square(place: LatLng) -> tuple[str, str, str, float, float]:
    north_pole = place.lat_deg > 0
    east_m, north_m = _polar_stereographic(place)
    column, row = int(east_m // SQUARE_M), int(north_m // SQUARE_M)
    east = column >= 20
    first = 13 if north_pole else 8
    head = ("YZ" if north_pole else "AB")[east]
    # East of the pole columns begin with A; west of it they end with Z, hence the negative index.
    return head, _POLAR[column - 20], _POLAR_ROWS[row - first], east_m, north_m


def _polar_stereographic(place: LatLng) -> tuple[float, float]:
    """Return easting and northing, metres with the false origin of UPS."""
    lat, lng = math.radians(abs(place.lat_deg)), math.radians(place.lng_deg)
    sin = _E * math.sin(lat)
    t = math.tan(math.pi / 4 - lat / 2) * ((1 + sin) / (1 - sin)) ** (_E / 2)
    scale = math.sqrt((1 + _E) ** (1 + _E) * (1 - _E) ** (1 - _E))
    away_m = 2 * SEMI_MAJOR_M * _UPS_SCALE * t / scale
    towards = -1.0 if place.lat_deg > 0 else 1.0
    return _UPS_M + away_m * math.sin(lng), _UPS_M + towards * away_m * math.cos(lng)


# From a reference to a place

_REFERENCE: Final = re.compile(
    r"(?:(\d{1,2})([C-HJ-NP-X])|([ABYZ]))([A-HJ-NP-Z])([A-HJ-NP-Z])((?:\d\d){1,5})", re.ASCII
)
_ZONE_DEG: Final = 6.0
"""From the meridian of a zone to the edge of the widest ones, in the north."""
_OVERLAP_DEG: Final = 0.7
"""How far a square of the grid may reach beyond its zone or band."""


def place_of_grid(reference: str) -> LatLng:
    """Return the middle of the square that a reference names, with or without blanks.

    Raises:
        BadInput: no reference, or of a square that its zone does not have.
    """
    plain = "".join(reference.split()).upper()
    match = _REFERENCE.fullmatch(plain)
    if match is None:
        raise _no_such(reference)
    zone, band, polar, column, row, figures = match.groups()
    half = len(figures) // 2
    step_m = 10 ** (5 - half)
    east_m, north_m = (int(text) * step_m + step_m / 2 for text in (figures[:half], figures[half:]))
    if polar:
        found = _of_ups(polar, column, row, east_m, north_m)
    else:
        found = _of_utm(int(zone), band, column + row, east_m, north_m)
    if found is None:
        raise _no_such(reference)
    return found


def _no_such(reference: str) -> BadInput:
    return BadInput(
        f"{reference[:40]!r} is no grid reference; write one such as 36S YE 6705 1625",
        field="position",
    )


def _of_utm(zone: int, band: str, letters: str, east_m: float, north_m: float) -> LatLng | None:
    columns = _COLUMNS[(zone - 1) % 3]
    if not 1 <= zone <= 60 or letters[0] not in columns or letters[1] not in _ROWS:
        return None
    east_m += (columns.index(letters[0]) + 1) * SQUARE_M
    north_m += (_ROWS.index(letters[1]) - (0 if zone % 2 else 5)) % 20 * SQUARE_M
    south = _BANDS.index(band) * 8 - 80
    tall = 12 if band == "X" else 8
    # Rows repeat every 2,000 km, and a band is not half as tall: one of these is in it.
    for k in range(5):
        at_m = north_m + k * 20 * SQUARE_M - (_UTM_SOUTH_M if south < 0 else 0.0)
        lat, away = _from_transverse_mercator(east_m, at_m)
        in_band = -_OVERLAP_DEG <= lat - south <= tall + _OVERLAP_DEG
        if in_band and abs(away) <= _ZONE_DEG + _OVERLAP_DEG:
            return LatLng(lat, (away + zone * 6 - 183 + 540.0) % 360.0 - 180.0)
    return None


def _from_transverse_mercator(east_m: float, north_m: float) -> tuple[float, float]:
    """Return latitude and degrees from the meridian, of metres without the southern origin."""
    scale_m = _UTM_SCALE * _RECTIFYING_M
    north, east = north_m / scale_m, (east_m - _UTM_EAST_M) / scale_m
    xi, eta = north, east
    for j, beta in enumerate(_BETA, start=1):
        xi -= beta * math.sin(2 * j * north) * math.cosh(2 * j * east)
        eta -= beta * math.cos(2 * j * north) * math.sinh(2 * j * east)
    conformal = math.sin(xi) / math.hypot(math.sinh(eta), math.cos(xi))
    away = math.degrees(math.atan2(math.sinh(eta), math.cos(xi)))
    return math.degrees(_latitude(math.asinh(conformal))), away


def _latitude(isometric: float) -> float:
    """Return the latitude, radians, of an isometric latitude on the ellipsoid."""
    sin = math.tanh(isometric)
    for _ in range(10):  # Each step gains two digits; the last ones change nothing.
        sin = math.tanh(isometric + _E * math.atanh(_E * sin))
    return math.asin(sin)


def _of_ups(head: str, column: str, row: str, east_m: float, north_m: float) -> LatLng | None:
    north_pole, east = head in "YZ", head in "BZ"
    if column not in _POLAR:
        return None
    at = _POLAR.index(column)
    east_m += (20 + at if east else 20 + at - len(_POLAR)) * SQUARE_M - _UPS_M
    north_m += (_POLAR_ROWS.index(row) + (13 if north_pole else 8)) * SQUARE_M - _UPS_M
    scale = math.sqrt((1 + _E) ** (1 + _E) * (1 - _E) ** (1 - _E))
    t = math.hypot(east_m, north_m) * scale / (2 * SEMI_MAJOR_M * _UPS_SCALE)
    lat = math.degrees(_latitude(-math.log(t)))
    if lat < (84.0 if north_pole else 80.0) - _OVERLAP_DEG:
        return None
    lng = math.degrees(math.atan2(east_m, -north_m if north_pole else north_m))
    return LatLng(lat if north_pole else -lat, lng)
