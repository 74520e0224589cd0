"""Which rows of ``stripe`` a write takes, so that of two that might concern each other one waits.

A store of several writers orders transactions by rows that each *updates* before it reads what it
decides by. Locking alone would not do: under snapshot isolation the second would go on with a
snapshot from before the first (docs/decisions/postgres.md has the argument and what was measured).

Three ranges, taken in this order, so that nobody waits in a circle: gates, entities, cells in time.
A write that is alone takes every gate; one that goes beside others takes one of them, then its
entity, then all subscriptions and cells that it reads or changes.
"""

from collections.abc import Iterable, Sequence
from typing import Final
from zlib import crc32

from tansiq.storage.cells import COARSE, Cover
from tansiq.storage.store import Tx

GATES: Final = 32
"""Who is alone updates all; two who are not meet in one by chance, one time in so many."""
PROBE: Final = 998
"""For trying out whether stripes order anything; no write takes it or the next."""
AIR: Final = 12
"""Level of the cells that order writes, about 2.4 km: half as many rows a write as with those of
the index, or fewer, and writes at one place and time meet anyhow."""
HALF_HOUR_US: Final = 1_800 * 10**6
KEYS_MAX: Final = 1_000
"""Cells and half hours of one write; beyond, to be alone costs less than so many rows."""

_ENTITIES: Final = range(1_000, 1_000 + (1 << 14))
_SUBSCRIPTIONS: Final = range(100_000, 100_000 + (1 << 14))
_CELLS: Final = range(1_000_000, 1_000_000 + (1 << 16))
_LSB_AIR: Final = 1 << 2 * (30 - AIR)
_64_BITS: Final = (1 << 64) - 1


def gate_of(number: int) -> int:
    """Return one of the gates."""
    return number % GATES


def entity_key(entity: str) -> int:
    """Return the row of an intent or a constraint."""
    return _ENTITIES[crc32(entity.encode()) % len(_ENTITIES)]


def subscription_key(subscription: str) -> int:
    """Return the row of a subscription, for who writes it and who hangs an intent on it."""
    return _SUBSCRIPTIONS[crc32(subscription.encode()) % len(_SUBSCRIPTIONS)]


def cover_keys(covers: Iterable[Cover]) -> set[int] | None:
    """Return the rows of what is covered; None: so many that the write had better be alone.

    Two covers that share a cell and an instant share a row. Coarse covers have none: each of their
    cells holds hundreds of those that a fine one names.
    """
    found: set[int] = set()
    for cover in covers:
        if cover.level == COARSE:
            return None
        for patch in cover.patches:
            first, last = patch.time_start // HALF_HOUR_US, patch.time_end // HALF_HOUR_US
            airs = {_air(cell) for cell in patch.cells}
            if (last - first + 1) * len(airs) > KEYS_MAX:
                return None
            found.update(_key(air, at) for air in airs for at in range(first, last + 1))
        if len(found) > KEYS_MAX:
            return None
    return found


def _air(cell: int) -> int:
    return (cell & -_LSB_AIR) | _LSB_AIR


def _key(cell: int, half_hour: int) -> int:
    # Multiplied by odd constants and cut to the highest bits: ids of cells end in many zeros.
    mixed = (cell * 0x9E3779B97F4A7C15 + half_hour * 0xC2B2AE3D27D4EB4F) & _64_BITS
    return _CELLS[((mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 & _64_BITS) >> 48]


def entity_keys(
    entity: str, covers: Iterable[Cover], subscriptions: Iterable[str | None] = ()
) -> frozenset[int]:
    """Return what a write of an entity will take; none where it will be alone."""
    keys = cover_keys(covers)
    if keys is None:
        return frozenset()
    keys.update(subscription_key(each) for each in subscriptions if each is not None)
    return frozenset(keys | {entity_key(entity)})


async def take_entity(tx: Tx, entity: str) -> None:
    """Take the row of one entity: from here on nobody else changes it."""
    if tx.shares:
        await tx.lock([entity_key(entity)])


async def take_subscription(tx: Tx, subscription: str) -> None:
    """Take the row of one subscription: nobody else changes it, or hangs an intent on it."""
    if tx.shares:
        await tx.lock([subscription_key(subscription)])


async def take_covers(
    tx: Tx, covers: Sequence[Cover], *, subscriptions: Iterable[str | None] = ()
) -> None:
    """Take the rows of all that is covered, and of subscriptions; or be alone."""
    await take_all(tx, None, covers, subscriptions=subscriptions)


async def take_all(
    tx: Tx,
    entity: str | None,
    covers: Sequence[Cover],
    *,
    subscriptions: Iterable[str | None] = (),
) -> None:
    """Take the row of an entity and those of all that is covered at once; or be alone.

    For who expects to find nothing that covers more: who does takes the rest too, and then begins
    again.
    """
    if not tx.shares:
        return
    keys = cover_keys(covers)
    if keys is None:
        await tx.alone()
        return
    keys.update(subscription_key(each) for each in subscriptions if each is not None)
    if entity is not None:
        keys.add(entity_key(entity))
    await tx.lock([*keys])
