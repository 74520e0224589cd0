"""Whether what was copied is a node's: its databases whole, its record hashing to the head that it
names, its settings, agreement and keys those of one party.

Of an archive from anywhere nothing is believed: a schema must be one that our own migrations make,
before a table of it is read.
"""

import re
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import apsw

from tansiq.backup.archive import Tell
from tansiq.backup.manifest import DUMP, Manifest, StoreEntry
from tansiq.backup.unfolding import unfold
from tansiq.clock import Clock
from tansiq.domain.agreement import Agreement
from tansiq.domain.intent import PartyID
from tansiq.errors import BadInput, RecordDamaged, StoreError
from tansiq.formats.agreement import load_agreement
from tansiq.formats.signed_note import NameOf, SignatureType, VerifierKey
from tansiq.peers.identity import SIGNING_KEY, load_signing_key, public_key
from tansiq.services.record import Checked, KnownRecord, check
from tansiq.settings import EXCHANGES, STORE, Settings, load_settings
from tansiq.storage.standing import StandingStore, standing

_MIGRATIONS: Final = {STORE: "migrations", EXCHANGES: "exchange_migrations"}
_NUMBER: Final = re.compile(r"(\d{4})_\w+\.sql")
_SCHEMA: Final = """
SELECT type, name, tbl_name, CASE WHEN type IN ('trigger', 'view') OR sql LIKE '%VIRTUAL%'
       THEN sql ELSE '' END
  FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
"""
_STEPS: Final = "SELECT number, name FROM schema_version ORDER BY number"
_FAULTS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """An unpacked backup that passed."""

    settings: Settings
    agreement: Agreement | None
    """None: its file is outside of the folder, and so not here."""
    record: Checked


def schema_of(store: StandingStore) -> int:
    """Return the last migration that a store has been through.

    Raises:
        StoreError: it has no list of them.
    """
    rows = store.connection.execute(_STEPS).fetchall()
    if not rows:
        raise StoreError(f"{store.path.name}: no migration was ever applied")
    return int(str(rows[-1][0]))


async def check_unpacked(folder: Path, manifest: Manifest, clock: Clock, tell: Tell) -> Whole:
    """Hold unpacked files against what they must be; files were held against their hashes before.

    Of a dump a file is made, beside it, and that is looked at.

    Raises:
        BadInput: they are not those of one node.
        StoreError: a database is damaged, or was made by a newer version.
        RecordDamaged, RecordRolledBack: its record is not whole, or not what others cosigned.
    """
    settings = load_settings(folder)
    if settings.party != manifest.party:
        raise BadInput(
            f"the settings are of {settings.party}, and the manifest is of {manifest.party}",
            field="party",
        )
    agreement = check_identity(settings, manifest)
    for entry in manifest.stores:
        if entry.kind == "postgresql":
            entry = unfold(folder / DUMP, folder / STORE, entry, tell)  # noqa: PLW2901 # The same.
        tell(f"{entry.name}: looking at every page")
        with standing(folder / entry.name) as store:
            _check_database(store, entry)
    with standing(folder / STORE) as store:
        record = await _check_record(store, manifest, agreement, clock, tell)
    return Whole(settings=settings, agreement=agreement, record=record)


def check_identity(settings: Settings, manifest: Manifest) -> Agreement | None:
    """Check that agreement and key, where they are there, are the party's.

    Raises:
        BadInput: they are somebody else's.
    """
    folder = settings.data
    own = public_key(load_signing_key(folder)) if (folder / SIGNING_KEY).exists() else None
    if own is not None and own.hex() != manifest.public_key:
        raise BadInput("is another key than the one that made this backup", field=SIGNING_KEY)
    if not settings.agreement.exists():
        return None
    agreement = load_agreement(settings.agreement)
    if agreement.party(PartyID(manifest.party)) is None:
        raise BadInput(f"{manifest.party} is no party of it", field=settings.agreement.name)
    return agreement


def _check_database(store: StandingStore, entry: StoreEntry) -> None:
    """Look for strange tables first, then at every page."""
    connection = store.connection
    steps = _numbered(files("tansiq.storage") / _MIGRATIONS[entry.name])
    try:
        applied = {int(row[0]): str(row[1]) for row in connection.execute(_STEPS)}
        found = set(connection.execute(_SCHEMA))
    except apsw.Error as error:
        raise StoreError(f"{entry.name}: not a store of a node ({error})") from error
    if unknown := sorted(applied.keys() - steps.keys()):
        raise StoreError(
            f"{entry.name} has been through {applied[unknown[0]][:60]!r}, which this version does "
            "not know; use the version of Tansiq that made it, or a newer one"
        )
    last = max(applied, default=0)
    if last != entry.schema or sorted(applied) != sorted(n for n in steps if n <= last):
        raise StoreError(f"{entry.name}: its migrations are not those that the manifest names")
    if strange := found ^ _expected(steps, last):
        raise StoreError(
            f"{entry.name}: {min(strange)[1][:60]!r} is there and should not be, or the reverse; "
            "no node of ours made this file"
        )
    _check_pages(connection, entry.name)


def _check_pages(connection: apsw.Connection, name: str) -> None:
    rows = connection.execute("PRAGMA integrity_check(100)").fetchall()
    faults = [str(row[0]) for row in rows if row[0] != "ok"]
    faults += [
        f"row {row[1]} of {row[0]} names what is not there"
        for row in connection.execute("PRAGMA foreign_key_check").fetchall()[:100]
    ]
    if faults:
        raise StoreError(
            f"{name} is damaged: {'; '.join(faults[:_FAULTS_SHOWN])}"
            + (f"; and {len(faults) - _FAULTS_SHOWN} more" if len(faults) > _FAULTS_SHOWN else "")
        )


def _numbered(folder: Traversable) -> dict[int, Traversable]:
    found = {}
    for step in folder.iterdir():
        if (match := _NUMBER.fullmatch(step.name)) is not None:
            found[int(match[1])] = step
    return found


def _expected(steps: dict[int, Traversable], last: int) -> set[tuple[str, ...]]:
    """Return what the schema is after so many migrations."""
    fresh = apsw.Connection(":memory:")
    try:
        fresh.execute("CREATE TABLE schema_version (number INTEGER PRIMARY KEY, name TEXT)")
        for number in sorted(n for n in steps if n <= last):
            fresh.execute(steps[number].read_text("utf-8"))
        return set(fresh.execute(_SCHEMA))
    finally:
        fresh.close()


async def _check_record(
    store: StandingStore, manifest: Manifest, agreement: Agreement | None, clock: Clock, tell: Tell
) -> Checked:
    key = bytes.fromhex(manifest.public_key)
    record = KnownRecord(store, party=manifest.party, public_key=key)
    parties = agreement.parties if agreement is not None else ()
    witnesses = [
        VerifierKey(NameOf.WITNESS.by(each.id), each.public_key, SignatureType.COSIGNATURE)
        for each in parties
        if each.id != manifest.party
    ]

    def progress(done: int, size: int) -> None:
        tell(f"the record: {done:,} of {size:,} entries hashed again")

    found = await check(record, clock=clock, witnesses=witnesses, progress=progress)
    if (found.size, found.root.hex()) != (manifest.record.size, manifest.record.root):
        raise RecordDamaged(
            f"the record in it comes to {found.size:,} entries, root {found.root.hex()[:16]}, "
            f"and its manifest says {manifest.record.size:,} and {manifest.record.root[:16]}"
        )
    return found
