"""The line itself: its state, comm checks, stop and all-clear, calls, coded messages, the watch.

A stop needs nobody: it is written, recorded and sent to every party in one commit, on a lane of its
own, and stands until who said it takes it back.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import msgspec

from tansiq.domain.actor import Actor
from tansiq.domain.draft import PlanDraft
from tansiq.domain.line import Stance, stopped
from tansiq.domain.note import Kind, Mode, write_instant
from tansiq.domain.phrase import is_speech
from tansiq.domain.thread import Stage
from tansiq.domain.time import from_micros, micros, parse_rfc3339, zulu
from tansiq.errors import BadInput, WrongState
from tansiq.f3548.convert import volumes_to_wire
from tansiq.formats.altitude import to_document
from tansiq.formats.payload import (
    OPEN_ITEMS_MAX,
    OpenItem,
    Payload,
    Person,
    read_payload,
)
from tansiq.services.line.pen import Draft
from tansiq.services.line.speaking import NO_WORDS, Speaking, Words, check_to_come, mode_of, person
from tansiq.services.line.views import OpenItemView, WatchView
from tansiq.services.planning.site import Site
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.store import Tx

_MINUTE_US: Final = 60_000_000
_AHEAD_MAX: Final = timedelta(minutes=1)
"""How far ahead of the node's clock somebody's watch may be."""


class Talk:
    """What a desk does with the line."""

    def __init__(
        self,
        site: Site,
        speaking: Speaking,
        *,
        check_code: Callable[[str, Mapping[str, str | int]], None],
    ) -> None:
        self._site = site
        self._me = site.party
        self._speaking = speaking
        self._check_code = check_code

    # ---- the line's state

    async def set_line(
        self, to: Sequence[str], state: str, actor: Actor, words: Words = NO_WORDS
    ) -> list[NoteRow]:
        """Say what our side of the line is: open, degraded, exercise, suspended or closed.

        Raises:
            BadInput: no such state.
        """
        try:
            stance = Stance(state)
        except ValueError as error:
            raise BadInput(
                f"{state[:40]!r} is none of {', '.join(Stance)}", field="state"
            ) from error
        payload = Payload(by=person(actor), text=words.text, language=words.language)
        return await self._speaking.say(
            *(
                Draft(kind=Kind.LINE, to=party, payload=payload, own={"state": stance})
                for party in self._speaking.others(to)
            )
        )

    # ---- comm checks

    async def check(self, to: Sequence[str], actor: Actor, *, exercise: bool) -> list[NoteRow]:
        """Ask whether a person is there."""
        draft_of = _for_each(Kind.CHECK, Payload(by=person(actor)), mode_of(exercise=exercise))
        return await self._speaking.say(*map(draft_of, self._speaking.others(to)))

    async def reply(self, named: str, actor: Actor) -> NoteRow:
        """Answer a comm check, as a person.

        Raises:
            NotFound: no such check.
            WrongState: it is our own, or was answered already.
        """
        thread = await self._speaking.thread(named, Kind.CHECK)
        if thread.opener == self._me:
            raise WrongState("it is our own check; the other side answers it", field="id")
        if thread.stage is Stage.REPLIED:
            raise WrongState("it was answered already", field="id")
        draft = Draft(
            kind=Kind.CHECK_REPLY,
            to=thread.opener,
            payload=Payload(by=person(actor)),
            re=thread.id,
            mode=thread.mode,
        )
        return (await self._speaking.say(draft))[0]

    # ---- stop and all-clear

    async def stop(
        self,
        to: Sequence[str],
        actor: Actor,
        area: PlanDraft | None = None,
        *,
        exercise: bool = False,
        words: Words = NO_WORDS,
    ) -> list[NoteRow]:
        """Stop a block of air, or all of it: to every party, unless some are named."""
        payload = Payload(by=person(actor), text=words.text, language=words.language)
        if area is not None:
            check_to_come(area, self._site.clock.now())
            payload = msgspec.structs.replace(
                payload,
                volumes=volumes_to_wire(area.volumes),
                stated=tuple(to_document(band) for band in area.stated),
            )
        draft_of = _for_each(Kind.STOP, payload, mode_of(exercise=exercise))
        return await self._speaking.say(*map(draft_of, self._speaking.others(to)))

    async def all_clear(
        self, named: str | None, actor: Actor, words: Words = NO_WORDS
    ) -> list[NoteRow]:
        """Take a stop of ours back, or all of them if none is named.

        Raises:
            NotFound: no such stop.
            WrongState: none of ours is in force.
        """
        await self._speaking.board.catch_up()
        if named is None:
            found = [
                each
                for each in stopped(self._speaking.board.threads.values())
                if each.opener == self._me
            ]
        else:
            found = [await self._speaking.thread(named, Kind.STOP)]
        if not found or any(each.opener != self._me for each in found):
            raise WrongState("no stop of ours is in force; who stopped gives the all-clear")
        if any(each.stage is Stage.CLEARED for each in found):
            raise WrongState("it was cleared already", field="id")
        now = micros(self._site.clock.now())
        return await self._speaking.say(
            *(
                Draft(
                    kind=Kind.ALL_CLEAR,
                    to=each.other,
                    payload=Payload(
                        by=person(actor),
                        text=words.text,
                        language=words.language,
                        # At least a minute, so that what was lost is never shown as nothing.
                        minutes_lost=max(1, -((each.rungs[0][1].time - now) // _MINUTE_US)),
                    ),
                    re=each.id,
                    mode=each.mode,
                )
                for each in found
            )
        )

    # ---- what is said

    async def call(self, to: str, actor: Actor, words: Words, *, at: str | None = None) -> NoteRow:
        """Log a voice call, and ask the other side whether the gist is right.

        Raises:
            BadInput: no gist, or a time that is none.
        """
        now = self._site.clock.now()
        moment = now if at is None else parse_rfc3339(at, "at")
        if moment - now > _AHEAD_MAX:
            raise BadInput(f"{zulu(moment)} lies ahead; write when the call was held", field="at")
        draft = Draft(
            kind=Kind.CALL,
            to=to,
            payload=Payload(by=person(actor), text=words.text, language=words.language),
            own={"at": write_instant(moment)},
        )
        return (await self._speaking.say(draft))[0]

    async def say(
        self,
        to: Sequence[str],
        code: str,
        parameters: dict[str, str | int],
        actor: Actor,
        *,
        exercise: bool = False,
    ) -> list[NoteRow]:
        """Say a coded message, which each side reads in its own language.

        Raises:
            BadInput: no such code, or parameters that are not its own.
        """
        self._check_code(code, parameters)
        if not is_speech(code):
            # Who reads "ALL CLEAR, from north" must be able to rely on it.
            raise BadInput(
                f"{code} states what happened, and is not for saying; `tansiq phrases say` lists "
                "what is",
                field="code",
            )
        payload = Payload(by=person(actor), parameters=dict(parameters) or None)
        draft_of = _for_each(Kind.SAY, payload, mode_of(exercise=exercise), code=code)
        return await self._speaking.say(*map(draft_of, self._speaking.others(to)))

    async def incident(
        self, to: Sequence[str], start: str, end: str, actor: Actor, words: Words
    ) -> list[NoteRow]:
        """Open an incident over a window of time; the other side owes a review."""
        own = {
            "start": write_instant(parse_rfc3339(start, "start")),
            "end": write_instant(parse_rfc3339(end, "end", round_up=True)),
        }
        payload = Payload(by=person(actor), text=words.text, language=words.language)
        draft_of = _for_each(Kind.INCIDENT, payload, Mode.LIVE, **own)
        return await self._speaking.say(*map(draft_of, self._speaking.others(to)))

    async def review(self, named: str, actor: Actor, words: Words) -> NoteRow:
        """Answer an incident.

        Raises:
            NotFound: no such incident.
            WrongState: it is our own.
        """
        thread = await self._speaking.thread(named, Kind.INCIDENT)
        if thread.opener == self._me:
            raise WrongState("it is our own; the other side reviews it", field="id")
        draft = Draft(
            kind=Kind.REVIEW,
            to=thread.opener,
            payload=Payload(by=person(actor), text=words.text, language=words.language),
            re=thread.id,
        )
        return (await self._speaking.say(draft))[0]

    # ---- the watch

    async def take_watch(self, actor: Actor, desk: str = "", text: str = "") -> WatchView:
        """Take the watch of our desk, with a sheet of everything that is open."""
        self._check_desk(desk)
        before = await self.watch()
        relieved = (
            None
            if before.name is None or before.initials is None
            else Person(name=before.name, initials=before.initials)
        )
        board = self._speaking.board
        items = [
            OpenItem(
                thread=each.id, kind=each.kind, party=self._speaking.other(each), stage=each.stage
            )
            for each in board.threads.values()
            if each.open and not board.superseded(each)
        ]
        if len(items) > OPEN_ITEMS_MAX:
            text = f"{len(items)} open items, the first {OPEN_ITEMS_MAX} listed. {text}".strip()
        payload = Payload(
            by=person(actor, desk),
            relieved=relieved,
            open_items=tuple(items[:OPEN_ITEMS_MAX]),
            text=text,
        )
        await self._speaking.say(Draft(kind=Kind.HANDOVER, to=self._me, payload=payload))
        return await self.watch()

    def _check_desk(self, desk: str) -> None:
        party = self._site.agreement.party(self._me)
        posts = () if party is None else tuple(post.id for post in party.posts)
        if desk and desk not in posts:
            raise BadInput(
                f"{desk[:40]!r} is no desk of ours in the agreement; there is: {', '.join(posts)}",
                field="desk",
            )

    async def watch(self) -> WatchView:
        """Return who sits at our desk."""
        await self._speaking.board.catch_up()
        row = self._speaking.board.watch
        if row is None:
            return WatchView(name=None, initials=None, since=None)

        async def read(tx: Tx) -> bytes | None:
            return (await NoteStore(tx).payload(row.id))[1]

        data = await self._speaking.read(read)
        payload = None if data is None else read_payload(Kind.HANDOVER, data)
        by = None if payload is None else payload.by
        return WatchView(
            name=None if by is None else by.name,
            initials=None if by is None else by.initials,
            since=zulu(from_micros(row.written)),
            relieved=(
                None if payload is None or payload.relieved is None else payload.relieved.name
            ),
            open_items=0 if payload is None else len(payload.open_items),
            sheet=row.id,
            desk="" if by is None else by.desk,
            text="" if payload is None else payload.text,
            items=() if payload is None else tuple(map(_item, payload.open_items)),
        )


def _item(item: OpenItem) -> OpenItemView:
    return OpenItemView(thread=item.thread, kind=item.kind, party=item.party, stage=item.stage)


def _for_each(kind: Kind, payload: Payload, mode: Mode, **own: str) -> Callable[[str], Draft]:
    def draft(to: str) -> Draft:
        return Draft(kind=kind, to=to, payload=payload, own=own, mode=mode)

    return draft
