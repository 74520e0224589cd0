"""What a bundle shows: checked offline, by the file alone or with the reader's own agreement.

Pure: bytes in, findings out. From the outside in: the agreement and its keys, the exporter's
signature over all of it, the checkpoint and who cosigned it, the entries within that checkpoint,
then each note by itself (``evidence_notes.py``). Where the outer ones fail the inner ones are not
looked at: whose keys they would be checked by is not known then.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Final

from tansiq.domain.agreement import Agreement
from tansiq.domain.merkle import leaf_hash, verify_consistency
from tansiq.domain.subset import subset_root
from tansiq.domain.time import from_micros, zulu
from tansiq.errors import BadInput, BadSignature, ProofFailed
from tansiq.formats.agreement import read_agreement
from tansiq.formats.bundle import Bundle, Contents, read_bundle
from tansiq.formats.checkpoint import Checkpoint, open_checkpoint
from tansiq.formats.evidence_notes import Vouched, read_notes
from tansiq.formats.findings import NOT_PROVEN, Finding, Findings, Level, Notice, Said
from tansiq.formats.signed_note import NameOf, SignatureType, VerifierKey, verify

TIME_S_MAX: Final = 7_258_118_400
"""The end of the year 2199."""


def verify_bundle(data: bytes, *, agreement: bytes | None = None) -> Findings:
    """Verify a bundle; ``agreement`` is the file that the reader has of his own.

    Raises:
        TooLarge: longer, or with more in it, than a bundle may be.
        BadInput: not a bundle.
    """
    bundle = read_bundle(data)
    found: list[Finding] = []
    keys = _trusted(bundle.contents, agreement, found)
    if keys is None or not _signed(bundle, keys, found):
        return _findings(bundle.contents, found, pinned=agreement is not None)
    vouched = _record(bundle.contents, keys, found)
    notes, notices = read_notes(bundle.contents, keys, vouched, found)
    pinned = agreement is not None
    findings = _findings(bundle.contents, found, pinned=pinned, notes=notes, notices=notices)
    root = next((each.root for each in vouched if each.size == bundle.contents.size), None)
    return replace(findings, root=None if root is None else base64.b64encode(root).decode())


def _findings(
    contents: Contents,
    found: Sequence[Finding],
    *,
    pinned: bool,
    notes: Sequence[Said] = (),
    notices: Sequence[Notice] = (),
) -> Findings:
    return Findings(
        verified=all(each.level is not Level.WRONG for each in found),
        pinned=pinned,
        by=contents.by,
        agreement=contents.digest,
        since=zulu(contents.since),
        until=zulu(contents.until),
        made=zulu(contents.made),
        party=contents.party,
        size=contents.size,
        root=None,
        entries=len(contents.entries),
        findings=tuple(found),
        notes=tuple(notes),
        notices=tuple(notices),
        not_proven=NOT_PROVEN,
    )


# Whose keys


@lru_cache(maxsize=8)
def _read(file: bytes) -> Agreement:
    return read_agreement(file)


def _trusted(contents: Contents, own: bytes | None, found: list[Finding]) -> Agreement | None:
    """Return the agreement by whose keys all else is checked; None: there is none."""
    if sha256(contents.agreement).hexdigest() != contents.digest:
        found.append(_wrong("agreement-digest", "the agreement in it is not the one it names"))
        return None
    if own is not None and own != contents.agreement:
        given = sha256(own).hexdigest()
        found.append(
            _wrong(
                "agreement-differs",
                f"it rests on the agreement {contents.digest}, and yours is {given}",
            )
        )
        return None
    try:
        agreement = _read(contents.agreement)
    except BadInput as error:
        found.append(_wrong("agreement-unreadable", f"the agreement in it cannot be read: {error}"))
        return None
    if contents.keys != tuple((party.id, party.public_key) for party in agreement.parties):
        found.append(_wrong("keys", "the keys in it are not those of the agreement"))
        return None
    try:
        for party in agreement.parties:
            _key(agreement, party.id, NameOf.LOG)
    except BadInput as error:
        found.append(_wrong("keys", f"a key of the agreement is none: {error}"))
        return None
    if agreement.party(contents.by) is None:
        found.append(_wrong("exporter", f"{contents.by} is no party of the agreement"))
        return None
    if own is None:
        sentence = f"the keys are those of agreement {contents.digest}; whether that is yours,"
        found.append(_claimed("agreement", f"{sentence} compare, or give your file"))
    else:
        found.append(_proved("agreement", f"it rests on your agreement, {contents.digest}"))
    return agreement


def _key(agreement: Agreement, party: str, use: NameOf) -> VerifierKey:
    named = agreement.party(party)
    assert named is not None  # noqa: S101 - of the agreement
    kind = SignatureType.COSIGNATURE if use is NameOf.WITNESS else SignatureType.ED25519
    return VerifierKey(use.by(party), named.public_key, kind)


def _signed(bundle: Bundle, agreement: Agreement, found: list[Finding]) -> bool:
    by = bundle.contents.by
    try:
        verify(bundle.signed, [_key(agreement, by, NameOf.BUNDLE)])
    except (BadSignature, BadInput) as error:
        sentence = f"{by} has not signed this, or it was changed since ({error}); ask for it again"
        found.append(_wrong("bundle-signature", sentence))
        return False
    found.append(_proved("bundle-signature", f"{by} signed this bundle, and nothing changed since"))
    return True


# The record


def _record(contents: Contents, agreement: Agreement, found: list[Finding]) -> tuple[Vouched, ...]:
    """Hold the entries against the checkpoint; return who cosigned what of the record, and when."""
    vouched: list[Vouched] = []
    main = _checkpoint(contents.checkpoint, contents.by, agreement, found, vouched)
    if main is None:
        return ()
    if main.size != contents.size:
        found.append(
            _wrong("size", f"the checkpoint is of {main.size} entries, not {contents.size}")
        )
    indexes = [entry.index for entry in contents.entries]
    leaves = [leaf_hash(entry.body) for entry in contents.entries]
    try:
        root = subset_root(indexes, leaves, main.size, contents.hashes)
    except ProofFailed as error:
        found.append(_wrong("inclusion", f"the entries are not shown to be in the record: {error}"))
        return ()
    if root != main.root:
        sentence = f"these entries are not those of {contents.by}'s record"
        found.append(_wrong("inclusion", sentence))
        return ()
    sentence = f"all {len(leaves)} entries are in {contents.by}'s record of {main.size}"
    found.append(_proved("inclusion", sentence))
    for place, anchor in enumerate(contents.anchors):
        seen: list[Vouched] = []
        other = _checkpoint(anchor.checkpoint, contents.by, agreement, found, seen)
        if other is None:
            continue
        one, two = sorted([main, other], key=lambda each: each.size)
        try:
            verify_consistency(one.size, one.root, two.size, two.root, proof=anchor.proof)
        except ProofFailed as error:
            found.append(_wrong("consistency", f"checkpoint {place} is of another record: {error}"))
            continue
        vouched += seen
    _tell_vouched(contents, vouched, found)
    return (*vouched, Vouched(size=main.size, root=main.root, witness=None, time_s=0))


def _checkpoint(
    data: bytes,
    by: str,
    agreement: Agreement,
    found: list[Finding],
    vouched: list[Vouched],
) -> Checkpoint | None:
    others = [party.id for party in agreement.parties if party.id != by]
    witnesses = [_key(agreement, other, NameOf.WITNESS) for other in others]
    try:
        opened = open_checkpoint(data, _key(agreement, by, NameOf.LOG), witnesses)
    except (BadInput, BadSignature) as error:
        found.append(_wrong("checkpoint", f"a checkpoint of {by}'s record is not good: {error}"))
        return None
    told = opened.checkpoint
    if len(opened.note.signatures) != 1 + len(opened.cosignatures):
        found.append(_wrong("checkpoint", "somebody unknown signed a checkpoint"))
        return None
    if any(each.time_s > TIME_S_MAX for each in opened.cosignatures):
        found.append(_wrong("checkpoint", "a cosignature is of a time that cannot be"))
        return None
    vouched += [
        Vouched(
            size=told.size,
            root=told.root,
            witness=each.name.removesuffix(NameOf.WITNESS),
            time_s=each.time_s,
        )
        for each in opened.cosignatures
    ]
    return told


def _tell_vouched(contents: Contents, vouched: Sequence[Vouched], found: list[Finding]) -> None:
    by = contents.by
    for witness in sorted({each.witness for each in vouched if each.witness is not None}):
        given = [each for each in vouched if each.witness == witness]
        first = min(given, key=lambda each: each.size)
        last = max(given, key=lambda each: each.size)
        at = [zulu(from_micros(each.time_s * 1_000_000)) for each in (first, last)]
        sentence = f"{witness} cosigned {by}'s record of {first.size} entries at {at[0]}"
        if last.size != first.size:
            sentence += f", and up to that of {last.size} at {at[1]}, by its own clock"
        else:
            sentence += " by its own clock"
        found.append(_proved("cosigned", sentence))
    reach = max((each.size for each in vouched), default=0)
    bare = sum(1 for entry in contents.entries if entry.index >= reach)
    if bare:
        sentence = f"nobody has cosigned {bare} of these entries so far: {by} could rewrite them"
        found.append(_claimed("not-cosigned", sentence))


def _proved(code: str, sentence: str) -> Finding:
    return Finding(level=Level.PROVED, code=code, sentence=sentence)


def _claimed(code: str, sentence: str) -> Finding:
    return Finding(level=Level.CLAIMED, code=code, sentence=sentence)


def _wrong(code: str, sentence: str) -> Finding:
    return Finding(level=Level.WRONG, code=code, sentence=sentence)
