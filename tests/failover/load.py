"""Planners who write into a register while its database fails over, and what they were told.

One process: where its store cannot go on, because the answer to a COMMIT was lost, it opens another
one on what stands there, as a node does.
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

import asyncpg
from tests.register.register_world import NOON, World, caller, intent, volume

from tansiq.errors import StoreError
from tansiq.services.register import AirspaceConflict, Caller
from tansiq.storage.cells import Cover
from tansiq.storage.intents import Intents
from tansiq.storage.postgres import PostgresStore

PLACE_S = 2.0
"""So long all plan in one place; who looks at pairs need not look at those of different places."""
ALONE = 0.1
"""Of the writes: alone, as a node's own are."""


@dataclass(frozen=True)
class Attempt:
    """One intent, planned with exactly what was read."""

    id: str
    place: int
    band: tuple[int, int]
    minutes: tuple[int, int]
    key: frozenset[str]

    def meets(self, other: "Attempt") -> bool:
        mine, theirs = (self.band, self.minutes), (other.band, other.minutes)
        return all(a[0] <= b[1] and b[0] <= a[1] for a, b in zip(mine, theirs, strict=True))


@dataclass
class Load:
    """What was tried, and what came of it."""

    url: str
    seed: int
    planners: int = 6
    acknowledged: dict[str, tuple[float, str]] = field(default_factory=dict)
    """When, and with what OVN, by id."""
    attempts: dict[str, Attempt] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    doubtful: set[str] = field(default_factory=set)
    opened: int = 0
    slowest_s: float = 0.0
    """Of all calls, however they ended."""
    ended: BaseException | None = None
    """What it did not expect."""
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Write until told to stop."""
        try:
            await self._run()
        except BaseException as error:
            self.ended = error
            raise

    async def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                store = await PostgresStore.open(self.url)
            except StoreError:
                await asyncio.sleep(0.2)
                continue
            try:
                await store.serve(self.opened + 1)
                await self._over(store)
            except StoreError:
                await asyncio.sleep(0.2)
            finally:
                await store.close()

    async def _over(self, store: PostgresStore) -> None:
        self.opened += 1
        world = World(store, self.seed + 1_000 * self.opened)
        seeds = range(world._rng.getrandbits(30), 2**31, 7)
        async with asyncio.TaskGroup() as group:
            for number, seed in zip(range(self.planners), seeds, strict=False):
                group.create_task(self._plan(world, store, number, random.Random(seed)))

    async def _plan(
        self, world: World, store: PostgresStore, number: int, rng: random.Random
    ) -> None:
        who = caller(f"uss{number}")
        while not self.stopping.is_set() and not store.doubted.is_set():
            began_s = time.monotonic()
            try:
                await self._attempt(world, who, rng)
            except AirspaceConflict:
                self.refused["conflict"] += 1
            except StoreError as error:
                self.refused[said(error)] += 1
            self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)

    async def _attempt(self, world: World, who: Caller, rng: random.Random) -> None:
        place = int(time.monotonic() / PLACE_S)
        low, start = rng.randrange(0, 500), rng.randrange(0, 300)
        band = (low, low + rng.randrange(1, 100))
        minutes = (start, start + rng.randrange(1, 60))
        extents = volume(lat=-50 + place % 1_000 * 0.1, altitudes=band, minutes=minutes)
        blank = world.register.read_intent(who, world.id(), None, intent(extents), NOON)
        key = await known(world, blank.cover)
        name, wanted = world.id(), intent(extents, key=tuple(key))
        self.attempts[name] = Attempt(name, place, band, minutes, key)
        try:
            if rng.random() < ALONE:
                write = world.register.read_intent(who, name, None, wanted, NOON)
                answer = await world.store.write(lambda tx: world.register.put_intent_tx(tx, write))
            else:
                answer = await world.register.put_intent(who, name, None, wanted, NOON)
        except StoreError as error:
            if "not known" in error.message:
                self.doubtful.add(name)
            raise
        ovn = answer.operational_intent_reference.ovn
        assert ovn
        self.acknowledged[name] = (time.monotonic(), ovn)

    def gap_s(self, since_s: float = 0.0) -> float:
        """Return the longest time without an acknowledged write."""
        times = sorted(at for at, _ in self.acknowledged.values() if at >= since_s)
        return max((b - a for a, b in pairwise(times)), default=0.0)

    async def judged(self) -> "Judged":
        """Hold what was acknowledged against what the database has now."""
        connection = await asyncpg.connect(self.url)
        there = dict(await connection.fetch("SELECT id, ovn FROM intent"))
        await connection.close()
        lost = [name for name, (_, ovn) in self.acknowledged.items() if there.get(name) != ovn]
        places = defaultdict[int, list[Attempt]](list)
        for name in there:
            places[self.attempts[name].place].append(self.attempts[name])
        pairs = unlinked = 0
        for some in places.values():
            for i, a in enumerate(some):
                for b in some[:i]:
                    if a.meets(b):
                        pairs += 1
                        unlinked += there[a.id] not in b.key and there[b.id] not in a.key
        unsaid = len(there.keys() - self.acknowledged.keys())
        return Judged(len(self.acknowledged), len(lost), unsaid, pairs, unlinked)


@dataclass(frozen=True)
class Judged:
    """What is there, beside what was said."""

    acknowledged: int
    lost: int
    unsaid: int
    """Kept though nobody was told: the answer was lost."""
    pairs: int
    unlinked: int

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} acknowledged, {self.lost} of them lost, {self.unsaid} kept and "
            f"not acknowledged; {self.pairs} pairs that meet, {self.unlinked} not linked"
        )


async def known(world: World, where: Cover) -> frozenset[str]:
    """Read the OVNs of all that is relevant, as its managers would tell them."""
    rows = await world.store.read(lambda tx: Intents(tx).find(where))
    return frozenset(row.ovn for row in rows)


def said(error: StoreError) -> str:
    """Return what kind of refusal it is."""
    for words in ("not known", "its turn did not come", "begins anew", "another process serves"):
        if words in error.message:
            return words
    return "nothing was written" if "nothing was written" in error.message else error.message[-120:]
