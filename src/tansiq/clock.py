"""The only reader of the time.

Wall time is aware UTC; intervals are measured on the monotonic side of the same clock. Sleeping and
time-outs go through it too, so that a simulated world never waits.
"""

import asyncio
import time
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Protocol, TypeVar

T = TypeVar("T")


class Clock(Protocol):
    """What the rest of the program may know of time."""

    def now(self) -> datetime:
        """Return the wall time, aware UTC."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds since some start; never steps back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Suspend the caller."""
        ...

    async def limit(self, awaitable: Awaitable[T], seconds: float) -> T:
        """Await, at most so long.

        Raises:
            TimeoutError: it took longer; the awaitable was cancelled.
        """
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def limit(self, awaitable: Awaitable[T], seconds: float) -> T:
        return await asyncio.wait_for(awaitable, seconds)
