"""Alarms: raised, acknowledged, cleared; three levels; and who is told what of them when.

One alarm is one *key*: a kind and two subjects. Both nodes of a line name it alike, and what both
raise is one alarm, shown under the smaller of the two notes' names. A level rises at once, and
falls only once nothing has asked for it for ``Rules.hold_s``, so that noise about a threshold does
not make it chatter. It clears when the last level has fallen.

    stage          cause            acknowledged      cleared         forgotten
    raised         raised           acknowledged      returned        -
    acknowledged   acknowledged(*)  acknowledged      history         -
    returned       a new alarm      history           -               history
    history        a new alarm      history           -               -

(*) raised again if the level rises above the one that was acknowledged. *Returned* is an alarm
whose cause has gone before anybody acknowledged it: it stays in sight until somebody does, or for
``Rules.keep_s``. A warning can be acknowledged and never suppressed. The caller stores the alarm
and sends the events; an alarm that is history is told apart from the next of its key by ``raised``.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from tansiq.domain.alarm_key import AlarmKey, AlarmKind, Level
from tansiq.domain.note import NoteID
from tansiq.domain.time import require_utc
from tansiq.errors import BadInput, WrongState

_SECOND: Final = timedelta(seconds=1)
TEXT_CHARS_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How long an alarm outlasts its cause, seconds.

    Raises:
        BadInput: not numbers from 0, or a level without a hold.
    """

    hold_s: Mapping[Level, float] = field(
        default_factory=lambda: {Level.ADVISORY: 15.0, Level.CAUTION: 10.0, Level.WARNING: 10.0}
    )
    """How long a level stays once nothing asks for it any more."""
    keep_s: float = 3_600.0
    """How long one that nobody acknowledged stays in sight."""
    suppress_s_max: float = 3_600.0

    def __post_init__(self) -> None:
        if set(self.hold_s) != set(Level):
            raise BadInput("give a hold for each level", field="hold_s")
        for name, value in (
            *(("hold_s", hold_s) for hold_s in self.hold_s.values()),
            ("keep_s", self.keep_s),
            ("suppress_s_max", self.suppress_s_max),
        ):
            if not 0 <= value < float("inf"):
                raise BadInput(f"{value} is not a number from 0", field=name)


class Stage(StrEnum):
    """Where an alarm is; see the table above."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    HISTORY = "history"


OPEN: Final = frozenset({Stage.RAISED, Stage.ACKNOWLEDGED})


class _Input(StrEnum):
    ROSE = "rose"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    FORGOTTEN = "forgotten"


_STAGES: Final[dict[tuple[Stage, _Input], Stage]] = {
    (Stage.RAISED, _Input.ROSE): Stage.RAISED,
    (Stage.RAISED, _Input.ACKNOWLEDGED): Stage.ACKNOWLEDGED,
    (Stage.RAISED, _Input.CLEARED): Stage.RETURNED,
    (Stage.ACKNOWLEDGED, _Input.ROSE): Stage.RAISED,
    (Stage.ACKNOWLEDGED, _Input.ACKNOWLEDGED): Stage.ACKNOWLEDGED,
    (Stage.ACKNOWLEDGED, _Input.CLEARED): Stage.HISTORY,
    (Stage.RETURNED, _Input.ACKNOWLEDGED): Stage.HISTORY,
    (Stage.RETURNED, _Input.FORGOTTEN): Stage.HISTORY,
}
"""What is not here cannot happen; to acknowledge what is history is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Who has seen it, when, and at which level."""

    by: str
    time: datetime
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """That it is kept silent, up to a level, until a time."""

    by: str
    time: datetime
    until: datetime
    level: Level
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One alarm, from when it was raised until it is history."""

    key: AlarmKey
    stage: Stage
    level: Level
    worst: Level
    """The highest that it has been."""
    raised: datetime
    asked: tuple[datetime | None, datetime | None, datetime | None]
    """When a cause last asked for each level or a higher one, the lowest level first."""
    looked: datetime
    """When it was last looked at: time does not run back for it."""
    notes: tuple[NoteID, ...] = ()
    """The notes that say it, in ascending order."""
    acknowledged: Acknowledgement | None = None
    """The last one; it is one at a lower level once the alarm has risen above it."""
    suppression: Suppression | None = None
    cleared: datetime | None = None
    nuisance: tuple[str, datetime] | None = None
    """Who called it a nuisance, and when."""

    @property
    def id(self) -> NoteID | None:
        """Its name on both nodes: the smallest of its notes; None until there is one."""
        return self.notes[0] if self.notes else None


# ---- what happened, to be stored and sent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    key: AlarmKey
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised(_Event):
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Rose(_Event):
    level: Level
    before: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Fell(_Event):
    level: Level
    before: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(_Event):
    note: NoteID
    id: NoteID
    """What it is called from now on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged(_Event):
    by: str
    level: Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed(_Event):
    by: str
    until: datetime
    level: Level
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(_Event):
    """A suppression ended: its time was over, or the alarm rose above its level."""

    rose: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(_Event):
    level: Level
    acknowledged: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten(_Event):
    """Nobody acknowledged it: it cleared long ago, came again, or had to make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedNuisance(_Event):
    by: str


AlarmEvent: TypeAlias = (
    Raised
    | Rose
    | Fell
    | Joined
    | Acknowledged
    | Suppressed
    | Expired
    | Cleared
    | Forgotten
    | MarkedNuisance
)
Outcome: TypeAlias = tuple[Alarm, tuple[AlarmEvent, ...]]


# ---- causes


def step(alarm: Alarm, cause: Level | None, now: datetime, rules: Rules) -> Outcome:
    """Return the alarm at a later moment, at which something asks for a level, or nothing does.

    What is not open any more, and has a cause again, is a new alarm: it has the suppression of the
    old one, and neither its notes nor its acknowledgement. A ``now`` before the last look is taken
    for that.
    """
    now = max(now, alarm.looked)
    if alarm.stage not in OPEN:
        if cause is not None:
            return _again(alarm, cause, now)
        return _rested(*_expired(replace(alarm, looked=now), now), now, rules)
    asked = alarm.asked if cause is None else _asked(alarm.asked, cause, now)
    alarm, events = _expired(replace(alarm, asked=asked, looked=now), now)
    held = [
        level
        for level, at in zip(Level, asked, strict=True)
        if at is not None and (at == now or (now - at) / _SECOND < rules.hold_s[level])
    ]
    if not held:
        return _cleared(alarm, events, now)
    return _at_level(alarm, events, max(held), now)


def raised(key: AlarmKey, level: Level, now: datetime) -> Outcome:
    """Return a new alarm."""
    now = require_utc(now, "time")
    alarm = Alarm(
        key=key,
        stage=Stage.RAISED,
        level=level,
        worst=level,
        raised=now,
        asked=_asked((None, None, None), level, now),
        looked=now,
    )
    return alarm, (Raised(key=key, time=now, level=level),)


def joined(
    alarm: Alarm | None, key: AlarmKey, note: NoteID, level: Level, now: datetime, *, rules: Rules
) -> Outcome:
    """Return the alarm once a note says it: ours, or the other side's of the same key.

    The note asks for its level at the moment at which it is taken in, as any cause does. The order
    of two notes does not matter, and one that is there already changes nothing.

    Raises:
        BadInput: the alarm is another one.
    """
    if alarm is not None and alarm.key != key:
        raise BadInput(f"the note is about {key.kind} of others", field="alarm")
    if alarm is not None and note in alarm.notes:
        return alarm, ()
    alarm, events = raised(key, level, now) if alarm is None else step(alarm, level, now, rules)
    notes = tuple(sorted({*alarm.notes, note}))
    event = Joined(key=key, time=alarm.looked, note=note, id=notes[0])
    return replace(alarm, notes=notes), (*events, event)


def forget(alarm: Alarm, now: datetime) -> Outcome:
    """Return the alarm as history though nobody acknowledged it: its cause has gone.

    Raises:
        WrongState: it is open, or history already.
    """
    stage = _STAGES.get((alarm.stage, _Input.FORGOTTEN))
    if stage is None:
        raise WrongState("only what has cleared is forgotten", field="alarm")
    return replace(alarm, stage=stage), (Forgotten(key=alarm.key, time=max(now, alarm.looked)),)


_Asked: TypeAlias = tuple[datetime | None, datetime | None, datetime | None]


def _asked(before: _Asked, cause: Level, now: datetime) -> _Asked:
    low, middle, high = (
        now if cause >= level else at for level, at in zip(Level, before, strict=True)
    )
    return low, middle, high


def _again(old: Alarm, cause: Level, now: datetime) -> Outcome:
    old, ended = _expired(old, now)
    alarm, events = raised(old.key, cause, now)
    kept = old.suppression
    if kept is not None and cause > kept.level:
        return alarm, (*events, Expired(key=old.key, time=now, rose=True))
    return replace(alarm, suppression=kept), (*ended, *events)


def _expired(alarm: Alarm, now: datetime) -> Outcome:
    """End a suppression whose time is over; at ``until`` it is."""
    if alarm.suppression is None or now < alarm.suppression.until:
        return alarm, ()
    return replace(alarm, suppression=None), (Expired(key=alarm.key, time=now, rose=False),)


def _rested(alarm: Alarm, events: tuple[AlarmEvent, ...], now: datetime, rules: Rules) -> Outcome:
    if alarm.stage is not Stage.RETURNED or alarm.cleared is None:
        return alarm, events
    if (now - alarm.cleared) / _SECOND < rules.keep_s:
        return alarm, events
    alarm, forgotten = forget(alarm, now)
    return alarm, (*events, *forgotten)


def _cleared(alarm: Alarm, events: tuple[AlarmEvent, ...], now: datetime) -> Outcome:
    acknowledged = alarm.stage is Stage.ACKNOWLEDGED
    event = Cleared(key=alarm.key, time=now, level=alarm.level, acknowledged=acknowledged)
    stage = _STAGES[alarm.stage, _Input.CLEARED]
    return replace(alarm, stage=stage, cleared=now), (*events, event)


def _at_level(alarm: Alarm, events: tuple[AlarmEvent, ...], level: Level, now: datetime) -> Outcome:
    before = alarm.level
    if level == before:
        return alarm, events
    if level < before:
        seen = alarm.acknowledged
        if seen is not None:
            # A rise to the old level asks for attention once more.
            seen = replace(seen, level=min(seen.level, level))
        alarm = replace(alarm, level=level, acknowledged=seen)
        return alarm, (*events, Fell(key=alarm.key, time=now, level=level, before=before))
    # It was acknowledged at a lower level, if at all: a fall lowers that as well.
    stage = _STAGES[alarm.stage, _Input.ROSE]
    alarm = replace(alarm, stage=stage, level=level, worst=max(alarm.worst, level))
    events = (*events, Rose(key=alarm.key, time=now, level=level, before=before))
    if alarm.suppression is not None and level > alarm.suppression.level:
        alarm = replace(alarm, suppression=None)
        events = (*events, Expired(key=alarm.key, time=now, rose=True))
    return alarm, events


# ---- what people do


def acknowledge(alarm: Alarm, *, by: str, now: datetime) -> Outcome:
    """Return the alarm once somebody has seen it, at its present level.

    Raises:
        WrongState: it is history.
    """
    stage = _STAGES.get((alarm.stage, _Input.ACKNOWLEDGED))
    if stage is None:
        raise WrongState("the alarm is over and was acknowledged", field="alarm")
    by = _text(by, "by")
    now = max(require_utc(now, "time"), alarm.looked)
    seen = Acknowledgement(by=by, time=now, level=alarm.level)
    event = Acknowledged(key=alarm.key, time=now, by=by, level=alarm.level)
    return replace(alarm, stage=stage, acknowledged=seen, looked=now), (event,)


def suppress(
    alarm: Alarm, *, by: str, until: datetime, reason: str, now: datetime, rules: Rules
) -> Outcome:
    """Return the alarm kept silent at its present level and below, for a time.

    Raises:
        WrongState: it is not open, or a warning.
        BadInput: no reason, or a time that is over or too far away.
    """
    if alarm.stage not in OPEN:
        raise WrongState("the alarm is over; there is nothing to suppress", field="alarm")
    if alarm.level is Level.WARNING:
        raise WrongState("a warning is not suppressed; acknowledge it", field="alarm")
    by, reason = _text(by, "by"), _text(reason, "reason")
    now = max(require_utc(now, "time"), alarm.looked)
    until = require_utc(until, "until")
    if not 0 < (until - now) / _SECOND <= rules.suppress_s_max:
        raise BadInput(
            f"is not within {rules.suppress_s_max / 60:g} minutes from now", field="until"
        )
    made = Suppression(by=by, time=now, until=until, level=alarm.level, reason=reason)
    event = Suppressed(
        key=alarm.key, time=now, by=by, until=until, level=alarm.level, reason=reason
    )
    return replace(alarm, suppression=made, looked=now), (event,)


def mark_nuisance(alarm: Alarm, *, by: str, now: datetime) -> Outcome:
    """Return the alarm once somebody calls it a nuisance: for the count, it changes nothing else.

    A second mark is none.
    """
    if alarm.nuisance is not None:
        return alarm, ()
    by, now = _text(by, "by"), max(require_utc(now, "time"), alarm.looked)
    event = MarkedNuisance(key=alarm.key, time=now, by=by)
    return replace(alarm, nuisance=(by, now), looked=now), (event,)


def per_day(events: Iterable[AlarmEvent]) -> dict[tuple[date, AlarmKind], tuple[int, int]]:
    """Return how many alarms were raised, and how many called a nuisance, by UTC day and kind."""
    all_raised: Counter[tuple[date, AlarmKind]] = Counter()
    nuisances: Counter[tuple[date, AlarmKind]] = Counter()
    for event in events:
        day = (event.time.astimezone(UTC).date(), event.key.kind)
        all_raised[day] += isinstance(event, Raised)
        nuisances[day] += isinstance(event, MarkedNuisance)
    days = sorted(day for day in all_raised if all_raised[day] or nuisances[day])
    return {day: (all_raised[day], nuisances[day]) for day in days}


def _text(text: str, name: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= TEXT_CHARS_MAX or not text.isprintable():
        raise BadInput(f"is not 1 to {TEXT_CHARS_MAX} printable characters", field=name)
    return text


# ---- how it is shown


class Display(StrEnum):
    """How an alarm is shown."""

    FLASHING = "flashing"
    """Nobody has acknowledged it at this level."""
    STEADY = "steady"
    SUPPRESSED = "suppressed"
    """In a list of its own, with who, why and until when."""
    RETURNED = "returned"
    """Its cause has gone, and nobody has acknowledged it."""
    GONE = "gone"


def display(alarm: Alarm, now: datetime) -> Display:
    """Return how an alarm is shown at a time."""
    if alarm.stage is Stage.HISTORY:
        return Display.GONE
    if alarm.stage is Stage.RETURNED:
        return Display.RETURNED
    kept = alarm.suppression
    if kept is not None and now < kept.until and alarm.level <= kept.level:
        return Display.SUPPRESSED
    return Display.FLASHING if alarm.stage is Stage.RAISED else Display.STEADY
