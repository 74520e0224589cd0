"""Alarms as notes: told to those whom they concern, heard from them, acknowledged at both ends.

What both nodes find is one alarm: it names its kind and its two subjects, and is known by the
smallest of the notes that say it. Advisories stay at home. A line that lets nothing pass is tried
again, and the alarm shows who has not been told. A note says neither a level nor an end: what
another party alone has found stands for a stated time after its note came.
"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from tansiq.domain.actor import Actor
from tansiq.domain.alarm import OPEN
from tansiq.domain.alarm_key import AlarmKey, AlarmKind, Level, Subject
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Stage, Thread
from tansiq.domain.time import from_micros
from tansiq.errors import BadInput, StoreError, TansiqError
from tansiq.formats import alarm_facts
from tansiq.formats.alarm_words import in_words
from tansiq.formats.payload import TEXT_CHARS_MAX, Payload, read_payload
from tansiq.formats.phrase_book import FALLBACK
from tansiq.services.line.pen import Draft
from tansiq.services.line.speaking import Speaking, person
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.kept import TOLD_FROM, Cause, Kept
from tansiq.storage.notes import NoteStore
from tansiq.storage.store import Tx

_log = logging.getLogger(__name__)

HEARD_FOR: Final = timedelta(minutes=5)
"""So long after it came a note asks for its alarm, unless our own watch finds the same; what comes
to be known later than that, as after a start, raises none.
"""
HEARD_AS: Final = {
    AlarmKind.SEPARATION_LOST: Level.WARNING,
    AlarmKind.NO_GO_ENTERED: Level.WARNING,
    AlarmKind.DRONE_SIGHTING: Level.WARNING,
}
"""The level of an alarm that another party has found; its note does not say one. Else a caution."""
AGAIN: Final = timedelta(seconds=10)
"""Pause after an alarm could not be told to a party."""
AT_ONCE: Final = 20
"""Notes written, and notes taken in, at one look: some 10 ms each. The rest comes at the next."""


class AlarmNotes:
    """Carries alarms over the lines of one node."""

    def __init__(self, speaking: Speaking, alarms: Alarms, *, me: str) -> None:
        self._speaking = speaking
        self._alarms = alarms
        self._me = me
        self._one_at_a_time = asyncio.Lock()
        """A desk acknowledges while the watch hears."""
        self._open: dict[NoteID, AlarmKey] = {}
        """Conversations about alarms that nobody has acknowledged, as far as we know."""
        self._heard: dict[AlarmKey, tuple[Cause, datetime]] = {}
        """What other parties say, and until when it counts."""
        self._said: dict[tuple[str, str], tuple[Level, NoteID]] = {}
        """Notes, by alarm and party, of which the store does not know yet that they were said."""
        self._desk: dict[AlarmKey, Actor] = {}
        """Who at our desk has acknowledged what."""
        self._not_before: dict[tuple[AlarmKey, str], datetime] = {}

    def causes(self, now: datetime) -> Iterator[Cause]:
        """Yield what others alone have found: until it is old, or our own watch finds it too."""
        for key, (cause, until) in list(self._heard.items()):
            kept = self._alarms.of(key)
            if kept is None or not kept.heard_of or now >= until:
                del self._heard[key]
            else:
                yield cause

    async def exchange(self, now: datetime) -> None:
        """Take in what others say of alarms, and tell them of ours."""
        async with self._one_at_a_time:
            await self._hear(now, AT_ONCE)
            await self._answer(now)
            in_sight = self._alarms.in_sight()
            self._forget({kept.id for kept in in_sight}, now)
            left = AT_ONCE
            for kept in in_sight:
                # Also of one that our own desk has seen already: theirs has not.
                if kept.alarm.stage in OPEN and kept.alarm.level >= TOLD_FROM and not kept.heard_of:
                    for party in kept.parties:
                        if left > 0:
                            left -= await self._tell(kept, party, now)

    def _forget(self, in_sight: set[str], now: datetime) -> None:
        self._not_before = {each: at for each, at in self._not_before.items() if at > now}
        self._said = {each: said for each, said in self._said.items() if each[0] in in_sight}
        spoken_of = set(self._open.values())
        for key in [key for key in self._desk if key not in spoken_of]:
            if self._alarms.of(key) is None:
                del self._desk[key]

    async def _tell(self, kept: Kept, party: str, now: datetime) -> bool:
        """Tell a party of an alarm; report whether that was tried."""
        key, level, mark = kept.alarm.key, kept.alarm.level, (kept.id, party)
        if kept.told.get(party, 0) >= level or party not in self._speaking.board.lines:
            return False
        if now < self._not_before.get((key, party), now):
            return False
        said, note = self._said.get(mark, (None, None))
        if said is None or note is None or said < level:
            draft = Draft(
                kind=Kind.ALARM,
                to=party,
                payload=Payload(text=kept.sentence[:TEXT_CHARS_MAX], language=FALLBACK),
                own={"alarm": key.kind.value, "one": key.one, "other": key.other},
            )
            row = await self._say(draft, key, now)
            if row is None:
                return True
            self._said[mark] = said, note = level, row
        # What the store has not taken is tried again; the note is not said again.
        self._open[note] = key
        await self._alarms.note_told(key, party, said, now)
        await self._alarms.join(key, note, Cause(key=key, level=said, sentence=""), now)
        del self._said[mark]
        return True

    async def _say(self, draft: Draft, key: AlarmKey, now: datetime) -> NoteID | None:
        """Say one note; None: it could not be said now."""
        try:
            (row,) = await self._speaking.say(draft)
        except StoreError:
            raise
        except TansiqError as error:
            self._not_before[key, draft.to] = now + AGAIN
            _log.warning("%s is not told of %s %s: %s", draft.to, draft.kind, key.kind, error)
            return None
        return row.id

    async def _hear(self, now: datetime, most: int) -> None:
        board = self._speaking.board
        await board.catch_up()
        for thread in board.open_threads():
            if thread.kind is not Kind.ALARM or thread.mode is not Mode.LIVE:
                continue
            if thread.id in self._open or (key := _key(board.facts[thread.id])) is None:
                continue
            if thread.opener != self._me:
                arrived = board.arrived.get(thread.id)
                until = (now if arrived is None else from_micros(arrived)) + HEARD_FOR
                if now < until:
                    if most <= 0:
                        continue
                    most -= 1
                    await self._join(thread.id, thread.opener, key, now, until)
            self._open[thread.id] = key
        for note, key in list(self._open.items()):
            thread_now = board.threads.get(note)
            if thread_now is None or thread_now.open:
                continue
            if thread_now.stage is Stage.ACKNOWLEDGED and thread_now.last.by != self._me:
                await self._alarms.note_seen(key, note, thread_now.last.by, now)
            del self._open[note]

    async def _join(
        self, note: NoteID, party: str, key: AlarmKey, now: datetime, until: datetime
    ) -> None:
        async def read(tx: Tx) -> bytes | None:
            return (await NoteStore(tx).payload(note))[1]

        payload = await self._speaking.read(read)
        words = "" if payload is None else read_payload(Kind.ALARM, payload).text
        heard = alarm_facts.heard(party, words, key.kind.value)
        said = Cause(
            key=key,
            level=HEARD_AS.get(key.kind, TOLD_FROM),
            sentence=in_words(heard),
            said=heard,
            parties=(party,),
            heard_of=party,
        )
        await self._alarms.join(key, note, said, now)
        if self._alarms.of(key) is not None:
            self._heard[key] = (said, until)

    async def acknowledged(self, kept: Kept, actor: Actor) -> None:
        """Say to whoever told us of an alarm that our desk has seen it.

        On the conversations that others opened: those of our own are for them to acknowledge.
        """
        async with self._one_at_a_time:
            now = self._speaking.now()
            self._desk[kept.alarm.key] = actor
            await self._hear(now, AT_ONCE)
            await self._answer(now)

    async def _answer(self, now: datetime) -> None:
        """Say what our desk has seen, on each conversation where that has not been said."""
        for note, key in list(self._open.items()) if self._desk else ():
            thread, actor = self._speaking.board.threads.get(note), self._seen(key)
            if thread is None or actor is None or not self._is_asked(thread):
                continue
            if now < self._not_before.get((key, thread.opener), now):
                continue
            draft = Draft(
                kind=Kind.ALARM_ACK,
                to=thread.opener,
                payload=Payload(by=person(actor)),
                re=note,
            )
            if await self._say(draft, key, now) is not None:
                del self._open[note]

    def _is_asked(self, thread: Thread) -> bool:
        return thread.open and thread.opener != self._me

    def _seen(self, key: AlarmKey) -> Actor | None:
        """Return who at our desk has seen an alarm as it is now; None: nobody."""
        kept = self._alarms.of(key)
        if kept is not None:
            seen = kept.alarm.acknowledged
            if seen is None or seen.level < kept.alarm.level:
                return None
        return self._desk.get(key)


def _key(facts: dict[str, str]) -> AlarmKey | None:
    """Return what a note's alarm is about; None: of a kind, or of subjects, that we do not know."""
    try:
        return AlarmKey(AlarmKind(facts["alarm"]), Subject(facts["one"]), Subject(facts["other"]))
    except (ValueError, BadInput):
        return None
