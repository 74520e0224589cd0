"""Do two plans conflict, and if so how: by how much, when, at what levels, and where it is worst.

The one judge in use. Verdict and figures are those of ``domain.conflict``, the separation within
1 mm of it and the same to the bit from either side. Where the kernels are not certain, the
definition answers. Needs no index and changes nothing, so it may run in any thread.
"""

from collections.abc import Iterator

import numpy as np

from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import Conflict, described, worst_of
from tansiq.domain.ellipsoid import point_at
from tansiq.engine import outlines, search
from tansiq.engine.compiled import Floats, Ints, seen
from tansiq.engine.index import limits_of
from tansiq.engine.outlines import WORK_COLUMNS, WORK_SHARES
from tansiq.engine.prepared import Prepared

_ROOM = 64
_WORST_LEAST = 16
"""Conflicts from which on the worst are sifted by columns first."""


def conflicts(a: Prepared, b: Prepared, minima: Minima) -> bool:
    """Report whether any volume of one comes within the minima of any volume of the other."""
    hits, _ = _meet(a, b, minima, enough=search.CERTAIN)
    for i, j, how in hits.tolist():
        if how != outlines.UNSURE:
            return True
        outline, other = a.volumes[i].outline, b.volumes[j].outline
        limit_m = minima.horizontal_m
        if geodesy.separation_m(outline, other, beyond_m=limit_m) <= limit_m:
            return True
    return False


def may_conflict(a: Prepared, b: Prepared, minima: Minima) -> bool:
    """Report whether any volumes conflict, or are within 0.7 mm of it. Kernels alone answer: the
    time it takes does not depend on how somebody has placed them.
    """
    hits, _ = _meet(a, b, minima, enough=search.POSSIBLE)
    return len(hits) > 0


def conflict_between(a: Prepared, b: Prepared, minima: Minima) -> Conflict | None:
    """Return the worst conflict of two plans, or None if they keep the minima.

    The same to the bit when the two change places, apart from the order of ``pair``.
    """
    hits, figures = _meet(a, b, minima, enough=search.EVERY)
    if not len(hits):
        return None
    figures[:, 0] = np.minimum(figures[:, 0], minima.horizontal_m)
    found = list(_settled(a, b, hits, figures, minima))
    return worst_of(found, a.volumes, b.volumes) if found else None


def _meet(a: Prepared, b: Prepared, minima: Minima, *, enough: int) -> tuple[Ints, Floats]:
    rows = seen(np.empty((WORK_SHARES * max(4, a.vertices, b.vertices), WORK_COLUMNS)))
    room, most = _ROOM, len(a.volumes) * len(b.volumes)
    limits = limits_of(minima)
    while True:
        hits, figures = np.empty((min(room, most), 3), np.int64), np.empty((min(room, most), 4))
        many = search.meet(*a.sky, *b.sky, *limits, enough, seen(hits), seen(figures), rows)
        if many >= 0:
            return hits[:many], figures[:many]
        room *= 16


def _settled(
    a: Prepared, b: Prepared, hits: Ints, figures: Floats, minima: Minima
) -> Iterator[Conflict]:
    """Yield at least the worst of what was found, what the kernels were unsure of settled."""
    limit_m = minima.horizontal_m
    certain = hits[:, search.HOW] == outlines.WITHIN
    if certain.all() and len(hits) >= _WORST_LEAST:
        kept = _deepest(a, b, hits, figures, minima)
        hits, figures = hits[kept], figures[kept]
    for (i, j, how), (measured_m, x, y, z) in zip(hits.tolist(), figures.tolist(), strict=True):
        one, other, apart_m = a.volumes[i], b.volumes[j], measured_m
        if how != outlines.WITHIN:
            defined_m = geodesy.separation_m(one.outline, other.outline, beyond_m=limit_m)
            if how == outlines.UNSURE and defined_m > limit_m:
                continue
            apart_m = min(defined_m, limit_m)
        place = point_at((x, y, z))
        yield described(one, other, apart_m, minima, pair=(i, j), place=place)


def _deepest(a: Prepared, b: Prepared, hits: Ints, figures: Floats, minima: Minima) -> Ints:
    """Return the rows of the conflicts with the largest margin: one of them is the worst."""
    (own_times, own_bounds), (times, bounds) = (
        (np.asarray(p.sky.times)[rows], np.asarray(p.sky.bounds)[rows])
        for p, rows in ((a, hits[:, search.OWN]), (b, hits[:, search.OTHER]))
    )
    vertical_m = np.maximum(
        bounds[:, search.LOW] - own_bounds[:, search.HIGH],
        own_bounds[:, search.LOW] - bounds[:, search.HIGH],
    )
    gap_us = np.maximum(
        times[:, search.BEGINS] - own_times[:, search.ENDS],
        own_times[:, search.BEGINS] - times[:, search.ENDS],
    )
    margin = np.minimum(
        _inside(figures[:, 0], minima.horizontal_m),
        np.minimum(
            _inside(np.maximum(vertical_m, 0.0), minima.vertical_m),
            _inside(np.maximum(gap_us, 0) / 1e6, minima.time.total_seconds()),
        ),
    )
    # More than the two ways of reckoning it may differ by.
    return np.flatnonzero(margin >= margin.max() - 1e-9)


def _inside(gap: Floats, minimum: float) -> Floats:
    return np.maximum(0.0, 1.0 - gap / minimum) if minimum else np.ones(len(gap))
