"""Figures of one node for Prometheus: what is counted as it happens.

``figures`` adds what is looked at when somebody asks. No label comes from a request, a person or a
plan: each has few values, which the node's own tables, settings and agreement bound.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.http.problems import refused
from tansiq.logs import request_id
from tansiq.traces import Kind, Span, span

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_ANSWERED: Final = "%s listener: %s %s answered %d in %.1f ms"
"""The route and not the path, let alone the query: there tokens may stand."""
_OTHER: Final = "other"
"""What matched no route is one label, or a scanner would make thousands."""

_FAULT: Final = 500

_log = logging.getLogger(__name__)

Labels = tuple[tuple[str, str], ...]
Values = Mapping[Labels, float]

disable_created_metrics()  # type: ignore[no-untyped-call] # A time for each counter, which nobody reads.


class Metrics:
    """What one node counts; each has its own, for several may live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        own, peer = ("method", "route", "status"), ("route", "status")
        self._own = self._counter("tansiq_http_requests", "Requests answered by the own API", own)
        self._own_s = self._counter(
            "tansiq_http_request_seconds", "Time spent answering them", own[:2]
        )
        self._peer = self._counter(
            "tansiq_peer_requests", "Requests of other nodes and suppliers answered", peer
        )
        self._peer_s = self._histogram(
            "tansiq_peer_request_seconds", "How long each of those took until it was answered"
        )
        self._refused = self._counter(
            "tansiq_refusals", "Requests refused, by the code of docs/errors.md", ("side", "code")
        )
        self._writes = self._counter(
            "tansiq_store_writes", "Transactions that were to be written", ("outcome",)
        )
        self._write_s = self._histogram(
            "tansiq_store_write_seconds",
            "From asking for one until it is on disk, waiting included",
        )
        self.writes_waiting: Callable[[], int] = lambda: 0
        """Says how many writes of the store are not yet answered."""
        self.among: Callable[[str], str] = str
        """Puts the figures of other workers beside these; a node by itself has none."""
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)

    def _counter(self, name: str, text: str, labels: Sequence[str]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str) -> Histogram:
        return Histogram(name, text, buckets=_SECONDS, registry=self.registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one request that the own API answered."""
        self._own.labels(method, route, str(status)).inc()
        self._own_s.labels(method, route).inc(seconds)

    def count_peer(self, route: str, status: int, seconds: float) -> None:
        """Note one request that the peer-facing listener answered."""
        self._peer.labels(route, str(status)).inc()
        self._peer_s.observe(seconds)

    def refused(self, side: str, code: str) -> None:
        """Note one refusal; ``side`` is ``own`` or ``peer``."""
        self._refused.labels(side, code).inc()

    def wrote(self, seconds: float, outcome: str) -> None:
        """Note one transaction."""
        self._writes.labels(outcome).inc()
        self._write_s.observe(seconds)

    def text(self, looked_at: Sequence[Metric]) -> str:
        """Return everything, with what was looked at just now."""
        return generate_latest(self.registry).decode() + rendered(looked_at)


class _Given(Collector):
    """Figures that are at hand."""

    def __init__(self, figures: Sequence[Metric]) -> None:
        self._figures = figures

    def collect(self) -> Sequence[Metric]:
        return self._figures


def rendered(figures: Sequence[Metric]) -> str:
    """Return figures as Prometheus reads them."""
    now = CollectorRegistry()
    now.register(_Given(figures))
    return generate_latest(now).decode()


def gauge(name: str, text: str, values: Values) -> Metric:
    """Return a figure that goes up and down."""
    names = _names(values)
    found = GaugeMetricFamily(name, text, labels=names)
    for labels, value in sorted(values.items()):
        found.add_metric([each for _, each in labels], value)
    return found


def counter(name: str, text: str, values: Values) -> Metric:
    """Return a figure that only goes up while the node runs; its name gets ``_total``."""
    found = CounterMetricFamily(name, text, labels=_names(values))
    for labels, value in sorted(values.items()):
        found.add_metric([each for _, each in labels], value)
    return found


def _names(values: Values) -> list[str]:
    return [name for name, _ in next(iter(values), ())]


class Counted:
    """ASGI middleware of the own API: counts what is answered, by route."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._refused = partial(metrics.refused, "own")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = self._clock.monotonic_s()
        refused.set(self._refused)
        request_id.set(secrets.token_hex(8))
        # Own programs may have a trace of their own, which theirs is a part of.
        traced = span("own", Kind.ASKED, headers=scope["headers"])

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = scope.get("tansiq.route", _OTHER)
                method = scope["method"] if route != _OTHER else _OTHER
                took_s = self._clock.monotonic_s() - began_s
                self._metrics.count(method, route, message["status"], took_s)
                _log.info(_ANSWERED, "own", method, route, message["status"], took_s * 1e3)
                _describe(traced, method, route, message["status"])
            await send(message)

        with traced:
            await self._app(scope, receive, watched)


class CountedPeers:
    """ASGI middleware of the peer-facing listener: the same, by the route that it found."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, clock: Clock, within: Starlette) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock
        self._refused = partial(metrics.refused, "peer")
        self._paths = {
            id(route.endpoint): str(route.path)
            for route in within.routes
            if hasattr(route, "endpoint") and hasattr(route, "path")
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = self._clock.monotonic_s()
        refused.set(self._refused)
        request_id.set(secrets.token_hex(8))
        traced = span("peer", Kind.ASKED)

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = self._paths.get(id(scope.get("endpoint")), _OTHER)
                took_s = self._clock.monotonic_s() - began_s
                self._metrics.count_peer(route, message["status"], took_s)
                method = scope["method"] if route != _OTHER else _OTHER
                _log.info(_ANSWERED, "peer", method, route, message["status"], took_s * 1e3)
                _describe(traced, method, route, message["status"])
            await send(message)

        with traced:
            await self._app(scope, receive, watched)


def _describe(traced: Span, method: str, route: str, status: int) -> None:
    """Name a request by its route, and end it: an answer may be a stream of hours."""
    traced.name(f"{method} {route}")
    traced.note("http.request.method", method)
    traced.note("http.route", route)
    traced.note("http.response.status_code", status)
    traced.note("tansiq.request", request_id.get())
    traced.end(failed=status >= _FAULT)
