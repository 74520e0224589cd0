"""Whichever worker is asked for /metrics, the answer has the figures of all, and nothing old."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.register.pool_world import INTENTS, here
from tests.register.register_world import intent
from tests.workers.fleet import Fleet, One, make_fleet, running, until

import stores
from tansiq.f3548 import codec
from tansiq.http.handing import DOOR, SECRET

HURRIED = """
import tansiq.http.gathered as gathered
gathered.TELL_S, gathered.FRESH_S, gathered.KEPT_S = 0.5, 3.0, {kept}
"""
"""Five, fifteen and six hundred seconds are long in a test."""
ROUTE = "/dss/v1/operational_intent_references/{entityid}"
AGE = "tansiq_worker_report_age_seconds"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with stores.using(stores.POSTGRESQL):
        yield stores.url_of(tmp_path / "north" / "store.db")


def name_of(one: One) -> str:
    return str(one.said[0]["worker"])


def scraped(fleet: Fleet, one: One) -> str:
    answer = fleet.client.get(f"{one.own}/metrics", headers=fleet.headers)
    assert answer.status_code == 200, answer.text
    return answer.text


def by_worker(text: str, name: str, **labels: str) -> dict[str, float]:
    """Return the values of a metric by worker, as the library reads them."""
    return {
        sample.labels.get("worker", ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    }


def workers(text: str) -> float:
    return by_worker(text, "tansiq_workers")[""]


def asked(fleet: Fleet, one: One, times: int) -> None:
    """Have a worker answer at the register."""
    for _ in range(times):
        assert fleet.ask(one, "GET", f"{INTENTS}/{uuid4()}").status_code == 404


def test_whoever_is_asked_shows_what_each_of_three_has_answered(url: str, tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path, url, 3)
    with running(fleet, HURRIED.format(kept=8.0)):
        names = {name_of(one) for one in fleet.ones}
        for times, one in enumerate(fleet.ones, 2):
            asked(fleet, one, times)
        put = fleet.ask(fleet.ones[0], "PUT", f"{INTENTS}/{uuid4()}", codec.encode(intent(here())))
        assert put.status_code == 201, put.text
        due = {name_of(one): float(times) for times, one in enumerate(fleet.ones, 2)}
        for one in fleet.ones:

            def told(one: One = one) -> bool:
                text = scraped(fleet, one)
                found = by_worker(text, "tansiq_peer_requests_total", route=ROUTE, status="404")
                return found == due and workers(text) == 3

            until(told, lambda one=one: scraped(fleet, one))
        text = scraped(fleet, fleet.others()[0])
        assert set(by_worker(text, "process_resident_memory_bytes")) == names
        assert set(by_worker(text, "tansiq_worker_info")) == names
        assert set(by_worker(text, "tansiq_info")) == {name_of(fleet.holder())}, "of the node"
        assert max(by_worker(text, AGE).values()) < 3
        heads = re.findall(r"^# (?:HELP|TYPE) \S+", text, re.MULTILINE)
        assert len(heads) == len(set(heads)), "described twice"
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        assert [x for x in lines if 'worker="' not in x] == ["tansiq_workers 3.0"]

        stopped, other = fleet.others()
        stopped.send(signal.SIGSTOP)
        try:
            until(lambda: workers(scraped(fleet, other)) == 2)
            text = scraped(fleet, other)
            assert by_worker(text, AGE)[name_of(stopped)] > 3, "it is missed"
            assert name_of(stopped) not in by_worker(text, "process_resident_memory_bytes")
            assert text.count(name_of(stopped)) == 1, "something old passes for new"
            until(lambda: name_of(stopped) not in scraped(fleet, other))
        finally:
            stopped.send(signal.SIGCONT)
        until(lambda: workers(scraped(fleet, other)) == 3)

        other.send(signal.SIGTERM)
        assert other.ended() == 0
        text = scraped(fleet, stopped)
        assert name_of(other) not in text, "it ended in order, and is not missed"
        assert workers(text) == 2


def test_who_takes_the_desk_hears_of_the_others_anew(url: str, tmp_path: Path) -> None:
    fleet = make_fleet(tmp_path, url, 3)
    with running(fleet, HURRIED.format(kept=60.0)):
        old = fleet.holder()
        others = fleet.others()
        until(lambda: workers(scraped(fleet, others[0])) == 3)
        old.kill()
        new = fleet.holder(besides=old)
        left = {name_of(one) for one in others}
        (another,) = [one for one in others if one is not new]

        def shown(one: One) -> bool:
            text = scraped(fleet, one)
            return workers(text) == 2 and set(by_worker(text, AGE)) == left

        until(lambda: shown(another), lambda: scraped(fleet, another))
        assert set(by_worker(scraped(fleet, another), "tansiq_info")) == {name_of(new)}
        another.kill()
        until(lambda: workers(scraped(fleet, new)) == 1)
        assert by_worker(scraped(fleet, new), AGE)[name_of(another)] > 3


def test_only_workers_of_the_node_may_tell(url: str, tmp_path: Path) -> None:
    """The listener is there for others; without the secret nothing of it is kept."""
    fleet = make_fleet(tmp_path, url, 1)
    with running(fleet, HURRIED.format(kept=60.0)):
        one = fleet.holder()
        desk = fleet.desk()
        text = "# HELP tansiq_forged Forged\n# TYPE tansiq_forged gauge\ntansiq_forged 1.0\n"
        body = json.dumps({"worker": "forged", "text": text})

        def tell(at: str, secret: str, said: str = body) -> httpx.Response:
            headers = fleet.headers | {"Content-Type": "application/json", DOOR: "figures"}
            return fleet.client.post(at, content=said, headers=headers | {SECRET: secret})

        for secret in ("", desk.secret[:-1], desk.secret + "w"):
            assert tell(desk.address, secret).status_code == 403
        for at in (one.own, one.peer):  # Where everybody may ask there is no such door.
            assert tell(at, desk.secret).status_code >= 400
        broken = tell(desk.address, desk.secret, json.dumps({"worker": "forged", "text": "x\n"}))
        assert broken.status_code == 400
        assert "line 1, 'x'" in broken.json()["detail"]
        assert "forged" not in scraped(fleet, one)
        assert workers(scraped(fleet, one)) == 1
        assert tell(desk.address, desk.secret).status_code == 204  # The control.
        assert by_worker(scraped(fleet, one), "tansiq_forged") == {"forged": 1.0}
