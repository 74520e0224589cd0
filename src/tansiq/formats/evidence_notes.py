"""The notes of a bundle: who told whom what, what came of it, how long before, and what is missing.

Each note is checked by itself: canonical, signed by its sender, its payload the one that was signed
for. Then the notes are held against each other: receipts against what they are of, numbers for
gaps, heads for a sender that has two records.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Final

from tansiq.domain.agreement import Agreement
from tansiq.domain.lead import (
    EVER,
    MICROS,
    UNKNOWN,
    Between,
    LeadTime,
    Passage,
    lead,
    unanswered,
    vouched_by,
)
from tansiq.domain.note import FORMS, Kind, Note, NoteID, Place, commitment, read_note
from tansiq.domain.pact import NoticeKind
from tansiq.domain.time import micros, zulu
from tansiq.errors import BadInput, BadSignature
from tansiq.formats import signed_note
from tansiq.formats.bundle import EXCHANGE, NOTE, Contents, Entry
from tansiq.formats.evidence_words import words_of
from tansiq.formats.findings import Finding, Level, Notice, Said, Span
from tansiq.formats.letter import SIGNED_BYTES_MAX, name_of
from tansiq.formats.signed_note import NameOf, VerifierKey

RANGES_SHOWN: Final = 20
_EXCHANGE_HEAD: Final = b"tansiq/exchange@v1\n"
_MS: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """A checkpoint of the exporter's record that holds; by a witness, or by the exporter alone."""

    size: int
    root: bytes
    witness: str | None
    time_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One note that is certainly its sender's."""

    id: NoteID
    entry: Entry
    note: Note
    payload: bytes | None


def read_notes(
    contents: Contents,
    agreement: Agreement,
    vouched: Sequence[Vouched],
    found: list[Finding],
) -> tuple[tuple[Said, ...], tuple[Notice, ...]]:
    """Return the notes and lead times of a bundle; what is to be said of them goes to ``found``."""
    keys: dict[str, VerifierKey] = {
        party.id: VerifierKey(NameOf.NOTE.by(party.id), party.public_key)
        for party in agreement.parties
    }
    notes: dict[NoteID, _Read] = {}
    others = 0
    for entry in contents.entries:
        if _is_other(entry, found):
            others += 1
            continue
        read = _note(entry, contents, keys, found)
        if read is not None:
            notes[read.id] = read
    _tell_counts(contents, notes.values(), others, found)
    _check_numbers(contents, notes.values(), found)
    _check_heads(contents, notes.values(), vouched, found)
    receipts = _receipts(notes, found)
    said = tuple(_said(read, receipts.get(read.id)) for read in notes.values())
    notices = tuple(
        _notice(read, receipts.get(read.id), agreement, vouched)
        for read in notes.values()
        if read.note.kind is Kind.NOTICE
    )
    _tell_notices(notices, found)
    return said, notices


# Each by itself


def _is_other(entry: Entry, found: list[Finding]) -> bool:
    """Report whether an entry is none of a note; what it is called must be what it is."""
    exchange = entry.body.startswith(_EXCHANGE_HEAD)
    if (entry.kind == EXCHANGE) != exchange:
        sentence = f"entry {entry.index} is not of the kind that it is called"
        found.append(_finding(Level.WRONG, "kind", sentence))
    other = exchange or entry.kind != NOTE
    if other and entry.payload is not None:
        sentence = f"entry {entry.index} is no note, and has a payload that nobody signed for"
        found.append(_finding(Level.WRONG, "payload", sentence))
    return other


def _note(
    entry: Entry, contents: Contents, keys: dict[str, VerifierKey], found: list[Finding]
) -> _Read | None:
    name = name_of(entry.body)
    try:
        note = _checked(entry.body, keys)
    except (BadInput, BadSignature) as error:
        sentence = f"entry {entry.index} is no note that its sender signed: {error}"
        found.append(_finding(Level.WRONG, "note", sentence, name))
        return None
    if contents.by not in (note.sender, note.receiver):
        sentence = f"entry {entry.index} is neither from nor to {contents.by}"
        found.append(_finding(Level.WRONG, "stranger", sentence, name))
    salt, payload = entry.salt, entry.payload
    if salt is not None and payload is not None and commitment(salt, payload) != note.payload:
        sentence = f"the payload of entry {entry.index} is not what was signed for"
        found.append(_finding(Level.WRONG, "payload", sentence, name))
        payload = None
    return _Read(id=name, entry=entry, note=note, payload=payload)


def _checked(body: bytes, keys: dict[str, VerifierKey]) -> Note:
    signed = signed_note.parse(body, bytes_max=SIGNED_BYTES_MAX)
    note = read_note(signed.text)
    if len(signed.signatures) != 1:
        raise BadInput("a note has the one signature of its sender", field="note")
    if note.sender not in keys:
        raise BadSignature(f"{note.sender} is no party of the agreement", field="from")
    signed_note.verify(signed, [keys[note.sender]])
    return note


# Together


def _tell_counts(
    contents: Contents, notes: Iterable[_Read], others: int, found: list[Finding]
) -> None:
    all_ = list(notes)
    by_sender: dict[str, int] = defaultdict(int)
    for read in all_:
        by_sender[read.note.sender] += 1
    for sender, count in sorted(by_sender.items()):
        found.append(_finding(Level.PROVED, "signed", f"{sender} signed {count} of these notes"))
    if others:
        sentence = f"{others} entries are no notes: they are in the record by {contents.by}'s word"
        found.append(_finding(Level.CLAIMED, "other-entries", sentence))
    bare = sum(1 for read in all_ if read.payload is None)
    if bare:
        sentence = f"the payloads of {bare} notes are withheld or erased; their own lines stand"
        found.append(_finding(Level.WITHHELD, "payloads", sentence))
    if contents.left_out:
        sentence = f"{contents.left_out} entries of the window are left out, {contents.by} says"
        found.append(_finding(Level.WITHHELD, "entries", sentence))
    elsewhere = sum(1 for read in all_ if read.note.agreement != contents.digest)
    if elsewhere:
        sentence = f"{elsewhere} notes were written under another agreement, with these keys"
        found.append(_finding(Level.CLAIMED, "other-agreement", sentence))


def _check_numbers(contents: Contents, notes: Iterable[_Read], found: list[Finding]) -> None:
    """Look for numbers that were given twice, and for those in between that are not here."""
    lines: dict[tuple[str, str], dict[int, _Read]] = defaultdict(dict)
    for read in notes:
        note = read.note
        if note.number == 0:
            continue
        line = lines[note.sender, note.receiver]
        if note.number in line:
            sentence = f"{note.sender} gave two notes to {note.receiver} the number {note.number}"
            found.append(_finding(Level.WRONG, "two-stories", sentence, read.id))
        line[note.number] = read
    for (sender, receiver), line in sorted(lines.items()):
        missing = [
            f"{low + 1}" if high - low == 2 else f"{low + 1} to {high - 1}"
            for low, high in pairwise(sorted(line))
            if high - low > 1
        ]
        if missing:
            shown = ", ".join(missing[:RANGES_SHOWN]) + (
                " ..." if len(missing) > RANGES_SHOWN else ""
            )
            # Our own are numbered as they are recorded: what lies between was there.
            own = sender == contents.by
            why = "left out by it" if own else "never came, came at another time, or are left out"
            sentence = f"from {sender} to {receiver}, numbers {shown} are not here: {why}"
            level = Level.WITHHELD if own else Level.CLAIMED
            found.append(_finding(level, "numbers", sentence))


def _check_heads(
    contents: Contents,
    notes: Iterable[_Read],
    vouched: Iterable[Vouched],
    found: list[Finding],
) -> None:
    """Hold what notes say of their sender's record against each other, and what is proven."""
    roots = {(contents.by, each.size): each.root for each in vouched}
    for read in notes:
        note = read.note
        if note.sender == contents.by and note.head.size != read.entry.index:
            sentence = f"entry {read.entry.index} says that it is entry {note.head.size}"
            found.append(_finding(Level.WRONG, "place", sentence, read.id))
        if roots.setdefault((note.sender, note.head.size), note.head.root) != note.head.root:
            sentence = f"{note.sender} signed two records of {note.head.size} entries"
            found.append(_finding(Level.WRONG, "forked", sentence, read.id))


def _receipts(notes: dict[NoteID, _Read], found: list[Finding]) -> dict[NoteID, _Read]:
    """Return the first receipt of each note that has one here."""
    receipts: dict[NoteID, _Read] = {}
    strays = 0
    for read in notes.values():
        note = read.note
        if note.kind is not Kind.RECEIPT or note.re is None:
            continue
        asked = notes.get(note.re)
        if asked is None:
            strays += 1
            continue
        of = asked.note
        if (note.sender, note.receiver, note.thread, note.mode) != (
            of.receiver,
            of.sender,
            of.thread or asked.id,
            of.mode,
        ):
            sentence = f"entry {read.entry.index} is no receipt of the note that it names"
            found.append(_finding(Level.WRONG, "receipt", sentence, read.id))
            continue
        receipts.setdefault(asked.id, read)
    if receipts:
        sentence = f"{len(receipts)} notes have their receiver's signed receipt here"
        found.append(_finding(Level.PROVED, "receipts", sentence))
    counted = sum(
        1
        for read in notes.values()
        if read.note.number and FORMS[read.note.kind].place != Place.OWN
    )
    if counted > len(receipts):
        sentence = (
            f"{counted - len(receipts)} notes have no receipt here: that they came is not shown"
        )
        found.append(_finding(Level.CLAIMED, "no-receipt", sentence))
    if strays:
        sentence = f"{strays} receipts are of notes that are not here"
        found.append(_finding(Level.CLAIMED, "receipts-elsewhere", sentence))
    return receipts


def _said(read: _Read, receipt: _Read | None) -> Said:
    note, error = read.note, read.note.clock_error_ms
    return Said(
        id=read.id,
        index=read.entry.index,
        kind=note.kind,
        sender=note.sender,
        receiver=note.receiver,
        mode=note.mode,
        number=note.number,
        time=zulu(note.time),
        clock_error_s=None if error is None else error / _MS,
        thread=note.thread or read.id,
        re=note.re,
        facts=dict(note.own),
        head=f"{note.head.size} {base64.b64encode(note.head.root).decode()}",
        recorded=zulu(read.entry.time),
        words=words_of(note, read.payload),
        payload=None if read.payload is None else read.payload.decode(errors="replace"),
        received=None if receipt is None else zulu(receipt.note.instant("received")),
        receipt=None if receipt is None else receipt.id,
    )


# Lead times


def _notice(
    read: _Read, receipt: _Read | None, agreement: Agreement, vouched: Sequence[Vouched]
) -> Notice:
    note = read.note
    kind = NoticeKind.PLAN if note["subject"] == "plan" else NoticeKind.NO_GO
    required = agreement.lead.required(kind)
    start = micros(note.instant("start"))
    third: Vouched | None = None
    if receipt is None:
        at_most = unanswered(start, micros(note.time), _error(note))
        found = LeadTime(
            receivers_word=UNKNOWN, senders_word=at_most, guaranteed=None, impossible=False
        )
    else:
        third = third_party(vouched, receipt.entry.index, (note.sender, note.receiver))
        differ = agreement.timers.clocks_differ // timedelta(microseconds=1)
        by = None if third is None else vouched_by(third.time_s, differ)
        found = lead(start, _passage(note, receipt), vouched=by)
    late = found.late(required // timedelta(microseconds=1))
    return Notice(
        note=read.id,
        sender=note.sender,
        receiver=note.receiver,
        words=words_of(note, read.payload),
        start=zulu(note.instant("start")),
        required_s=int(required.total_seconds()),
        arrived=receipt is not None,
        receivers_word=_span(found.receivers_word),
        senders_word=_span(found.senders_word),
        guaranteed_s=None if found.guaranteed is None else found.guaranteed / MICROS,
        third_party=None if third is None else third.witness,
        impossible=found.impossible,
        late={None: "unknown", True: "yes", False: "no"}[late],
    )


def third_party(vouched: Sequence[Vouched], index: int, parties: tuple[str, str]) -> Vouched | None:
    """Return the earliest cosignature of a third party on a record that has entry ``index``."""
    fit = [each for each in vouched if each.witness not in (None, *parties) and each.size > index]
    return min(fit, key=lambda each: (each.time_s, each.witness), default=None)


def _passage(note: Note, receipt: _Read) -> Passage:
    got = receipt.entry.got
    return Passage(
        signed=micros(note.time),
        received=micros(receipt.note.instant("received")),
        receipt_signed=micros(receipt.note.time),
        receipt_got=None if got is None else micros(got),
        sender_error=_error(note),
        receiver_error=_error(receipt.note),
    )


def _error(note: Note) -> int | None:
    return None if note.clock_error_ms is None else note.clock_error_ms * _MS


def _span(span: Between) -> Span:
    return Span(
        least_s=None if span.least <= -EVER else span.least / MICROS,
        most_s=None if span.most >= EVER else span.most / MICROS,
    )


def _tell_notices(notices: Sequence[Notice], found: list[Finding]) -> None:
    for notice in notices:
        if notice.impossible:
            sentence = f"the clocks of {notice.sender} and {notice.receiver} contradict each other"
            found.append(_finding(Level.CLAIMED, "clocks", sentence, notice.note))
    vouched = sum(1 for notice in notices if notice.third_party is not None)
    if vouched:
        sentence = f"a third party vouches for the arrival of {vouched} of {len(notices)} notices"
        found.append(_finding(Level.PROVED, "third-party", sentence))
    if vouched < len(notices):
        sentence = f"no third party vouches for when {len(notices) - vouched} notices arrived"
        found.append(_finding(Level.CLAIMED, "no-third-party", sentence))


def _finding(level: Level, code: str, sentence: str, note: str | None = None) -> Finding:
    return Finding(level=level, code=code, sentence=sentence, note=note)
