"""Signatures under agreements in a node's folder: ours, and those that others sent us.

DATA/signatures/DIGEST.toml        each version that we signed, as it was (16 digits of it)
DATA/signatures/DIGEST.PARTY.sig   who signed it; one from another party is put there as it came
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from tansiq.domain.agreement import Agreement
from tansiq.domain.amendment import Force, Signer, Step, judge_version, may_sign, step_of
from tansiq.domain.intent import PartyID
from tansiq.errors import BadInput, WrongState
from tansiq.formats import seal
from tansiq.formats.agreement import read_agreement
from tansiq.formats.agreement_signature import (
    is_signature,
    key_name,
    read_signature,
    sign_agreement,
    signer_of,
)
from tansiq.peers.identity import load_signing_key, public_key
from tansiq.peers.joining import check_as_met, known_peers, put_whole

SIGNATURES: Final = "signatures"
FILE_BYTES_MAX: Final = 1_000_000
FILES_MAX: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One version of an agreement, and what the signatures at hand make of it."""

    agreement: Agreement
    force: Force
    bad: tuple[str, ...]
    """Signatures that are for this version and do not hold, and rivals of it in force."""


@dataclass(frozen=True, slots=True)
class Papers:
    """Agreements and signatures that lie before us, by name of file."""

    agreements: tuple[Agreement, ...]
    signatures: tuple[tuple[str, bytes], ...]

    def version(self, digest: str) -> Agreement | None:
        """Return the agreement of that digest, if it is there."""
        return next((each for each in self.agreements if each.digest == digest), None)


def read_papers(paths: Iterable[Path]) -> Papers:
    """Read agreements and signatures, told apart by what they hold; each agreement once.

    Raises:
        BadInput: a file cannot be read, or is neither.
    """
    agreements: dict[str, Agreement] = {}
    signatures: dict[bytes, str] = {}
    for path in paths:
        content = content_of(path)
        if is_signature(content):
            signatures.setdefault(content, path.name)
        else:
            agreement = _read(content, path)
            agreements.setdefault(agreement.digest, agreement)
    ordered = sorted(agreements.values(), key=lambda each: each.version)
    return Papers(tuple(ordered), tuple((name, data) for data, name in signatures.items()))


def papers_of(data: Path) -> list[Path]:
    """Return the files about agreements that a node's folder holds.

    Raises:
        BadInput: too many.
    """
    found = [p for p in sorted((data / SIGNATURES).glob("*")) if p.suffix in (".toml", ".sig")]
    if len(found) > FILES_MAX:
        raise BadInput(f"{len(found)} files; at most {FILES_MAX}", field=str(data / SIGNATURES))
    return found


def examine(papers: Papers) -> tuple[Examined, ...]:
    """Say of each version whether it is in force, in their order.

    A version that follows one which is here and not in force is not in force either.
    """
    done: dict[str, Examined] = {}
    for agreement in papers.agreements:
        old = papers.version(agreement.previous)
        signers, bad = _signers(papers, agreement, old)
        force = judge_version(agreement, old, signers)
        before = done.get(agreement.previous)
        if before is not None and not before.force.in_force:
            reason = f"version {before.agreement.version} before it is not in force"
            force = replace(force, reasons=(*force.reasons, reason))
        done[agreement.digest] = Examined(agreement=agreement, force=force, bad=bad)
    found = tuple(done.values())
    return tuple(replace(each, bad=(*each.bad, *_rivals(each, found))) for each in found)


def judge_next(papers: Papers, new: Agreement, old: Agreement) -> Examined:
    """Say whether a version is in force, given that the one before is or was."""
    signers, bad = _signers(papers, new, old)
    return Examined(agreement=new, force=judge_version(new, old, signers), bad=bad)


def _rivals(one: Examined, found: Sequence[Examined]) -> list[str]:
    """Return the other successors in force of the version before, each as a sentence."""
    return [
        f"version {other.agreement.version} with digest {other.agreement.digest[:12]} is in force "
        f"too, and follows the same one; both signed by "
        f"{', '.join(party for party in one.force.signed if party in other.force.signed)}"
        for other in found
        if other is not one
        and other.agreement.previous == one.agreement.previous != ""
        and other.force.in_force
        and one.force.in_force
    ]


def strangers(papers: Papers) -> tuple[str, ...]:
    """Return the names of signature files whose agreement is not here."""
    digests = {agreement.digest for agreement in papers.agreements}
    return tuple(name for name, data in papers.signatures if _digest(data) not in digests)


def sign(data: Path, party: PartyID, path: Path, now: datetime) -> tuple[Agreement, Path]:
    """Sign a version of an agreement for a node; both are kept in its folder.

    Returns the agreement and the file of the signature: the earlier one, if it was signed before.

    Raises:
        BadInput: it is not one, does not name us with our key, names somebody whom we met
            otherwise, or the version before it is not at hand.
        WrongState: another amendment of the same version was signed.
    """
    content = content_of(path)
    agreement = _read(content, path)
    check_as_met(agreement, known_peers(data))
    papers = read_papers(papers_of(data))
    old = papers.version(agreement.previous)
    if agreement.previous and old is None:
        raise BadInput(
            f"follows version {agreement.version - 1} ({agreement.previous[:12]}), which is not in "
            f"{data / SIGNATURES}; sign that one first, or copy its file there",
            field=str(path),
        )
    key = load_signing_key(data)
    by_old_key = _key_of(party, public_key(key), agreement, old, path)
    if refusal := may_sign(agreement, old, _signed_before(papers, party, public_key(key))):
        raise WrongState(refusal, field=str(path))
    folder, name = data / SIGNATURES, agreement.digest[:16]
    kept = folder / f"{name}.{party}{'.old-key' if by_old_key else ''}.sig"
    if not _is_ours(kept, agreement, party, public_key(key)):
        folder.mkdir(mode=0o700, exist_ok=True)
        if kept.exists():
            # By another key, or no signature at all: it was put there, and not by us.
            kept.replace(folder / f"{name}.{party}.{_short(content_of(kept))}.sig")
        put_whole(folder / f"{name}.toml", content)
        # Last: who finds a signature finds its agreement, too.
        put_whole(kept, sign_agreement(agreement, party, key, now))
    return agreement, kept


def keep_signature(data: Path, content: bytes) -> None:
    """Put a signature from elsewhere among those of the node's folder. Raises BadInput."""
    found = read_signature(content)
    folder = data / SIGNATURES
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = folder / f"{found.digest[:16]}.{found.signer}.sig"
    if not kept.exists() or kept.read_bytes() == content:
        put_whole(kept, content)
        return
    # By another key, most likely: both count for what they are.
    put_whole(folder / f"{found.digest[:16]}.{found.signer}.{_short(content)}.sig", content)


def _short(content: bytes) -> str:
    return sha256(content).hexdigest()[:8]


def _key_of(
    party: PartyID, own: bytes, agreement: Agreement, old: Agreement | None, path: Path
) -> bool:
    """Report whether ours is the key of the version before, which must agree to its successor."""
    entry = agreement.party(party)
    before = old.party(party) if old else None
    if entry is None and before is None:
        ids = ", ".join(each.id for each in agreement.parties)
        raise BadInput(f"{party} is not a party of it; there are {ids}", field=str(path))
    if entry is not None and entry.public_key == own:
        return False
    if before is not None and before.public_key == own:
        return True
    raise BadInput(f"its public_key of {party} is not ours", field=str(path))


def _is_ours(kept: Path, agreement: Agreement, party: PartyID, own: bytes) -> bool:
    """Report whether a file is our signature under a version, by the key that we have now."""
    if not kept.exists():
        return False
    signed = content_of(kept)
    if _digest(signed) != agreement.digest or read_signature(signed).signer != party:
        return False
    return _holds(signed, party, [own])


def _signed_before(papers: Papers, party: PartyID, own: bytes) -> Sequence[tuple[Agreement, Step]]:
    """Return the versions that we signed: with the key that we have, or one that we had."""
    signed = []
    for agreement in papers.agreements:
        old = papers.version(agreement.previous)
        known = old is not None or not agreement.previous
        entries = (*agreement.parties, *(old.parties if old else ()))
        keys = {own, *(entry.public_key for entry in entries if entry.id == party)}
        if any(
            # Where the version before is not here, a key that it had cannot be held against it:
            # taken for ours, for to sign twice is what must not happen.
            not known or _holds(data, party, keys)
            for _, data in papers.signatures
            if _digest(data) == agreement.digest and read_signature(data).signer == party
        ):
            # Not knowing what it followed, take the kind that must not be signed twice.
            signed.append((agreement, step_of(agreement, old) if known else Step.ROLL))
    return signed


def _holds(data: bytes, party: PartyID, keys: Iterable[bytes]) -> bool:
    for key in keys:
        try:
            seal.verify(data, name=key_name(party), public_key=key)
        except BadInput:
            continue
        return True
    return False


def _signers(
    papers: Papers, agreement: Agreement, old: Agreement | None
) -> tuple[set[Signer], tuple[str, ...]]:
    signers: set[Signer] = set()
    bad: list[str] = []
    parties = (*agreement.parties, *(old.parties if old else ()))
    for name, data in papers.signatures:
        if _digest(data) != agreement.digest:
            continue
        try:
            signers.add(signer_of(data, agreement, parties))
        except BadInput as error:
            bad.append(f"{name}: {error.message}")
    return signers, tuple(bad)


def _digest(data: bytes) -> str:
    try:
        return read_signature(data).digest
    except BadInput:
        return ""


def content_of(path: Path) -> bytes:
    """Return a file about agreements, whole. Raises BadInput."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", field=str(path)) from error
    if len(content) > FILE_BYTES_MAX:
        raise BadInput(f"longer than {FILE_BYTES_MAX} bytes", field=str(path))
    return content


def _read(content: bytes, path: Path) -> Agreement:
    try:
        return read_agreement(content)
    except BadInput as error:
        raise BadInput(error.message, field=f"{path.name}: {error.field}") from error
