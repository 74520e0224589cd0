"""A database gets the tables of a new version while processes of the version before serve from it.

They are real ones, under load, and none of their requests fails; migrations that would make them
fail are caught.
"""

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest

import stores
from tansiq.errors import StoreError
from tansiq.storage import postgres_migrate
from tansiq.storage.migrate import numbered
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.postgres_migrate import shipped
from tansiq.storage.store import Tx

WORKER = Path(__file__).with_name("upgrade_worker.py")
PATHS = (
    str(WORKER.parents[1] / "register"),
    str(WORKER.parents[1]),
    os.environ.get("PYTHONPATH", ""),
)
SEED = 20_261_130
FIRST_BESIDE = 17
"""With this migration the store on PostgreSQL began; nobody serves without it."""
EXPANDS = """
-- What a version may do to tables that the one before uses.
ALTER TABLE intent ADD COLUMN upgrade_note TEXT;
ALTER TABLE subscription ADD COLUMN upgrade_count INTEGER NOT NULL DEFAULT 0;
CREATE TABLE upgrade_more (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX upgrade_by_end ON intent (time_end);
"""
RENAMES = "ALTER TABLE intent RENAME COLUMN uss_base_url TO url;"
HOLDS = "ALTER TABLE intent ADD COLUMN upgrade_note TEXT; SELECT pg_sleep(2.5);"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with stores.using(stores.POSTGRESQL):
        yield stores.url_of(tmp_path / "store.db")


def folder(base: Path, *, besides: str | None = None, without_newest: bool = False) -> Path:
    """Return a folder of the shipped migrations, with one more or without the newest."""
    base.mkdir()
    known = numbered(shipped())
    for number, entry in known.items():
        if not (without_newest and number == max(known)):
            (base / entry.name).write_text(entry.read_text("utf-8"), "utf-8")
    if besides is not None:
        (base / f"{max(known) + 1:04}_upgrade.sql").write_text(besides, "utf-8")
    return base


async def made(url: str, migrations: Path) -> None:
    store = await PostgresStore.open(url, migrations=migrations)
    await store.close()


@dataclass
class Serving:
    """Processes that serve; what each has said is read while it goes on."""

    url: str
    lock_timeout: str = "10s"
    count: int = 2
    failed: list[str] = field(default_factory=list)
    done: dict[int, int] = field(default_factory=dict)
    _children: list["subprocess.Popen[str]"] = field(default_factory=list)
    _readers: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> "Serving":
        for number in range(self.count):
            child = subprocess.Popen(
                [sys.executable, WORKER, self.url, str(SEED + 100 * number), self.lock_timeout],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, PATHS))},
            )
            self._children.append(child)
            reader = threading.Thread(target=self._read, args=(number, child), daemon=True)
            reader.start()
            self._readers.append(reader)
        return self

    def _read(self, number: int, child: "subprocess.Popen[str]") -> None:
        assert child.stdout is not None
        for line in child.stdout:
            said = json.loads(line)
            if "failed" in said:
                self.failed.append(said["failed"])
            else:
                self.done[number] = said["done"]

    async def more(self, flights: int = 5) -> None:
        """Wait until each process has done so many more, or has failed."""
        before = {number: self.done.get(number, 0) for number in range(self.count)}
        for _ in range(6_000):
            assert all(child.poll() is None for child in self._children)
            if self.failed or all(
                self.done.get(number, 0) >= had + flights for number, had in before.items()
            ):
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"they do not go on: {self.done}")

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            assert child.stdin is not None
            child.stdin.write("\n")
            child.stdin.close()
        for child in self._children:
            child.wait(60)
        for reader in self._readers:
            reader.join(10)
        for child in self._children:
            assert child.stdout is not None
            child.stdout.close()


@pytest.mark.anyio
async def test_no_request_fails_while_tables_grow(url: str, tmp_path: Path) -> None:
    await made(url, folder(tmp_path / "before"))
    with Serving(url) as serving:
        await serving.more()
        await made(url, folder(tmp_path / "after", besides=EXPANDS))
        await serving.more()
    print(f"seed {SEED}: {serving.done} flights")
    assert serving.failed == []


@pytest.mark.anyio
async def test_no_request_fails_while_the_newest_migration_runs(url: str, tmp_path: Path) -> None:
    """As ``tansiq migrate`` runs it, on a database of the version before."""
    if max(numbered(shipped())) <= FIRST_BESIDE:
        pytest.skip("no migration has come since the store on PostgreSQL began")
    await made(url, folder(tmp_path / "before", without_newest=True))
    with Serving(url) as serving:
        await serving.more()
        main = "from tansiq.cli.main import main; main()"
        command = [sys.executable, "-c", main, "migrate", "--database", url]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, check=False
        )
        await serving.more()
    assert done.returncode == 0, done.stderr
    assert serving.failed == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("migration", "words"),
    [(RENAMES, "uss_base_url"), (HOLDS, "others held it for too long")],
    ids=["renames what is used", "holds a table"],
)
async def test_a_migration_that_is_in_the_way_is_caught(
    url: str, tmp_path: Path, migration: str, words: str
) -> None:
    await made(url, folder(tmp_path / "before"))
    with Serving(url, lock_timeout="1s", count=1) as serving:
        await serving.more()
        await made(url, folder(tmp_path / "after", besides=migration))
        await serving.more()
    assert any(words in one for one in serving.failed), serving.failed[:3]


@pytest.mark.anyio
@pytest.mark.parametrize("control", [False, True], ids=["as it is", "control: waits"])
async def test_who_reads_for_long_is_waited_for_without_holding_up_others(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, control: bool
) -> None:
    """Its lock on a table lets others pass; a migration that waited behind it would not."""
    if control:
        monkeypatch.setattr(postgres_migrate, "BRIEFLY", "SET LOCAL lock_timeout = 0")
    await made(url, folder(tmp_path / "before"))
    after = folder(tmp_path / "after", besides=EXPANDS)
    reader = await asyncpg.connect(url)
    await reader.execute("BEGIN; SELECT 1 FROM intent")
    migrating = asyncio.create_task(made(url, after))
    await _waits(url)
    with Serving(url, lock_timeout="2s", count=1) as serving:
        await serving.more(2)
        assert not migrating.done(), "it has not got the table yet"
        await reader.execute("ROLLBACK")
        await migrating
    assert bool(serving.failed) is control, serving.failed[:3]
    await reader.close()


async def _waits(url: str) -> None:
    """Wait until somebody waits for a table."""
    connection = await asyncpg.connect(url)
    sql = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"
    for _ in range(3_000):
        if await connection.fetchval(sql):
            break
        await asyncio.sleep(0.005)
    await connection.close()


@pytest.mark.anyio
async def test_tables_that_are_never_free_are_told(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_migrate, "TRIES", 1)
    await made(url, folder(tmp_path / "before"))
    reader = await asyncpg.connect(url)
    await reader.execute("BEGIN; SELECT 1 FROM intent")
    with pytest.raises(StoreError, match="pg_stat_activity"):
        await made(url, folder(tmp_path / "after", besides=EXPANDS))
    await reader.close()
    store = PostgresStore(url)

    async def columns(tx: Tx) -> int:
        sql = (
            "SELECT 1 FROM information_schema.columns "
            "WHERE column_name = 'upgrade_note' AND table_schema = current_schema()"
        )
        return len(await tx.fetch(sql))

    assert await store.read(columns) == 0, "nothing was changed"
    await store.close()


# What a migration may say

_NARROWS = (
    (r"\bRENAME\b", "renames"),
    (r"\bDROP\s+(?!INDEX)", "drops"),
    (r"\bALTER\s+(COLUMN\b|\w+\s+(SET|TYPE)\b)", "changes a column"),
    (r"\bADD\s+(COLUMN\s+)?\w+(?![^,;]*\bDEFAULT\b)[^,;]*\bNOT\s+NULL\b", "demands a value"),
    (r"\bADD\s+(CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY)\b", "demands more of rows"),
    (r"\bCREATE\s+UNIQUE\s+INDEX\b(?!.*-- new table)", "demands more of rows"),
)


def narrowing(sql: str) -> list[str]:
    """Return why a process of the version before may fail beside these changes."""
    plain = re.sub(r"--(?! new table)[^\n]*", "", sql)
    return [why for pattern, why in _NARROWS if re.search(pattern, plain, re.IGNORECASE)]


def test_migrations_only_add_to_what_is_used() -> None:
    """Since the store on PostgreSQL began. What is to go, goes one version after its last use:
    then it is named here, with that version."""
    for number, entry in numbered(shipped()).items():
        if number > FIRST_BESIDE:
            assert narrowing(entry.read_text("utf-8")) == [], entry.name


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (RENAMES, "renames"),
        ("DROP TABLE plan;", "drops"),
        ("ALTER TABLE plan DROP COLUMN name;", "drops"),
        ("ALTER TABLE plan ALTER COLUMN name TYPE TEXT;", "changes a column"),
        ("ALTER TABLE plan ADD COLUMN more TEXT NOT NULL;", "demands a value"),
        ("ALTER TABLE plan ADD CHECK (name <> '');", "demands more of rows"),
        ("CREATE UNIQUE INDEX plan_by_name ON plan (name);", "demands more of rows"),
    ],
)
def test_a_migration_that_narrows_is_named(sql: str, why: str) -> None:
    assert why in narrowing(EXPANDS + sql)
    assert narrowing(EXPANDS) == []
