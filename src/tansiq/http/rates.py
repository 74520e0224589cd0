"""How often one caller may ask: a bucket of tokens for each, filled at a steady rate."""

from collections import OrderedDict
from typing import Final

from tansiq.clock import Clock
from tansiq.errors import TooMany

_REMEMBERED_MAX: Final = 4_096


class Rates:
    """Buckets by caller; each holds what one second brings."""

    def __init__(self, clock: Clock, per_s: float) -> None:
        self._clock = clock
        self._per_s = per_s
        self._most = max(1.0, per_s)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count one request.

        Raises:
            TooMany: the bucket is empty.
        """
        now_s = self._clock.monotonic_s()
        left, at_s = self._buckets.pop(caller, (self._most, now_s))
        left = min(self._most, left + (now_s - at_s) * self._per_s)
        allowed = left >= 1.0
        self._buckets[caller] = (left - 1.0 if allowed else left, now_s)
        if len(self._buckets) > _REMEMBERED_MAX:
            # The one who has been quiet for longest; its bucket is most likely full.
            self._buckets.popitem(last=False)
        if not allowed:
            raise TooMany(f"{caller} asks more than {self._per_s:g} times a second; slow down")
