"""What a backup holds, what it does not, and that it is one moment of a store that is written."""

import asyncio
import json
import os
import shutil
import stat
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest
from folders import Folder, good, make_folders, run, tree

from tansiq.backup.copying import copy_store
from tansiq.clock import SystemClock
from tansiq.settings import load_settings
from tansiq.storage.sqlite import SqliteStore
from tansiq.wiring import open_exchanges

ACCOUNTS, SUM = 400, 40_000


@pytest.fixture
def north(tmp_path: Path) -> Folder:
    (folder, _) = make_folders(tmp_path)
    folder.grow(30)
    return folder


def names(archive: Path) -> list[str]:
    with tarfile.open(archive) as opened:
        return [name.removeprefix("data/") for name in opened.getnames()][2:]


def test_any_tar_reads_it_and_only_its_user_may(north: Folder, tmp_path: Path) -> None:
    for words in ("", "--with-keys"):
        archive = tmp_path / f"x{words}.tar"
        good(f"backup {words} --data", north.data, "--output", archive)
        assert stat.S_IMODE(archive.stat().st_mode) == 0o600
        secret = {"signing.key", "tls.key", "own.token"}
        found = set(names(archive))
        assert {"tansiq.db", "tansiq.toml", "agreement.toml", "party.toml", "tls.crt"} <= found
        assert found & secret == (secret if words else set())
    manifest = json.loads(good("backup --json --check", archive).output)
    assert (manifest["party"], manifest["record"]["size"]) == ("north", 30)
    assert manifest["stores"][0]["schema"] >= 16


def test_secrets_are_told_by_what_they_are_not_by_name(north: Folder, tmp_path: Path) -> None:
    (north.data / "invitations").write_text("tansiq-invitation-x\n")
    shutil.copy(north.data / "signing.key", north.data / "old-copy.txt")
    (north.data / "secret.txt").write_text("word\n")
    settings = (north.data / "tansiq.toml").read_text()
    entry = '[[credential]]\ntoken_url = "https://id.example/t"\nclient_id = "n"\n'
    (north.data / "tansiq.toml").write_text(f'{settings}\n{entry}client_secret = "secret.txt"\n')
    said = good("backup --data", north.data, "--output", tmp_path / "x.tar").output
    kept_back = {"invitations", "old-copy.txt", "secret.txt", "signing.key"}
    assert not kept_back & set(names(tmp_path / "x.tar"))
    assert all(f"not in it: {name} (secret" in said for name in kept_back)
    said = good("backup --with-keys --data", north.data, "--output", tmp_path / "y.tar").output
    assert kept_back <= set(names(tmp_path / "y.tar"))
    assert "THIS FILE HOLDS THE NODE'S KEYS" in said
    # Put back they are ours alone again, whatever they were.
    good("restore --no-peers --data", tmp_path / "new", tmp_path / "y.tar")
    assert all(stat.S_IMODE((tmp_path / "new" / n).stat().st_mode) == 0o600 for n in kept_back)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_what_is_left_out_is_said(north: Folder, tmp_path: Path) -> None:
    data = north.data
    (data / "link").symlink_to("/etc/passwd")
    (data / "serve.log").write_text("x")
    (data / "history.db").write_bytes(b"x")
    (data / "tansiq.db-wal-not").write_text("kept")
    os.mkfifo(data / "pipe")
    (data / "hooks").mkdir()
    (data / "hooks" / "siren.sh").write_text("#!/bin/sh\n")
    (data / "hooks" / "siren.sh").chmod(0o755)
    settings = (data / "tansiq.toml").read_text()
    hook = '[[hook]]\nname = "siren"\non = ["stop"]\nrun = ["/usr/bin/logger"]\n'
    (data / "tansiq.toml").write_text(f"{settings}\n{hook}")
    before = tree(data)
    planned = good("backup --dry-run --data", data, "--output", tmp_path).output
    said = good("backup --data", data, "--output", tmp_path / "x.tar").output
    for text in (planned, said):
        assert "link (a link" in text
        assert "pipe (no file)" in text
        assert "serve.log (a log)" in text
        assert "/usr/bin/logger (program of the hook siren, outside of the folder)" in text
    assert "Nothing was written" in planned
    assert tree(data) == before
    assert "history.db" not in names(tmp_path / "x.tar")
    good("restore --no-peers --data", tmp_path / "new", tmp_path / "x.tar")
    assert os.access(tmp_path / "new" / "hooks" / "siren.sh", os.X_OK)
    assert (tmp_path / "new" / "tansiq.db-wal-not").exists()


def test_the_record_of_exchanges_comes_along_unless_not_wanted(
    north: Folder, tmp_path: Path
) -> None:
    asyncio.run(open_exchanges(load_settings(north.data)).close())
    good("backup --data", north.data, "--output", tmp_path / "with.tar")
    good("backup --no-exchanges --data", north.data, "--output", tmp_path / "without.tar")
    assert "exchanges.db" in names(tmp_path / "with.tar")
    assert "exchanges.db" not in names(tmp_path / "without.tar")
    good("restore --no-peers --data", tmp_path / "new", tmp_path / "with.tar")
    assert (tmp_path / "new" / "exchanges.db").exists()


def test_where_a_backup_may_not_go(north: Folder, tmp_path: Path) -> None:
    (tmp_path / "there.tar").write_text("precious")
    for output, why in (
        (north.data / "x.tar", "would be lost with it"),
        (tmp_path / "there.tar", "is there already"),
        (tmp_path / "no" / "x.tar", "is no folder"),
    ):
        result = run("backup --data", north.data, "--output", output)
        assert result.exit_code == 2
        assert why in result.output
    assert (tmp_path / "there.tar").read_text() == "precious"
    (north.data / "tansiq.db").unlink()
    result = run("backup --data", north.data, "--output", tmp_path / "x.tar")
    assert "has never served" in result.output
    assert not (tmp_path / "x.tar").exists()
    assert not list(tmp_path.glob(".tansiq-*"))


def test_what_is_damaged_is_not_called_a_backup(north: Folder, tmp_path: Path) -> None:
    connection = apsw.Connection(str(north.data / "tansiq.db"))
    connection.execute("UPDATE record_entry SET body = x'00' WHERE seq = 7")
    connection.close()
    result = run("backup --data", north.data, "--output", tmp_path / "x.tar")
    assert result.exit_code == 4
    assert "entry 7" in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["north", "south"]


# One moment


@contextmanager
def transfers(path: Path) -> Iterator[list[int]]:
    """Move amounts between rows of a store, without pause; yield how many commits there were."""
    commits, going = [0], [True]

    def work() -> None:
        connection = apsw.Connection(str(path))
        connection.set_busy_timeout(5_000)
        connection.pragma("wal_autocheckpoint", 50)
        n = 0
        while going[0]:
            n += 1
            one, other = n * 7 % ACCOUNTS, (n * 13 + 5) % ACCOUNTS
            with connection:
                connection.execute("UPDATE t SET n = n - 1 WHERE id = ?", (one,))
                connection.execute("UPDATE t SET n = n + 1 WHERE id = ?", (other,))
                connection.execute("UPDATE t SET pad = randomblob(900) WHERE id = ?", (one,))
            commits[0] += 1
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield commits
    finally:
        going[0] = False
        thread.join()


def sum_of(path: Path) -> int | None:
    """The sum over all rows; None: it cannot be read, or is damaged."""
    try:
        connection = apsw.Connection(str(path))
        if connection.pragma("integrity_check") != "ok":
            return None
        return int(connection.execute("SELECT SUM(n) FROM t").fetchone()[0])  # type: ignore[index,arg-type]
    except apsw.Error:
        return None


def ledger(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "wal")
    connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, pad BLOB)")
    with connection:
        for n in range(ACCOUNTS):
            connection.execute(
                "INSERT INTO t VALUES (?, ?, randomblob(9000))", (n, SUM // ACCOUNTS)
            )
    connection.close()


def test_a_store_that_is_written_is_copied_as_of_one_moment(tmp_path: Path) -> None:
    ledger(tmp_path / "t.db")
    with transfers(tmp_path / "t.db") as commits:
        while not commits[0]:
            pass
        for n in range(5):
            before = commits[0]
            steps: list[str] = []
            target = tmp_path / f"copy{n}.db"
            asyncio.run(
                copy_store(
                    tmp_path / "t.db",
                    target,
                    clock=SystemClock(),
                    bytes_per_s=8e6,
                    tell=steps.append,
                )
            )
            assert commits[0] > before, "nothing was written meanwhile"
            # It never began anew: one sentence a step, each further than the one before.
            assert len(steps) == len(set(steps)) <= 2 + target.stat().st_size // 1_048_576
            assert sum_of(target) == SUM
            assert not target.with_name(target.name + "-wal").exists()


def test_the_test_notices_a_copy_of_the_file(tmp_path: Path) -> None:
    """The control: a file in use copied as slowly as the store is, as by cp over a network."""
    ledger(tmp_path / "t.db")
    found = set()
    with transfers(tmp_path / "t.db") as commits:
        while not commits[0]:
            pass
        for n in range(40):
            with (tmp_path / "t.db").open("rb") as read, (tmp_path / f"cp{n}.db").open("wb") as to:
                while piece := read.read(65_536):
                    to.write(piece)
                    time.sleep(0.002)
            found.add(sum_of(tmp_path / f"cp{n}.db"))
            (tmp_path / f"cp{n}.db").unlink()
            if found - {SUM}:
                return
    pytest.fail("forty copies of a file in use were all of one moment")


def test_a_node_that_writes_goes_on_meanwhile(north: Folder, tmp_path: Path) -> None:
    """The writer waits for no step of the copy, however slowly that goes."""

    async def both() -> int:
        store = SqliteStore.open(north.data / "tansiq.db")
        copying = asyncio.create_task(
            copy_store(
                north.data / "tansiq.db",
                tmp_path / "copy.db",
                clock=SystemClock(),
                bytes_per_s=200_000.0,
                tell=lambda _: None,
            )
        )
        commits = 0
        while not copying.done():
            await store.probe()
            commits += 1
        await copying
        await store.close()
        return commits

    assert asyncio.run(both()) >= 10
