"""Reports of trouble: what others tell us went wrong between them and us, kept for our people.

A report is filed at our register or at our manager of plans; it changes nothing. It is kept for
``limits.reports_keep``, at most ``limits.reports_max`` of them, and no reporter has more than a
fifth of that, so that a flood of one does not push out what others said.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

import msgspec

from tansiq.domain.time import from_micros, micros, zulu
from tansiq.errors import NotFound
from tansiq.f3548 import codec, convert, wire
from tansiq.settings import Limits
from tansiq.storage.reports import ReportRow
from tansiq.storage.reports import Reports as Table
from tansiq.storage.store import Store

REPORT_BYTES_MAX = 262_144
"""Reports are kept, so they have a lower limit than what is read and forgotten."""

_DECODER = msgspec.json.Decoder(wire.ErrorReport)


Report: TypeAlias = Annotated[
    msgspec.Raw,
    msgspec.Meta(description="F3548-21 ErrorReport", extra_json_schema={"type": "object"}),
]


class Role(StrEnum):
    """Which of our roles was told."""

    DSS = "dss"
    USS = "uss"


class ReportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is about, without the bodies of the exchange."""

    id: str
    reporter: str
    """By the token that it came with."""
    role: str
    """``dss`` or ``uss``: which of our roles was told."""
    received: str
    method: str
    url: str
    response_code: int | None = None
    problem: str | None = None


class ReportList(msgspec.Struct, frozen=True):
    """All reports that are kept, newest first."""

    reports: list[ReportSummary]


class ReportView(msgspec.Struct, frozen=True, kw_only=True):
    """One report as it was filed."""

    id: str
    reporter: str
    role: str
    received: str
    report: Report
    """F3548 ``ErrorReport``; bodies in Base64."""


class Reports:
    """All reports that are kept."""

    def __init__(self, store: Store, limits: Limits, *, new_id: Callable[[], str]) -> None:
        self._store = store
        self._limits = limits
        self._new_id = new_id

    async def file(
        self, report: wire.ErrorReport, *, reporter: str, role: Role, now: datetime
    ) -> wire.ErrorReport:
        """Keep a report and return it with the id that it has here.

        Raises:
            BadInput: a time in it is none.
        """
        convert.moment(report.exchange.request_time, "exchange.request_time", round_up=False)
        if report.exchange.response_time is not None:
            convert.moment(report.exchange.response_time, "exchange.response_time", round_up=True)
        kept = msgspec.structs.replace(
            report,
            report_id=self._new_id(),
            exchange=_with_source(report.exchange, reporter),
        )
        row = ReportRow(
            id=kept.report_id or "",
            reporter=reporter,
            filed_at=role,
            received=micros(now),
            body=codec.encode(kept),
        )
        limits = self._limits
        before = micros(now - limits.reports_keep)
        await self._store.write(
            lambda tx: Table(tx).add(row, kept_max=limits.reports_max, before=before)
        )
        return kept

    async def newest_first(self) -> list[ReportSummary]:
        """Return what was reported, without the bodies of the exchanges."""
        rows = await self._store.read(lambda tx: Table(tx).newest_first())
        return [_summary(row) for row in rows]

    async def get(self, report_id: str) -> ReportView:
        """Return one report as it was filed.

        Raises:
            NotFound: no such report is kept.
        """
        row = await self._store.read(lambda tx: Table(tx).get(report_id))
        if row is None:
            raise NotFound(f"no report {report_id} is kept", field="id")
        return ReportView(
            id=row.id,
            reporter=row.reporter,
            role=row.filed_at,
            received=zulu(from_micros(row.received)),
            report=msgspec.Raw(row.body),
        )


def _with_source(exchange: wire.ExchangeRecord, reporter: str) -> wire.ExchangeRecord:
    """Return the record with the source that the interface requires and hardly anybody sends."""
    if exchange.request_source is not None:
        return exchange
    # Who reports as the client has sent the request; who reports as the server does not say whose.
    source = reporter if exchange.recorder_role == "Client" else ""
    return msgspec.structs.replace(exchange, request_source=source)


def _summary(row: ReportRow) -> ReportSummary:
    exchange = _DECODER.decode(row.body).exchange
    return ReportSummary(
        id=row.id,
        reporter=row.reporter,
        role=row.filed_at,
        received=zulu(from_micros(row.received)),
        method=exchange.method,
        url=exchange.url,
        response_code=exchange.response_code,
        problem=exchange.problem,
    )
