"""The only reader of the time.

Wall time is aware UTC; intervals are measured on the monotonic side of the same clock. Sleeping and
time-outs go through it too, so that a simulated world never waits.
"""

import asyncio
import ctypes
import struct
import time
from collections.abc import Awaitable
from dataclasses import dataclass
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
        # Not wait_for: until Python 3.12 it can swallow a cancellation that meets the end of the
        # wait, and then a node does not stop.
        async with asyncio.timeout(seconds):
            return await awaitable


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel says of its own clock."""

    synchronised: bool
    error_s: float
    """Its bound on the error; means nothing unless synchronised."""


_STA_UNSYNC = 0x40
_TIMEX = struct.Struct("=I4xqqqqi")
"""The head of Linux's ``struct timex``, 64 bit: modes, offset, freq, maxerror, esterror, status."""


def kernel_clock() -> KernelClock | None:
    """Ask whether something disciplines the machine's clock; None where nobody can say.

    Source: adjtimex(2). Nothing is set: ``modes`` is zero.
    """
    if struct.calcsize("l") != 8 or not hasattr(libc := ctypes.CDLL(None), "adjtimex"):
        return None
    buffer = ctypes.create_string_buffer(512)  # Twice the structure.
    if libc.adjtimex(buffer) < 0:
        return None
    *_, error_us, _, status = _TIMEX.unpack_from(buffer)
    return KernelClock(not status & _STA_UNSYNC, error_us / 1e6)
