"""The other side of the record: checkpoints of other parties' logs, held against their last one.

As ``c2sp.org/tlog-witness`` has it: a checkpoint is cosigned once it is shown to follow from the
last one that we cosigned, and once that is on disk. Two roots of one size, both signed by the log,
are kept: they prove to anybody that the log has two histories.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tansiq.domain.merkle import verify_consistency
from tansiq.domain.time import micros
from tansiq.errors import (
    BadInput,
    BadSignature,
    LogForked,
    NotFound,
    ProofFailed,
    RecordDamaged,
    SizeConflict,
    TansiqError,
)
from tansiq.formats.checkpoint import (
    AddCheckpoint,
    Checkpoint,
    cosign,
    open_checkpoint,
    parse_add_checkpoint,
    parse_checkpoint,
)
from tansiq.formats.signed_note import (
    NameOf,
    Signature,
    SignatureType,
    SignedNote,
    VerifierKey,
    parse,
    verifier_key,
    verify,
)
from tansiq.settings import Limits
from tansiq.storage.store import Store, Tx
from tansiq.storage.witness import EvidenceKind, EvidenceRow, HeldRow, Witnessed


class Witness:
    """Cosigns the checkpoints of known logs, by origin, as ``PARTY/witness``."""

    def __init__(
        self,
        store: Store,
        *,
        party: str,
        signing_key: Ed25519PrivateKey,
        logs: Mapping[str, VerifierKey],
        limits: Limits,
    ) -> None:
        self._store = store
        self._name = NameOf.WITNESS.by(party)
        self.key = verifier_key(self._name, signing_key, SignatureType.COSIGNATURE)
        self._signing_key = signing_key
        self._logs = dict(logs)
        self._limits = limits

    async def accept(self, body: bytes, *, now: datetime) -> Signature:
        """Take a log's new checkpoint, as handed to a witness, and return our cosignature.

        Raises:
            BadInput, TooLarge: malformed, or the old size is above the new one.
            NotFound: not a log that we know.
            BadSignature: not signed by that log.
            SizeConflict: the proof does not start from the size that we hold.
            ProofFailed: it does not show that the log only grew; kept, for the log to explain.
            LogForked: another root of a size that we hold; both checkpoints are kept.
        """
        asked = parse_add_checkpoint(body)
        log = self._log_of(asked.checkpoint)
        opened = open_checkpoint(asked.checkpoint, log)
        told = opened.checkpoint
        # What others signed beside it proves nothing here, and would let it come in many spellings.
        own = SignedNote(told.text(), verify(opened.note, [log])).encode()
        given = HeldRow(told.size, told.root, own, micros(now))

        async def step(tx: Tx) -> TansiqError | None:
            known = Witnessed(tx)
            held = await known.held(told.origin)
            wrong = judge(held, asked, told)
            if wrong is None:
                await known.hold(told.origin, given)
            elif held is not None and (kind := _accusation(wrong, held, given)) is not None:
                most = self._limits.record_evidence_max
                await known.accuse(kind, held, given, origin=told.origin, most=most)
            return wrong  # Returned, not raised: what was kept must stay.

        wrong = await self._store.write(step)
        if wrong is not None:
            raise wrong
        seconds = int(now.astimezone(UTC).timestamp())
        return cosign(told.text(), name=self._name, key=self._signing_key, time_s=seconds)

    async def held(self, origin: str) -> HeldRow | None:
        """Return the last checkpoint of a log that we cosigned: what its party compares with."""
        return await self._store.read(lambda tx: Witnessed(tx).held(origin))

    async def evidence(self) -> list[EvidenceRow]:
        """Return what is held against any log."""
        return await self._store.read(lambda tx: Witnessed(tx).evidence())

    async def check(self) -> None:
        """Hold what we kept of other logs against their signatures, at start.

        Raises:
            RecordDamaged: a checkpoint that we cosigned is not what it was.
        """
        for origin, log in self._logs.items():
            held = await self.held(origin)
            if held is None:
                continue
            try:
                told = open_checkpoint(held.checkpoint, log).checkpoint
            except (BadInput, BadSignature) as error:
                raise RecordDamaged(f"the checkpoint held of {origin}: {error}") from error
            if (told.size, told.root) != (held.size, held.root):
                raise RecordDamaged(f"the checkpoint held of {origin} is not of the size and root")

    def _log_of(self, checkpoint: bytes) -> VerifierKey:
        origin = parse_checkpoint(parse(checkpoint).text).origin
        log = self._logs.get(origin)
        if log is None:
            raise NotFound(f"no party of the agreement has the log {origin[:60]!r}", field="origin")
        return log


def _accusation(wrong: TansiqError, held: HeldRow, given: HeldRow) -> EvidenceKind | None:
    if isinstance(wrong, LogForked):
        return EvidenceKind.FORK
    # The proof is not signed: anybody could have spoilt one between two checkpoints that are equal.
    if isinstance(wrong, ProofFailed) and given.size > held.size:
        return EvidenceKind.UNPROVEN
    return None


def judge(held: HeldRow | None, asked: AddCheckpoint, told: Checkpoint) -> TansiqError | None:
    """Return why a checkpoint is not cosigned; None if it is."""
    size = held.size if held is not None else 0
    if held is not None and told.size == size and told.root != held.root:
        return LogForked(
            f"{told.origin} has signed two roots of {size:,} entries; both are kept. Call its desk",
            field="checkpoint",
        )
    if asked.old_size > told.size:
        return BadInput(f"{asked.old_size} is above the checkpoint's {told.size}", field="old")
    if asked.old_size != size:
        return SizeConflict(f"the last one that we cosigned has {size} entries", size=size)
    if held is None or size == 0:
        return (
            ProofFailed("from nothing there is no proof", field="proof") if asked.hashes else None
        )
    try:
        verify_consistency(size, held.root, told.size, told.root, proof=asked.hashes)
    except ProofFailed as error:
        return error
    return None
