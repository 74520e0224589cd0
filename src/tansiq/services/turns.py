"""What one of several processes over one store is to do: whose turn it is, by a lease.

The lease spares the others the work; that it is done twice once in a while must do no harm.
"""

from datetime import timedelta

from tansiq.clock import Clock
from tansiq.domain.time import micros
from tansiq.storage import leases
from tansiq.storage.store import Store, Tx


class Turn:
    """One process's claim to some work; ``process`` is new at each start."""

    def __init__(
        self, store: Store, clock: Clock, *, name: str, process: str, life: timedelta
    ) -> None:
        self._store = store
        self._clock = clock
        self._name = name
        self._process = process
        self._life_us = life // timedelta(microseconds=1)

    async def ours(self) -> bool:
        """Take the turn, or keep it; report whether it is this process's now.

        Raises:
            StoreError: the store cannot be written.
        """
        now = micros(self._clock.now())

        async def write(tx: Tx) -> bool:
            return await leases.claim(tx, self._name, self._process, life_us=self._life_us, now=now)

        return await self._store.write(write)

    async def give_back(self) -> None:
        """Leave it to the others at once.

        Raises:
            StoreError: the store cannot be written; then it ends by itself.
        """
        await self._store.write(lambda tx: leases.give_back(tx, self._name, self._process))
