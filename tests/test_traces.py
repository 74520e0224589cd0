"""Spans for a collector of OpenTelemetry: what they say, what they keep to themselves, and off."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.fuzz.running import serving

from tansiq import traces
from tansiq.errors import BadInput
from tansiq.settings import load_own_token

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PATIENCE_S = 60.0


@dataclass
class Collector:
    """A collector of our own: it keeps what comes."""

    url: str
    spans: list[Span] = field(default_factory=list)
    said: list[bytes] = field(default_factory=list)
    resource: dict[str, str] = field(default_factory=dict)

    def wait_for(self, *names: str) -> dict[str, Span]:
        """Return the latest span of each name."""
        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            found = {each.name: each for each in list(self.spans)}
            if set(names) <= set(found):
                return found
            assert time.monotonic() < give_up_s, f"{names} not among {sorted(found)}"
            time.sleep(0.05)


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = ExportTraceServiceRequest.FromString(body)
            found.said.append(body)
            for one in request.resource_spans:
                found.resource = {
                    each.key: each.value.string_value for each in one.resource.attributes
                }
                for scope in one.scope_spans:
                    found.spans += scope.spans
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Collector(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", found.url)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    yield found
    server.shutdown()
    server.server_close()


def attributes(span: Span) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in span.attributes}


def test_requests_and_writes_are_told_and_no_secret(collector: Collector, tmp_path: Path) -> None:
    with serving(tmp_path / "north") as node, httpx.Client(trust_env=False) as client:
        own, outside = load_own_token(node.data), node.token()
        traced = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        client.get(f"{node.own_url}/api/v1/status", headers=node.own_headers | traced)
        client.get(f"{node.own_url}/secretpath?token={own}", headers=node.own_headers)
        client.post(f"{node.own_url}/api/v1/login", json={"name": "x", "password": "pass-word-9"})
        address = f"{node.peer_url}/dss/v1/subscriptions/8b58bf4e-5a43-4f21-a4d5-7a0f9a7d9d0e"
        headers = {"Authorization": f"Bearer {outside}", **traced}
        area = {
            "volume": {
                "outline_circle": {
                    "center": {"lat": 33.0, "lng": 35.0},
                    "radius": {"value": 100.0, "units": "M"},
                }
            }
        }
        wanted = {
            "extents": area,
            "uss_base_url": "https://uss.example/uss",
            "notify_for_operational_intents": True,
        }
        assert client.put(address, headers=headers, json=wanted).status_code == 200
        route = "PUT /dss/v1/subscriptions/{subscriptionid}"
        found = collector.wait_for("GET /api/v1/status", "other other", route)
    status, placed = found["GET /api/v1/status"], found[route]
    assert (status.trace_id.hex(), status.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(status)["http.response.status_code"] == 200
    assert len(str(attributes(status)["tansiq.request"])) == 16
    # Who asks from outside has no say in which trace it is.
    assert placed.trace_id.hex() != TRACE
    written = [each for each in collector.spans if each.parent_span_id == placed.span_id]
    assert [each.name for each in written] == ["store.write"]
    assert attributes(written[0])["tansiq.outcome"] == "committed"
    assert collector.resource["service.name"] == "tansiq"
    assert collector.resource["tansiq.party"] == "north"
    everything = b"".join(collector.said)
    for secret in (own, outside, "secretpath", "pass-word-9", "8b58bf4e"):
        assert secret.encode() not in everything


def test_a_collector_that_is_not_there_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with serving(tmp_path / "north") as node, httpx.Client(trust_env=False) as client:
        for _ in range(20):
            answer = client.get(f"{node.own_url}/api/v1/status", headers=node.own_headers)
            assert answer.status_code == 200


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({}, ""),
        ({traces.ENDPOINTS[0]: ""}, ""),
        ({traces.ENDPOINTS[1]: "http://c:4318"}, traces.ENDPOINTS[1]),
        ({traces.ENDPOINTS[0]: "http://c/v1/traces"}, traces.ENDPOINTS[0]),
        ({traces.ENDPOINTS[1]: "http://c:4318", "OTEL_SDK_DISABLED": "true"}, ""),
        ({traces.ENDPOINTS[1]: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, ""),
    ],
)
def test_the_environment_says_whether(environment: dict[str, str], name: str) -> None:
    assert traces.asked_for(environment) == name


def test_what_is_not_installed_or_not_spoken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with pytest.raises(BadInput, match="http/protobuf"):
        traces.begin("north")
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL")
    monkeypatch.setattr(traces, "_NEEDED", ("not_there.at.all",))
    with pytest.raises(BadInput, match=r"tansiq\[otel\]"):
        traces.begin("north")


def test_without_it_nothing_is_imported_and_spans_do_nothing() -> None:
    code = (
        "import sys, tansiq.node, tansiq.traces as t\n"
        "t.begin('north')\n"
        "with t.span('x') as s: s.note('a', 1)\n"
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
