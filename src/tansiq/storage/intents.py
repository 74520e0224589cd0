"""References of operational intents that stand in the register."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import msgspec

from tansiq.storage.cell_rows import Cells, added, dropped, met
from tansiq.storage.cells import INTENT, NO_COVER, Cover
from tansiq.storage.store import Asked, Row, Tx

UNKNOWN: Final = "Unknown"
"""Availability of a supplier that nobody has spoken for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentRow:
    """One row of ``intent``; times are microseconds UTC."""

    id: str
    manager: str
    state: str
    version: int
    ovn: str
    uss_base_url: str
    subscription_id: str | None
    time_start: int
    time_end: int
    cover: Cover
    extents: bytes | None = None
    """Its volumes, packed; written, and read by ``unknown`` alone."""
    availability: str = UNKNOWN
    """Of the manager, now; not part of the row."""


class Unknown(NamedTuple):
    """What a key does not name."""

    id: str
    manager: str
    extents: bytes | None
    """Its volumes, packed; None in rows from before they were kept."""


# Not a LEFT JOIN: that took SQLite 15 us where this takes 6, in every write.
_COLUMNS = """
SELECT i.id, i.manager, i.state, i.version, i.ovn, i.uss_base_url, i.subscription_id,
       i.time_start, i.time_end, i.cover,
       COALESCE((SELECT a.availability FROM uss_availability AS a WHERE a.uss = i.manager),
                'Unknown')
  FROM intent AS i
"""

_BARE = _COLUMNS.replace("i.cover", "NULL")

_GET = _COLUMNS + "WHERE i.id = :id"

_AMONG = "WHERE i.id IN (SELECT p.value FROM json_each(:ids) AS p) ORDER BY i.id"

_SELECT = _COLUMNS + _AMONG

_SELECT_BARE = _BARE + _AMONG

_UNKNOWN = """
SELECT i.id, i.manager, i.extents
  FROM json_each(:ids) AS p CROSS JOIN intent AS i
 WHERE i.id = p.value AND i.ovn NOT IN (SELECT k.value FROM json_each(:key) AS k)
   AND NOT (i.state = :idle_state
            AND i.manager IN (SELECT uss FROM uss_availability WHERE availability = :idle_of))
 ORDER BY i.id
"""

# For PostgreSQL alone: what is met and what of it is not known, in one statement.
_UNKNOWN_OF_MET = """
SELECT i.id, i.manager, i.extents
  FROM intent AS i
 WHERE i.id = ANY(ARRAY({met}))
   AND i.id <> :besides
   AND i.ovn NOT IN (SELECT k.value FROM json_each(:key) AS k)
   AND NOT (i.state = :idle_state
            AND i.manager IN (SELECT uss FROM uss_availability WHERE availability = :idle_of))
"""

_ANY_OF = """
SELECT 1 FROM json_each(:ids) AS p CROSS JOIN intent AS i
 WHERE i.id = p.value AND i.manager = :manager
 LIMIT 1
"""

_OF_SUBSCRIPTION = _COLUMNS + "WHERE i.subscription_id = :subscription_id ORDER BY i.id"

_DEPENDENTS = "SELECT id FROM intent WHERE subscription_id = :subscription_id ORDER BY id"

_INSERT = """
INSERT INTO intent (id, manager, state, version, ovn, uss_base_url, subscription_id,
                    time_start, time_end, cover, extents)
VALUES (:id, :manager, :state, :version, :ovn, :uss_base_url, :subscription_id,
        :time_start, :time_end, :cover, :extents)
"""

_UPDATE = """
UPDATE intent
   SET state = :state, version = :version, ovn = :ovn, uss_base_url = :uss_base_url,
       subscription_id = :subscription_id, time_start = :time_start, time_end = :time_end,
       cover = :cover, extents = :extents
 WHERE id = :id
"""

_DELETE = "DELETE FROM intent WHERE id = :id"


def _row(row: Row) -> IntentRow:
    return IntentRow(
        id=row[0],
        manager=row[1],
        state=row[2],
        version=row[3],
        ovn=row[4],
        uss_base_url=row[5],
        subscription_id=row[6],
        time_start=row[7],
        time_end=row[8],
        cover=NO_COVER if row[9] is None else Cover.from_bytes(row[9]),
        availability=row[10],
    )


def id_list(ids: Collection[str]) -> str:
    """Return ids as the JSON text that the statements unpack."""
    return msgspec.json.encode(sorted(ids)).decode()


class Intents:
    """The table of intents, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._cells = Cells(tx, INTENT)

    async def get(self, intent_id: str) -> IntentRow | None:
        """Return one intent, or None."""
        return self.read(await self._tx.fetch(*self.asked(intent_id)))

    async def find(self, where: Cover, *, besides: str | None = None) -> list[IntentRow]:
        """Return all that share a cell with ``where`` and touch it, ordered by id."""
        ids = await self._cells.find(where)
        ids.discard(besides or "")
        if not ids:
            return []
        return [_row(row) for row in await self._tx.fetch(_SELECT, {"ids": id_list(ids)})]

    async def unknown(
        self, where: Cover, key: Collection[str], *, besides: str, idle: tuple[str, str]
    ) -> list[Unknown]:
        """Return those of ``find`` whose OVN is not in ``key``, by id.

        Those in a state and of suppliers of an availability, ``idle``, are left out. The rows
        themselves are not read: in a crowded place a good key names thousands.
        """
        ids = await self._cells.find(where)
        ids.discard(besides)
        if not ids:
            return []
        state, availability = idle
        query = {
            "ids": id_list(ids),
            "key": id_list(key),
            "idle_state": state,
            "idle_of": availability,
        }
        return [Unknown(*row) for row in await self._tx.fetch(_UNKNOWN, query)]

    @staticmethod
    def asked_unknown(
        where: Cover, key: Collection[str], *, besides: str, idle: tuple[str, str]
    ) -> Asked:
        """Return the query for what ``unknown`` returns, in one statement for a database."""
        sql, parameters = met(INTENT, [where])
        query = {"besides": besides, "key": id_list(key), "idle_state": idle[0], "idle_of": idle[1]}
        return _UNKNOWN_OF_MET.format(met=sql), {**parameters, **query}

    @staticmethod
    def read_unknown(rows: Iterable[Row]) -> list[Unknown]:
        """Read the answer to ``asked_unknown``."""
        return [Unknown(*row) for row in sorted(rows)]

    @staticmethod
    def asked(intent_id: str) -> Asked:
        """Return the query for one intent."""
        return _GET, {"id": intent_id}

    @staticmethod
    def read(rows: Sequence[Row]) -> IntentRow | None:
        """Read the answer to ``asked``."""
        return _row(rows[0]) if rows else None

    async def bare(self, ids: Collection[str]) -> Iterator[IntentRow]:
        """Return those of some intents that are there, ordered by id, without their covers.

        One at a time: there may be very many, and each is only needed until it is told.
        """
        rows = await self._tx.fetch(_SELECT_BARE, {"ids": id_list(ids)}) if ids else []
        return map(_row, rows)

    async def met(self, where: Cover) -> Iterator[IntentRow]:
        """Return those of ``find`` without their covers, one at a time."""
        return await self.bare(await self._cells.find(where))

    async def meets(self, where: Cover, manager: str, *, besides: str) -> bool:
        """Report whether one of a manager's shares a cell with ``where`` and touches it."""
        ids = await self._cells.find(where)
        ids.discard(besides)
        if not ids:
            return False
        found = await self._tx.fetch_one(_ANY_OF, {"ids": id_list(ids), "manager": manager})
        return found is not None

    async def of_subscription(self, subscription_id: str) -> list[IntentRow]:
        """Return the intents that hang on a subscription, ordered by id."""
        rows = await self._tx.fetch(_OF_SUBSCRIPTION, {"subscription_id": subscription_id})
        return [_row(row) for row in rows]

    async def dependents(self, subscription_id: str) -> tuple[str, ...]:
        """Return the ids of the intents that hang on a subscription, in order."""
        rows = await self._tx.fetch(_DEPENDENTS, {"subscription_id": subscription_id})
        return tuple(row[0] for row in rows)

    async def put(self, intent: IntentRow, *, old: IntentRow | None) -> None:
        """Insert an intent, or overwrite ``old``, which the caller has read in this transaction."""
        await self._tx.execute(*_written(intent, old))
        if old is not None:
            if old.cover == intent.cover:
                return
            await self._cells.drop(old.id, old.cover)
        await self._cells.add(intent.id, intent.cover)

    @staticmethod
    def changes(intent: IntentRow, *, old: IntentRow | None) -> list[Asked]:
        """Return what ``put`` does, as changes of which none sees another, for a database.

        Of an old form that covers something else, ``leave`` first takes away what is left.
        """
        if old is not None and old.cover == intent.cover:
            return [_written(intent, old)]
        return [_written(intent, old), added(INTENT, intent.id, intent.cover)]

    async def leave(self, old: IntentRow, new: IntentRow) -> None:
        """Take away the cells that the new form does not cover any more."""
        if old.cover != new.cover:
            await self._tx.execute(*dropped(INTENT, old.id, old.cover, kept=new.cover))

    @staticmethod
    def removal(intent: IntentRow) -> list[Asked]:
        """Return what ``delete`` does, in the same way."""
        return [(_DELETE, {"id": intent.id}), dropped(INTENT, intent.id, intent.cover)]

    async def delete(self, intent: IntentRow) -> None:
        """Remove an intent that the caller has read in this transaction."""
        await self._tx.execute(_DELETE, {"id": intent.id})
        await self._cells.drop(intent.id, intent.cover)


def _written(intent: IntentRow, old: IntentRow | None) -> Asked:
    row: dict[str, object] = {
        "id": intent.id,
        "manager": intent.manager,
        "state": intent.state,
        "version": intent.version,
        "ovn": intent.ovn,
        "uss_base_url": intent.uss_base_url,
        "subscription_id": intent.subscription_id,
        "time_start": intent.time_start,
        "time_end": intent.time_end,
        "cover": intent.cover.to_bytes(),
        "extents": intent.extents,
    }
    if old is None:
        return _INSERT, row
    del row["manager"]
    return _UPDATE, row
