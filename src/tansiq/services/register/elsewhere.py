"""What the register of a worker without the desk may not accept by itself.

A newcomer that meets a plan of the node's own reopens it, in the transaction that accepts it; and
plans are written by the desk alone. So such a write is undone, and the request handed to the
process that holds the desk. Every plan of ours that stands at this register is in its tables, in
the form that a newcomer would meet; one that is not placed here yet meets the newcomer when it is.
"""

from tansiq.services.register.values import AcceptedWrite, OnAccepted
from tansiq.storage.intents import Intents
from tansiq.storage.store import Tx


class HandOver(Exception):
    """The write is the desk's to make; nothing of it was kept."""


def unless_ours(party: str) -> OnAccepted:
    """Return what looks, inside a transaction, whether the write meets a plan of ``party``."""

    async def accepted(tx: Tx, write: AcceptedWrite) -> None:
        if write.removed:
            return
        if await Intents(tx).meets(write.cover, party, besides=write.id):
            raise HandOver

    return accepted
