"""Appends to a record for ever, and prints each index once it was acknowledged; made to be killed.

``honest`` appends as the node does. ``hasty`` is the control: entry and head in two commits.
"""

import asyncio
import os
import sys
from pathlib import Path

from tansiq.domain.merkle import leaf_hash
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.record import RecordLog, seal_of
from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Store, Tx


async def honest(store: Store) -> int:
    return await store.write(lambda tx: RecordLog(tx).append("note", b"x" * 600, time=1))


async def hasty(store: Store) -> int:
    leaf = leaf_hash(b"")
    tree = await store.read(lambda tx: RecordLog(tx).head())
    seal = seal_of(tree.size, time=1, kind="note", leaf=leaf)

    async def entry(tx: Tx) -> int:
        values = {"seq": tree.size, "leaf": leaf, "seal": seal}
        return await tx.execute(
            "INSERT INTO record_entry VALUES (:seq, 1, 'note', :leaf, :seal, X'')", values
        )

    async def head(tx: Tx) -> int:
        grown = tree.append(leaf)
        values = {"size": grown.size, "frontier": b"".join(grown.hashes)}
        return await tx.execute("UPDATE record_head SET size = :size, frontier = :frontier", values)

    await store.write(entry)
    await store.write(head)
    return tree.size


async def opened(where: str) -> Store:
    if where.startswith("postgresql:"):
        return await PostgresStore.open(where)
    return SqliteStore.open(Path(where))


async def main(where: str, how: str) -> None:
    store = await opened(where)

    async def client() -> None:
        while True:
            index = await (hasty(store) if how == "hasty" else honest(store))
            os.write(1, b"%d\n" % index)

    await asyncio.gather(*(client() for _ in range(1 if how == "hasty" else 8)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
