"""/metrics of a real node: what operators are told to look at is there, and nobody is named."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.fuzz.running import Served, serving

from tansiq.clock import SystemClock
from tansiq.domain.time import zulu
from tansiq.feeds.health import FeedState
from tansiq.http.figures import CHECKS, FEED_STATES
from tansiq.http.gathered import Gathered
from tansiq.http.metrics import Metrics, gauge, rendered

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana/tansiq.json").read_text("utf-8"))
RULES = yaml.safe_load((ROOT / "deploy/prometheus/tansiq.rules.yml").read_text("utf-8"))
PAGE = (ROOT / "docs/monitoring.md").read_text("utf-8")
NAME = re.compile(r"\b((?:tansiq|process|python)_[a-z_]+)\b")
SERIES_MAX = 600
"""Of a node with one peer that has answered everything here; each costs whoever stores them."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("metrics") / "north") as served:
        yield served


def scraped(node: Served) -> str:
    answer = httpx.get(f"{node.own_url}/metrics", headers=node.own_headers, trust_env=False)
    assert answer.status_code == 200
    return answer.text


def of_workers(node: Served) -> str:
    """Return what is scraped where a node has workers, and this one is the desk's."""
    about = (("host", "h"), ("pid", "1"))
    return Gathered("w", SystemClock()).merged(
        scraped(node) + rendered([gauge("tansiq_worker_info", "x", {about: 1.0})])
    )


def families(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Read the text with the library's parser: samples by name, value by labels."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        found.setdefault(family.name, {})
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def expressions() -> list[tuple[str, str]]:
    panels = [p for p in DASHBOARD["panels"] if p["type"] != "row"]
    drawn = [(p["title"], t["expr"]) for p in panels for t in p["targets"]]
    rules = [(r["alert"], r["expr"]) for g in RULES["groups"] for r in g["rules"]]
    assert len(panels) > 20
    assert len(rules) > 10
    return [*drawn, *rules]


def named(expression: str) -> set[str]:
    """Return the metrics in an expression; what stands in quotes are values."""
    return set(NAME.findall(re.sub(r'"[^"]*"', "", expression)))


def missing(text: str, expressions: list[tuple[str, str]]) -> list[str]:
    there = families(text)
    return [f"{what}: {n}" for what, each in expressions for n in named(each) if n not in there]


def test_dashboard_and_rules_name_what_there_is(node: Served) -> None:
    happen(node)
    text = of_workers(node)
    assert missing(text, expressions()) == []
    assert missing(text, [("x", "rate(tansiq_no_such_total[1m])")]) == ["x: tansiq_no_such_total"]


def test_labels_in_expressions_are_those_of_the_metrics(node: Served) -> None:
    happen(node)
    there = families(of_workers(node))
    for what, expression in expressions():
        for name, matchers in re.findall(r"\b((?:tansiq)_[a-z_]+)\{([^}]*)\}", expression):
            labels = set(re.findall(r"(\w+)\s*=", matchers)) - {"instance", "job"}
            for series in there[name]:
                assert labels <= {label for label, _ in series}, f"{what}: {name} {labels}"


def test_the_page_names_every_metric_of_ours_and_no_other(node: Served) -> None:
    plan(node)
    bare = re.compile(r"_(total|bucket|sum|count)$")
    there = {bare.sub("", n) for n in families(of_workers(node)) if n.startswith("tansiq_")}
    told = {bare.sub("", n) for n in re.findall(r"`(tansiq_[a-z_]+)", PAGE)}
    assert told == there
    for rule in (r for g in RULES["groups"] for r in g["rules"]):
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert all(rule["annotations"][key] for key in ("summary", "description"))


def test_a_node_that_is_one_process_says_nothing_of_workers(node: Served) -> None:
    assert "worker" not in scraped(node)
    assert set(families(of_workers(node))) - set(families(scraped(node))) == {
        "tansiq_workers",
        "tansiq_worker_info",
        "tansiq_worker_report_age_seconds",
    }


def plan(node: Served, callsign: str = "SECRETBIRD-7") -> httpx.Response:
    start = datetime.now(UTC) + timedelta(hours=1)
    feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [10.0, 50.0]},
        "properties": {
            "callsign": callsign,
            "radius_m": 500,
            "start": zulu(start),
            "end": zulu(start + timedelta(minutes=5)),
            "lower": 900,
            "upper": 1000,
            "units": "M",
            "datum": "AMSL",
        },
    }
    return httpx.post(
        f"{node.own_url}/api/v1/plans?wait_s=10",
        content=json.dumps(feature),
        headers=node.own_headers
        | {"Content-Type": "application/json", "Idempotency-Key": callsign},
        trust_env=False,
    )


def happen(node: Served) -> None:
    """Let each thing that is counted by a label happen once."""
    plan(node)
    url = f"{node.peer_url}/dss/v1/operational_intent_references/not-an-id"
    httpx.get(url, headers=node.peer_headers(), trust_env=False)


def test_what_happens_is_counted(node: Served) -> None:
    before = families(scraped(node))
    assert plan(node, "COUNTED-1").status_code == 201
    url = f"{node.peer_url}/dss/v1/operational_intent_references/not-an-id"
    assert httpx.get(url, headers=node.peer_headers(), trust_env=False).status_code == 400
    bad = httpx.post(
        f"{node.own_url}/api/v1/plans",
        content="{",
        headers=node.own_headers | {"Idempotency-Key": "bad"},
        trust_env=False,
    )
    assert bad.status_code == 400
    after = families(scraped(node))

    def grown(name: str, **labels: str) -> float:
        key = tuple(sorted(labels.items()))
        return after[name].get(key, 0.0) - before.get(name, {}).get(key, 0.0)

    assert grown("tansiq_store_writes_total", outcome="committed") >= 1
    assert grown("tansiq_store_write_seconds_count") >= 1
    assert after["tansiq_store_write_seconds_bucket"][(("le", "+Inf"),)] >= 1
    assert grown("tansiq_http_requests_total", method="POST", route="/api/v1/plans", status="201")
    route = "/dss/v1/operational_intent_references/{entityid}"
    assert grown("tansiq_peer_requests_total", route=route, status="400") == 1
    assert grown("tansiq_refusals_total", side="peer", code="bad-input") == 1
    assert grown("tansiq_refusals_total", side="own", code="bad-input") == 1
    assert after["tansiq_schema_version"][()] >= 16
    assert after["tansiq_record_broken"][()] == 0
    assert after["process_resident_memory_bytes"][()] > 1e6
    assert after["tansiq_disk_free_bytes"][()] > 0
    assert after["tansiq_store_bytes"][(("file", "tansiq.db"),)] > 0


def test_no_label_comes_from_a_request_or_names_anybody(node: Served) -> None:
    plan(node, "SECRETBIRD-9")
    with httpx.Client(trust_env=False) as client:
        for n in range(60):
            client.get(f"{node.own_url}/scan-{n}", headers=node.own_headers)
            client.request(f"METHOD{n}", f"{node.own_url}/api/v1/status", headers=node.own_headers)
            client.get(f"{node.peer_url}/scan-{n}", headers=node.peer_headers(f"uss{n}"))
    text = scraped(node)
    assert "SECRETBIRD" not in text
    assert "scan-" not in text
    assert "METHOD" not in text
    assert "uss7" not in text
    assert len(re.findall(r"^[a-z]", text, re.MULTILINE)) < SERIES_MAX


def test_states_that_are_shown_are_all_there_are() -> None:
    assert set(FEED_STATES) == {str(state) for state in FeedState}
    assert CHECKS == ("quiet", "due", "caution", "warning")


def test_hostile_values_of_labels_make_no_line() -> None:
    evil = 'a"} 1\nforged_metric 2\\'
    text = Metrics().text([gauge("tansiq_info", "x", {(("version", evil),): 1.0})])
    (found,) = (f for f in text_string_to_metric_families(text) if f.name == "tansiq_info")
    assert [dict(s.labels) for s in found.samples] == [{"version": evil}]
    assert "\nforged_metric" not in text
