"""Reports of trouble that others filed: rows in, rows out."""

from dataclasses import dataclass

from tansiq.storage.store import Tx

SHARE = 5
"""One reporter fills at most one part in so many: nobody can push out everybody else's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One row of ``report``; ``received`` is microseconds UTC, ``body`` the message as JSON."""

    id: str
    reporter: str
    filed_at: str
    """``dss`` or ``uss``: the role that was told."""
    received: int
    body: bytes


_COLUMNS = "id, reporter, filed_at, received, body"

_FILE = """
INSERT INTO report (id, reporter, filed_at, received, body)
VALUES (:id, :reporter, :filed_at, :received, :body)
"""

_DROP_OF_REPORTER = """
DELETE FROM report
 WHERE reporter = :reporter
   AND seq <= (SELECT seq FROM report WHERE reporter = :reporter
                ORDER BY seq DESC LIMIT 1 OFFSET :kept)
"""

_DROP_OLDEST = """
DELETE FROM report
 WHERE seq <= (SELECT seq FROM report ORDER BY seq DESC LIMIT 1 OFFSET :kept)
"""

_DROP_BEFORE = "DELETE FROM report WHERE received < :before"

_NEWEST_FIRST = f"SELECT {_COLUMNS} FROM report ORDER BY seq DESC"  # noqa: S608 - a constant, no input in it

_GET = f"SELECT {_COLUMNS} FROM report WHERE id = :id"  # noqa: S608 - same


class Reports:
    """The table of filed reports, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def add(self, row: ReportRow, *, kept_max: int, before: int) -> None:
        """Keep one report; drop those received ``before`` and the oldest above ``kept_max``."""
        await self._tx.execute(
            _FILE,
            {
                "id": row.id,
                "reporter": row.reporter,
                "filed_at": row.filed_at,
                "received": row.received,
                "body": row.body,
            },
        )
        share = {"reporter": row.reporter, "kept": max(1, kept_max // SHARE)}
        await self._tx.execute(_DROP_OF_REPORTER, share)
        await self._tx.execute(_DROP_OLDEST, {"kept": kept_max})
        await self._tx.execute(_DROP_BEFORE, {"before": before})

    async def newest_first(self) -> list[ReportRow]:
        """Return all reports that are kept."""
        return [_row(row) for row in await self._tx.fetch(_NEWEST_FIRST)]

    async def get(self, report_id: str) -> ReportRow | None:
        """Return one report, or None."""
        row = await self._tx.fetch_one(_GET, {"id": report_id})
        return None if row is None else _row(row)


def _row(row: tuple[object, ...]) -> ReportRow:
    report_id, reporter, filed_at, received, body = row
    assert isinstance(received, int) and isinstance(body, bytes)  # noqa: S101, PT018 - our schema
    return ReportRow(
        id=str(report_id),
        reporter=str(reporter),
        filed_at=str(filed_at),
        received=received,
        body=body,
    )
