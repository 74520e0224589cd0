"""Kernels made ready before somebody waits for them: a service calls it when it starts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np

from tansiq.domain.agreement import Minima
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Outline, Polygon, Volume3D, Volume4D
from tansiq.domain.well_clear import Thresholds
from tansiq.engine.batch import Batch
from tansiq.engine.compiled import COMPILED, seen
from tansiq.engine.encounters import NO_GROUP, Fleet, find
from tansiq.engine.index import AirspaceIndex, Prepared
from tansiq.engine.judgement import conflict_between, conflicts
from tansiq.engine.proposals import Bounds, Layer
from tansiq.engine.resolution import resolve
from tansiq.engine.vicinity import crowded

_SOMETIME = datetime(2026, 1, 1, tzinfo=UTC)


@cache
def warm() -> None:
    """Run every kernel once, so that it is compiled, or read from disk; where kernels are plain
    Python there is nothing to do.

    About half a minute of CPU after an installation, half a second from then on. May run in a
    thread of its own.
    """
    if not COMPILED:
        return
    place, minima = LatLng(45.0, 7.0), Minima(horizontal_m=100.0)
    box = Polygon(vertices=(place, LatLng(45.01, 7.0), LatLng(45.0, 7.01)))
    band = AltitudeBand(lower_m=0.0, upper_m=100.0)
    span = TimeSpan(start=_SOMETIME, end=_SOMETIME + timedelta(minutes=1))
    first = Volume4D(volume=Volume3D(outline=box, altitude=band), time=span)
    outlines: list[Outline] = [box]
    # So many, and so far apart, that the grid grows; some together, so that a cell does.
    outlines += [
        Circle(center=LatLng(0.2 * (k // 2) - 44.0, 7.0), radius_m=100.0) for k in range(400)
    ]
    volumes = [replace(first, volume=replace(first.volume, outline=o)) for o in outlines]
    second = volumes[-1]
    index = AirspaceIndex(outlines.__getitem__)
    index.extend(Batch.of([*volumes, first]))
    index.candidates(Prepared.of(first), minima)
    index.conflicts(Prepared.of(second), minima)
    next(index.pairs(minima))
    for entity in (0, 1, 2):
        index.remove(entity)
    index.insert(second)
    a, b = Prepared.of(first), Prepared.of(second)
    conflict_between(a, b, minima)
    conflicts(a, b, minima)
    minute = timedelta(minutes=1)
    bounds = Bounds(
        earliest=_SOMETIME,
        later_max=minute,
        step_m=100.0,
        levels_m=(0.0, 100.0),
        aside_m_max=1_000.0,
    )
    resolve(a, [Layer(index, minima)], bounds)
    _warm_encounters()


def _warm_encounters() -> None:
    """Look once at two aircraft that meet: the watch's first look holds up the whole node."""
    still, level = np.zeros(2), np.full(2, 1_000.0)
    fleet = Fleet(
        lat_deg=np.array([45.0, 45.001]),
        lng_deg=np.full(2, 7.0),
        geometric_m=level,
        geometric_error_m=still,
        pressure_m=np.full(2, np.nan),
        east_mps=np.array([100.0, -100.0]),
        north_mps=still,
        climb_mps=still,
        horizontal_error_m=np.full(2, 10.0),
        group=np.full(2, NO_GROUP),
    )
    find(fleet, [Thresholds(dthr_m=1_000.0, zthr_m=300.0).within(60.0)], pairs_max=8)
    crowded(seen(np.zeros(2, np.int64)))  # Asked of larger fleets only.
