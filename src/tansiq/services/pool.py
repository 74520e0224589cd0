"""Our register as an instance of a pool, and the heartbeats that are reported for it.

A pool is a set of DSS instances that hold one picture of the airspace together: those that serve
from one store. In direct mode each party's register is a picture of its own, hence a pool of one.
An instance writes a heartbeat of its own, which shows that its store takes commits; what watches it
from outside may report others. Nothing here acts on them.

A manager is a name, in all of a pool. So whoever signs for itself at one instance is nobody else at
any other: an instance that knows the same name by another key is refused, and an issuer gives that
name to nobody (``names``).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tansiq.domain.agreement import Agreement, Party
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import BadInput, WrongState
from tansiq.storage.heartbeats import HeartbeatRow, Heartbeats
from tansiq.storage.instances import InstanceRow, Instances
from tansiq.storage.store import Store, Tx

SOURCE_CHARS_MAX = 200
OWN_SOURCE = "node"
FORGOTTEN_AFTER: Final = timedelta(days=30)
"""An instance that has given no sign of life for so long is not listed any more."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One DSS instance of the pool."""

    id: str
    endpoint: str
    latest: Heartbeat | None


class Pool:
    """What our instance tells of the pool, and puts there of itself.

    ``parties`` sign for themselves here, as the agreement has them.
    """

    def __init__(
        self, party: Party, store: Store, skew: timedelta, parties: Sequence[Party] = ()
    ) -> None:
        self.instance: str = party.id
        self.endpoint = party.url
        self.names: frozenset[str] = frozenset(each.id for each in parties)
        """Who signs for itself somewhere in the pool, as of the latest heartbeat of ours."""
        # Of the key, which stays when the store is restored or the agreement amended.
        self._own_dar_id = f"{party.id}-{_print(party)[:16]}"
        self._row = InstanceRow(
            id=party.id,
            endpoint=party.url,
            parties={each.id: _print(each) for each in (party, *parties)},
        )
        self._store = store
        self._skew = skew

    @classmethod
    def of(cls, agreement: Agreement, party: Party, store: Store, skew: timedelta) -> "Pool":
        """Return the pool as an instance sees it that holds an agreement."""
        return cls(party, store, skew, agreement.parties)

    async def dar_id(self) -> str:
        """Return what the pool is called: by whoever was there first."""
        return await self._store.read(lambda tx: Instances(tx).dar_id()) or self._own_dar_id

    async def instances(self) -> tuple[Instance, ...]:
        """Return all instances, ordered by id; ours is one of them."""
        rows = await self._store.read(lambda tx: Instances(tx).all())
        if all(row.id != self.instance for row in rows):
            rows = sorted([*rows, self._row], key=lambda row: row.id)
        return tuple(
            Instance(id=row.id, endpoint=row.endpoint, latest=_heartbeat(row.heartbeat))
            for row in rows
        )

    async def enter(self, now: datetime) -> None:
        """Be an instance of the pool from now on.

        Raises:
            WrongState: one that lives knows a name of ours by another key.
            StoreError: the store cannot be written.
        """

        async def write(tx: Tx) -> None:
            table = Instances(tx)
            at = tx.time_us(micros(now))
            for row in await table.all():
                beat = row.heartbeat
                if beat is not None and (beat.next_before or beat.made) >= at:
                    self._check(row)
            await table.name(self._own_dar_id)
            await table.put(self._row)

        await self._store.write(write)

    def _check(self, other: InstanceRow) -> None:
        for name, key in self._row.parties.items():
            if other.parties.get(name, key) != key:
                raise WrongState(
                    f"the instance {other.id} of this pool ({other.endpoint}) knows {name} by "
                    f"another key: {name} there could change what is {name}'s here; give one of "
                    "the two another id, or end that instance",
                    field="party",
                )

    async def beat(self, now: datetime, until_next: timedelta) -> None:
        """Write a heartbeat of the node's own, and learn who else is in the pool.

        Raises:
            StoreError: it cannot, hence is not well.
        """

        async def write(tx: Tx) -> frozenset[str]:
            at = tx.time_us(micros(now))
            until = at + until_next // timedelta(microseconds=1)
            row = HeartbeatRow(source=OWN_SOURCE, reporter="", made=at, next_before=until)
            table = Instances(tx)
            await table.name(self._own_dar_id)
            await table.put(self._row)
            await Heartbeats(tx).put(self.instance, row)
            await table.forget(at - FORGOTTEN_AFTER // timedelta(microseconds=1))
            return frozenset(name for each in await table.all() for name in each.parties)

        self.names = await self._store.write(write)

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
            await Instances(tx).put(self._row)
            await Heartbeats(tx).put(self.instance, row)

        await self._store.write(write)

    async def leave(self, now: datetime) -> None:
        """Say that no further heartbeat is to be expected: this process ends in order.

        Raises:
            StoreError: it cannot be said.
        """
        own = Heartbeat(source=OWN_SOURCE, reporter="", made=now, next_before=now)
        await self.report(own, now)


def _print(party: Party) -> str:
    return hashlib.sha256(party.public_key).hexdigest()


def _heartbeat(row: HeartbeatRow | None) -> Heartbeat | None:
    if row is None:
        return None
    return Heartbeat(
        source=row.source,
        reporter=row.reporter,
        made=from_micros(row.made),
        next_before=None if row.next_before is None else from_micros(row.next_before),
        number=row.number,
    )
