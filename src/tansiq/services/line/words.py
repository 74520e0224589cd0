"""What a note says, as coded messages: each reader gets them in their own language.

The original stays beside it: these are made for display from the note and its payload, and nothing
is ever read back from them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tansiq.domain.draft import NAME_CHARS_MAX
from tansiq.domain.note import Kind, read_instant
from tansiq.domain.phrase import (
    DISTANCE_M_MAX,
    MINUTES_MAX,
    TEXT_CHARS_MAX,
    Direction,
    Phrase,
    Value,
    is_speech,
)
from tansiq.domain.time import from_micros
from tansiq.errors import BadInput
from tansiq.formats.payload import Move, Payload
from tansiq.storage.notes import NoteRow

_UNKNOWN: Final = "—"
_WAYS: Final = tuple(Direction)


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What the words of a note need besides the note."""

    row: NoteRow
    receiver: str
    payload: Payload | None
    """None: withheld."""
    number: int = 0
    """Of the note that it answers, or its own."""
    answered: Kind | None = None
    """Kind of the note that it answers."""
    callsign: str = ""
    """What the conversation is about."""


def phrases(about: About) -> tuple[Phrase, ...]:
    """Return what a note says; a kind without words of its own says nothing."""
    made = _MAKERS.get(about.row.kind)
    return () if made is None else tuple(made(about))


Made = list[Phrase]


def _phrase(code: str, **parameters: Value) -> Phrase:
    return Phrase(code=code, parameters=parameters)


def _time(moment: int | datetime) -> str:
    at = from_micros(moment) if isinstance(moment, int) else moment
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _person(about: About) -> str:
    by = None if about.payload is None else about.payload.by
    return _shown(by.name if by is not None else "") or _UNKNOWN


def _shown(text: str, chars_max: int = NAME_CHARS_MAX) -> str:
    """Return text on one line, as phrases take it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[
        :chars_max
    ].strip()


def _flight(about: About) -> str:
    return _shown(about.callsign) or _UNKNOWN


def _free(about: About) -> Made:
    """Return the free words that came along, to be shown as nobody translated them."""
    text = "" if about.payload is None else _shown(about.payload.text, TEXT_CHARS_MAX)
    return [_phrase("say.text", text=text)] if text else []


def _reached(code: str) -> Callable[[About], Made]:
    def made(about: About) -> Made:
        said = _phrase(code, number=about.number, person=_person(about), time=_time(about.row.time))
        return [said, *_free(about)]

    return made


def _seen(about: About) -> Made:
    if about.answered is Kind.STOP:
        said = _phrase("stop.seen", person=_person(about), time=_time(about.row.time))
        return [said, *_free(about)]
    return _reached("ladder.seen")(about)


def _receipt(about: About) -> Made:
    received = read_instant(about.row.facts()["received"], "received")
    if about.answered is Kind.STOP:
        return [_phrase("stop.received", party=about.row.sender, time=_time(received))]
    return [
        _phrase("ladder.arrived", number=about.number, party=about.row.sender, time=_time(received))
    ]


def _notice(about: About) -> Made:
    sent = _phrase("ladder.sent", number=about.number, time=_time(about.row.time))
    if about.row.facts()["subject"] == "plan":
        return [sent, _phrase("plan.declared", flight=_flight(about)), *_free(about)]
    return [sent, _phrase("plan.area-declared", place=_flight(about)), *_free(about)]


def _answer(about: About) -> Made:
    word = about.row.facts()["word"]
    if word == "need-time":
        minutes = None if about.payload is None else about.payload.minutes
        said = (
            _phrase("say.stand-by")
            if minutes is None
            else _phrase("answer.need-time", number=about.number, minutes=minutes)
        )
    else:
        said = _phrase(f"answer.{word}", number=about.number)
    return [said, *_free(about)]


def _counter(about: About) -> Made:
    shift = None if about.payload is None else about.payload.shift
    moved = _moves("propose", shift, flight=_flight(about))
    return [_phrase("answer.counter", number=about.number), *moved, *_free(about)]


def _outcome(about: About) -> Made:
    shift = None if about.payload is None else about.payload.shift
    party = about.row.facts()["moves"]
    return [
        *_moves("agreed", shift, flight=_flight(about), party=party),
        _phrase("move.signed-by-one", party=about.row.sender),
    ]


def _moves(how: str, shift: Move | None, **who: Value) -> Made:
    if shift is None:
        return []
    made = []
    if shift.delay_s:
        # Rounded up: who is told of 90 s must not be taken at one minute.
        minutes = min(MINUTES_MAX, -(-abs(shift.delay_s) // 60))
        way = "later" if shift.delay_s > 0 else "earlier"
        made.append(_phrase(f"move.{how}-{way}", minutes=minutes, **who))
    if shift.up_m:
        way = "higher" if shift.up_m > 0 else "lower"
        made.append(_phrase(f"move.{how}-{way}", distance=_metres(shift.up_m), **who))
    if shift.north_m or shift.east_m:
        distance = (shift.north_m**2 + shift.east_m**2) ** 0.5
        made.append(
            _phrase(
                f"move.{how}-aside",
                distance=_metres(distance),
                direction=_direction(shift.north_m, shift.east_m),
                **who,
            )
        )
    return made


def _metres(length_m: float) -> int:
    return min(DISTANCE_M_MAX, round(abs(length_m)))


def _direction(north_m: float, east_m: float) -> str:
    vertical = "N" if north_m > 0 else "S"
    across = "E" if east_m > 0 else "W"
    # Within an eighth of a circle of an axis it is that axis.
    if abs(east_m) * 2.414 < abs(north_m):
        return vertical
    return across if abs(north_m) * 2.414 < abs(east_m) else vertical + across


def _confirm(about: About) -> Made:
    agreed = about.row.facts()["verdict"] == "agreed"
    time = _time(about.row.time)
    if about.answered is Kind.CALL:
        if agreed:
            return [_phrase("call.confirmed", person=_person(about), time=time)]
        text = _shown(about.payload.text if about.payload else "", TEXT_CHARS_MAX) or _UNKNOWN
        return [_phrase("call.disputed", person=_person(about), text=text)]
    if about.answered is Kind.OUTCOME and agreed:
        return [_phrase("move.signed-by-both", time=time)]
    return [_phrase("say.affirm" if agreed else "say.negative"), *_free(about)]


def _check(about: About) -> Made:
    return [_phrase("check.sent", party=about.receiver, time=_time(about.row.time))]


def _check_reply(about: About) -> Made:
    return [
        _phrase(
            "check.answered",
            party=about.row.sender,
            person=_person(about),
            time=_time(about.row.time),
        )
    ]


def _stop(about: About) -> Made:
    said = _phrase("stop.stop", party=about.row.sender, time=_time(about.row.time))
    return [said, *_free(about)]


def _all_clear(about: About) -> Made:
    made = [_phrase("stop.all-clear", party=about.row.sender, time=_time(about.row.time))]
    lost = None if about.payload is None else about.payload.minutes_lost
    if lost is not None:
        made.append(_phrase("stop.minutes-lost", minutes=min(MINUTES_MAX, lost)))
    return [*made, *_free(about)]


def _line(about: About) -> Made:
    state, party, time = about.row.facts()["state"], about.row.sender, _time(about.row.time)
    if state in ("open", "degraded"):
        said = _phrase(f"line.{state}", party=party)
    else:
        code = "exercise-begins" if state == "exercise" else state
        said = _phrase(f"line.{code}", party=party, time=time)
    return [said, *_free(about)]


def _call(about: About) -> Made:
    text = "" if about.payload is None else _shown(about.payload.text, TEXT_CHARS_MAX)
    return [_phrase("call.gist", text=text or _UNKNOWN)]


def _say(about: About) -> Made:
    parameters = {} if about.payload is None else about.payload.parameters or {}
    code = about.row.facts()["code"]
    if not is_speech(code):
        return []  # Nobody makes a stop or an all-clear of it.
    try:
        said = Phrase(code=code, parameters=parameters)
    except BadInput:
        return []  # Shown by its code: the other node may be newer than ours.
    return [said, *_free(about)]


def _incident(about: About) -> Made:
    said = _phrase(
        "incident.opened",
        number=about.number,
        party=about.row.sender,
        time=_time(about.row.time),
    )
    return [said, *_free(about)]


def _withdraw(about: About) -> Made:
    said = _phrase("ladder.withdrawn", number=about.number, party=about.row.sender)
    return [said, *_free(about)]


def _review(about: About) -> Made:
    said = _phrase("incident.reviewed", number=about.number, party=about.row.sender)
    return [said, *_free(about)]


def _status(about: About) -> Made:
    state = about.row.facts()["state"]
    codes = {
        "coordinated": "coordinated",
        "displaced": "lost-place",
        "ended": "ended",
        "off-nominal": "off-nominal",
    }
    return [_phrase(f"plan.{codes[state]}", flight=_flight(about))]


def _handover(about: About) -> Made:
    payload = about.payload
    if payload is None or payload.by is None:
        return []
    desk = _shown(payload.by.desk) or _UNKNOWN
    made = [_phrase("handover.taken", desk=desk, person=_person(about), time=_time(about.row.time))]
    count = len(payload.open_items)
    made.append(
        _phrase("handover.open-items", items=count) if count else _phrase("handover.nothing-open")
    )
    return [*made, *_free(about)]


_MAKERS: Final[Mapping[Kind, Callable[[About], Made]]] = {
    Kind.NOTICE: _notice,
    Kind.RECEIPT: _receipt,
    Kind.SEEN: _seen,
    Kind.READBACK: _reached("ladder.read-back"),
    Kind.ANSWER: _answer,
    Kind.COUNTER: _counter,
    Kind.OUTCOME: _outcome,
    Kind.CONFIRM: _confirm,
    Kind.WITHDRAW: _withdraw,
    Kind.CHECK: _check,
    Kind.CHECK_REPLY: _check_reply,
    Kind.STOP: _stop,
    Kind.ALL_CLEAR: _all_clear,
    Kind.LINE: _line,
    Kind.CALL: _call,
    Kind.SAY: _say,
    Kind.INCIDENT: _incident,
    Kind.REVIEW: _review,
    Kind.STATUS: _status,
    Kind.ALARM: _free,
    Kind.ALARM_ACK: _reached("ladder.seen"),
    Kind.HANDOVER: _handover,
}
