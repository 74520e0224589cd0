"""Notes: everything that one party says to another, as one form of signed, immutable text.

A note's text is canonical: these lines, in this order, spelled so, and nothing else is a note.

    tansiq/answer@v1
    from: south
    to: north
    agreement: 64 hex digits     what was in force at the sender
    mode: live                   or exercise
    number: 7                    the sender's count of notes to this receiver, from 1; 0: uncounted
    turn: 31                     greater than any turn that the sender had sent or got on this line
    time: 2026-11-28T14:00:00.123456Z
    clock: 0.012                 bound on the error of the sender's clock, s; or ``unknown``
    head: 118 BASE64             size and root of the sender's record before this note
    thread: 64 hex digits        the first note of the conversation; absent in that one
    re: 64 hex digits            the note that this one answers
    word: no-conflict            the kind's own lines, see ``FORMS``
    payload: 64 hex digits       SHA-256 of salt and payload, which travel beside the note

Words of people, names and volumes stand in the payload alone: it can be withheld or erased, and the
note still proves what it says. How a note is signed is in ``formats/signed_note.py``; what a
conversation amounts to is folded by ``thread.py`` and ``line.py``. ``docs/notes.md`` is the
reference from which another implementation can be written.
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final, NewType

from tansiq.domain.time import YEAR_MAX, YEAR_MIN
from tansiq.errors import BadInput

NoteID = NewType("NoteID", str)
"""SHA-256 of the signed bytes, 64 lower-case hex digits: the note's only name."""

TEXT_BYTES_MAX: Final = 2_048
"""The text of a note; the longest possible is shorter."""
COUNT_MAX: Final = 10**15
SALT_BYTES: Final = 16
PAYLOAD_BYTES_MAX: Final = 1_000_000
_CLOCK_ERROR_MS_MAX: Final = 10**9 - 1


class Kind(StrEnum):
    """What a note is; one word, the first line of its text."""

    AGREEMENT = "agreement"
    KEY = "key"
    NOTICE = "notice"
    RECEIPT = "receipt"
    SEEN = "seen"
    READBACK = "readback"
    ANSWER = "answer"
    COUNTER = "counter"
    OUTCOME = "outcome"
    CONFIRM = "confirm"
    WITHDRAW = "withdraw"
    CHECK = "check"
    CHECK_REPLY = "check-reply"
    STOP = "stop"
    ALL_CLEAR = "all-clear"
    LINE = "line"
    CALL = "call"
    SAY = "say"
    INCIDENT = "incident"
    REVIEW = "review"
    STATUS = "status"
    REFUSAL = "refusal"
    ALARM = "alarm"
    ALARM_ACK = "alarm-ack"
    CLOCK = "clock"
    GAP = "gap"
    HANDOVER = "handover"


class Mode(StrEnum):
    """Whether it is meant, or practised. The two never meet in one conversation."""

    LIVE = "live"
    EXERCISE = "exercise"


class Place(StrEnum):
    """Where in a conversation a kind of note may stand."""

    OPENS = "opens"
    ANSWERS = "answers"
    OWN = "own"
    """In the sender's own record; it goes to nobody."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a kind of note looks like."""

    place: Place
    keys: tuple[tuple[str, str], ...] = ()
    """Its own lines in their order: key, and the pattern that the value is written by."""


_HEX = "[0-9a-f]{64}"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_NAME = "[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?"
_COUNT = "0|[1-9][0-9]{0,14}"
_INSTANT = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z"
_SECONDS = r"(?!-0\.0{6})-?(?:0|[1-9][0-9]{0,8})\.[0-9]{6}"
_BASE64 = "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
"""Of 32 bytes; the two bits to spare of the last digit are zero, so each has one spelling."""

FORMS: Final[dict[Kind, Form]] = {
    Kind.AGREEMENT: Form(Place.OPENS, (("digest", _HEX), ("version", _COUNT))),
    Kind.KEY: Form(Place.OPENS, (("public-key", _BASE64), ("from-time", _INSTANT))),
    Kind.NOTICE: Form(
        Place.OPENS,
        (
            ("subject", "plan|no-go|keep-out"),
            ("id", _UUID),
            ("version", _COUNT),
            ("start", _INSTANT),
            ("end", _INSTANT),
        ),
    ),
    Kind.RECEIPT: Form(Place.ANSWERS, (("received", _INSTANT),)),
    Kind.SEEN: Form(Place.ANSWERS),
    Kind.READBACK: Form(Place.ANSWERS),
    Kind.ANSWER: Form(Place.ANSWERS, (("word", "noted|no-conflict|unable|need-time"),)),
    Kind.COUNTER: Form(Place.ANSWERS, (("moves", "yours|mine"),)),
    Kind.OUTCOME: Form(Place.ANSWERS, (("moves", _NAME), ("id", _UUID), ("version", _COUNT))),
    Kind.CONFIRM: Form(Place.ANSWERS, (("verdict", "agreed|disputed"),)),
    Kind.WITHDRAW: Form(Place.ANSWERS),
    Kind.CHECK: Form(Place.OPENS),
    Kind.CHECK_REPLY: Form(Place.ANSWERS),
    Kind.STOP: Form(Place.OPENS),
    Kind.ALL_CLEAR: Form(Place.ANSWERS),
    Kind.LINE: Form(Place.OPENS, (("state", "open|degraded|suspended|exercise|closed"),)),
    Kind.CALL: Form(Place.OPENS, (("at", _INSTANT),)),
    Kind.SAY: Form(Place.OPENS, (("code", _NAME),)),
    Kind.INCIDENT: Form(Place.OPENS, (("start", _INSTANT), ("end", _INSTANT))),
    Kind.REVIEW: Form(Place.ANSWERS),
    Kind.STATUS: Form(
        Place.OPENS,
        (("id", _UUID), ("version", _COUNT), ("state", "coordinated|displaced|ended|off-nominal")),
    ),
    Kind.REFUSAL: Form(Place.ANSWERS, (("reason", _NAME),)),
    Kind.ALARM: Form(Place.OPENS, (("alarm", _NAME), ("one", _UUID), ("other", _UUID))),
    Kind.ALARM_ACK: Form(Place.ANSWERS),
    Kind.CLOCK: Form(Place.OPENS, (("least", _SECONDS), ("most", _SECONDS))),
    Kind.GAP: Form(Place.OWN, (("start", _INSTANT), ("end", _INSTANT))),
    Kind.HANDOVER: Form(Place.OWN),
}

UNCOUNTED: Final = frozenset({Kind.RECEIPT})
"""These come as the answer to a delivery: there is no next one to miss them by."""
_SPANS: Final = frozenset({Kind.NOTICE, Kind.INCIDENT, Kind.GAP})


@dataclass(frozen=True, slots=True)
class Head:
    """Size and root of a record: what its holder had written before."""

    size: int
    root: bytes
    """32 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One statement. ``str`` is its canonical text.

    Raises:
        BadInput: not a note of that kind.
    """

    kind: Kind
    sender: str
    receiver: str
    agreement: str
    mode: Mode
    number: int
    turn: int
    time: datetime
    clock_error_ms: int | None
    """Bound on the error of the sender's clock; None: the sender does not know."""
    head: Head
    thread: NoteID | None
    re: NoteID | None
    own: tuple[tuple[str, str], ...]
    """The kind's own lines."""
    payload: str
    """``commitment`` of salt and payload."""

    def __post_init__(self) -> None:
        form = FORMS[self.kind]
        answers = form.place is Place.ANSWERS
        if (self.thread is not None) != answers or (self.re is not None) != answers:
            raise BadInput(
                f"a {self.kind} {'names' if answers else 'has no'} thread and re", field="thread"
            )
        if (self.sender == self.receiver) != (form.place is Place.OWN):
            where = "stays with its sender" if form.place is Place.OWN else "goes to another party"
            raise BadInput(f"a {self.kind} {where}", field="to")
        if (self.number == 0) != (self.kind in UNCOUNTED):
            raise BadInput(f"a {self.kind} cannot have number {self.number}", field="number")
        if self.turn == 0:
            raise BadInput("turns begin with 1", field="turn")
        if self.kind is Kind.ALARM and self["one"] > self["other"]:
            raise BadInput("the two are not in ascending order", field="other")
        if self.kind is Kind.CLOCK and float(self["least"]) > float(self["most"]):
            raise BadInput("least is above most", field="most")
        if self.kind in _SPANS and self.instant("start") > self.instant("end"):
            raise BadInput("it ends before it starts", field="end")

    def __getitem__(self, key: str) -> str:
        """Return the value of one of the kind's own lines."""
        for name, value in self.own:
            if name == key:
                return value
        raise KeyError(key)

    def instant(self, key: str) -> datetime:
        """Return one of the kind's own times."""
        return read_instant(self[key], key)

    def __str__(self) -> str:
        error = self.clock_error_ms
        lines = [
            f"tansiq/{self.kind}@v1",
            f"from: {self.sender}",
            f"to: {self.receiver}",
            f"agreement: {self.agreement}",
            f"mode: {self.mode}",
            f"number: {self.number}",
            f"turn: {self.turn}",
            f"time: {write_instant(self.time)}",
            "clock: unknown" if error is None else f"clock: {error // 1000}.{error % 1000:03d}",
            f"head: {self.head.size} {base64.b64encode(self.head.root).decode()}",
        ]
        if self.thread is not None:
            lines += [f"thread: {self.thread}", f"re: {self.re}"]
        lines += [f"{key}: {value}" for key, value in self.own]
        lines.append(f"payload: {self.payload}")
        return "\n".join(lines) + "\n"


def commitment(salt: bytes, payload: bytes) -> str:
    """Return what a note says of its payload: nothing that a guess could be checked against.

    Raises:
        BadInput: the salt has not 16 bytes, or the payload is longer than a note's may be.
    """
    if len(salt) != SALT_BYTES:
        raise BadInput(f"{len(salt)} bytes are not {SALT_BYTES}", field="salt")
    if len(payload) > PAYLOAD_BYTES_MAX:
        raise BadInput(
            f"{len(payload):,} bytes are more than {PAYLOAD_BYTES_MAX:,}", field="payload"
        )
    return sha256(salt + payload).hexdigest()


def write_instant(moment: datetime) -> str:
    """Write a time as notes have it: UTC, always six decimals."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_instant(text: str, field: str) -> datetime:
    """Read a time that a note's pattern let through.

    Raises:
        BadInput: no such day or hour.
    """
    try:
        moment = datetime.fromisoformat(f"{text[:-1]}+00:00")
    except ValueError as error:
        raise BadInput(f"{text} is no existing time", field=field) from error
    if not YEAR_MIN <= moment.year <= YEAR_MAX:
        raise BadInput(f"the year {moment.year} is not {YEAR_MIN} to {YEAR_MAX}", field=field)
    return moment


# ---- reading

_COMMON = (
    ("from", _NAME),
    ("to", _NAME),
    ("agreement", _HEX),
    ("mode", "live|exercise"),
    ("number", _COUNT),
    ("turn", _COUNT),
    ("time", _INSTANT),
    ("clock", r"unknown|(?:0|[1-9][0-9]{0,5})\.[0-9]{3}"),
    ("head", f"(?:{_COUNT}) {_BASE64}"),
)
_THREADED = (("thread", _HEX), ("re", _HEX))
_LAST = (("payload", _HEX),)
_FIRST_LINE = re.compile("tansiq/([a-z-]{1,20})@v1", re.ASCII)


def lines_of(form: Form) -> Iterator[tuple[str, str]]:
    """Yield key and pattern of each line behind the first, in their order."""
    yield from _COMMON
    if form.place is Place.ANSWERS:
        yield from _THREADED
    yield from form.keys
    yield from _LAST


_PATTERNS: Final = {
    kind: re.compile(
        f"tansiq/{kind}@v1\n" + "".join(f"{key}: ({pattern})\n" for key, pattern in lines_of(form)),
        re.ASCII,
    )
    for kind, form in FORMS.items()
}


def read_note(text: str) -> Note:
    """Read the canonical text of a note.

    Raises:
        BadInput: it is not one; the error names the first line that is wrong.
    """
    if len(text) > TEXT_BYTES_MAX:
        raise BadInput(f"{len(text):,} characters are more than {TEXT_BYTES_MAX:,}", field="note")
    first = _FIRST_LINE.match(text)
    kind = None if first is None else Kind._value2member_map_.get(first[1])
    if not isinstance(kind, Kind):
        raise BadInput(
            f"{text.partition(chr(10))[0][:60]!r} is no kind of note known here", field="note"
        )
    form = FORMS[kind]
    match = _PATTERNS[kind].fullmatch(text)
    if match is None:
        raise _explained(text, form)
    found = list(match.groups())
    sender, receiver, agreement, mode, number, turn, time, clock, head = found[:9]
    thread = re_ = None
    own = found[9:-1]
    if form.place is Place.ANSWERS:
        thread, re_, own = NoteID(own[0]), NoteID(own[1]), own[2:]
    size, _, root = head.partition(" ")
    note = Note(
        kind=kind,
        sender=sender,
        receiver=receiver,
        agreement=agreement,
        mode=Mode(mode),
        number=int(number),
        turn=int(turn),
        time=read_instant(time, "time"),
        clock_error_ms=None if clock == "unknown" else int(clock.replace(".", "")),
        head=Head(int(size), base64.b64decode(root)),
        thread=thread,
        re=re_,
        own=tuple(zip((key for key, _ in form.keys), own, strict=True)),
        payload=found[-1],
    )
    for key, pattern in form.keys:
        if pattern is _INSTANT:
            note.instant(key)
    return note


def _explained(text: str, form: Form) -> BadInput:
    """Say which line is the first that cannot stand there."""
    lines = text.split("\n")[1:]
    expected = list(lines_of(form))
    for (key, pattern), line in zip(expected, lines, strict=False):
        name, colon, value = line.partition(": ")
        if name != key or not colon:
            return BadInput(f"the line {line[:60]!r} stands where {key} belongs", field=key)
        if re.fullmatch(pattern, value, re.ASCII) is None:
            return BadInput(f"{value[:80]!r} is not how it is written", field=key)
    if len(lines) - 1 < len(expected):
        return BadInput("the line is missing", field=expected[len(lines) - 1][0])
    return BadInput("something follows the last line", field="payload")
