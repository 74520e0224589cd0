"""Random fleets, everywhere and awkward, and the plain opinion on which of them meet.

The opinion looks at every pair with ``domain/well_clear.py`` in a tangent plane of its own, built
from the definition's vectors (``domain/ellipsoid.py``); it shares no kernel.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from tansiq.domain import ellipsoid
from tansiq.domain.ellipsoid import Vector
from tansiq.domain.volume import LatLng
from tansiq.domain.well_clear import (
    EN_ROUTE,
    NON_COOPERATIVE,
    Relative,
    Rule,
    Span,
    Thresholds,
    violation,
)
from tansiq.engine.encounters import NO_GROUP, Fleet
from tansiq.engine.passing import PRESSURE_ALLOWANCE_M

GEOD = Geod(ellps="WGS84")
RULES = (
    EN_ROUTE.within(55.0),
    EN_ROUTE.within(25.0),
    NON_COOPERATIVE.within(110.0),
    Thresholds(dthr_m=5 * 1_852.0, zthr_m=304.8).within(120.0),
    Thresholds(dthr_m=200.0, zthr_m=50.0, tcoa_s=20.0).within(60.0),
)
SMALL = (
    Thresholds(dthr_m=60.0, zthr_m=20.0).within(60.0),
    Thresholds(dthr_m=60.0, zthr_m=20.0, tthr_s=20.0, tcoa_s=5.0).within(30.0),
)
KINDS = (
    "manned",
    "drones",
    "mixed",
    "north pole",
    "south pole",
    "180th meridian",
    "one place",
    "stacked",
    "flock",
    "far apart",
    "fast",
)


def fleet(kind: str, count: int, seed: int) -> Fleet:
    """Return aircraft of a kind; some without pressure, some without height, some in a group."""
    random = np.random.default_rng([seed, KINDS.index(kind)])
    lat, lng = _places(kind, count, random)
    slow, fast = {"drones": (0.0, 25.0), "fast": (500.0, 2_000.0)}.get(kind, (50.0, 280.0))
    speed = random.uniform(slow, fast, count)
    if kind == "mixed":
        speed = np.where(random.random(count) < 0.6, random.uniform(0.0, 20.0, count), speed)
    track = random.uniform(0.0, 2.0 * np.pi, count)
    if kind == "flock":
        speed, track = np.full(count, 120.0), np.full(count, 0.7)
    height = random.uniform(0.0, 120.0 if kind == "drones" else 4_000.0, count)
    if kind == "stacked":
        height = 151.7 * np.arange(count)
    pressure = height + random.normal(0.0, 40.0, count)
    pressure[random.random(count) < 0.3] = np.nan
    height[random.random(count) < 0.03] = np.nan
    return Fleet(
        lat_deg=lat,
        lng_deg=lng,
        geometric_m=height,
        geometric_error_m=random.choice([0.0, 5.0, 200.0], count),
        pressure_m=pressure,
        east_mps=speed * np.sin(track),
        north_mps=speed * np.cos(track),
        climb_mps=np.where(random.random(count) < 0.5, 0.0, random.uniform(-15.0, 15.0, count)),
        horizontal_error_m=random.choice([0.0, 10.0, 300.0], count, p=[0.5, 0.4, 0.1]),
        group=random.choice([NO_GROUP, 0, 3], count, p=[0.8, 0.1, 0.1]).astype(np.int64),
    )


def _places(
    kind: str, count: int, random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    side_m = {"drones": 6_000.0, "fast": 3e5, "far apart": 2e7}.get(kind, 150_000.0)
    east, north = random.uniform(-0.5, 0.5, (2, count)) * side_m
    if kind in ("north pole", "south pole"):
        lat = 90.0 - np.hypot(east, north) / 111_300.0
        lng = np.degrees(np.arctan2(north, east))
        lat[:3] = 90.0
        return (lat if kind == "north pole" else -lat), lng
    lat_deg, lng_deg = random.uniform(-60.0, 60.0), random.uniform(-180.0, 180.0)
    if kind == "180th meridian":
        lng_deg = 180.0
    if kind in ("one place", "stacked"):
        return np.full(count, lat_deg), np.full(count, lng_deg)
    lat = np.clip(lat_deg + north / 111_300.0, -90.0, 90.0)
    lng = lng_deg + east / 111_300.0 / math.cos(math.radians(lat_deg))
    return lat, (lng + 180.0) % 360.0 - 180.0


def two(**changes: float) -> Fleet:
    """Return two aircraft over each other that keep their places; changes are of the second."""
    alike = {
        "lat_deg": 45.0,
        "lng_deg": 7.0,
        "geometric_m": 1_000.0,
        "geometric_error_m": 0.0,
        "pressure_m": 1_000.0,
        "east_mps": 0.0,
        "north_mps": 0.0,
        "climb_mps": 0.0,
        "horizontal_error_m": 0.0,
        "group": NO_GROUP,
    }
    both = {name: np.array([value, changes.get(name, value)]) for name, value in alike.items()}
    both["group"] = both["group"].astype(np.int64)
    return Fleet(**both)


def north_of(held: Fleet, away_m: float) -> Fleet:
    lng, lat, _ = GEOD.fwd(7.0, 45.0, 0.0, away_m)
    return held._replace(lat_deg=np.array([45.0, lat]), lng_deg=np.array([7.0, lng]))


# The plain opinion


class Between(NamedTuple):
    """Two aircraft in a plane of the definition's."""

    relative: Relative
    horizontal_m: float
    """Error of both positions."""
    vertical_m: float
    chord_m: float


def between(held: Fleet, i: int, j: int) -> Between:
    at = [ellipsoid.ecef(LatLng(float(held.lat_deg[k]), float(held.lng_deg[k]))) for k in (i, j)]
    ways = [_velocity(held, k) for k in (i, j)]
    normal = ellipsoid.up(tuple(a + b for a, b in zip(*at, strict=True)))  # type: ignore[arg-type]
    first, second = ellipsoid.plane(normal)
    apart = [a - b for a, b in zip(*at, strict=True)]
    faster = [a - b for a, b in zip(*ways, strict=True)]
    up_m = float(held.pressure_m[i] - held.pressure_m[j])
    vertical_m = PRESSURE_ALLOWANCE_M
    if math.isnan(up_m):
        up_m = float(held.geometric_m[i] - held.geometric_m[j])
        vertical_m = float(held.geometric_error_m[i] + held.geometric_error_m[j])
    if math.isnan(up_m):
        up_m, vertical_m = 0.0, 1e12
    relative = Relative(
        east_m=_dot(apart, first),
        north_m=_dot(apart, second),
        up_m=up_m,
        east_mps=_dot(faster, first),
        north_mps=_dot(faster, second),
        up_mps=float(held.climb_mps[i] - held.climb_mps[j]),
    )
    error_m = float(held.horizontal_error_m[i] + held.horizontal_error_m[j])
    return Between(relative, error_m, vertical_m, math.dist(*at))


def _velocity(held: Fleet, k: int) -> Vector:
    lat, lng = math.radians(held.lat_deg[k]), math.radians(held.lng_deg[k])
    east, north = float(held.east_mps[k]), float(held.north_mps[k])
    return (
        -math.sin(lng) * east - math.sin(lat) * math.cos(lng) * north,
        math.cos(lng) * east - math.sin(lat) * math.sin(lng) * north,
        math.cos(lat) * north,
    )


def _dot(a: Sequence[float], b: Sequence[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def plane_error_m(held: Fleet, i: int, j: int, chord_m: float, lookahead_s: float) -> float:
    """Return what the plane can be off by, as ``passing`` states it."""
    ways_m = [math.hypot(held.east_mps[k], held.north_mps[k]) * lookahead_s for k in (i, j)]
    squares = ways_m[0] ** 2 + ways_m[1] ** 2
    bent_m = 0.505 * ellipsoid.CURVATURE_MAX**2 * (chord_m / 2 + max(ways_m)) * squares
    return bent_m + 500.0 / ellipsoid.SEMI_MINOR_M * chord_m


def foreseen(held: Fleet, i: int, j: int, rule: Rule, more_m: float = 0.0) -> Span | None:
    """Return the span of a pair by the plain opinion, with errors larger by ``more_m``."""
    seen = between(held, i, j)
    if seen.chord_m > 5e6:
        return None
    bent_m = plane_error_m(held, i, j, seen.chord_m, rule.lookahead_s)
    return violation(
        seen.relative,
        rule,
        horizontal_error_m=max(0.0, seen.horizontal_m + bent_m + more_m),
        vertical_error_m=seen.vertical_m + more_m,
    )
