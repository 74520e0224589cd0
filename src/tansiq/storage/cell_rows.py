"""The index table: which entities share a cell with what is asked for, at a time and height.

Over PostgreSQL one statement serves all patches of a cover, whatever their number: the way there
and back costs more than the work. Its plan is the same whatever the server knows of the table, one
look into the key for each cell: else a plan of when the table was small is kept while it grows.
"""

from collections.abc import Iterable, Sequence

import msgspec

from tansiq.storage.cells import FINE, LSB_COARSE, Cover, Patch, parent
from tansiq.storage.store import Asked, Tx

_json = msgspec.json.Encoder()

_INSERT = """
INSERT INTO cell (kind, cell, time_end, entity, time_start, altitude_low, altitude_high)
SELECT :kind, CAST(p.value AS BIGINT), :time_end, :entity, :time_start, :low_m, :high_m
  FROM json_each(:cells) AS p
"""

_DELETE = """
DELETE FROM cell
 WHERE kind = :kind AND time_end = :time_end AND entity = :entity
   AND cell IN (SELECT CAST(p.value AS BIGINT) FROM json_each(:cells) AS p)
"""

_FIND_FINE = """
SELECT DISTINCT c.entity
  FROM json_each(:cells) AS p CROSS JOIN cell AS c
 WHERE c.kind = :kind AND c.cell = CAST(p.value AS BIGINT) AND c.time_end >= :time_start
   AND c.time_start <= :time_end
   AND c.altitude_high >= :low_m AND c.altitude_low <= :high_m
"""

_FIND_COARSE = """
SELECT DISTINCT c.entity
  FROM json_each(:cells) AS p CROSS JOIN cell AS c
 WHERE c.kind = :kind AND c.cell >= CAST(p.value AS BIGINT) - :reach
   AND c.cell <= CAST(p.value AS BIGINT) + :reach
   AND c.time_end >= :time_start AND c.time_start <= :time_end
   AND c.altitude_high >= :low_m AND c.altitude_low <= :high_m
"""

# For PostgreSQL alone.

# A row that stays is written over.
_ADD_ROWS = """
INSERT INTO cell (kind, cell, time_end, entity, time_start, altitude_low, altitude_high)
SELECT CAST(:kind AS BIGINT), p.cell, p.time_end, CAST(:entity AS TEXT), p.time_start, p.low_m,
       p.high_m
  FROM unnest(CAST(:cells AS BIGINT[]), CAST(:starts AS BIGINT[]), CAST(:ends AS BIGINT[]),
              CAST(:lows AS DOUBLE PRECISION[]), CAST(:highs AS DOUBLE PRECISION[]))
       AS p(cell, time_start, time_end, low_m, high_m)
ON CONFLICT (kind, cell, time_end, entity) DO UPDATE
   SET time_start = excluded.time_start, altitude_low = excluded.altitude_low,
       altitude_high = excluded.altitude_high
"""

_DROP_ROWS = """
DELETE FROM cell
 WHERE kind = :kind AND entity = :entity AND time_end = ANY(CAST(:ends AS BIGINT[]))
   AND cell = ANY(CAST(:cells AS BIGINT[]))
   AND NOT EXISTS (
       SELECT 1
         FROM unnest(CAST(:kept_cells AS BIGINT[]), CAST(:kept_ends AS BIGINT[])) AS k(cell, ending)
        WHERE k.cell = cell.cell AND k.ending = cell.time_end)
"""

# OFFSET 0 keeps the inner query for itself, hence the plan.
_MET_FINE = """
SELECT DISTINCT f.entity
  FROM unnest(CAST(:cells AS BIGINT[]), CAST(:starts AS BIGINT[]), CAST(:ends AS BIGINT[]),
              CAST(:lows AS DOUBLE PRECISION[]), CAST(:highs AS DOUBLE PRECISION[]))
       AS p(cell, time_start, time_end, low_m, high_m)
 CROSS JOIN LATERAL (
       SELECT c.entity FROM cell AS c
        WHERE c.kind = :kind AND c.cell = p.cell AND c.time_end >= p.time_start
          AND c.time_start <= p.time_end
          AND c.altitude_high >= p.low_m AND c.altitude_low <= p.high_m
       OFFSET 0) AS f
"""

_MET_COARSE = """
SELECT DISTINCT f.entity
  FROM unnest(CAST(:cells AS BIGINT[]), CAST(:starts AS BIGINT[]), CAST(:ends AS BIGINT[]),
              CAST(:lows AS DOUBLE PRECISION[]), CAST(:highs AS DOUBLE PRECISION[]),
              CAST(:reaches AS BIGINT[]))
       AS p(cell, time_start, time_end, low_m, high_m, reach)
 CROSS JOIN LATERAL (
       SELECT c.entity FROM cell AS c
        WHERE c.kind = :kind AND c.cell >= p.cell - p.reach AND c.cell <= p.cell + p.reach
          AND c.time_end >= p.time_start AND c.time_start <= p.time_end
          AND c.altitude_high >= p.low_m AND c.altitude_low <= p.high_m
       OFFSET 0) AS f
"""


def _bounds(patch: Patch) -> dict[str, object]:
    return {
        "time_start": patch.time_start,
        "time_end": patch.time_end,
        "low_m": patch.low_m,
        "high_m": patch.high_m,
    }


def _text(cells: Iterable[int]) -> str:
    return _json.encode(tuple(cells)).decode()


def _array(values: Iterable[float]) -> str:
    """Return numbers as PostgreSQL writes an array: the library looks at each element of a list."""
    return f"{{{','.join(map(repr, values))}}}"


def _columns(covers: Iterable[Cover], *, parents: bool = False) -> dict[str, str]:
    """Return a row for each cell, as columns; ``parents``: also for the coarse one about it."""
    cells, starts, ends, lows, highs, reaches = (list[float]() for _ in range(6))
    for where in covers:
        fine = where.level == FINE
        for patch in where.patches:
            each = {*patch.cells, *map(parent, patch.cells)} if parents and fine else patch.cells
            cells.extend(each)
            starts.extend([patch.time_start] * len(each))
            ends.extend([patch.time_end] * len(each))
            lows.extend([patch.low_m] * len(each))
            highs.extend([patch.high_m] * len(each))
            reaches.extend([0 if fine else LSB_COARSE - 1] * len(each))
    return {
        "cells": _array(cells),
        "starts": _array(starts),
        "ends": _array(ends),
        "lows": _array(lows),
        "highs": _array(highs),
        "reaches": _array(reaches),
    }


def met(kind: int, covers: Sequence[Cover]) -> Asked:
    """Return the query for all that ``Cells.find`` finds of any of them, for a database."""
    fine = all(where.level == FINE for where in covers)
    columns = {"kind": kind, **_columns(covers, parents=True)}
    return _MET_FINE if fine else _MET_COARSE, columns


def added(kind: int, entity: str, where: Cover) -> Asked:
    """Return the change that ``Cells.add`` makes, for a database; what stands is written over."""
    return _ADD_ROWS, {"kind": kind, "entity": entity, **_columns([where])}


def dropped(kind: int, entity: str, where: Cover, *, kept: Cover | None = None) -> Asked:
    """Return the change that ``Cells.drop`` makes, for a database, but for rows of ``kept``."""
    columns, others = _columns([where]), _columns([] if kept is None else [kept])
    return _DROP_ROWS, {
        "kind": kind,
        "entity": entity,
        "cells": columns["cells"],
        "ends": columns["ends"],
        "kept_cells": others["cells"],
        "kept_ends": others["ends"],
    }


class Cells:
    """The index table, inside the caller's transaction."""

    def __init__(self, tx: Tx, kind: int) -> None:
        self._tx = tx
        self._kind = kind

    async def add(self, entity: str, where: Cover) -> None:
        """Index an entity."""
        if self._tx.distant:
            await self._tx.execute(*added(self._kind, entity, where))
            return
        for patch in where.patches:
            row = {"kind": self._kind, "entity": entity, "cells": _text(patch.cells)}
            await self._tx.execute(_INSERT, row | _bounds(patch))

    async def drop(self, entity: str, where: Cover) -> None:
        """Undo ``add`` of the same cover."""
        if self._tx.distant:
            await self._tx.execute(*dropped(self._kind, entity, where))
            return
        for patch in where.patches:
            row = {
                "kind": self._kind,
                "entity": entity,
                "cells": _text(patch.cells),
                "time_end": patch.time_end,
            }
            await self._tx.execute(_DELETE, row)

    async def find(self, where: Cover) -> set[str]:
        """Return the entities that share a cell with ``where`` and touch it in altitude and time.

        Bounds are closed, and all are found: there is no LIMIT.
        """
        if self._tx.distant:
            return {row[0] for row in await self._tx.fetch(*met(self._kind, [where]))}
        found: set[str] = set()
        for patch in where.patches:
            bounds = {"kind": self._kind} | _bounds(patch)
            if where.level == FINE:
                cells = {*patch.cells, *map(parent, patch.cells)}
                rows = await self._tx.fetch(_FIND_FINE, bounds | {"cells": _text(cells)})
            else:
                reach = {"cells": _text(patch.cells), "reach": LSB_COARSE - 1}
                rows = await self._tx.fetch(_FIND_COARSE, bounds | reach)
            found.update(row[0] for row in rows)
        return found
