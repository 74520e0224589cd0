"""Generated airspaces for benches: circles and star polygons, as columns, from a seed."""

from dataclasses import dataclass

import numpy as np
from pyproj import Proj

from tansiq.domain.time import TimeSpan, from_micros
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Polygon, Volume3D, Volume4D
from tansiq.engine.batch import Batch
from tansiq.engine.compiled import Floats, Ints

ORIGIN = (45.0, 7.0)
START_US = 1_780_300_800_000_000  # 2026-06-01T08:00Z.
MINUTE_US = 60_000_000


@dataclass(frozen=True)
class Airspace:
    """Volumes in metres east and north of the origin, and the same as the engine takes them."""

    centers: Floats
    """(n, 2) east, north."""
    shapes: list[Floats | None]
    """Corners (k, 2); None for a circle."""
    batch: Batch

    firsts: Ints
    """Of each volume's points in the batch."""
    given: tuple[Volume4D, ...] = ()
    """What it was made of, if not generated."""

    def single(self, row: int) -> Batch:
        """Return one volume as a batch."""
        batch, first = self.batch, self.firsts[row]
        return Batch(
            points=batch.points[first : first + batch.counts[row]],
            counts=batch.counts[row : row + 1],
            radii=batch.radii[row : row + 1],
            levels=batch.levels[row : row + 1],
            spans=batch.spans[row : row + 1],
        )

    def volume(self, row: int) -> Volume4D:
        """Return one volume as a value."""
        if self.given:
            return self.given[row]
        batch, first = self.batch, self.firsts[row]
        places = batch.points[first : first + batch.counts[row]].tolist()
        points = tuple(LatLng(lat, lng) for lat, lng in places)
        radius_m = float(batch.radii[row])
        low_m, high_m = batch.levels[row].tolist()
        start, end = (from_micros(us) for us in batch.spans[row].tolist())
        return Volume4D(
            volume=Volume3D(
                outline=Circle(center=points[0], radius_m=radius_m)
                if radius_m
                else Polygon(vertices=points),
                altitude=AltitudeBand(lower_m=low_m, upper_m=high_m),
            ),
            time=TimeSpan(start=start, end=end),
        )


def make(kind: str, count: int, seed: int = 5) -> Airspace:
    """Return ``count`` volumes of a kind.

    *wide*: 500 x 500 km, 24 h, 0.5 to 5 km across, 5 to 20 min. *city*: 30 x 30 km, 4 h, 0.1 to 1.5
    km, 3 to 20 min. *metro*: as city, over 60 x 60 km and 12 h. *mixed*: wide, and of each thousand
    one of 100 to 300 km, and one of days to months. *octagons*: wide, all of eight corners. All in
    ten levels of 50 m; three of ten are circles, a third of the polygons is long.
    """
    random = np.random.default_rng(seed)
    dense = kind in ("city", "metro")
    side_m, hours = {"city": (30_000.0, 4), "metro": (60_000.0, 12)}.get(kind, (500_000.0, 24))
    sizes = (100.0, 1_500.0) if dense else (500.0, 5_000.0)
    minutes = (3, 20) if dense else (5, 20)
    centers = random.uniform(-side_m / 2, side_m / 2, (count, 2))
    radii = random.uniform(*sizes, count) / 2
    starts = START_US + random.integers(0, hours * 60 * MINUTE_US, count)
    lasting = random.integers(minutes[0] * MINUTE_US, minutes[1] * MINUTE_US, count)
    if kind == "mixed":
        large = random.random(count) < 0.001
        radii = np.where(large, random.uniform(50_000.0, 150_000.0, count), radii)
        long = random.random(count) < 0.001
        lasting = np.where(long, random.integers(3, 90, count) * 1440 * MINUTE_US, lasting)
    floors = 50.0 * random.integers(0, 10, count)
    round_ones = random.random(count) < 0.3
    corners = random.integers(4, 13, count)
    if kind == "octagons":
        round_ones[:], corners[:] = False, 8
    stretched = np.where(random.random(count) < 1 / 3, random.uniform(0.1, 0.4, count), 1.0)
    shapes: list[Floats | None] = []
    for i in range(count):
        if round_ones[i]:
            shapes.append(None)
            continue
        turns = (np.arange(corners[i]) + random.random()) * (2 * np.pi / corners[i])
        out = radii[i] * random.uniform(0.5, 1.0, corners[i])
        along, across = out * np.cos(turns), out * np.sin(turns) * stretched[i]
        way = random.random() * 2 * np.pi
        shapes.append(
            centers[i]
            + np.stack(
                [
                    along * np.cos(way) - across * np.sin(way),
                    along * np.sin(way) + across * np.cos(way),
                ],
                axis=1,
            )
        )
    spans = np.stack([starts, starts + lasting], axis=1)
    levels = np.stack([floors, floors + 50.0], axis=1)
    radii = np.where(round_ones, radii, 0.0)
    batch = _batch(centers, shapes, radii, levels, spans)
    return Airspace(centers, shapes, batch, np.cumsum(batch.counts) - batch.counts)


def _batch(
    centers: Floats, shapes: list[Floats | None], radii: Floats, levels: Floats, spans: Ints
) -> Batch:
    flat = np.concatenate([centers[i : i + 1] if s is None else s for i, s in enumerate(shapes)])
    return Batch(
        points=_degrees(flat),
        counts=np.array([1 if s is None else len(s) for s in shapes], np.int64),
        radii=radii,
        levels=levels,
        spans=spans,
    )


def _degrees(flat: Floats) -> Floats:
    """Return places of the plane as latitude and longitude (azimuthal equidistant).

    On the ellipsoid: a sphere's plane would be off by more than the corners of a circle are.
    """
    plane = Proj(proj="aeqd", lat_0=ORIGIN[0], lon_0=ORIGIN[1], ellps="WGS84")
    lng_deg, lat_deg = plane(flat[:, 0], flat[:, 1], inverse=True)
    return np.stack([lat_deg, lng_deg], axis=1)
