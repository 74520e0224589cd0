"""One process of a race: planners who place intents through the register, over PostgreSQL.

Prints a line of JSON for each that was accepted. Every two seconds all processes go on to another
place, so that who looks at pairs need not look at those of different places.
"""

import asyncio
import json
import random
import sys
import time

from race_schemes import scheme
from racing import known
from register_world import NOON, World, caller, intent, volume

from tansiq.errors import StoreError
from tansiq.services.register import AirspaceConflict

PLACE_S = 2.0
ALONE = 0.1
"""Of the writes: within a larger transaction, as a node's own are."""


async def planner(world: World, number: int, rng: random.Random, until_s: float) -> None:
    who = caller(f"uss{number}")
    while (now_s := time.time()) < until_s:
        place = int(now_s / PLACE_S)
        low, start = rng.randrange(0, 500), rng.randrange(0, 300)
        band = (low, low + rng.randrange(1, 200))
        minutes = (start, start + rng.randrange(1, 90))
        extents = volume(lat=-50 + place % 1_000 * 0.1, altitudes=band, minutes=minutes)
        blank = world.register.read_intent(who, world.id(), None, intent(extents), NOON)
        key = await known(world, blank.cover)
        wanted, name = intent(extents, key=tuple(key)), world.id()
        try:
            if rng.random() < ALONE:
                write = world.register.read_intent(who, name, None, wanted, NOON)
                answer = await world.store.write(
                    lambda tx, write=write: world.register.put_intent_tx(tx, write)
                )
            else:
                answer = await world.register.put_intent(who, name, None, wanted, NOON)
        except (AirspaceConflict, StoreError) as error:
            print(json.dumps({"refused": type(error).__name__}))
            continue
        ovn = answer.operational_intent_reference.ovn
        row = {"ovn": ovn, "key": sorted(key), "place": place, "band": band, "minutes": minutes}
        print(json.dumps(row), flush=True)


async def main(url: str, name: str, seed: int, planners: int) -> None:
    store = scheme(name)(url)
    world = World(store, seed)
    print("ready", flush=True)
    until_s = time.time() + float(sys.stdin.readline())  # Written when all are.
    await asyncio.gather(
        *(planner(world, i, random.Random(seed + i), until_s) for i in range(planners))
    )
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
