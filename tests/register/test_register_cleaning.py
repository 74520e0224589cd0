"""What ended long ago leaves the register by itself, and nothing else does.

The oracle is a list of what was put in with its end; afterwards the tables hold exactly what it
says, the index included. Writers work meanwhile.
"""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from register_world import NOON, NORTH, SOUTH, World, constraint, intent, subscription, volume, wish

from stores import open_store
from tansiq.clock import SystemClock
from tansiq.domain.time import micros
from tansiq.errors import NotFound
from tansiq.f3548 import wire
from tansiq.services.register import AirspaceConflict, cleaning
from tansiq.services.register.cleaning import BATCH, Cleaning
from tansiq.storage.cells import INTENT
from tansiq.storage.store import Store, Tx

pytestmark = pytest.mark.anyio
T = TypeVar("T")
KEEP = timedelta(days=1)
SEED = 20_261_124


class LaterClock(SystemClock):
    """Noon and some time; intervals as they are, pauses cut short."""

    def __init__(self, after: timedelta) -> None:
        self.after = after

    def now(self) -> datetime:
        return NOON + self.after

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.002))


class Watched(Store):
    """A store that notes how many rows each write changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.removed: list[int] = []

    async def write(
        self, fn: Callable[[Tx], Awaitable[T]], *, beside: bool = False, at: object = ()
    ) -> T:
        async def counted(tx: Tx) -> tuple[T, int]:
            before = await tx.fetch_one("SELECT COUNT(*) FROM intent")
            result = await fn(tx)
            after = await tx.fetch_one("SELECT COUNT(*) FROM intent")
            assert before is not None
            assert after is not None
            return result, before[0] - after[0]

        result, removed = await self._store.write(counted, beside=beside)
        self.removed.append(removed)
        return result

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._store.read(fn)

    async def close(self) -> None:
        await self._store.close()


def cleaner(world: World, after: timedelta, store: Store | None = None) -> Cleaning:
    clock = LaterClock(after)
    return Cleaning(store or world.store, clock, world.register.holdings, KEEP)


async def ids(world: World, table: str) -> set[str]:
    async def read(tx: Tx) -> set[str]:
        return {row[0] for row in await tx.fetch(f"SELECT id FROM {table}")}

    return await world.store.read(read)


async def orphans(world: World) -> int:
    """Return how many rows of the index belong to nothing."""

    async def read(tx: Tx) -> int:
        row = await tx.fetch_one(
            """
            SELECT COUNT(*) FROM cell
             WHERE entity NOT IN (SELECT id FROM intent UNION ALL SELECT id FROM subscription
                                  UNION ALL SELECT id FROM constraint_reference)
            """
        )
        assert row is not None
        return int(row[0])

    return await world.store.read(read)


async def filled(world: World, rng: random.Random, count: int) -> dict[str, int]:
    """Put in entities of all kinds, with ends from noon to four days later; return the ends."""
    ends = dict[str, int]()
    for i in range(count):
        start = rng.randrange(0, 3 * 1_440)
        end = start + rng.randrange(1, 1_440)
        where = volume(lat=rng.uniform(-60, 60), lng=rng.uniform(-170, 170), minutes=(start, end))
        at = micros(NOON + timedelta(minutes=end))
        who, now = rng.choice((NORTH, SOUTH)), NOON + timedelta(minutes=start)
        if i % 4 == 0:
            ends[(await world.bar(who, constraint(where))).id] = at
        elif i % 4 == 1:
            ends[(await world.subscribe(who, subscription(where), now)).id] = at
        else:
            wished = wish() if i % 4 == 2 else None
            made = await world.put(who, intent(where, new_subscription=wished))
            ends[made.id] = at
            if wished is not None:
                ends[made.subscription_id] = at
    return ends


async def test_what_ended_long_ago_goes_and_the_rest_stays(world: World) -> None:
    rng = random.Random(SEED)
    print(f"seed {SEED}")
    ends = await filled(world, rng, 400)
    after = timedelta(days=3)
    before = micros(NOON + after - KEEP)
    expected = {entity for entity, end in ends.items() if end >= before}
    assert 50 < len(expected) < len(ends) - 50
    written = list[str]()

    async def writer(lng: float) -> None:
        for i in range(25):
            where = volume(lat=70, lng=lng + i / 10, minutes=(4_000, 6_000))
            written.append((await world.put(NORTH, intent(where))).id)

    watched = Watched(world.store)
    removed, *_ = await asyncio.gather(cleaner(world, after, watched).run(), writer(10), writer(50))
    assert max(watched.removed) <= BATCH, "more at a time than the writer should be held for"
    left = set[str]()
    for table in ("intent", "constraint_reference", "subscription"):
        left |= await ids(world, table)
    assert left == expected | set(written)
    assert await orphans(world) == 0
    assert removed >= 100
    held = world.register.holdings
    stored = len(await ids(world, "intent"))
    assert held.count(INTENT, "north") + held.count(INTENT, "south") == stored
    assert await cleaner(world, after).run() == 0


@pytest.mark.parametrize(("late_us", "stays"), [(0, True), (1, False)])
async def test_the_last_moment(world: World, late_us: int, *, stays: bool) -> None:
    made = await world.put(NORTH, intent(volume(minutes=(0, 60)), new_subscription=wish()))
    asked = await world.subscribe(NORTH, subscription(volume(minutes=(0, 60))))
    after = timedelta(minutes=60, microseconds=late_us) + KEEP
    await cleaner(world, after).run()
    if stays:
        await world.register.get_intent(NORTH, made.id)
        await world.register.get_subscription(NORTH, asked.id)
        return
    with pytest.raises(NotFound):
        await world.register.get_intent(NORTH, made.id)
    for gone in (asked.id, made.subscription_id):
        with pytest.raises(NotFound):
            await world.register.get_subscription(NORTH, gone)


async def test_who_prolongs_in_time_keeps_what_was_found_ended(world: World) -> None:
    """Between being found and being removed, a subscription and an intent were renewed."""
    made = await world.put(NORTH, intent(volume(minutes=(0, 60))))
    asked = await world.subscribe(NORTH, subscription(volume(minutes=(0, 60))))
    late = timedelta(days=2)
    longer = volume(minutes=(2_880, 2_900))
    await world.put(NORTH, intent(longer), over=made, now=NOON + late)
    await world.register.put_subscription(
        NORTH, asked.id, asked.version, subscription(longer), NOON + late
    )
    before = micros(NOON + late - KEEP)

    async def remove(tx: Tx) -> int:
        kinds = ((1, made.id), (3, asked.id))
        return sum([len(await cleaning.remove_ended(tx, k, [i], before)) for k, i in kinds])

    assert await world.store.write(remove) == 0
    assert set(await ids(world, "intent")) == {made.id}


async def test_a_shared_implicit_subscription_goes_with_its_last_intent(world: World) -> None:
    first = await world.put(NORTH, intent(volume(minutes=(0, 60)), new_subscription=wish()))
    second = await world.put(
        NORTH,
        intent(volume(minutes=(0, 2_880)), subscription_id=first.subscription_id, key=(first.ovn,)),
    )
    shared = first.subscription_id
    await cleaner(world, timedelta(days=2)).run()
    answer = await world.register.get_subscription(NORTH, shared)
    assert answer.subscription.dependent_operational_intents == (second.id,)
    await cleaner(world, timedelta(days=4)).run()
    assert await world.rows() == dict.fromkeys(await world.rows(), 0)


async def test_nobody_misses_a_notification_for_it(world: World) -> None:
    """The counter of a living subscription goes up by what managers do, and by nothing else."""
    area = volume(radius_m=20_000.0, minutes=(2_800, 4_200), altitudes=(0, 3_000))
    late = NOON + timedelta(minutes=2_800)
    asked = await world.subscribe(SOUTH, subscription(area), late)
    for i in range(30):
        await world.put(
            NORTH, intent(volume(lat=40 + i / 1_000, altitudes=(i, i), minutes=(0, 60)))
        )
    assert await cleaner(world, timedelta(days=2)).run() == 30
    told = await world.change(NORTH, intent(volume(minutes=(2_900, 2_960))), now=late)
    (state,) = [s for one in told.subscribers for s in one.subscriptions]
    assert state == wire.SubscriptionState(subscription_id=asked.id, notification_index=1)


async def test_it_catches_a_clean_up_in_one_go(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the bound on a transaction."""
    await filled(world, random.Random(SEED), 200)
    monkeypatch.setattr(cleaning, "BATCH", 10_000)
    watched = Watched(world.store)
    await cleaner(world, timedelta(days=5), watched).run()
    assert max(watched.removed) > BATCH


@pytest.mark.soak
async def test_a_hundred_thousand_ended_ones_go_while_others_write(tmp_path: Path) -> None:
    """Says by how much the clean-up slows the slowest write: a ratio, and no verdict on it."""
    store = open_store(tmp_path / "store.db")
    world, rng = World(store), random.Random(SEED)
    gate = asyncio.Semaphore(64)

    async def old(_: int) -> None:
        async with gate:
            where = volume(lat=rng.uniform(-60, 60), lng=rng.uniform(-170, 170))
            await world.put(NORTH, intent(where))

    for _ in range(100):
        made = await asyncio.gather(*(old(i) for i in range(1_000)), return_exceptions=True)
        assert sum(isinstance(one, BaseException) for one in made) < 100  # Some places meet.

    async def writes(count: int) -> list[float]:
        took = []
        for _ in range(count):
            where = volume(lat=70, lng=rng.uniform(-170, 170), minutes=(4_320, 4_330))
            started = time.perf_counter()
            with suppress(AirspaceConflict):  # Some places meet.
                await world.put(SOUTH, intent(where))
            took.append(time.perf_counter() - started)
        return took

    alone = await writes(30_000)
    work = asyncio.create_task(
        Cleaning(store, SlowClock(timedelta(days=3)), world.register.holdings, KEEP).run()
    )
    beside = list[float]()
    while not work.done():
        beside += await writes(200)
    removed = await work
    for name, part in (("median", 0.5), ("99 %", 0.99), ("99.9 %", 0.999), ("longest", 1.0)):
        a, b = (sorted(took)[math.ceil(part * len(took)) - 1] * 1e3 for took in (alone, beside))
        print(f"{name} write: {a:.2f} ms alone, {b:.2f} ms beside the clean-up, x{b / a:.2f}")
    print(f"{removed} removed during {len(beside)} writes")
    assert removed > 90_000
    await store.close()


class SlowClock(LaterClock):
    """With the pauses as they are."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
