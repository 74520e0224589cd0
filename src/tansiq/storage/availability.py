"""What the arbiter says of suppliers' availability."""

from dataclasses import dataclass

from tansiq.storage.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityRow:
    """One row of ``uss_availability``."""

    uss: str
    availability: str
    version: str


_GET = "SELECT uss, availability, version FROM uss_availability WHERE uss = :uss"

_PUT = """
INSERT INTO uss_availability (uss, availability, version) VALUES (:uss, :availability, :version)
ON CONFLICT (uss) DO UPDATE SET availability = excluded.availability, version = excluded.version
"""


class Availability:
    """The availability table, inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def get(self, uss: str) -> AvailabilityRow | None:
        """Return what was set, or None if nothing ever was."""
        row = await self._tx.fetch_one(_GET, {"uss": uss})
        return (
            None
            if row is None
            else AvailabilityRow(uss=row[0], availability=row[1], version=row[2])
        )

    async def put(self, row: AvailabilityRow) -> None:
        """Set it."""
        await self._tx.execute(
            _PUT, {"uss": row.uss, "availability": row.availability, "version": row.version}
        )
