"""What managers have told us and no register has shown us yet: kept within a share for each.

A notification comes alone, and may tell of what stands nowhere. That blocks nobody, because a
blocker is confirmed at its register; but each costs memory, disk and a question. What goes first is
no loss: a register names in its refusals what we do not know.
"""

from collections import OrderedDict

from tansiq.services.airspace import Airspace, Known
from tansiq.settings import Limits

_Told = OrderedDict[tuple[str, str], tuple[int, int]]


class Hearsay:
    """Counts by sender; on the event loop only."""

    def __init__(self, airspace: Airspace, limits: Limits) -> None:
        self._airspace = airspace
        self._count_max = limits.hearsay_max
        self._bytes_max = limits.hearsay_bytes_max
        self._told: dict[str, _Told] = {}

    def note(self, known: Known, size: int) -> list[tuple[str, str]]:
        """Count what its manager told, in bytes; return what is to be forgotten, as (register, id).

        Cost is linear in what the manager has told once that is above its share.
        """
        told = self._told.setdefault(known.manager, OrderedDict())
        key = known.register, known.id
        told.pop(key, None)
        told[key] = known.version, size
        if self._fits(told):
            return []
        for key, (version, _) in list(told.items()):
            now = self._airspace.get(*key)
            if now is None or not now.told or now.version != version:
                del told[key]  # Gone, or a register has shown it.
        forgotten = []
        while not self._fits(told):
            forgotten.append(told.popitem(last=False)[0])
        return forgotten

    def _fits(self, told: _Told) -> bool:
        return (
            len(told) <= self._count_max
            and sum(size for _, size in told.values()) <= self._bytes_max
        )
