"""Fills a register with intents that stand somewhere else, through the storage layer."""

import asyncio
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from tansiq.domain.time import micros
from tansiq.domain.volume import Circle, LatLng
from tansiq.f3548.convert import Area
from tansiq.storage.cells import Cover, cover
from tansiq.storage.intents import IntentRow, Intents
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

PLACES = 10_000
RADIUS_M = 300.0
BATCH = 10_000
SLOT = timedelta(minutes=15)


def spots(count: int, seed: int) -> list[LatLng]:
    """Return places all over the earth, in the order of their cells: neighbours share pages."""
    return [spot for spot, _ in _places(random.Random(seed), min(count, PLACES), RADIUS_M)]


def _places(rng: random.Random, count: int, radius_m: float) -> list[tuple[LatLng, Cover]]:
    spots = (LatLng(rng.uniform(-70, 70), rng.uniform(-179, 179)) for _ in range(count))
    found = [
        (
            spot,
            cover(
                [Area(outline=Circle(center=spot, radius_m=radius_m), lower_m=0.0, upper_m=120.0)]
            ),
        )
        for spot in spots
    ]
    return sorted(found, key=lambda place: place[1].patches[0].cells[0])


def elsewhere(count: int, seed: int, *, radius_m: float = RADIUS_M) -> Iterator[IntentRow]:
    """Make so many intents of 15 minutes over the next day and after.

    Ids are in order, so that the tables grow at their ends.
    """
    rng = random.Random(seed)
    first = datetime.now(UTC) + timedelta(hours=1)
    places = _places(rng, min(count, PLACES), radius_m)
    slots = -(-count // max(1, len(places)))
    ids = sorted(str(UUID(int=rng.getrandbits(128), version=4)) for _ in range(count))
    rows = (
        (where, micros(first + slot * SLOT), micros(first + (slot + 1) * SLOT))
        for _, where in places
        for slot in range(slots)
    )
    for name, (where, start, end) in zip(ids, rows, strict=False):
        yield IntentRow(
            id=name,
            manager="elsewhere",
            state="Accepted",
            version=1,
            ovn=name.replace("-", ""),
            uss_base_url="https://elsewhere.example/uss",
            subscription_id=None,
            time_start=start,
            time_end=end,
            cover=where.timed(start, end),
        )


def fill(store: Path, count: int, seed: int, *, radius_m: float = RADIUS_M) -> float:
    """Place so many intents in a file; return the seconds taken."""
    began = time.perf_counter()
    rows = elsewhere(count, seed, radius_m=radius_m)

    async def run() -> None:
        opened = SqliteStore.open(store)
        for _ in range(0, count, BATCH):
            await opened.write(lambda tx: _some(tx, BATCH))
        await opened.close()

    async def _some(tx: Tx, size: int) -> None:
        intents = Intents(tx)
        for _, row in zip(range(size), rows, strict=False):
            await intents.put(row, old=None)

    asyncio.run(run())
    return time.perf_counter() - began
