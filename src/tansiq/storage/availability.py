"""What the arbiter says of suppliers' availability."""

from collections.abc import Sequence
from dataclasses import dataclass

from tansiq.storage.store import Asked, Row, Tx


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
        return self.read(await self._tx.fetch(*self.asked(uss)))

    @staticmethod
    def asked(uss: str) -> Asked:
        """Return the query for one supplier."""
        return _GET, {"uss": uss}

    @staticmethod
    def read(rows: Sequence[Row]) -> AvailabilityRow | None:
        """Read the answer to ``asked``."""
        return (
            AvailabilityRow(uss=rows[0][0], availability=rows[0][1], version=rows[0][2])
            if rows
            else None
        )

    async def put(self, row: AvailabilityRow) -> None:
        """Set it."""
        await self._tx.execute(
            _PUT, {"uss": row.uss, "availability": row.availability, "version": row.version}
        )
