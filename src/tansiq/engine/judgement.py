"""How two volumes conflict: by how much, when, at what levels, and where it is worst.

The verdict and the figures are those of ``domain.conflict``, the separation within 1 mm of it and
the same to the bit from either side. Where the kernels are not certain, the definition answers.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima
from tansiq.domain.conflict import Separation, within_altitude, within_time
from tansiq.domain.ellipsoid import point_at
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, LatLng, Volume4D
from tansiq.engine import outlines, search
from tansiq.engine.compiled import seen
from tansiq.engine.earth import arc_error_m
from tansiq.engine.index import Prepared
from tansiq.engine.outlines import WORK_COLUMNS, WORK_SHARES, Nearest, Shape

_MEASURED_M = 4e-4
"""Up to this error of a distance the kernels' figure counts: with what the definition understates
it is within 1 mm."""


class Dimension(StrEnum):
    """One of the three in which a separation is kept."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encroachment:
    """One volume within the minima of another. Where they keep a gap, spans are that gap."""

    margin: float
    """How deep, as a share of the minima: 1 overlap in all three, 0 exactly at a minimum."""
    least: Dimension
    """In which dimension they are least deep: where it is easiest to clear. Of equals the first."""
    separation: Separation
    time: TimeSpan
    altitude: AltitudeBand
    place: LatLng
    """Where it is worst: a point of both outlines, or the middle of the gap between them."""


def encroachment(a: Volume4D, b: Volume4D, minima: Minima) -> Encroachment | None:
    """Return how two volumes conflict, or None if they keep the minima.

    The same to the bit when the two change places.
    """
    if not (within_time(a, b, minima) and within_altitude(a, b, minima)):
        return None
    return between(Prepared.of(a), a, Prepared.of(b), b, minima)


def between(
    first: Prepared, a: Volume4D, second: Prepared, b: Volume4D, minima: Minima
) -> Encroachment | None:
    """Return how two volumes conflict that are within the minima in time and altitude."""
    x, y = _in_order(first, second)
    vertices = max(len(x.sky.at), len(y.sky.at))
    rows = seen(np.zeros((WORK_SHARES * max(4, vertices), WORK_COLUMNS)))
    one, other = search.shape_of(x.sky, 0), search.shape_of(y.sky, 0)
    limit_m = float(minima.horizontal_m)
    judged = outlines.verdict(one, other, limit_m, rows)
    if judged == outlines.APART:
        return None
    found = outlines.measure(one, other, limit_m, rows)
    apart_m = found.apart_m
    if judged == outlines.UNSURE or _is_rough(one, other, found):
        apart_m = geodesy.separation_m(x.outline, y.outline, beyond_m=limit_m)
        if judged == outlines.UNSURE and apart_m > limit_m:
            return None
    return _described(a, b, min(apart_m, limit_m), minima, point_at(found.p))


def _in_order(a: Prepared, b: Prepared) -> tuple[Prepared, Prepared]:
    """Put two outlines in the order that their values alone decide."""
    return (a, b) if _key(a) <= _key(b) else (b, a)


def _key(prepared: Prepared) -> tuple[int, float, bytes]:
    at = np.asarray(prepared.sky.at)
    return len(at), float(prepared.sky.bounds[0, search.RIM]), at.tobytes()


def _is_rough(a: Shape, b: Shape, found: Nearest) -> bool:
    far_m = found.apart_m + a.rim_m + b.rim_m
    error_m = arc_error_m(far_m) if a.size == b.size == 1 else outlines.separation_error_m(far_m)
    return found.apart_m > 0.0 and error_m > _MEASURED_M


def _described(
    a: Volume4D, b: Volume4D, apart_m: float, minima: Minima, place: LatLng
) -> Encroachment:
    x, y = a.altitude, b.altitude
    vertical_m = max(y.lower_m - x.upper_m, x.lower_m - y.upper_m, 0.0)
    time_s = a.time.gap_to(b.time).total_seconds()
    low_m, high_m = sorted((max(x.lower_m, y.lower_m), min(x.upper_m, y.upper_m)))
    start, end = sorted((max(a.time.start, b.time.start), min(a.time.end, b.time.end)))
    depths = {
        Dimension.HORIZONTAL: _inside(apart_m, minima.horizontal_m),
        Dimension.VERTICAL: _inside(vertical_m, minima.vertical_m),
        Dimension.TIME: _inside(time_s, minima.time.total_seconds()),
    }
    least = min(depths, key=lambda dimension: depths[dimension])
    return Encroachment(
        margin=depths[least],
        least=least,
        separation=Separation(apart_m, vertical_m, time_s),
        time=TimeSpan(start=start, end=end),
        altitude=AltitudeBand(lower_m=low_m, upper_m=high_m),
        place=place,
    )


def _inside(gap: float, minimum: float) -> float:
    return max(0.0, 1.0 - gap / minimum) if minimum else 1.0
