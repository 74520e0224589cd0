"""Many plan at once in one place, each with exactly what it has read.

The oracle needs no clock: of two accepted intents that are relevant to each other, at least one
knew the other's version when it was written. So the later one has the earlier one's OVN in its key,
and every accepted relevant pair is linked by a key.
"""

import asyncio
import random
from pathlib import Path

import pytest
from racing import Accepted, Race, known, somewhere, unlinked
from register_world import NOON, World, caller, intent

from stores import open_store
from tansiq.services.register import AirspaceConflict, Caller
from tansiq.services.register.requests import IntentWrite
from tansiq.storage.intents import IntentRow, Intents

pytestmark = pytest.mark.anyio
SEED = 20_261_123
PLANNERS = 12
ROUNDS = 40


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


async def test_the_race_catches_check_and_insert_in_two_transactions(
    store_kind: str, tmp_path: Path
) -> None:
    store = open_store(tmp_path / "control.db")
    race = await run(World(store), two_steps=True)
    await store.close()
    pairs, violations = unlinked(race)
    print(f"seed {SEED}: control: {pairs} relevant pairs, {violations} not linked")
    assert violations > 0
