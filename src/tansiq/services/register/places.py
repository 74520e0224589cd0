"""Which stripes intents took when this process last wrote them.

Only for the store to know beforehand who meets whom (``Store.write``, ``at``): what is missing here
or no longer so costs time, and nothing else. Of a deletion nothing else says where it is.
"""

from collections import OrderedDict
from typing import Final

KEPT_MAX: Final = 10_000
"""Some 7 MB."""


class Places:
    """A bounded memory of stripes by intent; used from one event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, frozenset[int]] = OrderedDict()

    def of(self, intent: str) -> frozenset[int]:
        """Return what it took when it was last written here; nothing if that is not known."""
        return self._kept.get(intent, frozenset())

    def note(self, intent: str, at: frozenset[int]) -> None:
        """Note what it has taken; nothing: forget it."""
        self._kept.pop(intent, None)
        if at:
            self._kept[intent] = at
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
