"""Stations with people at them, who do what desks do: look after a while, and answer what is open.

They speak through the services that the own API calls, so what a node would refuse them is refused
here too. Everything they do follows from the ``random.Random`` they are given.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random
from typing import Any, cast
from uuid import UUID

from stations import Air, Station
from virtual import SimulatedClock

from tansiq.domain.actor import Actor, Role
from tansiq.domain.agreement import Agreement
from tansiq.domain.draft import Datum, PlanDraft, StatedBand, Units
from tansiq.domain.line import Stance
from tansiq.domain.note import Kind, NoteID
from tansiq.domain.pact import Rung
from tansiq.domain.thread import Stage, Thread
from tansiq.domain.time import TimeSpan, zulu
from tansiq.domain.volume import AltitudeBand, Circle, LatLng, Volume3D, Volume4D
from tansiq.errors import NotFound, WrongState
from tansiq.formats.payload import Move, Repeated, read_payload, told_of
from tansiq.formats.phrase_book import check_phrase
from tansiq.services.events import Events
from tansiq.services.line.notices import Notices
from tansiq.services.line.ports import Delivered
from tansiq.services.line.speaking import Speaking, Words
from tansiq.services.line.talk import Talk
from tansiq.settings import Limits, Timers
from tansiq.storage.notes import NoteRow, NoteStore

LOOK_S = (20.0, 900.0)
"""How long a person takes until the next look at what is new."""
_FRESH = (Stage.SENT, Stage.ARRIVED)
PLAN = "2f8343be-6482-4d1b-a474-16847e01af1e"
"""Of whoever moves a plan of theirs for somebody else's notice."""
Did = Awaitable[object]


class Plans:
    """Plans that move as they are told to; the only part of planning that the line asks for."""

    class _Moved:
        coordinated = True
        reason = ""

    async def shift(self, *_: object, **__: object) -> None: ...

    async def settled(self, *_: object) -> "Plans._Moved":
        return self._Moved()


class Desk(Station):
    """One party's node with its people."""

    timers = Timers(retry_last_s=60.0)
    cosign_every_s = 3_600.0
    """Nobody waits for it here, and of a year it is most of the work."""

    def __init__(
        self, party: str, agreement: Agreement, air: Air, *, clock: SimulatedClock, random: Random
    ) -> None:
        self.random = random
        self.said: list[NoteRow] = []
        self.woken = asyncio.Event()
        self.armed_s: float | None = None
        """Set: the node dies at the next delivery, and stays away for so long."""
        self.dying: asyncio.Task[None] | None = None
        super().__init__(party, agreement, air, clock=clock, clock_error_ms=1_000)
        name = f"{party.title()} Watch"
        self.actor = Actor(
            name=party, display_name=name, initials=party[:2].upper(), role=Role.WATCH
        )

    def open(self) -> None:
        super().open()
        self.speaking = Speaking(
            self.site,
            pen=self.pen,
            outbox=self.outbox,
            board=self.board,
            events=Events(self.store, self.clock, Limits()),
        )
        self.speaking.on_written = self.cosigning.grown
        plans = cast(Any, Plans())
        self.notices = Notices(self.speaking, plans=plans, constraints=plans, me=self.party)
        self.talk = Talk(self.site, self.speaking, check_code=check_phrase)
        self.woken.set()

    async def heard(self, wires: Sequence[Any], sender: str) -> list[Delivered]:
        delivered = await super().heard(wires, sender)
        self.woken.set()
        if self.armed_s is not None and self.dying is None:
            self.dying = asyncio.create_task(self.die(self.random.uniform(0.0, 0.4), self.armed_s))
            self.armed_s = None
        return delivered

    async def die(self, after_s: float, for_s: float) -> None:
        """Be killed after a while, and come back."""
        await asyncio.sleep(after_s)
        if not self.down:
            await self.kill(for_s)
        self.dying = None

    async def do(self, act: Callable[[], Awaitable[object]]) -> bool:
        """Do one thing, unless the node is away or does not let it pass; report whether it did."""
        if self.down:
            return False
        try:
            done = await act()
        except (WrongState, NotFound):
            return False
        rows = done if isinstance(done, list) else [done]
        self.said += [row for row in rows if isinstance(row, NoteRow)]
        self.woken.set()
        return True

    # ---- answering

    async def sit(self) -> None:
        """Answer what is open, for ever."""
        while True:
            await self.woken.wait()
            await asyncio.sleep(self.random.uniform(*LOOK_S))
            self.woken.clear()
            if not self.down:
                await self.look()

    async def look(self) -> None:
        """Take one step in each conversation that waits for us."""
        await self.board.catch_up()
        for thread in sorted(self.board.open_threads(), key=lambda each: each.id):
            act = await self._next(thread)
            if act is not None:
                await self.do(act)

    async def _next(self, thread: Thread) -> Callable[[], Did] | None:
        ours = thread.opener == self.party
        if thread.kind is Kind.NOTICE:
            return await self._of_notice(thread, ours)
        if ours:
            return None
        if thread.kind is Kind.CHECK:
            return lambda: self.talk.reply(thread.id, self.actor)
        if thread.kind is Kind.CALL:
            agreed = thread.stage is Stage.DISPUTED or self.random.random() < 0.85
            return lambda: self.notices.confirm(thread.id, self.actor, agreed=agreed)
        if thread.kind is Kind.INCIDENT:
            return lambda: self.talk.review(thread.id, self.actor, Words(text="Reviewed."))
        if thread.step(Rung.SEEN) is None:
            return lambda: self.notices.seen(thread.id, self.actor)
        return None

    async def _of_notice(self, thread: Thread, ours: bool) -> Callable[[], Did] | None:
        if thread.stage is Stage.OUTCOME and thread.outcome is not None:
            if thread.outcome.by == self.party:
                return None
            agreed = self.random.random() < 0.9
            return lambda: self.notices.confirm(
                thread.id, self.actor, agreed=agreed, plan="" if ours else PLAN
            )
        if thread.stage is Stage.COUNTERED:
            return await self._of_proposal(thread, ours)
        if ours:
            gone = thread.stage in (Stage.UNABLE, Stage.DECLINED) and self.random.random() < 0.5
            return (lambda: self.notices.withdraw(thread.id, self.actor)) if gone else None
        if thread.stage in _FRESH:
            return lambda: self.notices.seen(thread.id, self.actor)
        if thread.stage is Stage.SEEN and self.random.random() < 0.8:
            return lambda: self._read_back(thread.id)
        if thread.stage is Stage.READ_BACK and self.random.random() < 0.3:
            return self._counter(thread, mine=self.random.random() < 0.5)
        word = self.random.choice(("noted", "noted", "unable", "need-time"))
        if thread.step(Rung.READ_BACK) is not None and self.random.random() < 0.7:
            word = "no-conflict"
        return lambda: self.notices.answer(thread.id, word, self.actor)

    async def _of_proposal(self, thread: Thread, ours: bool) -> Callable[[], Did] | None:
        assert thread.proposal is not None
        proposal = thread.proposal
        row = await self.store.read(lambda tx: NoteStore(tx).get(proposal))
        if row is None or row.sender == self.party:
            return None
        draw = self.random.random()
        if draw < 0.6:
            return lambda: self.notices.accept(thread.id, self.actor, plan="" if ours else PLAN)
        if draw < 0.8 or not ours:
            return self._counter(thread, mine=ours)
        return lambda: self.notices.answer(thread.id, "unable", self.actor)

    def _counter(self, thread: Thread, *, mine: bool) -> Callable[[], Did]:
        shift = Move(delay_s=60 * self.random.randint(1, 60), up_m=self.random.choice((0.0, 30.0)))
        return lambda: self.notices.counter(thread.id, shift, self.actor, mine=mine)

    async def _read_back(self, notice: NoteID) -> NoteRow:
        _, data = await self.store.read(lambda tx: NoteStore(tx).payload(notice))
        assert data is not None
        told = told_of(read_payload(Kind.NOTICE, data))
        repeated = Repeated(
            points=tuple((point.lat_deg, point.lng_deg) for point in told.points),
            radius_m=told.radius_m,
            lower=self.random.choice(told.lower),
            upper=self.random.choice(told.upper),
            start=zulu(told.start),
            end=zulu(told.end),
        )
        return await self.notices.readback(notice, repeated, self.actor)

    # ---- beginning

    def others(self) -> list[str]:
        """Draw some of the other parties."""
        return self.random.sample(sorted(self.board.lines), self.random.choice((1, 1, 1, 2, 4)))

    def area(self) -> PlanDraft:
        """Draw a block of air some hours ahead."""
        start = self.clock.now().replace(microsecond=0) + timedelta(
            minutes=self.random.randint(-30, 600)
        )
        lower, end = self.random.randrange(0, 3_000, 50), start + timedelta(hours=1)
        place = LatLng(lat_deg=33 + self.random.random() / 2, lng_deg=36 + self.random.random() / 2)
        return PlanDraft(
            id=str(UUID(int=self.random.getrandbits(128), version=4)),
            callsign=f"{self.party[0].upper()}{self.random.randint(1, 999)}",
            volumes=(
                Volume4D(
                    volume=Volume3D(
                        outline=Circle(center=place, radius_m=300.0),
                        altitude=AltitudeBand(lower_m=lower, upper_m=lower + 100),
                    ),
                    time=TimeSpan(start=start, end=end),
                ),
            ),
            stated=(StatedBand(lower=lower, upper=lower + 100, units=Units.M, datum=Datum.W84),),
        )

    async def begin(self, kind: str) -> None:
        """Say something new."""
        to = self.others()
        act: dict[str, Callable[[], Did]] = {
            "notice": lambda: self.notices.give_area(self.area(), to, self.actor),
            "message": lambda: self.talk.say(to, "say.stand-by", {}, self.actor),
            "call": lambda: self.talk.call(to[0], self.actor, Words(text="As agreed by voice.")),
            "incident": lambda: self._incident(to),
            "withdraw": self._withdraw,
            "watch": lambda: self.talk.take_watch(self.actor),
        }
        if kind == "stop":
            await self._stop()
        elif kind == "line":
            await self._stance(to)
        else:
            await self.do(act[kind])

    async def _incident(self, to: Sequence[str]) -> list[NoteRow]:
        now = self.clock.now()
        start = zulu(now - timedelta(hours=1))
        return await self.talk.incident(to, start, zulu(now), self.actor, Words(text="Too near."))

    async def _withdraw(self) -> NoteRow:
        given = [
            each.id
            for each in self.board.open_threads()
            if each.kind is Kind.NOTICE and each.opener == self.party
        ]
        if not given:
            raise NotFound("nothing to withdraw")
        return await self.notices.withdraw(self.random.choice(sorted(given)), self.actor)

    async def _stop(self) -> None:
        if not await self.do(lambda: self.talk.stop((), self.actor)):
            return
        while True:
            await asyncio.sleep(self.random.uniform(600, 6 * 3_600))
            if await self.do(lambda: self.talk.all_clear(None, self.actor)):
                return

    async def _stance(self, to: Sequence[str]) -> None:
        state = self.random.choice(list(Stance))
        await self.do(lambda: self.talk.set_line(to, state, self.actor))
        while True:
            await asyncio.sleep(self.random.uniform(600, 6 * 3_600))
            if await self.do(lambda: self.talk.set_line(to, Stance.OPEN, self.actor)):
                return

    async def check(self, party: str) -> None:
        """Ask whether a person is there; in practice where both practise."""
        exercise = self.board.lines[party].practising
        await self.do(lambda: self.talk.check([party], self.actor, exercise=exercise))
