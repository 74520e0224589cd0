"""Spans of what a node does, for operators who have a collector of OpenTelemetry.

``OTEL_EXPORTER_OTLP_ENDPOINT`` in the environment, or its kin for traces alone, switches them on;
what else OpenTelemetry's own variables say (headers, sampler, name of the service) is followed.
Without it nothing is imported, and a span is an object that does nothing.

A span names a route, a party of the agreement or an outcome: no path, id, caller, header or text of
a request. What goes to other parties carries no ``traceparent``: which of our requests belong
together is no business of theirs.
"""

import os
from collections.abc import Iterable, Mapping
from enum import Enum, auto
from importlib.util import find_spec
from types import TracebackType
from typing import Final, Protocol, Self

from tansiq.errors import BadInput

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NEEDED: Final = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


Headers = Iterable[tuple[bytes, bytes]]
"""Of a request, as ASGI has them."""


class Kind(Enum):
    """Who began it: somebody who asks us, we who ask somebody, or nobody else."""

    ASKED = auto()
    ASKING = auto()
    INSIDE = auto()


class Span(Protocol):
    """One thing that was done, from entering to leaving or ``end``."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def name(self, name: str) -> None:
        """Call it something else."""
        ...

    def note(self, key: str, value: str | int) -> None:
        """Say something of it."""
        ...

    def end(self, *, failed: bool) -> None:
        """It is over, though what it brought about goes on within it."""
        ...


class Tracer(Protocol):
    """What makes spans; those within another are its children."""

    def span(self, name: str, kind: Kind, headers: Headers | None) -> Span: ...


class _Nothing:
    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def name(self, name: str) -> None: ...

    def note(self, key: str, value: str | int) -> None: ...

    def end(self, *, failed: bool) -> None: ...


_NOTHING: Final = _Nothing()
_tracer: Tracer | None = None


def asked_for(environment: Mapping[str, str]) -> str:
    """Return the variable that asks for spans, or nothing."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ""
    if environment.get("OTEL_TRACES_EXPORTER", "otlp").strip() != "otlp":
        return ""
    return next((name for name in ENDPOINTS if environment.get(name, "").strip()), "")


def begin(party: str) -> None:
    """Send this process's spans to where the environment says, if it does.

    Raises:
        BadInput: it asks for them, and what makes them is not installed; or not by HTTP.
    """
    global _tracer  # noqa: PLW0603 - of a process, as its log is
    name = asked_for(os.environ)
    if not name:
        return
    for variable in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = os.environ.get(variable, "").strip()
        if protocol not in ("", "http/protobuf"):
            raise BadInput(f"{protocol!r}; spans go by http/protobuf here", field=variable)
    if any(not _is_there(module) for module in _NEEDED):
        raise BadInput("is set, and needs pip install 'tansiq[otel]'", field=name)
    from tansiq.otel import make_tracer

    _tracer = make_tracer(party)


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # Of the package that it is in.
        return False


def span(name: str, kind: Kind = Kind.INSIDE, *, headers: Headers | None = None) -> Span:
    """Return a span to enter. ``headers`` may say what trace of an own program it belongs to."""
    return _NOTHING if _tracer is None else _tracer.span(name, kind, headers)
