"""Subscriptions that stand in the register, and the counters of their notifications."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tansiq.storage.cell_rows import Cells, met
from tansiq.storage.cells import SUBSCRIPTION, Cover
from tansiq.storage.intents import id_list
from tansiq.storage.store import Asked, Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionRow:
    """One row of ``subscription``; times are microseconds UTC."""

    id: str
    manager: str
    version: str
    notification_index: int
    uss_base_url: str
    for_intents: bool
    for_constraints: bool
    implicit: bool
    time_start: int
    time_end: int
    cover: Cover


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified:
    """A subscription that a change meets, its counter already raised."""

    id: str
    notification_index: int
    uss_base_url: str


_COLUMNS = """
SELECT id, manager, version, notification_index, uss_base_url, for_intents, for_constraints,
       implicit, time_start, time_end, cover
  FROM subscription
"""

_GET = _COLUMNS + "WHERE id = :id"

_OWN = """
 WHERE id IN (SELECT p.value FROM json_each(:ids) AS p)
   AND manager = :manager AND time_end >= :now
 ORDER BY id
"""

_SELECT_OWN = _COLUMNS + _OWN

_INSERT = """
INSERT INTO subscription (id, manager, version, notification_index, uss_base_url, for_intents,
                          for_constraints, implicit, time_start, time_end, cover)
VALUES (:id, :manager, :version, :notification_index, :uss_base_url, :for_intents,
        :for_constraints, :implicit, :time_start, :time_end, :cover)
"""

_UPDATE = """
UPDATE subscription
   SET version = :version, uss_base_url = :uss_base_url, for_intents = :for_intents,
       for_constraints = :for_constraints, implicit = :implicit, time_start = :time_start,
       time_end = :time_end, cover = :cover
 WHERE id = :id
"""

_DELETE = "DELETE FROM subscription WHERE id = :id"

# In the order of ids: two writes that meet the same subscriptions must not wait for each other.
_RAISE_FOR_INTENTS = """
UPDATE subscription SET notification_index = notification_index + 1
 WHERE id IN (SELECT s.id FROM subscription AS s
               WHERE s.id IN (SELECT p.value FROM json_each(:ids) AS p)
                 AND s.for_intents = 1 AND s.time_end >= :now
               ORDER BY s.id /*postgresql: FOR UPDATE*/)
RETURNING id, notification_index, uss_base_url
"""

_RAISE_FOR_CONSTRAINTS = """
UPDATE subscription SET notification_index = notification_index + 1
 WHERE id IN (SELECT s.id FROM subscription AS s
               WHERE s.id IN (SELECT p.value FROM json_each(:ids) AS p)
                 AND s.for_constraints = 1 AND s.time_end >= :now
               ORDER BY s.id /*postgresql: FOR UPDATE*/)
RETURNING id, notification_index, uss_base_url
"""

# For PostgreSQL alone: what is met is found and raised in one statement.
_RAISE_MET = """
UPDATE subscription SET notification_index = notification_index + 1
 WHERE id IN (SELECT s.id FROM subscription AS s
               WHERE s.id = ANY(ARRAY({met}))
                 AND s.for_{what} = 1 AND s.time_end >= :now
               ORDER BY s.id FOR UPDATE)
RETURNING id, notification_index, uss_base_url
"""


def _row(row: Row) -> SubscriptionRow:
    return SubscriptionRow(
        id=row[0],
        manager=row[1],
        version=row[2],
        notification_index=row[3],
        uss_base_url=row[4],
        for_intents=bool(row[5]),
        for_constraints=bool(row[6]),
        implicit=bool(row[7]),
        time_start=row[8],
        time_end=row[9],
        cover=Cover.from_bytes(row[10]),
    )


def _notified(rows: Iterable[Row]) -> list[Notified]:
    return [
        Notified(id=row[0], notification_index=row[1], uss_base_url=row[2]) for row in sorted(rows)
    ]


class Subscriptions:
    """The table of subscriptions, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._cells = Cells(tx, SUBSCRIPTION)

    async def get(self, subscription_id: str) -> SubscriptionRow | None:
        """Return one subscription, expired or not, or None."""
        return self.read(await self._tx.fetch(*self.asked(subscription_id)))

    @staticmethod
    def asked(subscription_id: str) -> Asked:
        """Return the query for one subscription."""
        return _GET, {"id": subscription_id}

    @staticmethod
    def read(rows: Sequence[Row]) -> SubscriptionRow | None:
        """Read the answer to ``asked``."""
        return _row(rows[0]) if rows else None

    async def find(self, where: Cover, *, manager: str, now: int) -> list[SubscriptionRow]:
        """Return the manager's living ones that share a cell with ``where``, ordered by id."""
        ids = await self._cells.find(where)
        if not ids:
            return []
        query = {"ids": id_list(ids), "manager": manager, "now": now}
        return [_row(row) for row in await self._tx.fetch(_SELECT_OWN, query)]

    async def raise_indices(
        self, changed: Iterable[Cover], *, constraint: bool, now: int
    ) -> list[Notified]:
        """Count one notification for each living subscription that any of the covers meets.

        Returns them ordered by id, with the counter as it is after the change.
        """
        if self._tx.distant:
            return await self.changed([], changed, constraint=constraint, now=now)
        ids: set[str] = set()
        for where in dict.fromkeys(changed):
            ids |= await self._cells.find(where)
        if not ids:
            return []
        statement = _RAISE_FOR_CONSTRAINTS if constraint else _RAISE_FOR_INTENTS
        rows = await self._tx.fetch(statement, {"ids": id_list(ids), "now": now})
        return _notified(rows)

    async def changed(
        self, changes: Iterable[Asked], covers: Iterable[Cover], *, constraint: bool, now: int
    ) -> list[Notified]:
        """Run changes that do not touch subscriptions, and ``raise_indices``, in one statement."""
        sql, parameters = met(SUBSCRIPTION, [*dict.fromkeys(covers)])
        what = "constraints" if constraint else "intents"
        raising = _RAISE_MET.format(met=sql, what=what), {**parameters, "now": now}
        return _notified(await self._tx.change([*changes, raising]))

    async def put(self, subscription: SubscriptionRow, *, old: SubscriptionRow | None) -> None:
        """Insert a subscription, or overwrite ``old``; the counter of ``old`` goes on."""
        row = {
            "id": subscription.id,
            "manager": subscription.manager,
            "version": subscription.version,
            "notification_index": subscription.notification_index,
            "uss_base_url": subscription.uss_base_url,
            "for_intents": subscription.for_intents,
            "for_constraints": subscription.for_constraints,
            "implicit": subscription.implicit,
            "time_start": subscription.time_start,
            "time_end": subscription.time_end,
            "cover": subscription.cover.to_bytes(),
        }
        if old is None:
            await self._tx.execute(_INSERT, row)
        else:
            del row["manager"], row["notification_index"]
            await self._tx.execute(_UPDATE, row)
            await self._cells.drop(old.id, old.cover)
        await self._cells.add(subscription.id, subscription.cover)

    async def delete(self, subscription: SubscriptionRow) -> None:
        """Remove a subscription that the caller has read in this transaction."""
        await self._tx.execute(_DELETE, {"id": subscription.id})
        await self._cells.drop(subscription.id, subscription.cover)
