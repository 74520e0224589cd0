"""Conversations: what a note and the answers to it amount to, as one table.

A conversation is folded from its notes in an order that is the same at both ends
(``Saying.order``), so two nodes that hold the same notes see the same stage, whatever came first
to whom. A note that the table has no row for is kept, counted as *out of turn*, and changes
nothing. Rungs are facts of their own: that somebody has read back stays true when a
counter-proposal follows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from tansiq.domain.note import Kind, Mode, Note, NoteID
from tansiq.domain.pact import Rung
from tansiq.domain.time import micros


class Stage(StrEnum):
    """How far a conversation is."""

    SENT = "sent"
    ARRIVED = "arrived"
    """The other node holds it: a machine's word, no person's."""
    SEEN = "seen"
    READ_BACK = "read-back"
    NOTED = "noted"
    NO_CONFLICT = "no-conflict"
    UNABLE = "unable"
    NEED_TIME = "need-time"
    COUNTERED = "countered"
    DECLINED = "declined"
    """A counter-proposal was turned down."""
    OUTCOME = "outcome"
    """One side has signed what was agreed."""
    SETTLED = "settled"
    """Both sides have."""
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    REPLIED = "replied"
    REVIEWED = "reviewed"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    """The other node could not take it."""


class Who(StrEnum):
    """Whose note it is."""

    OPENER = "opener"
    OTHER = "other"


_RUNGS: Final[Mapping[Kind, Rung]] = {
    Kind.RECEIPT: Rung.ARRIVED,
    Kind.SEEN: Rung.SEEN,
    Kind.READBACK: Rung.READ_BACK,
    Kind.ANSWER: Rung.ANSWERED,
    Kind.COUNTER: Rung.ANSWERED,
    Kind.CHECK_REPLY: Rung.ANSWERED,
    Kind.CONFIRM: Rung.ANSWERED,
    Kind.REVIEW: Rung.ANSWERED,
    Kind.ALARM_ACK: Rung.ANSWERED,
}
"""Reached by the other side's notes only."""


class Saying(NamedTuple):
    """What a fold needs of a note; the store keeps it beside each, so none is parsed twice."""

    id: NoteID
    kind: Kind
    sender: str
    receiver: str
    mode: Mode
    number: int
    turn: int
    time: int
    """Microseconds UTC, by the sender's clock."""
    thread: NoteID | None
    re: NoteID | None
    word: str
    """As the tables name it: ``answer/unable``, ``line/open``, ``seen``."""

    @property
    def order(self) -> tuple[int, str, str]:
        """Where it stands on its line, the same at both ends whenever it came."""
        return self.turn, self.sender, self.id

    @property
    def opens(self) -> NoteID:
        """The conversation that it belongs to."""
        return self.thread or self.id


_WORDS: Final = {Kind.ANSWER: "word", Kind.CONFIRM: "verdict", Kind.LINE: "state"}


def saying(note_id: NoteID, note: Note) -> Saying:
    """Return what a fold needs of a note."""
    key = _WORDS.get(note.kind)
    return Saying(
        id=note_id,
        kind=note.kind,
        sender=note.sender,
        receiver=note.receiver,
        mode=note.mode,
        number=note.number,
        turn=note.turn,
        time=micros(note.time),
        thread=note.thread,
        re=note.re,
        word=note.kind.value if key is None else f"{note.kind}/{note[key]}",
    )


_OF_ITSELF: Final = frozenset({Kind.RECEIPT, Kind.SEEN})
"""What is said of every note; the ladder is that of the note that opened the conversation."""

Table = dict[tuple[Stage, str, Who], Stage]
_OPENER, _OTHER = (Who.OPENER,), (Who.OTHER,)
_BOTH = (Who.OPENER, Who.OTHER)
_WAY = (Stage.SENT, Stage.ARRIVED, Stage.SEEN)
_ANSWERED = (Stage.NOTED, Stage.NO_CONFLICT, Stage.UNABLE, Stage.NEED_TIME, Stage.DECLINED)
_OPEN = (*_WAY, Stage.READ_BACK, *_ANSWERED, Stage.COUNTERED, Stage.OUTCOME)
UNANSWERED: Final = (*_WAY, Stage.READ_BACK, Stage.NEED_TIME)
"""Stages of a notice in which the other side owes a word: having read it back is none."""
_DONE = (Stage.SETTLED, Stage.WITHDRAWN, Stage.REFUSED)

_Rows = Iterable[tuple[str, tuple[Who, ...], Iterable[Stage], Stage | None]]


def _table(rows: _Rows) -> Table:
    """Spread rows of (word, who, from which stages, to which): None stays where it is."""
    return {
        (stage, word, who): stage if to is None else to
        for word, whose, stages, to in rows
        for who in whose
        for stage in stages
    }


_ARRIVAL: _Rows = (
    ("receipt", _OTHER, Stage, None),  # A lost receipt may come after all else.
    ("receipt", _OTHER, (Stage.SENT,), Stage.ARRIVED),
    ("seen", _OTHER, Stage, None),
    ("seen", _OTHER, (Stage.SENT, Stage.ARRIVED), Stage.SEEN),
    ("refusal", _OTHER, (Stage.SENT, Stage.ARRIVED), Stage.REFUSED),
)

_NOTICE: Final = _table(
    (
        *_ARRIVAL,
        ("readback", _OTHER, _OPEN, None),
        ("readback", _OTHER, _WAY, Stage.READ_BACK),
        *(
            (f"answer/{word}", _OTHER, (*_WAY, Stage.READ_BACK, *_ANSWERED, Stage.COUNTERED), to)
            for word, to in (
                ("noted", Stage.NOTED),
                ("no-conflict", Stage.NO_CONFLICT),
                ("unable", Stage.UNABLE),
                ("need-time", Stage.NEED_TIME),
            )
        ),
        ("counter", _OTHER, (*_WAY, Stage.READ_BACK, *_ANSWERED, Stage.COUNTERED), Stage.COUNTERED),
        ("counter", _OPENER, (Stage.UNABLE, Stage.COUNTERED, Stage.DECLINED), Stage.COUNTERED),
        ("answer/unable", _OPENER, (Stage.COUNTERED,), Stage.DECLINED),
        ("outcome", _BOTH, (Stage.COUNTERED,), Stage.OUTCOME),
        ("confirm/agreed", _BOTH, (Stage.OUTCOME,), Stage.SETTLED),
        ("confirm/disputed", _BOTH, (Stage.OUTCOME,), Stage.COUNTERED),
        ("withdraw", _OPENER, (*_OPEN, Stage.SETTLED), Stage.WITHDRAWN),
    )
)
_CONFIRMED: Final = _table(
    (
        *_ARRIVAL,
        ("confirm/agreed", _OTHER, (*_WAY, Stage.DISPUTED), Stage.CONFIRMED),
        ("confirm/disputed", _OTHER, (*_WAY, Stage.CONFIRMED), Stage.DISPUTED),
        ("withdraw", _OPENER, (*_WAY, Stage.CONFIRMED, Stage.DISPUTED), Stage.WITHDRAWN),
    )
)
_CHECK: Final = _table((*_ARRIVAL, ("check-reply", _OTHER, _WAY, Stage.REPLIED)))
_STOP: Final = _table((*_ARRIVAL, ("all-clear", _OPENER, (*_WAY, Stage.REFUSED), Stage.CLEARED)))
_INCIDENT: Final = _table((*_ARRIVAL, ("review", _OTHER, _WAY, Stage.REVIEWED)))
_ALARM: Final = _table((*_ARRIVAL, ("alarm-ack", _BOTH, _WAY, Stage.ACKNOWLEDGED)))

TABLES: Final[Mapping[Kind, Table]] = MappingProxyType(
    {
        Kind.NOTICE: _NOTICE,
        Kind.CHECK: _CHECK,
        Kind.STOP: _STOP,
        Kind.INCIDENT: _INCIDENT,
        Kind.ALARM: _ALARM,
        **dict.fromkeys(
            (
                Kind.LINE,
                Kind.CALL,
                Kind.SAY,
                Kind.STATUS,
                Kind.CLOCK,
                Kind.AGREEMENT,
                Kind.KEY,
            ),
            _CONFIRMED,
        ),
    }
)
"""(stage, word, whose note) to the next stage, by the kind that opened the conversation."""

_CLOSED: Final[Mapping[Kind, frozenset[Stage]]] = {
    Kind.NOTICE: frozenset({*_DONE, Stage.NOTED, Stage.NO_CONFLICT}),
    Kind.STOP: frozenset({Stage.CLEARED}),
    Kind.CHECK: frozenset({Stage.REPLIED, Stage.REFUSED}),
    Kind.INCIDENT: frozenset({Stage.REVIEWED, Stage.REFUSED}),
    Kind.ALARM: frozenset({Stage.ACKNOWLEDGED, Stage.REFUSED}),
    Kind.STATUS: frozenset(Stage) - {Stage.SENT, Stage.REFUSED},
    Kind.CLOCK: frozenset(Stage) - {Stage.SENT, Stage.REFUSED},
}
_CLOSED_ELSE: Final = frozenset({*_DONE, Stage.SEEN, Stage.CONFIRMED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One note that moved a conversation."""

    id: NoteID
    by: str
    """The party."""
    time: int
    """Microseconds UTC, by the clock of that party."""
    word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What a conversation amounts to so far. Equal at both ends once both hold its notes."""

    id: NoteID
    kind: Kind
    opener: str
    other: str
    mode: Mode
    stage: Stage
    rungs: tuple[tuple[Rung, Step], ...]
    """In the order in which they were first reached."""
    last: Step
    """The last note that the table has a row for, receipts apart."""
    proposal: NoteID | None = None
    """The counter-proposal that stands."""
    outcome: Step | None = None
    out_of_turn: tuple[NoteID, ...] = ()

    def step(self, rung: Rung) -> Step | None:
        """Return what reached a rung first; None: nothing has."""
        return next((step for reached, step in self.rungs if reached is rung), None)

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.stage not in _CLOSED.get(self.kind, _CLOSED_ELSE)


def begun(said: Saying) -> Thread:
    """Return the conversation that a note opens."""
    step = Step(id=said.id, by=said.sender, time=said.time, word=said.word)
    return Thread(
        id=said.id,
        kind=said.kind,
        opener=said.sender,
        other=said.receiver,
        mode=said.mode,
        stage=Stage.SENT,
        rungs=((Rung.SENT, step),),
        last=step,
    )


def told(thread: Thread, said: Saying, *, backdated: bool = False) -> Thread:
    """Return the conversation with one more note, which follows all others in their order."""
    if said.kind in _OF_ITSELF and said.re != thread.id:
        return thread  # Of another note of the conversation: no rung of this one.
    who = Who.OPENER if said.sender == thread.opener else Who.OTHER
    to = TABLES[thread.kind].get((thread.stage, said.word, who))
    out_of_turn = (
        to is None
        or backdated
        or said.mode is not thread.mode
        or not _is_between(thread, said)
        or _own_word(thread, said)
    )
    if to is None or out_of_turn:
        return replace(thread, out_of_turn=(*thread.out_of_turn, said.id))
    # Written out, for a log is folded at every start: ``replace`` takes several times as long.
    step = Step(id=said.id, by=said.sender, time=said.time, word=said.word)
    rungs, rung = thread.rungs, _RUNGS.get(said.kind)
    if rung is not None and who is Who.OTHER and rung not in [reached for reached, _ in rungs]:
        rungs = (*rungs, (rung, step))
    return Thread(
        id=thread.id,
        kind=thread.kind,
        opener=thread.opener,
        other=thread.other,
        mode=thread.mode,
        stage=to,
        rungs=rungs,
        last=thread.last if said.kind is Kind.RECEIPT else step,
        proposal=said.id if said.kind is Kind.COUNTER else thread.proposal,
        outcome=step if said.kind is Kind.OUTCOME else thread.outcome,
        out_of_turn=thread.out_of_turn,
    )


def _is_between(thread: Thread, said: Saying) -> bool:
    if said.sender == thread.opener:
        return said.receiver == thread.other
    return said.sender == thread.other and said.receiver == thread.opener


def folded(said: Iterable[Saying]) -> Thread | None:
    """Return what the notes of one conversation amount to, in whatever order they are given.

    None while the note that opens it has not come.
    """
    notes = sorted(
        said, key=lambda each: (each.thread is not None, each.turn, each.sender, each.id)
    )
    if not notes or notes[0].thread is not None:
        return None
    thread, wrong = begun(notes[0]), backdated(notes)
    for each in notes[1:]:
        thread = told(thread, each, backdated=each.id in wrong)
    return thread


def backdated(notes: Sequence[Saying]) -> frozenset[NoteID]:
    """Return the notes whose turn cannot be: not above that of what they answer, or not above one
    of their sender with a lower number. Else a note written later could stand before all others,
    and undo what both have agreed.
    """
    turns = {each.id: each.turn for each in notes}
    wrong = {
        each.id for each in notes if each.re is not None and turns.get(each.re, 0) >= each.turn
    }
    by_number = sorted((each.sender, each.number, each.turn, each.id) for each in notes)
    highest: dict[str, tuple[int, int]] = {}
    below: dict[str, int] = {}
    for sender, number, turn, note in by_number:
        if number == 0:
            continue
        last, most = highest.get(sender, (0, 0))
        if number > last:
            below[sender] = most
        if turn <= below.get(sender, 0):
            wrong.add(note)
        highest[sender] = (number, max(most, turn))
    return frozenset(wrong)


def follows(notes: Sequence[Saying], said: Saying) -> bool:
    """Whether one more note can be told on top of notes in their order, ``said`` not among them.

    Else they are folded anew: it stands before one of them, or shows that one was backdated.
    """
    return notes[-1].order < said.order and not any(
        each.re == said.id or (each.sender == said.sender and 0 < said.number < each.number)
        for each in notes
    )


class Undecided(NamedTuple):
    """What waits for the word of one side."""

    since: NoteID
    """The note that it waits from: the proposal, the outcome, or the dispute of an outcome."""
    by: str
    """The party whose word is missing."""


def undecided(thread: Thread, notes: Sequence[Saying]) -> Undecided | None:
    """Return what waits for a decision in a conversation; None: nothing does.

    ``notes`` are all of it, in their order. After an outcome was disputed its proposal stands
    again, and waits anew.
    """
    if thread.stage is Stage.OUTCOME and thread.outcome is not None:
        return Undecided(thread.outcome.id, _besides(thread, thread.outcome.by))
    if thread.stage is not Stage.COUNTERED:
        return None
    counted = [each for each in notes if each.id not in thread.out_of_turn]
    proposal = next((each for each in counted if each.id == thread.proposal), None)
    if proposal is None:
        return None
    disputes = (
        each.id
        for each in reversed(counted)
        if each.word == "confirm/disputed" and each.order > proposal.order
    )
    return Undecided(next(disputes, proposal.id), _besides(thread, proposal.sender))


def _besides(thread: Thread, party: str) -> str:
    return thread.other if party == thread.opener else thread.opener


def _own_word(thread: Thread, said: Saying) -> bool:
    """Whether somebody would confirm, or accept, what they said themselves."""
    if said.kind is Kind.CONFIRM and thread.outcome is not None:
        return said.sender == thread.outcome.by or said.re != thread.outcome.id
    if said.kind is Kind.OUTCOME:
        return said.re != thread.proposal
    return False
