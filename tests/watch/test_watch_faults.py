"""What the watch does where things fail under it: looks, the store, clocks, floods, ended plans."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from air import HERE, Air, Flying, air, block

from tansiq.domain.actor import Actor, Role
from tansiq.domain.alarm import OPEN
from tansiq.domain.alarm_key import AlarmKind, Level, Subject, key
from tansiq.domain.ellipsoid import destination
from tansiq.domain.note import NoteID
from tansiq.errors import StoreError
from tansiq.services.watch import separation
from tansiq.services.watch.alarms import HEARD_MAX
from tansiq.services.watch.kept import Cause

pytestmark = pytest.mark.anyio
ANNA = Actor(name="anna", display_name="Anna", initials="AN", role=Role.WATCH)


def near() -> list[Flying]:
    return [
        Flying(address=f"icao:00000{number}", at=destination(HERE, 90.0, 100.0 * number))
        for number in (1, 2)
    ]


class Failing:
    """A store that takes nothing while it is told not to."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.failing = False

    async def write(self, fn: Any, *, beside: bool = False, at: Any = ()) -> Any:
        if self.failing:
            raise StoreError("the disk is full")
        return await self._store.write(fn)

    async def read(self, fn: Any) -> Any:
        return await self._store.read(fn)


async def test_what_cannot_be_looked_at_hides_nothing_else(sky: Air) -> None:
    sky.flying = near()

    def source(_: object) -> list[Cause]:
        raise KeyError("nobody foresaw this")

    sky.watch.parts.sources.append(source)
    await sky.run(2)
    assert "separation-lost" in sky.kinds()
    assert "NOT LOOKED AT: feeds and notes" in sky.picture.view().sentence
    sky.watch.parts.sources.remove(source)
    await sky.run(1)
    assert "NOT LOOKED AT" not in sky.picture.view().sentence


async def test_no_alarm_ends_because_a_look_fails(
    sky: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was open stands until somebody could look again, and says so once."""
    sky.flying = near()
    await sky.run(2)

    def causes(*_: object) -> list[Cause]:
        raise KeyError("nobody foresaw this")

    with monkeypatch.context() as patch:
        patch.setattr(separation, "causes", causes)
        await sky.run(60)
        kept = {k.alarm.key.kind.value: k for k in sky.watch.parts.alarms.in_sight()}
        assert kept["separation-lost"].alarm.stage in OPEN
        assert kept["separation-lost"].sentence.count("could not be looked at") == 1
    sky.flying = []
    await sky.run(1)
    assert "NOT LOOKED AT" not in sky.picture.view().sentence


async def test_a_look_that_fails_is_told_and_the_next_one_is_tried(
    sky: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock of the loop runs; a fault that nobody foresaw hits some looks and then no more."""
    sky.flying = near()
    faults = 2

    def look(*_: object) -> None:
        nonlocal faults
        if faults:
            faults -= 1
            raise KeyError("nobody foresaw this")

    monkeypatch.setattr(sky.watch.parts.rings, "forget_old", look)
    seen: list[str] = []
    sky.watch.on_tick = lambda: seen.append(sky.picture.view().sentence)
    sky.clock.follow(asyncio.get_running_loop())
    await sky.watch.start()
    try:
        for _ in range(40):
            sky.watch.hear("test", [each.report(sky.clock.now()) for each in sky.flying])
            await asyncio.sleep(0.2)
            if sky.watch.ticks and sky.kinds():
                break
    finally:
        await sky.watch.stop()
    assert "THE LAST LOOK FAILED" in seen[0]
    assert "separation-lost" in sky.kinds()
    assert "FAILED" not in sky.picture.view().sentence


async def test_a_picture_that_nothing_was_added_to_says_how_old_it_is(sky: Air) -> None:
    await sky.run(1)
    assert "old" not in sky.picture.view().sentence
    sky.clock.time += timedelta(seconds=60)
    await asyncio.sleep(1.1)  # A view is made anew each second, looked at or not.
    assert "the picture is 1 min old" in sky.picture.view().sentence


async def test_an_alarm_is_shown_though_the_store_fails_and_is_on_disk_once_it_works(
    tmp_path: Path,
) -> None:
    async with air(tmp_path) as sky:
        store = sky.events.store = Failing(sky.events.store)  # type: ignore[assignment]
        sky.flying = near()
        store.failing = True  # type: ignore[attr-defined]
        with pytest.raises(StoreError):
            await sky.run(1)
        shown = {v.kind for v in sky.picture.alarms(sky.clock.time)}
        assert "separation-lost" in shown
        with pytest.raises(StoreError):
            await sky.run(1)
        (named,) = [v.id for v in sky.picture.alarms(sky.clock.time) if v.kind[0] == "s"]
        with pytest.raises(StoreError):  # What a person does is not taken where it is not kept.
            await sky.watch.acknowledge(named, ANNA)
        store.failing = False  # type: ignore[attr-defined]
        await sky.run(1)
    async with air(tmp_path) as again:
        assert "separation-lost" in again.kinds()


async def test_a_clock_that_is_set_back_does_not_blind_the_watch(sky: Air) -> None:
    sky.flying = near()
    await sky.run(2)
    sky.clock.time -= timedelta(hours=1)
    for each in sky.flying:
        each.since = sky.clock.time
    await sky.run(2)
    assert sky.watch.latest is not None
    assert len(sky.watch.latest.scene.aircraft) == 2


async def test_who_flies_on_where_a_person_has_ended_the_plan_is_not_shown_as_inside(
    sky: Air,
) -> None:
    plan = sky.put(1, block())
    sky.flying = [Flying(address="icao:00000a", callsign="PLAN-1", speed_mps=10.0)]
    await sky.run(1)
    await sky.watch.bind("icao:00000a", plan.id, ANNA)
    await sky.run(1)
    assert sky.picture.view().tracks[0].conformance == "inside"
    sky.airspace.drop("north", plan.id)
    await sky.run(2)
    (track,) = sky.picture.view().tracks
    assert (track.conformance, track.plan) == ("unplanned", "")
    # Placed anew under another id: its call sign suggests it, whatever was said of the old one.
    anew = sky.put(2, block(), callsign="PLAN-1")
    await sky.run(1)
    assert sky.picture.view().tracks[0].may_be == (anew.id,)


async def test_a_party_that_floods_takes_no_room_of_ours(sky: Air) -> None:
    alarms, now = sky.watch.parts.alarms, sky.clock.time
    for number in range(HEARD_MAX + 5):
        what = key(AlarmKind.SEPARATION_LOST, Subject(str(UUID(int=number + 1))))
        said = Cause(
            key=what, level=Level.WARNING, sentence="", parties=("south",), heard_of="south"
        )
        await alarms.join(what, NoteID(f"{number:064x}"), said, now)
    assert len(alarms.in_sight()) == HEARD_MAX
    assert alarms.turned_away == 5
    sky.flying = near()
    await sky.run(1)
    ours = [each for each in alarms.in_sight() if not each.heard_of]
    assert AlarmKind.SEPARATION_LOST in {each.alarm.key.kind for each in ours}


async def test_of_too_many_pairs_those_that_meet_first_are_told_and_the_rest_counted(
    sky: Air, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separation, "CAUSES_MAX", 3)
    # Four abreast, two pairs of them closing: six pairs within the minima or about to be.
    sky.flying = [
        Flying(address=f"icao:00000{n}", at=destination(HERE, 90.0, 300.0 * n)) for n in range(5)
    ]
    await sky.run(1)
    pairs = [v for v in sky.picture.view().alarms if v.kind == "separation-lost"]
    assert len(pairs) == 3
    assert "7 alarms more than are shown" in sky.picture.view().sentence


async def test_that_too_many_aircraft_are_heard_is_said_whenever_they_were_followed(
    sky: Air,
) -> None:
    sky.watch.parts.tracks._most = 1
    now = sky.clock.time
    sky.watch.hear("test", [near()[0].report(now)])
    sky.watch.parts.tracks.follow_heard()
    sky.watch.hear("test", [near()[1].report(now)])
    sky.watch.parts.tracks.follow_heard()  # Between two ticks.
    await sky.watch.tick(now)
    assert "more aircraft are heard than are followed" in sky.picture.view().sentence


async def test_what_was_raised_today_is_counted_over_a_restart(tmp_path: Path) -> None:
    async with air(tmp_path) as sky:
        sky.flying = near()
        await sky.run(1)
        raised = dict(sky.watch.parts.alarms.raised_today)
        (view,) = [v for v in sky.picture.view().alarms if v.kind == "separation-lost"]
        await sky.watch.mark_nuisance(view.id, ANNA)
    async with air(tmp_path) as sky:
        assert dict(sky.watch.parts.alarms.raised_today) == raised
        assert sky.watch.parts.alarms.nuisances_today == 1
