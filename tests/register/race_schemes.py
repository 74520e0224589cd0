"""The store on PostgreSQL as it is, and the broken orders that a race must notice."""

from typing import ClassVar

from tansiq.storage.postgres import PostgresStore
from tansiq.storage.postgres_checks import Order

SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"
_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
_KEYS = "(SELECT u.k FROM unnest($1::BIGINT[]) AS u(k) ORDER BY u.k) AS s"

NO_LOCK = Order(PostgresStore.ORDER.begin, f"SELECT s.k, 0::BIGINT, {_NOW} FROM {_KEYS}")
ADVISORY = Order(
    SNAPSHOT,
    f"SELECT t.k, length(t.held)::BIGINT, {_NOW} FROM "
    f"(SELECT s.k, pg_advisory_xact_lock(s.k)::TEXT AS held FROM {_KEYS}) AS t",
)
FOR_UPDATE = Order(
    SNAPSHOT,
    f"SELECT k, run, {_NOW} FROM stripe WHERE k = ANY($1::BIGINT[]) ORDER BY k FOR UPDATE",
)
SNAPSHOT_UPDATED = Order(SNAPSHOT, PostgresStore.ORDER.take)
"""What YugabyteDB may make of READ COMMITTED; right, by collisions."""

SCHEMES: dict[str, Order] = {
    "as it is": PostgresStore.ORDER,
    "snapshot, updated": SNAPSHOT_UPDATED,
    "no lock": NO_LOCK,
    "snapshot, advisory lock": ADVISORY,
    "snapshot, for update": FOR_UPDATE,
}
BROKEN = ("no lock", "snapshot, advisory lock", "snapshot, for update")

FILL = """
INSERT INTO stripe (k, n, run)
SELECT g, 0, 0 FROM generate_series(CAST(:first AS BIGINT), CAST(:last AS BIGINT)) AS g
ON CONFLICT DO NOTHING
"""
"""FOR UPDATE finds only rows that are there."""


def scheme(name: str) -> type[PostgresStore]:
    """Return the store with one of the orders."""

    class Ordered(PostgresStore):
        ORDER: ClassVar[Order] = SCHEMES[name]

    return Ordered
