"""Who of several processes does what is to be done once, and until when without another word.

A lease spares work; it proves nothing to the store. What two holders at once would spoil needs a
fence of its own, as the run number in the gates is.
"""

from tansiq.storage.store import Tx

_CLAIM = """
INSERT INTO lease (name, holder, until) VALUES (:name, :holder, :until)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
 WHERE lease.holder = excluded.holder OR lease.until <= :now
"""

_GIVE_BACK = "DELETE FROM lease WHERE name = :name AND holder = :holder"


async def claim(tx: Tx, name: str, holder: str, *, life_us: int, now: int) -> bool:
    """Take or prolong a lease; report whether it is the holder's from here on.

    ``now`` is the process's time, for stores that have none of their own: that of a database
    counts for all of its processes.
    """
    at = tx.time_us(now)
    values = {"name": name, "holder": holder, "until": at + life_us, "now": at}
    return await tx.execute(_CLAIM, values) > 0


async def give_back(tx: Tx, name: str, holder: str) -> None:
    """End a lease before its time, if it is the holder's."""
    await tx.execute(_GIVE_BACK, {"name": name, "holder": holder})
