"""Alarms told and heard over the real line of two stations in simulated time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from desks import Desk
from stations import Air, Faults, agreement_of
from virtual import SimulatedClock, simulate

from tansiq.domain.alarm import Display, Stage, display
from tansiq.domain.alarm_key import AlarmKey, AlarmKind, Level, Subject, key
from tansiq.domain.note import Kind
from tansiq.errors import StoreError
from tansiq.services.events import Events
from tansiq.services.watch.alarms import Alarms
from tansiq.services.watch.kept import Cause, Kept
from tansiq.services.watch.telling import AT_ONCE, HEARD_FOR, AlarmNotes
from tansiq.settings import Limits

NEAR = AlarmKind.SEPARATION_LOST


def subject(number: int) -> Subject:
    return Subject(str(UUID(int=number, version=4)))


def about(number: int, kind: AlarmKind = NEAR) -> AlarmKey:
    return key(kind, subject(2 * number + 1), subject(2 * number + 2))


class Watching(Desk):
    """A desk with alarms; what its watch finds is what a test says."""

    def open(self) -> None:
        super().open()
        self.found: list[AlarmKey] = []
        self.made = 0
        events = Events(self.store, self.clock, Limits())
        self.alarms = Alarms(events, new_id=self._new_id)
        self.notes = AlarmNotes(self.speaking, self.alarms, me=self.party)

    def _new_id(self) -> str:
        self.made += 1
        return str(UUID(int=(self.made << 64) + len(self.party), version=4))

    async def look(self, seconds: int = 1) -> None:
        """Look so many times, and let a second pass after each."""
        others = [party.id for party in self.agreement.parties if party.id != self.party]
        for _ in range(seconds):
            now = self.clock.now()
            found = [
                Cause(key=each, level=Level.WARNING, sentence="too close", parties=tuple(others))
                for each in self.found
            ]
            await self.alarms.step([*found, *self.notes.causes(now)], now)
            await self.notes.exchange(now)
            await self.clock.sleep(1.0)

    async def acknowledge(self, number: int = 0) -> Kept:
        kept = self.alarms.of(about(number))
        assert kept is not None
        kept = await self.alarms.acknowledge(kept.name, self.actor.display_name, self.clock.now())
        await self.notes.acknowledged(kept, self.actor)
        return kept

    def kept(self, number: int = 0) -> Kept:
        found = self.alarms.of(about(number))
        assert found is not None
        return found

    async def notes_of(self, kind: Kind) -> int:
        await self.board.catch_up()
        threads = self.board.threads.values()
        return sum(thread.kind is kind and thread.opener == self.party for thread in threads)


def world(
    main: Callable[[Watching, Watching], Awaitable[None]], faults: Faults | None = None
) -> None:
    async def run() -> None:
        air, clock = Air(Random(1), faults or Faults()), SimulatedClock()
        terms = agreement_of("north", "south")
        sides = [
            Watching(each, terms, air, clock=clock, random=Random(2)) for each in ("north", "south")
        ]
        for each in sides:
            each.start()
            await each.alarms.start(clock.now())
        await main(*sides)
        for each in sides:
            await each.stop()

    simulate(run)


def test_what_one_finds_stands_at_the_other_for_five_minutes_and_is_seen_there() -> None:
    async def main(north: Watching, south: Watching) -> None:
        north.found = [about(0)]
        await north.look(2)
        await south.look(2)
        heard = south.kept()
        assert heard.heard_of == "north"
        assert heard.alarm.level is Level.WARNING
        assert heard.name == north.kept().name
        north.found = []
        began = south.clock.now()
        while south.kept().alarm.stage is not Stage.RETURNED:
            await south.look()
        lasted = south.clock.now() - began
        assert HEARD_FOR - timedelta(seconds=5) < lasted < HEARD_FOR + timedelta(seconds=20)

    world(main)


def test_what_both_find_ends_when_our_own_watch_says_so() -> None:
    async def main(north: Watching, south: Watching) -> None:
        north.found = south.found = [about(0)]
        for _ in range(5):
            await north.look()
            await south.look()
        assert not south.kept().heard_of
        assert south.kept().name == north.kept().name
        south.found = []
        await south.look(20)
        assert south.kept().alarm.stage is Stage.RETURNED

    world(main)


def test_an_acknowledgement_says_whose_desk_on_the_conversation_the_other_opened() -> None:
    async def main(north: Watching, south: Watching) -> None:
        north.found = [about(0)]
        await north.look(2)
        await south.look(2)
        # Seen at the desk that found it: nothing of that is said on its own conversation.
        await north.acknowledge()
        await north.look(3)
        await south.look(3)
        assert not south.kept().seen_by
        assert not north.kept().seen_by
        await south.acknowledge()
        await south.look(3)
        await north.look(3)
        assert north.kept().seen_by == ("south",)

    world(main)


def test_what_our_desk_has_seen_is_said_once_the_store_takes_it() -> None:
    """A note cannot be written for a while: the acknowledgement is not lost."""

    async def main(north: Watching, south: Watching) -> None:
        north.found = [about(0)]
        await north.look(2)
        await south.look(2)
        say = south.speaking.say
        south.speaking.say = _failing  # type: ignore[method-assign]
        with pytest.raises(StoreError):
            await south.acknowledge()
        south.speaking.say = say  # type: ignore[method-assign]
        shown = display(south.kept().alarm, south.clock.now())
        assert shown is Display.STEADY
        await south.look(3)
        await north.look(3)
        assert north.kept().seen_by == ("south",)

    world(main)


async def _failing(*_: object, **__: object) -> list[object]:
    raise StoreError("the disk is full")


def test_a_note_is_not_repeated_though_what_follows_it_is_not_stored() -> None:
    async def main(north: Watching, south: Watching) -> None:
        north.found = [about(0)]
        told = north.alarms.note_told
        north.alarms.note_told = _failing  # type: ignore[method-assign,assignment]
        for _ in range(4):
            with pytest.raises(StoreError):
                await north.look()
            await north.clock.sleep(1.0)
        north.alarms.note_told = told  # type: ignore[method-assign]
        await north.look(30)
        assert await north.notes_of(Kind.ALARM) == 1
        assert north.kept().told == {"south": int(Level.WARNING)}

    world(main)


def test_many_at_once_are_told_some_each_look_and_all_in_the_end() -> None:
    many = 2 * AT_ONCE + 5

    async def main(north: Watching, south: Watching) -> None:
        north.found = [about(number) for number in range(many)]
        counts = []
        for _ in range(4):
            await north.look()
            counts.append(await north.notes_of(Kind.ALARM))
        assert counts == [AT_ONCE, 2 * AT_ONCE, many, many]
        await south.look()
        assert len(south.alarms.in_sight()) == AT_ONCE
        await south.look(5)
        assert len(south.alarms.in_sight()) == many

    world(main)


def test_what_a_line_that_was_cut_brings_hours_later_raises_nothing_old() -> None:
    async def main(north: Watching, south: Watching) -> None:
        north.air.faults.cut = True
        north.found = [about(0)]
        await north.look(5)
        north.found = []
        await north.look(60)
        # The note was made before the cut ended; it came now, and stands five minutes from now.
        north.air.faults.cut = False
        await north.clock.sleep(120.0)
        await south.look(2)
        assert south.kept().heard_of == "north"
        await south.look(int(HEARD_FOR.total_seconds()) + 30)
        assert south.kept().alarm.stage is Stage.RETURNED
        # After a restart nothing of it comes back.
        south.notes = AlarmNotes(south.speaking, south.alarms, me=south.party)
        await south.look(5)
        assert south.kept().alarm.stage is Stage.RETURNED

    world(main)
