"""The part of the own API's table that is about printed sheets."""

from typing import Final

import msgspec

from tansiq.formats.sheet import SheetView
from tansiq.formats.sheet_pdf import MEDIA_TYPE
from tansiq.http import sheet_handlers as sheets
from tansiq.http.access import ADMIN, VIEWER
from tansiq.http.operations import Kind, Operation, Query
from tansiq.http.own_handlers import OwnApi

_LANGUAGE: Final = Query(
    name="language",
    kind=Kind.STRING,
    text="Language of the sheet: en, ar, he, ru, or English where there is none.",
    default="en",
)
_WITHHOLD: Final = Query(
    name="withhold",
    kind=Kind.STRING,
    text="persons: without names of persons and free words, on the sheet and in its evidence.",
    default="nothing",
)
_DAY: Final = (
    Query(
        name="date",
        kind=Kind.STRING,
        text="The day (UTC), such as 2026-11-29; left out: today.",
        format="date",
    ),
    _LANGUAGE,
    _WITHHOLD,
)
_NOW: Final = (_LANGUAGE, _WITHHOLD)
_WINDOW: Final = (
    Query(
        name="from",
        kind=Kind.STRING,
        text="What was recorded at this time or later. Required.",
        format="date-time",
    ),
    Query(
        name="to",
        kind=Kind.STRING,
        text="... at this time or earlier, at most 31 days later. Required.",
        format="date-time",
    ),
    Query(name="party", kind=Kind.STRING, text="The line with this party only."),
    _LANGUAGE,
    _WITHHOLD,
)


def _sheet(
    path: str, name: str, summary: str, make: sheets.Make, query: tuple[Query, ...]
) -> tuple[Operation[OwnApi], Operation[OwnApi]]:
    """Return a sheet's two routes: as JSON, and as PDF."""

    def operation(
        suffix: str, of: str, handle: sheets.Handle, reply: type[msgspec.Struct] | str
    ) -> Operation[OwnApi]:
        return Operation(
            method="GET",
            path=f"/api/v1/sheets/{path}{suffix}",
            name=f"get_{name}{of}",
            summary=summary,
            access=VIEWER,
            handle=handle,
            reply=reply,
            statuses={200: "As it is now; the hash of its evidence is in it."},
            query=query,
        )

    return (
        operation("", "", sheets.as_json(make), SheetView),
        operation(".pdf", "_pdf", sheets.as_pdf(make), MEDIA_TYPE),
    )


SHEET_OPERATIONS: tuple[Operation[OwnApi], ...] = (
    *_sheet("day", "day_sheet", "The day sheet: all of one UTC day.", sheets.day, _DAY),
    *_sheet(
        "hand-over",
        "hand_over_sheet",
        "The hand-over sheet: what whoever takes the watch must know.",
        sheets.hand_over,
        _NOW,
    ),
    *_sheet(
        "after-action",
        "after_action_report",
        "The after-action report: who told whom what, when by both clocks.",
        sheets.after_action,
        _WINDOW,
    ),
    Operation(
        method="GET",
        path="/api/v1/sheets/bundles/{note}",
        name="get_sheet_bundle",
        summary="The evidence bundle that a sheet names by its hash, byte for byte.",
        access=ADMIN,
        handle=sheets.get_bundle,
        reply="text/plain",
        statuses={200: "An evidence bundle; docs/evidence.md describes it."},
    ),
)
