"""The last report of where each plan's aircraft is."""

from tansiq.storage.store import Tx

_GET = "SELECT document FROM telemetry WHERE plan_id = :plan_id"

_PUT = """
INSERT INTO telemetry (plan_id, measured, document)
VALUES (:plan_id, :measured, :document)
ON CONFLICT (plan_id) DO UPDATE
   SET measured = excluded.measured, document = excluded.document
 WHERE excluded.measured >= telemetry.measured
"""


class Telemetries:
    """The ``telemetry`` table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def get(self, plan_id: str) -> bytes | None:
        """Return a plan's last report, or None if there never was one."""
        row = await self._tx.fetch_one(_GET, {"plan_id": plan_id})
        return None if row is None else bytes(row[0])

    async def put(self, plan_id: str, *, measured: int, document: bytes) -> None:
        """Keep a report, measured at microseconds UTC, unless a later one is there."""
        values = {"plan_id": plan_id, "measured": measured, "document": document}
        await self._tx.execute(_PUT, values)
