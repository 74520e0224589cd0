"""A world in simulated time, in one process and one thread, the same from the same seed.

The loop jumps to the next timer instead of waiting for it, so a year takes as long as its work.
Stores are real SQLite in memory, written in the caller's step.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any, Final, TypeVar

import apsw

from tansiq.storage.migrate import migrate
from tansiq.storage.sqlite import _SqliteTx, _step
from tansiq.storage.store import Tx

T = TypeVar("T")
START = datetime(2026, 1, 1, tzinfo=UTC)
RESOLUTION_S: Final = 1e-6
"""Timers that are no further apart fire together."""
STILL_MAX: Final = 1_000_000
"""How often the loop may turn while no time passes."""


class JumpingSelector(selectors.SelectSelector):
    """Never waits: it tells the loop how far to jump."""

    loop: "JumpingLoop"
    still = 0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("everybody waits for something that never comes")
        before = self.loop.virtual_s
        self.loop.virtual_s += max(timeout, 0.0)
        self.still = self.still + 1 if self.loop.virtual_s == before else 0
        if self.still > STILL_MAX:
            raise RuntimeError(f"time stands still {before:,.6f} s after the start")
        return []


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose time is the simulation's."""

    def __init__(self) -> None:
        self.virtual_s = 0.0
        selector = JumpingSelector()
        selector.loop = self
        super().__init__(selector)
        # asyncio runs the timers before time() plus this: by default a nanosecond, which is lost in
        # rounding after 2**24 s. From day 194 on no timer would fire, and time would stand still.
        self._clock_resolution = RESOLUTION_S

    def time(self) -> float:
        return self.virtual_s


def simulate(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine in simulated time."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(main())


class SimulatedClock:
    """The time of one node: the simulation's, off by ``off``."""

    def __init__(self, off: timedelta = timedelta(0)) -> None:
        self.off = off

    def now(self) -> datetime:
        # Rounded: the sum of small steps is not to depend on how they were added.
        elapsed = timedelta(microseconds=round(self.monotonic_s() * 1e6))
        return START + elapsed + self.off

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def limit(self, awaitable: Awaitable[T], seconds: float) -> T:
        async with asyncio.timeout(seconds):
            return await awaitable


class SteppingStore:
    """A ``Store`` over SQLite in memory; a write is done when it returns.

    ``crash`` forgets nothing that was committed and lets nobody write any more: what the next
    process finds is in ``reopened``.
    """

    def __init__(self, connection: apsw.Connection | None = None) -> None:
        if connection is None:
            connection = apsw.Connection(":memory:")
            migrate(connection, files("tansiq.storage") / "migrations")
        self.connection = connection
        self._crashed = False
        self.commits = 0

    async def write(
        self, fn: Callable[[Tx], Awaitable[T]], *, beside: bool = False, at: object = ()
    ) -> T:
        if self._crashed:
            await asyncio.Event().wait()  # The process is gone.
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            result = _step(fn, _SqliteTx(self.connection))
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        self.commits += 1
        return result

    async def read(self, fn: Callable[[Tx], Awaitable[T]]) -> T:
        return _step(fn, _SqliteTx(self.connection))

    async def close(self) -> None:
        """Nothing to do."""

    def copied(self) -> "SteppingStore":
        """Return a copy of what is committed: a backup."""
        target = apsw.Connection(":memory:")
        with target.backup("main", self.connection, "main") as backup:
            backup.step()
        return SteppingStore(target)

    def reopened(self) -> "SteppingStore":
        """Kill the process; return the store as the next one finds it."""
        self._crashed = True
        return type(self)(self.connection)
