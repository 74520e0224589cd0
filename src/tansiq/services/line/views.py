"""What people and programs see of the line: the answers of the own API.

Values for display, made from what is folded and never read back into it. Times are RFC 3339 UTC,
spans of time whole seconds unless their name says otherwise.
"""

from typing import Annotated, TypeAlias

import msgspec

from tansiq.formats.payload import Move

PayloadView: TypeAlias = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        description="what stands beside the note; null: withheld or erased",
        extra_json_schema={"type": ["object", "null"]},
    ),
]


class RungView(msgspec.Struct, frozen=True, kw_only=True):
    """One rung of the ladder that was reached."""

    rung: str
    time: str
    """By the clock of that party."""
    party: str
    by: str | None = None
    """Initials of the person; null where a machine did it, or the name is withheld."""
    word: str


class SpanView(msgspec.Struct, frozen=True, kw_only=True):
    """A span of seconds, both ends included; null is no bound."""

    least_s: float | None
    most_s: float | None


class LeadView(msgspec.Struct, frozen=True, kw_only=True):
    """How long before its start a notice had arrived, by whose word."""

    required_s: int
    receivers_word: SpanView
    senders_word: SpanView
    guaranteed_s: float | None
    """By the word of a third party alone; null: none has vouched for it."""
    shown: SpanView
    """Holds the truth as long as one of the two clocks keeps its bound."""
    late: str
    """``no``, ``yes``, or ``unknown`` where a clock's error is."""
    impossible: bool
    """The words of the two cannot both be true."""
    sentence: str


class DueView(msgspec.Struct, frozen=True, kw_only=True):
    """What is awaited next, and what follows if it does not come."""

    rung: str
    at: str
    overdue: bool
    by: str = ""
    """The party whose word, or whose node's, is awaited."""
    about: str = ""
    """The note from which the time runs: the first, or a proposal or outcome."""
    escalation: str | None = None
    """Who is turned to next."""
    escalation_at: str | None = None
    fired: tuple[str, ...] = ()
    """Who has been turned to."""


class NoteView(msgspec.Struct, frozen=True, kw_only=True):
    """One note."""

    id: str
    kind: str
    sender: str
    receiver: str
    mode: str
    number: int
    turn: int
    time: str
    """By the sender's clock."""
    word: str
    thread: str
    re: str | None
    entry: int
    """Its place in our record."""
    own: dict[str, str]
    """The kind's own lines."""
    payload: PayloadView
    sentences: tuple[str, ...]
    """What it says, in the language that was asked for."""
    arrived: bool | None
    """Whether the other node holds it; null for what we heard ourselves."""
    problem: str | None = None
    """Why it has not arrived."""
    out_of_turn: bool = False


class FoundNotes(msgspec.Struct, frozen=True, kw_only=True):
    """Notes that were looked for, the newest first."""

    notes: tuple[NoteView, ...]
    more: bool
    """There are older ones that were not looked at: ask again with ``before=searched_to``."""
    searched_to: int | None
    """The entry of the record back to which was looked, itself among them; null: there is none."""
    searched_to_time: str | None
    """When that entry was recorded here."""


class ToldView(msgspec.Struct, frozen=True, kw_only=True):
    """What is read aloud of a notice, and read back; of a stop, what air it is about."""

    points: tuple[tuple[float, float], ...]
    """Latitude and longitude, degrees: corners, or the centre where there is a radius."""
    radius_m: int | None
    lower: tuple[str, ...]
    """In each form in which it may be said."""
    upper: tuple[str, ...]
    start: str
    end: str
    words: tuple[str, ...]
    """The same in sentences, in the language that was asked for."""


class ThreadView(msgspec.Struct, frozen=True, kw_only=True):
    """One conversation."""

    id: str
    kind: str
    party: str
    """The other one."""
    ours: bool
    """Whether our side opened it."""
    mode: str
    stage: str
    open: bool
    superseded: bool
    time: str
    subject: str | None = None
    """What a notice tells of: ``plan``, ``no-go`` or ``keep-out``."""
    subject_id: str | None = None
    version: int | None = None
    callsign: str | None = None
    start: str | None = None
    end: str | None = None
    rungs: tuple[RungView, ...] = ()
    lead: LeadView | None = None
    due: DueView | None = None
    proposal: Move | None = None
    """The counter-proposal that stands."""
    proposed_by: str | None = None
    moves: str | None = None
    """Which party would move."""
    told: ToldView | None = None
    """Of a notice, or a stop of some air, where one conversation is looked at; of every stop in
    force."""
    notes: tuple[NoteView, ...] = ()


class StanceView(msgspec.Struct, frozen=True, kw_only=True):
    """What one side says of the line."""

    party: str
    stance: str
    since: str | None


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """One line."""

    party: str
    name: str
    state: str
    by: tuple[str, ...]
    stances: tuple[StanceView, ...]
    check: str
    """``quiet``, ``due``, ``caution`` or ``warning``."""
    last_check: str | None
    next_check: str
    waiting: int
    """Notes of ours that have not arrived."""
    problem: str | None
    """Why the first of them has not."""
    missing: tuple[int, ...]
    """Numbers of theirs that never came, at most 20."""
    offset: SpanView
    """How far their clock is ahead of ours, seconds."""
    clock: str
    """``good``, ``apart`` (more than agreed), ``impossible`` or ``unknown``."""
    stops: int
    """Stops in force."""
    heard: str | None
    """When their node last spoke to ours."""
    late_ours: int
    """Notices of ours, of the last 24 h, that came later than the agreement asks for."""
    late_theirs: int
    """Of theirs."""
    overdue_ours: int
    """Live conversations in which a word of ours, or of our node, is overdue."""
    overdue_theirs: int
    """In which one of theirs is."""


class OpenItemView(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a hand-over sheet, as it stood when the watch was taken."""

    thread: str
    kind: str
    party: str
    stage: str


class WatchView(msgspec.Struct, frozen=True, kw_only=True):
    """Who sits at our desk."""

    name: str | None
    initials: str | None
    since: str | None
    relieved: str | None = None
    open_items: int = 0
    sheet: str | None = None
    """Id of the note with the hand-over sheet."""
    desk: str = ""
    """Which one, where that was said."""
    text: str = ""
    """A word of whoever took it."""
    items: tuple[OpenItemView, ...] = ()
    """The sheet."""


class LinesView(msgspec.Struct, frozen=True, kw_only=True):
    """All lines, the watch, our clock."""

    lines: tuple[LineView, ...]
    watch: WatchView
    clock_error_s: float | None
    """Bound on the error of our clock; null: unknown, and no lead time counts as guaranteed."""
    stops: tuple[ThreadView, ...]
    """Every stop in force, on any line."""


class Threads(msgspec.Struct, frozen=True, kw_only=True):
    """Conversations, in the order in which they came."""

    threads: tuple[ThreadView, ...]


class OutboxEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A note that has not arrived, as far as we know."""

    note: str
    party: str
    kind: str
    since: str
    tries: int
    last_try: str | None
    refused: bool
    problem: str | None


class YieldView(msgspec.Struct, frozen=True, kw_only=True):
    """One joint outcome: who moved, as both signed it."""

    time: str
    party: str
    moved: str
    """The party whose plan moved."""
    ours: bool
    """It was ours."""
    thread: str
    plan: str
    shift: Move | None
    """By how much; null: what was said is not kept here any more."""


class YieldTally(msgspec.Struct, frozen=True, kw_only=True):
    """How often either side of one line moved."""

    party: str
    ours: int
    theirs: int
    ours_delay_s: int
    """Seconds by which our plans were put off or brought forward, together."""
    theirs_delay_s: int


class YieldsView(msgspec.Struct, frozen=True, kw_only=True):
    """The yield ledger: all are counted, the latest listed."""

    since: str | None
    tally: tuple[YieldTally, ...]
    yields: tuple[YieldView, ...]


class OutboxView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that has not arrived, by party and in order, at most 1,000."""

    waiting: tuple[OutboxEntry, ...]
