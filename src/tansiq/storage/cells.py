"""Which S2 cells things cover: what the register's search goes by.

An entity is indexed at level 13 (about 1.2 km), or at level 9 (about 18 km) if that would take
more than 200 cells. A search has the same two forms. A fine one probes its level-13 cells and
their level-9 parents; a coarse one probes, for each of its level-9 cells, the range of ids that
holds the cell and all its descendants. So any two things that share a point are found by each
other, whatever their sizes.

A cover is complete and never minimal: S2 works on a sphere, so circles grow by 0.7 % and a
centimetre, and polygon edges by what a great circle can differ from the WGS84 geodesic. Everything
is checked and bounded *before* covering: an invalid loop makes the library eat all memory and
abort the process.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import msgspec
import s2geometry as s2

from tansiq.domain.time import micros
from tansiq.domain.volume import ALTITUDE_M_MAX, ALTITUDE_M_MIN, Circle, Outline, Polygon
from tansiq.errors import InvalidVolume, TooLarge
from tansiq.f3548.convert import Area, within

TIME_MIN: Final = -(1 << 62)
"""Stands for a start that is not bounded, microseconds."""
TIME_MAX: Final = 1 << 62
"""Stands for an end that is not bounded."""

FINE: Final = 13
COARSE: Final = 9
FINE_CELLS_MAX: Final = 200
COARSE_CELLS_MAX: Final = 50_000
"""Far above any agreement's area (16 million km2); bounds what one request may cost."""
EARTH_M: Final = 6_371_010.0
CIRCLE_MARGIN: Final = 1.007
"""By how much a geodesic may be shorter than the arc on the sphere (0.56 % found)."""
MARGIN_M: Final = 0.01
EDGE_MARGIN: Final = 0.0006
"""Great circle from geodesic, times length squared over the earth's radius: 0.00043 found, up to
3,000 km."""
LSB_COARSE: Final = 1 << 2 * (30 - COARSE)
_CELL_KM2 = {FINE: 0.6, COARSE: 160.0}  # The smallest cells of the level, rounded down.
_CELL_KM = {FINE: 0.6, COARSE: 9.8}
CROWD_MAX: Final = 32
"""Vertices of one polygon in one spot."""
_SPOT_M: Final = 0.01
_CACHED_VERTICES_MAX: Final = 64
_ESTIMATE_MAX: Final = 4 * FINE_CELLS_MAX
"""The estimate is up to four times too high; above this, level 13 is not even tried."""


class Patch(msgspec.Struct, frozen=True, array_like=True):
    """Cells with the same bounds: microseconds UTC and metres W84, closed."""

    cells: tuple[int, ...]
    time_start: int
    time_end: int
    low_m: float
    high_m: float


class Size(NamedTuple):
    """How large an outline is, and an upper bound of the cells that its cover will have."""

    km2: float
    fine_max: float
    coarse_max: float


class Cover(msgspec.Struct, frozen=True, array_like=True):
    """Where and when an entity or a search is."""

    level: int
    patches: tuple[Patch, ...]

    @property
    def count(self) -> int:
        """How many cells it has."""
        return sum(len(patch.cells) for patch in self.patches)

    @property
    def time_start(self) -> int:
        return min(patch.time_start for patch in self.patches)

    @property
    def time_end(self) -> int:
        return max(patch.time_end for patch in self.patches)

    def to_bytes(self) -> bytes:
        """Return the form that a row keeps."""
        return _encoder.encode(self)

    @staticmethod
    def from_bytes(document: bytes) -> "Cover":
        """Read the form that a row keeps."""
        return _decoder.decode(document)

    def contains(self, other: "Cover") -> bool:
        """Report whether every cell of ``other`` is ours, or lies in a coarse one of ours."""
        ours = {cell for patch in self.patches for cell in patch.cells}
        return all(
            cell in ours or (self.level == COARSE and parent(cell) in ours)
            for patch in other.patches
            for cell in patch.cells
        )

    def union(self, other: "Cover") -> "Cover":
        """Return what covers both."""
        return _merged(self.patches + other.patches)

    def timed(self, start: int, end: int) -> "Cover":
        """Return the same cells with other times."""
        replace = msgspec.structs.replace
        patches = (replace(patch, time_start=start, time_end=end) for patch in self.patches)
        return Cover(self.level, tuple(patches))


NO_COVER: Final = Cover(FINE, ())
"""Of a row that was read without it."""
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Cover)


def signed(cell: int) -> int:
    """Return an S2 id as the signed number that SQL knows."""
    return cell - (1 << 64) if cell >= 1 << 63 else cell


def parent(cell: int) -> int:
    """Return the level-9 ancestor of a cell; works on signed ids as well."""
    return (cell & -LSB_COARSE) | LSB_COARSE


def area_km2(outline: Outline) -> float:
    """Return the area on the sphere, of the smaller side.

    Raises:
        InvalidVolume: edges cross or touch.
    """
    if isinstance(outline, Circle):
        return math.pi * (outline.radius_m / 1_000.0) ** 2
    return _loop(outline).GetArea() * (EARTH_M / 1_000.0) ** 2


def check(area: Area, *, km2_max: float, path: str) -> None:
    """Refuse an area that is larger than the caller may ask for, or cannot exist.

    Raises:
        TooLarge: more than ``km2_max``, or it reaches too far.
        InvalidVolume: edges cross; ``field`` starts with ``path``.
    """
    try:
        found = _size(area.outline)
    except InvalidVolume as error:
        raise within(error, f"{path}.volume.outline_polygon") from error
    if found.km2 > km2_max:
        raise TooLarge(
            f"{found.km2:,.0f} km2; at most {km2_max:,.0f} km2 here: split it, or ask for less",
            field=f"{path}.volume",
        )
    _check_reach(found, f"{path}.volume")


def _check_reach(size: Size, field: str) -> None:
    if size.coarse_max > COARSE_CELLS_MAX:
        raise TooLarge("it reaches too far over the earth: split it", field=field)


def cover(areas: Sequence[Area]) -> Cover:
    """Return the cells of one entity or search, with the bounds of its volumes in each.

    Raises:
        TooLarge: one of them reaches too far; ``check`` says so with its path.
        InvalidVolume: one of them cannot exist; same.
    """
    sizes = [_size(area.outline) for area in areas]
    for size in sizes:
        _check_reach(size, "volume")
    fine = None if max(size.fine_max for size in sizes) > _ESTIMATE_MAX else _fine(areas)
    if fine is not None:
        return _merged(fine)
    return _merged([_patch(area, _cached(area.outline, COARSE)) for area in areas])


def _fine(areas: Iterable[Area]) -> list[Patch] | None:
    patches: list[Patch] = []
    seen: set[int] = set()
    for area in areas:
        cells = _cached(area.outline, FINE)
        seen.update(cells)
        if len(seen) > FINE_CELLS_MAX:
            return None
        patches.append(_patch(area, cells))
    return patches


def _micros(value: datetime | None, default: int) -> int:
    return default if value is None else micros(value)


def _patch(area: Area, cells: tuple[int, ...]) -> Patch:
    return Patch(
        cells=cells,
        time_start=_micros(area.start, TIME_MIN),
        time_end=_micros(area.end, TIME_MAX),
        low_m=ALTITUDE_M_MIN if area.lower_m is None else area.lower_m,
        high_m=ALTITUDE_M_MAX if area.upper_m is None else area.upper_m,
    )


def _merged(patches: Sequence[Patch]) -> Cover:
    """Give each cell one row: the bounds of all volumes in it."""
    level = _common_level(patches)
    if len(patches) == 1:
        return Cover(level, tuple(patches))
    bounds: dict[int, tuple[int, int, float, float]] = {}
    for patch in patches:
        mine = (patch.time_start, patch.time_end, patch.low_m, patch.high_m)
        for cell in patch.cells:
            at = cell if _level(cell) == level else parent(cell)
            old = bounds.get(at, mine)
            bounds[at] = (
                min(old[0], mine[0]),
                max(old[1], mine[1]),
                min(old[2], mine[2]),
                max(old[3], mine[3]),
            )
    if level == FINE and len(bounds) > FINE_CELLS_MAX:
        return _merged([_coarser(patch) for patch in patches])
    groups: dict[tuple[int, int, float, float], list[int]] = defaultdict(list)
    for cell, limits in bounds.items():
        groups[limits].append(cell)
    return Cover(level, tuple(Patch(tuple(cells), *limits) for limits, cells in groups.items()))


def _coarser(patch: Patch) -> Patch:
    return msgspec.structs.replace(patch, cells=tuple({parent(cell) for cell in patch.cells}))


def _level(cell: int) -> int:
    return COARSE if cell & -cell >= LSB_COARSE else FINE


def _common_level(patches: Iterable[Patch]) -> int:
    return min(_level(cell) for patch in patches for cell in patch.cells)


# Outlines to cells


def _measure(outline: Outline) -> Size:
    km2 = area_km2(outline)
    if isinstance(outline, Circle):
        rim_km = 2e-3 * math.pi * outline.radius_m
    else:
        rim_km = sum(_edges_m(outline)) / 1_000.0
    return Size(km2, _bound(km2, rim_km, FINE), _bound(km2, rim_km, COARSE))


def _bound(km2: float, rim_km: float, level: int) -> float:
    return 4 + km2 / _CELL_KM2[level] + 2 * rim_km / _CELL_KM[level]


_measured_short = lru_cache(maxsize=2_048)(_measure)


def _is_long(outline: Outline) -> bool:
    """Tell what stays out of the large caches: these are bounded by count, and it fills memory."""
    return isinstance(outline, Polygon) and len(outline.vertices) > _CACHED_VERTICES_MAX


def _size(outline: Outline) -> Size:
    return _measure(outline) if _is_long(outline) else _measured_short(outline)


def _edges_m(outline: Polygon) -> list[float]:
    """Return the lengths of the edges on the sphere, a little too long for any of them."""
    found = []
    for a, b in zip(outline.vertices, outline.vertices[1:] + outline.vertices[:1], strict=True):
        lat_a, lat_b = math.radians(a.lat_deg), math.radians(b.lat_deg)
        half = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * (
            math.sin(math.radians(b.lng_deg - a.lng_deg) / 2) ** 2
        )
        found.append(CIRCLE_MARGIN * 2 * EARTH_M * math.asin(math.sqrt(min(1.0, half))))
    return found


def _cached(outline: Outline, level: int) -> tuple[int, ...]:
    return _long_cells(outline, level) if _is_long(outline) else _short_cells(outline, level)


def _cells(outline: Outline, level: int) -> tuple[int, ...]:
    if isinstance(outline, Circle):
        center = _point(outline.center.lat_deg, outline.center.lng_deg)
        return tuple(_covering(_cap(center, outline.radius_m * CIRCLE_MARGIN), level))
    return tuple(_polygon_cells(outline, level))


_short_cells = lru_cache(maxsize=2_048)(_cells)
_long_cells = lru_cache(maxsize=8)(_cells)  # The areas that a node asks for again and again.


def _point(lat_deg: float, lng_deg: float) -> s2.S2Point:
    return s2.S2LatLng.FromDegrees(lat_deg, lng_deg).ToPoint()


def _cap(center: s2.S2Point, radius_m: float) -> s2.S2Cap:
    return s2.S2Cap(center, s2.S1Angle.Radians((radius_m + MARGIN_M) / EARTH_M))


def _covering(region: s2.S2Cap | s2.S2Polygon, level: int) -> list[int]:
    coverer = s2.S2RegionCoverer()
    coverer.set_fixed_level(level)
    # Without it a fixed level is only approximated; it does not bound anything: `_check` does.
    coverer.set_max_cells(1_000_000)
    return [signed(cell.id()) for cell in coverer.GetCovering(region)]


def _check_crowding(outline: Polygon) -> None:
    """Refuse a heap of vertices in one spot, which the library compares each with each, exactly.

    10,000 of them within a millimetre keep it busy for minutes.
    """
    if len(outline.vertices) <= CROWD_MAX:
        return
    spots: dict[tuple[int, int, int], int] = defaultdict(int)
    for vertex in outline.vertices:
        lat, lng = math.radians(vertex.lat_deg), math.radians(vertex.lng_deg)
        across = math.cos(lat) * EARTH_M / _SPOT_M
        x, y, z = across * math.cos(lng), across * math.sin(lng), math.sin(lat) * EARTH_M / _SPOT_M
        spots[round(x), round(y), round(z)] += 1
    most = max(spots.values())
    if most > CROWD_MAX:
        raise InvalidVolume(
            f"{most} of them lie within {_SPOT_M:g} m of each other, at most {CROWD_MAX} may; "
            "leave out those that change nothing",
            field="vertices",
        )


def _loop(outline: Polygon) -> s2.S2Loop:
    _check_crowding(outline)
    loop = s2.S2Loop([_point(v.lat_deg, v.lng_deg) for v in outline.vertices])
    if not loop.IsValid():
        raise InvalidVolume(
            "edges cross or vertices repeat; list the vertices in order along the boundary",
            field="vertices",
        )
    # Clockwise would be the rest of the earth; F3548-21 means the smaller side.
    loop.Normalize()
    return loop


def _polygon_cells(outline: Polygon, level: int) -> set[int]:
    """Return the cells within the margin of a polygon.

    They are met by the polygon itself, or by a strip along an edge, or by a cap about a vertex.
    """
    cells = set(_covering(s2.S2Polygon(_loop(outline)), level))
    points = [_xyz(v.lat_deg, v.lng_deg) for v in outline.vertices]
    edges = zip(points, points[1:] + points[:1], _edges_m(outline), strict=True)
    for a, b, length_m in edges:
        margin_m = EDGE_MARGIN * length_m * length_m / EARTH_M
        cells.update(_covering(_cap(s2.S2Point_FromRaw(*a), margin_m), level))
        cells.update(_strip_cells(a, b, (margin_m + MARGIN_M) / EARTH_M, level))
    return cells


Xyz: TypeAlias = tuple[float, float, float]


def _xyz(lat_deg: float, lng_deg: float) -> Xyz:
    return s2.S2Point_ToRaw(_point(lat_deg, lng_deg))


def _strip_cells(a: Xyz, b: Xyz, margin_rad: float, level: int) -> list[int]:
    """Return the cells within the margin of the great circle from ``a`` to ``b``.

    The strip's long sides are great circles too, which bulge away from the middle one: it is
    nowhere narrower than at its ends.
    """
    across = (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
    size = math.hypot(*across)
    if size < margin_rad:  # So short that the caps about its ends hold it.
        return []
    corners = [_moved(p, across, side * margin_rad / size) for p, side in _around(a, b)]
    loop = s2.S2Loop([s2.S2Point_FromRaw(*corner) for corner in corners])
    if not loop.IsValid():
        raise InvalidVolume("an edge joins opposite points of the earth", field="vertices")
    loop.Normalize()
    return _covering(s2.S2Polygon(loop), level)


def _around(a: Xyz, b: Xyz) -> tuple[tuple[Xyz, int], ...]:
    return (a, -1), (b, -1), (b, 1), (a, 1)


def _moved(point: Xyz, direction: Xyz, by: float) -> Xyz:
    x, y, z = (p + by * d for p, d in zip(point, direction, strict=True))
    norm = math.hypot(x, y, z)
    return x / norm, y / norm, z / norm


# Kinds of what is covered

INTENT: Final = 1
CONSTRAINT: Final = 2
SUBSCRIPTION: Final = 3
