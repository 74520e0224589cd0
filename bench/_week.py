"""The week of recorded firefighting flights as volumes: obtained by name, never shipped."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from pyproj import Proj

from _airspaces import Airspace
from tansiq.demo import calfire
from tansiq.demo.scenario import BUFFERS, WEST
from tansiq.domain.volume import Volume4D
from tansiq.engine.batch import Batch
from tansiq.formats.track import volumes_from_track

CACHE = Path(".cache/demo")
LATE = timedelta(minutes=7)


def week() -> Airspace | None:
    """Return the volumes of all flights, made as the demo makes them; None if not obtainable."""
    try:
        wheel = calfire.obtain(CACHE, lambda text: print(text, file=sys.stderr))
    except calfire.NotObtainable as error:
        print(f"no recorded flights: {error}", file=sys.stderr)
        return None
    flights = calfire.read_flights(wheel)
    return _airspace([v for f in flights for v in volumes_from_track(f.points, BUFFERS).volumes])


def late(sky: Airspace, count: int) -> Airspace:
    """Return some of the volumes, a little later: plans that are new to the others."""
    some = sky.given[:: max(1, len(sky.given) // count)][:count]
    return _airspace([replace(v, time=v.time.shifted(LATE)) for v in some])


def _airspace(volumes: Sequence[Volume4D]) -> Airspace:
    """Return volumes also in a plane, azimuthal equidistant around the demo's area."""
    batch = Batch.of(volumes)
    center = WEST.center
    plane = Proj(proj="aeqd", lat_0=center.lat_deg, lon_0=center.lng_deg, ellps="WGS84")
    flat = np.stack(plane(batch.points[:, 1], batch.points[:, 0]), axis=1)
    firsts = np.cumsum(batch.counts) - batch.counts
    shapes = [
        None if radius_m else flat[first : first + count]
        for first, count, radius_m in zip(firsts, batch.counts, batch.radii, strict=True)
    ]
    return Airspace(flat[firsts], shapes, batch, firsts, tuple(volumes))
