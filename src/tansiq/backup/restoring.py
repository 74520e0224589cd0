"""A backup put back: verified before anything is in place, then whole or not at all.

The order is the point. Nobody may run the node; the archive is unpacked beside its place and held
against everything it says; its record is held against what others have seen; and only then one step
puts it where the node looks for it. Whoever stops before that step has changed nothing.
"""

import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tansiq.backup.archive import Reading, Tell
from tansiq.backup.checking import Whole, check_identity, check_unpacked
from tansiq.backup.forks import (
    REMEDY,
    Finding,
    State,
    beside_folder,
    beside_peers,
    check_alone,
    is_behind,
)
from tansiq.backup.making import check_room, room_for, told_of_files
from tansiq.backup.manifest import Manifest, name_problem
from tansiq.backup.placing import beside, held_still, put, take_over
from tansiq.backup.stores import beside_old_database, check_ready, put_store, shown
from tansiq.clock import Clock
from tansiq.errors import BadInput, WrongState
from tansiq.peers.identity import SECRETS, SIGNING_KEY, load_signing_key, public_key
from tansiq.services.record import KnownRecord
from tansiq.settings import FILE, STORE, load_settings
from tansiq.storage.standing import StandingStore, standing

_SECRET_BYTES_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be put where."""

    archive: Path
    data: Path
    replace: bool
    keys_from: Path | None
    ask_peers: bool
    even_if_rolled_back: bool
    dry_run: bool
    database: str | None = None
    """Where the store goes, if not where the settings say."""
    as_file: bool = False
    """Whether the store goes into a file, whatever the settings say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of it."""

    manifest: Manifest
    whole: Whole
    findings: tuple[Finding, ...]
    keys: tuple[str, ...]
    """Secret files that are in place."""
    kept: Path | None
    """Where the folder is that was replaced."""
    database: str | None
    """Where the store is, as it may be shown; None: in a file."""


async def restore(request: Request, clock: Clock, tell: Tell) -> Restored:
    """Put a backup back.

    Raises:
        BadInput: the archive, the folder or the keys are not what they must be; nothing changed.
        WrongState: others hold more of the record than the backup leads to; nothing changed.
        StoreError: a store in it is damaged, or the disk fails; nothing changed.
    """
    place, now = request.data.absolute(), clock.now()
    _check_place(place, replace=request.replace)
    with (
        told_of_files(request.archive),
        request.archive.open("rb") as file,
        held_still(place / STORE) as old,
    ):
        reading = Reading(file, request.archive.name)
        manifest = reading.manifest()
        _check_same_party(place, manifest)
        check_room(place.parent, room_for(manifest))
        with beside(place, now) as stage:
            reading.unpack(manifest, stage, lambda _: True, tell)
            keys = _bring_keys(manifest, stage, [request.keys_from, place])
            whole = await check_unpacked(stage, manifest, clock, tell)
            check_identity(whole.settings, manifest)
            database = await _goes_to(request, whole)
            found = await _held_against(
                whole, manifest, old, clock, tell if request.ask_peers else None
            )
            found += await _beside_database(place, database, whole, manifest, clock)
            if is_behind(found) and not request.even_if_rolled_back:
                raise WrongState(_refusal(found))
            kept = None
            if not request.dry_run:
                await put_store(stage, database, manifest, clock, tell)
                owner = (place if place.exists() else place.parent).stat()
                take_over(stage, owner)
                kept = put(stage, place, now)
    return Restored(
        manifest=manifest,
        whole=whole,
        findings=tuple(found),
        keys=keys,
        kept=kept,
        database=None if database is None else shown(database),
    )


async def _goes_to(request: Request, whole: Whole) -> str | None:
    """Return the database that the store goes to, which must be ready for it; None: a file."""
    database = None if request.as_file else request.database or whole.settings.database
    if database is not None:
        await check_ready(database)
    return database


async def _beside_database(
    place: Path, database: str | None, whole: Whole, manifest: Manifest, clock: Clock
) -> list[Finding]:
    """Hold the record against that of the database that the folder in place names."""
    try:
        there = load_settings(place).database if (place / FILE).exists() else None
    except BadInput:
        return []
    if there is None or there == database:  # Which is empty, as was checked.
        return []
    key = bytes.fromhex(manifest.public_key)
    with standing(whole.settings.data / STORE) as store:
        record = KnownRecord(store, party=manifest.party, public_key=key)
        return await beside_old_database(record, manifest, there, clock)


def _check_place(place: Path, *, replace: bool) -> None:
    if place.is_symlink():
        raise BadInput("is a link; name the folder that it leads to", field=str(place))
    if not place.parent.is_dir():
        raise BadInput("is no folder; make it first", field=str(place.parent))
    if not place.exists():
        return
    if not place.is_dir():
        raise BadInput("is no folder", field=str(place))
    present = sorted(entry.name for entry in place.iterdir())
    if present and not replace:
        what = "holds a node already" if FILE in present else f"is not empty ({present[0]})"
        raise BadInput(
            f"{what}; choose another --data, or --replace it: what is there is kept beside it",
            field=str(place),
        )


def _check_same_party(place: Path, manifest: Manifest) -> None:
    """Refuse to put one party's node in place of another's."""
    if not (place / FILE).exists():
        return
    try:
        there = load_settings(place).party
    except BadInput:  # Damaged, which may be why it is replaced.
        return
    if there != manifest.party:
        raise BadInput(
            f"is the node of {there}, and the backup is of {manifest.party}; choose another --data",
            field=str(place),
        )


def _bring_keys(manifest: Manifest, stage: Path, places: Sequence[Path | None]) -> tuple[str, ...]:
    """Put in place what the backup was made without, from where it is; return what is there."""
    names = dict.fromkeys([*SECRETS, *(each.name for each in manifest.left_out if each.secret)])
    for name in names:
        if name_problem(name) is not None or (stage / name).exists():
            continue
        for place in places:
            if place is not None and _is_file(place / name):
                _copy_secret(place / name, stage / name)
                break
    key = stage / SIGNING_KEY
    if key.exists() and public_key(load_signing_key(stage)).hex() != manifest.public_key:
        raise BadInput(
            f"the key at hand is not the one of {manifest.party} that made this backup; name the "
            "folder that has it with --keys-from",
            field=SIGNING_KEY,
        )
    secret = {each.name for each in manifest.files if each.secret} | set(names)
    return tuple(sorted(name for name in secret if (stage / name).is_file()))


def _is_file(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size <= _SECRET_BYTES_MAX


def _copy_secret(source: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with source.open("rb") as read, os.fdopen(os.open(place, flags, 0o600), "wb") as write:
        shutil.copyfileobj(read, write)
        write.flush()
        os.fsync(write.fileno())


async def _held_against(
    whole: Whole, manifest: Manifest, old: StandingStore | None, clock: Clock, asking: Tell | None
) -> list[Finding]:
    """Hold the record against what is known of it elsewhere; ``asking`` None: peers are not."""
    found: list[Finding] = []
    stage, key = whole.settings.data, bytes.fromhex(manifest.public_key)
    with standing(stage / STORE) as store:
        record = KnownRecord(store, party=manifest.party, public_key=key)
        if old is not None:
            there = KnownRecord(old, party=manifest.party, public_key=key)
            found += await beside_folder(record, there)
        if whole.agreement is not None:
            await check_alone(whole.settings, whole.agreement, clock)
        if asking is None:
            found.append(Finding("peers", State.UNKNOWN, "were not asked, as you said"))
        elif whole.agreement is None or not (stage / SIGNING_KEY).exists():
            sentence = "cannot be asked without agreement and key"
            found.append(Finding("peers", State.UNKNOWN, sentence))
        else:
            found += await beside_peers(record, whole.settings, whole.agreement, clock, asking)
    return found


def _refusal(found: Sequence[Finding]) -> str:
    said = "; ".join(
        f"{each.source}: {each.sentence}"
        for each in found
        if each.state in (State.BEHIND, State.LOST)
    )
    return f"this backup is older than what this party has said since. {said}. {REMEDY}"
