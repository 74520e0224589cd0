"""What comes too late: counts late notices, and says until when somebody needs time."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

from tansiq.domain.note import Kind, Mode
from tansiq.domain.thread import Stage, Thread
from tansiq.domain.time import from_micros
from tansiq.formats.payload import read_payload
from tansiq.services.line.board import Board
from tansiq.services.line.views import LeadView
from tansiq.storage.notes import NoteStore

COUNTED_FOR: Final = timedelta(hours=24)
COUNTED_MAX: Final = 500
"""Of the latest on one line: each is reckoned anew, and a line is looked at often."""
NEED_TIME: Final = "answer/need-time"

Lead = Callable[[NoteStore, Thread], Awaitable[LeadView | None]]


async def late_notices(
    store: NoteStore, lead: Lead, board: Board, *, peer: str, since: int
) -> tuple[int, int]:
    """Return how many notices of ours, and of theirs, came later than the agreement asks for.

    Of those that came since then, by our clock, microseconds UTC, and are no practice.
    """
    notices = [
        thread
        for thread in board.with_peer(peer)
        if thread.kind is Kind.NOTICE
        and thread.mode is Mode.LIVE
        and board.arrived[thread.id] >= since
    ]
    ours = theirs = 0
    for thread in notices[-COUNTED_MAX:]:
        found = await lead(store, thread)
        if found is not None and found.late == "yes":
            ours += thread.opener != peer
            theirs += thread.opener == peer
    return ours, theirs


async def time_needed(
    store: NoteStore, board: Board, thread: Thread, *, usual: timedelta
) -> datetime | None:
    """Return until when the other side needs time, by its clock; None: it does not say so now.

    ``usual`` is for an answer that does not say how long.
    """
    if thread.stage is not Stage.NEED_TIME:
        return None
    said = next(each for each in reversed(board.notes(thread.id)) if each.word == NEED_TIME)
    _, data = await store.payload(said.id)
    minutes = None if data is None else read_payload(Kind.ANSWER, data).minutes
    return from_micros(said.time) + (usual if minutes is None else timedelta(minutes=minutes))
