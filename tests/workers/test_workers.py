"""Two and more processes serve one node over PostgreSQL, and any of them may die."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from click.testing import CliRunner
from tests.register.pool_world import INTENTS, here
from tests.register.register_world import NOON, intent, volume
from tests.workers.fleet import (
    PATIENCE_S,
    Fleet,
    One,
    make_fleet,
    plan,
    running,
    soon,
    south_serving,
    until,
)

import stores
from tansiq.cli.main import cli
from tansiq.f3548 import codec
from tansiq.settings import load_own_token, load_settings
from tansiq.storage.postgres import PostgresStore
from tansiq.storage.postgres_link import application
from tansiq.storage.stripes import GATES

MAIN = [sys.executable, "-c", "from tansiq.cli.main import main; main()"]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with stores.using(stores.POSTGRESQL):
        yield stores.url_of(tmp_path / "north" / "store.db")


class Reader:
    """Reads the event feed of one worker, in a thread, until it ends."""

    def __init__(self, fleet: Fleet, one: One, after: int) -> None:
        self.events: list[dict[str, Any]] = []
        self._url = f"{one.own}/api/v1/events?after={after}"
        self._headers = fleet.headers
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        timeout = httpx.Timeout(PATIENCE_S)
        try:
            with (
                httpx.Client(trust_env=False, timeout=timeout) as client,
                client.stream("GET", self._url, headers=self._headers) as answer,
            ):
                for line in answer.iter_lines():
                    if line.startswith("data: "):
                        self.events.append(json.loads(line.removeprefix("data: ")))
        except httpx.HTTPError:
            return  # Its worker was killed.

    def numbers(self) -> list[int]:
        return [e["seq"] for e in self.events if "kind" in e]

    def heard_of(self, entity: str) -> bool:
        return any(e.get("id") == entity for e in self.events)


def test_each_serves_the_register_and_one_the_rest_and_any_may_die(
    url: str, tmp_path: Path
) -> None:
    fleet = make_fleet(tmp_path, url, 3)
    with running(fleet):
        holder = fleet.holder()
        others = fleet.others()
        first = f"{INTENTS}/{uuid4()}"
        put = fleet.ask(others[0], "PUT", first, codec.encode(intent(here())))
        assert put.status_code == 201, put.text
        for one in fleet.ones:
            assert fleet.ask(one, "GET", first).status_code == 200
            blind = fleet.ask(one, "PUT", f"{INTENTS}/{uuid4()}", codec.encode(intent(here())))
            assert blind.status_code == 409, blind.text
            assert fleet.client.get(f"{one.own}/healthz", headers=fleet.headers).status_code == 200

        feed = Reader(fleet, others[0], 0)
        made = fleet.submit(others[1], plan("OSPREY-1"))
        assert made.status_code == 201, made.text
        name = made.json()["id"]
        until(lambda: fleet.status(holder, name) == "coordinated")
        assert {fleet.status(one, name) for one in fleet.ones} == {"coordinated"}
        until(lambda: feed.heard_of(name))

        # What meets a plan of ours is the desk's to accept, wherever it comes in.
        mine = fleet.get(holder, f"/plans/{name}")
        assert mine["status"] == "coordinated"
        blind = fleet.ask(others[0], "PUT", f"{INTENTS}/{uuid4()}", codec.encode(meeting()))
        assert blind.status_code == 409, blind.text
        (missing,) = blind.json()["missing_operational_intents"]
        assert missing["manager"] == "north"

        began_s = time.monotonic()
        holder.kill()
        again = fleet.holder(besides=holder)
        print(f"another holds the desk after {time.monotonic() - began_s:.1f} s")
        until(lambda: fleet.status(again, name) == "coordinated")
        left = [one for one in others if one is not again]
        for one in (again, *left):
            assert fleet.ask(one, "GET", first).status_code == 200
        later = fleet.submit(left[0], plan("OSPREY-2", lng=10.1))
        assert later.status_code == 201, later.text
        resumed = Reader(fleet, left[0], max(feed.numbers()))
        until(lambda: resumed.heard_of(later.json()["id"]))
        seen = [*feed.numbers(), *resumed.numbers()]
        assert seen == list(range(seen[0], seen[0] + len(seen))), "events were lost or repeated"

        fleet.start(holder)
        fleet.settled([holder])
        assert fleet.holder() is again, "who comes back takes nothing from who holds it"
        until(lambda: fleet.status(holder, later.json()["id"]) == "coordinated")


def meeting(lng: float = 10.0, **more: Any) -> Any:
    """Return an intent of a supplier's that meets a plan there."""
    start = (soon(121) - NOON).total_seconds() / 60
    return intent(
        volume(lat=50.0, lng=lng, altitudes=(1_000.0, 1_100.0), minutes=(start, start + 20)),
        **more,
    )


# ---- what displaces a plan of ours comes in at a worker without the desk


def as_south(fleet: Fleet, south: One, method: str, path: str, body: Any = None) -> Any:
    token = load_own_token(fleet.folder / "south")
    headers = {"Authorization": f"Bearer {token}"}
    answer = fleet.client.request(method, f"{south.own}/api/v1{path}", headers=headers, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def test_a_higher_plan_that_comes_in_at_any_worker_displaces_ours(url: str, tmp_path: Path) -> None:
    """South reaches north by the second worker; north's plan is held by whoever has the desk."""
    fleet = make_fleet(tmp_path, url, 2, south=True)
    with running(fleet), south_serving(fleet) as south:
        if fleet.holder() is fleet.ones[1]:  # Then it is to be the other.
            fleet.ones[1].send(signal.SIGTERM)
            assert fleet.holder(besides=fleet.ones[1]) is fleet.ones[0]
            assert fleet.ones[1].ended() == 0
            fleet.start(fleet.ones[1])
            fleet.settled([fleet.ones[1]])
        mine = fleet.submit(fleet.ones[1], plan("OSPREY-1")).json()["id"]
        until(lambda: fleet.status(fleet.ones[0], mine) == "coordinated")
        theirs = as_south(fleet, south, "POST", "/plans", plan("HERON-1", priority=50))["id"]

        def settled() -> tuple[str, str]:
            heron = as_south(fleet, south, "GET", f"/plans/{theirs}")["status"]
            return fleet.status(fleet.ones[1], mine), heron

        until(lambda: settled() == ("displaced", "coordinated"), lambda: str(settled()))


FAULTS = """
import os
import tansiq.register_side
from tansiq.services.register.values import nobody
from tansiq.storage.postgres import PostgresStore

unless_ours, serve = tansiq.register_side.unless_ours, PostgresStore.serve

def hands_nothing_over(party):
    accepted = unless_ours(party)
    async def looked(tx, write):
        broken = os.path.exists({folder!r} + "/hands nothing over")
        await (nobody if broken else accepted)(tx, write)
    return looked

async def without_fence(self, run):
    await (self.join() if os.path.exists({folder!r} + "/no fence") else serve(self, run))

tansiq.register_side.unless_ours = hands_nothing_over
PostgresStore.serve = without_fence
"""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two workers for several tests; a file switches a fault on."""
    folder = tmp_path_factory.mktemp("pair")
    with stores.using(stores.POSTGRESQL):
        fleet = make_fleet(folder, stores.url_of(folder / "north" / "store.db"), 2)
    with running(fleet, FAULTS.format(folder=str(folder))):
        yield fleet


@contextmanager
def broken(fleet: Fleet, fault: str) -> Iterator[None]:
    (fleet.folder / fault).touch()
    yield
    (fleet.folder / fault).unlink()


def newcomer_at_a_worker(fleet: Fleet, lng: float) -> str:
    """Have a supplier place what meets our plan, at a worker without the desk; return our status.

    The supplier's details cannot be had, so the plan is looked at again and again until then.
    """
    holder, (other,) = fleet.holder(), fleet.others()
    name = fleet.submit(holder, plan("OSPREY-1", lng=lng)).json()["id"]
    until(lambda: fleet.status(holder, name) == "coordinated")
    blind = fleet.ask(other, "PUT", f"{INTENTS}/{uuid4()}", codec.encode(meeting(lng)))
    assert blind.status_code == 409, blind.text
    ovn = fleet.ovn_of(blind.json()["missing_operational_intents"][0]["id"])
    knowing = codec.encode(meeting(lng, key=(ovn,)))
    put = fleet.ask(other, "PUT", f"{INTENTS}/{uuid4()}", knowing)
    assert put.status_code == 201, put.text
    return fleet.status(holder, name)


def test_a_newcomer_at_any_worker_reopens_our_plan_in_the_same_transaction(pair: Fleet) -> None:
    """From the answer on, it is not shown as coordinated, until the newcomer has been judged."""
    assert newcomer_at_a_worker(pair, 9.7) != "coordinated"


def test_without_handing_over_it_would_be_shown_as_coordinated(pair: Fleet) -> None:
    """The control: the newcomer is accepted, and nobody has told our plan."""
    with broken(pair, "hands nothing over"):
        assert newcomer_at_a_worker(pair, 9.6) == "coordinated"


# ---- two who believe that they hold the desk


def stopped_and_replaced(fleet: Fleet, number: int) -> tuple[httpx.Response, bool]:
    """Stop the holder with a request in its ears, have it go on once another holds the desk.

    Return what it answers to the request, and whether who holds the desk knows of the plan.
    """
    old = fleet.holder()
    before = old.log.count("another worker holds the desk: ")
    heard: list[httpx.Response] = []

    def ask() -> None:
        with httpx.Client(trust_env=False, timeout=PATIENCE_S) as client:
            url, body = f"{old.own}/api/v1/plans", plan(f"LATE-{number}", lng=10.0 + number / 50)
            heard.append(client.post(url, headers=fleet.headers, json=body))

    old.send(signal.SIGSTOP)
    asking = threading.Thread(target=ask)
    asking.start()
    new = fleet.holder(besides=old)
    old.send(signal.SIGCONT)
    asking.join(PATIENCE_S)
    assert heard, "no answer at all"
    known = {one["id"] for one in fleet.get(new, "/plans")["plans"]}
    found = heard[0].status_code == 201 and heard[0].json()["id"] in known
    told = "another worker holds the desk: "
    until(lambda: old.log.count(told) > before)
    return heard[0], found


def test_who_was_replaced_acknowledges_nothing_from_its_own_memory(pair: Fleet) -> None:
    """Refused, or handed to who holds the desk by now; afterwards it is a worker like others."""
    for number in range(2):
        answer, found = stopped_and_replaced(pair, number)
        print(f"the one that was replaced answers {answer.status_code}; known: {found}")
        assert (answer.status_code, found) in ((201, True), (503, False)), answer.text
    name = pair.submit(pair.ones[0], plan("LAST", lng=9.8)).json()["id"]
    for one in pair.ones:
        until(lambda one=one: pair.status(one, name) == "coordinated")


def test_who_hangs_within_a_transaction_holds_up_nobody(pair: Fleet) -> None:
    """It has all gates, and the server would leave them to it for a minute."""
    old = pair.holder()
    name = application(pair.desk().holder)

    async def hang() -> None:
        connection = await asyncpg.connect(
            pair.database, server_settings={"application_name": name}
        )
        await connection.execute(PostgresStore.ORDER.begin)
        await connection.fetch(PostgresStore.ORDER.take, list(range(GATES)))
        old.send(signal.SIGSTOP)
        try:
            await asyncio.to_thread(pair.holder, besides=old)
            with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
                await connection.execute("SELECT 1")
        finally:
            old.send(signal.SIGCONT)

    asyncio.run(hang())
    new = pair.holder(besides=old)
    made = pair.submit(new, plan("AFTER-1", lng=9.5))
    assert made.status_code == 201, made.text
    until(lambda: "another worker holds the desk" in old.log)


def test_without_the_fence_it_would(pair: Fleet) -> None:
    """The control: a plan is acknowledged that who holds the desk knows nothing of."""
    try:
        with broken(pair, "no fence"):
            stopped_and_replaced(pair, 2)  # Whoever holds the desk from here on has no fence.
            for number in range(3, 7):
                answer, found = stopped_and_replaced(pair, number)
                print(f"without the fence: {answer.status_code}; known: {found}")
                if (answer.status_code, found) == (201, False):
                    return
    finally:
        # From here on there is one again: tests of this pair may come in any order.
        stopped_and_replaced(pair, 7)
    pytest.fail("nothing went wrong without the fence: the test above proves nothing")


# ---- those that are started, and started again


def test_a_supervisor_starts_others_in_the_place_of_those_that_die(
    url: str, tmp_path: Path
) -> None:
    fleet = make_fleet(tmp_path, url, 1)
    for each in fleet.ones[0].sockets.values():
        each.close()
    if (elsewhere := own_address()) is not None:  # As with workers on several machines.
        text = (fleet.data / "tansiq.toml").read_text()
        (fleet.data / "tansiq.toml").write_text(f'desk_host = "{elsewhere}"\n{text}')
    settings = load_settings(fleet.data)
    log = tmp_path / "serve.log"
    command = [sys.executable, "-m", "tansiq.cli.child", "serve", "--data", str(fleet.data)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--database", url, "--workers", "2"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
    try:
        own = f"http://127.0.0.1:{settings.own_port}"
        until(lambda: "Ctrl-C ends it." in log.read_text(), log.read_text)
        assert "workers   2" in log.read_text()
        until(lambda: len(children(process)) == 2)
        first = children(process)
        name = fleet.client.post(
            f"{own}/api/v1/plans", headers=fleet.headers, json=plan("OSPREY-1")
        ).json()["id"]
        os.kill(first[0], signal.SIGKILL)
        until(lambda: "worker 1 ended with -9" in log.read_text(), log.read_text)
        until(lambda: len(children(process)) == 2 and first[0] not in children(process))
        os.kill(first[1], signal.SIGKILL)  # One of the two had the desk.
        until(lambda: "worker 2 ended with -9" in log.read_text(), log.read_text)

        def served() -> bool:
            with suppress(httpx.HTTPError):
                path = f"{own}/api/v1/plans/{name}"
                answer = fleet.client.get(path, headers=fleet.headers)
                return answer.status_code == 200 and answer.json()["status"] == "coordinated"
            return False

        until(served, log.read_text)
        until(lambda: len(children(process)) == 2)
        second = subprocess.run(
            [*MAIN, "serve", "--data", str(fleet.data), "--database", url],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert second.returncode == 4, second.stderr
        assert "end them first, or serve with --workers" in second.stderr
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log.read_text()
        assert children(process) == []
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.kill()
        process.wait()
        fleet.client.close()


def own_address() -> str | None:
    """Return an address of this machine that is not only its own; None: it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # Nothing is sent.
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    return None if found.startswith("127.") else found


def children(process: "subprocess.Popen[bytes]") -> list[int]:
    found = subprocess.run(
        ["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in found.stdout.split()]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--workers", "2"], "workers share a PostgreSQL database"),
        (["--workers", "2", "--register-only"], "a register by itself has no workers"),
        (["--workers", "0"], "0 is not in the range"),
    ],
)
def test_what_does_not_go_together_is_told(tmp_path: Path, words: list[str], sentence: str) -> None:
    fleet = make_fleet(tmp_path, "", 1)
    for each in fleet.ones[0].sockets.values():
        each.close()
    fleet.client.close()
    done = CliRunner().invoke(cli, ["serve", "--data", str(fleet.data), *words])
    assert done.exit_code == 2, done.output
    assert sentence in done.output


def test_a_mistake_in_the_folder_ends_all_and_is_told(url: str, tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path, url, 1)
    for each in fleet.ones[0].sockets.values():
        each.close()
    fleet.client.close()
    (fleet.data / "agreement.toml").write_text("name = 1")
    done = subprocess.run(
        [*MAIN, "serve", "--data", str(fleet.data), "--database", url, "--workers", "2"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "agreement.toml" in done.stderr or "name" in done.stderr
