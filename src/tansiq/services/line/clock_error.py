"""How wrong our own clock may be: as the system says, else as the settings do, else unknown."""

from collections.abc import Callable
from typing import Final

from tansiq.clock import Clock, KernelClock, kernel_clock

ASK_EVERY_S: Final = 10.0
_MS_MAX: Final = 999_999_999


class ClockError:
    """The bound on our clock's error, asked for now and then."""

    def __init__(
        self,
        clock: Clock,
        configured_s: float | None,
        ask: Callable[[], KernelClock | None] = kernel_clock,
    ) -> None:
        self._clock = clock
        self._configured_s = configured_s
        self._ask = ask
        self._asked_s: float | None = None
        self._found: int | None = None

    def __call__(self) -> int | None:
        """Return the bound in milliseconds, rounded up; None: nobody knows one."""
        now_s = self._clock.monotonic_s()
        if self._asked_s is None or now_s - self._asked_s >= ASK_EVERY_S:
            self._asked_s, self._found = now_s, self._bound()
        return self._found

    def _bound(self) -> int | None:
        kernel = self._ask()
        stated = kernel.error_s if kernel is not None and kernel.synchronised else None
        error_s = self._configured_s if stated is None else stated
        return None if error_s is None else min(_MS_MAX, int(error_s * 1_000) + 1)
