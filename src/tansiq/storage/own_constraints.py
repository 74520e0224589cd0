"""Own no-go areas and which register holds which revision of them."""

from dataclasses import dataclass

from tansiq.storage.store import Row, Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnConstraintRow:
    """One row; times are microseconds UTC."""

    id: str
    name: str
    revision: int
    """Rises with each change of volumes."""
    ending: bool
    time_start: int
    time_end: int
    volumes: bytes
    stated: bytes
    slots: bytes
    updated: int
    confirmed: int
    """When a person last said that it is still wanted."""


_PUT = """
INSERT INTO own_constraint (id, name, revision, ending, time_start, time_end, volumes, stated,
                            slots, updated, confirmed)
VALUES (:id, :name, :revision, :ending, :time_start, :time_end, :volumes, :stated, :slots, :updated,
        :confirmed)
ON CONFLICT (id) DO UPDATE
   SET revision = excluded.revision, ending = excluded.ending,
       time_start = excluded.time_start, time_end = excluded.time_end,
       volumes = excluded.volumes, stated = excluded.stated,
       slots = excluded.slots, updated = excluded.updated, confirmed = excluded.confirmed
"""

_GET = """
SELECT id, name, revision, ending, time_start, time_end, volumes, stated, slots, updated, confirmed
  FROM own_constraint
 WHERE id = :id
"""

_ALL = """
SELECT id, name, revision, ending, time_start, time_end, volumes, stated, slots, updated, confirmed
  FROM own_constraint
 ORDER BY time_start, id
"""


def _row(row: Row) -> OwnConstraintRow:
    return OwnConstraintRow(
        id=row[0],
        name=row[1],
        revision=row[2],
        ending=bool(row[3]),
        time_start=row[4],
        time_end=row[5],
        volumes=row[6],
        stated=row[7],
        slots=row[8],
        updated=row[9],
        confirmed=row[10],
    )


class OwnConstraintRows:
    """The ``own_constraint`` table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def get(self, constraint_id: str) -> OwnConstraintRow | None:
        """Return one no-go area of ours."""
        row = await self._tx.fetch_one(_GET, {"id": constraint_id})
        return None if row is None else _row(row)

    async def all(self) -> list[OwnConstraintRow]:
        """Return all, by start time."""
        return [_row(row) for row in await self._tx.fetch(_ALL)]

    async def put(self, constraint: OwnConstraintRow) -> None:
        """Insert or overwrite one."""
        await self._tx.execute(
            _PUT,
            {
                "id": constraint.id,
                "name": constraint.name,
                "revision": constraint.revision,
                "ending": int(constraint.ending),
                "time_start": constraint.time_start,
                "time_end": constraint.time_end,
                "volumes": constraint.volumes,
                "stated": constraint.stated,
                "slots": constraint.slots,
                "updated": constraint.updated,
                "confirmed": constraint.confirmed,
            },
        )
