"""A process of the version before that serves a register while others migrate its database.

Places, changes, reads and deletes intents until it is told to stop; prints a line for each that
failed, and in the end how many did not.

    python tests/storage/upgrade_worker.py URL SEED LOCK_TIMEOUT
"""

import asyncio
import json
import random
import sys

from register_world import NOON, World, caller, intent, volume

from tansiq.storage import postgres_link
from tansiq.storage.postgres import PostgresStore


async def flight(world: World, number: int, rng: random.Random) -> None:
    """Let one intent live, at a height of its own."""
    who, register, name = caller(f"uss{number}"), world.register, world.id()
    place = volume(lat=rng.uniform(-60, 60), altitudes=(10.0 * number, 10.0 * number + 5.0))
    made = await register.put_intent(who, name, None, intent(place), NOON)
    ovn = made.operational_intent_reference.ovn
    made = await register.put_intent(who, name, ovn, intent(place), NOON)
    ovn = made.operational_intent_reference.ovn
    read = await register.get_intent(who, name)
    assert read.operational_intent_reference.ovn == ovn
    await register.query_intents(who, place)
    await register.delete_intent(who, name, ovn, NOON)


async def main(url: str, seed: int, lock_timeout: str) -> None:
    postgres_link._SESSION["lock_timeout"] = lock_timeout
    store = PostgresStore(url)
    world = World(store, seed)
    stopping, done = asyncio.Event(), 0

    async def pilot(number: int) -> None:
        nonlocal done
        rng = random.Random(seed + number)
        while not stopping.is_set():
            try:
                await flight(world, number, rng)
                done += 1
            except Exception as error:  # noqa: BLE001 - told, and judged by who reads it
                print(json.dumps({"failed": f"{type(error).__name__}: {error}"}), flush=True)
                await asyncio.sleep(0.05)

    async def progress() -> None:
        while not stopping.is_set():
            print(json.dumps({"done": done}), flush=True)
            await asyncio.sleep(0.1)

    pilots = [asyncio.create_task(work) for work in (progress(), *(pilot(n) for n in range(4)))]
    await asyncio.to_thread(sys.stdin.readline)
    stopping.set()
    await asyncio.gather(*pilots)
    print(json.dumps({"done": done}), flush=True)
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
