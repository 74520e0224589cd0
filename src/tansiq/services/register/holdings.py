"""How much each manager holds in the register, against a stated share.

Counted in memory, because a count in the store would make every creation touch one row more. What
is asked for counts before it is written, so that many at once cannot pass the limit; the count is
compared with the store from time to time. Before the first comparison it may be too low.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from tansiq.errors import TooMany
from tansiq.settings import Limits
from tansiq.storage.cells import CONSTRAINT, INTENT, SUBSCRIPTION

_NOUNS: Final = {
    INTENT: "operational intents",
    CONSTRAINT: "constraints",
    SUBSCRIPTION: "subscriptions",
}


class Holdings:
    """Counts of one register, on the event loop only. ``exempt`` are managers without a limit."""

    def __init__(self, limits: Limits, exempt: Iterable[str] = ()) -> None:
        self._most = {
            INTENT: limits.intents_per_manager_max,
            CONSTRAINT: limits.constraints_per_manager_max,
            SUBSCRIPTION: limits.subscriptions_per_manager_max,
        }
        self._exempt = frozenset(exempt)
        self._counts: dict[int, dict[str, int]] = {kind: {} for kind in _NOUNS}
        self._touched: set[tuple[int, str]] = set()

    def count(self, kind: int, manager: str) -> int:
        """Return how many a manager holds, or has asked for and not got yet."""
        return self._counts[kind].get(manager, 0)

    def take(self, kind: int, manager: str) -> None:
        """Count one more.

        Raises:
            TooMany: the manager has its share already.
        """
        found = self.count(kind, manager)
        if found >= self._most[kind] and manager not in self._exempt:
            raise TooMany(
                f"{manager} holds {found} {_NOUNS[kind]}, the most for one manager here; "
                "delete what has ended or is not needed",
                field="id",
            )
        self._set(kind, manager, found + 1)

    def give_back(self, kind: int, manager: str) -> None:
        """Count one less."""
        self._set(kind, manager, self.count(kind, manager) - 1)

    def _set(self, kind: int, manager: str, count: int) -> None:
        self._touched.add((kind, manager))
        if count > 0:
            self._counts[kind][manager] = count
        else:
            self._counts[kind].pop(manager, None)

    def compare(self) -> None:
        """Begin a comparison: the store is about to be read."""
        self._touched.clear()

    def correct(self, kind: int, stored: Mapping[str, int]) -> None:
        """Take over what the store holds, but for those whose count changed since ``compare``."""
        counts = self._counts[kind]
        for manager in counts.keys() | stored.keys():
            if (kind, manager) in self._touched:
                continue
            if manager in stored:
                counts[manager] = stored[manager]
            else:
                del counts[manager]
