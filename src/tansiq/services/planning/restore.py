"""After a restart: what was known of the sky, from the store."""

from collections.abc import Sequence

import msgspec

from tansiq.errors import PeerMalformed
from tansiq.f3548 import wire
from tansiq.services.airspace import CONSTRAINT, Airspace
from tansiq.services.planning.records import Entity, Records
from tansiq.storage.plans import ViewRow, Views
from tansiq.storage.store import Store, Tx


async def restore_airspace(store: Store, airspace: Airspace, records: Records) -> None:
    """Read every record back; they are hints, and the first sweep brings them up to date."""

    async def read(tx: Tx) -> Sequence[ViewRow]:
        return await Views(tx).all()

    for row in await store.read(read):
        if row.register not in airspace.registers:
            continue  # It does not count for the time being.
        document: Entity
        if row.kind == CONSTRAINT:
            document = msgspec.json.decode(row.document, type=wire.Constraint)
        else:
            document = msgspec.json.decode(row.document, type=wire.OperationalIntent)
        try:
            airspace.put(records.of(row.register, document).known)
        except PeerMalformed:  # Taken by an earlier version of ours; it is asked for again.
            continue
