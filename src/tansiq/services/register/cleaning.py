"""Removes what ended long ago from the register, a little at a time, between others' writes.

A reference whose end has passed concerns nobody's plan, and nobody is told of its removal: the
standard has subscribers told by the manager, of what the manager does. An implicit subscription
goes with its last intent, an explicit one when its own time comes and nothing hangs on it.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from tansiq.clock import Clock
from tansiq.domain.time import micros
from tansiq.services.register.holdings import Holdings
from tansiq.services.register.intents import drop_unused
from tansiq.storage.cells import CONSTRAINT, INTENT
from tansiq.storage.constraints import Constraints
from tansiq.storage.expiry import KINDS, ended, held
from tansiq.storage.intents import Intents
from tansiq.storage.store import Store, Tx
from tansiq.storage.subscriptions import Subscriptions

LOOK: Final = 500
"""Rows looked at in one reading."""
BATCH: Final = 16
"""Rows removed in one transaction: one or two milliseconds of the writer."""
_REST: Final = 2.0
"""Pause after a removal, in times of what it took with its waiting: the busier, the longer."""
_PAUSE_S: Final = 0.01


class Cleaning:
    """Removes what ended longer than ``keep`` ago."""

    def __init__(self, store: Store, clock: Clock, holdings: Holdings, keep: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._holdings = holdings
        self._keep = keep

    async def compare(self) -> None:
        """Compare the count of what each manager holds with the store."""
        for kind in KINDS:
            self._holdings.compare()
            self._holdings.correct(kind, await self._held(kind))

    async def run(self) -> int:
        """Go once through everything; return how much was removed."""
        before = micros(self._clock.now() - self._keep)
        removed = 0
        for kind in KINDS:
            after: str | None = ""
            while after is not None:
                found, after = await self._look(kind, after, before)
                for i in range(0, len(found), BATCH):
                    removed += await self._remove(kind, found[i : i + BATCH], before)
                await self._clock.sleep(_PAUSE_S)
        return removed

    async def _held(self, kind: int) -> dict[str, int]:
        return await self._store.read(lambda tx: held(tx, kind))

    async def _look(self, kind: int, after: str, before: int) -> tuple[list[str], str | None]:
        return await self._store.read(
            lambda tx: ended(tx, kind, after=after, before=before, limit=LOOK)
        )

    async def _remove(self, kind: int, ids: Sequence[str], before: int) -> int:
        started_s = self._clock.monotonic_s()
        removed = await self._store.write(lambda tx: remove_ended(tx, kind, ids, before))
        for counted, manager in removed:
            self._holdings.give_back(counted, manager)
        await self._clock.sleep(_REST * (self._clock.monotonic_s() - started_s))
        return len(removed)


async def remove_ended(tx: Tx, kind: int, ids: Sequence[str], before: int) -> list[tuple[int, str]]:
    """Remove those of some entities that still end before a time; return kind and manager of each.

    They are read again: since they were found, somebody may have prolonged one.
    """
    remove = {INTENT: _remove_intent, CONSTRAINT: _remove_constraint}.get(
        kind, _remove_subscription
    )
    managers = [await remove(tx, entity, before) for entity in ids]
    return [(kind, manager) for manager in managers if manager is not None]


async def _remove_intent(tx: Tx, entity: str, before: int) -> str | None:
    intents = Intents(tx)
    row = await intents.get(entity)
    if row is None or row.time_end >= before:
        return None
    await intents.delete(row)
    await drop_unused(intents, Subscriptions(tx), row.subscription_id)
    return row.manager


async def _remove_constraint(tx: Tx, entity: str, before: int) -> str | None:
    constraints = Constraints(tx)
    row = await constraints.get(entity)
    if row is None or row.time_end >= before:
        return None
    await constraints.delete(row)
    return row.manager


async def _remove_subscription(tx: Tx, entity: str, before: int) -> str | None:
    subscriptions = Subscriptions(tx)
    row = await subscriptions.get(entity)
    if row is None or row.time_end >= before or await Intents(tx).dependents(entity):
        return None
    await subscriptions.delete(row)
    return None if row.implicit else row.manager
