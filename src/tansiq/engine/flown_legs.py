"""What two recorded tracks do together: legs on which one moves straight as seen from the other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.encounter import HORIZONTAL_ERROR_M, VERTICAL_ERROR_M, Drift, Vertical, Within
from tansiq.engine.flown import EARTH_M, PER_AXIS, SLOT_S, Floats, Stretch, along

_VERTICALS: Final = (Vertical.PRESSURE, Vertical.HEIGHT, Vertical.MIXED)
_MIXED_M: Final = 50.0
"""Errors beyond are those of the weather."""


@dataclass(frozen=True, slots=True)
class Legs:
    """What two tracks do together from node to node: ends of legs, as seen from the first."""

    time_s: Floats
    level: Floats
    """``(n, 2, 2)``: start and end of each leg, two level axes."""
    up: Floats
    """``(n, 2)``."""
    unsure: Floats
    by: NDArray[np.int8]
    """Which of ``_VERTICALS``."""

    def drift(self, k: int) -> Drift:
        """Return one leg."""
        return Drift(
            float(self.time_s[k + 1] - self.time_s[k]),
            (float(self.level[k, 0, 0]), float(self.level[k, 1, 0])),
            (float(self.level[k, 0, 1]), float(self.level[k, 1, 1])),
            (float(self.up[k, 0]), float(self.up[k, 1])),
            (float(self.unsure[k, 0]), float(self.unsure[k, 1])),
        )

    def vertical(self, k: int) -> Vertical:
        """Return what the vertical separations of a leg were taken from."""
        return _VERTICALS[self.by[k]]


def spans(one: Stretch, other: Stretch, slots: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Yield the times that both flew in some slots, joined where these follow each other."""
    from_s = max(one.time_s[0], other.time_s[0])
    upto_s = min(one.time_s[-1], other.time_s[-1])
    for first, last in _runs(slots):
        start_s = max(from_s, first * SLOT_S)
        end_s = min(upto_s, (last + 1) * SLOT_S)
        if start_s <= end_s:
            yield float(start_s), float(end_s)


def _runs(slots: Sequence[int]) -> Iterator[tuple[int, int]]:
    first = last = slots[0]
    for slot in slots[1:]:
        if slot != last + 1:
            yield first, last
            first = slot
        last = slot
    yield first, last


def legs(one: Stretch, other: Stretch, start_s: float, end_s: float) -> Legs:
    """Return the legs of two tracks together; one of no length where they share a moment only."""
    time_s = np.union1d(_between(one, start_s, end_s), _between(other, start_s, end_s))
    time_s = np.union1d(time_s, [start_s, end_s])
    if len(time_s) == 1:
        time_s = np.repeat(time_s, 2)
    p, q = places(one, time_s), places(other, time_s)
    level = _level(p, q)
    up, unsure, vertical = _up(one, other, time_s)
    return Legs(time_s, level, up, unsure, vertical)


def _between(stretch: Stretch, start_s: float, end_s: float) -> Floats:
    first, last = np.searchsorted(stretch.time_s, [start_s, end_s])
    return stretch.time_s[first:last]


def places(stretch: Stretch, time_s: Floats) -> Floats:
    if len(stretch.time_s) == 1:
        return np.repeat(stretch.place, len(time_s), axis=0)
    k = np.clip(np.searchsorted(stretch.time_s, time_s) - 1, 0, len(stretch.time_s) - 2)
    share = (time_s - stretch.time_s[k]) / (stretch.time_s[k + 1] - stretch.time_s[k])
    return along(stretch.place[k], stretch.place[k + 1], share)


def _level(p: Floats, q: Floats) -> Floats:
    """Return where q is as seen from p, metres along the ellipsoid, on two axes of each leg."""
    apart = q - p
    chord_m = np.sqrt(np.sum(apart * apart, axis=1))
    # The geodesic over a chord, by the mean radius: 3 mm in 100 km from that of the true one.
    arc_m = chord_m * (1.0 + (chord_m / EARTH_M) ** 2 / 24.0)
    middle = (p[:-1] + p[1:] + q[:-1] + q[1:]) * PER_AXIS
    normal = middle / np.sqrt(np.sum(middle * middle, axis=1))[:, None]
    # Any two level axes will do, as long as they are those of the whole leg.
    aside = np.where(
        np.abs(normal[:, 2:3]) < 0.9, np.array([[0.0, 0.0, 1.0]]), np.array([[1.0, 0.0, 0.0]])
    )
    first = np.cross(aside, normal)
    first /= np.sqrt(np.sum(first * first, axis=1))[:, None]
    second = np.cross(normal, first)
    ends = []
    for side in (slice(None, -1), slice(1, None)):
        flat = np.stack(
            [np.sum(apart[side] * first, axis=1), np.sum(apart[side] * second, axis=1)], axis=1
        )
        length_m = np.sqrt(np.sum(flat * flat, axis=1))
        # Tilted against the plane by half of the distance: the length is that of the geodesic.
        scale = np.divide(arc_m[side], length_m, out=np.ones_like(length_m), where=length_m > 0.0)
        ends.append(flat * scale[:, None])
    return np.stack(ends, axis=1)


def _up(one: Stretch, other: Stretch, time_s: Floats) -> tuple[Floats, Floats, NDArray[np.int8]]:
    """Return how much higher the other is, how unsure that is, and by what, of each leg."""
    pressure = np.interp(time_s, other.time_s, other.pressure_m) - np.interp(
        time_s, one.time_s, one.pressure_m
    )
    up = np.stack([pressure[:-1], pressure[1:]], axis=1)
    unsure = np.zeros_like(up)
    vertical = np.zeros(len(up), dtype=np.int8)
    missing = np.isnan(up).any(axis=1)
    if missing.any():
        (low, low_error), (high, high_error) = (
            [np.interp(time_s, s.time_s, known) for known in s.heights()] for s in (one, other)
        )
        height, error = high - low, low_error + high_error
        up[missing] = np.stack([height[:-1], height[1:]], axis=1)[missing]
        unsure[missing] = np.stack([error[:-1], error[1:]], axis=1)[missing]
        mixed = np.maximum(error[:-1], error[1:]) > _MIXED_M
        vertical[missing] = np.where(mixed[missing], 2, 1)
    return up, unsure, vertical


def may_be(legs: Legs, within: Within) -> NDArray[np.bool_]:
    """Return which legs come within the thresholds, at least by their nearest on each axis."""
    start, step = legs.level[:, 0], legs.level[:, 1] - legs.level[:, 0]
    squared = np.sum(step * step, axis=1)
    at = np.divide(
        -np.sum(start * step, axis=1), squared, out=np.zeros_like(squared), where=squared > 0.0
    )
    nearest = start + np.clip(at, 0.0, 1.0)[:, None] * step
    apart_m = np.sqrt(np.sum(nearest * nearest, axis=1))
    least = np.maximum(
        np.minimum(legs.up[:, 0] - legs.unsure[:, 0], legs.up[:, 1] - legs.unsure[:, 1]),
        np.minimum(-legs.up[:, 0] - legs.unsure[:, 0], -legs.up[:, 1] - legs.unsure[:, 1]),
    )
    level = apart_m <= within.horizontal_m + 2.0 * HORIZONTAL_ERROR_M
    found: NDArray[np.bool_] = level & (least <= within.vertical_m + 2.0 * VERTICAL_ERROR_M)
    return found
