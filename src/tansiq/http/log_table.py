"""The part of the own API's table that is about the record, for others to see."""

from typing import Final

from tansiq.http import log_handlers as log
from tansiq.http.access import ADMIN, VIEWER
from tansiq.http.operations import Kind, Operation, Query
from tansiq.http.own_handlers import OwnApi
from tansiq.services.record.bundling import LogHeadView

_TEXT: Final = "text/plain"

LOG_OPERATIONS: tuple[Operation[OwnApi], ...] = (
    Operation(
        method="GET",
        path="/api/v1/log/bundle",
        name="get_bundle",
        summary="Export what the record holds of a window of time, signed, with its proofs.",
        access=ADMIN,
        handle=log.get_bundle,
        reply=_TEXT,
        statuses={200: "An evidence bundle; docs/evidence.md describes it."},
        query=(
            Query(
                name="from",
                kind=Kind.STRING,
                text="Entries that were recorded at this time or later. Required.",
                format="date-time",
            ),
            Query(
                name="to",
                kind=Kind.STRING,
                text="... at this time or earlier. Required.",
                format="date-time",
            ),
            Query(name="party", kind=Kind.STRING, text="The line with this party only."),
            Query(
                name="withhold",
                kind=Kind.STRING,
                text="Payloads to leave out, parted by commas: persons (all that name people or "
                "hold free words), all, or names of notes, of which the first 6 digits do.",
            ),
        ),
    ),
    Operation(
        method="GET",
        path="/api/v1/log/head",
        name="get_log_head",
        summary="What our record comes to, signed, and up to where others have cosigned it.",
        access=VIEWER,
        handle=log.get_head,
        reply=LogHeadView,
        statuses={200: "As it is now."},
    ),
    Operation(
        method="GET",
        path="/api/v1/log/notes/{note}/proof",
        name="get_log_proof",
        summary="The proof that a note is in our record, as a tlog-proof file.",
        access=VIEWER,
        handle=log.get_proof,
        reply=_TEXT,
        statuses={200: "The file."},
    ),
)
