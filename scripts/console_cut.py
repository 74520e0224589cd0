"""Cut outlines at the 180th meridian and close those that run round a pole.

Natural Earth as world-atlas has it is stitched together for the sphere: an outline steps from one
edge of the map to the other. A flat map draws that step as a line across the world.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

Grid = tuple[int, int]

SOUTH_POLE_ROW: Final = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an outline. What is cut is no coast: it must be filled up to, but not drawn."""

    points: list[Grid]
    coast: bool


def at_the_edge(ring: Sequence[Grid], width: int) -> bool:
    """Return whether the outline steps over the edge of the map, or runs along it."""
    return any(abs(b[0] - a[0]) * 2 > width or _on_the_edge(a, b, width) for a, b in pairwise(ring))


def is_the_pole(ring: Sequence[Grid]) -> bool:
    """Return whether the outline encloses nothing but the pole, drawn as a line."""
    return all(y == SOUTH_POLE_ROW for _, y in ring)


def _on_the_edge(a: Grid, b: Grid, width: int) -> bool:
    return (a[0] == b[0] and a[0] in (0, width)) or a[1] == b[1] == SOUTH_POLE_ROW


def cut(ring: Sequence[Grid], width: int) -> list[list[Stretch]]:
    """Return the closed outlines, each of stretches, that together are the one given.

    `width` is the column of the 180th meridian in the east; that in the west is column 0.
    """
    unrolled = _unrolled(ring, width)
    if unrolled[0] != unrolled[-1]:
        unrolled = _round_the_pole(unrolled)
    lowest = min(x for x, _ in unrolled) // width
    highest = -(-max(x for x, _ in unrolled) // width)
    parts = []
    for sheet in range(lowest, highest):
        left = sheet * width
        inside = _half(_half(unrolled, left, 1), left + width, -1)
        points = [(x - left, y) for x, y in inside]
        if len(set(points)) >= 3:
            parts.append(_stretches(points, width))
    return parts


def _unrolled(ring: Sequence[Grid], width: int) -> list[Grid]:
    turns = 0
    points = [ring[0]]
    for before, (x, y) in pairwise(ring):
        if (x - before[0]) * 2 > width:
            turns -= 1
        elif (before[0] - x) * 2 > width:
            turns += 1
        points.append((x + turns * width, y))
    return points


def _round_the_pole(line: list[Grid]) -> list[Grid]:
    """Close a line that ends a whole turn from where it began. Only the South Pole is on land."""
    return [*line, (line[-1][0], SOUTH_POLE_ROW), (line[0][0], SOUTH_POLE_ROW), line[0]]


def _half(ring: list[Grid], column: int, sign: int) -> list[Grid]:
    """Keep what is right (1) or left (-1) of a column; the result is closed."""
    kept: list[Grid] = []
    for a, b in pairwise(ring):
        if (a[0] - column) * sign >= 0:
            kept.append(a)
        if (a[0] - column) * (b[0] - column) < 0:
            share = (column - a[0]) / (b[0] - a[0])
            kept.append((column, round(a[1] + share * (b[1] - a[1]))))
    return [*kept, kept[0]] if kept else []


def _stretches(ring: list[Grid], width: int) -> list[Stretch]:
    points = [p for i, p in enumerate(ring) if i == 0 or p != ring[i - 1]]
    found: list[Stretch] = []
    for a, b in pairwise(points):
        coast = not _on_the_edge(a, b, width)
        if found and found[-1].coast == coast:
            found[-1].points.append(b)
        else:
            found.append(Stretch([a, b], coast))
    return found
