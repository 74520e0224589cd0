"""Height of mean sea level (EGM96) above the WGS84 ellipsoid, from a 15' grid in the package.

Bilinear between the nodes. ``scripts/build_geoid.py`` tells source and file format. PROJ is not
asked on purpose: without its grid file, pyproj returns heights unchanged and says nothing.
"""

import struct
import sys
import zlib
from array import array
from functools import cache
from itertools import accumulate
from math import ceil, floor
from operator import add
from pathlib import Path
from typing import TypeAlias

Row: TypeAlias = "array[int]"

_PATH = Path(__file__).with_name("egm96.bin")
_MAGIC = b"tansiq egm96 1\n"
_ROWS, _COLUMNS, _BAND_ROWS = 721, 1_440, 7
_PER_DEGREE = 4

ERROR_M = 1.2
"""Bound on what bilinear interpolation and rounding to centimetres add.

Against 6-point interpolation at all 1,036,800 cell centres: rms 0.05 m, 99.9 % below 0.41 m, worst
1.13 m (Hawaii); rounding 0.005 m. How far EGM96 itself is from the sea is not in it.
"""


@cache
def _positions() -> tuple[int, ...]:
    bands = ceil(_ROWS / _BAND_ROWS)
    with _PATH.open("rb") as file:
        head = file.read(len(_MAGIC) + 4 * (bands + 1))
    if not head.startswith(_MAGIC):
        raise RuntimeError(f"{_PATH} is not Tansiq's geoid; run scripts/build_geoid.py")
    return struct.unpack(f"<{bands + 1}I", head[len(_MAGIC) :])


@cache
def _band(index: int) -> list[Row]:
    """Return the rows of one band, centimetres; whole earth 2 MB."""
    start, end = _positions()[index : index + 2]
    with _PATH.open("rb") as file:
        file.seek(start)
        coded = array("h", zlib.decompress(file.read(end - start)))
    if sys.byteorder == "big":
        coded.byteswap()
    rows: list[Row] = []
    for first in range(0, len(coded), _COLUMNS):
        row = accumulate(accumulate(coded[first : first + _COLUMNS]))
        rows.append(array("h", map(add, row, rows[-1]) if rows else row))
    return rows


def _nodes(row: int, first: int, last: int) -> Row:
    """Return the nodes of columns first..last, both included, going round the earth."""
    nodes = _band(row // _BAND_ROWS)[row % _BAND_ROWS]
    count = last - first + 1
    start = first % _COLUMNS
    if start + count > _COLUMNS:
        nodes = nodes + nodes + nodes[:2]
    return nodes[start : start + count]


def _row_range_cm(y: float, x_first: float, x_last: float) -> tuple[float, float]:
    """Return least and greatest value along a parallel, in grid coordinates."""
    row = min(floor(y), _ROWS - 2)
    up = y - row
    first, last = floor(x_first), max(ceil(x_last), floor(x_first) + 1)
    nodes: list[float] | Row = _nodes(row, first, last)
    if up:
        north = _nodes(row + 1, first, last)
        nodes = [a + up * (b - a) for a, b in zip(nodes, north, strict=True)]
    # Linear between nodes: the extremes are at the two ends or at a node between them.
    right, left = x_first - first, x_last - (last - 1)
    ends = (
        nodes[0] + right * (nodes[1] - nodes[0]),
        nodes[-2] + left * (nodes[-1] - nodes[-2]),
    )
    inner = nodes[1:-1]
    return min(*ends, *inner), max(*ends, *inner)


def undulation_range_m(
    lat_min: float, lat_max: float, lng_min: float, lng_max: float
) -> tuple[float, float]:
    """Return least and greatest height of the geoid in a box of degrees, without ``ERROR_M``.

    ``lng_min > lng_max`` means a box across the 180th meridian. Exact for the bilinear surface:
    a bilinear piece has its extremes at its corners, and the box is cut along all grid lines.
    """
    y_first, y_last = (lat_min + 90) * _PER_DEGREE, (lat_max + 90) * _PER_DEGREE
    span = (lng_max - lng_min) if lng_min <= lng_max else (lng_max - lng_min + 360)
    x_first = (lng_min + 180) * _PER_DEGREE
    x_last = x_first + min(span, 360.0) * _PER_DEGREE
    inner = range(floor(y_first) + 1, ceil(y_last))
    ranges = [_row_range_cm(y, x_first, x_last) for y in (y_first, *inner, y_last)]
    return min(low for low, _ in ranges) / 100, max(high for _, high in ranges) / 100


def undulation_m(lat_deg: float, lng_deg: float) -> float:
    """Return the height of the geoid at a point, true within ``ERROR_M``."""
    return undulation_range_m(lat_deg, lat_deg, lng_deg, lng_deg)[0]
