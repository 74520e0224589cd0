"""A node's folder as a node leaves it, made without running one: real files, store and record."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from click.testing import CliRunner, Result
from tests.planning.sky import free_ports

from tansiq.cli.main import cli
from tansiq.clock import SystemClock
from tansiq.domain.agreement import Minima
from tansiq.domain.volume import Circle, LatLng
from tansiq.formats.agreement import agreement_toml
from tansiq.formats.signed_note import NameOf, VerifierKey
from tansiq.peers.identity import NewNode, load_signing_key, make_node, public_key, write_node
from tansiq.peers.succession import take_up
from tansiq.services.record import Record, Witness
from tansiq.settings import STORE, Limits, load_settings
from tansiq.storage.sqlite import SqliteStore

AREA = Circle(center=LatLng(33.0, 36.0), radius_m=60_000)


@dataclass(frozen=True)
class Folder:
    """One party's folder."""

    data: Path
    party: str

    def grow(self, count: int) -> int:
        """Append entries to the record, as a node that serves does; return its size."""
        return asyncio.run(self._grow(count))

    async def _grow(self, count: int) -> int:
        settings, clock = load_settings(self.data), SystemClock()
        store = SqliteStore.open(self.data / STORE)
        try:
            await take_up(settings, store, clock, cleared="")
            record = self.record(store)
            now = clock.now()

            async def write(tx: object) -> int:
                entries = [("note", f"{self.party} says {n}".encode()) for n in range(count)]
                await record.append_all(tx, entries, now=now)  # type: ignore[arg-type]
                return (await record.head(tx)).size  # type: ignore[arg-type]

            return await store.write(write)
        finally:
            await store.close()

    def record(self, store: SqliteStore) -> Record:
        key = load_signing_key(self.data)
        return Record(store, party=self.party, signing_key=key, limits=Limits())

    def cosigned_by(self, other: "Folder") -> None:
        """Have another party witness the record as it is, and keep what it answers."""
        asyncio.run(self._cosigned_by(other))

    async def _cosigned_by(self, other: "Folder") -> None:
        mine, theirs = SqliteStore.open(self.data / STORE), SqliteStore.open(other.data / STORE)
        try:
            record = self.record(mine)
            logs = {record.origin: record.key}
            witness = Witness(
                theirs,
                party=other.party,
                signing_key=load_signing_key(other.data),
                logs=logs,
                limits=Limits(),
            )
            handed = await record.to_witness(NameOf.WITNESS.by(other.party))
            line = await witness.accept(handed.encode(), now=datetime.now(UTC))
            await record.keep(handed.checkpoint, line.line(), [witness.key])
        finally:
            await mine.close()
            await theirs.close()

    @property
    def log_key(self) -> VerifierKey:
        return VerifierKey(NameOf.LOG.by(self.party), public_key(load_signing_key(self.data)))


def make_folders(where: Path, parties: Sequence[str] = ("north", "south")) -> list[Folder]:
    """Make the folders of parties under one agreement; nobody listens at their ports."""
    made, entries = [], []
    for party in parties:
        own, peer = free_ports(2)
        new = NewNode(
            party=party,
            names={"en": party.title()},
            url=f"https://127.0.0.1:{peer}",
            own_port=own,
            peer_port=peer,
        )
        files = make_node(new, datetime.now(UTC))
        write_node(where / party, files)
        entries.append(files.party)
        made.append(Folder(where / party, party))
    text = agreement_toml(name="Valley", parties=entries, area=AREA, minima=Minima())
    for folder in made:
        (folder.data / "agreement.toml").write_bytes(text)
        folder.grow(0)
    return made


def tree(folder: Path) -> dict[str, str]:
    """Return a hash of each file below, without what SQLite keeps beside a store in use."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm"))
    }


def run(line: str, *more: object) -> Result:
    """Run a command as the shell does."""
    return CliRunner().invoke(cli, [*line.split(), *map(str, more)])


def good(line: str, *more: object) -> Result:
    """Run a command that has to end well."""
    result = run(line, *more)
    assert result.exit_code == 0, f"tansiq {line} {more}: {result.exit_code}\n{result.output}"
    return result
