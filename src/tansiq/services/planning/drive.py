"""The running state of one plan's task: visits under way, pauses, how long a register is silent.

All of it may be lost; what a plan needs to go on is its placement in the store.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from tansiq.domain.placement import Aim, Due
from tansiq.services.planning.claim import Claim
from tansiq.settings import Timers

_log = logging.getLogger(__name__)

_IDLE_S = 60.0
"""Longest wait for a wake-up; a safeguard only, every change wakes."""


@dataclass(slots=True)
class Drive:
    """One plan's task. Registers by their index in the agreement; times on the monotonic clock."""

    task: asyncio.Task[None] | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    visiting: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    _rest_until: dict[int, float] = field(default_factory=dict)
    _pause: dict[int, float] = field(default_factory=dict)
    _silent_since: dict[int, float] = field(default_factory=dict)
    _last: dict[int, Aim] = field(default_factory=dict)

    def rouse(self) -> None:
        """End all pauses."""
        self._rest_until.clear()
        self._pause.clear()
        self.wake.set()

    def is_free(self, register: int, now_s: float) -> bool:
        """Report whether a register may be looked at now."""
        return register not in self.visiting and self._rest_until.get(register, now_s) <= now_s

    def in_turn(self, looks: Sequence[Due[Claim]]) -> list[Due[Claim]]:
        """Return the looks in order: of two at one register, one that keeps failing must not keep
        the other waiting for ever.
        """
        return sorted(looks, key=lambda look: self._last.get(look.register) is look.aim)

    def wait_s(self, now_s: float) -> float:
        """Return how long there is nothing to begin, unless something wakes us."""
        rests = [t for r, t in self._rest_until.items() if r not in self.visiting]
        return max(0.001, min(rests, default=now_s + _IDLE_S) - now_s)

    def rest(self, look: Due[Claim], now_s: float, timers: Timers, *, progress: bool) -> None:
        """After a look that led nowhere, pause before the next one there; longer each time."""
        r = look.register
        self._last[r] = look.aim
        if progress:
            self._pause.pop(r, None)
            self._rest_until.pop(r, None)
            return
        pause = self._pause.get(r, timers.retry_first_s)
        if look.aim is Aim.WATCH:
            pause = timers.waiting_poll_s
        self._rest_until[r] = now_s + pause
        self._pause[r] = min(pause * 2, timers.retry_last_s)

    def answered(self, register: int) -> None:
        """Note that a register is not silent."""
        self._silent_since.pop(register, None)

    def silent_s(self, register: int, now_s: float) -> float:
        """Return for how long a register has been silent, from the first call on."""
        return now_s - self._silent_since.setdefault(register, now_s)


def tell(task: asyncio.Task[None]) -> None:
    """Log what a task died of: nobody awaits it, and silence would look like a quiet sky."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("%s failed", task.get_name(), exc_info=error)
