"""Alarms as notes: told to those whom they concern, heard from them, acknowledged at both ends.

What both nodes find is one alarm: it names its kind and its two subjects, and is known by the
smallest of the notes that say it. Advisories stay at home. A line that lets nothing pass is tried
again, and the alarm shows who has not been told.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from tansiq.domain.actor import Actor
from tansiq.domain.alarm import OPEN
from tansiq.domain.alarm_key import AlarmKey, AlarmKind, Level, Subject
from tansiq.domain.note import Kind, Mode, NoteID
from tansiq.domain.thread import Stage
from tansiq.domain.time import from_micros
from tansiq.errors import BadInput, StoreError, TansiqError
from tansiq.formats.payload import TEXT_CHARS_MAX, Payload, read_payload
from tansiq.formats.phrase_book import FALLBACK
from tansiq.services.line.pen import Draft
from tansiq.services.line.speaking import Speaking, person
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.kept import TOLD_FROM, Cause, Kept
from tansiq.storage.notes import NoteStore
from tansiq.storage.store import Tx

_log = logging.getLogger(__name__)

HEARD_FOR: Final = timedelta(hours=1)
"""Older notes that say an alarm raise none: what was so then is seen by our own watch, or over."""
HEARD_AS: Final = {
    AlarmKind.SEPARATION_LOST: Level.WARNING,
    AlarmKind.NO_GO_ENTERED: Level.WARNING,
    AlarmKind.DRONE_SIGHTING: Level.WARNING,
}
"""The level of an alarm that another party has found; its note does not say one. Else a caution."""
AGAIN: Final = timedelta(seconds=10)
"""Pause after a line has let an alarm not pass."""


class AlarmNotes:
    """Carries alarms over the lines of one node."""

    def __init__(self, speaking: Speaking, alarms: Alarms, *, me: str) -> None:
        self._speaking = speaking
        self._alarms = alarms
        self._me = me
        self._open: dict[NoteID, AlarmKey] = {}
        """Conversations about alarms that nobody has acknowledged, as far as we know."""
        self._not_before: dict[str, datetime] = {}

    async def exchange(self, now: datetime) -> None:
        """Take in what others say of alarms, and tell them of ours."""
        await self._hear(now)
        for kept in self._alarms.in_sight():
            # Also of one that our own desk has seen already: theirs has not.
            if kept.alarm.stage in OPEN and kept.alarm.level >= TOLD_FROM and not kept.heard_of:
                for party in kept.parties:
                    await self._tell(kept, party, now)

    async def _tell(self, kept: Kept, party: str, now: datetime) -> None:
        level = kept.alarm.level
        if party not in self._speaking.board.lines or kept.told.get(party, 0) >= level:
            return
        if now < self._not_before.get(party, now):
            return
        key = kept.alarm.key
        draft = Draft(
            kind=Kind.ALARM,
            to=party,
            payload=Payload(text=kept.sentence[:TEXT_CHARS_MAX], language=FALLBACK),
            own={"alarm": key.kind.value, "one": key.one, "other": key.other},
        )
        try:
            (row,) = await self._speaking.say(draft)
        except StoreError:
            raise
        except TansiqError as error:
            self._not_before[party] = now + AGAIN
            _log.warning("%s is not told of the alarm %s: %s", party, kept.name[:10], error)
            return
        self._open[row.id] = key
        await self._alarms.note_told(key, party, level, now)
        await self._alarms.join(key, row.id, Cause(key=key, level=level, sentence=""), now)

    async def _hear(self, now: datetime) -> None:
        board = self._speaking.board
        await board.catch_up()
        for thread in board.open_threads():
            if thread.kind is not Kind.ALARM or thread.mode is not Mode.LIVE:
                continue
            key = _key(board.facts[thread.id])
            if key is None or thread.id in self._open:
                continue
            self._open[thread.id] = key
            if thread.opener != self._me and _fresh(board.arrived.get(thread.id), now):
                await self._join(thread.id, thread.opener, key, now)
        for note, key in list(self._open.items()):
            thread_now = board.threads.get(note)
            if thread_now is None or thread_now.open:
                continue
            del self._open[note]
            if thread_now.stage is Stage.ACKNOWLEDGED and thread_now.last.by != self._me:
                await self._alarms.note_seen(key, thread_now.last.by, now)

    async def _join(self, note: NoteID, party: str, key: AlarmKey, now: datetime) -> None:
        async def read(tx: Tx) -> bytes | None:
            return (await NoteStore(tx).payload(note))[1]

        payload = await self._speaking.read(read)
        words = "" if payload is None else read_payload(Kind.ALARM, payload).text
        said = Cause(
            key=key,
            level=HEARD_AS.get(key.kind, TOLD_FROM),
            sentence=f"{party}: {words or key.kind.value.replace('-', ' ')}",
            parties=(party,),
            heard_of=party,
        )
        await self._alarms.join(key, note, said, now)

    async def acknowledged(self, kept: Kept, actor: Actor) -> None:
        """Say to all whom an alarm concerns that our desk has seen it."""
        await self._hear(self._speaking.now())
        for note, key in list(self._open.items()):
            thread = self._speaking.board.threads.get(note)
            if key != kept.alarm.key or thread is None or not thread.open:
                continue
            draft = Draft(
                kind=Kind.ALARM_ACK,
                to=self._speaking.other(thread),
                payload=Payload(by=person(actor)),
                re=note,
            )
            try:
                await self._speaking.say(draft)
            except StoreError:
                raise
            except TansiqError as error:
                _log.warning("that %s was seen is not told: %s", kept.name[:10], error)
            else:
                del self._open[note]


def _fresh(arrived: int | None, now: datetime) -> bool:
    return arrived is None or now - from_micros(arrived) <= HEARD_FOR


def _key(facts: dict[str, str]) -> AlarmKey | None:
    """Return what a note's alarm is about; None: of a kind, or of subjects, that we do not know."""
    try:
        return AlarmKey(AlarmKind(facts["alarm"]), Subject(facts["one"]), Subject(facts["other"]))
    except (ValueError, BadInput):
        return None
