"""Records by place: a sparse grid of cubes around the earth's centre, so that cost follows what is
near and not what is known.

Answers candidates; whether they matter is judged by whoever asks. The engine's index will take
its place.
"""

from collections import defaultdict
from collections.abc import Iterator
from math import floor
from typing import Generic, Protocol, TypeVar

from tansiq.domain.extent import Extent

LEVELS_M = (5_000.0, 80_000.0)
"""Edges of the cubes: fine for most flights, coarse for long ones. What is wider than both is kept
aside and answered always."""


class Placed(Protocol):
    """Something with an id and an extent; None: nowhere in particular, hence everywhere."""

    @property
    def id(self) -> str: ...

    @property
    def extent(self) -> Extent | None: ...


P = TypeVar("P", bound=Placed)
Cube = tuple[int, int, int, int]
"""Level, then whole edges along x, y and z."""


class Near(Generic[P]):
    """One set of records. Each stands in the one cube of its centre, of the level of its size."""

    def __init__(self) -> None:
        self._cubes: dict[Cube, dict[str, P]] = defaultdict(dict)
        self._wide: dict[str, P] = {}
        self._where: dict[str, Cube | None] = {}

    def put(self, record: P) -> None:
        """Take in a record in place of an older one of its id."""
        self.drop(record.id)
        cube = _home(record.extent)
        self._where[record.id] = cube
        if cube is None:
            self._wide[record.id] = record
        else:
            self._cubes[cube][record.id] = record

    def drop(self, entity: str) -> None:
        """Forget a record."""
        if entity not in self._where:
            return
        cube = self._where.pop(entity)
        if cube is None:
            self._wide.pop(entity, None)
            return
        standing = self._cubes[cube]
        standing.pop(entity, None)
        if not standing:
            del self._cubes[cube]

    def around(self, extent: Extent, reach_m: float) -> Iterator[P]:
        """Return at least every record whose ball comes within ``reach_m`` of the extent's."""
        yield from list(self._wide.values())
        for level, edge_m in enumerate(LEVELS_M):
            # The others' centres lie this far at most.
            span = (extent.radius_m + reach_m + edge_m) / edge_m
            x, y, z = (c / edge_m for c in extent.center)
            if 8 * span**3 > len(self._cubes):
                cubes = [cube for cube in list(self._cubes) if cube[0] == level]
            else:
                cubes = [
                    (level, i, j, k)
                    for i in range(floor(x - span), floor(x + span) + 1)
                    for j in range(floor(y - span), floor(y + span) + 1)
                    for k in range(floor(z - span), floor(z + span) + 1)
                ]
            for cube in cubes:
                found = self._cubes.get(cube)
                if found:
                    yield from list(found.values())


def _home(extent: Extent | None) -> Cube | None:
    for level, edge_m in enumerate(LEVELS_M):
        if extent is not None and extent.radius_m <= edge_m:
            x, y, z = extent.center
            return level, floor(x / edge_m), floor(y / edge_m), floor(z / edge_m)
    return None
