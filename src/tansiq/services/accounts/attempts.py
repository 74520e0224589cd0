"""Makes those who try passwords wait, longer each time.

Counted twice: by account name, whether there is such an account or not, and by the address that the
tries come from. A try counts from its beginning, so that a thousand at once are a thousand. A good
password wipes the tries of its name; of its address it takes back its own and no other, else an
attacker with an account would log in between two tries.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from tansiq.clock import Clock
from tansiq.errors import TooMany
from tansiq.settings import Limits, Timers

_REMEMBERED_MAX: Final = 10_000
_FORGET: Final = 4
"""After so many of the longest pauses without a try, it is as if there had been none."""


@dataclass(slots=True)
class _Tries:
    count: int
    last_s: float


class Pauses:
    """Tries by key: so many free ones, then a pause that doubles."""

    def __init__(self, clock: Clock, *, free: int, first_s: float, last_s: float) -> None:
        self._clock = clock
        self._free = free
        self._first_s = first_s
        self._last_s = last_s
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def left_s(self, key: str) -> float:
        """Return the seconds until this key may try again; 0: now."""
        tries = self._tries.get(key)
        if tries is None:
            return 0.0
        since_s = self._clock.monotonic_s() - tries.last_s
        if since_s >= self._last_s * _FORGET:
            del self._tries[key]
            return 0.0
        return max(0.0, self._pause_s(tries.count) - since_s)

    def count(self, key: str) -> None:
        """Count one try."""
        tries = self._tries.pop(key, None)
        count = 1 if tries is None else tries.count + 1
        self._tries[key] = _Tries(count, self._clock.monotonic_s())
        if len(self._tries) > _REMEMBERED_MAX:
            self._tries.popitem(last=False)

    def undo(self, key: str) -> None:
        """Take one try back, as if it had not been."""
        tries = self._tries.get(key)
        if tries is not None:
            tries.count = max(0, tries.count - 1)

    def forget(self, key: str) -> None:
        """Forget this key's tries."""
        self._tries.pop(key, None)

    def _pause_s(self, count: int) -> float:
        if count < self._free:
            return 0.0
        doublings = min(count - self._free, 60)
        return min(self._last_s, self._first_s * 2.0**doublings)


class Attempts:
    """Both counts of a node."""

    def __init__(self, clock: Clock, limits: Limits, timers: Timers) -> None:
        self._names = Pauses(
            clock,
            free=limits.login_tries_name,
            first_s=timers.login_pause_first_s,
            last_s=timers.login_pause_last_s,
        )
        self._addresses = Pauses(
            clock,
            free=limits.login_tries_address,
            first_s=timers.login_pause_first_s,
            last_s=timers.login_pause_address_s,
        )

    def begin(self, name: str, address: str) -> None:
        """Count a try.

        Raises:
            TooMany: not yet; it was not counted.
        """
        left_s = max(self._names.left_s(name), self._addresses.left_s(address))
        if left_s > 0:
            pause_s = int(left_s) + 1
            raise TooMany(f"too many wrong passwords; try again in {pause_s} s", pause_s=pause_s)
        self._names.count(name)
        self._addresses.count(address)

    def undecided(self, name: str, address: str) -> None:
        """Take a try back that came to nothing, through no fault of whoever tried."""
        self._names.undo(name)
        self._addresses.undo(address)

    def succeeded(self, name: str, address: str) -> None:
        """Take a try back whose password was good, and forget the name's."""
        self._names.forget(name)
        self._addresses.undo(address)

    def forgive(self, name: str) -> None:
        """Forget the name's tries: it has a new password."""
        self._names.forget(name)
