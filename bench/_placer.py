"""One process of those that place intents in a store for ``register.py --database``.

Says "ready" when it has warmed up, begins when it is told to, and prints what it has seen.

    python bench/_placer.py STORE WHERE KIND CLIENTS NUMBER PROCESSES PLACE
"""

import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from _direct import Direct
from _plain_postgis import Plain
from _traffic import LIVE, BusyCell, Client, Work, layered, run, uncontended
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.sqlite import SqliteStore

WARM_S = 1.5
CONNECTIONS = 16


@dataclass(slots=True)
class SharedCell(BusyCell):
    """The busy cell of several processes: others' versions are read when a refusal names them."""

    foreign: dict[str, str] = field(default_factory=dict)

    def _key(self, name: str) -> list[str]:
        others = (self.foreign, self.book)
        return [ovn for each in others for entity, ovn in each.items() if entity != name]

    async def read_details(self, client: Client, names: Sequence[str], sent: set[str]) -> None:
        mine = [name for name in names if name in self.book]
        await BusyCell.read_details(self, client, mine, sent)
        asked = {*self.foreign, *names} - self.book.keys()
        found = await client.versions(asked)  # type: ignore[union-attr]
        self.foreign = {name: ovn for name, ovn in found.items() if name not in self.book}


async def opened(store: str, where: str, number: int) -> Any:
    """Return the register over one kind of store."""
    if store == "plain":
        pool = await asyncpg.create_pool(where, min_size=1, max_size=CONNECTIONS)
        return Plain(pool, number)
    if store == "sqlite":
        return Direct(SqliteStore.open(Path(where)))
    return Direct(PostgresStore(where))


async def busy(people: Sequence[Client], at: tuple[float, float], processes: int) -> Work:
    """Return the work in a busy cell, when the first intents stand there."""
    live = LIVE // processes
    cell = (BusyCell if processes == 1 else SharedCell)(live=live, where=at)
    for each in people:
        cell.owned[each.uss] = []
    for _ in range(live):  # Where several processes begin at once: refused, then placed.
        while await cell.work(people[0], random.Random(time.time_ns())) != 201:
            pass
    return cell.work


async def main(
    store: str, where: str, kind: str, clients: int, number: int, processes: int, place: int
) -> None:
    register = await opened(store, where, number)
    people = [register.client(f"hub{number}-{i}") for i in range(clients)]
    # Each run has a hub of its own: what an earlier one left there is nobody's.
    at = (-50.0 + place // 1_000 * 0.1, -170.0 + place % 1_000 * 0.1)
    if kind == "busy":
        work = await busy(people, at, processes)
    elif kind == "hub":
        work = layered(at, {each.uss: number * clients + i for i, each in enumerate(people)})
    else:
        work = uncontended()
    seed = time.time_ns() % 1_000_000 + number  # The same intent is not placed twice in one store.
    await run(None, people, work, seconds=WARM_S, seed=seed)
    print("ready", flush=True)
    seconds = float(await asyncio.to_thread(sys.stdin.readline))
    began_s = time.process_time()
    found = await run(None, people, work, seconds=seconds, seed=seed + 500_000)
    cpu_s = time.process_time() - began_s
    said = {
        "seconds": found.seconds,
        "accepted": found.answers[200] + found.answers[201],
        "refused": found.answers[409],
        "waits_s": found.waits_s,
        "cpu_s": cpu_s,
    }
    print(json.dumps(said), flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # What the server took is read before we leave.
    await register.close()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:4], *map(int, sys.argv[4:8])))  # type: ignore[arg-type]
