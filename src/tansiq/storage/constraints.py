"""References of constraints that stand in the register."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from tansiq.storage.cell_rows import Cells
from tansiq.storage.cells import CONSTRAINT, NO_COVER, Cover
from tansiq.storage.intents import UNKNOWN, id_list
from tansiq.storage.store import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintRow:
    """One row of ``constraint_reference``; times are microseconds UTC."""

    id: str
    manager: str
    version: int
    ovn: str
    uss_base_url: str
    time_start: int
    time_end: int
    cover: Cover
    extents: bytes | None = None
    """Its volumes, packed."""
    availability: str = UNKNOWN
    """Of the manager, now; not part of the row."""


_COLUMNS = """
SELECT r.id, r.manager, r.version, r.ovn, r.uss_base_url, r.time_start, r.time_end, r.cover,
       r.extents, COALESCE(a.availability, 'Unknown')
  FROM constraint_reference AS r LEFT JOIN uss_availability AS a ON a.uss = r.manager
"""

_BARE = _COLUMNS.replace("r.cover", "NULL").replace("r.extents", "NULL")

_GET = _COLUMNS + "WHERE r.id = :id"

_AMONG = "WHERE r.id IN (SELECT p.value FROM json_each(:ids) AS p) ORDER BY r.id"

_SELECT = _COLUMNS + _AMONG

_SELECT_BARE = _BARE + _AMONG

_INSERT = """
INSERT INTO constraint_reference (id, manager, version, ovn, uss_base_url, time_start, time_end,
                                  cover, extents)
VALUES (:id, :manager, :version, :ovn, :uss_base_url, :time_start, :time_end, :cover, :extents)
"""

_UPDATE = """
UPDATE constraint_reference
   SET version = :version, ovn = :ovn, uss_base_url = :uss_base_url, time_start = :time_start,
       time_end = :time_end, cover = :cover, extents = :extents
 WHERE id = :id
"""

_DELETE = "DELETE FROM constraint_reference WHERE id = :id"


def _row(row: Row) -> ConstraintRow:
    return ConstraintRow(
        id=row[0],
        manager=row[1],
        version=row[2],
        ovn=row[3],
        uss_base_url=row[4],
        time_start=row[5],
        time_end=row[6],
        cover=NO_COVER if row[7] is None else Cover.from_bytes(row[7]),
        extents=row[8],
        availability=row[9],
    )


class Constraints:
    """The table of constraints, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._cells = Cells(tx, CONSTRAINT)

    async def get(self, constraint_id: str) -> ConstraintRow | None:
        """Return one constraint, or None."""
        row = await self._tx.fetch_one(_GET, {"id": constraint_id})
        return None if row is None else _row(row)

    async def find(self, where: Cover) -> list[ConstraintRow]:
        """Return all that share a cell with ``where`` and touch it, ordered by id."""
        ids = await self._cells.find(where)
        if not ids:
            return []
        return [_row(row) for row in await self._tx.fetch(_SELECT, {"ids": id_list(ids)})]

    async def bare(self, ids: Collection[str]) -> Iterator[ConstraintRow]:
        """Return those of some constraints that are there, ordered by id, without their covers."""
        rows = await self._tx.fetch(_SELECT_BARE, {"ids": id_list(ids)}) if ids else []
        return map(_row, rows)

    async def met(self, where: Cover) -> Iterator[ConstraintRow]:
        """Return those of ``find`` without their covers, one at a time."""
        return await self.bare(await self._cells.find(where))

    async def put(self, constraint: ConstraintRow, *, old: ConstraintRow | None) -> None:
        """Insert a constraint, or overwrite ``old``, which the caller has read just now."""
        row = {
            "id": constraint.id,
            "manager": constraint.manager,
            "version": constraint.version,
            "ovn": constraint.ovn,
            "uss_base_url": constraint.uss_base_url,
            "time_start": constraint.time_start,
            "time_end": constraint.time_end,
            "cover": constraint.cover.to_bytes(),
            "extents": constraint.extents,
        }
        if old is None:
            await self._tx.execute(_INSERT, row)
        else:
            del row["manager"]
            await self._tx.execute(_UPDATE, row)
            await self._cells.drop(old.id, old.cover)
        await self._cells.add(constraint.id, constraint.cover)

    async def delete(self, constraint: ConstraintRow) -> None:
        """Remove a constraint that the caller has read in this transaction."""
        await self._tx.execute(_DELETE, {"id": constraint.id})
        await self._cells.drop(constraint.id, constraint.cover)
