"""The end of the second scenario: everything that was said, as both nodes of each line have it.

A conversation is equal at both if its stage, its rungs and its notes in their order are. What was
not delivered, or differs, makes the demo fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from tansiq.demo.cell_desk import Desk
from tansiq.demo.cell_floor import Floor
from tansiq.demo.two_columns import table
from tansiq.services.line.views import NoteView, ThreadView

_HEAD = ("sent", "from", "to", "what", "came", "lead min", "stage at both")


@dataclass(frozen=True, slots=True)
class Pair:
    """One conversation, as its two nodes have it; None: it is not there."""

    opener: ThreadView | None
    other: ThreadView | None

    @property
    def equal(self) -> bool:
        """Whether both nodes came to the same."""
        one, two = self.opener, self.other
        return one is not None and two is not None and _fold(one) == _fold(two)


def _fold(thread: ThreadView) -> tuple[Any, ...]:
    """Return what both nodes must have in common of a conversation."""
    notes = [(n.id, n.kind, n.number, n.turn, n.time, n.out_of_turn) for n in thread.notes]
    return (thread.stage, thread.open, thread.superseded, thread.mode, thread.rungs, notes)


async def ledger(floor: Floor) -> None:
    """Print everything that was said, and check that it is the same at both ends."""
    floor.step("Everything that was said, by the sender's clock and by the receiver's")
    pairs = []
    for one, other in combinations(floor.desks.values(), 2):
        pairs += await _pairs(one, other)
    pairs.sort(key=_sent)
    for line in table(_HEAD, [_row(pair) for pair in pairs]):
        floor.print(f"   {line}")
    _conclude(floor, pairs)
    waiting = {desk.party: len((await desk.outbox()).waiting) for desk in floor.desks.values()}
    floor.check(not any(waiting.values()), f"{sum(waiting.values())} notes not arrived")


def _conclude(floor: Floor, pairs: Sequence[Pair]) -> None:
    known = [pair.opener for pair in pairs if pair.opener is not None]
    notices = [thread for thread in known if thread.kind == "notice"]
    late = [each for each in notices if each.lead is not None and each.lead.late == "yes"]
    notes = sum(len(thread.notes) for thread in known)
    floor.narrate(
        f"{notes} notes in {len(pairs)} conversations; late notices: {len(late)} of {len(notices)}"
    )
    differing = [pair for pair in pairs if not pair.equal]
    floor.check(
        not differing,
        f"{len(pairs) - len(differing)} of {len(pairs)} conversations are the same at both nodes",
    )


async def _pairs(one: Desk, other: Desk) -> list[Pair]:
    """Return all conversations of a line, whichever of the two nodes has them."""
    here = {t.id: t for t in await one.threads() if t.party == other.party}
    there = {t.id: t for t in await other.threads() if t.party == one.party}
    pairs = []
    for note in dict.fromkeys([*here, *there]):
        a = await one.thread(note) if note in here else None
        b = await other.thread(note) if note in there else None
        ours = a.ours if a is not None else not (b is not None and b.ours)
        pairs.append(Pair(a, b) if ours else Pair(b, a))
    return pairs


def _sent(pair: Pair) -> str:
    thread = pair.opener or pair.other
    return "" if thread is None else thread.time


def _row(pair: Pair) -> tuple[str, ...]:
    thread = pair.opener or pair.other
    if thread is None:
        raise ValueError("a conversation that nobody has")
    first = thread.notes[0]
    return (
        _tenths(first.time),
        first.sender,
        first.receiver,
        f"{thread.kind} {thread.callsign or ''}".strip(),
        _tenths(_came(first, thread)),
        _lead(thread),
        _stage(pair),
    )


def _stage(pair: Pair) -> str:
    """Return the stage where both have the same of a conversation, else what each has."""
    if pair.equal and pair.opener is not None:
        return pair.opener.stage
    sides = ("nothing" if side is None else side.stage for side in (pair.opener, pair.other))
    return f"DIFFERS: {' / '.join(sides)}"


def _came(first: NoteView, thread: ThreadView) -> str:
    got = (n.own["received"] for n in thread.notes if n.kind == "receipt" and n.re == first.id)
    return next(got, "")


def _tenths(time: str) -> str:
    """Return the hour of an RFC 3339 time to the tenth of a second: 143205.3Z."""
    if not time:
        return "-"
    tenth = time[20] if time[19:20] == "." else "0"
    return f"{time[11:13]}{time[14:16]}{time[17:19]}.{tenth}Z"


def _lead(thread: ThreadView) -> str:
    if thread.lead is None:
        return ""
    least_s = thread.lead.shown.least_s
    told = "?" if least_s is None else f"{least_s / 60:.1f}"
    return f"{told}/{thread.lead.required_s // 60}" + (" LATE" if thread.lead.late == "yes" else "")
