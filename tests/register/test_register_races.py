"""Many plan at once in one place, each with exactly what it has read.

The oracle needs no clock: of two accepted intents that are relevant to each other, at least one
knew the other's version when it was written. So the later one has the earlier one's OVN in its key,
and every accepted relevant pair is linked by a key.
"""

import asyncio
import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from register_world import NOON, World, caller, intent, volume

from tansiq.f3548 import wire
from tansiq.services.register import AirspaceConflict, Caller
from tansiq.services.register.requests import IntentWrite
from tansiq.storage.cells import Cover
from tansiq.storage.intents import IntentRow, Intents
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx

pytestmark = pytest.mark.anyio
SEED = 20_261_123
PLANNERS = 12
ROUNDS = 40


@dataclass(frozen=True)
class Accepted:
    ovn: str
    key: frozenset[str]
    extents: wire.Volume4D


@dataclass
class Race:
    """What a race leaves behind."""

    accepted: list[Accepted] = field(default_factory=list)
    refused: int = 0


def relevant(a: wire.Volume4D, b: wire.Volume4D) -> bool:
    """All are in the same cell: altitude and time decide. Written without the register's code."""
    heights = [
        (one.volume.altitude_lower, one.volume.altitude_upper, one.time_start, one.time_end)
        for one in (a, b)
    ]
    (low_a, high_a, start_a, end_a), (low_b, high_b, start_b, end_b) = heights
    assert low_a and low_b and high_a and high_b  # noqa: PT018 - all are given
    assert start_a and start_b and end_a and end_b  # noqa: PT018 - same
    return (
        low_a.value <= high_b.value
        and low_b.value <= high_a.value
        and start_a.value <= end_b.value
        and start_b.value <= end_a.value
    )


def unlinked(race: Race) -> tuple[int, int]:
    """Return how many accepted pairs are relevant to each other, and how many no key links."""
    pairs = violations = 0
    for i, a in enumerate(race.accepted):
        for b in race.accepted[:i]:
            if relevant(a.extents, b.extents):
                pairs += 1
                violations += a.ovn not in b.key and b.ovn not in a.key
    return pairs, violations


def somewhere(rng: random.Random) -> wire.Volume4D:
    low, start = rng.randrange(0, 500), rng.randrange(0, 300)
    return volume(
        altitudes=(low, low + rng.randrange(1, 200)),
        minutes=(start, start + rng.randrange(1, 90)),
    )


async def known(world: World, where: Cover) -> frozenset[str]:
    """Read the OVNs of all that is relevant, as its managers would tell them."""

    async def fn(tx: Tx) -> list[IntentRow]:
        return await Intents(tx).find(where)

    return frozenset(row.ovn for row in await world.store.read(fn))


async def place(world: World, write: IntentWrite) -> str:
    answer = await world.store.write(lambda tx: world.register.put_intent_tx(tx, write))
    assert answer.operational_intent_reference.ovn is not None
    return answer.operational_intent_reference.ovn


async def place_in_two_steps(world: World, write: IntentWrite) -> str:
    """The control: checks in one transaction and inserts in another."""
    rows = await world.store.read(lambda tx: Intents(tx).find(write.cover))
    if any(row.ovn not in write.key for row in rows):
        raise AirspaceConflict([], [])
    new = IntentRow(
        id=write.id,
        manager=write.caller.id,
        state=write.state,
        version=1,
        ovn=world.id(),
        uss_base_url=write.uss_base_url,
        subscription_id=None,
        time_start=write.cover.time_start,
        time_end=write.cover.time_end,
        cover=write.cover,
    )
    await world.store.write(lambda tx: Intents(tx).put(new, old=None))
    return new.ovn


async def run(world: World, *, two_steps: bool) -> Race:
    race = Race()

    async def planner(who: Caller, rng: random.Random) -> None:
        for _ in range(ROUNDS):
            extents = somewhere(rng)
            blank = world.register.read_intent(who, world.id(), None, intent(extents), NOON)
            key = await known(world, blank.cover)
            write = world.register.read_intent(
                who, world.id(), None, intent(extents, key=tuple(key)), NOON
            )
            try:
                ovn = await (place_in_two_steps if two_steps else place)(world, write)
                race.accepted.append(Accepted(ovn, key, extents))
            except AirspaceConflict:
                race.refused += 1

    await asyncio.gather(
        *(planner(caller(f"uss{i}"), random.Random(SEED + i)) for i in range(PLANNERS))
    )
    return race


async def test_every_accepted_relevant_pair_is_linked_by_a_key(world: World) -> None:
    race = await run(world, two_steps=False)
    pairs, violations = unlinked(race)
    print(
        f"seed {SEED}: {len(race.accepted)} accepted, {race.refused} refused, "
        f"{pairs} relevant pairs, {violations} not linked"
    )
    assert len(race.accepted) + race.refused == PLANNERS * ROUNDS
    assert race.refused > 0, "nobody raced: the test shows nothing"
    assert pairs > 1_000
    assert violations == 0


async def test_the_race_catches_check_and_insert_in_two_transactions(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "control.db")
    race = await run(World(store), two_steps=True)
    await store.close()
    pairs, violations = unlinked(race)
    print(f"seed {SEED}: control: {pairs} relevant pairs, {violations} not linked")
    assert violations > 0
