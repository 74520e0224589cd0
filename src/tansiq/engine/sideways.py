"""Plans moved aside: all outlines together, turned about the middle of the earth.

A turn keeps distances on a sphere, whatever the size of the plan and wherever it is; on the
ellipsoid within a few parts in 100,000 of the plan's size for moves of some kilometres. So what is
found with a turned plan is judged once more by its outlines as they are given.
"""

import math
from dataclasses import dataclass, replace
from math import sqrt
from typing import TypeAlias

import numpy as np

from tansiq.domain import geodesy
from tansiq.domain.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M, Vector, ecef, point_at
from tansiq.domain.volume import Circle, LatLng, Outline, Polygon, Volumes
from tansiq.engine import earth, search
from tansiq.engine.compiled import Floats, kernel, seen
from tansiq.engine.outlines import core_m
from tansiq.engine.prepared import Prepared
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
_PER_A2, _PER_B2 = 1.0 / SEMI_MAJOR_M**2, 1.0 / SEMI_MINOR_M**2

Rotation: TypeAlias = tuple[Vector, Vector, Vector]


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

    @property
    def charged_m(self) -> float:
        """The distance that a cost is reckoned by: in tens of metres, so that a way along which
        whole metres were rounded is no cheaper than the others.
        """
        return round(self.distance_m, -1)


def step_m(plan: Prepared, minimum_m: float) -> float:
    """Return the distance that is tried first: 1, 2 or 5 times a power of ten metres.

    The next above the horizontal minimum and the radius of the plan's middling outline: less would
    rarely clear an obstacle of like size, and people can say it.
    """
    radii_m = sorted(np.asarray(plan.sky.bounds)[:, search.AROUND].tolist())
    radius_m = radii_m[len(radii_m) // 2]
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
    rotation, moved = Turns(Prepared.of(*volumes)).rotation(aside), []
    for volume in volumes:
        outline = turned_outline(volume.outline, rotation)
        geodesy.check_outline(outline)
        moved.append(replace(volume, volume=replace(volume.volume, outline=outline)))
    return tuple(moved)


class Turns:
    """Rotations of a plan; each takes its middle volume so far north and east."""

    def __init__(self, plan: Prepared) -> None:
        self._plan = plan
        bounds = np.asarray(plan.sky.bounds)[len(plan.volumes) // 2]
        middle: Vector = tuple(bounds[: search.CENTER_Z + 1].tolist())
        at = point_at(middle)
        lat, lng = math.radians(at.lat_deg), math.radians(at.lng_deg)
        self._foot = ecef(at)
        self._north = (
            -math.sin(lat) * math.cos(lng),
            -math.sin(lat) * math.sin(lng),
            math.cos(lat),
        )
        self._east = (-math.sin(lng), math.cos(lng), 0.0)

    def rotation(self, aside: Aside) -> Rotation:
        """Return the rotation for one way. Source: Rodrigues' formula."""
        fx, fy, fz = self._foot
        wx, wy, wz = (
            aside.north_m * n + aside.east_m * e
            for n, e in zip(self._north, self._east, strict=True)
        )
        x, y, z = fy * wz - fz * wy, fz * wx - fx * wz, fx * wy - fy * wx
        long = math.hypot(x, y, z)
        x, y, z = x / long, y / long, z / long
        angle = aside.distance_m / math.hypot(fx, fy, fz)
        s, c = math.sin(angle), math.cos(angle)
        v = 2 * math.sin(angle / 2) ** 2  # 1 - c, without losing digits.
        return (
            (c + x * x * v, x * y * v - z * s, x * z * v + y * s),
            (y * x * v + z * s, c + y * y * v, y * z * v - x * s),
            (z * x * v - y * s, z * y * v + x * s, c + z * z * v),
        )

    def sky(self, rotation: Rotation) -> Sky:
        """Return the plan's volumes as kernels take them, after a turn."""
        times, bounds, at = self._plan.sky
        turned = Sky(times, seen(np.array(bounds)), seen(np.empty((len(at), 3))))
        turn_sky(self._plan.sky, seen(np.array(rotation)), turned)
        return turned


@kernel
def turn_sky(own: Sky, rotation: Floats, turned: Sky) -> None:
    """Write places after a turn, and the balls around and in them."""
    r = rotation
    for k in range(own.at.shape[0]):
        p, q, h = own.at[k, 0], own.at[k, 1], own.at[k, 2]
        x = r[0, 0] * p + r[0, 1] * q + r[0, 2] * h
        y = r[1, 0] * p + r[1, 1] * q + r[1, 2] * h
        z = r[2, 0] * p + r[2, 1] * q + r[2, 2] * h
        # Back to the surface along the ray through it, as ``point_at`` does.
        out = sqrt((x * x + y * y) * _PER_A2 + z * z * _PER_B2)
        turned.at[k, 0], turned.at[k, 1], turned.at[k, 2] = x / out, y / out, z / out
    for i in range(own.times.shape[0]):
        first, count = own.times[i, search.VERTEX], own.times[i, search.VERTICES]
        if count == 1:
            a, radius_m = turned.at, own.bounds[i, search.AROUND]
            center = earth.Vector(a[first, 0], a[first, 1], a[first, 2])
        else:
            center, radius_m = earth.enclose(turned.at, first, count)
        b = turned.bounds
        b[i, search.CENTER_X], b[i, search.CENTER_Y] = center.x, center.y
        b[i, search.CENTER_Z], b[i, search.AROUND] = center.z, radius_m
        if count > 1:
            b[i, search.CORE] = core_m(search.shape_of(turned, i))


def turned_outline(outline: Outline, rotation: Rotation) -> Outline:
    """Return an outline after a turn; a circle keeps its radius."""
    (a, b, c), (d, e, f), (g, h, i) = rotation

    def turned(point: LatLng) -> LatLng:
        x, y, z = ecef(point)
        return point_at((a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z))

    if isinstance(outline, Circle):
        return Circle(center=turned(outline.center), radius_m=outline.radius_m)
    return Polygon(vertices=tuple(turned(vertex) for vertex in outline.vertices))
