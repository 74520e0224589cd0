"""The yield ledger: who gave way to whom, how often and by how much, as both sides signed it.

Only joint outcomes count: a counter-proposal that one side wrote down as agreed, and the other
confirmed. Both ends count the same, because both hold the same notes. What was practised does not
count.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tansiq.domain.note import Kind, Mode
from tansiq.domain.thread import Stage, Thread
from tansiq.domain.time import from_micros, zulu
from tansiq.formats.payload import read_payload
from tansiq.services.line.views import YieldsView, YieldTally, YieldView
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichYields:
    """Which outcomes are asked for."""

    party: str | None = None
    since: datetime | None = None
    last: int = 100
    """So many of the latest are listed; all are counted."""


async def yields(tx: Tx, threads: Iterable[Thread], me: str, which: WhichYields) -> YieldsView:
    """Count the joint outcomes of conversations, in the order in which they were settled."""
    outcomes = await NoteStore(tx).outcomes()
    entries = [
        entry
        for thread in threads
        if thread.stage is Stage.SETTLED and thread.mode is Mode.LIVE
        if thread.outcome is not None and (row := outcomes.get(thread.outcome.id)) is not None
        if (entry := await _entry(tx, thread, row, me, which)) is not None
    ]
    entries.sort(key=lambda entry: (entry.time, entry.thread))
    peers = sorted({entry.party for entry in entries})
    return YieldsView(
        since=None if which.since is None else zulu(which.since),
        tally=tuple(_tally(peer, [e for e in entries if e.party == peer]) for peer in peers),
        yields=tuple(entries[-which.last :]),
    )


async def _entry(
    tx: Tx, thread: Thread, row: NoteRow, me: str, which: WhichYields
) -> YieldView | None:
    other, time = thread.other if thread.opener == me else thread.opener, from_micros(row.time)
    if which.party not in (None, other) or (which.since is not None and time < which.since):
        return None
    moves = row.facts()["moves"]
    if moves not in (me, other):
        return None  # Whose name stands there is not looked at when it is folded.
    _, data = await NoteStore(tx).payload(row.id)
    shift = None if data is None else read_payload(Kind.OUTCOME, data).shift
    return YieldView(
        time=zulu(time),
        party=other,
        moved=moves,
        ours=moves == me,
        thread=thread.id,
        plan=row.facts()["id"],
        shift=shift,
    )


def _tally(peer: str, entries: list[YieldView]) -> YieldTally:
    ours = [entry for entry in entries if entry.ours]
    theirs = [entry for entry in entries if not entry.ours]
    return YieldTally(
        party=peer,
        ours=len(ours),
        theirs=len(theirs),
        ours_delay_s=_delay_s(ours),
        theirs_delay_s=_delay_s(theirs),
    )


def _delay_s(entries: list[YieldView]) -> int:
    """Return by how much plans were put off or brought forward, together."""
    return sum(abs(entry.shift.delay_s) for entry in entries if entry.shift is not None)
