"""Reading a register: all that stands in the agreed area, in pieces that it takes.

A register outside the agreement takes no area above a limit, and may stop short of the end of a
long list; pieces keep clear of both.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec

from tansiq.domain.time import TimeSpan
from tansiq.domain.volume import Outline
from tansiq.errors import PeerRefused
from tansiq.f3548 import wire
from tansiq.services.airspace import CONSTRAINT, Known
from tansiq.services.planning.planner import Place
from tansiq.services.planning.records import Reference
from tansiq.services.planning.site import Site
from tansiq.services.planning.subscribing import TOO_LARGE, whole
from tansiq.storage.tiles import tiles

READ_AT_ONCE = 4
"""Pieces asked for in one go: others want the register too."""
ASKED_MAX = 1_000
"""Entities asked for by id in one sweep."""
_KM2_MIN = 300.0
"""Pieces are not made smaller than this."""

R = TypeVar("R", bound=wire.OperationalIntentReference | wire.ConstraintReference)


@dataclass(frozen=True, slots=True)
class Sighted:
    """What stands in one register, each once, as it was read."""

    intents: tuple[wire.OperationalIntentReference, ...]
    constraints: tuple[wire.ConstraintReference, ...]


class Sight:
    """Reads registers for the sweep."""

    def __init__(self, site: Site, *, outline: Outline) -> None:
        self._outline = outline
        self._km2 = {
            r.id: site.limits.area_km2_max if r.party is None else None
            for r in site.agreement.listed
        }

    async def read(self, place: Place, *, since: datetime) -> Sighted:
        """Return all that stands in the agreed area of one register and ends after ``since``.

        Raises:
            PeerError: one of its pieces was not to be had.
        """
        while True:
            try:
                return await self._read(place, since)
            except PeerRefused as error:
                km2 = self._km2[place.register.id]
                if km2 is None or km2 <= _KM2_MIN or error.status not in TOO_LARGE:
                    raise
                self._km2[place.register.id] = max(_KM2_MIN, km2 / 4)

    async def _read(self, place: Place, since: datetime) -> Sighted:
        km2 = self._km2[place.register.id]
        outlines = (self._outline,) if km2 is None else tiles(self._outline, km2)
        areas = [_since(outline, since) for outline in outlines]
        return Sighted(
            intents=await _in_pieces(place.port.query_intents, areas),
            constraints=await _in_pieces(place.port.query_constraints, areas),
        )

    async def ask(
        self, place: Place, unseen: Sequence[Known]
    ) -> tuple[tuple[Reference, ...], tuple[str, ...]]:
        """Ask for what was not read, by id: it may lie beyond the area.

        Return the references of what stands, and the ids of what does not.
        """

        async def one(known: Known) -> Reference | None:
            if known.kind == CONSTRAINT:
                return await place.port.get_constraint(known.id)
            return await place.port.get_intent(known.id)

        found: list[Reference | None] = []
        for i in range(0, min(len(unseen), ASKED_MAX), READ_AT_ONCE):
            asked = unseen[i : min(i + READ_AT_ONCE, ASKED_MAX)]
            found += await asyncio.gather(*(one(known) for known in asked))
        # Of more than that hardly any lie beyond; what is forgotten too much, a key brings back.
        found += [None] * (len(unseen) - len(found))
        standing = tuple(reference for reference in found if reference is not None)
        gone = tuple(k.id for k, r in zip(unseen, found, strict=True) if r is None)
        return standing, gone


async def _in_pieces(
    ask: Callable[[wire.Volume4D], Awaitable[tuple[R, ...]]], areas: Sequence[wire.Volume4D]
) -> tuple[R, ...]:
    found: dict[str, R] = {}
    for i in range(0, len(areas), READ_AT_ONCE):
        for references in await asyncio.gather(*(ask(a) for a in areas[i : i + READ_AT_ONCE])):
            found.update((reference.id, reference) for reference in references)
    return tuple(found.values())


def _since(outline: Outline, since: datetime) -> wire.Volume4D:
    # Without an end: registers take smaller areas for a search that spans more than a day.
    return msgspec.structs.replace(whole(outline, TimeSpan(start=since, end=since)), time_end=None)
