"""The alarms of one node: raised by causes, joined with the other side's, shown until seen.

What an alarm is and when it rises, falls and clears is decided in ``domain/alarm.py``. Here it is
kept: every change is on disk, and in the event feed, before anybody is shown it, and a restart
takes up what is open. A cause is whatever the watch finds at one tick; which notes are to go to
whom is left to ``telling.py``.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

import msgspec

from tansiq.domain import alarm as rules
from tansiq.domain.alarm import (
    OPEN,
    Alarm,
    AlarmEvent,
    MarkedNuisance,
    Outcome,
    Raised,
    Rose,
    Rules,
    Stage,
)
from tansiq.domain.alarm_key import AlarmKey, Level
from tansiq.domain.note import NoteID
from tansiq.domain.time import micros
from tansiq.errors import NotFound, TooLarge
from tansiq.services.events import Events
from tansiq.services.watch.kept import Cause, Kept, alarm_view
from tansiq.services.watch.views import AlarmView
from tansiq.storage.store import Tx
from tansiq.storage.watch import AlarmRow, WatchTables

EVENT: Final = "watch-alarm"
"""Kind of the event of each change; its id is the alarm's, its body the ``AlarmView``."""
WARNING_EVENT: Final = "watch-warning"
"""The same once more where it has come to be a warning: what a siren is for."""
OPEN_MAX: Final = 2_000
"""Alarms open at once; of more causes the most urgent are raised, and the picture says so."""
WARNINGS_MORE: Final = 2_000
"""Warnings are raised beyond that: what is less urgent and came first must not keep them out."""
RETURNED_MAX: Final = 2_000
"""Alarms in sight whose cause has gone; of more the oldest are history before their hour."""
TAKEN_UP_FOR: Final = timedelta(seconds=60)
"""So long after a start what was open before stands without a cause: feeds are not back yet."""
HEARD_MAX: Final = 200
"""Alarms in sight that one other party alone has found: whoever floods takes no room of ours."""
OWED_MAX: Final = 4_000
HISTORY_MAX: Final = 10_000
HISTORY_KEPT: Final = timedelta(days=30)
LISTED_MAX: Final = 1_000


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Kept)
_Changed: TypeAlias = tuple[Kept, tuple[AlarmEvent, ...]]


class Alarms:
    """All alarms in sight, by what they are about."""

    def __init__(
        self,
        events: Events,
        *,
        new_id: Callable[[], str],
        rules: Rules | None = None,
    ) -> None:
        self._events = events
        self._new_id = new_id
        self.rules = rules or Rules()
        self._kept: dict[AlarmKey, Kept] = {}
        self._taken_up: set[AlarmKey] = set()
        """What was open before this start, and has had no cause since."""
        self._taken_up_until: datetime | None = None
        self._one_at_a_time = asyncio.Lock()
        """Between the look at an alarm and its new state on disk nobody else changes it."""
        self._day: date | None = None
        self.raised_today: Counter[str] = Counter()
        self.nuisances_today = 0
        self.left_out = 0
        """Causes of the last tick that found no room."""
        self.turned_away = 0
        """Alarms of other parties that found no room, since the start."""
        self._owed: dict[str, _Changed] = {}
        """What a store that fails has not taken, by id: shown all the same, and written later."""
        self.on_change: Callable[[Sequence[Kept]], None] = lambda _: None
        """Called with what has changed, once it is on disk."""

    async def start(self, now: datetime) -> None:
        """Take up what an earlier run left open, and count what was raised today."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)

        async def read(tx: Tx) -> tuple[list[AlarmRow], list[AlarmRow]]:
            tables = WatchTables(tx)
            past = await tables.past_alarms(since=micros(midnight), most=HISTORY_MAX)
            return await tables.open_alarms(), past

        in_sight, past = await self._events.store.read(read)
        self._day = now.date()
        self._taken_up_until = now + TAKEN_UP_FOR
        for row in (*in_sight, *past):
            kept = _DECODER.decode(row.document)
            if row.open:
                self._kept[kept.alarm.key] = kept
                if kept.alarm.stage in OPEN:
                    self._taken_up.add(kept.alarm.key)
            self.raised_today[kept.alarm.key.kind.value] += kept.alarm.raised >= midnight
            marked = kept.alarm.nuisance
            self.nuisances_today += marked is not None and marked[1] >= midnight

    # ---- causes

    async def step(self, causes: Iterable[Cause], now: datetime) -> list[Kept]:
        """Take what one tick found; return what has changed by it."""
        async with self._one_at_a_time:
            return await self._step(_most_urgent(causes), now)

    async def _step(self, found: dict[AlarmKey, Cause], now: datetime) -> list[Kept]:
        self._taken_up.difference_update(found)
        if self._taken_up_until is None or now >= self._taken_up_until:
            self._taken_up.clear()
        changed: list[_Changed] = []
        moved: dict[AlarmKey, Kept] = {}
        for key in [key for key in self._kept if key not in found]:
            before = self._kept[key]
            stands = before.alarm.level if key in self._taken_up else None
            alarm, events = rules.step(before.alarm, stands, now, self.rules)
            after = replace(before, alarm=alarm, happens=None)
            moved[key] = after
            if events:
                changed.append((after, events))
        room = OPEN_MAX - sum(kept.alarm.stage in OPEN for kept in self._kept.values())
        self.left_out = 0
        for key, cause in found.items():
            kept = self._kept.get(key)
            if kept is None or kept.alarm.stage not in OPEN:
                if room <= (-WARNINGS_MORE if cause.level is Level.WARNING else 0):
                    self.left_out += 1
                    continue
                room -= 1
            *over, (after, events) = self._asked(kept, cause, now)
            moved[key] = after
            changed += over
            if events:
                changed.append((after, events))
        changed += self._crowded_out(moved, now)
        # Shown whether or not the store takes it: a disk that is full is no reason not to warn.
        for key, kept in moved.items():
            if kept.in_sight:
                self._kept[key] = kept
            else:
                self._kept.pop(key, None)
        owed = {**self._owed, **{kept.id: (kept, events) for kept, events in changed}}
        self._owed = dict(list(owed.items())[-OWED_MAX:])
        await self._write(list(owed.values()), now)
        self._owed = {}
        self._told(list(owed.values()))
        return [kept for kept, _ in changed]

    def _crowded_out(self, moved: dict[AlarmKey, Kept], now: datetime) -> list[_Changed]:
        """Make history of what has been over longest, where more of it is in sight than may be."""
        over = [kept for kept in moved.values() if kept.alarm.stage is Stage.RETURNED]
        if len(over) <= RETURNED_MAX:
            return []
        over.sort(key=lambda kept: (kept.alarm.cleared or now, kept.id))
        gone = [_forgotten(kept, now) for kept in over[: len(over) - RETURNED_MAX]]
        moved.update((kept.alarm.key, kept) for kept, _ in gone)
        return gone

    def _asked(self, before: Kept | None, cause: Cause, now: datetime) -> list[_Changed]:
        """Return the alarm, and before it the one that is history by it, if there is one."""
        kept, over = before, []
        if kept is None:
            alarm, events = rules.raised(cause.key, cause.level, now)
            kept = Kept(id=self._new_id(), alarm=alarm)
        else:
            alarm, events = rules.step(kept.alarm, cause.level, now, self.rules)
        if before is not None and before.alarm.stage not in OPEN:
            over = [_forgotten(before, now)]
            kept = Kept(id=self._new_id(), alarm=alarm)  # Another alarm of the same.
        place = cause.place
        kept = replace(
            kept,
            alarm=alarm,
            sentence=cause.sentence,
            code=cause.said.code,
            also=cause.said.also,
            facts=cause.said.facts,
            names=cause.names or kept.names,
            lat_deg=None if place is None else place.lat_deg,
            lng_deg=None if place is None else place.lng_deg,
            ways_out=cause.ways_out,
            ways=cause.ways,
            parties=tuple(sorted({*kept.parties, *cause.parties})),
            # Who has seen it has not seen that it is worse.
            seen_by=() if any(isinstance(each, Rose) for each in events) else kept.seen_by,
            happens=None if cause.in_s is None else now + timedelta(seconds=cause.in_s),
            heard_of=cause.heard_of,
        )
        return [*over, (kept, events)]

    async def raise_one(self, cause: Cause, now: datetime) -> Kept:
        """Take one cause that does not last: it is asked for this once."""
        async with self._one_at_a_time:
            *over, (kept, events) = self._asked(self._kept.get(cause.key), cause, now)
            return await self._changed(kept, events, now, over)

    async def join(self, key: AlarmKey, note: NoteID, said: Cause, now: datetime) -> Kept | None:
        """Take a note that says an alarm; return it if that changes anything.

        ``said`` is what the note says, shown where our own watch has found nothing.
        """
        async with self._one_at_a_time:
            kept = self._kept.get(key)
            if kept is None and said.heard_of and not self._has_room(said.heard_of):
                self.turned_away += 1
                return None
            alarm, events = rules.joined(
                None if kept is None else kept.alarm,
                key,
                note,
                said.level,
                now,
                rules=self.rules,
            )
            if not events:
                return None
            over = []
            if kept is None or kept.alarm.stage not in OPEN:
                over = [] if kept is None else [_forgotten(kept, now)]
                kept = Kept(
                    id=self._new_id(),
                    alarm=alarm,
                    sentence=said.sentence,
                    code=said.said.code,
                    also=said.said.also,
                    facts=said.said.facts,
                    heard_of=said.heard_of,
                )
            parties = tuple(sorted({*kept.parties, *said.parties}))
            kept = replace(kept, alarm=alarm, parties=parties)
            return await self._changed(kept, events, now, over)

    def _has_room(self, party: str) -> bool:
        heard = sum(kept.heard_of == party for kept in self._kept.values())
        return heard < HEARD_MAX and len(self._kept) < OPEN_MAX

    async def note_seen(
        self, key: AlarmKey, note: NoteID, party: str, now: datetime
    ) -> Kept | None:
        """Note that the other party's desk has acknowledged a note; return its alarm if that is
        new, and not one of another time.
        """
        async with self._one_at_a_time:
            kept = self._kept.get(key)
            if kept is None or note not in kept.alarm.notes or party in kept.seen_by:
                return None
            seen_by = tuple(sorted({*kept.seen_by, party}))
            return await self._changed(replace(kept, seen_by=seen_by), (), now)

    async def note_told(self, key: AlarmKey, party: str, level: Level, now: datetime) -> None:
        """Note that a party has been told of an alarm at a level: nothing that anybody sees."""
        async with self._one_at_a_time:
            kept = self._kept.get(key)
            if kept is not None:
                after = replace(kept, told={**kept.told, party: int(level)})
                row = _row(after, now)

                async def write(tx: Tx) -> None:
                    await WatchTables(tx).put_alarm(row)

                await self._events.store.write(write)
                self._kept[key] = after

    # ---- people

    async def acknowledge(self, named: str, by: str, now: datetime) -> Kept:
        """Say that an alarm was seen.

        Raises:
            NotFound: no such alarm in sight.
            WrongState: it is over.
        """
        return await self._done(named, now, lambda a: rules.acknowledge(a, by=by, now=now))

    async def suppress(
        self, named: str, by: str, until: datetime, reason: str, now: datetime
    ) -> Kept:
        """Keep an alarm silent for a time, at its present level and below.

        Raises:
            NotFound: no such alarm in sight.
            WrongState: it is over, or a warning.
            BadInput: no reason, or a time that is none.
        """
        return await self._done(
            named,
            now,
            lambda a: rules.suppress(
                a, by=by, until=until, reason=reason, now=now, rules=self.rules
            ),
        )

    async def mark_nuisance(self, named: str, by: str, now: datetime) -> Kept:
        """Say that an alarm was for nothing: for the count, it changes nothing else.

        Raises:
            NotFound: no such alarm.
        """
        return await self._done(named, now, lambda a: rules.mark_nuisance(a, by=by, now=now))

    async def _done(self, named: str, now: datetime, do: Callable[[Alarm], Outcome]) -> Kept:
        async with self._one_at_a_time:
            kept = await self.get(named)
            alarm, events = do(kept.alarm)
            return await self._changed(replace(kept, alarm=alarm), events, now)

    # ---- looking

    def in_sight(self) -> list[Kept]:
        """Return all alarms that are to be looked at, the most urgent first."""
        return sorted(self._kept.values(), key=_urgency)

    def levels(self) -> dict[str, Level]:
        """Return the highest level of the open alarms about each subject."""
        found: dict[str, Level] = {}
        for key, kept in self._kept.items():
            if kept.alarm.stage in OPEN:
                for subject in (key.one, key.other):
                    found[subject] = max(kept.alarm.level, found.get(subject, kept.alarm.level))
        return found

    def levels_open(self) -> list[Level]:
        """Return the level of each open alarm."""
        return [kept.alarm.level for kept in self._kept.values() if kept.alarm.stage in OPEN]

    def of(self, key: AlarmKey) -> Kept | None:
        """Return the alarm about something, if one is in sight."""
        return self._kept.get(key)

    async def get(self, named: str) -> Kept:
        """Return an alarm, in sight or from the history.

        Raises:
            NotFound: there is none of that id.
        """
        kept = _named(self._kept.values(), named) or _named(await self.history(LISTED_MAX), named)
        if kept is None:
            raise NotFound(
                f"no alarm {named[:20]!r}; tansiq alarm list --over 20 shows the latest that are "
                "over",
                field="id",
            )
        return kept

    async def history(self, most: int, since: datetime | None = None) -> list[Kept]:
        """Return alarms that are over, the latest first.

        Raises:
            TooLarge: more were asked for than are listed at once.
        """
        if most > LISTED_MAX:
            raise TooLarge(f"at most {LISTED_MAX} at once", field="last")
        since_us = 0 if since is None else micros(since)

        async def read(tx: Tx) -> list[AlarmRow]:
            return await WatchTables(tx).past_alarms(since=since_us, most=most)

        rows = await self._events.store.read(read)
        return [_DECODER.decode(row.document) for row in rows]

    def view(self, kept: Kept, now: datetime) -> AlarmView:
        """Return an alarm as people see it."""
        return alarm_view(kept, now)

    # ---- writing

    async def _changed(
        self,
        kept: Kept,
        events: tuple[AlarmEvent, ...],
        now: datetime,
        over: Sequence[_Changed] = (),
    ) -> Kept:
        await self._write([*over, (kept, events)], now)
        self._owed.pop(kept.id, None)
        key = kept.alarm.key
        if kept.in_sight:
            self._kept[key] = kept
        elif (known := self._kept.get(key)) is not None and known.id == kept.id:
            del self._kept[key]
        self._told([*over, (kept, events)])
        return kept

    async def _write(self, changed: Sequence[_Changed], now: datetime) -> None:
        if not changed:
            return
        rows = [
            (kept, _row(kept, now), _ENCODER.encode(self.view(kept, now)), _warns(events))
            for kept, events in changed
        ]

        async def write(tx: Tx) -> None:
            tables = WatchTables(tx)
            for kept, row, view, warns in rows:
                await tables.put_alarm(row)
                await self._events.append(tx, EVENT, kept.id, view, now)
                if warns:
                    await self._events.append(tx, WARNING_EVENT, kept.id, view, now)
            if any(not row.open for _, row, _, _ in rows):
                before = micros(now - HISTORY_KEPT)
                await tables.drop_past(before=before, kept=HISTORY_MAX)

        await self._events.store.write(write)

    def _told(self, changed: Sequence[_Changed]) -> None:
        for kept, events in changed:
            for event in events:
                self._count(kept, event)
        if changed:
            self.on_change([kept for kept, _ in changed])

    def _count(self, kept: Kept, event: AlarmEvent) -> None:
        if event.time.date() != self._day:
            self._day = event.time.date()
            self.raised_today.clear()
            self.nuisances_today = 0
        if isinstance(event, Raised):
            self.raised_today[kept.alarm.key.kind.value] += 1
        self.nuisances_today += isinstance(event, MarkedNuisance)


def _forgotten(kept: Kept, now: datetime) -> _Changed:
    alarm, events = rules.forget(kept.alarm, now)
    return replace(kept, alarm=alarm), events


def _warns(events: Iterable[AlarmEvent]) -> bool:
    """Report whether an alarm has come to be a warning by these."""
    return any(isinstance(e, Raised | Rose) and e.level is Level.WARNING for e in events)


def _named(among: Iterable[Kept], named: str) -> Kept | None:
    among = list(among)
    found = [k for k in among if k.is_called(named)] or [k for k in among if k.may_be(named)]
    if len(found) > 1:
        raise NotFound(f"{named[:20]!r}: several alarms begin so; write more of it", field="id")
    return found[0] if found else None


def _most_urgent(causes: Iterable[Cause]) -> dict[AlarmKey, Cause]:
    """Return one cause for each key, the most urgent first; ours goes before another party's word,
    at the higher level of the two.
    """
    found: dict[AlarmKey, Cause] = {}
    for cause in causes:
        before = found.get(cause.key)
        if before is None:
            found[cause.key] = cause
            continue
        level = max(cause.level, before.level)
        ours = bool(before.heard_of) > bool(cause.heard_of)
        worse = bool(before.heard_of) == bool(cause.heard_of) and cause.level > before.level
        found[cause.key] = replace(cause if ours or worse else before, level=level)
    return dict(sorted(found.items(), key=lambda each: (-each[1].level, each[0])))


def _urgency(kept: Kept) -> tuple[bool, int, datetime, str]:
    alarm = kept.alarm
    return alarm.stage not in OPEN, -alarm.level, alarm.raised, kept.id


def _row(kept: Kept, now: datetime) -> AlarmRow:
    return AlarmRow(
        id=kept.id, open=kept.in_sight, changed=micros(now), document=_ENCODER.encode(kept)
    )
