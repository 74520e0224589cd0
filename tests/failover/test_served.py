"""A node that serves while its database fails over, as those who ask it over HTTP see it."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from pair import Primary, Standby
from tests.fuzz.running import Served, serving
from tests.moving.stored import told
from tests.register.register_world import NOON, intent, volume

from tansiq.f3548 import codec

WEST_DEG = 9.9
AWAY_S = 3.0
"""How long there is no primary."""


@pytest.fixture
def two() -> Iterator[tuple[Primary, Standby]]:
    first = Primary(
        options={"dynamic_shared_memory_type": "mmap", "synchronous_standby_names": "*"}
    )
    second: Standby | None = None
    try:
        first.start()
        second = Standby(of=first)
        second.start()
        yield first, second
    finally:
        first.vanish()
        if second is not None:
            second.remove()
        first.remove()


class Writer:
    """One client that writes on and on, and notes every answer."""

    def __init__(self, node: Served, number: int) -> None:
        self._node = node
        self._number = number
        self.kept: list[str] = []
        self.answers: Counter[str] = Counter()
        self.without_pause: list[str] = []
        self.slowest_s = 0.0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        soon = (datetime.now(UTC) - NOON) / timedelta(minutes=1) + 60
        with httpx.Client(trust_env=False, timeout=60) as client:
            count = 0
            while not self.ending.is_set():
                count += 1
                # Each in a place of its own, so that none needs a key.
                where = {"lat": 49.7 + count % 30 * 0.02, "lng": WEST_DEG + self._number * 0.1}
                level = count // 30 * 200.0
                at = volume(**where, altitudes=(level, level + 50), minutes=(soon, soon + 30))
                self._put(client, codec.encode(intent(at)))

    def _put(self, client: httpx.Client, body: bytes) -> None:
        name, began_s = str(uuid4()), time.monotonic()
        path = f"{self._node.peer_url}/dss/v1/operational_intent_references/{name}"
        try:
            answer = client.put(path, content=body, headers=self._node.peer_headers())
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
            time.sleep(0.1)
            return
        self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)
        self.answers[str(answer.status_code)] += 1
        if answer.status_code == 201:
            self.kept.append(name)
        elif answer.status_code in (429, 503):
            if "Retry-After" not in answer.headers:
                self.without_pause.append(answer.text)
            time.sleep(0.1)


def test_those_who_ask_wait_or_are_told_when_to_come_again(
    two: tuple[Primary, Standby], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    url = f"postgresql://postgres@127.0.0.1:{first.port},127.0.0.1:{second.port}/postgres"
    monkeypatch.setattr("tests.fuzz.running.database_of", lambda _: url)
    with serving(tmp_path / "alone") as node:
        writers = [Writer(node, number) for number in range(3)]
        try:
            written(writers, 30)
            first.sending(on=False)  # Now they wait within their COMMIT.
            time.sleep(0.5)
            first.vanish()
            time.sleep(AWAY_S)
            alive, ready = (
                httpx.get(f"{node.own_url}/{name}z", trust_env=False, timeout=30)
                for name in ("health", "ready")
            )
            second.promote()
            written(writers, sum(len(each.kept) for each in writers) + 30)
        finally:
            for each in writers:
                each.ending.set()
            for each in writers:
                each.thread.join()
        answers = sum((each.answers for each in writers), Counter[str]())
        there = set(told(second.url(), "SELECT id FROM intent"))
        kept = {name for each in writers for name in each.kept}
        slowest_s = max(each.slowest_s for each in writers)
        print(f"{dict(answers)}, slowest {slowest_s:.1f} s, {len(there - kept)} kept unsaid")
        assert kept <= there
        assert [text for each in writers for text in each.without_pause] == []
        refusals = {"503", "429", "ConnectError", "RemoteProtocolError", "ReadError"}
        assert answers.keys() <= {"201", *refusals}
        assert answers["503"] > len(writers), "nobody was told to come again"
        assert (alive.status_code, ready.status_code) == (200, 503)
        assert answers.total() - answers["201"] - answers["503"] < answers["503"]
        assert "the node begins anew" in node.log


def written(writers: list[Writer], count: int) -> None:
    until_s = time.monotonic() + 90.0
    while sum(len(each.kept) for each in writers) < count:
        assert time.monotonic() < until_s, [each.answers for each in writers]
        time.sleep(0.05)
