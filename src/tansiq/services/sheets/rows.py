"""Rows of the sheets' tables, made from the views that the own API answers with."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from tansiq.domain.alarm_key import AlarmKind
from tansiq.domain.draft import Datum, StatedBand
from tansiq.domain.note import Mode
from tansiq.domain.readback import rounded_down, rounded_up
from tansiq.domain.time import parse_rfc3339
from tansiq.errors import BadInput
from tansiq.formats.payload import Move
from tansiq.formats.sheet import Cell, Word, word
from tansiq.services.line.views import (
    LeadView,
    LineView,
    OutboxEntry,
    SpanView,
    ThreadView,
)
from tansiq.services.views import AirspaceEntry, ConstraintView, PlanView, Status
from tansiq.services.watch.views import AlarmView

Row = tuple[Cell, ...]
_WITHHELD: Final = word("value.withheld")
_REASONED: Final = frozenset({Status.REFUSED, Status.DISPLACED, Status.UNCOORDINATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scribe:
    """Makes rows for one party's sheet; ``persons``: whether persons are named."""

    me: str
    persons: bool

    # ---- plans and no-go areas

    def plans(self, ours: Iterable[PlanView], theirs: Iterable[AirspaceEntry]) -> tuple[Row, ...]:
        """Return plans of ours and of others, in order of start."""
        found: list[tuple[float, str, Row]] = [
            (
                _instant(plan.time_start),
                plan.id,
                (
                    (at(plan.time_start),),
                    (at(plan.time_end),),
                    (word("value.party", party=plan.party),),
                    (word("value.flight", flight=plan.callsign),),
                    (word(f"status.{plan.status}"), *_reason(plan)),
                    levels(plan.altitude_m_min, plan.altitude_m_max, plan.stated),
                ),
            )
            for plan in ours
        ]
        found += [
            (_instant(entry.time_start), entry.id, self._entry(entry, _state(entry)))
            for entry in theirs
        ]
        found.sort(key=lambda each: each[:2])
        return tuple(row for _, _, row in found)

    def _entry(self, entry: AirspaceEntry, state: Word) -> Row:
        return (
            (at(entry.time_start),),
            (at(entry.time_end),),
            (word("value.party", party=entry.manager),),
            (word("value.flight", flight=entry.name),) if entry.name else (),
            (state,),
            levels(entry.altitude_m_min, entry.altitude_m_max),
        )

    def no_go(
        self, ours: Iterable[ConstraintView], theirs: Iterable[AirspaceEntry]
    ) -> tuple[Row, ...]:
        """Return no-go areas of ours and of others, in order of start."""
        found: list[tuple[float, str, Row]] = [
            (
                _instant(area.time_start),
                area.id,
                (
                    (at(area.time_start),),
                    (at(area.time_end),),
                    (word("value.party", party=area.party),),
                    (word("value.flight", flight=area.name),) if area.name else (),
                    (word(f"status.{area.status.replace(' ', '-')}"),),
                    levels(area.altitude_m_min, area.altitude_m_max, area.stated),
                ),
            )
            for area in ours
        ]
        found += [
            (_instant(entry.time_start), entry.id, self._entry(entry, word("value.in-force")))
            for entry in theirs
        ]
        found.sort(key=lambda each: each[:2])
        return tuple(row for _, _, row in found)

    # ---- conversations

    def notice(self, thread: ThreadView) -> Row:
        """Return a notice: from whom, of what, how far it got, how long before the start."""
        return (
            (at(thread.time),),
            self.ways(thread),
            (*_subject(thread), *exercise(thread.mode)),
            (at(thread.start),) if thread.start else (),
            (word(f"stage.{thread.stage}"),),
            self.ladder(thread),
            lead(thread.lead),
        )

    def ways(self, thread: ThreadView) -> Cell:
        """Return who opened a conversation, and with whom."""
        sender, receiver = (self.me, thread.party) if thread.ours else (thread.party, self.me)
        return (word("value.from", party=sender), word("value.to", party=receiver))

    def conversation(self, thread: ThreadView) -> Row:
        """Return a stop or a comm check: when, between whom, and how far it got."""
        return (
            (at(thread.time),),
            self.ways(thread),
            (word(f"stage.{thread.stage}"), *exercise(thread.mode)),
            self.ladder(thread),
        )

    def stop(self, thread: ThreadView) -> Row:
        """Return a stop, with the air that it is about."""
        time, ways, state, ladder = self.conversation(thread)
        told = thread.told
        if thread.open:
            state = (word("value.in-force"), *state)
        about: Cell = (word("value.all-air"),)
        if told is not None:
            about = (
                word("value.levels", lower=told.lower[0], upper=told.upper[0]),
                at(told.start),
                at(told.end),
            )
        return (time, ways, about, state, ladder)

    def open_item(self, thread: ThreadView) -> Row:
        """Return a conversation in which somebody still has to do something."""
        return (
            (at(thread.time),),
            (word(f"kind.{thread.kind}"), *exercise(thread.mode)),
            self.ways(thread),
            _subject(thread),
            (word(f"stage.{thread.stage}"),),
            due(thread),
        )

    def ladder(self, thread: ThreadView) -> Cell:
        """Return how far a conversation got, each step with its time and the person's initials."""
        return tuple(
            word(
                f"ladder.{rung.rung}",
                time=_second(rung.time),
                who=(rung.by or "") if self.persons else "",
            )
            for rung in thread.rungs
        )

    # ---- the watch

    def alarm(self, alarm: AlarmView) -> Row:
        """Return an alarm with who acknowledged it."""
        seen: list[Word] = [word(f"alarm-stage.{alarm.stage}")]
        if alarm.acknowledged is not None:
            seen.append(self.person(alarm.acknowledged_by or "", alarm.acknowledged))
        seen += [word("value.theirs", party=party) for party in alarm.acknowledged_there]
        seen += [word("value.not-told", party=party) for party in alarm.not_told]
        if alarm.nuisance:
            seen.append(word("value.nuisance"))
        return (
            (at(alarm.raised),),
            (word(f"alarm.{alarm.kind}"),),
            (word(f"level.{alarm.worst or alarm.level}"),),
            tuple(word("value.flight", flight=name) for name in alarm.names if name),
            tuple(seen),
            (at(alarm.cleared),) if alarm.cleared else (),
            self._sentence(alarm),
        )

    def _sentence(self, alarm: AlarmView) -> Cell:
        """Return what an alarm says, as the watch wrote it: in English."""
        if not alarm.sentence:
            return ()
        if alarm.kind == AlarmKind.TEST and not self.persons:
            return (_WITHHELD,)  # It names who tries out the lamps; no other names anybody.
        return (word("value.as-written", text=alarm.sentence),)

    def person(self, name: str, time: str) -> Word:
        """Return a person and a time."""
        return word("value.person-at", person=name if self.persons else "", time=_second(time))

    def line(self, line: LineView) -> Row:
        """Return how one line stands."""
        return (
            (word("value.party", party=line.party),),
            (word(f"stance.{line.state}"),),
            (
                word(f"check.{line.check}"),
                *([at(line.last_check)] if line.last_check is not None else []),
            ),
            (word(f"clocks.{line.clock}"), *offset(line.offset)),
            (word("value.number", number=line.waiting),),
            (word("value.as-written", text=line.problem),) if line.problem else (),
        )

    def outbox(self, entry: OutboxEntry) -> Row:
        """Return a note that has not arrived."""
        return (
            (at(entry.since),),
            (word(f"kind.{entry.kind}"),),
            (word("value.party", party=entry.party),),
            (word("value.number", number=entry.tries),),
            (word("value.as-written", text=entry.problem),) if entry.problem else (),
        )

    def free(self, said: str) -> Cell:
        """Return what somebody wrote, or that it is left out."""
        if not said:
            return ()
        return (word("value.text", text=said),) if self.persons else (_WITHHELD,)


# ---- parts of rows


def at(time: str) -> Word:
    """Return a time, to the second."""
    return word("value.time", time=_second(time))


def _second(time: str) -> str:
    return parse_rfc3339(time, "time").strftime("%Y-%m-%dT%H:%M:%SZ")


def _instant(time: str) -> float:
    return parse_rfc3339(time, "time").timestamp()


def _state(entry: AirspaceEntry) -> Word:
    return word(f"state.{(entry.state or 'accepted').lower()}")


def _reason(plan: PlanView) -> Cell:
    shown = plan.status in _REASONED and plan.reason
    return (word("value.reason", text=plan.reason or ""),) if shown else ()


def _subject(thread: ThreadView) -> Cell:
    return (word("value.flight", flight=thread.callsign),) if thread.callsign else ()


def exercise(mode: str) -> Cell:
    """Return that it is practice, where it is."""
    return (word("value.exercise"),) if mode == Mode.EXERCISE else ()


def levels(low_m: float, high_m: float, stated: msgspec.Raw | None = None) -> Cell:
    """Return a band of altitudes: as it was stated, where all is of one kind, and in metres W84."""
    lower, upper = rounded_down(low_m), rounded_up(high_m)
    metres = word("value.levels", lower=f"{lower} m W84", upper=f"{upper} m W84")
    bands = _bands(stated)
    if not bands or len({(band.units, band.datum, band.ground) for band in bands}) != 1:
        return (metres,)
    if bands[0].datum is Datum.W84 and bands[0].units == "M":
        return (metres,)
    form = _form(bands[0])
    low, high = min(band.lower for band in bands), max(band.upper for band in bands)
    as_stated = word("value.levels", lower=form(math.floor(low)), upper=form(math.ceil(high)))
    return (as_stated, metres)


def _bands(stated: msgspec.Raw | None) -> tuple[StatedBand, ...]:
    try:
        return () if stated is None else msgspec.json.decode(stated, type=tuple[StatedBand, ...])
    except (msgspec.DecodeError, BadInput):
        return ()  # For display only: metres are told in any case.


def _form(band: StatedBand) -> Callable[[int], str]:
    if band.datum is Datum.FL:
        return lambda value: f"FL{value:03d}"
    unit = "ft" if band.units == "FT" else "m"
    return lambda value: f"{value} {unit} {band.datum}"


def lead(found: LeadView | None) -> Cell:
    """Return how long before its start a notice had arrived, against what is agreed."""
    if found is None:
        return ()
    asked = word("lead.required", duration=found.required_s)
    if found.impossible:
        return (word("lead.impossible"), asked)
    late = {"yes": "lead.late", "no": "lead.in-time"}.get(found.late, "lead.late-unknown")
    return (word(late), _before(found.shown), asked)


def _before(span: SpanView) -> Word:
    if span.least_s is None or span.most_s is None:
        return word("lead.unknown")
    return word(
        "lead.between",
        least=f"{math.floor(span.least_s / 60)} min",
        most=f"{math.ceil(span.most_s / 60)} min",
    )


def offset(span: SpanView) -> Cell:
    """Return how far their clock is ahead of ours, where it is known."""
    if span.least_s is None or span.most_s is None:
        return ()
    return (word("clocks.between", least=f"{span.least_s:.3f} s", most=f"{span.most_s:.3f} s"),)


def due(thread: ThreadView) -> Cell:
    """Return what is awaited next in a conversation."""
    if thread.due is None:
        return ()
    said = [word(f"due.{thread.due.rung}", time=_second(thread.due.at))]
    if thread.due.by:
        said.append(word("due.party", party=thread.due.by))
    if thread.due.overdue:
        said.insert(0, word("due.overdue"))
    return tuple(said)


def shift(move: Move | None) -> Cell:
    """Return by how much a plan moved."""
    if move is None:
        return (word("value.erased"),)
    said: list[Word] = []
    if move.delay_s:
        way = "later" if move.delay_s > 0 else "earlier"
        said.append(word(f"move.{way}", duration=abs(move.delay_s)))
    if move.up_m:
        way = "higher" if move.up_m > 0 else "lower"
        said.append(word(f"move.{way}", distance=f"{abs(move.up_m):.0f} m"))
    if move.north_m or move.east_m:
        aside_m = math.hypot(move.north_m, move.east_m)
        said.append(word("move.aside", distance=f"{aside_m:.0f} m"))
    return tuple(said)


def minutes_lost(payloads: Sequence[msgspec.Raw]) -> int:
    """Return how many minutes all-clears say that a stop cost, together."""

    class _Lost(msgspec.Struct):
        minutes_lost: int = 0

    total = 0
    for payload in payloads:
        try:
            said = msgspec.json.decode(payload, type=_Lost | None)
        except msgspec.DecodeError:
            continue
        total += 0 if said is None else said.minutes_lost
    return total
