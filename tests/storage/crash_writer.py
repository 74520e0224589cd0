"""Writes for ever, and prints each number once it was acknowledged; made to be killed.

``honest`` uses the store as it is. ``hasty`` is the control: it acknowledges from inside the
transaction, before COMMIT.
"""

import asyncio
import os
import sys
from pathlib import Path

from tansiq.storage.sqlite import SqliteStore
from tansiq.storage.store import Tx


def acknowledge(number: int) -> None:
    os.write(1, b"%d\n" % number)


async def main(path: Path, *, hasty: bool) -> None:
    store = SqliteStore.open(path / "store.db", migrations=path / "migrations")
    numbers = iter(range(10**9))

    async def client() -> None:
        for number in numbers:

            async def put(tx: Tx, number: int = number) -> None:
                await tx.execute("INSERT INTO kept (n) VALUES (:n)", {"n": number})
                if hasty:
                    acknowledge(number)

            await store.write(put)
            if not hasty:
                acknowledge(number)

    await asyncio.gather(*(client() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), hasty=sys.argv[2] == "hasty"))
