"""Spans by OpenTelemetry's library; imported only where the environment asks for them."""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Self

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tansiq import __version__
from tansiq.traces import Headers, Kind

_KINDS: Final = {
    Kind.ASKED: SpanKind.SERVER,
    Kind.ASKING: SpanKind.CLIENT,
    Kind.INSIDE: SpanKind.INTERNAL,
}
_PASSED_ON: Final = (b"traceparent", b"tracestate")
_HEADER_CHARS_MAX: Final = 512


class OtelSpan:
    """One span, current as long as it is entered."""

    __slots__ = ("_current", "_span")

    def __init__(self, span: trace.Span) -> None:
        self._span = span
        self._current: AbstractContextManager[Any] = trace.use_span(
            span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        )

    def __enter__(self) -> Self:
        self._current.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._current.__exit__(None, None, None)
        if kind is not None:
            # Its kind alone: what errors say may repeat what somebody has sent.
            self.note("error.type", kind.__name__)
        self.end(failed=kind is not None)

    def name(self, name: str) -> None:
        if self._span.is_recording():
            self._span.update_name(name)

    def note(self, key: str, value: str | int) -> None:
        if self._span.is_recording():
            self._span.set_attribute(key, value)

    def end(self, *, failed: bool) -> None:
        if not self._span.is_recording():  # Over already, or not among those that are kept.
            return
        if failed:
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


class OtelTracer:
    """Makes spans; a thread of its own sends them, and drops what nobody takes."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("tansiq", __version__)
        self._traces = TraceContextTextMapPropagator()

    def span(self, name: str, kind: Kind, headers: Headers | None) -> OtelSpan:
        context = None if headers is None else self._from(headers)
        return OtelSpan(self._tracer.start_span(name, context, _KINDS[kind]))

    def _from(self, headers: Headers) -> Context | None:
        said = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in headers
            if name in _PASSED_ON and len(value) <= _HEADER_CHARS_MAX
        }
        return self._traces.extract(said)


def make_tracer(party: str) -> OtelTracer:
    """Return what makes spans and sends them to where the environment says."""
    resource = Resource.create({"service.version": __version__, "tansiq.party": party})
    if str(resource.attributes["service.name"]).startswith("unknown_service"):
        resource = resource.merge(Resource({"service.name": "tansiq"}))
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OtelTracer(provider)
