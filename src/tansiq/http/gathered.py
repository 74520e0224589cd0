"""The figures of all workers in one exposition, kept at the worker that holds the desk.

The others tell theirs every ``TELL_S``, as the text that ``/metrics`` of a node by itself would be;
the desk keeps the latest of each. Whoever is asked for ``/metrics`` hands that to the desk, so the
answer is the same everywhere: every sample has the label ``worker``, every family its HELP and TYPE
once. What was told longer than ``FRESH_S`` ago is left out, and how long ago it was is shown until
``KEPT_S``, so that one that is gone is missed and nothing old passes for new.

A report is read strictly, in the form in which ours are written, before anything is kept of it: one
line that is wrong would cost all workers their figures at whoever reads them.

Source: Prometheus' text format 0.0.4, without timestamps and comments.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tansiq.clock import Clock
from tansiq.errors import BadInput, Busy
from tansiq.http.metrics import gauge, rendered
from tansiq.http.operations import read_body, read_struct

DOOR: Final = "figures"
"""Of the listener for the other workers; no client comes by it."""
TELL_S: Final = 5.0
FRESH_S: Final = 15.0
"""So old figures are shown; three that did not come are no accident."""
KEPT_S: Final = 600.0
"""So long it is shown how old they are."""
REPORT_BYTES_MAX: Final = 262_144
"""Of a report as it is sent; a worker's has some ten thousand."""
REPORT_S_MAX: Final = 5.0
"""In which one has to have come."""
REPORTS_MAX: Final = 256
"""Workers that are kept, besides the desk's own."""
COUNT: Final = "tansiq_workers"
AGE: Final = "tansiq_worker_report_age_seconds"

_LABEL: Final = "worker"
_WORKER: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""No character that an exposition would have to spell out."""
_SUFFIXES: Final[Mapping[str, tuple[str, ...]]] = {
    "counter": ("",),
    "gauge": ("",),
    "untyped": ("",),
    "summary": ("", "_sum", "_count"),
    "histogram": ("_bucket", "_sum", "_count"),
}
_NAME: Final = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_PAIR: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="([^"\\\n]*(?:\\[\\"n][^"\\\n]*)*)"')
_VALUE: Final = r"NaN|[+-]?(?:Inf|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)"
_SAMPLE: Final = re.compile(
    rf"({_NAME})(?:\{{({_PAIR.pattern}(?:,{_PAIR.pattern})*)\}})? ({_VALUE})"
)
_HELP: Final = re.compile(rf"# HELP ({_NAME}) [^\n]*")
_TYPE: Final = re.compile(rf"# TYPE ({_NAME}) ({'|'.join(_SUFFIXES)})")
_SHOWN_MAX: Final = 80

_log = logging.getLogger(__name__)


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one worker tells."""

    worker: str
    """Its name, as in the desk's row and the log."""
    text: str | None = None
    """Its exposition. None: it ends in order, and nobody is to miss it."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of one worker; its samples are lines that name the worker."""

    help_line: str
    type_line: str
    samples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Told:
    at_s: float
    families: Mapping[str, Family]


def read(text: str, worker: str) -> dict[str, Family]:
    """Return the families of one worker's exposition by name, in their order.

    Raises:
        BadInput: it is none as a worker writes it; the sentence names the line.
    """
    if not _WORKER.fullmatch(worker):
        raise BadInput(f"{worker[:_SHOWN_MAX]!r} is no name of a worker", field="worker")
    *lines, rest = text.split("\n")
    if rest or not lines:
        raise BadInput("it does not end with the end of a line", field="text")
    reading = _Reading(worker)
    for number, line in enumerate(lines, 1):
        try:
            reading.line(line)
        except ValueError as error:
            shown = repr(line[:_SHOWN_MAX])
            raise BadInput(f"line {number}, {shown}: {error}", field="text") from None
    if reading.awaited:
        raise BadInput(f"it ends before the type of {reading.awaited}", field="text")
    return reading.found


class _Reading:
    """Reads line by line; refuses by ``ValueError``."""

    def __init__(self, worker: str) -> None:
        self._mark = f'{_LABEL}="{worker}"'
        self.found: dict[str, Family] = {}
        self.awaited = ""
        """The family of which HELP was read, and TYPE is to come."""
        self._help = ""
        self._samples: list[str] = []
        self._names: frozenset[str] = frozenset()
        self._seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()

    def line(self, line: str) -> None:
        if self.awaited:
            self._begin(line)
        elif line.startswith("#"):
            self._announce(line)
        else:
            self._sample(line)

    def _announce(self, line: str) -> None:
        found = _HELP.fullmatch(line)
        if found is None:
            raise ValueError("of lines with # there is HELP, with TYPE after it, and nothing else")
        name = found[1]
        if name in self.found:
            raise ValueError("this metric was there before")
        if name in (COUNT, AGE):
            raise ValueError("this metric is made where all are gathered")
        self.awaited, self._help = name, line

    def _begin(self, line: str) -> None:
        found = _TYPE.fullmatch(line)
        if found is None or found[1] != self.awaited:
            raise ValueError(f"here the type of {self.awaited} has to stand")
        name, self.awaited = self.awaited, ""
        self._samples = []
        self.found[name] = Family(self._help, line, self._samples)
        self._names = frozenset(name + suffix for suffix in _SUFFIXES[found[2]])

    def _sample(self, line: str) -> None:
        found = _SAMPLE.fullmatch(line)
        if found is None:
            raise ValueError("this is no sample")
        name, labels = found[1], found[2] or ""
        if name not in self._names:
            raise ValueError("this sample is not of the metric that it stands under")
        pairs = _PAIR.findall(labels)
        names = {label for label, _ in pairs}
        if len(names) != len(pairs) or _LABEL in names:
            raise ValueError(f"a label is there twice, or is {_LABEL}, which is added here")
        series = (name, frozenset(pairs))
        if series in self._seen:
            raise ValueError("this sample was there before")
        self._seen.add(series)
        more = f",{labels}" if labels else ""
        self._samples.append(f"{name}{{{self._mark}{more}}} {found[found.re.groups]}")


class Gathered:
    """The latest report of each worker without the desk; ``worker`` is the one that holds it."""

    def __init__(self, worker: str, clock: Clock) -> None:
        self._worker = worker
        self._clock = clock
        self._told: dict[str, _Told] = {}
        self._differing: set[str] = set()
        """Workers of which it was logged that a metric has another type here."""

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at the door by which the other workers tell theirs.

        Raises:
            BadInput, Busy, TooLarge: as ``hear``; or it did not come whole, or not in time.
        """
        # Its age counts from before it was read: one that trickles in is not new when it is there.
        at_s = self._clock.monotonic_s()
        request = Request(scope, receive)
        try:
            body = await self._clock.limit(read_body(request, REPORT_BYTES_MAX), REPORT_S_MAX)
        except TimeoutError:
            raise BadInput(f"did not come within {REPORT_S_MAX:g} s", field="body") from None
        self.hear(read_struct(body, Report), at_s)
        await Response(status_code=204)(scope, receive, send)

    def hear(self, report: Report, at_s: float) -> None:
        """Keep a report in the place of that worker's last one; what is refused changes nothing.

        Raises:
            BadInput: it cannot be read, or comes from the worker that holds the desk itself.
            Busy: as many others as are kept have told theirs just now.
        """
        if report.worker == self._worker:
            raise BadInput("this worker holds the desk, and tells nobody", field="worker")
        if report.text is None:
            self._forget(report.worker)
            return
        families = read(report.text, report.worker)
        if report.worker not in self._told:
            self._make_room()
        self._told[report.worker] = _Told(at_s, families)

    def merged(self, own: str) -> str:
        """Return the figures of all workers, those of the desk's given as ``own``.

        Raises:
            BadInput: our own are not as they are to be, which is a fault of ours.
        """
        now_s = self._clock.monotonic_s()
        ages = {self._worker: 0.0}
        parts: dict[str, Mapping[str, Family]] = {self._worker: read(own, self._worker)}
        for worker, told in sorted(self._told.items()):
            age_s = now_s - told.at_s
            if age_s > KEPT_S:
                self._forget(worker)
                continue
            ages[worker] = age_s
            if age_s <= FRESH_S:
                parts[worker] = told.families
        lines = [line for family in self._joined(parts) for line in family]
        made = rendered(
            [
                gauge(COUNT, "Workers of which figures are shown here", {(): float(len(parts))}),
                gauge(
                    AGE,
                    "Time since a worker told its figures; those that are old are not shown",
                    {((_LABEL, worker),): age_s for worker, age_s in ages.items()},
                ),
            ]
        )
        return "\n".join(lines) + "\n" + made

    def _joined(self, parts: Mapping[str, Mapping[str, Family]]) -> list[list[str]]:
        """Return the lines of each family; it is described as by the first that has it."""
        found: dict[str, list[str]] = {}
        for worker, families in parts.items():
            for name, family in families.items():
                lines = found.setdefault(name, [family.help_line, family.type_line])
                if lines[1] == family.type_line:
                    lines += family.samples
                elif worker not in self._differing:
                    # While versions change. One name has one type, so one of the two has to wait.
                    self._differing.add(worker)
                    _log.warning(
                        "worker %s is of another version: its figures do not all fit those here, "
                        "such as %s, and those are left out",
                        worker,
                        name,
                    )
        return list(found.values())

    def _make_room(self) -> None:
        if len(self._told) < REPORTS_MAX:
            return
        oldest = min(self._told, key=lambda worker: self._told[worker].at_s)
        if self._clock.monotonic_s() - self._told[oldest].at_s <= FRESH_S:
            raise Busy(f"{REPORTS_MAX} other workers tell their figures, and no more are kept")
        self._forget(oldest)

    def _forget(self, worker: str) -> None:
        self._told.pop(worker, None)
        self._differing.discard(worker)
