"""Conversations, lines and the watch, as people see them.

Reads the store and the board; decides nothing and writes nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from tansiq.domain import pact
from tansiq.domain.lead import (
    EVER,
    MICROS,
    UNKNOWN,
    Between,
    LeadTime,
    Passage,
    lead,
    minutes,
    offset,
    unanswered,
    vouched_by,
)
from tansiq.domain.line import stopped
from tansiq.domain.note import Kind, NoteID, read_instant
from tansiq.domain.pact import NoticeKind, Rung
from tansiq.domain.thread import Step, Thread
from tansiq.domain.time import from_micros, micros, zulu
from tansiq.f3548.convert import volumes_to_domain
from tansiq.formats.payload import Payload, bands_of, read_payload, told_of
from tansiq.formats.phrase_book import FALLBACK, render
from tansiq.formats.signed_note import NameOf
from tansiq.formats.spelling import Setting
from tansiq.formats.words import Spoken, words
from tansiq.services.line.awaited import Awaited
from tansiq.services.line.board import Board
from tansiq.services.line.lateness import COUNTED_FOR, late_notices
from tansiq.services.line.views import (
    LeadView,
    LineView,
    NoteView,
    OutboxEntry,
    RungView,
    SpanView,
    StanceView,
    ThreadView,
    ToldView,
)
from tansiq.services.line.words import About, phrases
from tansiq.services.planning.site import Site
from tansiq.storage.notes import NoteRow, NoteStore, Waiting
from tansiq.storage.store import Tx

MISSING_SHOWN: Final = 20
OFFSET_SPAN: Final = timedelta(hours=1)
OFFSET_SAMPLES: Final = 64
_NULL: Final = msgspec.Raw(b"null")


class Showing:
    """Makes views."""

    def __init__(self, site: Site, *, board: Board) -> None:
        self._site = site
        self._agreement = site.agreement
        self._me = site.party
        self._board = board
        self.awaited = Awaited(site, board)

    async def threads(
        self, tx: Tx, threads: Sequence[Thread], *, told: bool = False
    ) -> tuple[ThreadView, ...]:
        """Return conversations without their notes, with what they are about in words if asked."""
        return tuple([await self.thread(tx, thread, told=told) for thread in threads])

    async def thread(
        self,
        tx: Tx,
        thread: Thread,
        *,
        notes: bool = False,
        told: bool = False,
        language: str = FALLBACK,
    ) -> ThreadView:
        """Return one conversation."""
        store, facts = NoteStore(tx), self._board.facts[thread.id]
        opening = await _payload(store, thread.id, thread.kind)
        proposal = moves = proposed_by = None
        if thread.proposal is not None:
            counter = await _payload(store, thread.proposal, Kind.COUNTER)
            row = await store.get(thread.proposal)
            if row is not None:
                proposed_by = row.sender
                mine = row.facts()["moves"] == "mine"
                moves = row.sender if mine else _other_of(thread, row.sender)
            proposal = None if counter is None else counter.shift
        start = facts.get("start")
        return ThreadView(
            id=thread.id,
            kind=thread.kind,
            party=_other_of(thread, self._me),
            ours=thread.opener == self._me,
            mode=thread.mode,
            stage=thread.stage,
            open=thread.open,
            superseded=self._board.superseded(thread),
            time=zulu(from_micros(thread.rungs[0][1].time)),
            subject=facts.get("subject"),
            subject_id=facts.get("id"),
            version=int(facts["version"]) if "version" in facts else None,
            callsign=None if opening is None else opening.callsign or opening.name or None,
            start=start,
            end=facts.get("end"),
            rungs=tuple([await _rung(store, rung, step) for rung, step in thread.rungs]),
            lead=await self.lead(store, thread),
            due=await self.awaited.due(store, thread),
            proposal=proposal,
            proposed_by=proposed_by,
            moves=moves,
            told=self._told(thread, opening, language) if notes or told else None,
            notes=await self._notes(tx, thread, language) if notes else (),
        )

    def _told(self, thread: Thread, opening: Payload | None, language: str) -> ToldView | None:
        if opening is None or not opening.volumes:
            return None
        notice, bands = told_of(opening), bands_of(opening)
        spoken = Spoken(
            name=opening.callsign or opening.name or thread.id[:10],
            no_go=self._board.facts[thread.id].get("subject") != "plan",
            volumes=volumes_to_domain(opening.volumes, "volumes"),
            stated=bands,
        )
        # Of another day than today, times are said with their day.
        said = words(spoken, language, Setting(day=self._site.clock.now().date()))
        return ToldView(
            points=tuple((point.lat_deg, point.lng_deg) for point in notice.points),
            radius_m=notice.radius_m,
            lower=notice.lower,
            upper=notice.upper,
            start=zulu(notice.start),
            end=zulu(notice.end),
            words=said[1:] if thread.kind is Kind.STOP else said,
        )

    # ---- lead time

    async def lead(self, store: NoteStore, thread: Thread) -> LeadView | None:
        """Return how long before its start a notice came; None: it is none."""
        if thread.kind is not Kind.NOTICE:
            return None
        facts = self._board.facts[thread.id]
        start = micros(read_instant(facts["start"], "start"))
        required = self._agreement.lead.required(_notice_kind(facts["subject"]))
        passage = await store.passage(thread.id)
        if passage is None and thread.opener != self._me:
            passage = await self._heard(store, thread)
        if passage is None:
            step = thread.rungs[0][1]
            row = await store.get(thread.id)
            at_most = unanswered(start, step.time, None if row is None else row.error)
            return _lead_view(
                LeadTime(
                    receivers_word=UNKNOWN,
                    senders_word=at_most,
                    guaranteed=None,
                    impossible=False,
                ),
                required,
                arrived=False,
            )
        vouched = await self._vouched(store, thread)
        return _lead_view(lead(start, passage, vouched=vouched), required, arrived=True)

    async def _vouched(self, store: NoteStore, thread: Thread) -> int | None:
        """Return by when a third party has surely seen our record with the receipt in it."""
        row = await store.get(thread.id)
        receipt = None if row is None else await store.answer(row, Kind.RECEIPT, thread.other)
        if receipt is None:
            return None
        parties = {NameOf.WITNESS.by(each) for each in (thread.opener, thread.other)}
        seen = await store.cosigned_from(receipt.seq + 1, besides=parties)
        differ = self._agreement.timers.clocks_differ // timedelta(microseconds=1)
        return None if seen is None else vouched_by(seen, differ)

    async def _heard(self, store: NoteStore, thread: Thread) -> Passage | None:
        """Return how a notice came to us: when the sender had our receipt we do not know."""
        row = await store.get(thread.id)
        receipt = None if row is None else await store.answer(row, Kind.RECEIPT, self._me)
        if row is None or receipt is None:
            return None
        return Passage(
            signed=row.time,
            received=micros(read_instant(receipt.facts()["received"], "received")),
            receipt_signed=receipt.time,
            receipt_got=None,
            sender_error=row.error,
            receiver_error=receipt.error,
        )

    # ---- notes

    async def _notes(self, tx: Tx, thread: Thread, language: str) -> tuple[NoteView, ...]:
        store = NoteStore(tx)
        waiting = {each.note: each for each in await store.waiting_in(thread.id)}
        rows = sorted(await store.of_thread(thread.id), key=lambda row: (row.turn, row.sender))
        by_id = {row.id: row for row in rows}
        subject, found = await self._named(store, thread), []
        for row in rows:
            payload = await _payload(store, row.id, row.kind)
            if row.id == thread.id and payload is not None:
                subject = payload.callsign or payload.name or subject
            asked = by_id.get(row.re) if row.re is not None else None
            about = About(
                row=row,
                payload=payload,
                number=row.number if asked is None else asked.number,
                answered=None if asked is None else asked.kind,
                callsign=subject,
                receiver=row.peer if row.sender == self._me else self._me,
            )
            said = await self._note(store, about, waiting.get(row.id), language)
            found.append(msgspec.structs.replace(said, out_of_turn=row.id in thread.out_of_turn))
        return tuple(found)

    async def note(self, tx: Tx, row: NoteRow, thread: Thread | None, language: str) -> NoteView:
        """Return one note by itself; ``thread`` is None for what we say to ourselves."""
        store = NoteStore(tx)
        opening = row if row.thread == row.id else await store.get(row.thread)
        told = None if opening is None else await _payload(store, opening.id, opening.kind)
        subject = "" if told is None else told.callsign or told.name
        if not subject and thread is not None:
            subject = await self._named(store, thread)
        asked = None if row.re is None else await store.get(row.re)
        about = About(
            row=row,
            payload=await _payload(store, row.id, row.kind),
            number=row.number if asked is None else asked.number,
            answered=None if asked is None else asked.kind,
            callsign=subject,
            receiver=row.peer if row.sender == self._me else self._me,
        )
        waiting = next((w for w in await store.waiting_in(row.thread) if w.note == row.id), None)
        said = await self._note(store, about, waiting, language)
        out_of_turn = thread is not None and row.id in thread.out_of_turn
        return msgspec.structs.replace(said, out_of_turn=out_of_turn)

    async def _named(self, store: NoteStore, thread: Thread) -> str:
        """Return the call sign of a plan that is spoken of by its id alone: its notice has it."""
        plan_id = self._board.facts[thread.id].get("id", "")
        notice = self._board.latest.get((thread.opener, _other_of(thread, self._me), plan_id))
        payload = None if notice is None else await _payload(store, notice, Kind.NOTICE)
        return "" if payload is None else payload.callsign

    async def _note(
        self,
        store: NoteStore,
        about: About,
        waiting: Waiting | None,
        language: str,
    ) -> NoteView:
        row = about.row
        _, payload = await store.payload(row.id)
        ours = row.sender == self._me
        return NoteView(
            id=row.id,
            kind=row.kind,
            sender=row.sender,
            receiver=row.peer if ours else self._me,
            mode=row.mode,
            number=row.number,
            turn=row.turn,
            time=zulu(from_micros(row.time)),
            word=row.word,
            thread=row.thread,
            re=row.re,
            entry=row.seq,
            own=row.facts(),
            payload=_NULL if payload is None else msgspec.Raw(payload),
            sentences=self.sentences(about, language),
            arrived=waiting is None if ours else None,
            problem=None if waiting is None else waiting.problem,
        )

    def sentences(self, about: About, language: str) -> tuple[str, ...]:
        """Return what a note says, in a language."""
        written = "" if about.payload is None else about.payload.language
        setting = Setting(
            day=self._site.clock.now().date(),
            parties={party.id: party.names for party in self._agreement.parties},
            written_in=written,
        )
        return tuple(
            render(phrase.code, phrase.parameters, language, setting) for phrase in phrases(about)
        )

    # ---- lines

    async def line(self, tx: Tx, peer: str) -> LineView:
        """Return one line."""
        store, board = NoteStore(tx), self._board
        line, party = board.lines[peer], self._agreement.party(peer)
        waiting = await store.counts_waiting()
        first = await store.first_waiting(peer)
        last, since = board.last_check.get(peer), self._checked(peer, self._site.clock.now())
        heard = board.heard.get(peer)
        span, clock = await self.offset(store, peer)
        lately = micros(self._site.clock.now() - COUNTED_FOR)
        overdue = await self.awaited.overdue(store, peer)
        late = await late_notices(store, self.lead, board, peer=peer, since=lately)
        return LineView(
            party=peer,
            name=peer if party is None else party.names.get("en", peer),
            state=line.state,
            by=line.by,
            stances=tuple(
                StanceView(
                    party=each,
                    stance=line.stance(each).stance,
                    since=_time(line.stance(each).since),
                )
                for each in line.parties
            ),
            check=self.check_state(peer),
            last_check=_time(last),
            next_check=zulu(pact.next_check(self._agreement.timers, since)),
            waiting=waiting.get(peer, 0),
            problem=None if first is None else first.problem,
            missing=tuple(await store.missing(peer, peer, MISSING_SHOWN)),
            offset=_span(span),
            clock=clock,
            stops=len(stopped(board.with_peer(peer))),
            heard=_time(heard),
            late_ours=late[0],
            late_theirs=late[1],
            overdue_ours=overdue[0],
            overdue_theirs=overdue[1],
        )

    def _checked(self, peer: str, now: datetime) -> datetime:
        last = self._board.last_check.get(peer)
        if last is not None:
            return from_micros(last)
        # A line that was never checked is due at once: nobody has shown that it works.
        began = self._board.opened
        return (now if began is None else from_micros(began)) - self._agreement.timers.check_every

    def check_state(self, peer: str) -> str:
        """Return how the comm check of a line stands."""
        now = self._site.clock.now()
        state = pact.check_state(self._agreement.timers, last=self._checked(peer, now), now=now)
        return str(state)

    async def offset(self, store: NoteStore, peer: str) -> tuple[Between, str]:
        """Return how far a party's clock is ahead of ours, and what that means."""
        now = micros(self._site.clock.now())
        since = now - OFFSET_SPAN // timedelta(microseconds=1)
        passages = await store.lately(peer, since, OFFSET_SAMPLES)
        found = offset(
            ((each.receipt_got or now, each.offset) for each in passages if each.receipt_got), now
        )
        if not passages:
            return UNKNOWN, "unknown"
        if not found.possible or passages[0].impossible:
            return passages[0].offset, "impossible"
        apart = self._agreement.timers.clocks_differ // timedelta(microseconds=1)
        away = max(0, found.least, -found.most)
        return found, "apart" if away > apart else "good"

    async def outbox(self, tx: Tx, waiting: Sequence[Waiting]) -> tuple[OutboxEntry, ...]:
        """Return what has not arrived."""
        store, found = NoteStore(tx), []
        for each in waiting:
            row = await store.get(each.note)
            if row is not None:
                found.append(
                    OutboxEntry(
                        note=each.note,
                        party=each.peer,
                        kind=row.kind,
                        since=zulu(from_micros(row.written)),
                        tries=each.tries,
                        last_try=_time(each.tried),
                        refused=bool(each.refused),
                        problem=each.problem,
                    )
                )
        return tuple(found)


def _notice_kind(subject: str) -> NoticeKind:
    return NoticeKind.PLAN if subject == "plan" else NoticeKind.NO_GO


def _other_of(thread: Thread, party: str) -> str:
    return thread.other if thread.opener == party else thread.opener


def _time(moment: int | None) -> str | None:
    return None if moment is None else zulu(from_micros(moment))


def _span(span: Between) -> SpanView:
    return SpanView(
        least_s=None if span.least == -EVER else span.least / MICROS,
        most_s=None if span.most == EVER else span.most / MICROS,
    )


def _lead_view(found: LeadTime, required: timedelta, *, arrived: bool) -> LeadView:
    needed = required // timedelta(microseconds=1)
    late = found.late(needed)
    word = {None: "unknown", True: "yes", False: "no"}[late]
    asked = f"required {needed // (60 * MICROS)} min"
    if found.impossible:
        sentence = f"the two clocks contradict each other; {asked}"
    elif not arrived:
        sentence = f"no receipt yet; {asked}"
    elif found.shown.bounded:
        sentence = f"notice {minutes(found.shown)}, {asked}"
    else:
        sentence = f"notice {minutes(found.receivers_word)} by the receiver's word, {asked}"
    return LeadView(
        required_s=int(required.total_seconds()),
        receivers_word=_span(found.receivers_word),
        senders_word=_span(found.senders_word),
        guaranteed_s=None if found.guaranteed is None else found.guaranteed / MICROS,
        shown=_span(found.shown),
        late=word,
        impossible=found.impossible,
        sentence=sentence,
    )


async def _payload(store: NoteStore, note: NoteID, kind: Kind) -> Payload | None:
    _, data = await store.payload(note)
    return None if data is None else read_payload(kind, data)


async def _rung(store: NoteStore, rung: Rung, step: Step) -> RungView:
    row = await store.get(step.id)
    payload = None if row is None else await _payload(store, step.id, row.kind)
    person = None if payload is None else payload.by
    return RungView(
        rung=rung,
        time=zulu(from_micros(step.time)),
        party=step.by,
        by=None if person is None else person.initials,
        word=step.word,
    )
