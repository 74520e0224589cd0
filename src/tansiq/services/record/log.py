"""Our own log: appended to in the caller's transaction, signed only once it is committed.

A checkpoint is signed from a reading transaction of its own: one that was signed before its commit
could be of a history that never came about, and two histories under one key cannot be mended.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain.merkle import Frontier
from tansiq.domain.time import micros
from tansiq.errors import BadSignature, RecordRolledBack, TooLarge
from tansiq.formats.checkpoint import (
    AddCheckpoint,
    Checkpoint,
    Cosignature,
    LogProof,
    OpenCheckpoint,
    check_cosignature,
    open_checkpoint,
    sign_checkpoint,
)
from tansiq.formats.signed_note import (
    NameOf,
    SignedNote,
    VerifierKey,
    parse_signatures,
    verify,
)
from tansiq.settings import Limits
from tansiq.storage.record import EntryRow, RecordLog
from tansiq.storage.store import Store, Tx
from tansiq.storage.witness import CosignatureRow, Witnessed

START: Final = (-(2**62), -1)
"""Before every entry, for ``Record.within``."""


class KnownRecord:
    """One party's log as whoever has its public key can hold it against what was signed."""

    def __init__(self, store: Store, *, party: str, public_key: bytes) -> None:
        self.store = store
        self.origin = NameOf.LOG.by(party)
        self.key = VerifierKey(self.origin, public_key)

    async def compare(self, peer: str, seen: bytes) -> OpenCheckpoint:
        """Hold our record against a checkpoint of ours that a peer has seen.

        Only our own signature counts: nobody can stop us by a claim.

        Raises:
            BadInput: not a checkpoint of ours.
            BadSignature: we have not signed it.
            RecordRolledBack: we have, and our record does not lead to it.
        """
        opened = open_checkpoint(seen, self.key)
        told = opened.checkpoint

        async def read(tx: Tx) -> tuple[int, bytes | None]:
            log = RecordLog(tx)
            head = await log.head()
            if told.size > head.size:
                return head.size, None
            return head.size, (await log.head_at(told.size)).root()

        size, root = await self.store.read(read)
        if root is None:
            raise RecordRolledBack(
                f"{peer} holds our signed checkpoint of {told.size:,} entries, and our record has "
                f"{size:,}: {_REMEDY}"
            )
        if root != told.root:
            raise RecordRolledBack(
                f"{peer} holds our signed checkpoint of {told.size:,} entries, and our record had "
                f"another root with as many: {_REMEDY}"
            )
        return opened


class Record(KnownRecord):
    """One party's log. Its origin, and the name of its key, is the party's id and ``/log``."""

    def __init__(
        self, store: Store, *, party: str, signing_key: Ed25519PrivateKey, limits: Limits
    ) -> None:
        super().__init__(store, party=party, public_key=signing_key.public_key().public_bytes_raw())
        self._signing_key = signing_key
        self._limits = limits

    # Within the caller's transaction

    async def append(self, tx: Tx, kind: str, body: bytes, *, now: datetime) -> int:
        """Add one entry and return its index. ``kind`` is for finding it again, and not proven.

        Raises:
            TooLarge: longer than an entry may be.
            StoreError: the record cannot be written.
        """
        return await self.append_all(tx, [(kind, body)], now=now)

    async def append_all(
        self, tx: Tx, entries: Sequence[tuple[str, bytes]], *, now: datetime
    ) -> int:
        """Add entries, kind and body of each, in this order; return the index of the first.

        Raises:
            TooLarge, StoreError: as ``append``; nothing was added.
        """
        most = self._limits.record_entry_bytes_max
        for _, body in entries:
            if len(body) > most:
                raise TooLarge(f"{len(body):,} bytes; {most:,} at most", field="entry")
        return await RecordLog(tx).append_all(entries, time=micros(now))

    async def head(self, tx: Tx) -> Frontier:
        """Return size and tree as this transaction sees them, its own entries included."""
        return await RecordLog(tx).head()

    # Of what is committed

    async def checkpoint(self, size: int | None = None) -> bytes:
        """Return the signed checkpoint of the record as it is, or as it was with ``size`` entries.

        Raises:
            BadInput: there are not so many.
        """

        async def read(tx: Tx) -> Frontier:
            log = RecordLog(tx)
            return await (log.head() if size is None else log.head_at(size))

        return self._signed(await self.store.read(read))

    async def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the proof that entry ``index`` is in the record of ``size`` entries.

        Raises:
            BadInput: there are not so many, or the entry is not among them.
        """
        return await self.store.read(lambda tx: RecordLog(tx).inclusion_proof(index, size))

    async def consistency(self, old: int, new: int) -> tuple[bytes, ...]:
        """Return the proof that the record of ``new`` entries begins with that of ``old``.

        Raises:
            BadInput: there are not so many, or ``old`` is the larger.
        """
        return await self.store.read(lambda tx: RecordLog(tx).consistency_proof(old, new))

    async def proof(self, index: int) -> LogProof:
        """Return an entry's proof, for a file that anybody checks offline.

        It leads to the earliest checkpoint that a witness cosigned with the entry in it, for that
        bounds when the entry was there; where there is none, to the record as it is.

        Raises:
            BadInput: there is no such entry.
        """

        async def read(tx: Tx) -> tuple[tuple[bytes, ...], Frontier, list[CosignatureRow]]:
            log = RecordLog(tx)
            given = await Witnessed(tx).first_from(index + 1)
            tree = await (log.head_at(given[0].size) if given else log.head())
            return await log.inclusion_proof(index, tree.size), tree, given

        hashes, tree, given = await self.store.read(read)
        signed = given[0].checkpoint if given else self._signed(tree)
        lines = "".join(row.line for row in given if row.checkpoint == signed)
        return LogProof(index=index, hashes=hashes, checkpoint=signed + lines.encode())

    async def tile(self, level: int, tile: int, *, width: int | None = None) -> bytes:
        """Return a tile of hashes, or its first ones, as log clients fetch them.

        Raises:
            NotFound: the record has not grown so far.
        """
        return await self.store.read(lambda tx: RecordLog(tx).tile(level, tile, width=width))

    async def entries(self, first: int, beyond: int) -> list[EntryRow]:
        """Return entries by index, a page of them at most."""
        last = min(beyond, first + self._limits.record_page_max)
        return await self.store.read(lambda tx: RecordLog(tx).entries(first, last))

    async def within(
        self, since: datetime, until: datetime, *, after: tuple[int, int] = START
    ) -> list[EntryRow]:
        """Return entries that were appended in a closed window of time, a page of them at most.

        Ordered by time, then index; the next page follows ``after``, the last one's two.
        """
        begin = max(after, (micros(since), -1))
        limit = self._limits.record_page_max
        return await self.store.read(
            lambda tx: RecordLog(tx).within(after=begin, until=micros(until), limit=limit)
        )

    # What others know of it

    async def to_witness(self, witness: str, *, old: int | None = None) -> AddCheckpoint:
        """Return our newest checkpoint with its proof from the last one that a witness cosigned.

        ``old`` is what the witness says to hold, where that is something else.

        Raises:
            BadInput: it says to hold more than we have; ask it for the checkpoint and ``compare``.
        """

        async def read(tx: Tx) -> tuple[int, tuple[bytes, ...], Frontier]:
            last = None if old is not None else await Witnessed(tx).last(witness)
            size = old if old is not None else last.size if last is not None else 0
            log = RecordLog(tx)
            tree = await log.head()
            return size, await log.consistency_proof(size, tree.size), tree

        size, hashes, tree = await self.store.read(read)
        return AddCheckpoint(old_size=size, hashes=hashes, checkpoint=self._signed(tree))

    async def keep(
        self, checkpoint: bytes, answer: str, witnesses: Collection[VerifierKey]
    ) -> tuple[Cosignature, ...]:
        """Keep what witnesses answered to a checkpoint of ours: one signature line each.

        Lines of unknown keys are passed over.

        Raises:
            BadInput: the answer is malformed.
            BadSignature: a known witness's does not hold, or there is none of any.
            RecordRolledBack: our record does not lead to that checkpoint.
        """
        opened = await self.compare("a witness", checkpoint)
        known = {(each.name, each.key_id): each for each in witnesses}
        rows, found = [], []
        # The checkpoint as we signed it: what else came with it is not ours to keep.
        ours = self._own_part(opened)
        for given in parse_signatures(answer):
            key = known.get((given.name, given.key_id))
            if key is not None:
                said = check_cosignature(opened.note.text, given, key)
                found.append(said)
                size = opened.checkpoint.size
                rows.append(CosignatureRow(said.name, size, ours, given.line(), said.time_s))
        if not found:
            names = ", ".join(sorted(name for name, _ in known)) or "nobody"
            raise BadSignature(f"none by a known witness of {names}", field="signatures")

        async def write(tx: Tx) -> None:
            for row in rows:
                await Witnessed(tx).keep(row)

        await self.store.write(write)
        return tuple(found)

    def _own_part(self, opened: OpenCheckpoint) -> bytes:
        return SignedNote(opened.note.text, verify(opened.note, [self.key])).encode()

    def _signed(self, tree: Frontier) -> bytes:
        told = Checkpoint(origin=self.origin, size=tree.size, root=tree.root())
        return sign_checkpoint(told, self._signing_key)


_REMEDY: Final = (
    "an old copy of the store was put back, or two nodes run with this party's key. Stop the "
    "node and put back the newest copy of tansiq.db; if no copy leads to that checkpoint, agree "
    "with the others on a new key for this party, for what was signed twice cannot be mended"
)
