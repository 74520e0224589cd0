"""A node whose store is in a database: dumped while it writes, looked at, put back elsewhere."""

import asyncio
import json
import re
import shutil
import tarfile
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from folders import Folder, good, run
from tests.moving.stored import in_database, in_file, made, told

import stores
from tansiq.backup import programs
from tansiq.backup.dumping import place_of
from tansiq.backup.manifest import DUMP, StoreEntry
from tansiq.backup.unfolding import unfold
from tansiq.errors import StoreError
from tansiq.settings import STORE, load_settings
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.record import RecordLog

SEED = 20_261_130
SCHEMA = max(
    int(file.name[:4])
    for file in files("tansiq.storage.migrations").iterdir()
    if file.name[0].isdigit()
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return made(tmp_path_factory.mktemp("made"), SEED, rows=12, entries=300)


@pytest.fixture
def urls(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Two schemas without tables."""
    with stores.using(stores.POSTGRESQL):
        yield stores.url_of(tmp_path / "one" / "store.db"), stores.url_of(tmp_path / "two" / "x.db")


@pytest.fixture
def north(template: Folder, tmp_path: Path, urls: tuple[str, str]) -> Folder:
    print(f"seed {SEED}")
    shutil.copytree(template.data, tmp_path / "north")
    folder = Folder(tmp_path / "north", template.party)
    good(f"copy --switch --from sqlite:{folder.data} --to", urls[0])
    return folder


@pytest.fixture
def archive(north: Folder, tmp_path: Path) -> Path:
    good("backup --data", north.data, "--output", tmp_path / "x.tar")
    return tmp_path / "x.tar"


def grow(url: str, count: int) -> None:
    """Append to the record, as a node that goes on does."""

    async def append() -> None:
        store = PostgresStore(url)
        for number in range(count):
            body = f"more {number}".encode()
            await store.write(lambda tx, body=body: RecordLog(tx).append("note", body, time=0))
        await store.close()

    asyncio.run(append())


def test_it_comes_back_in_another_database(
    north: Folder, archive: Path, urls: tuple[str, str], tmp_path: Path
) -> None:
    with tarfile.open(archive) as opened:
        names = opened.getnames()
    assert f"data/{DUMP}" in names
    assert f"data/{STORE}" not in names
    said = good("backup --check", archive).output
    assert f"{DUMP} " in said
    assert "300 entries of the record hashed again" in said
    assert f"not in it: {STORE} (the store is in a database; this was it before)" in said
    new = ("--data", tmp_path / "new", "--keys-from", north.data, "--database", urls[1])
    said = good("restore --no-peers --dry-run", *new, archive).output
    assert "would go to postgresql://" in said
    assert not (tmp_path / "new").exists()
    good("restore --no-peers", *new, archive)
    assert in_database(urls[1]) == in_database(urls[0]) == in_file(north.data)
    assert load_settings(tmp_path / "new").database == urls[1]
    assert not [*(tmp_path / "new").glob("tansiq.[dp]*")]
    insert = (
        "INSERT INTO notification (kind, entity, url, body, made) "
        "VALUES ('', '', '', '\\x00', 0) RETURNING seq"
    )
    assert told(urls[1], insert) == [13]
    second = run("restore --no-peers", "--data", tmp_path / "newer", "--database", urls[1], archive)
    assert "is not empty" in second.output


def test_it_comes_back_as_a_file(
    north: Folder, archive: Path, urls: tuple[str, str], tmp_path: Path
) -> None:
    good("restore --no-peers --as-file --data", tmp_path / "new", archive)
    assert in_file(tmp_path / "new") == in_database(urls[0])
    settings = load_settings(tmp_path / "new")
    assert settings.database is None
    assert not (tmp_path / "new" / DUMP).exists()
    both = run("restore --as-file", "--data", tmp_path / "n", "--database", urls[1], archive)
    assert "--as-file another" in both.output


def test_a_file_goes_into_a_database(
    template: Folder, urls: tuple[str, str], tmp_path: Path
) -> None:
    good("backup --data", template.data, "--output", tmp_path / "f.tar")
    new = ("--data", tmp_path / "new", "--database", urls[1])
    good("restore --no-peers", *new, tmp_path / "f.tar")
    assert in_database(urls[1]) == in_file(template.data)
    assert load_settings(tmp_path / "new").database == urls[1]
    assert not (tmp_path / "new" / STORE).exists()


def test_one_that_is_older_than_the_database_is_refused(
    north: Folder, archive: Path, urls: tuple[str, str]
) -> None:
    grow(urls[0], 2)
    words = ("--data", north.data, "--database", urls[1], archive)
    said = run("restore --no-peers --replace", *words)
    assert said.exit_code == 1, said.output
    assert "the database in use so far: its record has 2 entries more" in said.output
    assert told(urls[1], "SELECT to_regclass('intent')") == [None]
    good("restore --no-peers --replace --even-if-rolled-back", *words)


def test_it_is_one_moment_of_a_store_that_is_written(
    north: Folder, urls: tuple[str, str], tmp_path: Path
) -> None:
    ending, counted = threading.Event(), 0

    def write() -> None:
        nonlocal counted
        while not ending.is_set():
            grow(urls[0], 5)
            counted += 5

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(2):
            before = counted
            output = tmp_path / f"{number}.tar"
            good("backup --data", north.data, "--output", output)  # Checks the head, too.
            size = json.loads(good("backup --json --check", output).output)["record"]["size"]
            assert 300 + before <= size <= 305 + counted
    finally:
        ending.set()
        writer.join()
    assert counted > 5


def test_nothing_of_a_dump_is_executed(
    north: Folder, urls: tuple[str, str], tmp_path: Path
) -> None:
    told(
        urls[0],
        "CREATE FUNCTION mark() RETURNS trigger LANGUAGE plpgsql AS "
        "$$BEGIN CREATE TABLE IF NOT EXISTS executed (n int); RETURN NEW; END$$",
        "CREATE TRIGGER marking BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION mark()",
    )
    good("backup --data", north.data, "--output", tmp_path / "x.tar")
    new = ("--data", tmp_path / "new", "--database", urls[1])
    good("restore --no-peers", *new, tmp_path / "x.tar")
    assert told(urls[1], "SELECT to_regclass('executed')") == [None]
    assert told(
        urls[1],
        "SELECT COUNT(*) FROM pg_proc WHERE proname = 'mark' "
        "AND pronamespace = current_schema()::regnamespace",
    ) == [0]


def test_a_table_that_no_node_has_is_refused(
    north: Folder, urls: tuple[str, str], tmp_path: Path
) -> None:
    told(urls[0], "CREATE TABLE strange (n int)")
    said = run("backup --data", north.data, "--output", tmp_path / "x.tar")
    assert said.exit_code == 4
    assert "'strange' is no table of a node" in said.output
    assert not (tmp_path / "x.tar").exists()


def test_what_is_no_dump_is_said(tmp_path: Path, archive: Path) -> None:
    entry = StoreEntry(name=DUMP, kind="postgresql", schema=SCHEMA, pages=0, page_bytes=0)
    with tarfile.open(archive) as opened:
        opened.extract(f"data/{DUMP}", tmp_path, filter="data")
    whole = (tmp_path / "data" / DUMP).read_bytes()
    for name, content, schema, why in (
        ("rubbish", b"rubbish", SCHEMA, "cannot be read"),
        (
            "cut",
            whole[: len(whole) * 2 // 3],
            SCHEMA,
            "cannot be read|ends within|migrations|is none",
        ),
        ("newer", whole, 99, "which this version does not know"),
        ("older", whole, SCHEMA - 1, "no table of a node|migrations are not those"),
    ):
        dump = tmp_path / f"{name}.dump"
        dump.write_bytes(content)
        of = StoreEntry(name=DUMP, kind="postgresql", schema=schema, pages=0, page_bytes=0)
        with pytest.raises(StoreError, match=why):
            unfold(dump, tmp_path / f"{name}.db", of, lambda _: None)
    again = unfold(tmp_path / "data" / DUMP, tmp_path / "good.db", entry, lambda _: None)
    assert again.pages * again.page_bytes == (tmp_path / "good.db").stat().st_size


def test_who_has_no_program_for_it_is_told(
    north: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "_DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    said = run("backup --data", north.data, "--output", tmp_path / "x.tar")
    assert said.exit_code == 2
    assert "apt-get install postgresql-client" in said.output
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.7'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    said = run("backup --data", north.data, "--output", tmp_path / "x.tar")
    assert "is of version 12, and the server of 1" in said.output
    assert not (tmp_path / "x.tar").exists()


def test_a_database_that_fails_is_said(north: Folder, tmp_path: Path) -> None:
    settings = north.data / "tansiq.toml"
    written = settings.read_text()
    settings.write_text(re.sub(r"@127.0.0.1:[0-9]+", "@127.0.0.1:1,127.0.0.1:2", written))
    said = run("backup --data", north.data, "--output", tmp_path / "x.tar")
    assert said.exit_code == 4, said.output


def test_no_program_is_told_the_password_in_its_words() -> None:
    place = place_of("postgresql://n:p%40ss@db1:5433,db2/north?sslmode=require&search_path=x")
    assert place.environment == {"PGPASSWORD": "p@ss"}
    assert place.words == (
        "--dbname",
        "postgresql://n@db1:5433,db2/north?sslmode=require&target_session_attrs=primary",
        "--no-password",
    )
