"""Exports evidence: a bundle of what the record holds of a window, its head, one entry's proof.

Everything comes from one reading transaction, so the entries, the checkpoint and the cosignatures
are of one moment. What is left out is said in the bundle; whose word that is, its reader is told.
"""

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.domain.note import Kind, NoteID
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import AgreementMismatch, BadInput, NotFound, TooLarge
from tansiq.formats.bundle import (
    ANCHORS_MAX,
    ENTRIES_MAX,
    EXCHANGE,
    NOTE,
    Anchor,
    Contents,
    Entry,
    Withheld,
    write_bundle,
)
from tansiq.formats.checkpoint import Checkpoint, LogProof, sign_checkpoint
from tansiq.formats.signed_note import NameOf
from tansiq.services.record.log import Record
from tansiq.storage.bundles import Bundles, KeptEntry
from tansiq.storage.record import RecordLog
from tansiq.storage.store import Tx
from tansiq.storage.witness import Witnessed

PREFIX_CHARS_MIN: Final = 6
_HEX: Final = frozenset("0123456789abcdef")
_PERSONAL: Final = frozenset({"by", "relieved", "text", "open_items", "parameters"})
"""Members of a payload that name people, or that people wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to export."""

    since: datetime
    until: datetime
    party: str | None = None
    """The line with this party only."""
    withhold: Withheld = Withheld.NOTHING
    notes: frozenset[str] = frozenset()
    """Names of notes, or their beginnings, whose payloads are withheld."""


class CosignedView(msgspec.Struct, frozen=True, kw_only=True):
    """The largest checkpoint of ours that a witness cosigned."""

    witness: str
    size: int
    time: str
    """By the witness's clock."""


class LogHeadView(msgspec.Struct, frozen=True, kw_only=True):
    """What our record comes to now."""

    origin: str
    size: int
    root: str
    """64 hex digits."""
    time: str
    checkpoint: str
    """Signed, to be handed on."""
    cosigned: tuple[CosignedView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """One party's record, for others to see."""

    record: Record
    clock: Clock
    agreement: Agreement
    file: bytes
    """The agreement's."""
    party: str
    key: Ed25519PrivateKey
    clock_error_ms: Callable[[], int | None]

    async def bundle(self, wanted: Wanted) -> bytes:
        """Return a signed bundle.

        Raises:
            NotFound: the record has nothing of that window, or no such note or party.
            TooLarge: more than a bundle may hold.
            AgreementMismatch: the agreement's file is not that of the agreement in force.
        """
        if sha256(self.file).hexdigest() != self.agreement.digest:
            raise AgreementMismatch("the agreement's file was changed since the node started")
        if wanted.party is not None and self.agreement.party(wanted.party) is None:
            raise NotFound(f"no party {wanted.party[:60]} in the agreement", field="party")
        made, error_ms = self.clock.now(), self.clock_error_ms()

        async def read(tx: Tx) -> bytes:
            # Signed here too, on the reader's thread: nobody else waits for it.
            return write_bundle(await self._contents(tx, wanted, made, error_ms), self.key)

        return await self.record.store.read(read)

    async def _contents(
        self, tx: Tx, wanted: Wanted, made: datetime, error_ms: int | None
    ) -> Contents:
        found, left_out = await self._entries(tx, wanted)
        indexes = [each.seq for each in found]
        log = RecordLog(tx)
        size, checkpoint = await self._checkpoint(tx, indexes[-1] + 1)
        entries = _withheld(found, wanted)
        return Contents(
            by=self.party,
            agreement=self.file,
            digest=self.agreement.digest,
            since=wanted.since,
            until=wanted.until,
            made=made,
            clock_error_ms=error_ms,
            party=wanted.party,
            withheld=_word(wanted),
            size=size,
            left_out=left_out,
            keys=tuple((party.id, party.public_key) for party in self.agreement.parties),
            checkpoint=checkpoint,
            anchors=await self._anchors(tx, found, size),
            hashes=await log.subset_proof(indexes, size),
            entries=entries,
        )

    async def _entries(self, tx: Tx, wanted: Wanted) -> tuple[list[KeptEntry], int]:
        """Return what goes in, in the record's order, and how much of the window does not."""
        store, span = Bundles(tx), (micros(wanted.since), micros(wanted.until))
        rows = await store.window(*span, limit=ENTRIES_MAX + 1)
        rows += await store.receipts_beyond(*span, limit=ENTRIES_MAX + 1)
        if len(rows) > ENTRIES_MAX:
            raise TooLarge(
                f"more than {ENTRIES_MAX:,} entries are of that window: take a shorter one",
                field="from",
            )
        found = [row for row in rows if _concerns(row, wanted.party)]
        if not found:
            whom = "" if wanted.party is None else f" with {wanted.party}"
            raise NotFound(f"the record has nothing{whom} of that window of time", field="from")
        return sorted(found, key=lambda row: row.seq), len(rows) - len(found)

    async def _checkpoint(self, tx: Tx, least: int) -> tuple[int, bytes]:
        """Return the first cosigned checkpoint with ``least`` entries; else that of the head."""
        given = await Bundles(tx).given(least - 1)
        if given:
            cosigned = await Bundles(tx).cosigned(given[0][1])
            if cosigned is not None:
                return given[0][1], cosigned
        tree = await RecordLog(tx).head()
        told = Checkpoint(origin=self.record.origin, size=tree.size, root=tree.root())
        return tree.size, sign_checkpoint(told, self.key)

    async def _anchors(self, tx: Tx, found: Sequence[KeptEntry], size: int) -> tuple[Anchor, ...]:
        """Return the cosigned checkpoints that bound when receipts, and everything, were there."""
        store, log = Bundles(tx), RecordLog(tx)
        given = [
            (witness.removesuffix(NameOf.WITNESS), at)
            for witness, at in await store.given(found[0].seq)
        ]
        sizes = _anchor_sizes(found, given) - {size}
        anchors = []
        for at in _thinned(sorted(sizes), ANCHORS_MAX):
            checkpoint = await store.cosigned(at)
            if checkpoint is not None:
                proof = await log.consistency_proof(min(at, size), max(at, size))
                anchors.append(Anchor(checkpoint, proof))
        return tuple(anchors)

    # One entry, and the head

    async def head(self) -> LogHeadView:
        """Return what the record comes to, and up to where each witness has cosigned it."""

        async def read(tx: Tx) -> tuple[CosignedView, ...]:
            return tuple(
                CosignedView(
                    witness=row.witness.removesuffix(NameOf.WITNESS),
                    size=row.size,
                    time=zulu(from_micros(row.time * 1_000_000)),
                )
                for row in await Witnessed(tx).last_of_all()
            )

        cosigned, now = await self.record.store.read(read), self.clock.now()
        tree = await self.record.store.read(lambda tx: RecordLog(tx).head())
        told = Checkpoint(origin=self.record.origin, size=tree.size, root=tree.root())
        return LogHeadView(
            origin=told.origin,
            size=told.size,
            root=told.root.hex(),
            time=zulu(now),
            checkpoint=sign_checkpoint(told, self.key).decode(),
            cosigned=cosigned,
        )

    async def proof(self, name: str) -> LogProof:
        """Return the proof file of a note, by its name or the beginning of it.

        Raises:
            NotFound: no such note is here.
            BadInput: several begin so.
        """
        found = await self.record.store.read(lambda tx: Bundles(tx).named(name))
        if not found:
            raise NotFound(f"no note {name[:20]} is here", field="note")
        if len(found) > 1:
            raise BadInput(f"several notes begin with {name[:64]}; give more of it", field="note")
        return await self.record.proof(found[0][1])


def read_withhold(words: Sequence[str]) -> tuple[Withheld, frozenset[str]]:
    """Return what to withhold: ``persons``, ``all``, or names of notes and their beginnings.

    Raises:
        BadInput: something else.
    """
    named = set()
    for word in words:
        if word in (Withheld.PERSONS, Withheld.ALL):
            continue
        if not PREFIX_CHARS_MIN <= len(word) <= 64 or not set(word) <= _HEX:
            raise BadInput(
                f"{word[:70]!r} is not persons, all, or the name of a note: 64 hex digits or the "
                f"first {PREFIX_CHARS_MIN}",
                field="withhold",
            )
        named.add(word)
    kind = next((each for each in (Withheld.ALL, Withheld.PERSONS) if each in words), None)
    return kind or (Withheld.NOTES if named else Withheld.NOTHING), frozenset(named)


def _word(wanted: Wanted) -> Withheld:
    if wanted.withhold is Withheld.NOTHING and wanted.notes:
        return Withheld.NOTES
    return wanted.withhold


def _concerns(row: KeptEntry, party: str | None) -> bool:
    if party is None:
        return True
    if row.kind == EXCHANGE:
        return f"\npeer: {party}\n".encode() in row.body
    # That our node was down explains silence to anybody.
    return row.kind == NOTE and (row.peer == party or row.note_kind == Kind.GAP)


def _withheld(rows: Sequence[KeptEntry], wanted: Wanted) -> tuple[Entry, ...]:
    """Return the entries, without the payloads that are not to be seen.

    Raises:
        NotFound: a note that is to be withheld is not among them: a slip of the pen must not
            show what was meant to stay hidden.
        BadInput: what is named could be several notes.
    """
    hidden: set[NoteID] = set()
    for beginning in wanted.notes:
        fit = {row.note for row in rows if row.note is not None and row.note.startswith(beginning)}
        if not fit:
            raise NotFound(f"no note {beginning} is in that window", field="withhold")
        if len(fit) > 1:
            raise BadInput(f"several notes begin with {beginning}", field="withhold")
        hidden |= fit
    return tuple(_entry(row, shown=_is_shown(row, wanted.withhold, hidden)) for row in rows)


def _is_shown(row: KeptEntry, withhold: Withheld, hidden: Collection[NoteID]) -> bool:
    if row.payload is None or row.salt is None or row.note in hidden or withhold is Withheld.ALL:
        return False
    if withhold is not Withheld.PERSONS:
        return True
    try:
        members = msgspec.json.decode(row.payload, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return not members.keys() & _PERSONAL


def _entry(row: KeptEntry, *, shown: bool) -> Entry:
    return Entry(
        index=row.seq,
        kind=row.kind,
        time=from_micros(row.time),
        body=row.body,
        salt=row.salt if shown else None,
        payload=row.payload if shown else None,
        got=None if row.got is None else from_micros(row.got),
    )


def _anchor_sizes(found: Sequence[KeptEntry], given: Sequence[tuple[str, int]]) -> set[int]:
    """Return the sizes that say most: for each witness the first with everything in it, or else
    its last; and after each receipt the next by a third party. ``given`` is by size."""
    last = found[-1].seq
    best: dict[str, int] = {}
    for witness, size in given:
        if best.get(witness, 0) <= last:
            best[witness] = size
    sizes = set(best.values())
    receipts = [row for row in found if row.note_kind == Kind.RECEIPT]
    for peer in {row.peer for row in receipts}:
        # Neither ours nor that peer's: whoever cosigns our record is not us.
        thirds = [size for witness, size in given if witness != peer]
        for row in receipts:
            place = bisect_right(thirds, row.seq)
            if row.peer == peer and place < len(thirds):
                sizes.add(thirds[place])
    return sizes


def _thinned(sizes: Sequence[int], most: int) -> Sequence[int]:
    """Return at most so many, evenly strewn; the last is among them. A later one does as well."""
    if len(sizes) <= most:
        return sizes
    return [sizes[(n + 1) * len(sizes) // most - 1] for n in range(most)]
