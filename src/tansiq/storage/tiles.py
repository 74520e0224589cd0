"""An outline in pieces that a register takes: a search or subscription has a largest area.

Pieces are S2 cells of one level, whose edges are great circles that neighbours share, so nothing
lies between two of them.
"""

from functools import lru_cache

import s2geometry as s2

from tansiq.domain.volume import LatLng, Outline, Polygon
from tansiq.f3548.convert import Area
from tansiq.storage.cells import COARSE, area_km2, cover, parent

_SPARE = 0.95
"""Of the limit: who measures on another figure of the earth finds a little more."""


@lru_cache(maxsize=64)
def tiles(outline: Outline, km2_max: float) -> tuple[Outline, ...]:
    """Return outlines of at most ``km2_max`` that cover ``outline``; itself if it is small enough.

    None is smaller than a cell of level 9, about 300 km2.
    """
    if area_km2(outline) <= _SPARE * km2_max:
        return (outline,)
    cells = {
        s2.S2CellId(parent(cell) % (1 << 64))
        for patch in cover([Area(outline=outline)]).patches
        for cell in patch.cells
    }
    for level in range(COARSE + 1):
        found = _of_level(cells, level)
        if all(area_km2(tile) <= _SPARE * km2_max for tile in found):
            return found
    return found


def _of_level(cells: set[s2.S2CellId], level: int) -> tuple[Polygon, ...]:
    ids = sorted({cell.parent(level).id() for cell in cells})
    return tuple(_polygon(s2.S2Cell(s2.S2CellId(number))) for number in ids)


def _polygon(cell: s2.S2Cell) -> Polygon:
    corners = (s2.S2LatLng(cell.GetVertex(i)) for i in range(4))
    return Polygon(vertices=tuple(LatLng(at.lat().degrees(), at.lng().degrees()) for at in corners))
