"""Which references and subscriptions have ended, and how many each manager holds.

Tables are read a piece at a time in the order of their ids: an index by end would cost every write
what a slow clean-up can well do without.
"""

from typing import Final

from tansiq.storage.cells import CONSTRAINT, INTENT, SUBSCRIPTION
from tansiq.storage.store import Tx

KINDS: Final = (INTENT, CONSTRAINT, SUBSCRIPTION)
"""In this order: a subscription goes only when no intent hangs on it."""

_ENDS: Final = {
    INTENT: "SELECT id, time_end FROM intent WHERE id > :after ORDER BY id LIMIT :limit",
    CONSTRAINT: """
        SELECT id, time_end FROM constraint_reference WHERE id > :after ORDER BY id LIMIT :limit
    """,
    SUBSCRIPTION: """
        SELECT id, time_end FROM subscription WHERE id > :after ORDER BY id LIMIT :limit
    """,
}

_HELD: Final = {
    INTENT: "SELECT manager, COUNT(*) FROM intent GROUP BY manager",
    CONSTRAINT: "SELECT manager, COUNT(*) FROM constraint_reference GROUP BY manager",
    # Implicit ones come and go with intents, which are counted.
    SUBSCRIPTION: "SELECT manager, COUNT(*) FROM subscription WHERE implicit = 0 GROUP BY manager",
}


async def ended(
    tx: Tx, kind: int, *, after: str, before: int, limit: int
) -> tuple[list[str], str | None]:
    """Look at the next ``limit`` rows after an id: which ended before a time, microseconds UTC.

    Returns their ids, and where to go on, or None at the end of the table.
    """
    rows = await tx.fetch(_ENDS[kind], {"after": after, "limit": limit})
    found = [row[0] for row in rows if row[1] < before]
    return found, rows[-1][0] if len(rows) == limit else None


async def held(tx: Tx, kind: int) -> dict[str, int]:
    """Return how many each manager has."""
    return dict(await tx.fetch(_HELD[kind]))
