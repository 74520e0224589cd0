"""Strategic conflict: do two plans come within the minima, how, and which of them yields.

Two volumes conflict when the gap in time, the gap in altitude and the separation of the outlines
are each at most the minimum. Bounds are closed: touching is a conflict. Time is exact to the
microsecond and altitudes without a minimum are compared exactly; where a gap is computed and held
against a minimum, it is rounded towards conflict by ``ALTITUDE_RESOLUTION_M``. Horizontal bounds
are those of ``geodesy.separation_m``. Nothing depends on the order of the two.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from tansiq.domain import geodesy
from tansiq.domain.agreement import Minima, MinimaTable
from tansiq.domain.intent import OperationalIntent
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, LatLng, Volume4D, Volumes

ALTITUDE_RESOLUTION_M = 1e-9
_ZERO = timedelta(0)


@dataclass(frozen=True, slots=True)
class Separation:
    """How far apart two volumes are in each dimension; zero is overlap."""

    horizontal_m: float
    vertical_m: float
    time_s: float


class Dimension(StrEnum):
    """One of the three in which a separation is kept."""

    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """The pair of volumes, of two plans, that is deepest within the minima.

    ``time`` and ``altitude`` are what the two share or, in a dimension where they keep a gap, that
    gap.
    """

    margin: float
    """How deep, as a share of the minima: 1 overlap in all three, 0 exactly at a minimum."""
    least: Dimension
    """In which dimension they are least deep: where it is easiest to clear. Of equals the first."""
    separation: Separation
    pair: tuple[int, int]
    """Indexes of the volumes, in the first plan and in the second."""
    time: TimeSpan
    altitude: AltitudeBand
    place: LatLng | None = None
    """Where it is worst: a point of both outlines, or the middle of the gap between them. The
    engine says it; this definition does not."""


def conflicts(a: Volumes, b: Volumes, minima: Minima) -> bool:
    """Report whether any volume of one comes within the minima of any volume of the other."""
    return any(separation_within_m(a[i], b[j], minima) is not None for i, j in _near(a, b, minima))


def conflict_between(a: Volumes, b: Volumes, minima: Minima) -> Conflict | None:
    """Return the worst conflict of two sets of volumes, or None if they keep the minima.

    The same to the bit when the two change places, apart from the order of ``pair``.
    """
    worst: list[Conflict] = []
    for i, j in _near(a, b, minima):
        # Outlines cost most by far: skip those that even if they overlap are not as bad.
        if worst and rank(described(a[i], b[j], 0.0, minima, pair=(i, j))) > rank(worst[0]):
            continue
        apart_m = separation_within_m(a[i], b[j], minima)
        if apart_m is None:
            continue
        found = described(a[i], b[j], apart_m, minima, pair=(i, j))
        if not worst or rank(found) < rank(worst[0]):
            worst = [found]
        elif rank(found) == rank(worst[0]):
            worst.append(found)
    return worst_of(worst, a, b) if worst else None


def worst_of(found: Iterable[Conflict], a: Volumes, b: Volumes) -> Conflict:
    """Return the worst of the conflicts between two plans' volumes.

    Of equally bad ones the values of the volumes decide, because indexes depend on the order.
    """
    ordered = sorted(found, key=rank)
    equal = [conflict for conflict in ordered if rank(conflict) == rank(ordered[0])]
    if len(equal) == 1:
        return equal[0]
    return min(equal, key=lambda conflict: sorted(_texts(conflict, a, b)))


def rank(conflict: Conflict) -> tuple[float, float, float, float, datetime, float]:
    """Return by what conflicts are ordered, the worst first."""
    apart = conflict.separation
    return (
        -conflict.margin,
        apart.horizontal_m,
        apart.vertical_m,
        apart.time_s,
        conflict.time.start,
        conflict.altitude.lower_m,
    )


def _texts(conflict: Conflict, a: Volumes, b: Volumes) -> tuple[str, str]:
    i, j = conflict.pair
    return repr(a[i]), repr(b[j])


def _near(a: Volumes, b: Volumes, minima: Minima) -> Iterator[tuple[int, int]]:
    """Yield the pairs within the minima in time and altitude, by their indexes, early ones first.

    The order serves speed alone: of equally deep conflicts the earliest is the worst.
    """
    if spans_apart(a, b, minima):
        return
    first = sorted(range(len(b)), key=lambda j: b[j].time.start)
    for i in sorted(range(len(a)), key=lambda i: a[i].time.start):
        for j in first:
            if within_time(a[i], b[j], minima) and within_altitude(a[i], b[j], minima):
                yield i, j


def spans_apart(a: Volumes, b: Volumes, minima: Minima) -> bool:
    """Report whether the two sets of volumes as wholes keep the minimum in time or altitude."""
    if not (a and b):
        return True
    gap = max(
        min(y.time.start for y in b) - max(x.time.end for x in a),
        min(x.time.start for x in a) - max(y.time.end for y in b),
    )
    if gap > minima.time:
        return True
    gap_m = max(
        min(y.volume.altitude.lower_m for y in b) - max(x.volume.altitude.upper_m for x in a),
        min(x.volume.altitude.lower_m for x in a) - max(y.volume.altitude.upper_m for y in b),
    )
    return gap_m > _vertical_limit_m(minima)


def within_time(a: Volume4D, b: Volume4D, minima: Minima) -> bool:
    """Report whether two volumes are at most the minimum apart in time."""
    return b.time.start - a.time.end <= minima.time and a.time.start - b.time.end <= minima.time


def within_altitude(a: Volume4D, b: Volume4D, minima: Minima) -> bool:
    """Report whether two volumes are at most the minimum apart in altitude."""
    x, y, limit_m = a.volume.altitude, b.volume.altitude, _vertical_limit_m(minima)
    return y.lower_m - x.upper_m <= limit_m and x.lower_m - y.upper_m <= limit_m


def separation_within_m(a: Volume4D, b: Volume4D, minima: Minima) -> float | None:
    """Return the separation of two outlines, or None if it exceeds the minimum."""
    limit_m = minima.horizontal_m
    found_m = geodesy.separation_m(a.outline, b.outline, beyond_m=limit_m)
    return found_m if found_m <= limit_m else None


def _vertical_limit_m(minima: Minima) -> float:
    # A difference of two floats has the right sign, so zero needs no allowance.
    return minima.vertical_m + ALTITUDE_RESOLUTION_M if minima.vertical_m else 0.0


def described(
    a: Volume4D,
    b: Volume4D,
    apart_m: float,
    minima: Minima,
    *,
    pair: tuple[int, int],
    place: LatLng | None = None,
) -> Conflict:
    """Return how two volumes conflict whose outlines are ``apart_m`` from each other."""
    x, y = a.altitude, b.altitude
    vertical_m = max(y.lower_m - x.upper_m, x.lower_m - y.upper_m, 0.0)
    time_s = a.time.gap_to(b.time).total_seconds()
    low_m, high_m = sorted((max(x.lower_m, y.lower_m), min(x.upper_m, y.upper_m)))
    start, end = sorted((max(a.time.start, b.time.start), min(a.time.end, b.time.end)))
    depths = (
        (_inside(apart_m, minima.horizontal_m), Dimension.HORIZONTAL),
        (_inside(vertical_m, minima.vertical_m), Dimension.VERTICAL),
        (_inside(time_s, minima.time.total_seconds()), Dimension.TIME),
    )
    margin, least = min(depths, key=lambda depth: depth[0])
    return Conflict(
        margin=margin,
        least=least,
        separation=Separation(apart_m, vertical_m, time_s),
        pair=pair,
        time=TimeSpan(start=start, end=end),
        altitude=AltitudeBand(lower_m=low_m, upper_m=high_m),
        place=place,
    )


def _inside(gap: float, minimum: float) -> float:
    return max(0.0, 1.0 - gap / minimum) if minimum else 1.0


def blocks(planned_priority: int, other_priority: int, *, equal_priority_blocks: bool) -> bool:
    """Report whether a plan must yield to another one of that priority, if they conflict.

    Source: F3548-21 priority rule, as worded in utm.yaml ``Priority``. What equal priority means is
    the regulator's choice, hence the flag.
    """
    if equal_priority_blocks:
        return other_priority >= planned_priority
    return other_priority > planned_priority


def blockers(
    planned: OperationalIntent,
    airspace: Iterable[OperationalIntent],
    table: MinimaTable,
    *,
    equal_priority_blocks: bool,
) -> tuple[OperationalIntent, ...]:
    """Return the intents that forbid ``planned``, highest priority first; of each pair the minima
    of its categories are asked.

    Ties keep the order of ``airspace``, so every node that holds the same airspace gives the same
    answer. Cost is the product of volume counts: callers pass candidates, not the whole sky.
    """
    found = [
        intent
        for intent in airspace
        if intent.id != planned.id  # An update never conflicts with its old self.
        and blocks(planned.priority, intent.priority, equal_priority_blocks=equal_priority_blocks)
        and conflicts(
            planned.all_volumes,
            intent.all_volumes,
            table.between(planned.category, intent.category),
        )
    ]
    return tuple(sorted(found, key=lambda intent: -intent.priority))


def explain(
    conflict: Conflict,
    *,
    name: str,
    minima: Minima,
    altitude: Callable[[AltitudeBand], str] | None = None,
    why: str = "",
) -> str:
    """Say in one sentence what is in the way, where, when and by how much.

    ``altitude`` writes a band in the reader's unit and datum; metres W84 otherwise. ``why`` says
    which minima these are, where there are several.
    """
    return f"blocked by {name}: {how_near(conflict, minima=minima, altitude=altitude, why=why)}"


def how_near(
    conflict: Conflict,
    *,
    minima: Minima,
    altitude: Callable[[AltitudeBand], str] | None = None,
    why: str = "",
) -> str:
    """Say where, when and by how much two plans conflict, whoever of them is in the way."""
    band = (altitude or _w84)(conflict.altitude)
    apart = conflict.separation
    if apart.vertical_m:
        vertical = f"{_metres(apart.vertical_m)} between levels ({band}), minimum "
        vertical += _metres(minima.vertical_m)
    else:
        vertical = f"same block {band}"
    time = _clock(conflict.time)
    if apart.time_s:
        time += f" between them, minimum {_seconds(minima.time.total_seconds())}"
    if apart.horizontal_m:
        inside_m = max(0.0, minima.horizontal_m - apart.horizontal_m)
        horizontal = f"{_metres(inside_m)} inside the {_metres(minima.horizontal_m)} minimum"
    else:
        horizontal = "outlines overlap"
    said = f"; minima {minima_in_words(minima)}: {why}" if why else ""
    return f"{vertical}, {time}, {horizontal}{said}"


def minima_in_words(minima: Minima) -> str:
    """Write all three with their units."""
    return (
        f"{_metres(minima.horizontal_m)}, {_metres(minima.vertical_m)} and "
        f"{_seconds(minima.time.total_seconds())}"
    )


def _w84(band: AltitudeBand) -> str:
    return f"{band.lower_m:,.0f}-{band.upper_m:,.0f} m W84"


def _metres(length_m: float) -> str:
    if length_m >= 1_000.0:
        return f"{length_m / 1000:.1f}".removesuffix(".0") + " km"
    # Small margins keep their digits: "0 m inside" would read as touching.
    return f"{length_m:.0f} m" if length_m >= 10.0 else f"{length_m:.3g} m"


def _seconds(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60.0 else f"{seconds:g} s"


def _clock(span: TimeSpan) -> str:
    """Write a span as times of day; with dates, if it goes past midnight."""
    form = "%H:%M" if span.start.date() == span.end.date() else "%Y-%m-%d %H:%M"
    start, end = span.start.strftime(form), span.end.strftime(form)
    if start == end:  # Shorter than what the form shows.
        start, end = span.start.strftime(form + ":%S"), span.end.strftime(form + ":%S")
    return f"{start}Z-{end}Z"
