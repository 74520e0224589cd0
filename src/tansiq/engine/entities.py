"""Plans and no-go areas by name, found through where and when their volumes are."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from tansiq.domain.agreement import NO_MINIMA, Minima
from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import (
    ALTITUDE_M_MAX,
    ALTITUDE_M_MIN,
    AltitudeBand,
    Outline,
    Volume4D,
    Volumes,
    altitude_bounds,
    time_bounds,
)
from tansiq.engine import search
from tansiq.engine.batch import Batch
from tansiq.engine.index import AirspaceIndex
from tansiq.engine.prepared import Prepared

E = TypeVar("E", bound=Hashable)
ALTITUDES = AltitudeBand(lower_m=ALTITUDE_M_MIN, upper_m=ALTITUDE_M_MAX)
"""All there are."""


class EntityIndex(Generic[E]):
    """An airspace index whose volumes belong to entities. One thread at a time.

    What is put is taken in when somebody next asks: a whole store at once costs a fraction of
    entity by entity.

    Args:
        usual: minima that most questions will have; for speed alone.
    """

    def __init__(self, *, usual: Minima = NO_MINIMA) -> None:
        self._index = AirspaceIndex(self._outline, usual=usual)
        self._ids: dict[E, tuple[int, ...]] = {}
        self._held: dict[int, tuple[E, Volume4D]] = {}
        self._waiting: dict[E, Volumes] = {}

    def __len__(self) -> int:
        return len(self._ids) + len(self._waiting)

    def __contains__(self, entity: E) -> bool:
        return entity in self._ids or entity in self._waiting

    def put(self, entity: E, volumes: Volumes) -> None:
        """Take in an entity, in place of what it was. One without volumes is found by nobody."""
        self.drop(entity)
        self._waiting[entity] = volumes

    def drop(self, entity: E) -> None:
        """Forget an entity, if it is there."""
        self._waiting.pop(entity, None)
        for volume_id in self._ids.pop(entity, ()):
            self._index.remove(volume_id)
            del self._held[volume_id]

    def near(self, prepared: Prepared, reach: Minima) -> set[E]:
        """Return at least all entities that have a volume within ``reach`` of a plan's."""
        self._settle()
        return {self._held[found][0] for found in self._index.candidates(prepared, reach)}

    def conflicting(self, prepared: Prepared, minima: Minima) -> set[E]:
        """Return the entities that have a volume within the minima of a plan's; exact."""
        self._settle()
        return {self._held[found][0] for found in self._index.conflicts(prepared, minima)}

    def _outline(self, volume_id: int) -> Outline:
        return self._held[volume_id][1].outline

    def _settle(self) -> None:
        if not self._waiting:
            return
        volumes = [volume for each in self._waiting.values() for volume in each]
        ids: Iterator[int] = iter(self._index.extend(Batch.of(volumes)).tolist())
        # Only now: what could not be taken in goes on waiting, and is not forgotten.
        taken, self._waiting = self._waiting, {}
        for entity, each in taken.items():
            own = tuple(next(ids) for _ in each)
            self._ids[entity] = own
            for volume_id, volume in zip(own, each, strict=True):
                self._held[volume_id] = entity, volume


def loosened(volumes: Volumes) -> Volumes:
    """Return volumes that all have the whole plan's span of time and band of altitude.

    So a register may see a plan: it knows where it is and when, but not when it is where.
    """
    return reaching(volumes, time_bounds(volumes), altitude_bounds(volumes))


def reaching(volumes: Volumes, span: TimeSpan, band: AltitudeBand) -> Volumes:
    """Return the outlines of a plan at all these times and altitudes."""
    return tuple(
        Volume4D(volume=replace(volume.volume, altitude=band), time=span) for volume in volumes
    )


def thinned(volumes: Volumes, slack_m: float) -> Volumes:
    """Return few of a plan's volumes, so that each of them lies within ``slack_m`` of the ball
    around one of these. For volumes that share times and altitudes: the large ones stay.
    """
    bounds = np.asarray(Prepared.of(*volumes).sky.bounds)
    centers, radii = bounds[:, search.CENTER_X : search.CENTER_Z + 1], bounds[:, search.AROUND]
    left, kept = np.argsort(-radii, kind="stable"), []
    while len(left):
        first = left[0]
        away = np.sqrt(((centers[left] - centers[first]) ** 2).sum(axis=1))
        # Of what is equally large the first is certainly within its own reach.
        beyond = away + radii[left] > radii[first] + slack_m
        beyond[0] = False
        kept.append(int(first))
        left = left[beyond]
    return tuple(volumes[k] for k in sorted(kept))
