"""Plans moved aside: all outlines together, turned about the middle of the earth.

A turn keeps distances on a sphere, whatever the size of the plan and wherever it is; on the
ellipsoid within a few parts in 100,000 of the plan's size for moves of some kilometres. So what is
found with a turned plan is judged once more by its outlines as they are given.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from tansiq.domain import geodesy
from tansiq.domain.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M, Vector, ecef, point_at
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon, Volumes
from tansiq.engine import search
from tansiq.engine.compiled import Floats, seen, seen_columns
from tansiq.engine.grid import ENTRY
from tansiq.engine.index import Prepared
from tansiq.engine.search import Sky

STEP_M_MIN = 100.0
_MULTIPLES = (1, 2, 4)
_HALF = math.sqrt(0.5)
_COMPASS = (
    (1.0, 0.0),
    (_HALF, _HALF),
    (0.0, 1.0),
    (-_HALF, _HALF),
    (-1.0, 0.0),
    (-_HALF, -_HALF),
    (0.0, -1.0),
    (_HALF, -_HALF),
)
"""North and east, clockwise from north: of equally good ones the first is taken."""
_SQUARES = np.array([SEMI_MAJOR_M**2, SEMI_MAJOR_M**2, SEMI_MINOR_M**2])


@dataclass(frozen=True, slots=True)
class Aside:
    """One way aside, as seen from the middle of the plan."""

    north_m: float
    east_m: float
    distance_m: float

    @classmethod
    def of(cls, north_m: float, east_m: float) -> "Aside":
        """Return the way so far north and so far east; negative: south, west."""
        return cls(north_m, east_m, math.hypot(north_m, east_m))


def step_m(plan: Prepared, minimum_m: float) -> float:
    """Return the distance that is tried first: 1, 2 or 5 times a power of ten metres.

    The next above the horizontal minimum and the radius of the plan's middling outline: less would
    rarely clear an obstacle of like size, and people can say it.
    """
    radius_m = float(np.median(np.asarray(plan.sky.bounds)[:, search.AROUND]))
    wanted_m = max(STEP_M_MIN, minimum_m, radius_m)
    tens = 10.0 ** math.floor(math.log10(wanted_m))
    return next(k * tens for k in (1.0, 2.0, 5.0, 10.0, 20.0) if k * tens >= wanted_m)


def ways(step_m: float, farthest_m: float) -> tuple[Aside, ...]:
    """Return what is tried: eight directions, 1, 2 and 4 steps, the nearest first."""
    return tuple(
        # Whole metres: people type them.
        Aside.of(float(round(north * k * step_m)), float(round(east * k * step_m)))
        for k in _MULTIPLES
        if k * step_m <= farthest_m
        for north, east in _COMPASS
    )


def moved_aside(volumes: Volumes, aside: Aside) -> Volumes:
    """Return the volumes of a plan after a move aside, as a proposal gives them.

    Raises:
        InvalidVolume, TooLarge: an outline is none any more where it would lie.
    """
    rotation, moved = turn(Prepared.of(*volumes), aside), []
    for volume in volumes:
        outline = turned_outline(volume.outline, rotation)
        geodesy.check_outline(outline)
        moved.append(replace(volume, volume=replace(volume.volume, outline=outline)))
    return tuple(moved)


def turn(plan: Prepared, aside: Aside) -> Floats:
    """Return the rotation (3, 3) that takes the plan's middle volume that far."""
    middle = np.asarray(plan.sky.bounds)[len(plan.volumes) // 2, : search.CENTER_Z + 1]
    at = point_at(tuple(middle.tolist()))
    lat, lng = math.radians(at.lat_deg), math.radians(at.lng_deg)
    north = (-math.sin(lat) * math.cos(lng), -math.sin(lat) * math.sin(lng), math.cos(lat))
    east = (-math.sin(lng), math.cos(lng), 0.0)
    way = aside.north_m * np.array(north) + aside.east_m * np.array(east)
    foot = np.array(ecef(at))
    axis = np.cross(foot, way)
    x, y, z = axis / math.hypot(*axis)
    angle = aside.distance_m / math.hypot(*foot)
    across = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    # Source: Rodrigues' rotation formula.
    turned: Floats = np.eye(3) + math.sin(angle) * across + (1 - math.cos(angle)) * across @ across
    return turned


def turned_sky(plan: Prepared, rotation: Floats) -> Sky:
    """Return the plan's volumes as kernels take them, after a turn."""
    times, bounds = np.asarray(plan.sky.times), np.asarray(plan.sky.bounds).copy()
    at = np.asarray(plan.sky.at) @ rotation.T
    # Back to the surface along the ray through it, as ``point_at`` does.
    at /= np.sqrt((at * at / _SQUARES).sum(axis=1, keepdims=True))
    sky = Sky(seen(times), seen(bounds), seen(np.ascontiguousarray(at)))
    radii = np.ascontiguousarray(bounds[:, search.RIM])
    levels = np.ascontiguousarray(bounds[:, search.LOW : search.HIGH + 1])
    unused = np.zeros((ENTRY, len(times)), np.int32)
    search.stage(sky, seen(np.arange(len(times))), seen(radii), seen(levels), seen_columns(unused))
    return sky


def turned_outline(outline: Outline, rotation: Floats) -> Outline:
    """Return an outline after a turn; a circle keeps its radius."""

    def turned(point: LatLng) -> LatLng:
        x, y, z = (rotation @ ecef(point)).tolist()
        vector: Vector = (x, y, z)
        return point_at(vector)

    if isinstance(outline, Circle):
        return Circle(center=turned(outline.center), radius_m=outline.radius_m)
    return Polygon(vertices=tuple(turned(vertex) for vertex in outline.vertices))
