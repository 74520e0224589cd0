"""The alternative in this process: shapely's STRtree, filters in numpy, GEOS to judge."""

from typing import Any

import numpy as np
import shapely

from _airspaces import Airspace
from tansiq.engine.compiled import Ints

NAME = "STRtree + numpy"
_CHUNK = 20_000


def planar(sky: Airspace) -> Any:
    """Return outlines in the plane as shapely has them, circles with 64 corners."""
    round_ones = sky.batch.radii > 0
    outlines = np.empty(len(sky.batch), object)
    outlines[round_ones] = shapely.buffer(
        shapely.points(sky.centers[round_ones]), sky.batch.radii[round_ones], quad_segs=16
    )
    corners = [shape for shape in sky.shapes if shape is not None]
    if corners:
        owners = np.repeat(np.arange(len(corners)), [len(shape) for shape in corners])
        rings = shapely.linearrings(np.concatenate(corners), indices=owners)
        outlines[~round_ones] = shapely.polygons(rings)
    return outlines


class Tree:
    """A bulk-built R-tree of outlines, prepared; times and levels as columns beside it."""

    def __init__(self, sky: Airspace) -> None:
        self.outlines = planar(sky)
        shapely.prepare(self.outlines)
        self.tree = shapely.STRtree(self.outlines)
        self.tree.query(self.outlines[0])  # Built by the first question.
        self.start, self.end = np.ascontiguousarray(sky.batch.spans.T)
        self.low, self.high = np.ascontiguousarray(sky.batch.levels.T)

    def query(self, other: "Tree", row: int) -> Ints:
        """Return what conflicts with one volume of another tree."""
        outline = other.outlines[row]
        near = self.tree.query(outline)
        near = near[other.same(row, self, near)]
        return near[shapely.intersects(outline, self.outlines[near])]

    def same(self, a: Any, other: "Tree", b: Any) -> Any:
        """Report which share a moment and a level."""
        return (
            (self.start[a] <= other.end[b])
            & (self.end[a] >= other.start[b])
            & (self.low[a] <= other.high[b])
            & (self.high[a] >= other.low[b])
        )

    def count_pairs(self) -> int:
        """Return how many pairs conflict."""
        found = 0
        for start in range(0, len(self.outlines), _CHUNK):
            rows, near = self.tree.query(self.outlines[start : start + _CHUNK])
            rows += start
            kept = (rows < near) & self.same(rows, self, near)
            rows, near = rows[kept], near[kept]
            found += int(shapely.intersects(self.outlines[rows], self.outlines[near]).sum())
        return found
