"""Notices: given, seen, read back, answered, countered, agreed, withdrawn.

Nothing here decides for anybody: a plan moves when its own party's person says so, and silence
changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

import msgspec

from tansiq.domain.actor import Actor
from tansiq.domain.draft import PlanDraft
from tansiq.domain.note import Kind, Mode, NoteID, write_instant
from tansiq.domain.pact import Rung
from tansiq.domain.readback import differences
from tansiq.domain.thread import Stage, Thread
from tansiq.domain.time import parse_rfc3339
from tansiq.domain.volume import time_bounds
from tansiq.engine.sideways import Aside, moved_aside
from tansiq.errors import BadInput, NotFound, WrongState
from tansiq.f3548 import codec, wire
from tansiq.f3548.convert import volumes_to_domain, volumes_to_wire
from tansiq.formats.altitude import to_document
from tansiq.formats.payload import Move, Payload, Repeated, read_payload, told_of
from tansiq.services.facade import Constraints, Planning
from tansiq.services.line.pen import Draft
from tansiq.services.line.speaking import NO_WORDS, Speaking, Words, check_to_come, mode_of, person
from tansiq.services.views import ConstraintView, PlanView
from tansiq.storage.notes import NoteRow, NoteStore
from tansiq.storage.store import Tx

MOVE_WAIT_S: Final = 10.0
"""How long a plan may take to move before nothing is signed for it."""


class _Volumes(msgspec.Struct, frozen=True):
    volumes: tuple[wire.Volume4D, ...]


class Notices:
    """What a desk does with notices."""

    def __init__(
        self, speaking: Speaking, *, plans: Planning, constraints: Constraints, me: str
    ) -> None:
        self._speaking = speaking
        self._plans = plans
        self._constraints = constraints
        self._me = me

    # ---- given

    async def give(
        self, plan_id: str, to: Sequence[str], actor: Actor, *, text: str = "", language: str = ""
    ) -> list[NoteRow]:
        """Tell parties of a plan or no-go area of ours; all others, if none is named.

        Raises:
            NotFound: no such plan or no-go area.
            WrongState: it has ended, or the line lets no notice pass.
        """
        subject, payload = await self._subject(plan_id)
        payload = msgspec.structs.replace(payload, by=person(actor), text=text, language=language)
        start, end = _span(payload)
        drafts = [
            Draft(
                kind=Kind.NOTICE,
                to=party,
                payload=payload,
                own={
                    "subject": subject,
                    "id": plan_id,
                    "version": str(self._version(party, plan_id)),
                    "start": write_instant(start),
                    "end": write_instant(end),
                },
            )
            for party in self._speaking.others(to)
        ]
        return await self._speaking.say(*drafts)

    async def give_area(
        self,
        draft: PlanDraft,
        to: Sequence[str],
        actor: Actor,
        *,
        exercise: bool = False,
        words: Words = NO_WORDS,
    ) -> list[NoteRow]:
        """Tell parties of volumes that are no plan here: an obstacle, a crane, practice."""
        check_to_come(draft, self._speaking.now())
        span = time_bounds(draft.volumes)
        payload = Payload(
            by=person(actor),
            callsign=draft.callsign or "",
            volumes=volumes_to_wire(draft.volumes),
            stated=tuple(to_document(band) for band in draft.stated),
            text=words.text,
            language=words.language,
        )
        own = {
            "subject": "keep-out",
            "id": draft.id or str(uuid4()),
            "version": "1",
            "start": write_instant(span.start),
            "end": write_instant(span.end),
        }
        mode = mode_of(exercise=exercise)
        return await self._speaking.say(
            *(
                Draft(kind=Kind.NOTICE, to=party, payload=payload, own=own, mode=mode)
                for party in self._speaking.others(to)
            )
        )

    async def _subject(self, plan_id: str) -> tuple[str, Payload]:
        try:
            plan = await self._plans.plan(plan_id)
        except NotFound:
            area = await self._constraints.get(plan_id)
            if area.status == "ended":
                raise WrongState(f"no-go area {plan_id} has ended", field="id") from None
            return "no-go", _of_area(area)
        if plan.status == "ended":
            raise WrongState(f"plan {plan_id} has ended", field="id")
        return "plan", _of_plan(plan)

    def _version(self, party: str, subject: str) -> int:
        board = self._speaking.board
        last = board.latest.get((self._me, party, subject))
        return 1 if last is None else int(board.facts[last]["version"]) + 1

    async def withdraw(
        self, named: str, actor: Actor, *, text: str = "", language: str = ""
    ) -> NoteRow:
        """Take a notice back.

        Raises:
            NotFound: no such notice.
            WrongState: it is not ours, or was taken back already.
        """
        thread = await self._speaking.thread(named, Kind.NOTICE)
        self._ours(thread)
        payload = Payload(by=person(actor), text=text, language=language)
        return await self._answer(thread, Kind.WITHDRAW, payload)

    # ---- received

    async def seen(self, named: str, actor: Actor) -> NoteRow:
        """Say that a person on watch has seen it.

        Raises:
            NotFound: no such conversation.
            WrongState: it is our own.
        """
        thread = await self._speaking.thread(named)
        self._theirs(thread)
        return await self._answer(thread, Kind.SEEN, Payload(by=person(actor)))

    async def readback(self, named: str, repeated: Repeated, actor: Actor) -> NoteRow:
        """Say back what a notice was understood to say; it is held against the notice.

        Raises:
            NotFound: no such notice.
            BadInput: what was said back is no place, level or time.
            WrongState: it differs from the notice; the sentence names in what.
        """
        thread = await self._speaking.thread(named, Kind.NOTICE)
        self._theirs(thread)
        notice = await self._speaking.read(lambda tx: NoteStore(tx).payload(thread.id))
        if notice[1] is None:
            raise WrongState("its volumes are not here any more", field="id")
        wrong = differences(repeated.value(), told_of(read_payload(Kind.NOTICE, notice[1])))
        if wrong:
            raise WrongState(
                f"differs from the notice in: {', '.join(wrong)}. Have it said again, and look at "
                "what the node shows of it",
                field="readback",
            )
        payload = Payload(by=person(actor), readback=repeated)
        return await self._answer(thread, Kind.READBACK, payload)

    async def answer(
        self,
        named: str,
        word: str,
        actor: Actor,
        words: Words = NO_WORDS,
        *,
        minutes: int | None = None,
    ) -> NoteRow:
        """Answer a notice: ``noted``, ``no-conflict``, ``unable`` or ``need-time``.

        Raises:
            NotFound: no such notice.
            BadInput: no such word.
            WrongState: it is our own, or ``no-conflict`` without having read back.
        """
        thread = await self._speaking.thread(named, Kind.NOTICE)
        if word not in _WORDS:
            raise BadInput(f"{word[:40]!r} is none of {', '.join(_WORDS)}", field="word")
        if thread.opener == self._me:
            if word != "unable" or thread.stage is not Stage.COUNTERED:
                raise WrongState("our own notice is answered by the other side", field="id")
        elif word == "no-conflict" and thread.step(Rung.READ_BACK) is None:
            raise WrongState(
                "read it back first: no conflict is said of what was understood", field="word"
            )
        if minutes is not None and word != "need-time":
            raise BadInput("goes with need-time only", field="minutes")
        payload = Payload(
            by=person(actor), text=words.text, language=words.language, minutes=minutes
        )
        return await self._answer(thread, Kind.ANSWER, payload, word=word)

    async def counter(
        self, named: str, shift: Move, actor: Actor, *, mine: bool, words: Words = NO_WORDS
    ) -> NoteRow:
        """Propose that their plan moves, or that ours does.

        Raises:
            NotFound: no such notice.
            BadInput: a move that moves nothing.
            WrongState: it is decided already.
        """
        thread = await self._speaking.thread(named, Kind.NOTICE)
        if shift == Move():
            raise BadInput("a proposal moves something: later, higher or aside", field="shift")
        payload = Payload(by=person(actor), shift=shift, text=words.text, language=words.language)
        return await self._answer(thread, Kind.COUNTER, payload, moves="mine" if mine else "yours")

    async def accept(self, named: str, actor: Actor, *, plan: str = "") -> NoteRow:
        """Accept the proposal that stands: our plan moves now if it is ours that moves.

        Writes the outcome with our signature; it is settled once the other side has confirmed it.
        ``plan`` is which of ours moves, where the notice is of theirs.

        Raises:
            NotFound: no such notice or plan.
            WrongState: there is no proposal of theirs to accept, or the plan cannot move so.
        """
        thread = await self._speaking.thread(named, Kind.NOTICE)
        proposal = await self._proposal(thread)
        if thread.stage is Stage.OUTCOME:
            raise WrongState(
                "it was accepted already; who proposed it confirms: tansiq notice confirm",
                field="id",
            )
        if proposal is None or proposal[0].sender == self._me:
            raise WrongState("there is no proposal of the other side to accept", field="id")
        row, shift = proposal
        moves = row.sender if row.facts()["moves"] == "mine" else self._me
        facts = self._speaking.board.facts[thread.id]
        draft = Draft(
            kind=Kind.OUTCOME,
            to=self._speaking.other(thread),
            payload=Payload(by=person(actor), shift=shift),
            own={
                "moves": moves,
                "id": plan if plan and self._me == moves != thread.opener else facts["id"],
                "version": facts["version"],
            },
            re=row.id,
            mode=thread.mode,
        )
        self._current(thread, Kind.OUTCOME)
        self._speaking.check(draft)  # Before anything moves.
        if moves == self._me:
            await self._move(thread, shift, plan)
        return (await self._speaking.say(draft))[0]

    async def confirm(
        self,
        named: str,
        actor: Actor,
        *,
        agreed: bool,
        words: Words = NO_WORDS,
        plan: str = "",
    ) -> NoteRow:
        """Confirm, or dispute: an outcome with our signature, the gist of a call, a state.

        Raises:
            NotFound: no such conversation or plan.
            WrongState: there is nothing of theirs to confirm.
        """
        thread = await self._speaking.thread(named)
        re = thread.id
        if thread.kind is Kind.NOTICE:
            if thread.outcome is None or thread.outcome.by == self._me:
                raise WrongState("there is no outcome of theirs to confirm", field="id")
            if thread.stage is not Stage.OUTCOME:
                raise WrongState(f"no outcome waits for us: it is {thread.stage}", field="id")
            re = thread.outcome.id
            proposal = await self._proposal(thread)
            mine = proposal is not None and proposal[0].facts()["moves"] == "mine"
            if agreed and mine and proposal is not None:
                await self._move(thread, proposal[1], plan)
        else:
            self._theirs(thread)
        payload = Payload(by=person(actor), text=words.text, language=words.language)
        verdict = "agreed" if agreed else "disputed"
        return await self._answer(thread, Kind.CONFIRM, payload, re=re, verdict=verdict)

    # ---- shared

    async def _proposal(self, thread: Thread) -> tuple[NoteRow, Move] | None:
        note = thread.proposal
        if note is None or thread.stage not in (Stage.COUNTERED, Stage.OUTCOME):
            return None

        async def read(tx: Tx) -> tuple[NoteRow, Move] | None:
            store = NoteStore(tx)
            row, (_, data) = await store.get(note), await store.payload(note)
            if row is None or data is None:
                return None
            shift = read_payload(Kind.COUNTER, data).shift
            return None if shift is None else (row, shift)

        return await self._speaking.read(read)

    async def _move(self, thread: Thread, shift: Move, plan: str) -> None:
        """Move a plan of ours in every register; nothing else that is announced can be moved.

        Raises:
            WrongState: it could not, or not yet, or nobody knows which; nothing is signed then.
        """
        if thread.mode is not Mode.LIVE:
            return
        facts, ours = self._speaking.board.facts[thread.id], thread.opener == self._me
        if ours and plan not in ("", facts["id"]):
            raise BadInput("our own notice says which plan moves; leave it out", field="plan")
        if ours and facts["subject"] != "plan":
            return  # No register knows it: a later notice says where it is then.
        if not ours and not plan:
            raise WrongState("say which plan of ours moves: --plan", field="plan")
        subject = facts["id"] if ours else plan
        if not (ours and await self._moved(thread, shift)):
            aside = None
            if shift.north_m or shift.east_m:
                aside = Aside.of(shift.north_m, shift.east_m)
            await self._plans.shift(subject, delay_s=shift.delay_s, up_m=shift.up_m, aside=aside)
        found = await self._plans.settled(subject, MOVE_WAIT_S)
        if not found.coordinated or found.reason:
            why = found.reason or f"it is {found.status}"
            raise WrongState(
                f"nothing is signed: the plan did not move so ({why}); tansiq plan show {subject} "
                "says more",
                field="shift",
            )

    async def _moved(self, thread: Thread, shift: Move) -> bool:
        """Whether our plan is already where a proposal would have it: who asks again moves it once.

        What is proposed is counted from what the notice said.
        """
        _, data = await self._speaking.read(lambda tx: NoteStore(tx).payload(thread.id))
        if data is None:
            return False
        said = volumes_to_domain(read_payload(Kind.NOTICE, data).volumes, "volumes")
        by = timedelta(seconds=shift.delay_s)
        wanted = tuple(volume.shifted(by=by, up_m=shift.up_m) for volume in said)
        if shift.north_m or shift.east_m:
            wanted = moved_aside(wanted, Aside.of(shift.north_m, shift.east_m))
        plan = await self._plans.plan(self._speaking.board.facts[thread.id]["id"])
        return volumes_to_domain(_volumes(plan.volumes), "volumes") == wanted

    async def _answer(
        self,
        thread: Thread,
        kind: Kind,
        payload: Payload,
        *,
        re: NoteID | None = None,
        **own: str,
    ) -> NoteRow:
        if thread.stage is Stage.WITHDRAWN and kind is not Kind.SEEN:
            raise WrongState(
                f"{thread.opener} has withdrawn it: nothing is left to say", field="id"
            )
        self._current(thread, kind)
        draft = Draft(
            kind=kind,
            to=self._speaking.other(thread),
            payload=payload,
            own=own,
            re=re or thread.id,
            mode=thread.mode,
        )
        return (await self._speaking.say(draft))[0]

    def _current(self, thread: Thread, kind: Kind) -> None:
        board = self._speaking.board
        if kind not in _COUNTS or not board.superseded(thread):
            return
        peer = self._speaking.other(thread)
        later = board.latest[thread.opener, peer, board.facts[thread.id]["id"]]
        raise WrongState(
            f"a later notice of the same has taken its place, and that one counts: {later[:10]}",
            field="id",
        )

    def _ours(self, thread: Thread) -> None:
        if thread.opener != self._me:
            raise WrongState(
                f"it is {thread.opener}'s, who alone takes it back; tansiq notice answer says what "
                "we think of it",
                field="id",
            )

    def _theirs(self, thread: Thread) -> None:
        if thread.opener == self._me:
            raise WrongState("it is our own; the other side says that", field="id")


_COUNTS = frozenset({Kind.READBACK, Kind.ANSWER, Kind.COUNTER, Kind.OUTCOME})
"""What nobody means of a notice that a later one has superseded."""
_WORDS = ("noted", "no-conflict", "unable", "need-time")


def _of_plan(plan: PlanView) -> Payload:
    return Payload(
        callsign=plan.callsign,
        formation=plan.formation,
        priority=plan.priority,
        volumes=_volumes(plan.volumes) + _volumes(plan.off_nominal_volumes),
        stated=tuple(msgspec.json.decode(plan.stated)),
    )


def _of_area(area: ConstraintView) -> Payload:
    return Payload(name=area.name, volumes=_volumes(area.volumes))


def _volumes(raw: msgspec.Raw) -> tuple[wire.Volume4D, ...]:
    return codec.decode_part(msgspec.Raw(b'{"volumes":' + bytes(raw) + b"}"), _Volumes).volumes


def _span(payload: Payload) -> tuple[datetime, datetime]:
    starts, ends = [], []
    for volume in payload.volumes:
        if volume.time_start is not None and volume.time_end is not None:
            starts.append(parse_rfc3339(volume.time_start.value, "time_start"))
            ends.append(parse_rfc3339(volume.time_end.value, "time_end", round_up=True))
    return min(starts), max(ends)
