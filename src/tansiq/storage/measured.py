"""A store whose writes are timed and counted; it changes nothing else of it."""

from collections.abc import Awaitable, Callable, Collection
from typing import Final, TypeVar

from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.storage.store import Store, Tx
from tansiq.traces import span

T = TypeVar("T")

COMMITTED: Final = "committed"
UNDONE: Final = "undone"
"""What was to be written turned out not to be: a definite no, and nothing of it was kept."""
FAILED: Final = "failed"
"""The disk or the queue: nobody may rely on it."""

Told = Callable[[float, str], None]


class Measured:
    """Another store, seen from outside: how long from the asking until it is on disk."""

    def __init__(self, store: Store, clock: Clock, told: Told) -> None:
        self._store = store
        self._clock = clock
        self._told = told
        self.waiting = 0
        """Writes that are asked for and not yet answered."""

    async def write(
        self,
        fn: Callable[[Tx], Awaitable[T]],
        *,
        beside: bool = False,
        at: Collection[int] = (),
    ) -> T:
        began_s, outcome = self._clock.monotonic_s(), UNDONE
        self.waiting += 1
        with span("store.write") as traced:
            try:
                found = await self._store.write(fn, beside=beside, at=at)
                outcome = COMMITTED
            except StoreError:
                outcome = FAILED
                raise
            finally:
                self.waiting -= 1
                self._told(self._clock.monotonic_s() - began_s, outcome)
                traced.note("tansiq.outcome", outcome)
            return found

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        return await self._store.read(fn)

    async def close(self) -> None:
        await self._store.close()
