"""``tansiq migrate``, ``doctor --database`` and ``serve --database``, against a real server."""

import asyncio
import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from click.testing import CliRunner
from tests.fuzz.running import serving
from tests.register.register_world import NOON, intent, volume
from tests.storage.wire_cutter import WireCutter

import stores
from tansiq.cli.main import cli
from tansiq.errors import BadInput
from tansiq.f3548 import codec, wire
from tansiq.settings import load_settings, read_settings
from tansiq.storage.opening import peek_store
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.store import Tx


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """A schema without tables."""
    with stores.using(stores.POSTGRESQL):
        yield stores.url_of(tmp_path / "store.db")


def run(*words: str, code: int) -> str:
    done = CliRunner().invoke(cli, [*words])
    assert done.exit_code == code, done.output
    return done.output


def test_tables_are_brought_up_to_date_and_examined(url: str) -> None:
    assert "no tables yet" in run("doctor", "--database", url, code=0)
    waiting = run("migrate", "--check", "--database", url, code=1)
    assert "0 migrations applied" in waiting
    assert "0017_stripe.sql" in waiting
    assert "no tables yet" in run("doctor", "--database", url, code=0), "--check changed something"
    assert "applied 0001_register.sql" in run("migrate", "--database", url, code=0)
    assert "up to date" in run("migrate", "--database", url, code=0)
    assert "up to date" in run("migrate", "--check", "--database", url, code=0)
    found = json.loads(run("doctor", "--database", url, "--json", code=0))["checks"]
    verdicts = {check["name"]: check["verdict"] for check in found}
    assert verdicts | {"commit": "OK"} == {
        "database": "OK",
        "server": "OK",
        "database clock": "OK",
        "schema": "OK",
        "isolation": "OK",
        "commit": "OK",
    }


def test_a_database_of_a_newer_version_is_told(url: str) -> None:
    run("migrate", "--database", url, code=0)

    async def newer() -> None:
        store = PostgresStore(url)
        sql = "INSERT INTO schema_version (number, name) VALUES (9999, '9999_future.sql')"
        await store.write(lambda tx: tx.execute(sql))
        await store.close()

    asyncio.run(newer())
    for words in (("migrate", "--check"), ("migrate",)):
        assert "9999_future.sql, which this version does not know" in run(
            *words, "--database", url, code=4
        )
    assert "9999_future.sql" in run("doctor", "--database", url, code=1)


def test_what_acknowledges_too_early_fails(url: str) -> None:
    output = run("doctor", "--database", f"{url}&synchronous_commit=off", code=1)
    assert "FAIL  server" in output
    assert "synchronous_commit is off" in output
    lax = f"{url}&synchronous_commit=off"
    assert "synchronous_commit is off" in run("migrate", "--database", lax, code=4)


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    gone = "postgresql://north:secret@127.0.0.1:1/north"
    for words, code in ((("doctor",), 1), (("migrate", "--check"), 4)):
        output = run(*words, "--database", gone, code=code)
        assert "postgresql://north@127.0.0.1:1/north" in output
        assert "secret" not in output
    for words in (("doctor",), ("migrate",)):
        assert "URL of a PostgreSQL database" in run(*words, "--database", "mysql://x", code=2)
    assert "--database" in run("migrate", code=2)
    with pytest.raises(BadInput, match="database: write the URL"):
        read_settings(tmp_path, b'party = "north"\ndatabase = "north.db"\n')
    named = read_settings(tmp_path, b'party = "north"\ndatabase = "postgresql://h/north"\n')
    assert named.database == "postgresql://h/north"


def test_without_the_library_it_is_named(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "asyncpg", None)  # As if it were not installed.
    for words in (("doctor",), ("migrate",)):
        assert "pip install 'tansiq[postgresql]'" in run(*words, "--database", url, code=2)


def test_a_node_over_a_file_never_loads_it() -> None:
    code = (
        "import sys\n"
        "import tansiq.serving, tansiq.cli.serve, tansiq.cli.doctor, tansiq.cli.migrate\n"
        "import tansiq.backup.making, tansiq.backup.restoring, tansiq.cli.copy_store\n"
        "print([name for name in sys.modules if name.startswith('asyncpg')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@contextmanager
def cutting(cutter: WireCutter) -> Iterator[None]:
    """Run a cutter beside the test."""
    begun, done = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        await cutter.start()
        begun.set()
        await done.wait()
        await cutter.stop()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    assert begun.wait(10)
    try:
        yield
    finally:
        loops[0].call_soon_threadsafe(done.set)
        thread.join()


def test_a_node_that_does_not_know_whether_a_write_was_kept_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server has committed; its answer never comes. Then the node reads what stands there."""
    with stores.using(stores.POSTGRESQL):
        direct = stores.url_of(tmp_path / "alone" / "tansiq.db")
        cutter = WireCutter(stores.server().port, deliver=True)
        with cutting(cutter):
            through = re.sub(r":\d+/", f":{cutter.port}/", direct)
            monkeypatch.setattr("tests.fuzz.running.database_of", lambda _: through)
            with serving(tmp_path / "alone") as node, httpx.Client(trust_env=False) as client:
                name = str(uuid4())
                path = f"{node.peer_url}/dss/v1/operational_intent_references/{name}"
                body = codec.encode(intent(here()))
                until(lambda: node.log.count("Ctrl-C ends it.") == 1)
                cutter.at = b"COMMIT\0"
                put = client.put(path, content=body, headers=node.peer_headers(), timeout=60)
                assert put.status_code == 503, "another write of the node may have been cut"
                until(lambda: node.log.count("Ctrl-C ends it.") == 2)
                assert "not known whether a write was kept: the node begins anew" in node.log
                again = client.get(f"{node.own_url}/readyz", timeout=60)
                assert again.status_code == 200, again.text
                found = client.get(path, headers=node.peer_headers(), timeout=60)
                known = (found.status_code == 200, "not known" in put.text)
                print(f"kept and told as not known: {known}")
                assert known in ((True, True), (False, False))
    assert cutter.cuts == 1


def until(there: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + 120
    while not there():
        assert time.monotonic() < give_up_s
        time.sleep(0.05)


def here() -> wire.Volume4D:
    soon = (datetime.now(UTC) - NOON) / timedelta(minutes=1) + 60
    return volume(lat=50.0, lng=10.0, minutes=(soon, soon + 30))


def test_a_node_serves_from_a_database_and_keeps_what_it_acknowledged(tmp_path: Path) -> None:
    """Killed after it has answered; its folder has no store."""
    with stores.using(stores.POSTGRESQL), serving(tmp_path / "alone") as node:
        name = str(uuid4())
        path = f"{node.peer_url}/dss/v1/operational_intent_references/{name}"
        with httpx.Client(trust_env=False, timeout=60) as client:
            body = codec.encode(intent(here()))
            put = client.put(path, content=body, headers=node.peer_headers())
            assert put.status_code == 201, put.text
            assert client.get(f"{node.own_url}/readyz").status_code == 200
        assert "database  postgresql://postgres@127.0.0.1" in node.log
        assert node.database is not None

        async def there(tx: Tx) -> list[str]:
            return [row[0] for row in await tx.fetch("SELECT id FROM intent")]

        assert peek_store(node.data / "tansiq.db", node.database, there) == [name]
        assert not (node.data / "tansiq.db").exists()
        told = run("doctor", "--data", str(node.data), "--database", node.database, code=0)
        assert "isolation" in told, "it may be looked at while the node serves"
        assert load_settings(node.data).database is None
