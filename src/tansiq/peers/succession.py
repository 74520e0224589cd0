"""The next version of the agreement in a node's folder: put there by a person, used by the node.

DATA/agreement.toml            the version in force here
DATA/agreement-next.toml       the one to go over to, as soon as nothing is in its way
DATA/signatures/               every version on the way there, and who signed it
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.domain.intent import PartyID
from tansiq.domain.placement import Placement
from tansiq.domain.succession import obstacles
from tansiq.domain.time import micros
from tansiq.errors import BadInput, WrongState
from tansiq.formats.agreement import read_agreement
from tansiq.peers.joining import check_as_met, known_peers, put_whole
from tansiq.peers.signatures import (
    SIGNATURES,
    Papers,
    content_of,
    judge_next,
    papers_of,
    read_papers,
)
from tansiq.services.planning.claim import Claim
from tansiq.services.planning.succession import changed_rules, common_of, go_over
from tansiq.settings import STORE, Settings
from tansiq.storage.opening import peek_store
from tansiq.storage.plans import Plans
from tansiq.storage.store import Store, Tx
from tansiq.storage.versions import VersionRows

NEXT: Final = "agreement-next.toml"

_log = logging.getLogger(__name__)
_PLACEMENT: Final = msgspec.json.Decoder(Placement[Claim])


@dataclass(frozen=True, slots=True)
class Version:
    """An agreement, and the bytes that it is."""

    agreement: Agreement
    file: bytes


@dataclass(frozen=True, slots=True)
class TakenUp:
    """Under which version a node runs, and under which its store was before."""

    agreement: Agreement
    past: tuple[str, ...]


def read_version(path: Path) -> Version:
    """Read one agreement. Raises BadInput."""
    content = content_of(path)
    return Version(read_agreement(content), content)


def served_version(settings: Settings) -> Version | None:
    """Return the version that the node serves under, or did when it last ran; None: it never ran.

    What the file says is what it may go over to.

    Raises:
        StoreError: the store cannot be read.
    """
    file, database = settings.data / STORE, settings.database
    row = peek_store(file, database, lambda tx: VersionRows(tx).last())
    return None if row is None else Version(read_agreement(row.file), row.file)


def next_version(settings: Settings) -> Version | None:
    """Return the version that a person has put there to go over to. Raises BadInput."""
    path = settings.data / NEXT
    return read_version(path) if path.exists() else None


def chain_to(
    settings: Settings,
    present: Agreement,
    last: Version,
    *,
    versions: Iterable[Version] = (),
    signatures: Iterable[Path] = (),
) -> tuple[Version, ...]:
    """Return the versions after the present one, up to the last; each is in force.

    That the present one is, everybody has agreed who serves under it. ``versions`` and
    ``signatures`` are looked at besides those in the node's folder.

    Raises:
        WrongState: one of them is not in force, or does not follow.
        BadInput: files are not what they should be, or we are no party of it.
    """
    paths = papers_of(settings.data)
    files = [read_version(path) for path in paths if path.suffix == ".toml"]
    known = {each.agreement.digest: each for each in (*files, *versions, last)}
    papers = read_papers([*paths, *signatures])
    steps = [last]
    while steps[0].agreement.previous != present.digest:
        earlier = known.get(steps[0].agreement.previous)
        if earlier is None or earlier in steps:
            first = steps[0].agreement
            raise WrongState(
                f"version {first.version} follows {first.previous[:12] or 'nothing'}, and this "
                f"node is at version {present.version} ({present.digest[:12]}); give the files "
                "of all versions between",
                field="previous",
            )
        steps.insert(0, earlier)
    old = present
    for step in steps:
        _check(settings, papers, step.agreement, old)
        old = step.agreement
    return tuple(steps)


def _check_party(settings: Settings, agreement: Agreement) -> None:
    if agreement.party(PartyID(settings.party)) is None:
        ids = ", ".join(party.id for party in agreement.parties)
        raise BadInput(f"{settings.party} is not a party of the agreement ({ids})", field="party")


def _check(settings: Settings, papers: Papers, new: Agreement, old: Agreement) -> None:
    if new.party(settings.party) is None:
        ids = ", ".join(party.id for party in new.parties)
        raise BadInput(
            f"{settings.party} is no party of version {new.version} ({ids})", field="party"
        )
    # Who was there already has signed its other entry, with the key that we know.
    check_as_met(new, [p for p in known_peers(settings.data) if old.party(p.id) is None])
    found = judge_next(papers, new, old)
    if not found.force.in_force:
        sentence = f"version {new.version} ({new.digest[:12]}) is not in force"
        raise WrongState(
            f"{sentence}: {'; '.join((*found.force.reasons, *found.bad))}", field="signatures"
        )


def put_next(settings: Settings, last: Version) -> None:
    """Put a version in the folder for the node to go over to; ``chain_to`` has checked it."""
    keep(settings, last)
    put_whole(settings.data / NEXT, last.file)


def keep(settings: Settings, version: Version) -> None:
    """Keep a version among those that others follow from."""
    folder = settings.data / SIGNATURES
    folder.mkdir(mode=0o700, exist_ok=True)
    put_whole(folder / f"{version.agreement.digest[:16]}.toml", version.file)


def withdraw_next(settings: Settings) -> bool:
    """Do not go over after all; report whether there was anything to take back."""
    path = settings.data / NEXT
    found = path.exists()
    path.unlink(missing_ok=True)
    return found


async def take_up(settings: Settings, store: Store, clock: Clock, *, cleared: str = "") -> TakenUp:
    """Return the version to run under; go one step over, if one is waited for and may be.

    ``cleared`` is the digest of a version in whose way the running node found nothing. A file at
    ``agreement.toml`` that is not the one of the last run is a version to go over to, like one at
    ``agreement-next.toml``.

    What is wrong with a file that is only waited for does not keep the node from serving: it is
    told of, and the version in force stays.

    Raises:
        BadInput: the file was exchanged for one that does not follow, and plans stand, or that we
            are no party of.
        WrongState: it is not in force.
        StoreError: the store failed.
    """
    here = read_version(settings.agreement)
    # Before the store is touched: what is noted there once is what plans are taken over from.
    _check_party(settings, here.agreement)
    row = await store.read(lambda tx: VersionRows(tx).last())
    if row is None:
        await _begin(store, here, clock)
        return await _taken(store, here.agreement)
    present = Version(read_agreement(row.file), row.file)
    if here.agreement.digest != row.digest:
        # The version before: a run ended between its last write to the store and that of the file.
        unfinished = present.agreement.previous == here.agreement.digest
        if not unfinished and await _exchanged(settings, store, present, here, clock):
            return await _taken(store, here.agreement)
        put_whole(settings.agreement, present.file)
    try:
        awaited = next_version(settings)
        if awaited is None:
            return await _taken(store, present.agreement)
        if awaited.agreement.digest == present.agreement.digest:
            withdraw_next(settings)
            return await _taken(store, present.agreement)
        step = chain_to(settings, present.agreement, awaited)[0]
    except (BadInput, WrongState) as error:
        _log.warning("cannot go over to another version of the agreement: %s", error)
        return await _taken(store, present.agreement)
    if not await _may_go(store, present.agreement, step.agreement, cleared, clock):
        return await _taken(store, present.agreement)
    await _go(settings, store, present, step, clock)
    if step.agreement.digest == awaited.agreement.digest:
        withdraw_next(settings)
    return await _taken(store, step.agreement)


async def _taken(store: Store, agreement: Agreement) -> TakenUp:
    digests = await store.read(lambda tx: VersionRows(tx).digests())
    return TakenUp(agreement, tuple(each for each in digests if each != agreement.digest))


async def _begin(store: Store, version: Version, clock: Clock) -> None:
    """Note the first version that this store is used under."""
    registers = len(version.agreement.registers)

    async def write(tx: Tx) -> None:
        # An older store does not say under which version its plans were placed.
        for row in await Plans(tx).all(ended=False):
            placed = len(_PLACEMENT.decode(row.placement).slots)
            if placed != registers:
                raise BadInput(
                    f"lists {registers} registers, and plans of this node are placed in {placed}; "
                    "put the file that they were placed under back, start the node with it, and "
                    "then go over with `tansiq agreement adopt`",
                    field="register",
                )
        rows, digest = VersionRows(tx), version.agreement.digest
        await rows.add(digest, micros(clock.now()), version.file)
        if version.agreement.previous:
            # A store that was not there before cannot say that a register counted all the while.
            for register in version.agreement.registers:
                await rows.put_lacking(register.id, None)

    await store.write(write)


async def _exchanged(
    settings: Settings, store: Store, present: Version, here: Version, clock: Clock
) -> bool:
    """Take another file as it is where no plan or record hangs on the difference; else as the next.

    Plans of others count as well as ours: under other registers ours would not meet them. Report
    whether it was taken as it is.
    """
    same = present.agreement.listed == here.agreement.listed
    alike = same and present.agreement.struck == here.agreement.struck
    rules = changed_rules(present.agreement, here.agreement)
    now = clock.now()
    standing = 0
    if not alike or rules:
        standing = await _standing(store, settings.party, now)
    if not standing:

        async def write(tx: Tx) -> None:
            if not alike:
                party = here.agreement.party(settings.party)
                if party is not None:
                    await go_over(tx, present.agreement, here.agreement, party.id, now)
            await VersionRows(tx).add(here.agreement.digest, micros(now), here.file)

        await store.write(write)
        return True
    if not here.agreement.previous:
        differs = " and ".join((*(() if alike else ("registers",)), *rules))
        raise BadInput(
            f"lists other {differs} than the agreement that plans stand under ({standing} known "
            "here, of this node or of others), and does not follow it; put the old file back, "
            "start the node with it, and try again when all plans and no-go areas have ended",
            field=str(settings.agreement),
        )
    chain_to(settings, present.agreement, here)
    put_next(settings, here)
    return False


async def _stands(store: Store) -> bool:
    """Report whether a plan of ours has not ended."""
    return bool(await store.read(lambda tx: Plans(tx).all(ended=False)))


async def _standing(store: Store, party: str, now: datetime) -> int:
    """Return how many plans and no-go areas hang on registers, as far as this store knows."""

    async def read(tx: Tx) -> int:
        own = len(await Plans(tx).all(ended=False))
        return own + len(await VersionRows(tx).of_others(party, micros(now)))

    return await store.read(read)


async def _counts(store: Store, now: datetime) -> bool:
    """Report whether a plan of ours counts that was judged by the rules of the present version."""
    rows = await store.read(lambda tx: Plans(tx).all(ended=False))
    at = micros(now)
    return any(r.time_end >= at and _PLACEMENT.decode(r.placement).base is not None for r in rows)


async def _may_go(store: Store, old: Agreement, new: Agreement, cleared: str, clock: Clock) -> bool:
    """Report whether nothing is in the way, as far as that is known without reading registers."""
    if changed_rules(old, new) and await _counts(store, clock.now()):
        return False  # Also one that came to count after the running node had looked.
    if new.digest == cleared:
        return True
    if changed_rules(old, new) and await _stands(store):
        return False
    common = common_of(old, new)
    lacking = await store.read(lambda tx: VersionRows(tx).lacking())
    return not obstacles(common, ()) and any(name not in lacking for name in common)


async def _go(
    settings: Settings, store: Store, present: Version, step: Version, clock: Clock
) -> None:
    party, now = step.agreement.party(settings.party), clock.now()
    assert party is not None  # noqa: S101 - ``chain_to`` has checked it

    async def write(tx: Tx) -> None:
        await go_over(tx, present.agreement, step.agreement, party.id, now)
        await VersionRows(tx).add(step.agreement.digest, micros(now), step.file)

    keep(settings, present)
    await store.write(write)
    # Last: whatever ends the process before, the store knows which version is in force.
    put_whole(settings.agreement, step.file)
