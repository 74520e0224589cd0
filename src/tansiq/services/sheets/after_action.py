"""The after-action report: who told whom what, and when by both clocks; then everything else."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from tansiq.domain.lead import EVER, MICROS, Passage, offset
from tansiq.domain.note import Kind, NoteID, read_instant
from tansiq.domain.time import micros, zulu
from tansiq.formats.sheet import Cell, Section, word
from tansiq.services.line.views import SpanView, YieldView
from tansiq.services.line.yields import WhichYields
from tansiq.services.record.bundling import Wanted
from tansiq.services.sheets.day import alarm_counts, alarm_table, table
from tansiq.services.sheets.rows import Row, Scribe, at, exercise, minutes_lost, shift
from tansiq.services.sheets.rows import offset as offset_cell
from tansiq.services.sheets.sources import Heard, Sources, recorded, signed
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.store import Tx

TOLD_MAX: Final = 20
"""Rows of the answer: with its head and counts it fills the first page, and no more."""
YIELDS_MAX: Final = 1_000
_FIRST: Final[Mapping[Kind, int]] = {
    Kind.STOP: 0,
    Kind.ALARM: 1,
    Kind.ALL_CLEAR: 1,
    Kind.NOTICE: 2,
    Kind.INCIDENT: 2,
    Kind.OUTCOME: 3,
    Kind.CONFIRM: 3,
    Kind.ANSWER: 3,
    Kind.COUNTER: 3,
    Kind.STATUS: 4,
    Kind.WITHDRAW: 4,
    Kind.CALL: 5,
    Kind.SAY: 5,
}
"""What the answer shows first where there is too much for a page; by kind, and then by time."""


async def after_action_sections(
    sources: Sources, scribe: Scribe, wanted: Wanted, language: str
) -> tuple[Section, ...]:
    """Return what stands on the report of a window."""
    since, until, party = wanted.since, wanted.until, wanted.party
    rows, more = await sources.rows(since, until, party)
    heard = await sources.heard(rows, language)
    receipts = {each.row.re: each.row for each in heard if each.row.kind is Kind.RECEIPT}
    alarms, complete = await sources.alarms(since, until)
    settled = [
        each
        for each in (
            await sources.line.yields(WhichYields(party=party, since=since, last=YIELDS_MAX))
        ).yields
        if datetime.fromisoformat(each.time) <= until
    ]
    clocks, impossible = await _clocks(sources, since, until, party)
    first, besides = front(heard)
    lost = minutes_lost([each.view.payload for each in heard if each.row.kind is Kind.ALL_CLEAR])
    counts = (
        word("count.notes", number=len(heard)),
        word("count.no-receipt", number=_without(heard, receipts)),
        *alarm_counts(alarms),
        word("count.outcomes", number=len(settled)),
        word("count.minutes-lost", number=lost),
        word("count.delay-ours", duration=_delay_s(settled, ours=True)),
        word("count.delay-theirs", duration=_delay_s(settled, ours=False)),
        word("count.clocks-impossible", number=impossible),
        *((word("section.left-out", number=more),) if more else ()),
    )
    return (
        Section(code="counts", says=counts),
        Section(
            code="told",
            columns=("kind", "about", "from", "to", "sent", "received", "recorded"),
            widths=(16, 16, 12, 12, 15, 15, 14),
            rows=tuple(_told(each, receipts) for each in first),
            left_out=besides,
        ),
        table(
            "timeline",
            ("entry", "recorded", "sent", "from", "to", "kind", "says"),
            (6, 11, 11, 11, 11, 14, 36),
            [_timeline(scribe, each) for each in heard],
        ),
        alarm_table(scribe, alarms, complete=complete),
        table(
            "outcomes",
            ("time", "party", "moved", "shift"),
            (18, 22, 22, 38),
            [_outcome(each) for each in settled],
        ),
        table("clocks", ("party", "exchanges", "offset"), (22, 16, 62), clocks),
    )


def front(heard: Sequence[Heard]) -> tuple[list[Heard], int]:
    """Return what the first page shows, in the record's order, and how much there is besides."""
    told = [each for each in heard if each.row.kind in _FIRST]
    first = sorted(told, key=lambda each: (_FIRST[each.row.kind], each.row.seq))[:TOLD_MAX]
    return sorted(first, key=lambda each: each.row.seq), len(told) - len(first)


def _without(heard: Sequence[Heard], receipts: Mapping[NoteID | None, NoteRow]) -> int:
    """Return how many notes to somebody else have no receipt here."""
    return sum(
        each.row.kind is not Kind.RECEIPT
        and each.view.sender != each.view.receiver
        and each.row.id not in receipts
        for each in heard
    )


def _told(each: Heard, receipts: Mapping[NoteID | None, NoteRow]) -> Row:
    receipt = receipts.get(each.row.id)
    got: Cell = (word("value.no-receipt"),)
    if receipt is not None:
        moment = read_instant(receipt.facts()["received"], "received")
        got = (at(zulu(moment)),)
    return (
        (word(f"kind.{each.row.kind}"), *exercise(each.row.mode)),
        (word("value.flight", flight=each.subject),) if each.subject else (),
        (word("value.party", party=each.view.sender),),
        (word("value.party", party=each.view.receiver),),
        (at(signed(each.row)),),
        got,
        (at(recorded(each.row)),),
    )


def _timeline(scribe: Scribe, each: Heard) -> Row:
    if not scribe.persons and each.is_personal:
        says: Cell = (word("value.withheld"),)
    else:
        says = tuple(
            word("value.said", note=each.row.id, sentence=sentence)
            for sentence in each.view.sentences
        )
    return (
        (word("value.number", number=each.row.seq),),
        (at(recorded(each.row)),),
        (at(signed(each.row)),),
        (word("value.party", party=each.view.sender),),
        (word("value.party", party=each.view.receiver),),
        (word(f"kind.{each.row.kind}"), *exercise(each.row.mode)),
        says,
    )


def _outcome(each: YieldView) -> Row:
    return (
        (at(each.time),),
        (word("value.party", party=each.party),),
        (word("value.party", party=each.moved),),
        shift(each.shift),
    )


def _delay_s(settled: Sequence[YieldView], *, ours: bool) -> int:
    return sum(
        abs(each.shift.delay_s) for each in settled if each.ours is ours and each.shift is not None
    )


async def _clocks(
    sources: Sources, since: datetime, until: datetime, party: str | None
) -> tuple[list[Row], int]:
    """Return what the exchanges of a window say of each party's clock, and how many cannot be."""
    low, high = micros(since), micros(until)
    peers = [each for each in sources.line.board.lines if party in (None, each)]

    async def read(tx: Tx) -> list[tuple[str, list[Passage]]]:
        store = NoteStore(tx)
        return [(peer, await store.lately(peer, low, YIELDS_MAX)) for peer in peers]

    rows, impossible = list[Row](), 0
    for peer, passages in await sources.line.evidence.record.store.read(read):
        within = [each for each in passages if (each.receipt_got or 0) <= high]
        impossible += sum(each.impossible for each in within)
        found = offset(((each.receipt_got or high, each.offset) for each in within), high)
        said: Cell = (word("clocks.nothing"),)
        if within and not found.possible:
            said = (word("clocks.impossible"),)
        elif within:
            said = offset_cell(
                SpanView(
                    least_s=None if found.least == -EVER else found.least / MICROS,
                    most_s=None if found.most == EVER else found.most / MICROS,
                )
            )
        rows.append(
            (
                (word("value.party", party=peer),),
                (word("value.number", number=len(within)),),
                said,
            )
        )
    return rows, impossible
