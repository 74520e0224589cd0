"""``tansiq copy``: all that the file holds, once, and no node on half of it."""

import asyncio
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from copy_killed import CONTROLS
from stored import emptied, in_database, in_file, made, told
from tests.backup.folders import Folder, run

import stores
from tansiq.moving.source import tables
from tansiq.settings import STORE, load_settings
from tansiq.storage.sqlite import SqliteStore

HERE = Path(__file__).parent
SEED = 20_261_130
SAMPLE, SOAK_SAMPLE = 4, 120
MIDDLE = 4_000
"""Of the lines of a copy, one among the batches."""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A schema without tables."""
    with stores.using(stores.POSTGRESQL):
        yield stores.url_of(tmp_path / "store.db")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return made(tmp_path_factory.mktemp("made"), SEED, rows=12, entries=300)


@pytest.fixture
def north(template: Folder, tmp_path: Path) -> Folder:
    print(f"seed {SEED}")
    shutil.copytree(template.data, tmp_path / "north")
    return Folder(tmp_path / "north", template.party)


def copy(north: Folder, url: str, *more: str, code: int = 0) -> str:
    done = run(f"copy --from sqlite:{north.data} --to", url, *more)
    assert done.exit_code == code, done.output
    return done.output


def test_all_of_a_store_arrives(north: Folder, url: str) -> None:
    before = (north.data / STORE).read_bytes()
    said = copy(north, url)
    mine, theirs = in_file(north.data), in_database(url)
    assert all(mine.values()), [name for name, rows in mine.items() if not rows]
    assert mine == theirs
    assert "300 entries" in said
    assert "the same in both" in said
    assert f'database = "{url}"' in said
    assert (north.data / STORE).read_bytes() == before
    assert told(url, "SELECT to_regclass('unfinished_copy')") == [None]


def test_numbers_go_on_where_they_were(north: Folder, url: str) -> None:
    last = max(row[0] for row in in_file(north.data)["notification"])
    assert last < 12, "the last ones should be gone"
    copy(north, url)
    new = (
        "INSERT INTO notification (kind, entity, url, body, made) "
        "VALUES ('', '', '', '\\x00', 0) RETURNING seq"
    )
    assert told(url, new) == [13]


def test_a_dry_run_writes_nothing(north: Folder, url: str) -> None:
    said = copy(north, url, "--dry-run")
    assert "Nothing was written" in said
    assert told(url, "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()") == [0]


def test_the_switch_is_written_above_the_tables(north: Folder, url: str) -> None:
    path = north.data / "tansiq.toml"
    before = path.read_text()
    path.write_text(before + "\n[limits]\n")
    copy(north, url, "--switch")
    assert load_settings(north.data).database == url
    assert path.read_text().replace(f'database = "{url}"\n\n', "") == before + "\n[limits]\n"


def test_who_runs_it_is_told_what_is_in_the_way(north: Folder, url: str, tmp_path: Path) -> None:
    store = SqliteStore.open(north.data / STORE)
    try:
        assert "a node runs on this folder" in copy(north, url, code=2)
    finally:
        asyncio.run(store.close())
    assert "is no folder" in run("copy --from sqlite:nowhere --to", url).output
    assert "tansiq.toml" in run(f"copy --from {tmp_path} --to", url).output
    assert "restore` with --database or --as-file" in run(f"copy --from {url} --to", url).output
    assert "such as postgresql://" in run(f"copy --from {north.data} --to mysql://x").output
    copy(north, url)
    assert "is not empty (table intent)" in copy(north, url, code=2)


def test_a_node_that_names_another_database_is_refused(north: Folder, url: str) -> None:
    path = north.data / "tansiq.toml"
    path.write_text('database = "postgresql://north@db1.example/north"\n' + path.read_text())
    assert "names another database" in copy(north, url, code=2)


def test_a_store_of_an_older_version_is_refused(north: Folder, url: str) -> None:
    connection = apsw.Connection(str(north.data / STORE))
    connection.execute("DELETE FROM schema_version WHERE number = 17")
    connection.close()
    assert "start the node once with this version" in copy(north, url, code=4)


def test_a_value_that_a_database_cannot_hold_is_named(north: Folder, url: str) -> None:
    connection = apsw.Connection(str(north.data / STORE))
    connection.execute("UPDATE hook SET problem = 'a' || char(0) || 'b'")
    connection.close()
    said = copy(north, url, code=2)
    assert "table hook" in said
    assert "cannot be kept" in said


def test_a_damaged_record_is_not_copied(north: Folder, url: str) -> None:
    connection = apsw.Connection(str(north.data / STORE))
    connection.execute("UPDATE record_entry SET body = X'00' WHERE seq = 100")
    connection.close()
    assert "entry 100 is not what was appended" in run(f"copy --from {north.data} --to", url).output


# Killed


def killed(how: str, north: Folder, url: str, lines: list[int]) -> Any:
    """For each line, what a node says of the half, and what comes of a second run."""
    words = [sys.executable, HERE / "copy_killed.py", how, north.data, url, json.dumps(lines)]
    found = [str(HERE.parents[1]), str(HERE.parent), str(HERE), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, found))},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def check_kills(north: Folder, url: str, count: int) -> None:
    total = killed("as it is", north, url, [])
    assert total > MIDDLE
    lines = sorted(random.Random(SEED).sample(range(1, total + 1), count))
    print(f"seed {SEED}: lines {lines} of {total}")
    halves = 0
    for line, (half, came) in zip(lines, killed("as it is", north, url, lines), strict=True):
        assert came == "same" or "is not empty" in came, f"line {line}: {came}"
        if "is not empty" in came:
            assert not half, f"line {line}: whole, and refused"
        halves += "a copy that is not whole" in half
    assert halves > count // 3, "hardly any kill left a half: the test shows little"


def test_a_copy_that_is_killed_goes_on_where_it_stopped(north: Folder, url: str) -> None:
    check_kills(north, url, SAMPLE)


@pytest.mark.soak
def test_a_copy_that_is_killed_goes_on_where_it_stopped_often(north: Folder, url: str) -> None:
    check_kills(north, url, SOAK_SAMPLE)


@pytest.mark.parametrize("how", CONTROLS)
def test_a_copy_whose_mark_is_apart_is_caught(north: Folder, url: str, how: str) -> None:
    ((half, came),) = killed(how, north, url, [])
    assert "a copy that is not whole" in half
    assert came != "same", f"{how}: nothing noticed it"


def test_a_file_that_changed_since_is_refused(north: Folder, url: str) -> None:
    assert killed("half", north, url, [MIDDLE])[0], "the kill left nothing"
    north.grow(1)
    said = copy(north, url, code=2)
    assert "holds half of a copy of another file, or of this one before it changed" in said
    emptied(url)
    copy(north, url)
    assert in_file(north.data) == in_database(url)


def test_every_table_that_is_copied_has_a_key() -> None:
    assert len(tables()) > 30
    assert {"schema_version", "stripe", "store_probe"}.isdisjoint(t.name for t in tables())
