"""Our register as an instance of a pool, and the heartbeats that are reported for it.

A pool is a set of DSS instances that hold one picture of the airspace together. A register of ours
shares its picture with no other: in direct mode each is a picture of its own, and a pool has one.
The node writes a heartbeat of its own, which shows that its store takes commits; what watches it
from outside may report others. Nothing here acts on them.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from tansiq.domain.agreement import Party
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import BadInput
from tansiq.storage.heartbeats import HeartbeatRow, Heartbeats
from tansiq.storage.store import Store, Tx

SOURCE_CHARS_MAX = 200
OWN_SOURCE = "node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A sign of life, by the word of ``reporter``; empty: the node's own."""

    source: str
    reporter: str
    made: datetime
    next_before: datetime | None
    number: int = 0

    def __post_init__(self) -> None:
        if not self.source.strip() or len(self.source) > SOURCE_CHARS_MAX:
            raise BadInput(
                f"say what triggered it, in 1 to {SOURCE_CHARS_MAX} characters", field="source"
            )
        if not self.source.isprintable():
            raise BadInput("control characters; leave them out", field="source")
        if self.next_before is not None and self.next_before < self.made:
            raise BadInput(
                f"{zulu(self.next_before)} is before the heartbeat itself ({zulu(self.made)})",
                field="next_heartbeat_expected_before",
            )


class Pool:
    """What our register tells of the pool it is."""

    def __init__(self, party: Party, store: Store, skew: timedelta) -> None:
        self.instance: str = party.id
        self.endpoint = party.url
        # Of the key, which stays when the store is restored or the agreement amended.
        self.dar_id = f"{party.id}-{hashlib.sha256(party.public_key).hexdigest()[:16]}"
        self._store = store
        self._skew = skew

    async def latest(self) -> Heartbeat | None:
        """Return the latest heartbeat of our instance."""

        async def read(tx: Tx) -> HeartbeatRow | None:
            return await Heartbeats(tx).latest(self.instance)

        row = await self._store.read(read)
        if row is None:
            return None
        return Heartbeat(
            source=row.source,
            reporter=row.reporter,
            made=from_micros(row.made),
            next_before=None if row.next_before is None else from_micros(row.next_before),
            number=row.number,
        )

    async def beat(self, now: datetime, until_next: timedelta) -> None:
        """Write a heartbeat of the node's own.

        Raises:
            StoreError: it cannot, hence is not well.
        """
        own = Heartbeat(source=OWN_SOURCE, reporter="", made=now, next_before=now + until_next)
        await self.report(own, now)

    async def report(self, heartbeat: Heartbeat, now: datetime) -> None:
        """Keep a heartbeat, unless a later one is there.

        Raises:
            BadInput: it lies ahead; it would hide the true ones until then.
        """
        if heartbeat.made > now + self._skew:
            raise BadInput(
                f"{zulu(heartbeat.made)} is more than {self._skew} ahead of us ({zulu(now)})",
                field="timestamp",
            )
        row = HeartbeatRow(
            source=heartbeat.source,
            reporter=heartbeat.reporter,
            made=micros(heartbeat.made),
            next_before=None if heartbeat.next_before is None else micros(heartbeat.next_before),
        )

        async def write(tx: Tx) -> None:
            await Heartbeats(tx).put(self.instance, row)

        await self._store.write(write)
