"""Figures of one node in the Prometheus text format (version 0.0.4).

Fifty lines of our own rather than a library: counters, sums and gauges are all that is shown.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tansiq.clock import Clock

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts requests; labels come from the route table, never from a request, so they are few."""

    def __init__(self) -> None:
        self._requests: Counter[Labels] = Counter()
        self._seconds: defaultdict[Labels, float] = defaultdict(float)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Note one answered request."""
        labels = (("method", method), ("route", route))
        self._requests[(*labels, ("status", str(status)))] += 1
        self._seconds[labels] += seconds

    def text(self, gauges: Sequence[tuple[str, str, Mapping[Labels, float]]]) -> str:
        """Return everything, with ``gauges`` as (name, help, value by labels)."""
        parts = [
            _family(
                "tansiq_http_requests_total",
                "counter",
                "Requests answered by the own API",
                self._requests,
            ),
            _family(
                "tansiq_http_request_seconds_total",
                "counter",
                "Time spent answering them",
                self._seconds,
            ),
        ]
        parts += [_family(name, "gauge", text, values) for name, text, values in gauges]
        return "".join(parts)


class Counted:
    """ASGI middleware that counts what is answered, by route."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = self._clock.monotonic_s()

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                # What matched no route is one label, or a scanner would make thousands.
                route = scope.get("tansiq.route", "other")
                method = scope["method"] if route != "other" else "other"
                took_s = self._clock.monotonic_s() - began_s
                self._metrics.count(method, route, message["status"], took_s)
            await send(message)

        await self._app(scope, receive, watched)


def _family(name: str, kind: str, text: str, values: Mapping[Labels, float]) -> str:
    lines = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{_labels(labels)} {value:.15g}" for labels, value in sorted(values.items())]
    return "\n".join(lines) + "\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
