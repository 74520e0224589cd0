"""What the register does by itself: it cleans up, counts, and shows that it lives.

Each process over a store counts and shows that it lives; one of them cleans up.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from tansiq.clock import Clock
from tansiq.errors import StoreError
from tansiq.services.pool import Pool
from tansiq.services.register.cleaning import Cleaning
from tansiq.services.register.register import Register
from tansiq.services.turns import Turn
from tansiq.settings import Limits, Timers
from tansiq.storage.store import Store

CLEANING: Final = "register-cleaning"
"""Name of the lease."""
_LIFE: Final = 1.5
"""Of a turn, in rounds: whoever cleans takes the next round too, and another the one after."""

_log = logging.getLogger(__name__)


class Housekeeping:
    """Two tasks, which go on whatever the store says; ``start`` them on the event loop."""

    def __init__(
        self,
        store: Store,
        register: Register,
        pool: Pool,
        clock: Clock,
        limits: Limits,
        timers: Timers,
    ) -> None:
        self._store = store
        self._turn: Turn | None = None
        self._cleaning = Cleaning(store, clock, register.holdings, limits.expired_keep)
        self._pool = pool
        self._clock = clock
        self._timers = timers
        self._tasks: list[asyncio.Task[None]] = []

    def share(self, process: str) -> None:
        """Clean up in turns with other processes; this is the name of ours."""
        life = timedelta(seconds=_LIFE * self._timers.clean_s)
        self._turn = Turn(self._store, self._clock, name=CLEANING, process=process, life=life)

    def start(self) -> None:
        """Begin."""
        rounds = ((self._clean, self._timers.clean_s), (self._beat, self._timers.heartbeat_s))
        self._tasks = [
            asyncio.create_task(self._again(work, pause_s), name=f"register{work.__name__}")
            for work, pause_s in rounds
        ]

    async def stop(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._turn is not None:
            with suppress(StoreError):
                await self._turn.give_back()

    async def _again(self, work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        while True:
            try:
                await work()
            except StoreError as error:
                # Whoever writes is told so too; here it is only put off.
                _log.warning("housekeeping of the register is put off: %s", error)
            await self._clock.sleep(pause_s)

    async def _clean(self) -> None:
        await self._cleaning.compare()
        if self._turn is not None and not await self._turn.ours():
            return
        removed = await self._cleaning.run()
        if removed:
            _log.info("%d ended entries removed from the register", removed)

    async def _beat(self) -> None:
        # Twice the pause: one that is late by less is no sign of trouble.
        await self._pool.beat(self._clock.now(), timedelta(seconds=2 * self._timers.heartbeat_s))
