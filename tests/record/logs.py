"""Two parties' logs over real files, for the tests of the record."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stores import AnyStore, open_store
from tansiq.formats.checkpoint import Cosignature
from tansiq.formats.signed_note import NameOf, verifier_key
from tansiq.services.record import Record, Witness
from tansiq.settings import Limits
from tansiq.storage.store import Tx

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
LIMITS = Limits()
KEYS = {
    party: Ed25519PrivateKey.from_private_bytes(party.encode().ljust(32))
    for party in ("north", "south", "east")
}
LOGS = {NameOf.LOG.by(p): verifier_key(NameOf.LOG.by(p), key) for p, key in KEYS.items()}


@dataclass(frozen=True)
class Side:
    """One party: its file, its log, and itself as witness of the others."""

    party: str
    path: Path
    store: AnyStore
    record: Record
    witness: Witness

    @classmethod
    def open(cls, party: str, path: Path, *, limits: Limits = LIMITS) -> "Side":
        store, key = open_store(path), KEYS[party]
        others = {origin: k for origin, k in LOGS.items() if origin != NameOf.LOG.by(party)}
        return cls(
            party,
            path,
            store,
            Record(store, party=party, signing_key=key, limits=limits),
            Witness(store, party=party, signing_key=key, logs=others, limits=limits),
        )

    async def say(self, *bodies: bytes) -> int:
        """Append entries, each a second later than the one before."""

        async def write(tx: Tx) -> int:
            for body in bodies:
                size = (await self.record.head(tx)).size
                now = NOON + timedelta(seconds=size)
                await self.record.append(tx, "note", body, now=now)
            return (await self.record.head(tx)).size

        return await self.store.write(write)

    async def say_many(self, count: int) -> int:
        """Append so many numbered entries."""
        return await self.say(*(f"{self.party} says {n}".encode() for n in range(count)))

    async def ask(
        self, other: "Side", *, now: datetime = NOON, old: int | None = None
    ) -> tuple[Cosignature, ...]:
        """Have another witness our newest checkpoint, and keep what it answers."""
        handed = await self.record.to_witness(other.witness.key.name, old=old)
        line = await other.witness.accept(handed.encode(), now=now)
        return await self.record.keep(handed.checkpoint, line.line(), [other.witness.key])


async def close(sides: Collection[Side]) -> None:
    for side in sides:
        await side.store.close()
