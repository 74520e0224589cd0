"""Volumes as kernels take them: written into arrays, and those of a plan made ready to be asked
about, any number of times."""

from dataclasses import dataclass, field
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from tansiq.domain.volume import Volume4D, Volumes
from tansiq.engine import grid, search
from tansiq.engine.addresses import Addressed
from tansiq.engine.batch import Batch
from tansiq.engine.compiled import Ints, seen, seen_columns
from tansiq.engine.search import Sky


@dataclass(frozen=True, slots=True)
class Prepared:
    """Volumes of one plan made ready to be looked for and judged, any number of times.

    Never changes, so several threads may use it.
    """

    volumes: Volumes
    sky: Sky
    """Of these volumes alone, as kernels take it."""
    vertices: int
    """Of the volume that has most."""
    single: bool = field(init=False, repr=False, compare=False)
    """Whether there is one volume."""
    addressed: Addressed = field(init=False, repr=False, compare=False)
    """The sky, for a search."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "single", len(self.volumes) == 1)
        object.__setattr__(self, "addressed", Addressed(search.OF_SKY, self.sky))

    @classmethod
    def of(cls, *volumes: Volume4D) -> "Prepared":
        """Make volumes ready. Cost: some microseconds each, and more for edges above 20 km."""
        batch = Batch.of(volumes)
        sky = kernel_sky(empty_sky(len(volumes), len(batch.points)))
        counts = batch.counts.tolist()
        firsts = np.array([*accumulate(counts, initial=0)][:-1], np.int64)
        load(sky, batch, np.arange(len(volumes)), firsts)
        return cls(volumes, sky, max(counts, default=0))


def empty_sky(volumes: int, vertices: int) -> Sky:
    """Return arrays with room for volumes that have so many vertices in all."""
    return Sky(
        np.zeros((volumes, search.TIMES), np.int64),
        np.zeros((volumes, search.BOUNDS)),
        np.zeros((vertices, 3)),
    )


def kernel_sky(sky: Sky) -> Sky:
    """Return the same arrays as kernels take them."""
    return Sky(seen(sky.times), seen(sky.bounds), seen(sky.at))


def load(sky: Sky, batch: Batch, ids: Ints, firsts: Ints) -> NDArray[np.int32]:
    """Write volumes into a sky, as kernels take it, vertices from ``firsts`` on; return their
    entries for the grid."""
    counts, known = seen(batch.counts), seen(ids)
    search.write(seen(batch.points), seen(batch.spans), counts, known, seen(firsts), sky)
    staged = np.zeros((grid.ENTRY, len(batch)), np.int32)
    search.stage(sky, known, seen(batch.radii), seen(batch.levels), seen_columns(staged))
    return staged
